/* See plat/files.h.
 *
 * Files are opened with every share mode, so that whoever writes, renames or
 * deletes them is not in the way of the agent and the agent not in theirs.
 * Devices (\\.\) are never opened, and what is opened must be on a disk.
 */
#include "plat/files.h"

#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

#define SHARE_ALL   (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define EPOCH_100NS INT64_C(116444736000000000)

enum { READ_MAX = 64 * 1024 * 1024, PAGE = 4096 };

struct file {
    HANDLE handle;
    char path[];
};

static int64_t ns_from_filetime(FILETIME t)
{
    return ((int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) - EPOCH_100NS) * 100;
}

static void owner_of(HANDLE h, char *out, size_t size)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    PSID sid = NULL;
    wchar_t *text = NULL;

    if (GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &sid, NULL, NULL, NULL, &sd) != ERROR_SUCCESS)
        return;
    if (sid != NULL && ConvertSidToStringSidW(sid, &text)) {
        utf8_copy_wide(out, size, text);
        LocalFree(text);
    }
    LocalFree(sd);
}

static int info_from_handle(HANDLE h, const char *path, struct file_info *out, struct err *e)
{
    BY_HANDLE_FILE_INFORMATION info;

    memset(out, 0, sizeof *out);
    if (GetFileType(h) != FILE_TYPE_DISK)
        return 0;
    if (!GetFileInformationByHandle(h, &info))
        return err_win(e, GetLastError(), "%s", path);
    out->is_dir = (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    out->is_regular = (info.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) == 0;
    out->size = out->is_dir ? 0 : (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow;
    out->mtime_ns = ns_from_filetime(info.ftLastWriteTime);
    out->id[0] = info.dwVolumeSerialNumber;
    out->id[1] = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    owner_of(h, out->owner, sizeof out->owner);
    return 0;
}

/* With the owner readable where the rights allow. */
static int open_handle(const char *path, DWORD access, DWORD share, HANDLE *out, struct err *e)
{
    wchar_t *wide;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    if (wcsncmp(wide, L"\\\\.\\", 4) == 0) {
        free(wide);
        return err_set(e, ERR_INVALID, "%s is not a regular file", path);
    }
    *out = CreateFileW(wide, access | READ_CONTROL, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (*out == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED)
        *out = CreateFileW(wide, access, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    free(wide);
    return *out != INVALID_HANDLE_VALUE ? 0 : err_win(e, GetLastError(), "%s", path);
}

static int files_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    HANDLE h;
    int rc = open_handle(path, FILE_READ_ATTRIBUTES, SHARE_ALL, &h, e);

    (void)f;
    if (rc != 0)
        return rc;
    rc = info_from_handle(h, path, out, e);
    CloseHandle(h);
    return rc;
}

static int open_regular(const char *path, DWORD share, HANDLE *out, struct err *e)
{
    struct file_info info;
    int rc = open_handle(path, GENERIC_READ, share, out, e);

    if (rc != 0)
        return rc;
    rc = info_from_handle(*out, path, &info, e);
    if (rc == 0 && !info.is_regular)
        rc = err_set(e, ERR_INVALID, "%s is not a regular file", path);
    if (rc != 0)
        CloseHandle(*out);
    return rc;
}

static int files_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    size_t size = strlen(path) + 1;
    struct file *file;
    HANDLE h;
    int rc = open_regular(path, SHARE_ALL, &h, e);

    (void)f;
    if (rc != 0)
        return rc;
    file = malloc(sizeof *file + size);
    if (file == NULL) {
        CloseHandle(h);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    file->handle = h;
    memcpy(file->path, path, size);
    *out = file;
    return 0;
}

static int files_read_at(struct file *file, uint64_t offset, void *bytes, size_t len, size_t *got, struct err *e)
{
    unsigned char *p = bytes;

    *got = 0;
    if (offset > INT64_MAX - len)
        return 0; /* no file reaches there */
    while (*got < len) {
        uint64_t at = offset + *got;
        OVERLAPPED where = { .Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32) };
        DWORD want = len - *got > READ_MAX ? READ_MAX : (DWORD)(len - *got), n = 0;

        if (!ReadFile(file->handle, p + *got, want, &n, &where)) {
            if (GetLastError() == ERROR_HANDLE_EOF)
                break;
            return err_win(e, GetLastError(), "cannot read %s", file->path);
        }
        if (n == 0)
            break;
        *got += n;
    }
    return 0;
}

/* Where the file system does not tell holes, all of the file counts as data. */
static bool ends_in_hole(HANDLE h, uint64_t size)
{
    FILE_ALLOCATED_RANGE_BUFFER last, found;
    BY_HANDLE_FILE_INFORMATION info;
    DWORD n = 0;

    if (size == 0 || !GetFileInformationByHandle(h, &info) || (info.dwFileAttributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0)
        return false;
    last.FileOffset.QuadPart = (LONGLONG)((size - 1) / PAGE * PAGE);
    last.Length.QuadPart = (LONGLONG)size - last.FileOffset.QuadPart;
    return DeviceIoControl(h, FSCTL_QUERY_ALLOCATED_RANGES, &last, sizeof last, &found, sizeof found, &n, NULL) &&
           n == 0;
}

static int files_info(struct file *file, struct file_info *out, struct err *e)
{
    int rc = info_from_handle(file->handle, file->path, out, e);

    if (rc == 0)
        out->hole_at_end = ends_in_hole(file->handle, out->size);
    return rc;
}

static void files_close(struct file *file)
{
    if (file == NULL)
        return;
    CloseHandle(file->handle);
    free(file);
}

/* An open that shares everything but writing fails while somebody has the file
 * open for writing, and leaves readers alone. */
static int files_writer_gone(const struct files *f, const char *path, struct err *e)
{
    HANDLE h;
    int rc = open_regular(path, FILE_SHARE_READ | FILE_SHARE_DELETE, &h, e);

    (void)f;
    if (rc == 0)
        CloseHandle(h);
    if (rc == ERR_BUSY)
        return err_set(e, ERR_BUSY, "%s is still open for writing", path);
    return rc;
}

/* dir\*, in malloc'ed memory. */
static int pattern_of(const char *dir, wchar_t **out, struct err *e)
{
    wchar_t *wide, *grown;
    size_t n;
    int rc = wide_path(dir, &wide, e);

    if (rc != 0)
        return rc;
    n = wcslen(wide);
    grown = realloc(wide, (n + 3) * sizeof *wide);
    if (grown == NULL) {
        free(wide);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    if (n > 0 && grown[n - 1] != L'\\')
        grown[n++] = L'\\';
    grown[n++] = L'*';
    grown[n] = L'\0';
    *out = grown;
    return 0;
}

static bool give_entry(const WIN32_FIND_DATAW *entry, bool (*take)(void *arg, const char *name), void *arg)
{
    char name[MAX_PATH * 3];

    if (wcscmp(entry->cFileName, L".") == 0 || wcscmp(entry->cFileName, L"..") == 0)
        return true;
    return !utf8_copy_wide(name, sizeof name, entry->cFileName) || take(arg, name);
}

static int files_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                      struct err *e)
{
    WIN32_FIND_DATAW entry;
    wchar_t *pattern = NULL;
    HANDLE h;
    int rc = pattern_of(dir, &pattern, e);

    (void)f;
    if (rc != 0)
        return rc;
    h = FindFirstFileExW(pattern, FindExInfoBasic, &entry, FindExSearchNameMatch, NULL, FIND_FIRST_EX_LARGE_FETCH);
    free(pattern);
    if (h == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_FILE_NOT_FOUND /* an empty volume has not even a "." */
                   ? 0
                   : err_win(e, GetLastError(), "cannot read the folder %s", dir);
    do {
        if (!give_entry(&entry, take, arg))
            goto done;
    } while (FindNextFileW(h, &entry));
    if (GetLastError() != ERROR_NO_MORE_FILES)
        rc = err_win(e, GetLastError(), "cannot read the folder %s", dir);
done:
    FindClose(h);
    return rc;
}

const struct files *plat_files(void)
{
    static const struct files_ops ops = {
        .stat = files_stat,
        .open = files_open,
        .read_at = files_read_at,
        .info = files_info,
        .close = files_close,
        .writer_gone = files_writer_gone,
        .list = files_list,
    };
    static const struct files system_files = { .ops = &ops };

    return &system_files;
}
