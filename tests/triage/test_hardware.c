/* 0x124: the machine's own report, its classes, its record and a record that lies. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/special.h"

#include <stdio.h>
#include <string.h>

#define RECORD UINT64_C(0xFFFFE00000001000)

enum { HEADER = 0x80, SECTION = 72, SECTION_TYPE = 0x10, FRU_VALID = 0x0A, FRU = 0x34 };

static struct scene *reported(uint64_t source, uint64_t record, uint32_t status_high, uint32_t status_low)
{
    struct scene *s = scene_new(DUMP_ARCH_X64, 19041);

    s->verdict.header.code = 0x124;
    s->verdict.header.params[0] = source;
    s->verdict.header.params[1] = record;
    s->verdict.header.params[2] = status_high;
    s->verdict.header.params[3] = status_low;
    return s;
}

static void check_evidence(struct scene *s, const char *evidence)
{
    ck_assert(whea_blame(scene_ready(s)));
    ck_assert_int_eq(s->verdict.culprit.subject, TRIAGE_HARDWARE);
    ck_assert_int_eq(s->verdict.culprit.confidence, TRIAGE_EXACT);
    ck_assert_str_eq(s->verdict.culprit.name, "hardware");
    ck_assert_str_eq(s->verdict.culprit.evidence, evidence);
    scene_end(s);
}

START_TEST(the_low_word_of_the_status_gives_the_class_of_a_machine_check)
{
    static const struct {
        uint32_t low;
        const char *text;
    } rows[] = {
        { 0x0800, "bus or interconnect" },
        { 0x0FFF, "bus or interconnect" },
        { 0x0100, "cache hierarchy" },
        { 0x01FF, "cache hierarchy" },
        { 0x0080, "memory controller" },
        { 0x00FF, "memory controller" },
        { 0x0010, "TLB" },
        { 0x001F, "TLB" },
        { 0x000C, "cache" },
        { 0x000F, "cache" },
        { 0x0400, "internal timer (a processor hung)" },
        { 0x0401, "internal" },
        { 0x07FF, "internal" },
        { 0x0005, "unclassified" },
        { 0x0200, "unclassified" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];

        snprintf(
            text, sizeof text,
            "machine check, MCi_STATUS 0xbe0000000080%04x: %s error, uncorrected, processor context lost; its error "
            "record is not in the dump",
            rows[i].low, rows[i].text);
        check_evidence(reported(0, 0, 0xBE000000, 0x00800000 | rows[i].low), text);
    }
}
END_TEST

START_TEST(an_error_that_was_corrected_is_not_called_uncorrected)
{
    check_evidence(reported(0, 0, 0x80000000, 0x0090),
                   "machine check, MCi_STATUS 0x8000000000000090: memory controller error; its error record is not in "
                   "the dump");
}
END_TEST

START_TEST(a_status_that_is_not_valid_is_not_read)
{
    check_evidence(reported(0, 0, 0x3E000000, 0x0090),
                   "the machine reported an error (source: machine check); its error record is not in the dump");
}
END_TEST

START_TEST(other_sources_are_named_and_have_no_status)
{
    check_evidence(reported(4, 0, 0xBE000000, 0x0090),
                   "the machine reported an error (source: PCI Express); its error record is not in the dump");
    check_evidence(reported(8, 0, 0, 0),
                   "the machine reported an error (source: SCI generic); its error record is not in the dump");
    check_evidence(reported(9, 0, 0, 0),
                   "the machine reported an error (source: other); its error record is not in the dump");
}
END_TEST

/* A record of that many sections, of which the first `there` are in the dump. */
static struct scene *record_of(unsigned count, unsigned there)
{
    struct scene *s = reported(4, RECORD, 0, 0);
    unsigned char *p = scene_map(s, RECORD, HEADER + (size_t)SECTION * there);

    memcpy(p, "CPER", 4);
    put16(p + 0x0A, (uint16_t)count);
    return s;
}

static unsigned char *section(struct scene *s, unsigned i)
{
    return s->file + HEADER + (size_t)SECTION * i;
}

static const char in_the_dump[] =
    "the machine reported an error (source: PCI Express); its error record is in the dump";

START_TEST(the_sections_of_the_record_are_noted_with_the_part_they_name)
{
    static const struct {
        unsigned char guid[4];
        const char *note;
    } rows[] = {
        { { 0xAD, 0xCC, 0x76, 0x98 }, "Error record section 1: processor." },
        { { 0xB0, 0xA0, 0x3E, 0xDC }, "Error record section 2: x86 processor." },
        { { 0x01, 0x1D, 0x1E, 0x8A }, "Error record section 3: machine check bank." },
        { { 0x14, 0x11, 0xBC, 0xA5 }, "Error record section 4: memory, part DIMM_A1." },
        { { 0x54, 0xE9, 0x95, 0xD9 }, "Error record section 5: PCI Express." },
        { { 0xF7, 0x54, 0x12, 0xE7 }, "Error record section 6: non-maskable interrupt." },
        { { 1, 2, 3, 4 }, "Error record section 7: vendor-specific." },
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct scene *s = record_of(ROWS, ROWS);

    for (unsigned i = 0; i < ROWS; i++)
        memcpy(section(s, i) + SECTION_TYPE, rows[i].guid, 4);
    section(s, 3)[FRU_VALID] = 2;
    memcpy(section(s, 3) + FRU, "DIMM_A1", 7);
    memcpy(section(s, 4) + FRU, "not valid", 9);
    ck_assert(whea_blame(scene_ready(s)));
    ck_assert_str_eq(s->verdict.culprit.evidence, in_the_dump);
    ck_assert_uint_eq(s->verdict.note_count, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_str_eq(s->verdict.notes[i], rows[i].note);
    scene_end(s);
}
END_TEST

START_TEST(a_part_name_without_an_end_is_read_no_further_than_its_field)
{
    struct scene *s = record_of(1, 1);

    section(s, 0)[FRU_VALID] = 0xFF;
    memset(section(s, 0) + FRU, 'x', 20);
    scene_map(s, RECORD + HEADER + SECTION, 16)[0] = 'y';
    ck_assert(whea_blame(scene_ready(s)));
    ck_assert_str_eq(s->verdict.notes[0], "Error record section 1: vendor-specific, part xxxxxxxxxxxxxxxxxxxx.");
    scene_end(s);
}
END_TEST

START_TEST(a_record_that_is_cut_gives_the_sections_that_are_there)
{
    struct scene *s = record_of(5, 2);

    ck_assert(whea_blame(scene_ready(s)));
    ck_assert_str_eq(s->verdict.culprit.evidence, in_the_dump);
    ck_assert_uint_eq(s->verdict.note_count, 2);
    scene_end(s);
}
END_TEST

START_TEST(of_thousands_of_sections_sixteen_are_noted)
{
    struct scene *s = record_of(0xFFFF, 20);

    ck_assert(whea_blame(scene_ready(s)));
    ck_assert_uint_eq(s->verdict.note_count, 16);
    scene_end(s);
}
END_TEST

START_TEST(what_is_no_record_is_said_to_be_missing)
{
    static const char missing[] =
        "the machine reported an error (source: PCI Express); its error record is not in the dump";
    struct scene *s = record_of(1, 1);

    s->file[3] = 'X';
    check_evidence(s, missing);
    s = reported(4, RECORD, 0, 0);
    memcpy(scene_map(s, RECORD, HEADER - 1), "CPER", 4);
    check_evidence(s, missing);
    s = reported(4, 0x10000, 0, 0); /* an address of a program */
    memcpy(scene_map(s, 0x10000, HEADER), "CPER", 4);
    check_evidence(s, missing);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_low_word_of_the_status_gives_the_class_of_a_machine_check);
    suite_test(s, an_error_that_was_corrected_is_not_called_uncorrected);
    suite_test(s, a_status_that_is_not_valid_is_not_read);
    suite_test(s, other_sources_are_named_and_have_no_status);
    suite_test(s, the_sections_of_the_record_are_noted_with_the_part_they_name);
    suite_test(s, a_part_name_without_an_end_is_read_no_further_than_its_field);
    suite_test(s, a_record_that_is_cut_gives_the_sections_that_are_there);
    suite_test(s, of_thousands_of_sections_sixteen_are_noted);
    suite_test(s, what_is_no_record_is_said_to_be_missing);
}

int main(void)
{
    return suite_main("triage: hardware errors", add);
}
