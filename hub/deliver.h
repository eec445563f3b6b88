/* Deliveries: reports and what was newly found go to people by themselves.
 *
 * A thread of its own looks every few seconds whether a schedule is due, whether something was
 * found, whether a try is to be made again; makes the content from one moment of the
 * fleet, writes the job down, sends, and writes down that it was sent
 * (fleet_delivery.h says what that promises).  Of several hubs on one store
 * one delivers; the others watch it. */
#ifndef HUB_DELIVER_H
#define HUB_DELIVER_H

#include "config/hub_config.h"
#include "hub/counters.h"
#include "hub/deliver_send.h"
#include "plat/random.h"

struct deliver;

struct deliver_setup {
    struct fleet_store *store;       /* of its own, not owned; used by the thread alone */
    const struct hub_config *config; /* its delivery section and what reports need are copied */
    struct counters *counters;
    const struct clock *clock;
    const struct random_source *random;
    void (*send)(const struct content *c, const struct deliver_options *o, struct deliver_result *out); /* a seam */
};

/* Are the files and folders there that the settings name?  Sends nothing; one problem at a time.  Says in the log when
 * a secret is open to others. */
MUST_USE int deliver_check(const struct hub_delivery_config *config, struct err *e);

/* Without the thread: for tests, which call deliver_tick() themselves. */
MUST_USE int deliver_new(struct deliver **out, const struct deliver_setup *setup, struct err *e);
void deliver_free(struct deliver *d);

/* One look at everything.  Failures are logged and tried again at the next. */
void deliver_tick(struct deliver *d);

/* Gives the lease back. */
void deliver_rest(struct deliver *d);

/* deliver_new() and a thread that ticks; deliver_stop() ends a transfer that is under way, waits for the thread,
 * and frees.  NULL is fine. */
MUST_USE int deliver_start(struct deliver **out, const struct deliver_setup *setup, struct err *e);
void deliver_stop(struct deliver *d);

#endif
