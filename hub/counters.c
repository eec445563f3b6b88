/* See counters.h. */
#include "hub/counters.h"

#include "base/times.h"

#include <inttypes.h>
#include <stddef.h>

static const int statuses[COUNTED_STATUSES] = { 200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 503, 507, 0 };

void counters_request(struct counters *c, int status)
{
    int i = 0;

    while (i < COUNTED_STATUSES - 1 && statuses[i] != status)
        i++;
    c->requests[i]++;
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const struct single {
    const char *name, *type, *help;
    size_t offset;
} singles[] = {
    { "hvhub_records_total", "counter", "Records stored.", offsetof(struct counters, records) },
    { "hvhub_records_duplicate_total", "counter", "Records dropped because they were stored before.",
      offsetof(struct counters, duplicates) },
    { "hvhub_records_foreign_total", "counter", "Records of other programs, or without a number.",
      offsetof(struct counters, foreign) },
    { "hvhub_records_missing_total", "counter", "Record numbers that were jumped over by agents.",
      offsetof(struct counters, missing) },
    { "hvhub_body_bytes_total", "counter", "Bytes of request bodies as received.",
      offsetof(struct counters, body_bytes) },
    { "hvhub_decoded_bytes_total", "counter", "Bytes of request bodies after decompression.",
      offsetof(struct counters, decoded_bytes) },
    { "hvhub_commits_total", "counter", "Transactions committed.", offsetof(struct counters, commits) },
    { "hvhub_commit_failures_total", "counter", "Transactions that failed.",
      offsetof(struct counters, commit_failures) },
    { "hvhub_queue_requests", "gauge", "Requests waiting for a commit.", offsetof(struct counters, queue) },
    { "hvhub_connections", "gauge", "Open connections.", offsetof(struct counters, connections) },
};

static void render_requests(struct counters *c, struct buf *out)
{
    head(out, "hvhub_requests_total", "counter", "Requests answered, by status.");
    for (int i = 0; i < COUNTED_STATUSES; i++) {
        if (statuses[i] != 0)
            buf_printf(out, "hvhub_requests_total{code=\"%d\"} %" PRIu64 "\n", statuses[i], c->requests[i]);
        else
            buf_printf(out, "hvhub_requests_total{code=\"other\"} %" PRIu64 "\n", c->requests[i]);
    }
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void render_stats(const struct fleet_stats *stats, struct buf *out)
{
    const struct {
        const char *name, *help;
        uint64_t value;
    } gauges[] = {
        { "hvhub_agents", "Agents known.", stats->agents },
        { "hvhub_hosts", "Hosts known.", stats->hosts },
        { "hvhub_findings", "Findings of the hub itself: holes in numbers, shared agent ids.", stats->findings },
        { "hvhub_store_bytes", "Size of the store's file and its write-ahead log.", stats->file_bytes },
    };

    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        head(out, gauges[i].name, "gauge", gauges[i].help);
        buf_printf(out, "%s %" PRIu64 "\n", gauges[i].name, gauges[i].value);
    }
    head(out, "hvhub_guests", "gauge", "Guests known, by drift state.");
    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        buf_printf(out, "hvhub_guests{state=\"%s\"} %" PRIu64 "\n", drift_state_name((enum drift_state)s),
                   stats->guests_by_state[s]);
}

void counters_render(struct counters *c, const struct fleet_stats *stats, struct buf *out)
{
    head(out, "hvhub_build_info", "gauge", "The version that runs.");
    buf_printf(out, "hvhub_build_info{version=\"%s\"} 1\n", HVFLEET_VERSION);
    render_requests(c, out);
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        const _Atomic uint64_t *value = (const _Atomic uint64_t *)(const void *)((const char *)c + singles[i].offset);

        head(out, singles[i].name, singles[i].type, singles[i].help);
        buf_printf(out, "%s %" PRIu64 "\n", singles[i].name, *value);
    }
    head(out, "hvhub_commit_seconds_total", "counter", "Time spent in transactions.");
    buf_printf(out, "hvhub_commit_seconds_total %.6f\n", seconds((int64_t)c->commit_ns));
    head(out, "hvhub_last_commit_timestamp_seconds", "gauge", "When the last transaction was committed; 0 never.");
    buf_printf(out, "hvhub_last_commit_timestamp_seconds %.3f\n", seconds(c->last_commit_ns));
    if (stats != NULL)
        render_stats(stats, out);
}
