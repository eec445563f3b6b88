/* See web_list.h: reading, filtering and sorting. */
#include "hub/web_list.h"

#include "base/text.h"
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

static int too_big(struct web_list *l)
{
    l->rc = err_set(l->e, ERR_TOO_BIG, "these are more guests than one page can sort; open the page of a cluster");
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

static bool take_host(void *arg, const struct host *h)
{
    struct web_list *l = (struct web_list *)arg;
    struct web_host *row;

    if (l->cluster != NULL && text_casecmp(l->cluster, h->facts.cluster) != 0)
        return true;
    row = arena_alloc(&l->arena, sizeof *row);
    if (row == NULL || !room_for_one((void **)&l->hosts, l->host_count, &l->host_cap, sizeof *l->hosts))
        return too_big(l) == 0;
    row->h = *h;
    row->name = row->h.facts.host_name[0] != '\0' ? row->h.facts.host_name : row->h.facts.host_id;
    row->heard = h->last_seen;
    l->hosts[l->host_count++] = row;
    l->hosts_sorted = false;
    return true;
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

static bool passes(const struct web_query *q, const struct guest *g, const struct drift_verdict *v)
{
    return (q->state == WEB_ANY_STATE || q->state == (int)v->kept.state) &&
           (contains(g->name, q->text) || contains(g->vm_id, q->text)) &&
           (contains(g->kvp[KVP_OS_NAME].text, q->os) || contains(g->kvp[KVP_OS_VERSION].text, q->os)) &&
           contains(v->guest_version, q->version);
}

static const char *keep(struct web_list *l, const char *text, bool *failed)
{
    const char *copy = text[0] == '\0' ? "" : arena_copy(&l->arena, text, strlen(text));

    *failed |= copy == NULL;
    return copy != NULL ? copy : "";
}

static void keep_row(struct web_list *l, const struct guest *g, const struct web_host *on,
                     const struct drift_verdict *v)
{
    const char *os = g->kvp[KVP_OS_NAME].text;
    struct web_row row = { .kept = v->kept, .on = on, .last_seen = g->last_seen };
    bool failed = false;

    if (l->row_count >= WEB_LIST_MAX || !room_for_one((void **)&l->rows, l->row_count, &l->row_cap, sizeof *l->rows)) {
        (void)too_big(l);
        return;
    }
    row.vm_id = keep(l, g->vm_id, &failed);
    row.name = keep(l, g->name, &failed);
    row.host_id = on != NULL ? on->h.facts.host_id : keep(l, g->host_id, &failed);
    row.host = on != NULL ? on->name : row.host_id;
    row.cluster = on != NULL ? on->h.facts.cluster : "";
    row.os = keep(l, os[0] != '\0' ? os : g->kvp[KVP_OS_VERSION].text, &failed);
    row.version = keep(l, v->guest_version, &failed);
    row.expected = keep(l, v->expected_version, &failed);
    if (on != NULL && on->h.last_poll > row.last_seen)
        row.last_seen = on->h.last_poll;
    if (failed)
        (void)too_big(l);
    else
        l->rows[l->row_count++] = row;
}

/* Judges the guest and keeps a row of it when it passes. */
static void judge(struct web_list *l, const struct guest *g, struct web_host *on)
{
    struct drift_verdict v;

    drift_evaluate(on != NULL ? &on->h : NULL, g, l->peers, &l->moment->floors, &v);
    l->by_state[v.kept.state]++;
    if (on != NULL)
        on->guests[v.kept.state]++;
    if (passes(l->query, g, &v))
        keep_row(l, g, on, &v);
}

/* The fleet's page shows no guests: it wants their versions alone, and soon. */
static void keep_version(struct web_list *l, const struct guest *g, const struct web_host *on)
{
    struct drift_verdict v;

    v.kept = g->drift;
    v.expected_version[0] = '\0';
    text_copy(v.guest_version, sizeof v.guest_version, g->kvp[KVP_IS_VERSION].text);
    keep_row(l, g, on, &v);
}

static bool take_guest(void *arg, const struct guest *g)
{
    struct web_list *l = (struct web_list *)arg;
    struct web_host *on = find_host(l, g->host_id);

    if (g->removed || (on == NULL && l->cluster != NULL && l->cluster[0] != '\0'))
        return true;
    if (l->query->page == WEB_FLEET)
        keep_version(l, g, on);
    else
        judge(l, g, on);
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
static int check_size(struct web_list *l, struct fleet_store *s, struct err *e)
{
    struct fleet_stats stats;
    int rc = fleet_store_stats(s, &stats, e);

    if (rc != 0)
        return rc;
    return stats.guests <= WEB_LIST_MAX ? 0 : too_big(l);
}

int web_list_read(struct web_list *l, struct fleet_store *s, const char *cluster, struct err *e)
{
    struct fleet_reader reader = {
        .arg = l, .host = take_host, .guest = take_guest, .agent = take_agent, .peers = l->peers
    };
    int rc;

    /* Guests whose host is not known have no cluster either, so the store can't pick them out by it. */
    reader.cluster = cluster != NULL && cluster[0] != '\0' ? cluster : NULL;
    l->cluster = cluster;
    rc = reader.cluster == NULL ? check_size(l, s, e) : 0;
    if (rc == 0)
        rc = fleet_store_read(s, &reader, e);
    if (rc == 0)
        rc = l->rc;
    if (rc == 0)
        settle_silence(l);
    return rc;
}

int web_list_read_host(struct web_list *l, struct fleet_store *s, const char *host_id, bool guests, struct err *e)
{
    struct fleet_reader reader = { .arg = l, .agent = take_agent, .peers = l->peers };
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
