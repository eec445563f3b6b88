/* hvfleet.report.incidents/1 (design, "JSON that others rely on"): the incidents as incident_json() writes them,
 * newest first, with a summary and the statistics.  What is not known is null. */
#include "report/incidents_rows.h"
#include "report/json_write.h"

#include <math.h>

static void decimal(struct buf *out, const char *name, double value, bool known)
{
    report_json_key(out, name);
    if (known && isfinite(value))
        buf_printf(out, "%.6g", value);
    else
        buf_str(out, "null");
}

static void rate_members(struct buf *out, const struct crash_rate *rate)
{
    report_json_number(out, "crashes", (int64_t)rate->crashes);
    decimal(out, "guest_days", rate->guest_days, rate->guest_days > 0);
    decimal(out, "per_1000_guest_days", rate->per_1000, rate->known);
    decimal(out, "low", rate->low, rate->known);
    decimal(out, "high", rate->high, rate->known);
}

static void grouping(struct buf *out, const struct incidents_rates *rates)
{
    report_json_key(out, statistics_grouping_name(rates->grouping));
    buf_char(out, '[');
    for (size_t n = 0; n < rates->count; n++) {
        const struct statistics_group *g = &rates->groups[n];

        buf_str(out, n > 0 ? ",{" : "{");
        report_json_key(out, "label");
        report_json_string(out, g->label);
        rate_members(out, &g->rate);
        report_json_flag(out, "own_guest_days", g->own_days);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}

static void statistics(const struct incidents_report *r, struct buf *out)
{
    report_json_key(out, "statistics");
    if (r->total == NULL) {
        buf_str(out, "null");
        return;
    }
    buf_char(out, '{');
    report_json_key(out, "total");
    buf_char(out, '{');
    rate_members(out, r->total);
    buf_char(out, '}');
    report_json_key(out, "by");
    buf_char(out, '{');
    for (size_t n = 0; n < r->rate_count; n++)
        grouping(out, &r->rates[n]);
    buf_char(out, '}');
    report_json_key(out, "comparisons");
    buf_char(out, '[');
    for (size_t n = 0; n < r->sentence_count; n++) {
        if (n > 0)
            buf_char(out, ',');
        report_json_string(out, r->sentences[n]);
    }
    buf_str(out, "],\"note\":");
    report_json_string(out, incidents_rates_note);
    buf_char(out, '}');
}

static void summary(const struct incidents_report *r, const struct incidents_summary *s, struct buf *out)
{
    report_json_key(out, "summary");
    buf_char(out, '{');
    report_json_number(out, "incidents", (int64_t)r->count);
    report_json_number(out, "more", (int64_t)r->more);
    report_json_number(out, "guests", (int64_t)s->guests);
    report_json_number(out, "hosts", (int64_t)s->hosts);
    report_json_number(out, "with_findings", (int64_t)s->explained);
    report_json_key(out, "by_kind");
    buf_char(out, '{');
    for (int k = 0; k < INCIDENT_KIND_COUNT; k++)
        report_json_number(out, incident_kind_name((enum incident_kind)k), (int64_t)s->by_kind[k]);
    buf_str(out, "}}");
}

int incidents_report_json(const struct incidents_report *r, struct buf *out, struct err *e)
{
    struct incidents_summary s;
    int rc = incidents_summary(r, &s, e);

    if (rc != 0)
        return rc;
    buf_char(out, '{');
    report_json_text(out, "schema", "hvfleet.report.incidents/1");
    report_json_time(out, "generated_at", r->now_ns);
    report_json_text(out, "cluster", r->cluster != NULL ? r->cluster : "");
    report_json_time(out, "since", r->since_ns);
    summary(r, &s, out);
    report_json_key(out, "incidents");
    buf_char(out, '[');
    for (size_t n = 0; rc == 0 && n < r->count; n++) {
        if (n > 0)
            buf_char(out, ',');
        rc = incident_json(incidents_newest(r, n), out, e);
    }
    buf_char(out, ']');
    statistics(r, out);
    buf_str(out, "}\n");
    return rc;
}
