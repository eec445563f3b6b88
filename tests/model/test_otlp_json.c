/* OTLP as JSON. */
#include "tests/model/support_otlp.h"
#include "tests/support/suite.h"

#include <math.h>
#include <string.h>

#define JSON_RECORD(fields) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" fields "}]}]}]}"

START_TEST(json_integers_come_as_strings_or_as_numbers)
{
    static const char *const both[] = {
        JSON_RECORD("\"timeUnixNano\":\"1706688000123456789\",\"observedTimeUnixNano\":\"5\",\"severityNumber\":17,"
                    "\"attributes\":[{\"key\":\"hvfleet.seq\",\"value\":{\"intValue\":\"42\"}},"
                    "{\"key\":\"n\",\"value\":{\"intValue\":\"-9223372036854775808\"}}]"),
        JSON_RECORD("\"timeUnixNano\":1706688000123456789,\"observedTimeUnixNano\":5,\"severityNumber\":\"17\","
                    "\"attributes\":[{\"key\":\"hvfleet.seq\",\"value\":{\"intValue\":42}},"
                    "{\"key\":\"n\",\"value\":{\"intValue\":-9223372036854775808}}]"),
    };

    for (int i = 0; i < 2; i++) {
        struct otlp_request r = otlp_read_json(both[i]);
        const struct observation *o = otlp_only(&r);

        ck_assert_int_eq(o->time_ns, 1706688000123456789);
        ck_assert_int_eq(o->observed_ns, 5);
        ck_assert_int_eq(o->severity, SEVERITY_ERROR);
        ck_assert_uint_eq(o->seq, 42);
        ck_assert_int_eq(obs_get_int(o, "n", 0), INT64_MIN);
        ck_assert_int_eq(o->attr_count, 1);
        otlp_request_free(&r);
    }
}
END_TEST

START_TEST(json_values_of_every_type_are_taken)
{
    struct otlp_request r = otlp_read_json(JSON_RECORD(
        "\"eventName\":\"hyperv.guest.crash\",\"body\":{\"stringValue\":\"it "
        "crashed\"},\"traceId\":\"\",\"attributes\":["
        "{\"key\":\"s\",\"value\":{\"stringValue\":\"a\\u0000\\u001bb\"}},{\"key\":\"d\",\"value\":{\"doubleValue\":0."
        "5}},"
        "{\"key\":\"i\",\"value\":{\"doubleValue\":3}},{\"key\":\"nan\",\"value\":{\"doubleValue\":\"NaN\"}},"
        "{\"key\":\"b\",\"value\":{\"boolValue\":true}},{\"key\":\"raw\",\"value\":{\"bytesValue\":\"aGVsbG8=\"}},"
        "{\"key\":\"hvfleet.cut\",\"value\":{\"boolValue\":true}},{\"key\":\"none\",\"value\":{}},{\"key\":\"no "
        "value\"},"
        "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":1},{\"stringValue\":\"x\"},"
        "{\"kvlistValue\":{\"values\":[{\"key\":\"y\",\"value\":{\"boolValue\":false}}]}}]}}}]"));
    const struct observation *o = otlp_only(&r);

    ck_assert_int_eq(o->kind, OBS_GUEST_CRASH);
    ck_assert_str_eq(o->body, "it crashed");
    ck_assert_str_eq(obs_get_str(o, "s"), "a\xEF\xBF\xBD\xEF\xBF\xBD"
                                          "b");
    ck_assert_double_eq(obs_attr(o, "d")->real, 0.5);
    ck_assert_double_eq(obs_attr(o, "i")->real, 3);
    ck_assert(isnan(obs_attr(o, "nan")->real));
    ck_assert_int_eq(obs_attr(o, "b")->num, 1);
    ck_assert_str_eq(obs_get_str(o, "raw"), "aGVsbG8=");
    ck_assert_str_eq(obs_get_str(o, "list"), "[1,\"x\",{\"y\":false}]");
    ck_assert(o->cut);
    ck_assert_int_eq(o->attr_count, 7);
    otlp_request_free(&r);
}
END_TEST

START_TEST(json_resources_are_taken_too)
{
    struct otlp_request r = otlp_read_json(
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"host.name\",\"value\":{\"stringValue\":\"HV01\"}}"
        ","
        "{\"key\":\"hyperv.cluster.name\",\"value\":{\"stringValue\":\"PROD-A\"}}]},\"scopeLogs\":[]},{}]}");

    ck_assert_str_eq(r.groups->resource.host_name, "HV01");
    ck_assert_str_eq(r.groups->resource.cluster, "PROD-A");
    ck_assert_ptr_nonnull(r.groups->next);
    ck_assert_uint_eq(r.records, 0);
    otlp_request_free(&r);
}
END_TEST

START_TEST(json_of_another_shape_is_refused)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "17",
        "{",
        "{\"resourceLogs\":{}}",
        "{\"resourceLogs\":[7]}",
        "{\"resourceLogs\":[{\"scopeLogs\":1}]}",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":\"x\"}]}]}",
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[\"x\"]}]}]}",
        JSON_RECORD("\"attributes\":{}"),
        JSON_RECORD("\"attributes\":[{\"value\":{\"intValue\":1}}]"),
        JSON_RECORD("\"attributes\":[{\"key\":1,\"value\":{\"intValue\":1}}]"),
        "{\"resourceLogs\":[]} trailing",
        "{\"resourceLogs\":[\xff]}",
    };
    struct otlp_request r;
    struct err e;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e.text[0] = '\0';
        ck_assert_msg(otlp_decode_json(wrong[i], strlen(wrong[i]), NULL, &r, &e) == ERR_INVALID, "taken: %s", wrong[i]);
        ck_assert_ptr_null(r.groups);
        ck_assert_str_ne(e.text, "");
    }
}
END_TEST

START_TEST(json_that_would_grow_past_the_limit_is_refused_before_it_is_parsed)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request r;
    struct buf text;

    buf_init(&text, ROOMY);
    buf_str(&text, "{\"resourceLogs\":[{}");
    for (int i = 0; i < 100 * 1000; i++)
        buf_str(&text, ",{}");
    buf_str(&text, "]}");
    limits.arena_max = 1024 * 1024;
    ck_assert_int_eq(otlp_decode_json(buf_text(&text), text.len, &limits, &r, NULL), ERR_TOO_BIG);
    buf_clear(&text);
    for (int i = 0; i < 1000 * 1000; i++)
        buf_char(&text, '[');
    ck_assert_int_eq(otlp_decode_json(buf_text(&text), text.len, NULL, &r, NULL), ERR_INVALID);
    buf_free(&text);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, json_integers_come_as_strings_or_as_numbers);
    suite_test(s, json_values_of_every_type_are_taken);
    suite_test(s, json_resources_are_taken_too);
    suite_test(s, json_of_another_shape_is_refused);
    suite_test(s, json_that_would_grow_past_the_limit_is_refused_before_it_is_parsed);
}

int main(void)
{
    return suite_main("model: otlp as JSON", add);
}
