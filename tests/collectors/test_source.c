/* What holds for every source, and the source over an event stream. */
#include "collectors/eventlog.h"
#include "collectors/source.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_A "6B29FC40-CA47-1067-B31D-00DD010662DA"

enum { BATCH_MAX = 1024 * 1024, NOW = 1000 };

/* ---- a source made up ---------------------------------------------------------- */

struct fake_source {
    struct source base;
    int makes; /* observations a step */
    int rc;
    bool long_mark; /* one that does not fit */
    int closed;
};

static int fake_step(struct source *s, struct source_step *step, struct err *e)
{
    struct fake_source *f = (struct fake_source *)s;

    for (int i = 0; i < f->makes; i++)
        obs_body(obs_new(step->batch, OBS_EVENT_RAW, 1, 1), "%d", i);
    buf_str(&step->new_mark, "mark");
    for (int i = 0; f->long_mark && i < SOURCE_MARK_MAX; i++)
        buf_char(&step->new_mark, 'x');
    return f->rc == 0 ? 0 : err_set(e, (enum err_code)f->rc, "made up");
}

static void fake_close(struct source *s)
{
    ((struct fake_source *)s)->closed++;
}

static const struct source_ops fake_ops = { .step = fake_step, .close = fake_close };

static struct obs_batch batch;
static struct source_step step;
static struct err why;

static int take(struct source *s, size_t batch_max, const char *mark, int max_events)
{
    obs_batch_init(&batch, batch_max);
    step = (struct source_step){ .mark = mark,
                                 .max_events = max_events,
                                 .max_bytes = 1 << 20,
                                 .now_ns = NOW,
                                 .batch = &batch,
                                 .report = { .state = STREAM_HUNG, .more = true },
                                 .settled = true };
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    why.text[0] = '\0';
    return source_take_step(s, &step, &why);
}

static void done(void)
{
    buf_free(&step.new_mark);
    obs_batch_free(&batch);
}

START_TEST(a_step_starts_with_a_clean_report)
{
    struct fake_source f = { .base = { .ops = &fake_ops, .name = "fake" }, .makes = 1 };

    ck_assert_int_eq(take(&f.base, BATCH_MAX, "", 10), 0);
    ck_assert_int_eq(step.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(step.report.lag_records, -1);
    ck_assert(!step.report.more);
    ck_assert(!step.settled);
    ck_assert_int_eq(batch.count, 1);
    ck_assert_str_eq(buf_text(&step.new_mark), "mark");
    done();
}
END_TEST

START_TEST(a_batch_that_does_not_hold_its_observations_is_an_error)
{
    struct fake_source f = { .base = { .ops = &fake_ops, .name = "fake" }, .makes = 1000 };

    ck_assert_int_eq(take(&f.base, 4096, "", 10), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "fake"));
    done();
}
END_TEST

START_TEST(a_mark_that_does_not_fit_is_an_error)
{
    struct fake_source f = { .base = { .ops = &fake_ops, .name = "fake" }, .long_mark = true };

    ck_assert_int_eq(take(&f.base, BATCH_MAX, "", 10), ERR_TOO_BIG);
    done();
}
END_TEST

START_TEST(a_sources_error_is_handed_on)
{
    struct fake_source f = { .base = { .ops = &fake_ops, .name = "fake" }, .rc = ERR_IO };

    ck_assert_int_eq(take(&f.base, BATCH_MAX, "", 10), ERR_IO);
    ck_assert_str_eq(why.text, "made up");
    done();
}
END_TEST

START_TEST(closing_calls_the_source_and_nothing_is_fine_to_close)
{
    struct fake_source f = { .base = { .ops = &fake_ops, .name = "fake" } };

    source_close(&f.base);
    source_close(NULL);
    ck_assert_int_eq(f.closed, 1);
}
END_TEST

/* ---- an event stream made up ------------------------------------------------------ */

/* Events numbered from the mark on. */
struct fake_stream {
    struct event_stream base;
    const char *const *xml;
    int count;
    int rc;
    enum stream_state state;
    int reads, closed;
};

static int fake_read(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                     const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct fake_stream *f = (struct fake_stream *)s;
    int at = mark[0] != '\0' ? (int)strtol(mark, NULL, 10) : 0;

    (void)max_bytes;
    f->reads++;
    if (f->rc != 0)
        return err_set(e, (enum err_code)f->rc, "made up");
    for (int n = 0; at < f->count && n < max_events; at++, n++) {
        char place[32];

        snprintf(place, sizeof place, "record %d", at + 1);
        if (strncmp(f->xml[at], "gap ", 4) == 0)
            sink->gap(sink->arg, f->xml[at] + 4, "7", "9", "told by the stream");
        else
            sink->event(sink->arg, f->xml[at], strlen(f->xml[at]), place);
    }
    buf_clear(new_mark);
    buf_printf(new_mark, "%d", at);
    *report = (struct stream_report){ .state = f->state, .more = at < f->count, .lag_records = f->count - at };
    return 0;
}

static void fake_stream_close(struct event_stream *s)
{
    ((struct fake_stream *)s)->closed++;
}

static const struct event_stream_ops fake_stream_ops = { .read = fake_read, .close = fake_stream_close };

static struct source *source_over(struct fake_stream *f)
{
    struct source *s;

    f->base.ops = &fake_stream_ops;
    ck_assert_int_eq(eventlog_source_new("events", &f->base, HOST_2016UP, &s, NULL), 0);
    return s;
}

static char *started(uint64_t record)
{
    struct buf b;

    buf_init(&b, 4096);
    add_event(&b, "Microsoft-Windows-Hyper-V-Worker", 18500, record, (const char *const[]){ "vm", VM_A, NULL });
    return b.data;
}

START_TEST(events_become_observations_with_mark_lag_and_newest_time)
{
    char *a = started(1), *b = started(2);
    const char *const xml[] = { a, "<Event><System><Provider Name='Other'/><EventID>1</EventID></System></Event>", b };
    struct fake_stream f = { .xml = xml, .count = 3 };
    struct source *s = source_over(&f);

    ck_assert_int_eq(take(s, BATCH_MAX, "", 2), 0);
    ck_assert_int_eq(batch.count, 1);
    ck_assert_int_eq(step.skipped, 1);
    ck_assert_int_ne(step.last_event_ns, 0);
    ck_assert_int_eq(step.report.lag_records, 1);
    ck_assert(step.report.more);
    ck_assert(!step.settled);
    ck_assert_str_eq(buf_text(&step.new_mark), "2");
    ck_assert_int_eq(batch.first->observed_ns, NOW);
    done();
    ck_assert_int_eq(take(s, BATCH_MAX, "2", 2), 0);
    ck_assert_int_eq(obs_get_int(batch.first, ATTR_RECORD_ID, 0), 2);
    ck_assert(!step.report.more);
    ck_assert_int_eq(step.report.lag_records, 0);
    ck_assert(step.settled);
    done();
    source_close(s);
    ck_assert_int_eq(f.closed, 1);
    free(a);
    free(b);
}
END_TEST

START_TEST(a_source_waits_two_seconds_by_default_and_has_no_path_to_watch)
{
    struct fake_stream f = { .count = 0 };
    struct source *s = source_over(&f);

    ck_assert_int_eq(s->interval_ns, INT64_C(2000000000));
    ck_assert_ptr_null(s->watch_path);
    ck_assert_str_eq(s->name, "events");
    source_close(s);
}
END_TEST

START_TEST(unreadable_events_in_a_row_are_one_gap_with_a_count)
{
    char *a = started(1), *b = started(2);
    const char *const xml[] = { "x", "<Event>", a, "<Event/>", b, "y", "z", "<!DOCTYPE x><Event/>" };
    struct fake_stream f = { .xml = xml, .count = 8 };
    struct source *s = source_over(&f);
    const struct observation *o;

    ck_assert_int_eq(take(s, BATCH_MAX, "", 100), 0);
    ck_assert_int_eq(batch.count, 5);
    o = batch.first;
    ck_assert_int_eq(o->kind, OBS_GAP);
    ck_assert_str_eq(obs_get_str(o, ATTR_GAP_REASON), "record-unreadable");
    ck_assert_str_eq(obs_get_str(o, ATTR_GAP_FROM), "record 1");
    ck_assert_str_eq(obs_get_str(o, ATTR_GAP_TO), "record 2");
    ck_assert_int_eq(obs_get_int(o, ATTR_GAP_COUNT, 0), 2);
    ck_assert_str_eq(obs_get_str(o, ATTR_SOURCE), "events");
    o = batch.last;
    ck_assert_int_eq(obs_get_int(o, ATTR_GAP_COUNT, 0), 3);
    ck_assert_str_eq(obs_get_str(o, ATTR_GAP_TO), "record 8");
    ck_assert_int_eq(o->time_ns, NOW);
    done();
    source_close(s);
    free(a);
    free(b);
}
END_TEST

START_TEST(a_streams_gap_becomes_an_observation)
{
    const char *const xml[] = { "gap log-cleared" };
    struct fake_stream f = { .xml = xml, .count = 1 };
    struct source *s = source_over(&f);

    ck_assert_int_eq(take(s, BATCH_MAX, "", 100), 0);
    ck_assert_int_eq(batch.count, 1);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_GAP_REASON), "log-cleared");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_GAP_FROM), "7");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_GAP_TO), "9");
    ck_assert_ptr_null(obs_attr(batch.first, ATTR_GAP_COUNT));
    ck_assert_str_eq(batch.first->body, "events: log-cleared: told by the stream");
    done();
    source_close(s);
}
END_TEST

START_TEST(a_small_batch_takes_fewer_events_and_loses_none)
{
    char *xml[64], mark[16] = "";
    struct fake_stream f = { .xml = (const char *const *)xml, .count = 64 };
    struct source *s = source_over(&f);
    int64_t next = 1;

    for (int i = 0; i < 64; i++)
        xml[i] = started((uint64_t)i + 1);
    do {
        ck_assert_msg(take(s, 40 * 1024, mark, 64) == 0, "%s", why.text);
        for (const struct observation *o = batch.first; o != NULL; o = o->next)
            ck_assert_int_eq(obs_get_int(o, ATTR_RECORD_ID, 0), next++);
        snprintf(mark, sizeof mark, "%s", buf_text(&step.new_mark));
        done();
    } while (step.report.more);
    ck_assert_int_eq(next, 65);
    source_close(s);
    for (int i = 0; i < 64; i++)
        free(xml[i]);
}
END_TEST

START_TEST(an_event_too_large_for_the_batch_is_a_gap_and_the_source_goes_on)
{
    struct buf b;
    const char *xml[2];
    char *small = started(2);
    struct fake_stream f = { .xml = xml, .count = 2 };
    struct source *s = source_over(&f);
    char *text = malloc(30001);

    memset(text, 'x', 30000);
    text[30000] = '\0';
    buf_init(&b, 1 << 20);
    add_event(&b, "Microsoft-Windows-Hyper-V-Worker", 1, 1, (const char *const[]){ text, text, NULL });
    xml[0] = b.data;
    xml[1] = small;
    ck_assert_int_eq(take(s, 17 * 1024, "", 1), 0);
    ck_assert_int_eq(batch.count, 1);
    ck_assert_int_eq(batch.first->kind, OBS_GAP);
    ck_assert_str_eq(buf_text(&step.new_mark), "1");
    done();
    ck_assert_int_eq(take(s, 17 * 1024, "1", 1), 0);
    ck_assert_int_eq(batch.first->kind, OBS_GUEST_LIFECYCLE);
    done();
    source_close(s);
    free(text);
    free(small);
    buf_free(&b);
}
END_TEST

START_TEST(a_streams_state_and_error_are_handed_on)
{
    struct fake_stream f = { .count = 0, .state = STREAM_NO_PERMISSION };
    struct source *s = source_over(&f);

    ck_assert_int_eq(take(s, BATCH_MAX, "", 10), 0);
    ck_assert_int_eq(step.report.state, STREAM_NO_PERMISSION);
    done();
    f.rc = ERR_IO;
    ck_assert_int_eq(take(s, BATCH_MAX, "", 10), ERR_IO);
    done();
    source_close(s);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused_and_the_stream_stays_open)
{
    char name[SOURCE_NAME_MAX + 1];
    struct fake_stream f = { .base = { .ops = &fake_stream_ops } };
    struct source *s;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(eventlog_source_new(name, &f.base, HOST_UNKNOWN, &s, NULL), ERR_TOO_BIG);
    ck_assert_int_eq(f.closed, 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_step_starts_with_a_clean_report);
    suite_test(s, a_batch_that_does_not_hold_its_observations_is_an_error);
    suite_test(s, a_mark_that_does_not_fit_is_an_error);
    suite_test(s, a_sources_error_is_handed_on);
    suite_test(s, closing_calls_the_source_and_nothing_is_fine_to_close);
    suite_test(s, events_become_observations_with_mark_lag_and_newest_time);
    suite_test(s, a_source_waits_two_seconds_by_default_and_has_no_path_to_watch);
    suite_test(s, unreadable_events_in_a_row_are_one_gap_with_a_count);
    suite_test(s, a_streams_gap_becomes_an_observation);
    suite_test(s, a_small_batch_takes_fewer_events_and_loses_none);
    suite_test(s, an_event_too_large_for_the_batch_is_a_gap_and_the_source_goes_on);
    suite_test(s, a_streams_state_and_error_are_handed_on);
    suite_test(s, a_name_that_is_too_long_is_refused_and_the_stream_stays_open);
}

int main(void)
{
    return suite_main("collectors: sources", add);
}
