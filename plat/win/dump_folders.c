/* Where this host puts its own dumps: plat_live_dump_folders() of plat/live.h.
 *
 * From CrashControl: DumpFile (%SystemRoot%\MEMORY.DMP: its folder, without the
 * folders below, which are Windows itself), MinidumpDir, and the live reports'
 * folder, below which each component has one (hyperv.md D row 2).
 */
#include "plat/live.h"
#include "plat/win/registry.h"
#include "plat/win/wide.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#define CRASH_CONTROL L"SYSTEM\\CurrentControlSet\\Control\\CrashControl"

enum { PATH_BYTES = 1024, LIVE_DEPTH = 1 };

static bool expand(const wchar_t *text, char *out, size_t size)
{
    wchar_t path[MAX_PATH];
    DWORD n = ExpandEnvironmentStringsW(text, path, MAX_PATH);

    return n > 0 && n <= MAX_PATH && utf8_copy_wide(out, size, path);
}

static bool setting(const wchar_t *key, const wchar_t *name, const wchar_t *otherwise, char *out, size_t size)
{
    return registry_text(key, name, out, size) || expand(otherwise, out, size);
}

/* Cuts the last part off; "C:\" keeps its backslash. */
static bool to_folder(char *path)
{
    char *last = strrchr(path, '\\');

    if (last == NULL || last == path)
        return false;
    last[last[-1] == ':' ? 1 : 0] = '\0';
    return true;
}

int plat_live_dump_folders(void (*take)(void *arg, const char *path, int depth), void *arg, struct err *e)
{
    char path[PATH_BYTES];

    (void)e;
    if (setting(CRASH_CONTROL, L"DumpFile", L"%SystemRoot%\\MEMORY.DMP", path, sizeof path) && to_folder(path))
        take(arg, path, 0);
    if (setting(CRASH_CONTROL, L"MinidumpDir", L"%SystemRoot%\\Minidump", path, sizeof path))
        take(arg, path, 0);
    if (setting(CRASH_CONTROL L"\\LiveKernelReports", L"LiveKernelReportsPath", L"%SystemRoot%\\LiveKernelReports",
                path, sizeof path)) {
        if (strncmp(path, "\\??\\", 4) == 0)
            memmove(path, path + 4, strlen(path + 4) + 1);
        take(arg, path, LIVE_DEPTH);
    }
    return 0;
}
