/* The error type: codes, texts, prefixes and the cut at ERR_TEXT_MAX. */
#include "base/error.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <string.h>

START_TEST(setting_an_error_returns_its_code_and_keeps_the_text)
{
    struct err e = { 0 };

    ck_assert_int_eq(err_set(&e, ERR_NOT_FOUND, "no %s of %d", "part", 7), ERR_NOT_FOUND);
    ck_assert_int_eq(e.code, ERR_NOT_FOUND);
    ck_assert_str_eq(e.text, "no part of 7");
}
END_TEST

START_TEST(without_a_struct_the_code_alone_comes_back)
{
    ck_assert_int_eq(err_set(NULL, ERR_IO, "%s", "x"), ERR_IO);
    ck_assert_int_eq(err_errno(NULL, ENOENT, "%s", "x"), ERR_NOT_FOUND);
    err_prefix(NULL, "%s", "x");
}
END_TEST

START_TEST(a_long_text_is_cut_and_ended)
{
    char text[ERR_TEXT_MAX * 2];
    struct err e = { 0 };

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&e, ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    err_prefix(&e, "front");
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    ck_assert_int_eq(strncmp(e.text, "front: aaa", 10), 0);
    err_prefix(&e, "%s", text);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    err_errno(&e, ENOENT, "%s", text);
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
}
END_TEST

START_TEST(a_prefix_goes_before_what_is_there)
{
    struct err e = { 0 };

    err_set(&e, ERR_IO, "cannot read");
    err_prefix(&e, "%s:%d", "a.yaml", 3);
    ck_assert_str_eq(e.text, "a.yaml:3: cannot read");
    ck_assert_int_eq(e.code, ERR_IO);
}
END_TEST

START_TEST(an_errno_chooses_the_code)
{
    static const struct {
        int errnum;
        enum err_code code;
    } rows[] = {
        { ENOENT, ERR_NOT_FOUND }, { EACCES, ERR_PERMISSION }, { EPERM, ERR_PERMISSION }, { EROFS, ERR_PERMISSION },
        { ENOSPC, ERR_NO_SPACE },  { EFBIG, ERR_TOO_BIG },     { ENOMEM, ERR_MEMORY },    { EAGAIN, ERR_BUSY },
        { EBUSY, ERR_BUSY },       { EINVAL, ERR_INVALID },    { EIO, ERR_IO },           { 0, ERR_IO },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = { 0 };

        ck_assert_int_eq(err_errno(&e, rows[i].errnum, "open %s", "f"), (int)rows[i].code);
        ck_assert_int_eq(e.code, (int)rows[i].code);
        ck_assert_int_eq(strncmp(e.text, "open f: ", 8), 0);
    }
}
END_TEST

START_TEST(every_code_has_a_word_of_its_own)
{
    for (int a = 0; a < ERR_CODE_COUNT; a++) {
        const char *name = err_name((enum err_code)a);

        ck_assert_ptr_nonnull(name);
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(name, err_name((enum err_code)b));
    }
    ck_assert_str_eq(err_name(ERR_CODE_COUNT), "unknown");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, setting_an_error_returns_its_code_and_keeps_the_text);
    suite_test(s, without_a_struct_the_code_alone_comes_back);
    suite_test(s, a_long_text_is_cut_and_ended);
    suite_test(s, a_prefix_goes_before_what_is_there);
    suite_test(s, an_errno_chooses_the_code);
    suite_test(s, every_code_has_a_word_of_its_own);
}

int main(void)
{
    return suite_main("base: error", add);
}
