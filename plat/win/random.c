/* See random.h. */
#include "plat/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* bcrypt.h needs windows.h before it. */
/* clang-format off */
#include <windows.h>
#include <bcrypt.h>
/* clang-format on */

static void fill(const struct random_source *r, void *bytes, size_t len)
{
    (void)r;
    assert(len <= ULONG_MAX);
    if (BCryptGenRandom(NULL, bytes, (ULONG)len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) {
        fputs("the system has no random numbers\n", stderr);
        abort();
    }
}

const struct random_source *plat_random(void)
{
    static const struct random_source system_random = { .fill = fill };

    return &system_random;
}
