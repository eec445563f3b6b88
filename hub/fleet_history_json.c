/* See fleet_history_json.h. */
#include "hub/fleet_history_json.h"

#include "base/times.h"

#include <jansson.h>
#include <stdlib.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)

struct listing {
    json_t *rows;
    bool failed; /* out of memory */
};

/* Adds a row; takes it over. */
static bool add(struct listing *l, json_t *row)
{
    l->failed = l->failed || row == NULL || json_array_append_new(l->rows, row) != 0;
    return !l->failed;
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t ns)
{
    char text[TIMES_TEXT_MAX];

    return text_or_null(times_format(ns, text));
}

static bool take_change(void *arg, const struct fleet_change *c)
{
    return add((struct listing *)arg,
               json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "vm_id", c->vm_id, "kind",
                         fleet_change_name(c->kind), "time", time_or_null(c->time), "received",
                         time_or_null(c->received), "host_id", text_or_null(c->host_id), "cluster",
                         text_or_null(c->cluster), "from", text_or_null(c->from), "to", text_or_null(c->to), "evidence",
                         text_or_null(c->evidence)));
}

static bool take_day(void *arg, const struct fleet_day *d)
{
    json_t *by_state = json_object();
    char text[TIMES_TEXT_MAX];

    times_format(d->day * DAY_NS, text);
    text[sizeof "2026-01-31" - 1] = '\0';
    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        json_object_set_new(by_state, drift_state_name((enum drift_state)s), json_integer((json_int_t)d->guests[s]));
    return add((struct listing *)arg, json_pack("{s:s, s:o}", "day", text, "by_state", by_state));
}

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    return add((struct listing *)arg,
               json_pack("{s:s, s:s, s:o, s:o, s:o, s:s}", "kind", fleet_finding_name(f->kind), "host_id", f->host_id,
                         "agent_id", text_or_null(f->agent_id), "first_time", time_or_null(f->first_time), "last_time",
                         time_or_null(f->last_time), "text", f->text));
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static int read_rows(struct fleet_store *s, const struct history_query *q, struct listing *l, struct err *e)
{
    const struct fleet_change_query changes = { .vm_id = given(q->vm_id),
                                                .host_id = given(q->host_id),
                                                .cluster = given(q->cluster),
                                                .kind = q->change,
                                                .since_ns = q->since_ns,
                                                .limit = q->limit };
    const struct fleet_finding_query findings = { .cluster = given(q->cluster),
                                                  .host_id = given(q->host_id),
                                                  .since_ns = q->since_ns,
                                                  .limit = q->limit,
                                                  .now_ns = q->now_ns,
                                                  .host_silent_ns = q->host_silent_ns };
    int64_t today = q->now_ns / DAY_NS, first = today - HISTORY_DAYS_DEFAULT + 1;

    switch (q->kind) {
    case HISTORY_CHANGES:
        return fleet_store_changes(s, &changes, take_change, l, e);
    case HISTORY_DAYS:
        if (q->since_ns != 0)
            first = q->since_ns / DAY_NS > today - HISTORY_ROWS_MAX ? q->since_ns / DAY_NS : today - HISTORY_ROWS_MAX;
        return fleet_store_days(s, given(q->cluster), first, today, take_day, l, e);
    case HISTORY_FINDINGS:
        break;
    }
    return fleet_store_findings(s, &findings, take_finding, l, e);
}

int fleet_history_json(struct fleet_store *s, const struct history_query *q, struct buf *out, struct err *e)
{
    static const struct {
        const char *schema, *rows;
    } kinds[] = {
        [HISTORY_CHANGES] = { "hvfleet.history.changes/1", "changes" },
        [HISTORY_DAYS] = { "hvfleet.history.days/1", "days" },
        [HISTORY_FINDINGS] = { "hvfleet.findings/1", "findings" },
    };
    struct listing l = { .rows = json_array() };
    json_t *root = NULL;
    char *text = NULL;
    int rc;

    if (l.rows == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = read_rows(s, q, &l, e);
    if (rc == 0 && !l.failed)
        root = json_pack("{s:s, s:o, s:o, s:O}", "schema", kinds[q->kind].schema, "generated_at",
                         time_or_null(q->now_ns), "cluster", text_or_null(q->cluster), kinds[q->kind].rows, l.rows);
    if (root != NULL)
        text = json_dumps(root, JSON_COMPACT);
    if (rc == 0 && text == NULL)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0) {
        buf_str(out, text);
        buf_char(out, '\n');
        if (buf_error(out) != ERR_OK)
            rc = err_set(e, buf_error(out), "the answer is too large: ask for fewer rows");
    }
    free(text);
    json_decref(root);
    json_decref(l.rows);
    return rc;
}
