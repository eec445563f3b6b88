/* Secondary data: blocks that drivers put behind the dump proper.
 *
 * "DumpBlob", u32 size of this header (0x10), u32 build; then blocks {u32 size
 * of the block header (0x20), GUID, u32 data size, u32 pad before, u32 pad
 * after}, pad, data, pad; to the end of the file (dumps.md 1.10, 5).  Looked
 * for only where the dump proper ends, and at the next multiples of 8, 16 and
 * 4096.  One block matters here: mssmbios' raw SMBIOS, which names BIOS and
 * maker.  A list that is cut is a cut file, but costs no other fact.
 */
#include "triage/bytes.h"
#include "triage/dump.h"

#include <inttypes.h>
#include <string.h>

enum {
    BLOB_HEADER = 0x10,
    BLOCK_HEADER = 0x20,
    BLOCK_HEADER_MAX = 0x1000,
    BLOCKS_MAX = 1024,
    SMBIOS_MAX = 16 * 1024,
    SMBIOS_HEADER = 8,
    STRUCTURES_MAX = 512,
    TYPE_BIOS = 0,
    TYPE_SYSTEM = 1,
    TYPE_MEMORY = 17,
    TYPE_END = 127,
    SIZE_EXTENDED = 0x7FFF,
    SIZE_IN_KIB = 0x8000,
};

/* bc5c008f-1e3a-44d7-988d-86f6884c6758 in memory order */
static const unsigned char smbios_tag[16] = { 0x8F, 0x00, 0x5C, 0xBC, 0x3A, 0x1E, 0xD7, 0x44,
                                              0x98, 0x8D, 0x86, 0xF6, 0x88, 0x4C, 0x67, 0x58 };

/* String number n (from 1) of the set that begins at p; "" when there is none. */
static const char *string_at(struct dump *d, const unsigned char *p, size_t len, unsigned n)
{
    size_t at = 0;

    for (unsigned i = 1; n > 0 && at < len && p[at] != 0; i++) {
        size_t n_len = strnlen((const char *)p + at, len - at), trimmed = n_len;

        while (trimmed > 0 && p[at + trimmed - 1] == ' ')
            trimmed--;
        if (i == n)
            return dump_text(d, (const char *)p + at, trimmed);
        at += n_len + 1;
    }
    return "";
}

static uint64_t dimm_bytes(const unsigned char *s, size_t len)
{
    uint32_t size = len >= 0x0E ? le16(s + 0x0C) : 0;

    if (size == 0 || size == 0xFFFF)
        return 0;
    if (size == SIZE_EXTENDED && len >= 0x20)
        return (uint64_t)(le32(s + 0x1C) & 0x7FFFFFFF) << 20;
    return (size & SIZE_IN_KIB) != 0 ? (uint64_t)(size & 0x7FFF) << 10 : (uint64_t)size << 20;
}

static void take_structure(struct dump *d, const unsigned char *s, size_t len, const unsigned char *strings,
                           size_t room, uint64_t *memory)
{
    struct triage_verdict *v = d->v;

    if (s[0] == TYPE_BIOS && len >= 9 && *v->bios_vendor == '\0') {
        v->bios_vendor = string_at(d, strings, room, s[4]);
        v->bios_version = string_at(d, strings, room, s[5]);
        v->bios_date = string_at(d, strings, room, s[8]);
    } else if (s[0] == TYPE_SYSTEM && len >= 6 && *v->system_maker == '\0') {
        v->system_maker = string_at(d, strings, room, s[4]);
        v->system_product = string_at(d, strings, room, s[5]);
    } else if (s[0] == TYPE_MEMORY) {
        *memory += dimm_bytes(s, len);
    }
}

/* Structures of {type, length, handle, ...} each followed by its strings, which
 * end in an empty one. */
static void read_tables(struct dump *d, const unsigned char *p, size_t len)
{
    uint64_t memory = 0;
    size_t at = 0;

    for (int i = 0; i < STRUCTURES_MAX && at + 4 <= len; i++) {
        size_t size = p[at + 1], strings = at + size, end = strings;

        if (size < 4 || strings > len)
            break;
        while (end + 1 < len && (p[end] != 0 || p[end + 1] != 0))
            end++;
        take_structure(d, p + at, size, p + strings, len - strings, &memory);
        if (p[at] == TYPE_END)
            break;
        at = end + 2;
    }
    if (memory > 0 && !d->v->memory_total.known) {
        d->v->memory_total = (struct triage_number){ true, memory, "SMBIOS memory devices" };
        d->v->memory_from_smbios = true;
    }
}

static void read_smbios(struct dump *d, uint64_t at, uint32_t size)
{
    unsigned char bytes[SMBIOS_MAX];
    size_t len = size < sizeof bytes ? size : sizeof bytes;

    if (len < SMBIOS_HEADER || !window_read(&d->window, at, bytes, len))
        return;
    if (le32(bytes + 4) < len - SMBIOS_HEADER)
        len = le32(bytes + 4) + SMBIOS_HEADER;
    read_tables(d, bytes + SMBIOS_HEADER, len - SMBIOS_HEADER);
}

static void read_blocks(struct dump *d, uint64_t at)
{
    uint64_t size = d->v->header.file_size;

    for (int i = 0; i < BLOCKS_MAX && range_in(at, BLOCK_HEADER, size); i++) {
        unsigned char b[BLOCK_HEADER];
        uint64_t header, data;

        if (!window_read(&d->window, at, b, sizeof b))
            return;
        header = le32(b);
        if (header < BLOCK_HEADER || header > BLOCK_HEADER_MAX)
            return;
        data = at + header + le32(b + 24);
        if (!range_in(data, (uint64_t)le32(b + 20) + le32(b + 28), size)) {
            dump_finding(d, "secondary-data", at, "block %d of the secondary data ends past the end of the file", i);
            dump_damage(d, TRIAGE_TRUNCATED, "the secondary data is cut; the dump proper is whole");
            return;
        }
        if (memcmp(b + 4, smbios_tag, sizeof smbios_tag) == 0)
            read_smbios(d, data, le32(b + 20));
        at = data + le32(b + 20) + le32(b + 28);
    }
}

void secondary_read(struct dump *d, uint64_t from)
{
    static const uint64_t alignments[] = { 1, 8, 16, 4096 };
    unsigned char b[BLOB_HEADER];

    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        uint64_t at = align_up(from, alignments[i]);

        if (from == 0 || at < from || !range_in(at, sizeof b, d->v->header.file_size))
            return;
        if (!window_read(&d->window, at, b, sizeof b))
            return;
        if (memcmp(b, "DumpBlob", 8) == 0 && le32(b + 8) >= BLOB_HEADER && le32(b + 8) <= BLOCK_HEADER_MAX) {
            read_blocks(d, at + le32(b + 8));
            return;
        }
    }
}
