/* What an error of WMI means for the source: its state, whether the connection
 * is of any use still, and what a person should do (windows.md 4.4).
 *
 * Pure; any thread.
 */
#ifndef PLAT_WIN_WMI_ERRORS_H
#define PLAT_WIN_WMI_ERRORS_H

#include "plat/event_stream.h"

#include <stdbool.h>
#include <windows.h>

/* Our own words for two outcomes WMI has no error for. */
#define WMI_TIMED_OUT HRESULT_FROM_WIN32(ERROR_TIMEOUT)
#define WMI_TOO_LARGE HRESULT_FROM_WIN32(ERROR_BUFFER_OVERFLOW)

enum wmi_meaning {
    WMI_CLASS_ABSENT,     /* this host's generation has no such class or method: go on without */
    WMI_NAMESPACE_ABSENT, /* try the older namespace; without either the role is not there */
    WMI_BAD_QUERY,        /* a property is not known here: ask for all of them */
    WMI_DENIED,
    WMI_CONNECTION_LOST, /* WMI restarts, is too busy, or its provider died: connect anew and try again */
    WMI_LATE,            /* the deadline has passed */
    WMI_OTHER,           /* this class failed; others may answer */
};

struct wmi_verdict {
    enum wmi_meaning meaning;
    enum stream_state state;
    const char *words; /* what happened, without the code */
};

/* The verdict on a failure (FAILED(hr)). */
struct wmi_verdict wmi_judge(HRESULT hr);

/* Writes the remedy for that failure: a sentence with the code in it. */
void wmi_remedy(HRESULT hr, char *out, size_t size);

/* ComputerSystem answered without even the host's own row: a caller without
 * rights is shown nothing instead of being refused. */
enum stream_state wmi_judge_empty(bool has_rights, char *remedy, size_t size);

/* Whether this process is LocalSystem or in Administrators or Hyper-V
 * Administrators, as far as its token is in effect. */
bool wmi_has_rights(void);

#endif
