/* Live event channels over the stand-in event log (tests/winhost/wevtapi), under
 * Wine: from the Evt functions to the stream, and every error they can give. */
#include "base/text.h"
#include "plat/event_channel_state.h"
#include "plat/live.h"
#include "plat/win/evt_errors.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define WORKER "Microsoft-Windows-Hyper-V-Worker-Admin"

enum { RECORDS_MAX = 2000, GAPS_MAX = 8, TEXT_MAX = 128, PATH_CHARS = 4096, XML_ROOM = 512 * 1024, READS_MAX = 200 };
enum { SIGNAL_WAIT_MS = 10000, EXIT_SKIPPED = 77 };

/* ---- a host ---- */

static char host[PATH_CHARS], events[PATH_CHARS];

static void new_host(void)
{
    snprintf(host, sizeof host, "%s", temp_dir());
    snprintf(events, sizeof events, "%s/events", host);
    ck_assert(CreateDirectoryA(events, NULL));
    SetEnvironmentVariableA("HVFLEET_WINHOST", host);
}

/* Records from..to of a channel as the file's whole text; year tells one log of
 * the same numbers from another. */
static void put_log(const char *file, const char *channel, const char *provider, int from, int to, int year)
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
    write_file(events, file, xml, n);
    free(xml);
}

static void put_worker(int from, int to)
{
    put_log("worker.xml", WORKER, "Microsoft-Windows-Hyper-V-Worker", from, to, 2026);
}

static void order(const char *text)
{
    write_file(host, "wevtapi.txt", text, strlen(text));
}

/* ---- a reader ---- */

static struct {
    int ids[RECORDS_MAX];
    int count;
    char last[TEXT_MAX * 4];
    char reason[GAPS_MAX][TEXT_MAX], from[GAPS_MAX][TEXT_MAX], to[GAPS_MAX][TEXT_MAX];
    int gap_count;
    struct stream_report report;
    struct buf mark;
    struct event_stream *stream;
} reader;

static void on_event(void *arg, const char *xml, size_t len, const char *place)
{
    const char *id = strstr(xml, "<EventRecordID>");

    (void)arg;
    ck_assert_uint_eq(len, strlen(xml));
    ck_assert_ptr_nonnull(id);
    ck_assert_ptr_nonnull(strstr(place, ":record "));
    ck_assert_int_lt(reader.count, RECORDS_MAX);
    reader.ids[reader.count++] = (int)strtol(id + strlen("<EventRecordID>"), NULL, 10);
    text_copy(reader.last, sizeof reader.last, xml);
}

static void on_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    int i = reader.gap_count++;

    (void)arg;
    ck_assert_int_lt(i, GAPS_MAX);
    ck_assert_str_ne(detail, "");
    text_copy(reader.reason[i], TEXT_MAX, reason);
    text_copy(reader.from[i], TEXT_MAX, from);
    text_copy(reader.to[i], TEXT_MAX, to);
}

static void open_stream(const char *channel, void (*signalled)(void *arg), void *arg)
{
    struct err e = { ERR_OK, "" };
    int rc = plat_live_event_stream(channel, signalled, arg, &reader.stream, &e);

    ck_assert_msg(rc == 0, "%s", e.text);
}

static void close_stream(void)
{
    reader.stream->ops->close(reader.stream);
    reader.stream = NULL;
}

static void forget(void)
{
    reader.count = reader.gap_count = 0;
}

static void begin(const char *channel)
{
    forget();
    buf_init(&reader.mark, CHANNEL_MARK_MAX);
    open_stream(channel, NULL, NULL);
}

static void end(void)
{
    close_stream();
    buf_free(&reader.mark);
}

static void read_once(int max_events)
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

static void read_all(void)
{
    int reads = 0;

    do {
        read_once(100);
        ck_assert_int_lt(++reads, READS_MAX);
    } while (reader.report.more);
}

static void assert_took(int from, int to)
{
    ck_assert_int_eq(reader.count, to + 1 - from);
    for (int i = 0; i < reader.count; i++)
        ck_assert_int_eq(reader.ids[i], from + i);
}

static void assert_gap(const char *reason, const char *from, const char *to)
{
    ck_assert_int_eq(reader.gap_count, 1);
    ck_assert_str_eq(reader.reason[0], reason);
    ck_assert_str_eq(reader.from[0], from);
    ck_assert_str_eq(reader.to[0], to);
}

/* ---- channels ---- */

static char listed[TEXT_MAX * 16];

static void on_channel(void *arg, const char *channel)
{
    size_t n = strlen(listed);

    (void)arg;
    snprintf(listed + n, sizeof listed - n, "%s\n", channel);
}

START_TEST(channels_of_the_wanted_set_are_listed_as_the_host_spells_them)
{
    struct err e = { ERR_OK, "" };

    new_host();
    put_worker(1, 3);
    order("exists channel=Microsoft-Windows-Hyper-V-Integration/Admin\n"
          "exists channel=Application\n"
          "exists channel=System\n");
    listed[0] = '\0';
    ck_assert_int_eq(plat_live_channels(on_channel, NULL, &e), 0);
    ck_assert_str_eq(listed, WORKER "\nMicrosoft-Windows-Hyper-V-Integration/Admin\nSystem\n");
}
END_TEST

START_TEST(two_spellings_of_a_channel_are_listed_once)
{
    new_host();
    order("exists channel=Microsoft-Windows-Hyper-V-VMMS-Admin\n"
          "exists channel=Microsoft-Windows-Hyper-V-VMMS/Admin\n");
    listed[0] = '\0';
    ck_assert_int_eq(plat_live_channels(on_channel, NULL, NULL), 0);
    ck_assert_str_eq(listed, "Microsoft-Windows-Hyper-V-VMMS-Admin\n");
}
END_TEST

START_TEST(a_service_that_can_not_list_its_channels_is_an_error_with_its_code)
{
    struct err e = { ERR_OK, "" };

    new_host();
    order("fail call=EvtOpenChannelEnum code=1722\n");
    ck_assert_int_ne(plat_live_channels(on_channel, NULL, &e), 0);
    ck_assert_msg(strstr(e.text, "1722") != NULL, "%s", e.text);
}
END_TEST

/* ---- reading ---- */

START_TEST(a_channel_is_read_from_its_oldest_record_and_as_it_grows)
{
    new_host();
    put_worker(1, 250);
    begin(WORKER);
    read_all();
    assert_took(1, 250);
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(reader.report.lag_records, 0);
    put_worker(1, 270);
    read_all();
    assert_took(1, 270);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

START_TEST(a_restart_after_every_read_loses_nothing_and_takes_nothing_twice)
{
    new_host();
    put_worker(1, 100);
    begin(WORKER);
    for (int i = 0; i < 20; i++) {
        if (i == 10)
            put_worker(1, 130);
        read_once(7);
        close_stream();
        open_stream(WORKER, NULL, NULL);
    }
    read_all();
    assert_took(1, 130);
    ck_assert_int_eq(reader.gap_count, 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&reader.mark), "<BookmarkList>"));
    end();
}
END_TEST

START_TEST(text_is_utf8_whatever_its_length)
{
    static const char head[] = "<Event><System><Provider Name='P'/><EventRecordID>1</EventRecordID>"
                               "<TimeCreated SystemTime='2026-01-02T03:04:05Z'/><Channel>" WORKER
                               "</Channel></System><Data>caf\xC3\xA9 \xF0\x9F\x92\xBB ";
    static char xml[64 * 1024];
    size_t n = sizeof head - 1;

    new_host();
    memcpy(xml, head, n);
    memset(xml + n, 'x', 50000);
    n += 50000;
    n += (size_t)snprintf(xml + n, sizeof xml - n, "</Data></Event>");
    write_file(events, "worker.xml", xml, n);
    begin(WORKER);
    read_all();
    ck_assert_int_eq(reader.count, 1);
    ck_assert_msg(strstr(reader.last, "caf\xC3\xA9 \xF0\x9F\x92\xBB ") != NULL, "%s", reader.last);
    end();
}
END_TEST

START_TEST(of_the_system_log_only_what_is_ours_is_taken)
{
    new_host();
    put_log("a.xml", "System", "Microsoft-Windows-FailoverClustering", 1, 5, 2026);
    put_log("b.xml", "System", "Service Control Manager", 6, 300, 2026);
    put_log("c.xml", "System", "storvsp", 301, 303, 2026);
    begin("System");
    read_all();
    ck_assert_int_eq(reader.count, 8);
    ck_assert_int_eq(reader.ids[4], 5);
    ck_assert_int_eq(reader.ids[5], 301);
    ck_assert_int_eq(reader.report.lag_records, 0);
    end();
}
END_TEST

/* ---- what is gone ---- */

START_TEST(a_cleared_log_is_a_gap_and_its_new_records_are_read)
{
    new_host();
    put_worker(1, 60);
    begin(WORKER);
    read_all();
    forget();
    put_log("worker.xml", WORKER, "P", 1, 8, 2027);
    order("created channel=" WORKER " at=133600000000000000\n");
    read_all();
    assert_took(1, 8);
    assert_gap("log-cleared", "61", "");
    end();
}
END_TEST

START_TEST(a_log_cleared_while_away_that_has_grown_past_the_bookmark_is_still_known)
{
    new_host();
    put_worker(1, 60);
    begin(WORKER);
    read_all();
    close_stream();
    forget();
    put_log("worker.xml", WORKER, "P", 1, 90, 2027);
    open_stream(WORKER, NULL, NULL);
    read_all();
    assert_took(1, 90);
    assert_gap("log-cleared", "61", "");
    end();
}
END_TEST

START_TEST(overwritten_records_are_a_gap_under_an_open_subscription)
{
    new_host();
    put_worker(1, 60);
    begin(WORKER);
    read_all();
    forget();
    put_worker(1, 120);
    order("oldest channel=" WORKER " id=81\n");
    read_all();
    assert_took(81, 120);
    assert_gap("log-wrapped", "61", "80");
    end();
}
END_TEST

START_TEST(overwritten_records_are_a_gap_after_a_restart)
{
    new_host();
    put_worker(1, 60);
    begin(WORKER);
    read_all();
    close_stream();
    forget();
    put_worker(1, 120);
    order("oldest channel=" WORKER " id=81\n");
    open_stream(WORKER, NULL, NULL);
    read_all();
    assert_took(81, 120);
    assert_gap("log-wrapped", "61", "80");
    end();
}
END_TEST

START_TEST(records_overwritten_after_they_were_read_are_no_gap)
{
    new_host();
    put_worker(1, 60);
    begin(WORKER);
    read_all();
    close_stream();
    forget();
    put_worker(1, 120);
    order("oldest channel=" WORKER " id=61\n");
    open_stream(WORKER, NULL, NULL);
    read_all();
    assert_took(61, 120);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

START_TEST(an_absent_channel_is_read_from_its_oldest_record_when_it_appears)
{
    new_host();
    begin(WORKER);
    read_once(100);
    ck_assert_int_eq(reader.report.state, STREAM_ABSENT);
    ck_assert_str_ne(reader.report.remedy, "");
    put_worker(1, 5);
    read_all();
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    assert_took(1, 5);
    end();
}
END_TEST

/* ---- errors ---- */

START_TEST(the_table_has_every_code_of_the_reference)
{
    static const struct {
        DWORD from, to; /* numbers as windows.md 4.3 prints them */
        enum channel_answer answer;
    } wanted[] = {
        { 259, 259, CHANNEL_DRAINED },
        { 4317, 4317, CHANNEL_DRAINED },
        { 1734, 1734, CHANNEL_TOO_LARGE },
        { 15011, 15012, CHANNEL_STALE },
        { 87, 87, CHANNEL_STALE },
        { 6, 6, CHANNEL_STALE },
        { 1168, 1168, CHANNEL_MARK_GONE },
        { 15007, 15007, CHANNEL_MISSING },
        { 15001, 15001, CHANNEL_BAD_QUERY },
        { 15008, 15008, CHANNEL_BAD_QUERY },
        { 15016, 15021, CHANNEL_BAD_QUERY },
        { 15009, 15009, CHANNEL_DIRECT },
        { 50, 50, CHANNEL_DIRECT },
        { 5, 5, CHANNEL_DENIED },
        { 15037, 15037, CHANNEL_NO_METADATA },
        { 15002, 15002, CHANNEL_NO_METADATA },
        { 2, 2, CHANNEL_NO_METADATA },
        { 1722, 1722, CHANNEL_AWAY },
        { 1753, 1753, CHANNEL_AWAY },
        { 1818, 1818, CHANNEL_AWAY },
        { 15027, 15033, CHANNEL_NO_METADATA },
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        for (DWORD code = wanted[i].from; code <= wanted[i].to; code++)
            ck_assert_msg(evt_answer(code) == wanted[i].answer, "code %lu", code);
    }
    ck_assert_int_eq(evt_answer(4711), CHANNEL_FAILED);
}
END_TEST

START_TEST(no_code_stands_in_the_table_twice)
{
    for (size_t i = 0; i < evt_error_count; i++) {
        for (size_t k = i + 1; k < evt_error_count; k++)
            ck_assert_uint_ne(evt_errors[i].code, evt_errors[k].code);
    }
}
END_TEST

static bool ends_in_words(DWORD code)
{
    char number[32];

    snprintf(number, sizeof number, "error %lu)", code);
    return strstr(reader.report.remedy, number) != NULL;
}

/* A call that fails as long as the order stands, and then no more. */
static void fail_and_mend(const char *call, DWORD code, enum stream_state state)
{
    char text[TEXT_MAX * 2];

    new_host();
    put_worker(1, 10);
    snprintf(text, sizeof text, "fail call=%s code=%lu times=100000\n", call, code);
    order(text);
    begin(WORKER);
    read_once(100);
    ck_assert_msg(reader.report.state == state, "%s %lu: %s (%s), expected %s", call, code,
                  stream_state_name(reader.report.state), reader.report.remedy, stream_state_name(state));
    ck_assert_msg(state == STREAM_ATTACHED || ends_in_words(code), "%s", reader.report.remedy);
    ck_assert_int_eq(reader.count, 0);
    ck_assert_str_eq(buf_text(&reader.mark), "");
    order("");
    read_all();
    assert_took(1, 10);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}

static enum stream_state state_of(enum channel_answer answer)
{
    struct stream_report report;

    channel_report(answer, "", 0, "", &report);
    return report.state;
}

START_TEST(every_code_from_subscribing_ends_in_its_state_and_mends)
{
    for (size_t i = 0; i < evt_error_count; i++) {
        const struct evt_error *row = &evt_errors[i];

        if (row->answer == CHANNEL_DRAINED)
            fail_and_mend("EvtSubscribe", row->code, STREAM_RETRYING);
        else if (row->answer != CHANNEL_OK)
            fail_and_mend("EvtSubscribe", row->code, state_of(row->answer));
    }
}
END_TEST

START_TEST(every_code_from_reading_ends_in_its_state_and_mends)
{
    for (size_t i = 0; i < evt_error_count; i++) {
        if (evt_errors[i].answer != CHANNEL_OK)
            fail_and_mend("EvtNext", evt_errors[i].code, state_of(evt_errors[i].answer));
    }
    fail_and_mend("EvtNext", 4711, STREAM_RETRYING);
}
END_TEST

START_TEST(every_code_in_the_middle_of_a_log_loses_nothing_and_doubles_nothing)
{
    for (size_t i = 0; i < evt_error_count; i++) {
        char text[TEXT_MAX];

        if (evt_errors[i].answer == CHANNEL_OK)
            continue;
        new_host();
        put_worker(1, 200);
        snprintf(text, sizeof text, "fail call=EvtNext code=%lu after=1 times=2\n", evt_errors[i].code);
        order(text);
        begin(WORKER);
        for (int reads = 0; reads < 6; reads++)
            read_all();
        assert_took(1, 200);
        ck_assert_int_eq(reader.gap_count, 0);
        end();
    }
}
END_TEST

START_TEST(every_code_from_rendering_loses_nothing_but_a_record_without_metadata)
{
    for (size_t i = 0; i < evt_error_count; i++) {
        bool is_gap = evt_errors[i].answer == CHANNEL_NO_METADATA;
        char text[TEXT_MAX];

        if (evt_errors[i].answer == CHANNEL_OK)
            continue;
        new_host();
        put_worker(1, 30);
        snprintf(text, sizeof text, "fail call=EvtRender code=%lu after=4\n", evt_errors[i].code);
        order(text);
        begin(WORKER);
        for (int reads = 0; reads < 3; reads++)
            read_all();
        ck_assert_int_eq(reader.count, is_gap ? 29 : 30);
        ck_assert_int_eq(reader.gap_count, is_gap ? 1 : 0);
        end();
    }
}
END_TEST

START_TEST(access_denied_names_the_group_to_join)
{
    new_host();
    put_worker(1, 3);
    order("fail call=EvtOpenLog code=5 times=1000\n");
    begin(WORKER);
    read_once(100);
    ck_assert_int_eq(reader.report.state, STREAM_NO_PERMISSION);
    ck_assert_msg(strstr(reader.report.remedy, "Event Log Readers") != NULL, "%s", reader.report.remedy);
    ck_assert_msg(strstr(reader.report.remedy, WORKER) != NULL, "%s", reader.report.remedy);
    end();
}
END_TEST

START_TEST(a_record_that_can_not_be_rendered_is_a_gap_that_names_it)
{
    new_host();
    put_worker(1, 10);
    order("fail call=EvtRender code=15002 after=4\n"); /* the first record is asked for twice: once for its size */
    begin(WORKER);
    read_all();
    ck_assert_int_eq(reader.count, 9);
    assert_gap("record-unreadable", "4", "4");
    end();
}
END_TEST

START_TEST(a_bookmark_that_can_not_be_made_leaves_the_number_to_go_on_from)
{
    new_host();
    put_worker(1, 20);
    order("fail call=EvtUpdateBookmark code=14 times=1000\n");
    begin(WORKER);
    read_once(12);
    close_stream();
    open_stream(WORKER, NULL, NULL);
    read_all();
    assert_took(1, 20);
    end();
}
END_TEST

START_TEST(batches_over_the_services_limit_are_made_smaller)
{
    new_host();
    put_worker(1, 200);
    order("limit bytes=3000\n");
    begin(WORKER);
    read_all();
    assert_took(1, 200);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

/* ---- signals, and calls that hang ---- */

static volatile LONG signals;

static void on_signal(void *arg)
{
    InterlockedIncrement(&signals);
    SetEvent(arg);
}

START_TEST(growth_signals_once_until_the_channel_was_drained_again)
{
    HANDLE signalled = CreateEventW(NULL, FALSE, FALSE, NULL);

    new_host();
    put_worker(1, 10);
    signals = 0;
    forget();
    buf_init(&reader.mark, CHANNEL_MARK_MAX);
    open_stream(WORKER, on_signal, signalled);
    read_all();
    WaitForSingleObject(signalled, 300); /* the signal of the subscription itself may come late */
    signals = 0;
    read_all();
    put_worker(1, 20);
    ck_assert_uint_eq(WaitForSingleObject(signalled, SIGNAL_WAIT_MS), WAIT_OBJECT_0);
    put_worker(1, 30);
    Sleep(300);
    ck_assert_int_eq(signals, 1);
    read_all();
    assert_took(1, 30);
    put_worker(1, 40);
    ck_assert_uint_eq(WaitForSingleObject(signalled, SIGNAL_WAIT_MS), WAIT_OBJECT_0);
    read_all();
    assert_took(1, 40);
    end();
    CloseHandle(signalled);
}
END_TEST

static DWORD WINAPI read_in_thread(void *arg)
{
    (void)arg;
    read_all();
    return 0;
}

static void count_event(void *arg, const char *xml, size_t len, const char *place)
{
    (void)xml;
    (void)len;
    (void)place;
    ++*(int *)arg;
}

START_TEST(a_call_that_hangs_holds_up_its_own_thread_alone)
{
    struct event_sink sink = { count_event, on_gap, NULL };
    struct stream_report report;
    struct event_stream *other;
    struct buf new_mark;
    HANDLE thread;
    int count = 0;

    new_host();
    put_worker(1, 10);
    put_log("vmms.xml", "Microsoft-Windows-Hyper-V-VMMS-Admin", "Microsoft-Windows-Hyper-V-VMMS", 1, 5, 2026);
    order("hang call=EvtNext ms=3000 channel=" WORKER "\n");
    begin(WORKER);
    thread = CreateThread(NULL, 0, read_in_thread, NULL, 0, NULL);
    ck_assert_uint_eq(WaitForSingleObject(thread, 500), WAIT_TIMEOUT);
    ck_assert_int_eq(plat_live_event_stream("Microsoft-Windows-Hyper-V-VMMS-Admin", NULL, NULL, &other, NULL), 0);
    buf_init(&new_mark, CHANNEL_MARK_MAX);
    sink.arg = &count;
    ck_assert_int_eq(other->ops->read(other, "", 100, 1 << 20, &sink, &new_mark, &report, NULL), 0);
    ck_assert_int_eq(count, 5);
    ck_assert_uint_eq(WaitForSingleObject(thread, 0), WAIT_TIMEOUT);
    other->ops->close(other);
    buf_free(&new_mark);
    ck_assert_uint_eq(WaitForSingleObject(thread, SIGNAL_WAIT_MS), WAIT_OBJECT_0);
    CloseHandle(thread);
    assert_took(1, 10);
    end();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, channels_of_the_wanted_set_are_listed_as_the_host_spells_them);
    suite_test(s, two_spellings_of_a_channel_are_listed_once);
    suite_test(s, a_service_that_can_not_list_its_channels_is_an_error_with_its_code);
    suite_test(s, a_channel_is_read_from_its_oldest_record_and_as_it_grows);
    suite_test(s, a_restart_after_every_read_loses_nothing_and_takes_nothing_twice);
    suite_test(s, text_is_utf8_whatever_its_length);
    suite_test(s, of_the_system_log_only_what_is_ours_is_taken);
    suite_test(s, a_cleared_log_is_a_gap_and_its_new_records_are_read);
    suite_test(s, a_log_cleared_while_away_that_has_grown_past_the_bookmark_is_still_known);
    suite_test(s, overwritten_records_are_a_gap_under_an_open_subscription);
    suite_test(s, overwritten_records_are_a_gap_after_a_restart);
    suite_test(s, records_overwritten_after_they_were_read_are_no_gap);
    suite_test(s, an_absent_channel_is_read_from_its_oldest_record_when_it_appears);
    suite_test(s, the_table_has_every_code_of_the_reference);
    suite_test(s, no_code_stands_in_the_table_twice);
    suite_test(s, every_code_from_subscribing_ends_in_its_state_and_mends);
    suite_test(s, every_code_from_reading_ends_in_its_state_and_mends);
    suite_test(s, every_code_in_the_middle_of_a_log_loses_nothing_and_doubles_nothing);
    suite_test(s, every_code_from_rendering_loses_nothing_but_a_record_without_metadata);
    suite_test(s, access_denied_names_the_group_to_join);
    suite_test(s, a_record_that_can_not_be_rendered_is_a_gap_that_names_it);
    suite_test(s, a_bookmark_that_can_not_be_made_leaves_the_number_to_go_on_from);
    suite_test(s, batches_over_the_services_limit_are_made_smaller);
    suite_test(s, growth_signals_once_until_the_channel_was_drained_again);
    suite_test(s, a_call_that_hangs_holds_up_its_own_thread_alone);
}

/* Over the system's own event log these tests would say nothing. */
static bool has_stand_in(void)
{
    HMODULE dll = LoadLibraryW(L"wevtapi.dll");

    return dll != NULL && GetProcAddress(dll, "winhost_is_stand_in") != NULL;
}

int main(void)
{
    if (!has_stand_in()) {
        printf(
            "skip: test_event_channel: the stand-in wevtapi.dll is not loaded; tests/win/run_event_channel loads it\n");
        return EXIT_SKIPPED;
    }
    return suite_main("windows: event channel", add);
}
