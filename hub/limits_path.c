/* See limits_path.h. */
#include "hub/limits_path.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "%41" stands for; 0 when at is no encoding, or one of a NUL. */
static int byte_at(const char *at)
{
    int high = at[0] == '%' ? digit_of(at[1]) : -1;
    int low = high >= 0 ? digit_of(at[2]) : -1;

    return low >= 0 ? high * 16 + low : 0;
}

size_t path_decode(char *text)
{
    char *out = text;

    for (const char *at = text; *at != '\0';) {
        int byte = byte_at(at);

        *out++ = byte != 0 ? (char)byte : *at;
        at += byte != 0 ? 3 : 1;
    }
    *out = '\0';
    return (size_t)(out - text);
}
