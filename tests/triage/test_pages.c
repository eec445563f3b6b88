/* Frame numbers to file offsets: runs, ranges and bitmaps, and what a forged or cut one leaves. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "triage/pages.h"

#include <string.h>

enum { HEAD = DUMP_HEADER64_SIZE, BITS = HEAD + BITMAP_HEADER, SLICE = 4096 };

struct pages_case {
    struct triage_memory memory;
    struct triage_reader reader;
    struct triage_limits limits;
    struct window window;
    struct pages pages;
    struct dump_header header;
    unsigned char *p;
    uint64_t at;
    enum pages_trouble trouble;
};

static struct pages_case *file_of(enum dump_format format, bool is64, size_t len)
{
    struct pages_case *c = keep(sizeof *c);

    c->p = keep(len);
    c->memory = (struct triage_memory){ c->p, len };
    triage_reader_memory(&c->reader, &c->memory);
    triage_limits_default(&c->limits);
    c->header = (struct dump_header){ .format = format, .is64 = is64 };
    return c;
}

static void open_it(struct pages_case *c)
{
    ck_assert_int_eq(window_open(&c->window, &c->reader, &c->limits, NULL), 0);
    c->trouble = pages_open(&c->pages, &c->window, &c->header, &c->at);
}

static void close_it(struct pages_case *c)
{
    pages_close(&c->pages);
    window_close(&c->window);
}

static void check_trouble(struct pages_case *c, enum pages_trouble wanted, uint64_t at)
{
    open_it(c);
    ck_assert_int_eq(c->trouble, wanted);
    ck_assert_uint_eq(c->at, at);
    close_it(c);
}

/* Offset of a frame, or 0 when it is not in the dump. */
static uint64_t found(struct pages_case *c, uint64_t pfn)
{
    uint64_t offset = 0;

    return pages_find(&c->pages, pfn, &offset) ? offset : 0;
}

static void put_run(struct pages_case *c, size_t i, uint64_t pfn, uint64_t count)
{
    if (c->header.is64) {
        put64(c->p + 0x98 + 16 * i, pfn);
        put64(c->p + 0xA0 + 16 * i, count);
    } else {
        put32(c->p + 0x6C + 8 * i, (uint32_t)pfn);
        put32(c->p + 0x70 + 8 * i, (uint32_t)count);
    }
}

START_TEST(runs_give_the_pages_in_the_order_of_the_file)
{
    struct pages_case *c = file_of(DUMP_FORMAT_FULL, true, HEAD);

    put32(c->p + 0x88, 2);
    put_run(c, 0, 0x500, 4); /* the first in the file, though not by frame */
    put_run(c, 1, 0x100, 3);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(c->pages.present, 7);
    ck_assert_uint_eq(found(c, 0x500), HEAD);
    ck_assert_uint_eq(found(c, 0x503), HEAD + 3 * 4096);
    ck_assert_uint_eq(found(c, 0x504), 0);
    ck_assert_uint_eq(found(c, 0x100), HEAD + 4 * 4096);
    ck_assert_uint_eq(found(c, 0x103), 0);
    ck_assert_uint_eq(found(c, 0xFF), 0);
    ck_assert_uint_eq(found(c, PFN_LIMIT), 0);
    close_it(c);
}
END_TEST

START_TEST(runs_that_can_not_be_are_refused)
{
    struct pages_case *c = file_of(DUMP_FORMAT_FULL, true, HEAD);

    check_trouble(c, PAGES_BAD_TABLE, 0x88);
    put32(c->p + 0x88, 44);
    check_trouble(c, PAGES_BAD_TABLE, 0x88);
    put32(c->p + 0x88, 43);
    check_trouble(c, PAGES_GOOD, 0x88);
    put_run(c, 3, PFN_LIMIT, 1);
    check_trouble(c, PAGES_BAD_TABLE, 0x88);
    put_run(c, 3, PFN_LIMIT - 1, 1);
    check_trouble(c, PAGES_GOOD, 0x88);
    put_run(c, 4, 1, PFN_LIMIT);
    check_trouble(c, PAGES_BAD_TABLE, 0x88);
    check_trouble(file_of(DUMP_FORMAT_FULL, true, HEAD - 1), PAGES_CUT, 0x88);
}
END_TEST

START_TEST(runs_of_32_bits_have_their_own_place)
{
    struct pages_case *c = file_of(DUMP_FORMAT_FULL, false, DUMP_HEADER32_SIZE);

    put32(c->p + 0x64, 87);
    check_trouble(c, PAGES_BAD_TABLE, 0x64);
    put32(c->p + 0x64, 86);
    put_run(c, 85, 0x77, 2);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(found(c, 0x78), DUMP_HEADER32_SIZE + 4096);
    close_it(c);
    check_trouble(file_of(DUMP_FORMAT_FULL, false, DUMP_HEADER32_SIZE - 1), PAGES_CUT, 0x64);
}
END_TEST

/* A bitmap of that many bits that says so many pages are set. */
static struct pages_case *bitmap_of(uint64_t bits, uint64_t pages, size_t len)
{
    struct pages_case *c = file_of(DUMP_FORMAT_BITMAP, true, len);

    memcpy(c->p + HEAD, "SDMPDUMP", 8);
    put64(c->p + HEAD + 0x20, (BITS + bits / 8 + 4095) / 4096 * 4096);
    put64(c->p + HEAD + 0x28, pages);
    put64(c->p + HEAD + 0x30, bits);
    return c;
}

static void set_bit(struct pages_case *c, uint64_t pfn)
{
    c->p[BITS + pfn / 8] |= (unsigned char)(1u << pfn % 8);
}

START_TEST(the_nth_bit_is_the_nth_page)
{
    enum { MANY = SLICE * 8 + 100 };
    struct pages_case *c = bitmap_of(MANY, 4, BITS + MANY / 8 + 1);
    uint64_t first = (BITS + MANY / 8 + 4095) / 4096 * 4096;

    set_bit(c, 3);
    set_bit(c, 77);
    set_bit(c, SLICE * 8);
    set_bit(c, SLICE * 8 + 99);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(found(c, 3), first);
    ck_assert_uint_eq(found(c, 4), 0);
    ck_assert_uint_eq(found(c, 77), first + 4096);
    ck_assert_uint_eq(found(c, SLICE * 8), first + 2 * 4096);
    ck_assert_uint_eq(found(c, SLICE * 8 + 99), first + 3 * 4096);
    ck_assert_uint_eq(found(c, MANY), 0);
    close_it(c);
}
END_TEST

START_TEST(a_bitmap_whose_count_is_another_is_used_and_said)
{
    struct pages_case *c = bitmap_of(64, 2, BITS + 8);

    set_bit(c, 5);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_COUNT_DIFFERS);
    ck_assert_uint_eq(c->at, BITS);
    ck_assert_uint_eq(found(c, 5), 0x3000);
    close_it(c);
}
END_TEST

START_TEST(a_bitmap_that_is_cut_or_forged_is_said)
{
    struct pages_case *c = bitmap_of(64, 0, BITS + 8);

    c->p[HEAD] = 'X';
    check_trouble(c, PAGES_BAD_TABLE, HEAD);
    check_trouble(file_of(DUMP_FORMAT_BITMAP, true, BITS - 1), PAGES_CUT, HEAD);
    check_trouble(file_of(DUMP_FORMAT_SUMMARY, false, DUMP_HEADER32_SIZE + 8), PAGES_CUT, DUMP_HEADER32_SIZE);
    check_trouble(bitmap_of(64, 0, BITS), PAGES_CUT, BITS);
    check_trouble(bitmap_of(64, 0, BITS + 7), PAGES_CUT, BITS);
}
END_TEST

START_TEST(a_bitmap_of_more_than_2_tb_is_too_large_and_not_called_a_lie)
{
    enum { TWO_TB = (64 << 20) };

    check_trouble(bitmap_of(UINT64_C(8) * TWO_TB + 8, 0, BITS + 8), PAGES_TOO_LARGE, HEAD);
    check_trouble(bitmap_of(UINT64_C(8) * TWO_TB, 0, BITS + 8), PAGES_CUT, BITS);
}
END_TEST

START_TEST(of_a_cut_bitmap_the_whole_slices_are_used)
{
    struct pages_case *c = bitmap_of(SLICE * 8 + 100, 2, BITS + SLICE + 2);

    set_bit(c, 3);
    set_bit(c, SLICE * 8 + 1);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_CUT);
    ck_assert_uint_ne(found(c, 3), 0);
    ck_assert_uint_eq(found(c, SLICE * 8 + 1), 0);
    close_it(c);
}
END_TEST

START_TEST(when_the_window_has_stopped_no_bit_is_found)
{
    struct pages_case *c = bitmap_of(64, 1, BITS + 8);

    set_bit(c, 3);
    open_it(c);
    c->window.stop = WINDOW_BUDGET;
    ck_assert_uint_eq(found(c, 3), 0);
    close_it(c);
}
END_TEST

enum { RANGES = HEAD + RDMP_HEADER };

/* A debugger's dump with room for that many ranges. */
static struct pages_case *ranges_of(enum dump_format format, size_t count, uint64_t total)
{
    struct pages_case *c = file_of(format, true, RANGES + 16 * count);

    put64(c->p + HEAD + 0x18, RANGES + 16 * count);
    put64(c->p + HEAD + 0x28, total);
    return c;
}

static void put_range(struct pages_case *c, size_t i, uint64_t pfn, uint64_t count)
{
    put64(c->p + RANGES + 16 * i, pfn);
    put64(c->p + RANGES + 16 * i + 8, count);
}

START_TEST(ranges_end_at_frame_0_or_at_the_first_page)
{
    struct pages_case *c = ranges_of(DUMP_FORMAT_RDMP_KERNEL, 4, 0);

    put_range(c, 0, 0x500, 2);
    put_range(c, 1, 0x100, 3);
    put_range(c, 3, 0x900, 9); /* behind the end mark */
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(c->pages.present, 5);
    ck_assert_uint_eq(found(c, 0x501), RANGES + 16 * 4 + 4096);
    ck_assert_uint_eq(found(c, 0x100), RANGES + 16 * 4 + 2 * 4096);
    ck_assert_uint_eq(found(c, 0x900), 0);
    close_it(c);
    c = ranges_of(DUMP_FORMAT_RDMP_USER, 2, 0);
    put_range(c, 0, 0x500, 2);
    put_range(c, 1, 0x100, 3);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(c->pages.present, 5);
    close_it(c);
}
END_TEST

START_TEST(the_ranges_of_a_full_dump_end_when_all_its_pages_are_named)
{
    struct pages_case *c = ranges_of(DUMP_FORMAT_RDMP_FULL, 4, 5);

    put_range(c, 0, 0, 2); /* frame 0 is a page like others here */
    put_range(c, 1, 0x100, 3);
    put_range(c, 2, 0x900, 9);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(c->pages.present, 5);
    ck_assert_uint_eq(found(c, 0), RANGES + 16 * 4);
    close_it(c);
    put64(c->p + HEAD + 0x28, 6);
    check_trouble(c, PAGES_COUNT_DIFFERS, RANGES + 16 * 3);
}
END_TEST

START_TEST(ranges_that_can_not_be_are_refused)
{
    struct pages_case *c = ranges_of(DUMP_FORMAT_RDMP_KERNEL, 2, 0);

    put_range(c, 0, PFN_LIMIT, 1);
    check_trouble(c, PAGES_BAD_TABLE, RANGES);
    put_range(c, 0, 5, 2);
    put_range(c, 1, 9, PFN_LIMIT - 1);
    check_trouble(c, PAGES_BAD_TABLE, RANGES + 16);
    put64(c->p + HEAD + 0x18, RANGES - 1);
    check_trouble(c, PAGES_BAD_TABLE, HEAD);
    put64(c->p + HEAD + 0x18, PFN_LIMIT * DUMP_PAGE);
    check_trouble(c, PAGES_BAD_TABLE, HEAD);
}
END_TEST

START_TEST(ranges_that_are_cut_give_those_before_the_cut)
{
    struct pages_case *c = file_of(DUMP_FORMAT_RDMP_KERNEL, true, RANGES + 24);

    put64(c->p + HEAD + 0x18, RANGES + 0x1000);
    put_range(c, 0, 5, 2);
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_CUT);
    ck_assert_uint_eq(c->at, RANGES + 16);
    ck_assert_uint_eq(found(c, 6), RANGES + 0x1000 + 4096);
    close_it(c);
    check_trouble(file_of(DUMP_FORMAT_RDMP_KERNEL, true, HEAD + 0x27), PAGES_CUT, HEAD);
    c = file_of(DUMP_FORMAT_RDMP_KERNEL, true, HEAD + 0x2F);
    put64(c->p + HEAD + 0x18, RANGES);
    check_trouble(c, PAGES_CUT, HEAD);
}
END_TEST

START_TEST(hundreds_of_thousands_of_ranges_are_read_and_one_more_is_refused)
{
    enum { MOST = 256 * 1024 };
    struct pages_case *c = ranges_of(DUMP_FORMAT_RDMP_KERNEL, MOST + 1, 0);

    for (size_t i = 0; i < MOST; i++)
        put_range(c, i, 1 + (i / 2) * 4, 1); /* each twice: the first in the file or the second, not both */
    open_it(c);
    ck_assert_int_eq(c->trouble, PAGES_GOOD);
    ck_assert_uint_eq(c->pages.run_count, MOST);
    ck_assert_uint_ne(found(c, 1), 0);
    ck_assert_uint_eq(found(c, 2), 0);
    close_it(c);
    put_range(c, MOST, 2, 1);
    check_trouble(c, PAGES_BAD_TABLE, RANGES + 16 * MOST);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, runs_give_the_pages_in_the_order_of_the_file);
    suite_test(s, runs_that_can_not_be_are_refused);
    suite_test(s, runs_of_32_bits_have_their_own_place);
    suite_test(s, the_nth_bit_is_the_nth_page);
    suite_test(s, a_bitmap_whose_count_is_another_is_used_and_said);
    suite_test(s, a_bitmap_that_is_cut_or_forged_is_said);
    suite_test(s, a_bitmap_of_more_than_2_tb_is_too_large_and_not_called_a_lie);
    suite_test(s, of_a_cut_bitmap_the_whole_slices_are_used);
    suite_test(s, when_the_window_has_stopped_no_bit_is_found);
    suite_test(s, ranges_end_at_frame_0_or_at_the_first_page);
    suite_test(s, the_ranges_of_a_full_dump_end_when_all_its_pages_are_named);
    suite_test(s, ranges_that_can_not_be_are_refused);
    suite_test(s, ranges_that_are_cut_give_those_before_the_cut);
    suite_test(s, hundreds_of_thousands_of_ranges_are_read_and_one_more_is_refused);
}

int main(void)
{
    return suite_main("triage: pages of the file", add);
}
