/* A target's turn: see forward.h.  All of the policy is here, and no input and
 * output but the store's and the sink's, so that tests script both. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/forward_internal.h"
#include "plat/random.h"

#include <assert.h>
#include <stdio.h>

#define IDLE_NS        (1 * NS_PER_S)
#define IDLE_MAX_NS    (30 * NS_PER_S)
#define STORE_RETRY_NS (1 * NS_PER_S)
#define STANDBY_NS     (2 * NS_PER_S)
/* How long a lease is held beyond what one answer may take. */
#define LEASE_MARGIN_NS    (10 * NS_PER_S)
#define RETRY_AFTER_MAX_NS (3600 * NS_PER_S)

int forwarder_init(struct forwarder *f, enum forward_kind kind, const struct hub_config_forward *config, struct err *e)
{
    unsigned char random[16];

    *f = (struct forwarder){ .kind = kind, .config = config, .limit = (int)config->batch_count };
    plat_random()->fill(plat_random(), random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(f->owner + 2 * i, 3, "%02x", random[i]);
    return forward_batch_init(&f->batch, (size_t)config->batch_count, (size_t)config->batch_bytes, e);
}

void forwarder_free(struct forwarder *f)
{
    if (f->sink != NULL)
        f->sink->ops->close(f->sink);
    forward_batch_free(&f->batch);
}

static const char *name(const struct forwarder *f)
{
    return forward_kind_name(f->kind);
}

static int64_t now(const struct forwarder *f)
{
    return f->clock->monotonic_ns(f->clock);
}

/* One line a change of state. */
static void enter(struct forwarder *f, enum forward_state state, const char *why)
{
    if (f->state == state)
        return;
    if (state == FORWARD_FAILING)
        log_event(LOG_WARN, "forward.failing", LOG_S("target", name(f)), LOG_S("problem", why));
    else if (state == FORWARD_STANDBY)
        log_event(LOG_INFO, "forward.standby", LOG_S("target", name(f)), LOG_S("reason", why));
    else
        log_event(LOG_INFO, "forward.well", LOG_S("target", name(f)));
    f->state = state;
    f->counters->up = state != FORWARD_FAILING;
    f->counters->active = state == FORWARD_WELL || state == FORWARD_FAILING;
}

static int64_t store_trouble(struct forwarder *f, const struct err *e)
{
    if (!f->store_away)
        log_event(LOG_WARN, "forward.store", LOG_S("target", name(f)), LOG_S("problem", e->text));
    f->store_away = true;
    return STORE_RETRY_NS;
}

/* ---- the lease --------------------------------------------------------------------- */

static int64_t lease_length(const struct forwarder *f)
{
    return f->config->timeout_ns + LEASE_MARGIN_NS;
}

/* Enough of the lease must be left for one answer.  Counted from before it was asked for, so never too long. */
static int hold_lease(struct forwarder *f, bool *held, struct err *e)
{
    int64_t before = now(f);
    int rc;

    *held = before + f->config->timeout_ns < f->lease_until;
    if (*held)
        return 0;
    rc = fleet_forward_lease(f->store, name(f), f->owner, lease_length(f), held, e);
    f->lease_until = rc == 0 && *held ? before + lease_length(f) : 0;
    return rc;
}

/* ---- waiting ------------------------------------------------------------------------- */

/* Full jitter: anything up to the doubled wait, so that hubs and targets do not meet in step. */
static int64_t backoff(struct forwarder *f)
{
    int64_t most = f->config->retry_min_ns;
    uint64_t random;

    for (int i = 1; i < f->failures && most < f->config->retry_max_ns; i++)
        most *= 2;
    if (most > f->config->retry_max_ns)
        most = f->config->retry_max_ns;
    plat_random()->fill(plat_random(), &random, sizeof random);
    return (int64_t)(random % (uint64_t)most) + 1;
}

static int64_t wait_for_target(struct forwarder *f)
{
    int64_t asked = f->answer.retry_after_ns;

    f->failures++;
    enter(f, FORWARD_FAILING, f->answer.text);
    if (asked >= 0)
        return asked < RETRY_AFTER_MAX_NS ? asked + 1 : RETRY_AFTER_MAX_NS;
    return backoff(f);
}

static int64_t wait_denied(struct forwarder *f)
{
    enter(f, FORWARD_FAILING, f->answer.text);
    return f->config->denied_retry_ns;
}

/* ---- after the answer ------------------------------------------------------------------ */

/* Moves the marks past the batch.  refused: its only record was. */
static int commit(struct forwarder *f, bool refused, struct err *e)
{
    static const struct forward_record none;
    const struct forward_batch *b = &f->batch;
    const struct forward_record *record = b->record_count > 0 ? &b->records[0] : &none;
    struct fleet_forward_mark marks[FORWARD_STREAMS_MAX];
    struct fleet_refused aside = { .seq = record->seq, .time = f->clock->wall_ns(f->clock) };
    struct fleet_forward_result result = { name(f), f->owner, marks, b->stream_count, { 0 }, NULL, f->answer.text };

    for (size_t i = 0; i < b->stream_count; i++) {
        marks[i] = (struct fleet_forward_mark){ b->streams[i].at.stream, b->streams[i].next };
        if (b->streams[i].count > 0)
            aside.stream = b->streams[i].at.stream;
    }
    text_copy(aside.reason, sizeof aside.reason, f->answer.text);
    result.add.lost = b->lost;
    result.add.refused = refused ? 1 : f->answer.rejected;
    result.add.sent = b->record_count - result.add.refused;
    result.refused = refused ? &aside : NULL;
    return fleet_forward_commit(f->store, &result, e);
}

/* The batch is done with: the marks are moved, now or, when the store does not let us, in the next turn. */
static int64_t settle(struct forwarder *f, bool refused)
{
    struct err e = { 0 };
    int rc = commit(f, refused, &e);

    if (rc != 0 && rc != ERR_STATE)
        return store_trouble(f, &e);
    f->answered = false;
    if (rc == ERR_STATE) {
        f->lease_until = 0;
        enter(f, FORWARD_STANDBY, e.text);
        return STANDBY_NS;
    }
    f->after = f->batch.last;
    f->failures = 0;
    f->refused_run = refused ? f->refused_run + 1 : 0;
    f->limit = f->limit * 2 < f->config->batch_count ? f->limit * 2 : (int)f->config->batch_count;
    if (f->batch.lost > 0)
        log_event(LOG_WARN, "forward.lost", LOG_S("target", name(f)), LOG_I("records", (int64_t)f->batch.lost));
    if (refused)
        log_event(LOG_WARN, "forward.refused", LOG_S("target", name(f)), LOG_S("reason", f->answer.text));
    else
        enter(f, FORWARD_WELL, NULL);
    return 0;
}

static int64_t after_refusal(struct forwarder *f)
{
    if (f->batch.record_count > 1) {
        f->answered = false;
        f->limit = (int)(f->batch.record_count / 2);
        return 0;
    }
    if (f->refused_run < FORWARD_REFUSED_RUN)
        return settle(f, true);
    f->answered = false;
    return wait_denied(f);
}

static int64_t after_answer(struct forwarder *f)
{
    assert(f->answered);
    switch (f->answer.verdict) {
    case FORWARD_TAKEN:
        return settle(f, false);
    case FORWARD_TOO_BIG:
    case FORWARD_REFUSED:
        return after_refusal(f);
    case FORWARD_DENIED:
        f->answered = false;
        return wait_denied(f);
    case FORWARD_LATER:
    case FORWARD_VERDICTS:
        break;
    }
    f->answered = false;
    return wait_for_target(f);
}

/* ---- the turn ----------------------------------------------------------------------------- */

/* What comes next: after the stream that was last, or from the beginning. */
static int read_next(struct forwarder *f, int limit, struct err *e)
{
    int rc = forward_batch_read(&f->batch, f->store, name(f), f->after, limit, e);

    if (rc == 0 && f->batch.stream_count == 0 && f->after > 0) {
        f->after = 0;
        rc = forward_batch_read(&f->batch, f->store, name(f), 0, limit, e);
    }
    return rc;
}

static void send(struct forwarder *f)
{
    f->store_away = false;
    if (f->batch.record_count > 0)
        f->sink->ops->send(f->sink, &f->batch, &f->answer);
    else
        forward_answer_set(&f->answer, FORWARD_TAKEN, "nothing was left to send");
    assert(f->answer.verdict < FORWARD_VERDICTS && f->answer.rejected <= f->batch.record_count);
    f->counters->answers[f->answer.verdict]++;
    f->answered = true;
}

/* How long after a look that found nothing the next one is: in a large fleet a look costs something, and may take a
 * twentieth of the time at most. */
static int64_t idle(struct forwarder *f, int64_t began)
{
    int64_t pause = (now(f) - began) * 20;

    f->store_away = false;
    if (pause < IDLE_NS)
        return IDLE_NS;
    return pause < IDLE_MAX_NS ? pause : IDLE_MAX_NS;
}

static int make_known(struct forwarder *f, struct err *e)
{
    int rc = f->known ? 0 : fleet_forward_open(f->store, name(f), f->config->start == FORWARD_FROM_NOW, e);

    f->known = rc == 0;
    return rc;
}

/* Another hub is at work: this one is ready. */
static int64_t stand_by(struct forwarder *f)
{
    enter(f, FORWARD_STANDBY, "another hub forwards to it");
    return STANDBY_NS;
}

int64_t forwarder_turn(struct forwarder *f)
{
    int64_t began = now(f);
    bool held = began + f->config->timeout_ns < f->lease_until;
    struct err e = { 0 };
    int rc;

    if (f->answered)
        return after_answer(f);
    rc = make_known(f, &e);
    if (rc == 0 && !held) {
        /* Looks first, so that an idle hub writes nothing; reads again once no other hub can move the marks. */
        rc = read_next(f, 1, &e);
        if (rc == 0 && f->batch.stream_count == 0)
            return idle(f, began);
        if (rc == 0)
            rc = hold_lease(f, &held, &e);
        if (rc == 0 && !held)
            return stand_by(f);
    }
    if (rc == 0)
        rc = read_next(f, f->limit, &e);
    if (rc != 0)
        return store_trouble(f, &e);
    if (f->batch.stream_count == 0)
        return idle(f, began);
    send(f);
    return after_answer(f);
}
