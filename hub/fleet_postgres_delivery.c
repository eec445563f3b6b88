/* The PostgreSQL body's deliveries (fleet_delivery_body.h). */
#include "hub/fleet_delivery_body.h"
#include "hub/fleet_postgres.h"

static int lease_get(struct fleet_body *b, struct fleet_lease *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(postgres_body_of(b), &r, PG_LEASE_GET, NULL, 0, e);

    if (rc == 0) {
        pg_copy_text(r, 0, out->owner, sizeof out->owner);
        out->beat = pg_int(r, 1);
    }
    PQclear(r);
    return rc;
}

static int lease_put(struct fleet_body *b, const struct fleet_lease *l, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_LEASE_PUT, PG_WITH(PG_T(l->owner), PG_I(l->beat)), e);
}

static int delivery_get(struct fleet_body *b, const char *name, struct fleet_delivery *out, struct err *e)
{
    PGresult *r;
    int rc = postgres_row(postgres_body_of(b), &r, PG_DELIVERY_GET, PG_WITH(PG_T(name)), e);

    if (rc == 0) {
        *out = (struct fleet_delivery){
            .planned = pg_int(r, 2),
            .found = pg_int(r, 3),
            .cursor = pg_int(r, 4),
            .job_kind = (enum fleet_job)pg_int(r, 6),
            .job_slot = pg_int(r, 7),
            .job_made = pg_int(r, 8),
            .tries = pg_int(r, 9),
            .next_try = pg_int(r, 10),
            .last_sent = pg_int(r, 11),
            .incidents = pg_int(r, 14),
        };
        pg_copy_text(r, 0, out->name, sizeof out->name);
        pg_copy_text(r, 1, out->schedule, sizeof out->schedule);
        pg_copy_text(r, 5, out->job, sizeof out->job);
        pg_copy_text(r, 12, out->last_error, sizeof out->last_error);
        pg_copy_text(r, 13, out->fingerprint, sizeof out->fingerprint);
    }
    PQclear(r);
    return rc;
}

static int delivery_put(struct fleet_body *b, const struct fleet_delivery *d, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_DELIVERY_PUT,
                        PG_WITH(PG_T(d->name), PG_T(d->schedule), PG_I(d->planned), PG_I(d->found), PG_I(d->cursor),
                                PG_T(d->job), PG_I(d->job_kind), PG_I(d->job_slot), PG_I(d->job_made), PG_I(d->tries),
                                PG_I(d->next_try), PG_I(d->last_sent), PG_T(d->last_error), PG_T(d->fingerprint),
                                PG_I(d->incidents)),
                        e);
}

/* ---- what was found ------------------------------------------------------------------- */

static int found_put(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_FOUND_PUT,
                        PG_WITH(PG_T(delivery), PG_T(f->event), PG_T(f->subject), PG_I(f->instance), PG_I(f->status),
                                PG_T(f->host_id), PG_T(f->text)),
                        e);
}

static int found_solve(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return postgres_run(
        postgres_body_of(b), PG_FOUND_SOLVE,
        PG_WITH(PG_T(delivery), PG_T(f->event), PG_T(f->subject), PG_I(f->instance), PG_I(FOUND_SOLVED)), e);
}

static int found_drop(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_FOUND_DROP, PG_WITH(PG_T(delivery), PG_T(f->event), PG_T(f->subject)),
                        e);
}

static int found_move(struct fleet_body *b, const char *delivery, enum fleet_found_status from,
                      enum fleet_found_status to, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_FOUND_MOVE, PG_WITH(PG_T(delivery), PG_I(from), PG_I(to)), e);
}

static int found_forget(struct fleet_body *b, const char *delivery, const char *event, int64_t before, struct err *e)
{
    return postgres_run(postgres_body_of(b), PG_FOUND_FORGET,
                        PG_WITH(PG_T(delivery), PG_T(event), PG_I(FOUND_TOLD), PG_I(before)), e);
}

struct taking {
    fleet_take_found *found;
    fleet_take_change *change;
    fleet_take_new_incident *incident;
    void *arg;
};

static bool take_found(const PGresult *r, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_found f = {
        .event = PQgetvalue(r, 0, 0),
        .instance = pg_int(r, 2),
        .status = (enum fleet_found_status)pg_int(r, 3),
    };

    pg_copy_text(r, 1, f.subject, sizeof f.subject);
    pg_copy_text(r, 4, f.host_id, sizeof f.host_id);
    pg_copy_text(r, 5, f.text, sizeof f.text);
    return taking->found(taking->arg, &f);
}

static int found_each(struct fleet_body *b, const char *delivery, const char *event, int status, int limit,
                      fleet_take_found *take, void *arg, struct err *e)
{
    struct taking taking = { .found = take, .arg = arg };

    return postgres_each(postgres_body_of(b), take_found, &taking, PG_FOUND_EACH,
                         PG_WITH(PG_T(delivery), PG_T(event), PG_I(status), PG_I(limit != 0 ? limit : -1)), e);
}

static int found_count(struct fleet_body *b, const char *delivery, const char *event, enum fleet_found_status status,
                       int64_t *out, struct err *e)
{
    PGresult *r;
    int rc =
        postgres_row(postgres_body_of(b), &r, PG_FOUND_COUNT, PG_WITH(PG_T(delivery), PG_T(event), PG_I(status)), e);

    if (rc == 0)
        *out = pg_int(r, 0);
    PQclear(r);
    return rc;
}

static bool take_change(const PGresult *r, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_change c;

    return !postgres_change_row(r, &c) || taking->change(taking->arg, &c);
}

static int changes(struct fleet_body *b, int64_t received, const char *vm_id, int limit, fleet_take_change *take,
                   void *arg, struct err *e)
{
    struct taking taking = { .change = take, .arg = arg };

    return postgres_each(postgres_body_of(b), take_change, &taking, PG_CHANGES_AFTER,
                         PG_WITH(PG_I(received), PG_T(vm_id), PG_I(limit)), e);
}

static bool take_incident(const PGresult *r, void *arg)
{
    const struct taking *taking = (const struct taking *)arg;
    struct fleet_new_incident i = { .first_seen = pg_int(r, 3), .pending = pg_int(r, 4) != 0 };

    pg_copy_text(r, 0, i.id, sizeof i.id);
    pg_copy_text(r, 1, i.host_id, sizeof i.host_id);
    pg_copy_text(r, 2, i.headline, sizeof i.headline);
    return taking->incident(taking->arg, &i);
}

static int new_incidents(struct fleet_body *b, const struct fleet_new_query *q, fleet_take_new_incident *take,
                         void *arg, struct err *e)
{
    struct taking taking = { .incident = take, .arg = arg };

    return postgres_each(postgres_body_of(b), take_incident, &taking, PG_NEW_INCIDENTS,
                         PG_WITH(PG_T(q->delivery), PG_T(q->event), PG_T(q->cluster), PG_I(q->since_ns),
                                 PG_T(q->after_id), PG_I(q->limit)),
                         e);
}

const struct fleet_delivery_ops postgres_delivery_ops = {
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
