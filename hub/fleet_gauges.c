/* See fleet_gauges.h. */
#include "hub/fleet_gauges.h"

#include "base/text.h"
#include "hub/fleet_body.h"

#include <string.h>

void fleet_gauge_finding(struct fleet_gauges *g, const char *kind, uint64_t count)
{
    enum fleet_finding_kind k;

    if (kind != NULL && fleet_finding_parse(kind, &k))
        g->findings[k] += count;
}

/* A version is what an agent says of itself: only what reads as one becomes a label. */
void fleet_gauge_version(struct fleet_gauges *g, const char *version, uint64_t hosts)
{
    struct version v;

    if (g->version_count == GAUGE_VERSIONS_MAX || version == NULL || version_parse(version, &v) == 0) {
        g->other_versions += hosts;
        return;
    }
    text_copy(g->versions[g->version_count].version, sizeof g->versions[0].version, version);
    g->versions[g->version_count++].hosts = hosts;
}

void fleet_gauge_incidents(struct fleet_gauges *g, const char *kind, const char *confidence, uint64_t count)
{
    enum incident_confidence c;
    enum incident_kind k;

    if (kind == NULL || confidence == NULL || !incident_kind_parse(kind, &k))
        return;
    if (incident_confidence_parse(confidence, &c))
        g->incidents[k][c] += count;
    else
        g->incidents[k][CONFIDENCE_COUNT] += count;
}

/* ---- clusters ---------------------------------------------------------------------- */

static uint64_t guests_of(const struct fleet_cluster *c)
{
    uint64_t sum = 0;

    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        sum += c->guests[s];
    return sum;
}

/* Moves the cluster with the fewest guests to the others, when there is one too many. */
static void give_way(struct fleet_gauges *g)
{
    int least = 0;

    if (g->cluster_count <= GAUGE_CLUSTERS_MAX)
        return;
    for (int i = 1; i < g->cluster_count; i++) {
        if (guests_of(&g->clusters[i]) < guests_of(&g->clusters[least]))
            least = i;
    }
    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        g->other_clusters[s] += g->clusters[least].guests[s];
    g->clusters[least] = g->clusters[--g->cluster_count];
}

/* Rows come in order of cluster: when another begins, all that are there are whole. */
static bool take_count(void *arg, const struct fleet_count *c)
{
    struct fleet_gauges *g = (struct fleet_gauges *)arg;
    struct fleet_cluster *last = g->cluster_count > 0 ? &g->clusters[g->cluster_count - 1] : NULL;

    if (c->delta <= 0)
        return true;
    if (last == NULL || strcmp(last->cluster, c->cluster) != 0) {
        give_way(g);
        last = &g->clusters[g->cluster_count++];
        *last = (struct fleet_cluster){ .cluster = "" };
        text_copy(last->cluster, sizeof last->cluster, c->cluster);
    }
    last->guests[c->state] += (uint64_t)c->delta;
    return true;
}

int fleet_store_gauges(struct fleet_store *s, int64_t silent_after_ns, struct fleet_gauges *out, struct err *e)
{
    struct fleet_body *b = s->body;
    int64_t now = s->clock->wall_ns(s->clock);
    int rc = b->ops->begin(b, false, e);

    *out = (struct fleet_gauges){ .version_count = 0 };
    if (rc == 0)
        rc = b->ops->gauges(b, silent_after_ns > 0 ? now - silent_after_ns : INT64_MIN, out, e);
    if (rc == 0)
        rc = b->ops->read_clusters(b, take_count, out, e);
    give_way(out);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}
