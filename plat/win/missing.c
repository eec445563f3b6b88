/* See missing.h. */
#include "plat/win/missing.h"

#include <string.h>

void *memmem(const void *hay, size_t hay_len, const void *needle, size_t needle_len)
{
    const unsigned char *at = hay, *first = needle;

    if (needle_len == 0)
        return (void *)at;
    while (hay_len >= needle_len) {
        const unsigned char *hit = memchr(at, *first, hay_len - needle_len + 1);

        if (hit == NULL)
            return NULL;
        if (memcmp(hit, needle, needle_len) == 0)
            return (void *)hit;
        hay_len -= (size_t)(hit - at) + 1;
        at = hit + 1;
    }
    return NULL;
}
