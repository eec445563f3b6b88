/* The agent as a whole: what sources give reaches the hub once, whatever is
 * slow, failing or stopped on the way. */
#include "agent/agent_parts.h"
#include "base/text.h"
#include "base/times.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void start(struct rig *r)
{
    struct err e;

    ck_assert_msg(rig_start(r, &e) == 0, "%s", e.text);
}

/* Every number from 1 to highest exactly once. */
static void assert_each_once(void)
{
    for (uint64_t i = 1; i <= hub.highest; i++)
        ck_assert_msg(hub.seen[i] == 1, "number %llu came %d times", (unsigned long long)i, hub.seen[i]);
}

START_TEST(all_that_a_source_gives_reaches_the_hub_once)
{
    static struct scripted s;
    struct rig r;
    int all = 5000;

    rig_init(&r);
    scripted_init(&s, "scripted", all);
    rig_add(&r, &s);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    json_decref(rig_status_when(&r, "store.rows", "0"));
    rig_for(&r, 100);
    assert_each_once();
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_restart_goes_on_where_the_last_commit_was)
{
    static struct scripted s;
    struct rig r;
    int all = 3000;

    rig_init(&r);
    scripted_init(&s, "scripted", all);
    rig_add(&r, &s);
    for (int i = 0; i < 6; i++) {
        start(&r);
        rig_for(&r, 15);
        rig_stop(&r, AGENT_STOPPED);
    }
    start(&r);
    rig_until(&r, hub_has_all, &all);
    rig_stop(&r, AGENT_STOPPED);
    assert_each_once();
    rig_free(&r);
}
END_TEST

START_TEST(a_failing_source_is_told_once_and_tried_again)
{
    static struct scripted s;
    struct rig r;
    json_t *status;
    int all = 12; /* ten events, and the states retrying and attached */

    rig_init(&r);
    scripted_init(&s, "scripted", 10);
    s.fail = INT_MAX; /* until it has been looked at */
    rig_add(&r, &s);
    start(&r);
    status = rig_status_when(&r, "sources.0.state", "retrying");
    ck_assert_str_eq(json_string_value(at(status, "sources.0.problem")), "scripted to fail");
    ck_assert_str_eq(json_string_value(at(status, "state")), "failed"); /* it is the only one */
    json_decref(status);
    s.fail = 0;
    rig_until(&r, hub_has_all, &all);
    json_decref(rig_status_when(&r, "state", "ok"));
    rig_for(&r, 100);
    ck_assert_uint_eq(hub.highest, 12);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_hung_source_blocks_nobody_and_is_called_hung)
{
    static struct scripted good, bad;
    struct rig r;
    json_t *status;
    int all = 101;

    rig_init(&r);
    scripted_init(&good, "good", 100);
    scripted_init(&bad, "bad", 5);
    bad.hang = true;
    r.config->kvp_deadline_ns = 2 * NS_PER_S; /* the good one is never that slow */
    rig_add(&r, &good);
    rig_add(&r, &bad);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    status = rig_status_when(&r, "sources.0.state", "hung");
    ck_assert_str_eq(json_string_value(at(status, "state")), "degraded");
    ck_assert_str_eq(json_string_value(at(status, "sources.0.name")), "bad");
    json_decref(status);
    bad.hang = false; /* what it brings in the end is taken */
    all = 108;        /* 105 events; attached, hung, attached */
    rig_until(&r, hub_has_all, &all);
    rig_stop(&r, AGENT_STOPPED);
    assert_each_once();
    rig_free(&r);
}
END_TEST

/* That it ends at all is what counts: the step would never. */
START_TEST(a_stop_does_not_wait_for_a_hung_source)
{
    static struct scripted bad;
    static struct rig r; /* left as it is, as service_exit_now() would */

    rig_init(&r);
    scripted_init(&bad, "bad", 5);
    bad.hang = true;
    rig_add(&r, &bad);
    r.options.stop_ms = 0; /* the usual */
    start(&r);
    rig_until(&r, scripted_has_stepped, &bad);
    rig_stop(&r, AGENT_ABANDONED);
    bad.hang = false; /* the test program itself ends in an orderly way */
    rig_for(&r, 100);
}
END_TEST

/* The first alone would wait longer for the step than a test is patient. */
START_TEST(a_second_stop_is_faster)
{
    static struct scripted bad;
    static struct rig r; /* left as it is, as service_exit_now() would */

    rig_init(&r);
    scripted_init(&bad, "bad", 5);
    bad.hang = true;
    rig_add(&r, &bad);
    r.options.stop_ms = 10 * RIG_PATIENCE_S * 1000;
    start(&r);
    rig_until(&r, scripted_has_stepped, &bad);
    agent_stop(r.agent);
    rig_stop(&r, AGENT_ABANDONED);
    bad.hang = false;
    rig_for(&r, 100);
}
END_TEST

START_TEST(a_batch_over_the_ceiling_is_taken_in_smaller_bites)
{
    static struct scripted s;
    struct rig r;
    int all = 21;

    rig_init(&r);
    scripted_init(&s, "scripted", 20);
    s.big = true;
    rig_add(&r, &s);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    rig_stop(&r, AGENT_STOPPED);
    assert_each_once();
    rig_free(&r);
}
END_TEST

static bool has_stepped_twice(void *arg)
{
    return ((struct scripted *)arg)->steps >= 2;
}

START_TEST(a_misconfigured_source_is_not_tried_again_before_a_reload)
{
    static struct scripted s;
    struct rig r;

    rig_init(&r);
    scripted_init(&s, "scripted", 1);
    s.state = STREAM_MISCONFIGURED;
    rig_add(&r, &s);
    start(&r);
    json_decref(rig_status_when(&r, "sources.0.state", "misconfigured"));
    rig_for(&r, 300);
    ck_assert_int_eq(s.steps, 1);
    write_file(r.dir, "agent.yaml", "", 0);
    json_decref(rig_ask(&r, "{\"cmd\":\"reload\",\"v\":1}"));
    rig_until(&r, has_stepped_twice, &s);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

/* The step read the old settings; what it found says nothing about the new ones. */
START_TEST(a_reload_during_the_step_that_finds_a_source_misconfigured_has_it_tried_again)
{
    static struct scripted s;
    struct rig r;

    rig_init(&r);
    scripted_init(&s, "scripted", 1);
    s.state = STREAM_MISCONFIGURED;
    s.hang = true;
    rig_add(&r, &s);
    start(&r);
    rig_until(&r, scripted_has_stepped, &s);
    write_file(r.dir, "agent.yaml", "", 0);
    json_decref(rig_ask(&r, "{\"cmd\":\"reload\",\"v\":1}"));
    s.hang = false;
    rig_until(&r, has_stepped_twice, &s);
    rig_for(&r, 200);
    ck_assert_int_eq(s.steps, 2); /* and no more than that */
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_source_that_stops_signalling_degrades_within_twice_its_budget)
{
    static struct scripted s;
    struct rig r;
    json_t *status;
    int all = 6;

    rig_init(&r);
    scripted_init(&s, "scripted", 5);
    s.lag = -1; /* it does not know that it is at the end */
    s.base.interval_ns = 3600 * NS_PER_S;
    r.config->silent_after_ns = 3600 * NS_PER_S;
    rig_add(&r, &s);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    json_decref(rig_status_when(&r, "store.rows", "0")); /* nothing that would have waited for hours */
    json_decref(rig_status_when(&r, "state", "ok"));
    rig_move_clock(&r, 4 * 3600 * NS_PER_S);
    status = rig_status_when(&r, "reasons.0.about", "source scripted");
    ck_assert_str_eq(json_string_value(at(status, "state")), "degraded");
    ck_assert_ptr_nonnull(strstr(json_string_value(at(status, "reasons.0.text")), "silent"));
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_quiet_source_that_is_caught_up_stays_ok)
{
    static struct scripted s;
    struct rig r;
    json_t *status;
    int steps;

    rig_init(&r);
    scripted_init(&s, "scripted", 5);
    s.lag = 0;
    r.config->silent_after_ns = 3600 * NS_PER_S;
    rig_add(&r, &s);
    start(&r);
    json_decref(rig_status_when(&r, "sources.0.caught_up", "true"));
    rig_move_clock(&r, 2 * 3600 * NS_PER_S);
    steps = s.steps;
    while (s.steps < steps + 2) /* it has been looked at since */
        rig_for(&r, 20);
    status = rig_status_when(&r, "state", "ok");
    ck_assert(json_is_true(at(status, "sources.0.caught_up")));
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_hub_that_refuses_turns_status_red_and_collecting_goes_on)
{
    static struct scripted s;
    struct rig r;
    json_t *status;

    rig_init(&r);
    hub.status = 401;
    scripted_init(&s, "scripted", 50);
    rig_add(&r, &s);
    start(&r);
    json_decref(rig_status_when(&r, "transport.state", "refused"));
    status = rig_status_when(&r, "store.rows", "51");
    ck_assert_str_eq(json_string_value(at(status, "state")), "failed");
    ck_assert_str_eq(json_string_value(at(status, "transport.state")), "refused");
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(without_a_hub_everything_is_kept)
{
    static struct scripted s;
    struct rig r;
    json_t *status;

    rig_init(&r);
    r.config->hub.url[0] = '\0';
    scripted_init(&s, "scripted", 50);
    rig_add(&r, &s);
    start(&r);
    status = rig_status_when(&r, "store.rows", "51");
    ck_assert_str_eq(json_string_value(at(status, "transport.state")), "off");
    ck_assert(json_is_null(at(status, "transport.last_ack")));
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(an_agent_whose_token_is_missing_starts_and_says_so)
{
    static struct scripted s;
    struct rig r;
    json_t *status;

    rig_init(&r);
    hub.refuse_client = 1;
    scripted_init(&s, "scripted", 5);
    rig_add(&r, &s);
    start(&r);
    status = rig_status_when(&r, "state", "degraded");
    ck_assert_ptr_nonnull(strstr(json_string_value(at(status, "transport.problem")), "token_file"));
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_damaged_store_is_set_aside_and_the_agent_runs_again)
{
    static struct scripted s;
    struct rig r;
    struct err e;
    json_t *status;
    char path[CONFIG_TEXT_MAX + 16], garbage[4096], before[GUID_TEXT_MAX];
    int all = 11;
    FILE *f;

    rig_init(&r);
    scripted_init(&s, "scripted", 10);
    rig_add(&r, &s);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    rig_stop(&r, AGENT_STOPPED);
    ck_assert(text_copy(before, sizeof before, hub.agent_id));
    snprintf(path, sizeof path, "%s/agent.db", r.config->data_dir);
    memset(garbage, 0x5a, sizeof garbage);
    f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(garbage, 1, sizeof garbage, f), sizeof garbage);
    fclose(f);
    ck_assert_msg(rig_start(&r, &e) == 0, "%s", e.text);
    status = rig_ask(&r, "{\"cmd\":\"status\",\"v\":1}");
    ck_assert(json_is_true(at(status, "store.recovered")));
    ck_assert_str_ne(json_string_value(at(status, "agent_id")), before);
    json_decref(status);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(damage_found_while_running_ends_in_a_new_start)
{
    static struct scripted s;
    struct rig r;
    int all = 11;

    rig_init(&r);
    scripted_init(&s, "scripted", 10);
    rig_add(&r, &s);
    start(&r);
    r.agent->reopen = true; /* as on_store_failed() does for ERR_CORRUPT */
    rig_stop(&r, AGENT_REOPEN);
    start(&r);
    rig_until(&r, hub_has_all, &all);
    rig_stop(&r, AGENT_STOPPED);
    rig_free(&r);
}
END_TEST

START_TEST(a_loose_data_folder_is_refused_with_the_remedy)
{
    struct rig r;
    struct err e;

    rig_init(&r);
    ck_assert_int_eq(mkdir(r.config->data_dir, 0777), 0);
    ck_assert_int_eq(chmod(r.config->data_dir, 0775), 0);
    ck_assert_int_eq(rig_start(&r, &e), ERR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(e.text, "store.dir"));
    ck_assert_ptr_nonnull(strstr(e.text, "chmod"));
    rig_free(&r);
}
END_TEST

START_TEST(a_second_agent_on_the_same_store_is_refused)
{
    struct rig r, second;
    struct err e;

    rig_init(&r);
    start(&r);
    rig_init(&second);
    ck_assert(text_copy(second.config->data_dir, sizeof second.config->data_dir, r.config->data_dir));
    ck_assert_int_eq(rig_start(&second, &e), ERR_BUSY);
    uv_loop_close(&second.loop);
    free(second.config);
    rig_stop(&r, AGENT_STOPPED);
    uv_loop_close(&r.loop);
    free(r.config);
}
END_TEST

START_TEST(a_second_agent_on_the_same_socket_is_refused)
{
    struct rig r, second;
    struct err e;

    rig_init(&r);
    start(&r);
    rig_init(&second);
    ck_assert(text_copy(second.config->socket, sizeof second.config->socket, r.config->socket));
    ck_assert_int_eq(rig_start(&second, &e), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(e.text, "already running"));
    uv_loop_close(&second.loop);
    free(second.config);
    rig_stop(&r, AGENT_STOPPED);
    uv_loop_close(&r.loop);
    free(r.config);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, all_that_a_source_gives_reaches_the_hub_once);
    suite_test(s, a_restart_goes_on_where_the_last_commit_was);
    suite_test(s, a_failing_source_is_told_once_and_tried_again);
    suite_test(s, a_hung_source_blocks_nobody_and_is_called_hung);
    suite_test(s, a_stop_does_not_wait_for_a_hung_source);
    suite_test(s, a_second_stop_is_faster);
    suite_test(s, a_batch_over_the_ceiling_is_taken_in_smaller_bites);
    suite_test(s, a_misconfigured_source_is_not_tried_again_before_a_reload);
    suite_test(s, a_reload_during_the_step_that_finds_a_source_misconfigured_has_it_tried_again);
    suite_test(s, a_source_that_stops_signalling_degrades_within_twice_its_budget);
    suite_test(s, a_quiet_source_that_is_caught_up_stays_ok);
    suite_test(s, a_hub_that_refuses_turns_status_red_and_collecting_goes_on);
    suite_test(s, without_a_hub_everything_is_kept);
    suite_test(s, an_agent_whose_token_is_missing_starts_and_says_so);
    suite_test(s, a_damaged_store_is_set_aside_and_the_agent_runs_again);
    suite_test(s, damage_found_while_running_ends_in_a_new_start);
    suite_test(s, a_loose_data_folder_is_refused_with_the_remedy);
    suite_test(s, a_second_agent_on_the_same_store_is_refused);
    suite_test(s, a_second_agent_on_the_same_socket_is_refused);
}

int main(void)
{
    return suite_main("agent: as a whole", add);
}
