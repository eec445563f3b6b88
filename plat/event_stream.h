/* The seam for event logs: something that yields events as XML text, in order,
 * from a mark on.  A saved file that grows is one (collectors/event_file.h); a
 * live Windows channel is another (plat/win).
 *
 * A mark is text that only the stream understands: a bookmark.  The stream is
 * told at each read where to go on, because the truth is the mark that was
 * committed with the data; it may keep handles open as long as they agree with
 * the mark it is given.  "" means: from the oldest record there is.
 */
#ifndef PLAT_EVENT_STREAM_H
#define PLAT_EVENT_STREAM_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What read() hands out as it goes. */
struct event_sink {
    /* One <Event> element, UTF-8, valid during the call.  place says where it
     * came from, for messages: "saved.xml:byte 1234", "record 77". */
    void (*event)(void *arg, const char *xml, size_t len, const char *place);
    /* Records that are gone or could not be read.  from and to as the stream
     * counts; either may be "".  reason is one of the words at ATTR_GAP_REASON. */
    void (*gap)(void *arg, const char *reason, const char *from, const char *to, const char *detail);
    void *arg;
};

enum stream_state {
    STREAM_ATTACHED,
    STREAM_ABSENT, /* no such channel or file (yet) */
    STREAM_NO_PERMISSION,
    STREAM_MISCONFIGURED, /* no retry before a reload */
    STREAM_UNSUPPORTED,
    STREAM_RETRYING, /* a passing trouble */
    STREAM_HUNG,
};
const char *stream_state_name(enum stream_state s); /* "attached", "absent", "no_permission" ... */

struct stream_report {
    enum stream_state state;
    char remedy[256];    /* what a person should do; "" when nothing */
    bool more;           /* there is more to read right now */
    int64_t lag_records; /* behind the newest record; -1 not known */
};

struct event_stream {
    const struct event_stream_ops *ops;
};

struct event_stream_ops {
    /* Reads at most about max_events events or max_bytes of XML after mark and
     * writes the mark after the last one to new_mark (cleared first).  Blocks:
     * worker threads only.  Returns 0 also when the stream is absent and so on:
     * report->state says it.  On an error nothing was consumed: the mark
     * stands and the sink's takings are thrown away by the caller. */
    int (*read)(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e);
    void (*close)(struct event_stream *s);
};

#endif
