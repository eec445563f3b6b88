/* The fleet store's file: modes, whose it is, versions, damage. */
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_in(const char *dir, const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s", why);
    sqlite3_close(db);
    chmod(path, 0600);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(a_new_store_and_its_folder_are_closed_to_others)
{
    const char *dir = temp_dir();
    char folder[4096], path[4200];
    struct err e = { 0 };

    snprintf(folder, sizeof folder, "%s/hub", dir);
    snprintf(path, sizeof path, "%s/fleet.db", folder);
    umask(0);
    ck_assert_msg(try_open_store(path, false, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(mode_of(folder), 0700);
    ck_assert_uint_eq(mode_of(path), 0600);
}
END_TEST

START_TEST(the_log_beside_the_store_is_closed_to_others_too)
{
    struct test_clock clock;
    struct fleet_store *s;
    char wal[4200];
    struct err e;
    const char *path = path_in(temp_dir(), "fleet.db");

    umask(0);
    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    ck_assert_int_eq(fleet_store_probe(s, &e), 0);
    snprintf(wal, sizeof wal, "%s-wal", path);
    ck_assert_uint_eq(mode_of(wal), 0600);
    fleet_store_close(s);
}
END_TEST

START_TEST(a_store_that_others_can_read_is_refused_with_the_remedy)
{
    const char *path = path_in(temp_dir(), "fleet.db");
    struct err e = { 0 };

    ck_assert_int_eq(try_open_store(path, false, &e), 0);
    chmod(path, 0644);
    ck_assert_int_eq(try_open_store(path, false, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, "chmod 0600") != NULL, "%s", e.text);
    chmod(path, 0640);
    ck_assert_int_eq(try_open_store(path, false, &e), 0);
}
END_TEST

START_TEST(reading_a_store_that_is_not_there_says_so_and_makes_nothing)
{
    const char *path = path_in(temp_dir(), "fleet.db");
    struct err e = { 0 };

    ck_assert_int_eq(try_open_store(path, true, &e), ERR_NOT_FOUND);
    ck_assert_msg(strstr(e.text, "hvhub serve") != NULL, "%s", e.text);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_of_another_kind_is_refused_and_left_alone)
{
    char text[5000];
    const char *path;
    struct err e = { 0 };
    size_t len;
    char *after;

    memset(text, 'x', sizeof text);
    path = write_file(temp_dir(), "fleet.db", text, sizeof text);
    chmod(path, 0600);
    ck_assert_int_eq(try_open_store(path, false, &e), ERR_INVALID);
    after = read_file(path, &len);
    ck_assert_uint_eq(len, sizeof text);
    ck_assert_int_eq(memcmp(after, text, len), 0);
    free(after);
}
END_TEST

START_TEST(another_programs_database_is_refused_and_left_alone)
{
    const char *path = path_in(temp_dir(), "other.db");
    struct err e = { 0 };

    run_sql(path, "CREATE TABLE theirs(x)");
    ck_assert_int_eq(try_open_store(path, false, &e), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "another program") != NULL, "%s", e.text);
    ck_assert_int_eq((int)ask_store(path, "SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

START_TEST(a_store_of_a_newer_program_is_refused_and_left_alone)
{
    const char *path = path_in(temp_dir(), "fleet.db");
    struct err e = { 0 };

    ck_assert_int_eq(try_open_store(path, false, &e), 0);
    run_sql(path, "PRAGMA user_version=999");
    ck_assert_int_eq(try_open_store(path, false, &e), ERR_UNSUPPORTED);
    ck_assert_int_eq(try_open_store(path, true, &e), ERR_UNSUPPORTED);
    ck_assert_int_eq((int)ask_store(path, "PRAGMA user_version"), 999);
}
END_TEST

START_TEST(an_empty_file_becomes_a_store)
{
    const char *path = write_file(temp_dir(), "fleet.db", "", 0);
    struct err e = { 0 };

    chmod(path, 0600);
    ck_assert_msg(try_open_store(path, false, &e) == 0, "%s", e.text);
    ck_assert_int_ge((int)ask_store(path, "PRAGMA user_version"), 1);
}
END_TEST

START_TEST(a_damaged_store_is_refused_and_kept)
{
    const char *path = path_in(temp_dir(), "fleet.db");
    struct err e = { 0 };
    FILE *f;

    ck_assert_int_eq(try_open_store(path, false, &e), 0);
    f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    fseek(f, 4096 * 3, SEEK_SET);
    for (int i = 0; i < 4096; i++)
        fputc(0xA5, f);
    fclose(f);
    ck_assert_int_eq(try_open_store(path, false, &e), ERR_CORRUPT);
    ck_assert_msg(strstr(e.text, "backup") != NULL, "%s", e.text);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_reader_works_beside_the_writer)
{
    struct test_clock clock;
    struct fleet_store *s;
    const char *path = path_in(temp_dir(), "fleet.db");
    struct resource who = made_agent(1, "C", "6.3.9600.20778", "6.3.9600.18692");
    struct err e = { 0 };
    struct made m;

    test_clock_init(&clock);
    s = open_store(path, &clock.clock);
    made_init(&m, 1);
    made_lifecycle(&m, 1, 3, T0);
    made_apply(s, &m, &who);
    ck_assert_msg(try_open_store(path, true, &e) == 0, "%s", e.text);
    ck_assert_int_eq(fleet_store_probe(s, &e), 0);
    made_free(&m);
    fleet_store_close(s);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_new_store_and_its_folder_are_closed_to_others);
    suite_test(s, the_log_beside_the_store_is_closed_to_others_too);
    suite_test(s, a_store_that_others_can_read_is_refused_with_the_remedy);
    suite_test(s, reading_a_store_that_is_not_there_says_so_and_makes_nothing);
    suite_test(s, a_file_of_another_kind_is_refused_and_left_alone);
    suite_test(s, another_programs_database_is_refused_and_left_alone);
    suite_test(s, a_store_of_a_newer_program_is_refused_and_left_alone);
    suite_test(s, an_empty_file_becomes_a_store);
    suite_test(s, a_damaged_store_is_refused_and_kept);
    suite_test(s, a_reader_works_beside_the_writer);
}

int main(void)
{
    return suite_main("hub: the store's file", add);
}
