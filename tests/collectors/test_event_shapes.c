/* Fields of events at the edges of what a rule takes: numbers, seconds, versions, GUIDs, paths, crash registers. */
#include "base/times.h"
#include "collectors/crash_registers.h"
#include "collectors/event.h"
#include "collectors/event_apply.h"
#include "collectors/event_rules.h"
#include "tests/support/suite.h"

#include <string.h>

#define VM_A   "6B29FC40-CA47-1067-B31D-00DD010662DA"
#define VENDOR "Microsoft-Windows-Hyper-V-"
#define XML    "<Event/>"

static struct event event;
static struct obs_batch batch;

/* An event whose fields are these texts, NULL-ended; applied on a host of that generation. */
static bool apply_on(enum host_generation host, const char *provider, unsigned id, const char *const *fields)
{
    event = (struct event){ .provider = provider, .id = id, .channel = "C", .computer = "H", .user_sid = "" };
    for (; fields[event.field_count] != NULL; event.field_count++) {
        const char *text = fields[event.field_count];

        event.fields[event.field_count] = (struct event_field){ .name = "", .value = text, .len = strlen(text) };
    }
    obs_batch_free(&batch);
    obs_batch_init(&batch, 1 << 20);
    return event_apply(&event, host, XML, sizeof XML - 1, 42, &batch);
}

#define APPLY(host, provider, id, ...) apply_on(host, provider, id, (const char *const[]){ __VA_ARGS__, NULL })

static const struct observation *told(enum obs_kind kind)
{
    ck_assert_int_eq(batch.count, 1);
    ck_assert_str_eq(obs_kind_name(batch.first->kind), obs_kind_name(kind));
    return batch.first;
}

/* ---- numbers and lengths of time --------------------------------------------------- */

static const struct {
    const char *text;
    double seconds; /* below 0: none */
} lengths[] = {
    { "3", 3 },           { "12.5", 12.5 }, { "12,5", 12.5 },
    { " 0.25 ", 0.25 },   { "7.", 7 },      { "999999999", 999999999 },
    { "1000000000", -1 }, { ".5", -1 },     { "5 s", -1 },
    { "5.2.1", -1 },      { "1.5s", -1 },   { "-1", -1 },
    { "five", -1 },       { "5:2", -1 },
};

START_TEST(a_blackout_is_a_decimal_number_with_a_point_or_a_comma)
{
    const struct attr *a;

    ck_assert(APPLY(HOST_2012R2, VENDOR "VMMS", 20415, "web", VM_A, lengths[_i].text));
    a = obs_attr(told(OBS_GUEST_MIGRATION), ATTR_MIGRATION_BLACKOUT);
    ck_assert_msg((a != NULL) == (lengths[_i].seconds >= 0), "'%s' is %s", lengths[_i].text,
                  a != NULL ? "taken" : "not");
    if (a != NULL)
        ck_assert_double_eq_tol(a->real, lengths[_i].seconds, 1e-9);
    else
        ck_assert_str_eq(obs_get_str(batch.first, "hyperv.event.field.3"), lengths[_i].text); /* kept as it came */
}
END_TEST

static const struct {
    const char *text;
    int64_t ms; /* -1: no number, and the event is kept as it came */
} numbers[] = {
    { "0", 0 },
    { "9223372036854775807", INT64_MAX },
    { "9223372036854775808", -1 },
    { "18446744073709551616", -1 },
    { "00000000000000000000000000000012", -1 }, /* 32 bytes */
    { "0000000000000000000000000000012", 12 },  /* 31 */
    { "12ms", -1 },
};

START_TEST(a_duration_is_a_number_that_fits)
{
    ck_assert(APPLY(HOST_2016UP, VENDOR "StorageVSP", 9, "D:\\web.vhdx", numbers[_i].text));
    ck_assert_int_eq(batch.first->kind, numbers[_i].ms >= 0 ? OBS_HOST_STORAGE : OBS_EVENT_RAW);
    ck_assert_int_eq(obs_get_int(batch.first, ATTR_LATENCY_MS, -1), numbers[_i].ms);
}
END_TEST

START_TEST(versions_are_versions_or_the_event_is_kept_as_it_came)
{
    ck_assert(
        APPLY(HOST_2008R2, VENDOR "Integration-KvpExchange", 4130, "web", VM_A, "6.1.7601.17514", "6.1.7601.17999"));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_VERSION_MISMATCH), ATTR_UPGRADE_VERSION), "6.1.7601.17999");
    ck_assert(APPLY(HOST_2008R2, VENDOR "Integration-KvpExchange", 4130, "web", VM_A, "6", "6.1.7601.17999"));
    ck_assert_ptr_null(obs_attr(told(OBS_EVENT_RAW), ATTR_UPGRADE_VERSION));
    ck_assert(APPLY(HOST_2008R2, VENDOR "Integration-KvpExchange", 4130, "web", VM_A,
                    "6.1.7601.17514.17514.17514.17514.17514.17514.17514", "6.1"));
    ck_assert_str_eq(obs_get_str(told(OBS_EVENT_RAW), ATTR_EVENT_XML), XML);
}
END_TEST

static const struct {
    const char *text, *negotiated, *expected;
} pairs[] = {
    { "Negotiated (3.0) - Expected (5.12)", "3.0", "5.12" },
    { "3.0;4.1", "3.0", "4.1" },
    { "v1 3.x .5 6. 7.0/8.9 ", "7.0", "8.9" },
    { "3.0 and no more", "", "" },
    { "3.0 4.", "", "" },
    { "none", "", "" },
};

START_TEST(a_pair_of_protocols_is_two_versions_between_any_words)
{
    ck_assert(APPLY(HOST_2012R2, VENDOR "Integration-KvpExchange", 4010, "web", VM_A, pairs[_i].text, ""));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_VERSION_MISMATCH), ATTR_FRAMEWORK_NEGOTIATED), pairs[_i].negotiated);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_FRAMEWORK_EXPECTED), pairs[_i].expected);
}
END_TEST

START_TEST(blanks_around_a_field_are_not_part_of_it)
{
    ck_assert(APPLY(HOST_2012R2, VENDOR "Worker", 18500, " \t\r\nweb\n\r\t ", "\n" VM_A "\n"));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_LIFECYCLE), ATTR_VM_NAME), "web");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_VM_ID), VM_A);
}
END_TEST

START_TEST(a_guest_that_is_nobody_is_none)
{
    ck_assert(APPLY(HOST_2012R2, VENDOR "Worker", 18500, "web", "00000000-0000-0000-0000-000000000000"));
    ck_assert_ptr_null(obs_attr(told(OBS_EVENT_RAW), ATTR_VM_ID));
}
END_TEST

START_TEST(an_event_with_more_fields_than_fit_says_that_it_is_cut)
{
    static const char *const fields[] = { "web", VM_A, NULL };
    struct event more;

    ck_assert(apply_on(HOST_2012R2, VENDOR "Worker", 18500, fields));
    ck_assert(!told(OBS_GUEST_LIFECYCLE)->cut);
    more = event;
    more.cut = true;
    obs_batch_reset(&batch);
    ck_assert(event_apply(&more, HOST_2012R2, XML, sizeof XML - 1, 42, &batch));
    ck_assert(told(OBS_GUEST_LIFECYCLE)->cut);
}
END_TEST

/* ---- mismatches by their shape ------------------------------------------------------ */

static const struct {
    const char *text;
    bool version;
} protocols[] = {
    { "3.2", true },    { "10.12", true }, { "32", false },  { "3.", false },   { ".32", false },
    { "3.2.1", false }, { "3.x", false },  { "a.2", false }, { "3.2:", false }, { "3/2.1", false },
};

START_TEST(a_protocol_is_digits_a_dot_and_digits)
{
    ck_assert(APPLY(HOST_2012R2, "storvsp", 3, "x", VM_A, protocols[_i].text, "9.9"));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_VERSION_MISMATCH), ATTR_SERVER_VERSION),
                     protocols[_i].version ? protocols[_i].text : "9.9");
}
END_TEST

/* ---- dumps and registers ------------------------------------------------------------- */

static const struct {
    const char *field, *path, *vm_id;
} dumps[] = {
    { "C:\\dumps\\" VM_A "-1.dmp.", "C:\\dumps\\" VM_A "-1.dmp", VM_A },
    { "/dumps/" VM_A ".dmp", "/dumps/" VM_A ".dmp", VM_A },
    { "C:\\dumps\\web.dmp", "C:\\dumps\\web.dmp", "" },
    { "C:\\" VM_A, "C:\\" VM_A, "" }, /* a name that is all GUID has no ending */
    { "C:\\dumps\\a-name-that-is-longer-than-a-guid-is.dmp", "C:\\dumps\\a-name-that-is-longer-than-a-guid-is.dmp",
      "" },
    { "nothing like a path", "", "" },
    { "", "", "" },
};

START_TEST(a_written_dump_is_named_by_the_field_that_is_a_path)
{
    ck_assert(APPLY(HOST_2016UP, VENDOR "CrashDump", 40001, dumps[_i].field));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_CRASH), ATTR_DUMP_PATH), dumps[_i].path);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_VM_ID), dumps[_i].vm_id);
}
END_TEST

static const struct {
    uint64_t p[CRASH_REGISTERS];
    const char *kind, *code;
} registers[] = {
    { { 0xd1, 1, 2, 3, 4 }, "bugcheck", "0x000000d1" },
    { { 0, 1, 0, 0, 0 }, "bugcheck", "0x00000000" },
    { { 0, 0, 1, 0, 0 }, "bugcheck", "0x00000000" },
    { { 0, 0, 0, 5, 6 }, "linux-panic", "" },
    { { 0, 0, 0, 5, 0 }, "other", "" },
    { { 0, 0, 0, 0, 6 }, "other", "" },
    { { 0, 0, 0, 0, 0 }, "other", "" },
    { { 1, UINT64_C(0x8100040F00000000), 0, 0, 0 }, "linux-panic", "" },
};

START_TEST(what_a_guest_left_in_its_registers_says_what_it_is)
{
    struct observation *o;

    obs_batch_free(&batch);
    obs_batch_init(&batch, 1 << 20);
    o = obs_new(&batch, OBS_GUEST_CRASH, 1, 2);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    crash_registers_put(o, registers[_i].p);
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_KIND), registers[_i].kind);
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_CODE), registers[_i].code);
}
END_TEST

START_TEST(a_crash_whose_registers_are_no_numbers_is_kept_as_it_came)
{
    ck_assert(APPLY(HOST_2012R2, VENDOR "Worker", 18590, "web", VM_A, "0xd1", "1", "2", "3", "4", "message"));
    ck_assert_str_eq(obs_get_str(told(OBS_GUEST_CRASH), ATTR_CRASH_MESSAGE), "message");
    ck_assert(APPLY(HOST_2012R2, VENDOR "Worker", 18590, "web", VM_A, "0xd1", "1", "2", "3", "many"));
    told(OBS_EVENT_RAW);
    ck_assert(APPLY(HOST_2012R2, VENDOR "Worker", 18590, "web", VM_A, "0xd1", "1", "2", "3"));
    told(OBS_EVENT_RAW);
}
END_TEST

START_TEST(a_host_of_an_unknown_generation_is_taken_for_any)
{
    ck_assert_uint_eq(event_host_bit(HOST_UNKNOWN),
                      event_host_bit(HOST_2008R2) | event_host_bit(HOST_2012) | event_host_bit(HOST_2016UP));
    ck_assert_uint_eq(event_host_bit(HOST_2008), event_host_bit(HOST_2008R2));
    ck_assert(event_is_noise(VENDOR "VID", 5001, HOST_2012));
    ck_assert(!event_is_noise(VENDOR "VID", 5001, HOST_2008R2));
    ck_assert(!event_is_noise(VENDOR "VID", 5000, HOST_2012));
    ck_assert(!event_is_noise(VENDOR "VID", 5015, HOST_2012));
    ck_assert(event_is_noise(VENDOR "VID", 5014, HOST_UNKNOWN));
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    add_each(s, a_blackout_is_a_decimal_number_with_a_point_or_a_comma, sizeof lengths / sizeof lengths[0]);
    add_each(s, a_duration_is_a_number_that_fits, sizeof numbers / sizeof numbers[0]);
    suite_test(s, versions_are_versions_or_the_event_is_kept_as_it_came);
    add_each(s, a_pair_of_protocols_is_two_versions_between_any_words, sizeof pairs / sizeof pairs[0]);
    suite_test(s, blanks_around_a_field_are_not_part_of_it);
    suite_test(s, a_guest_that_is_nobody_is_none);
    suite_test(s, an_event_with_more_fields_than_fit_says_that_it_is_cut);
    add_each(s, a_protocol_is_digits_a_dot_and_digits, sizeof protocols / sizeof protocols[0]);
    add_each(s, a_written_dump_is_named_by_the_field_that_is_a_path, sizeof dumps / sizeof dumps[0]);
    add_each(s, what_a_guest_left_in_its_registers_says_what_it_is, sizeof registers / sizeof registers[0]);
    suite_test(s, a_crash_whose_registers_are_no_numbers_is_kept_as_it_came);
    suite_test(s, a_host_of_an_unknown_generation_is_taken_for_any);
}

int main(void)
{
    return suite_main("collectors: the edges of what rules take", add);
}
