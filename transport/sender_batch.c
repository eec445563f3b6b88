/* One batch of the sender: packed, posted, and the answer taken by the retry
 * table (verdict.h). */
#include "base/log.h"
#include "base/text.h"
#include "model/otlp.h"
#include "transport/compress.h"
#include "transport/sender_internal.h"
#include "transport/verdict.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void post(struct sender *s, size_t count);

/* ---- batches that must be made smaller ---------------------------------- */

/* The same records once more, in smaller batches. */
static void read_again(struct sender *s)
{
    sender_drop_batch(s);
    s->state = SENDER_IDLE;
    sender_go_on(s);
}

/* The one record in the batch is guilty, by the hub's word.  Is the hub to be
 * believed? */
static void judge(struct sender *s, const char *reason)
{
    char problem[sizeof s->status.problem];

    assert(s->slice.count == 1);
    text_copy(s->reason, sizeof s->reason, reason);
    if (s->asides_run > 0 && s->asides_run % SENDER_SET_ASIDE_RUN == 0) {
        s->asides_run = 0;
        snprintf(problem, sizeof problem, "%d records in a row were not taken: %.180s", SENDER_SET_ASIDE_RUN, reason);
        sender_refused(s, problem, "check that hub.url is a hub of this agent's version; keep its messages");
        return;
    }
    if (s->proven) {
        sender_set_aside(s);
        return;
    }
    s->probing = true;
    post(s, 0);
}

static void too_large(struct sender *s, const char *reason)
{
    if (s->slice.count == 1) {
        judge(s, reason);
        return;
    }
    limits_too_large(&s->limits, s->slice.count, s->slice.framed_bytes);
    read_again(s);
}

static void guilty(struct sender *s, const char *reason)
{
    if (s->slice.count == 1) {
        judge(s, reason);
        return;
    }
    limits_guilty(&s->limits, s->slice.count, s->slice.last_seq);
    read_again(s);
}

/* ---- answers ------------------------------------------------------------ */

/* How far an accepting answer acknowledges; 0 nowhere. */
static uint64_t accepted_through(const struct sender *s, const struct http_reply *reply)
{
    uint64_t last = s->slice.last_seq, mark = reply->acked_through;

    if (!reply->has_acked_through || mark == last)
        return last;
    if (mark > last)
        return mark < s->read_until ? mark : s->read_until;
    return mark >= s->slice.first_seq ? mark : 0;
}

/* An endpoint may accept and still have something to say (OTLP's partial
 * success); it must not be sent again, so a line in the log is all. */
static void note_remark(struct sender *s, const struct http_reply *reply)
{
    char remark[sizeof s->remark];

    text_clean(remark, sizeof remark, reply->body, strlen(reply->body), NULL);
    if (remark[0] != '\0' && strcmp(remark, s->remark) != 0)
        log_event(LOG_WARN, "transport.remark", LOG_I("status", reply->status), LOG_S("text", remark));
    text_copy(s->remark, sizeof s->remark, remark);
}

static void take_accepted(struct sender *s, const struct http_reply *reply)
{
    uint64_t through = accepted_through(s, reply);
    char problem[sizeof s->status.problem];

    s->ahead.understood = reply->takes_state;
    if (through == 0) {
        sender_forget_budget(s);
        snprintf(problem, sizeof problem,
                 "the hub accepted records %" PRIu64 " to %" PRIu64 " but says it has them through %" PRIu64 " only",
                 s->slice.first_seq, s->slice.last_seq, reply->acked_through);
        sender_wait(s, problem, "look at the hub's store: was it restored from a backup, or does another hub answer?",
                    sender_backoff(s, reply->retry_after_ns));
        return;
    }
    note_remark(s, reply);
    s->proven = true;
    s->asides_run = 0;
    s->status.batches_sent++;
    s->status.records_sent += s->slice.count;
    limits_accepted(&s->limits, s->slice.count, s->slice.last_seq);
    if (through < s->slice.last_seq)
        s->rows_left += s->slice.count; /* about: those above the mark come again */
    sender_free_slice(s);
    sender_ack(s, through);
}

void sender_take_wait(struct sender *s, const struct http_reply *reply)
{
    int64_t delay = sender_backoff(s, reply->retry_after_ns);
    char problem[sizeof s->status.problem];

    /* Somebody has to change a certificate first. */
    if (reply->certificate_problem)
        delay = jitter_ns(s->config.retry_max_ns / 2, s->random) + s->config.retry_max_ns / 2;
    sender_wait(s, verdict_sentence(reply, problem, sizeof problem), verdict_remedy(reply), delay);
}

static void take_refused(struct sender *s, const struct http_reply *reply)
{
    char problem[sizeof s->status.problem];

    sender_refused(s, verdict_sentence(reply, problem, sizeof problem), verdict_remedy(reply));
}

static void take_encoding(struct sender *s, const struct http_reply *reply)
{
    enum compression next = compress_fallback(s->compression);

    if (next == s->compression) {
        sender_take_wait(s, reply);
        return;
    }
    log_event(LOG_WARN, "transport.compression", LOG_S("refused", compress_encoding(s->compression)),
              LOG_S("now", next == COMPRESSION_NONE ? "none" : compress_encoding(next)));
    s->compression = next;
    post(s, s->probing ? 0 : s->slice.count);
}

/* The answer to an empty request: is it the record, or the hub? */
static void take_probe(struct sender *s, const struct http_reply *reply)
{
    char problem[sizeof s->status.problem];

    s->probing = false;
    switch (verdict_of(reply->status)->verdict) {
    case VERDICT_ACCEPTED:
        sender_set_aside(s);
        break;
    case VERDICT_TOO_LARGE:
    case VERDICT_GUILTY:
        snprintf(problem, sizeof problem, "not even an empty request is taken: %.200s", s->reason);
        sender_refused(s, problem, verdict_remedy(reply));
        break;
    case VERDICT_REFUSED:
        take_refused(s, reply);
        break;
    case VERDICT_ENCODING:
        s->probing = true;
        take_encoding(s, reply);
        break;
    case VERDICT_WAIT:
        sender_take_wait(s, reply);
        break;
    }
}

static void take_reply(struct sender *s, const struct http_reply *reply)
{
    char sentence[sizeof s->status.problem];

    verdict_sentence(reply, sentence, sizeof sentence);
    switch (verdict_of(reply->status)->verdict) {
    case VERDICT_ACCEPTED:
        take_accepted(s, reply);
        break;
    case VERDICT_WAIT:
        sender_take_wait(s, reply);
        break;
    case VERDICT_TOO_LARGE:
        too_large(s, sentence);
        break;
    case VERDICT_GUILTY:
        guilty(s, sentence);
        break;
    case VERDICT_ENCODING:
        take_encoding(s, reply);
        break;
    case VERDICT_REFUSED:
        take_refused(s, reply);
        break;
    }
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct sender *s = arg;

    assert(s->state == SENDER_SENDING && s->slice.count > 0);
    buf_free(&s->packed);
    buf_free(&s->raw);
    sender_take_budget(s, reply);
    if (reply->has_acked_through && !s->ahead.under_way)
        s->status.hub_mark = reply->acked_through;
    if (s->ahead.under_way)
        sender_ahead_take_reply(s, reply);
    else if (s->probing)
        take_probe(s, reply);
    else
        take_reply(s, reply);
}

/* ---- packing and posting ------------------------------------------------ */

/* The request's bytes into s->packed, or into s->raw without compression. */
static int pack(struct sender *s, size_t count, struct err *e)
{
    int rc;

    buf_clear(&s->raw);
    buf_clear(&s->packed);
    rc = otlp_encode_request(&s->resource, s->slice.payloads, count, &s->raw, e);
    if (rc == 0 && s->compression == COMPRESSION_NONE)
        return 0;
    if (rc == 0)
        rc = compress_body(s->compression, s->raw.data, s->raw.len, &s->packed, e);
    buf_free(&s->raw);
    if (rc != 0)
        buf_free(&s->packed);
    return rc;
}

static void cannot_pack(struct sender *s, int rc, const struct err *e)
{
    char problem[sizeof s->status.problem];

    snprintf(problem, sizeof problem, "cannot pack a batch: %.200s", e->text);
    if (s->ahead.under_way)
        sender_ahead_give_up(s, problem);
    else if (rc != ERR_TOO_BIG || s->probing) {
        sender_wait(s, problem, "see that the host has memory to spare", sender_backoff(s, -1));
    } else if (s->slice.count > 1) {
        limits_too_large(&s->limits, s->slice.count, s->slice.framed_bytes);
        read_again(s);
    } else {
        /* No hub will ever see it, so none is asked. */
        text_copy(s->reason, sizeof s->reason, problem);
        sender_set_aside(s);
    }
}

/* Posts the first count records of the slice. */
static void post(struct sender *s, size_t count)
{
    struct err e = { 0 };
    struct buf *body;
    struct http_reply none = { .retry_after_ns = -1 };
    int rc = pack(s, count, &e);

    if (rc != 0) {
        cannot_pack(s, rc, &e);
        return;
    }
    body = s->compression == COMPRESSION_NONE ? &s->raw : &s->packed;
    s->state = SENDER_SENDING;
    rc = s->http->ops->post(s->http, s->ahead.under_way ? HTTP_STATE : HTTP_RECORDS, body->data, body->len,
                            compress_encoding(s->compression), on_reply, s, &e);
    if (rc != 0) {
        text_copy(none.error, sizeof none.error, e.text);
        sender_take_wait(s, &none);
        return;
    }
    s->status.bytes_sent += body->len;
}

void sender_send(struct sender *s)
{
    assert(s->slice.count > 0 && !s->probing);
    post(s, s->slice.count);
}
