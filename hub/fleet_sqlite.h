/* What the parts of the SQLite body share: the connection and its prepared
 * statements (fleet_sqlite.c), their texts (fleet_sqlite_texts.c), the rows
 * (fleet_sqlite_rows.c, fleet_sqlite_read.c) and the history
 * (fleet_sqlite_history.c). */
#ifndef HUB_FLEET_SQLITE_H
#define HUB_FLEET_SQLITE_H

#include "base/buf.h"
#include "hub/fleet_body.h"

#include <sqlite3.h>

/* Every statement of the body; their texts are one table in fleet_sqlite_texts.c. */
enum sql {
    SQL_BEGIN,
    SQL_BEGIN_WRITING,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_STREAM_GET,
    SQL_STREAM_OTHER,
    SQL_STREAM_INSERT,
    SQL_STREAM_UPDATE,
    SQL_CLAIM_COUNT,
    SQL_CLAIM_PUT,
    SQL_PERSON_GET,
    SQL_PERSON_PUT,
    SQL_PERSON_HASH,
    SQL_PERSON_LIMITS,
    SQL_PERSON_DROP,
    SQL_PERSON_EACH,
    SQL_TICKET_GET,
    SQL_TICKET_PUT,
    SQL_TICKET_SEEN,
    SQL_TICKET_DROP,
    SQL_TICKETS_DROP,
    SQL_TICKETS_PRUNE,
    SQL_AUDIT_PUT,
    SQL_AUDIT_TRIM,
    SQL_AUDIT_EACH,
    SQL_HOLE_FIND,
    SQL_HOLE_PUT,
    SQL_HOLE_DROP,
    SQL_HOLE_COUNT,
    SQL_RECORD_PUT,
    SQL_RECORD_ELSEWHERE,
    SQL_FOREIGN_PUT,
    SQL_FOREIGN_TRIM,
    SQL_HOST_GET,
    SQL_HOST_PUT,
    SQL_GUEST_GET,
    SQL_GUEST_PUT,
    SQL_GUEST_NEXT_ON_HOST,
    SQL_GUEST_NEXT_OF_BUILD,
    SQL_PEER_GET,
    SQL_PEER_PUT,
    SQL_REJUDGE_PUT,
    SQL_REJUDGE_GET,
    SQL_REJUDGE_DROP,
    SQL_FINDING_PUT,
    SQL_FINDING_DROP,
    SQL_GUEST_COUNTED,
    SQL_CHANGE_PUT,
    SQL_COUNT_ADD,
    SQL_PRUNE_OBSERVATIONS,
    SQL_PRUNE_FINDINGS,
    SQL_PRUNE_GUESTS,
    SQL_PRUNE_MOVES,
    SQL_PRUNE_CHANGES,
    SQL_FOLD_DAYS,
    SQL_PRUNE_DAYS,
    SQL_TOUCH,
    SQL_STAMP,
    SQL_MARK,
    SQL_READ_HOSTS,
    SQL_READ_HOSTS_CHANGED,
    SQL_READ_HOSTS_OF,
    SQL_READ_GUESTS,
    SQL_READ_GUESTS_OF,
    SQL_READ_GUESTS_ON,
    SQL_READ_GUESTS_CHANGED,
    SQL_READ_PAGE,
    SQL_READ_PAGE_OF_STATE,
    SQL_READ_AGENTS,
    SQL_READ_AGENTS_ON,
    SQL_READ_AGENTS_OF,
    SQL_READ_FINDINGS,
    SQL_READ_FINDINGS_OF,
    SQL_READ_SILENT,
    SQL_READ_OTHER_AGENTS,
    SQL_READ_VERSIONS,
    SQL_READ_PEERS,
    SQL_READ_CHANGES_NEWEST,
    SQL_READ_CHANGES_OLDEST,
    SQL_READ_GUEST_NEWEST,
    SQL_READ_GUEST_OLDEST,
    SQL_READ_COUNTS,
    SQL_READ_COUNTS_OF,
    SQL_READ_CLUSTERS,
    SQL_COUNTS,
    SQL_COUNT_STATES,
    SQL_FORWARD_OPEN,
    SQL_FORWARD_FROM_NOW,
    SQL_FORWARD_LEASE,
    SQL_FORWARD_RELEASE,
    SQL_FORWARD_BEHIND,
    SQL_FORWARD_RECORDS,
    SQL_FORWARD_MARK,
    SQL_FORWARD_REFUSE,
    SQL_FORWARD_REFUSE_TRIM,
    SQL_FORWARD_COUNT,
    SQL_FORWARD_TARGETS,
    SQL_GAUGE_FINDINGS,
    SQL_GAUGE_NOTES,
    SQL_GAUGE_INCIDENTS,
    SQL_GAUGE_SILENT,
    SQL_GAUGE_AGENTS,
    SQL_LEASE_GET,
    SQL_LEASE_PUT,
    SQL_DELIVERY_GET,
    SQL_DELIVERY_PUT,
    SQL_FOUND_PUT,
    SQL_FOUND_SOLVE,
    SQL_FOUND_DROP,
    SQL_FOUND_MOVE,
    SQL_FOUND_FORGET,
    SQL_FOUND_EACH,
    SQL_FOUND_COUNT,
    SQL_CHANGES_AFTER,
    SQL_NEW_INCIDENTS,
    SQL_CIRCUMSTANCE_PUT,
    SQL_ASK_VM, /* from here to SQL_ASK_TOLD in the order of enum circumstance_question */
    SQL_ASK_STRAYS,
    SQL_ASK_CODE,
    SQL_ASK_NAME,
    SQL_ASK_HOST_SIGNS,
    SQL_ASK_HOST,
    SQL_ASK_CLUSTER,
    SQL_ASK_GAPS,
    SQL_ASK_BOOT,
    SQL_ASK_ARRIVAL,
    SQL_ASK_CONFIG,
    SQL_ASK_TOLD,
    SQL_SIGN_VMS,
    SQL_SIGN_VMS_ANY,
    SQL_TODO_PUT,
    SQL_TODO_FIRST,
    SQL_TODO_ALIKE,
    SQL_TODO_DROP,
    SQL_REVIEW_GET,
    SQL_REVIEW_PUT,
    SQL_INCIDENT_PUT,
    SQL_INCIDENT_UNALIAS,
    SQL_INCIDENT_DROP,
    SQL_INCIDENT_REALIAS,
    SQL_INCIDENT_ALIAS,
    SQL_INCIDENT_GET,
    SQL_INCIDENTS_NEWEST,
    SQL_INCIDENTS_OLDEST,
    SQL_INCIDENTS_VM_NEWEST,
    SQL_INCIDENTS_VM_OLDEST,
    SQL_PLACES_VM,
    SQL_PLACES_HOST,
    SQL_PLACES_CLUSTER,
    SQL_PLACES_MODULE,
    SQL_PRUNE_TROUBLE,
    SQL_PRUNE_CIRCUMSTANCES,
    SQL_PRUNE_INCIDENTS,
    SQL_PRUNE_ALIASES,
    SQL_TOKEN_PUT,
    SQL_TOKEN_GET,
    SQL_TOKEN_TAKE,
    SQL_TOKEN_REVOKE,
    SQL_TOKEN_EACH,
    SQL_ISSUED_PUT,
    SQL_ISSUED_GET,
    SQL_ISSUED_FOR,
    SQL_ISSUED_AFTER,
    SQL_ISSUED_USED,
    SQL_ISSUED_REVOKE,
    SQL_ISSUED_REVOKE_HOST,
    SQL_ISSUED_EACH,
    SQL_ISSUED_PRUNE,
    SQL_BOUND_GET,
    SQL_BOUND_PUT,
    SQL_BOUND_FORGET,
    SQL_BOUND_EACH,
    SQL_BAN_PUT,
    SQL_BAN_DROP,
    SQL_BAN_EACH,
    SQL_STANDING,
    SQL_IDENTITY_EVENT_PUT,
    SQL_IDENTITY_EVENT_TRIM,
    SQL_IDENTITY_EVENT_EACH,
    SQL_COUNT
};

enum { STATE_BYTES_MAX = 256 * 1024 };

struct sqlite_body {
    struct fleet_body base;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT]; /* prepared at first use */
    struct buf scratch;                  /* an encoded host or guest */
    bool stamped;                        /* this transaction has its stamp (fleet_sqlite.c) */
    char path[4096];
};

static inline struct sqlite_body *sqlite_body_of(struct fleet_body *b)
{
    return (struct sqlite_body *)b;
}

extern const char *const sqlite_texts[SQL_COUNT];

/* The last failure of the connection as one of our errors. */
MUST_USE int sqlite_failed(struct sqlite_body *s, const char *what, struct err *e);

/* The statement, reset and without bindings; NULL with e filled. */
sqlite3_stmt *sqlite_take(struct sqlite_body *s, enum sql which, struct err *e);

/* One step.  0 when there is a row (values valid until the next use of the statement),
 * ERR_NOT_FOUND when there is none. */
MUST_USE int sqlite_row(struct sqlite_body *s, sqlite3_stmt *q, struct err *e);

/* Runs a statement that gives no rows. */
MUST_USE int sqlite_run(struct sqlite_body *s, sqlite3_stmt *q, struct err *e);

/* Copies a text column, cut to fit. */
void sqlite_text(sqlite3_stmt *q, int column, char *out, size_t size);

/* ---- binding: sqlite_do(s, SQL_X, WITH(T(text), I(number), B(bytes, len)), e) ---- */

struct sqlite_value {
    enum { VALUE_TEXT, VALUE_INT, VALUE_BLOB } type;
    const void *bytes; /* NULL binds NULL; valid until the statement was run */
    size_t len;
    int64_t number;
};

#define T(v)    ((struct sqlite_value){ .type = VALUE_TEXT, .bytes = (v) })
#define I(v)    ((struct sqlite_value){ .type = VALUE_INT, .number = (int64_t)(v) })
#define B(v, n) ((struct sqlite_value){ .type = VALUE_BLOB, .bytes = (v), .len = (n) })
#define WITH(...)                                 \
    (const struct sqlite_value[]){ __VA_ARGS__ }, \
        sizeof((const struct sqlite_value[]){ __VA_ARGS__ }) / sizeof(struct sqlite_value)

/* Runs a statement that gives no rows. */
MUST_USE int sqlite_do(struct sqlite_body *s, enum sql which, const struct sqlite_value *values, size_t count,
                       struct err *e);
/* The first row: 0 with *q on it (reset it after use), or ERR_NOT_FOUND. */
MUST_USE int sqlite_first(struct sqlite_body *s, sqlite3_stmt **q, enum sql which, const struct sqlite_value *values,
                          size_t count, struct err *e);
/* Calls take for each row until it returns false. */
MUST_USE int sqlite_each(struct sqlite_body *s, enum sql which, const struct sqlite_value *values, size_t count,
                         bool (*take)(sqlite3_stmt *q, void *arg), void *arg, struct err *e);

/* fleet_sqlite_rows.c, fleet_sqlite_read.c, fleet_sqlite_history.c */
extern const struct fleet_body_ops sqlite_ops;
MUST_USE int sqlite_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e);
MUST_USE int sqlite_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take,
                                  void *arg, struct err *e);
MUST_USE int sqlite_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                                fleet_take_heard *take, void *arg, struct err *e);
MUST_USE int sqlite_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                                      fleet_take_heard *take, void *arg, struct err *e);
MUST_USE int sqlite_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg,
                                  struct err *e);
MUST_USE int sqlite_mark(struct fleet_body *b, struct fleet_mark *out, struct err *e);
MUST_USE int sqlite_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e);
MUST_USE int sqlite_guest_counted(struct fleet_body *b, const char *vm_id, struct fleet_counted *out, struct err *e);
MUST_USE int sqlite_change_put(struct fleet_body *b, const struct fleet_change *c, struct err *e);
MUST_USE int sqlite_count_add(struct fleet_body *b, const struct fleet_count *c, struct err *e);
MUST_USE int sqlite_prune(struct fleet_body *b, enum fleet_prune what, int64_t cutoff_ns, int limit, int *removed,
                          struct err *e);
MUST_USE int sqlite_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take,
                                 void *arg, struct err *e);
MUST_USE int sqlite_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg,
                                struct err *e);
MUST_USE int sqlite_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e);

/* fleet_sqlite_forward.c */
MUST_USE int sqlite_forward_open(struct fleet_body *b, const char *target, bool from_now, bool *made, struct err *e);
MUST_USE int sqlite_forward_lease(struct fleet_body *b, const char *target, const char *owner, int64_t now_ns,
                                  int64_t length_ns, bool *held, struct err *e);
MUST_USE int sqlite_forward_release(struct fleet_body *b, const char *target, const char *owner, struct err *e);
MUST_USE int sqlite_forward_behind(struct fleet_body *b, const char *target, int64_t after, int limit,
                                   fleet_take_behind *take, void *arg, struct err *e);
MUST_USE int sqlite_forward_records(struct fleet_body *b, int64_t stream, uint64_t mark, int limit,
                                    fleet_take_record *take, void *arg, struct err *e);
MUST_USE int sqlite_forward_mark(struct fleet_body *b, const char *target, int64_t stream, uint64_t arrival,
                                 struct err *e);
MUST_USE int sqlite_forward_refuse(struct fleet_body *b, const char *target, const struct fleet_refused *r, int keep,
                                   struct err *e);
MUST_USE int sqlite_forward_count(struct fleet_body *b, const char *target, const char *owner,
                                  const struct fleet_forward_counts *add, int64_t now_ns, bool *held, struct err *e);
MUST_USE int sqlite_forward_targets(struct fleet_body *b, fleet_take_target *take, void *arg, struct err *e);

MUST_USE int sqlite_gauges(struct fleet_body *b, int64_t silent_before_ns, struct fleet_gauges *out, struct err *e);

/* fleet_sqlite_incidents.c */
MUST_USE int sqlite_circumstance_put(struct fleet_body *b, const struct fleet_circumstance *c, struct err *e);
MUST_USE int sqlite_circumstances(struct fleet_body *b, enum circumstance_question which, const char *key, int64_t from,
                                  int64_t to, int limit, fleet_take_circumstance *take, void *arg, struct err *e);
MUST_USE int sqlite_sign_vms(struct fleet_body *b, const char *code, int64_t from, int64_t to, int limit,
                             fleet_take_place *take, void *arg, struct err *e);
MUST_USE int sqlite_todo_put(struct fleet_body *b, const struct fleet_todo *t, struct err *e);
MUST_USE int sqlite_todo_first(struct fleet_body *b, int64_t now_ns, struct fleet_todo *out, struct err *e);
MUST_USE int sqlite_todo_alike(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, int limit,
                               fleet_take_todo *take, void *arg, struct err *e);
MUST_USE int sqlite_todo_drop(struct fleet_body *b, const struct fleet_todo *t, int64_t now_ns, struct err *e);
MUST_USE int sqlite_incident_turn(struct fleet_body *b, bool *mine, struct err *e);
MUST_USE int sqlite_review_get(struct fleet_body *b, struct fleet_review *out, struct err *e);
MUST_USE int sqlite_review_put(struct fleet_body *b, const struct fleet_review *r, struct err *e);
MUST_USE int sqlite_incident_put(struct fleet_body *b, const struct fleet_incident_row *r, struct err *e);
MUST_USE int sqlite_incident_drop(struct fleet_body *b, const char *id, struct err *e);
MUST_USE int sqlite_incident_alias(struct fleet_body *b, const char *alias, const char *id, int64_t time,
                                   struct err *e);
MUST_USE int sqlite_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg,
                                 struct err *e);
MUST_USE int sqlite_incidents(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                              void *arg, struct err *e);
MUST_USE int sqlite_incident_places(struct fleet_body *b, enum todo_scope scope, const char *key, int64_t from,
                                    int64_t to, int limit, fleet_take_place *take, void *arg, struct err *e);

void sqlite_close(struct fleet_body *b);
/* A row of CHANGE_COLUMNS; false for a kind that a newer hub wrote. */
bool sqlite_change_row(sqlite3_stmt *q, struct fleet_change *out);
void sqlite_stream_row(sqlite3_stmt *q, struct fleet_stream *out);

#endif
