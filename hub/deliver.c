/* See deliver.h. */
#include "hub/deliver.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_lease.h"
#include "hub/deliver_look.h"
#include "hub/deliver_plan.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_EVERY (30 * NS_PER_S)
#define FORGET_EVERY   (600 * NS_PER_S)

/* A job that the target has taken, while the store has not yet: it must only be written down, not sent again. */
struct taken {
    char job[DELIVERY_ID_MAX];
    char fingerprint[DELIVERY_ID_MAX];
    bool quiet; /* there was nothing to send */
};

struct deliver {
    struct deliver_setup setup;
    struct hub_delivery_config config;
    int64_t host_silent_ns;
    struct drift_floors floors;
    struct deliver_plan plans[DELIVERIES_MAX];
    struct taken taken[DELIVERIES_MAX]; /* by the place of the plan */
    struct deliver_lease lease;
    int64_t findings_at, forget_at; /* monotonic: the next time */
    bool findings_now;

    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool stopping;
};

static int64_t wall(const struct deliver *d)
{
    return d->setup.clock->wall_ns(d->setup.clock);
}

static int64_t monotonic(const struct deliver *d)
{
    return d->setup.clock->monotonic_ns(d->setup.clock);
}

static void complain(const char *event, const char *name, const struct err *e)
{
    log_event(LOG_WARN, event, LOG_S("delivery", name), LOG_S("problem", e->text));
}

/* While a transfer is under way. */
static void alive(void *arg)
{
    deliver_lease_beat(&((struct deliver *)arg)->lease);
}

static bool lost(struct deliver *d, int rc)
{
    return deliver_lease_lost(&d->lease, rc);
}

static int save(struct deliver *d, const struct fleet_delivery *row, enum fleet_found_move move)
{
    struct err e = { 0 };
    int rc = fleet_delivery_save(d->setup.store, d->lease.owner, row, move, &e);

    if (rc == 0)
        deliver_lease_written(&d->lease);
    else if (!lost(d, rc))
        complain("deliver.store_failed", row->name, &e);
    return rc;
}

/* ---- a try --------------------------------------------------------------------------------- */

static void fingerprint_of(const struct content *c, char out[DELIVERY_ID_MAX])
{
    snprintf(out, DELIVERY_ID_MAX, "%016" PRIx64, c->fingerprint);
}

static bool is_unchanged(const struct hub_delivery *d, const struct content *c, const struct fleet_delivery *row)
{
    char now[DELIVERY_ID_MAX];

    if (!d->quiet || c->kind != JOB_SCHEDULED)
        return false;
    if (d->what == DELIVER_INCIDENTS && c->item_total == 0)
        return true; /* no crash: nothing is new */
    fingerprint_of(c, now);
    return strcmp(now, row->fingerprint) == 0;
}

static void log_failure(const struct fleet_delivery *row, const char *job, bool over)
{
    char time[TIMES_TEXT_MAX];

    log_event(over ? LOG_ERROR : LOG_WARN, over ? "deliver.given_up" : "deliver.failed", LOG_S("delivery", row->name),
              LOG_S("id", job), LOG_S("problem", row->last_error),
              LOG_S("next_try", over ? NULL : times_format(row->next_try / NS_PER_S * NS_PER_S, time)));
}

static void failed(struct deliver *d, const struct deliver_plan *p, const struct deliver_result *result,
                   struct fleet_delivery *row)
{
    char job[DELIVERY_ID_MAX];
    bool found = row->job_kind == JOB_FOUND, over;

    memcpy(job, row->job, sizeof job);
    d->setup.counters->deliveries_failed++;
    over = deliver_plan_failed(p, wall(d), result, row);
    if (over)
        d->setup.counters->deliveries_given_up++;
    log_failure(row, job, over);
    (void)!save(d, row, over && found ? FOUND_BACK : FOUND_STAYS);
}

/* Writes down that the job is done.  When that fails it is tried again, and nothing is sent for it meanwhile. */
static void note_taken(struct deliver *d, const struct taken *taken, struct fleet_delivery *row)
{
    struct fleet_delivery job = *row;
    bool found = row->job_kind == JOB_FOUND;

    if (!found)
        text_copy(row->fingerprint, sizeof row->fingerprint, taken->fingerprint);
    deliver_plan_sent(wall(d), taken->quiet, row);
    if (save(d, row, found ? FOUND_DONE : FOUND_STAYS) == 0)
        log_event(LOG_INFO, taken->quiet ? "deliver.unchanged" : "deliver.sent", LOG_S("delivery", job.name),
                  LOG_S("id", job.job), LOG_I("tries", job.tries));
    else
        log_event(LOG_WARN, "deliver.sent_not_noted", LOG_S("delivery", job.name), LOG_S("id", job.job));
}

static void sent(struct deliver *d, const struct deliver_plan *p, const struct content *c, bool quiet,
                 struct fleet_delivery *row)
{
    struct taken *taken = &d->taken[p - d->plans];

    if (!quiet)
        d->setup.counters->deliveries_sent++;
    text_copy(taken->job, sizeof taken->job, row->job);
    fingerprint_of(c, taken->fingerprint);
    taken->quiet = quiet;
    note_taken(d, taken, row);
}

static void send_content(struct deliver *d, const struct deliver_plan *p, const struct content *c,
                         struct fleet_delivery *row)
{
    struct deliver_options o = { d->config.timeout_ns, &d->stopping, alive, d };
    struct deliver_result result = { .outcome = DELIVER_RETRY };
    int64_t tries = row->tries;

    if (is_unchanged(p->delivery, c, row)) {
        sent(d, p, c, true, row);
        return;
    }
    deliver_plan_try(p, wall(d), row);
    if (save(d, row, FOUND_STAYS) != 0)
        return;
    d->setup.send(c, &o, &result);
    if (result.outcome == DELIVER_SENT) {
        sent(d, p, c, false, row);
    } else if (atomic_load(&d->stopping)) {
        row->tries = tries; /* broken off by us: the next start tries at once */
        row->next_try = wall(d);
        (void)!save(d, row, FOUND_STAYS);
    } else {
        failed(d, p, &result, row);
    }
}

static void try_job(struct deliver *d, const struct deliver_plan *p, struct fleet_delivery *row)
{
    struct content_source from = {
        .store = d->setup.store,
        .config = &d->config,
        .host_silent_ns = d->host_silent_ns,
        .floors = d->floors,
        .now_ns = wall(d),
        .since_ns = deliver_plan_since(p, row),
    };
    struct deliver_result result;
    const struct taken *taken = &d->taken[p - d->plans];
    struct content *c;
    struct err e = { 0 };

    if (strcmp(row->job, taken->job) == 0) {
        note_taken(d, taken, row);
        return;
    }
    if (content_make(&c, &from, p->delivery, row, false, &e) == 0) {
        send_content(d, p, c, row);
        content_free(c);
        return;
    }
    deliver_failed(&result, DELIVER_RETRY, "%s", e.text);
    deliver_plan_try(p, wall(d), row);
    failed(d, p, &result, row);
}

/* ---- one delivery ------------------------------------------------------------------------------ */

static struct deliver_look look_of(struct deliver *d, const struct deliver_plan *p)
{
    return (struct deliver_look){
        .store = d->setup.store,
        .owner = d->lease.owner,
        .delivery = p->delivery,
        .now_ns = wall(d),
        .host_silent_ns = d->host_silent_ns,
        .findings = d->findings_now,
    };
}

/* Never seen before: what is there now is not new. */
static void begin(struct deliver *d, const struct deliver_plan *p)
{
    struct deliver_look look = look_of(d, p);
    struct fleet_delivery row;
    struct err e = { 0 };
    int rc;

    look.first = true;
    deliver_plan_begin(p, look.now_ns, &row);
    rc = deliver_look(&look, &row, &e);
    if (rc == 0)
        (void)!save(d, &row, FOUND_STAYS);
    else if (!lost(d, rc))
        complain("deliver.look_failed", p->delivery->name, &e);
}

/* False when there was nothing to see, or no seeing. */
static bool look(struct deliver *d, const struct deliver_plan *p, struct fleet_delivery *row)
{
    struct deliver_look look = look_of(d, p);
    struct fleet_delivery before = *row;
    struct err e = { 0 };
    int rc;

    if (p->delivery->events == 0 && row->incidents == 0)
        return false;
    rc = deliver_look(&look, row, &e);
    if (rc == 0 && d->findings_now && monotonic(d) >= d->forget_at)
        rc = deliver_forget(&look, row, &e);
    if (rc != 0) {
        if (!lost(d, rc))
            complain("deliver.look_failed", row->name, &e);
        return false;
    }
    if (row->found == before.found && row->cursor == before.cursor && row->incidents == before.incidents)
        return true;
    return save(d, row, FOUND_STAYS) == 0;
}

/* What was found may be solved by now; then there is nothing to tell. */
static void found_job(struct deliver *d, const struct deliver_plan *p, struct fleet_delivery *row)
{
    struct deliver_look look = look_of(d, p);
    struct err e = { 0 };
    int64_t waiting = 0;

    if (deliver_waiting(&look, &waiting, &e) != 0) {
        complain("deliver.look_failed", row->name, &e);
    } else if (waiting == 0) {
        row->found = 0;
        (void)!save(d, row, FOUND_STAYS);
    } else {
        deliver_plan_job(p, JOB_FOUND, wall(d), row);
        if (save(d, row, FOUND_INTO_JOB) == 0)
            try_job(d, p, row);
    }
}

static void do_step(struct deliver *d, const struct deliver_plan *p, enum deliver_step step, struct fleet_delivery *row)
{
    switch (step) {
    case STEP_TRY:
        try_job(d, p, row);
        break;
    case STEP_SCHEDULED:
        deliver_plan_job(p, JOB_SCHEDULED, wall(d), row);
        if (save(d, row, FOUND_STAYS) == 0)
            try_job(d, p, row);
        break;
    case STEP_FOUND:
        found_job(d, p, row);
        break;
    case STEP_NOTHING:
    case STEP_WAIT:
        break;
    }
}

/* While there is a job nothing is looked for: what is in it stays as it is. */
static void step(struct deliver *d, const struct deliver_plan *p)
{
    struct fleet_delivery row;
    struct err e = { 0 };
    int rc = fleet_delivery_get(d->setup.store, p->delivery->name, &row, &e);
    enum deliver_step next;

    if (rc == ERR_NOT_FOUND) {
        begin(d, p);
        return;
    }
    if (rc != 0) {
        complain("deliver.store_failed", p->delivery->name, &e);
        return;
    }
    if (deliver_plan_adopt(p, wall(d), &row) && save(d, &row, FOUND_STAYS) != 0)
        return;
    next = deliver_plan_next(p, wall(d), &row);
    if (next == STEP_NOTHING && look(d, p, &row))
        next = deliver_plan_next(p, wall(d), &row);
    do_step(d, p, next, &row);
}

void deliver_tick(struct deliver *d)
{
    int64_t every = 3 * d->config.look_ns < FINDINGS_EVERY ? 3 * d->config.look_ns : FINDINGS_EVERY;

    if (!d->lease.mine)
        deliver_lease_watch(&d->lease);
    deliver_lease_beat(&d->lease);
    d->findings_now = monotonic(d) >= d->findings_at;
    for (int i = 0; i < d->config.count && d->lease.mine && !atomic_load(&d->stopping); i++) {
        step(d, &d->plans[i]);
        deliver_lease_beat(&d->lease);
    }
    if (!d->lease.mine || !d->findings_now)
        return;
    d->findings_at = monotonic(d) + every;
    if (monotonic(d) >= d->forget_at)
        d->forget_at = monotonic(d) + FORGET_EVERY;
}

void deliver_rest(struct deliver *d)
{
    deliver_lease_release(&d->lease);
}

/* ---- making one ----------------------------------------------------------------------------------- */

int deliver_new(struct deliver **out, const struct deliver_setup *setup, struct err *e)
{
    struct deliver *d = calloc(1, sizeof *d);
    pthread_condattr_t attr;
    int rc = 0;

    if (d == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    d->setup = *setup;
    d->config = setup->config->delivery;
    d->host_silent_ns = setup->config->host_silent_ns;
    d->floors = setup->config->floors;
    d->setup.config = NULL;
    deliver_lease_init(&d->lease, setup->store, setup->clock, setup->random, d->config.takeover_ns);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; rc == 0 && i < d->config.count; i++)
        rc = deliver_plan_init(&d->plans[i], &d->config, &d->config.list[i], d->setup.random, e);
    if (rc != 0)
        deliver_free(d);
    else
        *out = d;
    return rc;
}

void deliver_free(struct deliver *d)
{
    for (int i = 0; i < d->config.count; i++)
        deliver_plan_free(&d->plans[i]);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- the thread -------------------------------------------------------------------------------------- */

static void pause_until_next(struct deliver *d)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += d->config.look_ns / NS_PER_S;
    until.tv_nsec += d->config.look_ns % NS_PER_S;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_PER_S;
    }
    pthread_mutex_lock(&d->lock);
    while (!atomic_load(&d->stopping) && pthread_cond_timedwait(&d->wake, &d->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&d->lock);
}

static void *run(void *arg)
{
    struct deliver *d = arg;

    while (!atomic_load(&d->stopping)) {
        deliver_tick(d);
        pause_until_next(d);
    }
    deliver_rest(d);
    return NULL;
}

int deliver_start(struct deliver **out, const struct deliver_setup *setup, struct err *e)
{
    struct deliver *d;
    int rc = deliver_new(&d, setup, e);

    if (rc != 0)
        return rc;
    rc = pthread_create(&d->thread, NULL, run, d);
    if (rc != 0) {
        deliver_free(d);
        return err_errno(e, rc, "cannot start the delivery thread");
    }
    d->has_thread = true;
    *out = d;
    return 0;
}

void deliver_stop(struct deliver *d)
{
    if (d == NULL)
        return;
    assert(d->has_thread);
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->stopping, true);
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    deliver_free(d);
}
