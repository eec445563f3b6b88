/* Messages to Windows' own event log, source "hvagent" in Application.
 *
 * Each log line becomes one event, whose id belongs to the line's event word
 * (packaging/windows/messages.mc: one id a condition, never reused) and whose text
 * is the line.  Writing is a call into another service and may block, so lines
 * wait in a bounded queue for a thread of their own; what does not fit is
 * counted and said.
 *
 * Any thread, but for begin and end.
 */
#ifndef PLAT_WIN_EVENT_REPORT_H
#define PLAT_WIN_EVENT_REPORT_H

#include "base/log.h"

/* Takes the log's lines from here on.  Without an event log (a system that does
 * not let us in) lines are dropped. */
void event_report_begin(void);

/* One event of the end of the service: why it failed, in words. */
void event_report_failure(const char *text);

/* Waits, but not long, until the queue is empty; the log's lines go to stderr again. */
void event_report_end(void);

#endif
