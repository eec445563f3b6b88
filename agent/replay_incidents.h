/* The incidents of a replay: every observation goes into a case file, and what
 * was known of each guest is kept by time, so that an incident says how the
 * guest stood at its moment and not at the end of the capture. */
#ifndef AGENT_REPLAY_INCIDENTS_H
#define AGENT_REPLAY_INCIDENTS_H

#include "incidents/case_file.h"
#include "model/fleet.h"

#include <stdbool.h>

struct replay_incidents;

/* fleet and floors are the replay's; not owned, and outlive it.  NULL out of memory. */
struct replay_incidents *replay_incidents_new(struct fleet *fleet, const struct drift_floors *floors);
void replay_incidents_free(struct replay_incidents *r);

/* An observation that was applied to the fleet. */
MUST_USE int replay_incidents_add(struct replay_incidents *r, const struct resource *who, const struct observation *o,
                                  struct err *e);

/* The fleet was evaluated: remembers what has changed of its guests as of `time`. */
MUST_USE int replay_incidents_evaluated(struct replay_incidents *r, int64_t time, struct err *e);

/* All of them, in order of time; free with incident_list_free(). */
MUST_USE int replay_incidents_list(struct replay_incidents *r, struct incident_list *out, struct err *e);

#endif
