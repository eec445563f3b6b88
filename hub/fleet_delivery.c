/* See fleet_delivery.h: transactions around the body's rows.
 *
 * Every writing transaction begins with the lease: reads it, refuses when it is
 * somebody else's, and raises its beat.  As the row is written each time, a
 * database that tells apart two writers of one row (fleet_postgres.c) also tells apart a
 * hub that takes the lease and one that still believes to have it. */
#include "hub/fleet_delivery.h"

#include "base/text.h"
#include "hub/fleet_delivery_body.h"

#include <assert.h>
#include <string.h>

/* Something done in one writing transaction by the holder of the lease. */
struct work {
    const char *owner;
    const char *name;
    const struct fleet_delivery *delivery;
    enum fleet_found_move move;
    const struct fleet_found *list;
    size_t count;
    bool drop;
    const char *event;
    int64_t before;
    const struct fleet_lease *over;
    bool release;
    struct fleet_lease seen;
};

static const struct fleet_delivery_ops *ops_of(const struct fleet_store *s)
{
    return s->body->ops->delivery;
}

static int read_lease(struct fleet_store *s, struct fleet_lease *out, struct err *e)
{
    int rc = ops_of(s)->lease_get(s->body, out, e);

    if (rc != ERR_NOT_FOUND)
        return rc;
    *out = (struct fleet_lease){ .beat = 0 };
    return 0;
}

static bool is_ours(const struct fleet_lease *l, const char *owner)
{
    return strcmp(l->owner, owner) == 0;
}

static bool is_same(const struct fleet_lease *a, const struct fleet_lease *b)
{
    return b != NULL && a->beat == b->beat && strcmp(a->owner, b->owner) == 0;
}

static int put_lease(struct fleet_store *s, const char *owner, int64_t beat, struct fleet_lease *out, struct err *e)
{
    *out = (struct fleet_lease){ .beat = beat };
    text_copy(out->owner, sizeof out->owner, owner);
    return ops_of(s)->lease_put(s->body, out, e);
}

typedef int do_work(struct fleet_store *s, struct work *w, struct err *e);

static int once(struct fleet_store *s, do_work *what, struct work *w, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, true, e);

    if (rc == 0)
        rc = read_lease(s, &w->seen, e);
    if (rc == 0)
        rc = what(s, w, e);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

static int write_work(struct fleet_store *s, do_work *what, struct work *w, struct err *e)
{
    int rc, tries = 0;

    assert(!s->read_only);
    do {
        rc = once(s, what, w, e);
    } while (rc != 0 && rc != ERR_REFUSED && fleet_try_again(s, &tries));
    return rc;
}

/* For those who must have the lease already. */
static int keep_lease(struct fleet_store *s, struct work *w, struct err *e)
{
    if (!is_ours(&w->seen, w->owner))
        return err_set(e, ERR_REFUSED, "another hub delivers now");
    return put_lease(s, w->owner, w->seen.beat + 1, &w->seen, e);
}

/* ---- the lease ---------------------------------------------------------------------------- */

static int hold(struct fleet_store *s, struct work *w, struct err *e)
{
    if (w->seen.owner[0] != '\0' && !is_ours(&w->seen, w->owner) && !is_same(&w->seen, w->over))
        return 0;
    return put_lease(s, w->owner, w->seen.beat + 1, &w->seen, e);
}

int fleet_lease_hold(struct fleet_store *s, const char *owner, const struct fleet_lease *over, bool *mine,
                     struct fleet_lease *now, struct err *e)
{
    struct work w = { .owner = owner, .over = over };
    int rc = write_work(s, hold, &w, e);

    *mine = rc == 0 && is_ours(&w.seen, owner);
    *now = w.seen;
    return rc;
}

static int release(struct fleet_store *s, struct work *w, struct err *e)
{
    if (!is_ours(&w->seen, w->owner))
        return 0;
    return put_lease(s, "", w->seen.beat + 1, &w->seen, e);
}

int fleet_lease_release(struct fleet_store *s, const char *owner, struct err *e)
{
    struct work w = { .owner = owner };

    return write_work(s, release, &w, e);
}

/* ---- writing -------------------------------------------------------------------------------- */

static int save(struct fleet_store *s, struct work *w, struct err *e)
{
    static const struct {
        enum fleet_found_status from, to;
    } moves[] = {
        [FOUND_INTO_JOB] = { FOUND_WAITING, FOUND_IN_JOB },
        [FOUND_DONE] = { FOUND_IN_JOB, FOUND_TOLD },
        [FOUND_BACK] = { FOUND_IN_JOB, FOUND_WAITING },
    };
    int rc = keep_lease(s, w, e);

    if (rc == 0)
        rc = ops_of(s)->put(s->body, w->delivery, e);
    if (rc == 0 && w->move != FOUND_STAYS)
        rc = ops_of(s)->found_move(s->body, w->delivery->name, moves[w->move].from, moves[w->move].to, e);
    return rc;
}

int fleet_delivery_save(struct fleet_store *s, const char *owner, const struct fleet_delivery *d,
                        enum fleet_found_move move, struct err *e)
{
    struct work w = { .owner = owner, .delivery = d, .move = move };

    return write_work(s, save, &w, e);
}

static int put_found(struct fleet_store *s, struct work *w, struct err *e)
{
    const struct fleet_delivery_ops *ops = ops_of(s);
    int rc = keep_lease(s, w, e);

    for (size_t i = 0; rc == 0 && i < w->count; i++) {
        if (w->drop)
            rc = ops->found_drop(s->body, w->name, &w->list[i], e);
        else if (w->list[i].status == FOUND_SOLVED)
            rc = ops->found_solve(s->body, w->name, &w->list[i], e);
        else
            rc = ops->found_put(s->body, w->name, &w->list[i], e);
    }
    return rc;
}

int fleet_delivery_put_found(struct fleet_store *s, const char *owner, const char *delivery,
                             const struct fleet_found *list, size_t count, bool drop, struct err *e)
{
    struct work w = { .owner = owner, .name = delivery, .list = list, .count = count, .drop = drop };

    return write_work(s, put_found, &w, e);
}

static int forget(struct fleet_store *s, struct work *w, struct err *e)
{
    int rc = keep_lease(s, w, e);

    return rc != 0 ? rc : ops_of(s)->found_forget(s->body, w->name, w->event, w->before, e);
}

int fleet_delivery_forget(struct fleet_store *s, const char *owner, const char *delivery, const char *event,
                          int64_t before, struct err *e)
{
    struct work w = { .owner = owner, .name = delivery, .event = event, .before = before };

    return write_work(s, forget, &w, e);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int finish(struct fleet_body *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

int fleet_lease_read(struct fleet_store *s, struct fleet_lease *out, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = read_lease(s, out, e);
    return finish(s->body, rc, e);
}

int fleet_delivery_get(struct fleet_store *s, const char *name, struct fleet_delivery *out, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->get(s->body, name, out, e);
    return finish(s->body, rc, e);
}

int fleet_delivery_found(struct fleet_store *s, const char *delivery, const char *event, int status, int limit,
                         fleet_take_found *take, void *arg, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->found_each(s->body, delivery, event, status, limit, take, arg, e);
    return finish(s->body, rc, e);
}

int fleet_delivery_count(struct fleet_store *s, const char *delivery, const char *event, enum fleet_found_status status,
                         int64_t *out, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->found_count(s->body, delivery, event, status, out, e);
    return finish(s->body, rc, e);
}

int fleet_delivery_changes(struct fleet_store *s, int64_t received, const char *vm_id, int limit,
                           fleet_take_change *take, void *arg, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->changes(s->body, received, vm_id, limit, take, arg, e);
    return finish(s->body, rc, e);
}

int fleet_delivery_incidents(struct fleet_store *s, const struct fleet_new_query *q, fleet_take_new_incident *take,
                             void *arg, struct err *e)
{
    int rc = s->body->ops->begin(s->body, false, e);

    if (rc == 0)
        rc = ops_of(s)->new_incidents(s->body, q, take, arg, e);
    return finish(s->body, rc, e);
}
