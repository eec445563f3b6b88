/* See support_channel.h. */
#include "tests/plat/support_channel.h"

#include "base/text.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_fail(struct fake_log *f, enum fake_call on, enum channel_answer answer, int times)
{
    f->answer[on] = answer;
    f->times[on] = times;
    f->after[on] = 0;
}

static struct channel_result answer(struct fake_log *f, enum fake_call on)
{
    struct channel_result result = { CHANNEL_OK, 0, "fake" };

    f->calls[on]++;
    if (f->times[on] == 0 || f->after[on]-- > 0)
        return result;
    f->after[on] = 0;
    f->times[on]--;
    result.answer = f->answer[on];
    result.code = 4711;
    return result;
}

static struct channel_result answer_as(enum channel_answer as)
{
    return (struct channel_result){ as, 0, "fake" };
}

static struct channel_result fake_info(struct channel_log *log, struct channel_info *out)
{
    struct fake_log *f = (struct fake_log *)log;

    out->oldest = f->oldest;
    out->count = f->counts_past ? 0 : f->next_id - f->oldest;
    out->created = f->created;
    return answer(f, ON_INFO);
}

static struct channel_result fake_record_time(struct channel_log *log, uint64_t id, uint64_t *time)
{
    struct fake_log *f = (struct fake_log *)log;
    struct channel_result result = answer(f, ON_RECORD_TIME);

    *time = f->time_base + id;
    if (result.answer == CHANNEL_OK && (id < f->oldest || id >= f->next_id))
        result.answer = CHANNEL_MARK_GONE;
    return result;
}

static struct channel_result fake_subscribe(struct channel_log *log, const char *bookmark)
{
    struct fake_log *f = (struct fake_log *)log;
    struct channel_result result = answer(f, ON_SUBSCRIBE);
    uint64_t id = 0;

    ck_assert(!f->subscribed);
    if (result.answer != CHANNEL_OK)
        return result;
    if (bookmark[0] != '\0') {
        ck_assert_int_eq(sscanf(bookmark, "<b id='%" SCNu64 "'/>", &id), 1);
        if (id < f->oldest || id >= f->next_id)
            return answer_as(CHANNEL_MARK_GONE);
    }
    f->subscribed_after = id;
    f->cursor = id != 0 ? id : f->oldest - 1;
    f->subscribed = true;
    f->batch_count = 0;
    return result;
}

static void fake_unsubscribe(struct channel_log *log)
{
    struct fake_log *f = (struct fake_log *)log;

    f->subscribed = false;
    f->batch_count = 0;
}

static void fake_reset(struct channel_log *log)
{
    ((struct fake_log *)log)->resets++;
}

static struct channel_result fake_arm(struct channel_log *log)
{
    struct fake_log *f = (struct fake_log *)log;

    f->armed = true;
    return answer(f, ON_ARM);
}

static struct channel_result fake_next(struct channel_log *log, int max, int *count)
{
    struct fake_log *f = (struct fake_log *)log;
    struct channel_result result = answer(f, ON_NEXT);
    uint64_t id;

    ck_assert(f->subscribed);
    if (f->during_next != NULL)
        f->during_next(f);
    f->largest_batch = max > f->largest_batch ? max : f->largest_batch;
    f->batch_count = *count = 0;
    if (result.answer != CHANNEL_OK)
        return result;
    if (f->cursor + 1 < f->oldest)
        f->cursor = f->oldest - 1;
    for (id = f->cursor + 1; id < f->next_id && f->batch_count < max; id++) {
        if (id % (uint64_t)f->every == 0)
            f->batch[f->batch_count++] = id;
        f->cursor = id;
    }
    if (f->batch_limit != 0 && f->batch_count > f->batch_limit)
        return answer_as(CHANNEL_TOO_LARGE);
    *count = f->batch_count;
    return answer_as(f->batch_count > 0 ? CHANNEL_OK : CHANNEL_DRAINED);
}

static struct channel_result fake_record(struct channel_log *log, int i, struct channel_record *out)
{
    struct fake_log *f = (struct fake_log *)log;

    ck_assert_int_lt(i, f->batch_count);
    out->id = f->batch[i];
    out->time = f->time_base + out->id;
    return answer(f, ON_RECORD);
}

static struct channel_result fake_render(struct channel_log *log, int i, const char **xml, size_t *len)
{
    struct fake_log *f = (struct fake_log *)log;

    ck_assert_int_lt(i, f->batch_count);
    if (f->batch[i] == f->unreadable)
        return answer_as(CHANNEL_NO_METADATA);
    snprintf(f->xml, sizeof f->xml, "<Event id='%" PRIu64 "'/>", f->batch[i]);
    *xml = f->xml;
    *len = strlen(f->xml);
    return answer(f, ON_RENDER);
}

static struct channel_result fake_bookmark(struct channel_log *log, int i, struct buf *out)
{
    struct fake_log *f = (struct fake_log *)log;

    ck_assert_int_lt(i, f->batch_count);
    buf_printf(out, "<b id='%" PRIu64 "'/>", f->batch[i]);
    return answer(f, ON_BOOKMARK);
}

static void fake_close(struct channel_log *log)
{
    ((struct fake_log *)log)->closed = true;
}

static const struct channel_log_ops fake_ops = {
    .info = fake_info,
    .record_time = fake_record_time,
    .subscribe = fake_subscribe,
    .unsubscribe = fake_unsubscribe,
    .reset = fake_reset,
    .arm = fake_arm,
    .next = fake_next,
    .record = fake_record,
    .render = fake_render,
    .bookmark = fake_bookmark,
    .close = fake_close,
};

void fake_init(struct fake_log *f, uint64_t oldest, uint64_t newest)
{
    *f = (struct fake_log){
        .log = { &fake_ops }, .oldest = oldest, .next_id = newest + 1, .created = 1000, .time_base = 5000, .every = 1
    };
}

/* ---- the rig ---- */

static void on_event(void *arg, const char *xml, size_t len, const char *place)
{
    struct taken *t = arg;
    uint64_t id = 0;

    ck_assert_uint_eq(len, strlen(xml));
    ck_assert_int_eq(sscanf(xml, "<Event id='%" SCNu64 "'/>", &id), 1);
    ck_assert_ptr_nonnull(strstr(place, ":record "));
    ck_assert_int_lt(t->count, FAKE_RECORDS);
    t->ids[t->count++] = id;
}

static void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    struct taken *t = arg;

    ck_assert_int_lt(t->gap_count, FAKE_GAPS);
    ck_assert_str_ne(detail, "");
    text_copy(t->gaps[t->gap_count].reason, FAKE_TEXT, reason);
    text_copy(t->gaps[t->gap_count].from, FAKE_TEXT, from);
    text_copy(t->gaps[t->gap_count++].to, FAKE_TEXT, to);
}

void rig_open(struct channel_rig *r, uint64_t oldest, uint64_t newest, bool is_filtered)
{
    fake_init(&r->log, oldest, newest);
    r->taken.count = r->taken.gap_count = 0;
    buf_init(&r->mark, CHANNEL_MARK_MAX);
    ck_assert_int_eq(event_channel_new("System", &r->log.log, is_filtered, &r->stream, NULL), 0);
}

void rig_read(struct channel_rig *r, int max_events)
{
    struct event_sink sink = { on_event, on_gap, &r->taken };
    struct buf new_mark;
    struct err e = { ERR_OK, "" };
    int rc;

    buf_init(&new_mark, CHANNEL_MARK_MAX);
    rc = r->stream->ops->read(r->stream, buf_text(&r->mark), max_events, 1 << 20, &sink, &new_mark, &r->report, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    buf_clear(&r->mark);
    buf_str(&r->mark, buf_text(&new_mark));
    buf_free(&new_mark);
}

void rig_read_all(struct channel_rig *r)
{
    int reads = 0;

    do {
        rig_read(r, 50);
        ck_assert_int_lt(++reads, 1000);
    } while (r->report.more);
}

void rig_restart(struct channel_rig *r, bool is_filtered)
{
    r->stream->ops->close(r->stream);
    ck_assert(r->log.closed);
    r->log.closed = r->log.subscribed = false;
    ck_assert_int_eq(event_channel_new("System", &r->log.log, is_filtered, &r->stream, NULL), 0);
}

void rig_forget_taken(struct channel_rig *r)
{
    r->taken.count = r->taken.gap_count = 0;
}

void rig_close(struct channel_rig *r)
{
    r->stream->ops->close(r->stream);
    buf_free(&r->mark);
}

void rig_assert_took(const struct channel_rig *r, uint64_t from, uint64_t to)
{
    ck_assert_int_eq(r->taken.count, (int)(to + 1 - from));
    for (int i = 0; i < r->taken.count; i++)
        ck_assert_uint_eq(r->taken.ids[i], from + (uint64_t)i);
}

void rig_assert_gap(const struct channel_rig *r, const char *reason, const char *from, const char *to)
{
    ck_assert_int_eq(r->taken.gap_count, 1);
    ck_assert_str_eq(r->taken.gaps[0].reason, reason);
    ck_assert_str_eq(r->taken.gaps[0].from, from);
    ck_assert_str_eq(r->taken.gaps[0].to, to);
}
