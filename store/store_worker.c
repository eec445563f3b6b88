/* See store_worker.h.
 *
 * One ring of jobs with three places in it, which only ever go forward:
 *
 *   done_to    the loop has run the done function of all before it
 *   ran_to     the store's thread has run the work of all before it
 *   filled_to  jobs have been submitted up to here
 *
 *   done_to <= ran_to <= filled_to <= done_to + STORE_QUEUE_MAX
 *
 * A job keeps its slot until its done function has been called, so the ring
 * bounds what is waiting on both sides.  The places are read and written under
 * the mutex; a slot's content belongs to the side that the places give it to.
 */
#include "store/store_worker.h"

#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

/* Between two looks at a large store: some 40,000 rows a second, a tenth of a core. */
#define MEANWHILE_NS (50 * INT64_C(1000000))

struct job {
    void (*work)(struct store *s, void *arg);
    void (*done)(void *arg);
    void *arg;
};

struct store_worker {
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;   /* there is a job, or stopping */
    uv_async_t async; /* work was done, or the thread has ended */
    struct store *store;

    struct job ring[STORE_QUEUE_MAX];
    uint64_t done_to, ran_to, filled_to;
    uint64_t busy_since; /* uv_hrtime() when the running job began; 0 idle */
    bool stopping;
    bool ended; /* the store is closed and the thread is leaving */

    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- the store's thread --------------------------------------------------- */

enum next { NEXT_JOB, NEXT_MEANWHILE, NEXT_END };

/* Waits for the next job; NEXT_END when there is none left and no more will come.  With something to do in the
 * meantime it waits for a moment only. */
static enum next next_job(struct store_worker *w, bool something, struct job *out)
{
    bool waited = false;
    enum next next;

    uv_mutex_lock(&w->mutex);
    while (w->ran_to == w->filled_to && !w->stopping && !waited) {
        if (something)
            waited = uv_cond_timedwait(&w->wake, &w->mutex, MEANWHILE_NS) == UV_ETIMEDOUT;
        else
            uv_cond_wait(&w->wake, &w->mutex);
    }
    next = w->stopping ? NEXT_END : NEXT_MEANWHILE;
    if (w->ran_to < w->filled_to) {
        next = NEXT_JOB;
        *out = w->ring[w->ran_to % STORE_QUEUE_MAX];
        w->busy_since = uv_hrtime();
    }
    uv_mutex_unlock(&w->mutex);
    return next;
}

/* Between the jobs: what the store was opened without looking at.  Damage is told to whoever asks the store next. */
static bool look_on(struct store_worker *w)
{
    struct err e;
    bool more;

    if (store_recount(w->store, &more, &e) != 0)
        log_event(LOG_WARN, "store.failed", LOG_S("problem", e.text), LOG_S("code", err_name(e.code)));
    return more;
}

static void job_ran(struct store_worker *w)
{
    uv_mutex_lock(&w->mutex);
    w->ran_to++;
    w->busy_since = 0;
    assert(w->ran_to <= w->filled_to);
    uv_mutex_unlock(&w->mutex);
    uv_async_send(&w->async);
}

static void run(void *arg)
{
    struct store_worker *w = arg;
    enum next next;
    bool more = true;
    struct job job;

    while ((next = next_job(w, more, &job)) != NEXT_END) {
        if (next == NEXT_MEANWHILE) {
            more = look_on(w);
            continue;
        }
        job.work(w->store, job.arg);
        job_ran(w);
    }
    store_close(w->store);
    uv_mutex_lock(&w->mutex);
    w->ended = true;
    uv_mutex_unlock(&w->mutex);
    /* The loop waits for this thread before it frees w. */
    uv_async_send(&w->async);
}

/* ---- the loop's thread ---------------------------------------------------- */

static void closed(uv_handle_t *handle)
{
    struct store_worker *w = handle->data;
    void (*stopped)(void *arg) = w->stopped;
    void *arg = w->stopped_arg;

    uv_cond_destroy(&w->wake);
    uv_mutex_destroy(&w->mutex);
    free(w);
    if (stopped != NULL)
        stopped(arg);
}

/* Takes one finished job out of the ring. */
static bool take_done(struct store_worker *w, uint64_t until, struct job *out)
{
    bool there;

    uv_mutex_lock(&w->mutex);
    there = w->done_to < until;
    if (there)
        *out = w->ring[w->done_to++ % STORE_QUEUE_MAX];
    uv_mutex_unlock(&w->mutex);
    return there;
}

static void on_async(uv_async_t *async)
{
    struct store_worker *w = async->data;
    uint64_t until;
    bool ended;
    struct job job;

    uv_mutex_lock(&w->mutex);
    until = w->ran_to;
    ended = w->ended;
    uv_mutex_unlock(&w->mutex);
    /* What finishes meanwhile has sent another signal. */
    while (take_done(w, until, &job))
        if (job.done != NULL)
            job.done(job.arg);
    if (!ended)
        return;
    assert(w->done_to == w->filled_to && !uv_is_closing((uv_handle_t *)&w->async));
    uv_thread_join(&w->thread);
    uv_close((uv_handle_t *)&w->async, closed);
}

int store_worker_start(struct store_worker **out, uv_loop_t *loop, struct store *store, struct err *e)
{
    struct store_worker *w = calloc(1, sizeof *w);
    int rc;

    *out = NULL;
    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the store's thread");
    w->store = store;
    /* These ask for nothing, on any system: the loop has what wakes it already. */
    rc = uv_mutex_init(&w->mutex);
    assert(rc == 0);
    rc = uv_cond_init(&w->wake);
    assert(rc == 0);
    w->async.data = w;
    rc = uv_async_init(loop, &w->async, on_async);
    assert(rc == 0);
    rc = uv_thread_create(&w->thread, run, w);
    if (rc == 0) {
        *out = w;
        return 0;
    }
    uv_close((uv_handle_t *)&w->async, closed);
    return err_set(e, ERR_MEMORY, "cannot start the store's thread: %s", uv_strerror(rc));
}

int store_worker_submit(struct store_worker *w, void (*work)(struct store *s, void *arg), void (*done)(void *arg),
                        void *arg, struct err *e)
{
    int rc = 0;

    assert(work != NULL);
    uv_mutex_lock(&w->mutex);
    if (w->stopping) {
        rc = err_set(e, ERR_STATE, "the store is being closed");
    } else if (w->filled_to - w->done_to == STORE_QUEUE_MAX) {
        rc = err_set(e, ERR_BUSY, "%d jobs are waiting for the store already", STORE_QUEUE_MAX);
    } else {
        w->ring[w->filled_to++ % STORE_QUEUE_MAX] = (struct job){ .work = work, .done = done, .arg = arg };
        uv_cond_signal(&w->wake);
    }
    uv_mutex_unlock(&w->mutex);
    return rc;
}

int store_worker_depth(const struct store_worker *w)
{
    /* Both places are the loop's: nobody else writes them. */
    return (int)(w->filled_to - w->done_to);
}

int64_t store_worker_busy_ns(struct store_worker *w)
{
    uint64_t since;

    uv_mutex_lock(&w->mutex);
    since = w->busy_since;
    uv_mutex_unlock(&w->mutex);
    return since != 0 ? (int64_t)(uv_hrtime() - since) : 0;
}

void store_worker_stop(struct store_worker *w, void (*stopped)(void *arg), void *arg)
{
    uv_mutex_lock(&w->mutex);
    assert(!w->stopping);
    w->stopping = true;
    w->stopped = stopped;
    w->stopped_arg = arg;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->mutex);
}
