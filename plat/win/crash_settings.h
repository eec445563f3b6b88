/* Whether this host could write a crash dump of its own, from its CrashControl
 * settings and page files.
 *
 * Facts: Microsoft, "How to determine the appropriate page file size for 64-bit
 * versions of Windows" (a small dump needs 1 MB, a complete one RAM plus 257 MB;
 * a dedicated dump file may stand in; a page file the system manages is sized to
 * the setting), "Configure system failure and recovery options" (the values of
 * CrashDumpEnabled; with FilterPages 1 a complete dump is an active one).  How
 * much a kernel dump needs depends on the host; below KERNEL_MB it is likely not
 * to fit.
 */
#ifndef PLAT_WIN_CRASH_SETTINGS_H
#define PLAT_WIN_CRASH_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRASH_SMALL_MB = 1, CRASH_KERNEL_MB = 2060, CRASH_COMPLETE_EXTRA_MB = 257 };

struct crash_settings {
    int64_t enabled;       /* CrashDumpEnabled; -1 not set */
    bool active;           /* FilterPages */
    bool dedicated;        /* a DedicatedDumpFile is named */
    uint64_t dedicated_mb; /* its DumpFileSize; 0: the system chooses */
    bool system_managed;   /* one page file at least grows as needed */
    uint64_t page_mb;      /* the largest page file, at its largest */
    uint64_t ram_mb;
};

void crash_settings_read(struct crash_settings *s);

/* Takes one entry of PagingFiles: "C:\pagefile.sys 4096 8192". */
void crash_settings_page_file(struct crash_settings *s, const wchar_t *entry);

/* True when a dump could not, or likely not, be written: a sentence with the
 * remedy goes to out. */
bool crash_settings_finding(const struct crash_settings *s, char *out, size_t size);

#endif
