/* See disk_head.h. */
#include "collectors/disk_head.h"

#include "base/text.h"

#include <string.h>

#define KIB        UINT64_C(1024)
#define MIB        (1024 * KIB)
#define VHD_COOKIE "conectix"
#define VHDX_SIGN  "vhdxfile"

enum {
    VHD_FOOTER = 512,
    VHD_SIZE_AT = 48,
    VHD_TYPE_AT = 60,
    VHD_SUM_AT = 64,
    SIGN = 8,
    TABLE = 4096, /* as much of a table as is looked at */
    REGION_HEADER = 16,
    META_HEADER = 32,
    ENTRY = 32, /* of both tables */
    GUID_BYTES = 16,
    ITEM = 8,
    IS_USER = 1,
    LEAVE_ALLOCATED = 1,
    HAS_PARENT = 2,
};

struct disk {
    const struct files *files;
    struct file *file;
    uint64_t size;
};

/* GUIDs as they lie in the file: the first three parts little-endian. */
static const unsigned char metadata_region[GUID_BYTES] = { 0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B,
                                                           0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E };
static const unsigned char file_parameters[GUID_BYTES] = { 0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D,
                                                           0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B };
static const unsigned char virtual_size[GUID_BYTES] = { 0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48,
                                                        0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8 };

static uint64_t little(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint64_t big(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* Exactly len bytes. */
static int get(const struct disk *d, uint64_t offset, void *bytes, size_t len, struct err *e)
{
    size_t got = 0;
    int rc;

    if (offset > d->size || d->size - offset < len)
        return err_set(e, ERR_INVALID, "the file ends before byte %llu", (unsigned long long)(offset + len));
    rc = d->files->ops->read_at(d->file, offset, bytes, len, &got, e);
    if (rc == 0 && got < len)
        rc = err_set(e, ERR_INVALID, "the file has become shorter");
    return rc;
}

/* ---- VHD ---------------------------------------------------------------- */

static bool is_footer(const unsigned char *f)
{
    uint32_t sum = 0;

    if (memcmp(f, VHD_COOKIE, SIGN) != 0)
        return false;
    for (int i = 0; i < VHD_FOOTER; i++)
        sum += i >= VHD_SUM_AT && i < VHD_SUM_AT + 4 ? 0 : f[i];
    return (uint32_t)big(f + VHD_SUM_AT, 4) == ~sum;
}

static int read_vhd(const struct disk *d, struct disk_head *out, struct err *e)
{
    static const enum disk_kind kinds[] = { [2] = DISK_FIXED, [3] = DISK_DYNAMIC, [4] = DISK_DIFFERENCING };
    unsigned char footer[VHD_FOOTER];
    uint32_t type;
    int rc;

    if (d->size < VHD_FOOTER)
        return err_set(e, ERR_INVALID, "too short for a virtual hard disk");
    rc = get(d, d->size - VHD_FOOTER, footer, sizeof footer, e);
    if (rc == 0 && !is_footer(footer))
        rc = get(d, 0, footer, sizeof footer, e);
    if (rc != 0)
        return rc;
    if (!is_footer(footer))
        return err_set(e, ERR_INVALID, "neither a VHD nor a VHDX, or damaged");
    type = (uint32_t)big(footer + VHD_TYPE_AT, 4);
    if (type < 2 || type >= sizeof kinds / sizeof *kinds)
        return err_set(e, ERR_INVALID, "a VHD of an unknown type (%u)", (unsigned)type);
    *out = (struct disk_head){ .kind = kinds[type], .format = "vhd", .size = big(footer + VHD_SIZE_AT, 8) };
    return 0;
}

/* ---- VHDX --------------------------------------------------------------- */

/* A table's entry with that GUID; NULL when there is none in what was read. */
static const unsigned char *find_entry(const unsigned char table[TABLE], size_t header, uint64_t count,
                                       const unsigned char guid[GUID_BYTES])
{
    for (size_t at = header; count > 0 && at + ENTRY <= TABLE; at += ENTRY, count--) {
        if (memcmp(table + at, guid, GUID_BYTES) == 0)
            return table + at;
    }
    return NULL;
}

/* Where the metadata region is, by one copy of the region table. */
static bool find_metadata(const struct disk *d, uint64_t copy, uint64_t *offset, uint64_t *len)
{
    unsigned char table[TABLE];
    const unsigned char *entry;

    if (get(d, copy, table, sizeof table, NULL) != 0 || memcmp(table, "regi", 4) != 0)
        return false;
    entry = find_entry(table, REGION_HEADER, little(table + 8, 4), metadata_region);
    if (entry == NULL)
        return false;
    *offset = little(entry + GUID_BYTES, 8);
    *len = little(entry + GUID_BYTES + 8, 4);
    return *offset >= MIB && *offset < d->size && *len >= MIB && *len <= d->size - *offset;
}

/* The first eight bytes of a metadata item. */
static bool get_item(const struct disk *d, const unsigned char table[TABLE], const unsigned char guid[GUID_BYTES],
                     uint64_t region, uint64_t region_len, unsigned char item[ITEM])
{
    const unsigned char *entry = find_entry(table, META_HEADER, little(table + 10, 2), guid);
    uint64_t offset, len;

    if (entry == NULL)
        return false;
    offset = little(entry + GUID_BYTES, 4);
    len = little(entry + GUID_BYTES + 4, 4);
    if ((little(entry + GUID_BYTES + 8, 4) & IS_USER) != 0 || offset < 64 * KIB || len < ITEM ||
        offset > region_len - ITEM)
        return false;
    return get(d, region + offset, item, ITEM, NULL) == 0;
}

static int read_vhdx(const struct disk *d, struct disk_head *out, struct err *e)
{
    unsigned char table[TABLE], item[ITEM];
    uint64_t region = 0, len = 0, flags;
    int rc;

    if (!find_metadata(d, 192 * KIB, &region, &len) && !find_metadata(d, 256 * KIB, &region, &len))
        return err_set(e, ERR_INVALID, "a VHDX without a metadata region, or damaged");
    rc = get(d, region, table, sizeof table, e);
    if (rc != 0)
        return rc;
    if (memcmp(table, "metadata", SIGN) != 0 || !get_item(d, table, file_parameters, region, len, item))
        return err_set(e, ERR_INVALID, "a VHDX without its file parameters, or damaged");
    flags = little(item + 4, 4);
    *out = (struct disk_head){ .format = "vhdx" };
    out->kind = (flags & HAS_PARENT) != 0        ? DISK_DIFFERENCING
                : (flags & LEAVE_ALLOCATED) != 0 ? DISK_FIXED
                                                 : DISK_DYNAMIC;
    if (get_item(d, table, virtual_size, region, len, item))
        out->size = little(item, ITEM);
    return 0;
}

/* ---- both --------------------------------------------------------------- */

static int read_open(struct disk *d, struct disk_head *out, struct err *e)
{
    unsigned char sign[SIGN];
    struct file_info info;
    int rc = d->files->ops->info(d->file, &info, e);

    if (rc != 0)
        return rc;
    d->size = info.size;
    if (d->size > INT64_MAX)
        return err_set(e, ERR_INVALID, "larger than a file can be");
    rc = get(d, 0, sign, sizeof sign, e);
    if (rc != 0)
        return rc;
    return memcmp(sign, VHDX_SIGN, SIGN) == 0 ? read_vhdx(d, out, e) : read_vhd(d, out, e);
}

int disk_head_read(const struct files *files, const char *path, struct disk_head *out, struct err *e)
{
    struct disk d = { .files = files };
    int rc = files->ops->open(files, path, &d.file, e);

    if (rc != 0)
        return rc;
    rc = read_open(&d, out, e);
    files->ops->close(d.file);
    return rc;
}

bool disk_head_is_name(const char *path)
{
    static const char *const ends[] = { ".vhd", ".vhdx", ".avhd", ".avhdx", ".vhds" };

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (text_ends_with_nocase(path, ends[i]))
            return true;
    }
    return false;
}
