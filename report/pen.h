/* Writing many rows fast: room for a row is made once (buf_room()), then its bytes are put down without asking,
 * and most texts are copied whole because a look at eight bytes at a time shows that nothing in them needs
 * escaping.  Private to report/. */
#ifndef REPORT_PEN_H
#define REPORT_PEN_H

#include "base/buf.h"
#include "base/times.h"

#include <assert.h>
#include <string.h>

struct pen {
    struct buf *out;
    char *start, *at;
    size_t room;
};

/* Room for so many bytes; false when there is none (the buffer is marked). */
static inline bool pen_begin(struct pen *p, struct buf *out, size_t room)
{
    *p = (struct pen){ .out = out, .start = buf_room(out, room), .room = room };
    p->at = p->start;
    return p->start != NULL;
}

static inline void pen_end(struct pen *p)
{
    assert((size_t)(p->at - p->start) <= p->room);
    buf_used(p->out, (size_t)(p->at - p->start));
}

static inline void pen_bytes(struct pen *p, const char *bytes, size_t len)
{
    memcpy(p->at, bytes, len);
    p->at += len;
}

static inline void pen_char(struct pen *p, char c)
{
    *p->at++ = c;
}

/* A literal. */
#define PEN_PUT(p, literal) pen_bytes((p), "" literal, sizeof(literal) - 1)

static inline void pen_text(struct pen *p, const char *text)
{
    pen_bytes(p, text, strlen(text));
}

/* ---- eight bytes at a time ------------------------------------------------ */

#define PEN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not 0 when one of the eight bytes is c. */
static inline uint64_t pen_has(uint64_t eight, unsigned char c)
{
    uint64_t x = eight ^ PEN_EACH(c);

    return (x - PEN_EACH(0x01)) & ~x & PEN_EACH(0x80);
}

/* Not 0 when one of them is below c (at most 0x80). */
static inline uint64_t pen_has_below(uint64_t eight, unsigned char c)
{
    return (eight - PEN_EACH(c)) & ~eight & PEN_EACH(0x80);
}

static inline uint64_t pen_special_json(uint64_t eight)
{
    return pen_has_below(eight, 0x20) | pen_has(eight, '"') | pen_has(eight, '\\');
}

static inline uint64_t pen_special_html(uint64_t eight)
{
    return pen_has(eight, '&') | pen_has(eight, '<') | pen_has(eight, '>') | pen_has(eight, '"') | pen_has(eight, '\'');
}

static inline uint64_t pen_special_csv(uint64_t eight)
{
    return pen_has(eight, ',') | pen_has(eight, '"') | pen_has(eight, '\r') | pen_has(eight, '\n');
}

/* Is nothing special in the text? */
static inline bool pen_is_plain(const char *text, size_t len, uint64_t (*special)(uint64_t eight))
{
    uint64_t eight, found = 0;

    for (; len >= sizeof eight; len -= sizeof eight, text += sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        found |= special(eight);
    }
    eight = PEN_EACH('a');
    memcpy(&eight, text, len);
    return (found | special(eight)) == 0;
}

#endif
