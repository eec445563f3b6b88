/* See identity.h. */
#include "model/identity.h"

#include "base/text.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { GUID_LEN = 36, VM_SID_PARTS = 4, SID_PART_MAX = 11 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_dash_place(int i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* The upper-case hexadecimal digit for c, or 0. */
static char hex_upper(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'))
        return c;
    return c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : '\0';
}

bool guid_parse(const char *text, size_t len, char *out)
{
    out[0] = '\0';
    for (; len > 0 && is_blank(text[0]); len--)
        text++;
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    if (len == GUID_LEN + 2 && text[0] == '{' && text[len - 1] == '}') {
        text++;
        len -= 2;
    }
    if (len != GUID_LEN)
        return false;
    for (int i = 0; i < GUID_LEN; i++) {
        char c = is_dash_place(i) ? (char)(text[i] == '-' ? '-' : '\0') : hex_upper(text[i]);

        if (c == '\0') {
            out[0] = '\0';
            return false;
        }
        out[i] = c;
    }
    out[GUID_LEN] = '\0';
    return true;
}

/* One decimal sub-authority (32 bits) that ends in '-' or at the end. */
static bool sid_part(const char **p, uint32_t *out)
{
    size_t len = strcspn(*p, "-");
    char digits[SID_PART_MAX];
    uint64_t v;

    if (len >= sizeof digits)
        return false;
    memcpy(digits, *p, len);
    digits[len] = '\0';
    if (strchr(digits, 'x') != NULL || !text_u64(digits, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    *p += len;
    return true;
}

bool guid_from_vm_sid(const char *sid, char *out)
{
    static const char prefix[] = "S-1-5-83-1";
    uint32_t p[VM_SID_PARTS];

    out[0] = '\0';
    if (text_ncasecmp(sid, prefix, sizeof prefix - 1) != 0)
        return false;
    sid += sizeof prefix - 1;
    for (int i = 0; i < VM_SID_PARTS; i++) {
        if (*sid++ != '-' || !sid_part(&sid, &p[i]))
            return false;
    }
    if (*sid != '\0')
        return false;
    snprintf(out, GUID_TEXT_MAX, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", p[0], p[1] & 0xFFFF, p[1] >> 16,
             p[2] & 0xFF, p[2] >> 8 & 0xFF, p[2] >> 16 & 0xFF, p[2] >> 24, p[3] & 0xFF, p[3] >> 8 & 0xFF,
             p[3] >> 16 & 0xFF, p[3] >> 24);
    return true;
}

void guid_from_random(const unsigned char random[16], char *out)
{
    unsigned char b[16];
    int used = 0;

    memcpy(b, random, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40); /* version 4, RFC 4122 */
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80); /* its variant */
    for (int i = 0; i < 16; i++) {
        used += snprintf(out + used, (size_t)(GUID_TEXT_MAX - used), is_dash_place(used) ? "-%02X" : "%02X", b[i]);
    }
    assert(used == GUID_LEN);
}
