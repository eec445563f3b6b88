/* The store's side of forwarding: what a target (another OTLP endpoint, Splunk,
 * a syslog receiver) has not been given yet, and how far each has come.
 *
 * The order that can not skip a record.  A number that the whole store counts
 * up (a row id, a time of receipt) is no cursor when several hubs write: a
 * transaction that took a low number may commit after one that took a higher one, and
 * a reader that had passed it would never see it.  hvfleet.seq is none either: a record
 * that comes late fills a hole far below the mark.  But the records of one stream are
 * only ever written by one transaction at a time (in SQLite there is one writer at
 * all; in PostgreSQL the row of the agent id is locked first, see fleet_postgres.c), and
 * stream.records counts them.  So each observation carries `arrival`, its place in that
 * count: dense from 1, given in the order of the commits, and visible together with the
 * stream.records that covers it.  A target's mark is one arrival a stream; what is above it is what the
 * target lacks, and a number that is missing above it was there and has aged out.
 *
 * One hub at a time forwards to a target: it holds a lease, a row with its name and
 * until when.  Marks are moved in a transaction that also changes that row and
 * does nothing when the name is no longer ours, so that a hub that slept through its lease
 * moves nothing.  What it had sent is then sent again by the other: targets get
 * each record at least once, and tell repetitions by agent id and hvfleet.seq.
 *
 * Thread: as fleet_store.h.  All functions are done again by themselves when they lose a race.
 */
#ifndef HUB_FLEET_FORWARD_H
#define HUB_FLEET_FORWARD_H

#include "base/error.h"
#include "model/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FORWARD_NAME_MAX = 24, /* of a target; fits where findings have an agent id */
    FORWARD_OWNER_MAX = 40,
    FORWARD_REASON_MAX = 256,
    FORWARD_STREAMS_MAX = 256, /* looked into in one go */
    FORWARD_REFUSED_KEPT = 1000,
};

struct fleet_store;

/* A stream that has more than the target's mark. */
struct fleet_behind {
    int64_t stream;
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX];
    uint64_t mark;    /* the arrival that the target has */
    uint64_t records; /* the newest arrival there is */
};
typedef bool fleet_take_behind(void *arg, const struct fleet_behind *s);

struct fleet_forwarded {
    uint64_t arrival, seq;
    int64_t received;
    const void *payload; /* encoded LogRecord; valid during the call */
    size_t len;
};
typedef bool fleet_take_record(void *arg, const struct fleet_forwarded *r);

/* Makes the target known.  A new one begins with what is stored, or, with from_now, with what comes from now on. */
MUST_USE int fleet_forward_open(struct fleet_store *s, const char *target, bool from_now, struct err *e);

/* Takes or lengthens the lease.  *held is false when another owner has it. */
MUST_USE int fleet_forward_lease(struct fleet_store *s, const char *target, const char *owner, int64_t length_ns,
                                 bool *held, struct err *e);
MUST_USE int fleet_forward_release(struct fleet_store *s, const char *target, const char *owner, struct err *e);

/* What to read: streams with an id above `after`, at most `limit` of them.  For each, `stream` is called with what is
 * known of its host (ids alone where nothing is), then `record` for its records until it returns false (which ends the
 * reading), then `end` when they were read to the last one.  All of it is one moment. */
struct fleet_forward_reader {
    const char *target;
    int64_t after;
    int records_max;
    void *arg;
    bool (*stream)(void *arg, const struct fleet_behind *s, const struct resource *who);
    fleet_take_record *record;
    void (*end)(void *arg);
};
MUST_USE int fleet_forward_read(struct fleet_store *s, const struct fleet_forward_reader *r, struct err *e);

struct fleet_forward_mark {
    int64_t stream;
    uint64_t arrival;
};

struct fleet_refused {
    int64_t stream;
    uint64_t seq;
    int64_t time;
    char reason[FORWARD_REASON_MAX];
};

struct fleet_forward_counts {
    uint64_t sent, refused, lost;
};

struct fleet_forward_result {
    const char *target, *owner;
    const struct fleet_forward_mark *marks;
    size_t mark_count;
    struct fleet_forward_counts add;
    const struct fleet_refused *refused; /* NULL none */
    const char *refusal;                 /* for the finding, when add.refused > 0 */
};
/* Moves the marks and adds to the counts, in one transaction; what was lost or refused becomes a finding.  ERR_STATE:
 * the lease is another's now, and nothing was moved. */
MUST_USE int fleet_forward_commit(struct fleet_store *s, const struct fleet_forward_result *r, struct err *e);

/* Every target that was ever forwarded to. */
struct fleet_forward_target {
    char name[FORWARD_NAME_MAX];
    struct fleet_forward_counts counts;
    int64_t last_sent; /* 0 never */
    uint64_t lag;      /* records that it lacks */
    int64_t oldest;    /* when the oldest of them was received; 0 none */
};
typedef bool fleet_take_target(void *arg, const struct fleet_forward_target *t);
MUST_USE int fleet_forward_targets(struct fleet_store *s, fleet_take_target *take, void *arg, struct err *e);

#endif
