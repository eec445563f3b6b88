/* An incident's timeline as a picture: SVG without script or style of its own, for the HTML report and the dashboard.
 *
 * One lane for each kind of thing that happened; time runs from left to right, and the nearer to the crash, the wider
 * it is drawn, so that the hour before and the second of the crash are both to be seen.  What the picture shows is in
 * the table of the timeline too, which is there for those who cannot see it.
 *
 * Colours come from the page's style sheet by classes: timeline axis now mark sign gap.
 */
#ifndef REPORT_INCIDENT_CHART_H
#define REPORT_INCIDENT_CHART_H

#include "base/buf.h"
#include "incidents/incident.h"

/* Appends <svg>...</svg>; nothing for a timeline of nothing but the crash, or without a time of the crash. */
void incident_chart(const struct incident *i, struct buf *out);

#endif
