/* Bug checks that their parameters explain: memory, disks, processes, watchdogs, stuck drivers. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/special.h"

#include <string.h>

#define NT   UINT64_C(0xFFFFF80000000000)
#define ACME UINT64_C(0xFFFFF88005000000)
#define POOL UINT64_C(0xFFFFE00000001000)

static struct scene *stopped(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);
    const uint64_t params[] = { p1, p2, p3, p4 };

    s->verdict.header.code = code;
    memcpy(s->verdict.header.params, params, sizeof params);
    scene_driver(s, "ntoskrnl.exe", NT, 0x800000);
    scene_driver(s, "acme.sys", ACME, 0x10000);
    return s;
}

static void check_found(struct scene *s, enum triage_subject subject, const char *name, enum triage_confidence c,
                        const char *evidence)
{
    ck_assert(special_blame(scene_ready(s)));
    ck_assert_str_eq(s->verdict.culprit.evidence, evidence);
    ck_assert_str_eq(s->verdict.culprit.name, name);
    ck_assert_int_eq(s->verdict.culprit.subject, subject);
    ck_assert_int_eq(s->verdict.culprit.confidence, c);
    scene_end(s);
}

static void check_nothing(struct scene *s)
{
    ck_assert(!special_blame(scene_ready(s)));
    ck_assert_ptr_null(s->verdict.culprit.name);
    scene_end(s);
}

START_TEST(a_code_without_a_rule_of_its_own_is_left_to_the_stack)
{
    check_nothing(stopped(0xD1, 0, 0, 0, 0));
}
END_TEST

START_TEST(one_bit_between_two_page_table_entries_is_memory_and_two_bits_are_not)
{
    check_found(stopped(0x1A, 0x403, POOL, 0x80000000123, 0x123), TRIAGE_MEMORY, "memory_corruption", TRIAGE_LIKELY,
                "one bit flipped: bit 43 of a page table entry (parameters 3 and 4 differ in it alone); test the "
                "memory of the machine");
    check_found(stopped(0x1A, 0x41792, POOL, 0, 4), TRIAGE_MEMORY, "memory_corruption", TRIAGE_LIKELY,
                "one bit flipped: bit 34 of a page table entry (parameter 3); test the memory of the machine");
    check_nothing(stopped(0x1A, 0x403, POOL, 0x180000000123, 0x123));
    check_nothing(stopped(0x1A, 0x403, POOL, 0x123, 0x123));
    check_nothing(stopped(0x1A, 0x5003, POOL, 1, 0)); /* another kind: its parameters are no entries */
}
END_TEST

/* The kernel faulted at an address that differs from register rsi's by these bits. */
static struct scene *near_register(uint64_t flipped)
{
    struct scene *s = stopped(0x50, POOL ^ flipped, 0, NT + 0x1000, 0);

    s->verdict.has_fault = true;
    s->verdict.fault.driver = 0;
    s->d.fault_cpu.has_registers = true;
    s->d.fault_cpu.reg[6] = POOL;
    scene_map(s, POOL, 16);
    return s;
}

START_TEST(an_address_one_bit_from_a_registers_is_a_flipped_bit)
{
    check_found(near_register(UINT64_C(1) << 16), TRIAGE_MEMORY, "memory_corruption", TRIAGE_GUESS,
                "the address in parameter 1 differs in bit 16 alone from one that a register holds: a flipped bit");
    check_found(near_register(UINT64_C(1) << 47), TRIAGE_MEMORY, "memory_corruption", TRIAGE_GUESS,
                "the address in parameter 1 differs in bit 47 alone from one that a register holds: a flipped bit");
}
END_TEST

START_TEST(bits_that_differ_for_honest_reasons_are_no_flip)
{
    check_nothing(near_register(UINT64_C(1) << 15)); /* a field of the same structure */
    check_nothing(near_register(UINT64_C(1) << 48)); /* never a kernel address */
    check_nothing(near_register(UINT64_C(3) << 20));
}
END_TEST

START_TEST(a_flip_needs_registers_of_the_kernels_own_code_that_point_into_memory)
{
    struct scene *s = near_register(UINT64_C(1) << 20);

    s->d.fault_cpu.has_registers = false;
    check_nothing(s);
    s = near_register(UINT64_C(1) << 20);
    s->verdict.has_fault = false;
    check_nothing(s);
    s = near_register(UINT64_C(1) << 20);
    s->verdict.fault.driver = -1;
    check_nothing(s);
    s = near_register(UINT64_C(1) << 20);
    s->verdict.fault.driver = 1; /* acme.sys may well compute a bad address */
    check_nothing(s);
    s = near_register(UINT64_C(1) << 20);
    s->verdict.header.is64 = false;
    check_nothing(s);
    s = near_register(UINT64_C(1) << 20);
    s->d.fault_cpu.reg[6] = POOL + 0x100000; /* nothing is there */
    s->verdict.header.params[0] = s->d.fault_cpu.reg[6] ^ UINT64_C(1) << 30;
    check_nothing(s);
    s = near_register(0);
    s->d.fault_cpu.reg[6] = 0x40000; /* an address of a program */
    s->verdict.header.params[0] = 0;
    check_nothing(s);
}
END_TEST

START_TEST(a_page_that_could_not_be_read_back_names_the_disks_own_words)
{
    check_found(stopped(0x7A, 1, 0xC0000185, 0, POOL), TRIAGE_STORAGE, "storage", TRIAGE_LIKELY,
                "reading a page back from disk failed with 0xc0000185 (parameter 2): the device reported an I/O error");
    check_found(stopped(0x77, 0xC000009C, 0xC000009C, 0, 0), TRIAGE_STORAGE, "storage", TRIAGE_LIKELY,
                "reading a page back from disk failed with 0xc000009c (parameter 1): bad sectors");
    check_found(stopped(0x77, 2, 0xC000009D, 0, 0), TRIAGE_STORAGE, "storage", TRIAGE_LIKELY,
                "reading a page back from disk failed with 0xc000009d (parameter 2): the device is not connected");
}
END_TEST

START_TEST(for_a_guest_the_disk_is_the_hosts)
{
    struct scene *s = stopped(0x7A, 1, 0xC000000E, 0, POOL);

    s->verdict.role = ROLE_GUEST;
    check_found(s, TRIAGE_STORAGE, "storage", TRIAGE_LIKELY,
                "reading a page back from disk failed with 0xc000000e (parameter 2): the device is gone; for a guest "
                "the disk is the host's: look at its storage");
}
END_TEST

START_TEST(a_status_that_is_no_disk_error_blames_no_disk)
{
    check_found(stopped(0x7A, 1, 0xC0000012, 0, POOL), TRIAGE_UNKNOWN, "Unknown_Image", TRIAGE_NONE,
                "reading a page back failed with 0xc0000012 (parameter 2), which is no disk error: memory, the page "
                "file or compressed memory");
}
END_TEST

START_TEST(the_name_of_a_dead_process_is_taken_where_parameter_3_points)
{
    struct scene *s = stopped(0xF4, 3, POOL, POOL + 0x1000, 0);

    memcpy(scene_map(s, POOL + 0x1000, 64), "wininit.exe", 12);
    check_found(s, TRIAGE_PROCESS, "wininit.exe", TRIAGE_LIKELY,
                "a process that Windows can not run without ended: wininit.exe (parameter 3); why it ended is in its "
                "own logs or dump");
}
END_TEST

START_TEST(without_a_name_the_object_itself_is_searched)
{
    struct scene *s = stopped(0xF4, 3, POOL, POOL + 0x10000, 0);

    memcpy(scene_map(s, POOL, 0x800) + 0x5A8, "lsass.exe", 10);
    memset(scene_map(s, POOL + 0x10000, 64), 'x', 64); /* no end in sight: no name */
    check_found(s, TRIAGE_PROCESS, "lsass.exe", TRIAGE_LIKELY,
                "a process that Windows can not run without ended: lsass.exe (the object at parameter 2); why it ended "
                "is in its own logs or dump");
    s = stopped(0xEF, POOL, 0, 0, 0);
    memcpy(scene_map(s, POOL, 0x800) + 0x5A8, "csrss.exe", 10);
    check_found(s, TRIAGE_PROCESS, "csrss.exe", TRIAGE_LIKELY,
                "a process that Windows can not run without ended: csrss.exe (the process at parameter 1); why it "
                "ended is in its own logs or dump");
}
END_TEST

START_TEST(without_the_object_the_current_process_is_named_as_just_that)
{
    struct scene *s = stopped(0xEF, POOL, 0, 0, 0);

    s->verdict.process = "services.exe";
    check_found(s, TRIAGE_PROCESS, "services.exe", TRIAGE_LIKELY,
                "a process that Windows can not run without ended: services.exe (the current process; the object "
                "itself is not in the dump); why it ended is in its own logs or dump");
    check_nothing(stopped(0xEF, 0x1000, 0, 0, 0)); /* neither: the code's own words do */
    check_nothing(stopped(0xF4, 3, 0x1000, 0x1000, 0));
}
END_TEST

static void put_wide(unsigned char *p, const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++)
        put16(p + 2 * i, (unsigned char)name[i]);
}

START_TEST(a_stuck_driver_is_named_by_a_unicode_string_or_bare)
{
    struct scene *s = stopped(0xEA, POOL, POOL, POOL, 1);
    unsigned char *p = scene_map(s, POOL, 64);

    put16(p, 16);
    put16(p + 2, 18);
    put64(p + 8, POOL + 0x100);
    put_wide(scene_map(s, POOL + 0x100, 64), "\\Drivers\\ACME.sys");
    check_found(s, TRIAGE_DRIVER, "acme.sys", TRIAGE_EXACT, "parameter 3 names acme.sys as stuck");
    s = stopped(0x100000EA, POOL, POOL, POOL, 1);
    put_wide(scene_map(s, POOL, 64), "acme.sys");
    check_found(s, TRIAGE_DRIVER, "acme.sys", TRIAGE_EXACT, "parameter 3 names acme.sys as stuck");
    s = stopped(0xEA, POOL, POOL, POOL, 1);
    put_wide(scene_map(s, POOL, 16), "acme.sys"); /* the memory ends with it */
    check_found(s, TRIAGE_DRIVER, "acme.sys", TRIAGE_EXACT, "parameter 3 names acme.sys as stuck");
}
END_TEST

START_TEST(a_stuck_drivers_name_that_can_not_be_had_is_left_to_the_stack)
{
    struct scene *s = stopped(0xEA, POOL, POOL, POOL, 1);
    unsigned char *p;

    put_wide(scene_map(s, POOL, 64), "other.sys"); /* not in the list */
    check_nothing(s);
    check_nothing(stopped(0xEA, POOL, POOL, POOL, 1));
    check_nothing(stopped(0xEA, POOL, POOL, 0x1000, 1));
    s = stopped(0xEA, POOL, POOL, POOL, 1);
    s->verdict.header.is64 = false;
    check_nothing(s);
    s = stopped(0xEA, POOL, POOL, POOL, 1);
    p = scene_map(s, POOL, 16);
    put16(p + 2, 18);
    put64(p + 8, 0x1000); /* a string that lies in a program's memory */
    check_nothing(s);
}
END_TEST

START_TEST(dpcs_that_took_too_long_together_blame_nobody)
{
    check_found(stopped(0x133, 1, 0x1E00, 0, 0), TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE,
                "the processor spent too long in interrupts and DPCs in all (parameter 1 = 1): the stack shows who was "
                "there last, not who took the time");
    check_nothing(stopped(0x133, 0, 0x501, 0x500, 0));
}
END_TEST

START_TEST(a_system_that_hung_says_what_a_guest_may_have_met)
{
    struct scene *s = stopped(0x1CA, 0, 0, 0, 0);

    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, "the watchdog was not reset in time: the system hung");
    s = stopped(0x1CA, 0, 0, 0, 0);
    s->verdict.role = ROLE_GUEST;
    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE,
                "the synthetic watchdog was not reset in time: the system hung, or the host did not run its "
                "processors");
}
END_TEST

/* Processor 2 hung; its block is at POOL, the debugger data gives these offsets in it. */
static struct scene *hung(uint16_t state, uint16_t pointer)
{
    struct scene *s = stopped(0x101, 12, 0, POOL, 2);

    s->d.kdbg.present = true;
    s->d.kdbg.size = KDBG_SIZE;
    put16(s->d.kdbg.bytes + 0x2BC, state);
    put16(s->d.kdbg.bytes + 0x338, pointer);
    return s;
}

static void put_context(unsigned char *p, uint64_t rip)
{
    put32(p + 0x30, 0x10001F);
    put16(p + 0x38, 0x10);
    put64(p + 0xF8, rip);
}

static const char in_acme[] = "processor 2 (parameter 4) stopped answering clock interrupts in acme.sys+0x1234";
static const char not_there[] =
    "processor 2 (parameter 4) stopped answering clock interrupts; what it did is not in the dump";

START_TEST(a_hung_processors_state_may_lie_behind_a_pointer)
{
    struct scene *s = hung(0, 0x20);

    put64(scene_map(s, POOL + 0x20, 8), POOL + 0x1000);
    put_context(scene_map(s, POOL + 0x1000, 0x4D0), ACME + 0x1234);
    check_found(s, TRIAGE_WATCHDOG, "acme.sys", TRIAGE_GUESS, in_acme);
    s = hung(0x100, 0x20);
    put_context(scene_map(s, POOL + 0x100, 0x4D0), 0); /* no state: the pointer is tried */
    put64(scene_map(s, POOL + 0x20, 8), POOL + 0x1000);
    put_context(scene_map(s, POOL + 0x1000, 0x4D0), ACME + 0x1234);
    check_found(s, TRIAGE_WATCHDOG, "acme.sys", TRIAGE_GUESS, in_acme);
}
END_TEST

START_TEST(a_hung_processor_without_a_state_is_named_by_its_number)
{
    struct scene *s = hung(0, 0);

    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, not_there);
    check_found(hung(0, 0x20), TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, not_there);
    s = hung(0, 0x20);
    put64(scene_map(s, POOL + 0x20, 8), POOL + 0x1000);
    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, not_there);
    s = hung(0x100, 0);
    put_context(scene_map(s, POOL + 0x100, 0x4D0), ACME + 0x20000); /* in no driver */
    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, not_there);
    s = hung(0x100, 0);
    s->verdict.header.params[2] = 0x1000;
    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE, not_there);
}
END_TEST

START_TEST(a_guests_hung_processor_may_not_have_been_run_by_its_host)
{
    struct scene *s = hung(0, 0);

    s->verdict.role = ROLE_GUEST;
    check_found(s, TRIAGE_WATCHDOG, "watchdog", TRIAGE_NONE,
                "processor 2 (parameter 4) stopped answering clock interrupts; what it did is not in the dump; in a "
                "guest, a virtual processor that the host did not run looks the same");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_code_without_a_rule_of_its_own_is_left_to_the_stack);
    suite_test(s, one_bit_between_two_page_table_entries_is_memory_and_two_bits_are_not);
    suite_test(s, an_address_one_bit_from_a_registers_is_a_flipped_bit);
    suite_test(s, bits_that_differ_for_honest_reasons_are_no_flip);
    suite_test(s, a_flip_needs_registers_of_the_kernels_own_code_that_point_into_memory);
    suite_test(s, a_page_that_could_not_be_read_back_names_the_disks_own_words);
    suite_test(s, for_a_guest_the_disk_is_the_hosts);
    suite_test(s, a_status_that_is_no_disk_error_blames_no_disk);
    suite_test(s, the_name_of_a_dead_process_is_taken_where_parameter_3_points);
    suite_test(s, without_a_name_the_object_itself_is_searched);
    suite_test(s, without_the_object_the_current_process_is_named_as_just_that);
    suite_test(s, a_stuck_driver_is_named_by_a_unicode_string_or_bare);
    suite_test(s, a_stuck_drivers_name_that_can_not_be_had_is_left_to_the_stack);
    suite_test(s, dpcs_that_took_too_long_together_blame_nobody);
    suite_test(s, a_system_that_hung_says_what_a_guest_may_have_met);
    suite_test(s, a_hung_processors_state_may_lie_behind_a_pointer);
    suite_test(s, a_hung_processor_without_a_state_is_named_by_its_number);
    suite_test(s, a_guests_hung_processor_may_not_have_been_run_by_its_host);
}

int main(void)
{
    return suite_main("triage: codes with rules of their own", add);
}
