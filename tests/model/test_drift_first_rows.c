/* Rows 1 to 5 of the decision table C.4: what decides before any versions are compared. */
#include "tests/model/support_world.h"

#include <string.h>

static struct world w;

#define HEARTBEAT "Hyper-V Heartbeat"
#define EXCHANGE  "Hyper-V Data Exchange"
#define E6        "6.3.9600.18692"
#define E5        "6.3.9600.18339"
#define BELOW     "6.3.9600.18691"
#define WIN2012R2 "6.3.9600"
#define WIN2022   "10.0.20348"

/* ---- row 1 -------------------------------------------------------------- */

START_TEST(row_1_a_vm_that_is_off_keeps_its_state_and_is_stale)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert(!w.v.kept.stale);
    w.g.drift = w.v.kept;
    world_change(&w, AT(100), "shut-down");
    world_host(&w, "6.3.9600.20778", BELOW, E5);
    expect(&w, DRIFT_BEHIND, 1);
    ck_assert(w.v.kept.stale);
    ck_assert_int_eq(w.v.kept.since, w.g.drift.since);
    world_free(&w);
}
END_TEST

START_TEST(row_1_every_power_state_but_running_keeps_the_state)
{
    static const enum guest_power off[] = { POWER_OFF,      POWER_SAVED,    POWER_PAUSED,
                                            POWER_STARTING, POWER_STOPPING, POWER_OTHER };

    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        w.g.power = off[i];
        expect(&w, DRIFT_CURRENT, 1);
        ck_assert(w.v.kept.stale);
    }
    world_free(&w);
}
END_TEST

START_TEST(row_1_a_vm_never_seen_running_is_unknown_and_not_current)
{
    struct observation *o;

    world_start(&w);
    o = world_observe(&w, OBS_GUEST_INVENTORY, AT(10));
    obs_str(o, ATTR_VM_POWER, "off");
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_UNKNOWN, 1);
    ck_assert(w.v.kept.stale);
    world_free(&w);
}
END_TEST

START_TEST(row_1_a_removed_vm_keeps_its_state)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    world_change(&w, AT(20), "removed");
    ck_assert(w.g.removed);
    expect(&w, DRIFT_BEHIND, 1);
    world_free(&w);
}
END_TEST

/* ---- row 2 -------------------------------------------------------------- */

START_TEST(row_2_linux_is_not_applicable_whatever_its_number)
{
    static const char *const versions[] = { "3.1", "4.3.5", "master-2019", E6, "" };

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        world_start(&w);
        world_linux(&w, AT(10), versions[i]);
        expect(&w, DRIFT_NOT_APPLICABLE, 2);
        ck_assert_int_eq(w.v.family, FAMILY_LINUX);
        ck_assert_str_eq(w.v.guest_version, versions[i]);
        world_free(&w);
    }
}
END_TEST

START_TEST(row_2_linux_with_4010_23014_a_mismatch_and_state_2_is_still_not_applicable)
{
    struct observation *o;

    world_start(&w);
    world_linux(&w, AT(10), "3.1");
    world_mismatch(&w, AT(11), MISMATCH_IC_COMPATIBLE, 4010, EXCHANGE);
    world_mismatch(&w, AT(12), MISMATCH_DEVICE_COMPATIBLE, 23014, "Display");
    o = world_poll(&w, AT(13), NULL, NULL);
    obs_int(o, ATTR_VM_IS_STATE, 2);
    world_component(o, IC_HEARTBEAT, 2, 3, 32775);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    world_free(&w);
}
END_TEST

START_TEST(row_2_linux_with_4000_or_status_7_is_incompatible)
{
    struct observation *o;

    world_start(&w);
    world_linux(&w, AT(10), "3.1");
    world_mismatch(&w, AT(11), MISMATCH_IC_INCOMPATIBLE, 4000, EXCHANGE);
    expect(&w, DRIFT_INCOMPATIBLE, 2);
    world_free(&w);
    world_start(&w);
    world_linux(&w, AT(10), "3.1");
    o = world_poll(&w, AT(13), NULL, NULL);
    world_component(o, IC_VSS, 2, 7, 0);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_INCOMPATIBLE, 2);
    world_free(&w);
}
END_TEST

START_TEST(row_2_freebsd_is_told_apart_by_name)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, "3.0");
    obs_str(o, ATTR_KVP_PREFIX "OSName", "FreeBSD");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "amd64");
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    ck_assert_int_eq(w.v.family, FAMILY_BSD);
    world_free(&w);
}
END_TEST

/* ---- row 3 -------------------------------------------------------------- */

START_TEST(row_3_events_of_what_does_not_work_make_it_incompatible)
{
    static const struct {
        enum mismatch_signal signal;
        int id;
    } events[] = { { MISMATCH_IC_INCOMPATIBLE, 4000 },
                   { MISMATCH_DEVICE_INCOMPATIBLE, 23012 },
                   { MISMATCH_DEVICE_INCOMPATIBLE, 26 },
                   { MISMATCH_DEVICE_INCOMPATIBLE, 3 } };

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        world_start(&w);
        world_windows(&w, AT(10), WIN2012R2, E6);
        world_mismatch(&w, AT(11), events[i].signal, events[i].id, HEARTBEAT);
        expect(&w, DRIFT_INCOMPATIBLE, 3);
        ck_assert_int_eq(w.v.kept.since, AT(11));
        world_free(&w);
    }
}
END_TEST

START_TEST(row_3_status_7_of_any_component_makes_it_incompatible)
{
    for (int c = 0; c < IC_COUNT; c++) {
        struct observation *o;

        world_start_2016(&w);
        o = world_poll(&w, AT(10), WIN2022, "10.0.20348.2322");
        world_component(o, (enum ic_component)c, 2, 7, 32775);
        world_apply(&w, HOST, o);
        expect(&w, DRIFT_INCOMPATIBLE, 3);
        world_free(&w);
    }
}
END_TEST

/* ---- row 4 -------------------------------------------------------------- */

START_TEST(row_4_without_a_version_the_exchange_service_says_why)
{
    static const struct {
        int enabled, status;
        const char *why;
    } cases[] = { { 2, 12, "no contact" }, { 2, 13, "lost contact" }, { 3, 0, "switched off" } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observation *o;

        world_start(&w);
        o = world_poll(&w, AT(10), NULL, NULL);
        world_component(o, IC_KVP, cases[i].enabled, cases[i].status, 0);
        world_apply(&w, HOST, o);
        expect(&w, DRIFT_UNKNOWN, 4);
        ck_assert_ptr_nonnull(strstr(w.v.reason, cases[i].why));
        world_free(&w);
    }
}
END_TEST

START_TEST(row_4_a_silent_heartbeat_counts_where_the_exchange_was_not_polled)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, NULL);
    world_component(o, IC_HEARTBEAT, 2, 12, 0);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_UNKNOWN, 4);
    world_free(&w);
}
END_TEST

START_TEST(row_4_a_version_of_this_boot_outlives_a_lost_contact_and_is_stale)
{
    struct observation *o;

    world_start(&w);
    world_change(&w, AT(5), "started");
    world_windows(&w, AT(10), WIN2012R2, E6);
    o = world_poll(&w, AT(20), NULL, NULL);
    world_component(o, IC_KVP, 2, 13, 0);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(w.v.kept.stale);
    world_change(&w, AT(30), "reset");
    o = world_poll(&w, AT(40), NULL, NULL);
    world_component(o, IC_KVP, 2, 12, 0);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_UNKNOWN, 4);
    world_free(&w);
}
END_TEST

/* ---- row 5 -------------------------------------------------------------- */

START_TEST(row_5_a_host_that_does_not_say_what_it_expects_leaves_it_unknown)
{
    static const char *const missing[] = { "", "none", "6.3", "6.3.9600.18692.1", "0.0.0.0" };

    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        world_start(&w);
        world_host(&w, "6.3.9600.20778", missing[i], E5);
        world_windows(&w, AT(10), WIN2012R2, E6);
        expect(&w, DRIFT_UNKNOWN, 5);
        world_free(&w);
    }
}
END_TEST

START_TEST(row_5_a_guest_of_5x_needs_the_value_for_5x)
{
    world_start(&w);
    world_host(&w, "6.3.9600.20778", E6, "");
    world_windows(&w, AT(10), "5.2.3790", E6);
    expect(&w, DRIFT_UNKNOWN, 5);
    world_host(&w, "6.1.7601.17514", "6.1.7601.17514", "");
    world_windows(&w, AT(20), "5.2.3790", "6.1.7601.17514");
    expect(&w, DRIFT_CURRENT, 6); /* 2008 R2 has one value, for all guests */
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, row_1_a_vm_that_is_off_keeps_its_state_and_is_stale);
    suite_test(s, row_1_every_power_state_but_running_keeps_the_state);
    suite_test(s, row_1_a_vm_never_seen_running_is_unknown_and_not_current);
    suite_test(s, row_1_a_removed_vm_keeps_its_state);
    suite_test(s, row_2_linux_is_not_applicable_whatever_its_number);
    suite_test(s, row_2_linux_with_4010_23014_a_mismatch_and_state_2_is_still_not_applicable);
    suite_test(s, row_2_linux_with_4000_or_status_7_is_incompatible);
    suite_test(s, row_2_freebsd_is_told_apart_by_name);
    suite_test(s, row_3_events_of_what_does_not_work_make_it_incompatible);
    suite_test(s, row_3_status_7_of_any_component_makes_it_incompatible);
    suite_test(s, row_4_without_a_version_the_exchange_service_says_why);
    suite_test(s, row_4_a_silent_heartbeat_counts_where_the_exchange_was_not_polled);
    suite_test(s, row_4_a_version_of_this_boot_outlives_a_lost_contact_and_is_stale);
    suite_test(s, row_5_a_host_that_does_not_say_what_it_expects_leaves_it_unknown);
    suite_test(s, row_5_a_guest_of_5x_needs_the_value_for_5x);
}

int main(void)
{
    return suite_main("model: the first rows of drift", add);
}
