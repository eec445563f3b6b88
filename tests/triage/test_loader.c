/* The list of loaded drivers in a guest's memory, whole and broken, and images found without it. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"

#include <stdlib.h>
#include <string.h>

#define LIST  UINT64_C(0xFFFFF80001000000)
#define POOL  UINT64_C(0xFFFFE00000001000)
#define NAMES UINT64_C(0xFFFFE00000100000)
#define ACME  UINT64_C(0xFFFFF88005000000)

#define LIST32  0x81A00000u
#define POOL32  0x85000000u
#define NAMES32 0x86000000u

enum { ENTRY = 0x88, ENTRY32 = 0x48, APART = 0x100 };

/* A list of that many entries, each at its address APART from the one before. */
struct list_case {
    struct scene *s;
    unsigned char *head, *entries, *names;
    size_t count;
};

static struct list_case list_of(size_t count)
{
    struct list_case c = { .s = scene_new(DUMP_ARCH_X64, 19041), .count = count };

    c.s->verdict.drivers = NULL;
    c.s->verdict.header.module_list = LIST;
    c.head = scene_map(c.s, LIST, 16);
    c.entries = scene_map(c.s, POOL, APART * count + 1);
    c.names = scene_map(c.s, NAMES, 0x1000);
    for (size_t i = 0; i < count; i++) {
        unsigned char *e = c.entries + APART * i;

        put64(e, i + 1 < count ? POOL + APART * (i + 1) : LIST);
        put64(e + 8, i > 0 ? POOL + APART * (i - 1) : LIST);
        put64(e + 0x30, ACME + 0x10000 * i);
        put32(e + 0x40, 0x8000);
    }
    put64(c.head, count > 0 ? POOL : LIST);
    put64(c.head + 8, count > 0 ? POOL + APART * (count - 1) : LIST);
    return c;
}

static struct triage_verdict *load(struct list_case *c)
{
    loader_drivers(scene_ready(c->s));
    return &c->s->verdict;
}

/* A UNICODE_STRING of entry i, its text in the names. */
static void put_name(struct list_case *c, size_t i, size_t field, size_t at, const char *name)
{
    unsigned char *e = c->entries + APART * i + field;

    put16(e, (uint16_t)(2 * strlen(name)));
    put64(e + 8, NAMES + at);
    for (size_t k = 0; name[k] != '\0'; k++)
        put16(c->names + at + 2 * k, (unsigned char)name[k]);
}

START_TEST(an_entry_gives_its_names_and_what_else_it_states)
{
    struct list_case c = list_of(2);
    const struct triage_driver *m;

    put_name(&c, 0, 0x48, 0, "\\SystemRoot\\acme.sys");
    put_name(&c, 0, 0x58, 0x100, "acme.sys");
    put_name(&c, 1, 0x58, 0x200, "beta.sys");
    put32(c.entries + 0x78, 77);
    put64(c.entries + 0x10, ACME + 0x5000);
    put32(c.entries + 0x18, 24);
    m = load(&c)->drivers;
    ck_assert_uint_eq(c.s->verdict.driver_count, 2);
    ck_assert_str_eq(m[0].name, "acme.sys");
    ck_assert_str_eq(m[0].path, "\\SystemRoot\\acme.sys");
    ck_assert_uint_eq(m[0].checksum, 77);
    ck_assert_uint_eq(m[0].exception_table, ACME + 0x5000);
    ck_assert_uint_eq(m[0].exception_table_size, 24);
    ck_assert_str_eq(m[0].version_why, "its headers are not in the dump (paged out)");
    ck_assert_str_eq(m[1].name, "beta.sys");
    ck_assert_str_eq(m[1].path, "");
    ck_assert(!m[1].has_checksum);
    scene_end(c.s);
}
END_TEST

START_TEST(names_that_can_not_be_leave_the_address)
{
    static const struct {
        uint16_t len;
        uint64_t va;
        const char *name;
    } rows[] = {
        { 0, NAMES, "(no name, at 0xfffff88005000000)" },         { 513, NAMES, "(no name, at 0xfffff88005000000)" },
        { 514, NAMES, "(no name, at 0xfffff88005000000)" },       { 3, NAMES, "(no name, at 0xfffff88005000000)" },
        { 4, NAMES + 0xFFE, "(no name, at 0xfffff88005000000)" }, { 2, NAMES + 0xFFE, "z" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct list_case c = list_of(1);

        c.names[0xFFE] = 'z';
        put16(c.entries + 0x58, rows[i].len);
        put64(c.entries + 0x60, rows[i].va);
        ck_assert_str_eq(load(&c)->drivers[0].name, rows[i].name);
        scene_end(c.s);
    }
}
END_TEST

START_TEST(the_time_stamp_is_in_the_entry_only_before_windows_10)
{
    for (int newer = 0; newer <= 1; newer++) {
        struct list_case c = list_of(1);

        c.s->verdict.header.build = newer ? 10240 : 10239;
        put32(c.entries + 0x80, 0x50112233);
        ck_assert_int_eq(load(&c)->drivers[0].has_timestamp, !newer);
        scene_end(c.s);
    }
}
END_TEST

static void check_broken(struct list_case *c, size_t drivers, const char *finding)
{
    const struct triage_verdict *v = load(c);

    ck_assert_uint_eq(v->driver_count, drivers);
    ck_assert_uint_eq(v->finding_count, 1);
    ck_assert_str_eq(v->findings[0].rule, "module-list");
    ck_assert_str_eq(v->findings[0].text, finding);
    ck_assert_int_eq(v->status, TRIAGE_CORRUPT);
    ck_assert_str_eq(v->status_text, "the list of loaded drivers is broken");
    scene_end(c->s);
}

START_TEST(a_broken_list_is_read_from_both_ends_and_says_where_it_breaks)
{
    struct list_case c = list_of(4);

    put64(c.entries + APART, 0x1000); /* a link into a program */
    check_broken(&c, 4,
                 "the list of loaded drivers breaks at 0x1000 (an entry is not in the dump); 4 drivers were read from "
                 "both ends");
    c = list_of(4);
    put64(c.entries + APART, POOL + 0x100000);
    put64(c.entries + APART * 3 + 8, POOL + 0x100000);
    check_broken(
        &c, 3,
        "the list of loaded drivers breaks at 0xffffe00000101000 (an entry is not in the dump); 3 drivers were "
        "read from both ends");
    c = list_of(3);
    put64(c.entries + APART * 2, POOL + APART);
    check_broken(&c, 3,
                 "the list of loaded drivers breaks at 0xffffe00000001100 (the list runs in a circle); 3 drivers were "
                 "read from both ends");
    c = list_of(1);
    c.s->verdict.header.module_list = LIST + 0x1000;
    check_broken(&c, 0,
                 "the list of loaded drivers breaks at 0xfffff80001001000 (the head of the list is not in the dump); 0 "
                 "drivers were read from both ends");
}
END_TEST

START_TEST(in_a_cut_file_a_broken_list_is_the_cuts_doing)
{
    struct list_case c = list_of(2);

    c.s->verdict.status = TRIAGE_TRUNCATED;
    c.s->verdict.status_text = "ends after 5 of 6 bytes";
    put64(c.entries, 0x1000);
    ck_assert_int_eq(load(&c)->status, TRIAGE_TRUNCATED);
    ck_assert_str_eq(c.s->verdict.status_text, "ends after 5 of 6 bytes");
    ck_assert_uint_eq(c.s->verdict.driver_count, 2);
    scene_end(c.s);
}
END_TEST

START_TEST(a_list_without_an_end_is_cut_at_4096)
{
    enum { MANY = 4097, CLOSE = ENTRY };
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);
    struct list_case c = { .s = s };

    s->verdict.drivers = NULL;
    s->verdict.header.module_list = LIST;
    c.head = scene_map(s, LIST, 16);
    c.entries = scene_map(s, POOL, CLOSE * MANY);
    for (size_t i = 0; i < MANY; i++) {
        put64(c.entries + CLOSE * i, i + 1 < MANY ? POOL + CLOSE * (i + 1) : LIST);
        put64(c.entries + CLOSE * i + 0x30, ACME + 0x10000 * i);
        put32(c.entries + CLOSE * i + 0x40, 0x8000);
    }
    put64(c.head, POOL);
    put64(c.head + 8, POOL);
    check_broken(
        &c, TRIAGE_DRIVERS_MAX,
        "the list of loaded drivers breaks at 0xffffe00000089000 (the list has no end); 4096 drivers were read "
        "from both ends");
}
END_TEST

START_TEST(a_list_of_32_bits_is_read_backward_too)
{
    struct list_case c = { .s = scene_new(DUMP_ARCH_X86, 6002) };

    c.s->verdict.drivers = NULL;
    c.s->verdict.header.module_list = UINT64_C(0xFFFFFFFF00000000) | LIST32; /* as a sign-extended field may be */
    c.head = scene_map(c.s, LIST32, 8);
    c.entries = scene_map(c.s, POOL32, APART * 2);
    c.names = scene_map(c.s, NAMES32, 0x100);
    put32(c.head, 0x1000);
    put32(c.head + 4, POOL32 + APART);
    put32(c.entries + APART + 4, POOL32);
    put32(c.entries + 4, LIST32);
    for (size_t i = 0; i < 2; i++) {
        put32(c.entries + APART * i + 0x18, 0x8A000000u + 0x10000 * (uint32_t)i);
        put32(c.entries + APART * i + 0x20, 0x8000);
        put32(c.entries + APART * i + 0x44, 0x40112233);
    }
    put16(c.entries + 0x2C, 16);
    put32(c.entries + 0x30, NAMES32);
    for (size_t k = 0; k < 8; k++)
        put16(c.names + 2 * k, (unsigned char)"acme.sys"[k]);
    ck_assert_uint_eq(load(&c)->driver_count, 2);
    ck_assert_str_eq(c.s->verdict.drivers[1].name, "acme.sys");
    ck_assert_uint_eq(c.s->verdict.drivers[1].base, 0x8A000000u);
    ck_assert_uint_eq(c.s->verdict.drivers[1].timestamp, 0x40112233);
    ck_assert_str_eq(c.s->verdict.findings[0].text,
                     "the list of loaded drivers breaks at 0x1000 (an entry is not in the dump); 2 drivers were read "
                     "from both ends");
    scene_end(c.s);
}
END_TEST

START_TEST(an_entry_without_a_size_takes_its_images)
{
    struct list_case c = list_of(1);

    put32(c.entries + 0x40, 0);
    scene_image(c.s, ACME, 0x3000, true);
    ck_assert_uint_eq(load(&c)->drivers[0].size, 0x3000);
    ck_assert_uint_eq(c.s->verdict.drivers[0].timestamp, 0x50112233);
    ck_assert_str_eq(c.s->verdict.drivers[0].version_why, "the file has no version resource");
    scene_end(c.s);
}
END_TEST

/* No list; an image of 0x3000 bytes at ACME, and these addresses to go by. */
static struct scene *without_list(uint64_t ip, uint64_t param)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);

    s->verdict.drivers = NULL;
    s->d.header_cpu.ip = ip;
    s->verdict.header.params[1] = param;
    scene_image(s, ACME, 0x3000, true);
    return s;
}

static size_t found(struct scene *s)
{
    size_t n;

    loader_drivers(scene_ready(s));
    n = s->verdict.driver_count;
    ck_assert_int_eq(scene_noted(s, "The list of drivers is unreadable; images were found by their headers around the "
                                    "addresses that matter."),
                     n > 0);
    scene_end(s);
    return n;
}

START_TEST(without_a_list_the_image_below_an_address_is_found_by_its_header)
{
    ck_assert_uint_eq(found(without_list(ACME + 0x1234, 0)), 1);
    ck_assert_uint_eq(found(without_list(0, ACME + 0x2FFF)), 1);
    ck_assert_uint_eq(found(without_list(ACME + 0x1234, ACME + 0x2222)), 1); /* the same one */
    ck_assert_uint_eq(found(without_list(0, ACME + 0x3000)), 0);             /* behind its end */
    ck_assert_uint_eq(found(without_list(0, ACME - 1)), 0);                  /* 32 MiB of nothing below */
    ck_assert_uint_eq(found(without_list(0x1234, 0x1234)), 0);
}
END_TEST

START_TEST(the_search_ends_32_mib_below)
{
    for (int far = 0; far <= 1; far++) {
        struct scene *s = without_list(0, ACME + (UINT64_C(32) << 20) - (far ? 0 : 0x1000));

        put32(s->file + 0x98 + 56, 0x7FFFFFFF); /* an image that says it is huge */
        ck_assert_uint_eq(found(s), far ? 0 : 1);
    }
}
END_TEST

static int64_t clock_of(void *arg)
{
    return *(int64_t *)arg;
}

START_TEST(when_time_is_up_nothing_more_is_looked_for)
{
    struct scene *s = without_list(ACME + 0x1234, 0);
    struct list_case c = list_of(3);
    int64_t now = 1;

    s->limits.clock = c.s->limits.clock = clock_of;
    s->limits.arg = c.s->limits.arg = &now;
    s->limits.deadline = c.s->limits.deadline = 1;
    ck_assert_uint_eq(found(s), 0);
    ck_assert_uint_eq(load(&c)->driver_count, 0);
    ck_assert_uint_eq(c.s->verdict.finding_count, 0); /* the walk was stopped: the list is not called broken */
    scene_end(c.s);
}
END_TEST

START_TEST(a_list_that_does_not_fit_is_no_memory_and_not_an_empty_list)
{
    struct list_case c = list_of(1);

    c.s->arena.max = 4096;
    load(&c);
    ck_assert(c.s->d.no_memory);
    ck_assert_uint_eq(c.s->verdict.driver_count, 0);
    scene_end(c.s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_entry_gives_its_names_and_what_else_it_states);
    suite_test(s, names_that_can_not_be_leave_the_address);
    suite_test(s, the_time_stamp_is_in_the_entry_only_before_windows_10);
    suite_test(s, a_broken_list_is_read_from_both_ends_and_says_where_it_breaks);
    suite_test(s, in_a_cut_file_a_broken_list_is_the_cuts_doing);
    suite_test(s, a_list_without_an_end_is_cut_at_4096);
    suite_test(s, a_list_of_32_bits_is_read_backward_too);
    suite_test(s, an_entry_without_a_size_takes_its_images);
    suite_test(s, without_a_list_the_image_below_an_address_is_found_by_its_header);
    suite_test(s, the_search_ends_32_mib_below);
    suite_test(s, when_time_is_up_nothing_more_is_looked_for);
    suite_test(s, a_list_that_does_not_fit_is_no_memory_and_not_an_empty_list);
}

int main(void)
{
    return suite_main("triage: loaded drivers", add);
}
