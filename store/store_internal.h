/* What the files of this room share; nobody outside includes it.
 *
 *   store_open.c   lock, open, check, recover, make
 *   schema.c       the tables, their versions and the steps between them
 *   sql.c          statements, transactions, SQLite's errors in our words
 *   ledger.c       what the outbox holds: kept in memory and in the file, counted anew
 *   outbox.c       rows in and out, append, acknowledge
 *   evict.c        the disk bound and the gap that tells what went
 *   slice.c        reading for transport, and what the hub refuses
 *   guests.c       what is known of guests and the host
 *   aside_files.c  corrupt files: renamed, counted, bounded
 *
 * The ledger is what is kept in memory of the tables so that no append has to
 * count anything.  It is copied when a transaction begins and put back when it
 * is rolled back, so it can not disagree with the file.
 */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

enum {
    STORE_LEVELS = 6, /* of importance, obs_importance() */
    STORE_LEVEL_GAP = 5,
    STORE_BYTES_MIN = 16 * 1024, /* the smallest bound that leaves room for the gap rows */
    STORE_PAYLOAD_MAX = 4 * 1024 * 1024,
    STORE_STATE_MAX = 256 * 1024,  /* one guest's or the host's encoding */
    STORE_OWN_MAX = 64 * 1024,     /* the store's own observations of one transaction */
    STORE_SLICE_ROWS_MAX = 100000, /* of one store_read() */
    STORE_STATE_SCAN_MAX = 10000,  /* numbers that one store_read_state() looks back over */
    STORE_ASIDE_ROWS_MAX = 1000,   /* refused by the hub and kept */
    STORE_ASIDE_BYTES_MAX = 4 * 1024 * 1024,
    STORE_GUESTS_MAX = 8192, /* Hyper-V runs 1024 on one host; over it the one not seen longest is forgotten */
    STORE_REASON_MAX = 512,
    STORE_ASIDE_FILES_MAX = 5, /* corrupt files kept; the oldest goes when there is one more */
    STORE_PATH_MAX = 4096,
    LEDGER_BYTES = STORE_LEVELS * 3 * 8, /* the levels in the state row */
};

/* A record holds OBS_ATTRS_MAX strings and a body at most, with their keys and frames. */
_Static_assert(STORE_PAYLOAD_MAX > (OBS_ATTRS_MAX + 1) * (OBS_STRING_MAX + OBS_KEY_MAX + 64),
               "every observation fits a payload");

/* Whose numbers a gap's from and to are, when they are those of an earlier agent id. */
#define ATTR_GAP_AGENT_ID "hvfleet.gap.agent_id"

enum stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_STATE_PUT,
    STMT_OUTBOX_PUT,
    STMT_OUTBOX_READ,
    STMT_OUTBOX_STATE,
    STMT_OUTBOX_SIZES,
    STMT_OUTBOX_WALK,
    STMT_OUTBOX_DELETE,
    STMT_OUTBOX_OLDEST,
    STMT_EVICT_FIND,
    STMT_EVICT_DELETE,
    STMT_MARK_GET,
    STMT_MARK_PUT,
    STMT_GUEST_GET,
    STMT_GUEST_PUT,
    STMT_GUEST_DELETE,
    STMT_GUEST_IDS,
    STMT_GUEST_OLDEST,
    STMT_HOST_PUT,
    STMT_ASIDE_MOVE,
    STMT_ASIDE_OLDEST,
    STMT_ASIDE_DELETE,
    STMT_COUNT
};

/* One level of importance in the outbox. */
struct level {
    uint64_t rows;
    uint64_t bytes;
    uint64_t first; /* no row of this level has a smaller number */
};

/* The newest store-full gap row, and what it tells. */
struct full_gap {
    uint64_t seq; /* 0: none that could still be extended */
    uint64_t len; /* of its payload */
    uint64_t from, to, count;
    uint64_t by_level[STORE_LEVELS];
    int64_t first_seen, last_seen; /* observed times of what went; 0 not known */
};

struct ledger {
    uint64_t next_seq;
    uint64_t acked_through;
    uint64_t dropped_total;
    uint64_t set_aside_total;
    struct level level[STORE_LEVELS];
    struct level counted[STORE_LEVELS]; /* by the recount, as far as it has come */
    bool levels_known;                  /* false: the file is of a version that did not keep them */
    uint64_t aside_rows, aside_bytes;
    uint64_t guests;
    struct full_gap gap;
    bool host_known;
    struct host host;
};

/* The walk over the rows that were there at the opening (ledger.c). */
struct recount {
    bool on;
    uint64_t next, end; /* rows from next up to, not with, end are still ahead */
};

struct touch; /* guests.c */

struct store {
    char *path;
    uint64_t max_bytes;
    const struct clock *clock;
    const struct random_source *random;
    const char *vfs;

    sqlite3 *lock; /* holds "<path>.lock" exclusively for as long as we live */
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT_COUNT];
    bool all_at_once; /* however large: check and count before anything else */
    struct recount recount;
    bool broken; /* the file does not hold what we wrote: every call is ERR_CORRUPT until reopened */

    char agent_id[GUID_TEXT_MAX];
    uint64_t handed_out; /* the highest number transport has been given, or may have been */
    int64_t last_commit_ns;
    struct ledger now;
    struct ledger before; /* as it was when the transaction began */

    struct buf payload;   /* one encoded record; reused */
    struct buf state;     /* one encoded guest or host; reused */
    struct obs_batch own; /* gaps that the store itself tells of */
    struct guest guest;   /* the one being worked on */
    struct touch *touched;
    size_t touched_cap;
};

/* ---- sql.c ---- */

/* Says what SQLite said last, as one of our codes.  ERR_CORRUPT breaks the store. */
int sql_error(struct store *s, struct err *e, const char *doing);
MUST_USE int sql_exec(struct store *s, const char *sql, struct err *e);
/* One whole number that a query gives. */
MUST_USE int sql_number(struct store *s, const char *sql, int64_t *out, struct err *e);
MUST_USE int sql_prepare_all(struct store *s, struct err *e);
void sql_finalize_all(struct store *s);

void put_int(sqlite3_stmt *st, int place, int64_t value);
void put_u64(sqlite3_stmt *st, int place, uint64_t value); /* must fit 63 bits */
/* The bytes must stay until the statement has run. */
void put_text(sqlite3_stmt *st, int place, const char *text);
void put_blob(sqlite3_stmt *st, int place, const void *bytes, size_t len);

/* A text column of the row, "" for NULL. */
const char *got_text(sqlite3_stmt *st, int column);
/* Whether a text just asked for is missing for lack of memory: it must not be
 * taken for a damaged one.  (Blobs and numbers need none.) */
bool sql_out_of_memory(const struct store *s);

/* Runs a statement that gives no rows, and makes it ready again. */
MUST_USE int sql_run(struct store *s, enum stmt id, const char *doing, struct err *e);

/* ERR_OK, or why the store can not be used now. */
MUST_USE int store_usable(const struct store *s, struct err *e);
/* Of a store that is usable. */
MUST_USE int tx_begin(struct store *s, struct err *e);
/* Writes the ledger's numbers too.  On error the transaction is rolled back. */
MUST_USE int tx_commit(struct store *s, struct err *e);
void tx_rollback(struct store *s);

/* ---- schema.c ---- */

extern const int schema_version; /* of this program */

enum schema_found { SCHEMA_EMPTY, SCHEMA_OURS };
/* ERR_CORRUPT, ERR_UNSUPPORTED (newer program), ERR_INVALID (not a store). */
MUST_USE int schema_look(struct store *s, enum schema_found *found, int *version, struct err *e);
/* Takes the steps from version `from` to the present one; inside a transaction. */
MUST_USE int schema_migrate(struct store *s, int from, struct err *e);

/* ---- outbox.c ---- */

/* Encodes o into s->payload. */
MUST_USE int outbox_encode(struct store *s, const struct observation *o, struct err *e);
/* Gives o the next number and puts it into the outbox.  Inside a transaction. */
MUST_USE int outbox_put(struct store *s, struct observation *o, struct err *e);
/* Deletes the rows from..to and takes them off the ledger.  Inside a transaction. */
MUST_USE int outbox_delete(struct store *s, uint64_t from, uint64_t to, uint64_t *count, struct err *e);

/* A gap that the store tells of itself: in s->own, body still to be written. */
struct observation *own_gap(struct store *s, const char *reason, uint64_t from, uint64_t to);
/* Puts it into the outbox; ERR_MEMORY where there was none for what it says. */
MUST_USE int own_put(struct store *s, struct observation *o, struct err *e);

int64_t mark_sum(const char *source, const char *mark);
int64_t text_sum(const char *id, const void *bytes, size_t len);

/* ---- ledger.c ---- */

uint64_t outbox_rows(const struct ledger *l);
uint64_t outbox_bytes(const struct ledger *l);
/* A row comes, a row leaves. */
void ledger_in(struct store *s, int level, uint64_t seq, uint64_t len);
void ledger_out(struct store *s, int level, uint64_t seq, uint64_t len);
/* For rows that leave together: whether one is counted anew already, and taking so many of them off that count. */
bool ledger_recounted(const struct store *s, uint64_t seq);
void ledger_out_recounted(struct store *s, int level, uint64_t rows, uint64_t bytes);
void ledger_encode(const struct ledger *l, unsigned char out[LEDGER_BYTES]);
/* False: these are no levels.  Without bytes they are not known. */
bool ledger_decode(struct ledger *l, const unsigned char *bytes, size_t len);
int64_t state_sum(const struct store *s, const unsigned char *levels, size_t len);
/* Counts the row (seq, importance, length of the payload) anew; false when it does not fit the numbers. */
bool ledger_count(struct store *s, sqlite3_stmt *st);
/* Everything is counted anew: that is believed now. */
void ledger_settle(struct store *s);

/* ---- evict.c ---- */

/* Brings the outbox below its bound.  Inside a transaction. */
MUST_USE int evict_over_bound(struct store *s, uint64_t *dropped, struct err *e);

/* ---- guests.c ---- */

/* Takes the batch into what is known.  Inside a transaction. */
MUST_USE int guests_take_in(struct store *s, const char *host_id, const struct obs_batch *batch, struct err *e);

/* ---- dump_join.c ---- */

/* Looks for the guests of the batch's dumps that name none and fills them in. */
MUST_USE int dump_join(struct store *s, struct obs_batch *batch, struct err *e);

/* ---- aside_files.c ---- */

/* Renames the file and its companions to "<path>.corrupt-<time>"; out
 * (STORE_PATH_MAX bytes) gets the new name.  Of more than
 * STORE_ASIDE_FILES_MAX such files the oldest are removed. */
MUST_USE int aside_files_move(const struct store *s, char *out, struct err *e);
/* The newest of them, or "" (STORE_PATH_MAX bytes). */
void aside_files_newest(const struct store *s, char *out);

/* Where the last part of a path begins, and what is before it (STORE_PATH_MAX
 * bytes; "." when nothing is); path_folder() returns out. */
size_t path_base(const char *path);
char *path_folder(const char *path, char *out);

/* libuv's error codes in our words. */
int uv_error(struct err *e, int uv_code, const char *what, const char *path);

#endif
