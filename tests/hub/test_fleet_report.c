/* Reports made from the store: what history and findings add to them. */
#include "hub/fleet_report.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define OS_2012R2 "6.3.9600.20778"
#define E1        "6.3.9600.18692"
#define OLD       "6.3.9600.16384"
#define DAYS      (1440 * MINUTES)

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
    struct resource one;
};

static void set_up(struct fixture *f)
{
    snprintf(f->path, sizeof f->path, "%s/fleet.db", temp_dir());
    test_clock_init(&f->clock);
    f->clock.now = T0;
    f->store = open_store(f->path, &f->clock.clock);
    f->one = made_agent(1, "PROD-A", OS_2012R2, E1);
}

static void tear_down(struct fixture *f)
{
    fleet_store_close(f->store);
}

static void report_guest(struct fixture *f, uint64_t seq, int vm, int64_t time, const char *is)
{
    struct made m;

    made_init(&m, seq);
    made_host_inventory(&m, &f->one, time);
    made_inventory(&m, vm, time, "6.3.9600", is);
    made_apply(f->store, &m, &f->one);
    made_free(&m);
}

static json_t *ask(struct fixture *f, enum report_kind kind, int64_t since_ns)
{
    struct report_query q = { .kind = kind,
                              .format = REPORT_JSON,
                              .since_ns = since_ns,
                              .now_ns = f->clock.now,
                              .host_silent_ns = 60 * MINUTES,
                              .floors = drift_floors_default() };
    struct buf out;
    struct err e = { 0 };
    json_t *root;

    buf_init(&out, 16 * 1024 * 1024);
    ck_assert_msg(fleet_report(f->store, &q, &out, &e) == 0, "%s", e.text);
    root = json_loads(buf_text(&out), 0, NULL);
    ck_assert_ptr_nonnull(root);
    buf_free(&out);
    return root;
}

static int64_t change_count(const json_t *root, const char *word)
{
    const json_t *changes = json_object_get(json_object_get(root, "summary"), "changes");

    return json_integer_value(json_object_get(changes, word));
}

static const char *finding_kind(const json_t *root, size_t i)
{
    const json_t *findings = json_object_get(json_array_get(json_object_get(root, "hosts"), 0), "findings");

    return json_string_value(json_object_get(json_array_get(findings, i), "kind"));
}

START_TEST(what_was_upgraded_since_is_solved_and_what_came_is_new)
{
    struct fixture f;
    json_t *root;

    set_up(&f);
    report_guest(&f, 1, 1, f.clock.now, OLD);
    report_guest(&f, 3, 2, f.clock.now, OLD);
    f.clock.now += 7 * DAYS;
    report_guest(&f, 5, 1, f.clock.now, E1);
    report_guest(&f, 7, 3, f.clock.now, OLD);
    root = ask(&f, REPORT_DRIFT, f.clock.now - DAYS);
    ck_assert_int_eq(change_count(root, "solved"), 1);
    ck_assert_int_eq(change_count(root, "new"), 1);
    ck_assert_int_eq(change_count(root, "unchanged"), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "guests")), 2);
    json_decref(root);
    root = ask(&f, REPORT_DRIFT, T0 - 1);
    ck_assert_int_eq(change_count(root, "solved"), 0); /* it was not there then */
    ck_assert_int_eq(change_count(root, "new"), 2);
    json_decref(root);
    tear_down(&f);
}
END_TEST

START_TEST(silence_is_judged_by_our_clock_and_not_by_the_hosts)
{
    struct fixture f;
    json_t *root;

    set_up(&f);
    report_guest(&f, 1, 1, f.clock.now - 3 * DAYS, OLD); /* its clock is three days behind */
    root = ask(&f, REPORT_HOSTS, 0);
    ck_assert_ptr_null(finding_kind(root, 0));
    json_decref(root);
    f.clock.now += 61 * MINUTES;
    root = ask(&f, REPORT_HOSTS, 0);
    ck_assert_str_eq(finding_kind(root, 0), "silent-host");
    ck_assert_ptr_null(finding_kind(root, 1));
    json_decref(root);
    tear_down(&f);
}
END_TEST

START_TEST(stored_findings_stand_with_their_host)
{
    struct fixture f;
    struct made m;
    json_t *root;

    set_up(&f);
    report_guest(&f, 1, 1, f.clock.now, OLD);
    made_init(&m, 10);
    made_add(&m, OBS_GAP, f.clock.now);
    made_host_inventory(&m, &f.one, f.clock.now + 30 * MINUTES);
    made_apply(f.store, &m, &f.one);
    made_free(&m);
    root = ask(&f, REPORT_HOSTS, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(json_object_get(root, "hosts"), 0), "findings")),
                      3);
    for (size_t i = 0; i < 3; i++) {
        const char *kind = finding_kind(root, i);

        ck_assert_msg(strcmp(kind, "gap") == 0 || strcmp(kind, "sequence-hole") == 0 || strcmp(kind, "clock-off") == 0,
                      "%s", kind);
    }
    json_decref(root);
    tear_down(&f);
}
END_TEST

static bool take_day(void *arg, const struct fleet_day *d)
{
    *(struct fleet_day *)arg = *d;
    return true;
}

START_TEST(the_days_count_is_the_reports_count)
{
    struct fleet_day day = { .day = 0 };
    const json_t *by_state;
    struct fixture f;
    json_t *root;

    set_up(&f);
    for (int vm = 1; vm <= 9; vm++)
        report_guest(&f, (uint64_t)vm * 2 - 1, vm, f.clock.now, vm % 3 == 0 ? E1 : OLD);
    ck_assert_int_eq(fleet_store_days(f.store, NULL, f.clock.now / DAYS, f.clock.now / DAYS, take_day, &day, NULL), 0);
    root = ask(&f, REPORT_DRIFT, 0);
    by_state = json_object_get(json_object_get(root, "summary"), "by_state");
    for (int s = 0; s < DRIFT_STATE_COUNT; s++)
        ck_assert_int_eq(json_integer_value(json_object_get(by_state, drift_state_name((enum drift_state)s))),
                         (int64_t)day.guests[s]);
    json_decref(root);
    tear_down(&f);
}
END_TEST

/* Room for such a report is made at once, before its size is known. */
START_TEST(a_report_of_megabytes_is_whole_or_refused)
{
    enum { ROUNDS = 12, GUESTS = 500 };
    struct fixture f;
    struct report_query q = { .format = REPORT_JSON, .floors = drift_floors_default() };
    struct err e = { 0 };
    struct buf small;
    json_t *root;

    set_up(&f);
    for (int round = 0; round < ROUNDS; round++) {
        struct made m;

        made_init(&m, (uint64_t)round * (GUESTS + 1) + 1);
        made_host_inventory(&m, &f.one, T0);
        for (int vm = 1; vm <= GUESTS; vm++)
            made_inventory(&m, round * GUESTS + vm, T0, "6.3.9600", OLD);
        made_apply(f.store, &m, &f.one);
        made_free(&m);
    }
    root = ask(&f, REPORT_DRIFT, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "guests")), ROUNDS * GUESTS);
    json_decref(root);
    q.now_ns = f.clock.now;
    buf_init(&small, 1024 * 1024);
    ck_assert_int_eq(fleet_report(f.store, &q, &small, &e), ERR_TOO_BIG);
    ck_assert_msg(strstr(e.text, "larger than 1048576 bytes") != NULL, "%s", e.text);
    buf_free(&small);
    tear_down(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_was_upgraded_since_is_solved_and_what_came_is_new);
    suite_test(s, silence_is_judged_by_our_clock_and_not_by_the_hosts);
    suite_test(s, stored_findings_stand_with_their_host);
    suite_test(s, the_days_count_is_the_reports_count);
    suite_test(s, a_report_of_megabytes_is_whole_or_refused);
}

int main(void)
{
    return suite_main("hub: fleet report", add);
}
