/* What the virtual disk service says of a disk: plat_live_disk() of plat/live.h.
 *
 * virtdisk.dll opens a disk for its facts alone also while a running guest has it, and
 * without its parents (Microsoft: "OpenVirtualDisk", VIRTUAL_DISK_ACCESS_GET_INFO;
 * "GET_VIRTUAL_DISK_INFO_VERSION": the provider sub type is 2 fixed, 3 dynamic, 4
 * differencing).  It came with Windows Server 2008 R2 and is loaded when it is needed.
 */
#include "plat/live.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdlib.h>
#include <string.h>
/* virtdisk.h does not include what it needs. */
/* clang-format off */
#include <windows.h>
#include <virtdisk.h>
/* clang-format on */

enum { DEVICE_VHD = 2, DEVICE_VHDX = 3, TAIL_CHARS = 32 };

typedef DWORD(WINAPI *open_disk)(PVIRTUAL_STORAGE_TYPE, PCWSTR, VIRTUAL_DISK_ACCESS_MASK, OPEN_VIRTUAL_DISK_FLAG,
                                 POPEN_VIRTUAL_DISK_PARAMETERS, PHANDLE);
typedef DWORD(WINAPI *get_disk)(HANDLE, PULONG, PGET_VIRTUAL_DISK_INFO, PULONG);

struct service {
    HMODULE dll;
    open_disk open;
    get_disk get;
};

static int load(struct service *s, struct err *e)
{
    wchar_t path[MAX_PATH + TAIL_CHARS];
    UINT n = GetSystemDirectoryW(path, MAX_PATH);

    if (n > 0 && n < MAX_PATH) {
        wmemcpy(path + n, L"\\virtdisk.dll", sizeof "\\virtdisk.dll");
        s->dll = LoadLibraryW(path);
    }
    if (s->dll != NULL) {
        s->open = (open_disk)(void (*)(void))GetProcAddress(s->dll, "OpenVirtualDisk");
        s->get = (get_disk)(void (*)(void))GetProcAddress(s->dll, "GetVirtualDiskInformation");
    }
    return s->open != NULL && s->get != NULL ? 0
                                             : err_set(e, ERR_UNSUPPORTED, "this system has no virtual disk service");
}

static DWORD ask(const struct service *s, HANDLE disk, GET_VIRTUAL_DISK_INFO_VERSION what, GET_VIRTUAL_DISK_INFO *info)
{
    ULONG size = sizeof *info, used = 0;

    memset(info, 0, sizeof *info);
    info->Version = what;
    return s->get(disk, &size, info, &used);
}

static int read_facts(const struct service *s, HANDLE disk, const char *path, struct live_disk *out, struct err *e)
{
    static const enum disk_kind kinds[] = { [2] = DISK_FIXED, [3] = DISK_DYNAMIC, [4] = DISK_DIFFERENCING };
    GET_VIRTUAL_DISK_INFO info;
    DWORD code = ask(s, disk, GET_VIRTUAL_DISK_INFO_PROVIDER_SUBTYPE, &info);

    if (code != ERROR_SUCCESS)
        return err_win(e, code, "%s", path);
    if (info.ProviderSubtype < 2 || info.ProviderSubtype >= sizeof kinds / sizeof *kinds)
        return err_set(e, ERR_INVALID, "%s: a disk of an unknown kind (%lu)", path, info.ProviderSubtype);
    *out = (struct live_disk){ .kind = kinds[info.ProviderSubtype], .format = "" };
    if (ask(s, disk, GET_VIRTUAL_DISK_INFO_SIZE, &info) == ERROR_SUCCESS)
        out->size = info.Size.VirtualSize;
    if (ask(s, disk, GET_VIRTUAL_DISK_INFO_VIRTUAL_STORAGE_TYPE, &info) == ERROR_SUCCESS)
        out->format = info.VirtualStorageType.DeviceId == DEVICE_VHDX  ? "vhdx"
                      : info.VirtualStorageType.DeviceId == DEVICE_VHD ? "vhd"
                                                                       : "";
    return 0;
}

int plat_live_disk(const char *path, struct live_disk *out, struct err *e)
{
    VIRTUAL_STORAGE_TYPE any = { .DeviceId = VIRTUAL_STORAGE_TYPE_DEVICE_UNKNOWN };
    struct service s = { NULL };
    HANDLE disk = NULL;
    wchar_t *wide = NULL;
    int rc = load(&s, e);

    if (rc == 0)
        rc = wide_from_utf8(path, &wide, e);
    if (rc == 0) {
        DWORD code = s.open(&any, wide, VIRTUAL_DISK_ACCESS_GET_INFO, OPEN_VIRTUAL_DISK_FLAG_NO_PARENTS, NULL, &disk);

        rc = code == ERROR_SUCCESS ? read_facts(&s, disk, path, out, e) : err_win(e, code, "%s", path);
    }
    if (disk != NULL)
        CloseHandle(disk);
    free(wide);
    if (s.dll != NULL)
        FreeLibrary(s.dll);
    return rc;
}
