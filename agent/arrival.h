/* Which observations tell that a guest has come up here: what WMI says of it is
 * old then. */
#ifndef AGENT_ARRIVAL_H
#define AGENT_ARRIVAL_H

#include "model/observation.h"

/* When the newest start (18500 and its like) or arrival by migration (20418 and
 * its like) in the batch happened; 0 when there is none.  Pure. */
int64_t arrival_newest(const struct obs_batch *batch);

#endif
