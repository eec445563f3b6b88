/* The SQLite body's deliveries (fleet_delivery_body.h). */
#include "hub/fleet_delivery_body.h"
#include "hub/fleet_sqlite.h"

static int lease_get(struct fleet_body *b, struct fleet_lease *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_LEASE_GET, NULL, 0, e);

    if (rc == 0) {
        sqlite_text(q, 0, out->owner, sizeof out->owner);
        out->beat = sqlite3_column_int64(q, 1);
    }
    sqlite3_reset(q);
    return rc;
}

static int lease_put(struct fleet_body *b, const struct fleet_lease *l, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_LEASE_PUT, WITH(T(l->owner), I(l->beat)), e);
}

static int delivery_get(struct fleet_body *b, const char *name, struct fleet_delivery *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_DELIVERY_GET, WITH(T(name)), e);

    if (rc == 0) {
        *out = (struct fleet_delivery){
            .planned = sqlite3_column_int64(q, 2),
            .found = sqlite3_column_int64(q, 3),
            .cursor = sqlite3_column_int64(q, 4),
            .job_kind = (enum fleet_job)sqlite3_column_int64(q, 6),
            .job_slot = sqlite3_column_int64(q, 7),
            .job_made = sqlite3_column_int64(q, 8),
            .tries = sqlite3_column_int64(q, 9),
            .next_try = sqlite3_column_int64(q, 10),
            .last_sent = sqlite3_column_int64(q, 11),
            .incidents = sqlite3_column_int64(q, 14),
        };
        sqlite_text(q, 0, out->name, sizeof out->name);
        sqlite_text(q, 1, out->schedule, sizeof out->schedule);
        sqlite_text(q, 5, out->job, sizeof out->job);
        sqlite_text(q, 12, out->last_error, sizeof out->last_error);
        sqlite_text(q, 13, out->fingerprint, sizeof out->fingerprint);
    }
    sqlite3_reset(q);
    return rc;
}

static int delivery_put(struct fleet_body *b, const struct fleet_delivery *d, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_DELIVERY_PUT,
                     WITH(T(d->name), T(d->schedule), I(d->planned), I(d->found), I(d->cursor), T(d->job),
                          I(d->job_kind), I(d->job_slot), I(d->job_made), I(d->tries), I(d->next_try), I(d->last_sent),
                          T(d->last_error), T(d->fingerprint), I(d->incidents)),
                     e);
}

/* ---- what was found ------------------------------------------------------------------- */

static int found_put(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return sqlite_do(
        sqlite_body_of(b), SQL_FOUND_PUT,
        WITH(T(delivery), T(f->event), T(f->subject), I(f->instance), I(f->status), T(f->host_id), T(f->text)), e);
}

static int found_solve(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FOUND_SOLVE,
                     WITH(T(delivery), T(f->event), T(f->subject), I(f->instance), I(FOUND_SOLVED)), e);
}

static int found_drop(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FOUND_DROP, WITH(T(delivery), T(f->event), T(f->subject)), e);
}

static int found_move(struct fleet_body *b, const char *delivery, enum fleet_found_status from,
                      enum fleet_found_status to, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FOUND_MOVE, WITH(T(delivery), I(from), I(to)), e);
}

static int found_forget(struct fleet_body *b, const char *delivery, const char *event, int64_t before, struct err *e)
{
    return sqlite_do(sqlite_body_of(b), SQL_FOUND_FORGET, WITH(T(delivery), T(event), I(FOUND_TOLD), I(before)), e);
}

struct taking {
    fleet_take_found *found;
    fleet_take_change *change;
    fleet_take_new_incident *incident;
    void *arg;
};

static bool take_found(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_found f = {
        .event = (const char *)sqlite3_column_text(q, 0),
        .instance = sqlite3_column_int64(q, 2),
        .status = (enum fleet_found_status)sqlite3_column_int64(q, 3),
    };

    sqlite_text(q, 1, f.subject, sizeof f.subject);
    sqlite_text(q, 4, f.host_id, sizeof f.host_id);
    sqlite_text(q, 5, f.text, sizeof f.text);
    return taking->found(taking->arg, &f);
}

static int found_each(struct fleet_body *b, const char *delivery, const char *event, int status, int limit,
                      fleet_take_found *take, void *arg, struct err *e)
{
    struct taking taking = { .found = take, .arg = arg };

    return sqlite_each(sqlite_body_of(b), SQL_FOUND_EACH,
                       WITH(T(delivery), T(event), I(status), I(limit != 0 ? limit : -1)), take_found, &taking, e);
}

static int found_count(struct fleet_body *b, const char *delivery, const char *event, enum fleet_found_status status,
                       int64_t *out, struct err *e)
{
    sqlite3_stmt *q;
    int rc = sqlite_first(sqlite_body_of(b), &q, SQL_FOUND_COUNT, WITH(T(delivery), T(event), I(status)), e);

    if (rc == 0)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc;
}

static bool take_change(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_change c;

    return !sqlite_change_row(q, &c) || taking->change(taking->arg, &c);
}

static int changes(struct fleet_body *b, int64_t received, const char *vm_id, int limit, fleet_take_change *take,
                   void *arg, struct err *e)
{
    struct taking taking = { .change = take, .arg = arg };

    return sqlite_each(sqlite_body_of(b), SQL_CHANGES_AFTER, WITH(I(received), T(vm_id), I(limit)), take_change,
                       &taking, e);
}

static bool take_incident(sqlite3_stmt *q, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_new_incident i = {
        .first_seen = sqlite3_column_int64(q, 3),
        .pending = sqlite3_column_int64(q, 4) != 0,
    };

    sqlite_text(q, 0, i.id, sizeof i.id);
    sqlite_text(q, 1, i.host_id, sizeof i.host_id);
    sqlite_text(q, 2, i.headline, sizeof i.headline);
    return taking->incident(taking->arg, &i);
}

static int new_incidents(struct fleet_body *b, const struct fleet_new_query *q, fleet_take_new_incident *take,
                         void *arg, struct err *e)
{
    struct taking taking = { .incident = take, .arg = arg };

    return sqlite_each(sqlite_body_of(b), SQL_NEW_INCIDENTS,
                       WITH(T(q->delivery), T(q->event), T(q->cluster), I(q->since_ns), T(q->after_id), I(q->limit)),
                       take_incident, &taking, e);
}

const struct fleet_delivery_ops sqlite_delivery_ops = {
    .lease_get = lease_get,
    .lease_put = lease_put,
    .get = delivery_get,
    .put = delivery_put,
    .found_put = found_put,
    .found_solve = found_solve,
    .found_drop = found_drop,
    .found_move = found_move,
    .found_forget = found_forget,
    .found_each = found_each,
    .found_count = found_count,
    .changes = changes,
    .new_incidents = new_incidents,
};
