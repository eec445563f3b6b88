/* Event logs to observations: a stream of event XML, the parser, the rules.
 *
 * The parser is expat with DTDs and entities refused; the rules are one table
 * (event_rules.h) keyed by provider, id and host generation.  An event of a
 * watched provider that no rule knows, or whose fields do not fit its rule, is
 * kept raw; events of other providers are counted and left.
 */
#ifndef COLLECTORS_EVENTLOG_H
#define COLLECTORS_EVENTLOG_H

#include "collectors/source.h"
#include "model/host.h"
#include "plat/event_stream.h"
#include "plat/files.h"

/* A source over a stream, which it owns and closes (on an error it stays the
 * caller's).  The generation decides what a reused event id means; where it is
 * not known, the event's shape does. */
MUST_USE int eventlog_source_new(const char *name, struct event_stream *stream, enum host_generation generation,
                                 struct source **out, struct err *e);

/* Streams over saved files that may still grow or be replaced: XML (one
 * <Event>, several one after another, or an <Events> list; UTF-8 or UTF-16 with
 * a byte order mark) and .evtx (libevtx).  A file that shrank or was replaced
 * is read from its start after a gap is told. */
MUST_USE int event_file_xml(const struct files *files, const char *path, struct event_stream **out, struct err *e);
MUST_USE int event_file_evtx(const struct files *files, const char *path, struct event_stream **out, struct err *e);

/* One event's XML straight to observations; for tests, fuzzing and benches.
 * Returns ERR_INVALID when it is no event; *taken false when it is nobody's
 * business. */
MUST_USE int eventlog_take(const char *xml, size_t len, const char *place, enum host_generation generation,
                           int64_t observed_ns, struct obs_batch *batch, bool *taken, struct err *e);

#endif
