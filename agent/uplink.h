/* The agent's way to the hub: a sender (transport/sender.h) with an outbox on
 * the store's thread, a timer on the loop and an HTTP client, and what it takes
 * to change or end them while a request is in flight.
 *
 * With hub.url "" nothing is shipped and everything stays in the outbox.  A
 * client that cannot be made (the token file is not there yet) is tried again
 * by itself; meanwhile collecting goes on.
 *
 * Loop thread.
 */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include "config/agent_config.h"
#include "store/store_worker.h"
#include "transport/sender.h"

#include <uv.h>

struct uplink;

/* Makes the HTTP client; http_curl_new() in the agent, a stand-in in tests. */
typedef int uplink_http(struct http_client **out, uv_loop_t *loop, const struct agent_config_hub *config,
                        struct err *e);

struct uplink_options {
    uv_loop_t *loop;
    struct store_worker *worker;
    const struct clock *clock;
    const struct random_source *random;
    uplink_http *http;
    struct resource resource;
    struct store_stats stats; /* of the store as it was opened */
    /* The outbox changed or could not be read; as in source_driver.h. */
    void (*changed)(void *arg, const struct store_stats *stats);
    void (*store_failed)(void *arg, const struct err *e);
    void *arg;
};

MUST_USE int uplink_new(struct uplink **out, const struct uplink_options *options, struct err *e);

/* Starts, changes or ends shipping.  When the client cannot be made the
 * settings before stay in force, the error is returned, and, if nothing was in force,
 * the new settings are tried again every half minute. */
int uplink_configure(struct uplink *u, const struct agent_config_hub *config, struct err *e);

/* Who speaks says something else of itself from now on (copied). */
void uplink_resource(struct uplink *u, const struct resource *resource);

/* After a commit. */
void uplink_stored(struct uplink *u, const struct store_stats *stats);

/* False when nothing is to be shipped (hub.url is ""). */
bool uplink_status(const struct uplink *u, struct sender_status *out);

/* Ends it; a request in flight is given up, its records stay in the outbox.
 * ended is called when the store is not needed any more, and u is gone with it. */
void uplink_stop(struct uplink *u, void (*ended)(void *arg), void *arg);

#endif
