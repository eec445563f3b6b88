/* Crashes as agents tell them, sent to a hub's store record by record in any order. */
#ifndef TESTS_HUB_SUPPORT_INCIDENTS_H
#define TESTS_HUB_SUPPORT_INCIDENTS_H

#include "hub/fleet_incidents.h"
#include "tests/hub/support_fleet.h"

enum { STORY_MAX = 256, STORY_AGENTS = 8 };

#define OS_2012R2 "6.3.9600.20778"
#define E1        "6.3.9600.18692"
#define OLD       "6.3.9600.16384"
/* Seconds after T0, as nanoseconds. */
#define AT(seconds) (T0 + (int64_t)((seconds)*1e9))

struct story {
    struct made made;
    struct {
        int agent;
        struct observation *o;
    } told[STORY_MAX];
    int count;
    uint64_t seq[STORY_AGENTS];
    struct test_clock clock;
    struct fleet_store *store;
    char path[4096];
};

/* A store of its own below the test's folder; the clock stands a day after T0. */
void story_start(struct story *t, const char *name);
void story_free(struct story *t);
/* A new, empty store; what was told can be sent to it again. */
void story_restart(struct story *t, const char *name);

/* Agents are numbered from 1: HV01 ... of cluster PROD-A; vm 0: none named. */
struct observation *story_tell(struct story *t, int agent, enum obs_kind kind, double seconds, int vm);
void story_crash(struct story *t, int agent, double seconds, int vm, const char *code, const char *params);
void story_sign(struct story *t, int agent, double seconds, int vm, const char *kind);
struct observation *story_dump(struct story *t, int agent, double seconds, int vm, const char *code, const char *params,
                               const char *module);
void story_life(struct story *t, int agent, double seconds, int vm, const char *change);
void story_storage(struct story *t, int agent, double seconds, const char *signal, const char *device, int64_t ms);
void story_inventory(struct story *t, int agent, double seconds, int vm, const char *is_version);

/* To the store: one record, or all in order that were not sent by story_send_new() before. */
void story_send(struct story *t, int which);
void story_send_all(struct story *t);
/* Upkeep until nothing is left, with the clock going on past every wait. */
void story_settle(struct story *t);

/* The stored incidents as JSON, one a line, oldest first, static until the next call. */
const char *story_json(struct story *t);
/* The stored incidents; free with incident_list_free(). */
struct incident_list story_incidents(struct story *t);

#endif
