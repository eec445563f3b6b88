/* See fleet_store.h: what is neither applying (fleet_apply.c) nor reducing
 * (fleet_reduce.c). */
#include "hub/fleet_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PRUNE_ROWS = 500 };

static const char *const finding_names[FINDING_KIND_COUNT] = {
    [FINDING_SEQUENCE_HOLE] = "sequence-hole",
    [FINDING_SHARED_AGENT_ID] = "shared-agent-id",
};

const char *fleet_finding_name(enum fleet_finding_kind kind)
{
    assert(kind < FINDING_KIND_COUNT);
    return finding_names[kind];
}

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
    s->foreign_max = options->foreign_max;
    s->read_only = options->read_only;
    rc = fleet_sqlite_open(&s->body, options, e);
    if (rc != 0) {
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void fleet_store_close(struct fleet_store *s)
{
    if (s == NULL)
        return;
    s->body->ops->close(s->body);
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

static int prune(struct fleet_store *s, bool *more, struct err *e)
{
    struct fleet_body *b = s->body;
    int removed = 0;
    int rc;

    if (s->keep_ns <= 0)
        return 0;
    rc = b->ops->begin(b, true, e);
    if (rc == 0)
        rc = b->ops->prune(b, s->clock->wall_ns(s->clock) - s->keep_ns, PRUNE_ROWS, &removed, e);
    rc = finish(b, rc, e);
    if (rc == 0 && removed >= PRUNE_ROWS)
        *more = true;
    return rc;
}

int fleet_store_upkeep(struct fleet_store *s, bool *more, struct err *e)
{
    int rc;

    assert(!s->read_only);
    *more = false;
    rc = fleet_rejudge_slice(s, more, e);
    if (rc == 0)
        rc = prune(s, more, e);
    return rc;
}

int fleet_store_probe(struct fleet_store *s, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, true, e);

    if (rc == 0)
        rc = b->ops->touch(b, s->clock->wall_ns(s->clock), e);
    return finish(b, rc, e);
}

int fleet_store_read(struct fleet_store *s, const struct fleet_reader *reader, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->read(b, reader, e);
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
