/* See support_event.h. */
#include "tests/collectors/support_event.h"

#include <check.h>
#include <string.h>

enum { HEARD_MAX = 64 * 1024 * 1024, MARK_MAX = 64 * 1024 };

static void on_event(void *arg, const char *xml, size_t len, const char *place)
{
    struct heard *h = arg;

    buf_add(&h->events, xml, len);
    buf_char(&h->events, '\n');
    buf_printf(&h->places, "%s\n", place);
    h->event_count++;
}

static void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    struct heard *h = arg;

    ck_assert_ptr_nonnull(detail);
    buf_printf(&h->gaps, "%s [%s] [%s]\n", reason, from, to);
    h->gap_count++;
}

void heard_init(struct heard *h)
{
    memset(h, 0, sizeof *h);
    buf_init(&h->events, HEARD_MAX);
    buf_init(&h->places, HEARD_MAX);
    buf_init(&h->gaps, HEARD_MAX);
    buf_init(&h->mark, MARK_MAX);
    h->sink = (struct event_sink){ .event = on_event, .gap = on_gap, .arg = h };
}

void heard_forget(struct heard *h)
{
    buf_clear(&h->events);
    buf_clear(&h->places);
    buf_clear(&h->gaps);
    h->event_count = h->gap_count = 0;
}

void heard_free(struct heard *h)
{
    buf_free(&h->events);
    buf_free(&h->places);
    buf_free(&h->gaps);
    buf_free(&h->mark);
}

void hear_once(struct heard *h, struct event_stream *s, int max_events)
{
    struct buf next;
    struct err e = { ERR_OK, "" };
    int rc;

    buf_init(&next, MARK_MAX);
    rc = s->ops->read(s, buf_text(&h->mark), max_events, 1 << 20, &h->sink, &next, &h->report, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(buf_error(&next), ERR_OK);
    buf_free(&h->mark);
    h->mark = next;
}

void hear(struct heard *h, struct event_stream *s)
{
    int reads = 0;

    do {
        hear_once(h, s, 1000);
        ck_assert_int_lt(reads++, 10000);
    } while (h->report.more);
}

void add_event(struct buf *out, const char *provider, unsigned id, uint64_t record_id, const char *const *fields)
{
    buf_printf(
        out,
        "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider "
        "Name=\"%s\"/><EventID>%u</EventID><Level>4</Level><TimeCreated "
        "SystemTime=\"2026-01-31T08:00:00.123456789Z\"/><EventRecordID>%llu</EventRecordID><Channel>Some-Channel</"
        "Channel><Computer>hv01</Computer><Security UserID=\"S-1-5-18\"/></System><UserData><VmlEventLog>",
        provider, id, (unsigned long long)record_id);
    for (int i = 0; fields[i] != NULL; i++)
        buf_printf(out, "<Parameter%d>%s</Parameter%d>", i, fields[i], i);
    buf_str(out, "</VmlEventLog></UserData></Event>");
}
