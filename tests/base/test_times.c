/* Points in time: every accepted shape, the refusals, and the ends of the range. */
#include "base/times.h"
#include "tests/support/suite.h"

#define T_20241209 INT64_C(1733743883) /* 2024-12-09T11:31:23Z */

static void check_parse(const char *text, int64_t want)
{
    int64_t out = 77;

    ck_assert_msg(times_parse(text, &out), "%s was refused", text);
    ck_assert_msg(out == want, "%s gave %lld and not %lld", text, (long long)out, (long long)want);
}

START_TEST(rfc_3339_is_read)
{
    check_parse("1970-01-01T00:00:00Z", 0);
    check_parse("1970-01-01T00:00:01Z", NS_PER_S);
    check_parse("1969-12-31T23:59:59Z", -NS_PER_S);
    check_parse("2024-12-09T11:31:23Z", T_20241209 * NS_PER_S);
    check_parse("2024-12-09t11:31:23z", T_20241209 * NS_PER_S);
    check_parse("2024-12-09 11:31:23Z", T_20241209 * NS_PER_S);
    check_parse("2000-02-29T00:00:00Z", INT64_C(951782400) * NS_PER_S);
    check_parse("1900-03-01T00:00:00Z", INT64_C(-2203891200) * NS_PER_S);
}
END_TEST

START_TEST(fractions_of_any_length_are_read_to_the_ninth_digit)
{
    check_parse("2024-12-09T11:31:23.2356205Z", T_20241209 * NS_PER_S + 235620500);
    check_parse("2024-12-09T11:31:23.5Z", T_20241209 * NS_PER_S + 500000000);
    check_parse("2024-12-09T11:31:23.000000001Z", T_20241209 * NS_PER_S + 1);
    check_parse("2024-12-09T11:31:23.0000000019999999999999Z", T_20241209 * NS_PER_S + 1);
}
END_TEST

START_TEST(offsets_are_taken_away)
{
    check_parse("2024-12-09T13:31:23+02:00", T_20241209 * NS_PER_S);
    check_parse("2024-12-09T13:31:23+0200", T_20241209 * NS_PER_S);
    check_parse("2024-12-09T05:01:23-06:30", T_20241209 * NS_PER_S);
    check_parse("2024-12-09T11:31:23-00:00", T_20241209 * NS_PER_S);
}
END_TEST

START_TEST(the_compact_form_and_a_date_alone_are_read)
{
    check_parse("20241209T113123Z", T_20241209 * NS_PER_S);
    check_parse("20241209T113123.25Z", T_20241209 * NS_PER_S + NS_PER_S / 4);
    check_parse("2024-12-09", (T_20241209 / 86400) * 86400 * NS_PER_S);
    check_parse("20241209", (T_20241209 / 86400) * 86400 * NS_PER_S);
}
END_TEST

START_TEST(what_is_no_time_is_refused_and_changes_nothing)
{
    static const char *const rows[] = {
        "",
        "2024",
        "2024-12",
        "2024-12-",
        "2024-13-01",
        "2024-00-01",
        "2024-12-32",
        "2024-12-00",
        "2023-02-29",
        "1900-02-29",
        "2024-12-09T",
        "2024-12-09T11",
        "2024-12-09T11:31",
        "2024-12-09T11:31:23",
        "2024-12-09T11:31:60Z",
        "2024-12-09T24:00:00Z",
        "2024-12-09T11:60:23Z",
        "2024-12-09T11:31:23.Z",
        "2024-12-09T11:31:23Zx",
        "2024-12-09T11:31:23 Z",
        "2024-12-09T11:31:23+2",
        "2024-12-09T11:31:23+24:00",
        "2024-12-09T11:31:23+00:60",
        "2024-1209",
        "202412-09",
        "2024-12-09T1131:23Z",
        "-024-12-09",
        "+2024-12-09",
        " 2024-12-09",
        "2024-12-09 ",
        "1600-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "2024-12-09X11:31:23Z",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t out = 77;

        ck_assert_msg(!times_parse(rows[i], &out), "%s was taken", rows[i]);
        ck_assert_int_eq(out, 77);
    }
}
END_TEST

static void check_format(int64_t ns, const char *want)
{
    char out[TIMES_TEXT_MAX];

    ck_assert_ptr_eq(times_format(ns, out), out);
    ck_assert_str_eq(out, want);
}

START_TEST(times_are_written_with_the_digits_they_need)
{
    check_format(0, "");
    check_format(T_20241209 * NS_PER_S, "2024-12-09T11:31:23Z");
    check_format(T_20241209 * NS_PER_S + 5 * NS_PER_MS, "2024-12-09T11:31:23.005Z");
    check_format(T_20241209 * NS_PER_S + 5000, "2024-12-09T11:31:23.000005Z");
    check_format(T_20241209 * NS_PER_S + 5, "2024-12-09T11:31:23.000000005Z");
    check_format(-1, "1969-12-31T23:59:59.999999999Z");
    check_format(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
    check_format(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
}
END_TEST

START_TEST(what_was_written_is_read_back)
{
    static const int64_t rows[] = { 1, -1, NS_PER_S, T_20241209 * NS_PER_S + 123456789, INT64_MAX, INT64_MAX - 1 };
    char text[TIMES_TEXT_MAX];
    uint64_t x = 88172645463325252u;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_parse(times_format(rows[i], text), rows[i]);
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        check_parse(times_format((int64_t)(x >> 1), text), (int64_t)(x >> 1));
        check_parse(times_format(-(int64_t)(x >> 2), text), -(int64_t)(x >> 2));
    }
}
END_TEST

START_TEST(filetimes_are_counted_from_1601)
{
    ck_assert_int_eq(times_from_filetime(UINT64_C(116444736000000000)), 0);
    ck_assert_int_eq(times_from_filetime(UINT64_C(116444736000000001)), 100);
    ck_assert_int_eq(times_from_filetime(UINT64_C(116444735999999999)), -100);
    ck_assert_int_eq(times_from_filetime(UINT64_C(116444736000000000) + (uint64_t)T_20241209 * 10000000),
                     T_20241209 * NS_PER_S);
}
END_TEST

START_TEST(filetimes_out_of_range_are_not_known)
{
    const uint64_t epoch = UINT64_C(116444736000000000);

    ck_assert_int_eq(times_from_filetime(0), 0);
    ck_assert_int_eq(times_from_filetime(1), 0);
    ck_assert_int_eq(times_from_filetime(UINT64_MAX), 0);
    ck_assert_int_eq(times_from_filetime(epoch + INT64_MAX / 100), INT64_MAX / 100 * 100);
    ck_assert_int_eq(times_from_filetime(epoch + INT64_MAX / 100 + 1), 0);
    ck_assert_int_eq(times_from_filetime(epoch - INT64_MAX / 100), -(INT64_MAX / 100 * 100));
    ck_assert_int_eq(times_from_filetime(epoch - INT64_MAX / 100 - 1), 0);
}
END_TEST

START_TEST(lengths_are_written_in_two_units_at_most)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        { 0, "0 s" },
        { 42, "42 s" },
        { 59, "59 s" },
        { 60, "1 min" },
        { 185, "3 min" },
        { 3600, "1 h" },
        { 2 * 3600 + 5 * 60 + 59, "2 h 5 min" },
        { 86399, "23 h 59 min" },
        { 86400, "1 d" },
        { 4 * 86400 + 3 * 3600, "4 d 3 h" },
        { -42, "42 s" },
    };
    char out[TIMES_TEXT_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(times_format_length(rows[i].seconds * NS_PER_S, out), rows[i].text);
    ck_assert_str_eq(times_format_length(NS_PER_S - 1, out), "0 s");
    ck_assert_str_eq(times_format_length(INT64_MAX, out), "106751 d 23 h");
    ck_assert_str_eq(times_format_length(INT64_MIN, out), "106751 d 23 h");
}
END_TEST

START_TEST(the_last_nanosecond_that_can_be_told_is_read_and_the_next_is_not)
{
    int64_t ns = 7;

    ck_assert(times_parse("2262-04-11T23:47:16.854775807Z", &ns));
    ck_assert_int_eq(ns, INT64_MAX);
    ck_assert(!times_parse("2262-04-11T23:47:16.854775808Z", &ns));
    ck_assert(!times_parse("2262-04-11T23:47:17Z", &ns));
    ck_assert_int_eq(ns, INT64_MAX);
}
END_TEST

START_TEST(fractions_and_offsets_are_whole)
{
    static const char *const bad[] = { "2024-01-31T08:00:00.Z",     "2024-01-31T08:00:00.-1",
                                       "2024-01-31T08:00:00+1",     "2024-01-31T08:00:00+01:6",
                                       "2024-01-31T08:00:00+24:00", "2024-01-31T08:00:00+01:60",
                                       "2024-01-31T08:00:00+x1:00", "2024-01-31T08:00:00+01:x0" };
    int64_t ns = 7;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!times_parse(bad[i], &ns) && ns == 7, "taken: %s", bad[i]);
    ck_assert(times_parse("2024-01-31T08:00:00.5+23:59", &ns));
    ck_assert_int_eq(ns, INT64_C(1706688000) * NS_PER_S + NS_PER_S / 2 - INT64_C(86340) * NS_PER_S);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_last_nanosecond_that_can_be_told_is_read_and_the_next_is_not);
    suite_test(s, fractions_and_offsets_are_whole);
    suite_test(s, rfc_3339_is_read);
    suite_test(s, fractions_of_any_length_are_read_to_the_ninth_digit);
    suite_test(s, offsets_are_taken_away);
    suite_test(s, the_compact_form_and_a_date_alone_are_read);
    suite_test(s, what_is_no_time_is_refused_and_changes_nothing);
    suite_test(s, times_are_written_with_the_digits_they_need);
    suite_test(s, what_was_written_is_read_back);
    suite_test(s, filetimes_are_counted_from_1601);
    suite_test(s, filetimes_out_of_range_are_not_known);
    suite_test(s, lengths_are_written_in_two_units_at_most);
}

int main(void)
{
    return suite_main("base: times", add);
}
