/* The walk up a stack: frame pointers, unwind tables, a scan, and where each ends. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"

#include <string.h>

#define NT      UINT64_C(0xFFFFF80000000000)
#define ACME    UINT64_C(0xFFFFF88005000000)
#define STACK   UINT64_C(0xFFFFD00020000000)
#define ACME32  0x8A000000u
#define STACK32 0x9B000000u

enum { SIZE = 0x8000, STACK_SIZE = 0x4000, PDATA = 0x5000, INFO = 0x5100, BEGIN = 0x1000, END = 0x3000, BODY = 0x2000 };

struct stack_case {
    struct scene *s;
    unsigned char *stack, *code;
};

/* acme.sys with its code resident, a stack, and the processor at BODY with an empty frame. */
static struct stack_case at_body(enum dump_arch arch)
{
    bool x86 = arch == DUMP_ARCH_X86;
    struct stack_case c = { .s = scene_new(arch, 19041) };
    struct dump *d = &c.s->d;

    c.code = scene_map(c.s, x86 ? ACME32 : ACME, SIZE);
    c.stack = scene_map(c.s, x86 ? STACK32 : STACK, STACK_SIZE);
    scene_driver(c.s, "acme.sys", x86 ? ACME32 : ACME, SIZE);
    d->mini.present = true;
    d->mini.stack_top = x86 ? STACK32 : STACK;
    d->mini.stack_size = STACK_SIZE;
    d->header_cpu.has_registers = true;
    d->header_cpu.ip = (x86 ? ACME32 : ACME) + BODY;
    d->header_cpu.reg[REG_RSP] = d->mini.stack_top;
    return c;
}

static struct triage_verdict *walk(struct stack_case *c)
{
    stack_walk(scene_ready(c->s));
    return &c->s->verdict;
}

static void check_frame(const struct triage_verdict *v, size_t i, uint64_t address, enum triage_frame_source source)
{
    ck_assert_uint_gt(v->frame_count, i);
    ck_assert_uint_eq(v->frames[i].place.address, address);
    ck_assert_int_eq(v->frames[i].source, source);
}

/* ---- x86: frame pointers ---- */

static void put_link(struct stack_case *c, uint32_t at, uint32_t next, uint32_t ret)
{
    put32(c->stack + at, next);
    put32(c->stack + at + 4, ret);
}

START_TEST(frame_pointers_are_followed_as_long_as_they_climb)
{
    struct stack_case c = at_body(DUMP_ARCH_X86);
    struct triage_verdict *v;

    c.s->d.header_cpu.reg[REG_RBP] = STACK32 + 0x20;
    put_link(&c, 0x20, STACK32 + 0x80, ACME32 + 0x1111);
    put_link(&c, 0x80, STACK32 + 0x40, ACME32 + 0x2222); /* back down: the chain ends here */
    put_link(&c, 0x40, STACK32 + 0x100, ACME32 + 0x3333);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 3);
    check_frame(v, 0, ACME32 + BODY, FRAME_CONTEXT);
    check_frame(v, 1, ACME32 + 0x1111, FRAME_CHAIN);
    check_frame(v, 2, ACME32 + 0x2222, FRAME_CHAIN);
    ck_assert_uint_eq(v->frames[1].sp, STACK32 + 0x28);
    scene_end(c.s);
}
END_TEST

/* The chain's first link is good, the second as given; how many frames there are. */
static size_t frames_with_second_link(uint32_t at, uint32_t ret)
{
    struct stack_case c = at_body(DUMP_ARCH_X86);
    size_t n;

    c.s->d.header_cpu.reg[REG_RBP] = STACK32 + 0x20;
    put_link(&c, 0x20, at, ACME32 + 0x1111);
    if (at >= STACK32 && at - STACK32 <= STACK_SIZE - 8)
        put_link(&c, at - STACK32, 0, ret);
    n = walk(&c)->frame_count;
    scene_end(c.s);
    return n;
}

START_TEST(a_chain_ends_at_the_first_link_that_can_not_be_one)
{
    ck_assert_uint_eq(frames_with_second_link(STACK32 + 0x80, ACME32 + 0x2222), 3);
    ck_assert_uint_eq(frames_with_second_link(STACK32 + 0x82, ACME32 + 0x2222), 2);
    ck_assert_uint_eq(frames_with_second_link(STACK32 + 0x80, ACME32 + SIZE), 2);
    ck_assert_uint_eq(frames_with_second_link(STACK32 + STACK_SIZE, ACME32 + 0x2222), 2);
    ck_assert_uint_eq(frames_with_second_link(STACK32 + STACK_SIZE - 4, ACME32 + 0x2222), 2);
    ck_assert_uint_eq(frames_with_second_link(STACK32 + 0x10024, ACME32 + 0x2222), 2);
}
END_TEST

START_TEST(an_endless_chain_ends_at_128_frames)
{
    struct stack_case c = at_body(DUMP_ARCH_X86);
    struct triage_verdict *v;

    c.s->verdict.has_fault = true;
    c.s->verdict.fault = (struct triage_place){ .address = ACME32 + 0x1500, .driver = 0, .symbol = "" };
    c.s->d.fault_cpu = c.s->d.header_cpu;
    c.s->d.header_cpu.reg[REG_RBP] = STACK32 + 0x20;
    for (uint32_t i = 0; i < 300; i++)
        put_link(&c, 0x20 + 8 * i, STACK32 + 0x28 + 8 * i, ACME32 + 0x1111);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, TRIAGE_FRAMES_MAX);
    scene_end(c.s);
}
END_TEST

START_TEST(without_a_chain_the_stack_of_the_fault_is_scanned)
{
    struct stack_case c = at_body(DUMP_ARCH_X86);
    struct triage_verdict *v;

    c.s->verdict.has_fault = true;
    c.s->verdict.fault = (struct triage_place){ .address = ACME32 + 0x1500, .driver = 0, .symbol = "" };
    c.s->d.fault_cpu.ip = ACME32 + 0x1500;
    c.s->d.fault_cpu.reg[REG_RSP] = STACK32 + 0x100;
    c.s->d.fault_sp_good = true;
    c.code[0x1111 - 5] = c.code[0x2222 - 5] = 0xE8;
    put32(c.stack + 0x80, ACME32 + 0x2222); /* below the fault's stack pointer: already returned from */
    put32(c.stack + 0x104, ACME32 + 0x1111);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 3);
    check_frame(v, 1, ACME32 + 0x1500, FRAME_FAULT);
    check_frame(v, 2, ACME32 + 0x1111, FRAME_SCANNED);
    ck_assert_uint_eq(v->frames[2].sp, STACK32 + 0x104);
    scene_end(c.s);
    c = at_body(DUMP_ARCH_X86);
    c.s->d.header_cpu.ip = 0;
    c.code[0x2222 - 5] = 0xE8;
    put32(c.stack + 0x80, ACME32 + 0x2222);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 1);
    check_frame(v, 0, ACME32 + 0x2222, FRAME_SCANNED);
    scene_end(c.s);
}
END_TEST

/* ---- the scan ---- */

/* Whether a value on the stack is taken for a return address when these bytes are before it. */
static bool taken_after(enum dump_arch arch, const unsigned char *before, size_t len, uint64_t ret)
{
    struct stack_case c = at_body(arch);
    bool x86 = arch == DUMP_ARCH_X86;
    struct triage_verdict *v;
    bool taken;

    c.s->d.header_cpu.ip = 0;
    memcpy(c.code + ret - len, before, len);
    x86 ? put32(c.stack + 0x40, ACME32 + (uint32_t)ret) : put64(c.stack + 0x40, ACME + ret);
    v = walk(&c);
    taken = v->frame_count == 1;
    ck_assert_uint_le(v->frame_count, 1);
    scene_end(c.s);
    return taken;
}

#define TAKEN(arch, ret, ...) \
    taken_after(arch, (const unsigned char[]){ __VA_ARGS__ }, sizeof((unsigned char[]){ __VA_ARGS__ }), ret)

START_TEST(a_return_address_follows_a_call_of_each_length)
{
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xE8, 1, 2, 3, 4));
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0xD0));
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0x50, 8));
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0x54, 0x24, 8));
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0x15, 1, 2, 3, 4));
    ck_assert(TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0x94, 0x24, 1, 2, 3, 4));
    ck_assert(TAKEN(DUMP_ARCH_X86, 0x1111, 0xFF, 0xD0));
}
END_TEST

START_TEST(a_value_behind_no_call_is_data)
{
    ck_assert(!TAKEN(DUMP_ARCH_X64, 0x1111, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90));
    ck_assert(!TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0x14, 1, 2, 3)); /* no call has this length */
    ck_assert(!TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF, 0xE0));          /* a jump */
    ck_assert(!TAKEN(DUMP_ARCH_X64, 0x1111, 0xFF));
    ck_assert(!TAKEN(DUMP_ARCH_X64, 0x0FFF, 0xE8, 1, 2, 3, 4)); /* in the image's headers */
}
END_TEST

START_TEST(arm64_calls_are_bl_and_blr_at_whole_words)
{
    ck_assert(TAKEN(DUMP_ARCH_ARM64, 0x1110, 0x10, 0, 0, 0x94));
    ck_assert(TAKEN(DUMP_ARCH_ARM64, 0x1110, 0x00, 0x01, 0x3F, 0xD6));
    ck_assert(!TAKEN(DUMP_ARCH_ARM64, 0x1110, 0x00, 0x01, 0x1F, 0xD6)); /* br */
    ck_assert(!TAKEN(DUMP_ARCH_ARM64, 0x1112, 0x10, 0, 0, 0x94));
    ck_assert(!TAKEN(DUMP_ARCH_ARM64, 0x1110, 0xE8, 1, 2, 3, 4));
}
END_TEST

START_TEST(where_the_code_is_not_in_the_dump_a_value_is_given_the_benefit_of_doubt)
{
    struct stack_case c = at_body(DUMP_ARCH_X64);
    struct triage_verdict *v;

    scene_driver(c.s, "gone.sys", ACME + 0x100000, SIZE);
    c.s->d.header_cpu.ip = 0;
    put64(c.stack + 0x40, ACME + 0x102345);
    put64(c.stack + 0x48, 0x102345);        /* of a program */
    put64(c.stack + 0x50, ACME + 0x202345); /* of no driver */
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 1);
    check_frame(v, 0, ACME + 0x102345, FRAME_SCANNED);
    scene_end(c.s);
}
END_TEST

START_TEST(a_scan_ends_after_96_finds)
{
    struct stack_case c = at_body(DUMP_ARCH_X64);

    c.s->d.header_cpu.ip = 0;
    c.code[0x1111 - 5] = 0xE8;
    for (size_t i = 0; i < 200; i++)
        put64(c.stack + 8 * i, ACME + 0x1111);
    ck_assert_uint_eq(walk(&c)->frame_count, 96);
    scene_end(c.s);
}
END_TEST

START_TEST(a_dump_without_a_stack_has_no_frames)
{
    struct stack_case c = at_body(DUMP_ARCH_X64);

    c.s->d.header_cpu.ip = 0;
    c.s->d.mini.stack_size = 0;
    ck_assert_uint_eq(walk(&c)->frame_count, 0);
    scene_end(c.s);
}
END_TEST

/* ---- x64: tables ---- */

/* acme.sys' one function gives back eight bytes and returns. */
static struct stack_case with_tables(void)
{
    struct stack_case c = at_body(DUMP_ARCH_X64);
    static const unsigned char info[] = { 1, 4, 1, 0, 4, 0x02 };

    c.s->drivers[0].exception_table = ACME + PDATA;
    c.s->drivers[0].exception_table_size = 12;
    put32(c.code + PDATA, BEGIN);
    put32(c.code + PDATA + 4, END);
    put32(c.code + PDATA + 8, INFO);
    memcpy(c.code + INFO, info, sizeof info);
    return c;
}

START_TEST(the_fault_is_met_on_the_way_up_and_marked)
{
    struct stack_case c = with_tables();
    struct triage_verdict *v;

    c.s->verdict.has_fault = true;
    c.s->verdict.fault = (struct triage_place){ .address = ACME + BODY, .driver = 0, .symbol = "" };
    put64(c.stack + 8, ACME + 0x1500);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 2); /* the caller's own return address is 0: the end */
    check_frame(v, 0, ACME + BODY, FRAME_FAULT);
    check_frame(v, 1, ACME + 0x1500, FRAME_UNWOUND);
    scene_end(c.s);
}
END_TEST

START_TEST(a_return_address_that_equals_the_fault_is_not_the_fault)
{
    struct stack_case c = with_tables();
    struct triage_verdict *v;

    c.s->verdict.has_fault = true;
    c.s->verdict.fault = (struct triage_place){ .address = ACME + 0x1500, .driver = 0, .symbol = "" };
    c.s->d.fault_cpu.ip = ACME + 0x1500;
    c.s->d.fault_cpu.reg[REG_RSP] = STACK + 0x100;
    c.s->d.fault_sp_good = true;
    c.code[0x1600 - 5] = 0xE8;
    put64(c.stack + 8, ACME + 0x1500);
    put64(c.stack + 0x80, ACME + 0x1600);
    put64(c.stack + 0x108, ACME + 0x1600);
    v = walk(&c); /* the way up did not meet it: begun again from it, and scanned, since its registers are not known */
    ck_assert_uint_eq(v->frame_count, 3);
    check_frame(v, 0, ACME + BODY, FRAME_CONTEXT);
    check_frame(v, 1, ACME + 0x1500, FRAME_FAULT);
    check_frame(v, 2, ACME + 0x1600, FRAME_SCANNED);
    ck_assert_uint_eq(v->frames[2].sp, STACK + 0x108);
    scene_end(c.s);
}
END_TEST

START_TEST(a_recursion_without_end_ends_at_128_frames)
{
    struct stack_case c = with_tables();

    for (size_t i = 0; i < STACK_SIZE / 16; i++)
        put64(c.stack + 16 * i + 8, ACME + 0x1500);
    ck_assert_uint_eq(walk(&c)->frame_count, TRIAGE_FRAMES_MAX);
    scene_end(c.s);
}
END_TEST

START_TEST(a_scan_behind_many_frames_fills_the_list_and_no_more)
{
    struct stack_case c = with_tables();
    struct triage_verdict *v;

    c.code[0x1505 - 5] = 0xE8;
    for (size_t i = 0; i < 100; i++)
        put64(c.stack + 16 * i + 8, ACME + 0x1505);
    put64(c.stack + 16 * 99 + 8, ACME + 0x4000); /* no entry: the tables end here */
    for (size_t i = 200; i < 300; i++)
        put64(c.stack + 8 * i, ACME + 0x1505);
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, TRIAGE_FRAMES_MAX);
    check_frame(v, 100, ACME + 0x4000, FRAME_UNWOUND);
    check_frame(v, 101, ACME + 0x1505, FRAME_SCANNED);
    scene_end(c.s);
}
END_TEST

static int64_t clock_of(void *arg)
{
    return *(int64_t *)arg;
}

START_TEST(a_walk_ends_with_its_time)
{
    struct stack_case c = with_tables();
    struct triage_verdict *v;
    int64_t now = 5;

    for (size_t i = 0; i < STACK_SIZE / 16; i++)
        put64(c.stack + 16 * i + 8, ACME + 0x1500);
    c.s->limits.clock = clock_of;
    c.s->limits.arg = &now;
    c.s->limits.deadline = 5;
    v = walk(&c);
    ck_assert_uint_eq(v->frame_count, 1);
    ck_assert_int_eq(c.s->d.window.stop, WINDOW_DEADLINE);
    scene_end(c.s);
}
END_TEST

/* An image with an export at 0x1000, near which frames are named. */
static struct stack_case with_export(bool tables)
{
    struct stack_case c = tables ? with_tables() : at_body(DUMP_ARCH_X64);
    unsigned char *p = c.code, *e = p + 0x4000;

    memcpy(p, "MZ", 2);
    put32(p + 0x3C, 0x80);
    memcpy(p + 0x80, "PE\0\0", 4);
    put16(p + 0x98, 0x20B);
    put32(p + 0x98 + 56, SIZE);
    put32(p + 0x98 + 108, 16);
    scene_directory(p, 0, 0x4000, 0x28);
    if (tables)
        scene_directory(p, 3, PDATA, 12);
    put32(e + 20, 1);
    put32(e + 24, 1);
    put32(e + 28, 0x4040);
    put32(e + 32, 0x4048);
    put32(e + 36, 0x4050);
    put32(e + 0x40, 0x1000);
    put32(e + 0x48, 0x4060);
    memcpy(e + 0x60, "AcmeEntry", 10);
    return c;
}

static void check_symbol(struct stack_case c, uint64_t offset, const char *symbol)
{
    c.s->d.header_cpu.ip = ACME + offset;
    ck_assert_str_eq(walk(&c)->frames[0].place.symbol, symbol);
    scene_end(c.s);
}

START_TEST(a_frame_is_named_by_an_export_of_its_function_or_one_that_is_near)
{
    check_symbol(with_export(false), 0x1000, "AcmeEntry+0x0");
    check_symbol(with_export(false), 0x13FF, "AcmeEntry+0x3ff");
    check_symbol(with_export(false), 0x1400, "");
    check_symbol(with_export(false), 0x0FFF, "");
    check_symbol(with_export(true), 0x2000, "AcmeEntry+0x1000"); /* far, but the function begins there */
}
END_TEST

START_TEST(an_export_below_the_functions_start_is_another_function)
{
    struct stack_case c = with_export(true);

    put32(c.code + PDATA, BEGIN + 1);
    check_symbol(c, 0x1100, "");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, frame_pointers_are_followed_as_long_as_they_climb);
    suite_test(s, a_chain_ends_at_the_first_link_that_can_not_be_one);
    suite_test(s, an_endless_chain_ends_at_128_frames);
    suite_test(s, without_a_chain_the_stack_of_the_fault_is_scanned);
    suite_test(s, a_return_address_follows_a_call_of_each_length);
    suite_test(s, a_value_behind_no_call_is_data);
    suite_test(s, arm64_calls_are_bl_and_blr_at_whole_words);
    suite_test(s, where_the_code_is_not_in_the_dump_a_value_is_given_the_benefit_of_doubt);
    suite_test(s, a_scan_ends_after_96_finds);
    suite_test(s, a_dump_without_a_stack_has_no_frames);
    suite_test(s, the_fault_is_met_on_the_way_up_and_marked);
    suite_test(s, a_return_address_that_equals_the_fault_is_not_the_fault);
    suite_test(s, a_recursion_without_end_ends_at_128_frames);
    suite_test(s, a_scan_behind_many_frames_fills_the_list_and_no_more);
    suite_test(s, a_walk_ends_with_its_time);
    suite_test(s, a_frame_is_named_by_an_export_of_its_function_or_one_that_is_near);
    suite_test(s, an_export_below_the_functions_start_is_another_function);
}

int main(void)
{
    return suite_main("triage: stacks", add);
}
