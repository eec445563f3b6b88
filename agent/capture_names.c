/* See capture_names.h. */
#include "agent/capture_names.h"

#include "base/text.h"
#include "base/times.h"
#include "model/identity.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES = CAPTURE_NAMES_MAX * 2, /* a power of two, at most half full */
    NAMES_BYTES_MAX = 32 * 1024 * 1024,
    HARMLESS_MAX = 96, /* what needs no hiding is short */
    OCTET_MAX = 255,
};

int capture_names_init(struct capture_names *n, struct err *e)
{
    *n = (struct capture_names){ 0 };
    arena_init(&n->arena, NAMES_BYTES_MAX);
    n->names = calloc(PLACES, sizeof *n->names);
    n->numbers = calloc(PLACES, sizeof *n->numbers);
    if (n->names == NULL || n->numbers == NULL) {
        capture_names_free(n);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    return 0;
}

void capture_names_free(struct capture_names *n)
{
    free(n->names);
    free(n->numbers);
    arena_free(&n->arena);
    *n = (struct capture_names){ 0 };
}

/* ---- the table ---------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t hash(const char *name, size_t len)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)lower(name[i])) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32) & (PLACES - 1);
}

void capture_name(struct capture_names *n, const char *name, size_t len, char out[CAPTURE_NAME_TEXT_MAX])
{
    size_t at = hash(name, len);

    while (n->names[at] != NULL && (text_ncasecmp(n->names[at], name, len) != 0 || n->names[at][len] != '\0'))
        at = (at + 1) & (PLACES - 1);
    if (n->names[at] == NULL && n->count < CAPTURE_NAMES_MAX) {
        n->names[at] = arena_copy(&n->arena, name, len);
        if (n->names[at] != NULL)
            n->numbers[at] = ++n->count;
    }
    if (n->names[at] == NULL)
        snprintf(out, CAPTURE_NAME_TEXT_MAX, "name-x");
    else
        snprintf(out, CAPTURE_NAME_TEXT_MAX, "name-%d", n->numbers[at]);
}

void capture_host_name(struct capture_names *n, const char *name, size_t len, char out[CAPTURE_NAME_TEXT_MAX])
{
    const char *dot = memchr(name, '.', len);

    capture_name(n, name, dot != NULL && dot > name ? (size_t)(dot - name) : len, out);
}

/* ---- what needs no hiding ----------------------------------------------- */

static bool only(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

/* Digits with dots and commas, at most three or four parts; four parts that
 * could be an address are one. */
static bool is_number(const char *text)
{
    unsigned a, b, c, d;
    int end = 0;

    if (!only(text, "0123456789.,-%") || strpbrk(text, "0123456789") == NULL)
        return false;
    if (sscanf(text, "%9u.%9u.%9u.%9u%n", &a, &b, &c, &d, &end) == 4 && text[end] == '\0')
        return a > OCTET_MAX || b > OCTET_MAX || c > OCTET_MAX || d > OCTET_MAX;
    return strspn(text, "0123456789") < sizeof "18446744073709551615";
}

static bool is_hex(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '\0' && strlen(text) <= 18 &&
           only(text + 2, "0123456789abcdefABCDEF");
}

/* "Negotiated (3.0) - Expected (3.0)", whatever the words are in the host's
 * language (hyperv.md A.2). */
static bool is_negotiation(const char *text)
{
    unsigned a, b, c, d;
    int end = 0;

    return sscanf(text, "%*40[^()0-9](%4u.%4u) -%*40[^()0-9](%4u.%4u)%n", &a, &b, &c, &d, &end) == 4 &&
           text[end] == '\0';
}

bool capture_is_harmless(const char *text, size_t len)
{
    char copy[HARMLESS_MAX + 1], guid[GUID_TEXT_MAX];
    int64_t time;

    while (len > 0 && isspace((unsigned char)text[0])) {
        text++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    if (len == 0)
        return true;
    if (len > HARMLESS_MAX || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return guid_parse(copy, len, guid) || is_hex(copy) || is_number(copy) || times_parse(copy, &time) ||
           is_negotiation(copy) || text_casecmp(copy, "true") == 0 || text_casecmp(copy, "false") == 0;
}

void capture_escape(struct buf *out, const char *text, size_t len)
{
    static const struct {
        char c;
        const char *as;
    } escapes[] = { { '<', "&lt;" }, { '>', "&gt;" }, { '&', "&amp;" }, { '"', "&quot;" }, { '\r', "&#13;" } };

    for (size_t i = 0; i < len; i++) {
        const char *as = NULL;

        for (size_t k = 0; k < sizeof escapes / sizeof escapes[0]; k++)
            if (escapes[k].c == text[i])
                as = escapes[k].as;
        if (as != NULL)
            buf_str(out, as);
        else
            buf_char(out, text[i]);
    }
}
