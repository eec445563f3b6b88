/* Versions are integers with dots between them. */
#include "model/version.h"
#include "tests/support/suite.h"

START_TEST(one_to_four_parts_are_taken_and_the_rest_is_zero)
{
    struct version v;

    ck_assert_int_eq(version_parse("6.3.9600.18692", &v), 4);
    ck_assert_uint_eq(v.part[0], 6);
    ck_assert_uint_eq(v.part[3], 18692);
    ck_assert_int_eq(version_parse("3.1", &v), 2);
    ck_assert_uint_eq(v.part[1], 1);
    ck_assert_uint_eq(v.part[2], 0);
    ck_assert_int_eq(version_parse("4294967295", &v), 1);
    ck_assert_uint_eq(v.part[0], 4294967295u);
}
END_TEST

START_TEST(anything_but_digits_and_dots_is_no_version)
{
    static const char *const wrong[] = {
        "",         ".",           "6.",       ".6",    "6..3",  "1.2.3.4.5",
        " 6.3",     "6.3 ",        "6.3a",     "-6.3",  "+6",    "4294967296",
        "1.2.3.4.", "master-2019", "6,3,9600", "0x6.3", "6.3\n", "1.2.3.99999999999999999999999"
    };
    struct version v;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        v.part[0] = 7;
        ck_assert_msg(version_parse(wrong[i], &v) == 0, "taken as a version: '%s'", wrong[i]);
        ck_assert(version_is_zero(&v));
    }
}
END_TEST

START_TEST(versions_compare_as_integers_and_not_as_text)
{
    static const char *const ascending[] = { "6.0.6001.17101", "6.2.9200.16384", "6.3.9600.9999", "6.3.9600.18692",
                                             "6.3.9600.18693", "6.3.10000.0",    "10.0.14393.0",  "10.0.20348.3932" };
    enum { COUNT = sizeof ascending / sizeof *ascending };
    struct version v[COUNT];

    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(version_parse(ascending[i], &v[i]), 4);
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            int got = version_compare(&v[i], &v[j]);

            ck_assert_msg((got > 0) - (got < 0) == (i > j) - (i < j), "%s against %s gives %d", ascending[i],
                          ascending[j], got);
        }
    }
}
END_TEST

START_TEST(a_version_is_written_as_four_parts)
{
    char text[VERSION_TEXT_MAX];
    struct version v = { { 4294967295u, 4294967295u, 4294967295u, 4294967295u } };

    ck_assert_str_eq(version_format(&v, text), "4294967295.4294967295.4294967295.4294967295");
    ck_assert_int_eq(version_parse("6.3", &v), 2);
    ck_assert_str_eq(version_format(&v, text), "6.3.0.0");
    ck_assert_int_eq(version_parse("0.0.0.0", &v), 4);
    ck_assert_str_eq(version_format(&v, text), "");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, one_to_four_parts_are_taken_and_the_rest_is_zero);
    suite_test(s, anything_but_digits_and_dots_is_no_version);
    suite_test(s, versions_compare_as_integers_and_not_as_text);
    suite_test(s, a_version_is_written_as_four_parts);
}

int main(void)
{
    return suite_main("model: version", add);
}
