/* See fleet_store.h: what is neither applying (fleet_apply.c) nor reducing
 * (fleet_reduce.c). */
#include "config/store_url.h"
#include "hub/fleet_model.h"
#include "hub/fleet_scope_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PRUNE_ROWS = 500 };

int fleet_store_open(struct fleet_store **out, const struct fleet_store_options *options, struct err *e)
{
    struct fleet_store *s = calloc(1, sizeof *s);
    int rc;

    assert(options->path != NULL && options->clock != NULL && options->floors != NULL);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->floors = *options->floors;
    s->clock = options->clock;
    s->keep_ns = options->keep_ns;
    s->history = options->history;
    s->foreign_max = options->foreign_max;
    s->read_only = options->read_only;
    rc = store_is_postgres(options->path) ? fleet_postgres_open(&s->body, options, e)
                                          : fleet_sqlite_open(&s->body, options, e);
    if (rc == 0) {
        s->scoped = scoped_body_new(s->body);
        rc = s->scoped != NULL ? fleet_incidents_open(s, options, e) : err_set(e, ERR_MEMORY, "out of memory");
    }
    if (rc != 0) {
        scoped_body_free(s->scoped);
        if (s->body != NULL)
            s->body->ops->close(s->body);
        free(s);
        return rc;
    }
    if (options->model_max > 0)
        rc = fleet_model_new(&s->model, options->model_max, options->clock, e);
    if (rc != 0) {
        fleet_store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

int fleet_store_check_path(const char *path, struct err *e)
{
    return store_is_postgres(path) ? fleet_postgres_check(path, e) : 0;
}

void fleet_store_close(struct fleet_store *s)
{
    if (s == NULL)
        return;
    fleet_model_free(s->model);
    s->body = s->scoped->inner;
    scoped_body_free(s->scoped);
    s->body->ops->close(s->body);
    fleet_incidents_close(s);
    free(s);
}

static int finish(struct fleet_body *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

/* One slice of what ages out, in the stated order: of the first kind that has something old. */
static int prune(struct fleet_store *s, bool *more, struct err *e)
{
    const int64_t keep[PRUNE_COUNT] = {
        [PRUNE_OBSERVATIONS] = s->keep_ns,
        [PRUNE_FINDINGS] = s->history.findings_ns,
        [PRUNE_GUESTS] = s->keep_ns,
        [PRUNE_MOVES] = s->history.moves_ns,
        [PRUNE_CHANGES] = s->history.changes_ns,
        [PRUNE_DAYS] = s->history.days_ns,
        [PRUNE_TROUBLE] = s->keep_ns,
        [PRUNE_CIRCUMSTANCES] = s->history.incidents_ns,
        [PRUNE_INCIDENTS] = s->history.incidents_ns,
    };
    struct fleet_body *b = s->body;
    int64_t now = s->clock->wall_ns(s->clock);
    int removed = 0;
    int rc = b->ops->begin(b, true, e);

    for (int what = 0; rc == 0 && removed == 0 && what < PRUNE_COUNT; what++) {
        if (keep[what] > 0 && now > keep[what])
            rc = b->ops->prune(b, (enum fleet_prune)what, now - keep[what], PRUNE_ROWS, &removed, e);
    }
    rc = finish(b, rc, e);
    if (rc == 0 && removed > 0)
        *more = true;
    return rc;
}

int fleet_store_upkeep(struct fleet_store *s, bool *more, struct err *e)
{
    int rc, tries = 0;

    assert(!s->read_only);
    do {
        *more = false;
        rc = fleet_rejudge_slice(s, more, e);
        if (rc == 0)
            rc = fleet_incidents_slice(s, more, e);
        if (rc == 0)
            rc = prune(s, more, e);
    } while (rc != 0 && fleet_try_again(s, &tries));
    return rc;
}

static int probe_once(struct fleet_store *s, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, true, e);

    if (rc == 0)
        rc = b->ops->touch(b, s->clock->wall_ns(s->clock), e);
    return finish(b, rc, e);
}

int fleet_store_probe(struct fleet_store *s, struct err *e)
{
    int rc, tries = 0;

    do {
        rc = probe_once(s, e);
    } while (rc != 0 && fleet_try_again(s, &tries));
    return rc;
}

int fleet_store_read(struct fleet_store *s, const struct fleet_reader *reader, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->read(b, reader, e);
    if (rc == 0 && reader->change != NULL)
        rc = b->ops->read_changes(b, &reader->changes, reader->change, reader->arg, e);
    return finish(b, rc, e);
}

int fleet_store_stats(struct fleet_store *s, struct fleet_stats *out, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->stats(b, out, e);
    return finish(b, rc, e);
}
