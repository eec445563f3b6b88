/* The seam between what the fleet store does (fleet_store.c, fleet_apply.c,
 * fleet_reduce.c) and where the rows lie.  SQLite is one body
 * (fleet_sqlite.c); another database is another.
 *
 * A body keeps rows and transactions and has no opinion about them.  Every
 * row belongs to one host (streams and what hangs on them, guests, findings)
 * or to one small table that all share (peers, rejudging), so that a body may
 * spread the tables by host.
 *
 * Functions return 0, ERR_NOT_FOUND where there is no such row, or an error
 * after which the transaction must be rolled back.
 */
#ifndef HUB_FLEET_BODY_H
#define HUB_FLEET_BODY_H

#include "hub/fleet_forward.h"
#include "hub/fleet_gauges.h"
#include "hub/fleet_incident_rows.h"
#include "hub/fleet_store.h"

enum { FLEET_BUILD_MAX = 48, FLEET_PEERS_MAX = 4096 };

struct fleet_stream {
    int64_t id; /* 0: not stored yet */
    struct fleet_agent agent;
    /* The smallest (received - observed) of the records since delay_since: what is left when no record is
     * old is the difference of the clocks (fleet_apply.c).  delay_since 0: none yet. */
    int64_t delay_ns, delay_since;
};

struct fleet_hole {
    uint64_t first, last;
};

struct fleet_record {
    int64_t stream;
    uint64_t arrival; /* the stream's records are counted from 1 in the order in which they were stored */
    int64_t received_ns;
    const struct observation *o;
    const void *payload; /* the record as LogRecord bytes */
    size_t len;
};

/* A guest as stored, with the columns that are searched for. */
struct fleet_guest_row {
    const struct guest *guest;
    char build[FLEET_BUILD_MAX]; /* "10.0.17763"; "" unknown */
    const char *cluster;         /* of its host; "" none or not known */
    const struct drift_verdict *verdict;
};

/* What a stored guest counts as in the daily counts: its cluster and state as last put. */
struct fleet_counted {
    char cluster[FLEET_CLUSTER_MAX];
    enum drift_state state;
    bool removed;                                                               /* counts nowhere */
    char expected_version[sizeof((struct drift_verdict *)0)->expected_version]; /* as last put; for the views */
};

/* How a day's count differs from the day before.  The count of a day is the sum
 * of all rows up to it, so that days without a change need no rows. */
struct fleet_count {
    int64_t day; /* since 1970-01-01, UTC */
    char cluster[FLEET_CLUSTER_MAX];
    enum drift_state state;
    int64_t delta;
};
typedef bool fleet_take_count(void *arg, const struct fleet_count *c);

/* A host, and when one of its agents was last heard (0 never). */
struct fleet_heard {
    char host_id[HOST_ID_MAX];
    char agent_version[HOST_AGENT_VERSION_MAX];
    int64_t heard;
};
typedef bool fleet_take_heard(void *arg, const struct fleet_heard *h);

/* What ages out, in the order in which upkeep takes it. */
enum fleet_prune {
    PRUNE_OBSERVATIONS, /* received before the cutoff */
    PRUNE_FINDINGS, /* FINDING_GAP, CLOCK_OFF and SHARED_AGENT_ID last seen before it; a hole stays while it is open */
    PRUNE_GUESTS,   /* removed before it */
    PRUNE_MOVES,    /* CHANGE_HOST received before it */
    PRUNE_CHANGES,  /* every other change received before it */
    PRUNE_DAYS,     /* counts of days before the cutoff's day are added to that day */
    PRUNE_TROUBLE,  /* circumstances of hosts and clusters received before it */
    PRUNE_CIRCUMSTANCES, /* every other circumstance, when both its time and its arrival are before it */
    PRUNE_INCIDENTS,     /* crashes before it, and aliases of such */
    PRUNE_COUNT
};

/* Guests of this build (row 10) wait to be judged anew, those after `after`. */
struct fleet_rejudge {
    char build[FLEET_BUILD_MAX];
    char after[GUID_TEXT_MAX];
};

/* How far the stamps of a moment are complete: whatever is written to hosts and guests and is not seen at this moment
 * has a stamp of `from` or more.  Some of what is seen may have one too.  What is seen and was written here has one
 * below `below`; rows that came with a copy of another database may have any. */
struct fleet_mark {
    int64_t from, below; /* 1 or more */
    uint64_t epoch;      /* of this opened store: marks of two epochs say nothing of each other */
};

struct fleet_body;
struct fleet_delivery_ops;
struct fleet_identity_ops;
struct fleet_people_ops;

struct fleet_body_ops {
    int (*begin)(struct fleet_body *b, bool writing, struct err *e);
    int (*commit)(struct fleet_body *b, struct err *e);
    void (*rollback)(struct fleet_body *b); /* harmless when there is nothing to roll back */
    /* NULL, or whether the transaction that was rolled back last lost a race or its connection, so that doing
     * it again from its start may well succeed. */
    bool (*again)(struct fleet_body *b);

    int (*stream_get)(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                      struct err *e);
    /* Another host's stream of the same agent id: the one that spoke last. */
    int (*stream_other)(struct fleet_body *b, const char *agent_id, const char *host_id, struct fleet_stream *out,
                        struct err *e);
    int (*stream_put)(struct fleet_body *b, struct fleet_stream *s, struct err *e); /* gives a new one its id */

    /* Which streams a credential began. */
    int (*claim_count)(struct fleet_body *b, const char *credential, int64_t *out, struct err *e);
    int (*claim_put)(struct fleet_body *b, const char *credential, const struct fleet_agent *a, struct err *e);

    /* The lowest hole of the stream that overlaps first..last. */
    int (*hole_find)(struct fleet_body *b, int64_t stream, uint64_t first, uint64_t last, struct fleet_hole *out,
                     struct err *e);
    int (*hole_put)(struct fleet_body *b, int64_t stream, const struct fleet_hole *h, struct err *e);
    int (*hole_drop)(struct fleet_body *b, int64_t stream, uint64_t first, struct err *e);
    int (*hole_count)(struct fleet_body *b, int64_t stream, int64_t *out, struct err *e);

    int (*record_put)(struct fleet_body *b, const struct fleet_record *r, struct err *e);
    /* Is the same number with the same bytes stored for another stream of this agent id? */
    int (*record_elsewhere)(struct fleet_body *b, const char *agent_id, const struct fleet_record *r, bool *out,
                            struct err *e);
    int (*foreign_put)(struct fleet_body *b, const char *service, const struct fleet_record *r, int64_t keep,
                       struct err *e);

    int (*host_get)(struct fleet_body *b, const char *host_id, struct host *out, struct err *e);
    int (*host_put)(struct fleet_body *b, const struct host *h, struct err *e);
    int (*guest_get)(struct fleet_body *b, const char *vm_id, struct guest *out, struct err *e);
    int (*guest_put)(struct fleet_body *b, const struct fleet_guest_row *row, struct err *e);
    /* The guest with the lowest id above `after`; rows may be written between two calls. */
    int (*guest_next_on_host)(struct fleet_body *b, const char *host_id, const char *after, struct guest *out,
                              struct err *e);
    int (*guest_next_of_build)(struct fleet_body *b, const char *build, const char *after, struct guest *out,
                               struct err *e);

    int (*peer_get)(struct fleet_body *b, const char *build, struct version *out, struct err *e);
    int (*peer_put)(struct fleet_body *b, const char *build, const struct version *highest, struct err *e);
    int (*rejudge_put)(struct fleet_body *b, const struct fleet_rejudge *r, struct err *e);
    int (*rejudge_get)(struct fleet_body *b, struct fleet_rejudge *out, struct err *e); /* any one */
    int (*rejudge_drop)(struct fleet_body *b, const char *build, struct err *e);

    int (*finding_put)(struct fleet_body *b, const struct fleet_finding *f, struct err *e); /* keeps first_time */
    int (*finding_drop)(struct fleet_body *b, enum fleet_finding_kind kind, const char *host_id, const char *agent_id,
                        struct err *e);

    /* ERR_NOT_FOUND when there is no such guest. */
    int (*guest_counted)(struct fleet_body *b, const char *vm_id, struct fleet_counted *out, struct err *e);
    /* One more change; the same guest, kind, time and received once more: replaces `to` and the evidence. */
    int (*change_put)(struct fleet_body *b, const struct fleet_change *c, struct err *e);
    /* Adds delta to the row of this day, cluster and state.  Called in order of cluster and state within a
     * transaction, so that two hubs do not block each other crosswise. */
    int (*count_add)(struct fleet_body *b, const struct fleet_count *c, struct err *e);

    /* Removes (folds) at most `limit` rows of the kind. */
    int (*prune)(struct fleet_body *b, enum fleet_prune what, int64_t cutoff_ns, int limit, int *removed,
                 struct err *e);
    int (*touch)(struct fleet_body *b, int64_t now_ns, struct err *e); /* writes the time of a probe */

    int (*read)(struct fleet_body *b, const struct fleet_reader *r,
                struct err *e); /* all but `change`: peers, hosts, guests, agents, findings, in this order */
    int (*read_changes)(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                        struct err *e); /* in order of received */
    /* The stored findings that the query is about, in order of host, kind and agent; its limit and times of silence are
     * not looked at. */
    int (*read_findings)(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take, void *arg,
                         struct err *e);
    /* Hosts that have been heard, and not since the time; hosts whose agents say another version (not "") than this
     * one. Of a cluster and a host where q says so.  In order of host. */
    int (*read_silent)(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                       fleet_take_heard *take, void *arg, struct err *e);
    int (*read_other_agents)(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                             fleet_take_heard *take, void *arg, struct err *e);
    /* Every version that agents say, once. */
    int (*read_versions)(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg, struct err *e);
    /* The mark of the reading transaction's moment.  ERR_UNSUPPORTED: this database has none. */
    int (*mark)(struct fleet_body *b, struct fleet_mark *out, struct err *e);
    /* The rows of count_add, summed over all clusters when cluster is NULL (cluster is then ""), in order of day. */
    int (*read_counts)(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg, struct err *e);
    /* The rows summed over all days (day is 0), in order of cluster; sums of 0 may be left out. */
    int (*read_clusters)(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e);
    int (*stats)(struct fleet_body *b, struct fleet_stats *out, struct err *e);

    /* Forwarding (fleet_forward.h says what each is for). */
    /* Makes the target's row, and with from_now its marks at the end of every stream; *made tells whether it was new.
     */
    int (*forward_open)(struct fleet_body *b, const char *target, bool from_now, bool *made, struct err *e);
    /* *held: the lease is the owner's for `length`, by the clock that all who share the store go by. */
    int (*forward_lease)(struct fleet_body *b, const char *target, const char *owner, int64_t now_ns, int64_t length_ns,
                         bool *held, struct err *e);
    int (*forward_release)(struct fleet_body *b, const char *target, const char *owner, struct err *e);
    /* Streams that have more than the target's mark, those with a higher id than `after`, in order of it. */
    int (*forward_behind)(struct fleet_body *b, const char *target, int64_t after, int limit, fleet_take_behind *take,
                          void *arg, struct err *e);
    /* A stream's records that arrived after `mark`, in this order. */
    int (*forward_records)(struct fleet_body *b, int64_t stream, uint64_t mark, int limit, fleet_take_record *take,
                           void *arg, struct err *e);
    int (*forward_mark)(struct fleet_body *b, const char *target, int64_t stream, uint64_t arrival, struct err *e);
    int (*forward_refuse)(struct fleet_body *b, const char *target, const struct fleet_refused *r, int keep,
                          struct err *e);
    /* Adds to the target's row; *held is false, and nothing changed, when the lease is another's. */
    int (*forward_count)(struct fleet_body *b, const char *target, const char *owner,
                         const struct fleet_forward_counts *add, int64_t now_ns, bool *held, struct err *e);
    int (*forward_targets)(struct fleet_body *b, fleet_take_target *take, void *arg, struct err *e);
    int (*gauges)(struct fleet_body *b, int64_t silent_before_ns, struct fleet_gauges *out, struct err *e);
    const struct fleet_delivery_ops *delivery; /* fleet_delivery_body.h */
    const struct fleet_people_ops *people;     /* fleet_people_body.h */

    /* Incidents (fleet_incident_rows.h says what each row is). */
    int (*circumstance_put)(struct fleet_body *b, const struct fleet_circumstance *c, struct err *e);
    /* Those of the question with from <= time <= to (of trouble and gaps: that reach into it), newest first. */
    int (*circumstances)(struct fleet_body *b, enum circumstance_question which, const char *key, int64_t from,
                         int64_t to, int limit, fleet_take_circumstance *take, void *arg, struct err *e);
    /* The VMs with a sign of this code ("": of any) in that time. */
    int (*sign_vms)(struct fleet_body *b, const char *code, int64_t from, int64_t to, int limit, fleet_take_place *take,
                    void *arg, struct err *e);
    int (*todo_put)(struct fleet_body *b, const struct fleet_todo *t, struct err *e);
    /* The due one that has waited longest; ERR_NOT_FOUND. */
    int (*todo_first)(struct fleet_body *b, int64_t now_ns, struct fleet_todo *out, struct err *e);
    /* The due ones of the same level, scope and key, in order of `from`. */
    int (*todo_alike)(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, int limit,
                      fleet_take_todo *take, void *arg, struct err *e);
    /* Removes the due ones of the same level, scope and key that lie within t. */
    int (*todo_drop)(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, struct err *e);
    /* *mine: nobody else computes incidents until the transaction ends. */
    int (*incident_turn)(struct fleet_body *b, bool *mine, struct err *e);
    int (*review_get)(struct fleet_body *b, struct fleet_review *out, struct err *e); /* ERR_NOT_FOUND */
    int (*review_put)(struct fleet_body *b, const struct fleet_review *r, struct err *e);
    int (*incident_put)(struct fleet_body *b, const struct fleet_incident_row *r, struct err *e);
    int (*incident_drop)(struct fleet_body *b, const char *id, struct err *e);
    /* alias leads to id from now on, and what led to alias does too. */
    int (*incident_alias)(struct fleet_body *b, const char *alias, const char *id, int64_t time, struct err *e);
    int (*incident_get)(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg, struct err *e);
    int (*incidents)(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                     void *arg, struct err *e);
    /* Who crashed when, of a host, cluster or with a module, newest first. */
    int (*incident_places)(struct fleet_body *b, enum todo_scope scope, const char *key, int64_t from, int64_t to,
                           int limit, fleet_take_place *take, void *arg, struct err *e);
    const struct fleet_identity_ops *identity; /* fleet_identity_body.h */
    void (*close)(struct fleet_body *b);
};

struct fleet_body {
    const struct fleet_body_ops *ops;
};

/* fleet_sqlite.c */
MUST_USE int fleet_sqlite_open(struct fleet_body **out, const struct fleet_store_options *options, struct err *e);

/* fleet_postgres.c: options->path is a postgresql:// URL. */
MUST_USE int fleet_postgres_open(struct fleet_body **out, const struct fleet_store_options *options, struct err *e);
/* Is the URL one that it understands?  Connects to nothing. */
MUST_USE int fleet_postgres_check(const char *url, struct err *e);

/* ---- shared between the files of the store --------------------------------- */

/* Is this an answer about the row (there is none, or none that can be read back), and not about the database? */
static inline bool fleet_row_unknown(int rc)
{
    return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED;
}

struct fleet_model;
struct scoped_body;
struct fleet_store {
    struct fleet_body *body;
    struct scoped_body *scoped; /* body, while a viewer sees a part of the fleet (fleet_scope.h) */
    struct fleet_model *model;  /* NULL: nothing is kept */
    struct drift_floors floors;
    const struct clock *clock;
    int64_t keep_ns;
    struct fleet_keep history;
    int64_t foreign_max;
    bool read_only;
    struct fleet_incident_state *incidents; /* fleet_incidents.c */
};

/* After a rollback: is it worth doing the whole transaction again?  Counts the tries (from 0) and waits a
 * little, longer each time. */
bool fleet_try_again(struct fleet_store *s, int *tries);

/* The day (UTC, since 1970-01-01) of a time that is not negative. */
int64_t fleet_day_of(int64_t ns);

/* Is a part of the fleet hidden (fleet_scope.h)? */
bool fleet_is_scoped(const struct fleet_store *s);

/* Hosts and guests that a transaction touches, loaded once, written once
 * (fleet_reduce.c).  Bounded: when it is full it is settled and emptied. */
struct fleet_reduction;
MUST_USE int fleet_reduction_new(struct fleet_reduction **out, struct fleet_store *s, struct err *e);
void fleet_reduction_free(struct fleet_reduction *r);
MUST_USE int fleet_reduction_add(struct fleet_reduction *r, const struct resource *who, struct observation *o,
                                 struct err *e);
/* Is this host known by a poll, with the versions that verdicts rest on as the resource says them? */
MUST_USE int fleet_reduction_confirms(struct fleet_reduction *r, const struct resource *who, bool *out, struct err *e);
/* Judges and writes all that was touched, and the guests of hosts whose facts changed. */
MUST_USE int fleet_reduction_settle(struct fleet_reduction *r, struct err *e);

/* fleet_apply.c: one of our agents, of some host. */
bool fleet_is_ours(const struct resource *who);
/* fleet_ahead.c: a request that is ahead of its turn. */
MUST_USE int fleet_ahead_apply(struct fleet_body *b, struct fleet_reduction *r, struct fleet_batch *batch,
                               struct err *e);

/* fleet_incidents.c: what a record means for incidents is noted in the transaction that stores it. */
MUST_USE int fleet_incidents_open(struct fleet_store *s, const struct fleet_store_options *options, struct err *e);
void fleet_incidents_close(struct fleet_store *s);
/* The notes of one transaction, each written once; bounded. */
struct fleet_todos {
    struct fleet_todo rows[FLEET_TODOS_MAX];
    size_t count;
};
MUST_USE int fleet_incidents_record(struct fleet_store *s, struct fleet_todos *todos, const struct resource *who,
                                    const struct fleet_record *r, struct err *e);
/* A guest's history has changed from this time on. */
MUST_USE int fleet_incidents_changed(struct fleet_body *b, const char *vm_id, int64_t time, int64_t now_ns,
                                     struct err *e);
MUST_USE int fleet_todos_write(struct fleet_todos *todos, struct fleet_body *b, struct err *e);
/* One slice of computing incidents; *more as fleet_store_upkeep(). */
MUST_USE int fleet_incidents_slice(struct fleet_store *s, bool *more, struct err *e);

/* One slice of the guests that wait to be judged anew; *more as fleet_store_upkeep(). */
MUST_USE int fleet_rejudge_slice(struct fleet_store *s, bool *more, struct err *e);

#endif
