/* See pages.h. */
#include "triage/pages.h"

#include "triage/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE = 4096, /* bytes of bitmap for which one rank is kept */
    SLICE_BITS = SLICE * 8,
    BITMAP_MAX = 64 << 20,   /* bytes: 2 TB of memory */
    RANGES_MAX = 256 * 1024, /* of an RDMP dump */
    RANGES_READ = 256,
};

static unsigned ones(const unsigned char *p, size_t len)
{
    unsigned n = 0;
    size_t i = 0;

    for (; i + 8 <= len; i += 8)
        n += (unsigned)__builtin_popcountll(le64(p + i));
    for (; i < len; i++)
        n += (unsigned)__builtin_popcount(p[i]);
    return n;
}

static enum pages_trouble open_runs(struct pages *p, const struct dump_header *h, uint64_t *at)
{
    unsigned char header[DUMP_HEADER64_SIZE];
    size_t table = h->is64 ? RUNS64_AT : RUNS32_AT, n;
    uint64_t before = 0;

    *at = table;
    if (!window_read(p->window, 0, header, h->is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE))
        return PAGES_CUT;
    n = le32(header + table);
    if (n == 0 || n > (h->is64 ? RUNS64_MAX : RUNS32_MAX))
        return PAGES_BAD_TABLE;
    p->runs = calloc(n, sizeof *p->runs);
    if (p->runs == NULL)
        return PAGES_TOO_LARGE;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *run = header + table + (h->is64 ? 16 + 16 * i : 8 + 8 * i);
        struct page_run *r = &p->runs[i];

        r->pfn = h->is64 ? le64(run) : le32(run);
        r->count = h->is64 ? le64(run + 8) : le32(run + 4);
        r->before = before;
        if (r->pfn >= PFN_LIMIT || r->count > PFN_LIMIT - before)
            return PAGES_BAD_TABLE;
        before += r->count;
        p->run_count++;
    }
    p->present = before;
    return PAGES_GOOD;
}

static enum pages_trouble open_bitmap(struct pages *p, const struct dump_header *h, uint64_t *at)
{
    unsigned char bytes[SLICE];
    uint64_t len, count = 0;
    const char *why;

    *at = h->is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;
    if (!window_read(p->window, *at, bytes, BITMAP_HEADER))
        return PAGES_CUT;
    if (!dump_bitmap_parse(h, bytes, &p->bitmap, &why, &len))
        return PAGES_BAD_TABLE;
    if (p->bitmap.bits / 8 > BITMAP_MAX)
        return PAGES_TOO_LARGE;
    len = (p->bitmap.bits + 7) / 8;
    p->first_page = p->bitmap.first_page;
    p->present = p->bitmap.pages;
    *at = p->bitmap.bits_at;
    if (*at >= p->window->reader->size)
        return PAGES_CUT;
    p->ranks = calloc((size_t)(len / SLICE) + 1, sizeof *p->ranks);
    if (p->ranks == NULL)
        return PAGES_TOO_LARGE;
    for (uint64_t done = 0; done < len; done += SLICE) {
        size_t n = len - done < SLICE ? (size_t)(len - done) : SLICE;

        if (!window_read(p->window, p->bitmap.bits_at + done, bytes, n))
            return PAGES_CUT;
        p->ranks[p->rank_count++] = count;
        count += ones(bytes, n);
    }
    return count == p->bitmap.pages ? PAGES_GOOD : PAGES_COUNT_DIFFERS;
}

static int by_pfn(const void *a, const void *b)
{
    const struct page_run *x = a, *y = b;

    return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static bool add_range(struct pages *p, size_t *cap, uint64_t pfn, uint64_t count)
{
    if (p->run_count == *cap) {
        size_t more = *cap == 0 ? RANGES_READ : *cap * 2;
        struct page_run *runs = realloc(p->runs, more * sizeof *runs);

        if (runs == NULL)
            return false;
        p->runs = runs;
        *cap = more;
    }
    p->runs[p->run_count++] = (struct page_run){ .pfn = pfn, .count = count, .before = p->present };
    p->present += count;
    return true;
}

/* Ranges follow the header up to the first page; they end at pfn 0 (kernel
 * flavours) or when all pages are accounted for (full). */
static enum pages_trouble open_ranges(struct pages *p, const struct dump_header *h, uint64_t *at)
{
    unsigned char bytes[16];
    uint64_t total, end;
    size_t cap = 0;
    enum pages_trouble trouble = PAGES_GOOD;

    *at = DUMP_HEADER64_SIZE;
    if (!window_read(p->window, DUMP_HEADER64_SIZE + 0x18, bytes, 16))
        return PAGES_CUT;
    end = le64(bytes);
    if (end < DUMP_HEADER64_SIZE + RDMP_HEADER || end >= PFN_LIMIT * DUMP_PAGE)
        return PAGES_BAD_TABLE;
    if (!window_read(p->window, DUMP_HEADER64_SIZE + 0x28, bytes, 8))
        return PAGES_CUT;
    total = h->format == DUMP_FORMAT_RDMP_FULL ? le64(bytes) : UINT64_MAX;
    p->first_page = end;
    for (*at += RDMP_HEADER; *at + 16 <= end && p->present < total; *at += 16) {
        uint64_t pfn, count;

        trouble = PAGES_CUT;
        if (!window_read(p->window, *at, bytes, 16))
            break;
        pfn = le64(bytes);
        count = le64(bytes + 8);
        trouble = PAGES_GOOD;
        if (pfn == 0 && h->format != DUMP_FORMAT_RDMP_FULL)
            break;
        trouble = PAGES_BAD_TABLE;
        if (pfn >= PFN_LIMIT || count > PFN_LIMIT - p->present || p->run_count >= RANGES_MAX)
            break;
        trouble = PAGES_TOO_LARGE;
        if (!add_range(p, &cap, pfn, count))
            break;
        trouble = PAGES_GOOD;
    }
    if (trouble == PAGES_GOOD && total != UINT64_MAX && p->present != total)
        trouble = PAGES_COUNT_DIFFERS;
    return trouble;
}

enum pages_trouble pages_open(struct pages *p, struct window *s, const struct dump_header *h, uint64_t *at)
{
    enum pages_trouble trouble;

    *p = (struct pages){ .window = s };
    if (h->format == DUMP_FORMAT_FULL) {
        p->first_page = h->is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;
        trouble = open_runs(p, h, at);
    } else if (h->format >= DUMP_FORMAT_RDMP_KERNEL) {
        trouble = open_ranges(p, h, at);
    } else {
        trouble = open_bitmap(p, h, at);
    }
    if (p->run_count > 1)
        qsort(p->runs, p->run_count, sizeof *p->runs, by_pfn);
    return trouble;
}

void pages_close(struct pages *p)
{
    free(p->runs);
    free(p->ranks);
    p->runs = NULL;
    p->ranks = NULL;
}

static bool find_run(const struct pages *p, uint64_t pfn, uint64_t *rank)
{
    size_t lo = 0, hi = p->run_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (p->runs[mid].pfn <= pfn)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || pfn - p->runs[lo - 1].pfn >= p->runs[lo - 1].count)
        return false;
    *rank = p->runs[lo - 1].before + (pfn - p->runs[lo - 1].pfn);
    return true;
}

static bool find_bit(struct pages *p, uint64_t pfn, uint64_t *rank)
{
    unsigned char bytes[SLICE];
    uint64_t slice = pfn / SLICE_BITS, in = pfn % SLICE_BITS;
    size_t whole = (size_t)(in / 8);

    if (pfn >= p->bitmap.bits || slice >= p->rank_count)
        return false;
    if (!window_read(p->window, p->bitmap.bits_at + slice * SLICE, bytes, whole + 1))
        return false;
    if ((bytes[whole] >> (in % 8) & 1) == 0)
        return false;
    *rank = p->ranks[slice] + ones(bytes, whole) + (unsigned)__builtin_popcount(bytes[whole] & ((1u << (in % 8)) - 1));
    return true;
}

bool pages_find(struct pages *p, uint64_t pfn, uint64_t *offset)
{
    uint64_t rank = 0;

    if (pfn >= PFN_LIMIT)
        return false;
    if (!(p->ranks != NULL ? find_bit(p, pfn, &rank) : find_run(p, pfn, &rank)))
        return false;
    assert(rank <= PFN_LIMIT);
    *offset = p->first_page + rank * DUMP_PAGE;
    return true;
}
