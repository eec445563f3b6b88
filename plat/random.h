/* The seam for randomness: ids and the jitter of retries. */
#ifndef PLAT_RANDOM_H
#define PLAT_RANDOM_H

#include <stddef.h>

struct random_source {
    void (*fill)(const struct random_source *r, void *bytes, size_t len);
    void *state;
};

/* The system's generator; thread safe; aborts the program if the system has
 * none, because an agent id that is not unique loses data. */
const struct random_source *plat_random(void);

#endif
