/* See source_group.h. */
#include "agent/group_parts.h"
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far apart the guests are asked about when events tell of new ones. */
#define ASK_APART_NS (30 * NS_PER_S)

enum { GROUP_DRIVERS_MAX = 1024, GROUP_REOPEN_MS = 10 * 1000, LIVE_RESCAN_MS = 60 * 1000 };

static void on_group_timer(uv_timer_t *timer);
static void on_channel_signal(void *arg);

/* ---- opening ---- */

static bool same_triage(const struct dumps_triage_options *a, const struct dumps_triage_options *b)
{
    return a->on == b->on && a->deadline_ns == b->deadline_ns && a->read_max == b->read_max;
}

static bool same_dumps(const struct dumps_options *x, const struct dumps_options *y)
{
    return x->depth_max == y->depth_max && x->rescan_ns == y->rescan_ns && x->files_max == y->files_max &&
           x->give_up_ns == y->give_up_ns;
}

static bool same_privacy(const struct agent_config_privacy *a, const struct agent_config_privacy *b)
{
    return strcmp(a->keep, b->keep) == 0 && strcmp(a->hash, b->hash) == 0 &&
           strcmp(a->hash_key_file, b->hash_key_file) == 0;
}

/* Only what the kind of group makes use of. */
bool group_same_options(enum group_kind kind, const struct group_options *a, const struct group_options *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return false;
    if (kind == GROUP_LIVE)
        return a->interval_ns == b->interval_ns && a->refresh_ns == b->refresh_ns &&
               a->setup_interval_ns == b->setup_interval_ns && a->setup_disks == b->setup_disks &&
               a->facts_number == b->facts_number && same_privacy(&a->privacy, &b->privacy);
    if (a->dumps.settle_ns != b->dumps.settle_ns || !same_triage(&a->dumps.triage, &b->dumps.triage))
        return false;
    if (kind == GROUP_BUNDLE)
        return a->poll_ns == b->poll_ns && a->refresh_ns == b->refresh_ns && same_privacy(&a->privacy, &b->privacy);
    return same_dumps(&a->dumps, &b->dumps);
}

static int open_bundle(struct group *g, struct err *e)
{
    struct bundle_options options = { .files = g->context->files,
                                      .clock = g->context->clock,
                                      .poll_ns = g->options.poll_ns,
                                      .refresh_ns = g->options.refresh_ns,
                                      .dump_settle_ns = g->options.dumps.settle_ns,
                                      .privacy = &g->options.privacy,
                                      .triage = g->options.dumps.triage };

    options.triage.turn = &g->context->dump_turn;

    return bundle_open(g->dir, &options, &g->bundle, e);
}

static int open_dumps(struct group *g, struct err *e)
{
    struct dumps_options options = g->options.dumps;

    options.dir = g->dir;
    options.triage.turn = &g->context->dump_turn;
    return dumps_source_new(g->name, g->context->files, g->context->clock, &options, &g->source, e);
}

static int open_live(struct group *g, struct err *e)
{
    struct live_options options = { .clock = g->context->clock,
                                    .facts = &g->facts,
                                    .kvp_interval_ns = g->options.interval_ns,
                                    .kvp_refresh_ns = g->options.refresh_ns,
                                    .setup_interval_ns = g->options.setup_interval_ns,
                                    .privacy = &g->options.privacy,
                                    .files = g->context->files,
                                    .disks = g->options.setup_disks ? g->context->files : NULL,
                                    .wake = on_channel_signal,
                                    .arg = g };

    return live_open(&options, &g->live, e);
}

int group_open(struct group *g, struct err *e)
{
    return g->kind == GROUP_BUNDLE ? open_bundle(g, e) : g->kind == GROUP_LIVE ? open_live(g, e) : open_dumps(g, e);
}

static void close_group_data(struct group *g)
{
    if (g->bundle != NULL)
        bundle_close(g->bundle);
    if (g->live != NULL)
        live_close(g->live);
    if (g->source != NULL && g->kind == GROUP_DUMPS)
        source_close(g->source);
    g->bundle = NULL;
    g->live = NULL;
    g->source = NULL;
}

struct group *group_new(struct group_context *context, enum group_kind kind, const char *dir,
                        const struct group_options *options)
{
    struct group *g = calloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    g->context = context;
    g->kind = kind;
    g->options = *options;
    g->facts = context->facts;
    g->since_ns = context->clock->monotonic_ns(context->clock);
    text_copy(g->dir, sizeof g->dir, dir);
    snprintf(g->name, sizeof g->name, kind == GROUP_DUMPS ? "dumps:%.500s" : "%.500s", dir);
    return g;
}

/* Any thread. */
static void on_channel_signal(void *arg)
{
    struct group *g = arg;

    uv_async_send(&g->wake);
}

/* While a worker thread has the group's sources, what was signalled waits for
 * the end of its job. */
static void on_wake(uv_async_t *handle)
{
    struct group *g = handle->data;

    if (g->working || g->state != GROUP_RUNNING)
        return;
    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        if (seat->driver != NULL && live_signalled(g->live, seat->index))
            source_driver_nudge(seat->driver, false);
}

/* A channel told of a guest that has started or arrived: WMI is asked before its interval is over. */
static void on_guest_came(void *arg, int64_t event_ns)
{
    struct group *g = arg;

    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        if (seat->driver != NULL && seat->asks)
            source_driver_hurry(seat->driver, event_ns, ASK_APART_NS);
}

static void on_cluster_event(void *arg)
{
    struct group *g = arg;

    g->context->cluster_event(g->context->arg);
}

void group_attach(struct group *g)
{
    uv_timer_init(g->context->env.loop, &g->timer);
    g->timer.data = g->work.data = g->wake.data = g;
    if (g->kind == GROUP_LIVE) {
        int rc = uv_async_init(g->context->env.loop, &g->wake, on_wake);

        assert(rc == 0);
        (void)rc;
    }
}

/* ---- driving ---- */

static size_t source_count(const struct group *g)
{
    if (g->kind == GROUP_BUNDLE)
        return bundle_source_count(g->bundle);
    if (g->kind == GROUP_LIVE)
        return live_count(g->live);
    return 1;
}

static struct source *source_at(struct group *g, size_t i)
{
    return g->kind == GROUP_BUNDLE ? bundle_source(g->bundle, i)
           : g->kind == GROUP_LIVE ? live_source(g->live, i)
                                   : g->source;
}

/* An event log that is quiet proves nothing; a look through a folder, or a
 * poll that was answered, does. */
static bool look_is_life(const struct group *g, const struct source *source)
{
    if (g->kind == GROUP_LIVE)
        return live_look_is_life(g->live, g->seat_count);
    return g->kind == GROUP_DUMPS || (g->kind == GROUP_BUNDLE && strstr(source->name, "/events/") == NULL);
}

static struct step_gate *gate_of(struct group *g)
{
    if (g->kind == GROUP_EXTRA)
        return NULL;
    return g->kind == GROUP_DUMPS ? &g->context->dump_gate : &g->context->bundle_gate;
}

/* By a driver of another group.  Only seats are looked at: another group's
 * bundle may be in the hands of a worker thread. */
static bool name_taken(const struct group *g, const char *name)
{
    for (const struct group *other = g->context->groups; other != NULL; other = other->next)
        for (const struct seat *seat = other->seats; other != g && seat != NULL; seat = seat->next)
            if (seat->driver != NULL && strcmp(seat->name, name) == 0)
                return true;
    return false;
}

const char *group_clash(struct group *g, struct group *other)
{
    for (size_t i = 0; i < source_count(g); i++)
        for (size_t k = 0; k < source_count(other); k++)
            if (strcmp(source_at(g, i)->name, source_at(other, k)->name) == 0)
                return source_at(g, i)->name;
    return NULL;
}

/* A dump folder's step has the time to read one dump besides. */
static int64_t step_deadline(const struct group *g)
{
    const struct dumps_triage_options *triage = &g->options.dumps.triage;

    return g->options.deadline_ns + (g->kind == GROUP_DUMPS && triage->on ? triage->deadline_ns : 0);
}

/* A driver for the next source; false when there is no memory for one. */
static bool seat_next(struct group *g)
{
    struct source *source = source_at(g, g->seat_count);
    struct driver_options options = { .source = source,
                                      .gate = gate_of(g),
                                      .deadline_ns = step_deadline(g),
                                      .look_is_life = look_is_life(g, source),
                                      .may_be_absent = g->options.may_be_absent };
    struct seat *seat = calloc(1, sizeof *seat);

    if (g->kind == GROUP_LIVE && !options.look_is_life) {
        options.guest_came = on_guest_came;
        options.cluster_event = on_cluster_event;
        options.came_arg = g;
    }
    if (name_taken(g, source->name)) {
        log_event(LOG_WARN, "source.name_taken", LOG_S("source", source->name), LOG_S("bundle", g->dir),
                  LOG_S("remedy", "put the captures of one host into one bundle"));
        g->seat_count++;
        free(seat);
        return true;
    }
    if (seat == NULL || source_driver_start(&seat->driver, &g->context->env, &options, NULL) != 0) {
        free(seat);
        return false;
    }
    seat->group = g;
    seat->name = source->name;
    seat->index = g->seat_count;
    seat->asks = g->kind == GROUP_LIVE && live_asks_guests(g->live, g->seat_count);
    seat->next = g->seats;
    g->seats = seat;
    g->seat_count++;
    g->alive++;
    return true;
}

/* Starts drivers for the sources that have none yet. */
static void drive(struct group *g)
{
    while (g->seat_count < source_count(g) && g->seat_count < GROUP_DRIVERS_MAX)
        if (!seat_next(g))
            return;
}

void group_run(struct group *g)
{
    g->state = GROUP_RUNNING;
    g->rc = 0;
    drive(g);
    if (g->kind == GROUP_BUNDLE && !group_watch_begin(g))
        uv_timer_start(&g->timer, on_group_timer, (uint64_t)(g->options.poll_ns / NS_PER_MS), 0);
    if (g->kind == GROUP_LIVE) {
        uv_timer_start(&g->timer, on_group_timer, LIVE_RESCAN_MS, 0);
        uv_async_send(&g->wake); /* what was signalled in the meantime */
    }
}

/* ---- worker jobs of a group ---- */

static void open_work(uv_work_t *work)
{
    struct group *g = work->data;

    g->rc = group_open(g, &g->err);
}

/* All captures of one agent are one host's. */
static void check_host(struct group *g)
{
    const struct resource *facts;

    if (g->rc != 0 || g->kind != GROUP_BUNDLE)
        return;
    facts = bundle_facts(g->bundle);
    if (strcmp(facts->host_id, g->context->host_id) == 0)
        return;
    g->rc = err_set(&g->err, ERR_INVALID, "%s is of another host (%s)", g->dir, facts->host_name);
    close_group_data(g);
}

static void opened(uv_work_t *work, int status)
{
    struct group *g = work->data;

    g->working = false;
    if (status != 0)
        g->rc = err_set(&g->err, ERR_STATE, "stopped");
    check_host(g);
    if (g->unwanted) {
        group_retire(g);
        return;
    }
    if (g->rc == 0) {
        group_run(g);
        return;
    }
    if (g->state != GROUP_FAILED)
        log_event(LOG_WARN, "source.open", LOG_S("source", g->name), LOG_S("problem", g->err.text));
    g->state = GROUP_FAILED;
    uv_timer_start(&g->timer, on_group_timer, GROUP_REOPEN_MS, 0);
}

static void rescan_work(uv_work_t *work)
{
    struct group *g = work->data;

    g->rc = g->kind == GROUP_LIVE ? live_rescan(g->live, &g->err) : bundle_rescan(g->bundle, &g->err);
}

static void rescanned(uv_work_t *work, int status)
{
    struct group *g = work->data;

    (void)status;
    g->working = false;
    g->rescan_since_ns = 0;
    if (g->unwanted)
        group_retire(g);
    else
        group_run(g);
}

void group_start_work(struct group *g, uv_work_cb work, uv_after_work_cb done)
{
    int rc;

    assert(!g->working);
    g->working = true;
    rc = uv_queue_work(g->context->env.loop, &g->work, work, done);
    assert(rc == 0);
    (void)rc;
}

void group_rescan(struct group *g)
{
    g->rescan_since_ns = g->context->clock->monotonic_ns(g->context->clock);
    group_start_work(g, rescan_work, rescanned);
}

static void on_group_timer(uv_timer_t *timer)
{
    struct group *g = timer->data;

    if (g->state == GROUP_FAILED)
        group_start_work(g, open_work, opened);
    else if (g->state == GROUP_RUNNING && (g->kind == GROUP_BUNDLE || g->kind == GROUP_LIVE))
        group_rescan(g);
}

/* ---- retiring ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct group *g = handle->data;

    g->context->gone(g->context->arg, g);
}

static void close_work(uv_work_t *work)
{
    close_group_data(work->data);
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct group *g = handle->data;

    uv_close((uv_handle_t *)&g->timer, on_timer_closed);
}

/* Nothing signals any more. */
static void closed(uv_work_t *work, int status)
{
    struct group *g = work->data;

    (void)status;
    if (g->kind == GROUP_LIVE)
        uv_close((uv_handle_t *)&g->wake, on_wake_closed);
    else
        uv_close((uv_handle_t *)&g->timer, on_timer_closed);
}

static void finish_if_idle(struct group *g)
{
    if (g->state == GROUP_RETIRING && g->alive == 0 && !g->working)
        group_start_work(g, close_work, closed);
}

static void on_driver_ended(void *arg)
{
    struct seat *seat = arg;
    struct group *g = seat->group;

    assert(g->alive > 0 && seat->driver != NULL);
    seat->driver = NULL;
    g->alive--;
    finish_if_idle(g);
}

/* Called again when a worker job that was under way has ended. */
void group_retire(struct group *g)
{
    g->unwanted = true;
    group_watch_end(g);
    if (g->state == GROUP_RETIRING || g->working)
        return;
    g->state = GROUP_RETIRING;
    uv_timer_stop(&g->timer);
    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        source_driver_stop(seat->driver, on_driver_ended, seat);
    finish_if_idle(g);
}

void group_open_later(struct group *g)
{
    g->state = GROUP_OPENING;
    group_start_work(g, open_work, opened);
}

void group_nudge(struct group *g)
{
    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        if (seat->driver != NULL)
            source_driver_nudge(seat->driver, true);
}

void group_abandon(struct group *g)
{
    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        if (seat->driver != NULL)
            source_driver_abandon(seat->driver);
}

/* ---- looking ---- */

static bool stands_for_itself(const struct group *g)
{
    return g->state == GROUP_OPENING || g->state == GROUP_FAILED;
}

size_t group_evidence_count(const struct group *g)
{
    return stands_for_itself(g) ? 1 : g->alive;
}

static void own_evidence(const struct group *g, struct health_source *out)
{
    bool failed = g->state == GROUP_FAILED;

    *out = (struct health_source){
        .name = g->name,
        .state = failed ? STREAM_RETRYING : STREAM_ATTACHED,
        .started = failed,
        .problem = failed ? g->err.text : "",
        .remedy = "",
        .life_ns = g->since_ns,
        .lag_records = -1,
    };
}

size_t group_evidence(const struct group *g, struct health_source *out, size_t max)
{
    size_t n = 0;

    if (stands_for_itself(g) && n < max)
        own_evidence(g, &out[n++]);
    for (const struct seat *seat = g->seats; seat != NULL; seat = seat->next)
        if (seat->driver != NULL && n < max)
            source_driver_evidence(seat->driver, &out[n++]);
    return n;
}

void group_free(struct group *g)
{
    close_group_data(g);
    group_watch_free(g);
    for (struct seat *seat = g->seats, *next; seat != NULL; seat = next) {
        next = seat->next;
        free(seat);
    }
    free(g);
}
