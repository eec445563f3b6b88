/* See text.h. */
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
static const char ellipsis[] = "\xE2\x80\xA6";    /* U+2026 */

/* Decodes one character of valid UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF).  Returns its length, or 0. */
static size_t utf8_decode(const unsigned char *p, size_t len, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
    uint32_t c;

    if (n == 0 || n > len || p[0] > 0xF4)
        return 0;
    c = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *out = c;
    return n;
}

static bool is_unprintable(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

size_t text_printable_run(const char *text, size_t len)
{
    size_t i = 0;
    uint64_t word;

    /* Eight at a time: taking 0x20 borrows from those below it, adding one carries over from 0x7F. */
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        if (((word | (word - UINT64_C(0x2020202020202020)) | (word + UINT64_C(0x0101010101010101))) &
             UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (i < len && text[i] >= 0x20 && text[i] < 0x7F)
        i++;
    return i;
}

/* Copies the printable ASCII that src begins with, as far as an ellipsis fits
 * behind it; returns how much.  Most texts are nothing else. */
static size_t copy_plain(char *dst, size_t size, const char *src, size_t len)
{
    size_t room = size > sizeof ellipsis ? size - sizeof ellipsis : 0, most = len < room ? len : room;
    size_t n = text_printable_run(src, most);

    if (n > 0)
        memcpy(dst, src, n);
    return n;
}

size_t text_clean(char *dst, size_t size, const char *src, size_t len, bool *changed)
{
    size_t used = copy_plain(dst, size, src, len), cut_at = used, i = used;
    bool replaced = false;

    assert(size > 0);
    while (i < len) {
        const char *piece = src + i;
        uint32_t c = 0;
        size_t n = utf8_decode((const unsigned char *)piece, len - i, &c), step = n == 0 ? 1 : n;

        if (n == 1 && (c == '\t' || c == '\n' || c == '\r')) {
            piece = " ";
        } else if (n == 0 || is_unprintable(c)) {
            piece = replacement;
            n = sizeof replacement - 1;
            replaced = true;
        }
        if (used + n >= size) {
            bool room = cut_at + sizeof ellipsis <= size;

            used = cut_at;
            if (room) {
                memcpy(dst + used, ellipsis, sizeof ellipsis - 1);
                used += sizeof ellipsis - 1;
            }
            replaced = true;
            break;
        }
        memcpy(dst + used, piece, n);
        used += n;
        if (used + sizeof ellipsis <= size)
            cut_at = used;
        i += step;
    }
    dst[used] = '\0';
    if (changed != NULL)
        *changed = replaced;
    return used;
}

bool text_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src), n = len < size ? len : size - 1;

    assert(size > 0);
    memcpy(dst, src, n);
    dst[n] = '\0';
    return n == len;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int text_ncasecmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int diff = lower((unsigned char)a[i]) - lower((unsigned char)b[i]);

        if (diff != 0 || a[i] == '\0')
            return diff;
    }
    return 0;
}

int text_casecmp(const char *a, const char *b)
{
    return text_ncasecmp(a, b, SIZE_MAX);
}

bool text_ends_with_nocase(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && text_casecmp(text + n - m, end) == 0;
}

static int digit_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

bool text_u64(const char *text, uint64_t *out)
{
    uint64_t base = 10, value = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint64_t d = (uint64_t)digit_value((unsigned char)*text);

        if (d >= base || value > (UINT64_MAX - d) / base)
            return false;
        value = value * base + d;
    }
    *out = value;
    return true;
}

static size_t utf8_encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

char *text_from_utf16le(const unsigned char *bytes, size_t len, size_t *out_len)
{
    size_t units = len / 2, used = 0;
    char *out;

    /* One unit of 16 bits becomes three bytes at most. */
    assert(units <= (SIZE_MAX - 1) / 3);
    out = malloc(units * 3 + 1);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < units; i++) {
        uint32_t c = (uint32_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);

        if (c >= 0xD800 && c <= 0xDBFF && i + 1 < units) {
            uint32_t low = (uint32_t)(bytes[2 * i + 2] | bytes[2 * i + 3] << 8);

            if (low >= 0xDC00 && low <= 0xDFFF) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i++;
            }
        }
        if (c >= 0xD800 && c <= 0xDFFF)
            c = 0xFFFD;
        used += utf8_encode(c, out + used);
    }
    out[used] = '\0';
    if (out_len != NULL)
        *out_len = used;
    return out;
}
