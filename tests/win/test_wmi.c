/* The live WMI stream over the stand-in provider (tests/winhost/wmi), under
 * Wine: the same observations as the files give, and every way it can fail. */
#include "base/times.h"
#include "collectors/kvp.h"
#include "model/otlp.h"
#include "plat/live.h"
#include "plat/win/wmi_errors.h"
#include "plat/win/wmi_worker.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wbemcli.h>
#include <windows.h>

enum { PATH_CHARS = 4096, BATCH_MAX = 64 * 1024 * 1024, SKIPPED = 77 };

#define CAPTURED_AT (INT64_C(1769846400) * NS_PER_S)

/* ---- the stand-in ------------------------------------------------------- */

/* A folder with the newest captures of an example bundle, one file a class;
 * the stand-in answers from it. */
static const char *host_of(const char *bundle)
{
    const char *dir = temp_dir();
    char kvp[PATH_CHARS];

    snprintf(kvp, sizeof kvp, "%s/kvp", dir);
    ck_assert(CreateDirectoryA(kvp, NULL));
    for (int i = 0; wmi_wanted_classes[i] != NULL; i++) {
        char from[PATH_CHARS], to[64], *bytes;
        size_t len;

        snprintf(from, sizeof from, "examples/bundles/%s/kvp/%s.20260131T080000Z.xml", bundle, wmi_wanted_classes[i]);
        if (GetFileAttributesA(from) == INVALID_FILE_ATTRIBUTES)
            continue;
        bytes = read_file(from, &len);
        snprintf(to, sizeof to, "%s.xml", wmi_wanted_classes[i]);
        write_file(kvp, to, bytes, len);
        free(bytes);
    }
    SetEnvironmentVariableA("HVFLEET_WINHOST", dir);
    SetEnvironmentVariableA("HVFLEET_WINHOST_TEXT", NULL);
    return dir;
}

static void script(const char *dir, const char *rules)
{
    write_file(dir, "wmi.txt", rules, strlen(rules));
}

static int64_t fixed_wall(const struct clock *c)
{
    (void)c;
    return CAPTURED_AT;
}

static int64_t real_monotonic(const struct clock *c)
{
    (void)c;
    return plat_clock()->monotonic_ns(plat_clock());
}

static const struct clock test_clock = { .wall_ns = fixed_wall, .monotonic_ns = real_monotonic };

/* ---- one poll ----------------------------------------------------------- */

struct seen {
    int classes, gaps;
    char gap[400];
    struct buf systems;
};

static void take_instances(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct seen *s = arg;

    (void)place;
    s->classes++;
    if (strcmp(class_name, "Msvm_ComputerSystem") == 0)
        buf_add(&s->systems, xml, len);
}

static void take_gap(void *arg, const char *reason, const char *detail)
{
    struct seen *s = arg;

    ck_assert_str_eq(reason, "record-unreadable");
    s->gaps++;
    snprintf(s->gap, sizeof s->gap, "%s", detail);
}

static struct wmi_stream *open_live(void)
{
    struct wmi_stream *s = NULL;
    struct err e;

    ck_assert_msg(plat_live_wmi_stream(&test_clock, wmi_wanted_classes, &s, &e) == 0, "%s", e.text);
    return s;
}

static struct wmi_poll poll_for(struct wmi_stream *s, int64_t ms, struct seen *seen)
{
    struct wmi_sink sink = { .instances = take_instances, .gap = take_gap, .arg = seen };
    struct wmi_poll out;
    struct buf mark;
    struct err e;

    memset(seen, 0, sizeof *seen);
    buf_init(&seen->systems, BATCH_MAX);
    buf_init(&mark, 64);
    ck_assert_int_eq(s->ops->poll(s, "", ms == 0 ? 0 : real_monotonic(NULL) + ms * NS_PER_MS, &sink, &mark, &out, &e),
                     0);
    ck_assert_uint_eq(mark.len, 0);
    buf_free(&mark);
    return out;
}

/* A poll of a new stream with these rules. */
static struct wmi_poll poll_with(const char *rules, struct seen *seen)
{
    struct wmi_stream *s = open_live();
    struct wmi_poll out;

    script(host_of("HV01"), rules);
    out = poll_for(s, 0, seen);
    s->ops->close(s);
    buf_free(&seen->systems);
    return out;
}

/* ---- the same as from files --------------------------------------------- */

static const struct resource facts = {
    .host_id = "bundle:HV01",
    .host_name = "HV01",
    .os_version = "6.3.9600.20778",
    .is_win6x = "6.3.9600.18692",
};

/* All observations of one step, encoded one after another. */
static void observations_of(struct wmi_stream *stream, struct buf *out, int *count)
{
    struct kvp_options options = {
        .name = "HV01/kvp", .stream = stream, .facts = &facts, .interval_ns = NS_PER_S, .refresh_ns = NS_PER_S
    };
    struct source *source = NULL;
    struct obs_batch batch;
    struct source_step step;
    struct err e;

    memset(&step, 0, sizeof step);
    obs_batch_init(&batch, BATCH_MAX);
    ck_assert_int_eq(kvp_source_new(&options, &source, &e), 0);
    step.mark = "";
    step.max_events = 100000;
    step.max_bytes = BATCH_MAX;
    step.now_ns = CAPTURED_AT + NS_PER_S;
    step.batch = &batch;
    buf_init(&step.new_mark, SOURCE_MARK_MAX);
    ck_assert_msg(source_take_step(source, &step, &e) == 0, "%s", e.text);
    ck_assert_int_eq(step.report.state, STREAM_ATTACHED);
    *count = 0;
    for (const struct observation *o = batch.first; o != NULL; o = o->next, ++*count)
        ck_assert_int_eq(otlp_encode_record(o, out, &e), 0);
    source_close(source);
    obs_batch_free(&batch);
    buf_free(&step.new_mark);
}

static void compare(const char *bundle, bool text_source, const char *rules)
{
    char kvp[PATH_CHARS];
    struct wmi_stream *files = NULL;
    struct buf from_files, from_wmi;
    int file_count, wmi_count;
    const char *dir = host_of(bundle);
    struct err e;

    snprintf(kvp, sizeof kvp, "%s/kvp", dir);
    script(dir, rules);
    SetEnvironmentVariableA("HVFLEET_WINHOST_TEXT", text_source ? "1" : NULL);
    buf_init(&from_files, BATCH_MAX);
    buf_init(&from_wmi, BATCH_MAX);
    ck_assert_msg(kvp_folder_stream(plat_files(), kvp, wmi_wanted_classes, CAPTURED_AT, &files, &e) == 0, "%s", e.text);
    observations_of(files, &from_files, &file_count);
    observations_of(open_live(), &from_wmi, &wmi_count);
    ck_assert_int_gt(file_count, 1);
    ck_assert_int_eq(wmi_count, file_count);
    ck_assert_uint_eq(from_wmi.len, from_files.len);
    ck_assert_mem_eq(from_wmi.data, from_files.data, from_files.len);
    buf_free(&from_files);
    buf_free(&from_wmi);
}

START_TEST(a_live_poll_tells_what_the_files_tell)
{
    static const char *const bundles[] = { "HV01", "HV02", "HV03", "HV21", "HV22" };

    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++)
        compare(bundles[i], false, "");
}
END_TEST

START_TEST(the_text_that_windows_writes_gives_the_same)
{
    compare("HV01", true, "");
}
END_TEST

START_TEST(an_object_that_windows_can_not_write_is_written_by_us)
{
    compare("HV01", true, "text hr:0x80041001 7\n");
}
END_TEST

/* Characters outside the first plane, markup, line ends and controls in a
 * value come through our own text as through the file. */
START_TEST(odd_characters_in_a_value_survive)
{
    static const char xml[] =
        "<INSTANCE CLASSNAME=\"Msvm_ComputerSystem\"><PROPERTY NAME=\"Caption\" TYPE=\"string\">"
        "</PROPERTY><PROPERTY NAME=\"ElementName\" TYPE=\"string\"><VALUE>a&lt;b&amp;\"c&gt; "
        "\xf0\x9f\x92\xa1 \xc3\xa4&#13;&#10;x</VALUE></PROPERTY><PROPERTY NAME=\"EnabledState\" "
        "TYPE=\"uint16\"><VALUE>2</VALUE></PROPERTY><PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>"
        "00000001-1111-2222-3333-444455556666</VALUE></PROPERTY></INSTANCE>";
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;
    char kvp[PATH_CHARS];

    snprintf(kvp, sizeof kvp, "%s/kvp", dir);
    write_file(kvp, "Msvm_ComputerSystem.xml", xml, sizeof xml - 1);
    poll_for(s, 0, &seen);
    ck_assert_msg(strstr(buf_text(&seen.systems),
                         "<PROPERTY NAME=\"ElementName\" TYPE=\"string\"><VALUE>a&lt;b&amp;&quot;"
                         "c&gt; \xf0\x9f\x92\xa1 \xc3\xa4&#13;\nx</VALUE>") != NULL,
                  "%s", buf_text(&seen.systems));
    ck_assert_ptr_nonnull(strstr(buf_text(&seen.systems), "<PROPERTY NAME=\"Caption\" TYPE=\"string\"></PROPERTY>"));
    s->ops->close(s);
    buf_free(&seen.systems);
}
END_TEST

/* ---- what hosts differ in ----------------------------------------------- */

START_TEST(the_old_namespace_is_asked_where_there_is_no_v2)
{
    struct seen seen;
    struct wmi_poll p = poll_with("connect:v2 hr:0x8004100e\n", &seen);

    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 8); /* all but the summaries, which the old namespace has not */
    ck_assert_int_eq(seen.gaps, 0);
}
END_TEST

START_TEST(a_host_without_the_role_is_absent)
{
    struct seen seen;
    struct wmi_poll p = poll_with("connect:v2 hr:0x8004100e\nconnect:v1 hr:0x8004100e\n", &seen);

    ck_assert(!p.answered);
    ck_assert_int_eq(p.report.state, STREAM_ABSENT);
    ck_assert_ptr_nonnull(strstr(p.report.remedy, "install the Hyper-V role"));
}
END_TEST

START_TEST(a_class_this_generation_lacks_is_left_out)
{
    struct seen seen;
    struct wmi_poll p = poll_with("next:Msvm_RdvComponent hr:0x80041010\n", &seen);

    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 8);
    ck_assert_int_eq(seen.gaps, 0);
}
END_TEST

START_TEST(a_property_this_generation_lacks_makes_it_ask_for_all)
{
    struct seen seen;
    struct wmi_poll p = poll_with("next:Msvm_KvpExchangeComponent hr:0x80041017 1\n", &seen);

    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 9);
}
END_TEST

START_TEST(a_summary_that_fails_costs_only_itself)
{
    struct seen seen;
    struct wmi_poll p = poll_with("method hr:0x80041001\n", &seen);

    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 8);
    ck_assert_int_eq(seen.gaps, 0);
    ck_assert_ptr_nonnull(strstr(p.report.remedy, "0x80041001"));
}
END_TEST

START_TEST(each_error_has_its_state_and_a_remedy_with_its_code)
{
    static const struct {
        unsigned long first[20]; /* ended by 0 */
        enum wmi_meaning meaning;
        enum stream_state state;
    } rows[] = {
        { { 0x8004100e, 0x80040154 }, WMI_NAMESPACE_ABSENT, STREAM_ABSENT },
        { { 0x80041010, 0x80041002, 0x8004100c, 0x8004102e, 0x80041055 }, WMI_CLASS_ABSENT, STREAM_RETRYING },
        { { 0x80041017, 0x80041058 }, WMI_BAD_QUERY, STREAM_RETRYING },
        { { 0x80041003, 0x80041062, 0x80041064, 0x80070005 }, WMI_DENIED, STREAM_NO_PERMISSION },
        { { 0x80041015, 0x80041033, 0x80041045, 0x80041013, 0x80041024, 0x80041032, 0x80041006, 0x8004106c, 0x800706ba,
            0x800706bb, 0x800706be, 0x800706bf, 0x8007071a, 0x800706b5, 0x800706d9, 0x80010108, 0x80080005 },
          WMI_CONNECTION_LOST,
          STREAM_RETRYING },
        { { 0x800705b4 }, WMI_LATE, STREAM_HUNG },
        { { 0x80041001, 0x80004005, 0x8007006f, 0x80000001 }, WMI_OTHER, STREAM_RETRYING },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int k = 0; rows[i].first[k] != 0; k++) {
            struct wmi_verdict v = wmi_judge((HRESULT)rows[i].first[k]);
            char remedy[256], code[16];

            ck_assert_msg(v.meaning == rows[i].meaning && v.state == rows[i].state, "0x%08lx is %d, %d",
                          rows[i].first[k], (int)v.meaning, (int)v.state);
            wmi_remedy((HRESULT)rows[i].first[k], remedy, sizeof remedy);
            snprintf(code, sizeof code, "0x%08lx", rows[i].first[k]);
            ck_assert_ptr_nonnull(strstr(remedy, code));
            ck_assert_uint_lt(strlen(remedy), sizeof remedy - 1); /* whole */
        }
    }
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------- */

START_TEST(one_class_that_fails_is_told_and_makes_the_poll_incomplete)
{
    struct seen seen;
    struct wmi_poll p = poll_with("next:Msvm_VssComponent hr:0x80041001\n", &seen);

    ck_assert(p.answered);
    ck_assert(!p.complete);
    ck_assert_int_eq(seen.classes, 8);
    ck_assert_int_eq(seen.gaps, 1);
    ck_assert_ptr_nonnull(strstr(seen.gap, "Msvm_VssComponent: WMI failed (0x80041001)"));
}
END_TEST

START_TEST(a_refusal_names_the_group_to_join)
{
    static const char *const rules[] = { "connect:v2 hr:0x80041003\n", "connect:v2 hr:0x80070005\n",
                                         "next:Msvm_ComputerSystem hr:0x80041003\n",
                                         "query:Msvm_KvpExchangeComponent hr:0x80041003\n" };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct seen seen;
        struct wmi_poll p = poll_with(rules[i], &seen);

        ck_assert(!p.answered);
        ck_assert_int_eq(p.report.state, STREAM_NO_PERMISSION);
        ck_assert_ptr_nonnull(strstr(p.report.remedy, "Hyper-V Administrators"));
        ck_assert_int_eq(seen.classes, 0);
    }
}
END_TEST

/* Under Wine everybody is an administrator, so the words for one who is not are
 * looked at by themselves. */
START_TEST(an_empty_answer_is_never_no_machines)
{
    struct seen seen;
    struct wmi_poll p = poll_with("query:Msvm_ComputerSystem empty\n", &seen);
    char remedy[256];

    ck_assert(!p.answered);
    ck_assert_int_eq(p.report.state, wmi_has_rights() ? STREAM_RETRYING : STREAM_NO_PERMISSION);
    ck_assert_int_eq(wmi_judge_empty(false, remedy, sizeof remedy), STREAM_NO_PERMISSION);
    ck_assert_ptr_nonnull(strstr(remedy, "Hyper-V Administrators"));
    ck_assert_int_eq(wmi_judge_empty(true, remedy, sizeof remedy), STREAM_RETRYING);
}
END_TEST

START_TEST(trouble_with_rpc_is_tried_again)
{
    static const unsigned long codes[] = { 0x800706ba, 0x800706d9, 0x8007071a, 0x800706be, 0x800706bf,
                                           0x80041015, 0x80041033, 0x80041013, 0x80010108 };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct seen seen;
        struct wmi_poll p;
        char rules[64], code[16];

        snprintf(rules, sizeof rules, "next:Msvm_HeartbeatComponent hr:0x%lx\n", codes[i]);
        snprintf(code, sizeof code, "0x%08lx", codes[i]);
        p = poll_with(rules, &seen);
        ck_assert(!p.answered);
        ck_assert_int_eq(p.report.state, STREAM_RETRYING);
        ck_assert_msg(strstr(p.report.remedy, code) != NULL, "%s", p.report.remedy);
    }
}
END_TEST

START_TEST(a_connection_that_died_between_polls_is_made_anew)
{
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;
    struct wmi_poll p;

    script(dir, "");
    p = poll_for(s, 0, &seen);
    ck_assert(p.answered);
    buf_free(&seen.systems);
    script(dir, "query:Msvm_ComputerSystem hr:0x800706ba 1\n");
    p = poll_for(s, 0, &seen);
    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 9);
    s->ops->close(s);
    buf_free(&seen.systems);
}
END_TEST

START_TEST(a_provider_that_never_answers_is_given_up_at_the_deadline)
{
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;
    struct wmi_poll p;

    script(dir, "next:Msvm_KvpExchangeComponent late\n");
    p = poll_for(s, 5000, &seen);
    ck_assert(!p.answered);
    ck_assert_int_eq(p.report.state, STREAM_HUNG);
    ck_assert_int_eq(wmi_worker_abandoned(), 0); /* the thread came back by itself */
    buf_free(&seen.systems);
    script(dir, "");
    p = poll_for(s, 0, &seen);
    ck_assert(p.answered);
    s->ops->close(s);
    buf_free(&seen.systems);
}
END_TEST

START_TEST(summaries_that_never_come_cost_only_themselves)
{
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;
    struct wmi_poll p;

    script(dir, "method late\n");
    p = poll_for(s, 8000, &seen);
    ck_assert(p.answered);
    ck_assert(p.complete);
    ck_assert_int_eq(seen.classes, 8);
    ck_assert_ptr_nonnull(strstr(p.report.remedy, "did not answer within the deadline"));
    s->ops->close(s);
    buf_free(&seen.systems);
}
END_TEST

static void wait_for_threads(void)
{
    for (int i = 0; i < 12000 && wmi_worker_abandoned() > 0; i++)
        Sleep(10);
    ck_assert_int_eq(wmi_worker_abandoned(), 0);
}

START_TEST(a_thread_that_does_not_come_back_is_abandoned_twice_at_most)
{
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;
    struct wmi_poll p;

    script(dir, "next:Msvm_ComputerSystem sleep:12000\n");
    for (int i = 1; i <= WMI_ABANDONED_MAX; i++) {
        p = poll_for(s, 1000, &seen); /* time enough to get to the call that hangs */
        ck_assert(!p.answered);
        ck_assert_int_eq(p.report.state, STREAM_HUNG);
        ck_assert_int_eq(wmi_worker_abandoned(), i);
    }
    p = poll_for(s, 1000, &seen);
    ck_assert_int_eq(p.report.state, STREAM_HUNG);
    ck_assert_ptr_nonnull(strstr(p.report.remedy, "restart the service hvagent"));
    script(dir, "");
    wait_for_threads();
    p = poll_for(s, 0, &seen);
    ck_assert(p.answered);
    ck_assert_int_eq(seen.gaps, 0);
    s->ops->close(s);
    buf_free(&seen.systems);
}
END_TEST

START_TEST(a_stream_can_be_closed_while_its_thread_hangs)
{
    const char *dir = host_of("HV01");
    struct wmi_stream *s = open_live();
    struct seen seen;

    script(dir, "connect:v2 sleep:6000\n");
    poll_for(s, 1000, &seen);
    s->ops->close(s);
    ck_assert_int_eq(wmi_worker_abandoned(), 1);
    wait_for_threads();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_live_poll_tells_what_the_files_tell);
    suite_test(s, the_text_that_windows_writes_gives_the_same);
    suite_test(s, an_object_that_windows_can_not_write_is_written_by_us);
    suite_test(s, odd_characters_in_a_value_survive);
    suite_test(s, the_old_namespace_is_asked_where_there_is_no_v2);
    suite_test(s, a_host_without_the_role_is_absent);
    suite_test(s, a_class_this_generation_lacks_is_left_out);
    suite_test(s, a_property_this_generation_lacks_makes_it_ask_for_all);
    suite_test(s, a_summary_that_fails_costs_only_itself);
    suite_test(s, each_error_has_its_state_and_a_remedy_with_its_code);
    suite_test(s, one_class_that_fails_is_told_and_makes_the_poll_incomplete);
    suite_test(s, a_refusal_names_the_group_to_join);
    suite_test(s, an_empty_answer_is_never_no_machines);
    suite_test(s, trouble_with_rpc_is_tried_again);
    suite_test(s, a_connection_that_died_between_polls_is_made_anew);
    suite_test(s, a_provider_that_never_answers_is_given_up_at_the_deadline);
    suite_test(s, summaries_that_never_come_cost_only_themselves);
    suite_test(s, a_thread_that_does_not_come_back_is_abandoned_twice_at_most);
    suite_test(s, a_stream_can_be_closed_while_its_thread_hangs);
}

/* tests/win/run_wmi makes the place that these tests need, and says so. */
int main(void)
{
    if (getenv("HVFLEET_TEST_WMI") == NULL) {
        puts("skip: win: live WMI: needs the stand-in provider, see tests/win/run_wmi");
        return SKIPPED;
    }
    return suite_main("win: live WMI over a stand-in", add);
}
