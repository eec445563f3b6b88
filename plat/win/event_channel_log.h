/* One channel of the Windows event log, as event_channel.h wants it. */
#ifndef PLAT_WIN_EVENT_CHANNEL_LOG_H
#define PLAT_WIN_EVENT_CHANNEL_LOG_H

#include "plat/event_channel.h"
#include "plat/win/event_channel_api.h"

/* query: XPath, or a structured query, which names the channel itself.
 * signalled is called on a thread of the system's, with no lock held; it must not
 * close the log.  NULL: the caller polls. */
MUST_USE int evt_log_new(const struct evt_api *api, const char *channel, const char *query, bool is_structured,
                         void (*signalled)(void *arg), void *arg, struct channel_log **out, struct err *e);

#endif
