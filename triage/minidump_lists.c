/* What a minidump lists: drivers, unloaded drivers, the process, memory figures.
 *
 * Driver entry (0x90 bytes, 0x4C in 32-bit dumps): the file offset of the name,
 * then a copy of the loader's entry.  Minidumps written by the kernel have full
 * paths and little else; those made from a larger dump have base names and the
 * whole entry (dumps.md 1.9).  A name is a count of WCHARs and the WCHARs.
 */
#include "base/text.h"
#include "triage/bytes.h"
#include "triage/dump.h"
#include "triage/facts.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum {
    DRIVER64 = 0x90,
    DRIVER32 = 0x4C,
    UNLOADED_ENTRY = 0x38,
    UNLOADED_NAME = 24, /* bytes: 12 WCHARs */
    NAME_MAX_CHARS = 260,
    MM_STORAGE = 0x50,
    REPRODUCIBLE_SINCE = 15063, /* build from which the system's own stamps are hashes */
};

const char *driver_base_name(const char *path)
{
    const char *base = path;

    for (const char *p = path; *p != '\0'; p++)
        if (*p == '\\' || *p == '/')
            base = p + 1;
    return base;
}

void driver_set_name(struct dump *d, struct triage_driver *m, const char *name)
{
    m->name = driver_base_name(name);
    m->path = m->name == name ? "" : name;
    if (*m->name == '\0')
        m->name = dump_textf(d, "(no name, at 0x%" PRIx64 ")", m->base);
}

static const char *read_name(struct dump *d, uint32_t offset)
{
    unsigned char bytes[4 + NAME_MAX_CHARS * 2];
    uint32_t chars;

    if (offset == 0 || !range_in(offset, 4, d->mini.size) || !window_read(&d->window, offset, bytes, 4))
        return "";
    chars = le32(bytes);
    if (chars > NAME_MAX_CHARS || !window_read(&d->window, (uint64_t)offset + 4, bytes, chars * 2))
        return "";
    return dump_text16(d, bytes, chars * 2);
}

static void read_driver(struct dump *d, uint64_t at, struct triage_driver *m)
{
    unsigned char e[DRIVER64] = { 0 };
    bool is64 = d->v->header.is64;

    *m = (struct triage_driver){ .name = "", .path = "", .version_why = "not in a minidump" };
    if (!window_read(&d->window, at, e, is64 ? DRIVER64 : DRIVER32))
        return;
    m->base = is64 ? le64(e + 0x38) : le32(e + 0x1C);
    m->size = le32(e + (is64 ? 0x48 : 0x24));
    m->checksum = le32(e + (is64 ? 0x80 : 0x44));
    m->timestamp = le32(e + (is64 ? 0x88 : 0x48));
    m->has_checksum = m->checksum != 0;
    m->has_timestamp = m->timestamp != 0;
    driver_set_name(d, m, read_name(d, le32(e)));
}

void minidump_drivers(struct dump *d)
{
    uint32_t n = d->mini.driver_count, entry = d->v->header.is64 ? DRIVER64 : DRIVER32, unnamed = 0;
    struct triage_driver *list;

    if (n == 0)
        return;
    list = dump_alloc(d, n * sizeof *list);
    if (list == NULL)
        return;
    d->v->drivers = list;
    for (uint32_t i = 0; i < n && window_runs(&d->window); i++) {
        struct triage_driver *m = &list[d->v->driver_count];

        read_driver(d, d->mini.drivers + (uint64_t)i * entry, m);
        if (d->mini.counts_cut && *m->path == '\0' && (*m->name == '\0' || *m->name == '('))
            break; /* past the real end of the list */
        if (m->base == 0 && m->size == 0)
            unnamed++;
        else
            d->v->driver_count++;
    }
    if (unnamed > 0)
        dump_finding(d, "triage-part", d->mini.drivers,
                     "%" PRIu32 " of %" PRIu32 " entries of the driver list are blank or cut", unnamed, n);
    dump_sort_drivers(d);
}

void unloaded_from_bytes(struct dump *d, const unsigned char *entries, size_t count)
{
    struct triage_unloaded *list = dump_alloc(d, count * sizeof *list);

    assert(count <= TRIAGE_UNLOADED_MAX);
    if (list == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *e = entries + i * UNLOADED_ENTRY;
        size_t len = 0;

        while (len < UNLOADED_NAME && le16(e + 0x10 + len) != 0)
            len += 2;
        list[i] = (struct triage_unloaded){ .name = dump_text16(d, e + 0x10, len),
                                            .start = le64(e + 0x28),
                                            .end = le64(e + 0x30) };
    }
    d->v->unloaded = list;
    d->v->unloaded_count = count;
}

static void read_unloaded(struct dump *d)
{
    unsigned char bytes[TRIAGE_UNLOADED_MAX * UNLOADED_ENTRY];
    uint64_t at = d->mini.unloaded, room;
    uint32_t count;

    if (at == 0 || !d->v->header.is64 || !window_read(&d->window, at, bytes, 8))
        return;
    count = le32(bytes);
    room = at + 8 < d->mini.size ? (d->mini.size - at - 8) / UNLOADED_ENTRY : 0;
    if (count > room) {
        dump_finding(d, "triage-part", at, "%" PRIu32 " unloaded drivers are stated, there is room for %" PRIu64, count,
                     room);
        return;
    }
    if (count > TRIAGE_UNLOADED_MAX)
        count = TRIAGE_UNLOADED_MAX;
    if (count > 0 && window_read(&d->window, at + 8, bytes, (size_t)count * UNLOADED_ENTRY))
        unloaded_from_bytes(d, bytes, count);
}

/* Offsets of ImageFileName in EPROCESS, by build. */
static const struct {
    uint32_t build, offset;
    bool is64;
} process_names[] = {
    { 26100, 0x338, true }, { 19041, 0x5A8, true }, { 10240, 0x450, true }, { 9600, 0x438, true },
    { 7600, 0x2E0, true },  { 6000, 0x16C, false }, { 2600, 0x174, false },
};

enum { PROCESS_COPY = 0x1000, IMAGE_NAME = 15 };

static bool name_character(unsigned char c)
{
    return c > 0x20 && c < 0x7F;
}

/* The name at p if it looks like one: 1 to 15 printable characters, padded with zeros. */
static size_t process_name_at(const unsigned char *p)
{
    size_t n = 0;

    while (n < IMAGE_NAME && name_character(p[n]))
        n++;
    for (size_t i = n; i < IMAGE_NAME; i++)
        if (p[i] != 0 && p[i] != ' ')
            return 0;
    return n >= 2 ? n : 0;
}

static bool known_ending(const unsigned char *p, size_t n)
{
    static const char *const whole[] = { "System", "Registry", "smss", "csrss", "MemCompression", "Idle", "Secure" };
    char name[IMAGE_NAME + 1] = { 0 };

    memcpy(name, p, n);
    if (text_ends_with_nocase(name, ".exe"))
        return true;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(name, whole[i]) == 0)
            return true;
    return n >= 14; /* cut by Windows at 14 characters, the ending with it */
}

const char *process_name_in(struct dump *d, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < sizeof process_names / sizeof process_names[0]; i++) {
        uint32_t at = process_names[i].offset;
        size_t n;

        if (process_names[i].is64 != d->v->header.is64 || d->v->header.build < process_names[i].build ||
            at + IMAGE_NAME > len)
            continue;
        n = process_name_at(p + at);
        if (n > 0 && known_ending(p + at, n))
            return dump_text(d, (const char *)p + at, n);
    }
    for (size_t at = 0x100; at + IMAGE_NAME <= len; at += 4) {
        size_t n = name_character(p[at - 1]) ? 0 : process_name_at(p + at); /* not the tail of another text */

        if (n >= 4 && n < 14 && known_ending(p + at, n))
            return dump_text(d, (const char *)p + at, n);
    }
    return "";
}

static void read_process(struct dump *d)
{
    unsigned char p[PROCESS_COPY];
    uint64_t len = d->mini.process == 0 ? 0 : d->mini.size - d->mini.process;

    if (len > sizeof p)
        len = sizeof p;
    if (len > 0 && window_read(&d->window, d->mini.process, p, (size_t)len))
        d->v->process = process_name_in(d, p, (size_t)len);
}

/* DUMP_MM_STORAGE64.  Its page counts are believed only when they are of a size
 * a machine can have. */
static void read_mm(struct dump *d)
{
    unsigned char p[MM_STORAGE];
    struct triage_verdict *v = d->v;
    uint64_t used, limit;

    if (d->mini.mm == 0 || !v->header.is64 || !window_read(&d->window, d->mini.mm, p, sizeof p))
        return;
    used = le64(p + 0x38);
    limit = le64(p + 0x48);
    if (used == 0 || limit < used || limit > (UINT64_C(1) << 36))
        return;
    v->commit = (struct triage_number){ true, used * DUMP_PAGE, "the minidump's memory figures" };
    v->commit_limit = (struct triage_number){ true, limit * DUMP_PAGE, "the minidump's memory figures" };
}

void minidump_facts(struct dump *d)
{
    read_unloaded(d);
    read_process(d);
    read_mm(d);
}

bool stamp_is_reproducible(const struct dump *d, const struct triage_driver *m, bool system_file)
{
    enum { YEAR_1995 = 788918400 };
    int64_t crash_s = d->v->header.crash_time / INT64_C(1000000000);

    if (system_file && d->v->header.build >= REPRODUCIBLE_SINCE)
        return true;
    return m->timestamp < YEAR_1995 || (crash_s > 0 && (int64_t)m->timestamp > crash_s + 86400 * 366);
}
