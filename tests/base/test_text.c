/* Text from outside: cleaning, cutting, numbers, UTF-16. */
#include "base/text.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#define FFFD     "\xEF\xBF\xBD"
#define ELLIPSIS "\xE2\x80\xA6"

/* Cleans src (len bytes) into a place of size bytes and compares. */
static void check_clean(const char *src, size_t len, size_t size, const char *want, bool want_changed)
{
    char out[256];
    bool changed = !want_changed;
    size_t n;

    ck_assert_uint_le(size, sizeof out - 1);
    memset(out, '#', sizeof out);
    n = text_clean(out, size, src, len, &changed);
    ck_assert_str_eq(out, want);
    ck_assert_uint_eq(n, strlen(want));
    ck_assert_int_eq(changed, want_changed);
    ck_assert_int_eq(out[size], '#');
}

static void check_cleans_to(const char *src, const char *want, bool changed)
{
    check_clean(src, strlen(src), 255, want, changed);
}

START_TEST(good_text_stays_as_it_is)
{
    check_cleans_to("", "", false);
    check_cleans_to("plain ASCII ~", "plain ASCII ~", false);
    check_cleans_to("\xC2\xA0 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF",
                    "\xC2\xA0 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF", false);
}
END_TEST

/* Each byte at each place of two words and a rest. */
START_TEST(the_plain_beginning_ends_before_the_first_other_byte)
{
    enum { LEN = 19 };
    char text[LEN];

    for (int c = 0; c < 256; c++) {
        bool plain = c >= 0x20 && c < 0x7F;

        for (size_t at = 0; at < LEN; at++) {
            memset(text, at % 2 != 0 ? ' ' : '~', LEN);
            text[at] = (char)c;
            ck_assert_msg(text_printable_run(text, LEN) == (plain ? LEN : at), "0x%02x at %zu: %zu", (unsigned)c, at,
                          text_printable_run(text, LEN));
            ck_assert_uint_eq(text_printable_run(text, at), at);
        }
    }
    ck_assert_uint_eq(text_printable_run(NULL, 0), 0);
}
END_TEST

START_TEST(tab_and_line_ends_become_blanks)
{
    check_cleans_to("a\tb\r\nc", "a b  c", false);
}
END_TEST

START_TEST(control_characters_are_replaced)
{
    check_clean("a\0b", 3, 255, "a" FFFD "b", true);
    check_cleans_to("\x1B[31m", FFFD "[31m", true);
    check_cleans_to("\x7F", FFFD, true);
    check_cleans_to("\xC2\x80\xC2\x9F", FFFD FFFD, true);
}
END_TEST

START_TEST(bidirectional_overrides_are_replaced_and_their_neighbours_are_not)
{
    check_cleans_to("\xE2\x80\xAA\xE2\x80\xAE", FFFD FFFD, true);
    check_cleans_to("\xE2\x81\xA6\xE2\x81\xA9", FFFD FFFD, true);
    check_cleans_to("\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA",
                    "\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA", false);
}
END_TEST

START_TEST(each_wrong_byte_is_replaced_by_itself)
{
    check_cleans_to("\x80", FFFD, true);
    check_cleans_to("\xC0\x80", FFFD FFFD, true);                   /* overlong NUL */
    check_cleans_to("\xE0\x80\xAF", FFFD FFFD FFFD, true);          /* overlong slash */
    check_cleans_to("\xED\xA0\x80", FFFD FFFD FFFD, true);          /* a surrogate */
    check_cleans_to("\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD, true); /* above U+10FFFF */
    check_cleans_to("\xF8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD, true);
    check_cleans_to("\xFF", FFFD, true);
    check_cleans_to("\xE2\x82", FFFD FFFD, true); /* cut short */
    check_cleans_to("\xE2\x82x", FFFD FFFD "x", true);
}
END_TEST

START_TEST(a_character_cut_by_the_length_is_not_read_past_it)
{
    check_clean("\xE2\x82\xAC", 2, 255, FFFD FFFD, true);
    check_clean("ab", 1, 255, "a", false);
}
END_TEST

START_TEST(text_that_fits_exactly_is_not_cut)
{
    check_clean("abcdef", 6, 7, "abcdef", false);
}
END_TEST

START_TEST(text_that_does_not_fit_ends_in_an_ellipsis)
{
    check_clean("abcdefg", 7, 7, "abc" ELLIPSIS, true);
    check_clean("abcdefg", 7, 4, ELLIPSIS, true);
}
END_TEST

START_TEST(text_is_never_cut_inside_a_character)
{
    check_clean("a\xE2\x82\xAC\xE2\x82\xAC", 7, 7, "a" ELLIPSIS, true);
    check_clean("\xF0\x90\x80\x80\xF0\x90\x80\x80", 8, 8, "\xF0\x90\x80\x80" ELLIPSIS, true);
    check_clean("\xF0\x90\x80\x80\xF0\x90\x80\x80", 8, 7, ELLIPSIS, true);
}
END_TEST

START_TEST(a_place_too_small_for_an_ellipsis_gets_nothing_of_a_longer_text)
{
    check_clean("abc", 3, 1, "", true);
    check_clean("abc", 3, 3, "", true);
    check_clean("ab", 2, 3, "ab", false);
    check_clean("", 0, 1, "", false);
}
END_TEST

START_TEST(cleaning_twice_changes_nothing_more)
{
    char once[64], twice[64];
    unsigned char src[40];
    bool changed;

    for (unsigned seed = 1; seed < 2000; seed++) {
        unsigned x = seed * 2654435761u;

        for (size_t i = 0; i < sizeof src; i++) {
            x = x * 1103515245u + 12345u;
            src[i] = (unsigned char)(x >> 16);
        }
        text_clean(once, sizeof once, (const char *)src, sizeof src, NULL);
        text_clean(twice, sizeof twice, once, strlen(once), &changed);
        ck_assert_str_eq(twice, once);
        ck_assert_int_eq(changed, false);
    }
}
END_TEST

START_TEST(a_copy_tells_whether_it_fitted)
{
    char out[4];

    ck_assert(text_copy(out, sizeof out, "abc"));
    ck_assert_str_eq(out, "abc");
    ck_assert(!text_copy(out, sizeof out, "abcd"));
    ck_assert_str_eq(out, "abc");
    ck_assert(text_copy(out, 1, ""));
    ck_assert(!text_copy(out, 1, "x"));
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(comparison_ignores_the_case_of_ascii_alone)
{
    ck_assert_int_eq(text_casecmp("Hyper-V", "hYPER-v"), 0);
    ck_assert_int_lt(text_casecmp("abc", "abd"), 0);
    ck_assert_int_gt(text_casecmp("abcd", "ABC"), 0);
    ck_assert_int_lt(text_casecmp("", "a"), 0);
    ck_assert_int_ne(text_casecmp("\xC3\x84", "\xC3\xA4"), 0);
    ck_assert_int_ne(text_casecmp("[", "{"), 0);
    ck_assert_int_eq(text_ncasecmp("abcX", "ABCy", 3), 0);
    ck_assert_int_ne(text_ncasecmp("abcX", "ABCy", 4), 0);
    ck_assert_int_eq(text_ncasecmp("a", "b", 0), 0);
}
END_TEST

START_TEST(an_ending_is_found_at_the_end_only)
{
    ck_assert(text_ends_with_nocase("MEMORY.DMP", ".dmp"));
    ck_assert(text_ends_with_nocase(".dmp", ".DMP"));
    ck_assert(text_ends_with_nocase("x", ""));
    ck_assert(!text_ends_with_nocase("dmp", ".dmp"));
    ck_assert(!text_ends_with_nocase("a.dmp.part", ".dmp"));
}
END_TEST

START_TEST(whole_numbers_are_read_to_their_ends)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        { "0", 0 },
        { "7", 7 },
        { "007", 7 },
        { "18446744073709551615", UINT64_MAX },
        { "0x0", 0 },
        { "0XfF", 255 },
        { "0xffffffffffffffff", UINT64_MAX },
        { "0x00000000000000001", 1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t out = 99;

        ck_assert_msg(text_u64(rows[i].text, &out), "%s was refused", rows[i].text);
        ck_assert_uint_eq(out, rows[i].value);
    }
}
END_TEST

START_TEST(what_is_no_whole_number_is_refused_and_changes_nothing)
{
    static const char *const rows[] = { "",
                                        " ",
                                        "-1",
                                        "+1",
                                        "1 ",
                                        " 1",
                                        "1.0",
                                        "0x",
                                        "x1",
                                        "0xg",
                                        "a",
                                        "18446744073709551616",
                                        "0x10000000000000000",
                                        "99999999999999999999999" };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t out = 99;

        ck_assert_msg(!text_u64(rows[i], &out), "%s was taken", rows[i]);
        ck_assert_uint_eq(out, 99);
    }
}
END_TEST

static void check_utf16(const char *bytes, size_t len, const char *want, size_t want_len)
{
    size_t n = 999;
    char *out = text_from_utf16le((const unsigned char *)bytes, len, &n);

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(n, want_len);
    ck_assert_mem_eq(out, want, want_len + 1);
    free(out);
}

START_TEST(utf16_becomes_utf8)
{
    check_utf16("", 0, "", 0);
    check_utf16("a\0b\0", 4, "ab", 2);
    check_utf16("\xFF\x07\x00\x08\xAC\x20", 6, "\xDF\xBF\xE0\xA0\x80\xE2\x82\xAC", 8);
    check_utf16("\x00\xD8\x00\xDC\xFF\xDB\xFF\xDF", 8, "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8);
    check_utf16("a\0\0\0b\0", 6, "a\0b", 3);
}
END_TEST

START_TEST(lone_surrogates_become_replacement_characters)
{
    check_utf16("\x00\xD8", 2, FFFD, 3);
    check_utf16("\x00\xDC", 2, FFFD, 3);
    check_utf16("\x00\xD8x\0", 4, FFFD "x", 4);
    check_utf16("\x00\xD8\x00\xD8\x00\xDC", 6, FFFD "\xF0\x90\x80\x80", 7);
}
END_TEST

START_TEST(an_odd_last_byte_is_left_out)
{
    check_utf16("a\0b", 3, "a", 1);
    check_utf16("a", 1, "", 0);
}
END_TEST

START_TEST(a_high_surrogate_before_a_character_beyond_them_is_lone)
{
    char *text = text_from_utf16le((const unsigned char *)"\x00\xd8\x00\xe0\x00\xd8\xff\xdb", 8, NULL);

    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "\xEF\xBF\xBD\xEE\x80\x80\xEF\xBF\xBD\xEF\xBF\xBD");
    free(text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_high_surrogate_before_a_character_beyond_them_is_lone);
    suite_test(s, good_text_stays_as_it_is);
    suite_test(s, the_plain_beginning_ends_before_the_first_other_byte);
    suite_test(s, tab_and_line_ends_become_blanks);
    suite_test(s, control_characters_are_replaced);
    suite_test(s, bidirectional_overrides_are_replaced_and_their_neighbours_are_not);
    suite_test(s, each_wrong_byte_is_replaced_by_itself);
    suite_test(s, a_character_cut_by_the_length_is_not_read_past_it);
    suite_test(s, text_that_fits_exactly_is_not_cut);
    suite_test(s, text_that_does_not_fit_ends_in_an_ellipsis);
    suite_test(s, text_is_never_cut_inside_a_character);
    suite_test(s, a_place_too_small_for_an_ellipsis_gets_nothing_of_a_longer_text);
    suite_test(s, cleaning_twice_changes_nothing_more);
    suite_test(s, a_copy_tells_whether_it_fitted);
    suite_test(s, comparison_ignores_the_case_of_ascii_alone);
    suite_test(s, an_ending_is_found_at_the_end_only);
    suite_test(s, whole_numbers_are_read_to_their_ends);
    suite_test(s, what_is_no_whole_number_is_refused_and_changes_nothing);
    suite_test(s, utf16_becomes_utf8);
    suite_test(s, lone_surrogates_become_replacement_characters);
    suite_test(s, an_odd_last_byte_is_left_out);
}

int main(void)
{
    return suite_main("base: text", add);
}
