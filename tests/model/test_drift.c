/* Every row of the decision table C.4, and the borders between them. */
#include "tests/model/support_world.h"

#include <string.h>

static struct world w;

#define HEARTBEAT "Hyper-V Heartbeat"
#define EXCHANGE  "Hyper-V Data Exchange"
#define E6        "6.3.9600.18692"
#define E5        "6.3.9600.18339"
#define BELOW     "6.3.9600.18691"
#define ABOVE     "6.3.9600.18693"
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

/* ---- rows 6 to 9 -------------------------------------------------------- */

START_TEST(row_6_equal_versions_are_current)
{
    static const char *const hosts[] = { "6.0.6002.18005", "6.1.7601.17514", "6.2.9200.16384", "6.3.9600.20778" };

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        world_start(&w);
        world_host(&w, hosts[i], E6, E5);
        world_windows(&w, AT(10), WIN2012R2, E6);
        expect(&w, DRIFT_CURRENT, 6);
        ck_assert_str_eq(w.v.expected_version, E6);
        ck_assert_str_eq(w.v.guest_version, E6);
        ck_assert_int_eq(w.v.kept.since, AT(10));
        world_free(&w);
    }
}
END_TEST

START_TEST(row_6_a_guest_of_5x_is_compared_with_the_value_for_5x)
{
    world_start(&w);
    world_windows(&w, AT(10), "5.1.2600", E5);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert_str_eq(w.v.expected_version, E5);
    world_windows(&w, AT(20), "5.1.2600", E6);
    expect(&w, DRIFT_NEWER_THAN_HOST, 9);
    world_free(&w);
}
END_TEST

START_TEST(row_6_equal_versions_with_an_older_protocol_are_current_and_disagree)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    world_mismatch(&w, AT(11), MISMATCH_IC_COMPATIBLE, 4010, HEARTBEAT);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(world_has_evidence(&w, "disagreement: "));
    ck_assert(world_has_evidence(&w, "event 4010 (ic-compatible) " HEARTBEAT ": message negotiated 4.0 expected 5.0"));
    world_free(&w);
}
END_TEST

START_TEST(row_7_an_older_guest_with_an_older_protocol_is_behind_protocol)
{
    static const struct {
        enum mismatch_signal signal;
        int id;
    } events[] = { { MISMATCH_IC_COMPATIBLE, 4010 },
                   { MISMATCH_DEVICE_COMPATIBLE, 23014 },
                   { MISMATCH_DEVICE_COMPATIBLE, 27 } };

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        world_start(&w);
        world_windows(&w, AT(10), WIN2012R2, BELOW);
        world_mismatch(&w, AT(11), events[i].signal, events[i].id, HEARTBEAT);
        expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
        ck_assert_int_eq(w.v.kept.since, AT(11));
        world_free(&w);
    }
}
END_TEST

START_TEST(row_7_a_component_can_tell_of_the_older_protocol)
{
    static const int statuses[][2] = { { 3, 0 }, { 2, 32775 }, { 3, 32775 } };

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct observation *o;

        world_start(&w);
        o = world_poll(&w, AT(10), WIN2012R2, BELOW);
        world_component(o, IC_SHUTDOWN, 2, statuses[i][0], statuses[i][1]);
        world_apply(&w, HOST, o);
        expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
        world_free(&w);
    }
}
END_TEST

START_TEST(row_7_event_4130_of_a_2008_r2_host_is_behind_protocol)
{
    world_start(&w);
    world_host(&w, "6.1.7601.17514", "6.1.7601.17514", "");
    world_windows(&w, AT(10), "6.1.7600", "6.1.7600.16385");
    expect(&w, DRIFT_BEHIND, 8);
    world_mismatch(&w, AT(11), MISMATCH_KVP_OLDER, 4130, EXCHANGE);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
    world_free(&w);
}
END_TEST

START_TEST(row_8_one_revision_below_is_behind)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert(!world_has_evidence(&w, "disagreement"));
    world_free(&w);
}
END_TEST

START_TEST(row_8_is_compared_by_numbers_and_not_by_text)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, "6.3.9600.9999");
    expect(&w, DRIFT_BEHIND, 8);
    world_free(&w);
}
END_TEST

START_TEST(row_8_with_state_1_the_signals_disagree)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), WIN2012R2, BELOW);
    obs_int(o, ATTR_VM_IS_STATE, 1);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert(world_has_evidence(&w, "disagreement: the version is older"));
    world_free(&w);
}
END_TEST

START_TEST(row_9_one_revision_above_is_newer_than_the_host)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, ABOVE);
    expect(&w, DRIFT_NEWER_THAN_HOST, 9);
    world_windows(&w, AT(20), WIN2022, "10.0.20348.1");
    expect(&w, DRIFT_NEWER_THAN_HOST, 9);
    world_free(&w);
}
END_TEST

/* ---- rows 10 to 12 ------------------------------------------------------ */

static void peer(const char *os_version, const char *is_version)
{
    struct version os, is;

    ck_assert_int_ge(version_parse(os_version, &os), 3);
    ck_assert_int_eq(version_parse(is_version, &is), 4);
    drift_peers_put(w.peers, &os, &is);
}

START_TEST(row_10_the_highest_of_its_build_is_current)
{
    world_start_2016(&w);
    world_windows(&w, AT(10), WIN2022, "10.0.20348.2322");
    expect(&w, DRIFT_CURRENT, 10);
    peer(WIN2022, "10.0.20348.2322");
    expect(&w, DRIFT_CURRENT, 10);
    ck_assert_str_eq(w.v.expected_version, "10.0.20348.2322");
    world_free(&w);
}
END_TEST

START_TEST(row_10_below_a_peer_of_the_same_build_is_behind_its_peers)
{
    world_start_2016(&w);
    world_windows(&w, AT(10), WIN2022, "10.0.20348.2321");
    peer(WIN2022, "10.0.20348.2322");
    expect(&w, DRIFT_INBOX_BEHIND_PEERS, 10);
    ck_assert_str_eq(w.v.expected_version, "10.0.20348.2322");
    world_free(&w);
}
END_TEST

START_TEST(row_10_peers_of_another_build_and_the_host_do_not_matter)
{
    world_start_2016(&w);
    world_windows(&w, AT(10), "10.0.14393", "10.0.14393.0");
    peer(WIN2022, "10.0.20348.2322");
    expect(&w, DRIFT_CURRENT, 10);
    world_free(&w);
}
END_TEST

START_TEST(row_10_a_guest_cannot_make_its_peers_look_old)
{
    struct version os;

    world_start_2016(&w);
    version_parse(WIN2022, &os);
    world_windows(&w, AT(10), WIN2022, "99.0.0.0");
    ck_assert(!drift_peers_add(w.peers, &w.g));
    expect(&w, DRIFT_UNKNOWN, 14);
    world_windows(&w, AT(20), WIN2022, "10.0.20349.0");
    ck_assert(!drift_peers_add(w.peers, &w.g));
    world_windows(&w, AT(30), WIN2022, "10.0.20348.65536");
    ck_assert(!drift_peers_add(w.peers, &w.g));
    ck_assert_ptr_null(drift_peers_highest(w.peers, &os));
    world_windows(&w, AT(40), WIN2022, "10.0.20348.2322");
    ck_assert(drift_peers_add(w.peers, &w.g));
    ck_assert(!drift_peers_add(w.peers, &w.g));
    ck_assert_uint_eq(drift_peers_highest(w.peers, &os)->part[3], 2322);
    world_free(&w);
}
END_TEST

START_TEST(row_11_the_floor_decides_for_guests_of_6_1_to_6_3)
{
    static const struct {
        const char *os, *is;
        enum drift_state state;
    } cases[] = {
        { "6.1.7601", "6.3.9600.18907", DRIFT_CURRENT }, { "6.1.7601", "6.3.9600.18906", DRIFT_BEHIND },
        { "6.2.9200", "6.3.9600.18080", DRIFT_CURRENT }, { "6.2.9200", "6.3.9600.18079", DRIFT_BEHIND },
        { "6.3.9600", "6.3.9600.18907", DRIFT_CURRENT }, { "6.3.9600", "6.3.9600.18080", DRIFT_BEHIND },
        { "6.3.9600", "6.3.9600.19999", DRIFT_CURRENT },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_start_2016(&w);
        world_windows(&w, AT(10), cases[i].os, cases[i].is);
        expect(&w, cases[i].state, 11);
        world_free(&w);
    }
}
END_TEST

START_TEST(row_11_the_floors_can_be_set)
{
    struct drift_floors floors = drift_floors_default();

    world_start_2016(&w);
    world_windows(&w, AT(10), "6.3.9600", "6.3.9600.18907");
    floors.win61_63.part[3] = 20000;
    drift_evaluate(&w.h, &w.g, NULL, &floors, &w.v);
    ck_assert_int_eq(w.v.kept.state, DRIFT_BEHIND);
    ck_assert_str_eq(w.v.expected_version, "6.3.9600.20000");
    world_free(&w);
}
END_TEST

START_TEST(row_11_a_protocol_mismatch_alone_is_behind_protocol)
{
    struct observation *o;

    world_start_2016(&w);
    o = world_poll(&w, AT(10), "6.3.9600", "6.3.9600.18907");
    world_component(o, IC_TIMESYNC, 2, 2, 32775);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 11);
    world_free(&w);
}
END_TEST

START_TEST(row_12_windows_6_0_and_older_are_behind_whatever_they_say)
{
    static const char *const systems[] = { "6.0.6002", "5.2.3790", "5.1.2600" };

    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        world_start_2016(&w);
        world_windows(&w, AT(10), systems[i], "6.3.9600.18907");
        expect(&w, DRIFT_BEHIND, 12);
        world_windows(&w, AT(20), systems[i], "");
        expect(&w, DRIFT_BEHIND, 12);
        world_free(&w);
    }
}
END_TEST

/* ---- rows 13 and 14 ----------------------------------------------------- */

START_TEST(row_13_a_mismatch_without_a_version_is_behind_protocol)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), WIN2012R2, "");
    world_component(o, IC_HEARTBEAT, 2, 2, 32775);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 13);
    world_free(&w);
    world_start_2016(&w);
    o = world_poll(&w, AT(10), WIN2022, "");
    obs_int(o, ATTR_VM_IS_STATE, 2);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 13);
    world_free(&w);
}
END_TEST

START_TEST(row_14_what_cannot_be_parsed_is_unknown)
{
    static const char *const versions[] = {
        "abc", "6.3.9600", "6.3.9600.18692 ", "6,3,9600,18692", "-1.0.0.0", "6.3.9600.99999999999"
    };

    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        world_start(&w);
        world_windows(&w, AT(10), WIN2012R2, versions[i]);
        expect(&w, DRIFT_UNKNOWN, 14);
        ck_assert(world_has_evidence(&w, versions[i]));
        world_free(&w);
    }
}
END_TEST

START_TEST(row_14_nothing_is_current_by_default)
{
    world_start(&w);
    expect(&w, DRIFT_UNKNOWN, 14);
    ck_assert(w.v.kept.stale);
    world_change(&w, AT(10), "started");
    expect(&w, DRIFT_UNKNOWN, 14);
    world_apply(&w, HOST, world_poll(&w, AT(20), NULL, NULL));
    expect(&w, DRIFT_UNKNOWN, 14);
    drift_evaluate(NULL, &w.g, NULL, NULL, &w.v);
    ck_assert_int_eq(w.v.kept.state, DRIFT_UNKNOWN);
    world_free(&w);
}
END_TEST

START_TEST(row_14_a_host_of_unknown_version_leaves_it_unknown)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    world_host(&w, "", E6, E5);
    expect(&w, DRIFT_UNKNOWN, 14);
    world_host(&w, "5.15.0", E6, E5);
    expect(&w, DRIFT_UNKNOWN, 14);
    drift_evaluate(NULL, &w.g, NULL, NULL, &w.v);
    ck_assert_int_eq(w.v.kept.state, DRIFT_UNKNOWN);
    world_free(&w);
}
END_TEST

START_TEST(row_14_a_version_without_an_operating_system_is_not_a_windows_guest_on_2016)
{
    world_start_2016(&w);
    world_apply(&w, HOST, world_poll(&w, AT(10), NULL, "10.0.20348.2322"));
    expect(&w, DRIFT_UNKNOWN, 14);
    world_free(&w);
    world_start(&w);
    world_apply(&w, HOST, world_poll(&w, AT(10), NULL, "4.3.5.0"));
    expect(&w, DRIFT_UNKNOWN, 14);
    world_free(&w);
}
END_TEST

/* ---- which events count ------------------------------------------------- */

static enum drift_state state_with_event_at(int64_t event, void (*then)(void))
{
    world_start(&w);
    world_windows(&w, AT(1000), WIN2012R2, E6);
    world_mismatch(&w, event, MISMATCH_IC_INCOMPATIBLE, 4000, HEARTBEAT);
    then();
    world_judge(&w);
    world_free(&w);
    return w.v.kept.state;
}

static void restarted(void)
{
    world_change(&w, AT(500), "started");
}

static void reset(void)
{
    world_change(&w, AT(500), "reset");
}

static void restored(void)
{
    world_change(&w, AT(500), "restored");
}

static void resumed(void)
{
    world_change(&w, AT(500), "resumed");
}

static void came_by_migration(void)
{
    world_received(&w, HOST, AT(500));
}

static void started_then_came(void)
{
    world_change(&w, AT(450), "started");
    world_received(&w, HOST, AT(500));
}

static void host_booted(void)
{
    w.h.facts.boot_time = AT(500);
}

START_TEST(events_from_before_the_guest_connected_do_not_count)
{
    ck_assert_int_eq(state_with_event_at(AT(499), restarted), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(500), restarted), DRIFT_INCOMPATIBLE);
    ck_assert_int_eq(state_with_event_at(AT(499), reset), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(499), restored), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(499), resumed), DRIFT_INCOMPATIBLE);
}
END_TEST

START_TEST(events_up_to_two_minutes_before_an_arrival_count)
{
    ck_assert_int_eq(state_with_event_at(AT(501), came_by_migration), DRIFT_INCOMPATIBLE);
    ck_assert_int_eq(state_with_event_at(AT(380), came_by_migration), DRIFT_INCOMPATIBLE);
    ck_assert_int_eq(state_with_event_at(AT(379), came_by_migration), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(449), started_then_came), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(451), started_then_came), DRIFT_INCOMPATIBLE);
}
END_TEST

START_TEST(events_from_before_the_host_booted_do_not_count)
{
    ck_assert_int_eq(state_with_event_at(AT(499), host_booted), DRIFT_CURRENT);
    ck_assert_int_eq(state_with_event_at(AT(500), host_booted), DRIFT_INCOMPATIBLE);
}
END_TEST

START_TEST(events_that_another_host_logged_do_not_count)
{
    struct observation *o;

    world_start(&w);
    world_mismatch(&w, AT(10), MISMATCH_IC_INCOMPATIBLE, 4000, HEARTBEAT);
    world_received(&w, "host-2", AT(20));
    o = world_poll(&w, AT(30), WIN2012R2, E6);
    world_apply(&w, "host-2", o);
    memcpy(w.h.facts.host_id, "host-2", sizeof "host-2");
    expect(&w, DRIFT_CURRENT, 6);
    world_free(&w);
}
END_TEST

START_TEST(event_4020_clears_4010_and_4000_of_its_own_service_only)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    world_mismatch(&w, AT(20), MISMATCH_IC_COMPATIBLE, 4010, HEARTBEAT);
    world_all_clear(&w, AT(21), EXCHANGE);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
    world_all_clear(&w, AT(19), HEARTBEAT);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
    world_all_clear(&w, AT(22), HEARTBEAT);
    expect(&w, DRIFT_BEHIND, 8);
    world_mismatch(&w, AT(23), MISMATCH_DEVICE_COMPATIBLE, 23014, HEARTBEAT);
    world_all_clear(&w, AT(24), HEARTBEAT);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
    world_free(&w);
}
END_TEST

/* ---- since and stale ---------------------------------------------------- */

START_TEST(since_is_carried_on_while_the_state_stays_and_new_when_it_changes)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert_int_eq(w.v.kept.since, AT(10));
    w.g.drift = w.v.kept;
    world_windows(&w, AT(50), WIN2012R2, "6.3.9600.18690");
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert_int_eq(w.v.kept.since, AT(10));
    w.g.drift = w.v.kept;
    world_windows(&w, AT(90), WIN2012R2, E6);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert_int_eq(w.v.kept.since, AT(90));
    w.g.drift = w.v.kept;
    world_host(&w, "6.3.9600.20778", ABOVE, E5);
    w.h.is_since = AT(200);
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert_int_eq(w.v.kept.since, AT(200));
    world_free(&w);
}
END_TEST

START_TEST(a_move_to_a_newer_host_makes_the_guest_behind_since_then)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    expect(&w, DRIFT_CURRENT, 6);
    w.g.drift = w.v.kept;
    world_received(&w, "host-2", AT(100));
    world_host(&w, "6.3.9600.20778", "6.3.9600.18907", E5);
    memcpy(w.h.facts.host_id, "host-2", sizeof "host-2");
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert_int_eq(w.v.kept.since, AT(100));
    ck_assert(w.v.kept.stale); /* nobody has polled it there yet */
    world_free(&w);
}
END_TEST

START_TEST(a_poll_of_the_host_confirms_a_guest_that_did_not_change)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    world_change(&w, AT(100), "reset");
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(w.v.kept.stale);
    w.h.last_poll = AT(200);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(!w.v.kept.stale);
    world_free(&w);
}
END_TEST

START_TEST(an_inventory_three_days_older_than_its_hosts_poll_is_stale)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    w.h.last_poll = AT(10 + 3 * 86400);
    world_judge(&w);
    ck_assert(!w.v.kept.stale);
    w.h.last_poll = AT(11 + 3 * 86400);
    world_judge(&w);
    ck_assert(w.v.kept.stale);
    world_free(&w);
}
END_TEST

/* ---- what to do --------------------------------------------------------- */

START_TEST(the_action_fits_the_guests_operating_system_and_its_host)
{
    static const struct {
        const char *host, *guest, *is, *action;
    } cases[] = {
        { "6.3.9600.20778", "6.3.9600", BELOW, "Setup Disk" },
        { "6.3.9600.20778", "10.0.14393", "6.3.9600.18000", "Windows updates" },
        { "6.2.9200.16384", "10.0.14393", "6.3.9600.18000", "Setup Disk" },
        { "10.0.20348.1", "6.3.9600", "6.3.9600.16384", "KB4072650" },
        { "10.0.20348.1", "6.1.7601", "6.3.9600.16384", "KB4072650" },
        { "10.0.20348.1", "6.2.9200", "6.3.9600.16384", "KB3063109" },
        { "10.0.20348.1", "6.0.6002", "6.3.9600.16384", "newer Windows" },
        { "10.0.20348.1", "10.0.20348", "10.0.20348.1", "Nothing to do." },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_start(&w);
        world_host(&w, cases[i].host, E6, E5);
        world_windows(&w, AT(10), cases[i].guest, cases[i].is);
        world_judge(&w);
        ck_assert_msg(strstr(w.v.action, cases[i].action) != NULL, "%s on %s: %s", cases[i].guest, cases[i].host,
                      w.v.action);
        world_free(&w);
    }
}
END_TEST

START_TEST(every_row_has_a_title_and_hostile_values_stay_within_their_bounds)
{
    char big[600];
    struct observation *o;

    for (int row = 1; row <= DRIFT_ROWS; row++)
        ck_assert_str_ne(drift_row_title(row), "");
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    world_start(&w);
    world_windows(&w, AT(10), big, big);
    world_mismatch(&w, AT(11), MISMATCH_IC_COMPATIBLE, 4010, big);
    for (int c = 0; c < IC_COUNT; c++) {
        o = world_poll(&w, AT(12 + c), big, big);
        world_component(o, (enum ic_component)c, 3, 3, 32775);
        obs_int(o, ATTR_VM_IS_STATE, 2);
        world_apply(&w, HOST, o);
    }
    world_judge(&w);
    ck_assert_uint_lt(strlen(w.v.reason), DRIFT_REASON_MAX);
    ck_assert_int_eq(w.v.evidence_count, DRIFT_EVIDENCE_MAX);
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
    suite_test(s, row_6_equal_versions_are_current);
    suite_test(s, row_6_a_guest_of_5x_is_compared_with_the_value_for_5x);
    suite_test(s, row_6_equal_versions_with_an_older_protocol_are_current_and_disagree);
    suite_test(s, row_7_an_older_guest_with_an_older_protocol_is_behind_protocol);
    suite_test(s, row_7_a_component_can_tell_of_the_older_protocol);
    suite_test(s, row_7_event_4130_of_a_2008_r2_host_is_behind_protocol);
    suite_test(s, row_8_one_revision_below_is_behind);
    suite_test(s, row_8_is_compared_by_numbers_and_not_by_text);
    suite_test(s, row_8_with_state_1_the_signals_disagree);
    suite_test(s, row_9_one_revision_above_is_newer_than_the_host);
    suite_test(s, row_10_the_highest_of_its_build_is_current);
    suite_test(s, row_10_below_a_peer_of_the_same_build_is_behind_its_peers);
    suite_test(s, row_10_peers_of_another_build_and_the_host_do_not_matter);
    suite_test(s, row_10_a_guest_cannot_make_its_peers_look_old);
    suite_test(s, row_11_the_floor_decides_for_guests_of_6_1_to_6_3);
    suite_test(s, row_11_the_floors_can_be_set);
    suite_test(s, row_11_a_protocol_mismatch_alone_is_behind_protocol);
    suite_test(s, row_12_windows_6_0_and_older_are_behind_whatever_they_say);
    suite_test(s, row_13_a_mismatch_without_a_version_is_behind_protocol);
    suite_test(s, row_14_what_cannot_be_parsed_is_unknown);
    suite_test(s, row_14_nothing_is_current_by_default);
    suite_test(s, row_14_a_host_of_unknown_version_leaves_it_unknown);
    suite_test(s, row_14_a_version_without_an_operating_system_is_not_a_windows_guest_on_2016);
    suite_test(s, events_from_before_the_guest_connected_do_not_count);
    suite_test(s, events_up_to_two_minutes_before_an_arrival_count);
    suite_test(s, events_from_before_the_host_booted_do_not_count);
    suite_test(s, events_that_another_host_logged_do_not_count);
    suite_test(s, event_4020_clears_4010_and_4000_of_its_own_service_only);
    suite_test(s, since_is_carried_on_while_the_state_stays_and_new_when_it_changes);
    suite_test(s, a_move_to_a_newer_host_makes_the_guest_behind_since_then);
    suite_test(s, a_poll_of_the_host_confirms_a_guest_that_did_not_change);
    suite_test(s, an_inventory_three_days_older_than_its_hosts_poll_is_stale);
    suite_test(s, the_action_fits_the_guests_operating_system_and_its_host);
    suite_test(s, every_row_has_a_title_and_hostile_values_stay_within_their_bounds);
}

int main(void)
{
    return suite_main("model: drift", add);
}
