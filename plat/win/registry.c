/* See registry.h. */
#include "plat/win/registry.h"

#include "base/text.h"
#include "plat/win/wide.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { TEXT_CHARS = 1024, UTF8_MAX = TEXT_CHARS * 3 + 1, LIST_CHARS = 8192 };

bool registry_text(const wchar_t *key, const wchar_t *name, char *out, size_t size)
{
    wchar_t text[TEXT_CHARS];
    char utf8[UTF8_MAX];
    DWORD bytes = sizeof text;
    bool changed = false;

    out[0] = '\0';
    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, NULL, text, &bytes) != ERROR_SUCCESS ||
        !utf8_copy_wide(utf8, sizeof utf8, text) || strlen(utf8) >= size)
        return false;
    text_clean(out, size, utf8, strlen(utf8), &changed);
    return out[0] != '\0' && !changed;
}

bool registry_number(const wchar_t *key, const wchar_t *name, uint64_t *out)
{
    BYTE bytes[sizeof(uint64_t)] = { 0 };
    DWORD size = sizeof bytes;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_DWORD | RRF_RT_QWORD, NULL, bytes, &size) != ERROR_SUCCESS)
        return false;
    memcpy(out, bytes, sizeof bytes);
    return true;
}

bool registry_list(const wchar_t *key, const wchar_t *name, void (*take)(void *arg, const wchar_t *text), void *arg)
{
    wchar_t *list = calloc(LIST_CHARS + 2, sizeof *list);
    DWORD bytes = LIST_CHARS * sizeof *list;
    bool found = list != NULL &&
                 RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_MULTI_SZ, NULL, list, &bytes) == ERROR_SUCCESS;

    for (const wchar_t *at = list; found && *at != L'\0'; at += wcslen(at) + 1)
        take(arg, at);
    free(list);
    return found;
}
