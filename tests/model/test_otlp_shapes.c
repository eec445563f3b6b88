/* OTLP that others made: fields in any order, unknown ones, nested values, values that are too long. */
#include "tests/model/support_otlp.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(fields_may_come_in_another_order_with_unknown_ones_between)
{
    struct buf record, any, out;
    struct otlp_request r;
    const struct observation *o;

    buf_init(&record, ROOMY);
    buf_init(&any, ROOMY);
    buf_init(&out, ROOMY);
    pb_text(&record, 12, "hyperv.guest.crash");
    pb_number(&record, 7, 3); /* dropped_attributes_count */
    pb_text(&record, 9, "0123456789abcdef");
    pb_text(&any, 1, "late key");
    pb_pair(&record, 6, "k", &any, true);
    pb_fixed64(&record, 11, 22);
    pb_fixed64(&record, 1999, 7);
    pb_text(&any, 1, "says so");
    pb_nest(&record, 5, &any);
    pb_number(&record, 2, SEVERITY_FATAL);
    pb_fixed64(&record, 1, 11);
    pb_record(&out, &record);
    r = otlp_read(&out);
    o = otlp_only(&r);
    ck_assert_int_eq(o->kind, OBS_GUEST_CRASH);
    ck_assert_int_eq(o->time_ns, 11);
    ck_assert_int_eq(o->observed_ns, 22);
    ck_assert_int_eq(o->severity, SEVERITY_FATAL);
    ck_assert_str_eq(o->body, "says so");
    ck_assert_str_eq(obs_get_str(o, "k"), "late key");
    ck_assert_int_eq(o->attr_count, 1);
    otlp_request_free(&r);
    buf_free(&record);
    buf_free(&any);
    buf_free(&out);
}
END_TEST

START_TEST(a_known_field_of_another_wire_type_is_skipped)
{
    struct buf record, out;
    struct otlp_request r;

    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    pb_number(&record, 1, 5);
    pb_text(&record, 11, "when");
    pb_number(&record, 12, 9);
    pb_number(&record, 5, 1);
    pb_number(&record, 6, 1);
    pb_record(&out, &record);
    r = otlp_read(&out);
    ck_assert_int_eq(otlp_only(&r)->time_ns, 0);
    ck_assert_int_eq(otlp_only(&r)->observed_ns, 0);
    ck_assert_str_eq(otlp_only(&r)->kind_name, "");
    ck_assert_int_eq(otlp_only(&r)->attr_count, 0);
    otlp_request_free(&r);
    buf_free(&record);
    buf_free(&out);
}
END_TEST

START_TEST(the_resource_may_follow_its_records)
{
    struct buf record, scope, logs, resource, any, out;
    struct otlp_request r;

    buf_init(&record, ROOMY);
    buf_init(&scope, ROOMY);
    buf_init(&logs, ROOMY);
    buf_init(&resource, ROOMY);
    buf_init(&any, ROOMY);
    buf_init(&out, ROOMY);
    pb_text(&record, 12, "hvfleet.gap");
    pb_nest(&scope, 2, &record);
    pb_nest(&logs, 2, &scope);
    pb_text(&any, 1,
            "HV\x1b"
            "09");
    pb_pair(&resource, 1, "host.name", &any, false);
    pb_text(&any, 1, "{d9e0eb0a-5b37-508e-9173-67e9ade83acf}");
    pb_pair(&resource, 1, "service.instance.id", &any, false);
    pb_number(&any, 3, 5);
    pb_pair(&resource, 1, "host.id", &any, false);
    pb_nest(&logs, 1, &resource);
    pb_nest(&out, 1, &logs);
    r = otlp_read(&out);
    ck_assert_int_eq(otlp_only(&r)->kind, OBS_GAP);
    ck_assert_str_eq(r.groups->resource.host_name, "HV\xEF\xBF\xBD"
                                                   "09");
    ck_assert_str_eq(r.groups->resource.agent_id, "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    ck_assert_str_eq(r.groups->resource.host_id, "");
    otlp_request_free(&r);
    buf_free(&record);
    buf_free(&scope);
    buf_free(&logs);
    buf_free(&resource);
    buf_free(&any);
    buf_free(&out);
}
END_TEST

/* AnyValue { array_value { values { ... } } } around what any holds. */
static void in_array(struct buf *any)
{
    struct buf array;

    buf_init(&array, ROOMY);
    pb_nest(&array, 1, any);
    pb_nest(any, 5, &array);
    buf_free(&array);
}

static char *nested_as_text(struct buf *any)
{
    struct buf record, out;
    struct otlp_request r;
    char *text;

    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    pb_pair(&record, 6, "k", any, false);
    pb_record(&out, &record);
    r = otlp_read(&out);
    text = strdup(obs_get_str(otlp_only(&r), "k"));
    otlp_request_free(&r);
    buf_free(&record);
    buf_free(&out);
    return text;
}

START_TEST(arrays_maps_and_bytes_become_text)
{
    struct buf any, inner, list;
    char *text;

    buf_init(&any, ROOMY);
    buf_init(&inner, ROOMY);
    buf_init(&list, ROOMY);
    pb_text(&inner, 1, "a\"b");
    pb_nest(&list, 1, &inner);
    pb_number(&inner, 3, (uint64_t)-7);
    pb_nest(&list, 1, &inner);
    pb_number(&inner, 2, 1);
    pb_nest(&list, 1, &inner);
    pb_nest(&list, 1, &inner);
    pb_nest(&any, 5, &list);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "[\"a\\\"b\",-7,true,null]");
    free(text);
    pb_text(&inner, 1, "v");
    pb_pair(&list, 1, "first", &inner, true);
    pb_field(&inner, 7, "\xff\x00\x10\x20", 4);
    pb_pair(&list, 1, "second", &inner, false);
    pb_nest(&any, 6, &list);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "{\"first\":\"v\",\"second\":\"/wAQIA==\"}");
    free(text);
    pb_field(&any, 7, "hello", 5);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "aGVsbG8=");
    free(text);
    buf_free(&any);
    buf_free(&inner);
    buf_free(&list);
}
END_TEST

START_TEST(nesting_deeper_than_allowed_becomes_dots)
{
    struct buf any;
    char *text;

    buf_init(&any, ROOMY);
    pb_number(&any, 3, 1);
    for (int i = 0; i < 500; i++)
        in_array(&any);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "[[[[[[[[\"...\"]]]]]]]]");
    free(text);
    buf_free(&any);
}
END_TEST

START_TEST(a_nested_value_larger_than_a_string_may_be_is_cut_and_marked)
{
    struct buf any, inner, list, record, out;
    struct otlp_request r;

    buf_init(&any, ROOMY);
    buf_init(&inner, ROOMY);
    buf_init(&list, ROOMY);
    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    for (int i = 0; i < OBS_STRING_MAX; i++) {
        pb_number(&inner, 3, 1);
        pb_nest(&list, 1, &inner);
    }
    pb_nest(&any, 5, &list);
    pb_pair(&record, 6, "k", &any, false);
    pb_record(&out, &record);
    r = otlp_read(&out);
    ck_assert(otlp_only(&r)->cut);
    ck_assert_uint_le(strlen(obs_get_str(otlp_only(&r), "k")), OBS_STRING_MAX);
    otlp_request_free(&r);
    buf_free(&any);
    buf_free(&inner);
    buf_free(&list);
    buf_free(&record);
    buf_free(&out);
}
END_TEST

START_TEST(bytes_longer_than_a_string_may_be_are_cut_and_marked)
{
    static const char zeros[OBS_STRING_MAX];
    struct buf any, record, out;
    struct otlp_request r;

    buf_init(&any, ROOMY);
    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    pb_field(&any, 7, zeros, sizeof zeros);
    pb_pair(&record, 6, "k", &any, false);
    pb_record(&out, &record);
    r = otlp_read(&out);
    ck_assert(otlp_only(&r)->cut);
    ck_assert_uint_le(strlen(obs_get_str(otlp_only(&r), "k")), OBS_STRING_MAX);
    ck_assert_uint_ge(strlen(obs_get_str(otlp_only(&r), "k")), OBS_STRING_MAX - 4);
    otlp_request_free(&r);
    buf_free(&any);
    buf_free(&record);
    buf_free(&out);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, fields_may_come_in_another_order_with_unknown_ones_between);
    suite_test(s, a_known_field_of_another_wire_type_is_skipped);
    suite_test(s, the_resource_may_follow_its_records);
    suite_test(s, arrays_maps_and_bytes_become_text);
    suite_test(s, nesting_deeper_than_allowed_becomes_dots);
    suite_test(s, a_nested_value_larger_than_a_string_may_be_is_cut_and_marked);
    suite_test(s, bytes_longer_than_a_string_may_be_are_cut_and_marked);
}

int main(void)
{
    return suite_main("model: otlp of others", add);
}
