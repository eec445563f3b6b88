/* Where the mark of an ESXi log leads: which file of the folder, and where in it. */
#include "base/times.h"
#include "collectors/esxi_tail.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT  "0123456789abcdefghij"
#define OTHER "ABCDEFGHIJKLMNOPQRST"

enum { LEN = 20, READ = 10 };

static struct fake_files fake;
static struct fake_file *folder, *log_file;
static struct esxi_tail tail;
static struct esxi_place place;
static struct err why;

static void begin(const char *content)
{
    fake_files_init(&fake);
    folder = fake_folder(&fake, "/l");
    log_file = content != NULL ? fake_file(&fake, "/l/vobd.log", content, LEN, 100) : NULL;
    tail = (struct esxi_tail){ .files = &fake.files, .path = "/l/vobd.log" };
    why = (struct err){ ERR_OK, "" };
}

/* The mark after READ bytes of that file. */
static struct esxi_mark mark_in(const struct fake_file *f)
{
    struct esxi_place at = { .info = f->info };
    struct esxi_mark m;

    ck_assert_int_eq(fake.files.ops->open(&fake.files, f->path, &at.file, &why), 0);
    ck_assert_int_eq(esxi_tail_mark(&tail, &at, READ, &m, &why), 0);
    fake.files.ops->close(at.file);
    return m;
}

static int open_at(const struct esxi_mark *m)
{
    int rc = esxi_tail_open(&tail, m, &place, &why);

    if (rc == 0)
        tail.files->ops->close(place.file);
    return rc;
}

static void leads_to(const struct esxi_mark *m, const char *path, uint64_t offset, bool rotated, bool lost)
{
    ck_assert_msg(open_at(m) == 0, "%s", why.text);
    ck_assert_str_eq(place.path, path);
    ck_assert_uint_eq(place.offset, offset);
    ck_assert_int_eq(place.rotated, rotated);
    ck_assert_int_eq(place.lost, lost);
}

/* ---- the text of a mark ------------------------------------------------------- */

START_TEST(a_mark_is_read_as_it_was_written)
{
    const struct esxi_mark m = { { 1, UINT64_MAX }, 4096, 256, UINT64_C(0xFEDCBA9876543210) };
    struct esxi_mark got;
    struct buf text;

    buf_init(&text, 256);
    esxi_mark_write(&m, &text);
    ck_assert_str_eq(buf_text(&text), "esxi1 1 ffffffffffffffff 1000 100 fedcba9876543210");
    ck_assert(esxi_mark_parse(buf_text(&text), &got));
    ck_assert_mem_eq(&got, &m, sizeof m);
    buf_free(&text);
}
END_TEST

START_TEST(what_is_no_mark_is_refused)
{
    static const struct {
        const char *text;
        bool good;
    } marks[] = {
        { "", true },
        { "esxi1 1 2 100 100 5", true },
        { "esxi1 1 2 ff 100 5", false },    /* more before the place than there is */
        { "esxi1 1 2 200 101 5", false },   /* more than is ever kept of it */
        { "esxi1 1 2 100 100", false },     /* a word too few */
        { "esxi1 1 2 100 100 5 6", false }, /* and too many */
        { "esxi1 1 2 100 100 5x", false },
        { "esxi2 1 2 100 100 5", false },
        { "evtx1", false },
    };

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct esxi_mark m;

        ck_assert_msg(esxi_mark_parse(marks[i].text, &m) == marks[i].good, "'%s'", marks[i].text);
    }
}
END_TEST

START_TEST(a_mark_can_not_be_made_where_the_file_ends_before_it_or_can_not_be_read)
{
    struct esxi_place at;
    struct esxi_mark m;

    begin(TEXT);
    at = (struct esxi_place){ .info = log_file->info };
    ck_assert_int_eq(fake.files.ops->open(&fake.files, log_file->path, &at.file, &why), 0);
    ck_assert_int_eq(esxi_tail_mark(&tail, &at, LEN, &m, &why), 0);
    ck_assert_int_eq(esxi_tail_mark(&tail, &at, LEN + 1, &m, &why), ERR_IO);
    ck_assert_str_eq(why.text, "the file became shorter while it was read");
    log_file->read_rc = ERR_PERMISSION;
    ck_assert_int_eq(esxi_tail_mark(&tail, &at, LEN, &m, &why), ERR_PERMISSION);
    fake.files.ops->close(at.file);
}
END_TEST

/* ---- the log itself ------------------------------------------------------------- */

START_TEST(a_log_that_can_not_be_opened_is_an_error_that_names_it)
{
    const struct esxi_mark start = { { 0, 0 }, 0, 0, 0 };

    begin(NULL);
    ck_assert_int_eq(open_at(&start), ERR_NOT_FOUND);
    begin(TEXT);
    log_file->info.is_regular = false;
    ck_assert_int_eq(open_at(&start), ERR_INVALID);
    ck_assert_str_eq(why.text, "/l/vobd.log is no regular file");
    begin(TEXT);
    log_file->open_rc = ERR_PERMISSION;
    ck_assert_int_eq(open_at(&start), ERR_PERMISSION);
    begin(TEXT);
    log_file->info_rc = ERR_IO; /* open by then, and closed again */
    ck_assert_int_eq(open_at(&start), ERR_IO);
    log_file->info_rc = 0;
    leads_to(&start, "/l/vobd.log", 0, false, false);
}
END_TEST

START_TEST(a_path_too_long_is_an_error_from_any_mark)
{
    static char path[FILES_PATH_MAX + 1];
    const struct esxi_mark start = { { 0, 0 }, 0, 0, 0 }, later = { { 1, 2 }, READ, READ, 3 };

    begin(TEXT);
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    tail.path = path;
    ck_assert_int_eq(open_at(&start), ERR_TOO_BIG);
    ck_assert_ptr_nonnull(strstr(why.text, "is too long"));
    ck_assert_int_eq(open_at(&later), ERR_TOO_BIG);
    path[300] = '\0'; /* a path that fits, with a name that does not */
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &(struct esxi_mark){ .offset = 0 }, &why), ERR_TOO_BIG);
}
END_TEST

START_TEST(a_log_whose_bytes_before_the_mark_can_not_be_read_again_is_lost)
{
    struct esxi_mark m;

    begin(TEXT);
    m = mark_in(log_file);
    leads_to(&m, "/l/vobd.log", READ, false, false);
    log_file->read_rc = ERR_IO;
    leads_to(&m, "/l/vobd.log", 0, false, true);
    log_file->read_rc = 0;
    log_file->info.size = READ; /* to the byte */
    leads_to(&m, "/l/vobd.log", READ, false, false);
    log_file->info.size = READ - 1;
    leads_to(&m, "/l/vobd.log", 0, false, true);
}
END_TEST

START_TEST(another_file_with_the_same_bytes_goes_on_where_the_first_was_read_to)
{
    struct esxi_mark m;

    begin(TEXT);
    m = mark_in(log_file);
    log_file->info.id[1] += 1000;
    leads_to(&m, "/l/vobd.log", READ, false, false);
}
END_TEST

/* ---- files rotated away ----------------------------------------------------------- */

START_TEST(a_log_renamed_before_its_first_byte_was_read_is_known_by_its_identity)
{
    struct fake_file *rotated;
    struct esxi_mark m;

    begin(OTHER);
    rotated = fake_file(&fake, "/l/vobd.0.log", TEXT, LEN, 50);
    m = (struct esxi_mark){ { rotated->info.id[0], rotated->info.id[1] }, 0, 0, 0 };
    leads_to(&m, "/l/vobd.0.log", 0, true, false);
    m.id[0] = rotated->info.id[0] = 0; /* on a volume without a number */
    leads_to(&m, "/l/vobd.0.log", 0, true, false);
    m.id[1] = 4711; /* deleted: nothing was read of it, so nothing is known to be lost */
    leads_to(&m, "/l/vobd.log", 0, false, false);
    m.id[0] = 4711;
    m.id[1] = 0;
    leads_to(&m, "/l/vobd.log", 0, false, false);
}
END_TEST

START_TEST(a_log_that_is_away_is_read_where_it_went)
{
    struct fake_file *rotated;
    struct esxi_mark m;

    begin(NULL);
    rotated = fake_file(&fake, "/l/vobd.0.log", TEXT, LEN, 50);
    m = mark_in(rotated);
    leads_to(&m, "/l/vobd.0.log", READ, true, false);
}
END_TEST

START_TEST(the_very_file_outweighs_one_with_the_same_bytes)
{
    for (int first = 0; first < 2; first++) {
        struct fake_file *files[2];
        struct esxi_mark m;

        begin(OTHER);
        files[0] = fake_file(&fake, "/l/vobd.0.log", TEXT, LEN, 50);
        files[1] = fake_file(&fake, "/l/vobd.1.log", TEXT, LEN, 40);
        m = mark_in(files[first]);
        leads_to(&m, files[first]->path, READ, true, false);
        files[first]->gone = true;
        leads_to(&m, files[1 - first]->path, READ, true, false);
    }
}
END_TEST

/* Their names begin as the log's does, with no number after it. */
START_TEST(logs_of_other_programs_are_not_looked_into)
{
    static const char *const names[] = { "/l/vobd", "/l/vobd-probe.log", "/l/vobd.-x", "/l/vobd.log2", "/l/vobd2.log" };
    enum { NAMES = sizeof names / sizeof names[0] };
    struct fake_file *others[NAMES];
    struct esxi_mark m;

    begin(OTHER);
    for (size_t i = 0; i < NAMES; i++)
        others[i] = fake_file(&fake, names[i], TEXT, LEN, 60);
    m = mark_in(others[0]);
    others[0]->opened = 0;
    leads_to(&m, "/l/vobd.log", 0, false, true);
    for (size_t i = 0; i < NAMES; i++)
        ck_assert_msg(others[i]->opened == 0, "%s was opened", names[i]);
}
END_TEST

START_TEST(rotated_files_that_can_not_hold_it_are_passed_over)
{
    struct fake_file *other, *packed, *closed;
    struct esxi_mark m;

    begin(OTHER);
    other = fake_file(&fake, "/l/vobd-2.log", OTHER, LEN, 60);
    packed = fake_file(&fake, "/l/vobd.0.gz", TEXT, LEN, 50);
    closed = fake_file(&fake, "/l/vobd.1.log", TEXT, LEN, 40);
    fake_file(&fake, "/l/hostd.0.log", TEXT, LEN, 30);
    m = mark_in(closed);
    closed->open_rc = ERR_PERMISSION;
    leads_to(&m, "/l/vobd.log", 0, false, true);
    ck_assert_int_eq(packed->opened, 0);
    ck_assert_int_gt(other->opened, 0);
    closed->open_rc = 0;
    folder->list_rc = ERR_PERMISSION;
    leads_to(&m, "/l/vobd.log", 0, false, true);
    folder->list_rc = 0;
    leads_to(&m, "/l/vobd.1.log", READ, true, false);
}
END_TEST

START_TEST(logs_without_an_ending_have_rotated_files_too)
{
    static const char *const names[][2] = { { "/l/messages", "/l/messages.1" }, { "/l/.log", "/l/.log.1" } };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fake_file *rotated;
        struct esxi_mark m;

        begin(NULL);
        fake_file(&fake, names[i][0], OTHER, LEN, 100);
        fake_file(&fake, "/l/.profile", TEXT, LEN, 100);
        rotated = fake_file(&fake, names[i][1], TEXT, LEN, 50);
        tail.path = names[i][0];
        m = mark_in(rotated);
        leads_to(&m, names[i][1], READ, true, false);
    }
}
END_TEST

START_TEST(a_log_named_without_a_folder_has_its_rotated_files_beside_it)
{
    const struct files *files = plat_files();
    struct esxi_place at = { .file = NULL };
    struct esxi_mark m;
    char dir[512];

    snprintf(dir, sizeof dir, "%s", temp_dir());
    ck_assert_int_eq(chdir(dir), 0);
    write_file(dir, "vobd.0.log", TEXT, LEN);
    tail = (struct esxi_tail){ .files = files, .path = "vobd.log" };
    ck_assert_int_eq(files->ops->open(files, "vobd.0.log", &at.file, &why), 0);
    ck_assert_int_eq(files->ops->info(at.file, &at.info, &why), 0);
    ck_assert_int_eq(esxi_tail_mark(&tail, &at, READ, &m, &why), 0);
    files->ops->close(at.file);
    write_file(dir, "vobd.log", OTHER, LEN);
    leads_to(&m, "vobd.0.log", READ, true, false);
}
END_TEST

/* Names as a file system of another kind may have them. */
static int list_long_names(const struct files *f, const char *dir, bool (*take)(void *arg, const char *name), void *arg,
                           struct err *e)
{
    static char name[512];

    (void)f;
    (void)dir;
    (void)e;
    memset(name, 'x', sizeof name - 1);
    memcpy(name, "vobd.0", 6);
    if (take(arg, name)) {
        name[200] = '\0';
        (void)take(arg, name);
    }
    return 0;
}

START_TEST(names_too_long_to_be_opened_are_passed_over)
{
    static char path[FILES_PATH_MAX];
    struct files_ops ops;
    struct esxi_mark m;

    begin(TEXT);
    m = mark_in(log_file);
    ops = *fake.files.ops;
    ops.list = list_long_names;
    fake.files.ops = &ops;
    leads_to(&m, "/l/vobd.log", READ, false, false);
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &(struct esxi_mark){ .offset = 0 }, &why), 0);
    log_file->bytes = OTHER;
    leads_to(&m, "/l/vobd.log", 0, false, true);
    memset(path, 'x', sizeof path);
    snprintf(path + sizeof path - 20, 20, "/vobd.log");
    path[0] = '/';
    tail.path = path;
    ck_assert_int_eq(open_at(&m), ERR_NOT_FOUND);
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &m, &why), 0);
    ck_assert_uint_eq(m.id[1], 0);
}
END_TEST

START_TEST(after_a_rotated_file_comes_the_one_written_next)
{
    struct fake_file *first, *gone, *dir, *third, *second;
    struct esxi_mark next;

    begin(TEXT);
    first = fake_file(&fake, "/l/vobd.3.log", TEXT, LEN, 10);
    fake_file(&fake, "/l/vobd.4.log", TEXT, LEN, 5);
    dir = fake_folder(&fake, "/l/vobd.5.log");
    dir->info.mtime_ns = 11;
    third = fake_file(&fake, "/l/vobd.1.log", TEXT, LEN, 30);
    second = fake_file(&fake, "/l/vobd.2.log", TEXT, LEN, 20);
    fake_file(&fake, "/l/vobd.0.log", TEXT, LEN, 40);
    place = (struct esxi_place){ .info = first->info };
    snprintf(place.path, sizeof place.path, "%s", first->path);
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &next, &why), 0);
    ck_assert_uint_eq(next.id[1], second->info.id[1]);
    ck_assert_uint_eq(next.offset, 0);
    gone = second;
    gone->gone = true;
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &next, &why), 0);
    ck_assert_uint_eq(next.id[1], third->info.id[1]);
    place.info.mtime_ns = 40; /* the newest of them: the log is next */
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &next, &why), 0);
    ck_assert_uint_eq(next.id[0], 0);
    ck_assert_uint_eq(next.id[1], 0);
    folder->list_rc = ERR_IO;
    ck_assert_int_eq(esxi_tail_next(&tail, &place, &next, &why), ERR_IO);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_mark_is_read_as_it_was_written);
    suite_test(s, what_is_no_mark_is_refused);
    suite_test(s, a_mark_can_not_be_made_where_the_file_ends_before_it_or_can_not_be_read);
    suite_test(s, a_log_that_can_not_be_opened_is_an_error_that_names_it);
    suite_test(s, a_path_too_long_is_an_error_from_any_mark);
    suite_test(s, a_log_whose_bytes_before_the_mark_can_not_be_read_again_is_lost);
    suite_test(s, another_file_with_the_same_bytes_goes_on_where_the_first_was_read_to);
    suite_test(s, a_log_renamed_before_its_first_byte_was_read_is_known_by_its_identity);
    suite_test(s, a_log_that_is_away_is_read_where_it_went);
    suite_test(s, the_very_file_outweighs_one_with_the_same_bytes);
    suite_test(s, logs_of_other_programs_are_not_looked_into);
    suite_test(s, rotated_files_that_can_not_hold_it_are_passed_over);
    suite_test(s, logs_without_an_ending_have_rotated_files_too);
    suite_test(s, a_log_named_without_a_folder_has_its_rotated_files_beside_it);
    suite_test(s, names_too_long_to_be_opened_are_passed_over);
    suite_test(s, after_a_rotated_file_comes_the_one_written_next);
}

int main(void)
{
    return suite_main("collectors: ESXi logs' places", add);
}
