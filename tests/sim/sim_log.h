/* A host's event log in a simulation: written by the world, read through the real
 * channel stream (plat/event_channel.h), parser and rules.
 *
 * It outlives the agent.  It is a ring: a full one overwrites its oldest records.  It can
 * be cleared, going on with its numbers or beginning again with 1.
 */
#ifndef TESTS_SIM_SIM_LOG_H
#define TESTS_SIM_SIM_LOG_H

#include "plat/event_channel.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIM_LOG_RECORDS = 512, SIM_XML_MAX = 2048 };

#define SIM_CHANNEL "Microsoft-Windows-Hyper-V-Worker-Admin"

/* What happened to one guest.  serial counts the host's events from 1 and is also the
 * fraction of the second in its time, by which it is known again at the hub. */
struct sim_record {
    uint64_t serial;
    int64_t time_ns;
    unsigned event_id;
    const char *provider;
    char vm_id[40], vm_name[32];
    bool removed;   /* cleared away or overwritten */
    bool never_met; /* that, before the agent had any mark in this log: nobody can tell of it */
};

struct sim_log {
    struct sim_record all[SIM_LOG_RECORDS]; /* every event there ever was, in order; serial i is at i - 1 */
    int count;
    int base;         /* all[base] has the number base_id */
    uint64_t base_id; /* number of the first record since the numbers began */
    int oldest;       /* all[oldest..count-1] are in the log */
    int room;         /* records the ring holds */
    uint64_t created; /* of its file */
    uint64_t *chance; /* for the service's own moods */
    bool moody;       /* calls fail now and then */
    bool met;         /* the agent has committed a mark in it */
    int clears;
};

void sim_log_init(struct sim_log *l, int room, uint64_t *chance);

/* Fills in serial; false when SIM_LOG_RECORDS are reached. */
bool sim_log_write(struct sim_log *l, struct sim_record r);
void sim_log_clear(struct sim_log *l, bool numbers_begin_again);

/* A stream over it; false when memory is out. */
bool sim_log_stream(struct sim_log *l, struct event_stream **out);

#endif
