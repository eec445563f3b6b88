/* See fleet_scope.h: a body that hands on to another what is within the scope.
 *
 * Rows are asked for cluster by cluster where the other body can pick them out, and looked at once more as they
 * come.  Which hosts are within the scope is read at the beginning of each transaction that asks, so all of an
 * answer is of one moment. */
#include "hub/fleet_scope.h"

#include "base/arena.h"
#include "base/text.h"
#include "hub/fleet_scope_body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool fleet_scope_next(const char **at, char out[FLEET_CLUSTER_MAX])
{
    size_t len;

    while (**at == '\n')
        (*at)++;
    len = strcspn(*at, "\n");
    if (len == 0 || len >= FLEET_CLUSTER_MAX)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

bool fleet_scope_has(const struct fleet_scope *scope, const char *cluster)
{
    const char *at = scope->clusters;
    char one[FLEET_CLUSTER_MAX];

    if (scope->kind != SCOPE_CLUSTERS)
        return scope->kind == SCOPE_FLEET;
    while (cluster[0] != '\0' && fleet_scope_next(&at, one)) {
        if (text_casecmp(one, cluster) == 0)
            return true;
    }
    return false;
}

void fleet_store_scope(struct fleet_store *s, const struct fleet_scope *scope)
{
    s->scoped->scope = *scope;
    s->body = scope->kind == SCOPE_FLEET ? s->scoped->inner : &s->scoped->body;
}

bool fleet_is_scoped(const struct fleet_store *s)
{
    return s->body == &s->scoped->body;
}

/* ---- the hosts of the scope ------------------------------------------------------------- */

struct scoped_body *scoped_body_of(struct fleet_body *b)
{
    return (struct scoped_body *)(void *)b; /* its first member */
}

static void forget_hosts(struct scoped_body *s)
{
    free(s->hosts);
    s->hosts = NULL;
    s->host_count = s->host_cap = 0;
    s->loaded = false;
    arena_reset(&s->arena);
}

static bool add_host(void *arg, const struct host *h)
{
    struct scoped_body *s = (struct scoped_body *)arg;
    size_t cap = s->host_cap == 0 ? 64 : 2 * s->host_cap;
    char *id;

    if (!fleet_scope_has(&s->scope, h->facts.cluster))
        return true;
    if (s->host_count == s->host_cap) {
        const char **grown = realloc(s->hosts, cap * sizeof *grown);

        if (grown == NULL)
            return !(s->failed = true);
        s->hosts = grown;
        s->host_cap = cap;
    }
    id = arena_copy(&s->arena, h->facts.host_id, strlen(h->facts.host_id));
    if (id == NULL)
        return !(s->failed = true);
    s->hosts[s->host_count++] = id;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool scoped_next(const struct scoped_body *s, const char **at, char out[FLEET_CLUSTER_MAX])
{
    if (*at == NULL)
        *at = s->scope.kind == SCOPE_CLUSTERS ? s->scope.clusters : "";
    while (fleet_scope_next(at, out)) {
        const char *before = s->scope.clusters;
        char one[FLEET_CLUSTER_MAX];

        while (fleet_scope_next(&before, one) && text_casecmp(one, out) != 0)
            ;
        if (before == *at) /* not named before in other letters */
            return true;
    }
    return false;
}

int scoped_hosts(struct scoped_body *s, struct err *e)
{
    char cluster[FLEET_CLUSTER_MAX];
    const char *at = NULL;
    int rc = 0;

    if (s->loaded)
        return 0;
    s->failed = false;
    while (rc == 0 && scoped_next(s, &at, cluster)) {
        const struct fleet_reader hosts = { .arg = s, .cluster = cluster, .scoped = true, .host = add_host };

        rc = s->inner->ops->read(s->inner, &hosts, e);
        if (rc == 0 && s->failed)
            rc = err_set(e, ERR_MEMORY, "out of memory for the hosts of some clusters");
    }
    if (rc == 0 && s->host_count > 0)
        qsort(s->hosts, s->host_count, sizeof *s->hosts, by_id);
    s->loaded = rc == 0;
    return rc;
}

bool scoped_host_within(const struct scoped_body *s, const char *host_id)
{
    assert(s->loaded);
    return s->host_count > 0 && bsearch(&host_id, s->hosts, s->host_count, sizeof *s->hosts, by_id) != NULL;
}

/* ---- transactions --------------------------------------------------------------------------- */

static int begin(struct fleet_body *b, bool writing, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);

    assert(!writing);
    forget_hosts(s);
    return s->inner->ops->begin(s->inner, false, e);
}

static int commit(struct fleet_body *b, struct err *e)
{
    struct scoped_body *s = scoped_body_of(b);

    forget_hosts(s);
    return s->inner->ops->commit(s->inner, e);
}

static void rollback(struct fleet_body *b)
{
    struct scoped_body *s = scoped_body_of(b);

    forget_hosts(s);
    s->inner->ops->rollback(s->inner);
}

static const struct fleet_body_ops ops = {
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .host_get = scoped_host_get,
    .guest_get = scoped_guest_get,
    .guest_next_on_host = scoped_guest_next_on_host,
    .read = scoped_read,
    .read_changes = scoped_read_changes,
    .read_findings = scoped_read_findings,
    .read_silent = scoped_read_silent,
    .read_other_agents = scoped_read_other_agents,
    .read_versions = scoped_read_versions,
    .read_counts = scoped_read_counts,
    .read_clusters = scoped_read_clusters,
    .stats = scoped_stats,
    .incident_get = scoped_incident_get,
    .incidents = scoped_incidents,
};

struct scoped_body *scoped_body_new(struct fleet_body *inner)
{
    struct scoped_body *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->body.ops = &ops;
    s->inner = inner;
    arena_init(&s->arena, SCOPED_BYTES_MAX);
    return s;
}

void scoped_body_free(struct scoped_body *s)
{
    if (s == NULL)
        return;
    free(s->hosts);
    arena_free(&s->arena);
    free(s);
}
