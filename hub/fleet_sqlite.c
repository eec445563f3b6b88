/* The fleet store's SQLite body: the file, its schema, its migrations.
 *
 * The file has application_id "hvfl" and user_version = the schema's version.
 * A migration is one SQL text that brings the file from version i to i + 1;
 * all that are needed run in one transaction.
 *
 * journal_mode=WAL with synchronous=FULL: a commit is one write and one sync
 * of the log, and readers go on reading while it happens.  Commits are grouped by
 * the writer thread (writer.c), so the sync is shared by many requests.
 *
 * Tables (one host's rows can be told by its host id everywhere):
 *
 *   stream       one agent id on one host id: high mark, what is missing
 *   hole         numbers jumped over, not yet explained
 *   observation  the records as they came; id is in order of arrival, so that
 *                the oldest are the lowest and retention needs no index; arrival
 *                counts a stream's records, as stream.records did
 *   foreign_record  other programs' records, bounded by count
 *   host, guest  what is known now (encoded by model/), with the columns that
 *                are searched for and the verdict kept
 *   tally        counts the transactions that wrote hosts or guests; host.changed and
 *                guest.changed are the count of the one that wrote them last.  There is
 *                one writer at a time, so a reader that sees count n has seen all up to n
 *   peer         row 10: the highest integration services seen for an OS build
 *   rejudge      builds whose guests wait to be judged anew
 *   finding      what the hub itself noticed
 *   delivery, delivery_found, delivery_lease  what goes to people, what they were told, and
 *                which hub tells them (fleet_delivery.h)
 *   enroll_token, issued, bound_agent, banned_host, identity_event  who may speak for whom
 *                (fleet_identity.h)
 *   guest_change what changed of a guest, and when (history)
 *   forward_target, forward_mark, forward_refused  who else is sent the records, how
 *                far each has come, what it refused (fleet_forward.h)
 *   circumstance, incident_todo, incident, incident_alias  what incidents are made
 *                of, which are to be computed anew, they, and ids they had (fleet_incidents.h)
 *   incident_review  with which rules they were explained (fleet_incidents_review.c)
 *   daily        by how much a day's count of guests in a state differs from the
 *                day before, by cluster; guest.cluster says where a guest counts
 *
 * UNIQUE (stream, seq) is a second lock on the promise that nothing is there
 * twice: were the marks ever wrong, the insert would fail, not double.
 */
#include "hub/fleet_sqlite.h"

#include "base/text.h"
#include "hub/fleet_sqlite_schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x6876666c, /* "hvfl" */
    BUSY_MS = 5000,
    LOOKASIDE_BYTES = 1200, /* SQLite's own; the cursors of a table with many indexes take more slots than it has */
    LOOKASIDE_SLOTS = 200,
    CHECK_BYTES_MAX = 256 * 1024 * 1024, /* larger files get the short check at open */
};

static const char *const pragmas_writing = "PRAGMA journal_mode=WAL;"
                                           "PRAGMA synchronous=FULL;"
                                           "PRAGMA journal_size_limit=67108864;";

static const char *const pragmas_all = "PRAGMA trusted_schema=OFF;"
                                       "PRAGMA cell_size_check=ON;"
                                       "PRAGMA temp_store=MEMORY;"
                                       "PRAGMA cache_size=-16384;";

/* Deliveries (fleet_delivery.h). */
#define DELIVERY_TABLES                                                                                               \
    "CREATE TABLE delivery_lease(id INTEGER PRIMARY KEY CHECK (id = 1), owner TEXT NOT NULL, beat INTEGER NOT NULL);" \
    "CREATE TABLE delivery(name TEXT PRIMARY KEY, schedule TEXT NOT NULL, planned INTEGER NOT NULL,"                  \
    " found INTEGER NOT NULL, cursor INTEGER NOT NULL, job TEXT NOT NULL, job_kind INTEGER NOT NULL,"                 \
    " job_slot INTEGER NOT NULL, job_made INTEGER NOT NULL, tries INTEGER NOT NULL, next_try INTEGER NOT NULL,"       \
    " last_sent INTEGER NOT NULL, last_error TEXT NOT NULL, fingerprint TEXT NOT NULL,"                               \
    " incidents INTEGER NOT NULL) WITHOUT ROWID;"                                                                     \
    "CREATE TABLE delivery_found(delivery TEXT NOT NULL, event TEXT NOT NULL, subject TEXT NOT NULL,"                 \
    " instance INTEGER NOT NULL, status INTEGER NOT NULL, host_id TEXT NOT NULL, text TEXT NOT NULL,"                 \
    " PRIMARY KEY(delivery, event, subject)) WITHOUT ROWID;"

/* Of the transaction that wrote the row last. */
#define STAMPED ", changed INTEGER NOT NULL DEFAULT 0"

static const char *const migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL, host_id TEXT NOT NULL,"
    " high_mark INTEGER NOT NULL, missing INTEGER NOT NULL, lost INTEGER NOT NULL, records INTEGER NOT NULL,"
    " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, UNIQUE(agent_id, host_id));"
    "CREATE INDEX stream_host ON stream(host_id);"
    "CREATE TABLE hole(stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " PRIMARY KEY(stream, first)) WITHOUT ROWID;"
    "CREATE TABLE observation(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " received INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL, severity INTEGER NOT NULL, vm_id TEXT,"
    " payload BLOB NOT NULL, arrival INTEGER NOT NULL, UNIQUE(stream, seq));"
    "CREATE UNIQUE INDEX observation_arrival ON observation(stream, arrival);"
    "CREATE INDEX observation_guest ON observation(vm_id, time) WHERE vm_id IS NOT NULL;"
    "CREATE TABLE foreign_record(id INTEGER PRIMARY KEY, received INTEGER NOT NULL, time INTEGER NOT NULL,"
    " service TEXT NOT NULL, payload BLOB NOT NULL);"
    "CREATE TABLE host(host_id TEXT PRIMARY KEY, cluster TEXT NOT NULL, name TEXT NOT NULL, os_version TEXT NOT NULL,"
    " last_seen INTEGER NOT NULL, state BLOB NOT NULL" HOST_FACTS STAMPED ") WITHOUT ROWID;"
    "CREATE INDEX host_agent ON host(agent_version);"
    "CREATE INDEX host_changed ON host(changed);"
    "CREATE INDEX host_cluster ON host(cluster COLLATE NOCASE);"
    "CREATE TABLE guest(vm_id TEXT PRIMARY KEY, host_id TEXT NOT NULL, name TEXT NOT NULL, build TEXT NOT NULL,"
    " drift_state TEXT NOT NULL, drift_row INTEGER NOT NULL, drift_since INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL, removed_time INTEGER NOT NULL, state BLOB NOT NULL" GUEST_FACTS STAMPED ");"
    "CREATE INDEX guest_changed ON guest(changed);"
    "CREATE TABLE tally(id INTEGER PRIMARY KEY CHECK (id = 1), stamp INTEGER NOT NULL);"
    "INSERT INTO tally VALUES(1, 0);"
    "CREATE INDEX guest_host ON guest(host_id, vm_id);"
    "CREATE INDEX guest_build ON guest(build, vm_id);"
    "CREATE INDEX guest_state ON guest(drift_state, vm_id);"
    "CREATE INDEX guest_removed ON guest(removed_time) WHERE removed_time > 0;"
    "CREATE TABLE peer(build TEXT PRIMARY KEY, highest TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE rejudge(build TEXT PRIMARY KEY, after TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE finding(kind TEXT NOT NULL, host_id TEXT NOT NULL, agent_id TEXT NOT NULL,"
    " first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY(kind, host_id, agent_id)) WITHOUT ROWID;"
    "CREATE TABLE probe(id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL);" FORWARD_TABLES DELIVERY_TABLES
        CLAIM_TABLE INCIDENT_TABLES INCIDENT_VIEWS IDENTITY_TABLES PEOPLE_TABLES,
    /* 1 -> 2: history; the counts start from the guests that are there */
    "ALTER TABLE stream ADD COLUMN delay INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE stream ADD COLUMN delay_since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE guest ADD COLUMN cluster TEXT NOT NULL DEFAULT '';"
    "UPDATE guest SET cluster = coalesce((SELECT h.cluster FROM host h WHERE h.host_id = guest.host_id), '');"
    "CREATE TABLE guest_change(vm_id TEXT NOT NULL, received INTEGER NOT NULL, kind TEXT NOT NULL,"
    " time INTEGER NOT NULL, host_id TEXT NOT NULL, cluster TEXT NOT NULL, from_value TEXT NOT NULL,"
    " to_value TEXT NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY(vm_id, received, kind, time)) WITHOUT ROWID;"
    "CREATE INDEX change_received ON guest_change(received);"
    "CREATE INDEX change_move ON guest_change(received) WHERE kind = 'host';"
    "CREATE TABLE daily(cluster TEXT NOT NULL, day INTEGER NOT NULL, state TEXT NOT NULL, delta INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, day, state)) WITHOUT ROWID;"
    "CREATE INDEX daily_day ON daily(day);"
    "INSERT INTO daily(cluster, day, state, delta) SELECT cluster, CAST(strftime('%s', 'now') AS INTEGER) / 86400,"
    " drift_state, count(*) FROM guest WHERE removed_time = 0 GROUP BY cluster, drift_state;" VIEWS,
};

enum { SCHEMA_VERSION = sizeof migrations / sizeof migrations[0] };

static enum err_code code_from_sqlite(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    case SQLITE_NOTADB:
        return ERR_INVALID;
    case SQLITE_TOOBIG:
        return ERR_TOO_BIG;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERR_PERMISSION;
    case SQLITE_CONSTRAINT:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

static const char *remedy(enum err_code code)
{
    switch (code) {
    case ERR_NO_SPACE:
        return "; make room on its disk";
    case ERR_CORRUPT:
        return "; restore a backup, or move the file away (agents send again only what they still hold)";
    case ERR_PERMISSION:
        return "; the file and its folder must belong to the user that hvhub runs as";
    default:
        return "";
    }
}

int sqlite_failed(struct sqlite_body *s, const char *what, struct err *e)
{
    enum err_code code = code_from_sqlite(sqlite3_extended_errcode(s->db));

    return err_set(e, code, "%s: %s: %s%s", s->path, what, sqlite3_errmsg(s->db), remedy(code));
}

static int run_text(struct sqlite_body *s, const char *sql, struct err *e)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failed(s, "store", e);
    return 0;
}

/* The first column of the first row as a number or, when text is given, as text. */
static int ask(struct sqlite_body *s, const char *sql, int64_t *number, char *text, size_t size, struct err *e)
{
    sqlite3_stmt *q = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW) {
        rc = sqlite_failed(s, "store", e);
    } else {
        *number = sqlite3_column_int64(q, 0);
        if (text != NULL)
            sqlite_text(q, 0, text, size);
    }
    sqlite3_finalize(q);
    return rc;
}

/* ---- the file --------------------------------------------------------------- */

static bool in_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static int make_folder(const char *path, struct err *e)
{
    char folder[4096];
    char *slash;

    if (!text_copy(folder, sizeof folder, path))
        return err_set(e, ERR_INVALID, "%s: the path is too long", path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return 0;
    *slash = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_errno(e, errno, "%s: cannot make the store's folder", folder);
    return 0;
}

/* Makes the file empty and private before SQLite opens it, so that it and its
 * -wal and -shm, which take its mode, are never open to others.  A file that is
 * there must be closed to others already. */
static int check_file(const char *path, bool read_only, struct err *e)
{
    struct stat st;
    int fd, rc;

    if (stat(path, &st) == 0) {
        if (!S_ISREG(st.st_mode))
            return err_set(e, ERR_INVALID, "%s: not a file", path);
        if ((st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
            return err_set(e, ERR_PERMISSION, "%s: open to others (mode %04o): chmod 0600 %s", path,
                           (unsigned)(st.st_mode & 07777), path);
        return 0;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return err_errno(e, errno, "%s: cannot open the store", path);
    if (read_only)
        return err_set(e, ERR_NOT_FOUND, "%s: no fleet store there yet: has `hvhub serve` run with this config?", path);
    rc = make_folder(path, e);
    if (rc != 0)
        return rc;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(e, errno, "%s: cannot make the store", path);
    close(fd);
    return 0;
}

static int connect_file(struct sqlite_body *s, const struct fleet_store_options *o, struct err *e)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE;

    if (in_memory(o->path))
        flags |= SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(o->path, &s->db, flags, o->vfs) != SQLITE_OK) {
        if (s->db == NULL)
            return err_set(e, ERR_MEMORY, "%s: out of memory", o->path);
        return sqlite_failed(s, "cannot open the store", e);
    }
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_BYTES, LOOKASIDE_SLOTS);
    return run_text(s, pragmas_all, e);
}

/* ---- schema ------------------------------------------------------------------- */

static int migrate(struct sqlite_body *s, int64_t version, struct err *e)
{
    char sql[96];
    int rc = run_text(s, "BEGIN IMMEDIATE", e);

    if (rc == 0)
        rc = ask(s, "PRAGMA user_version", &version, NULL, 0, e); /* another hub may have been faster */
    for (int64_t v = version; rc == 0 && v < SCHEMA_VERSION; v++)
        rc = run_text(s, migrations[v], e);
    snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID, SCHEMA_VERSION);
    if (rc == 0)
        rc = run_text(s, sql, e);
    if (rc == 0)
        rc = run_text(s, "COMMIT", e);
    if (rc != 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int check_integrity(struct sqlite_body *s, struct err *e)
{
    char text[256] = "";
    int64_t pages, size, unused;
    int rc = ask(s, "PRAGMA page_count", &pages, NULL, 0, e);

    if (rc == 0)
        rc = ask(s, "PRAGMA page_size", &size, NULL, 0, e);
    if (rc != 0 || pages > CHECK_BYTES_MAX / size)
        return rc;
    rc = ask(s, "PRAGMA quick_check(1)", &unused, text, sizeof text, e);
    if (rc == 0 && strcmp(text, "ok") != 0)
        return err_set(e, ERR_CORRUPT, "%s: damaged: %s%s", s->path, text, remedy(ERR_CORRUPT));
    return rc;
}

/* Whose file is it, and of which version? */
static int check_schema(struct sqlite_body *s, bool read_only, struct err *e)
{
    int64_t application, version, objects;
    int rc = ask(s, "PRAGMA application_id", &application, NULL, 0, e);

    if (rc == 0)
        rc = ask(s, "PRAGMA user_version", &version, NULL, 0, e);
    if (rc == 0)
        rc = ask(s, "SELECT count(*) FROM sqlite_schema", &objects, NULL, 0, e);
    if (rc != 0)
        return rc;
    if (application != APPLICATION_ID && (objects > 0 || version > 0))
        return err_set(e, ERR_INVALID, "%s: this is a database of another program, not a fleet store", s->path);
    if (version > SCHEMA_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: made by a newer hvhub (schema %lld, this program knows %d): install that version", s->path,
                       (long long)version, SCHEMA_VERSION);
    if (version == SCHEMA_VERSION)
        return 0;
    if (read_only)
        return err_set(e, ERR_NOT_FOUND, "%s: no fleet store of this version there: has `hvhub serve` run?", s->path);
    return migrate(s, version, e);
}

int fleet_sqlite_open(struct fleet_body **out, const struct fleet_store_options *o, struct err *e)
{
    struct sqlite_body *s = calloc(1, sizeof *s);
    int rc = 0;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &sqlite_ops;
    buf_init(&s->scratch, STATE_BYTES_MAX);
    if (!text_copy(s->path, sizeof s->path, o->path))
        rc = err_set(e, ERR_INVALID, "%s: the path is too long", o->path);
    if (rc == 0 && !in_memory(o->path))
        rc = check_file(o->path, o->read_only, e);
    if (rc == 0)
        rc = connect_file(s, o, e);
    if (rc == 0 && !o->read_only)
        rc = run_text(s, pragmas_writing, e);
    if (rc == 0)
        rc = check_schema(s, o->read_only, e);
    if (rc == 0 && !o->read_only)
        rc = check_integrity(s, e);
    if (rc == 0 && o->read_only)
        rc = run_text(s, "PRAGMA query_only=ON", e);
    if (rc != 0) {
        sqlite_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}

void sqlite_close(struct fleet_body *b)
{
    struct sqlite_body *s = sqlite_body_of(b);

    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    buf_free(&s->scratch);
    free(s);
}

/* ---- statements ----------------------------------------------------------------- */

sqlite3_stmt *sqlite_take(struct sqlite_body *s, enum sql which, struct err *e)
{
    sqlite3_stmt **q = &s->statements[which];

    assert(which < SQL_COUNT && sqlite_texts[which] != NULL);
    if (*q == NULL && sqlite3_prepare_v3(s->db, sqlite_texts[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != 0) {
        (void)!sqlite_failed(s, sqlite_texts[which], e);
        return NULL;
    }
    sqlite3_reset(*q);
    sqlite3_clear_bindings(*q);
    return *q;
}

int sqlite_row(struct sqlite_body *s, sqlite3_stmt *q, struct err *e)
{
    int rc = sqlite3_step(q);

    if (rc == SQLITE_ROW)
        return 0;
    if (rc == SQLITE_DONE) {
        sqlite3_reset(q);
        return ERR_NOT_FOUND;
    }
    rc = sqlite_failed(s, "cannot read", e);
    sqlite3_reset(q);
    return rc;
}

int sqlite_run(struct sqlite_body *s, sqlite3_stmt *q, struct err *e)
{
    int rc = sqlite3_step(q);

    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        rc = sqlite_failed(s, "cannot write", e);
    else
        rc = 0;
    sqlite3_reset(q);
    return rc;
}

/* The statement with its parameters bound; NULL with e filled. */
static sqlite3_stmt *prepared(struct sqlite_body *s, enum sql which, const struct sqlite_value *values, size_t count,
                              struct err *e)
{
    sqlite3_stmt *q = sqlite_take(s, which, e);

    for (size_t i = 0; q != NULL && i < count; i++) {
        const struct sqlite_value *v = &values[i];

        if (v->type == VALUE_INT)
            sqlite3_bind_int64(q, (int)i + 1, v->number);
        else if (v->type == VALUE_TEXT)
            sqlite3_bind_text(q, (int)i + 1, (const char *)v->bytes, -1, SQLITE_STATIC);
        else
            sqlite3_bind_blob(q, (int)i + 1, v->bytes, (int)v->len, SQLITE_STATIC);
    }
    return q;
}

int sqlite_do(struct sqlite_body *s, enum sql which, const struct sqlite_value *values, size_t count, struct err *e)
{
    sqlite3_stmt *q = prepared(s, which, values, count, e);

    return q != NULL ? sqlite_run(s, q, e) : ERR_IO;
}

int sqlite_first(struct sqlite_body *s, sqlite3_stmt **q, enum sql which, const struct sqlite_value *values,
                 size_t count, struct err *e)
{
    *q = prepared(s, which, values, count, e);
    return *q != NULL ? sqlite_row(s, *q, e) : ERR_IO;
}

int sqlite_each(struct sqlite_body *s, enum sql which, const struct sqlite_value *values, size_t count,
                bool (*take)(sqlite3_stmt *q, void *arg), void *arg, struct err *e)
{
    sqlite3_stmt *q = prepared(s, which, values, count, e);
    int rc;

    if (q == NULL)
        return ERR_IO;
    do {
        rc = sqlite_row(s, q, e);
    } while (rc == 0 && take(q, arg));
    sqlite3_reset(q);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

void sqlite_text(sqlite3_stmt *q, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    text_copy(out, size, text != NULL ? text : "");
}
