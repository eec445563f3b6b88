/* The growing buffer: what it holds, where it ends, and that an error sticks. */
#include "base/buf.h"
#include "tests/support/suite.h"

#include <string.h>

START_TEST(a_new_buffer_is_empty_text)
{
    struct buf b;

    buf_init(&b, 10);
    ck_assert_str_eq(buf_text(&b), "");
    ck_assert_uint_eq(b.len, 0);
    ck_assert_int_eq(buf_error(&b), ERR_OK);
    buf_free(&b);
}
END_TEST

START_TEST(appending_nothing_gives_memory_and_no_length)
{
    struct buf b;

    buf_init(&b, 1);
    buf_add(&b, NULL, 0);
    ck_assert_ptr_nonnull(b.data);
    ck_assert_str_eq(buf_text(&b), "");
    buf_free(&b);
}
END_TEST

START_TEST(appends_follow_one_another)
{
    struct buf b;

    buf_init(&b, 100);
    buf_add(&b, "ab\0c", 4);
    buf_str(&b, "de");
    buf_char(&b, 'f');
    buf_printf(&b, "-%d-%s", 42, "x");
    ck_assert_uint_eq(b.len, 12);
    ck_assert_mem_eq(b.data, "ab\0cdef-42-x", 13);
    buf_free(&b);
}
END_TEST

START_TEST(a_buffer_can_be_filled_to_its_ceiling_exactly)
{
    struct buf b;

    buf_init(&b, 5);
    buf_str(&b, "abc");
    buf_printf(&b, "%s", "de");
    ck_assert_int_eq(buf_error(&b), ERR_OK);
    ck_assert_str_eq(buf_text(&b), "abcde");
    buf_free(&b);
}
END_TEST

START_TEST(one_byte_over_the_ceiling_is_too_big_and_adds_nothing)
{
    struct buf b;

    buf_init(&b, 5);
    buf_str(&b, "abc");
    buf_str(&b, "def");
    ck_assert_int_eq(buf_error(&b), ERR_TOO_BIG);
    ck_assert_str_eq(buf_text(&b), "abc");
    buf_free(&b);
}
END_TEST

START_TEST(a_print_over_the_ceiling_leaves_what_was_there)
{
    for (int len = 0; len <= 12; len++) {
        struct buf b;

        buf_init(&b, 10); /* more than that is allocated: a print must look at the ceiling, not at the room */
        buf_str(&b, "abc");
        buf_printf(&b, "%.*s", len, "0123456789ab");
        ck_assert_int_eq(buf_error(&b), len <= 7 ? ERR_OK : ERR_TOO_BIG);
        ck_assert_uint_eq(b.len, len <= 7 ? 3 + (size_t)len : 3);
        ck_assert_uint_eq(strlen(buf_text(&b)), b.len);
        ck_assert_mem_eq(buf_text(&b), "abc0123456", b.len);
        buf_free(&b);
    }
}
END_TEST

START_TEST(a_print_larger_than_the_room_that_is_left_is_whole)
{
    for (int before = 240; before <= 260; before++) {
        struct buf b;

        buf_init(&b, 100000);
        for (int i = 0; i < before; i++)
            buf_char(&b, 'x');
        buf_printf(&b, "%s-%d", "abcdefgh", 42);
        ck_assert_uint_eq(b.len, (size_t)before + 11);
        ck_assert_str_eq(buf_text(&b) + before, "abcdefgh-42");
        buf_free(&b);
    }
}
END_TEST

START_TEST(an_error_sticks_although_less_would_fit)
{
    struct buf b;

    buf_init(&b, 5);
    buf_str(&b, "too long");
    buf_str(&b, "x");
    buf_char(&b, 'y');
    buf_printf(&b, "z");
    ck_assert_ptr_null(buf_room(&b, 1));
    ck_assert_int_eq(buf_error(&b), ERR_TOO_BIG);
    ck_assert_uint_eq(b.len, 0);
    buf_free(&b);
}
END_TEST

START_TEST(clearing_forgets_the_error_and_keeps_the_memory)
{
    struct buf b;
    char *before;

    buf_init(&b, 4);
    buf_str(&b, "abc");
    before = b.data;
    buf_str(&b, "defgh");
    buf_clear(&b);
    ck_assert_int_eq(buf_error(&b), ERR_OK);
    ck_assert_str_eq(buf_text(&b), "");
    buf_str(&b, "wxyz");
    ck_assert_ptr_eq(b.data, before);
    ck_assert_str_eq(buf_text(&b), "wxyz");
    buf_free(&b);
}
END_TEST

START_TEST(clearing_a_buffer_without_memory_is_fine)
{
    struct buf b;

    buf_init(&b, 4);
    buf_clear(&b);
    ck_assert_str_eq(buf_text(&b), "");
    buf_free(&b);
}
END_TEST

START_TEST(the_bytes_survive_growth)
{
    struct buf b;

    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, (char)('a' + i % 26));
    ck_assert_int_eq(buf_error(&b), ERR_OK);
    ck_assert_uint_eq(b.len, 100000);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(b.data[i], 'a' + i % 26);
    ck_assert_int_eq(b.data[100000], '\0');
    buf_free(&b);
}
END_TEST

START_TEST(a_huge_length_is_refused_without_overflow)
{
    struct buf b;

    buf_init(&b, 100);
    buf_str(&b, "abc");
    ck_assert_ptr_null(buf_room(&b, SIZE_MAX));
    ck_assert_int_eq(buf_error(&b), ERR_TOO_BIG);
    buf_clear(&b);
    ck_assert_ptr_null(buf_room(&b, SIZE_MAX - 2));
    ck_assert_str_eq(buf_text(&b), "");
    buf_free(&b);
}
END_TEST

START_TEST(room_counts_only_what_was_used)
{
    struct buf b;
    char *room;

    buf_init(&b, 10);
    buf_str(&b, "ab");
    room = buf_room(&b, 8);
    ck_assert_ptr_nonnull(room);
    memcpy(room, "cdefghij", 8);
    buf_used(&b, 3);
    ck_assert_str_eq(buf_text(&b), "abcde");
    buf_str(&b, "XYZ");
    ck_assert_str_eq(buf_text(&b), "abcdeXYZ");
    buf_free(&b);
}
END_TEST

START_TEST(room_of_all_that_is_left_is_given_and_one_more_is_not)
{
    struct buf b;

    buf_init(&b, 300);
    buf_str(&b, "ab");
    ck_assert_ptr_nonnull(buf_room(&b, 298));
    ck_assert_ptr_null(buf_room(&b, 299));
    buf_free(&b);
}
END_TEST

START_TEST(dropping_the_front_moves_the_rest)
{
    struct buf b;

    buf_init(&b, 10);
    buf_drop_front(&b, 0);
    buf_str(&b, "abcdef");
    buf_drop_front(&b, 2);
    ck_assert_str_eq(buf_text(&b), "cdef");
    buf_drop_front(&b, 4);
    ck_assert_str_eq(buf_text(&b), "");
    buf_str(&b, "0123456789");
    ck_assert_str_eq(buf_text(&b), "0123456789");
    buf_free(&b);
}
END_TEST

START_TEST(a_freed_buffer_can_be_used_again_with_the_same_ceiling)
{
    struct buf b;

    buf_init(&b, 3);
    buf_str(&b, "abc");
    buf_free(&b);
    ck_assert_str_eq(buf_text(&b), "");
    buf_str(&b, "abcd");
    ck_assert_int_eq(buf_error(&b), ERR_TOO_BIG);
    buf_free(&b);
}
END_TEST

START_TEST(two_buffers_exchange_all_they_have)
{
    struct buf a, b;

    buf_init(&a, 4);
    buf_init(&b, 100);
    buf_str(&a, "too much");
    buf_str(&b, "text");
    buf_swap(&a, &b);
    ck_assert_str_eq(buf_text(&a), "text");
    ck_assert_int_eq(buf_error(&a), ERR_OK);
    ck_assert_int_eq(buf_error(&b), ERR_TOO_BIG);
    buf_free(&a);
    buf_free(&b);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, two_buffers_exchange_all_they_have);
    suite_test(s, a_new_buffer_is_empty_text);
    suite_test(s, appending_nothing_gives_memory_and_no_length);
    suite_test(s, appends_follow_one_another);
    suite_test(s, a_buffer_can_be_filled_to_its_ceiling_exactly);
    suite_test(s, one_byte_over_the_ceiling_is_too_big_and_adds_nothing);
    suite_test(s, a_print_over_the_ceiling_leaves_what_was_there);
    suite_test(s, a_print_larger_than_the_room_that_is_left_is_whole);
    suite_test(s, an_error_sticks_although_less_would_fit);
    suite_test(s, clearing_forgets_the_error_and_keeps_the_memory);
    suite_test(s, clearing_a_buffer_without_memory_is_fine);
    suite_test(s, the_bytes_survive_growth);
    suite_test(s, a_huge_length_is_refused_without_overflow);
    suite_test(s, room_counts_only_what_was_used);
    suite_test(s, room_of_all_that_is_left_is_given_and_one_more_is_not);
    suite_test(s, dropping_the_front_moves_the_rest);
    suite_test(s, a_freed_buffer_can_be_used_again_with_the_same_ceiling);
}

int main(void)
{
    return suite_main("base: buf", add);
}
