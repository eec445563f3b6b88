/* Forwarding to another OTLP/HTTP endpoint: the records as they came, below the
 * resource of their host as it is known now.
 *
 * Answers: OTLP's specification ("OTLP/HTTP Response", "Partial Success").  It
 * lets clients try again after 429, 502, 503 and 504 only; here every 5xx and 408 is tried again
 * too, because a record that is given up is lost.
 */
#include "base/text.h"
#include "hub/forward_http.h"
#include "hub/forward_internal.h"

#include <stdlib.h>

struct otlp_sink {
    struct forward_sink base;
    struct forward_http *http;
    struct buf body;
};

/* ---- the answer ------------------------------------------------------------------------ */

/* A varint; false when it does not end within the bytes. */
static bool read_varint(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;

        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Passes over a field's value; for one of type 2 (length and bytes) *bytes is where it begins. */
static bool skip_value(const unsigned char **at, const unsigned char *end, unsigned type, uint64_t *value,
                       const unsigned char **bytes)
{
    size_t fixed = type == 1 ? 8 : 4;

    if (type == 0)
        return read_varint(at, end, value);
    if (type == 2) {
        if (!read_varint(at, end, value) || *value > (uint64_t)(end - *at))
            return false;
        *bytes = *at;
        *at += *value;
        return true;
    }
    if ((type != 1 && type != 5) || (size_t)(end - *at) < fixed)
        return false;
    *at += fixed;
    return true;
}

/* The last value of the field with this number and type; false when there is none. */
static bool find_field(const unsigned char *at, const unsigned char *end, unsigned tag, uint64_t *value,
                       const unsigned char **bytes)
{
    bool found = false;
    uint64_t key, v = 0;
    const unsigned char *b = at;

    while (at < end && read_varint(&at, end, &key) && skip_value(&at, end, (unsigned)(key & 7), &v, &b)) {
        if (key != tag)
            continue;
        found = true;
        *value = v;
        *bytes = b;
    }
    return found;
}

/* partial_success = 1 (message): rejected_log_records = 1 (varint). */
uint64_t forward_otlp_rejected(const void *bytes, size_t len)
{
    enum { PARTIAL_SUCCESS = 1 << 3 | 2, REJECTED = 1 << 3 };
    const unsigned char *start = (const unsigned char *)bytes, *inner, *unused;
    uint64_t size, rejected;

    if (len == 0 || !find_field(start, start + len, PARTIAL_SUCCESS, &size, &inner))
        return 0;
    if (!find_field(inner, inner + size, REJECTED, &rejected, &unused) || rejected > INT64_MAX)
        return 0;
    return rejected;
}

static void judge(const struct forward_http_reply *r, const struct forward_batch *b, struct forward_answer *out)
{
    enum forward_verdict verdict = forward_http_verdict(r->status);
    char said[FORWARD_REASON_MAX / 2];

    text_clean(said, sizeof said, r->body, r->body_len < 100 ? r->body_len : 100, NULL);
    if (r->status == 0)
        forward_answer_set(out, verdict, "%s", r->error);
    else
        forward_answer_set(out, verdict, "status %d %s", r->status, verdict == FORWARD_TAKEN ? "" : said);
    out->retry_after_ns = r->retry_after_ns;
    if (verdict == FORWARD_TAKEN) {
        uint64_t rejected = forward_otlp_rejected(r->body, r->body_len);

        out->rejected = rejected < b->record_count ? rejected : b->record_count;
    }
}

/* ---- the sink ---------------------------------------------------------------------------- */

static void send(struct forward_sink *sink, const struct forward_batch *b, struct forward_answer *out)
{
    struct otlp_sink *s = (struct otlp_sink *)sink;
    struct forward_http_reply reply;
    struct err e = { 0 };
    int rc;

    buf_clear(&s->body);
    rc = forward_batch_encode(b, &s->body, &e);
    if (rc != 0) {
        forward_answer_set(out, rc == ERR_MEMORY ? FORWARD_LATER : FORWARD_TOO_BIG, "%s", e.text);
        return;
    }
    forward_http_post(s->http, s->body.data, s->body.len, &reply);
    judge(&reply, b, out);
}

static void close_sink(struct forward_sink *sink)
{
    struct otlp_sink *s = (struct otlp_sink *)sink;

    forward_http_free(s->http);
    buf_free(&s->body);
    free(s);
}

static const struct forward_sink_ops ops = { .send = send, .close = close_sink };

int forward_otlp_new(struct forward_sink **out, const struct hub_config_forward *config, const _Atomic bool *stopping,
                     struct err *e)
{
    struct forward_http_options options = {
        .key = "forward.otlp",
        .target = &config->otlp,
        .path = "/v1/logs",
        .type = "application/x-protobuf",
        .scheme = "Bearer",
        .gzip = config->otlp_compression == FORWARD_GZIP,
        .timeout_ns = config->timeout_ns,
        .stopping = stopping,
    };
    struct otlp_sink *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &ops;
    buf_init(&s->body, FORWARD_ENCODED_MAX);
    rc = forward_http_new(&s->http, &options, e);
    if (rc != 0) {
        close_sink(&s->base);
        return rc;
    }
    *out = &s->base;
    return 0;
}
