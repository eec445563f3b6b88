/* A bundle's folder, watched by one worker thread for all of its sources.
 *
 *     look ... look ... --changed--> nudge the sources, rescan --> look ...
 *
 * Without it each source is woken at each beat, steps on a worker thread and comes back
 * to the loop to say that there is nothing.  With it they are left alone for
 * UNDISTURBED_NS; so long, too, the thread waits at most, for a rescan that failed has to be tried again.
 *
 * A look or a rescan that a dead disk holds up is not relied on: the sources look for
 * themselves again, as often as before, until it comes back.
 */
#include "agent/group_parts.h"
#include "base/times.h"

#include <assert.h>

#define UNDISTURBED_NS (120 * NS_PER_S)
#define OVERDUE_NS     (15 * NS_PER_S)

enum {
    WATCHERS_MAX = 2, /* of AGENT_THREADS; further bundles are polled */
    WATCH_DEPTH = 4,  /* dumps/ and three folders below it */
};

static void tell_drivers(struct group *g, int64_t watched_ns, bool changed)
{
    for (struct seat *seat = g->seats; seat != NULL; seat = seat->next) {
        if (seat->driver == NULL)
            continue;
        source_driver_watched(seat->driver, watched_ns);
        if (changed)
            source_driver_nudge(seat->driver, false);
    }
}

/* How long a look may take: less than a step. */
static int64_t overdue_ns(const struct group *g)
{
    return g->options.deadline_ns < OVERDUE_NS ? g->options.deadline_ns : OVERDUE_NS;
}

static int64_t busy_ns(const struct group *g)
{
    const struct clock *clock = g->context->clock;

    return g->rescan_since_ns != 0 ? clock->monotonic_ns(clock) - g->rescan_since_ns : folder_watch_busy_ns(g->watch);
}

static void on_overdue(uv_timer_t *timer)
{
    struct group *g = timer->data;

    tell_drivers(g, g->looked && busy_ns(g) <= overdue_ns(g) ? UNDISTURBED_NS : 0, false);
}

static void watch_work(uv_work_t *work)
{
    struct group *g = work->data;

    g->news = folder_watch_wait(g->watch);
}

static void on_poll(uv_timer_t *timer)
{
    group_rescan(timer->data);
}

static void watched(uv_work_t *work, int status)
{
    struct group *g = work->data;

    g->working = false;
    if (g->unwanted || status != 0) {
        group_retire(g);
        return;
    }
    g->looked = g->news != FOLDER_UNKNOWN;
    tell_drivers(g, g->looked ? UNDISTURBED_NS : 0, g->news == FOLDER_CHANGED);
    if (g->news == FOLDER_FIRST_LOOK)
        group_run(g);
    else if (g->news == FOLDER_UNKNOWN)
        uv_timer_start(&g->timer, on_poll, (uint64_t)(g->options.poll_ns / NS_PER_MS), 0);
    else
        group_rescan(g);
}

static bool make_watch(struct group *g)
{
    struct folder_watch_options options = { .files = g->context->files,
                                            .dir = g->dir,
                                            .depth = WATCH_DEPTH,
                                            .beat_ns = g->options.poll_ns,
                                            .most_ns = UNDISTURBED_NS };

    if (g->options.poll_ns >= UNDISTURBED_NS || g->context->watchers >= WATCHERS_MAX ||
        folder_watch_new(&g->watch, &options, NULL) != 0)
        return false;
    g->context->watchers++;
    return true;
}

bool group_watch_begin(struct group *g)
{
    uint64_t overdue_ms;

    assert(g->kind == GROUP_BUNDLE);
    if (g->watch == NULL && !make_watch(g))
        return false;
    if (g->looked)
        tell_drivers(g, UNDISTURBED_NS, false); /* those that the rescan found */
    overdue_ms = (uint64_t)(overdue_ns(g) / NS_PER_MS);
    uv_timer_start(&g->timer, on_overdue, overdue_ms, overdue_ms);
    group_start_work(g, watch_work, watched);
    return true;
}

void group_watch_end(struct group *g)
{
    if (g->watch != NULL)
        folder_watch_end(g->watch);
}

void group_watch_free(struct group *g)
{
    if (g->watch == NULL)
        return;
    folder_watch_free(g->watch);
    g->watch = NULL;
    g->context->watchers--;
}
