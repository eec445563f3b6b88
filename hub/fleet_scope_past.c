/* The scoped body's readers of the past (fleet_scope.h): changes, daily counts, incidents. */
#include "base/text.h"
#include "hub/fleet_scope_body.h"

#include <stdlib.h>
#include <string.h>

/* The one cluster of the scope; NULL when there are more. */
static const char *only_cluster(const struct scoped_body *s, char out[FLEET_CLUSTER_MAX])
{
    char second[FLEET_CLUSTER_MAX];
    const char *at = NULL;

    return scoped_next(s, &at, out) && !scoped_next(s, &at, second) ? out : NULL;
}

/* ---- changes ---------------------------------------------------------------------------- */

struct changes {
    const struct scoped_body *s;
    fleet_take_change *take;
    void *arg;
    int left; /* rows; -1 any number */
};

/* A guest that came from a host outside of the scope: from where is not said. */
static bool pass_change(void *arg, const struct fleet_change *c)
{
    struct changes *g = (struct changes *)arg;
    struct fleet_change shown = *c;

    if (!fleet_scope_has(&g->s->scope, c->cluster))
        return true;
    if (c->kind == CHANGE_HOST && !scoped_host_within(g->s, c->from))
        shown.from[0] = '\0';
    if (g->left > 0)
        g->left--;
    return g->take(g->arg, &shown) && g->left != 0;
}

int scoped_read_changes(struct fleet_body *b, const struct fleet_change_query *q, fleet_take_change *take, void *arg,
                        struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct changes g = { s, take, arg, q->limit > 0 ? q->limit : -1 };
    struct fleet_change_query inner = *q;
    char cluster[FLEET_CLUSTER_MAX];
    int rc = scoped_hosts(s, e);

    if (q->cluster == NULL)
        inner.cluster = only_cluster(s, cluster);
    if (inner.cluster == NULL)
        inner.limit = 0; /* rows of others do not count */
    if (rc != 0 || s->scope.kind != SCOPE_CLUSTERS ||
        (inner.cluster != NULL && !fleet_scope_has(&s->scope, inner.cluster)))
        return rc;
    return s->inner->ops->read_changes(s->inner, &inner, pass_change, &g, e);
}

/* ---- counts ------------------------------------------------------------------------------- */

struct counts {
    const struct scoped_body *s;
    struct fleet_count *rows;
    size_t count, cap;
    bool failed;
};

static bool keep_count(void *arg, const struct fleet_count *c)
{
    struct counts *g = (struct counts *)arg;
    size_t cap = g->cap == 0 ? 256 : 2 * g->cap;

    if (!fleet_scope_has(&g->s->scope, c->cluster))
        return true;
    if (g->count == g->cap) {
        struct fleet_count *grown = realloc(g->rows, cap * sizeof *grown);

        if (grown == NULL)
            return !(g->failed = true);
        g->rows = grown;
        g->cap = cap;
    }
    g->rows[g->count++] = *c;
    return true;
}

static int by_day(const void *a, const void *b)
{
    const struct fleet_count *x = a, *y = b;

    return x->day < y->day ? -1 : x->day > y->day;
}

/* Was the name read before, as one of the first `count` rows or of the scope's own words? */
static bool was_read(const struct counts *names, size_t count, const char *name)
{
    const char *at = NULL;
    char one[FLEET_CLUSTER_MAX];

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names->rows[i].cluster, name) == 0)
            return true;
    }
    while (scoped_next(names->s, &at, one)) {
        if (strcmp(one, name) == 0)
            return true;
    }
    return false;
}

/* Counts lie under the cluster's name as hosts write it, which may be in several ways. */
static int read_all_counts(struct scoped_body *s, struct counts *out, struct err *e)
{
    struct counts names = { .s = s };
    char cluster[FLEET_CLUSTER_MAX];
    const char *at = NULL;
    int rc = s->inner->ops->read_clusters(s->inner, keep_count, &names, e);

    while (rc == 0 && scoped_next(s, &at, cluster))
        rc = s->inner->ops->read_counts(s->inner, cluster, keep_count, out, e);
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        if (!was_read(&names, i, names.rows[i].cluster))
            rc = s->inner->ops->read_counts(s->inner, names.rows[i].cluster, keep_count, out, e);
    }
    if (rc == 0 && (names.failed || out->failed))
        rc = err_set(e, ERR_MEMORY, "out of memory for the daily counts");
    free(names.rows);
    return rc;
}

int scoped_read_counts(struct fleet_body *b, const char *cluster, fleet_take_count *take, void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct counts all = { .s = s };
    int rc;

    if (cluster != NULL)
        return fleet_scope_has(&s->scope, cluster) ? s->inner->ops->read_counts(s->inner, cluster, take, arg, e) : 0;
    rc = read_all_counts(s, &all, e);
    if (rc == 0 && all.count > 0)
        qsort(all.rows, all.count, sizeof *all.rows, by_day);
    for (size_t i = 0; rc == 0 && i < all.count; i++) {
        all.rows[i].cluster[0] = '\0';
        if (!take(arg, &all.rows[i]))
            break;
    }
    free(all.rows);
    return rc;
}

struct clusters {
    const struct scoped_body *s;
    fleet_take_count *take;
    void *arg;
};

static bool pass_cluster(void *arg, const struct fleet_count *c)
{
    const struct clusters *g = (const struct clusters *)arg;

    return !fleet_scope_has(&g->s->scope, c->cluster) || g->take(g->arg, c);
}

int scoped_read_clusters(struct fleet_body *b, fleet_take_count *take, void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct clusters g = { s, take, arg };

    return s->inner->ops->read_clusters(s->inner, pass_cluster, &g, e);
}

static bool sum_guests(void *arg, const struct fleet_count *c)
{
    struct fleet_stats *out = (struct fleet_stats *)arg;

    if (c->delta > 0) {
        out->guests += (uint64_t)c->delta;
        out->guests_by_state[c->state] += (uint64_t)c->delta;
    }
    return true;
}

int scoped_stats(struct fleet_body *b, struct fleet_stats *out, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    int rc = scoped_hosts(s, e);

    *out = (struct fleet_stats){ .hosts = s->host_count };
    return rc != 0 ? rc : scoped_read_clusters(b, sum_guests, out, e);
}

/* ---- incidents ---------------------------------------------------------------------------- */

struct incidents {
    const struct scoped_body *s;
    fleet_take_incident_row *take;
    void *arg;
    int left; /* rows; -1 any number */
};

static bool pass_incident(void *arg, const struct fleet_incident_row *r)
{
    struct incidents *g = (struct incidents *)arg;

    if (!fleet_scope_has(&g->s->scope, r->cluster))
        return true;
    if (g->left > 0)
        g->left--;
    return g->take(g->arg, r) && g->left != 0;
}

int scoped_incident_get(struct fleet_body *b, const char *id, fleet_take_incident_row *take, void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct incidents g = { s, take, arg, -1 };

    return s->inner->ops->incident_get(s->inner, id, pass_incident, &g, e);
}

int scoped_incidents(struct fleet_body *b, const struct fleet_incident_query *q, fleet_take_incident_row *take,
                     void *arg, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);
    struct incidents g = { s, take, arg, q->limit > 0 ? q->limit : -1 };
    struct fleet_incident_query inner = *q;
    char cluster[FLEET_CLUSTER_MAX];

    if (q->cluster == NULL)
        inner.cluster = only_cluster(s, cluster);
    if (inner.cluster == NULL)
        inner.limit = 0;
    if (s->scope.kind != SCOPE_CLUSTERS || (inner.cluster != NULL && !fleet_scope_has(&s->scope, inner.cluster)))
        return 0;
    return s->inner->ops->incidents(s->inner, &inner, pass_incident, &g, e);
}
