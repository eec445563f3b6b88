/* Private folders and temporary trees. */
#include "plat/paths.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 512 };

static const char *below(const char *dir, const char *name)
{
    static char path[2][PATH_LEN];
    static int next;
    char *out = path[next++ % 2];

    ck_assert_int_lt(snprintf(out, PATH_LEN, "%s/%s", dir, name), PATH_LEN);
    return out;
}

START_TEST(a_private_folder_is_made_for_the_owner_alone)
{
    const char *path = below(temp_dir(), "data");
    struct stat st;
    struct err e;

    ck_assert_int_eq(plat_private_dir(path, &e), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(plat_private_dir(path, &e), 0);
}
END_TEST

START_TEST(a_private_folder_may_be_read_by_its_group)
{
    const char *path = temp_dir();
    struct err e;

    ck_assert_int_eq(chmod(path, 0750), 0);
    ck_assert_int_eq(plat_private_dir(path, &e), 0);
}
END_TEST

START_TEST(a_looser_private_folder_is_refused_with_the_remedy)
{
    static const mode_t modes[] = { 0770, 0755, 0701, 0777 };
    const char *path = temp_dir();
    struct err e;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        ck_assert_int_eq(plat_private_dir(path, &e), ERR_PERMISSION);
        ck_assert_ptr_nonnull(strstr(e.text, "chmod 0750"));
    }
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    const char *path = write_file(temp_dir(), "f", "", 0);
    struct err e;

    ck_assert_int_eq(plat_private_dir(path, &e), ERR_INVALID);
}
END_TEST

START_TEST(a_temporary_tree_is_removed_and_links_are_not_followed)
{
    char dir[PATH_LEN];
    const char *outside = write_file(temp_dir(), "kept", "x", 1);
    struct err e;

    ck_assert_int_eq(plat_temp_dir("hvfleet-test", dir, sizeof dir, &e), 0);
    ck_assert_int_eq(mkdir(below(dir, "sub"), 0700), 0);
    write_file(below(dir, "sub"), "f", "x", 1);
    ck_assert_int_eq(symlink(outside, below(dir, "link")), 0);
    plat_remove_tree(dir);
    ck_assert_int_ne(access(dir, F_OK), 0);
    ck_assert_int_eq(access(outside, F_OK), 0);
}
END_TEST

START_TEST(every_default_place_is_absolute)
{
    for (int i = 0; i < PLAT_PATH_COUNT; i++)
        ck_assert_int_eq(plat_path((enum plat_path)i)[0], '/');
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_private_folder_is_made_for_the_owner_alone);
    suite_test(s, a_private_folder_may_be_read_by_its_group);
    suite_test(s, a_looser_private_folder_is_refused_with_the_remedy);
    suite_test(s, a_file_is_no_folder);
    suite_test(s, a_temporary_tree_is_removed_and_links_are_not_followed);
    suite_test(s, every_default_place_is_absolute);
}

int main(void)
{
    return suite_main("plat: paths", add);
}
