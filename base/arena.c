/* See arena.h. */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MIN = 16 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    assert(max > 0 && max < SIZE_MAX / 2);
    *a = (struct arena){ .max = max };
}

static struct arena_chunk *chunk_new(size_t size)
{
    struct arena_chunk *c = malloc(sizeof *c + size);

    if (c != NULL)
        *c = (struct arena_chunk){ .size = size };
    return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_chunk *c = a->chunks;
    void *p;

    if (size <= a->max)
        size = (size + align - 1) / align * align;
    if (size > a->max - a->used) {
        a->full = true;
        return NULL;
    }
    if (c == NULL || c->size - c->used < size) {
        c = chunk_new(size > CHUNK_MIN ? size : CHUNK_MIN);
        if (c == NULL)
            return NULL;
        c->next = a->chunks;
        a->chunks = c;
    }
    p = c->bytes + c->used;
    c->used += size;
    a->used += size;
    return memset(p, 0, size);
}

char *arena_copy(struct arena *a, const char *text, size_t len)
{
    char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

    if (p != NULL && len > 0)
        memcpy(p, text, len);
    return p;
}

static void free_from(struct arena_chunk *c)
{
    while (c != NULL) {
        struct arena_chunk *next = c->next;

        free(c);
        c = next;
    }
}

void arena_reset(struct arena *a)
{
    if (a->chunks != NULL) {
        free_from(a->chunks->next);
        a->chunks->next = NULL;
        a->chunks->used = 0;
    }
    a->used = 0;
    a->full = false;
}

void arena_free(struct arena *a)
{
    free_from(a->chunks);
    a->chunks = NULL;
    a->used = 0;
    a->full = false;
}
