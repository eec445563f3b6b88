/* Guest addresses to file offsets: every kind of page table, and those that lie. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"
#include "triage/vmem.h"

#include <string.h>

#define KERNEL64 UINT64_C(0xFFFFF80001A00000)
#define KERNEL57 UINT64_C(0xFF11000000001000)
#define KERNEL32 UINT64_C(0x81A00000)

struct opened {
    struct bytes dump;
    struct triage_memory memory;
    struct triage_reader reader;
    struct triage_limits limits;
    struct window window;
    struct pages pages;
    struct vmem vm;
};

/* Opens a guest's memory with the mode the tables were made for. */
static struct opened *open_guest(struct guest *g)
{
    static const enum vmem_mode modes[] = { VMEM_X64, VMEM_X64_5, VMEM_PAE, VMEM_X86 };
    struct opened *o = keep(sizeof *o);
    unsigned char header[DUMP_HEADER64_SIZE];
    bool is64 = g->mode == GUEST_X64 || g->mode == GUEST_LA57;
    struct dump_header h;
    uint64_t at;

    if (is64)
        header64(header, 1, 0);
    else
        header32(header, 1, 0);
    o->dump = guest_dump(g, header);
    o->memory = (struct triage_memory){ o->dump.p, o->dump.len };
    triage_reader_memory(&o->reader, &o->memory);
    triage_limits_default(&o->limits);
    ck_assert_int_eq(window_open(&o->window, &o->reader, &o->limits, NULL), 0);
    ck_assert_int_eq(dump_header_read(&o->reader, &h, NULL), 0);
    ck_assert_int_eq(pages_open(&o->pages, &o->window, &h, &at), PAGES_GOOD);
    vmem_init(&o->vm, &o->window, is64);
    vmem_use_tables(&o->vm, &o->pages, modes[g->mode], g->dtb);
    return o;
}

static void close_guest(struct opened *o)
{
    vmem_close(&o->vm);
    pages_close(&o->pages);
    window_close(&o->window);
}

static void check_text_at(enum guest_mode mode, uint64_t va)
{
    struct guest g;
    struct opened *o;
    char text[16] = "";

    guest_init(&g, mode);
    guest_write(&g, va + 4090, "across pages", 13);
    o = open_guest(&g);
    ck_assert_uint_eq(vmem_read(&o->vm, va + 4090, text, 13), 13);
    ck_assert_str_eq(text, "across pages");
    ck_assert(!vmem_get(&o->vm, va + 8192, text, 1));
    close_guest(o);
}

START_TEST(four_level_tables_lead_to_the_bytes)
{
    check_text_at(GUEST_X64, KERNEL64);
}
END_TEST

START_TEST(five_level_tables_lead_to_the_bytes)
{
    check_text_at(GUEST_LA57, KERNEL57);
}
END_TEST

START_TEST(pae_tables_lead_to_the_bytes)
{
    check_text_at(GUEST_PAE, KERNEL32);
}
END_TEST

START_TEST(two_level_tables_lead_to_the_bytes)
{
    check_text_at(GUEST_X86, KERNEL32);
}
END_TEST

START_TEST(a_large_page_is_one_entry)
{
    struct guest g;
    struct opened *o;
    uint64_t first;
    uint32_t n;

    guest_init(&g, GUEST_X64);
    while ((GUEST_FIRST_PFN + g.count) % 512 != 0)
        guest_page(&g);
    first = guest_page(&g);
    put32(guest_frame(&g, guest_page(&g)) + 8, 77);
    guest_map_large(&g, UINT64_C(0xFFFFF80001A00000), first * 4096 | 0x63);
    o = open_guest(&g);
    ck_assert(vmem_u32(&o->vm, UINT64_C(0xFFFFF80001A01008), &n));
    ck_assert_uint_eq(n, 77);
    close_guest(o);
}
END_TEST

START_TEST(a_page_in_transition_is_readable_and_a_paged_out_one_is_not)
{
    struct guest g;
    struct opened *o;
    uint64_t frame, offset, contiguous;
    uint32_t n;

    guest_init(&g, GUEST_X64);
    frame = guest_page(&g);
    put32(guest_frame(&g, frame), 4711);
    guest_map(&g, KERNEL64, frame * 4096 | 0x860);
    guest_map(&g, KERNEL64 + 0x1000, UINT64_C(0x1234500000080));
    guest_map(&g, KERNEL64 + 0x2000, frame * 4096 | 0xC60); /* transition and prototype: not this page */
    guest_map(&g, KERNEL64 + 0x3000, UINT64_C(0xFFFFF000) | 1);
    o = open_guest(&g);
    ck_assert(vmem_u32(&o->vm, KERNEL64, &n));
    ck_assert_uint_eq(n, 4711);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x1000, &offset, &contiguous), VMEM_PAGED_OUT);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x2000, &offset, &contiguous), VMEM_PAGED_OUT);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x3000, &offset, &contiguous), VMEM_ABSENT);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x4000, &offset, &contiguous), VMEM_UNMAPPED);
    close_guest(o);
}
END_TEST

START_TEST(an_address_that_is_not_canonical_is_unmapped)
{
    struct guest g;
    struct opened *o;
    uint64_t offset, contiguous;

    guest_init(&g, GUEST_X64);
    o = open_guest(&g);
    ck_assert_int_eq(vmem_find(&o->vm, UINT64_C(0x0000800000000000), &offset, &contiguous), VMEM_UNMAPPED);
    ck_assert(!vmem_is_kernel(&o->vm, UINT64_C(0x00007FFFFFFFFFFF)));
    close_guest(o);
}
END_TEST

START_TEST(tables_that_map_themselves_everywhere_cost_a_fixed_walk)
{
    struct guest g;
    struct opened *o;
    uint64_t n, before;

    guest_init(&g, GUEST_X64);
    for (size_t i = 0; i < 512; i++)
        put64(guest_frame(&g, GUEST_FIRST_PFN) + 8 * i, g.dtb | 0x63);
    o = open_guest(&g);
    before = o->window.bytes_read;
    for (uint64_t va = KERNEL64; va < KERNEL64 + 1000 * 4096; va += 4096)
        ck_assert(vmem_u64(&o->vm, va, &n));
    ck_assert_uint_le(o->window.bytes_read - before, 4 * 4096);
    close_guest(o);
}
END_TEST

START_TEST(blocks_of_a_minidump_may_overlap)
{
    static const unsigned char bytes[64] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct triage_memory m = { bytes, sizeof bytes };
    struct triage_reader r;
    struct triage_limits limits;
    struct window s;
    struct vmem vm;
    unsigned char b[4];

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    ck_assert_int_eq(window_open(&s, &r, &limits, NULL), 0);
    vmem_init(&vm, &s, true);
    ck_assert(vmem_add_block(&vm, KERNEL64, 0, 8));
    ck_assert(vmem_add_block(&vm, KERNEL64 + 2, 2, 2));
    ck_assert(vmem_add_block(&vm, UINT64_MAX - 3, 0, 8)); /* wraps: left out */
    vmem_seal_blocks(&vm);
    ck_assert(vmem_get(&vm, KERNEL64 + 4, b, 4));
    ck_assert_uint_eq(b[0], 5);
    ck_assert(!vmem_get(&vm, KERNEL64 + 5, b, 4));
    ck_assert(!vmem_get(&vm, UINT64_MAX - 3, b, 4));
    vmem_close(&vm);
    window_close(&s);
}
END_TEST

START_TEST(of_two_blocks_at_one_address_the_later_in_the_file_is_read)
{
    static const unsigned char bytes[64] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct triage_memory m = { bytes, sizeof bytes };
    struct triage_limits limits;
    struct triage_reader r;
    struct window s;
    struct vmem vm;
    unsigned char b;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    ck_assert_int_eq(window_open(&s, &r, &limits, NULL), 0);
    vmem_init(&vm, &s, true);
    ck_assert(!vmem_get(&vm, KERNEL64, &b, 1)); /* no memory at all yet */
    ck_assert(vmem_add_block(&vm, KERNEL64, 4, 1));
    ck_assert(vmem_add_block(&vm, KERNEL64, 2, 1));
    ck_assert(vmem_add_block(&vm, KERNEL64, 2, 1));
    vmem_seal_blocks(&vm);
    ck_assert(vmem_get(&vm, KERNEL64, &b, 1));
    ck_assert_uint_eq(b, 5);
    vmem_close(&vm);
    window_close(&s);
}
END_TEST

START_TEST(more_blocks_than_131072_are_refused)
{
    struct vmem vm;

    vmem_init(&vm, NULL, true);
    for (uint64_t i = 0; i < VMEM_BLOCKS_MAX; i++)
        ck_assert(vmem_add_block(&vm, KERNEL64 + i, i, 1));
    ck_assert(!vmem_add_block(&vm, KERNEL64, 0, 1));
    ck_assert(vmem_add_block(&vm, KERNEL64, 0, 0)); /* nothing to add is no trouble */
    ck_assert_uint_eq(vm.block_count, VMEM_BLOCKS_MAX);
    vmem_close(&vm);
}
END_TEST

START_TEST(a_read_ends_at_the_last_address)
{
    struct guest g;
    struct opened *o;
    unsigned char b[16];

    guest_init(&g, GUEST_X64);
    guest_write(&g, UINT64_MAX - 7, "the end.", 8);
    o = open_guest(&g);
    ck_assert_uint_eq(vmem_read(&o->vm, UINT64_MAX - 7, b, sizeof b), 8);
    close_guest(o);
}
END_TEST

START_TEST(arm64_has_blocks_in_place_of_large_bits_and_nothing_in_transition)
{
    struct guest g;
    struct opened *o;
    uint64_t first, offset, contiguous;
    uint32_t n;

    guest_init(&g, GUEST_X64);
    while ((GUEST_FIRST_PFN + g.count) % 512 != 0)
        guest_page(&g);
    first = guest_page(&g);
    put32(guest_frame(&g, guest_page(&g)) + 8, 77);
    guest_map(&g, KERNEL64 + 0x200000, first * 4096 | 0x63); /* makes the tables */
    guest_map(&g, KERNEL64 + 0x201000, first * 4096 | 0x860);
    guest_map_large(&g, KERNEL64,
                    first * 4096 | 0x61 | UINT64_C(3) << 50); /* a block: bit 1 is clear; GP and DBM set */
    o = open_guest(&g);
    vmem_use_tables(&o->vm, &o->pages, VMEM_ARM64, g.dtb);
    ck_assert(vmem_u32(&o->vm, KERNEL64 + 0x1008, &n));
    ck_assert_uint_eq(n, 77);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x201000, &offset, &contiguous), VMEM_PAGED_OUT);
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x202000, &offset, &contiguous), VMEM_UNMAPPED);
    close_guest(o);
}
END_TEST

START_TEST(a_large_page_of_32_bits_may_lie_above_4_gb)
{
    struct guest g;
    struct opened *o;
    uint64_t offset, contiguous;

    guest_init(&g, GUEST_X86);
    while ((GUEST_FIRST_PFN + g.count) % 1024 != 0 && g.count + 2 < GUEST_PAGES)
        guest_page(&g);
    put32(guest_frame(&g, GUEST_FIRST_PFN + 1) + 4, 88);
    guest_map_large(&g, KERNEL32 & 0xFFC00000, 0x63);
    guest_map_large(&g, UINT64_C(0x82000000), 0x63 | 1 << 13); /* bit 32 of its address is set */
    o = open_guest(&g);
    ck_assert_int_eq(vmem_find(&o->vm, (KERNEL32 & 0xFFC00000) + (GUEST_FIRST_PFN + 1) * 4096, &offset, &contiguous),
                     VMEM_OK);
    ck_assert_uint_eq(offset, DUMP_HEADER32_SIZE + 4096);
    ck_assert_int_eq(vmem_find(&o->vm, UINT64_C(0x82000000) + GUEST_FIRST_PFN * 4096, &offset, &contiguous),
                     VMEM_ABSENT);
    ck_assert(!vmem_is_kernel(&o->vm, UINT64_C(0x181A00000)));
    ck_assert_int_eq(vmem_find(&o->vm, UINT64_C(0x181A00000), &offset, &contiguous), VMEM_UNMAPPED);
    close_guest(o);
}
END_TEST

START_TEST(a_window_that_has_stopped_is_told_from_a_page_that_is_not_there)
{
    struct guest g;
    struct opened *o;
    uint64_t offset, contiguous;

    guest_init(&g, GUEST_X64);
    guest_write(&g, KERNEL64, "x", 1);
    o = open_guest(&g);
    o->window.stop = WINDOW_BUDGET;
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64, &offset, &contiguous), VMEM_STOPPED);
    o->window.stop = WINDOW_RUNS;
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64, &offset, &contiguous), VMEM_OK);
    o->vm.root = UINT64_C(0x7FFF000); /* tables that the dump does not have */
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x100000, &offset, &contiguous), VMEM_ABSENT);
    o->window.stop = WINDOW_BUDGET;
    ck_assert_int_eq(vmem_find(&o->vm, KERNEL64 + 0x100000, &offset, &contiguous), VMEM_STOPPED);
    close_guest(o);
}
END_TEST

static int64_t next_second(void *arg)
{
    return (*(int64_t *)arg)++;
}

START_TEST(the_window_asks_the_clock_before_each_read_of_the_file_and_at_every_64th_turn)
{
    static unsigned char bytes[4 * 4096];
    struct triage_memory m = { bytes, sizeof bytes };
    struct triage_limits limits;
    struct triage_reader r;
    struct window s;
    int64_t now = 0;
    unsigned char b;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.clock = next_second;
    limits.arg = &now;
    limits.deadline = 4;
    ck_assert_int_eq(window_open(&s, &r, &limits, NULL), 0);
    ck_assert(window_runs(&s));
    ck_assert_int_eq(now, 1);
    for (int i = 0; i < 64; i++)
        ck_assert(window_runs(&s));
    ck_assert_int_eq(now, 1);
    ck_assert(window_runs(&s));
    ck_assert_int_eq(now, 2);
    ck_assert(window_read(&s, 0, &b, 1));
    ck_assert_int_eq(now, 3);
    ck_assert(window_read(&s, 1, &b, 1)); /* in the block that was read */
    ck_assert_int_eq(now, 3);
    ck_assert(window_read(&s, 4096, &b, 1));
    ck_assert(!window_read(&s, 2 * 4096, &b, 1)); /* time is up before the file is asked */
    ck_assert_int_eq(s.stop, WINDOW_DEADLINE);
    ck_assert_uint_eq(s.bytes_read, 2 * 4096);
    ck_assert(!window_runs(&s));
    window_close(&s);
}
END_TEST

static int short_read(void *arg, uint64_t offset, void *buf, size_t len, size_t *got, struct err *e)
{
    (void)arg;
    (void)offset;
    (void)e;
    memset(buf, 'x', len);
    *got = 100;
    return 0;
}

START_TEST(a_file_that_gives_less_than_its_size_is_read_that_far)
{
    struct triage_reader r = { .read = short_read, .size = 4096 };
    struct triage_limits limits;
    struct window s;
    unsigned char b[8];

    triage_limits_default(&limits);
    ck_assert_int_eq(window_open(&s, &r, &limits, NULL), 0);
    ck_assert(window_read(&s, 92, b, 8));
    ck_assert_uint_eq(b[7], 'x');
    ck_assert(!window_read(&s, 93, b, 8));
    ck_assert_uint_eq(b[0], 0);
    ck_assert_int_eq(s.stop, WINDOW_RUNS);
    ck_assert(!window_read(&s, 4097, b, 0));
    window_close(&s);
}
END_TEST

START_TEST(the_window_stops_at_its_budget_and_stays_stopped)
{
    static unsigned char bytes[10 * 4096];
    struct triage_memory m = { bytes, sizeof bytes };
    struct triage_reader r;
    struct triage_limits limits;
    struct window s;
    unsigned char b;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    limits.read_max = 2 * 4096;
    ck_assert_int_eq(window_open(&s, &r, &limits, NULL), 0);
    ck_assert(window_read(&s, 0, &b, 1));
    ck_assert(window_read(&s, 4096, &b, 1));
    ck_assert(window_read(&s, 4097, &b, 1));
    ck_assert(!window_read(&s, 8192, &b, 1));
    ck_assert_int_eq(s.stop, WINDOW_BUDGET);
    ck_assert(!window_read(&s, 0, &b, 1));
    window_close(&s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, four_level_tables_lead_to_the_bytes);
    suite_test(s, five_level_tables_lead_to_the_bytes);
    suite_test(s, pae_tables_lead_to_the_bytes);
    suite_test(s, two_level_tables_lead_to_the_bytes);
    suite_test(s, a_large_page_is_one_entry);
    suite_test(s, a_page_in_transition_is_readable_and_a_paged_out_one_is_not);
    suite_test(s, an_address_that_is_not_canonical_is_unmapped);
    suite_test(s, tables_that_map_themselves_everywhere_cost_a_fixed_walk);
    suite_test(s, blocks_of_a_minidump_may_overlap);
    suite_test(s, of_two_blocks_at_one_address_the_later_in_the_file_is_read);
    suite_test(s, more_blocks_than_131072_are_refused);
    suite_test(s, a_read_ends_at_the_last_address);
    suite_test(s, arm64_has_blocks_in_place_of_large_bits_and_nothing_in_transition);
    suite_test(s, a_large_page_of_32_bits_may_lie_above_4_gb);
    suite_test(s, a_window_that_has_stopped_is_told_from_a_page_that_is_not_there);
    suite_test(s, the_window_asks_the_clock_before_each_read_of_the_file_and_at_every_64th_turn);
    suite_test(s, a_file_that_gives_less_than_its_size_is_read_that_far);
    suite_test(s, the_window_stops_at_its_budget_and_stays_stopped);
}

int main(void)
{
    return suite_main("triage: guest memory", add);
}
