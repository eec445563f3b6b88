/* What goes out and when, over a real store, with a clock of our own and a target that does as it is told. */
#include "base/text.h"
#include "tests/hub/support_deliver.h"
#include "tests/support/suite.h"

#include <string.h>

#define E1  DELIVER_E1
#define OLD DELIVER_OLD

/* ---- schedules --------------------------------------------------------------------------------- */

/* T0 is 08:00. */
START_TEST(a_report_goes_out_when_it_is_due_and_once)
{
    struct hub_part p;

    deliver_set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = part_start(target_send);
    report_guests(&host_one, 1, 3, OLD);
    run_for(&p, 29 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 2 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 3 of 3 guests need a look");
    ck_assert_int_eq(target.sent[0].kind, JOB_SCHEDULED);
    run_for(&p, 3 * HOURS);
    ck_assert_int_eq(target.count, 1);
    tick_after(&p, 21 * HOURS);
    ck_assert_int_eq(target.count, 2);
    ck_assert_str_ne(target.sent[0].id, target.sent[1].id);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(many_missed_times_are_made_up_for_once)
{
    struct hub_part p;

    deliver_set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    part_end(&p);
    hub_clock.now += 10 * 24 * HOURS;
    p = part_start(target_send);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 2); /* today's own, at 08:30 */
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(a_new_schedule_counts_from_now_on)
{
    struct hub_part p;

    deliver_set_up("{name: daily, schedule: daily 09:00, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    part_end(&p);
    hub_clock.now += 10 * MINUTES; /* 08:10: a daily 08:05 was due between */
    text_copy(deliver_config.delivery.list[0].schedule, DELIVERY_NAME_MAX, "daily 08:05");
    p = part_start(target_send);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 23 * HOURS);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(an_unchanged_report_is_left_out_where_that_is_asked)
{
    struct hub_part p;

    deliver_set_up("{name: daily, schedule: daily 08:30, quiet_when_unchanged: true, " SLACK "}");
    deliver_config.host_silent_ns = 365 * 24 * HOURS;
    p = part_start(target_send);
    report_guests(&host_one, 1, 3, OLD);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 1);
    tick_after(&p, 24 * HOURS);
    ck_assert_int_eq(target.count, 1);
    report_guests(&host_one, 4, 1, OLD);
    tick_after(&p, 24 * HOURS);
    ck_assert_int_eq(target.count, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

/* ---- what is found ------------------------------------------------------------------------------- */

START_TEST(a_thousand_new_drifts_are_one_message)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    for (int i = 0; i < 10; i++) {
        report_guests(&host_one, 1 + 100 * i, 100, OLD);
        tick_after(&p, 2 * SECONDS);
    }
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1000 guests drifted");
    ck_assert_uint_eq(target.sent[0].total, 1000);
    ck_assert_ptr_nonnull(strstr(target.text, "  and 975 more\n"));
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(what_was_there_before_is_not_new)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    report_guests(&host_one, 1, 5, OLD);
    hub_clock.now += 10 * MINUTES;
    p = part_start(target_send);
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    report_guests(&host_one, 6, 1, OLD);
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(solved_and_new_again_is_new_again)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    report_guests(&host_one, 1, 1, E1);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(what_is_solved_before_it_is_told_is_not_told)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 2, OLD);
    tick_after(&p, 10 * SECONDS);
    report_guests(&host_one, 1, 2, E1);
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(another_cluster_is_not_told_of)
{
    struct hub_part p;

    deliver_set_up("{name: a, cluster: prod-a, on: [new-drift], batch: 1m, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    report_guests(&host_two, 11, 4, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(a_silent_host_is_told_once_each_time_it_goes_silent)
{
    struct hub_part p;

    deliver_set_up("{name: hosts, on: [silent-host, gap], batch: 1m, " SLACK "}");
    p = part_start(target_send);
    report_guests(&host_one, 1, 1, E1);
    run_for(&p, 30 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 3 * HOURS); /* silent after one hour */
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1 host silent");
    ck_assert_ptr_nonnull(strstr(target.text, "HV01 (PROD-A): no word for"));
    report_guests(&host_one, 1, 1, E1);
    run_for(&p, 30 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    run_for(&p, 2 * HOURS);
    ck_assert_int_eq(target.count, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(a_change_that_is_committed_late_is_still_told)
{
    struct hub_part p;
    int64_t now;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    hub_clock.now += MINUTES;
    report_guests(&host_one, 1, 1, OLD);
    run_for(&p, 20 * SECONDS);
    now = hub_clock.now; /* received 40 seconds ago, and only there now */
    hub_clock.now -= 40 * SECONDS;
    report_guests(&host_two, 11, 1, OLD);
    hub_clock.now = now;
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(a_clock_that_is_set_back_hides_nothing)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    hub_clock.now -= 3 * HOURS;
    run_for(&p, MINUTES);
    report_guests(&host_two, 11, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    run_for(&p, 4 * HOURS);
    ck_assert_int_eq(target.count, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

/* ---- failures ----------------------------------------------------------------------------------------- */

START_TEST(a_failed_try_is_made_again_later_with_the_same_id)
{
    struct hub_part p;
    char id[DELIVERY_ID_MAX];

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    target.outcome = DELIVER_RETRY;
    run_for(&p, 80 * SECONDS);
    ck_assert_int_eq(target.tries, 1);
    text_copy(id, sizeof id, target.tried_id);
    report_guests(&host_one, 2, 1, OLD); /* comes later, and does not change what is to be told now */
    run_for(&p, 2 * HOURS);
    ck_assert_int_gt(target.tries, 5);
    ck_assert_int_lt(target.tries, 20);
    target.outcome = DELIVER_SENT;
    run_for(&p, 31 * MINUTES);
    ck_assert_int_ge(target.count, 1);
    ck_assert_str_eq(target.sent[0].id, id);
    ck_assert_uint_eq(target.sent[0].total, 1);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    ck_assert_uint_eq(deliver_counters.deliveries_sent, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(the_target_may_say_when_to_come_again)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    target.outcome = DELIVER_RETRY;
    target.retry_after_ns = 2 * HOURS;
    run_for(&p, 110 * MINUTES);
    ck_assert_int_eq(target.tries, 1);
    run_for(&p, 15 * MINUTES);
    ck_assert_int_eq(target.tries, 2);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(a_refused_message_is_given_up_and_its_contents_go_with_the_next)
{
    struct hub_part p;

    deliver_set_up(ON_DRIFT);
    p = part_start(target_send);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 2, OLD);
    target.outcome = DELIVER_REFUSED;
    run_for(&p, 5 * HOURS);
    ck_assert_int_eq(target.tries, 1);
    ck_assert_uint_eq(deliver_counters.deliveries_given_up, 1);
    target.outcome = DELIVER_SENT;
    report_guests(&host_one, 3, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 3);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

START_TEST(after_a_day_in_vain_a_report_is_given_up_and_the_next_is_tried)
{
    struct hub_part p;

    deliver_set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    target.outcome = DELIVER_RETRY;
    run_for(&p, 26 * HOURS);
    ck_assert_uint_eq(deliver_counters.deliveries_given_up, 1);
    target.outcome = DELIVER_SENT;
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_report_goes_out_when_it_is_due_and_once);
    suite_test(s, many_missed_times_are_made_up_for_once);
    suite_test(s, a_new_schedule_counts_from_now_on);
    suite_test(s, an_unchanged_report_is_left_out_where_that_is_asked);
    suite_test(s, a_thousand_new_drifts_are_one_message);
    suite_test(s, what_was_there_before_is_not_new);
    suite_test(s, solved_and_new_again_is_new_again);
    suite_test(s, what_is_solved_before_it_is_told_is_not_told);
    suite_test(s, another_cluster_is_not_told_of);
    suite_test(s, a_silent_host_is_told_once_each_time_it_goes_silent);
    suite_test(s, a_change_that_is_committed_late_is_still_told);
    suite_test(s, a_clock_that_is_set_back_hides_nothing);
    suite_test(s, a_failed_try_is_made_again_later_with_the_same_id);
    suite_test(s, the_target_may_say_when_to_come_again);
    suite_test(s, a_refused_message_is_given_up_and_its_contents_go_with_the_next);
    suite_test(s, after_a_day_in_vain_a_report_is_given_up_and_the_next_is_tried);
}

int main(void)
{
    return suite_main("hub: deliver", add);
}
