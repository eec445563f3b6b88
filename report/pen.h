/* Writing many rows fast: room for a row is made once (buf_room()), then its bytes are put down without asking,
 * and most texts are copied whole because a look at sixteen bytes at a time shows that nothing in them needs
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

/* A number as decimal digits. */
static inline void pen_number(struct pen *p, unsigned number)
{
    char digits[10], *at = digits + sizeof digits;

    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    pen_bytes(p, at, (size_t)(digits + sizeof digits - at));
}

/* The time that was put down last: the guests of a host were seen in one moment, and are neighbours.  Starts as 0. */
struct pen_clock {
    int64_t ns;
    char text[TIMES_TEXT_MAX];
};

/* A time's text; "" when it is not known. */
static inline const char *pen_time_text(struct pen_clock *last, int64_t ns)
{
    if (last->ns != ns)
        times_format(ns, last->text);
    last->ns = ns;
    return last->text;
}

/* ---- sixteen bytes at a time ---------------------------------------------- */

/* The compiler's vectors: what is done to one is done to each of its bytes, and a comparison is 0 or all ones. */
typedef unsigned char pen_sixteen __attribute__((vector_size(16)));

static inline pen_sixteen pen_special_json(pen_sixteen b)
{
    return (pen_sixteen)((b < 0x20) | (b == '"') | (b == '\\'));
}

static inline pen_sixteen pen_special_html(pen_sixteen b)
{
    return (pen_sixteen)((b == '&') | (b == '<') | (b == '>') | (b == '"') | (b == '\''));
}

static inline pen_sixteen pen_special_csv(pen_sixteen b)
{
    return (pen_sixteen)((b == ',') | (b == '"') | (b == '\r') | (b == '\n'));
}

static inline pen_sixteen pen_special_quote(pen_sixteen b)
{
    return (pen_sixteen)(b == '"');
}

static inline pen_sixteen pen_special_yaml(pen_sixteen b)
{
    return (pen_sixteen)((b == '"') | (b == '\\'));
}

static inline pen_sixteen pen_load(const char *bytes)
{
    pen_sixteen b;

    memcpy(&b, bytes, sizeof b);
    return b;
}

/* Is nothing special in the text?  The last sixteen bytes of a longer text may be looked at twice. */
static inline bool pen_is_plain(const char *text, size_t len, pen_sixteen (*special)(pen_sixteen b))
{
    pen_sixteen few = (pen_sixteen){ 0 } + 'a', found;
    uint64_t halves[2];

    if (len < sizeof few) {
        memcpy(&few, text, len);
        found = special(few);
    } else {
        found = special(pen_load(text + len - sizeof found));
        for (size_t at = 0; at + sizeof found <= len; at += sizeof found)
            found |= special(pen_load(text + at));
    }
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

#endif
