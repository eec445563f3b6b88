/* See metrics.h. */
#include "hub/metrics.h"

#include "base/times.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What is being written, and the family that it is in. */
struct page {
    struct buf *out;
    bool open; /* OpenMetrics */
    const char *name, *suffix;
};

enum family_type { COUNTER, GAUGE, HISTOGRAM, INFO };

static const struct {
    const char *open, *text; /* as the formats call it */
    const char *suffix;      /* of every sample but a histogram's */
} types[] = {
    [COUNTER] = { "counter", "counter", "_total" },
    [GAUGE] = { "gauge", "gauge", "" },
    [HISTOGRAM] = { "histogram", "histogram", "" },
    [INFO] = { "info", "gauge", "_info" },
};

/* name is without _total and _info; unit "" where there is none, else the name ends in it. */
static void family(struct page *p, const char *name, enum family_type type, const char *unit, const char *help)
{
    const char *suffix = p->open ? "" : types[type].suffix;
    size_t n = strlen(name), u = strlen(unit);

    assert(u == 0 || (n > u && strcmp(name + n - u, unit) == 0));
    p->name = name;
    p->suffix = types[type].suffix;
    buf_printf(p->out, "# TYPE %s%s %s\n", name, suffix, p->open ? types[type].open : types[type].text);
    if (p->open && u > 0)
        buf_printf(p->out, "# UNIT %s %s\n", name, unit);
    buf_printf(p->out, "# HELP %s%s %s\n", name, suffix, help);
}

/* ---- samples ------------------------------------------------------------------- */

struct label {
    const char *name, *value;
};

static void put_label(struct page *p, const char *before, const struct label *l)
{
    buf_printf(p->out, "%s%s=\"", before, l->name);
    for (const char *c = l->value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"')
            buf_char(p->out, '\\');
        if (*c == '\n')
            buf_str(p->out, "\\n");
        else
            buf_char(p->out, *c);
    }
    buf_char(p->out, '"');
}

static void begin_sample(struct page *p, const char *suffix, const struct label *labels, int count)
{
    buf_printf(p->out, "%s%s", p->name, suffix);
    for (int i = 0; i < count; i++)
        put_label(p, i == 0 ? "{" : ",", &labels[i]);
    buf_str(p->out, count > 0 ? "} " : " ");
}

static void sample(struct page *p, const struct label *labels, int count, uint64_t value)
{
    begin_sample(p, p->suffix, labels, count);
    buf_printf(p->out, "%" PRIu64 "\n", value);
}

static void sample_ns(struct page *p, const struct label *labels, int count, int64_t ns)
{
    begin_sample(p, p->suffix, labels, count);
    buf_printf(p->out, "%.3f\n", (double)ns / (double)NS_PER_S);
}

static void figure(struct page *p, const char *name, enum family_type type, const char *unit, const char *help,
                   uint64_t value)
{
    family(p, name, type, unit, help);
    sample(p, NULL, 0, value);
}

/* ---- what the hub did ----------------------------------------------------------------- */

static const struct single {
    const char *name;
    enum family_type type;
    const char *unit, *help;
    size_t offset;
} singles[] = {
    { "hvhub_records", COUNTER, "", "Records stored.", offsetof(struct counters, records) },
    { "hvhub_records_duplicate", COUNTER, "", "Records dropped because they were stored before.",
      offsetof(struct counters, duplicates) },
    { "hvhub_records_foreign", COUNTER, "", "Records of other programs, or without a number.",
      offsetof(struct counters, foreign) },
    { "hvhub_records_missing", COUNTER, "", "Record numbers that were jumped over by agents.",
      offsetof(struct counters, missing) },
    { "hvhub_body_bytes", COUNTER, "bytes", "Bytes of request bodies as received.",
      offsetof(struct counters, body_bytes) },
    { "hvhub_decoded_bytes", COUNTER, "bytes", "Bytes of request bodies after decompression.",
      offsetof(struct counters, decoded_bytes) },
    { "hvhub_commits", COUNTER, "", "Transactions committed.", offsetof(struct counters, commits) },
    { "hvhub_commit_failures", COUNTER, "", "Transactions that failed.", offsetof(struct counters, commit_failures) },
    { "hvhub_deliveries_sent", COUNTER, "", "Reports and findings delivered.",
      offsetof(struct counters, deliveries_sent) },
    { "hvhub_deliveries_failed", COUNTER, "", "Tries to deliver that failed.",
      offsetof(struct counters, deliveries_failed) },
    { "hvhub_deliveries_given_up", COUNTER, "", "Deliveries given up: refused for good, or tried for too long.",
      offsetof(struct counters, deliveries_given_up) },
    { "hvhub_incidents", COUNTER, "", "Crash incidents stored for the first time.",
      offsetof(struct counters, incidents) },
    { "hvhub_incidents_computed", COUNTER, "", "Times that a guest's incidents were computed.",
      offsetof(struct counters, incidents_computed) },
    { "hvhub_incidents_failed", COUNTER, "", "Times that a guest's incidents could not be computed.",
      offsetof(struct counters, incidents_failed) },
    { "hvhub_queue_requests", GAUGE, "", "Requests waiting for a commit.", offsetof(struct counters, queue) },
    { "hvhub_connections", GAUGE, "", "Open connections.", offsetof(struct counters, connections) },
    { "hvhub_connections_too_slow", COUNTER, "", "Connections ended because the peer was too slow.",
      offsetof(struct counters, too_slow) },
};

static void render_singles(struct page *p, const struct counters *c)
{
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        const struct single *s = &singles[i];
        const _Atomic uint64_t *value = (const _Atomic uint64_t *)(const void *)((const char *)c + s->offset);

        figure(p, s->name, s->type, s->unit, s->help, *value);
    }
}

static void render_requests(struct page *p, const struct counters *c)
{
    char code[16];

    family(p, "hvhub_requests", COUNTER, "", "Requests answered, by status.");
    for (int i = 0; i < COUNTED_STATUSES; i++) {
        snprintf(code, sizeof code, "%d", counters_statuses[i]);
        sample(p, &(struct label){ "code", counters_statuses[i] != 0 ? code : "other" }, 1, c->requests[i]);
    }
}

/* A commit that ends in between is missed by some of the figures, and by none of them the next time. */
static void render_commits(struct page *p, const struct counters *c)
{
    uint64_t sum = 0;
    char bound[16];

    family(p, "hvhub_commit_duration_seconds", HISTOGRAM, "seconds", "How long transactions took that were committed.");
    for (int i = 0; i < COMMIT_BUCKETS; i++) {
        sum += c->commit_buckets[i];
        if (i < COMMIT_BUCKETS - 1)
            snprintf(bound, sizeof bound, counters_commit_bounds[i] < 1.0 ? "%g" : "%.1f", counters_commit_bounds[i]);
        begin_sample(p, "_bucket", &(struct label){ "le", i < COMMIT_BUCKETS - 1 ? bound : "+Inf" }, 1);
        buf_printf(p->out, "%" PRIu64 "\n", sum);
    }
    begin_sample(p, "_sum", NULL, 0);
    buf_printf(p->out, "%.6f\n", (double)c->commit_ns / (double)NS_PER_S);
    begin_sample(p, "_count", NULL, 0);
    buf_printf(p->out, "%" PRIu64 "\n", sum);
}

static void render_hub(struct page *p, const struct counters *c)
{
    family(p, "hvhub_build", INFO, "", "The version that runs.");
    sample(p, &(struct label){ "version", HVFLEET_VERSION }, 1, 1);
    family(p, "hvhub_start_timestamp_seconds", GAUGE, "seconds", "When the hub was started.");
    sample_ns(p, NULL, 0, c->start_ns);
    render_requests(p, c);
    render_singles(p, c);
    render_commits(p, c);
    family(p, "hvhub_last_commit_timestamp_seconds", GAUGE, "seconds",
           "When the last transaction was committed; 0 never.");
    sample_ns(p, NULL, 0, c->last_commit_ns);
}

/* ---- the fleet -------------------------------------------------------------------------- */

static void render_states(struct page *p, const uint64_t *guests, const struct label *before)
{
    for (int s = 0; s < DRIFT_STATE_COUNT; s++) {
        struct label labels[2] = { { "state", drift_state_name((enum drift_state)s) } };

        if (before != NULL) {
            labels[1] = labels[0];
            labels[0] = *before;
        }
        sample(p, labels, before != NULL ? 2 : 1, guests[s]);
    }
}

static void render_stats(struct page *p, const struct fleet_stats *s)
{
    figure(p, "hvhub_agents", GAUGE, "", "Agents known.", s->agents);
    figure(p, "hvhub_hosts", GAUGE, "", "Hosts known.", s->hosts);
    figure(p, "hvhub_store_bytes", GAUGE, "bytes", "Size of the store.", s->file_bytes);
    family(p, "hvhub_guests", GAUGE, "", "Guests known, by drift state.");
    render_states(p, s->guests_by_state, NULL);
}

static void render_clusters(struct page *p, const struct fleet_gauges *g)
{
    family(p, "hvhub_cluster_guests", GAUGE, "",
           "Guests by drift state and cluster, of the clusters with most guests; hosts outside of clusters are one.");
    for (int i = 0; i < g->cluster_count; i++)
        render_states(p, g->clusters[i].guests, &(struct label){ "cluster", g->clusters[i].cluster });
    family(p, "hvhub_other_clusters_guests", GAUGE, "", "Guests by drift state in all other clusters.");
    render_states(p, g->other_clusters, NULL);
}

static void render_incidents(struct page *p, const struct fleet_gauges *g)
{
    family(p, "hvhub_incidents_stored", GAUGE, "",
           "Stored crash incidents, by kind and confidence of the surest finding.");
    for (int k = 0; k < INCIDENT_KIND_COUNT; k++) {
        for (int c = 0; c <= CONFIDENCE_COUNT; c++) {
            const struct label labels[] = {
                { "kind", incident_kind_name((enum incident_kind)k) },
                { "confidence", c < CONFIDENCE_COUNT ? incident_confidence_name((enum incident_confidence)c) : "none" },
            };

            sample(p, labels, 2, g->incidents[k][c]);
        }
    }
    figure(p, "hvhub_incident_notes", GAUGE, "",
           "Notes of what may change incidents and was not looked at yet; 0: what is stored says all that is known.",
           g->notes);
}

static void render_gauges(struct page *p, const struct fleet_gauges *g)
{
    family(p, "hvhub_findings", GAUGE, "", "Findings, by kind.");
    for (int k = 0; k < FINDING_KIND_COUNT; k++) {
        if (k != FINDING_OLD_AGENT) /* hvhub_agent_version_hosts says it better */
            sample(p, &(struct label){ "kind", fleet_finding_name((enum fleet_finding_kind)k) }, 1, g->findings[k]);
    }
    family(p, "hvhub_agent_version_hosts", GAUGE, "", "Hosts by version of their agent, of the most frequent ones.");
    for (int i = 0; i < g->version_count; i++)
        sample(p, &(struct label){ "version", g->versions[i].version }, 1, g->versions[i].hosts);
    figure(p, "hvhub_other_agent_version_hosts", GAUGE, "", "Hosts whose agent has another version, or says none.",
           g->other_versions);
    render_clusters(p, g);
    render_incidents(p, g);
}

/* ---- forwarding --------------------------------------------------------------------------- */

/* Calls put for each target that is configured here; t is NULL when the store does not know it yet. */
static void each_target(struct page *p, const struct counters *c, const struct metrics_fleet *fleet,
                        void (*put)(struct page *p, const char *name, const struct forward_counters *f,
                                    const struct fleet_forward_target *t, int64_t now_ns))
{
    for (int k = 0; k < FORWARD_KINDS; k++) {
        const char *name = forward_kind_name((enum forward_kind)k);
        const struct fleet_forward_target *t = NULL;

        for (int i = 0; i < fleet->target_count; i++) {
            if (strcmp(fleet->targets[i].name, name) == 0)
                t = &fleet->targets[i];
        }
        if (c->forward[k].configured)
            put(p, name, &c->forward[k], t, fleet->now_ns);
    }
}

#define PUT(what)                                                                        \
    static void what(struct page *p, const char *name, const struct forward_counters *f, \
                     const struct fleet_forward_target *t, int64_t now_ns)

PUT(put_active)
{
    (void)t, (void)now_ns;
    sample(p, &(struct label){ "target", name }, 1, f->active);
}

PUT(put_up)
{
    (void)t, (void)now_ns;
    sample(p, &(struct label){ "target", name }, 1, f->up);
}

PUT(put_answers)
{
    (void)t, (void)now_ns;
    for (int v = 0; v < FORWARD_VERDICTS; v++) {
        const struct label labels[] = { { "target", name },
                                        { "answer", forward_verdict_name((enum forward_verdict)v) } };

        sample(p, labels, 2, f->answers[v]);
    }
}

PUT(put_records)
{
    const struct {
        const char *outcome;
        uint64_t count;
    } outcomes[] = {
        { "sent", t != NULL ? t->counts.sent : 0 },
        { "refused", t != NULL ? t->counts.refused : 0 },
        { "lost", t != NULL ? t->counts.lost : 0 },
    };

    (void)f, (void)now_ns;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        const struct label labels[] = { { "target", name }, { "outcome", outcomes[i].outcome } };

        sample(p, labels, 2, outcomes[i].count);
    }
}

PUT(put_lag)
{
    (void)f, (void)now_ns;
    sample(p, &(struct label){ "target", name }, 1, t != NULL ? t->lag : 0);
}

PUT(put_lag_seconds)
{
    int64_t oldest = t != NULL ? t->oldest : 0;

    (void)f;
    sample_ns(p, &(struct label){ "target", name }, 1, oldest > 0 && now_ns > oldest ? now_ns - oldest : 0);
}

PUT(put_last_sent)
{
    (void)f, (void)now_ns;
    sample_ns(p, &(struct label){ "target", name }, 1, t != NULL ? t->last_sent : 0);
}

static void render_forward(struct page *p, const struct counters *c, const struct metrics_fleet *fleet)
{
    bool any = false;

    for (int k = 0; k < FORWARD_KINDS; k++)
        any = any || c->forward[k].configured;
    if (!any)
        return;
    family(p, "hvhub_forward_active", GAUGE, "", "Whether this hub is the one that forwards to the target.");
    each_target(p, c, fleet, put_active);
    family(p, "hvhub_forward_up", GAUGE, "", "Whether the target's last answer to this hub was good.");
    each_target(p, c, fleet, put_up);
    family(p, "hvhub_forward_answers", COUNTER, "", "Answers of the target to this hub.");
    each_target(p, c, fleet, put_answers);
    family(
        p, "hvhub_forward_records", COUNTER, "",
        "What became of observations, by all hubs: sent, refused for good, lost to retention before they were sent.");
    each_target(p, c, fleet, put_records);
    family(p, "hvhub_forward_lag_records", GAUGE, "", "Observations that the target has not been sent yet.");
    each_target(p, c, fleet, put_lag);
    family(p, "hvhub_forward_lag_seconds", GAUGE, "seconds", "How long ago the oldest of them was received.");
    each_target(p, c, fleet, put_lag_seconds);
    family(p, "hvhub_forward_last_sent_timestamp_seconds", GAUGE, "seconds",
           "When the target last took something; 0 never.");
    each_target(p, c, fleet, put_last_sent);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static bool take_target(void *arg, const struct fleet_forward_target *t)
{
    struct metrics_fleet *fleet = (struct metrics_fleet *)arg;

    fleet->targets[fleet->target_count++] = *t;
    return fleet->target_count < FORWARD_KINDS;
}

void metrics_read(struct metrics_fleet *out, struct fleet_store *s, int64_t now_ns, int64_t host_silent_ns)
{
    out->now_ns = now_ns;
    out->target_count = 0;
    out->has_stats = fleet_store_stats(s, &out->stats, NULL) == 0;
    out->has_gauges = fleet_store_gauges(s, host_silent_ns, &out->gauges, NULL) == 0;
    if (fleet_forward_targets(s, take_target, out, NULL) != 0)
        out->target_count = 0;
}

void metrics_render(const struct counters *c, const struct metrics_fleet *fleet, enum metrics_format format,
                    struct buf *out)
{
    struct page p = { .out = out, .open = format == METRICS_OPENMETRICS };

    render_hub(&p, c);
    if (fleet->has_stats)
        render_stats(&p, &fleet->stats);
    if (fleet->has_gauges)
        render_gauges(&p, &fleet->gauges);
    render_forward(&p, c, fleet);
    if (p.open)
        buf_str(out, "# EOF\n");
}
