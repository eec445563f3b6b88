/* The fleet drift report: one model, several renderings.
 *
 * `hvhub report drift|hosts`, GET /api/v1/reports/drift|hosts and `hvagent
 * replay` all build this model from hosts and guests and render it as text,
 * JSON (hvfleet.report.drift/1, fixed in design.md) or CSV (RFC 4180, with
 * cells that a spreadsheet would take for a formula defused).
 */
#ifndef REPORT_DRIFT_REPORT_H
#define REPORT_DRIFT_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "model/drift.h"
#include "model/fleet.h"
#include "model/guest.h"
#include "model/host.h"

#include <stdbool.h>

struct drift_report;

struct drift_report_options {
    int64_t now_ns;
    const char *cluster;    /* only this cluster; NULL all */
    int64_t since_ns;       /* only guests whose state changed since; 0 all */
    int64_t host_silent_ns; /* a host not heard of this long is a finding; 0 never (captured data) */
    const struct drift_floors *floors;
};

/* Collect: add hosts first (all of the fleet, so that peers and clusters are whole), then guests, then
 * finish.  Copies what it keeps.  Guests are evaluated against their hosts and peers here; kept verdicts
 * give state 1 rows and since.  Removed guests are left out.  A guest is seen as late as its host's newest
 * poll, and stale also when its host is silent.  Over the report's own ceiling: ERR_TOO_BIG. */
MUST_USE int drift_report_new(struct drift_report **out, const struct drift_report_options *options, struct err *e);
MUST_USE int drift_report_host(struct drift_report *r, const struct host *h, struct err *e);
MUST_USE int drift_report_guest(struct drift_report *r, const struct guest *g, struct err *e);
void drift_report_peers(struct drift_report *r, const struct drift_peers *peers); /* not owned; before finish; without
                                                                                     them: those of the guests added */
MUST_USE int drift_report_finish(struct drift_report *r, struct err *e);          /* evaluates, sorts: worst first */
void drift_report_free(struct drift_report *r);

/* From a fleet in memory, in one go. */
MUST_USE int drift_report_of_fleet(struct drift_report **out, struct fleet *f,
                                   const struct drift_report_options *options, struct err *e);

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV };
bool report_format_parse(const char *word, enum report_format *out);

struct report_style {
    bool colour;
    int width; /* columns of the terminal; 0 unlimited */
};

/* The drift report, or the hosts report (nodes of a cluster that differ in expected version or build, silent hosts,
 * hosts that do not say what a verdict needs), appended to out.  style is for text; NULL: no colour, unlimited. */
MUST_USE int drift_report_render(const struct drift_report *r, enum report_format format,
                                 const struct report_style *style, struct buf *out, struct err *e);
MUST_USE int hosts_report_render(const struct drift_report *r, enum report_format format,
                                 const struct report_style *style, struct buf *out, struct err *e);

#endif
