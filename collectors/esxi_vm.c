/* See esxi_vm.h. */
#include "collectors/esxi_vm.h"

#include "base/text.h"
#include "collectors/mark_bytes.h"

#include <stdio.h>
#include <string.h>

enum { UUID_BYTES = 16, UUID_VERSION_MADE_HERE = 8 }; /* RFC 9562: version 8 is for uses of one's own */

/* The value of a line `... DICT   <key> = "<value>"`; len 0 when the line is another. */
static struct esxi_line setting(struct esxi_line line, const char *key)
{
    const char *end = line.text + line.len, *at = esxi_find(line, "DICT "), *close;
    size_t len = strlen(key);
    struct esxi_line none = { line.text, 0 };

    if (at == NULL)
        return none;
    for (at += 5; at < end && *at == ' '; at++)
        ;
    if ((size_t)(end - at) < len + 4 || memcmp(at, key, len) != 0 || memcmp(at + len, " = \"", 4) != 0)
        return none;
    at += len + 4;
    close = memchr(at, '"', (size_t)(end - at));
    return close != NULL ? (struct esxi_line){ at, (size_t)(close - at) } : none;
}

/* "56 4d d7 cc e8 e6 df 22-e1 86 81 ab c0 ee f3 c4" */
static bool take_uuid(struct esxi_line text, char out[GUID_TEXT_MAX])
{
    char digits[UUID_BYTES * 2 + 5];
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.text[i] == ' ' || text.text[i] == '-')
            continue;
        if (n == sizeof digits - 1)
            return false;
        if (n == 8 || n == 13 || n == 18 || n == 23)
            digits[n++] = '-';
        digits[n++] = text.text[i];
    }
    return guid_parse(digits, n, out);
}

static void made_up(const char *host_id, const char *folder, struct esxi_vm *out)
{
    uint64_t a = mark_hash(mark_hash(MARK_HASH_START, host_id, strlen(host_id) + 1), folder, strlen(folder));
    uint64_t b = mark_hash(a, folder, strlen(folder));

    snprintf(out->vm_id, sizeof out->vm_id, "%08X-%04X-%X%03X-%04X-%012llX", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), UUID_VERSION_MADE_HERE, (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & UINT64_C(0xffffffffffff)));
    out->derived = true;
}

void esxi_vm_of(const char *head, size_t len, const char *host_id, const char *folder, struct esxi_vm *out)
{
    char location[GUID_TEXT_MAX] = "";

    *out = (struct esxi_vm){ .derived = false };
    for (size_t at = 0; at < len;) {
        const char *end = memchr(head + at, '\n', len - at);
        struct esxi_line line = { head + at, end != NULL ? (size_t)(end - head) - at : len - at };
        struct esxi_line name = setting(line, "displayName");

        if (name.len > 0)
            text_clean(out->name, sizeof out->name, name.text, name.len, NULL);
        if (out->vm_id[0] == '\0')
            (void)take_uuid(setting(line, "uuid.bios"), out->vm_id);
        if (location[0] == '\0')
            (void)take_uuid(setting(line, "uuid.location"), location);
        at += line.len + 1;
    }
    if (out->name[0] == '\0')
        text_clean(out->name, sizeof out->name, folder, strlen(folder), NULL);
    if (out->vm_id[0] == '\0')
        text_copy(out->vm_id, sizeof out->vm_id, location);
    if (out->vm_id[0] == '\0')
        made_up(host_id, folder, out);
}
