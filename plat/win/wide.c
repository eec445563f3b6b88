/* See wide.h. */
#include "plat/win/wide.h"

#include <assert.h>
#include <stdlib.h>
#include <windows.h>

#define PREFIX     L"\\\\?\\"
#define UNC_PREFIX L"\\\\?\\UNC\\"

enum { PATH_WIDE_MAX = 32767 }; /* what Windows takes at most */

int wide_from_utf8(const char *text, wchar_t **out, struct err *e)
{
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);

    *out = NULL;
    if (n <= 0)
        return err_set(e, ERR_INVALID, "text that is no UTF-8: %s", text);
    *out = malloc((size_t)n * sizeof **out);
    if (*out == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    MultiByteToWideChar(CP_UTF8, 0, text, -1, *out, n);
    return 0;
}

static bool begins(const wchar_t *text, const wchar_t *with)
{
    return wcsncmp(text, with, wcslen(with)) == 0;
}

/* The absolute form of given, with room for a prefix before it. */
static wchar_t *absolute(const wchar_t *given, size_t room)
{
    DWORD n = GetFullPathNameW(given, 0, NULL, NULL), got;
    wchar_t *full;

    if (n == 0 || n > PATH_WIDE_MAX)
        return NULL;
    full = malloc((room + n) * sizeof *full);
    if (full == NULL)
        return NULL;
    got = GetFullPathNameW(given, n, full + room, NULL);
    if (got == 0 || got >= n) {
        free(full);
        return NULL;
    }
    return full;
}

static void put(wchar_t *at, const wchar_t *text)
{
    memcpy(at, text, wcslen(text) * sizeof *at);
}

int wide_path(const char *path, wchar_t **out, struct err *e)
{
    enum { ROOM = sizeof UNC_PREFIX / sizeof(wchar_t) - 1, SHORT = sizeof PREFIX / sizeof(wchar_t) - 1 };
    wchar_t *given = NULL, *full, *name;
    int rc = wide_from_utf8(path, &given, e);

    *out = NULL;
    if (rc != 0)
        return rc;
    full = absolute(given, ROOM);
    free(given);
    if (full == NULL)
        return err_set(e, ERR_INVALID, "%s is no path", path);
    name = full + ROOM;
    if (begins(name, L"\\\\?\\") || begins(name, L"\\\\.\\")) {
        /* has its prefix */
    } else if (begins(name, L"\\\\")) {
        name -= ROOM - 2; /* over the two backslashes */
        put(name, UNC_PREFIX);
    } else {
        name -= SHORT;
        put(name, PREFIX);
    }
    memmove(full, name, (wcslen(name) + 1) * sizeof *full);
    *out = full;
    return 0;
}

int wide_plain_path(const char *path, wchar_t out[MAX_PATH], struct err *e)
{
    wchar_t *wide = NULL;
    int rc = wide_from_utf8(path, &wide, e);
    DWORD n;

    if (rc != 0)
        return rc;
    n = GetFullPathNameW(wide, MAX_PATH, out, NULL);
    free(wide);
    if (n == 0)
        return err_set(e, ERR_INVALID, "%s is no path", path);
    return n < MAX_PATH ? 0 : err_set(e, ERR_TOO_BIG, "the path %.300s is too long for the event log service", path);
}

char *utf8_from_wide(const wchar_t *text)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *out = n > 0 ? malloc((size_t)n) : NULL;

    if (out != NULL)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, out, n, NULL, NULL);
    return out;
}

bool utf8_copy_wide(char *dst, size_t size, const wchar_t *text)
{
    assert(size > 0 && size <= INT_MAX);
    if (WideCharToMultiByte(CP_UTF8, 0, text, -1, dst, (int)size, NULL, NULL) > 0)
        return true;
    dst[0] = '\0';
    return false;
}
