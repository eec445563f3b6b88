/* How much one agent may send, and when those who were sent away may come back.
 *
 * Each agent has a credit in bytes (of bodies, unpacked) that fills at a rate and
 * holds RATE_BURST_S seconds of it.  A request is paid for when its size is known,
 * and the credit may fall below zero by that one request; while it is below zero
 * the agent is told to wait until it is not.  So nobody is kept from sending one
 * request of any size that is taken, and nobody sends faster than the rate for long.
 *
 * Those who are sent away are spread: each is told a time by chance out of a span that
 * grows with how many were sent away lately, so that a fleet that comes back from an
 * outage at one moment does not come back at the next one too.
 *
 * Memory is fixed: RATE_PLACES agents; the one that was not heard for longest loses its
 * place, and has its full credit when it comes again.
 *
 * Thread safe. */
#ifndef HUB_LIMITS_RATE_H
#define HUB_LIMITS_RATE_H

#include "base/error.h"
#include "plat/clock.h"
#include "plat/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RATE_PLACES = 8192,
    RATE_BURST_S = 8,
    RATE_REQUEST_MIN = 4 * 1024, /* a request costs as much as so many bytes at least */
    RATE_SPREAD_MAX_S = 120,
    RATE_AGENT_MAX = 40,
};

struct rate;

MUST_USE int rate_new(struct rate **out, const struct clock *clock, const struct random_source *random, struct err *e);
void rate_free(struct rate *r);

/* Bytes a second; 0: no limit.  What the agents have used up stays. */
void rate_set(struct rate *r, int64_t bytes_per_s);

/* 0: the agent may send.  Otherwise the seconds after which it may, never 0. */
int rate_wait(struct rate *r, const char *agent_id);
void rate_pay(struct rate *r, const char *agent_id, size_t bytes);

/* How many bytes the agent may send now without having to wait after it; -1: there is no rate.  0: not even the least
 * request, and *wait_s is the seconds after which it may, never 0 then. */
int64_t rate_budget(struct rate *r, const char *agent_id, int *wait_s);

/* Seconds for a Retry-After: at least `least`, and by chance up to the span that those sent away lately need. */
int rate_retry_after(struct rate *r, int least);

#endif
