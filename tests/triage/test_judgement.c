/* From a fault and a stack to a name: each rule of blame, each text, and the buckets that follow. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"

#include <string.h>

#define BASE  UINT64_C(0xFFFFF80000000000)
#define STACK UINT64_C(0xFFFFD00020000000)

/* Drivers a megabyte apart. */
enum { NT, NDIS, WIN32K, STORVSC, ACME, BETA, DRIVERS };

static const char *const names[DRIVERS] = { "ntoskrnl.exe", "ndis.sys", "win32k.sys",
                                            "storvsc.sys",  "acme.sys", "beta.sys" };

static uint64_t in(int driver, uint64_t offset)
{
    return BASE + (uint64_t)driver * 0x100000 + offset;
}

static struct triage_frame frames[64];

static struct scene *stopped(uint32_t code)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);

    s->verdict.header.code = code;
    s->verdict.frames = frames;
    for (int i = 0; i < DRIVERS; i++)
        scene_driver(s, names[i], in(i, 0), 0x100000);
    scene_ready(s);
    return s;
}

static void put_frame(struct scene *s, uint64_t address, enum triage_frame_source source)
{
    frames[s->verdict.frame_count++] =
        (struct triage_frame){ .place = dump_place(&s->d, address), .source = source, .sp = STACK };
}

/* It went wrong at this address; the first frame says so. */
static struct scene *fault_at(uint32_t code, uint64_t address)
{
    struct scene *s = stopped(code);

    s->verdict.has_fault = true;
    s->verdict.fault = dump_place(&s->d, address);
    s->verdict.fault_how = "parameter 4";
    put_frame(s, address, FRAME_FAULT);
    return s;
}

static void check_culprit(struct scene *s, const char *name, enum triage_confidence c, const char *evidence)
{
    blame(&s->d);
    ck_assert_str_eq(s->verdict.culprit.evidence, evidence);
    ck_assert_str_eq(s->verdict.culprit.name, name);
    ck_assert_int_eq(s->verdict.culprit.confidence, c);
    scene_end(s);
}

START_TEST(an_unwound_caller_is_likely_and_a_scanned_one_a_guess)
{
    struct scene *s = fault_at(0xD1, in(NT, 0x10));

    put_frame(s, in(ACME, 0x1234), FRAME_UNWOUND);
    put_frame(s, in(BETA, 0x1234), FRAME_UNWOUND);
    check_culprit(s, "acme.sys", TRIAGE_LIKELY,
                  "parameter 4 = ntoskrnl.exe+0x10; acme.sys+0x1234 is the first below it that may be blamed, found by "
                  "unwinding the stack");
    s = fault_at(0xD1, in(NT, 0x10));
    put_frame(s, in(ACME, 0x1234), FRAME_SCANNED);
    check_culprit(s, "acme.sys", TRIAGE_GUESS,
                  "parameter 4 = ntoskrnl.exe+0x10; acme.sys+0x1234 is the first below it that may be blamed, found by "
                  "scanning the stack, not by unwinding");
}
END_TEST

START_TEST(an_unwound_frame_at_a_round_address_is_a_caller_all_the_same)
{
    struct scene *s = fault_at(0xD1, in(NT, 0x10));

    put_frame(s, in(BETA, 0x1230), FRAME_SCANNED); /* a pointer, more likely than a caller */
    put_frame(s, in(ACME, 0x1230), FRAME_UNWOUND);
    check_culprit(s, "acme.sys", TRIAGE_LIKELY,
                  "parameter 4 = ntoskrnl.exe+0x10; acme.sys+0x1230 is the first below it that may be blamed, found by "
                  "unwinding the stack");
}
END_TEST

START_TEST(frames_above_the_fault_and_in_no_driver_are_nobodys)
{
    struct scene *s = stopped(0xD1);

    s->verdict.has_fault = true;
    s->verdict.fault = dump_place(&s->d, in(NT, 0x10));
    s->verdict.fault_how = "parameter 4";
    put_frame(s, in(BETA, 0x1), FRAME_CONTEXT);
    put_frame(s, in(NT, 0x10), FRAME_FAULT);
    put_frame(s, 0x1234, FRAME_UNWOUND);
    put_frame(s, in(ACME, 0x21), FRAME_UNWOUND);
    check_culprit(s, "acme.sys", TRIAGE_LIKELY,
                  "parameter 4 = ntoskrnl.exe+0x10; acme.sys+0x21 is the first below it that may be blamed, found by "
                  "unwinding the stack");
}
END_TEST

START_TEST(only_parts_of_windows_on_the_stack_are_a_guess)
{
    struct scene *s = fault_at(0xD1, in(NT, 0x10));

    put_frame(s, in(NDIS, 0x11), FRAME_UNWOUND);
    put_frame(s, in(WIN32K, 0x11), FRAME_UNWOUND);
    check_culprit(s, "ndis.sys", TRIAGE_GUESS,
                  "parameter 4 = ntoskrnl.exe+0x10; only parts of Windows are on the stack, first ndis.sys+0x11, found "
                  "by unwinding the stack");
}
END_TEST

START_TEST(with_nobody_on_the_stack_the_code_or_the_fault_speaks)
{
    check_culprit(fault_at(0xD1, in(NT, 0x10)), "ntoskrnl.exe", TRIAGE_NONE,
                  "parameter 4 = ntoskrnl.exe+0x10 and no driver is on the stack: memory, or damage that was done "
                  "earlier");
    check_culprit(fault_at(0xEA, in(NT, 0x10)), "watchdog", TRIAGE_NONE,
                  "parameter 4 = ntoskrnl.exe+0x10; no driver is on the stack");
    check_culprit(fault_at(0xD1, 0x1234), "Unknown_Image", TRIAGE_NONE,
                  "parameter 4 = 0x1234 is in no driver; no driver is on the stack");
}
END_TEST

START_TEST(without_a_fault_the_caller_of_the_bug_check_is_looked_for)
{
    struct scene *s = stopped(0xC2);

    put_frame(s, in(BETA, 0x1), FRAME_CONTEXT); /* where the processor is now is not below */
    put_frame(s, in(ACME, 0x21), FRAME_UNWOUND);
    check_culprit(s, "acme.sys", TRIAGE_LIKELY,
                  "no parameter or saved state names an address; acme.sys+0x21 is the first below it that may be "
                  "blamed, found by unwinding the stack");
    s = stopped(0xC2);
    put_frame(s, in(ACME, 0x21), FRAME_SCANNED); /* no context: the first is as good as the others */
    check_culprit(s, "acme.sys", TRIAGE_GUESS,
                  "no parameter or saved state names an address; acme.sys+0x21 is the first below it that may be "
                  "blamed, found by scanning the stack, not by unwinding");
    check_culprit(stopped(0xC2), "Unknown_Image", TRIAGE_NONE, "the dump has neither an address to go by nor a stack");
}
END_TEST

START_TEST(an_unwound_driver_takes_the_blame_from_a_part_of_windows)
{
    struct scene *s = fault_at(0x50, in(WIN32K, 0x10));

    put_frame(s, in(STORVSC, 0x20), FRAME_UNWOUND);
    check_culprit(s, "storvsc.sys", TRIAGE_LIKELY,
                  "parameter 4 = win32k.sys+0x10; storvsc.sys+0x20 is the first below it that may be blamed, found by "
                  "unwinding the stack");
}
END_TEST

START_TEST(a_scanned_driver_far_from_a_framework_does_not)
{
    for (int between = 10; between <= 12; between++) {
        struct scene *s = fault_at(0xD1, in(NDIS, 0x10));

        for (int i = 0; i < between; i++)
            put_frame(s, in(NT, 0x21), FRAME_SCANNED);
        put_frame(s, in(STORVSC, 0x31), FRAME_SCANNED); /* Windows' own: not who a framework works for */
        put_frame(s, in(ACME, 0x41), FRAME_SCANNED);
        put_frame(s, in(BETA, 0x51), FRAME_SCANNED);
        blame(&s->d);
        ck_assert_str_eq(s->verdict.culprit.name, between == 10 ? "acme.sys" : "ndis.sys");
        ck_assert_int_eq(s->verdict.culprit.confidence, between == 10 ? TRIAGE_GUESS : TRIAGE_LIKELY);
        ck_assert_int_eq(scene_noted(s, "acme.sys+0x41 was found on the stack by scanning and may have a part in it."),
                         between != 10);
        scene_end(s);
    }
}
END_TEST

START_TEST(a_part_of_windows_alone_keeps_the_blame_without_a_note)
{
    struct scene *s = fault_at(0x50, in(WIN32K, 0x10));

    put_frame(s, in(STORVSC, 0x31), FRAME_SCANNED);
    blame(&s->d);
    ck_assert_uint_eq(s->verdict.note_count, 0);
    check_culprit(s, "win32k.sys", TRIAGE_LIKELY, "parameter 4 = win32k.sys+0x10");
}
END_TEST

/* A jump to nowhere; what the stack pointer points at is this. */
static struct scene *jumped_from(uint64_t caller)
{
    struct scene *s = stopped(0x50);

    put64(scene_map(s, STACK, 8), caller);
    scene_ready(s);
    s->verdict.has_fault = true;
    s->verdict.fault = dump_place(&s->d, 0xFFFFF8FF12345678);
    s->verdict.fault_how = "parameter 3";
    s->d.fault_sp_good = true;
    s->d.fault_cpu.reg[REG_RSP] = STACK;
    return s;
}

START_TEST(a_jump_to_nowhere_is_its_callers_by_the_callers_class)
{
    static const char nobody[] = "parameter 3 = 0xfffff8ff12345678 is in no driver; no driver is on the stack";
    struct scene *s = jumped_from(in(ACME, 0x21));

    check_culprit(s, "acme.sys", TRIAGE_LIKELY,
                  "parameter 3 = 0xfffff8ff12345678 is in no driver: a jump through a bad pointer, called from "
                  "acme.sys+0x21");
    s = jumped_from(in(NDIS, 0x21));
    check_culprit(s, "ndis.sys", TRIAGE_GUESS,
                  "parameter 3 = 0xfffff8ff12345678 is in no driver: a jump through a bad pointer, called from "
                  "ndis.sys+0x21");
    check_culprit(jumped_from(in(NT, 0x21)), "Unknown_Image", TRIAGE_NONE, nobody);
    check_culprit(jumped_from(0x1234), "Unknown_Image", TRIAGE_NONE, nobody);
    s = jumped_from(in(ACME, 0x21));
    s->d.fault_cpu.reg[REG_RSP] = STACK + 1; /* its end is not in the dump */
    check_culprit(s, "Unknown_Image", TRIAGE_NONE, nobody);
    s = jumped_from(in(ACME, 0x21));
    s->d.fault_sp_good = false;
    check_culprit(s, "Unknown_Image", TRIAGE_NONE, nobody);
}
END_TEST

START_TEST(an_unloaded_driver_is_named_from_its_first_byte_to_its_last)
{
    static struct triage_unloaded gone[] = {
        { "other.sys", 0x1000, 0x2000 }, { "gone.sys", UINT64_C(0xFFFFF8FF12340000), UINT64_C(0xFFFFF8FF12350000) }
    };
    static const struct {
        uint64_t at;
        const char *name;
    } rows[] = {
        { UINT64_C(0xFFFFF8FF12340000), "gone.sys" },
        { UINT64_C(0xFFFFF8FF1234FFFF), "gone.sys" },
        { UINT64_C(0xFFFFF8FF12350000), "Unknown_Image" },
        { UINT64_C(0xFFFFF8FF1233FFFF), "Unknown_Image" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = fault_at(0xD1, rows[i].at);

        s->verdict.unloaded = gone;
        s->verdict.unloaded_count = 2;
        blame(&s->d);
        ck_assert_str_eq(s->verdict.culprit.name, rows[i].name);
        scene_end(s);
    }
}
END_TEST

START_TEST(a_list_of_drivers_that_can_not_be_read_is_said)
{
    struct scene *s = fault_at(0xD1, in(ACME, 0x10));

    s->verdict.driver_count = 0;
    s->verdict.fault.driver = -1;
    check_culprit(s, "Unknown_Image", TRIAGE_NONE,
                  "parameter 4 = 0xfffff80000400010, but the list of drivers can not be read from this dump");
}
END_TEST

START_TEST(codes_that_only_found_the_damage_have_each_their_words)
{
    static const struct {
        uint32_t code;
        const char *name;
        enum triage_confidence confidence;
        const char *evidence;
    } rows[] = {
        { 0x19, "memory_corruption", TRIAGE_NONE,
          "the code means damaged memory; who is on the stack found the damage and need not have done it" },
        { 0x154, "storage", TRIAGE_NONE,
          "the code points to the disk, the page file or the memory below, not to a driver's mistake" },
        { 0x9C, "hardware", TRIAGE_EXACT, "the machine reported an error" },
        { 0xC000021A, "process", TRIAGE_NONE,
          "a process that Windows can not run without ended; its name is not in the dump" },
        { 0x9E, "watchdog", TRIAGE_NONE,
          "something did not answer in time; the stack of this processor does not show what" },
        { 0xE2, "manual_crash", TRIAGE_EXACT, "somebody or something asked for this crash" },
        { 0x20001, "Unknown_Image", TRIAGE_NONE, "the code does not name a driver" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = fault_at(rows[i].code, in(ACME, 0x10));

        check_culprit(s, rows[i].name, rows[i].confidence, rows[i].evidence);
    }
}
END_TEST

START_TEST(without_a_bug_check_there_is_nobody_and_no_bucket)
{
    struct scene *s = stopped(0xD1);

    s->verdict.header.has_bugcheck = false;
    blame(&s->d);
    bucket_make(&s->d);
    ck_assert_str_eq(s->verdict.bucket.hvfleet, "");
    check_culprit(s, "Unknown_Image", TRIAGE_NONE, "the bug check code is not in the file");
}
END_TEST

/* ---- buckets ---- */

static void check_failure(uint32_t code, uint64_t p1, uint64_t p3, const char *name, const char *wanted)
{
    struct scene *s = stopped(code);

    s->drivers[ACME].name = name;
    s->verdict.header.params[0] = p1;
    s->verdict.header.params[2] = p3;
    s->verdict.culprit = (struct triage_culprit){
        .subject = TRIAGE_DRIVER, .name = name, .driver = ACME, .confidence = TRIAGE_EXACT, .evidence = ""
    };
    bucket_make(&s->d);
    ck_assert_str_eq(s->verdict.bucket.failure_id, wanted);
    ck_assert_uint_eq(strlen(s->verdict.bucket.failure_hash), *wanted == '\0' ? 0 : 36);
    scene_end(s);
}

START_TEST(windbgs_bucket_is_given_in_the_forms_that_are_known_to_the_letter)
{
    check_failure(0xD1, 0, 0, "acme.sys", "AV_acme!unknown_function");
    check_failure(0x0A, 0, 0, "acme.sys", "AV_acme!unknown_function");
    check_failure(0xD1, 0, 1, "acme.sys", ""); /* a write has a name of its own, and we do not know it */
    check_failure(0x0A, 0, 8, "acme.sys", "");
    check_failure(0x3B, 0xC0000005, 0, "acme", "AV_acme!unknown_function");
    check_failure(0x1000007E, 0x80000003, 0, "ac-me.1.sys", "0x7E_80000003_ac_me_1!unknown_function");
    check_failure(0x7E, 0, 0, "acme.sys", "");
    check_failure(0x116, 0, 0, "acme.sys", "0x116_IMAGE_acme.sys");
    check_failure(0x50, 0, 0, "acme.sys", "");
}
END_TEST

START_TEST(a_name_of_any_length_makes_a_bucket_of_a_bounded_one)
{
    enum { LONG = 260 };
    char name[LONG + 1] = { 0 }, wanted[300] = "AV_";

    memset(name, 'x', LONG);
    memset(wanted + 3, 'x', 126);
    memcpy(wanted + 3 + 126, "!unknown_function", 18);
    check_failure(0xD1, 0, 0, name, wanted);
    memcpy(wanted, "0x116_IMAGE_", 12);
    memcpy(wanted + 12, name, sizeof name);
    check_failure(0x116, 0, 0, name, wanted);
}
END_TEST

START_TEST(a_flipped_bit_of_another_code_is_not_called_one)
{
    struct scene *s = stopped(0x50);

    s->verdict.culprit = (struct triage_culprit){
        .subject = TRIAGE_MEMORY, .name = "memory_corruption", .driver = -1, .confidence = TRIAGE_LIKELY, .evidence = ""
    };
    bucket_make(&s->d);
    ck_assert_str_eq(s->verdict.bucket.failure_id, "");
    s->verdict.header.code = 0x1A;
    s->verdict.culprit.confidence = TRIAGE_NONE;
    bucket_make(&s->d);
    ck_assert_str_eq(s->verdict.bucket.failure_id, "");
    scene_end(s);
}
END_TEST

/* Our bucket of a crash with that many frames of acme.sys below it. */
static void bucket_of(size_t count, char *out)
{
    struct scene *s = fault_at(0xD1, in(BETA, 0x10));

    for (size_t i = 0; i < count; i++)
        put_frame(s, in(ACME, 0x100 + 0x10 * i), FRAME_UNWOUND);
    blame(&s->d);
    bucket_make(&s->d);
    memcpy(out, s->verdict.bucket.hvfleet, strlen(s->verdict.bucket.hvfleet) + 1);
    scene_end(s);
}

START_TEST(the_first_four_frames_that_are_not_the_kernels_make_the_bucket)
{
    char three[128], four[128], five[128];

    bucket_of(2, three);
    bucket_of(3, four);
    bucket_of(4, five);
    ck_assert_str_ne(three, four);
    ck_assert_str_eq(four, five);
}
END_TEST

/* ---- roles ---- */

static void check_role(const char *driver, const char *second, const char *maker, const char *product,
                       enum triage_role role, const char *evidence)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 9600);

    if (driver != NULL)
        scene_driver(s, driver, BASE, 0x1000);
    if (second != NULL)
        scene_driver(s, second, BASE + 0x1000, 0x1000);
    s->verdict.system_maker = maker;
    s->verdict.system_product = product;
    hyperv_role(scene_ready(s));
    ck_assert_str_eq(s->verdict.role_evidence, evidence);
    ck_assert_int_eq(s->verdict.role, role);
    scene_end(s);
}

START_TEST(drivers_and_maker_say_whose_machine_it_was)
{
    static const char ms[] = "Microsoft Corporation", vm[] = "Virtual Machine";

    check_role(NULL, NULL, "", "", ROLE_UNKNOWN, "the drivers and the maker are not in this dump");
    check_role("hal.dll", NULL, "", "", ROLE_UNKNOWN, "no Hyper-V driver of either side is loaded");
    check_role("hal.dll", NULL, "Dell Inc.", "R740", ROLE_PHYSICAL, "no Hyper-V driver of either side is loaded");
    check_role("winhv.sys", NULL, "Dell Inc.", "R740", ROLE_PHYSICAL, "no Hyper-V driver of either side is loaded");
    check_role("storvsc.sys", "vmbus.sys", "", "", ROLE_GUEST, "storvsc.sys is loaded");
    check_role("hal.dll", NULL, ms, vm, ROLE_GUEST, "the maker is Microsoft, the product Virtual Machine");
    check_role("hal.dll", NULL, "QEMU", vm, ROLE_PHYSICAL, "no Hyper-V driver of either side is loaded");
    check_role("vmswitch.sys", "storvsp.sys", ms, "Surface", ROLE_HOST, "vmswitch.sys is loaded");
    check_role("vmswitch.sys", "storvsc.sys", "", "", ROLE_NESTED_HOST,
               "vmswitch.sys of a host is loaded in what is a guest itself (storvsc.sys)");
    check_role("vmswitch.sys", NULL, ms, vm, ROLE_NESTED_HOST,
               "vmswitch.sys of a host is loaded in what is a guest itself (Virtual Machine)");
}
END_TEST

START_TEST(of_notes_and_findings_a_bounded_number_is_kept)
{
    struct scene *s = stopped(0xD1);

    for (int i = 0; i < 100; i++) {
        dump_note(&s->d, "note %d", i);
        dump_finding(&s->d, "rule", 0, "finding %d", i);
    }
    ck_assert_uint_eq(s->verdict.note_count, TRIAGE_NOTES_MAX);
    ck_assert_str_eq(s->verdict.notes[TRIAGE_NOTES_MAX - 1], "note 31");
    ck_assert_uint_eq(s->verdict.finding_count, TRIAGE_FINDINGS_MAX);
    ck_assert_str_eq(s->verdict.findings[TRIAGE_FINDINGS_MAX - 1].text, "finding 63");
    scene_end(s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_unwound_caller_is_likely_and_a_scanned_one_a_guess);
    suite_test(s, an_unwound_frame_at_a_round_address_is_a_caller_all_the_same);
    suite_test(s, frames_above_the_fault_and_in_no_driver_are_nobodys);
    suite_test(s, only_parts_of_windows_on_the_stack_are_a_guess);
    suite_test(s, with_nobody_on_the_stack_the_code_or_the_fault_speaks);
    suite_test(s, without_a_fault_the_caller_of_the_bug_check_is_looked_for);
    suite_test(s, an_unwound_driver_takes_the_blame_from_a_part_of_windows);
    suite_test(s, a_scanned_driver_far_from_a_framework_does_not);
    suite_test(s, a_part_of_windows_alone_keeps_the_blame_without_a_note);
    suite_test(s, a_jump_to_nowhere_is_its_callers_by_the_callers_class);
    suite_test(s, an_unloaded_driver_is_named_from_its_first_byte_to_its_last);
    suite_test(s, a_list_of_drivers_that_can_not_be_read_is_said);
    suite_test(s, codes_that_only_found_the_damage_have_each_their_words);
    suite_test(s, without_a_bug_check_there_is_nobody_and_no_bucket);
    suite_test(s, windbgs_bucket_is_given_in_the_forms_that_are_known_to_the_letter);
    suite_test(s, a_name_of_any_length_makes_a_bucket_of_a_bounded_one);
    suite_test(s, a_flipped_bit_of_another_code_is_not_called_one);
    suite_test(s, the_first_four_frames_that_are_not_the_kernels_make_the_bucket);
    suite_test(s, drivers_and_maker_say_whose_machine_it_was);
    suite_test(s, of_notes_and_findings_a_bounded_number_is_kept);
}

int main(void)
{
    return suite_main("triage: judgement", add);
}
