/* Incidents as JSON and back. */
#include "tests/incidents/support_case.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define D1 "0xd1", "0 2 8 fffff80012345678"

static struct telling t;

static void begin(void)
{
    telling_start(&t);
}

static void end(void)
{
    telling_free(&t);
}

static void tell_all(void)
{
    struct observation *o;

    tell_life(&t, 1, -7000.123456, VM_A, "started");
    obs_str(tell_move(&t, 1, -30, VM_A, "started"), ATTR_MIGRATION_PEER, "HV2");
    obs_double(tell_move(&t, 1, 12, VM_A, "completed"), ATTR_MIGRATION_BLACKOUT, 0.1);
    tell_crash(&t, 1, 0, VM_A, D1);
    o = tell_dump(&t, 1, 1, VM_A, D1, "storvsc.sys");
    obs_double(o, ATTR_DUMP_UPTIME, 2456.4812345);
    obs_str(o, ATTR_DUMP_NOTES, "a \"quoted\" note with a \\ and \xc3\xa4");
    tell_storage(&t, 1, -5, "io-slow", "C:\\CSV\\a.vhdx", 61234);
    tell_cluster(&t, 2, -6, "user-mode-hang", 4870);
    tell_crash(&t, 1, 30, VM_B, "0x7a", "1 2 3 4");
    tell_gap(&t, 1, 20, "1", "2");
    tell_crash(&t, 1, -3600, VM_A, D1);
    o = observe(&t, 2, OBS_GUEST_CRASH, 5000, VM_C);
    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    obs_str(o, ATTR_LINUX_VERSION, "6.6.87");
    obs_str(o, ATTR_CRASH_MESSAGE, "Kernel panic - not syncing");
    conclude(&t);
    expect_count(&t, 4);
}

START_TEST(reading_back_and_writing_again_gives_the_same_bytes)
{
    tell_all();
    for (size_t n = 0; n < t.list.count; n++) {
        struct incident_list one = { .items = &t.list.items[n], .count = 1 }, again = { .count = 1 };
        struct incident *back;
        struct err e = { ERR_OK, "" };
        char *json = json_of(&one), *second;

        ck_assert_msg(incident_from_json(json, strlen(json), &back, &e) == 0, "%s", e.text);
        again.items = &back;
        second = json_of(&again);
        ck_assert_msg(strcmp(json, second) == 0, "%.1500s\n%.1500s", json, second);
        incident_free(back);
        free(json);
        free(second);
    }
}
END_TEST

START_TEST(the_keys_that_others_rely_on_are_there)
{
    static const char *const keys[] = { "id",       "vm_id",   "vm_name",     "host",     "time",
                                        "bugcheck", "culprit", "drift_state", "findings", "timeline" };
    struct incident_list one;
    char *text;
    json_t *o;

    tell_all();
    one = (struct incident_list){ .items = &t.list.items[1], .count = 1 };
    text = json_of(&one);
    o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(o != NULL, "not JSON: %.1500s", text);
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; n++)
        ck_assert_msg(json_object_get(o, keys[n]) != NULL, "no %s", keys[n]);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(o, "bugcheck"), "code")), "0x000000d1");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(o, "culprit"), "module")), "storvsc.sys");
    ck_assert_str_eq(json_string_value(json_object_get(o, "host")), "HV1");
    ck_assert(json_is_null(json_object_get(o, "drift_state")));
    ck_assert(json_real_value(json_object_get(o, "uptime_s")) > 2456.48);
    json_decref(o);
    free(text);
}
END_TEST

START_TEST(a_linux_panic_has_no_bug_check)
{
    tell_all();
    for (size_t n = 0; n < t.list.count; n++) {
        struct incident_list one = { .items = &t.list.items[n], .count = 1 };
        char *json = json_of(&one);
        bool is_linux = strstr(json, "\"kind\":\"linux-panic\"") != NULL;

        ck_assert_int_eq(is_linux, strstr(json, "\"bugcheck\":null") != NULL);
        ck_assert_int_eq(is_linux, strstr(json, "\"kernel\":\"6.6.87\"") != NULL);
        free(json);
    }
}
END_TEST

static void refused(const char *json, const char *why)
{
    struct incident *i = (struct incident *)1;
    struct err e = { ERR_OK, "" };

    ck_assert_int_eq(incident_from_json(json, strlen(json), &i, &e), ERR_INVALID);
    ck_assert_ptr_null(i);
    ck_assert_msg(strstr(e.text, why) != NULL, "'%s' does not say '%s'", e.text, why);
}

START_TEST(what_is_no_incident_is_refused_by_key)
{
    refused("", "not valid JSON");
    refused("[]", "expects an object");
    refused("{\"id\":5}", "id: expects a text");
    refused("{\"time\":\"yesterday\"}", "time: expects a time");
    refused("{\"bugcheck\":{\"code\":\"0x1ffffffff\"}}", "bugcheck: code");
    refused("{\"bugcheck\":{\"parameters\":[\"0x0\"]}}", "four numbers");
    refused("{\"kind\":\"fine\"}", "kind: expects one of its words");
    refused("{\"uptime_s\":1e300}", "uptime_s: expects seconds");
    refused("{\"timeline\":[{\"count\":-1}]}", "timeline: count");
    refused("{\"notes\":{}}", "notes: expects a list of texts");
    refused("{\"id\":\"a\",\"id\":\"b\"}", "duplicate");
}
END_TEST

/* A value of every type where another is expected, and each bound. */
START_TEST(each_kind_of_value_refuses_the_others)
{
    refused("{\"bugcheck\":5}", "bugcheck: expects an object");
    refused("{\"bugcheck\":{\"code\":5}}", "bugcheck: code: expects a code such as \"0x000000d1\"");
    refused("{\"bugcheck\":{\"code\":\"D1\"}}", "bugcheck: code: expects a code");
    refused("{\"bugcheck\":{\"parameters\":5}}", "bugcheck: parameters: expects four numbers such as \"0x0\"");
    refused("{\"bugcheck\":{\"parameters\":[\"0x0\",\"0x0\",\"0x0\",4]}}", "four numbers");
    refused("{\"bugcheck\":{\"parameters\":[\"0x0\",\"0x0\",\"0x0\",\"x\"]}}", "four numbers");
    refused("{\"time\":5}", "time: expects a time such as 2026-01-31T08:00:00Z");
    refused("{\"kind\":5}", "kind: expects one of its words");
    refused("{\"uptime_s\":\"5\"}", "uptime_s: expects seconds");
    refused("{\"uptime_s\":-1}", "uptime_s: expects seconds");
    refused("{\"uptime_s\":2.2e9}", "uptime_s: expects seconds");
    refused("{\"rebooted\":5}", "rebooted: expects true or false");
    refused("{\"gaps\":\"5\"}", "gaps: expects a whole number");
    refused("{\"gaps\":1.5}", "gaps: expects a whole number");
    refused("{\"gaps\":-1}", "gaps: expects a whole number");
    refused("{\"gaps\":2147483648}", "gaps: expects a whole number");
    refused("{\"configuration\":{\"dynamic_memory\":5}}", "configuration: dynamic_memory: expects true or false");
    refused("{\"configuration\":{\"assigned_mib\":\"5\"}}", "configuration: assigned_mib: expects a whole number");
    refused("{\"dumps\":{}}", "dumps: expects a list that is not longer than any of ours");
    refused("{\"dumps\":[1,2,3,4,5,6,7,8,9]}", "dumps: expects a list that is not longer than any of ours");
    refused("{\"dumps\":[5]}", "dumps: expects an object");
    refused("{\"notes\":[5]}", "notes: expects a list of texts");
    refused("{\"notes\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "notes: expects a list of texts");
    refused("{\"timeline\":[{\"sign\":0}]}", "timeline: sign: expects true or false");
    refused("{\"timeline\":[{\"evidence\":{\"seq\":\"x\"}}]}", "timeline: evidence: seq: expects a whole number");
}
END_TEST

START_TEST(what_can_be_yes_no_or_not_known_comes_back_as_it_was)
{
    static const struct {
        const char *json;
        int dynamic, pressure;
    } rows[] = {
        { "{\"configuration\":{\"known\":true,\"dynamic_memory\":true,\"memory_pressure\":false}}", 1, 0 },
        { "{\"configuration\":{\"known\":true,\"dynamic_memory\":null}}", -1, -1 },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct incident_list list = { .count = 1 };
        struct incident *i;
        char *json;

        ck_assert_int_eq(incident_from_json(rows[n].json, strlen(rows[n].json), &i, NULL), 0);
        ck_assert_int_eq(i->configuration.dynamic_memory, rows[n].dynamic);
        ck_assert_int_eq(i->configuration.memory_pressure, rows[n].pressure);
        list.items = &i;
        json = json_of(&list);
        ck_assert_msg(strstr(json, n == 0 ? "\"dynamic_memory\":true,\"memory_pressure\":false"
                                          : "\"dynamic_memory\":null,\"memory_pressure\":null") != NULL,
                      "%.2000s", json);
        incident_free(i);
        free(json);
    }
}
END_TEST

START_TEST(parameters_that_are_not_known_are_null)
{
    const char *json = "{\"bugcheck\":{\"code\":\"0xd1\"}}";
    struct incident_list list = { .count = 1 };
    struct incident *i;
    char *again;

    ck_assert_int_eq(incident_from_json(json, strlen(json), &i, NULL), 0);
    ck_assert(i->bugcheck.known);
    ck_assert(!i->bugcheck.params_known);
    list.items = &i;
    again = json_of(&list);
    ck_assert_ptr_nonnull(strstr(again, "\"code\":\"0x000000d1\",\"name\":null,\"parameters\":null"));
    incident_free(i);
    free(again);
}
END_TEST

START_TEST(drift_that_is_known_has_its_word_at_the_top_too)
{
    const char *json = "{\"drift\":{\"known\":true,\"state\":\"behind\"}}";
    struct incident_list list = { .count = 1 };
    struct incident *i;
    char *again;

    ck_assert_int_eq(incident_from_json(json, strlen(json), &i, NULL), 0);
    list.items = &i;
    again = json_of(&list);
    ck_assert_ptr_nonnull(strstr(again, "\"drift_state\":\"behind\""));
    incident_free(i);
    free(again);
}
END_TEST

START_TEST(a_body_larger_than_any_of_ours_is_refused_unread)
{
    char *json = malloc(INCIDENT_JSON_MAX + 2);
    struct incident *i = NULL;
    struct err e = { ERR_OK, "" };

    memset(json, ' ', INCIDENT_JSON_MAX + 1);
    memcpy(json, "{}", 2);
    ck_assert_int_eq(incident_from_json(json, INCIDENT_JSON_MAX + 1, &i, &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "incident: larger than any of ours");
    ck_assert_ptr_null(i);
    ck_assert_int_eq(incident_from_json(json, INCIDENT_JSON_MAX, &i, &e), 0);
    incident_free(i);
    free(json);
}
END_TEST

START_TEST(without_room_for_it_the_json_is_an_error_and_names_the_incident)
{
    struct incident_list one;
    struct err e = { ERR_OK, "" };
    struct buf out;
    char *json;
    size_t len;

    tell_all();
    one = (struct incident_list){ .items = t.list.items, .count = 1 };
    json = json_of(&one);
    len = strlen(json);
    free(json);
    for (size_t max = 1; max < len; max += 37) {
        buf_init(&out, max);
        ck_assert_int_eq(incident_json(t.list.items[0], &out, &e), ERR_TOO_BIG);
        ck_assert_msg(strncmp(e.text, "incident ", 9) == 0 && strstr(e.text, ": no room for its JSON") != NULL, "%s",
                      e.text);
        buf_free(&out);
    }
    buf_init(&out, len + 1);
    ck_assert_int_eq(incident_json(t.list.items[0], &out, &e), 0);
    buf_free(&out);
}
END_TEST

START_TEST(unknown_and_missing_keys_are_passed_over)
{
    const char *json = "{\"id\":\"abc\",\"colour\":\"blue\",\"drift\":null}";
    struct incident *i;

    ck_assert_int_eq(incident_from_json(json, strlen(json), &i, NULL), 0);
    ck_assert_str_eq(i->id, "abc");
    ck_assert_str_eq(i->vm_name, "");
    ck_assert_int_eq(i->uptime_ns, -1);
    ck_assert(!i->bugcheck.known);
    incident_free(i);
}
END_TEST

START_TEST(control_characters_of_a_guest_do_not_come_through)
{
    const char *json = "{\"vm_name\":\"a\\u001b[31mb\\u202ec\"}";
    struct incident *i;

    ck_assert_int_eq(incident_from_json(json, strlen(json), &i, NULL), 0);
    ck_assert_ptr_null(strchr(i->vm_name, 0x1b));
    ck_assert_ptr_null(strstr(i->vm_name, "\xe2\x80\xae"));
    incident_free(i);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        reading_back_and_writing_again_gives_the_same_bytes,
        the_keys_that_others_rely_on_are_there,
        a_linux_panic_has_no_bug_check,
        what_is_no_incident_is_refused_by_key,
        each_kind_of_value_refuses_the_others,
        what_can_be_yes_no_or_not_known_comes_back_as_it_was,
        parameters_that_are_not_known_are_null,
        drift_that_is_known_has_its_word_at_the_top_too,
        a_body_larger_than_any_of_ours_is_refused_unread,
        without_room_for_it_the_json_is_an_error_and_names_the_incident,
        unknown_and_missing_keys_are_passed_over,
        control_characters_of_a_guest_do_not_come_through,
    };

    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++) {
        TCase *c = suite_case(s, tests[n]->name);

        tcase_add_checked_fixture(c, begin, end);
        tcase_add_test(c, tests[n]);
    }
}

int main(void)
{
    return suite_main("incidents: JSON", add);
}
