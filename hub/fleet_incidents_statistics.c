/* Crash rates over the store: stored incidents against the guests that were there, day by day, by the daily
 * counts.  A guest that is counted at the end of a day counts as one guest-day, so that rates are as exact as
 * whole days are; a guest that came and went within a day is not in them. */
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <stdlib.h>
#include <string.h>

struct gathering {
    struct fleet_statistics *out;
    int rc;
    struct err *e;
};

static bool take_incident(void *arg, struct fleet_incident *f)
{
    struct gathering *g = (struct gathering *)arg;

    for (int n = 0; g->rc == 0 && n < STATISTICS_GROUPING_COUNT; n++)
        g->rc = statistics_crash(g->out->by[n], f->incident, g->e);
    incident_free(f->incident);
    return g->rc == 0;
}

static bool take_day(void *arg, const struct fleet_day *d)
{
    double *days = (double *)arg;

    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        days[s] += (double)d->guests[s];
    return true;
}

static int count_days(struct fleet_store *s, const char *cluster, int64_t since_ns, int64_t now_ns,
                      struct fleet_statistics *out, struct err *e)
{
    double all = 0;
    int rc =
        fleet_store_days(s, cluster, fleet_day_of(since_ns), fleet_day_of(now_ns), take_day, out->days_by_state, e);

    for (int n = 0; rc == 0 && n < DRIFT_STATE_COUNT; n++) {
        all += out->days_by_state[n];
        if (out->days_by_state[n] > 0)
            rc = statistics_days(out->by[BY_DRIFT_STATE], drift_state_name((enum drift_state)n), out->days_by_state[n],
                                 e);
    }
    for (int n = 0; rc == 0 && n < STATISTICS_GROUPING_COUNT; n++)
        rc = statistics_days(out->by[n], NULL, all, e);
    return rc;
}

/* A copy: the groups are gone with the next question. */
static int rate_of(const struct fleet_statistics *st, enum drift_state state, struct crash_rate *out, struct err *e)
{
    size_t count;
    const struct statistics_group *groups = statistics_groups(st->by[BY_DRIFT_STATE], &count);

    if (groups == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for the crash rates");
    crash_rate(0, st->days_by_state[state], out);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(groups[i].label, drift_state_name(state)) == 0 && groups[i].own_days)
            *out = groups[i].rate;
    }
    return 0;
}

static int compare(struct fleet_statistics *st, struct err *e)
{
    static const enum drift_state others[FLEET_SENTENCES_MAX] = { DRIFT_BEHIND, DRIFT_BEHIND_PROTOCOL };

    for (int i = 0; i < FLEET_SENTENCES_MAX; i++) {
        struct crash_rate rate, current;
        int rc;

        if (st->days_by_state[others[i]] <= 0)
            continue;
        rc = rate_of(st, others[i], &rate, e);
        if (rc == 0)
            rc = rate_of(st, DRIFT_CURRENT, &current, e);
        if (rc != 0)
            return rc;
        crash_ratio_sentence(drift_state_name(others[i]), &rate, drift_state_name(DRIFT_CURRENT), &current,
                             st->sentences[st->sentence_count++], STATISTICS_SENTENCE_MAX);
    }
    return 0;
}

int fleet_store_statistics(struct fleet_store *s, const char *cluster, int64_t since_ns, int64_t now_ns,
                           struct fleet_statistics *out, struct err *e)
{
    struct gathering g = { .out = out, .e = e };
    struct fleet_incident_query q;
    int rc = 0;

    *out = (struct fleet_statistics){ .since_ns = since_ns, .until_ns = now_ns };
    for (int n = 0; n < STATISTICS_GROUPING_COUNT; n++) {
        out->by[n] = statistics_new((enum statistics_grouping)n);
        if (out->by[n] == NULL)
            rc = err_set(e, ERR_MEMORY, "out of memory");
    }
    fleet_incident_query_all(&q);
    q.cluster = cluster;
    q.since_ns = since_ns;
    q.oldest_first = true;
    if (rc == 0)
        rc = fleet_store_incidents(s, &q, take_incident, &g, e);
    if (rc == 0)
        rc = g.rc;
    if (rc == 0)
        rc = count_days(s, cluster, since_ns, now_ns, out, e);
    if (rc == 0)
        rc = compare(out, e);
    return rc;
}

void fleet_statistics_free(struct fleet_statistics *st)
{
    for (int n = 0; n < STATISTICS_GROUPING_COUNT; n++)
        statistics_free(st->by[n]);
    *st = (struct fleet_statistics){ .since_ns = 0 };
}
