/* See uplink.h.
 *
 * The sender asks for one operation of the outbox at a time, so one job struct
 * serves them all.  sender_reconfigure() gives up a request in flight, so a
 * client that was replaced can be closed at once.
 */
#include "agent/uplink.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT_RETRY_MS = 30 * 1000, REASON_MAX = 256, HANDLES = 2 };

enum outbox_op { OP_READ, OP_READ_STATE, OP_ACK, OP_SET_ASIDE };

/* The one operation under way. */
struct outbox_job {
    enum outbox_op op;
    uint64_t from, to; /* after_seq for a read; through for an acknowledgement */
    size_t max_count, max_bytes;
    struct store_slice *slice;
    char reason[REASON_MAX];
    void (*done)(void *sender, int rc, const struct err *e);
    void *sender;
    bool running;
    int rc;
    struct err err;
    struct store_stats stats;
    bool changed; /* stats are of the outbox as it is now */
};

struct uplink {
    struct uplink_options options;
    struct agent_config_hub config; /* wanted; in force when sender is not NULL */
    struct http_client *http;
    struct sender *sender;
    struct outbox_job job;
    struct store_stats stats;
    char problem[256]; /* why there is no client */

    uv_timer_t sender_timer, client_timer;
    void (*fire)(void *sender);
    void *fire_arg;

    int clients_closing, handles_open;
    bool sender_ending; /* shipping was turned off */
    bool stopping;
    void (*ended)(void *arg);
    void *ended_arg;
};

static void finish_if_idle(struct uplink *u);

/* ---- the outbox ---- */

static void job_work(struct store *store, void *arg)
{
    struct uplink *u = arg;
    struct outbox_job *j = &u->job;

    if (j->op == OP_READ)
        j->rc = store_read(store, j->from, j->max_count, j->max_bytes, j->slice, &j->err);
    else if (j->op == OP_READ_STATE)
        j->rc = store_read_state(store, j->from, j->max_count, j->max_bytes, j->slice, &j->err);
    else if (j->op == OP_ACK)
        j->rc = store_ack(store, j->to, &j->err);
    else
        j->rc = store_set_aside(store, j->from, j->to, j->reason, &j->err);
    j->changed = j->rc == 0 && j->op != OP_READ && j->op != OP_READ_STATE && store_stats(store, &j->stats, NULL) == 0;
}

static void job_done(void *arg)
{
    struct uplink *u = arg;
    struct outbox_job *j = &u->job;
    bool changed = j->changed;

    j->running = false;
    if (j->rc != 0)
        u->options.store_failed(u->options.arg, &j->err);
    if (changed)
        u->stats = j->stats;
    j->done(j->sender, j->rc, &j->err);
    if (changed) {
        u->options.changed(u->options.arg, &u->stats);
        uplink_stored(u, &u->stats);
    }
}

static int submit(struct uplink *u, enum outbox_op op, void (*done)(void *, int, const struct err *), void *sender)
{
    struct outbox_job *j = &u->job;
    int rc;

    assert(!j->running);
    j->op = op;
    j->done = done;
    j->sender = sender;
    rc = store_worker_submit(u->options.worker, job_work, job_done, u, NULL);
    j->running = rc == 0;
    return rc;
}

static void want(struct uplink *u, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out)
{
    u->job.from = after_seq;
    u->job.max_count = max_count;
    u->job.max_bytes = max_bytes;
    u->job.slice = out;
}

static int port_read(void *arg, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                     void (*done)(void *, int, const struct err *), void *sender)
{
    want(arg, after_seq, max_count, max_bytes, out);
    return submit(arg, OP_READ, done, sender);
}

static int port_read_state(void *arg, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                           void (*done)(void *, int, const struct err *), void *sender)
{
    want(arg, after_seq, max_count, max_bytes, out);
    return submit(arg, OP_READ_STATE, done, sender);
}

static int port_ack(void *arg, uint64_t through, void (*done)(void *, int, const struct err *), void *sender)
{
    struct uplink *u = arg;

    u->job.to = through;
    return submit(u, OP_ACK, done, sender);
}

static int port_set_aside(void *arg, uint64_t from, uint64_t to, const char *reason,
                          void (*done)(void *, int, const struct err *), void *sender)
{
    struct uplink *u = arg;

    u->job.from = from;
    u->job.to = to;
    text_copy(u->job.reason, sizeof u->job.reason, reason);
    return submit(u, OP_SET_ASIDE, done, sender);
}

/* ---- the timer ---- */

static void on_sender_timer(uv_timer_t *timer)
{
    struct uplink *u = timer->data;

    u->fire(u->fire_arg);
}

static void port_start(void *arg, int64_t delay_ns, void (*fire)(void *), void *sender)
{
    struct uplink *u = arg;

    u->fire = fire;
    u->fire_arg = sender;
    uv_timer_start(&u->sender_timer, on_sender_timer, (uint64_t)((delay_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
}

static void port_stop(void *arg)
{
    struct uplink *u = arg;

    uv_timer_stop(&u->sender_timer);
}

/* ---- the client ---- */

static void client_closed(void *arg)
{
    struct uplink *u = arg;

    u->clients_closing--;
    finish_if_idle(u);
}

static void close_client(struct uplink *u, struct http_client **client)
{
    struct http_client *c = *client;

    if (c == NULL)
        return;
    *client = NULL;
    u->clients_closing++;
    c->ops->close(c, client_closed, u);
}

static int start_sender(struct uplink *u, struct http_client *http, struct err *e)
{
    struct sender_options options = {
        .config = &u->config,
        .http = http,
        .outbox = { u, port_read, port_read_state, port_ack, port_set_aside },
        .timer = { u, port_start, port_stop },
        .clock = u->options.clock,
        .random = u->options.random,
        .acked_through = u->stats.acked_through,
    };
    int rc = sender_new(&u->sender, &options, e);

    if (rc != 0)
        return rc;
    sender_set_resource(u->sender, &u->options.resource);
    u->http = http;
    return 0;
}

static int swap_client(struct uplink *u, const struct agent_config_hub *config, struct http_client *http, struct err *e)
{
    int rc = sender_reconfigure(u->sender, config, http, e);

    if (rc != 0)
        return rc;
    close_client(u, &u->http);
    u->http = http;
    return 0;
}

static void sender_ended(void *arg)
{
    struct uplink *u = arg;

    sender_free(u->sender);
    u->sender = NULL;
    u->sender_ending = false;
    close_client(u, &u->http);
    if (!u->stopping && u->config.url[0] != '\0')
        uplink_configure(u, &u->config, NULL); /* turned on again meanwhile */
    finish_if_idle(u);
}

static void end_sender(struct uplink *u)
{
    if (u->sender == NULL || u->sender_ending)
        return;
    u->sender_ending = true;
    sender_stop(u->sender, sender_ended, u);
}

static void on_client_timer(uv_timer_t *timer)
{
    struct uplink *u = timer->data;

    if (u->sender == NULL)
        uplink_configure(u, &u->config, NULL);
}

static int no_client(struct uplink *u, const struct err *why, struct err *e)
{
    if (u->sender == NULL) {
        if (strcmp(u->problem, why->text) != 0)
            log_event(LOG_WARN, "hub.client", LOG_S("problem", why->text));
        text_copy(u->problem, sizeof u->problem, why->text);
        uv_timer_start(&u->client_timer, on_client_timer, CLIENT_RETRY_MS, 0);
    }
    return err_set(e, why->code, "%s", why->text);
}

int uplink_configure(struct uplink *u, const struct agent_config_hub *config, struct err *e)
{
    struct http_client *http = NULL;
    struct err why;
    int rc;

    if (config->url[0] == '\0') {
        u->config = *config;
        u->problem[0] = '\0';
        uv_timer_stop(&u->client_timer);
        end_sender(u);
        return 0;
    }
    if (u->sender == NULL || u->sender_ending)
        u->config = *config;
    if (u->sender_ending)
        return 0; /* sender_ended() goes on from here */
    rc = u->options.http(&http, u->options.loop, config, &why);
    if (rc != 0)
        return no_client(u, &why, e);
    rc = u->sender == NULL ? start_sender(u, http, &why) : swap_client(u, config, http, &why);
    if (rc != 0) {
        close_client(u, &http);
        return no_client(u, &why, e);
    }
    u->config = *config;
    u->problem[0] = '\0';
    uv_timer_stop(&u->client_timer);
    uplink_stored(u, &u->stats);
    return 0;
}

/* ---- the rest ---- */

int uplink_new(struct uplink **out, const struct uplink_options *options, struct err *e)
{
    struct uplink *u = calloc(1, sizeof *u);
    uv_timer_t *timers[HANDLES];

    *out = NULL;
    if (u == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    u->options = *options;
    u->stats = options->stats;
    timers[0] = &u->sender_timer;
    timers[1] = &u->client_timer;
    for (int i = 0; i < HANDLES; i++) {
        uv_timer_init(options->loop, timers[i]);
        timers[i]->data = u;
    }
    u->handles_open = HANDLES;
    *out = u;
    return 0;
}

void uplink_resource(struct uplink *u, const struct resource *resource)
{
    u->options.resource = *resource;
    if (u->sender != NULL && !u->sender_ending)
        sender_set_resource(u->sender, resource);
}

void uplink_stored(struct uplink *u, const struct store_stats *stats)
{
    u->stats = *stats;
    if (u->sender != NULL && !u->sender_ending)
        sender_kick(u->sender, stats->rows, stats->oldest_unsent_ns);
}

bool uplink_status(const struct uplink *u, struct sender_status *out)
{
    memset(out, 0, sizeof *out);
    out->acked_through = u->stats.acked_through;
    if (u->sender != NULL) {
        sender_status(u->sender, out);
        return true;
    }
    out->state = SENDER_STOPPED;
    text_copy(out->problem, sizeof out->problem, u->problem);
    return u->config.url[0] != '\0';
}

static void on_closed(uv_handle_t *handle)
{
    struct uplink *u = handle->data;

    if (--u->handles_open > 0)
        return;
    u->ended(u->ended_arg);
    free(u);
}

static void finish_if_idle(struct uplink *u)
{
    if (!u->stopping || u->sender != NULL || u->clients_closing > 0 || u->handles_open < HANDLES)
        return;
    if (uv_is_closing((uv_handle_t *)&u->sender_timer))
        return;
    uv_close((uv_handle_t *)&u->sender_timer, on_closed);
    uv_close((uv_handle_t *)&u->client_timer, on_closed);
}

void uplink_stop(struct uplink *u, void (*ended)(void *arg), void *arg)
{
    assert(!u->stopping);
    u->stopping = true;
    u->ended = ended;
    u->ended_arg = arg;
    end_sender(u);
    finish_if_idle(u);
}
