/* The edges of what went on around a crash: moves told twice, boots, bounds of lists. */
#include "tests/incidents/support_case.h"

#include <stdio.h>
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

static const struct incident_entry *entry(enum incident_entry_kind kind, int index)
{
    for (int n = 0; n < t.i->timeline_count; n++) {
        if (t.i->timeline[n].kind == kind && index-- == 0)
            return &t.i->timeline[n];
    }
    return NULL;
}

static struct observation *newest(void)
{
    return (struct observation *)t.told[t.count - 1].o;
}

/* ---- migrations ---------------------------------------------------------------------------- */

START_TEST(both_hosts_words_on_one_move_are_one_move)
{
    obs_str(tell_move(&t, 1, -400, VM_A, "started"), ATTR_MIGRATION_PEER, "HV2");
    tell_move(&t, 2, -398, VM_A, "started");
    obs_bool(tell_move(&t, 1, -300, VM_A, "completed"), ATTR_MIGRATION_LONG, true);
    obs_str(tell_move(&t, 2, -299, VM_A, "received"), ATTR_MIGRATION_PEER, "HV1");
    tell_crash(&t, 2, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->migration.known && !t.i->migration.during && t.i->migration.unexpectedly_long);
    ck_assert(!t.i->migration.failed);
    ck_assert_int_eq(t.i->migration.time, AT(-299));
    ck_assert_str_eq(t.i->migration.from, "HV1");
    ck_assert_str_eq(t.i->migration.to, "HV2");
}
END_TEST

START_TEST(of_several_moves_the_last_before_the_crash_counts)
{
    tell_move(&t, 1, -4000, VM_A, "started");
    tell_move(&t, 1, -3900, VM_A, "failed");
    tell_move(&t, 1, -2000, VM_A, "started");
    tell_move(&t, 1, -1900, VM_A, "completed");
    tell_crash(&t, 2, 0, VM_A, D1);
    tell_move(&t, 2, 600, VM_A, "started");
    conclude(&t);
    ck_assert_int_eq(t.i->migration.before_ns, 1900 * NS_PER_S);
    ck_assert(!t.i->migration.failed);
    tell_move(&t, 2, -60, VM_A, "started");
    tell_move(&t, 2, -50, VM_A, "failed");
    conclude(&t);
    ck_assert_int_eq(t.i->migration.before_ns, 50 * NS_PER_S);
    ck_assert(t.i->migration.failed);
}
END_TEST

START_TEST(a_move_whose_end_nobody_saw_is_over_after_an_hour)
{
    tell_move(&t, 1, -3600, VM_A, "started");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->migration.known && t.i->migration.during);
    telling_free(&t);
    telling_start(&t);
    tell_move(&t, 1, -3601, VM_A, "started");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->migration.known && !t.i->migration.during);
    ck_assert_int_eq(t.i->migration.before_ns, 3601 * NS_PER_S);
}
END_TEST

START_TEST(a_start_long_after_a_start_is_another_move)
{
    tell_move(&t, 1, -1000, VM_A, "started");
    tell_move(&t, 1, -600, VM_A, "started"); /* the first ended unseen: more than the tolerance is between them */
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->migration.during);
    ck_assert_int_eq(t.i->migration.time, AT(-600));
}
END_TEST

START_TEST(an_end_alone_is_a_move_too)
{
    obs_str(tell_move(&t, 2, -100, VM_A, "received"), ATTR_MIGRATION_PEER, "HV1");
    tell_crash(&t, 2, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->migration.before_ns, 100 * NS_PER_S);
    ck_assert_str_eq(t.i->migration.from, "HV1");
}
END_TEST

/* ---- starts ------------------------------------------------------------------------------- */

static struct observation *tell_boot(int host, double seconds, double told)
{
    struct observation *o = observe(&t, host, OBS_HOST_INVENTORY, told, NULL);
    char text[TIMES_TEXT_MAX];

    obs_str(o, ATTR_BOOT_TIME, times_format(AT(seconds), text));
    return o;
}

START_TEST(the_hosts_start_nearest_to_the_crash_is_in_the_timeline)
{
    tell_boot(1, -3000, -2990);
    tell_boot(1, 200, 210);
    tell_boot(2, -10, 0); /* another host's */
    tell_boot(1, 600, 610);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->host_booted, AT(200));
    ck_assert_ptr_nonnull(entry(ENTRY_HOST, 0));
    ck_assert_str_eq(entry(ENTRY_HOST, 0)->what, "The host started");
    ck_assert_int_eq(entry(ENTRY_HOST, 0)->time, AT(200));
    ck_assert_ptr_null(entry(ENTRY_HOST, 1));
}
END_TEST

START_TEST(two_hosts_that_started_at_one_moment_are_not_mixed_up)
{
    tell_boot(2, -100, -90);
    tell_boot(1, -100, -95);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->host_booted, AT(-100));
    ck_assert_str_eq(entry(ENTRY_HOST, 0)->host, "HV1");
    ck_assert_ptr_null(entry(ENTRY_HOST, 1));
}
END_TEST

START_TEST(a_start_the_guest_made_itself_is_nearer_than_the_dumps_uptime)
{
    tell_life(&t, 1, -50, VM_A, "reset");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->uptime_ns, 50 * NS_PER_S);
    ck_assert_int_eq(t.i->uptime_source, TOLD_BY_EVENT);
}
END_TEST

START_TEST(the_end_of_a_crash_is_a_reset_or_start_within_minutes_and_before_the_next)
{
    static const struct {
        double after;
        const char *change, *reason;
        bool ends;
    } rows[] = {
        { 20, "reset", "", true },     { 20, "started", "", true }, { 20, "stopped", "guest-reset", true },
        { 20, "stopped", "", false },  { 20, "saved", "", false },  { 900, "started", "", true },
        { 901, "started", "", false }, { -1, "reset", "", false },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        tell_crash(&t, 1, 0, VM_A, D1);
        tell_life(&t, 1, rows[n].after, VM_A, rows[n].change);
        obs_str(newest(), ATTR_VM_REASON, rows[n].reason);
        conclude(&t);
        ck_assert_msg(t.i->rebooted == rows[n].ends, "row %zu", n);
        telling_free(&t);
        telling_start(&t);
    }
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 500, VM_A, D1);
    tell_life(&t, 1, 510, VM_A, "reset"); /* the second's */
    conclude(&t);
    expect_count(&t, 2);
    ck_assert(!nth(&t, 0)->rebooted);
    ck_assert(nth(&t, 1)->rebooted);
}
END_TEST

/* ---- storage and cluster ------------------------------------------------------------------- */

START_TEST(trouble_of_another_host_counts_when_it_is_the_guests_or_the_clusters)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_storage(&t, 2, -10, "io-slow", "disk1", 5000); /* HV2's own */
    tell_storage(&t, 2, -20, "csv-paused", "Volume1", 0);
    tell_storage(&t, 2, -30, "io-slow", "a.vhdx", 7000);
    obs_str(newest(), ATTR_VM_ID, VM_A);
    conclude(&t);
    ck_assert_int_eq(t.i->storage.count, 2);
    ck_assert_int_eq(t.i->storage.longest_ns, 7000 * NS_PER_MS);
    ck_assert_str_eq(t.i->storage.longest_device, "a.vhdx");
    ck_assert(t.i->storage.devices[0].for_guest); /* the guest's own first */
    ck_assert(!t.i->storage.devices[1].for_guest);
    ck_assert(t.i->storage.path_lost);
}
END_TEST

START_TEST(a_host_of_no_cluster_has_no_cluster_trouble)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_cluster(&t, 2, -10, "node-removed", 1135);
    for (int n = 0; n < t.count; n++)
        t.told[n].who.cluster[0] = '\0';
    conclude(&t);
    ck_assert_int_eq(t.i->cluster_event_count, 0);
}
END_TEST

START_TEST(alike_trouble_is_one_line_with_its_count_and_the_heaviest_is_first)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_storage(&t, 1, -50, "io-slow", "b.vhdx", 3000);
    tell_storage(&t, 1, -40, "io-slow", "b.vhdx", 9000);
    tell_storage(&t, 1, -30, "io-slow", "b.vhdx", 0);
    tell_storage(&t, 1, -45, "io-slow", "a.vhdx", 9000);
    tell_storage(&t, 1, -20, "io-retried", "a.vhdx", 0);
    tell_storage(&t, 1, -19, "io-retried", "c.vhdx", 0);
    tell_storage(&t, 1, -18, "io-retried", "c.vhdx", 0);
    conclude(&t);
    ck_assert_int_eq(t.i->storage.device_count, 4);
    ck_assert_str_eq(t.i->storage.devices[0].device, "b.vhdx"); /* of equal waits the more often seen */
    ck_assert_int_eq(t.i->storage.devices[0].count, 3);
    ck_assert_int_eq(t.i->storage.devices[0].first, AT(-50));
    ck_assert_int_eq(t.i->storage.devices[0].last, AT(-30));
    ck_assert_str_eq(t.i->storage.devices[1].device, "a.vhdx");
    ck_assert_str_eq(t.i->storage.devices[2].device, "c.vhdx");
    ck_assert_str_eq(t.i->storage.devices[3].device, "a.vhdx");
    ck_assert_str_eq(entry(ENTRY_STORAGE, 0)->what,
                     "3 times, the longest 9 s, the first: hyperv.host.storage on HV1 at -50");
    ck_assert_str_eq(entry(ENTRY_STORAGE, 3)->what, "2 times, the first: hyperv.host.storage on HV1 at -19");
}
END_TEST

START_TEST(cluster_trouble_is_told_apart_by_its_object)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    for (int n = 0; n < 4; n++) {
        tell_cluster(&t, 2, -40 + n, "user-mode-hang", n < 3 ? 4870 : 0);
        obs_str(newest(), ATTR_CLUSTER_OBJECT, n % 2 == 0 ? "Role A" : "Role B");
    }
    conclude(&t);
    ck_assert_int_eq(t.i->cluster_event_count, 2);
    ck_assert_str_eq(t.i->cluster_events[0].object, "Role A");
    ck_assert_int_eq(t.i->cluster_events[0].count, 2);
    ck_assert_int_eq(t.i->cluster_events[0].event_id, 4870);
}
END_TEST

START_TEST(of_devices_and_cluster_events_16_are_listed_and_the_cut_is_said)
{
    char name[32];

    tell_crash(&t, 1, 0, VM_A, D1);
    for (int n = 0; n < 17; n++) {
        snprintf(name, sizeof name, "disk%02d", n);
        tell_storage(&t, 1, -100 + n, "io-slow", name, 1000);
    }
    conclude(&t);
    ck_assert_int_eq(t.i->storage.device_count, INCIDENT_DEVICES_MAX);
    ck_assert_int_eq(t.i->storage.count, 17); /* counted all the same */
    ck_assert(t.i->cut);
    telling_free(&t);
    telling_start(&t);
    tell_crash(&t, 1, 0, VM_A, D1);
    for (int n = 0; n < 17; n++) {
        snprintf(name, sizeof name, "signal-%02d", n);
        tell_cluster(&t, 1, -100 + n, name, 1);
    }
    conclude(&t);
    ck_assert_int_eq(t.i->cluster_event_count, INCIDENT_DEVICES_MAX);
    ck_assert(t.i->cut);
}
END_TEST

START_TEST(of_other_guests_that_crashed_32_are_listed)
{
    char id[40];

    tell_crash(&t, 1, 0, VM_A, D1);
    for (int n = 0; n < 33; n++) {
        snprintf(id, sizeof id, "0F8FAD5B-D9CB-469F-A165-%012d", n);
        tell_sign(&t, 1, 10, id, "triple-fault");
        obs_str(newest(), ATTR_VM_NAME, "x"); /* one of them has no name */
    }
    conclude(&t);
    ck_assert_int_eq(t.i->other_count, INCIDENT_OTHERS_MAX);
    ck_assert(t.i->cut);
}
END_TEST

START_TEST(another_guest_without_a_name_is_called_by_its_id)
{
    struct observation *o;

    tell_crash(&t, 1, 0, VM_A, D1);
    o = observe(&t, 1, OBS_GUEST_CRASH, 10, NULL);
    obs_str(o, ATTR_VM_ID, VM_B);
    obs_str(o, ATTR_CRASH_KIND, "triple-fault");
    tell_crash(&t, 1, 10, VM_C, "0x50", "1 2 3 4"); /* and one that crashed at the same moment */
    conclude(&t);
    ck_assert_str_eq(entry(ENTRY_OTHER_CRASH, 0)->what, VM_B " crashed too (triple-fault)");
    ck_assert_str_eq(entry(ENTRY_OTHER_CRASH, 1)->what, "app03 crashed too (0x00000050)");
}
END_TEST

START_TEST(gaps_of_other_hosts_and_of_other_times_are_not_marked)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_gap(&t, 2, 0, "1", "2");
    tell_gap(&t, 1, 4501, "1", "2");                                    /* reaches an hour back: to 901 s */
    tell_gap(&t, 1, 0, "2024-01-31T05:00:00Z", "2024-01-31T06:59:59Z"); /* over before the window */
    conclude(&t);
    ck_assert_int_eq(t.i->gaps, 0);
    tell_gap(&t, 1, 4500, "1", "2");
    tell_gap(&t, 1, 0, "2024-01-31T05:00:00Z", "2024-01-31T07:00:00Z");
    conclude(&t);
    ck_assert_int_eq(t.i->gaps, 2);
}
END_TEST

START_TEST(more_signs_than_32_are_cut)
{
    for (int n = 0; n < 33; n++) {
        tell_sign(&t, 1, 0.001 * n, VM_A, "triple-fault");
    }
    conclude(&t);
    expect_count(&t, 1);
    ck_assert_int_eq(t.i->sign_count, INCIDENT_SIGNS_MAX);
    ck_assert(t.i->cut);
}
END_TEST

START_TEST(moves_after_the_crash_are_not_its_last_one_however_many)
{
    tell_move(&t, 1, -100, VM_A, "received");
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_move(&t, 1, 10, VM_A, "failed");
    tell_move(&t, 2, 11, VM_A, "failed");
    tell_move(&t, 1, 500, VM_A, "started");
    t.options.tolerance_ns = 5 * NS_PER_S;
    conclude(&t);
    ck_assert_int_eq(t.i->migration.before_ns, 100 * NS_PER_S);
    ck_assert(!t.i->migration.failed);
}
END_TEST

START_TEST(a_crash_of_no_host_has_no_boot_and_no_gaps)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_boot(1, -100, -90);
    tell_gap(&t, 1, 0, "1", "2");
    t.told[0].who.host_id[0] = '\0';
    conclude(&t);
    ck_assert_int_eq(t.i->host_booted, 0);
    ck_assert_int_eq(t.i->gaps, 0);
}
END_TEST

START_TEST(what_follows_a_crash_follows_within_15_minutes_however_wide_the_window)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_life(&t, 1, 901, VM_A, "started");
    t.options.after_ns = 3600 * NS_PER_S;
    conclude(&t);
    ck_assert(!t.i->rebooted);
    ck_assert_ptr_nonnull(entry(ENTRY_LIFECYCLE, 0));
}
END_TEST

START_TEST(another_clusters_volume_is_not_this_ones)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_storage(&t, 2, -20, "csv-paused", "Volume1", 0);
    tell_storage(&t, 1, -15, "path-lost", "disk1", 0);
    tell_storage(&t, 1, -14, "device-unresponsive", "disk2", 0);
    memcpy(t.told[1].who.cluster, "OTHER", 6);
    conclude(&t);
    ck_assert_int_eq(t.i->storage.count, 2);
    ck_assert(t.i->storage.path_lost);
}
END_TEST

START_TEST(the_guests_own_trouble_is_listed_before_heavier_trouble_of_its_host)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_storage(&t, 1, -30, "io-slow", "disk1", 9000);
    tell_storage(&t, 1, -20, "io-slow", "a.vhdx", 2000);
    obs_str(newest(), ATTR_VM_ID, VM_A);
    tell_storage(&t, 1, -10, "io-slow", "a.vhdx", 1000);
    tell_storage(&t, 1, -40, "io-slow", "disk0", 8000);
    conclude(&t);
    ck_assert_str_eq(t.i->storage.devices[0].device, "a.vhdx");
    ck_assert(t.i->storage.devices[0].for_guest);
    ck_assert_int_eq(t.i->storage.devices[0].count, 2);
    ck_assert_str_eq(t.i->storage.devices[1].device, "disk1");
    ck_assert_str_eq(t.i->storage.devices[2].device, "disk0");
}
END_TEST

START_TEST(a_crash_just_after_1970_has_a_window_that_begins_there)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    newest()->time_ns = newest()->observed_ns = 5 * NS_PER_S;
    conclude(&t);
    ck_assert_int_eq(t.i->window_from, 1);
}
END_TEST

START_TEST(what_happened_at_one_moment_is_in_order_of_its_kind)
{
    tell_storage(&t, 1, 0, "io-slow", "disk1", 1000);
    tell_life(&t, 1, 0, VM_A, "reset");
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 0, VM_B, "0x50", "1 2 3 4");
    tell_cluster(&t, 1, 0, "node-removed", 1);
    conclude(&t);
    expect_count(&t, 2);
    t.i = nth(&t, strcmp(nth(&t, 0)->vm_id, VM_A) == 0 ? 0 : 1);
    for (int n = 1; n < t.i->timeline_count; n++)
        ck_assert_int_lt(t.i->timeline[n - 1].kind, t.i->timeline[n].kind);
    ck_assert_int_eq(t.i->timeline_count, 5);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        both_hosts_words_on_one_move_are_one_move,
        of_several_moves_the_last_before_the_crash_counts,
        a_move_whose_end_nobody_saw_is_over_after_an_hour,
        a_start_long_after_a_start_is_another_move,
        an_end_alone_is_a_move_too,
        the_hosts_start_nearest_to_the_crash_is_in_the_timeline,
        two_hosts_that_started_at_one_moment_are_not_mixed_up,
        a_start_the_guest_made_itself_is_nearer_than_the_dumps_uptime,
        the_end_of_a_crash_is_a_reset_or_start_within_minutes_and_before_the_next,
        trouble_of_another_host_counts_when_it_is_the_guests_or_the_clusters,
        a_host_of_no_cluster_has_no_cluster_trouble,
        alike_trouble_is_one_line_with_its_count_and_the_heaviest_is_first,
        cluster_trouble_is_told_apart_by_its_object,
        of_devices_and_cluster_events_16_are_listed_and_the_cut_is_said,
        of_other_guests_that_crashed_32_are_listed,
        another_guest_without_a_name_is_called_by_its_id,
        gaps_of_other_hosts_and_of_other_times_are_not_marked,
        more_signs_than_32_are_cut,
        moves_after_the_crash_are_not_its_last_one_however_many,
        a_crash_of_no_host_has_no_boot_and_no_gaps,
        what_follows_a_crash_follows_within_15_minutes_however_wide_the_window,
        another_clusters_volume_is_not_this_ones,
        the_guests_own_trouble_is_listed_before_heavier_trouble_of_its_host,
        a_crash_just_after_1970_has_a_window_that_begins_there,
        what_happened_at_one_moment_is_in_order_of_its_kind,
    };
    TCase *c = suite_case(s, "around a crash");

    tcase_add_checked_fixture(c, begin, end);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: around a crash", add);
}
