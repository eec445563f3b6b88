/* Whole operations of a fleet store, one after the other, each of them broken at every call of the store's body. */
#ifndef TESTS_HUB_SUPPORT_STEPS_H
#define TESTS_HUB_SUPPORT_STEPS_H

#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdbool.h>
#include <stddef.h>

/* What the steps work on. */
extern struct steps_world {
    char path[4200];
    struct test_clock clock;
    struct fleet_store *store; /* its calls go through support_faulty.h */
    int found;                 /* rows that the step has read */
} steps_world;

struct step {
    const char *name;
    int (*run)(struct err *e);
    int want;  /* when nothing fails: 0 or an error */
    bool rows; /* it reads some */
};

/* Two tests of them all, in this order: each call that a step makes fails once, which must be its answer and change
 * nothing, and then it is done; and the first call of each step loses a race, and may be tried again.  list stays the
 * caller's. */
void steps_add(Suite *s, const struct step *list, size_t count);

#endif
