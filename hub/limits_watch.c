/* See limits_watch.h. */
#include "hub/limits_watch.h"

#include "base/log.h"
#include "base/times.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { LOOKS_PER_S = 2, BYTES_TIMED = 1 << 30 };

#define TIME_MAX (BYTES_TIMED * NS_PER_S)

struct watched {
    struct watched *next, **link;
    int fd;
    bool timed;       /* false: it is our turn */
    bool ended;       /* shut down already */
    int64_t deadline; /* monotonic */
};

struct watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct watch_limits limits;
    const struct clock *clock;
    struct watched *first;
    _Atomic uint64_t *ended;
    bool stopping;
};

static int64_t now_of(const struct watch *w)
{
    return w->clock->monotonic_ns(w->clock);
}

static int64_t time_for(const struct watch *w, size_t bytes)
{
    return bytes > BYTES_TIMED ? TIME_MAX : (int64_t)bytes * (NS_PER_S / w->limits.bytes_per_s);
}

static void look(struct watch *w)
{
    int64_t now = now_of(w);
    int count = 0;

    for (struct watched *c = w->first; c != NULL; c = c->next) {
        if (!c->timed || c->ended || now < c->deadline)
            continue;
        c->ended = true;
        count++;
        (*w->ended)++; /* before the peer can see it */
        (void)shutdown(c->fd, SHUT_RDWR);
    }
    if (count > 0)
        log_event(LOG_DEBUG, "http.too_slow", LOG_I("connections", count));
}

static void *watch_main(void *arg)
{
    struct watch *w = (struct watch *)arg;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        struct timespec until;

        look(w);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += NS_PER_S / LOOKS_PER_S;
        until.tv_sec += until.tv_nsec / NS_PER_S;
        until.tv_nsec %= NS_PER_S;
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void free_watch(struct watch *w)
{
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int watch_start(struct watch **out, const struct watch_limits *limits, const struct clock *clock,
                _Atomic uint64_t *ended, struct err *e)
{
    struct watch *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;
    int rc;

    assert(limits->bytes_per_s > 0 && limits->bytes_per_s <= NS_PER_S);
    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    w->limits = *limits;
    w->clock = clock;
    w->ended = ended;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&w->thread, NULL, watch_main, w);
    if (rc != 0) {
        free_watch(w);
        return err_errno(e, rc, "cannot start a thread");
    }
    *out = w;
    return 0;
}

void watch_stop(struct watch *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    assert(w->first == NULL);
    free_watch(w);
}

struct watched *watch_open(struct watch *w, int fd)
{
    struct watched *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->fd = fd;
    c->timed = true;
    c->deadline = now_of(w) + w->limits.head_ns;
    pthread_mutex_lock(&w->lock);
    c->next = w->first;
    c->link = &w->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    w->first = c;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void watch_close(struct watch *w, struct watched *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    pthread_mutex_unlock(&w->lock);
    free(c);
}

static void set(struct watch *w, struct watched *c, bool timed, int64_t deadline)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    c->timed = timed;
    c->deadline = deadline;
    pthread_mutex_unlock(&w->lock);
}

void watch_body(struct watch *w, struct watched *c)
{
    set(w, c, true, now_of(w) + w->limits.head_ns);
}

/* Bytes buy time, of which no more than idle_ns is saved up. */
void watch_received(struct watch *w, struct watched *c, size_t n)
{
    int64_t most = now_of(w) + w->limits.idle_ns, next;

    if (c == NULL)
        return;
    next = c->deadline + time_for(w, n);
    if (next < most || c->deadline < most)
        set(w, c, true, next < most ? next : most);
}

void watch_ours(struct watch *w, struct watched *c)
{
    set(w, c, false, 0);
}

void watch_answer(struct watch *w, struct watched *c, size_t len)
{
    set(w, c, true, now_of(w) + w->limits.head_ns + time_for(w, len));
}

void watch_rest(struct watch *w, struct watched *c)
{
    set(w, c, true, now_of(w) + w->limits.idle_ns + w->limits.head_ns);
}
