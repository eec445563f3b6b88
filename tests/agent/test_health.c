/* The rules of health, on made-up evidence and a made-up clock. */
#include "agent/health.h"
#include "base/times.h"
#include "tests/support/suite.h"

#include <string.h>

enum { HOUR = 3600 };

#define NOW (100000 * NS_PER_S)

static struct health_source source(const char *name)
{
    return (struct health_source){ .name = name,
                                   .state = STREAM_ATTACHED,
                                   .started = true,
                                   .problem = "",
                                   .remedy = "",
                                   .life_ns = NOW,
                                   .lag_records = -1,
                                   .caught_up = true };
}

static struct health_input input(const struct health_source *sources, size_t count)
{
    return (struct health_input){ .now_ns = NOW,
                                  .silent_after_ns = HOUR * NS_PER_S,
                                  .sources = sources,
                                  .source_count = count,
                                  .store = { .problem = "", .remedy = "", .bytes_max = 1000 },
                                  .transport = { .configured = true, .problem = "", .remedy = "" } };
}

static const struct health_reason *about(const struct health *h, const char *what)
{
    for (int i = 0; i < h->reason_count; i++)
        if (strcmp(h->reasons[i].about, what) == 0)
            return &h->reasons[i];
    ck_abort_msg("no reason is about %s", what);
    return NULL;
}

START_TEST(with_life_everywhere_it_is_ok_and_has_no_reasons)
{
    struct health_source s[] = { source("a"), source("b") };
    struct health_input in = input(s, 2);
    struct health h;

    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK);
    ck_assert_int_eq(h.reason_count, 0);
}
END_TEST

START_TEST(a_source_silent_beyond_its_budget_degrades_by_itself)
{
    struct health_source s[] = { source("a"), source("b") };
    struct health_input in = input(s, 2);
    struct health h;

    s[1].life_ns = NOW - HOUR * NS_PER_S;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK); /* just not beyond */
    s[1].life_ns--;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
    ck_assert_str_eq(about(&h, "source b")->text, "has been silent for 1 h");
    ck_assert_str_ne(about(&h, "source b")->remedy, "");
}
END_TEST

START_TEST(a_source_that_looks_seldom_may_be_quiet_for_as_long)
{
    struct health_source s[] = { source("a"), source("b") };
    struct health_input in = input(s, 2);
    struct health h;

    s[1].beat_ns = 6 * HOUR * NS_PER_S;
    s[1].life_ns = NOW - 7 * HOUR * NS_PER_S;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK);
    s[1].life_ns--;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(a_source_that_gives_nothing_while_records_wait_says_how_many)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    s.life_ns = NOW - 2 * HOUR * NS_PER_S;
    s.lag_records = 17;
    health_evaluate(&in, &h);
    ck_assert_ptr_nonnull(strstr(about(&h, "source a")->text, "17 records"));
}
END_TEST

START_TEST(each_state_but_attached_degrades_with_a_remedy)
{
    static const enum stream_state states[] = { STREAM_ABSENT,      STREAM_NO_PERMISSION, STREAM_MISCONFIGURED,
                                                STREAM_UNSUPPORTED, STREAM_RETRYING,      STREAM_HUNG };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct health_source s[] = { source("good"), source("bad") };
        struct health_input in = input(s, 2);
        struct health h;

        s[1].state = states[i];
        health_evaluate(&in, &h);
        ck_assert_int_eq(h.state, HEALTH_DEGRADED);
        ck_assert_int_eq(h.reason_count, 1);
        ck_assert_str_ne(about(&h, "source bad")->remedy, "");
    }
}
END_TEST

START_TEST(a_sources_own_remedy_wins)
{
    struct health_source s[] = { source("good"), source("bad") };
    struct health_input in = input(s, 2);
    struct health h;

    s[1].state = STREAM_NO_PERMISSION;
    s[1].remedy = "add it to Event Log Readers";
    health_evaluate(&in, &h);
    ck_assert_str_eq(about(&h, "source bad")->remedy, "add it to Event Log Readers");
}
END_TEST

START_TEST(a_hung_step_says_for_how_long)
{
    struct health_source s[] = { source("good"), source("bad") };
    struct health_input in = input(s, 2);
    struct health h;

    s[1].state = STREAM_HUNG;
    s[1].step_since_ns = NOW - 240 * NS_PER_S;
    health_evaluate(&in, &h);
    ck_assert_str_eq(about(&h, "source bad")->text, "has not answered for 4 min");
}
END_TEST

START_TEST(with_no_source_working_it_has_failed)
{
    struct health_source s[] = { source("a"), source("b") };
    struct health_input in = input(s, 2);
    struct health h;

    s[0].state = STREAM_ABSENT;
    s[1].state = STREAM_HUNG;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_FAILED);
    ck_assert_int_eq(h.reasons[0].weight, HEALTH_FAILED); /* heaviest first */
}
END_TEST

START_TEST(without_sources_it_is_degraded)
{
    struct health_input in = input(NULL, 0);
    struct health h;

    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(a_store_that_cannot_commit_has_failed)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.store.problem = "the disk is full";
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_FAILED);
    ck_assert_ptr_nonnull(strstr(about(&h, "store")->text, "the disk is full"));
}
END_TEST

START_TEST(a_commit_that_takes_long_degrades)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.store.busy_ns = 11 * NS_PER_S;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(a_store_nearly_full_degrades_before_it_drops)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.store.bytes = 799;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK);
    in.store.bytes = 800;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(a_drop_stays_visible_for_the_silent_budget)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.store.last_drop_ns = NOW - HOUR * NS_PER_S + 1;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
    in.store.last_drop_ns--;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK);
}
END_TEST

START_TEST(a_hub_that_refuses_us_is_a_failure)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.transport.refused = true;
    in.transport.problem = "401: unknown token";
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_FAILED);
    ck_assert_ptr_nonnull(strstr(about(&h, "hub")->text, "unknown token"));
}
END_TEST

START_TEST(a_hub_out_of_reach_degrades)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.transport.failures = 3;
    in.transport.problem = "connection refused";
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
    ck_assert_ptr_nonnull(strstr(about(&h, "hub")->text, "3 times"));
}
END_TEST

START_TEST(a_hub_that_never_acknowledges_degrades_without_an_error)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.transport.unsent_since_ns = NOW - HOUR * NS_PER_S - 1;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
}
END_TEST

START_TEST(without_a_hub_nothing_is_said_of_it)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.transport.configured = false;
    in.transport.unsent_since_ns = 1;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_OK);
}
END_TEST

START_TEST(a_refused_reload_degrades)
{
    struct health_source s = source("a");
    struct health_input in = input(&s, 1);
    struct health h;

    in.config_problems = 2;
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.state, HEALTH_DEGRADED);
    ck_assert_ptr_nonnull(strstr(about(&h, "config")->text, "2 problems"));
}
END_TEST

START_TEST(more_reasons_than_fit_are_counted)
{
    struct health_source s[HEALTH_REASONS_MAX + 6];
    struct health_input in = input(s, HEALTH_REASONS_MAX + 6);
    struct health h;

    for (int i = 0; i < HEALTH_REASONS_MAX + 6; i++) {
        s[i] = source("x");
        s[i].state = STREAM_ABSENT;
    }
    health_evaluate(&in, &h);
    ck_assert_int_eq(h.reason_count, HEALTH_REASONS_MAX);
    ck_assert_int_eq(h.left_out, 7); /* the others, and "none works" */
    ck_assert_int_eq(h.state, HEALTH_FAILED);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, with_life_everywhere_it_is_ok_and_has_no_reasons);
    suite_test(s, a_source_silent_beyond_its_budget_degrades_by_itself);
    suite_test(s, a_source_that_looks_seldom_may_be_quiet_for_as_long);
    suite_test(s, a_source_that_gives_nothing_while_records_wait_says_how_many);
    suite_test(s, each_state_but_attached_degrades_with_a_remedy);
    suite_test(s, a_sources_own_remedy_wins);
    suite_test(s, a_hung_step_says_for_how_long);
    suite_test(s, with_no_source_working_it_has_failed);
    suite_test(s, without_sources_it_is_degraded);
    suite_test(s, a_store_that_cannot_commit_has_failed);
    suite_test(s, a_commit_that_takes_long_degrades);
    suite_test(s, a_store_nearly_full_degrades_before_it_drops);
    suite_test(s, a_drop_stays_visible_for_the_silent_budget);
    suite_test(s, a_hub_that_refuses_us_is_a_failure);
    suite_test(s, a_hub_out_of_reach_degrades);
    suite_test(s, a_hub_that_never_acknowledges_degrades_without_an_error);
    suite_test(s, without_a_hub_nothing_is_said_of_it);
    suite_test(s, a_refused_reload_degrades);
    suite_test(s, more_reasons_than_fit_are_counted);
}

int main(void)
{
    return suite_main("agent: health", add);
}
