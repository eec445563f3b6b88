/* One dump being read: what the parts of the library share while they fill the
 * verdict.  Internal to the room. */
#ifndef TRIAGE_DUMP_H
#define TRIAGE_DUMP_H

#include "base/arena.h"
#include "triage/pages.h"
#include "triage/triage.h"
#include "triage/vmem.h"
#include "triage/window.h"

/* TRIAGE_DUMP64 and TRIAGE_DUMP32, dumps.md 1.9; file offsets as stated. */
struct minidump {
    bool present;
    uint32_t size; /* of the triage part, from the start of the file */
    uint32_t mm, unloaded, prcb, process, thread;
    uint32_t stack, stack_size;
    uint64_t stack_top; /* the lowest address: where Rsp was */
    uint32_t drivers, driver_count;
    uint32_t strings, strings_size;
    uint64_t data_page_va;
    uint32_t data_page, data_page_size;
    uint32_t debugger_data, debugger_data_size;
    uint32_t blocks, block_count;
    bool counts_cut; /* a count was impossible and was cut to the room there is */
};

enum { KDBG_SIZE = 0x3A0 };

/* KDDEBUGGER_DATA64 as found, decoded if it was encoded (dumps.md 3.3). */
struct debugger_data {
    bool present;
    bool decoded; /* it was encoded in the dump */
    uint32_t size;
    unsigned char bytes[KDBG_SIZE];
};

enum { REGISTERS = 16, REG_RSP = 4, REG_RBP = 5 };

/* The registers of one moment.  reg[] in the order of x64 unwind codes: rax,
 * rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8..r15; x86 fills the first eight. */
struct cpu {
    bool has_registers; /* only ip and sp are known when it is false */
    uint64_t ip;
    uint64_t reg[REGISTERS];
};

struct by_base {
    uint64_t base;
    uint32_t index;
};

struct dump {
    struct triage_verdict *v;
    struct arena *arena; /* the verdict's */
    struct window window;
    struct pages pages;
    struct vmem vm;
    struct minidump mini;
    struct debugger_data kdbg;
    struct by_base *by_base; /* owned; drivers[] sorted */
    uint64_t pages_end;      /* file offset of the end of the pages, 0 not known */
    struct cpu header_cpu;   /* CONTEXT of the header */
    struct cpu fault_cpu;    /* where it went wrong; valid when v->has_fault */
    bool fault_sp_good;      /* fault_cpu's stack pointer lies in memory that the dump has */
    bool no_memory;          /* an allocation failed: the verdict is thrown away */
};

/* Text in the verdict's arena, cleaned; never NULL ("" when memory runs out,
 * which also sets no_memory). */
const char *dump_text(struct dump *d, const char *bytes, size_t len);
const char *dump_textf(struct dump *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* UTF-16LE bytes. */
const char *dump_text16(struct dump *d, const unsigned char *bytes, size_t len);
void *dump_alloc(struct dump *d, size_t size);

/* Lists in the verdict; over their ceilings nothing is added. */
void dump_finding(struct dump *d, const char *rule, uint64_t offset, const char *fmt, ...) PRINTF_LIKE(4, 5);
void dump_note(struct dump *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Makes the status worse (corrupt beats truncated beats ok), never better. */
void dump_damage(struct dump *d, enum triage_status status, const char *text);

/* The index of the driver that holds va, or -1. */
int dump_driver_at(const struct dump *d, uint64_t va);
/* Puts va into words; the symbol is left empty. */
struct triage_place dump_place(const struct dump *d, uint64_t va);
/* Sorts by_base; call when drivers[] is complete. */
void dump_sort_drivers(struct dump *d);
/* "storvsc.sys+0x2b8" in the arena. */
const char *dump_place_words(struct dump *d, const struct triage_place *p);
/* The driver of that name without regard to case, or -1. */
int dump_driver_named(const struct dump *d, const char *name);

/* The parts, in the order they are called. */
void minidump_open(struct dump *d);                 /* minidump.c: blocks and the part's checks */
void minidump_drivers(struct dump *d);              /* minidump_lists.c */
void minidump_facts(struct dump *d);                /* unloaded drivers, process, memory figures */
void memory_open(struct dump *d);                   /* memory.c: page index, page tables, debugger data */
void loader_drivers(struct dump *d);                /* loader.c: PsLoadedModuleList and PE facts */
void kernel_facts(struct dump *d);                  /* facts.c: memory, commit, build lab, unloaded, process */
void memory_extent(struct dump *d);                 /* facts.c, after all that may tell the memory */
void secondary_read(struct dump *d, uint64_t from); /* secondary.c: BIOS and maker */
void hyperv_role(struct dump *d);                   /* hyperv.c */
void fault_find(struct dump *d);                    /* fault.c */
void stack_walk(struct dump *d);                    /* stack.c */
void blame(struct dump *d);                         /* blame.c */
void bucket_make(struct dump *d);                   /* bucket.c */

#endif
