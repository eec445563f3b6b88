/* See dump_extent.h.
 *
 * Each kind of dump states its length in its own words: a list of runs, a
 * bitmap with a count, ranges, or the end of the triage part.  Numbers that
 * can not be true make the dump corrupt; a length the file does not reach makes
 * it partial.  RequiredDumpSpace is no witness for minidumps, some of which
 * state far more than they ever write (dumps.md 1.11).
 */
#include "triage/dump_extent.h"

#include "triage/bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static uint64_t header_size(const struct dump_header *h)
{
    return h->is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;
}

static void need(struct dump_header *h, uint64_t size)
{
    h->size_needed = size;
    if (h->file_size < size)
        dump_header_state(h, DUMP_PARTIAL, h->file_size, "ends after %" PRIu64 " of %" PRIu64 " bytes", h->file_size,
                          size);
}

static void extent_full(struct dump_header *h, const unsigned char *header)
{
    uint64_t at = h->is64 ? RUNS64_AT : RUNS32_AT, runs = le32(header + at), pages, sum = 0;
    uint64_t max = h->is64 ? RUNS64_MAX : RUNS32_MAX;

    pages = h->is64 ? le64(header + at + 8) : le32(header + at + 4);
    if (runs == 0 || runs > max) {
        dump_header_state(h, DUMP_CORRUPT, at, "states %" PRIu64 " runs of memory, at most %" PRIu64 " fit", runs, max);
        return;
    }
    for (uint64_t i = 0; i < runs; i++) {
        const unsigned char *run = header + at + (h->is64 ? 16 + 16 * i : 8 + 8 * i);
        uint64_t base = h->is64 ? le64(run) : le32(run), count = h->is64 ? le64(run + 8) : le32(run + 4);

        if (base >= PFN_LIMIT || count > PFN_LIMIT) {
            dump_header_state(h, DUMP_CORRUPT, (uint64_t)(run - header),
                              "run %" PRIu64 " of memory has impossible numbers", i);
            return;
        }
        sum += count;
    }
    if (sum != pages) {
        dump_header_state(h, DUMP_CORRUPT, at, "the runs hold %" PRIu64 " pages, the header says %" PRIu64, sum, pages);
        return;
    }
    need(h, header_size(h) + sum * DUMP_PAGE);
}

bool dump_bitmap_parse(const struct dump_header *h, const unsigned char *p, struct dump_bitmap *out, const char **why,
                       uint64_t *at)
{
    bool summary = h->format == DUMP_FORMAT_SUMMARY;
    uint64_t start = header_size(h);

    *at = 0;
    *why = "the bitmap header's signature is missing";
    if ((memcmp(p, "SDMP", 4) != 0 && memcmp(p, "FDMP", 4) != 0) || memcmp(p + 4, "DUMP", 4) != 0)
        return false;
    if (summary) {
        out->first_page = le32(p + 0x0C);
        out->bits = le32(p + 0x10);
        out->pages = le32(p + 0x14);
        out->bits_at = start + (h->is64 ? SUMMARY64_HEADER : SUMMARY32_HEADER);
    } else {
        out->first_page = le64(p + 0x20);
        out->pages = le64(p + 0x28);
        out->bits = le64(p + 0x30);
        out->bits_at = start + BITMAP_HEADER;
    }
    *at = summary ? 0x10 : 0x30;
    *why = "the bitmap's size is impossible";
    if (out->bits == 0 || out->bits > PFN_LIMIT)
        return false;
    *at = summary ? 0x14 : 0x28;
    *why = "more pages are stated than the bitmap has bits";
    if (out->pages > out->bits)
        return false;
    *at = summary ? 0x0C : 0x20;
    *why = "the first page's offset lies inside the bitmap or past any file";
    return out->first_page >= out->bits_at + (out->bits + 7) / 8 && out->first_page < PFN_LIMIT * DUMP_PAGE;
}

static void extent_bitmap(struct dump_header *h, const unsigned char *p)
{
    struct dump_bitmap b;
    const char *why;
    uint64_t at;

    if (!dump_bitmap_parse(h, p, &b, &why, &at)) {
        dump_header_state(h, DUMP_CORRUPT, header_size(h) + at, "%s", why);
        return;
    }
    need(h, b.first_page + b.pages * DUMP_PAGE);
}

static void extent_rdmp(struct dump_header *h, const unsigned char *p)
{
    uint64_t metadata = le64(p + 0x10), first = le64(p + 0x18), pages = le64(p + 0x28);

    if (memcmp(p + 4, "RDMPDUMP", 8) != 0) {
        dump_header_state(h, DUMP_CORRUPT, header_size(h), "the range header's signature is missing");
    } else if (metadata - 0x20 != first - 0x2040 || first < header_size(h) + RDMP_HEADER || metadata < 0x20 ||
               first >= PFN_LIMIT * DUMP_PAGE) {
        dump_header_state(h, DUMP_CORRUPT, header_size(h) + 0x10,
                          "the range header's size and the first page's offset contradict each other");
    } else if (h->format == DUMP_FORMAT_RDMP_FULL && pages > PFN_LIMIT) {
        dump_header_state(h, DUMP_CORRUPT, header_size(h) + 0x28, "an impossible number of pages");
    } else if (h->format == DUMP_FORMAT_RDMP_FULL) {
        need(h, first + pages * DUMP_PAGE);
    } else {
        need(h, h->required_space > first ? h->required_space : first);
    }
}

static int extent_triage(const struct triage_reader *r, struct dump_header *h, const unsigned char *p, struct err *e)
{
    uint64_t size = le32(p + 4), valid = le32(p + 8);
    unsigned char mark[4];
    size_t got = 0;
    int rc;

    if (size < header_size(h) + TRIAGE32_HEADER) {
        dump_header_state(h, DUMP_CORRUPT, header_size(h) + 4, "the minidump part states a length of %" PRIu64, size);
        return 0;
    }
    need(h, size);
    if (h->state != DUMP_COMPLETE)
        return 0;
    rc = r->read(r->arg, valid, mark, sizeof mark, &got, e);
    if (rc == 0 && (got < sizeof mark || memcmp(mark, "TRGD", 4) != 0))
        dump_header_state(h, DUMP_CORRUPT, valid, "the end mark TRGD is missing: cut or overwritten");
    return rc;
}

int dump_extent_check(const struct triage_reader *r, struct dump_header *h, const unsigned char *header, struct err *e)
{
    unsigned char part[TRIAGE64_HEADER] = { 0 };
    size_t got = 0, least = h->format == DUMP_FORMAT_TRIAGE ? TRIAGE32_HEADER : BITMAP_HEADER;
    int rc = 0;

    assert(h->state == DUMP_COMPLETE);
    if (h->format == DUMP_FORMAT_FULL) {
        extent_full(h, header);
    } else if (h->format == DUMP_FORMAT_HEADER_ONLY) {
        need(h, header_size(h));
    } else if (h->format == DUMP_FORMAT_KERNEL) {
        dump_header_state(h, DUMP_CORRUPT, 0, "dump type %" PRIu32 " is unknown", h->type);
    } else {
        rc = r->read(r->arg, header_size(h), part, sizeof part, &got, e);
        if (rc == 0 && got < least)
            dump_header_state(h, DUMP_PARTIAL, h->file_size, "ends after the header");
        else if (rc == 0 && h->format == DUMP_FORMAT_TRIAGE)
            rc = extent_triage(r, h, part, e);
        else if (rc == 0 && h->format >= DUMP_FORMAT_RDMP_KERNEL)
            extent_rdmp(h, part);
        else if (rc == 0)
            extent_bitmap(h, part);
    }
    if (rc == 0 && h->state == DUMP_COMPLETE && h->has_writer_status && h->writer_status != 0)
        dump_header_state(h, DUMP_PARTIAL, h->is64 ? 0x1048 : 0xF9C,
                          "the writer's status is %" PRIu32 ", not 0: unfinished", h->writer_status);
    return rc;
}
