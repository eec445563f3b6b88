/* OTLP at its edges: values of a wrong type, numbers at the ends of what they may be, limits of memory met at every
 * byte, and records of which little is known. */
#include "model/otlp.h"
#include "tests/support/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROOMY = 16 * 1024 * 1024 };

#define RECORD(fields) "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{" fields "}]}]}]}"

static struct otlp_request r;
static struct buf out;

static void begin(void)
{
    buf_init(&out, ROOMY);
}

static void end(void)
{
    otlp_request_free(&r);
    buf_free(&out);
}

static int read_json(const char *text, const struct otlp_limits *limits, struct err *e)
{
    otlp_request_free(&r);
    return otlp_decode_json(text, strlen(text), limits, &r, e);
}

static const struct observation *only(void)
{
    ck_assert_uint_eq(r.records, 1);
    return r.groups->batch.first;
}

static const struct observation *record(const char *fields)
{
    struct err e = { 0 };

    buf_clear(&out);
    buf_printf(&out, RECORD("%s"), fields);
    ck_assert_msg(read_json(buf_text(&out), NULL, &e) == 0, "%s", e.text);
    return only();
}

/* What an attribute of that value became; NULL when it was left out. */
static const struct attr *value(const char *any)
{
    char fields[1024];

    snprintf(fields, sizeof fields, "\"attributes\":[{\"key\":\"k\",\"value\":%s}]", any);
    return obs_attr(record(fields), "k");
}

/* ---- JSON: values -------------------------------------------------------- */

START_TEST(json_values_that_are_none_are_left_out)
{
    static const char *const none[] = {
        "{}",
        "7",
        "null",
        "{\"stringValue\":7}",
        "{\"bytesValue\":7}",
        "{\"intValue\":1.5}",
        "{\"intValue\":true}",
        "{\"intValue\":\"\"}",
        "{\"intValue\":\"-\"}",
        "{\"intValue\":\" 5\"}",
        "{\"intValue\":\":\"}",
        "{\"intValue\":\"12x\"}",
        "{\"intValue\":\"9223372036854775808\"}",
        "{\"intValue\":\"-9223372036854775809\"}",
        "{\"doubleValue\":true}",
        "{\"doubleValue\":\"\"}",
        "{\"doubleValue\":\"1.5x\"}",
        "{\"boolValue\":\"true\"}",
        "{\"boolValue\":1}",
    };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert_msg(value(none[i]) == NULL, "taken: %s", none[i]);
        ck_assert_int_eq(only()->attr_count, 0);
    }
}
END_TEST

START_TEST(json_integers_reach_from_the_least_to_the_most)
{
    ck_assert_int_eq(value("{\"intValue\":\"9223372036854775807\"}")->num, INT64_MAX);
    ck_assert_int_eq(value("{\"intValue\":\"-9223372036854775808\"}")->num, INT64_MIN);
    ck_assert_int_eq(value("{\"intValue\":\"0\"}")->num, 0);
}
END_TEST

START_TEST(json_doubles_may_be_words)
{
    ck_assert(isinf(value("{\"doubleValue\":\"-Infinity\"}")->real));
    ck_assert_double_eq(value("{\"doubleValue\":\"0.5\"}")->real, 0.5);
    ck_assert_double_eq(value("{\"doubleValue\":3}")->real, 3);
    ck_assert_double_eq(value("{\"intValue\":\"x\",\"doubleValue\":2.5}")->real, 2.5); /* the first that is one */
}
END_TEST

START_TEST(json_that_is_nested_becomes_text_whatever_its_shape)
{
    static const struct {
        const char *any, *text;
    } cases[] = {
        { "{\"arrayValue\":{}}", "[]" },
        { "{\"arrayValue\":7}", "[]" },
        { "{\"arrayValue\":{\"values\":{}}}", "[]" },
        { "{\"arrayValue\":{\"values\":[7,{}]}}", "[null,null]" },
        { "{\"arrayValue\":{\"values\":[{\"doubleValue\":0.5},{\"boolValue\":true}]}}", "[0.5,true]" },
        { "{\"arrayValue\":{\"values\":[{\"stringValue\":\"\\\"\\\\\"}]}}", "[\"\\\"\\\\\"]" },
        { "{\"kvlistValue\":{}}", "{}" },
        { "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"intValue\":1}},{\"key\":7}]}}",
          "{\"a\":1,\"\":null}" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct attr *a = value(cases[i].any);

        ck_assert_msg(a != NULL && a->type == ATTR_STRING, "left out: %s", cases[i].any);
        ck_assert_str_eq(a->str, cases[i].text);
    }
}
END_TEST

START_TEST(json_nested_deeper_than_allowed_becomes_dots)
{
    struct otlp_limits limits = otlp_limits_default();

    limits.depth_max = 2;
    ck_assert_int_eq(read_json(RECORD("\"body\":{\"arrayValue\":{\"values\":[{\"arrayValue\":{\"values\":["
                                      "{\"arrayValue\":{\"values\":[]}}]}}]}}"),
                               &limits, NULL),
                     0);
    ck_assert_str_eq(only()->body, "[[\"...\"]]");
}
END_TEST

/* ---- JSON: records ------------------------------------------------------- */

START_TEST(json_times_that_are_none_are_not_known)
{
    static const char *const none[] = { "-5",  "0",   "\"\"", "\"abc\"", "\"-5\"", "\"18446744073709551615\"",
                                        "1.5", "null" };
    char fields[128];

    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(fields, sizeof fields, "\"timeUnixNano\":%s,\"observedTimeUnixNano\":7", none[i]);
        ck_assert_msg(record(fields)->time_ns == 0, "%s: %lld", none[i], (long long)only()->time_ns);
        ck_assert_int_eq(only()->observed_ns, 7);
    }
    ck_assert_int_eq(record("\"timeUnixNano\":\"9223372036854775807\"")->time_ns, INT64_MAX);
}
END_TEST

START_TEST(a_body_that_is_no_text_is_written_as_one)
{
    static const struct {
        const char *any, *text;
    } cases[] = {
        { "{\"intValue\":-5}", "-5" },
        { "{\"doubleValue\":0.5}", "0.5" },
        { "{\"boolValue\":false}", "false" },
        { "{\"stringValue\":\"words\"}", "words" },
        { "{}", "" },
        { "{\"kvlistValue\":{\"values\":[]}}", "{}" },
    };
    char fields[128];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(fields, sizeof fields, "\"body\":%s", cases[i].any);
        ck_assert_str_eq(record(fields)->body, cases[i].text);
    }
}
END_TEST

START_TEST(a_kind_of_others_keeps_its_name_and_one_that_is_no_text_has_none)
{
    ck_assert_str_eq(record("\"eventName\":\"not.ours\"")->kind_name, "not.ours");
    ck_assert_int_eq(only()->kind, OBS_OTHER);
    ck_assert_int_eq(record("\"eventName\":7")->kind, OBS_OTHER);
    ck_assert_str_eq(only()->kind_name, obs_kind_name(OBS_OTHER));
}
END_TEST

START_TEST(keys_of_attributes_are_cleaned_and_cut)
{
    char fields[512], key[300];
    const struct observation *o;

    ck_assert_ptr_nonnull(obs_attr(record("\"attributes\":[{\"key\":\"a\\u0000b\",\"value\":{\"intValue\":1}}]"),
                                   "a\xEF\xBF\xBD"
                                   "b"));
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    snprintf(fields, sizeof fields, "\"attributes\":[{\"key\":\"%s\",\"value\":{\"intValue\":1}}]", key);
    o = record(fields);
    ck_assert_int_eq(o->attr_count, 1);
    ck_assert_uint_eq(strlen(o->attrs[0].key), OBS_KEY_MAX);
    ck_assert(o->cut);
}
END_TEST

START_TEST(numbers_and_marks_of_ours_must_be_of_their_type)
{
    const struct observation *o = record("\"attributes\":[{\"key\":\"hvfleet.seq\",\"value\":{\"stringValue\":\"7\"}},"
                                         "{\"key\":\"hvfleet.cut\",\"value\":{\"intValue\":1}}]");

    ck_assert_uint_eq(o->seq, 0);
    ck_assert(!o->cut);
    ck_assert_int_eq(o->attr_count, 2); /* somebody else's, of the same name */
    ck_assert_uint_eq(record("\"attributes\":[{\"key\":\"hvfleet.seq\",\"value\":{\"intValue\":-7}}]")->seq, 0);
    ck_assert(!record("\"attributes\":[{\"key\":\"hvfleet.cut\",\"value\":{\"boolValue\":false}}]")->cut);
}
END_TEST

START_TEST(json_without_any_part_of_it_is_an_empty_request)
{
    static const char *const empty[] = { "{}", "{\"resourceLogs\":[{}]}", "{\"resourceLogs\":[{\"scopeLogs\":[{}]}]}",
                                         "{\"resourceLogs\":[{\"scopeLogs\":[7]}]}" };

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        ck_assert_msg(read_json(empty[i], NULL, NULL) == 0, "%s", empty[i]);
        ck_assert_uint_eq(r.records, 0);
    }
}
END_TEST

START_TEST(a_resource_takes_texts_alone_and_an_agent_id_that_is_one)
{
    ck_assert_int_eq(read_json("{\"resourceLogs\":[{\"resource\":{\"attributes\":["
                               "{\"key\":\"host.name\",\"value\":{\"intValue\":7}},"
                               "{\"key\":\"host.id\",\"value\":{\"stringValue\":\"H\"}},"
                               "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"nonsense\"}}]}}]}",
                               NULL, NULL),
                     0);
    ck_assert_str_eq(r.groups->resource.host_name, "");
    ck_assert_str_eq(r.groups->resource.host_id, "H");
    ck_assert_str_eq(r.groups->resource.agent_id, "");
}
END_TEST

/* ---- limits -------------------------------------------------------------- */

START_TEST(one_record_more_than_allowed_is_refused_in_json_too)
{
    struct otlp_limits limits = otlp_limits_default();
    struct err e = { 0 };

    limits.records_max = 2;
    ck_assert_int_eq(read_json(RECORD("},{"), &limits, &e), 0);
    ck_assert_int_eq(read_json(RECORD("},{},{"), &limits, &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "the request holds more than 2 records: send smaller batches");
    ck_assert_ptr_null(r.groups);
}
END_TEST

/* With a ceiling of one byte more at each turn: refused, and empty, until there is enough of it. */
START_TEST(a_request_is_refused_whole_at_every_ceiling_below_what_it_takes)
{
    static const char two[] = "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"eventName\":\"not.ours\","
                              "\"body\":{\"stringValue\":\"words\"},\"attributes\":[{\"key\":\"k\",\"value\":"
                              "{\"stringValue\":\"v\"}}]}]}]},{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}";
    struct otlp_limits limits = otlp_limits_default();
    size_t enough;
    int rc = ERR_TOO_BIG;

    for (enough = 1; rc != 0 && enough < ROOMY; enough++) {
        struct err e = { 0 };

        limits.arena_max = enough;
        rc = read_json(two, &limits, &e);
        ck_assert_msg(rc == 0 || rc == ERR_TOO_BIG, "%zu bytes: %s", enough, e.text);
        ck_assert_msg(rc == 0 || (r.groups == NULL && r.records == 0), "%zu bytes: not empty", enough);
        ck_assert_msg(rc == 0 || strstr(e.text, "send smaller batches") != NULL, "%zu bytes: %s", enough, e.text);
    }
    ck_assert_uint_eq(r.records, 2);
    ck_assert_str_eq(r.groups->batch.first->kind_name, "not.ours");
    ck_assert_uint_gt(enough, 1000);
}
END_TEST

/* ---- protobuf ------------------------------------------------------------ */

/* A request of one record with one attribute "k" of that AnyValue, all shorter than 128 bytes. */
static const struct observation *protobuf_value(const char *any, size_t len)
{
    const size_t pair = 3 + 2 + len, one = 2 + pair, scope = 2 + one, logs = 2 + scope;
    struct err e = { 0 };

    ck_assert_uint_lt(logs, 128);
    otlp_request_free(&r);
    buf_clear(&out);
    buf_printf(&out, "\x0a%c\x12%c\x12%c\x32%c\x0a\x01k\x12%c", (int)logs, (int)scope, (int)one, (int)pair, (int)len);
    buf_add(&out, any, len);
    ck_assert_msg(otlp_decode(buf_text(&out), out.len, NULL, &r, &e) == 0, "%s", e.text);
    return only();
}

#define PROTOBUF_VALUE(bytes) obs_get_str(protobuf_value(bytes, sizeof bytes - 1), "k")

START_TEST(a_protobuf_request_is_refused_whole_at_every_ceiling_below_what_it_takes)
{
    struct otlp_limits limits = otlp_limits_default();
    struct observation o = { .kind_name = "not.ours", .body = "words", .seq = 7, .cut = true };
    struct otlp_payload p[2];
    struct buf bytes;
    int rc = ERR_TOO_BIG;

    buf_init(&bytes, ROOMY);
    ck_assert_int_eq(otlp_encode_record(&o, &bytes, NULL), 0);
    p[0] = p[1] = (struct otlp_payload){ bytes.data, bytes.len };
    ck_assert_int_eq(otlp_encode_request(&(struct resource){ .host_id = "H" }, p, 2, &out, NULL), 0);
    for (limits.arena_max = 1; rc != 0 && limits.arena_max < ROOMY; limits.arena_max++) {
        struct err e = { 0 };

        rc = otlp_decode(out.data, out.len, &limits, &r, &e);
        ck_assert_msg(rc == 0 || rc == ERR_TOO_BIG, "%zu bytes: %s", limits.arena_max, e.text);
        ck_assert_msg(rc == 0 || (r.groups == NULL && r.records == 0), "%zu bytes: not empty", limits.arena_max);
    }
    ck_assert_uint_eq(r.records, 2);
    ck_assert_str_eq(r.groups->batch.last->kind_name, "not.ours");
    ck_assert_str_eq(r.groups->batch.last->body, "words");
    ck_assert_uint_eq(r.groups->batch.last->seq, 7);
    ck_assert(r.groups->batch.last->cut);
    buf_free(&bytes);
}
END_TEST

START_TEST(a_long_text_in_bytes_is_cut_where_a_string_must_end)
{
    struct buf any, list;
    static char many[OBS_STRING_MAX];

    buf_init(&any, ROOMY);
    buf_init(&list, ROOMY);
    buf_printf(&any,
               RECORD("\"attributes\":[{\"key\":\"k\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\""));
    memset(many, 'm', sizeof many);
    buf_add(&list, buf_text(&any), any.len - strlen("}]}]}]}"));
    buf_add(&list, many, sizeof many);
    buf_str(&list, "\"}]}}}]"
                   "}]}]}]}");
    ck_assert_int_eq(read_json(buf_text(&list), NULL, NULL), 0);
    ck_assert(only()->cut);
    ck_assert_uint_eq(strlen(obs_get_str(only(), "k")), OBS_STRING_MAX);
    buf_free(&any);
    buf_free(&list);
}
END_TEST

START_TEST(fields_that_nobody_knows_in_a_nested_value_are_skipped)
{
    /* A map of: field 3, a number; an entry; field 1 as a number; an entry with a field 5 and a double. */
    ck_assert_str_eq(PROTOBUF_VALUE("\x32\x1f"
                                    "\x18\x07"
                                    "\x0a\x07\x0a\x01y\x12\x02\x18\x07"
                                    "\x08\x07"
                                    "\x0a\x10\x0a\x01z\x28\x01\x12\x09\x21\x00\x00\x00\x00\x00\x00\xe0\x3f"),
                     "{\"y\":7,\"z\":0.5}");
    /* An array of: field 2, a text; a number; field 1 as a number. */
    ck_assert_str_eq(PROTOBUF_VALUE("\x2a\x09"
                                    "\x12\x01x"
                                    "\x0a\x02\x18\x01"
                                    "\x08\x07"),
                     "[1]");
    /* The value itself: a field 9, a text as a number, and then the text. */
    ck_assert_str_eq(PROTOBUF_VALUE("\x48\x01\x08\x01\x0a\x02ok"), "ok");
}
END_TEST

static size_t encoded(const struct observation *o)
{
    struct otlp_payload p;
    struct buf bytes;

    buf_init(&bytes, ROOMY);
    buf_clear(&out);
    ck_assert_int_eq(otlp_encode_record(o, &bytes, NULL), 0);
    p = (struct otlp_payload){ bytes.data, bytes.len };
    ck_assert_int_eq(otlp_encode_request(&(struct resource){ .host_id = "H" }, &p, 1, &out, NULL), 0);
    otlp_request_free(&r);
    ck_assert_int_eq(otlp_decode(out.data, out.len, NULL, &r, NULL), 0);
    buf_free(&bytes);
    return out.len;
}

START_TEST(a_record_of_which_nothing_is_known_comes_back_so)
{
    struct observation o = { .kind = OBS_OTHER, .kind_name = "", .body = "", .severity = SEVERITY_INFO };

    encoded(&o);
    ck_assert_int_eq(only()->time_ns, 0);
    ck_assert_int_eq(only()->observed_ns, 0);
    ck_assert_str_eq(only()->body, "");
    ck_assert_int_eq(only()->severity, SEVERITY_INFO);
}
END_TEST

/* Whether the last message holds that text. */
static bool holds(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + len <= out.len; i++) {
        if (memcmp(out.data + i, text, len) == 0)
            return true;
    }
    return false;
}

START_TEST(each_severity_has_the_text_of_its_range)
{
    static const struct {
        int from, to;
        const char *text;
    } ranges[] = { { 1, 4, "TRACE" },  { 5, 8, "DEBUG" },   { 9, 12, "INFO" },
                   { 13, 16, "WARN" }, { 17, 20, "ERROR" }, { 21, 24, "FATAL" } };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        for (int n = ranges[i].from; n <= ranges[i].to; n++) {
            struct observation o = { .kind_name = "", .body = "", .severity = (enum obs_severity)n };

            encoded(&o);
            ck_assert_int_eq(only()->severity, n);
            ck_assert_msg(holds(ranges[i].text), "%d is no %s", n, ranges[i].text);
        }
    }
}
END_TEST

START_TEST(without_room_a_request_and_a_reply_are_refused_and_nothing_is_written)
{
    struct otlp_payload p = { "", 0 };
    struct err e = { 0 };
    struct buf small;

    buf_init(&small, 8);
    ck_assert_int_eq(otlp_encode_request(&(struct resource){ .host_id = "H" }, &p, 1, &small, &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "an OTLP message does not fit into 8 bytes");
    buf_clear(&small);
    ck_assert_int_eq(otlp_encode_response(1, "a long sentence", &small, &e), ERR_TOO_BIG);
    ck_assert_uint_eq(small.len, 0);
    buf_free(&small);
}
END_TEST

START_TEST(a_reply_holds_what_there_is_to_say)
{
    ck_assert_int_eq(otlp_encode_response(0, NULL, &out, NULL), 0);
    ck_assert_int_eq(otlp_encode_response(0, "", &out, NULL), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(otlp_encode_response(300, NULL, &out, NULL), 0);
    ck_assert_mem_eq(out.data, "\x0a\x03\x08\xac\x02", 5);
    ck_assert_uint_eq(out.len, 5);
    buf_clear(&out);
    ck_assert_int_eq(otlp_encode_response(0, "no", &out, NULL), 0); /* a warning: nothing was rejected */
    ck_assert_mem_eq(out.data, "\x0a\x04\x12\x02no", 6);
    ck_assert_uint_eq(out.len, 6);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "edges");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, json_values_that_are_none_are_left_out);
    tcase_add_test(c, json_integers_reach_from_the_least_to_the_most);
    tcase_add_test(c, json_doubles_may_be_words);
    tcase_add_test(c, json_that_is_nested_becomes_text_whatever_its_shape);
    tcase_add_test(c, json_nested_deeper_than_allowed_becomes_dots);
    tcase_add_test(c, json_times_that_are_none_are_not_known);
    tcase_add_test(c, a_body_that_is_no_text_is_written_as_one);
    tcase_add_test(c, a_kind_of_others_keeps_its_name_and_one_that_is_no_text_has_none);
    tcase_add_test(c, keys_of_attributes_are_cleaned_and_cut);
    tcase_add_test(c, numbers_and_marks_of_ours_must_be_of_their_type);
    tcase_add_test(c, json_without_any_part_of_it_is_an_empty_request);
    tcase_add_test(c, a_resource_takes_texts_alone_and_an_agent_id_that_is_one);
    tcase_add_test(c, one_record_more_than_allowed_is_refused_in_json_too);
    tcase_add_test(c, a_request_is_refused_whole_at_every_ceiling_below_what_it_takes);
    tcase_add_test(c, a_protobuf_request_is_refused_whole_at_every_ceiling_below_what_it_takes);
    tcase_add_test(c, a_long_text_in_bytes_is_cut_where_a_string_must_end);
    tcase_add_test(c, fields_that_nobody_knows_in_a_nested_value_are_skipped);
    tcase_add_test(c, a_record_of_which_nothing_is_known_comes_back_so);
    tcase_add_test(c, each_severity_has_the_text_of_its_range);
    tcase_add_test(c, without_room_a_request_and_a_reply_are_refused_and_nothing_is_written);
    tcase_add_test(c, a_reply_holds_what_there_is_to_say);
}

int main(void)
{
    return suite_main("model: otlp at its edges", add);
}
