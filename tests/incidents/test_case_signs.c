/* The edges of which signs are of one crash, what they add to it, and how far an observation reaches. */
#include "tests/incidents/support_case.h"

#include <stdlib.h>
#include <string.h>

#define D1 "0xd1", "0 2 8 fffff80012345678"

static struct telling t;

static void begin(void)
{
    telling_start(&t);
}

static void end(void)
{
    telling_free(&t);
}

static void again(void)
{
    end();
    begin();
}

static struct observation *newest(void)
{
    return (struct observation *)t.told[t.count - 1].o;
}

static bool noted(const struct incident *i, const char *text)
{
    for (int n = 0; n < i->notes.count; n++) {
        if (strstr(i->notes.line[n], text) != NULL)
            return true;
    }
    return false;
}

/* ---- dumps ----------------------------------------------------------------------------------- */

START_TEST(two_dumps_of_the_same_way_to_crash_a_minute_apart_are_two_crashes)
{
    tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    tell_dump(&t, 2, 5, VM_A, D1, "storvsc.sys"); /* rounding: the same */
    tell_dump(&t, 1, 60, VM_A, D1, "storvsc.sys");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(nth(&t, 0)->dump_count, 2);
    ck_assert_int_eq(nth(&t, 1)->dump_count, 1);
}
END_TEST

START_TEST(a_dump_that_says_what_but_not_when_joins_the_crash_with_its_key)
{
    struct observation *o;

    tell_crash(&t, 1, 0, VM_A, D1);
    o = tell_dump(&t, 1, 7200, VM_A, D1, "storvsc.sys");
    obs_str(o, ATTR_DUMP_TIME, "not known");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->dump_count, 1);
    again();
    tell_crash(&t, 1, 0, VM_A, D1);
    o = tell_dump(&t, 1, 7200, VM_A, "0x50", "1 2 3 4", "storvsc.sys");
    obs_str(o, ATTR_DUMP_TIME, "not known");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(nth(&t, 1)->time_source, TOLD_BY_FILE);
}
END_TEST

START_TEST(the_dump_that_tells_most_is_first_and_of_equal_ones_the_newest)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_dump(&t, 1, 0.1, VM_A, D1, NULL);
    tell_dump(&t, 1, 0.2, VM_A, D1, "first.sys");
    tell_dump(&t, 1, 0.3, VM_A, D1, "second.sys");
    tell_dump(&t, 1, 0.4, VM_A, D1, "third.sys");
    obs_str(newest(), ATTR_DUMP_CULPRIT_CONFIDENCE, "guess");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->dump_count, 4);
    ck_assert_str_eq(t.i->dumps[0].module, "second.sys");
    ck_assert_str_eq(t.i->dumps[1].module, "first.sys");
    ck_assert_str_eq(t.i->dumps[2].module, "third.sys");
    ck_assert_str_eq(t.i->dumps[3].module, "");
}
END_TEST

START_TEST(of_many_dumps_eight_are_listed_and_of_readings_of_one_file_the_newest)
{
    struct observation *o;

    for (int n = 0; n < 10; n++)
        tell_dump(&t, 1, 0.1 * n, VM_A, D1, "storvsc.sys");
    conclude(&t);
    ck_assert_int_eq(t.i->dump_count, INCIDENT_DUMPS_MAX);
    again();
    tell_dump(&t, 1, 0, VM_A, D1, "old.sys");
    o = tell_dump(&t, 1, 0, VM_A, D1, "new.sys");
    o->observed_ns += NS_PER_S;
    conclude(&t);
    ck_assert_int_eq(t.i->dump_count, 1);
    ck_assert_str_eq(t.i->dumps[0].module, "new.sys");
}
END_TEST

START_TEST(the_build_in_a_dump_gives_the_version_that_nobody_told)
{
    static const struct {
        int64_t build;
        const char *version;
    } rows[] = {
        { 26100, "10.0.26100" },
        { 10240, "10.0.10240" },
        { 9600, "6.3.9600" },
        { 9200, "6.2.9200" },
        { 7601, "6.1.7601" },
        { 6002, "6.0.6002" },
        { 3790, "5.2.3790" },
        { 2600, "5.1.2600" },
        { 2599, "" },
        { 0, "" },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        tell_dump(&t, 1, 0, VM_A, D1, NULL);
        tell_dump(&t, 1, 0.1, VM_A, D1, NULL);
        obs_int(newest(), ATTR_DUMP_BUILD, rows[n].build);
        conclude(&t);
        ck_assert_str_eq(t.i->guest_os_version, rows[n].version);
        again();
    }
}
END_TEST

START_TEST(the_cause_is_the_parameters_own_or_the_dumps)
{
    tell_crash(&t, 1, 0, VM_A, "0x9f", "3 1 2 3");
    conclude(&t);
    ck_assert_str_ne(t.i->bugcheck.cause, "");
    again();
    tell_dump(&t, 1, 0, VM_A, D1, NULL);
    obs_str(newest(), ATTR_DUMP_CAUSE, "as the dump has it");
    conclude(&t);
    ck_assert_str_eq(t.i->bugcheck.cause, "as the dump has it");
}
END_TEST

/* ---- other signs -------------------------------------------------------------------------------- */

START_TEST(a_dump_and_a_triple_fault_are_a_bug_check)
{
    tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    tell_sign(&t, 1, 2, VM_A, "triple-fault");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->kind, INCIDENT_BUGCHECK);
    ck_assert_int_eq(t.i->time_source, TOLD_BY_DUMP);
    again();
    tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    conclude(&t);
    ck_assert_int_eq(t.i->kind, INCIDENT_DUMP_ONLY);
}
END_TEST

START_TEST(the_same_sign_from_the_same_host_again_is_another_crash)
{
    tell_sign(&t, 1, 0, VM_A, "triple-fault");
    tell_sign(&t, 1, 5, VM_A, "triple-fault"); /* no guest is up and down again this soon */
    tell_sign(&t, 1, 30, VM_A, "triple-fault");
    conclude(&t);
    expect_count(&t, 2);
    again();
    tell_sign(&t, 1, 0, VM_A, "triple-fault");
    tell_sign(&t, 2, 100, VM_A, "triple-fault"); /* another host's clock may be wrong by minutes */
    tell_sign(&t, 1, 59, VM_A, "worker-died");
    conclude(&t);
    expect_count(&t, 1);
    again();
    tell_sign(&t, 1, 0, VM_A, "triple-fault");
    tell_sign(&t, 1, 61, VM_A, "worker-died");
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

START_TEST(a_guest_given_up_minutes_later_is_of_the_crash_and_one_before_is_not)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_life(&t, 1, 600, VM_A, "stopped-critical");
    conclude(&t);
    expect_count(&t, 1);
    again();
    tell_life(&t, 1, -100, VM_A, "stopped-critical");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

START_TEST(parameters_that_the_report_lacks_come_from_another_sign)
{
    static const char *const keys[] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4 };

    tell_crash(&t, 1, 0, VM_A, D1);
    obs_str(newest(), ATTR_CRASH_PARAM2, "unreadable");
    tell_sign(&t, 1, 1, VM_A, "dump-written"); /* the same code, and no parameters either */
    obs_str(newest(), ATTR_CRASH_CODE, "0xd1");
    conclude(&t);
    ck_assert(t.i->bugcheck.known && !t.i->bugcheck.params_known);
    tell_sign(&t, 1, 2, VM_A, "dump-written");
    obs_str(newest(), ATTR_CRASH_CODE, "0xd1");
    for (size_t n = 0; n < 4; n++)
        obs_str(newest(), keys[n], n == 1 ? "0x2" : "0x7");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert(t.i->bugcheck.params_known);
    ck_assert_uint_eq(t.i->bugcheck.params[1], 2);
}
END_TEST

START_TEST(two_hosts_words_on_one_panic_are_one_incident_in_the_first_ones_words)
{
    for (int host = 1; host <= 2; host++) {
        struct observation *o = observe(&t, host, OBS_GUEST_CRASH, host, VM_A);

        obs_str(o, ATTR_CRASH_KIND, "linux-panic");
        obs_str(o, ATTR_CRASH_MESSAGE, "not syncing");
        obs_str(o, ATTR_LINUX_VERSION, "6.6.87");
    }
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->sign_count, 2);
    ck_assert_int_eq(t.i->family, FAMILY_LINUX);
    ck_assert_str_eq(t.i->linux_panic.version, "6.6.87");
    ck_assert(!t.i->bugcheck.known);
}
END_TEST

/* ---- whose dump it is ---------------------------------------------------------------------------- */

START_TEST(a_folder_with_the_name_of_two_guests_names_neither_and_says_so)
{
    struct observation *o;

    tell_life(&t, 1, -100, VM_A, "started");
    tell_life(&t, 1, -90, VM_B, "started");
    obs_str(newest(), ATTR_VM_NAME, "SQL01"); /* names are told apart by their ids alone */
    o = tell_dump(&t, 1, 0, NULL, D1, NULL);
    obs_str(o, ATTR_VM_NAME, "sql01");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_str_eq(t.i->vm_id, "");
    ck_assert(noted(t.i, "Several guests have the name of the folder that this dump lies in"));
}
END_TEST

START_TEST(a_note_on_parameters_is_not_replaced_by_one_on_names)
{
    struct observation *o;

    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 1, VM_B, D1);
    tell_life(&t, 1, -90, VM_A, "started");
    obs_str(newest(), ATTR_VM_NAME, "twin");
    tell_life(&t, 1, -80, VM_B, "started");
    obs_str(newest(), ATTR_VM_NAME, "twin");
    o = tell_dump(&t, 1, 0, NULL, D1, NULL);
    obs_str(o, ATTR_VM_NAME, "twin");
    conclude(&t);
    expect_count(&t, 3);
    for (size_t n = 0; n < 3; n++) {
        bool of_nobody = nth(&t, n)->vm_id[0] == '\0';

        ck_assert_int_eq(noted(nth(&t, n), "Several guests crashed with this code"), of_nobody);
        ck_assert(!noted(nth(&t, n), "Several guests have the name"));
    }
}
END_TEST

/* The report of D1 by an event that does not have the VM's name. */
static void tell_nameless_crash(int host, double seconds)
{
    static const char *const keys[] = { ATTR_CRASH_PARAM1, ATTR_CRASH_PARAM2, ATTR_CRASH_PARAM3, ATTR_CRASH_PARAM4 };
    static const char *const params[] = { "0x0", "0x2", "0x8", "0xfffff80012345678" };
    struct observation *o = observe(&t, host, OBS_GUEST_CRASH, seconds, NULL);

    obs_str(o, ATTR_VM_ID, VM_A);
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0xd1");
    for (size_t n = 0; n < 4; n++)
        obs_str(o, keys[n], params[n]);
}

START_TEST(a_dump_takes_the_name_from_whichever_report_has_one)
{
    for (int nameless = 0; nameless < 3; nameless++) { /* the first, the second, or both */
        nameless != 1 ? tell_nameless_crash(1, 0) : tell_crash(&t, 1, 0, VM_A, D1);
        nameless != 0 ? tell_nameless_crash(2, 1) : tell_crash(&t, 2, 1, VM_A, D1);
        tell_dump(&t, 3, 1, NULL, D1, "storvsc.sys");
        conclude(&t);
        expect_count(&t, 1);
        ck_assert_str_eq(t.i->vm_id, VM_A);
        ck_assert_str_eq(t.i->vm_name, nameless == 2 ? "" : "sql01");
        ck_assert_str_eq(t.i->dumps[0].joined_by, "parameters");
        again();
    }
}
END_TEST

static void tell_written(int host, double seconds, const char *path)
{
    struct observation *o = observe(&t, host, OBS_GUEST_CRASH, seconds, NULL);

    obs_str(o, ATTR_CRASH_KIND, "dump-written");
    obs_str(o, ATTR_DUMP_PATH, path);
}

START_TEST(a_written_dump_of_no_vm_is_of_the_hosts_one_crash_before_it)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 2, 10, VM_B, D1); /* on another host */
    tell_written(1, 900, "");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_eq(nth(&t, 0)->sign_count, 2);
    again();
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_written(1, 901, ""); /* too late */
    conclude(&t);
    expect_count(&t, 2);
    again();
    tell_written(1, -1, ""); /* before it */
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    expect_count(&t, 2);
    again();
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 5, VM_B, "0x50", "1 2 3 4"); /* two: whose it is can not be said */
    tell_written(1, 10, "");
    conclude(&t);
    expect_count(&t, 3);
}
END_TEST

START_TEST(a_written_dump_joins_the_dump_at_its_path_though_nobody_knows_the_vm)
{
    tell_dump(&t, 1, 0, NULL, D1, "storvsc.sys");
    tell_written(1, 10, "d:\\DUMPS\\1\\0.000.dmp");
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->sign_count, 2);
    again();
    tell_dump(&t, 1, 0, NULL, D1, "storvsc.sys");
    tell_written(1, 10, "D:\\dumps\\other.dmp");
    conclude(&t);
    expect_count(&t, 2);
    again();
    tell_dump(&t, 1, 0, NULL, D1, "storvsc.sys");
    tell_written(1, 10, "");
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

/* ---- reaches ------------------------------------------------------------------------------------- */

static struct incident_relevance relevance(void)
{
    const struct told *told = &t.told[t.count - 1];
    struct incident_relevance r;

    incident_relevance(&t.options, &told->who, told->o, &r);
    return r;
}

START_TEST(what_is_no_clue_is_relevant_to_nothing)
{
    struct incident_relevance r;

    observe(&t, 1, OBS_GUEST_INVENTORY, 0, VM_A);
    r = relevance();
    ck_assert_int_eq(r.level, RELEVANT_NOT);
    ck_assert_str_eq(r.vm_id, "");
}
END_TEST

START_TEST(spans_end_where_time_does)
{
    struct incident_relevance r;
    int64_t from, to;

    tell_crash(&t, 1, 0, VM_A, D1);
    newest()->time_ns = newest()->observed_ns = 5; /* just after 1970 */
    r = relevance();
    ck_assert_int_eq(r.level, RELEVANT_SIGN);
    ck_assert_int_eq(r.from, 1);
    ck_assert_int_gt(r.to, 5);
    tell_gap(&t, 1, 0, "2262-04-11T00:00:00Z", "2262-04-11T23:00:00Z"); /* a clock that runs wild */
    r = relevance();
    ck_assert_int_eq(r.to, INT64_MAX);
    case_evidence_span(&t.options, 5, INT64_MAX - 5, &from, &to);
    ck_assert_int_eq(from, 1);
    ck_assert_int_eq(to, INT64_MAX);
    case_evidence_span(&t.options, AT(0), AT(0), &from, &to);
    ck_assert_int_lt(from, AT(-24 * 3600));
    ck_assert_int_gt(to, AT(CASE_AFTER_S));
}
END_TEST

START_TEST(each_kind_of_clue_reaches_whom_it_concerns)
{
    struct incident_relevance r;

    tell_dump(&t, 1, 0, NULL, D1, NULL);
    r = relevance();
    ck_assert(r.level == RELEVANT_SIGN && r.of_any && r.of_host && r.of_code);
    ck_assert_uint_eq(r.code, 0xD1);
    tell_life(&t, 1, 0, VM_A, "started");
    r = relevance();
    ck_assert(r.level == RELEVANT_CONTEXT && !r.of_any && !r.of_host);
    ck_assert_str_eq(r.vm_id, VM_A);
    tell_storage(&t, 1, 0, "io-slow", "a", 1);
    r = relevance();
    ck_assert(r.level == RELEVANT_CONTEXT && r.of_host && !r.of_cluster);
    tell_storage(&t, 1, 0, "csv-paused", "a", 1);
    ck_assert(relevance().of_cluster);
    tell_cluster(&t, 1, 0, "node-removed", 1);
    ck_assert(relevance().of_cluster);
    tell_gap(&t, 1, 0, "1", "2");
    r = relevance();
    ck_assert(r.level == RELEVANT_CONTEXT && r.of_host && !r.of_cluster);
    ck_assert_int_eq(r.from, AT(-CASE_GAP_REACH_S - CASE_AFTER_S));
}
END_TEST

START_TEST(a_span_of_one_side_only_cuts_there)
{
    struct case_file *c;
    struct incident_list list;

    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 1000, VM_A, D1);
    ck_assert_int_eq(case_file_new(&c, &t.options, NULL), 0);
    for (int n = 0; n < t.count; n++)
        ck_assert_int_eq(case_file_add(c, &t.told[n].who, t.told[n].o, NULL), 0);
    ck_assert_int_eq(case_file_incidents(c, AT(500), INT64_MAX, &list, NULL), 0);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_int_eq(list.items[0]->time, AT(1000));
    incident_list_free(&list);
    ck_assert_int_eq(case_file_incidents(c, 0, AT(500), &list, NULL), 0);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_int_eq(list.items[0]->time, AT(0));
    incident_list_free(&list);
    case_file_free(c);
    case_file_free(NULL);
}
END_TEST

static void around(void *arg, const struct incident *i, struct incident_surroundings *out)
{
    (void)i;
    *out = (struct incident_surroundings){
        .known = true, .why = "", .module_hosts_days = 30, .module_guests = *(int *)arg, .module_hosts = 2
    };
}

START_TEST(the_fleet_around_is_asked_for_each_incident)
{
    static const char yaml[] = "rules:\n  - { id: a, title: t, text: t, action: a, confidence: low, reason: r,"
                               " needs: [{ module_on_guests: 3 }] }\n";
    struct rules *r = NULL;
    struct buf problems;
    int guests = 3;

    buf_init(&problems, 1024);
    ck_assert_int_eq(rules_parse("x", yaml, sizeof yaml - 1, &r, &problems), 0);
    t.options.rules = r;
    tell_dump(&t, 1, 0, VM_A, D1, "evil.sys");
    conclude(&t);
    ck_assert_int_eq(t.i->finding_count, 0); /* nobody counted */
    t.options.around = around;
    t.options.arg = &guests;
    conclude(&t);
    ck_assert_int_eq(t.i->finding_count, 1);
    guests = 2;
    conclude(&t);
    ck_assert_int_eq(t.i->finding_count, 0);
    rules_free(r);
    buf_free(&problems);
}
END_TEST

START_TEST(two_crashes_of_one_guest_at_one_moment_are_two_in_a_fixed_order)
{
    char *one, *other;
    static const int forward[] = { 0, 1 }, backward[] = { 1, 0 };

    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 2, 0, VM_A, "0x50", "1 2 3 4");
    conclude(&t);
    expect_count(&t, 2);
    ck_assert_int_lt(strcmp(nth(&t, 0)->id, nth(&t, 1)->id), 0);
    one = json_in_order(&t, forward, 2);
    other = json_in_order(&t, backward, 2);
    ck_assert_str_eq(one, other);
    free(one);
    free(other);
}
END_TEST

START_TEST(a_second_dump_of_another_way_to_crash_is_no_twin)
{
    tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    tell_dump(&t, 1, 2, VM_A, "0x50", "1 2 3 4", "storvsc.sys");
    conclude(&t);
    expect_count(&t, 2);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        two_dumps_of_the_same_way_to_crash_a_minute_apart_are_two_crashes,
        a_dump_that_says_what_but_not_when_joins_the_crash_with_its_key,
        the_dump_that_tells_most_is_first_and_of_equal_ones_the_newest,
        of_many_dumps_eight_are_listed_and_of_readings_of_one_file_the_newest,
        the_build_in_a_dump_gives_the_version_that_nobody_told,
        the_cause_is_the_parameters_own_or_the_dumps,
        a_dump_and_a_triple_fault_are_a_bug_check,
        the_same_sign_from_the_same_host_again_is_another_crash,
        a_guest_given_up_minutes_later_is_of_the_crash_and_one_before_is_not,
        parameters_that_the_report_lacks_come_from_another_sign,
        two_hosts_words_on_one_panic_are_one_incident_in_the_first_ones_words,
        a_folder_with_the_name_of_two_guests_names_neither_and_says_so,
        a_note_on_parameters_is_not_replaced_by_one_on_names,
        a_dump_takes_the_name_from_whichever_report_has_one,
        a_written_dump_of_no_vm_is_of_the_hosts_one_crash_before_it,
        a_written_dump_joins_the_dump_at_its_path_though_nobody_knows_the_vm,
        what_is_no_clue_is_relevant_to_nothing,
        spans_end_where_time_does,
        each_kind_of_clue_reaches_whom_it_concerns,
        a_span_of_one_side_only_cuts_there,
        the_fleet_around_is_asked_for_each_incident,
        two_crashes_of_one_guest_at_one_moment_are_two_in_a_fixed_order,
        a_second_dump_of_another_way_to_crash_is_no_twin,
    };
    TCase *c = suite_case(s, "signs");

    tcase_add_checked_fixture(c, begin, end);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: signs", add);
}
