/* Large pages for memory that is filled at once. */
#ifndef PLAT_LARGE_PAGES_H
#define PLAT_LARGE_PAGES_H

#include <stddef.h>

/* Advice to the system: the len bytes at `at`, allocated and not filled yet, are about to be written from end to end.
 * Where it has large pages it may take them for the whole ones in there; else nothing happens.  What is in the memory
 * stays.  Any thread. */
void plat_large_pages(void *at, size_t len);

#endif
