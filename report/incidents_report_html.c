/* The incidents report as one HTML page (html_page.h): a list, then a section an incident with its facts, findings
 * with their evidence, chart and timeline, then the crash rates. */
#include "base/times.h"
#include "model/drift.h"
#include "report/html_page.h"
#include "report/incident_chart.h"
#include "report/incident_words.h"
#include "report/incidents_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the list -------------------------------------------------------------------------- */

static void list_row(const struct incident *i, struct buf *out)
{
    char time[INCIDENT_TIME_MAX], headline[INCIDENT_HEADLINE_MAX], blamed[INCIDENT_BLAMED_MAX];
    const struct incident_finding *f = i->finding_count > 0 ? &i->findings[0] : NULL;

    buf_str(out, "<tr><td><a href=\"#i-");
    html_escaped(out, i->id);
    buf_printf(out, "\">%s</a></td><th scope=\"row\">", incident_time_words(i->time, time));
    html_escaped(out, incident_guest(i));
    buf_str(out, "</th>");
    html_cell(out, i->host_name);
    incident_headline(i, headline, sizeof headline);
    html_cell(out, headline);
    html_cell(out, incident_blamed(i, blamed));
    if (i->drift.known)
        buf_printf(out, "<td class=\"state %s\">%s</td>", drift_state_name(i->drift.state),
                   drift_state_name(i->drift.state));
    else
        html_cell(out, "not known");
    html_cell(out, f == NULL ? "" : f->title[0] != '\0' ? f->title : f->rule);
    if (f != NULL)
        buf_printf(out, "<td class=\"%s\">%s</td></tr>\n", incident_confidence_name(f->confidence),
                   incident_confidence_name(f->confidence));
    else
        buf_str(out, "<td></td></tr>\n");
}

static void list(const struct incidents_report *r, struct buf *out)
{
    if (r->count == 0)
        return;
    buf_str(out, "<section>\n<h2>Incidents</h2>\n");
    html_open_table(out, "Newest first, times in UTC",
                    "Time|Guest|Host|What|Blamed|Integration services|Finding|Confidence");
    for (size_t n = 0; n < r->count; n++)
        list_row(incidents_newest(r, n), out);
    html_close_table(out);
    buf_str(out, "</section>\n");
}

/* ---- one incident ------------------------------------------------------------------------ */

static void fact(void *arg, const char *label, const char *text, bool known)
{
    struct buf *out = arg;

    buf_printf(out, "<dt>%s</dt><dd%s>", label, known ? "" : " class=\"dim\"");
    html_escaped(out, text);
    buf_str(out, "</dd>\n");
}

static void lines(const char *title, const struct incident_lines *l, struct buf *out)
{
    if (l->count == 0)
        return;
    buf_printf(out, "<p>%s</p>\n<ul>\n", title);
    for (int n = 0; n < l->count; n++) {
        buf_str(out, "<li>");
        html_escaped(out, l->line[n]);
        buf_str(out, "</li>\n");
    }
    buf_str(out, "</ul>\n");
}

/* Only what is plainly a page is a link: rules come from files that people add. */
static void links(const struct incident_lines *l, struct buf *out)
{
    for (int n = 0; n < l->count; n++) {
        bool page = strncmp(l->line[n], "https://", 8) == 0;

        buf_str(out, "<p>See ");
        if (page) {
            buf_str(out, "<a rel=\"noreferrer noopener\" href=\"");
            html_escaped(out, l->line[n]);
            buf_str(out, "\">");
        }
        html_escaped(out, l->line[n]);
        buf_str(out, page ? "</a></p>\n" : "</p>\n");
    }
}

static void paragraph(const char *start, const char *text, struct buf *out)
{
    if (text[0] == '\0')
        return;
    buf_str(out, start);
    html_escaped(out, text);
    buf_str(out, "</p>\n");
}

static void finding(const struct incident_finding *f, struct buf *out)
{
    const char *confidence = incident_confidence_name(f->confidence);

    buf_str(out, "<h3>");
    html_escaped(out, f->title[0] != '\0' ? f->title : f->rule);
    buf_printf(out, " <span class=\"state %s\">(confidence: %s)</span></h3>\n", confidence, confidence);
    paragraph("<p>", f->text, out);
    paragraph("<p class=\"do\"><strong>What to do:</strong> ", f->action, out);
    lines("For it", &f->met, out);
    lines("Against it", &f->against, out);
    lines("Not known", &f->unknown, out);
    paragraph("<p class=\"dim\">Why so sure: ", f->reason, out);
    links(&f->links, out);
}

static void entry_row(const struct incident *i, const struct incident_entry *t, struct buf *out)
{
    char offset[INCIDENT_OFFSET_MAX], time[INCIDENT_TIME_MAX];

    buf_str(out, t->sign ? "<tr class=\"sign\">" : "<tr>");
    buf_printf(out, "<td class=\"n\">%s</td><td>%s", incident_offset(i, t->time, offset),
               incident_time_words(t->time, time));
    if (t->until != 0 && t->until != t->time)
        buf_printf(out, " to %s", incident_time_words(t->until, time));
    buf_str(out, "</td>");
    html_cell(out, incident_entry_name(t->kind));
    html_cell(out, t->host);
    buf_str(out, "<td class=\"why\">");
    html_escaped(out, t->what);
    buf_str(out, "</td></tr>\n");
}

static void timeline(const struct incident *i, struct buf *out)
{
    if (i->timeline_count == 0)
        return;
    buf_str(out, "<h3>Timeline</h3>\n");
    incident_chart(i, out);
    html_open_table(out, "In order; the signs of the crash itself are bold", "#From the crash|Time|Kind|Host|What");
    for (int n = 0; n < i->timeline_count; n++)
        entry_row(i, &i->timeline[n], out);
    html_close_table(out);
}

static int section(const struct incident *i, struct buf *out, struct err *e)
{
    char time[INCIDENT_TIME_MAX], headline[INCIDENT_HEADLINE_MAX];
    int rc;

    incident_headline(i, headline, sizeof headline);
    buf_str(out, "<section class=\"incident\" id=\"i-");
    html_escaped(out, i->id);
    buf_str(out, "\">\n<h2>");
    html_escaped(out, incident_guest(i));
    buf_str(out, ": ");
    html_escaped(out, headline);
    buf_printf(out, "</h2>\n<p class=\"dim\">%s UTC, ", incident_time_words(i->time, time));
    if (i->cluster[0] != '\0') {
        html_escaped(out, i->cluster);
        buf_str(out, " / ");
    }
    html_escaped(out, i->host_name[0] != '\0' ? i->host_name : "host not known");
    buf_str(out, ", incident ");
    html_escaped(out, i->id);
    buf_str(out, "</p>\n<dl class=\"facts\">\n");
    rc = incident_facts(i, fact, out, e);
    buf_str(out, "</dl>\n");
    for (int n = 0; n < i->finding_count; n++)
        finding(&i->findings[n], out);
    if (i->finding_count == 0)
        buf_str(out, "<p>No rule explains it.</p>\n");
    timeline(i, out);
    buf_str(out, "</section>\n");
    return rc;
}

/* ---- crash rates -------------------------------------------------------------------------- */

static void rate_row(const char *label, const struct crash_rate *rate, struct buf *out)
{
    char words[INCIDENTS_RATE_MAX];

    buf_str(out, "<tr><th scope=\"row\">");
    html_escaped(out, label);
    buf_printf(out, "</th><td class=\"n\">%" PRIu64 "</td>", rate->crashes);
    if (rate->guest_days > 0)
        buf_printf(out, "<td class=\"n\">%.0f</td>", rate->guest_days);
    else
        buf_str(out, "<td></td>");
    html_cell(out, incidents_rate(rate, words));
    buf_str(out, "</tr>\n");
}

static void rates(const struct incidents_rates *by, struct buf *out)
{
    if (by->count == 0)
        return;
    buf_printf(out, "<h3>By %s</h3>\n", incidents_grouping_title(by->grouping));
    html_open_table(out, "Most crashes first", "Group|#Crashes|#Guest-days|Per 1,000 guest-days (95 % interval)");
    for (size_t n = 0; n < by->count; n++)
        rate_row(by->groups[n].label, &by->groups[n].rate, out);
    html_close_table(out);
}

static void statistics(const struct incidents_report *r, struct buf *out)
{
    if (r->total == NULL)
        return;
    buf_str(out, "<section>\n<h2>Crash rates</h2>\n");
    paragraph("<p>", incidents_rates_note, out);
    for (size_t n = 0; n < r->sentence_count; n++)
        paragraph("<p>", r->sentences[n], out);
    html_open_table(out, "All guests", "Group|#Crashes|#Guest-days|Per 1,000 guest-days (95 % interval)");
    rate_row("All guests", r->total, out);
    html_close_table(out);
    for (size_t n = 0; n < r->rate_count; n++)
        rates(&r->rates[n], out);
    buf_str(out, "</section>\n");
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void heading(const struct incidents_report *r, const struct incidents_summary *s, struct buf *out)
{
    char time[TIMES_TEXT_MAX];

    html_open_page(out, "Incidents report", times_format(r->now_ns / NS_PER_S * NS_PER_S, time));
    buf_printf(out, "<p class=\"dim\">%s", time);
    if (r->cluster != NULL && r->cluster[0] != '\0') {
        buf_str(out, ", cluster ");
        html_escaped(out, r->cluster);
    }
    if (r->since_ns != 0)
        buf_printf(out, ", since %s", times_format(r->since_ns / NS_PER_S * NS_PER_S, time));
    buf_printf(out, "</p>\n<p>%zu %s of %zu %s on %zu %s, %zu of them explained by a rule", r->count,
               r->count == 1 ? "incident" : "incidents", s->guests, s->guests == 1 ? "guest" : "guests", s->hosts,
               s->hosts == 1 ? "host" : "hosts", s->explained);
    if (r->more > 0)
        buf_printf(out, "; %" PRIu64 " older not shown", r->more);
    buf_str(out, "</p>\n</header>\n<main>\n");
}

int incidents_report_html(const struct incidents_report *r, struct buf *out, struct err *e)
{
    struct incidents_summary s;
    int rc = incidents_summary(r, &s, e);

    if (rc != 0)
        return rc;
    heading(r, &s, out);
    list(r, out);
    for (size_t n = 0; rc == 0 && n < r->count; n++)
        rc = section(incidents_newest(r, n), out, e);
    statistics(r, out);
    html_close_page(out);
    return rc;
}
