/* error_body.h: what the bodies of refusals say, and hostile ones. */
#include "tests/support/suite.h"
#include "transport/error_body.h"

#include <stdlib.h>
#include <string.h>

#define PROTOBUF "application/x-protobuf"
#define JSON     "application/json"

static char said[64];

static const char *says(const char *type, const void *body, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a step too far */

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body, len);
    memset(said, 'x', sizeof said);
    error_body_text(type, exact, len, said, sizeof said);
    free(exact);
    return said;
}

#define SAYS(type, literal) says(type, literal, sizeof literal - 1)

START_TEST(a_protobuf_status_says_its_message_alone)
{
    ck_assert_str_eq(SAYS(PROTOBUF, "\x08\x10\x12\x0bno such key"), "no such key");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x12\x0bno such key\x1a\x02\x0a\x00"), "no such key");
    ck_assert_str_eq(SAYS(PROTOBUF "; charset=x", "\x12\x02no"), "no");
}
END_TEST

START_TEST(fields_of_every_kind_are_passed_over)
{
    ck_assert_str_eq(SAYS(PROTOBUF, "\x08\x90\x01\x19"
                                    "12345678\x25"
                                    "1234\x1a\x03"
                                    "abc\x12\x02ok"),
                     "ok");
}
END_TEST

START_TEST(a_message_that_was_cut_is_taken_as_far_as_it_goes)
{
    ck_assert_str_eq(SAYS(PROTOBUF, "\x12\x7fhalf"), "half");
}
END_TEST

START_TEST(nonsense_for_protobuf_says_nothing)
{
    ck_assert_str_eq(SAYS(PROTOBUF, ""), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x12"), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x08"), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x0a\x7fhalf"), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x0b\x12\x02no"), ""); /* a group */
    ck_assert_str_eq(SAYS(PROTOBUF, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x12\x02no"), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x12\x02no"), "");
    ck_assert_str_eq(SAYS(PROTOBUF, "unauthorized\n"), "");
}
END_TEST

START_TEST(a_json_status_says_its_message_alone)
{
    ck_assert_str_eq(SAYS(JSON, "{\"code\":16,\"message\":\"no such key\"}"), "no such key");
    ck_assert_str_eq(SAYS("Application/JSON; charset=utf-8", "{\"message\":\"no\"}"), "no");
}
END_TEST

START_TEST(json_without_a_message_is_text)
{
    ck_assert_str_eq(SAYS(JSON, "{\"message\":7}"), "{\"message\":7}");
    ck_assert_str_eq(SAYS(JSON, "[1]"), "[1]");
    ck_assert_str_eq(SAYS(JSON, "{\"mess"), "{\"mess");
}
END_TEST

START_TEST(anything_else_is_text_made_printable)
{
    ck_assert_str_eq(SAYS("text/plain", "try\nlater\x01"), "try later\xef\xbf\xbd");
    ck_assert_str_eq(SAYS(NULL, "try later"), "try later");
    ck_assert_str_eq(SAYS("application/jsonp", "{\"message\":\"no\"}"), "{\"message\":\"no\"}");
}
END_TEST

START_TEST(a_message_is_printable_and_fits)
{
    char body[200] = "\x12\xc4\x01";

    ck_assert_str_eq(SAYS(PROTOBUF, "\x12\x04\x1b[2J"), "\xef\xbf\xbd[2J");
    memset(body + 3, 'a', sizeof body - 3);
    ck_assert_uint_lt(strlen(says(PROTOBUF, body, sizeof body)), sizeof said);
    ck_assert_ptr_nonnull(strstr(said, "\xe2\x80\xa6"));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_protobuf_status_says_its_message_alone);
    suite_test(s, fields_of_every_kind_are_passed_over);
    suite_test(s, a_message_that_was_cut_is_taken_as_far_as_it_goes);
    suite_test(s, nonsense_for_protobuf_says_nothing);
    suite_test(s, a_json_status_says_its_message_alone);
    suite_test(s, json_without_a_message_is_text);
    suite_test(s, anything_else_is_text_made_printable);
    suite_test(s, a_message_is_printable_and_fits);
}

int main(void)
{
    return suite_main("transport: error body", add);
}
