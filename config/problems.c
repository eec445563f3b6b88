/* See problems.h.  A hostile file could hold more mistakes than anyone reads:
 * the first PROBLEMS_MAX are kept, the rest are counted. */
#include "config/problems.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void problems_init(struct problems *p)
{
    arena_init(&p->arena, (size_t)PROBLEMS_MAX * (PROBLEM_TEXT_MAX + 64));
    p->count = 0;
    p->more = 0;
    p->no_memory = false;
}

void problems_free(struct problems *p)
{
    arena_free(&p->arena);
    p->count = 0;
}

void problem_add(struct problems *p, struct place at, const char *key, const char *fmt, ...)
{
    char text[PROBLEM_TEXT_MAX];
    va_list ap;
    int used = 0;
    const char *kept;

    assert(at.line > 0 && at.column > 0);
    if (key != NULL)
        used = snprintf(text, sizeof text, "%s: ", key);
    assert(used >= 0 && used < PROBLEM_TEXT_MAX);
    va_start(ap, fmt);
    used += vsnprintf(text + used, sizeof text - (size_t)used, fmt, ap);
    va_end(ap);
    if (used >= PROBLEM_TEXT_MAX)
        used = PROBLEM_TEXT_MAX - 1;
    if (p->count == PROBLEMS_MAX) {
        p->more++;
        return;
    }
    kept = arena_copy(&p->arena, text, (size_t)used);
    if (kept == NULL) {
        p->no_memory = true;
        return;
    }
    p->items[p->count] = (struct problem){ .at = at, .order = p->count, .text = kept };
    p->count++;
}

static int by_place(const void *a, const void *b)
{
    const struct problem *x = a, *y = b;

    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    if (x->at.column != y->at.column)
        return x->at.column < y->at.column ? -1 : 1;
    return x->order - y->order;
}

void problems_write(struct problems *p, const char *name, struct buf *out)
{
    if (p->count > 0)
        qsort(p->items, (size_t)p->count, sizeof p->items[0], by_place);
    for (int i = 0; i < p->count; i++)
        buf_printf(out, "%s:%zu:%zu: %s\n", name, p->items[i].at.line, p->items[i].at.column, p->items[i].text);
    if (p->more > 0)
        buf_printf(out, "%s:1:1: %d more problems are not shown; mend these first\n", name, p->more);
}
