/* How long a kernel dump must be, by its kind.  Used by dump_header.c and by
 * the page index (pages.h), which reads the same few words. */
#ifndef TRIAGE_DUMP_EXTENT_H
#define TRIAGE_DUMP_EXTENT_H

#include "base/error.h"
#include "triage/dump_header.h"

#include <stdint.h>

enum {
    RUNS64_MAX = 43,
    RUNS32_MAX = 86,
    RUNS64_AT = 0x88, /* the physical memory block in the header */
    RUNS32_AT = 0x64,
    BITMAP_HEADER = 0x38, /* dumps.md 1.5; the bits follow */
    SUMMARY64_HEADER = 0x28,
    SUMMARY32_HEADER = 0x20,
    RDMP_HEADER = 0x30,
    TRIAGE64_HEADER = 0x80, /* TRIAGE_DUMP64 */
    TRIAGE32_HEADER = 0x68,
};

/* More physical memory than any machine has: 2^40 pages of 4 KiB. */
#define PFN_LIMIT (UINT64_C(1) << 40)

struct dump_bitmap {
    uint64_t bits_at;    /* file offset of the bitmap */
    uint64_t bits;       /* its length in bits */
    uint64_t pages;      /* pages present, as stated */
    uint64_t first_page; /* file offset of the first page */
};

/* Takes the bitmap header (dumps.md 1.5) or the older summary header (1.6)
 * from the BITMAP_HEADER bytes behind the dump header.  False when the signature is wrong or
 * a number is impossible; *why then says which, *at where (from `bytes`). */
bool dump_bitmap_parse(const struct dump_header *h, const unsigned char *bytes, struct dump_bitmap *out,
                       const char **why, uint64_t *at);

/* Sets state, reason and size_needed of a kernel dump whose header (all of it,
 * at `header`) is there.  0, or the reader's error. */
int dump_extent_check(const struct triage_reader *r, struct dump_header *h, const unsigned char *header,
                      struct err *e) MUST_USE;

void dump_header_state(struct dump_header *h, enum dump_state state, uint64_t offset, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
