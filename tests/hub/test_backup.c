/* hvhub backup and hvhub restore over files, and what they refuse.  tests/system/test_backup has them beside a
 * running hub. */
#include "hub/commands.h"
#include "hub/fleet_backup.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 300, PATH = 4200 };

/* A folder with a store that has something in it, and names for what comes beside it. */
struct place {
    char store[PATH], backup[PATH], other[PATH];
    struct test_clock clock;
};

static void beside(const char *dir, const char *name, char out[PATH])
{
    snprintf(out, PATH, "%s/%s", dir, name);
}

static void fill(const char *path, const struct clock *clock, int vm, uint64_t first)
{
    struct resource who = made_agent(1, "PROD-A", "6.3.9600.20778", "6.3.9600.18692");
    struct fleet_store *s = open_store(path, clock);
    struct made m;

    made_init(&m, first);
    made_host_inventory(&m, &who, T0);
    made_inventory(&m, vm, T0, "6.3.9600", "6.3.9600.16384");
    made_lifecycle(&m, vm, RECORDS, T0);
    made_apply(s, &m, &who);
    made_free(&m);
    fleet_store_close(s);
}

static void set_up(struct place *p)
{
    const char *dir = temp_dir();

    beside(dir, "fleet.db", p->store);
    beside(dir, "fleet.backup", p->backup);
    beside(dir, "new/fleet.db", p->other); /* in a folder that is to be made */
    test_clock_init(&p->clock);
    fill(p->store, &p->clock.clock, 1, 1);
}

static int run(struct place *p, bool back, const char *from, const char *to, bool replace, struct err *e,
               struct fleet_backup_result *out)
{
    struct drift_floors floors = drift_floors_default();
    struct fleet_backup b = { .from = from, .to = to, .replace = replace, .floors = &floors, .clock = &p->clock.clock };
    struct fleet_backup_result unused;

    return back ? fleet_restore(&b, out != NULL ? out : &unused, e) : fleet_backup(&b, out != NULL ? out : &unused, e);
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Fails when one of these was left beside the path. */
static void nothing_left(const char *path)
{
    static const char *const suffixes[] = { ".part", ".restoring", "-wal", "-shm", "-journal", ".restoring-wal" };
    char name[PATH + 32];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        ck_assert_msg(!there(name), "%s was left", name);
    }
}

static const char *const COUNT = "SELECT count(*) FROM observation";

START_TEST(a_backup_is_the_same_fleet_in_one_private_file)
{
    struct fleet_backup_result r;
    struct err e = { 0 };
    struct place p;
    struct stat st;

    set_up(&p);
    ck_assert_msg(run(&p, false, p.store, p.backup, false, &e, &r) == 0, "%s", e.text);
    ck_assert_int_eq(stat(p.backup, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 07777), 0600);
    ck_assert_int_eq(r.bytes, st.st_size);
    ck_assert_uint_eq(r.hosts, 1);
    ck_assert_uint_eq(r.guests, 1);
    ck_assert_int_eq(r.newest, p.clock.now);
    ck_assert_int_eq(ask_store(p.backup, COUNT), RECORDS + 2);
    nothing_left(p.backup);
}
END_TEST

START_TEST(a_backup_does_not_write_over_anything)
{
    const char *dir = temp_dir(), *taken = write_file(dir, "taken", "mine", 4);
    struct err e = { 0 };
    struct place p;
    char *text;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, taken, false, &e, NULL), ERR_STATE);
    ck_assert_msg(strstr(e.text, "is there already") != NULL, "%s", e.text);
    text = read_file(taken, NULL);
    ck_assert_str_eq(text, "mine");
    free(text);
    write_file(dir, "other.part", "", 0);
    beside(dir, "other", p.backup);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), ERR_STATE);
    ck_assert_msg(strstr(e.text, "other.part") != NULL && strstr(e.text, "remove it") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_store_that_is_not_there_or_is_something_else_gives_no_backup)
{
    const char *dir = temp_dir(), *text = write_file(dir, "text", "no database at all, only words", 30);
    struct err e = { 0 };
    struct place p;

    set_up(&p);
    ck_assert_int_eq(chmod(text, 0600), 0);
    ck_assert_int_eq(run(&p, false, "/nonexistent/fleet.db", p.backup, false, &e, NULL), ERR_NOT_FOUND);
    ck_assert_int_eq(run(&p, false, text, p.backup, false, &e, NULL), ERR_INVALID);
    ck_assert(!there(p.backup));
    nothing_left(p.backup);
}
END_TEST

START_TEST(a_restored_fleet_is_what_was_backed_up)
{
    struct fleet_backup_result r;
    struct err e = { 0 };
    struct place p;
    struct stat st;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    ck_assert_msg(run(&p, true, p.backup, p.other, false, &e, &r) == 0, "%s", e.text);
    ck_assert_str_eq(r.aside, "");
    ck_assert_int_eq(ask_store(p.other, COUNT), RECORDS + 2);
    ck_assert_str_eq(stored_verdict(p.other, 1), stored_verdict(p.store, 1));
    ck_assert_int_eq(stat(p.other, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 07777), 0600);
    nothing_left(p.other);
    fill(p.other, &p.clock.clock, 2, RECORDS + 3); /* and it goes on */
    ck_assert_int_eq(ask_store(p.other, COUNT), 2 * (RECORDS + 2));
}
END_TEST

START_TEST(a_fleet_that_is_there_is_only_moved_aside_and_only_when_told)
{
    struct fleet_backup_result r;
    struct err e = { 0 };
    struct place p;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    fill(p.store, &p.clock.clock, 2, RECORDS + 3);
    ck_assert_int_eq(run(&p, true, p.backup, p.store, false, &e, NULL), ERR_STATE);
    ck_assert_msg(strstr(e.text, "--replace") != NULL, "%s", e.text);
    ck_assert_int_eq(ask_store(p.store, COUNT), 2 * (RECORDS + 2));
    ck_assert_msg(run(&p, true, p.backup, p.store, true, &e, &r) == 0, "%s", e.text);
    ck_assert_int_eq(ask_store(p.store, COUNT), RECORDS + 2);
    ck_assert_int_eq(ask_store(r.aside, COUNT), 2 * (RECORDS + 2));
}
END_TEST

START_TEST(a_store_that_is_open_is_not_replaced)
{
    struct fleet_store *open;
    struct err e = { 0 };
    struct place p;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    open = open_store(p.store, &p.clock.clock);
    ck_assert_int_eq(run(&p, true, p.backup, p.store, true, &e, NULL), ERR_BUSY);
    ck_assert_msg(strstr(e.text, "stop hvhub first") != NULL, "%s", e.text);
    fleet_store_close(open);
    nothing_left(p.store);
}
END_TEST

/* Writes rubbish over the middle of a file. */
static void spoil(const char *path)
{
    FILE *f = fopen(path, "r+e");
    char rubbish[8192];

    memset(rubbish, 0xA5, sizeof rubbish);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 3 * 4096, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(rubbish, 1, sizeof rubbish, f), sizeof rubbish);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_damaged_backup_leaves_the_fleet_that_is_there)
{
    struct err e = { 0 };
    struct place p;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    spoil(p.backup);
    ck_assert_int_eq(run(&p, true, p.backup, p.store, true, &e, NULL), ERR_CORRUPT);
    ck_assert_msg(strstr(e.text, "damaged") != NULL, "%s", e.text);
    ck_assert_int_eq(ask_store(p.store, COUNT), RECORDS + 2);
    nothing_left(p.store);
}
END_TEST

START_TEST(a_damaged_fleet_gives_way_to_a_backup)
{
    struct fleet_backup_result r;
    struct err e = { 0 };
    struct place p;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    spoil(p.store);
    ck_assert_msg(run(&p, true, p.backup, p.store, true, &e, &r) == 0, "%s", e.text);
    ck_assert_int_eq(ask_store(p.store, COUNT), RECORDS + 2);
    ck_assert(there(r.aside));
}
END_TEST

START_TEST(a_log_never_lies_beside_a_database_that_is_not_its_own)
{
    struct fleet_backup_result r;
    struct err e = { 0 };
    struct place p;
    char wal[PATH + 32];
    FILE *f;

    set_up(&p);
    ck_assert_int_eq(run(&p, false, p.store, p.backup, false, &e, NULL), 0);
    ck_assert_int_eq(unlink(p.store), 0); /* somebody removed the file alone */
    snprintf(wal, sizeof wal, "%s-wal", p.store);
    f = fopen(wal, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs("a log", f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_msg(run(&p, true, p.backup, p.store, false, &e, &r) == 0, "%s", e.text);
    nothing_left(p.store);
    ck_assert_int_eq(ask_store(p.store, COUNT), RECORDS + 2);
}
END_TEST

START_TEST(another_programs_database_is_not_restored)
{
    const char *dir = temp_dir();
    struct err e = { 0 };
    struct place p;
    char path[PATH];
    sqlite3 *db;

    set_up(&p);
    beside(dir, "other.db", path);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(run(&p, true, path, p.other, false, &e, NULL), ERR_INVALID);
    ck_assert_msg(strstr(e.text, "another program") != NULL, "%s", e.text);
    ck_assert(!there(p.other));
    ck_assert_int_eq(run(&p, true, p.store, p.store, true, &e, NULL), ERR_INVALID);
    ck_assert_int_eq(run(&p, true, "/nonexistent", p.other, true, &e, NULL), ERR_NOT_FOUND);
}
END_TEST

/* Runs a command without its output; its exit code. */
static int exit_of(int (*command)(int, char **), const char *a, const char *b, const char *c, const char *d)
{
    const char *const words[] = { "command", a, b, c, d, NULL };
    char *argv[6];
    int argc = 0;

    while (words[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return command(argc, argv);
}

START_TEST(the_commands_say_what_they_need)
{
    const char *config = write_file(temp_dir(), "hub.yaml", "store: {path: \"postgresql://h/x\"}\n", 34);

    ck_assert_int_eq(exit_of(cmd_backup, NULL, NULL, NULL, NULL), EXIT_USAGE);
    ck_assert_int_eq(exit_of(cmd_restore, "--replace", NULL, NULL, NULL), EXIT_USAGE);
    ck_assert_int_eq(exit_of(cmd_backup, "--replace", NULL, NULL, NULL), EXIT_USAGE);
    ck_assert_int_eq(exit_of(cmd_backup, "--to", "/nonexistent/x", "--config", config), EXIT_FAILED);
    ck_assert_int_eq(exit_of(cmd_restore, "--from", "/nonexistent/x", "--config", config), EXIT_FAILED);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_backup_is_the_same_fleet_in_one_private_file);
    suite_test(s, a_backup_does_not_write_over_anything);
    suite_test(s, a_store_that_is_not_there_or_is_something_else_gives_no_backup);
    suite_test(s, a_restored_fleet_is_what_was_backed_up);
    suite_test(s, a_fleet_that_is_there_is_only_moved_aside_and_only_when_told);
    suite_test(s, a_store_that_is_open_is_not_replaced);
    suite_test(s, a_damaged_backup_leaves_the_fleet_that_is_there);
    suite_test(s, a_damaged_fleet_gives_way_to_a_backup);
    suite_test(s, a_log_never_lies_beside_a_database_that_is_not_its_own);
    suite_test(s, another_programs_database_is_not_restored);
    suite_test(s, the_commands_say_what_they_need);
}

int main(void)
{
    return suite_main("hub: backup and restore", add);
}
