/* See source_driver.h.
 *
 * The phases, and what ends each:
 *
 *   LOADING     the mark is read on the store's thread        -> GATE
 *   GATE        waiting for a place in the step gate          -> STEPPING
 *   STEPPING    source_take_step on a worker thread           -> APPENDING or WAITING
 *   APPENDING   store_append on the store's thread            -> GATE, WAITING or RETRYING
 *   RETRYING    the commit failed; the batch is kept          -> APPENDING
 *   WAITING     for the interval, a nudge or a file change    -> GATE
 *   ENDED       nothing is under way; handles are closing
 *
 * Only the phase's own callback moves on, so no two things are ever under way
 * for one driver, with one exception: while a hung step still holds the batch,
 * the news that it hangs is committed by a job of its own (struct notice).
 */
#include "agent/arrival.h"
#include "agent/driver_parts.h"
#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HUNG_GRACE_MS = 500 };

int64_t driver_mono(const struct source_driver *d)
{
    return d->env->clock->monotonic_ns(d->env->clock);
}

int64_t driver_wall(const struct source_driver *d)
{
    return d->env->clock->wall_ns(d->env->clock);
}

/* ---- appending ---- */

static void append_work(struct store *store, void *arg)
{
    struct source_driver *d = arg;
    struct store_mark mark = { d->options.source->name, buf_text(&d->step.new_mark) };

    d->append_rc =
        store_append(store, d->env->host_id, &d->batch, &mark, d->save_mark ? 1 : 0, &d->appended, &d->append_err);
    d->stats_good = d->append_rc == 0 && store_stats(store, &d->stats, NULL) == 0;
}

static void tell_arrival(const struct source_driver *d)
{
    const struct driver_options *o = &d->options;
    int64_t event_ns = o->guest_came != NULL ? arrival_newest(&d->batch) : 0;

    if (event_ns > 0)
        o->guest_came(o->came_arg, event_ns);
    if (o->cluster_event != NULL && arrival_of_cluster(&d->batch))
        o->cluster_event(o->came_arg);
}

/* What a commit proves, and the mark to go on from. */
static void take_commit(struct source_driver *d)
{
    d->append_failures = 0;
    d->last_commit_ns = driver_wall(d);
    d->observations += d->batch.count;
    if (d->save_mark)
        buf_swap(&d->mark, &d->step.new_mark); /* a copy that there is no memory for would begin anew */
    if (d->stats_good)
        d->env->committed(d->env->arg, &d->appended, &d->stats);
    tell_arrival(d);
}

static void after_commit(struct source_driver *d)
{
    bool more = d->step_rc == 0 && d->step.report.more;

    d->caught_up = d->step_rc == 0 && !more && d->state == STREAM_ATTACHED;
    if (more && !d->stopping)
        driver_begin_step(d);
    else
        driver_wait_for_next(d);
}

static void append_done(void *arg)
{
    struct source_driver *d = arg;

    assert(d->phase == APPENDING);
    if (d->append_rc != 0) {
        d->append_failures++;
        d->env->store_failed(d->env->arg, &d->append_err);
        driver_retry_store_later(d);
        return;
    }
    take_commit(d);
    after_commit(d);
}

void driver_submit_append(struct source_driver *d)
{
    d->phase = APPENDING;
    if (store_worker_submit(d->env->worker, append_work, append_done, d, NULL) == 0)
        return;
    d->append_failures++; /* a full queue: nothing is wrong but the disk's pace */
    driver_retry_store_later(d);
}

/* ---- stepping ---- */

static void step_work(uv_work_t *work)
{
    struct source_driver *d = work->data;

    d->step.deadline_ns = driver_mono(d) + d->options.deadline_ns;
    d->step_rc = source_take_step(d->options.source, &d->step, &d->step_err);
}

/* After a batch was over its ceiling: slowly larger bites again. */
static void take_more_again(struct source_driver *d)
{
    if (d->events_max < DRIVER_EVENTS_MAX)
        d->events_max += d->events_max / 8 + 1;
}

/* A stream that is away may leave the new mark empty: that moves nothing. */
static bool mark_moved(const struct source_driver *d)
{
    const char *mark = buf_text(&d->mark), *new_mark = buf_text(&d->step.new_mark);

    if (d->step_rc != 0 || strcmp(mark, new_mark) == 0)
        return false;
    return new_mark[0] != '\0' || d->batch.count > 0;
}

/* The step is taken again, with less at once. */
static void bite_smaller(struct source_driver *d)
{
    if (d->events_max > 1)
        d->events_max /= 2;
    if (d->stopping)
        driver_wait_for_next(d);
    else
        driver_begin_step(d);
}

/* The news of a state goes along with the batch.  Where it is the one thing too
 * many it goes by itself, once, and the batch is made again without it: false. */
static bool tell_state(struct source_driver *d)
{
    driver_describe_state(d, &d->batch);
    driver_log_state(d);
    if (!d->batch.failed)
        return true;
    driver_send_notice(d);
    return false;
}

static void take_step(struct source_driver *d)
{
    int found;

    if (d->step_rc == ERR_TOO_BIG && d->events_max > 1) {
        bite_smaller(d);
        return;
    }
    if (d->step_rc != 0) {
        obs_batch_reset(&d->batch);
    } else {
        take_more_again(d);
        driver_watch_files(d);
    }
    d->save_mark = mark_moved(d);
    found = d->batch.count;
    if (driver_judge_step(d) && !tell_state(d)) {
        bite_smaller(d);
        return;
    }
    assert(!d->batch.failed);
    if (d->step_rc == 0)
        driver_note_evidence(d, found > 0);
    if (d->batch.count > 0 || d->save_mark)
        driver_submit_append(d);
    else
        after_commit(d);
}

static void step_done(uv_work_t *work, int status)
{
    struct source_driver *d = work->data;

    if (d->abandoned)
        return;
    assert(d->phase == STEPPING);
    uv_timer_stop(&d->deadline);
    d->step_since_ns = 0;
    if (d->options.gate != NULL)
        gate_leave(d->options.gate, &d->ticket);
    if (status == UV_ECANCELED)
        driver_wait_for_next(d);
    else
        take_step(d);
}

static void on_deadline(uv_timer_t *timer)
{
    struct source_driver *d = timer->data;

    if (driver_judge_hung(d)) {
        driver_log_state(d);
        driver_send_notice(d);
    }
}

static void open_gate(void *arg)
{
    struct source_driver *d = arg;
    uint64_t deadline_ms = (uint64_t)(d->options.deadline_ns / NS_PER_MS) + HUNG_GRACE_MS;
    int rc;

    d->phase = STEPPING;
    d->step.now_ns = driver_wall(d); /* before the step begins: what happens between the two is news to hurry for */
    d->step_since_ns = d->begun_ns = driver_mono(d);
    obs_batch_reset(&d->batch);
    buf_clear(&d->step.new_mark);
    d->step.mark = buf_text(&d->mark);
    d->step.max_events = d->events_max;
    d->step.max_bytes = DRIVER_XML_MAX;
    d->step.batch = &d->batch;
    d->step.report = (struct stream_report){ .lag_records = -1 };
    d->step.last_event_ns = 0;
    d->step.skipped = 0;
    d->step.settled = false;
    uv_timer_start(&d->deadline, on_deadline, deadline_ms, 0);
    rc = uv_queue_work(d->env->loop, &d->work, step_work, step_done);
    assert(rc == 0); /* fails only without a work callback */
    (void)rc;
}

void driver_begin_step(struct source_driver *d)
{
    d->nudged = d->reloaded = false;
    d->step_watched = d->watched_ns > 0;
    d->phase = GATE;
    if (d->options.gate == NULL || gate_enter(d->options.gate, &d->ticket))
        open_gate(d);
}

/* ---- beginning and end ---- */

static void load_work(struct store *store, void *arg)
{
    struct source_driver *d = arg;

    buf_clear(&d->mark);
    d->append_rc = store_mark_get(store, d->options.source->name, &d->mark, &d->append_err);
}

static void load_done(void *arg)
{
    struct source_driver *d = arg;

    assert(d->phase == LOADING);
    d->loaded = d->append_rc == 0;
    if (d->loaded) {
        d->append_failures = 0;
        if (d->stopping)
            driver_wait_for_next(d);
        else
            driver_begin_step(d);
        return;
    }
    d->append_failures++;
    d->env->store_failed(d->env->arg, &d->append_err);
    driver_retry_store_later(d);
}

void driver_submit_load(struct source_driver *d)
{
    d->phase = LOADING;
    if (store_worker_submit(d->env->worker, load_work, load_done, d, NULL) == 0)
        return;
    d->append_failures++;
    driver_retry_store_later(d);
}

static void on_closed(uv_handle_t *handle)
{
    struct source_driver *d = handle->data;

    if (--d->open_handles > 0)
        return;
    d->ended(d->ended_arg);
    obs_batch_free(&d->batch);
    buf_free(&d->step.new_mark);
    buf_free(&d->mark);
    free(d);
}

void driver_end_if_idle(struct source_driver *d)
{
    if (!d->stopping || d->notices > 0 || (d->phase != WAITING && d->phase != RETRYING))
        return;
    d->phase = ENDED;
    uv_close((uv_handle_t *)&d->timer, on_closed);
    uv_close((uv_handle_t *)&d->deadline, on_closed);
    uv_close((uv_handle_t *)&d->watch, on_closed);
}

void source_driver_stop(struct source_driver *d, void (*ended)(void *arg), void *arg)
{
    assert(!d->stopping && ended != NULL);
    d->stopping = true;
    d->ended = ended;
    d->ended_arg = arg;
    if (d->phase == STEPPING)
        uv_cancel((uv_req_t *)&d->work); /* has an effect only while no thread has begun it */
    if (d->phase == GATE) {
        gate_leave(d->options.gate, &d->ticket);
        d->phase = WAITING;
    }
    driver_end_if_idle(d);
}

void source_driver_abandon(struct source_driver *d)
{
    d->abandoned = true;
}

static void init_handles(struct source_driver *d)
{
    uv_timer_init(d->env->loop, &d->timer);
    uv_timer_init(d->env->loop, &d->deadline);
    uv_fs_event_init(d->env->loop, &d->watch);
    d->open_handles = 3;
    d->timer.data = d->deadline.data = d->watch.data = d->work.data = d;
    d->ticket = (struct gate_ticket){ .open = open_gate, .arg = d };
}

int source_driver_start(struct source_driver **out, const struct driver_env *env, const struct driver_options *options,
                        struct err *e)
{
    struct source_driver *d = calloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    assert(options->deadline_ns > 0);
    d->env = env;
    d->options = *options;
    d->events_max = DRIVER_EVENTS_MAX;
    d->state = STREAM_ATTACHED;
    d->lag_records = -1;
    d->life_ns = driver_mono(d);
    obs_batch_init(&d->batch, DRIVER_BATCH_MAX);
    buf_init(&d->mark, SOURCE_MARK_MAX);
    buf_init(&d->step.new_mark, SOURCE_MARK_MAX);
    init_handles(d);
    driver_submit_load(d);
    *out = d;
    return 0;
}
