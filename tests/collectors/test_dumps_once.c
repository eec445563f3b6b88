/* Watched folders: a dump is told once, all work is bounded, and real files
 * behave as the ones in memory. */
#include "collectors/dumps_known.h"
#include "tests/collectors/support_dumps.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- once --------------------------------------------------------------- */

START_TEST(a_dump_is_told_once_however_often_it_is_touched_renamed_or_copied)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    ck_assert_int_eq(dump_run_settle(r), 1);
    snprintf(f->path, sizeof f->path, "/d/renamed.dmp");
    ck_assert_int_eq(dump_run_settle(r), 0);
    f->info.mtime_ns += 77;
    ck_assert_int_eq(dump_run_settle(r), 0);
    fake_folder(&r->fs, "/d/copies");
    fake_file(&r->fs, "/d/copies/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME + 1000);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_written_over_an_older_one_is_another_dump)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/MEMORY.DMP", dump_a, DUMP_SIZE, DUMP_MTIME);

    ck_assert_int_eq(dump_run_settle(r), 1);
    f->bytes = dump_b;
    f->info.mtime_ns++;
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_CRASH_CODE), "0x0000009f");
    dump_run_free(r);
}
END_TEST

START_TEST(two_empty_files_are_two_files)
{
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/a.dmp", "", 0, DUMP_MTIME);
    fake_file(&r->fs, "/d/b.dmp", "", 0, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR), 2);
    dump_run_free(r);
}
END_TEST

START_TEST(after_a_commit_that_failed_the_dump_is_told_again)
{
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    dump_run_take(r, 0);
    r->clock.ns += 10 * SECOND;
    dump_run_step(r);
    ck_assert_int_eq(r->batch.count, 1);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}
END_TEST

/* ---- bounds ------------------------------------------------------------- */

static unsigned char many[FAKE_FILES_MAX][DUMP_SIZE];

static void add_many(struct dump_run *r, int from, int to)
{
    for (int i = from; i < to; i++) {
        char path[64];

        dump_make(many[i], (uint32_t)i, 1769846000);
        snprintf(path, sizeof path, "/d/%d.dmp", i);
        fake_file(&r->fs, path, many[i], DUMP_SIZE, (int64_t)(i + 1) * SECOND);
    }
}

START_TEST(many_dumps_are_told_in_several_steps_oldest_first)
{
    struct dump_run *r = dump_run_new("/d");
    char code[32];
    int told = 0;

    add_many(r, 0, 100);
    r->max_events = 30;
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    r->clock.ns += 10 * SECOND;
    do {
        dump_run_take(r, 0);
        for (const struct observation *o = r->batch.first; o != NULL; o = o->next, told++) {
            snprintf(code, sizeof code, "0x%08x", (unsigned)told);
            ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_CODE), code);
        }
    } while (r->step.report.more);
    ck_assert_int_eq(told, 100);
    dump_run_free(r);
}
END_TEST

START_TEST(more_dumps_than_a_mark_holds_are_still_told_once)
{
    enum { DUMPS = DUMPS_KNOWN_MAX + 500 };
    struct dump_run *r = dump_run_new("/d");

    add_many(r, 0, DUMPS);
    r->max_events = 100000;
    ck_assert_int_eq(dump_run_settle(r), DUMPS);
    ck_assert_uint_lt(strlen(r->mark), SOURCE_MARK_MAX);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    add_many(r, DUMPS, DUMPS + 1);
    ck_assert_int_eq(dump_run_settle(r), 1);
    dump_run_free(r);
}
END_TEST

START_TEST(dumps_that_are_gone_make_room_first)
{
    struct dump_run *r = dump_run_new("/d");

    add_many(r, 0, DUMPS_KNOWN_MAX);
    r->max_events = 100000;
    ck_assert_int_eq(dump_run_settle(r), DUMPS_KNOWN_MAX);
    for (int i = 0; i < r->fs.count; i++)
        r->fs.list[i].gone = !r->fs.list[i].info.is_dir && r->fs.list[i].info.mtime_ns > 500 * SECOND;
    add_many(r, DUMPS_KNOWN_MAX, DUMPS_KNOWN_MAX + 100);
    ck_assert_int_eq(dump_run_settle(r), 100);
    ck_assert_ptr_nonnull(strstr(r->mark, "before=-1 "));
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_damaged_mark_counts_as_none)
{
    struct dump_run *r = dump_run_new("/d");
    char *whole;

    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    whole = strdup(r->mark);
    for (size_t i = 0; i < strlen(whole); i++) {
        free(r->mark);
        r->mark = strdup(whole);
        r->mark[i] = '\0';
        dump_run_restart(r);
        ck_assert_int_eq(dump_run_settle(r), 1);
    }
    free(whole);
    dump_run_free(r);
}
END_TEST

START_TEST(too_many_files_are_told_as_a_trouble_and_not_followed)
{
    struct dump_run *r = dump_run_new("/d");

    add_many(r, 0, 20);
    r->options.files_max = 5;
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 5);
    ck_assert_ptr_nonnull(strstr(r->step.report.remedy, "dumps.max_files"));
    dump_run_free(r);
}
END_TEST

START_TEST(folders_deeper_than_asked_are_not_entered)
{
    struct dump_run *r = dump_run_new("/d");

    r->options.depth_max = 1;
    dump_run_restart(r);
    fake_folder(&r->fs, "/d/1");
    fake_folder(&r->fs, "/d/1/2");
    fake_file(&r->fs, "/d/1/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    fake_file(&r->fs, "/d/1/2/b.dmp", dump_b, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_DUMP_PATH), "/d/1/a.dmp");
    dump_run_free(r);
}
END_TEST

START_TEST(a_walk_ends_at_its_deadline_and_says_so)
{
    struct dump_run *r = dump_run_new("/d");

    add_many(r, 0, 1000);
    r->clock.step = SECOND;
    r->deadline_ns = 5 * SECOND;
    dump_run_take(r, 0);
    ck_assert_ptr_nonnull(strstr(r->step.report.remedy, "took too long"));
    ck_assert_int_lt(r->step.report.lag_records, 1000);
    dump_run_free(r);
}
END_TEST

START_TEST(a_folder_that_is_missing_or_closed_is_a_state_with_a_remedy)
{
    struct dump_run *r = dump_run_new("/d");

    r->fs.list[0].list_rc = ERR_PERMISSION;
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(r->step.report.state, STREAM_NO_PERMISSION);
    r->fs.list[0].list_rc = ERR_IO;
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(r->step.report.state, STREAM_RETRYING);
    r->fs.list[0].gone = true;
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(r->step.report.state, STREAM_ABSENT);
    ck_assert_str_eq(r->step.report.remedy, "there is no folder /d");
    r->fs.list[0].gone = false;
    r->fs.list[0].list_rc = 0;
    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_int_eq(r->step.report.state, STREAM_ATTACHED);
    dump_run_free(r);
}
END_TEST

START_TEST(a_closed_subfolder_does_not_hide_the_others)
{
    struct dump_run *r = dump_run_new("/d");

    fake_folder(&r->fs, "/d/closed")->list_rc = ERR_PERMISSION;
    fake_folder(&r->fs, "/d/open");
    fake_file(&r->fs, "/d/open/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_ptr_nonnull(strstr(r->step.report.remedy, "/d/closed"));
    dump_run_free(r);
}
END_TEST

/* ---- real files --------------------------------------------------------- */

START_TEST(on_real_files_a_dump_is_taken_when_its_writer_has_closed_it)
{
    const char *dir = temp_dir();
    struct dump_run *r = dump_run_new(dir);
    char path[4096];
    int fd;

    r->files = plat_files();
    dump_run_restart(r);
    snprintf(path, sizeof path, "%s/a.dmp", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, dump_a, DUMP_SIZE), DUMP_SIZE);
    if (plat_files()->ops->writer_gone(plat_files(), path, NULL) == ERR_BUSY)
        ck_assert_int_eq(dump_run_settle(r), 0);
    close(fd);
    dump_run_take(r, 5 * MINUTE);
    dump_run_take(r, 10 * SECOND);
    ck_assert_int_eq(dump_run_take(r, HOUR), 0);
    ck_assert_ptr_nonnull(strstr(r->mark, "n=1 "));
    dump_run_free(r);
}
END_TEST

START_TEST(on_real_files_a_loop_of_links_ends_and_a_pipe_is_left_alone)
{
    const char *dir = temp_dir();
    struct dump_run *r = dump_run_new(dir);
    char path[4096], link[4200];

    r->files = plat_files();
    r->options.depth_max = 100;
    dump_run_restart(r);
    snprintf(path, sizeof path, "%s/sub", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_file(path, "a.dmp", dump_a, DUMP_SIZE);
    snprintf(link, sizeof link, "%s/up", path);
    ck_assert_int_eq(symlink(dir, link), 0);
    snprintf(link, sizeof link, "%s/self.dmp", path);
    ck_assert_int_eq(symlink(link, link), 0);
    snprintf(link, sizeof link, "%s/pipe.dmp", path);
    ck_assert_int_eq(mkfifo(link, 0600), 0);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_VM_NAME), "sub");
    dump_run_free(r);
}
END_TEST

START_TEST(a_real_minidump_is_told_with_its_code)
{
    const char *sample = shared_sample("dumps/rts_d1.dmp.xz");
    const char *dir = temp_dir();
    char command[8300];
    struct dump_run *r;

    if (sample == NULL)
        skip("no shared samples");
    snprintf(command, sizeof command, "xz -dc '%s' > '%s/rts_d1.dmp'", sample, dir);
    if (system(command) != 0)
        skip("no xz to unpack the sample with");
    r = dump_run_new(dir);
    r->files = plat_files();
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_DUMP_FORMAT), "triage");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_CRASH_CODE), "0x000000d1");
    dump_run_free(r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_dump_is_told_once_however_often_it_is_touched_renamed_or_copied);
    suite_test(s, a_dump_written_over_an_older_one_is_another_dump);
    suite_test(s, two_empty_files_are_two_files);
    suite_test(s, after_a_commit_that_failed_the_dump_is_told_again);
    suite_test(s, many_dumps_are_told_in_several_steps_oldest_first);
    suite_test(s, more_dumps_than_a_mark_holds_are_still_told_once);
    suite_test(s, dumps_that_are_gone_make_room_first);
    suite_test(s, a_damaged_mark_counts_as_none);
    suite_test(s, too_many_files_are_told_as_a_trouble_and_not_followed);
    suite_test(s, folders_deeper_than_asked_are_not_entered);
    suite_test(s, a_walk_ends_at_its_deadline_and_says_so);
    suite_test(s, a_folder_that_is_missing_or_closed_is_a_state_with_a_remedy);
    suite_test(s, a_closed_subfolder_does_not_hide_the_others);
    suite_test(s, on_real_files_a_dump_is_taken_when_its_writer_has_closed_it);
    suite_test(s, on_real_files_a_loop_of_links_ends_and_a_pipe_is_left_alone);
    suite_test(s, a_real_minidump_is_told_with_its_code);
}

int main(void)
{
    return suite_main("collectors: dumps, once and bounded", add);
}
