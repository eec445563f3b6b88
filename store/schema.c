/* The tables, their versions and the steps between them.
 *
 * A new store takes every step from the first, so each start of a fresh agent
 * walks the same way as an old file does.  A step is never changed once it has
 * been released; what is wrong with it is mended by the next one.
 *
 * Version 1
 *   state      one row: who we are and how far we are, guarded by a sum
 *   outbox     what is not acknowledged: one encoded LogRecord a row, by number
 *   mark       how far each source has been read
 *   migration  which steps were taken; its highest version is user_version
 * Version 2
 *   guest      what is known of each VM (guest_encode)
 *   host       what is known of the host (host_encode)
 *   set_aside  what the hub refused for good, for a bug report
 *
 * Version 3
 *   state      with what the outbox holds, so that a start need not count (ledger_encode)
 *
 * There are no secondary indexes: rows come in at the end and leave at the
 * front, and eviction remembers where each level of importance begins.  The
 * tables with a text key are WITHOUT ROWID, so that no index has to agree with
 * a table and quick_check sees all there is to see.
 *
 * The version is written twice, in the header and in the migration table, and
 * so is whose file it is: where the two disagree the header is damaged.
 */
#include "store/store_internal.h"

#include <stdio.h>

/* "HvOb": PRAGMA application_id. */
#define APPLICATION_ID 1215713122
#define QUOTE_(x)      #x
#define QUOTE(x)       QUOTE_(x)

static const char *const steps[] = {
    "CREATE TABLE migration(version INTEGER PRIMARY KEY, taken INTEGER NOT NULL);"
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1), agent_id TEXT NOT NULL, next_seq INTEGER NOT NULL,"
    " acked_through INTEGER NOT NULL, dropped_total INTEGER NOT NULL, set_aside_total INTEGER NOT NULL,"
    " sum INTEGER NOT NULL);"
    "CREATE TABLE outbox(seq INTEGER PRIMARY KEY, importance INTEGER NOT NULL, kind TEXT NOT NULL,"
    " observed INTEGER NOT NULL, sum INTEGER NOT NULL, payload BLOB NOT NULL);"
    "CREATE TABLE mark(source TEXT PRIMARY KEY, mark TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = " QUOTE(APPLICATION_ID) ";",

    "CREATE TABLE guest(vm_id TEXT PRIMARY KEY, name TEXT NOT NULL, seen INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " state BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE host(id INTEGER PRIMARY KEY CHECK (id = 1), sum INTEGER NOT NULL, state BLOB NOT NULL);"
    "CREATE TABLE set_aside(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, observed INTEGER NOT NULL,"
    " moved INTEGER NOT NULL, reason TEXT NOT NULL, payload BLOB NOT NULL);",

    "ALTER TABLE state ADD COLUMN levels BLOB NOT NULL DEFAULT x'';",
};

const int schema_version = sizeof steps / sizeof steps[0];

static int damaged(struct store *s, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: %s", s->path, what);
}

/* What the header and the tables say. */
struct look {
    int64_t tables, ours, pages, application, version, taken;
};

static int look_at(struct store *s, struct look *l, struct err *e)
{
    const struct {
        const char *sql;
        int64_t *out;
    } questions[] = {
        { "SELECT count(*) FROM sqlite_schema", &l->tables },
        { "SELECT count(*) FROM sqlite_schema WHERE name IN ('migration', 'state', 'outbox', 'mark')", &l->ours },
        { "PRAGMA page_count", &l->pages },
        { "PRAGMA application_id", &l->application },
        { "PRAGMA user_version", &l->version },
    };

    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int rc = sql_number(s, questions[i].sql, questions[i].out, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

int schema_look(struct store *s, enum schema_found *found, int *version, struct err *e)
{
    struct look l = { 0 };
    int rc = look_at(s, &l, e);

    if (rc != 0)
        return rc;
    *version = 0;
    *found = SCHEMA_EMPTY;
    if (l.tables == 0)
        return l.pages <= 1 ? 0 : damaged(s, "the list of tables is gone", e);
    *found = SCHEMA_OURS;
    if (l.application != APPLICATION_ID) {
        if (l.ours < 2)
            return err_set(e, ERR_INVALID,
                           "%s: a SQLite file, but not a store of hvagent; set store.dir to another folder", s->path);
        return damaged(s, "the header does not carry our mark", e);
    }
    rc = sql_number(s, "SELECT max(version) FROM migration", &l.taken, e);
    if (rc != 0)
        return rc;
    if (l.taken != l.version || l.taken < 1)
        return damaged(s, "the header and the tables disagree about the version", e);
    if (l.version > schema_version)
        return err_set(
            e, ERR_UNSUPPORTED,
            "%s: made by a newer hvagent (version %lld, this one knows %d); install that one or move the file away",
            s->path, (long long)l.version, schema_version);
    *version = (int)l.version;
    return 0;
}

int schema_migrate(struct store *s, int from, struct err *e)
{
    long long now = (long long)s->clock->wall_ns(s->clock);
    char sql[160];
    int rc;

    for (int v = from + 1; v <= schema_version; v++) {
        snprintf(sql, sizeof sql, "INSERT INTO migration VALUES(%d, %lld); PRAGMA user_version = %d", v, now, v);
        rc = sql_exec(s, steps[v - 1], e);
        if (rc == 0)
            rc = sql_exec(s, sql, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}
