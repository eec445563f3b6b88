/* See server.h: the daemon, its handler, and the answers.  What the routes do
 * is in ingest.c and pages.c. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/exchange.h"
#include "hub/limits.h"
#include "hub/limits_path.h"
#include "hub/login.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECTION_MEMORY = 64 * 1024, /* headers and the read buffer of one connection */
    BODIES_HELD = 32,              /* full-size bodies held at a time, over all connections */
    DEADLINE_IDLES = 4,            /* a body must be there within so many times ingest.idle_timeout */
    REPLY_MAX = 512 * 1024 * 1024,
    OPTIONS_MAX = 16,
};

/* ---- answers ------------------------------------------------------------------------- */

static void add_headers(const struct reply *r, struct MHD_Response *response)
{
    char number[24];

    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                            r->lasting ? "private, max-age=31536000, immutable" : "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (r->close)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (r->page) {
        MHD_add_response_header(response, "Content-Security-Policy", WEB_CONTENT_POLICY);
        MHD_add_response_header(response, "Referrer-Policy", "same-origin");
    }
    if (r->status == 401)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"hvhub\"");
    if (r->location != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, r->location);
    for (size_t i = 0; i < sizeof r->cookies / sizeof r->cookies[0]; i++) {
        if (r->cookies[i][0] != '\0')
            MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, r->cookies[i]);
    }
    if (r->allow != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    if (r->retry_after_s > 0) {
        snprintf(number, sizeof number, "%d", r->retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, number);
    }
    if (r->takes_state)
        MHD_add_response_header(response, "Hvfleet-Takes-State", "1");
    if (r->has_acked) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)r->acked_through);
        MHD_add_response_header(response, "Hvfleet-Acked-Through", number);
    }
    if (r->has_budget) {
        snprintf(number, sizeof number, "%lld", (long long)r->budget);
        MHD_add_response_header(response, "Hvfleet-Send-Budget", number);
    }
}

static enum MHD_Result send_reply(struct exchange *x)
{
    struct reply *r = &x->reply;
    struct MHD_Response *response;
    enum MHD_Result result;
    size_t len;

    assert(r->status >= 200 && r->type != NULL);
    if (buf_error(&r->body) != ERR_OK)
        exchange_text(x, 500, "the answer does not fit; ask for less, a cluster say\n");
    len = r->body.len;
    response = MHD_create_response_from_buffer(len, r->body.data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    buf_init(&r->body, REPLY_MAX); /* the response owns the bytes now */
    add_headers(r, response);
    limits_answer(x, len);
    counters_request(x->server->o.counters, r->status);
    result = MHD_queue_response(x->connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    x->phase = PHASE_SENT;
    return result;
}

/* ---- who speaks -------------------------------------------------------------------------- */

const char *exchange_header(const struct exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* Does the peer show a certificate that will do?  *bad: it shows one that will not. */
static bool has_certificate(struct exchange *x, bool *bad)
{
    const union MHD_ConnectionInfo *info;

    *bad = false;
    if (!x->server->asks_certificates)
        return false;
    info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info == NULL || !tls_peer_verified(info->tls_session)) {
        *bad = info != NULL && tls_peer_shows(info->tls_session);
        return false;
    }
    tls_peer_speaker(info->tls_session, x->server->ca, &x->speaker);
    x->speaker.bind = !x->speaker.enrolled && x->server->config.bind_agents != BIND_ENROLLED;
    return true;
}

bool exchange_allowed(struct exchange *x)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct auth_claim claim = { .authorization = exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION) };

    if (info != NULL && !x->server->o.distrust_loopback)
        claim.peer = info->client_addr;
    x->certificate = has_certificate(x, &claim.bad_certificate);
    claim.certificate =
        x->certificate && (!x->speaker.enrolled || (x->route != NULL && (x->route->how & ROUTE_AGENTS) != 0));
    if (!x->certificate) {
        auth_token_name(claim.authorization, x->speaker.holder);
        x->speaker.bind = x->server->config.bind_agents == BIND_TOKEN;
    }
    return auth_allows(x->server->o.auth, &claim);
}

/* ---- handing over -------------------------------------------------------------------------- */

bool exchange_suspend(struct exchange *x)
{
    struct server *s = x->server;

    s->open += x->handovers == 0;
    s->busy++;
    if (s->closing) {
        s->busy--;
        s->open -= x->handovers == 0;
        return false;
    }
    x->handovers++;
    x->phase = PHASE_WAITING;
    MHD_suspend_connection(x->connection);
    return true;
}

void exchange_resume(struct exchange *x)
{
    struct server *s = x->server;

    x->phase = PHASE_ANSWER;
    MHD_resume_connection(x->connection);
    s->busy--; /* last: server_stop() waits for it before it frees anything */
}

void exchange_go_on(struct exchange *x)
{
    struct server *s = x->server;

    x->phase = PHASE_READING;
    MHD_resume_connection(x->connection);
    s->busy--;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static void find_route(struct exchange *x, const char *path, const char *method)
{
    const char *allow = NULL;

    x->route = route_find(path, method, &allow);
    if (x->route != NULL) {
        x->below = path + strlen(x->route->path);
    } else if (allow == NULL) {
        exchange_refuse(x, 404, "there is nothing at this path");
    } else {
        x->reply.allow = allow;
        exchange_refuse(x, 405, "this path takes %s only", allow);
    }
}

static void check_body_size(struct exchange *x)
{
    uint64_t max = (uint64_t)x->server->config.body_max, length;
    const char *text = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

    if (text != NULL && text_u64(text, &length) && length > max)
        exchange_refuse(x, 413, "the body is larger than %llu bytes (ingest.max_body)", (unsigned long long)max);
}

static void check_access(struct exchange *x)
{
    if (x->route->access == ACCESS_OPEN)
        return;
    if (x->route->access == ACCESS_NOBODY)
        exchange_refuse(x, 404, "there is nothing at this path");
    else if (x->route->access != ACCESS_AGENTS)
        login_check(x);
    else if (!exchange_allowed(x))
        exchange_refuse(x, 401, "%s", ingest_needs(x->server));
    if (x->phase == PHASE_READING && !limits_host_right(x))
        exchange_refuse(x, 421, "this hub is not known under the name in the Host header; write it into web.hosts");
}

static void begin(struct exchange *x, const char *path, const char *method)
{
    bool first;

    limits_headers(x);
    if (x->phase == PHASE_READING)
        find_route(x, path, method);
    if (x->phase != PHASE_READING)
        return;
    first = x->route->access == ACCESS_AGENTS; /* they hear a refusal in the encoding they speak */
    if (first && x->route->begin != NULL)
        x->route->begin(x);
    check_access(x);
    if (!first && x->phase == PHASE_READING && x->route->begin != NULL)
        x->route->begin(x);
    if (x->phase == PHASE_READING)
        check_body_size(x);
    limits_begin(x);
}

/* A client that asks first, or announces more than we would read through, is answered before its body. */
static bool answer_at_once(const struct exchange *x)
{
    const char *text = exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t length = 0;

    if (x->phase != PHASE_DISCARDING)
        return false;
    if (x->reply.close)
        return true;
    if (text != NULL && text_u64(text, &length) && length > limits_discarded(x))
        return true;
    return exchange_header(x, MHD_HTTP_HEADER_EXPECT) != NULL;
}

static struct exchange *exchange_new(struct server *s, struct MHD_Connection *connection)
{
    struct exchange *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->server = s;
    x->connection = connection;
    x->deadline = s->o.clock->monotonic_ns(s->o.clock) + DEADLINE_IDLES * s->config.connection_idle_ns;
    buf_init(&x->body, (size_t)s->config.body_max);
    buf_init(&x->reply.body, REPLY_MAX);
    return x;
}

void exchange_drop_body(struct exchange *x)
{
    x->server->body_bytes -= x->charged;
    x->charged = 0;
    buf_free(&x->body);
}

/* Keeps a piece of the body, within the body's and the server's bounds. */
static void keep_piece(struct exchange *x, const char *data, size_t len)
{
    struct server *s = x->server;

    if (len > x->body.max - x->body.len) {
        exchange_refuse(x, 413, "the body is larger than %zu bytes%s", x->body.max,
                        x->body.max == (size_t)s->config.body_max ? " (ingest.max_body)" : "");
    } else if (s->body_bytes + len > s->body_bytes_max) {
        limits_busy(x, 2, "too many bodies are coming in; try again");
    } else {
        s->body_bytes += len;
        x->charged += len;
        buf_add(&x->body, data, len);
        if (buf_error(&x->body) != ERR_OK)
            exchange_refuse(x, 503, "out of memory");
    }
    if (x->phase != PHASE_READING)
        exchange_drop_body(x);
}

static enum MHD_Result take_piece(struct exchange *x, const char *data, size_t len)
{
    struct server *s = x->server;

    x->received += len;
    s->o.counters->body_bytes += len;
    limits_received(x, len);
    if (x->phase == PHASE_READING)
        keep_piece(x, data, len);
    if (x->received > limits_discarded(x))
        return MHD_NO;
    return s->o.clock->monotonic_ns(s->o.clock) > x->deadline ? MHD_NO : MHD_YES;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *len, void **context)
{
    struct exchange *x = (struct exchange *)*context;
    enum MHD_Result result;

    (void)version;
    if (x == NULL) {
        x = exchange_new((struct server *)arg, connection);
        if (x == NULL)
            return MHD_NO;
        *context = x;
        begin(x, path, method);
        return answer_at_once(x) ? send_reply(x) : MHD_YES;
    }
    if (*len > 0) {
        result = take_piece(x, data, *len);
        *len = 0;
        return result;
    }
    if (x->phase == PHASE_READING) {
        int before = x->handovers;

        limits_ours(x);
        if (x->viewer.ask != ASK_NOTHING)
            login_look_up(x);
        else
            x->route->finish(x);
        if (x->handovers != before) /* from here on the exchange is another thread's until it is resumed */
            return MHD_YES;
    }
    return x->phase != PHASE_SENT ? send_reply(x) : MHD_YES;
}

static void completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    struct exchange *x = (struct exchange *)*context;

    (void)arg;
    (void)connection;
    (void)why;
    if (x == NULL)
        return;
    *context = NULL;
    limits_done(x);
    exchange_drop_body(x);
    otlp_request_free(&x->job.request);
    buf_free(&x->reply.body);
    free(x->web);
    free(x->enrolling);
    if (x->handovers > 0)
        x->server->open--;
    free(x);
}

static void connection_changed(void *arg, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct server *s = (struct server *)arg;

    limits_connection(s, connection, context, what == MHD_CONNECTION_NOTIFY_STARTED);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        s->o.counters->connections++;
    else
        s->o.counters->connections--;
}

static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return path_decode(text);
}

static void daemon_says(void *arg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void daemon_says(void *arg, const char *fmt, va_list ap)
{
    char text[256];

    (void)arg;
    vsnprintf(text, sizeof text, fmt, ap);
    log_event(LOG_DEBUG, "http.library", LOG_S("text", text));
}

/* ---- start and stop ---------------------------------------------------------------------------- */

static int check_exposure(const struct server_options *o, struct err *e)
{
    if (o->tls->cert == NULL && !o->listener->loopback)
        return err_set(e, ERR_REFUSED,
                       "listen: %s can be reached by others and there is no encryption; write tls.cert_file and"
                       " tls.key_file, or listen on 127.0.0.1",
                       o->listener->text);
    return 0;
}

static int start_daemon(struct server *s, struct err *e)
{
    const struct hub_config *c = &s->config;
    const struct tls_material *t = s->o.tls;
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    int64_t idle_s = c->connection_idle_ns / NS_PER_S;
    struct MHD_OptionItem more[OPTIONS_MAX] = { 0 };
    int n = 0;

    if (c->threads > 1 && c->threads <= c->connections_max)
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)c->threads, NULL };
    if (t->cert != NULL) {
        flags |= MHD_USE_TLS;
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, t->cert };
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, t->key };
        more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES };
        if (t->client_ca != NULL)
            more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, t->client_ca };
    }
    more[n++] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    assert(n <= OPTIONS_MAX);
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, s, MHD_OPTION_EXTERNAL_LOGGER, daemon_says, NULL, MHD_OPTION_LISTEN_SOCKET,
        s->o.listener->fd, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)c->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)(c->connections_max / 2 + 1), MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(idle_s > 0 ? idle_s : 1),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
    if (s->daemon == NULL)
        return err_set(e, ERR_STATE, "the HTTP server does not start; log.level: debug tells more");
    return 0;
}

static int start_watch(struct server *s, struct err *e)
{
    struct watch_limits limits = {
        .head_ns = s->config.head_ns,
        .idle_ns = s->config.connection_idle_ns,
        .bytes_per_s = s->config.rate_min,
    };

    return watch_start(&s->watch, &limits, s->o.clock, &s->o.counters->too_slow, e);
}

int server_start(struct server **out, const struct server_options *options, struct err *e)
{
    struct server *s;
    int rc = check_exposure(options, e);

    if (rc != 0)
        return rc;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->o = *options;
    s->config = *options->config;
    s->o.config = &s->config;
    s->body_bytes_max = (size_t)s->config.body_max * BODIES_HELD;
    s->asks_certificates = options->tls->client_ca != NULL;
    s->ca = options->tls->ca;
    rc = start_watch(s, e);
    if (rc == 0)
        rc = start_daemon(s, e);
    s->o.tls = NULL; /* the library has its own copy */
    if (rc != 0) {
        watch_stop(s->watch);
        free(s);
        return rc;
    }
    options->tls->ca = NULL;
    *out = s;
    return 0;
}

static bool wait_for_zero(const struct server *s, _Atomic int *count, int64_t max_ns)
{
    int64_t end = s->o.clock->monotonic_ns(s->o.clock) + max_ns;

    while (*count > 0 && s->o.clock->monotonic_ns(s->o.clock) < end)
        nanosleep(&(struct timespec){ 0, 5 * NS_PER_MS }, NULL);
    return *count == 0;
}

int server_stop(struct server *s, int64_t max_ns, struct err *e)
{
    if (s == NULL)
        return 0;
    s->closing = true;
    (void)MHD_quiesce_daemon(s->daemon);
    (void)wait_for_zero(s, &s->open, max_ns / 2);
    if (!wait_for_zero(s, &s->busy, max_ns / 2))
        return err_set(e, ERR_TIMEOUT, "a commit or a report did not end in time");
    MHD_stop_daemon(s->daemon);
    watch_stop(s->watch);
    ca_free(s->ca);
    free(s);
    return 0;
}
