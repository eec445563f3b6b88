/* /metrics: one set of figures, in the two formats that scrapers ask for.
 *
 * Sources: Prometheus' "Exposition formats" (text, version 0.0.4) and the
 * OpenMetrics specification, version 1.0.0.  They differ in how counters are
 * announced (OpenMetrics names the family, without _total), in units, in the
 * type info, and in the closing # EOF.
 *
 * Labels are bounded whatever the fleet is like: words from our own tables, and of
 * clusters and agent versions only the largest (fleet_gauges.h); the rest is a figure of its own.
 */
#ifndef HUB_METRICS_H
#define HUB_METRICS_H

#include "base/buf.h"
#include "hub/counters.h"
#include "hub/fleet_forward.h"
#include "hub/fleet_gauges.h"
#include "hub/fleet_store.h"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

/* By an Accept header (RFC 9110, section 12.5.1; NULL: none): the format with the higher quality, and of two that are
 * equal OpenMetrics when it was asked for by name.  Whoever takes neither gets text. */
enum metrics_format metrics_negotiate(const char *accept);
const char *metrics_type(enum metrics_format format); /* Content-Type */

/* What was read from the store; a part that could not be read is left out. */
struct metrics_fleet {
    bool has_stats, has_gauges;
    struct fleet_stats stats;
    struct fleet_gauges gauges;
    struct fleet_forward_target targets[FORWARD_KINDS];
    int target_count;
    int64_t now_ns;
};
void metrics_read(struct metrics_fleet *out, struct fleet_store *s, int64_t now_ns, int64_t host_silent_ns);

void metrics_render(const struct counters *c, const struct metrics_fleet *fleet, enum metrics_format format,
                    struct buf *out);

#endif
