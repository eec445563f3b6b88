/* See buf.h.  Growth doubles, so appending n bytes costs O(n) in all. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void buf_init(struct buf *b, size_t max)
{
    assert(max > 0 && max < SIZE_MAX / 2);
    *b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->error = ERR_OK;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_swap(struct buf *a, struct buf *b)
{
    const struct buf c = *a;

    *a = *b;
    *b = c;
}

/* True when len more bytes and a NUL fit. */
static bool reserve(struct buf *b, size_t len)
{
    size_t cap = b->cap;
    char *grown;

    if (b->error != ERR_OK)
        return false;
    if (len > b->max - b->len) {
        b->error = ERR_TOO_BIG;
        return false;
    }
    if (b->len + len + 1 <= cap)
        return true;
    if (cap == 0)
        cap = FIRST_CAP;
    while (cap < b->len + len + 1)
        cap *= 2;
    grown = realloc(b->data, cap);
    if (grown == NULL) {
        b->error = ERR_MEMORY;
        return false;
    }
    b->data = grown;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    if (!reserve(b, 1))
        return;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

/* Prints into the room that is there, and once more when that was too small. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
    size_t room = b->error == ERR_OK ? b->cap - b->len : 0;
    va_list ap;
    int need;

    va_start(ap, fmt);
    need = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
    va_end(ap);
    assert(need >= 0);
    if ((size_t)need < room && (size_t)need <= b->max - b->len) {
        b->len += (size_t)need;
        return;
    }
    if (room > 0)
        b->data[b->len] = '\0';
    if (!reserve(b, (size_t)need))
        return;
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)need + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)need;
}

char *buf_room(struct buf *b, size_t len)
{
    return reserve(b, len) ? b->data + b->len : NULL;
}

void buf_used(struct buf *b, size_t len)
{
    assert(b->len + len < b->cap);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_drop_front(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

const char *buf_text(const struct buf *b)
{
    return b->data != NULL ? b->data : "";
}

enum err_code buf_error(const struct buf *b)
{
    return b->error;
}
