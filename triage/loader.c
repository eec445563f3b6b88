/* The loaded drivers of a memory dump: PsLoadedModuleList and the images' own headers.
 *
 * The list is walked forward from the head the dump header names, and when it
 * breaks off, backward too, so that one damaged link costs one entry.  An entry
 * seen before ends the walk: a list may have been bent into a circle, by damage
 * or by malice.  Where no list can be read, the images around the addresses
 * that matter are found by their MZ.
 *
 * Time stamp, size and checksum come from the PE header when its page is in
 * the dump, otherwise from the list entry as far as it has them; the version
 * from the version resource.
 */
#include "base/text.h"
#include "triage/bytes.h"
#include "triage/dump.h"
#include "triage/facts.h"
#include "triage/image.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    ENTRY64 = 0x88,
    ENTRY32 = 0x48,
    NAME_BYTES_MAX = 512,
    MZ_BACK = 32 << 20, /* how far below an address its image's start is looked for */
    STAMP_MOVED = 10240 /* first build whose list entry has the stamp elsewhere */
};

struct walk {
    struct dump *d;
    uint64_t *seen; /* owned */
    size_t seen_count;
    const char *broken; /* why the walk ended early; NULL when it came back to the head */
    uint64_t broken_at;
};

static const char *read_unicode(struct dump *d, const unsigned char *ustr)
{
    unsigned char bytes[NAME_BYTES_MAX];
    uint16_t len = le16(ustr);
    uint64_t va = d->v->header.is64 ? le64(ustr + 8) : le32(ustr + 4);

    if (len == 0 || len > sizeof bytes || len % 2 != 0 || !vmem_get(&d->vm, va, bytes, len))
        return "";
    return dump_text16(d, bytes, len);
}

static void parse_entry(struct dump *d, const unsigned char *e, struct triage_driver *m)
{
    bool is64 = d->v->header.is64;
    const char *full, *base;

    *m = (struct triage_driver){ .path = "", .version_why = "its headers are not in the dump (paged out)" };
    m->base = is64 ? le64(e + 0x30) : le32(e + 0x18);
    m->size = le32(e + (is64 ? 0x40 : 0x20));
    m->checksum = le32(e + (is64 ? 0x78 : 0x40));
    m->has_checksum = m->checksum != 0;
    if (!is64 || d->v->header.build < STAMP_MOVED)
        m->timestamp = le32(e + (is64 ? 0x80 : 0x44));
    m->has_timestamp = m->timestamp != 0;
    m->exception_table = is64 ? le64(e + 0x10) : 0;
    m->exception_table_size = is64 ? le32(e + 0x18) : 0;
    full = read_unicode(d, e + (is64 ? 0x48 : 0x24));
    base = read_unicode(d, e + (is64 ? 0x58 : 0x2C));
    driver_set_name(d, m, *full != '\0' ? full : base);
    if (*base != '\0')
        m->name = base;
}

static bool seen_before(struct walk *w, uint64_t entry)
{
    for (size_t i = 0; i < w->seen_count; i++)
        if (w->seen[i] == entry)
            return true;
    w->seen[w->seen_count++] = entry;
    return false;
}

/* Follows the links at `link` (0 forward, one pointer on backward) until the
 * head, an entry seen before, or trouble. */
static void walk_list(struct walk *w, uint64_t head, size_t link)
{
    struct dump *d = w->d;
    size_t len = d->v->header.is64 ? ENTRY64 : ENTRY32;
    uint64_t at = 0;

    w->broken = "the head of the list is not in the dump";
    w->broken_at = head;
    if (!vmem_pointer(&d->vm, head + link, &at))
        return;
    while (at != head && window_runs(&d->window)) {
        unsigned char e[ENTRY64];

        w->broken_at = at;
        w->broken = "the list has no end";
        if (d->v->driver_count == TRIAGE_DRIVERS_MAX)
            return;
        w->broken = "the list runs in a circle";
        if (seen_before(w, at))
            return;
        w->broken = "an entry is not in the dump";
        if (!vmem_is_kernel(&d->vm, at) || !vmem_get(&d->vm, at, e, len))
            return;
        parse_entry(d, e, &d->v->drivers[d->v->driver_count++]);
        at = d->v->header.is64 ? le64(e + link) : le32(e + link);
    }
    if (at == head)
        w->broken = NULL;
}

static void read_list(struct dump *d)
{
    struct walk w = { .d = d };
    uint64_t head = d->v->header.is64 ? d->v->header.module_list : d->v->header.module_list & UINT32_MAX;
    const char *why;
    uint64_t where;

    d->v->drivers = dump_alloc(d, TRIAGE_DRIVERS_MAX * sizeof *d->v->drivers);
    w.seen = calloc(TRIAGE_DRIVERS_MAX * 2, sizeof *w.seen);
    if (d->v->drivers == NULL || w.seen == NULL || head == 0) {
        d->no_memory = d->no_memory || head != 0;
        free(w.seen);
        return;
    }
    walk_list(&w, head, 0);
    if (w.broken != NULL && d->window.stop == WINDOW_RUNS) {
        why = w.broken;
        where = w.broken_at;
        walk_list(&w, head, d->v->header.is64 ? 8 : 4);
        dump_finding(d, "module-list", d->v->header.is64 ? 0x20 : 0x18,
                     "the list of loaded drivers breaks at 0x%" PRIx64 " (%s); %zu drivers were read from both ends",
                     where, why, d->v->driver_count);
        dump_damage(d, d->v->status == TRIAGE_TRUNCATED ? TRIAGE_TRUNCATED : TRIAGE_CORRUPT,
                    "the list of loaded drivers is broken");
    }
    free(w.seen);
}

static void read_image_facts(struct dump *d, struct triage_driver *m)
{
    struct image img;

    if (!image_open(&d->vm, m->base, &img)) {
        m->version_why = "its headers are not in the dump (paged out)";
        return;
    }
    m->timestamp = img.timestamp;
    m->checksum = img.checksum;
    m->has_timestamp = m->has_checksum = true;
    if (m->size == 0)
        m->size = img.size;
    m->has_version = image_version(&d->vm, &img, m->version, &m->version_why);
}

/* Adds the image whose start lies at or below va, if there is one. */
static void add_image_at(struct dump *d, uint64_t va)
{
    struct triage_driver *m;
    struct image img;
    uint64_t base = va & ~UINT64_C(0xFFF), lowest = base > MZ_BACK ? base - MZ_BACK : 0;

    if (!vmem_is_kernel(&d->vm, va) || dump_driver_at(d, va) >= 0 || d->v->driver_count == TRIAGE_DRIVERS_MAX)
        return;
    while (base > lowest && window_runs(&d->window) && !image_open(&d->vm, base, &img))
        base -= DUMP_PAGE;
    if (base <= lowest || !window_runs(&d->window) || va - base >= img.size)
        return;
    m = &d->v->drivers[d->v->driver_count++];
    *m = (struct triage_driver){ .base = base, .size = img.size, .path = "", .version_why = "" };
    driver_set_name(d, m, image_own_name(d, &img));
    read_image_facts(d, m);
    dump_sort_drivers(d);
}

void loader_drivers(struct dump *d)
{
    read_list(d);
    if (d->v->drivers == NULL)
        return;
    for (size_t i = 0; i < d->v->driver_count && window_runs(&d->window); i++)
        read_image_facts(d, &d->v->drivers[i]);
    dump_sort_drivers(d);
    if (d->v->driver_count > 0)
        return;
    add_image_at(d, d->header_cpu.ip);
    for (size_t i = 0; i < DUMP_PARAMS; i++)
        add_image_at(d, d->v->header.params[i]);
    if (d->v->driver_count > 0)
        dump_note(
            d,
            "The list of drivers is unreadable; images were found by their headers around the addresses that matter.");
}
