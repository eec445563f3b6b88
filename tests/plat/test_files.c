/* The system's files: what is told of them, what is never opened, who still
 * writes. */
#include "base/times.h"
#include "plat/event_stream.h"
#include "plat/files.h"
#include "plat/wmi_stream.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_LEN = 8192 };

static const char *join(const char *dir, const char *name)
{
    static char paths[4][PATH_LEN];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_LEN, "%s/%s", dir, name);
    return path;
}

START_TEST(a_file_tells_its_size_time_and_kind)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "a.dmp", "12345", 5);
    struct file_info info;
    struct timespec times[2] = { { .tv_sec = 1700000000, .tv_nsec = 5 }, { .tv_sec = 1700000001, .tv_nsec = 7 } };

    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    ck_assert_int_eq(f->ops->stat(f, path, &info, NULL), 0);
    ck_assert(info.is_regular);
    ck_assert(!info.is_dir);
    ck_assert_uint_eq(info.size, 5);
    ck_assert_int_eq(info.mtime_ns, 1700000001 * NS_PER_S + 7);
}
END_TEST

START_TEST(a_file_keeps_its_id_when_it_is_renamed)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    const char *from = write_file(dir, "a", "1", 1), *to = join(dir, "b");
    struct file_info before, after, other;

    ck_assert_int_eq(f->ops->stat(f, from, &before, NULL), 0);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(f->ops->stat(f, to, &after, NULL), 0);
    ck_assert_int_eq(f->ops->stat(f, write_file(dir, "c", "1", 1), &other, NULL), 0);
    ck_assert_mem_eq(before.id, after.id, sizeof before.id);
    ck_assert_mem_ne(other.id, after.id, sizeof after.id);
}
END_TEST

START_TEST(a_missing_file_is_not_found_and_named)
{
    const struct files *f = plat_files();
    const char *path = join(temp_dir(), "none");
    struct file_info info;
    struct file *file = NULL;
    struct err e = { 0 };

    ck_assert_int_eq(f->ops->stat(f, path, &info, &e), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    ck_assert_int_eq(f->ops->open(f, path, &file, &e), ERR_NOT_FOUND);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(f->ops->writer_gone(f, path, &e), ERR_NOT_FOUND);
    ck_assert_int_eq(f->ops->list(f, path, NULL, NULL, &e), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_file_without_read_permission_is_a_permission_error)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "a", "1", 1);
    struct file *file = NULL;

    if (geteuid() == 0)
        skip("the superuser may read everything");
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), ERR_PERMISSION);
}
END_TEST

START_TEST(reading_stops_at_the_end_and_starts_where_asked)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "a", "0123456789", 10);
    struct file *file = NULL;
    struct file_info info;
    char got[16] = "";
    size_t n = 99;

    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), 0);
    ck_assert_int_eq(f->ops->read_at(file, 7, got, sizeof got, &n, NULL), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_mem_eq(got, "789", 3);
    ck_assert_int_eq(f->ops->read_at(file, 10, got, sizeof got, &n, NULL), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(f->ops->read_at(file, UINT64_MAX, got, sizeof got, &n, NULL), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(f->ops->info(file, &info, NULL), 0);
    ck_assert_uint_eq(info.size, 10);
    f->ops->close(file);
}
END_TEST

START_TEST(an_open_file_sees_what_is_appended_later)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    const char *path = write_file(dir, "a", "01", 2);
    struct file *file = NULL;
    char got[8];
    size_t n = 0;

    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), 0);
    append_file(dir, "a", "23", 2);
    ck_assert_int_eq(f->ops->read_at(file, 0, got, sizeof got, &n, NULL), 0);
    ck_assert_uint_eq(n, 4);
    f->ops->close(file);
}
END_TEST

START_TEST(a_pipe_is_neither_opened_nor_waited_for)
{
    const struct files *f = plat_files();
    const char *path = join(temp_dir(), "pipe.dmp");
    struct file *file = NULL;
    struct file_info info;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(f->ops->stat(f, path, &info, NULL), 0);
    ck_assert(!info.is_regular);
    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), ERR_INVALID);
    ck_assert_int_eq(f->ops->writer_gone(f, path, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_folder_is_no_file)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    struct file *file = NULL;
    struct file_info info;

    ck_assert_int_eq(f->ops->stat(f, dir, &info, NULL), 0);
    ck_assert(info.is_dir);
    ck_assert_int_eq(f->ops->open(f, dir, &file, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_symbolic_link_to_itself_is_an_error_and_no_loop)
{
    const struct files *f = plat_files();
    const char *path = join(temp_dir(), "loop");
    struct file_info info;

    ck_assert_int_eq(symlink(path, path), 0);
    ck_assert_int_ne(f->ops->stat(f, path, &info, NULL), 0);
}
END_TEST

START_TEST(a_hole_at_the_end_is_seen_and_one_in_the_middle_is_not)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    const char *path = write_file(dir, "a", "1", 1);
    struct file *file = NULL;
    struct file_info info;

    ck_assert_int_eq(truncate(path, 4 << 20), 0);
    ck_assert_int_eq(f->ops->open(f, path, &file, NULL), 0);
    ck_assert_int_eq(f->ops->info(file, &info, NULL), 0);
    if (!info.hole_at_end) {
        f->ops->close(file);
        skip("this file system keeps no holes");
    }
    append_file(dir, "a", "1", 1);
    ck_assert_int_eq(f->ops->info(file, &info, NULL), 0);
    ck_assert(!info.hole_at_end);
    f->ops->close(file);
}
END_TEST

/* Whether this file system grants leases at all. */
static bool leases_work(const char *path)
{
    int writer = open(path, O_WRONLY), fd = open(path, O_RDONLY);
    bool works = fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;

    close(fd);
    close(writer);
    return works;
}

START_TEST(a_file_is_busy_until_its_last_writer_has_closed_it)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "a", "1", 1);
    struct err e = { 0 };
    int fd;

    if (!leases_work(path))
        skip("this file system has no leases");
    fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(f->ops->writer_gone(f, path, &e), ERR_BUSY);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    close(fd);
    ck_assert_int_eq(f->ops->writer_gone(f, path, &e), 0);
}
END_TEST

START_TEST(a_reader_does_not_make_a_file_busy)
{
    const struct files *f = plat_files();
    const char *path = write_file(temp_dir(), "a", "1", 1);
    int fd = open(path, O_RDONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(f->ops->writer_gone(f, path, NULL), 0);
    close(fd);
}
END_TEST

struct names {
    int count;
    int stop_at;
    bool dots;
};

static bool take_name(void *arg, const char *name)
{
    struct names *n = arg;

    n->count++;
    n->dots |= strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    return n->count != n->stop_at;
}

START_TEST(a_folder_lists_every_entry_but_the_dots)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    struct names n = { 0 };

    write_file(dir, "a", "", 0);
    write_file(dir, ".hidden", "", 0);
    ck_assert_int_eq(mkdir(join(dir, "sub"), 0700), 0);
    ck_assert_int_eq(f->ops->list(f, dir, take_name, &n, NULL), 0);
    ck_assert_int_eq(n.count, 3);
    ck_assert(!n.dots);
}
END_TEST

START_TEST(a_listing_ends_when_the_caller_has_enough)
{
    const struct files *f = plat_files();
    const char *dir = temp_dir();
    struct names n = { .stop_at = 2 };

    write_file(dir, "a", "", 0);
    write_file(dir, "b", "", 0);
    write_file(dir, "c", "", 0);
    ck_assert_int_eq(f->ops->list(f, dir, take_name, &n, NULL), 0);
    ck_assert_int_eq(n.count, 2);
}
END_TEST

START_TEST(every_stream_state_has_its_word)
{
    ck_assert_str_eq(stream_state_name(STREAM_ATTACHED), "attached");
    ck_assert_str_eq(stream_state_name(STREAM_ABSENT), "absent");
    ck_assert_str_eq(stream_state_name(STREAM_NO_PERMISSION), "no_permission");
    ck_assert_str_eq(stream_state_name(STREAM_MISCONFIGURED), "misconfigured");
    ck_assert_str_eq(stream_state_name(STREAM_UNSUPPORTED), "unsupported");
    ck_assert_str_eq(stream_state_name(STREAM_RETRYING), "retrying");
    ck_assert_str_eq(stream_state_name(STREAM_HUNG), "hung");
}
END_TEST

START_TEST(the_first_wanted_class_lists_the_virtual_machines)
{
    ck_assert_str_eq(wmi_wanted_classes[0], "Msvm_ComputerSystem");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_file_tells_its_size_time_and_kind);
    suite_test(s, a_file_keeps_its_id_when_it_is_renamed);
    suite_test(s, a_missing_file_is_not_found_and_named);
    suite_test(s, a_file_without_read_permission_is_a_permission_error);
    suite_test(s, reading_stops_at_the_end_and_starts_where_asked);
    suite_test(s, an_open_file_sees_what_is_appended_later);
    suite_test(s, a_pipe_is_neither_opened_nor_waited_for);
    suite_test(s, a_folder_is_no_file);
    suite_test(s, a_symbolic_link_to_itself_is_an_error_and_no_loop);
    suite_test(s, a_hole_at_the_end_is_seen_and_one_in_the_middle_is_not);
    suite_test(s, a_file_is_busy_until_its_last_writer_has_closed_it);
    suite_test(s, a_reader_does_not_make_a_file_busy);
    suite_test(s, a_folder_lists_every_entry_but_the_dots);
    suite_test(s, a_listing_ends_when_the_caller_has_enough);
    suite_test(s, every_stream_state_has_its_word);
    suite_test(s, the_first_wanted_class_lists_the_virtual_machines);
}

int main(void)
{
    return suite_main("plat: files", add);
}
