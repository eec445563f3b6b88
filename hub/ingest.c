/* POST /v1/logs: from bytes to the writer, and from the commit to the answer.
 *
 * The caps, in order: Content-Length and bytes received (ingest.max_body), the
 * writer's queue, bytes unpacked (ingest.max_decoded), records and memory of
 * what is decoded.  Over a cap is 413, a full queue is 429 with Retry-After,
 * and neither has cost more than the cap.
 *
 * 200 means: committed.  Hvfleet-Acked-Through tells the stream's high mark when the
 * request spoke for exactly one agent, and Hvfleet-Send-Budget what that agent may send next
 * (limits_budget.h); Hvfleet-Takes-State, that agents with a backlog may tell how their guests are ahead
 * of its turn (fleet_ahead.c), as a request of a type of its own.
 */
#include "base/log.h"
#include "base/text.h"
#include "hub/limits.h"

#include <assert.h>
#include <string.h>

enum {
    RETRY_FULL_S = 2,    /* the queue is full */
    RETRY_FAILED_S = 10, /* the store can not be written */
    DECODED_FACTOR = 4,  /* memory for what is decoded, in times of the unpacked bytes allowed */
    NESTING_MAX = 16,
};

/* As HTTP_STATE_TYPE of transport/http.h: how things are, ahead of its turn. */
#define STATE_TYPE "application/vnd.hvfleet.state+protobuf"

/* "application/json; charset=utf-8" and so on. */
static bool is_type(const char *value, const char *type)
{
    size_t len = strlen(type);

    return value != NULL && text_ncasecmp(value, type, len) == 0 && strchr(" \t;", value[len]) != NULL;
}

const char *ingest_needs(const struct server *s)
{
    return s->config.require_certificate
               ? "a client certificate is needed here (ingest.require_certificate): enrol this"
                 " agent, with hub.enroll_token_file"
               : "a bearer token or a client certificate is needed";
}

void ingest_begin(struct exchange *x)
{
    const char *type = exchange_header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *encoding = exchange_header(x, MHD_HTTP_HEADER_CONTENT_ENCODING);

    x->job.ahead = is_type(type, STATE_TYPE);
    if (x->job.ahead || is_type(type, "application/x-protobuf"))
        x->dialect = DIALECT_PROTOBUF;
    else if (is_type(type, "application/json"))
        x->dialect = DIALECT_JSON;
    if (x->dialect == DIALECT_TEXT)
        exchange_refuse(x, 415, "Content-Type must be application/x-protobuf or application/json");
    else if (!body_encoding_parse(encoding, &x->encoding))
        exchange_refuse(x, 415, "Content-Encoding must be identity, gzip or zstd");
}

/* ---- after the commit ------------------------------------------------------------------ */

static void put_success(struct exchange *x)
{
    struct reply *r = &x->reply;

    r->status = 200;
    buf_clear(&r->body);
    if (x->dialect == DIALECT_JSON) {
        r->type = "application/json";
        buf_str(&r->body, "{\"partialSuccess\":{}}");
    } else {
        r->type = "application/x-protobuf";
        if (otlp_encode_response(0, NULL, &r->body, NULL) != 0)
            exchange_refuse(x, 500, "the answer can not be encoded");
    }
    r->takes_state = true;
    r->has_acked = x->job.batch.one_agent;
    r->acked_through = x->job.batch.acked_through;
    if ((r->has_acked || x->job.ahead) && r->status == 200)
        limits_tell_budget(x);
}

static void put_failure(struct exchange *x, int rc, const struct err *e)
{
    switch (rc) {
    case ERR_TOO_BIG:
        exchange_refuse(x, 413, "%s", e->text);
        break;
    case ERR_INVALID:
        exchange_refuse(x, 400, "%s", e->text);
        break;
    case ERR_REFUSED:
        exchange_refuse(x, 403, "%s", e->text);
        break;
    default:
        x->reply.retry_after_s = rate_retry_after(x->server->o.rate, RETRY_FAILED_S);
        exchange_refuse(x, 503, "the records can not be stored now (%s); try again", err_name((enum err_code)rc));
        break;
    }
}

/* On the writer's thread. */
static void committed(struct writer_job *job)
{
    struct exchange *x = (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));

    if (job->rc == 0 && job->batch.refused)
        exchange_refuse(x, 403, "%s", job->batch.refusal);
    else if (job->rc == 0)
        put_success(x);
    else
        put_failure(x, job->rc, &job->err);
    otlp_request_free(&job->request);
    exchange_resume(x);
}

/* ---- before it ----------------------------------------------------------------------------- */

static int decode(struct exchange *x, const void *bytes, size_t len, struct err *e)
{
    const struct hub_config *c = &x->server->config;
    struct otlp_limits limits = otlp_limits_default();

    limits.records_max = (size_t)c->records_max;
    limits.arena_max = (size_t)c->body_max_decoded * DECODED_FACTOR;
    limits.depth_max = limits.depth_max < NESTING_MAX ? limits.depth_max : NESTING_MAX;
    if (x->dialect == DIALECT_JSON)
        return otlp_decode_json((const char *)bytes, len, &limits, &x->job.request, e);
    return otlp_decode(bytes, len, &limits, &x->job.request, e);
}

static void refuse_busy(struct exchange *x)
{
    limits_busy(x, RETRY_FULL_S, "too many requests wait to be stored; try again");
}

static void refuse_body(struct exchange *x, int rc, const struct err *e)
{
    if (rc == ERR_BUSY)
        refuse_busy(x);
    else if (rc == ERR_TOO_BIG || rc == ERR_MEMORY)
        put_failure(x, rc, e);
    else
        exchange_refuse(x, 400, "%s", e->text);
}

/* Unpacks the body, takes a place in the queue for as many bytes, and decodes.  On
 * success the place is held and x->job.bytes says for how much. */
static int read_body(struct exchange *x, struct err *e)
{
    struct writer *w = x->server->o.writer;
    struct buf unpacked;
    int rc;

    buf_init(&unpacked, (size_t)x->server->config.body_max_decoded);
    rc = body_unpack(x->encoding, buf_text(&x->body), x->body.len, &unpacked, e);
    x->server->o.counters->decoded_bytes += unpacked.len;
    x->job.bytes = unpacked.len;
    if (rc == 0 && !writer_reserve(w, x->job.bytes))
        rc = err_set(e, ERR_BUSY, "the queue is full");
    else if (rc == 0) {
        rc = decode(x, buf_text(&unpacked), unpacked.len, e);
        if (rc != 0)
            writer_release(w, x->job.bytes);
    }
    buf_free(&unpacked);
    return rc;
}

void ingest_finish(struct exchange *x)
{
    struct writer *w = x->server->o.writer;
    struct err e = { 0 };
    int rc;

    if (x->server->config.require_certificate && !x->certificate) {
        exchange_refuse(x, 403, "%s", ingest_needs(x->server));
        return;
    }
    rc = writer_full(w) ? ERR_BUSY : read_body(x, &e);
    if (rc != 0) {
        refuse_body(x, rc, &e);
        return;
    }
    exchange_drop_body(x);
    limits_credential(x, x->credential);
    if (!limits_pay(x)) {
        writer_release(w, x->job.bytes);
        return;
    }
    x->job.credential = x->credential;
    x->job.streams_max = x->server->config.agents_max;
    x->job.done = committed;
    x->job.speaker = &x->speaker;
    if (!exchange_suspend(x)) {
        writer_release(w, x->job.bytes);
        refuse_busy(x);
        return;
    }
    writer_submit(w, &x->job);
}
