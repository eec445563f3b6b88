/* A source: something that turns what it finds into observations, step by
 * step, from a mark on.  The agent's loop knows sources only through this.
 *
 * A step runs on a worker thread, one at a time for a source; it is given the
 * mark that was last committed and fills a batch and the mark after it.  The
 * agent has the store commit both in one transaction and takes the next step.
 * If the commit failed, the next step gets the old mark again: a source must
 * not rely on its own memory of where it was (caches that agree with the mark
 * are fine).
 */
#ifndef COLLECTORS_SOURCE_H
#define COLLECTORS_SOURCE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/observation.h"
#include "plat/clock.h"
#include "plat/event_stream.h"

enum { SOURCE_NAME_MAX = 512, SOURCE_MARK_MAX = 64 * 1024 };

struct source;

struct source_step {
    const char *mark; /* in: as committed, "" at first */
    int max_events;   /* in: about how much to take at most */
    size_t max_bytes;
    int64_t now_ns;              /* in: wall clock, the observed time of what is made */
    int64_t deadline_ns;         /* in: monotonic */
    struct obs_batch *batch;     /* in: empty; out: the observations */
    struct buf new_mark;         /* in: initialised; out: the mark after the batch; equal to mark: nothing to save */
    struct stream_report report; /* out */
    int64_t last_event_ns;       /* out: time of the newest event in the batch; 0 none */
    int64_t skipped;             /* out: records read that are nobody's business (unwatched providers) */
    /* out: all is taken, and nothing waits for a time: another step would find nothing until something
     * below watch_path changes */
    bool settled;
};

struct source_ops {
    int (*step)(struct source *s, struct source_step *step, struct err *e);
    void (*close)(struct source *s);
};

struct source {
    const struct source_ops *ops;
    char name[SOURCE_NAME_MAX]; /* unique in an agent and stable over restarts: the key of its mark */
    int64_t interval_ns;        /* how long to wait after a step that found nothing more */
    const char *watch_path;     /* a path whose changes should trigger a step early (libuv fs event); NULL none */
};

/* ops->step with the checks that hold for all: a failed batch is ERR_TOO_BIG,
 * the report starts as attached. */
MUST_USE int source_take_step(struct source *s, struct source_step *step, struct err *e);
void source_close(struct source *s);

/* Adds a gap to the step's batch: what can not be had, from where to where as the source counts ("" not known), how
 * many of them (0 not countable), and why in words ("" nothing to add).  reason: a word of ATTR_GAP_REASON. */
void source_gap(const struct source *s, struct source_step *step, const char *reason, const char *from, const char *to,
                int64_t count, const char *detail);

#endif
