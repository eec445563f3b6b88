/* Memory dumps: the page index, the page tables that fit, the debugger data.
 *
 * Nothing in the header says whether an x64 guest ran with four or five levels
 * of page tables, and a 32-bit header may not say whether it used PAE.  So each
 * possible way is tried and kept if what it leads to agrees with the header:
 * the KDBG tag at KdDebuggerDataBlock, or a loader list whose first entry
 * points back at the head (dumps.md 2).
 *
 * KDDEBUGGER_DATA64 is encoded in memory that was captured from outside.  The
 * encoding is plain = K ^ bswap64(rol64(enc, r)) with one constant K and one r,
 * and the header gives two of its fields, so both can be solved for: 64 tries,
 * accepted only if the second field and the tag come out right (dumps.md 3.3).
 */
#include "triage/memory.h"

#include "triage/bytes.h"
#include "triage/dump.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static uint64_t guest_address(const struct dump *d, uint64_t va)
{
    return d->v->header.is64 ? va : va & UINT32_MAX;
}

uint64_t kdbg_u64(const struct dump *d, size_t offset)
{
    if (!d->kdbg.present || offset + 8 > d->kdbg.size)
        return 0;
    return guest_address(d, le64(d->kdbg.bytes + offset));
}

uint16_t kdbg_u16(const struct dump *d, size_t offset)
{
    return d->kdbg.present && offset + 2 <= d->kdbg.size ? le16(d->kdbg.bytes + offset) : 0;
}

static uint64_t rol64(uint64_t n, unsigned by)
{
    return by == 0 ? n : n << by | n >> (64 - by);
}

static void decode(struct debugger_data *k, uint64_t key, unsigned by)
{
    for (size_t i = 0; i + 8 <= sizeof k->bytes; i += 8) {
        uint64_t plain = key ^ __builtin_bswap64(rol64(le64(k->bytes + i), by));

        for (size_t b = 0; b < 8; b++)
            k->bytes[i + b] = (unsigned char)(plain >> (8 * b));
    }
}

static bool try_decode(struct dump *d)
{
    struct debugger_data *k = &d->kdbg;
    const struct dump_header *h = &d->v->header;

    for (unsigned by = 0; by < 64; by++) {
        uint64_t key = h->module_list ^ __builtin_bswap64(rol64(le64(k->bytes + KDBG_MODULE_LIST), by));
        uint64_t second = key ^ __builtin_bswap64(rol64(le64(k->bytes + KDBG_PROCESS_LIST), by));
        uint64_t tag = key ^ __builtin_bswap64(rol64(le64(k->bytes + KDBG_TAG), by));

        if (second != h->process_list || (uint32_t)tag != KDBG_TAG_VALUE)
            continue;
        decode(k, key, by);
        return true;
    }
    return false;
}

void debugger_data_read(struct dump *d)
{
    struct debugger_data *k = &d->kdbg;
    uint64_t va = guest_address(d, d->v->header.debugger_data);
    size_t got;

    if (va == 0)
        return;
    got = vmem_read(&d->vm, va, k->bytes, sizeof k->bytes);
    if (got < KDBG_LEAST)
        return;
    if (le32(k->bytes + KDBG_TAG) != KDBG_TAG_VALUE) {
        k->decoded = d->v->header.is64 && try_decode(d);
        if (!k->decoded)
            return;
    }
    k->present = true;
    k->size = le32(k->bytes + KDBG_TAG + 4);
    if (k->size > got)
        k->size = (uint32_t)got;
}

/* Whether what the tables lead to agrees with the header. */
static bool tables_fit(struct dump *d)
{
    uint64_t head = guest_address(d, d->v->header.module_list), first = 0, back = 0;
    uint64_t data = guest_address(d, d->v->header.debugger_data);
    uint32_t tag = 0;

    if (data != 0 && vmem_u32(&d->vm, data + KDBG_TAG, &tag) && tag == KDBG_TAG_VALUE)
        return true;
    if (head == 0 || !vmem_pointer(&d->vm, head, &first) || !vmem_is_kernel(&d->vm, first))
        return false;
    return vmem_pointer(&d->vm, first + (d->v->header.is64 ? 8 : 4), &back) && back == head;
}

static bool choose_tables(struct dump *d)
{
    static const enum vmem_mode x64[] = { VMEM_X64, VMEM_X64_5 }, arm64[] = { VMEM_ARM64 },
                                pae[] = { VMEM_PAE, VMEM_X86 }, x86[] = { VMEM_X86, VMEM_PAE };
    const struct dump_header *h = &d->v->header;
    const enum vmem_mode *modes = h->arch == DUMP_ARCH_ARM64 ? arm64 : h->is64 ? x64 : h->pae == 0 ? x86 : pae;
    size_t n = h->arch == DUMP_ARCH_ARM64 ? 1 : 2;

    for (size_t i = 0; i < n; i++) {
        vmem_use_tables(&d->vm, &d->pages, modes[i], h->dtb);
        if (tables_fit(d))
            return true;
    }
    vmem_use_tables(&d->vm, &d->pages, modes[0], h->dtb);
    return false;
}

static void say_pages_trouble(struct dump *d, enum pages_trouble trouble, uint64_t at)
{
    const char *rule = d->v->header.format == DUMP_FORMAT_FULL ? "run-list" : "page-table-of-file";

    if (trouble == PAGES_BAD_TABLE) {
        dump_finding(d, rule, at, "the table of pages in the file can not be true");
        dump_damage(d, TRIAGE_CORRUPT, "the table of pages in the file can not be true");
    } else if (trouble == PAGES_COUNT_DIFFERS) {
        dump_finding(d, rule, at, "the table of pages holds another number of pages than the header states");
        dump_damage(d, TRIAGE_CORRUPT, "the table of pages contradicts its own count");
    } else if (trouble == PAGES_CUT) {
        dump_finding(d, rule, at, "the table of pages in the file is cut");
        dump_damage(d, TRIAGE_TRUNCATED, "ends inside the table of pages");
    } else if (trouble == PAGES_TOO_LARGE) {
        dump_finding(d, rule, at, "the table of pages is too large to be read here");
    }
}

/* A file that is cut before the end of its table of pages may have them all the same. */
static void say_tables_trouble(struct dump *d, bool table_cut)
{
    enum { HEADER_DTB = 0x10 }; /* in headers of both widths */
    uint64_t offset = 0, dtb = d->v->header.dtb;
    bool cut = d->v->header.file_size < d->v->header.size_needed;

    if (!table_cut && !pages_find(&d->pages, (dtb & UINT64_C(0x000FFFFFFFFFF000)) / DUMP_PAGE, &offset)) {
        dump_finding(d, "page-tables", HEADER_DTB,
                     "the page tables should be at 0x%" PRIx64 ", which is not in the dump", dtb);
        dump_damage(d, TRIAGE_CORRUPT, "the page tables lie outside the dump");
    } else if (cut) {
        dump_finding(d, "page-tables", HEADER_DTB, "the page tables can not be followed; the file is cut");
    } else {
        dump_finding(d, "page-tables", HEADER_DTB,
                     "the page tables at 0x%" PRIx64 " lead neither to the debugger data nor to the list of drivers",
                     dtb);
        dump_damage(d, TRIAGE_CORRUPT, "the page tables lead nowhere");
    }
}

void memory_open(struct dump *d)
{
    const struct dump_header *h = &d->v->header;
    uint64_t at = 0;
    enum pages_trouble trouble = pages_open(&d->pages, &d->window, h, &at);

    if (d->window.stop == WINDOW_RUNS) /* else nothing is known against the file; triage.c says why it stopped */
        say_pages_trouble(d, trouble, at);
    if (trouble != PAGES_GOOD && trouble != PAGES_COUNT_DIFFERS && trouble != PAGES_CUT)
        return;
    assert(d->pages.present <= PFN_LIMIT);
    d->pages_end = d->pages.first_page + d->pages.present * DUMP_PAGE;
    d->v->pages_present = (struct triage_number){ true, d->pages.present, "the dump's table of pages" };
    if (!choose_tables(d) && d->window.stop == WINDOW_RUNS)
        say_tables_trouble(d, trouble == PAGES_CUT);
    debugger_data_read(d);
    if (d->kdbg.decoded)
        dump_note(
            d,
            "The debugger data was encoded, so this memory was captured from outside, not written by Windows itself.");
}
