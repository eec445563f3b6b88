/* The agent as a service of this system: put in, taken out, started, stopped.
 *
 * Windows' service control manager; on every other system each function is
 * ERR_UNSUPPORTED (there the package brings a unit for the init system).
 *
 * Blocks, up to SERVICE_CONTROL_WAIT_S: for the command line.  All need an
 * administrator (ERR_PERMISSION says so), but for the standing.
 */
#ifndef PLAT_SERVICE_CONTROL_H
#define PLAT_SERVICE_CONTROL_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

enum { SERVICE_CONTROL_WAIT_S = 60, SERVICE_WORD_MAX = 32, SERVICE_TEXT_MAX = 1024 };

struct service_plan {
    const char *config;  /* --config of the service's own command line; NULL: none */
    const char *account; /* NULL: the virtual account NT SERVICE\hvagent; or "LocalSystem" */
    bool delayed;        /* starts a little after the system; false: with it */
};

/* Registers this very program, or brings an earlier registration in line:
 * restart on failure, its own event source, the folders and their rights, the
 * account's groups.  What this system does not offer, and does not need for
 * the service to work, is a line in remarks. */
MUST_USE int service_control_install(const struct service_plan *plan, struct buf *remarks, struct err *e);

/* Stops and removes it; settings and data stay. */
MUST_USE int service_control_uninstall(struct buf *remarks, struct err *e);

/* Each waits until it is so.  ERR_NOT_FOUND: not installed.  Starting what runs and
 * stopping what does not is good. */
MUST_USE int service_control_start(struct err *e);
MUST_USE int service_control_stop(struct err *e);

/* Has the running service read its settings again. */
MUST_USE int service_control_reload(struct err *e);

struct service_standing {
    char state[SERVICE_WORD_MAX]; /* "running", "stopped", "starting", "stopping", "unknown" */
    char start[SERVICE_WORD_MAX]; /* "automatic", "automatic (delayed)", "manual", "disabled" */
    char account[SERVICE_TEXT_MAX];
    char command[SERVICE_TEXT_MAX];
    unsigned long pid, exit_code; /* of the last end, when stopped */
    bool running;
};
MUST_USE int service_control_standing(struct service_standing *out, struct err *e);

#endif
