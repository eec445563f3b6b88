/* Every allocation of the way from a host's captures to the hub's report fails once, and from some on all fail: an
 * error or no matter, nothing that was promised is lost, nothing leaks, and it goes on.
 */
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_ROUNDS = 100, POINTS_MIN = 100, POINTS_MAX = 1000000 };

static struct way way;

/* How many allocations a run from nothing takes. */
static int64_t count_points(void)
{
    int64_t low = 1, high = POINTS_MAX;

    while (low < high) { /* the highest number that is met */
        int64_t middle = low + (high - low + 1) / 2;
        bool met;

        way_clear(&way);
        failing_memory(middle, false);
        (void)way_run(&way);
        met = failing_end();
        low = met ? middle : low;
        high = met ? high : middle - 1;
    }
    return low;
}

static void fail_at(int64_t n, bool lasting, int64_t blocks)
{
    char what[64];
    int rc;

    snprintf(what, sizeof what, "allocation %lld%s", (long long)n, lasting ? " and all after it" : "");
    way_clear(&way);
    failing_memory(n, lasting);
    rc = way_run(&way);
    failing_end();
    ck_assert_msg(rc == 0 || way.err.text[0] != '\0', "%s: error %d without a word, %s", what, rc, way.where);
    ck_assert_msg(failing_blocks() == blocks, "%s: %lld blocks were not freed (%s)", what,
                  (long long)(failing_blocks() - blocks), way.err.text);
    way_check(&way, what);
}

static void fail_each(bool lasting)
{
    int64_t points, step, blocks;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    way_init(&way);
    points = count_points();
    ck_assert_int_gt(points, POINTS_MIN);
    way_clear(&way);
    ck_assert_int_eq(way_run(&way), 0);
    blocks = failing_blocks();
    step = way_stride(points, SHORT_ROUNDS);
    for (int64_t n = 1; n <= points; n += step)
        fail_at(n, lasting, blocks);
    printf("%lld of %lld allocations failed, %s\n", (long long)((points + step - 1) / step), (long long)points,
           lasting ? "and all after each" : "each once");
}

START_TEST(an_allocation_that_fails_once_loses_nothing)
{
    fail_each(false);
}
END_TEST

START_TEST(memory_that_is_gone_for_good_loses_nothing_when_it_is_back)
{
    fail_each(true);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_allocation_that_fails_once_loses_nothing);
    suite_test(s, memory_that_is_gone_for_good_loses_nothing_when_it_is_back);
}

int main(void)
{
    return suite_main("torture: memory", add);
}
