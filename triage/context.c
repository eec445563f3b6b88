/* See context.h. */
#include "triage/context.h"

#include "triage/bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
    CTX64_FLAGS = 0x30,
    CTX64_MXCSR = 0x34,
    CTX64_CS = 0x38,
    CTX64_REGISTERS = 0x78,
    CTX64_RIP = 0xF8,
    CTX64_MXCSR2 = 0x118,
    CTX64_AMD64 = 0x100000,
    CTX64_EXCEPTION = 0x10001F,
    CTX32_EDI = 0x9C,
    CTX32_EBP = 0xB4,
    CTX32_EIP = 0xB8,
    CTX32_ESP = 0xC4,
    CTX_ARM64_SP = 0x100,
    CTX_ARM64_PC = 0x108,
    KERNEL_CS64 = 0x10,
    USER_CS64 = 0x33,
    KERNEL_CS32 = 0x08,
    KERNEL_SS64 = 0x18,
    EFLAGS_FIXED = 1 << 1,
    EFLAGS_LIMIT = 1 << 22,
    MXCSR_LIMIT = 0x10000,
    STACK_WINDOW = 32 * 1024,
    STACK_BYTES_MAX = 256 * 1024,
};

static bool kernel64(uint64_t va)
{
    return va >> 47 == 0x1FFFF;
}

bool context64_parse(const unsigned char *p, struct cpu *out)
{
    uint16_t cs = le16(p + CTX64_CS);
    uint64_t rip = le64(p + CTX64_RIP);

    if ((le32(p + CTX64_FLAGS) & CTX64_AMD64) == 0 || (cs != KERNEL_CS64 && cs != USER_CS64) || rip == 0)
        return false;
    *out = (struct cpu){ .has_registers = true, .ip = rip };
    for (size_t i = 0; i < REGISTERS; i++)
        out->reg[i] = le64(p + CTX64_REGISTERS + 8 * i);
    return true;
}

bool context32_parse(const unsigned char *p, struct cpu *out)
{
    /* CONTEXT order from Edi on: Edi, Esi, Ebx, Edx, Ecx, Eax */
    static const unsigned char order[] = { 7, 6, 3, 2, 1, 0 };

    if (le32(p + CTX32_EIP) == 0)
        return false;
    *out = (struct cpu){ .has_registers = true, .ip = le32(p + CTX32_EIP) };
    for (size_t i = 0; i < sizeof order; i++)
        out->reg[order[i]] = le32(p + CTX32_EDI + 4 * i);
    out->reg[REG_RBP] = le32(p + CTX32_EBP);
    out->reg[REG_RSP] = le32(p + CTX32_ESP);
    return true;
}

bool trap64_parse(const unsigned char *p, struct cpu *out)
{
    uint16_t cs = le16(p + 0x170);
    uint32_t eflags = le32(p + 0x178);
    uint64_t rip = le64(p + TRAP64_RIP);

    if (cs != KERNEL_CS64 || rip == 0 || (eflags & EFLAGS_FIXED) == 0 || eflags >= EFLAGS_LIMIT)
        return false;
    *out = (struct cpu){ .has_registers = true, .ip = rip };
    out->reg[0] = le64(p + 0x30); /* rax */
    out->reg[1] = le64(p + 0x38); /* rcx */
    out->reg[2] = le64(p + 0x40); /* rdx */
    out->reg[8] = le64(p + 0x48); /* r8 to r11 */
    out->reg[9] = le64(p + 0x50);
    out->reg[10] = le64(p + 0x58);
    out->reg[11] = le64(p + 0x60);
    out->reg[3] = le64(p + 0x140); /* rbx */
    out->reg[7] = le64(p + 0x148); /* rdi */
    out->reg[6] = le64(p + 0x150); /* rsi */
    out->reg[REG_RBP] = le64(p + 0x158);
    out->reg[REG_RSP] = le64(p + 0x180);
    return true;
}

bool trap32_parse(const unsigned char *p, uint64_t va, struct cpu *out)
{
    uint32_t cs = le32(p + 0x6C) & 0xFFFF, eflags = le32(p + 0x70), eip = le32(p + TRAP32_EIP);

    if (cs != KERNEL_CS32 || eip == 0 || (eflags & EFLAGS_FIXED) == 0 || eflags >= EFLAGS_LIMIT)
        return false;
    *out = (struct cpu){ .has_registers = true, .ip = eip };
    out->reg[REG_RBP] = le32(p + 0x60);
    out->reg[REG_RSP] = (va + 0x74) & UINT32_MAX;
    return true;
}

void context_read_header(struct dump *d)
{
    unsigned char p[CONTEXT64_SIZE];
    enum dump_arch arch = d->v->header.arch;

    if (arch == DUMP_ARCH_X86) {
        if (window_read(&d->window, HEADER32_CONTEXT, p, CONTEXT32_SIZE))
            context32_parse(p, &d->header_cpu);
    } else if (window_read(&d->window, HEADER64_CONTEXT, p, sizeof p)) {
        if (arch == DUMP_ARCH_X64) {
            context64_parse(p, &d->header_cpu);
        } else if (arch == DUMP_ARCH_ARM64) {
            d->header_cpu.ip = le64(p + CTX_ARM64_PC);
            d->header_cpu.reg[REG_RSP] = le64(p + CTX_ARM64_SP);
        }
    }
    if (d->header_cpu.reg[REG_RSP] == 0 && d->mini.present)
        d->header_cpu.reg[REG_RSP] = d->mini.stack_top;
}

bool context_at(struct dump *d, uint64_t va, struct cpu *out)
{
    unsigned char p[CONTEXT64_SIZE];

    if (!vmem_is_kernel(&d->vm, va))
        return false;
    if (d->v->header.arch == DUMP_ARCH_X86)
        return vmem_get(&d->vm, va, p, CONTEXT32_SIZE) && context32_parse(p, out);
    return d->v->header.arch == DUMP_ARCH_X64 && vmem_get(&d->vm, va, p, CONTEXT64_SIZE) && context64_parse(p, out);
}

bool trap_at(struct dump *d, uint64_t va, struct cpu *out)
{
    unsigned char p[TRAP64_SIZE];

    if (!vmem_is_kernel(&d->vm, va))
        return false;
    if (d->v->header.arch == DUMP_ARCH_X86)
        return vmem_get(&d->vm, va, p, TRAP32_SIZE) && trap32_parse(p, va, out);
    return d->v->header.arch == DUMP_ARCH_X64 && vmem_get(&d->vm, va, p, TRAP64_SIZE) && trap64_parse(p, out);
}

bool stack_from(struct dump *d, uint64_t sp, struct stack_range *out)
{
    const struct minidump *m = &d->mini;
    uint64_t at = sp & ~(d->v->header.is64 ? UINT64_C(7) : UINT64_C(3)), offset, contiguous;

    if (m->present) {
        *out = (struct stack_range){ m->stack_top, m->stack_top + m->stack_size };
        if (m->stack_size == 0 || m->stack_top + m->stack_size < m->stack_top)
            return false;
        if (sp >= out->low && sp < out->high)
            out->low = at;
        return true;
    }
    if (!vmem_is_kernel(&d->vm, sp))
        return false;
    *out = (struct stack_range){ at, at };
    while (out->high - at < STACK_WINDOW && out->high >= at &&
           vmem_find(&d->vm, out->high, &offset, &contiguous) == VMEM_OK)
        out->high += contiguous;
    return out->high > at;
}

/* The bytes of a stack, malloc'ed; NULL when there are none. */
static unsigned char *read_stack(struct dump *d, const struct stack_range *s, size_t *len)
{
    uint64_t size = s->high - s->low;
    unsigned char *bytes;

    if (size > STACK_BYTES_MAX)
        size = STACK_BYTES_MAX;
    bytes = malloc((size_t)size + 1);
    if (bytes != NULL)
        *len = vmem_read(&d->vm, s->low, bytes, (size_t)size);
    return bytes;
}

static bool is_exception_context(const unsigned char *p)
{
    uint32_t mxcsr = le32(p + CTX64_MXCSR);

    return le32(p + CTX64_FLAGS) == CTX64_EXCEPTION && mxcsr != 0 && mxcsr < MXCSR_LIMIT &&
           mxcsr == le32(p + CTX64_MXCSR2) && kernel64(le64(p + CTX64_RIP));
}

bool context_on_stack(struct dump *d, const struct stack_range *s, uint64_t wanted, struct cpu *out)
{
    size_t len = 0;
    unsigned char *bytes = d->v->header.arch == DUMP_ARCH_X64 ? read_stack(d, s, &len) : NULL;
    bool found = false;

    for (size_t i = 0; bytes != NULL && !found && i + CONTEXT64_SIZE <= len; i += 8)
        found = is_exception_context(bytes + i) && (wanted == 0 || le64(bytes + i + CTX64_RIP) == wanted) &&
                context64_parse(bytes + i, out);
    free(bytes);
    return found;
}

/* Rip, Cs, EFlags, Rsp, Ss as the processor pushes them. */
static bool is_machine_frame(const unsigned char *p, const struct stack_range *s)
{
    uint64_t eflags = le64(p + 16), rsp = le64(p + 24), ss = le64(p + 32);

    return kernel64(le64(p)) && (le64(p + 8) & 0xFFFF) == KERNEL_CS64 && (eflags & EFLAGS_FIXED) != 0 &&
           eflags < EFLAGS_LIMIT && rsp >= s->low && rsp < s->high && (ss == KERNEL_SS64 || ss == 0);
}

static void take_machine_frame(const unsigned char *bytes, size_t at, struct cpu *out)
{
    if (at >= TRAP64_RIP && trap64_parse(bytes + at - TRAP64_RIP, out))
        return;
    *out = (struct cpu){ .ip = le64(bytes + at) };
    out->reg[REG_RSP] = le64(bytes + at + 24);
}

static bool trap32_in(const unsigned char *bytes, size_t len, uint64_t low, uint64_t wanted, struct cpu *out)
{
    for (size_t i = 0; i + TRAP32_SIZE <= len; i += 4) {
        uint32_t eip = le32(bytes + i + TRAP32_EIP);

        if (eip >= 0x80000000u && (wanted == 0 || eip == wanted) && trap32_parse(bytes + i, low + i, out))
            return true;
    }
    return false;
}

bool trap_on_stack(struct dump *d, const struct stack_range *s, uint64_t wanted, struct cpu *out)
{
    size_t len = 0;
    unsigned char *bytes = read_stack(d, s, &len);
    bool found = false;

    if (bytes != NULL && d->v->header.arch == DUMP_ARCH_X86)
        found = trap32_in(bytes, len, s->low, wanted, out);
    for (size_t i = 0; bytes != NULL && d->v->header.arch == DUMP_ARCH_X64 && !found && i + 40 <= len; i += 8) {
        found = is_machine_frame(bytes + i, s) && (wanted == 0 || le64(bytes + i) == wanted);
        if (found)
            take_machine_frame(bytes, i, out);
    }
    free(bytes);
    return found;
}
