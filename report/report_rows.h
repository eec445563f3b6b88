/* The drift report as its renderers see it.  Private to report/.
 *
 * All texts are in the report's arena, never NULL ("" where unknown), valid
 * UTF-8 without control characters.
 */
#ifndef REPORT_REPORT_ROWS_H
#define REPORT_REPORT_ROWS_H

#include "base/arena.h"
#include "report/drift_report.h"

struct report_host {
    struct host h;
    const char *name;    /* host name, or its id where it has none */
    const char *finding; /* sentences joined by "; "; "" none */
    bool shown;          /* within the cluster asked for */
    size_t guests;       /* rows on it */
};

struct report_guest {
    struct drift_kept kept;
    struct drift_kept was; /* the verdict that came with the guest */
    enum guest_family family;
    enum guest_power power;
    const struct report_host *on; /* NULL unknown */
    const char *vm_id, *name;
    const char *host, *host_id, *cluster;
    const char *os_name, *os_version;
    const char *guest_version, *expected_version;
    const char *reason, *action; /* action: static */
    const char **evidence;
    int evidence_count;
    int64_t is_since; /* of guest_version */
    int64_t last_seen;
    int64_t last_crash;
    const char *last_crash_code;
};

struct drift_report {
    struct arena arena;
    struct drift_report_options options;
    struct report_host **hosts; /* in order of id until finished, then of cluster and name */
    size_t host_count, host_cap;
    bool hosts_sorted;
    struct report_guest *guests; /* worst first once finished */
    size_t guest_count, guest_cap;
    struct drift_peers *seen_peers;  /* of the guests added */
    const struct drift_peers *peers; /* given from outside; NULL: seen_peers */
    size_t by_state[DRIFT_STATE_COUNT];
    size_t hosts_shown;
    bool finished;
};

/* How bad a state is: 0 the worst.  Reports list by it. */
int report_severity(enum drift_state state);

/* Fills the hosts' findings: nodes of a cluster that differ, hosts that are
 * silent or do not say what is needed.  Hosts must be in order of cluster. */
MUST_USE int report_find_hosts(struct drift_report *r, struct err *e);

void report_drift_text(const struct drift_report *r, const struct report_style *style, struct buf *out);
void report_drift_json(const struct drift_report *r, struct buf *out);
void report_drift_csv(const struct drift_report *r, struct buf *out);
void report_hosts_text(const struct drift_report *r, const struct report_style *style, struct buf *out);
void report_hosts_json(const struct drift_report *r, struct buf *out);
void report_hosts_csv(const struct drift_report *r, struct buf *out);

#endif
