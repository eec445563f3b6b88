/* Row 13 of docs/reliability.md: agents of others drop a record that is too large, and say nothing. */
#include "collectors/eventlog.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_A "6B29FC40-CA47-1067-B31D-00DD010662DA"

enum { EVENTS = 3, LARGE = 31 * 1024, HUGE_SIZE = 2 * 1024 * 1024, XML_MAX = 4 * 1024 * 1024, BATCH_MAX = XML_MAX };

/* Three events: one with a field of 31 KB, one of 2 MB, one as they are. */
struct three {
    struct event_stream base;
    struct buf xml[EVENTS];
};

static int read_all(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                    const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct three *t = (struct three *)s;

    (void)mark;
    (void)max_events;
    (void)max_bytes;
    (void)e;
    for (int i = 0; i < EVENTS; i++)
        sink->event(sink->arg, buf_text(&t->xml[i]), t->xml[i].len, "somewhere");
    buf_str(new_mark, "end");
    report->state = STREAM_ATTACHED;
    return 0;
}

static void close_three(struct event_stream *s)
{
    struct three *t = (struct three *)s;

    for (int i = 0; i < EVENTS; i++)
        buf_free(&t->xml[i]);
}

static void fill(struct three *t, int i, size_t size)
{
    char *text = malloc(size + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size);
    text[size] = '\0';
    buf_init(&t->xml[i], XML_MAX);
    add_event(&t->xml[i], "Microsoft-Windows-Hyper-V-Worker", i == 2 ? 18500 : 1, (uint64_t)i + 1,
              (const char *const[]){ i == 2 ? "vm" : text, VM_A, NULL });
    free(text);
}

START_TEST(row_13_a_record_that_is_too_large_is_cut_or_told_and_never_dropped_in_silence)
{
    static const struct event_stream_ops ops = { .read = read_all, .close = close_three };
    struct three three = { .base = { &ops } };
    const struct observation *large, *gap, *small;
    struct source_step step = { .mark = "", .max_events = 10, .max_bytes = XML_MAX, .now_ns = 1 };
    struct obs_batch batch;
    struct source *s;

    fill(&three, 0, LARGE);
    fill(&three, 1, HUGE_SIZE);
    fill(&three, 2, 1);
    ck_assert_int_eq(eventlog_source_new("events", &three.base, HOST_2016UP, &s, NULL), 0);
    obs_batch_init(&batch, BATCH_MAX);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    step.batch = &batch;
    ck_assert_int_eq(source_take_step(s, &step, NULL), 0);
    ck_assert_int_eq(batch.count, EVENTS);
    large = batch.first;
    gap = large->next;
    small = gap->next;
    ck_assert_int_eq(obs_get_int(large, ATTR_RECORD_ID, 0), 1);
    ck_assert_msg(large->cut, "what was cut must say so");
    ck_assert_int_eq(gap->kind, OBS_GAP);
    ck_assert_str_eq(obs_get_str(gap, ATTR_GAP_REASON), "record-unreadable");
    ck_assert_int_eq(small->kind, OBS_GUEST_LIFECYCLE);
    obs_batch_free(&batch);
    buf_free(&step.new_mark);
    source_close(s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, row_13_a_record_that_is_too_large_is_cut_or_told_and_never_dropped_in_silence);
}

int main(void)
{
    return suite_main("collectors: rows of the field", add);
}
