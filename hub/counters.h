/* What the hub has done since it started, for /metrics.  Any thread. */
#ifndef HUB_COUNTERS_H
#define HUB_COUNTERS_H

#include "base/buf.h"
#include "hub/fleet_store.h"

#include <stdatomic.h>
#include <stdint.h>

/* The statuses that are counted one by one; the last place takes the others. */
enum { COUNTED_STATUSES = 14 };

struct counters {
    _Atomic uint64_t requests[COUNTED_STATUSES];
    _Atomic uint64_t records;       /* stored */
    _Atomic uint64_t duplicates;    /* dropped, seen before */
    _Atomic uint64_t foreign;       /* records of other programs */
    _Atomic uint64_t missing;       /* numbers that were jumped over */
    _Atomic uint64_t body_bytes;    /* received */
    _Atomic uint64_t decoded_bytes; /* after unpacking */
    _Atomic uint64_t commits;       /* transactions, each for one or more requests */
    _Atomic uint64_t commit_failures;
    _Atomic uint64_t commit_ns;     /* time spent in them */
    _Atomic uint64_t queue;         /* requests waiting for a commit, now */
    _Atomic uint64_t connections;   /* open, now */
    _Atomic int64_t last_commit_ns; /* wall clock; 0 never */
};

void counters_request(struct counters *c, int status);

/* Prometheus text (version 0.0.4).  stats may be NULL. */
void counters_render(struct counters *c, const struct fleet_stats *stats, struct buf *out);

#endif
