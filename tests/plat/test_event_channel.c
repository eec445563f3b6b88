/* The state machine of an event channel over a log in memory. */
#include "tests/plat/support_channel.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct channel_rig rig;

START_TEST(everything_is_read_from_the_oldest_record_on)
{
    rig_open(&rig, 7, 306, false);
    rig_read_all(&rig);
    rig_assert_took(&rig, 7, 306);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    ck_assert_int_eq(rig.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(rig.report.lag_records, 0);
    ck_assert_int_eq(rig.log.calls[ON_SUBSCRIBE], 1);
    rig_close(&rig);
}
END_TEST

START_TEST(an_empty_channel_is_attached_and_leaves_the_mark_empty)
{
    rig_open(&rig, 1, 0, false);
    rig_read(&rig, 10);
    ck_assert_int_eq(rig.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(rig.report.more, false);
    ck_assert_str_eq(buf_text(&rig.mark), "");
    ck_assert(rig.log.armed);
    rig.log.next_id = 4;
    rig_read(&rig, 10);
    rig_assert_took(&rig, 1, 3);
    rig_close(&rig);
}
END_TEST

START_TEST(the_signal_is_cleared_before_records_are_asked_for_and_armed_when_drained)
{
    rig_open(&rig, 1, 30, false);
    rig_read(&rig, 10);
    ck_assert_int_eq(rig.log.resets, 1);
    ck_assert(!rig.log.armed);
    ck_assert(rig.report.more);
    rig_read_all(&rig);
    ck_assert(rig.log.armed);
    rig_close(&rig);
}
END_TEST

START_TEST(a_restart_goes_on_after_the_committed_mark_with_nothing_lost_or_twice)
{
    rig_open(&rig, 1, 100, false);
    rig_read(&rig, 33);
    rig_restart(&rig, false);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 100);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    ck_assert_uint_eq(rig.log.subscribed_after, 33);
    rig_close(&rig);
}
END_TEST

START_TEST(a_commit_that_failed_reads_the_same_records_again)
{
    char before[CHANNEL_MARK_MAX];

    rig_open(&rig, 1, 100, false);
    rig_read(&rig, 20);
    snprintf(before, sizeof before, "%s", buf_text(&rig.mark));
    rig_read(&rig, 20);
    buf_clear(&rig.mark);
    buf_str(&rig.mark, before);
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 21, 100);
    rig_close(&rig);
}
END_TEST

START_TEST(records_overwritten_while_the_agent_was_away_are_a_gap)
{
    rig_open(&rig, 1, 100, false);
    rig_read_all(&rig);
    rig.log.oldest = 151;
    rig.log.next_id = 301;
    rig_restart(&rig, false);
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 151, 300);
    rig_assert_gap(&rig, "log-wrapped", "101", "150");
    rig_close(&rig);
}
END_TEST

START_TEST(records_overwritten_below_the_mark_are_no_gap)
{
    rig_open(&rig, 1, 100, false);
    rig_read_all(&rig);
    rig.log.oldest = 101;
    rig.log.next_id = 201;
    rig_restart(&rig, false);
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 101, 200);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(records_overwritten_under_an_open_subscription_are_a_gap)
{
    rig_open(&rig, 1, 100, false);
    rig_read_all(&rig);
    rig.log.oldest = 151;
    rig.log.next_id = 301;
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 151, 300);
    rig_assert_gap(&rig, "log-wrapped", "101", "150");
    rig_close(&rig);
}
END_TEST

static void overwrite_some(struct fake_log *f)
{
    if (f->calls[ON_NEXT] == 2)
        f->oldest = 81;
}

START_TEST(records_overwritten_between_two_calls_of_one_read_are_a_gap)
{
    rig_open(&rig, 1, 200, false);
    rig.log.during_next = overwrite_some;
    rig_read(&rig, 1000);
    rig_assert_gap(&rig, "log-wrapped", "65", "80");
    ck_assert_int_eq(rig.taken.count, 200 - 16);
    rig_close(&rig);
}
END_TEST

START_TEST(a_cleared_log_that_counts_anew_is_a_gap_and_read_from_its_start)
{
    rig_open(&rig, 1, 500, false);
    rig_read_all(&rig);
    rig.log.oldest = 1;
    rig.log.next_id = 21;
    rig.log.created = 2000;
    rig.log.time_base = 9000;
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 20);
    rig_assert_gap(&rig, "log-cleared", "501", "");
    rig_close(&rig);
}
END_TEST

START_TEST(a_cleared_log_that_has_grown_past_the_mark_is_known_by_its_records_time)
{
    rig_open(&rig, 1, 50, false);
    rig_read_all(&rig);
    rig.log.next_id = 81;
    rig.log.time_base = 9000;
    rig_restart(&rig, false);
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 80);
    rig_assert_gap(&rig, "log-cleared", "51", "");
    rig_close(&rig);
}
END_TEST

START_TEST(a_cleared_log_whose_numbers_go_on_loses_only_what_was_not_read)
{
    rig_open(&rig, 1, 50, false);
    rig_read_all(&rig);
    rig.log.oldest = 61;
    rig.log.next_id = 71;
    rig.log.created = 2000;
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_assert_took(&rig, 61, 70);
    rig_assert_gap(&rig, "log-cleared", "51", "60");
    rig_close(&rig);
}
END_TEST

START_TEST(a_log_cleared_and_still_empty_is_told_once)
{
    rig_open(&rig, 1, 50, false);
    rig_read_all(&rig);
    rig.log.oldest = 0;
    rig.log.next_id = 0;
    rig_forget_taken(&rig);
    rig_read_all(&rig);
    rig_read_all(&rig);
    rig_assert_gap(&rig, "log-cleared", "51", "");
    rig.log.oldest = 1;
    rig.log.next_id = 4;
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 3);
    ck_assert_int_eq(rig.taken.gap_count, 1);
    rig_close(&rig);
}
END_TEST

START_TEST(a_count_that_is_wrong_for_a_moment_does_not_read_the_log_again)
{
    rig_open(&rig, 1, 50, false);
    rig_read_all(&rig);
    rig_forget_taken(&rig);
    rig.log.counts_past = true;
    rig_read_all(&rig);
    rig.log.counts_past = false;
    rig.log.next_id = 61;
    rig_read_all(&rig);
    rig_assert_took(&rig, 51, 60);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(a_bookmark_that_is_not_matched_any_more_is_found_by_its_number)
{
    rig_open(&rig, 1, 100, false);
    rig_read(&rig, 40);
    rig_restart(&rig, false);
    fake_fail(&rig.log, ON_SUBSCRIBE, CHANNEL_MARK_GONE, 1);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 100);
    ck_assert_uint_eq(rig.log.subscribed_after, 0);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(many_records_below_the_mark_are_passed_over_in_bounded_reads)
{
    int reads = 0;

    rig_open(&rig, 1, 10000, false);
    while (rig.taken.count < 9990)
        rig_read(&rig, 9990 - rig.taken.count);
    rig_restart(&rig, false);
    fake_fail(&rig.log, ON_SUBSCRIBE, CHANNEL_MARK_GONE, 1);
    rig_forget_taken(&rig);
    do {
        rig_read(&rig, 50);
        reads++;
    } while (rig.report.more);
    rig_assert_took(&rig, 9991, 10000);
    ck_assert_int_gt(reads, 2);
    ck_assert_int_eq(rig.log.calls[ON_SUBSCRIBE], 3);
    rig_close(&rig);
}
END_TEST

START_TEST(too_large_a_batch_is_halved_until_it_fits_and_loses_nothing)
{
    rig_open(&rig, 1, 200, false);
    rig.log.batch_limit = 5;
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 200);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(a_halved_batch_grows_back_slowly)
{
    rig_open(&rig, 1, 15000, false);
    rig.log.batch_limit = 40;
    rig_read_all(&rig);
    rig.log.batch_limit = 0;
    rig.log.largest_batch = 0;
    rig.log.next_id = 15200;
    rig_read_all(&rig);
    ck_assert_int_lt(rig.log.largest_batch, CHANNEL_BATCH_MAX);
    ck_assert_int_ge(rig.log.largest_batch, 32);
    rig_assert_took(&rig, 1, 15199);
    rig_close(&rig);
}
END_TEST

START_TEST(a_record_too_large_on_its_own_is_a_state_and_not_an_endless_loop)
{
    rig_open(&rig, 1, 10, false);
    fake_fail(&rig.log, ON_NEXT, CHANNEL_TOO_LARGE, 1000);
    rig_read(&rig, 10);
    ck_assert_int_eq(rig.report.state, STREAM_RETRYING);
    ck_assert_int_le(rig.log.calls[ON_NEXT], 10);
    rig_close(&rig);
}
END_TEST

START_TEST(a_stale_subscription_is_renewed_in_the_same_read)
{
    rig_open(&rig, 1, 100, false);
    rig_read(&rig, 64);
    fake_fail(&rig.log, ON_NEXT, CHANNEL_STALE, 1);
    rig_read(&rig, 64);
    ck_assert_int_eq(rig.report.state, STREAM_ATTACHED);
    rig_assert_took(&rig, 1, 100);
    ck_assert_int_eq(rig.log.calls[ON_SUBSCRIBE], 2);
    rig_close(&rig);
}
END_TEST

START_TEST(trouble_in_the_middle_of_a_read_keeps_what_was_taken)
{
    rig_open(&rig, 1, 100, false);
    fake_fail(&rig.log, ON_NEXT, CHANNEL_AWAY, 1);
    rig.log.after[ON_NEXT] = 1;
    rig_read(&rig, 1000);
    ck_assert_int_eq(rig.report.state, STREAM_ATTACHED);
    ck_assert(rig.report.more);
    rig_assert_took(&rig, 1, 64);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 100);
    rig_close(&rig);
}
END_TEST

START_TEST(a_record_that_can_not_be_rendered_is_a_gap_and_reading_goes_on)
{
    rig_open(&rig, 1, 20, false);
    rig.log.unreadable = 7;
    rig_read_all(&rig);
    ck_assert_int_eq(rig.taken.count, 19);
    rig_assert_gap(&rig, "record-unreadable", "7", "7");
    rig_close(&rig);
}
END_TEST

START_TEST(a_service_that_goes_away_while_rendering_is_not_the_records_fault)
{
    rig_open(&rig, 1, 20, false);
    fake_fail(&rig.log, ON_RENDER, CHANNEL_AWAY, 1);
    rig_read(&rig, 50);
    ck_assert_int_eq(rig.report.state, STREAM_RETRYING);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 20);
    rig_close(&rig);
}
END_TEST

START_TEST(a_record_whose_handle_died_is_read_over_a_new_subscription)
{
    rig_open(&rig, 1, 20, false);
    fake_fail(&rig.log, ON_RENDER, CHANNEL_STALE, 1);
    rig.log.after[ON_RENDER] = 7;
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 20);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    ck_assert_int_eq(rig.log.calls[ON_SUBSCRIBE], 2);
    rig_close(&rig);
}
END_TEST

START_TEST(a_record_that_fails_over_every_subscription_is_given_up_as_a_gap)
{
    rig_open(&rig, 1, 20, false);
    fake_fail(&rig.log, ON_RENDER, CHANNEL_FAILED, 3);
    rig_read_all(&rig);
    ck_assert_int_eq(rig.taken.count, 19);
    ck_assert_uint_eq(rig.taken.ids[0], 2);
    rig_assert_gap(&rig, "record-unreadable", "1", "1");
    rig_close(&rig);
}
END_TEST

START_TEST(a_record_without_a_number_is_given_up_as_a_gap)
{
    rig_open(&rig, 1, 20, false);
    fake_fail(&rig.log, ON_RECORD, CHANNEL_FAILED, 3);
    rig_read_all(&rig);
    ck_assert_int_eq(rig.taken.count, 19);
    rig_assert_gap(&rig, "record-unreadable", "", "");
    rig_close(&rig);
}
END_TEST

START_TEST(a_subscription_that_fails_tells_no_gap_and_moves_no_mark)
{
    char before[CHANNEL_MARK_MAX];

    rig_open(&rig, 1, 100, false);
    rig_read_all(&rig);
    snprintf(before, sizeof before, "%s", buf_text(&rig.mark));
    rig.log.oldest = 151;
    rig.log.next_id = 301;
    rig_forget_taken(&rig);
    fake_fail(&rig.log, ON_SUBSCRIBE, CHANNEL_AWAY, 3);
    for (int i = 0; i < 3; i++) {
        rig_read(&rig, 50);
        ck_assert_int_eq(rig.report.state, STREAM_RETRYING);
        ck_assert_str_eq(buf_text(&rig.mark), before);
    }
    ck_assert_int_eq(rig.taken.gap_count, 0);
    rig_read_all(&rig);
    rig_assert_gap(&rig, "log-wrapped", "101", "150");
    rig_close(&rig);
}
END_TEST

START_TEST(an_absent_channel_is_picked_up_when_it_appears)
{
    rig_open(&rig, 1, 20, false);
    fake_fail(&rig.log, ON_INFO, CHANNEL_MISSING, 2);
    rig_read(&rig, 50);
    ck_assert_int_eq(rig.report.state, STREAM_ABSENT);
    rig_read(&rig, 50);
    ck_assert_int_eq(rig.report.state, STREAM_ABSENT);
    rig_read(&rig, 50);
    ck_assert_int_eq(rig.report.state, STREAM_ATTACHED);
    rig_assert_took(&rig, 1, 20);
    rig_close(&rig);
}
END_TEST

START_TEST(a_filtered_log_that_went_round_past_foreign_records_has_no_gap)
{
    rig_open(&rig, 1, 3000, true);
    rig.log.every = 1000;
    rig_read_all(&rig);
    ck_assert_int_eq(rig.taken.count, 3);
    for (int i = 0; i < 20; i++) { /* nothing of ours for a long time, and the log goes round */
        rig.log.every = 100000;
        rig.log.oldest += 500;
        rig.log.next_id += 500;
        rig_read_all(&rig);
    }
    rig_restart(&rig, true);
    rig.log.every = 100;
    rig_forget_taken(&rig);
    rig.log.next_id = 13501;
    rig_read_all(&rig);
    ck_assert_int_eq(rig.taken.gap_count, 0);
    ck_assert_int_gt(rig.taken.count, 0);
    ck_assert_int_eq(rig.report.lag_records, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(a_filtered_log_moves_its_mark_in_strides)
{
    char before[CHANNEL_MARK_MAX];

    rig_open(&rig, 1, 1000, true);
    rig.log.every = 500;
    rig_read_all(&rig);
    snprintf(before, sizeof before, "%s", buf_text(&rig.mark));
    rig.log.every = 100000;
    rig.log.next_id += 20;
    rig_read_all(&rig);
    ck_assert_str_eq(buf_text(&rig.mark), before);
    rig.log.next_id += 1000;
    rig_read_all(&rig);
    ck_assert_str_ne(buf_text(&rig.mark), before);
    rig_close(&rig);
}
END_TEST

START_TEST(a_subscription_that_stays_silent_over_new_records_is_renewed)
{
    rig_open(&rig, 1, 20, false);
    rig_read_all(&rig);
    rig.log.next_id = 31;
    fake_fail(&rig.log, ON_NEXT, CHANNEL_DRAINED, 8);
    for (int i = 0; i < 8; i++) {
        rig_read(&rig, 50);
        ck_assert_int_eq(rig.report.lag_records, 10);
    }
    ck_assert_int_ge(rig.log.calls[ON_SUBSCRIBE], 2);
    rig_read_all(&rig);
    rig_assert_took(&rig, 1, 30);
    rig_close(&rig);
}
END_TEST

START_TEST(a_mark_of_another_stream_is_refused)
{
    struct event_sink sink = { NULL, NULL, NULL };
    struct buf new_mark;
    struct err e;

    rig_open(&rig, 1, 20, false);
    buf_init(&new_mark, CHANNEL_MARK_MAX);
    ck_assert_int_eq(rig.stream->ops->read(rig.stream, "evtx1 1 2 3 4", 10, 1000, &sink, &new_mark, &rig.report, &e),
                     ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "evtx1 1 2 3 4"));
    buf_free(&new_mark);
    rig_close(&rig);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, everything_is_read_from_the_oldest_record_on);
    suite_test(s, an_empty_channel_is_attached_and_leaves_the_mark_empty);
    suite_test(s, the_signal_is_cleared_before_records_are_asked_for_and_armed_when_drained);
    suite_test(s, a_restart_goes_on_after_the_committed_mark_with_nothing_lost_or_twice);
    suite_test(s, a_commit_that_failed_reads_the_same_records_again);
    suite_test(s, records_overwritten_while_the_agent_was_away_are_a_gap);
    suite_test(s, records_overwritten_below_the_mark_are_no_gap);
    suite_test(s, records_overwritten_under_an_open_subscription_are_a_gap);
    suite_test(s, records_overwritten_between_two_calls_of_one_read_are_a_gap);
    suite_test(s, a_cleared_log_that_counts_anew_is_a_gap_and_read_from_its_start);
    suite_test(s, a_cleared_log_that_has_grown_past_the_mark_is_known_by_its_records_time);
    suite_test(s, a_cleared_log_whose_numbers_go_on_loses_only_what_was_not_read);
    suite_test(s, a_log_cleared_and_still_empty_is_told_once);
    suite_test(s, a_count_that_is_wrong_for_a_moment_does_not_read_the_log_again);
    suite_test(s, a_bookmark_that_is_not_matched_any_more_is_found_by_its_number);
    suite_test(s, many_records_below_the_mark_are_passed_over_in_bounded_reads);
    suite_test(s, too_large_a_batch_is_halved_until_it_fits_and_loses_nothing);
    suite_test(s, a_halved_batch_grows_back_slowly);
    suite_test(s, a_record_too_large_on_its_own_is_a_state_and_not_an_endless_loop);
    suite_test(s, a_stale_subscription_is_renewed_in_the_same_read);
    suite_test(s, trouble_in_the_middle_of_a_read_keeps_what_was_taken);
    suite_test(s, a_record_that_can_not_be_rendered_is_a_gap_and_reading_goes_on);
    suite_test(s, a_service_that_goes_away_while_rendering_is_not_the_records_fault);
    suite_test(s, a_record_whose_handle_died_is_read_over_a_new_subscription);
    suite_test(s, a_record_that_fails_over_every_subscription_is_given_up_as_a_gap);
    suite_test(s, a_record_without_a_number_is_given_up_as_a_gap);
    suite_test(s, a_subscription_that_fails_tells_no_gap_and_moves_no_mark);
    suite_test(s, an_absent_channel_is_picked_up_when_it_appears);
    suite_test(s, a_filtered_log_that_went_round_past_foreign_records_has_no_gap);
    suite_test(s, a_filtered_log_moves_its_mark_in_strides);
    suite_test(s, a_subscription_that_stays_silent_over_new_records_is_renewed);
    suite_test(s, a_mark_of_another_stream_is_refused);
}

int main(void)
{
    return suite_main("plat: event channel", add);
}
