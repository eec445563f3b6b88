/* A finished report in a few numbers and lines, for what has no room for all of it
 * (a chat message, a mail's subject). */
#ifndef REPORT_REPORT_SUMMARY_H
#define REPORT_REPORT_SUMMARY_H

#include "report/drift_report.h"

#include <stddef.h>
#include <stdint.h>

struct report_summary {
    size_t guests, hosts;
    size_t by_state[DRIFT_STATE_COUNT];
    size_t need_a_look;   /* guests that are neither current nor not-applicable */
    size_t problems;      /* those of them in a state worse than unknown */
    size_t host_findings; /* hosts about which there is a finding */
    /* Of what is not fine: which guest is in which state, which host has which findings.  The same for
     * the same, whatever the order and the time; different, as good as always, for anything else. */
    uint64_t fingerprint;
};
void drift_report_summary(const struct drift_report *r, struct report_summary *out);

/* One line: texts belong to the report. */
struct report_line {
    const char *name; /* a guest's or a host's */
    const char *host; /* a guest's; "" for a host */
    const char *cluster;
    const char *state; /* a guest's; "" for a host */
    const char *text;  /* what to do about a guest, what was found about a host */
};

/* The guests that need a look, worst first; the hosts about which there is a finding.  False when there is
 * no i-th one.  *from (0 at first) is where the next call goes on. */
bool drift_report_next_guest(const struct drift_report *r, size_t *from, struct report_line *out);
bool drift_report_next_host(const struct drift_report *r, size_t *from, struct report_line *out);

/* Is a guest in this state one to be told about? */
bool drift_state_is_problem(enum drift_state state);

#endif
