/* Whole dumps with something wrong: what the header states, tables that lead nowhere. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdlib.h>
#include <string.h>

#define NT   UINT64_C(0xFFFFF80001A00000)
#define LIST (NT + 0x6000)
#define KDBG (NT + 0x7000)

static const struct triage_finding *finding(const struct triage_verdict *v, const char *rule)
{
    for (size_t i = 0; i < v->finding_count; i++)
        if (strcmp(v->findings[i].rule, rule) == 0)
            return &v->findings[i];
    return NULL;
}

static void check_finding(const struct triage_verdict *v, const char *rule, uint64_t offset, const char *text)
{
    const struct triage_finding *f = finding(v, rule);

    ck_assert_msg(f != NULL, "no finding of %s; status: %s", rule, v->status_text);
    ck_assert_str_eq(f->text, text);
    ck_assert_uint_eq(f->offset, offset);
}

/* ---- the header's facts ---- */

/* A header-only dump with one field changed has this finding, and with `good` in it none. */
static void check_field(bool is64, size_t at, uint32_t bad, uint32_t good, const char *rule, const char *text)
{
    unsigned char p[DUMP_HEADER64_SIZE];
    size_t len = is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE;
    struct triage_verdict *v;

    is64 ? header64(p, 3, 0) : header32(p, 3, 0);
    put64(p + 0xFA0, 0);
    put32(p + at, bad);
    v = triage_bytes(p, len);
    ck_assert_int_eq(v->status, TRIAGE_OK);
    check_finding(v, rule, at, text);
    triage_verdict_free(v);
    put32(p + at, good);
    v = triage_bytes(p, len);
    ck_assert_ptr_null(finding(v, rule));
    triage_verdict_free(v);
}

START_TEST(what_the_header_states_must_be_possible)
{
    check_field(true, 0x34, 2049, 2048, "processors", "2049 processors are stated");
    check_field(false, 0x24, 2049, 0, "processors", "2049 processors are stated");
    check_field(true, 0x30, 0x1234, 0x45474150, "machine", "machine type 0x1234 is unknown");
    check_field(false, 0x20, 0x1234, 0x14C, "machine", "machine type 0x1234 is unknown");
    check_field(true, 0x0C, 2599, 2600, "build", "build 2599 does not exist");
    check_field(true, 0x0C, 40001, 40000, "build", "build 40001 does not exist");
    check_field(true, 0x0C, 1, 0, "build", "build 1 does not exist");
    check_field(true, 0xFA0, 8193, 8192, "required-space", "the header asks for 8193 bytes, the file has 8192");
    check_field(true, 0x1050, 4, 3, "attributes", "Windows says that the dump file was too small for all of it");
    check_field(false, 0x8A0, 4, 3, "attributes", "Windows says that the dump file was too small for all of it");
}
END_TEST

START_TEST(a_live_dump_says_that_nothing_crashed)
{
    unsigned char p[DUMP_HEADER64_SIZE];
    struct triage_verdict *v;

    header64(p, 3, 0);
    put32(p + 0x1050, DUMP_ATTR_LIVE);
    v = triage_bytes(p, sizeof p);
    ck_assert_uint_eq(v->note_count, 1);
    ck_assert_str_eq(v->notes[0], "A live dump: the system was not stopped, and the code says why it was taken.");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_file_that_is_no_dump_has_its_reason_as_evidence)
{
    struct triage_verdict *v = triage_bytes("This is text.", 13);

    ck_assert_int_eq(v->status, TRIAGE_UNSUPPORTED);
    check_finding(v, "signature", 0, "readable text, not a dump");
    ck_assert_str_eq(v->culprit.name, "Unknown_Image");
    ck_assert_str_eq(v->culprit.evidence, "readable text, not a dump");
    triage_verdict_free(v);
    v = triage_bytes("", 0);
    ck_assert_int_eq(v->status, TRIAGE_EMPTY);
    ck_assert_uint_eq(v->finding_count, 0);
    triage_verdict_free(v);
    triage_verdict_free(NULL);
}
END_TEST

START_TEST(an_encrypted_dump_is_not_read_behind_its_header)
{
    unsigned char p[DUMP_HEADER64_SIZE];
    struct triage_verdict *v;

    header64(p, 6, 0);
    put32(p + 0x1050, DUMP_ATTR_ENCRYPTED);
    v = triage_bytes(p, sizeof p);
    ck_assert_int_eq(v->status, TRIAGE_UNSUPPORTED);
    check_finding(v, "header", 0x1050, "the memory in it is encrypted: only the header can be read");
    ck_assert_str_eq(v->bugcheck_name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    ck_assert_uint_eq(v->frame_count, 0);
    triage_verdict_free(v);
}
END_TEST

START_TEST(an_unfinished_header_is_still_being_written_and_a_cut_one_is_cut)
{
    unsigned char p[DUMP_HEADER64_SIZE];
    static const struct {
        bool is64;
        uint32_t type, writer;
        size_t len;
        enum triage_status status;
    } rows[] = {
        { true, 0x45474150, 0, DUMP_HEADER64_SIZE, TRIAGE_PARTIAL }, /* the type is not filled in */
        { true, 0, 0, DUMP_HEADER64_SIZE, TRIAGE_PARTIAL },
        { true, 3, 1, DUMP_HEADER64_SIZE, TRIAGE_PARTIAL }, /* the writer has not finished */
        { true, 3, 1, DUMP_HEADER64_SIZE - 1, TRIAGE_TRUNCATED },
        { true, 0, 0, 0xFFF, TRIAGE_TRUNCATED },
        { false, 0, 0, DUMP_HEADER32_SIZE, TRIAGE_PARTIAL },
        { false, 0, 0, DUMP_HEADER32_SIZE - 1, TRIAGE_TRUNCATED },
        { true, 1, 0x45474150, DUMP_HEADER64_SIZE, TRIAGE_TRUNCATED }, /* and pages that are missing are missing */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct triage_verdict *v;

        rows[i].is64 ? header64(p, rows[i].type, 0) : header32(p, rows[i].type, 0);
        if (rows[i].is64)
            put32(p + 0x1048, rows[i].writer);
        put64(p + 0x10, 0x100000);
        put32(p + 0x88, 1);
        put64(p + 0x90, 3);
        put64(p + 0x98, 0x100);
        put64(p + 0xA0, 3);
        v = triage_bytes(p, rows[i].len);
        ck_assert_msg(v->status == rows[i].status, "row %zu: %s", i, triage_status_name(v->status));
        triage_verdict_free(v);
    }
}
END_TEST

/* ---- memory dumps ---- */

struct machine {
    struct guest guest;
    unsigned char header[DUMP_HEADER64_SIZE];
};

/* A machine whose list of drivers is empty, so that its tables can be believed. */
static struct machine *machine_new(enum guest_mode mode)
{
    struct machine *m = keep(sizeof *m);
    bool is64 = mode == GUEST_X64 || mode == GUEST_LA57;
    uint64_t list = is64 ? LIST : (uint32_t)0x81A06000, next = is64 ? LIST : list;
    unsigned char links[16];

    guest_init(&m->guest, mode);
    if (is64) {
        header64(m->header, 1, 0);
        put64(m->header + 0x20, list);
        put64(m->header + 0x28, 0);
        put64(m->header + 0x80, 0);
        put64(links, next);
        put64(links + 8, next);
        guest_write(&m->guest, list, links, 16);
    } else {
        header32(m->header, 1, 0);
        put32(m->header + 0x18, (uint32_t)list);
        put32(m->header + 0x60, 0);
        put32(links, (uint32_t)next);
        put32(links + 4, (uint32_t)next);
        guest_write(&m->guest, list, links, 8);
    }
    return m;
}

static struct triage_verdict *judge(struct machine *m)
{
    struct bytes b = guest_dump(&m->guest, m->header);

    return triage_bytes(b.p, b.len);
}

START_TEST(each_kind_of_page_table_is_found_by_where_it_leads)
{
    static const enum guest_mode modes[] = { GUEST_X64, GUEST_LA57, GUEST_PAE, GUEST_X86 };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct triage_verdict *v = judge(machine_new(modes[i]));

        ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
        ck_assert_uint_eq(v->finding_count, 0);
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(a_header_that_does_not_know_of_pae_costs_nothing)
{
    static const enum guest_mode modes[] = { GUEST_PAE, GUEST_X86 };

    for (size_t i = 0; i < 2; i++) {
        for (unsigned char flag = 0; flag <= 2; flag++) { /* no, yes, not known */
            struct machine *m = machine_new(modes[i]);
            struct bytes b = guest_dump(&m->guest, m->header);
            struct triage_verdict *v;

            b.p[0x5C] = flag;
            v = triage_bytes(b.p, b.len);
            ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
            triage_verdict_free(v);
        }
    }
}
END_TEST

START_TEST(the_tables_of_arm64_are_followed)
{
    struct machine *m = machine_new(GUEST_X64); /* the same shape: bit 1 of each entry says that it is a table */
    struct triage_verdict *v;

    put32(m->header + 0x30, 0xAA64);
    v = judge(m);
    ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
    triage_verdict_free(v);
}
END_TEST

START_TEST(tables_that_lead_nowhere_are_corrupt)
{
    static const char nowhere[] =
        "the page tables at 0x100000 lead neither to the debugger data nor to the list of drivers";
    struct machine *m = machine_new(GUEST_X64);
    struct triage_verdict *v;
    unsigned char links[16] = { 0 };

    put64(m->header + 0x20, LIST + 0x100000);
    v = judge(m);
    ck_assert_int_eq(v->status, TRIAGE_CORRUPT);
    ck_assert_str_eq(v->status_text, "the page tables lead nowhere");
    check_finding(v, "page-tables", 0x10, nowhere);
    triage_verdict_free(v);
    m = machine_new(GUEST_X64);
    put64(m->header + 0x20, 0);
    v = judge(m);
    check_finding(v, "page-tables", 0x10, nowhere);
    triage_verdict_free(v);
    m = machine_new(GUEST_X64);
    put64(links, 0x1000); /* a first entry in a program's memory */
    guest_write(&m->guest, LIST, links, sizeof links);
    v = judge(m);
    check_finding(v, "page-tables", 0x10, nowhere);
    triage_verdict_free(v);
    m = machine_new(GUEST_X64);
    put64(links, LIST + 0x10); /* one that does not point back */
    guest_write(&m->guest, LIST, links, sizeof links);
    v = judge(m);
    check_finding(v, "page-tables", 0x10, nowhere);
    triage_verdict_free(v);
    m = machine_new(GUEST_X64);
    put64(links, LIST + 0x100000); /* one that is not there */
    guest_write(&m->guest, LIST, links, sizeof links);
    v = judge(m);
    check_finding(v, "page-tables", 0x10, nowhere);
    triage_verdict_free(v);
}
END_TEST

START_TEST(tables_outside_the_dump_are_named_with_their_address)
{
    struct machine *m = machine_new(GUEST_X64);
    struct bytes b = guest_dump(&m->guest, m->header);
    struct triage_verdict *v;

    put64(b.p + 0x10, 0x7FFF000);
    v = triage_bytes(b.p, b.len);
    ck_assert_int_eq(v->status, TRIAGE_CORRUPT);
    ck_assert_str_eq(v->status_text, "the page tables lie outside the dump");
    check_finding(v, "page-tables", 0x10, "the page tables should be at 0x7fff000, which is not in the dump");
    triage_verdict_free(v);
}
END_TEST

START_TEST(tables_behind_the_cut_of_a_file_are_no_lie)
{
    struct machine *m = machine_new(GUEST_X64);
    struct bytes b = guest_dump(&m->guest, m->header);
    struct triage_verdict *v = triage_bytes(b.p, DUMP_HEADER64_SIZE + 4096);

    ck_assert_int_eq(v->status, TRIAGE_TRUNCATED);
    check_finding(v, "page-tables", 0x10, "the page tables can not be followed; the file is cut");
    triage_verdict_free(v);
}
END_TEST

/* ---- the debugger data ---- */

/* The block at KDBG, len bytes of it mapped up to the end of a page. */
static struct triage_verdict *with_block(unsigned char *block, size_t len)
{
    struct machine *m = machine_new(GUEST_X64);
    static const uint64_t pages = 5;

    put64(m->header + 0x80, KDBG + 0x1000 - len);
    guest_write(&m->guest, KDBG + 0x1000 - len, block, len);
    guest_write(&m->guest, NT, &pages, sizeof pages);
    return judge(m);
}

START_TEST(the_debugger_data_is_read_as_far_as_it_says_and_is_there)
{
    enum { FIGURE = 0x1A8, LEAST = 0x290 };
    unsigned char block[0x400] = { 0 };
    static const struct {
        uint32_t size;
        size_t there;
        bool known;
    } rows[] = {
        { LEAST, LEAST, true },       { LEAST, LEAST - 1, false }, { UINT32_MAX, LEAST, true },
        { FIGURE + 7, LEAST, false }, { FIGURE + 8, LEAST, true },
    };

    memcpy(block + 0x10, "KDBG", 4);
    put64(block + FIGURE, NT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct triage_verdict *v;

        put32(block + 0x14, rows[i].size);
        v = with_block(block, rows[i].there);
        ck_assert_msg(v->memory_free.known == rows[i].known, "row %zu", i);
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(a_block_that_no_key_decodes_is_not_believed)
{
    unsigned char block[0x340] = { 0 };
    struct triage_verdict *v;

    memcpy(block + 0x10, "XXXX", 4);
    v = with_block(block, sizeof block);
    ck_assert_uint_eq(v->note_count, 0);
    ck_assert(!v->memory_free.known);
    ck_assert_str_eq(v->memory_free.source, "not in this dump");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_block_of_32_bits_is_never_encoded)
{
    struct machine *m = machine_new(GUEST_X86);
    unsigned char block[0x340] = { 0 };
    struct triage_verdict *v;

    put32(m->header + 0x60, 0x81A07000);
    guest_write(&m->guest, 0x81A07000, block, sizeof block);
    v = judge(m);
    ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
    ck_assert_uint_eq(v->note_count, 0);
    triage_verdict_free(v);
}
END_TEST

/* ---- tables of pages ---- */

static void check_table(const struct bytes *b, enum triage_status status, const char *status_text, const char *rule,
                        uint64_t offset, const char *text)
{
    struct triage_verdict *v = triage_bytes(b->p, b->len);

    check_finding(v, rule, offset, text);
    ck_assert_int_eq(v->status, status);
    ck_assert_str_eq(v->status_text, status_text);
    triage_verdict_free(v);
}

START_TEST(a_table_of_pages_that_lies_is_cut_or_too_large_is_said)
{
    static const char rule[] = "page-table-of-file";
    struct bytes b = { keep(0x4000), 0x3000 };

    header64(b.p, 8, 0); /* a debugger's dump with a range of impossible frames */
    put64(b.p + 0xFA0, 0);
    memcpy(b.p + 0x2004, "RDMPDUMP", 8);
    put64(b.p + 0x2010, 0x3000 - 0x2020);
    put64(b.p + 0x2018, 0x3000);
    put64(b.p + 0x2030, UINT64_C(1) << 40);
    put64(b.p + 0x2038, 1);
    check_table(&b, TRIAGE_CORRUPT, "the table of pages in the file can not be true", rule, 0x2030,
                "the table of pages in the file can not be true");

    header64(b.p, 6, 0); /* a bitmap of two pages that counts one */
    put64(b.p + 0xFA0, 0);
    memset(b.p + 0x2000, 0, 0x1000);
    memcpy(b.p + 0x2000, "SDMPDUMP", 8);
    put64(b.p + 0x2020, 0x2040);
    put64(b.p + 0x2028, 1);
    put64(b.p + 0x2030, 64);
    b.p[0x2038] = 3;
    b.len = 0x4000;
    check_table(&b, TRIAGE_CORRUPT, "the table of pages contradicts its own count", rule, 0x2038,
                "the table of pages holds another number of pages than the header states");

    put64(b.p + 0x2020, 0x5000); /* one that the file does not hold to its end */
    put64(b.p + 0x2030, 0x2000 * 8);
    b.len = 0x3000;
    check_table(&b, TRIAGE_TRUNCATED, "ends after 12288 of 24576 bytes", rule, 0x2038,
                "the table of pages in the file is cut");
    check_table(&b, TRIAGE_TRUNCATED, "ends after 12288 of 24576 bytes", "page-tables", 0x10,
                "the page tables can not be followed; the file is cut");

    put64(b.p + 0x2020, UINT64_C(0x8000000)); /* and one of a host with more than 2 TB: true, but too large */
    put64(b.p + 0x2030, (UINT64_C(65) << 20) * 8);
    check_table(&b, TRIAGE_TRUNCATED, "ends after 12288 of 134221824 bytes", rule, 0x2000,
                "the table of pages is too large to be read here");
}
END_TEST

/* ---- on the way ---- */

static void note_stage(void *arg, const char *stage)
{
    buf_printf(arg, "%s ", stage);
}

START_TEST(a_budget_that_ends_in_the_page_tables_is_nothing_against_the_file)
{
    struct machine *machine = machine_new(GUEST_X64);
    struct bytes b = guest_dump(&machine->guest, machine->header);

    for (uint64_t blocks = 1; blocks < 4; blocks++) { /* in the list of runs, or behind it */
        struct triage_memory m = { b.p, b.len };
        struct triage_verdict *v = NULL;
        struct triage_limits limits;
        struct triage_reader r;

        triage_reader_memory(&r, &m);
        triage_limits_default(&limits);
        limits.read_max = blocks * 4096;
        ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
        ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
        ck_assert_uint_eq(v->finding_count, 1);
        ck_assert_str_eq(v->findings[0].rule, "limits");
        triage_verdict_free(v);
    }
}
END_TEST

START_TEST(the_stages_are_told_as_they_begin)
{
    struct machine *machine = machine_new(GUEST_X64);
    static const struct mini_driver drivers[] = { { "acme.sys", UINT64_C(0xFFFFF88005000000), 0x10000 } };
    const struct mini mini = { .drivers = drivers, .driver_count = 1, .code = 0xD1 };
    struct bytes b[] = { mini_make(&mini), guest_dump(&machine->guest, machine->header) };
    static const char *const stages[] = { "drivers stack ", "pages drivers stack " };

    for (size_t i = 0; i < 2; i++) {
        struct triage_memory m = { b[i].p, b[i].len };
        struct buf told;
        struct triage_verdict *v = NULL;
        struct triage_limits limits;
        struct triage_reader r;

        triage_reader_memory(&r, &m);
        triage_limits_default(&limits);
        limits.progress = note_stage;
        limits.arg = &told;
        buf_init(&told, 64);
        ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
        ck_assert_str_eq(buf_text(&told), stages[i]);
        buf_free(&told);
        triage_verdict_free(v);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_the_header_states_must_be_possible);
    suite_test(s, a_live_dump_says_that_nothing_crashed);
    suite_test(s, a_file_that_is_no_dump_has_its_reason_as_evidence);
    suite_test(s, an_encrypted_dump_is_not_read_behind_its_header);
    suite_test(s, an_unfinished_header_is_still_being_written_and_a_cut_one_is_cut);
    suite_test(s, each_kind_of_page_table_is_found_by_where_it_leads);
    suite_test(s, a_header_that_does_not_know_of_pae_costs_nothing);
    suite_test(s, the_tables_of_arm64_are_followed);
    suite_test(s, tables_that_lead_nowhere_are_corrupt);
    suite_test(s, tables_outside_the_dump_are_named_with_their_address);
    suite_test(s, tables_behind_the_cut_of_a_file_are_no_lie);
    suite_test(s, the_debugger_data_is_read_as_far_as_it_says_and_is_there);
    suite_test(s, a_block_that_no_key_decodes_is_not_believed);
    suite_test(s, a_block_of_32_bits_is_never_encoded);
    suite_test(s, a_table_of_pages_that_lies_is_cut_or_too_large_is_said);
    suite_test(s, a_budget_that_ends_in_the_page_tables_is_nothing_against_the_file);
    suite_test(s, the_stages_are_told_as_they_begin);
}

int main(void)
{
    return suite_main("triage: dumps in trouble", add);
}
