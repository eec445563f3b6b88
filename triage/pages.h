/* Page frame number to file offset, for dumps that hold physical pages.
 *
 * Full dumps list runs, debugger (RDMP) dumps list ranges, the others have a
 * bitmap whose k-th set bit is the k-th page of the file (dumps.md 1.5 to 1.8).
 * For a bitmap only the number of set bits before each slice of it is kept, so
 * that 16 GB of memory cost 512 KiB read once and 128 numbers.
 */
#ifndef TRIAGE_PAGES_H
#define TRIAGE_PAGES_H

#include "triage/dump_extent.h"
#include "triage/dump_header.h"
#include "triage/window.h"

struct page_run {
    uint64_t pfn, count;
    uint64_t before; /* pages of the file that come before this run's */
};

struct pages {
    struct window *window;
    uint64_t first_page;   /* file offset */
    uint64_t present;      /* pages the tables promise */
    struct page_run *runs; /* owned; by rising pfn */
    size_t run_count;
    uint64_t *ranks; /* owned; set bits before each slice */
    size_t rank_count;
    struct dump_bitmap bitmap;
};

enum pages_trouble { PAGES_GOOD, PAGES_BAD_TABLE, PAGES_COUNT_DIFFERS, PAGES_CUT, PAGES_TOO_LARGE };

/* Builds the index.  Anything but PAGES_GOOD and PAGES_COUNT_DIFFERS leaves an
 * index that finds nothing, or what was read before the cut; *at is the file
 * offset of the trouble.  Close it in any case. */
enum pages_trouble pages_open(struct pages *p, struct window *s, const struct dump_header *h, uint64_t *at);
void pages_close(struct pages *p);

/* False when the page is not in the dump. */
bool pages_find(struct pages *p, uint64_t pfn, uint64_t *offset);

#endif
