/* Captured class files as polls: which files make one, in which order, and
 * what is read again. */
#include "base/times.h"
#include "collectors/kvp.h"
#include "tests/collectors/support_kvp.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM "Msvm_ComputerSystem"
#define KVP    "Msvm_KvpExchangeComponent"

enum { CAPTURED = 1000 };

/* ---- a poll's answer, as text: "Class:content " in order ----------------- */

struct poll_result {
    struct buf seen;
    char gap[512];
    char *mark; /* committed */
    struct wmi_poll out;
    struct wmi_stream *stream;
    const char *dir;
    const struct files *files;
    int64_t captured_at;
};

static void note_instances(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct poll_result *p = arg;

    ck_assert_ptr_nonnull(place);
    buf_printf(&p->seen, "%s:%.*s ", class_name, (int)len, xml);
}

static void note_gap(void *arg, const char *reason, const char *detail)
{
    struct poll_result *p = arg;

    snprintf(p->gap, sizeof p->gap, "%s: %s", reason, detail);
}

static void reopen(struct poll_result *p)
{
    if (p->stream != NULL)
        p->stream->ops->close(p->stream);
    ck_assert_int_eq(kvp_folder_stream(p->files, p->dir, wmi_wanted_classes, p->captured_at, &p->stream, NULL), 0);
}

static void begin(struct poll_result *p, const char *dir)
{
    memset(p, 0, sizeof *p);
    buf_init(&p->seen, 1 << 20);
    p->mark = strdup("");
    p->dir = dir;
    p->files = plat_files();
    p->captured_at = CAPTURED;
    reopen(p);
}

static void end(struct poll_result *p)
{
    p->stream->ops->close(p->stream);
    buf_free(&p->seen);
    free(p->mark);
}

static void poll_folder(struct poll_result *p)
{
    struct wmi_sink sink = { .instances = note_instances, .gap = note_gap, .arg = p };
    struct buf mark;
    struct err e = { 0 };
    int rc;

    buf_clear(&p->seen);
    p->gap[0] = '\0';
    buf_init(&mark, 1 << 16);
    rc = p->stream->ops->poll(p->stream, p->mark, 0, &sink, &mark, &p->out, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    free(p->mark);
    p->mark = strdup(buf_text(&mark));
    buf_free(&mark);
}

static void expect_poll(struct poll_result *p, int64_t time_ns, const char *seen, bool more)
{
    poll_folder(p);
    ck_assert(p->out.answered);
    ck_assert_int_eq(p->out.time_ns, time_ns);
    ck_assert_str_eq(buf_text(&p->seen), seen);
    ck_assert_int_eq(p->out.report.more, more);
}

static void expect_nothing(struct poll_result *p)
{
    poll_folder(p);
    ck_assert_msg(!p->out.answered, "there was an answer: %s", buf_text(&p->seen));
    ck_assert(!p->out.report.more);
    ck_assert_uint_eq(p->seen.len, 0);
}

static void put(const char *dir, const char *name, const char *text)
{
    write_file(dir, name, text, strlen(text));
}

static void set_mtime(const char *dir, const char *name, int64_t ns)
{
    struct timespec t[2] = { { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S } };
    char path[4096];

    t[1] = t[0];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
}

static int64_t at(const char *time_text)
{
    int64_t ns = 0;

    ck_assert(times_parse(time_text, &ns));
    return ns;
}

START_TEST(files_without_a_time_are_one_poll_at_the_time_of_the_capture)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, KVP ".xml", "k");
    put(dir, SYSTEM ".xml", "s");
    put(dir, "Msvm_Other.xml", "x");
    put(dir, "notes.txt", "x");
    begin(&p, dir);
    expect_poll(&p, CAPTURED, SYSTEM ":s " KVP ":k ", false);
    ck_assert(p.out.complete);
    ck_assert_int_eq(p.out.report.state, STREAM_ATTACHED);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(without_a_time_of_capture_the_newest_modification_counts)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, KVP ".xml", "k");
    put(dir, SYSTEM ".xml", "s");
    set_mtime(dir, KVP ".xml", 5 * NS_PER_S);
    set_mtime(dir, SYSTEM ".xml", 7 * NS_PER_S);
    begin(&p, dir);
    p.captured_at = 0;
    reopen(&p);
    expect_poll(&p, 7 * NS_PER_S, SYSTEM ":s " KVP ":k ", false);
    expect_nothing(&p);
    put(dir, KVP ".xml", "K2");
    set_mtime(dir, KVP ".xml", 9 * NS_PER_S);
    expect_poll(&p, 9 * NS_PER_S, SYSTEM ":s " KVP ":K2 ", false);
    end(&p);
}
END_TEST

START_TEST(captures_are_read_in_order_of_their_time_and_a_missing_class_is_carried_on)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, KVP ".20260131T090000Z.xml", "k2");
    put(dir, SYSTEM ".20260131T080000Z.xml", "s1");
    put(dir, KVP ".20260131T080000Z.xml", "k1");
    put(dir, SYSTEM ".2026-01-31T10:00:00Z.XML", "s3");
    begin(&p, dir);
    expect_poll(&p, at("2026-01-31T08:00:00Z"), SYSTEM ":s1 " KVP ":k1 ", true);
    ck_assert_int_eq(p.out.report.lag_records, 2);
    reopen(&p);
    expect_poll(&p, at("2026-01-31T09:00:00Z"), SYSTEM ":s1 " KVP ":k2 ", true);
    reopen(&p);
    expect_poll(&p, at("2026-01-31T10:00:00Z"), SYSTEM ":s3 " KVP ":k2 ", false);
    reopen(&p);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(a_new_capture_is_picked_up_when_it_appears)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, SYSTEM ".20260131T080000Z.xml", "s1");
    begin(&p, dir);
    expect_poll(&p, at("2026-01-31T08:00:00Z"), SYSTEM ":s1 ", false);
    expect_nothing(&p);
    put(dir, SYSTEM ".20260131T090000Z.xml", "s2");
    expect_poll(&p, at("2026-01-31T09:00:00Z"), SYSTEM ":s2 ", false);
    end(&p);
}
END_TEST

START_TEST(a_capture_that_changed_is_read_again_and_the_later_ones_after_it)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, SYSTEM ".20260131T080000Z.xml", "s1");
    put(dir, SYSTEM ".20260131T090000Z.xml", "s2");
    begin(&p, dir);
    poll_folder(&p);
    poll_folder(&p);
    expect_nothing(&p);
    put(dir, SYSTEM ".20260131T080000Z.xml", "s1 longer");
    expect_poll(&p, at("2026-01-31T08:00:00Z"), SYSTEM ":s1 longer ", true);
    expect_poll(&p, at("2026-01-31T09:00:00Z"), SYSTEM ":s2 ", false);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(a_capture_that_was_only_touched_is_not_read_again)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, SYSTEM ".xml", "s1");
    begin(&p, dir);
    expect_poll(&p, CAPTURED, SYSTEM ":s1 ", false);
    set_mtime(dir, SYSTEM ".xml", 12345 * NS_PER_S);
    expect_nothing(&p);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_absent_until_it_is)
{
    char dir[4096];
    struct poll_result p;

    snprintf(dir, sizeof dir, "%s/kvp", temp_dir());
    begin(&p, dir);
    expect_nothing(&p);
    ck_assert_int_eq(p.out.report.state, STREAM_ABSENT);
    ck_assert_ptr_nonnull(strstr(p.out.report.remedy, dir));
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    expect_nothing(&p);
    ck_assert_int_eq(p.out.report.state, STREAM_ABSENT);
    put(dir, SYSTEM ".xml", "s");
    expect_poll(&p, CAPTURED, SYSTEM ":s ", false);
    ck_assert_int_eq(p.out.report.state, STREAM_ATTACHED);
    end(&p);
}
END_TEST

START_TEST(a_time_that_is_none_is_named_with_the_remedy)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, SYSTEM ".yesterday.xml", "s");
    begin(&p, dir);
    expect_nothing(&p);
    ck_assert_str_eq(p.out.report.remedy,
                     SYSTEM ".yesterday.xml: the time in the name must look like 20260131T080000Z");
    end(&p);
}
END_TEST

START_TEST(without_a_list_of_virtual_machines_a_poll_is_not_complete)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, "Msvm_HeartbeatComponent.xml", "h");
    begin(&p, dir);
    expect_poll(&p, CAPTURED, "Msvm_HeartbeatComponent:h ", false);
    ck_assert(!p.out.complete);
    put(dir, KVP ".xml", "k");
    expect_poll(&p, CAPTURED, KVP ":k Msvm_HeartbeatComponent:h ", false);
    ck_assert(p.out.complete);
    end(&p);
}
END_TEST

START_TEST(more_captures_than_a_mark_holds_are_still_read_once)
{
    enum { CAPTURES = 600 };
    const char *dir = temp_dir();
    struct poll_result p;
    int polls = 0;

    for (int i = 0; i < CAPTURES; i++) {
        char name[128];

        snprintf(name, sizeof name, SYSTEM ".20260131T%02d%02d00Z.xml", i / 60, i % 60);
        put(dir, name, "s");
    }
    begin(&p, dir);
    do {
        poll_folder(&p);
        ck_assert(p.out.answered);
        polls++;
    } while (p.out.report.more);
    ck_assert_int_eq(polls, CAPTURES);
    ck_assert_uint_lt(strlen(p.mark), 16 * 1024);
    reopen(&p);
    expect_nothing(&p);
    unlink(write_file(dir, SYSTEM ".20260131T095900Z.xml", "", 0));
    unlink(write_file(dir, SYSTEM ".20260131T095800Z.xml", "", 0));
    expect_nothing(&p);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(a_damaged_mark_reads_everything_anew)
{
    const char *dir = temp_dir();
    struct poll_result p;
    char *whole;

    put(dir, SYSTEM ".xml", "s");
    begin(&p, dir);
    poll_folder(&p);
    whole = strdup(p.mark);
    for (size_t i = 0; i < strlen(whole); i++) {
        free(p.mark);
        p.mark = strdup(whole);
        p.mark[i] = '\0';
        expect_poll(&p, CAPTURED, SYSTEM ":s ", false);
    }
    free(whole);
    end(&p);
}
END_TEST

/* ---- files that can not be read: a files vtable in front of the real one - */

static bool refuse;

static int refusing_open(const struct files *f, const char *path, struct file **out, struct err *e)
{
    if (refuse && strstr(path, KVP) != NULL)
        return err_set(e, ERR_PERMISSION, "permission denied");
    return plat_files()->ops->open(f, path, out, e);
}

START_TEST(a_capture_that_can_not_be_read_is_told_once_and_read_as_soon_as_it_can)
{
    const char *dir = temp_dir();
    struct files_ops ops = *plat_files()->ops;
    struct files files = { .ops = &ops };
    struct poll_result p;

    ops.open = refusing_open;
    put(dir, SYSTEM ".xml", "s");
    put(dir, KVP ".xml", "k");
    begin(&p, dir);
    p.files = &files;
    reopen(&p);
    refuse = true;
    expect_poll(&p, CAPTURED, SYSTEM ":s ", false);
    ck_assert_str_eq(p.gap, "record-unreadable: " KVP ".xml: permission denied");
    ck_assert(!p.out.complete);
    expect_nothing(&p);
    ck_assert_int_eq(p.out.report.state, STREAM_RETRYING);
    ck_assert_ptr_nonnull(strstr(p.out.report.remedy, "let the agent read " KVP ".xml"));
    refuse = false;
    expect_poll(&p, CAPTURED, SYSTEM ":s " KVP ":k ", false);
    ck_assert(p.out.complete);
    expect_nothing(&p);
    end(&p);
}
END_TEST

START_TEST(a_capture_over_the_ceiling_is_told_once_and_not_read)
{
    const char *dir = temp_dir();
    struct poll_result p;

    put(dir, SYSTEM ".xml", "s");
    ck_assert_int_eq(truncate(write_file(dir, KVP ".xml", "", 0), INT64_C(257) << 20), 0);
    begin(&p, dir);
    expect_poll(&p, CAPTURED, SYSTEM ":s ", false);
    ck_assert_str_eq(p.gap, "record-unreadable: " KVP ".xml: larger than 256 MiB");
    expect_nothing(&p);
    end(&p);
}
END_TEST

/* ---- with the source on top --------------------------------------------- */

static int step_source(struct source *s, char **mark, struct obs_batch *b)
{
    struct source_step step = { .mark = *mark, .max_events = 1000, .max_bytes = 1 << 24, .now_ns = 9, .batch = b };
    int more;

    obs_batch_reset(b);
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    ck_assert_int_eq(source_take_step(s, &step, NULL), 0);
    free(*mark);
    *mark = strdup(buf_text(&step.new_mark));
    more = step.report.more;
    buf_free(&step.new_mark);
    return more;
}

START_TEST(a_file_cut_while_it_is_written_removes_nobody)
{
    const char *dir = temp_dir();
    struct resource facts = { .host_name = "HV01" };
    struct kvp_options options = { .name = "kvp", .facts = &facts, .interval_ns = 1, .refresh_ns = NS_PER_S };
    struct source *source = NULL;
    struct obs_batch b;
    struct buf xml;
    char *mark = strdup("");

    buf_init(&xml, 1 << 16);
    xml_system(&xml, vm_guid(1), "one", 2);
    xml_system(&xml, vm_guid(2), "two", 2);
    write_file(dir, SYSTEM ".20260131T080000Z.xml", xml.data, xml.len);
    ck_assert_int_eq(kvp_folder_stream(plat_files(), dir, wmi_wanted_classes, CAPTURED, &options.stream, NULL), 0);
    ck_assert_int_eq(kvp_source_new(&options, &source, NULL), 0);
    obs_batch_init(&b, 1 << 24);
    step_source(source, &mark, &b);
    ck_assert_int_eq(count_obs(&b, OBS_GUEST_INVENTORY), 2);
    write_file(dir, SYSTEM ".20260131T090000Z.xml", xml.data, xml.len - 100);
    step_source(source, &mark, &b);
    ck_assert_int_eq(count_obs(&b, OBS_GUEST_LIFECYCLE), 0);
    ck_assert_int_eq(count_obs(&b, OBS_GAP), 1);
    write_file(dir, SYSTEM ".20260131T090000Z.xml", xml.data, xml.len);
    step_source(source, &mark, &b);
    ck_assert_int_eq(count_obs(&b, OBS_GUEST_LIFECYCLE), 0);
    ck_assert_int_eq(count_obs(&b, OBS_HOST_INVENTORY), 1);
    buf_clear(&xml);
    xml_system(&xml, vm_guid(1), "one", 2);
    write_file(dir, SYSTEM ".20260131T100000Z.xml", xml.data, xml.len);
    step_source(source, &mark, &b);
    ck_assert_ptr_nonnull(find_obs(&b, OBS_GUEST_LIFECYCLE, vm_guid(2)));
    source_close(source);
    obs_batch_free(&b);
    buf_free(&xml);
    free(mark);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, files_without_a_time_are_one_poll_at_the_time_of_the_capture);
    suite_test(s, without_a_time_of_capture_the_newest_modification_counts);
    suite_test(s, captures_are_read_in_order_of_their_time_and_a_missing_class_is_carried_on);
    suite_test(s, a_new_capture_is_picked_up_when_it_appears);
    suite_test(s, a_capture_that_changed_is_read_again_and_the_later_ones_after_it);
    suite_test(s, a_capture_that_was_only_touched_is_not_read_again);
    suite_test(s, a_folder_that_is_not_there_is_absent_until_it_is);
    suite_test(s, a_time_that_is_none_is_named_with_the_remedy);
    suite_test(s, without_a_list_of_virtual_machines_a_poll_is_not_complete);
    suite_test(s, more_captures_than_a_mark_holds_are_still_read_once);
    suite_test(s, a_damaged_mark_reads_everything_anew);
    suite_test(s, a_capture_that_can_not_be_read_is_told_once_and_read_as_soon_as_it_can);
    suite_test(s, a_capture_over_the_ceiling_is_told_once_and_not_read);
    suite_test(s, a_file_cut_while_it_is_written_removes_nobody);
}

int main(void)
{
    return suite_main("collectors: KVP captures", add);
}
