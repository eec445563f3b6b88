/* schedule.h and time_zone.h over the system's tz database: summer time's gaps and repeats, weekdays, bad files. */
#include "base/times.h"
#include "config/schedule.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct time_zone *zone_of(const char *name)
{
    struct time_zone *z = NULL;
    struct err e = { 0 };

    ck_assert_msg(time_zone_load(&z, name, &e) == 0, "%s: %s", name, e.text);
    return z;
}

static bool has_zones(void)
{
    struct time_zone *z = NULL;
    bool there = time_zone_load(&z, "Europe/Berlin", NULL) == 0;

    time_zone_free(z);
    return there;
}

static int64_t at(const char *text)
{
    int64_t ns = 0;

    ck_assert_msg(times_parse(text, &ns), "%s is no time", text);
    return ns;
}

/* zone, schedule, now, what was due last, what is due next. */
static const struct {
    const char *zone, *when, *now, *latest, *next;
} rows[] = {
    { "UTC", "daily 07:30", "2026-01-31T07:29:59Z", "2026-01-30T07:30:00Z", "2026-01-31T07:30:00Z" },
    { "UTC", "daily 07:30", "2026-01-31T07:30:00Z", "2026-01-31T07:30:00Z", "2026-02-01T07:30:00Z" },
    { "UTC", "daily 00:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z" },
    /* 2026-01-31 is a Saturday. */
    { "UTC", "weekly mon 07:30", "2026-01-31T08:00:00Z", "2026-01-26T07:30:00Z", "2026-02-02T07:30:00Z" },
    { "UTC", "weekly sat 07:30", "2026-01-31T08:00:00Z", "2026-01-31T07:30:00Z", "2026-02-07T07:30:00Z" },
    { "UTC", "weekdays 07:30", "2026-01-31T08:00:00Z", "2026-01-30T07:30:00Z", "2026-02-02T07:30:00Z" },
    /* Berlin: +1, from 2026-03-29 01:00Z +2, from 2026-10-25 01:00Z +1 again. */
    { "Europe/Berlin", "daily 07:30", "2026-03-28T12:00:00Z", "2026-03-28T06:30:00Z", "2026-03-29T05:30:00Z" },
    { "Europe/Berlin", "daily 02:30", "2026-03-29T00:59:59Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z" },
    { "Europe/Berlin", "daily 02:30", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z" },
    { "Europe/Berlin", "daily 02:30", "2026-10-25T00:29:59Z", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z" },
    { "Europe/Berlin", "daily 02:30", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z" },
    { "Europe/Berlin", "daily 03:00", "2026-03-29T00:59:59Z", "2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z" },
    /* A local day that is over in the east while UTC's is not, and the other way round. */
    { "Pacific/Auckland", "weekly sun 06:00", "2026-01-31T18:00:00Z", "2026-01-31T17:00:00Z", "2026-02-07T17:00:00Z" },
    { "America/Los_Angeles", "daily 20:00", "2026-01-31T03:00:00Z", "2026-01-30T04:00:00Z", "2026-01-31T04:00:00Z" },
    /* Half an hour of summer time (Lord Howe: +10:30, +11 until 2026-04-04 15:00Z). */
    { "Australia/Lord_Howe", "daily 01:45", "2026-04-04T20:00:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z" },
    { "Australia/Lord_Howe", "daily 02:15", "2026-10-03T20:00:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z" },
    /* Samoa left out 2011-12-30: what was due on it is due when the clocks moved. */
    { "Pacific/Apia", "daily 07:30", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T17:30:00Z" },
    /* After the last transition in the file the rule at its end holds. */
    { "Europe/Berlin", "daily 07:30", "2060-07-01T12:00:00Z", "2060-07-01T05:30:00Z", "2060-07-02T05:30:00Z" },
    { "Europe/Berlin", "daily 07:30", "2060-12-01T12:00:00Z", "2060-12-01T06:30:00Z", "2060-12-02T06:30:00Z" },
    { "America/Sao_Paulo", "daily 12:00", "2050-01-01T00:00:00Z", "2049-12-31T15:00:00Z", "2050-01-01T15:00:00Z" },
};

START_TEST(what_is_due_follows_the_clocks_of_the_place)
{
    struct schedule s;
    struct time_zone *z;
    char got[TIMES_TEXT_MAX];

    if (!has_zones())
        skip("no tz database here");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        z = zone_of(rows[i].zone);
        ck_assert_msg(schedule_parse(rows[i].when, &s), "%s", rows[i].when);
        times_format(schedule_latest(&s, z, at(rows[i].now)), got);
        ck_assert_msg(strcmp(got, rows[i].latest) == 0, "row %zu, latest: %s, not %s", i, got, rows[i].latest);
        times_format(schedule_next(&s, z, at(rows[i].now)), got);
        ck_assert_msg(strcmp(got, rows[i].next) == 0, "row %zu, next: %s, not %s", i, got, rows[i].next);
        time_zone_free(z);
    }
}
END_TEST

START_TEST(over_a_year_every_day_is_due_once)
{
    static const char *const zones[] = { "Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
                                         "Africa/Casablanca", "Asia/Kathmandu",   "America/St_Johns" };
    struct schedule s;
    int64_t now = at("2026-01-01T00:00:00Z"), end = at("2027-01-01T00:00:00Z"), next;

    if (!has_zones())
        skip("no tz database here");
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        struct time_zone *z = zone_of(zones[i]);
        int due = 0;

        ck_assert(schedule_parse("daily 02:15", &s));
        for (int64_t t = now; (next = schedule_next(&s, z, t)) < end; t = next, due++) {
            ck_assert_int_gt(next, t);
            ck_assert_int_eq(schedule_latest(&s, z, next), next);
        }
        ck_assert_int_eq(due, 365);
        time_zone_free(z);
    }
}
END_TEST

START_TEST(what_is_no_schedule_is_refused)
{
    static const char *const wrong[] = { "daily",        "daily 7:30",   "daily 24:00",      "daily 07:60",
                                         "daily  07:30", "weekly 07:30", "weekly foo 07:30", "07:30",
                                         "daily 07:30 ", "hourly",       "weekly mon07:30",  "daily 07:3a" };
    struct schedule s;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!schedule_parse(wrong[i], &s), "%s was taken", wrong[i]);
    ck_assert(schedule_parse("", &s));
    ck_assert_uint_eq(s.weekdays, 0);
}
END_TEST

START_TEST(never_is_never)
{
    struct time_zone *z = zone_of("UTC");
    struct schedule s;

    ck_assert(schedule_parse("", &s));
    ck_assert_int_eq(schedule_latest(&s, z, at("2026-01-31T08:00:00Z")), 0);
    ck_assert_int_eq(schedule_next(&s, z, at("2026-01-31T08:00:00Z")), 0);
    time_zone_free(z);
}
END_TEST

START_TEST(a_zone_that_is_not_there_says_what_to_write)
{
    static const char *const wrong[] = { "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "",
                                         "Europe/Berlin\n", "Europe//Berlin" };
    struct time_zone *z = NULL;
    struct err e;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(time_zone_load(&z, wrong[i], &e) == ERR_NOT_FOUND, "%s: %s", wrong[i], e.text);
        ck_assert_msg(strstr(e.text, "Europe/Berlin or UTC") != NULL, "%s", e.text);
    }
}
END_TEST

START_TEST(a_folder_is_no_zone)
{
    struct time_zone *z = NULL;
    struct err e = { 0 };

    ck_assert_int_ne(time_zone_load(&z, "Europe", &e), 0);
    ck_assert_msg(strstr(e.text, "Europe") != NULL, "%s", e.text);
}
END_TEST

/* A made file: no transitions in the 32-bit block, one in the 64-bit block, and a rule. */
static size_t made_zone(unsigned char *out, const char *rule, unsigned char type)
{
    static const unsigned char head[] = { 'T', 'Z', 'i', 'f', '2', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                          0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4 };
    static const unsigned char kind[] = { 0, 0, 0x0e, 0x10, 0, 0, 'C', 'E', 'T', 0 }; /* +3600 */
    static const unsigned char when[] = { 0, 0, 0, 0, 0x60, 0, 0, 0 };
    unsigned char *p = out;

    memcpy(p, head, sizeof head);
    memcpy(p + sizeof head, kind, sizeof kind);
    p += sizeof head + sizeof kind;
    memcpy(p, head, sizeof head);
    p[35] = 1;
    p += sizeof head;
    memcpy(p, when, sizeof when);
    p += sizeof when;
    *p++ = type;
    memcpy(p, kind, sizeof kind);
    p += sizeof kind;
    return (size_t)(p - out) + (size_t)snprintf((char *)p, 128, "\n%s\n", rule);
}

START_TEST(damaged_files_are_refused_wherever_they_end)
{
    unsigned char bytes[512];
    struct time_zone *z = NULL;
    size_t len = made_zone(bytes, "CET-1CEST,M3.5.0,M10.5.0/3", 0);

    ck_assert_int_eq(time_zone_read(&z, "made", bytes, len, NULL), 0);
    ck_assert_int_eq(time_zone_offset(z, at("2060-07-01T12:00:00Z") / NS_PER_S), 7200);
    time_zone_free(z);
    for (size_t cut = 0; cut < len; cut++) {
        struct err e;

        ck_assert_msg(time_zone_read(&z, "made", bytes, cut, &e) == ERR_INVALID, "taken when cut at %zu", cut);
    }
    len = made_zone(bytes, "CET-1", 1);
    ck_assert_int_eq(time_zone_read(&z, "made", bytes, len, NULL), ERR_INVALID);
}
END_TEST

START_TEST(rules_are_read_in_all_their_forms)
{
    static const struct {
        const char *rule, *when;
        int64_t offset;
    } forms[] = {
        { "UTC0", "2060-07-01T12:00:00Z", 0 },
        { "<+0530>-5:30", "2060-07-01T12:00:00Z", 19800 },
        { "EST5EDT,M3.2.0,M11.1.0", "2060-07-01T12:00:00Z", -14400 },
        { "EST5EDT,M3.2.0,M11.1.0", "2060-12-01T12:00:00Z", -18000 },
        { "NZST-12NZDT,M9.5.0,M4.1.0/3", "2060-01-01T12:00:00Z", 46800 }, /* summer over the new year */
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2060-12-01T12:00:00Z", 0 },      /* "summer" that is behind */
        { "AAA3BBB2,J60,J300/-1", "2060-03-01T06:00:00Z", -7200 },        /* J60 is 1 March in a leap year too */
        { "AAA3BBB2,J60,J300/-1", "2060-02-29T23:00:00Z", -10800 },
        { "AAA3BBB2,59,299/167", "2060-02-29T06:00:00Z", -7200 }, /* day 59 is 29 February then */
    };
    unsigned char bytes[512];
    struct time_zone *z;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = made_zone(bytes, forms[i].rule, 0);

        ck_assert_msg(time_zone_read(&z, "made", bytes, len, NULL) == 0, "%s", forms[i].rule);
        ck_assert_msg(time_zone_offset(z, at(forms[i].when) / NS_PER_S) == forms[i].offset, "%s at %s: %lld, not %lld",
                      forms[i].rule, forms[i].when, (long long)time_zone_offset(z, at(forms[i].when) / NS_PER_S),
                      (long long)forms[i].offset);
        time_zone_free(z);
    }
}
END_TEST

START_TEST(what_is_no_rule_is_refused)
{
    static const char *const wrong[] = { "CET",
                                         "CE-1",
                                         "CET-168",
                                         "CET-1CEST",
                                         "CET-1CEST,M13.1.0,M10.5.0",
                                         "CET-1CEST,M3.5.7,M10.5.0",
                                         "CET-1CEST,M3.5.0",
                                         "CET-1CEST,J0,J5",
                                         "<CET-1",
                                         "CET-1CEST,M3.5.0,M10.5.0/3x",
                                         "CET-1:60",
                                         "CET-1CEST,M3.0.0,M10.5.0" };
    unsigned char bytes[512];
    struct time_zone *z;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t len = made_zone(bytes, wrong[i], 0);

        ck_assert_msg(time_zone_read(&z, "made", bytes, len, NULL) == ERR_INVALID, "%s was taken", wrong[i]);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_is_due_follows_the_clocks_of_the_place);
    suite_test(s, over_a_year_every_day_is_due_once);
    suite_test(s, what_is_no_schedule_is_refused);
    suite_test(s, never_is_never);
    suite_test(s, a_zone_that_is_not_there_says_what_to_write);
    suite_test(s, a_folder_is_no_zone);
    suite_test(s, damaged_files_are_refused_wherever_they_end);
    suite_test(s, rules_are_read_in_all_their_forms);
    suite_test(s, what_is_no_rule_is_refused);
}

int main(void)
{
    return suite_main("config: schedule", add);
}
