/* Watched folders to dump observations: when a file is taken and what is said
 * of it. */
#include "collectors/dumps_walk.h"
#include "tests/collectors/support_dumps.h"
#include "tests/collectors/support_kvp.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

/* ---- what is said ------------------------------------------------------- */

START_TEST(a_complete_dump_is_told_with_code_and_parameters)
{
    struct dump_run *r = dump_run_new("/d");
    const struct observation *o;

    fake_file(&r->fs, "/d/MEMORY.DMP", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    o = r->batch.first;
    ck_assert_int_eq(o->kind, OBS_GUEST_DUMP);
    ck_assert_int_eq(o->time_ns, 1769846000 * NS_PER_S);
    ck_assert_int_eq(o->observed_ns, WALL);
    ck_assert_int_eq(r->step.last_event_ns, o->time_ns);
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_PATH), "/d/MEMORY.DMP");
    ck_assert_str_eq(dump_run_status(r), "ok");
    ck_assert_int_eq(obs_get_int(o, ATTR_DUMP_SIZE, 0), DUMP_SIZE);
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_KIND), "bugcheck");
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM1), "0x0000000000001000");
    ck_assert_str_eq(obs_get_str(o, ATTR_CRASH_PARAM4), "0x0000000000001003");
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_FORMAT), "full");
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_ARCH), "x64");
    ck_assert_int_eq(obs_get_int(o, ATTR_DUMP_BUILD, 0), 9600);
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_TIME), "2026-01-31T07:53:20Z");
    ck_assert_double_eq(obs_attr(o, ATTR_DUMP_UPTIME)->real, 3600.0);
    ck_assert_ptr_null(obs_attr(o, ATTR_DUMP_PROBLEM));
    dump_run_free(r);
}
END_TEST

START_TEST(a_crash_time_far_ahead_of_the_clock_gives_way_to_the_files_own)
{
    struct dump_run *r = dump_run_new("/d");

    dump_make(dump_a, 0xD1, 4000000000u);
    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_int_eq(r->batch.first->time_ns, DUMP_MTIME);
    dump_run_free(r);
}
END_TEST

START_TEST(the_folder_below_the_watched_one_names_the_guest)
{
    struct dump_run *r = dump_run_new("/d");
    const struct observation *by_id, *by_name = NULL;

    fake_folder(&r->fs, "/d/{d9e0eb0a-5b37-508e-9173-67e9ade83acf}");
    fake_file(&r->fs, "/d/{d9e0eb0a-5b37-508e-9173-67e9ade83acf}/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    fake_folder(&r->fs, "/d/sql01");
    fake_folder(&r->fs, "/d/sql01/Minidump");
    fake_file(&r->fs, "/d/sql01/Minidump/b.dmp", dump_b, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 2);
    by_id = find_obs(&r->batch, OBS_GUEST_DUMP, "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    by_name = find_obs(&r->batch, OBS_GUEST_DUMP, "");
    ck_assert_ptr_nonnull(by_id);
    ck_assert_ptr_null(obs_attr(by_id, ATTR_VM_NAME));
    ck_assert_ptr_nonnull(by_name);
    ck_assert_str_eq(obs_get_str(by_name, ATTR_VM_NAME), "sql01");
    ck_assert_str_eq(obs_get_str(by_id, ATTR_DUMP_VM_BY), "folder");
    ck_assert_str_eq(obs_get_str(by_name, ATTR_DUMP_VM_BY), "folder-name");
    dump_run_free(r);
}
END_TEST

START_TEST(a_file_name_that_is_a_guid_names_the_guest)
{
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/d9e0eb0a-5b37-508e-9173-67e9ade83acf-windows-crash", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_VM_ID), "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_DUMP_VM_BY), "file-name");
    dump_run_free(r);
}
END_TEST

START_TEST(the_owner_names_the_guest_when_the_path_does_not)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    snprintf(f->info.owner, sizeof f->info.owner, "S-1-5-83-1-3655396106-1351506743-3915871121-3476744365");
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_VM_ID), "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_DUMP_VM_BY), "owner");
    dump_run_free(r);
}
END_TEST

START_TEST(only_names_of_dumps_are_taken_in_any_case)
{
    ck_assert(dumps_is_dump_name("MEMORY.DMP"));
    ck_assert(dumps_is_dump_name("a.mDmp"));
    ck_assert(dumps_is_dump_name("a.hdmp"));
    ck_assert(dumps_is_dump_name("underhill.17.core"));
    ck_assert(dumps_is_dump_name("x-windows-crash"));
    ck_assert(!dumps_is_dump_name("MEMORY.DMP.tmp"));
    ck_assert(!dumps_is_dump_name("dmp"));
    ck_assert(!dumps_is_dump_name("a.vmrs"));
}
END_TEST

/* ---- when it is taken --------------------------------------------------- */

START_TEST(a_dump_is_taken_after_it_stood_still_for_the_settle_time)
{
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(r->source->interval_ns, 10 * SECOND);
    ck_assert_int_eq(r->step.report.lag_records, 1);
    ck_assert(!r->step.report.more);
    ck_assert(!r->step.settled); /* its time comes without a change of the folder */
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND - 1), 0);
    ck_assert_int_eq(dump_run_take(r, 1), 1);
    ck_assert_int_eq(r->source->interval_ns, 5 * MINUTE);
    ck_assert_int_eq(r->step.report.lag_records, 0);
    ck_assert(r->step.settled);
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_that_grows_is_not_taken_before_it_is_whole)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, 100, DUMP_MTIME);

    for (int i = 0; i < 50; i++) {
        f->info.size = 100 + (size_t)i * 100;
        f->info.mtime_ns++;
        ck_assert_int_eq(dump_run_take(r, 9 * SECOND), 0);
    }
    f->info.size = DUMP_SIZE;
    ck_assert_int_eq(dump_run_take(r, 9 * SECOND), 0);
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_that_somebody_still_writes_is_not_taken)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    f->writer_rc = ERR_BUSY;
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, 5 * MINUTE), 0);
    f->writer_rc = 0;
    ck_assert_int_eq(dump_run_take(r, 5 * MINUTE), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_that_is_held_open_for_ever_is_told_as_partial_in_the_end)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    f->writer_rc = ERR_BUSY;
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR), 1);
    ck_assert_str_eq(dump_run_status(r), "partial");
    ck_assert_str_eq(dump_run_problem(r), "another program still has the file open for writing");
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_with_a_hole_at_its_end_is_not_whole)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    f->info.hole_at_end = true;
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR), 1);
    ck_assert_str_eq(dump_run_status(r), "partial");
    f->info.hole_at_end = false; /* filled at last */
    f->info.mtime_ns++;
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    dump_run_free(r);
}
END_TEST

START_TEST(a_partial_dump_is_told_once_after_giving_up_and_again_when_it_is_whole)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE - 1, DUMP_MTIME);

    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR - 11 * SECOND), 0);
    ck_assert_int_eq(dump_run_take(r, SECOND), 1);
    ck_assert_str_eq(dump_run_status(r), "partial");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_int_eq(dump_run_take(r, HOUR), 0);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, 2 * HOUR), 0);
    f->info.size = DUMP_SIZE;
    f->info.mtime_ns++;
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    dump_run_free(r);
}
END_TEST

START_TEST(a_file_that_waits_is_not_read_more_often_than_the_slow_rescan)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE - 1, DUMP_MTIME);

    for (int i = 0; i < 62; i++)
        ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 0);
    ck_assert_int_eq(f->opened, 3); /* after 10 s, 5 min 10 s and 10 min 10 s */
    dump_run_free(r);
}
END_TEST

static void expect_after_giving_up(const void *bytes, size_t len, const char *word, const char *why)
{
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/a.dmp", bytes, len, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR), 1);
    ck_assert_str_eq(dump_run_status(r), word);
    ck_assert_msg(strstr(dump_run_problem(r), why) != NULL, "\"%s\" is not in \"%s\"", why, dump_run_problem(r));
    ck_assert_int_eq(r->batch.first->time_ns, DUMP_MTIME);
    ck_assert_int_eq(dump_run_take(r, HOUR), 0);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}

START_TEST(empty_zero_and_contradictory_files_are_told_as_such_once)
{
    static unsigned char zero[100000], corrupt[DUMP_SIZE];

    dump_make(corrupt, 0xD1, 4000000000u);
    dump_put32(corrupt + 0xF98, 77);
    expect_after_giving_up("", 0, "empty", "");
    expect_after_giving_up(zero, sizeof zero, "zero", "");
    expect_after_giving_up(corrupt, sizeof corrupt, "unreadable", "dump type 77 is unknown");
}
END_TEST

START_TEST(a_file_that_is_no_kernel_dump_is_told_as_foreign_at_once)
{
    static const char mdmp[64] = "MDMP\x93\xA7";
    struct dump_run *r = dump_run_new("/d");

    fake_file(&r->fs, "/d/app.dmp", mdmp, sizeof mdmp, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "foreign");
    ck_assert_str_eq(obs_get_str(r->batch.first, ATTR_DUMP_FORMAT), "mdmp");
    ck_assert_ptr_null(obs_attr(r->batch.first, ATTR_CRASH_CODE));
    ck_assert_int_eq(dump_run_take(r, HOUR), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_file_nobody_lets_us_read_is_told_once_and_taken_when_it_opens)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    f->open_rc = ERR_PERMISSION;
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "unreadable");
    ck_assert_ptr_nonnull(strstr(dump_run_problem(r), "/d/a.dmp"));
    ck_assert_int_eq(dump_run_take(r, 5 * MINUTE), 0);
    ck_assert_int_eq(dump_run_take(r, 2 * HOUR), 0);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 0);
    f->open_rc = 0;
    ck_assert_int_eq(dump_run_take(r, 5 * MINUTE), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    dump_run_free(r);
}
END_TEST

START_TEST(a_disk_that_fails_is_given_time_before_it_is_told)
{
    static const enum err_code codes[] = { ERR_IO, ERR_NO_SPACE, ERR_BUSY, ERR_TIMEOUT };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct dump_run *r = dump_run_new("/d");
        struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

        f->read_rc = (int)codes[i];
        ck_assert_int_eq(dump_run_settle(r), 0);
        ck_assert_int_eq(dump_run_take(r, HOUR), 1);
        ck_assert_str_eq(dump_run_status(r), "unreadable");
        dump_run_free(r);
    }
}
END_TEST

START_TEST(a_file_that_vanishes_while_it_waits_is_forgotten)
{
    struct dump_run *r = dump_run_new("/d");
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);

    ck_assert_int_eq(dump_run_take(r, 0), 0);
    f->gone = true;
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 0);
    ck_assert_int_eq(r->step.report.lag_records, 0);
    f->gone = false;
    f->open_rc = ERR_NOT_FOUND; /* gone between the walk and the look */
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(captured_data_needs_a_single_look)
{
    struct dump_run *r = dump_run_new("/d");

    r->options.settle_ns = 0;
    r->options.give_up_ns = 0;
    dump_run_restart(r);
    fake_file(&r->fs, "/d/a.dmp", dump_a, DUMP_SIZE, DUMP_MTIME);
    fake_file(&r->fs, "/d/b.dmp", dump_b, DUMP_SIZE - 1, DUMP_MTIME + 1);
    fake_file(&r->fs, "/d/c.dmp", "", 0, DUMP_MTIME + 2);
    ck_assert_int_eq(dump_run_take(r, 0), 3);
    ck_assert(!r->step.report.more);
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    dump_run_free(r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_complete_dump_is_told_with_code_and_parameters);
    suite_test(s, a_crash_time_far_ahead_of_the_clock_gives_way_to_the_files_own);
    suite_test(s, the_folder_below_the_watched_one_names_the_guest);
    suite_test(s, a_file_name_that_is_a_guid_names_the_guest);
    suite_test(s, the_owner_names_the_guest_when_the_path_does_not);
    suite_test(s, only_names_of_dumps_are_taken_in_any_case);
    suite_test(s, a_dump_is_taken_after_it_stood_still_for_the_settle_time);
    suite_test(s, a_dump_that_grows_is_not_taken_before_it_is_whole);
    suite_test(s, a_dump_that_somebody_still_writes_is_not_taken);
    suite_test(s, a_dump_that_is_held_open_for_ever_is_told_as_partial_in_the_end);
    suite_test(s, a_dump_with_a_hole_at_its_end_is_not_whole);
    suite_test(s, a_partial_dump_is_told_once_after_giving_up_and_again_when_it_is_whole);
    suite_test(s, a_file_that_waits_is_not_read_more_often_than_the_slow_rescan);
    suite_test(s, empty_zero_and_contradictory_files_are_told_as_such_once);
    suite_test(s, a_file_that_is_no_kernel_dump_is_told_as_foreign_at_once);
    suite_test(s, a_file_nobody_lets_us_read_is_told_once_and_taken_when_it_opens);
    suite_test(s, a_disk_that_fails_is_given_time_before_it_is_told);
    suite_test(s, a_file_that_vanishes_while_it_waits_is_forgotten);
    suite_test(s, captured_data_needs_a_single_look);
}

int main(void)
{
    return suite_main("collectors: dumps", add);
}
