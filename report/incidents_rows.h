/* The incidents report's renderings, one file a format.  Private to report/. */
#ifndef REPORT_INCIDENTS_ROWS_H
#define REPORT_INCIDENTS_ROWS_H

#include "report/incidents_report.h"

/* What a report's heading says. */
struct incidents_summary {
    size_t guests, hosts; /* that are named */
    size_t explained;     /* incidents with a finding */
    size_t by_kind[INCIDENT_KIND_COUNT];
};
MUST_USE int incidents_summary(const struct incidents_report *r, struct incidents_summary *out, struct err *e);

/* The newest is 0. */
const struct incident *incidents_newest(const struct incidents_report *r, size_t n);

/* "By state of integration services" */
const char *incidents_grouping_title(enum statistics_grouping g);

/* "7.5 (3.4 to 14.2)" crashes per 1,000 guest-days, "" when not known. */
enum { INCIDENTS_RATE_MAX = 96 };
const char *incidents_rate(const struct crash_rate *rate, char out[INCIDENTS_RATE_MAX]);

/* What a reader must know of the rates below it. */
extern const char incidents_rates_note[];

/* Each appends to out, which keeps any error of its own. */
MUST_USE int incidents_report_text(const struct incidents_report *r, const struct report_style *style, struct buf *out,
                                   struct err *e);
MUST_USE int incidents_report_json(const struct incidents_report *r, struct buf *out, struct err *e);
MUST_USE int incidents_report_csv(const struct incidents_report *r, struct buf *out, struct err *e);
MUST_USE int incidents_report_html(const struct incidents_report *r, struct buf *out, struct err *e);

#endif
