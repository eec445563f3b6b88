/* What makes two reports of a guest's crash one: the bug check code and its four
 * parameters (hyperv.md D: the strong key between event 18590 and a dump).
 *
 * Bit 28 of the code (BUGCHECK_MINIDUMP, the "_M" of WinDbg's names) tells how
 * the dump was written and not what happened: it is ignored.  A 32-bit guest
 * has parameters of 32 bits, and what stands above them is nobody's word.
 *
 * The key says nothing of when: 0x000000e2 (0, 0, 0, 0) is any crash that somebody made
 * by hand.  Whoever joins two reports bounds their times, too.
 */
#ifndef MODEL_CRASH_KEY_H
#define MODEL_CRASH_KEY_H

#include "model/observation.h"

#include <stdbool.h>
#include <stdint.h>

enum { CRASH_PARAMETERS = 4 };

struct crash_key {
    uint64_t code;
    uint64_t parameters[CRASH_PARAMETERS];
    bool is_32bit; /* said by the dump */
};

/* Reads the crash attributes of a hyperv.guest.crash or hyperv.guest.dump; false
 * when the code or one of the parameters is missing or no number. */
bool crash_key_of(const struct observation *o, struct crash_key *out);

bool crash_key_same(const struct crash_key *a, const struct crash_key *b);

#endif
