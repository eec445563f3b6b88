/* What changes the print of a folder, and what does not. */
#include "collectors/folder_print.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH = 2 };

static struct fake_files *fs;

static uint64_t print(void)
{
    struct err e = { 0 };
    uint64_t out = 0;
    int rc = folder_print(&fs->files, "/b", DEPTH, &out, &e);

    ck_assert_msg(rc == 0, "%d: %s", rc, e.text);
    return out;
}

static struct fake_file *file(const char *path)
{
    return fake_file(fs, path, "0123456789", 5, 1000);
}

/* /b with events/a.xml, events/b.xml and esxi/VM/vmware.log. */
static struct fake_file *begin(void)
{
    struct fake_file *a;

    fs = calloc(1, sizeof *fs);
    ck_assert_ptr_nonnull(fs);
    fake_files_init(fs);
    fake_folder(fs, "/b");
    fake_folder(fs, "/b/events");
    fake_folder(fs, "/b/esxi");
    fake_folder(fs, "/b/esxi/VM");
    a = file("/b/events/a.xml");
    file("/b/events/b.xml");
    file("/b/esxi/VM/vmware.log");
    return a;
}

static void end(void)
{
    free(fs);
    fs = NULL;
}

START_TEST(what_stands_still_looks_the_same)
{
    uint64_t before;

    begin();
    before = print();
    ck_assert_uint_eq(print(), before);
    end();
}
END_TEST

START_TEST(a_file_that_grows_is_written_or_replaced_is_seen)
{
    struct fake_file *a = begin();
    uint64_t seen[4];

    seen[0] = print();
    a->info.size++;
    seen[1] = print();
    a->info.mtime_ns++;
    seen[2] = print();
    a->info.id[1]++;
    seen[3] = print();
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            ck_assert_msg(seen[i] != seen[k], "%d and %d look the same: %llx", i, k, (unsigned long long)seen[i]);
    a->info.size--;
    a->info.mtime_ns--;
    a->info.id[1]--;
    ck_assert_uint_eq(print(), seen[0]);
    end();
}
END_TEST

START_TEST(what_comes_and_goes_is_seen)
{
    struct fake_file *a = begin();
    uint64_t before = print(), without, with;

    a->gone = true;
    without = print();
    ck_assert_uint_ne(without, before);
    a->gone = false;
    ck_assert_uint_eq(print(), before);
    file("/b/events/c.xml");
    with = print();
    ck_assert_uint_ne(with, before);
    fake_folder(fs, "/b/dumps");
    ck_assert_uint_ne(print(), with);
    end();
}
END_TEST

/* Two files that change places have the same names, sizes and ids as before. */
START_TEST(files_that_change_places_are_seen)
{
    struct fake_file *a = begin(), *b = file("/b/events/d.xml");
    uint64_t before = print();
    struct file_info kept = a->info;

    ck_assert_uint_ne(a->info.id[1], b->info.id[1]);
    a->info = b->info;
    b->info = kept;
    ck_assert_uint_ne(print(), before);
    end();
}
END_TEST

START_TEST(it_looks_as_deep_as_asked_and_no_deeper)
{
    struct fake_file *deep, *deeper;
    uint64_t before;

    begin();
    deep = file("/b/esxi/VM/deep.log"); /* in a folder of depth 2 */
    fake_folder(fs, "/b/esxi/VM/below");
    deeper = file("/b/esxi/VM/below/deeper.log");
    before = print();
    deeper->info.size++;
    ck_assert_uint_eq(print(), before);
    deep->info.size++;
    ck_assert_uint_ne(print(), before);
    end();
}
END_TEST

START_TEST(a_subfolder_that_can_not_be_read_does_not_hide_the_rest)
{
    struct fake_file *a = begin(), *closed = fake_folder(fs, "/b/closed");
    uint64_t open = print(), before;

    closed->list_rc = ERR_PERMISSION;
    before = print();
    ck_assert_uint_ne(before, open);
    a->info.size++;
    ck_assert_uint_ne(print(), before);
    end();
}
END_TEST

START_TEST(a_folder_that_can_not_be_read_is_an_error)
{
    struct err e = { 0 };
    uint64_t out;

    begin();
    ck_assert_int_eq(folder_print(&fs->files, "/nowhere", DEPTH, &out, &e), ERR_NOT_FOUND);
    fs->list[0].list_rc = ERR_PERMISSION;
    ck_assert_int_eq(folder_print(&fs->files, "/b", DEPTH, &out, &e), ERR_PERMISSION);
    end();
}
END_TEST

/* Gives so many names, which all are one file. */
static int many;

static int list_many(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                     struct err *e)
{
    char name[16];

    (void)f;
    (void)dir;
    (void)e;
    for (int i = 0; i < many; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (!take(arg, name))
            break;
    }
    return 0;
}

static int stat_any(const struct files *f, const char *path, struct file_info *out, struct err *e)
{
    (void)f;
    (void)path;
    (void)e;
    *out = (struct file_info){ .is_regular = true };
    return 0;
}

START_TEST(more_entries_than_the_limit_are_refused)
{
    static const struct files_ops ops = { .stat = stat_any, .list = list_many };
    const struct files files = { .ops = &ops };
    struct err e = { 0 };
    uint64_t out;

    many = FOLDER_PRINT_ENTRIES_MAX;
    ck_assert_int_eq(folder_print(&files, "/b", DEPTH, &out, &e), 0);
    many++;
    ck_assert_int_eq(folder_print(&files, "/b", DEPTH, &out, &e), ERR_TOO_BIG);
    ck_assert_str_eq(e.text, "there are too many files below /b");
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_stands_still_looks_the_same);
    suite_test(s, a_file_that_grows_is_written_or_replaced_is_seen);
    suite_test(s, what_comes_and_goes_is_seen);
    suite_test(s, files_that_change_places_are_seen);
    suite_test(s, it_looks_as_deep_as_asked_and_no_deeper);
    suite_test(s, a_subfolder_that_can_not_be_read_does_not_hide_the_rest);
    suite_test(s, a_folder_that_can_not_be_read_is_an_error);
    suite_test(s, more_entries_than_the_limit_are_refused);
}

int main(void)
{
    return suite_main("collectors: folder print", add);
}
