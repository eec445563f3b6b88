/* A store too large to be read before it is used: what is known of it at once,
 * and what is found out about it later. */
#include "store/row_sum.h"
#include "tests/store/support.h"
#include "tests/store/support_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 14, ROWS = 500, FILLING = 2000 }; /* 14 MB: more than is read when it is opened */

static struct rig r;

static void tamper(const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

/* Raw events, crashes and lifecycle, opened anew. */
static void open_large(void)
{
    static const enum obs_kind kinds[] = { OBS_EVENT_RAW, OBS_GUEST_LIFECYCLE, OBS_GUEST_CRASH };

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < BATCHES; i++)
        append(&r, kinds[i % 3], ROWS, FILLING, "mark");
    rig_reopen(&r);
}

static int recount_all(int *slices)
{
    bool more = true;
    int rc = 0;

    for (*slices = 0; rc == 0 && more; ++*slices)
        rc = store_recount(r.store, &more, &r.err);
    return rc;
}

static void check_same(const struct store_stats *a, const struct store_stats *b)
{
    ck_assert_uint_eq(a->rows, b->rows);
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert_uint_eq(a->last_seq, b->last_seq);
    ck_assert_uint_eq(a->acked_through, b->acked_through);
}

/* What a store says that has counted everything before it said anything. */
static struct store_stats stats_counted(void)
{
    rig_close(&r);
    r.all_at_once = true;
    rig_open(&r);
    ck_assert(!r.opened.recovered);
    return stats_of(&r);
}

START_TEST(a_large_store_knows_what_it_holds_before_it_has_counted)
{
    struct store_stats before, after, counted;
    int slices;

    open_large();
    before = stats_of(&r);
    ck_assert_uint_eq(before.rows, BATCHES * ROWS);
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_int_gt(slices, 2);
    after = stats_of(&r);
    check_same(&after, &before);
    counted = stats_counted();
    check_same(&counted, &before);
    rig_close(&r);
}
END_TEST

START_TEST(a_small_store_has_nothing_left_to_count)
{
    bool more = true;

    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 10, 100, NULL);
    rig_reopen(&r);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    ck_assert(!more);
    ck_assert_uint_eq(stats_of(&r).rows, 10);
    rig_close(&r);
}
END_TEST

/* Rows come and go on both sides of the walk, and at its end the sums are those of the file. */
START_TEST(what_comes_and_goes_while_it_counts_is_counted_once)
{
    struct store_stats walked, counted;
    bool more = true;
    int slices;

    open_large();
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    ck_assert(more);
    append(&r, OBS_HOST_STORAGE, 100, 300, "later");
    ck_assert_int_eq(store_ack(r.store, ROWS, &r.err), 0);                   /* behind the walk */
    ck_assert_int_eq(store_set_aside(r.store, 6000, 6009, "no", &r.err), 0); /* before it */
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    ck_assert(more);
    ck_assert_int_eq(store_ack(r.store, 5000, &r.err), 0); /* over it */
    append(&r, OBS_EVENT_RAW, 10, 300, "latest");
    ck_assert_int_eq(recount_all(&slices), 0);
    walked = stats_of(&r);
    ck_assert_uint_eq(walked.rows, BATCHES * ROWS + 100 + 1 + 10 - 10 - 5000);
    check_sound(&r);
    counted = stats_counted();
    check_same(&counted, &walked);
    rig_close(&r);
}
END_TEST

START_TEST(what_is_evicted_while_it_counts_is_counted_once)
{
    struct store_stats walked, counted;
    bool more = true;
    int slices;

    open_large();
    rig_close(&r);
    r.max_bytes = 12 * MIB; /* raw events have to go */
    rig_open(&r);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    ck_assert(more);
    append(&r, OBS_EVENT_RAW, 10, 300, "later");
    ck_assert_uint_gt(stats_of(&r).dropped_total, 0);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    append(&r, OBS_GUEST_CRASH, 500, FILLING, "latest");
    ck_assert_int_eq(recount_all(&slices), 0);
    walked = stats_of(&r);
    check_sound(&r);
    counted = stats_counted();
    check_same(&counted, &walked);
    rig_close(&r);
}
END_TEST

START_TEST(rows_that_are_gone_without_a_word_are_found_missing)
{
    int slices;

    open_large();
    rig_close(&r);
    tamper("DELETE FROM outbox WHERE seq BETWEEN 3000 AND 3009");
    rig_open(&r);
    ck_assert_uint_eq(stats_of(&r).rows, BATCHES * ROWS);
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_uint_eq(stats_of(&r).rows, BATCHES * ROWS - 10);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_row_that_fits_no_number_is_found_at_once_at_the_edges)
{
    open_large();
    rig_close(&r);
    tamper("UPDATE outbox SET seq = 999999 WHERE seq = 3000");
    rig_open(&r);
    ck_assert(r.opened.recovered);
    rig_close(&r);
}
END_TEST

START_TEST(damage_in_the_middle_is_found_later_and_the_next_opening_sets_the_file_aside)
{
    struct store_appended out;
    int slices;

    open_large();
    rig_close(&r);
    tamper("UPDATE outbox SET importance = 77 WHERE seq = 3000");
    rig_open(&r);
    ck_assert(!r.opened.recovered);
    append(&r, OBS_GUEST_CRASH, 1, 100, "new"); /* does not wait for it */
    ck_assert_int_eq(recount_all(&slices), ERR_CORRUPT);
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, NULL, &out), ERR_CORRUPT);
    rig_close(&r);
    r.all_at_once = true;
    rig_open(&r);
    ck_assert(r.opened.recovered);
    rig_close(&r);
}
END_TEST

/* ---- a ledger that is not what the file holds --------------------------------------- */

static char kept[RIG_PATH];

static void copy(const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(from, &len);
    FILE *f = fopen(to, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    free(bytes);
}

/* Numbers 1 to 7000, and 500 of which the ledger knows nothing may be put where 500 others were. */
static void keep_large(void)
{
    rig_init(&r);
    snprintf(kept, sizeof kept, "%s/kept.db", temp_dir());
    rig_open(&r);
    for (int i = 0; i < BATCHES; i++)
        append(&r, i < 2 ? OBS_EVENT_RAW : OBS_GUEST_CRASH, ROWS, FILLING, "mark");
    rig_close(&r);
    copy(r.path, kept);
}

static void open_tampered(const char *sql)
{
    copy(kept, r.path);
    tamper(sql);
    rig_open(&r);
    ck_assert_msg(!r.opened.recovered, "%s", sql);
}

START_TEST(rows_that_are_not_what_was_counted_are_not_acknowledged)
{
    static const char *const damage[] = {
        "UPDATE outbox SET importance = -1 WHERE seq = 600",
        "UPDATE outbox SET importance = 6 WHERE seq = 600",
        "UPDATE outbox SET importance = 3 WHERE seq = 600",
        "UPDATE outbox SET payload = zeroblob(2000000) WHERE seq BETWEEN 600 AND 610",
    };
    struct store_appended out;

    keep_large();
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        open_tampered(damage[i]);
        ck_assert_msg(store_ack(r.store, 999, &r.err) == ERR_CORRUPT, "acknowledged: %s", damage[i]);
        ck_assert_ptr_nonnull(strstr(r.err.text, "are not what was counted"));
        ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, NULL, &out), ERR_CORRUPT);
        rig_close(&r);
    }
}
END_TEST

START_TEST(an_outbox_that_holds_more_than_was_counted_is_not_evicted)
{
    static const char *const damage[] = {
        "UPDATE outbox SET importance = 0 WHERE seq BETWEEN 2000 AND 6000",
        "UPDATE outbox SET payload = zeroblob(3000000) WHERE seq < 6",
    };
    struct store_appended out;

    keep_large();
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        r.max_bytes = 64 * MIB;
        open_tampered(damage[i]);
        rig_close(&r);
        r.max_bytes = 2 * MIB;
        rig_open(&r);
        ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, NULL, &out), ERR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(r.err.text, "more than was counted"));
        rig_close(&r);
    }
}
END_TEST

/* The bound is passed by what is not there; there is nothing that could go, and no gap to tell of. */
START_TEST(what_is_counted_and_not_there_makes_nothing_go)
{
    struct store_appended out;
    int slices;

    keep_large();
    copy(kept, r.path);
    tamper("DELETE FROM outbox");
    r.max_bytes = 2 * MIB;
    rig_open(&r);
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 0, 0, "later", &out), 0);
    ck_assert_uint_eq(out.dropped, 0);
    ck_assert_uint_eq(stats_of(&r).last_seq, BATCHES * ROWS);
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_uint_eq(stats_of(&r).rows, 0);
    rig_close(&r);
}
END_TEST

START_TEST(a_large_file_with_an_empty_outbox_has_nothing_left_to_count)
{
    int slices;

    open_large();
    ck_assert_int_eq(store_ack(r.store, BATCHES * ROWS, &r.err), 0);
    rig_reopen(&r);
    ck_assert(!r.opened.recovered);
    ck_assert_uint_eq(stats_of(&r).rows, 0);
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_int_eq(slices, 1);
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 1, 1, NULL).first_seq, BATCHES * ROWS + 1);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_row_before_the_first_number_is_found_at_once)
{
    static const char *const damage[] = { "UPDATE outbox SET seq = -9 WHERE seq = 3000",
                                          "UPDATE outbox SET seq = 0 WHERE seq = 3000" };

    keep_large();
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        copy(kept, r.path);
        tamper(damage[i]);
        rig_open(&r);
        ck_assert_msg(r.opened.recovered, "not noticed: %s", damage[i]);
        rig_close(&r);
        rig_clear(&r);
    }
}
END_TEST

/* Version 2 did not keep what the outbox holds. */
START_TEST(a_large_store_of_version_2_is_counted_when_it_is_opened)
{
    uint64_t sum;
    char sql[256];
    int slices;

    keep_large();
    copy(kept, r.path);
    sum = (uint64_t)row_sum(0, r.opened.agent_id, strlen(r.opened.agent_id));
    sum = row_sum_step(row_sum_step(row_sum_step(row_sum_step(sum, BATCHES * ROWS + 1), 0), 0), 0);
    snprintf(sql, sizeof sql,
             "ALTER TABLE state DROP COLUMN levels; UPDATE state SET sum = %lld;"
             "DELETE FROM migration WHERE version = 3; PRAGMA user_version = 2",
             (long long)sum);
    tamper(sql);
    rig_open(&r);
    ck_assert(!r.opened.recovered && !r.opened.fresh);
    ck_assert_uint_eq(stats_of(&r).rows, BATCHES * ROWS);
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_int_eq(slices, 1);
    rig_close(&r);
}
END_TEST

/* Nothing is lost by it, and the next look goes on where it was. */
START_TEST(a_page_that_can_not_be_read_while_counting_is_an_error)
{
    bool more = true;
    int slices;

    disk_reset();
    rig_init(&r);
    r.vfs = TEST_VFS;
    rig_open(&r);
    for (int i = 0; i < BATCHES; i++)
        append(&r, OBS_EVENT_RAW, ROWS, FILLING, "mark");
    rig_reopen(&r);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), 0);
    disk_plan(DISK_READ_FAILS_ONCE, 10);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), ERR_IO);
    ck_assert(!more);
    ck_assert(disk_met());
    ck_assert_int_eq(recount_all(&slices), 0);
    ck_assert_uint_eq(stats_of(&r).rows, BATCHES * ROWS);
    ck_assert_int_eq(store_ack(r.store, 100, &r.err), 0);
    rig_reopen(&r);
    disk_plan(DISK_READ_FAILS_ONCE, 1);
    ck_assert_int_eq(store_ack(r.store, 3000, &r.err), ERR_IO);
    ck_assert_uint_eq(stats_of(&r).acked_through, 100);
    ck_assert_int_eq(store_ack(r.store, 3000, &r.err), 0);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

/* Copying much would keep the agent waiting, and there may be no room for the copy. */
START_TEST(a_file_of_free_pages_is_left_as_it_is_where_making_it_small_is_dear_or_fails)
{
    uint64_t large;

    disk_reset();
    rig_init(&r);
    r.vfs = TEST_VFS;
    r.max_bytes = 512 * MIB;
    rig_open(&r);
    for (int i = 0; i < 12; i++)
        append(&r, OBS_EVENT_RAW, 1000, 3900, NULL);
    ck_assert_int_eq(store_ack(r.store, 9500, &r.err), 0);
    large = stats_of(&r).file_bytes;
    rig_reopen(&r);
    ck_assert_uint_gt(stats_of(&r).file_bytes, 40 * MIB); /* 10 MB are in use */
    ck_assert_int_eq(store_ack(r.store, 11990, &r.err), 0);
    rig_close(&r);
    disk_plan(DISK_FULL, 1);
    rig_open(&r);
    ck_assert_uint_gt(stats_of(&r).file_bytes, 40 * MIB);
    disk_plan(DISK_GOOD, 0);
    append(&r, OBS_EVENT_RAW, 1, 1, NULL);
    ck_assert_uint_eq(stats_of(&r).rows, 11);
    rig_reopen(&r);
    ck_assert_uint_lt(stats_of(&r).file_bytes, MIB);
    ck_assert_uint_gt(large, 40 * MIB);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_of_free_pages_is_left_as_it_is_where_making_it_small_is_dear_or_fails);
    suite_test(s, rows_that_are_not_what_was_counted_are_not_acknowledged);
    suite_test(s, an_outbox_that_holds_more_than_was_counted_is_not_evicted);
    suite_test(s, what_is_counted_and_not_there_makes_nothing_go);
    suite_test(s, a_large_file_with_an_empty_outbox_has_nothing_left_to_count);
    suite_test(s, a_row_before_the_first_number_is_found_at_once);
    suite_test(s, a_large_store_of_version_2_is_counted_when_it_is_opened);
    suite_test(s, a_page_that_can_not_be_read_while_counting_is_an_error);
    suite_test(s, a_large_store_knows_what_it_holds_before_it_has_counted);
    suite_test(s, a_small_store_has_nothing_left_to_count);
    suite_test(s, what_comes_and_goes_while_it_counts_is_counted_once);
    suite_test(s, what_is_evicted_while_it_counts_is_counted_once);
    suite_test(s, rows_that_are_gone_without_a_word_are_found_missing);
    suite_test(s, a_row_that_fits_no_number_is_found_at_once_at_the_edges);
    suite_test(s, damage_in_the_middle_is_found_later_and_the_next_opening_sets_the_file_aside);
}

int main(void)
{
    return suite_main("store: counting anew", add);
}
