/* The unbroken run of one value in a series of timed observations that may come
 * late, twice or in another order.  Private to model/.
 *
 * Kept of a run: when the value was seen last (time), when it was first seen in
 * this run (since), and when something else was seen last (other).
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct run {
    int64_t *time, *since, *other;
};

/* An observation at time t (above 0) of a value that compares to the kept one
 * as order says (0: the same).  Returns true when it takes the kept one's
 * place; of two values at the same time the larger one stays. */
bool run_take(struct run r, int64_t t, int order);

#endif
