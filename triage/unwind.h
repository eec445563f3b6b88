/* One step up an x64 stack by the images' own unwind tables.  Internal to the room.
 *
 * RUNTIME_FUNCTION and UNWIND_INFO: dumps.md 3.6.  Works where the image's
 * .pdata and .rdata are in the dump; trap handlers' PUSH_MACHFRAME leads through
 * to the interrupted code.  Epilogues are not recognised: an address in one may
 * unwind wrongly, which is rare and only possible for the very first frame.
 */
#ifndef TRIAGE_UNWIND_H
#define TRIAGE_UNWIND_H

#include "triage/dump.h"

enum unwind_answer {
    UNWOUND,
    UNWIND_END,    /* no caller: return address 0 */
    UNWIND_UNKNOWN /* no tables, or they make no sense */
};

/* Moves cpu to its caller.  `returned` says that cpu->ip is a return address,
 * not the address of the next instruction. *trap is set when the step went
 * through a trap frame.  On UNWIND_UNKNOWN cpu is as before. */
enum unwind_answer unwind_step(struct dump *d, struct cpu *cpu, bool returned, bool *trap);

/* The begin of the function that holds va, as an RVA; false when not known. */
bool unwind_function_start(struct dump *d, uint64_t va, uint32_t *begin);

#endif
