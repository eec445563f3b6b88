/* See limits_headers.h; RFC 9110, 5.1 and 5.5 (what a name and a value are made of), RFC 9112, 6.3 (lengths). */
#include "hub/limits_headers.h"

#include "base/text.h"

#include <string.h>

static const char *const once[] = { "Content-Length", "Transfer-Encoding", "Host",  "Authorization",
                                    "Content-Type",   "Content-Encoding",  "Cookie" };
enum { LENGTH_BIT = 1 << 0, ENCODING_BIT = 1 << 1, LENGTH_DIGITS = 18 };

static bool is_token(const char *name)
{
    size_t len = strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return len > 0 && name[len] == '\0';
}

static bool is_plain(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_length(const char *value)
{
    size_t digits = strspn(value, "0123456789");

    return digits > 0 && digits <= LENGTH_DIGITS && value[digits] == '\0';
}

void header_check(struct header_check *c, const char *name, const char *value, size_t value_len)
{
    if (!is_token(name) || !is_plain(value, value_len))
        c->bad = true;
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        if (strlen(once[i]) != strlen(name) || text_ncasecmp(once[i], name, strlen(name)) != 0)
            continue;
        if ((c->seen & 1u << i) != 0)
            c->bad = true;
        c->seen |= 1u << i;
        if (1u << i == LENGTH_BIT && !is_length(value))
            c->bad = true;
    }
    if ((c->seen & LENGTH_BIT) != 0 && (c->seen & ENCODING_BIT) != 0)
        c->bad = true;
}
