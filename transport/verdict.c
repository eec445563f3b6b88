/* See verdict.h. */
#include "transport/verdict.h"

#include <assert.h>
#include <stdio.h>

#define CHECK_URL   "check hub.url: /v1/logs below it must take OTLP logs"
#define CHECK_TOKEN "hub.token_file (or hub.cert_file), then reload"

/* First match wins; the last row takes whatever is left. */
/* clang-format off */
static const struct verdict_row rows[] = {
    { 0, 0, VERDICT_WAIT, "", "check that the hub runs and that hub.url, the network and any proxy lead to it" },
    { 200, 299, VERDICT_ACCEPTED, "", "" },
    { 300, 399, VERDICT_WAIT, "it is elsewhere", "redirects are not followed: write the final address in hub.url" },
    { 400, 400, VERDICT_GUILTY, "bad request", CHECK_URL },
    { 401, 401, VERDICT_REFUSED, "not authorised", "enrol this host (hub.enroll_token_file), or check " CHECK_TOKEN },
    { 403, 403, VERDICT_REFUSED, "forbidden", "enrol this host (hub.enroll_token_file), or check " CHECK_TOKEN },
    { 404, 405, VERDICT_WAIT, "no such endpoint", CHECK_URL },
    { 407, 407, VERDICT_WAIT, "the proxy wants a password", "write hub.proxy as http://user:password@proxy:port" },
    { 413, 413, VERDICT_TOO_LARGE, "too large", "raise the hub's ingest.max_body, or that of a proxy in between" },
    { 415, 415, VERDICT_ENCODING, "unsupported media type", CHECK_URL },
    { 429, 429, VERDICT_WAIT, "too many requests", "" },
    { 502, 504, VERDICT_WAIT, "not available", "" },
    { 0, 999, VERDICT_WAIT, "unexpected", "look at the hub's own messages" },
};
/* clang-format on */

const struct verdict_row *verdict_of(int status)
{
    size_t last = sizeof rows / sizeof rows[0] - 1;

    for (size_t i = 0; i < last; i++) {
        if (status >= rows[i].from && status <= rows[i].to)
            return &rows[i];
    }
    return &rows[last];
}

const char *verdict_sentence(const struct http_reply *reply, char *out, size_t size)
{
    const char *means = verdict_of(reply->status)->means;

    if (reply->status == 0)
        snprintf(out, size, "no answer from the hub: %.200s", reply->error);
    else
        snprintf(out, size, "the hub answered %d%s%s%s%s%.150s", reply->status, means[0] != '\0' ? " (" : "", means,
                 means[0] != '\0' ? ")" : "", reply->body[0] != '\0' ? ": " : "", reply->body);
    return out;
}

const char *verdict_remedy(const struct http_reply *reply)
{
    if (reply->status == 0 && reply->certificate_problem)
        return "check hub.ca_file, the name in hub.url and the hub's certificate";
    return verdict_of(reply->status)->remedy;
}

int64_t jitter_ns(int64_t max_ns, const struct random_source *random)
{
    uint64_t bits;

    assert(max_ns >= 0 && max_ns < INT64_MAX);
    random->fill(random, &bits, sizeof bits);
    return (int64_t)(bits % ((uint64_t)max_ns + 1));
}

int64_t backoff_ns(int64_t min_ns, int64_t max_ns, int failures, int64_t retry_after_ns,
                   const struct random_source *random)
{
    int64_t ceiling = min_ns, asked;

    assert(min_ns > 0 && min_ns <= max_ns && failures > 0);
    if (retry_after_ns >= 0) {
        asked = retry_after_ns < max_ns ? retry_after_ns : max_ns;
        return asked + jitter_ns(asked / 10 > min_ns ? asked / 10 : min_ns, random);
    }
    for (int i = 1; i < failures && ceiling < max_ns; i++)
        ceiling = ceiling > max_ns / 2 ? max_ns : ceiling * 2;
    return jitter_ns(ceiling, random);
}
