/* Packed bundles: good ones, and what a mail attachment may try. */
#include "agent/archive.h"
#include "agent/bundle_input.h"
#include "tests/support/suite.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 1024 };

struct made {
    struct archive *a;
    char path[PATH_LEN];
};

static void make(struct made *m)
{
    m->a = archive_write_new();
    ck_assert_int_lt(snprintf(m->path, sizeof m->path, "%s/bundle.tar.gz", temp_dir()), PATH_LEN);
    archive_write_add_filter_gzip(m->a);
    archive_write_set_format_pax_restricted(m->a);
    ck_assert_int_eq(archive_write_open_filename(m->a, m->path), ARCHIVE_OK);
}

static void add_entry(struct made *m, const char *name, unsigned type, const char *target, const char *text, size_t len)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 04777);
    archive_entry_set_size(entry, (la_int64_t)len);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, target);
    else if (target != NULL)
        archive_entry_set_hardlink(entry, target);
    ck_assert_int_eq(archive_write_header(m->a, entry), ARCHIVE_OK);
    if (len > 0)
        ck_assert_int_eq(archive_write_data(m->a, text, len), (la_ssize_t)len);
    archive_entry_free(entry);
}

static void add_file(struct made *m, const char *name, const char *text)
{
    add_entry(m, name, AE_IFREG, NULL, text, strlen(text));
}

static void finish(struct made *m)
{
    ck_assert_int_eq(archive_write_close(m->a), ARCHIVE_OK);
    archive_write_free(m->a);
}

static int unpack(const struct made *m, char *dir, struct err *e)
{
    struct archive_limits limits = archive_limits_default();
    char *real = realpath(temp_dir(), NULL);
    int rc;

    ck_assert_int_lt(snprintf(dir, PATH_LEN, "%s", real), PATH_LEN);
    free(real);
    rc = archive_unpack(m->path, dir, &limits, e);
    return rc;
}

static bool there(const char *dir, const char *name)
{
    char path[PATH_LEN * 2];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

START_TEST(files_come_out_with_plain_rights)
{
    char dir[PATH_LEN], path[PATH_LEN + 16];
    struct made m;
    struct stat st;
    struct err e;

    make(&m);
    add_file(&m, "HV01/host.yaml", "name: HV01\n");
    add_file(&m, "./HV01/events/x.xml", "<Events/>");
    finish(&m);
    ck_assert_msg(unpack(&m, dir, &e) == 0, "%s", e.text);
    ck_assert(there(dir, "HV01/events/x.xml"));
    snprintf(path, sizeof path, "%s/HV01/host.yaml", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_name_that_leaves_the_folder_is_refused)
{
    static const char *const names[] = { "../out", "a/../../out", "/tmp/hvfleet-out", "a/..", "..", "a\\..\\out" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char dir[PATH_LEN];
        struct made m;
        struct err e;

        make(&m);
        add_file(&m, names[i], "x");
        finish(&m);
        ck_assert_msg(unpack(&m, dir, &e) == ERR_INVALID, "%s was taken", names[i]);
    }
}
END_TEST

START_TEST(names_with_dots_that_stay_inside_are_taken)
{
    char dir[PATH_LEN];
    struct made m;
    struct err e;

    make(&m);
    add_file(&m, "a/..b", "x");
    add_file(&m, "...", "x");
    finish(&m);
    ck_assert_int_eq(unpack(&m, dir, &e), 0);
    ck_assert(there(dir, "a/..b"));
}
END_TEST

START_TEST(links_are_left_out_and_nothing_is_written_through_them)
{
    char dir[PATH_LEN];
    const char *outside = temp_dir();
    struct made m;
    struct err e;

    make(&m);
    add_entry(&m, "events", AE_IFLNK, outside, NULL, 0);
    add_entry(&m, "hard", AE_IFREG, "/etc/hostname", NULL, 0);
    add_file(&m, "events/x.xml", "<Events/>");
    finish(&m);
    ck_assert_int_eq(unpack(&m, dir, &e), 0);
    ck_assert(!there(dir, "hard"));
    ck_assert(!there(outside, "x.xml"));
    ck_assert(there(dir, "events/x.xml"));
}
END_TEST

START_TEST(an_archive_over_the_byte_limit_is_refused)
{
    struct archive_limits limits = { .bytes_max = 100, .entries_max = 10 };
    char *zeros = calloc(1, 101), *real = realpath(temp_dir(), NULL);
    struct made m;
    struct err e;

    make(&m);
    add_entry(&m, "zeros", AE_IFREG, NULL, zeros, 101);
    finish(&m);
    ck_assert_int_eq(archive_unpack(m.path, real, &limits, &e), ERR_TOO_BIG);
    limits.bytes_max = 101;
    ck_assert_int_eq(archive_unpack(m.path, real, &limits, &e), 0);
    free(real);
    free(zeros);
}
END_TEST

START_TEST(an_archive_with_too_many_entries_is_refused)
{
    struct archive_limits limits = { .bytes_max = 100, .entries_max = 2 };
    char *real = realpath(temp_dir(), NULL);
    struct made m;
    struct err e;

    make(&m);
    add_file(&m, "a", "");
    add_file(&m, "b", "");
    add_file(&m, "c", "");
    finish(&m);
    ck_assert_int_eq(archive_unpack(m.path, real, &limits, &e), ERR_TOO_BIG);
    free(real);
}
END_TEST

START_TEST(a_cut_archive_is_an_error_at_every_length)
{
    struct made m;
    size_t len;
    char *bytes;

    make(&m);
    add_file(&m, "host.yaml", "name: HV01\n");
    finish(&m);
    bytes = read_file(m.path, &len);
    for (size_t cut = 0; cut + 9 < len; cut += 7) { /* the last bytes are gzip's checksum and padding */
        struct bundle_input in;
        struct err e;
        const char *path = write_file(temp_dir(), "cut.tar.gz", bytes, cut);

        ck_assert_msg(bundle_input_open(path, &in, &e) != 0, "cut at %zu was taken", cut);
        bundle_input_free(&in);
    }
    free(bytes);
}
END_TEST

START_TEST(an_archive_of_several_bundles_gives_each_in_order_and_leaves_nothing_behind)
{
    struct bundle_input in;
    struct made m;
    char temp[PATH_LEN];
    struct err e;

    make(&m);
    add_file(&m, "HV02/host.yaml", "name: HV02\n");
    add_file(&m, "HV01/host.yaml", "name: HV01\n");
    add_file(&m, "README", "hello");
    finish(&m);
    ck_assert_msg(bundle_input_open(m.path, &in, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(in.count, 2);
    ck_assert_ptr_nonnull(strstr(in.dirs[0], "/HV01"));
    ck_assert_ptr_nonnull(strstr(in.dirs[1], "/HV02"));
    snprintf(temp, sizeof temp, "%s", in.temp);
    bundle_input_free(&in);
    ck_assert_int_ne(access(temp, F_OK), 0);
}
END_TEST

START_TEST(bundles_packed_with_the_folder_around_them_are_found)
{
    struct bundle_input in;
    struct made m;
    struct err e;

    make(&m);
    add_file(&m, "captures/HV01/host.yaml", "name: HV01\n");
    add_file(&m, "captures/HV02/kvp/Msvm_ComputerSystem.xml", "");
    finish(&m);
    ck_assert_msg(bundle_input_open(m.path, &in, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(in.count, 2);
    ck_assert_ptr_nonnull(strstr(in.dirs[0], "/captures/HV01"));
    bundle_input_free(&in);
}
END_TEST

START_TEST(what_is_no_bundle_says_what_one_is)
{
    struct bundle_input in;
    struct err e;

    ck_assert_int_eq(bundle_input_open(temp_dir(), &in, &e), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(e.text, "host.yaml"));
    bundle_input_free(&in);
    ck_assert_int_eq(bundle_input_open(write_file(temp_dir(), "x.txt", "", 0), &in, &e), ERR_INVALID);
    bundle_input_free(&in);
    ck_assert_int_eq(bundle_input_open("/no/such/place", &in, &e), ERR_NOT_FOUND);
    bundle_input_free(&in);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, files_come_out_with_plain_rights);
    suite_test(s, a_name_that_leaves_the_folder_is_refused);
    suite_test(s, names_with_dots_that_stay_inside_are_taken);
    suite_test(s, links_are_left_out_and_nothing_is_written_through_them);
    suite_test(s, an_archive_over_the_byte_limit_is_refused);
    suite_test(s, an_archive_with_too_many_entries_is_refused);
    suite_test(s, a_cut_archive_is_an_error_at_every_length);
    suite_test(s, an_archive_of_several_bundles_gives_each_in_order_and_leaves_nothing_behind);
    suite_test(s, bundles_packed_with_the_folder_around_them_are_found);
    suite_test(s, what_is_no_bundle_says_what_one_is);
}

int main(void)
{
    return suite_main("agent: packed bundles", add);
}
