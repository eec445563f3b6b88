/* See cim_text.h. */
#include "collectors/cim_text.h"

#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CUTS_MAX = 16,
    NESTED_MAX = 8, /* an instance in an instance is an embedded object; nobody embeds deeper */
    ENCODING_NAME_MAX = 32,
    DECLARATION_MAX = 256,
};

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* ---- encodings ---------------------------------------------------------- */

static bool begins(const char *text, size_t len, const char *with, size_t with_len)
{
    return len >= with_len && memcmp(text, with, with_len) == 0;
}

#define BEGINS(text, len, literal) begins((text), (len), (literal), sizeof(literal) - 1)

enum utf16_order { NOT_UTF16, UTF16_LE, UTF16_BE };

/* A '<' or white space of two bytes gives the order away where there is no mark. */
static enum utf16_order utf16_order(const char *bytes, size_t len)
{
    if (BEGINS(bytes, len, "\xFF\xFE"))
        return UTF16_LE;
    if (BEGINS(bytes, len, "\xFE\xFF"))
        return UTF16_BE;
    if (len < 2)
        return NOT_UTF16;
    if (bytes[1] == '\0' && strchr("< \r\n\t", bytes[0]) != NULL && bytes[0] != '\0')
        return UTF16_LE;
    if (bytes[0] == '\0' && strchr("< \r\n\t", bytes[1]) != NULL && bytes[1] != '\0')
        return UTF16_BE;
    return NOT_UTF16;
}

static void swap_bytes(char *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        char first = bytes[i];

        bytes[i] = bytes[i + 1];
        bytes[i + 1] = first;
    }
}

static int scratch_error(const struct buf *scratch, struct err *e)
{
    if (buf_error(scratch) == ERR_TOO_BIG)
        return err_set(e, ERR_TOO_BIG, "the text is larger than %zu bytes", scratch->max);
    return err_set(e, ERR_MEMORY, "out of memory");
}

static int from_utf16(const char *bytes, size_t len, enum utf16_order order, struct buf *scratch, struct err *e)
{
    char *utf8;
    size_t utf8_len = 0;

    buf_add(scratch, bytes, len);
    if (buf_error(scratch) != ERR_OK)
        return scratch_error(scratch, e);
    if (order == UTF16_BE)
        swap_bytes(scratch->data, scratch->len);
    utf8 = text_from_utf16le((const unsigned char *)scratch->data, scratch->len, &utf8_len);
    if (utf8 == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    buf_clear(scratch);
    buf_add(scratch, utf8, utf8_len);
    free(utf8);
    return buf_error(scratch) == ERR_OK ? 0 : scratch_error(scratch, e);
}

static void from_latin1(const char *bytes, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x80) {
            buf_char(out, (char)(0xC0 | c >> 6));
            c = 0x80 | (c & 0x3F);
        }
        buf_char(out, (char)c);
    }
}

/* The encoding that an XML declaration at the start names; "" for none. */
static void declared_encoding(const char *text, size_t len, char *out, size_t size)
{
    char head[DECLARATION_MAX];
    char *at, *end;
    size_t n;

    out[0] = '\0';
    n = len < sizeof head ? len : sizeof head - 1;
    memcpy(head, text, n);
    head[n] = '\0';
    at = head + strspn(head, " \t\r\n");
    end = strncmp(at, "<?xml", 5) == 0 ? strstr(at, "?>") : NULL;
    if (end == NULL)
        return;
    *end = '\0';
    at = strstr(at, "encoding");
    if (at == NULL || at[n = strcspn(at, "\"'")] == '\0')
        return;
    at += n + 1;
    n = strcspn(at, "\"'");
    text_clean(out, size, at, n, NULL);
}

int cim_text_utf8(const char *bytes, size_t len, struct buf *scratch, const char **out, size_t *out_len, struct err *e)
{
    static const char *const same[] = { "", "utf-8", "utf8", "us-ascii", "utf-16", "unicode" };
    static const char *const latin[] = { "iso-8859-1", "windows-1252" };
    enum utf16_order order = utf16_order(bytes, len);
    char encoding[ENCODING_NAME_MAX];

    buf_clear(scratch);
    if (order != NOT_UTF16) {
        int rc = from_utf16(bytes, len, order, scratch, e);

        if (rc != 0)
            return rc;
        bytes = buf_text(scratch);
        len = scratch->len;
    }
    if (BEGINS(bytes, len, "\xEF\xBB\xBF")) {
        bytes += 3;
        len -= 3;
    }
    *out = bytes;
    *out_len = len;
    if (order != NOT_UTF16 || memchr(bytes, '?', len < DECLARATION_MAX ? len : DECLARATION_MAX) == NULL)
        return 0;
    declared_encoding(bytes, len, encoding, sizeof encoding);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        if (text_casecmp(encoding, same[i]) == 0)
            return 0;
    }
    for (size_t i = 0; i < sizeof latin / sizeof latin[0]; i++) {
        if (text_casecmp(encoding, latin[i]) != 0)
            continue;
        from_latin1(bytes, len, scratch);
        *out = buf_text(scratch);
        *out_len = scratch->len;
        return buf_error(scratch) == ERR_OK ? 0 : scratch_error(scratch, e);
    }
    return err_set(e, ERR_UNSUPPORTED, "the encoding %s is not known here; save the file as UTF-8", encoding);
}

/* ---- instances ---------------------------------------------------------- */

void cim_slices_init(struct cim_slices *s, const char *text, size_t len)
{
    *s = (struct cim_slices){ .text = text, .len = len };
}

/* The place behind the next `what` at or after `at`; len when there is none. */
static size_t behind(const struct cim_slices *s, size_t at, const char *what)
{
    size_t n = strlen(what);
    const char *found = at < s->len ? memmem(s->text + at, s->len - at, what, n) : NULL;

    return found != NULL ? (size_t)(found - s->text) + n : s->len;
}

/* The place behind the '>' that ends the tag at `at`, quotes respected; 0 when
 * the tag does not end. */
static size_t behind_tag(const struct cim_slices *s, size_t at)
{
    char quote = '\0';

    for (; at < s->len; at++) {
        char c = s->text[at];

        if (quote != '\0')
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '>')
            return at + 1;
    }
    return 0;
}

static bool is_tag(const struct cim_slices *s, size_t at, const char *name, size_t name_len)
{
    return s->len - at > name_len && memcmp(s->text + at, name, name_len) == 0 &&
           strchr(" \t\r\n/>", s->text[at + name_len]) != NULL && s->text[at + name_len] != '\0';
}

enum markup { MARKUP_OTHER, MARKUP_OPEN, MARKUP_EMPTY, MARKUP_CLOSE, MARKUP_DTD, MARKUP_UNENDED };

/* What the '<' at `at` begins; *next is where to go on. */
static enum markup markup_at(const struct cim_slices *s, size_t at, size_t *next)
{
    static const char open[] = "<INSTANCE", close[] = "</INSTANCE";
    const char *p = s->text + at;
    size_t left = s->len - at;
    enum markup found;

    *next = at + 1;
    if (left >= 2 && p[1] == '!') {
        if (BEGINS(p, left, "<!--"))
            *next = behind(s, at + 4, "-->");
        else if (BEGINS(p, left, "<![CDATA["))
            *next = behind(s, at + 9, "]]>");
        else if (left >= 3 && strchr("DEANdean", p[2]) != NULL && p[2] != '\0')
            return MARKUP_DTD; /* DOCTYPE, ENTITY, ELEMENT, ATTLIST, NOTATION */
        return MARKUP_OTHER;
    }
    if (left >= 2 && p[1] == '?') {
        *next = behind(s, at + 2, "?>");
        return MARKUP_OTHER;
    }
    if (left < 3 || (p[1] != 'I' && (p[1] != '/' || p[2] != 'I')))
        return MARKUP_OTHER; /* by far the most */
    if (is_tag(s, at, open, sizeof open - 1))
        found = MARKUP_OPEN;
    else if (is_tag(s, at, close, sizeof close - 1))
        found = MARKUP_CLOSE;
    else
        return MARKUP_OTHER;
    *next = behind_tag(s, at);
    if (*next == 0)
        return MARKUP_UNENDED;
    return found == MARKUP_OPEN && s->text[*next - 2] == '/' ? MARKUP_EMPTY : found;
}

static enum cim_slice_kind cut_at(struct cim_slices *s, size_t start, struct cim_slice *out)
{
    *out = (struct cim_slice){ .start = start, .end = s->len };
    s->at = start + 1;
    if (++s->cuts <= CUTS_MAX)
        return CIM_SLICE_CUT;
    s->at = s->len;
    return CIM_SLICE_LOST;
}

enum cim_slice_kind cim_slices_next(struct cim_slices *s, struct cim_slice *out)
{
    size_t at = s->at, start = 0, next;
    int nested = 0;

    assert(s->at <= s->len);
    for (const char *p; at < s->len && (p = memchr(s->text + at, '<', s->len - at)) != NULL; at = next) {
        size_t here = (size_t)(p - s->text);
        enum markup m = markup_at(s, here, &next);

        if (m == MARKUP_DTD) {
            *out = (struct cim_slice){ .start = here, .end = here };
            s->at = s->len;
            return CIM_SLICE_DTD;
        }
        if (m == MARKUP_UNENDED)
            return cut_at(s, nested > 0 ? start : here, out);
        if (nested == 0 && (m == MARKUP_OPEN || m == MARKUP_EMPTY))
            start = here;
        if (m == MARKUP_OPEN && ++nested > NESTED_MAX)
            return cut_at(s, start, out);
        if ((m == MARKUP_CLOSE && nested > 0 && --nested == 0) || (m == MARKUP_EMPTY && nested == 0)) {
            *out = (struct cim_slice){ .start = start, .end = next };
            s->at = next;
            return CIM_SLICE_INSTANCE;
        }
    }
    if (nested > 0)
        return cut_at(s, start, out);
    s->at = s->len;
    return CIM_SLICE_END;
}

/* ---- characters --------------------------------------------------------- */

/* XML 1.0, production [2] Char. */
static bool xml_knows(uint32_t c)
{
    return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
           (c >= 0x10000 && c <= 0x10FFFF);
}

/* Length of the character of two or more bytes at p when it is one that XML
 * knows, else 0. */
static size_t long_character(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : p[0] >= 0xE0 && p[0] < 0xF0 ? 3 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2 : 0;
    uint32_t c;

    if (n == 0 || n > len)
        return 0;
    c = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    return c >= least[n] && xml_knows(c) ? n : 0;
}

/* Length of the numeric reference at p ("&#1;", "&#x1F;") when it names what
 * XML does not know, else 0. */
static size_t bad_reference(const char *p, size_t len)
{
    size_t i = 2;
    uint32_t c = 0, base = 10;

    if (!BEGINS(p, len, "&#"))
        return 0;
    if (i < len && p[i] == 'x') {
        base = 16;
        i++;
    }
    for (; i < len && p[i] != ';'; i++) {
        char digit = p[i];
        uint32_t d = digit >= '0' && digit <= '9'   ? (uint32_t)(digit - '0')
                     : digit >= 'a' && digit <= 'f' ? (uint32_t)(digit - 'a') + 10
                     : digit >= 'A' && digit <= 'F' ? (uint32_t)(digit - 'A') + 10
                                                    : 99;

        if (d >= base)
            return 0;
        if (c <= 0x10FFFF)
            c = c * base + d;
    }
    return i < len && !xml_knows(c) ? i + 1 : 0;
}

/* Bytes at p to take over as they are; 0 when *bad bytes are to be replaced. */
static size_t good_here(const char *p, size_t len, size_t *bad)
{
    unsigned char c = (unsigned char)*p;

    *bad = 1;
    if (c == '&') {
        *bad = bad_reference(p, len);
        return *bad == 0;
    }
    if (c < 0x80)
        return xml_knows(c);
    return long_character((const unsigned char *)p, len);
}

void cim_text_repair(const char *text, size_t len, struct buf *out)
{
    size_t done = 0, i = 0;

    while (i < len) {
        size_t bad = 0, good = good_here(text + i, len - i, &bad);

        if (good > 0) {
            i += good;
            continue;
        }
        buf_add(out, text + done, i - done);
        buf_add(out, replacement, sizeof replacement - 1);
        i += bad;
        done = i;
    }
    buf_add(out, text + done, len - done);
}
