/* Intervals against published tables, and counting. */
#include "incidents/statistics.h"
#include "tests/incidents/support_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define near(got, want, tolerance) \
    ck_assert_msg(fabs((got) - (want)) <= (tolerance), "%.6g and not %.6g", (double)(got), (double)(want))

/* Exact 95 % limits of a Poisson mean: Garwood 1936, as tabled in Ulm, "A simple method to calculate the confidence
 * interval of a standardized mortality ratio", American Journal of Epidemiology 131 (1990), and elsewhere. */
static const struct {
    unsigned count;
    double low, high;
} garwood[] = {
    { 0, 0, 3.689 },         { 1, 0.0253, 5.572 },      { 2, 0.2422, 7.225 },   { 3, 0.6187, 8.767 },
    { 4, 1.0899, 10.242 },   { 5, 1.6235, 11.668 },     { 10, 4.7954, 18.390 }, { 20, 12.2165, 30.888 },
    { 50, 37.1110, 65.919 }, { 100, 81.3639, 121.627 },
};

START_TEST(the_interval_of_a_count_is_the_published_one)
{
    double low, high;

    poisson_interval(garwood[_i].count, &low, &high);
    near(low, garwood[_i].low, 0.001);
    near(high, garwood[_i].high, 0.001);
}
END_TEST

START_TEST(large_counts_have_intervals_that_go_on_smoothly)
{
    double low, high, next_low, next_high;

    poisson_interval(1000000, &low, &high);
    poisson_interval(1000001, &next_low, &next_high);
    near(next_low - low, 1, 0.05);
    near(next_high - high, 1, 0.05);
    near(high, 1000000 + 1.96 * 1000, 3);
}
END_TEST

START_TEST(a_rate_is_per_thousand_guest_days)
{
    struct crash_rate r;

    crash_rate(10, 5000, &r);
    ck_assert(r.known);
    near(r.per_1000, 2, 1e-9);
    near(r.low, 4.7954 / 5, 0.001);
    near(r.high, 18.390 / 5, 0.001);
    crash_rate(10, 0, &r);
    ck_assert(!r.known);
    ck_assert_uint_eq(r.crashes, 10);
}
END_TEST

/* Clopper and Pearson's exact limits of 5 in 20 are 0.0866 and 0.4910; of 10 in 20, 0.2720 and 0.7280. */
START_TEST(the_interval_of_a_ratio_is_the_exact_one)
{
    struct crash_ratio r;

    crash_ratio(5, 10000, 15, 10000, &r);
    ck_assert(r.known);
    near(r.ratio, 1.0 / 3, 1e-9);
    near(r.low, 0.0866 / (1 - 0.0866), 0.0005);
    near(r.high, 0.4910 / (1 - 0.4910), 0.001);
    crash_ratio(10, 5000, 10, 10000, &r);
    near(r.ratio, 2, 1e-9);
    near(r.low, 2 * 0.2720 / 0.7280, 0.001);
    near(r.high, 2 * 0.7280 / 0.2720, 0.005);
}
END_TEST

START_TEST(a_ratio_against_none_has_no_upper_limit)
{
    struct crash_ratio r;

    crash_ratio(12, 5000, 0, 5000, &r);
    ck_assert(r.known);
    ck_assert(isinf(r.ratio) && isinf(r.high));
    ck_assert(r.low > 1);
    crash_ratio(0, 5000, 12, 5000, &r);
    near(r.low, 0, 0);
    ck_assert(r.high < 1);
}
END_TEST

START_TEST(too_little_data_gives_no_ratio)
{
    struct crash_ratio r;

    crash_ratio(4, 5000, 5, 5000, &r);
    ck_assert(!r.known);
    ck_assert_str_ne(r.why, "");
    crash_ratio(40, 900, 50, 50000, &r);
    ck_assert(!r.known);
    crash_ratio(40, NAN, 50, 50000, &r);
    ck_assert(!r.known);
}
END_TEST

static void sentence(uint64_t a, double days_a, uint64_t b, double days_b, char out[STATISTICS_SENTENCE_MAX])
{
    struct crash_rate x, y;

    crash_rate(a, days_a, &x);
    crash_rate(b, days_b, &y);
    crash_ratio_sentence("behind", &x, "current", &y, out, STATISTICS_SENTENCE_MAX);
    ck_assert_ptr_null(strstr(out, "because"));
    ck_assert_ptr_null(strstr(out, "cause"));
}

START_TEST(the_sentence_compares_and_never_names_a_cause)
{
    char s[STATISTICS_SENTENCE_MAX];

    sentence(40, 10000, 10, 10000, s);
    ck_assert_ptr_nonnull(strstr(s, "crashed 4.0 times as often"));
    ck_assert_ptr_nonnull(strstr(s, "95 % interval 2.0 to 9.0"));
    ck_assert_ptr_nonnull(strstr(s, "go together, not why"));
    sentence(11, 10000, 10, 10000, s);
    ck_assert_ptr_nonnull(strstr(s, "neither clearly more nor clearly less"));
    sentence(2, 10000, 1, 10000, s);
    ck_assert_ptr_nonnull(strstr(s, "Not enough data"));
    sentence(20, 10000, 0, 10000, s);
    ck_assert_ptr_nonnull(strstr(s, "at least"));
    sentence(10, 10000, 40, 10000, s);
    ck_assert_ptr_nonnull(strstr(s, "0.2 times as often"));
}
END_TEST

static void count_one(struct statistics *s, const char *facts)
{
    struct incident_surroundings around;
    struct incident *i = incident_with(facts, &around);

    ck_assert_int_eq(statistics_crash(s, i, NULL), 0);
    incident_free(i);
}

START_TEST(crashes_are_counted_by_label_with_their_own_days)
{
    struct statistics *s = statistics_new(BY_DRIFT_STATE);
    const struct statistics_group *g;
    size_t count;

    for (int n = 0; n < 3; n++)
        count_one(s, "code=0x7a drift=behind");
    count_one(s, "code=0x7a drift=current");
    count_one(s, "code=0x7a");
    ck_assert_int_eq(statistics_days(s, "behind", 1000, NULL), 0);
    ck_assert_int_eq(statistics_days(s, "current", 4000, NULL), 0);
    ck_assert_int_eq(statistics_days(s, NULL, 5000, NULL), 0);
    ck_assert_int_eq(statistics_days(s, NULL, NAN, NULL), ERR_INVALID);
    g = statistics_groups(s, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(g[0].label, "behind");
    near(g[0].rate.per_1000, 3, 1e-9);
    ck_assert(g[0].own_days);
    ck_assert_str_eq(g[1].label, "(not known)");
    ck_assert(!g[1].own_days);
    near(g[1].rate.per_1000, 0.2, 1e-9);
    ck_assert_str_eq(g[2].label, "current");
    near(statistics_total(s)->per_1000, 1, 1e-9);
    statistics_free(s);
}
END_TEST

START_TEST(labels_say_what_crashes_have_in_common)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0xd1 module=storvsc.sys os=6.1.7601", &around);
    char label[STATISTICS_LABEL_MAX];

    i->dumps[0].components = "vmbus.sys 6.3.9600.16384, storvsc.sys 6.3.9600.17000, netvsc.sys";
    i->dumps[0].bucket = "hvf-1234";
    statistics_label(i, BY_MODULE, label);
    ck_assert_str_eq(label, "storvsc.sys");
    statistics_label(i, BY_DRIVER_VERSION, label);
    ck_assert_str_eq(label, "storvsc.sys 6.3.9600.17000");
    statistics_label(i, BY_ORIGIN, label);
    ck_assert_str_eq(label, "microsoft");
    statistics_label(i, BY_GUEST_OS, label);
    ck_assert_str_eq(label, "6.1.7601");
    statistics_label(i, BY_BUCKET, label);
    ck_assert_str_eq(label, "hvf-1234");
    statistics_label(i, BY_BUGCHECK, label);
    ck_assert_str_eq(label, "0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    i->dumps[0].module = "netvsc.sys";
    statistics_label(i, BY_DRIVER_VERSION, label);
    ck_assert_str_eq(label, "netvsc.sys (version not known)");
    incident_free(i);
}
END_TEST

START_TEST(what_is_not_known_has_a_label_of_its_own)
{
    static const enum statistics_grouping all[] = { BY_DRIFT_STATE, BY_GUEST_OS, BY_MODULE, BY_BUCKET,
                                                    BY_DRIVER_VERSION };
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0xd1", &around);
    char label[STATISTICS_LABEL_MAX];

    for (size_t n = 0; n < sizeof all / sizeof all[0]; n++) {
        statistics_label(i, all[n], label);
        ck_assert_str_eq(label, "(not known)");
    }
    incident_free(i);
}
END_TEST

START_TEST(of_a_bucket_windbgs_name_is_taken_before_ours_and_of_a_system_its_name)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0xd1 module=storvsc.sys os=6.1.7601", &around);
    char label[STATISTICS_LABEL_MAX];

    i->dump_count = 3;
    i->dumps[1].bucket = "ours";
    i->dumps[1].failure_id = "AV_acme!unknown_function";
    i->dumps[2].bucket = "another";
    statistics_label(i, BY_BUCKET, label);
    ck_assert_str_eq(label, "AV_acme!unknown_function");
    i->guest_os = "Windows Server 2008 R2";
    statistics_label(i, BY_GUEST_OS, label);
    ck_assert_str_eq(label, "Windows Server 2008 R2");
    i->dumps[0].components = "storvsc.sysx 1.2.3.4, storvsc.sys";
    i->dumps[1].components = "STORVSC.SYS 6.3.9600.1";
    statistics_label(i, BY_DRIVER_VERSION, label);
    ck_assert_str_eq(label, "storvsc.sys 6.3.9600.1");
    incident_free(i);
}
END_TEST

START_TEST(every_grouping_has_its_word)
{
    static const char *const words[STATISTICS_GROUPING_COUNT] = {
        [BY_DRIFT_STATE] = "drift-state", [BY_GUEST_OS] = "guest-os", [BY_MODULE] = "module",
        [BY_BUCKET] = "bucket",           [BY_ORIGIN] = "origin",     [BY_DRIVER_VERSION] = "driver-version",
        [BY_BUGCHECK] = "bugcheck",
    };

    for (size_t n = 0; n < STATISTICS_GROUPING_COUNT; n++)
        ck_assert_str_eq(statistics_grouping_name((enum statistics_grouping)n), words[n]);
}
END_TEST

START_TEST(counting_nothing_gives_no_groups_and_no_rate)
{
    struct statistics *s = statistics_new(BY_MODULE);
    struct crash_rate rate;
    size_t count = 5;

    ck_assert_ptr_nonnull(statistics_groups(s, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert(!statistics_total(s)->known);
    ck_assert_int_eq(statistics_days(s, NULL, -1, NULL), ERR_INVALID);
    ck_assert_int_eq(statistics_days(s, NULL, INFINITY, NULL), ERR_INVALID);
    statistics_free(s);
    statistics_free(NULL);
    crash_rate(5, INFINITY, &rate);
    ck_assert(!rate.known);
    crash_rate(5, -1, &rate);
    ck_assert(!rate.known && rate.guest_days == 0);
}
END_TEST

START_TEST(a_ratio_needs_days_on_both_sides)
{
    struct crash_ratio r;

    crash_ratio(50, STATISTICS_MIN_GUEST_DAYS, 50, STATISTICS_MIN_GUEST_DAYS - 1, &r);
    ck_assert_str_eq(r.why, "too few guests were watched, or for too short a time");
    crash_ratio(50, STATISTICS_MIN_GUEST_DAYS - 1, 50, STATISTICS_MIN_GUEST_DAYS, &r);
    ck_assert_str_eq(r.why, "too few guests were watched, or for too short a time");
    crash_ratio(50, NAN, 50, STATISTICS_MIN_GUEST_DAYS, &r);
    ck_assert(!r.known);
    crash_ratio(50, STATISTICS_MIN_GUEST_DAYS, 50, STATISTICS_MIN_GUEST_DAYS, &r);
    ck_assert(r.known);
    near(r.ratio, 1, 1e-9);
}
END_TEST

START_TEST(more_labels_than_fit_are_counted_as_others)
{
    struct statistics *s = statistics_new(BY_MODULE);
    const struct statistics_group *g;
    char facts[64];
    size_t count;

    for (int n = 0; n < STATISTICS_GROUPS_MAX + 10; n++) {
        snprintf(facts, sizeof facts, "module=m%d.sys", n);
        count_one(s, facts);
    }
    g = statistics_groups(s, &count);
    ck_assert_uint_eq(count, STATISTICS_GROUPS_MAX);
    ck_assert_str_eq(g[0].label, "(others)");
    ck_assert_uint_eq(g[0].rate.crashes, 11);
    ck_assert_uint_eq(statistics_total(s)->crashes, STATISTICS_GROUPS_MAX + 10);
    statistics_free(s);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        large_counts_have_intervals_that_go_on_smoothly,
        a_rate_is_per_thousand_guest_days,
        the_interval_of_a_ratio_is_the_exact_one,
        a_ratio_against_none_has_no_upper_limit,
        too_little_data_gives_no_ratio,
        the_sentence_compares_and_never_names_a_cause,
        crashes_are_counted_by_label_with_their_own_days,
        labels_say_what_crashes_have_in_common,
        what_is_not_known_has_a_label_of_its_own,
        of_a_bucket_windbgs_name_is_taken_before_ours_and_of_a_system_its_name,
        every_grouping_has_its_word,
        counting_nothing_gives_no_groups_and_no_rate,
        a_ratio_needs_days_on_both_sides,
        more_labels_than_fit_are_counted_as_others,
    };
    TCase *c = suite_case(s, "statistics");

    tcase_add_loop_test(c, the_interval_of_a_count_is_the_published_one, 0, sizeof garwood / sizeof garwood[0]);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: statistics", add);
}
