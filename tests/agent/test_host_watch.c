/* What a host says of itself, looked at again and again by a stand-in reader. */
#include "agent/host_watch.h"
#include "base/log.h"
#include "base/text.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 120 * 1000, OFTEN_MS = 10, NEVER_MS = 1000 * 1000 };

/* What the reader says next; written while no reading is under way. */
static struct {
    struct resource says;
    atomic_int begun, readings;
    atomic_bool hold, fails; /* hold: the reader hangs */
} host;

static struct {
    uv_loop_t loop;
    struct host_watch *watch;
    struct resource told;
    int changes;
    bool late;
} scene;

static int read_host(struct resource *out, struct buf *problems, struct err *e)
{
    host.begun++;
    while (host.hold)
        uv_sleep(1);
    *out = host.says;
    host.readings++;
    (void)problems;
    return host.fails ? err_set(e, ERR_IO, "the registry is away") : 0;
}

static void on_changed(void *arg, const struct resource *facts)
{
    (void)arg;
    scene.changes++;
    scene.told = *facts;
}

static void begin(uint64_t first_ms, uint64_t every_ms)
{
    struct resource facts = { .host_id = "4C4C4544-0000-0000-0000-000000000000",
                              .host_name = "HV01",
                              .os_version = "10.0.20348.2227",
                              .cluster = "PROD-A",
                              .boot_time = 1000 };
    struct host_watch_options options = { .loop = &scene.loop,
                                          .facts = &facts,
                                          .problems = "",
                                          .read = read_host,
                                          .first_ms = first_ms,
                                          .every_ms = every_ms,
                                          .soon_ms = OFTEN_MS,
                                          .hung_ms = 5 * OFTEN_MS,
                                          .changed = on_changed };
    struct err e;

    memset(&scene, 0, sizeof scene);
    log_set_level(LOG_ERROR);
    host.says = facts;
    host.begun = host.readings = 0;
    host.hold = host.fails = false;
    ck_assert_int_eq(uv_loop_init(&scene.loop), 0);
    ck_assert_int_eq(host_watch_new(&scene.watch, &options, &e), 0);
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    scene.late = true;
}

/* Runs the loop until so many more readings were made and taken in. */
static void run(int readings)
{
    int wanted = host.readings + readings;
    uv_timer_t timer;

    scene.late = false;
    uv_timer_init(&scene.loop, &timer);
    uv_timer_start(&timer, on_late, PATIENCE_MS, 0);
    while (!scene.late && (host.readings < wanted || scene.loop.active_reqs.count > 0))
        uv_run(&scene.loop, UV_RUN_ONCE);
    ck_assert_msg(!scene.late, "%d readings, want %d", host.readings, wanted);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&scene.loop, UV_RUN_NOWAIT);
}

static void end(void)
{
    host.hold = false;
    host_watch_close(scene.watch);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&scene.loop), 0);
}

START_TEST(the_same_facts_are_no_news)
{
    begin(0, OFTEN_MS);
    run(3);
    ck_assert_int_eq(scene.changes, 0);
    end();
}
END_TEST

START_TEST(an_update_is_told_once_with_all_facts)
{
    begin(0, OFTEN_MS);
    text_copy(host.says.os_version, sizeof host.says.os_version, "10.0.20348.2340");
    run(3);
    ck_assert_int_eq(scene.changes, 1);
    ck_assert_str_eq(scene.told.os_version, "10.0.20348.2340");
    ck_assert_str_eq(scene.told.cluster, "PROD-A");
    ck_assert_str_eq(scene.told.host_id, "4C4C4544-0000-0000-0000-000000000000");
    end();
}
END_TEST

START_TEST(what_could_not_be_read_is_no_news)
{
    begin(0, OFTEN_MS);
    memset(&host.says, 0, sizeof host.says);
    text_copy(host.says.cluster, sizeof host.says.cluster, "PROD-A");
    run(3);
    ck_assert_int_eq(scene.changes, 0);
    host.fails = true;
    text_copy(host.says.cluster, sizeof host.says.cluster, "PROD-B");
    run(2);
    ck_assert_int_eq(scene.changes, 0);
    end();
}
END_TEST

START_TEST(neither_id_nor_boot_changes_while_the_agent_runs)
{
    begin(0, OFTEN_MS);
    text_copy(host.says.host_id, sizeof host.says.host_id, "another");
    host.says.boot_time = 2000;
    run(2);
    ck_assert_int_eq(scene.changes, 0);
    end();
}
END_TEST

START_TEST(a_renamed_cluster_is_told_at_once_and_one_that_was_left_at_the_second_look)
{
    begin(0, NEVER_MS);
    text_copy(host.says.cluster, sizeof host.says.cluster, "PROD-B");
    run(1);
    ck_assert_int_eq(scene.changes, 1);
    ck_assert_str_eq(scene.told.cluster, "PROD-B");
    host.says.cluster[0] = '\0';
    host_watch_nudge(scene.watch);
    run(1);
    ck_assert_int_eq(scene.changes, 1);
    host_watch_nudge(scene.watch);
    run(1);
    ck_assert_int_eq(scene.changes, 2);
    ck_assert_str_eq(scene.told.cluster, "");
    end();
}
END_TEST

START_TEST(a_cluster_event_makes_the_next_look_come_early)
{
    begin(NEVER_MS, NEVER_MS);
    host_watch_nudge(scene.watch);
    host_watch_nudge(scene.watch);
    run(1);
    ck_assert_int_eq(host.readings, 1); /* one for both */
    end();
}
END_TEST

/* What hangs is let go once it has been said. */
static void count_hung(enum log_level level, const char *line, void *arg)
{
    (void)level;
    if (strstr(line, "host.facts") == NULL || strstr(line, "hang") == NULL)
        return;
    ++*(int *)arg;
    host.hold = false;
}

START_TEST(a_look_that_hangs_is_said_so_and_its_answer_counts_in_the_end)
{
    int hung = 0;

    begin(0, NEVER_MS);
    log_set_level(LOG_WARN);
    log_set_sink(count_hung, &hung);
    host.hold = true;
    text_copy(host.says.cluster, sizeof host.says.cluster, "PROD-B");
    run(1);
    log_set_sink(NULL, NULL);
    ck_assert_int_eq(hung, 1);
    ck_assert_int_eq(scene.changes, 1);
    end();
}
END_TEST

START_TEST(a_close_does_not_wait_for_a_look_that_hangs)
{
    bool left;

    begin(0, NEVER_MS);
    host.hold = true;
    while (host.begun == 0) {
        uv_run(&scene.loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    left = host_watch_close(scene.watch);
    ck_assert(left);
    host.hold = false;
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(scene.changes, 0);
    ck_assert_int_eq(uv_loop_close(&scene.loop), 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_same_facts_are_no_news);
    suite_test(s, an_update_is_told_once_with_all_facts);
    suite_test(s, what_could_not_be_read_is_no_news);
    suite_test(s, neither_id_nor_boot_changes_while_the_agent_runs);
    suite_test(s, a_renamed_cluster_is_told_at_once_and_one_that_was_left_at_the_second_look);
    suite_test(s, a_cluster_event_makes_the_next_look_come_early);
    suite_test(s, a_look_that_hangs_is_said_so_and_its_answer_counts_in_the_end);
    suite_test(s, a_close_does_not_wait_for_a_look_that_hangs);
}

int main(void)
{
    return suite_main("agent: host watch", add);
}
