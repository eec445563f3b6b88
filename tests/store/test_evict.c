/* The disk bound: who goes first, what is told, and that a long outage does
 * not fill the store with the telling. */
#include "tests/store/support.h"

#include <stdlib.h>
#include <string.h>

static struct rig r;

static void setup(uint64_t max_bytes)
{
    rig_init(&r);
    r.max_bytes = max_bytes;
    rig_open(&r);
}

static uint64_t gap_number(const struct observation *o, const char *key)
{
    return strtoull(obs_get_str(o, key), NULL, 10);
}

static size_t count_kind(const struct outbox *all, enum obs_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < all->count; i++)
        n += all->o[i]->kind == kind;
    return n;
}

START_TEST(nothing_goes_while_the_bound_is_kept)
{
    setup(64 * 1024);
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 100, 400, NULL).dropped, 0);
    ck_assert_uint_eq(stats_of(&r).dropped_total, 0);
    ck_assert_uint_eq(stats_of(&r).rows, 100);
    rig_close(&r);
}
END_TEST

START_TEST(the_oldest_go_first_and_a_gap_tells_their_numbers)
{
    const struct observation *gap;
    struct store_appended out;
    struct outbox all;

    setup(64 * 1024);
    append(&r, OBS_EVENT_RAW, 100, 500, NULL);
    out = append(&r, OBS_EVENT_RAW, 50, 500, NULL);
    ck_assert_uint_gt(out.dropped, 0);
    ck_assert_uint_eq(stats_of(&r).dropped_total, out.dropped);
    ck_assert_uint_le(stats_of(&r).bytes, 64 * 1024);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.o[0]->seq, out.dropped + 1);
    gap = find_gap(&all, "store-full", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_uint_eq(gap_number(gap, ATTR_GAP_FROM), 1);
    ck_assert_uint_eq(gap_number(gap, ATTR_GAP_TO), out.dropped);
    ck_assert_int_eq(obs_get_int(gap, ATTR_GAP_COUNT, -1), (int64_t)out.dropped);
    ck_assert_str_eq(obs_get_str(gap, ATTR_SOURCE), "store");
    ck_assert_uint_eq(gap->seq, 151);
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(the_least_important_go_first_whatever_their_age)
{
    static const enum obs_kind kinds[] = { OBS_GUEST_CRASH, OBS_GUEST_INVENTORY, OBS_HOST_STORAGE, OBS_GUEST_LIFECYCLE,
                                           OBS_EVENT_RAW };
    size_t left[OBS_KIND_COUNT];
    struct outbox all;

    setup(64 * 1024);
    for (size_t i = 0; i < 5; i++)
        append(&r, kinds[i], 20, 500, NULL);
    for (int round = 0; round < 12; round++) {
        append(&r, OBS_GUEST_CRASH, 5, 500, NULL);
        outbox_load(&r, &all);
        for (size_t i = 0; i < 5; i++)
            left[i] = count_kind(&all, kinds[i]);
        outbox_free(&all);
        /* Nothing of a level goes while a lower one has anything. */
        for (size_t i = 1; i < 4; i++)
            ck_assert_msg(left[i] == 20 || left[i + 1] == 0, "round %d: %zu left of level %zu, %zu below it", round,
                          left[i], 4 - i, left[i + 1]);
        ck_assert_uint_eq(left[0], 20 + 5 * (size_t)(round + 1));
    }
    ck_assert_uint_eq(left[4], 0);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_long_outage_makes_one_gap_and_not_thousands)
{
    const struct observation *gap;
    struct outbox all;
    uint64_t dropped = 0;

    setup(64 * 1024);
    for (int i = 0; i < 300; i++)
        dropped += append(&r, OBS_EVENT_RAW, 20, 500, NULL).dropped;
    outbox_load(&r, &all);
    ck_assert_uint_eq(count_kind(&all, OBS_GAP), 1);
    gap = find_gap(&all, "store-full", 0);
    ck_assert_int_eq(obs_get_int(gap, ATTR_GAP_COUNT, -1), (int64_t)dropped);
    ck_assert_uint_eq(gap_number(gap, ATTR_GAP_FROM), 1);
    /* The hub takes records in order of their numbers: a hole must come before its reason. */
    ck_assert_uint_lt(gap_number(gap, ATTR_GAP_TO), gap->seq);
    ck_assert_uint_eq(dropped + all.count, stats_of(&r).last_seq);
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_gap_that_was_handed_out_is_never_changed)
{
    const struct observation *first, *second;
    struct outbox before, after;

    setup(64 * 1024);
    append(&r, OBS_EVENT_RAW, 150, 500, NULL);
    outbox_load(&r, &before); /* hands everything out */
    append(&r, OBS_EVENT_RAW, 50, 500, NULL);
    outbox_load(&r, &after);
    ck_assert_uint_eq(count_kind(&after, OBS_GAP), 2);
    first = find_gap(&after, "store-full", 0);
    second = find_gap(&after, "store-full", 1);
    ck_assert_str_eq(first->body, find_gap(&before, "store-full", 0)->body);
    ck_assert_uint_eq(gap_number(second, ATTR_GAP_FROM), gap_number(first, ATTR_GAP_TO) + 1);
    outbox_free(&before);
    outbox_free(&after);
    rig_close(&r);
}
END_TEST

START_TEST(a_gap_above_what_is_acknowledged_goes_on_growing)
{
    struct outbox all;

    setup(64 * 1024);
    append(&r, OBS_GUEST_CRASH, 3, 100, NULL);
    append(&r, OBS_EVENT_RAW, 150, 500, NULL);
    ck_assert_int_eq(store_ack(r.store, 2, &r.err), 0);
    append(&r, OBS_EVENT_RAW, 150, 500, NULL);
    outbox_load(&r, &all);
    ck_assert_uint_eq(count_kind(&all, OBS_GAP), 1);
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_gap_tells_the_earliest_and_the_latest_time_though_the_clock_went_back)
{
    const struct observation *gap;
    struct outbox all;

    setup(64 * 1024);
    append(&r, OBS_EVENT_RAW, 40, 500, NULL);
    r.now -= 3600 * INT64_C(1000000000);
    append(&r, OBS_EVENT_RAW, 40, 500, NULL);
    r.now += 1800 * INT64_C(1000000000);
    append(&r, OBS_EVENT_RAW, 120, 500, NULL);
    outbox_load(&r, &all);
    gap = find_gap(&all, "store-full", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_msg(strstr(gap->body, "seen from 2026-01-31T07:00:00") != NULL, "%s", gap->body);
    ck_assert_msg(strstr(gap->body, "to 2026-01-31T08:00:00") != NULL, "%s", gap->body);
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

START_TEST(a_gap_of_an_earlier_run_is_never_changed)
{
    struct outbox all;

    setup(64 * 1024);
    append(&r, OBS_EVENT_RAW, 150, 500, NULL);
    rig_reopen(&r);
    append(&r, OBS_EVENT_RAW, 50, 500, NULL);
    outbox_load(&r, &all);
    ck_assert_uint_eq(count_kind(&all, OBS_GAP), 2);
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

START_TEST(every_number_is_there_or_in_a_gap_that_counts_it)
{
    uint64_t counted = 0, gaps = 0;
    struct outbox all;

    setup(48 * 1024);
    for (int i = 0; i < 60; i++) {
        append(&r, (enum obs_kind)(1 + i % (OBS_KIND_COUNT - 2)), 7, 100 + i * 7, NULL);
        if (i % 13 == 0)
            rig_reopen(&r);
    }
    outbox_load(&r, &all);
    for (size_t i = 0; i < all.count; i++)
        if (all.o[i]->kind == OBS_GAP) {
            counted += (uint64_t)obs_get_int(all.o[i], ATTR_GAP_COUNT, 0);
            gaps++;
        }
    ck_assert_uint_gt(gaps, 1);
    ck_assert_uint_eq(all.count + counted, stats_of(&r).last_seq);
    ck_assert_uint_eq(counted, stats_of(&r).dropped_total);
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_batch_larger_than_the_bound_is_taken_and_mostly_dropped)
{
    struct store_appended out;

    setup(32 * 1024);
    out = append(&r, OBS_EVENT_RAW, 500, 1000, "far");
    ck_assert_uint_gt(out.dropped, 400);
    ck_assert_uint_le(stats_of(&r).bytes, 32 * 1024);
    ck_assert_str_eq(mark_of(&r), "far");
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(gaps_of_others_go_last_and_only_when_they_alone_fill_the_store)
{
    struct outbox all;

    setup(32 * 1024);
    append(&r, OBS_GAP, 20, 500, NULL);
    append(&r, OBS_GUEST_CRASH, 100, 500, NULL);
    outbox_load(&r, &all);
    ck_assert_uint_eq(count_kind(&all, OBS_GAP), 21);
    outbox_free(&all);
    append(&r, OBS_GAP, 100, 500, NULL);
    outbox_load(&r, &all);
    ck_assert_uint_eq(count_kind(&all, OBS_GUEST_CRASH), 0);
    ck_assert_ptr_nonnull(find_gap(&all, "store-full", 0));
    outbox_free(&all);
    for (int i = 0; i < 50; i++)
        append(&r, OBS_GAP, 20, 500, NULL);
    ck_assert_uint_le(stats_of(&r).bytes, 33 * 1024);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(numbers_of_a_slice_in_hand_can_be_acknowledged_after_eviction)
{
    struct store_slice slice;

    setup(32 * 1024);
    append(&r, OBS_EVENT_RAW, 40, 500, NULL);
    ck_assert_int_eq(store_read(r.store, 0, 10, MIB, &slice, &r.err), 0);
    append(&r, OBS_EVENT_RAW, 60, 500, NULL);
    ck_assert_int_eq(store_ack(r.store, slice.last_seq, &r.err), 0);
    ck_assert_uint_eq(stats_of(&r).acked_through, 10);
    store_slice_free(&slice);
    check_sound(&r);
    rig_reopen(&r);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_smaller_bound_after_reopening_is_kept_from_the_next_append_on)
{
    setup(256 * 1024);
    append(&r, OBS_EVENT_RAW, 400, 500, NULL);
    rig_close(&r);
    r.max_bytes = 32 * 1024;
    rig_open(&r);
    ck_assert_uint_eq(stats_of(&r).rows, 400);
    ck_assert_uint_gt(append(&r, OBS_GUEST_CRASH, 1, 10, NULL).dropped, 300);
    ck_assert_uint_le(stats_of(&r).bytes, 32 * 1024);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(the_gap_row_itself_does_not_break_a_small_bound)
{
    setup(24 * 1024);
    for (int i = 0; i < 300; i++) {
        append(&r, OBS_EVENT_RAW, 1, 100 + i * 37 % 400, NULL);
        ck_assert_uint_le(stats_of(&r).bytes, 24 * 1024);
    }
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(the_file_stays_within_a_few_times_the_bound)
{
    setup(256 * 1024);
    for (int i = 0; i < 400; i++)
        append(&r, OBS_EVENT_RAW, 20, 50 + i * 7 % 900, NULL);
    ck_assert_uint_gt(stats_of(&r).dropped_total, 1000);
    rig_reopen(&r); /* the log is folded in */
    ck_assert_uint_le(stats_of(&r).file_bytes, 3 * 256 * 1024);
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, nothing_goes_while_the_bound_is_kept);
    suite_test(s, the_oldest_go_first_and_a_gap_tells_their_numbers);
    suite_test(s, the_least_important_go_first_whatever_their_age);
    suite_test(s, a_long_outage_makes_one_gap_and_not_thousands);
    suite_test(s, a_gap_that_was_handed_out_is_never_changed);
    suite_test(s, a_gap_above_what_is_acknowledged_goes_on_growing);
    suite_test(s, a_gap_tells_the_earliest_and_the_latest_time_though_the_clock_went_back);
    suite_test(s, a_gap_of_an_earlier_run_is_never_changed);
    suite_test(s, every_number_is_there_or_in_a_gap_that_counts_it);
    suite_test(s, a_batch_larger_than_the_bound_is_taken_and_mostly_dropped);
    suite_test(s, gaps_of_others_go_last_and_only_when_they_alone_fill_the_store);
    suite_test(s, numbers_of_a_slice_in_hand_can_be_acknowledged_after_eviction);
    suite_test(s, a_smaller_bound_after_reopening_is_kept_from_the_next_append_on);
    suite_test(s, the_gap_row_itself_does_not_break_a_small_bound);
    suite_test(s, the_file_stays_within_a_few_times_the_bound);
}

int main(void)
{
    return suite_main("store: evict", add);
}
