/* A batch for a target: records of one or more streams, read in one moment. */
#include "base/text.h"
#include "hub/forward_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A record may be larger than a batch's bound, and goes alone then. */
enum { RECORD_BYTES_MAX = 8 * 1024 * 1024 };

int forward_batch_init(struct forward_batch *b, size_t records_max, size_t bytes_max, struct err *e)
{
    *b = (struct forward_batch){ .record_room = records_max, .bytes_max = bytes_max };
    buf_init(&b->bytes, bytes_max + RECORD_BYTES_MAX);
    b->streams = calloc(FORWARD_STREAMS_MAX, sizeof *b->streams);
    b->records = calloc(records_max, sizeof *b->records);
    if (b->streams != NULL && b->records != NULL)
        return 0;
    forward_batch_free(b);
    return err_set(e, ERR_MEMORY, "out of memory");
}

void forward_batch_free(struct forward_batch *b)
{
    free(b->streams);
    free(b->records);
    buf_free(&b->bytes);
    *b = (struct forward_batch){ .record_room = 0 };
}

/* ---- reading ---------------------------------------------------------------------- */

/* A stream that gave nothing has no place of its own: the next one takes it. */
static void drop_idle_stream(struct forward_batch *b)
{
    const struct forward_stream *s = b->stream_count > 0 ? &b->streams[b->stream_count - 1] : NULL;

    if (s != NULL && s->next == s->at.mark)
        b->stream_count--;
}

static bool take_stream(void *arg, const struct fleet_behind *at, const struct resource *who)
{
    struct forward_batch *b = (struct forward_batch *)arg;

    drop_idle_stream(b);
    assert(b->stream_count < FORWARD_STREAMS_MAX);
    b->streams[b->stream_count++] =
        (struct forward_stream){ .at = *at, .who = *who, .first = b->record_count, .next = at->mark };
    b->last = at->stream;
    return true;
}

static bool take_record(void *arg, const struct fleet_forwarded *r)
{
    struct forward_batch *b = (struct forward_batch *)arg;
    struct forward_stream *s = &b->streams[b->stream_count - 1];

    assert(r->arrival > s->next);
    if (b->record_count == b->record_room || (b->record_count > 0 && r->len > b->bytes_max - b->bytes.len))
        return false;
    b->lost += r->arrival - s->next - 1;
    b->records[b->record_count++] = (struct forward_record){ r->arrival, r->seq, b->bytes.len, r->len };
    buf_add(&b->bytes, r->payload, r->len);
    s->next = r->arrival;
    s->count++;
    return b->bytes.len < b->bytes_max;
}

/* Everything that is there was read: what the count says besides is gone. */
static void end_stream(void *arg)
{
    struct forward_batch *b = (struct forward_batch *)arg;
    struct forward_stream *s = &b->streams[b->stream_count - 1];

    if (s->at.records > s->next) {
        b->lost += s->at.records - s->next;
        s->next = s->at.records;
    }
}

int forward_batch_read(struct forward_batch *b, struct fleet_store *s, const char *target, int64_t after,
                       int records_max, struct err *e)
{
    struct fleet_forward_reader reader = {
        .target = target,
        .after = after,
        .records_max = records_max,
        .arg = b,
        .stream = take_stream,
        .record = take_record,
        .end = end_stream,
    };
    int rc;

    assert(records_max > 0 && (size_t)records_max <= b->record_room);
    buf_clear(&b->bytes);
    b->stream_count = b->record_count = 0;
    b->lost = 0;
    b->last = 0;
    rc = fleet_forward_read(s, &reader, e);
    drop_idle_stream(b);
    if (rc == 0 && buf_error(&b->bytes) != ERR_OK)
        rc = err_set(e, buf_error(&b->bytes), "no room for a batch of observations");
    return rc;
}

/* ---- what is sent ------------------------------------------------------------------- */

static int encode_stream(const struct forward_batch *b, const struct forward_stream *s, struct buf *out, struct err *e)
{
    struct otlp_payload *payloads = calloc(s->count, sizeof *payloads);
    int rc;

    if (payloads == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < s->count; i++) {
        const struct forward_record *r = &b->records[s->first + i];

        payloads[i] = (struct otlp_payload){ b->bytes.data + r->offset, r->len };
    }
    rc = otlp_encode_request(&s->who, payloads, s->count, out, e);
    free(payloads);
    return rc;
}

/* Requests one after the other are one request: repeated fields of a protobuf message add up. */
int forward_batch_encode(const struct forward_batch *b, struct buf *out, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->stream_count; i++) {
        if (b->streams[i].count > 0)
            rc = encode_stream(b, &b->streams[i], out, e);
    }
    return rc;
}

static int each_of(const struct forward_stream *s, const struct buf *request, forward_take *take, void *arg,
                   struct err *e)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request decoded;
    int rc = otlp_decode(request->data, request->len, &limits, &decoded, e);

    for (const struct otlp_group *g = decoded.groups; rc == 0 && g != NULL; g = g->next) {
        for (const struct observation *o = g->batch.first; rc == 0 && o != NULL; o = o->next)
            rc = take(arg, &s->who, o, e);
    }
    otlp_request_free(&decoded);
    return rc;
}

int forward_batch_each(const struct forward_batch *b, forward_take *take, void *arg, struct err *e)
{
    struct buf request;
    int rc = 0;

    buf_init(&request, FORWARD_ENCODED_MAX);
    for (size_t i = 0; rc == 0 && i < b->stream_count; i++) {
        if (b->streams[i].count == 0)
            continue;
        buf_clear(&request);
        rc = encode_stream(b, &b->streams[i], &request, e);
        if (rc == 0)
            rc = each_of(&b->streams[i], &request, take, arg, e);
    }
    buf_free(&request);
    return rc;
}

void forward_id(const struct resource *who, const struct observation *o, char out[FORWARD_ID_MAX])
{
    snprintf(out, FORWARD_ID_MAX, "%s:%" PRIu64, who->agent_id, o->seq);
}

void forward_answer_set(struct forward_answer *a, enum forward_verdict verdict, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *a = (struct forward_answer){ .verdict = verdict, .retry_after_ns = -1 };
    text_clean(a->text, sizeof a->text, text, strlen(text), NULL);
}
