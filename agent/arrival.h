/* Which observations tell that a guest has come up here, so that what WMI said of
 * it is old, and which that the cluster has changed, so that what the host said of
 * itself may be. */
#ifndef AGENT_ARRIVAL_H
#define AGENT_ARRIVAL_H

#include "model/observation.h"

#include <stdbool.h>

/* When the newest start (18500 and its like) or arrival by migration (20418 and
 * its like) in the batch happened; 0 when there is none.  Pure. */
int64_t arrival_newest(const struct obs_batch *batch);

/* Whether anything in the batch is of the host's cluster.  Pure. */
bool arrival_of_cluster(const struct obs_batch *batch);

#endif
