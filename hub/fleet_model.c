/* See fleet_model.h.
 *
 * A guest that is judged anew gets a new row; its old one is marked as gone and swept out of the order at the
 * end, when the new rows are sorted among themselves and merged in. */
#include "hub/fleet_model.h"

#include "base/log.h"
#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS (600 * NS_PER_S)

/* What a row takes at least, with what the allocator and the tree put around it. */
enum { ROW_BYTES_LEAST = 600, ROW_EXTRA = 128 };

struct kept_host {
    struct judged_host j;
    size_t place;
    bool anew; /* its guests are to be judged again */
};

struct kept_guest {
    const char *vm_id; /* the row's */
    struct judged_guest *row;
    const struct kept_host *on; /* NULL: not known */
    bool gone;
};

struct rows {
    struct kept_guest **at;
    size_t count, cap;
};

struct fleet_model {
    const struct clock *clock;
    size_t bytes, bytes_max;
    int64_t retry_at; /* monotonic: no attempt before; 0 any time */
    bool loaded;
    struct fleet_mark mark;
    struct drift_floors floors;
    struct drift_peers *peers;
    struct kept_host **hosts; /* in order of id */
    size_t host_count, host_cap;
    void *tree;         /* struct kept_guest by vm_id */
    struct rows sorted; /* in order of reports */
    struct rows fresh;  /* of this refresh, in no order */
    bool any_gone, hosts_moved;
};

int fleet_model_new(struct fleet_model **out, size_t max_bytes, const struct clock *clock, struct err *e)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    (*out)->clock = clock;
    (*out)->bytes_max = max_bytes;
    return 0;
}

static void free_guest(struct kept_guest *g)
{
    judged_guest_free(g->row);
    free(g);
}

static void keep_node(void *node)
{
    (void)node; /* the rows are freed by their lists */
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free_guest(rows->at[i]);
    free(rows->at);
    *rows = (struct rows){ .count = 0 };
}

static void clear(struct fleet_model *m)
{
    tdestroy(m->tree, keep_node);
    m->tree = NULL;
    free_rows(&m->sorted);
    free_rows(&m->fresh);
    for (size_t i = 0; i < m->host_count; i++)
        free(m->hosts[i]);
    free(m->hosts);
    m->hosts = NULL;
    m->host_count = m->host_cap = 0;
    drift_peers_free(m->peers);
    m->peers = NULL;
    m->bytes = 0;
    m->loaded = m->any_gone = m->hosts_moved = false;
}

void fleet_model_free(struct fleet_model *m)
{
    if (m == NULL)
        return;
    clear(m);
    free(m);
}

/* Room for one more element. */
static bool room(void **array, size_t count, size_t *cap, size_t size)
{
    size_t wanted = *cap == 0 ? 64 : *cap * 2;
    void *grown;

    if (count < *cap)
        return true;
    grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = wanted;
    return true;
}

/* ---- hosts -------------------------------------------------------------------------------- */

/* Where the host is, or where it belongs. */
static size_t host_place(const struct fleet_model *m, const char *host_id)
{
    size_t low = 0, high = m->host_count;

    if (high > 0 && strcmp(m->hosts[high - 1]->j.h.facts.host_id, host_id) < 0)
        return high;
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(m->hosts[mid]->j.h.facts.host_id, host_id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct kept_host *find_host(const struct fleet_model *m, const char *host_id)
{
    size_t at = host_place(m, host_id);

    return at < m->host_count && strcmp(m->hosts[at]->j.h.facts.host_id, host_id) == 0 ? m->hosts[at] : NULL;
}

static int add_host(struct fleet_model *m, const struct host *h, struct err *e)
{
    size_t at = host_place(m, h->facts.host_id);
    struct kept_host *host = malloc(sizeof *host);

    if (host == NULL || !room((void **)&m->hosts, m->host_count, &m->host_cap, sizeof *m->hosts)) {
        free(host);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    judged_host_init(&host->j, h);
    host->anew = true; /* guests that were seen on it before it was known */
    memmove(&m->hosts[at + 1], &m->hosts[at], (m->host_count - at) * sizeof(struct kept_host *));
    m->hosts[at] = host;
    m->host_count++;
    for (size_t i = at; i < m->host_count; i++)
        m->hosts[i]->place = i;
    m->bytes += sizeof *host;
    return 0;
}

/* ---- guests ---------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct kept_guest *)a)->vm_id, ((const struct kept_guest *)b)->vm_id);
}

static int in_order(const void *a, const void *b)
{
    const struct kept_guest *x = *(struct kept_guest *const *)a, *y = *(struct kept_guest *const *)b;

    return judged_guest_order(&x->row, &y->row);
}

/* Takes the guest's row out, when it has one. */
static void drop_guest(struct fleet_model *m, const char *vm_id)
{
    struct kept_guest key = { .vm_id = vm_id };
    struct kept_guest **found = tfind(&key, &m->tree, by_id);
    struct kept_guest *g = found != NULL ? *found : NULL;

    if (g == NULL)
        return;
    tdelete(g, &m->tree, by_id);
    m->bytes -= judged_guest_bytes(g->row) + ROW_EXTRA;
    g->gone = m->any_gone = true;
}

struct refreshing {
    struct fleet_model *m;
    struct fleet_body *b;
    const struct drift_peers *peers;
    struct guest *scratch;
    int rc;
    struct err *e;
};

static int too_big(struct fleet_model *m, struct err *e)
{
    return err_set(e, ERR_TOO_BIG, "the fleet does not fit into %zu bytes", m->bytes_max);
}

static int put_guest(struct refreshing *r, const struct guest *g)
{
    struct fleet_model *m = r->m;
    struct kept_host *on = find_host(m, g->host_id);
    struct kept_guest *kept;
    int rc;

    drop_guest(m, g->vm_id);
    if (g->removed)
        return 0;
    kept = calloc(1, sizeof *kept);
    if (kept == NULL || !room((void **)&m->fresh.at, m->fresh.count, &m->fresh.cap, sizeof *m->fresh.at)) {
        free(kept);
        return err_set(r->e, ERR_MEMORY, "out of memory");
    }
    rc = judged_guest_new(&kept->row, on != NULL ? &on->j : NULL, g, r->peers, &m->floors, r->e);
    if (rc != 0) {
        free(kept);
        return rc;
    }
    kept->on = on;
    kept->vm_id = judged_guest_id(kept->row);
    m->fresh.at[m->fresh.count++] = kept;
    m->bytes += judged_guest_bytes(kept->row) + ROW_EXTRA;
    if (tsearch(kept, &m->tree, by_id) == NULL)
        return err_set(r->e, ERR_MEMORY, "out of memory");
    return m->bytes <= m->bytes_max ? 0 : too_big(m, r->e);
}

static bool take_guest(void *arg, const struct guest *g)
{
    struct refreshing *r = (struct refreshing *)arg;

    r->rc = put_guest(r, g);
    return r->rc == 0;
}

static bool take_host(void *arg, const struct host *h)
{
    struct refreshing *r = (struct refreshing *)arg;
    struct kept_host *kept = find_host(r->m, h->facts.host_id);

    r->m->hosts_moved = true;
    if (kept == NULL)
        r->rc = add_host(r->m, h, r->e);
    else if (judged_host_update(&kept->j, h))
        kept->anew = true;
    if (r->rc == 0 && r->m->bytes > r->m->bytes_max)
        r->rc = too_big(r->m, r->e);
    return r->rc == 0;
}

/* ---- what rests on something that has changed ------------------------------------------------------ */

static int read_rows(struct refreshing *r, const struct fleet_reader *reader)
{
    int rc = r->b->ops->read(r->b, reader, r->e);

    return rc != 0 ? rc : r->rc;
}

/* The guests of hosts that say something else than before. */
static int judge_hosts(struct refreshing *r, bool all_new)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < r->m->host_count; i++) {
        struct kept_host *h = r->m->hosts[i];
        const struct fleet_reader reader = { .arg = r, .guest = take_guest, .host_id = h->j.h.facts.host_id };

        if (h->anew && !all_new)
            rc = read_rows(r, &reader);
        h->anew = false;
    }
    return rc;
}

static int judge_again(struct refreshing *r, const struct kept_guest *g)
{
    char vm_id[GUID_TEXT_MAX];
    int rc;

    text_copy(vm_id, sizeof vm_id, g->vm_id);
    rc = r->b->ops->guest_get(r->b, vm_id, r->scratch, r->e);
    if (rc == 0)
        return put_guest(r, r->scratch);
    if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
        drop_guest(r->m, vm_id);
        return 0;
    }
    return rc;
}

/* Guests whose host's polls have gone past what their row says, or whose peers have risen. */
static int judge_others(struct refreshing *r, bool peers_moved)
{
    int rc = 0;

    if (!peers_moved && !r->m->hosts_moved)
        return 0;
    for (size_t i = 0; rc == 0 && i < r->m->sorted.count; i++) {
        const struct kept_guest *g = r->m->sorted.at[i];

        if (!g->gone && (!judged_guest_holds(g->row) || (peers_moved && !judged_guest_peers(g->row, r->peers))))
            rc = judge_again(r, g);
    }
    return rc;
}

/* ---- order -------------------------------------------------------------------------------------------- */

static void sweep(struct rows *rows)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->at[i]->gone)
            free_guest(rows->at[i]);
        else
            rows->at[kept++] = rows->at[i];
    }
    rows->count = kept;
}

/* Merges the fresh rows into the others, from the end so that no second array is needed. */
static int merge(struct fleet_model *m, struct err *e)
{
    size_t a = m->sorted.count, b = m->fresh.count, to = a + b;
    struct kept_guest **grown = m->sorted.at;

    if (b == 0)
        return 0;
    if (to > m->sorted.cap) {
        grown = realloc(m->sorted.at, (to + to / 8) * sizeof(struct kept_guest *));
        if (grown == NULL)
            return err_set(e, ERR_MEMORY, "out of memory");
        m->sorted.at = grown;
        m->sorted.cap = to + to / 8;
    }
    m->sorted.count = to;
    while (b > 0) {
        if (a > 0 && in_order(&grown[a - 1], &m->fresh.at[b - 1]) > 0)
            grown[--to] = grown[--a];
        else
            grown[--to] = m->fresh.at[--b];
    }
    m->fresh.count = 0;
    return 0;
}

static int put_in_order(struct fleet_model *m, struct err *e)
{
    if (m->any_gone) {
        sweep(&m->sorted);
        sweep(&m->fresh);
    }
    m->any_gone = m->hosts_moved = false;
    if (m->fresh.count > 0)
        qsort(m->fresh.at, m->fresh.count, sizeof *m->fresh.at, in_order);
    return merge(m, e);
}

/* ---- the refresh ------------------------------------------------------------------------------------------ */

static bool same_floors(const struct drift_floors *a, const struct drift_floors *b)
{
    return version_compare(&a->win61_63, &b->win61_63) == 0 && version_compare(&a->win62, &b->win62) == 0;
}

/* Saves making a model that can not fit. */
static int check_size(struct fleet_model *m, struct fleet_body *b, struct err *e)
{
    struct fleet_stats stats;
    int rc = b->ops->stats(b, &stats, e);

    if (rc != 0)
        return rc;
    return stats.guests > m->bytes_max / ROW_BYTES_LEAST ? too_big(m, e) : 0;
}

/* Reads what has changed since the mark, or all. */
static int take_changes(struct refreshing *r, int64_t from, int64_t below)
{
    struct fleet_model *m = r->m;
    struct drift_peers *peers = drift_peers_new();
    const struct fleet_reader reader = {
        .arg = r, .host = take_host, .guest = take_guest, .peers = peers, .changed_from = from, .changed_below = below
    };
    bool peers_moved;
    int rc;

    if (peers == NULL)
        return err_set(r->e, ERR_MEMORY, "out of memory");
    r->peers = peers;
    rc = read_rows(r, &reader);
    peers_moved = m->peers != NULL && !drift_peers_same(m->peers, peers);
    if (rc == 0)
        rc = judge_hosts(r, from == 0);
    if (rc == 0)
        rc = judge_others(r, peers_moved);
    if (rc == 0)
        rc = put_in_order(m, r->e);
    drift_peers_free(m->peers);
    m->peers = peers;
    return rc;
}

static int refresh(struct fleet_model *m, struct fleet_body *b, const struct drift_floors *floors, struct err *e)
{
    struct refreshing r = { .m = m, .b = b, .e = e };
    struct fleet_mark mark;
    bool goes_on;
    int rc = b->ops->mark(b, &mark, e);

    if (rc != 0)
        return rc;
    goes_on = m->loaded && mark.epoch == m->mark.epoch && mark.from >= m->mark.from && same_floors(floors, &m->floors);
    if (!goes_on) {
        clear(m);
        m->floors = *floors;
        rc = check_size(m, b, e);
    }
    if (rc != 0)
        return rc;
    r.scratch = malloc(sizeof *r.scratch);
    if (r.scratch == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = take_changes(&r, goes_on ? m->mark.from : 0, mark.below);
    free(r.scratch);
    m->mark = mark;
    m->loaded = rc == 0;
    return rc;
}

int fleet_model_refresh(struct fleet_model *m, struct fleet_body *b, const struct drift_floors *floors, struct err *e)
{
    int64_t now = m->clock->monotonic_ns(m->clock);
    int rc;

    if (m->retry_at != 0 && now < m->retry_at)
        return too_big(m, e);
    m->retry_at = 0;
    rc = refresh(m, b, floors, e);
    if (rc != 0)
        clear(m);
    if (rc == ERR_TOO_BIG || rc == ERR_UNSUPPORTED) {
        m->retry_at = now + RETRY_NS;
        log_event(LOG_INFO, "store.no_report_model", LOG_S("why", e != NULL ? e->text : ""));
    }
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

size_t fleet_model_hosts(const struct fleet_model *m)
{
    return m->host_count;
}

const struct host *fleet_model_host(const struct fleet_model *m, size_t place)
{
    assert(place < m->host_count);
    return &m->hosts[place]->j.h;
}

size_t fleet_model_guests(const struct fleet_model *m)
{
    return m->sorted.count;
}

const struct judged_guest *fleet_model_guest(const struct fleet_model *m, size_t i, size_t *place)
{
    const struct kept_guest *g = m->sorted.at[i];

    assert(i < m->sorted.count);
    *place = g->on != NULL ? g->on->place : SIZE_MAX;
    return g->row;
}

int fleet_store_rows(struct fleet_store *s, const struct drift_floors *floors, const struct fleet_rows *take,
                     struct err *e)
{
    const struct fleet_reader agents = { .arg = take->arg, .agent = take->agent };
    struct fleet_body *b = s->body;
    bool more = true, kept = s->model != NULL && !fleet_is_scoped(s);
    int rc = kept ? b->ops->begin(b, false, e) : err_set(e, ERR_UNSUPPORTED, "nothing is kept");

    if (rc == 0)
        rc = fleet_model_refresh(s->model, b, floors, e);
    for (size_t i = 0; rc == 0 && more && i < s->model->host_count; i++)
        more = take->host(take->arg, fleet_model_host(s->model, i), i);
    for (size_t i = 0; rc == 0 && more && i < s->model->sorted.count; i++) {
        size_t place;
        const struct judged_guest *g = fleet_model_guest(s->model, i, &place);

        more = take->guest(take->arg, g, place);
    }
    if (rc == 0)
        rc = b->ops->read(b, &agents, e);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0 && kept)
        b->ops->rollback(b);
    return rc;
}
