/* Which signs make one incident, and which make two. */
#include "tests/incidents/support_case.h"

#include <stdio.h>
#include <string.h>

#define D1       "0xd1", "0 2 8 fffff80012345678"
#define D1_OTHER "0xd1", "10 2 8 fffff80012345678"

static struct telling t;

static void begin(void)
{
    telling_start(&t);
}

static void end(void)
{
    telling_free(&t);
}

START_TEST(a_crash_event_alone_is_an_incident)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(incident_kind_name(t.i->kind), "bugcheck");
    ck_assert_uint_eq(t.i->bugcheck.code, 0xd1);
    ck_assert_str_eq(t.i->bugcheck.name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    ck_assert_uint_eq(t.i->bugcheck.params[3], 0xfffff80012345678);
    ck_assert_str_eq(t.i->vm_name, "sql01");
    ck_assert_str_eq(t.i->host_name, "HV1");
    ck_assert_str_eq(t.i->cluster, "PROD");
    ck_assert_int_eq(t.i->time, AT(0));
    ck_assert_int_eq(t.i->dump_count, 0);
    ck_assert_uint_eq(strlen(t.i->id), INCIDENT_ID_CHARS);
}
END_TEST

START_TEST(a_dump_alone_is_an_incident_at_its_crash_time)
{
    tell_dump(&t, 1, 100, VM_A, D1, "storvsc.sys");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(incident_kind_name(t.i->kind), "dump-only");
    ck_assert_int_eq(t.i->time, AT(100));
    ck_assert_str_eq(incident_source_name(t.i->time_source), "dump");
    ck_assert_str_eq(incident_module(t.i), "storvsc.sys");
    ck_assert_str_eq(incident_origin_name(t.i->origin), "microsoft");
}
END_TEST

START_TEST(a_reset_alone_is_no_incident)
{
    tell_life(&t, 1, 0, VM_A, "reset");
    tell_life(&t, 1, 20, VM_A, "started");
    conclude(&t);
    expect_count(&t, 0);
}
END_TEST

START_TEST(event_reset_start_and_dump_are_one_incident)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_life(&t, 1, 42, VM_A, "reset");
    tell_life(&t, 1, 60, VM_A, "started");
    tell_dump(&t, 1, -1.5, VM_A, D1, "storvsc.sys");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert(t.i->rebooted);
    ck_assert_int_eq(t.i->dump_count, 1);
    ck_assert_str_eq(t.i->dumps[0].joined_by, "vm-id");
    ck_assert_int_eq(t.i->time, AT(0));
    ck_assert_int_eq(t.i->timeline_count, 4);
    ck_assert_int_eq(t.i->sign_count, 2);
}
END_TEST

START_TEST(the_minidump_bit_does_not_keep_dump_and_event_apart)
{
    tell_crash(&t, 1, 0, VM_A, "0x7e", "ffffffffc0000005 fffff80011112222 1 2");
    tell_dump(&t, 1, 0.5, VM_A, "0x1000007e", "ffffffffc0000005 fffff80011112222 1 2", NULL);
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_uint_eq(incident_code(&t.i->bugcheck), 0x7e);
}
END_TEST

START_TEST(a_dump_without_a_vm_joins_by_code_and_parameters)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 30, VM_B, D1_OTHER);
    tell_dump(&t, 2, 2, NULL, D1, NULL);
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(t.i->dump_count, 1);
    ck_assert_str_eq(t.i->dumps[0].joined_by, "parameters");
    ck_assert_int_eq(nth(&t, 1)->dump_count, 0);
}
END_TEST

START_TEST(a_dump_that_fits_two_guests_joins_neither_and_says_so)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 30, VM_B, D1);
    tell_dump(&t, 1, 20, NULL, D1, NULL);
    conclude(&t);
    expect_count(&t, 3);
    for (size_t n = 0; n < 3; n++) {
        struct incident *i = nth(&t, n);

        ck_assert_int_eq(i->dump_count, i->vm_id[0] == '\0');
        ck_assert_int_eq(i->notes.count, i->vm_id[0] == '\0');
        if (i->notes.count > 0)
            ck_assert_ptr_nonnull(strstr(i->notes.line[0], "not certain whose dump"));
    }
}
END_TEST

START_TEST(a_folder_with_the_name_of_one_of_them_decides)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 30, VM_B, D1);
    obs_str(tell_dump(&t, 1, 20, NULL, D1, NULL), ATTR_VM_NAME, "WEB02");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(nth(&t, 1)->dump_count, 1);
    ck_assert_str_eq(nth(&t, 1)->vm_name, "web02");
}
END_TEST

START_TEST(a_folder_with_a_vms_name_names_a_dump_without_an_event)
{
    tell_life(&t, 1, -500, VM_B, "started");
    obs_str(tell_dump(&t, 1, 20, NULL, D1, NULL), ATTR_VM_NAME, "web02");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(t.i->vm_id, VM_B);
    ck_assert_str_eq(t.i->dumps[0].joined_by, "name");
}
END_TEST

START_TEST(a_second_nodes_report_is_the_same_incident_within_the_tolerance)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 2, 200, VM_A, D1);
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->sign_count, 2);
    t.options.tolerance_ns = 100 * NS_PER_S;
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

START_TEST(two_codes_minutes_apart_are_two_incidents)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 180, VM_A, "0x50", "1 2 3 4");
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

START_TEST(a_boot_loop_is_many_incidents_with_a_note)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 120, VM_A, D1);
    tell_crash(&t, 1, 3600, VM_A, D1);
    tell_dump(&t, 1, 1, VM_A, D1, NULL);
    tell_dump(&t, 1, 121, VM_A, D1, NULL);
    conclude(&t);
    expect_count(&t, 3);
    ck_assert_int_eq(nth(&t, 0)->notes.count, 0);
    ck_assert_int_eq(nth(&t, 2)->notes.count, 1);
    ck_assert_ptr_nonnull(strstr(nth(&t, 2)->notes.line[0], "2 times"));
    ck_assert_int_eq(nth(&t, 0)->dump_count, 1);
    ck_assert_int_eq(nth(&t, 0)->dumps[0].crash_time, AT(1));
    ck_assert_int_eq(nth(&t, 1)->dump_count, 1);
    ck_assert_int_eq(nth(&t, 2)->dump_count, 0);
}
END_TEST

START_TEST(minidump_and_full_dump_of_one_crash_are_one_incident)
{
    struct observation *o;

    tell_dump(&t, 1, 0, VM_A, D1, NULL);
    o = tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    obs_str(o, ATTR_DUMP_PATH, "D:\\dumps\\MEMORY.DMP");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->dump_count, 2);
    ck_assert_str_eq(t.i->dumps[0].module, "storvsc.sys");
}
END_TEST

START_TEST(a_dump_found_much_later_joins_by_its_crash_time)
{
    struct observation *o;

    tell_crash(&t, 1, 0, VM_A, D1);
    o = tell_dump(&t, 1, 10, VM_A, D1, NULL);
    o->observed_ns = AT(5 * 86400);
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->dumps[0].found, AT(5 * 86400));
    ck_assert_int_eq(t.i->dumps[0].crash_time, AT(10));
}
END_TEST

START_TEST(a_dump_without_a_readable_header_joins_the_crash_before_it)
{
    struct observation *o = observe(&t, 1, OBS_GUEST_DUMP, 700, VM_A);

    obs_str(o, ATTR_DUMP_PATH, "D:\\dumps\\empty.dmp");
    obs_str(o, ATTR_DUMP_STATUS, "zero");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->dump_count, 1);
    ck_assert_str_eq(t.i->dumps[0].status, "zero");
}
END_TEST

START_TEST(a_dump_that_says_when_but_not_what_joins_within_the_tolerance)
{
    for (int n = 0; n < 2; n++) {
        struct observation *o = observe(&t, 1, OBS_GUEST_DUMP, 7000, VM_A);
        char when[TIMES_TEXT_MAX];

        obs_str(o, ATTR_DUMP_PATH, n == 0 ? "D:\\near.dmp" : "D:\\far.dmp");
        obs_str(o, ATTR_DUMP_STATUS, "partial");
        obs_str(o, ATTR_DUMP_TIME, times_format(AT(n == 0 ? 20 : 4000), when));
    }
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(t.i->dump_count, 1);
    ck_assert_str_eq(t.i->dumps[0].path, "D:\\near.dmp");
    ck_assert_int_eq(nth(&t, 1)->time, AT(4000));
}
END_TEST

START_TEST(live_dumps_and_other_files_are_no_incidents)
{
    obs_str(tell_dump(&t, 1, 0, VM_A, D1, NULL), ATTR_CRASH_KIND, "other");
    obs_str(tell_dump(&t, 1, 9, VM_A, D1, NULL), ATTR_DUMP_STATUS, "foreign");
    conclude(&t);
    expect_count(&t, 0);
}
END_TEST

START_TEST(a_triple_fault_right_after_the_bug_check_is_of_it)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_sign(&t, 1, 20, VM_A, "triple-fault");
    tell_sign(&t, 1, 2000, VM_A, "triple-fault");
    tell_sign(&t, 1, 2001, VM_A, "watchdog");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_str_eq(incident_kind_name(nth(&t, 1)->kind), "triple-fault");
    ck_assert_int_eq(nth(&t, 1)->sign_count, 2);
}
END_TEST

START_TEST(a_dead_worker_given_up_later_is_one_incident)
{
    tell_sign(&t, 1, 0, VM_A, "worker-died");
    tell_sign(&t, 1, 1, VM_A, "worker-died");
    tell_life(&t, 1, 300, VM_A, "stopped-critical");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(incident_kind_name(t.i->kind), "worker-died");
}
END_TEST

START_TEST(a_guest_that_the_host_gave_up_is_an_incident)
{
    tell_life(&t, 1, 0, VM_A, "paused-critical");
    tell_life(&t, 1, 1800, VM_A, "stopped-critical");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(incident_kind_name(t.i->kind), "stopped-critical");
    ck_assert_int_eq(t.i->timeline_count, 2);
}
END_TEST

START_TEST(a_written_dump_joins_its_crash_by_vm_or_path)
{
    struct observation *o;

    tell_crash(&t, 1, 0, VM_A, D1);
    tell_sign(&t, 1, 30, VM_A, "dump-written");
    o = tell_dump(&t, 1, 0, VM_A, D1, NULL);
    obs_str(o, ATTR_DUMP_PATH, "C:\\crash\\a.dmp");
    o = observe(&t, 1, OBS_GUEST_CRASH, 40, NULL);
    obs_str(o, ATTR_CRASH_KIND, "dump-written");
    obs_str(o, ATTR_DUMP_PATH, "c:\\CRASH\\a.dmp");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->sign_count, 4);
}
END_TEST

START_TEST(a_linux_panic_is_never_read_as_a_windows_code)
{
    struct observation *o = observe(&t, 1, OBS_GUEST_CRASH, 0, VM_A);
    char headline[INCIDENT_HEADLINE_MAX];

    obs_str(o, ATTR_CRASH_KIND, "linux-panic");
    obs_str(o, ATTR_CRASH_CODE, "0x0000000d");
    obs_str(o, ATTR_LINUX_VERSION, "6.6.87");
    obs_str(o, ATTR_LINUX_GUEST_ID, "0x8100000606570000");
    obs_str(o, ATTR_LINUX_RIP, "0xffffffff81000000");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(incident_kind_name(t.i->kind), "linux-panic");
    ck_assert(!t.i->bugcheck.known);
    ck_assert_str_eq(t.i->linux_panic.version, "6.6.87");
    ck_assert_int_eq(t.i->family, FAMILY_LINUX);
    incident_headline(t.i, headline, sizeof headline);
    ck_assert_str_eq(headline, "Linux 6.6.87 panic");
}
END_TEST

START_TEST(an_id_stays_when_later_pieces_join_the_event)
{
    char id[INCIDENT_ID_CHARS + 1];

    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    snprintf(id, sizeof id, "%s", t.i->id);
    tell_dump(&t, 1, -2, VM_A, D1, "storvsc.sys");
    tell_crash(&t, 2, 30, VM_A, D1);
    tell_life(&t, 1, 40, VM_A, "reset");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(t.i->id, id);
}
END_TEST

START_TEST(what_does_not_fit_the_ceiling_is_marked_and_the_signs_stay)
{
    t.options.clues_max = 5;
    for (int n = 0; n < 40; n++)
        tell_storage(&t, 1, n, "io-slow", "a.vhdx", 1000 + n);
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 9000, VM_B, D1);
    conclude(&t);
    expect_count(&t, 2);
    ck_assert(t.list.cut);
    ck_assert_int_eq(t.i->storage.count, 3);
}
END_TEST

START_TEST(only_incidents_of_the_asked_span_are_made)
{
    struct incident_list list;
    struct case_file *c;

    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 9000, VM_B, D1);
    ck_assert_int_eq(case_file_new(&c, &t.options, NULL), 0);
    for (int n = 0; n < t.count; n++)
        ck_assert_int_eq(case_file_add(c, &t.told[n].who, t.told[n].o, NULL), 0);
    ck_assert_int_eq(case_file_incidents(c, AT(5000), AT(9000), &list, NULL), 0);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.items[0]->vm_id, VM_B);
    incident_list_free(&list);
    case_file_free(c);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        a_crash_event_alone_is_an_incident,
        a_dump_alone_is_an_incident_at_its_crash_time,
        a_reset_alone_is_no_incident,
        event_reset_start_and_dump_are_one_incident,
        the_minidump_bit_does_not_keep_dump_and_event_apart,
        a_dump_without_a_vm_joins_by_code_and_parameters,
        a_dump_that_fits_two_guests_joins_neither_and_says_so,
        a_folder_with_the_name_of_one_of_them_decides,
        a_folder_with_a_vms_name_names_a_dump_without_an_event,
        a_second_nodes_report_is_the_same_incident_within_the_tolerance,
        two_codes_minutes_apart_are_two_incidents,
        a_boot_loop_is_many_incidents_with_a_note,
        minidump_and_full_dump_of_one_crash_are_one_incident,
        a_dump_found_much_later_joins_by_its_crash_time,
        a_dump_without_a_readable_header_joins_the_crash_before_it,
        a_dump_that_says_when_but_not_what_joins_within_the_tolerance,
        live_dumps_and_other_files_are_no_incidents,
        a_triple_fault_right_after_the_bug_check_is_of_it,
        a_dead_worker_given_up_later_is_one_incident,
        a_guest_that_the_host_gave_up_is_an_incident,
        a_written_dump_joins_its_crash_by_vm_or_path,
        a_linux_panic_is_never_read_as_a_windows_code,
        an_id_stays_when_later_pieces_join_the_event,
        what_does_not_fit_the_ceiling_is_marked_and_the_signs_stay,
        only_incidents_of_the_asked_span_are_made,
    };

    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++) {
        TCase *c = suite_case(s, tests[n]->name);

        tcase_add_checked_fixture(c, begin, end);
        tcase_add_test(c, tests[n]);
    }
}

int main(void)
{
    return suite_main("incidents: joining", add);
}
