/* See plat/capture.h.  EvtExportLog writes an .evtx file as Event Viewer does;
 * it is taken from the wevtapi.dll that is loaded already. */
#include "plat/capture.h"

#include "base/buf.h"
#include "plat/event_channel_table.h"
#include "plat/win/event_channel_api.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <windows.h>

enum { QUERY_MAX = 16384 };

static bool is_empty(const wchar_t *path)
{
    size_t len = wcslen(path);
    wchar_t *pattern = calloc(len + 3, sizeof *pattern);
    WIN32_FIND_DATAW found;
    bool empty = true;
    HANDLE h;

    if (pattern == NULL)
        return false;
    wmemcpy(pattern, path, len);
    wmemcpy(pattern + len, L"\\*", 2);
    h = FindFirstFileW(pattern, &found);
    free(pattern);
    if (h == INVALID_HANDLE_VALUE)
        return false;
    do {
        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0)
            empty = false;
    } while (empty && FindNextFileW(h, &found));
    FindClose(h);
    return empty;
}

int plat_capture_dir(const char *path, struct err *e)
{
    wchar_t *wide = NULL;
    DWORD attributes, code;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    if (!CreateDirectoryW(wide, NULL)) {
        code = GetLastError();
        attributes = GetFileAttributesW(wide);
        if (attributes == INVALID_FILE_ATTRIBUTES)
            rc = err_win(e, code, "cannot make the folder %s", path);
        else if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
            rc = err_set(e, ERR_INVALID, "%s is not a folder", path);
        else if (!is_empty(wide))
            rc = err_set(e, ERR_INVALID, "%s is not empty: name a new folder", path);
    }
    free(wide);
    return rc;
}

static int export_to(const wchar_t *channel, const wchar_t *query, const wchar_t *path, const char *name, struct err *e)
{
    HMODULE dll = GetModuleHandleW(L"wevtapi.dll");
    __typeof__(&EvtExportLog) export = NULL;
    DWORD code;

    if (dll != NULL)
        export = (__typeof__(&EvtExportLog))(void (*)(void))GetProcAddress(dll, "EvtExportLog");
    if (export == NULL)
        return err_set(e, ERR_UNSUPPORTED, "this system can not export %s", name);
    if (!export(NULL, channel, query, path, EvtExportLogChannelPath)) {
        code = GetLastError();
        DeleteFileW(path);
        if (code == ERROR_CALL_NOT_IMPLEMENTED || code == ERROR_NOT_SUPPORTED || code == ERROR_SUCCESS)
            return err_set(e, ERR_UNSUPPORTED, "this system can not export %s", name);
        return err_win(e, code, "%s", name);
    }
    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        return err_set(e, ERR_UNSUPPORTED, "this system can not export %s", name);
    return 0;
}

int plat_capture_channel(const char *channel, const char *path, struct err *e)
{
    wchar_t target[MAX_PATH], *name = NULL, *query = NULL;
    const struct evt_api *api;
    struct buf text;
    bool structured;
    int rc = evt_api_get(&api, e);

    buf_init(&text, QUERY_MAX);
    structured = channel_query(channel, &text);
    if (rc == 0 && buf_error(&text) != ERR_OK)
        rc = err_set(e, buf_error(&text), "the query for %s is too long", channel);
    if (rc == 0)
        rc = wide_plain_path(path, target, e);
    if (rc == 0)
        rc = wide_from_utf8(channel, &name, e);
    if (rc == 0)
        rc = wide_from_utf8(buf_text(&text), &query, e);
    if (rc == 0)
        rc = export_to(structured ? NULL : name, query, target, channel, e);
    free(name);
    free(query);
    buf_free(&text);
    return rc;
}
