/* What a guest wrote to its five crash registers, as a hypervisor hands it on:
 * Hyper-V in event 18590, ESXi in vmware.log (hyperv.md A.3 and G: the synthetic
 * MSRs 0x40000100 to 0x40000104).
 *
 * Windows writes its bug check code and the four parameters.  Linux writes die
 * code, guest OS id, RIP, driver version, RSP; or, when it hands over its panic
 * message, three zeros, the address of the text and its length.  Linux tells
 * itself by 0x81 in bits 63..56 of the guest OS id, with its version in bits
 * 47..16.  Zeros that are neither are "other": no code is made up for them.
 */
#ifndef COLLECTORS_CRASH_REGISTERS_H
#define COLLECTORS_CRASH_REGISTERS_H

#include "model/observation.h"

#include <stdint.h>

enum { CRASH_REGISTERS = 5 };

/* Adds the attributes of hyperv.guest.crash, and for Linux the sentence and the kind of crash. */
void crash_registers_put(struct observation *o, const uint64_t p[CRASH_REGISTERS]);

#endif
