/* The one thread that writes to the fleet store.
 *
 * Requests are handed over decoded.  The thread takes all that wait (bounded)
 * and commits them in one transaction, so that under load many requests share one
 * sync of the disk and nobody waits for company when there is none.  When a group fails
 * because of what is in it, its requests are tried one by one, so that
 * one request can not hold up others.  Between commits it does the store's
 * upkeep, a slice at a time.
 *
 * A place is reserved, by size, before a request is decoded, so that a hub that is
 * behind says so at once and holds a bounded amount of memory.
 */
#ifndef HUB_WRITER_H
#define HUB_WRITER_H

#include "hub/counters.h"
#include "hub/fleet_store.h"
#include "plat/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct writer;

struct writer_job {
    struct otlp_request request;         /* the submitter's; must live until done */
    const struct fleet_speaker *speaker; /* the submitter's; as request */
    const char *credential;              /* as in fleet_batch, with streams_max; must live until done */
    int64_t streams_max;
    bool ahead;
    struct fleet_batch batch; /* what became of it */
    int rc;
    struct err err;
    void (*done)(struct writer_job *job); /* on the writer's thread, once, after the commit */
    struct writer_job *next;
    size_t bytes; /* as reserved */
};

struct writer_options {
    struct fleet_store *store; /* not owned; the writer's alone until writer_stop() */
    struct counters *counters;
    const struct clock *clock;
    int jobs_max;     /* reserved places */
    size_t bytes_max; /* of unpacked bodies behind them; one is always let in */
};

MUST_USE int writer_start(struct writer **out, const struct writer_options *options, struct err *e);

/* No place is free now: not worth unpacking a body. */
bool writer_full(struct writer *w);

/* How full the queue is, in percent, rounded up: of its places or of its bytes, whichever is more. */
int writer_load(struct writer *w);

/* False when the queue is full or the writer is stopping. */
bool writer_reserve(struct writer *w, size_t bytes);
void writer_release(struct writer *w, size_t bytes); /* a reserved place is not needed after all */

/* Uses up a reserved place; can not fail. */
void writer_submit(struct writer *w, struct writer_job *job);

/* Ready: the last thing written went well.  Otherwise reason (size bytes) says why not.  Asks for a
 * probe when the last success is old, so that the next answer is fresh. */
bool writer_ready(struct writer *w, char *reason, size_t size);

/* Commits what waits and ends the thread.  The caller has made sure that nobody submits any more. */
void writer_stop(struct writer *w);

#endif
