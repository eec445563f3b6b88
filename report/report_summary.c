/* See report_summary.h. */
#include "report/report_summary.h"

#include "report/report_rows.h"

#include <assert.h>

bool drift_state_is_problem(enum drift_state state)
{
    return report_severity(state) < report_severity(DRIFT_UNKNOWN);
}

/* FNV-1a, and a last mixing so that sums of several do not cancel out each other. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    do {
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    } while (*text++ != '\0');
    return h;
}

static uint64_t mixed(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 29;
}

static uint64_t hash_pair(const char *kind, const char *id, const char *value)
{
    return mixed(hash_text(hash_text(hash_text(UINT64_C(14695981039346656037), kind), id), value));
}

void drift_report_summary(const struct drift_report *r, struct report_summary *out)
{
    assert(r->finished);
    *out = (struct report_summary){ .guests = r->guest_count, .hosts = r->hosts_shown };
    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        out->by_state[s] = r->by_state[s];
        if (drift_state_is_problem((enum drift_state)s))
            out->problems += r->by_state[s];
    }
    for (size_t i = 0; i < r->guest_count; i++) {
        out->need_a_look += !report_is_fine(&r->guests[i]);
        if (!report_is_fine(&r->guests[i]))
            out->fingerprint += hash_pair("guest", r->guests[i].vm_id, drift_state_name(r->guests[i].kept.state));
    }
    for (size_t i = 0; i < r->host_count; i++) {
        const struct report_host *h = r->hosts[i];

        out->host_findings += h->shown && h->notes != NULL;
        for (const struct report_note *n = h->notes; h->shown && n != NULL; n = n->next)
            out->fingerprint += hash_pair("host", h->h.facts.host_id, n->kind);
    }
}

bool drift_report_next_guest(const struct drift_report *r, size_t *from, struct report_line *out)
{
    for (; *from < r->guest_count; (*from)++) {
        const struct report_guest *g = &r->guests[*from];

        if (report_is_fine(g))
            continue;
        *out = (struct report_line){ report_guest_label(g), g->host, g->cluster, drift_state_name(g->kept.state),
                                     g->action };
        (*from)++;
        return true;
    }
    return false;
}

bool drift_report_next_host(const struct drift_report *r, size_t *from, struct report_line *out)
{
    for (; *from < r->host_count; (*from)++) {
        const struct report_host *h = r->hosts[*from];

        if (!h->shown || h->notes == NULL)
            continue;
        *out = (struct report_line){ h->name, "", h->h.facts.cluster, "", h->finding };
        (*from)++;
        return true;
    }
    return false;
}
