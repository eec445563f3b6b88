/* The SQLite body's side of forwarding, and what is counted for /metrics. */
#include "base/text.h"
#include "hub/fleet_sqlite.h"

#define ME sqlite_body_of(b)

static int changed(struct sqlite_body *s, bool *out, int rc)
{
    *out = rc == 0 && sqlite3_changes(s->db) > 0;
    return rc;
}

int sqlite_forward_open(struct fleet_body *b, const char *target, bool from_now, bool *made, struct err *e)
{
    int rc = changed(ME, made, sqlite_do(ME, SQL_FORWARD_OPEN, WITH(T(target)), e));

    return rc == 0 && *made && from_now ? sqlite_do(ME, SQL_FORWARD_FROM_NOW, WITH(T(target)), e) : rc;
}

int sqlite_forward_lease(struct fleet_body *b, const char *target, const char *owner, int64_t now_ns, int64_t length_ns,
                         bool *held, struct err *e)
{
    return changed(ME, held, sqlite_do(ME, SQL_FORWARD_LEASE, WITH(T(target), T(owner), I(now_ns), I(length_ns)), e));
}

int sqlite_forward_release(struct fleet_body *b, const char *target, const char *owner, struct err *e)
{
    return sqlite_do(ME, SQL_FORWARD_RELEASE, WITH(T(target), T(owner)), e);
}

struct taking {
    fleet_take_behind *behind;
    fleet_take_record *record;
    fleet_take_target *target;
    void *arg;
};

static bool take_behind(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_behind s = { .stream = sqlite3_column_int64(q, 0) };

    sqlite_text(q, 1, s.agent_id, sizeof s.agent_id);
    sqlite_text(q, 2, s.host_id, sizeof s.host_id);
    s.mark = (uint64_t)sqlite3_column_int64(q, 3);
    s.records = (uint64_t)sqlite3_column_int64(q, 4);
    return t->behind(t->arg, &s);
}

int sqlite_forward_behind(struct fleet_body *b, const char *target, int64_t after, int limit, fleet_take_behind *take,
                          void *arg, struct err *e)
{
    struct taking t = { .behind = take, .arg = arg };

    return sqlite_each(ME, SQL_FORWARD_BEHIND, WITH(T(target), I(after), I(limit)), take_behind, &t, e);
}

static bool take_record(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_forwarded r = {
        .arrival = (uint64_t)sqlite3_column_int64(q, 0),
        .seq = (uint64_t)sqlite3_column_int64(q, 1),
        .received = sqlite3_column_int64(q, 2),
        .payload = sqlite3_column_blob(q, 3),
        .len = (size_t)sqlite3_column_bytes(q, 3),
    };

    return t->record(t->arg, &r);
}

int sqlite_forward_records(struct fleet_body *b, int64_t stream, uint64_t mark, int limit, fleet_take_record *take,
                           void *arg, struct err *e)
{
    struct taking t = { .record = take, .arg = arg };

    return sqlite_each(ME, SQL_FORWARD_RECORDS, WITH(I(stream), I(mark), I(limit)), take_record, &t, e);
}

int sqlite_forward_mark(struct fleet_body *b, const char *target, int64_t stream, uint64_t arrival, struct err *e)
{
    return sqlite_do(ME, SQL_FORWARD_MARK, WITH(T(target), I(stream), I(arrival)), e);
}

int sqlite_forward_refuse(struct fleet_body *b, const char *target, const struct fleet_refused *r, int keep,
                          struct err *e)
{
    int rc = sqlite_do(ME, SQL_FORWARD_REFUSE, WITH(T(target), I(r->stream), I(r->seq), I(r->time), T(r->reason)), e);

    return rc != 0 ? rc : sqlite_do(ME, SQL_FORWARD_REFUSE_TRIM, WITH(T(target), I(keep)), e);
}

int sqlite_forward_count(struct fleet_body *b, const char *target, const char *owner,
                         const struct fleet_forward_counts *add, int64_t now_ns, bool *held, struct err *e)
{
    return changed(ME, held,
                   sqlite_do(ME, SQL_FORWARD_COUNT,
                             WITH(T(target), T(owner), I(add->sent), I(add->refused), I(add->lost), I(now_ns)), e));
}

static bool take_target(sqlite3_stmt *q, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_forward_target out = {
        .counts = { (uint64_t)sqlite3_column_int64(q, 1), (uint64_t)sqlite3_column_int64(q, 2),
                    (uint64_t)sqlite3_column_int64(q, 3) },
        .last_sent = sqlite3_column_int64(q, 4),
        .lag = (uint64_t)sqlite3_column_int64(q, 5),
        .oldest = sqlite3_column_int64(q, 6),
    };

    sqlite_text(q, 0, out.name, sizeof out.name);
    return t->target(t->arg, &out);
}

int sqlite_forward_targets(struct fleet_body *b, fleet_take_target *take, void *arg, struct err *e)
{
    struct taking t = { .target = take, .arg = arg };

    return sqlite_each(ME, SQL_FORWARD_TARGETS, NULL, 0, take_target, &t, e);
}

/* ---- gauges --------------------------------------------------------------------------- */

static bool take_finding_count(sqlite3_stmt *q, void *arg)
{
    fleet_gauge_finding((struct fleet_gauges *)arg, (const char *)sqlite3_column_text(q, 0),
                        (uint64_t)sqlite3_column_int64(q, 1));
    return true;
}

static bool take_version_count(sqlite3_stmt *q, void *arg)
{
    fleet_gauge_version((struct fleet_gauges *)arg, (const char *)sqlite3_column_text(q, 0),
                        (uint64_t)sqlite3_column_int64(q, 1));
    return true;
}

static bool take_silent(sqlite3_stmt *q, void *arg)
{
    ((struct fleet_gauges *)arg)->findings[FINDING_SILENT_HOST] = (uint64_t)sqlite3_column_int64(q, 0);
    return true;
}

static bool take_notes(sqlite3_stmt *q, void *arg)
{
    ((struct fleet_gauges *)arg)->notes = (uint64_t)sqlite3_column_int64(q, 0);
    return true;
}

static bool take_incident_count(sqlite3_stmt *q, void *arg)
{
    fleet_gauge_incidents((struct fleet_gauges *)arg, (const char *)sqlite3_column_text(q, 0),
                          (const char *)sqlite3_column_text(q, 1), (uint64_t)sqlite3_column_int64(q, 2));
    return true;
}

int sqlite_gauges(struct fleet_body *b, int64_t silent_before_ns, struct fleet_gauges *out, struct err *e)
{
    int rc = sqlite_each(ME, SQL_GAUGE_FINDINGS, NULL, 0, take_finding_count, out, e);

    if (rc == 0)
        rc = sqlite_each(ME, SQL_GAUGE_SILENT, WITH(I(silent_before_ns)), take_silent, out, e);
    if (rc == 0)
        rc = sqlite_each(ME, SQL_GAUGE_NOTES, NULL, 0, take_notes, out, e);
    if (rc == 0)
        rc = sqlite_each(ME, SQL_GAUGE_INCIDENTS, NULL, 0, take_incident_count, out, e);
    return rc != 0 ? rc : sqlite_each(ME, SQL_GAUGE_AGENTS, NULL, 0, take_version_count, out, e);
}
