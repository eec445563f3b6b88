/* Incidents in the store: made of records in any order, joined, replaced, kept. */
#include "base/text.h"
#include "hub/fleet_gauges.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define D1_PARAMS "10 2 0 fffff80000e1c2b8"

static struct story t;

/* One incident is stored; the list is kept until the next call. */
static const struct incident *only(void)
{
    static struct incident_list list;

    incident_list_free(&list);
    list = story_incidents(&t);
    ck_assert_msg(list.count == 1, "%zu incidents, want 1", list.count);
    return list.items[0];
}

static size_t count(void)
{
    struct incident_list list = story_incidents(&t);
    size_t n = list.count;

    incident_list_free(&list);
    return n;
}

START_TEST(a_crash_becomes_an_incident_with_the_state_of_that_moment)
{
    const struct incident *i;

    story_start(&t, "a");
    story_inventory(&t, 1, 0, 1, OLD);
    story_crash(&t, 1, 3600, 1, "0xd1", D1_PARAMS);
    story_inventory(&t, 1, 7200, 1, E1);
    story_send_all(&t);
    story_settle(&t);
    i = only();
    ck_assert_str_eq(i->vm_id, made_vm(1));
    ck_assert_str_eq(i->vm_name, "vm1");
    ck_assert_str_eq(i->host_name, "HV01");
    ck_assert_str_eq(i->cluster, "PROD-A");
    ck_assert_uint_eq(i->bugcheck.code, 0xd1);
    ck_assert_msg(i->drift.known, "%s", i->drift.why);
    ck_assert_str_eq(drift_state_name(i->drift.state), "behind");
    ck_assert_str_eq(i->drift.guest_version, OLD);
    ck_assert_str_eq(i->drift.expected_version, E1);
    ck_assert_str_eq(i->host_os_version, OS_2012R2);
    ck_assert_str_eq(i->guest_os_version, "6.3.9600");
    story_free(&t);
}
END_TEST

START_TEST(what_history_does_not_know_is_said)
{
    const struct incident *i;

    story_start(&t, "b");
    story_crash(&t, 1, -7200, 1, "0xd1", D1_PARAMS);
    story_inventory(&t, 1, 0, 1, OLD);
    story_send_all(&t);
    story_settle(&t);
    i = only();
    if (i->drift.known)
        ck_assert_str_eq(drift_state_name(i->drift.state), "unknown");
    else
        ck_assert_ptr_nonnull(strstr(i->drift.why, "begins at 2026-01-31T08:00:00"));
    story_free(&t);
}
END_TEST

START_TEST(a_look_that_comes_late_says_how_the_guest_stood_when_it_crashed)
{
    const struct incident *i;
    int early;

    story_start(&t, "late-look");
    story_inventory(&t, 1, 3600, 1, E1); /* mended since */
    story_crash(&t, 1, 0, 1, "0xd1", D1_PARAMS);
    early = t.count;
    story_inventory(&t, 1, -3600, 1, OLD);
    for (int n = 0; n < early; n++)
        story_send(&t, n);
    story_settle(&t);
    ck_assert(!only()->drift.known);
    for (int n = early; n < t.count; n++)
        story_send(&t, n);
    story_settle(&t);
    i = only();
    ck_assert(i->drift.known);
    ck_assert_str_eq(drift_state_name(i->drift.state), "behind");
    ck_assert_int_eq(i->drift.row, 8);
    ck_assert_str_eq(i->drift.guest_version, OLD);
    ck_assert_str_eq(i->drift.expected_version, E1);
    story_free(&t);
}
END_TEST

START_TEST(a_late_dump_joins_the_event_and_names_the_driver)
{
    char id[INCIDENT_ID_CHARS + 1];
    const struct incident *i;

    story_start(&t, "c");
    story_crash(&t, 1, 0, 1, "0xd1", D1_PARAMS);
    story_send(&t, 0);
    story_settle(&t);
    text_copy(id, sizeof id, only()->id);
    ck_assert_str_eq(incident_module(only()), "");
    story_dump(&t, 1, 0, 0, "0xd1", D1_PARAMS, "storvsc.sys");
    story_send(&t, 1);
    story_settle(&t);
    i = only();
    ck_assert_str_eq(i->id, id);
    ck_assert_str_eq(incident_module(i), "storvsc.sys");
    ck_assert_str_eq(i->dumps[0].joined_by, "parameters");
    story_free(&t);
}
END_TEST

START_TEST(a_dump_that_came_first_finds_its_guest_and_its_old_id_leads_there)
{
    struct fleet_incident found;
    char id[INCIDENT_ID_CHARS + 1];
    struct err e = { 0 };

    story_start(&t, "d");
    story_dump(&t, 1, 0, 0, "0xd1", D1_PARAMS, "storvsc.sys");
    story_crash(&t, 1, 1, 1, "0xd1", D1_PARAMS);
    story_send(&t, 0);
    story_settle(&t);
    text_copy(id, sizeof id, only()->id);
    ck_assert_str_eq(only()->vm_id, "");
    story_send(&t, 1);
    story_settle(&t);
    ck_assert_str_eq(only()->vm_id, made_vm(1));
    ck_assert_str_ne(only()->id, id);
    ck_assert_msg(fleet_store_incident(t.store, id, &found, &e) == 0, "%s", e.text);
    ck_assert_str_eq(found.incident->id, only()->id);
    ck_assert_int_lt(found.first_seen, found.updated);
    incident_free(found.incident);
    ck_assert_int_eq(fleet_store_incident(t.store, "0123456789abcdef", &found, &e), ERR_NOT_FOUND);
    story_free(&t);
}
END_TEST

START_TEST(a_second_node_that_tells_of_the_crash_tells_of_the_same_one)
{
    story_start(&t, "e");
    story_crash(&t, 1, 0, 1, "0xd1", D1_PARAMS);
    story_crash(&t, 2, 40, 1, "0xd1", D1_PARAMS);
    story_send(&t, 0);
    story_settle(&t);
    ck_assert_int_eq(only()->sign_count, 1);
    story_send(&t, 1);
    story_settle(&t);
    ck_assert_int_eq(only()->sign_count, 2);
    story_free(&t);
}
END_TEST

START_TEST(a_dump_without_an_event_is_an_incident)
{
    story_start(&t, "f");
    story_dump(&t, 1, 0, 1, "0x7a", "1 c000000e 2 3", NULL);
    story_send_all(&t);
    story_settle(&t);
    ck_assert_int_eq((int)only()->kind, INCIDENT_DUMP_ONLY);
    ck_assert_str_eq(only()->vm_id, made_vm(1));
    story_free(&t);
}
END_TEST

START_TEST(a_boot_loop_is_as_many_incidents_as_it_had_crashes)
{
    story_start(&t, "g");
    for (int n = 0; n < 20; n++) {
        story_crash(&t, 1, n * 90, 1, "0x7b", "1 c0000034 0 0");
        story_life(&t, 1, n * 90 + 5, 1, "reset");
    }
    story_send_all(&t);
    story_settle(&t);
    ck_assert_uint_eq(count(), 20);
    story_free(&t);
}
END_TEST

START_TEST(the_same_records_again_change_nothing)
{
    struct fleet_incident_counts before, after;
    char *json;

    story_start(&t, "h");
    story_inventory(&t, 1, 0, 1, OLD);
    story_crash(&t, 1, 3600, 1, "0xd1", D1_PARAMS);
    story_dump(&t, 1, 3600, 1, "0xd1", D1_PARAMS, "storvsc.sys");
    story_send_all(&t);
    story_settle(&t);
    json = strdup(story_json(&t));
    fleet_incident_counts(t.store, &before);
    story_send_all(&t);
    story_settle(&t);
    fleet_incident_counts(t.store, &after);
    ck_assert_str_eq(story_json(&t), json);
    ck_assert_uint_eq(after.computed, before.computed);
    ck_assert_int_eq((int)ask_store(t.path, "SELECT count(*) FROM incident_todo"), 0);
    free(json);
    story_free(&t);
}
END_TEST

START_TEST(storage_trouble_that_is_told_late_is_in_the_picture)
{
    story_start(&t, "i");
    story_crash(&t, 1, 600, 1, "0x7a", "1 c000000e 2 3");
    story_send_all(&t);
    story_settle(&t);
    ck_assert_int_eq((int)only()->storage.count, 0);
    story_storage(&t, 1, 500, "io-slow", "C:\\ClusterStorage\\Volume1\\a.vhdx", 95000);
    story_send(&t, 1);
    story_settle(&t);
    ck_assert_int_eq((int)only()->storage.count, 1);
    ck_assert_int_eq((int)(only()->storage.longest_ns / NS_PER_S), 95);
    story_free(&t);
}
END_TEST

START_TEST(guests_of_one_host_that_crash_together_are_in_each_others_picture)
{
    struct incident_list list;

    story_start(&t, "j");
    for (int vm = 1; vm <= 4; vm++)
        story_crash(&t, 1, vm * 20, vm, "0x7a", "1 c000000e 2 3");
    for (int n = 0; n < t.count; n++) {
        story_send(&t, n);
        story_settle(&t);
    }
    list = story_incidents(&t);
    ck_assert_uint_eq(list.count, 4);
    for (size_t n = 0; n < list.count; n++)
        ck_assert_int_eq(list.items[n]->other_count, 3);
    incident_list_free(&list);
    story_free(&t);
}
END_TEST

START_TEST(a_kill_between_the_commit_and_the_computing_loses_nothing)
{
    story_start(&t, "k");
    story_crash(&t, 1, 0, 1, "0xd1", D1_PARAMS);
    story_send_all(&t);
    ck_assert_uint_eq(count(), 0);
    fleet_store_close(t.store);
    t.store = open_store(t.path, &t.clock.clock);
    story_settle(&t);
    ck_assert_str_eq(only()->vm_id, made_vm(1));
    story_free(&t);
}
END_TEST

START_TEST(incidents_outlive_the_observations_they_were_made_of)
{
    char *json;

    story_start(&t, "l");
    story_inventory(&t, 1, 0, 1, OLD);
    story_storage(&t, 1, 3500, "io-slow", "C:\\ClusterStorage\\Volume1\\a.vhdx", 95000);
    story_crash(&t, 1, 3600, 1, "0x7a", "1 c000000e 2 3");
    story_send_all(&t);
    story_settle(&t);
    json = strdup(story_json(&t));
    t.clock.now += 100 * 1440 * MINUTES;
    story_settle(&t);
    ck_assert_int_eq((int)ask_store(t.path, "SELECT count(*) FROM observation"), 0);
    ck_assert_int_eq((int)ask_store(t.path, "SELECT count(*) FROM circumstance WHERE role = 3"), 0);
    ck_assert_str_eq(story_json(&t), json);
    /* something that would have it computed anew from what is left */
    story_life(&t, 1, 3700, 1, "reset");
    story_send(&t, t.count - 1);
    story_settle(&t);
    ck_assert_str_eq(story_json(&t), json);
    free(json);
    story_free(&t);
}
END_TEST

enum { INVENTORY = 2, ROUNDS = 60 }; /* records of story_inventory() */

/* ---- any order --------------------------------------------------------------------------- */

static void tell_a_bad_hour(void)
{
    story_inventory(&t, 1, 0, 1, OLD);
    story_life(&t, 1, 100, 1, "started");
    story_storage(&t, 1, 3500, "io-slow", "C:\\ClusterStorage\\Volume1\\a.vhdx", 95000);
    story_storage(&t, 2, 3520, "path-lost", "MPIO Disk1", 0);
    story_crash(&t, 1, 3600, 1, "0xd1", D1_PARAMS);
    story_crash(&t, 2, 3640, 1, "0xd1", D1_PARAMS);
    story_life(&t, 1, 3610, 1, "reset");
    story_dump(&t, 1, 3601, 0, "0xd1", D1_PARAMS, "storvsc.sys");
    story_crash(&t, 1, 3700, 2, "0x7a", "1 c000000e 2 3");
    story_sign(&t, 1, 3705, 2, "triple-fault");
    story_dump(&t, 2, 9000, 3, "0xd1", "1 2 3 4", "storvsc.sys");
    story_crash(&t, 2, 3660, 3, "0x9e", "1 2 3 4");
}

/* All but the inventory at its head: since when a guest is in a state is only exact when it is told in order
 * (model/guest.h). */
static void shuffle(int *order, int n, unsigned *seed)
{
    for (int i = n - 1; i > INVENTORY; i--) {
        int k = INVENTORY + (int)(rand_r(seed) % (unsigned)(i + 1 - INVENTORY)), x = order[i];

        order[i] = order[k];
        order[k] = x;
    }
}

/* Where the first difference is. */
static void check_same(unsigned round, const char *is, const char *want)
{
    size_t at = 0, from;

    while (is[at] != '\0' && is[at] == want[at])
        at++;
    from = at > 200 ? at - 200 : 0;
    ck_assert_msg(is[at] == want[at], "round %u:\n%.400s\nis not\n%.400s", round, is + from, want + from);
}

START_TEST(any_order_of_arrival_ends_in_the_same_incidents)
{
    char *json = NULL, name[32];
    int order[STORY_MAX];

    story_start(&t, "first");
    tell_a_bad_hour();
    story_send_all(&t);
    story_settle(&t);
    ck_assert_uint_eq(count(), 4);
    json = strdup(story_json(&t));
    for (unsigned round = 1; round <= ROUNDS; round++) {
        unsigned seed = round;

        snprintf(name, sizeof name, "round%u", round);
        story_restart(&t, name);
        for (int i = 0; i < t.count; i++)
            order[i] = i;
        shuffle(order, t.count, &seed);
        for (int i = 0; i < t.count; i++) {
            story_send(&t, order[i]);
            if (rand_r(&seed) % 4 == 0)
                story_send(&t, order[i]);
            if (rand_r(&seed) % 2 == 0)
                story_settle(&t);
        }
        story_settle(&t);
        check_same(round, story_json(&t), json);
    }
    free(json);
    story_free(&t);
}
END_TEST

START_TEST(the_figures_tell_what_waits_and_what_is_stored)
{
    struct fleet_gauges before, after;

    story_start(&t, "figures");
    story_crash(&t, 1, 100, 1, "0x50", "1 2 3 4");
    story_sign(&t, 1, 4000, 2, "triple-fault");
    story_send_all(&t);
    ck_assert_int_eq(fleet_store_gauges(t.store, 0, &before, NULL), 0);
    ck_assert_uint_gt(before.notes, 0);
    story_settle(&t);
    ck_assert_int_eq(fleet_store_gauges(t.store, 0, &after, NULL), 0);
    ck_assert_uint_eq(after.notes, 0);
    ck_assert_uint_eq(before.incidents[INCIDENT_BUGCHECK][CONFIDENCE_LOW], 0);
    ck_assert_uint_eq(after.incidents[INCIDENT_BUGCHECK][CONFIDENCE_LOW], 1);
    ck_assert_uint_eq(after.incidents[INCIDENT_TRIPLE_FAULT][CONFIDENCE_COUNT], 1);
    story_free(&t);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_crash_becomes_an_incident_with_the_state_of_that_moment);
    suite_test(s, what_history_does_not_know_is_said);
    suite_test(s, a_look_that_comes_late_says_how_the_guest_stood_when_it_crashed);
    suite_test(s, the_figures_tell_what_waits_and_what_is_stored);
    suite_test(s, a_late_dump_joins_the_event_and_names_the_driver);
    suite_test(s, a_dump_that_came_first_finds_its_guest_and_its_old_id_leads_there);
    suite_test(s, a_second_node_that_tells_of_the_crash_tells_of_the_same_one);
    suite_test(s, a_dump_without_an_event_is_an_incident);
    suite_test(s, a_boot_loop_is_as_many_incidents_as_it_had_crashes);
    suite_test(s, the_same_records_again_change_nothing);
    suite_test(s, storage_trouble_that_is_told_late_is_in_the_picture);
    suite_test(s, guests_of_one_host_that_crash_together_are_in_each_others_picture);
    suite_test(s, a_kill_between_the_commit_and_the_computing_loses_nothing);
    suite_test(s, incidents_outlive_the_observations_they_were_made_of);
    suite_test(s, any_order_of_arrival_ends_in_the_same_incidents);
}

int main(void)
{
    return suite_main("hub: incidents", add);
}
