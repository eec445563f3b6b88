/* Reports as JSON, written straight into the buffer: hvfleet.report.drift/1 and
 * hvfleet.report.hosts/1 (design, "JSON that others rely on").  What is not
 * known is null. */
#include "base/times.h"
#include "report/json_write.h"
#include "report/pen.h"
#include "report/report_rows.h"

#include <string.h>

/* The states with guests in them; all of them when `all`. */
static void by_state(struct buf *out, const size_t *counts, bool all)
{
    report_json_key(out, "by_state");
    buf_char(out, '{');
    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        if (all || counts[s] > 0)
            report_json_number(out, drift_state_name((enum drift_state)s), (int64_t)counts[s]);
    }
    buf_char(out, '}');
}

/* What is new, solved and so on since the time asked for. */
static void changes(const struct drift_report *r, struct buf *out)
{
    report_json_key(out, "changes");
    if (r->options.since_ns == 0 || !r->options.has_history) {
        buf_str(out, "null");
        return;
    }
    buf_char(out, '{');
    report_json_time(out, "since", r->options.since_ns);
    for (int c = REPORT_NEW; c < REPORT_CHANGE_COUNT; c++)
        report_json_number(out, report_change_name((enum report_change)c), (int64_t)r->by_change[c]);
    buf_char(out, '}');
}

static void group(const struct report_group *g, enum report_grouping by, struct buf *out)
{
    buf_char(out, '{');
    report_json_text(out, report_grouping_name(by), report_group_label(by, g));
    if (by == GROUP_HOST) {
        report_json_text(out, "host_id", g->first->host_id);
        report_json_text(out, "cluster", g->first->cluster);
    }
    report_json_number(out, "guests", (int64_t)g->guests);
    by_state(out, g->by_state, false);
    buf_char(out, '}');
}

static void groups(const struct drift_report *r, struct buf *out)
{
    struct report_groups all;

    if (!report_groups(r, &all))
        out->error = ERR_MEMORY;
    for (int by = 0; by < GROUPING_COUNT; by++) {
        buf_str(out, ",\"by_");
        buf_str(out, report_grouping_name((enum report_grouping)by));
        buf_str(out, "\":[");
        for (size_t i = 0; i < all.count[by]; i++) {
            if (i > 0)
                buf_char(out, ',');
            group(&all.list[by][i], (enum report_grouping)by, out);
        }
        buf_char(out, ']');
    }
    report_groups_free(&all);
}

static void open_report(const struct drift_report *r, const char *schema, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    buf_char(out, '{');
    report_json_text(out, "schema", schema);
    report_json_key(out, "generated_at");
    report_json_string(out, times_format(r->options.now_ns, time));
    report_json_key(out, "summary");
    buf_char(out, '{');
    report_json_number(out, "guests", (int64_t)r->guest_count);
    report_json_number(out, "hosts", (int64_t)r->hosts_shown);
    by_state(out, r->by_state, true);
    changes(r, out);
    groups(r, out);
    buf_char(out, '}');
}

/* ---- guests: most of a report --------------------------------------------- */

/* A byte of a text takes at most \u0000. */
enum { GUEST_ROOM = 6 * REPORT_TEXTS_MAX + 1536 /* keys, times, numbers and words */ };

static void pen_escaped(struct pen *p, const char *text)
{
    for (; *text != '\0'; text++) {
        static const char hex[] = "0123456789abcdef";
        unsigned char c = (unsigned char)*text;

        if (c < 0x20) {
            PEN_PUT(p, "\\u00");
            pen_char(p, hex[c >> 4]);
            pen_char(p, hex[c & 15]);
            continue;
        }
        if (c == '"' || c == '\\')
            pen_char(p, '\\');
        pen_char(p, *text);
    }
}

static void pen_string(struct pen *p, const char *text)
{
    size_t len = strlen(text);

    pen_char(p, '"');
    if (pen_is_plain(text, len, pen_special_json))
        pen_bytes(p, text, len);
    else
        pen_escaped(p, text);
    pen_char(p, '"');
}

static void pen_string_or_null(struct pen *p, const char *text)
{
    if (text[0] == '\0')
        PEN_PUT(p, "null");
    else
        pen_string(p, text);
}

/* A word of ours, or a time: nothing in it needs escaping. */
static void pen_word_or_null(struct pen *p, const char *word)
{
    if (word[0] == '\0') {
        PEN_PUT(p, "null");
        return;
    }
    pen_char(p, '"');
    pen_text(p, word);
    pen_char(p, '"');
}

static void evidence(const struct report_guest *g, struct pen *p)
{
    PEN_PUT(p, ",\"evidence\":[");
    for (int i = 0; i < g->evidence_count; i++) {
        if (i > 0)
            pen_char(p, ',');
        pen_string(p, g->evidence[i]);
    }
    pen_char(p, ']');
}

/* One member of a guest: its key is a literal. */
#define MEMBER(name, value)             \
    do {                                \
        PEN_PUT(p, ",\"" name "\":");   \
        pen_string_or_null(p, (value)); \
    } while (0)
#define WORD_MEMBER(name, value)      \
    do {                              \
        PEN_PUT(p, ",\"" name "\":"); \
        pen_word_or_null(p, (value)); \
    } while (0)

/* The times of the last guest. */
struct guest_times {
    struct pen_clock since, seen, crash;
};

static void verdict(const struct report_guest *g, struct guest_times *last, struct pen *p)
{
    WORD_MEMBER("state", drift_state_name(g->kept.state));
    PEN_PUT(p, ",\"rule_row\":");
    pen_number(p, (unsigned)g->kept.row);
    MEMBER("guest_version", g->guest_version);
    MEMBER("expected_version", g->expected_version);
    MEMBER("guest_os", g->os_name);
    MEMBER("guest_os_version", g->os_version);
    WORD_MEMBER("guest_family", guest_family_name(g->family));
    WORD_MEMBER("power", guest_power_name(g->power));
    WORD_MEMBER("since", pen_time_text(&last->since, g->kept.since));
    WORD_MEMBER("last_seen", pen_time_text(&last->seen, g->last_seen));
    PEN_PUT(p, ",\"stale\":");
    pen_text(p, g->kept.stale ? "true" : "false");
    MEMBER("reason", g->reason);
    MEMBER("action", g->action);
}

static void guest(const struct report_guest *g, struct guest_times *last, struct buf *out)
{
    bool then = g->change != REPORT_UNCOMPARED && g->change != REPORT_NEW;
    struct pen pen, *p = &pen;

    if (!pen_begin(p, out, GUEST_ROOM))
        return;
    PEN_PUT(p, "{\"vm_id\":");
    pen_string_or_null(p, g->vm_id);
    MEMBER("vm_name", g->name);
    MEMBER("host", g->host);
    MEMBER("cluster", g->cluster);
    verdict(g, last, p);
    MEMBER("host_id", g->host_id);
    MEMBER("fqdn", g->fqdn);
    WORD_MEMBER("change", report_change_name(g->change));
    WORD_MEMBER("state_then", then ? drift_state_name(g->then) : "");
    WORD_MEMBER("last_crash", pen_time_text(&last->crash, g->last_crash));
    MEMBER("last_crash_code", g->last_crash_code);
    evidence(g, p);
    pen_char(p, '}');
    pen_end(p);
}

/* ---- hosts ---------------------------------------------------------------- */

static void findings(const struct report_host *h, struct buf *out)
{
    report_json_key(out, "findings");
    buf_char(out, '[');
    for (const struct report_note *n = h->notes; n != NULL; n = n->next) {
        buf_str(out, n == h->notes ? "{" : ",{");
        report_json_text(out, "kind", n->kind);
        report_json_text(out, "text", n->text);
        report_json_time(out, "since", n->since);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void host(const struct report_host *h, struct buf *out)
{
    const struct resource *facts = &h->h.facts;

    buf_char(out, '{');
    report_json_text(out, "host", h->name);
    report_json_text(out, "cluster", facts->cluster);
    report_json_text(out, "os_version", facts->os_version);
    report_json_text(out, "is_version", facts->is_win6x);
    report_json_text(out, "is_version_win5x", facts->is_win5x);
    report_json_time(out, "last_seen", h->h.last_seen);
    report_json_text(out, "finding", h->finding);
    report_json_text(out, "host_id", facts->host_id);
    report_json_text(out, "agent_version", facts->agent_version);
    report_json_time(out, "boot_time", facts->boot_time);
    report_json_time(out, "last_poll", h->h.last_poll);
    report_json_time(out, "last_heard", h->heard);
    report_json_number(out, "guests", (int64_t)h->guests);
    findings(h, out);
    buf_char(out, '}');
}

static void hosts(const struct drift_report *r, struct buf *out)
{
    bool first = true;

    report_json_key(out, "hosts");
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
    struct guest_times last = { 0 };

    open_report(r, "hvfleet.report.drift/1", out);
    report_json_key(out, "guests");
    buf_char(out, '[');
    for (size_t i = 0; i < r->guest_count; i++) {
        if (i > 0)
            buf_char(out, ',');
        report_fetch_ahead(r, i);
        guest(&r->guests[i], &last, out);
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
