/* What the system's service control tells a running program: stop, and read
 * your settings again.  POSIX: SIGTERM and SIGINT, SIGHUP; Windows: service
 * controls and the console's Ctrl-C.
 *
 * Loop thread; the callbacks run on it too.
 */
#ifndef PLAT_SERVICE_H
#define PLAT_SERVICE_H

#include "base/error.h"

#include <uv.h>

struct service_events {
    /* times counts from 1: a second stop means "faster". */
    void (*stop)(void *arg, int times);
    void (*reload)(void *arg);
    void *arg;
};

/* Runs body as the service when the system's service control has started this
 * program, and here and now in every other case; its value is the program's exit
 * code.  As a service, messages go to the system's event log (what body wrote
 * to stderr, when it ends with another code than 0), the service counts as running
 * once body has called service_start(), and a code other than 0 is a failure
 * that the service control answers with a restart. */
int service_host(int (*body)(int argc, char **argv), int argc, char **argv);

/* How many threads the loop's pool is to have, all with one heap.  Before it is first used. */
void service_pool_threads(int count);

struct service;

/* Begins to listen; events is copied.  Broken pipes are ignored from here on
 * (they are return values), and the program gives way to the host's own work. */
MUST_USE int service_start(struct service **out, uv_loop_t *loop, const struct service_events *events, struct err *e);

/* No event after this.  Frees itself once the loop has closed its handles. */
void service_close(struct service *s);

/* Ends the program now, without waiting for threads that a dead disk or share
 * still holds.  What is committed is on the disk; nothing else is waited for. */
_Noreturn void service_exit_now(int status);

#endif
