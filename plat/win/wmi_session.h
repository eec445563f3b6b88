/* A connection to the Hyper-V namespace of WMI, and questions to it.
 *
 * Belongs to one COM thread (multithreaded apartment) from open to close; every
 * call may block for as long as WMI likes, though those with a deadline ask in
 * slices of a second at most and give up by themselves where WMI lets them.
 */
#ifndef PLAT_WIN_WMI_SESSION_H
#define PLAT_WIN_WMI_SESSION_H

#include "base/buf.h"
#include "plat/clock.h"
#include "plat/win/wmi_com.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wmi_deadline {
    const struct clock *clock;
    int64_t ns; /* monotonic */
};

/* Milliseconds the next slice may take, 1 s at most; 0 when it has passed. */
LONG wmi_slice_ms(const struct wmi_deadline *d);

struct wmi_session {
    IWbemServices *services;         /* NULL: closed */
    IWbemObjectTextSrc *text_source; /* NULL: we write the text */
    bool v2;
};

/* Connects to root\virtualization\v2, or to root\virtualization where there is
 * none (2008 R2).  The session must be all zero or closed. */
HRESULT wmi_session_open(struct wmi_session *s);
void wmi_session_close(struct wmi_session *s);

/* Appends all instances of a class to out, with the properties that matter
 * (all, where this host does not know one of them); *count how many. */
HRESULT wmi_session_class(struct wmi_session *s, const char *class_name, const struct wmi_deadline *d, struct buf *out,
                          size_t *count);

/* The same for Msvm_SummaryInformation, which is no class to query but the
 * answer of a method; WBEM_E_NOT_SUPPORTED in the old namespace, whose answer
 * does not hold what is wanted of it (hyperv.md C.1). */
HRESULT wmi_session_summaries(struct wmi_session *s, const struct wmi_deadline *d, struct buf *out, size_t *count);

/* Up to max objects, asked for in slices; all *got of them are the caller's.
 * S_OK with one at least; WBEM_S_FALSE at the end, with or without some; on a
 * failure there are none. */
HRESULT wmi_next(IEnumWbemClassObject *e, const struct wmi_deadline *d, ULONG max, IWbemClassObject **objects,
                 ULONG *got);

/* The same security as the connection's; needed on every proxy. */
HRESULT wmi_set_blanket(IUnknown *proxy);

#endif
