/* How much an agent may send next, as its acknowledgement tells it: so an agent that empties
 * its store slows down before it is sent away, and a fleet that comes back does so before the queue is full.
 *
 * The rule, the lesser of two:
 *   - its credit (limits_rate.h), when there is a rate;
 *   - what the writer's queue has room for: nothing is said of it up to BUDGET_TIGHT_PERCENT full; above, BUDGET_TIGHT
 *     bytes; above BUDGET_SHUT_PERCENT, nothing for BUDGET_SHUT_WAIT_S seconds at least.
 *
 * Pure arithmetic. */
#ifndef HUB_LIMITS_BUDGET_H
#define HUB_LIMITS_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BUDGET_TIGHT_PERCENT = 50,
    BUDGET_SHUT_PERCENT = 75,
    BUDGET_TIGHT = 64 * 1024,
    BUDGET_SHUT_WAIT_S = 2,
};

struct send_budget {
    bool told;     /* false: there is nothing that it should hear */
    int64_t bytes; /* of unpacked bodies */
    int wait_s;    /* when bytes is 0: the least to wait; else 0 */
};

/* credit and credit_wait_s as of rate_budget(), queue_percent as of writer_load(). */
struct send_budget budget_of(int64_t credit, int credit_wait_s, int queue_percent);

#endif
