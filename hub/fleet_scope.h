/* What of the fleet a viewer may see: all of it, or some clusters.
 *
 * The scope lies between the fleet store and its body (fleet_body.h), so it holds for whatever is read through the
 * store, by pages, reports and the API alike, and over any database: rows of other clusters do not come up.  What
 * is asked for by name and lies outside is ERR_NOT_FOUND, as if it were not there.
 *
 * A host is in the cluster that it says it is in (ASCII case does not count), a guest where its host is, an incident
 * and a change where the guest was at that time.  Hosts outside of clusters, and guests whose host is not known, are
 * seen with the whole fleet alone.
 *
 * What stays of the rest of the fleet: the versions that verdicts are made with (the highest integration services of
 * each guest build, the newest agent), and what a guest of the scope brought along (an incident may name the host
 * from which a guest came).
 *
 * Of the store's functions, those that read for viewers work within a scope: hosts, guests, agents, findings,
 * changes, days, clusters, incidents, statistics and reports.  fleet_stats has guests and hosts then.  Nothing can be
 * written, and what is not about a part of the fleet (forwarding, gauges, identities) must not be asked for. */
#ifndef HUB_FLEET_SCOPE_H
#define HUB_FLEET_SCOPE_H

#include "hub/fleet_store.h"

enum { FLEET_SCOPE_MAX = 2048 };

enum fleet_scope_kind { SCOPE_NOTHING, SCOPE_CLUSTERS, SCOPE_FLEET };

struct fleet_scope {
    enum fleet_scope_kind kind;
    char clusters[FLEET_SCOPE_MAX]; /* of SCOPE_CLUSTERS, one a line */
};

/* What is read through the store from now on is this of the fleet; the scope is copied.  No reading may be under
 * way.  A new store has the whole fleet. */
void fleet_store_scope(struct fleet_store *s, const struct fleet_scope *scope);

/* The next of the clusters: *at is the rest of the list, and advances.  False at its end. */
bool fleet_scope_next(const char **at, char out[FLEET_CLUSTER_MAX]);

bool fleet_scope_has(const struct fleet_scope *scope, const char *cluster);

#endif
