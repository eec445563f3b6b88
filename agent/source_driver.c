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
#include "agent/source_driver.h"

#include "agent/arrival.h"
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum phase { LOADING, GATE, STEPPING, APPENDING, RETRYING, WAITING, ENDED };

enum { NUDGE_MS = 50, HUNG_GRACE_MS = 500, NOTICE_BATCH_MAX = 64 * 1024, PROBLEM_MAX = 256 };

struct source_driver {
    const struct driver_env *env;
    struct driver_options options;
    enum phase phase;

    uv_timer_t timer;    /* WAITING and RETRYING */
    uv_timer_t deadline; /* STEPPING */
    uv_fs_event_t watch;
    uv_work_t work;
    bool watching;
    struct gate_ticket ticket;

    struct obs_batch batch;
    struct source_step step;
    struct buf mark; /* as committed */
    bool loaded;     /* mark has been read */
    int step_rc;
    struct err step_err;
    bool save_mark; /* the new mark goes along with the batch */
    struct store_appended appended;
    struct store_stats stats;
    bool stats_good;
    int append_rc;
    struct err append_err;

    int events_max;
    int failures;        /* of steps, in a row */
    int append_failures; /* in a row */
    int notices;         /* on their way to the store */
    bool nudged;         /* while something was under way */
    int64_t begun_ns;    /* monotonic: the last step */
    int64_t hurry_event_ns, hurry_apart_ns;
    bool stopping, abandoned;
    void (*ended)(void *arg);
    void *ended_arg;
    int open_handles;

    /* Evidence. */
    bool started, caught_up;
    enum stream_state state;
    char problem[PROBLEM_MAX], remedy[PROBLEM_MAX];
    int64_t beat_ns; /* the source's interval, as of its last step */
    int64_t life_ns, step_since_ns, last_event_ns, last_commit_ns, lag_records, observations, skipped;
};

static void begin_step(struct source_driver *d);
static void submit_append(struct source_driver *d);
static void submit_load(struct source_driver *d);
static void end_if_idle(struct source_driver *d);

static int64_t mono(const struct source_driver *d)
{
    return d->env->clock->monotonic_ns(d->env->clock);
}

static int64_t wall(const struct source_driver *d)
{
    return d->env->clock->wall_ns(d->env->clock);
}

/* ---- states ---- */

static void describe_state(const struct source_driver *d, struct obs_batch *batch)
{
    bool good = d->state == STREAM_ATTACHED;
    int64_t now = wall(d);
    struct observation *o = obs_new(batch, OBS_SOURCE_STATE, now, now);

    o->severity = good ? SEVERITY_INFO : SEVERITY_WARN;
    obs_str(o, ATTR_SOURCE, d->options.source->name);
    obs_str(o, ATTR_STATE, stream_state_name(d->state));
    obs_str(o, ATTR_REMEDY, d->remedy);
    obs_body(o, "Source %s is %s%s%s.", d->options.source->name, stream_state_name(d->state),
             d->problem[0] != '\0' ? ": " : "", d->problem);
}

/* Takes the state in; true when it is another than before, which is then logged. */
static bool change_state(struct source_driver *d, enum stream_state state, const char *problem, const char *remedy)
{
    bool changed = !d->started || state != d->state;

    d->started = true;
    d->state = state;
    text_copy(d->problem, sizeof d->problem, problem);
    text_copy(d->remedy, sizeof d->remedy, remedy);
    if (changed)
        log_event(state == STREAM_ATTACHED ? LOG_INFO : LOG_WARN, "source.state",
                  LOG_S("source", d->options.source->name), LOG_S("state", stream_state_name(state)),
                  LOG_S("problem", problem[0] != '\0' ? problem : NULL),
                  LOG_S("remedy", remedy[0] != '\0' ? remedy : NULL));
    return changed;
}

/* The news of a state, committed apart from the batch that a hung step holds. */
struct notice {
    struct source_driver *d;
    struct obs_batch batch;
    struct store_appended appended;
    struct store_stats stats;
    int rc;
};

static void notice_work(struct store *store, void *arg)
{
    struct notice *n = arg;

    n->rc = store_append(store, n->d->env->host_id, &n->batch, NULL, 0, &n->appended, NULL);
    if (n->rc == 0)
        n->rc = store_stats(store, &n->stats, NULL);
}

static void notice_done(void *arg)
{
    struct notice *n = arg;
    struct source_driver *d = n->d;

    if (n->rc == 0)
        d->env->committed(d->env->arg, &n->appended, &n->stats);
    obs_batch_free(&n->batch);
    free(n);
    d->notices--;
    end_if_idle(d);
}

static void send_notice(struct source_driver *d)
{
    struct notice *n = calloc(1, sizeof *n);

    if (n == NULL)
        return;
    n->d = d;
    obs_batch_init(&n->batch, NOTICE_BATCH_MAX);
    describe_state(d, &n->batch);
    if (n->batch.failed || store_worker_submit(d->env->worker, notice_work, notice_done, n, NULL) != 0) {
        obs_batch_free(&n->batch);
        free(n);
        return;
    }
    d->notices++;
}

/* ---- waiting ---- */

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
        begin_step(d);
    else if (d->loaded)
        submit_append(d);
    else
        submit_load(d);
}

/* How long to wait instead of ms when there was news since the last step. */
static uint64_t hurried_ms(const struct source_driver *d, uint64_t ms)
{
    int64_t due = d->begun_ns + d->hurry_apart_ns - mono(d);
    uint64_t due_ms = due > NUDGE_MS * NS_PER_MS ? (uint64_t)((due + NS_PER_MS - 1) / NS_PER_MS) : NUDGE_MS;

    return d->hurry_event_ns > d->step.now_ns && due_ms < ms ? due_ms : ms;
}

/* Misconfigured and unsupported sources wait for a reload; others for their
 * interval, or longer while they fail. */
static void wait_for_next(struct source_driver *d)
{
    uint64_t ms = hurried_ms(d, (uint64_t)(d->options.source->interval_ns / NS_PER_MS));
    uint64_t back_off = d->failures > 0 ? retry_ms(d, d->failures) : 0;

    d->phase = WAITING;
    d->beat_ns = d->options.source->interval_ns;
    if (d->stopping) {
        end_if_idle(d);
        return;
    }
    if (d->nudged && d->failures == 0)
        ms = NUDGE_MS;
    d->nudged = false;
    if (d->state == STREAM_MISCONFIGURED || d->state == STREAM_UNSUPPORTED)
        return;
    uv_timer_start(&d->timer, on_timer, ms > back_off ? ms : back_off, 0);
}

void source_driver_nudge(struct source_driver *d, bool reloaded)
{
    if (d->stopping)
        return;
    if (d->phase != WAITING) {
        d->nudged = true;
        return;
    }
    if (d->failures > 0 && !reloaded)
        return;
    if (!reloaded && (d->state == STREAM_MISCONFIGURED || d->state == STREAM_UNSUPPORTED))
        return;
    /* Never later than before: a file that changes all the time must not put it off for ever. */
    if (!uv_is_active((uv_handle_t *)&d->timer) || uv_timer_get_due_in(&d->timer) > NUDGE_MS)
        uv_timer_start(&d->timer, on_timer, NUDGE_MS, 0);
}

void source_driver_hurry(struct source_driver *d, int64_t event_ns, int64_t apart_ns)
{
    int64_t now_ns = wall(d);
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
        uv_timer_start(&d->timer, on_timer, ms, 0);
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
static void watch_files(struct source_driver *d)
{
    const char *path = d->options.source->watch_path;

    if (d->watching || path == NULL)
        return;
    d->watching = uv_fs_event_start(&d->watch, on_file_change, path, 0) == 0;
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

static void retry_store_later(struct source_driver *d)
{
    d->phase = RETRYING;
    if (d->stopping)
        end_if_idle(d); /* not committed, so the next start takes it again */
    else
        uv_timer_start(&d->timer, on_timer, retry_ms(d, d->append_failures), 0);
}

static void tell_arrival(const struct source_driver *d)
{
    int64_t event_ns = d->options.guest_came != NULL ? arrival_newest(&d->batch) : 0;

    if (event_ns > 0)
        d->options.guest_came(d->options.guest_came_arg, event_ns);
}

/* What a commit proves, and the mark to go on from. */
static void take_commit(struct source_driver *d)
{
    d->append_failures = 0;
    d->last_commit_ns = wall(d);
    d->observations += d->batch.count;
    if (d->save_mark) {
        buf_clear(&d->mark);
        buf_add(&d->mark, buf_text(&d->step.new_mark), d->step.new_mark.len);
    }
    if (d->stats_good)
        d->env->committed(d->env->arg, &d->appended, &d->stats);
    tell_arrival(d);
}

static void after_commit(struct source_driver *d)
{
    bool more = d->step_rc == 0 && d->step.report.more;

    d->caught_up = d->step_rc == 0 && !more && d->state == STREAM_ATTACHED;
    if (more && !d->stopping)
        begin_step(d);
    else
        wait_for_next(d);
}

static void append_done(void *arg)
{
    struct source_driver *d = arg;

    assert(d->phase == APPENDING);
    if (d->append_rc != 0) {
        d->append_failures++;
        d->env->store_failed(d->env->arg, &d->append_err);
        retry_store_later(d);
        return;
    }
    take_commit(d);
    after_commit(d);
}

static void submit_append(struct source_driver *d)
{
    d->phase = APPENDING;
    if (store_worker_submit(d->env->worker, append_work, append_done, d, NULL) == 0)
        return;
    d->append_failures++; /* a full queue: nothing is wrong but the disk's pace */
    retry_store_later(d);
}

/* ---- stepping ---- */

static void step_work(uv_work_t *work)
{
    struct source_driver *d = work->data;

    d->step.deadline_ns = mono(d) + d->options.deadline_ns;
    d->step_rc = source_take_step(d->options.source, &d->step, &d->step_err);
}

/* After a batch was over its ceiling: slowly larger bites again. */
static void take_more_again(struct source_driver *d)
{
    if (d->events_max < DRIVER_EVENTS_MAX)
        d->events_max += d->events_max / 8 + 1;
}

static void note_evidence(struct source_driver *d)
{
    const struct source_step *s = &d->step;
    bool took = d->batch.count > 0 || s->skipped > 0;

    d->lag_records = s->report.lag_records;
    d->skipped += s->skipped;
    if (s->last_event_ns > d->last_event_ns)
        d->last_event_ns = s->last_event_ns;
    if (s->report.state == STREAM_ATTACHED && (took || d->options.look_is_life || s->report.lag_records == 0))
        d->life_ns = mono(d);
}

/* The step's outcome as a state; true when that is news. */
static bool judge_step(struct source_driver *d)
{
    const struct stream_report *report = &d->step.report;

    if (d->step_rc != 0) {
        d->failures++;
        return change_state(d, STREAM_RETRYING, d->step_err.text, "");
    }
    d->failures = report->state == STREAM_ATTACHED ? 0 : d->failures + 1;
    note_evidence(d);
    return change_state(d, report->state, "", report->remedy);
}

/* A stream that is away may leave the new mark empty: that moves nothing. */
static bool mark_moved(const struct source_driver *d)
{
    const char *mark = buf_text(&d->mark), *new_mark = buf_text(&d->step.new_mark);

    if (d->step_rc != 0 || strcmp(mark, new_mark) == 0)
        return false;
    return new_mark[0] != '\0' || d->batch.count > 0;
}

static void bite_smaller(struct source_driver *d)
{
    d->events_max /= 2;
    if (d->stopping)
        wait_for_next(d);
    else
        begin_step(d);
}

static void take_step(struct source_driver *d)
{
    if (d->step_rc == ERR_TOO_BIG && d->events_max > 1) {
        bite_smaller(d);
        return;
    }
    if (d->step_rc != 0) {
        obs_batch_reset(&d->batch);
    } else {
        take_more_again(d);
        watch_files(d);
    }
    d->save_mark = mark_moved(d);
    if (judge_step(d))
        describe_state(d, &d->batch);
    if (d->batch.failed && d->events_max > 1) {
        d->started = false; /* the news was the one thing too many: told with the next step */
        bite_smaller(d);
        return;
    }
    assert(!d->batch.failed); /* one event and a state fit */
    if (d->batch.count > 0 || d->save_mark)
        submit_append(d);
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
        wait_for_next(d);
    else
        take_step(d);
}

static void on_deadline(uv_timer_t *timer)
{
    struct source_driver *d = timer->data;

    if (change_state(d, STREAM_HUNG, "no answer within its deadline",
                     "the disk, share or service behind it does not answer: check that first"))
        send_notice(d);
}

static void open_gate(void *arg)
{
    struct source_driver *d = arg;
    uint64_t deadline_ms = (uint64_t)(d->options.deadline_ns / NS_PER_MS) + HUNG_GRACE_MS;
    int rc;

    d->phase = STEPPING;
    d->step_since_ns = d->begun_ns = mono(d);
    obs_batch_reset(&d->batch);
    buf_clear(&d->step.new_mark);
    d->step.mark = buf_text(&d->mark);
    d->step.max_events = d->events_max;
    d->step.max_bytes = DRIVER_XML_MAX;
    d->step.now_ns = wall(d);
    d->step.batch = &d->batch;
    d->step.report = (struct stream_report){ .lag_records = -1 };
    d->step.last_event_ns = 0;
    d->step.skipped = 0;
    uv_timer_start(&d->deadline, on_deadline, deadline_ms, 0);
    rc = uv_queue_work(d->env->loop, &d->work, step_work, step_done);
    assert(rc == 0); /* fails only without a work callback */
    (void)rc;
}

static void begin_step(struct source_driver *d)
{
    d->nudged = false;
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
            wait_for_next(d);
        else
            begin_step(d);
        return;
    }
    d->append_failures++;
    d->env->store_failed(d->env->arg, &d->append_err);
    retry_store_later(d);
}

static void submit_load(struct source_driver *d)
{
    d->phase = LOADING;
    if (store_worker_submit(d->env->worker, load_work, load_done, d, NULL) == 0)
        return;
    d->append_failures++;
    retry_store_later(d);
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

static void end_if_idle(struct source_driver *d)
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
    end_if_idle(d);
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
    d->life_ns = mono(d);
    obs_batch_init(&d->batch, DRIVER_BATCH_MAX);
    buf_init(&d->mark, SOURCE_MARK_MAX);
    buf_init(&d->step.new_mark, SOURCE_MARK_MAX);
    init_handles(d);
    submit_load(d);
    *out = d;
    return 0;
}

bool source_driver_stepping(const struct source_driver *d)
{
    return d->phase == STEPPING;
}

void source_driver_evidence(const struct source_driver *d, struct health_source *out)
{
    *out = (struct health_source){
        .name = d->options.source->name,
        .state = d->state,
        .may_be_absent = d->options.may_be_absent,
        .started = d->started,
        .problem = d->problem,
        .remedy = d->remedy,
        .last_event_ns = d->last_event_ns,
        .last_commit_ns = d->last_commit_ns,
        .life_ns = d->life_ns,
        .beat_ns = d->beat_ns,
        .step_since_ns = d->step_since_ns,
        .lag_records = d->lag_records,
        .caught_up = d->caught_up && (d->phase == WAITING || d->phase == GATE || d->phase == STEPPING),
        .observations = d->observations,
        .skipped = d->skipped,
    };
}
