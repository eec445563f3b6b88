/* Reports as JSON, written straight into the buffer: hvfleet.report.drift/1 and
 * hvfleet.report.hosts/1 (design, "JSON that others rely on").  What is not
 * known is null. */
#include "base/times.h"
#include "report/report_rows.h"

#include <inttypes.h>
#include <string.h>

static void string(struct buf *out, const char *text)
{
    buf_char(out, '"');
    while (*text != '\0') {
        const char *p = text;

        while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        buf_add(out, text, (size_t)(p - text));
        if (*p == '\0')
            break;
        if ((unsigned char)*p < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)*p);
        else
            buf_printf(out, "\\%c", *p);
        text = p + 1;
    }
    buf_char(out, '"');
}

/* "key":  with a comma before it unless it opens an object. */
static void key(struct buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buf_char(out, ',');
    buf_char(out, '"');
    buf_str(out, name);
    buf_str(out, "\":");
}

static void text_or_null(struct buf *out, const char *name, const char *text)
{
    key(out, name);
    if (text[0] == '\0')
        buf_str(out, "null");
    else
        string(out, text);
}

static void time_or_null(struct buf *out, const char *name, int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    text_or_null(out, name, times_format(ns, text));
}

static void number(struct buf *out, const char *name, int64_t value)
{
    key(out, name);
    buf_printf(out, "%" PRId64, value);
}

static void boolean(struct buf *out, const char *name, bool value)
{
    key(out, name);
    buf_str(out, value ? "true" : "false");
}

static void open_report(const struct drift_report *r, const char *schema, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    buf_char(out, '{');
    text_or_null(out, "schema", schema);
    key(out, "generated_at");
    string(out, times_format(r->options.now_ns, time));
    key(out, "summary");
    buf_char(out, '{');
    number(out, "guests", (int64_t)r->guest_count);
    number(out, "hosts", (int64_t)r->hosts_shown);
    key(out, "by_state");
    buf_char(out, '{');
    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        number(out, drift_state_name((enum drift_state)s), (int64_t)r->by_state[s]);
    buf_str(out, "}}");
}

static void evidence(const struct report_guest *g, struct buf *out)
{
    key(out, "evidence");
    buf_char(out, '[');
    for (int i = 0; i < g->evidence_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        string(out, g->evidence[i]);
    }
    buf_char(out, ']');
}

static void guest(const struct report_guest *g, struct buf *out)
{
    buf_char(out, '{');
    text_or_null(out, "vm_id", g->vm_id);
    text_or_null(out, "vm_name", g->name);
    text_or_null(out, "host", g->host);
    text_or_null(out, "cluster", g->cluster);
    text_or_null(out, "state", drift_state_name(g->kept.state));
    number(out, "rule_row", g->kept.row);
    text_or_null(out, "guest_version", g->guest_version);
    text_or_null(out, "expected_version", g->expected_version);
    text_or_null(out, "guest_os", g->os_name);
    text_or_null(out, "guest_os_version", g->os_version);
    text_or_null(out, "guest_family", guest_family_name(g->family));
    text_or_null(out, "power", guest_power_name(g->power));
    time_or_null(out, "since", g->kept.since);
    time_or_null(out, "last_seen", g->last_seen);
    boolean(out, "stale", g->kept.stale);
    text_or_null(out, "reason", g->reason);
    text_or_null(out, "action", g->action);
    text_or_null(out, "host_id", g->host_id);
    time_or_null(out, "last_crash", g->last_crash);
    text_or_null(out, "last_crash_code", g->last_crash_code);
    evidence(g, out);
    buf_char(out, '}');
}

static void host(const struct report_host *h, struct buf *out)
{
    const struct resource *facts = &h->h.facts;

    buf_char(out, '{');
    text_or_null(out, "host", h->name);
    text_or_null(out, "cluster", facts->cluster);
    text_or_null(out, "os_version", facts->os_version);
    text_or_null(out, "is_version", facts->is_win6x);
    text_or_null(out, "is_version_win5x", facts->is_win5x);
    time_or_null(out, "last_seen", h->h.last_seen);
    text_or_null(out, "finding", h->finding);
    text_or_null(out, "host_id", facts->host_id);
    text_or_null(out, "agent_version", facts->agent_version);
    time_or_null(out, "boot_time", facts->boot_time);
    time_or_null(out, "last_poll", h->h.last_poll);
    number(out, "guests", (int64_t)h->guests);
    buf_char(out, '}');
}

static void hosts(const struct drift_report *r, struct buf *out)
{
    bool first = true;

    key(out, "hosts");
    buf_char(out, '[');
    for (size_t i = 0; i < r->host_count; i++) {
        if (!r->hosts[i]->shown)
            continue;
        if (!first)
            buf_char(out, ',');
        host(r->hosts[i], out);
        first = false;
    }
    buf_char(out, ']');
}

void report_drift_json(const struct drift_report *r, struct buf *out)
{
    open_report(r, "hvfleet.report.drift/1", out);
    key(out, "guests");
    buf_char(out, '[');
    for (size_t i = 0; i < r->guest_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        guest(&r->guests[i], out);
    }
    buf_char(out, ']');
    hosts(r, out);
    buf_str(out, "}\n");
}

void report_hosts_json(const struct drift_report *r, struct buf *out)
{
    open_report(r, "hvfleet.report.hosts/1", out);
    hosts(r, out);
    buf_str(out, "}\n");
}
