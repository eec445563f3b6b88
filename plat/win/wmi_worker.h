/* A thread of its own for WMI, because a call into a provider may never come
 * back: whoever waits for it stops waiting at the deadline, and the thread is
 * left to itself.
 *
 * The thread and the one that asks share the worker and its job; whoever lets
 * go last frees it.  A job belongs to the thread while it runs and to the asker
 * otherwise, so an abandoned one never touches anything but its own memory.
 */
#ifndef PLAT_WIN_WMI_WORKER_H
#define PLAT_WIN_WMI_WORKER_H

#include "base/buf.h"
#include "base/error.h"
#include "plat/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

enum {
    WMI_CLASSES_MAX = 16,               /* of one list */
    WMI_ANSWER_MAX = 128 * 1024 * 1024, /* bytes of one class */
    WMI_ABANDONED_MAX = 2,              /* threads of this process that may hang at one time */
};

/* What one class answered. */
struct wmi_answer {
    HRESULT hr;
    struct buf xml;
    size_t count; /* instances */
};

struct wmi_job {
    int64_t deadline_ns;                        /* in: monotonic */
    HRESULT hr;                                 /* S_OK: every class has its own */
    int64_t time_ns;                            /* when the first class was asked */
    struct wmi_answer classes[WMI_CLASSES_MAX]; /* as in the list */
};

struct wmi_worker;

/* classes: NULL-ended, WMI_CLASSES_MAX at most, and there to stay.
 * ERR_BUSY when WMI_ABANDONED_MAX threads hang. */
MUST_USE int wmi_worker_start(const struct clock *clock, const char *const *classes, struct wmi_worker **out,
                              struct err *e);

/* Runs one poll and waits for it until shortly after its deadline.  The job
 * stays the worker's; it is valid until the next call.  NULL when the thread
 * did not come back: then the worker is gone, and so is the caller's share. */
const struct wmi_job *wmi_worker_poll(struct wmi_worker *w, int64_t deadline_ns);

/* Ends the thread and lets go; waits for it only briefly. */
void wmi_worker_stop(struct wmi_worker *w);

/* Threads that hang now.  Any thread. */
int wmi_worker_abandoned(void);

#endif
