/* A thread that does one thing after the other: reports, so that they hold up
 * neither ingest nor the threads that serve connections.  The queue is bounded. */
#ifndef HUB_WORKER_H
#define HUB_WORKER_H

#include "base/error.h"

#include <stdbool.h>

struct worker;

struct work {
    void (*run)(struct work *w); /* on the worker's thread; the work is the caller's, and may be freed in run */
    struct work *next;
};

MUST_USE int worker_start(struct worker **out, int queue_max, struct err *e);
/* False when the queue is full or the worker is stopping; then run is never called. */
bool worker_submit(struct worker *w, struct work *work);
/* Does what waits and ends the thread. */
void worker_stop(struct worker *w);

#endif
