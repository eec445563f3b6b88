/* Deliveries of what crashed: each incident once, with what is known of it, over a real store. */
#include "base/text.h"
#include "tests/hub/support_deliver.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define ON_CRASH   "{name: crashes, on: [new-incident], batch: 1m, " SLACK "}"
#define PARAMETERS "1 2 3 4"
#define DAY        (24 * HOURS)

enum { SLICES_MAX = 2000 };

static struct story story;
static int sent_of_story;

/* The story's records go to the store of the deliveries, by their clock, which stands a day after what is told. */
static void set_up(const char *deliveries)
{
    deliver_set_up(deliveries);
    text_copy(deliver_config.delivery.public_url, DELIVERY_URL_MAX, "https://hub.example.com");
    hub_clock.now = T0 + DAY;
    memset(&story, 0, sizeof story);
    made_init(&story.made, 1);
    story.store = open_store(deliver_store_path, &hub_clock.clock);
    sent_of_story = 0;
}

static void tear_down(void)
{
    story_free(&story);
    deliver_tear_down();
}

static void send_new(void)
{
    while (sent_of_story < story.count)
        story_send(&story, sent_of_story++);
}

/* What is due is computed; what waits for more of its kind stays. */
static void compute(void)
{
    struct err e = { 0 };
    bool more = true;

    for (int i = 0; more && i < SLICES_MAX; i++)
        ck_assert_msg(fleet_store_upkeep(story.store, &more, &e) == 0, "%s", e.text);
    ck_assert(!more);
}

static void crash(double seconds, int vm)
{
    story_crash(&story, 1, seconds, vm, "0xd1", PARAMETERS);
    send_new();
    compute();
}

static void hub_runs_for(struct hub_part *p, int64_t ns)
{
    for (int64_t end = hub_clock.now + ns; hub_clock.now < end;) {
        tick_after(p, 10 * SECONDS);
        compute();
    }
}

static void only_id(char out[INCIDENT_ID_CHARS + 1])
{
    struct incident_list list = story_incidents(&story);

    ck_assert_uint_eq(list.count, 1);
    text_copy(out, INCIDENT_ID_CHARS + 1, list.items[0]->id);
    incident_list_free(&list);
}

START_TEST(a_new_incident_is_told_once_with_its_finding_its_action_and_its_page)
{
    char id[INCIDENT_ID_CHARS + 1], link[128];
    struct hub_part p;

    set_up(ON_CRASH);
    p = part_start(target_send);
    tick_after(&p, 0);
    story_dump(&story, 1, 100, 1, "0xd1", PARAMETERS, "e1g6032e.sys");
    crash(100, 1);
    hub_runs_for(&p, 2 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1 new incident");
    ck_assert_ptr_nonnull(strstr(target.text, "  vm1 on HV01 (PROD-A): 0x000000d1 DRIVER_IRQL_NOT_LESS_OR_EQUAL in "
                                              "e1g6032e.sys, 2026-01-31 08:01:40 UTC\n"));
    ck_assert_msg(strstr(target.text, "    Finding (high confidence): ") != NULL, "%s", target.text);
    ck_assert_ptr_nonnull(strstr(target.text, "    To do: "));
    only_id(id);
    snprintf(link, sizeof link, "    https://hub.example.com/incident/%s\n", id);
    ck_assert_msg(strstr(target.text, link) != NULL, "%s", target.text);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(incidents_that_were_there_before_are_not_new)
{
    struct hub_part p;

    set_up(ON_CRASH);
    crash(100, 1);
    hub_clock.now += 10 * MINUTES;
    p = part_start(target_send);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    crash(200, 2);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    ck_assert_ptr_nonnull(strstr(target.text, "vm2 on HV01"));
    part_end(&p);
    tear_down();
}
END_TEST

/* An incident of a dump alone, as long as its event has not come; before: its id then. */
static void only_the_dump(char before[INCIDENT_ID_CHARS + 1])
{
    story_dump(&story, 1, 100, 1, "0xd1", PARAMETERS, "e1g6032e.sys");
    send_new();
    compute();
    only_id(before);
}

/* The dump is told first; the event that comes later is the better sign. */
START_TEST(a_late_piece_that_gives_it_another_id_and_finding_is_not_new)
{
    char before[INCIDENT_ID_CHARS + 1], after[INCIDENT_ID_CHARS + 1];
    struct hub_part p;

    set_up(ON_CRASH);
    p = part_start(target_send);
    tick_after(&p, 0);
    only_the_dump(before);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    crash(100, 1);
    only_id(after);
    ck_assert_str_ne(before, after);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    p = part_start(target_send); /* nor after a restart */
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    tear_down();
}
END_TEST

/* It was found under its first id, and goes out under the one that it has by then. */
START_TEST(an_id_that_changes_before_the_message_goes_out_is_told_as_it_is_then)
{
    char before[INCIDENT_ID_CHARS + 1], after[INCIDENT_ID_CHARS + 1];
    struct hub_part p;

    set_up(ON_CRASH);
    p = part_start(target_send);
    tick_after(&p, 0);
    only_the_dump(before);
    tick_after(&p, 10 * SECONDS);
    crash(100, 1);
    only_id(after);
    ck_assert_str_ne(before, after);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    ck_assert_msg(strstr(target.text, after) != NULL, "%s is not in %s", after, target.text);
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(it_waits_until_what_is_around_it_was_looked_at)
{
    struct hub_part p;

    set_up("{name: crashes, on: [new-incident], batch: 1s, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(100, 1);
    story_storage(&story, 1, 90, "latency", "disk7", 75000);
    send_new(); /* noted, for some seconds later */
    tick_after(&p, 2 * SECONDS);
    tick_after(&p, 2 * SECONDS);
    ck_assert_int_eq(target.count, 0);
    hub_clock.now += 10 * SECONDS;
    compute();
    tick_after(&p, 2 * SECONDS);
    tick_after(&p, 2 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(it_does_not_wait_for_ever)
{
    struct hub_part p;

    set_up("{name: crashes, on: [new-incident], batch: 1s, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(100, 1);
    story_storage(&story, 1, 90, "latency", "disk7", 75000);
    send_new(); /* and nobody takes the notes up */
    run_for(&p, 100 * SECONDS);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 60 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(of_two_hubs_one_tells_and_the_next_goes_on)
{
    struct hub_part a, b;
    size_t total = 0;

    set_up(ON_CRASH);
    a = part_start(target_send);
    b = part_start(target_send);
    tick_after(&a, 0);
    tick_after(&b, 0);
    for (int vm = 1; vm <= 6; vm++) {
        crash(100 * vm, vm);
        for (int n = 0; n < 9; n++) {
            tick_after(&a, 5 * SECONDS);
            tick_after(&b, 5 * SECONDS);
        }
        if (vm == 3) {
            part_die(&a); /* killed: its lease runs out */
            hub_clock.now += 5 * MINUTES;
            a = part_start(target_send);
        }
    }
    hub_runs_for(&b, 5 * MINUTES);
    hub_runs_for(&a, 5 * MINUTES);
    for (int i = 0; i < target.count; i++)
        total += target.sent[i].total;
    ck_assert_int_ge(target.count, 2);
    ck_assert_uint_eq(total, 6); /* each once */
    part_end(&a);
    part_end(&b);
    tear_down();
}
END_TEST

START_TEST(another_clusters_incident_is_none_of_its_business)
{
    struct hub_part p;

    set_up("{name: crashes, cluster: prod-b, on: [new-incident], batch: 1m, " SLACK "},"
           "{name: mine, cluster: prod-a, on: [new-incident], batch: 1m, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(100, 1);
    hub_runs_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].name, "mine");
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(a_delivery_that_is_told_of_incidents_from_now_on_is_told_of_new_ones_alone)
{
    struct hub_part p;

    set_up("{name: crashes, on: [new-drift], batch: 1m, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(100, 1);
    hub_runs_for(&p, 5 * MINUTES);
    part_end(&p);
    deliver_config.delivery.list[0].events |= 1u << DELIVERY_NEW_INCIDENT;
    p = part_start(target_send);
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    crash(200, 2);
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    part_end(&p);
    tear_down();
}
END_TEST

START_TEST(a_clock_that_is_set_back_tells_nothing_twice_and_hides_nothing)
{
    struct hub_part p;

    set_up(ON_CRASH);
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(100, 1);
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    hub_clock.now -= 12 * HOURS;
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    crash(200, 2);
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    hub_clock.now += 13 * HOURS;
    hub_runs_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    part_end(&p);
    tear_down();
}
END_TEST

/* ---- the report ----------------------------------------------------------------------------- */

START_TEST(the_report_has_the_crashes_since_the_time_before_and_is_left_out_when_there_were_none)
{
    struct hub_part p;

    set_up("{name: daily, report: incidents, schedule: daily 08:30, quiet_when_unchanged: true, " SLACK "}");
    p = part_start(target_send);
    tick_after(&p, 0);
    crash(-7200, 1); /* more than a day before it is due */
    crash(20 * 3600, 2);
    hub_runs_for(&p, 40 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1 incident");
    ck_assert_uint_eq(target.sent[0].total, 1);
    ck_assert_msg(strstr(target.text, "vm2") != NULL && strstr(target.text, "vm1") == NULL, "%s", target.text);
    hub_clock.now += DAY;
    hub_runs_for(&p, 40 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    part_end(&p);
    tear_down();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_new_incident_is_told_once_with_its_finding_its_action_and_its_page);
    suite_test(s, incidents_that_were_there_before_are_not_new);
    suite_test(s, a_late_piece_that_gives_it_another_id_and_finding_is_not_new);
    suite_test(s, an_id_that_changes_before_the_message_goes_out_is_told_as_it_is_then);
    suite_test(s, it_waits_until_what_is_around_it_was_looked_at);
    suite_test(s, it_does_not_wait_for_ever);
    suite_test(s, of_two_hubs_one_tells_and_the_next_goes_on);
    suite_test(s, another_clusters_incident_is_none_of_its_business);
    suite_test(s, a_delivery_that_is_told_of_incidents_from_now_on_is_told_of_new_ones_alone);
    suite_test(s, a_clock_that_is_set_back_tells_nothing_twice_and_hides_nothing);
    suite_test(s, the_report_has_the_crashes_since_the_time_before_and_is_left_out_when_there_were_none);
}

int main(void)
{
    return suite_main("hub: deliver_incidents", add);
}
