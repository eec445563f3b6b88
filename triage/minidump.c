/* The triage part of a minidump: where everything is, checked.
 *
 * TRIAGE_DUMP64 lies at 0x2000, TRIAGE_DUMP32 at 0x1000 (dumps.md 1.9).  All
 * offsets are file offsets and must lie in the part, whose end is stated and
 * marked TRGD; one that does not is a finding, and what it points at is left
 * out.  Counts are capped by the room there is for their entries.
 *
 * The memory of a minidump is the stack, the data blocks, one data page and
 * the debugger data, each with its address in the guest.
 */
#include "triage/bytes.h"
#include "triage/dump.h"

#include <inttypes.h>

enum { BLOCK_ENTRY = 16, BLOCK_ENTRY_OLD = 12, DRIVER64 = 0x90, DRIVER32 = 0x4C, STACK_MAX = 256 * 1024 };

static void parse64(struct minidump *m, const unsigned char *p)
{
    m->stack_top = le64(p + 0x48);
    m->data_page_va = le64(p + 0x60);
    m->data_page = le32(p + 0x68);
    m->data_page_size = le32(p + 0x6C);
    m->debugger_data = le32(p + 0x70);
    m->debugger_data_size = le32(p + 0x74);
    m->blocks = le32(p + 0x78);
    m->block_count = le32(p + 0x7C);
}

static void parse32(struct minidump *m, const unsigned char *p)
{
    m->stack_top = le32(p + 0x48);
    m->data_page_va = le32(p + 0x4C);
    m->data_page = le32(p + 0x50);
    m->data_page_size = le32(p + 0x54);
    m->debugger_data = le32(p + 0x58);
    m->debugger_data_size = le32(p + 0x5C);
    m->blocks = le32(p + 0x60);
    m->block_count = le32(p + 0x64);
}

static void parse(struct minidump *m, const unsigned char *p, bool is64)
{
    m->size = le32(p + 0x04);
    m->mm = le32(p + 0x14);
    m->unloaded = le32(p + 0x18);
    m->prcb = le32(p + 0x1C);
    m->process = le32(p + 0x20);
    m->thread = le32(p + 0x24);
    m->stack = le32(p + 0x28);
    m->stack_size = le32(p + 0x2C);
    m->drivers = le32(p + 0x30);
    m->driver_count = le32(p + 0x34);
    m->strings = le32(p + 0x38);
    m->strings_size = le32(p + 0x3C);
    (is64 ? parse64 : parse32)(m, p);
}

static uint64_t header_size(const struct dump *d)
{
    return d->v->header.is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;
}

/* One offset and length of the part.  A part that is out of range is dropped
 * (both become 0) and said; field is where the offset stands. */
static void check_range(struct dump *d, const char *what, uint64_t field, uint32_t *offset, uint32_t *size)
{
    if (*offset == 0 || *size == 0) {
        *size = 0;
        return;
    }
    if (*offset >= header_size(d) && range_in(*offset, *size, d->mini.size))
        return;
    dump_finding(d, "triage-part", header_size(d) + field,
                 "the %s is said to be %" PRIu32 " bytes at 0x%" PRIx32 ", outside the minidump part", what, *size,
                 *offset);
    dump_damage(d, TRIAGE_CORRUPT, "an offset in the minidump part points outside it");
    *offset = 0;
    *size = 0;
}

static void check_count(struct dump *d, const char *what, uint64_t field, uint32_t *offset, uint32_t *count,
                        uint32_t entry)
{
    uint64_t room;

    if (*count == 0)
        return;
    if (*offset < header_size(d) || *offset >= d->mini.size) {
        dump_finding(d, "triage-part", header_size(d) + field,
                     "the %s is said to be at 0x%" PRIx32 ", outside the minidump part", what, *offset);
        dump_damage(d, TRIAGE_CORRUPT, "an offset in the minidump part points outside it");
        *count = 0;
        return;
    }
    room = (d->mini.size - *offset) / entry;
    if (*count <= room)
        return;
    dump_finding(d, "triage-part", header_size(d) + field,
                 "the %s is said to have %" PRIu32 " entries, there is room for %" PRIu64, what, *count, room);
    dump_damage(d, TRIAGE_CORRUPT, "a count in the minidump part is impossible");
    *count = (uint32_t)room;
    d->mini.counts_cut = true;
}

static void check_offset(struct dump *d, const char *what, uint64_t field, uint32_t *offset)
{
    uint32_t one = 1;

    check_range(d, what, field, offset, &one);
}

static void check(struct dump *d)
{
    struct minidump *m = &d->mini;
    bool is64 = d->v->header.is64;

    check_offset(d, "memory figures", 0x14, &m->mm);
    check_offset(d, "list of unloaded drivers", 0x18, &m->unloaded);
    check_offset(d, "processor block", 0x1C, &m->prcb);
    check_offset(d, "process", 0x20, &m->process);
    check_offset(d, "thread", 0x24, &m->thread);
    check_range(d, "stack", 0x28, &m->stack, &m->stack_size);
    check_count(d, "list of drivers", 0x30, &m->drivers, &m->driver_count, is64 ? DRIVER64 : DRIVER32);
    check_range(d, "string pool", 0x38, &m->strings, &m->strings_size);
    check_range(d, "data page", is64 ? 0x68 : 0x50, &m->data_page, &m->data_page_size);
    check_range(d, "debugger data", is64 ? 0x70 : 0x58, &m->debugger_data, &m->debugger_data_size);
    check_count(d, "list of data blocks", is64 ? 0x78 : 0x60, &m->blocks, &m->block_count,
                is64 ? BLOCK_ENTRY : BLOCK_ENTRY_OLD);
    if (m->stack_size > STACK_MAX)
        m->stack_size = STACK_MAX;
    if (m->driver_count > TRIAGE_DRIVERS_MAX)
        m->driver_count = TRIAGE_DRIVERS_MAX;
}

/* Adds the data blocks.  With `dry` only asks whether all of them lie in the
 * part, which tells the two layouts of 32-bit dumps apart. */
static bool add_blocks(struct dump *d, size_t entry, bool dry)
{
    const struct minidump *m = &d->mini;
    uint32_t bad = 0;

    for (uint32_t i = 0; i < m->block_count && window_runs(&d->window); i++) {
        unsigned char b[BLOCK_ENTRY];
        uint64_t va;
        uint32_t offset, size;

        if (!window_read(&d->window, (uint64_t)m->blocks + i * entry, b, entry))
            break;
        va = entry == BLOCK_ENTRY ? le64(b) : le32(b);
        offset = le32(b + entry - 8);
        size = le32(b + entry - 4);
        if (offset < header_size(d) || !range_in(offset, size, m->size))
            bad++;
        if (bad > 0 && m->counts_cut)
            break; /* past the real end of the list */
        if (offset < header_size(d) || !range_in(offset, size, m->size))
            continue;
        if (!dry && !vmem_add_block(&d->vm, va, offset, size))
            break;
    }
    if (!dry && bad > 0) {
        dump_finding(d, "triage-part", m->blocks,
                     "%" PRIu32 " of %" PRIu32 " data blocks lie outside the minidump part", bad, m->block_count);
        dump_damage(d, TRIAGE_CORRUPT, "data blocks of the minidump lie outside it");
    }
    return bad == 0;
}

static void add_memory(struct dump *d)
{
    const struct minidump *m = &d->mini;
    size_t entry = BLOCK_ENTRY;

    if (!d->v->header.is64 &&
        ((uint64_t)m->blocks + (uint64_t)m->block_count * BLOCK_ENTRY > m->size || !add_blocks(d, BLOCK_ENTRY, true)))
        entry = BLOCK_ENTRY_OLD;
    vmem_add_block(&d->vm, m->stack_top, m->stack, m->stack_size);
    vmem_add_block(&d->vm, m->data_page_va, m->data_page, m->data_page_size);
    if (d->v->header.debugger_data != 0)
        vmem_add_block(&d->vm, d->v->header.debugger_data, m->debugger_data, m->debugger_data_size);
    add_blocks(d, entry, false);
    vmem_seal_blocks(&d->vm);
}

void minidump_open(struct dump *d)
{
    unsigned char p[0x80] = { 0 };
    size_t len = d->v->header.is64 ? 0x80 : 0x68;

    if (!window_read(&d->window, header_size(d), p, len))
        return;
    parse(&d->mini, p, d->v->header.is64);
    if (d->mini.size < header_size(d) + len)
        return; /* said by the header's own check */
    d->mini.present = true;
    check(d);
    add_memory(d);
}
