/* See web_parts.h: drift over time, findings, lists of facts. */
#include "hub/web_parts.h"

#include "base/times.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_DAY (86400 * NS_PER_S)

/* ---- facts ------------------------------------------------------------------------- */

void web_fact(struct buf *out, const char *label)
{
    buf_printf(out, "<div><dt>%s</dt><dd>", label);
}

void web_fact_end(struct buf *out)
{
    buf_str(out, "</dd></div>\n");
}

void web_fact_text(struct buf *out, const char *label, const char *value)
{
    web_fact(out, label);
    web_name(out, value);
    web_fact_end(out);
}

void web_fact_time(struct buf *out, const char *label, int64_t ns)
{
    web_fact(out, label);
    web_time(out, ns);
    web_fact_end(out);
}

/* ---- drift over time ---------------------------------------------------------------- */

struct days {
    struct fleet_day day[WEB_DAYS];
    size_t count;
};

static bool take_day(void *arg, const struct fleet_day *d)
{
    struct days *days = (struct days *)arg;

    if (days->count < WEB_DAYS)
        days->day[days->count++] = *d;
    return true;
}

static void put_day(struct buf *out, const struct fleet_day *d)
{
    char text[TIMES_TEXT_MAX];

    /* 1970-01-01 is formatted as "": no fleet is that old. */
    times_format(d->day * NS_PER_DAY, text);
    buf_printf(out, "<tr><th scope=\"row\"><time datetime=\"%.10s\">%.10s</time></th>", text, text);
    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        buf_printf(out, "<td class=\"number\">%" PRIu64 "</td>", d->guests[web_states[i]]);
    buf_str(out, "</tr>\n");
}

static void put_days(struct buf *out, const struct days *days, const char *cluster)
{
    buf_str(out, "<section aria-labelledby=\"days-title\">\n<h2 id=\"days-title\">Drift over time</h2>\n");
    if (days->count == 0) {
        buf_str(out, "<p>No day has been counted yet.</p>\n</section>\n");
        return;
    }
    buf_printf(out,
               "<div class=\"chart\" data-chart=\"days\" data-table=\"days-table\" hidden></div>\n"
               "<details><summary>Drift over time as a table, %zu days</summary>\n"
               "<div class=\"scroll\" role=\"region\" aria-label=\"Drift over time, table\" tabindex=\"0\">"
               "<table id=\"days-table\" class=\"list\">\n"
               "<caption>Guests by state at the end of each day; today: now</caption>\n"
               "<thead><tr><th scope=\"col\">Day</th>",
               days->count);
    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        buf_printf(out, "<th scope=\"col\" class=\"number\" data-state=\"%s\">%s</th>", drift_state_name(web_states[i]),
                   drift_state_name(web_states[i]));
    buf_str(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < days->count; i++)
        put_day(out, &days->day[i]);
    buf_str(out, "</tbody></table></div></details>\n");
    if (cluster == NULL || cluster[0] != '\0') /* the API has no word for outside of clusters */
        web_json_link(out, "/api/v1/history/days", "cluster", cluster);
    buf_str(out, "</section>\n");
}

int web_put_days(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster, struct err *e)
{
    struct days *days = calloc(1, sizeof *days);
    int64_t today = m->now_ns / NS_PER_DAY;
    int rc;

    if (days == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = fleet_store_days(s, cluster, today - WEB_DAYS + 1, today, take_day, days, e);
    if (rc == 0)
        put_days(out, days, cluster);
    free(days);
    return rc;
}

/* ---- findings ------------------------------------------------------------------------ */

struct findings {
    struct buf *out;
    struct web_list *list;
    bool hosts; /* each with its host */
    int count;
};

static const char *host_name(const struct web_list *l, const char *host_id)
{
    for (size_t i = 0; i < l->host_count; i++) {
        if (strcmp(l->hosts[i]->h.facts.host_id, host_id) == 0)
            return l->hosts[i]->name;
    }
    return host_id;
}

static void put_findings_head(const struct findings *f)
{
    buf_str(f->out, "<div class=\"scroll\" role=\"region\" aria-label=\"Findings, table\" tabindex=\"0\">"
                    "<table class=\"list\">\n<caption>What the hub noticed about hosts and their agents</caption>\n"
                    "<thead><tr>");
    if (f->hosts)
        buf_str(f->out, "<th scope=\"col\">Host</th>");
    buf_str(f->out, "<th scope=\"col\">Finding</th><th scope=\"col\">What it is</th><th scope=\"col\">First</th>"
                    "<th scope=\"col\">Last</th></tr></thead>\n<tbody>\n");
}

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct findings *f = (struct findings *)arg;

    if (f->count++ == 0)
        put_findings_head(f);
    if (f->count > WEB_FINDINGS_MAX)
        return false;
    buf_str(f->out, "<tr>");
    if (f->hosts) {
        buf_str(f->out, "<th scope=\"row\">");
        if (found->host_id[0] != '\0')
            web_link(f->out, WEB_HOST, found->host_id, host_name(f->list, found->host_id));
        else
            buf_str(f->out, "the hub");
        buf_str(f->out, "</th>");
    }
    buf_printf(f->out, "<td class=\"word\">%s</td><td>", fleet_finding_name(found->kind));
    web_name(f->out, found->text);
    buf_str(f->out, "</td><td>");
    web_time(f->out, found->first_time);
    buf_str(f->out, "</td><td>");
    web_time(f->out, found->last_time);
    buf_str(f->out, "</td></tr>\n");
    return true;
}

int web_put_findings(struct buf *out, struct fleet_store *s, struct web_list *l, const char *cluster,
                     const char *host_id, struct err *e)
{
    struct findings f = { .out = out, .list = l, .hosts = host_id == NULL };
    struct fleet_finding_query query = {
        .cluster = cluster,
        .host_id = host_id,
        .limit = WEB_FINDINGS_MAX + 1,
        .now_ns = l->moment->now_ns,
        .host_silent_ns = l->moment->host_silent_ns,
    };
    int rc;

    buf_str(out, "<section aria-labelledby=\"findings-title\">\n<h2 id=\"findings-title\">Findings</h2>\n");
    rc = fleet_store_findings(s, &query, take_finding, &f, e);
    if (f.count > 0)
        buf_str(out, "</tbody></table></div>\n");
    else
        buf_str(out, "<p>Nothing was noticed.</p>\n");
    if (f.count > WEB_FINDINGS_MAX)
        buf_printf(out, "<p class=\"count\">The first %d; <code>hvhub report hosts</code> prints all of them.</p>\n",
                   WEB_FINDINGS_MAX);
    if (host_id != NULL)
        web_json_link(out, "/api/v1/findings", "host", host_id);
    else if (cluster == NULL || cluster[0] != '\0')
        web_json_link(out, "/api/v1/findings", "cluster", cluster);
    buf_str(out, "</section>\n");
    return rc;
}
