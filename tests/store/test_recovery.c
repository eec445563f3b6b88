/* Damaged, older, newer and foreign files: recovered, migrated or refused, and
 * told either way. */
#include "store/row_sum.h"
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig r;

/* Runs SQL on the closed store's file, as a disk or a person might. */
static void tamper(const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

/* A closed store with 20 observations, 5 of them acknowledged. */
static void make_store(void)
{
    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 20, 300, "mark");
    ck_assert_int_eq(store_ack(r.store, 5, &r.err), 0);
    rig_close(&r);
}

static void overwrite(const char *text, size_t len, long at)
{
    FILE *f = fopen(r.path, "r+b");

    ck_assert_ptr_nonnull(f);
    fseek(f, at, SEEK_SET);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    fclose(f);
}

static void check_recovered(void)
{
    const struct observation *gap;
    struct outbox all;

    rig_open(&r);
    ck_assert(r.opened.recovered);
    ck_assert(r.opened.fresh);
    ck_assert_int_eq(access(r.opened.set_aside, F_OK), 0);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, 1);
    gap = find_gap(&all, "store-corrupt", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_uint_eq(gap->seq, 1);
    ck_assert_ptr_nonnull(strstr(gap->body, ".corrupt-20260131T080000Z"));
    outbox_free(&all);
    ck_assert_str_eq(mark_of(&r), "");
    append(&r, OBS_EVENT_RAW, 3, 10, "new");
    check_sound(&r);
    rig_reopen(&r);
    ck_assert(!r.opened.recovered);
    ck_assert(!r.opened.fresh);
    ck_assert_uint_eq(stats_of(&r).rows, 4);
}

START_TEST(a_file_of_zeroes_is_set_aside_and_the_agent_runs_again)
{
    static const char zeroes[8192];

    make_store();
    ck_assert_int_eq(truncate(r.path, 0), 0);
    overwrite(zeroes, sizeof zeroes, 0);
    check_recovered();
    rig_close(&r);
}
END_TEST

START_TEST(a_file_that_is_no_database_is_set_aside)
{
    make_store();
    overwrite("this is not a database at all, whoever wrote it", 48, 0);
    check_recovered();
    rig_close(&r);
}
END_TEST

START_TEST(a_file_that_was_cut_is_set_aside)
{
    make_store();
    ck_assert_int_eq(truncate(r.path, 4096 * 2 + 100), 0);
    check_recovered();
    rig_close(&r);
}
END_TEST

START_TEST(an_empty_file_is_a_new_store)
{
    make_store();
    ck_assert_int_eq(truncate(r.path, 0), 0);
    rig_open(&r);
    ck_assert(r.opened.fresh);
    ck_assert(!r.opened.recovered);
    rig_close(&r);
}
END_TEST

START_TEST(the_gap_names_the_lost_numbers_when_they_can_still_be_read)
{
    const struct observation *gap;
    char old_id[GUID_TEXT_MAX];
    struct outbox all;

    make_store();
    memcpy(old_id, r.opened.agent_id, sizeof old_id);
    tamper("UPDATE mark SET mark = 'marl'");
    rig_open(&r);
    ck_assert(r.opened.recovered);
    ck_assert_str_ne(r.opened.agent_id, old_id);
    outbox_load(&r, &all);
    gap = find_gap(&all, "store-corrupt", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_FROM), "6");
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_TO), "20");
    ck_assert_str_eq(obs_get_str(gap, "hvfleet.gap.agent_id"), old_id);
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

START_TEST(our_own_checks_find_what_the_database_can_not)
{
    static const char *const damage[] = {
        "UPDATE state SET next_seq = 10",
        "UPDATE state SET next_seq = 21000",
        "UPDATE state SET acked_through = 20",
        "UPDATE state SET acked_through = 7",
        "UPDATE state SET agent_id = 'AAAAAAAA-0000-4000-8000-000000000001'",
        "UPDATE state SET agent_id = 'nobody'",
        "UPDATE state SET dropped_total = -1",
        "UPDATE state SET next_seq = 'x'",
        "DELETE FROM state",
        "UPDATE mark SET source = 'tesu'",
        "UPDATE outbox SET importance = 6 WHERE seq = 9",
        "UPDATE outbox SET importance = -1 WHERE seq = 9",
        "UPDATE outbox SET importance = 'a' WHERE seq = 9",
        "UPDATE outbox SET seq = 1 WHERE seq = 9",
        "UPDATE outbox SET seq = 9999 WHERE seq = 9",
        "UPDATE outbox SET seq = -9 WHERE seq = 9",
        "UPDATE host SET state = x'00'",
        "UPDATE host SET state = state || x'00'",
        "PRAGMA user_version = 1",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 7",
        "DELETE FROM migration",
        "DROP TABLE migration",
        "DROP TABLE outbox",
        "DROP TABLE set_aside",
        "ALTER TABLE outbox RENAME COLUMN payload TO paxload",
    };

    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        make_store();
        tamper(damage[i]);
        rig_open(&r);
        ck_assert_msg(r.opened.recovered, "not noticed: %s", damage[i]);
        rig_close(&r);
    }
}
END_TEST

START_TEST(a_payload_that_changed_on_the_disk_is_not_sent_but_told)
{
    const struct observation *gap;
    struct store_slice slice;
    struct outbox all;

    make_store();
    tamper("UPDATE outbox SET payload = CAST(substr(payload, 1, 50) || x'78' || substr(payload, 52) AS BLOB) WHERE seq "
           "IN (6, 9)");
    tamper("UPDATE outbox SET payload = x'' WHERE seq = 12");
    rig_open(&r);
    ck_assert(!r.opened.recovered);
    ck_assert_int_eq(store_read(r.store, 0, 100, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.first_seq, 7);
    ck_assert_uint_eq(slice.last_seq, 8);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, 8, 100, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.first_seq, 10);
    ck_assert_uint_eq(slice.last_seq, 11);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read(r.store, 11, 100, MIB, &slice, &r.err), 0);
    ck_assert_uint_eq(slice.first_seq, 13);
    store_slice_free(&slice);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, 15);
    gap = find_gap(&all, "record-unreadable", 1);
    ck_assert_ptr_nonnull(gap);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_FROM), "9");
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_TO), "9");
    ck_assert_ptr_nonnull(find_gap(&all, "record-unreadable", 2));
    ck_assert_uint_eq(stats_of(&r).dropped_total, 3);
    outbox_free(&all);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

/* Flips one bit of the file for each round, opens, works, and looks. */
static void flip_round(const char *good, size_t len, size_t bit, const char *path)
{
    char *bytes = malloc(len);
    FILE *f;
    int rc;

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, good, len);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    free(bytes);
    rc = rig_try_open(&r);
    ck_assert_msg(rc == 0, "bit %zu: %s", bit, r.err.text);
    if (!r.opened.fresh) {
        ck_assert_str_eq(mark_of(&r), "mark");
        ck_assert_uint_eq(stats_of(&r).last_seq, 20);
    }
    check_sound(&r);
    append(&r, OBS_EVENT_RAW, 3, 300, "after");
    check_sound(&r);
    rig_reopen(&r);
    ck_assert_msg(!r.opened.recovered, "bit %zu: damaged after work was done", bit);
    ck_assert_str_eq(mark_of(&r), "after");
    rig_close(&r);
}

START_TEST(a_flipped_bit_is_recovered_from_or_does_no_harm)
{
    uint64_t x = 88172645463325252u;
    size_t len;
    char *good;

    make_store();
    good = read_file(r.path, &len);
    for (int i = 0; i < 500; i++) {
        size_t bit;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        /* Half of them in the first page, where it hurts most. */
        bit = i % 2 == 0 ? x % (100 * 8 + 8 * 400) : x % (len * 8);
        flip_round(good, len, bit, r.path);
    }
    free(good);
}
END_TEST

START_TEST(a_flipped_bit_in_the_log_never_brings_half_a_batch)
{
    char wal[RIG_PATH + 8];
    size_t len, wal_len;
    char *good, *good_wal;
    uint64_t x = 42;

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < 10; i++) {
        char mark[8];

        snprintf(mark, sizeof mark, "%d", (i + 1) * 10);
        append(&r, OBS_EVENT_RAW, 10, 100, mark);
    }
    snprintf(wal, sizeof wal, "%s-wal", r.path);
    good = read_file(r.path, &len);
    good_wal = read_file(wal, &wal_len);
    rig_close(&r);
    for (int i = 0; i < 200; i++) {
        size_t at;
        FILE *f = fopen(r.path, "wb");

        x = x * UINT64_C(6364136223846793005) + 1;
        at = (x >> 33) % wal_len;
        ck_assert_uint_eq(fwrite(good, 1, len, f), len);
        fclose(f);
        good_wal[at] = (char)(good_wal[at] ^ 0x10);
        f = fopen(wal, "wb");
        ck_assert_uint_eq(fwrite(good_wal, 1, wal_len, f), wal_len);
        fclose(f);
        good_wal[at] = (char)(good_wal[at] ^ 0x10);
        rig_open(&r);
        if (!r.opened.fresh)
            ck_assert_uint_eq(stats_of(&r).last_seq, strtoull(mark_of(&r), NULL, 10));
        check_sound(&r);
        rig_close(&r);
    }
    free(good);
    free(good_wal);
}
END_TEST

START_TEST(damage_found_while_working_stops_the_store_until_it_is_reopened)
{
    struct store_appended out;
    struct store_stats stats;
    char junk[4096];
    int rc = 0;

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < 40; i++)
        append(&r, OBS_EVENT_RAW, 100, 1000, NULL);
    rig_reopen(&r); /* nothing is cached now but what opening read last */
    memset(junk, 0x5A, sizeof junk);
    for (long page = 1; page < 1000; page++)
        overwrite(junk, sizeof junk, page * 4096);
    for (int i = 0; rc == 0 && i < 100; i++)
        rc = i % 2 == 0 ? store_ack(r.store, 40u * (unsigned)(i + 1), &r.err)
                        : try_append(&r, OBS_EVENT_RAW, 10, 1000, NULL, &out);
    ck_assert_int_eq(rc, ERR_CORRUPT);
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, NULL, &out), ERR_CORRUPT);
    ck_assert_int_eq(store_ack(r.store, 1, &r.err), ERR_CORRUPT);
    ck_assert_int_eq(store_stats(r.store, &stats, &r.err), ERR_CORRUPT);
    rig_reopen(&r);
    ck_assert(r.opened.recovered);
    append(&r, OBS_EVENT_RAW, 1, 1, NULL);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(a_log_left_behind_by_a_removed_file_is_not_played_into_a_new_one)
{
    char wal[RIG_PATH + 8];
    size_t len;
    char *bytes;
    FILE *f;

    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 10, 100, "old");
    snprintf(wal, sizeof wal, "%s-wal", r.path);
    bytes = read_file(wal, &len);
    ck_assert_uint_gt(len, 0);
    rig_close(&r);
    ck_assert_int_eq(remove(r.path), 0);
    f = fopen(wal, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    free(bytes);
    rig_open(&r);
    ck_assert(r.opened.fresh);
    ck_assert_str_eq(mark_of(&r), "");
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 1, 1, "new").first_seq, 1);
    rig_reopen(&r);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

START_TEST(the_log_goes_aside_with_its_file)
{
    char path[600];
    FILE *f;

    make_store();
    overwrite("junk", 4, 0);
    snprintf(path, sizeof path, "%s-wal", r.path);
    f = fopen(path, "wb");
    fputs("junk too", f);
    fclose(f);
    rig_open(&r);
    ck_assert(r.opened.recovered);
    snprintf(path, sizeof path, "%s-wal", r.opened.set_aside);
    ck_assert_int_eq(access(path, F_OK), 0);
    rig_close(&r);
}
END_TEST

START_TEST(files_set_aside_in_one_second_do_not_overwrite_each_other_and_are_bounded)
{
    char first[512] = "", last[512] = "";

    make_store();
    for (int i = 0; i < 9; i++) {
        overwrite("junk", 4, 0);
        rig_open(&r);
        ck_assert(r.opened.recovered);
        ck_assert_str_ne(r.opened.set_aside, last);
        snprintf(last, sizeof last, "%s", r.opened.set_aside);
        if (i == 0)
            snprintf(first, sizeof first, "%s", last);
        rig_close(&r);
    }
    ck_assert_int_eq(access(last, F_OK), 0);
    ck_assert_int_ne(access(first, F_OK), 0);
}
END_TEST

START_TEST(killed_after_setting_aside_and_before_the_new_store_the_gap_is_still_told)
{
    char aside[RIG_PATH + 32];
    struct outbox all;

    make_store();
    snprintf(aside, sizeof aside, "%s.corrupt-20260130T000000Z", r.path);
    ck_assert_int_eq(rename(r.path, aside), 0);
    rig_open(&r);
    ck_assert(r.opened.fresh);
    outbox_load(&r, &all);
    ck_assert_ptr_nonnull(find_gap(&all, "store-corrupt", 0));
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

/* ---- versions ---- */

/* Version 1 as its program made it, with three observations and a mark. */
static void make_version_1(void)
{
    static const char id[] = "0F0E0D0C-0B0A-4908-8706-050403020100";
    char sql[2048], payload[3][32];
    uint64_t sum = (uint64_t)row_sum(0, id, strlen(id));

    sum = row_sum_step(row_sum_step(row_sum_step(row_sum_step(sum, 4), 0), 0), 0);
    tamper("CREATE TABLE migration(version INTEGER PRIMARY KEY, taken INTEGER NOT NULL);"
           "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1), agent_id TEXT NOT NULL,"
           " next_seq INTEGER NOT NULL, acked_through INTEGER NOT NULL, dropped_total INTEGER NOT NULL,"
           " set_aside_total INTEGER NOT NULL, sum INTEGER NOT NULL);"
           "CREATE TABLE outbox(seq INTEGER PRIMARY KEY, importance INTEGER NOT NULL, kind TEXT NOT NULL,"
           " observed INTEGER NOT NULL, sum INTEGER NOT NULL, payload BLOB NOT NULL);"
           "CREATE TABLE mark(source TEXT PRIMARY KEY, mark TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;"
           "INSERT INTO migration VALUES(1, 0);"
           "PRAGMA application_id = 1215713122; PRAGMA user_version = 1");
    snprintf(sql, sizeof sql,
             "INSERT INTO state VALUES(1, '%s', 4, 0, 0, 0, %lld);"
             "INSERT INTO mark VALUES('test', 'old mark', %lld)",
             id, (long long)sum, (long long)row_sum((uint64_t)row_sum(0, "test", 4), "old mark", 8));
    tamper(sql);
    for (int i = 0; i < 3; i++) {
        /* A LogRecord with one attribute hvfleet.seq: field 6 { key, value { int } }. */
        static const unsigned char head[] = { 0x32, 0x11, 0x0A, 0x0B };
        char hex[64] = "";

        memcpy(payload[i], head, sizeof head);
        memcpy(payload[i] + 4, "hvfleet.seq", 11);
        memcpy(payload[i] + 15, "\x12\x02\x18", 3);
        payload[i][18] = (char)(i + 1);
        for (int k = 0; k < 19; k++)
            snprintf(hex + 2 * k, 3, "%02x", (unsigned char)payload[i][k]);
        snprintf(sql, sizeof sql, "INSERT INTO outbox VALUES(%d, 0, 'hyperv.event.raw', 7, %lld, x'%s')", i + 1,
                 (long long)row_sum((uint64_t)i + 1, payload[i], 19), hex);
        tamper(sql);
    }
}

START_TEST(a_store_of_version_1_is_brought_up_to_date_with_all_it_holds)
{
    rig_init(&r);
    make_version_1();
    rig_open(&r);
    ck_assert(!r.opened.fresh);
    ck_assert(!r.opened.recovered);
    ck_assert_str_eq(r.opened.agent_id, "0F0E0D0C-0B0A-4908-8706-050403020100");
    ck_assert_str_eq(mark_of(&r), "old mark");
    ck_assert_uint_eq(stats_of(&r).rows, 3);
    check_sound(&r);
    ck_assert_uint_eq(append(&r, OBS_EVENT_RAW, 1, 1, NULL).first_seq, 4);
    ck_assert_int_eq(store_set_aside(r.store, 1, 1, "x", &r.err), 0);
    rig_reopen(&r);
    ck_assert_uint_eq(stats_of(&r).set_aside_total, 1);
    rig_close(&r);
}
END_TEST

START_TEST(a_database_without_tables_becomes_a_store)
{
    rig_init(&r);
    tamper("PRAGMA user_version = 0; VACUUM");
    rig_open(&r);
    ck_assert(r.opened.fresh);
    append(&r, OBS_EVENT_RAW, 1, 1, NULL);
    rig_close(&r);
}
END_TEST

START_TEST(a_store_of_a_newer_program_is_refused_and_left_as_it_was)
{
    size_t before_len, after_len;
    char *before, *after;

    make_store();
    tamper("INSERT INTO migration VALUES(99, 0); PRAGMA user_version = 99; CREATE TABLE future(x)");
    before = read_file(r.path, &before_len);
    ck_assert_int_eq(rig_try_open(&r), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(r.err.text, "newer"));
    ck_assert_ptr_null(r.store);
    after = read_file(r.path, &after_len);
    ck_assert_uint_eq(after_len, before_len);
    ck_assert_mem_eq(after, before, before_len);
    free(before);
    free(after);
}
END_TEST

START_TEST(somebody_elses_database_is_refused_and_left_alone)
{
    size_t before_len, after_len;
    char *before, *after;

    rig_init(&r);
    tamper("CREATE TABLE recipes(name, cake); INSERT INTO recipes VALUES('a', 'b')");
    before = read_file(r.path, &before_len);
    ck_assert_int_eq(rig_try_open(&r), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(r.err.text, "not a store"));
    after = read_file(r.path, &after_len);
    ck_assert_uint_eq(after_len, before_len);
    ck_assert_mem_eq(after, before, before_len);
    free(before);
    free(after);
}
END_TEST

START_TEST(a_file_of_free_pages_is_made_small_when_it_is_opened)
{
    uint64_t large;

    rig_init(&r);
    r.max_bytes = 512 * MIB;
    rig_open(&r);
    for (int i = 0; i < 12; i++)
        append(&r, OBS_EVENT_RAW, 1000, 3900, NULL);
    ck_assert_int_eq(store_ack(r.store, 11990, &r.err), 0);
    large = stats_of(&r).file_bytes;
    ck_assert_uint_gt(large, 40 * MIB);
    rig_reopen(&r);
    ck_assert_uint_lt(stats_of(&r).file_bytes, MIB);
    ck_assert_uint_eq(stats_of(&r).rows, 10);
    check_sound(&r);
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_of_zeroes_is_set_aside_and_the_agent_runs_again);
    suite_test(s, a_file_that_is_no_database_is_set_aside);
    suite_test(s, a_file_that_was_cut_is_set_aside);
    suite_test(s, an_empty_file_is_a_new_store);
    suite_test(s, the_gap_names_the_lost_numbers_when_they_can_still_be_read);
    suite_test(s, our_own_checks_find_what_the_database_can_not);
    suite_test(s, a_payload_that_changed_on_the_disk_is_not_sent_but_told);
    suite_test(s, a_flipped_bit_is_recovered_from_or_does_no_harm);
    suite_test(s, a_flipped_bit_in_the_log_never_brings_half_a_batch);
    suite_test(s, damage_found_while_working_stops_the_store_until_it_is_reopened);
    suite_test(s, a_log_left_behind_by_a_removed_file_is_not_played_into_a_new_one);
    suite_test(s, the_log_goes_aside_with_its_file);
    suite_test(s, files_set_aside_in_one_second_do_not_overwrite_each_other_and_are_bounded);
    suite_test(s, killed_after_setting_aside_and_before_the_new_store_the_gap_is_still_told);
    suite_test(s, a_store_of_version_1_is_brought_up_to_date_with_all_it_holds);
    suite_test(s, a_database_without_tables_becomes_a_store);
    suite_test(s, a_store_of_a_newer_program_is_refused_and_left_as_it_was);
    suite_test(s, somebody_elses_database_is_refused_and_left_alone);
    suite_test(s, a_file_of_free_pages_is_made_small_when_it_is_opened);
}

int main(void)
{
    return suite_main("store: recovery", add);
}
