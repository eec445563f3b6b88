/* The list of incidents, and the last crashes on the pages of fleet, clusters, hosts and guests. */
#include "hub/web_incidents.h"

#include "base/times.h"
#include "hub/fleet_report.h"
#include "report/incident_words.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_DAY (86400 * NS_PER_S)

/* ---- reading ------------------------------------------------------------------------- */

enum { FOUND_MAX = WEB_CRASHES_COUNTED + 1 };
_Static_assert((int)FOUND_MAX > (int)WEB_INCIDENT_ROWS, "a page and one more have room");

struct found {
    struct incident *list[FOUND_MAX];
    int count;
};

static bool take_incident(void *arg, struct fleet_incident *f)
{
    struct found *found = (struct found *)arg;

    assert(found->count < FOUND_MAX);
    found->list[found->count++] = f->incident;
    return found->count < FOUND_MAX;
}

static void found_free(struct found *found)
{
    for (int n = 0; found != NULL && n < found->count; n++)
        incident_free(found->list[n]);
    free(found);
}

/* *out is found_free()'s either way. */
static int find(struct fleet_store *s, const struct fleet_incident_query *q, struct found **out, struct err *e)
{
    assert(q->limit > 0 && q->limit <= FOUND_MAX);
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    return fleet_store_incidents(s, q, take_incident, *out, e);
}

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* ---- rows ----------------------------------------------------------------------------- */

void web_confidence(struct buf *out, enum incident_confidence c)
{
    buf_printf(out, "<span class=\"sure sure-%s\">%s</span>", incident_confidence_name(c), incident_confidence_name(c));
}

static void put_guest(struct buf *out, const struct incident *i)
{
    if (i->vm_id[0] != '\0')
        web_link(out, WEB_GUEST, i->vm_id, i->vm_name);
    else
        web_name(out, incident_guest(i));
}

static void put_host(struct buf *out, const struct incident *i)
{
    if (i->host_id[0] != '\0')
        web_link(out, WEB_HOST, i->host_id, i->host_name);
    else
        web_name(out, i->host_name);
}

/* Names of bug checks are long words: they may be broken after each part of them. */
static void put_headline(struct buf *out, const struct incident *i)
{
    char headline[INCIDENT_HEADLINE_MAX];

    incident_headline(i, headline, sizeof headline);
    for (char *part = headline, *end; part != NULL; part = end) {
        end = strchr(part, '_');
        if (end != NULL)
            *end++ = '\0';
        web_text(out, part);
        if (end != NULL)
            buf_str(out, "_<wbr>");
    }
}

static void put_what(struct buf *out, const struct incident *i)
{
    char blamed[INCIDENT_BLAMED_MAX];

    put_headline(out, i);
    if (incident_blamed(i, blamed)[0] != '\0') {
        buf_str(out, "<br>in ");
        web_name(out, blamed);
    }
}

static void put_finding(struct buf *out, const struct incident *i)
{
    const struct incident_finding *f = i->findings;

    if (i->finding_count == 0) {
        buf_str(out, "<span class=\"none\">no rule explains it</span>");
        return;
    }
    web_name(out, f->title[0] != '\0' ? f->title : f->rule);
    buf_str(out, " ");
    web_confidence(out, f->confidence);
    if (i->finding_count > 1)
        buf_printf(out, " <span class=\"none\">and %d more</span>", i->finding_count - 1);
}

static void put_row(struct buf *out, const struct incident *i)
{
    char moved[64];

    buf_str(out, "<tr><td><a href=\"/incident/");
    web_put_encoded(out, i->id);
    buf_str(out, "\">");
    web_time(out, i->time);
    buf_str(out, "</a></td><th scope=\"row\">");
    put_guest(out, i);
    buf_str(out, "</th><td>");
    put_what(out, i);
    buf_str(out, "</td><td>");
    if (i->drift.known)
        web_state(out, i->drift.state, i->drift.stale);
    else
        buf_str(out, "<span class=\"none\">not known</span>");
    if (incident_moved(i, moved)[0] != '\0') {
        buf_str(out, "<br>");
        web_text(out, moved);
    }
    buf_str(out, "</td><td>");
    put_finding(out, i);
    buf_str(out, "</td><td>");
    put_host(out, i);
    buf_str(out, "</td></tr>\n");
}

/* The head of the time's column; it turns the order of the list around. */
static void put_time_head(struct buf *out, const struct web_query *q)
{
    struct web_query other;

    if (q == NULL) {
        buf_str(out, "<th scope=\"col\">Time</th>");
        return;
    }
    other = *q;
    other.incidents.oldest_first = !q->incidents.oldest_first;
    other.incidents.after_id[0] = '\0';
    buf_printf(out, "<th scope=\"col\" aria-sort=\"%s\"><a href=\"",
               q->incidents.oldest_first ? "ascending" : "descending");
    web_query_address(&other, out);
    buf_str(out, "\">Time</a></th>");
}

/* q NULL: a list without an order to choose. */
static void put_rows(struct buf *out, const struct found *found, int count, const struct web_query *q,
                     const char *caption)
{
    buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Incidents, table\" tabindex=\"0\">"
                 "<table class=\"list incidents\">\n<caption>");
    web_text(out, caption);
    buf_str(out, "</caption>\n<thead><tr>");
    put_time_head(out, q);
    buf_str(out, "<th scope=\"col\">Guest</th><th scope=\"col\">What</th>"
                 "<th scope=\"col\">Integration services then</th><th scope=\"col\">Finding</th>"
                 "<th scope=\"col\">Host</th></tr></thead>\n<tbody>\n");
    for (int n = 0; n < count; n++)
        put_row(out, found->list[n]);
    buf_str(out, "</tbody></table></div>\n");
}

/* ---- the last crashes, on other pages ----------------------------------------------------- */

static void put_crashes_link(struct buf *out, const char *cluster, const char *host_id, const char *vm_id)
{
    struct web_query q;

    (void)web_query_init(&q, WEB_INCIDENTS, "");
    snprintf(q.incidents.cluster, sizeof q.incidents.cluster, "%s", cluster != NULL ? cluster : "");
    snprintf(q.incidents.host, sizeof q.incidents.host, "%s", host_id != NULL ? host_id : "");
    snprintf(q.incidents.vm, sizeof q.incidents.vm, "%s", vm_id != NULL ? vm_id : "");
    buf_str(out, "<p class=\"export\"><a href=\"");
    web_query_address(&q, out);
    buf_str(out, "\">All incidents, with filters</a></p>\n");
}

int web_put_crashes(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster,
                    const char *host_id, const char *vm_id, struct err *e)
{
    struct fleet_incident_query q;
    struct found *found;
    int rc, listed;

    if (cluster != NULL && cluster[0] == '\0')
        return 0;
    fleet_incident_query_all(&q);
    q.cluster = cluster;
    q.host = host_id;
    q.vm_id = vm_id;
    q.since_ns = m->now_ns - WEB_CRASH_DAYS * NS_PER_DAY;
    q.limit = FOUND_MAX;
    rc = find(s, &q, &found, e);
    if (rc == 0) {
        listed = found->count < WEB_CRASHES_LISTED ? found->count : WEB_CRASHES_LISTED;
        buf_str(out, "<section aria-labelledby=\"crashes-title\">\n<h2 id=\"crashes-title\">Crashes</h2>\n");
        if (found->count == 0)
            buf_printf(out, "<p>None in the last %d days.</p>\n", WEB_CRASH_DAYS);
        else
            buf_printf(out, "<p>%s<strong>%d</strong> %s in the last %d days.</p>\n",
                       found->count > WEB_CRASHES_COUNTED ? "More than " : "",
                       found->count > WEB_CRASHES_COUNTED ? WEB_CRASHES_COUNTED : found->count,
                       found->count == 1 ? "crash" : "crashes", WEB_CRASH_DAYS);
        if (listed > 0)
            put_rows(out, found, listed, NULL, "The newest first, with the state of the integration services then");
        put_crashes_link(out, cluster, host_id, vm_id);
        buf_str(out, "</section>\n");
    }
    found_free(found);
    return rc;
}

/* ---- the form --------------------------------------------------------------------------------- */

static void put_field(struct buf *out, const char *id, const char *label, const char *value)
{
    buf_printf(out,
               "<label for=\"%s\">%s</label>\n<input id=\"%s\" name=\"%s\" type=\"search\" maxlength=\"200\" value=\"",
               id, label, id, id);
    web_text(out, value);
    buf_str(out, "\">\n");
}

static void put_since(struct buf *out, const char *since)
{
    static const char *const choices[][2] = { { "", "any time" },   { "1d", "the last day" }, { "7d", "7 days" },
                                              { "30d", "30 days" }, { "90d", "90 days" },     { "365d", "a year" } };
    bool listed = false;

    buf_str(out, "<label for=\"since\">Within</label>\n<select id=\"since\" name=\"since\">");
    for (size_t n = 0; n < sizeof choices / sizeof choices[0]; n++) {
        bool now = strcmp(since, choices[n][0]) == 0;

        listed = listed || now;
        buf_printf(out, "<option value=\"%s\"%s>%s</option>", choices[n][0], now ? " selected" : "", choices[n][1]);
    }
    if (!listed) {
        buf_str(out, "<option selected>");
        web_text(out, since);
        buf_str(out, "</option>");
    }
    buf_str(out, "</select>\n");
}

static bool filters(const struct web_incident_filter *f)
{
    return f->cluster[0] != '\0' || f->host[0] != '\0' || f->vm[0] != '\0' || f->module[0] != '\0' || f->code >= 0 ||
           f->since[0] != '\0';
}

static void put_form(struct buf *out, const struct web_incident_filter *f)
{
    char code[24] = "";

    if (f->code >= 0)
        snprintf(code, sizeof code, "0x%" PRIX64, (uint64_t)f->code);
    buf_str(out, "<form class=\"filter\" role=\"search\" aria-label=\"Filter the incidents\" method=\"get\" "
                 "action=\"/incidents\">\n");
    put_since(out, f->since);
    put_field(out, "cluster", "Cluster", f->cluster);
    put_field(out, "host", "Host", f->host);
    put_field(out, "vm", "VM id", f->vm);
    put_field(out, "code", "Bug check", code);
    put_field(out, "module", "Blamed module", f->module);
    if (f->oldest_first)
        buf_str(out, "<input type=\"hidden\" name=\"order\" value=\"asc\">\n");
    buf_str(out, "<button type=\"submit\">Filter</button>\n");
    if (filters(f))
        buf_str(out, "<a href=\"/incidents\">Show all</a>\n");
    buf_str(out, "</form>\n");
}

/* ---- the page ------------------------------------------------------------------------------------ */

static void query_of(struct fleet_incident_query *q, const struct web_incident_filter *f, const struct web_moment *m)
{
    fleet_incident_query_all(q);
    q->vm_id = or_null(f->vm);
    q->host = or_null(f->host);
    q->cluster = or_null(f->cluster);
    q->module = or_null(f->module);
    q->code = f->code;
    q->oldest_first = f->oldest_first;
    if (f->since[0] != '\0' && !report_since_parse(f->since, m->now_ns, &q->since_ns))
        q->since_ns = m->now_ns; /* a time to come: nothing has happened since */
    if (f->after_id[0] != '\0') {
        q->after_time = f->after_time;
        memcpy(q->after_id, f->after_id, sizeof q->after_id);
    }
    q->limit = WEB_INCIDENT_ROWS + 1;
}

static void put_page_link(struct buf *out, const struct web_query *q, const struct incident *after, const char *label)
{
    struct web_query other = *q;

    other.incidents.after_id[0] = '\0';
    if (after != NULL) {
        other.incidents.after_time = after->time;
        snprintf(other.incidents.after_id, sizeof other.incidents.after_id, "%s", after->id);
    }
    buf_str(out, "<li><a href=\"");
    web_query_address(&other, out);
    buf_printf(out, "\">%s</a></li>\n", label);
}

static void put_pager(struct buf *out, const struct web_query *q, const struct found *found, int count)
{
    const struct web_incident_filter *f = &q->incidents;
    bool more = found->count > count, begun = f->after_id[0] != '\0';

    if (!more && !begun)
        buf_printf(out, "<p class=\"count\">%d %s%s</p>\n", count, count == 1 ? "incident" : "incidents",
                   filters(f) ? ", filtered" : "");
    else
        buf_printf(out, "<p class=\"count\">%d incidents on this page%s</p>\n", count, more ? "; there are more" : "");
    if (!more && !begun)
        return;
    buf_str(out, "<nav class=\"pager\" aria-label=\"Pages of incidents\"><ul>\n");
    if (begun)
        put_page_link(out, q, NULL, f->oldest_first ? "Oldest" : "Newest");
    if (more)
        put_page_link(out, q, found->list[count - 1], f->oldest_first ? "Later" : "Earlier");
    buf_str(out, "</ul></nav>\n");
}

/* The same list from the API, which orders it by itself. */
static void put_export_links(struct buf *out, const struct web_query *q)
{
    static const char *const formats[][2] = { { "csv", "CSV" }, { "json", "JSON" }, { "html", "one page to print" } };
    struct web_incident_filter f = q->incidents;
    struct buf query;

    f.after_id[0] = '\0';
    f.oldest_first = false;
    buf_init(&query, (size_t)16 * WEB_FILTER_MAX);
    web_incident_filter_address(&f, &query);
    buf_printf(out, "<p class=\"export\">This list, the newest %d of it, in full: ", FLEET_INCIDENTS_MAX);
    for (size_t n = 0; n < sizeof formats / sizeof formats[0]; n++)
        buf_printf(out, "%s<a href=\"/api/v1/reports/incidents%s%sformat=%s&amp;limit=%d\">%s</a>", n > 0 ? ", " : "",
                   buf_text(&query), query.len > 0 ? "&amp;" : "?", formats[n][0], FLEET_INCIDENTS_MAX, formats[n][1]);
    buf_str(out, "</p>\n");
    buf_free(&query);
}

static void put_list(struct buf *out, const struct web_query *q, const struct found *found)
{
    int count = found->count < WEB_INCIDENT_ROWS ? found->count : WEB_INCIDENT_ROWS;

    buf_str(out, "<section aria-labelledby=\"list-title\">\n<h2 id=\"list-title\">What crashed</h2>\n");
    put_form(out, &q->incidents);
    if (count > 0)
        put_rows(out, found, count, q, "Incidents, with the state of the guest's integration services at that moment");
    put_pager(out, q, found, count);
    put_export_links(out, q);
    buf_str(out, "</section>\n");
}

int web_incidents_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    static const struct web_crumb crumbs[] = { { WEB_FLEET, "", "Fleet" } };
    struct web_head head = { .title = "Incidents", .crumbs = crumbs, .crumb_count = 1 };
    const struct web_query *q = l->query;
    struct fleet_incident_query query;
    struct found *found;
    int rc;

    query_of(&query, &q->incidents, l->moment);
    rc = find(s, &query, &found, e);
    if (rc == 0) {
        web_page_start(out, &head);
        put_list(out, q, found);
        if (q->incidents.after_id[0] == '\0')
            rc = web_put_rates(out, s, l->moment, q->incidents.cluster, e);
        web_page_end(out, l->moment->now_ns);
    }
    found_free(found);
    return rc;
}
