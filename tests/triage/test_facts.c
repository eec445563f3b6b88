/* What the kernel keeps about itself, found through the debugger data: figures, build, drivers that went, process. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/facts.h"
#include "triage/memory.h"

#include <string.h>

#define VARS  UINT64_C(0xFFFFF80001000000)
#define POOL  UINT64_C(0xFFFFE00000001000)
#define KUSER UINT64_C(0xFFFFF78000000000)
#define STACK UINT64_C(0xFFFFD00020001000)

static struct scene *booted(uint32_t build)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, build);
    static const struct triage_number absent = { .source = "not in this dump" };

    s->d.kdbg.present = true;
    s->d.kdbg.size = KDBG_SIZE;
    s->verdict.memory_total = s->verdict.memory_free = s->verdict.commit = s->verdict.commit_limit = absent;
    return s;
}

static void point(struct scene *s, size_t field, uint64_t va)
{
    put64(s->d.kdbg.bytes + field, va);
}

/* A kernel variable that kdbg's field points to. */
static void figure(struct scene *s, size_t field, uint64_t va, uint64_t value)
{
    point(s, field, va);
    put64(scene_map(s, va, 8), value);
}

static void check_number(const struct triage_number *n, uint64_t value, const char *source)
{
    ck_assert_int_eq(n->known, value != 0);
    ck_assert_uint_eq(n->value, value);
    ck_assert_str_eq(n->source, source);
}

START_TEST(the_kernels_counters_are_pages)
{
    struct scene *s = booted(9600);

    figure(s, KDBG_PHYSICAL_PAGES, VARS, 1000);
    figure(s, KDBG_AVAILABLE, VARS + 8, 200);
    figure(s, KDBG_COMMITTED, VARS + 16, 300);
    figure(s, KDBG_COMMIT_LIMIT, VARS + 24, (UINT64_C(1) << 36) - 1);
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_total, 1000 * 4096, "the kernel's own counters");
    check_number(&s->verdict.memory_free, 200 * 4096, "the kernel's own counters");
    check_number(&s->verdict.commit, 300 * 4096, "the kernel's own counters");
    check_number(&s->verdict.commit_limit, ((UINT64_C(1) << 36) - 1) * 4096, "the kernel's own counters");
    scene_end(s);
}
END_TEST

START_TEST(counters_that_can_not_be_are_not_known)
{
    struct scene *s = booted(9600);

    figure(s, KDBG_AVAILABLE, VARS, 0);
    figure(s, KDBG_COMMITTED, VARS + 8, UINT64_C(1) << 36);
    point(s, KDBG_COMMIT_LIMIT, VARS + 0x1000); /* paged out */
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_free, 0, "not in this dump");
    check_number(&s->verdict.commit, 0, "not in this dump");
    check_number(&s->verdict.commit_limit, 0, "not in this dump");
    scene_end(s);
}
END_TEST

START_TEST(since_windows_10_the_dump_says_why_there_are_none)
{
    static const char gone[] = "not kept where it can be found without symbols since Windows 10";
    struct scene *s = booted(10240);

    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_free, 0, gone);
    scene_end(s);
    s = booted(10239);
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_free, 0, "not in this dump");
    scene_end(s);
    s = booted(10240);
    s->d.kdbg.present = false;
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_free, 0, "not in this dump");
    scene_end(s);
}
END_TEST

START_TEST(figures_a_minidump_has_itself_are_kept)
{
    struct scene *s = booted(9600);

    s->verdict.commit = (struct triage_number){ true, 77, "the minidump's memory figures" };
    s->verdict.commit_limit = (struct triage_number){ true, 88, "the minidump's memory figures" };
    figure(s, KDBG_COMMITTED, VARS + 16, 300);
    figure(s, KDBG_COMMIT_LIMIT, VARS + 24, 400);
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.commit, 77, "the minidump's memory figures");
    check_number(&s->verdict.commit_limit, 88, "the minidump's memory figures");
    scene_end(s);
}
END_TEST

/* The shared page's two counts: 32 bits, and 64 since Windows 8. */
static struct scene *shared_page(uint32_t pages, uint64_t full)
{
    struct scene *s = booted(19041);
    unsigned char *p = scene_map(s, KUSER, 0x400);

    put32(p + 0x2E8, pages);
    put64(p + 0x310, full);
    return s;
}

START_TEST(the_shared_page_gives_the_memory_and_its_wide_count_when_it_can_be_one)
{
    static const struct {
        uint32_t pages;
        uint64_t full, wanted;
    } rows[] = {
        { 1000, 1000, 1000 },
        { 1000, 2000, 2000 },
        { 1000, 999, 1000 },
        { 1000, 0, 1000 },
        { 1000, UINT64_C(1) << 36, 1000 },
        { 0, 2000, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = shared_page(rows[i].pages, rows[i].full);

        kernel_facts(scene_ready(s));
        check_number(&s->verdict.memory_total, rows[i].wanted * 4096,
                     rows[i].wanted != 0 ? "KUSER_SHARED_DATA"
                                         : "not kept where it can be found without symbols since Windows 10");
        scene_end(s);
    }
}
END_TEST

START_TEST(a_shared_page_that_is_cut_before_the_wide_count_gives_the_other)
{
    struct scene *s = booted(9600);

    put32(scene_map(s, KUSER, 0x310) + 0x2E8, 500);
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_total, 500 * 4096, "KUSER_SHARED_DATA");
    scene_end(s);
}
END_TEST

START_TEST(a_complete_dump_counts_its_own_pages_unless_the_shared_page_knows_better)
{
    struct scene *s = booted(9600);

    s->verdict.header.format = DUMP_FORMAT_FULL;
    s->d.pages.present = 300;
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_total, 300 * 4096, "pages in this complete dump");
    scene_end(s);
    s = shared_page(1000, 0);
    s->verdict.header.format = DUMP_FORMAT_FULL;
    s->d.pages.present = 300;
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_total, 1000 * 4096, "KUSER_SHARED_DATA");
    scene_end(s);
    s = booted(9600);
    s->verdict.header.format = DUMP_FORMAT_FULL;
    kernel_facts(scene_ready(s));
    check_number(&s->verdict.memory_total, 0, "not in this dump");
    scene_end(s);
}
END_TEST

static void check_lab(uint32_t build, const char *lab, const char *wanted, uint32_t ubr)
{
    struct scene *s = booted(build);
    size_t len = strlen(lab) + 1;

    point(s, KDBG_BUILD_LAB, VARS);
    memcpy(scene_map(s, VARS, len), lab, len);
    kernel_facts(scene_ready(s));
    ck_assert_str_eq(s->verdict.build_lab, wanted);
    ck_assert_uint_eq(s->verdict.ubr, ubr);
    scene_end(s);
}

START_TEST(the_build_lab_is_believed_when_it_is_of_this_build)
{
    check_lab(9600, "9600.17727.amd64fre.winblue_r9.150321-1500", "9600.17727.amd64fre.winblue_r9.150321-1500", 17727);
    check_lab(19041, "19041.1.amd64fre.vb_release.191206-1406", "19041.1.amd64fre.vb_release.191206-1406", 0);
    check_lab(9600, "9601.17727.amd64fre", "", 0);
    check_lab(9600, "9600-17727.amd64fre", "", 0);
    check_lab(9600, "9600.1", "", 0); /* shorter than any */
    check_lab(9600, "9600.12ab.amd64fre", "9600.12ab.amd64fre", 0);
    check_lab(9600, "9600.100000.amd64fre", "9600.100000.amd64fre", 0);
    check_lab(9600, "9600.99999.amd64fre", "9600.99999.amd64fre", 99999);
}
END_TEST

START_TEST(a_build_lab_without_an_end_is_none)
{
    char lab[128];

    memset(lab, 'x', sizeof lab);
    memcpy(lab, "9600.17727.", 11);
    lab[95] = '\0';
    check_lab(9600, lab, lab, 17727);
    lab[95] = 'x';
    lab[96] = '\0';
    check_lab(9600, lab, "", 0);
}
END_TEST

START_TEST(a_revision_that_the_header_gave_is_kept)
{
    struct scene *s = booted(9600);

    s->verdict.ubr = 5;
    point(s, KDBG_BUILD_LAB, VARS);
    memcpy(scene_map(s, VARS, 64), "9600.17727.amd64fre", 20);
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.ubr, 5);
    scene_end(s);
}
END_TEST

START_TEST(the_kernel_files_version_gives_the_revision_of_its_own_build)
{
    static const struct {
        uint16_t build;
        bool has;
        uint32_t ubr;
    } rows[] = { { 19041, true, 1288 }, { 19042, true, 0 }, { 19041, false, 0 } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = booted(19041);
        struct triage_driver *nt = scene_driver(s, "ntoskrnl.exe", VARS, 0x1000);

        nt->has_version = rows[i].has;
        nt->version[2] = rows[i].build;
        nt->version[3] = 1288;
        kernel_facts(scene_ready(s));
        ck_assert_uint_eq(s->verdict.ubr, rows[i].ubr);
        scene_end(s);
    }
}
END_TEST

enum { RING = 50 * 0x28 };

/* MmUnloadedDrivers with a ring whose entry i has that name. */
static unsigned char *with_ring(struct scene *s)
{
    figure(s, KDBG_UNLOADED, VARS, POOL);
    return scene_map(s, POOL, RING);
}

static void put_gone(struct scene *s, unsigned char *ring, size_t i, const char *name, uint64_t start)
{
    uint64_t va = POOL + 0x2000 + 0x100 * i;
    unsigned char *wide = scene_map(s, va, 2 * strlen(name));

    for (size_t c = 0; name[c] != '\0'; c++)
        put16(wide + 2 * c, (unsigned char)name[c]);
    put16(ring + 0x28 * i, (uint16_t)(2 * strlen(name)));
    put64(ring + 0x28 * i + 8, va);
    put64(ring + 0x28 * i + 0x10, start);
    put64(ring + 0x28 * i + 0x18, start + 0x1000);
}

START_TEST(drivers_that_were_unloaded_are_read_from_the_kernels_ring)
{
    struct scene *s = booted(19041);
    unsigned char *ring = with_ring(s);

    put_gone(s, ring, 0, "gone.sys", 0x1000);
    put_gone(s, ring, 2, "a_very_long_name.sys", 0x3000);
    put_gone(s, ring, 3, "nowhere.sys", 0); /* an entry that is not in use */
    put_gone(s, ring, 4, "paged_out.sys", 0x5000);
    put64(ring + 0x28 * 4 + 8, POOL + 0x100000);
    put_gone(s, ring, 5, "empty.sys", 0x6000);
    put16(ring + 0x28 * 5, 0);
    put_gone(s, ring, 49, "last.sys", 0x7000);
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.unloaded_count, 3);
    ck_assert_str_eq(s->verdict.unloaded[0].name, "gone.sys");
    ck_assert_uint_eq(s->verdict.unloaded[0].start, 0x1000);
    ck_assert_uint_eq(s->verdict.unloaded[0].end, 0x2000);
    ck_assert_str_eq(s->verdict.unloaded[1].name, "a_very_long_");
    ck_assert_str_eq(s->verdict.unloaded[2].name, "last.sys");
    scene_end(s);
}
END_TEST

START_TEST(a_ring_that_is_not_there_lists_nothing)
{
    struct scene *s = booted(19041);

    figure(s, KDBG_UNLOADED, VARS, 0);
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.unloaded_count, 0);
    scene_end(s);
    s = booted(19041);
    figure(s, KDBG_UNLOADED, VARS, POOL);
    scene_map(s, POOL, RING - 1);
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.unloaded_count, 0);
    scene_end(s);
    s = booted(19041);
    point(s, KDBG_UNLOADED, VARS);
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.unloaded_count, 0);
    scene_end(s);
    s = booted(19041);
    with_ring(s); /* all entries are empty */
    kernel_facts(scene_ready(s));
    ck_assert_uint_eq(s->verdict.unloaded_count, 0);
    scene_end(s);
}
END_TEST

enum {
    THREAD_AT = 0x8,
    STACK_AT = 0x28,
    PROCESS_AT = 0x220,
    BLOCKS = 0x100,
    PRCB = 0x1000,
    THREAD = 0x2000,
    PROCESS = 0x3000
};

struct running {
    struct scene *s;
    unsigned char *blocks, *prcb, *thread, *process;
};

/* Processor 1 of 2 runs a thread of svchost.exe whose kernel stack the crash was on. */
static struct running running(void)
{
    struct running r = { .s = booted(19041) };
    unsigned char *k = r.s->d.kdbg.bytes;

    r.s->verdict.header.processors = 2;
    r.s->d.header_cpu.reg[REG_RSP] = STACK - 0x500;
    point(r.s, KDBG_PROCESSORS, POOL + BLOCKS);
    put16(k + KDBG_PRCB_THREAD, THREAD_AT);
    put16(k + KDBG_THREAD_INITIAL_STACK, STACK_AT);
    put16(k + KDBG_THREAD_PROCESS, PROCESS_AT);
    r.blocks = scene_map(r.s, POOL + BLOCKS, 16);
    r.prcb = scene_map(r.s, POOL + PRCB, 0x100);
    r.thread = scene_map(r.s, POOL + THREAD, 0x300);
    r.process = scene_map(r.s, POOL + PROCESS, 0x800);
    put64(r.blocks + 8, POOL + PRCB);
    put64(r.prcb + THREAD_AT, POOL + THREAD);
    put64(r.thread + STACK_AT, STACK);
    put64(r.thread + PROCESS_AT, POOL + PROCESS);
    memcpy(r.process + 0x5A8, "svchost.exe", 12);
    return r;
}

static void check_process(struct running *r, const char *wanted)
{
    kernel_facts(scene_ready(r->s));
    ck_assert_str_eq(r->s->verdict.process, wanted);
    scene_end(r->s);
}

START_TEST(the_process_is_that_of_the_thread_whose_stack_the_crash_was_on)
{
    struct running r = running();

    check_process(&r, "svchost.exe");
}
END_TEST

START_TEST(a_crash_on_no_threads_stack_names_no_process)
{
    struct running r = running();

    r.s->d.header_cpu.reg[REG_RSP] = STACK; /* above it */
    check_process(&r, "");
    r = running();
    r.s->d.header_cpu.reg[REG_RSP] = STACK - 0x10000; /* too far below */
    check_process(&r, "");
    r = running();
    r.s->d.header_cpu.reg[REG_RSP] = STACK - 0xFFFF;
    check_process(&r, "svchost.exe");
}
END_TEST

START_TEST(a_link_to_the_process_that_is_missing_names_none)
{
    static const size_t fields[] = { KDBG_PRCB_THREAD, KDBG_THREAD_INITIAL_STACK, KDBG_THREAD_PROCESS };
    struct running r;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        r = running();
        put16(r.s->d.kdbg.bytes + fields[i], 0);
        check_process(&r, "");
    }
    r = running();
    point(r.s, KDBG_PROCESSORS, VARS);
    check_process(&r, "");
    r = running();
    put64(r.blocks + 8, 0);
    check_process(&r, "");
    r = running();
    put64(r.blocks + 8, VARS);
    check_process(&r, "");
    r = running();
    put64(r.prcb + THREAD_AT, VARS);
    check_process(&r, "");
    r = running();
    put64(r.thread + PROCESS_AT, VARS);
    check_process(&r, "");
    r = running();
    put16(r.s->d.kdbg.bytes + KDBG_THREAD_PROCESS, 0x300); /* behind the thread's end */
    check_process(&r, "");
    r = running();
    r.s->verdict.header.processors = 1;
    check_process(&r, "");
}
END_TEST

START_TEST(at_most_256_processors_are_asked)
{
    struct running r = running();
    unsigned char *blocks = scene_map(r.s, POOL + 0x8000, 257 * 8);

    point(r.s, KDBG_PROCESSORS, POOL + 0x8000);
    r.s->verdict.header.processors = UINT32_MAX;
    put64(blocks + 256 * 8, POOL + PRCB);
    check_process(&r, "");
}
END_TEST

START_TEST(a_process_that_the_dump_names_itself_is_kept)
{
    struct running r = running();

    r.s->verdict.process = "csrss.exe";
    check_process(&r, "csrss.exe");
}
END_TEST

START_TEST(what_a_dump_of_all_memory_holds_is_judged_only_when_it_is_whole_and_known)
{
    struct scene *s = booted(19041);
    struct triage_verdict *v = &s->verdict;

    v->header.format = DUMP_FORMAT_BITMAP_FULL;
    v->pages_present = (struct triage_number){ true, 97, "" };
    v->memory_total = (struct triage_number){ true, 100 * 4096, "" };
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_COMPLETE);
    v->extent = EXTENT_UNKNOWN;
    v->pages_present.value = 89;
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_ACTIVE);
    v->extent = EXTENT_UNKNOWN;
    v->memory_from_smbios = true; /* of what is plugged in, firmware takes its part */
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_UNKNOWN);
    v->pages_present.value = 59;
    v->header.state = DUMP_PARTIAL;
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_UNKNOWN);
    v->header.state = DUMP_COMPLETE;
    v->memory_total.known = false;
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_UNKNOWN);
    v->memory_total.known = true;
    v->pages_present.known = false;
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_UNKNOWN);
    v->pages_present.known = true;
    memory_extent(&s->d);
    ck_assert_int_eq(v->extent, EXTENT_ACTIVE);
    scene_end(s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_kernels_counters_are_pages);
    suite_test(s, counters_that_can_not_be_are_not_known);
    suite_test(s, since_windows_10_the_dump_says_why_there_are_none);
    suite_test(s, figures_a_minidump_has_itself_are_kept);
    suite_test(s, the_shared_page_gives_the_memory_and_its_wide_count_when_it_can_be_one);
    suite_test(s, a_shared_page_that_is_cut_before_the_wide_count_gives_the_other);
    suite_test(s, a_complete_dump_counts_its_own_pages_unless_the_shared_page_knows_better);
    suite_test(s, the_build_lab_is_believed_when_it_is_of_this_build);
    suite_test(s, a_build_lab_without_an_end_is_none);
    suite_test(s, a_revision_that_the_header_gave_is_kept);
    suite_test(s, the_kernel_files_version_gives_the_revision_of_its_own_build);
    suite_test(s, drivers_that_were_unloaded_are_read_from_the_kernels_ring);
    suite_test(s, a_ring_that_is_not_there_lists_nothing);
    suite_test(s, the_process_is_that_of_the_thread_whose_stack_the_crash_was_on);
    suite_test(s, a_crash_on_no_threads_stack_names_no_process);
    suite_test(s, a_link_to_the_process_that_is_missing_names_none);
    suite_test(s, at_most_256_processors_are_asked);
    suite_test(s, a_process_that_the_dump_names_itself_is_kept);
    suite_test(s, what_a_dump_of_all_memory_holds_is_judged_only_when_it_is_whole_and_known);
}

int main(void)
{
    return suite_main("triage: the kernel's own facts", add);
}
