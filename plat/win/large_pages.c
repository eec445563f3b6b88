/* See plat/large_pages.h.  Windows has large pages for those alone who ask for them when they allocate, and who hold a
 * privilege that services do not have. */
#include "plat/large_pages.h"

void plat_large_pages(void *at, size_t len)
{
    (void)at;
    (void)len;
}
