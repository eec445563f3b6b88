/* Doing a transaction again that lost a race against another hub, or its
 * connection.  Nothing was changed by it, so it is simply done from its start. */
#include "hub/fleet_body.h"

#include <stdlib.h>
#include <time.h>

enum { TRIES_MAX = 12, WAIT_MS_MAX = 64 };

/* Up to 2, 4, ... 64 ms, by chance, so that two hubs do not meet again. */
static void wait_a_little(int tries)
{
    static _Thread_local unsigned seed;
    int most = tries < 6 ? 1 << tries : WAIT_MS_MAX;
    struct timespec pause = { 0, 0 };

    if (seed == 0) {
        clock_gettime(CLOCK_MONOTONIC, &pause);
        seed = (unsigned)pause.tv_nsec | 1u;
    }
    pause = (struct timespec){ .tv_nsec = (rand_r(&seed) % most + 1) * 1000000L };
    nanosleep(&pause, NULL);
}

bool fleet_try_again(struct fleet_store *s, int *tries)
{
    struct fleet_body *b = s->body;

    if (b->ops->again == NULL || !b->ops->again(b) || *tries >= TRIES_MAX)
        return false;
    (*tries)++;
    wait_a_little(*tries);
    return true;
}
