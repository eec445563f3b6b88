/* What the sender of a simulated agent stands on: its outbox over the real store, one
 * operation after another, and its timer.  See sim.h. */
#include "base/text.h"
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

/* ---- the outbox ------------------------------------------------------------------ */

static int do_ack(struct sim_agent *a, struct err *e)
{
    int rc;

    if (a->op.through > a->told)
        sim_fail(a->sim, "agent %d acknowledges %llu, and the hub has told it %llu", a->number,
                 (unsigned long long)a->op.through, (unsigned long long)a->told);
    rc = store_ack(a->store, a->op.through, e);
    if (rc == 0 && a->op.through > a->acked)
        a->acked = a->op.through;
    return rc;
}

static int do_op(struct sim_agent *a, int kind, struct err *e)
{
    switch (kind) {
    case SIM_OP_READ:
        return store_read(a->store, a->op.after, a->op.max_count, a->op.max_bytes, a->op.out, e);
    case SIM_OP_READ_STATE:
        return store_read_state(a->store, a->op.after, a->op.max_count, a->op.max_bytes, a->op.out, e);
    case SIM_OP_ACK:
        return do_ack(a, e);
    default:
        sim_fail(a->sim, "agent %d sets records aside that no hub refused", a->number);
    }
}

static void finish_op(void *arg, uint64_t life)
{
    struct sim_agent *a = arg;
    int kind = a->op.kind, rc;
    struct err e = { 0 };

    if (a->life != life || kind == SIM_OP_NONE)
        return;
    a->op.kind = SIM_OP_NONE;
    rc = do_op(a, kind, &e);
    if (rc != 0)
        sim_say(a->sim, "agent %d: outbox: %s", a->number, e.text);
    if (rc == ERR_CORRUPT)
        sim_fail(a->sim, "agent %d finds its store corrupt: %s", a->number, e.text);
    a->op.done(a->op.sender, rc, rc != 0 ? &e : NULL);
    sim_agent_notice_power(a);
}

static int begin_op(struct sim_agent *a, int kind, void (*done)(void *sender, int rc, const struct err *e),
                    void *sender)
{
    if (a->op.kind != SIM_OP_NONE)
        sim_fail(a->sim, "agent %d has two operations of the outbox at a time", a->number);
    a->op.kind = kind;
    a->op.done = done;
    a->op.sender = sender;
    sim_at(a->sim, a->sim->now + NS_PER_MS, finish_op, a, a->life);
    return 0;
}

static void want(struct sim_agent *a, uint64_t after, size_t max_count, size_t max_bytes, struct store_slice *out)
{
    a->op.after = after;
    a->op.max_count = max_count;
    a->op.max_bytes = max_bytes;
    a->op.out = out;
}

static int start_read(void *arg, uint64_t after, size_t max_count, size_t max_bytes, struct store_slice *out,
                      void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    want(arg, after, max_count, max_bytes, out);
    return begin_op(arg, SIM_OP_READ, done, sender);
}

static int start_read_state(void *arg, uint64_t after, size_t max_count, size_t max_bytes, struct store_slice *out,
                            void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    want(arg, after, max_count, max_bytes, out);
    return begin_op(arg, SIM_OP_READ_STATE, done, sender);
}

static int start_ack(void *arg, uint64_t through, void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    struct sim_agent *a = arg;

    a->op.through = through;
    return begin_op(a, SIM_OP_ACK, done, sender);
}

static int start_aside(void *arg, uint64_t from, uint64_t to, const char *reason,
                       void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    sim_say(((struct sim_agent *)arg)->sim, "set aside %llu to %llu: %s", (unsigned long long)from,
            (unsigned long long)to, reason);
    return begin_op(arg, SIM_OP_ASIDE, done, sender);
}

/* ---- the timer ---------------------------------------------------------------------- */

static void timer_due(void *arg, uint64_t token)
{
    struct sim_agent *a = arg;

    if (a->timer.token != token)
        return;
    a->timer.token = 0;
    a->timer.fire(a->timer.sender);
}

static void timer_start(void *arg, int64_t delay_ns, void (*fire)(void *sender), void *sender)
{
    struct sim_agent *a = arg;

    a->timer.token = ++a->sim->tokens;
    a->timer.fire = fire;
    a->timer.sender = sender;
    sim_at(a->sim, a->sim->now + delay_ns, timer_due, a, a->timer.token);
}

static void timer_stop(void *arg)
{
    ((struct sim_agent *)arg)->timer.token = 0;
}

/* ---- the sender ----------------------------------------------------------------------- */

int sim_sender_start(struct sim_agent *a, struct err *e)
{
    static struct agent_config defaults;
    struct sender_options o = {
        .config = &defaults.hub,
        .http = &a->http,
        .outbox = { .arg = a,
                    .read = start_read,
                    .read_state = start_read_state,
                    .ack = start_ack,
                    .set_aside = start_aside },
        .timer = { .arg = a, .start = timer_start, .stop = timer_stop },
        .clock = &a->clock.clock,
        .random = &a->random,
    };
    struct store_stats stats;
    int rc = store_stats(a->store, &stats, e);

    agent_config_defaults(&defaults);
    defaults.hub.batch_count = a->sim->plan.batch_count;
    defaults.hub.compression = a->sim->plan.compression;
    o.acked_through = stats.acked_through;
    if (rc == 0)
        rc = sender_new(&a->sender, &o, e);
    if (rc != 0)
        return rc;
    text_copy(a->resource.agent_id, sizeof a->resource.agent_id, store_agent_id(a->store));
    sender_set_resource(a->sender, &a->resource);
    sender_kick(a->sender, stats.rows, stats.oldest_unsent_ns);
    return 0;
}

static void on_stopped(void *arg)
{
    ((struct sim_agent *)arg)->sender_stopped = true;
}

void sim_sender_end(struct sim_agent *a)
{
    struct err e = { 0 };

    if (a->sender == NULL)
        return;
    a->sender_stopped = false;
    sender_stop(a->sender, on_stopped, a);
    if (a->op.kind != SIM_OP_NONE) {
        a->op.kind = SIM_OP_NONE;
        err_set(&e, ERR_IO, "the program ends");
        a->op.done(a->op.sender, ERR_IO, &e);
    }
    if (!a->sender_stopped || a->timer.token != 0 || a->post.token != 0)
        sim_fail(a->sim, "agent %d: the sender goes on after it was stopped", a->number);
    sender_free(a->sender);
    a->sender = NULL;
}
