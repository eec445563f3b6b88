/* See image.h. */
#include "triage/image.h"

#include "triage/bytes.h"

#include <assert.h>
#include <string.h>

enum {
    DOS_LFANEW = 0x3C,
    DOS_SIZE = 0x40,
    LFANEW_MAX = 0x1000,
    NT_SIZE = 0x108, /* signature, file header, optional header with all directories */
    OPTIONAL = 0x18,
    DIRECTORIES32 = OPTIONAL + 96,
    DIRECTORIES64 = OPTIONAL + 112,
    MAGIC32 = 0x10B,
    MAGIC64 = 0x20B,
    EXPORT_DIRECTORY = 40,
    EXPORTS_MAX = 8192,
    EXPORT_NAME_MAX = 128,
    RESOURCE_DEPTH = 3,
    RESOURCE_ENTRIES_MAX = 256,
    RESOURCE_VERSION = 16,
    VERSION_LOOK = 0x80,
    FUNCTIONS_MAX = 1 << 20,
    FUNCTION_ENTRY = 12,
};

static_assert(DIRECTORIES64 + 8 * IMAGE_DIRECTORIES == NT_SIZE, "all directories are read with the header");

#define FIXED_SIGNATURE UINT32_C(0xFEEF04BD)

static bool parse_nt(const unsigned char *p, struct image *img)
{
    const unsigned char *o = p + OPTIONAL;
    uint16_t magic = le16(o);
    size_t dirs, count;

    if (memcmp(p, "PE\0\0", 4) != 0 || (magic != MAGIC32 && magic != MAGIC64))
        return false;
    img->is64 = magic == MAGIC64;
    img->timestamp = le32(p + 0x08);
    img->size = le32(o + 56);
    img->checksum = le32(o + 64);
    dirs = img->is64 ? DIRECTORIES64 : DIRECTORIES32;
    count = le32(p + dirs - 4);
    for (size_t i = 0; i < IMAGE_DIRECTORIES && i < count; i++)
        img->dirs[i] = (struct image_directory){ le32(p + dirs + 8 * i), le32(p + dirs + 8 * i + 4) };
    return true;
}

bool image_open(struct vmem *vm, uint64_t base, struct image *out)
{
    unsigned char dos[DOS_SIZE], nt[NT_SIZE];
    uint32_t lfanew;

    *out = (struct image){ .base = base };
    if (base == 0 || !vmem_get(vm, base, dos, sizeof dos) || dos[0] != 'M' || dos[1] != 'Z')
        return false;
    lfanew = le32(dos + DOS_LFANEW);
    if (lfanew < DOS_SIZE || lfanew > LFANEW_MAX || !vmem_get(vm, base + lfanew, nt, sizeof nt))
        return false;
    return parse_nt(nt, out);
}

static bool in_image(const struct image *img, uint32_t rva, uint32_t size)
{
    return rva != 0 && range_in(rva, size, img->size);
}

/* One level of the resource tree: the entry with the wanted id, or the first for id 0.  *next is relative to the
 * resource directory.  1 found, 0 there is none, -1 the level is not resident or is no level. */
static int resource_step(struct vmem *vm, const struct image *img, uint32_t at, uint32_t id, uint32_t *next)
{
    unsigned char b[16];
    uint64_t root = img->base + img->dirs[IMAGE_RESOURCES].rva;
    uint32_t names, ids;

    if (!range_in(at, 16, img->dirs[IMAGE_RESOURCES].size) || !vmem_get(vm, root + at, b, 16))
        return -1;
    names = le16(b + 12);
    ids = le16(b + 14);
    for (uint32_t i = 0; i < names + ids && i < RESOURCE_ENTRIES_MAX; i++) {
        if (!vmem_get(vm, root + at + 16 + 8 * (uint64_t)i, b, 8))
            return -1;
        if (id != 0 && le32(b) != id)
            continue;
        *next = le32(b + 4);
        return 1;
    }
    return names + ids <= RESOURCE_ENTRIES_MAX ? 0 : -1;
}

static bool find_fixed(const unsigned char *p, size_t len, uint16_t version[4])
{
    for (size_t i = 0; i + 16 <= len; i += 4) {
        if (le32(p + i) != FIXED_SIGNATURE)
            continue;
        version[0] = le16(p + i + 10);
        version[1] = le16(p + i + 8);
        version[2] = le16(p + i + 14);
        version[3] = le16(p + i + 12);
        return true;
    }
    return false;
}

bool image_version(struct vmem *vm, const struct image *img, uint16_t version[4], const char **why)
{
    static const char none[] = "the file has no version resource";
    unsigned char b[VERSION_LOOK];
    uint32_t at = 0, next = 0;
    const uint32_t subdirectory = UINT32_C(1) << 31;

    *why = none;
    if (!in_image(img, img->dirs[IMAGE_RESOURCES].rva, 16))
        return false;
    *why = "its version resource is not in the dump (paged out)";
    for (int depth = 0; depth < RESOURCE_DEPTH; depth++) {
        int found = resource_step(vm, img, at, depth == 0 ? RESOURCE_VERSION : 0, &next);

        if (found == 0 && depth == 0)
            *why = none;
        if (found != 1)
            return false;
        if (((next & subdirectory) != 0) != (depth < RESOURCE_DEPTH - 1))
            return false;
        at = next & ~subdirectory;
    }
    if (!range_in(at, 16, img->dirs[IMAGE_RESOURCES].size) ||
        !vmem_get(vm, img->base + img->dirs[IMAGE_RESOURCES].rva + at, b, 8) || !in_image(img, le32(b), le32(b + 4)))
        return false;
    if (!find_fixed(b, vmem_read(vm, img->base + le32(b), b, sizeof b), version))
        return false;
    *why = "";
    return true;
}

struct export_best {
    uint32_t rva;
    uint32_t index; /* in the address table */
    bool found;
};

static bool nearest_address(struct vmem *vm, const struct image *img, uint32_t table, uint32_t count, uint32_t rva,
                            struct export_best *best)
{
    unsigned char b[1024];
    const struct image_directory *dir = &img->dirs[IMAGE_EXPORTS];

    for (uint32_t i = 0; i < count;) {
        uint32_t n = count - i < sizeof b / 4 ? count - i : (uint32_t)(sizeof b / 4);

        if (!vmem_get(vm, img->base + table + 4 * (uint64_t)i, b, 4 * (size_t)n))
            return false;
        for (uint32_t j = 0; j < n; j++) {
            uint32_t at = le32(b + 4 * j);

            if (at == 0 || at > rva || (best->found && at <= best->rva) || at - dir->rva < dir->size)
                continue;
            *best = (struct export_best){ .rva = at, .index = i + j, .found = true };
        }
        i += n;
    }
    return best->found;
}

static const char *read_string(struct dump *d, uint64_t va)
{
    char text[EXPORT_NAME_MAX];
    size_t got = vmem_read(&d->vm, va, text, sizeof text);
    size_t len = strnlen(text, got);

    return len == 0 || len == got ? "" : dump_text(d, text, len);
}

/* Which name belongs to an entry of the address table; false when it has none. */
static bool name_of_index(struct vmem *vm, const struct image *img, uint32_t ordinals, uint32_t count, uint32_t wanted,
                          uint32_t *name)
{
    unsigned char b[1024];

    for (uint32_t i = 0; i < count;) {
        uint32_t n = count - i < sizeof b / 2 ? count - i : (uint32_t)(sizeof b / 2);

        if (!vmem_get(vm, img->base + ordinals + 2 * (uint64_t)i, b, 2 * (size_t)n))
            return false;
        for (uint32_t j = 0; j < n; j++) {
            if (le16(b + 2 * j) == wanted) {
                *name = i + j;
                return true;
            }
        }
        i += n;
    }
    return false;
}

const char *image_export(struct dump *d, const struct image *img, uint32_t rva, uint32_t *at)
{
    unsigned char e[EXPORT_DIRECTORY], b[4];
    struct export_best best = { 0 };
    uint32_t name;

    if (!in_image(img, img->dirs[IMAGE_EXPORTS].rva, sizeof e) ||
        !vmem_get(&d->vm, img->base + img->dirs[IMAGE_EXPORTS].rva, e, sizeof e))
        return "";
    if (le32(e + 20) > EXPORTS_MAX || le32(e + 24) > EXPORTS_MAX ||
        !nearest_address(&d->vm, img, le32(e + 28), le32(e + 20), rva, &best))
        return "";
    if (!name_of_index(&d->vm, img, le32(e + 36), le32(e + 24), best.index, &name) ||
        !vmem_get(&d->vm, img->base + le32(e + 32) + 4 * (uint64_t)name, b, 4))
        return "";
    *at = best.rva;
    return read_string(d, img->base + le32(b));
}

static const char *name_from_debug(struct dump *d, const struct image *img)
{
    unsigned char b[28], rsds[24];
    const char *pdb, *base, *dot;

    if (!in_image(img, img->dirs[IMAGE_DEBUG].rva, sizeof b) ||
        !vmem_get(&d->vm, img->base + img->dirs[IMAGE_DEBUG].rva, b, sizeof b) || le32(b + 12) != 2)
        return "";
    if (!vmem_get(&d->vm, img->base + le32(b + 20), rsds, sizeof rsds) || memcmp(rsds, "RSDS", 4) != 0)
        return "";
    pdb = read_string(d, img->base + le32(b + 20) + 24);
    base = strrchr(pdb, '\\') != NULL ? strrchr(pdb, '\\') + 1 : pdb;
    dot = strrchr(base, '.');
    if (dot == NULL || dot == base)
        return "";
    return dump_textf(d, "%.*s.sys", (int)(dot - base), base);
}

const char *image_own_name(struct dump *d, const struct image *img)
{
    unsigned char e[EXPORT_DIRECTORY];
    const char *name = "";

    if (in_image(img, img->dirs[IMAGE_EXPORTS].rva, sizeof e) &&
        vmem_get(&d->vm, img->base + img->dirs[IMAGE_EXPORTS].rva, e, sizeof e) && le32(e + 12) != 0)
        name = read_string(d, img->base + le32(e + 12));
    return *name != '\0' ? name : name_from_debug(d, img);
}

int image_function(struct vmem *vm, const struct image *img, uint32_t rva, struct image_function *out)
{
    const struct image_directory *dir = &img->dirs[IMAGE_EXCEPTIONS];
    uint32_t lo = 0, hi = dir->size / FUNCTION_ENTRY;
    unsigned char e[FUNCTION_ENTRY];

    if (hi == 0)
        return 0;
    if (hi > FUNCTIONS_MAX || !in_image(img, dir->rva, dir->size))
        return -1;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (!vmem_get(vm, img->base + dir->rva + (uint64_t)mid * FUNCTION_ENTRY, e, sizeof e))
            return -1;
        *out = (struct image_function){ le32(e), le32(e + 4), le32(e + 8) };
        if (rva < out->begin)
            hi = mid;
        else if (rva >= out->end)
            lo = mid + 1;
        else
            return 1;
    }
    return 0;
}
