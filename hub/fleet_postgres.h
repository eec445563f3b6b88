/* What the parts of the PostgreSQL body share: the connection and its pipeline
 * (fleet_postgres.c), the tables (fleet_postgres_schema.c) and the rows
 * (fleet_postgres_rows.c, fleet_postgres_read.c, fleet_postgres_history.c).
 *
 * Statements that give no rows are queued and sent as the connection takes
 * them; their results are looked at when the next one is asked for, or at the
 * commit.  So a request of 500 records costs as many round trips as it asks questions,
 * not one a record.  An error of a queued statement comes out of the next
 * call that settles the queue, and the transaction must be rolled back.
 */
#ifndef HUB_FLEET_POSTGRES_H
#define HUB_FLEET_POSTGRES_H

#include "base/buf.h"
#include "hub/fleet_body.h"

#include <postgresql/libpq-fe.h>

/* Every statement of the body; their texts are one table in fleet_postgres_texts.c. */
enum pg_sql {
    PG_STREAM_LOCK,
    PG_STREAM_GET,
    PG_STREAM_OTHER,
    PG_STREAM_INSERT,
    PG_STREAM_UPDATE,
    PG_CLAIM_COUNT,
    PG_CLAIM_PUT,
    PG_PERSON_GET,
    PG_PERSON_PUT,
    PG_PERSON_HASH,
    PG_PERSON_LIMITS,
    PG_PERSON_DROP,
    PG_PERSON_EACH,
    PG_TICKET_GET,
    PG_TICKET_PUT,
    PG_TICKET_SEEN,
    PG_TICKET_DROP,
    PG_TICKETS_DROP,
    PG_TICKETS_PRUNE,
    PG_AUDIT_PUT,
    PG_AUDIT_TRIM,
    PG_AUDIT_EACH,
    PG_HOLE_FIND,
    PG_HOLE_PUT,
    PG_HOLE_DROP,
    PG_HOLE_COUNT,
    PG_RECORD_PUT,
    PG_RECORD_ELSEWHERE,
    PG_FOREIGN_PUT,
    PG_FOREIGN_TRIM,
    PG_HOST_GET,
    PG_HOST_PUT,
    PG_GUEST_GET,
    PG_GUEST_PUT,
    PG_GUEST_NEXT_ON_HOST,
    PG_GUEST_NEXT_OF_BUILD,
    PG_GUEST_COUNTED,
    PG_PEER_GET,
    PG_PEER_PUT,
    PG_REJUDGE_PUT,
    PG_REJUDGE_GET,
    PG_REJUDGE_DROP,
    PG_FINDING_PUT,
    PG_FINDING_DROP,
    PG_CHANGE_PUT,
    PG_COUNT_ADD,
    PG_PRUNE_OBSERVATIONS,
    PG_PRUNE_FINDINGS,
    PG_PRUNE_GUESTS,
    PG_PRUNE_MOVES,
    PG_PRUNE_CHANGES,
    PG_PRUNE_DAYS,
    PG_TOUCH,
    PG_MARK,
    PG_READ_HOSTS,
    PG_READ_HOSTS_CHANGED,
    PG_READ_HOSTS_OF,
    PG_READ_GUESTS,
    PG_READ_GUESTS_OF,
    PG_READ_GUESTS_ON,
    PG_READ_GUESTS_CHANGED,
    PG_READ_PAGE,
    PG_READ_PAGE_OF_STATE,
    PG_READ_AGENTS,
    PG_READ_AGENTS_ON,
    PG_READ_AGENTS_OF,
    PG_READ_FINDINGS,
    PG_READ_FINDINGS_OF,
    PG_READ_SILENT,
    PG_READ_OTHER_AGENTS,
    PG_READ_VERSIONS,
    PG_READ_PEERS,
    PG_READ_CHANGES_NEWEST,
    PG_READ_CHANGES_OLDEST,
    PG_READ_GUEST_NEWEST,
    PG_READ_GUEST_OLDEST,
    PG_READ_COUNTS,
    PG_READ_COUNTS_OF,
    PG_READ_CLUSTERS,
    PG_COUNTS,
    PG_COUNT_STATES,
    PG_FORWARD_OPEN,
    PG_FORWARD_FROM_NOW,
    PG_FORWARD_LEASE,
    PG_FORWARD_RELEASE,
    PG_FORWARD_BEHIND,
    PG_FORWARD_RECORDS,
    PG_FORWARD_MARK,
    PG_FORWARD_REFUSE,
    PG_FORWARD_REFUSE_TRIM,
    PG_FORWARD_COUNT,
    PG_FORWARD_TARGETS,
    PG_GAUGE_FINDINGS,
    PG_GAUGE_NOTES,
    PG_GAUGE_INCIDENTS,
    PG_GAUGE_SILENT,
    PG_GAUGE_AGENTS,
    PG_LEASE_GET,
    PG_LEASE_PUT,
    PG_DELIVERY_GET,
    PG_DELIVERY_PUT,
    PG_FOUND_PUT,
    PG_FOUND_SOLVE,
    PG_FOUND_DROP,
    PG_FOUND_MOVE,
    PG_FOUND_FORGET,
    PG_FOUND_EACH,
    PG_FOUND_COUNT,
    PG_CHANGES_AFTER,
    PG_NEW_INCIDENTS,
    PG_CIRCUMSTANCE_PUT,
    PG_ASK_VM, /* from here to PG_ASK_TOLD in the order of enum circumstance_question */
    PG_ASK_STRAYS,
    PG_ASK_CODE,
    PG_ASK_NAME,
    PG_ASK_HOST_SIGNS,
    PG_ASK_HOST,
    PG_ASK_CLUSTER,
    PG_ASK_GAPS,
    PG_ASK_BOOT,
    PG_ASK_ARRIVAL,
    PG_ASK_CONFIG,
    PG_ASK_TOLD,
    PG_SIGN_VMS,
    PG_SIGN_VMS_ANY,
    PG_TODO_PUT,
    PG_TODO_FIRST,
    PG_TODO_ALIKE,
    PG_TODO_DROP,
    PG_REVIEW_GET,
    PG_REVIEW_PUT,
    PG_INCIDENT_TURN,
    PG_INCIDENT_TURN_TAKE,
    PG_INCIDENT_PUT,
    PG_INCIDENT_UNALIAS,
    PG_INCIDENT_DROP,
    PG_INCIDENT_REALIAS,
    PG_INCIDENT_ALIAS,
    PG_INCIDENT_GET,
    PG_INCIDENTS_NEWEST,
    PG_INCIDENTS_OLDEST,
    PG_INCIDENTS_VM_NEWEST,
    PG_INCIDENTS_VM_OLDEST,
    PG_PLACES_VM,
    PG_PLACES_HOST,
    PG_PLACES_CLUSTER,
    PG_PLACES_MODULE,
    PG_PRUNE_TROUBLE,
    PG_PRUNE_CIRCUMSTANCES,
    PG_PRUNE_INCIDENTS,
    PG_PRUNE_ALIASES,
    PG_TOKEN_PUT,
    PG_TOKEN_GET,
    PG_TOKEN_TAKE,
    PG_TOKEN_REVOKE,
    PG_TOKEN_EACH,
    PG_ISSUED_PUT,
    PG_ISSUED_GET,
    PG_ISSUED_FOR,
    PG_ISSUED_AFTER,
    PG_ISSUED_USED,
    PG_ISSUED_REVOKE,
    PG_ISSUED_REVOKE_HOST,
    PG_ISSUED_EACH,
    PG_ISSUED_PRUNE,
    PG_BOUND_GET,
    PG_BOUND_PUT,
    PG_BOUND_FORGET,
    PG_BOUND_EACH,
    PG_BAN_PUT,
    PG_BAN_DROP,
    PG_BAN_EACH,
    PG_STANDING,
    PG_IDENTITY_EVENT_PUT,
    PG_IDENTITY_EVENT_TRIM,
    PG_IDENTITY_EVENT_EACH,
    PG_SQL_COUNT
};

enum {
    PG_STATE_BYTES_MAX = 256 * 1024,
    PG_QUEUE_MAX = 512,                   /* statements sent before their results are looked at */
    PG_QUEUE_BYTES_MAX = 4 * 1024 * 1024, /* of their parameters */
    PG_VALUES_MAX = 32,
    PG_NAME_MAX = 256,
};

struct postgres_body {
    struct fleet_body base;
    PGconn *conn; /* NULL while there is none */
    char *url;
    char name[PG_NAME_MAX]; /* for messages: without user, password and parameters */
    bool read_only;
    bool again;           /* the last failure was a race or a lost connection */
    bool spent;           /* the server is no longer one to write to: a new connection after the rollback */
    uint64_t connections; /* that were made; each begins an epoch of marks */
    int queued;
    size_t queued_bytes;
    int64_t next_try;           /* monotonic: no new connection before */
    int64_t pause_ns;           /* between the last try that failed and the next; 0 after one that went well */
    char problem[ERR_TEXT_MAX]; /* why the last try failed */
    int64_t answer_max_ns;      /* how long one answer is waited for */
    const struct clock *clock;
    struct buf scratch; /* an encoded host or guest */
};

static inline struct postgres_body *postgres_body_of(struct fleet_body *b)
{
    return (struct postgres_body *)b;
}

extern const char *const postgres_texts[PG_SQL_COUNT];
extern const struct fleet_body_ops postgres_ops;

/* ---- parameters --------------------------------------------------------------- */

struct pg_value {
    enum { PG_VALUE_TEXT, PG_VALUE_INT, PG_VALUE_BLOB } type;
    const void *bytes; /* NULL is NULL; used before the call returns */
    size_t len;
    int64_t number;
};

#define PG_T(v)    ((struct pg_value){ .type = PG_VALUE_TEXT, .bytes = (v) })
#define PG_I(v)    ((struct pg_value){ .type = PG_VALUE_INT, .number = (int64_t)(v) })
#define PG_B(v, n) ((struct pg_value){ .type = PG_VALUE_BLOB, .bytes = (v), .len = (n) })
#define PG_WITH(...) \
    (const struct pg_value[]){ __VA_ARGS__ }, sizeof((const struct pg_value[]){ __VA_ARGS__ }) / sizeof(struct pg_value)

/* ---- statements (fleet_postgres.c) ------------------------------------------------ */

/* Queues a statement whose rows nobody wants. */
MUST_USE int postgres_run(struct postgres_body *s, enum pg_sql which, const struct pg_value *values, size_t count,
                          struct err *e);

/* Settles the queue and gives the statement's result: 0 with *out (PQclear it) when there is a row,
 * ERR_NOT_FOUND when there is none. */
MUST_USE int postgres_row(struct postgres_body *s, PGresult **out, enum pg_sql which, const struct pg_value *values,
                          size_t count, struct err *e);

/* Settles the queue and tells how many rows the statement touched. */
MUST_USE int postgres_changed(struct postgres_body *s, int *changed, enum pg_sql which, const struct pg_value *values,
                              size_t count, struct err *e);

/* Calls take for each row (number 0 of row) as it arrives, until it returns false. */
typedef bool postgres_take(const PGresult *row, void *arg);
MUST_USE int postgres_each(struct postgres_body *s, postgres_take *take, void *arg, enum pg_sql which,
                           const struct pg_value *values, size_t count, struct err *e);

/* Waits for the results of all that is queued. */
MUST_USE int postgres_settle(struct postgres_body *s, struct err *e);

/* Runs one SQL text (or several, separated by ';') without parameters.  Nothing may be queued.  *out may
 * be NULL. */
MUST_USE int postgres_text(struct postgres_body *s, const char *sql, PGresult **out, struct err *e);

/* Ends the connection; the next begin() makes a new one. */
void postgres_disconnect(struct postgres_body *s);

/* A connection, with the session's settings; no statements yet. */
MUST_USE int postgres_connect(struct postgres_body *s, struct err *e);

/* The server's or libpq's words as one clean line. */
void postgres_message(const char *text, char *out, size_t size);

/* Columns of row 0. */
int64_t pg_int(const PGresult *r, int column);
void pg_copy_text(const PGresult *r, int column, char *out, size_t size);
const void *pg_blob(const PGresult *r, int column, size_t *len);

/* The parts of begin, commit, rollback and close. */
MUST_USE int postgres_begin(struct fleet_body *b, bool writing, struct err *e);
MUST_USE int postgres_commit(struct fleet_body *b, struct err *e);
void postgres_rollback(struct fleet_body *b);
bool postgres_again(struct fleet_body *b);
void postgres_close(struct fleet_body *b);

/* ---- the other parts ----------------------------------------------------------------- */

/* fleet_postgres_schema.c: makes the tables, brings them up to date, or says why not. */
MUST_USE int postgres_schema(struct postgres_body *s, struct err *e);

/* fleet_postgres_read.c */
MUST_USE int postgres_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e);
MUST_USE int postgres_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take,
                                    void *arg, struct err *e);
MUST_USE int postgres_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                                  fleet_take_heard *take, void *arg, struct err *e);
MUST_USE int postgres_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                                        fleet_take_heard *take, void *arg, struct err *e);
MUST_USE int postgres_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg,
                                    struct err *e);
MUST_USE int postgres_mark(struct fleet_body *b, struct fleet_mark *out, struct err *e);
MUST_USE int postgres_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e);
void postgres_stream_row(const PGresult *r, struct fleet_stream *out);

/* fleet_postgres_history.c */
MUST_USE int postgres_guest_counted(struct fleet_body *b, const char *vm_id, struct fleet_counted *out, struct err *e);
MUST_USE int postgres_change_put(struct fleet_body *b, const struct fleet_change *c, struct err *e);
MUST_USE int postgres_count_add(struct fleet_body *b, const struct fleet_count *c, struct err *e);
MUST_USE int postgres_prune(struct fleet_body *b, enum fleet_prune what, int64_t cutoff_ns, int limit, int *removed,
                            struct err *e);
MUST_USE int postgres_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take,
                                   void *arg, struct err *e);
/* A row of CHANGE_COLUMNS; false for a kind that a newer hub wrote. */
bool postgres_change_row(const PGresult *r, struct fleet_change *out);
MUST_USE int postgres_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg,
                                  struct err *e);
MUST_USE int postgres_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e);

/* fleet_postgres_forward.c */
MUST_USE int postgres_forward_open(struct fleet_body *b, const char *target, bool from_now, bool *made, struct err *e);
MUST_USE int postgres_forward_lease(struct fleet_body *b, const char *target, const char *owner, int64_t now_ns,
                                    int64_t length_ns, bool *held, struct err *e);
MUST_USE int postgres_forward_release(struct fleet_body *b, const char *target, const char *owner, struct err *e);
MUST_USE int postgres_forward_behind(struct fleet_body *b, const char *target, int64_t after, int limit,
                                     fleet_take_behind *take, void *arg, struct err *e);
MUST_USE int postgres_forward_records(struct fleet_body *b, int64_t stream, uint64_t mark, int limit,
                                      fleet_take_record *take, void *arg, struct err *e);
MUST_USE int postgres_forward_mark(struct fleet_body *b, const char *target, int64_t stream, uint64_t arrival,
                                   struct err *e);
MUST_USE int postgres_forward_refuse(struct fleet_body *b, const char *target, const struct fleet_refused *r, int keep,
                                     struct err *e);
MUST_USE int postgres_forward_count(struct fleet_body *b, const char *target, const char *owner,
                                    const struct fleet_forward_counts *add, int64_t now_ns, bool *held, struct err *e);
MUST_USE int postgres_forward_targets(struct fleet_body *b, fleet_take_target *take, void *arg, struct err *e);

/* fleet_postgres_incidents.c */
MUST_USE int postgres_circumstance_put(struct fleet_body *b, const struct fleet_circumstance *c, struct err *e);
MUST_USE int postgres_circumstances(struct fleet_body *b, enum circumstance_question which, const char *key,
                                    int64_t from, int64_t to, int limit, fleet_take_circumstance *take, void *arg,
                                    struct err *e);
MUST_USE int postgres_sign_vms(struct fleet_body *b, const char *code, int64_t from, int64_t to, int limit,
                               fleet_take_place *take, void *arg, struct err *e);
MUST_USE int postgres_todo_put(struct fleet_body *b, const struct fleet_todo *t, struct err *e);
MUST_USE int postgres_todo_first(struct fleet_body *b, int64_t now_ns, struct fleet_todo *out, struct err *e);
MUST_USE int postgres_todo_alike(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, int limit,
                                 fleet_take_todo *take, void *arg, struct err *e);
MUST_USE int postgres_todo_drop(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, struct err *e);
MUST_USE int postgres_incident_turn(struct fleet_body *b, bool *mine, struct err *e);
MUST_USE int postgres_review_get(struct fleet_body *b, struct fleet_review *out, struct err *e);
MUST_USE int postgres_review_put(struct fleet_body *b, const struct fleet_review *r, struct err *e);
MUST_USE int postgres_incident_put(struct fleet_body *b, const struct fleet_incident_row *r, struct err *e);
MUST_USE int postgres_incident_drop(struct fleet_body *b, const char *id, struct err *e);
MUST_USE int postgres_incident_alias(struct fleet_body *b, const char *alias, const char *id, int64_t time,
                                     struct err *e);
MUST_USE int postgres_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg,
                                   struct err *e);
MUST_USE int postgres_incidents(struct fleet_body *b, const struct fleet_incident_query *q,
                                fleet_take_incident_row *take, void *arg, struct err *e);
MUST_USE int postgres_incident_places(struct fleet_body *b, enum todo_scope scope, const char *key, int64_t from,
                                      int64_t to, int limit, fleet_take_place *take, void *arg, struct err *e);

MUST_USE int postgres_gauges(struct fleet_body *b, int64_t silent_before_ns, struct fleet_gauges *out, struct err *e);

#endif
