/* See counters.h. */
#include "hub/counters.h"

#include "base/times.h"

#include <assert.h>

const int counters_statuses[COUNTED_STATUSES] = { 200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 503, 507, 0 };

/* From a commit on a good disk to one that is waited for. */
const double counters_commit_bounds[COMMIT_BUCKETS - 1] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                            0.1,   0.25,   0.5,   1.0,  5.0 };

void counters_request(struct counters *c, int status)
{
    int i = 0;

    while (i < COUNTED_STATUSES - 1 && counters_statuses[i] != status)
        i++;
    c->requests[i]++;
}

void counters_commit(struct counters *c, int64_t ns, bool good)
{
    int i = 0;

    if (!good) {
        c->commit_failures++;
        return;
    }
    while (i < COMMIT_BUCKETS - 1 && (double)ns > counters_commit_bounds[i] * (double)NS_PER_S)
        i++;
    c->commit_buckets[i]++;
    c->commit_ns += (uint64_t)ns;
    c->commits++;
}

const char *forward_kind_name(enum forward_kind kind)
{
    static const char *const names[FORWARD_KINDS] = {
        [FORWARD_OTLP] = "otlp",
        [FORWARD_SPLUNK] = "splunk",
        [FORWARD_SYSLOG] = "syslog",
    };

    assert(kind < FORWARD_KINDS);
    return names[kind];
}

const char *forward_verdict_name(enum forward_verdict verdict)
{
    static const char *const names[FORWARD_VERDICTS] = {
        [FORWARD_TAKEN] = "taken",     [FORWARD_LATER] = "later",   [FORWARD_TOO_BIG] = "too-big",
        [FORWARD_REFUSED] = "refused", [FORWARD_DENIED] = "denied",
    };

    assert(verdict < FORWARD_VERDICTS);
    return names[verdict];
}
