/* What a delivery's state becomes: no clock, no store, no network here, so that
 * every way through can be tested. */
#ifndef HUB_DELIVER_PLAN_H
#define HUB_DELIVER_PLAN_H

#include "base/times.h"
#include "config/hub_delivery.h"
#include "config/schedule.h"
#include "hub/deliver_send.h"
#include "hub/fleet_delivery.h"
#include "plat/random.h"

/* A delivery with its schedule read. */
struct deliver_plan {
    const struct hub_delivery *delivery;
    const struct hub_delivery_config *config;
    struct schedule schedule;
    struct time_zone *zone; /* owned */
    const struct random_source *random;
};
MUST_USE int deliver_plan_init(struct deliver_plan *p, const struct hub_delivery_config *config,
                               const struct hub_delivery *d, const struct random_source *random, struct err *e);
void deliver_plan_free(struct deliver_plan *p);

/* The state of a delivery that was never seen: nothing that was due before now is due. */
void deliver_plan_begin(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row);

/* Another schedule than the one that row->planned counts for, or a time that a wrong clock has written?  Then it counts
 * from now on.  True when row changed. */
bool deliver_plan_adopt(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row);

/* What is to be done. */
enum deliver_step {
    STEP_NOTHING,
    STEP_TRY,       /* the job there is */
    STEP_WAIT,      /* there is a job, and its next try is not yet due */
    STEP_SCHEDULED, /* a new job: the schedule says so.  However many times were missed, they are one */
    STEP_FOUND,     /* a new job: what was found has waited for long enough */
};
enum deliver_step deliver_plan_next(const struct deliver_plan *p, int64_t now_ns, const struct fleet_delivery *row);

/* A new job, with an id by chance. */
void deliver_plan_job(const struct deliver_plan *p, enum fleet_job kind, int64_t now_ns, struct fleet_delivery *row);

/* From when on a report of this job tells: since the time before at which it was due, for what is no scheduled job for
 * DELIVER_PERIOD_NS. */
#define DELIVER_PERIOD_NS (INT64_C(7) * 24 * 3600 * NS_PER_S)
int64_t deliver_plan_since(const struct deliver_plan *p, const struct fleet_delivery *row);

/* Before a try: counted, and the next one is put off, so that a hub that dies in the middle does not try in a loop. */
void deliver_plan_try(const struct deliver_plan *p, int64_t now_ns, struct fleet_delivery *row);

/* After it.  quiet: it was left out, because nothing had changed. */
void deliver_plan_sent(int64_t now_ns, bool quiet, struct fleet_delivery *row);
/* True when it is given up: refused for good, or tried for too long. */
bool deliver_plan_failed(const struct deliver_plan *p, int64_t now_ns, const struct deliver_result *result,
                         struct fleet_delivery *row);

#endif
