/* See support_log.h. */
#include "tests/win/support_log.h"

#include "base/text.h"
#include "plat/event_channel_state.h"
#include "plat/live.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PATH_CHARS = 4096, XML_ROOM = 512 * 1024, READS_MAX = 200, EXIT_SKIPPED = 77 };

bool has_stand_in(void)
{
    HMODULE dll = LoadLibraryW(L"wevtapi.dll");

    return dll != NULL && GetProcAddress(dll, "winhost_is_stand_in") != NULL;
}

int skip_without_stand_in(const char *program)
{
    printf("skip: %s: the stand-in wevtapi.dll is not loaded; `tests/win/run BUILD event_channel` loads it\n", program);
    return EXIT_SKIPPED;
}

/* ---- a host ---- */

char host[PATH_CHARS], events[PATH_CHARS];
struct log_reader reader;

void new_host(void)
{
    snprintf(host, sizeof host, "%s", temp_dir());
    snprintf(events, sizeof events, "%s/events", host);
    ck_assert(CreateDirectoryA(events, NULL));
    SetEnvironmentVariableA("HVFLEET_WINHOST", host);
}

void put_log_in(const char *dir, const char *file, const char *channel, const char *provider, int from, int to,
                int year)
{
    char *xml = malloc(XML_ROOM);
    size_t n = 0;

    ck_assert_ptr_nonnull(xml);
    for (int i = from; i <= to; i++) {
        n += (size_t)snprintf(xml + n, XML_ROOM - n,
                              "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
                              "<Provider Name='%s'/><EventID>%d</EventID><Level>2</Level>"
                              "<TimeCreated SystemTime='%d-01-02T03:%02d:%02d.5Z'/>"
                              "<EventRecordID>%d</EventRecordID><Channel>%s</Channel></System></Event>\n",
                              provider, 1000 + i % 7, year, i / 60 % 60, i % 60, i, channel);
        ck_assert_uint_lt(n, XML_ROOM);
    }
    write_file(dir, file, xml, n);
    free(xml);
}

void put_log(const char *file, const char *channel, const char *provider, int from, int to, int year)
{
    put_log_in(events, file, channel, provider, from, to, year);
}

void put_worker(int from, int to)
{
    put_log("worker.xml", WORKER, "Microsoft-Windows-Hyper-V-Worker", from, to, 2026);
}

void order(const char *text)
{
    write_file(host, "wevtapi.txt", text, strlen(text));
}

/* ---- a reader ---- */

static void on_event(void *arg, const char *xml, size_t len, const char *place)
{
    const char *id = strstr(xml, "<EventRecordID>");

    (void)arg;
    ck_assert_uint_eq(len, strlen(xml));
    ck_assert_ptr_nonnull(id);
    ck_assert_int_lt(reader.count, RECORDS_MAX);
    reader.ids[reader.count++] = (int)strtol(id + strlen("<EventRecordID>"), NULL, 10);
    text_copy(reader.last, sizeof reader.last, xml);
    text_copy(reader.place, sizeof reader.place, place);
}

void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    int i = reader.gap_count++;

    (void)arg;
    ck_assert_int_lt(i, GAPS_MAX);
    ck_assert_str_ne(detail, "");
    text_copy(reader.reason[i], LOG_TEXT_MAX, reason);
    text_copy(reader.from[i], LOG_TEXT_MAX, from);
    text_copy(reader.to[i], LOG_TEXT_MAX, to);
}

void open_stream(const char *channel, void (*signalled)(void *arg), void *arg)
{
    struct err e = { ERR_OK, "" };
    int rc = plat_live_event_stream(channel, signalled, arg, &reader.stream, &e);

    ck_assert_msg(rc == 0, "%s", e.text);
}

void close_stream(void)
{
    reader.stream->ops->close(reader.stream);
    reader.stream = NULL;
}

void forget(void)
{
    reader.count = reader.gap_count = 0;
}

void begin_with(struct event_stream *stream)
{
    forget();
    buf_init(&reader.mark, CHANNEL_MARK_MAX);
    reader.stream = stream;
}

void begin(const char *channel)
{
    begin_with(NULL);
    open_stream(channel, NULL, NULL);
}

void end(void)
{
    close_stream();
    buf_free(&reader.mark);
}

void read_once(int max_events)
{
    struct event_sink sink = { on_event, on_gap, NULL };
    struct err e = { ERR_OK, "" };
    struct buf new_mark;
    int rc;

    buf_init(&new_mark, CHANNEL_MARK_MAX);
    rc = reader.stream->ops->read(reader.stream, buf_text(&reader.mark), max_events, 1 << 20, &sink, &new_mark,
                                  &reader.report, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    buf_clear(&reader.mark);
    buf_str(&reader.mark, buf_text(&new_mark));
    buf_free(&new_mark);
}

void read_all(void)
{
    int reads = 0;

    do {
        read_once(100);
        ck_assert_int_lt(++reads, READS_MAX);
    } while (reader.report.more);
}

void assert_took(int from, int to)
{
    ck_assert_int_eq(reader.count, to + 1 - from);
    for (int i = 0; i < reader.count; i++)
        ck_assert_int_eq(reader.ids[i], from + i);
}

void assert_gap(const char *reason, const char *from, const char *to)
{
    ck_assert_int_eq(reader.gap_count, 1);
    ck_assert_str_eq(reader.reason[0], reason);
    ck_assert_str_eq(reader.from[0], from);
    ck_assert_str_eq(reader.to[0], to);
}
