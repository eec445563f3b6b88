/* Marks, verdicts and words of event channels, and the table of channels. */
#include "plat/event_channel_state.h"
#include "plat/event_channel_table.h"
#include "tests/support/suite.h"

#include <string.h>

START_TEST(a_mark_comes_back_as_it_was_written)
{
    struct channel_mark m = {
        3, 0x1d9f00112233445, 4711, 0x1da000000000000, 5000, "<BookmarkList>\r\n x</BookmarkList>"
    };
    struct channel_mark back;
    struct buf text;

    buf_init(&text, CHANNEL_MARK_MAX);
    channel_mark_write(&m, &text);
    ck_assert(channel_mark_parse(buf_text(&text), &back));
    ck_assert_uint_eq(back.generation, m.generation);
    ck_assert_uint_eq(back.created, m.created);
    ck_assert_uint_eq(back.id, m.id);
    ck_assert_uint_eq(back.time, m.time);
    ck_assert_uint_eq(back.seen, m.seen);
    ck_assert_str_eq(back.bookmark, m.bookmark);
    buf_free(&text);
}
END_TEST

START_TEST(no_mark_is_the_beginning)
{
    struct channel_mark m;

    ck_assert(channel_mark_parse("", &m));
    ck_assert_uint_eq(m.seen, 0);
    ck_assert_str_eq(m.bookmark, "");
}
END_TEST

START_TEST(what_is_no_mark_is_refused)
{
    static const char *const bad[] = {
        "chan1",
        "chan1 ",
        "chan1 1 2 3 4 5",
        "chan1 1 2 3 4  ",
        "chan1 1 2 3 4 -5 ",
        "chan1 1 2 3 4 g ",
        "chan1 11112222333344445 2 3 4 5 ",
        "chan1 0 0 6 0 5 ",
        "evtx1 1 2 3 4 5 ",
        " chan1 1 2 3 4 5 ",
    };
    struct channel_mark m;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!channel_mark_parse(bad[i], &m), "'%s' was taken as a mark", bad[i]);
        ck_assert_uint_eq(m.id, 0);
    }
}
END_TEST

START_TEST(a_bookmark_longer_than_its_ceiling_is_refused)
{
    static char text[CHANNEL_MARK_MAX + 100] = "chan1 1 2 3 4 5 ";
    struct channel_mark m;

    memset(text + strlen(text), 'x', CHANNEL_BOOKMARK_MAX);
    ck_assert(!channel_mark_parse(text, &m));
}
END_TEST

START_TEST(every_case_of_a_log_and_a_mark_has_its_verdict)
{
    static const struct {
        struct channel_mark mark;
        struct channel_info now;
        enum channel_evidence evidence;
        enum channel_verdict verdict;
    } cases[] = {
        /* never read */
        { { .seen = 0 }, { 500, 10, 9 }, EVIDENCE_NONE, CHANNEL_GO_ON },
        /* the record is there */
        { { .id = 50, .seen = 50, .created = 9 }, { 1, 60, 9 }, EVIDENCE_SAME, CHANNEL_GO_ON },
        { { .id = 50, .seen = 50, .created = 9 }, { 1, 60, 8 }, EVIDENCE_SAME, CHANNEL_GO_ON },
        { { .id = 50, .seen = 50, .created = 9 }, { 1, 60, 9 }, EVIDENCE_OTHER, CHANNEL_BEGUN_AGAIN },
        /* it is gone */
        { { .id = 50, .seen = 50, .created = 9 }, { 51, 60, 9 }, EVIDENCE_GONE, CHANNEL_GO_BY_NUMBER },
        { { .id = 50, .seen = 50, .created = 9 }, { 52, 60, 9 }, EVIDENCE_GONE, CHANNEL_WRAPPED },
        { { .id = 50, .seen = 50, .created = 9 }, { 52, 60, 8 }, EVIDENCE_GONE, CHANNEL_CLEARED },
        { { .id = 50, .seen = 50, .created = 9 }, { 51, 60, 8 }, EVIDENCE_GONE, CHANNEL_GO_BY_NUMBER },
        { { .id = 50, .seen = 50, .created = 9 }, { 51, 0, 8 }, EVIDENCE_GONE, CHANNEL_GO_BY_NUMBER },
        { { .id = 50, .seen = 50, .created = 9 }, { 1, 60, 8 }, EVIDENCE_GONE, CHANNEL_BEGUN_AGAIN },
        { { .id = 50, .seen = 50, .created = 9 }, { 1, 20, 9 }, EVIDENCE_GONE, CHANNEL_BEGUN_AGAIN },
        { { .id = 50, .seen = 50, .created = 9 }, { 0, 0, 9 }, EVIDENCE_GONE, CHANNEL_BEGUN_AGAIN },
        { { .id = 50, .seen = 50, .created = 0 }, { 40, 20, 9 }, EVIDENCE_GONE, CHANNEL_GO_BY_NUMBER },
        /* what did not match was seen too */
        { { .id = 50, .seen = 90, .created = 9 }, { 91, 20, 9 }, EVIDENCE_GONE, CHANNEL_GO_BY_NUMBER },
        { { .id = 0, .seen = 90, .created = 9 }, { 92, 20, 9 }, EVIDENCE_NONE, CHANNEL_WRAPPED },
        /* a log that lies */
        { { .id = 50, .seen = 50 }, { UINT64_MAX, UINT64_MAX, 9 }, EVIDENCE_GONE, CHANNEL_BEGUN_AGAIN },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(channel_judge(&cases[i].mark, &cases[i].now, cases[i].evidence) == cases[i].verdict,
                      "case %zu: %d, expected %d", i, channel_judge(&cases[i].mark, &cases[i].now, cases[i].evidence),
                      cases[i].verdict);
}
END_TEST

START_TEST(a_log_that_begins_again_is_a_new_generation)
{
    struct channel_mark m = { .generation = 2, .id = 50, .seen = 60, .time = 1, .created = 9, .bookmark = "x" };
    struct channel_info now = { 1, 5, 10 };

    channel_mark_follow(&m, &now, CHANNEL_BEGUN_AGAIN);
    ck_assert_uint_eq(m.generation, 3);
    ck_assert_uint_eq(m.id, 0);
    ck_assert_uint_eq(m.seen, 0);
    ck_assert_uint_eq(m.created, 10);
    ck_assert_str_eq(m.bookmark, "");
}
END_TEST

START_TEST(every_answer_has_a_state_and_what_is_wrong_a_remedy)
{
    static const enum stream_state states[CHANNEL_ANSWER_COUNT] = {
        [CHANNEL_OK] = STREAM_ATTACHED,
        [CHANNEL_DRAINED] = STREAM_ATTACHED,
        [CHANNEL_TOO_LARGE] = STREAM_RETRYING,
        [CHANNEL_STALE] = STREAM_RETRYING,
        [CHANNEL_MARK_GONE] = STREAM_RETRYING,
        [CHANNEL_MISSING] = STREAM_ABSENT,
        [CHANNEL_BAD_QUERY] = STREAM_MISCONFIGURED,
        [CHANNEL_DIRECT] = STREAM_UNSUPPORTED,
        [CHANNEL_DENIED] = STREAM_NO_PERMISSION,
        [CHANNEL_NO_METADATA] = STREAM_RETRYING,
        [CHANNEL_AWAY] = STREAM_RETRYING,
        [CHANNEL_DISABLED] = STREAM_RETRYING,
        [CHANNEL_FAILED] = STREAM_RETRYING,
    };

    for (int i = 0; i < CHANNEL_ANSWER_COUNT; i++) {
        struct stream_report report;

        channel_report((enum channel_answer)i, "EvtNext", 5, "System", &report);
        ck_assert_int_eq(report.state, states[i]);
        ck_assert_int_eq(report.remedy[0] == '\0', states[i] == STREAM_ATTACHED);
        ck_assert_msg(states[i] == STREAM_ATTACHED || strstr(report.remedy, "(System: EvtNext, error 5)") != NULL, "%s",
                      report.remedy);
    }
}
END_TEST

START_TEST(missing_rights_name_the_group_to_join)
{
    struct stream_report report;

    channel_report(CHANNEL_DENIED, "EvtSubscribe", 5, "System", &report);
    ck_assert_ptr_nonnull(strstr(report.remedy, "Event Log Readers"));
}
END_TEST

START_TEST(both_spellings_of_a_channel_are_one)
{
    const struct wanted_channel *w = channel_wanted("Microsoft-Windows-Hyper-V-Integration-Admin");

    ck_assert_ptr_nonnull(w);
    ck_assert_ptr_eq(channel_wanted("Microsoft-Windows-Hyper-V-Integration/Admin"), w);
    ck_assert_ptr_eq(channel_wanted("microsoft-windows-hyper-v-integration/ADMIN"), w);
    ck_assert_ptr_null(channel_wanted("Microsoft-Windows-Hyper-V-Integration-Operational"));
    ck_assert_ptr_null(channel_wanted("Microsoft-Windows-Hyper-V/Integration-Admin"));
    ck_assert_ptr_null(channel_wanted("Security"));
    ck_assert_ptr_null(channel_wanted(""));
}
END_TEST

START_TEST(no_channel_is_wanted_twice)
{
    for (size_t i = 0; i < wanted_channel_count; i++)
        ck_assert_ptr_eq(channel_wanted(wanted_channels[i].name), &wanted_channels[i]);
}
END_TEST

START_TEST(a_whole_channel_is_asked_for_with_a_star)
{
    struct buf query;

    buf_init(&query, 1000);
    ck_assert(!channel_query("Microsoft-Windows-Hyper-V-Worker-Admin", &query));
    ck_assert_str_eq(buf_text(&query), "*");
    buf_free(&query);
}
END_TEST

static int count_of(const char *text, size_t len, const char *what)
{
    int n = 0;

    for (size_t i = 0; i + strlen(what) <= len; i++)
        n += memcmp(text + i, what, strlen(what)) == 0;
    return n;
}

START_TEST(no_xpath_holds_more_than_twenty_expressions)
{
    enum { EXPRESSIONS_MAX = 20 };

    for (size_t i = 0; i < wanted_channel_count; i++) {
        struct buf query;
        const char *p;

        buf_init(&query, 16 * 1024);
        channel_query(wanted_channels[i].name, &query);
        for (p = strstr(buf_text(&query), "<Select"); p != NULL; p = strstr(p + 1, "<Select")) {
            const char *from = strchr(p, '>');
            size_t len = (size_t)(strstr(p, "</Select>") - from);

            ck_assert_int_le(count_of(from, len, "="), EXPRESSIONS_MAX);
            ck_assert_int_ge(count_of(from, len, "="), 1);
        }
        ck_assert_int_eq(buf_error(&query), ERR_OK);
        buf_free(&query);
    }
}
END_TEST

START_TEST(a_structured_query_names_the_channel_as_the_host_spells_it)
{
    struct buf query;

    buf_init(&query, 16 * 1024);
    ck_assert(channel_query("Microsoft-Windows-SMBClient-Connectivity", &query));
    ck_assert_ptr_nonnull(strstr(buf_text(&query), "<Select Path=\"Microsoft-Windows-SMBClient-Connectivity\">"
                                                   "*[System[Provider[@Name='Microsoft-Windows-SMBClient'] and "
                                                   "(EventID=30803 or "));
    buf_free(&query);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_mark_comes_back_as_it_was_written);
    suite_test(s, no_mark_is_the_beginning);
    suite_test(s, what_is_no_mark_is_refused);
    suite_test(s, a_bookmark_longer_than_its_ceiling_is_refused);
    suite_test(s, every_case_of_a_log_and_a_mark_has_its_verdict);
    suite_test(s, a_log_that_begins_again_is_a_new_generation);
    suite_test(s, every_answer_has_a_state_and_what_is_wrong_a_remedy);
    suite_test(s, missing_rights_name_the_group_to_join);
    suite_test(s, both_spellings_of_a_channel_are_one);
    suite_test(s, no_channel_is_wanted_twice);
    suite_test(s, a_whole_channel_is_asked_for_with_a_star);
    suite_test(s, no_xpath_holds_more_than_twenty_expressions);
    suite_test(s, a_structured_query_names_the_channel_as_the_host_spells_it);
}

int main(void)
{
    return suite_main("plat: event channel state", add);
}
