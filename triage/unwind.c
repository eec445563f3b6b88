/* See unwind.h. */
#include "triage/unwind.h"

#include "triage/bytes.h"
#include "triage/image.h"

#include <assert.h>

enum {
    OP_PUSH = 0,
    OP_ALLOC_LARGE = 1,
    OP_ALLOC_SMALL = 2,
    OP_SET_FRAME = 3,
    OP_SAVE = 4,
    OP_SAVE_FAR = 5,
    OP_EPILOG = 6, /* version 2; version 1 had a save of 64 bits of xmm */
    OP_SPARE = 7,
    OP_XMM = 8,
    OP_XMM_FAR = 9,
    OP_MACHINE_FRAME = 10,
    FLAG_CHAINED = 4,
    CHAIN_MAX = 32,
    INFO_HEADER = 4,
    CODES_MAX = 255,
};

struct info {
    unsigned version, flags, prolog, count;
    unsigned frame_register, frame_offset;
    unsigned char codes[2 * CODES_MAX];
    struct image_function chained;
};

static bool read_info(struct vmem *vm, uint64_t base, uint32_t rva, struct info *out)
{
    unsigned char h[INFO_HEADER], f[12];
    uint64_t after;

    if (!vmem_get(vm, base + rva, h, sizeof h))
        return false;
    out->version = h[0] & 7;
    out->flags = h[0] >> 3;
    out->prolog = h[1];
    out->count = h[2];
    out->frame_register = h[3] & 15;
    out->frame_offset = (h[3] >> 4) * 16u;
    if (out->version < 1 || out->version > 2 ||
        !vmem_get(vm, base + rva + INFO_HEADER, out->codes, 2 * (size_t)out->count))
        return false;
    if ((out->flags & FLAG_CHAINED) == 0)
        return true;
    after = base + rva + INFO_HEADER + 2 * (uint64_t)((out->count + 1) & ~1u);
    if (!vmem_get(vm, after, f, sizeof f))
        return false;
    out->chained = (struct image_function){ le32(f), le32(f + 4), le32(f + 8) };
    return true;
}

/* Slots an operation takes, itself included; 0 for one that does not exist. */
static unsigned slots_of(unsigned version, unsigned op, unsigned info)
{
    switch (op) {
    case OP_ALLOC_LARGE:
        return info == 0 ? 2 : info == 1 ? 3 : 0;
    case OP_SAVE:
    case OP_XMM:
        return 2;
    case OP_SAVE_FAR:
    case OP_XMM_FAR:
        return 3;
    case OP_EPILOG:
        return version == 1 ? 2 : 1;
    case OP_SPARE:
        return version == 1 ? 3 : 2;
    default:
        return op <= OP_MACHINE_FRAME ? 1 : 0;
    }
}

static uint32_t operand(const unsigned char *code, unsigned slots)
{
    return slots == 2 ? le16(code + 2) : slots == 3 ? le32(code + 2) : 0;
}

/* Undoes one operation.  False when memory it needs is not in the dump. */
static bool undo(struct vmem *vm, const struct info *in, const unsigned char *code, unsigned slots, struct cpu *c,
                 uint64_t frame, bool *machine_frame)
{
    unsigned op = code[1] & 15, info = code[1] >> 4;
    uint64_t *rsp = &c->reg[REG_RSP], at;

    switch (op) {
    case OP_PUSH:
        if (!vmem_u64(vm, *rsp, &c->reg[info]))
            return false;
        *rsp += 8;
        return true;
    case OP_ALLOC_LARGE:
        *rsp += slots == 2 ? (uint64_t)operand(code, slots) * 8 : operand(code, slots);
        return true;
    case OP_ALLOC_SMALL:
        *rsp += info * 8 + 8;
        return true;
    case OP_SET_FRAME:
        *rsp = c->reg[in->frame_register] - in->frame_offset;
        return true;
    case OP_SAVE:
    case OP_SAVE_FAR:
        return vmem_u64(vm, frame + (slots == 2 ? (uint64_t)operand(code, slots) * 8 : operand(code, slots)),
                        &c->reg[info]);
    case OP_MACHINE_FRAME:
        at = *rsp + (info == 1 ? 8 : 0);
        *machine_frame = true;
        return vmem_u64(vm, at, &c->ip) && vmem_u64(vm, at + 24, rsp);
    default:
        return true; /* xmm registers and epilogues do not move the walk */
    }
}

/* Whether the prologue has already set the frame register at `offset`. */
static bool frame_is_set(const struct info *in, uint32_t offset)
{
    if (in->frame_register == 0)
        return false;
    if (offset >= in->prolog)
        return true;
    for (unsigned i = 0, n; i < in->count; i += n) {
        n = slots_of(in->version, in->codes[2 * i + 1] & 15, in->codes[2 * i + 1] >> 4);
        if (n == 0)
            return false;
        if ((in->codes[2 * i + 1] & 15) == OP_SET_FRAME)
            return offset >= in->codes[2 * i];
    }
    return false;
}

/* Undoes the prologue as far as it had run at `offset` from the function's start. */
static bool undo_all(struct vmem *vm, const struct info *in, uint32_t offset, struct cpu *c, bool *machine_frame)
{
    uint64_t frame = frame_is_set(in, offset) ? c->reg[in->frame_register] - in->frame_offset : c->reg[REG_RSP];

    for (unsigned i = 0, n; i < in->count; i += n) {
        const unsigned char *code = in->codes + 2 * (size_t)i;

        n = slots_of(in->version, code[1] & 15, code[1] >> 4);
        if (n == 0 || i + n > in->count)
            return false;
        if (code[0] > offset && (code[1] & 15) != OP_EPILOG)
            continue;
        if (!undo(vm, in, code, n, c, frame, machine_frame))
            return false;
    }
    return true;
}

static bool undo_function(struct dump *d, uint64_t base, const struct image_function *f, uint32_t rva, struct cpu *c,
                          bool *trap)
{
    struct image_function now = *f;
    uint32_t offset = rva - f->begin;
    struct info in;

    for (int i = 0; i < CHAIN_MAX; i++) {
        unsigned char e[12];

        if ((now.unwind & 1) != 0) { /* another function's entry in place of unwind data */
            if (!vmem_get(&d->vm, base + (now.unwind & ~1u), e, sizeof e))
                return false;
            now = (struct image_function){ le32(e), le32(e + 4), le32(e + 8) };
            continue;
        }
        if (!read_info(&d->vm, base, now.unwind, &in) || !undo_all(&d->vm, &in, offset, c, trap))
            return false;
        if ((in.flags & FLAG_CHAINED) == 0)
            return true;
        now = in.chained;
        offset = UINT32_MAX; /* a chained part is past the whole prologue of the first */
    }
    return false;
}

/* The image of driver i, by its PE header or, where that is paged out, by the
 * exception table that the loader's entry names. */
static bool open_image(struct dump *d, int i, struct image *img)
{
    const struct triage_driver *m = &d->v->drivers[i];

    if (image_open(&d->vm, m->base, img))
        return img->is64;
    *img = (struct image){ .base = m->base, .size = m->size, .is64 = true };
    if (m->exception_table <= m->base || m->exception_table - m->base >= m->size)
        return false;
    img->dirs[IMAGE_EXCEPTIONS] =
        (struct image_directory){ (uint32_t)(m->exception_table - m->base), m->exception_table_size };
    return true;
}

bool unwind_function_start(struct dump *d, uint64_t va, uint32_t *begin)
{
    int i = dump_driver_at(d, va);
    struct image_function f;
    struct image img;

    if (i < 0 || d->v->header.arch != DUMP_ARCH_X64 || !open_image(d, i, &img) ||
        image_function(&d->vm, &img, (uint32_t)(va - img.base), &f) != 1)
        return false;
    *begin = f.begin;
    return true;
}

enum unwind_answer unwind_step(struct dump *d, struct cpu *cpu, bool returned, bool *trap)
{
    struct cpu next = *cpu;
    uint64_t at = cpu->ip - (returned ? 1 : 0);
    int driver = dump_driver_at(d, at), found;
    struct image_function f;
    struct image img;

    *trap = false;
    if (driver < 0 || !open_image(d, driver, &img))
        return UNWIND_UNKNOWN;
    found = image_function(&d->vm, &img, (uint32_t)(at - img.base), &f);
    if (found < 0 || (found == 0 && returned))
        return UNWIND_UNKNOWN; /* a function that calls has an entry */
    if (found == 1 && !undo_function(d, img.base, &f, (uint32_t)(cpu->ip - img.base), &next, trap))
        return UNWIND_UNKNOWN;
    if (!*trap) {
        if (!vmem_u64(&d->vm, next.reg[REG_RSP], &next.ip))
            return UNWIND_UNKNOWN;
        next.reg[REG_RSP] += 8;
        if (next.reg[REG_RSP] <= cpu->reg[REG_RSP])
            return UNWIND_UNKNOWN;
    }
    *cpu = next;
    return next.ip == 0 ? UNWIND_END : UNWOUND;
}
