/* What /metrics tells of the fleet beyond fleet_stats: counted by the database,
 * without reading hosts and guests, and bounded whatever the fleet is like. */
#ifndef HUB_FLEET_GAUGES_H
#define HUB_FLEET_GAUGES_H

#include "base/error.h"
#include "hub/fleet_store.h"
#include "incidents/incident.h"

#include <stdint.h>

enum {
    GAUGE_VERSIONS_MAX = 10, /* agent versions told apart: those with most hosts */
    GAUGE_CLUSTERS_MAX = 32, /* clusters told apart: those with most guests */
};

struct fleet_gauges {
    uint64_t findings[FINDING_KIND_COUNT]; /* stored kinds, and silent hosts; old-agent is left at 0 */
    struct gauge_version {
        char version[HOST_AGENT_VERSION_MAX];
        uint64_t hosts;
    } versions[GAUGE_VERSIONS_MAX];
    int version_count;
    uint64_t other_versions;                               /* hosts with another version, or none that reads as one */
    struct fleet_cluster clusters[GAUGE_CLUSTERS_MAX + 1]; /* in no order; the last place is for counting */
    int cluster_count;
    uint64_t other_clusters[DRIFT_STATE_COUNT];
    uint64_t incidents[INCIDENT_KIND_COUNT][CONFIDENCE_COUNT + 1]; /* by the surest finding; the last: none */
    uint64_t notes;                                                /* of what may change incidents, not taken up */
};

/* silent_after_ns: as report.host_silent_after; 0: no host is silent. */
MUST_USE int fleet_store_gauges(struct fleet_store *s, int64_t silent_after_ns, struct fleet_gauges *out,
                                struct err *e);

/* For the bodies: one row each; what does not fit goes to the others. */
void fleet_gauge_finding(struct fleet_gauges *g, const char *kind, uint64_t count);
void fleet_gauge_version(struct fleet_gauges *g, const char *version, uint64_t hosts); /* those with most hosts first */
void fleet_gauge_incidents(struct fleet_gauges *g, const char *kind, const char *confidence, uint64_t count);

#endif
