/* Saved event logs as Windows reads them (plat/saved_log.h), over the stand-in event log
 * (tests/winhost/wevtapi), in whose .evtx files there is XML: the calls, the marks and
 * what becomes of errors; not the format of a real file. */
#include "plat/saved_log.h"
#include "tests/support/suite.h"
#include "tests/win/support_log.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#define FILE_NAME "worker.evtx"

enum { PATH_CHARS = 4096 };

static char file[PATH_CHARS];

static void put_file(int from, int to, int year)
{
    put_log_in(host, FILE_NAME, WORKER, "Microsoft-Windows-Hyper-V-Worker", from, to, year);
}

static struct event_stream *open_file(void)
{
    struct event_stream *stream;
    struct err e = { ERR_OK, "" };

    ck_assert_msg(plat_saved_log_stream(file, &stream, &e) == 0, "%s", e.text);
    return stream;
}

static void begin_file(void)
{
    new_host();
    snprintf(file, sizeof file, "%s/" FILE_NAME, host);
    begin_with(open_file());
}

static void open_again(void)
{
    close_stream();
    reader.stream = open_file();
}

START_TEST(a_file_is_read_in_the_order_of_its_records)
{
    begin_file();
    put_file(1, 120, 2026);
    read_all();
    assert_took(1, 120);
    ck_assert_str_eq(reader.place, "record 120");
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(reader.report.lag_records, 0);
    ck_assert_int_eq(reader.gap_count, 0);
    ck_assert_str_eq(plat_saved_log_path(reader.stream), file);
    end();
}
END_TEST

START_TEST(a_restart_after_every_read_takes_each_record_once)
{
    begin_file();
    put_file(1, 40, 2026);
    for (int i = 0; i < 6; i++) {
        read_once(7);
        open_again();
    }
    read_all();
    assert_took(1, 40);
    ck_assert_int_eq(strncmp(buf_text(&reader.mark), "evtx2 28 ", 9), 0);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

START_TEST(a_file_that_grows_goes_on_where_it_was_read_to)
{
    begin_file();
    put_file(1, 10, 2026);
    read_all();
    read_all();
    assert_took(1, 10);
    put_file(1, 25, 2026);
    read_all();
    assert_took(1, 25);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

START_TEST(what_was_read_to_its_end_is_not_queried_again)
{
    begin_file();
    put_file(1, 10, 2026);
    read_all();
    order("fail call=EvtQuery code=5 times=1000\n");
    read_all();
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(reader.report.lag_records, 0);
    end();
}
END_TEST

START_TEST(a_file_without_the_last_record_is_another_one_and_read_from_its_start)
{
    begin_file();
    put_file(1, 10, 2026);
    read_all();
    forget();
    put_file(1, 4, 2027);
    read_all();
    assert_took(1, 4);
    assert_gap("file-replaced", "10", "");
    end();
}
END_TEST

START_TEST(the_same_number_at_another_time_is_another_record)
{
    begin_file();
    put_file(1, 10, 2026);
    read_all();
    forget();
    put_file(1, 30, 2027);
    read_all();
    assert_took(1, 30);
    assert_gap("file-replaced", "10", "");
    end();
}
END_TEST

START_TEST(a_file_without_records_is_read_and_empty)
{
    begin_file();
    write_file(host, FILE_NAME, "<Events>\n</Events>\n", strlen("<Events>\n</Events>\n"));
    read_all();
    ck_assert_int_eq(reader.count, 0);
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    ck_assert_str_eq(buf_text(&reader.mark), "");
    end();
}
END_TEST

START_TEST(a_file_that_is_not_there_is_absent_until_it_is)
{
    begin_file();
    read_once(10);
    ck_assert_int_eq(reader.report.state, STREAM_ABSENT);
    ck_assert_msg(strstr(reader.report.remedy, FILE_NAME) != NULL, "%s", reader.report.remedy);
    put_file(1, 3, 2026);
    read_all();
    ck_assert_int_eq(reader.report.state, STREAM_ATTACHED);
    assert_took(1, 3);
    end();
}
END_TEST

START_TEST(a_file_that_is_no_event_log_is_told_and_tried_again)
{
    begin_file();
    write_file(host, FILE_NAME, "ElfFile no more", 15);
    read_once(10);
    ck_assert_int_eq(reader.report.state, STREAM_RETRYING);
    ck_assert_msg(strstr(reader.report.remedy, FILE_NAME) != NULL, "%s", reader.report.remedy);
    put_file(1, 3, 2026);
    read_all();
    assert_took(1, 3);
    end();
}
END_TEST

START_TEST(access_denied_is_a_state_of_its_own)
{
    begin_file();
    put_file(1, 3, 2026);
    order("fail call=EvtQuery code=5\n");
    read_once(10);
    ck_assert_int_eq(reader.report.state, STREAM_NO_PERMISSION);
    read_all();
    assert_took(1, 3);
    end();
}
END_TEST

START_TEST(an_error_in_the_middle_keeps_what_was_taken_and_goes_on_after_it)
{
    begin_file();
    put_file(1, 20, 2026);
    order("fail call=EvtNext/query code=1722 after=8\n");
    read_once(100);
    ck_assert_int_eq(reader.report.state, STREAM_RETRYING);
    assert_took(1, 8);
    read_all();
    assert_took(1, 20);
    ck_assert_int_eq(reader.gap_count, 0);
    end();
}
END_TEST

START_TEST(a_record_that_can_not_be_rendered_is_a_gap_and_not_the_end)
{
    begin_file();
    put_file(1, 10, 2026);
    order("fail call=EvtRender code=15002 after=4\n"); /* the first record is asked for twice: once for its size */
    read_all();
    ck_assert_int_eq(reader.count, 9);
    assert_gap("unreadable", "4", "4");
    end();
}
END_TEST

START_TEST(a_strange_mark_is_an_error_that_changes_nothing)
{
    struct event_sink sink = { 0 };
    struct stream_report report;
    struct buf new_mark;
    struct err e = { ERR_OK, "" };

    begin_file();
    put_file(1, 3, 2026);
    buf_init(&new_mark, 64);
    ck_assert_int_eq(reader.stream->ops->read(reader.stream, "evtx1 1 2", 10, 1 << 20, &sink, &new_mark, &report, &e),
                     ERR_INVALID);
    ck_assert_msg(strstr(e.text, "evtx1 1 2") != NULL, "%s", e.text);
    buf_free(&new_mark);
    end();
}
END_TEST

/* The service that opens the file has a folder and a spelling of its own. */
START_TEST(the_service_is_given_a_full_path_whatever_was_configured)
{
    char back[PATH_CHARS];

    begin_file();
    put_file(1, 3, 2026);
    ck_assert_uint_gt(GetCurrentDirectoryA(sizeof back, back), 0);
    ck_assert(SetCurrentDirectoryA(host));
    snprintf(file, sizeof file, "./" FILE_NAME);
    open_again();
    read_all();
    ck_assert(SetCurrentDirectoryA(back));
    ck_assert_msg(reader.report.state == STREAM_ATTACHED, "%s", reader.report.remedy);
    assert_took(1, 3);
    end();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_is_read_in_the_order_of_its_records);
    suite_test(s, a_restart_after_every_read_takes_each_record_once);
    suite_test(s, a_file_that_grows_goes_on_where_it_was_read_to);
    suite_test(s, what_was_read_to_its_end_is_not_queried_again);
    suite_test(s, a_file_without_the_last_record_is_another_one_and_read_from_its_start);
    suite_test(s, the_same_number_at_another_time_is_another_record);
    suite_test(s, a_file_without_records_is_read_and_empty);
    suite_test(s, a_file_that_is_not_there_is_absent_until_it_is);
    suite_test(s, a_file_that_is_no_event_log_is_told_and_tried_again);
    suite_test(s, access_denied_is_a_state_of_its_own);
    suite_test(s, an_error_in_the_middle_keeps_what_was_taken_and_goes_on_after_it);
    suite_test(s, a_record_that_can_not_be_rendered_is_a_gap_and_not_the_end);
    suite_test(s, a_strange_mark_is_an_error_that_changes_nothing);
    suite_test(s, the_service_is_given_a_full_path_whatever_was_configured);
}

int main(void)
{
    return has_stand_in() ? suite_main("windows: saved event logs", add) : skip_without_stand_in("test_saved_log");
}
