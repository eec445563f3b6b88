/* Bundles with more, longer and odder names than anybody captures. */
#include "base/times.h"
#include "collectors/bundle.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct fake_files fs;
static struct fake_clock ticks;
static struct bundle *bundle;
static struct err why;

static int open_with(const struct files *files, const char *dir)
{
    struct bundle_options options = {
        .files = files, .clock = &ticks.clock, .poll_ns = NS_PER_S, .refresh_ns = 3600 * NS_PER_S
    };

    fake_clock_init(&ticks);
    bundle = NULL;
    return bundle_open(dir, &options, &bundle, &why);
}

static void add_text(const char *path, const char *text)
{
    fake_file(&fs, path, text, strlen(text), 1);
}

static void begin(void)
{
    fake_files_init(&fs);
    fake_folder(&fs, "/b");
    add_text("/b/host.yaml", "name: HV01\n");
}

/* ---- many ------------------------------------------------------------------------------ */

/* A folder of so many saved logs. */
static int open_many(const char *folder, int count)
{
    char path[128];

    begin();
    fake_folder(&fs, folder);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%04d.xml", folder, i);
        add_text(path, "");
    }
    return open_with(&fs.files, "/b");
}

START_TEST(a_thousand_saved_logs_are_read_and_more_are_refused)
{
    ck_assert_int_eq(open_many("/b/events", 1021), 0);
    ck_assert_uint_eq(bundle_source_count(bundle), 1021);
    ck_assert_str_eq(bundle_source(bundle, 1020)->name, "HV01/events/1020.xml");
    bundle_close(bundle);
    ck_assert_int_eq(open_many("/b/events", 1022), ERR_TOO_BIG);
    ck_assert_str_eq(why.text, "/b/events holds more than 1021 event files");
    ck_assert_int_eq(open_many("/b/events", 3000), ERR_TOO_BIG);
    ck_assert_ptr_null(bundle);
}
END_TEST

START_TEST(logs_of_an_esxi_host_share_that_limit)
{
    ck_assert_int_eq(open_many("/b/events", 1021), 0);
    fake_folder(&fs, "/b/esxi");
    ck_assert_int_eq(bundle_rescan(bundle, &why), 0);
    add_text("/b/esxi/readme", "");
    ck_assert_int_eq(bundle_rescan(bundle, &why), 0);
    add_text("/b/esxi/vobd.log", "");
    ck_assert_int_eq(bundle_rescan(bundle, &why), ERR_TOO_BIG);
    ck_assert_str_eq(why.text, "/b: more than 1021 event files and logs");
    bundle_close(bundle);
}
END_TEST

START_TEST(a_log_that_is_known_is_not_added_again)
{
    begin();
    fake_folder(&fs, "/b/esxi");
    fake_folder(&fs, "/b/esxi/web");
    fake_folder(&fs, "/b/esxi/odd");
    fake_folder(&fs, "/b/esxi/odd/vmware.log"); /* a folder is no log */
    add_text("/b/esxi/vobd.log", "");
    add_text("/b/esxi/web/vmware.log", "");
    ck_assert_int_eq(open_with(&fs.files, "/b"), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(bundle_source_count(bundle), 2);
        ck_assert_int_eq(bundle_rescan(bundle, &why), 0);
    }
    bundle_close(bundle);
}
END_TEST

/* ---- how guests are set up --------------------------------------------------------------- */

static const struct {
    const char *file;
    size_t sources;
} captures[] = {
    { "/b/kvp/Msvm_SummaryInformation.xml", 1 }, /* which guests tell of themselves, too */
    { "/b/kvp/Msvm_MemorySettingDataOfMine.xml", 1 },
    { "/b/kvp/msvm_memorysettingdata.20260131T080000Z.xml", 2 },
};

START_TEST(settings_are_a_source_where_a_class_of_theirs_was_captured)
{
    begin();
    fake_folder(&fs, "/b/kvp");
    add_text(captures[_i].file, "");
    ck_assert_int_eq(open_with(&fs.files, "/b"), 0);
    ck_assert_uint_eq(bundle_source_count(bundle), captures[_i].sources);
    bundle_close(bundle);
}
END_TEST

START_TEST(a_folder_that_can_not_be_listed_is_told_by_its_source)
{
    begin();
    fake_folder(&fs, "/b/kvp")->list_rc = ERR_PERMISSION;
    ck_assert_int_eq(open_with(&fs.files, "/b"), 0);
    ck_assert_uint_eq(bundle_source_count(bundle), 1);
    bundle_close(bundle);
    begin();
    fake_folder(&fs, "/b/events")->list_rc = ERR_PERMISSION;
    ck_assert_int_eq(open_with(&fs.files, "/b"), ERR_PERMISSION);
    ck_assert_str_eq(why.text, "/b/events: the fake fails with permission");
}
END_TEST

/* ---- names ------------------------------------------------------------------------------- */

static const struct {
    const char *dir, *events, *name;
} names[] = {
    { "/HV07", "/HV07/events", "HV07" }, { "HV07", "HV07/events", "HV07" }, { "/", "//events", "bundle" },
    { "..", "../events", "bundle" },     { "x/.", "x/./events", "bundle" },
};

START_TEST(without_host_yaml_the_name_is_the_folders_unless_that_is_none)
{
    fake_files_init(&fs);
    fake_folder(&fs, names[_i].dir);
    fake_folder(&fs, names[_i].events);
    ck_assert_int_eq(open_with(&fs.files, names[_i].dir), 0);
    ck_assert_str_eq(bundle_facts(bundle)->host_name, names[_i].name);
    bundle_close(bundle);
}
END_TEST

START_TEST(a_host_yaml_that_can_not_be_read_is_an_error)
{
    begin();
    fs.list[1].read_rc = ERR_IO;
    ck_assert_int_eq(open_with(&fs.files, "/b"), ERR_IO);
    ck_assert_str_eq(why.text, "/b/host.yaml: the fake fails with io");
    fs.list[1].read_rc = 0;
    fs.list[1].open_rc = ERR_PERMISSION;
    ck_assert_int_eq(open_with(&fs.files, "/b"), ERR_PERMISSION);
    fake_files_init(&fs);
    add_text("/b", "");
    ck_assert_int_eq(open_with(&fs.files, "/b"), ERR_INVALID);
    ck_assert_str_eq(why.text, "/b is no folder");
}
END_TEST

/* A tree in which everything is a folder, but for what ends in .xml or .log and for host.yaml, which is not there. */
static const char *only_name; /* in each folder */

static int endless_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    size_t n = strlen(path);

    (void)f;
    if (n >= 9 && strcmp(path + n - 9, "host.yaml") == 0)
        return err_set(e, ERR_NOT_FOUND, "no such file");
    *out = (struct file_info){ .is_dir =
                                   n < 4 || (strcmp(path + n - 4, ".xml") != 0 && strcmp(path + n - 4, ".log") != 0) };
    out->is_regular = !out->is_dir;
    return 0;
}

static int endless_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                        struct err *e)
{
    (void)f;
    (void)dir;
    (void)e;
    (void)take(arg, only_name);
    return 0;
}

static int open_long(size_t dir_len, const char *name)
{
    static const struct files_ops ops = { .stat = endless_stat, .list = endless_list };
    static const struct files endless = { .ops = &ops };
    static char dir[FILES_PATH_MAX + 1];

    ck_assert_uint_lt(dir_len, sizeof dir);
    memset(dir, 'd', dir_len);
    dir[0] = '/';
    dir[dir_len] = '\0';
    only_name = name;
    return open_with(&endless, dir);
}

START_TEST(paths_that_no_system_takes_are_refused_with_what_is_too_long)
{
    ck_assert_int_eq(open_long(FILES_PATH_MAX - 10, "a.xml"), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "is too long"));
    ck_assert_int_eq(open_long(FILES_PATH_MAX - 11, "a.xml"), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "the path of a.xml in "));
    ck_assert_int_eq(open_long(FILES_PATH_MAX - 11, "readme"), ERR_TOO_BIG); /* in esxi/ all names count */
    ck_assert_ptr_nonnull(strstr(why.text, "the path of readme in "));
    ck_assert_int_eq(open_long(FILES_PATH_MAX - 20, "readme"), 0); /* a guest's log would not fit: it has none */
    bundle_close(bundle);
}
END_TEST

START_TEST(a_source_with_a_name_that_is_too_long_is_refused)
{
    char name[600];

    memset(name, 'n', sizeof name);
    snprintf(name + sizeof name - 5, 5, ".xml");
    ck_assert_int_eq(open_long(10, name), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "a source's name may have 511 bytes"));
    snprintf(name + sizeof name - 5, 5, "name");
    ck_assert_int_eq(open_long(10, name), ERR_TOO_BIG); /* esxi/<name>/vmware.log */
    ck_assert_ptr_nonnull(strstr(why.text, "a source's name may have 511 bytes"));
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    suite_test(s, a_thousand_saved_logs_are_read_and_more_are_refused);
    suite_test(s, logs_of_an_esxi_host_share_that_limit);
    suite_test(s, a_log_that_is_known_is_not_added_again);
    add_each(s, settings_are_a_source_where_a_class_of_theirs_was_captured, sizeof captures / sizeof captures[0]);
    suite_test(s, a_folder_that_can_not_be_listed_is_told_by_its_source);
    add_each(s, without_host_yaml_the_name_is_the_folders_unless_that_is_none, sizeof names / sizeof names[0]);
    suite_test(s, a_host_yaml_that_can_not_be_read_is_an_error);
    suite_test(s, paths_that_no_system_takes_are_refused_with_what_is_too_long);
    suite_test(s, a_source_with_a_name_that_is_too_long_is_refused);
}

int main(void)
{
    return suite_main("collectors: the edges of bundles", add);
}
