/* Saved XML files that grow, are replaced, or hold what they should not. */
#include "collectors/event.h"
#include "collectors/event_file.h"
#include "collectors/eventlog.h"
#include "tests/collectors/support_event.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONE "<Event a='1'><EventData>\xC3\xA4\xE2\x82\xAC</EventData></Event>"
#define TWO "<Event><![CDATA[</Event>]]>\xF0\x9F\x98\x80</Event>"

enum { TEXT_MAX = 32 * 1024 * 1024 };

static struct event_stream *open_stream(const char *path)
{
    struct event_stream *s;
    struct err e;

    ck_assert_int_eq(event_file_xml(plat_files(), path, &s, &e), 0);
    return s;
}

/* Reads path to its end with a stream of its own. */
static void hear_file(struct heard *h, const char *path)
{
    struct event_stream *s = open_stream(path);

    hear(h, s);
    s->ops->close(s);
}

START_TEST(a_file_of_one_event_is_read_once)
{
    const char *path = write_file(temp_dir(), "one.xml", ONE, strlen(ONE));
    struct event_stream *s = open_stream(path);
    struct heard h;

    heard_init(&h);
    hear(&h, s);
    ck_assert_str_eq(buf_text(&h.events), ONE "\n");
    ck_assert_str_eq(buf_text(&h.places), "one.xml:byte 0\n");
    ck_assert_int_eq(h.gap_count, 0);
    ck_assert_int_eq(h.report.lag_records, 0);
    hear(&h, s);
    ck_assert_int_eq(h.event_count, 1);
    s->ops->close(s);
    hear_file(&h, path); /* the mark alone is enough */
    ck_assert_int_eq(h.event_count, 1);
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(an_absent_file_is_absent_until_it_comes)
{
    const char *dir = temp_dir();
    char path[4200];
    struct event_stream *s;
    struct heard h;

    snprintf(path, sizeof path, "%s/late.xml", dir);
    s = open_stream(path);
    heard_init(&h);
    hear(&h, s);
    ck_assert_int_eq(h.report.state, STREAM_ABSENT);
    ck_assert_str_ne(h.report.remedy, "");
    write_file(dir, "late.xml", ONE, strlen(ONE));
    hear(&h, s);
    ck_assert_int_eq(h.report.state, STREAM_ATTACHED);
    ck_assert_int_eq(h.event_count, 1);
    unlink(path);
    hear(&h, s);
    ck_assert_int_eq(h.report.state, STREAM_ABSENT);
    ck_assert_int_ne(h.mark.len, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_folder_is_no_event_file)
{
    struct heard h;

    heard_init(&h);
    hear_file(&h, temp_dir());
    ck_assert_int_eq(h.report.state, STREAM_MISCONFIGURED);
    heard_free(&h);
}
END_TEST

/* Writes text in steps and reads after each; the stream is opened anew every
 * third time. */
static void check_growing(const char *text, size_t len, size_t step, const char *want, int gaps)
{
    const char *dir = temp_dir();
    char path[4200];
    struct event_stream *s;
    struct heard h;

    snprintf(path, sizeof path, "%s/growing.xml", dir);
    s = open_stream(path);
    heard_init(&h);
    for (size_t at = 0, n = 0; at < len; at += step, n++) {
        append_file(dir, "growing.xml", text + at, len - at < step ? len - at : step);
        if (n % 3 == 2) {
            s->ops->close(s);
            s = open_stream(path);
        }
        hear(&h, s);
    }
    ck_assert_msg(strcmp(buf_text(&h.events), want) == 0, "in steps of %zu: %s", step, buf_text(&h.events));
    ck_assert_int_eq(h.gap_count, gaps);
    s->ops->close(s);
    heard_free(&h);
}

START_TEST(a_list_that_grows_by_any_number_of_bytes_gives_each_event_once)
{
    static const char list[] =
        "\xEF\xBB\xBF<?xml version='1.0'?>\r\n<Events>" ONE "\r\n" TWO "<!-- x -->" ONE "</Events>\n";

    for (size_t step = 1; step < 60; step += step < 7 ? 1 : 13)
        check_growing(list, sizeof list - 1, step, ONE "\n" TWO "\n" ONE "\n", 0);
}
END_TEST

/* A copy that makes the file as large as it will be, and then fills it. */
static void check_copied(const char *text, size_t len, size_t step, const char *want)
{
    const char *dir = temp_dir();
    size_t size = len + 3 * EVENT_XML_MAX / 2;
    char *part = calloc(1, size);
    struct event_stream *s;
    struct heard h;

    ck_assert_ptr_nonnull(part);
    s = open_stream(write_file(dir, "copied.xml", part, size));
    heard_init(&h);
    for (size_t at = 0; at < len; at += step) {
        memcpy(part + at, text + at, len - at < step ? len - at : step);
        write_file(dir, "copied.xml", part, size);
        hear(&h, s);
    }
    ck_assert_str_eq(buf_text(&h.events), want);
    ck_assert_int_eq(h.gap_count, 0);
    s->ops->close(s);
    heard_free(&h);
    free(part);
}

START_TEST(zeros_at_the_end_are_room_that_is_not_written_yet)
{
    check_copied("<Events>" ONE TWO, strlen("<Events>" ONE TWO), 11, ONE "\n" TWO "\n");
}
END_TEST

static void put_unit(struct buf *out, uint32_t unit, bool big)
{
    buf_char(out, (char)(big ? unit >> 8 : unit));
    buf_char(out, (char)(big ? unit : unit >> 8));
}

/* UTF-8 to UTF-16 with a byte order mark, for valid text. */
static void to_utf16(struct buf *out, const char *text, bool big)
{
    put_unit(out, 0xFEFF, big);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        int more = *p < 0x80 ? 0 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
        uint32_t c = more == 0 ? *p : *p & (0x3Fu >> more);

        for (p++; more > 0; more--)
            c = c << 6 | (*p++ & 0x3Fu);
        if (c >= 0x10000) {
            put_unit(out, 0xD800 + ((c - 0x10000) >> 10), big);
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        put_unit(out, c, big);
    }
}

START_TEST(utf16_files_grow_like_others_in_both_byte_orders)
{
    static const char list[] = "<?xml version='1.0' encoding='utf-16'?>\r\n<Events>" ONE "\r\n" TWO ONE "</Events>\n";

    for (int big = 0; big < 2; big++) {
        struct buf b;

        buf_init(&b, TEXT_MAX);
        to_utf16(&b, list, big != 0);
        for (size_t step = 1; step < 60; step += step < 5 ? 1 : 13)
            check_growing(b.data, b.len, step, ONE "\n" TWO "\n" ONE "\n", 0);
        buf_free(&b);
    }
}
END_TEST

START_TEST(zeros_at_the_end_of_a_utf16_file_are_told_from_its_characters)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    to_utf16(&b, ONE TWO, false);
    check_copied(b.data, b.len, 13, ONE "\n" TWO "\n");
    buf_free(&b);
}
END_TEST

START_TEST(places_in_a_utf16_file_are_bytes_of_the_file)
{
    struct buf b;
    struct heard h;
    char want[64];

    buf_init(&b, TEXT_MAX);
    to_utf16(&b, TWO ONE, false);
    heard_init(&h);
    hear_file(&h, write_file(temp_dir(), "u.xml", b.data, b.len));
    snprintf(want, sizeof want, "u.xml:byte 2\nu.xml:byte %zu\n", 2 + 2 * (strlen(TWO) - 4 + 2));
    ck_assert_str_eq(buf_text(&h.places), want);
    heard_free(&h);
    buf_free(&b);
}
END_TEST

START_TEST(lone_surrogates_do_not_stop_a_file)
{
    struct buf b;
    struct heard h;

    buf_init(&b, TEXT_MAX);
    to_utf16(&b, ONE, false);
    put_unit(&b, 0xDC00, false);
    put_unit(&b, 0xD800, false);
    put_unit(&b, 'x', false);
    to_utf16(&b, TWO, false);
    heard_init(&h);
    hear_file(&h, write_file(temp_dir(), "u.xml", b.data, b.len));
    ck_assert_int_eq(h.event_count, 2);
    ck_assert_int_eq(h.gap_count, 1);
    heard_free(&h);
    buf_free(&b);
}
END_TEST

START_TEST(a_replaced_file_is_told_and_read_from_its_start)
{
    const char *dir = temp_dir(), *path = write_file(dir, "f.xml", ONE ONE, strlen(ONE ONE));
    struct event_stream *s = open_stream(path);
    struct heard h;
    char want[64];

    heard_init(&h);
    hear(&h, s);
    heard_forget(&h);
    write_file(dir, "f.xml", "<Events>" TWO TWO TWO TWO, strlen("<Events>" TWO TWO TWO TWO));
    hear(&h, s);
    snprintf(want, sizeof want, "file-replaced [byte %zu] []\n", strlen(ONE ONE));
    ck_assert_str_eq(buf_text(&h.gaps), want);
    ck_assert_int_eq(h.event_count, 4);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_file_that_shrank_is_a_replaced_one)
{
    const char *dir = temp_dir(), *path = write_file(dir, "f.xml", ONE ONE, strlen(ONE ONE));
    struct heard h;

    heard_init(&h);
    hear_file(&h, path);
    heard_forget(&h);
    hear_file(&h, write_file(dir, "f.xml", ONE, strlen(ONE)));
    ck_assert_int_eq(h.event_count, 1);
    ck_assert_int_eq(h.gap_count, 1);
    ck_assert_ptr_nonnull(strstr(h.gaps.data, "file-replaced"));
    heard_forget(&h);
    hear_file(&h, write_file(dir, "f.xml", "", 0));
    ck_assert_int_eq(h.event_count, 0);
    ck_assert_int_eq(h.gap_count, 1);
    heard_free(&h);
}
END_TEST

START_TEST(a_change_before_the_mark_that_keeps_the_size_is_noticed)
{
    const char *dir = temp_dir();
    struct heard h;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    for (int i = 0; i < 500; i++)
        buf_str(&b, ONE);
    heard_init(&h);
    hear_file(&h, write_file(dir, "f.xml", b.data, b.len));
    heard_forget(&h);
    b.data[b.len - 30] = '?';
    hear_file(&h, write_file(dir, "f.xml", b.data, b.len));
    ck_assert_int_eq(h.gap_count, 1);
    ck_assert_int_eq(h.event_count, 500);
    heard_free(&h);
    buf_free(&b);
}
END_TEST

START_TEST(a_longer_copy_put_in_place_by_renaming_goes_on)
{
    const char *dir = temp_dir();
    char from[4200], to[4200];
    struct heard h;

    heard_init(&h);
    hear_file(&h, write_file(dir, "f.xml", "<Events>" ONE, strlen("<Events>" ONE)));
    heard_forget(&h);
    snprintf(from, sizeof from, "%s", write_file(dir, "new", "<Events>" ONE TWO, strlen("<Events>" ONE TWO)));
    snprintf(to, sizeof to, "%s/f.xml", dir);
    ck_assert_int_eq(rename(from, to), 0);
    hear_file(&h, to);
    ck_assert_str_eq(buf_text(&h.events), TWO "\n");
    ck_assert_int_eq(h.gap_count, 0);
    heard_free(&h);
}
END_TEST

START_TEST(junk_is_told_once_with_its_bytes_and_hides_no_event)
{
    const char *dir = temp_dir(),
               *path = write_file(dir, "f.xml", "rubbish " ONE " <Foo/>x" TWO, strlen("rubbish " ONE " <Foo/>x" TWO));
    struct heard h;
    char want[128];

    heard_init(&h);
    hear_file(&h, path);
    snprintf(want, sizeof want, "record-unreadable [byte 0] [byte 8]\nrecord-unreadable [byte %zu] [byte %zu]\n",
             8 + strlen(ONE) + 1, 8 + strlen(ONE) + 8);
    ck_assert_str_eq(buf_text(&h.gaps), want);
    ck_assert_int_eq(h.event_count, 2);
    append_file(dir, "f.xml", ONE, strlen(ONE));
    hear_file(&h, path);
    ck_assert_int_eq(h.event_count, 3);
    ck_assert_int_eq(h.gap_count, 2);
    heard_free(&h);
}
END_TEST

START_TEST(an_event_over_the_ceiling_is_one_gap_and_the_next_event_is_found)
{
    const char *dir = temp_dir();
    char path[4200];
    struct event_stream *s;
    struct heard h;
    char *big = malloc(2 * 1024 * 1024);

    memset(big, 'x', 2 * 1024 * 1024);
    memcpy(big, "<Event>", 7);
    snprintf(path, sizeof path, "%s/f.xml", dir);
    s = open_stream(path);
    heard_init(&h);
    for (size_t at = 0; at < 2 * 1024 * 1024; at += 300000) {
        append_file(dir, "f.xml", big + at, 2 * 1024 * 1024 - at < 300000 ? 2 * 1024 * 1024 - at : 300000);
        hear(&h, s);
    }
    append_file(dir, "f.xml", "</Eve", 5);
    hear(&h, s);
    append_file(dir, "f.xml", "nt>" ONE, strlen("nt>" ONE));
    hear(&h, s);
    ck_assert_str_eq(buf_text(&h.events), ONE "\n");
    ck_assert_int_eq(h.gap_count, 1);
    s->ops->close(s);
    heard_free(&h);
    free(big);
}
END_TEST

START_TEST(events_of_31_kib_and_of_the_ceiling_are_whole)
{
    static const size_t sizes[] = { 31 * 1024, EVENT_XML_MAX };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = malloc(sizes[i] + 1);
        struct heard h;

        memset(text, 'x', sizes[i]);
        memcpy(text, "<Event>", 7);
        memcpy(text + sizes[i] - 8, "</Event>", 9);
        heard_init(&h);
        hear_file(&h, write_file(temp_dir(), "f.xml", text, sizes[i]));
        ck_assert_int_eq(h.event_count, 1);
        ck_assert_uint_eq(h.events.len, sizes[i] + 1);
        ck_assert_int_eq(h.gap_count, 0);
        heard_free(&h);
        free(text);
    }
}
END_TEST

START_TEST(a_read_takes_about_as_much_as_it_was_asked_for_and_says_there_is_more)
{
    const char *path = write_file(temp_dir(), "f.xml", ONE TWO ONE, strlen(ONE TWO ONE));
    struct event_stream *s = open_stream(path);
    struct heard h;

    heard_init(&h);
    hear_once(&h, s, 2);
    ck_assert_int_eq(h.event_count, 2);
    ck_assert(h.report.more);
    hear_once(&h, s, 2);
    ck_assert_int_eq(h.event_count, 3);
    hear(&h, s);
    ck_assert_int_eq(h.event_count, 3);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(an_old_mark_gives_the_same_events_again)
{
    const char *path = write_file(temp_dir(), "f.xml", ONE TWO ONE, strlen(ONE TWO ONE));
    struct event_stream *s = open_stream(path);
    struct heard h;
    char *mark;

    heard_init(&h);
    hear_once(&h, s, 1);
    mark = strdup(buf_text(&h.mark));
    hear(&h, s);
    heard_forget(&h);
    buf_clear(&h.mark);
    buf_str(&h.mark, mark);
    hear(&h, s);
    ck_assert_str_eq(buf_text(&h.events), TWO "\n" ONE "\n");
    s->ops->close(s);
    heard_free(&h);
    free(mark);
}
END_TEST

START_TEST(a_mark_of_another_kind_is_refused)
{
    static const char *const bad[] = { "x",
                                       "xml1",
                                       "xml1 5",
                                       "evtx1 1 2 3 4",
                                       "xml1 5 0 9 0 0 0",
                                       "xml1 5 0 5 0 5 0 x",
                                       "xml1 ffff 9 5 0 5 0",
                                       "xml1 ffffffffffffffffff 0 0 0 0 0 0" };
    const char *path = write_file(temp_dir(), "f.xml", ONE, strlen(ONE));
    struct event_stream *s = open_stream(path);
    struct stream_report report;
    struct heard h;

    heard_init(&h);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(s->ops->read(s, bad[i], 10, 1000, &h.sink, &h.mark, &report, NULL) == ERR_INVALID, "%s", bad[i]);
    ck_assert_int_eq(h.event_count, 0);
    s->ops->close(s);
    heard_free(&h);
}
END_TEST

START_TEST(a_file_without_events_is_quiet)
{
    static const char *const quiet[] = {
        "", "\n", "\xEF\xBB\xBF", "\xFF", "\xFF\xFE", "<Events></Events>", "<?xml version='1.0'?>"
    };

    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        struct heard h;

        heard_init(&h);
        hear_file(&h, write_file(temp_dir(), "f.xml", quiet[i], strlen(quiet[i])));
        ck_assert_int_eq(h.event_count + h.gap_count, 0);
        ck_assert_int_eq(h.report.state, STREAM_ATTACHED);
        heard_free(&h);
    }
}
END_TEST

START_TEST(a_long_file_of_rubbish_is_a_bounded_number_of_gaps)
{
    size_t size = 20 * 1024 * 1024;
    char *text = malloc(size);
    struct heard h;

    for (size_t i = 0; i < size; i++)
        text[i] = "<a>\0&]"[i % 6];
    heard_init(&h);
    hear_file(&h, write_file(temp_dir(), "f.xml", text, size));
    ck_assert_int_eq(h.event_count, 0);
    ck_assert_int_ge(h.gap_count, 1);
    ck_assert_int_le(h.gap_count, 3);
    heard_free(&h);
    free(text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_of_one_event_is_read_once);
    suite_test(s, an_absent_file_is_absent_until_it_comes);
    suite_test(s, a_folder_is_no_event_file);
    suite_test(s, a_list_that_grows_by_any_number_of_bytes_gives_each_event_once);
    suite_test(s, utf16_files_grow_like_others_in_both_byte_orders);
    suite_test(s, zeros_at_the_end_are_room_that_is_not_written_yet);
    suite_test(s, zeros_at_the_end_of_a_utf16_file_are_told_from_its_characters);
    suite_test(s, places_in_a_utf16_file_are_bytes_of_the_file);
    suite_test(s, lone_surrogates_do_not_stop_a_file);
    suite_test(s, a_replaced_file_is_told_and_read_from_its_start);
    suite_test(s, a_file_that_shrank_is_a_replaced_one);
    suite_test(s, a_change_before_the_mark_that_keeps_the_size_is_noticed);
    suite_test(s, a_longer_copy_put_in_place_by_renaming_goes_on);
    suite_test(s, junk_is_told_once_with_its_bytes_and_hides_no_event);
    suite_test(s, an_event_over_the_ceiling_is_one_gap_and_the_next_event_is_found);
    suite_test(s, events_of_31_kib_and_of_the_ceiling_are_whole);
    suite_test(s, a_read_takes_about_as_much_as_it_was_asked_for_and_says_there_is_more);
    suite_test(s, an_old_mark_gives_the_same_events_again);
    suite_test(s, a_mark_of_another_kind_is_refused);
    suite_test(s, a_file_without_events_is_quiet);
    suite_test(s, a_long_file_of_rubbish_is_a_bounded_number_of_gaps);
}

int main(void)
{
    return suite_main("collectors: XML event files", add);
}
