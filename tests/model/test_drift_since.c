/* Which events count for drift, since when a state is, when it is stale, and what is to be done about it. */
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
    return suite_main("model: drift in the course of time", add);
}
