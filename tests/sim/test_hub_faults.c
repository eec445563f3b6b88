/* Every call of the hub's store that changes its disk goes wrong once: as an I/O error, as a
 * full disk, as the loss of power with torn writes; every allocation of SQLite's fails once; bits turn.
 *
 * A day's work is requests of two agents that overlap.  What was answered must be there
 * afterwards, and when everything is sent again each record is there once. */
#include "base/times.h"
#include "hub/fleet_store.h"
#include "tests/sim/sim_disk.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START (INT64_C(1769846400) * NS_PER_S)

enum { AGENTS = 2, BATCHES = 8, BATCH = 6, LAST = BATCHES * (BATCH - 2) + 2, CALLS_MAX = 20000, POINTS_MIN = 100 };

/* A sanitizer sees in a few rounds what it can see; what survives is for the many without it. */
#ifdef __SANITIZE_ADDRESS__
enum { ROUNDS = 2 };
#else
enum { ROUNDS = 10 };
#endif

static struct sim_disk *disk;
static struct fleet_store *store;
static char path[SIM_DISK_PREFIX];
static struct err err;

/* ---- the hub and its agents ----------------------------------------------------------- */

static int64_t now(const struct clock *c)
{
    (void)c;
    return START;
}

static int try_open(void)
{
    static const struct clock clock = { .wall_ns = now, .monotonic_ns = now };
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options o = {
        .path = path, .foreign_max = 10, .floors = &floors, .clock = &clock, .vfs = SIM_VFS
    };

    return fleet_store_open(&store, &o, &err);
}

static void close_store(void)
{
    fleet_store_close(store);
    store = NULL;
}

static void open_store(void)
{
    ck_assert_msg(try_open() == 0, "%s", err.text);
}

static void setup(uint64_t seed)
{
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s/h.db", temp_dir());
    sim_disk_begin(seed);
    disk = sim_disk_new(path);
}

static void teardown(void)
{
    close_store();
    sim_disk_free(disk);
    disk = NULL;
}

static void make_request(int agent, uint64_t first, struct otlp_request *out)
{
    struct otlp_group *g = calloc(1, sizeof *g);

    ck_assert_ptr_nonnull(g);
    snprintf(g->resource.service_name, sizeof g->resource.service_name, "hvagent");
    snprintf(g->resource.agent_id, sizeof g->resource.agent_id, "A0000000-0000-4000-8000-%012d", agent);
    snprintf(g->resource.host_id, sizeof g->resource.host_id, "HOST-%d", agent);
    obs_batch_init(&g->batch, 1024 * 1024);
    for (uint64_t i = 0; i < BATCH; i++) {
        struct observation *o = obs_new(&g->batch, OBS_GUEST_LIFECYCLE, START, START);

        obs_str(o, ATTR_VM_ID,
                agent == 0 ? "B0000000-0000-4000-8000-000000000001" : "B0000000-0000-4000-8000-000000000002");
        obs_str(o, ATTR_VM_CHANGE, "started");
        obs_body(o, "record");
        o->seq = first + i;
    }
    *out = (struct otlp_request){ .groups = g, .records = BATCH };
}

/* The agent's request from that number on; what the hub answers is kept in acked. */
static int send(int agent, uint64_t first, uint64_t acked[AGENTS])
{
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request };
    int rc;

    make_request(agent, first, &request);
    rc = fleet_store_apply(store, &batch, 1, &err);
    otlp_request_free(&request);
    if (rc == 0 && batch.acked_through > acked[agent])
        acked[agent] = batch.acked_through;
    return rc;
}

/* A request that fails is sent once more, as an agent would, unless the power is gone.  0, or what the first
 * failure was; all of it is done when nothing failed twice. */
static int work(uint64_t acked[AGENTS], bool *done)
{
    int rc = 0, again = 0;

    for (int i = 0; i < BATCHES * AGENTS && again == 0; i++) {
        uint64_t first = 1 + (uint64_t)(i / AGENTS) * (BATCH - 2);
        int failed = send(i % AGENTS, first, acked);

        rc = rc == 0 ? failed : rc;
        if (failed != 0)
            again = sim_disk_dead(disk) ? failed : send(i % AGENTS, first, acked);
    }
    *done = again == 0;
    return rc;
}

/* ---- what must hold ------------------------------------------------------------------- */

static bool check_mark(void *arg, const struct fleet_agent *a)
{
    const uint64_t *acked = arg;
    int agent = a->agent_id[strlen(a->agent_id) - 1] - '0';

    ck_assert_msg(a->high_mark >= acked[agent], "agent %d: at %llu, answered %llu", agent,
                  (unsigned long long)a->high_mark, (unsigned long long)acked[agent]);
    ck_assert_uint_eq(a->missing, 0);
    return true;
}

static bool check_whole(void *arg, const struct fleet_agent *a)
{
    ++*(int *)arg;
    ck_assert_uint_eq(a->high_mark, LAST);
    ck_assert_uint_eq(a->records, LAST);
    return true;
}

static void check_acked(uint64_t acked[AGENTS])
{
    struct fleet_reader reader = { .arg = acked, .agent = check_mark };

    ck_assert_msg(fleet_store_read(store, &reader, &err) == 0, "%s", err.text);
}

/* Everything again: each is there once. */
static void check_resend(void)
{
    uint64_t acked[AGENTS] = { 0 };
    bool done;
    int agents = 0;
    struct fleet_reader reader = { .arg = &agents, .agent = check_whole };

    ck_assert_msg(work(acked, &done) == 0 && done, "%s", err.text);
    ck_assert_int_eq(fleet_store_read(store, &reader, &err), 0);
    ck_assert_int_eq(agents, AGENTS);
}

/* ---- the disk ----------------------------------------------------------------------------- */

START_TEST(an_io_error_at_any_call_fails_the_request_and_changes_nothing)
{
    int64_t n, calls;

    for (n = 1, calls = n; n <= calls && n < CALLS_MAX; n++) {
        uint64_t acked[AGENTS] = { 0 };
        bool done;
        int rc;

        setup((uint64_t)n);
        open_store();
        sim_disk_fail_at(disk, n);
        calls = sim_disk_calls(disk);
        rc = work(acked, &done);
        calls = sim_disk_calls(disk) - calls;
        ck_assert_msg(done && (rc == 0 || rc == ERR_IO), "call %lld: %s", (long long)n, err.text);
        check_acked(acked);
        close_store();
        open_store();
        check_acked(acked);
        check_resend();
        teardown();
    }
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(a_full_disk_is_said_to_be_full_and_works_again_when_there_is_room)
{
    uint64_t acked[AGENTS] = { 0 };
    bool done;

    setup(1);
    open_store();
    ck_assert_int_eq(send(0, 1, acked), 0);
    sim_disk_trouble(disk, SIM_DISK_FULL);
    ck_assert_int_eq(work(acked, &done), ERR_NO_SPACE);
    ck_assert(!done);
    ck_assert_ptr_nonnull(strstr(err.text, "make room on its disk"));
    sim_disk_trouble(disk, SIM_DISK_GOOD);
    check_acked(acked);
    check_resend();
    teardown();
}
END_TEST

/* Loses power at the n-th call of a day; false when the day has fewer. */
static bool lose_power_at(int64_t n, uint64_t seed)
{
    uint64_t acked[AGENTS] = { 0 };
    bool died, done;

    setup(seed);
    open_store();
    sim_disk_die_at(disk, n);
    (void)work(acked, &done);
    close_store(); /* folds the log in, if it still can */
    died = sim_disk_dead(disk);
    sim_disk_power_back(disk, false);
    open_store();
    check_acked(acked);
    check_resend();
    teardown();
    return died;
}

/* One test a round, each with other sectors that survive; together more than a thousand points. */
START_TEST(power_lost_at_any_call_with_torn_writes_loses_nothing_that_was_answered)
{
    int64_t n = 1;

    while (lose_power_at(n, (uint64_t)(_i * CALLS_MAX + n)))
        n++;
    ck_assert_int_ge(n, POINTS_MIN);
}
END_TEST

START_TEST(power_lost_while_the_store_is_made_leaves_a_store_or_none)
{
    bool died = true;

    for (int64_t n = 1; died; n++) {
        setup((uint64_t)n);
        sim_disk_die_at(disk, n);
        if (try_open() == 0)
            close_store();
        died = sim_disk_dead(disk);
        sim_disk_power_back(disk, false);
        open_store();
        check_resend();
        teardown();
    }
}
END_TEST

/* ---- bits ------------------------------------------------------------------------------------ */

START_TEST(a_flipped_bit_is_refused_or_does_no_harm)
{
    uint64_t chance = 1;
    int refused = 0;

    for (int i = 0; i < 300; i++) {
        uint64_t acked[AGENTS] = { 0 };
        bool done;
        int rc;

        setup((uint64_t)i + 1);
        open_store();
        ck_assert_int_eq(work(acked, &done), 0);
        close_store();
        chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (!sim_disk_flip(disk, path, (int64_t)(chance >> 33) % (200 * 1024), (int)(chance >> 30) & 7)) {
            teardown();
            continue;
        }
        rc = try_open();
        if (rc != 0) {
            ck_assert_msg(rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_UNSUPPORTED || rc == ERR_IO, "%d %s", rc,
                          err.text);
            ck_assert_str_ne(err.text, "");
            refused++;
        } else {
            (void)work(acked, &done); /* may fail, and must not crash */
        }
        teardown();
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------ */

static sqlite3_mem_methods real_memory;
static int64_t allocations, allocation_fails;

static bool allowed(void)
{
    return ++allocations != allocation_fails;
}

static void *failing_malloc(int n)
{
    return allowed() ? real_memory.xMalloc(n) : NULL;
}

static void *failing_realloc(void *p, int n)
{
    return allowed() ? real_memory.xRealloc(p, n) : NULL;
}

static void fail_allocations_of_sqlite(void)
{
    sqlite3_mem_methods failing;

    ck_assert_int_eq(sqlite3_shutdown(), SQLITE_OK);
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
}

START_TEST(memory_that_runs_out_fails_the_request_and_loses_nothing)
{
    bool met = true;

    fail_allocations_of_sqlite();
    for (int64_t n = 1; met; n += 1 + n / 20) {
        uint64_t acked[AGENTS] = { 0 };
        bool done;
        int rc;

        setup((uint64_t)n);
        open_store();
        allocations = 0;
        allocation_fails = n;
        rc = work(acked, &done);
        met = allocations >= n;
        allocation_fails = 0;
        ck_assert_msg(rc == 0 || rc == ERR_MEMORY || rc == ERR_IO, "allocation %lld: %d %s", (long long)n, rc,
                      err.text);
        check_acked(acked);
        check_resend();
        teardown();
    }
}
END_TEST

static void add(Suite *s)
{
    TCase *rounds = suite_case(s, "power");

    suite_test(s, an_io_error_at_any_call_fails_the_request_and_changes_nothing);
    suite_test(s, a_full_disk_is_said_to_be_full_and_works_again_when_there_is_room);
    tcase_add_loop_test(rounds, power_lost_at_any_call_with_torn_writes_loses_nothing_that_was_answered, 0, ROUNDS);
    suite_test(s, power_lost_while_the_store_is_made_leaves_a_store_or_none);
    suite_test(s, a_flipped_bit_is_refused_or_does_no_harm);
    suite_test(s, memory_that_runs_out_fails_the_request_and_loses_nothing);
}

int main(void)
{
    return suite_main("sim: faults below the hub's store", add);
}
