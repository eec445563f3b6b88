/* Figures that the kernel keeps about itself: build, memory, process, unloaded drivers.
 *
 * They hang off the debugger data block and KUSER_SHARED_DATA (dumps.md 3.3,
 * 3.4).  The block's memory pointers are there up to Windows 8.1 and zero
 * since; then the figure is "not in this dump", never a guess.  In a minidump
 * the pointers mostly lead out of the dump, and the same rule holds.
 */
#include "triage/facts.h"

#include "triage/bytes.h"
#include "triage/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    KUSER_PAGES = 0x2E8,
    KUSER_PAGES_FULL = 0x310,
    LAB_MAX = 96,
    UNLOADED_KERNEL = 0x28, /* an entry of MmUnloadedDrivers */
    UNLOADED_KEPT = 50,
    UNLOADED_DUMP = 0x38,
    UNLOADED_NAME = 24,
    EPROCESS_LOOK = 0x800,
    CPUS_LOOK = 256,
    KERNEL_STACK_MAX = 0x10000,
    LAB_HAS_UBR_UNTIL = 9600,
    FIGURES_GONE_SINCE = 10240,
    PAGES_LIMIT_BITS = 36,
};

#define KUSER64 UINT64_C(0xFFFFF78000000000)
#define KUSER32 UINT64_C(0xFFDF0000)

/* A page count that kdbg's field points to, as bytes. */
static void page_figure(struct dump *d, size_t field, struct triage_number *out)
{
    uint64_t va = kdbg_u64(d, field), pages = 0;

    if (va == 0) {
        if (d->kdbg.present && d->v->header.build >= FIGURES_GONE_SINCE)
            out->source = "not kept where it can be found without symbols since Windows 10";
        return;
    }
    if (!vmem_pointer(&d->vm, va, &pages) || pages == 0 || pages >> PAGES_LIMIT_BITS != 0)
        return;
    *out = (struct triage_number){ true, pages * DUMP_PAGE, "the kernel's own counters" };
}

static void total_memory(struct dump *d)
{
    uint64_t base = d->v->header.is64 ? KUSER64 : KUSER32, full = 0;
    struct triage_number *total = &d->v->memory_total;
    uint32_t pages = 0;

    if (d->v->header.format == DUMP_FORMAT_FULL && d->pages.present > 0)
        *total = (struct triage_number){ true, d->pages.present * DUMP_PAGE, "pages in this complete dump" };
    page_figure(d, KDBG_PHYSICAL_PAGES, total);
    if (total->known && d->v->header.format != DUMP_FORMAT_FULL)
        return;
    if (!vmem_u32(&d->vm, base + KUSER_PAGES, &pages) || pages == 0)
        return;
    if (vmem_u64(&d->vm, base + KUSER_PAGES_FULL, &full) && full >= pages && full >> PAGES_LIMIT_BITS == 0)
        *total = (struct triage_number){ true, full * DUMP_PAGE, "KUSER_SHARED_DATA" };
    else
        *total = (struct triage_number){ true, (uint64_t)pages * DUMP_PAGE, "KUSER_SHARED_DATA" };
}

static void build_lab(struct dump *d)
{
    char text[LAB_MAX + 1] = { 0 }, *end;
    uint64_t va = kdbg_u64(d, KDBG_BUILD_LAB);
    unsigned long build, ubr;

    if (va == 0 || vmem_read(&d->vm, va, text, LAB_MAX) < 8 || strnlen(text, LAB_MAX) == LAB_MAX)
        return;
    build = strtoul(text, &end, 10);
    if (build != d->v->header.build || *end != '.')
        return;
    d->v->build_lab = dump_text(d, text, strlen(text));
    ubr = strtoul(end + 1, &end, 10);
    if (d->v->ubr == 0 && build <= LAB_HAS_UBR_UNTIL && *end == '.' && ubr < 100000)
        d->v->ubr = (uint32_t)ubr;
}

/* On 10 and newer the last part of the kernel file's version is the UBR. */
static void ubr_from_kernel_file(struct dump *d)
{
    const struct triage_driver *nt = d->v->driver_count > 0 ? &d->v->drivers[0] : NULL;

    if (d->v->ubr == 0 && nt != NULL && nt->has_version && nt->version[2] == d->v->header.build)
        d->v->ubr = nt->version[3];
}

/* MmUnloadedDrivers points to a ring of 50 {UNICODE_STRING, start, end, time}. */
static void unloaded_drivers(struct dump *d)
{
    unsigned char ring[UNLOADED_KEPT * UNLOADED_KERNEL], out[UNLOADED_KEPT * UNLOADED_DUMP] = { 0 };
    uint64_t var = kdbg_u64(d, KDBG_UNLOADED), va = 0;
    size_t n = 0;

    if (!d->v->header.is64 || var == 0 || !vmem_u64(&d->vm, var, &va) || va == 0 ||
        !vmem_get(&d->vm, va, ring, sizeof ring))
        return;
    for (size_t i = 0; i < UNLOADED_KEPT; i++) {
        const unsigned char *e = ring + i * UNLOADED_KERNEL;
        unsigned char *to = out + n * UNLOADED_DUMP;
        uint16_t len = le16(e) < UNLOADED_NAME ? le16(e) & 0xFFFE : UNLOADED_NAME;

        if (le64(e + 0x10) == 0 || len == 0 || !vmem_get(&d->vm, le64(e + 8), to + 0x10, len))
            continue;
        memcpy(to + 0x28, e + 0x10, 16);
        n++;
    }
    if (n > 0)
        unloaded_from_bytes(d, out, n);
}

/* The process of the thread whose kernel stack the crash was on: processor
 * block, current thread, process, by the offsets that the debugger data gives.
 * A crash on a DPC or fault stack matches no thread, and the process is left
 * open rather than taken from another processor. */
static uint64_t current_process(struct dump *d)
{
    uint64_t blocks = kdbg_u64(d, KDBG_PROCESSORS), rsp = d->header_cpu.reg[REG_RSP];
    uint16_t thread_at = kdbg_u16(d, KDBG_PRCB_THREAD), stack_at = kdbg_u16(d, KDBG_THREAD_INITIAL_STACK),
             process_at = kdbg_u16(d, KDBG_THREAD_PROCESS);
    size_t pointer = d->v->header.is64 ? 8 : 4;

    if (blocks == 0 || thread_at == 0 || stack_at == 0 || process_at == 0)
        return 0;
    for (uint32_t i = 0; i < d->v->header.processors && i < CPUS_LOOK; i++) {
        uint64_t prcb = 0, thread = 0, stack = 0, process = 0;

        if (vmem_pointer(&d->vm, blocks + i * pointer, &prcb) && prcb != 0 &&
            vmem_pointer(&d->vm, prcb + thread_at, &thread) && vmem_pointer(&d->vm, thread + stack_at, &stack) &&
            rsp < stack && stack - rsp < KERNEL_STACK_MAX && vmem_pointer(&d->vm, thread + process_at, &process))
            return process;
    }
    return 0;
}

static void process_name(struct dump *d)
{
    unsigned char bytes[EPROCESS_LOOK];
    uint64_t va = current_process(d);
    size_t got = va == 0 ? 0 : vmem_read(&d->vm, va, bytes, sizeof bytes);

    if (got > 0)
        d->v->process = process_name_in(d, bytes, got);
}

/* Dumps of type 5 are "complete" or "active" (dumps.md 1.3).  The kernel's
 * figures are of the memory that Windows uses; what the SMBIOS tells is what is
 * plugged in, of which firmware and graphics may have taken a good part. */
void memory_extent(struct dump *d)
{
    enum { ALL_FROM = 97, ACTIVE_BELOW = 90, ACTIVE_BELOW_SMBIOS = 60, PERCENT = 100 };
    struct triage_verdict *v = d->v;
    uint64_t total = v->memory_total.value / DUMP_PAGE, present = v->pages_present.value;
    uint64_t below = v->memory_from_smbios ? ACTIVE_BELOW_SMBIOS : ACTIVE_BELOW;

    if (v->header.format != DUMP_FORMAT_BITMAP_FULL || !v->pages_present.known || !v->memory_total.known ||
        v->header.state != DUMP_COMPLETE)
        return;
    if (present * PERCENT >= total * ALL_FROM)
        v->extent = EXTENT_COMPLETE;
    else if (present * PERCENT < total * below)
        v->extent = EXTENT_ACTIVE;
}

void kernel_facts(struct dump *d)
{
    total_memory(d);
    page_figure(d, KDBG_AVAILABLE, &d->v->memory_free);
    if (!d->v->commit.known)
        page_figure(d, KDBG_COMMITTED, &d->v->commit);
    if (!d->v->commit_limit.known)
        page_figure(d, KDBG_COMMIT_LIMIT, &d->v->commit_limit);
    build_lab(d);
    ubr_from_kernel_file(d);
    if (d->v->unloaded_count == 0)
        unloaded_drivers(d);
    if (*d->v->process == '\0')
        process_name(d);
}
