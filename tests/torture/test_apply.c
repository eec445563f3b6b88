/* Every allocation of taking requests into the hub's store fails once, and from some on all fail: out of memory,
 * nothing of the request is there, nothing leaks, and the same request is taken when memory is back.
 */
#include "hub/fleet_store.h"
#include "model/otlp.h"
#include "plat/clock.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <stdio.h>
#include <string.h>

enum { POINTS_MIN = 50, POINTS_ABOUT = 1000, POINTS_MAX = 100000, SHORT_ROUNDS = 200 };

#define AGENT(id, host)                                                         \
    "{\"resource\":{\"attributes\":["                                           \
    "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"hvagent\"}},"       \
    "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"" id "\"}}," \
    "{\"key\":\"host.id\",\"value\":{\"stringValue\":\"" host "\"}}]},"         \
    "\"scopeLogs\":[{\"logRecords\":["
#define RECORD(seq)                                                                               \
    "{\"timeUnixNano\":\"1769846400000000000\",\"observedTimeUnixNano\":\"1769846400000000000\"," \
    "\"eventName\":\"hyperv.host.inventory\",\"body\":{\"stringValue\":\"x\"},"                   \
    "\"attributes\":[{\"key\":\"hvfleet.seq\",\"value\":{\"intValue\":\"" seq "\"}}]}"
#define END "]}]}"

/* Two agents, a hole, a stranger. */
static const char text[] = "{\"resourceLogs\":[" AGENT("6F9619FF-8B86-D011-B42D-00C04FC964F1", "one")
    RECORD("1") "," RECORD("5") END "," AGENT("6F9619FF-8B86-D011-B42D-00C04FC964F2", "two") RECORD("1") END
    ",{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"y\"}}]}]}]}";

static struct fleet_store *open_new(void)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_store_options options = {
        .path = ":memory:", .foreign_max = 10, .floors = &floors, .clock = plat_clock()
    };
    struct fleet_store *s = NULL;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_open(&s, &options, &e) == 0, "%s", e.text);
    return s;
}

static struct fleet_stats stats_of(struct fleet_store *s)
{
    struct fleet_stats found;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_stats(s, &found, &e) == 0, "%s", e.text);
    return found;
}

static void take_whole(struct fleet_store *s, struct fleet_batch *batch, int64_t n)
{
    struct fleet_stats found;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_apply(s, batch, 1, &e) == 0, "after allocation %lld: %s", (long long)n, e.text);
    found = stats_of(s);
    ck_assert_uint_eq(batch->stored, 3);
    ck_assert_uint_eq(batch->missing, 3);
    ck_assert_uint_eq(found.agents, 2);
    ck_assert_uint_eq(found.foreign, 1);
}

/* Allocation n fails while the request is taken by a store that has nothing yet.  False when there was no n-th. */
static bool fail_at(struct otlp_request *request, int64_t n, bool lasting)
{
    struct fleet_store *s = open_new();
    struct fleet_batch batch = { .request = request };
    struct err e = { 0 };
    bool met;
    int rc;

    failing_memory(n, lasting);
    rc = fleet_store_apply(s, &batch, 1, &e);
    met = failing_end();
    if (rc != 0) {
        struct fleet_stats found = stats_of(s);

        ck_assert_msg(met, "%s", e.text);
        ck_assert_msg(rc == ERR_MEMORY || rc == ERR_IO, "allocation %lld: error %d: %s", (long long)n, rc, e.text);
        ck_assert_msg(e.text[0] != '\0', "allocation %lld: error %d without a word", (long long)n, rc);
        ck_assert_uint_eq(found.agents + found.hosts + found.guests + found.foreign + found.findings, 0);
        take_whole(s, &batch, n);
    }
    fleet_store_close(s);
    return met;
}

static void fail_each(bool lasting, int64_t step)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    struct err e = { 0 };
    int64_t blocks, n = 1;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    ck_assert_msg(otlp_decode_json(text, sizeof text - 1, &limits, &request, &e) == 0, "%s", e.text);
    (void)fail_at(&request, POINTS_MAX, false); /* what is allocated once for the whole program */
    (void)fail_at(&request, 1, false);
    blocks = failing_blocks();
    while (n < POINTS_MAX && fail_at(&request, n, lasting)) {
        ck_assert_msg(failing_blocks() == blocks, "allocation %lld: %lld blocks were not freed", (long long)n,
                      (long long)(failing_blocks() - blocks));
        n += step;
    }
    ck_assert_int_ge(n, POINTS_MIN);
    ck_assert_int_lt(n, POINTS_MAX);
    otlp_request_free(&request);
    printf("%lld allocations failed, %s\n", (long long)((n - 1) / step), lasting ? "and all after each" : "each once");
}

START_TEST(an_allocation_that_fails_once_leaves_nothing_of_a_request)
{
    fail_each(false, 1);
}
END_TEST

START_TEST(memory_that_is_gone_for_good_leaves_nothing_of_a_request)
{
    fail_each(true, way_stride(POINTS_ABOUT, SHORT_ROUNDS));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_allocation_that_fails_once_leaves_nothing_of_a_request);
    suite_test(s, memory_that_is_gone_for_good_leaves_nothing_of_a_request);
}

int main(void)
{
    return suite_main("torture: requests and allocations that fail", add);
}
