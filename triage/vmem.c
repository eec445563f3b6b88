/* See vmem.h. */
#include "triage/vmem.h"

#include "triage/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Page table entries, dumps.md 2. */
enum {
    PTE_PRESENT = 1 << 0,
    PTE_LARGE = 1 << 7,
    PTE_PROTOTYPE = 1 << 10,
    PTE_TRANSITION = 1 << 11,
    ARM_TABLE = 1 << 1, /* a block without it, above the last level */
    LEVELS_MAX = 5,
};

#define FRAME_MASK     UINT64_C(0x000FFFFFFFFFF000)
#define ARM_FRAME_MASK UINT64_C(0x0000FFFFFFFFF000) /* bits 50 and 51 are GP and DBM */
#define X86_FRAME_MASK UINT64_C(0x00000000FFFFF000)
#define VA48_HIGH      UINT64_C(0xFFFF800000000000)
#define VA57_HIGH      UINT64_C(0xFF00000000000000)
#define X86_KERNEL     UINT64_C(0x80000000)

void vmem_init(struct vmem *vm, struct window *s, bool is64)
{
    *vm = (struct vmem){ .window = s, .is64 = is64 };
}

void vmem_close(struct vmem *vm)
{
    free(vm->blocks);
    vm->blocks = NULL;
}

void vmem_use_tables(struct vmem *vm, struct pages *pages, enum vmem_mode mode, uint64_t dtb)
{
    assert(mode > VMEM_BLOCKS);
    vm->pages = pages;
    vm->mode = mode;
    vm->root = mode == VMEM_PAE ? dtb & ~UINT64_C(0x1F) : dtb & FRAME_MASK;
    memset(vm->cache, 0, sizeof vm->cache);
}

bool vmem_add_block(struct vmem *vm, uint64_t va, uint64_t offset, uint64_t size)
{
    if (size == 0 || va + size < va)
        return true;
    if (vm->block_count == vm->block_cap) {
        size_t cap = vm->block_cap == 0 ? 256 : vm->block_cap * 2;
        struct vmem_block *blocks = cap > VMEM_BLOCKS_MAX ? NULL : realloc(vm->blocks, cap * sizeof *blocks);

        if (blocks == NULL)
            return false;
        vm->blocks = blocks;
        vm->block_cap = cap;
    }
    vm->blocks[vm->block_count++] = (struct vmem_block){ .va = va, .size = size, .offset = offset };
    return true;
}

static int by_va(const void *a, const void *b)
{
    const struct vmem_block *x = a, *y = b;

    if (x->va != y->va)
        return x->va < y->va ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void vmem_seal_blocks(struct vmem *vm)
{
    if (vm->block_count > 1)
        qsort(vm->blocks, vm->block_count, sizeof *vm->blocks, by_va);
    vm->mode = VMEM_BLOCKS;
}

/* Blocks may overlap: the last ones that begin at or before va are tried. */
static enum vmem_answer find_block(const struct vmem *vm, uint64_t va, uint64_t *offset, uint64_t *contiguous)
{
    enum { LOOK_BACK = 16 };
    size_t lo = 0, hi = vm->block_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (vm->blocks[mid].va <= va)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t i = 0; i < LOOK_BACK && i < lo; i++) {
        const struct vmem_block *b = &vm->blocks[lo - 1 - i];

        if (va - b->va < b->size) {
            *offset = b->offset + (va - b->va);
            *contiguous = b->size - (va - b->va);
            return VMEM_OK;
        }
    }
    return VMEM_ABSENT;
}

struct level {
    unsigned shift; /* of the index in the address */
    unsigned bits;
    bool may_be_large;
};

static const struct level levels_x64[] = {
    { 48, 9, false }, { 39, 9, false }, { 30, 9, true }, { 21, 9, true }, { 12, 9, false }
};
static const struct level levels_pae[] = { { 30, 2, false }, { 21, 9, true }, { 12, 9, false } };
static const struct level levels_x86[] = { { 22, 10, true }, { 12, 10, false } };

static size_t levels_of(enum vmem_mode mode, const struct level **out)
{
    switch (mode) {
    case VMEM_X64_5:
        *out = levels_x64;
        return 5;
    case VMEM_X64:
    case VMEM_ARM64:
        *out = levels_x64 + 1;
        return 4;
    case VMEM_PAE:
        *out = levels_pae;
        return 3;
    default:
        assert(mode == VMEM_X86);
        *out = levels_x86;
        return 2;
    }
}

static bool canonical(const struct vmem *vm, uint64_t va)
{
    if (!vm->is64)
        return va <= UINT32_MAX;
    if (vm->mode == VMEM_X64_5)
        return (uint64_t)((int64_t)(va << 7) >> 7) == va;
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

bool vmem_is_kernel(const struct vmem *vm, uint64_t va)
{
    if (!vm->is64)
        return va >= X86_KERNEL && va <= UINT32_MAX;
    return va >= (vm->mode == VMEM_X64_5 ? VA57_HIGH : VA48_HIGH);
}

static enum vmem_answer read_physical(struct vmem *vm, uint64_t pa, void *buf, size_t len)
{
    uint64_t offset;

    assert(pa % DUMP_PAGE + len <= DUMP_PAGE);
    if (!pages_find(vm->pages, pa / DUMP_PAGE, &offset))
        return vm->window->stop == WINDOW_RUNS ? VMEM_ABSENT : VMEM_STOPPED;
    return window_read(vm->window, offset + pa % DUMP_PAGE, buf, len) ? VMEM_OK : VMEM_STOPPED;
}

static enum vmem_answer read_entry(struct vmem *vm, uint64_t table, uint64_t index, uint64_t *entry)
{
    unsigned char bytes[8] = { 0 };
    size_t size = vm->mode == VMEM_X86 ? 4 : 8;
    enum vmem_answer a = read_physical(vm, table + index * size, bytes, size);

    *entry = size == 4 ? le32(bytes) : le64(bytes);
    return a;
}

/* Whether an entry leads on: to a table, or to a page that is still readable. */
static enum vmem_answer entry_state(const struct vmem *vm, uint64_t entry, bool last)
{
    if ((entry & PTE_PRESENT) != 0)
        return VMEM_OK;
    if (vm->mode == VMEM_ARM64)
        return entry == 0 ? VMEM_UNMAPPED : VMEM_PAGED_OUT;
    if (last && (entry & PTE_TRANSITION) != 0 && (entry & PTE_PROTOTYPE) == 0)
        return VMEM_OK;
    return entry == 0 ? VMEM_UNMAPPED : VMEM_PAGED_OUT;
}

static bool entry_is_large(const struct vmem *vm, const struct level *l, uint64_t entry)
{
    if (!l->may_be_large)
        return false;
    return vm->mode == VMEM_ARM64 ? (entry & ARM_TABLE) == 0 : (entry & PTE_LARGE) != 0;
}

static uint64_t frame_mask(const struct vmem *vm)
{
    return vm->mode == VMEM_X86 ? X86_FRAME_MASK : vm->mode == VMEM_ARM64 ? ARM_FRAME_MASK : FRAME_MASK;
}

static uint64_t large_frame(const struct vmem *vm, const struct level *l, uint64_t entry)
{
    uint64_t in = (UINT64_C(1) << l->shift) - 1;

    if (vm->mode == VMEM_X86) /* PSE-36: bits 20:13 are bits 39:32 of the address */
        return (entry & 0xFFC00000) | (entry >> 13 & 0xFF) << 32;
    return entry & frame_mask(vm) & ~in;
}

static enum vmem_answer walk(struct vmem *vm, uint64_t va, uint64_t *pa)
{
    const struct level *levels;
    size_t n = levels_of(vm->mode, &levels);
    uint64_t table = vm->root, entry = 0;

    assert(n <= LEVELS_MAX);
    for (size_t i = 0; i < n; i++) {
        uint64_t index = va >> levels[i].shift & ((UINT64_C(1) << levels[i].bits) - 1);
        enum vmem_answer a = read_entry(vm, table, index, &entry);

        if (a == VMEM_OK)
            a = entry_state(vm, entry, i + 1 == n);
        if (a != VMEM_OK)
            return a;
        if (entry_is_large(vm, &levels[i], entry)) {
            *pa = large_frame(vm, &levels[i], entry) + (va & ((UINT64_C(1) << levels[i].shift) - 1));
            return VMEM_OK;
        }
        table = entry & frame_mask(vm);
    }
    *pa = table + va % DUMP_PAGE;
    return VMEM_OK;
}

static enum vmem_answer find_page(struct vmem *vm, uint64_t va, uint64_t *offset, uint64_t *contiguous)
{
    uint64_t page = va / DUMP_PAGE + 1, pa = 0, at = 0;
    struct vmem_cached *c = &vm->cache[page % VMEM_CACHE];
    enum vmem_answer a;

    *contiguous = DUMP_PAGE - va % DUMP_PAGE;
    if (c->page != page) {
        if (!canonical(vm, va))
            return VMEM_UNMAPPED;
        a = walk(vm, va - va % DUMP_PAGE, &pa);
        if (a != VMEM_OK)
            return a;
        if (!pages_find(vm->pages, pa / DUMP_PAGE, &at))
            return vm->window->stop == WINDOW_RUNS ? VMEM_ABSENT : VMEM_STOPPED;
        *c = (struct vmem_cached){ .page = page, .offset = at };
    }
    *offset = c->offset + va % DUMP_PAGE;
    return VMEM_OK;
}

enum vmem_answer vmem_find(struct vmem *vm, uint64_t va, uint64_t *offset, uint64_t *contiguous)
{
    if (vm->mode == VMEM_NONE)
        return VMEM_ABSENT;
    if (vm->mode == VMEM_BLOCKS)
        return find_block(vm, va, offset, contiguous);
    return find_page(vm, va, offset, contiguous);
}

size_t vmem_read(struct vmem *vm, uint64_t va, void *buf, size_t len)
{
    size_t done = 0;

    while (done < len && va + done >= va) {
        uint64_t offset, contiguous, n = len - done;

        if (vmem_find(vm, va + done, &offset, &contiguous) != VMEM_OK)
            break;
        if (n > contiguous)
            n = contiguous;
        if (!window_read(vm->window, offset, (char *)buf + done, (size_t)n))
            break;
        done += (size_t)n;
    }
    return done;
}

bool vmem_get(struct vmem *vm, uint64_t va, void *buf, size_t len)
{
    if (vmem_read(vm, va, buf, len) == len)
        return true;
    memset(buf, 0, len);
    return false;
}

bool vmem_u32(struct vmem *vm, uint64_t va, uint32_t *out)
{
    unsigned char b[4];
    bool ok = vmem_get(vm, va, b, sizeof b);

    *out = le32(b);
    return ok;
}

bool vmem_u64(struct vmem *vm, uint64_t va, uint64_t *out)
{
    unsigned char b[8];
    bool ok = vmem_get(vm, va, b, sizeof b);

    *out = le64(b);
    return ok;
}

bool vmem_pointer(struct vmem *vm, uint64_t va, uint64_t *out)
{
    uint32_t low = 0;
    bool ok;

    if (vm->is64)
        return vmem_u64(vm, va, out);
    ok = vmem_u32(vm, va, &low);
    *out = low;
    return ok;
}
