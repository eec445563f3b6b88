/* Where it went wrong: saved processor states, where they are looked for and in which order they are believed. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "tests/triage/support_scene.h"
#include "triage/context.h"

#include <string.h>

#define NT    UINT64_C(0xFFFFF80000000000)
#define ACME  UINT64_C(0xFFFFF88005000000)
#define STACK UINT64_C(0xFFFFD00020000000)
#define POOL  UINT64_C(0xFFFFE00000001000)

#define NT32    UINT64_C(0x81800000)
#define ACME32  UINT64_C(0x8A000000)
#define STACK32 UINT64_C(0x9B000000)
#define POOL32  UINT64_C(0x85000000)

enum { STACK_SIZE = 0x2000, AT = 0x400 };

struct fault_case {
    struct scene *s;
    unsigned char *stack;
};

static struct fault_case crash(enum dump_arch arch, uint32_t code, const uint64_t params[4])
{
    bool x86 = arch == DUMP_ARCH_X86;
    struct fault_case c = { .s = scene_new(arch, 19041) };
    struct dump *d = &c.s->d;

    c.s->verdict.header.code = code;
    memcpy(c.s->verdict.header.params, params, 4 * sizeof params[0]);
    scene_driver(c.s, "ntoskrnl.exe", x86 ? NT32 : NT, 0x800000);
    scene_driver(c.s, "acme.sys", x86 ? ACME32 : ACME, 0x10000);
    c.stack = scene_map(c.s, x86 ? STACK32 : STACK, STACK_SIZE);
    d->mini.present = true;
    d->mini.stack_top = x86 ? STACK32 : STACK;
    d->mini.stack_size = STACK_SIZE;
    d->header_cpu.ip = (x86 ? NT32 : NT) + 0x1000;
    d->header_cpu.reg[REG_RSP] = d->mini.stack_top;
    d->header_cpu.has_registers = true;
    return c;
}

#define CRASH(arch, code, ...) crash((arch), (code), (const uint64_t[4]){ __VA_ARGS__ })

static void put_context64(unsigned char *p, uint64_t rip, uint64_t rsp)
{
    put32(p + 0x30, 0x10001F);
    put32(p + 0x34, 0x1F80);
    put32(p + 0x118, 0x1F80);
    put16(p + 0x38, 0x10);
    put64(p + 0x98, rsp);
    put64(p + 0xF8, rip);
}

static void put_context32(unsigned char *p, uint32_t eip, uint32_t esp)
{
    put32(p + 0xB4, 0x1111);
    put32(p + 0xB8, eip);
    put32(p + 0xC4, esp);
}

static void put_trap64(unsigned char *p, uint64_t rip, uint64_t rsp)
{
    put64(p + 0x150, 0x5151); /* rsi */
    put64(p + 0x168, rip);
    put16(p + 0x170, 0x10);
    put32(p + 0x178, 0x10246);
    put64(p + 0x180, rsp);
    put64(p + 0x188, 0x18);
}

static void put_trap32(unsigned char *p, uint32_t eip)
{
    put32(p + 0x60, 0x2222); /* ebp */
    put32(p + 0x68, eip);
    put32(p + 0x6C, 0x08);
    put32(p + 0x70, 0x10246);
}

static void check_fault(struct fault_case *c, uint64_t address, const char *how)
{
    fault_find(scene_ready(c->s));
    ck_assert(c->s->verdict.has_fault);
    ck_assert_uint_eq(c->s->verdict.fault.address, address);
    ck_assert_str_eq(c->s->verdict.fault_how, how);
    scene_end(c->s);
}

static void check_none(struct fault_case *c)
{
    fault_find(scene_ready(c->s));
    ck_assert(!c->s->verdict.has_fault);
    scene_end(c->s);
}

START_TEST(a_context_that_a_parameter_points_to_agrees_with_the_address_or_is_left)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x3B, 0xC0000005, ACME + 0x1234, POOL, 0);

    put_context64(scene_map(c.s, POOL, CONTEXT64_SIZE), ACME + 0x1234, STACK + 0x100);
    check_fault(&c, ACME + 0x1234, "context at parameter 3");
    ck_assert(c.s->d.fault_sp_good);
    c = CRASH(DUMP_ARCH_X64, 0x3B, 0xC0000005, ACME + 0x1234, POOL, 0);
    put_context64(scene_map(c.s, POOL, CONTEXT64_SIZE), ACME + 0x1238, STACK + 0x100);
    check_fault(&c, ACME + 0x1234, "parameter 2");
    ck_assert(!c.s->d.fault_sp_good);
}
END_TEST

START_TEST(a_trap_frame_that_a_parameter_points_to_agrees_with_the_address_or_is_left)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x8E, 0xC0000005, ACME + 0x1234, POOL, 0);

    put_trap64(scene_map(c.s, POOL, TRAP64_SIZE), ACME + 0x1234, STACK + 0x100);
    check_fault(&c, ACME + 0x1234, "trap frame at parameter 3");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[6], 0x5151);
    c = CRASH(DUMP_ARCH_X64, 0x8E, 0xC0000005, ACME + 0x1234, POOL, 0);
    put_trap64(scene_map(c.s, POOL, TRAP64_SIZE), ACME + 0x9999, STACK + 0x100);
    check_fault(&c, ACME + 0x1234, "parameter 2");
}
END_TEST

START_TEST(the_headers_context_is_taken_where_it_is_at_the_address)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x1000007E, 0xC0000005, NT + 0x1000, 0, 0);

    check_fault(&c, NT + 0x1000, "parameter 2 and the context in the header");
}
END_TEST

START_TEST(an_exception_context_on_the_stack_gives_the_registers)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x7E, 0xC0000005, ACME + 0x1234, 0, 0);

    put_context64(c.stack + AT, ACME + 0x9999, STACK + 0x10); /* another exception, before */
    put_context64(c.stack + 2 * AT + 0x100, ACME + 0x1234, STACK + 0x1800);
    check_fault(&c, ACME + 0x1234, "parameter 2 and its context on the stack");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RSP], STACK + 0x1800);
}
END_TEST

START_TEST(what_only_looks_like_a_context_on_the_stack_is_left)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {
        { 0x30, 0x10001E }, { 0x34, 0 }, { 0x34, 0x10000 }, { 0x118, 0x1F00 }, { 0xFC, 0x7FFF }, { 0x38, 0x20 },
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct fault_case c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, 0, 0);

        put_context64(c.stack + AT, ACME + 0x1234, STACK + 0x10);
        put32(c.stack + AT + lies[i].at, lies[i].value);
        check_none(&c);
    }
}
END_TEST

START_TEST(without_an_address_a_saved_state_at_a_parameter_is_the_fault)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, POOL, 0);

    put_context64(scene_map(c.s, POOL, CONTEXT64_SIZE), ACME + 0x10, STACK + 0x100);
    check_fault(&c, ACME + 0x10, "context at parameter 3");
    c = CRASH(DUMP_ARCH_X64, 0xBE, 0, 0, POOL, 0);
    put_trap64(scene_map(c.s, POOL, TRAP64_SIZE), ACME + 0x20, STACK + 0x100);
    check_fault(&c, ACME + 0x20, "trap frame at parameter 3");
    c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, 0, 0);
    put_context64(c.stack + AT, ACME + 0x30, STACK + 0x100);
    check_fault(&c, ACME + 0x30, "exception context on the stack");
}
END_TEST

START_TEST(what_can_not_be_a_saved_state_is_none)
{
    static const struct {
        size_t at;
        uint32_t value;
    } contexts[] = { { 0x30, 0x1F }, { 0x38, 0x23 } },
      traps[] = { { 0x170, 0x33 }, { 0x178, 0x244 }, { 0x178, 0x400246 } };
    struct fault_case c;

    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
        unsigned char *p;

        c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, POOL, 0);
        p = scene_map(c.s, POOL, CONTEXT64_SIZE);
        put_context64(p, ACME + 0x10, STACK);
        put32(p + contexts[i].at, contexts[i].value);
        check_none(&c);
    }
    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++) {
        unsigned char *p;

        c = CRASH(DUMP_ARCH_X64, 0xBE, 0, 0, POOL, 0);
        p = scene_map(c.s, POOL, TRAP64_SIZE);
        put_trap64(p, ACME + 0x10, STACK);
        put32(p + traps[i].at, traps[i].value);
        check_none(&c);
    }
    c = CRASH(DUMP_ARCH_X64, 0xBE, 0, 0, POOL, 0);
    put_trap64(scene_map(c.s, POOL, TRAP64_SIZE), 0, STACK);
    check_none(&c);
    c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, POOL, 0); /* neither is in the dump */
    check_none(&c);
    c = CRASH(DUMP_ARCH_X64, 0xBE, 0, 0, 0x1000, 0);
    check_none(&c);
    c = CRASH(DUMP_ARCH_X64, 0xBE, 0, 0, POOL, 0);
    check_none(&c);
}
END_TEST

START_TEST(a_context_of_user_code_is_a_context)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x22, 0, 0, POOL, 0);
    unsigned char *p = scene_map(c.s, POOL, CONTEXT64_SIZE);

    put_context64(p, 0x7FF612345678, 0x1000);
    put16(p + 0x38, 0x33);
    check_fault(&c, 0x7FF612345678, "context at parameter 3");
    ck_assert(!c.s->d.fault_sp_good);
}
END_TEST

START_TEST(a_machine_frame_is_believed_only_as_the_processor_pushes_it)
{
    static const struct {
        size_t at;
        uint64_t value;
    } lies[] = {
        { 0, 0x7FF612345678 },      { 8, 0x33 },  { 16, 0x244 }, { 16, 0x400246 }, { 24, STACK - 8 },
        { 24, STACK + STACK_SIZE }, { 32, 0x2B },
    };
    struct fault_case c;

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        c = CRASH(DUMP_ARCH_X64, 0x7F, 8, 0, 0, 0);
        put_trap64(c.stack + AT, ACME + 0x40, STACK + 0x1000);
        put64(c.stack + AT + TRAP64_RIP + lies[i].at, lies[i].value);
        check_none(&c);
    }
    c = CRASH(DUMP_ARCH_X64, 0x7F, 8, 0, 0, 0);
    put_trap64(c.stack + AT, ACME + 0x40, STACK + 0x1000);
    put64(c.stack + AT + TRAP64_RIP + 32, 0);
    check_fault(&c, ACME + 0x40, "trap frame on the stack");
    ck_assert(c.s->d.fault_cpu.has_registers);
}
END_TEST

START_TEST(a_machine_frame_without_a_trap_frame_gives_two_registers)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0x7F, 8, 0, 0, 0);
    unsigned char trap[TRAP64_SIZE] = { 0 };

    put_trap64(trap, ACME + 0x40, STACK + 0x1000);
    memcpy(c.stack + 0x10, trap + TRAP64_RIP, 40); /* too near the top for the registers before it */
    check_fault(&c, ACME + 0x40, "trap frame on the stack");
    ck_assert(!c.s->d.fault_cpu.has_registers);
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RSP], STACK + 0x1000);
}
END_TEST

START_TEST(a_parameter_that_need_not_be_an_address_is_one_only_in_a_driver)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0xCB, ACME + 0x50, 0, 0, 0);

    check_fault(&c, ACME + 0x50, "parameter 1");
    c = CRASH(DUMP_ARCH_X64, 0xCB, POOL, 0, 0, 0);
    check_none(&c);
    c = CRASH(DUMP_ARCH_X64, 0xCB, 0x1000, 0, 0, 0);
    check_none(&c);
}
END_TEST

START_TEST(the_saved_states_of_32_bits_have_their_own_layouts)
{
    struct fault_case c = CRASH(DUMP_ARCH_X86, 0x7E, 0xC0000005, ACME32 + 0x10, 0, POOL32);

    put_context32(scene_map(c.s, POOL32, CONTEXT32_SIZE), ACME32 + 0x10, STACK32 + 0x40);
    check_fault(&c, ACME32 + 0x10, "context at parameter 4");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RBP], 0x1111);
    c = CRASH(DUMP_ARCH_X86, 0x8E, 0xC0000005, ACME32 + 0x10, POOL32, 0);
    put_trap32(scene_map(c.s, POOL32, TRAP32_SIZE), ACME32 + 0x10);
    check_fault(&c, ACME32 + 0x10, "trap frame at parameter 3");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RSP], POOL32 + 0x74);
    c = CRASH(DUMP_ARCH_X86, 0xD1, 4, 2, 0, 0);
    put_trap32(c.stack + AT, ACME32 + 0x20);
    check_fault(&c, ACME32 + 0x20, "trap frame on the stack");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RBP], 0x2222);
}
END_TEST

START_TEST(the_trap_frame_of_the_address_is_found_among_others)
{
    struct fault_case c = CRASH(DUMP_ARCH_X86, 0xD1, 4, 2, 0, ACME32 + 0x20);

    put_trap32(c.stack + AT, ACME32 + 0x10);
    put_trap32(c.stack + 2 * AT, ACME32 + 0x20);
    check_fault(&c, ACME32 + 0x20, "parameter 4 and its trap frame on the stack");
    ck_assert_uint_eq(c.s->d.fault_cpu.reg[REG_RSP], STACK32 + 2 * AT + 0x74);
}
END_TEST

START_TEST(what_is_no_state_of_32_bits_is_none)
{
    static const struct {
        size_t at;
        uint32_t value;
    } traps[] = { { 0x68, 0 }, { 0x6C, 0x1B }, { 0x70, 0x244 }, { 0x70, 0x400246 }, { 0x68, 0x401000 } };

    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++) {
        struct fault_case c = CRASH(DUMP_ARCH_X86, 0xD1, 4, 2, 0, 0);

        put_trap32(c.stack + AT, ACME32 + 0x20);
        put32(c.stack + AT + traps[i].at, traps[i].value);
        check_none(&c);
    }
}
END_TEST

START_TEST(a_context_of_32_bits_without_an_address_is_none)
{
    struct fault_case c = CRASH(DUMP_ARCH_X86, 0x22, 0, 0, POOL32, 0);

    put_context32(scene_map(c.s, POOL32, CONTEXT32_SIZE), 0, STACK32);
    check_none(&c);
    c = CRASH(DUMP_ARCH_X86, 0x22, 0, 0, POOL32, 0);
    check_none(&c);
    c = CRASH(DUMP_ARCH_X86, 0xBE, 0, 0, POOL32, 0);
    check_none(&c);
}
END_TEST

START_TEST(arm64_has_no_saved_state_that_is_known_here)
{
    struct fault_case c = CRASH(DUMP_ARCH_ARM64, 0x7E, 0xC0000005, ACME + 0x1234, 0, POOL);

    put_context64(scene_map(c.s, POOL, CONTEXT64_SIZE), ACME + 0x1234, STACK);
    put_trap64(c.stack + AT, ACME + 0x1234, STACK + 0x100);
    check_fault(&c, ACME + 0x1234, "parameter 2");
    c = CRASH(DUMP_ARCH_ARM64, 0xBE, 0, 0, POOL, 0);
    put_trap64(scene_map(c.s, POOL, TRAP64_SIZE), ACME + 0x1234, STACK);
    check_none(&c);
}
END_TEST

START_TEST(a_dump_without_a_stack_gives_the_address_alone)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0xD1, 4, 2, 0, ACME + 0x1234);

    c.s->d.mini.stack_size = 0;
    check_fault(&c, ACME + 0x1234, "parameter 4");
    c = CRASH(DUMP_ARCH_X64, 0xD1, 4, 2, 0, 0);
    c.s->d.mini.stack_size = 0;
    check_none(&c);
    c = CRASH(DUMP_ARCH_X64, 0xD1, 4, 2, 0, 0);
    c.s->d.mini.stack_top = UINT64_MAX - 0x10; /* it would wrap */
    check_none(&c);
}
END_TEST

START_TEST(the_captured_stack_is_taken_from_the_stack_pointer_on)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0xD1, 0, 0, 0, 0);
    struct dump *d = scene_ready(c.s);
    struct stack_range r;

    ck_assert(stack_from(d, STACK + 0x13, &r));
    ck_assert_uint_eq(r.low, STACK + 0x10);
    ck_assert_uint_eq(r.high, STACK + STACK_SIZE);
    ck_assert(stack_from(d, STACK - 8, &r)); /* on another stack: all of the captured one */
    ck_assert_uint_eq(r.low, STACK);
    ck_assert(stack_from(d, STACK + STACK_SIZE, &r));
    ck_assert_uint_eq(r.low, STACK);
    scene_end(c.s);
}
END_TEST

START_TEST(without_a_captured_stack_what_is_mapped_is_taken_up_to_32_kib)
{
    struct fault_case c = CRASH(DUMP_ARCH_X64, 0xD1, 0, 0, 0, 0);
    struct stack_range r;
    struct dump *d;

    c.s->d.mini.present = false;
    for (uint64_t i = 0; i < 10; i++)
        scene_map(c.s, POOL + i * 0x1000, 0x1000);
    d = scene_ready(c.s);
    ck_assert(stack_from(d, STACK + 0x104, &r));
    ck_assert_uint_eq(r.low, STACK + 0x100);
    ck_assert_uint_eq(r.high, STACK + STACK_SIZE);
    ck_assert(stack_from(d, POOL, &r));
    ck_assert_uint_eq(r.high - r.low, 32 * 1024);
    ck_assert(!stack_from(d, STACK + STACK_SIZE, &r));
    ck_assert(!stack_from(d, 0x1000, &r));
    scene_end(c.s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_context_that_a_parameter_points_to_agrees_with_the_address_or_is_left);
    suite_test(s, a_trap_frame_that_a_parameter_points_to_agrees_with_the_address_or_is_left);
    suite_test(s, the_headers_context_is_taken_where_it_is_at_the_address);
    suite_test(s, an_exception_context_on_the_stack_gives_the_registers);
    suite_test(s, what_only_looks_like_a_context_on_the_stack_is_left);
    suite_test(s, without_an_address_a_saved_state_at_a_parameter_is_the_fault);
    suite_test(s, what_can_not_be_a_saved_state_is_none);
    suite_test(s, a_context_of_user_code_is_a_context);
    suite_test(s, a_machine_frame_is_believed_only_as_the_processor_pushes_it);
    suite_test(s, a_machine_frame_without_a_trap_frame_gives_two_registers);
    suite_test(s, a_parameter_that_need_not_be_an_address_is_one_only_in_a_driver);
    suite_test(s, the_saved_states_of_32_bits_have_their_own_layouts);
    suite_test(s, the_trap_frame_of_the_address_is_found_among_others);
    suite_test(s, what_is_no_state_of_32_bits_is_none);
    suite_test(s, a_context_of_32_bits_without_an_address_is_none);
    suite_test(s, arm64_has_no_saved_state_that_is_known_here);
    suite_test(s, a_dump_without_a_stack_gives_the_address_alone);
    suite_test(s, the_captured_stack_is_taken_from_the_stack_pointer_on);
    suite_test(s, without_a_captured_stack_what_is_mapped_is_taken_up_to_32_kib);
}

int main(void)
{
    return suite_main("triage: where it went wrong", add);
}
