/* From the outbox to the hub: slices, acknowledgement, and what the hub refuses. */
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
enum { UNDER_ASAN = 1 };
#elif defined(__has_feature)
enum { UNDER_ASAN = __has_feature(address_sanitizer) };
#else
enum { UNDER_ASAN = 0 };
#endif

static struct rig r;

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
}

START_TEST(reading_an_empty_outbox_gives_nothing)
{
    struct store_slice slice;

    setup();
    ck_assert_int_eq(store_read(r.store, 0, 10, 1000, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 0);
    ck_assert_uint_eq(slice.framed_bytes, 0);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(a_slice_begins_after_the_number_and_ends_at_the_count)
{
    struct store_slice slice;

    setup();
    append(&r, OBS_EVENT_RAW, 20, 10, NULL);
    ck_assert_int_eq(store_read(r.store, 5, 3, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 3);
    ck_assert_uint_eq(slice.first_seq, 6);
    ck_assert_uint_eq(slice.last_seq, 8);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, 18, 100, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 2);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, 20, 100, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, UINT64_MAX, SIZE_MAX, SIZE_MAX, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(a_slice_stays_within_its_bytes_and_says_how_many_they_are)
{
    struct store_slice slice;
    size_t framed = 0;

    setup();
    append(&r, OBS_EVENT_RAW, 100, 200, NULL);
    ck_assert_int_eq(store_read(r.store, 0, 100, 5000, &slice, &r.err), 0);
    ck_assert_uint_gt(slice.count, 2);
    ck_assert_uint_le(slice.framed_bytes, 5000);
    for (size_t i = 0; i < slice.count; i++)
        framed += otlp_framed_size(slice.payloads[i].len);
    ck_assert_uint_eq(slice.framed_bytes, framed);
    ck_assert_uint_gt(framed + otlp_framed_size(slice.payloads[0].len), 5000);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(one_payload_is_given_however_large_it_is)
{
    struct store_slice slice;

    setup();
    append(&r, OBS_EVENT_RAW, 3, 2000, NULL);
    for (size_t max = 0; max < 2; max++) {
        ck_assert_int_eq(store_read(r.store, 0, 100, max, &slice, &r.err), 0);
        ck_assert_uint_eq(slice.count, 1);
        ck_assert_uint_gt(slice.framed_bytes, 2000);
        store_slice_free(&slice);
    }
    rig_close(&r);
}
END_TEST

START_TEST(reading_twice_gives_the_same)
{
    struct store_slice a, b;

    setup();
    append(&r, OBS_GUEST_CRASH, 10, 50, NULL);
    ck_assert_int_eq(store_read(r.store, 2, 5, MIB, &a, &r.err), 0);
    ck_assert_int_eq(store_read(r.store, 2, 5, MIB, &b, &r.err), 0);
    ck_assert_uint_eq(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        ck_assert_uint_eq(a.payloads[i].len, b.payloads[i].len);
        ck_assert_mem_eq(a.payloads[i].bytes, b.payloads[i].bytes, a.payloads[i].len);
    }
    store_slice_free(&a);
    store_slice_free(&b);
    rig_close(&r);
}
END_TEST

START_TEST(a_whole_outbox_can_be_walked_slice_by_slice)
{
    struct store_slice slice;
    uint64_t after = 0, seen = 0;

    setup();
    append(&r, OBS_EVENT_RAW, 1000, 20, NULL);
    do {
        ck_assert_int_eq(store_read(r.store, after, 64, 4096, &slice, &r.err), 0);
        if (slice.count > 0) {
            ck_assert_uint_eq(slice.first_seq, after + 1);
            ck_assert_uint_eq(slice.last_seq, after + slice.count);
            after = slice.last_seq;
        }
        seen += slice.count;
        store_slice_free(&slice);
    } while (after < 1000);
    ck_assert_uint_eq(seen, 1000);
    rig_close(&r);
}
END_TEST

/* ---- acknowledging ---- */

START_TEST(what_is_acknowledged_leaves_the_outbox)
{
    struct store_stats stats;

    setup();
    append(&r, OBS_EVENT_RAW, 10, 10, NULL);
    r.now += 5;
    append(&r, OBS_EVENT_RAW, 10, 10, NULL);
    ck_assert_int_eq(stats_of(&r).oldest_unsent_ns, r.now - 5);
    ck_assert_int_eq(store_ack(r.store, 10, &r.err), 0);
    stats = stats_of(&r);
    ck_assert_uint_eq(stats.rows, 10);
    ck_assert_uint_eq(stats.acked_through, 10);
    ck_assert_int_eq(stats.oldest_unsent_ns, r.now);
    ck_assert_uint_eq(stats.dropped_total, 0);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(acknowledging_again_or_less_changes_nothing)
{
    setup();
    append(&r, OBS_EVENT_RAW, 10, 10, NULL);
    ck_assert_int_eq(store_ack(r.store, 6, &r.err), 0);
    r.now += 1;
    ck_assert_int_eq(store_ack(r.store, 6, &r.err), 0);
    ck_assert_int_eq(store_ack(r.store, 2, &r.err), 0);
    ck_assert_int_eq(store_ack(r.store, 0, &r.err), 0);
    ck_assert_uint_eq(stats_of(&r).acked_through, 6);
    ck_assert_uint_eq(stats_of(&r).rows, 4);
    ck_assert_int_eq(stats_of(&r).last_commit_ns, r.now - 1);
    rig_close(&r);
}
END_TEST

START_TEST(a_hub_that_knows_more_than_the_store_gave_makes_it_go_on_as_a_new_agent)
{
    char old_id[GUID_TEXT_MAX];
    const struct observation *gap;
    struct outbox all;

    setup();
    append(&r, OBS_EVENT_RAW, 10, 10, "m");
    memcpy(old_id, store_agent_id(r.store), sizeof old_id);
    ck_assert_int_eq(store_ack(r.store, 25, &r.err), ERR_CORRUPT);
    ck_assert_int_eq(store_ack(r.store, 5, &r.err), ERR_CORRUPT);
    rig_reopen(&r);
    ck_assert_str_ne(store_agent_id(r.store), old_id);
    ck_assert_str_eq(mark_of(&r), "m");
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, 11);
    gap = find_gap(&all, "store-rolled-back", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_FROM), "11");
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_TO), "25");
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

/* ---- refused by the hub ---- */

START_TEST(what_the_hub_refuses_is_set_aside_and_told)
{
    const struct observation *gap;
    struct store_stats stats;
    struct outbox all;

    setup();
    append(&r, OBS_EVENT_RAW, 10, 10, NULL);
    ck_assert_int_eq(store_set_aside(r.store, 3, 5, "400 Bad Request: \x1B[31mno", &r.err), 0);
    stats = stats_of(&r);
    ck_assert_uint_eq(stats.rows, 8);
    ck_assert_uint_eq(stats.set_aside_total, 3);
    ck_assert_uint_eq(stats.dropped_total, 0);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.o[2]->seq, 6);
    gap = find_gap(&all, "refused-by-hub", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_uint_eq(gap->seq, 11);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_FROM), "3");
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_TO), "5");
    ck_assert_int_eq(obs_get_int(gap, ATTR_GAP_COUNT, 0), 3);
    ck_assert_ptr_nonnull(strstr(gap->body, "400 Bad Request"));
    ck_assert_ptr_null(strchr(gap->body, '\x1B'));
    outbox_free(&all);
    rig_reopen(&r);
    ck_assert_uint_eq(stats_of(&r).set_aside_total, 3);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(setting_aside_what_is_not_there_changes_nothing)
{
    setup();
    append(&r, OBS_EVENT_RAW, 10, 10, NULL);
    ck_assert_int_eq(store_ack(r.store, 5, &r.err), 0);
    r.now++;
    ck_assert_int_eq(store_set_aside(r.store, 2, 5, "x", &r.err), 0);
    ck_assert_int_eq(store_set_aside(r.store, 11, 12, "x", &r.err), 0);
    ck_assert_int_eq(store_set_aside(r.store, 9, 8, "x", &r.err), 0);
    ck_assert_uint_eq(stats_of(&r).rows, 5);
    ck_assert_uint_eq(stats_of(&r).last_seq, 10);
    rig_close(&r);
}
END_TEST

START_TEST(what_is_set_aside_is_bounded_and_the_oldest_goes)
{
    setup();
    for (int i = 0; i < 5; i++) {
        uint64_t before = stats_of(&r).file_bytes;
        struct store_appended a = append(&r, OBS_EVENT_RAW, 1000, 2000, NULL);

        ck_assert_int_eq(store_set_aside(r.store, a.first_seq, a.last_seq, "no", &r.err), 0);
        ck_assert_int_eq(store_ack(r.store, stats_of(&r).last_seq, &r.err), 0);
        if (i >= 3)
            ck_assert_uint_le(stats_of(&r).file_bytes, before + MIB);
    }
    ck_assert_uint_eq(stats_of(&r).set_aside_total, 5000);
    rig_reopen(&r);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

static int64_t aside_bytes(void)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int64_t n;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT sum(length(payload)) FROM set_aside", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

START_TEST(what_is_set_aside_is_bounded_by_its_bytes_too)
{
    enum { ROWS = 300, ROW = 15000, MOST = 4 * MIB };
    static char filling[ROW + 1];
    struct store_appended a;
    struct obs_batch batch;

    setup();
    memset(filling, 'x', ROW);
    obs_batch_init(&batch, 64 * MIB);
    for (int i = 0; i < ROWS; i++)
        obs_str(obs_new(&batch, OBS_EVENT_RAW, r.now, r.now), "filling", filling);
    ck_assert_int_eq(store_append(r.store, HOST, &batch, NULL, 0, &a, &r.err), 0);
    obs_batch_free(&batch);
    ck_assert_int_eq(store_set_aside(r.store, a.first_seq, a.last_seq, "no", &r.err), 0);
    ck_assert_uint_eq(stats_of(&r).set_aside_total, ROWS);
    rig_close(&r);
    ck_assert_int_le(aside_bytes(), MOST);
    ck_assert_int_gt(aside_bytes(), MOST - 2 * ROW);
}
END_TEST

/* The most memory this process ever had, or 0 where the system does not say. */
static long peak_kib(void)
{
    long kib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmHWM: %ld kB", &kib);
    if (f != NULL)
        fclose(f);
    return kib;
}

/* Appends, reads slice by slice, reopens and acknowledges that many thousand rows. */
static void fill_and_drain(int thousands)
{
    struct store_slice slice;
    uint64_t after = stats_of(&r).acked_through;

    for (int i = 0; i < thousands; i++)
        append(&r, OBS_EVENT_RAW, 1000, 300, NULL);
    for (;;) {
        ck_assert_int_eq(store_read(r.store, after, 1000, MIB, &slice, &r.err), 0);
        if (slice.count == 0)
            break;
        after = slice.last_seq;
        store_slice_free(&slice);
    }
    store_slice_free(&slice);
    rig_reopen(&r);
    ck_assert_uint_eq(stats_of(&r).rows, (uint64_t)thousands * 1000);
    ck_assert_int_eq(store_ack(r.store, after, &r.err), 0);
}

START_TEST(a_slice_of_no_size_in_particular_is_all_there_is)
{
    struct store_slice slice;

    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 20, 100, NULL);
    ck_assert_int_eq(store_read(r.store, 0, SIZE_MAX, SIZE_MAX, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 20);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, UINT64_MAX, SIZE_MAX, SIZE_MAX, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    rig_close(&r);
}
END_TEST

START_TEST(files_that_somebody_removed_count_as_nothing_in_the_figures)
{
    char wal[RIG_PATH + 8];

    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 1, 1, NULL);
    ck_assert_uint_gt(stats_of(&r).file_bytes, 0);
    snprintf(wal, sizeof wal, "%s-wal", r.path);
    if (remove(wal) != 0 || remove(r.path) != 0)
        skip("this system does not remove files that are open");
    ck_assert_uint_eq(stats_of(&r).file_bytes, 0);
    ck_assert_uint_eq(stats_of(&r).rows, 1);
    rig_close(&r);
}
END_TEST

START_TEST(ten_times_the_backlog_takes_no_more_memory)
{
    long before, after;

    setup();
    fill_and_drain(10);
    before = peak_kib();
    if (before == 0)
        skip("this system does not say how much memory was used");
    if (UNDER_ASAN)
        skip("the address sanitizer keeps freed memory");
    fill_and_drain(100);
    after = peak_kib();
    ck_assert_int_lt(after - before, 4 * 1024);
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, reading_an_empty_outbox_gives_nothing);
    suite_test(s, a_slice_begins_after_the_number_and_ends_at_the_count);
    suite_test(s, a_slice_stays_within_its_bytes_and_says_how_many_they_are);
    suite_test(s, one_payload_is_given_however_large_it_is);
    suite_test(s, reading_twice_gives_the_same);
    suite_test(s, a_whole_outbox_can_be_walked_slice_by_slice);
    suite_test(s, what_is_acknowledged_leaves_the_outbox);
    suite_test(s, acknowledging_again_or_less_changes_nothing);
    suite_test(s, a_hub_that_knows_more_than_the_store_gave_makes_it_go_on_as_a_new_agent);
    suite_test(s, what_the_hub_refuses_is_set_aside_and_told);
    suite_test(s, setting_aside_what_is_not_there_changes_nothing);
    suite_test(s, what_is_set_aside_is_bounded_by_its_bytes_too);
    suite_test(s, what_is_set_aside_is_bounded_and_the_oldest_goes);
    suite_test(s, a_slice_of_no_size_in_particular_is_all_there_is);
    suite_test(s, files_that_somebody_removed_count_as_nothing_in_the_figures);
    suite_test(s, ten_times_the_backlog_takes_no_more_memory);
}

int main(void)
{
    return suite_main("store: slice", add);
}
