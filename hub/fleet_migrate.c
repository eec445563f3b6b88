/* See fleet_migrate.h.
 *
 * The two bodies have the same tables and names.  A table's rows go through COPY
 * in its binary format ("COPY", Binary Format, in the PostgreSQL manual): a
 * signature, then for each row the number of fields and for each field its
 * length and bytes, then -1.  Columns are those that the database has; one that
 * the file does not have keeps its default there. */
#include "hub/fleet_migrate.h"

#include "base/buf.h"
#include "base/text.h"
#include "config/store_url.h"
#include "hub/fleet_postgres.h"

#include <assert.h>
#include <endian.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum {
    COLUMNS_MAX = 32,
    ROW_BYTES_MAX = 64 * 1024 * 1024,
    SEND_BYTES = 256 * 1024,
    PROGRESS_ROWS = 10000,
    TYPE_BYTEA = 17, /* pg_type.oid, the same in every PostgreSQL */
    TYPE_INT8 = 20,
    TYPE_TEXT = 25,
};

/* probe holds nothing of the fleet. */
static const char *const tables[] = {
    "stream",          "hole",           "observation",   "foreign_record",  "host",
    "guest",           "peer",           "rejudge",       "finding",         "guest_change",
    "daily",           "forward_target", "forward_mark",  "forward_refused", "delivery",
    "delivery_found",  "circumstance",   "incident_todo", "incident",        "incident_alias",
    "incident_review", "claim",          "enroll_token",  "issued",          "bound_agent",
    "banned_host",     "identity_event", "person",        "ticket",          "audit",
};
enum { TABLE_COUNT = sizeof tables / sizeof tables[0] };

struct column {
    char name[64];
    unsigned type;
};

struct migration {
    const struct fleet_migration *m;
    sqlite3 *db;
    PGconn *conn;
    char name[256]; /* of the database, for messages */
    struct column columns[COLUMNS_MAX];
    int column_count;
    struct buf rows;
};

/* ---- the two ends --------------------------------------------------------------------- */

static int file_failed(struct migration *g, struct err *e)
{
    if ((sqlite3_errcode(g->db) & 0xff) == SQLITE_BUSY)
        return err_set(e, ERR_BUSY, "%s: a program has it open: stop hvhub first", g->m->file);
    return err_set(e, ERR_IO, "%s: %s", g->m->file, sqlite3_errmsg(g->db));
}

static int base_failed(struct migration *g, const PGresult *r, struct err *e)
{
    char why[ERR_TEXT_MAX / 2];
    const char *text = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    if (text == NULL)
        text = PQerrorMessage(g->conn);
    postgres_message(text, why, sizeof why);
    return err_set(e, ERR_IO, "%s: %s", g->name, why);
}

/* Runs one SQL text in the database; *out may be NULL. */
static int tell(struct migration *g, const char *sql, PGresult **out, struct err *e)
{
    PGresult *r = PQexec(g->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    int rc = 0;

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_IN)
        rc = base_failed(g, r, e);
    if (rc == 0 && out != NULL)
        *out = r;
    else
        PQclear(r);
    return rc;
}

/* Makes or updates the tables by opening the store as a hub does. */
static int prepare_store(const struct migration *g, const char *path, struct err *e)
{
    struct fleet_store_options options = { .path = path, .floors = g->m->floors, .clock = g->m->clock };
    struct fleet_store *store;
    int rc = fleet_store_open(&store, &options, e);

    if (rc == 0)
        fleet_store_close(store);
    return rc;
}

/* Alone with the file: in this mode the lock is refused while another program has it open. */
static int open_file(struct migration *g, struct err *e)
{
    if (sqlite3_open_v2(g->m->file, &g->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_exec(g->db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        return file_failed(g, e);
    return 0;
}

static int open_base(struct migration *g, struct err *e)
{
    static const char *const words[] = { "fallback_application_name", "target_session_attrs", "dbname",
                                         "client_encoding", NULL };
    const char *const values[] = { "hvhub migrate", "read-write", g->m->url, "UTF8", NULL };

    g->conn = PQconnectdbParams(words, values, 1);
    return PQstatus(g->conn) == CONNECTION_OK ? 0 : base_failed(g, NULL, e);
}

/* ---- one table ---------------------------------------------------------------------------- */

static bool file_has(struct migration *g, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(g->db, "main", table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static int read_columns(struct migration *g, const char *table, struct err *e)
{
    char sql[256];
    PGresult *r;
    int rc;

    snprintf(sql, sizeof sql,
             "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0"
             " AND NOT attisdropped ORDER BY attnum",
             table);
    rc = tell(g, sql, &r, e);
    if (rc != 0)
        return rc;
    g->column_count = 0;
    for (int i = 0; i < PQntuples(r); i++) {
        uint64_t type = 0;
        struct column *c = &g->columns[g->column_count];

        if (!file_has(g, table, PQgetvalue(r, i, 0)))
            continue;
        assert(g->column_count < COLUMNS_MAX - 1);
        if (!text_u64(PQgetvalue(r, i, 1), &type))
            rc = err_set(e, ERR_CORRUPT, "%s: pg_attribute.atttypid is no number", g->name);
        text_copy(c->name, sizeof c->name, PQgetvalue(r, i, 0));
        c->type = (unsigned)type;
        g->column_count++;
    }
    PQclear(r);
    return rc;
}

static void add_be16(struct buf *b, int16_t v)
{
    uint16_t big = htobe16((uint16_t)v);

    buf_add(b, &big, sizeof big);
}

static void add_be32(struct buf *b, int32_t v)
{
    uint32_t big = htobe32((uint32_t)v);

    buf_add(b, &big, sizeof big);
}

static void add_field(struct buf *b, sqlite3_stmt *q, int column, unsigned type)
{
    if (sqlite3_column_type(q, column) == SQLITE_NULL) {
        add_be32(b, -1);
    } else if (type == TYPE_INT8) {
        uint64_t big = htobe64((uint64_t)sqlite3_column_int64(q, column));

        add_be32(b, (int32_t)sizeof big);
        buf_add(b, &big, sizeof big);
    } else {
        const void *bytes =
            type == TYPE_TEXT ? (const void *)sqlite3_column_text(q, column) : sqlite3_column_blob(q, column);
        int len = sqlite3_column_bytes(q, column);

        assert(type == TYPE_TEXT || type == TYPE_BYTEA);
        add_be32(b, len);
        if (len > 0)
            buf_add(b, bytes, (size_t)len);
    }
}

static int send_rows(struct migration *g, struct err *e)
{
    int rc = 0;

    if (buf_error(&g->rows) != ERR_OK)
        return err_set(e, buf_error(&g->rows), "%s: a row is too big", g->m->file);
    if (g->rows.len > 0 && PQputCopyData(g->conn, g->rows.data, (int)g->rows.len) != 1)
        rc = base_failed(g, NULL, e);
    buf_clear(&g->rows);
    return rc;
}

static void report(struct migration *g, const char *table, int64_t done, int64_t total)
{
    if (g->m->progress != NULL)
        g->m->progress(g->m->arg, table, done, total);
}

static int pump(struct migration *g, sqlite3_stmt *q, const char *table, int64_t total, int64_t *done, struct err *e)
{
    static const char signature[] = "PGCOPY\n\377\r\n"; /* with its NUL */
    int rc = 0, step = SQLITE_ROW;

    buf_clear(&g->rows);
    buf_add(&g->rows, signature, sizeof signature);
    add_be32(&g->rows, 0);
    add_be32(&g->rows, 0);
    while (rc == 0 && (step = sqlite3_step(q)) == SQLITE_ROW) {
        add_be16(&g->rows, (int16_t)g->column_count);
        for (int i = 0; i < g->column_count; i++)
            add_field(&g->rows, q, i, g->columns[i].type);
        if (g->rows.len >= SEND_BYTES)
            rc = send_rows(g, e);
        if (++*done % PROGRESS_ROWS == 0)
            report(g, table, *done, total);
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = file_failed(g, e);
    add_be16(&g->rows, -1);
    return rc != 0 ? rc : send_rows(g, e);
}

/* Ends the COPY; a failure on our side tells the server to forget it. */
static int end_copy(struct migration *g, int rc, struct err *e)
{
    PGresult *r;

    if (PQputCopyEnd(g->conn, rc == 0 ? NULL : "stopped") != 1 && rc == 0)
        rc = base_failed(g, NULL, e);
    while ((r = PQgetResult(g->conn)) != NULL) {
        if (rc == 0 && PQresultStatus(r) != PGRES_COMMAND_OK)
            rc = base_failed(g, r, e);
        PQclear(r);
    }
    return rc;
}

/* "<before>col, col<after>" */
static void column_list(const struct migration *g, struct buf *sql)
{
    for (int i = 0; i < g->column_count; i++)
        buf_printf(sql, "%s%s", i > 0 ? ", " : "", g->columns[i].name);
}

static int count_rows(struct migration *g, const char *table, int64_t *total, struct err *e)
{
    char sql[96];
    sqlite3_stmt *q = NULL;
    int rc = 0;

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    if (sqlite3_prepare_v2(g->db, sql, -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW)
        rc = file_failed(g, e);
    else
        *total = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return rc;
}

static int copy_table(struct migration *g, const char *table, int64_t *rows, struct err *e)
{
    struct buf select, copy;
    sqlite3_stmt *q = NULL;
    int64_t total = 0, done = 0;
    int rc = read_columns(g, table, e);

    buf_init(&select, 4096);
    buf_init(&copy, 4096);
    buf_str(&select, "SELECT ");
    column_list(g, &select);
    buf_printf(&select, " FROM %s", table);
    buf_printf(&copy, "COPY %s(", table);
    column_list(g, &copy);
    buf_str(&copy, ") FROM STDIN WITH (FORMAT binary)");
    if (rc == 0)
        rc = count_rows(g, table, &total, e);
    if (rc == 0 && sqlite3_prepare_v2(g->db, buf_text(&select), -1, &q, NULL) != SQLITE_OK)
        rc = file_failed(g, e);
    if (rc == 0)
        rc = tell(g, buf_text(&copy), NULL, e);
    if (rc == 0) {
        rc = pump(g, q, table, total, &done, e);
        rc = end_copy(g, rc, e);
    }
    if (rc == 0)
        report(g, table, done, total);
    *rows += done;
    sqlite3_finalize(q);
    buf_free(&select);
    buf_free(&copy);
    return rc;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int check_empty(struct migration *g, const char *table, struct err *e)
{
    char sql[96];
    PGresult *r;
    int rc;

    snprintf(sql, sizeof sql, "LOCK TABLE %s IN EXCLUSIVE MODE; SELECT 1 FROM %s LIMIT 1", table, table);
    rc = tell(g, sql, &r, e);
    if (rc != 0)
        return rc;
    if (PQntuples(r) > 0)
        rc = err_set(e, ERR_STATE, "%s: it holds a fleet already (table %s); migrate into an empty database", g->name,
                     table);
    PQclear(r);
    return rc;
}

static int copy_all(struct migration *g, int64_t *rows, struct err *e)
{
    static const char sequences[] =
        "SELECT setval(pg_get_serial_sequence('stream', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM stream), false);"
        "SELECT setval(pg_get_serial_sequence('foreign_record', 'id'),"
        " (SELECT coalesce(max(id), 0) + 1 FROM foreign_record), false);"
        "SELECT setval(pg_get_serial_sequence('incident_todo', 'id'),"
        " (SELECT coalesce(max(id), 0) + 1 FROM incident_todo), false);"
        "SELECT setval(pg_get_serial_sequence('identity_event', 'id'),"
        " (SELECT coalesce(max(id), 0) + 1 FROM identity_event), false);"
        "SELECT setval(pg_get_serial_sequence('audit', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM audit), false)";
    int rc = tell(g, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0", NULL, e);

    *rows = 0;
    if (rc == 0)
        rc = tell(g, "BEGIN", NULL, e);
    for (int i = 0; rc == 0 && i < TABLE_COUNT; i++)
        rc = check_empty(g, tables[i], e);
    for (int i = 0; rc == 0 && i < TABLE_COUNT; i++)
        rc = copy_table(g, tables[i], rows, e);
    if (rc == 0)
        rc = tell(g, sequences, NULL, e);
    if (rc == 0)
        rc = tell(g, "COMMIT", NULL, e);
    return rc;
}

int fleet_migrate(const struct fleet_migration *m, int64_t *rows, struct err *e)
{
    struct migration g = { .m = m };
    int64_t copied = 0;
    int rc;

    store_path_name(m->url, g.name, sizeof g.name);
    buf_init(&g.rows, ROW_BYTES_MAX);
    rc = prepare_store(&g, m->file, e);
    if (rc == 0)
        rc = open_file(&g, e);
    if (rc == 0)
        rc = prepare_store(&g, m->url, e);
    if (rc == 0)
        rc = open_base(&g, e);
    if (rc == 0)
        rc = copy_all(&g, &copied, e);
    if (rc == 0) {
        *rows = copied;
        (void)!tell(&g, "ANALYZE", NULL, NULL); /* the server does it by itself too, later */
    }
    PQfinish(g.conn);
    sqlite3_close(g.db);
    buf_free(&g.rows);
    return rc;
}
