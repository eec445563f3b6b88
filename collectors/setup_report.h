/* How a VM is set up, as an observation: hyperv.guest.configuration. */
#ifndef COLLECTORS_SETUP_REPORT_H
#define COLLECTORS_SETUP_REPORT_H

#include "collectors/setup_poll.h"
#include "model/observation.h"

void setup_report(struct obs_batch *b, const struct setup_vm *vm, int64_t poll_ns, int64_t now_ns);

#endif
