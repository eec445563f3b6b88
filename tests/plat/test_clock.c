/* The system's clocks. */
#include "base/times.h"
#include "plat/clock.h"
#include "tests/support/suite.h"

#include <time.h>

START_TEST(wall_time_is_utc_since_1970)
{
    const struct clock *c = plat_clock();
    int64_t before = (int64_t)time(NULL) * NS_PER_S;
    int64_t now = c->wall_ns(c);

    ck_assert_int_ge(now, before - NS_PER_S);
    ck_assert_int_lt(now, before + 60 * NS_PER_S);
}
END_TEST

START_TEST(monotonic_time_never_goes_back)
{
    const struct clock *c = plat_clock();
    int64_t last = c->monotonic_ns(c), first = last;

    for (int i = 0; i < 100000; i++) {
        int64_t now = c->monotonic_ns(c);

        ck_assert_int_ge(now, last);
        last = now;
    }
    ck_assert_int_gt(last, first);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, wall_time_is_utc_since_1970);
    suite_test(s, monotonic_time_never_goes_back);
}

int main(void)
{
    return suite_main("plat: clock", add);
}
