/* See rules.h. */
#include "triage/rules.h"

#define MINIDUMP_BIT UINT32_C(0x10000000)

/* clang-format off */
static const struct fault_rule rules[] = {
    /* code, parameter that is the address, context, trap frame, subtype; flags; subject */
    { 0x0A, 4, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0x12, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0x18, 0, 0, 0, 0, 0, TRIAGE_UNKNOWN },
    { 0x19, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_MEMORY },
    { 0x1A, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_MEMORY },
    { 0x1E, 2, 0, 0, 0, RULE_TRAP | RULE_CONTEXT | RULE_STATUS, TRIAGE_UNKNOWN },
    { 0x22, 0, 3, 0, 0, RULE_CONTEXT, TRIAGE_UNKNOWN },
    { 0x23, 0, 3, 0, 0, RULE_CONTEXT, TRIAGE_UNKNOWN },
    { 0x24, 0, 3, 0, 0, RULE_CONTEXT, TRIAGE_UNKNOWN },
    { 0x3B, 2, 3, 0, 0, RULE_STATUS, TRIAGE_UNKNOWN },
    { 0x4E, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_MEMORY },
    { 0x50, 3, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0x77, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_STORAGE },
    { 0x7A, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_STORAGE },
    { 0x7E, 2, 4, 0, 0, RULE_CONTEXT | RULE_STATUS, TRIAGE_UNKNOWN },
    { 0x7F, 0, 0, 0, 1, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0x80, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_MANUAL },
    { 0x8E, 2, 0, 3, 0, RULE_TRAP | RULE_STATUS, TRIAGE_UNKNOWN },
    { 0x9C, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_HARDWARE },
    { 0x9E, 0, 0, 0, 3, RULE_NO_BLAME, TRIAGE_WATCHDOG },
    { 0x9F, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0xBE, 0, 0, 3, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xC1, 0, 0, 0, 4, 0, TRIAGE_UNKNOWN },
    { 0xC2, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0xC4, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0xC5, 4, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xC9, 2, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0xCB, 1, 0, 0, 0, 0, TRIAGE_UNKNOWN },
    { 0xCE, 3, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xD1, 4, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xD3, 4, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xD5, 3, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xD6, 3, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0xE2, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_MANUAL },
    { 0xE6, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0xEA, 0, 0, 0, 0, 0, TRIAGE_WATCHDOG },
    { 0xEF, 0, 0, 0, 2, RULE_NO_BLAME, TRIAGE_PROCESS },
    { 0xF4, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_PROCESS },
    { 0xF7, 0, 0, 0, 0, 0, TRIAGE_UNKNOWN },
    { 0xFC, 0, 0, 0, 0, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0x101, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_WATCHDOG },
    { 0x109, 0, 0, 0, 4, RULE_NO_BLAME, TRIAGE_MEMORY },
    { 0x10D, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0x116, 2, 0, 0, 0, 0, TRIAGE_UNKNOWN },
    { 0x117, 2, 0, 0, 0, 0, TRIAGE_UNKNOWN },
    { 0x119, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0x124, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_HARDWARE },
    { 0x133, 0, 0, 0, 1, 0, TRIAGE_WATCHDOG },
    { 0x139, 0, 0, 2, 1, RULE_TRAP, TRIAGE_UNKNOWN },
    { 0x13A, 0, 0, 0, 1, 0, TRIAGE_UNKNOWN },
    { 0x154, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_STORAGE },
    { 0x1C7, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_MEMORY },
    { 0x1C8, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_MANUAL },
    { 0x1CA, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_WATCHDOG },
    { 0x20001, 0, 0, 0, 1, RULE_NO_BLAME, TRIAGE_UNKNOWN },
    { 0xC0000218, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_STORAGE },
    { 0xC0000221, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_STORAGE },
    { 0xC000021A, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_PROCESS },
    { 0xDEADDEAD, 0, 0, 0, 0, RULE_NO_BLAME, TRIAGE_MANUAL },
};
/* clang-format on */

uint32_t code_base(uint32_t code)
{
    uint32_t low = code & ~MINIDUMP_BIT;

    return (code & MINIDUMP_BIT) != 0 && low < 0x1000 ? low : code;
}

const struct fault_rule *fault_rule_of(uint32_t code)
{
    static const struct fault_rule other = { .subject = TRIAGE_UNKNOWN };
    uint32_t base = code_base(code);

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].code == base)
            return &rules[i];
    return &other;
}
