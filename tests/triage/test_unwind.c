/* x64 unwind data: each operation, each way it can lie, and what a step does to the registers. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/unwind.h"

#include <string.h>

#define ACME   UINT64_C(0xFFFFF88005000000)
#define STACK  UINT64_C(0xFFFFD00020000000)
#define CALLER UINT64_C(0xFFFFF88005004444)

enum {
    SIZE = 0x8000,
    PDATA = 0x5000,
    INFO = 0x5100,
    SECOND = 0x5200,
    BEGIN = 0x1200,
    END = 0x1300,
    BODY = 0x1250, /* past every prologue here */
    STACK_SIZE = 0x1000,
    RBX = 3,
    RBP = REG_RBP
};

/* An image whose headers are paged out: the loader's entry says where its exception table is. */
struct code {
    struct scene *s;
    unsigned char *table, *info, *second, *stack;
    struct cpu cpu;
};

static struct code code_new(void)
{
    struct code c = { .s = scene_new(DUMP_ARCH_X64, 19041) };
    struct triage_driver *m = scene_driver(c.s, "acme.sys", ACME, SIZE);

    m->exception_table = ACME + PDATA;
    m->exception_table_size = 12;
    c.table = scene_map(c.s, ACME + PDATA, 12);
    put32(c.table, BEGIN);
    put32(c.table + 4, END);
    put32(c.table + 8, INFO);
    c.info = scene_map(c.s, ACME + INFO, 0x40);
    c.second = scene_map(c.s, ACME + SECOND, 0x40);
    c.stack = scene_map(c.s, STACK, STACK_SIZE);
    c.cpu = (struct cpu){ .has_registers = true, .ip = ACME + BODY };
    c.cpu.reg[REG_RSP] = STACK;
    return c;
}

static struct code with_info(const unsigned char *info, size_t len)
{
    struct code c = code_new();

    memcpy(c.info, info, len);
    return c;
}

static void put_stack(struct code *c, size_t at, uint64_t value)
{
    put64(c->stack + at, value);
}

static enum unwind_answer step(struct code *c, bool *trap)
{
    return unwind_step(scene_ready(c->s), &c->cpu, true, trap);
}

/* One step leads to CALLER with this stack pointer. */
static void check_step(struct code *c, uint64_t rsp)
{
    bool trap = true;

    ck_assert_int_eq(step(c, &trap), UNWOUND);
    ck_assert(!trap);
    ck_assert_uint_eq(c->cpu.ip, CALLER);
    ck_assert_uint_eq(c->cpu.reg[REG_RSP], rsp);
    scene_end(c->s);
}

/* No step is made and the registers are as before. */
static void check_given_up(struct code *c)
{
    struct cpu before = c->cpu;
    bool trap;

    ck_assert_int_eq(step(c, &trap), UNWIND_UNKNOWN);
    ck_assert_uint_eq(c->cpu.ip, before.ip);
    ck_assert_mem_eq(c->cpu.reg, before.reg, sizeof before.reg);
    scene_end(c->s);
}

START_TEST(a_small_allocation_is_its_operand_and_one_words)
{
    static const unsigned char info[] = { 1, 4, 1, 0, 4, 0xF2 };
    struct code c = with_info(info, sizeof info);

    put_stack(&c, 0x80, CALLER);
    check_step(&c, STACK + 0x88);
}
END_TEST

START_TEST(large_allocations_have_two_forms)
{
    static const unsigned char scaled[] = { 1, 7, 2, 0, 7, 0x01, 0x20, 0 };
    static const unsigned char whole[] = { 1, 7, 3, 0, 7, 0x11, 0x18, 1, 0, 0 };
    struct code c = with_info(scaled, sizeof scaled);

    put_stack(&c, 0x100, CALLER);
    check_step(&c, STACK + 0x108);
    c = with_info(whole, sizeof whole);
    put_stack(&c, 0x118, CALLER);
    check_step(&c, STACK + 0x120);
}
END_TEST

START_TEST(saved_registers_come_from_the_frame_and_leave_the_stack_alone)
{
    static const unsigned char near[] = { 1, 7, 3, 0, 7, 0x34, 4, 0, 4, 0x72 };
    static const unsigned char far[] = { 1, 7, 4, 0, 7, 0x35, 0x10, 0, 0, 0, 4, 0x72 };
    struct code c = with_info(near, sizeof near);

    put_stack(&c, 0x20, 0x5678);
    put_stack(&c, 0x40, CALLER);
    check_step(&c, STACK + 0x48);
    ck_assert_uint_eq(c.cpu.reg[RBX], 0x5678);
    c = with_info(far, sizeof far);
    put_stack(&c, 0x10, 0x4321);
    put_stack(&c, 0x40, CALLER);
    check_step(&c, STACK + 0x48);
    ck_assert_uint_eq(c.cpu.reg[RBX], 0x4321);
}
END_TEST

START_TEST(a_frame_register_gives_the_stack_back)
{
    /* push rbp; lea rbp, [rsp + 0x20] */
    static const unsigned char info[] = { 1, 8, 2, 0x25, 8, 0x03, 1, 0x50 };
    struct code c = with_info(info, sizeof info);

    c.cpu.reg[RBP] = STACK + 0x120;
    put_stack(&c, 0x100, 0x9999);
    put_stack(&c, 0x108, CALLER);
    check_step(&c, STACK + 0x110);
    ck_assert_uint_eq(c.cpu.reg[RBP], 0x9999);
}
END_TEST

/* A prologue that is still running at BODY (0x50 bytes in); rbp becomes the frame at `set`. */
static struct code in_prologue(unsigned char set)
{
    const unsigned char info[] = { 1, 0x60, 5, 0x05, 3, 0x34, 2, 0, set, 0x03, 1, 0x02, 0, 0x02 };
    struct code c = with_info(info, sizeof info);

    c.cpu.reg[RBP] = STACK + 0x200;
    return c;
}

START_TEST(in_a_prologue_the_frame_counts_from_the_moment_it_is_set)
{
    struct code c = in_prologue(0x50);

    put_stack(&c, 0x210, CALLER); /* saved rbx, and, once two words are given back, the return address */
    check_step(&c, STACK + 0x218);
    ck_assert_uint_eq(c.cpu.reg[RBX], CALLER);
    c = in_prologue(0x51);
    put_stack(&c, 0x10, CALLER);
    check_step(&c, STACK + 0x18);
    ck_assert_uint_eq(c.cpu.reg[RBX], CALLER);
}
END_TEST

START_TEST(a_frame_register_that_the_prologue_never_sets_is_not_used)
{
    static const unsigned char info[] = { 1, 0x60, 3, 0x05, 3, 0x34, 2, 0, 1, 0x12 };
    struct code c = with_info(info, sizeof info);

    c.cpu.reg[RBP] = 0x1111;
    put_stack(&c, 0x10, CALLER);
    check_step(&c, STACK + 0x18);
    ck_assert_uint_eq(c.cpu.reg[RBX], CALLER);
}
END_TEST

START_TEST(operations_the_prologue_has_not_come_to_are_not_undone)
{
    static const unsigned char info[] = { 1, 0x60, 2, 0, 0x51, 0xF2, 0x50, 0x02 };
    struct code c = with_info(info, sizeof info);

    put_stack(&c, 8, CALLER);
    check_step(&c, STACK + 0x10);
}
END_TEST

START_TEST(vector_registers_and_epilogues_are_stepped_over)
{
    /* xmm near and far, the two forms of each version's codes 6 and 7, then one push's worth */
    static const unsigned char first[] = { 1, 9, 13, 0, 9, 0x68, 1, 0, 8, 0x69, 1,    0, 0,    0, 7,
                                           6, 0, 0,  7, 7, 0,    0, 0, 0, 2,    0x02, 2, 0x02, 1, 0x02 };
    static const unsigned char second[] = { 2, 9, 5, 0, 0xFF, 0x16, 0xFF, 0x06, 7, 7, 0, 0, 1, 0x02 };
    struct code c = with_info(first, sizeof first);

    put_stack(&c, 24, CALLER);
    check_step(&c, STACK + 32);
    c = with_info(second, sizeof second);
    put_stack(&c, 8, CALLER);
    check_step(&c, STACK + 16);
}
END_TEST

START_TEST(a_machine_frame_leads_into_the_interrupted_code)
{
    static const unsigned char plain[] = { 1, 0, 1, 0, 0, 0x0A }, with_error[] = { 1, 0, 1, 0, 0, 0x1A };
    struct code c = with_info(plain, sizeof plain);
    bool trap = false;

    put_stack(&c, 0, CALLER);
    put_stack(&c, 24, STACK + 0x800);
    ck_assert_int_eq(step(&c, &trap), UNWOUND);
    ck_assert(trap);
    ck_assert_uint_eq(c.cpu.ip, CALLER);
    ck_assert_uint_eq(c.cpu.reg[REG_RSP], STACK + 0x800);
    scene_end(c.s);
    c = with_info(with_error, sizeof with_error);
    put_stack(&c, 8, CALLER);
    put_stack(&c, 32, STACK + 0x400);
    ck_assert_int_eq(step(&c, &trap), UNWOUND);
    ck_assert_uint_eq(c.cpu.ip, CALLER);
    ck_assert_uint_eq(c.cpu.reg[REG_RSP], STACK + 0x400);
    scene_end(c.s);
}
END_TEST

START_TEST(a_machine_frame_behind_the_stacks_end_is_given_up)
{
    static const unsigned char info[] = { 1, 0, 1, 0, 0, 0x0A };
    struct code c = with_info(info, sizeof info);

    c.cpu.reg[REG_RSP] = STACK + STACK_SIZE;
    check_given_up(&c);
    c = with_info(info, sizeof info);
    c.cpu.reg[REG_RSP] = STACK + STACK_SIZE - 16; /* its first word is there, its stack pointer is not */
    check_given_up(&c);
}
END_TEST

START_TEST(chained_data_is_undone_from_the_part_to_the_whole)
{
    /* one code, padded to two; then the function it belongs to */
    static const unsigned char part[] = { 0x21, 4, 1, 0, 4, 0x02, 0, 0 }, whole[] = { 1, 0xF0, 1, 0, 0xF0, 0x12 };
    struct code c = with_info(part, sizeof part);

    put32(c.info + 8, BEGIN);
    put32(c.info + 12, END);
    put32(c.info + 16, SECOND);
    memcpy(c.second, whole, sizeof whole);
    put_stack(&c, 8 + 16, CALLER);
    check_step(&c, STACK + 32);
}
END_TEST

START_TEST(an_entry_may_stand_in_place_of_unwind_data)
{
    static const unsigned char info[] = { 1, 4, 1, 0, 4, 0x02 };
    struct code c = with_info(info, sizeof info);

    put32(c.table + 8, SECOND | 1);
    put32(c.second, BEGIN);
    put32(c.second + 4, END);
    put32(c.second + 8, INFO);
    put_stack(&c, 8, CALLER);
    check_step(&c, STACK + 16);
}
END_TEST

START_TEST(entries_that_point_at_each_other_are_given_up)
{
    struct code c = code_new();

    put32(c.table + 8, SECOND | 1);
    put32(c.second + 8, SECOND | 1);
    check_given_up(&c);
}
END_TEST

START_TEST(unwind_data_that_is_not_resident_is_given_up)
{
    static const unsigned char part[] = { 0x21, 0, 0, 0 };
    static const uint32_t unwind[] = { 0x6000, 0x6001 };
    struct code c;

    for (size_t i = 0; i < 2; i++) {
        c = code_new();
        put32(c.table + 8, unwind[i]);
        check_given_up(&c);
    }
    c = code_new();
    memcpy(c.info, "\x01\x04\xFF\x00", 4); /* 255 codes, 30 of them there */
    check_given_up(&c);
    c = code_new();
    put32(c.table + 8, INFO + 0x3C); /* chained, and the entry behind it is not there */
    memcpy(c.info + 0x3C, part, sizeof part);
    check_given_up(&c);
}
END_TEST

START_TEST(codes_that_do_not_exist_are_given_up)
{
    static const unsigned char infos[][8] = {
        { 0, 4, 1, 0, 4, 0x02 },                /* version 0 */
        { 3, 4, 1, 0, 4, 0x02 },                /* version 3 */
        { 1, 4, 2, 0, 4, 0x21, 0, 0 },          /* a third form of large allocations */
        { 1, 4, 1, 0, 4, 0x0B },                /* operation 11 */
        { 1, 4, 1, 0, 4, 0x01 },                /* its operand is behind the count */
        { 1, 0x60, 2, 0x05, 4, 0x0B, 1, 0x03 }, /* the same, before the frame is set */
    };

    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        struct code c = with_info(infos[i], sizeof infos[i]);

        put_stack(&c, 8, CALLER);
        check_given_up(&c);
    }
}
END_TEST

START_TEST(a_step_that_leaves_the_stack_is_given_up)
{
    static const unsigned char push[] = { 1, 4, 1, 0, 4, 0x50 }, save[] = { 1, 4, 2, 0, 4, 0x34, 0xFF, 0xFF };
    static const unsigned char alloc[] = { 1, 4, 1, 0, 4, 0x02 }, frame[] = { 1, 4, 1, 0x05, 4, 0x03 };
    struct code c = with_info(push, sizeof push);

    c.cpu.reg[REG_RSP] = STACK + STACK_SIZE;
    check_given_up(&c);
    c = with_info(save, sizeof save);
    check_given_up(&c);
    c = with_info(alloc, sizeof alloc);
    c.cpu.reg[REG_RSP] = STACK + STACK_SIZE - 8;
    check_given_up(&c);
    c = with_info(frame, sizeof frame); /* a frame below the stack pointer: callers lie above */
    c.cpu.reg[REG_RSP] = STACK + 0x100;
    c.cpu.reg[RBP] = STACK + 0x10;
    check_given_up(&c);
}
END_TEST

START_TEST(a_return_address_of_zero_is_the_end)
{
    static const unsigned char info[] = { 1, 4, 1, 0, 4, 0x02 };
    struct code c = with_info(info, sizeof info);
    bool trap;

    ck_assert_int_eq(step(&c, &trap), UNWIND_END);
    scene_end(c.s);
}
END_TEST

START_TEST(code_without_an_entry_is_a_leaf_only_where_it_was_interrupted)
{
    struct code c = code_new();
    bool trap;

    c.cpu.ip = ACME + END + 0x10;
    put_stack(&c, 0, CALLER);
    check_given_up(&c); /* a function that calls has an entry */
    c = code_new();
    c.cpu.ip = ACME + END + 0x10;
    put_stack(&c, 0, CALLER);
    ck_assert_int_eq(unwind_step(scene_ready(c.s), &c.cpu, false, &trap), UNWOUND);
    ck_assert_uint_eq(c.cpu.ip, CALLER);
    scene_end(c.s);
}
END_TEST

START_TEST(without_tables_nothing_is_unwound)
{
    struct code c = code_new();

    c.cpu.ip = ACME + SIZE; /* in no driver */
    c.cpu.ip++;
    check_given_up(&c);
    c = code_new();
    c.s->drivers[0].exception_table = ACME + 0x6000; /* paged out */
    check_given_up(&c);
    c = code_new();
    c.s->drivers[0].exception_table = ACME;
    check_given_up(&c);
    c = code_new();
    c.s->drivers[0].exception_table = ACME + SIZE;
    check_given_up(&c);
}
END_TEST

START_TEST(an_image_of_32_bits_has_no_such_tables)
{
    struct code c = code_new();
    unsigned char *p = scene_map(c.s, ACME, 0x200);

    memcpy(p, "MZ", 2);
    put32(p + 0x3C, 0x40);
    memcpy(p + 0x40, "PE\0\0", 4);
    put16(p + 0x58, 0x10B);
    check_given_up(&c);
}
END_TEST

START_TEST(the_start_of_a_function_is_known_where_its_entry_is)
{
    struct code c = code_new();
    struct dump *d = scene_ready(c.s);
    uint32_t begin = 0;

    ck_assert(unwind_function_start(d, ACME + BODY, &begin));
    ck_assert_uint_eq(begin, BEGIN);
    ck_assert(!unwind_function_start(d, ACME + END, &begin));
    ck_assert(!unwind_function_start(d, ACME - 1, &begin));
    c.s->drivers[0].exception_table = 0;
    ck_assert(!unwind_function_start(d, ACME + BODY, &begin));
    c.s->drivers[0].exception_table = ACME + PDATA;
    d->v->header.arch = DUMP_ARCH_ARM64;
    ck_assert(!unwind_function_start(d, ACME + BODY, &begin));
    scene_end(c.s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_small_allocation_is_its_operand_and_one_words);
    suite_test(s, large_allocations_have_two_forms);
    suite_test(s, saved_registers_come_from_the_frame_and_leave_the_stack_alone);
    suite_test(s, a_frame_register_gives_the_stack_back);
    suite_test(s, in_a_prologue_the_frame_counts_from_the_moment_it_is_set);
    suite_test(s, a_frame_register_that_the_prologue_never_sets_is_not_used);
    suite_test(s, operations_the_prologue_has_not_come_to_are_not_undone);
    suite_test(s, vector_registers_and_epilogues_are_stepped_over);
    suite_test(s, a_machine_frame_leads_into_the_interrupted_code);
    suite_test(s, a_machine_frame_behind_the_stacks_end_is_given_up);
    suite_test(s, chained_data_is_undone_from_the_part_to_the_whole);
    suite_test(s, an_entry_may_stand_in_place_of_unwind_data);
    suite_test(s, entries_that_point_at_each_other_are_given_up);
    suite_test(s, unwind_data_that_is_not_resident_is_given_up);
    suite_test(s, codes_that_do_not_exist_are_given_up);
    suite_test(s, a_step_that_leaves_the_stack_is_given_up);
    suite_test(s, a_return_address_of_zero_is_the_end);
    suite_test(s, code_without_an_entry_is_a_leaf_only_where_it_was_interrupted);
    suite_test(s, without_tables_nothing_is_unwound);
    suite_test(s, an_image_of_32_bits_has_no_such_tables);
    suite_test(s, the_start_of_a_function_is_known_where_its_entry_is);
}

int main(void)
{
    return suite_main("triage: unwinding", add);
}
