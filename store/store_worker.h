/* The store on a thread of its own, so that the loop never waits for a disk.
 *
 * A job is a function that runs on the store's thread with the store, and one
 * that runs afterwards on the loop's thread.  Jobs run in order.  The queue is
 * bounded: a full queue is ERR_BUSY, and the caller tries again after one of its
 * jobs is done.
 */
#ifndef STORE_STORE_WORKER_H
#define STORE_STORE_WORKER_H

#include "store/store.h"

#include <uv.h>

struct store_worker;

enum { STORE_QUEUE_MAX = 256 };

/* Takes over the store (store_worker_stop gives it back closed).  Loop thread. */
MUST_USE int store_worker_start(struct store_worker **out, uv_loop_t *loop, struct store *store, struct err *e);

/* work runs on the store's thread, done (may be NULL) on the loop's.  Loop thread. */
MUST_USE int store_worker_submit(struct store_worker *w, void (*work)(struct store *s, void *arg),
                                 void (*done)(void *arg), void *arg, struct err *e);

/* Jobs queued and not done yet; and how long the running one has been at it (ns, 0 idle). */
int store_worker_depth(const struct store_worker *w);
int64_t store_worker_busy_ns(struct store_worker *w);

/* Runs what is queued, closes the store, ends the thread, then calls stopped on the
 * loop's thread; w is gone after that.  Loop thread. */
void store_worker_stop(struct store_worker *w, void (*stopped)(void *arg), void *arg);

#endif
