/* What drivers put behind the dump: the list of blocks, and the SMBIOS tables in one of them. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"

#include <string.h>

enum { BLOB = 0x10, BLOCK = 0x20, FROM = 0x1003 };

static const unsigned char smbios_tag[] = { 0x8F, 0x00, 0x5C, 0xBC, 0x3A, 0x1E, 0xD7, 0x44,
                                            0x98, 0x8D, 0x86, 0xF6, 0x88, 0x4C, 0x67, 0x58 };

static struct scene *empty(void)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);

    s->verdict.memory_total.source = "not in this dump";
    return s;
}

/* A blob at `at`; returns where its first block begins. */
static size_t put_blob(struct scene *s, size_t at)
{
    memcpy(s->file + at, "DumpBlob", 8);
    put32(s->file + at + 8, BLOB);
    return at + BLOB;
}

/* A block with that data; returns where the next begins. */
static size_t put_block(struct scene *s, size_t at, const unsigned char *tag, const void *data, uint32_t len)
{
    unsigned char *b = s->file + at;

    put32(b, BLOCK);
    memcpy(b + 4, tag, 16);
    put32(b + 20, len);
    put32(b + 24, 4);
    put32(b + 28, 2);
    memcpy(b + BLOCK + 4, data, len);
    return at + BLOCK + 4 + len + 2;
}

/* Raw SMBIOS data: a header of 8 bytes that states the length, then the structures. */
struct tables {
    unsigned char bytes[20000];
    size_t len;
};

static struct tables *tables_new(void)
{
    struct tables *t = keep(sizeof *t);

    t->len = 8;
    return t;
}

static void put_structure(struct tables *t, unsigned char type, const void *fields, unsigned char len,
                          const char *strings, size_t strings_len)
{
    unsigned char *p = t->bytes + t->len;

    p[0] = type;
    p[1] = len;
    memcpy(p + 4, fields, len > 4 ? len - 4u : 0);
    memcpy(p + len, strings, strings_len);
    t->len += len + strings_len;
    put32(t->bytes + 4, (uint32_t)(t->len - 8));
}

#define STRINGS(text) (text), sizeof(text)

/* BIOS and maker as Hyper-V's firmware has them. */
static struct tables *a_guests(void)
{
    static const unsigned char bios[] = { 1, 2, 0, 0, 3 }, maker[] = { 1, 2 };
    struct tables *t = tables_new();

    put_structure(t, 0, bios, 9,
                  STRINGS("American Megatrends Inc.\0"
                          "090008  \0"
                          "12/07/2018\0"));
    put_structure(t, 1, maker, 6, STRINGS("Microsoft Corporation\0Virtual Machine\0"));
    return t;
}

static void read_from(struct scene *s, uint64_t from)
{
    secondary_read(scene_ready(s), from);
}

static void check_bios(struct scene *s, const char *version)
{
    ck_assert_str_eq(s->verdict.bios_version, version);
    scene_end(s);
}

START_TEST(the_blob_is_looked_for_where_the_dump_ends_and_at_the_next_multiples)
{
    static const size_t places[] = { FROM, 0x1008, 0x1010, 0x2000 };
    struct tables *t = a_guests();

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct scene *s = empty();

        put_block(s, put_blob(s, places[i]), smbios_tag, t->bytes, (uint32_t)t->len);
        read_from(s, FROM);
        ck_assert_str_eq(s->verdict.bios_vendor, "American Megatrends Inc.");
        ck_assert_str_eq(s->verdict.bios_date, "12/07/2018");
        ck_assert_str_eq(s->verdict.system_maker, "Microsoft Corporation");
        ck_assert_str_eq(s->verdict.system_product, "Virtual Machine");
        check_bios(s, "090008");
    }
}
END_TEST

START_TEST(elsewhere_it_is_not_looked_for)
{
    struct tables *t = a_guests();
    struct scene *s = empty();

    put_block(s, put_blob(s, 0x1018), smbios_tag, t->bytes, (uint32_t)t->len);
    read_from(s, FROM);
    ck_assert_uint_eq(s->verdict.finding_count, 0);
    check_bios(s, "");
    s = empty();
    put_block(s, put_blob(s, 0), smbios_tag, t->bytes, (uint32_t)t->len);
    read_from(s, 0); /* the end of the dump is not known */
    check_bios(s, "");
    s = empty();
    read_from(s, UINT64_MAX - 2);
    read_from(s, SCENE_FILE - BLOB + 1);
    check_bios(s, "");
}
END_TEST

START_TEST(a_blobs_header_of_an_impossible_size_is_none)
{
    static const uint32_t sizes[] = { BLOB - 1, 0x1001 };
    struct tables *t = a_guests();

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct scene *s = empty();

        put_block(s, put_blob(s, FROM), smbios_tag, t->bytes, (uint32_t)t->len);
        put32(s->file + FROM + 8, sizes[i]);
        read_from(s, FROM);
        check_bios(s, "");
    }
}
END_TEST

START_TEST(other_blocks_are_stepped_over)
{
    static const unsigned char other[16] = { 1 };
    struct tables *t = a_guests();
    struct scene *s = empty();
    size_t at = put_blob(s, FROM);

    at = put_block(s, at, other, "something else", 14);
    put_block(s, at, smbios_tag, t->bytes, (uint32_t)t->len);
    read_from(s, FROM);
    check_bios(s, "090008");
}
END_TEST

START_TEST(a_blocks_header_of_an_impossible_size_ends_the_list)
{
    static const uint32_t sizes[] = { 0, BLOCK - 1, 0x1001 };
    struct tables *t = a_guests();

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct scene *s = empty();
        size_t at = put_blob(s, FROM);

        put_block(s, at, smbios_tag, t->bytes, (uint32_t)t->len);
        put32(s->file + at, sizes[i]);
        read_from(s, FROM);
        ck_assert_int_eq(s->verdict.status, TRIAGE_OK);
        check_bios(s, "");
    }
}
END_TEST

START_TEST(a_block_that_ends_past_the_file_is_a_cut_file)
{
    struct tables *t = a_guests();
    struct scene *s = empty();
    size_t at = put_blob(s, FROM), end = put_block(s, at, smbios_tag, t->bytes, (uint32_t)t->len);

    s->verdict.header.file_size = end - 1;
    read_from(s, FROM);
    ck_assert_int_eq(s->verdict.status, TRIAGE_TRUNCATED);
    ck_assert_str_eq(s->verdict.status_text, "the secondary data is cut; the dump proper is whole");
    ck_assert_uint_eq(s->verdict.finding_count, 1);
    ck_assert_str_eq(s->verdict.findings[0].rule, "secondary-data");
    ck_assert_uint_eq(s->verdict.findings[0].offset, at);
    ck_assert_str_eq(s->verdict.findings[0].text, "block 0 of the secondary data ends past the end of the file");
    check_bios(s, "");
}
END_TEST

START_TEST(of_the_list_1024_blocks_are_read)
{
    static const unsigned char other[16] = { 1 };
    struct tables *t = a_guests();

    for (size_t before = 1023; before <= 1024; before++) {
        struct scene *s = empty();
        size_t at = put_blob(s, FROM);

        for (size_t i = 0; i < before; i++)
            at = put_block(s, at, other, "", 0);
        put_block(s, at, smbios_tag, t->bytes, (uint32_t)t->len);
        read_from(s, FROM);
        check_bios(s, before == 1023 ? "090008" : "");
    }
}
END_TEST

START_TEST(a_file_that_shrinks_while_it_is_read_costs_the_blocks_alone)
{
    static const unsigned char other[16] = { 1 };
    struct tables *t = a_guests();
    size_t second;

    for (int cut = 0; cut < 3; cut++) {
        struct scene *s = empty();
        size_t at = put_blob(s, FROM);

        second = put_block(s, at, other, "x", 1);
        put_block(s, second, smbios_tag, t->bytes, (uint32_t)t->len);
        s->reader.size = s->memory.len = cut == 0 ? FROM + 8 : cut == 1 ? second + 8 : second + BLOCK + 20;
        read_from(s, FROM);
        ck_assert_uint_eq(s->verdict.finding_count, 0);
        check_bios(s, "");
    }
}
END_TEST

static struct scene *with_tables(const struct tables *t)
{
    struct scene *s = empty();

    put_block(s, put_blob(s, FROM), smbios_tag, t->bytes, (uint32_t)t->len);
    read_from(s, FROM);
    return s;
}

START_TEST(strings_that_are_not_there_are_empty)
{
    static const unsigned char bios[] = { 0, 4, 0, 0, 2 };
    struct tables *t = tables_new();
    struct scene *s;

    put_structure(t, 0, bios, 9, STRINGS("one\0    \0three\0"));
    s = with_tables(t);
    ck_assert_str_eq(s->verdict.bios_vendor, "");
    ck_assert_str_eq(s->verdict.bios_date, ""); /* blanks alone */
    check_bios(s, "");
}
END_TEST

START_TEST(structures_too_short_for_their_fields_and_second_ones_are_left)
{
    static const unsigned char bios[] = { 1, 1, 0, 0, 1 }, maker[] = { 1, 1 };
    struct tables *t = tables_new();
    struct scene *s;

    put_structure(t, 0, bios, 8, STRINGS("short\0"));
    put_structure(t, 1, maker, 5, STRINGS("short\0"));
    put_structure(t, 0, bios, 9, STRINGS("first\0"));
    put_structure(t, 0, bios, 9, STRINGS("second\0"));
    put_structure(t, 1, maker, 6, STRINGS("first\0"));
    put_structure(t, 1, maker, 6, STRINGS("second\0"));
    s = with_tables(t);
    ck_assert_str_eq(s->verdict.bios_vendor, "first");
    ck_assert_str_eq(s->verdict.system_maker, "first");
    check_bios(s, "first");
}
END_TEST

START_TEST(behind_the_end_mark_nothing_is_read)
{
    static const unsigned char bios[] = { 1, 1, 0, 0, 1 };
    struct tables *t = tables_new();

    put_structure(t, 127, "", 4, STRINGS("\0"));
    put_structure(t, 0, bios, 9, STRINGS("behind\0"));
    check_bios(with_tables(t), "");
}
END_TEST

START_TEST(tables_that_lie_about_their_lengths_end_there)
{
    static const unsigned char bios[] = { 1, 1, 0, 0, 1 };
    struct tables *t = tables_new();

    put_structure(t, 0, bios, 9, STRINGS("good\0"));
    put_structure(t, 1, "\1\1", 6, STRINGS("behind\0"));
    t->bytes[8 + 9 + 6 + 1] = 3; /* a structure shorter than its header */
    check_bios(with_tables(t), "good");
    t->bytes[8 + 9 + 6 + 1] = 200; /* or longer than the tables */
    check_bios(with_tables(t), "good");
    t = tables_new();
    put_structure(t, 0, bios, 9, STRINGS("good\0"));
    put32(t->bytes + 4, 9 + 4); /* the strings are behind the stated end */
    check_bios(with_tables(t), "good");
    t = tables_new();
    put_structure(t, 0, bios, 9, "no end", 6);
    check_bios(with_tables(t), "no end");
    t->len = 7; /* not even the header of the data */
    check_bios(with_tables(t), "");
}
END_TEST

START_TEST(of_endless_tables_512_structures_and_16_kib_are_read)
{
    static const unsigned char bios[] = { 1, 1, 0, 0, 1 };

    for (int before = 511; before <= 512; before++) {
        struct tables *t = tables_new();

        for (int i = 0; i < before; i++)
            put_structure(t, 99, "", 4, STRINGS("\0"));
        put_structure(t, 0, bios, 9, STRINGS("late\0"));
        check_bios(with_tables(t), before == 511 ? "late" : "");
    }
    for (int i = 0; i < 2; i++) {
        struct tables *t = tables_new();
        size_t fill = 16 * 1024 - 8 - 4 - 2 - (i == 0 ? 16 : 1);

        put_structure(t, 99, "", 4, "", 0);
        memset(t->bytes + t->len, 'x', fill);
        t->len += fill + 2;
        put_structure(t, 0, bios, 9, STRINGS("late\0"));
        check_bios(with_tables(t), i == 0 ? "late" : "");
    }
}
END_TEST

/* A memory device whose size fields are these. */
static void put_dimm(struct tables *t, unsigned char len, uint16_t size, uint32_t extended)
{
    unsigned char fields[0x20] = { 0 };

    put16(fields + 0x0C - 4, size);
    put32(fields + 0x1C - 4, extended);
    put_structure(t, 17, fields, len, STRINGS("\0"));
}

static uint64_t memory_of(unsigned char len, uint16_t size, uint32_t extended)
{
    struct tables *t = tables_new();
    struct scene *s;
    uint64_t memory;

    put_dimm(t, len, size, extended);
    s = with_tables(t);
    ck_assert_int_eq(s->verdict.memory_total.known, s->verdict.memory_from_smbios);
    memory = s->verdict.memory_total.known ? s->verdict.memory_total.value : 0;
    scene_end(s);
    return memory;
}

START_TEST(memory_devices_state_their_size_in_three_ways)
{
    ck_assert_uint_eq(memory_of(0x20, 1024, 0), UINT64_C(1024) << 20);
    ck_assert_uint_eq(memory_of(0x20, 0x8000 | 512, 0), 512 << 10);
    ck_assert_uint_eq(memory_of(0x20, 0x7FFF, 0x80000000 | 65536), UINT64_C(65536) << 20);
    ck_assert_uint_eq(memory_of(0x1F, 0x7FFF, 65536), UINT64_C(0x7FFF) << 20); /* has no wide field */
    ck_assert_uint_eq(memory_of(0x20, 0, 65536), 0);                           /* an empty socket */
    ck_assert_uint_eq(memory_of(0x20, 0xFFFF, 65536), 0);                      /* not known */
    ck_assert_uint_eq(memory_of(0x0D, 1024, 0), 0);
}
END_TEST

START_TEST(memory_devices_add_up_and_yield_to_a_better_source)
{
    struct tables *t = tables_new();
    struct scene *s;

    put_dimm(t, 0x20, 1024, 0);
    put_dimm(t, 0x20, 2048, 0);
    s = with_tables(t);
    ck_assert_uint_eq(s->verdict.memory_total.value, UINT64_C(3072) << 20);
    ck_assert_str_eq(s->verdict.memory_total.source, "SMBIOS memory devices");
    scene_end(s);
    s = empty();
    s->verdict.memory_total = (struct triage_number){ true, 4096, "KUSER_SHARED_DATA" };
    put_block(s, put_blob(s, FROM), smbios_tag, t->bytes, (uint32_t)t->len);
    read_from(s, FROM);
    ck_assert_uint_eq(s->verdict.memory_total.value, 4096);
    ck_assert(!s->verdict.memory_from_smbios);
    scene_end(s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_blob_is_looked_for_where_the_dump_ends_and_at_the_next_multiples);
    suite_test(s, elsewhere_it_is_not_looked_for);
    suite_test(s, a_blobs_header_of_an_impossible_size_is_none);
    suite_test(s, other_blocks_are_stepped_over);
    suite_test(s, a_blocks_header_of_an_impossible_size_ends_the_list);
    suite_test(s, a_block_that_ends_past_the_file_is_a_cut_file);
    suite_test(s, of_the_list_1024_blocks_are_read);
    suite_test(s, a_file_that_shrinks_while_it_is_read_costs_the_blocks_alone);
    suite_test(s, strings_that_are_not_there_are_empty);
    suite_test(s, structures_too_short_for_their_fields_and_second_ones_are_left);
    suite_test(s, behind_the_end_mark_nothing_is_read);
    suite_test(s, tables_that_lie_about_their_lengths_end_there);
    suite_test(s, of_endless_tables_512_structures_and_16_kib_are_read);
    suite_test(s, memory_devices_state_their_size_in_three_ways);
    suite_test(s, memory_devices_add_up_and_yield_to_a_better_source);
}

int main(void)
{
    return suite_main("triage: secondary data", add);
}
