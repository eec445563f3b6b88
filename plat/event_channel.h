/* An event channel as a stream: the part that is the same on every system.
 *
 * The stream (event_channel.c) decides: where to go on, what is a gap, what to do
 * about an error, how many records to ask for at a time.  What it decides over is
 * a channel_log, one channel of an event log service, which does as it is told and
 * never decides.  The real one is in plat/win (the Evt functions); a test brings
 * its own, so the decisions are tested on every system.
 *
 * A stream and its log belong to one thread at a time.
 */
#ifndef PLAT_EVENT_CHANNEL_H
#define PLAT_EVENT_CHANNEL_H

#include "base/buf.h"
#include "base/error.h"
#include "plat/event_channel_state.h"
#include "plat/event_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the service answered, and with which call and code, for messages. */
struct channel_result {
    enum channel_answer answer;
    uint32_t code;
    const char *call; /* static */
};

struct channel_log;

/* Every function may block for as long as the service likes. */
struct channel_log_ops {
    struct channel_result (*info)(struct channel_log *log, struct channel_info *out);

    /* The time of the record of that number; CHANNEL_MARK_GONE: there is none. */
    struct channel_result (*record_time)(struct channel_log *log, uint64_t id, uint64_t *time);

    /* Begins after the bookmark's record, and only there (else CHANNEL_MARK_GONE);
     * with "" at the oldest record.  Not called while subscribed. */
    struct channel_result (*subscribe)(struct channel_log *log, const char *bookmark);
    void (*unsubscribe)(struct channel_log *log); /* does nothing when not subscribed */

    /* Clears the signal: before reading, so that what comes meanwhile sets it again. */
    void (*reset)(struct channel_log *log);
    /* From now on the signal is passed to the agent, once. */
    struct channel_result (*arm)(struct channel_log *log);

    /* Up to max records, which take the place of those of the call before;
     * they are numbered from 0 in the calls below. */
    struct channel_result (*next)(struct channel_log *log, int max, int *count);
    struct channel_result (*record)(struct channel_log *log, int i, struct channel_record *out);
    /* UTF-8, valid until the next call. */
    struct channel_result (*render)(struct channel_log *log, int i, const char **xml, size_t *len);
    /* The bookmark of a record; appended to out. */
    struct channel_result (*bookmark)(struct channel_log *log, int i, struct buf *out);

    void (*close)(struct channel_log *log);
};

struct channel_log {
    const struct channel_log_ops *ops;
};

/* A stream over a log, which it owns (on an error it stays the caller's).
 * is_filtered: the log's query leaves records out, so that jumps in their
 * numbers mean nothing. */
MUST_USE int event_channel_new(const char *name, struct channel_log *log, bool is_filtered, struct event_stream **out,
                               struct err *e);

#endif
