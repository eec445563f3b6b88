/* See support_scene.h. */
#include "tests/triage/support_scene.h"

#include "tests/support/suite.h"
#include "tests/triage/support_dump.h"

#include <stdlib.h>
#include <string.h>

struct scene *scene_new(enum dump_arch arch, uint32_t build)
{
    struct scene *s = keep(sizeof *s);
    bool is64 = arch != DUMP_ARCH_X86;

    s->file = keep(SCENE_FILE);
    s->memory = (struct triage_memory){ s->file, SCENE_FILE };
    triage_reader_memory(&s->reader, &s->memory);
    triage_limits_default(&s->limits);
    arena_init(&s->arena, s->limits.memory_max);
    s->d.arena = &s->arena;
    s->d.v = &s->verdict;
    s->verdict.header = (struct dump_header){ .arch = arch,
                                              .is64 = is64,
                                              .build = build,
                                              .has_bugcheck = true,
                                              .format = DUMP_FORMAT_TRIAGE,
                                              .file_size = SCENE_FILE };
    s->verdict.drivers = s->drivers;
    s->verdict.process = s->verdict.build_lab = s->verdict.status_text = "";
    s->verdict.bios_vendor = s->verdict.bios_version = s->verdict.bios_date = "";
    s->verdict.system_maker = s->verdict.system_product = "";
    s->verdict.fault.driver = -1;
    s->verdict.fault_how = s->verdict.fault.symbol = "";
    vmem_init(&s->d.vm, &s->d.window, is64);
    return s;
}

void scene_end(struct scene *s)
{
    arena_free(&s->arena);
    pages_close(&s->d.pages);
    vmem_close(&s->d.vm);
    window_close(&s->d.window);
    free(s->d.by_base);
}

unsigned char *scene_map(struct scene *s, uint64_t va, size_t len)
{
    unsigned char *at = s->file + s->used;

    ck_assert_uint_le(len, SCENE_FILE - s->used);
    ck_assert(vmem_add_block(&s->d.vm, va, s->used, len));
    s->used += len;
    return at;
}

struct triage_driver *scene_driver(struct scene *s, const char *name, uint64_t base, uint32_t size)
{
    struct triage_driver *m = &s->drivers[s->verdict.driver_count++];

    ck_assert_uint_le(s->verdict.driver_count, SCENE_DRIVERS);
    *m = (struct triage_driver){ .name = name, .path = "", .base = base, .size = size, .version_why = "" };
    return m;
}

enum { LFANEW = 0x3C, PE = 0x80, OPTIONAL = PE + 0x18 };

unsigned char *scene_image(struct scene *s, uint64_t base, uint32_t size, bool is64)
{
    unsigned char *p = scene_map(s, base, size);

    memcpy(p, "MZ", 2);
    put32(p + LFANEW, PE);
    memcpy(p + PE, "PE\0\0", 4);
    put32(p + PE + 8, 0x50112233);
    put16(p + OPTIONAL, is64 ? 0x20B : 0x10B);
    put32(p + OPTIONAL + 56, size);
    put32(p + OPTIONAL + 64, 0x1234);
    put32(p + OPTIONAL + (is64 ? 108 : 92), 16);
    return p;
}

void scene_directory(unsigned char *image, size_t i, uint32_t rva, uint32_t size)
{
    unsigned char *at = image + OPTIONAL + (image[OPTIONAL + 1] == 2 ? 112 : 96) + 8 * i;

    put32(at, rva);
    put32(at + 4, size);
}

struct dump *scene_ready(struct scene *s)
{
    window_close(&s->d.window);
    ck_assert_int_eq(window_open(&s->d.window, &s->reader, &s->limits, NULL), 0);
    vmem_seal_blocks(&s->d.vm);
    dump_sort_drivers(&s->d);
    return &s->d;
}

bool scene_noted(const struct scene *s, const char *note)
{
    for (size_t i = 0; i < s->verdict.note_count; i++)
        if (strcmp(s->verdict.notes[i], note) == 0)
            return true;
    return false;
}
