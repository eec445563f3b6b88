/* See forward.h: the targets' threads. */
#include "hub/forward.h"

#include "base/log.h"
#include "base/times.h"
#include "hub/forward_internal.h"
#include "hub/hub.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPEN_RETRY_NS (2 * NS_PER_S)

struct target {
    struct forward *owner;
    struct forwarder forwarder;
    pthread_t thread;
    bool made, running;
};

struct forward {
    struct hub_config config;
    struct fleet_store_options store;
    struct counters *counters;
    const struct clock *clock;
    struct target targets[FORWARD_KINDS];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic bool stopping;
};

static const struct {
    forward_sink_new *make;
    size_t word; /* the setting that turns it on when it is not "" */
} kinds[FORWARD_KINDS] = {
    [FORWARD_OTLP] = { forward_otlp_new, offsetof(struct hub_config_forward, otlp.url) },
    [FORWARD_SPLUNK] = { forward_splunk_new, offsetof(struct hub_config_forward, splunk.url) },
    [FORWARD_SYSLOG] = { forward_syslog_new, offsetof(struct hub_config_forward, syslog_address) },
};

static bool is_wanted(const struct hub_config_forward *c, int kind)
{
    return *((const char *)c + kinds[kind].word) != '\0';
}

/* ---- a target's thread ------------------------------------------------------------------- */

/* Until it is time, or time to end. */
static void wait_ns(struct forward *f, int64_t ns)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ns / NS_PER_S;
    until.tv_nsec += ns % NS_PER_S;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= NS_PER_S;
    }
    pthread_mutex_lock(&f->lock);
    while (!f->stopping && pthread_cond_timedwait(&f->wake, &f->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&f->lock);
}

/* The store may be out of reach for a while at the start, as it may be later. */
static struct fleet_store *open_store(struct target *t)
{
    struct forward *f = t->owner;
    struct fleet_store *store = NULL;
    struct err e = { 0 };
    bool said = false;

    while (!f->stopping && fleet_store_open(&store, &f->store, &e) != 0) {
        if (!said)
            log_event(LOG_WARN, "forward.store", LOG_S("target", forward_kind_name(t->forwarder.kind)),
                      LOG_S("problem", e.text));
        said = true;
        wait_ns(f, OPEN_RETRY_NS);
    }
    return store;
}

static void *target_main(void *arg)
{
    struct target *t = (struct target *)arg;
    struct forward *f = t->owner;
    struct fleet_store *store = open_store(t);

    t->forwarder.store = store;
    while (!f->stopping) {
        int64_t pause = forwarder_turn(&t->forwarder);

        if (pause > 0)
            wait_ns(f, pause);
    }
    if (store != NULL && t->forwarder.lease_until > 0)
        (void)!fleet_forward_release(store, forward_kind_name(t->forwarder.kind), t->forwarder.owner, NULL);
    fleet_store_close(store);
    return NULL;
}

/* ---- beginning and ending ------------------------------------------------------------------ */

static int make_target(struct forward *f, int kind, struct err *e)
{
    struct target *t = &f->targets[kind];
    int rc = forwarder_init(&t->forwarder, (enum forward_kind)kind, &f->config.forward, e);

    if (rc != 0)
        return rc;
    t->owner = f;
    t->made = true;
    t->forwarder.clock = f->clock;
    t->forwarder.counters = &f->counters->forward[kind];
    return kinds[kind].make(&t->forwarder.sink, &f->config.forward, &f->stopping, e);
}

static void init_waiting(struct forward *f)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->wake, &attr);
    pthread_condattr_destroy(&attr);
}

int forward_new(struct forward **out, const struct forward_options *o, struct err *e)
{
    struct forward *f;
    int rc = 0, wanted = 0;

    *out = NULL;
    for (int i = 0; i < FORWARD_KINDS; i++)
        wanted += is_wanted(&o->config->forward, i);
    if (wanted == 0)
        return 0;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    init_waiting(f);
    f->config = *o->config;
    f->store = *o->store;
    f->store.path = hub_store_path(&f->config);
    f->store.floors = &f->config.floors;
    f->counters = o->counters;
    f->clock = o->clock;
    for (int i = 0; rc == 0 && i < FORWARD_KINDS; i++) {
        if (is_wanted(&f->config.forward, i))
            rc = make_target(f, i, e);
    }
    if (rc != 0) {
        forward_stop(f);
        return rc;
    }
    *out = f;
    return 0;
}

void forward_announce(struct forward *f, struct fleet_store *store)
{
    for (int i = 0; f != NULL && i < FORWARD_KINDS; i++) {
        if (f->targets[i].made)
            f->targets[i].forwarder.known = fleet_forward_open(store, forward_kind_name((enum forward_kind)i),
                                                               f->config.forward.start == FORWARD_FROM_NOW, NULL) == 0;
    }
}

int forward_run(struct forward *f, struct err *e)
{
    for (int i = 0; f != NULL && i < FORWARD_KINDS; i++) {
        struct target *t = &f->targets[i];
        int rc;

        if (!t->made)
            continue;
        f->counters->forward[i].configured = f->counters->forward[i].up = true;
        rc = pthread_create(&t->thread, NULL, target_main, t);
        if (rc != 0)
            return err_errno(e, rc, "cannot start a thread");
        t->running = true;
        log_event(LOG_INFO, "forward.started", LOG_S("target", forward_kind_name((enum forward_kind)i)));
    }
    return 0;
}

static void end_target(struct forward *f, int kind)
{
    struct target *t = &f->targets[kind];

    if (t->running) {
        pthread_join(t->thread, NULL);
        f->counters->forward[kind].configured = f->counters->forward[kind].active = false;
    }
    if (t->made)
        forwarder_free(&t->forwarder);
}

void forward_stop(struct forward *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < FORWARD_KINDS; i++)
        end_target(f, i);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    curl_global_cleanup();
    free(f);
}
