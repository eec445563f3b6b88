/* The seam for time.  Real clocks in plat/posix and plat/win; a simulation
 * brings its own. */
#ifndef PLAT_CLOCK_H
#define PLAT_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ns)(const struct clock *c);      /* UTC, ns since 1970 */
    int64_t (*monotonic_ns)(const struct clock *c); /* for intervals; never goes back */
    void *state;
};

/* The system's clocks; static, thread safe. */
const struct clock *plat_clock(void);

#endif
