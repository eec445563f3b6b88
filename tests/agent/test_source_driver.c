/* One driver asked to hurry by what another one's source has seen.
 *
 * Nothing here depends on how fast the machine is: a test waits until something has
 * happened, and PATIENCE_MS is only how long until it is called missing.  When
 * a step began is what the driver told the source, by a clock that nobody sets.
 * Each test has a scene of its own, which a test that fails leaves behind: where
 * all tests share a process, its threads still use it. */
#include "agent/arrival.h"
#include "agent/source_driver.h"
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "plat/clock.h"
#include "tests/support/places.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 16, PATIENCE_MS = 120 * 1000, QUIET_MS = 700 };

#define APART_NS (300 * NS_PER_MS)
#define TICK_NS  (20 * NS_PER_MS) /* of the coarsest clock, and a little */
#define TODAY    (INT64_C(1767225600) * NS_PER_S)

/* Gives one observation a step, at most `total`, and remembers when it was asked. */
struct scene_source {
    struct source base; /* first */
    int total;
    atomic_int steps; /* counted on a worker thread */
    enum obs_kind kind;
    const char *key, *value; /* of the observation */
    int64_t event_ns;        /* 0: now */
    int full;                /* so many of the first steps fill their batch to the brim */
    bool settled;            /* what each step says */
    int64_t begun_ns[STEPS_MAX];
};

struct scene {
    uv_loop_t loop;
    struct clock clock; /* the wall's is the monotonic one, from TODAY on */
    char dir[512];
    struct store_worker *worker;
    struct driver_env env;
    struct scene_source channel, wmi;
    struct source_driver *drivers[2];
    int came, ended;
    uint64_t seq; /* the highest that was committed */
    bool late, stopped;
    int lines;  /* of the log that tell a state of the channel */
    int before; /* steps of the channel */
};

static struct scene *scene;

static int64_t mono_ns(const struct clock *c)
{
    (void)c;
    return plat_clock()->monotonic_ns(plat_clock());
}

static int64_t wall_ns(const struct clock *c)
{
    return TODAY + mono_ns(c);
}

/* No byte more fits, and yet nothing has failed. */
static void fill(struct obs_batch *batch)
{
    for (size_t piece = 1 << 20; piece > 0; piece /= 2)
        while (arena_alloc(&batch->arena, piece) != NULL)
            continue;
}

static int take(struct source *source, struct source_step *step, struct err *e)
{
    struct scene_source *s = (struct scene_source *)source;

    (void)e;
    if (s->steps < STEPS_MAX)
        s->begun_ns[s->steps] = step->now_ns;
    s->steps++;
    buf_printf(&step->new_mark, "%d", s->steps);
    if (s->steps <= s->total) {
        struct observation *o =
            obs_new(step->batch, s->kind, s->event_ns != 0 ? s->event_ns : wall_ns(NULL), step->now_ns);

        obs_str(o, s->key, s->value);
        obs_body(o, "something");
    }
    if (s->steps <= s->full)
        fill(step->batch);
    step->settled = s->settled;
    return 0;
}

static void close_nothing(struct source *source)
{
    (void)source;
}

static const struct source_ops ops = { take, close_nothing };

static void committed(void *arg, const struct store_appended *done, const struct store_stats *stats)
{
    (void)arg;
    (void)stats;
    if (done->last_seq > scene->seq)
        scene->seq = done->last_seq;
}

static void store_failed(void *arg, const struct err *e)
{
    (void)arg;
    ck_abort_msg("%s", e->text);
}

static void on_came(void *arg, int64_t event_ns)
{
    (void)arg;
    scene->came++;
    if (scene->drivers[1] != NULL)
        source_driver_hurry(scene->drivers[1], event_ns, APART_NS);
}

static void begin(struct source_driver **out, struct scene_source *s, const char *name, int64_t interval_ns)
{
    struct driver_options options = { .source = &s->base, .deadline_ns = 60 * NS_PER_S };
    struct err e = { 0 };

    s->base.ops = &ops;
    s->base.interval_ns = interval_ns;
    text_copy(s->base.name, sizeof s->base.name, name);
    if (s == &scene->channel)
        options.guest_came = on_came;
    ck_assert_msg(source_driver_start(out, &scene->env, &options, &e) == 0, "%s", e.text);
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    scene->late = true;
}

/* Runs the loop until it is so, or ms are over. */
static void run_until(bool (*so)(void), uint64_t ms)
{
    uv_timer_t timer;

    scene->late = false;
    uv_timer_init(&scene->loop, &timer);
    uv_update_time(&scene->loop);
    uv_timer_start(&timer, on_late, ms, 0);
    while (!scene->late && !so())
        uv_run(&scene->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* The same where it must become so. */
#define RUN_UNTIL(so)                                                          \
    do {                                                                       \
        run_until(so, PATIENCE_MS);                                            \
        ck_assert_msg(so(), "not so after %d s: %s", PATIENCE_MS / 1000, #so); \
    } while (0)

static bool never(void)
{
    return false;
}

static bool first_look_is_committed(void)
{
    return scene->wmi.steps == 1 && scene->seq > 0;
}

static bool asked_twice(void)
{
    return scene->wmi.steps >= 2;
}

static bool asked_three_times_over_many_arrivals(void)
{
    return scene->wmi.steps >= 3 && scene->came > 3;
}

static bool arrival_is_told(void)
{
    return scene->came > 0;
}

static bool channel_looked_again(void)
{
    return scene->channel.steps > 1;
}

static bool channel_looked_four_times(void)
{
    return scene->channel.steps >= 4;
}

static bool both_have_ended(void)
{
    return scene->ended == 2;
}

static bool store_is_closed(void)
{
    return scene->stopped;
}

/* No two questions begin nearer to each other than asked. */
static void check_apart(void)
{
    for (int i = 1; i < scene->wmi.steps && i < STEPS_MAX; i++)
        ck_assert_int_ge(scene->wmi.begun_ns[i] - scene->wmi.begun_ns[i - 1], APART_NS - TICK_NS);
}

static void open_scene(void)
{
    struct store_opened opened;
    struct store *store;
    struct err e = { 0 };
    char path[600];

    scene = calloc(1, sizeof *scene);
    ck_assert_ptr_nonnull(scene);
    scene->clock = (struct clock){ .wall_ns = wall_ns, .monotonic_ns = mono_ns };
    log_set_level(LOG_ERROR);
    ck_assert_int_eq(uv_loop_init(&scene->loop), 0);
    ck_assert(places_make_temp(scene->dir, sizeof scene->dir));
    snprintf(path, sizeof path, "%s/agent.db", scene->dir);
    ck_assert_msg(store_open(&store,
                             &(struct store_options){
                                 .path = path, .max_bytes = 1 << 20, .clock = plat_clock(), .random = plat_random() },
                             &opened, &e) == 0,
                  "%s", e.text);
    ck_assert_int_eq(store_worker_start(&scene->worker, &scene->loop, store, &e), 0);
    scene->env = (struct driver_env){ .loop = &scene->loop,
                                      .worker = scene->worker,
                                      .clock = &scene->clock,
                                      .random = plat_random(),
                                      .host_id = "host:test",
                                      .committed = committed,
                                      .store_failed = store_failed };
    begin(&scene->drivers[1], &scene->wmi, "wmi", 3600 * NS_PER_S);
    RUN_UNTIL(first_look_is_committed);
}

static void on_ended(void *arg)
{
    *(struct source_driver **)arg = NULL;
    scene->ended++;
}

static void on_stopped(void *arg)
{
    (void)arg;
    scene->stopped = true;
}

static void close_scene(void)
{
    for (int i = 0; i < 2; i++)
        source_driver_stop(scene->drivers[i], on_ended, &scene->drivers[i]);
    RUN_UNTIL(both_have_ended);
    store_worker_stop(scene->worker, on_stopped, NULL);
    RUN_UNTIL(store_is_closed);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(uv_loop_close(&scene->loop), 0);
    places_remove_tree(scene->dir);
    free(scene);
    scene = NULL;
}

static void see(enum obs_kind kind, const char *key, const char *value, int total)
{
    scene->channel = (struct scene_source){ .total = total, .kind = kind, .key = key, .value = value };
}

START_TEST(a_start_makes_the_next_question_come_early_but_not_at_once)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "started", 1);
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(asked_twice);
    ck_assert_int_eq(scene->came, 1);
    check_apart();
    close_scene();
}
END_TEST

START_TEST(many_arrivals_are_one_question_each_so_often)
{
    open_scene();
    see(OBS_GUEST_MIGRATION, ATTR_MIGRATION_PHASE, "received", 100000);
    begin(&scene->drivers[0], &scene->channel, "channel", 5 * NS_PER_MS);
    RUN_UNTIL(asked_three_times_over_many_arrivals);
    check_apart();
    close_scene();
}
END_TEST

START_TEST(what_happened_before_the_last_question_asks_for_no_other)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "started", 1);
    scene->channel.event_ns = TODAY - NS_PER_S;
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(arrival_is_told);
    run_until(never, QUIET_MS);
    ck_assert_int_eq(scene->came, 1);
    ck_assert_int_eq(scene->wmi.steps, 1);
    close_scene();
}
END_TEST

START_TEST(an_event_of_the_future_asks_once)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "started", 1);
    scene->channel.event_ns = wall_ns(NULL) + 24 * 3600 * NS_PER_S;
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(asked_twice);
    run_until(never, QUIET_MS);
    ck_assert_int_eq(scene->came, 1);
    ck_assert_int_eq(scene->wmi.steps, 2);
    close_scene();
}
END_TEST

START_TEST(a_stop_asks_for_nothing)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "stopped", 1);
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(channel_looked_again);
    run_until(never, QUIET_MS);
    ck_assert_int_eq(scene->came, 0);
    ck_assert_int_eq(scene->wmi.steps, 1);
    close_scene();
}
END_TEST

static void count_states(enum log_level level, const char *line, void *arg)
{
    (void)level;
    ((struct scene *)arg)->lines += strstr(line, "source.state source=channel ") != NULL;
}

START_TEST(a_state_that_does_not_fit_into_a_full_batch_is_told_once_all_the_same)
{
    uint64_t before;

    open_scene();
    before = scene->seq; /* the other source is attached */
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "stopped", 2);
    scene->channel.full = 2; /* the news itself, and the same batch again */
    log_set_level(LOG_INFO);
    log_set_sink(count_states, scene);
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(channel_looked_four_times);
    log_set_sink(NULL, NULL);
    ck_assert_int_eq(scene->lines, 1);
    ck_assert_uint_eq(scene->seq - before, 2); /* the state, and what the second step found */
    close_scene();
}
END_TEST

static bool channel_rests(void)
{
    struct health_source evidence;

    source_driver_evidence(scene->drivers[0], &evidence);
    return scene->channel.steps > 0 && evidence.caught_up && evidence.beat_ns == 3600 * NS_PER_S;
}

static bool channel_looked_once_more(void)
{
    return scene->channel.steps > scene->before;
}

/* A source of 20 ms that somebody watches from its beginning on. */
static void begin_watched(bool settled)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "stopped", 1);
    scene->channel.settled = settled;
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    source_driver_watched(scene->drivers[0], 3600 * NS_PER_S);
}

START_TEST(a_settled_source_that_is_watched_is_left_alone_until_it_is_nudged)
{
    begin_watched(true);
    RUN_UNTIL(channel_rests);
    scene->before = scene->channel.steps;
    run_until(channel_looked_once_more, QUIET_MS);
    ck_assert_int_eq(scene->channel.steps, scene->before);
    source_driver_nudge(scene->drivers[0], false);
    RUN_UNTIL(channel_looked_once_more);
    close_scene();
}
END_TEST

START_TEST(a_source_that_is_watched_no_more_looks_for_itself_again)
{
    begin_watched(true);
    RUN_UNTIL(channel_rests);
    source_driver_watched(scene->drivers[0], 0);
    scene->before = scene->channel.steps + 2;
    RUN_UNTIL(channel_looked_once_more);
    close_scene();
}
END_TEST

START_TEST(a_source_that_waits_for_a_time_is_not_left_alone)
{
    begin_watched(false);
    RUN_UNTIL(channel_looked_four_times);
    close_scene();
}
END_TEST

/* What changed before the watch began is nobody's news: the step that was under way may have missed it. */
START_TEST(the_first_step_after_the_watch_began_comes_by_its_own_interval)
{
    open_scene();
    see(OBS_GUEST_LIFECYCLE, ATTR_VM_CHANGE, "stopped", 1);
    scene->channel.settled = true;
    begin(&scene->drivers[0], &scene->channel, "channel", 20 * NS_PER_MS);
    RUN_UNTIL(channel_looked_again);
    source_driver_watched(scene->drivers[0], 3600 * NS_PER_S);
    scene->before = scene->channel.steps;
    RUN_UNTIL(channel_looked_once_more);
    RUN_UNTIL(channel_rests);
    close_scene();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_start_makes_the_next_question_come_early_but_not_at_once);
    suite_test(s, many_arrivals_are_one_question_each_so_often);
    suite_test(s, what_happened_before_the_last_question_asks_for_no_other);
    suite_test(s, an_event_of_the_future_asks_once);
    suite_test(s, a_stop_asks_for_nothing);
    suite_test(s, a_state_that_does_not_fit_into_a_full_batch_is_told_once_all_the_same);
    suite_test(s, a_settled_source_that_is_watched_is_left_alone_until_it_is_nudged);
    suite_test(s, a_source_that_is_watched_no_more_looks_for_itself_again);
    suite_test(s, a_source_that_waits_for_a_time_is_not_left_alone);
    suite_test(s, the_first_step_after_the_watch_began_comes_by_its_own_interval);
}

int main(void)
{
    return suite_main("agent: source_driver", add);
}
