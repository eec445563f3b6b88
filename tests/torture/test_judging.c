/* Every allocation of judging a dump, a case and a rules file fails once, and from some on all fail: an error in
 * words or the very same answer, nothing leaks, and the next try succeeds.
 */
#include "incidents/case_file.h"
#include "incidents/rules.h"
#include "incidents/statistics.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"
#include "triage/triage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_ROUNDS = 200, POINTS_MAX = 100000, ANSWER_MAX = 4 * 1024 * 1024 };

/* Set where a promise was broken: the library's own asserts allocate, and can not stand where nothing can be had. */
static bool broken;

static void expect(bool kept)
{
    broken = broken || !kept;
}

/* One thing to do.  0 with the answer in out, or the error with its words in e; everything else is freed. */
typedef int task(struct buf *out, struct err *e);

static int run_failing(task *does, int64_t n, bool lasting, struct buf *out, struct err *e, bool *met)
{
    int rc;

    *e = (struct err){ ERR_OK, "" };
    buf_init(out, ANSWER_MAX);
    failing_memory(n, lasting);
    rc = does(out, e);
    *met = failing_end();
    return rc;
}

/* How many allocations it takes. */
static int64_t count_points(task *does)
{
    int64_t low = 0, high = POINTS_MAX;

    while (low < high) { /* the highest number that is met */
        int64_t middle = low + (high - low + 1) / 2;
        struct buf out;
        struct err e;
        bool met;

        (void)run_failing(does, middle, false, &out, &e, &met);
        buf_free(&out);
        low = met ? middle : low;
        high = met ? high : middle - 1;
    }
    return low;
}

static void fail_at(task *does, int64_t n, bool lasting, const struct buf *right)
{
    int64_t blocks = failing_blocks();
    struct buf out;
    struct err e;
    bool met;
    int rc = run_failing(does, n, lasting, &out, &e, &met);

    ck_assert_msg(!broken, "allocation %lld: error %d, and something was left", (long long)n, rc);
    ck_assert_msg(rc == 0 || e.text[0] != '\0', "allocation %lld: error %d without a word", (long long)n, rc);
    ck_assert_msg(rc != 0 || (out.len == right->len && memcmp(out.data, right->data, out.len) == 0),
                  "allocation %lld: another answer\n%.500s", (long long)n, buf_text(&out));
    buf_free(&out);
    ck_assert_msg(failing_blocks() == blocks, "allocation %lld: %lld blocks were not freed (%s)", (long long)n,
                  (long long)(failing_blocks() - blocks), e.text);
}

/* Does it with allocations failing, one a try, spread over all of them. */
static void fail_each(task *does, int64_t points, bool lasting)
{
    int64_t step = way_stride(points, SHORT_ROUNDS);
    struct buf right, out;
    struct err e;

    buf_init(&right, ANSWER_MAX);
    ck_assert_int_eq(does(&right, &e), 0);
    ck_assert_uint_gt(right.len, 0);
    for (int64_t n = 1; n <= points; n += step)
        fail_at(does, n, lasting, &right);
    buf_init(&out, ANSWER_MAX);
    ck_assert_int_eq(does(&out, &e), 0);
    ck_assert_str_eq(buf_text(&out), buf_text(&right));
    buf_free(&out);
    buf_free(&right);
}

static void fail_all(const char *what, task *does)
{
    int64_t points;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    points = count_points(does);
    ck_assert_int_gt(points, 0);
    fail_each(does, points, false);
    fail_each(does, points, true);
    printf("%s: %lld allocations, %lld of them failed once and for good\n", what, (long long)points,
           (long long)(points / way_stride(points, SHORT_ROUNDS)));
}

/* ---- dumps -------------------------------------------------------------------------------- */

enum { HEAD = 0x2000, FILE_MAX = 0x8000 };

static unsigned char file[FILE_MAX];
static size_t file_len;

static void put(size_t at, size_t width, uint64_t n)
{
    for (size_t i = 0; i < width; i++)
        file[at + i] = (unsigned char)(n >> (8 * i));
}

static void put_header(uint32_t type)
{
    memset(file, 0, sizeof file);
    memcpy(file, "PAGEDU64", 8);
    put(0x0C, 4, 9600);
    put(0x30, 4, 0x8664);
    put(0x34, 4, 1);
    put(0x38, 4, 0xD1);
    put(0x58, 8, UINT64_C(0xFFFFF88005001234));
    put(0xF98, 4, type);
}

static int triage_it(struct buf *out, struct err *e)
{
    struct triage_memory m = { file, file_len };
    struct triage_verdict *v = NULL;
    struct triage_limits limits;
    struct triage_reader r;
    int rc;

    triage_reader_memory(&r, &m);
    triage_limits_default(&limits);
    rc = triage_file(&r, &limits, &v, e);
    expect((rc == 0) == (v != NULL));
    if (rc == 0 && v->finding_count > 0 &&
        strcmp(v->findings[0].text, "the table of pages is too large to be read here") == 0)
        rc = err_set(e, ERR_MEMORY, "%s", v->findings[0].text); /* said, and the rest of the answer stands */
    if (rc == 0)
        triage_text(v, "x.dmp", true, out);
    triage_verdict_free(v);
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, ERR_MEMORY, "no room for the text");
    return rc;
}

START_TEST(a_minidump_is_judged_as_ever_or_not_at_all)
{
    put_header(4);
    put(HEAD + 0x04, 4, 0x3004);
    put(HEAD + 0x08, 4, 0x3000);
    put(HEAD + 0x18, 4, 0x2800); /* one unloaded driver */
    put(0x2800, 4, 1);
    put(0x2808 + 0x10, 2, 'x');
    put(HEAD + 0x28, 4, 0x2100); /* the stack */
    put(HEAD + 0x2C, 4, 0x40);
    put(HEAD + 0x48, 8, UINT64_C(0xFFFFD00020000000));
    put(HEAD + 0x30, 4, 0x2200); /* one driver */
    put(HEAD + 0x34, 4, 1);
    put(0x2200, 4, 0x2400);
    put(0x2200 + 0x38, 8, UINT64_C(0xFFFFF88005000000));
    put(0x2200 + 0x48, 4, 0x10000);
    put(0x2400, 4, 5);
    for (size_t i = 0; i < 5; i++)
        put(0x2404 + 2 * i, 2, (unsigned char)"a.sys"[i]);
    memcpy(file + 0x3000, "TRGD", 4);
    file_len = 0x3004;
    fail_all("minidump", triage_it);
}
END_TEST

START_TEST(a_complete_dump_is_judged_as_ever_or_not_at_all)
{
    put_header(1);
    put(0x88, 4, 1);
    put(0x90, 8, 1);
    put(0x98, 8, 0);
    put(0xA0, 8, 1);
    file_len = 0x3000;
    fail_all("complete dump", triage_it);
}
END_TEST

START_TEST(a_dump_with_a_bitmap_is_judged_as_ever_or_not_at_all)
{
    put_header(6);
    memcpy(file + HEAD, "SDMPDUMP", 8);
    put(HEAD + 0x20, 8, 0x3000);
    put(HEAD + 0x28, 8, 1);
    put(HEAD + 0x30, 8, 64);
    put(HEAD + 0x38, 1, 1);
    file_len = 0x4000;
    fail_all("bitmap dump", triage_it);
}
END_TEST

START_TEST(a_debuggers_dump_is_judged_as_ever_or_not_at_all)
{
    put_header(8);
    memcpy(file + HEAD + 4, "RDMPDUMP", 8);
    put(HEAD + 0x10, 8, 0x3000 - 0x2020);
    put(HEAD + 0x18, 8, 0x3000);
    put(HEAD + 0x30, 8, 5);
    put(HEAD + 0x38, 8, 1);
    file_len = 0x4000;
    fail_all("debugger's dump", triage_it);
}
END_TEST

/* ---- cases ----------------------------------------------------------------------------------- */

#define VM "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"

static struct obs_batch batch;
static const struct resource who = { .agent_id = "AAAAAAAA-0000-4000-8000-000000000001",
                                     .host_id = "host-1",
                                     .host_name = "HV1",
                                     .cluster = "PROD",
                                     .os_version = "10.0.20348.2700" };
static struct rules *rules;

static struct observation *tell(enum obs_kind kind, int seconds)
{
    int64_t at = INT64_C(1706688000) * NS_PER_S + seconds * NS_PER_S;
    struct observation *o = obs_new(&batch, kind, at, at);

    o->seq = (uint64_t)batch.count;
    obs_body(o, "%s", obs_kind_name(kind));
    return o;
}

/* A crash with its dump, a start, a move, storage, a gap, and 80 of another guest's starts. */
static void tell_all(void)
{
    struct observation *o;

    obs_batch_init(&batch, 1 << 20);
    o = tell(OBS_GUEST_CRASH, 0);
    obs_str(o, ATTR_VM_ID, VM);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0xd1");
    o = tell(OBS_GUEST_DUMP, 1);
    obs_str(o, ATTR_VM_ID, VM);
    obs_str(o, ATTR_DUMP_PATH, "D:\\a.dmp");
    obs_str(o, ATTR_CRASH_CODE, "0xd1");
    obs_str(o, ATTR_DUMP_CULPRIT_MODULE, "evil.sys");
    o = tell(OBS_GUEST_MIGRATION, -100);
    obs_str(o, ATTR_VM_ID, VM);
    obs_str(o, ATTR_MIGRATION_PHASE, "completed");
    o = tell(OBS_HOST_STORAGE, -10);
    obs_str(o, ATTR_SIGNAL, "io-slow");
    obs_str(tell(OBS_GAP, 5), ATTR_GAP_REASON, "log-wrapped");
    for (int n = 0; n < 80; n++) {
        o = tell(OBS_GUEST_LIFECYCLE, -n - 1);
        obs_str(o, ATTR_VM_ID, VM);
        obs_str(o, ATTR_VM_CHANGE, n % 2 == 0 ? "started" : "stopped");
    }
    ck_assert(!batch.failed);
}

static int write_and_read_back(const struct incident_list *list, struct buf *out, struct err *e)
{
    int rc = 0;

    for (size_t n = 0; n < list->count && rc == 0; n++) {
        struct incident *back = NULL;
        size_t from = out->len;

        expect(!list->items[n]->cut && !list->items[n]->no_memory); /* it is far from its ceilings */
        rc = incident_json(list->items[n], out, e);
        if (rc == 0)
            rc = incident_from_json(out->data + from, out->len - from, &back, e);
        expect(rc == 0 || rc == ERR_MEMORY);
        expect(rc == 0 ? !back->cut && !back->no_memory : back == NULL);
        incident_free(back);
    }
    return rc;
}

static int judge_case(struct buf *out, struct err *e)
{
    struct case_options options;
    struct incident_list list = { 0 };
    struct case_file *c = NULL;
    int rc;

    case_options_default(&options);
    options.rules = rules;
    rc = case_file_new(&c, &options, e);
    for (const struct observation *o = batch.first; o != NULL && rc == 0; o = o->next)
        rc = case_file_add(c, &who, o, e);
    if (rc == 0)
        rc = case_file_incidents(c, 0, 0, &list, e);
    expect(rc == 0 || list.count == 0);
    if (rc == 0)
        rc = write_and_read_back(&list, out, e);
    incident_list_free(&list);
    case_file_free(c);
    return rc;
}

START_TEST(a_case_comes_to_the_same_incidents_or_to_an_error)
{
    rules = rules_shipped();
    tell_all();
    fail_all("case", judge_case);
    obs_batch_free(&batch);
    rules_free(rules);
}
END_TEST

START_TEST(without_memory_an_observation_is_relevant_to_everybody)
{
    struct case_options options;
    struct incident_relevance r;

    if (!failing_memory_works())
        skip("the sanitizer has allocators of its own");
    case_options_default(&options);
    tell_all();
    failing_memory(1, true);
    incident_relevance(&options, &who, batch.first, &r);
    ck_assert(failing_end());
    ck_assert_int_eq(r.level, RELEVANT_SIGN);
    ck_assert(r.of_host && r.of_cluster && r.of_any);
    ck_assert_int_eq(r.from, 1);
    ck_assert_int_eq(r.to, INT64_MAX);
    ck_assert_str_eq(r.vm_id, VM);
    ck_assert_int_eq(r.time, batch.first->time_ns);
    obs_batch_free(&batch);
}
END_TEST

/* ---- rules and counts ------------------------------------------------------------------------- */

static const char *rules_path;

static int load_rules(struct buf *out, struct err *e)
{
    struct rules *r = NULL;
    struct buf problems;
    int rc;

    buf_init(&problems, 64 * 1024);
    rc = rules_load(&rules_path, 1, &r, &problems);
    expect((rc == 0) == (r != NULL));
    if (rc == 0)
        buf_printf(out, "%zu rules, %016llx", rules_count(r), (unsigned long long)rules_digest(r));
    else
        err_set(e, rc, "no rules: %s", buf_text(&problems));
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, ERR_MEMORY, "no room for the answer");
    rules_free(r);
    buf_free(&problems);
    return rc;
}

START_TEST(rules_are_all_read_or_none)
{
    static const char yaml[] = "rules:\n  - { id: code-50, enabled: false }\n"
                               "  - { id: mine, title: t, text: t, action: a, confidence: low, reason: r,"
                               " needs: [{ any: [{ bugcheck: [1, 2], dump: true }] }] }\n";

    rules_path = write_file(temp_dir(), "mine.yaml", yaml, sizeof yaml - 1);
    fail_all("rules", load_rules);
}
END_TEST

/* What is wrong with a file is the answer here. */
static int refuse_rules(struct buf *out, struct err *e)
{
    struct rules *r = NULL;
    struct buf problems;
    int rc;

    buf_init(&problems, 64 * 1024);
    rc = rules_load(&rules_path, 1, &r, &problems);
    expect(rc != 0 && r == NULL);
    if (rc == ERR_INVALID && buf_error(&problems) == ERR_OK)
        buf_str(out, buf_text(&problems));
    else
        err_set(e, rc, "no answer: %s", buf_text(&problems));
    if (rc == ERR_INVALID && (buf_error(&problems) != ERR_OK || buf_error(out) != ERR_OK))
        rc = err_set(e, ERR_MEMORY, "no room for the answer");
    buf_free(&problems);
    return rc == ERR_INVALID ? 0 : rc;
}

START_TEST(wrong_rules_are_refused_with_all_that_is_wrong_or_for_want_of_memory)
{
    static const char yaml[] = "rules:\n  - { id: mine, title: t, text: t, action: a, confidence: low, reason: r,"
                               " needs: [{ qqqqqqqqqqqqqqqqqqqq: 1 }], color: red }\n  - 5\n";

    rules_path = write_file(temp_dir(), "mine.yaml", yaml, sizeof yaml - 1);
    fail_all("wrong rules", refuse_rules);
}
END_TEST

static int count_crashes(struct buf *out, struct err *e)
{
    struct statistics *s = statistics_new(BY_MODULE);
    struct incident *i = incident_new();
    const struct statistics_group *g = NULL;
    size_t count = 0;
    int rc = s == NULL || i == NULL ? err_set(e, ERR_MEMORY, "out of memory") : 0;

    if (rc == 0)
        rc = statistics_crash(s, i, e);
    if (rc == 0)
        rc = statistics_days(s, "a.sys", 10, e);
    if (rc == 0)
        g = statistics_groups(s, &count);
    if (rc == 0 && g == NULL)
        rc = err_set(e, ERR_MEMORY, "no groups");
    for (size_t n = 0; n < count; n++)
        buf_printf(out, "%s %llu\n", g[n].label, (unsigned long long)g[n].rate.crashes);
    if (rc == 0 && buf_error(out) != ERR_OK)
        rc = err_set(e, ERR_MEMORY, "no room for the answer");
    statistics_free(s);
    incident_free(i);
    return rc;
}

START_TEST(crashes_are_counted_or_refused)
{
    fail_all("statistics", count_crashes);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_minidump_is_judged_as_ever_or_not_at_all);
    suite_test(s, a_complete_dump_is_judged_as_ever_or_not_at_all);
    suite_test(s, a_dump_with_a_bitmap_is_judged_as_ever_or_not_at_all);
    suite_test(s, a_debuggers_dump_is_judged_as_ever_or_not_at_all);
    suite_test(s, a_case_comes_to_the_same_incidents_or_to_an_error);
    suite_test(s, without_memory_an_observation_is_relevant_to_everybody);
    suite_test(s, rules_are_all_read_or_none);
    suite_test(s, wrong_rules_are_refused_with_all_that_is_wrong_or_for_want_of_memory);
    suite_test(s, crashes_are_counted_or_refused);
}

int main(void)
{
    return suite_main("torture: judging without memory", add);
}
