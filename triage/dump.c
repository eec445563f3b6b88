/* See dump.h: text, lists and places of the dump being read. */
#include "triage/dump.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

void *dump_alloc(struct dump *d, size_t size)
{
    void *p = arena_alloc(d->arena, size);

    if (p == NULL)
        d->no_memory = true;
    return p;
}

const char *dump_text(struct dump *d, const char *bytes, size_t len)
{
    char clean[TEXT_MAX];
    size_t n = text_clean(clean, sizeof clean, bytes, len, NULL);
    char *copy = arena_copy(d->arena, clean, n);

    if (copy == NULL) {
        d->no_memory = true;
        return "";
    }
    return copy;
}

const char *dump_textf(struct dump *d, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return dump_text(d, text, strlen(text));
}

const char *dump_text16(struct dump *d, const unsigned char *bytes, size_t len)
{
    size_t n = 0;
    char *utf8 = text_from_utf16le(bytes, len & ~(size_t)1, &n);
    const char *out;

    if (utf8 == NULL) {
        d->no_memory = true;
        return "";
    }
    out = dump_text(d, utf8, n);
    free(utf8);
    return out;
}

void dump_finding(struct dump *d, const char *rule, uint64_t offset, const char *fmt, ...)
{
    struct triage_verdict *v = d->v;
    char text[TEXT_MAX];
    va_list ap;

    if (v->finding_count == TRIAGE_FINDINGS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    v->findings[v->finding_count++] =
        (struct triage_finding){ .rule = rule, .offset = offset, .text = dump_text(d, text, strlen(text)) };
}

void dump_note(struct dump *d, const char *fmt, ...)
{
    struct triage_verdict *v = d->v;
    char text[TEXT_MAX];
    va_list ap;

    if (v->note_count == TRIAGE_NOTES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    v->notes[v->note_count++] = dump_text(d, text, strlen(text));
}

void dump_damage(struct dump *d, enum triage_status status, const char *text)
{
    assert(status <= TRIAGE_CORRUPT);
    if (status <= d->v->status)
        return;
    d->v->status = status;
    d->v->status_text = text;
}

int dump_driver_at(const struct dump *d, uint64_t va)
{
    size_t lo = 0, hi = d->by_base == NULL ? 0 : d->v->driver_count;
    const struct triage_driver *m;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (d->by_base[mid].base <= va)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return -1;
    m = &d->v->drivers[d->by_base[lo - 1].index];
    return va - m->base < m->size ? (int)d->by_base[lo - 1].index : -1;
}

static int compare_base(const void *a, const void *b)
{
    const struct by_base *x = a, *y = b;

    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void dump_sort_drivers(struct dump *d)
{
    size_t n = d->v->driver_count;

    if (n == 0)
        return;
    free(d->by_base);
    d->by_base = calloc(n, sizeof *d->by_base);
    if (d->by_base == NULL) {
        d->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        d->by_base[i] = (struct by_base){ .base = d->v->drivers[i].base, .index = (uint32_t)i };
    qsort(d->by_base, n, sizeof *d->by_base, compare_base);
}

struct triage_place dump_place(const struct dump *d, uint64_t va)
{
    struct triage_place p = { .address = va, .driver = dump_driver_at(d, va), .symbol = "" };

    if (p.driver >= 0)
        p.offset = va - d->v->drivers[p.driver].base;
    return p;
}

const char *dump_place_words(struct dump *d, const struct triage_place *p)
{
    char text[TRIAGE_PLACE_TEXT];

    triage_place_text(d->v, p, text, sizeof text);
    return dump_text(d, text, strlen(text));
}

int dump_driver_named(const struct dump *d, const char *name)
{
    for (size_t i = 0; i < d->v->driver_count; i++)
        if (text_casecmp(d->v->drivers[i].name, name) == 0)
            return (int)i;
    return -1;
}
