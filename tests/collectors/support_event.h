/* Event streams and event XML for tests. */
#ifndef TESTS_COLLECTORS_SUPPORT_EVENT_H
#define TESTS_COLLECTORS_SUPPORT_EVENT_H

#include "base/buf.h"
#include "model/observation.h"
#include "plat/event_stream.h"

/* What a stream gave: the events' XML one after another, each with a newline;
 * the gaps as "reason from to", each with a newline. */
struct heard {
    struct buf events, places, gaps;
    int event_count, gap_count;
    struct event_sink sink;
    struct buf mark; /* after the last read */
    struct stream_report report;
};

void heard_init(struct heard *h);
void heard_free(struct heard *h);
void heard_forget(struct heard *h); /* all but the mark */

/* One read from h->mark on; fails the test on an error. */
void hear_once(struct heard *h, struct event_stream *s, int max_events);
/* Reads until there is no more. */
void hear(struct heard *h, struct event_stream *s);

/* One event, its fields (NULL-ended) as Parameter0, Parameter1 ... of a
 * VmlEventLog.  Appended to out. */
void add_event(struct buf *out, const char *provider, unsigned id, uint64_t record_id, const char *const *fields);

#endif
