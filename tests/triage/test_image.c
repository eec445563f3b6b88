/* Images in the guest's memory: headers, versions, exports, names and function tables, whole, forged and paged out. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/image.h"

#include <string.h>

#define BASE UINT64_C(0xFFFFF88005000000)

enum { SIZE = 0x8000, TABLE = 0x1000, TABLE_SIZE = 0x800, NAMES = 0x2000, SUBDIRECTORY = 1u << 31 };

struct image_case {
    struct scene *s;
    unsigned char *p;
};

static struct image_case whole(void)
{
    struct image_case c = { .s = scene_new(DUMP_ARCH_X64, 19041) };

    c.p = scene_image(c.s, BASE, SIZE, true);
    return c;
}

/* Of the image only that many bytes are resident, though it says SIZE. */
static struct image_case resident(size_t len)
{
    struct image_case c = { .s = scene_new(DUMP_ARCH_X64, 19041) };

    c.p = scene_image(c.s, BASE, (uint32_t)len, true);
    put32(c.p + 0x98 + 56, SIZE);
    return c;
}

static struct image open_it(struct image_case *c)
{
    struct image img;

    ck_assert(image_open(&scene_ready(c->s)->vm, BASE, &img));
    return img;
}

START_TEST(both_widths_of_header_give_their_facts)
{
    for (int is64 = 0; is64 <= 1; is64++) {
        struct scene *s = scene_new(DUMP_ARCH_X64, 19041);
        unsigned char *p = scene_image(s, BASE, SIZE, is64 != 0);
        struct image img;

        scene_directory(p, IMAGE_EXCEPTIONS, 0x5000, 0x24);
        scene_directory(p, 15, 0x6000, 0x11);
        ck_assert(image_open(&scene_ready(s)->vm, BASE, &img));
        ck_assert_int_eq(img.is64, is64);
        ck_assert_uint_eq(img.size, SIZE);
        ck_assert_uint_eq(img.timestamp, 0x50112233);
        ck_assert_uint_eq(img.checksum, 0x1234);
        ck_assert_uint_eq(img.dirs[IMAGE_EXCEPTIONS].rva, 0x5000);
        ck_assert_uint_eq(img.dirs[15].size, 0x11);
        scene_end(s);
    }
}
END_TEST

START_TEST(directories_past_their_count_are_absent)
{
    struct image_case c = whole();
    struct image img;

    scene_directory(c.p, 2, 0x2000, 0x20);
    scene_directory(c.p, 3, 0x3000, 0x30);
    put32(c.p + 0x98 + 108, 3);
    img = open_it(&c);
    ck_assert_uint_eq(img.dirs[2].rva, 0x2000);
    ck_assert_uint_eq(img.dirs[3].rva, 0);
    scene_end(c.s);
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {
        { 0, 'M' | 'X' << 8 },    { 0, 'Z' | 'M' << 8 }, { 0x3C, 0x3F },   { 0x3C, 0x1001 },
        { 0x80, 'P' | 'X' << 8 }, { 0x98, 0x107 },       { 0x3C, 0x1000 },
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct image_case c = resident(0x1000);
        struct image img;

        put32(c.p + lies[i].at, lies[i].value);
        ck_assert_msg(!image_open(&scene_ready(c.s)->vm, BASE, &img), "lie %zu was believed", i);
        ck_assert(!image_open(&c.s->d.vm, 0, &img));
        ck_assert(!image_open(&c.s->d.vm, BASE + 0x1000, &img));
        scene_end(c.s);
    }
}
END_TEST

/* A resource tree: the root's second entry is the version's, each level below has one entry. */
static struct image_case with_version(void)
{
    struct image_case c = whole();
    unsigned char *r = c.p + TABLE;

    scene_directory(c.p, IMAGE_RESOURCES, TABLE, TABLE_SIZE);
    put16(r + 14, 2);
    put32(r + 16, 3);
    put32(r + 20, 0x700 | SUBDIRECTORY);
    put32(r + 24, 16);
    put32(r + 28, 0x100 | SUBDIRECTORY);
    put16(r + 0x100 + 12, 1);
    put32(r + 0x114, 0x200 | SUBDIRECTORY);
    put16(r + 0x200 + 14, 1);
    put32(r + 0x214, 0x300);
    put32(r + 0x300, NAMES);
    put32(r + 0x304, 0x100);
    put32(c.p + NAMES + 0x28, 0xFEEF04BD);
    put32(c.p + NAMES + 0x28 + 8, 10 << 16);
    put32(c.p + NAMES + 0x28 + 12, 19041u << 16 | 1202);
    return c;
}

static void check_version(struct image_case *c, const char *wanted_why)
{
    uint16_t version[4] = { 0 };
    struct image img = open_it(c);
    const char *why;

    ck_assert_int_eq(image_version(&c->s->d.vm, &img, version, &why), *wanted_why == '\0');
    ck_assert_str_eq(why, wanted_why);
    ck_assert_uint_eq(version[0], *wanted_why == '\0' ? 10 : 0);
    ck_assert_uint_eq(version[1], 0);
    ck_assert_uint_eq(version[2], *wanted_why == '\0' ? 19041 : 0);
    ck_assert_uint_eq(version[3], *wanted_why == '\0' ? 1202 : 0);
    scene_end(c->s);
}

static const char none[] = "the file has no version resource";
static const char paged_out[] = "its version resource is not in the dump (paged out)";

START_TEST(the_version_is_found_through_the_resource_tree)
{
    struct image_case c = with_version();

    check_version(&c, "");
}
END_TEST

START_TEST(an_image_without_resources_has_no_version)
{
    struct image_case c = whole();

    check_version(&c, none);
    c = whole();
    scene_directory(c.p, IMAGE_RESOURCES, SIZE - 15, TABLE_SIZE);
    check_version(&c, none);
}
END_TEST

START_TEST(a_resource_tree_that_lies_gives_no_version)
{
    static const struct {
        size_t at; /* in the tree */
        uint32_t value;
    } lies[] = {
        { 28, 0x7F1 | SUBDIRECTORY },    /* the next level is behind the tree's end */
        { 28, 0x100 },                   /* a leaf too early */
        { 0x214, 0x300 | SUBDIRECTORY }, /* and one level too many */
        { 0x214, 0x7F1 },                /* the leaf is behind the tree's end */
        { 0x300, SIZE - 0xFF },          /* what it points at is behind the image's end */
        { 0x300, 0 },                    /* or nowhere */
        { 0x300, NAMES + 0x1000 },       /* or has no version in it */
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct image_case c = with_version();

        put32(c.p + TABLE + lies[i].at, lies[i].value);
        check_version(&c, paged_out);
    }
}
END_TEST

START_TEST(resources_without_a_version_are_said_to_have_none)
{
    struct image_case c = with_version();

    put32(c.p + TABLE + 24, 17); /* icons and menus, and no version among the kinds */
    check_version(&c, none);
    c = with_version();
    put16(c.p + TABLE + 0x10C, 0); /* a version without a name below it is damage, not absence */
    check_version(&c, paged_out);
    c = with_version();
    put16(c.p + TABLE + 12, 256 - 2);
    memset(c.p + TABLE + 32, 0, 8 * 254);
    put32(c.p + TABLE + 24, 17); /* as many kinds as are looked at */
    check_version(&c, none);
}
END_TEST

START_TEST(of_a_level_with_thousands_of_entries_256_are_looked_at)
{
    struct image_case c = with_version();

    memset(c.p + TABLE, 0, 24 + 8);
    put16(c.p + TABLE + 14, 0xFFFF);
    put32(c.p + TABLE + 16 + 8 * 256, 16);
    check_version(&c, paged_out);
}
END_TEST

START_TEST(a_resource_tree_that_is_paged_out_gives_no_version)
{
    struct image_case c = resident(0x800);

    scene_directory(c.p, IMAGE_RESOURCES, TABLE, TABLE_SIZE); /* all of it */
    check_version(&c, paged_out);
    c = resident(TABLE + 16);
    scene_directory(c.p, IMAGE_RESOURCES, TABLE, TABLE_SIZE); /* the entries of the first level */
    put16(c.p + TABLE + 14, 1);
    check_version(&c, paged_out);
}
END_TEST

/* Exports: two functions with names, one without, one forwarded; in reverse order of address. */
static struct image_case with_exports(void)
{
    static const uint32_t addresses[] = { 0x3000, 0x2800, 0, TABLE + 0x40, 0x2000 };
    struct image_case c = whole();
    unsigned char *e = c.p + TABLE;

    scene_directory(c.p, IMAGE_EXPORTS, TABLE, TABLE_SIZE);
    put32(e + 12, NAMES);
    put32(e + 20, sizeof addresses / sizeof addresses[0]);
    put32(e + 24, 2);
    put32(e + 28, TABLE + 0x100);
    put32(e + 32, TABLE + 0x200);
    put32(e + 36, TABLE + 0x300);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        put32(e + 0x100 + 4 * i, addresses[i]);
    put32(e + 0x200, NAMES + 0x20);
    put32(e + 0x204, NAMES + 0x40);
    put16(e + 0x300, 4);
    put16(e + 0x302, 0);
    memcpy(c.p + NAMES, "acme.sys", 9);
    memcpy(c.p + NAMES + 0x20, "AcmeOpen", 9);
    memcpy(c.p + NAMES + 0x40, "AcmeClose", 10);
    return c;
}

static void check_export(struct image_case *c, uint32_t rva, const char *name, uint32_t wanted_at)
{
    struct image img = open_it(c);
    uint32_t at = 0;

    ck_assert_str_eq(image_export(&c->s->d, &img, rva, &at), name);
    ck_assert_uint_eq(at, wanted_at);
    scene_end(c->s);
}

START_TEST(the_nearest_export_below_is_named)
{
    struct image_case c = with_exports();

    check_export(&c, 0x2000, "AcmeOpen", 0x2000);
    c = with_exports();
    check_export(&c, 0x27FF, "AcmeOpen", 0x2000);
    c = with_exports();
    check_export(&c, 0x7FFF, "AcmeClose", 0x3000);
}
END_TEST

START_TEST(an_export_that_has_no_name_hides_those_below_it)
{
    struct image_case c = with_exports();

    check_export(&c, 0x2801, "", 0);
}
END_TEST

START_TEST(below_the_first_export_and_at_forwarded_ones_there_is_no_name)
{
    struct image_case c = with_exports();

    check_export(&c, TABLE + 0x41, "", 0); /* an address in the export data is a forward */
    c = whole();
    check_export(&c, 0x2000, "", 0);
    c = whole();
    scene_directory(c.p, IMAGE_EXPORTS, SIZE - 39, 40);
    check_export(&c, 0x2000, "", 0);
}
END_TEST

START_TEST(export_tables_that_lie_or_are_paged_out_give_no_name)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {
        { 20, 8193 }, { 24, 8193 }, { 28, SIZE }, { 32, SIZE }, { 36, SIZE }, { 0x200, SIZE }, { 0x200, NAMES - 4 },
    };
    struct image_case c;

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint32_t at = 0;
        struct image img;

        c = with_exports();
        put32(c.p + TABLE + lies[i].at, lies[i].value);
        img = open_it(&c);
        ck_assert_str_eq(image_export(&c.s->d, &img, 0x2000, &at), "");
        scene_end(c.s);
    }
    c = resident(0x800);
    scene_directory(c.p, IMAGE_EXPORTS, TABLE, TABLE_SIZE);
    check_export(&c, 0x2000, "", 0);
}
END_TEST

START_TEST(an_export_name_without_an_end_is_no_name)
{
    enum { LONGEST = 127 };
    char longest[LONGEST + 1] = { 0 };
    struct image_case c = with_exports();

    memset(longest, 'x', LONGEST);
    memcpy(c.p + NAMES + 0x20, longest, sizeof longest);
    check_export(&c, 0x2000, longest, 0x2000);
    c = with_exports();
    memset(c.p + NAMES + 0x20, 'x', sizeof longest);
    check_export(&c, 0x2000, "", 0x2000);
}
END_TEST

START_TEST(tables_of_thousands_are_read_piece_by_piece)
{
    struct image_case c = whole();
    unsigned char *e = c.p + TABLE;

    scene_directory(c.p, IMAGE_EXPORTS, TABLE, 0x28);
    put32(e + 20, 300);
    put32(e + 24, 600);
    put32(e + 28, 0x3000);
    put32(e + 32, 0x5000);
    put32(e + 36, 0x4000);
    put32(c.p + 0x3000 + 4 * 299, 0x7000);
    put16(c.p + 0x4000 + 2 * 599, 299);
    put32(c.p + 0x5000 + 4 * 599, NAMES);
    memcpy(c.p + NAMES, "Last", 5);
    check_export(&c, 0x7001, "Last", 0x7000);
}
END_TEST

static void check_own_name(struct image_case *c, const char *wanted)
{
    struct image img = open_it(c);

    ck_assert_str_eq(image_own_name(&c->s->d, &img), wanted);
    scene_end(c->s);
}

/* A debug directory whose one entry names this PDB. */
static struct image_case with_pdb(const char *pdb)
{
    struct image_case c = whole();

    scene_directory(c.p, IMAGE_DEBUG, TABLE, 28);
    put32(c.p + TABLE + 12, 2);
    put32(c.p + TABLE + 20, NAMES);
    memcpy(c.p + NAMES, "RSDS", 4);
    memcpy(c.p + NAMES + 24, pdb, strlen(pdb) + 1);
    return c;
}

START_TEST(an_image_names_itself_by_its_exports_or_its_pdb)
{
    struct image_case c = with_exports();

    check_own_name(&c, "acme.sys");
    c = with_pdb("C:\\build\\v1.2\\acme.pdb");
    check_own_name(&c, "acme.sys");
    c = with_pdb("acme.x64.pdb");
    check_own_name(&c, "acme.x64.sys");
    c = with_pdb("acme.pdb"); /* an export directory that has no name */
    scene_directory(c.p, IMAGE_EXPORTS, 0x4000, 40);
    check_own_name(&c, "acme.sys");
}
END_TEST

START_TEST(a_pdb_that_names_nothing_gives_no_name)
{
    struct image_case c = whole();

    check_own_name(&c, "");
    c = with_pdb("");
    check_own_name(&c, "");
    c = with_pdb("C:\\build.d\\acme");
    check_own_name(&c, "");
    c = with_pdb("C:\\.pdb");
    check_own_name(&c, "");
    c = with_pdb("acme.pdb");
    put32(c.p + TABLE + 12, 4); /* another kind of debug data */
    check_own_name(&c, "");
    c = with_pdb("acme.pdb");
    c.p[NAMES] = 'N';
    check_own_name(&c, "");
    c = with_pdb("acme.pdb");
    put32(c.p + TABLE + 20, SIZE);
    check_own_name(&c, "");
    c = resident(0x800);
    scene_directory(c.p, IMAGE_EXPORTS, TABLE, 40);
    scene_directory(c.p, IMAGE_DEBUG, TABLE, 28);
    check_own_name(&c, "");
}
END_TEST

static struct image_case with_functions(void)
{
    static const uint32_t starts[] = { 0x1000, 0x1100, 0x1200, 0x2000, 0x3000 };
    struct image_case c = whole();

    scene_directory(c.p, IMAGE_EXCEPTIONS, TABLE, sizeof starts / sizeof starts[0] * 12);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        put32(c.p + TABLE + 12 * i, starts[i]);
        put32(c.p + TABLE + 12 * i + 4, starts[i] + 0x80);
        put32(c.p + TABLE + 12 * i + 8, 0x6000 + (uint32_t)i);
    }
    return c;
}

START_TEST(each_address_finds_its_function_or_none)
{
    static const struct {
        uint32_t rva;
        int found;
        uint32_t unwind;
    } rows[] = {
        { 0xFFF, 0, 0 },       { 0x1000, 1, 0x6000 }, { 0x107F, 1, 0x6000 }, { 0x1080, 0, 0 }, { 0x1180, 0, 0 },
        { 0x1200, 1, 0x6002 }, { 0x2050, 1, 0x6003 }, { 0x307F, 1, 0x6004 }, { 0x3080, 0, 0 },
    };
    struct image_case c = with_functions();
    struct image img = open_it(&c);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct image_function f;

        ck_assert_int_eq(image_function(&c.s->d.vm, &img, rows[i].rva, &f), rows[i].found);
        if (rows[i].found == 1)
            ck_assert_uint_eq(f.unwind, rows[i].unwind);
    }
    scene_end(c.s);
}
END_TEST

START_TEST(a_function_table_that_can_not_be_is_not_resident)
{
    static const struct {
        uint32_t rva, size;
        int answer;
    } rows[] = {
        { TABLE, 11, 0 },                     /* not one entry */
        { TABLE, ((1 << 20) + 1) * 12u, -1 }, /* more functions than an image has */
        { SIZE - 11, 12, -1 },                /* behind the image */
        { 0, 12, -1 },
        { 0x9000, 12, -1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct image_case c = whole();
        struct image_function f;
        struct image img;

        scene_directory(c.p, IMAGE_EXCEPTIONS, rows[i].rva, rows[i].size);
        put32(c.p + 0x98 + 56, i == 1 ? 0x7FFFFFFF : SIZE); /* says it is large enough */
        img = open_it(&c);
        ck_assert_int_eq(image_function(&c.s->d.vm, &img, 0x1000, &f), rows[i].answer);
        scene_end(c.s);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, both_widths_of_header_give_their_facts);
    suite_test(s, directories_past_their_count_are_absent);
    suite_test(s, what_is_no_image_is_refused);
    suite_test(s, the_version_is_found_through_the_resource_tree);
    suite_test(s, an_image_without_resources_has_no_version);
    suite_test(s, a_resource_tree_that_lies_gives_no_version);
    suite_test(s, resources_without_a_version_are_said_to_have_none);
    suite_test(s, of_a_level_with_thousands_of_entries_256_are_looked_at);
    suite_test(s, a_resource_tree_that_is_paged_out_gives_no_version);
    suite_test(s, the_nearest_export_below_is_named);
    suite_test(s, an_export_that_has_no_name_hides_those_below_it);
    suite_test(s, below_the_first_export_and_at_forwarded_ones_there_is_no_name);
    suite_test(s, export_tables_that_lie_or_are_paged_out_give_no_name);
    suite_test(s, an_export_name_without_an_end_is_no_name);
    suite_test(s, tables_of_thousands_are_read_piece_by_piece);
    suite_test(s, an_image_names_itself_by_its_exports_or_its_pdb);
    suite_test(s, a_pdb_that_names_nothing_gives_no_name);
    suite_test(s, each_address_finds_its_function_or_none);
    suite_test(s, a_function_table_that_can_not_be_is_not_resident);
}

int main(void)
{
    return suite_main("triage: images", add);
}
