/* http_headers.h: Retry-After, Hvfleet-Acked-Through, Hvfleet-Send-Budget and Hvfleet-Takes-State, and nonsense. */
#include "base/times.h"
#include "tests/support/suite.h"
#include "transport/http_headers.h"

#include <stdio.h>
#include <string.h>

#define NOW (INT64_C(784111777) * NS_PER_S) /* Sun, 06 Nov 1994 08:49:37 GMT */

static struct http_reply reply;

static void take(const char *line)
{
    http_header_take(&reply, line, strlen(line), NOW);
}

static int64_t retry_after(const char *line)
{
    reply = (struct http_reply){ .retry_after_ns = -1 };
    take(line);
    return reply.retry_after_ns;
}

START_TEST(retry_after_is_seconds)
{
    ck_assert_int_eq(retry_after("Retry-After: 120\r\n"), 120 * NS_PER_S);
    ck_assert_int_eq(retry_after("retry-after:0"), 0);
    ck_assert_int_eq(retry_after("RETRY-AFTER: \t 7 \r\n"), 7 * NS_PER_S);
    ck_assert_int_eq(retry_after("Retry-After: 999999999"), RETRY_AFTER_MAX_NS);
    ck_assert_int_eq(retry_after("Retry-After: 99999999999999999999999999"), RETRY_AFTER_MAX_NS);
}
END_TEST

START_TEST(retry_after_is_a_date)
{
    ck_assert_int_eq(retry_after("Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"), 60 * NS_PER_S);
    ck_assert_int_eq(retry_after("Retry-After: Sunday, 06-Nov-94 08:50:37 GMT\r\n"), 60 * NS_PER_S);
    ck_assert_int_eq(retry_after("Retry-After: Sun Nov  6 08:50:37 1994\r\n"), 60 * NS_PER_S);
    ck_assert_int_eq(retry_after("Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n"), 0);
    ck_assert_int_eq(retry_after("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), RETRY_AFTER_MAX_NS);
}
END_TEST

START_TEST(nonsense_is_passed_over)
{
    ck_assert_int_eq(retry_after("Retry-After: soon"), -1);
    ck_assert_int_eq(retry_after("Retry-After: -5"), -1);
    ck_assert_int_eq(retry_after("Retry-After: 0x10"), -1);
    ck_assert_int_eq(retry_after("Retry-After:"), -1);
    ck_assert_int_eq(retry_after("Retry-After"), -1);
    ck_assert_int_eq(retry_after("Retry-Afters: 5"), -1);
    ck_assert_int_eq(retry_after("X-Retry-After: 5"), -1);
    ck_assert_int_eq(retry_after(""), -1);
    ck_assert_int_eq(retry_after("Retry-After: 11111111111111111111111111111111111111111111111111111111111111111"), -1);
}
END_TEST

START_TEST(the_mark_is_a_plain_number)
{
    reply = (struct http_reply){ .retry_after_ns = -1 };
    take("Hvfleet-Acked-Through: 18446744073709551615\r\n");
    ck_assert_int_eq(reply.has_acked_through, true);
    ck_assert_uint_eq(reply.acked_through, UINT64_MAX);
    take("hvfleet-acked-through: 0x10\r\n");
    ck_assert_int_eq(reply.has_acked_through, false);
    ck_assert_uint_eq(reply.acked_through, 0);
    take("Hvfleet-Acked-Through: 18446744073709551616\r\n");
    ck_assert_int_eq(reply.has_acked_through, false);
    take("Hvfleet-Acked-Through: -1\r\n");
    ck_assert_int_eq(reply.has_acked_through, false);
}
END_TEST

static void ck_assert_budget(const char *lines, bool there, uint64_t bytes)
{
    const char *end;

    reply = (struct http_reply){ .retry_after_ns = -1 };
    for (; *lines != '\0'; lines = end) {
        end = strchr(lines, '\n') != NULL ? strchr(lines, '\n') + 1 : lines + strlen(lines);
        http_header_take(&reply, lines, (size_t)(end - lines), NOW);
    }
    ck_assert_int_eq(reply.has_send_budget, there);
    ck_assert_uint_eq(reply.send_budget, bytes);
}

START_TEST(a_budget_is_a_plain_number_up_to_the_most)
{
    ck_assert_budget("Hvfleet-Send-Budget: 0\r\n", true, 0);
    ck_assert_budget("hvfleet-send-budget:1048576", true, 1048576);
    ck_assert_budget("Hvfleet-Send-Budget: \t 007 \r\n", true, 7);
    ck_assert_budget("Hvfleet-Send-Budget: 1099511627775", true, SEND_BUDGET_MAX - 1);
    ck_assert_budget("Hvfleet-Send-Budget: 1099511627776", true, SEND_BUDGET_MAX);
    ck_assert_budget("Hvfleet-Send-Budget: 1099511627777", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 18446744073709551615", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 18446744073709551616", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 99999999999999999999999999999999", false, 0);
}
END_TEST

START_TEST(a_budget_that_is_no_number_is_as_if_it_were_absent)
{
    static const char *const nonsense[] = {
        "",        ":",          ": ",
        ": -1",    ": +1",       ": 1.5",
        ": 1e3",   ": 0x10",     ": 1 2",
        ": 1,",    ": 5, 5",     ": 5 bytes",
        ": \"5\"", ": 5;",       "s: 5",
        " : 5",    ": \xd9\xa5", ": 11111111111111111111111111111111111111111111111111111111111111111",
    };
    static const char with_nul[] = "Hvfleet-Send-Budget: 5\0\r\n";
    char line[128];

    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        snprintf(line, sizeof line, "Hvfleet-Send-Budget%s", nonsense[i]);
        ck_assert_budget(line, false, 0);
    }
    http_header_take(&reply, "HTTP/1.1 200 OK", 15, NOW);
    http_header_take(&reply, with_nul, sizeof with_nul - 1, NOW);
    ck_assert_int_eq(reply.has_send_budget, false);
}
END_TEST

START_TEST(of_several_budgets_none_is_believed)
{
    ck_assert_budget("Hvfleet-Send-Budget: 5\r\nHvfleet-Send-Budget: 5\r\n", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 5\r\nhvfleet-send-budget: 6\r\n", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 5\r\nHvfleet-Send-Budget:\r\n", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: x\r\nHvfleet-Send-Budget: 5\r\n", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 1\nHvfleet-Send-Budget: 2\nHvfleet-Send-Budget: 3\n", false, 0);
    ck_assert_budget("Hvfleet-Send-Budget: 5\r\nHTTP/1.1 200 OK\r\nHvfleet-Send-Budget: 6\r\n", true, 6);
}
END_TEST

START_TEST(a_new_answer_forgets_the_headers_of_the_one_before)
{
    reply = (struct http_reply){ .retry_after_ns = -1 };
    take("HTTP/1.1 100 Continue\r\n");
    take("Retry-After: 5\r\n");
    take("Hvfleet-Acked-Through: 5\r\n");
    take("Hvfleet-Send-Budget: 5\r\n");
    take("Hvfleet-Takes-State: 1\r\n");
    take("\r\n");
    take("HTTP/1.1 200 OK\r\n");
    ck_assert_int_eq(reply.retry_after_ns, -1);
    ck_assert_int_eq(reply.has_acked_through, false);
    ck_assert_int_eq(reply.has_send_budget, false);
    ck_assert_uint_eq(reply.send_budget, 0);
    ck_assert_int_eq(reply.takes_state, false);
}
END_TEST

START_TEST(that_state_is_taken_is_said_by_a_one_alone)
{
    reply = (struct http_reply){ .retry_after_ns = -1 };
    take("hvfleet-takes-state:  1 \r\n");
    ck_assert_int_eq(reply.takes_state, true);
    take("Hvfleet-Takes-State: 0\r\n");
    ck_assert_int_eq(reply.takes_state, false);
    take("Hvfleet-Takes-State: 11\r\n");
    ck_assert_int_eq(reply.takes_state, false);
    take("Hvfleet-Takes-State: yes\r\n");
    ck_assert_int_eq(reply.takes_state, false);
    take("X-Hvfleet-Takes-State: 1\r\n");
    ck_assert_int_eq(reply.takes_state, false);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, retry_after_is_seconds);
    suite_test(s, retry_after_is_a_date);
    suite_test(s, nonsense_is_passed_over);
    suite_test(s, the_mark_is_a_plain_number);
    suite_test(s, a_budget_is_a_plain_number_up_to_the_most);
    suite_test(s, a_budget_that_is_no_number_is_as_if_it_were_absent);
    suite_test(s, of_several_budgets_none_is_believed);
    suite_test(s, that_state_is_taken_is_said_by_a_one_alone);
    suite_test(s, a_new_answer_forgets_the_headers_of_the_one_before);
}

int main(void)
{
    return suite_main("transport: http_headers", add);
}
