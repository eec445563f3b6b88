/* Many hosts and guests: who is evaluated when, and in which order they are given. */
#include "model/fleet.h"
#include "tests/model/support_world.h"

#include <stdio.h>
#include <string.h>

static struct world w; /* for making observations */
static struct fleet *f;

static struct resource of_host(const char *id, const char *os_version, const char *is_win6x)
{
    struct resource r = { .cluster = "PROD-A" };

    snprintf(r.host_id, sizeof r.host_id, "%s", id);
    snprintf(r.host_name, sizeof r.host_name, "name of %s", id);
    snprintf(r.os_version, sizeof r.os_version, "%s", os_version);
    snprintf(r.is_win6x, sizeof r.is_win6x, "%s", is_win6x);
    return r;
}

static void begin(void)
{
    world_start(&w);
    f = fleet_new(NULL);
}

static void end(void)
{
    fleet_free(f);
    world_free(&w);
}

static void tell_fleet(const struct resource *r, const char *vm_id, struct observation *o)
{
    obs_str(o, ATTR_VM_ID, vm_id);
    ck_assert_int_eq(fleet_apply(f, r, o, NULL), 0);
}

static enum drift_state state_of(const char *vm_id)
{
    fleet_evaluate(f);
    ck_assert_ptr_nonnull(fleet_find_guest(f, vm_id));
    return fleet_find_guest(f, vm_id)->drift.state;
}

#define VM2 "00000000-0000-0000-0000-000000000002"
#define VM3 "00000000-0000-0000-0000-000000000003"

START_TEST(what_is_applied_is_found_and_evaluated)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");

    begin();
    tell_fleet(&r, "{d9e0eb0a-5b37-508e-9173-67e9ade83acf}", world_poll(&w, AT(1), "6.3.9600", "6.3.9600.18692"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    ck_assert_str_eq(fleet_find_host(f, "h1")->facts.host_name, "name of h1");
    ck_assert_ptr_null(fleet_find_host(f, "h2"));
    ck_assert_ptr_null(fleet_find_guest(f, VM2));
    end();
}
END_TEST

START_TEST(a_host_that_changes_has_its_guests_evaluated_anew)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.18692"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    r = of_host("h1", "6.3.9600.1", "6.3.9600.18907");
    tell_fleet(&r, "", obs_new(&w.batch, OBS_HOST_INVENTORY, AT(2), AT(2)));
    ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
    end();
}
END_TEST

START_TEST(a_peer_that_is_updated_leaves_the_others_behind)
{
    struct resource r = of_host("h1", "10.0.20348.1", "");

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(1), "10.0.20348", "10.0.20348.100"));
    tell_fleet(&r, VM2, world_poll(&w, AT(1), "10.0.20348", "10.0.20348.100"));
    tell_fleet(&r, VM3, world_poll(&w, AT(1), "10.0.14393", "10.0.14393.100"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    tell_fleet(&r, VM2, world_poll(&w, AT(2), "10.0.20348", "10.0.20348.200"));
    ck_assert_int_eq(state_of(VM), DRIFT_INBOX_BEHIND_PEERS);
    ck_assert_int_eq(state_of(VM2), DRIFT_CURRENT);
    ck_assert_int_eq(state_of(VM3), DRIFT_CURRENT);
    end();
}
END_TEST

START_TEST(a_guest_that_changes_and_stops_within_one_batch_keeps_what_it_was_last)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");
    struct observation *stop;

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.18692"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    tell_fleet(&r, VM, world_poll(&w, AT(2), "6.3.9600", "6.3.9600.16384"));
    stop = world_observe(&w, OBS_GUEST_LIFECYCLE, AT(3));
    obs_str(stop, ATTR_VM_CHANGE, "stopped");
    tell_fleet(&r, VM, stop);
    ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.row, 1);
    end();
}
END_TEST

START_TEST(a_guest_that_a_poll_finds_stopped_keeps_what_it_was_last)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");
    struct observation *off;

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.16384"));
    tell_fleet(&r, VM, world_poll(&w, AT(2), "6.3.9600", "6.3.9600.18692")); /* still running: judged at the end */
    off = world_observe(&w, OBS_GUEST_INVENTORY, AT(3));
    obs_str(off, ATTR_VM_POWER, "off");
    tell_fleet(&r, VM, off);
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.row, 1);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.since, AT(2));
    end();
}
END_TEST

/* The log is read apart from the poll, so a stop may come before what a poll saw before it. */
START_TEST(a_stop_that_comes_before_the_last_poll_in_which_it_ran_keeps_what_that_poll_saw)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");
    struct observation *stop;

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.16384"));
    ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
    stop = world_observe(&w, OBS_GUEST_LIFECYCLE, AT(3));
    obs_str(stop, ATTR_VM_CHANGE, "stopped");
    tell_fleet(&r, VM, stop);
    ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
    tell_fleet(&r, VM, world_poll(&w, AT(2), "6.3.9600", "6.3.9600.18692"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    ck_assert_int_eq(fleet_find_guest(f, VM)->power, POWER_OFF);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.row, 1);
    ck_assert(fleet_find_guest(f, VM)->drift.stale);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.since, AT(2));
    end();
}
END_TEST

/* What the host is since then says nothing of how the guest ran. */
START_TEST(an_older_poll_that_comes_late_does_not_judge_a_stopped_guest_anew)
{
    struct resource r = of_host("h1", "6.3.9600.1", "6.3.9600.18692");
    struct observation *stop;

    begin();
    tell_fleet(&r, VM, world_poll(&w, AT(3), "6.3.9600", "6.3.9600.18692"));
    stop = world_observe(&w, OBS_GUEST_LIFECYCLE, AT(4));
    obs_str(stop, ATTR_VM_CHANGE, "stopped");
    tell_fleet(&r, VM, stop);
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    r = of_host("h1", "6.3.9600.1", "6.3.9600.18907");
    tell_fleet(&r, "", obs_new(&w.batch, OBS_HOST_INVENTORY, AT(5), AT(5)));
    tell_fleet(&r, VM, world_poll(&w, AT(2), "6.3.9600", "6.3.9600.18692"));
    ck_assert_int_eq(state_of(VM), DRIFT_CURRENT);
    ck_assert_int_eq(fleet_find_guest(f, VM)->drift.row, 1);
    end();
}
END_TEST

START_TEST(floors_of_the_fleet_decide)
{
    struct drift_floors floors = drift_floors_default();
    struct resource r = of_host("h1", "10.0.20348.1", "");

    begin();
    fleet_free(f);
    floors.win61_63.part[3] = 20000;
    f = fleet_new(&floors);
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.18907"));
    ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
    end();
    fleet_free(NULL);
}
END_TEST

START_TEST(a_peer_that_is_updated_leaves_guests_that_have_no_peers_alone)
{
    static const char *const systems[] = { "6.3.9600", "", "none" };
    struct resource r = of_host("h1", "10.0.20348.1", "");
    const struct drift_kept marked = { .state = DRIFT_BEHIND, .row = 11, .since = 7 };

    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        begin();
        tell_fleet(&r, VM, world_poll(&w, AT(1), systems[i], "6.3.9600.18907"));
        tell_fleet(&r, VM2, world_poll(&w, AT(1), "10.0.20348", "10.0.20348.100"));
        fleet_evaluate(f);
        fleet_find_guest(f, VM)->drift = marked;
        tell_fleet(&r, VM2, world_poll(&w, AT(2), "10.0.20348", "10.0.20348.200"));
        ck_assert_int_eq(state_of(VM), DRIFT_BEHIND);
        ck_assert_int_eq(fleet_find_guest(f, VM)->drift.since, 7); /* not judged anew */
        end();
    }
}
END_TEST

START_TEST(guests_of_no_host_come_first_in_order_of_name_and_id)
{
    struct resource r = of_host("h1", "6.3.9600.1", "");
    struct guest **list;
    size_t count;

    begin();
    ck_assert_ptr_nonnull(fleet_guest(f, VM3));
    ck_assert_ptr_nonnull(fleet_guest(f, VM2));
    tell_fleet(&r, VM, world_poll(&w, AT(1), "6.3.9600", "6.3.9600.18692"));
    fleet_evaluate(f);
    list = fleet_guests(f, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(list[0]->vm_id, VM2);
    ck_assert_str_eq(list[1]->vm_id, VM3);
    ck_assert_str_eq(list[2]->vm_id, VM);
    end();
}
END_TEST

START_TEST(an_empty_fleet_has_lists_of_none)
{
    size_t count = 7;

    begin();
    ck_assert_ptr_nonnull(fleet_hosts(f, &count));
    ck_assert_uint_eq(count, 0);
    count = 7;
    ck_assert_ptr_nonnull(fleet_guests(f, &count));
    ck_assert_uint_eq(count, 0);
    end();
}
END_TEST

START_TEST(records_without_a_host_or_with_a_wrong_vm_id_make_nothing)
{
    struct resource nobody = { .host_id = "" }, r = of_host("h1", "", "");
    size_t hosts, guests;

    begin();
    tell_fleet(&nobody, VM, world_poll(&w, AT(1), "", ""));
    tell_fleet(&r, "no guid", world_poll(&w, AT(1), "", ""));
    fleet_hosts(f, &hosts);
    fleet_guests(f, &guests);
    ck_assert_uint_eq(hosts, 1);
    ck_assert_uint_eq(guests, 0);
    end();
}
END_TEST

START_TEST(thousands_of_guests_are_all_found_and_come_in_order)
{
    enum { GUESTS = 3000 };
    char vm_id[GUID_TEXT_MAX], name[32], before[512] = "";
    struct guest **list;
    size_t count;

    begin();
    for (int i = 0; i < GUESTS; i++) {
        struct resource r = of_host(i % 2 == 0 ? "h1" : "h2", "6.3.9600.1", "");
        struct observation *o = world_observe(&w, OBS_GUEST_CRASH, AT(i));

        snprintf(vm_id, sizeof vm_id, "00000000-0000-0000-0000-%012d", i);
        snprintf(name, sizeof name, "vm %06d", i * 7919 % GUESTS);
        obs_str(o, ATTR_VM_NAME, name);
        tell_fleet(&r, vm_id, o);
        if (i % 500 == 0)
            obs_batch_reset(&w.batch);
    }
    fleet_evaluate(f);
    for (int i = 0; i < GUESTS; i++) {
        snprintf(vm_id, sizeof vm_id, "00000000-0000-0000-0000-%012d", i);
        ck_assert_ptr_nonnull(fleet_find_guest(f, vm_id));
    }
    list = fleet_guests(f, &count);
    ck_assert_uint_eq(count, GUESTS);
    for (size_t i = 0; i < count; i++) {
        char now[512];

        snprintf(now, sizeof now, "%s/%s", list[i]->host_id, list[i]->name);
        ck_assert_int_lt(strcmp(before, now), 0);
        memcpy(before, now, sizeof before);
    }
    end();
}
END_TEST

START_TEST(pointers_stay_good_while_the_fleet_grows)
{
    struct host *first;
    char id[32];

    begin();
    first = fleet_host(f, "h");
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "h%d", i);
        ck_assert_ptr_nonnull(fleet_host(f, id));
    }
    ck_assert_ptr_eq(first, fleet_host(f, "h"));
    end();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_is_applied_is_found_and_evaluated);
    suite_test(s, a_host_that_changes_has_its_guests_evaluated_anew);
    suite_test(s, a_peer_that_is_updated_leaves_the_others_behind);
    suite_test(s, a_guest_that_changes_and_stops_within_one_batch_keeps_what_it_was_last);
    suite_test(s, a_guest_that_a_poll_finds_stopped_keeps_what_it_was_last);
    suite_test(s, a_stop_that_comes_before_the_last_poll_in_which_it_ran_keeps_what_that_poll_saw);
    suite_test(s, an_older_poll_that_comes_late_does_not_judge_a_stopped_guest_anew);
    suite_test(s, floors_of_the_fleet_decide);
    suite_test(s, a_peer_that_is_updated_leaves_guests_that_have_no_peers_alone);
    suite_test(s, guests_of_no_host_come_first_in_order_of_name_and_id);
    suite_test(s, an_empty_fleet_has_lists_of_none);
    suite_test(s, records_without_a_host_or_with_a_wrong_vm_id_make_nothing);
    suite_test(s, thousands_of_guests_are_all_found_and_come_in_order);
    suite_test(s, pointers_stay_good_while_the_fleet_grows);
}

int main(void)
{
    return suite_main("model: fleet", add);
}
