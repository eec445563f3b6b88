/* Looks again, now and then, at what this host says of itself, so that an update
 * of Windows, a renamed cluster or other integration services are noticed while
 * the agent runs.
 *
 * A reading may hang (the cluster's service is asked): it runs on a worker
 * thread, one at a time, and one that has no answer in time is said to hang and is
 * waited for by nobody.  What must not change while the agent runs does not: the
 * host's id, and its boot, whose time Windows corrects together with its clock.
 *
 * Loop thread throughout.
 */
#ifndef AGENT_HOST_WATCH_H
#define AGENT_HOST_WATCH_H

#include "base/buf.h"
#include "base/error.h"
#include "model/host.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum {
    HOST_WATCH_FIRST_MS = 1000,           /* the first look, which also asks what the start did not wait for */
    HOST_WATCH_EVERY_MS = 60 * 60 * 1000, /* and after each look the next */
    HOST_WATCH_SOON_MS = 10 * 1000,       /* after a cluster event, when things have settled */
    HOST_WATCH_HUNG_MS = 60 * 1000,       /* how long a look may take */
};

struct host_watch;

struct host_watch_options {
    uv_loop_t *loop;
    const struct resource *facts; /* as known at the start; copied */
    const char *problems;         /* what was said of them already; copied */
    /* plat_live_host_facts(); tests bring their own, and shorter times. */
    int (*read)(struct resource *out, struct buf *problems, struct err *e);
    uint64_t first_ms, every_ms, soon_ms, hung_ms;
    /* facts: all of them, of which something is new.  Not called after the close. */
    void (*changed)(void *arg, const struct resource *facts);
    void *arg;
};

MUST_USE int host_watch_new(struct host_watch **out, const struct host_watch_options *options, struct err *e);

/* Look soon: something happened that may have changed the facts.  Many are one. */
void host_watch_nudge(struct host_watch *w);

/* Frees itself later in the loop.  True when a reading is under way and left
 * behind: the loop would wait for it. */
bool host_watch_close(struct host_watch *w);

#endif
