/* See support_agent.h. */
#include "tests/agent/support_agent.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "model/otlp.h"
#include "plat/local_socket.h"
#include "tests/support/places.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the source ---- */

static int scripted_step(struct source *source, struct source_step *step, struct err *e)
{
    struct scripted *s = (struct scripted *)source;
    int at = step->mark[0] == '\0' ? 0 : (int)strtol(step->mark, NULL, 10);
    int until = at + step->max_events < s->total ? at + step->max_events : s->total;

    s->steps++;
    while (s->hang)
        uv_sleep(5);
    if (s->fail > 0) {
        s->fail--;
        return err_set(e, ERR_IO, "scripted to fail");
    }
    if (s->big && step->max_events > 1)
        return err_set(e, ERR_TOO_BIG, "too much for one batch");
    for (; at < until; at++) {
        struct observation *o = obs_new(step->batch, OBS_GUEST_LIFECYCLE, step->now_ns, step->now_ns);

        obs_str(o, ATTR_VM_ID, "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
        obs_str(o, ATTR_VM_NAME, "SCRIPTED");
        obs_str(o, ATTR_VM_CHANGE, "started");
        obs_body(o, "event %d", at);
        step->last_event_ns = step->now_ns;
    }
    buf_printf(&step->new_mark, "%d", at);
    step->report.state = (enum stream_state)s->state;
    step->report.more = at < s->total;
    step->report.lag_records = s->lag;
    return 0;
}

static void scripted_close(struct source *source)
{
    (void)source;
}

static const struct source_ops scripted_ops = { scripted_step, scripted_close };

void scripted_init(struct scripted *s, const char *name, int total)
{
    memset(s, 0, sizeof *s);
    s->base.ops = &scripted_ops;
    s->base.interval_ns = 20 * NS_PER_MS;
    text_copy(s->base.name, sizeof s->base.name, name);
    s->total = total;
    s->state = STREAM_ATTACHED;
}

/* ---- the hub ---- */

struct memory_hub hub;

struct memory_client {
    struct http_client base; /* first */
    uv_timer_t timer;
    void (*done)(void *arg, const struct http_reply *reply);
    void *arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void take_request(const void *body, size_t len)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    struct err e;

    ck_assert_msg(otlp_decode(body, len, &limits, &request, &e) == 0, "%s", e.text);
    for (struct otlp_group *g = request.groups; g != NULL; g = g->next) {
        text_copy(hub.agent_id, sizeof hub.agent_id, g->resource.agent_id);
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next) {
            ck_assert_uint_lt(o->seq, HUB_SEQS_MAX);
            if (o->seq <= hub.highest)
                continue; /* sent again because the answer was lost: the hub has it */
            hub.seen[o->seq]++;
            hub.highest = o->seq;
        }
    }
    otlp_request_free(&request);
}

static void answer(uv_timer_t *timer)
{
    struct memory_client *c = timer->data;
    struct http_reply reply = { .status = hub.status, .retry_after_ns = -1 };

    if (hub.status == 200) {
        reply.has_acked_through = true;
        reply.acked_through = hub.highest;
    }
    c->done(c->arg, &reply);
}

static int memory_post(struct http_client *client, enum http_what what, const void *body, size_t len,
                       const char *encoding, void (*done)(void *arg, const struct http_reply *reply), void *arg,
                       struct err *e)
{
    struct memory_client *c = (struct memory_client *)client;

    (void)e;
    ck_assert_int_eq(what, HTTP_RECORDS); /* no answer of this hub asks for anything else */
    ck_assert_ptr_null(encoding);         /* the settings say so */
    hub.posts++;
    if (hub.status == 200)
        take_request(body, len);
    c->done = done;
    c->arg = arg;
    return uv_timer_start(&c->timer, answer, 1, 0);
}

static void memory_cancel(struct http_client *client)
{
    uv_timer_stop(&((struct memory_client *)client)->timer);
}

static void timer_closed(uv_handle_t *handle)
{
    struct memory_client *c = handle->data;

    hub.clients_open--;
    c->closed(c->closed_arg);
    free(c);
}

static void memory_close(struct http_client *client, void (*closed)(void *arg), void *arg)
{
    struct memory_client *c = (struct memory_client *)client;

    c->closed = closed;
    c->closed_arg = arg;
    uv_close((uv_handle_t *)&c->timer, timer_closed);
}

static const struct http_client_ops memory_ops = { memory_post, memory_cancel, memory_close };

static int memory_http(struct http_client **out, uv_loop_t *loop, const struct agent_config_hub *config, struct err *e)
{
    struct memory_client *c;

    if (hub.refuse_client > 0) {
        hub.refuse_client--;
        return err_set(e, ERR_NOT_FOUND, "hub.token_file: not there");
    }
    c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    c->base.ops = &memory_ops;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    hub.clients_open++;
    hub.clients_made++;
    text_copy(hub.url, sizeof hub.url, config->url);
    *out = &c->base;
    return 0;
}

bool hub_has_all(void *arg)
{
    int until = *(int *)arg;

    for (int i = 1; i <= until; i++)
        if (hub.seen[i] == 0)
            return false;
    return true;
}

bool scripted_has_stepped(void *arg)
{
    return ((struct scripted *)arg)->steps > 0;
}

/* ---- the rig ---- */

static int64_t wall_ahead(const struct clock *c)
{
    return plat_clock()->wall_ns(plat_clock()) + ((const struct rig *)c->state)->ahead_ns;
}

static int64_t monotonic_ahead(const struct clock *c)
{
    return plat_clock()->monotonic_ns(plat_clock()) + ((const struct rig *)c->state)->ahead_ns;
}

void rig_move_clock(struct rig *r, int64_t ns)
{
    r->ahead_ns += ns;
}

static void on_ended(void *arg)
{
    struct rig *r = arg;

    r->ended = true;
}

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    log_set_level(LOG_ERROR);
    memset(&hub, 0, sizeof hub);
    hub.status = 200;
    ck_assert_int_eq(uv_loop_init(&r->loop), 0);
    r->config = calloc(1, sizeof *r->config);
    ck_assert_ptr_nonnull(r->config);
    agent_config_defaults(r->config);
    ck_assert(text_copy(r->dir, sizeof r->dir, temp_dir()));
    snprintf(r->config->data_dir, sizeof r->config->data_dir, "%s/store", r->dir);
    ck_assert(places_socket(r->dir, r->config->socket, sizeof r->config->socket));
    snprintf(r->config_path, sizeof r->config_path, "%s/agent.yaml", r->dir);
    text_copy(r->config->hub.url, sizeof r->config->hub.url, "https://hub.example");
    r->config->hub.compression = COMPRESSION_NONE;
    r->config->hub.batch_age_ns = 10 * NS_PER_MS;
    r->config->hub.retry_min_ns = 10 * NS_PER_MS;
    r->config->hub.retry_max_ns = 50 * NS_PER_MS;
    r->clock = (struct clock){ wall_ahead, monotonic_ahead, r };
    r->options = (struct agent_options){ .loop = &r->loop,
                                         .config = r->config,
                                         .config_path = r->config_path,
                                         .clock = &r->clock,
                                         .random = plat_random(),
                                         .files = plat_files(),
                                         .http = memory_http,
                                         .no_live = true,
                                         .stop_ms = RIG_PATIENCE_S * 1000,
                                         .stop_store_ms = RIG_PATIENCE_S * 1000,
                                         .extra = r->sources,
                                         .ended = on_ended,
                                         .arg = r };
}

void rig_add(struct rig *r, struct scripted *s)
{
    r->sources[r->source_count++] = &s->base;
    r->options.extra_count = r->source_count;
}

int rig_start(struct rig *r, struct err *e)
{
    r->ended = false;
    return agent_start(&r->agent, &r->options, e);
}

static void tick(uv_timer_t *timer)
{
    (void)timer;
}

/* The loop with a pulse, so that a condition is looked at even when nothing happens. */
static bool run_until(struct rig *r, bool (*yes)(void *arg), void *arg, int64_t ns)
{
    int64_t end = plat_clock()->monotonic_ns(plat_clock()) + ns;
    bool done = false;
    uv_timer_t pulse;

    uv_timer_init(&r->loop, &pulse);
    uv_timer_start(&pulse, tick, 2, 2);
    while (!done && plat_clock()->monotonic_ns(plat_clock()) < end) {
        uv_run(&r->loop, UV_RUN_ONCE);
        done = yes != NULL && yes(arg);
    }
    uv_close((uv_handle_t *)&pulse, NULL);
    uv_run(&r->loop, UV_RUN_NOWAIT);
    return done;
}

void rig_until(struct rig *r, bool (*yes)(void *arg), void *arg)
{
    ck_assert_msg(run_until(r, yes, arg, RIG_PATIENCE_S * NS_PER_S), "it did not come about in %d s", RIG_PATIENCE_S);
}

void rig_for(struct rig *r, int ms)
{
    run_until(r, NULL, NULL, ms * NS_PER_MS);
}

static bool has_ended(void *arg)
{
    return ((struct rig *)arg)->ended;
}

void rig_stop(struct rig *r, enum agent_end expected)
{
    agent_stop(r->agent);
    rig_until(r, has_ended, r);
    ck_assert_int_eq(agent_end(r->agent), expected);
    if (expected != AGENT_ABANDONED)
        agent_free(r->agent);
    r->agent = NULL;
}

void rig_free(struct rig *r)
{
    uv_run(&r->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&r->loop), 0);
    ck_assert_int_eq(hub.clients_open, 0);
    free(r->config);
}

/* ---- asking ---- */

struct asking {
    const char *path, *request;
    struct buf answer;
    struct err err;
    int rc;
    atomic_bool done;
};

static void ask_thread(void *arg)
{
    struct asking *a = arg;

    a->rc = local_socket_ask(a->path, a->request, RIG_PATIENCE_S * NS_PER_S, &a->answer, &a->err);
    a->done = true;
}

static bool is_asked(void *arg)
{
    return ((struct asking *)arg)->done;
}

json_t *rig_ask(struct rig *r, const char *request)
{
    struct asking a = { .path = r->config->socket, .request = request };
    uv_thread_t thread;
    json_t *json;

    buf_init(&a.answer, 16 * 1024 * 1024);
    ck_assert_int_eq(uv_thread_create(&thread, ask_thread, &a), 0);
    rig_until(r, is_asked, &a);
    uv_thread_join(&thread);
    ck_assert_msg(a.rc == 0, "%s", a.err.text);
    json = json_loads(buf_text(&a.answer), 0, NULL);
    ck_assert_msg(json != NULL, "no JSON: %s", buf_text(&a.answer));
    buf_free(&a.answer);
    return json;
}

/* NULL where there is nothing. */
static const json_t *find(const json_t *json, const char *path)
{
    char key[64];

    while (json != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");

        ck_assert_uint_lt(len, sizeof key);
        memcpy(key, path, len);
        key[len] = '\0';
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(key, NULL, 10)) : json_object_get(json, key);
        path += len + (path[len] == '.');
    }
    return json;
}

const json_t *at(const json_t *json, const char *path)
{
    const json_t *found = find(json, path);

    ck_assert_msg(found != NULL, "there is no %s", path);
    return found;
}

/* As rig_status_when() names values. */
static void name_value(const json_t *json, char *out, size_t size)
{
    if (json_is_string(json))
        text_copy(out, size, json_string_value(json));
    else if (json_is_array(json))
        snprintf(out, size, "%zu", json_array_size(json));
    else if (json_is_integer(json))
        snprintf(out, size, "%lld", (long long)json_integer_value(json));
    else
        text_copy(out, size, json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
}

json_t *rig_status_when(struct rig *r, const char *path, const char *value)
{
    int64_t end = plat_clock()->monotonic_ns(plat_clock()) + RIG_PATIENCE_S * NS_PER_S;
    char found[256];
    json_t *status;

    for (;;) {
        status = rig_ask(r, "{\"cmd\":\"status\",\"v\":1}");
        name_value(find(status, path), found, sizeof found);
        if (strcmp(found, value) == 0)
            return status;
        json_decref(status);
        ck_assert_msg(plat_clock()->monotonic_ns(plat_clock()) < end, "%s is %s after %d s, want %s", path, found,
                      RIG_PATIENCE_S, value);
        rig_for(r, 10);
    }
}
