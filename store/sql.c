/* Statements, transactions, and SQLite's errors in our words.
 *
 * Statements are prepared once, when the store opens, and kept.  A statement
 * is always reset before the function that ran it returns, because one left
 * in the middle would hold up the next commit.
 */
#include "store/store_internal.h"

#include <assert.h>
#include <errno.h>

static const char *const sql_text[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_STATE_PUT] = "INSERT OR REPLACE INTO state(id, agent_id, next_seq, acked_through, dropped_total,"
                       " set_aside_total, sum, levels) VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STMT_OUTBOX_PUT] =
        "INSERT INTO outbox(seq, importance, kind, observed, sum, payload) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_OUTBOX_READ] = "SELECT seq, sum, payload FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [STMT_OUTBOX_STATE] =
        "SELECT seq, sum, payload FROM outbox WHERE seq > ?1 AND kind = ?2 ORDER BY seq DESC LIMIT ?3",
    [STMT_OUTBOX_SIZES] = "SELECT seq, importance, length(payload) FROM outbox WHERE seq BETWEEN ?1 AND ?2",
    [STMT_OUTBOX_WALK] = "SELECT seq, importance, length(payload) FROM outbox WHERE seq >= ?1 AND seq < ?2"
                         " ORDER BY seq LIMIT ?3",
    [STMT_OUTBOX_DELETE] = "DELETE FROM outbox WHERE seq BETWEEN ?1 AND ?2",
    [STMT_OUTBOX_OLDEST] = "SELECT observed FROM outbox ORDER BY seq LIMIT 1",
    [STMT_EVICT_FIND] = "SELECT seq, length(payload), observed FROM outbox"
                        " WHERE seq >= ?1 AND importance = ?2 AND seq <> ?3 ORDER BY seq",
    [STMT_EVICT_DELETE] = "DELETE FROM outbox WHERE seq BETWEEN ?1 AND ?2 AND importance = ?3 AND seq <> ?4",
    [STMT_MARK_GET] = "SELECT mark, sum FROM mark WHERE source = ?1",
    [STMT_MARK_PUT] = "INSERT OR REPLACE INTO mark(source, mark, sum) VALUES(?1, ?2, ?3)",
    [STMT_GUEST_GET] = "SELECT sum, state FROM guest WHERE vm_id = ?1",
    [STMT_GUEST_PUT] = "INSERT OR REPLACE INTO guest(vm_id, name, seen, sum, state) VALUES(?1, ?2, ?3, ?4, ?5)",
    [STMT_GUEST_DELETE] = "DELETE FROM guest WHERE vm_id = ?1",
    [STMT_GUEST_IDS] = "SELECT vm_id FROM guest ORDER BY name, vm_id",
    [STMT_GUEST_OLDEST] = "SELECT vm_id FROM guest ORDER BY seen LIMIT 1",
    [STMT_HOST_PUT] = "INSERT OR REPLACE INTO host(id, sum, state) VALUES(1, ?1, ?2)",
    [STMT_ASIDE_MOVE] = "INSERT OR REPLACE INTO set_aside(seq, kind, observed, moved, reason, payload)"
                        " SELECT seq, kind, observed, ?3, ?4, payload FROM outbox WHERE seq BETWEEN ?1 AND ?2",
    [STMT_ASIDE_OLDEST] = "SELECT seq, length(payload) FROM set_aside ORDER BY seq LIMIT 1",
    [STMT_ASIDE_DELETE] = "DELETE FROM set_aside WHERE seq = ?1",
};

static const struct {
    int sqlite;
    enum err_code code;
} codes[] = {
    { SQLITE_FULL, ERR_NO_SPACE },   { SQLITE_BUSY, ERR_BUSY },
    { SQLITE_LOCKED, ERR_BUSY },     { SQLITE_CORRUPT, ERR_CORRUPT },
    { SQLITE_NOTADB, ERR_CORRUPT },  { SQLITE_CONSTRAINT, ERR_CORRUPT },
    { SQLITE_ERROR, ERR_CORRUPT }, /* our statements fit our tables; these are others */
    { SQLITE_NOMEM, ERR_MEMORY },    { SQLITE_READONLY, ERR_CORRUPT }, /* it was opened for writing */
    { SQLITE_PERM, ERR_PERMISSION }, { SQLITE_AUTH, ERR_PERMISSION },
    { SQLITE_TOOBIG, ERR_CORRUPT }, /* we never write a row that large */
    { SQLITE_IOERR, ERR_IO },        { SQLITE_CANTOPEN, ERR_IO },
};

static bool no_room(int system_error)
{
#ifdef EDQUOT
    if (system_error == EDQUOT)
        return true;
#endif
    return system_error == ENOSPC;
}

static enum err_code code_of(sqlite3 *db)
{
    int rc = sqlite3_extended_errcode(db);
    enum err_code code = ERR_IO;

    if ((rc & 0xFF) == SQLITE_IOERR && no_room(sqlite3_system_errno(db)))
        return ERR_NO_SPACE;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].sqlite == (rc & 0xFF))
            code = codes[i].code;
    return code;
}

int sql_error(struct store *s, struct err *e, const char *doing)
{
    enum err_code code = code_of(s->db);
    int rc = sqlite3_extended_errcode(s->db), primary = rc & 0xFF;
    bool system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;

    if (code == ERR_CORRUPT)
        s->broken = true;
    return err_set(e, code, "%s: cannot %s: %s (SQLite %d, system error %d)", s->path, doing, sqlite3_errmsg(s->db), rc,
                   system ? sqlite3_system_errno(s->db) : 0);
}

int sql_exec(struct store *s, const char *sql, struct err *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_error(s, e, "set up the store");
}

int sql_number(struct store *s, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        return sql_error(s, e, "read the store");
    if (sqlite3_step(st) == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else
        rc = sql_error(s, e, "read the store");
    sqlite3_finalize(st);
    return rc;
}

int sql_prepare_all(struct store *s, struct err *e)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        assert(sql_text[i] != NULL && s->stmts[i] == NULL);
        if (sqlite3_prepare_v3(s->db, sql_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmts[i], NULL) == SQLITE_OK)
            continue;
        return sql_error(s, e, "read the schema");
    }
    return 0;
}

void sql_finalize_all(struct store *s)
{
    for (int i = 0; i < STMT_COUNT; i++) {
        sqlite3_finalize(s->stmts[i]);
        s->stmts[i] = NULL;
    }
}

/* Static bindings of checked sizes can not fail. */
void put_int(sqlite3_stmt *st, int place, int64_t value)
{
    int rc = sqlite3_bind_int64(st, place, value);

    assert(rc == SQLITE_OK);
    (void)rc;
}

void put_u64(sqlite3_stmt *st, int place, uint64_t value)
{
    assert(value <= INT64_MAX);
    put_int(st, place, (int64_t)value);
}

void put_text(sqlite3_stmt *st, int place, const char *text)
{
    int rc = sqlite3_bind_text(st, place, text, -1, SQLITE_STATIC);

    assert(rc == SQLITE_OK);
    (void)rc;
}

void put_blob(sqlite3_stmt *st, int place, const void *bytes, size_t len)
{
    int rc;

    assert(len > 0 && len <= STORE_PAYLOAD_MAX);
    rc = sqlite3_bind_blob(st, place, bytes, (int)len, SQLITE_STATIC);
    assert(rc == SQLITE_OK);
    (void)rc;
}

const char *got_text(sqlite3_stmt *st, int column)
{
    const char *text = (const char *)sqlite3_column_text(st, column);

    return text != NULL ? text : "";
}

bool sql_out_of_memory(const struct store *s)
{
    return sqlite3_errcode(s->db) == SQLITE_NOMEM;
}

int sql_run(struct store *s, enum stmt id, const char *doing, struct err *e)
{
    int rc = sqlite3_step(s->stmts[id]) == SQLITE_DONE ? 0 : sql_error(s, e, doing);

    sqlite3_reset(s->stmts[id]);
    return rc;
}

int store_usable(const struct store *s, struct err *e)
{
    if (s->broken)
        return err_set(e, ERR_CORRUPT, "%s: the store was found damaged; it must be opened again", s->path);
    return 0;
}

int tx_begin(struct store *s, struct err *e)
{
    int rc;

    assert(!s->broken && sqlite3_get_autocommit(s->db));
    rc = sql_run(s, STMT_BEGIN, "begin a transaction", e);
    if (rc == 0)
        s->before = s->now;
    return rc;
}

static int state_put(struct store *s, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_STATE_PUT];
    unsigned char levels[LEDGER_BYTES];

    ledger_encode(&s->now, levels);
    put_text(st, 1, s->agent_id);
    put_u64(st, 2, s->now.next_seq);
    put_u64(st, 3, s->now.acked_through);
    put_u64(st, 4, s->now.dropped_total);
    put_u64(st, 5, s->now.set_aside_total);
    put_int(st, 6, state_sum(s, levels, sizeof levels));
    put_blob(st, 7, levels, sizeof levels);
    return sql_run(s, STMT_STATE_PUT, "write the numbers", e);
}

int tx_commit(struct store *s, struct err *e)
{
    int rc;

    assert(s->now.next_seq >= s->before.next_seq && s->now.acked_through < s->now.next_seq);
    rc = state_put(s, e);
    if (rc == 0)
        rc = sql_run(s, STMT_COMMIT, "commit", e);
    if (rc != 0) {
        tx_rollback(s);
        return rc;
    }
    assert(sqlite3_get_autocommit(s->db));
    s->last_commit_ns = s->clock->wall_ns(s->clock);
    return 0;
}

void tx_rollback(struct store *s)
{
    /* SQLite has rolled back by itself after some errors (a full disk). */
    if (!sqlite3_get_autocommit(s->db)) {
        sqlite3_step(s->stmts[STMT_ROLLBACK]);
        sqlite3_reset(s->stmts[STMT_ROLLBACK]);
    }
    if (!sqlite3_get_autocommit(s->db))
        s->broken = true;
    s->now = s->before;
}
