/* What is asked with GET of incidents: the report, and one of them. */
#include "base/text.h"
#include "hub/exchange.h"

#include <string.h>

static void make_report(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc;

    exchange_text(x, 200, "");
    x->reply.type = report_format_type(x->incidents.format);
    rc = fleet_incidents_report(exchange_reading(x), &x->incidents, &x->reply.body, &e);
    if (rc == ERR_TOO_BIG)
        exchange_refuse(x, 400, "the report is too large; ask for fewer rows with limit");
    else if (rc == ERR_NOT_FOUND)
        exchange_refuse(x, 400, "after: write the id of the last incident of the answer before");
    else if (rc != 0)
        exchange_refuse(x, 500, "%s", e.text);
    exchange_resume(x);
}

static bool set_format(struct incidents_query *q, const char *value)
{
    return report_format_parse(value, &q->format) && q->format != REPORT_ANSIBLE && q->format != REPORT_SCCM;
}

static bool set_cluster(struct incidents_query *q, const char *value)
{
    return text_copy(q->cluster, sizeof q->cluster, value);
}

static bool set_since(struct incidents_query *q, const char *value)
{
    return report_since_parse(value, q->now_ns, &q->since_ns);
}

static bool set_vm(struct incidents_query *q, const char *value)
{
    return guid_parse(value, strlen(value), q->vm_id);
}

static bool set_host(struct incidents_query *q, const char *value)
{
    return text_copy(q->host, sizeof q->host, value);
}

static bool set_code(struct incidents_query *q, const char *value)
{
    return incidents_code_parse(value, &q->code);
}

static bool set_module(struct incidents_query *q, const char *value)
{
    return text_copy(q->module, sizeof q->module, value);
}

static bool set_limit(struct incidents_query *q, const char *value)
{
    uint64_t n;

    if (!text_u64(value, &n) || n < 1 || n > FLEET_INCIDENTS_MAX)
        return false;
    q->limit = (int)n;
    return true;
}

static bool set_after(struct incidents_query *q, const char *value)
{
    return strlen(value) == INCIDENT_ID_CHARS && text_copy(q->after_id, sizeof q->after_id, value);
}

static const struct parameter {
    const char *name;
    bool (*set)(struct incidents_query *q, const char *value);
    const char *expected;
} parameters[] = {
    { "format", set_format, "json, csv, text or html" },
    { "cluster", set_cluster, "the name of a cluster" },
    { "since", set_since, "a time in the past, 2026-01-31T08:00:00Z, or a length, 7d" },
    { "vm", set_vm, "a VM's id" },
    { "host", set_host, "a host's id or name" },
    { "code", set_code, "a bug check's code, 0xd1" },
    { "module", set_module, "the name of a driver, storvsc.sys" },
    { "limit", set_limit, "1 to 1000" },
    { "after", set_after, "the id of the last incident of the answer before" },
};

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *x = (struct exchange *)arg;

    (void)kind;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].name, key) != 0)
            continue;
        if (value == NULL || !parameters[i].set(&x->incidents, value))
            exchange_refuse(x, 400, "%s: write %s", key, parameters[i].expected);
        return x->phase == PHASE_READING ? MHD_YES : MHD_NO;
    }
    exchange_refuse(
        x, 400, "unknown parameter %s; there are format, cluster, since, vm, host, code, module, limit and after", key);
    return MHD_NO;
}

void page_report_incidents(struct exchange *x)
{
    const struct server *s = x->server;

    x->incidents = (struct incidents_query){
        .format = REPORT_JSON, .now_ns = s->o.clock->wall_ns(s->o.clock), .code = -1, .limit = INCIDENTS_ROWS_DEFAULT
    };
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_parameter, x);
    if (x->phase == PHASE_READING)
        page_hand_over(x, make_report);
}

/* ---- one ------------------------------------------------------------------------------- */

void page_incident_begin(struct exchange *x)
{
    x->incidents = (struct incidents_query){ .format = REPORT_JSON };
    if (strlen(x->below) != INCIDENT_ID_CHARS || strspn(x->below, "0123456789abcdef") != INCIDENT_ID_CHARS)
        exchange_refuse(x, 404, "no such incident; an id is %d digits of 0 to 9 and a to f", INCIDENT_ID_CHARS);
    else
        text_copy(x->incidents.after_id, sizeof x->incidents.after_id, x->below);
}

static void make_incident(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc;

    exchange_text(x, 200, "");
    x->reply.type = "application/json";
    rc = fleet_incident_json(exchange_reading(x), x->incidents.after_id, &x->reply.body, &e);
    if (rc != 0)
        exchange_refuse(x, rc == ERR_NOT_FOUND ? 404 : 500, "%s", e.text);
    exchange_resume(x);
}

void page_incident(struct exchange *x)
{
    page_hand_over(x, make_incident);
}
