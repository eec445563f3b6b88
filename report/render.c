/* Which report, in which format: drift_report.h. */
#include "report/report_rows.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *word, *type;
    size_t guest_bytes; /* what a guest takes, about: seen over made fleets */
} formats[] = {
    [REPORT_TEXT] = { "text", "text/plain; charset=utf-8", 150 },
    [REPORT_JSON] = { "json", "application/json", 1020 },
    [REPORT_CSV] = { "csv", "text/csv; charset=utf-8", 660 },
    [REPORT_HTML] = { "html", "text/html; charset=utf-8", 210 },
    [REPORT_ANSIBLE] = { "ansible", "application/yaml", 250 },
    [REPORT_SCCM] = { "sccm", "text/csv; charset=utf-8", 110 },
};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

bool report_format_parse(const char *word, enum report_format *out)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(formats[i].word, word) == 0) {
            *out = (enum report_format)i;
            return true;
        }
    }
    return false;
}

const char *report_format_type(enum report_format format)
{
    assert((int)format < FORMAT_COUNT);
    return formats[format].type;
}

size_t drift_report_size(const struct drift_report *r, enum report_format format)
{
    assert((int)format < FORMAT_COUNT);
    return r->guest_count * formats[format].guest_bytes;
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
    case REPORT_HTML:
        report_drift_html(r, out);
        break;
    case REPORT_ANSIBLE:
        report_drift_ansible(r, out);
        break;
    case REPORT_SCCM:
        report_drift_sccm(r, out);
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
    case REPORT_HTML:
        report_hosts_html(r, out);
        break;
    case REPORT_ANSIBLE:
    case REPORT_SCCM:
        return err_set(e, ERR_UNSUPPORTED, "the hosts report has no format %s: it is made from the drift report",
                       formats[format].word);
    }
    return check(out, e);
}
