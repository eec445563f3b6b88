/* The header of a dump file: what kind of file it is, what it says, whether all of it is there. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdlib.h>
#include <string.h>

static struct dump_header read_header(const void *bytes, size_t len)
{
    struct triage_memory m = { bytes, len };
    struct triage_reader r;
    struct dump_header h;
    struct err e;

    triage_reader_memory(&r, &m);
    ck_assert_int_eq(dump_header_read(&r, &h, &e), 0);
    return h;
}

START_TEST(an_empty_file_is_called_empty)
{
    struct dump_header h = read_header("", 0);

    ck_assert_int_eq(h.state, DUMP_EMPTY);
    ck_assert_int_eq(h.format, DUMP_FORMAT_EMPTY);
}
END_TEST

START_TEST(a_file_of_zero_bytes_is_told_from_one_that_only_begins_with_zeros)
{
    static unsigned char bytes[1 << 20];
    struct dump_header h = read_header(bytes, sizeof bytes);

    ck_assert_int_eq(h.state, DUMP_ZERO);
    memset(bytes + sizeof bytes - 4096, 'x', 4096);
    h = read_header(bytes, sizeof bytes);
    ck_assert_int_eq(h.state, DUMP_FOREIGN);
}
END_TEST

START_TEST(foreign_files_are_named_for_what_they_are)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum dump_format format;
    } rows[] = {
        { "MDMP\x93\xA7 some more bytes", 20, DUMP_FORMAT_USER },
        { "\x7F"
          "ELF\x02\x01\x01 more",
          12, DUMP_FORMAT_ELF },
        { "HIBR and then", 13, DUMP_FORMAT_HIBERNATION },
        { "wake and then", 13, DUMP_FORMAT_HIBERNATION },
        { "Raw_Dmp! and then", 17, DUMP_FORMAT_RAW_OFFLINE },
        { "This is a log file.\r\n", 21, DUMP_FORMAT_TEXT },
        { "\x01\x02\x03\x04\x05", 5, DUMP_FORMAT_UNKNOWN },
        { "PAGE", 4, DUMP_FORMAT_TEXT },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dump_header h = read_header(rows[i].bytes, rows[i].len);

        ck_assert_int_eq(h.state, DUMP_FOREIGN);
        ck_assert_int_eq(h.format, rows[i].format);
        ck_assert_str_ne(h.reason, "");
    }
}
END_TEST

START_TEST(a_full_dump_says_its_facts_and_its_length)
{
    unsigned char *p = calloc(1, 0x2000 + 3 * 4096);
    struct dump_header h;

    header64(p, 1, UINT64_C(0xFFFFF80012345678));
    put32(p + 0x88, 1);
    put64(p + 0x90, 3);
    put64(p + 0x98, 0x100);
    put64(p + 0xA0, 3);
    h = read_header(p, 0x2000 + 3 * 4096);
    ck_assert_int_eq(h.state, DUMP_COMPLETE);
    ck_assert_int_eq(h.format, DUMP_FORMAT_FULL);
    ck_assert_int_eq(h.arch, DUMP_ARCH_X64);
    ck_assert_int_eq(h.product, DUMP_SERVER);
    ck_assert_uint_eq(h.code, 0xD1);
    ck_assert_uint_eq(h.params[3], UINT64_C(0xFFFFF80012345678));
    ck_assert_uint_eq(h.build, 19041);
    ck_assert_uint_eq(h.processors, 4);
    ck_assert_int_eq(h.crash_time, INT64_C(1732332864381170700));
    ck_assert_int_eq(h.uptime, INT64_C(1377010751400));
    ck_assert_uint_eq(h.size_needed, 0x2000 + 3 * 4096);
    ck_assert(!h.has_attributes);
    h = read_header(p, 0x2000 + 4096);
    ck_assert_int_eq(h.state, DUMP_PARTIAL);
    ck_assert_uint_eq(h.size_needed, 0x2000 + 3 * 4096);
    free(p);
}
END_TEST

START_TEST(a_header_cut_anywhere_gives_what_is_there_and_no_more)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 1, 1);
    for (size_t len = 8; len < sizeof p; len += 13) {
        h = read_header(p, len);
        ck_assert_int_eq(h.state, DUMP_PARTIAL);
        ck_assert_int_eq(h.has_bugcheck, len >= 0x60);
        ck_assert_int_eq(h.crash_time != 0, len >= 0xFB0);
    }
}
END_TEST

START_TEST(the_page_fill_counts_as_absent)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 0x45474150, 1);
    memcpy(p + 0x34, "PAGE", 4);
    h = read_header(p, sizeof p);
    ck_assert(!h.has_type);
    ck_assert_uint_eq(h.processors, 0);
    ck_assert_int_eq(h.state, DUMP_PARTIAL);
}
END_TEST

START_TEST(an_encrypted_dump_gives_its_header)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 6, 1);
    put32(p + 0x1050, DUMP_ATTR_ENCRYPTED);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_ENCRYPTED);
    ck_assert_uint_eq(h.code, 0xD1);
}
END_TEST

START_TEST(an_unfinished_writer_makes_the_dump_partial)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 3, 1);
    put32(p + 0x1048, 1);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_PARTIAL);
}
END_TEST

START_TEST(impossible_runs_are_corrupt_and_never_a_length)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 1, 1);
    put32(p + 0x88, 44);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_CORRUPT);
    put32(p + 0x88, 1);
    put64(p + 0x90, UINT64_MAX);
    put64(p + 0x98, 1);
    put64(p + 0xA0, UINT64_MAX);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_CORRUPT);
    ck_assert_uint_eq(h.size_needed, 0);
}
END_TEST

START_TEST(an_impossible_bitmap_is_corrupt)
{
    unsigned char p[0x2000 + 0x80] = { 0 };
    struct dump_header h;

    header64(p, 5, 1);
    memcpy(p + 0x2000, "FDMPDUMP", 8);
    put64(p + 0x2020, 0x3000);
    put64(p + 0x2028, 10);
    put64(p + 0x2030, UINT64_C(1) << 62);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_CORRUPT);
    ck_assert_uint_eq(h.reason_offset, 0x2030);
    put64(p + 0x2030, 64);
    put64(p + 0x2020, UINT64_C(0xFFFFFFFFFFFFF000));
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_CORRUPT);
    put64(p + 0x2020, 0x3000);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_PARTIAL);
    ck_assert_uint_eq(h.size_needed, 0x3000 + 10 * 4096);
}
END_TEST

START_TEST(a_minidump_without_its_end_mark_is_corrupt)
{
    static const struct mini_driver drivers[] = { { "nt.exe", UINT64_C(0xFFFFF80000000000), 0x1000 } };
    struct mini m = { .drivers = drivers, .driver_count = 1, .code = 0xD1 };
    struct bytes b = mini_make(&m);
    struct dump_header h = read_header(b.p, b.len);

    ck_assert_int_eq(h.state, DUMP_COMPLETE);
    ck_assert_uint_eq(h.size_needed, b.len);
    h = read_header(b.p, b.len - 8);
    ck_assert_int_eq(h.state, DUMP_PARTIAL);
    b.p[b.len - 1] = 'x';
    h = read_header(b.p, b.len);
    ck_assert_int_eq(h.state, DUMP_CORRUPT);
}
END_TEST

START_TEST(a_32_bit_header_is_read_by_its_own_layout)
{
    unsigned char p[0x1000];
    struct dump_header h;

    header32(p, 3, 0x8A001B0E);
    h = read_header(p, sizeof p);
    ck_assert_int_eq(h.state, DUMP_COMPLETE);
    ck_assert_int_eq(h.arch, DUMP_ARCH_X86);
    ck_assert_uint_eq(h.build, 6002);
    ck_assert_uint_eq(h.params[3], 0x8A001B0E);
    ck_assert_int_eq(h.uptime, INT64_C(18000000000000));
}
END_TEST

START_TEST(the_update_revision_is_believed_only_with_its_witnesses)
{
    unsigned char p[0x2000];
    struct dump_header h;

    header64(p, 3, 1);
    put32(p + 0x1050, DUMP_ATTR_DIAGNOSTIC);
    put32(p + 0x1058, 0x298);
    memcpy(p + 0x11F0, "Dump completed successfully.", 29);
    for (size_t i = 0; i < 6; i++)
        put16(p + 0x12F0 + 2 * i, (unsigned char)"19041"[i]);
    put32(p + 0x1300, 2314);
    h = read_header(p, sizeof p);
    ck_assert_uint_eq(h.ubr, 2314);
    ck_assert_str_eq(h.status_text, "Dump completed successfully.");
    put16(p + 0x12F0, '2');
    h = read_header(p, sizeof p);
    ck_assert_uint_eq(h.ubr, 0);
}
END_TEST

static int failing_read(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    (void)arg;
    (void)offset;
    (void)buf;
    (void)len;
    *got = 0;
    return err_set(e, ERR_IO, "the share is gone");
}

START_TEST(a_reader_that_fails_is_an_error_and_not_a_verdict)
{
    struct triage_reader r = { .read = failing_read, .size = 100000 };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct dump_header h;
    struct err e;

    ck_assert_int_eq(dump_header_read(&r, &h, &e), ERR_IO);
    ck_assert_str_eq(e.text, "the share is gone");
    triage_limits_default(&limits);
    ck_assert_int_eq(triage_file(&r, &limits, &v, &e), ERR_IO);
    ck_assert_ptr_null(v);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, an_empty_file_is_called_empty);
    suite_test(s, a_file_of_zero_bytes_is_told_from_one_that_only_begins_with_zeros);
    suite_test(s, foreign_files_are_named_for_what_they_are);
    suite_test(s, a_full_dump_says_its_facts_and_its_length);
    suite_test(s, a_header_cut_anywhere_gives_what_is_there_and_no_more);
    suite_test(s, the_page_fill_counts_as_absent);
    suite_test(s, an_encrypted_dump_gives_its_header);
    suite_test(s, an_unfinished_writer_makes_the_dump_partial);
    suite_test(s, impossible_runs_are_corrupt_and_never_a_length);
    suite_test(s, an_impossible_bitmap_is_corrupt);
    suite_test(s, a_minidump_without_its_end_mark_is_corrupt);
    suite_test(s, a_32_bit_header_is_read_by_its_own_layout);
    suite_test(s, the_update_revision_is_believed_only_with_its_witnesses);
    suite_test(s, a_reader_that_fails_is_an_error_and_not_a_verdict);
}

int main(void)
{
    return suite_main("triage: dump header", add);
}
