/* What an agent hears with its acknowledgement that it may send next. */
#include "base/text.h"
#include "base/times.h"
#include "hub/limits_budget.h"
#include "hub/limits_rate.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_http.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#define PROTOBUF "Content-Type: application/x-protobuf"
#define JSON     "Content-Type: application/json"
#define KIB      1024

/* ---- the rule ------------------------------------------------------------------------------ */

START_TEST(the_lesser_of_credit_and_room_in_the_queue_is_told)
{
    static const struct {
        int64_t credit;
        int credit_wait, queue;
        bool told;
        int64_t bytes;
        int wait;
    } cases[] = {
        /* no rate: silence until the queue is more than half full */
        { -1, 0, 0, false, 0, 0 },
        { -1, 0, 50, false, 0, 0 },
        { -1, 0, 51, true, BUDGET_TIGHT, 0 },
        { -1, 0, 75, true, BUDGET_TIGHT, 0 },
        { -1, 0, 76, true, 0, BUDGET_SHUT_WAIT_S },
        { -1, 0, 100, true, 0, BUDGET_SHUT_WAIT_S },
        /* a rate: the credit, and less of it under pressure */
        { 1, 0, 50, true, 1, 0 },
        { INT64_C(1) << 33, 0, 50, true, INT64_C(1) << 33, 0 },
        { INT64_C(1) << 33, 0, 51, true, BUDGET_TIGHT, 0 },
        { BUDGET_TIGHT - 1, 0, 51, true, BUDGET_TIGHT - 1, 0 },
        { BUDGET_TIGHT, 0, 51, true, BUDGET_TIGHT, 0 },
        { BUDGET_TIGHT + 1, 0, 51, true, BUDGET_TIGHT, 0 },
        { BUDGET_TIGHT, 0, 76, true, 0, BUDGET_SHUT_WAIT_S },
        /* no credit left: its own time, and no less than the queue's */
        { 0, 1, 0, true, 0, 1 },
        { 0, 1, 51, true, 0, 1 },
        { 0, 1, 76, true, 0, BUDGET_SHUT_WAIT_S },
        { 0, 90, 76, true, 0, 90 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct send_budget b = budget_of(cases[i].credit, cases[i].credit_wait, cases[i].queue);

        ck_assert_msg(b.told == cases[i].told && b.bytes == cases[i].bytes && b.wait_s == cases[i].wait,
                      "case %zu: told %d, %lld bytes, %d s", i, b.told, (long long)b.bytes, b.wait_s);
    }
}
END_TEST

/* ---- credit ---------------------------------------------------------------------------------- */

static int64_t test_now = 1000 * NS_PER_S;

static int64_t test_time(const struct clock *c)
{
    (void)c;
    return test_now;
}

static void no_chance(const struct random_source *r, void *bytes, size_t len)
{
    (void)r;
    memset(bytes, 0, len);
}

static const struct clock test_clock = { .wall_ns = test_time, .monotonic_ns = test_time };
static const struct random_source chance = { no_chance, NULL };

static struct rate *rate_of(int64_t bytes_per_s)
{
    struct rate *r = NULL;
    struct err e = { 0 };

    ck_assert_int_eq(rate_new(&r, &test_clock, &chance, &e), 0);
    rate_set(r, bytes_per_s);
    return r;
}

START_TEST(a_budget_is_the_credit_that_is_left)
{
    struct rate *r = rate_of(100 * KIB);
    int wait = 7;

    ck_assert_int_eq(rate_budget(r, "a", &wait), 800 * KIB); /* never heard of */
    ck_assert_int_eq(wait, 0);
    rate_pay(r, "a", 300 * KIB);
    ck_assert_int_eq(rate_budget(r, "a", &wait), 500 * KIB);
    rate_pay(r, "a", 1); /* costs as much as the least request */
    ck_assert_int_eq(rate_budget(r, "a", &wait), 496 * KIB);
    ck_assert_int_eq(rate_budget(r, "b", &wait), 800 * KIB);
    test_now += 2 * NS_PER_S;
    ck_assert_int_eq(rate_budget(r, "a", &wait), 696 * KIB);
    test_now += 60 * NS_PER_S;
    ck_assert_int_eq(rate_budget(r, "a", &wait), 800 * KIB);
    rate_free(r);
}
END_TEST

START_TEST(without_a_rate_or_a_name_there_is_no_budget)
{
    struct rate *none = rate_of(0), *some = rate_of(100 * KIB);
    int wait = 7;

    ck_assert_int_eq(rate_budget(none, "a", &wait), -1);
    ck_assert_int_eq(wait, 0);
    ck_assert_int_eq(rate_budget(some, "", &wait), -1);
    rate_free(none);
    rate_free(some);
}
END_TEST

START_TEST(what_does_not_do_for_the_least_request_is_nothing_with_a_time_after_which_it_does)
{
    struct rate *r = rate_of(1 * KIB); /* eight seconds of it are two of the least requests */
    int wait = 0;

    rate_pay(r, "a", RATE_REQUEST_MIN);
    ck_assert_int_eq(rate_budget(r, "a", &wait), RATE_REQUEST_MIN);
    ck_assert_int_eq(wait, 0);
    rate_pay(r, "a", RATE_REQUEST_MIN + 1);
    ck_assert_int_eq(rate_budget(r, "a", &wait), 0);
    ck_assert_int_eq(wait, 5); /* 4,097 bytes at 1,024 a second */
    test_now += 4 * NS_PER_S;
    ck_assert_int_eq(rate_budget(r, "a", &wait), 0);
    ck_assert_int_eq(wait, 1);
    test_now += NS_PER_S;
    ck_assert_int_gt(rate_budget(r, "a", &wait), RATE_REQUEST_MIN);
    ck_assert_int_eq(wait, 0);
    rate_free(r);
}
END_TEST

START_TEST(an_agent_deep_in_debt_waits_an_hour_at_most)
{
    struct rate *r = rate_of(1);
    int wait = 0;

    ck_assert_int_eq(rate_budget(r, "a", &wait), RATE_BURST_S); /* a rate below the least request gives what it has */
    rate_pay(r, "a", (size_t)1 << 30);
    ck_assert_int_eq(rate_budget(r, "a", &wait), 0);
    ck_assert_int_eq(wait, 3600);
    rate_free(r);
}
END_TEST

START_TEST(who_keeps_to_its_budgets_is_never_sent_away)
{
    static const int64_t rates[] = { 1, 100, 511, 512, 1000, 100 * KIB, 8 * KIB * KIB };

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct rate *r = rate_of(rates[i]);
        int64_t bytes;
        int wait = 0;

        for (int n = 0; n < 300; n++) {
            bytes = rate_budget(r, "a", &wait);
            ck_assert_msg((bytes > 0) == (wait == 0), "%lld bytes, %d s", (long long)bytes, wait);
            test_now += wait * NS_PER_S;
            ck_assert_msg(rate_wait(r, "a") == 0, "rate %lld, round %d: sent away", (long long)rates[i], n);
            rate_pay(r, "a", bytes > 0 ? (size_t)bytes : 1);
            test_now += NS_PER_MS;
        }
        rate_free(r);
    }
}
END_TEST

/* ---- in the hub --------------------------------------------------------------------------------- */

static struct buf request_of(int agent, uint64_t first, int count)
{
    struct resource who = made_agent(agent, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct buf bytes;
    struct made m;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_init(&m, first);
    made_lifecycle(&m, 1, count, T0);
    made_request(&m, &who, &bytes);
    made_free(&m);
    return bytes;
}

static struct answer post(const struct running *r, const char *type, const void *body, size_t len)
{
    struct call call = { .path = "/v1/logs", .headers = { type }, .body = body, .len = len };
    struct answer a;

    call_hub(r, &call, &a);
    return a;
}

static int64_t number_in(const struct answer *a, const char *header)
{
    uint64_t n = 0;

    ck_assert_msg(text_u64(answer_header(a, header), &n), "%s is \"%s\"", header, answer_header(a, header));
    return (int64_t)n;
}

START_TEST(an_acknowledgement_says_what_is_left_of_the_credit)
{
    struct buf bytes = request_of(1, 1, 100);
    struct running r;
    struct answer a;

    hub_run(&r, "ingest:\n  agent_rate: 1MiB\n", false);
    a = post(&r, PROTOBUF, bytes.data, bytes.len);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "100");
    ck_assert_int_ge(number_in(&a, "Hvfleet-Send-Budget"), 8 * KIB * KIB - (int64_t)bytes.len);
    ck_assert_int_le(number_in(&a, "Hvfleet-Send-Budget"), 8 * KIB * KIB);
    ck_assert_str_eq(answer_header(&a, "Retry-After"), "");
    answer_free(&a);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

/* At a byte a second the first request uses up all there is for an hour. */
START_TEST(an_acknowledgement_without_credit_left_says_when_to_come_back)
{
    struct buf one = request_of(1, 1, 10), next = request_of(1, 11, 10), other = request_of(2, 1, 10);
    struct running r;
    struct answer a;

    hub_run(&r, "ingest:\n  agent_rate: 1B\n", false);
    a = post(&r, PROTOBUF, one.data, one.len);
    ck_assert_int_eq(a.status, 200); /* committed, whatever comes next */
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Acked-Through"), "10");
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Send-Budget"), "0");
    ck_assert_int_ge(number_in(&a, "Retry-After"), 3600);
    ck_assert_int_le(number_in(&a, "Retry-After"), 3600 + RATE_SPREAD_MAX_S);
    answer_free(&a);
    a = post(&r, PROTOBUF, next.data, next.len); /* who does not listen */
    ck_assert_int_eq(a.status, 429);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Send-Budget"), "");
    answer_free(&a);
    a = post(&r, PROTOBUF, other.data, other.len);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    buf_free(&one);
    buf_free(&next);
    buf_free(&other);
    hub_end(&r);
}
END_TEST

static void ck_assert_no_budget(const struct running *r, const char *type, const struct buf *body, int status)
{
    struct answer a = post(r, type, body->data, body->len);

    ck_assert_int_eq(a.status, status);
    ck_assert_str_eq(answer_header(&a, "Hvfleet-Send-Budget"), "");
    ck_assert_str_eq(answer_header(&a, "Retry-After"), "");
    answer_free(&a);
}

START_TEST(a_hub_without_a_rate_that_is_not_busy_says_nothing)
{
    struct buf bytes = request_of(1, 1, 10);
    struct running r;

    hub_run(&r, "ingest:\n  agent_rate: 0B\n", false);
    ck_assert_no_budget(&r, PROTOBUF, &bytes, 200);
    buf_free(&bytes);
    hub_end(&r);
}
END_TEST

START_TEST(only_who_speaks_for_one_agent_hears_a_budget)
{
    static const char foreign[] = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                                  "\"value\":{\"stringValue\":\"checkout\"}}]},\"scopeLogs\":[{\"logRecords\":["
                                  "{\"body\":{\"stringValue\":\"hello\"}}]}]}]}";
    struct buf one = request_of(1, 1, 3), two = request_of(2, 1, 3), other;
    struct running r;

    buf_add(&one, two.data, two.len);
    buf_init(&other, sizeof foreign);
    buf_str(&other, foreign);
    hub_run(&r, "", false);
    ck_assert_no_budget(&r, PROTOBUF, &one, 200);
    ck_assert_no_budget(&r, JSON, &other, 200);
    buf_clear(&other);
    buf_str(&other, "no request");
    ck_assert_no_budget(&r, PROTOBUF, &other, 400);
    buf_free(&one);
    buf_free(&two);
    buf_free(&other);
    hub_end(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_lesser_of_credit_and_room_in_the_queue_is_told);
    suite_test(s, a_budget_is_the_credit_that_is_left);
    suite_test(s, without_a_rate_or_a_name_there_is_no_budget);
    suite_test(s, what_does_not_do_for_the_least_request_is_nothing_with_a_time_after_which_it_does);
    suite_test(s, an_agent_deep_in_debt_waits_an_hour_at_most);
    suite_test(s, who_keeps_to_its_budgets_is_never_sent_away);
    suite_test(s, an_acknowledgement_says_what_is_left_of_the_credit);
    suite_test(s, an_acknowledgement_without_credit_left_says_when_to_come_back);
    suite_test(s, a_hub_without_a_rate_that_is_not_busy_says_nothing);
    suite_test(s, only_who_speaks_for_one_agent_hears_a_budget);
}

int main(void)
{
    return suite_main("hub: limits, budget", add);
}
