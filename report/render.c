/* Which report, in which format: drift_report.h. */
#include "report/report_rows.h"

#include <assert.h>
#include <string.h>

bool report_format_parse(const char *word, enum report_format *out)
{
    static const char *const words[] = { [REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_CSV] = "csv" };

    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum report_format)i;
            return true;
        }
    }
    return false;
}

static int check(const struct buf *out, struct err *e)
{
    if (buf_error(out) == ERR_OK)
        return 0;
    if (buf_error(out) == ERR_MEMORY)
        return err_set(e, ERR_MEMORY, "out of memory for a report");
    return err_set(e, ERR_TOO_BIG, "the report is larger than %zu bytes: ask for one cluster", out->max);
}

int drift_report_render(const struct drift_report *r, enum report_format format, const struct report_style *style,
                        struct buf *out, struct err *e)
{
    assert(r->finished);
    switch (format) {
    case REPORT_TEXT:
        report_drift_text(r, style, out);
        break;
    case REPORT_JSON:
        report_drift_json(r, out);
        break;
    case REPORT_CSV:
        report_drift_csv(r, out);
        break;
    }
    return check(out, e);
}

int hosts_report_render(const struct drift_report *r, enum report_format format, const struct report_style *style,
                        struct buf *out, struct err *e)
{
    assert(r->finished);
    switch (format) {
    case REPORT_TEXT:
        report_hosts_text(r, style, out);
        break;
    case REPORT_JSON:
        report_hosts_json(r, out);
        break;
    case REPORT_CSV:
        report_hosts_csv(r, out);
        break;
    }
    return check(out, e);
}
