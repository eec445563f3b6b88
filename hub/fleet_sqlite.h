/* What the two halves of the SQLite body share: the connection and its
 * prepared statements (fleet_sqlite.c) and the rows (fleet_sqlite_rows.c,
 * fleet_sqlite_read.c). */
#ifndef HUB_FLEET_SQLITE_H
#define HUB_FLEET_SQLITE_H

#include "base/buf.h"
#include "hub/fleet_body.h"

#include <sqlite3.h>

/* Every statement of the body; their texts are one table in fleet_sqlite_rows.c. */
enum sql {
    SQL_BEGIN,
    SQL_BEGIN_WRITING,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_STREAM_GET,
    SQL_STREAM_OTHER,
    SQL_STREAM_INSERT,
    SQL_STREAM_UPDATE,
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
    SQL_PRUNE_OBSERVATIONS,
    SQL_PRUNE_GUESTS,
    SQL_TOUCH,
    SQL_READ_HOSTS,
    SQL_READ_GUESTS,
    SQL_READ_AGENTS,
    SQL_READ_FINDINGS,
    SQL_READ_PEERS,
    SQL_COUNTS,
    SQL_COUNT_STATES,
    SQL_COUNT
};

enum { STATE_BYTES_MAX = 256 * 1024 };

struct sqlite_body {
    struct fleet_body base;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT]; /* prepared at first use */
    struct buf scratch;                  /* an encoded host or guest */
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

/* fleet_sqlite_rows.c and fleet_sqlite_read.c */
extern const struct fleet_body_ops sqlite_ops;
MUST_USE int sqlite_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e);
MUST_USE int sqlite_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e);
void sqlite_close(struct fleet_body *b);
void sqlite_stream_row(sqlite3_stmt *q, struct fleet_stream *out);

#endif
