/* The signals below a verdict: which of several decides, what the lines of the evidence say, and what a person is
 * told to do about each state on each kind of host. */
#include "base/text.h"
#include "tests/model/support_world.h"

#include <string.h>

static struct world w;

#define HEARTBEAT "Hyper-V Heartbeat"
#define E6        "6.3.9600.18692"
#define E5        "6.3.9600.18339"
#define BELOW     "6.3.9600.18691"
#define WIN2012R2 "6.3.9600"
#define WIN2022   "10.0.20348"

#define assert_evidence(part) \
    ck_assert_msg(world_has_evidence(&w, part), "no '%s' below '%s', %s ...", part, w.v.reason, w.v.evidence[0])

static void says(const char *reason)
{
    ck_assert_str_eq(w.v.reason, reason);
}

/* One poll that holds a component's status, and no KVP items. */
static void component(int64_t t, enum ic_component c, int enabled, int status0, int status1)
{
    struct observation *o = world_poll(&w, t, NULL, NULL);

    world_component(o, c, enabled, status0, status1);
    world_apply(&w, HOST, o);
}

/* ---- which signal decides ----------------------------------------------- */

START_TEST(of_two_events_of_one_signal_the_newest_decides_whatever_its_service)
{
    static const struct {
        int64_t heartbeat, vss;
        const char *named;
    } cases[] = { { 20, 30, "of Hyper-V VSS" }, { 30, 20, "of " HEARTBEAT }, { 20, 20, "of " HEARTBEAT } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_start(&w);
        world_windows(&w, AT(10), WIN2012R2, E6);
        world_mismatch(&w, AT(cases[i].heartbeat), MISMATCH_IC_INCOMPATIBLE, 4000, HEARTBEAT);
        world_mismatch(&w, AT(cases[i].vss), MISMATCH_IC_INCOMPATIBLE, 4000, "Hyper-V VSS");
        expect(&w, DRIFT_INCOMPATIBLE, 3);
        ck_assert_msg(strstr(w.v.reason, cases[i].named) != NULL, "%s", w.v.reason);
        ck_assert_int_eq(w.v.kept.since, AT(cases[i].heartbeat > cases[i].vss ? cases[i].heartbeat : cases[i].vss));
        world_free(&w);
    }
}
END_TEST

START_TEST(an_event_without_a_service_is_named_by_its_number_alone)
{
    struct observation *o;

    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    o = world_observe(&w, OBS_GUEST_VERSION_MISMATCH, AT(20));
    obs_str(o, ATTR_MISMATCH_SIGNAL, "device-incompatible");
    obs_int(o, ATTR_EVENT_ID, 3);
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_INCOMPATIBLE, 3);
    says("event 3 says that a service or device of the guest does not work with this host");
    assert_evidence("event 3 (device-incompatible) (2024-01-31T08:00:20Z)");
    world_free(&w);
}
END_TEST

START_TEST(an_all_clear_that_another_host_logged_clears_nothing)
{
    struct observation *o;

    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    world_mismatch(&w, AT(20), MISMATCH_IC_COMPATIBLE, 4010, HEARTBEAT);
    o = world_observe(&w, OBS_GUEST_VERSION_OK, AT(21));
    obs_str(o, ATTR_IC_SERVICE, HEARTBEAT);
    world_apply(&w, "host-2", o);
    world_windows(&w, AT(30), WIN2012R2, BELOW);
    ck_assert_str_eq(w.g.host_id, HOST);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7);
    world_all_clear(&w, AT(20), HEARTBEAT);
    expect(&w, DRIFT_BEHIND_PROTOCOL, 7); /* one place a service: the newer all-clear is the other host's */
    world_all_clear(&w, AT(22), HEARTBEAT);
    expect(&w, DRIFT_BEHIND, 8);
    world_free(&w);
}
END_TEST

START_TEST(row_4_believes_the_heartbeat_where_the_exchange_says_neither_on_nor_off)
{
    world_start(&w);
    component(AT(10), IC_KVP, 0, 0, 1);
    component(AT(10), IC_HEARTBEAT, 2, 12, 0);
    expect(&w, DRIFT_UNKNOWN, 4);
    says("component heartbeat has no contact with the guest (EnabledState 2, OperationalStatus 12),"
         " so the guest's version is not known");
    world_free(&w);
}
END_TEST

START_TEST(row_4_needs_a_reason_and_a_working_exchange_is_none)
{
    world_start(&w);
    component(AT(10), IC_HEARTBEAT, 2, 12, 0);
    component(AT(10), IC_KVP, 2, 2, 0);
    expect(&w, DRIFT_UNKNOWN, 14);
    says("the newest poll since the guest started holds no version of its integration services");
    world_free(&w);
}
END_TEST

/* ---- borders of the rows ------------------------------------------------ */

START_TEST(row_1_a_guest_kept_as_unknown_is_judged_by_what_was_known_when_it_ran)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    w.g.drift = (struct drift_kept){ .state = DRIFT_UNKNOWN, .row = 14, .since = AT(1) };
    world_change(&w, AT(100), "shut-down");
    expect(&w, DRIFT_BEHIND, 1);
    says("the VM is off (2024-01-31T08:01:40Z); from when it ran: the guest has " BELOW ", older than the " E6
         " its host expects; the protocols still fit");
    ck_assert_int_eq(w.v.kept.since, AT(10));
    world_free(&w);
}
END_TEST

START_TEST(row_2_a_guest_known_as_linux_by_its_architecture_needs_no_name)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, "3.1");
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "x86_64");
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    says("the guest runs linux, whose integration services are not the host's");
    world_linux(&w, AT(20), "3.1");
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    says("the guest runs linux (Ubuntu), whose integration services are not the host's");
    world_free(&w);
}
END_TEST

START_TEST(row_2_a_dragonfly_is_a_bsd)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, "3.0");
    obs_str(o, ATTR_KVP_PREFIX "OSName", "DragonFly");
    world_apply(&w, HOST, o);
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    ck_assert_int_eq(w.v.family, FAMILY_BSD);
    world_free(&w);
}
END_TEST

/* What a guest of a 2016 or later host must say to be judged at all. */
START_TEST(rows_10_to_12_leave_a_guest_unknown_whose_words_cannot_be)
{
    static const struct {
        const char *os, *is;
    } cases[] = {
        { WIN2022, "10.1.20348.1" },     { WIN2022, "11.0.20348.1" },  { WIN2022, "10.0.20349.1" },
        { WIN2022, "10.0.20348.65536" }, { "6.4.9841", "6.4.9841.1" }, { "7.0.1", "7.0.1.1" },
        { "6.3.9600", "6.3.9600" },      { "twelve", "10.0.20348.1" }, { "10", "10.0.20348.1" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_start_2016(&w);
        world_windows(&w, AT(10), cases[i].os, cases[i].is);
        expect(&w, DRIFT_UNKNOWN, 14);
        world_free(&w);
    }
    world_start_2016(&w);
    world_windows(&w, AT(10), WIN2022, "10.0.20348.65535");
    expect(&w, DRIFT_CURRENT, 10);
    world_free(&w);
}
END_TEST

START_TEST(row_12_a_guest_of_6_0_that_says_nothing_is_behind_all_the_same)
{
    world_start_2016(&w);
    world_apply(&w, HOST, world_poll(&w, AT(10), "6.0.6002", NULL));
    expect(&w, DRIFT_BEHIND, 12);
    says("Windows 6.0 is not supported as a guest of this host, whatever its version (not known)");
    world_windows(&w, AT(20), "6.0.6002", "6.0.6002.18005");
    expect(&w, DRIFT_BEHIND, 12);
    says("Windows 6.0 is not supported as a guest of this host, whatever its version (6.0.6002.18005)");
    world_free(&w);
}
END_TEST

START_TEST(row_14_a_guest_of_6_1_without_a_version_is_unknown)
{
    world_start_2016(&w);
    world_apply(&w, HOST, world_poll(&w, AT(10), "6.1.7601", NULL));
    expect(&w, DRIFT_UNKNOWN, 14);
    says("the newest poll since the guest started holds no version of its integration services");
    world_free(&w);
}
END_TEST

START_TEST(a_kept_state_without_a_time_takes_the_time_of_what_decided)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, BELOW);
    w.g.drift = (struct drift_kept){ .state = DRIFT_BEHIND, .row = 8 };
    expect(&w, DRIFT_BEHIND, 8);
    ck_assert_int_eq(w.v.kept.since, AT(10));
    world_free(&w);
}
END_TEST

/* ---- evidence ----------------------------------------------------------- */

START_TEST(the_evidence_names_a_host_without_a_name_by_its_id)
{
    char line[DRIFT_EVIDENCE_TEXT_MAX];

    world_start(&w);
    w.h.facts.host_name[0] = '\0';
    drift_expected_line(&w.h, false, line);
    ck_assert_str_eq(line, "host " HOST " expects " E6 " (2024-01-31T08:00:00Z)");
    drift_expected_line(&w.h, true, line);
    ck_assert_str_eq(line, "host " HOST " expects " E5 " (2024-01-31T08:00:00Z)");
    w.h.facts.is_win5x[0] = '\0';
    drift_expected_line(&w.h, true, line);
    ck_assert_str_eq(line, "host " HOST " expects a version that is not known (2024-01-31T08:00:00Z)");
    world_free(&w);
}
END_TEST

START_TEST(peers_are_evidence_for_guests_of_10_0_on_hosts_of_2016_alone)
{
    static const struct {
        const char *host, *os, *highest;
        bool told;
    } cases[] = {
        { "10.0.20348.2322", WIN2022, "10.0.20348.9", true },
        { "6.3.9600.20778", WIN2022, "10.0.20348.9", false },
        { "10.0.20348.2322", WIN2012R2, "6.3.9600.19000", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct version os, highest;

        world_start_2016(&w);
        world_host(&w, cases[i].host, E6, E5);
        world_windows(&w, AT(10), cases[i].os, cases[i].os[0] == '1' ? "10.0.20348.1" : E6);
        version_parse(cases[i].os, &os);
        version_parse(cases[i].highest, &highest);
        ck_assert(drift_peers_put(w.peers, &os, &highest));
        world_judge(&w);
        ck_assert_msg(world_has_evidence(&w, "the highest version among guests") == cases[i].told, "case %zu", i);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_data_exchange_that_is_switched_off_is_evidence)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    component(AT(20), IC_KVP, 3, 0, 0);
    component(AT(20), IC_SHUTDOWN, 3, 0, 0); /* of no other component is that remarkable */
    world_judge(&w);
    assert_evidence("component kvp: EnabledState 3, OperationalStatus 0, 0 (2024-01-31T08:00:20Z)");
    ck_assert(!world_has_evidence(&w, "component shutdown"));
    component(AT(30), IC_KVP, 2, 2, 0);
    world_judge(&w);
    ck_assert(!world_has_evidence(&w, "component kvp"));
    world_free(&w);
}
END_TEST

/* A guest that is not older than its host, and one signal that says otherwise. */
START_TEST(each_signal_that_contradicts_the_version_is_a_disagreement)
{
    static const char protocol[] = "disagreement: the version is not older than the host's, yet an older protocol";
    static const struct {
        enum mismatch_signal signal;
        int status0, status1, is_state; /* instead of an event */
        const char *line;
    } cases[] = {
        { MISMATCH_IC_COMPATIBLE, 0, 0, 0, protocol },
        { MISMATCH_DEVICE_COMPATIBLE, 0, 0, 0, protocol },
        { MISMATCH_COUNT, 3, 0, 0, protocol },
        { MISMATCH_COUNT, 2, 32775, 0, protocol },
        { MISMATCH_COUNT, 0, 0, 2, "disagreement: the version is not older than the host's, yet Hyper-V reports" },
        { MISMATCH_KVP_OLDER, 0, 0, 0, "disagreement: the host logged an older installed version than the guest" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observation *o;

        world_start(&w);
        o = world_poll(&w, AT(10), WIN2012R2, E6);
        world_component(o, IC_TIMESYNC, 0, cases[i].status0, cases[i].status1);
        obs_int(o, ATTR_VM_IS_STATE, cases[i].is_state);
        world_apply(&w, HOST, o);
        if (cases[i].signal != MISMATCH_COUNT)
            world_mismatch(&w, AT(20), cases[i].signal, 1, HEARTBEAT);
        expect(&w, DRIFT_CURRENT, 6);
        assert_evidence(cases[i].line);
        world_windows(&w, AT(30), WIN2012R2, BELOW);
        world_judge(&w);
        ck_assert(!world_has_evidence(&w, "disagreement")); /* of an older guest nothing else is to be expected */
        world_free(&w);
    }
}
END_TEST

START_TEST(an_older_installed_version_of_a_linux_guest_contradicts_nothing)
{
    world_start(&w);
    world_linux(&w, AT(10), E6);
    world_mismatch(&w, AT(20), MISMATCH_KVP_OLDER, 4130, "");
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    ck_assert(!world_has_evidence(&w, "disagreement"));
    assert_evidence("event 4130 (kvp-older): message negotiated 4.0 expected 5.0");
    world_free(&w);
}
END_TEST

START_TEST(polls_of_another_host_confirm_nothing)
{
    world_start(&w);
    world_windows(&w, AT(10), WIN2012R2, E6);
    world_change(&w, AT(100), "reset");
    w.h.last_poll = AT(200);
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(!w.v.kept.stale);
    text_copy(w.h.facts.host_id, sizeof w.h.facts.host_id, "host-2");
    expect(&w, DRIFT_CURRENT, 6);
    ck_assert(w.v.kept.stale);
    world_free(&w);
}
END_TEST

START_TEST(an_older_protocol_on_a_2016_host_is_a_disagreement_for_windows_alone)
{
    world_start_2016(&w);
    world_windows(&w, AT(10), WIN2022, "10.0.20348.1");
    world_mismatch(&w, AT(20), MISMATCH_DEVICE_COMPATIBLE, 27, "");
    expect(&w, DRIFT_CURRENT, 10);
    assert_evidence("disagreement: an older protocol is in use on a host that leaves versions to Windows Update");
    world_free(&w);
    world_start_2016(&w);
    world_linux(&w, AT(10), "3.1");
    world_mismatch(&w, AT(20), MISMATCH_DEVICE_COMPATIBLE, 27, "");
    expect(&w, DRIFT_NOT_APPLICABLE, 2);
    ck_assert(!world_has_evidence(&w, "disagreement"));
    world_free(&w);
}
END_TEST

/* ---- what to do --------------------------------------------------------- */

#define HOST_2008_   "6.0.6002.18005"
#define HOST_2008R2_ "6.1.7601.17514"
#define HOST_2012_   "6.2.9200.16384"
#define HOST_2012R2_ "6.3.9600.20778"
#define HOST_2022_   "10.0.20348.2322"

/* Each way of getting integration services, and the host and guest it is right for (hyperv.md C.3). */
static const struct {
    const char *host, *guest, *way;
} ways[] = {
    { HOST_2008_, "6.0.6002", "Integration Services Setup Disk" },
    { HOST_2008R2_, "6.1.7601", "Integration Services Setup Disk" },
    { HOST_2012_, "10.0.14393", "Integration Services Setup Disk" },
    { HOST_2012R2_, "6.3.9600", "Integration Services Setup Disk" },
    { HOST_2012R2_, "", "Integration Services Setup Disk" },
    { HOST_2012R2_, "10.0.14393", "nstall the pending Windows updates" },
    { HOST_2022_, WIN2022, "nstall the pending Windows updates" },
    { HOST_2022_, "6.1.7601", "KB4072650" },
    { HOST_2022_, "6.3.9600", "KB4072650" },
    { HOST_2022_, "6.2.9200", "KB3063109" },
    { HOST_2022_, "6.0.6002", "move its work to a newer Windows" },
    { HOST_2022_, "5.2.3790", "move its work to a newer Windows" },
    { HOST_2022_, "", "find out which Windows the guest runs" },
    { "", "6.3.9600", "find out which Windows the guest runs" },
    { "", "", "find out which Windows the guest runs" },
};

static void a_windows_guest(const char *host, const char *guest)
{
    struct observation *o;

    world_start(&w);
    world_host(&w, host, E6, E5);
    o = world_poll(&w, AT(10), NULL, NULL);
    if (guest[0] != '\0')
        obs_str(o, ATTR_KVP_PREFIX "OSVersion", guest);
    obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", "9");
    world_apply(&w, HOST, o);
}

static const char *urgency(const char *action)
{
    return strncmp(action, "Now", 3) == 0 ? "Now" : strncmp(action, "Soon", 4) == 0 ? "Soon" : "in time";
}

START_TEST(each_way_of_updating_is_told_where_it_is_right_as_urgent_as_the_state_is)
{
    static const struct {
        enum drift_state state;
        const char *urgency;
    } states[] = { { DRIFT_BEHIND, "in time" }, { DRIFT_BEHIND_PROTOCOL, "Soon" }, { DRIFT_INCOMPATIBLE, "Now" } };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (size_t k = 0; k < sizeof states / sizeof *states; k++) {
            a_windows_guest(ways[i].host, ways[i].guest);
            w.g.drift = (struct drift_kept){ .state = states[k].state, .row = 8, .since = AT(1) };
            world_change(&w, AT(100), "saved"); /* row 1 keeps the state */
            expect(&w, states[k].state, 1);
            ck_assert_msg(strstr(w.v.action, ways[i].way) != NULL, "'%s' on '%s': %s", ways[i].guest, ways[i].host,
                          w.v.action);
            ck_assert_msg(strcmp(urgency(w.v.action), states[k].urgency) == 0, "%s", w.v.action);
            world_free(&w);
        }
    }
}
END_TEST

START_TEST(a_linux_guest_is_told_to_update_only_where_something_does_not_work)
{
    world_start(&w);
    world_linux(&w, AT(10), "3.1");
    world_mismatch(&w, AT(20), MISMATCH_DEVICE_INCOMPATIBLE, 26, "");
    expect(&w, DRIFT_INCOMPATIBLE, 2);
    ck_assert_str_eq(w.v.action, "Now: update the guest's kernel or its Hyper-V packages; a service or device does not"
                                 " work.");
    w.g.drift = (struct drift_kept){ .state = DRIFT_BEHIND, .row = 8, .since = AT(1) }; /* it was Windows before */
    world_change(&w, AT(30), "saved");
    expect(&w, DRIFT_BEHIND, 1);
    ck_assert_str_eq(w.v.action, "Nothing to do: the guest's package manager updates its drivers.");
    w.g.drift.state = DRIFT_BEHIND_PROTOCOL;
    expect(&w, DRIFT_BEHIND_PROTOCOL, 1);
    ck_assert_str_eq(w.v.action, "Nothing to do: Linux and BSD negotiate older protocols by design.");
    world_free(&w);
}
END_TEST

START_TEST(a_bsd_guest_is_told_the_same_as_a_linux_guest)
{
    struct observation *o;

    world_start(&w);
    o = world_poll(&w, AT(10), NULL, "3.0");
    obs_str(o, ATTR_KVP_PREFIX "OSName", "FreeBSD");
    world_apply(&w, HOST, o);
    world_mismatch(&w, AT(20), MISMATCH_DEVICE_INCOMPATIBLE, 26, "");
    expect(&w, DRIFT_INCOMPATIBLE, 2);
    ck_assert_str_eq(w.v.action, "Now: update the guest's kernel or its Hyper-V packages; a service or device does not"
                                 " work.");
    world_free(&w);
}
END_TEST

START_TEST(states_that_no_update_of_the_guest_mends_say_what_does)
{
    static const struct {
        enum drift_state state;
        const char *action;
    } cases[] = {
        { DRIFT_CURRENT, "Nothing to do." },
        { DRIFT_NEWER_THAN_HOST,
          "Nothing to do in the guest: bring the host to the update level of the other hosts of its cluster." },
        { DRIFT_INBOX_BEHIND_PEERS,
          "Install the newest cumulative update in the guest: others of its build have newer integration services." },
        { DRIFT_NOT_APPLICABLE,
          "Nothing to do: Linux and BSD bring their own integration services and update them as packages." },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        a_windows_guest(HOST_2022_, WIN2022);
        w.g.drift = (struct drift_kept){ .state = cases[i].state, .row = 10, .since = AT(1) };
        world_change(&w, AT(100), "saved");
        expect(&w, cases[i].state, 1);
        ck_assert_str_eq(w.v.action, cases[i].action);
        world_free(&w);
    }
}
END_TEST

START_TEST(unknown_says_what_would_make_it_known)
{
    world_start(&w);
    world_change(&w, AT(10), "saved");
    expect(&w, DRIFT_UNKNOWN, 1);
    ck_assert_str_eq(w.v.action, "Nothing to do while the VM is not running: it is judged when it runs again.");
    world_free(&w);
    world_start(&w);
    component(AT(10), IC_KVP, 3, 0, 0);
    expect(&w, DRIFT_UNKNOWN, 4);
    ck_assert_ptr_nonnull(strstr(w.v.action, "Data Exchange"));
    world_host(&w, HOST_2012R2_, "", E5);
    world_windows(&w, AT(20), WIN2012R2, E6);
    expect(&w, DRIFT_UNKNOWN, 5);
    ck_assert_ptr_nonnull(strstr(w.v.action, "GuestInstaller\\Version"));
    world_host(&w, "", E6, E5);
    expect(&w, DRIFT_UNKNOWN, 14);
    ck_assert_ptr_nonnull(strstr(w.v.action, "agent on the guest's host"));
    world_host(&w, HOST_2012R2_, E6, E5);
    world_windows(&w, AT(30), WIN2012R2, "abc");
    expect(&w, DRIFT_UNKNOWN, 14);
    ck_assert_ptr_nonnull(strstr(w.v.action, "raw values"));
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, of_two_events_of_one_signal_the_newest_decides_whatever_its_service);
    suite_test(s, an_event_without_a_service_is_named_by_its_number_alone);
    suite_test(s, an_all_clear_that_another_host_logged_clears_nothing);
    suite_test(s, row_4_believes_the_heartbeat_where_the_exchange_says_neither_on_nor_off);
    suite_test(s, row_4_needs_a_reason_and_a_working_exchange_is_none);
    suite_test(s, row_1_a_guest_kept_as_unknown_is_judged_by_what_was_known_when_it_ran);
    suite_test(s, row_2_a_guest_known_as_linux_by_its_architecture_needs_no_name);
    suite_test(s, row_2_a_dragonfly_is_a_bsd);
    suite_test(s, rows_10_to_12_leave_a_guest_unknown_whose_words_cannot_be);
    suite_test(s, row_12_a_guest_of_6_0_that_says_nothing_is_behind_all_the_same);
    suite_test(s, row_14_a_guest_of_6_1_without_a_version_is_unknown);
    suite_test(s, a_kept_state_without_a_time_takes_the_time_of_what_decided);
    suite_test(s, the_evidence_names_a_host_without_a_name_by_its_id);
    suite_test(s, peers_are_evidence_for_guests_of_10_0_on_hosts_of_2016_alone);
    suite_test(s, a_data_exchange_that_is_switched_off_is_evidence);
    suite_test(s, each_signal_that_contradicts_the_version_is_a_disagreement);
    suite_test(s, an_older_installed_version_of_a_linux_guest_contradicts_nothing);
    suite_test(s, polls_of_another_host_confirm_nothing);
    suite_test(s, an_older_protocol_on_a_2016_host_is_a_disagreement_for_windows_alone);
    suite_test(s, each_way_of_updating_is_told_where_it_is_right_as_urgent_as_the_state_is);
    suite_test(s, a_linux_guest_is_told_to_update_only_where_something_does_not_work);
    suite_test(s, a_bsd_guest_is_told_the_same_as_a_linux_guest);
    suite_test(s, states_that_no_update_of_the_guest_mends_say_what_does);
    suite_test(s, unknown_says_what_would_make_it_known);
}

int main(void)
{
    return suite_main("model: the signals below a verdict", add);
}
