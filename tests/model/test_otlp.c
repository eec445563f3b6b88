/* Observations to OTLP and back, and OTLP that others made, well or badly. */
#include "model/otlp.h"
#include "tests/support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOMY = 16 * 1024 * 1024 };

/* ---- protobuf by hand --------------------------------------------------- */

static void varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_char(b, (char)(v | 0x80));
    buf_char(b, (char)v);
}

static void field(struct buf *b, int tag, const void *bytes, size_t len)
{
    varint(b, (uint64_t)tag << 3 | 2);
    varint(b, len);
    buf_add(b, bytes, len);
}

static void text_field(struct buf *b, int tag, const char *text)
{
    field(b, tag, text, strlen(text));
}

static void number_field(struct buf *b, int tag, uint64_t v)
{
    varint(b, (uint64_t)tag << 3);
    varint(b, v);
}

static void fixed64_field(struct buf *b, int tag, uint64_t v)
{
    varint(b, (uint64_t)tag << 3 | 1);
    for (int i = 0; i < 8; i++)
        buf_char(b, (char)(v >> 8 * i));
}

/* Appends inner as field tag of b and empties it. */
static void nest(struct buf *b, int tag, struct buf *inner)
{
    field(b, tag, buf_text(inner), inner->len);
    buf_clear(inner);
}

/* A KeyValue with the given AnyValue; the value first when asked. */
static void pair(struct buf *b, int tag, const char *key, struct buf *any, bool value_first)
{
    struct buf kv;

    buf_init(&kv, ROOMY);
    if (!value_first)
        text_field(&kv, 1, key);
    nest(&kv, 2, any);
    if (value_first)
        text_field(&kv, 1, key);
    nest(b, tag, &kv);
    buf_free(&kv);
}

/* ---- around the code under test ----------------------------------------- */

static struct otlp_request decode(const struct buf *b)
{
    struct otlp_request r;
    struct err e = { .code = 0 };
    int rc = otlp_decode(buf_text(b), b->len, NULL, &r, &e);

    ck_assert_msg(rc == 0, "decode: %s", e.text);
    return r;
}

static struct otlp_request decode_json(const char *text)
{
    struct otlp_request r;
    struct err e = { .code = 0 };
    int rc = otlp_decode_json(text, strlen(text), NULL, &r, &e);

    ck_assert_msg(rc == 0, "decode: %s", e.text);
    return r;
}

static const struct observation *only(const struct otlp_request *r)
{
    ck_assert_uint_eq(r->records, 1);
    return r->groups->batch.first;
}

/* One record's fields as a whole request. */
static void wrap(struct buf *out, struct buf *record)
{
    struct buf scope, logs;

    buf_init(&scope, ROOMY);
    buf_init(&logs, ROOMY);
    nest(&scope, 2, record);
    nest(&logs, 2, &scope);
    nest(out, 1, &logs);
    buf_free(&scope);
    buf_free(&logs);
}

static void encode_all(const struct obs_batch *batch, const struct resource *r, struct buf *out)
{
    struct otlp_payload payloads[64] = { { NULL, 0 } };
    struct buf bytes[64];
    size_t n = 0;

    for (const struct observation *o = batch->first; o != NULL; o = o->next, n++) {
        buf_init(&bytes[n], ROOMY);
        ck_assert_int_eq(otlp_encode_record(o, &bytes[n], NULL), 0);
        payloads[n] = (struct otlp_payload){ buf_text(&bytes[n]), bytes[n].len };
    }
    ck_assert_int_eq(otlp_encode_request(r, payloads, n, out, NULL), 0);
    for (size_t i = 0; i < n; i++)
        buf_free(&bytes[i]);
}

static void same_attr(const struct attr *a, const struct attr *b)
{
    ck_assert_str_eq(a->key, b->key);
    ck_assert_int_eq(a->type, b->type);
    ck_assert_int_eq(a->num, b->num);
    ck_assert_double_eq(a->real, b->real);
    ck_assert_uint_eq(a->len, b->len);
    if (a->type == ATTR_STRING)
        ck_assert_str_eq(a->str, b->str);
}

static void same_observation(const struct observation *a, const struct observation *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_str_eq(a->kind_name, b->kind_name);
    ck_assert_int_eq(a->time_ns, b->time_ns);
    ck_assert_int_eq(a->observed_ns, b->observed_ns);
    ck_assert_int_eq(a->severity, b->severity);
    ck_assert_str_eq(a->body, b->body);
    ck_assert_uint_eq(a->seq, b->seq);
    ck_assert_int_eq(a->cut, b->cut);
    ck_assert_int_eq(a->attr_count, b->attr_count);
    for (int i = 0; i < a->attr_count; i++)
        same_attr(&a->attrs[i], &b->attrs[i]);
}

static const struct resource full_resource = {
    .service_name = "hvagent",
    .agent_id = "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF",
    .agent_version = "0.1.0",
    .host_id = "4C4C4544-0042-3510-8054-B7C04F4E4D32",
    .host_name = "HV01",
    .os_version = "6.3.9600.20778",
    .cluster = "PROD-A",
    .is_win6x = "6.3.9600.18692",
    .is_win5x = "6.3.9600.18339",
};

static void fill(struct observation *o, uint64_t seq)
{
    static const enum obs_severity severities[] = { SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR,
                                                    SEVERITY_FATAL };

    o->severity = severities[seq % 5];
    o->seq = seq;
    o->cut = seq % 2 == 0;
    obs_body(o, "observation %d of \xC3\xA9very kind", (int)seq);
    obs_str(o, ATTR_VM_NAME, "vm \xE2\x82\xAC");
    obs_int(o, "int.least", INT64_MIN);
    obs_int(o, "int.most", INT64_MAX);
    obs_int(o, "int.zero", 0);
    obs_double(o, "double", -0.5e300);
    obs_bool(o, "yes", true);
    obs_bool(o, "no", false);
}

/* ---- tests -------------------------------------------------------------- */

START_TEST(every_kind_and_every_type_of_value_comes_back_as_it_went)
{
    struct obs_batch batch;
    struct otlp_request r;
    struct buf out;
    const struct observation *got;

    obs_batch_init(&batch, ROOMY);
    buf_init(&out, ROOMY);
    for (int k = 0; k < OBS_KIND_COUNT; k++)
        fill(obs_new(&batch, (enum obs_kind)k, k == 3 ? 0 : 1706688000123456789 + k, 1706688000999999999 + k),
             (uint64_t)k);
    batch.first->kind_name = "somebody.elses.kind";
    encode_all(&batch, &full_resource, &out);
    r = decode(&out);
    ck_assert_ptr_nonnull(r.groups);
    ck_assert_ptr_null(r.groups->next);
    ck_assert_uint_eq(r.records, OBS_KIND_COUNT);
    got = r.groups->batch.first;
    for (const struct observation *o = batch.first; o != NULL; o = o->next, got = got->next)
        same_observation(o, got);
    ck_assert_mem_eq(&r.groups->resource, &full_resource, sizeof full_resource);
    otlp_request_free(&r);
    obs_batch_free(&batch);
    buf_free(&out);
}
END_TEST

START_TEST(a_framed_payload_costs_what_was_said)
{
    static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384, 70000 };
    char *zeros = calloc(1, 70000);
    struct buf two, three;

    buf_init(&two, ROOMY);
    buf_init(&three, ROOMY);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct otlp_payload p[3] = { { zeros, 70000 }, { zeros, 70000 }, { zeros, lengths[i] } };

        buf_clear(&two);
        buf_clear(&three);
        ck_assert_int_eq(otlp_encode_request(&full_resource, p, 2, &two, NULL), 0);
        ck_assert_int_eq(otlp_encode_request(&full_resource, p, 3, &three, NULL), 0);
        /* The lengths of the messages around it can grow by a byte each. */
        ck_assert_uint_ge(three.len, two.len + otlp_framed_size(lengths[i]));
        ck_assert_uint_le(three.len, two.len + otlp_framed_size(lengths[i]) + 2);
    }
    free(zeros);
    buf_free(&two);
    buf_free(&three);
}
END_TEST

START_TEST(what_is_around_the_payloads_is_no_more_than_was_said)
{
    static const size_t lengths[] = { 0, 1, 127, 16384, 3 * 1024 * 1024 };
    char *zeros = calloc(1, lengths[4]);
    struct buf out;

    buf_init(&out, 4 * ROOMY);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct otlp_payload p = { zeros, lengths[i] };
        size_t most = otlp_envelope_max(&full_resource) + otlp_framed_size(lengths[i]);

        buf_clear(&out);
        ck_assert_int_eq(otlp_encode_request(&full_resource, &p, 1, &out, NULL), 0);
        ck_assert_uint_le(out.len, most);
        ck_assert_uint_ge(out.len + 8, most);
    }
    free(zeros);
    buf_free(&out);
}
END_TEST

START_TEST(a_record_that_does_not_fit_leaves_the_buffer_as_it_was)
{
    struct obs_batch batch;
    struct buf out;
    struct err e;

    obs_batch_init(&batch, ROOMY);
    fill(obs_new(&batch, OBS_GAP, 1, 2), 1);
    buf_init(&out, 20);
    buf_str(&out, "before");
    ck_assert_int_eq(otlp_encode_record(batch.first, &out, &e), ERR_TOO_BIG);
    ck_assert_str_eq(buf_text(&out), "before");
    ck_assert_str_ne(e.text, "");
    obs_batch_free(&batch);
    buf_free(&out);
}
END_TEST

START_TEST(an_empty_request_has_no_records)
{
    struct otlp_request r;
    struct buf out;

    ck_assert_int_eq(otlp_decode(NULL, 0, NULL, &r, NULL), 0);
    ck_assert_ptr_null(r.groups);
    buf_init(&out, ROOMY);
    ck_assert_int_eq(otlp_encode_request(&full_resource, NULL, 0, &out, NULL), 0);
    r = decode(&out);
    ck_assert_uint_eq(r.records, 0);
    ck_assert_str_eq(r.groups->resource.host_name, "HV01");
    otlp_request_free(&r);
    buf_free(&out);
}
END_TEST

START_TEST(fields_may_come_in_another_order_with_unknown_ones_between)
{
    struct buf record, any, out;
    struct otlp_request r;
    const struct observation *o;

    buf_init(&record, ROOMY);
    buf_init(&any, ROOMY);
    buf_init(&out, ROOMY);
    text_field(&record, 12, "hyperv.guest.crash");
    number_field(&record, 7, 3); /* dropped_attributes_count */
    text_field(&record, 9, "0123456789abcdef");
    text_field(&any, 1, "late key");
    pair(&record, 6, "k", &any, true);
    fixed64_field(&record, 11, 22);
    fixed64_field(&record, 1999, 7);
    text_field(&any, 1, "says so");
    nest(&record, 5, &any);
    number_field(&record, 2, SEVERITY_FATAL);
    fixed64_field(&record, 1, 11);
    wrap(&out, &record);
    r = decode(&out);
    o = only(&r);
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
    number_field(&record, 1, 5);
    text_field(&record, 11, "when");
    number_field(&record, 12, 9);
    number_field(&record, 5, 1);
    number_field(&record, 6, 1);
    wrap(&out, &record);
    r = decode(&out);
    ck_assert_int_eq(only(&r)->time_ns, 0);
    ck_assert_int_eq(only(&r)->observed_ns, 0);
    ck_assert_str_eq(only(&r)->kind_name, "");
    ck_assert_int_eq(only(&r)->attr_count, 0);
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
    text_field(&record, 12, "hvfleet.gap");
    nest(&scope, 2, &record);
    nest(&logs, 2, &scope);
    text_field(&any, 1,
               "HV\x1b"
               "09");
    pair(&resource, 1, "host.name", &any, false);
    text_field(&any, 1, "{d9e0eb0a-5b37-508e-9173-67e9ade83acf}");
    pair(&resource, 1, "service.instance.id", &any, false);
    number_field(&any, 3, 5);
    pair(&resource, 1, "host.id", &any, false);
    nest(&logs, 1, &resource);
    nest(&out, 1, &logs);
    r = decode(&out);
    ck_assert_int_eq(only(&r)->kind, OBS_GAP);
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
    nest(&array, 1, any);
    nest(any, 5, &array);
    buf_free(&array);
}

static char *nested_as_text(struct buf *any)
{
    struct buf record, out;
    struct otlp_request r;
    char *text;

    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    pair(&record, 6, "k", any, false);
    wrap(&out, &record);
    r = decode(&out);
    text = strdup(obs_get_str(only(&r), "k"));
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
    text_field(&inner, 1, "a\"b");
    nest(&list, 1, &inner);
    number_field(&inner, 3, (uint64_t)-7);
    nest(&list, 1, &inner);
    number_field(&inner, 2, 1);
    nest(&list, 1, &inner);
    nest(&list, 1, &inner);
    nest(&any, 5, &list);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "[\"a\\\"b\",-7,true,null]");
    free(text);
    text_field(&inner, 1, "v");
    pair(&list, 1, "first", &inner, true);
    field(&inner, 7, "\xff\x00\x10\x20", 4);
    pair(&list, 1, "second", &inner, false);
    nest(&any, 6, &list);
    text = nested_as_text(&any);
    ck_assert_str_eq(text, "{\"first\":\"v\",\"second\":\"/wAQIA==\"}");
    free(text);
    field(&any, 7, "hello", 5);
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
    number_field(&any, 3, 1);
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
        number_field(&inner, 3, 1);
        nest(&list, 1, &inner);
    }
    nest(&any, 5, &list);
    pair(&record, 6, "k", &any, false);
    wrap(&out, &record);
    r = decode(&out);
    ck_assert(only(&r)->cut);
    ck_assert_uint_le(strlen(obs_get_str(only(&r), "k")), OBS_STRING_MAX);
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
    field(&any, 7, zeros, sizeof zeros);
    pair(&record, 6, "k", &any, false);
    wrap(&out, &record);
    r = decode(&out);
    ck_assert(only(&r)->cut);
    ck_assert_uint_le(strlen(obs_get_str(only(&r), "k")), OBS_STRING_MAX);
    ck_assert_uint_ge(strlen(obs_get_str(only(&r), "k")), OBS_STRING_MAX - 4);
    otlp_request_free(&r);
    buf_free(&any);
    buf_free(&record);
    buf_free(&out);
}
END_TEST

/* A request with one of everything. */
static void sample(struct buf *out)
{
    struct obs_batch batch;

    obs_batch_init(&batch, ROOMY);
    fill(obs_new(&batch, OBS_GUEST_CRASH, 1, 2), 1);
    fill(obs_new(&batch, OBS_GAP, 1, 2), 2);
    encode_all(&batch, &full_resource, out);
    obs_batch_free(&batch);
}

START_TEST(cut_off_at_any_byte_it_is_refused_with_the_place)
{
    struct otlp_request r;
    struct buf out;
    struct err e;

    buf_init(&out, ROOMY);
    sample(&out);
    for (size_t len = 1; len < out.len; len++) {
        char *exact = malloc(len); /* so that a checker sees a read past the end */

        memcpy(exact, out.data, len);
        ck_assert_msg(otlp_decode(exact, len, NULL, &r, &e) == ERR_INVALID, "taken at %zu of %zu bytes", len, out.len);
        ck_assert_ptr_null(r.groups);
        ck_assert_uint_eq(r.records, 0);
        ck_assert_ptr_nonnull(strstr(e.text, "at byte "));
        free(exact);
    }
    buf_free(&out);
}
END_TEST

START_TEST(any_byte_changed_is_survived)
{
    struct otlp_request r;
    struct buf out;

    buf_init(&out, ROOMY);
    sample(&out);
    for (size_t i = 0; i < out.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            out.data[i] ^= (char)(1 << bit);
            if (otlp_decode(out.data, out.len, NULL, &r, NULL) == 0)
                otlp_request_free(&r);
            out.data[i] ^= (char)(1 << bit);
        }
    }
    buf_free(&out);
}
END_TEST

START_TEST(more_records_than_allowed_are_refused)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request r;
    struct buf out;
    struct err e;

    buf_init(&out, ROOMY);
    sample(&out);
    limits.records_max = 2;
    ck_assert_int_eq(otlp_decode(out.data, out.len, &limits, &r, &e), 0);
    otlp_request_free(&r);
    limits.records_max = 1;
    ck_assert_int_eq(otlp_decode(out.data, out.len, &limits, &r, &e), ERR_TOO_BIG);
    ck_assert_ptr_null(r.groups);
    buf_free(&out);
}
END_TEST

START_TEST(more_memory_than_allowed_is_refused)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request r;
    struct buf out;
    struct err e;

    buf_init(&out, ROOMY);
    sample(&out);
    for (size_t max = 1; max < 3072; max += 64) {
        limits.arena_max = max;
        ck_assert_int_eq(otlp_decode(out.data, out.len, &limits, &r, &e), ERR_TOO_BIG);
    }
    buf_clear(&out);
    for (int i = 0; i < 50 * 1000; i++) /* empty groups, two bytes each */
        field(&out, 1, "", 0);
    limits.arena_max = 1024 * 1024;
    ck_assert_int_eq(otlp_decode(out.data, out.len, &limits, &r, &e), ERR_TOO_BIG);
    buf_free(&out);
}
END_TEST

START_TEST(times_that_do_not_fit_are_not_known)
{
    struct buf record, out;
    struct otlp_request r;

    buf_init(&record, ROOMY);
    buf_init(&out, ROOMY);
    fixed64_field(&record, 1, UINT64_MAX);
    fixed64_field(&record, 11, INT64_MAX);
    number_field(&record, 2, 4000000000u);
    wrap(&out, &record);
    r = decode(&out);
    ck_assert_int_eq(only(&r)->time_ns, 0);
    ck_assert_int_eq(only(&r)->observed_ns, INT64_MAX);
    ck_assert_int_eq(only(&r)->severity, SEVERITY_INFO);
    otlp_request_free(&r);
    buf_free(&record);
    buf_free(&out);
}
END_TEST

START_TEST(the_reply_is_empty_unless_something_was_rejected)
{
    struct buf out;

    buf_init(&out, ROOMY);
    ck_assert_int_eq(otlp_encode_response(0, NULL, &out, NULL), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(otlp_encode_response(3, "no", &out, NULL), 0);
    ck_assert_uint_eq(out.len, 8);
    ck_assert_mem_eq(out.data, "\x0a\x06\x08\x03\x12\x02no", 8);
    buf_free(&out);
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

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
        struct otlp_request r = decode_json(both[i]);
        const struct observation *o = only(&r);

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
    struct otlp_request r = decode_json(JSON_RECORD(
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
    const struct observation *o = only(&r);

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
    struct otlp_request r = decode_json(
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
    suite_test(s, every_kind_and_every_type_of_value_comes_back_as_it_went);
    suite_test(s, a_framed_payload_costs_what_was_said);
    suite_test(s, what_is_around_the_payloads_is_no_more_than_was_said);
    suite_test(s, a_record_that_does_not_fit_leaves_the_buffer_as_it_was);
    suite_test(s, an_empty_request_has_no_records);
    suite_test(s, fields_may_come_in_another_order_with_unknown_ones_between);
    suite_test(s, a_known_field_of_another_wire_type_is_skipped);
    suite_test(s, the_resource_may_follow_its_records);
    suite_test(s, arrays_maps_and_bytes_become_text);
    suite_test(s, nesting_deeper_than_allowed_becomes_dots);
    suite_test(s, a_nested_value_larger_than_a_string_may_be_is_cut_and_marked);
    suite_test(s, bytes_longer_than_a_string_may_be_are_cut_and_marked);
    suite_test(s, cut_off_at_any_byte_it_is_refused_with_the_place);
    suite_test(s, any_byte_changed_is_survived);
    suite_test(s, more_records_than_allowed_are_refused);
    suite_test(s, more_memory_than_allowed_is_refused);
    suite_test(s, times_that_do_not_fit_are_not_known);
    suite_test(s, the_reply_is_empty_unless_something_was_rejected);
    suite_test(s, json_integers_come_as_strings_or_as_numbers);
    suite_test(s, json_values_of_every_type_are_taken);
    suite_test(s, json_resources_are_taken_too);
    suite_test(s, json_of_another_shape_is_refused);
    suite_test(s, json_that_would_grow_past_the_limit_is_refused_before_it_is_parsed);
}

int main(void)
{
    return suite_main("model: otlp", add);
}
