/* The fleet's page: states, the cluster and state grid, drift over time,
 * versions, findings.  Made from the counts, which the store keeps; versions and
 * numbers of hosts need every guest and host, and are left out of a fleet with
 * more than WEB_DETAIL_GUESTS_MAX guests. */
#include "base/text.h"
#include "hub/web_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEAT_STEPS = 5, FIRST_CAP = 64 };

struct cluster {
    struct fleet_cluster c;
    size_t hosts, silent;
};

struct fleet {
    struct cluster *clusters;
    size_t count, cap;
    uint64_t by_state[DRIFT_STATE_COUNT];
    bool detailed; /* the list holds all hosts and guests */
    bool failed;
};

/* ---- reading --------------------------------------------------------------------------- */

static struct cluster *add_cluster(struct fleet *f)
{
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? FIRST_CAP : f->cap * 2;
        struct cluster *grown = realloc(f->clusters, cap * sizeof *grown);

        if (grown == NULL) {
            f->failed = true;
            return NULL;
        }
        f->clusters = grown;
        f->cap = cap;
    }
    f->clusters[f->count] = (struct cluster){ .hosts = 0 };
    return &f->clusters[f->count++];
}

static bool take_cluster(void *arg, const struct fleet_cluster *c)
{
    struct fleet *f = (struct fleet *)arg;
    struct cluster *row = add_cluster(f);

    if (row == NULL)
        return false;
    row->c = *c;
    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        f->by_state[i] += c->guests[i];
    return true;
}

static int by_cluster_name(const void *a, const void *b)
{
    return text_casecmp(((const struct cluster *)a)->c.cluster, ((const struct cluster *)b)->c.cluster);
}

/* Counts the hosts into their clusters; a cluster without guests becomes a row here. */
static void count_hosts(struct fleet *f, const struct web_list *l)
{
    for (size_t i = 0; i < l->host_count; i++) {
        struct cluster key = { .hosts = 0 }, *found;

        text_copy(key.c.cluster, sizeof key.c.cluster, l->hosts[i]->h.facts.cluster);
        found = bsearch(&key, f->clusters, f->count, sizeof key, by_cluster_name);
        if (found == NULL) {
            found = add_cluster(f);
            if (found == NULL)
                return;
            *found = key;
            qsort(f->clusters, f->count, sizeof *f->clusters, by_cluster_name);
            found = bsearch(&key, f->clusters, f->count, sizeof key, by_cluster_name);
        }
        found->hosts++;
        found->silent += l->hosts[i]->silent;
    }
}

struct cluster_order {
    enum web_sort sort;
    bool descending;
};

static int compare_counts(uint64_t x, uint64_t y)
{
    return x < y ? -1 : x > y;
}

static int in_order(const void *a, const void *b, void *arg)
{
    const struct cluster_order *order = (const struct cluster_order *)arg;
    const struct cluster *x = a, *y = b;
    int result = 0;

    if (order->sort == SORT_GUESTS)
        result = compare_counts(web_sum(x->c.guests), web_sum(y->c.guests));
    else if (order->sort == SORT_DRIFTED)
        result = compare_counts(web_drifted(x->c.guests), web_drifted(y->c.guests));
    else
        result = by_cluster_name(x, y);
    if (order->descending)
        result = -result;
    return result != 0 ? result : by_cluster_name(x, y);
}

static int read_fleet(struct fleet *f, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct cluster_order order = { l->query->sort, l->query->descending };
    int rc = fleet_store_clusters(s, take_cluster, f, e);

    if (rc == 0 && f->count > 0)
        qsort(f->clusters, f->count, sizeof *f->clusters, by_cluster_name);
    f->detailed = web_sum(f->by_state) <= WEB_DETAIL_GUESTS_MAX;
    if (rc == 0 && f->detailed) {
        rc = web_list_read(l, s, NULL, e);
        count_hosts(f, l);
    }
    if (rc == 0 && f->failed)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0 && f->count > 0)
        qsort_r(f->clusters, f->count, sizeof *f->clusters, in_order, &order);
    return rc;
}

/* ---- the states ---------------------------------------------------------------------------- */

static void put_state_link(struct buf *out, enum web_page page, const char *name, enum drift_state state, uint64_t n)
{
    struct web_query q;

    (void)web_query_init(&q, page, name);
    q.state = (int)state;
    buf_str(out, "<a href=\"");
    web_query_address(&q, out);
    buf_printf(out, "\">%" PRIu64 "<span class=\"spoken\"> %s</span></a>", n, drift_state_name(state));
}

static void put_states(struct buf *out, const struct fleet *f)
{
    uint64_t sum = web_sum(f->by_state), drifted = web_drifted(f->by_state);

    buf_printf(out,
               "<section aria-labelledby=\"states-title\">\n<h2 id=\"states-title\">Now</h2>\n"
               "<p class=\"lead\"><strong>%" PRIu64 "</strong> of <strong>%" PRIu64
               "</strong> guests need a look.</p>\n",
               drifted, sum);
    web_state_bar(out, f->by_state);
    buf_str(out, "<ul class=\"states\">\n");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        enum drift_state state = web_states[i];

        buf_printf(out, "<li class=\"%s\"><span class=\"big\">", f->by_state[state] > 0 ? "some" : "zero");
        put_state_link(out, WEB_GUESTS, "", state, f->by_state[state]);
        buf_str(out, "</span> <span aria-hidden=\"true\">");
        web_state(out, state, false);
        buf_str(out, "</span></li>\n");
    }
    buf_str(out, "</ul>\n</section>\n");
}

/* ---- the grid -------------------------------------------------------------------------------- */

/* How strongly a cell is shaded: its share of the cluster's guests, in steps; any guest at all is step 1. */
static int heat(uint64_t n, uint64_t sum)
{
    return n == 0 || sum == 0 ? 0 : 1 + (int)(n * (HEAT_STEPS - 1) / sum);
}

static void put_cells(struct buf *out, enum web_page page, const char *name, const uint64_t guests[DRIFT_STATE_COUNT])
{
    uint64_t sum = web_sum(guests);

    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        enum drift_state state = web_states[i];

        buf_printf(out, "<td class=\"number heat-%d on-%s\">", heat(guests[state], sum), drift_state_name(state));
        if (guests[state] > 0)
            put_state_link(out, page, name, state, guests[state]);
        else
            buf_str(out, "0");
        buf_str(out, "</td>");
    }
    buf_printf(out, "<td class=\"number\">%" PRIu64 "</td>", sum);
}

static void put_cluster(struct buf *out, const struct fleet *f, const struct cluster *c)
{
    buf_str(out, "<tr><th scope=\"row\">");
    web_link(out, WEB_CLUSTER, c->c.cluster, web_cluster_name(c->c.cluster));
    buf_str(out, "</th>");
    if (f->detailed)
        buf_printf(out, "<td class=\"number\">%zu</td><td class=\"number%s\">%zu</td>", c->hosts,
                   c->silent > 0 ? " warn" : "", c->silent);
    put_cells(out, WEB_CLUSTER, c->c.cluster, c->c.guests);
    buf_str(out, "</tr>\n");
}

static void put_grid_head(struct buf *out, const struct fleet *f, const struct web_query *q)
{
    buf_str(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Clusters, table\" tabindex=\"0\">"
            "<table class=\"list grid\">\n<caption>Guests by cluster and state; the darker, the larger the state's "
            "share of the cluster</caption>\n<thead><tr>\n");
    web_column(out, q, "Cluster", SORT_CLUSTER, SORT_CLUSTER);
    if (f->detailed)
        buf_str(out, "<th scope=\"col\">Hosts</th><th scope=\"col\">Silent</th>\n");
    for (int i = 0; i < DRIFT_STATE_COUNT; i++)
        buf_printf(out, "<th scope=\"col\">%s</th>", drift_state_name(web_states[i]));
    web_column(out, q, "Guests", SORT_GUESTS, SORT_CLUSTER);
    buf_str(out, "</tr></thead>\n");
}

static void put_total(struct buf *out, const struct fleet *f)
{
    size_t hosts = 0, silent = 0;

    for (size_t i = 0; i < f->count; i++) {
        hosts += f->clusters[i].hosts;
        silent += f->clusters[i].silent;
    }
    buf_str(out, "<tfoot><tr><th scope=\"row\">All</th>");
    if (f->detailed)
        buf_printf(out, "<td class=\"number\">%zu</td><td class=\"number\">%zu</td>", hosts, silent);
    put_cells(out, WEB_GUESTS, "", f->by_state);
    buf_str(out, "</tr></tfoot>\n");
}

static void put_order_links(struct buf *out, const struct web_query *q)
{
    struct web_query worst = *q;

    worst.sort = SORT_DRIFTED;
    worst.descending = true;
    worst.number = 1;
    buf_str(out, "<p class=\"export\"><a href=\"");
    web_query_address(&worst, out);
    buf_str(out, "\">Clusters with the most drift first</a></p>\n");
}

static void put_grid(struct buf *out, const struct fleet *f, const struct web_query *q)
{
    struct web_span span = web_page_span(f->count, q->number);
    struct web_pages pages = { "clusters", (int64_t)f->count, q->number, false };

    buf_str(out, "<section aria-labelledby=\"clusters-title\">\n<h2 id=\"clusters-title\">Clusters</h2>\n");
    if (f->count > 1)
        put_order_links(out, q);
    if (span.count > 0) {
        put_grid_head(out, f, q);
        buf_str(out, "<tbody>\n");
        for (size_t i = span.first; i < span.first + span.count; i++)
            put_cluster(out, f, &f->clusters[i]);
        buf_str(out, "</tbody>\n");
        put_total(out, f);
        buf_str(out, "</table></div>\n");
    }
    web_pager(out, q, &pages);
    buf_str(out, "</section>\n");
}

/* ---- the page ----------------------------------------------------------------------------------- */

int web_fleet_page(struct buf *out, struct fleet_store *s, struct web_list *l, struct err *e)
{
    struct web_head head = { .title = "Fleet", .charts = true };
    struct fleet f = { .count = 0 };
    int rc = read_fleet(&f, s, l, e);

    if (rc == 0) {
        web_page_start(out, &head);
        if (f.count == 0)
            buf_str(out, "<p class=\"lead\">No agent has reported a host yet.</p>\n");
        put_states(out, &f);
        put_grid(out, &f, l->query);
        rc = web_put_crashes(out, s, l->moment, NULL, NULL, NULL, e);
    }
    if (rc == 0)
        rc = web_put_days(out, s, l->moment, NULL, e);
    if (rc == 0) {
        web_put_versions(out, l);
        if (!f.detailed)
            buf_printf(out,
                       "<p class=\"count\">Versions are shown on the pages of clusters, where the fleet has more than "
                       "%d guests.</p>\n",
                       WEB_DETAIL_GUESTS_MAX);
        rc = web_put_findings(out, s, l, NULL, NULL, e);
    }
    web_page_end(out, l->moment->now_ns);
    free(f.clusters);
    return rc;
}
