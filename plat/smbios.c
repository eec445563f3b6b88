/* See smbios.h. */
#include "plat/smbios.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD = 8,
    STRUCTURE_HEAD = 4,
    TYPE_SYSTEM = 1,
    TYPE_END = 127,
    UUID_OFFSET = 8,
    UUID_BYTES = 16,
};

static bool all_are(const unsigned char *bytes, unsigned char value)
{
    for (size_t i = 0; i < UUID_BYTES; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static bool is_placeholder(const unsigned char *uuid)
{
    static const unsigned char counting[UUID_BYTES] = { 0x00, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x05,
                                                        0x00, 0x06, 0x00, 0x07, 0x00, 0x08, 0x00, 0x09 };

    return all_are(uuid, 0x00) || all_are(uuid, 0xff) || memcmp(uuid, counting, sizeof counting) == 0;
}

static void write_uuid(const unsigned char *u, char out[GUID_TEXT_MAX])
{
    snprintf(out, GUID_TEXT_MAX, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", u[3], u[2],
             u[1], u[0], u[5], u[4], u[7], u[6], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

/* The offset behind a structure's strings; 0 when they do not end. */
static size_t strings_end(const unsigned char *table, size_t len, size_t at)
{
    for (; at + 1 < len; at++)
        if (table[at] == 0 && table[at + 1] == 0)
            return at + 2;
    return 0;
}

/* Where the UUID is; NULL when there is none. */
static const unsigned char *find_uuid(const unsigned char *table, size_t len)
{
    size_t at = 0;

    for (int i = 0; i < SMBIOS_STRUCTURES_MAX && at + STRUCTURE_HEAD <= len; i++) {
        unsigned char type = table[at], size = table[at + 1];

        if (size < STRUCTURE_HEAD || size > len - at || type == TYPE_END)
            return NULL;
        if (type == TYPE_SYSTEM)
            return size >= UUID_OFFSET + UUID_BYTES ? table + at + UUID_OFFSET : NULL;
        at = strings_end(table, len, at + size);
        if (at == 0)
            return NULL;
    }
    return NULL;
}

bool smbios_uuid(const unsigned char *bytes, size_t len, char out[GUID_TEXT_MAX])
{
    const unsigned char *uuid;
    uint32_t table_len;

    out[0] = '\0';
    if (len < HEAD)
        return false;
    table_len = (uint32_t)bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 24;
    if (table_len > len - HEAD)
        return false;
    uuid = find_uuid(bytes + HEAD, table_len);
    if (uuid == NULL || is_placeholder(uuid))
        return false;
    write_uuid(uuid, out);
    return true;
}
