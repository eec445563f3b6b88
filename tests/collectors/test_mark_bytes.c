/* Bytes in marks: marks outlive the program, so what is written today must be
 * read by every later version. */
#include "collectors/mark_bytes.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(bytes_are_base64_without_padding)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].bytes);
        const char *at = rows[i].text;
        char back[8] = "";
        struct buf b;

        buf_init(&b, 64);
        mark_put_bytes(&b, rows[i].bytes, len);
        ck_assert_str_eq(buf_text(&b), rows[i].text);
        ck_assert_uint_eq(mark_bytes_size(len), strlen(rows[i].text));
        ck_assert(mark_get_bytes(&at, back, len));
        ck_assert_str_eq(back, rows[i].bytes);
        ck_assert_str_eq(at, "");
        buf_free(&b);
    }
}
END_TEST

START_TEST(text_that_is_too_short_or_no_base64_is_refused)
{
    const char *const bad[] = { "", "Z", "Zm9", "Zm9*", "Zm 9v", "====" };
    char back[3];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *at = bad[i];

        ck_assert(!mark_get_bytes(&at, back, sizeof back));
        ck_assert_ptr_eq(at, bad[i]);
    }
}
END_TEST

START_TEST(the_hash_is_the_one_that_older_marks_hold)
{
    ck_assert_uint_eq(mark_hash(MARK_HASH_START, "", 0), UINT64_C(0xF08C63D5E8312D30));
    ck_assert_uint_eq(mark_hash(MARK_HASH_START, "a", 1), UINT64_C(0xD9F4139F7FCC7A3E));
    ck_assert_uint_eq(mark_hash(MARK_HASH_START, "Msvm_ComputerSystem", 19), UINT64_C(0x4D2A2BF1A03584B9));
}
END_TEST

START_TEST(texts_that_differ_in_length_or_in_one_bit_hash_apart)
{
    unsigned char text[40] = { 0 };
    uint64_t whole = mark_hash(MARK_HASH_START, text, sizeof text);

    for (size_t len = 0; len < sizeof text; len++)
        ck_assert_uint_ne(mark_hash(MARK_HASH_START, text, len), whole);
    for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
        text[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert_uint_ne(mark_hash(MARK_HASH_START, text, sizeof text), whole);
        text[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, bytes_are_base64_without_padding);
    suite_test(s, text_that_is_too_short_or_no_base64_is_refused);
    suite_test(s, the_hash_is_the_one_that_older_marks_hold);
    suite_test(s, texts_that_differ_in_length_or_in_one_bit_hash_apart);
}

int main(void)
{
    return suite_main("collectors: bytes in marks", add);
}
