/* Watched folders: the verdict that a dump is told with, and what bounds the
 * reading of it. */
#include "collectors/dumps_triage.h"
#include "collectors/dumps_verdict.h"
#include "tests/collectors/support_dumps.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a minidump with one driver (dumps.md 1.9) --------------------------- */

enum {
    MINI_BODY = 0x2000,
    MINI_STACK = MINI_BODY + 0x80,
    MINI_STACK_SIZE = 0x100,
    MINI_DRIVERS = MINI_STACK + MINI_STACK_SIZE,
    MINI_DRIVER = 0x90,
    MINI_STRING = MINI_DRIVERS + 2 * MINI_DRIVER,
    MINI_STRING_SIZE = 0x40,
    MINI_END = MINI_STRING + 2 * MINI_STRING_SIZE,
    MINI_SIZE = MINI_END + 4,
};

#define NT_BASE     UINT64_C(0xFFFFF80001A00000)
#define DRIVER_BASE UINT64_C(0xFFFFF80002000000)
#define STACK_VA    UINT64_C(0xFFFFF88002000000)

static unsigned char mini[MINI_SIZE];

static void put64(size_t at, uint64_t v)
{
    dump_put32(mini + at, (uint32_t)v);
    dump_put32(mini + at + 4, (uint32_t)(v >> 32));
}

static void put_driver(size_t i, const char *name, uint64_t base)
{
    size_t at = MINI_DRIVERS + i * MINI_DRIVER, string = MINI_STRING + i * MINI_STRING_SIZE;

    dump_put32(mini + at, (uint32_t)string);
    put64(at + 0x38, base);
    dump_put32(mini + at + 0x48, 0x8000);
    dump_put32(mini + string, (uint32_t)strlen(name));
    for (size_t k = 0; name[k] != '\0'; k++)
        mini[string + 4 + 2 * k] = (unsigned char)name[k];
}

/* 0xD1 at an instruction in that driver. */
static void make_minidump(const char *driver, uint32_t offset)
{
    static unsigned char header[DUMP_SIZE];

    dump_make(header, 0xD1, 1769846000);
    memset(mini, 0, sizeof mini);
    memcpy(mini, header, DUMP_HEAD);
    dump_put32(mini + 0xF98, 4);
    put64(0xFA0, MINI_SIZE);
    put64(0x40, 0x28);
    put64(0x48, 2);
    put64(0x50, 0);
    put64(0x58, DRIVER_BASE + offset);
    dump_put32(mini + MINI_BODY + 4, MINI_SIZE);
    dump_put32(mini + MINI_BODY + 8, MINI_END);
    dump_put32(mini + MINI_BODY + 0x28, MINI_STACK);
    dump_put32(mini + MINI_BODY + 0x2C, MINI_STACK_SIZE);
    dump_put32(mini + MINI_BODY + 0x30, MINI_DRIVERS);
    dump_put32(mini + MINI_BODY + 0x34, 2);
    put64(MINI_BODY + 0x48, STACK_VA);
    put_driver(0, "ntoskrnl.exe", NT_BASE);
    put_driver(1, driver, DRIVER_BASE);
    memcpy(mini + MINI_END, "TRGD", 4);
}

static struct dump_run *run_with_triage(void)
{
    struct dump_run *r = dump_run_new("/d");

    make_minidump("storvsc.sys", 0x2B8);
    r->options.triage =
        (struct dumps_triage_options){ .on = true, .deadline_ns = 30 * SECOND, .read_max = TRIAGE_READ_DEFAULT };
    dump_run_restart(r);
    return r;
}

/* Settles what is there: seen, announced, read; the number of dumps told at the last. */
static int settle_and_read(struct dump_run *r)
{
    ck_assert_int_eq(dump_run_settle(r), 0);
    return dump_run_take(r, 0);
}

static const char *said(const struct dump_run *r, const char *key)
{
    return r->batch.first != NULL ? obs_get_str(r->batch.first, key) : "";
}

/* ---- what is told ------------------------------------------------------- */

START_TEST(a_dump_is_told_with_its_verdict)
{
    struct dump_run *r = run_with_triage();

    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    ck_assert_str_eq(dump_run_problem(r), "");
    ck_assert_str_eq(said(r, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_str_eq(said(r, ATTR_DUMP_BUGCHECK), "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    ck_assert_str_eq(said(r, ATTR_DUMP_VERDICT), "ok");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_MODULE), "storvsc.sys");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_OFFSET), "0x2b8");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_KIND), "driver");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_CONFIDENCE), "exact");
    ck_assert_str_eq(said(r, ATTR_DUMP_FAULT), "storvsc.sys+0x2b8");
    ck_assert_str_ne(said(r, ATTR_DUMP_CULPRIT_EVIDENCE), "");
    ck_assert_ptr_nonnull(strstr(said(r, ATTR_DUMP_BUCKET), "storvsc.sys+0x2b8"));
    ck_assert_str_eq(said(r, ATTR_DUMP_COMPONENTS), "storvsc.sys");
    ck_assert_int_eq(obs_get_int(r->batch.first, ATTR_DUMP_PROCESSORS, 0), 4);
    ck_assert_str_eq(r->batch.first->body, "Crash dump a.dmp: bug check 0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL, "
                                           "minidump, probably caused by storvsc.sys (storvsc+2b8), exact");
    dump_run_free(r);
}
END_TEST

START_TEST(without_triage_the_header_alone_is_read)
{
    struct dump_run *r = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);

    r->options.triage.on = false;
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(said(r, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_ptr_null(obs_attr(r->batch.first, ATTR_DUMP_CULPRIT_CONFIDENCE));
    ck_assert_int_eq(f->opened, 1);
    dump_run_free(r);
}
END_TEST

START_TEST(a_cut_dump_is_told_with_what_is_there)
{
    struct dump_run *r = run_with_triage();

    fake_file(&r->fs, "/d/a.dmp", mini, MINI_END - 0x10, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert_int_eq(dump_run_take(r, HOUR), 0);
    ck_assert_int_eq(dump_run_take(r, 0), 1);
    ck_assert_str_eq(dump_run_status(r), "partial");
    ck_assert_str_eq(said(r, ATTR_DUMP_VERDICT), "truncated");
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    ck_assert_int_gt(obs_get_int(r->batch.first, ATTR_DUMP_FINDINGS, 0), 0);
    ck_assert_str_ne(said(r, ATTR_DUMP_INTEGRITY), "");
    dump_run_free(r);
}
END_TEST

START_TEST(what_is_no_kernel_dump_is_not_read_for_a_verdict)
{
    struct dump_run *r = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", "MDMP and more", 13, DUMP_MTIME);

    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_str_eq(dump_run_status(r), "foreign");
    ck_assert_ptr_null(obs_attr(r->batch.first, ATTR_DUMP_VERDICT));
    ck_assert_int_eq(f->opened, 1);
    dump_run_free(r);
}
END_TEST

START_TEST(no_dump_is_read_for_its_verdict_twice)
{
    struct dump_run *r = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);

    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_int_eq(f->opened, 3); /* two looks, and the reading */
    f->info.mtime_ns += 77;
    ck_assert_int_eq(settle_and_read(r), 0);
    ck_assert_int_eq(f->opened, 4);
    dump_run_restart(r);
    ck_assert_int_eq(settle_and_read(r), 0);
    ck_assert_int_eq(f->opened, 4);
    dump_run_free(r);
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------- */

static struct dump_run *slow_run;

/* Every look at the clock takes long once the reading has begun. */
static void become_slow(struct fake_file *f)
{
    slow_run->clock.step = f->opened > 2 ? 20 * SECOND : 0;
}

START_TEST(a_dump_that_takes_too_long_is_told_with_its_header_and_why)
{
    struct dump_run *r = slow_run = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);

    f->on_open = become_slow;
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_str_eq(dump_run_status(r), "ok");
    ck_assert_ptr_nonnull(strstr(dump_run_problem(r), "ended by its deadline"));
    ck_assert_str_eq(said(r, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_str_eq(said(r, ATTR_CRASH_PARAM1), "0x0000000000000028");
    r->clock.step = 0;
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_bound_on_the_bytes_read_is_said)
{
    struct dump_run *r = run_with_triage();

    r->options.triage.read_max = 4096;
    dump_run_restart(r);
    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_ptr_nonnull(strstr(dump_run_problem(r), "the bound that was set"));
    dump_run_free(r);
}
END_TEST

static void fail_reading(struct fake_file *f)
{
    f->read_rc = f->opened > 2 ? ERR_IO : 0;
}

START_TEST(a_dump_that_fails_to_be_read_is_told_with_its_header_and_why)
{
    struct dump_run *r = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);

    f->on_open = fail_reading;
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_ptr_nonnull(strstr(dump_run_problem(r), "no verdict: "));
    ck_assert_str_eq(said(r, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_ptr_null(obs_attr(r->batch.first, ATTR_DUMP_CULPRIT_CONFIDENCE));
    dump_run_free(r);
}
END_TEST

static void grow_while_read(struct fake_file *f)
{
    if (f->opened == 3)
        f->info.mtime_ns++;
}

START_TEST(a_file_that_changes_before_it_is_read_is_left_for_a_later_look)
{
    struct dump_run *r = run_with_triage();
    struct fake_file *f = fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);

    f->on_open = grow_while_read;
    ck_assert_int_eq(settle_and_read(r), 0);
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_that_ends_the_agent_twice_is_told_without_a_verdict)
{
    struct dump_run *r = run_with_triage();

    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_restart(r); /* it ended before what the next step found was committed */
    ck_assert_int_eq(dump_run_settle(r), 0);
    ck_assert(r->step.report.more);
    dump_run_restart(r);
    ck_assert_int_eq(dump_run_settle(r), 1);
    ck_assert_ptr_nonnull(strstr(dump_run_problem(r), "ended twice"));
    ck_assert_str_eq(said(r, ATTR_CRASH_CODE), "0x000000d1");
    ck_assert_ptr_null(obs_attr(r->batch.first, ATTR_DUMP_CULPRIT_CONFIDENCE));
    dump_run_restart(r);
    ck_assert_int_eq(settle_and_read(r), 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_that_ended_the_agent_once_is_read_again)
{
    struct dump_run *r = run_with_triage();

    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_settle(r), 0);
    dump_run_restart(r);
    ck_assert_int_eq(settle_and_read(r), 1);
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    dump_run_free(r);
}
END_TEST

START_TEST(what_was_announced_and_not_committed_is_announced_again)
{
    struct dump_run *r = run_with_triage();

    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    r->clock.ns += 10 * SECOND;
    dump_run_step(r); /* its commit fails */
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(dump_run_take(r, 0), 1);
    ck_assert_str_eq(dump_run_problem(r), "");
    dump_run_free(r);
}
END_TEST

/* ---- steps and turns ---------------------------------------------------- */

START_TEST(a_step_reads_one_dump)
{
    static unsigned char other[MINI_SIZE];
    struct dump_run *r = run_with_triage();

    make_minidump("netvsc.sys", 0x10);
    memcpy(other, mini, sizeof other);
    make_minidump("storvsc.sys", 0x2B8);
    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    fake_file(&r->fs, "/d/b.dmp", other, MINI_SIZE, DUMP_MTIME + 1);
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 0);
    ck_assert(r->step.report.more);
    ck_assert_int_eq(dump_run_take(r, 0), 1);
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    ck_assert(r->step.report.more);
    ck_assert_int_eq(dump_run_take(r, 0), 1);
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "netvsc.sys");
    ck_assert(!r->step.report.more);
    dump_run_free(r);
}
END_TEST

static void take_long(struct fake_file *f)
{
    (void)f;
    slow_run->clock.ns += 25 * SECOND;
}

START_TEST(a_step_that_spent_its_time_on_other_files_leaves_the_dump_to_the_next)
{
    struct dump_run *r = slow_run = run_with_triage();

    fake_file(&r->fs, "/d/b.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert_int_eq(dump_run_take(r, 0), 0);
    fake_file(&r->fs, "/d/a.dmp", "MDMP and more", 13, DUMP_MTIME - 1)->on_open = take_long;
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 0); /* b is announced, a is new */
    r->deadline_ns = r->clock.ns + 10 * SECOND + 40 * SECOND;
    ck_assert_int_eq(dump_run_take(r, 10 * SECOND), 1);
    ck_assert_str_eq(dump_run_status(r), "foreign");
    ck_assert(r->step.report.more);
    r->deadline_ns = r->clock.ns + 40 * SECOND;
    ck_assert_int_eq(dump_run_take(r, 0), 1);
    ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), "storvsc.sys");
    ck_assert_str_eq(dump_run_problem(r), "");
    dump_run_free(r);
}
END_TEST

START_TEST(a_dump_waits_while_another_source_reads_one)
{
    struct dumps_turn turn = { 0 };
    struct dump_run *r = run_with_triage();
    int64_t lease;

    r->options.triage.turn = &turn;
    dump_run_restart(r);
    fake_file(&r->fs, "/d/a.dmp", mini, MINI_SIZE, DUMP_MTIME);
    ck_assert(dumps_turn_take(&turn, r->clock.ns, r->clock.ns + HOUR, &lease));
    ck_assert_int_eq(settle_and_read(r), 0);
    ck_assert(!r->step.report.more);
    ck_assert_int_eq(r->source->interval_ns, SECOND);
    dumps_turn_give(&turn, lease);
    ck_assert_int_eq(dump_run_take(r, SECOND), 1);
    ck_assert_int_eq(turn.until_ns, 0);
    dump_run_free(r);
}
END_TEST

START_TEST(a_reader_that_hangs_loses_its_turn)
{
    struct dumps_turn turn = { 0 };
    int64_t hung, mine, other;

    ck_assert(dumps_turn_take(&turn, 100, 200, &hung));
    ck_assert(!dumps_turn_take(&turn, 199, 300, &mine));
    ck_assert(dumps_turn_take(&turn, 200, 300, &mine));
    dumps_turn_give(&turn, hung); /* late: it is another's by now */
    ck_assert(!dumps_turn_take(&turn, 201, 400, &other));
    dumps_turn_give(&turn, mine);
    ck_assert(dumps_turn_take(&turn, 202, 400, &other));
}
END_TEST

/* ---- sizes -------------------------------------------------------------- */

enum { MANY = 200, LONG = 4000 };

static void check_lengths(const struct observation *o)
{
    size_t total = 0;

    for (int i = 0; i < o->attr_count; i++) {
        const struct attr *a = &o->attrs[i];
        size_t max = strcmp(a->key, ATTR_DUMP_COMPONENTS) == 0 || strcmp(a->key, ATTR_DUMP_INTEGRITY) == 0 ||
                             strcmp(a->key, ATTR_DUMP_NOTES) == 0
                         ? DUMP_LIST_MAX
                         : DUMP_TEXT_MAX;

        ck_assert_uint_lt(a->len, max);
        total += a->len;
    }
    ck_assert_uint_lt(total, 24 * 1024);
}

START_TEST(a_verdict_takes_a_bounded_part_of_a_batch)
{
    static struct triage_driver drivers[MANY];
    static struct triage_verdict v;
    static char text[LONG];
    struct obs_batch batch;
    struct observation *o;
    char words[DUMP_WORDS_MAX];

    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < MANY; i++)
        drivers[i] = (struct triage_driver){ .name = text, .integration = true, .has_version = i % 2 == 0 };
    v = (struct triage_verdict){ .status = TRIAGE_CORRUPT, .drivers = drivers, .driver_count = MANY };
    v.bugcheck_name = v.cause = v.build_lab = v.process = v.bios_vendor = v.bios_version = v.bios_date = text;
    v.system_maker = v.system_product = v.bucket.failure_id = v.bucket.hvfleet = text;
    v.culprit = (struct triage_culprit){
        .subject = TRIAGE_DRIVER, .name = text, .has_offset = true, .confidence = TRIAGE_GUESS, .evidence = text
    };
    for (; v.finding_count < TRIAGE_FINDINGS_MAX; v.finding_count++)
        v.findings[v.finding_count] = (struct triage_finding){ "size", UINT64_MAX, text };
    for (; v.note_count < TRIAGE_NOTES_MAX; v.note_count++)
        v.notes[v.note_count] = v.note_count % 2 == 0 ? "a short one" : text;
    obs_batch_init(&batch, 1 << 20);
    o = obs_new(&batch, OBS_GUEST_DUMP, 0, 0);
    dumps_verdict_put(o, &v);
    check_lengths(o);
    ck_assert_str_eq(obs_get_str(o, ATTR_DUMP_NOTES), "a short one; 31 more");
    dumps_verdict_words(&v, words, sizeof words);
    ck_assert_uint_lt(strlen(words), DUMP_WORDS_MAX - 1);
    ck_assert(!batch.failed);
    obs_batch_free(&batch);
}
END_TEST

/* ---- real dumps --------------------------------------------------------- */

START_TEST(real_minidumps_are_told_with_who_is_to_blame)
{
    static const struct {
        const char *sample, *culprit, *offset, *confidence, *bucket;
    } expected[] = {
        { "rts_d1", "ks.sys", "0x1ae9", "likely", "" },
        { "crit_111417-58375-01", "RTKVHD64.sys", "0x5d28", "exact", "AV_RTKVHD64!unknown_function" },
        { "rizin_triage_x64", "amdppm.sys", "0x334c", "exact", "" },
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const char *dir = temp_dir(), *sample;
        char name[128], command[8400];
        struct dump_run *r;

        snprintf(name, sizeof name, "dumps/%s.dmp.xz", expected[i].sample);
        sample = shared_sample(name);
        if (sample == NULL)
            skip("no shared samples");
        snprintf(command, sizeof command, "xz -dc '%s' > '%s/a.dmp'", sample, dir);
        if (system(command) != 0)
            skip("no xz to unpack the sample with");
        r = dump_run_new(dir);
        r->files = plat_files();
        r->options.triage =
            (struct dumps_triage_options){ .on = true, .deadline_ns = 30 * SECOND, .read_max = TRIAGE_READ_DEFAULT };
        dump_run_restart(r);
        ck_assert_int_eq(settle_and_read(r), 1);
        ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT), expected[i].culprit);
        ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_OFFSET), expected[i].offset);
        ck_assert_str_eq(said(r, ATTR_DUMP_CULPRIT_CONFIDENCE), expected[i].confidence);
        ck_assert_str_eq(said(r, ATTR_DUMP_BUCKET_ID), expected[i].bucket);
        ck_assert_str_eq(dump_run_problem(r), "");
        dump_run_free(r);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_dump_is_told_with_its_verdict);
    suite_test(s, without_triage_the_header_alone_is_read);
    suite_test(s, a_cut_dump_is_told_with_what_is_there);
    suite_test(s, what_is_no_kernel_dump_is_not_read_for_a_verdict);
    suite_test(s, no_dump_is_read_for_its_verdict_twice);
    suite_test(s, a_dump_that_takes_too_long_is_told_with_its_header_and_why);
    suite_test(s, a_bound_on_the_bytes_read_is_said);
    suite_test(s, a_dump_that_fails_to_be_read_is_told_with_its_header_and_why);
    suite_test(s, a_file_that_changes_before_it_is_read_is_left_for_a_later_look);
    suite_test(s, a_dump_that_ends_the_agent_twice_is_told_without_a_verdict);
    suite_test(s, a_dump_that_ended_the_agent_once_is_read_again);
    suite_test(s, what_was_announced_and_not_committed_is_announced_again);
    suite_test(s, a_step_reads_one_dump);
    suite_test(s, a_step_that_spent_its_time_on_other_files_leaves_the_dump_to_the_next);
    suite_test(s, a_dump_waits_while_another_source_reads_one);
    suite_test(s, a_reader_that_hangs_loses_its_turn);
    suite_test(s, a_verdict_takes_a_bounded_part_of_a_batch);
    suite_test(s, real_minidumps_are_told_with_who_is_to_blame);
}

int main(void)
{
    return suite_main("collectors: dumps and their verdicts", add);
}
