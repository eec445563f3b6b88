/* See support_apply.h. */
#include "tests/hub/support_apply.h"

#include "tests/support/suite.h"

#include <stdio.h>

void applying_begin(struct applying *f)
{
    snprintf(f->path, sizeof f->path, "%s/fleet.db", temp_dir());
    test_clock_init(&f->clock);
    f->store = open_store(f->path, &f->clock.clock);
    f->who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
}

void applying_end(struct applying *f)
{
    fleet_store_close(f->store);
}

struct fleet_batch applying_send(struct applying *f, const struct resource *who, uint64_t first, uint64_t last)
{
    struct fleet_batch result;
    struct made m;

    made_init(&m, first);
    made_lifecycle(&m, 1, (int)(last - first + 1), T0 + (int64_t)(first % 1000000) * NS_PER_S);
    result = made_apply(f->store, &m, who);
    made_free(&m);
    return result;
}
