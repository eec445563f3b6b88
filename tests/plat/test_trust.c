/* Files of settings and secrets, and whose hands they are in. */
#include "plat/trust.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 512, STRANGER = 4711 };

static const char *below(const char *dir, const char *name)
{
    static char path[2][PATH_LEN];
    static int next;
    char *out = path[next++ % 2];

    ck_assert_int_lt(snprintf(out, PATH_LEN, "%s/%s", dir, name), PATH_LEN);
    return out;
}

/* A folder that others may enter, so that a file's own mode counts. */
static const char *open_dir(void)
{
    const char *dir = temp_dir();

    ck_assert_int_eq(chmod(dir, 0755), 0);
    return dir;
}

static const char *file_of_mode(const char *dir, mode_t mode)
{
    const char *path = write_file(dir, "f", "x", 1);

    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static void refused(const char *path, enum trust_kind kind, const char *remedy)
{
    struct err e = { 0 };

    ck_assert_int_eq(plat_trusted_file(path, kind, &e), ERR_PERMISSION);
    ck_assert_msg(strstr(e.text, remedy) != NULL, "\"%s\" has no \"%s\"", e.text, remedy);
}

static void trusted(const char *path, enum trust_kind kind)
{
    struct err e = { 0 };

    ck_assert_msg(plat_trusted_file(path, kind, &e) == 0, "%s", e.text);
}

START_TEST(settings_that_all_may_read_and_the_owner_may_write_are_trusted)
{
    trusted(file_of_mode(open_dir(), 0644), TRUST_SETTINGS);
}
END_TEST

START_TEST(settings_that_others_may_write_are_refused_with_the_remedy)
{
    static const mode_t modes[] = { 0664, 0646, 0666, 0620 };
    const char *dir = open_dir();

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        refused(file_of_mode(dir, modes[i]), TRUST_SETTINGS, "chmod go-w");
}
END_TEST

START_TEST(a_secret_may_be_read_by_its_group_and_nobody_else)
{
    static const mode_t loose[] = { 0644, 0604, 0660, 0641 };
    const char *dir = open_dir();

    trusted(file_of_mode(dir, 0600), TRUST_SECRET);
    trusted(file_of_mode(dir, 0640), TRUST_SECRET);
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++)
        refused(file_of_mode(dir, loose[i]), TRUST_SECRET, "chmod 0640");
}
END_TEST

START_TEST(a_folder_that_others_cannot_enter_closes_what_is_in_it)
{
    const char *dir = temp_dir();

    ck_assert_int_eq(chmod(dir, 0700), 0);
    trusted(file_of_mode(dir, 0666), TRUST_SECRET);
}
END_TEST

START_TEST(a_folder_in_which_others_may_put_another_file_is_refused)
{
    const char *dir = open_dir(), *path = file_of_mode(dir, 0600);

    ck_assert_int_eq(chmod(dir, 0777), 0);
    refused(path, TRUST_SETTINGS, "chmod go-w");
}
END_TEST

START_TEST(a_sticky_folder_keeps_others_from_replacing_a_file)
{
    const char *dir = open_dir(), *path = file_of_mode(dir, 0600);

    ck_assert_int_eq(chmod(dir, 01777), 0);
    trusted(path, TRUST_SECRET);
}
END_TEST

START_TEST(a_link_is_as_good_as_its_own_folder_and_what_it_leads_to)
{
    const char *dir = open_dir(), *path = file_of_mode(dir, 0644);
    const char *sub = below(dir, "sub");
    char link[PATH_LEN];

    ck_assert_int_eq(mkdir(sub, 0700), 0);
    snprintf(link, sizeof link, "%s/link", sub);
    ck_assert_int_eq(symlink(path, link), 0);
    trusted(link, TRUST_SETTINGS);
    ck_assert_int_eq(chmod(path, 0666), 0);
    refused(link, TRUST_SETTINGS, "chmod go-w");
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(chmod(sub, 0777), 0);
    refused(link, TRUST_SETTINGS, "chmod go-w");
}
END_TEST

START_TEST(a_strangers_file_or_folder_is_refused_whatever_its_mode)
{
    const char *dir = open_dir(), *path = file_of_mode(dir, 0600);

    if (geteuid() != 0)
        skip("only root can give files away");
    ck_assert_int_eq(chown(path, STRANGER, (gid_t)-1), 0);
    refused(path, TRUST_SETTINGS, "chown root");
    ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
    ck_assert_int_eq(chown(dir, STRANGER, (gid_t)-1), 0);
    refused(path, TRUST_SECRET, "chown root");
}
END_TEST

START_TEST(what_is_not_there_is_left_to_whoever_reads_it)
{
    trusted(below(temp_dir(), "none"), TRUST_SECRET);
    trusted("", TRUST_SETTINGS);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, settings_that_all_may_read_and_the_owner_may_write_are_trusted);
    suite_test(s, settings_that_others_may_write_are_refused_with_the_remedy);
    suite_test(s, a_secret_may_be_read_by_its_group_and_nobody_else);
    suite_test(s, a_folder_that_others_cannot_enter_closes_what_is_in_it);
    suite_test(s, a_folder_in_which_others_may_put_another_file_is_refused);
    suite_test(s, a_sticky_folder_keeps_others_from_replacing_a_file);
    suite_test(s, a_link_is_as_good_as_its_own_folder_and_what_it_leads_to);
    suite_test(s, a_strangers_file_or_folder_is_refused_whatever_its_mode);
    suite_test(s, what_is_not_there_is_left_to_whoever_reads_it);
}

int main(void)
{
    return suite_main("plat: trust", add);
}
