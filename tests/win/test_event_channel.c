/* Live event channels over the stand-in event log (tests/winhost/wevtapi), under
 * Wine: from the Evt functions to the stream.  Their errors: test_event_channel_errors.c. */
#include "plat/event_channel_state.h"
#include "plat/live.h"
#include "tests/support/suite.h"
#include "tests/win/support_log.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { LIST_MAX = 2048, SIGNAL_WAIT_MS = 60000 };

/* ---- channels ---- */

static char listed[LIST_MAX];

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
    WaitForSingleObject(signalled, 3000); /* the signal of the subscription itself may come late */
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
    order("hang call=EvtNext ms=600000 channel=" WORKER "\n");
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
    order("");
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
    suite_test(s, growth_signals_once_until_the_channel_was_drained_again);
    suite_test(s, a_call_that_hangs_holds_up_its_own_thread_alone);
}

int main(void)
{
    return has_stand_in() ? suite_main("windows: event channel", add) : skip_without_stand_in("test_event_channel");
}
