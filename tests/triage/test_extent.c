/* How long a dump must be by its own words, kind by kind, and what is said of words that can not be true. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "triage/dump_extent.h"

#include <string.h>

enum { LEN = 0x6000 };

struct header_case {
    unsigned char bytes[LEN];
    bool is64;
};

static struct header_case *of_type(uint32_t type, bool is64)
{
    struct header_case *c = keep(sizeof *c);

    c->is64 = is64;
    (is64 ? header64(c->bytes, type, 1) : header32(c->bytes, type, 1));
    return c;
}

static struct dump_header read_it(const struct header_case *c, size_t len)
{
    struct triage_memory m = { c->bytes, len };
    struct triage_reader r;
    struct dump_header h;
    struct err e;

    triage_reader_memory(&r, &m);
    ck_assert_int_eq(dump_header_read(&r, &h, &e), 0);
    return h;
}

static void check_state(const struct header_case *c, size_t len, enum dump_state state, uint64_t offset,
                        const char *reason)
{
    struct dump_header h = read_it(c, len);

    ck_assert_str_eq(h.reason, reason);
    ck_assert_int_eq(h.state, state);
    ck_assert_uint_eq(h.reason_offset, offset);
}

static void check_complete(const struct header_case *c, enum dump_format format, uint64_t size_needed)
{
    struct dump_header h = read_it(c, LEN);

    ck_assert_msg(h.state == DUMP_COMPLETE, "%s", h.reason);
    ck_assert_int_eq(h.format, format);
    ck_assert_uint_eq(h.size_needed, size_needed);
}

START_TEST(runs_are_as_many_as_fit_and_sum_up_to_the_pages)
{
    struct header_case *c = of_type(1, true);

    put32(c->bytes + 0x88, 0);
    check_state(c, LEN, DUMP_CORRUPT, 0x88, "states 0 runs of memory, at most 43 fit");
    put32(c->bytes + 0x88, 44);
    check_state(c, LEN, DUMP_CORRUPT, 0x88, "states 44 runs of memory, at most 43 fit");
    put32(c->bytes + 0x88, 2);
    put64(c->bytes + 0x90, 5);
    put64(c->bytes + 0x98, 0x100);
    put64(c->bytes + 0xA0, 1);
    put64(c->bytes + 0xA8, PFN_LIMIT);
    put64(c->bytes + 0xB0, 3);
    check_state(c, LEN, DUMP_CORRUPT, 0xA8, "run 1 of memory has impossible numbers");
    put64(c->bytes + 0xA8, 0x300);
    put64(c->bytes + 0xB0, PFN_LIMIT + 1);
    check_state(c, LEN, DUMP_CORRUPT, 0xA8, "run 1 of memory has impossible numbers");
    put64(c->bytes + 0xB0, 3);
    check_state(c, LEN, DUMP_CORRUPT, 0x88, "the runs hold 4 pages, the header says 5");
    put64(c->bytes + 0x90, 4);
    check_complete(c, DUMP_FORMAT_FULL, 0x6000);
    check_state(c, LEN - 1, DUMP_PARTIAL, LEN - 1, "ends after 24575 of 24576 bytes");
}
END_TEST

START_TEST(runs_of_32_bits_are_up_to_86)
{
    struct header_case *c = of_type(1, false);

    put32(c->bytes + 0x64, 87);
    check_state(c, LEN, DUMP_CORRUPT, 0x64, "states 87 runs of memory, at most 86 fit");
    put32(c->bytes + 0x64, 1);
    put32(c->bytes + 0x68, 5);
    put32(c->bytes + 0x6C, 0x100);
    put32(c->bytes + 0x70, 5);
    check_complete(c, DUMP_FORMAT_FULL, 0x6000);
}
END_TEST

START_TEST(a_dump_that_is_only_a_header_needs_no_more)
{
    check_complete(of_type(3, true), DUMP_FORMAT_HEADER_ONLY, 0x2000);
    check_complete(of_type(3, false), DUMP_FORMAT_HEADER_ONLY, 0x1000);
}
END_TEST

START_TEST(a_type_that_does_not_exist_is_corrupt)
{
    check_state(of_type(11, true), LEN, DUMP_CORRUPT, 0, "dump type 11 is unknown");
    check_state(of_type(0xFFFF, false), LEN, DUMP_CORRUPT, 0, "dump type 65535 is unknown");
}
END_TEST

START_TEST(a_type_that_is_not_written_yet_waits)
{
    check_state(of_type(0, true), LEN, DUMP_PARTIAL, 0xF98,
                "the dump type is not filled in: the writer has not come to it");
    check_state(of_type(0x45474150, false), LEN, DUMP_PARTIAL, 0xF88,
                "the dump type is not filled in: the writer has not come to it");
}
END_TEST

START_TEST(a_dump_that_ends_with_its_header_waits_for_the_rest)
{
    static const uint32_t types[] = { 2, 4, 5, 6, 7, 8, 9, 10 };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        check_state(of_type(types[i], true), 0x2000 + 0x37, DUMP_PARTIAL, 0x2037, "ends after the header");
        check_state(of_type(types[i], true), 0x2000, DUMP_PARTIAL, 0x2000, "ends after the header");
    }
    check_state(of_type(4, true), 0x2000 + 0x67, DUMP_PARTIAL, 0x2067, "ends after the header");
}
END_TEST

START_TEST(a_writers_status_that_is_not_0_is_unfinished)
{
    struct header_case *c = of_type(3, true);

    put32(c->bytes + 0x1048, 7);
    check_state(c, LEN, DUMP_PARTIAL, 0x1048, "the writer's status is 7, not 0: unfinished");
    c = of_type(3, false);
    put32(c->bytes + 0xF9C, 7);
    check_state(c, LEN, DUMP_PARTIAL, 0xF9C, "the writer's status is 7, not 0: unfinished");
}
END_TEST

/* A bitmap of 100 bits, two of the pages there, the first page at 0x3000. */
static struct header_case *bitmap(void)
{
    struct header_case *c = of_type(6, true);

    memset(c->bytes + 0x2000, 0, 0x40);
    memcpy(c->bytes + 0x2000, "SDMPDUMP", 8);
    put64(c->bytes + 0x2020, 0x3000);
    put64(c->bytes + 0x2028, 2);
    put64(c->bytes + 0x2030, 100);
    return c;
}

START_TEST(a_bitmap_dump_is_its_first_page_and_its_count)
{
    struct header_case *c = bitmap();

    check_complete(c, DUMP_FORMAT_BITMAP, 0x5000);
    memcpy(c->bytes + 0x2000, "FDMP", 4);
    put32(c->bytes + 0xF98, 7);
    check_complete(c, DUMP_FORMAT_BITMAP, 0x5000);
    put32(c->bytes + 0xF98, 5);
    check_complete(c, DUMP_FORMAT_BITMAP_FULL, 0x5000);
}
END_TEST

START_TEST(a_bitmap_that_can_not_be_is_corrupt_and_says_which_number)
{
    static const char size[] = "the bitmap's size is impossible",
                      count[] = "more pages are stated than the bitmap has bits",
                      first[] = "the first page's offset lies inside the bitmap or past any file",
                      mark[] = "the bitmap header's signature is missing";
    struct header_case *c = bitmap();

    memcpy(c->bytes + 0x2000, "XDMP", 4);
    check_state(c, LEN, DUMP_CORRUPT, 0x2000, mark);
    c = bitmap();
    memcpy(c->bytes + 0x2004, "DUMB", 4);
    check_state(c, LEN, DUMP_CORRUPT, 0x2000, mark);
    c = bitmap();
    put64(c->bytes + 0x2030, 0);
    check_state(c, LEN, DUMP_CORRUPT, 0x2030, size);
    put64(c->bytes + 0x2030, PFN_LIMIT + 1);
    check_state(c, LEN, DUMP_CORRUPT, 0x2030, size);
    c = bitmap();
    put64(c->bytes + 0x2028, 101);
    check_state(c, LEN, DUMP_CORRUPT, 0x2028, count);
    c = bitmap();
    put64(c->bytes + 0x2020, 0x2038 + 12);
    check_state(c, LEN, DUMP_CORRUPT, 0x2020, first);
    put64(c->bytes + 0x2020, 0x2038 + 13);
    check_complete(c, DUMP_FORMAT_BITMAP, 0x2038 + 13 + 0x2000);
    put64(c->bytes + 0x2020, PFN_LIMIT * DUMP_PAGE);
    check_state(c, LEN, DUMP_CORRUPT, 0x2020, first);
}
END_TEST

START_TEST(the_older_summary_has_its_numbers_elsewhere)
{
    for (int is64 = 0; is64 <= 1; is64++) {
        struct header_case *c = of_type(2, is64 != 0);
        size_t at = is64 ? 0x2000 : 0x1000, bits = is64 ? 0x28 : 0x20;

        memset(c->bytes + at, 0, 0x40);
        memcpy(c->bytes + at, "SDMPDUMP", 8);
        put32(c->bytes + at + 0x0C, (uint32_t)(at + bits + 2));
        put32(c->bytes + at + 0x10, 16);
        put32(c->bytes + at + 0x14, 1);
        check_complete(c, DUMP_FORMAT_SUMMARY, at + bits + 2 + 0x1000);
        put32(c->bytes + at + 0x0C, (uint32_t)(at + bits + 1));
        check_state(c, LEN, DUMP_CORRUPT, at + 0x0C, "the first page's offset lies inside the bitmap or past any file");
        put32(c->bytes + at + 0x14, 17);
        check_state(c, LEN, DUMP_CORRUPT, at + 0x14, "more pages are stated than the bitmap has bits");
        put32(c->bytes + at + 0x10, 0);
        check_state(c, LEN, DUMP_CORRUPT, at + 0x10, "the bitmap's size is impossible");
    }
}
END_TEST

/* A debugger's dump whose pages begin at `first`. */
static struct header_case *ranges(uint32_t type, uint64_t first)
{
    struct header_case *c = of_type(type, true);

    memset(c->bytes + 0x2000, 0, 0x80);
    memcpy(c->bytes + 0x2004, "RDMPDUMP", 8);
    put64(c->bytes + 0x2010, first - 0x2020);
    put64(c->bytes + 0x2018, first);
    put64(c->bytes + 0xFA0, 0);
    return c;
}

START_TEST(a_debuggers_dump_is_as_long_as_its_pages_or_its_header_say)
{
    struct header_case *c = ranges(8, 0x3000);

    check_complete(c, DUMP_FORMAT_RDMP_KERNEL, 0x3000);
    put64(c->bytes + 0xFA0, 0x5000);
    check_complete(c, DUMP_FORMAT_RDMP_KERNEL, 0x5000);
    c = ranges(9, 0x3000);
    put64(c->bytes + 0xFA0, 0x2FFF);
    check_complete(c, DUMP_FORMAT_RDMP_USER, 0x3000);
    c = ranges(10, 0x3000);
    put64(c->bytes + 0x2028, 3);
    check_complete(c, DUMP_FORMAT_RDMP_FULL, 0x6000);
    check_state(c, LEN - 1, DUMP_PARTIAL, LEN - 1, "ends after 24575 of 24576 bytes");
}
END_TEST

START_TEST(a_debuggers_dump_that_contradicts_itself_is_corrupt)
{
    static const char sizes[] = "the range header's size and the first page's offset contradict each other";
    struct header_case *c = ranges(8, 0x3000);

    c->bytes[0x2004] = 'X';
    check_state(c, LEN, DUMP_CORRUPT, 0x2000, "the range header's signature is missing");
    c = ranges(8, 0x3000);
    put64(c->bytes + 0x2018, 0x3008);
    check_state(c, LEN, DUMP_CORRUPT, 0x2010, sizes);
    check_state(ranges(8, 0x202F), LEN, DUMP_CORRUPT, 0x2010, sizes);
    check_state(ranges(8, 0x203F), LEN, DUMP_CORRUPT, 0x2010, sizes);
    check_state(ranges(8, PFN_LIMIT * DUMP_PAGE), LEN, DUMP_CORRUPT, 0x2010, sizes);
    check_complete(ranges(8, 0x2040), DUMP_FORMAT_RDMP_KERNEL, 0x2040);
    c = ranges(10, 0x3000);
    put64(c->bytes + 0x2028, PFN_LIMIT + 1);
    check_state(c, LEN, DUMP_CORRUPT, 0x2028, "an impossible number of pages");
}
END_TEST

START_TEST(a_minidump_part_shorter_than_its_own_header_is_corrupt)
{
    struct header_case *c = of_type(4, true);

    put32(c->bytes + 0x2004, 0x2067);
    check_state(c, LEN, DUMP_CORRUPT, 0x2004, "the minidump part states a length of 8295");
    put32(c->bytes + 0x2004, 0x2068);
    put32(c->bytes + 0x2008, LEN - 2); /* half of the mark is behind the end of the file */
    memcpy(c->bytes + LEN - 2, "TR", 2);
    check_state(c, LEN, DUMP_CORRUPT, LEN - 2, "the end mark TRGD is missing: cut or overwritten");
}
END_TEST

/* Gives the header and then fails, or fails at the n-th read. */
struct flaky {
    const unsigned char *bytes;
    int reads_good;
};

static int flaky_read(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    struct flaky *f = arg;

    *got = 0;
    if (f->reads_good-- <= 0)
        return err_set(e, ERR_IO, "the share is gone");
    memcpy(buf, f->bytes + offset, offset + len <= LEN ? len : LEN - (size_t)offset);
    *got = offset + len <= LEN ? len : LEN - (size_t)offset;
    return 0;
}

static void check_fails_at(struct header_case *c, int read)
{
    struct flaky f = { c->bytes, read };
    struct triage_reader r = { .read = flaky_read, .arg = &f, .size = LEN };
    struct dump_header h;
    struct err e;

    ck_assert_int_eq(dump_header_read(&r, &h, &e), ERR_IO);
    ck_assert_str_eq(e.text, "the share is gone");
    ck_assert_int_eq(h.format, DUMP_FORMAT_UNKNOWN);
    ck_assert(!h.has_bugcheck);
    ck_assert_str_eq(h.reason, "");
    ck_assert_uint_eq(h.file_size, LEN);
}

START_TEST(a_reader_that_fails_later_leaves_nothing_half_read)
{
    struct header_case *c = of_type(4, true), *zeros = keep(sizeof *zeros);

    put32(c->bytes + 0x2004, 0x3000);
    check_fails_at(c, 0);
    check_fails_at(c, 1); /* the part behind the header */
    check_fails_at(c, 2); /* its end mark */
    check_fails_at(bitmap(), 1);
    check_fails_at(ranges(8, 0x3000), 1);
    check_fails_at(zeros, 1); /* the samples that tell an empty file from one that begins with zeros */
    check_fails_at(zeros, 30);
}
END_TEST

START_TEST(fields_that_can_not_be_are_absent)
{
    struct header_case *c = of_type(3, true);
    struct dump_header h;

    put64(c->bytes + 0x1030, INT64_MAX / 100 + 1);
    put32(c->bytes + 0x1040, 4);
    h = read_it(c, LEN);
    ck_assert_int_eq(h.uptime, -1);
    ck_assert_int_eq(h.product, DUMP_PRODUCT_UNKNOWN);
    put64(c->bytes + 0x1030, INT64_MAX / 100);
    put32(c->bytes + 0x1040, 0);
    h = read_it(c, LEN);
    ck_assert_int_eq(h.uptime, INT64_MAX / 100 * 100);
    ck_assert_int_eq(h.product, DUMP_PRODUCT_UNKNOWN);
    memcpy(c->bytes + 0x38, "PAGE", 4);
    h = read_it(c, LEN);
    ck_assert(!h.has_bugcheck);
    c = of_type(3, false);
    memcpy(c->bytes + 0x28, "PAGE", 4);
    c->bytes[0x5C] = 2;
    h = read_it(c, LEN);
    ck_assert(!h.has_bugcheck);
    ck_assert_int_eq(h.pae, -1);
    c->bytes[0x5C] = 1;
    ck_assert_int_eq(read_it(c, LEN).pae, 1);
    ck_assert_int_eq(read_it(c, 0x5C).pae, -1);
    ck_assert(!read_it(c, 0x3B).has_bugcheck);
}
END_TEST

/* The block that newer writers put behind the fields. */
static struct header_case *with_diagnostics(const char *text, const char *build)
{
    struct header_case *c = of_type(3, true);

    put32(c->bytes + 0x1050, DUMP_ATTR_DIAGNOSTIC);
    put32(c->bytes + 0x1058, 0x298);
    memset(c->bytes + 0x11F0, 0, 0x100);
    memcpy(c->bytes + 0x11F0, text, strlen(text));
    for (size_t i = 0; i < 6; i++)
        put16(c->bytes + 0x12F0 + 2 * i, (uint16_t)(i < strlen(build) ? (unsigned char)build[i] : 0));
    put32(c->bytes + 0x1300, 2314);
    return c;
}

static void check_diagnostics(const struct header_case *c, const char *text, uint32_t ubr)
{
    struct dump_header h = read_it(c, LEN);

    ck_assert_str_eq(h.status_text, text);
    ck_assert_uint_eq(h.ubr, ubr);
}

START_TEST(the_writers_own_block_is_believed_part_by_part)
{
    struct header_case *c = with_diagnostics("Done.", "19041");
    char long_text[0x101];

    check_diagnostics(c, "Done.", 2314);
    put32(c->bytes + 0x1058, 0x297);
    check_diagnostics(c, "", 0);
    memcpy(c->bytes + 0x1058, "PAGE", 4);
    check_diagnostics(c, "", 0);
    check_diagnostics(with_diagnostics("", "19041"), "", 0);
    check_diagnostics(with_diagnostics("\x1B[2J", "19041"), "", 0);
    check_diagnostics(with_diagnostics("Done\x7F", "19041"), "", 0);
    check_diagnostics(with_diagnostics("Done.", "1904"), "Done.", 0);
    check_diagnostics(with_diagnostics("Done.", "1904/"), "Done.", 0);
    check_diagnostics(with_diagnostics("Done.", "1904:"), "Done.", 0);
    c = with_diagnostics("Done.", "00000");
    put32(c->bytes + 0x0C, 0);
    check_diagnostics(c, "Done.", 0);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    check_diagnostics(with_diagnostics(long_text, "19041"), "", 0); /* no end in its field */
}
END_TEST

START_TEST(text_is_told_from_bytes_by_its_characters)
{
    static const struct {
        const char *bytes;
        enum dump_format format;
    } rows[] = {
        { "a line\tand\r\nanother", DUMP_FORMAT_TEXT }, { "PAGEDUMB and so on", DUMP_FORMAT_TEXT },
        { "a line\x7F", DUMP_FORMAT_UNKNOWN },          { "a line\x01", DUMP_FORMAT_UNKNOWN },
        { "PAGEDUxx and so on", DUMP_FORMAT_TEXT },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct header_case *c = keep(sizeof *c);

        memcpy(c->bytes, rows[i].bytes, strlen(rows[i].bytes));
        ck_assert_int_eq(read_it(c, strlen(rows[i].bytes)).format, rows[i].format);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, runs_are_as_many_as_fit_and_sum_up_to_the_pages);
    suite_test(s, runs_of_32_bits_are_up_to_86);
    suite_test(s, a_dump_that_is_only_a_header_needs_no_more);
    suite_test(s, a_type_that_does_not_exist_is_corrupt);
    suite_test(s, a_type_that_is_not_written_yet_waits);
    suite_test(s, a_dump_that_ends_with_its_header_waits_for_the_rest);
    suite_test(s, a_writers_status_that_is_not_0_is_unfinished);
    suite_test(s, a_bitmap_dump_is_its_first_page_and_its_count);
    suite_test(s, a_bitmap_that_can_not_be_is_corrupt_and_says_which_number);
    suite_test(s, the_older_summary_has_its_numbers_elsewhere);
    suite_test(s, a_debuggers_dump_is_as_long_as_its_pages_or_its_header_say);
    suite_test(s, a_debuggers_dump_that_contradicts_itself_is_corrupt);
    suite_test(s, a_minidump_part_shorter_than_its_own_header_is_corrupt);
    suite_test(s, a_reader_that_fails_later_leaves_nothing_half_read);
    suite_test(s, fields_that_can_not_be_are_absent);
    suite_test(s, the_writers_own_block_is_believed_part_by_part);
    suite_test(s, text_is_told_from_bytes_by_its_characters);
}

int main(void)
{
    return suite_main("triage: how long a dump must be", add);
}
