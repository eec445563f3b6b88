/* See sender.h.  What to do next: read, wait for company, wait after a
 * failure, acknowledge, stop.  The batch itself is in sender_batch.c.
 *
 * At any time at most one thing is under way: an operation of the outbox
 * (READING, ACKING), a POST (SENDING) or the timer (WAITING, REFUSED, and IDLE
 * while a small batch waits for company).  Each callback checks whether the
 * sender is to stop, then moves on; nothing calls back into a function that is
 * still running.
 *
 * A number is acknowledged to the outbox once: ack_target is kept until the
 * outbox has it, so a full disk makes the acknowledgement late, not the batch
 * sent again.
 */
#include "transport/sender.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "transport/sender_internal.h"
#include "transport/verdict.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_SIZE_MAX = 8 * 1024 * 1024 }; /* room for one record beyond a full batch */

const char *sender_state_name(enum sender_state state)
{
    static const char *const names[] = {
        "idle", "reading", "sending", "acknowledging", "waiting", "refused", "stopped"
    };

    assert(state <= SENDER_STOPPED);
    return names[state];
}

static bool is_busy(const struct sender *s)
{
    return s->state == SENDER_READING || s->state == SENDER_SENDING || s->state == SENDER_ACKING;
}

static int64_t wall(const struct sender *s)
{
    return s->clock->wall_ns(s->clock);
}

/* ---- failures ----------------------------------------------------------- */

static void tell(struct sender *s, const char *problem, const char *remedy)
{
    text_copy(s->status.problem, sizeof s->status.problem, problem);
    text_copy(s->status.remedy, sizeof s->status.remedy, remedy);
}

/* One line when things change, not one a retry. */
static void log_trouble(const struct sender *s, const char *event, const char *problem, const char *remedy,
                        int64_t delay)
{
    if (strncmp(s->status.problem, problem, sizeof s->status.problem - 1) == 0)
        return;
    log_event(LOG_WARN, event, LOG_S("problem", problem), LOG_S("remedy", remedy[0] != '\0' ? remedy : NULL),
              LOG_I("retry_in_ms", delay / NS_PER_MS), LOG_I("failures", s->status.failures));
}

static void recovered(struct sender *s)
{
    if (s->status.problem[0] != '\0')
        log_event(LOG_INFO, "transport.recovered", LOG_I("failures", s->status.failures),
                  LOG_I("acked_through", (int64_t)s->status.acked_through));
    s->status.failures = 0;
    tell(s, "", "");
}

void sender_free_slice(struct sender *s)
{
    store_slice_free(&s->slice);
    memset(&s->slice, 0, sizeof s->slice);
}

void sender_drop_batch(struct sender *s)
{
    sender_free_slice(s);
    if (s->ack_target == 0) {
        s->rows_left += s->unacked;
        s->unacked = 0;
    }
    s->probing = false;
    s->ahead.under_way = false;
    buf_free(&s->raw);
    buf_free(&s->packed);
}

static void fire(void *arg)
{
    struct sender *s = arg;

    assert(!is_busy(s) && s->state != SENDER_STOPPED);
    s->status.next_try_ns = 0;
    s->company_until_ns = 0;
    s->status.pause[0] = '\0';
    sender_go_on(s);
}

void sender_rest(struct sender *s, enum sender_state state, int64_t delay_ns)
{
    sender_drop_batch(s);
    s->state = state;
    s->status.next_try_ns = wall(s) + delay_ns;
    s->timer.start(s->timer.arg, delay_ns, fire, s);
}

int64_t sender_backoff(struct sender *s, int64_t retry_after_ns)
{
    if (s->status.failures < INT32_MAX)
        s->status.failures++;
    return backoff_ns(s->config.retry_min_ns, s->config.retry_max_ns, s->status.failures, retry_after_ns, s->random);
}

void sender_wait(struct sender *s, const char *problem, const char *remedy, int64_t delay_ns)
{
    log_trouble(s, "transport.waiting", problem, remedy, delay_ns);
    tell(s, problem, remedy);
    sender_rest(s, SENDER_WAITING, delay_ns);
}

void sender_refused(struct sender *s, const char *problem, const char *remedy)
{
    int64_t delay = s->config.auth_retry_ns + jitter_ns(s->config.auth_retry_ns / 10, s->random);

    if (s->status.failures < INT32_MAX)
        s->status.failures++;
    log_trouble(s, "transport.refused", problem, remedy, delay);
    tell(s, problem, remedy);
    sender_rest(s, SENDER_REFUSED, delay);
}

static void outbox_failed(struct sender *s, const char *doing, const struct err *e)
{
    char problem[sizeof s->status.problem];

    snprintf(problem, sizeof problem, "cannot %s: %.200s", doing, e != NULL ? e->text : "no reason given");
    sender_wait(s, problem, "look at the store's own state", sender_backoff(s, -1));
}

/* ---- stopping ----------------------------------------------------------- */

static void finish_stop(struct sender *s)
{
    void (*stopped)(void *arg) = s->stopped;

    s->state = SENDER_STOPPED;
    sender_drop_batch(s);
    stopped(s->stopped_arg); /* may free s */
}

/* ---- company ------------------------------------------------------------ */

static void wait_for_company(struct sender *s, int64_t oldest_ns)
{
    int64_t age = s->config.batch_age_ns, wait = oldest_ns + age - wall(s);
    int64_t now = s->clock->monotonic_ns(s->clock);

    /* Clocks are set back; nothing waits for longer than max_age. */
    wait = wait > age ? age : wait;
    if (wait <= 0) {
        sender_go_on(s);
        return;
    }
    if (s->company_until_ns != 0 && s->company_until_ns <= now + wait)
        return;
    if (s->company_until_ns != 0)
        s->timer.stop(s->timer.arg);
    s->company_until_ns = now + wait;
    s->timer.start(s->timer.arg, wait, fire, s);
}

static bool may_send(const struct sender *s)
{
    return s->http != NULL && s->has_resource;
}

/* Idle with s->rows_left rows there: now, or when they are old enough? */
static void consider(struct sender *s)
{
    assert(s->state == SENDER_IDLE);
    if (!may_send(s) || (s->rows_left == 0 && !s->flush))
        return;
    if (s->flush || s->rows_left >= limits_count(&s->limits))
        sender_go_on(s);
    else
        wait_for_company(s, s->oldest_ns);
}

/* After a batch is done with.  There is rest only after an empty read: the
 * outbox may hold rows that nobody kicked for, such as the store's own about
 * what it had to drop or set aside. */
static void next(struct sender *s)
{
    s->state = SENDER_IDLE;
    if (s->kicked || s->rows_left == 0)
        s->oldest_ns = wall(s);
    if (s->rows_left == 0)
        s->rows_left = 1;
    s->kicked = false;
    if (sender_pauses(s))
        return;
    if (s->limits.suspects > 0)
        sender_go_on(s);
    else
        consider(s);
}

/* ---- the outbox --------------------------------------------------------- */

static void on_read(void *arg, int rc, const struct err *e)
{
    struct sender *s = arg;

    assert(s->state == SENDER_READING);
    if (s->stopped != NULL) {
        finish_stop(s);
        return;
    }
    if (rc != 0) {
        outbox_failed(s, "read the outbox", e);
        return;
    }
    if (!may_send(s)) { /* a reload switched sending off */
        sender_drop_batch(s);
        s->state = SENDER_IDLE;
        return;
    }
    if (s->ahead.under_way) {
        sender_ahead_was_read(s);
        return;
    }
    if (s->slice.count == 0) {
        sender_drop_batch(s);
        s->ahead.given_up = false;
        s->rows_left = 0;
        s->flush = false;
        limits_drained(&s->limits);
        s->state = SENDER_IDLE;
        if (s->kicked)
            next(s);
        return;
    }
    assert(s->slice.first_seq > s->after && s->slice.last_seq >= s->slice.first_seq);
    s->unacked = s->slice.count;
    s->rows_left -= s->rows_left < s->unacked ? s->rows_left : s->unacked;
    if (s->slice.last_seq > s->read_until)
        s->read_until = s->slice.last_seq;
    sender_send(s);
}

static void on_ack(void *arg, int rc, const struct err *e)
{
    struct sender *s = arg;

    assert(s->state == SENDER_ACKING && s->ack_target > 0);
    if (rc == 0) {
        s->status.acked_through = s->ack_target;
        s->status.last_ack_ns = wall(s);
        s->after = s->ack_target > s->after ? s->ack_target : s->after;
        s->ack_target = 0;
        s->unacked = 0;
    }
    if (s->stopped != NULL) {
        finish_stop(s);
    } else if (rc != 0) {
        outbox_failed(s, "acknowledge in the outbox", e);
    } else {
        recovered(s);
        next(s);
    }
}

static void start_ack(struct sender *s)
{
    struct err e = { 0 };

    s->state = SENDER_ACKING;
    if (s->outbox.ack(s->outbox.arg, s->ack_target, on_ack, s) != 0) {
        err_set(&e, ERR_BUSY, "it is busy");
        outbox_failed(s, "acknowledge in the outbox", &e);
    }
}

void sender_ack(struct sender *s, uint64_t through)
{
    assert(through > s->status.acked_through && through <= s->read_until);
    s->ack_target = through;
    start_ack(s);
}

static void on_set_aside(void *arg, int rc, const struct err *e)
{
    struct sender *s = arg;

    assert(s->state == SENDER_ACKING && s->slice.count == 1);
    if (rc == 0) {
        s->after = s->slice.last_seq;
        s->status.records_set_aside++;
        s->proven = false;
        s->asides_run++;
        limits_set_aside(&s->limits);
        s->unacked = 0;
        sender_free_slice(s);
    }
    if (s->stopped != NULL) {
        finish_stop(s);
    } else if (rc != 0) {
        outbox_failed(s, "set a record aside", e);
    } else {
        recovered(s);
        next(s);
    }
}

void sender_set_aside(struct sender *s)
{
    uint64_t from = s->slice.first_seq, to = s->slice.last_seq;
    struct err e = { 0 };

    assert(s->slice.count == 1);
    log_event(LOG_WARN, "transport.set_aside", LOG_I("seq", (int64_t)from), LOG_S("reason", s->reason));
    s->state = SENDER_ACKING;
    if (s->outbox.set_aside(s->outbox.arg, from, to, s->reason, on_set_aside, s) != 0) {
        err_set(&e, ERR_BUSY, "it is busy");
        outbox_failed(s, "set a record aside", &e);
    }
}

static int start_read(struct sender *s)
{
    size_t count = limits_count(&s->limits), bytes = sender_batch_bytes(s);

    if (sender_ahead_begin(s))
        return s->outbox.read_state(s->outbox.arg, sender_ahead_after(s), count, bytes, &s->slice, on_read, s);
    return s->outbox.read(s->outbox.arg, s->after, count, bytes, &s->slice, on_read, s);
}

void sender_go_on(struct sender *s)
{
    struct err e = { 0 };

    assert(!is_busy(s) && s->slice.count == 0);
    if (s->company_until_ns != 0) {
        s->timer.stop(s->timer.arg);
        s->company_until_ns = 0;
    }
    s->kicked = false;
    if (s->ack_target != 0) {
        start_ack(s);
        return;
    }
    s->state = SENDER_IDLE;
    if (!may_send(s))
        return;
    s->state = SENDER_READING;
    if (start_read(s) != 0) {
        err_set(&e, ERR_BUSY, "it is busy");
        outbox_failed(s, "read the outbox", &e);
    }
}

/* ---- from outside ------------------------------------------------------- */

static void take_config(struct sender *s, const struct agent_config_hub *config)
{
    s->config = *config;
    s->compression = config->compression;
    limits_init(&s->limits, (size_t)config->batch_count, (size_t)config->batch_bytes);
    s->proven = false;
    s->asides_run = 0;
    sender_forget_budget(s);
    sender_ahead_forget(s);
}

/* What compression asks room for is more than what goes in. */
static void set_ceilings(struct sender *s)
{
    size_t most = (size_t)s->config.batch_bytes + RECORD_SIZE_MAX;

    assert(s->raw.data == NULL && s->packed.data == NULL); /* only a POST in flight has them */
    buf_init(&s->raw, most);
    buf_init(&s->packed, 2 * most);
}

int sender_new(struct sender **out, const struct sender_options *options, struct err *e)
{
    struct sender *s = calloc(1, sizeof *s);

    assert(options->config != NULL && options->clock != NULL && options->random != NULL);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the sender");
    take_config(s, options->config);
    s->http = options->http;
    s->outbox = options->outbox;
    s->timer = options->timer;
    s->clock = options->clock;
    s->random = options->random;
    s->after = s->read_until = s->status.acked_through = options->acked_through;
    set_ceilings(s);
    *out = s;
    return 0;
}

void sender_set_resource(struct sender *s, const struct resource *r)
{
    s->resource = *r;
    s->has_resource = true;
    if (s->state == SENDER_IDLE && s->company_until_ns == 0)
        consider(s);
}

void sender_kick(struct sender *s, uint64_t rows, int64_t oldest_ns)
{
    if (s->state == SENDER_STOPPED || s->stopped != NULL)
        return;
    s->rows_left = rows > s->unacked ? rows - s->unacked : 0;
    if (is_busy(s)) {
        s->kicked = true;
        return;
    }
    s->oldest_ns = oldest_ns;
    if (s->state == SENDER_IDLE)
        consider(s);
}

void sender_flush(struct sender *s)
{
    if (s->state == SENDER_STOPPED || s->stopped != NULL)
        return;
    s->flush = true;
    if (s->state == SENDER_IDLE)
        consider(s);
}

int sender_reconfigure(struct sender *s, const struct agent_config_hub *config, struct http_client *http, struct err *e)
{
    if (s->state == SENDER_STOPPED || s->stopped != NULL)
        return err_set(e, ERR_STATE, "the sender is stopped");
    if (s->state == SENDER_SENDING) {
        s->http->ops->cancel(s->http);
        sender_drop_batch(s);
        s->state = SENDER_IDLE;
        s->kicked = true;
    }
    take_config(s, config);
    set_ceilings(s);
    s->http = http;
    s->status.failures = 0;
    tell(s, "", "");
    if (is_busy(s))
        return 0;
    s->timer.stop(s->timer.arg);
    s->status.next_try_ns = 0;
    s->company_until_ns = 0;
    sender_go_on(s);
    return 0;
}

void sender_status(const struct sender *s, struct sender_status *out)
{
    *out = s->status;
    out->state = s->state;
}

void sender_stop(struct sender *s, void (*done)(void *arg), void *arg)
{
    assert(s->stopped == NULL && s->state != SENDER_STOPPED && done != NULL);
    s->stopped = done;
    s->stopped_arg = arg;
    s->status.next_try_ns = 0;
    s->status.pause[0] = '\0';
    if (s->state == SENDER_READING || s->state == SENDER_ACKING)
        return; /* its callback finishes */
    if (s->state == SENDER_SENDING)
        s->http->ops->cancel(s->http);
    else
        s->timer.stop(s->timer.arg);
    finish_stop(s);
}

void sender_free(struct sender *s)
{
    if (s == NULL)
        return;
    assert(!is_busy(s));
    sender_drop_batch(s);
    free(s);
}
