/* What targets are sent, and what their answers mean. */
#include "base/text.h"
#include "hub/forward_http.h"
#include "hub/forward_internal.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made_one {
    struct made m;
    struct observation *o;
    struct resource who;
    struct buf out;
};

static void set_up(struct made_one *x)
{
    made_init(&x->m, 7);
    x->o = made_add(&x->m, OBS_GUEST_CRASH, T0 + 123456789);
    x->who = made_agent(1, "PROD A", "6.3.9600.20778", "6.3.9600.18692");
    obs_body(x->o, "guest vm1 crashed");
    buf_init(&x->out, 1024 * 1024);
}

static void tear_down(struct made_one *x)
{
    buf_free(&x->out);
    made_free(&x->m);
}

static const char *message(struct made_one *x)
{
    struct err e = { 0 };

    buf_clear(&x->out);
    ck_assert_msg(forward_syslog_message(&x->who, x->o, 16, &x->out, &e) == 0, "%s", e.text);
    return buf_text(&x->out);
}

/* ---- syslog ------------------------------------------------------------------------ */

START_TEST(an_observation_is_one_framed_syslog_message)
{
    struct made_one x;
    char expected[1024];
    const char body[] = "<134>1 2026-01-31T08:00:00.123456Z HV01 hvfleet A0000000-0000-4000-8000-000000000001"
                        " hyperv.guest.crash [hvfleet@32473 id=\"A0000000-0000-4000-8000-000000000001:7\""
                        " cluster=\"PROD A\" crash.kind=\"bugcheck\" winlog.event_id=\"18590\"]"
                        " \xEF\xBB\xBFguest vm1 crashed";

    set_up(&x);
    obs_str(x.o, ATTR_CRASH_KIND, "bugcheck");
    obs_int(x.o, ATTR_EVENT_ID, 18590);
    snprintf(expected, sizeof expected, "%zu %s", strlen(body), body);
    ck_assert_str_eq(message(&x), expected);
    tear_down(&x);
}
END_TEST

START_TEST(severities_become_those_of_syslog)
{
    static const struct {
        enum obs_severity severity;
        int priority;
    } rows[] = {
        { SEVERITY_DEBUG, 135 }, { SEVERITY_INFO, 134 },  { SEVERITY_WARN, 132 },
        { SEVERITY_ERROR, 131 }, { SEVERITY_FATAL, 130 },
    };
    struct made_one x;
    char expected[16];

    set_up(&x);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        x.o->severity = rows[i].severity;
        snprintf(expected, sizeof expected, "<%d>1 ", rows[i].priority);
        ck_assert_msg(strstr(message(&x), expected) != NULL, "no %s in %s", expected, buf_text(&x.out));
    }
    tear_down(&x);
}
END_TEST

START_TEST(what_a_guest_wrote_stays_inside_its_quotes)
{
    struct made_one x;

    set_up(&x);
    obs_str(x.o, ATTR_VM_NAME, "a\"] <13>1 - \\b");
    ck_assert_ptr_nonnull(strstr(message(&x), " vm.name=\"a\\\"\\] <13>1 - \\\\b\"]"));
    text_copy(x.who.host_name, sizeof x.who.host_name, "HV 01\n");
    ck_assert_ptr_nonnull(strstr(message(&x), " HV_01_ hvfleet "));
    tear_down(&x);
}
END_TEST

START_TEST(a_message_is_never_larger_than_receivers_take)
{
    struct made_one x;
    char value[3000], key[32];

    set_up(&x);
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "field%d", i);
        obs_str(x.o, key, value);
    }
    obs_bodyn(x.o, value, strlen(value));
    ck_assert_int_le(strtol(message(&x), NULL, 10), 8192);
    ck_assert_ptr_nonnull(strstr(buf_text(&x.out), " cut=\"true\"]"));
    tear_down(&x);
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
    struct made_one x;
    struct buf long_text;
    const char *at;

    set_up(&x);
    buf_init(&long_text, 8192);
    buf_str(&long_text, "x");
    for (int i = 0; i < 1000; i++)
        buf_str(&long_text, "\xC3\xBC");
    obs_str(x.o, ATTR_VM_NAME, buf_text(&long_text));
    at = strstr(message(&x), "vm.name=\"x");
    ck_assert_ptr_nonnull(at);
    at = strchr(at + 10, '"');
    ck_assert_int_eq((unsigned char)at[-1], 0xBC);
    buf_free(&long_text);
    tear_down(&x);
}
END_TEST

/* ---- Splunk -------------------------------------------------------------------------- */

START_TEST(an_observation_is_one_event_for_splunk)
{
    struct made_one x;
    struct err e = { 0 };
    json_t *all, *event;

    set_up(&x);
    obs_str(x.o, ATTR_CRASH_CODE, "0x000000d1");
    obs_int(x.o, ATTR_EVENT_ID, 18590);
    ck_assert_int_eq(forward_splunk_event(&x.who, x.o, "hyperv", &x.out, &e), 0);
    all = json_loadb(x.out.data, x.out.len, 0, NULL);
    ck_assert_ptr_nonnull(all);
    event = json_object_get(all, "event");
    ck_assert_str_eq(json_string_value(json_object_get(all, "host")), "HV01");
    ck_assert_str_eq(json_string_value(json_object_get(all, "index")), "hyperv");
    ck_assert_str_eq(json_string_value(json_object_get(all, "sourcetype")), "hvfleet:observation");
    ck_assert_double_eq_tol(json_real_value(json_object_get(all, "time")), 1769846400.123, 0.0001);
    ck_assert_str_eq(json_string_value(json_object_get(event, "id")), "A0000000-0000-4000-8000-000000000001:7");
    ck_assert_str_eq(json_string_value(json_object_get(event, "message")), "guest vm1 crashed");
    event = json_object_get(event, "attributes");
    ck_assert_str_eq(json_string_value(json_object_get(event, ATTR_CRASH_CODE)), "0x000000d1");
    ck_assert_int_eq(json_integer_value(json_object_get(event, ATTR_EVENT_ID)), 18590);
    json_decref(all);
    tear_down(&x);
}
END_TEST

START_TEST(a_refusal_by_splunk_is_about_the_events_or_about_us)
{
    static const struct {
        const char *body;
        enum forward_verdict verdict;
    } rows[] = {
        { "{\"text\":\"Invalid data format\",\"code\":6,\"invalid-event-number\":0}", FORWARD_REFUSED },
        { "{\"text\":\"Event field is required\",\"code\":12}", FORWARD_REFUSED },
        { "{\"text\":\"Incorrect index\",\"code\":7,\"invalid-event-number\":1}", FORWARD_DENIED },
        { "{\"text\":\"Data channel is missing\",\"code\":10}", FORWARD_DENIED },
        { "<html>Bad Request</html>", FORWARD_DENIED },
        { "", FORWARD_DENIED },
        { "[]", FORWARD_DENIED },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(forward_splunk_verdict(rows[i].body, strlen(rows[i].body)) == rows[i].verdict, "%s: %s",
                      rows[i].body, forward_verdict_name(forward_splunk_verdict(rows[i].body, strlen(rows[i].body))));
}
END_TEST

/* ---- HTTP and OTLP ----------------------------------------------------------------------- */

START_TEST(a_status_decides_what_follows)
{
    static const struct {
        int status;
        enum forward_verdict verdict;
    } rows[] = {
        { 0, FORWARD_LATER },     { 200, FORWARD_TAKEN },   { 202, FORWARD_TAKEN },  { 301, FORWARD_DENIED },
        { 400, FORWARD_REFUSED }, { 401, FORWARD_DENIED },  { 403, FORWARD_DENIED }, { 404, FORWARD_DENIED },
        { 408, FORWARD_LATER },   { 413, FORWARD_TOO_BIG }, { 415, FORWARD_DENIED }, { 422, FORWARD_REFUSED },
        { 429, FORWARD_LATER },   { 500, FORWARD_LATER },   { 503, FORWARD_LATER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(forward_http_verdict(rows[i].status) == rows[i].verdict, "%d: %s", rows[i].status,
                      forward_verdict_name(forward_http_verdict(rows[i].status)));
}
END_TEST

START_TEST(rejected_records_are_read_from_an_answer)
{
    struct buf answer;
    struct err e = { 0 };

    buf_init(&answer, 1024);
    ck_assert_int_eq(otlp_encode_response(300, "too old", &answer, &e), 0);
    ck_assert_uint_eq(forward_otlp_rejected(answer.data, answer.len), 300);
    for (size_t cut = 0; cut < answer.len; cut++)
        ck_assert_uint_eq(forward_otlp_rejected(answer.data, cut), 0);
    ck_assert_uint_eq(forward_otlp_rejected("{}", 2), 0);
    buf_free(&answer);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_observation_is_one_framed_syslog_message);
    suite_test(s, severities_become_those_of_syslog);
    suite_test(s, what_a_guest_wrote_stays_inside_its_quotes);
    suite_test(s, a_message_is_never_larger_than_receivers_take);
    suite_test(s, a_text_is_cut_between_characters);
    suite_test(s, an_observation_is_one_event_for_splunk);
    suite_test(s, a_refusal_by_splunk_is_about_the_events_or_about_us);
    suite_test(s, a_status_decides_what_follows);
    suite_test(s, rejected_records_are_read_from_an_answer);
}

int main(void)
{
    return suite_main("hub: what targets are sent", add);
}
