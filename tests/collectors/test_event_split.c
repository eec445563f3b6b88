/* Finding whole events in a text that grows. */
#include "base/buf.h"
#include "collectors/event_split.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#define NS  "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'"
#define ONE "<Event " NS "><System a='>' b=\"/Event>\"/><EventData><Data>x</Data></EventData></Event>"
#define TWO \
    "<Event><!-- </Event> <Event> --><UserData><![CDATA[</Event>]]><Event>own</Event><Event/></UserData></Event>"

/* Everything in text, given from byte to byte as a file would grow by `step`:
 * events, one a line; then "junk N" with the sum of its bytes. */
static char *split_growing(const char *text, size_t len, size_t step)
{
    struct split_state state = { false };
    struct buf out;
    size_t start = 0, end = 0, junk = 0;
    struct split_piece piece = { .kind = SPLIT_WAIT };

    buf_init(&out, 8 * 1024 * 1024);
    buf_str(&out, "");
    while (piece.kind != SPLIT_WAIT || end < len) {
        char *window;

        if (piece.kind == SPLIT_WAIT)
            end = end + step < len ? end + step : len;
        window = malloc(end - start + 1); /* so that a read past the end is seen */
        memcpy(window, text + start, end - start);
        event_split_next(&state, window, end - start, &piece);
        ck_assert_uint_le(piece.end, end - start);
        if (piece.kind == SPLIT_EVENT) {
            buf_add(&out, window + piece.start, piece.end - piece.start);
            buf_char(&out, '\n');
        } else if (piece.kind == SPLIT_JUNK) {
            ck_assert_ptr_nonnull(piece.why);
            ck_assert_uint_gt(piece.end, piece.start);
            junk += piece.end - piece.start;
        }
        free(window);
        start += piece.end;
    }
    if (junk > 0)
        buf_printf(&out, "junk %zu", junk);
    return out.data;
}

static void check_split(const char *text, const char *want)
{
    size_t len = strlen(text);

    for (size_t step = 1; step <= len; step += step < 40 ? 1 : len / 7 + 1) {
        char *got = split_growing(text, len, step);

        ck_assert_msg(strcmp(got, want) == 0, "in steps of %zu of '%s'\ngot  %s\nwant %s", step, text, got, want);
        free(got);
    }
}

START_TEST(events_one_after_another_are_found_however_the_text_grows)
{
    check_split(ONE TWO, ONE "\n" TWO "\n");
    check_split("\r\n" ONE "\n\n" TWO "\n", ONE "\n" TWO "\n");
}
END_TEST

START_TEST(a_list_with_declaration_comments_and_byte_order_mark_is_no_junk)
{
    check_split("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>\n<!-- <Event> -->\n<Events>" ONE
                "<?pi <Event>?>" TWO "</Events>\n",
                ONE "\n" TWO "\n");
    check_split("<x:Events xmlns:x='y'><x:Event/><x:Event></x:Event></x:Events>", "<x:Event></x:Event>\njunk 10");
}
END_TEST

START_TEST(comments_cdata_quotes_and_nested_names_do_not_end_an_event)
{
    check_split(TWO, TWO "\n");
    check_split("<Event><EventData></EventData></Event>", "<Event><EventData></EventData></Event>\n");
    check_split("<Event><Events></Events></Event>", "<Event><Events></Events></Event>\n");
    check_split("<Event><a b='!--'/><c/></Event>", "<Event><a b='!--'/><c/></Event>\n");
}
END_TEST

START_TEST(an_event_that_is_not_complete_waits)
{
    check_split(ONE "<Event><System>", ONE "\n");
    check_split("<Event", "");
    check_split("<", "");
    check_split("<!-", "");
    check_split("<![CDAT", "");
    check_split("", "");
}
END_TEST

START_TEST(text_between_events_is_junk_and_hides_no_event)
{
    check_split("rubbish" ONE "more" TWO, ONE "\n" TWO "\njunk 11");
    check_split("<Foo><Bar>" ONE "</Foo>" TWO, ONE "\n" TWO "\njunk 16");
    check_split("<<<" ONE, ONE "\njunk 3");
    check_split("a<b>c<1>" ONE, ONE "\njunk 8");
    check_split("</Event>" ONE, ONE "\njunk 8");
    check_split("<!DOCTYPE x [<!ENTITY a 'b'>]>" ONE, ONE "\njunk 30");
    check_split("<![CDATA[<Event></Event>]]>" ONE, ONE "\njunk 27");
}
END_TEST

START_TEST(an_event_that_was_broken_off_does_not_swallow_the_next)
{
    check_split("<Event><System><Prov" ONE TWO, ONE "\n" TWO "\njunk 20");
    check_split("<Event><System a='" ONE, ONE "\njunk 18");
    check_split("<Event><System>" ONE, ONE "\njunk 15");
    check_split("<Event><a><b></Event>" ONE, "<Event><a><b></Event>\n" ONE "\n");
}
END_TEST

/* An event of exactly size bytes around filler. */
static void add_sized(struct buf *b, size_t size, const char *filler)
{
    size_t end = b->len + size - strlen("</Event>");

    buf_str(b, "<Event>");
    while (b->len < end)
        buf_add(b, filler, end - b->len < strlen(filler) ? end - b->len : strlen(filler));
    buf_str(b, "</Event>");
}

static void check_sized(size_t size, const char *filler, bool taken)
{
    struct buf b;

    buf_init(&b, 8 * 1024 * 1024);
    add_sized(&b, size, filler);
    buf_str(&b, ONE);
    for (size_t step = 100000; step < 4000000; step *= 6) {
        char *got = split_growing(b.data, b.len, step);
        const char *last = strstr(got, ONE);

        ck_assert_msg(last != NULL, "size %zu step %zu: the next event was lost", size, step);
        ck_assert_uint_eq((size_t)(last - got), taken ? size + 1 : 0);
        ck_assert_int_eq(strstr(got, "junk") != NULL, !taken);
        free(got);
    }
    buf_free(&b);
}

START_TEST(an_event_over_the_ceiling_is_skipped_and_the_next_one_found)
{
    for (size_t more = 0; more < 12; more++)
        check_sized(EVENT_XML_MAX + more, "x", more == 0);
    check_sized(EVENT_XML_MAX - 1, "<a>", true);
    check_sized(2 * 1024 * 1024, "<a>y</a>", false);
    check_sized(3 * 1024 * 1024, "<Eventually>", false);
}
END_TEST

START_TEST(no_prefix_of_hostile_text_is_read_past_its_end)
{
    static const char hostile[] =
        "<Event a=\"'><![CDATA[<!--]]]>--<?>/><Event/></Event ><Events><!-- <![CDATA[ ]]><<</x:Event>";

    for (size_t len = 0; len < sizeof hostile; len++) {
        for (size_t step = 1; step < 5; step++)
            free(split_growing(hostile, len, step));
    }
}
END_TEST

/* ---- after an event over the limit, and other things that do not end ------------- */

static const struct {
    const char *text;
    enum split_kind kind;
    size_t end;
    bool skipping; /* afterwards */
} skips[] = {
    { "", SPLIT_WAIT, 0, true },
    { "text < <x> </Even> ", SPLIT_JUNK, 19, true },
    { "</Event>rest", SPLIT_JUNK, 8, false },
    { "x</Event>rest", SPLIT_JUNK, 9, false },
    { "</Eve", SPLIT_WAIT, 0, true },
    { "x<", SPLIT_JUNK, 1, true },
    { "<", SPLIT_WAIT, 0, true },
    { "x<Event a='", SPLIT_JUNK, 1, true },
    { "<Event><Event/><Events>", SPLIT_JUNK, 23, true }, /* none that names the namespace */
    { "xy<Event " NS "></Event>", SPLIT_JUNK, 2, false },
    { "<Event <Event <", SPLIT_JUNK, 14, true },
};

START_TEST(the_rest_of_an_event_over_the_limit_ends_where_it_or_the_next_one_says)
{
    struct split_state state = { true };
    struct split_piece piece;

    event_split_next(&state, skips[_i].text, strlen(skips[_i].text), &piece);
    ck_assert_int_eq(piece.kind, skips[_i].kind);
    ck_assert_uint_eq(piece.start, 0);
    ck_assert_uint_eq(piece.end, skips[_i].end);
    ck_assert_int_eq(state.skipping, skips[_i].skipping);
}
END_TEST

/* `text` and so many dots behind it. */
static struct split_piece split_dotted(struct split_state *state, const char *text, size_t dots)
{
    size_t len = strlen(text);
    char *all = malloc(len + dots);
    struct split_piece piece;

    ck_assert_ptr_nonnull(all);
    memcpy(all, text, len);
    memset(all + len, '.', dots);
    event_split_next(state, all, len + dots, &piece);
    free(all);
    return piece;
}

START_TEST(a_tag_that_does_not_end_is_passed_over_while_skipping)
{
    struct split_state state = { true };
    struct split_piece piece = split_dotted(&state, "<Event ", 100 * 1024);

    ck_assert_int_eq(piece.kind, SPLIT_JUNK);
    ck_assert_uint_eq(piece.end, 7 + 100 * 1024);
    ck_assert(state.skipping);
}
END_TEST

START_TEST(a_comment_that_does_not_end_within_the_limit_is_junk)
{
    struct split_state state = { false };
    struct split_piece piece = split_dotted(&state, "<!--", EVENT_XML_MAX - 4);

    ck_assert_int_eq(piece.kind, SPLIT_WAIT);
    piece = split_dotted(&state, "<!--", EVENT_XML_MAX - 3);
    ck_assert_int_eq(piece.kind, SPLIT_JUNK);
    ck_assert_uint_eq(piece.end, EVENT_XML_MAX + 1);
    ck_assert_str_eq(piece.why, "text between events");
}
END_TEST

START_TEST(what_only_looks_like_a_tag_is_none)
{
    static const char *const broken[] = { "< <a>", "<\t<a>", "<\r<a>", "<\n<a>", "<><a>" };

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct split_state state = { false };
        struct split_piece piece;

        event_split_next(&state, broken[i], strlen(broken[i]), &piece);
        ck_assert_int_eq(piece.kind, SPLIT_JUNK);
        ck_assert_uint_eq(piece.end, 2);
    }
    check_split("<><<" ONE, ONE "\njunk 4");
    check_split("<a-name-of-more-than-sixty-four-bytes-that-is-no-name-of-an-event-at-all>" ONE, ONE "\njunk 73");
    check_split("<Event\t" NS "></Event\r>", "<Event\t" NS "></Event\r>\n");
    check_split("<a:Event\n" NS "><a:x/></a:Event >", "<a:Event\n" NS "><a:x/></a:Event >\n");
    check_split("<Event " NS "><<Event>x</Event>", "<Event>x</Event>\njunk 70");
}
END_TEST

static void add(Suite *s)
{
    tcase_add_loop_test(suite_case(s, "skipping"),
                        the_rest_of_an_event_over_the_limit_ends_where_it_or_the_next_one_says, 0,
                        (int)(sizeof skips / sizeof skips[0]));
    suite_test(s, a_tag_that_does_not_end_is_passed_over_while_skipping);
    suite_test(s, a_comment_that_does_not_end_within_the_limit_is_junk);
    suite_test(s, what_only_looks_like_a_tag_is_none);
    suite_test(s, events_one_after_another_are_found_however_the_text_grows);
    suite_test(s, a_list_with_declaration_comments_and_byte_order_mark_is_no_junk);
    suite_test(s, comments_cdata_quotes_and_nested_names_do_not_end_an_event);
    suite_test(s, an_event_that_is_not_complete_waits);
    suite_test(s, text_between_events_is_junk_and_hides_no_event);
    suite_test(s, an_event_that_was_broken_off_does_not_swallow_the_next);
    suite_test(s, an_event_over_the_ceiling_is_skipped_and_the_next_one_found);
    suite_test(s, no_prefix_of_hostile_text_is_read_past_its_end);
}

int main(void)
{
    return suite_main("collectors: splitting events", add);
}
