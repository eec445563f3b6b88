/* The PostgreSQL body's side of forwarding, and what is counted for /metrics.
 * Leases go by the server's clock, so that the hubs' own need not agree. */
#include "base/text.h"
#include "hub/fleet_postgres.h"

#define ME postgres_body_of(b)

/* As postgres_changed(), whether rather than how many. */
static int touched(struct fleet_body *b, bool *out, enum pg_sql which, const struct pg_value *values, size_t count,
                   struct err *e)
{
    int rows = 0;
    int rc = postgres_changed(ME, &rows, which, values, count, e);

    *out = rc == 0 && rows > 0;
    return rc;
}

int postgres_forward_open(struct fleet_body *b, const char *target, bool from_now, bool *made, struct err *e)
{
    int rc = touched(b, made, PG_FORWARD_OPEN, PG_WITH(PG_T(target)), e);

    return rc == 0 && *made && from_now ? postgres_run(ME, PG_FORWARD_FROM_NOW, PG_WITH(PG_T(target)), e) : rc;
}

int postgres_forward_lease(struct fleet_body *b, const char *target, const char *owner, int64_t now_ns,
                           int64_t length_ns, bool *held, struct err *e)
{
    (void)now_ns;
    return touched(b, held, PG_FORWARD_LEASE, PG_WITH(PG_T(target), PG_T(owner), PG_I(length_ns)), e);
}

int postgres_forward_release(struct fleet_body *b, const char *target, const char *owner, struct err *e)
{
    return postgres_run(ME, PG_FORWARD_RELEASE, PG_WITH(PG_T(target), PG_T(owner)), e);
}

struct taking {
    fleet_take_behind *behind;
    fleet_take_record *record;
    fleet_take_target *target;
    void *arg;
};

static bool take_behind(const PGresult *r, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_behind s = { .stream = pg_int(r, 0) };

    pg_copy_text(r, 1, s.agent_id, sizeof s.agent_id);
    pg_copy_text(r, 2, s.host_id, sizeof s.host_id);
    s.mark = (uint64_t)pg_int(r, 3);
    s.records = (uint64_t)pg_int(r, 4);
    return t->behind(t->arg, &s);
}

int postgres_forward_behind(struct fleet_body *b, const char *target, int64_t after, int limit, fleet_take_behind *take,
                            void *arg, struct err *e)
{
    struct taking t = { .behind = take, .arg = arg };

    return postgres_each(ME, take_behind, &t, PG_FORWARD_BEHIND, PG_WITH(PG_T(target), PG_I(after), PG_I(limit)), e);
}

static bool take_record(const PGresult *r, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_forwarded out = {
        .arrival = (uint64_t)pg_int(r, 0),
        .seq = (uint64_t)pg_int(r, 1),
        .received = pg_int(r, 2),
    };

    out.payload = pg_blob(r, 3, &out.len);
    return t->record(t->arg, &out);
}

int postgres_forward_records(struct fleet_body *b, int64_t stream, uint64_t mark, int limit, fleet_take_record *take,
                             void *arg, struct err *e)
{
    struct taking t = { .record = take, .arg = arg };

    return postgres_each(ME, take_record, &t, PG_FORWARD_RECORDS, PG_WITH(PG_I(stream), PG_I(mark), PG_I(limit)), e);
}

int postgres_forward_mark(struct fleet_body *b, const char *target, int64_t stream, uint64_t arrival, struct err *e)
{
    return postgres_run(ME, PG_FORWARD_MARK, PG_WITH(PG_T(target), PG_I(stream), PG_I(arrival)), e);
}

int postgres_forward_refuse(struct fleet_body *b, const char *target, const struct fleet_refused *r, int keep,
                            struct err *e)
{
    int rc = postgres_run(ME, PG_FORWARD_REFUSE,
                          PG_WITH(PG_T(target), PG_I(r->stream), PG_I(r->seq), PG_I(r->time), PG_T(r->reason)), e);

    return rc != 0 ? rc : postgres_run(ME, PG_FORWARD_REFUSE_TRIM, PG_WITH(PG_T(target), PG_I(keep)), e);
}

int postgres_forward_count(struct fleet_body *b, const char *target, const char *owner,
                           const struct fleet_forward_counts *add, int64_t now_ns, bool *held, struct err *e)
{
    return touched(
        b, held, PG_FORWARD_COUNT,
        PG_WITH(PG_T(target), PG_T(owner), PG_I(add->sent), PG_I(add->refused), PG_I(add->lost), PG_I(now_ns)), e);
}

static bool take_target(const PGresult *r, void *arg)
{
    const struct taking *t = (const struct taking *)arg;
    struct fleet_forward_target out = {
        .counts = { (uint64_t)pg_int(r, 1), (uint64_t)pg_int(r, 2), (uint64_t)pg_int(r, 3) },
        .last_sent = pg_int(r, 4),
        .lag = (uint64_t)pg_int(r, 5),
        .oldest = pg_int(r, 6),
    };

    pg_copy_text(r, 0, out.name, sizeof out.name);
    return t->target(t->arg, &out);
}

int postgres_forward_targets(struct fleet_body *b, fleet_take_target *take, void *arg, struct err *e)
{
    struct taking t = { .target = take, .arg = arg };

    return postgres_each(ME, take_target, &t, PG_FORWARD_TARGETS, NULL, 0, e);
}

/* ---- gauges --------------------------------------------------------------------------- */

static bool take_finding_count(const PGresult *r, void *arg)
{
    fleet_gauge_finding((struct fleet_gauges *)arg, PQgetvalue(r, 0, 0), (uint64_t)pg_int(r, 1));
    return true;
}

static bool take_version_count(const PGresult *r, void *arg)
{
    fleet_gauge_version((struct fleet_gauges *)arg, PQgetvalue(r, 0, 0), (uint64_t)pg_int(r, 1));
    return true;
}

static bool take_silent(const PGresult *r, void *arg)
{
    ((struct fleet_gauges *)arg)->findings[FINDING_SILENT_HOST] = (uint64_t)pg_int(r, 0);
    return true;
}

static bool take_notes(const PGresult *r, void *arg)
{
    ((struct fleet_gauges *)arg)->notes = (uint64_t)pg_int(r, 0);
    return true;
}

static bool take_incident_count(const PGresult *r, void *arg)
{
    fleet_gauge_incidents((struct fleet_gauges *)arg, PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1), (uint64_t)pg_int(r, 2));
    return true;
}

int postgres_gauges(struct fleet_body *b, int64_t silent_before_ns, struct fleet_gauges *out, struct err *e)
{
    int rc = postgres_each(ME, take_finding_count, out, PG_GAUGE_FINDINGS, NULL, 0, e);

    if (rc == 0)
        rc = postgres_each(ME, take_silent, out, PG_GAUGE_SILENT, PG_WITH(PG_I(silent_before_ns)), e);
    if (rc == 0)
        rc = postgres_each(ME, take_notes, out, PG_GAUGE_NOTES, NULL, 0, e);
    if (rc == 0)
        rc = postgres_each(ME, take_incident_count, out, PG_GAUGE_INCIDENTS, NULL, 0, e);
    return rc != 0 ? rc : postgres_each(ME, take_version_count, out, PG_GAUGE_AGENTS, NULL, 0, e);
}
