/* The call stack, as well as this dump allows.
 *
 * A memory dump is unwound: x64 by the images' tables, x86 along the chain of
 * frame pointers, each through the trap frame into the code that was
 * interrupted.  A minidump has no images; there the captured stack is scanned
 * for values that can be return addresses.  A scan finds about three times as
 * many as there are frames (dumps.md 3.6): those nearest the fault are good,
 * deep ones are not, and each is marked as scanned.
 */
#include "triage/bytes.h"
#include "triage/context.h"
#include "triage/dump.h"
#include "triage/image.h"
#include "triage/unwind.h"

#include <stdlib.h>

enum { NEAR_EXPORT = 0x400, CALL_LOOK = 7, HEADERS = 0x1000, SCAN_MAX = 96, NAMED_MAX = 48, CHAIN_STEP_MAX = 0x10000 };

static bool add_frame(struct dump *d, uint64_t ip, uint64_t sp, enum triage_frame_source source)
{
    struct triage_verdict *v = d->v;

    if (v->frame_count == TRIAGE_FRAMES_MAX)
        return false;
    v->frames[v->frame_count++] = (struct triage_frame){ .place = dump_place(d, ip), .sp = sp, .source = source };
    return true;
}

static bool is_fault(const struct dump *d, uint64_t ip)
{
    return d->v->has_fault && ip == d->v->fault.address;
}

struct climb {
    bool met;      /* the fault address was passed on the way */
    bool complete; /* the outermost frame was reached */
};

/* Unwinds from cpu; the first frame has the given source. */
static struct climb unwind_from(struct dump *d, struct cpu cpu, enum triage_frame_source source)
{
    bool returned = false, trap = false;
    struct climb c = { 0 };

    for (;;) {
        bool fault = !returned && is_fault(d, cpu.ip);
        enum unwind_answer a;

        c.met = c.met || fault;
        if (!add_frame(d, cpu.ip, cpu.reg[REG_RSP], fault ? FRAME_FAULT : source))
            return c;
        if (!cpu.has_registers || !window_runs(&d->window))
            return c;
        a = unwind_step(d, &cpu, returned, &trap);
        c.complete = a == UNWIND_END;
        if (a != UNWOUND)
            return c;
        returned = !trap;
        source = FRAME_UNWOUND;
    }
}

/* x86: saved Ebp, then the return address above it, as long as both climb. */
static void chain_from(struct dump *d, struct cpu cpu, enum triage_frame_source source)
{
    uint64_t ebp = cpu.reg[REG_RBP], sp = cpu.reg[REG_RSP];

    if (!add_frame(d, cpu.ip, sp, source))
        return;
    while (ebp >= sp && ebp - sp < CHAIN_STEP_MAX && ebp % 4 == 0 && window_runs(&d->window)) {
        uint32_t next = 0, ret = 0;

        if (!vmem_u32(&d->vm, ebp, &next) || !vmem_u32(&d->vm, ebp + 4, &ret) || dump_driver_at(d, ret) < 0 ||
            !add_frame(d, ret, ebp + 8, FRAME_CHAIN))
            return;
        sp = ebp + 4;
        ebp = next;
    }
}

static bool is_arm64_call(uint32_t instruction)
{
    return (instruction & 0xFC000000) == 0x94000000 || (instruction & 0xFFFFFC1F) == 0xD63F0000; /* bl, blr */
}

/* Whether the bytes before a return address can be a call; true also when they
 * are not in the dump. */
static bool after_call(struct dump *d, uint64_t ret)
{
    unsigned char b[CALL_LOOK];

    if (!vmem_get(&d->vm, ret - CALL_LOOK, b, sizeof b))
        return true;
    if (d->v->header.arch == DUMP_ARCH_ARM64)
        return ret % 4 == 0 && is_arm64_call(le32(b + CALL_LOOK - 4));
    if (b[2] == 0xE8)
        return true; /* call rel32 */
    for (size_t i = 0; i + 1 < CALL_LOOK; i++) {
        size_t len = CALL_LOOK - i;

        if (b[i] == 0xFF && (b[i + 1] >> 3 & 7) == 2 && (len == 2 || len == 3 || len == 4 || len == 6 || len == 7))
            return true; /* call r/m */
    }
    return false;
}

static bool code_like(struct dump *d, uint64_t value)
{
    int i = dump_driver_at(d, value);

    return i >= 0 && value - d->v->drivers[i].base >= HEADERS && after_call(d, value);
}

static void scan_from(struct dump *d, uint64_t sp)
{
    size_t step = d->v->header.is64 ? 8 : 4;
    struct stack_range s;

    if (!stack_from(d, sp, &s))
        return;
    for (uint64_t at = s.low, found = 0; at + step <= s.high && found < SCAN_MAX && window_runs(&d->window);
         at += step) {
        uint64_t value = 0;

        if (!vmem_pointer(&d->vm, at, &value) || !vmem_is_kernel(&d->vm, value) || !code_like(d, value))
            continue;
        found++;
        if (!add_frame(d, value, at, FRAME_SCANNED))
            return;
    }
}

/* The name of the nearest export below, when it is near or the same function. */
static void name_frame(struct dump *d, struct triage_place *p)
{
    uint32_t at = 0, start = 0;
    const char *name;
    struct image img;

    if (p->driver < 0 || !image_open(&d->vm, d->v->drivers[p->driver].base, &img))
        return;
    name = image_export(d, &img, (uint32_t)p->offset, &at);
    if (*name == '\0')
        return;
    if (unwind_function_start(d, p->address, &start) ? start <= at : p->offset - at < NEAR_EXPORT)
        p->symbol = dump_textf(d, "%s+0x%x", name, (unsigned)(p->offset - at));
}

/* From the header's context; if that does not lead to the fault, from the
 * fault; and where the tables give out, a scan from the last good frame. */
static void walk_tables(struct dump *d)
{
    struct triage_verdict *v = d->v;
    struct climb c = { 0 };
    uint64_t last = d->header_cpu.reg[REG_RSP];

    if (d->header_cpu.ip != 0)
        c = unwind_from(d, d->header_cpu, FRAME_CONTEXT);
    if (v->has_fault && !c.met) {
        if (v->frame_count > 1)
            v->frame_count = 1;
        c = unwind_from(d, d->fault_cpu, FRAME_FAULT);
        if (d->fault_sp_good)
            last = v->frames[v->frame_count - 1].sp;
    } else if (v->frame_count > 0) {
        last = v->frames[v->frame_count - 1].sp;
    }
    if (!c.complete)
        scan_from(d, last);
}

void stack_walk(struct dump *d)
{
    struct triage_verdict *v = d->v;

    v->frames = dump_alloc(d, TRIAGE_FRAMES_MAX * sizeof *v->frames);
    if (v->frames == NULL)
        return;
    if (v->header.arch == DUMP_ARCH_X86) {
        if (d->header_cpu.ip != 0)
            chain_from(d, d->header_cpu, FRAME_CONTEXT);
        if (v->has_fault)
            chain_from(d, d->fault_cpu, FRAME_FAULT);
        if (v->frames[v->frame_count > 0 ? v->frame_count - 1 : 0].source != FRAME_CHAIN)
            scan_from(d, d->fault_sp_good ? d->fault_cpu.reg[REG_RSP] : d->header_cpu.reg[REG_RSP]);
    } else {
        walk_tables(d);
    }
    for (size_t i = 0; i < v->frame_count && i < NAMED_MAX && window_runs(&d->window); i++)
        name_frame(d, &v->frames[i].place);
    if (v->has_fault)
        name_frame(d, &v->fault);
}
