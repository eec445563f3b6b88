/* A made fleet for the hub's benches: so many hosts in clusters of eight, so many guests on each, of the
 * kinds that a real fleet has, and a past in which some of them change every day.  Everything goes through
 * fleet_store_apply(), as ingest does it, with a clock that is moved on. */
#ifndef BENCH_FLEET_LOAD_H
#define BENCH_FLEET_LOAD_H

#include "hub/fleet_store.h"

struct load {
    struct fleet_store *store;
    struct clock clock; /* hand it to the store's options: its state is this load */
    int64_t now;
    int hosts, guests; /* guests on each host */
    uint64_t *seq;     /* next number of each host's agent */
    uint64_t records;  /* applied, in all */
};

/* The clock starts at the given time.  The store is opened by the caller and put into l->store. */
void load_init(struct load *l, int hosts, int guests, int64_t start_ns);
void load_free(struct load *l);
/* Goes on with a fleet that is there: takes the numbers from its agents. */
void load_resume(struct load *l);

/* Every host and every guest reports. */
void load_all(struct load *l, int round);
/* One day: the hosts whose turn it is (a seventh) report, and of each a tenth of its guests has changed;
 * one of them has moved to the next host of the cluster. */
void load_day(struct load *l, int day);
int load_round(int day); /* of the versions that are reported then */
/* hosts hosts (the first-th and those after it) report a poll; of each, changed guests have changed. */
void load_some(struct load *l, int first, int hosts, int changed, int round);
/* What waits of upkeep: retention, guests to be judged anew. */
void load_upkeep(struct load *l);

#endif
