/* All findings, in order of host: those that ingest stored, and those that
 * depend on the time and on the rest of the fleet (silent hosts, old agents).  Each is asked of the store by what it
 * is about, so that a fleet in which all is well costs next to nothing, however large. */
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    const struct fleet_finding_query *q;
    struct fleet_finding *found;
    size_t count, cap;
    struct version newest;                    /* agent */
    char newest_text[HOST_AGENT_VERSION_MAX]; /* as it is written */
    bool failed;                              /* out of memory */
};

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    struct listing *l = (struct listing *)arg;
    size_t cap = l->cap == 0 ? 64 : l->cap * 2;
    struct fleet_finding *grown;

    if (l->count == l->cap) {
        grown = realloc(l->found, cap * sizeof *grown);
        if (grown == NULL) {
            l->failed = true;
            return false;
        }
        l->found = grown;
        l->cap = cap;
    }
    l->found[l->count++] = *f;
    return true;
}

static bool make(struct listing *l, const struct fleet_heard *h, enum fleet_finding_kind kind, const char *text)
{
    struct fleet_finding f = { .kind = kind, .first_time = h->heard, .last_time = l->q->now_ns };

    text_copy(f.host_id, sizeof f.host_id, h->host_id);
    text_copy(f.text, sizeof f.text, text);
    return f.last_time < l->q->since_ns || take_finding(l, &f);
}

static bool take_silent(void *arg, const struct fleet_heard *h)
{
    struct listing *l = (struct listing *)arg;
    char text[FLEET_FINDING_TEXT_MAX], length[TIMES_TEXT_MAX], time[TIMES_TEXT_MAX];

    snprintf(text, sizeof text,
             "no word for %s (since %s): is the host up, is its agent running, does it reach the hub?",
             times_format_length(l->q->now_ns - h->heard, length), times_format(h->heard, time));
    return make(l, h, FINDING_SILENT_HOST, text);
}

static bool take_version(void *arg, const char *version)
{
    struct listing *l = (struct listing *)arg;
    struct version v;

    if (version_parse(version, &v) > 0 && version_compare(&v, &l->newest) > 0) {
        l->newest = v;
        text_copy(l->newest_text, sizeof l->newest_text, version);
    }
    return true;
}

/* Another version than the newest: older, or the same in other words, or none. */
static bool take_other_agent(void *arg, const struct fleet_heard *h)
{
    struct listing *l = (struct listing *)arg;
    char text[FLEET_FINDING_TEXT_MAX];
    struct version v;

    if (version_parse(h->agent_version, &v) == 0 || version_compare(&v, &l->newest) >= 0)
        return true;
    snprintf(text, sizeof text, "its agent is version %s, while the newest in the fleet is %s: install that",
             h->agent_version, l->newest_text);
    return make(l, h, FINDING_OLD_AGENT, text);
}

static int by_host_and_kind(const void *a, const void *b)
{
    const struct fleet_finding *x = a, *y = b;
    int order = strcmp(x->host_id, y->host_id);

    if (order == 0)
        order = (int)x->kind - (int)y->kind;
    return order != 0 ? order : strcmp(x->agent_id, y->agent_id);
}

/* All of one moment. */
static int read_all(struct fleet_store *s, struct listing *l, struct err *e)
{
    const struct fleet_finding_query *q = l->q;
    struct fleet_body *b = s->body;
    int rc = b->ops->begin(b, false, e);

    if (rc == 0)
        rc = b->ops->read_findings(b, q, take_finding, l, e);
    if (rc == 0 && q->host_silent_ns > 0)
        rc = b->ops->read_silent(b, q, q->now_ns - q->host_silent_ns, take_silent, l, e);
    if (rc == 0)
        rc = b->ops->read_versions(b, take_version, l, e);
    if (rc == 0 && l->newest_text[0] != '\0')
        rc = b->ops->read_other_agents(b, q, l->newest_text, take_other_agent, l, e);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0)
        b->ops->rollback(b);
    return rc;
}

int fleet_store_findings(struct fleet_store *s, const struct fleet_finding_query *q, fleet_take_finding *take,
                         void *arg, struct err *e)
{
    struct listing l = { .q = q };
    int rc = read_all(s, &l, e);

    if (rc == 0 && l.failed)
        rc = err_set(e, ERR_MEMORY, "out of memory for the findings");
    if (rc == 0 && l.count > 0)
        qsort(l.found, l.count, sizeof *l.found, by_host_and_kind);
    for (size_t i = 0; rc == 0 && i < l.count && (q->limit == 0 || i < (size_t)q->limit); i++) {
        if (!take(arg, &l.found[i]))
            break;
    }
    free(l.found);
    return rc;
}
