/* The tables of bug checks, rules and driver classes: each row is walked. */
#include "tests/support/suite.h"
#include "triage/bugchecks.h"
#include "triage/classes.h"
#include "triage/rules.h"

#include <string.h>

START_TEST(codes_rise_and_have_names_of_one_shape)
{
    ck_assert_uint_gt(bugcheck_row_count, 430);
    for (unsigned i = 0; i < bugcheck_row_count; i++) {
        const struct bugcheck_row *r = &bugcheck_rows[i];

        if (i > 0)
            ck_assert_uint_gt(r->code, bugcheck_rows[i - 1].code);
        ck_assert_uint_eq(strspn(r->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"),
                          strlen(r->name));
        ck_assert_uint_gt(strlen(r->name), 3);
        ck_assert_str_eq(bugcheck_name(r->code), r->name);
        for (size_t p = 0; p < DUMP_PARAMS; p++)
            ck_assert(r->params[p] == NULL || strlen(r->params[p]) < 120);
    }
}
END_TEST

START_TEST(every_subtype_belongs_to_a_code_and_none_hides_another)
{
    for (unsigned i = 0; i < bugcheck_subtype_count; i++) {
        const struct bugcheck_subtype *s = &bugcheck_subtypes[i];

        ck_assert_str_ne(bugcheck_name(s->code), "UNKNOWN");
        ck_assert_uint_le(s->first, s->last);
        ck_assert_uint_gt(strlen(s->cause), 5);
        for (unsigned j = 0; j < i; j++)
            ck_assert_msg(bugcheck_subtypes[j].code != s->code || bugcheck_subtypes[j].last < s->first ||
                              bugcheck_subtypes[j].first > s->last,
                          "code 0x%x: 0x%x is hidden by 0x%x", s->code, s->first, bugcheck_subtypes[j].first);
    }
}
END_TEST

START_TEST(codes_with_the_minidump_bit_are_named_and_ruled_by_the_low_code)
{
    ck_assert_str_eq(bugcheck_name(0x1000007E), "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M");
    ck_assert_str_eq(bugcheck_name(0x100000EA), "THREAD_STUCK_IN_DEVICE_DRIVER_M");
    ck_assert_str_eq(bugcheck_name(0x1000000A), "IRQL_NOT_LESS_OR_EQUAL");
    ck_assert_str_eq(bugcheck_name(0xA0000001), "UNKNOWN");
    ck_assert_uint_eq(code_base(0x1000007E), 0x7E);
    ck_assert_uint_eq(code_base(0xC000021A), 0xC000021A);
    ck_assert_uint_eq(fault_rule_of(0x1000007E)->context, 4);
}
END_TEST

START_TEST(the_two_codes_that_sources_swap_have_microsofts_names)
{
    ck_assert_str_eq(bugcheck_name(0x170), "CLUSTER_CSV_CLUSSVC_DISCONNECT_WATCHDOG");
    ck_assert_str_eq(bugcheck_name(0x171), "CRYPTO_LIBRARY_INTERNAL_ERROR");
}
END_TEST

START_TEST(a_subtype_replaces_the_meanings_it_knows_better)
{
    const uint64_t params[DUMP_PARAMS] = { 3, 1, 2, 3 }, freed[DUMP_PARAMS] = { 1, 2, 3, 0x24 };
    const char *meanings[DUMP_PARAMS], *cause;

    bugcheck_meanings(0x9F, params, meanings, &cause);
    ck_assert_str_eq(cause, "a device held a power request too long");
    ck_assert_str_eq(meanings[3], "the request (IRP)");
    bugcheck_meanings(0xC1, freed, meanings, &cause);
    ck_assert_str_eq(cause, "bytes behind the block were overwritten: it was overrun");
    ck_assert_str_eq(meanings[0], "address freed");
}
END_TEST

START_TEST(a_code_nobody_knows_has_empty_meanings)
{
    const uint64_t params[DUMP_PARAMS] = { 0 };
    const char *meanings[DUMP_PARAMS], *cause;

    bugcheck_meanings(0xA0000001, params, meanings, &cause);
    for (size_t i = 0; i < DUMP_PARAMS; i++)
        ck_assert_str_eq(meanings[i], "");
    ck_assert_str_eq(cause, "");
}
END_TEST

START_TEST(drivers_fall_into_the_class_that_blame_needs)
{
    ck_assert_int_eq(class_of("NTOSKRNL.EXE"), CLASS_CORE);
    ck_assert_int_eq(class_of("dump_storport.sys"), CLASS_CORE);
    ck_assert_int_eq(class_of("mcupdate_GenuineIntel.dll"), CLASS_CORE);
    ck_assert_int_eq(class_of("ndis.sys"), CLASS_FRAMEWORK);
    ck_assert_int_eq(class_of("win32kfull.sys"), CLASS_SUBSYSTEM);
    ck_assert_int_eq(class_of("storvsc.sys"), CLASS_DEFINITE);
    ck_assert_int_eq(class_of("nvlddmkm.sys"), CLASS_DEFINITE);
}
END_TEST

START_TEST(windows_own_files_are_known_by_their_whole_name)
{
    ck_assert(class_is_system_file("storvsc.sys"));
    ck_assert(class_is_system_file("VMBusHID.sys"));
    ck_assert(class_is_system_file("xinputhid.sys"));
    ck_assert(class_is_system_file("acpiex.sys"));
    ck_assert(!class_is_system_file("vsc.sys"));
    ck_assert(!class_is_system_file("storvsc"));
    ck_assert(!class_is_system_file("nvlddmkm.sys"));
    ck_assert(!class_is_system_file(""));
    ck_assert(!class_is_system_file("disk.sys dmvsc.sys"));
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, codes_rise_and_have_names_of_one_shape);
    suite_test(s, every_subtype_belongs_to_a_code_and_none_hides_another);
    suite_test(s, codes_with_the_minidump_bit_are_named_and_ruled_by_the_low_code);
    suite_test(s, the_two_codes_that_sources_swap_have_microsofts_names);
    suite_test(s, a_subtype_replaces_the_meanings_it_knows_better);
    suite_test(s, a_code_nobody_knows_has_empty_meanings);
    suite_test(s, drivers_fall_into_the_class_that_blame_needs);
    suite_test(s, windows_own_files_are_known_by_their_whole_name);
}

int main(void)
{
    return suite_main("triage: tables", add);
}
