/* The verdict for people, to the letter. */
#include "base/times.h"
#include "tests/support/suite.h"
#include "triage/triage.h"

#include <string.h>

static struct triage_driver drivers[] = {
    { .name = "ntoskrnl.exe",
      .base = UINT64_C(0xFFFFF80000000000),
      .size = 0x800000,
      .timestamp = 0x8BADF00D,
      .has_timestamp = true,
      .reproducible = true,
      .has_checksum = true,
      .checksum = 0x7FFF01 },
    { .name = "storvsc.sys",
      .base = UINT64_C(0xFFFFF88006000000),
      .size = 0x10000,
      .integration = true,
      .has_version = true,
      .version = { 10, 0, 19041, 1202 } },
    { .name = "vmbus.sys",
      .base = UINT64_C(0xFFFFF88007000000),
      .size = 0x9000,
      .timestamp = 1332028800,
      .has_timestamp = true,
      .integration = true },
    { .name = "vmswitch.sys", .base = UINT64_C(0xFFFFF88008000000), .size = 0x9000, .host_side = true },
};

static struct triage_frame frames[] = {
    { .place = { .address = UINT64_C(0xFFFFF80000001000), .driver = 0, .offset = 0x1000, .symbol = "KeBugCheckEx+0x0" },
      .sp = UINT64_C(0xFFFFD00020000000),
      .source = FRAME_CONTEXT },
    { .place = { .address = UINT64_C(0xFFFFF880060012B8), .driver = 1, .offset = 0x12B8, .symbol = "" },
      .sp = UINT64_C(0xFFFFD00020000100),
      .source = FRAME_SCANNED },
    { .place = { .address = UINT64_C(0x1234), .driver = -1, .symbol = "" },
      .sp = UINT64_C(0xFFFFD00020000200),
      .source = FRAME_CHAIN },
};

static struct triage_unloaded unloaded[] = {
    { "gone.sys", UINT64_C(0xFFFFF88009000000), UINT64_C(0xFFFFF88009010000) },
};

static const struct triage_number absent = { .source = "not in this dump" };

/* A crash of which the least is known. */
static struct triage_verdict least(void)
{
    struct triage_verdict v = {
        .header = { .format = DUMP_FORMAT_TRIAGE,
                    .arch = DUMP_ARCH_X86,
                    .has_bugcheck = true,
                    .code = 0xD1,
                    .params = { 0x28, 2, 0, 0x1234 },
                    .build = 6002,
                    .processors = 1,
                    .uptime = -1 },
        .status_text = "",
        .bugcheck_name = "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        .meanings = { "memory referenced", "IRQL", "", "" },
        .cause = "",
        .build_lab = "",
        .process = "",
        .bios_vendor = "",
        .bios_version = "",
        .bios_date = "",
        .system_maker = "",
        .system_product = "",
        .pages_present = absent,
        .memory_total = absent,
        .memory_free = absent,
        .commit = absent,
        .commit_limit = absent,
        .role_evidence = "",
        .culprit = { .name = "Unknown_Image", .driver = -1, .evidence = "nothing is known" },
        .bucket = { .failure_id = "", .hvfleet = "" },
    };

    return v;
}

/* Line by line: the library can not print a whole page as the reason of a failure. */
static void check_lines(const char *got, const char *wanted)
{
    while (*got != '\0' || *wanted != '\0') {
        int n = (int)strcspn(got, "\n"), m = (int)strcspn(wanted, "\n");

        ck_assert_msg(n == m && memcmp(got, wanted, (size_t)n) == 0, "got: %.*s\nnot: %.*s", n, got, m, wanted);
        ck_assert_int_eq(got[n], wanted[m]);
        got += n + (got[n] != '\0');
        wanted += m + (wanted[m] != '\0');
    }
}

static void check_text(const struct triage_verdict *v, bool details, const char *wanted)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    triage_text(v, "x.dmp", details, &out);
    check_lines(buf_text(&out), wanted);
    buf_free(&out);
}

START_TEST(what_is_not_known_has_no_line)
{
    struct triage_verdict v = least();

    check_text(&v, false,
               "x.dmp: minidump, ok\n"
               "  Bug check 0xD1, DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"
               "    1: 00000028  memory referenced\n"
               "    2: 00000002  IRQL\n"
               "    3: 00000000\n"
               "    4: 00001234\n"
               "\n"
               "  Probably caused by : Unknown_Image\n"
               "  Confidence:     none: nothing is known\n"
               "\n"
               "  Windows:        build 6002 x86, 1 processor\n");
}
END_TEST

START_TEST(the_details_say_why_a_figure_is_missing)
{
    struct triage_verdict v = least();

    check_text(&v, true,
               "x.dmp: minidump, ok\n"
               "  Bug check 0xD1, DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"
               "    1: 00000028  memory referenced\n"
               "    2: 00000002  IRQL\n"
               "    3: 00000000\n"
               "    4: 00001234\n"
               "\n"
               "  Probably caused by : Unknown_Image\n"
               "  Confidence:     none: nothing is known\n"
               "\n"
               "  Windows:        build 6002 x86, 1 processor\n"
               "  Memory:         not in this dump\n"
               "  Available:      not in this dump\n"
               "  Committed:      not in this dump\n"
               "  Commit limit:   not in this dump\n"
               "\n  Drivers loaded: 0\n");
}
END_TEST

/* The same with all that a memory dump of a guest can tell. */
static struct triage_verdict most(void)
{
    struct triage_verdict v = least();
    struct dump_header *h = &v.header;

    h->format = DUMP_FORMAT_BITMAP_FULL;
    h->is64 = true;
    h->arch = DUMP_ARCH_X64;
    h->product = DUMP_SERVER;
    h->build = 19041;
    h->processors = 4;
    h->crash_time = INT64_C(1732332864381170700);
    h->uptime = INT64_C(90061) * NS_PER_S;
    memcpy(h->status_text, "Dump completed successfully.", 29);
    v.status = TRIAGE_CORRUPT;
    v.status_text = "the list of loaded drivers is broken";
    v.cause = "a write";
    v.ubr = 1288;
    v.build_lab = "19041.1.amd64fre.vb_release.191206-1406";
    v.process = "svchost.exe";
    v.bios_vendor = "American Megatrends Inc.";
    v.bios_version = "090008";
    v.bios_date = "12/07/2018";
    v.system_maker = "Microsoft Corporation";
    v.system_product = "Virtual Machine";
    v.pages_present = (struct triage_number){ true, 262144, "the dump's table of pages" };
    v.memory_total = (struct triage_number){ true, UINT64_C(4) << 30, "KUSER_SHARED_DATA" };
    v.memory_free = (struct triage_number){ true, (UINT64_C(100) << 20) + 5, "the kernel's own counters" };
    v.extent = EXTENT_ACTIVE;
    v.role = ROLE_GUEST;
    v.role_evidence = "storvsc.sys is loaded";
    v.drivers = drivers;
    v.driver_count = sizeof drivers / sizeof drivers[0];
    v.unloaded = unloaded;
    v.unloaded_count = 1;
    v.frames = frames;
    v.frame_count = sizeof frames / sizeof frames[0];
    v.culprit = (struct triage_culprit){ .subject = TRIAGE_DRIVER,
                                         .name = "storvsc.sys",
                                         .driver = 1,
                                         .has_offset = true,
                                         .offset = 0x12B8,
                                         .confidence = TRIAGE_EXACT,
                                         .evidence = "parameter 4 = storvsc.sys+0x12b8" };
    v.bucket = (struct triage_bucket){ .failure_id = "AV_acme!unknown_function",
                                       .failure_hash = "9745090a-9bce-ccba-c096-ca6e9ca04c64",
                                       .hvfleet = "0xD1_storvsc.sys+0x12b8_0011223344556677" };
    v.notes[0] = "A note.";
    v.note_count = 1;
    v.findings[0] = (struct triage_finding){ "module-list", 0x20, "the list breaks" };
    v.findings[1] = (struct triage_finding){ "size", 0x30, "and the file is short" };
    v.finding_count = 2;
    return v;
}

#define MOST_HEAD                                                                            \
    "x.dmp: complete or active memory dump, corrupt: the list of loaded drivers is broken\n" \
    "  Bug check 0xD1, DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"                                      \
    "    1: 0000000000000028  memory referenced\n"                                           \
    "    2: 0000000000000002  IRQL\n"                                                        \
    "    3: 0000000000000000\n"                                                              \
    "    4: 0000000000001234\n"                                                              \
    "  Meaning:        a write\n"                                                            \
    "\n"                                                                                     \
    "  Probably caused by : storvsc.sys ( storvsc+12b8 )\n"                                  \
    "  Confidence:     exact: parameter 4 = storvsc.sys+0x12b8\n"                            \
    "  Bucket:         0xD1_storvsc.sys+0x12b8_0011223344556677\n"                           \
    "  WinDbg bucket:  AV_acme!unknown_function {9745090a-9bce-ccba-c096-ca6e9ca04c64}\n"    \
    "                  A note.\n"                                                            \
    "\n"                                                                                     \
    "  Windows:        build 19041.1288 x64 server, 4 processors\n"                          \
    "  Crashed:        2024-11-23T03:34:24.381170Z\n"                                        \
    "  Up for:         1 d 1 h\n"                                                            \
    "  Process:        svchost.exe\n"                                                        \
    "  Machine:        guest (storvsc.sys is loaded)\n"                                      \
    "  Maker:          Microsoft Corporation Virtual Machine\n"                              \
    "  BIOS:           American Megatrends Inc. 090008 12/07/2018\n"                         \
    "  Memory:         4096 MiB (KUSER_SHARED_DATA)\n"                                       \
    "  Available:      100 MiB (the kernel's own counters)\n"

#define MOST_EXTENT     "  Extent:         active: 1024 MiB of memory are in the file\n"
#define MOST_COMPONENTS "  Integration:    storvsc.sys 10.0.19041.1202, vmbus.sys\n"
#define MOST_FINDINGS                                   \
    "  Integrity:      the list breaks (offset 0x20)\n" \
    "                  and the file is short (offset 0x30)\n"

START_TEST(a_guests_crash_is_a_page_of_facts)
{
    struct triage_verdict v = most();

    check_text(&v, false, MOST_HEAD MOST_EXTENT MOST_COMPONENTS MOST_FINDINGS);
}
END_TEST

START_TEST(the_details_add_the_stack_and_the_drivers)
{
    struct triage_verdict v = most();

    check_text(&v, true,
               MOST_HEAD "  Committed:      not in this dump\n"
                         "  Commit limit:   not in this dump\n" MOST_EXTENT "  Pages in dump:  262144\n"
                         "  Build lab:      19041.1.amd64fre.vb_release.191206-1406\n"
                         "  Writer says:    Dump completed successfully.\n" MOST_COMPONENTS "\n  Stack (top first)\n"
                         "    ffffd00020000000  context       ntoskrnl.exe+0x1000 (KeBugCheckEx+0x0)\n"
                         "    ffffd00020000100  scanned       storvsc.sys+0x12b8\n"
                         "    ffffd00020000200  frame-pointer 0x1234\n"
                         "\n  Drivers loaded: 4\n"
                         "    fffff80000000000   800000  ntoskrnl.exe             build id 8badf00d sum 7fff01\n"
                         "    fffff88006000000    10000  storvsc.sys              10.0.19041.1202  [integration "
                         "component]\n"
                         "    fffff88007000000     9000  vmbus.sys                2012-03-18  [integration component]\n"
                         "    fffff88008000000     9000  vmswitch.sys              [Hyper-V host]\n"
                         "\n  Unloaded before (names cut at 12 characters)\n"
                         "    fffff88009000000 fffff88009010000  gone.sys\n" MOST_FINDINGS);
}
END_TEST

START_TEST(the_components_of_a_physical_machine_are_no_facts_of_a_guest)
{
    struct triage_verdict v = most();
    struct buf out;

    v.role = ROLE_PHYSICAL;
    buf_init(&out, 1 << 16);
    triage_text(&v, "x.dmp", false, &out);
    ck_assert_ptr_null(strstr(buf_text(&out), "Integration:"));
    buf_free(&out);
}
END_TEST

START_TEST(half_of_a_bios_or_maker_is_still_said)
{
    struct triage_verdict v = least();

    v.system_product = "X570";
    v.bios_version = "F31";
    check_text(&v, false,
               "x.dmp: minidump, ok\n"
               "  Bug check 0xD1, DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"
               "    1: 00000028  memory referenced\n"
               "    2: 00000002  IRQL\n"
               "    3: 00000000\n"
               "    4: 00001234\n"
               "\n"
               "  Probably caused by : Unknown_Image\n"
               "  Confidence:     none: nothing is known\n"
               "\n"
               "  Windows:        build 6002 x86, 1 processor\n"
               "  Maker:           X570\n"
               "  BIOS:            F31 \n");
}
END_TEST

START_TEST(a_file_that_is_no_dump_has_one_line_and_its_findings)
{
    struct triage_verdict v = least();

    v.header.format = DUMP_FORMAT_TEXT;
    v.header.has_bugcheck = false;
    v.status = TRIAGE_UNSUPPORTED;
    v.status_text = "readable text, not a dump";
    v.findings[0] = (struct triage_finding){ "signature", 0, "readable text, not a dump" };
    v.finding_count = 1;
    check_text(&v, true,
               "x.dmp: text file, unsupported: readable text, not a dump\n"
               "  Integrity:      readable text, not a dump (offset 0x0)\n");
}
END_TEST

START_TEST(an_offset_in_a_module_without_an_ending_keeps_its_whole_name)
{
    struct triage_verdict v = least();
    struct buf out;

    v.culprit.name = "hal";
    v.culprit.has_offset = true;
    v.culprit.offset = 0x10;
    buf_init(&out, 1 << 16);
    triage_text(&v, "x.dmp", false, &out);
    ck_assert_ptr_nonnull(strstr(buf_text(&out), "  Probably caused by : hal ( hal+10 )\n"));
    buf_free(&out);
}
END_TEST

START_TEST(every_word_of_the_json_form_is_fixed)
{
    static const char *const subjects[] = { "unknown", "driver",  "memory",   "hardware",
                                            "storage", "process", "watchdog", "manual" };
    static const char *const roles[] = { "unknown", "physical", "guest", "host", "nested-host" };
    static const char *const statuses[] = { "ok",    "partial",     "truncated", "corrupt",
                                            "empty", "unsupported", "unreadable" };

    for (size_t i = 0; i < TRIAGE_SUBJECT_COUNT; i++)
        ck_assert_str_eq(triage_subject_name((enum triage_subject)i), subjects[i]);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        ck_assert_str_eq(triage_role_name((enum triage_role)i), roles[i]);
    for (size_t i = 0; i < TRIAGE_STATUS_COUNT; i++)
        ck_assert_str_eq(triage_status_name((enum triage_status)i), statuses[i]);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_is_not_known_has_no_line);
    suite_test(s, the_details_say_why_a_figure_is_missing);
    suite_test(s, a_guests_crash_is_a_page_of_facts);
    suite_test(s, the_details_add_the_stack_and_the_drivers);
    suite_test(s, the_components_of_a_physical_machine_are_no_facts_of_a_guest);
    suite_test(s, half_of_a_bios_or_maker_is_still_said);
    suite_test(s, a_file_that_is_no_dump_has_one_line_and_its_findings);
    suite_test(s, an_offset_in_a_module_without_an_ending_keeps_its_whole_name);
    suite_test(s, every_word_of_the_json_form_is_fixed);
}

int main(void)
{
    return suite_main("triage: the verdict in words", add);
}
