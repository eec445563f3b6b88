/* One driver a source: step on a worker thread, commit on the store's thread,
 * next step.
 *
 *     load mark -> step -> append (batch + mark, one transaction) -> wait -> step ...
 *
 * The mark a step starts from is always the one that was committed.  A commit
 * that failed is tried again with the same batch; a step that failed is taken
 * again later (doubling, jittered, capped); a step past its deadline makes the
 * source "hung" and is waited for, by nobody: the loop goes on, and what the
 * step brings in the end is taken.
 *
 * Each change of state is one log line and one hvfleet.source.state observation.
 *
 * Loop thread throughout.
 */
#ifndef AGENT_SOURCE_DRIVER_H
#define AGENT_SOURCE_DRIVER_H

#include "agent/health.h"
#include "agent/step_gate.h"
#include "collectors/source.h"
#include "plat/random.h"
#include "store/store_worker.h"

#include <uv.h>

/* What every driver of an agent shares.  Lives longer than the drivers. */
struct driver_env {
    uv_loop_t *loop;
    struct store_worker *worker;
    const struct clock *clock;
    const struct random_source *random;
    const char *host_id;
    /* After every commit: what the store looks like now. */
    void (*committed)(void *arg, const struct store_appended *done, const struct store_stats *stats);
    /* A commit failed; code ERR_CORRUPT means that the store must be opened anew. */
    void (*store_failed)(void *arg, const struct err *e);
    void *arg;
};

enum {
    DRIVER_EVENTS_MAX = 1000,            /* records a step takes; halved while a batch is too big */
    DRIVER_XML_MAX = 4 * 1024 * 1024,    /* bytes a step reads, about */
    DRIVER_BATCH_MAX = 32 * 1024 * 1024, /* ceiling of a batch in memory */
    DRIVER_RETRY_MIN_MS = 1000,
    DRIVER_RETRY_MAX_MS = 5 * 60 * 1000,
};

struct source_driver;

struct driver_options {
    struct source *source;  /* not owned; must live until the driver has ended */
    struct step_gate *gate; /* NULL: none */
    int64_t deadline_ns;    /* of a step */
    /* What counts as life: false, for a source that may be quiet without being
     * caught up only when it took something or knows that its lag is 0; true, where a good step
     * is proof (a folder was looked through, WMI answered). */
    bool look_is_life;
    bool may_be_absent; /* health does not mind when it does not exist */
    /* Called after a commit that holds a guest's start or arrival; event_ns: when
     * the newest of them happened.  NULL: nobody asks. */
    void (*guest_came)(void *arg, int64_t event_ns);
    /* Called after a commit that holds an event of the host's cluster.  NULL: nobody asks. */
    void (*cluster_event)(void *arg);
    void *came_arg; /* of both */
};

/* Begins at once.  env is not copied. */
MUST_USE int source_driver_start(struct source_driver **out, const struct driver_env *env,
                                 const struct driver_options *options, struct err *e);

/* Look again now: something has changed.  reloaded: settings were, so a misconfigured source is tried too. */
void source_driver_nudge(struct source_driver *d, bool reloaded);

/* Look again early, because something happened at event_ns (wall clock): at once, but
 * no less than apart_ns after the last step began.  Nothing when that step began after
 * event_ns, or while the source fails. */
void source_driver_hurry(struct source_driver *d, int64_t event_ns, int64_t apart_ns);

/* Somebody else looks at the source's files now, as often as its interval says, and nudges when they have changed:
 * after a step that began since then and left nothing that a time alone would bring
 * (source_step.settled) the driver waits so long.  0: nobody does any more, look again. */
void source_driver_watched(struct source_driver *d, int64_t ns);

/* Takes no further step; a step or commit under way is finished first.  ended
 * is called once, later, when the source may be closed; the driver frees itself after it. */
void source_driver_stop(struct source_driver *d, void (*ended)(void *arg), void *arg);

/* For a stop that cannot wait for a hung step: nothing of it is taken any more.
 * The driver's memory and its source are left to the end of the program. */
void source_driver_abandon(struct source_driver *d);

/* The texts in out live as long as the driver does not run. */
void source_driver_evidence(const struct source_driver *d, struct health_source *out);

#endif
