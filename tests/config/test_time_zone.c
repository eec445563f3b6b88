/* time_zone.h over files made by hand: both versions, each count at its limit, rules in each of their parts, and the
 * arithmetic of days far from today. */
#include "base/times.h"
#include "config/schedule.h"
#include "config/time_zone.h"
#include "config/time_zone_rule.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, FILE_MAX = 2 * TIME_ZONE_BYTES_MAX };

struct counts {
    unsigned flags_utc, flags_std, leaps, times, types, chars;
};

static unsigned char file[FILE_MAX];
static size_t used;

static void be32(unsigned v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        file[used++] = (unsigned char)(v >> shift);
}

static void be64(int64_t v)
{
    be32((unsigned)((uint64_t)v >> 32));
    be32((unsigned)v);
}

static void header(char version, const struct counts *c)
{
    memcpy(file + used, "TZif", 4);
    memset(file + used + 4, 0, 16);
    file[used + 4] = (unsigned char)version;
    used += 20;
    be32(c->flags_utc);
    be32(c->flags_std);
    be32(c->leaps);
    be32(c->times);
    be32(c->types);
    be32(c->chars);
}

static void type(int offset)
{
    be32((unsigned)offset);
    be32(0);
    used -= 2;
}

/* Bytes of a block without transitions and types, all zero. */
static void rest(const struct counts *c, size_t width)
{
    size_t len = c->chars + c->leaps * (width + 4) + c->flags_std + c->flags_utc;

    memset(file + used, 0, len);
    used += len;
}

static int read_file_made(struct time_zone **z, struct err *e)
{
    *z = NULL;
    return time_zone_read(z, "made", file, used, e);
}

/* A file of version 2 with these types' offsets and transitions to type 0, 1, 0 ..., and a rule. */
static int made(struct time_zone **z, const int *offsets, unsigned types, const int64_t *times, unsigned count,
                const char *rule, struct err *e)
{
    const struct counts none = { .types = 1, .chars = 4 }, c = { .times = count, .types = types, .chars = 4 };

    used = 0;
    header('2', &none);
    type(0);
    rest(&none, 4);
    header('2', &c);
    for (unsigned i = 0; i < count; i++)
        be64(times[i]);
    for (unsigned i = 0; i < count; i++)
        file[used++] = (unsigned char)(i % types);
    for (unsigned i = 0; i < types; i++)
        type(offsets[i]);
    rest(&c, 8);
    file[used++] = '\n';
    memcpy(file + used, rule, strlen(rule));
    used += strlen(rule);
    file[used++] = '\n';
    return read_file_made(z, e);
}

/* ---- files ---------------------------------------------------------------- */

START_TEST(a_file_of_version_1_is_read_by_its_only_block)
{
    const struct counts c = { .times = 2, .types = 2, .chars = 4 };
    struct time_zone *z;

    used = 0;
    header('\0', &c);
    be32((unsigned)-1000);
    be32(1000);
    file[used++] = 1;
    file[used++] = 0;
    type(3600);
    type(7200);
    rest(&c, 4);
    ck_assert_int_eq(read_file_made(&z, NULL), 0);
    ck_assert_int_eq(time_zone_offset(z, -1001), 3600); /* before the first transition: the first type */
    ck_assert_int_eq(time_zone_offset(z, -1000), 7200);
    ck_assert_int_eq(time_zone_offset(z, 999), 7200);
    ck_assert_int_eq(time_zone_offset(z, 1000), 3600);
    ck_assert_int_eq(time_zone_offset(z, INT64_C(1) << 40), 3600); /* no rule: as it was last */
    time_zone_free(z);
}
END_TEST

START_TEST(an_empty_rule_leaves_it_as_it_was_last)
{
    static const int offsets[] = { 3600, 7200 };
    static const int64_t times[] = { 0, 100 };
    struct time_zone *z;

    ck_assert_int_eq(made(&z, offsets, 2, times, 2, "", NULL), 0);
    ck_assert_int_eq(time_zone_offset(z, 1000000), 7200);
    time_zone_free(z);
    ck_assert_int_eq(made(&z, offsets, 1, NULL, 0, "", NULL), 0);
    ck_assert_int_eq(time_zone_offset(z, 0), 3600); /* no transitions either: the first type */
    time_zone_free(z);
}
END_TEST

START_TEST(counts_are_taken_up_to_their_limits)
{
    static const struct {
        struct counts c;
        bool taken;
    } cases[] = {
        { { .types = TIME_ZONE_TYPES_MAX }, true },
        { { .types = TIME_ZONE_TYPES_MAX + 1 }, false },
        { { .types = 0 }, false },
        { { .types = 1, .chars = 2048 }, true },
        { { .types = 1, .chars = 2049 }, false },
        { { .types = 1, .times = TIME_ZONE_TRANSITIONS_MAX }, true },
        { { .types = 1, .times = TIME_ZONE_TRANSITIONS_MAX + 1 }, false },
        { { .types = 1, .leaps = 2049 }, false },
        { { .types = 2, .flags_utc = 2, .flags_std = 2 }, true },
        { { .types = 2, .flags_utc = 3 }, false },
        { { .types = 2, .flags_std = 3 }, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct counts *c = &cases[i].c;
        struct time_zone *z;
        struct err e = { 0 };

        used = 0;
        header('\0', c);
        for (unsigned n = 0; n < c->times; n++)
            be32(n);
        memset(file + used, 0, c->times);
        used += c->times;
        for (unsigned n = 0; n < c->types; n++)
            type(0);
        rest(c, 4);
        ck_assert_msg((read_file_made(&z, &e) == 0) == cases[i].taken, "case %zu: %s", i, e.text);
        ck_assert_msg(cases[i].taken || strstr(e.text, "; install tzdata anew") != NULL, "%s", e.text);
        time_zone_free(z);
    }
}
END_TEST

START_TEST(leap_seconds_are_refused_with_what_to_write)
{
    const struct counts c = { .types = 1, .leaps = 1 };
    struct time_zone *z;
    struct err e;

    used = 0;
    header('\0', &c);
    type(0);
    rest(&c, 4);
    ck_assert_int_eq(read_file_made(&z, &e), ERR_UNSUPPORTED);
    ck_assert_str_eq(e.text, "time zone made counts leap seconds; write its name without \"right/\"");
}
END_TEST

START_TEST(transitions_rise_and_offsets_are_below_26_hours)
{
    static const int day[] = { 26 * 3600, -26 * 3600 }, east[] = { 26 * 3600 + 1 }, west[] = { -26 * 3600 - 1 };
    static const int64_t rising[] = { -5, 5 }, equal[] = { 5, 5 }, falling[] = { 5, -5 };
    struct time_zone *z;

    ck_assert_int_eq(made(&z, day, 2, rising, 2, "UTC0", NULL), 0);
    time_zone_free(z);
    ck_assert_int_eq(made(&z, day, 2, equal, 2, "UTC0", NULL), ERR_INVALID);
    ck_assert_int_eq(made(&z, day, 2, falling, 2, "UTC0", NULL), ERR_INVALID);
    ck_assert_int_eq(made(&z, east, 1, rising, 1, "UTC0", NULL), ERR_INVALID);
    ck_assert_int_eq(made(&z, west, 1, rising, 1, "UTC0", NULL), ERR_INVALID);
}
END_TEST

START_TEST(what_is_no_zone_file_is_refused)
{
    static const int offsets[] = { 0 };
    struct time_zone *z;
    struct err e;

    ck_assert_int_eq(made(&z, offsets, 1, NULL, 0, "UTC0", NULL), 0);
    time_zone_free(z);
    file[0] = 'X';
    ck_assert_int_eq(read_file_made(&z, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "time zone made: its file is damaged (no zone file); install tzdata anew");
    file[0] = 'T';
    file[used - 6] = 'x'; /* the line feed before the rule */
    ck_assert_int_eq(read_file_made(&z, &e), ERR_INVALID);
    ck_assert_str_eq(e.text, "time zone made: its file is damaged (rule); install tzdata anew");
}
END_TEST

static int load(const char *folder, const char *name, struct err *e)
{
    struct time_zone *z = NULL;
    int rc;

    ck_assert_int_eq(setenv("TZDIR", folder, 1), 0);
    rc = time_zone_load(&z, name, e);
    ck_assert_int_eq(setenv("TZDIR", "", 1), 0);
    time_zone_free(z);
    return rc;
}

START_TEST(zones_are_looked_for_where_tzdir_says)
{
    static const int offsets[] = { 3600 };
    const char *folder = temp_dir();
    static char far[5000];
    struct time_zone *z;
    struct err e;

    ck_assert_int_eq(made(&z, offsets, 1, NULL, 0, "", NULL), 0);
    time_zone_free(z);
    write_file(folder, "Here", file, used);
    ck_assert_int_eq(load(folder, "Here", &e), 0);
    ck_assert_int_eq(load(folder, "There", &e), ERR_NOT_FOUND);
    write_file(folder, "Large", file, TIME_ZONE_BYTES_MAX);
    ck_assert_int_eq(load(folder, "Large", &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "time zone Large: its file is too large (at most 65535 bytes); install tzdata again");
    write_file(folder, "Damaged", file, used - 1);
    ck_assert_int_eq(load(folder, "Damaged", &e), ERR_INVALID);
    ck_assert_int_eq(load(write_file(folder, "a-file", "", 0), "Here", &e), ERR_NOT_FOUND); /* not even a folder */
    ck_assert_int_eq(load("", "Here", &e), ERR_NOT_FOUND);
    ck_assert_int_eq(unsetenv("TZDIR"), 0);
    ck_assert_int_eq(time_zone_load(&z, "Here", &e), ERR_NOT_FOUND); /* not where the system has its own */
    memset(far, 'f', sizeof far - 1);
    ck_assert_int_ne(load(far, "Here", &e), 0);
    ck_assert_ptr_nonnull(strstr(e.text, "time zone"));
}
END_TEST

START_TEST(names_have_an_end_and_no_empty_part)
{
    char name[TIME_ZONE_NAME_MAX + 1];
    struct err e;

    memset(name, 'a', sizeof name);
    name[TIME_ZONE_NAME_MAX] = '\0';
    ck_assert_int_eq(load(temp_dir(), name, &e), ERR_NOT_FOUND);
    ck_assert_uint_lt(strlen(strstr(e.text, " is not")), 200); /* the name itself is cut in the message */
    name[TIME_ZONE_NAME_MAX - 1] = '\0';
    ck_assert_int_eq(load(temp_dir(), name, &e), ERR_NOT_FOUND);
    ck_assert_int_eq(load(temp_dir(), "Europe/", &e), ERR_NOT_FOUND);
}
END_TEST

/* ---- rules ---------------------------------------------------------------- */

static bool parses(const char *text)
{
    struct zone_rule rule;

    return zone_rule_parse(&rule, text, strlen(text));
}

START_TEST(each_part_of_a_rule_has_its_limits)
{
    static const struct {
        const char *good, *bad;
    } pairs[] = {
        { "CET-1", "" },
        { "AbC-1", "A{C-1" },
        { "zZa-1", "@Ba-1" },
        { "CET-167", "CET-168" },
        { "CET+1", "CET+" },
        { "CET-1:59", "CET-1:60" },
        { "CET-1:30:59", "CET-1:30:60" },
        { "CET-1:30:15", "CET-1:30:" },
        { "CET-01", "CET-00001" },
        { "<+03>-3", "<+03-3" },
        { "<abc>-3", "<ab>-3" },
        { "aaaaaaaaaabbbbbbbbbbccccccccccdd-3", "aaaaaaaaaabbbbbbbbbbccccccccccddd-3" },
        { "CET-1CEST,M3.5.0,M10.5.0", "CET-1CE,M3.5.0,M10.5.0" },
        { "CET-1CEST-2,M3.5.0,M10.5.0", "CET-1CEST-,M3.5.0,M10.5.0" },
        { "CET-1CEST,M12.1.6,M1.5.0", "CET-1CEST,M0.1.6,M1.5.0" },
        { "CET-1CEST,M3.1.0,M10.5.0", "CET-1CEST,M3-1.0,M10.5.0" },
        { "CET-1CEST,M3.1.0,M10.4.0", "CET-1CEST,M3.6.0,M10.5.0" },
        { "CET-1CEST,M3.1.6,M10.4.0", "CET-1CEST,M3.1-6,M10.5.0" },
        { "CET-1CEST,M3.1.6,M9.4.0", "CET-1CEST,M.1.6,M10.5.0" },
        { "CET-1CEST,J365,J1", "CET-1CEST,J366,J1" },
        { "CET-1CEST,365,0", "CET-1CEST,366,0" },
        { "CET-1CEST,J60,J300", "CET-1CEST,J,J300" },
        { "CET-1CEST,J60/2:30:10,J300", "CET-1CEST,J60/,J300" },
        { "CET-1CEST,J60,J300/-167", "CET-1CEST,J60,J300/-168" },
        { "CET-1CEST,J60,J300/3", "CET-1CEST,J60;J300/3" },
        { "CET-1CEST,J60,J300", "CET-1CEST,J60,J300,J1" },
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        ck_assert_msg(parses(pairs[i].good), "refused: %s", pairs[i].good);
        ck_assert_msg(!parses(pairs[i].bad), "taken: %s", pairs[i].bad);
    }
}
END_TEST

START_TEST(a_rule_ends_where_its_text_does)
{
    struct zone_rule rule;
    char longer[200];

    ck_assert(!zone_rule_parse(&rule, "CET-1\0CEST", 10));
    ck_assert(!zone_rule_parse(&rule, "CET-1CEST,J60,J300\0", 19));
    ck_assert(zone_rule_parse(&rule, "CET-1CEST", 5));
    memset(longer, ' ', sizeof longer);
    ck_assert(!zone_rule_parse(&rule, longer, 127));
    ck_assert(!zone_rule_parse(&rule, longer, 128));
}
END_TEST

static int64_t offset(const char *text, const char *when)
{
    struct zone_rule rule;
    int64_t ns = 0;

    ck_assert_msg(zone_rule_parse(&rule, text, strlen(text)), "%s", text);
    ck_assert_msg(times_parse(when, &ns), "%s", when);
    return zone_rule_offset(&rule, ns / NS_PER_S);
}

START_TEST(summer_begins_and_ends_at_its_second)
{
    static const struct {
        const char *rule, *when;
        int64_t offset;
    } cases[] = {
        { "AAA0BBB,J60/0,J300/0", "2023-02-28T23:59:59Z", 0 },
        { "AAA0BBB,J60/0,J300/0", "2023-03-01T00:00:00Z", 3600 },
        { "AAA0BBB,J60/0,J300/0", "2023-10-26T22:59:59Z", 3600 },
        { "AAA0BBB,J60/0,J300/0", "2023-10-26T23:00:00Z", 0 },
        { "AAA0BBB,J60/0,J300/0", "2100-03-01T00:00:00Z", 3600 }, /* no leap year: 1 March is its 60th day too */
        { "AAA0BBB,J60/0,J300/0", "2100-02-28T23:59:59Z", 0 },
        { "AAA0BBB,J59/0,J300/0", "2024-02-28T00:00:00Z", 3600 }, /* before the leap day nothing moves */
        { "AAA0BBB,J60/0,J300/0", "2000-03-01T00:00:00Z", 3600 }, /* a leap year by 400 */
        { "AAA0BBB,J60/0,J300/0", "2000-02-29T23:59:59Z", 0 },
        { "AAA0BBB,M12.5.0/0,M12.5.6/0", "2023-12-31T00:00:00Z", 3600 }, /* of December the last Sunday */
        { "AAA0BBB,M12.5.0/0,M2.1.0/0", "2024-01-01T00:00:00Z", 3600 },  /* over the new year */
        { "AAA0BBB,M12.5.0/0,M2.1.0/0", "2024-02-03T22:59:59Z", 3600 },
        { "AAA0BBB,M12.5.0/0,M2.1.0/0", "2024-02-03T23:00:00Z", 0 },
        { "AAA0BBB,M12.5.0/0,M2.1.0/0", "2023-12-30T23:59:59Z", 0 },
        { "AAA0BBB,M12.5.0/0,M2.1.0/0", "2023-12-31T00:00:00Z", 3600 },
        { "AAA0BBB,J1/0,J365/0", "1971-01-01T00:00:00Z", 3600 }, /* the first day of a year */
        { "AAA0BBB,J1/0,J365/0", "1972-12-31T23:00:00Z", 0 },    /* and the last of a leap year */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(offset(cases[i].rule, cases[i].when) == cases[i].offset, "%s at %s", cases[i].rule,
                      cases[i].when);
}
END_TEST

START_TEST(a_rule_holds_before_1970_too)
{
    struct zone_rule rule;

    ck_assert(zone_rule_parse(&rule, "AAA0BBB,J60/0,J300/0", 20));
    ck_assert_int_eq(zone_rule_offset(&rule, -1), 0);                                    /* 1969-12-31 */
    ck_assert_int_eq(zone_rule_offset(&rule, time_zone_days(1969, 7, 1) * 86400), 3600); /* summer */
    ck_assert_int_eq(zone_rule_offset(&rule, time_zone_days(1600, 7, 1) * 86400), 3600); /* a leap year */
    ck_assert_int_eq(zone_rule_offset(&rule, time_zone_days(1900, 3, 1) * 86400), 3600); /* none */
    ck_assert_int_eq(zone_rule_offset(&rule, time_zone_days(1900, 3, 1) * 86400 - 1), 0);
    for (int64_t year = 1500; year < 2500; year++) {
        int64_t first = time_zone_days(year, 1, 1) * 86400;

        ck_assert_msg(zone_rule_offset(&rule, first) == 0 && zone_rule_offset(&rule, first - 1) == 0, "%lld",
                      (long long)year);
    }
}
END_TEST

START_TEST(days_are_counted_over_all_years)
{
    ck_assert_int_eq(time_zone_days(1970, 1, 1), 0);
    ck_assert_int_eq(time_zone_days(2000, 3, 1), 11017);
    ck_assert_int_eq(time_zone_days(0, 3, 1), -719468);
    ck_assert_int_eq(time_zone_days(-400, 3, 1), -719468 - 146097);
    ck_assert_int_eq(time_zone_days(-1, 12, 31), time_zone_days(0, 1, 1) - 1);
    ck_assert_int_eq(time_zone_days(-400, 2, 29), time_zone_days(-400, 3, 1) - 1);
}
END_TEST

/* ---- schedules ------------------------------------------------------------ */

START_TEST(clocks_of_a_schedule_are_of_four_digits)
{
    static const char *const bad[] = { "daily 0730",  "daily 07-30", "daily 07:3",  "daily 07:300", "daily x7:30",
                                       "daily 07:x0", "daily 24:00", "daily 23:60", "daily 7 :30",  "daily 07:3x" };
    struct schedule s;

    ck_assert(schedule_parse("daily 23:59", &s));
    ck_assert_int_eq(s.minute, 23 * 60 + 59);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!schedule_parse(bad[i], &s), "taken: %s", bad[i]);
}
END_TEST

START_TEST(a_schedule_holds_before_1970_too)
{
    struct time_zone *z = NULL;
    struct schedule s;
    const int64_t now = -INT64_C(86400) * NS_PER_S * 10 + 1;

    ck_assert_int_eq(time_zone_load(&z, "UTC", NULL), 0);
    ck_assert(schedule_parse("daily 00:00", &s));
    ck_assert_int_eq(schedule_latest(&s, z, now), now - 1);
    ck_assert_int_eq(schedule_next(&s, z, now), now - 1 + 86400 * NS_PER_S);
    time_zone_free(z);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_of_version_1_is_read_by_its_only_block);
    suite_test(s, an_empty_rule_leaves_it_as_it_was_last);
    suite_test(s, counts_are_taken_up_to_their_limits);
    suite_test(s, leap_seconds_are_refused_with_what_to_write);
    suite_test(s, transitions_rise_and_offsets_are_below_26_hours);
    suite_test(s, what_is_no_zone_file_is_refused);
    suite_test(s, zones_are_looked_for_where_tzdir_says);
    suite_test(s, names_have_an_end_and_no_empty_part);
    suite_test(s, each_part_of_a_rule_has_its_limits);
    suite_test(s, a_rule_ends_where_its_text_does);
    suite_test(s, summer_begins_and_ends_at_its_second);
    suite_test(s, a_rule_holds_before_1970_too);
    suite_test(s, days_are_counted_over_all_years);
    suite_test(s, clocks_of_a_schedule_are_of_four_digits);
    suite_test(s, a_schedule_holds_before_1970_too);
}

int main(void)
{
    return suite_main("config: time zones", add);
}
