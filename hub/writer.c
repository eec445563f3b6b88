/* See writer.h. */
#include "hub/writer.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_incidents.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    GROUP_MAX = 64,          /* requests in one transaction */
    COMMITS_PER_UPKEEP = 32, /* under load upkeep gets its turn this often */
    IDLE_MS = 1000,
};

#define PROBE_AFTER_NS   (60 * NS_PER_S) /* an older success is no evidence */
#define RETRY_PROBE_NS   (5 * NS_PER_S)
#define UPKEEP_PERIOD_NS (15 * NS_PER_S) /* what is known of a crash is there within a minute */

struct writer {
    struct writer_options o;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;

    /* under the lock */
    struct writer_job *first, **last;
    int reserved;
    size_t reserved_bytes;
    bool stopping;
    bool probe_wanted;
    bool well;
    int64_t last_try, last_success; /* monotonic */
    char problem[ERR_TEXT_MAX];

    /* the thread's own */
    int64_t next_upkeep;
    int commits_since_upkeep;
};

static int64_t now(const struct writer *w)
{
    return w->o.clock->monotonic_ns(w->o.clock);
}

/* ---- places ------------------------------------------------------------------------- */

bool writer_full(struct writer *w)
{
    bool full;

    pthread_mutex_lock(&w->lock);
    full = w->stopping || w->reserved >= w->o.jobs_max || w->reserved_bytes >= w->o.bytes_max;
    pthread_mutex_unlock(&w->lock);
    return full;
}

static int percent_of(size_t part, size_t whole)
{
    return (int)((part * (uint64_t)100 + whole - 1) / whole);
}

int writer_load(struct writer *w)
{
    int places, bytes;

    pthread_mutex_lock(&w->lock);
    places = percent_of((size_t)w->reserved, (size_t)w->o.jobs_max);
    bytes = percent_of(w->reserved_bytes, w->o.bytes_max);
    pthread_mutex_unlock(&w->lock);
    return places > bytes ? places : bytes;
}

bool writer_reserve(struct writer *w, size_t bytes)
{
    bool ok;

    pthread_mutex_lock(&w->lock);
    ok = !w->stopping && w->reserved < w->o.jobs_max &&
         (w->reserved == 0 || bytes <= w->o.bytes_max - w->reserved_bytes);
    if (ok) {
        w->reserved++;
        w->reserved_bytes += bytes < w->o.bytes_max ? bytes : w->o.bytes_max;
        w->o.counters->queue++;
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

static void release_locked(struct writer *w, size_t bytes)
{
    size_t counted = bytes < w->o.bytes_max ? bytes : w->o.bytes_max;

    assert(w->reserved > 0 && w->reserved_bytes >= counted);
    w->reserved--;
    w->reserved_bytes -= counted;
    w->o.counters->queue--;
}

void writer_release(struct writer *w, size_t bytes)
{
    pthread_mutex_lock(&w->lock);
    release_locked(w, bytes);
    pthread_mutex_unlock(&w->lock);
}

void writer_submit(struct writer *w, struct writer_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&w->lock);
    assert(w->reserved > 0);
    *w->last = job;
    w->last = &job->next;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* ---- health --------------------------------------------------------------------------- */

static void note_result(struct writer *w, int rc, const struct err *e)
{
    bool was_well;

    pthread_mutex_lock(&w->lock);
    was_well = w->well;
    w->well = rc == 0;
    w->last_try = now(w);
    if (rc == 0)
        w->last_success = w->last_try;
    text_copy(w->problem, sizeof w->problem, rc == 0 ? "" : e->text);
    pthread_mutex_unlock(&w->lock);
    if (rc == 0)
        w->o.counters->last_commit_ns = w->o.clock->wall_ns(w->o.clock);
    if (was_well && rc != 0)
        log_event(LOG_ERROR, "store.failing", LOG_S("error", err_name((enum err_code)rc)), LOG_S("problem", e->text));
    else if (!was_well && rc == 0)
        log_event(LOG_INFO, "store.well");
}

bool writer_ready(struct writer *w, char *reason, size_t size)
{
    bool ready;

    pthread_mutex_lock(&w->lock);
    ready = w->well && !w->stopping;
    text_copy(reason, size, w->stopping ? "stopping" : w->problem);
    if (now(w) - w->last_success > PROBE_AFTER_NS) {
        w->probe_wanted = true;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return ready;
}

static bool probe_due(struct writer *w)
{
    bool due;

    pthread_mutex_lock(&w->lock);
    due = w->probe_wanted || (!w->well && now(w) - w->last_try > RETRY_PROBE_NS);
    w->probe_wanted = false;
    pthread_mutex_unlock(&w->lock);
    return due;
}

static void probe(struct writer *w)
{
    struct err e = { 0 };
    int rc = fleet_store_probe(w->o.store, &e);

    note_result(w, rc, &e);
}

/* ---- committing --------------------------------------------------------------------------- */

static void count_result(struct writer *w, const struct writer_job *job)
{
    w->o.counters->records += job->batch.stored;
    w->o.counters->duplicates += job->batch.duplicates;
    w->o.counters->foreign += job->batch.foreign;
    w->o.counters->missing += job->batch.missing;
}

static int apply(struct writer *w, struct fleet_batch *batches, size_t count, struct err *e)
{
    int64_t start = now(w);
    int rc = fleet_store_apply(w->o.store, batches, count, e);

    counters_commit(w->o.counters, now(w) - start, rc == 0);
    return rc;
}

/* Was it the content, not the disk? */
static bool content_failure(int rc)
{
    return rc == ERR_TOO_BIG || rc == ERR_INVALID || rc == ERR_REFUSED || rc == ERR_MEMORY;
}

static void answer(struct writer *w, struct writer_job *job)
{
    size_t bytes = job->bytes;

    if (job->rc == 0)
        count_result(w, job);
    pthread_mutex_lock(&w->lock);
    release_locked(w, bytes);
    pthread_mutex_unlock(&w->lock);
    job->done(job);
}

static struct fleet_batch batch_of(struct writer_job *job)
{
    return (struct fleet_batch){
        .request = &job->request,
        .credential = job->credential,
        .streams_max = job->streams_max,
        .ahead = job->ahead,
        .speaker = job->speaker,
    };
}

static void commit_alone(struct writer *w, struct writer_job *job)
{
    job->batch = batch_of(job);
    job->rc = apply(w, &job->batch, 1, &job->err);
    if (!content_failure(job->rc))
        note_result(w, job->rc, &job->err);
}

static void commit_group(struct writer *w, struct writer_job **jobs, size_t count)
{
    struct fleet_batch batches[GROUP_MAX];
    struct err e = { 0 };
    int rc;

    for (size_t i = 0; i < count; i++)
        batches[i] = batch_of(jobs[i]);
    rc = apply(w, batches, count, &e);
    if (!content_failure(rc))
        note_result(w, rc, &e);
    for (size_t i = 0; i < count; i++) {
        jobs[i]->rc = rc;
        jobs[i]->err = e;
        jobs[i]->batch = batches[i];
        if (content_failure(rc) && count > 1)
            commit_alone(w, jobs[i]);
        answer(w, jobs[i]);
    }
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void wait_a_while(struct writer *w)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_MS / 1000;
    pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

/* Takes what waits; with nothing there waits for a while when told to.  False when it is time to end. */
static bool take_jobs(struct writer *w, struct writer_job **jobs, size_t *count, bool patient)
{
    bool on;

    pthread_mutex_lock(&w->lock);
    if (patient && w->first == NULL && !w->stopping && !w->probe_wanted)
        wait_a_while(w);
    for (*count = 0; *count < GROUP_MAX && w->first != NULL; (*count)++) {
        jobs[*count] = w->first;
        w->first = w->first->next;
    }
    if (w->first == NULL)
        w->last = &w->first;
    on = *count > 0 || !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return on;
}

static void count_incidents(struct writer *w)
{
    struct fleet_incident_counts counts;

    fleet_incident_counts(w->o.store, &counts);
    w->o.counters->incidents = counts.made;
    w->o.counters->incidents_computed = counts.computed;
    w->o.counters->incidents_failed = counts.failed;
}

/* One slice; true when there is more to do at once. */
static bool upkeep(struct writer *w)
{
    struct err e = { 0 };
    bool more = false;
    int rc;

    if (now(w) < w->next_upkeep)
        return false;
    rc = fleet_store_upkeep(w->o.store, &more, &e);
    count_incidents(w);
    w->commits_since_upkeep = 0;
    if (rc != 0) {
        note_result(w, rc, &e);
        more = false;
    }
    if (!more)
        w->next_upkeep = now(w) + UPKEEP_PERIOD_NS;
    return more;
}

static void *writer_main(void *arg)
{
    struct writer *w = (struct writer *)arg;
    struct writer_job *jobs[GROUP_MAX];
    bool more = true;
    size_t count;

    while (take_jobs(w, jobs, &count, !more)) {
        if (count > 0) {
            commit_group(w, jobs, count);
            w->next_upkeep = w->next_upkeep < now(w) + NS_PER_S ? w->next_upkeep : now(w) + NS_PER_S;
            w->commits_since_upkeep++;
            if (w->commits_since_upkeep < COMMITS_PER_UPKEEP)
                continue;
        }
        if (probe_due(w))
            probe(w);
        more = upkeep(w);
    }
    return NULL;
}

int writer_start(struct writer **out, const struct writer_options *options, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;
    int rc;

    assert(options->jobs_max > 0 && options->bytes_max > 0);
    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    w->o = *options;
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    w->well = true;
    probe(w);
    rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return err_errno(e, rc, "cannot start the writer");
    }
    *out = w;
    return 0;
}

void writer_stop(struct writer *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    assert(w->reserved == 0 && w->first == NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
