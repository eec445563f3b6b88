/* See eventlog.h: the source over an event stream.
 *
 * A step reads from the stream, parses each event as it comes and applies the
 * rules.  What does not parse is told as a gap; neighbours among such events
 * become one gap with a count, so that a file of rubbish is one line and not a
 * million.  When a step's observations do not fit its batch, the step is taken
 * again with fewer events, down to one: an event that does not fit alone is told
 * as a gap, and the stream goes on behind it.
 */
#include "collectors/eventlog.h"

#include "base/text.h"
#include "base/times.h"
#include "collectors/event.h"
#include "collectors/event_apply.h"
#include "collectors/event_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_MAX = 256, WHY_MAX = 160 };

static const int64_t default_interval_ns = 2 * NS_PER_S;

struct eventlog {
    struct source source;
    struct event_stream *stream;
    enum host_generation generation;
    struct event_parser *parser;
};

/* A run of events that could not be read. */
struct bad_run {
    int64_t count;
    char from[PLACE_MAX], to[PLACE_MAX], why[WHY_MAX];
};

struct taking {
    struct eventlog *log;
    struct source_step *step;
    struct bad_run bad;
    int events; /* that the stream gave */
    bool out_of_memory;
};

static void tell_bad(struct taking *t)
{
    if (t->bad.count > 0)
        source_gap(&t->log->source, t->step, "record-unreadable", t->bad.from, t->bad.to, t->bad.count, t->bad.why);
    t->bad.count = 0;
}

static void on_bad(struct taking *t, const char *place, const struct err *why)
{
    if (t->bad.count++ == 0) {
        text_copy(t->bad.from, sizeof t->bad.from, place);
        text_copy(t->bad.why, sizeof t->bad.why, why->text);
    }
    text_copy(t->bad.to, sizeof t->bad.to, place);
}

static void on_event(void *arg, const char *xml, size_t len, const char *place)
{
    struct taking *t = arg;
    const struct event *event;
    struct err why;

    t->events++;
    if (event_parse(t->log->parser, xml, len, &event, &why) != 0) {
        t->out_of_memory |= why.code == ERR_MEMORY;
        on_bad(t, place, &why);
        return;
    }
    tell_bad(t);
    if (!event_apply(event, t->log->generation, xml, len, t->step->now_ns, t->step->batch))
        t->step->skipped++;
    if (event->time_ns > t->step->last_event_ns)
        t->step->last_event_ns = event->time_ns;
}

static void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    struct taking *t = arg;

    tell_bad(t);
    source_gap(&t->log->source, t->step, reason, from, to, 0, detail);
}

/* One read of at most max_events; *events: how many the stream gave. */
static int read_once(struct eventlog *log, struct source_step *step, int max_events, int *events, struct err *e)
{
    struct taking t = { .log = log, .step = step };
    struct event_sink sink = { .event = on_event, .gap = on_gap, .arg = &t };
    int rc;

    obs_batch_reset(step->batch);
    buf_clear(&step->new_mark);
    step->skipped = step->last_event_ns = 0;
    rc = log->stream->ops->read(log->stream, step->mark, max_events, step->max_bytes, &sink, &step->new_mark,
                                &step->report, e);
    if (rc == 0 && t.out_of_memory)
        rc = err_set(e, ERR_MEMORY, "%s: out of memory for an event", log->source.name);
    if (rc == 0)
        tell_bad(&t);
    *events = t.events;
    return rc;
}

/* The one event that was read does not fit the batch. */
static void give_up(struct eventlog *log, struct source_step *step)
{
    obs_batch_reset(step->batch);
    source_gap(&log->source, step, "record-unreadable", "", "", 1, "an event's observation is larger than the batch");
}

static int take_step(struct source *s, struct source_step *step, struct err *e)
{
    struct eventlog *log = (struct eventlog *)s;
    int max_events = step->max_events, events;
    int rc = read_once(log, step, max_events, &events, e);

    while (rc == 0 && step->batch->failed && max_events > 1) {
        max_events = events / 2 > 1 && events / 2 < max_events ? events / 2 : max_events / 2;
        rc = read_once(log, step, max_events, &events, e);
    }
    if (rc == 0 && step->batch->failed)
        give_up(log, step);
    step->settled = rc == 0 && !step->report.more && step->report.lag_records == 0;
    return rc;
}

static void close_eventlog(struct source *s)
{
    struct eventlog *log = (struct eventlog *)s;

    if (log->stream != NULL)
        log->stream->ops->close(log->stream);
    event_parser_free(log->parser);
    free(log);
}

static const struct source_ops eventlog_ops = { .step = take_step, .close = close_eventlog };

int eventlog_source_new(const char *name, struct event_stream *stream, enum host_generation generation,
                        struct source **out, struct err *e)
{
    struct eventlog *log = calloc(1, sizeof *log);

    if (log == NULL || (log->parser = event_parser_new()) == NULL) {
        free(log);
        return err_set(e, ERR_MEMORY, "out of memory for source %s", name);
    }
    log->source.ops = &eventlog_ops;
    log->source.interval_ns = default_interval_ns;
    log->source.watch_path = event_file_path(stream);
    if (!text_copy(log->source.name, sizeof log->source.name, name)) {
        event_parser_free(log->parser);
        free(log);
        return err_set(e, ERR_TOO_BIG, "a source's name may have %d bytes: %s", SOURCE_NAME_MAX - 1, name);
    }
    log->generation = generation;
    log->stream = stream;
    *out = &log->source;
    return 0;
}

int eventlog_take(const char *xml, size_t len, const char *place, enum host_generation generation, int64_t observed_ns,
                  struct obs_batch *batch, bool *taken, struct err *e)
{
    struct event_parser *parser = event_parser_new();
    const struct event *event;
    int rc;

    if (parser == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for an event");
    rc = event_parse(parser, xml, len, &event, e);
    if (rc == 0)
        *taken = event_apply(event, generation, xml, len, observed_ns, batch);
    else
        err_prefix(e, "%s", place);
    if (rc == 0 && batch->failed)
        rc = err_set(e, ERR_TOO_BIG, "%s: the batch is full", place);
    event_parser_free(parser);
    return rc;
}
