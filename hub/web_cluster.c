/* The page of a cluster, and that of all guests. */
#include "hub/web_parts.h"

#include <inttypes.h>
#include <string.h>

int web_guests_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    static const struct web_crumb crumbs[] = { { WEB_FLEET, "", "Fleet" } };
    struct web_head head = { .title = "Guests", .crumbs = crumbs, .crumb_count = 1 };
    const struct web_query *q = l->query;
    bool searches = q->text[0] != '\0' || q->os[0] != '\0' || q->version[0] != '\0';
    struct fleet_stats stats = { .guests = 0 };
    int rc = web_list_read(l, s, NULL, e);
    bool large = rc == ERR_TOO_BIG && !searches;

    if (large)
        rc = fleet_store_stats(s, &stats, e);
    if (large && rc == 0)
        rc = web_list_read_page(l, s, e);
    if (rc != 0)
        return rc;
    web_page_start(out, &head);
    if (large)
        web_put_guests_page(out, l, q->state == WEB_ANY_STATE ? stats.guests : stats.guests_by_state[q->state]);
    else
        web_put_guests(out, l);
    web_page_end(out, l->moment->now_ns);
    return 0;
}

/* ---- hosts --------------------------------------------------------------------------- */

static void put_host(struct buf *out, const struct web_host *h)
{
    const struct resource *facts = &h->h.facts;

    buf_str(out, "<tr><th scope=\"row\">");
    web_link(out, WEB_HOST, facts->host_id, h->name);
    buf_str(out, "</th><td class=\"version\">");
    web_name(out, facts->os_version);
    buf_str(out, "</td><td class=\"version\">");
    web_name(out, facts->is_win6x);
    buf_str(out, "</td><td>");
    web_state_bar(out, h->guests);
    buf_printf(out, "</td><td class=\"number\">%" PRIu64 "</td><td class=\"number\">%" PRIu64 "</td><td>",
               web_drifted(h->guests), web_sum(h->guests));
    web_time(out, h->heard);
    buf_printf(out, "%s</td></tr>\n", h->silent ? " <span class=\"stale\">silent</span>" : "");
}

static void put_hosts(struct buf *out, struct web_list *l)
{
    struct web_span span = web_page_span(l->host_count, l->query->hosts_number);
    struct web_pages pages = { "hosts", (int64_t)l->host_count, l->query->hosts_number, true };

    buf_str(out, "<section aria-labelledby=\"hosts-title\">\n<h2 id=\"hosts-title\">Hosts</h2>\n");
    if (span.count > 0) {
        buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Hosts, table\" tabindex=\"0\">"
                     "<table class=\"list\">\n<caption>Hosts, and the states of their guests</caption>\n<thead><tr>"
                     "<th scope=\"col\">Host</th><th scope=\"col\">Windows</th><th scope=\"col\">Expects of guests</th>"
                     "<th scope=\"col\">States</th><th scope=\"col\" class=\"number\">To look at</th>"
                     "<th scope=\"col\" class=\"number\">Guests</th>"
                     "<th scope=\"col\">Last word</th></tr></thead>\n<tbody>\n");
        for (size_t i = span.first; i < span.first + span.count; i++)
            put_host(out, l->hosts[i]);
        buf_str(out, "</tbody></table></div>\n");
    }
    web_pager(out, l->query, &pages);
    buf_str(out, "</section>\n");
}

/* ---- the page ------------------------------------------------------------------------- */

static void put_summary(struct buf *out, const struct web_list *l)
{
    buf_printf(out,
               "<p class=\"lead\"><strong>%" PRIu64 "</strong> of <strong>%" PRIu64
               "</strong> guests on %zu hosts need a look.</p>\n",
               web_drifted(l->by_state), web_sum(l->by_state), l->host_count);
    web_state_bar(out, l->by_state);
    buf_str(out, "<ul class=\"legend\">");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        if (l->by_state[web_states[i]] == 0)
            continue;
        buf_str(out, "<li>");
        web_state(out, web_states[i], false);
        buf_printf(out, " %" PRIu64 "</li>", l->by_state[web_states[i]]);
    }
    buf_str(out, "</ul>\n");
}

/* The name as the hosts write it, not as the address does. */
static const char *own_name(const struct web_list *l)
{
    return l->host_count > 0 ? l->hosts[0]->h.facts.cluster : l->query->name;
}

int web_cluster_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    static const struct web_crumb crumbs[] = { { WEB_FLEET, "", "Fleet" } };
    struct web_head head = { .crumbs = crumbs, .crumb_count = 1, .charts = true };
    int rc = web_list_read(l, s, l->query->name, e);

    if (rc == 0 && l->host_count == 0 && l->query->name[0] != '\0')
        return err_set(e, ERR_NOT_FOUND, "no host of this fleet says that it belongs to this cluster");
    if (rc != 0)
        return rc;
    head.title = web_cluster_name(own_name(l));
    web_list_sort_hosts(l);
    web_page_start(out, &head);
    put_summary(out, l);
    put_hosts(out, l);
    web_put_guests(out, l);
    web_put_versions(out, l);
    rc = web_put_crashes(out, s, l->moment, l->query->name, NULL, NULL, e);
    if (rc == 0)
        rc = web_put_days(out, s, l->moment, l->query->name, e);
    if (rc == 0)
        rc = web_put_findings(out, s, l, l->query->name, NULL, e);
    web_page_end(out, l->moment->now_ns);
    return rc;
}
