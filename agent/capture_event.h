/* An event without names: the same XML with the system part as it is but for
 * the computer and the user, and of the event's own data only what names nobody;
 * everything else is a stand-in (capture_names.h).  Rendered messages and
 * binary data are left out.
 */
#ifndef AGENT_CAPTURE_EVENT_H
#define AGENT_CAPTURE_EVENT_H

#include "agent/capture_names.h"
#include "base/buf.h"
#include "base/error.h"

struct capture_event;

/* names must outlive it. */
MUST_USE int capture_event_new(struct capture_names *names, struct capture_event **out, struct err *e);
void capture_event_free(struct capture_event *c);

/* Appends one <Event> element and a newline.  On an error nothing was appended. */
MUST_USE int capture_event_add(struct capture_event *c, const char *xml, size_t len, struct buf *out, struct err *e);

#endif
