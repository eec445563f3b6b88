/* See crash_settings.h. */
#include "plat/win/crash_settings.h"

#include "plat/win/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

#define CRASH_CONTROL     L"SYSTEM\\CurrentControlSet\\Control\\CrashControl"
#define MEMORY_MANAGEMENT L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management"
#define WHERE             "System Properties > Advanced > Startup and Recovery"

/* CrashDumpEnabled. */
enum { DUMP_NONE = 0, DUMP_COMPLETE = 1, DUMP_KERNEL = 2, DUMP_SMALL = 3, DUMP_AUTOMATIC = 7 };

void crash_settings_page_file(struct crash_settings *s, const wchar_t *entry)
{
    const wchar_t *numbers = wcsrchr(entry, L'\\');
    unsigned long long least = 0, most = 0;

    numbers = wcschr(numbers != NULL ? numbers : entry, L' ');
    if (numbers == NULL || swscanf(numbers, L"%llu %llu", &least, &most) < 2 || (least == 0 && most == 0)) {
        s->system_managed = true;
        return;
    }
    if (most < least)
        most = least;
    if (most > s->page_mb)
        s->page_mb = most;
}

static void take_page_file(void *arg, const wchar_t *entry)
{
    crash_settings_page_file(arg, entry);
}

void crash_settings_read(struct crash_settings *s)
{
    MEMORYSTATUSEX memory = { .dwLength = sizeof memory };
    uint64_t number = 0;
    char path[1024];

    *s = (struct crash_settings){ .enabled = -1 };
    if (registry_number(CRASH_CONTROL, L"CrashDumpEnabled", &number))
        s->enabled = (int64_t)number;
    s->active = registry_number(CRASH_CONTROL, L"FilterPages", &number) && number == 1;
    s->dedicated = registry_text(CRASH_CONTROL, L"DedicatedDumpFile", path, sizeof path);
    if (s->dedicated && registry_number(CRASH_CONTROL, L"DumpFileSize", &number))
        s->dedicated_mb = number;
    registry_list(MEMORY_MANAGEMENT, L"PagingFiles", take_page_file, s);
    if (GlobalMemoryStatusEx(&memory))
        s->ram_mb = memory.ullTotalPhys >> 20;
}

static const char *kind_name(const struct crash_settings *s)
{
    switch (s->enabled) {
    case DUMP_COMPLETE:
        return s->active ? "active" : "complete";
    case DUMP_KERNEL:
        return "kernel";
    case DUMP_SMALL:
        return "small";
    default:
        return "automatic";
    }
}

static uint64_t needed_mb(const struct crash_settings *s)
{
    uint64_t all = s->ram_mb + CRASH_COMPLETE_EXTRA_MB;

    if (s->enabled == DUMP_SMALL)
        return CRASH_SMALL_MB;
    if (s->enabled == DUMP_COMPLETE && !s->active)
        return all;
    return all < CRASH_KERNEL_MB ? all : CRASH_KERNEL_MB;
}

bool crash_settings_finding(const struct crash_settings *s, char *out, size_t size)
{
    bool has_dedicated_size = s->dedicated && s->dedicated_mb > 0;
    uint64_t room = has_dedicated_size ? s->dedicated_mb : s->page_mb;

    if (s->enabled < 0)
        return false; /* not told: nothing can be said */
    if (s->enabled == DUMP_NONE) {
        snprintf(out, size, "this host writes no crash dump (CrashDumpEnabled is 0): choose one at %s", WHERE);
        return true;
    }
    if (has_dedicated_size ? room >= needed_mb(s) : s->dedicated || s->system_managed || room >= needed_mb(s))
        return false;
    if (room == 0)
        snprintf(out, size,
                 "this host has no page file, so no crash dump can be written: add one, or a dedicated dump "
                 "file");
    else
        snprintf(out, size,
                 "a %s crash dump may not fit: it needs %" PRIu64 " MB and the %s is %" PRIu64
                 " MB at most: enlarge it, or let the system manage it",
                 kind_name(s), needed_mb(s), has_dedicated_size ? "dedicated dump file" : "page file", room);
    return true;
}
