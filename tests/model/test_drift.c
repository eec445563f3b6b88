/* Rows 6 to 14 of the decision table C.4, and the borders between them: versions are compared, or can not be.
 * test_drift_first_rows.c has those before them. */
#include "tests/model/support_world.h"

static struct world w;

#define HEARTBEAT "Hyper-V Heartbeat"
#define EXCHANGE  "Hyper-V Data Exchange"
#define E6        "6.3.9600.18692"
#define E5        "6.3.9600.18339"
#define BELOW     "6.3.9600.18691"
#define ABOVE     "6.3.9600.18693"
#define WIN2012R2 "6.3.9600"
#define WIN2022   "10.0.20348"

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

static void add(Suite *s)
{
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
}

int main(void)
{
    return suite_main("model: drift", add);
}
