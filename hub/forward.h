/* Forwarding: what was accepted and committed goes on to other systems too,
 * another OTLP/HTTP endpoint, a Splunk HTTP event collector, a syslog receiver, with
 * the promise that agents give the hub: nothing is lost without being told.
 *
 * It is the same queue that agents fill: a target reads the observation table
 * beyond its own durable marks (fleet_forward.h has the order and the lease), so a target that
 * is down costs nothing but its lag, and ingest never waits for it.  Retention does not wait
 * either: what ages out (store.keep) before a target took it is counted as lost, and
 * told as a finding.
 *
 * One thread a target, with a connection to the store of its own:
 *
 *   read a batch beyond the marks  ->  send it  ->  move the marks and counts, in one transaction
 *
 * Answers (forward_internal.h) decide what follows: taken; later (waits with
 * full jitter, or as long as Retry-After says); too big, or refused for its content (half as many records,
 * down to the one record, which is set aside and told); denied (a wrong token, address,
 * index: a long wait, nothing is set aside).  A target that refuses one record after the other for
 * its content is taken to be set up wrong after FORWARD_REFUSED_RUN of them, and is then denied too.
 *
 * At least once: a batch whose answer was lost, or whose marks were not moved before the
 * hub was killed, is sent again.  Each record carries the agent's id and its number, which
 * together never come twice with different content.
 */
#ifndef HUB_FORWARD_H
#define HUB_FORWARD_H

#include "config/hub_config.h"
#include "hub/counters.h"
#include "hub/fleet_store.h"
#include "plat/clock.h"

struct forward;

struct forward_options {
    const struct hub_config *config;         /* copied */
    const struct fleet_store_options *store; /* copied; how the threads open the store, to write */
    struct counters *counters;
    const struct clock *clock;
};

/* Prepares the targets that the config names: certificates and tokens are read.  None: *out is NULL.  On error nothing
 * runs. */
MUST_USE int forward_new(struct forward **out, const struct forward_options *options, struct err *e);
/* Makes the targets known to the store, so that what is accepted from here on is theirs; before forward_run(), over a
 * store that no other thread uses meanwhile.  When the store is away, and after a reload, each target's
 * thread does it as soon as it can. */
void forward_announce(struct forward *f, struct fleet_store *store);
/* Begins. */
MUST_USE int forward_run(struct forward *f, struct err *e);
/* Breaks off what is under way, gives back the leases, ends; within a second or two, unless the store stalls.
 * NULL is fine. */
void forward_stop(struct forward *f);

#endif
