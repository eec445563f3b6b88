/* See web_list.h: reading, filtering and sorting. */
#include "hub/web_list.h"

#include "base/text.h"
#include "hub/fleet_model.h"
#include "report/report_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };
#define LIST_BYTES_MAX ((size_t)512 * 1024 * 1024)

int web_list_init(struct web_list *l, const struct web_query *q, const struct web_moment *m, struct err *e)
{
    *l = (struct web_list){ .query = q, .moment = m, .e = e };
    arena_init(&l->arena, LIST_BYTES_MAX);
    l->peers = drift_peers_new();
    return l->peers != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

void web_list_free(struct web_list *l)
{
    drift_peers_free(l->peers);
    free(l->hosts);
    free(l->rows);
    arena_free(&l->arena);
}

#define TOO_BIG "these are more guests than one page can sort; open the page of a cluster"

static int too_big(struct web_list *l)
{
    l->rc = err_set(l->e, ERR_TOO_BIG, TOO_BIG);
    return l->rc;
}

/* Room for one more element in a growing array. */
static bool room_for_one(void **array, size_t count, size_t *cap, size_t size)
{
    size_t grown_cap = *cap == 0 ? FIRST_CAP : *cap * 2;
    void *grown;

    if (count < *cap)
        return true;
    grown = realloc(*array, grown_cap * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = grown_cap;
    return true;
}

/* ---- hosts -------------------------------------------------------------------------- */

static bool is_shown(const struct web_list *l, const struct host *h)
{
    return l->cluster == NULL || text_casecmp(l->cluster, h->facts.cluster) == 0;
}

static bool keep_host(struct web_list *l, const struct host *h)
{
    struct web_host *row;

    row = arena_alloc(&l->arena, sizeof *row);
    if (row == NULL || !room_for_one((void **)&l->hosts, l->host_count, &l->host_cap, sizeof *l->hosts))
        return too_big(l) == 0;
    row->h = *h;
    row->name = row->h.facts.host_name[0] != '\0' ? row->h.facts.host_name : row->h.facts.host_id;
    row->heard = h->last_seen;
    row->shown = is_shown(l, h);
    l->hosts[l->host_count++] = row;
    l->hosts_sorted = false;
    return true;
}

/* Of a named cluster only its own guests are read; else it takes all hosts to tell whose guests are outside of
 * clusters. */
static bool take_host(void *arg, const struct host *h)
{
    struct web_list *l = (struct web_list *)arg;
    bool named = l->cluster != NULL && l->cluster[0] != '\0';

    return (named && !is_shown(l, h)) || keep_host(l, h);
}

static int by_id(const void *a, const void *b)
{
    const struct web_host *x = *(struct web_host *const *)a, *y = *(struct web_host *const *)b;

    return strcmp(x->h.facts.host_id, y->h.facts.host_id);
}

static int id_against(const void *id, const void *element)
{
    return strcmp(id, (*(struct web_host *const *)element)->h.facts.host_id);
}

static struct web_host *find_host(struct web_list *l, const char *host_id)
{
    struct web_host **found;

    if (l->host_count == 0)
        return NULL;
    if (!l->hosts_sorted)
        qsort(l->hosts, l->host_count, sizeof *l->hosts, by_id);
    l->hosts_sorted = true;
    found = bsearch(host_id, l->hosts, l->host_count, sizeof *l->hosts, id_against);
    return found != NULL ? *found : NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct web_host *x = *(struct web_host *const *)a, *y = *(struct web_host *const *)b;
    int order = strcmp(x->h.facts.cluster, y->h.facts.cluster);

    if (order == 0)
        order = strcmp(x->name, y->name);
    return order != 0 ? order : by_id(a, b);
}

void web_list_sort_hosts(struct web_list *l)
{
    if (l->host_count > 0)
        qsort(l->hosts, l->host_count, sizeof *l->hosts, by_name);
    l->hosts_sorted = false;
}

/* ---- guests -------------------------------------------------------------------------- */

static bool contains(const char *text, const char *part)
{
    size_t len = strlen(part);

    for (; len > 0 && *text != '\0'; text++) {
        if (text_ncasecmp(text, part, len) == 0)
            return true;
    }
    return len == 0;
}

static bool passes(const struct web_query *q, const struct web_row *row, const char *os_version)
{
    return (q->state == WEB_ANY_STATE || q->state == (int)row->kept.state) &&
           (contains(row->name, q->text) || contains(row->vm_id, q->text)) &&
           (contains(row->os, q->os) || contains(os_version, q->os)) && contains(row->version, q->version);
}

/* Keeps the row; its texts stay. */
static void keep_row(struct web_list *l, const struct web_row *row)
{
    if (l->row_count >= WEB_LIST_MAX || !room_for_one((void **)&l->rows, l->row_count, &l->row_cap, sizeof *l->rows))
        (void)too_big(l);
    else
        l->rows[l->row_count++] = *row;
}

static void point_to_host(struct web_row *row, const struct web_host *on)
{
    row->on = on;
    if (on == NULL)
        return;
    row->host_id = on->h.facts.host_id;
    row->host = on->name;
    row->cluster = on->h.facts.cluster;
    if (on->h.last_poll > row->last_seen)
        row->last_seen = on->h.last_poll;
}

static const char *keep(struct web_list *l, const char *text)
{
    const char *copy = text[0] == '\0' ? "" : arena_copy(&l->arena, text, strlen(text));

    if (copy == NULL)
        (void)too_big(l);
    return copy != NULL ? copy : "";
}

/* The texts of a guest that was read for this list go into its arena. */
static void keep_texts(struct web_list *l, struct web_row *row)
{
    const char **const texts[] = { &row->vm_id, &row->name, &row->os, &row->version, &row->expected };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = keep(l, *texts[i]);
    if (row->on == NULL)
        row->host_id = row->host = keep(l, row->host_id);
}

static bool is_elsewhere(const struct web_list *l, const struct web_host *on)
{
    return l->cluster != NULL && (on == NULL ? l->cluster[0] != '\0' : !on->shown);
}

/* Judges a guest and keeps a row of it when it passes. */
static bool take_guest(void *arg, const struct guest *g)
{
    struct web_list *l = (struct web_list *)arg;
    struct web_host *on = find_host(l, g->host_id);
    const char *os_name = g->kvp[KVP_OS_NAME].text, *os_version = g->kvp[KVP_OS_VERSION].text;
    struct drift_verdict v;
    struct web_row row;

    if (g->removed || is_elsewhere(l, on))
        return true;
    drift_evaluate(on != NULL ? &on->h : NULL, g, l->peers, &l->moment->floors, &v);
    l->by_state[v.kept.state]++;
    if (on != NULL)
        on->guests[v.kept.state]++;
    row = (struct web_row){ .kept = v.kept,
                            .vm_id = g->vm_id,
                            .name = g->name,
                            .host_id = g->host_id,
                            .host = g->host_id,
                            .cluster = "",
                            .os = os_name[0] != '\0' ? os_name : os_version,
                            .version = v.guest_version,
                            .expected = v.expected_version,
                            .last_seen = g->last_seen };
    if (!passes(l->query, &row, os_version))
        return true;
    point_to_host(&row, on);
    keep_texts(l, &row);
    keep_row(l, &row);
    return l->rc == 0;
}

/* ---- from the rows that the store keeps ----------------------------------------------- */

static bool take_kept_host(void *arg, const struct host *h, size_t place)
{
    (void)place;
    return keep_host((struct web_list *)arg, h);
}

/* The store's hosts come in order of id and are all taken, so that the place is the index. */
static bool take_kept_guest(void *arg, const struct judged_guest *g, size_t place)
{
    struct web_list *l = (struct web_list *)arg;
    struct web_host *on = place < l->host_count ? l->hosts[place] : NULL;
    const struct report_guest *r = &g->row;
    struct web_row row;

    if (is_elsewhere(l, on))
        return true;
    l->by_state[r->kept.state]++;
    if (on != NULL)
        on->guests[r->kept.state]++;
    row = (struct web_row){ .kept = r->kept,
                            .vm_id = r->vm_id,
                            .name = r->name,
                            .host_id = r->host_id,
                            .host = r->host,
                            .cluster = "",
                            .os = r->os_name[0] != '\0' ? r->os_name : r->os_version,
                            .version = r->guest_version,
                            .expected = r->expected_version,
                            .last_seen = r->last_seen };
    if (passes(l->query, &row, r->os_version)) {
        point_to_host(&row, on);
        keep_row(l, &row);
    }
    return l->rc == 0;
}

/* By our clock, where an agent has been heard: the host's own may be wrong. */
static bool take_agent(void *arg, const struct fleet_agent *a)
{
    struct web_list *l = (struct web_list *)arg;
    struct web_host *host = find_host(l, a->host_id);

    if (host != NULL && (!host->agent_heard || a->last_seen > host->heard))
        host->heard = a->last_seen;
    if (host != NULL)
        host->agent_heard = true;
    return true;
}

/* A silent host's guests are stale too. */
static void settle_silence(struct web_list *l)
{
    int64_t silent_ns = l->moment->host_silent_ns;

    for (size_t i = 0; i < l->host_count; i++)
        l->hosts[i]->silent = silent_ns > 0 && l->moment->now_ns - l->hosts[i]->heard > silent_ns;
    for (size_t i = 0; i < l->row_count; i++)
        l->rows[i].kept.stale |= l->rows[i].on != NULL && l->rows[i].on->silent;
}

/* All guests of a very large fleet would hold up every other page. */
static int check_size(struct fleet_store *s, struct err *e)
{
    struct fleet_stats stats;
    int rc = fleet_store_stats(s, &stats, e);

    if (rc != 0)
        return rc;
    return stats.guests <= WEB_LIST_MAX ? 0 : err_set(e, ERR_TOO_BIG, TOO_BIG);
}

static int read_store(struct web_list *l, struct fleet_store *s, struct err *e)
{
    struct fleet_reader reader = {
        .arg = l, .scoped = true, .host = take_host, .guest = take_guest, .agent = take_agent, .peers = l->peers
    };
    int rc;

    /* Guests whose host is not known have no cluster either, so the store can't pick them out by it. */
    reader.cluster = l->cluster != NULL && l->cluster[0] != '\0' ? l->cluster : NULL;
    rc = reader.cluster == NULL ? check_size(s, e) : 0;
    return rc != 0 ? rc : fleet_store_read(s, &reader, e);
}

/* Hosts outside of the scope were only needed to tell whose guests are. */
static void drop_others(struct web_list *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->host_count; i++) {
        if (l->hosts[i]->shown)
            l->hosts[kept++] = l->hosts[i];
    }
    l->host_count = kept;
}

int web_list_read(struct web_list *l, struct fleet_store *s, const char *cluster, struct err *e)
{
    const struct fleet_rows kept = { l, take_kept_host, take_kept_guest, take_agent };
    int rc;

    l->cluster = cluster;
    rc = fleet_store_rows(s, &l->moment->floors, &kept, e);
    if (rc == ERR_TOO_BIG || rc == ERR_UNSUPPORTED)
        rc = read_store(l, s, e);
    if (rc == 0)
        rc = l->rc;
    if (rc == 0)
        settle_silence(l);
    drop_others(l);
    return rc;
}

/* ---- a page of a very large fleet ------------------------------------------------------ */

struct page {
    struct guest *guests; /* WEB_PAGE_ROWS + 1 places */
    int count;
};

static bool take_page_guest(void *arg, const struct guest *g)
{
    struct page *p = (struct page *)arg;

    assert(p->count <= WEB_PAGE_ROWS);
    p->guests[p->count++] = *g;
    return true;
}

static int find_page_host(struct web_list *l, struct fleet_store *s, const char *host_id, struct err *e)
{
    struct host host;
    int rc;

    if (host_id[0] == '\0' || find_host(l, host_id) != NULL)
        return 0;
    rc = fleet_store_host(s, host_id, &host, e);
    if (rc == 0 && !keep_host(l, &host))
        rc = l->rc;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int web_list_read_page(struct web_list *l, struct fleet_store *s, struct err *e)
{
    struct page page = { .guests = calloc(WEB_PAGE_ROWS + 1, sizeof *page.guests) };
    const struct fleet_reader reader = { .arg = &page,
                                         .guest = take_page_guest,
                                         .peers = l->peers,
                                         .page_after = l->query->after,
                                         .page_state = l->query->state,
                                         .page_rows = WEB_PAGE_ROWS + 1 };
    int rc;

    if (page.guests == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    l->rc = 0;
    l->row_count = l->host_count = 0; /* of an attempt to read all */
    l->hosts_sorted = false;
    memset(l->by_state, 0, sizeof l->by_state);
    rc = fleet_store_read(s, &reader, e);
    for (int i = 0; rc == 0 && i < page.count && i < WEB_PAGE_ROWS; i++) {
        rc = find_page_host(l, s, page.guests[i].host_id, e);
        if (rc == 0 && !take_guest(l, &page.guests[i]))
            rc = l->rc;
    }
    l->more = page.count > WEB_PAGE_ROWS;
    free(page.guests);
    if (rc == 0)
        settle_silence(l);
    return rc;
}

int web_list_read_host(struct web_list *l, struct fleet_store *s, const char *host_id, bool guests, struct err *e)
{
    struct fleet_reader reader = {
        .arg = l, .host_id = host_id, .scoped = true, .agent = take_agent, .peers = l->peers
    };
    struct host host;
    int rc = fleet_store_host(s, host_id, &host, e);

    if (rc == 0 && take_host(l, &host))
        rc = fleet_store_read(s, &reader, e);
    if (rc == 0 && guests)
        rc = fleet_store_guests_on(s, host_id, take_guest, l, e);
    if (rc == 0)
        rc = l->rc;
    if (rc == 0)
        settle_silence(l);
    return rc;
}

/* ---- order ------------------------------------------------------------------------------ */

static int by_severity(const struct web_row *x, const struct web_row *y)
{
    return report_severity(x->kept.state) - report_severity(y->kept.state);
}

/* By the four numbers; what is no version comes first. */
static int by_version(const struct web_row *x, const struct web_row *y)
{
    struct version a, b;
    int order;

    (void)version_parse(x->version, &a);
    (void)version_parse(y->version, &b);
    order = version_compare(&a, &b);
    return order != 0 ? order : strcmp(x->version, y->version);
}

static int by_where(const struct web_row *x, const struct web_row *y)
{
    int order = strcmp(x->cluster, y->cluster);

    if (order == 0)
        order = strcmp(x->host, y->host);
    if (order == 0)
        order = text_casecmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->vm_id, y->vm_id);
}

static int by_sort(const struct web_row *x, const struct web_row *y, enum web_sort sort)
{
    switch (sort) {
    case SORT_NAME:
        return text_casecmp(x->name, y->name);
    case SORT_HOST:
        return strcmp(x->host, y->host);
    case SORT_CLUSTER:
        return strcmp(x->cluster, y->cluster);
    case SORT_VERSION:
        return by_version(x, y);
    case SORT_OS:
        return strcmp(x->os, y->os);
    case SORT_SINCE:
        return (x->kept.since > y->kept.since) - (x->kept.since < y->kept.since);
    default:
        return by_severity(x, y);
    }
}

struct order {
    enum web_sort sort;
    bool descending;
};

static int in_order(const void *a, const void *b, void *arg)
{
    const struct order *order = (const struct order *)arg;
    const struct web_row *x = a, *y = b;
    int result = by_sort(x, y, order->sort);

    if (order->descending)
        result = -result;
    if (result == 0 && order->sort != SORT_STATE)
        result = by_severity(x, y);
    return result != 0 ? result : by_where(x, y);
}

void web_list_sort(struct web_list *l, enum web_sort default_sort)
{
    struct order order = { l->query->sort, l->query->descending };

    if (order.sort == SORT_DEFAULT)
        order.sort = default_sort;
    if (l->row_count > 0)
        qsort_r(l->rows, l->row_count, sizeof *l->rows, in_order, &order);
}
