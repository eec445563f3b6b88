/* The fleet drift report: one model, several renderings.
 *
 * `hvhub report drift|hosts`, GET /api/v1/reports/drift|hosts and `hvagent
 * replay` all build this model from hosts and guests and render it as text,
 * JSON (hvfleet.report.drift/1, fixed in design.md), CSV (RFC 4180, with cells
 * that a spreadsheet would take for a formula defused) or one HTML page that
 * needs nothing from elsewhere; and as the lists that upgrading tools take.
 */
#ifndef REPORT_DRIFT_REPORT_H
#define REPORT_DRIFT_REPORT_H

#include "base/buf.h"
#include "base/error.h"
#include "model/drift.h"
#include "model/fleet.h"
#include "model/guest.h"
#include "model/host.h"
#include "report/judged.h"

#include <stdbool.h>

struct drift_report;

struct drift_report_options {
    int64_t now_ns;
    const char *cluster;    /* only this cluster; NULL all */
    int64_t since_ns;       /* only guests whose state changed since; 0 all */
    bool has_history;       /* drift_report_change() is called for every change of state since since_ns */
    int64_t host_silent_ns; /* a host not heard of this long is a finding; 0 never (captured data) */
    const struct drift_floors *floors;
};

/* Collect: add hosts first (all of the fleet, so that clusters are whole), then the peers, then guests, then
 * finish.  Copies what it keeps.  Guests are evaluated against their hosts and peers here; kept verdicts
 * give state 1 rows and since.  Removed guests are left out.  A guest is seen as late as its host's newest
 * poll, and stale also when its host is silent.  Over the report's own ceiling: ERR_TOO_BIG. */
MUST_USE int drift_report_new(struct drift_report **out, const struct drift_report_options *options, struct err *e);
MUST_USE int drift_report_host(struct drift_report *r, const struct host *h, struct err *e);
MUST_USE int drift_report_guest(struct drift_report *r, const struct guest *g, struct err *e);
/* Not owned.  Best before the first guest: later, or without them (then: those of the guests added), guests of row 10
 * are judged twice. */
void drift_report_peers(struct drift_report *r, const struct drift_peers *peers);
/* Instead of drift_report_guest(): guests that were judged before, in their order (judged_guest_order()).  host says
 * which of the hosts added it is on, counted from 0 (they must have been added in order of id); SIZE_MAX: none.  Not
 * copied: the rows must stay until the report is freed. */
MUST_USE int drift_report_judged(struct drift_report *r, const struct judged_guest *j, size_t host, struct err *e);

/* What the hub knows of hosts and their past, after the hosts were added, before finish; what is about an unknown
 * host is left out.
 * heard: when the newest word from the host came, by our clock (silence is judged by it; without it by the host's).
 * note: a finding, by its kind's name ("gap") and sentence; since 0 not known.
 * change: one change of state ("" not there) since since_ns, the oldest first. */
void drift_report_heard(struct drift_report *r, const char *host_id, int64_t received_ns);
MUST_USE int drift_report_note(struct drift_report *r, const char *host_id, const char *kind, int64_t since,
                               const char *text, struct err *e);
MUST_USE int drift_report_change(struct drift_report *r, const char *vm_id, const char *cluster, const char *from,
                                 const char *to, struct err *e);
MUST_USE int drift_report_finish(struct drift_report *r, struct err *e); /* evaluates, sorts: worst first */
void drift_report_free(struct drift_report *r);

/* From a fleet in memory, in one go. */
MUST_USE int drift_report_of_fleet(struct drift_report **out, struct fleet *f,
                                   const struct drift_report_options *options, struct err *e);

/* Words: text json csv html ansible sccm.  The last two are of the drift report alone: the guests that an upgrade
 * mends, as an Ansible inventory (YAML) and as a CSV of computer names for SCVMM or Configuration Manager. */
enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_HTML, REPORT_ANSIBLE, REPORT_SCCM };
bool report_format_parse(const char *word, enum report_format *out);
const char *report_format_type(enum report_format format); /* its media type */

struct report_style {
    bool colour;
    int width; /* columns of the terminal; 0 unlimited */
};

/* About how many bytes the drift report takes: for room that is made once. */
size_t drift_report_size(const struct drift_report *r, enum report_format format);

/* The drift report, or the hosts report (nodes of a cluster that differ in expected version or build, silent hosts,
 * hosts that do not say what a verdict needs, and what was noted), appended to out.  style is for text; NULL: no
 * colour, unlimited.  ERR_UNSUPPORTED: the hosts report in a format of the drift report's own. */
MUST_USE int drift_report_render(const struct drift_report *r, enum report_format format,
                                 const struct report_style *style, struct buf *out, struct err *e);
MUST_USE int hosts_report_render(const struct drift_report *r, enum report_format format,
                                 const struct report_style *style, struct buf *out, struct err *e);

#endif
