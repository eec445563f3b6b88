/* The PostgreSQL body's readers: everything of a kind, row by row as it
 * arrives, in one read transaction.  A callback must not use the store. */
#include "base/text.h"
#include "hub/fleet_postgres.h"
#include "hub/fleet_rows.h"

#include <stdlib.h>

struct reading {
    const struct fleet_reader *reader;
    struct guest *guest; /* large: not on the stack */
};

static bool take_host(const PGresult *r, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    size_t len;
    const void *state = pg_blob(r, 0, &len);

    return fleet_give_host(reading->reader, state, len, PQgetvalue(r, 0, 1));
}

static bool take_guest(const PGresult *r, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    size_t len;
    const void *state = pg_blob(r, 0, &len);

    return fleet_give_guest(reading->reader, reading->guest, state, len, PQgetvalue(r, 0, 1));
}

static bool take_agent(const PGresult *r, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    struct fleet_stream st;

    postgres_stream_row(r, &st);
    return reading->reader->agent(reading->reader->arg, &st.agent);
}

static bool take_finding(const PGresult *r, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;
    struct fleet_finding f = { .first_time = pg_int(r, 3), .last_time = pg_int(r, 4) };

    if (!fleet_finding_parse(PQgetvalue(r, 0, 0), &f.kind))
        return true; /* written by a newer hub */
    pg_copy_text(r, 1, f.host_id, sizeof f.host_id);
    pg_copy_text(r, 2, f.agent_id, sizeof f.agent_id);
    pg_copy_text(r, 5, f.text, sizeof f.text);
    return reading->reader->finding(reading->reader->arg, &f);
}

static bool take_peer(const PGresult *r, void *arg)
{
    const struct reading *reading = (const struct reading *)arg;

    fleet_give_peer(reading->reader, PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
    return true;
}

static const enum pg_sql statements[FLEET_ROWS_OF_COUNT] = {
    [GUESTS_ALL] = PG_READ_GUESTS,
    [GUESTS_OF_CLUSTER] = PG_READ_GUESTS_OF,
    [GUESTS_ON_HOST] = PG_READ_GUESTS_ON,
    [GUESTS_CHANGED] = PG_READ_GUESTS_CHANGED,
    [GUESTS_PAGE] = PG_READ_PAGE,
    [GUESTS_PAGE_OF_STATE] = PG_READ_PAGE_OF_STATE,
    [HOSTS_ALL] = PG_READ_HOSTS,
    [HOSTS_OF_CLUSTER] = PG_READ_HOSTS_OF,
    [HOSTS_CHANGED] = PG_READ_HOSTS_CHANGED,
    [AGENTS_ALL] = PG_READ_AGENTS,
    [AGENTS_OF_CLUSTER] = PG_READ_AGENTS_OF,
    [AGENTS_ON_HOST] = PG_READ_AGENTS_ON,
};

static int read_rows(struct fleet_body *b, struct reading *reading, enum fleet_rows_of which, postgres_take *take,
                     struct err *e)
{
    struct fleet_parameter given[FLEET_PARAMETERS_MAX];
    struct pg_value values[FLEET_PARAMETERS_MAX];
    size_t count = fleet_parameters(which, reading->reader, given);

    for (size_t i = 0; i < count; i++)
        values[i] = given[i].text != NULL ? PG_T(given[i].text) : PG_I(given[i].number);
    return postgres_each(postgres_body_of(b), take, reading, statements[which], values, count, e);
}

int postgres_read(struct fleet_body *b, const struct fleet_reader *r, struct err *e)
{
    struct reading reading = { r, NULL };
    int rc = 0;

    reading.guest = (struct guest *)malloc(sizeof *reading.guest);
    if (reading.guest == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (r->peers != NULL)
        rc = postgres_each(postgres_body_of(b), take_peer, &reading, PG_READ_PEERS, NULL, 0, e);
    if (rc == 0 && r->host != NULL)
        rc = read_rows(b, &reading, fleet_hosts_of(r), take_host, e);
    if (rc == 0 && r->guest != NULL)
        rc = read_rows(b, &reading, fleet_guests_of(r), take_guest, e);
    if (rc == 0 && r->agent != NULL)
        rc = read_rows(b, &reading, fleet_agents_of(r), take_agent, e);
    if (rc == 0 && r->finding != NULL)
        rc = postgres_each(postgres_body_of(b), take_finding, &reading, PG_READ_FINDINGS, NULL, 0, e);
    free(reading.guest);
    return rc;
}

/* ---- findings ------------------------------------------------------------------ */

int postgres_read_findings(struct fleet_body *b, const struct fleet_finding_query *q, fleet_take_finding *take,
                           void *arg, struct err *e)
{
    const struct fleet_reader reader = { .arg = arg, .finding = take };
    struct reading reading = { &reader, NULL };

    return postgres_each(postgres_body_of(b), take_finding, &reading, PG_READ_FINDINGS_OF,
                         PG_WITH(PG_T(q->cluster), PG_T(q->host_id), PG_I(q->since_ns)), e);
}

struct hearing {
    fleet_take_heard *take;
    void *arg;
};

static bool take_heard(const PGresult *r, void *arg)
{
    const struct hearing *h = (const struct hearing *)arg;
    struct fleet_heard row = { .heard = pg_int(r, 2) };

    pg_copy_text(r, 0, row.host_id, sizeof row.host_id);
    pg_copy_text(r, 1, row.agent_version, sizeof row.agent_version);
    return h->take(h->arg, &row);
}

int postgres_read_silent(struct fleet_body *b, const struct fleet_finding_query *q, int64_t heard_before,
                         fleet_take_heard *take, void *arg, struct err *e)
{
    struct hearing h = { take, arg };

    return postgres_each(postgres_body_of(b), take_heard, &h, PG_READ_SILENT,
                         PG_WITH(PG_T(q->cluster), PG_T(q->host_id), PG_I(heard_before)), e);
}

int postgres_read_other_agents(struct fleet_body *b, const struct fleet_finding_query *q, const char *version,
                               fleet_take_heard *take, void *arg, struct err *e)
{
    struct hearing h = { take, arg };

    return postgres_each(postgres_body_of(b), take_heard, &h, PG_READ_OTHER_AGENTS,
                         PG_WITH(PG_T(q->cluster), PG_T(q->host_id), PG_T(version)), e);
}

struct versions {
    bool (*take)(void *arg, const char *version);
    void *arg;
};

static bool take_version(const PGresult *r, void *arg)
{
    const struct versions *v = (const struct versions *)arg;

    return v->take(v->arg, PQgetvalue(r, 0, 0));
}

int postgres_read_versions(struct fleet_body *b, bool (*take)(void *arg, const char *version), void *arg, struct err *e)
{
    struct versions v = { take, arg };

    return postgres_each(postgres_body_of(b), take_version, &v, PG_READ_VERSIONS, NULL, 0, e);
}

/* ---- changes ------------------------------------------------------------------- */

/* Any number of hubs write at once and commit in another order than they began in, so a counter would not do: a
 * reader that has seen 7 may not yet have seen 6.  Each row of host and guest holds the id of the transaction that
 * wrote it last.  A snapshot knows the lowest id that was still running when it was taken (its xmin): every
 * transaction below has ended, so what it committed is in the snapshot.  What is not in it therefore has a writer
 * of xmin or more, and that is the mark.  Rows of transactions that had ended above xmin are read twice; a transaction
 * that runs long, in any database of the server, makes that more, never wrong.
 *
 * Ids of two servers have nothing to do with each other, so each connection is an epoch.  Rows that a dump brought from
 * another server keep its ids, which may be far above ours: what this snapshot can see and was written here is below
 * its xmax, and the others were read with the rest when the epoch began.  On Citus the ids are the coordinator's and
 * the rows' moment is the workers', and what YugabyteDB and others that speak the protocol call an id is not this: no
 * mark. */
int postgres_mark(struct fleet_body *b, struct fleet_mark *out, struct err *e)
{
    struct postgres_body *s = postgres_body_of(b);
    PGresult *r;
    int64_t others;
    int rc = postgres_row(s, &r, PG_MARK, NULL, 0, e);

    if (rc != 0)
        return rc;
    *out = (struct fleet_mark){ .from = pg_int(r, 0), .below = pg_int(r, 1), .epoch = s->connections };
    others = pg_int(r, 2);
    PQclear(r);
    return others == 0 ? 0 : err_set(e, ERR_UNSUPPORTED, "%s: a distributed database has no mark of changes", s->name);
}

/* ---- stats ---------------------------------------------------------------------- */

static bool take_state_count(const PGresult *r, void *arg)
{
    struct fleet_stats *out = (struct fleet_stats *)arg;
    uint64_t n = (uint64_t)pg_int(r, 1);
    enum drift_state state;

    out->guests += n;
    if (drift_state_parse(PQgetvalue(r, 0, 0), &state))
        out->guests_by_state[state] += n;
    return true;
}

int postgres_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e)
{
    struct postgres_body *s = postgres_body_of(b);
    PGresult *r;
    int rc = postgres_row(s, &r, PG_COUNTS, NULL, 0, e);

    *out = (struct fleet_stats){ 0 };
    if (rc != 0)
        return rc;
    out->agents = (uint64_t)pg_int(r, 0);
    out->hosts = (uint64_t)pg_int(r, 1);
    out->foreign = (uint64_t)pg_int(r, 2);
    out->findings = (uint64_t)pg_int(r, 3);
    out->file_bytes = (uint64_t)pg_int(r, 4);
    PQclear(r);
    return postgres_each(s, take_state_count, out, PG_COUNT_STATES, NULL, 0, e);
}
