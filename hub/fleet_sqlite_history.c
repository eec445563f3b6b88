/* The SQLite body's history: changes of guests, daily counts, and what ages out. */
#include "base/times.h"
#include "hub/fleet_sqlite.h"

#include <assert.h>
#include <string.h>

int sqlite_guest_counted(struct fleet_body *b, const char *vm_id, struct fleet_counted *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_GUEST_COUNTED, WITH(T(vm_id)), e);

    if (rc == 0) {
        *out = (struct fleet_counted){ .removed = sqlite3_column_int64(q, 2) != 0 };
        sqlite_text(q, 0, out->cluster, sizeof out->cluster);
        sqlite_text(q, 3, out->expected_version, sizeof out->expected_version);
        if (!drift_state_parse((const char *)sqlite3_column_text(q, 1), &out->state))
            rc = err_set(e, ERR_CORRUPT, "guest %s: stored with an unknown state", vm_id);
    }
    sqlite3_reset(q);
    return rc;
}

int sqlite_change_put(struct fleet_body *b, const struct fleet_change *c, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_CHANGE_PUT,
                     WITH(T(c->vm_id), I(c->received), T(fleet_change_name(c->kind)), I(c->time), T(c->host_id),
                          T(c->cluster), T(c->from), T(c->to), T(c->evidence)),
                     e);
}

int sqlite_count_add(struct fleet_body *b, const struct fleet_count *c, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_COUNT_ADD,
                     WITH(T(c->cluster), I(c->day), T(drift_state_name(c->state)), I(c->delta)), e);
}

int sqlite_prune(struct fleet_body *b, enum fleet_prune what, int64_t cutoff_ns, int limit, int *removed, struct err *e)
{
    static const enum sql statements[PRUNE_COUNT] = {
        [PRUNE_OBSERVATIONS] = SQL_PRUNE_OBSERVATIONS,
        [PRUNE_FINDINGS] = SQL_PRUNE_FINDINGS,
        [PRUNE_GUESTS] = SQL_PRUNE_GUESTS,
        [PRUNE_MOVES] = SQL_PRUNE_MOVES,
        [PRUNE_CHANGES] = SQL_PRUNE_CHANGES,
        [PRUNE_DAYS] = SQL_PRUNE_DAYS,
        [PRUNE_TROUBLE] = SQL_PRUNE_TROUBLE,
        [PRUNE_CIRCUMSTANCES] = SQL_PRUNE_CIRCUMSTANCES,
        [PRUNE_INCIDENTS] = SQL_PRUNE_INCIDENTS,
    };
    struct sqlite_body *s = sqlite_body_of(b);
    int64_t cutoff = what == PRUNE_DAYS ? fleet_day_of(cutoff_ns) : cutoff_ns;
    int rc = 0;

    assert(what < PRUNE_COUNT);
    if (what == PRUNE_DAYS)
        rc = sqlite_do(s, SQL_FOLD_DAYS, WITH(I(cutoff), I(limit)), e);
    if (rc == 0)
        rc = sqlite_do(s, statements[what], WITH(I(cutoff), I(limit)), e);
    *removed = rc == 0 ? sqlite3_changes(s->db) : 0;
    if (rc == 0 && what == PRUNE_INCIDENTS)
        rc = sqlite_do(s, SQL_PRUNE_ALIASES, WITH(I(cutoff), I(limit)), e);
    return rc;
}

/* ---- readers -------------------------------------------------------------------------------- */

struct taking {
    fleet_take_change *change;
    fleet_take_count *count;
    void *arg;
};

bool sqlite_change_row(sqlite3_stmt *q, struct fleet_change *out)
{
    *out = (struct fleet_change){ .received = sqlite3_column_int64(q, 1), .time = sqlite3_column_int64(q, 3) };
    if (!fleet_change_parse((const char *)sqlite3_column_text(q, 2), &out->kind))
        return false;
    sqlite_text(q, 0, out->vm_id, sizeof out->vm_id);
    sqlite_text(q, 4, out->host_id, sizeof out->host_id);
    sqlite_text(q, 5, out->cluster, sizeof out->cluster);
    sqlite_text(q, 6, out->from, sizeof out->from);
    sqlite_text(q, 7, out->to, sizeof out->to);
    sqlite_text(q, 8, out->evidence, sizeof out->evidence);
    return true;
}

static bool take_change(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_change c;

    return !sqlite_change_row(q, &c) || taking->change(taking->arg, &c);
}

int sqlite_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                        struct err *e)
{
    static const enum sql statements[2][2] = { { SQL_READ_CHANGES_NEWEST, SQL_READ_CHANGES_OLDEST },
                                               { SQL_READ_GUEST_NEWEST, SQL_READ_GUEST_OLDEST } };
    struct taking taking = { .change = take, .arg = arg };
    const char *kind = q->kind >= 0 ? fleet_change_name((enum fleet_change_kind)q->kind) : NULL;

    return sqlite_each(sqlite_body_of(b), statements[q->vm_id != NULL][q->oldest_first],
                       WITH(T(q->vm_id), T(q->host_id), T(q->cluster), T(kind), I(q->since_ns),
                            I(q->until_ns != 0 ? q->until_ns : INT64_MAX), I(q->limit != 0 ? q->limit : -1)),
                       take_change, &taking, e);
}

static bool take_count(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_count c = { .day = sqlite3_column_int64(q, 0), .delta = sqlite3_column_int64(q, 3) };

    if (!drift_state_parse((const char *)sqlite3_column_text(q, 2), &c.state))
        return true;
    sqlite_text(q, 1, c.cluster, sizeof c.cluster);
    return taking->count(taking->arg, &c);
}

int sqlite_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg, struct err *e)
{
    struct taking taking = { .count = take, .arg = arg };
    const struct sqlite_value value = T(cluster);

    if (cluster == NULL)
        return sqlite_each(sqlite_body_of(b), SQL_READ_COUNTS, NULL, 0, take_count, &taking, e);
    return sqlite_each(sqlite_body_of(b), SQL_READ_COUNTS_OF, &value, 1, take_count, &taking, e);
}

int sqlite_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e)
{
    struct taking taking = { .count = take, .arg = arg };

    return sqlite_each(sqlite_body_of(b), SQL_READ_CLUSTERS, NULL, 0, take_count, &taking, e);
}
