/* A store too large to be read before it is used: what is known of it at once,
 * and what is found out about it later. */
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
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

static void add(Suite *s)
{
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
