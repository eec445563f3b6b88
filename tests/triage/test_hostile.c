/* Dumps that lie: no fault, no endless work, no escape to the terminal. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdlib.h>
#include <string.h>

#define NT    UINT64_C(0xFFFFF80000000000)
#define ACME  UINT64_C(0xFFFFF88005000000)
#define STACK UINT64_C(0xFFFFD00020000000)

enum { WORDS = 32 };

static uint64_t stack[WORDS];

static struct bytes honest(void)
{
    static const struct mini_driver drivers[] = {
        { "\\SystemRoot\\system32\\ntoskrnl.exe", NT, 0x800000 },
        { "acme.sys", ACME, 0x10000 },
    };
    struct mini m = { .drivers = drivers,
                      .driver_count = 2,
                      .stack_va = STACK,
                      .stack = stack,
                      .stack_words = WORDS,
                      .code = 0xD1,
                      .params = { 0x28, 2, 0, ACME + 0x1234 },
                      .rip = NT + 0x1000,
                      .rsp = STACK };

    stack[0] = NT + 0x1111;
    stack[7] = ACME + 0x2223;
    m.blocks[0].va = ACME;
    m.blocks[0].bytes = "MZ and so on";
    m.blocks[0].len = 12;
    m.block_count = 1;
    return mini_make(&m);
}

START_TEST(a_minidump_cut_at_any_byte_is_survived)
{
    struct bytes b = honest();

    for (size_t len = 0; len < b.len; len += 7) {
        unsigned char *copy = malloc(len + 1); /* so that a read past the end is seen */
        struct triage_verdict *v;

        memcpy(copy, b.p, len);
        v = triage_bytes(copy, len);
        ck_assert_int_ne(v->status, TRIAGE_OK);
        triage_verdict_free(v);
        free(copy);
    }
}
END_TEST

START_TEST(any_word_of_the_minidump_part_may_lie)
{
    static const uint32_t lies[] = { 0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF, 0x2000, 0x45474150 };
    struct bytes b = honest();

    for (size_t at = 0x2000; at < 0x2080; at += 4) {
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            unsigned char kept[4];
            struct triage_verdict *v;

            memcpy(kept, b.p + at, 4);
            put32(b.p + at, lies[i]);
            v = triage_bytes(b.p, b.len);
            ck_assert_uint_eq(v->header.code, 0xD1);
            triage_verdict_free(v);
            memcpy(b.p + at, kept, 4);
        }
    }
}
END_TEST

START_TEST(a_count_of_billions_is_cut_to_the_room_and_said)
{
    struct bytes b = honest();
    struct triage_verdict *v;

    put32(b.p + 0x2034, 0xFFFFFFFF);
    v = triage_bytes(b.p, b.len);
    ck_assert_int_eq(v->status, TRIAGE_CORRUPT);
    ck_assert_uint_eq(v->driver_count, 2);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_uint_gt(v->finding_count, 0);
    ck_assert_str_eq(v->findings[0].rule, "triage-part");
    ck_assert_uint_eq(v->findings[0].offset, 0x2030);
    triage_verdict_free(v);
}
END_TEST

START_TEST(escape_sequences_in_names_do_not_reach_the_terminal)
{
    static const struct mini_driver drivers[] = { { "evil\x1B[2J\x07.sys", ACME, 0x10000 } };
    struct mini m = { .drivers = drivers, .driver_count = 1, .code = 0xD1, .params = { 0, 0, 0, ACME + 0x1234 } };
    struct bytes b = mini_make(&m);
    struct triage_verdict *v = triage_bytes(b.p, b.len);
    struct buf text;

    buf_init(&text, 1 << 20);
    triage_text(v, "x.dmp", true, &text);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "evil"));
    for (size_t i = 0; i < text.len; i++)
        ck_assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
    ck_assert_str_eq(v->culprit.name + strlen(v->culprit.name) - 4, ".sys");
    buf_free(&text);
    triage_verdict_free(v);
}
END_TEST

START_TEST(the_budget_ends_the_reading)
{
    struct bytes b = honest();
    struct triage_memory m = { b.p, b.len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.read_max = 3 * 4096;
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    ck_assert_uint_eq(v->header.code, 0xD1);
    ck_assert_uint_le(v->bytes_read, 3 * 4096);
    triage_verdict_free(v);
}
END_TEST

static int64_t late(void *arg)
{
    (void)arg;
    return 1000;
}

START_TEST(a_deadline_that_has_passed_still_gives_the_header)
{
    struct bytes b = honest();
    struct triage_memory m = { b.p, b.len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.clock = late;
    limits.deadline = 999;
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    ck_assert_uint_eq(v->header.code, 0xD1);
    ck_assert_uint_eq(v->driver_count, 0);
    ck_assert_uint_gt(v->finding_count, 0);
    ck_assert_str_eq(v->findings[v->finding_count - 1].rule, "limits");
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_verdict_too_large_for_its_bound_is_an_error)
{
    struct bytes b = honest();
    struct triage_memory m = { b.p, b.len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;
    struct err e;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.memory_max = 256;
    ck_assert_int_eq(triage_file(&r, &limits, &v, &e), ERR_TOO_BIG);
    ck_assert_ptr_null(v);
}
END_TEST

START_TEST(a_short_file_touched_just_now_is_still_being_written)
{
    struct bytes b = honest();
    struct triage_memory m = { b.p, b.len - 100 };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.quiet_s = 2;
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    ck_assert_int_eq(v->status, TRIAGE_PARTIAL);
    triage_verdict_free(v);
    limits.quiet_s = 3600;
    ck_assert_int_eq(triage_file(&r, &limits, &v, NULL), 0);
    ck_assert_int_eq(v->status, TRIAGE_TRUNCATED);
    triage_verdict_free(v);
}
END_TEST

/* A small generator of its own, so that a failure can be met again. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

START_TEST(random_damage_is_survived)
{
    struct bytes b = honest();
    unsigned char *copy = malloc(b.len);
    uint32_t state = 2463534242u;

    for (int round = 0; round < 2000; round++) {
        struct triage_verdict *v;

        memcpy(copy, b.p, b.len);
        for (int i = 0; i < 8; i++)
            copy[0x2000 + next_random(&state) % (b.len - 0x2000)] = (unsigned char)next_random(&state);
        v = triage_bytes(copy, b.len);
        triage_verdict_free(v);
    }
    free(copy);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_minidump_cut_at_any_byte_is_survived);
    suite_test(s, any_word_of_the_minidump_part_may_lie);
    suite_test(s, a_count_of_billions_is_cut_to_the_room_and_said);
    suite_test(s, escape_sequences_in_names_do_not_reach_the_terminal);
    suite_test(s, the_budget_ends_the_reading);
    suite_test(s, a_deadline_that_has_passed_still_gives_the_header);
    suite_test(s, a_verdict_too_large_for_its_bound_is_an_error);
    suite_test(s, a_short_file_touched_just_now_is_still_being_written);
    suite_test(s, random_damage_is_survived);
}

int main(void)
{
    return suite_main("triage: hostile dumps", add);
}
