/* Memory dumps built page by page: lists of drivers that break, debugger data
 * that is encoded, images without a list, unwind tables with tricks. */
#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <string.h>

#define NT    UINT64_C(0xFFFFF80001A00000)
#define ACME  UINT64_C(0xFFFFF88005000000)
#define LIST  (NT + 0x6000)
#define KDBG  (NT + 0x7000)
#define POOL  UINT64_C(0xFFFF888000001000)
#define STACK UINT64_C(0xFFFFF80000BA0000)

enum { IMAGE = 0x8000, EXPORTS = 0x4000, PDATA = 0x5000, STACK_SIZE = 0x2000, RETURN_AT = 0x1269 };

struct world {
    struct guest guest;
    unsigned char header[DUMP_HEADER64_SIZE];
    unsigned char nt[IMAGE], acme[IMAGE], stack[STACK_SIZE], kdbg[0x340];
};

static void pe_header(unsigned char *p, uint32_t stamp)
{
    memcpy(p, "MZ", 2);
    put32(p + 0x3C, 0x80);
    memcpy(p + 0x80, "PE\0\0", 4);
    put16(p + 0x84, 0x8664);
    put32(p + 0x88, stamp);
    put16(p + 0x98, 0x20B);
    put32(p + 0x98 + 56, IMAGE);
    put32(p + 0x98 + 64, 0x1234);
    put32(p + 0x98 + 108, 16);
}

static void pe_directory(unsigned char *p, size_t i, uint32_t rva, uint32_t size)
{
    put32(p + 0x98 + 112 + 8 * i, rva);
    put32(p + 0x98 + 112 + 8 * i + 4, size);
}

static void pe_export(unsigned char *p, const char *image, const char *name, uint32_t rva)
{
    unsigned char *e = p + EXPORTS;

    pe_directory(p, 0, EXPORTS, 0x100);
    put32(e + 12, EXPORTS + 0x60);
    put32(e + 20, 1);
    put32(e + 24, 1);
    put32(e + 28, EXPORTS + 0x40);
    put32(e + 32, EXPORTS + 0x48);
    put32(e + 36, EXPORTS + 0x50);
    put32(e + 0x40, rva);
    put32(e + 0x48, EXPORTS + 0x80);
    memcpy(e + 0x60, image, strlen(image) + 1);
    memcpy(e + 0x80, name, strlen(name) + 1);
}

/* One function with the given unwind data at PDATA + 0x100. */
static void pe_function(unsigned char *p, uint32_t begin, uint32_t end, const unsigned char *unwind, size_t len)
{
    pe_directory(p, 3, PDATA, 12);
    put32(p + PDATA, begin);
    put32(p + PDATA + 4, end);
    put32(p + PDATA + 8, PDATA + 0x100);
    memcpy(p + PDATA + 0x100, unwind, len);
}

static void put_entry(struct guest *g, uint64_t va, uint64_t next, uint64_t previous, uint64_t base, const char *name)
{
    unsigned char e[0xA0] = { 0 }, wide[64] = { 0 };
    uint64_t at = va + 0x100;

    put64(e, next);
    put64(e + 8, previous);
    put64(e + 0x30, base);
    put32(e + 0x40, IMAGE);
    put16(e + 0x58, (uint16_t)(2 * strlen(name)));
    put64(e + 0x60, at);
    for (size_t i = 0; name[i] != '\0'; i++)
        put16(wide + 2 * i, (unsigned char)name[i]);
    guest_write(g, va, e, sizeof e);
    guest_write(g, at, wide, sizeof wide);
}

static struct world *world_new(enum guest_mode mode)
{
    struct world *w = keep(sizeof *w);

    guest_init(&w->guest, mode);
    header64(w->header, 1, ACME + 0x1234);
    put64(w->header + 0x20, LIST);
    put64(w->header + 0x28, LIST + 0x100);
    put64(w->header + 0x80, KDBG);
    put32(w->header + 0x348 + 0x30, 0x10001F);
    put16(w->header + 0x348 + 0x38, 0x10);
    put64(w->header + 0x348 + 0x98, STACK + 0x100);
    put64(w->header + 0x348 + 0xF8, NT + 0x1000);
    pe_header(w->nt, 0x4EC79DD2);
    pe_export(w->nt, "ntoskrnl.exe", "KeBugCheckEx", 0x1000);
    pe_header(w->acme, 0x50112233);
    put64(w->kdbg, KDBG);
    memcpy(w->kdbg + 0x10, "KDBG", 4);
    put32(w->kdbg + 0x14, sizeof w->kdbg);
    put64(w->kdbg + 0x18, NT);
    put64(w->kdbg + 0x48, LIST);
    put64(w->kdbg + 0x50, LIST + 0x100);
    return w;
}

/* The same dump as type 5: a bitmap of the frames, then the pages. */
static struct bytes as_bitmap_full(const struct bytes *full, size_t count)
{
    enum { BITS = 0x2038, FIRST = 0x3000 };
    struct bytes out = { .len = FIRST + (full->len - DUMP_HEADER64_SIZE) };

    out.p = keep(out.len);
    memcpy(out.p, full->p, DUMP_HEADER64_SIZE);
    memcpy(out.p + FIRST, full->p + DUMP_HEADER64_SIZE, full->len - DUMP_HEADER64_SIZE);
    put32(out.p + 0xF98, 5);
    memcpy(out.p + 0x2000, "FDMPDUMP", 8);
    put64(out.p + 0x2020, FIRST);
    put64(out.p + 0x2028, count);
    put64(out.p + 0x2030, GUEST_FIRST_PFN + GUEST_PAGES);
    for (size_t i = GUEST_FIRST_PFN; i < GUEST_FIRST_PFN + count; i++)
        out.p[BITS + i / 8] |= (unsigned char)(1 << i % 8);
    return out;
}

/* Writes it all and reads it back; the list goes round through both drivers. */
static struct triage_verdict *world_judge(struct world *w)
{
    unsigned char head[16];
    struct bytes b;

    guest_write(&w->guest, NT, w->nt, IMAGE);
    guest_write(&w->guest, ACME, w->acme, IMAGE);
    guest_write(&w->guest, STACK, w->stack, STACK_SIZE);
    put64(head, POOL);
    put64(head + 8, POOL + 0x400);
    guest_write(&w->guest, LIST, head, sizeof head);
    put_entry(&w->guest, POOL, POOL + 0x400, LIST, NT, "ntoskrnl.exe");
    put_entry(&w->guest, POOL + 0x400, LIST, POOL, ACME, "acme.sys");
    guest_write(&w->guest, KDBG, w->kdbg, sizeof w->kdbg);
    b = guest_dump(&w->guest, w->header);
    return triage_bytes(b.p, b.len);
}

START_TEST(the_list_of_drivers_is_walked_and_the_images_read)
{
    struct triage_verdict *v = world_judge(world_new(GUEST_X64));

    ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
    ck_assert_uint_eq(v->driver_count, 2);
    ck_assert_str_eq(v->drivers[0].name, "ntoskrnl.exe");
    ck_assert_uint_eq(v->drivers[1].timestamp, 0x50112233);
    ck_assert_uint_eq(v->drivers[1].checksum, 0x1234);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_str_eq(v->frames[0].place.symbol, "KeBugCheckEx+0x0");
    ck_assert_int_eq(v->drivers[1].has_version, 0);
    ck_assert_str_ne(v->drivers[1].version_why, "");
    triage_verdict_free(v);
}
END_TEST

START_TEST(five_levels_are_found_without_being_told)
{
    struct triage_verdict *v = world_judge(world_new(GUEST_LA57));

    ck_assert_msg(v->status == TRIAGE_OK, "%s", v->status_text);
    ck_assert_uint_eq(v->driver_count, 2);
    triage_verdict_free(v);
}
END_TEST

static uint64_t ror64(uint64_t n, unsigned by)
{
    return by == 0 ? n : n >> by | n << (64 - by);
}

START_TEST(encoded_debugger_data_is_decoded_from_what_the_header_knows)
{
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;
    uint64_t key = UINT64_C(0x0123456789ABCD17), pages = 777;

    put64(w->kdbg + 0x1A8, NT + 0x6800);
    guest_write(&w->guest, NT, w->nt, IMAGE);
    put64(w->nt + 0x6800, pages);
    for (size_t i = 0; i < sizeof w->kdbg; i += 8) {
        uint64_t plain = 0;

        memcpy(&plain, w->kdbg + i, 8);
        put64(w->kdbg + i, ror64(__builtin_bswap64(plain ^ key), 23));
    }
    v = world_judge(w);
    ck_assert(v->memory_free.known);
    ck_assert_uint_eq(v->memory_free.value, pages * 4096);
    triage_verdict_free(v);
}
END_TEST

START_TEST(a_link_that_leads_nowhere_costs_no_driver_that_can_be_reached_backward)
{
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;
    unsigned char link[8];
    struct bytes b;

    v = world_judge(w);
    triage_verdict_free(v);
    put64(link, UINT64_C(0xFFFF999900000000));
    guest_write(&w->guest, POOL, link, 8);
    b = guest_dump(&w->guest, w->header);
    v = triage_bytes(b.p, b.len);
    ck_assert_int_eq(v->status, TRIAGE_CORRUPT);
    ck_assert_uint_eq(v->driver_count, 2);
    ck_assert_str_eq(v->findings[0].rule, "module-list");
    triage_verdict_free(v);
}
END_TEST

START_TEST(without_a_list_images_are_found_by_their_headers)
{
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;
    unsigned char nothing[16] = { 0 };
    struct bytes b;

    pe_export(w->acme, "acme.sys", "AcmeEntry", 0x1000);
    v = world_judge(w);
    triage_verdict_free(v);
    guest_write(&w->guest, LIST, nothing, sizeof nothing);
    b = guest_dump(&w->guest, w->header);
    v = triage_bytes(b.p, b.len);
    ck_assert_uint_eq(v->driver_count, 2);
    ck_assert_str_eq(v->culprit.name, "acme.sys");
    ck_assert_uint_eq(v->culprit.offset, 0x1234);
    triage_verdict_free(v);
}
END_TEST

/* KeBugCheckEx has no entry (a leaf); the return address lies in acme's one function. */
static void call_from_acme(struct world *w, const unsigned char *unwind, size_t len)
{
    put64(w->header + 0x58, 0);
    pe_function(w->acme, 0x1200, 0x1300, unwind, len);
    put64(w->stack + 0x100, ACME + RETURN_AT);
}

START_TEST(pushes_allocations_and_saved_registers_are_undone)
{
    /* push rbp; sub rsp, 0x40: the array runs from the last operation to the first */
    static const unsigned char unwind[] = { 1, 6, 2, 0, 6, 0x72, 2, 0x50 };
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;

    call_from_acme(w, unwind, sizeof unwind);
    put64(w->stack + 0x108 + 0x40, 0x1111);
    put64(w->stack + 0x108 + 0x48, NT + 0x2222);
    v = world_judge(w);
    ck_assert_uint_ge(v->frame_count, 3);
    ck_assert_int_eq(v->frames[1].source, FRAME_UNWOUND);
    ck_assert_uint_eq(v->frames[1].place.offset, RETURN_AT);
    ck_assert_int_eq(v->frames[2].source, FRAME_UNWOUND);
    ck_assert_uint_eq(v->frames[2].place.address, NT + 0x2222);
    triage_verdict_free(v);
}
END_TEST

START_TEST(chained_unwind_data_that_goes_in_circles_is_given_up)
{
    unsigned char unwind[16] = { 1 | 4 << 3, 0, 0, 0 };
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;

    put32(unwind + 4, 0x1200);
    put32(unwind + 8, 0x1300);
    put32(unwind + 12, PDATA + 0x100);
    call_from_acme(w, unwind, sizeof unwind);
    v = world_judge(w);
    ck_assert_uint_ge(v->frame_count, 2);
    ck_assert_uint_eq(v->frames[1].place.offset, RETURN_AT);
    triage_verdict_free(v);
}
END_TEST

START_TEST(unwind_codes_past_their_count_are_given_up)
{
    static const unsigned char unwind[] = { 1, 6, 1, 0, 6, 0x11, 0xFF, 0xFF };
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;

    call_from_acme(w, unwind, sizeof unwind);
    v = world_judge(w);
    ck_assert_uint_ge(v->frame_count, 2);
    triage_verdict_free(v);
}
END_TEST

/* A dump of type 5 of a machine that has that many pages for each 100 that are there. */
static enum triage_extent extent_of(unsigned machine_has)
{
    static const uint64_t kuser = UINT64_C(0xFFFFF78000000000);
    struct world *w = world_new(GUEST_X64);
    struct triage_verdict *v;
    enum triage_extent extent;
    unsigned char pages[4] = { 0 };
    struct bytes full, five;

    guest_write(&w->guest, NT, w->nt, IMAGE);
    guest_write(&w->guest, LIST, "\0", 1);
    guest_write(&w->guest, KDBG, w->kdbg, sizeof w->kdbg);
    guest_write(&w->guest, kuser + 0x2E8, pages, sizeof pages);
    for (int i = 0; i < 100; i++)
        guest_page(&w->guest);
    put32(pages, (uint32_t)(w->guest.count * machine_has / 100));
    guest_write(&w->guest, kuser + 0x2E8, pages, sizeof pages);
    full = guest_dump(&w->guest, w->header);
    five = as_bitmap_full(&full, w->guest.count);
    v = triage_bytes(five.p, five.len);
    ck_assert_str_eq(dump_format_name(v->header.format), "bitmap-full");
    ck_assert_msg(v->memory_total.known, "%s", v->memory_total.source);
    extent = v->extent;
    triage_verdict_free(v);
    return extent;
}

START_TEST(active_and_complete_dumps_are_told_apart_by_the_memory_that_is_there)
{
    ck_assert_str_eq(triage_extent_name(extent_of(100)), "complete");
    ck_assert_str_eq(triage_extent_name(extent_of(1000)), "active");
    ck_assert_str_eq(triage_extent_name(extent_of(106)), "");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, active_and_complete_dumps_are_told_apart_by_the_memory_that_is_there);
    suite_test(s, the_list_of_drivers_is_walked_and_the_images_read);
    suite_test(s, five_levels_are_found_without_being_told);
    suite_test(s, encoded_debugger_data_is_decoded_from_what_the_header_knows);
    suite_test(s, a_link_that_leads_nowhere_costs_no_driver_that_can_be_reached_backward);
    suite_test(s, without_a_list_images_are_found_by_their_headers);
    suite_test(s, pushes_allocations_and_saved_registers_are_undone);
    suite_test(s, chained_unwind_data_that_goes_in_circles_is_given_up);
    suite_test(s, unwind_codes_past_their_count_are_given_up);
}

int main(void)
{
    return suite_main("triage: memory dumps", add);
}
