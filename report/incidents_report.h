/* The incidents report: what crashed, with which integration services, what
 * else was going on, and what to do, newest first.
 *
 * `hvhub report incidents`, GET /api/v1/reports/incidents and `hvagent replay`
 * print the same: text for people, JSON (hvfleet.report.incidents/1, design.md),
 * CSV (one line an incident, RFC 4180, cells that a spreadsheet would take for a
 * formula defused) and one HTML page that needs nothing from elsewhere.
 */
#ifndef REPORT_INCIDENTS_REPORT_H
#define REPORT_INCIDENTS_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "incidents/incident.h"
#include "incidents/statistics.h"
#include "report/drift_report.h"

/* Crash rates by one grouping; from statistics_groups(), not owned. */
struct incidents_rates {
    enum statistics_grouping grouping;
    const struct statistics_group *groups;
    size_t count;
};

struct incidents_report {
    int64_t now_ns;
    const char *cluster;                     /* only this cluster was asked for; NULL or "" all */
    int64_t since_ns;                        /* only since then; 0 all */
    const struct incident *const *incidents; /* in order of time, the oldest first; not owned */
    size_t count;
    uint64_t more; /* incidents that were left out by a limit */
    /* Fleet statistics; total NULL: none. */
    const struct crash_rate *total;
    const struct incidents_rates *rates;
    size_t rate_count;
    const char *const *sentences; /* comparisons, ready to print (crash_ratio_sentence()) */
    size_t sentence_count;
    bool brief; /* text: the sections without a heading of their own, for a part of another report */
};

/* Appends the report.  ERR_UNSUPPORTED: a format of the drift report's own (ansible, sccm). */
MUST_USE int incidents_report_render(const struct incidents_report *r, enum report_format format,
                                     const struct report_style *style, struct buf *out, struct err *e);

#endif
