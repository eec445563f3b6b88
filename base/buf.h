/* A byte buffer that grows up to a ceiling given when it is made.
 *
 * Going over the ceiling, or running out of memory, marks the buffer: every
 * later append does nothing, and buf_error() tells which it was.  So a writer
 * appends as often as it likes and checks once at the end.
 *
 * The bytes are always followed by a NUL that is not counted, so that text in
 * a buffer can be handed to a function that wants a C string.
 *
 * Not thread safe: one thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;          /* owned; never NULL after the first append */
    size_t len;          /* bytes in use */
    size_t cap;          /* bytes allocated, the NUL's place included */
    size_t max;          /* ceiling for len */
    enum err_code error; /* ERR_OK, ERR_TOO_BIG or ERR_MEMORY; sticky */
};

/* An empty buffer that may hold max bytes (1 or more).  Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Gives the memory back; the buffer is as after buf_init(). */
void buf_free(struct buf *b);

/* Empties it and clears the error; keeps the memory. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for len more bytes at the end, for a reader to fill; NULL when it would
 * go over the ceiling (the buffer is then marked).  buf_used() says how many of
 * them were filled. */
char *buf_room(struct buf *b, size_t len);
void buf_used(struct buf *b, size_t len);

/* Exchanges two buffers; needs no memory. */
void buf_swap(struct buf *a, struct buf *b);

/* Drops the first n bytes (n <= len) and moves the rest to the front. */
void buf_drop_front(struct buf *b, size_t n);

/* The bytes as a C string; "" when nothing was ever appended. */
const char *buf_text(const struct buf *b);

/* ERR_OK, or why an append failed. */
enum err_code buf_error(const struct buf *b);

#endif
