/* See event_channel.h: one state machine for every channel.
 *
 * A read looks at the log (oldest record, count, creation time), decides whether
 * records are gone since the mark, subscribes where that is needed, and takes
 * records until the channel is drained or the read is full.  The subscription
 * stays open between reads as long as the mark given is the one of the last read;
 * any other mark (a commit that failed, a step that was halved) subscribes again
 * from there.
 *
 * Errors.  What makes a subscription stale is answered by subscribing again from
 * the mark, a few times in one read; with records already taken the read ends with
 * those, and the next one subscribes.  Everything else ends the read with a state
 * and a remedy (event_channel_state.c), and nothing consumed.
 *
 * Never future-only: a place that can not be found again is looked for by number,
 * from the oldest record on, and what is gone is told as a gap.  A subscription
 * that begins "after the closest record" is not used: which one that is depends on
 * the service, and a record could be lost.
 *
 * The service limits the bytes of one call on older systems.  Over it the batch is
 * halved; GROW_AFTER full batches that went well later it grows by one.
 *
 * What it does not do: messages are never formatted, and publishers' metadata is
 * never loaded.
 */
#include "plat/event_channel.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROW_AFTER = 16,
    ATTEMPTS_MAX = 10,    /* more than it takes to halve CHANNEL_BATCH_MAX to 1 */
    PASS_OVER_MAX = 4096, /* records below the mark, in one read */
    STALLED_MAX = 5,
    TRIES_MAX = 3,         /* of a record that can not be read, each over a subscription of its own */
    SEEN_STRIDE_MIN = 256, /* the mark is not moved for fewer records that did not match */
    PLACE_MAX = 192,
};
_Static_assert(1 << (ATTEMPTS_MAX - 2) > CHANNEL_BATCH_MAX, "a batch can be halved to one record in one read");

struct event_channel {
    struct event_stream stream;
    struct channel_log *log; /* owned */
    char *name;              /* owned */
    bool is_filtered;
    bool is_open;        /* subscribed */
    struct buf position; /* the mark up to which the subscription has been read, when open */
    int count, next;     /* records of the last batch, and the first that was not looked at */
    uint64_t pass_over;  /* records up to this number were taken before; 0 none */
    int batch;
    int went_well;          /* full batches since it was changed */
    uint64_t trouble_after; /* a record after this one can not be read ... */
    int tries;              /* ... and was tried so often */
    int stalled;            /* reads in a row that found nothing though there is something newer */
};

struct reading {
    struct event_channel *c;
    const struct event_sink *sink;
    struct channel_mark mark;
    struct channel_info info;
    int events, max_events;
    size_t bytes, max_bytes;
    int passed_over;
    bool is_drained;
};

static const struct channel_result good = { CHANNEL_OK, 0, "" };

static void unsubscribe(struct event_channel *c)
{
    c->log->ops->unsubscribe(c->log);
    c->is_open = false;
    c->count = c->next = 0;
    c->pass_over = 0;
}

/* ---- gaps ---- */

static void tell_gap(const struct reading *r, const char *reason, uint64_t from, uint64_t to, const char *detail)
{
    char a[24] = "", b[24] = "";

    if (from != 0)
        snprintf(a, sizeof a, "%" PRIu64, from);
    if (to != 0)
        snprintf(b, sizeof b, "%" PRIu64, to);
    r->sink->gap(r->sink->arg, reason, a, b, detail);
}

static void tell_verdict(const struct reading *r, enum channel_verdict verdict)
{
    uint64_t from = r->mark.seen + 1;

    if (verdict == CHANNEL_WRAPPED)
        tell_gap(r, "log-wrapped", from, r->info.oldest - 1,
                 "the oldest records were overwritten before they were read");
    if (verdict == CHANNEL_CLEARED)
        tell_gap(r, "log-cleared", from, r->info.oldest - 1, "the log was cleared before these records were read");
    if (verdict == CHANNEL_BEGUN_AGAIN)
        tell_gap(r, "log-cleared", from, 0,
                 "the log was cleared: what was written between the last read and then is gone");
}

/* ---- subscribing ---- */

static struct channel_result look_for_record(struct reading *r, enum channel_evidence *evidence)
{
    struct channel_result result;
    uint64_t time = 0;

    *evidence = EVIDENCE_NONE;
    if (r->mark.id == 0)
        return good;
    result = r->c->log->ops->record_time(r->c->log, r->mark.id, &time);
    if (result.answer == CHANNEL_OK)
        *evidence = time == r->mark.time ? EVIDENCE_SAME : EVIDENCE_OTHER;
    else if (channel_answer_is_stale(result.answer))
        *evidence = EVIDENCE_GONE;
    else
        return result;
    return good;
}

/* Strictly after the bookmark, or from the oldest past what was taken. */
static struct channel_result subscribe(struct event_channel *c, const struct channel_mark *from)
{
    struct channel_result result = { CHANNEL_MARK_GONE, 0, "" };

    if (from->bookmark[0] != '\0')
        result = c->log->ops->subscribe(c->log, from->bookmark);
    if (channel_answer_is_stale(result.answer)) {
        result = c->log->ops->subscribe(c->log, "");
        c->pass_over = from->id;
    }
    c->is_open = result.answer == CHANNEL_OK;
    return result;
}

/* Decides what became of the log since the mark, subscribes, and then tells it:
 * a subscription that fails has told nothing. */
static struct channel_result attach(struct reading *r)
{
    struct channel_mark from = r->mark;
    enum channel_evidence evidence;
    enum channel_verdict verdict;
    struct channel_result result;

    unsubscribe(r->c);
    result = look_for_record(r, &evidence);
    if (result.answer != CHANNEL_OK)
        return result;
    verdict = channel_judge(&from, &r->info, evidence);
    channel_mark_follow(&from, &r->info, verdict);
    result = subscribe(r->c, &from);
    if (result.answer != CHANNEL_OK)
        return result;
    tell_verdict(r, verdict);
    r->mark = from;
    return good;
}

/* An open subscription whose log is no longer what it was must begin again. */
static bool can_go_on(const struct reading *r)
{
    return r->c->is_open && r->c->stalled < STALLED_MAX &&
           channel_judge(&r->mark, &r->info, EVIDENCE_GONE) == CHANNEL_GO_BY_NUMBER;
}

static struct channel_result be_attached(struct reading *r)
{
    struct channel_result result = r->c->log->ops->info(r->c->log, &r->info);

    if (result.answer != CHANNEL_OK)
        return result;
    if (r->c->is_open && (r->mark.seen == 0 || can_go_on(r)))
        return good;
    r->c->stalled = 0;
    return attach(r);
}

/* ---- taking records ---- */

static bool is_full(const struct reading *r)
{
    return r->events >= r->max_events || (r->bytes >= r->max_bytes && r->events > 0) || r->passed_over >= PASS_OVER_MAX;
}

/* A jump in the numbers of a whole log: were records overwritten meanwhile? */
static struct channel_result look_at_jump(struct reading *r, uint64_t id)
{
    struct channel_info now;
    struct channel_result result;

    if (r->c->is_filtered || r->mark.seen == 0 || id == r->mark.seen + 1)
        return good;
    result = r->c->log->ops->info(r->c->log, &now);
    if (result.answer == CHANNEL_OK && now.oldest > r->mark.seen + 1) {
        uint64_t last = (now.oldest < id ? now.oldest : id) - 1;

        tell_gap(r, "log-wrapped", r->mark.seen + 1, last, "records were overwritten while the log was read");
        r->mark.seen = last;
    }
    return result;
}

static void hand_out(struct reading *r, uint64_t id, const char *xml, size_t len)
{
    char place[PLACE_MAX];

    snprintf(place, sizeof place, "%.150s:record %" PRIu64, r->c->name, id);
    r->events++;
    r->bytes += len;
    r->sink->event(r->sink->arg, xml, len, place);
}

/* id 0: the number is not known either. */
static void tell_unreadable(struct reading *r, uint64_t id, const struct channel_result *why)
{
    char detail[PLACE_MAX];

    snprintf(detail, sizeof detail, "the record after %" PRIu64 " can not be rendered (%s, error %" PRIu32 ")",
             r->mark.id, why->call, why->code);
    tell_gap(r, "record-unreadable", id, id, detail);
    r->events++;
}

/* What says that the service is gone, not the record. */
static bool is_about_service(enum channel_answer answer)
{
    return answer == CHANNEL_AWAY || answer == CHANNEL_DISABLED || answer == CHANNEL_DENIED;
}

/* Is the next record to be given up?  Not before it has failed over several
 * subscriptions: handles die when the service starts again. */
static bool is_hopeless(struct reading *r, enum channel_answer answer)
{
    struct event_channel *c = r->c;

    if (answer == CHANNEL_NO_METADATA)
        return true;
    if (c->trouble_after != r->mark.id)
        c->tries = 0;
    c->trouble_after = r->mark.id;
    if (++c->tries < TRIES_MAX)
        return false;
    c->tries = 0;
    return true;
}

/* The record could not be read: it is told and left, or the subscription is to be renewed. */
static struct channel_result leave_record(struct reading *r, uint64_t id, struct channel_result why)
{
    if (is_about_service(why.answer))
        return why;
    if (!is_hopeless(r, why.answer)) {
        why.answer = CHANNEL_STALE;
        return why;
    }
    tell_unreadable(r, id, &why);
    return good;
}

static void note_taken(struct reading *r, const struct channel_record *record)
{
    r->c->next++;
    r->mark.id = record->id;
    r->mark.time = record->time;
    if (r->mark.seen < record->id)
        r->mark.seen = record->id;
}

static struct channel_result render(struct reading *r, const struct channel_record *record)
{
    struct event_channel *c = r->c;
    const char *xml = NULL;
    size_t len = 0;
    struct channel_result result = c->log->ops->render(c->log, c->next, &xml, &len);

    if (result.answer == CHANNEL_OK)
        hand_out(r, record->id, xml, len);
    else
        result = leave_record(r, record->id, result);
    if (result.answer == CHANNEL_OK)
        note_taken(r, record);
    return result;
}

/* Takes the next record of the batch; CHANNEL_STALE when its number is not above
 * the last one's: the log was cleared between two calls. */
static struct channel_result take_record(struct reading *r)
{
    struct event_channel *c = r->c;
    struct channel_record record = { 0 };
    struct channel_result result = c->log->ops->record(c->log, c->next, &record);

    if (result.answer != CHANNEL_OK) {
        result = leave_record(r, 0, result);
        c->next += result.answer == CHANNEL_OK;
        return result;
    }
    if (record.id <= c->pass_over) {
        c->next++;
        r->passed_over++;
        return good;
    }
    c->pass_over = 0;
    if (record.id <= r->mark.id)
        return (struct channel_result){ CHANNEL_STALE, 0, "EvtNext" };
    result = look_at_jump(r, record.id);
    return result.answer == CHANNEL_OK ? render(r, &record) : result;
}

/* The bookmark of the last record that was looked at, into the mark; without
 * one the mark still has the number. */
static void keep_bookmark(struct reading *r)
{
    struct event_channel *c = r->c;
    struct buf text;

    if (c->next == 0 || c->pass_over != 0)
        return;
    buf_init(&text, CHANNEL_BOOKMARK_MAX - 1);
    if (c->log->ops->bookmark(c->log, c->next - 1, &text).answer != CHANNEL_OK || buf_error(&text) != ERR_OK)
        buf_clear(&text);
    text_copy(r->mark.bookmark, sizeof r->mark.bookmark, buf_text(&text));
    buf_free(&text);
}

static void shrink_batch(struct event_channel *c)
{
    if (c->batch > 1)
        c->batch /= 2;
    c->went_well = 0;
}

static void grow_batch(struct event_channel *c)
{
    if (c->count < c->batch || c->batch == CHANNEL_BATCH_MAX || ++c->went_well < GROW_AFTER)
        return;
    c->batch++;
    c->went_well = 0;
}

static struct channel_result next_batch(struct reading *r)
{
    struct event_channel *c = r->c;
    struct channel_result result;

    c->count = c->next = 0;
    result = c->log->ops->next(c->log, c->batch, &c->count);
    if (result.answer == CHANNEL_TOO_LARGE)
        shrink_batch(c);
    if (result.answer == CHANNEL_OK)
        grow_batch(c);
    assert(c->count >= 0 && c->count <= c->batch);
    return result;
}

static struct channel_result drain(struct reading *r)
{
    struct event_channel *c = r->c;
    struct channel_result result = good;

    c->log->ops->reset(c->log);
    while (result.answer == CHANNEL_OK && !is_full(r)) {
        if (c->next < c->count) {
            result = take_record(r);
            continue;
        }
        if (r->events > 0)
            keep_bookmark(r);
        result = next_batch(r);
    }
    if (r->events > 0 && c->next > 0)
        keep_bookmark(r);
    if (result.answer != CHANNEL_DRAINED)
        return result;
    r->is_drained = true;
    return c->log->ops->arm(c->log);
}

/* ---- a read ---- */

/* Records that did not match need not be looked at again: the mark is moved past
 * them, but in large strides, because each one is a commit. */
static void note_seen(struct reading *r)
{
    uint64_t newest = channel_newest(&r->info), stride = r->info.count / 4;

    if (stride < SEEN_STRIDE_MIN)
        stride = SEEN_STRIDE_MIN;
    if (r->c->is_filtered && newest > r->mark.seen && (r->mark.seen == 0 || newest - r->mark.seen >= stride))
        r->mark.seen = newest;
}

static void describe(struct reading *r, struct stream_report *report)
{
    uint64_t newest = channel_newest(&r->info);
    uint64_t at = r->c->is_filtered && r->is_drained ? newest : r->mark.id;

    report->more = !r->is_drained;
    report->lag_records = newest > at ? (int64_t)(newest - at) : 0;
    r->c->stalled = r->is_drained && r->events == 0 && report->lag_records > 0 ? r->c->stalled + 1 : 0;
    if (r->is_drained)
        note_seen(r);
}

/* Attaches and reads, again where the subscription turns out to be stale. */
static struct channel_result read_channel(struct reading *r)
{
    struct channel_result result = { CHANNEL_FAILED, 0, "" };

    for (int i = 0; i < ATTEMPTS_MAX; i++) {
        result = be_attached(r);
        if (result.answer == CHANNEL_DRAINED) /* an answer to reading alone */
            result.answer = CHANNEL_FAILED;
        if (result.answer == CHANNEL_OK)
            result = drain(r);
        if (result.answer == CHANNEL_OK)
            return result;
        unsubscribe(r->c);
        if (r->events > 0)
            return good;
        if (!channel_answer_is_stale(result.answer))
            return result;
    }
    return result;
}

/* The subscription is of use only at the mark it was read up to. */
static void forget_other_position(struct event_channel *c, const char *mark)
{
    if (c->is_open && strcmp(buf_text(&c->position), mark) != 0)
        unsubscribe(c);
}

static int channel_read(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                        const struct event_sink *sink, struct buf *new_mark, struct stream_report *report,
                        struct err *e)
{
    struct event_channel *c = (struct event_channel *)s;
    struct reading r = { .c = c, .sink = sink, .max_events = max_events, .max_bytes = max_bytes };
    struct channel_result result;

    assert(max_events > 0);
    buf_clear(new_mark);
    *report = (struct stream_report){ .state = STREAM_ATTACHED, .lag_records = -1 };
    if (!channel_mark_parse(mark, &r.mark))
        return err_set(e, ERR_INVALID, "%s: '%.80s' is no mark of an event channel", c->name, mark);
    forget_other_position(c, mark);
    result = read_channel(&r);
    if (result.answer == CHANNEL_OK)
        describe(&r, report);
    else
        channel_report(result.answer, result.call, result.code, c->name, report);
    buf_clear(&c->position);
    if (mark[0] != '\0' || r.mark.seen != 0 || r.mark.generation != 0)
        channel_mark_write(&r.mark, &c->position);
    buf_str(new_mark, buf_text(&c->position));
    if (buf_error(&c->position) == ERR_OK && buf_error(new_mark) == ERR_OK)
        return 0;
    unsubscribe(c);
    return err_set(e, ERR_MEMORY, "%s: no room for the mark", c->name);
}

static void channel_close(struct event_stream *s)
{
    struct event_channel *c = (struct event_channel *)s;

    c->log->ops->close(c->log);
    buf_free(&c->position);
    free(c->name);
    free(c);
}

int event_channel_new(const char *name, struct channel_log *log, bool is_filtered, struct event_stream **out,
                      struct err *e)
{
    static const struct event_stream_ops ops = { .read = channel_read, .close = channel_close };
    struct event_channel *c = calloc(1, sizeof *c);

    if (c == NULL || (c->name = strdup(name)) == NULL) {
        free(c);
        return err_set(e, ERR_MEMORY, "out of memory for channel %s", name);
    }
    c->stream.ops = &ops;
    c->log = log;
    c->is_filtered = is_filtered;
    c->batch = CHANNEL_BATCH_MAX;
    buf_init(&c->position, CHANNEL_MARK_MAX);
    *out = &c->stream;
    return 0;
}
