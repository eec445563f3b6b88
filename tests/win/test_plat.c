/* The basics of Windows behind plat/: files, private folders, pipes, paths. */
#include "base/buf.h"
#include "base/times.h"
#include "plat/files.h"
#include "plat/paths.h"
#include "plat/win/missing.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"
#include "tests/support/places.h"
#include "tests/support/suite.h"

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>

enum { PATH_LEN = 2048, DEEP = 40 };

static const char *below(const char *dir, const char *name)
{
    static char path[2][PATH_LEN];
    static int next;
    char *out = path[next++ % 2];

    ck_assert_int_lt(snprintf(out, PATH_LEN, "%s/%s", dir, name), PATH_LEN);
    return out;
}

static HANDLE open_for_writing(const char *path, DWORD share)
{
    wchar_t *wide;
    HANDLE h;

    ck_assert_int_eq(wide_path(path, &wide, NULL), 0);
    h = CreateFileW(wide, GENERIC_WRITE, share, NULL, OPEN_ALWAYS, 0, NULL);
    free(wide);
    ck_assert_ptr_ne(h, INVALID_HANDLE_VALUE);
    return h;
}

/* ---- text and paths ---- */

START_TEST(paths_are_made_absolute_with_the_long_prefix)
{
    static const struct {
        const char *given;
        const wchar_t *want;
    } rows[] = {
        { "C:/a/b", L"\\\\?\\C:\\a\\b" },
        { "C:\\a\\..\\b", L"\\\\?\\C:\\b" },
        { "//server/share/x", L"\\\\?\\UNC\\server\\share\\x" },
        { "\\\\server\\share\\x", L"\\\\?\\UNC\\server\\share\\x" },
        { "\\\\?\\C:\\a", L"\\\\?\\C:\\a" },
        { "\\\\.\\pipe\\x", L"\\\\.\\pipe\\x" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wchar_t *wide;

        ck_assert_int_eq(wide_path(rows[i].given, &wide, NULL), 0);
        ck_assert_msg(wcscmp(wide, rows[i].want) == 0, "%s became %ls", rows[i].given, wide);
        free(wide);
    }
}
END_TEST

START_TEST(text_that_is_no_utf8_is_refused)
{
    wchar_t *wide;

    ck_assert_int_eq(wide_from_utf8("\xff\xfe", &wide, NULL), ERR_INVALID);
    ck_assert_ptr_null(wide);
}
END_TEST

START_TEST(text_goes_to_utf16_and_back)
{
    wchar_t *wide;
    char *back;

    ck_assert_int_eq(wide_from_utf8("V\xc3\xa4xj\xc3\xb6 \xf0\x9f\x96\xa5", &wide, NULL), 0);
    back = utf8_from_wide(wide);
    ck_assert_str_eq(back, "V\xc3\xa4xj\xc3\xb6 \xf0\x9f\x96\xa5");
    free(back);
    free(wide);
}
END_TEST

START_TEST(a_path_of_settings_is_tidied_but_not_a_pipes_name)
{
    char path[] = "C:\\data\\x", pipe[] = "\\\\.\\pipe\\hvagent";

    plat_path_tidy(path);
    plat_path_tidy(pipe);
    ck_assert_str_eq(path, "C:/data/x");
    ck_assert_str_eq(pipe, "\\\\.\\pipe\\hvagent");
}
END_TEST

START_TEST(an_error_names_the_thing_and_what_the_system_says)
{
    struct err e;

    ck_assert_int_eq(err_win(&e, ERROR_FILE_NOT_FOUND, "the %s", "thing"), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, "the thing: "));
    ck_assert_ptr_nonnull(strstr(e.text, "(2)"));
    ck_assert_int_eq(err_win(&e, ERROR_SHARING_VIOLATION, "x"), ERR_BUSY);
}
END_TEST

START_TEST(memmem_finds_what_strstr_finds)
{
    static const char hay[] = "ababcabcd";

    ck_assert_ptr_eq(memmem(hay, 9, "abcd", 4), hay + 5);
    ck_assert_ptr_eq(memmem(hay, 9, "ab", 2), hay);
    ck_assert_ptr_null(memmem(hay, 8, "abcd", 4));
    ck_assert_ptr_null(memmem(hay, 2, "aba", 3));
    ck_assert_ptr_eq(memmem(hay, 9, "", 0), hay);
}
END_TEST

/* ---- files ---- */

START_TEST(a_file_is_read_at_any_offset_and_short_only_at_its_end)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "f", "0123456789", 10);
    struct file_info info;
    struct file *file;
    char bytes[8];
    size_t got;

    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), 0);
    ck_assert_int_eq(f->ops->read_at(file, 6, bytes, sizeof bytes, &got, NULL), 0);
    ck_assert_uint_eq(got, 4);
    ck_assert_mem_eq(bytes, "6789", 4);
    ck_assert_int_eq(f->ops->read_at(file, 100, bytes, sizeof bytes, &got, NULL), 0);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(f->ops->read_at(file, UINT64_MAX - 2, bytes, sizeof bytes, &got, NULL), 0);
    ck_assert_uint_eq(got, 0);
    ck_assert_int_eq(f->ops->info(file, &info, NULL), 0);
    ck_assert_uint_eq(info.size, 10);
    ck_assert(info.is_regular && !info.is_dir);
    f->ops->close(file);
}
END_TEST

START_TEST(what_is_told_of_a_file_has_its_owner_and_survives_a_rename)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir(), *path = write_file(dir, "before", "x", 1), *after = below(dir, "after");
    struct file_info one, two;

    ck_assert_int_eq(f->ops->stat(f, path, &one, NULL), 0);
    ck_assert_int_eq(strncmp(one.owner, "S-1-", 4), 0);
    ck_assert_int_eq(rename(path, after), 0);
    ck_assert_int_eq(f->ops->stat(f, after, &two, NULL), 0);
    ck_assert_uint_eq(one.id[0], two.id[0]);
    ck_assert_uint_eq(one.id[1], two.id[1]);
    ck_assert_int_eq(one.mtime_ns, two.mtime_ns);
}
END_TEST

START_TEST(what_does_not_exist_is_not_found)
{
    const struct files *f = plat_files();
    struct file_info info;
    struct file *file;

    ck_assert_int_eq(f->ops->stat(f, below(temp_dir(), "none"), &info, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(f->ops->open(f, below(temp_dir(), "none"), &file, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(f->ops->stat(f, below(temp_dir(), "no/way"), &info, NULL), ERR_NOT_FOUND);
}
END_TEST

START_TEST(folders_and_devices_are_never_opened)
{
    const struct files *f = plat_files();
    struct file *file;

    ck_assert_int_eq(f->ops->open(f, temp_dir(), &file, NULL), ERR_INVALID);
    ck_assert_int_eq(f->ops->open(f, "\\\\.\\pipe\\hvfleet-none", &file, NULL), ERR_INVALID);
    ck_assert_int_eq(f->ops->open(f, below(temp_dir(), "NUL"), &file, NULL) == 0, 0);
}
END_TEST

START_TEST(a_file_that_is_written_can_be_read_and_its_writer_is_seen)
{
    const struct files *f = plat_files();
    const char *path = below(temp_dir(), "dump");
    HANDLE writer = open_for_writing(path, FILE_SHARE_READ | FILE_SHARE_WRITE);
    struct file *file;
    struct err e;

    ck_assert_int_eq(f->ops->open(f, path, &file, &e), 0);
    ck_assert_int_eq(f->ops->writer_gone(f, path, &e), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(e.text, "still open for writing"));
    CloseHandle(writer);
    ck_assert_int_eq(f->ops->writer_gone(f, path, &e), 0); /* the reader is in nobody's way */
    f->ops->close(file);
}
END_TEST

START_TEST(a_file_nobody_may_share_is_busy)
{
    const struct files *f = plat_files();
    const char *path = below(temp_dir(), "locked");
    HANDLE writer = open_for_writing(path, 0);
    struct file *file;

    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), ERR_BUSY);
    CloseHandle(writer);
}
END_TEST

START_TEST(a_deep_path_and_names_in_any_script_are_found)
{
    const struct files *f = plat_files();
    char path[PATH_LEN];
    struct file_info info;
    size_t n = (size_t)snprintf(path, sizeof path, "%s", temp_dir());
    HANDLE h;

    for (int i = 0; i < DEEP; i++) {
        wchar_t *wide;

        n += (size_t)snprintf(path + n, sizeof path - n, "/V\xc3\xa4xj\xc3\xb6");
        ck_assert_int_eq(wide_path(path, &wide, NULL), 0);
        ck_assert(CreateDirectoryW(wide, NULL));
        free(wide);
    }
    ck_assert_uint_gt(n, MAX_PATH);
    snprintf(path + n, sizeof path - n, "/\xe6\x97\xa5.dmp");
    h = open_for_writing(path, 0);
    CloseHandle(h);
    ck_assert_int_eq(f->ops->stat(f, path, &info, NULL), 0);
    ck_assert(info.is_regular);
}
END_TEST

static bool note_name(void *arg, const char *name)
{
    struct buf *names = arg;

    buf_printf(names, "%s;", name);
    return true;
}

static bool only_one(void *arg, const char *name)
{
    (void)name;
    ++*(int *)arg;
    return false;
}

START_TEST(a_folder_is_listed_without_its_dots_and_until_enough)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    struct buf names;
    int count = 0;

    buf_init(&names, 1000);
    write_file(dir, "a", "", 0);
    write_file(dir, "b", "", 0);
    ck_assert_int_eq(f->ops->list(f, dir, note_name, &names, NULL), 0);
    ck_assert_uint_eq(names.len, 4);
    ck_assert_ptr_nonnull(strstr(buf_text(&names), "a;"));
    ck_assert_int_eq(f->ops->list(f, dir, only_one, &count, NULL), 0);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(f->ops->list(f, below(dir, "none"), note_name, &names, NULL), ERR_NOT_FOUND);
    buf_free(&names);
}
END_TEST

START_TEST(a_sparse_file_that_ends_in_nothing_is_seen)
{
    const struct files *f = plat_files();
    const char *path = below(temp_dir(), "sparse");
    HANDLE h = open_for_writing(path, FILE_SHARE_READ);
    LARGE_INTEGER size = { .QuadPart = 1 << 20 };
    struct file_info info;
    struct file *file;
    DWORD n;

    if (!DeviceIoControl(h, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &n, NULL)) {
        CloseHandle(h);
        skip("this file system has no sparse files");
    }
    ck_assert(SetFilePointerEx(h, size, NULL, FILE_BEGIN) && SetEndOfFile(h));
    CloseHandle(h);
    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), 0);
    ck_assert_int_eq(f->ops->info(file, &info, NULL), 0);
    f->ops->close(file);
    if (!info.hole_at_end)
        skip("this system does not tell holes");
    ck_assert_uint_eq(info.size, 1 << 20);
}
END_TEST

/* ---- folders and rights ---- */

START_TEST(a_services_sid_is_the_hash_of_its_name)
{
    wchar_t sid[RIGHTS_SID_MAX];

    ck_assert_int_eq(rights_service_sid(L"TrustedInstaller", sid, NULL), 0);
    ck_assert_msg(wcscmp(sid, L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464") == 0, "%ls", sid);
}
END_TEST

START_TEST(a_private_folder_is_made_and_found_good_again)
{
    const char *path = below(temp_dir(), "data");
    struct err e;

    ck_assert_msg(plat_private_dir(path, &e) == 0, "%s", e.text);
    ck_assert_msg(plat_private_dir(path, &e) == 0, "%s", e.text);
}
END_TEST

START_TEST(a_folder_that_everybody_may_use_is_refused_with_the_remedy)
{
    SECURITY_ATTRIBUTES open = { .nLength = sizeof open };
    const char *path = below(temp_dir(), "data");
    wchar_t *wide;
    struct err e;

    ck_assert_int_eq(wide_path(path, &wide, NULL), 0);
    ck_assert(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;FA;;;WD)", SDDL_REVISION_1,
                                                                   &open.lpSecurityDescriptor, NULL));
    ck_assert(CreateDirectoryW(wide, &open));
    LocalFree(open.lpSecurityDescriptor);
    free(wide);
    ck_assert_int_eq(plat_private_dir(path, &e), ERR_PERMISSION);
    ck_assert_ptr_nonnull(strstr(e.text, "icacls"));
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    const char *path = write_file(temp_dir(), "f", "", 0);
    struct err e;

    ck_assert_int_eq(plat_private_dir(path, &e), ERR_INVALID);
}
END_TEST

START_TEST(a_temporary_tree_is_made_and_removed)
{
    char dir[PATH_LEN];
    struct file_info info;
    struct err e;

    ck_assert_msg(plat_temp_dir("hvfleet-test", dir, sizeof dir, &e) == 0, "%s", e.text);
    ck_assert_int_eq(CreateDirectoryA(below(dir, "sub"), NULL) != 0, 1);
    write_file(below(dir, "sub"), "f", "x", 1);
    plat_remove_tree(dir);
    ck_assert_int_eq(plat_files()->ops->stat(plat_files(), dir, &info, NULL), ERR_NOT_FOUND);
}
END_TEST

START_TEST(every_default_place_is_below_program_data_or_a_pipe)
{
    for (int i = 0; i < PLAT_PATH_COUNT; i++) {
        const char *path = plat_path((enum plat_path)i);

        ck_assert_msg(strstr(path, "/hvfleet/") != NULL || strncmp(path, "\\\\.\\pipe\\", 9) == 0, "%s", path);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, paths_are_made_absolute_with_the_long_prefix);
    suite_test(s, text_that_is_no_utf8_is_refused);
    suite_test(s, text_goes_to_utf16_and_back);
    suite_test(s, a_path_of_settings_is_tidied_but_not_a_pipes_name);
    suite_test(s, an_error_names_the_thing_and_what_the_system_says);
    suite_test(s, memmem_finds_what_strstr_finds);
    suite_test(s, a_file_is_read_at_any_offset_and_short_only_at_its_end);
    suite_test(s, what_is_told_of_a_file_has_its_owner_and_survives_a_rename);
    suite_test(s, what_does_not_exist_is_not_found);
    suite_test(s, folders_and_devices_are_never_opened);
    suite_test(s, a_file_that_is_written_can_be_read_and_its_writer_is_seen);
    suite_test(s, a_file_nobody_may_share_is_busy);
    suite_test(s, a_deep_path_and_names_in_any_script_are_found);
    suite_test(s, a_folder_is_listed_without_its_dots_and_until_enough);
    suite_test(s, a_sparse_file_that_ends_in_nothing_is_seen);
    suite_test(s, a_services_sid_is_the_hash_of_its_name);
    suite_test(s, a_private_folder_is_made_and_found_good_again);
    suite_test(s, a_folder_that_everybody_may_use_is_refused_with_the_remedy);
    suite_test(s, a_file_is_no_folder);
    suite_test(s, a_temporary_tree_is_made_and_removed);
    suite_test(s, every_default_place_is_below_program_data_or_a_pipe);
}

int main(void)
{
    return suite_main("win: plat", add);
}
