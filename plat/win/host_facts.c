/* What the host says of itself: plat_live_host_facts() of plat/live.h.
 *
 * Everything comes from the registry, the firmware table and the kernel; each
 * fact by itself, so that one that is missing costs only itself.  The boot time
 * is the kernel's own, to the second: one worked out from the uptime would
 * differ a little at every look and read as another boot.
 */
#include "base/text.h"
#include "base/times.h"
#include "model/host.h"
#include "plat/live.h"
#include "plat/smbios.h"
#include "plat/win/cluster.h"
#include "plat/win/crash_settings.h"
#include "plat/win/registry.h"
#include "plat/win/wide.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winternl.h>

#define CURRENT_VERSION L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
#define GUEST_INSTALLER CURRENT_VERSION L"\\Virtualization\\GuestInstaller\\Version"
#define PACKAGE         L"Microsoft-Hyper-V-Guest-Installer"

enum { NAME_CHARS = 256, FIRMWARE_MAX = 1024 * 1024, PROBLEM_MAX = 512 };

static void problem(struct buf *problems, const char *text)
{
    if (problems != NULL)
        buf_printf(problems, "%s\n", text);
}

/* ---- name and id -------------------------------------------------------- */

static void read_name(struct resource *r, struct buf *problems)
{
    wchar_t name[NAME_CHARS];
    DWORD chars = NAME_CHARS;
    char utf8[HOST_LABEL_MAX];

    if (GetComputerNameExW(ComputerNamePhysicalNetBIOS, name, &chars) && utf8_copy_wide(utf8, sizeof utf8, name))
        text_clean(r->host_name, sizeof r->host_name, utf8, strlen(utf8), NULL);
    else
        problem(problems, "the host's name can not be read");
}

static bool read_firmware_uuid(char out[GUID_TEXT_MAX])
{
    enum { RSMB = 'R' << 24 | 'S' << 16 | 'M' << 8 | 'B' };
    UINT size = GetSystemFirmwareTable(RSMB, 0, NULL, 0), got;
    unsigned char *table;
    bool found;

    out[0] = '\0';
    if (size == 0 || size > FIRMWARE_MAX)
        return false;
    table = malloc(size);
    if (table == NULL)
        return false;
    got = GetSystemFirmwareTable(RSMB, 0, table, size);
    found = got > 0 && got <= size && smbios_uuid(table, got, out);
    free(table);
    return found;
}

static void read_id(struct resource *r, struct buf *problems)
{
    char uuid[GUID_TEXT_MAX], text[64];

    if (read_firmware_uuid(uuid)) {
        text_copy(r->host_id, sizeof r->host_id, uuid);
        return;
    }
    if (registry_text(L"SOFTWARE\\Microsoft\\Cryptography", L"MachineGuid", text, sizeof text) &&
        guid_parse(text, strlen(text), uuid)) {
        snprintf(r->host_id, sizeof r->host_id, "machine:%s", uuid);
        problem(problems, "the firmware has no UUID of its own; the installation's MachineGuid stands in for it, which"
                          " machines cloned without sysprep share");
        return;
    }
    snprintf(r->host_id, sizeof r->host_id, "name:%.100s", r->host_name);
    problem(problems, "neither the firmware nor the installation has an id; the host's name stands in for it");
}

/* ---- versions ----------------------------------------------------------- */

/* UBR from 2012 R2's later updates on; before it the second part of BuildLabEx,
 * "7601.24214.amd64fre.win7sp1_ldr.180801-1700". */
static unsigned long revision(void)
{
    uint64_t ubr;
    unsigned build, rev;
    char lab[128];

    if (registry_number(CURRENT_VERSION, L"UBR", &ubr) && ubr <= UINT32_MAX)
        return (unsigned long)ubr;
    if (registry_text(CURRENT_VERSION, L"BuildLabEx", lab, sizeof lab) && sscanf(lab, "%9u.%9u.", &build, &rev) == 2)
        return rev;
    return 0;
}

/* RtlGetVersion: GetVersionEx tells a program what its manifest knows of. */
static void read_os_version(struct resource *r, struct buf *problems)
{
    LONG(WINAPI * get)
    (OSVERSIONINFOW *) = (LONG(WINAPI *)(OSVERSIONINFOW *))(void (*)(void))GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion");
    OSVERSIONINFOW v = { .dwOSVersionInfoSize = sizeof v };

    if (get == NULL || get(&v) != 0) {
        problem(problems, "the version of Windows can not be read");
        return;
    }
    snprintf(r->os_version, sizeof r->os_version, "%lu.%lu.%lu.%lu", v.dwMajorVersion, v.dwMinorVersion,
             v.dwBuildNumber, revision());
}

/* hyperv.md C.1: where each generation keeps what it expects in its guests.
 * From 2016 on it expects nothing, and a key that is there all the same is a
 * fact worth telling. */
static const struct {
    enum host_generation generation;
    bool needed;
    const wchar_t *win6x, *win5x;
} installers[] = {
    { HOST_2008, true, PACKAGE L"-Win60-Package", PACKAGE L"-Win5x-Package" },
    { HOST_2008R2, true, PACKAGE, PACKAGE },
    { HOST_2012, true, PACKAGE L"-Win6x-Package", PACKAGE L"-Win5x-Package" },
    { HOST_2012R2, true, PACKAGE L"-Win6x-Package", PACKAGE L"-Win5x-Package" },
    { HOST_2016UP, false, PACKAGE L"-Win6x-Package", PACKAGE L"-Win5x-Package" },
};

static bool read_version(const wchar_t *name, char *out, size_t size)
{
    struct version v;

    if (registry_text(GUEST_INSTALLER, name, out, size) && version_parse(out, &v) > 0)
        return true;
    out[0] = '\0';
    return false;
}

static void read_expected(struct resource *r, struct buf *problems)
{
    enum host_generation g = host_generation_of(r->os_version);

    for (size_t i = 0; i < sizeof installers / sizeof installers[0]; i++) {
        bool found;

        if (installers[i].generation != g)
            continue;
        found = read_version(installers[i].win6x, r->is_win6x, sizeof r->is_win6x);
        read_version(installers[i].win5x, r->is_win5x, sizeof r->is_win5x);
        if (!found && installers[i].needed)
            problem(problems, "the integration services this host expects in its guests are not in the registry"
                              " (GuestInstaller\\Version): is the Hyper-V role installed?");
    }
}

/* ---- boot --------------------------------------------------------------- */

static void read_boot_time(struct resource *r, struct buf *problems)
{
    NTSTATUS(WINAPI * query)
    (SYSTEM_INFORMATION_CLASS, PVOID, ULONG, PULONG) =
        (NTSTATUS(WINAPI *)(SYSTEM_INFORMATION_CLASS, PVOID, ULONG, PULONG))(void (*)(void))GetProcAddress(
            GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");
    SYSTEM_TIMEOFDAY_INFORMATION t;
    LARGE_INTEGER boot;

    _Static_assert(sizeof t >= sizeof boot, "the boot time comes first");
    memset(&t, 0, sizeof t);
    if (query != NULL && query(SystemTimeOfDayInformation, &t, sizeof t, NULL) >= 0) {
        memcpy(&boot, &t, sizeof boot);
        r->boot_time = times_from_filetime((uint64_t)boot.QuadPart);
        r->boot_time -= r->boot_time % NS_PER_S;
    }
    if (r->boot_time != 0)
        times_format(r->boot_time, r->boot_id);
    if (r->boot_time == 0)
        problem(problems, "the time of the last start can not be read");
}

/* ---- all ---------------------------------------------------------------- */

static void read_crash_settings(struct buf *problems)
{
    struct crash_settings s;
    char text[PROBLEM_MAX];

    crash_settings_read(&s);
    if (crash_settings_finding(&s, text, sizeof text))
        problem(problems, text);
}

static void read_own(struct resource *out, struct buf *problems)
{
    *out = (struct resource){ .service_name = "hvagent" };
    text_copy(out->agent_version, sizeof out->agent_version, HVFLEET_VERSION);
    read_name(out, problems);
    read_id(out, problems);
    read_os_version(out, problems);
    read_expected(out, problems);
    read_boot_time(out, problems);
    read_crash_settings(problems);
}

int plat_live_host_facts(struct resource *out, struct buf *problems, struct err *e)
{
    (void)e;
    read_own(out, problems);
    cluster_name(out->cluster, sizeof out->cluster, problems);
    return 0;
}

int plat_live_local_facts(struct resource *out, struct buf *problems, struct err *e)
{
    (void)e;
    read_own(out, problems);
    cluster_name_kept(out->cluster, sizeof out->cluster);
    return 0;
}
