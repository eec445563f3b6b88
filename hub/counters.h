/* What the hub has done since it started, for /metrics (metrics.h).  Any thread. */
#ifndef HUB_COUNTERS_H
#define HUB_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The statuses that are counted one by one; the last place takes the others. */
enum { COUNTED_STATUSES = 14 };
extern const int counters_statuses[COUNTED_STATUSES]; /* 0: the others */

/* How long transactions took: buckets of a histogram, in the order of counters_commit_bounds; the last takes the rest.
 */
enum { COMMIT_BUCKETS = 12 };
extern const double counters_commit_bounds[COMMIT_BUCKETS - 1]; /* seconds */

/* The targets that can be forwarded to, and what they answer (forward.h). */
enum forward_kind { FORWARD_OTLP, FORWARD_SPLUNK, FORWARD_SYSLOG, FORWARD_KINDS };
const char *forward_kind_name(enum forward_kind kind); /* "otlp", "splunk", "syslog" */

enum forward_verdict {
    FORWARD_TAKEN,
    FORWARD_LATER,   /* no answer, or a busy one: again, after a while */
    FORWARD_TOO_BIG, /* the request is: fewer records */
    FORWARD_REFUSED, /* its content is */
    FORWARD_DENIED,  /* we are: again after a long while */
    FORWARD_VERDICTS
};
const char *forward_verdict_name(enum forward_verdict verdict);

struct forward_counters {
    _Atomic bool configured;
    _Atomic bool active; /* this hub is the one that forwards */
    _Atomic bool up;     /* the last answer was good, or there was none yet */
    _Atomic uint64_t answers[FORWARD_VERDICTS];
};

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
    _Atomic uint64_t commit_ns;                      /* time spent in them */
    _Atomic uint64_t commit_buckets[COMMIT_BUCKETS]; /* how many took so long, each counted once */
    _Atomic uint64_t incidents;                      /* new ones stored */
    _Atomic uint64_t incidents_computed;             /* times that a guest's were computed */
    _Atomic uint64_t incidents_failed;               /* guests whose could not be */
    _Atomic uint64_t queue;                          /* requests waiting for a commit, now */
    _Atomic uint64_t connections;                    /* open, now */
    _Atomic uint64_t too_slow;                       /* connections that were shut down for it */
    _Atomic uint64_t deliveries_sent;
    _Atomic uint64_t deliveries_failed;   /* tries */
    _Atomic uint64_t deliveries_given_up; /* refused, or tried for too long */
    _Atomic int64_t last_commit_ns;       /* wall clock; 0 never */
    _Atomic int64_t start_ns;             /* wall clock */
    struct forward_counters forward[FORWARD_KINDS];
};

void counters_request(struct counters *c, int status);
void counters_commit(struct counters *c, int64_t ns, bool good); /* one transaction */

#endif
