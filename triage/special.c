/* See special.h.
 *
 * Each rule reads what its code's parameters mean (dumps.md 3.9 F, section 4).
 */
#include "triage/special.h"

#include "triage/bytes.h"
#include "triage/classes.h"
#include "triage/context.h"
#include "triage/facts.h"
#include "triage/memory.h"
#include "triage/rules.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { EPROCESS_LOOK = 0x800, NAME_LOOK = 64, FLIP_LOWEST = 16, FLIP_HIGHEST = 47 };

static const char *const subject_names[TRIAGE_SUBJECT_COUNT] = {
    [TRIAGE_UNKNOWN] = "Unknown_Image", [TRIAGE_DRIVER] = "Unknown_Image", [TRIAGE_MEMORY] = "memory_corruption",
    [TRIAGE_HARDWARE] = "hardware",     [TRIAGE_STORAGE] = "storage",      [TRIAGE_PROCESS] = "process",
    [TRIAGE_WATCHDOG] = "watchdog",     [TRIAGE_MANUAL] = "manual_crash",
};

void culprit_set(struct dump *d, enum triage_subject subject, const char *name, int driver,
                 enum triage_confidence confidence, const char *evidence)
{
    assert(driver < (int)d->v->driver_count);
    d->v->culprit = (struct triage_culprit){
        .subject = subject,
        .name = name != NULL  ? name
                : driver >= 0 ? d->v->drivers[driver].name
                              : subject_names[subject],
        .driver = driver,
        .confidence = confidence,
        .evidence = evidence,
    };
}

static unsigned bits(uint64_t n)
{
    return (unsigned)__builtin_popcountll(n);
}

static bool memory_management(struct dump *d)
{
    enum { PTE_CORRUPT = 0x41792, PTE_OUT_OF_STEP = 0x403 };
    const uint64_t *p = d->v->header.params;
    uint64_t flipped = p[0] == PTE_CORRUPT ? p[2] | p[3] << 32 : p[0] == PTE_OUT_OF_STEP ? p[2] ^ p[3] : 0;

    if (bits(flipped) != 1)
        return false;
    culprit_set(d, TRIAGE_MEMORY, NULL, -1, TRIAGE_LIKELY,
                dump_textf(d, "one bit flipped: bit %d of a page table entry (%s); test the memory of the machine",
                           __builtin_ctzll(flipped),
                           p[0] == PTE_CORRUPT ? "parameter 3" : "parameters 3 and 4 differ in it alone"));
    return true;
}

/* 0x50 and 0xA: an address one bit away from what a register holds and memory
 * has.  Low bits differ for honest reasons (fields of one structure). */
static bool flipped_pointer(struct dump *d)
{
    uint64_t address = d->v->header.params[0], offset, contiguous;

    if (!d->v->has_fault || !d->fault_cpu.has_registers || !d->v->header.is64 || d->v->fault.driver < 0 ||
        class_of(d->v->drivers[d->v->fault.driver].name) != CLASS_CORE)
        return false;
    for (unsigned i = 0; i < REGISTERS; i++) {
        uint64_t differs = address ^ d->fault_cpu.reg[i];
        int bit;

        if (bits(differs) != 1 || !vmem_is_kernel(&d->vm, d->fault_cpu.reg[i]))
            continue;
        bit = __builtin_ctzll(differs);
        if (bit < FLIP_LOWEST || bit > FLIP_HIGHEST ||
            vmem_find(&d->vm, d->fault_cpu.reg[i], &offset, &contiguous) != VMEM_OK)
            continue;
        culprit_set(
            d, TRIAGE_MEMORY, NULL, -1, TRIAGE_GUESS,
            dump_textf(
                d, "the address in parameter 1 differs in bit %d alone from one that a register holds: a flipped bit",
                bit));
        return true;
    }
    return false;
}

static const struct {
    uint32_t status;
    const char *text;
} disk_statuses[] = {
    { 0xC000000E, "the device is gone" },
    { 0xC000009C, "bad sectors" },
    { 0xC000009D, "the device is not connected" },
    { 0xC0000185, "the device reported an I/O error" },
    { 0xC000003F, "a checksum error" },
    { 0xC000009A, "resources ran out" },
    { 0xC000016A, "the disk operation failed" },
    { 0xC00000B5, "the device did not answer in time" },
    { 0xC000026E, "the volume was dismounted" },
    { 0xC0000010, "the device refused the request" },
};

static bool inpage_error(struct dump *d)
{
    const uint64_t *p = d->v->header.params;
    bool stack_page = d->v->header.code == 0x77;
    unsigned where = stack_page && p[0] > 2 ? 0 : 1;
    uint32_t status = (uint32_t)p[where];

    for (size_t i = 0; i < sizeof disk_statuses / sizeof disk_statuses[0]; i++) {
        if (disk_statuses[i].status != status)
            continue;
        culprit_set(
            d, TRIAGE_STORAGE, NULL, -1, TRIAGE_LIKELY,
            dump_textf(d, "reading a page back from disk failed with 0x%08x (parameter %u): %s%s", status, where + 1,
                       disk_statuses[i].text,
                       d->v->role == ROLE_GUEST ? "; for a guest the disk is the host's: look at its storage" : ""));
        return true;
    }
    culprit_set(
        d, TRIAGE_UNKNOWN, NULL, -1, TRIAGE_NONE,
        dump_textf(
            d,
            "reading a page back failed with 0x%08x (parameter %u), which is no disk error: memory, the page file "
            "or compressed memory",
            status, where + 1));
    return true;
}

/* The file name at a pointer, ASCII. */
static const char *ascii_at(struct dump *d, uint64_t va)
{
    char text[NAME_LOOK];
    size_t got = vmem_is_kernel(&d->vm, va) ? vmem_read(&d->vm, va, text, sizeof text) : 0, n = strnlen(text, got);

    return n > 0 && n < got ? dump_text(d, text, n) : "";
}

static bool dying_process(struct dump *d)
{
    unsigned char bytes[EPROCESS_LOOK];
    const uint64_t *p = d->v->header.params;
    bool named = d->v->header.code == 0xF4;
    const char *name = named ? ascii_at(d, p[2]) : "", *from = "parameter 3";
    uint64_t object = named ? p[1] : p[0];

    if (*name == '\0' && vmem_is_kernel(&d->vm, object)) {
        name = process_name_in(d, bytes, vmem_read(&d->vm, object, bytes, sizeof bytes));
        from = named ? "the object at parameter 2" : "the process at parameter 1";
    }
    if (*name == '\0') {
        name = d->v->process;
        from = "the current process; the object itself is not in the dump";
    }
    if (*name == '\0')
        return false;
    culprit_set(
        d, TRIAGE_PROCESS, name, -1, TRIAGE_LIKELY,
        dump_textf(d,
                   "a process that Windows can not run without ended: %s (%s); why it ended is in its own logs or dump",
                   name, from));
    return true;
}

/* 0xEA: parameter 3 points to the stuck driver's name, as a UNICODE_STRING or bare. */
static bool stuck_driver(struct dump *d)
{
    unsigned char head[16], text[NAME_LOOK];
    uint64_t va = d->v->header.params[2];
    size_t got, n = 0;
    int driver;

    if (!d->v->header.is64 || !vmem_is_kernel(&d->vm, va) || !vmem_get(&d->vm, va, head, sizeof head))
        return false;
    if (le16(head) <= le16(head + 2) && vmem_is_kernel(&d->vm, le64(head + 8)))
        va = le64(head + 8);
    got = vmem_read(&d->vm, va, text, sizeof text);
    while (n + 2 <= got && le16(text + n) != 0)
        n += 2;
    driver = dump_driver_named(d, driver_base_name(dump_text16(d, text, n)));
    if (driver < 0)
        return false;
    culprit_set(d, TRIAGE_DRIVER, NULL, driver, TRIAGE_EXACT,
                dump_textf(d, "parameter 3 names %s as stuck", d->v->drivers[driver].name));
    return true;
}

static bool dpc_watchdog(struct dump *d)
{
    if (d->v->header.params[0] == 0)
        return false; /* one DPC overran: it is on this processor's stack */
    culprit_set(d, TRIAGE_WATCHDOG, NULL, -1, TRIAGE_NONE,
                "the processor spent too long in interrupts and DPCs in all (parameter 1 = 1): the stack shows who was "
                "there last, "
                "not who took the time");
    return true;
}

/* What a frozen processor was doing: the state saved in its block. */
static bool processor_state(struct dump *d, uint64_t prcb, struct cpu *out)
{
    uint16_t state = kdbg_u16(d, KDBG_PRCB_STATE), pointer = kdbg_u16(d, KDBG_PRCB_CONTEXT);
    uint64_t context = 0;

    if (!vmem_is_kernel(&d->vm, prcb))
        return false;
    if (state != 0 && context_at(d, prcb + state, out))
        return true;
    return pointer != 0 && vmem_pointer(&d->vm, prcb + pointer, &context) && context_at(d, context, out);
}

static bool clock_watchdog(struct dump *d)
{
    const uint64_t *p = d->v->header.params;
    const char *guest =
        d->v->role == ROLE_GUEST ? "; in a guest, a virtual processor that the host did not run looks the same" : "";
    struct triage_place place;
    struct cpu cpu;

    if (!processor_state(d, p[2], &cpu) || dump_driver_at(d, cpu.ip) < 0) {
        culprit_set(d, TRIAGE_WATCHDOG, NULL, -1, TRIAGE_NONE,
                    dump_textf(d,
                               "processor %" PRIu64
                               " (parameter 4) stopped answering clock interrupts; what it did is not "
                               "in the dump%s",
                               p[3], guest));
        return true;
    }
    place = dump_place(d, cpu.ip);
    culprit_set(d, TRIAGE_WATCHDOG, d->v->drivers[place.driver].name, place.driver, TRIAGE_GUESS,
                dump_textf(d, "processor %" PRIu64 " (parameter 4) stopped answering clock interrupts in %s%s", p[3],
                           dump_place_words(d, &place), guest));
    return true;
}

static bool hung_system(struct dump *d)
{
    culprit_set(
        d, TRIAGE_WATCHDOG, NULL, -1, TRIAGE_NONE,
        d->v->role == ROLE_GUEST
            ? "the synthetic watchdog was not reset in time: the system hung, or the host did not run its processors"
            : "the watchdog was not reset in time: the system hung");
    return true;
}

static const struct {
    uint32_t code;
    bool (*find)(struct dump *d);
} specials[] = {
    { 0x0A, flipped_pointer }, { 0x1A, memory_management }, { 0x50, flipped_pointer }, { 0x77, inpage_error },
    { 0x7A, inpage_error },    { 0x9F, irp_blame },         { 0xEA, stuck_driver },    { 0xEF, dying_process },
    { 0xF4, dying_process },   { 0x101, clock_watchdog },   { 0x124, whea_blame },     { 0x133, dpc_watchdog },
    { 0x1CA, hung_system },
};

bool special_blame(struct dump *d)
{
    uint32_t base = code_base(d->v->header.code);

    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (specials[i].code == base)
            return specials[i].find(d);
    return false;
}
