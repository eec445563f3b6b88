/* When a driver goes on: after its interval, after a failure, when it is nudged or
 * hurried, when its files change.  See driver_parts.h. */
#include "agent/driver_parts.h"
#include "base/times.h"

#include <assert.h>

enum { NUDGE_MS = 50 };

static uint64_t jittered(const struct source_driver *d, uint64_t ms)
{
    uint32_t r;

    d->env->random->fill(d->env->random, &r, sizeof r);
    return ms - ms / 4 + r % (ms / 2 + 1);
}

static uint64_t retry_ms(const struct source_driver *d, int failures)
{
    uint64_t ms = DRIVER_RETRY_MIN_MS;

    for (int i = 1; i < failures && ms < DRIVER_RETRY_MAX_MS; i++)
        ms *= 2;
    return jittered(d, ms < DRIVER_RETRY_MAX_MS ? ms : DRIVER_RETRY_MAX_MS);
}

static void on_timer(uv_timer_t *timer)
{
    struct source_driver *d = timer->data;

    assert(d->phase == WAITING || d->phase == RETRYING);
    if (d->phase == WAITING)
        driver_begin_step(d);
    else if (d->loaded)
        driver_submit_append(d);
    else
        driver_submit_load(d);
}

/* From now on, not from when the loop last looked at its clock: that may be a while
 * ago on a busy host, and the timer would be early by it. */
static void start_timer(struct source_driver *d, uint64_t ms)
{
    uv_update_time(d->env->loop);
    uv_timer_start(&d->timer, on_timer, ms, 0);
}

/* How long to wait instead of ms when there was news since the last step. */
static uint64_t hurried_ms(const struct source_driver *d, uint64_t ms)
{
    int64_t due = d->begun_ns + d->hurry_apart_ns - driver_mono(d);
    uint64_t due_ms = due > NUDGE_MS * NS_PER_MS ? (uint64_t)((due + NS_PER_MS - 1) / NS_PER_MS) : NUDGE_MS;

    return d->hurry_event_ns > d->step.now_ns && due_ms < ms ? due_ms : ms;
}

/* Whether nothing is to be looked for until somebody nudges. */
static bool is_left_alone(const struct source_driver *d)
{
    return d->step_watched && d->watched_ns > d->options.source->interval_ns && d->step_rc == 0 && d->step.settled &&
           d->state == STREAM_ATTACHED;
}

/* Sources that are left alone wait for the same moment, so that all of them cost one waking. */
static uint64_t until_all_look_ms(const struct source_driver *d)
{
    uint64_t beat_ms = (uint64_t)(d->watched_ns / NS_PER_MS);
    uint64_t least_ms = (uint64_t)(d->options.source->interval_ns / NS_PER_MS), left_ms;

    uv_update_time(d->env->loop);
    left_ms = beat_ms - uv_now(d->env->loop) % beat_ms;
    return left_ms < least_ms ? left_ms + beat_ms : left_ms;
}

/* Misconfigured and unsupported sources wait for a reload; others for their
 * interval, or longer while they fail.  A reload that came during the step may have
 * mended what the step still found wrong. */
void driver_wait_for_next(struct source_driver *d)
{
    bool alone = is_left_alone(d);
    int64_t interval_ns = d->options.source->interval_ns;
    uint64_t ms = hurried_ms(d, alone ? until_all_look_ms(d) : (uint64_t)(interval_ns / NS_PER_MS));
    uint64_t back_off = d->failures > 0 ? retry_ms(d, d->failures) : 0;
    bool reloaded = d->reloaded;

    d->phase = WAITING;
    obs_batch_free(&d->batch); /* made anew by the next step */
    d->beat_ns = alone ? d->watched_ns : interval_ns;
    if (d->stopping) {
        driver_end_if_idle(d);
        return;
    }
    if (reloaded || (d->nudged && d->failures == 0))
        ms = NUDGE_MS;
    d->nudged = d->reloaded = false;
    if (reloaded)
        start_timer(d, ms);
    else if (d->state != STREAM_MISCONFIGURED && d->state != STREAM_UNSUPPORTED)
        start_timer(d, ms > back_off ? ms : back_off);
}

void driver_retry_store_later(struct source_driver *d)
{
    d->phase = RETRYING;
    if (d->stopping)
        driver_end_if_idle(d); /* not committed, so the next start takes it again */
    else
        start_timer(d, retry_ms(d, d->append_failures));
}

void source_driver_nudge(struct source_driver *d, bool reloaded)
{
    if (d->stopping)
        return;
    if (d->phase != WAITING) {
        d->nudged = true;
        d->reloaded = d->reloaded || reloaded;
        return;
    }
    if (d->failures > 0 && !reloaded)
        return;
    if (!reloaded && (d->state == STREAM_MISCONFIGURED || d->state == STREAM_UNSUPPORTED))
        return;
    /* Never later than before: a file that changes all the time must not put it off for ever. */
    if (!uv_is_active((uv_handle_t *)&d->timer) || uv_timer_get_due_in(&d->timer) > NUDGE_MS)
        start_timer(d, NUDGE_MS);
}

void source_driver_watched(struct source_driver *d, int64_t ns)
{
    bool forsaken = ns == 0 && d->watched_ns > 0;

    d->watched_ns = ns;
    if (forsaken)
        source_driver_nudge(d, false);
}

void source_driver_hurry(struct source_driver *d, int64_t event_ns, int64_t apart_ns)
{
    int64_t now_ns = driver_wall(d);
    uint64_t ms;

    if (event_ns > now_ns)
        event_ns = now_ns; /* a clock that was wrong must not hurry us for ever */
    if (event_ns > d->hurry_event_ns)
        d->hurry_event_ns = event_ns;
    d->hurry_apart_ns = apart_ns;
    if (d->stopping || d->phase != WAITING || d->failures > 0 || !uv_is_active((uv_handle_t *)&d->timer))
        return;
    ms = hurried_ms(d, uv_timer_get_due_in(&d->timer));
    if (ms < uv_timer_get_due_in(&d->timer))
        start_timer(d, ms);
}

static void on_file_change(uv_fs_event_t *watch, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    if (status == 0)
        source_driver_nudge(watch->data, false);
}

/* Only after a good step: a path that has just answered will answer the
 * system's question where to watch, too. */
void driver_watch_files(struct source_driver *d)
{
    const char *path = d->options.source->watch_path;

    if (d->watching || path == NULL)
        return;
    d->watching = uv_fs_event_start(&d->watch, on_file_change, path, 0) == 0;
}
