/* The agent's evidence as JSON (docs/status-socket.md; the fixed keys are those
 * of design.md).  Pure: everything comes in, a tree comes out. */
#ifndef AGENT_STATUS_JSON_H
#define AGENT_STATUS_JSON_H

#include "agent/agent_parts.h"

#include <jansson.h>

/* What is known at one moment. */
struct status_view {
    const struct agent *agent;
    const struct store_stats *stats;
    bool stats_old; /* the store did not answer in time: the newest known ones */
    struct health health;
    struct health_source *sources; /* owned */
    size_t source_count;
    struct sender_status sender;
    bool shipping; /* hub.url is set, and there is a certificate where one is wanted */
    struct enrolment_status enrolment;
    int64_t busy_ns;
};

/* Collects and judges.  ERR_MEMORY.  Free with status_view_free(). */
MUST_USE int status_view_of(struct agent *a, const struct store_stats *stats, bool stats_old, struct status_view *out);
void status_view_free(struct status_view *v);

/* NULL out of memory; the caller's. */
json_t *status_json(const struct status_view *v);
json_t *metrics_json(const struct status_view *v);

/* One guest as the store knows it. */
json_t *guest_json(const struct guest *g);

#endif
