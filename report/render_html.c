/* The drift and hosts reports as one HTML page (html_page.h): no script, nothing from elsewhere, light and dark, and
 * a style for paper. */
#include "base/times.h"
#include "report/html_page.h"
#include "report/report_rows.h"

/* The state's name is one of a fixed set, and a class of the style sheet. */
static void state_cell(struct buf *out, enum drift_state s)
{
    buf_printf(out, "<td class=\"state %s\">%s</td>", drift_state_name(s), drift_state_name(s));
}

static int64_t whole_seconds(int64_t ns)
{
    return ns / NS_PER_S * NS_PER_S;
}

static void head(const struct drift_report *r, const char *title, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    times_format(whole_seconds(r->options.now_ns), time);
    html_open_page(out, title, time);
    buf_printf(out, "<p class=\"dim\">%s", time);
    if (r->options.cluster != NULL) {
        buf_str(out, ", cluster ");
        html_escaped(out, r->options.cluster);
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

/* ---- counts --------------------------------------------------------------- */

static void states(const struct drift_report *r, struct buf *out)
{
    buf_str(out, "<section>\n<h2>Guests by state</h2>\n");
    html_open_table(out, "Worst first", "State|#Guests");
    for (int severity = 0; severity < DRIFT_STATE_COUNT; severity++) {
        for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
            if (report_severity((enum drift_state)s) != severity || r->by_state[s] == 0)
                continue;
            buf_str(out, "<tr>");
            state_cell(out, (enum drift_state)s);
            html_number(out, r->by_state[s]);
            buf_str(out, "</tr>\n");
        }
    }
    html_close_table(out);
    buf_str(out, "</section>\n");
}

static void group_table(const struct report_groups *all, enum report_grouping by, const char *title, struct buf *out)
{
    const struct report_group *list = all->list[by];

    if (all->count[by] == 0)
        return;
    buf_printf(out,
               "<section>\n<h2>By %s</h2>\n<table>\n<caption>Most that are not current first</caption>\n"
               "<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">Not current</th>"
               "<th scope=\"col\" class=\"n\">Guests</th></tr></thead>\n<tbody>\n",
               title, title);
    for (size_t i = 0; i < all->count[by]; i++) {
        const char *label = report_group_label(by, &list[i]);

        buf_str(out, "<tr>");
        html_cell(out, label[0] != '\0' ? label : by == GROUP_CLUSTER ? "(outside of clusters)" : "(not known)");
        html_number(out, list[i].problems);
        html_number(out, list[i].guests);
        buf_str(out, "</tr>\n");
    }
    html_close_table(out);
    buf_str(out, "</section>\n");
}

static void group_tables(const struct drift_report *r, struct buf *out)
{
    struct report_groups all;

    if (!report_groups(r, &all))
        out->error = ERR_MEMORY;
    buf_str(out, "<div class=\"pair\">\n");
    group_table(&all, GROUP_CLUSTER, "cluster", out);
    group_table(&all, GROUP_HOST, "host", out);
    group_table(&all, GROUP_OS, "guest OS", out);
    group_table(&all, GROUP_VERSION, "version", out);
    buf_str(out, "</div>\n");
    report_groups_free(&all);
}

/* ---- what to do, guests, hosts -------------------------------------------- */

static void needs(const struct drift_report *r, struct buf *out)
{
    struct report_need list[REPORT_NEEDS_MAX];
    size_t count = report_needs(r, list);

    if (count == 0)
        return;
    buf_str(out, "<section>\n<h2>What to do</h2>\n");
    html_open_table(out, "Worst first", "State|#Guests|What to do|Which");
    for (size_t i = 0; i < count; i++) {
        buf_str(out, "<tr>");
        state_cell(out, list[i].state);
        html_number(out, list[i].count);
        html_cell(out, list[i].action);
        buf_str(out, "<td>");
        for (size_t n = 0; n < list[i].count && n < REPORT_NAMES; n++) {
            buf_str(out, n > 0 ? ", <bdi>" : "<bdi>");
            html_escaped(out, report_guest_label(list[i].first[n]));
            buf_str(out, "</bdi>");
        }
        if (list[i].count > REPORT_NAMES)
            buf_printf(out, " and %zu more", list[i].count - REPORT_NAMES);
        buf_str(out, "</td></tr>\n");
    }
    html_close_table(out);
    buf_str(out, "</section>\n");
}

static void guest_row(const struct report_guest *g, struct buf *out)
{
    char since[TIMES_TEXT_MAX];

    buf_str(out, "<tr>");
    state_cell(out, g->kept.state);
    html_cell(out, g->cluster);
    html_cell(out, g->host);
    buf_str(out, "<th scope=\"row\">");
    html_escaped(out, report_guest_label(g));
    buf_str(out, "</th>");
    html_cell(out, g->guest_version);
    html_cell(out, g->expected_version);
    html_cell(out, g->os_name);
    buf_printf(out, "<td>%.10s%s%s</td>", times_format(g->kept.since, since), g->kept.stale ? " (stale)" : "",
               g->change == REPORT_NEW ? " (new)" : "");
    buf_str(out, "<td class=\"why\">");
    html_escaped(out, g->reason);
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
    html_open_table(out, "Worst first; guests that are current, or have nothing to upgrade, are not listed",
                    "State|Cluster|Host|Guest|Has|Should have|Guest OS|Since|Why");
    for (size_t i = 0; i < r->guest_count; i++) {
        if (!report_is_fine(&r->guests[i]))
            guest_row(&r->guests[i], out);
    }
    html_close_table(out);
    buf_str(out, "</section>\n");
}

static void host_row(const struct report_host *h, struct buf *out)
{
    const struct resource *facts = &h->h.facts;
    char seen[TIMES_TEXT_MAX];

    buf_str(out, "<tr>");
    html_cell(out, facts->cluster);
    buf_str(out, "<th scope=\"row\">");
    html_escaped(out, h->name);
    buf_str(out, "</th>");
    html_cell(out, facts->os_version);
    html_cell(out, facts->is_win6x);
    html_cell(out, facts->agent_version);
    html_number(out, h->guests);
    html_cell(out, times_format(whole_seconds(h->heard != 0 ? h->heard : h->h.last_seen), seen));
    html_cell(out, h->finding);
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
    html_open_table(out, "By cluster and name", "Cluster|Host|Windows|Expects|Agent|#Guests|Last heard|Findings");
    for (size_t i = 0; i < r->host_count; i++) {
        if (r->hosts[i]->shown && (all || r->hosts[i]->finding[0] != '\0'))
            host_row(r->hosts[i], out);
    }
    html_close_table(out);
    buf_str(out, "</section>\n");
}

void report_drift_html(const struct drift_report *r, struct buf *out)
{
    head(r, "Fleet drift report", out);
    states(r, out);
    needs(r, out);
    guests(r, out);
    group_tables(r, out);
    hosts(r, false, out);
    html_close_page(out);
}

void report_hosts_html(const struct drift_report *r, struct buf *out)
{
    head(r, "Hosts", out);
    hosts(r, true, out);
    html_close_page(out);
}
