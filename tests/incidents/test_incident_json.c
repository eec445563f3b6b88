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
