/* See xml_scan.h.
 *
 * Every byte is looked up once in a table of what it may be part of.  A start
 * tag is copied as it is read, with NULs where its names and values end; text
 * is copied as its entities are resolved.  Neither ever becomes longer.
 */
#include "collectors/xml_scan.h"

#include "base/buf.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLANK = 1,
    NAME_START = 2,
    NAME = 4,
    PLAIN = 8,  /* text that stands for itself */
    VALUE = 16, /* the same in an attribute's value; quotes are looked at apart */
    LETTER = NAME_START | NAME | PLAIN | VALUE,
    SIGN = PLAIN | VALUE,
};

/* clang-format off */
static const unsigned char kinds[256] = {
    ['\t'] = BLANK | PLAIN, ['\n'] = BLANK | PLAIN, ['\r'] = BLANK, [' '] = BLANK | PLAIN | VALUE,
    ['!'] = SIGN, ['"'] = PLAIN, ['#' ... '%'] = SIGN, ['\''] = PLAIN, ['(' ... ','] = SIGN,
    ['-' ... '.'] = NAME | SIGN, ['/'] = SIGN, ['0' ... '9'] = NAME | SIGN, [':'] = LETTER, [';'] = SIGN,
    ['='] = SIGN, ['>' ... '@'] = SIGN, ['A' ... 'Z'] = LETTER, ['[' ... '\\'] = SIGN,
    [']'] = VALUE, /* in text "]]>" is forbidden */
    ['^'] = SIGN, ['_'] = LETTER, ['`'] = SIGN, ['a' ... 'z'] = LETTER, ['{' ... 0x7F] = SIGN,
};
/* clang-format on */

struct xml_scan {
    const char *at, *end;
    const struct xml_scan_handler *handler;
    struct buf text;
    int depth;
    struct {
        const char *name;
        size_t len;
    } open[XML_SCAN_DEPTH_MAX];
    const char *attributes[2 * XML_SCAN_ATTRIBUTES + 1];
    char tag[XML_SCAN_TAG_MAX];
};

static bool is(char c, int kind)
{
    return (kinds[(unsigned char)c] & kind) != 0;
}

static void skip_blanks(struct xml_scan *s)
{
    while (s->at < s->end && is(*s->at, BLANK))
        s->at++;
}

static bool take(struct xml_scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* ---- characters --------------------------------------------------------- */

/* Bytes of the character of several bytes at p when XML knows it, else 0. */
static size_t long_character(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char c = p[0], second = len > 1 ? p[1] : 0;
    size_t n = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;

    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((c == 0xE0 && second < 0xA0) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
        return 0; /* too long a form; beyond the last character */
    if ((c == 0xED && second > 0x9F) || (c == 0xEF && second == 0xBF && p[2] >= 0xBE))
        return 0; /* half of a pair; U+FFFE and U+FFFF */
    return n;
}

/* "&#13;" and "&#xD;": the character, 0 when it is declined. */
static char numeric_reference(const char *p, const char *semicolon)
{
    bool hex = *p == 'x';
    int c = 0;

    p += hex;
    if (p == semicolon)
        return 0;
    for (; p < semicolon && c < 128; p++) {
        int digit = *p >= '0' && *p <= '9'          ? *p - '0'
                    : hex && *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
                    : hex && *p >= 'A' && *p <= 'F' ? *p - 'A' + 10
                                                    : 128;

        c = c * (hex ? 16 : 10) + digit;
    }
    return c < 128 && (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') ? (char)c : 0;
}

/* Steps over `name` when that is what stands at *p. */
static bool step_over(const char **p, size_t left, const char *name, size_t len)
{
    if (left < len || memcmp(*p, name, len) != 0)
        return false;
    *p += len;
    return true;
}

#define STEP_OVER(p, left, literal) step_over((p), (left), (literal), sizeof(literal) - 1)

/* The character of the reference behind '&' at *p, and *p behind it; 0 when it is declined. */
static char reference(const char **p, const char *end)
{
    size_t left = (size_t)(end - *p);
    const char *semicolon;
    char c;

    switch (left > 0 ? **p : '\0') {
    case 'q':
        return STEP_OVER(p, left, "quot;") ? '"' : 0;
    case 'l':
        return STEP_OVER(p, left, "lt;") ? '<' : 0;
    case 'g':
        return STEP_OVER(p, left, "gt;") ? '>' : 0;
    case 'a':
        return STEP_OVER(p, left, "amp;") ? '&' : STEP_OVER(p, left, "apos;") ? '\'' : 0;
    case '#':
        semicolon = memchr(*p, ';', left);
        c = semicolon != NULL ? numeric_reference(*p + 1, semicolon) : 0;
        if (c != 0)
            *p = semicolon + 1;
        return c;
    default:
        return 0;
    }
}

/* ---- text --------------------------------------------------------------- */

/* One thing in text that does not stand for itself: *p and *out go on behind it. */
static bool decode_one(const char **p, const char *end, char **out)
{
    size_t left = (size_t)(end - *p), n;
    char c = **p;

    switch (c) {
    case '&':
        ++*p;
        c = reference(p, end);
        *(*out)++ = c;
        return c != 0;
    case '\r':
        *p += left > 1 && (*p)[1] == '\n' ? 2 : 1;
        *(*out)++ = '\n';
        return true;
    case ']':
        if (left > 2 && (*p)[1] == ']' && (*p)[2] == '>')
            return false;
        ++*p;
        *(*out)++ = c;
        return true;
    default:
        n = long_character(*p, left);
        memcpy(*out, *p, n);
        *p += n;
        *out += n;
        return n > 0;
    }
}

static bool scan_text(struct xml_scan *s)
{
    const char *p = s->at, *end = memchr(p, '<', (size_t)(s->end - p));
    char *out, *first;

    if (end == NULL)
        return false;
    if (s->handler->written != NULL && s->handler->written(s->handler->arg, p, (size_t)(end - p))) {
        s->at = end;
        return true;
    }
    buf_clear(&s->text);
    first = out = buf_room(&s->text, (size_t)(end - p));
    if (out == NULL)
        return false;
    while (p < end) {
        while (p < end && is(*p, PLAIN))
            *out++ = *p++;
        if (p < end && !decode_one(&p, end, &out))
            return false;
    }
    s->at = end;
    s->handler->text(s->handler->arg, first, (int)(out - first));
    return true;
}

/* ---- tags --------------------------------------------------------------- */

/* Copies a name to *out, NUL-ended.  Ends before stop. */
static const char *scan_name(struct xml_scan *s, const char *stop, char **out)
{
    const char *p = s->at, *name = *out;
    char *o = *out;

    if (p == stop || !is(*p, NAME_START))
        return NULL;
    while (p < stop && is(*p, NAME))
        *o++ = *p++;
    if (p == stop)
        return NULL;
    *o++ = '\0';
    *out = o;
    s->at = p;
    return name;
}

static const char *scan_value(struct xml_scan *s, const char *stop, char **out)
{
    const char *p = s->at, *value = *out;
    char *o = *out, quote;

    if (p == stop || (*p != '"' && *p != '\''))
        return NULL;
    for (quote = *p++; p < stop && *p != quote;) {
        if (is(*p, VALUE) || *p == '"' || *p == '\'') {
            *o++ = *p++;
        } else if (*p == '&') {
            p++;
            if ((*o++ = reference(&p, stop)) == '\0')
                return NULL;
        } else {
            size_t n = long_character(p, (size_t)(stop - p));

            if (n == 0)
                return NULL;
            memcpy(o, p, n);
            o += n;
            p += n;
        }
    }
    if (p == stop)
        return NULL;
    *o++ = '\0';
    *out = o;
    s->at = p + 1;
    return value;
}

static bool scan_attribute(struct xml_scan *s, const char *stop, int count, char **out)
{
    const char *name = scan_name(s, stop, out), *value;

    if (name == NULL || count == XML_SCAN_ATTRIBUTES)
        return false;
    for (int i = 0; i < count; i++) {
        if (strcmp(s->attributes[2 * i], name) == 0)
            return false;
    }
    skip_blanks(s);
    if (!take(s, '='))
        return false;
    skip_blanks(s);
    value = s->at < stop ? scan_value(s, stop, out) : NULL;
    s->attributes[2 * count] = name;
    s->attributes[2 * count + 1] = value;
    return value != NULL;
}

static bool scan_attributes(struct xml_scan *s, const char *stop, char *out)
{
    int count = 0;

    for (;;) {
        bool blank = s->at < stop && is(*s->at, BLANK);

        skip_blanks(s);
        if (s->at >= stop)
            return false;
        if (*s->at == '>' || *s->at == '/')
            break;
        if (!blank || !scan_attribute(s, stop, count, &out))
            return false;
        count++;
    }
    s->attributes[2 * count] = NULL;
    return true;
}

static bool scan_start(struct xml_scan *s)
{
    size_t left = (size_t)(s->end - s->at);
    const char *stop = s->at + (left < sizeof s->tag ? left : sizeof s->tag), *written = s->at, *name;
    char *out = s->tag;

    name = scan_name(s, stop, &out);
    if (name == NULL || s->depth == XML_SCAN_DEPTH_MAX)
        return false;
    s->open[s->depth].name = written;
    s->open[s->depth].len = (size_t)(s->at - written);
    if (!scan_attributes(s, stop, out))
        return false;
    s->depth++;
    s->handler->start(s->handler->arg, name, s->attributes);
    if (take(s, '/')) {
        s->depth--;
        s->handler->end(s->handler->arg);
    }
    return take(s, '>');
}

static bool scan_end(struct xml_scan *s)
{
    size_t len;

    if (s->depth == 0)
        return false;
    len = s->open[--s->depth].len;
    if ((size_t)(s->end - s->at) <= len || memcmp(s->at, s->open[s->depth].name, len) != 0)
        return false;
    s->at += len;
    skip_blanks(s);
    s->handler->end(s->handler->arg);
    return take(s, '>');
}

bool xml_scan(struct xml_scan *s, const char *xml, size_t len, const struct xml_scan_handler *h)
{
    s->at = xml;
    s->end = xml + len;
    s->handler = h;
    s->depth = 0;
    skip_blanks(s);
    do {
        bool good;

        if (!take(s, '<'))
            good = s->depth > 0 && s->at < s->end && scan_text(s);
        else if (take(s, '/'))
            good = scan_end(s);
        else
            good = scan_start(s);
        if (!good)
            return false;
    } while (s->depth > 0);
    skip_blanks(s);
    return s->at == s->end;
}

/* ---- the scanner -------------------------------------------------------- */

struct xml_scan *xml_scan_new(size_t max)
{
    struct xml_scan *s = calloc(1, sizeof *s);

    assert(max < INT_MAX);
    if (s != NULL)
        buf_init(&s->text, max);
    return s;
}

void xml_scan_free(struct xml_scan *s)
{
    if (s == NULL)
        return;
    buf_free(&s->text);
    free(s);
}
