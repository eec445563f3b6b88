/* Reports as one HTML page: no script, nothing from elsewhere, light and dark,
 * and a style for paper.
 *
 * Every text goes through escaped(): names are written by guests.  The page
 * carries a Content-Security-Policy of its own that allows its style sheet and
 * nothing else, so that even a mistake in escaping runs no code.
 */
#include "base/times.h"
#include "report/pen.h"
#include "report/report_rows.h"

#include <stdlib.h>
#include <string.h>

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n";

static const char style_sheet[] =
    "<style>\n"
    ":root{--ink:#1b1f24;--page:#fff;--dim:#57606a;--line:#d0d7de;--head:#f3f5f7;--bad:#b3261e;--warn:#8a4b00;"
    "--info:#0b5cad;--good:#1a6b34}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--page:#14181d;--dim:#a3adb8;--line:#39424d;--head:#1e242b;"
    "--bad:#ff8a80;--warn:#ffb866;--info:#7ab8ff;--good:#7fd49a}}\n"
    "body{margin:0 auto;max-width:80rem;padding:1rem;font:15px/1.45 system-ui,sans-serif;color:var(--ink);"
    "background:var(--page)}\n"
    "h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:1.8rem 0 .4rem}p{margin:.3rem 0}\n"
    "table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem}caption{text-align:left;color:var(--dim);"
    "padding:.2rem 0}\n"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line);"
    "overflow-wrap:break-word;max-width:26rem;unicode-bidi:isolate}\n"
    "thead th{background:var(--head)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".dim{color:var(--dim)}.state{white-space:nowrap;font-weight:600}.why{min-width:16rem}.few{width:auto}\n"
    ".incompatible{color:var(--bad)}.behind-protocol,.unknown{color:var(--warn)}"
    ".behind,.inbox-behind-peers,.newer-than-host{color:var(--info)}.current{color:var(--good)}"
    ".not-applicable{color:var(--dim)}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:0 2rem}\n"
    "@page{size:landscape;margin:12mm}@media "
    "print{:root{--ink:#000;--page:#fff;--dim:#333;--line:#888;--head:#eee;--bad:#000;--warn:#000;--info:#000;"
    "--good:#000}body{max-width:none;padding:0;font-size:9pt}thead{display:table-header-group}tr{break-inside:avoid}"
    "h2{break-after:avoid}}\n"
    "</style>\n";

/* Text as it stands between tags and in quoted attributes. */
static void escaped(struct buf *out, const char *text)
{
    size_t len = strlen(text);

    if (pen_is_plain(text, len, pen_special_html)) {
        buf_add(out, text, len);
        return;
    }
    for (;;) {
        len = strcspn(text, "&<>\"'");
        buf_add(out, text, len);
        if (text[len] == '\0')
            return;
        buf_printf(out, "&#%d;", text[len]);
        text += len + 1;
    }
}

static void cell(struct buf *out, const char *text)
{
    buf_str(out, "<td>");
    escaped(out, text);
    buf_str(out, "</td>");
}

static void number_cell(struct buf *out, size_t n)
{
    buf_printf(out, "<td class=\"n\">%zu</td>", n);
}

/* The state's name is one of a fixed set, and a class of the style sheet. */
static void state_cell(struct buf *out, enum drift_state s)
{
    buf_printf(out, "<td class=\"state %s\">%s</td>", drift_state_name(s), drift_state_name(s));
}

/* Opens a table (a narrow one when it has two columns); the heads are separated by '|', those that begin with '#' are
 * over numbers. */
static void open_table(struct buf *out, const char *caption, const char *heads)
{
    buf_str(out, strchr(heads, '|') == strrchr(heads, '|') ? "<table class=\"few\">\n<caption>" : "<table>\n<caption>");
    escaped(out, caption);
    buf_str(out, "</caption>\n<thead><tr>");
    while (*heads != '\0') {
        bool number = *heads == '#';
        size_t len;

        heads += number;
        len = strcspn(heads, "|");
        buf_str(out, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        buf_add(out, heads, len);
        buf_str(out, "</th>");
        heads += len + (heads[len] == '|');
    }
    buf_str(out, "</tr></thead>\n<tbody>\n");
}

static void close_table(struct buf *out)
{
    buf_str(out, "</tbody>\n</table>\n");
}

static int64_t whole_seconds(int64_t ns)
{
    return ns / NS_PER_S * NS_PER_S;
}

static void head(const struct drift_report *r, const char *title, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    buf_str(out, page_start);
    buf_printf(out, "<title>%s, %s</title>\n", title, times_format(whole_seconds(r->options.now_ns), time));
    buf_str(out, style_sheet);
    buf_printf(out, "</head>\n<body>\n<header>\n<h1>%s</h1>\n<p class=\"dim\">%s", title, time);
    if (r->options.cluster != NULL) {
        buf_str(out, ", cluster ");
        escaped(out, r->options.cluster);
    }
    buf_printf(out, "</p>\n<p>%zu %s on %zu %s</p>\n", r->guest_count, r->guest_count == 1 ? "guest" : "guests",
               r->hosts_shown, r->hosts_shown == 1 ? "host" : "hosts");
    if (r->options.since_ns != 0 && r->options.has_history) {
        buf_printf(out, "<p>Since %s:", times_format(whole_seconds(r->options.since_ns), time));
        for (int c = REPORT_NEW; c < REPORT_CHANGE_COUNT; c++)
            buf_printf(out, "%s %zu %s", c == REPORT_NEW ? "" : ",", r->by_change[c],
                       report_change_name((enum report_change)c));
        buf_str(out, "</p>\n");
    }
    buf_str(out, "</header>\n<main>\n");
}

static void foot(struct buf *out)
{
    buf_str(out, "</main>\n</body>\n</html>\n");
}

/* ---- counts --------------------------------------------------------------- */

static void states(const struct drift_report *r, struct buf *out)
{
    buf_str(out, "<section>\n<h2>Guests by state</h2>\n");
    open_table(out, "Worst first", "State|#Guests");
    for (int severity = 0; severity < DRIFT_STATE_COUNT; severity++) {
        for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
            if (report_severity((enum drift_state)s) != severity || r->by_state[s] == 0)
                continue;
            buf_str(out, "<tr>");
            state_cell(out, (enum drift_state)s);
            number_cell(out, r->by_state[s]);
            buf_str(out, "</tr>\n");
        }
    }
    close_table(out);
    buf_str(out, "</section>\n");
}

static void group_table(const struct drift_report *r, enum report_grouping by, const char *title, struct buf *out)
{
    size_t count;
    struct report_group *list = report_groups(r, by, &count);

    if (list == NULL) {
        if (count > 0)
            out->error = ERR_MEMORY;
        return;
    }
    buf_printf(out,
               "<section>\n<h2>By %s</h2>\n<table>\n<caption>Most that are not current first</caption>\n"
               "<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">Not current</th>"
               "<th scope=\"col\" class=\"n\">Guests</th></tr></thead>\n<tbody>\n",
               title, title);
    for (size_t i = 0; i < count; i++) {
        const char *label = report_group_label(by, &list[i]);

        buf_str(out, "<tr>");
        cell(out, label[0] != '\0' ? label : by == GROUP_CLUSTER ? "(outside of clusters)" : "(not known)");
        number_cell(out, list[i].problems);
        number_cell(out, list[i].guests);
        buf_str(out, "</tr>\n");
    }
    close_table(out);
    buf_str(out, "</section>\n");
    free(list);
}

/* ---- what to do, guests, hosts -------------------------------------------- */

static void needs(const struct drift_report *r, struct buf *out)
{
    struct report_need list[REPORT_NEEDS_MAX];
    size_t count = report_needs(r, list);

    if (count == 0)
        return;
    buf_str(out, "<section>\n<h2>What to do</h2>\n");
    open_table(out, "Worst first", "State|#Guests|What to do|Which");
    for (size_t i = 0; i < count; i++) {
        buf_str(out, "<tr>");
        state_cell(out, list[i].state);
        number_cell(out, list[i].count);
        cell(out, list[i].action);
        buf_str(out, "<td>");
        for (size_t n = 0; n < list[i].count && n < REPORT_NAMES; n++) {
            buf_str(out, n > 0 ? ", <bdi>" : "<bdi>");
            escaped(out, report_guest_label(list[i].first[n]));
            buf_str(out, "</bdi>");
        }
        if (list[i].count > REPORT_NAMES)
            buf_printf(out, " and %zu more", list[i].count - REPORT_NAMES);
        buf_str(out, "</td></tr>\n");
    }
    close_table(out);
    buf_str(out, "</section>\n");
}

static void guest_row(const struct report_guest *g, struct buf *out)
{
    char since[TIMES_TEXT_MAX];

    buf_str(out, "<tr>");
    state_cell(out, g->kept.state);
    cell(out, g->cluster);
    cell(out, g->host);
    buf_str(out, "<th scope=\"row\">");
    escaped(out, report_guest_label(g));
    buf_str(out, "</th>");
    cell(out, g->guest_version);
    cell(out, g->expected_version);
    cell(out, g->os_name);
    buf_printf(out, "<td>%.10s%s%s</td>", times_format(g->kept.since, since), g->kept.stale ? " (stale)" : "",
               g->change == REPORT_NEW ? " (new)" : "");
    buf_str(out, "<td class=\"why\">");
    escaped(out, g->reason);
    buf_str(out, "</td></tr>\n");
}

static void guests(const struct drift_report *r, struct buf *out)
{
    size_t listed = 0;

    for (size_t i = 0; i < r->guest_count; i++)
        listed += !report_is_fine(&r->guests[i]);
    if (listed == 0)
        return;
    buf_str(out, "<section>\n<h2>Guests that are not current</h2>\n");
    open_table(out, "Worst first; guests that are current, or have nothing to upgrade, are not listed",
               "State|Cluster|Host|Guest|Has|Should have|Guest OS|Since|Why");
    for (size_t i = 0; i < r->guest_count; i++) {
        if (!report_is_fine(&r->guests[i]))
            guest_row(&r->guests[i], out);
    }
    close_table(out);
    buf_str(out, "</section>\n");
}

static void host_row(const struct report_host *h, struct buf *out)
{
    const struct resource *facts = &h->h.facts;
    char seen[TIMES_TEXT_MAX];

    buf_str(out, "<tr>");
    cell(out, facts->cluster);
    buf_str(out, "<th scope=\"row\">");
    escaped(out, h->name);
    buf_str(out, "</th>");
    cell(out, facts->os_version);
    cell(out, facts->is_win6x);
    cell(out, facts->agent_version);
    number_cell(out, h->guests);
    cell(out, times_format(whole_seconds(h->heard != 0 ? h->heard : h->h.last_seen), seen));
    cell(out, h->finding);
    buf_str(out, "</tr>\n");
}

static void hosts(const struct drift_report *r, bool all, struct buf *out)
{
    size_t listed = 0;

    for (size_t i = 0; i < r->host_count; i++)
        listed += r->hosts[i]->shown && (all || r->hosts[i]->finding[0] != '\0');
    if (listed == 0)
        return;
    buf_str(out, all ? "<section>\n<h2>Hosts</h2>\n" : "<section>\n<h2>Hosts with findings</h2>\n");
    open_table(out, "By cluster and name", "Cluster|Host|Windows|Expects|Agent|#Guests|Last heard|Findings");
    for (size_t i = 0; i < r->host_count; i++) {
        if (r->hosts[i]->shown && (all || r->hosts[i]->finding[0] != '\0'))
            host_row(r->hosts[i], out);
    }
    close_table(out);
    buf_str(out, "</section>\n");
}

void report_drift_html(const struct drift_report *r, struct buf *out)
{
    head(r, "Fleet drift report", out);
    states(r, out);
    needs(r, out);
    guests(r, out);
    buf_str(out, "<div class=\"pair\">\n");
    group_table(r, GROUP_CLUSTER, "cluster", out);
    group_table(r, GROUP_HOST, "host", out);
    group_table(r, GROUP_OS, "guest OS", out);
    group_table(r, GROUP_VERSION, "version", out);
    buf_str(out, "</div>\n");
    hosts(r, false, out);
    foot(out);
}

void report_hosts_html(const struct drift_report *r, struct buf *out)
{
    head(r, "Hosts", out);
    hosts(r, true, out);
    foot(out);
}
