/* Saved event logs (.evtx) where the system itself can read them.
 *
 * Windows can; elsewhere the collectors bring a reader of their own
 * (collectors/event_file_evtx.c), and this is not built.
 */
#ifndef PLAT_SAVED_LOG_H
#define PLAT_SAVED_LOG_H

#include "plat/event_stream.h"

/* A stream over the file at path, which need not exist yet.  Its mark is "evtx2
 * ID TIME": the record id and time of the last event taken.  A file
 * that no longer holds that record was cleared or replaced: a gap is told and
 * what it holds is read from its start. */
MUST_USE int plat_saved_log_stream(const char *path, struct event_stream **out, struct err *e);

/* The path of such a stream; NULL for any other. */
const char *plat_saved_log_path(const struct event_stream *stream);

#endif
