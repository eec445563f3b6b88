/* What is kept of an observation, and when two say the same. */
#include "incidents/clue.h"
#include "tests/incidents/support_case.h"

#include <stdlib.h>
#include <string.h>

static struct telling t;

static void begin(void)
{
    telling_start(&t);
}

static void end(void)
{
    telling_free(&t);
}

/* The clue of the newest observation; freed by the caller. */
static struct clue *newest(void)
{
    const struct told *told = &t.told[t.count - 1];
    enum clue_kind kind;
    struct clue *c;

    ck_assert(clue_wanted(told->o, &kind));
    c = clue_new(kind, &told->who, told->o);
    ck_assert_ptr_nonnull(c);
    return c;
}

static struct observation *report(void)
{
    tell_crash(&t, 1, 0, VM_A, "0xd1", "1 2 3 4");
    return (struct observation *)t.told[t.count - 1].o;
}

static bool wanted(void)
{
    enum clue_kind kind;

    return clue_wanted(t.told[t.count - 1].o, &kind);
}

START_TEST(what_tells_of_no_crash_and_of_nothing_around_one_is_not_kept)
{
    struct observation *o;

    tell_life(&t, 1, 0, VM_A, "started");
    ck_assert(wanted());
    tell_life(&t, 1, 0, VM_A, "renamed");
    ck_assert(!wanted());
    tell_life(&t, 1, 0, NULL, "started"); /* of no guest */
    ck_assert(!wanted());
    tell_sign(&t, 1, 0, NULL, "triple-fault");
    ck_assert(!wanted());
    observe(&t, 1, OBS_GUEST_INVENTORY, 0, VM_A);
    ck_assert(!wanted());
    tell_storage(&t, 1, 0, "io-latency-summary", "a", 1);
    ck_assert(!wanted());
    tell_storage(&t, 1, 0, "io-slow", "a", 1);
    ck_assert(wanted());
    o = tell_dump(&t, 1, 0, NULL, "0xd1", "1 2 3 4", NULL);
    ck_assert(wanted());
    obs_str(o, ATTR_DUMP_STATUS, "foreign");
    ck_assert(!wanted());
    o = tell_dump(&t, 1, 0, NULL, "0xd1", "1 2 3 4", NULL);
    obs_str(o, ATTR_CRASH_KIND, "other");
    ck_assert(!wanted());
}
END_TEST

START_TEST(without_a_time_an_observation_is_nobodys)
{
    struct observation *o = report();

    o->time_ns = 0;
    ck_assert(wanted()); /* when it was seen stands for it */
    o->observed_ns = 0;
    ck_assert(!wanted());
    o->observed_ns = -5;
    ck_assert(!wanted());
    o->time_ns = INT64_MAX;
    ck_assert(!wanted());
}
END_TEST

START_TEST(a_hosts_boot_is_news_for_a_day)
{
    enum { DAY = 24 * 3600 };
    char text[TIMES_TEXT_MAX];
    struct observation *o;
    struct clue *c;

    o = observe(&t, 1, OBS_HOST_INVENTORY, 0, NULL);
    ck_assert(!wanted());
    obs_str(o, ATTR_BOOT_TIME, "yesterday");
    ck_assert(!wanted());
    obs_str(o, ATTR_BOOT_TIME, "1969-12-31T00:00:00Z");
    ck_assert(!wanted());
    obs_str(o, ATTR_BOOT_TIME, times_format(AT(-DAY - 1), text));
    ck_assert(!wanted());
    obs_str(o, ATTR_BOOT_TIME, times_format(AT(-DAY), text));
    ck_assert(wanted());
    obs_str(o, ATTR_BOOT_TIME, times_format(AT(-3), text));
    c = newest();
    ck_assert_int_eq(c->kind, CLUE_BOOT);
    ck_assert_int_eq(c->time, AT(-10)); /* hosts compute it: rounded down to ten seconds */
    free(c);
}
END_TEST

START_TEST(a_code_is_taken_with_all_its_parameters_or_with_none)
{
    struct observation *o = report();
    struct clue *c = newest();

    ck_assert(c->has_code && c->has_params);
    ck_assert_uint_eq(c->params[3], 4);
    free(c);
    obs_str(o, ATTR_CRASH_PARAM3, "three");
    c = newest();
    ck_assert(c->has_code && !c->has_params);
    ck_assert_uint_eq(c->params[0], 0);
    free(c);
    obs_str(o, ATTR_CRASH_CODE, "0x100000000");
    c = newest();
    ck_assert(!c->has_code);
    ck_assert_int_eq(c->kind, CLUE_SECOND); /* a report that does not say of what */
    ck_assert_int_eq(c->what, INCIDENT_OTHER);
    free(c);
}
END_TEST

START_TEST(a_second_sign_with_a_reason_is_the_hypervisors)
{
    struct clue *c;

    tell_sign(&t, 1, 0, VM_A, "something");
    c = newest();
    ck_assert_int_eq(c->what, INCIDENT_OTHER);
    free(c);
    obs_str((struct observation *)t.told[t.count - 1].o, ATTR_VM_REASON, "unrecoverable");
    c = newest();
    ck_assert_int_eq(c->what, INCIDENT_HYPERVISOR_FAULT);
    free(c);
    tell_sign(&t, 1, 0, VM_A, "watchdog");
    obs_str((struct observation *)t.told[t.count - 1].o, ATTR_VM_REASON, "unrecoverable");
    c = newest();
    ck_assert_int_eq(c->what, INCIDENT_WATCHDOG);
    free(c);
}
END_TEST

START_TEST(a_dumps_own_time_is_believed_up_to_a_day_after_it_was_seen)
{
    enum { DAY = 24 * 3600 };
    char text[TIMES_TEXT_MAX];
    struct observation *o = tell_dump(&t, 1, 0, VM_A, "0xd1", "1 2 3 4", NULL);
    static const struct {
        int64_t after; /* it was seen */
        bool believed;
    } rows[] = { { -5, true }, { DAY, true }, { DAY + 1, false } };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct clue *c;

        obs_str(o, ATTR_DUMP_TIME, times_format(o->observed_ns + rows[n].after * NS_PER_S, text));
        c = newest();
        ck_assert_int_eq(c->has_time, rows[n].believed);
        ck_assert_int_eq(c->time, rows[n].believed ? o->observed_ns + rows[n].after * NS_PER_S : AT(0));
        free(c);
    }
}
END_TEST

START_TEST(dump_times_that_can_not_be_are_left)
{
    static const char *const times[] = { "never", "1969-12-31T23:59:59Z", "2253-01-01T00:00:00Z" };
    struct observation *o = tell_dump(&t, 1, 0, VM_A, "0xd1", "1 2 3 4", NULL);

    o->observed_ns = 0; /* when it was seen is not known, so that this bound says nothing */
    for (size_t n = 0; n < sizeof times / sizeof times[0]; n++) {
        struct clue *c;

        obs_str(o, ATTR_DUMP_TIME, times[n]);
        c = newest();
        ck_assert_msg(!c->has_time, "%s", times[n]);
        ck_assert_int_eq(c->time, AT(0));
        free(c);
    }
}
END_TEST

START_TEST(lengths_are_numbers_of_0_or_more_that_fit)
{
    static const struct {
        double seconds;
        int64_t ns;
    } rows[] = { { 0, 0 }, { 1.5, 1500000000 }, { -1, -1 }, { 1e300, -1 }, { 3e9, -1 } };
    struct observation *o = tell_move(&t, 1, 0, VM_A, "completed");
    struct clue *c;

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        obs_double(o, ATTR_MIGRATION_BLACKOUT, rows[n].seconds);
        c = newest();
        ck_assert_int_eq(c->length_ns, rows[n].ns);
        free(c);
    }
    obs_int(o, ATTR_MIGRATION_BLACKOUT, 2);
    c = newest();
    ck_assert_int_eq(c->length_ns, 2 * NS_PER_S);
    free(c);
    obs_str(o, ATTR_MIGRATION_BLACKOUT, "2");
    c = newest();
    ck_assert_int_eq(c->length_ns, -1);
    free(c);
}
END_TEST

START_TEST(a_long_migration_is_one_that_says_so)
{
    struct observation *o = tell_move(&t, 1, 0, VM_A, "completed");
    struct clue *c;

    obs_int(o, ATTR_MIGRATION_LONG, 1); /* no flag */
    c = newest();
    ck_assert(!c->flag);
    free(c);
    obs_bool(o, ATTR_MIGRATION_LONG, false);
    c = newest();
    ck_assert(!c->flag);
    free(c);
    obs_bool(o, ATTR_MIGRATION_LONG, true);
    c = newest();
    ck_assert(c->flag);
    free(c);
}
END_TEST

START_TEST(the_bounds_of_a_gap_count_when_they_are_times_in_order)
{
    static const struct {
        const char *from, *to;
        int64_t wanted_from, wanted_to;
    } rows[] = {
        { "2024-01-31T07:00:00Z", "2024-01-31T07:30:00Z", AT(-3600), AT(-1800) },
        { "12", "17", 0, AT(0) },
        { "1969-12-31T00:00:00Z", "1969-12-31T00:00:00Z", 0, AT(0) },
        { "2024-01-31T07:00:00Z", "2024-01-31T06:00:00Z", AT(-3600), AT(0) },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct clue *c;

        tell_gap(&t, 1, 0, rows[n].from, rows[n].to);
        c = newest();
        ck_assert_int_eq(c->from, rows[n].wanted_from);
        ck_assert_int_eq(c->to, rows[n].wanted_to);
        free(c);
    }
}
END_TEST

START_TEST(a_text_of_any_length_is_cut_and_clean)
{
    char text[2001];
    struct observation *o = report();
    struct clue *c;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    obs_str(o, ATTR_CRASH_MESSAGE, text);
    obs_str(o, ATTR_DUMP_PATH, text);
    c = newest();
    ck_assert_uint_eq(strlen(clue_text(c, TEXT_MESSAGE)), 255);
    ck_assert_uint_eq(strlen(clue_text(c, TEXT_DEVICE)), 511);
    ck_assert_str_eq(clue_text(c, TEXT_PROCESS), ""); /* only dumps have it */
    free(c);
}
END_TEST

/* ---- the same, and order ---------------------------------------------------------------- */

typedef void difference(struct clue *c);

#define DIFFERENCE(name) static void name(struct clue *c)

DIFFERENCE(is_other_kind)
{
    c->what = INCIDENT_OTHER;
}
DIFFERENCE(has_code)
{
    c->has_code = true;
}
DIFFERENCE(has_params)
{
    c->has_params = true;
}
DIFFERENCE(other_code)
{
    c->code = 5;
}
DIFFERENCE(other_param)
{
    c->params[3] = 5;
}
DIFFERENCE(has_time)
{
    c->has_time = true;
}
DIFFERENCE(flagged)
{
    c->flag = true;
}
DIFFERENCE(longer)
{
    c->length_ns = 5;
}
DIFFERENCE(from_later)
{
    c->from = 5;
}
DIFFERENCE(to_later)
{
    c->to = 5;
}
DIFFERENCE(other_event)
{
    c->event_id = 5;
}
DIFFERENCE(larger)
{
    c->size = 5;
}
DIFFERENCE(newer_build)
{
    c->build = 5;
}
DIFFERENCE(newer_ubr)
{
    c->ubr = 5;
}
DIFFERENCE(other_text)
{
    c->text[TEXT_LINUX_RSP] = "x";
}
DIFFERENCE(other_dump_text)
{
    c->text[TEXT_BIOS_DATE] = "x";
}
DIFFERENCE(other_agent)
{
    c->text[TEXT_AGENT] = "x";
}
DIFFERENCE(other_number)
{
    c->seq++;
}
DIFFERENCE(found_later)
{
    c->found++;
}
DIFFERENCE(other_body)
{
    c->text[TEXT_BODY] = "x";
}

static const struct {
    difference *change;
    bool same; /* all the same */
} differences[] = {
    { is_other_kind, false }, { has_code, false },    { has_params, false },  { other_code, false },
    { other_param, false },   { has_time, false },    { flagged, false },     { longer, false },
    { from_later, false },    { to_later, false },    { other_event, false }, { larger, false },
    { newer_build, false },   { newer_ubr, false },   { other_text, false },  { other_dump_text, false },
    { other_agent, true },    { other_number, true }, { found_later, true },  { other_body, true },
};

/* Two readings of one dump, the second with one thing changed: a total order, both ways round. */
START_TEST(whatever_differs_gives_an_order_and_what_is_content_makes_two)
{
    struct clue *a, *b;

    tell_dump(&t, 1, 0, VM_A, "0", "0 0 0 0", NULL);
    a = newest();
    b = newest();
    a->has_code = a->has_params = a->has_time = b->has_code = b->has_params = b->has_time = false;
    a->text[TEXT_BODY] = b->text[TEXT_BODY] = "a";
    a->what = b->what = INCIDENT_DUMP_ONLY;
    ck_assert_int_eq(clue_compare(a, b), 0);
    ck_assert_int_eq(clue_compare_time(a, b), 0);
    ck_assert(clue_same(a, b));
    differences[_i].change(b);
    ck_assert_int_eq(clue_same(a, b), differences[_i].same);
    ck_assert_int_ne(clue_compare(a, b), 0);
    ck_assert_int_eq(clue_compare(a, b) < 0, clue_compare(b, a) > 0);
    ck_assert_int_ne(clue_compare_time(a, b), 0);
    ck_assert_int_eq(clue_compare_time(a, b) < 0, clue_compare_time(b, a) > 0);
    b->time++;
    ck_assert(!clue_same(a, b));
    ck_assert_int_gt(clue_compare(a, b), 0);      /* the newest first */
    ck_assert_int_lt(clue_compare_time(a, b), 0); /* the earliest first */
    b->kind = CLUE_REPORT;
    ck_assert_int_gt(clue_compare(a, b), 0); /* what matters more goes before what is newer */
    b->time = a->time;
    ck_assert_int_gt(clue_compare_time(a, b), 0);
    free(a);
    free(b);
}
END_TEST

START_TEST(the_strong_key_is_the_code_without_its_bit_and_the_parameters)
{
    struct clue *a, *b;

    tell_crash(&t, 1, 0, VM_A, "0x7e", "1 2 3 4");
    a = newest();
    tell_crash(&t, 2, 0, VM_B, "0x1000007e", "1 2 3 4");
    b = newest();
    ck_assert(clue_same_key(a, b));
    b->params[0] = 9;
    ck_assert(!clue_same_key(a, b));
    b->params[0] = 1;
    b->has_params = false;
    ck_assert(!clue_same_key(a, b));
    b->has_code = false;
    ck_assert(!clue_same_key(a, b));
    ck_assert(!clue_same_key(b, a));
    free(b);
    tell_crash(&t, 2, 0, VM_B, "0xd1", "1 2 3 4");
    b = newest();
    ck_assert(!clue_same_key(a, b));
    free(a);
    free(b);
}
END_TEST

static struct clue *panic(int host, const char *message)
{
    struct observation *o = observe(&t, host, OBS_GUEST_CRASH, 0, VM_A);

    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    obs_str(o, ATTR_CRASH_MESSAGE, message);
    return newest();
}

START_TEST(the_strong_key_of_a_panic_is_what_it_said)
{
    struct clue *a = panic(1, "not syncing"), *b = panic(2, "not syncing"), *c = panic(1, "hung task"), *d;

    tell_crash(&t, 1, 0, VM_A, "0x7e", "1 2 3 4");
    d = newest();
    ck_assert(clue_same_key(a, b));
    ck_assert(!clue_same_key(a, c));
    ck_assert(!clue_same_key(a, d));
    ck_assert(!clue_same_key(d, a));
    free(a);
    free(b);
    free(c);
    free(d);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        what_tells_of_no_crash_and_of_nothing_around_one_is_not_kept,
        without_a_time_an_observation_is_nobodys,
        a_hosts_boot_is_news_for_a_day,
        a_code_is_taken_with_all_its_parameters_or_with_none,
        a_second_sign_with_a_reason_is_the_hypervisors,
        a_dumps_own_time_is_believed_up_to_a_day_after_it_was_seen,
        dump_times_that_can_not_be_are_left,
        lengths_are_numbers_of_0_or_more_that_fit,
        a_long_migration_is_one_that_says_so,
        the_bounds_of_a_gap_count_when_they_are_times_in_order,
        a_text_of_any_length_is_cut_and_clean,
        the_strong_key_is_the_code_without_its_bit_and_the_parameters,
        the_strong_key_of_a_panic_is_what_it_said,
    };
    TCase *c = suite_case(s, "clues");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, whatever_differs_gives_an_order_and_what_is_content_makes_two, 0,
                        sizeof differences / sizeof differences[0]);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: clues", add);
}
