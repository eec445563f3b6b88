/* The agent: sources, store, uplink and status socket on one loop.
 *
 *     sources --step--> driver --append--> store --read--> uplink --> hub
 *        worker threads           store's thread               loop
 *
 * The loop itself never touches a disk, a name server or a source.  Everything
 * that happens is a result that a thread hands back.
 *
 * Loop thread, but for agent_start(), which opens the store and the bundles and may block.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/uplink.h"
#include "collectors/source.h"
#include "config/agent_config.h"
#include "plat/files.h"

enum {
    AGENT_STOP_MS = 3000,       /* how long a stop waits for steps that are under way */
    AGENT_STOP_FAST_MS = 100,   /* the same, after the second signal */
    AGENT_STOP_STORE_MS = 1500, /* and then for the store's disk */
    AGENT_THREADS = 11,         /* UV_THREADPOOL_SIZE */
};

struct agent;

struct agent_options {
    uv_loop_t *loop;
    const struct agent_config *config; /* copied */
    const char *config_path;           /* what reload reads; NULL: there is nothing to reload */
    const struct clock *clock;
    const struct random_source *random;
    const struct files *files;
    uplink_http *http;
    struct source **extra; /* sources of a test or simulation, not owned */
    size_t extra_count;
    bool reopening; /* the store was found damaged: it is checked as a whole before it is used */
    bool no_live;   /* this host itself is not looked at, whatever the settings: for tests and simulations */
    /* How patient a stop is; 0: AGENT_STOP_MS and AGENT_STOP_STORE_MS. */
    int stop_ms, stop_store_ms;
    /* The agent has ended and is to be freed; the loop has nothing more to do. */
    void (*ended)(void *arg);
    void *arg;
};

/* Why it ended. */
enum agent_end {
    AGENT_RUNNING,
    AGENT_STOPPED,   /* asked to, everything is closed */
    AGENT_REOPEN,    /* the store's file is damaged: start anew, which sets it aside */
    AGENT_LOST,      /* the same, but threads are held by dead disks: end the program as a failure */
    AGENT_ABANDONED, /* stopped, but threads are held by dead disks: end the program by service_exit_now() */
};

/* Checks the folders, opens the store, the status socket and the sources, and
 * begins.  ERR_INVALID is the settings' fault.  On error the loop is left with nothing of it. */
MUST_USE int agent_start(struct agent **out, const struct agent_options *options, struct err *e);

/* Ends cleanly; fast when called again. */
void agent_stop(struct agent *a);

/* Reads the settings again: check, swap, report. */
void agent_reload(struct agent *a);

enum agent_end agent_end(const struct agent *a);

/* After ended was called. */
void agent_free(struct agent *a);

#endif
