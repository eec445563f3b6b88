/* What is asked with GET of the past and of findings: parameters in, JSON out. */
#include "base/text.h"
#include "hub/exchange.h"

#include <string.h>

static void make_history(struct work *work)
{
    struct exchange *x = exchange_of(work);
    struct err e = { 0 };
    int rc;

    exchange_text(x, 200, "");
    x->reply.type = "application/json";
    rc = fleet_history_json(exchange_reading(x), &x->history, &x->reply.body, &e);
    if (rc == ERR_TOO_BIG)
        exchange_refuse(x, 400, "the answer is too large; ask for fewer rows with limit");
    else if (rc != 0)
        exchange_refuse(x, 500, "%s", e.text);
    exchange_resume(x);
}

static bool set_vm(struct history_query *q, const char *value)
{
    return q->kind == HISTORY_CHANGES && guid_parse(value, strlen(value), q->vm_id);
}

static bool set_host(struct history_query *q, const char *value)
{
    return q->kind != HISTORY_DAYS && text_copy(q->host_id, sizeof q->host_id, value);
}

static bool set_cluster(struct history_query *q, const char *value)
{
    return text_copy(q->cluster, sizeof q->cluster, value);
}

static bool set_change(struct history_query *q, const char *value)
{
    enum fleet_change_kind kind;
    bool known = q->kind == HISTORY_CHANGES && fleet_change_parse(value, &kind);

    if (known)
        q->change = (int)kind;
    return known;
}

static bool set_since(struct history_query *q, const char *value)
{
    return report_since_parse(value, q->now_ns, &q->since_ns);
}

static bool set_limit(struct history_query *q, const char *value)
{
    uint64_t n;

    if (q->kind == HISTORY_DAYS || !text_u64(value, &n) || n < 1 || n > HISTORY_ROWS_MAX)
        return false;
    q->limit = (int)n;
    return true;
}

static const struct parameter {
    const char *name;
    bool (*set)(struct history_query *q, const char *value);
    const char *expected;
} parameters[] = {
    { "vm", set_vm, "a VM's id, of changes" },
    { "host", set_host, "a host's id, of changes and findings" },
    { "cluster", set_cluster, "the name of a cluster" },
    { "kind", set_change, "state, version, host or os, of changes" },
    { "since", set_since, "a time in the past, 2026-01-31T08:00:00Z, or a length, 7d" },
    { "limit", set_limit, "1 to 10000, of changes and findings" },
};

static enum MHD_Result take_parameter(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct exchange *x = (struct exchange *)arg;

    (void)kind;
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strcmp(parameters[i].name, key) != 0)
            continue;
        if (value == NULL || !parameters[i].set(&x->history, value))
            exchange_refuse(x, 400, "%s: write %s", key, parameters[i].expected);
        return x->phase == PHASE_READING ? MHD_YES : MHD_NO;
    }
    exchange_refuse(x, 400, "unknown parameter %s; there are vm, host, cluster, kind, since and limit", key);
    return MHD_NO;
}

static void page_history(struct exchange *x, enum history_kind kind)
{
    const struct server *s = x->server;

    x->history = (struct history_query){ .kind = kind,
                                         .change = -1,
                                         .limit = HISTORY_ROWS_DEFAULT,
                                         .now_ns = s->o.clock->wall_ns(s->o.clock),
                                         .host_silent_ns = s->config.host_silent_ns };
    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_parameter, x);
    if (x->phase == PHASE_READING)
        page_hand_over(x, make_history);
}

void page_history_changes(struct exchange *x)
{
    page_history(x, HISTORY_CHANGES);
}

void page_history_days(struct exchange *x)
{
    page_history(x, HISTORY_DAYS);
}

void page_findings(struct exchange *x)
{
    page_history(x, HISTORY_FINDINGS);
}
