/* Default places and private folders on Windows.  See plat/paths.h.
 *
 * Everything is below %ProgramData%\hvfleet.  ProgramData lets every user make
 * folders, so ours are made with rights of their own that inherit nothing, and
 * are refused when somebody else has any.
 */
#include "plat/paths.h"

#include "plat/random.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <initguid.h>
#include <inttypes.h>
#include <knownfolders.h>
#include <shlobj.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PLACE_MAX = 512, TREE_DEPTH_MAX = 64, TRIES = 16 };

static const char *const tails[PLAT_PATH_COUNT] = {
    [PLAT_AGENT_CONFIG] = "/agent.yaml", [PLAT_AGENT_DATA] = "/agent",       [PLAT_AGENT_SOCKET] = NULL,
    [PLAT_HUB_CONFIG] = "/hub.yaml",     [PLAT_HUB_STORE] = "/hub/fleet.db",
};

static char base[PLACE_MAX];
static char places[PLAT_PATH_COUNT][PLACE_MAX];
static INIT_ONCE places_once = INIT_ONCE_STATIC_INIT;

static void find_base(void)
{
    wchar_t *known = NULL;
    char data[PLACE_MAX - 16] = "";

    if (SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, NULL, &known) == S_OK)
        utf8_copy_wide(data, sizeof data, known);
    CoTaskMemFree(known);
    snprintf(base, sizeof base, "%s/hvfleet", data[0] != '\0' ? data : "C:/ProgramData");
    plat_path_tidy(base);
}

static BOOL CALLBACK make_places(PINIT_ONCE once, void *arg, void **context)
{
    (void)once;
    (void)arg;
    (void)context;
    find_base();
    for (int i = 0; i < PLAT_PATH_COUNT; i++)
        if (tails[i] != NULL)
            snprintf(places[i], PLACE_MAX, "%.480s%s", base, tails[i]);
        else
            snprintf(places[i], PLACE_MAX, "\\\\.\\pipe\\hvagent");
    return TRUE;
}

const char *plat_path(enum plat_path which)
{
    InitOnceExecuteOnce(&places_once, make_places, NULL, NULL);
    return places[which];
}

void plat_path_tidy(char *path)
{
    if (strncmp(path, "\\\\.\\", 4) == 0 || strncmp(path, "\\\\?\\", 4) == 0)
        return;
    for (; *path != '\0'; path++)
        if (*path == '\\')
            *path = '/';
}

/* ---- private folders ---- */

/* Ours is made on the way to a default place below it, and has to be private too:
 * who may change it may put another folder in the place. */
static int make_base(const char *path, struct err *e)
{
    size_t n;
    bool made;
    int rc;

    plat_path(PLAT_AGENT_DATA);
    n = strlen(base);
    if (strncmp(path, base, n) != 0 || path[n] != '/')
        return 0;
    rc = rights_make_folder(base, false, &made, e);
    return rc == 0 ? rights_check_folder(base, e) : rc;
}

int plat_private_dir(const char *path, struct err *e)
{
    bool made;
    int rc = make_base(path, e);

    if (rc == 0)
        rc = rights_make_folder(path, true, &made, e);
    return rc == 0 ? rights_check_folder(path, e) : rc;
}

/* Pipes live in no folder. */
int plat_socket_dir(const char *path, struct err *e)
{
    (void)path;
    (void)e;
    return 0;
}

/* ---- temporary folders ---- */

static int temp_base(char *out, size_t size, struct err *e)
{
    wchar_t given[MAX_PATH + 1], full[PLACE_MAX];
    DWORD n = GetTempPathW(MAX_PATH + 1, given);

    if (n == 0 || n > MAX_PATH)
        return err_set(e, ERR_NOT_FOUND, "there is no folder for temporary files: set TMP");
    n = GetLongPathNameW(given, full, PLACE_MAX);
    if (n == 0 || n >= PLACE_MAX)
        return err_win(e, n == 0 ? GetLastError() : ERROR_FILENAME_EXCED_RANGE, "the folder for temporary files");
    if (!utf8_copy_wide(out, size, full))
        return err_set(e, ERR_TOO_BIG, "TMP is too long a path");
    plat_path_tidy(out);
    n = (DWORD)strlen(out);
    if (n > 0 && out[n - 1] == '/')
        out[n - 1] = '\0';
    return 0;
}

int plat_temp_dir(const char *prefix, char *out, size_t size, struct err *e)
{
    const struct random_source *random = plat_random();
    char in[PLACE_MAX * 3];
    bool made = false;
    int rc = temp_base(in, sizeof in, e);

    for (int i = 0; rc == 0 && !made && i < TRIES; i++) {
        uint64_t number;
        int n;

        random->fill(random, &number, sizeof number);
        n = snprintf(out, size, "%s/%s.%016" PRIx64, in, prefix, number);
        if (n < 0 || (size_t)n >= size)
            return err_set(e, ERR_TOO_BIG, "the temporary folder's path is too long");
        rc = rights_make_folder(out, false, &made, e);
    }
    if (rc == 0 && !made)
        rc = err_set(e, ERR_IO, "cannot make a temporary folder in %s", in);
    return rc;
}

static void remove_below(const wchar_t *dir, int depth);

/* A link goes itself, never what it points to. */
static void remove_entry(const wchar_t *dir, const WIN32_FIND_DATAW *entry, int depth)
{
    size_t n = wcslen(dir) + wcslen(entry->cFileName) + 2;
    wchar_t *path = malloc(n * sizeof *path);

    if (path == NULL)
        return;
    swprintf(path, n, L"%ls\\%ls", dir, entry->cFileName);
    if ((entry->dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0)
        SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    if ((entry->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        DeleteFileW(path);
    else if ((entry->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        RemoveDirectoryW(path);
    else
        remove_below(path, depth - 1);
    free(path);
}

static void remove_below(const wchar_t *dir, int depth)
{
    size_t n = wcslen(dir) + 3;
    wchar_t *pattern = depth > 0 ? malloc(n * sizeof *pattern) : NULL;
    WIN32_FIND_DATAW entry;
    HANDLE h;

    if (pattern == NULL)
        return;
    swprintf(pattern, n, L"%ls\\*", dir);
    h = FindFirstFileW(pattern, &entry);
    free(pattern);
    if (h != INVALID_HANDLE_VALUE) {
        do {
            if (wcscmp(entry.cFileName, L".") != 0 && wcscmp(entry.cFileName, L"..") != 0)
                remove_entry(dir, &entry, depth);
        } while (FindNextFileW(h, &entry));
        FindClose(h);
    }
    RemoveDirectoryW(dir);
}

void plat_remove_tree(const char *path)
{
    wchar_t *wide;
    DWORD attributes;

    if (wide_path(path, &wide, NULL) != 0)
        return;
    attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        DeleteFileW(wide);
    else if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        RemoveDirectoryW(wide);
    else
        remove_below(wide, TREE_DEPTH_MAX);
    free(wide);
}
