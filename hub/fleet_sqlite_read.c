/* The SQLite body's readers: everything of a kind, in one read transaction. */
#include "base/log.h"
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
    struct host h;

    if (host_decode(&h, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), NULL) != 0) {
        log_event(LOG_WARN, "store.host_damaged", LOG_S("host_id", (const char *)sqlite3_column_text(q, 1)));
        return true;
    }
    return reading->reader->host(reading->reader->arg, &h);
}

static bool take_guest(sqlite3_stmt *q, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;

    if (guest_decode(reading->guest, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), NULL) != 0) {
        log_event(LOG_WARN, "store.guest_damaged", LOG_S("vm_id", (const char *)sqlite3_column_text(q, 1)));
        return true;
    }
    return reading->reader->guest(reading->reader->arg, reading->guest);
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
    char build[FLEET_BUILD_MAX], highest[VERSION_TEXT_MAX];
    struct version os, is;

    sqlite_text(q, 0, build, sizeof build);
    sqlite_text(q, 1, highest, sizeof highest);
    if (version_parse(build, &os) > 0 && version_parse(highest, &is) > 0)
        drift_peers_put(reading->reader->peers, &os, &is);
    return true;
}

enum { WHICH_MAX = 3 };

/* Which guests the reader wants, and the parameters that say so. */
static enum sql guests_of(const struct fleet_reader *r, struct sqlite_value which[WHICH_MAX], int *count)
{
    *count = 1;
    which[0] = T(r->cluster);
    if (r->host_id != NULL) {
        which[0] = T(r->host_id);
        return SQL_READ_GUESTS_ON;
    }
    if (r->changed_from != 0) {
        which[0] = I(r->changed_from);
        return SQL_READ_GUESTS_CHANGED;
    }
    if (r->page_after == NULL) {
        *count = r->cluster != NULL ? 1 : 0;
        return r->cluster != NULL ? SQL_READ_GUESTS_OF : SQL_READ_GUESTS;
    }
    *count = r->page_state >= 0 ? 3 : 2;
    which[0] = T(r->page_after);
    which[1] = I(r->page_rows);
    if (r->page_state >= 0)
        which[2] = T(drift_state_name((enum drift_state)r->page_state));
    return r->page_state >= 0 ? SQL_READ_PAGE_OF_STATE : SQL_READ_PAGE;
}

static enum sql hosts_of(const struct fleet_reader *r)
{
    if (r->changed_from != 0)
        return SQL_READ_HOSTS_CHANGED;
    return r->scoped && r->cluster != NULL ? SQL_READ_HOSTS_OF : SQL_READ_HOSTS;
}

static enum sql agents_of(const struct fleet_reader *r)
{
    if (!r->scoped || (r->host_id == NULL && r->cluster == NULL))
        return SQL_READ_AGENTS;
    return r->host_id != NULL ? SQL_READ_AGENTS_ON : SQL_READ_AGENTS_OF;
}

int sqlite_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e)
{
    struct sqlite_body *s = sqlite_body_of(b);
    struct reading reading = { r, NULL };
    struct sqlite_value which[WHICH_MAX];
    int guests_count;
    const enum sql guests = guests_of(r, which, &guests_count);
    const struct {
        bool wanted;
        enum sql sql;
        int values;
        bool (*take)(sqlite3_stmt *q, void *arg);
    } kinds[] = {
        { r->peers != NULL, SQL_READ_PEERS, 0, take_peer },
        { r->host != NULL, hosts_of(r), hosts_of(r) == SQL_READ_HOSTS ? 0 : 1, take_host },
        { r->guest != NULL, guests, guests_count, take_guest },
        { r->agent != NULL, agents_of(r), agents_of(r) == SQL_READ_AGENTS ? 0 : 1, take_agent },
        { r->finding != NULL, SQL_READ_FINDINGS, 0, take_finding },
    };
    int rc = 0;

    reading.guest = (struct guest *)malloc(sizeof *reading.guest);
    if (reading.guest == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].wanted)
            rc = sqlite_each(s, kinds[i].sql, which, (size_t)kinds[i].values, kinds[i].take, &reading, e);
    }
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
        *out = (struct fleet_mark){ .from = sqlite3_column_int64(q, 0), .epoch = 1 };
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
