/* Every write, sync and truncate that a day's work makes goes wrong once: as an
 * I/O error, as a full disk, as the loss of power. */
#include "base/times.h"
#include "tests/store/support.h"
#include "tests/store/support_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START (INT64_C(1769846400) * NS_PER_S)

enum { STEPS = 14, MAX_BYTES = 20 * 1024, OPERATIONS_MAX = 3000 };

static struct rig r;

/* What the calls that returned 0 promise. */
struct promise {
    uint64_t last_seq; /* of the observations appended */
    uint64_t acked;
    int mark; /* steps whose append succeeded; the mark says which */
};

static void setup(void)
{
    disk_reset();
    if (r.path[0] == '\0')
        rig_init(&r);
    rig_clear(&r);
    r.vfs = TEST_VFS;
    r.max_bytes = MAX_BYTES;
}

/* One step of the day: an append with its mark, every third with an
 * acknowledgement, one with something the hub refuses. */
static int step(int i, struct promise *p)
{
    struct store_appended out = { 0 };
    struct store_stats stats;
    char mark[16];
    int rc;

    snprintf(mark, sizeof mark, "%d", i);
    r.now = START + i * NS_PER_S;
    rc = try_append(&r, i % 2 ? OBS_EVENT_RAW : OBS_GUEST_CRASH, 6, 300, mark, &out);
    if (rc != 0)
        return rc;
    p->mark = i;
    p->last_seq = out.last_seq;
    if (i % 3 == 2 && (rc = store_ack(r.store, out.first_seq, &r.err)) == 0)
        p->acked = out.first_seq;
    if (rc == 0 && i % 7 == 6)
        rc = store_set_aside(r.store, out.first_seq + 1, out.first_seq + 2, "no", &r.err);
    if (rc == 0 && store_stats(r.store, &stats, &r.err) == 0)
        p->last_seq = stats.last_seq;
    return rc;
}

static void check_promise(const struct promise *p, int64_t n)
{
    struct store_stats stats = stats_of(&r);
    int mark = (int)strtol(mark_of(&r), NULL, 10);

    check_sound(&r);
    ck_assert_msg(stats.last_seq >= p->last_seq, "operation %lld: last number %llu, promised %llu", (long long)n,
                  (unsigned long long)stats.last_seq, (unsigned long long)p->last_seq);
    ck_assert_msg(stats.acked_through >= p->acked, "operation %lld: an acknowledgement is lost", (long long)n);
    ck_assert_msg(mark >= p->mark, "operation %lld: mark %d, promised %d", (long long)n, mark, p->mark);
}

/* Every number above what was acknowledged is in the outbox, or told of by a gap. */
static void check_nothing_missing(int64_t n)
{
    struct store_stats stats = stats_of(&r);
    bool *there = calloc(stats.last_seq + 1, sizeof *there);
    struct outbox all;

    ck_assert_ptr_nonnull(there);
    outbox_load(&r, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct observation *o = all.o[i];
        uint64_t from = o->seq, to = o->seq;

        there[o->seq] = true;
        if (o->kind == OBS_GAP) {
            from = strtoull(obs_get_str(o, ATTR_GAP_FROM), NULL, 10);
            to = strtoull(obs_get_str(o, ATTR_GAP_TO), NULL, 10);
        }
        for (uint64_t seq = from; seq <= to && seq <= stats.last_seq; seq++)
            there[seq] = true;
    }
    for (uint64_t seq = stats.acked_through + 1; seq <= stats.last_seq; seq++)
        ck_assert_msg(there[seq], "operation %lld: number %llu is nowhere", (long long)n, (unsigned long long)seq);
    outbox_free(&all);
    free(there);
}

/* The mark of a step is there exactly when its observations are, and what they
 * say of the host. */
static void check_marks_agree(int64_t n)
{
    struct store_stats stats = stats_of(&r);
    uint64_t most = (uint64_t)(strtol(mark_of(&r), NULL, 10) + 1) * 8 + 4;
    uint64_t least = (uint64_t)strtol(mark_of(&r), NULL, 10) * 6;
    struct host host;

    ck_assert_msg(stats.last_seq >= least && stats.last_seq <= most, "operation %lld: mark %s, but numbers up to %llu",
                  (long long)n, mark_of(&r), (unsigned long long)stats.last_seq);
    if (mark_of(&r)[0] == '\0')
        return;
    ck_assert_int_eq(store_host(r.store, &host, &r.err), 0);
    ck_assert_int_eq(host.last_seen, START + strtol(mark_of(&r), NULL, 10) * NS_PER_S);
}

START_TEST(an_io_error_at_any_operation_changes_nothing_and_work_goes_on)
{
    bool met = true;
    int64_t n;

    for (n = 1; met && n < OPERATIONS_MAX; n++) {
        struct promise p = { .mark = -1 };

        setup();
        rig_open(&r);
        disk_plan(DISK_FAILS_ONCE, n);
        for (int i = 0; i < STEPS; i++) {
            struct store_stats before = stats_of(&r), after;
            int rc = step(i, &p);

            if (rc == 0)
                continue;
            ck_assert_msg(rc == ERR_IO, "operation %lld: %s", (long long)n, r.err.text);
            after = stats_of(&r);
            /* The first call of the step failed: as if it had not been made. */
            if (p.mark != i) {
                ck_assert_uint_eq(after.last_seq, before.last_seq);
                ck_assert_uint_eq(after.rows, before.rows);
                ck_assert_uint_eq(after.bytes, before.bytes);
            }
            check_sound(&r);
            ck_assert_int_eq(try_append(&r, OBS_EVENT_RAW, 1, 10, NULL, &(struct store_appended){ 0 }), 0);
        }
        met = disk_met();
        check_promise(&p, n);
        rig_reopen(&r);
        ck_assert(!r.opened.recovered);
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
    }
    ck_assert_int_gt(n, 20);
    ck_assert_int_lt(n, OPERATIONS_MAX);
}
END_TEST

START_TEST(a_full_disk_is_said_to_be_full_and_works_again_when_there_is_room)
{
    bool met = true;
    int64_t n;

    for (n = 1; met && n < OPERATIONS_MAX; n++) {
        struct promise p = { .mark = -1 };
        int rc = 0, failed = 0;

        setup();
        rig_open(&r);
        disk_plan(DISK_FULL, n);
        for (int i = 0; i < STEPS; i++) {
            rc = step(i, &p);
            ck_assert_msg(rc == 0 || rc == ERR_NO_SPACE, "operation %lld: %s", (long long)n, r.err.text);
            failed += rc != 0;
            ck_assert_msg(rc != 0 || failed == 0, "operation %lld: worked on a full disk", (long long)n);
        }
        met = disk_met();
        check_promise(&p, n);
        rig_reopen(&r); /* a full disk is no reason not to start */
        check_promise(&p, n);
        disk_plan(DISK_GOOD, 0);
        append(&r, OBS_GUEST_CRASH, 3, 100, "99");
        rig_reopen(&r);
        ck_assert(!r.opened.recovered);
        ck_assert_str_eq(mark_of(&r), "99");
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
    }
    ck_assert_int_gt(n, 20);
    ck_assert_int_lt(n, OPERATIONS_MAX);
}
END_TEST

static void power_cut_walk(uint64_t seed)
{
    bool met = true;
    int64_t n;

    for (n = 1; met && n < OPERATIONS_MAX; n++) {
        struct promise p = { .mark = -1 };
        int rc = 0;

        setup();
        rig_open(&r);
        disk_plan(DISK_CRASH, n);
        for (int i = 0; rc == 0 && i < STEPS; i++)
            rc = step(i, &p);
        met = disk_met();
        rig_close(&r);
        disk_crash(seed == 0 ? 0 : seed + (uint64_t)n);
        rig_open(&r);
        ck_assert_msg(!r.opened.recovered && !r.opened.fresh, "operation %lld: the store did not survive",
                      (long long)n);
        check_promise(&p, n);
        check_marks_agree(n);
        check_nothing_missing(n);
        append(&r, OBS_GUEST_CRASH, 3, 100, "99");
        rig_reopen(&r);
        ck_assert_str_eq(mark_of(&r), "99");
        check_sound(&r);
        rig_close(&r);
    }
    ck_assert_int_gt(n, 20);
    ck_assert_int_lt(n, OPERATIONS_MAX);
}

START_TEST(power_lost_at_any_operation_loses_nothing_that_was_promised)
{
    power_cut_walk(0);
}
END_TEST

START_TEST(power_lost_with_torn_writes_loses_nothing_that_was_promised)
{
    power_cut_walk(1000);
    power_cut_walk(2000000);
}
END_TEST

START_TEST(power_lost_while_the_store_is_made_leaves_a_store_or_none)
{
    bool met = true;

    for (int64_t n = 1; met; n++) {
        setup();
        disk_plan(DISK_CRASH, n);
        if (rig_try_open(&r) == 0)
            rig_close(&r);
        met = disk_met();
        disk_crash((uint64_t)n);
        rig_open(&r);
        ck_assert_msg(!r.opened.recovered, "operation %lld", (long long)n);
        append(&r, OBS_EVENT_RAW, 1, 1, "m");
        check_sound(&r);
        rig_close(&r);
    }
}
END_TEST

START_TEST(power_lost_while_an_old_log_is_folded_in_loses_nothing)
{
    bool met = true;

    for (int64_t n = 1; met; n++) {
        struct promise p = { .mark = -1 };

        setup();
        rig_open(&r);
        for (int i = 0; i < STEPS; i++)
            ck_assert_int_eq(step(i, &p), 0);
        disk_plan(DISK_CRASH, n);
        rig_close(&r); /* folds the log in */
        met = disk_met();
        disk_crash((uint64_t)n * 7);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
    }
}
END_TEST

/* A batch that makes the log long enough to be folded in on the way, and one more. */
static void busy_day(struct promise *p)
{
    struct store_appended out;

    if (try_append(&r, OBS_EVENT_RAW, 1200, 3900, "1", &out) != 0)
        return;
    p->mark = 1;
    p->last_seq = out.last_seq;
    if (try_append(&r, OBS_EVENT_RAW, 10, 100, "2", &out) != 0)
        return;
    p->mark = 2;
    p->last_seq = out.last_seq;
}

static void busy_day_goes_wrong(enum disk_fault fault, uint64_t seed)
{
    struct promise p = { .mark = -1 };
    int64_t total, n = 0;

    for (int round = 0; round <= 15; round++) {
        setup();
        r.max_bytes = 64 * MIB;
        rig_open(&r);
        disk_plan(round == 0 ? DISK_GOOD : fault, n);
        p = (struct promise){ .mark = -1 };
        busy_day(&p);
        if (round == 0) {
            total = disk_operations();
            ck_assert_int_gt(total, 2000); /* the log, and the file */
            ck_assert_int_eq(p.mark, 2);
        } else if (fault == DISK_FAILS_ONCE) {
            check_promise(&p, n);
        }
        rig_close(&r);
        if (fault == DISK_CRASH)
            disk_crash(seed + (uint64_t)round);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        n = 1 + (int64_t)(seed >> 33) % total;
    }
}

START_TEST(power_lost_while_the_log_is_folded_in_during_work_loses_nothing)
{
    busy_day_goes_wrong(DISK_CRASH, 11);
}
END_TEST

START_TEST(an_io_error_while_the_log_is_folded_in_during_work_loses_nothing)
{
    busy_day_goes_wrong(DISK_FAILS_ONCE, 12);
}
END_TEST

/* Opens a store that has work in its log, and does a little. */
static int open_and_work(struct promise *p)
{
    struct store_appended out;
    int rc = rig_try_open(&r);

    if (rc == 0)
        rc = try_append(&r, OBS_EVENT_RAW, 3, 10, "50", &out);
    if (rc == 0) {
        p->mark = 50;
        p->last_seq = out.last_seq;
        rc = store_ack(r.store, p->acked + 4, &r.err);
    }
    if (rc == 0)
        p->acked += 4;
    return rc;
}

START_TEST(a_read_that_fails_is_an_error_and_no_reason_to_set_the_store_aside)
{
    bool met = true;

    for (int64_t n = 1; met; n++) {
        struct promise p = { .mark = -1 };
        int rc;

        setup();
        rig_open(&r);
        for (int i = 0; i < STEPS; i++)
            ck_assert_int_eq(step(i, &p), 0);
        rig_close(&r);
        disk_plan(DISK_READ_FAILS_ONCE, n);
        rc = open_and_work(&p);
        met = disk_met();
        /* Opening looks twice before it believes in damage, and may have succeeded then. */
        ck_assert_msg(rc == 0 || (met && rc == ERR_IO), "read %lld: %d %s", (long long)n, rc, r.err.text);
        ck_assert(!r.opened.recovered && !r.opened.fresh);
        rig_close(&r);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
    }
}
END_TEST

/* ---- memory ---- */

static sqlite3_mem_methods real_memory;
static int64_t allocations, allocation_fails;

static bool allocation_allowed(void)
{
    return ++allocations != allocation_fails;
}

static void *failing_malloc(int n)
{
    return allocation_allowed() ? real_memory.xMalloc(n) : NULL;
}

static void *failing_realloc(void *p, int n)
{
    return allocation_allowed() ? real_memory.xRealloc(p, n) : NULL;
}

static void fail_allocations_of_sqlite(void)
{
    sqlite3_mem_methods failing;

    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
}

START_TEST(memory_that_runs_out_is_an_error_and_no_reason_to_set_the_store_aside)
{
    bool met = true;

    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    fail_allocations_of_sqlite();
    for (int64_t n = 1; met; n += 1 + n / 40) {
        struct promise p = { .mark = -1 };
        int rc;

        setup();
        rig_open(&r);
        for (int i = 0; i < STEPS; i++)
            ck_assert_int_eq(step(i, &p), 0);
        rig_close(&r);
        allocations = 0;
        allocation_fails = n;
        rc = open_and_work(&p);
        met = allocations >= n;
        allocation_fails = 0;
        /* Some it can do without. */
        ck_assert_msg(rc == 0 || (met && rc == ERR_MEMORY), "allocation %lld: %d %s", (long long)n, rc, r.err.text);
        ck_assert(!r.opened.recovered && !r.opened.fresh);
        rig_close(&r);
        rig_open(&r);
        ck_assert(!r.opened.recovered);
        check_promise(&p, n);
        check_nothing_missing(n);
        rig_close(&r);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_io_error_at_any_operation_changes_nothing_and_work_goes_on);
    suite_test(s, a_full_disk_is_said_to_be_full_and_works_again_when_there_is_room);
    suite_test(s, power_lost_at_any_operation_loses_nothing_that_was_promised);
    suite_test(s, power_lost_with_torn_writes_loses_nothing_that_was_promised);
    suite_test(s, power_lost_while_the_store_is_made_leaves_a_store_or_none);
    suite_test(s, power_lost_while_an_old_log_is_folded_in_loses_nothing);
    suite_test(s, power_lost_while_the_log_is_folded_in_during_work_loses_nothing);
    suite_test(s, a_read_that_fails_is_an_error_and_no_reason_to_set_the_store_aside);
    suite_test(s, memory_that_runs_out_is_an_error_and_no_reason_to_set_the_store_aside);
    suite_test(s, an_io_error_while_the_log_is_folded_in_during_work_loses_nothing);
}

int main(void)
{
    return suite_main("store: faults", add);
}
