/* A store of its own, and an agent of HV01 that sends records to it. */
#ifndef TESTS_HUB_SUPPORT_APPLY_H
#define TESTS_HUB_SUPPORT_APPLY_H

#include "tests/hub/support_fleet.h"

struct applying {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
    struct resource who;
};

void applying_begin(struct applying *f);
void applying_end(struct applying *f);

/* Applies records first..last of one agent, about guest 1; the clock stands. */
struct fleet_batch applying_send(struct applying *f, const struct resource *who, uint64_t first, uint64_t last);

#endif
