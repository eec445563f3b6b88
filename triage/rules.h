/* What each bug check's parameters name.  Internal to the room.
 *
 * One table (dumps.md section 4): which parameter is the faulting address, a
 * saved context or a trap frame; which one is a subtype; how the code is to be
 * taken when no address leads anywhere.
 */
#ifndef TRIAGE_RULES_H
#define TRIAGE_RULES_H

#include "triage/triage.h"

#include <stdint.h>

enum rule_flags {
    RULE_TRAP = 1 << 0,     /* a trap frame on the stack is the fault even when no parameter names it */
    RULE_CONTEXT = 1 << 1,  /* so is an exception context */
    RULE_NO_BLAME = 1 << 2, /* what is on the stack found the damage and did not do it */
    RULE_STATUS = 1 << 3,   /* parameter 1 is the exception's status */
};

struct fault_rule {
    uint32_t code;
    unsigned char address, context, trap, subtype; /* parameter numbers from 1; 0 none */
    unsigned flags;
    enum triage_subject subject; /* when no driver can be named */
};

/* The rule for a code, with or without the minidump bit 0x10000000; a rule that
 * says nothing for a code that has none.  Never NULL. */
const struct fault_rule *fault_rule_of(uint32_t code);

/* 0x1000007E is 0x7E raised in a way that keeps only a small context. */
uint32_t code_base(uint32_t code);

#endif
