/* The page of a host: what it says of itself, what was noticed, its guests. */
#include "hub/web_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_windows(struct buf *out, const struct resource *facts)
{
    enum host_generation generation = host_generation_of(facts->os_version);

    web_fact(out, "Windows");
    web_name(out, facts->os_version);
    if (generation != HOST_UNKNOWN)
        buf_printf(out, " (%s)", host_generation_name(generation));
    web_fact_end(out);
}

static void put_last_word(struct buf *out, const struct web_host *h)
{
    web_fact(out, "Last word");
    web_time(out, h->heard);
    if (h->silent)
        buf_str(out, " <span class=\"stale\">silent</span>");
    web_fact_end(out);
}

static void put_poll(struct buf *out, const struct host *h)
{
    web_fact(out, "Last poll of its guests");
    web_time(out, h->last_poll);
    if (h->poll_guests >= 0)
        buf_printf(out, ", %" PRId64 " %s", h->poll_guests, h->poll_guests == 1 ? "guest" : "guests");
    web_fact_end(out);
}

static void put_facts(struct buf *out, const struct web_host *h)
{
    const struct resource *facts = &h->h.facts;

    buf_str(out, "<section aria-labelledby=\"facts-title\">\n<h2 id=\"facts-title\">What it says of itself</h2>\n"
                 "<dl class=\"facts\">\n");
    web_fact(out, "Cluster");
    web_link(out, WEB_CLUSTER, facts->cluster, web_cluster_name(facts->cluster));
    web_fact_end(out);
    put_windows(out, facts);
    web_fact_text(out, "Expects of 6.x guests", facts->is_win6x);
    web_fact_text(out, "Expects of 5.x guests", facts->is_win5x);
    put_last_word(out, h);
    put_poll(out, &h->h);
    web_fact_time(out, "Started", facts->boot_time);
    web_fact_text(out, "Agent's version", facts->agent_version);
    web_fact_text(out, "Agent's id", facts->agent_id);
    web_fact_text(out, "Host's id", facts->host_id);
    buf_str(out, "</dl>\n</section>\n");
}

int web_host_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct web_crumb crumbs[2] = { { WEB_FLEET, "", "Fleet" } };
    struct web_head head = { .crumbs = crumbs, .crumb_count = 2 };
    const char *cluster;
    int rc = web_list_read_host(l, s, l->query->name, true, e);

    if (rc != 0)
        return rc;
    cluster = l->hosts[0]->h.facts.cluster;
    crumbs[1] = (struct web_crumb){ WEB_CLUSTER, cluster, web_cluster_name(cluster) };
    head.title = l->hosts[0]->name;
    web_page_start(out, &head);
    buf_printf(
        out, "<p class=\"lead\"><strong>%" PRIu64 "</strong> of <strong>%" PRIu64 "</strong> guests need a look.</p>\n",
        web_drifted(l->by_state), web_sum(l->by_state));
    web_state_bar(out, l->by_state);
    put_facts(out, l->hosts[0]);
    rc = web_put_crashes(out, s, l->moment, NULL, l->query->name, NULL, e);
    if (rc == 0)
        rc = web_put_findings(out, s, l, NULL, l->query->name, e);
    if (rc == 0)
        web_put_guests(out, l);
    web_page_end(out, l->moment->now_ns);
    return rc;
}
