/* See worker.h. */
#include "hub/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, **last;
    int queued, queue_max;
    bool stopping;
};

static void *worker_main(void *arg)
{
    struct worker *w = (struct worker *)arg;

    pthread_mutex_lock(&w->lock);
    while (w->first != NULL || !w->stopping) {
        struct work *work = w->first;

        if (work == NULL) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->first = work->next;
        if (w->first == NULL)
            w->last = &w->first;
        w->queued--;
        pthread_mutex_unlock(&w->lock);
        work->run(work);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int worker_start(struct worker **out, int queue_max, struct err *e)
{
    struct worker *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    w->last = &w->first;
    w->queue_max = queue_max;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    rc = pthread_create(&w->thread, NULL, worker_main, w);
    if (rc != 0) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return err_errno(e, rc, "cannot start a thread");
    }
    *out = w;
    return 0;
}

bool worker_submit(struct worker *w, struct work *work)
{
    bool ok;

    work->next = NULL;
    pthread_mutex_lock(&w->lock);
    ok = !w->stopping && w->queued < w->queue_max;
    if (ok) {
        *w->last = work;
        w->last = &work->next;
        w->queued++;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return ok;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
