/* Owners and DACLs.  See plat/trust.h.
 *
 * Opening follows links, and the folder that is looked at is the one the file
 * is really in.
 */
#include "plat/trust.h"

#include "plat/win/rights.h"
#include "plat/win/wide.h"

#include <stdlib.h>
#include <wchar.h>

enum { FINAL_MAX = 32768 };

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* Where the file that h is really lies: its folder, with a backslash at the end,
 * in malloc'ed memory; NULL when it cannot be had. */
static char *folder_of(HANDLE h)
{
    wchar_t *path = malloc(FINAL_MAX * sizeof *path), *slash = NULL;
    DWORD n = path != NULL ? GetFinalPathNameByHandleW(h, path, FINAL_MAX, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS) : 0;
    char *folder = NULL;

    if (n > 0 && n < FINAL_MAX)
        slash = wcsrchr(path, L'\\');
    if (slash != NULL) {
        slash[1] = L'\0';
        folder = utf8_from_wide(path);
    }
    free(path);
    return folder;
}

/* INVALID_HANDLE_VALUE: not there, or not to be looked at. */
static HANDLE open_for_rights(const char *path)
{
    HANDLE h = INVALID_HANDLE_VALUE;
    wchar_t *wide;

    if (wide_path(path, &wide, NULL) == 0)
        h = CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                        FILE_FLAG_BACKUP_SEMANTICS, NULL);
    free(wide);
    return h;
}

static int check_folder_of(HANDLE file, struct err *e)
{
    char *path = folder_of(file);
    HANDLE h = path != NULL ? open_for_rights(path) : INVALID_HANDLE_VALUE;
    int rc = h != INVALID_HANDLE_VALUE ? rights_check_handle(h, RIGHTS_KEPT, path, e) : 0;

    if (h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
    free(path);
    return rc;
}

int plat_trusted_file(const char *path, enum trust_kind kind, struct err *e)
{
    HANDLE h = open_for_rights(path);
    int rc;

    if (h == INVALID_HANDLE_VALUE)
        return 0;
    rc = rights_check_handle(h, kind == TRUST_SECRET ? RIGHTS_SECRET : RIGHTS_UNCHANGED, path, e);
    if (rc == 0)
        rc = check_folder_of(h, e);
    CloseHandle(h);
    return rc;
}
