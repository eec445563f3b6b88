/* Which format, and what several of them say: incidents_report.h. */
#include "report/incidents_report.h"

#include "report/incidents_rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 1e15 /* of what is shown; more is no rate */

const char incidents_rates_note[] =
    "Crashes per 1,000 guest-days with 95 % intervals. Groups that differ in their rate may differ in much else: "
    "rates say what goes together, not what is the cause.";

const struct incident *incidents_newest(const struct incidents_report *r, size_t n)
{
    assert(n < r->count);
    return r->incidents[r->count - 1 - n];
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many different ones; "" does not count. */
static size_t distinct(const char **texts, size_t count)
{
    size_t n = 0;

    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++)
        n += texts[i][0] != '\0' && (i == 0 || strcmp(texts[i], texts[i - 1]) != 0);
    return n;
}

int incidents_summary(const struct incidents_report *r, struct incidents_summary *out, struct err *e)
{
    const char **texts = calloc(r->count + 1, sizeof *texts);

    *out = (struct incidents_summary){ 0 };
    if (texts == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    for (size_t n = 0; n < r->count; n++) {
        out->by_kind[r->incidents[n]->kind]++;
        out->explained += r->incidents[n]->finding_count > 0;
        texts[n] = r->incidents[n]->vm_id;
    }
    out->guests = distinct(texts, r->count);
    for (size_t n = 0; n < r->count; n++)
        texts[n] = r->incidents[n]->host_id[0] != '\0' ? r->incidents[n]->host_id : r->incidents[n]->host_name;
    out->hosts = distinct(texts, r->count);
    free(texts);
    return 0;
}

const char *incidents_grouping_title(enum statistics_grouping g)
{
    static const char *const titles[STATISTICS_GROUPING_COUNT] = {
        [BY_DRIFT_STATE] = "state of the integration services",
        [BY_GUEST_OS] = "guest OS",
        [BY_MODULE] = "blamed module",
        [BY_BUCKET] = "bucket",
        [BY_DRIVER_VERSION] = "driver version",
        [BY_ORIGIN] = "origin of what is blamed",
        [BY_BUGCHECK] = "kind of crash",
    };

    assert(g < STATISTICS_GROUPING_COUNT);
    return titles[g];
}

/* Three digits that mean something, and no power of ten. */
static void put_number(char *out, size_t size, double n)
{
    snprintf(out, size, "%.*f", n >= 100 ? 0 : n >= 10 ? 1 : 2, n);
}

const char *incidents_rate(const struct crash_rate *rate, char out[INCIDENTS_RATE_MAX])
{
    char per_1000[24], low[24], high[24];

    out[0] = '\0';
    if (!rate->known || !(rate->high < RATE_MAX))
        return out;
    put_number(per_1000, sizeof per_1000, rate->per_1000);
    put_number(low, sizeof low, rate->low);
    put_number(high, sizeof high, rate->high);
    snprintf(out, INCIDENTS_RATE_MAX, "%s (%s to %s)", per_1000, low, high);
    return out;
}

int incidents_report_render(const struct incidents_report *r, enum report_format format,
                            const struct report_style *style, struct buf *out, struct err *e)
{
    int rc = 0;

    switch (format) {
    case REPORT_TEXT:
        rc = incidents_report_text(r, style, out, e);
        break;
    case REPORT_JSON:
        rc = incidents_report_json(r, out, e);
        break;
    case REPORT_CSV:
        rc = incidents_report_csv(r, out, e);
        break;
    case REPORT_HTML:
        rc = incidents_report_html(r, out, e);
        break;
    case REPORT_ANSIBLE:
    case REPORT_SCCM:
        return err_set(e, ERR_UNSUPPORTED,
                       "the incidents report has no format for upgrading tools: that is of the drift report");
    }
    if (rc != 0)
        return rc;
    if (buf_error(out) == ERR_MEMORY)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    if (buf_error(out) != ERR_OK)
        return err_set(e, ERR_TOO_BIG, "the report is larger than %zu bytes: ask for one cluster, or a shorter time",
                       out->max);
    return 0;
}
