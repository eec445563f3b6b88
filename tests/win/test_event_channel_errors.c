/* Every error the Evt functions can give a live channel, by the stand-in event log
 * (tests/winhost/wevtapi): the state it ends in, and that nothing is lost by it. */
#include "plat/event_channel_state.h"
#include "plat/win/evt_errors.h"
#include "tests/support/suite.h"
#include "tests/win/support_log.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { TEXT_MAX = 256 };

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
    char text[TEXT_MAX];

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

static void add(Suite *s)
{
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
}

int main(void)
{
    return has_stand_in() ? suite_main("windows: errors of event channels", add)
                          : skip_without_stand_in("test_event_channel_errors");
}
