/* The PostgreSQL body's history: changes of guests, daily counts, and what ages out. */
#include "base/text.h"
#include "hub/fleet_postgres.h"

#include <assert.h>

int postgres_guest_counted(struct fleet_body *b, const char *vm_id, struct fleet_counted *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(postgres_body_of(b), &r, PG_GUEST_COUNTED, PG_WITH(PG_T(vm_id)), e);

    if (rc == 0) {
        *out = (struct fleet_counted){ .removed = pg_int(r, 2) != 0 };
        pg_copy_text(r, 0, out->cluster, sizeof out->cluster);
        pg_copy_text(r, 3, out->expected_version, sizeof out->expected_version);
        if (!drift_state_parse(PQgetvalue(r, 0, 1), &out->state))
            rc = err_set(e, ERR_CORRUPT, "guest %s: stored with an unknown state", vm_id);
    }
    PQclear(r);
    return rc;
}

int postgres_change_put(struct fleet_body *b, const struct fleet_change *c, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_CHANGE_PUT,
                        PG_WITH(PG_T(c->vm_id), PG_I(c->received), PG_T(fleet_change_name(c->kind)), PG_I(c->time),
                                PG_T(c->host_id), PG_T(c->cluster), PG_T(c->from), PG_T(c->to), PG_T(c->evidence)),
                        e);
}

int postgres_count_add(struct fleet_body *b, const struct fleet_count *c, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_COUNT_ADD,
                        PG_WITH(PG_T(c->cluster), PG_I(c->day), PG_T(drift_state_name(c->state)), PG_I(c->delta)), e);
}

int postgres_prune(struct fleet_body *b, enum fleet_prune what, int64_t cutoff_ns, int limit, int *removed,
                   struct err *e)
{
    static const enum pg_sql statements[PRUNE_COUNT] = {
        [PRUNE_OBSERVATIONS] = PG_PRUNE_OBSERVATIONS,
        [PRUNE_FINDINGS] = PG_PRUNE_FINDINGS,
        [PRUNE_GUESTS] = PG_PRUNE_GUESTS,
        [PRUNE_MOVES] = PG_PRUNE_MOVES,
        [PRUNE_CHANGES] = PG_PRUNE_CHANGES,
        [PRUNE_DAYS] = PG_PRUNE_DAYS,
        [PRUNE_TROUBLE] = PG_PRUNE_TROUBLE,
        [PRUNE_CIRCUMSTANCES] = PG_PRUNE_CIRCUMSTANCES,
        [PRUNE_INCIDENTS] = PG_PRUNE_INCIDENTS,
    };
    int64_t cutoff = what == PRUNE_DAYS ? fleet_day_of(cutoff_ns) : cutoff_ns;

    int rc;

    assert(what < PRUNE_COUNT);
    rc = postgres_changed(postgres_body_of(b), removed, statements[what], PG_WITH(PG_I(cutoff), PG_I(limit)), e);
    if (rc == 0 && what == PRUNE_INCIDENTS)
        rc = postgres_run(postgres_body_of(b), PG_PRUNE_ALIASES, PG_WITH(PG_I(cutoff), PG_I(limit)), e);
    return rc;
}

/* ---- readers -------------------------------------------------------------------------------- */

struct taking {
    fleet_take_change *change;
    fleet_take_count *count;
    void *arg;
};

bool postgres_change_row(const PGresult *r, struct fleet_change *out)
{
    *out = (struct fleet_change){ .received = pg_int(r, 1), .time = pg_int(r, 3) };
    if (!fleet_change_parse(PQgetvalue(r, 0, 2), &out->kind))
        return false;
    pg_copy_text(r, 0, out->vm_id, sizeof out->vm_id);
    pg_copy_text(r, 4, out->host_id, sizeof out->host_id);
    pg_copy_text(r, 5, out->cluster, sizeof out->cluster);
    pg_copy_text(r, 6, out->from, sizeof out->from);
    pg_copy_text(r, 7, out->to, sizeof out->to);
    pg_copy_text(r, 8, out->evidence, sizeof out->evidence);
    return true;
}

static bool take_change(const PGresult *r, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_change c;

    return !postgres_change_row(r, &c) || taking->change(taking->arg, &c);
}

int postgres_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                          struct err *e)
{
    static const enum pg_sql statements[2][2] = { { PG_READ_CHANGES_NEWEST, PG_READ_CHANGES_OLDEST },
                                                  { PG_READ_GUEST_NEWEST, PG_READ_GUEST_OLDEST } };
    struct taking taking = { .change = take, .arg = arg };
    const char *kind = q->kind >= 0 ? fleet_change_name((enum fleet_change_kind)q->kind) : NULL;

    return postgres_each(postgres_body_of(b), take_change, &taking, statements[q->vm_id != NULL][q->oldest_first],
                         PG_WITH(PG_T(q->vm_id), PG_T(q->host_id), PG_T(q->cluster), PG_T(kind), PG_I(q->since_ns),
                                 PG_I(q->until_ns != 0 ? q->until_ns : INT64_MAX), PG_I(q->limit != 0 ? q->limit : -1)),
                         e);
}

static bool take_count(const PGresult *r, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_count c = { .day = pg_int(r, 0), .delta = pg_int(r, 3) };

    if (!drift_state_parse(PQgetvalue(r, 0, 2), &c.state))
        return true;
    pg_copy_text(r, 1, c.cluster, sizeof c.cluster);
    return taking->count(taking->arg, &c);
}

int postgres_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg, struct err *e)
{
    struct taking taking = { .count = take, .arg = arg };
    const struct pg_value value = PG_T(cluster);

    return postgres_each(postgres_body_of(b), take_count, &taking, cluster != NULL ? PG_READ_COUNTS_OF : PG_READ_COUNTS,
                         &value, cluster != NULL ? 1 : 0, e);
}

int postgres_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e)
{
    struct taking taking = { .count = take, .arg = arg };

    return postgres_each(postgres_body_of(b), take_count, &taking, PG_READ_CLUSTERS, NULL, 0, e);
}
