/* A group: what is opened and closed together, a bundle with its sources, the
 * live sources of this host, or one dump folder, with a driver for each source.  A part of source_set.c.
 *
 * A group's life:  OPENING (worker thread) -> RUNNING -> RETIRING -> gone.
 * What could not be opened stays as FAILED and is tried again; its trouble is
 * shown as a source of its own.
 *
 * Loop thread, but for group_open(), which blocks.
 */
#ifndef AGENT_SOURCE_GROUP_H
#define AGENT_SOURCE_GROUP_H

#include "agent/folder_watch.h"
#include "agent/live_sources.h"
#include "agent/source_driver.h"
#include "collectors/bundle.h"
#include "collectors/dumps.h"
#include "config/agent_config.h"

enum group_kind { GROUP_BUNDLE, GROUP_LIVE, GROUP_DUMPS, GROUP_EXTRA };
enum group_state { GROUP_READY, GROUP_OPENING, GROUP_RUNNING, GROUP_FAILED, GROUP_RETIRING };

/* What all groups of a set share; lives longer than they do. */
struct group;

struct group_context {
    const struct files *files;
    int watchers; /* groups whose folder is watched: each has a worker thread of its own */
    const struct clock *clock;
    struct driver_env env;
    struct step_gate dump_gate, bundle_gate;
    struct dumps_turn dump_turn; /* one dump is read at a time */
    struct resource facts;       /* of this host, for the live sources that are opened next */
    char host_id[HOST_ID_MAX];   /* whose captures these are; no other host's bundle is opened later */
    struct group *groups;        /* the set's list */
    /* The group is closed and its memory about to go. */
    void (*gone)(void *arg, struct group *g);
    /* A live channel told of the host's cluster. */
    void (*cluster_event)(void *arg);
    void *arg;
};

/* The options a group was opened with; other ones mean a new group. */
struct group_options {
    int64_t poll_ns, interval_ns, refresh_ns, deadline_ns;
    int64_t setup_interval_ns;
    bool setup_disks;
    struct agent_config_privacy privacy;
    int facts_number;           /* of the host's facts that live sources were opened with */
    bool may_be_absent;         /* not compared: it follows from what the group is */
    struct dumps_options dumps; /* dir unused */
};

/* A driver's place in its group. */
struct seat {
    struct group *group;
    const char *name;             /* of its source */
    size_t index;                 /* of its source in the group */
    bool asks;                    /* about all guests: WMI */
    struct source_driver *driver; /* NULL once it has ended */
    struct seat *next;
};

struct group {
    struct group_context *context;
    enum group_kind kind;
    enum group_state state;
    char dir[CONFIG_TEXT_MAX];
    char name[SOURCE_NAME_MAX];
    struct group_options options;
    bool unwanted; /* retire as soon as nothing is under way */

    struct bundle *bundle;
    struct live_sources *live;
    struct resource facts; /* GROUP_LIVE: the context's as they were when it was made; worker threads read them */
    struct source *source; /* GROUP_DUMPS and GROUP_EXTRA */
    struct seat *seats;
    size_t seat_count; /* sources 0 .. seat_count - 1 have one */
    size_t alive;      /* drivers that have not ended */

    uv_timer_t timer; /* bundles, live ones: looks for new sources; failed ones: the next try */
    uv_async_t wake;  /* live ones: a channel has signalled */
    uv_work_t work;   /* opening, rescanning or closing */
    bool working;
    struct folder_watch *watch; /* GROUP_BUNDLE: NULL when it is polled */
    enum folder_news news;      /* the last wait's */
    bool looked;                /* the watch knows what the folder looks like */
    int64_t rescan_since_ns;    /* monotonic; 0 none is under way */
    int64_t since_ns;           /* monotonic: made at */
    int rc;
    struct err err;
    struct group *next; /* the set's */
};

/* NULL out of memory.  Nothing is opened. */
struct group *group_new(struct group_context *context, enum group_kind kind, const char *dir,
                        const struct group_options *options);
bool group_same_options(enum group_kind kind, const struct group_options *a, const struct group_options *b);

/* A source name that both of them have, NULL when there is none: the mark would
 * be the same, so only one of the two may be driven.  Both open, no loop running. */
const char *group_clash(struct group *g, struct group *other);

/* Opens bundle or folder here and now. */
MUST_USE int group_open(struct group *g, struct err *e);

/* Once the loop is there: before any of the following. */
void group_attach(struct group *g);
/* Starts the drivers of a group that is open. */
void group_run(struct group *g);
/* Opens on a worker thread, then runs; tries again by itself. */
void group_open_later(struct group *g);
/* Ends the drivers, closes, calls context->gone.  May be called again. */
void group_retire(struct group *g);
void group_nudge(struct group *g);
void group_abandon(struct group *g);

/* A group without drivers stands for itself. */
size_t group_evidence_count(const struct group *g);
size_t group_evidence(const struct group *g, struct health_source *out, size_t max);

/* The memory alone, and what is open; no driver may be left. */
void group_free(struct group *g);

#endif
