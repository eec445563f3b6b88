/* Parts of the incidents' pages.  Private to the dashboard. */
#ifndef HUB_WEB_INCIDENTS_H
#define HUB_WEB_INCIDENTS_H

#include "hub/fleet_incidents.h"
#include "hub/web_parts.h"

enum { WEB_INCIDENT_ROWS = 50 /* on a page of the list */ };

/* How often guests crash, with intervals; cluster NULL or "": the fleet. */
MUST_USE int web_put_rates(struct buf *out, struct fleet_store *s, const struct web_moment *m, const char *cluster,
                           struct err *e);

/* "high" and the like, with a mark. */
void web_confidence(struct buf *out, enum incident_confidence c);

#endif
