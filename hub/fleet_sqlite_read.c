/* The SQLite body's readers: everything of a kind, in one read transaction. */
#include "hub/fleet_rows.h"
#include "hub/fleet_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reading {
    const struct fleet_reader *reader;
    struct guest *guest; /* large: not on the stack */
};

static bool take_host(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;

    return fleet_give_host(reading->reader, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0),
                           (const char *)sqlite3_column_text(q, 1));
}

static bool take_guest(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;

    return fleet_give_guest(reading->reader, reading->guest, sqlite3_column_blob(q, 0),
                            (size_t)sqlite3_column_bytes(q, 0), (const char *)sqlite3_column_text(q, 1));
}

static bool take_agent(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    struct fleet_stream st;

    sqlite_stream_row(q, &st);
    return reading->reader->agent(reading->reader->arg, &st.agent);
}

static bool take_finding(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    struct fleet_finding f;

    if (!fleet_finding_parse((const char *)sqlite3_column_text(q, 0), &f.kind))
        return true; /* written by a newer hub */
    sqlite_text(q, 1, f.host_id, sizeof f.host_id);
    sqlite_text(q, 2, f.agent_id, sizeof f.agent_id);
    f.first_time = sqlite3_column_int64(q, 3);
    f.last_time = sqlite3_column_int64(q, 4);
    sqlite_text(q, 5, f.text, sizeof f.text);
    return reading->reader->finding(reading->reader->arg, &f);
}

static bool take_peer(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;

    fleet_give_peer(reading->reader, (const char *)sqlite3_column_text(q, 0), (const char *)sqlite3_column_text(q, 1));
    return true;
}

static const enum sql statements[FLEET_ROWS_OF_COUNT] = {
    [GUESTS_ALL] = SQL_READ_GUESTS,
    [GUESTS_OF_CLUSTER] = SQL_READ_GUESTS_OF,
    [GUESTS_ON_HOST] = SQL_READ_GUESTS_ON,
    [GUESTS_CHANGED] = SQL_READ_GUESTS_CHANGED,
    [GUESTS_PAGE] = SQL_READ_PAGE,
    [GUESTS_PAGE_OF_STATE] = SQL_READ_PAGE_OF_STATE,
    [HOSTS_ALL] = SQL_READ_HOSTS,
    [HOSTS_OF_CLUSTER] = SQL_READ_HOSTS_OF,
    [HOSTS_CHANGED] = SQL_READ_HOSTS_CHANGED,
    [AGENTS_ALL] = SQL_READ_AGENTS,
    [AGENTS_OF_CLUSTER] = SQL_READ_AGENTS_OF,
    [AGENTS_ON_HOST] = SQL_READ_AGENTS_ON,
};

static int read_rows(struct fleet_body *b, struct reading *reading, enum fleet_rows_of which,
                     bool (*take)(sqlite3_stmt *q, void *arg), struct err *e)
{
    struct fleet_parameter given[FLEET_PARAMETERS_MAX];
    struct sqlite_value values[FLEET_PARAMETERS_MAX];
    size_t count = fleet_parameters(which, reading->reader, given);

    for (size_t i = 0; i < count; i++)
        values[i] = given[i].text != NULL ? T(given[i].text) : I(given[i].number);
    return sqlite_each(sqlite_body_of(b), statements[which], values, count, take, reading, e);
}

int sqlite_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e)
{
    struct reading reading = { r, NULL };
    int rc = 0;

    reading.guest = (struct guest *)malloc(sizeof *reading.guest);
    if (reading.guest == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (r->peers != NULL)
        rc = sqlite_each(sqlite_body_of(b), SQL_READ_PEERS, NULL, 0, take_peer, &reading, e);
    if (rc == 0 && r->host != NULL)
        rc = read_rows(b, &reading, fleet_hosts_of(r), take_host, e);
    if (rc == 0 && r->guest != NULL)
        rc = read_rows(b, &reading, fleet_guests_of(r), take_guest, e);
    if (rc == 0 && r->agent != NULL)
        rc = read_rows(b, &reading, fleet_agents_of(r), take_agent, e);
    if (rc == 0 && r->finding != NULL)
        rc = sqlite_each(sqlite_body_of(b), SQL_READ_FINDINGS, NULL, 0, take_finding, &reading, e);
    free(reading.guest);
    return rc;
}

/* ---- findings ------------------------------------------------------------------ */

int sqlite_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take, void *arg,
                         struct err *e)
{
    const struct fleet_reader reader = { .arg = arg, .finding = take };
    struct reading reading = { &reader, NULL };

    return sqlite_each(sqlite_body_of(b), SQL_READ_FINDINGS_OF, WITH(T(q->cluster), T(q->host_id), I(q->since_ns)),
                       take_finding, &reading, e);
}

struct hearing {
    fleet_take_heard *take;
    void *arg;
};

static bool take_heard(sqlite3_stmt *q, void *arg)
{
    const struct hearing *h = (const struct hearing *)arg;
    struct fleet_heard row = { .heard = sqlite3_column_int64(q, 2) };

    sqlite_text(q, 0, row.host_id, sizeof row.host_id);
    sqlite_text(q, 1, row.agent_version, sizeof row.agent_version);
    return h->take(h->arg, &row);
}

int sqlite_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                       fleet_take_heard *take, void *arg, struct err *e)
{
    struct hearing h = { take, arg };

    return sqlite_each(sqlite_body_of(b), SQL_READ_SILENT, WITH(T(q->cluster), T(q->host_id), I(heard_before)),
                       take_heard, &h, e);
}

int sqlite_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                             fleet_take_heard *take, void *arg, struct err *e)
{
    struct hearing h = { take, arg };

    return sqlite_each(sqlite_body_of(b), SQL_READ_OTHER_AGENTS, WITH(T(q->cluster), T(q->host_id), T(version)),
                       take_heard, &h, e);
}

struct versions {
    bool (*take)(void *arg, const char *version);
    void *arg;
};

static bool take_version(sqlite3_stmt *q, void *arg)
{
    const struct versions *v = (const struct versions *)arg;
    char version[HOST_AGENT_VERSION_MAX];

    sqlite_text(q, 0, version, sizeof version);
    return v->take(v->arg, version);
}

int sqlite_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg, struct err *e)
{
    struct versions v = { take, arg };

    return sqlite_each(sqlite_body_of(b), SQL_READ_VERSIONS, NULL, 0, take_version, &v, e);
}

int sqlite_mark(struct fleet_body *b, struct fleet_mark *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_MARK, NULL, 0, e);

    if (rc == 0)
        *out = (struct fleet_mark){ .from = sqlite3_column_int64(q, 0), .below = INT64_MAX, .epoch = 1 };
    sqlite3_reset(q);
    return rc == ERR_NOT_FOUND ? err_set(e, ERR_CORRUPT, "the store's table tally is empty") : rc;
}

/* ---- stats ---------------------------------------------------------------------- */

static bool take_state_count(sqlite3_stmt *q, void *arg)
{
    struct fleet_stats *out = (struct fleet_stats *)arg;
    uint64_t n = (uint64_t)sqlite3_column_int64(q, 1);
    enum drift_state state;

    out->guests += n;
    if (drift_state_parse((const char *)sqlite3_column_text(q, 0), &state))
        out->guests_by_state[state] += n;
    return true;
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

int sqlite_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    sqlite3_stmt *q = sqlite_take(s, SQL_COUNTS, e);
    char wal[sizeof s->path + 8];
    int rc;

    *out = (struct fleet_stats){ 0 };
    if (q == NULL)
        return ERR_IO;
    rc = sqlite_row(s, q, e);
    if (rc != 0)
        return rc;
    out->agents = (uint64_t)sqlite3_column_int64(q, 0);
    out->hosts = (uint64_t)sqlite3_column_int64(q, 1);
    out->foreign = (uint64_t)sqlite3_column_int64(q, 2);
    out->findings = (uint64_t)sqlite3_column_int64(q, 3);
    sqlite3_reset(q);
    rc = sqlite_each(s, SQL_COUNT_STATES, NULL, 0, take_state_count, out, e);
    snprintf(wal, sizeof wal, "%s-wal", s->path);
    out->file_bytes = size_of(s->path) + size_of(wal);
    return rc;
}
