/* Observations to OTLP and back, and OTLP that is cut, damaged or too large. */
#include "tests/model/support_otlp.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

/* ---- around the code under test ----------------------------------------- */

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
    r = otlp_read(&out);
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
    r = otlp_read(&out);
    ck_assert_uint_eq(r.records, 0);
    ck_assert_str_eq(r.groups->resource.host_name, "HV01");
    otlp_request_free(&r);
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
        pb_field(&out, 1, "", 0);
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
    pb_fixed64(&record, 1, UINT64_MAX);
    pb_fixed64(&record, 11, INT64_MAX);
    pb_number(&record, 2, 4000000000u);
    pb_record(&out, &record);
    r = otlp_read(&out);
    ck_assert_int_eq(otlp_only(&r)->time_ns, 0);
    ck_assert_int_eq(otlp_only(&r)->observed_ns, INT64_MAX);
    ck_assert_int_eq(otlp_only(&r)->severity, SEVERITY_INFO);
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

static void add(Suite *s)
{
    suite_test(s, every_kind_and_every_type_of_value_comes_back_as_it_went);
    suite_test(s, a_framed_payload_costs_what_was_said);
    suite_test(s, what_is_around_the_payloads_is_no_more_than_was_said);
    suite_test(s, a_record_that_does_not_fit_leaves_the_buffer_as_it_was);
    suite_test(s, an_empty_request_has_no_records);
    suite_test(s, cut_off_at_any_byte_it_is_refused_with_the_place);
    suite_test(s, any_byte_changed_is_survived);
    suite_test(s, more_records_than_allowed_are_refused);
    suite_test(s, more_memory_than_allowed_is_refused);
    suite_test(s, times_that_do_not_fit_are_not_known);
    suite_test(s, the_reply_is_empty_unless_something_was_rejected);
}

int main(void)
{
    return suite_main("model: otlp", add);
}
