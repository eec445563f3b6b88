/* The lists of a minidump: drivers, those that were unloaded, the process, memory figures, data blocks. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/facts.h"

#include <string.h>

#define NT32   0x81800000u
#define POOL32 0x85000000u

enum { PART = 0x3000, ENTRY64 = 0x90, UNLOADED = 0x38 };

/* A minidump part that ends at the file offset PART. */
static struct scene *part(void)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);

    s->d.mini = (struct minidump){ .present = true, .size = PART };
    s->verdict.drivers = NULL;
    return s;
}

static void put_name(struct scene *s, size_t at, const char *name)
{
    put32(s->file + at, (uint32_t)strlen(name));
    for (size_t i = 0; name[i] != '\0'; i++)
        put16(s->file + at + 4 + 2 * i, (unsigned char)name[i]);
}

static unsigned char *put_driver(struct scene *s, size_t i, uint32_t name, uint64_t base, uint32_t size)
{
    unsigned char *e = s->file + 0x2100 + ENTRY64 * i;

    put32(e, name);
    put64(e + 0x38, base);
    put32(e + 0x48, size);
    s->d.mini.drivers = 0x2100;
    s->d.mini.driver_count++;
    return e;
}

START_TEST(a_driver_has_its_path_its_name_and_what_the_entry_states)
{
    struct scene *s = part();
    unsigned char *e = put_driver(s, 0, 0x2800, 0xFFFFF80000000000, 0x1000);
    const struct triage_driver *m;

    put_name(s, 0x2800, "\\SystemRoot/system32\\ntoskrnl.exe");
    put32(e + 0x80, 77);
    put_driver(s, 1, 0x2900, 0xFFFFF80001000000, 0x2000);
    put_name(s, 0x2900, "hal.dll");
    minidump_drivers(scene_ready(s));
    ck_assert_uint_eq(s->verdict.driver_count, 2);
    m = s->verdict.drivers;
    ck_assert_str_eq(m[0].name, "ntoskrnl.exe");
    ck_assert_str_eq(m[0].path, "\\SystemRoot/system32\\ntoskrnl.exe");
    ck_assert_uint_eq(m[0].checksum, 77);
    ck_assert(m[0].has_checksum);
    ck_assert(!m[0].has_timestamp);
    ck_assert_str_eq(m[1].path, "");
    ck_assert_uint_eq(s->verdict.finding_count, 0);
    scene_end(s);
}
END_TEST

START_TEST(a_name_that_can_not_be_read_is_replaced_by_the_address)
{
    static const uint32_t names[] = { 0, PART - 3, 0x2800, 0x2A00 };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct scene *s = part();

        put_driver(s, 0, names[i], 0xFFFFF80000000000, 0x1000);
        put32(s->file + 0x2800, 261); /* one longer than any path */
        put_name(s, 0x2A00, "cut.sys");
        s->reader.size = s->memory.len = 0x2A00 + 4 + 13; /* its last byte is behind the end of the file */
        minidump_drivers(scene_ready(s));
        ck_assert_str_eq(s->verdict.drivers[0].name, "(no name, at 0xfffff80000000000)");
        scene_end(s);
    }
}
END_TEST

START_TEST(blank_entries_are_counted_and_left_out)
{
    struct scene *s = part();

    put_driver(s, 0, 0, 0, 0);
    put_driver(s, 1, 0, 0xFFFFF80000000000, 0x1000);
    put_driver(s, 2, 0, 0, 0);
    put_driver(s, 3, 0, 0, 0x1000);
    minidump_drivers(scene_ready(s));
    ck_assert_uint_eq(s->verdict.driver_count, 2);
    ck_assert_uint_eq(s->verdict.finding_count, 1);
    ck_assert_str_eq(s->verdict.findings[0].text, "2 of 4 entries of the driver list are blank or cut");
    scene_end(s);
}
END_TEST

START_TEST(where_the_count_was_a_lie_the_list_ends_at_the_first_entry_without_a_name)
{
    struct scene *s = part();

    put_driver(s, 0, 0x2800, 0xFFFFF80000000000, 0x1000);
    put_name(s, 0x2800, "a.sys");
    put_driver(s, 1, 0x2900, 0xFFFFF80001000000, 0x1000);
    put_name(s, 0x2900, "\\b.sys");
    put_driver(s, 2, 0, 0xFFFFF80002000000, 0x1000);
    put_driver(s, 3, 0x2800, 0xFFFFF80003000000, 0x1000);
    s->d.mini.counts_cut = true;
    minidump_drivers(scene_ready(s));
    ck_assert_uint_eq(s->verdict.driver_count, 2);
    scene_end(s);
    s = part();
    put_driver(s, 0, 0x2800, 0xFFFFF80000000000, 0x1000);
    put_name(s, 0x2800, "a.sys");
    s->d.mini.driver_count = 2;
    s->d.mini.counts_cut = true;
    s->reader.size = s->memory.len = 0x2900; /* and the second entry is behind the end of the file */
    s->d.mini.drivers = 0x2900 - ENTRY64;
    memmove(s->file + s->d.mini.drivers, s->file + 0x2100, ENTRY64);
    minidump_drivers(scene_ready(s));
    ck_assert_uint_eq(s->verdict.driver_count, 1);
    scene_end(s);
}
END_TEST

START_TEST(of_two_drivers_at_one_address_the_later_one_is_found)
{
    struct scene *s = part();
    struct dump *d;

    put_driver(s, 0, 0, 0xFFFFF80000000000, 0x1000);
    put_driver(s, 1, 0, 0xFFFFF80000000000, 0x3000);
    d = scene_ready(s);
    minidump_drivers(d);
    ck_assert_uint_eq(s->verdict.driver_count, 2);
    ck_assert_int_eq(dump_driver_at(d, 0xFFFFF80000000800), 1);
    ck_assert_int_eq(dump_driver_at(d, 0xFFFFF80000002000), 1);
    ck_assert_int_eq(dump_driver_at(d, 0xFFFFF80000003000), -1);
    ck_assert_int_eq(dump_driver_named(d, "nobody.sys"), -1);
    scene_end(s);
}
END_TEST

static void put_unloaded(struct scene *s, uint32_t at, uint32_t count)
{
    s->d.mini.unloaded = at;
    put32(s->file + at, count);
    for (uint32_t i = 0; i < count && at + 8 + UNLOADED * (i + 1) <= SCENE_FILE; i++) {
        unsigned char *e = s->file + at + 8 + (size_t)UNLOADED * i;

        put16(e + 0x10, 'a');
        put16(e + 0x12, (uint16_t)('0' + i % 10));
        put64(e + 0x28, 0x1000 * (i + 1));
        put64(e + 0x30, 0x1000 * (i + 2));
    }
}

static size_t unloaded_of(struct scene *s)
{
    minidump_facts(scene_ready(s));
    return s->verdict.unloaded_count;
}

START_TEST(of_the_drivers_that_were_unloaded_64_are_kept)
{
    struct scene *s = part();

    put_unloaded(s, 0x2000, 64);
    ck_assert_uint_eq(unloaded_of(s), 64);
    ck_assert_str_eq(s->verdict.unloaded[63].name, "a3");
    ck_assert_uint_eq(s->verdict.unloaded[63].start, 0x40000);
    scene_end(s);
    s = part();
    s->d.mini.size = 0x4000;
    put_unloaded(s, 0x2000, 65);
    ck_assert_uint_eq(unloaded_of(s), 64);
    ck_assert_uint_eq(s->verdict.finding_count, 0);
    scene_end(s);
}
END_TEST

START_TEST(more_of_them_than_there_is_room_for_are_a_finding)
{
    struct scene *s = part();

    put_unloaded(s, 0x2000, 74);
    ck_assert_uint_eq(unloaded_of(s), 0);
    ck_assert_str_eq(s->verdict.findings[0].rule, "triage-part");
    ck_assert_uint_eq(s->verdict.findings[0].offset, 0x2000);
    ck_assert_str_eq(s->verdict.findings[0].text, "74 unloaded drivers are stated, there is room for 73");
    scene_end(s);
    s = part();
    put_unloaded(s, PART - 8, 1);
    ck_assert_uint_eq(unloaded_of(s), 0);
    ck_assert_str_eq(s->verdict.findings[0].text, "1 unloaded drivers are stated, there is room for 0");
    scene_end(s);
}
END_TEST

START_TEST(no_list_an_empty_one_and_one_that_is_cut_keep_nothing)
{
    struct scene *s = part();

    ck_assert_uint_eq(unloaded_of(s), 0);
    scene_end(s);
    s = part();
    put_unloaded(s, 0x2000, 0);
    ck_assert_uint_eq(unloaded_of(s), 0);
    scene_end(s);
    s = part();
    put_unloaded(s, 0x2000, 2);
    s->reader.size = s->memory.len = 0x2000 + 8 + UNLOADED;
    ck_assert_uint_eq(unloaded_of(s), 0);
    scene_end(s);
    s = part();
    put_unloaded(s, 0x2000, 2);
    s->reader.size = s->memory.len = 0x2004;
    ck_assert_uint_eq(unloaded_of(s), 0);
    scene_end(s);
    s = part();
    put_unloaded(s, 0x2000, 2);
    s->verdict.header.is64 = false; /* 32-bit dumps have another list */
    ck_assert_uint_eq(unloaded_of(s), 0);
    scene_end(s);
}
END_TEST

static void check_name(uint32_t build, bool is64, size_t at, const char *name, const char *wanted)
{
    struct scene *s = scene_new(is64 ? DUMP_ARCH_X64 : DUMP_ARCH_X86, build);
    unsigned char process[0x800] = { 0 };

    memcpy(process + at, name, strlen(name));
    ck_assert_str_eq(process_name_in(&s->d, process, sizeof process), wanted);
    scene_end(s);
}

START_TEST(the_process_name_lies_where_its_build_has_it)
{
    check_name(26100, true, 0x338, "smss.exe", "smss.exe");
    check_name(19041, true, 0x5A8, "smss.exe", "smss.exe");
    check_name(10240, true, 0x450, "smss.exe", "smss.exe");
    check_name(9600, true, 0x438, "smss.exe", "smss.exe");
    check_name(7600, true, 0x2E0, "smss.exe", "smss.exe");
    check_name(6000, false, 0x16C, "smss.exe", "smss.exe");
    check_name(2600, false, 0x174, "smss.exe", "smss.exe");
}
END_TEST

START_TEST(elsewhere_a_name_is_taken_only_when_it_can_be_nothing_else)
{
    check_name(19041, true, 0x5A8, "MemCompression", "MemCompression");
    check_name(19041, true, 0x5A8, "abcdefghijklmno", "abcdefghijklmno"); /* cut with its ending */
    check_name(19041, true, 0x5A8, "abcdefghijklm", "");
    check_name(19041, true, 0x104, "x.EXE", "x.EXE");
    check_name(19041, true, 0x104, "System", "System");
    check_name(19041, true, 0x104, "abcdefghijklmno", "");
    check_name(19041, true, 0x106, "smss.exe", ""); /* not aligned: never "ss.exe" */
    check_name(19041, true, 0xFC, "smss.exe", "");  /* nor ".exe" */
    check_name(19041, true, 0x5A8, "smss.exe\x01", "");
    check_name(19041, true, 0x5A8,
               "smss.\x7F"
               "exe",
               "");
    check_name(19041, true, 0x5A8, "s", "");
    check_name(19041, true, 0x5A8, "smss.exe  ", "smss.exe");
}
END_TEST

START_TEST(a_process_that_is_cut_off_or_absent_has_no_name)
{
    struct scene *s = part();

    s->d.mini.process = 0x2800;
    memcpy(s->file + 0x2800 + 0x5A8, "csrss.exe", 9);
    minidump_facts(scene_ready(s));
    ck_assert_str_eq(s->verdict.process, "csrss.exe");
    scene_end(s);
    s = part();
    s->d.mini.process = 0x2800;
    memcpy(s->file + 0x2800 + 0x5A8, "csrss.exe", 9);
    s->d.mini.size = 0x2800 + 0x5A8 + 14; /* the part ends inside the name's field */
    minidump_facts(scene_ready(s));
    ck_assert_str_eq(s->verdict.process, "");
    scene_end(s);
    s = part();
    s->d.mini.process = 0x2800;
    memcpy(s->file + 0x2800 + 0x5A8, "csrss.exe", 9);
    s->reader.size = s->memory.len = PART - 1;
    minidump_facts(scene_ready(s));
    ck_assert_str_eq(s->verdict.process, "");
    scene_end(s);
}
END_TEST

static void check_mm(uint64_t used, uint64_t limit, bool known)
{
    struct scene *s = part();

    s->d.mini.mm = 0x2000;
    put64(s->file + 0x2038, used);
    put64(s->file + 0x2048, limit);
    minidump_facts(scene_ready(s));
    ck_assert_int_eq(s->verdict.commit.known, known);
    ck_assert_int_eq(s->verdict.commit_limit.known, known);
    if (known) {
        ck_assert_uint_eq(s->verdict.commit.value, used * 4096);
        ck_assert_uint_eq(s->verdict.commit_limit.value, limit * 4096);
        ck_assert_str_eq(s->verdict.commit.source, "the minidump's memory figures");
    }
    scene_end(s);
}

START_TEST(memory_figures_are_believed_when_a_machine_can_have_them)
{
    struct scene *s;

    check_mm(100, 200, true);
    check_mm(200, 200, true);
    check_mm(1, UINT64_C(1) << 36, true);
    check_mm(0, 200, false);
    check_mm(201, 200, false);
    check_mm(1, (UINT64_C(1) << 36) + 1, false);
    s = part();
    s->d.mini.mm = 0x2000;
    put64(s->file + 0x2038, 1);
    put64(s->file + 0x2048, 1);
    s->reader.size = s->memory.len = 0x204F;
    minidump_facts(scene_ready(s));
    ck_assert(!s->verdict.commit.known);
    s->verdict.header.is64 = false;
    s->reader.size = s->memory.len = SCENE_FILE;
    minidump_facts(scene_ready(s));
    ck_assert(!s->verdict.commit.known);
    scene_end(s);
}
END_TEST

START_TEST(a_time_stamp_is_a_hash_by_its_build_or_its_impossible_date)
{
    enum { Y2020 = 1577836800, Y1995 = 788918400, YEAR = 366 * 86400 };
    struct scene *s = scene_new(DUMP_ARCH_X64, 15063);
    struct triage_driver m = { .timestamp = Y2020 };
    struct dump *d = &s->d;

    ck_assert(stamp_is_reproducible(d, &m, true));
    ck_assert(!stamp_is_reproducible(d, &m, false));
    s->verdict.header.build = 15062;
    ck_assert(!stamp_is_reproducible(d, &m, true));
    m.timestamp = Y1995 - 1;
    ck_assert(stamp_is_reproducible(d, &m, false));
    m.timestamp = Y1995;
    ck_assert(!stamp_is_reproducible(d, &m, false));
    s->verdict.header.crash_time = INT64_C(1577836800) * 1000000000;
    m.timestamp = Y2020 + YEAR;
    ck_assert(!stamp_is_reproducible(d, &m, false));
    m.timestamp++;
    ck_assert(stamp_is_reproducible(d, &m, false));
    scene_end(s);
}
END_TEST

enum { HEAD32 = 0x1000, BLOCKS32 = 0x1200, DATA32 = 0x1400, END32 = 0x1800 };

/* A 32-bit minidump of two data blocks, their list in 16-byte or 12-byte entries; the second holds a name. */
static struct bytes mini32(bool old)
{
    struct bytes b = { keep(END32 + 4), END32 + 4 };
    unsigned char *t = b.p + HEAD32;
    size_t entry = old ? 12 : 16;

    header32(b.p, 4, 0);
    put32(b.p + 0x28, 0xF4);
    put32(b.p + 0x2C, 3);
    put32(b.p + 0x30, POOL32);
    put32(b.p + 0x34, POOL32 + 0x1000);
    put32(t + 0x04, END32 + 4);
    put32(t + 0x08, END32);
    put32(t + 0x60, BLOCKS32);
    put32(t + 0x64, 2);
    for (size_t i = 0; i < 2; i++) {
        unsigned char *e = b.p + BLOCKS32 + entry * i;

        put32(e, POOL32 + 0x1000 * (uint32_t)i);
        put32(e + entry - 8, DATA32 + 0x100 * (uint32_t)i);
        put32(e + entry - 4, 0x100);
    }
    memcpy(b.p + DATA32 + 0x100, "csrss.exe", 10);
    memcpy(b.p + END32, "TRGD", 4);
    return b;
}

START_TEST(both_layouts_of_32_bit_data_blocks_are_read)
{
    for (int old = 0; old <= 1; old++) {
        struct bytes b = mini32(old != 0);
        struct triage_verdict *v = triage_bytes(b.p, b.len);

        ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
        ck_assert_str_eq(v->culprit.name, "csrss.exe");
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(a_list_that_has_room_only_for_old_entries_is_of_them)
{
    struct bytes b = mini32(true);
    struct triage_verdict *v;

    memmove(b.p + END32 - 24, b.p + BLOCKS32, 24);
    put32(b.p + HEAD32 + 0x60, END32 - 24);
    v = triage_bytes(b.p, b.len);
    ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
    ck_assert_str_eq(v->culprit.name, "csrss.exe");
    triage_verdict_free(v);
}
END_TEST

START_TEST(of_more_than_4096_drivers_the_first_are_kept)
{
    struct mini_driver *list = keep(4097 * sizeof *list);
    struct mini m = { .drivers = list, .driver_count = 4097, .code = 0xD1 };
    struct triage_verdict *v;
    struct bytes b;

    for (size_t i = 0; i < 4097; i++)
        list[i] = (struct mini_driver){ "x", UINT64_C(0xFFFFF80000000000) + 0x1000 * i, 0x1000 };
    b = mini_make(&m);
    v = triage_bytes(b.p, b.len);
    ck_assert_uint_eq(v->driver_count, TRIAGE_DRIVERS_MAX);
    triage_verdict_free(v);
}
END_TEST

START_TEST(of_a_huge_stack_256_kib_are_read)
{
    enum { WORDS = 40000, LAST_READ = 256 * 1024 / 8 - 1 };
    static const struct mini_driver drivers[] = { { "acme.sys", UINT64_C(0xFFFFF88005000000), 0x10000 } };
    uint64_t *stack = keep(WORDS * sizeof *stack);
    struct mini m = { .drivers = drivers,
                      .driver_count = 1,
                      .stack_va = UINT64_C(0xFFFFD00020000000),
                      .stack = stack,
                      .stack_words = WORDS,
                      .code = 0xD1,
                      .rip = UINT64_C(0xFFFFF88005001001),
                      .rsp = UINT64_C(0xFFFFD00020000000) };
    struct triage_verdict *v;
    struct bytes b;

    stack[LAST_READ] = UINT64_C(0xFFFFF88005001234);
    stack[LAST_READ + 1] = UINT64_C(0xFFFFF88005005678);
    b = mini_make(&m);
    v = triage_bytes(b.p, b.len);
    ck_assert_uint_eq(v->frame_count, 2);
    ck_assert_uint_eq(v->frames[1].place.offset, 0x1234);
    ck_assert_uint_eq(v->frames[1].sp, m.stack_va + 8 * LAST_READ);
    triage_verdict_free(v);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_driver_has_its_path_its_name_and_what_the_entry_states);
    suite_test(s, a_name_that_can_not_be_read_is_replaced_by_the_address);
    suite_test(s, blank_entries_are_counted_and_left_out);
    suite_test(s, where_the_count_was_a_lie_the_list_ends_at_the_first_entry_without_a_name);
    suite_test(s, of_two_drivers_at_one_address_the_later_one_is_found);
    suite_test(s, of_the_drivers_that_were_unloaded_64_are_kept);
    suite_test(s, more_of_them_than_there_is_room_for_are_a_finding);
    suite_test(s, no_list_an_empty_one_and_one_that_is_cut_keep_nothing);
    suite_test(s, the_process_name_lies_where_its_build_has_it);
    suite_test(s, elsewhere_a_name_is_taken_only_when_it_can_be_nothing_else);
    suite_test(s, a_process_that_is_cut_off_or_absent_has_no_name);
    suite_test(s, memory_figures_are_believed_when_a_machine_can_have_them);
    suite_test(s, a_time_stamp_is_a_hash_by_its_build_or_its_impossible_date);
    suite_test(s, both_layouts_of_32_bit_data_blocks_are_read);
    suite_test(s, a_list_that_has_room_only_for_old_entries_is_of_them);
    suite_test(s, of_more_than_4096_drivers_the_first_are_kept);
    suite_test(s, of_a_huge_stack_256_kib_are_read);
}

int main(void)
{
    return suite_main("triage: what a minidump lists", add);
}
