/* ESXi logs that grow, are rotated, copied away, cut, or broken off. */
#include "base/text.h"
#include "base/times.h"
#include "collectors/esxi_log.h"
#include "collectors/esxi_rules.h"
#include "collectors/esxi_tail.h"
#include "tests/collectors/support_fake_files.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#define VOB(t, event, rest) "2026-01-31T08:09:" t "Z: [APDCorrelator] 1us: [" event "] " rest "\n"
#define LOST(t)             VOB(t, "esx.problem.storage.apd.start", "Device [naa.1] has entered the All Paths Down state.")
#define BACK(t)             VOB(t, "esx.clear.storage.apd.exit", "Device [naa.1] has exited the All Paths Down state.")
#define NOISE               "2026-01-31T08:09:00Z: [netCorrelator] nothing\n"
#define MSR(n, value)       "2026-01-31T08:11:00.500Z Wa(03) vcpu-1 - WinBSOD: Synthetic MSR[0x4000010" n "] " value "\n"
#define BETWEEN             "2026-01-31T08:11:00.500Z Wa(03)+ vcpu-1 - \n2026-01-31T08:11:00.500Z In(05) vmx - else\n"
#define HEAD                "2026-01-31T08:00:00Z In(05) vmx - DICT uuid.bios = \"56 4d d7 cc e8 e6 df 22-e1 86 81 ab c0 ee f3 c4\"\n"

enum { TEXT_MAX = 1 << 20 };

static const int64_t old = 1000 * NS_PER_S, now = 5000 * NS_PER_S;

static struct fake_files fake;
static struct source *source;
static struct obs_batch batch;
static struct source_step step;
static char mark[SOURCE_MARK_MAX];
static char text[TEXT_MAX];
static struct fake_file *log_file;

static void open_source(enum esxi_log log, const char *path)
{
    struct esxi_log_options options = {
        .files = &fake.files, .path = path, .log = log, .folder = log == ESXI_VMWARE ? "SQL07" : "", .host_id = "host-1"
    };
    struct err e;

    ck_assert_int_eq(esxi_log_source_new("esx1/esxi/x", &options, &source, &e), 0);
}

static void begin(enum esxi_log log, const char *path, const char *content)
{
    fake_files_init(&fake);
    fake_folder(&fake, "/l");
    if (content != NULL)
        log_file = fake_file(&fake, path, content, strlen(content), old);
    mark[0] = '\0';
    open_source(log, path);
}

/* One step and its commit; the batch is there until the next. */
static int take(int max_events)
{
    struct err e = { ERR_OK, "" };
    int rc;

    obs_batch_free(&batch);
    obs_batch_init(&batch, 1 << 20);
    step = (struct source_step){
        .mark = mark, .max_events = max_events, .max_bytes = 1 << 20, .now_ns = now, .batch = &batch
    };
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    rc = source_take_step(source, &step, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert(text_copy(mark, sizeof mark, buf_text(&step.new_mark)));
    buf_free(&step.new_mark);
    return batch.count;
}

static void grow(const char *content, int64_t mtime)
{
    log_file->bytes = content;
    log_file->info.size = strlen(content);
    log_file->info.mtime_ns = mtime;
}

static void end(void)
{
    source_close(source);
    obs_batch_free(&batch);
}

static const char *signal_of(const struct observation *o)
{
    return obs_get_str(o, ATTR_SIGNAL);
}

START_TEST(a_log_is_read_once_and_then_what_is_new)
{
    begin(ESXI_VOBD, "/l/vobd.log", NOISE LOST("01"));
    ck_assert_int_eq(take(100), 1);
    ck_assert_int_eq(take(100), 0);
    ck_assert(step.settled);
    grow(NOISE LOST("01") BACK("02"), old + 1);
    ck_assert_int_eq(take(100), 1);
    ck_assert(!step.settled);
    ck_assert_str_eq(signal_of(batch.first), "path-restored");
    end();
    open_source(ESXI_VOBD, "/l/vobd.log"); /* the mark alone is enough */
    ck_assert_int_eq(take(100), 0);
    end();
}
END_TEST

START_TEST(a_line_without_its_end_waits_for_the_rest)
{
    static const char half[] = "2026-01-31T08:09:01Z: [APDCorrelator] 1us: [esx.problem.storage.apd.st";

    begin(ESXI_VOBD, "/l/vobd.log", half);
    ck_assert_int_eq(take(100), 0);
    ck_assert(!step.report.more);
    grow(LOST("01"), old + 1);
    ck_assert_int_eq(take(100), 1);
    end();
}
END_TEST

START_TEST(a_step_takes_no_more_than_it_is_asked_for)
{
    begin(ESXI_VOBD, "/l/vobd.log", LOST("01") BACK("02") LOST("03"));
    ck_assert_int_eq(take(2), 2);
    ck_assert(step.report.more);
    ck_assert_int_eq(take(2), 1);
    ck_assert(!step.report.more);
    end();
}
END_TEST

START_TEST(a_renamed_log_is_read_to_its_end_and_then_the_new_one)
{
    struct fake_file *fresh;

    begin(ESXI_VOBD, "/l/vobd.log", LOST("01"));
    ck_assert_int_eq(take(100), 1);
    grow(LOST("01") BACK("02") LOST("03"), old + 5);
    ck_assert(text_copy(log_file->path, sizeof log_file->path, "/l/vobd.0.log"));
    fresh = fake_file(&fake, "/l/vobd.log", BACK("04"), strlen(BACK("04")), old + 9);
    ck_assert_int_eq(take(100), 2);
    ck_assert(step.report.more);
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-restored");
    ck_assert_int_eq(take(100), 0);
    ck_assert_int_eq(fresh->gone, 0);
    end();
}
END_TEST

START_TEST(a_log_that_was_rotated_twice_is_read_in_order)
{
    begin(ESXI_VOBD, "/l/vobd.log", LOST("01"));
    ck_assert_int_eq(take(100), 1);
    ck_assert(text_copy(log_file->path, sizeof log_file->path, "/l/vobd.1.log"));
    fake_file(&fake, "/l/vobd.0.log", BACK("02"), strlen(BACK("02")), old + 5);
    fake_file(&fake, "/l/vobd.log", LOST("03"), strlen(LOST("03")), old + 9);
    ck_assert_int_eq(take(100), 0); /* the end of the first */
    ck_assert(step.report.more);
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-restored");
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-lost");
    end();
}
END_TEST

START_TEST(a_log_of_another_program_is_not_taken_for_a_rotated_one)
{
    begin(ESXI_VOBD, "/l/vobd.log", LOST("01"));
    ck_assert_int_eq(take(100), 1);
    ck_assert(text_copy(log_file->path, sizeof log_file->path, "/l/vobd.0.log"));
    fake_file(&fake, "/l/vobd-probe.log", BACK("02"), strlen(BACK("02")), old + 5);
    fake_file(&fake, "/l/vobd.log", LOST("03"), strlen(LOST("03")), old + 9);
    ck_assert_int_eq(take(100), 0); /* the end of the first */
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-lost");
    end();
}
END_TEST

START_TEST(a_log_that_was_copied_away_and_cut_is_followed)
{
    begin(ESXI_VOBD, "/l/vobd.log", LOST("01"));
    ck_assert_int_eq(take(100), 1);
    fake_file(&fake, "/l/vobd.log.1", LOST("01") BACK("02"), strlen(LOST("01") BACK("02")), old + 3);
    grow(LOST("09"), old + 5);
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-restored");
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(signal_of(batch.first), "path-lost");
    end();
}
END_TEST

START_TEST(a_log_whose_unread_part_is_gone_is_a_gap)
{
    begin(ESXI_VOBD, "/l/vobd.log", LOST("01") BACK("02"));
    ck_assert_int_eq(take(100), 2);
    grow(LOST("07"), old + 5);
    ck_assert_int_eq(take(100), 2);
    ck_assert_int_eq(batch.first->kind, OBS_GAP);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_GAP_REASON), "file-replaced");
    ck_assert_str_eq(signal_of(batch.last), "path-lost");
    ck_assert_int_eq(take(100), 0);
    end();
}
END_TEST

START_TEST(a_log_that_is_not_there_is_absent_until_it_comes)
{
    begin(ESXI_VOBD, "/l/vobd.log", NULL);
    ck_assert_int_eq(take(100), 0);
    ck_assert_int_eq(step.report.state, STREAM_ABSENT);
    fake_file(&fake, "/l/vobd.log", LOST("01"), strlen(LOST("01")), old);
    ck_assert_int_eq(take(100), 1);
    ck_assert_int_eq(step.report.state, STREAM_ATTACHED);
    end();
}
END_TEST

START_TEST(lines_that_can_not_be_read_are_one_gap_with_their_places)
{
    begin(ESXI_HOSTD, "/l/hostd.log",
          "no time sub=IoTracker took over 5 sec.\nno time sub=IoTracker took over 6 sec.\n");
    ck_assert_int_eq(take(100), 1);
    ck_assert_int_eq(batch.first->kind, OBS_GAP);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_GAP_FROM), "byte 0");
    ck_assert_int_eq(obs_get_int(batch.first, ATTR_GAP_COUNT, 0), 2);
    ck_assert_int_eq(take(100), 0);
    end();
}
END_TEST

START_TEST(a_line_longer_than_any_is_passed_and_the_next_one_read)
{
    size_t len = ESXI_CHUNK * 2 + 17;

    memset(text, 'x', len);
    text[len] = '\n';
    ck_assert(text_copy(text + len + 1, TEXT_MAX - len - 1, LOST("01")));
    begin(ESXI_VOBD, "/l/vobd.log", text);
    for (int i = 0; i < 4 && take(100) == 0; i++)
        ck_assert(step.report.more);
    ck_assert_int_eq(batch.count, 1);
    end();
}
END_TEST

/* ---- crashes --------------------------------------------------------------------------- */

#define ALL_FIVE \
    MSR("0", "0xd1") BETWEEN MSR("1", "0x28") BETWEEN MSR("2", "0x2") MSR("3", "0x0") MSR("4", "0xfffff80112345678")

START_TEST(the_five_registers_of_a_crash_become_one_observation)
{
    begin(ESXI_VMWARE, "/l/vmware.log", HEAD ALL_FIVE);
    ck_assert_int_eq(take(100), 1);
    ck_assert_int_eq(batch.first->kind, OBS_GUEST_CRASH);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_VM_ID), "564DD7CC-E8E6-DF22-E186-81ABC0EEF3C4");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_KIND), "bugcheck");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_PARAM1), "0x0000000000000028");
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_PARAM4), "0xfffff80112345678");
    ck_assert_ptr_null(obs_attr(batch.first, ATTR_ESXI_PROBLEM));
    ck_assert_int_eq(take(100), 0);
    end();
}
END_TEST

START_TEST(a_crash_that_is_still_being_written_waits_and_is_told_once)
{
    begin(ESXI_VMWARE, "/l/vmware.log", HEAD MSR("0", "0xd1") MSR("1", "0x28"));
    log_file->info.mtime_ns = now;
    ck_assert_int_eq(take(100), 0);
    ck_assert(!step.report.more);
    ck_assert_int_eq(take(100), 0);
    ck_assert(!step.settled); /* its time comes without a change of the file */
    grow(HEAD MSR("0", "0xd1") MSR("1", "0x28") MSR("2", "0x2") MSR("3", "0x0") MSR("4", "0x7"), now);
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_PARAM4), "0x0000000000000007");
    ck_assert_int_eq(take(100), 0);
    end();
}
END_TEST

START_TEST(a_crash_broken_off_for_good_is_told_with_what_there_is)
{
    begin(ESXI_VMWARE, "/l/vmware.log", HEAD MSR("0", "0xd1") MSR("1", "0x28"));
    ck_assert_int_eq(take(100), 1);
    ck_assert_str_eq(obs_get_str(batch.first, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_ptr_nonnull(obs_attr(batch.first, ATTR_ESXI_PROBLEM));
    end();
}
END_TEST

START_TEST(two_crashes_in_one_log_stay_two)
{
    begin(ESXI_VMWARE, "/l/vmware.log",
          HEAD ALL_FIVE MSR("0", "0x7a") MSR("1", "0x1") MSR("2", "0x2") MSR("3", "0x3") MSR("4", "0x4"));
    ck_assert_int_eq(take(100), 2);
    ck_assert_str_eq(obs_get_str(batch.last, ATTR_CRASH_CODE), "0x0000007a");
    end();
}
END_TEST

START_TEST(killed_after_any_byte_a_growing_log_gives_each_observation_once)
{
    static const char whole[] = HEAD ALL_FIVE;
    int crashes = 0;

    begin(ESXI_VMWARE, "/l/vmware.log", "");
    for (size_t len = 1; len < sizeof whole; len++) {
        memcpy(text, whole, len);
        text[len] = '\0';
        grow(text, now + (int64_t)len);
        source_close(source);
        open_source(ESXI_VMWARE, "/l/vmware.log");
        crashes += take(100);
    }
    ck_assert_int_eq(crashes, 1);
    end();
}
END_TEST

START_TEST(a_mark_of_something_else_is_refused)
{
    static const char *const bad[] = { "xml1 0 0 0 0 0 0", "esxi1 0 0 5 101 0", "esxi1 0 0 5 9 0", "esxi1 0",
                                       "esxi1 0 0 0 0 0 x" };
    struct esxi_mark m;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!esxi_mark_parse(bad[i], &m), "%s", bad[i]);
}
END_TEST

static void add_tests(Suite *s)
{
    suite_test(s, a_log_is_read_once_and_then_what_is_new);
    suite_test(s, a_line_without_its_end_waits_for_the_rest);
    suite_test(s, a_step_takes_no_more_than_it_is_asked_for);
    suite_test(s, a_renamed_log_is_read_to_its_end_and_then_the_new_one);
    suite_test(s, a_log_that_was_rotated_twice_is_read_in_order);
    suite_test(s, a_log_of_another_program_is_not_taken_for_a_rotated_one);
    suite_test(s, a_log_that_was_copied_away_and_cut_is_followed);
    suite_test(s, a_log_whose_unread_part_is_gone_is_a_gap);
    suite_test(s, a_log_that_is_not_there_is_absent_until_it_comes);
    suite_test(s, lines_that_can_not_be_read_are_one_gap_with_their_places);
    suite_test(s, a_line_longer_than_any_is_passed_and_the_next_one_read);
    suite_test(s, the_five_registers_of_a_crash_become_one_observation);
    suite_test(s, a_crash_that_is_still_being_written_waits_and_is_told_once);
    suite_test(s, a_crash_broken_off_for_good_is_told_with_what_there_is);
    suite_test(s, two_crashes_in_one_log_stay_two);
    suite_test(s, killed_after_any_byte_a_growing_log_gives_each_observation_once);
    suite_test(s, a_mark_of_something_else_is_refused);
}

int main(void)
{
    return suite_main("collectors: logs of ESXi", add_tests);
}
