/* See plat/large_pages.h: transparent huge pages.  The advice is for whole pages, so it begins at the one that `at` is
 * in; a system without them, or whose administrator switched them off, says no, which does no harm. */
#include "plat/large_pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void plat_large_pages(void *at, size_t len)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at & ~(page - 1);

    (void)madvise((void *)start, (uintptr_t)at + len - start, MADV_HUGEPAGE);
}
