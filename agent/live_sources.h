/* The live sources of this host: a source for each event channel of the wanted
 * set that exists, and two for WMI (guests, and how they are set up).  Like a bundle (collectors/bundle.h), whose
 * place it takes where none is configured; only on systems that have them
 * (plat_live_available()).
 *
 * Opening, rescanning and closing block: worker threads, one at a time.
 * Counting and looking are for any thread while none of those is under way.
 */
#ifndef AGENT_LIVE_SOURCES_H
#define AGENT_LIVE_SOURCES_H

#include "collectors/source.h"
#include "config/agent_config.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/files.h"

struct live_sources;

struct live_options {
    const struct clock *clock;
    const struct resource *facts; /* of this host; copied */
    int64_t kvp_interval_ns, kvp_refresh_ns;
    int64_t setup_interval_ns;
    const struct agent_config_privacy *privacy; /* which KVP items are taken, and files to read its key with */
    const struct files *files;
    const struct files *disks; /* NULL: the guests' disk files are left alone */
    /* A channel has something new: live_signalled() says which.  From any
     * thread, until live_close() has returned. */
    void (*wake)(void *arg);
    void *arg;
};

/* WMI's sources are there from the start; channels come by live_rescan(). */
MUST_USE int live_open(const struct live_options *options, struct live_sources **out, struct err *e);

/* Takes up channels that have appeared.  Those that go stay and say so. */
MUST_USE int live_rescan(struct live_sources *l, struct err *e);

size_t live_count(const struct live_sources *l);
struct source *live_source(struct live_sources *l, size_t i);

/* True when looking is proof of life (WMI, but not a channel). */
bool live_look_is_life(const struct live_sources *l, size_t i);

/* True for the source that is to be asked at once when a guest has come. */
bool live_asks_guests(const struct live_sources *l, size_t i);

/* True once after source i was signalled. */
bool live_signalled(struct live_sources *l, size_t i);

void live_close(struct live_sources *l);

#endif
