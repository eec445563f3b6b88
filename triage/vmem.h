/* The guest's virtual memory, as far as the dump has it.
 *
 * A minidump is a list of blocks (address, file offset, size).  The others
 * hold physical pages, found through the guest's own page tables: x64 with
 * four or five levels, ARM64 with four, x86 with and without PAE; large pages;
 * pages in transition, whose frame is still good (dumps.md 2).
 * A walk has a fixed depth, so tables that map everything to themselves cost
 * no more than honest ones.
 */
#ifndef TRIAGE_VMEM_H
#define TRIAGE_VMEM_H

#include "triage/pages.h"
#include "triage/window.h"

enum vmem_mode { VMEM_NONE, VMEM_BLOCKS, VMEM_X64, VMEM_X64_5, VMEM_ARM64, VMEM_PAE, VMEM_X86 };

enum vmem_answer {
    VMEM_OK,
    VMEM_UNMAPPED,  /* no such address */
    VMEM_PAGED_OUT, /* in the page file when the system stopped */
    VMEM_ABSENT,    /* mapped, but the page is not in the dump */
    VMEM_STOPPED    /* the window's bounds, or a cut file */
};

struct vmem_block {
    uint64_t va, size;
    uint64_t offset; /* in the file */
};

struct vmem_cached {
    uint64_t page; /* va / 4096 + 1 */
    uint64_t offset;
};

enum { VMEM_CACHE = 256, VMEM_BLOCKS_MAX = 128 * 1024 };

struct vmem {
    enum vmem_mode mode;
    struct window *window;
    struct pages *pages; /* for the paged modes */
    uint64_t root;       /* physical address of the top table */
    bool is64;
    struct vmem_block *blocks; /* owned; by rising va */
    size_t block_count, block_cap;
    struct vmem_cached cache[VMEM_CACHE];
};

void vmem_init(struct vmem *vm, struct window *s, bool is64);
void vmem_close(struct vmem *vm);

/* Page tables.  May be called again with another mode: the cache is emptied. */
void vmem_use_tables(struct vmem *vm, struct pages *pages, enum vmem_mode mode, uint64_t dtb);

/* Blocks: add them all, then seal once. */
bool vmem_add_block(struct vmem *vm, uint64_t va, uint64_t offset, uint64_t size);
void vmem_seal_blocks(struct vmem *vm);

/* Where a byte of the guest is in the file, and how many bytes from there on
 * are contiguous (up to the end of its page or block). */
enum vmem_answer vmem_find(struct vmem *vm, uint64_t va, uint64_t *offset, uint64_t *contiguous);

/* As much of [va, va + len) as is there without a hole; returns the length. */
size_t vmem_read(struct vmem *vm, uint64_t va, void *buf, size_t len);
/* All of it or false. */
bool vmem_get(struct vmem *vm, uint64_t va, void *buf, size_t len);
bool vmem_u32(struct vmem *vm, uint64_t va, uint32_t *out);
bool vmem_u64(struct vmem *vm, uint64_t va, uint64_t *out);
/* 8 bytes, or 4 in a 32-bit guest. */
bool vmem_pointer(struct vmem *vm, uint64_t va, uint64_t *out);

/* Whether va can be a kernel address of this guest. */
bool vmem_is_kernel(const struct vmem *vm, uint64_t va);

#endif
