/* http_headers.h: Retry-After and Hvfleet-Acked-Through, and nonsense. */
#include "base/times.h"
#include "tests/support/suite.h"
#include "transport/http_headers.h"

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

START_TEST(a_new_answer_forgets_the_headers_of_the_one_before)
{
    reply = (struct http_reply){ .retry_after_ns = -1 };
    take("HTTP/1.1 100 Continue\r\n");
    take("Retry-After: 5\r\n");
    take("Hvfleet-Acked-Through: 5\r\n");
    take("\r\n");
    take("HTTP/1.1 200 OK\r\n");
    ck_assert_int_eq(reply.retry_after_ns, -1);
    ck_assert_int_eq(reply.has_acked_through, false);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, retry_after_is_seconds);
    suite_test(s, retry_after_is_a_date);
    suite_test(s, nonsense_is_passed_over);
    suite_test(s, the_mark_is_a_plain_number);
    suite_test(s, a_new_answer_forgets_the_headers_of_the_one_before);
}

int main(void)
{
    return suite_main("transport: http_headers", add);
}
