/* See limits_budget.h. */
#include "hub/limits_budget.h"

#include <assert.h>

struct send_budget budget_of(int64_t credit, int credit_wait_s, int queue_percent)
{
    struct send_budget b = { 0 };

    assert(credit != 0 || credit_wait_s > 0);
    if (credit >= 0) {
        b.told = true;
        b.bytes = credit;
        b.wait_s = credit == 0 ? credit_wait_s : 0;
    }
    if (queue_percent > BUDGET_TIGHT_PERCENT && (!b.told || b.bytes > BUDGET_TIGHT)) {
        b.told = true;
        b.bytes = BUDGET_TIGHT;
    }
    if (queue_percent > BUDGET_SHUT_PERCENT) {
        b.bytes = 0;
        b.wait_s = b.wait_s > BUDGET_SHUT_WAIT_S ? b.wait_s : BUDGET_SHUT_WAIT_S;
    }
    return b;
}
