/* The page of a guest: the verdict and what it rests on, the signals as they
 * came, and its history. */
#include "base/text.h"
#include "hub/web_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large: a guest is about 20 KiB. */
struct guest_page {
    struct guest guest;
    const struct web_host *on; /* NULL: not known */
    struct drift_verdict verdict;
};

/* ---- reading --------------------------------------------------------------------------- */

static int read_guest(struct guest_page *p, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct fleet_reader peers = { .peers = l->peers };
    char vm_id[GUID_TEXT_MAX];
    int rc;

    if (!guid_parse(l->query->name, strlen(l->query->name), vm_id))
        return err_set(e, ERR_NOT_FOUND, "a guest's address ends in its VM id, a GUID");
    rc = fleet_store_guest(s, vm_id, &p->guest, e);
    if (rc == 0 && p->guest.host_id[0] != '\0')
        rc = web_list_read_host(l, s, p->guest.host_id, false, e);
    else if (rc == 0)
        rc = fleet_store_read(s, &peers, e);
    if (rc == ERR_NOT_FOUND && p->guest.vm_id[0] != '\0') /* the guest is there, its host is not */
        rc = fleet_store_read(s, &peers, e);
    if (rc != 0)
        return rc;
    p->on = l->host_count > 0 ? l->hosts[0] : NULL;
    drift_evaluate(p->on != NULL ? &p->on->h : NULL, &p->guest, l->peers, &l->moment->floors, &p->verdict);
    p->verdict.kept.stale |= p->on != NULL && p->on->silent;
    return 0;
}

/* ---- the verdict ------------------------------------------------------------------------- */

static void put_verdict(struct buf *out, const struct guest_page *p)
{
    const struct drift_verdict *v = &p->verdict;

    buf_str(out,
            "<section aria-labelledby=\"verdict-title\">\n<h2 id=\"verdict-title\">Verdict</h2>\n<p class=\"lead\">");
    web_state(out, v->kept.state, v->kept.stale);
    buf_str(out, " since ");
    web_time(out, v->kept.since);
    buf_str(out, "</p>\n");
    if (p->guest.removed) {
        buf_str(out, "<p>This guest was removed, or is gone from its host: ");
        web_time(out, p->guest.removed_time);
        buf_str(out, ". It counts in no report.</p>\n");
    }
    buf_str(out, "<p>");
    web_name(out, v->reason);
    buf_str(out, "</p>\n");
    if (v->action != NULL && v->action[0] != '\0') {
        buf_str(out, "<p class=\"action\"><strong>What to do:</strong> ");
        web_text(out, v->action);
        buf_str(out, "</p>\n");
    }
    buf_str(out, "<dl class=\"facts\">\n");
    web_fact_text(out, "Runs", v->guest_version);
    web_fact_text(out, "Expected", v->expected_version);
    web_fact(out, "Decided by");
    if (v->kept.row > 0)
        buf_printf(out, "row %d of the decision table: ", v->kept.row);
    web_name(out, v->kept.row > 0 ? drift_row_title(v->kept.row) : "");
    web_fact_end(out);
    buf_str(out, "</dl>\n<h3>Evidence</h3>\n<ul class=\"evidence\">\n");
    for (int i = 0; i < v->evidence_count; i++) {
        buf_str(out, "<li>");
        web_name(out, v->evidence[i]);
        buf_str(out, "</li>\n");
    }
    buf_printf(out, "%s</ul>\n</section>\n", v->evidence_count == 0 ? "<li>none</li>\n" : "");
}

/* ---- facts --------------------------------------------------------------------------------- */

static void put_place(struct buf *out, const struct guest_page *p)
{
    const struct guest *g = &p->guest;

    web_fact(out, "Host");
    if (p->on != NULL)
        web_link(out, WEB_HOST, p->on->h.facts.host_id, p->on->name);
    else
        web_name(out, g->host_id);
    if (g->host_since > 0) {
        buf_str(out, " since ");
        web_time(out, g->host_since);
    }
    web_fact_end(out);
    web_fact(out, "Cluster");
    if (p->on != NULL)
        web_link(out, WEB_CLUSTER, p->on->h.facts.cluster, web_cluster_name(p->on->h.facts.cluster));
    else
        web_name(out, "");
    web_fact_end(out);
}

static void put_crash(struct buf *out, const struct guest *g)
{
    web_fact(out, "Last crash");
    web_time(out, g->last_crash);
    if (g->last_crash != 0 && g->last_crash_code[0] != '\0') {
        buf_str(out, " ");
        web_name(out, g->last_crash_code);
    }
    web_fact_end(out);
}

static void put_facts(struct buf *out, const struct guest_page *p)
{
    const struct guest *g = &p->guest;

    buf_str(out, "<section aria-labelledby=\"facts-title\">\n<h2 id=\"facts-title\">The guest</h2>\n"
                 "<dl class=\"facts\">\n");
    put_place(out, p);
    web_fact_text(out, "Power", guest_power_name(g->power));
    web_fact_text(out, "Family", guest_family_name(p->verdict.family));
    web_fact_time(out, "Last seen", g->last_seen);
    web_fact_time(out, "Last inventory", g->inventory_time);
    web_fact_time(out, "Started", g->booted);
    web_fact_time(out, "Last migration", g->last_migration);
    put_crash(out, g);
    web_fact_text(out, "VM id", g->vm_id);
    buf_str(out, "</dl>\n</section>\n");
}

/* ---- signals --------------------------------------------------------------------------------- */

static void put_kvp(struct buf *out, const struct guest *g)
{
    buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"Key-value pairs, table\" tabindex=\"0\">"
                 "<table class=\"list\">\n<caption>Key-value pairs, as the guest wrote them</caption>\n<thead><tr>"
                 "<th scope=\"col\">Item</th><th scope=\"col\">Value</th><th scope=\"col\">Since</th>"
                 "<th scope=\"col\">Last read</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        const struct kvp_value *value = &g->kvp[i];

        buf_printf(out, "<tr><th scope=\"row\">%s</th><td>", kvp_item_name((enum kvp_item)i));
        web_name(out, value->text);
        buf_str(out, "</td><td>");
        web_time(out, value->since);
        buf_str(out, "</td><td>");
        web_time(out, value->time);
        buf_str(out, "</td></tr>\n");
    }
    buf_str(out, "</tbody></table></div>\n");
}

static void put_components(struct buf *out, const struct guest *g)
{
    buf_str(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Components, table\" tabindex=\"0\">"
            "<table class=\"list\">\n<caption>Integration components, as the host reports them</caption>\n<thead><tr>"
            "<th scope=\"col\">Component</th><th scope=\"col\" class=\"number\">EnabledState</th>"
            "<th scope=\"col\" class=\"number\">OperationalStatus</th><th scope=\"col\">Since</th>"
            "<th scope=\"col\">Last read</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < IC_COUNT; i++) {
        const struct ic_status *ic = &g->ic[i];

        buf_printf(out, "<tr><th scope=\"row\">%s</th>", ic_component_name((enum ic_component)i));
        if (ic->time == 0) {
            buf_str(out, "<td colspan=\"4\">never read</td></tr>\n");
            continue;
        }
        buf_printf(out, "<td class=\"number\">%d</td><td class=\"number\">%d, %d</td><td>", ic->enabled, ic->status0,
                   ic->status1);
        web_time(out, ic->since);
        buf_str(out, "</td><td>");
        web_time(out, ic->time);
        buf_str(out, "</td></tr>\n");
    }
    buf_str(out, "</tbody></table></div>\n");
}

static void put_event(struct buf *out, const char *signal, const struct mismatch *event)
{
    buf_printf(out, "<tr><th scope=\"row\">%s</th><td class=\"number\">%lld</td><td>", signal,
               (long long)event->event_id);
    web_name(out, event->service);
    buf_str(out, "</td><td>");
    web_name(out, event->detail);
    buf_str(out, "</td><td>");
    web_time(out, event->time);
    buf_str(out, "</td></tr>\n");
}

static int put_events_of(struct buf *out, const char *signal, const struct mismatch events[MISMATCH_PLACES])
{
    int count = 0;

    for (int i = 0; i < MISMATCH_PLACES; i++) {
        if (events[i].time == 0)
            continue;
        put_event(out, signal, &events[i]);
        count++;
    }
    return count;
}

static void put_events(struct buf *out, const struct guest *g)
{
    int count = 0;

    buf_str(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Events, table\" tabindex=\"0\">"
            "<table class=\"list\">\n<caption>The newest event of each kind, for each service or device</caption>\n"
            "<thead><tr><th scope=\"col\">Signal</th><th scope=\"col\" class=\"number\">Event</th>"
            "<th scope=\"col\">Service or device</th><th scope=\"col\">What it says</th><th scope=\"col\">When</th>"
            "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < MISMATCH_COUNT; i++)
        count += put_events_of(out, mismatch_signal_name((enum mismatch_signal)i), g->mismatch[i]);
    count += put_events_of(out, "all-clear", g->all_clear);
    if (count == 0)
        buf_str(out, "<tr><td colspan=\"5\">none</td></tr>\n");
    buf_str(out, "</tbody></table></div>\n");
}

static void put_signals(struct buf *out, const struct guest *g)
{
    buf_str(out, "<section aria-labelledby=\"signals-title\">\n<h2 id=\"signals-title\">Signals</h2>\n");
    put_kvp(out, g);
    put_components(out, g);
    put_events(out, g);
    buf_str(out, "</section>\n");
}

/* ---- history ------------------------------------------------------------------------------------ */

struct history {
    struct buf *out;
    int count;
};

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct history *h = (struct history *)arg;
    struct buf *out = h->out;

    if (h->count++ == 0)
        buf_str(out, "<div class=\"scroll\" role=\"region\" aria-label=\"History, table\" tabindex=\"0\">"
                     "<table class=\"list\">\n<caption>What changed, the newest first</caption>\n<thead><tr>"
                     "<th scope=\"col\">Since</th><th scope=\"col\">What</th><th scope=\"col\">From</th>"
                     "<th scope=\"col\">To</th><th scope=\"col\">What decided it</th></tr></thead>\n<tbody>\n");
    if (h->count > WEB_CHANGES_MAX)
        return false;
    buf_str(out, "<tr><th scope=\"row\">");
    web_time(out, c->time);
    buf_printf(out, "</th><td>%s</td><td>", fleet_change_name(c->kind));
    web_name(out, c->from);
    buf_str(out, "</td><td>");
    web_name(out, c->to);
    buf_str(out, "</td><td>");
    web_name(out, c->evidence);
    buf_str(out, "</td></tr>\n");
    return true;
}

static int put_history(struct buf *out, struct fleet_store *s, const struct guest *g, struct err *e)
{
    struct fleet_change_query query = { .vm_id = g->vm_id, .kind = -1, .limit = WEB_CHANGES_MAX + 1 };
    struct history h = { .out = out };
    int rc;

    buf_str(out, "<section aria-labelledby=\"history-title\">\n<h2 id=\"history-title\">History</h2>\n");
    rc = fleet_store_changes(s, &query, take_change, &h, e);
    buf_str(out, h.count > 0 ? "</tbody></table></div>\n" : "<p>No change has been seen yet.</p>\n");
    if (h.count > WEB_CHANGES_MAX)
        buf_printf(out, "<p class=\"count\">The newest %d.</p>\n", WEB_CHANGES_MAX);
    web_json_link(out, "/api/v1/history/changes", "vm", g->vm_id);
    buf_str(out, "</section>\n");
    return rc;
}

/* ---- the page -------------------------------------------------------------------------------------- */

static void put_start(struct buf *out, const struct guest_page *p)
{
    struct web_crumb crumbs[3] = { { WEB_FLEET, "", "Fleet" } };
    struct web_head head = { .crumbs = crumbs, .crumb_count = 1 };

    if (p->on != NULL) {
        const char *cluster = p->on->h.facts.cluster;

        crumbs[1] = (struct web_crumb){ WEB_CLUSTER, cluster, web_cluster_name(cluster) };
        crumbs[2] = (struct web_crumb){ WEB_HOST, p->on->h.facts.host_id, p->on->name };
        head.crumb_count = 3;
    }
    head.title = p->guest.name[0] != '\0' ? p->guest.name : p->guest.vm_id;
    web_page_start(out, &head);
}

int web_guest_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct guest_page *p = calloc(1, sizeof *p);
    int rc;

    if (p == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = read_guest(p, s, l, e);
    if (rc == 0) {
        put_start(out, p);
        put_verdict(out, p);
        put_facts(out, p);
        rc = web_put_crashes(out, s, l->moment, NULL, NULL, p->guest.vm_id, e);
        if (rc == 0)
            rc = put_history(out, s, &p->guest, e);
        put_signals(out, &p->guest);
        web_page_end(out, l->moment->now_ns);
    }
    free(p);
    return rc;
}
