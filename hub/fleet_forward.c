/* See fleet_forward.h. */
#include "hub/fleet_forward.h"

#include "base/text.h"
#include "hub/fleet_body.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int finish(struct fleet_body *b, int rc, struct err *e)
{
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

/* A writing transaction, done again while it loses races. */
static int in_transaction(struct fleet_store *s, int (*work)(struct fleet_store *s, void *arg, struct err *e),
                          void *arg, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc, tries = 0;

    assert(!s->read_only);
    do {
        rc = b->ops->begin(b, true, e);
        if (rc == 0)
            rc = work(s, arg, e);
        rc = finish(b, rc, e);
    } while (rc != 0 && fleet_try_again(s, &tries));
    return rc;
}

/* ---- targets and their lease ----------------------------------------------------------- */

struct lease {
    const char *target, *owner;
    int64_t length_ns;
    bool from_now, held;
};

static int open_target(struct fleet_store *s, void *arg, struct err *e)
{
    struct lease *l = (struct lease *)arg;
    bool made;

    return s->body->ops->forward_open(s->body, l->target, l->from_now, &made, e);
}

int fleet_forward_open(struct fleet_store *s, const char *target, bool from_now, struct err *e)
{
    struct lease l = { .target = target, .from_now = from_now };

    assert(strlen(target) < FORWARD_NAME_MAX);
    return in_transaction(s, open_target, &l, e);
}

static int take_lease(struct fleet_store *s, void *arg, struct err *e)
{
    struct lease *l = (struct lease *)arg;
    int64_t now = s->clock->wall_ns(s->clock);

    return s->body->ops->forward_lease(s->body, l->target, l->owner, now, l->length_ns, &l->held, e);
}

int fleet_forward_lease(struct fleet_store *s, const char *target, const char *owner, int64_t length_ns, bool *held,
                        struct err *e)
{
    struct lease l = { target, owner, length_ns, false, false };
    int rc = in_transaction(s, take_lease, &l, e);

    *held = rc == 0 && l.held;
    return rc;
}

static int release(struct fleet_store *s, void *arg, struct err *e)
{
    const struct lease *l = (const struct lease *)arg;

    return s->body->ops->forward_release(s->body, l->target, l->owner, e);
}

int fleet_forward_release(struct fleet_store *s, const char *target, const char *owner, struct err *e)
{
    struct lease l = { .target = target, .owner = owner };

    return in_transaction(s, release, &l, e);
}

/* ---- reading -------------------------------------------------------------------------------- */

struct listing {
    struct fleet_behind streams[FORWARD_STREAMS_MAX];
    int count;
};

static bool take_behind(void *arg, const struct fleet_behind *s)
{
    struct listing *l = (struct listing *)arg;

    l->streams[l->count++] = *s;
    return l->count < FORWARD_STREAMS_MAX;
}

/* Passes records on and notes whether the taker has had enough. */
struct passing {
    const struct fleet_forward_reader *r;
    int taken;
    bool enough;
};

static bool pass_record(void *arg, const struct fleet_forwarded *record)
{
    struct passing *p = (struct passing *)arg;

    p->enough = !p->r->record(p->r->arg, record);
    p->taken += !p->enough;
    return !p->enough;
}

/* A host of which nothing is known, or nothing that can be read, is its ids. */
static int describe(struct fleet_body *b, const struct fleet_behind *s, struct resource *who, struct err *e)
{
    struct host h;
    int rc = b->ops->host_get(b, s->host_id, &h, e);

    if (rc == 0)
        *who = h.facts;
    else if (fleet_row_unknown(rc))
        *who = (struct resource){ .boot_time = 0 };
    else
        return rc;
    text_copy(who->service_name, sizeof who->service_name, "hvagent");
    text_copy(who->agent_id, sizeof who->agent_id, s->agent_id);
    text_copy(who->host_id, sizeof who->host_id, s->host_id);
    return 0;
}

static int read_stream(struct fleet_body *b, struct passing *p, const struct fleet_behind *s, struct err *e)
{
    struct resource who;
    int before = p->taken, left = p->r->records_max - p->taken;
    int rc = describe(b, s, &who, e);

    if (rc != 0)
        return rc;
    if (!p->r->stream(p->r->arg, s, &who)) {
        p->enough = true;
        return 0;
    }
    rc = b->ops->forward_records(b, s->stream, s->mark, left, pass_record, p, e);
    if (rc == 0 && !p->enough && p->taken - before < left)
        p->r->end(p->r->arg);
    p->enough = p->enough || p->taken >= p->r->records_max;
    return rc;
}

int fleet_forward_read(struct fleet_store *s, const struct fleet_forward_reader *r, struct err *e)
{
    struct fleet_body *b = s->body;
    struct passing p = { .r = r };
    struct listing *l = calloc(1, sizeof *l);
    int rc;

    assert(r->records_max > 0);
    if (l == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = b->ops->begin(b, false, e);
    if (rc == 0)
        rc = b->ops->forward_behind(b, r->target, r->after, FORWARD_STREAMS_MAX, take_behind, l, e);
    for (int i = 0; rc == 0 && !p.enough && i < l->count; i++)
        rc = read_stream(b, &p, &l->streams[i], e);
    rc = finish(b, rc, e);
    free(l);
    return rc;
}

/* ---- what became of it ---------------------------------------------------------------------------- */

static int put_finding(struct fleet_store *s, const struct fleet_forward_result *r, enum fleet_finding_kind kind,
                       struct err *e)
{
    struct fleet_finding f = { .kind = kind };

    f.first_time = f.last_time = s->clock->wall_ns(s->clock);
    text_copy(f.agent_id, sizeof f.agent_id, r->target);
    if (kind == FINDING_FORWARD_LOST)
        snprintf(f.text, sizeof f.text,
                 "forward.%s: %" PRIu64
                 " observations aged out of the store (store.keep) before the target took them; is it"
                 " down, or too slow?",
                 r->target, r->add.lost);
    else
        snprintf(f.text, sizeof f.text,
                 "forward.%s: the target refused %" PRIu64 " observations for good; they were set aside (table"
                 " forward_refused). It said: %s",
                 r->target, r->add.refused, r->refusal != NULL ? r->refusal : "");
    return s->body->ops->finding_put(s->body, &f, e);
}

static int move_marks(struct fleet_store *s, void *arg, struct err *e)
{
    const struct fleet_forward_result *r = (const struct fleet_forward_result *)arg;
    const struct fleet_body_ops *ops = s->body->ops;
    bool held = false;
    int rc = ops->forward_count(s->body, r->target, r->owner, &r->add, s->clock->wall_ns(s->clock), &held, e);

    if (rc == 0 && !held)
        return err_set(e, ERR_STATE, "another hub forwards to %s now", r->target);
    for (size_t i = 0; rc == 0 && i < r->mark_count; i++)
        rc = ops->forward_mark(s->body, r->target, r->marks[i].stream, r->marks[i].arrival, e);
    if (rc == 0 && r->refused != NULL)
        rc = ops->forward_refuse(s->body, r->target, r->refused, FORWARD_REFUSED_KEPT, e);
    if (rc == 0 && r->add.lost > 0)
        rc = put_finding(s, r, FINDING_FORWARD_LOST, e);
    if (rc == 0 && r->add.refused > 0)
        rc = put_finding(s, r, FINDING_FORWARD_REFUSED, e);
    return rc;
}

int fleet_forward_commit(struct fleet_store *s, const struct fleet_forward_result *r, struct err *e)
{
    struct fleet_forward_result copy = *r;

    return in_transaction(s, move_marks, &copy, e);
}

int fleet_forward_targets(struct fleet_store *s, fleet_take_target *take, void *arg, struct err *e)
{
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->forward_targets(b, take, arg, e);
    return finish(b, rc, e);
}
