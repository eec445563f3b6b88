/* Damage that the sums do not show, damage of which there is more than one file, and what is no damage. */
#include "store/row_sum.h"
#include "tests/store/support.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig r;

static void tamper(const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

/* A closed store with 20 observations about one guest, 5 of them acknowledged. */
static void make_store(void)
{
    struct store_appended out;
    struct obs_batch batch;

    rig_init(&r);
    rig_open(&r);
    append(&r, OBS_EVENT_RAW, 19, 300, "mark");
    obs_batch_init(&batch, MIB);
    obs_str(obs_new(&batch, OBS_GUEST_INVENTORY, r.now, r.now), ATTR_VM_ID, VM_A);
    ck_assert_int_eq(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err), 0);
    obs_batch_free(&batch);
    ck_assert_int_eq(store_ack(r.store, 5, &r.err), 0);
    rig_close(&r);
}

/* ---- sums that are right ------------------------------------------------- */

/* The state row with the numbers given, and the sum that belongs to them. */
static void forge_state(const char *id, const uint64_t numbers[4], const unsigned char *levels, size_t len)
{
    uint64_t sum = (uint64_t)row_sum(0, id, strlen(id));
    char sql[1024], hex[2 * 144 + 1] = "";

    ck_assert_uint_le(len, 144);
    for (int i = 0; i < 4; i++)
        sum = row_sum_step(sum, numbers[i]);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", levels[i]);
    snprintf(sql, sizeof sql,
             "UPDATE state SET agent_id = '%s', next_seq = %lld, acked_through = %lld, dropped_total = %lld,"
             " set_aside_total = %lld, levels = x'%s', sum = %lld",
             id, (long long)numbers[0], (long long)numbers[1], (long long)numbers[2], (long long)numbers[3], hex,
             (long long)(len > 0 ? row_sum(sum, levels, len) : (int64_t)sum));
    tamper(sql);
}

START_TEST(numbers_that_can_not_be_are_damage_even_where_their_sum_is_right)
{
    static const char id[] = "AAAAAAAA-0000-4000-8000-000000000001", small[] = "aaaaaaaa-0000-4000-8000-000000000001";
    const uint64_t good[4] = { 21, 5, 0, 0 }, most = UINT64_C(1) << 63;
    const struct {
        const char *id;
        uint64_t numbers[4];
        int at; /* this byte of the levels is 0x80; -1 none of them */
        size_t len;
        bool damaged;
    } forged[] = {
        { id, { 21, 5, 0, 0 }, -1, 144, false },      { small, { 21, 5, 0, 0 }, -1, 144, true },
        { "nobody", { 21, 5, 0, 0 }, -1, 144, true }, { id, { most, 5, 0, 0 }, -1, 144, true },
        { id, { 21, most, 0, 0 }, -1, 144, true },    { id, { 21, 5, most, 0 }, -1, 144, true },
        { id, { 21, 5, 0, most }, -1, 144, true },    { id, { 21, 21, 0, 0 }, -1, 144, true },
        { id, { 21, 5, 0, 0 }, 7, 144, true },        { id, { 21, 5, 0, 0 }, 15, 144, true },
        { id, { 21, 5, 0, 0 }, 143, 144, true },      { id, { 21, 5, 0, 0 }, -1, 143, true },
        { id, { 21, 5, 0, 0 }, -1, 0, false },
    };

    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        unsigned char levels[144] = { 0 };

        make_store();
        if (forged[i].at >= 0)
            levels[forged[i].at] = 0x80;
        forge_state(forged[i].id, forged[i].numbers, levels, forged[i].len);
        rig_open(&r);
        ck_assert_msg(r.opened.recovered == forged[i].damaged, "forgery %zu: %s", i,
                      forged[i].damaged ? "not noticed" : "refused");
        if (!forged[i].damaged) {
            ck_assert_str_eq(r.opened.agent_id, id);
            ck_assert_uint_eq(stats_of(&r).last_seq, good[0] - 1);
            ck_assert_uint_eq(stats_of(&r).rows, 15); /* counted, whatever the levels say */
        }
        rig_close(&r);
    }
}
END_TEST

static void forge_blob(const char *table, const char *id, const char *bytes)
{
    char sql[256];

    snprintf(sql, sizeof sql, "UPDATE %s SET state = CAST('%s' AS BLOB), sum = %lld", table, bytes,
             (long long)row_sum((uint64_t)row_sum(0, id, strlen(id)), bytes, strlen(bytes)));
    tamper(sql);
}

static bool count_guest(void *arg, const struct guest *g)
{
    (void)g;
    ++*(int *)arg;
    return true;
}

START_TEST(a_guest_that_is_none_is_not_told_even_where_its_sum_is_right)
{
    static const char *const states[] = { "", "no guest" };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        int count = 0;

        make_store();
        forge_blob("guest", VM_A, states[i]);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        ck_assert_int_eq(store_guests(r.store, count_guest, &count, &r.err), 0);
        ck_assert_int_eq(count, 0);
        rig_close(&r);
    }
}
END_TEST

START_TEST(a_host_that_is_none_is_damage_even_where_its_sum_is_right)
{
    static const char *const states[] = { "", "no host" };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        make_store();
        forge_blob("host", "host", states[i]);
        rig_open(&r);
        ck_assert_msg(r.opened.recovered, "not noticed: '%s'", states[i]);
        rig_close(&r);
    }
}
END_TEST

START_TEST(a_header_and_tables_that_say_too_little_are_damage)
{
    static const char *const damage[] = {
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema",
        "DELETE FROM migration; PRAGMA user_version = 0",
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

static void put_byte(const char *path, long at, char byte)
{
    FILE *f = fopen(path, "r+b");

    ck_assert_ptr_nonnull(f);
    fseek(f, at, SEEK_SET);
    ck_assert_int_eq(fputc(byte, f), byte);
    fclose(f);
}

START_TEST(a_header_that_forbids_writing_is_damage)
{
    make_store();
    put_byte(r.path, 18, 3); /* "file format write version": above 2 is for reading only */
    rig_open(&r);
    ck_assert(r.opened.recovered);
    append(&r, OBS_EVENT_RAW, 1, 1, NULL);
    ck_assert_uint_eq(stats_of(&r).rows, 2); /* and the gap */
    rig_close(&r);
}
END_TEST

START_TEST(damage_where_all_was_acknowledged_names_no_numbers)
{
    const struct observation *gap;
    struct outbox all;

    make_store();
    rig_open(&r);
    ck_assert_int_eq(store_ack(r.store, 20, &r.err), 0);
    rig_close(&r);
    tamper("UPDATE mark SET mark = 'marl'");
    rig_open(&r);
    ck_assert(r.opened.recovered);
    outbox_load(&r, &all);
    gap = find_gap(&all, "store-corrupt", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_FROM), "");
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_TO), "");
    ck_assert_str_ne(obs_get_str(gap, "hvfleet.gap.agent_id"), "");
    outbox_free(&all);
    rig_close(&r);
}
END_TEST

/* The page with the marks is changed on the disk while the store is open, and read again. */
START_TEST(a_mark_that_is_damaged_while_the_store_is_open_is_not_handed_out)
{
    struct store_slice slice;
    struct buf mark;
    size_t len;
    char *bytes, *at;

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < 14; i++)
        append(&r, OBS_EVENT_RAW, 500, 2000, "the mark of this test");
    rig_reopen(&r);
    bytes = read_file(r.path, &len);
    at = memmem(bytes, len, "the mark of this test", 21);
    ck_assert_ptr_nonnull(at);
    put_byte(r.path, at - bytes, 'T');
    free(bytes);
    ck_assert_int_eq(store_read(r.store, 0, 100000, 64 * MIB, &slice, &r.err), 0); /* more than is kept in memory */
    store_slice_free(&slice);
    buf_init(&mark, 64);
    ck_assert_int_eq(store_mark_get(r.store, "test", &mark, &r.err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(r.err.text, "the mark of source test is damaged"));
    ck_assert_str_eq(buf_text(&mark), "");
    ck_assert_int_eq(store_mark_get(r.store, "other", &mark, &r.err), ERR_CORRUPT);
    buf_free(&mark);
    rig_close(&r);
}
END_TEST

START_TEST(a_store_found_damaged_answers_no_call)
{
    struct store_appended appended;
    struct store_slice slice;
    struct store_stats stats;
    struct host host;
    bool more = true;
    int guests = 0;

    make_store();
    rig_open(&r);
    ck_assert_int_eq(store_ack(r.store, 1000, &r.err), ERR_CORRUPT); /* older than what the hub knows */
    ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 1, NULL, &appended), ERR_CORRUPT);
    ck_assert_int_eq(store_read(r.store, 0, 10, MIB, &slice, &r.err), ERR_CORRUPT);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    ck_assert_int_eq(store_read_state(r.store, 0, 10, MIB, &slice, &r.err), ERR_CORRUPT);
    ck_assert_uint_eq(slice.count, 0);
    store_slice_free(&slice);
    ck_assert_int_eq(store_set_aside(r.store, 6, 7, "no", &r.err), ERR_CORRUPT);
    ck_assert_int_eq(store_guests(r.store, count_guest, &guests, &r.err), ERR_CORRUPT);
    ck_assert_int_eq(guests, 0);
    ck_assert_int_eq(store_host(r.store, &host, &r.err), ERR_CORRUPT);
    ck_assert_int_eq(store_stats(r.store, &stats, &r.err), ERR_CORRUPT);
    ck_assert_int_eq(store_recount(r.store, &more, &r.err), ERR_CORRUPT);
    ck_assert(!more);
    ck_assert_ptr_nonnull(strstr(r.err.text, "must be opened again"));
    rig_close(&r);
}
END_TEST

/* ---- files set aside ------------------------------------------------------- */

static void put_ruin(const char *ending)
{
    char path[RIG_PATH + 64];
    int fd;

    snprintf(path, sizeof path, "%s.corrupt-%s", r.path, ending);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static bool is_there(const char *ending)
{
    char path[RIG_PATH + 64];

    snprintf(path, sizeof path, "%s.corrupt-%s", r.path, ending);
    return access(path, F_OK) == 0;
}

static void damage_store(void)
{
    make_store();
    tamper("UPDATE mark SET mark = 'marl'");
}

START_TEST(a_file_set_aside_after_the_clock_was_put_back_is_still_the_newest)
{
    damage_store();
    put_ruin("20270101T000000Z");
    rig_open(&r);
    ck_assert(r.opened.recovered);
    ck_assert_ptr_nonnull(strstr(r.opened.set_aside, ".corrupt-20270101T000000Z-01"));
    rig_close(&r);
}
END_TEST

START_TEST(logs_of_files_set_aside_are_no_files_set_aside)
{
    static const char *const names[] = { "20250101T000000Z-wal", "20250102T000000Z-shm", "20250103T000000Z-journal" };
    char other[RIG_PATH + 64];

    damage_store();
    for (int i = 0; i < 3; i++)
        put_ruin(names[i]);
    for (int i = 0; i < 4; i++) {
        char name[32];

        snprintf(name, sizeof name, "2026010%dT000000Z", i + 1);
        put_ruin(name);
    }
    snprintf(other, sizeof other, "%.*s", (int)(strrchr(r.path, '/') - r.path), r.path);
    snprintf(other, sizeof other, "%s", write_file(other, "other.db.corrupt-20200101T000000Z", "", 0));
    rig_open(&r);
    ck_assert(r.opened.recovered);
    ck_assert_int_eq(access(other, F_OK), 0);
    ck_assert(is_there("20260101T000000Z")); /* the fifth is the new one: nothing has to go */
    for (int i = 0; i < 3; i++)
        ck_assert_msg(is_there(names[i]), "%s was removed", names[i]);
    rig_close(&r);
}
END_TEST

START_TEST(where_no_name_is_free_the_damaged_store_is_left_where_it_is)
{
    size_t before, after;

    damage_store();
    put_ruin("20270101T000000Z-99");
    free(read_file(r.path, &before));
    ck_assert_int_eq(rig_try_open(&r), ERR_IO);
    ck_assert_ptr_nonnull(strstr(r.err.text, "no name is free"));
    free(read_file(r.path, &after));
    ck_assert_uint_eq(after, before);
}
END_TEST

START_TEST(hundreds_of_files_set_aside_by_others_are_bounded_by_and_by)
{
    enum { MANY = 300 };
    int left = 0;

    damage_store();
    for (int i = 0; i < MANY; i++) {
        char name[32];

        snprintf(name, sizeof name, "20250101T000%03dZ", i);
        put_ruin(name);
    }
    for (int i = 0; i < 2; i++) {
        rig_open(&r);
        ck_assert(r.opened.recovered);
        append(&r, OBS_EVENT_RAW, 1, 1, "mark");
        rig_close(&r);
        tamper("UPDATE mark SET mark = 'marl'");
        r.now += 1000000000;
    }
    for (int i = 0; i < MANY; i++) {
        char name[32];

        snprintf(name, sizeof name, "20250101T000%03dZ", i);
        left += is_there(name);
    }
    ck_assert_int_le(left, 5);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, numbers_that_can_not_be_are_damage_even_where_their_sum_is_right);
    suite_test(s, a_guest_that_is_none_is_not_told_even_where_its_sum_is_right);
    suite_test(s, a_host_that_is_none_is_damage_even_where_its_sum_is_right);
    suite_test(s, a_header_and_tables_that_say_too_little_are_damage);
    suite_test(s, a_header_that_forbids_writing_is_damage);
    suite_test(s, damage_where_all_was_acknowledged_names_no_numbers);
    suite_test(s, a_mark_that_is_damaged_while_the_store_is_open_is_not_handed_out);
    suite_test(s, a_store_found_damaged_answers_no_call);
    suite_test(s, a_file_set_aside_after_the_clock_was_put_back_is_still_the_newest);
    suite_test(s, logs_of_files_set_aside_are_no_files_set_aside);
    suite_test(s, where_no_name_is_free_the_damaged_store_is_left_where_it_is);
    suite_test(s, hundreds_of_files_set_aside_by_others_are_bounded_by_and_by);
}

int main(void)
{
    return suite_main("store: damage", add);
}
