/* A report from the fleet store: what `hvhub report` prints and what
 * GET /api/v1/reports/... answers, made by the same code. */
#ifndef HUB_FLEET_REPORT_H
#define HUB_FLEET_REPORT_H

#include "base/buf.h"
#include "hub/fleet_store.h"
#include "report/drift_report.h"

/* The incidents report is made by fleet_incidents_report.h. */
enum report_kind { REPORT_DRIFT, REPORT_HOSTS, REPORT_INCIDENTS };
bool report_kind_parse(const char *word, enum report_kind *out); /* "drift", "hosts", "incidents" */

struct report_query {
    enum report_kind kind;
    enum report_format format;
    char cluster[FLEET_CLUSTER_MAX]; /* "" all */
    int64_t since_ns;                /* 0 all */
    int64_t now_ns;
    int64_t host_silent_ns;
    struct drift_floors floors;
    struct report_style style;
};

/* Ansible inventories and SCCM lists are made from the drift report alone. */
bool report_format_fits(enum report_kind kind, enum report_format format);

/* A point in time, or how long ago: "2026-01-31T08:00:00Z", "2026-01-31", "90s", "30m", "24h", "7d".  False on
 * anything else, and for a time after now. */
bool report_since_parse(const char *text, int64_t now_ns, int64_t *out);

/* The report of one moment of the fleet, to be rendered in any number of formats (q->format); free it with
 * drift_report_free().  Of a store that keeps the fleet in memory (model_max): before the store is next asked for a
 * report or for rows (fleet_model.h), and before it is closed. */
MUST_USE int fleet_report_make(struct fleet_store *s, const struct report_query *q, struct drift_report **out,
                               struct err *e);
MUST_USE int fleet_report_render(const struct drift_report *r, const struct report_query *q, struct buf *out,
                                 struct err *e);

/* Both in one: appends the report to out. */
MUST_USE int fleet_report(struct fleet_store *s, const struct report_query *q, struct buf *out, struct err *e);

#endif
