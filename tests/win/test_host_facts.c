/* Host facts, crash settings and dump folders, from a registry the tests write
 * (HKLM of a Wine prefix of its own). */
#include "base/times.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/live.h"
#include "plat/win/crash_settings.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define CURRENT   L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
#define INSTALLER CURRENT L"\\Virtualization\\GuestInstaller\\Version"
#define CRASH     L"SYSTEM\\CurrentControlSet\\Control\\CrashControl"
#define MEMORY    L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management"

enum { PROBLEMS_MAX = 16384, SKIPPED = 77 };

static void set_text(const wchar_t *key, const wchar_t *name, DWORD type, const wchar_t *text)
{
    DWORD bytes = (DWORD)((wcslen(text) + (type == REG_MULTI_SZ ? 2 : 1)) * sizeof *text);
    wchar_t copy[512] = L"";

    wcsncpy(copy, text, 500);
    ck_assert_int_eq(RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, name, type, copy, bytes), ERROR_SUCCESS);
}

static void set_number(const wchar_t *key, const wchar_t *name, DWORD n)
{
    ck_assert_int_eq(RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, name, REG_DWORD, &n, sizeof n), ERROR_SUCCESS);
}

static void unset(const wchar_t *key, const wchar_t *name)
{
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, key, name);
}

static struct resource read_facts(char problems[PROBLEMS_MAX])
{
    struct resource r;
    struct buf b;
    struct err e;

    buf_init(&b, PROBLEMS_MAX - 1);
    ck_assert_int_eq(plat_live_host_facts(&r, &b, &e), 0);
    snprintf(problems, PROBLEMS_MAX, "%s", buf_text(&b));
    buf_free(&b);
    return r;
}

START_TEST(the_host_says_who_it_is)
{
    char problems[PROBLEMS_MAX];
    struct resource r = read_facts(problems), again = read_facts(problems);
    int64_t now = plat_clock()->wall_ns(plat_clock());
    struct version v;

    ck_assert_str_ne(r.host_name, "");
    ck_assert_str_ne(r.host_id, "");
    ck_assert_str_eq(r.host_id, again.host_id);
    ck_assert_int_eq(version_parse(r.os_version, &v), 4);
    ck_assert_str_eq(r.service_name, "hvagent");
    ck_assert_int_gt(r.boot_time, 0);
    ck_assert_int_le(r.boot_time, now);
    ck_assert_int_eq(r.boot_time, again.boot_time);
    ck_assert_str_ne(r.boot_id, "");
    ck_assert_str_eq(r.boot_id, again.boot_id);
    ck_assert_int_eq(r.boot_time % NS_PER_S, 0);
}
END_TEST

START_TEST(the_last_part_of_the_version_is_ubr_or_the_build_lab)
{
    char problems[PROBLEMS_MAX];
    struct version v;
    struct resource r;

    set_number(CURRENT, L"UBR", 20778);
    r = read_facts(problems);
    ck_assert_int_eq(version_parse(r.os_version, &v), 4);
    ck_assert_uint_eq(v.part[3], 20778);
    unset(CURRENT, L"UBR");
    set_text(CURRENT, L"BuildLabEx", REG_SZ, L"7601.24214.amd64fre.win7sp1_ldr.180801-1700");
    r = read_facts(problems);
    ck_assert_int_eq(version_parse(r.os_version, &v), 4);
    ck_assert_uint_eq(v.part[3], 24214);
    unset(CURRENT, L"BuildLabEx");
}
END_TEST

/* Each generation has its own name of the value; this one's is what must be
 * read. */
START_TEST(the_expected_versions_come_from_this_generations_value)
{
    static const struct {
        enum host_generation generation;
        const char *win6x, *win5x;
    } expected[] = {
        { HOST_2008, "6.0.6002.18005", "6.2.9200.16384" },   { HOST_2008R2, "6.1.7601.17514", "6.1.7601.17514" },
        { HOST_2012, "6.3.9600.18692", "6.2.9200.16384" },   { HOST_2012R2, "6.3.9600.18692", "6.2.9200.16384" },
        { HOST_2016UP, "6.3.9600.18692", "6.2.9200.16384" },
    };
    char problems[PROBLEMS_MAX];
    struct resource r;
    int seen = 0;

    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer", REG_SZ, L"6.1.7601.17514");
    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer-Win60-Package", REG_SZ, L"6.0.6002.18005");
    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer-Win6x-Package", REG_SZ, L"6.3.9600.18692");
    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer-Win5x-Package", REG_SZ, L"6.2.9200.16384");
    r = read_facts(problems);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (expected[i].generation != host_generation_of(r.os_version))
            continue;
        ck_assert_str_eq(r.is_win6x, expected[i].win6x);
        ck_assert_str_eq(r.is_win5x, expected[i].win5x);
        seen++;
    }
    ck_assert_int_eq(seen, 1);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, INSTALLER);
}
END_TEST

START_TEST(a_missing_expected_version_is_a_problem_only_where_one_is_needed)
{
    char problems[PROBLEMS_MAX];
    struct resource r = read_facts(problems);
    bool needed = host_generation_of(r.os_version) != HOST_2016UP;

    ck_assert_str_eq(r.is_win6x, "");
    ck_assert_str_eq(r.is_win5x, "");
    ck_assert_int_eq(strstr(problems, "GuestInstaller") != NULL, needed);
}
END_TEST

START_TEST(a_value_that_is_no_version_is_not_believed)
{
    char problems[PROBLEMS_MAX];

    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer-Win6x-Package", REG_SZ, L"latest");
    set_text(INSTALLER, L"Microsoft-Hyper-V-Guest-Installer", REG_SZ, L"latest");
    ck_assert_str_eq(read_facts(problems).is_win6x, "");
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, INSTALLER);
}
END_TEST

START_TEST(the_clusters_name_comes_from_the_registry_without_its_service)
{
    char problems[PROBLEMS_MAX];

    ck_assert_str_eq(read_facts(problems).cluster, "");
    set_text(L"Cluster", L"ClusterName", REG_SZ, L"PROD-A");
    ck_assert_str_eq(read_facts(problems).cluster, "PROD-A");
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"Cluster");
}
END_TEST

/* ---- crash dumps of the host -------------------------------------------- */

START_TEST(settings_that_can_not_write_a_dump_are_a_finding)
{
    static const struct {
        struct crash_settings s;
        const char *words; /* NULL: no finding */
    } cases[] = {
        { { .enabled = -1 }, NULL },
        { { .enabled = 0, .system_managed = true, .ram_mb = 65536 }, "writes no crash dump" },
        { { .enabled = 7, .system_managed = true, .ram_mb = 65536 }, NULL },
        { { .enabled = 7, .ram_mb = 65536 }, "no page file" },
        { { .enabled = 2, .page_mb = 1024, .ram_mb = 65536 }, "a kernel crash dump may not fit: it needs 2060 MB" },
        { { .enabled = 2, .page_mb = 2060, .ram_mb = 65536 }, NULL },
        { { .enabled = 2, .page_mb = 1024, .ram_mb = 512 }, NULL },
        { { .enabled = 1, .page_mb = 65536, .ram_mb = 65536 }, "a complete crash dump may not fit: it needs 65793 MB" },
        { { .enabled = 1, .page_mb = 65793, .ram_mb = 65536 }, NULL },
        { { .enabled = 1, .active = true, .page_mb = 4096, .ram_mb = 65536 }, NULL },
        { { .enabled = 3, .page_mb = 16, .ram_mb = 65536 }, NULL },
        { { .enabled = 1, .dedicated = true, .ram_mb = 65536 }, NULL },
        { { .enabled = 1, .dedicated = true, .dedicated_mb = 100, .system_managed = true, .ram_mb = 65536 },
          "the dedicated dump file is 100 MB" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512] = "";
        bool found = crash_settings_finding(&cases[i].s, text, sizeof text);

        ck_assert_msg(found == (cases[i].words != NULL), "case %d: %s", (int)i, text);
        if (cases[i].words != NULL)
            ck_assert_msg(strstr(text, cases[i].words) != NULL, "case %d: %s", (int)i, text);
    }
}
END_TEST

START_TEST(page_files_are_read_as_windows_writes_them)
{
    static const struct {
        const wchar_t *entry;
        bool managed;
        uint64_t mb;
    } cases[] = {
        { L"?:\\pagefile.sys", true, 0 },
        { L"C:\\pagefile.sys 0 0", true, 0 },
        { L"C:\\pagefile.sys", true, 0 },
        { L"D:\\pagefile.sys 4096 8192", false, 8192 },
        { L"D:\\with blank\\pagefile.sys 4096 4096", false, 4096 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct crash_settings s = { .enabled = 7 };

        crash_settings_page_file(&s, cases[i].entry);
        ck_assert_int_eq(s.system_managed, cases[i].managed);
        ck_assert_uint_eq(s.page_mb, cases[i].mb);
    }
}
END_TEST

START_TEST(the_finding_is_among_the_problems_of_the_host)
{
    char problems[PROBLEMS_MAX];

    set_number(CRASH, L"CrashDumpEnabled", 0);
    read_facts(problems);
    ck_assert_ptr_nonnull(strstr(problems, "CrashDumpEnabled is 0"));
    set_number(CRASH, L"CrashDumpEnabled", 2);
    set_text(MEMORY, L"PagingFiles", REG_MULTI_SZ, L"C:\\pagefile.sys 64 64");
    read_facts(problems);
    ck_assert_ptr_nonnull(strstr(problems, "the page file is 64 MB at most"));
    set_text(MEMORY, L"PagingFiles", REG_MULTI_SZ, L"?:\\pagefile.sys");
    read_facts(problems);
    ck_assert_ptr_null(strstr(problems, "crash dump"));
    unset(CRASH, L"CrashDumpEnabled");
    unset(MEMORY, L"PagingFiles");
}
END_TEST

/* ---- where they go ------------------------------------------------------ */

struct folders {
    int count;
    char path[8][256];
    int depth[8];
};

static void take_folder(void *arg, const char *path, int depth)
{
    struct folders *f = arg;

    ck_assert_int_lt(f->count, 8);
    snprintf(f->path[f->count], sizeof f->path[0], "%s", path);
    f->depth[f->count++] = depth;
}

START_TEST(dump_folders_are_windows_own_by_default)
{
    struct folders f = { 0 };
    struct err e;

    ck_assert_int_eq(plat_live_dump_folders(take_folder, &f, &e), 0);
    ck_assert_int_eq(f.count, 3);
    ck_assert_int_eq(_stricmp(f.path[0], "C:\\windows"), 0);
    ck_assert_int_eq(f.depth[0], 0);
    ck_assert_int_eq(_stricmp(f.path[1], "C:\\windows\\Minidump"), 0);
    ck_assert_int_eq(_stricmp(f.path[2], "C:\\windows\\LiveKernelReports"), 0);
    ck_assert_int_eq(f.depth[2], 1);
}
END_TEST

START_TEST(dump_folders_follow_the_settings)
{
    struct folders f = { 0 };
    struct err e;

    set_text(CRASH, L"DumpFile", REG_EXPAND_SZ, L"D:\\MEMORY.DMP");
    set_text(CRASH, L"MinidumpDir", REG_EXPAND_SZ, L"%SystemDrive%\\small");
    ck_assert_int_eq(plat_live_dump_folders(take_folder, &f, &e), 0);
    ck_assert_str_eq(f.path[0], "D:\\");
    ck_assert_int_eq(_stricmp(f.path[1], "C:\\small"), 0);
    unset(CRASH, L"DumpFile");
    unset(CRASH, L"MinidumpDir");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, the_host_says_who_it_is);
    suite_test(s, the_last_part_of_the_version_is_ubr_or_the_build_lab);
    suite_test(s, the_expected_versions_come_from_this_generations_value);
    suite_test(s, a_missing_expected_version_is_a_problem_only_where_one_is_needed);
    suite_test(s, a_value_that_is_no_version_is_not_believed);
    suite_test(s, the_clusters_name_comes_from_the_registry_without_its_service);
    suite_test(s, settings_that_can_not_write_a_dump_are_a_finding);
    suite_test(s, page_files_are_read_as_windows_writes_them);
    suite_test(s, the_finding_is_among_the_problems_of_the_host);
    suite_test(s, dump_folders_are_windows_own_by_default);
    suite_test(s, dump_folders_follow_the_settings);
}

/* It writes to HKLM: only where tests/win/run_wmi says that this does no harm. */
int main(void)
{
    if (getenv("HVFLEET_TEST_REGISTRY") == NULL) {
        puts("skip: win: host facts: needs a registry of its own, see tests/win/run_wmi");
        return SKIPPED;
    }
    return suite_main("win: host facts", add);
}
