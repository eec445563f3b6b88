/* See clock.h. */
#include "plat/clock.h"

#include "base/times.h"

#include <windows.h>

/* From 1601, where FILETIME begins, to 1970, in units of 100 ns. */
#define EPOCH_100NS INT64_C(116444736000000000)

/* GetSystemTimePreciseAsFileTime exists from Windows 8 on. */
static int64_t wall_ns(const struct clock *c)
{
    FILETIME t;

    (void)c;
    GetSystemTimeAsFileTime(&t);
    return ((int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) - EPOCH_100NS) * 100;
}

static int64_t monotonic_ns(const struct clock *c)
{
    LARGE_INTEGER now, per_second;
    int64_t whole;

    (void)c;
    QueryPerformanceFrequency(&per_second); /* neither can fail from Windows XP on */
    QueryPerformanceCounter(&now);
    whole = now.QuadPart / per_second.QuadPart;
    return whole * NS_PER_S + (now.QuadPart % per_second.QuadPart) * NS_PER_S / per_second.QuadPart;
}

const struct clock *plat_clock(void)
{
    static const struct clock system_clock = { .wall_ns = wall_ns, .monotonic_ns = monotonic_ns };

    return &system_clock;
}
