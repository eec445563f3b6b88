/* Processor states as Windows saves them: CONTEXT and KTRAP_FRAME.  Internal to the room. */
#ifndef TRIAGE_CONTEXT_H
#define TRIAGE_CONTEXT_H

#include "triage/dump.h"

enum {
    CONTEXT64_SIZE = 0x4D0,
    CONTEXT32_SIZE = 0x2CC,
    HEADER64_CONTEXT = 0x348,
    HEADER32_CONTEXT = 0x320,
    TRAP64_SIZE = 0x190,
    TRAP64_RIP = 0x168,
    TRAP32_EIP = 0x68,
    TRAP32_SIZE = 0x8C,
};

/* The stack that was captured, or that can be read. */
struct stack_range {
    uint64_t low, high;
};

/* From bytes; false when they do not look like the saved state of kernel code. */
bool context64_parse(const unsigned char *p, struct cpu *out);
bool context32_parse(const unsigned char *p, struct cpu *out);
bool trap64_parse(const unsigned char *p, struct cpu *out);
/* va is the frame's address: in kernel mode the interrupted Esp is its end. */
bool trap32_parse(const unsigned char *p, uint64_t va, struct cpu *out);

/* Fills d->header_cpu from the dump header. */
void context_read_header(struct dump *d);

bool context_at(struct dump *d, uint64_t va, struct cpu *out);
bool trap_at(struct dump *d, uint64_t va, struct cpu *out);

/* The stack that sp lies in: the captured one in a minidump, what is mapped
 * from sp on (32 KiB at most) otherwise.  False when there is none. */
bool stack_from(struct dump *d, uint64_t sp, struct stack_range *out);

/* Looks through a stack for a saved exception context, or for a trap's machine
 * frame, at ip `wanted` (0 takes the first).  dumps.md 3.5, points 3 and 4. */
bool context_on_stack(struct dump *d, const struct stack_range *s, uint64_t wanted, struct cpu *out);
bool trap_on_stack(struct dump *d, const struct stack_range *s, uint64_t wanted, struct cpu *out);

#endif
