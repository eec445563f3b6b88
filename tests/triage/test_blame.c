/* Who is blamed, how sure, and why: minidumps made for one question each. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdbool.h>
#include <string.h>

#define NT      UINT64_C(0xFFFFF80000000000)
#define NDIS    UINT64_C(0xFFFFF88001000000)
#define ACME    UINT64_C(0xFFFFF88005000000)
#define STORVSC UINT64_C(0xFFFFF88006000000)
#define WIN32K  UINT64_C(0xFFFFF96000000000)
#define STACK   UINT64_C(0xFFFFD00020000000)
#define POOL    UINT64_C(0xFFFFE00000001000)

enum { WORDS = 64 };

static const struct mini_driver drivers[] = {
    { "\\SystemRoot\\system32\\ntoskrnl.exe", NT, 0x800000 },
    { "\\SystemRoot\\system32\\drivers\\ndis.sys", NDIS, 0x100000 },
    { "\\??\\C:\\acme.sys", ACME, 0x10000 },
    { "storvsc.sys", STORVSC, 0x10000 },
    { "\\SystemRoot\\System32\\win32k.sys", WIN32K, 0x400000 },
};

static uint64_t stack[WORDS];

static struct mini a_crash(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4)
{
    memset(stack, 0, sizeof stack);
    return (struct mini){ .drivers = drivers,
                          .driver_count = sizeof drivers / sizeof drivers[0],
                          .stack_va = STACK,
                          .stack = stack,
                          .stack_words = WORDS,
                          .code = code,
                          .params = { p1, p2, p3, p4 },
                          .rip = NT + 0x1000,
                          .rsp = STACK };
}

static struct triage_verdict *judge(const struct mini *m)
{
    struct bytes b = mini_make(m);

    return triage_bytes(b.p, b.len);
}

static bool notes_hold(const struct triage_verdict *v, const char *text)
{
    for (size_t i = 0; i < v->note_count; i++)
        if (strstr(v->notes[i], text) != NULL)
            return true;
    return false;
}

static void put_machine_frame(size_t at, uint64_t rip, uint64_t rsp)
{
    stack[at] = rip;
    stack[at + 1] = 0x10;
    stack[at + 2] = 0x10246;
    stack[at + 3] = rsp;
    stack[at + 4] = 0x18;
}

START_TEST(the_driver_the_address_lies_in_is_blamed_exactly)
{
    struct mini m = a_crash(0xD1, 0x28, 2, 0, STORVSC + 0x12B8);
    struct triage_verdict *v = judge(&m);

    ck_assert_str_eq(v->culprit.name, "storvsc.sys");
    ck_assert_uint_eq(v->culprit.offset, 0x12B8);
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_EXACT);
    ck_assert_str_eq(v->culprit.evidence, "parameter 4 = storvsc.sys+0x12b8");
    triage_verdict_free(v);
}
END_TEST

START_TEST(parameters_of_zero_leave_the_trap_frame_on_the_stack)
{
    struct mini m = a_crash(0xD1, 0, 0, 0, 0);
    struct triage_verdict *v;

    put_machine_frame(50, STORVSC + 0x12B8, STACK + 8 * 60);
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "storvsc.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_EXACT);
    ck_assert_str_eq(v->fault_how, "trap frame on the stack");
    ck_assert(notes_hold(v, "KB2636573"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_frame_on_the_stack_never_overrides_a_parameter)
{
    struct mini m = a_crash(0xD1, 0x28, 2, 0, STORVSC + 0x12B8);
    struct triage_verdict *v;

    put_machine_frame(50, ACME + 0x1111, STACK + 8 * 60);
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "storvsc.sys");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_fault_in_the_kernel_blames_the_nearest_driver_on_the_stack_as_a_guess)
{
    struct mini m = a_crash(0xA, 0x28, 2, 0, NT + 0x5555);
    struct triage_verdict *v;

    stack[3] = NT + 0x2221;
    stack[5] = ACME + 0x1235;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_GUESS);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "scanning"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_pointer_to_the_start_of_a_function_is_not_blamed)
{
    struct mini m = a_crash(0xA, 0x28, 2, 0, NT + 0x5555);
    struct triage_verdict *v;

    stack[5] = ACME + 0x1230;
    v = judge(&m);
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_NONE);
    ck_assert_str_eq(v->culprit.name, "ntoskrnl.exe");
    ck_assert_int_eq(v->culprit.subject, TRIAGE_UNKNOWN);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_framework_passes_the_blame_to_the_driver_it_worked_for)
{
    struct mini m = a_crash(0xD1, 0x28, 2, 0, NDIS + 0x4321);
    struct triage_verdict *v;

    stack[5] = ACME + 0x1235;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_GUESS);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_subsystem_keeps_the_blame_over_a_scanned_driver_and_notes_it)
{
    struct mini m = a_crash(0x50, 0x28, 8, WIN32K + 0x57781, 0);
    struct triage_verdict *v;

    stack[5] = ACME + 0x1235;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "win32k.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_LIKELY);
    ck_assert(notes_hold(v, "acme.sys+0x1235"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(an_address_in_an_unloaded_driver_names_it)
{
    struct mini m = a_crash(0xCE, 0x28, 0, ACME + 0x100123, 0);
    struct triage_verdict *v;

    m.unloaded[0].name = "gone.sys";
    m.unloaded[0].start = ACME + 0x100000;
    m.unloaded[0].end = ACME + 0x110000;
    m.unloaded_count = 1;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "gone.sys");
    ck_assert_uint_eq(v->culprit.offset, 0x123);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "unloaded"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_jump_through_a_bad_pointer_blames_its_caller)
{
    uint64_t nowhere = UINT64_C(0xFFFFF8FF12345678);
    struct mini m = a_crash(0x50, nowhere, 8, nowhere, 0);
    struct triage_verdict *v;

    put_machine_frame(50, nowhere, STACK + 8 * 56);
    stack[56] = ACME + 0x1237;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_LIKELY);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "bad pointer"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(one_flipped_bit_of_a_page_table_entry_is_memory)
{
    struct mini m = a_crash(0x1A, 0x41792, POOL, UINT64_C(1) << 37, 0);
    struct triage_verdict *v;

    stack[5] = ACME + 0x1235;
    v = judge(&m);
    ck_assert_int_eq(v->culprit.subject, TRIAGE_MEMORY);
    ck_assert_str_eq(v->culprit.name, "memory_corruption");
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "bit 37"));
    ck_assert_str_eq(v->bucket.failure_id, "MEMORY_CORRUPTION_ONE_BIT");
    triage_verdict_free(v);
    m = a_crash(0x1A, 0x41792, POOL, 3, 0);
    v = judge(&m);
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_NONE);
    ck_assert_str_eq(v->bucket.failure_id, "");
    triage_verdict_free(v);
}
END_TEST

/* IRP, device and driver objects of a request that hangs at acme.sys. */
START_TEST(a_power_request_names_the_driver_that_holds_it)
{
    static unsigned char irp[0xD0 + 2 * 0x48], device[0x40], object[0x40], bottom[0x40], bottom_object[0x40];
    struct mini m = a_crash(0x9F, 3, POOL + 0x1000, POOL + 0x9000, POOL);
    struct triage_verdict *v;

    put16(irp, 6);
    irp[0x42] = 2;
    irp[0x43] = 2;
    irp[0xD0 + 0x48] = 0x16;
    put64(irp + 0xD0 + 0x48 + 0x28, POOL + 0x2000);
    put64(device + 8, POOL + 0x3000);
    put64(object + 0x18, ACME);
    put64(bottom + 8, POOL + 0x4000);
    put64(bottom_object + 0x18, STORVSC);
    m.blocks[0].va = POOL;
    m.blocks[0].bytes = irp;
    m.blocks[0].len = sizeof irp;
    m.blocks[1].va = POOL + 0x2000;
    m.blocks[1].bytes = device;
    m.blocks[1].len = sizeof device;
    m.blocks[2].va = POOL + 0x3000;
    m.blocks[2].bytes = object;
    m.blocks[2].len = sizeof object;
    m.blocks[3].va = POOL + 0x1000;
    m.blocks[3].bytes = bottom;
    m.blocks[3].len = sizeof bottom;
    m.blocks[4].va = POOL + 0x4000;
    m.blocks[4].bytes = bottom_object;
    m.blocks[4].len = sizeof bottom_object;
    m.block_count = 5;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_LIKELY);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "storvsc.sys"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_machine_check_is_hardware_with_its_class)
{
    struct mini m = a_crash(0x124, 0, POOL, 0xBE000000, 0x00800400);
    struct triage_verdict *v = judge(&m);

    ck_assert_int_eq(v->culprit.subject, TRIAGE_HARDWARE);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "internal timer"));
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "not in the dump"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_disk_that_went_away_is_storage_and_not_a_driver)
{
    struct mini m = a_crash(0x7A, 1, 0xC000000E, 0, POOL);
    struct triage_verdict *v;

    stack[5] = ACME + 0x1235;
    v = judge(&m);
    ck_assert_int_eq(v->culprit.subject, TRIAGE_STORAGE);
    ck_assert_ptr_nonnull(strstr(v->culprit.evidence, "0xc000000e"));
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_dead_critical_process_is_named_where_the_dump_has_it)
{
    static unsigned char process[0x800];
    struct mini m = a_crash(0xEF, POOL, 0, 0, 0);
    struct triage_verdict *v;

    memcpy(process + 0x5A8, "csrss.exe", 10);
    m.blocks[0].va = POOL;
    m.blocks[0].bytes = process;
    m.blocks[0].len = sizeof process;
    m.block_count = 1;
    v = judge(&m);
    ck_assert_int_eq(v->culprit.subject, TRIAGE_PROCESS);
    ck_assert_str_eq(v->culprit.name, "csrss.exe");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_stuck_thread_names_the_driver_of_parameter_3)
{
    static unsigned char name[64];
    struct mini m = a_crash(0xEA, POOL, POOL, POOL + 0x100, 1);
    struct triage_verdict *v;

    for (size_t i = 0; i < 8; i++)
        put16(name + 2 * i, (unsigned char)"acme.sys"[i]);
    m.blocks[0].va = POOL + 0x100;
    m.blocks[0].bytes = name;
    m.blocks[0].len = sizeof name;
    m.block_count = 1;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_EXACT);
    triage_verdict_free(v);
}
END_TEST

START_TEST(an_asked_for_crash_blames_nobody)
{
    static const uint32_t codes[] = { 0xE2, 0xDEADDEAD, 0x1C8, 0x80 };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct mini m = a_crash(codes[i], 0, 0, 0, 0);
        struct triage_verdict *v;

        stack[5] = ACME + 0x1235;
        v = judge(&m);
        ck_assert_int_eq(v->culprit.subject, TRIAGE_MANUAL);
        ck_assert_int_eq(v->culprit.driver, -1);
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(an_unknown_code_blames_the_caller_of_the_bug_check)
{
    struct mini m = a_crash(0xA0000001, 5, 0, 0, 0);
    struct triage_verdict *v;

    stack[0] = ACME + 0x28ED;
    v = judge(&m);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_str_eq(v->bugcheck_name, "UNKNOWN");
    ck_assert_uint_eq(v->culprit.offset, 0x28ED);
    triage_verdict_free(v);
}
END_TEST

/* The debugger data says where the processor's state lies in its block. */
START_TEST(a_processor_that_hung_is_named_with_the_driver_it_was_in)
{
    static unsigned char kdbg[0x340], state[0x4D0];
    struct mini m = a_crash(0x101, 12, 0, POOL, 2);
    struct triage_verdict *v;
    struct bytes b;

    memcpy(kdbg + 0x10, "KDBG", 4);
    put32(kdbg + 0x14, sizeof kdbg);
    put16(kdbg + 0x2BC, 0x100);
    put32(state + 0x30, 0x10001F);
    put16(state + 0x38, 0x10);
    put64(state + 0xF8, ACME + 0x1234);
    m.blocks[0].va = POOL + 0x100;
    m.blocks[0].bytes = state;
    m.blocks[0].len = sizeof state;
    m.blocks[1].va = POOL + 0x10000;
    m.blocks[1].bytes = kdbg;
    m.blocks[1].len = sizeof kdbg;
    m.block_count = 2;
    b = mini_make(&m);
    put64(b.p + 0x80, POOL + 0x10000);
    v = triage_bytes(b.p, b.len);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_int_eq(v->culprit.subject, TRIAGE_WATCHDOG);
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_GUESS);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_dump_without_a_stack_says_that_it_knows_nothing)
{
    struct mini m = a_crash(0x133, 0, 1, 2, 3);
    struct triage_verdict *v;

    m.stack_words = 0;
    m.rip = m.rsp = 0;
    v = judge(&m);
    ck_assert_int_eq(v->culprit.confidence, TRIAGE_NONE);
    ck_assert_str_ne(v->culprit.evidence, "");
    triage_verdict_free(v);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_driver_the_address_lies_in_is_blamed_exactly);
    suite_test(s, parameters_of_zero_leave_the_trap_frame_on_the_stack);
    suite_test(s, a_frame_on_the_stack_never_overrides_a_parameter);
    suite_test(s, a_fault_in_the_kernel_blames_the_nearest_driver_on_the_stack_as_a_guess);
    suite_test(s, a_pointer_to_the_start_of_a_function_is_not_blamed);
    suite_test(s, a_framework_passes_the_blame_to_the_driver_it_worked_for);
    suite_test(s, a_subsystem_keeps_the_blame_over_a_scanned_driver_and_notes_it);
    suite_test(s, an_address_in_an_unloaded_driver_names_it);
    suite_test(s, a_jump_through_a_bad_pointer_blames_its_caller);
    suite_test(s, one_flipped_bit_of_a_page_table_entry_is_memory);
    suite_test(s, a_power_request_names_the_driver_that_holds_it);
    suite_test(s, a_machine_check_is_hardware_with_its_class);
    suite_test(s, a_disk_that_went_away_is_storage_and_not_a_driver);
    suite_test(s, a_dead_critical_process_is_named_where_the_dump_has_it);
    suite_test(s, a_stuck_thread_names_the_driver_of_parameter_3);
    suite_test(s, an_asked_for_crash_blames_nobody);
    suite_test(s, an_unknown_code_blames_the_caller_of_the_bug_check);
    suite_test(s, a_processor_that_hung_is_named_with_the_driver_it_was_in);
    suite_test(s, a_dump_without_a_stack_says_that_it_knows_nothing);
}

int main(void)
{
    return suite_main("triage: blame", add);
}
