/* See clock.h. */
#include "plat/clock.h"

#include "base/times.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);

    assert(rc == 0); /* both clocks exist on every system this file is for */
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t wall_ns(const struct clock *c)
{
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

static int64_t monotonic_ns(const struct clock *c)
{
    (void)c;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock *plat_clock(void)
{
    static const struct clock system_clock = { .wall_ns = wall_ns, .monotonic_ns = monotonic_ns };

    return &system_clock;
}
