/* See fleet_incidents_report.h. */
#include "hub/fleet_incidents_report.h"

#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool incidents_code_parse(const char *text, int64_t *out)
{
    unsigned long long code;
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    code = strtoull(text, &end, 0);
    if (errno != 0 || *end != '\0' || code > UINT32_MAX)
        return false;
    *out = (int64_t)code;
    return true;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* Where the page before ended. */
static int find_place(struct fleet_store *s, const struct incidents_query *q, struct fleet_incident_query *out,
                      struct err *e)
{
    struct fleet_incident last;
    int rc;

    if (q->after_id[0] == '\0')
        return 0;
    rc = fleet_store_incident(s, q->after_id, &last, e);
    if (rc != 0)
        return rc;
    out->after_time = last.incident->time;
    text_copy(out->after_id, sizeof out->after_id, last.incident->id);
    incident_free(last.incident);
    return 0;
}

static int list(struct fleet_store *s, const struct incidents_query *q, struct incident_list *out, uint64_t *more,
                struct err *e)
{
    struct fleet_incident_query asked;
    int rc;

    fleet_incident_query_all(&asked);
    asked.cluster = or_null(q->cluster);
    asked.vm_id = or_null(q->vm_id);
    asked.host = or_null(q->host);
    asked.module = or_null(q->module);
    asked.code = q->code;
    asked.since_ns = q->since_ns;
    asked.limit = q->limit;
    rc = find_place(s, q, &asked, e);
    return rc != 0 ? rc : fleet_store_incident_list(s, &asked, out, more, e);
}

/* Rates are of all guests, so they are not said of a part of the incidents. */
static bool wants_rates(const struct incidents_query *q)
{
    return q->vm_id[0] == '\0' && q->host[0] == '\0' && q->module[0] == '\0' && q->code < 0 && q->after_id[0] == '\0';
}

static int put_rates(struct fleet_statistics *st, struct incidents_rates *rates, const char **sentences,
                     struct incidents_report *out, struct err *e)
{
    for (int g = 0; g < STATISTICS_GROUPING_COUNT; g++) {
        rates[g].grouping = (enum statistics_grouping)g;
        rates[g].groups = statistics_groups(st->by[g], &rates[g].count);
        if (rates[g].groups == NULL)
            return err_set(e, ERR_MEMORY, "out of memory for the crash rates");
    }
    for (size_t i = 0; i < st->sentence_count; i++)
        sentences[i] = st->sentences[i];
    out->total = statistics_total(st->by[BY_DRIFT_STATE]);
    out->rates = rates;
    out->rate_count = STATISTICS_GROUPING_COUNT;
    out->sentences = sentences;
    out->sentence_count = st->sentence_count;
    return 0;
}

int fleet_incidents_report(struct fleet_store *s, const struct incidents_query *q, struct buf *out, struct err *e)
{
    struct incidents_report report = { .now_ns = q->now_ns, .cluster = or_null(q->cluster), .since_ns = q->since_ns };
    struct incidents_rates rates[STATISTICS_GROUPING_COUNT] = { { 0 } };
    const char *sentences[FLEET_SENTENCES_MAX];
    struct fleet_statistics st = { 0 };
    struct incident_list found = { 0 };
    int rc = list(s, q, &found, &report.more, e);

    report.incidents = (const struct incident *const *)found.items;
    report.count = found.count;
    if (rc == 0 && wants_rates(q)) {
        rc = fleet_store_statistics(s, or_null(q->cluster), q->since_ns, q->now_ns, &st, e);
        if (rc == 0)
            rc = put_rates(&st, rates, sentences, &report, e);
    }
    if (rc == 0)
        rc = incidents_report_render(&report, q->format, &q->style, out, e);
    fleet_statistics_free(&st);
    incident_list_free(&found);
    return rc;
}

int fleet_incident_json(struct fleet_store *s, const char *id, struct buf *out, struct err *e)
{
    struct fleet_incident found;
    int rc = fleet_store_incident(s, id, &found, e);

    if (rc == 0)
        rc = incident_json(found.incident, out, e);
    if (rc == 0)
        buf_char(out, '\n');
    incident_free(found.incident);
    return rc;
}
