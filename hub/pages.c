/* What is asked with GET: health, metrics, reports.
 *
 * Reports and metrics read the store on the worker's thread, over a connection
 * of their own, while the HTTP connection is suspended. */
#include "base/text.h"
#include "hub/exchange.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_BUSY_S = 5 };

void page_livez(struct exchange *x)
{
    exchange_text(x, 200, "ok\n");
}

/* Strangers hear whether, not why: the reason may name a path. */
void page_readyz(struct exchange *x)
{
    char reason[ERR_TEXT_MAX];

    if (writer_ready(x->server->o.writer, reason, sizeof reason) && !x->server->closing)
        exchange_text(x, 200, "ready\n");
    else if (exchange_allowed(x))
        exchange_refuse(x, 503, "not ready: %s", reason);
    else
        exchange_refuse(x, 503, "not ready");
}

struct exchange *exchange_of(struct work *work)
{
    return (struct exchange *)(void *)((char *)work - offsetof(struct exchange, work));
}

void exchange_hand_over(struct exchange *x, struct worker *worker, void (*run)(struct work *work))
{
    x->work.run = run;
    if (exchange_suspend(x)) {
        if (worker_submit(worker, &x->work))
            return;
        x->reply.retry_after_s = RETRY_BUSY_S;
        exchange_refuse(x, 503, "too many requests wait for the same; try again");
        exchange_resume(x);
        return;
    }
    x->reply.retry_after_s = RETRY_BUSY_S;
    exchange_refuse(x, 503, "the hub is stopping");
}

void page_hand_over(struct exchange *x, void (*run)(struct work *work))
{
    exchange_hand_over(x, x->server->o.worker, run);
}

struct fleet_store *exchange_reading(struct exchange *x)
{
    fleet_store_scope(x->server->o.reading, &x->viewer.scope);
    return x->server->o.reading;
}

/* ---- metrics --------------------------------------------------------------------------- */

static void make_metrics(struct work *work)
{
    struct exchange *x = exchange_of(work);
    const struct server *s = x->server;
    struct metrics_fleet *fleet = malloc(sizeof *fleet);

    if (fleet != NULL) {
        metrics_read(fleet, exchange_reading(x), s->o.clock->wall_ns(s->o.clock), s->config.host_silent_ns);
        exchange_text(x, 200, "");
        x->reply.type = metrics_type(x->metrics);
        metrics_render(s->o.counters, fleet, x->metrics, &x->reply.body);
    } else {
        exchange_refuse(x, 500, "out of memory");
    }
    free(fleet);
    exchange_resume(x);
}

void page_metrics(struct exchange *x)
{
    x->metrics = metrics_negotiate(exchange_header(x, MHD_HTTP_HEADER_ACCEPT));
    page_hand_over(x, make_metrics);
}

/* ---- reports ----------------------------------------------------------------------------- */

/* An enrolled agent reads of the cluster that its host is in; while its certificate is good. */
static int enter_own_cluster(struct exchange *x, struct err *e)
{
    struct fleet_scope *scope = &x->viewer.scope;
    struct host host = { .last_seen = 0 };
    int rc = fleet_identity_current(x->server->o.enrolling, x->speaker.serial, x->speaker.host_id, e);

    if (rc == 0)
        rc = fleet_store_host(exchange_reading(x), x->speaker.host_id, &host, e);
    scope->kind = SCOPE_NOTHING;
    if (rc == 0 && strchr(host.facts.cluster, '\n') == NULL) {
        scope->kind = SCOPE_CLUSTERS;
        text_copy(scope->clusters, sizeof scope->clusters, host.facts.cluster);
    }
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static void make_report(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc = x->speaker.enrolled ? enter_own_cluster(x, &e) : 0;

    if (rc != 0) {
        exchange_refuse(x, rc == ERR_REFUSED ? 403 : 500, "%s", e.text);
        exchange_resume(x);
        return;
    }
    exchange_text(x, 200, "");
    x->reply.type = report_format_type(x->query.format);
    rc = fleet_report(exchange_reading(x), &x->query, &x->reply.body, &e);
    if (rc == ERR_TOO_BIG)
        exchange_refuse(x, 400, "the report is too large; ask for one cluster");
    else if (rc != 0)
        exchange_refuse(x, 500, "%s", e.text);
    exchange_resume(x);
}

static bool set_format(struct exchange *x, const char *value)
{
    return report_format_parse(value, &x->query.format) && report_format_fits(x->query.kind, x->query.format);
}

static bool set_cluster(struct exchange *x, const char *value)
{
    return text_copy(x->query.cluster, sizeof x->query.cluster, value);
}

static bool set_since(struct exchange *x, const char *value)
{
    return report_since_parse(value, x->query.now_ns, &x->query.since_ns);
}

static const struct parameter {
    const char *name;
    bool (*set)(struct exchange *x, const char *value);
    const char *expected;
} parameters[] = {
    { "format", set_format, "json, csv, text, html, or, of the drift report, ansible or sccm" },
    { "cluster", set_cluster, "the name of a cluster" },
    { "since", set_since, "a time in the past, 2026-01-31T08:00:00Z, or a length, 7d" },
};

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *x = (struct exchange *)arg;

    (void)kind;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].name, key) != 0)
            continue;
        if (value == NULL || !parameters[i].set(x, value))
            exchange_refuse(x, 400, "%s: write %s", key, parameters[i].expected);
        return x->phase == PHASE_READING ? MHD_YES : MHD_NO;
    }
    exchange_refuse(x, 400, "unknown parameter %s; there are format, cluster and since", key);
    return MHD_NO;
}

static void page_report(struct exchange *x, enum report_kind kind)
{
    const struct server *s = x->server;

    x->query = (struct report_query){
        .kind = kind,
        .format = REPORT_JSON,
        .now_ns = s->o.clock->wall_ns(s->o.clock),
        .host_silent_ns = s->config.host_silent_ns,
        .floors = s->config.floors,
    };
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_parameter, x);
    if (x->phase == PHASE_READING)
        page_hand_over(x, make_report);
}

void page_report_drift(struct exchange *x)
{
    page_report(x, REPORT_DRIFT);
}

void page_report_hosts(struct exchange *x)
{
    page_report(x, REPORT_HOSTS);
}
