/* See support_dump.h. */
#include "tests/triage/support_dump.h"

#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MINI_MAX = 1 << 20, SAMPLE_MAX = 32 << 20, KEPT_MAX = 8192 };

void *keep(size_t size)
{
    static void *kept[KEPT_MAX];
    static size_t count;

    ck_assert_uint_lt(count, KEPT_MAX);
    kept[count] = calloc(1, size > 0 ? size : 1);
    ck_assert_ptr_nonnull(kept[count]);
    return kept[count++];
}

void put16(unsigned char *p, uint16_t n)
{
    p[0] = (unsigned char)n;
    p[1] = (unsigned char)(n >> 8);
}

void put32(unsigned char *p, uint32_t n)
{
    put16(p, (uint16_t)n);
    put16(p + 2, (uint16_t)(n >> 16));
}

void put64(unsigned char *p, uint64_t n)
{
    put32(p, (uint32_t)n);
    put32(p + 4, (uint32_t)(n >> 32));
}

static void fill(unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)"PAGE"[i % 4];
}

void header64(unsigned char *h, uint32_t type, uint64_t p4)
{
    fill(h, DUMP_HEADER64_SIZE);
    memcpy(h, "PAGEDU64", 8);
    put32(h + 0x08, 15);
    put32(h + 0x0C, 19041);
    put64(h + 0x10, 0);
    put32(h + 0x30, 0x8664);
    put32(h + 0x34, 4);
    put32(h + 0x38, 0xD1);
    put64(h + 0x40, 0x28);
    put64(h + 0x48, 2);
    put64(h + 0x50, 0);
    put64(h + 0x58, p4);
    memset(h + 0x348, 0, 0x4D0);
    put32(h + 0xF98, type);
    put64(h + 0xFA8, UINT64_C(0x01DB3D589762C97B));
    put64(h + 0x1030, UINT64_C(13770107514));
    put32(h + 0x1040, 3);
    put32(h + 0x1048, 0);
}

void header32(unsigned char *h, uint32_t type, uint32_t p4)
{
    fill(h, DUMP_HEADER32_SIZE);
    memcpy(h, "PAGEDUMP", 8);
    put32(h + 0x08, 15);
    put32(h + 0x0C, 6002);
    put32(h + 0x20, 0x14C);
    put32(h + 0x24, 2);
    put32(h + 0x28, 0xD1);
    put32(h + 0x2C, 0xC);
    put32(h + 0x30, 2);
    put32(h + 0x34, 1);
    put32(h + 0x38, p4);
    memset(h + 0x320, 0, 0x2CC);
    put32(h + 0xF88, type);
    put32(h + 0xF94, 3);
    put32(h + 0xF9C, 0);
    put64(h + 0xFB8, UINT64_C(180000000000));
    put64(h + 0xFC0, UINT64_C(0x01CB1F6F5A5B8000));
}

static size_t put_name(unsigned char *p, const char *name)
{
    size_t n = strlen(name);

    put32(p, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        put16(p + 4 + 2 * i, (unsigned char)name[i]);
    return (4 + 2 * n + 2 + 7) & ~(size_t)7;
}

static size_t put_drivers(unsigned char *p, size_t at, const struct mini *m)
{
    size_t names = at + 0x90 * m->driver_count;

    for (size_t i = 0; i < m->driver_count; i++) {
        unsigned char *e = p + at + 0x90 * i;

        put32(e, (uint32_t)names);
        put64(e + 0x38, m->drivers[i].base);
        put32(e + 0x48, m->drivers[i].size);
        put32(e + 0x80, 0x1000 + (uint32_t)i);
        put32(e + 0x88, 0x60000000 + (uint32_t)i);
        names += put_name(p + names, m->drivers[i].name);
    }
    return names;
}

static size_t put_blocks(unsigned char *p, size_t at, const struct mini *m)
{
    size_t data = at + 16 * m->block_count;

    for (size_t i = 0; i < m->block_count; i++) {
        put64(p + at + 16 * i, m->blocks[i].va);
        put32(p + at + 16 * i + 8, (uint32_t)data);
        put32(p + at + 16 * i + 12, m->blocks[i].len);
        memcpy(p + data, m->blocks[i].bytes, m->blocks[i].len);
        data = (data + m->blocks[i].len + 7) & ~(size_t)7;
    }
    return data;
}

static size_t put_unloaded(unsigned char *p, size_t at, const struct mini *m)
{
    put32(p + at, (uint32_t)m->unloaded_count);
    for (size_t i = 0; i < m->unloaded_count; i++) {
        unsigned char *e = p + at + 8 + 0x38 * i;

        for (size_t c = 0; m->unloaded[i].name[c] != '\0' && c < 12; c++)
            put16(e + 0x10 + 2 * c, (unsigned char)m->unloaded[i].name[c]);
        put64(e + 0x28, m->unloaded[i].start);
        put64(e + 0x30, m->unloaded[i].end);
    }
    return at + 8 + 0x38 * m->unloaded_count;
}

struct bytes mini_make(const struct mini *m)
{
    unsigned char *p = keep(MINI_MAX), *t = p + 0x2000;
    size_t at = 0x2100;

    header64(p, 4, 0);
    put32(p + 0x38, m->code);
    for (size_t i = 0; i < 4; i++)
        put64(p + 0x40 + 8 * i, m->params[i]);
    put32(p + 0x348 + 0x30, 0x10001F);
    put16(p + 0x348 + 0x38, 0x10);
    put64(p + 0x348 + 0x98, m->rsp);
    put64(p + 0x348 + 0xF8, m->rip);
    put32(t + 0x28, (uint32_t)at);
    put32(t + 0x2C, (uint32_t)(8 * m->stack_words));
    put64(t + 0x48, m->stack_va);
    for (size_t i = 0; i < m->stack_words; i++, at += 8)
        put64(p + at, m->stack[i]);
    put32(t + 0x30, (uint32_t)at);
    put32(t + 0x34, (uint32_t)m->driver_count);
    at = put_drivers(p, at, m);
    put32(t + 0x78, (uint32_t)at);
    put32(t + 0x7C, (uint32_t)m->block_count);
    at = put_blocks(p, at, m);
    if (m->unloaded_count > 0) {
        put32(t + 0x18, (uint32_t)at);
        at = put_unloaded(p, at, m);
    }
    put32(t + 0x04, (uint32_t)at + 4);
    put32(t + 0x08, (uint32_t)at);
    memcpy(p + at, "TRGD", 4);
    return (struct bytes){ p, at + 4 };
}

void guest_init(struct guest *g, enum guest_mode mode)
{
    *g = (struct guest){ .mode = mode };
    g->dtb = guest_page(g) * PAGE;
}

uint64_t guest_page(struct guest *g)
{
    ck_assert_uint_lt(g->count, GUEST_PAGES);
    g->pages[g->count] = keep(PAGE);
    return GUEST_FIRST_PFN + g->count++;
}

unsigned char *guest_frame(struct guest *g, uint64_t pfn)
{
    ck_assert_uint_ge(pfn, GUEST_FIRST_PFN);
    ck_assert_uint_lt(pfn, GUEST_FIRST_PFN + g->count);
    return g->pages[pfn - GUEST_FIRST_PFN];
}

static size_t shifts_of(enum guest_mode mode, const unsigned **out)
{
    static const unsigned x64[] = { 48, 39, 30, 21, 12 }, pae[] = { 30, 21, 12 }, x86[] = { 22, 12 };

    *out = mode == GUEST_LA57 ? x64 : mode == GUEST_X64 ? x64 + 1 : mode == GUEST_PAE ? pae : x86;
    return mode == GUEST_LA57 ? 5 : mode == GUEST_X64 ? 4 : mode == GUEST_PAE ? 3 : 2;
}

static void map(struct guest *g, uint64_t va, uint64_t entry, size_t skip)
{
    const unsigned *shifts;
    size_t levels = shifts_of(g->mode, &shifts) - skip;
    uint64_t table = g->dtb / PAGE;

    for (size_t i = 0; i < levels; i++) {
        bool small = g->mode == GUEST_X86;
        uint64_t index = va >> shifts[i] & (small ? 1023 : g->mode == GUEST_PAE && i == 0 ? 3 : 511);
        unsigned char *e = guest_frame(g, table) + index * (small ? 4 : 8);

        if (i + 1 == levels) {
            small ? put32(e, (uint32_t)entry) : put64(e, entry);
        } else {
            if ((e[0] & 1) == 0)
                small ? put32(e, (uint32_t)(guest_page(g) * PAGE | 0x63)) : put64(e, guest_page(g) * PAGE | 0x63);
            table = ((uint64_t)e[1] << 8 | (uint64_t)e[2] << 16 | (uint64_t)e[3] << 24) >> 12;
        }
    }
}

void guest_map(struct guest *g, uint64_t va, uint64_t entry)
{
    map(g, va, entry, 0);
}

void guest_map_large(struct guest *g, uint64_t va, uint64_t entry)
{
    map(g, va, entry | 0x80, 1);
}

/* The frame va is mapped to, by the tables; 0 when it is not. */
static uint64_t frame_of(struct guest *g, uint64_t va)
{
    const unsigned *shifts;
    size_t levels = shifts_of(g->mode, &shifts);
    uint64_t table = g->dtb / PAGE;

    for (size_t i = 0; i < levels; i++) {
        bool small = g->mode == GUEST_X86;
        uint64_t index = va >> shifts[i] & (small ? 1023 : g->mode == GUEST_PAE && i == 0 ? 3 : 511);
        const unsigned char *e = guest_frame(g, table) + index * (small ? 4 : 8);

        if ((e[0] & 1) == 0)
            return 0;
        table = ((uint64_t)e[1] << 8 | (uint64_t)e[2] << 16 | (uint64_t)e[3] << 24) >> 12;
    }
    return table;
}

void guest_write(struct guest *g, uint64_t va, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        uint64_t page = (va + done) & ~(uint64_t)(PAGE - 1), frame = frame_of(g, page);
        size_t in = (size_t)((va + done) - page), n = PAGE - in < len - done ? PAGE - in : len - done;

        if (frame == 0) {
            frame = guest_page(g);
            guest_map(g, page, frame * PAGE | 0x63);
        }
        memcpy(guest_frame(g, frame) + in, (const char *)bytes + done, n);
        done += n;
    }
}

struct bytes guest_dump(struct guest *g, unsigned char *h)
{
    bool is64 = g->mode == GUEST_X64 || g->mode == GUEST_LA57;
    size_t head = is64 ? DUMP_HEADER64_SIZE : DUMP_HEADER32_SIZE, len = head + g->count * PAGE;
    unsigned char *p = keep(len);

    if (is64) {
        put64(h + 0x10, g->dtb);
        put32(h + 0x88, 1);
        put64(h + 0x90, g->count);
        put64(h + 0x98, GUEST_FIRST_PFN);
        put64(h + 0xA0, g->count);
    } else {
        put32(h + 0x10, (uint32_t)g->dtb);
        h[0x5C] = g->mode == GUEST_PAE;
        put32(h + 0x64, 1);
        put32(h + 0x68, (uint32_t)g->count);
        put32(h + 0x6C, GUEST_FIRST_PFN);
        put32(h + 0x70, (uint32_t)g->count);
    }
    memcpy(p, h, head);
    for (size_t i = 0; i < g->count; i++)
        memcpy(p + head + i * PAGE, g->pages[i], PAGE);
    return (struct bytes){ p, len };
}

struct triage_verdict *triage_bytes(const void *bytes, size_t len)
{
    struct triage_memory m = { bytes, len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;
    struct err e = { 0 };
    int rc;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    rc = triage_file(&r, &limits, &v, &e);
    ck_assert_msg(rc == 0, "triage_file: %s", e.text);
    ck_assert_ptr_nonnull(v);
    return v;
}

static struct bytes unpack(const char *test, const char *path)
{
    char command[4200];
    struct bytes b = { 0 };
    FILE *f;

    if (system("xz --version > /dev/null 2>&1") != 0) {
        suite_say_skip(test, "xz is not installed");
        return b;
    }
    snprintf(command, sizeof command, "xz -dc '%s'", path);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    b.p = keep(SAMPLE_MAX);
    b.len = fread(b.p, 1, SAMPLE_MAX, f);
    ck_assert_int_eq(pclose(f), 0);
    return b;
}

struct bytes sample_dump(const char *test, const char *name)
{
    struct bytes b = { 0 };
    char file[256];

    for (int i = 0; i < 4; i++) {
        const char *path;

        snprintf(file, sizeof file, "dumps/%s%s%s", i >= 2 ? "synthetic/" : "", name, i % 2 == 0 ? ".xz" : "");
        path = shared_sample(file);
        if (path != NULL && i % 2 == 0)
            return unpack(test, path);
        if (path != NULL) {
            char *bytes = read_file(path, &b.len);

            b.p = keep(b.len);
            memcpy(b.p, bytes, b.len);
            free(bytes);
            return b;
        }
    }
    suite_say_skip(test, "the sample dumps/%s is not there", name);
    return b;
}
