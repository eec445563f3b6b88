/* Watched folders with more, longer and odder things than dumps in them, and files that change or fail under the look.
 */
#include "collectors/dumps_look.h"
#include "collectors/dumps_walk.h"
#include "tests/collectors/support_dumps.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUID "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"

/* ---- a tree that is made up as it is walked ------------------------------------------------ */

static struct tree {
    const char *name, *ending; /* of the entries of the top folder, a number between; no ending: folders */
    int count;                 /* 1: no number */
    int stat_rc;               /* of everything but the top */
    int list_rc;               /* of the folders below */
} tree;

static uint64_t next_id;

static int tree_stat(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    (void)f;
    if (tree.stat_rc != 0 && strcmp(path, "/d") != 0)
        return err_set(e, (enum err_code)tree.stat_rc, "%.100s: nobody looks at that", path);
    *out = (struct file_info){ .is_dir = strchr(path, '.') == NULL, .id = { 1, ++next_id } };
    out->is_regular = !out->is_dir;
    return 0;
}

static int tree_list(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                     struct err *e)
{
    char name[5000];

    (void)f;
    if (strcmp(dir, "/d") != 0)
        return tree.list_rc == 0 ? 0 : err_set(e, (enum err_code)tree.list_rc, "%s: nobody lists that", dir);
    for (int i = 0; i < tree.count; i++) {
        if (tree.count > 1)
            snprintf(name, sizeof name, "%s%d%s", tree.name, i, tree.ending);
        else
            snprintf(name, sizeof name, "%s%s", tree.name, tree.ending);
        if (!take(arg, name))
            break;
    }
    return 0;
}

static struct dumps_walk walk;
static struct fake_clock ticks;
static struct err why;

static int walk_tree(const char *dir, struct tree t, int files_max, int64_t deadline_ns)
{
    static const struct files_ops ops = { .stat = tree_stat, .list = tree_list };
    static const struct files files = { .ops = &ops };
    struct dumps_walk_limits limits = { .depth_max = 3, .files_max = files_max, .deadline_ns = deadline_ns };

    tree = t;
    next_id = 0;
    dumps_walk_free(&walk);
    fake_clock_init(&ticks);
    ticks.step = 1;
    return dumps_walk(&walk, &files, &ticks.clock, dir, &limits, &why);
}

START_TEST(what_is_no_folder_is_not_walked)
{
    ck_assert_int_eq(walk_tree("/d.dmp", (struct tree){ .name = "a", .ending = ".dmp", .count = 1 }, 10, 0),
                     ERR_INVALID);
    ck_assert_str_eq(why.text, "/d.dmp is no folder");
    ck_assert_uint_eq(walk.count, 0);
}
END_TEST

START_TEST(more_folders_than_are_watched_are_told)
{
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "f", .ending = "", .count = 4095 }, 10, 0), 0);
    ck_assert(walk.whole);
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "f", .ending = "", .count = 4096 }, 10, 0), 0);
    ck_assert(!walk.whole);
    ck_assert_str_eq(walk.trouble, "there are too many folders below /d; watch fewer");
}
END_TEST

START_TEST(a_million_entries_are_looked_at_and_no_more)
{
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "", .ending = ".txt", .count = 1000000 }, 10, 0), 0);
    ck_assert(walk.whole);
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "", .ending = ".txt", .count = 1000001 }, 10, 0), 0);
    ck_assert(!walk.whole);
    ck_assert_str_eq(walk.trouble, "there are too many files below /d");
}
END_TEST

START_TEST(paths_of_more_than_sixty_four_mebibytes_are_told)
{
    char name[2001];

    memset(name, 'n', sizeof name);
    name[2000] = '\0';
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = name, .ending = ".dmp", .count = 40000 }, 100000, 0), 0);
    ck_assert(!walk.whole);
    ck_assert_str_eq(walk.trouble, "there are too many files below /d");
    ck_assert_uint_gt(walk.count, 30000);
    ck_assert_uint_lt(walk.count, 34000); /* of a little over 2,000 bytes each */
    dumps_walk_free(&walk);
}
END_TEST

START_TEST(a_path_that_no_system_takes_is_told)
{
    char name[FILES_PATH_MAX];

    memset(name, 'n', sizeof name);
    name[FILES_PATH_MAX - 8] = '\0'; /* with "/d/", ".dmp" and the NUL it just fits */
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = name, .ending = ".dmp", .count = 1 }, 10, 0), 0);
    ck_assert(walk.whole);
    ck_assert_uint_eq(walk.count, 1);
    name[FILES_PATH_MAX - 8] = 'n';
    name[FILES_PATH_MAX - 7] = '\0';
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = name, .ending = ".dmp", .count = 1 }, 10, 0), 0);
    ck_assert(!walk.whole);
    ck_assert_ptr_nonnull(strstr(walk.trouble, " is too long"));
    ck_assert_uint_eq(walk.count, 0);
}
END_TEST

static const struct {
    const char *name;
    int stat_rc, list_rc;
    const char *trouble;
} troubles[] = {
    { "a.dmp", ERR_PERMISSION, 0, "/d/a.dmp: nobody looks at that" },
    { "a.dmp", ERR_NOT_FOUND, 0, "" }, /* it has gone since it was listed */
    { "a.txt", ERR_PERMISSION, 0, "" },
    { "sub", 0, ERR_PERMISSION, "/d/sub: nobody lists that" },
    { "sub", 0, ERR_NOT_FOUND, "" },
    { "sub", 0, 0, "" },
};

START_TEST(what_can_not_be_looked_at_is_told_when_it_may_be_a_dump)
{
    struct tree t = { .name = troubles[_i].name,
                      .ending = "",
                      .count = 1,
                      .stat_rc = troubles[_i].stat_rc,
                      .list_rc = troubles[_i].list_rc };

    ck_assert_int_eq(walk_tree("/d", t, 10, 0), 0);
    ck_assert_str_eq(walk.trouble, troubles[_i].trouble);
    ck_assert_int_eq(walk.whole, troubles[_i].trouble[0] == '\0');
}
END_TEST

START_TEST(a_walk_that_comes_to_its_deadline_between_two_folders_says_so)
{
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "f", .ending = "", .count = 9 }, 10, 5), 0);
    ck_assert(!walk.whole);
    ck_assert_str_eq(walk.trouble, "reading /d took too long; not all of it was looked at");
    ck_assert_int_eq(walk_tree("/d", (struct tree){ .name = "f", .ending = "", .count = 9 }, 10, 1000), 0);
    ck_assert(walk.whole);
}
END_TEST

/* ---- the look --------------------------------------------------------------------------------- */

static struct fake_files fs;

static struct fake_file *put(const char *path, struct dumps_file *file)
{
    struct fake_file *f;

    dump_make(dump_a, 0xD1, 1769846000);
    fake_files_init(&fs);
    f = fake_file(&fs, path, dump_a, DUMP_SIZE, DUMP_MTIME);
    *file = (struct dumps_file){ .path = f->path, .relative = strrchr(f->path, '/') + 1, .info = f->info };
    return f;
}

static void grow(struct fake_file *f)
{
    f->info.mtime_ns++;
}

START_TEST(a_file_that_is_another_when_it_is_opened_is_left_for_later)
{
    struct dumps_file file;
    struct dumps_look look;

    put("/d/a.dmp", &file);
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_READY);
    ck_assert_int_eq(look.verdict, DUMPS_OK);
    put("/d/a.dmp", &file)->on_open = grow;
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_CHANGED);
    put("/d/a.dmp", &file)->open_rc = ERR_INVALID; /* no regular file any more */
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_CHANGED);
    put("/d/a.dmp", &file)->gone = true;
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_CHANGED);
}
END_TEST

START_TEST(a_file_that_can_not_be_asked_for_its_size_waits)
{
    struct dumps_file file;
    struct dumps_look look;

    put("/d/a.dmp", &file)->info_rc = ERR_IO;
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_WAIT);
    ck_assert_int_eq(look.verdict, DUMPS_NO_ACCESS);
    ck_assert_str_eq(look.problem, "/d/a.dmp: the fake fails with io");
}
END_TEST

START_TEST(a_cut_file_that_is_still_written_is_told_as_cut)
{
    struct dumps_file file;
    struct dumps_look look;
    struct fake_file *f = put("/d/a.dmp", &file);

    f->info.size = file.info.size = DUMP_SIZE - 1;
    f->writer_rc = ERR_BUSY;
    dumps_look(&fs.files, &file, &look);
    ck_assert_int_eq(look.readiness, DUMPS_WAIT);
    ck_assert_int_eq(look.verdict, DUMPS_PARTIAL);
    ck_assert_ptr_null(strstr(look.problem, "still has the file open"));
    ck_assert_str_ne(look.problem, "");
}
END_TEST

static const struct {
    const char *relative, *vm_id, *vm_name, *by;
} owners[] = {
    { GUID ".dmp", GUID, "", "file-name" },        { GUID, "", "", "" }, /* nothing behind it: a name, and no dump's */
    { "x-" GUID ".dmp-and-more", "", "", "" },     { GUID "/a.dmp", GUID, "", "folder" },
    { "web/" GUID ".dmp", GUID, "", "file-name" }, { "web/sub/a.dmp", "", "web", "folder-name" },
};

START_TEST(a_dump_is_the_guests_that_its_path_names)
{
    struct dumps_file file;
    struct dumps_look look;
    struct obs_batch b;

    put("/d/a.dmp", &file);
    dumps_look(&fs.files, &file, &look);
    file.relative = owners[_i].relative;
    obs_batch_init(&b, 1 << 20);
    dumps_report(&b, &file, &look, NULL, WALL);
    ck_assert_str_eq(obs_get_str(b.first, ATTR_VM_ID), owners[_i].vm_id);
    ck_assert_str_eq(obs_get_str(b.first, ATTR_VM_NAME), owners[_i].vm_name);
    ck_assert_str_eq(obs_get_str(b.first, ATTR_DUMP_VM_BY), owners[_i].by);
    obs_batch_free(&b);
}
END_TEST

START_TEST(a_dump_that_windows_wrote_while_it_ran_on_is_no_bug_check)
{
    struct dumps_file file;
    struct dumps_look look;
    struct obs_batch b;

    put("/d/a.dmp", &file);
    dumps_look(&fs.files, &file, &look);
    obs_batch_init(&b, 1 << 20);
    for (int live = 0; live < 2; live++) {
        obs_batch_reset(&b);
        look.header.has_attributes = true;
        look.header.attributes = live != 0 ? DUMP_ATTR_LIVE : 0;
        dumps_report(&b, &file, &look, NULL, WALL);
        ck_assert_str_eq(obs_get_str(b.first, ATTR_CRASH_KIND), live != 0 ? "other" : "bugcheck");
    }
    obs_batch_free(&b);
}
END_TEST

/* ---- the source --------------------------------------------------------------------------------- */

static const struct {
    struct dumps_options options;
    int rc;
} limits[] = {
    { { .files_max = 1 }, 0 },
    { { .files_max = 0 }, ERR_INVALID },
    { { .files_max = 1, .depth_max = -1 }, ERR_INVALID },
    { { .files_max = 1, .rescan_ns = -1 }, ERR_INVALID },
    { { .files_max = 1, .settle_ns = -1 }, ERR_INVALID },
    { { .files_max = 1, .triage.deadline_ns = -1 }, ERR_INVALID },
};

START_TEST(limits_below_nothing_are_refused)
{
    struct dumps_options options = limits[_i].options;
    struct source *s = NULL;

    fake_files_init(&fs);
    fake_clock_init(&ticks);
    options.dir = "/d";
    ck_assert_int_eq(dumps_source_new("d", &fs.files, &ticks.clock, &options, &s, &why), limits[_i].rc);
    if (limits[_i].rc != 0)
        ck_assert_str_eq(why.text, "/d: the limits of a dump folder can not be negative");
    source_close(s);
}
END_TEST

START_TEST(a_sources_name_has_its_limit)
{
    struct dumps_options options = { .dir = "/d", .files_max = 1 };
    char name[SOURCE_NAME_MAX + 1];
    struct source *s = NULL;

    fake_files_init(&fs);
    fake_clock_init(&ticks);
    memset(name, 'n', sizeof name);
    name[SOURCE_NAME_MAX] = '\0';
    ck_assert_int_eq(dumps_source_new(name, &fs.files, &ticks.clock, &options, &s, &why), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "is too long"));
    name[SOURCE_NAME_MAX - 1] = '\0';
    ck_assert_int_eq(dumps_source_new(name, &fs.files, &ticks.clock, &options, &s, &why), 0);
    source_close(s);
}
END_TEST

static const struct {
    int rc;
    enum stream_state state;
} folders[] = {
    { ERR_NOT_FOUND, STREAM_ABSENT },
    { ERR_PERMISSION, STREAM_NO_PERMISSION },
    { ERR_INVALID, STREAM_MISCONFIGURED },
    { ERR_IO, STREAM_RETRYING },
};

START_TEST(a_folder_that_can_not_be_read_is_a_state_with_its_reason)
{
    struct dump_run *r = dump_run_new("/d");

    r->fs.list[0].list_rc = folders[_i].rc;
    dump_run_step(r);
    ck_assert_int_eq(r->step.report.state, folders[_i].state);
    ck_assert_str_ne(r->step.report.remedy, "");
    dump_run_free(r);
}
END_TEST

static void add_each(Suite *s, const TTest *test, size_t count)
{
    tcase_add_loop_test(suite_case(s, test->name), test, 0, (int)count);
}

static void add(Suite *s)
{
    suite_test(s, what_is_no_folder_is_not_walked);
    suite_test(s, more_folders_than_are_watched_are_told);
    suite_test(s, a_million_entries_are_looked_at_and_no_more);
    suite_test(s, paths_of_more_than_sixty_four_mebibytes_are_told);
    suite_test(s, a_path_that_no_system_takes_is_told);
    add_each(s, what_can_not_be_looked_at_is_told_when_it_may_be_a_dump, sizeof troubles / sizeof troubles[0]);
    suite_test(s, a_walk_that_comes_to_its_deadline_between_two_folders_says_so);
    suite_test(s, a_file_that_is_another_when_it_is_opened_is_left_for_later);
    suite_test(s, a_file_that_can_not_be_asked_for_its_size_waits);
    suite_test(s, a_cut_file_that_is_still_written_is_told_as_cut);
    add_each(s, a_dump_is_the_guests_that_its_path_names, sizeof owners / sizeof owners[0]);
    suite_test(s, a_dump_that_windows_wrote_while_it_ran_on_is_no_bug_check);
    add_each(s, limits_below_nothing_are_refused, sizeof limits / sizeof limits[0]);
    suite_test(s, a_sources_name_has_its_limit);
    add_each(s, a_folder_that_can_not_be_read_is_a_state_with_its_reason, sizeof folders / sizeof folders[0]);
}

int main(void)
{
    return suite_main("collectors: the edges of watched folders", add);
}
