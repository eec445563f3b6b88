/* What comes back from targets, what scrapers ask for, and what guests wrote, on its way to a target: the first bytes
 * as an answer and as an Accept header, all of it as the payloads of an OTLP request that is said again as syslog and
 * as events. */
#include "hub/forward_internal.h"
#include "hub/metrics.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A frame says how long its message is, and the message ends where it says; an event is one JSON object. */
static void say(const struct resource *who, const struct observation *o)
{
    struct buf out;
    struct err e;
    char *end;

    buf_init(&out, 1024 * 1024);
    assert(forward_syslog_message(who, o, 16, &out, &e) == 0);
    assert(strtoul(buf_text(&out), &end, 10) == out.len - (size_t)(end + 1 - out.data));
    assert(out.len < 8192 + 8);
    buf_clear(&out);
    if (forward_splunk_event(who, o, "", &out, &e) == 0) {
        json_t *event = json_loadb(out.data, out.len, 0, NULL);

        assert(json_is_object(event));
        json_decref(event);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request;
    char accept[512];
    size_t len = size < sizeof accept - 1 ? size : sizeof accept - 1;

    memcpy(accept, data, len);
    accept[len] = '\0';
    (void)metrics_negotiate(accept);
    (void)forward_otlp_rejected(data, size);
    (void)forward_splunk_verdict((const char *)data, size);
    if (otlp_decode(data, size, &limits, &request, NULL) == 0) {
        for (const struct otlp_group *g = request.groups; g != NULL; g = g->next) {
            for (const struct observation *o = g->batch.first; o != NULL; o = o->next)
                say(&g->resource, o);
        }
    }
    otlp_request_free(&request);
    return 0;
}
