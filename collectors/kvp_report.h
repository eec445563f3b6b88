/* What a poll found, as observations (model/observation.h). */
#ifndef COLLECTORS_KVP_REPORT_H
#define COLLECTORS_KVP_REPORT_H

#include "collectors/kvp_poll.h"
#include "model/host.h"
#include "model/observation.h"

struct kvp_times {
    int64_t poll_ns; /* when the answer was taken */
    int64_t now_ns;  /* when the agent saw it */
};

/* hyperv.guest.inventory.  Intrinsic items come last, so that an item of the
 * administrator can not take the place of one. */
void kvp_report_guest(struct obs_batch *b, const struct kvp_vm *vm, struct kvp_times t);

/* hyperv.guest.lifecycle "removed". */
void kvp_report_removed(struct obs_batch *b, const char *vm_id, struct kvp_times t);

/* hyperv.host.inventory. */
void kvp_report_host(struct obs_batch *b, const struct resource *facts, size_t guests, struct kvp_times t);

/* hvfleet.gap. */
void kvp_report_problem(struct obs_batch *b, const char *source, const struct kvp_problem *problem, struct kvp_times t);

#endif
