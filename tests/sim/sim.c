/* The queue, the clock and the chance of a simulation; see sim.h. */
#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_MAX = 96 * 1024 * 1024 };

#define REST_MAX (8 * SIM_HOUR)

/* ---- chance ------------------------------------------------------------------- */

uint64_t sim_roll(uint64_t *stream, uint64_t sides)
{
    uint64_t z = *stream += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % sides;
}

bool sim_one_in(struct sim *s, int sides)
{
    return sides > 0 && !s->calm && sim_roll(&s->chance, (uint64_t)sides) == 0;
}

/* ---- words --------------------------------------------------------------------- */

void sim_say(const struct sim *s, const char *fmt, ...)
{
    va_list ap;

    if (!s->trace)
        return;
    printf("%12.3f  ", (double)s->now / 1e9);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void sim_fail(const struct sim *s, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fprintf(stderr, "seed %" PRIu64 ": at %.3f s: ", s->seed, (double)s->now / 1e9);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}

/* ---- clocks ---------------------------------------------------------------------- */

static int64_t wall(const struct clock *c)
{
    const struct sim_clock *k = c->state;

    return SIM_EPOCH + k->sim->now + k->offset_ns;
}

static int64_t monotonic(const struct clock *c)
{
    const struct sim_clock *k = c->state;

    return SIM_HOUR + k->sim->now;
}

void sim_clock_init(struct sim_clock *c, const struct sim *s)
{
    *c = (struct sim_clock){ .clock = { .wall_ns = wall, .monotonic_ns = monotonic, .state = c }, .sim = s };
}

/* ---- the queue --------------------------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event t = *a;

    *a = *b;
    *b = t;
}

void sim_at(struct sim *s, int64_t at, void (*run)(void *arg, uint64_t tag), void *arg, uint64_t tag)
{
    size_t i = s->queued++;

    assert(at >= s->now);
    if (s->queued > s->queue_cap) {
        s->queue_cap = s->queue_cap > 0 ? s->queue_cap * 2 : 1024;
        s->queue = realloc(s->queue, s->queue_cap * sizeof *s->queue);
        if (s->queue == NULL)
            abort();
    }
    s->queue[i] = (struct sim_event){ .at = at, .order = s->order++, .run = run, .arg = arg, .tag = tag };
    for (; i > 0 && before(&s->queue[i], &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&s->queue[i], &s->queue[(i - 1) / 2]);
}

static struct sim_event take_first(struct sim *s)
{
    struct sim_event first = s->queue[0];
    size_t i = 0, child;

    s->queue[0] = s->queue[--s->queued];
    while ((child = 2 * i + 1) < s->queued) {
        if (child + 1 < s->queued && before(&s->queue[child + 1], &s->queue[child]))
            child++;
        if (!before(&s->queue[child], &s->queue[i]))
            break;
        swap(&s->queue[child], &s->queue[i]);
        i = child;
    }
    return first;
}

static void run_until(struct sim *s, int64_t end)
{
    while (s->queued > 0 && s->queue[0].at <= end) {
        struct sim_event event = take_first(s);

        s->now = event.at;
        event.run(event.arg, event.tag);
    }
    s->now = end;
}

/* ---- a run --------------------------------------------------------------------------- */

static void mend(struct sim *s)
{
    s->calm = true;
    s->hub.held_down = 0;
    sim_disk_trouble(s->hub.disk, SIM_DISK_GOOD);
    sim_disk_die_at(s->hub.disk, 0);
    if (!s->hub.up)
        sim_at(s, s->now, sim_hub_boot, &s->hub, s->hub.life);
    for (int i = 0; i < s->plan.agents; i++) {
        struct sim_agent *a = &s->agents[i];

        sim_disk_trouble(a->disk, SIM_DISK_GOOD);
        sim_disk_die_at(a->disk, 0);
        a->cut_off = false;
        a->log.moody = false;
        a->clock.offset_ns = 0;
        if (!a->up)
            sim_at(s, s->now, sim_agent_boot, a, a->life);
    }
    sim_say(s, "everything is mended");
}

static void come_to_rest(struct sim *s)
{
    int64_t since = s->now, look = s->plan.poll_ns / 20;
    int resting = 0;

    while (resting < s->plan.agents) {
        if (s->now - since > REST_MAX + s->plan.poll_ns)
            sim_fail(s, "does not come to rest");
        run_until(s, s->now + look);
        resting = 0;
        for (int i = 0; i < s->plan.agents; i++)
            resting += sim_agent_at_rest(&s->agents[i], since);
    }
}

static void begin(struct sim *s)
{
    sim_disk_begin(s->seed);
    s->world = s->seed * 2 + 1;
    s->chance = s->seed * 2 + 2;
    s->tokens = 1;
    sim_hub_init(&s->hub, s);
    for (int i = 0; i < s->plan.agents; i++)
        sim_agent_init(&s->agents[i], s, i);
    sim_plan_lay_out(s);
    sim_at(s, 0, sim_hub_boot, &s->hub, 0);
    for (int i = 0; i < s->plan.agents; i++)
        sim_at(s, 0, sim_agent_boot, &s->agents[i], 0);
}

static void check_memory(const struct sim *s, size_t at_start)
{
    size_t now = mallinfo2().uordblks;

    if (sqlite3_memory_used() != 0)
        sim_fail(s, "%lld bytes of SQLite's were not given back", (long long)sqlite3_memory_used());
    if (sqlite3_memory_highwater(1) > MEMORY_MAX)
        sim_fail(s, "SQLite took more than %d bytes", MEMORY_MAX);
    if (now > at_start + MEMORY_MAX)
        sim_fail(s, "%zu bytes are held at the end", now - at_start);
}

bool sim_run(uint64_t seed, const char *dir, bool trace, bool without_faults, struct buf *report, uint64_t *ahead)
{
    static struct sim s;
    size_t at_start = mallinfo2().uordblks;
    bool whole;

    memset(&s, 0, sizeof s);
    s.seed = seed;
    s.dir = dir;
    s.trace = trace;
    s.perfect = without_faults;
    sim_plan_make(&s.plan, seed);
    if (without_faults)
        sim_plan_mend(&s.plan);
    begin(&s);
    run_until(&s, s.plan.span_ns);
    mend(&s);
    come_to_rest(&s);
    whole = sim_check_end(&s, report);
    *ahead += s.hub.told_ahead;
    while (s.queued > 0) { /* the requests that are still on their way */
        struct sim_event event = take_first(&s);

        s.now = event.at > s.now ? event.at : s.now;
        event.run(event.arg, event.tag);
    }
    for (int i = 0; i < s.plan.agents; i++)
        sim_agent_free(&s.agents[i]);
    sim_hub_free(&s.hub);
    free(s.queue);
    check_memory(&s, at_start);
    return whole;
}
