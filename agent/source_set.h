/* The sources of one agent: the bundles and dump folders of the settings, a
 * driver for each, brought in line with the settings whenever those change.
 *
 * A group is what is opened and closed together: a bundle with its sources, or
 * one dump folder.  Groups that the new settings no longer hold, or hold with
 * other options, are retired: their drivers finish what is under way, then the group is
 * closed, and only then its successor is opened, so that no two drivers ever
 * work on the same mark.  Opening and looking for new files happen on worker
 * threads.
 *
 * Loop thread throughout, but for source_set_new(), which blocks.
 */
#ifndef AGENT_SOURCE_SET_H
#define AGENT_SOURCE_SET_H

#include "agent/source_driver.h"
#include "config/agent_config.h"
#include "model/host.h"
#include "plat/files.h"

struct source_set;

/* Opens the bundles of the settings; they must all be of one host, whose facts
 * go to facts (host.name and host.cluster of the settings win).  Without a bundle the
 * facts are what the system says, and with live its own sources are followed,
 * where it has any (plat/live.h).  ERR_INVALID and so on with every message of
 * host.yaml in e. */
MUST_USE int source_set_new(struct source_set **out, const struct agent_config *config, bool live,
                            const struct files *files, const struct clock *clock, struct resource *facts,
                            struct err *e);

/* One more source, for tests and simulations; not owned, never retired.  Before the start. */
MUST_USE int source_set_add(struct source_set *s, struct source *source, int64_t deadline_ns, struct err *e);

/* Begins to drive.  env is copied. */
void source_set_start(struct source_set *s, const struct driver_env *env);

/* New settings (copied): retires, opens and nudges what has to be. */
void source_set_configure(struct source_set *s, const struct agent_config *config);

/* Whether this host itself is followed. */
bool source_set_live(const struct source_set *s);

/* What could not be found out of this host at the start, which is logged; never NULL. */
const char *source_set_host_problems(const struct source_set *s);

/* Who is told of events of this host's cluster.  Before the start; NULL: nobody. */
void source_set_on_cluster(struct source_set *s, void (*told)(void *arg), void *arg);

/* This host says something else of itself than before (copied): its live sources
 * are closed and opened anew, from where they were. */
void source_set_facts(struct source_set *s, const struct resource *facts);

size_t source_set_count(const struct source_set *s);
/* Evidence of all of them in order of name; at most max; returns how many. */
size_t source_set_evidence(const struct source_set *s, struct health_source *out, size_t max);

/* Lets every driver finish and closes everything; ended is called once. */
void source_set_stop(struct source_set *s, void (*ended)(void *arg), void *arg);

/* Instead of waiting on: takes nothing any more; true when steps are left
 * running, so that the program must end without waiting for its threads. */
bool source_set_abandon(struct source_set *s);

/* Before the start, or after ended. */
void source_set_free(struct source_set *s);

#endif
