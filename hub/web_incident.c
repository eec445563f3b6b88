/* The page of one incident: what the rules make of it and what to do, the timeline, and what is known around it. */
#include "base/times.h"
#include "hub/web_incidents.h"
#include "report/incident_chart.h"
#include "report/incident_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- findings ------------------------------------------------------------------------ */

static void put_lines(struct buf *out, const char *title, const char *class, const struct incident_lines *lines)
{
    if (lines->count == 0)
        return;
    buf_printf(out, "<div><h4>%s</h4>\n<ul class=\"evidence %s\">\n", title, class);
    for (int n = 0; n < lines->count; n++) {
        buf_str(out, "<li>");
        web_name(out, lines->line[n]);
        buf_str(out, "</li>\n");
    }
    buf_str(out, "</ul></div>\n");
}

/* Only what is plainly a page becomes a link: rules come from files that people add. */
static void put_links(struct buf *out, const struct incident_lines *lines)
{
    for (int n = 0; n < lines->count; n++) {
        bool page = strncmp(lines->line[n], "https://", strlen("https://")) == 0;

        buf_str(out, "<p class=\"count\">See ");
        if (page) {
            buf_str(out, "<a rel=\"noreferrer noopener\" href=\"");
            web_text(out, lines->line[n]);
            buf_str(out, "\">");
        }
        web_name(out, lines->line[n]);
        buf_str(out, page ? "</a></p>\n" : "</p>\n");
    }
}

static void put_finding(struct buf *out, const struct incident_finding *f)
{
    buf_str(out, "<article class=\"finding\">\n<h3>");
    web_name(out, f->title[0] != '\0' ? f->title : f->rule);
    buf_str(out, " ");
    web_confidence(out, f->confidence);
    buf_str(out, "</h3>\n<p>");
    web_name(out, f->text);
    buf_str(out, "</p>\n");
    if (f->action[0] != '\0') {
        buf_str(out, "<p class=\"action\"><strong>What to do:</strong> ");
        web_text(out, f->action);
        buf_str(out, "</p>\n");
    }
    buf_str(out, "<div class=\"sides\">\n");
    put_lines(out, "For it", "for", &f->met);
    put_lines(out, "Against it", "against", &f->against);
    put_lines(out, "Not known", "unknown", &f->unknown);
    buf_str(out, "</div>\n<p class=\"count\">");
    if (f->reason[0] != '\0') {
        buf_printf(out, "Why %s: ", incident_confidence_name(f->confidence));
        web_name(out, f->reason);
        buf_str(out, ". ");
    }
    buf_str(out, "Rule ");
    web_name(out, f->rule);
    buf_str(out, ".</p>\n");
    put_links(out, &f->links);
    buf_str(out, "</article>\n");
}

static void put_findings(struct buf *out, const struct incident *i)
{
    buf_str(out, "<section aria-labelledby=\"findings-title\">\n<h2 id=\"findings-title\">Findings</h2>\n");
    if (i->finding_count > 1)
        buf_str(out, "<p class=\"count\">The surest first. More than one may be true.</p>\n");
    for (int n = 0; n < i->finding_count; n++)
        put_finding(out, &i->findings[n]);
    if (i->finding_count == 0)
        buf_str(out, "<p>No rule explains it. What was going on around it is below.</p>\n");
    buf_str(out, "</section>\n");
}

/* ---- the timeline ----------------------------------------------------------------------- */

/* Times to the second, which web_time() does not show. */
static void put_moment(struct buf *out, int64_t time)
{
    char words[INCIDENT_TIME_MAX], machine[TIMES_TEXT_MAX];

    if (time == 0)
        buf_str(out, "not known");
    else
        buf_printf(out, "<time datetime=\"%s\">%s</time>", times_format(time - time % NS_PER_S, machine),
                   incident_time_words(time, words));
}

static void put_entry(struct buf *out, const struct incident *i, const struct incident_entry *t)
{
    char offset[INCIDENT_OFFSET_MAX];

    buf_printf(out, "<tr%s><td class=\"number\">%s</td><td>",
               t->sign                ? " class=\"sign\""
               : t->kind == ENTRY_GAP ? " class=\"gap\""
                                      : "",
               incident_offset(i, t->time != 0 ? t->time : t->until, offset));
    put_moment(out, t->time);
    if (t->until != 0 && t->until != t->time) {
        buf_str(out, "<br>to ");
        put_moment(out, t->until);
    }
    buf_printf(out, "</td><td class=\"word\">%s</td><td>", incident_entry_name(t->kind));
    web_name(out, t->what);
    buf_str(out, "</td><td>");
    web_name(out, t->host);
    buf_str(out, "</td></tr>\n");
}

static void put_timeline(struct buf *out, const struct incident *i)
{
    struct buf chart;

    if (i->timeline_count == 0)
        return;
    buf_str(out, "<section aria-labelledby=\"timeline-title\">\n<h2 id=\"timeline-title\">Timeline</h2>\n");
    buf_init(&chart, INCIDENT_JSON_MAX);
    incident_chart(i, &chart);
    if (chart.len > 0 && buf_error(&chart) == ERR_OK) {
        buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Timeline, picture\" tabindex=\"0\">\n");
        buf_add(out, chart.data, chart.len);
        buf_str(out, "</div>\n<p class=\"count\">The nearer to the crash, the wider the scale. Diamonds are the crash "
                     "itself and its end, dashed boxes are times of which nothing is known.</p>\n");
    }
    if (buf_error(&chart) != ERR_OK)
        out->error = buf_error(&chart);
    buf_free(&chart);
    buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Timeline, table\" tabindex=\"0\">"
                 "<table class=\"list\">\n<caption>In order; what tells of the crash itself is bold</caption>\n"
                 "<thead><tr><th scope=\"col\" class=\"number\">From the crash</th><th scope=\"col\">Time</th>"
                 "<th scope=\"col\">Kind</th><th scope=\"col\">What</th><th scope=\"col\">Host</th></tr></thead>\n"
                 "<tbody>\n");
    for (int n = 0; n < i->timeline_count; n++)
        put_entry(out, i, &i->timeline[n]);
    buf_str(out, "</tbody></table></div>\n</section>\n");
}

/* ---- what is known ------------------------------------------------------------------------ */

static void put_fact(void *arg, const char *label, const char *text, bool known)
{
    struct buf *out = arg;

    web_fact(out, label);
    if (!known)
        buf_str(out, "<span class=\"none\">");
    web_name(out, text);
    if (!known)
        buf_str(out, "</span>");
    web_fact_end(out);
}

static void put_window(struct buf *out, const struct incident *i)
{
    if (i->window_from == 0 || i->window_to == 0)
        return;
    buf_str(out, "<p class=\"count\">Trouble of storage, cluster and other guests was looked for from ");
    put_moment(out, i->window_from);
    buf_str(out, " to ");
    put_moment(out, i->window_to);
    buf_str(out, ".</p>\n");
}

static int put_facts(struct buf *out, const struct fleet_incident *f, struct err *e)
{
    const struct incident *i = f->incident;
    int rc;

    buf_str(out, "<section aria-labelledby=\"facts-title\">\n<h2 id=\"facts-title\">What is known</h2>\n"
                 "<dl class=\"facts lines\">\n");
    rc = incident_facts(i, put_fact, out, e);
    web_fact_time(out, "Known to the hub", f->first_seen);
    if (f->updated > f->first_seen)
        web_fact_time(out, "Last changed", f->updated);
    web_fact_text(out, "Incident's id", i->id);
    buf_str(out, "</dl>\n");
    put_window(out, i);
    buf_str(out, "<p class=\"export\"><a href=\"/api/v1/incidents/");
    web_put_encoded(out, i->id);
    buf_str(out, "\">As JSON</a></p>\n</section>\n");
    return rc;
}

/* ---- the page -------------------------------------------------------------------------------- */

static void put_start(struct buf *out, const struct incident *i)
{
    struct web_crumb crumbs[4] = { { WEB_FLEET, "", "Fleet" }, { WEB_INCIDENTS, "", "Incidents" } };
    struct web_head head = { .crumbs = crumbs, .crumb_count = 2 };
    char title[INCIDENT_TEXT_MAX + INCIDENT_HEADLINE_MAX], headline[INCIDENT_HEADLINE_MAX];
    char blamed[INCIDENT_BLAMED_MAX];

    if (i->host_id[0] != '\0')
        crumbs[head.crumb_count++] = (struct web_crumb){ WEB_HOST, i->host_id, i->host_name };
    if (i->vm_id[0] != '\0')
        crumbs[head.crumb_count++] = (struct web_crumb){ WEB_GUEST, i->vm_id, i->vm_name };
    incident_headline(i, headline, sizeof headline);
    snprintf(title, sizeof title, "%s: %s", incident_guest(i), headline);
    head.title = title;
    web_page_start(out, &head);
    buf_str(out, "<p class=\"lead\">Crashed ");
    put_moment(out, i->time);
    if (incident_blamed(i, blamed)[0] != '\0') {
        buf_str(out, " in ");
        web_name(out, blamed);
    }
    if (i->host_name[0] != '\0') {
        buf_str(out, " on ");
        web_name(out, i->host_name);
    }
    buf_str(out, ". Integration services then: ");
    if (i->drift.known)
        web_state(out, i->drift.state, i->drift.stale);
    else
        buf_str(out, "not known");
    buf_str(out, "</p>\n");
}

int web_incident_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct fleet_incident f;
    int rc = fleet_store_incident(s, l->query->name, &f, e);

    if (rc != 0)
        return rc;
    put_start(out, f.incident);
    put_findings(out, f.incident);
    put_timeline(out, f.incident);
    rc = put_facts(out, &f, e);
    web_page_end(out, l->moment->now_ns);
    incident_free(f.incident);
    return rc;
}
