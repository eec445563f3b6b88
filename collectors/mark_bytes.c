/* See mark_bytes.h. */
#include "collectors/mark_bytes.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mark_put_u64(unsigned char *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(v >> 8 * i);
}

uint64_t mark_get_u64(const unsigned char *at)
{
    /* Written out, compilers see one load in it. */
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

uint64_t mark_hash(uint64_t h, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    unsigned char tail[8] = { 0 };

    h = mix(h, len);
    for (; len >= 8; p += 8, len -= 8)
        h = mix(h, mark_get_u64(p));
    if (len > 0)
        memcpy(tail, p, len);
    return mix(h, mark_get_u64(tail));
}

size_t mark_bytes_size(size_t len)
{
    return (len * 8 + 5) / 6;
}

void mark_put_bytes(struct buf *b, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint32_t bits = 0;
    int have = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | p[i];
        for (have += 8; have >= 6; have -= 6)
            buf_char(b, digits[bits >> (have - 6) & 63]);
    }
    if (have > 0)
        buf_char(b, digits[bits << (6 - have) & 63]);
}

static int digit_value(char c)
{
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

bool mark_get_bytes(const char **text, void *bytes, size_t len)
{
    unsigned char *out = bytes;
    const char *p = *text;
    uint32_t bits = 0;
    int have = 0;

    for (size_t i = 0; i < len; i++) {
        while (have < 8) {
            int v = digit_value(*p);

            if (v < 0)
                return false;
            bits = bits << 6 | (uint32_t)v;
            have += 6;
            p++;
        }
        have -= 8;
        out[i] = (unsigned char)(bits >> have);
    }
    *text = p;
    return true;
}
