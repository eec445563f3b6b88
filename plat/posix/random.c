/* See random.h. */
#include "plat/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void fill(const struct random_source *r, void *bytes, size_t len)
{
    unsigned char *p = bytes;

    (void)r;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "the system has no random numbers: %s\n", strerror(errno));
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

const struct random_source *plat_random(void)
{
    static const struct random_source system_random = { .fill = fill };

    return &system_random;
}
