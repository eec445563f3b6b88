/* What an incident says of what else went on. */
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

/* The entry of that kind, by index; NULL none. */
static const struct incident_entry *entry(enum incident_entry_kind kind, int index)
{
    for (int n = 0; n < t.i->timeline_count; n++) {
        if (t.i->timeline[n].kind == kind && index-- == 0)
            return &t.i->timeline[n];
    }
    return NULL;
}

/* ---- migrations ------------------------------------------------------------------------ */

START_TEST(a_migration_that_had_not_ended_is_during)
{
    obs_str(tell_move(&t, 1, -10, VM_A, "started"), ATTR_MIGRATION_PEER, "HV2");
    tell_crash(&t, 1, 0, VM_A, D1);
    obs_double(tell_move(&t, 1, 5, VM_A, "completed"), ATTR_MIGRATION_BLACKOUT, 2.5);
    conclude(&t);
    ck_assert(t.i->migration.known && t.i->migration.during);
    ck_assert_int_eq(t.i->migration.before_ns, 0);
    ck_assert_int_eq(t.i->migration.blackout_ns, 2500 * NS_PER_MS);
    ck_assert_str_eq(t.i->migration.from, "HV1");
    ck_assert_str_eq(t.i->migration.to, "HV2");
    ck_assert_str_eq(t.i->migration.kind, "live");
}
END_TEST

START_TEST(a_migration_before_says_how_long_before)
{
    tell_move(&t, 1, -400, VM_A, "started");
    obs_double(tell_move(&t, 1, -300, VM_A, "completed"), ATTR_MIGRATION_BLACKOUT, 0.5);
    tell_move(&t, 2, -301, VM_A, "received");
    tell_crash(&t, 2, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->migration.known && !t.i->migration.during);
    ck_assert_int_eq(t.i->migration.before_ns, 300 * NS_PER_S);
    ck_assert_int_eq(t.i->migration.blackout_ns, 500 * NS_PER_MS);
    ck_assert_str_eq(t.i->migration.to, "HV2");
}
END_TEST

START_TEST(a_migration_after_the_crash_is_not_its_last_one)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_move(&t, 1, 60, VM_A, "started");
    tell_move(&t, 1, 90, VM_A, "completed");
    conclude(&t);
    ck_assert(!t.i->migration.known);
    ck_assert_ptr_nonnull(entry(ENTRY_MIGRATION, 1));
}
END_TEST

START_TEST(another_guests_migration_is_not_mine)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_move(&t, 1, -60, VM_B, "started");
    conclude(&t);
    ck_assert(!t.i->migration.known);
}
END_TEST

/* ---- start ----------------------------------------------------------------------------- */

START_TEST(time_since_start_comes_from_the_last_start)
{
    tell_life(&t, 1, -7200, VM_A, "started");
    tell_life(&t, 1, -600, VM_A, "reset");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->uptime_ns, 600 * NS_PER_S);
    ck_assert_str_eq(incident_source_name(t.i->uptime_source), "event");
}
END_TEST

START_TEST(the_uptime_in_the_dump_is_believed_first)
{
    tell_life(&t, 1, -7200, VM_A, "started");
    obs_double(tell_dump(&t, 1, 0, VM_A, D1, NULL), ATTR_DUMP_UPTIME, 7150.25);
    conclude(&t);
    ck_assert_int_eq(t.i->uptime_ns, 7150250 * NS_PER_MS);
    ck_assert_str_eq(incident_source_name(t.i->uptime_source), "dump");
}
END_TEST

/* ---- storage and cluster ---------------------------------------------------------------- */

START_TEST(slow_requests_of_the_host_are_counted_with_the_longest_wait)
{
    for (int n = 0; n < 40; n++)
        tell_storage(&t, 1, -50 + n, "io-slow", "C:\\CSV\\a.vhdx", 1000 * n);
    tell_storage(&t, 1, 30, "io-slow", "C:\\CSV\\b.vhdx", 116000);
    tell_storage(&t, 2, 0, "io-slow", "C:\\CSV\\c.vhdx", 300000);
    tell_storage(&t, 1, -9000, "io-slow", "C:\\CSV\\a.vhdx", 500000);
    tell_storage(&t, 1, 31, "path-restored", "C:\\CSV\\b.vhdx", 0);
    tell_storage(&t, 1, 32, "io-latency-summary", "C:\\CSV\\b.vhdx", 0);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->storage.count, 41);
    ck_assert_int_eq(t.i->storage.longest_ns, 116 * NS_PER_S);
    ck_assert_str_eq(t.i->storage.longest_device, "C:\\CSV\\b.vhdx");
    ck_assert_int_eq(t.i->storage.device_count, 2);
    ck_assert(!t.i->storage.path_lost);
    ck_assert_int_eq(entry(ENTRY_STORAGE, 0)->count, 40);
    ck_assert_ptr_nonnull(strstr(entry(ENTRY_STORAGE, 0)->what, "40 times, the longest 39 s"));
    ck_assert_ptr_nonnull(entry(ENTRY_STORAGE, 2)); /* the recovery is shown, not counted */
}
END_TEST

START_TEST(a_paused_shared_volume_concerns_every_node)
{
    tell_storage(&t, 2, -20, "csv-paused", "Volume1", 0);
    tell_storage(&t, 2, -20, "io-retried", "Disk0", 0);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->storage.count, 1);
    ck_assert(t.i->storage.path_lost);
}
END_TEST

START_TEST(cluster_trouble_of_any_node_is_listed)
{
    tell_cluster(&t, 2, -30, "user-mode-hang", 4870);
    tell_cluster(&t, 2, -31, "role-moving", 1641);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->cluster_event_count, 1);
    ck_assert_str_eq(t.i->cluster_events[0].signal, "user-mode-hang");
    ck_assert_int_eq(t.i->cluster_events[0].event_id, 4870);
}
END_TEST

/* ---- others, gaps ------------------------------------------------------------------------ */

START_TEST(other_guests_of_the_host_that_crashed_are_listed)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    tell_crash(&t, 1, 100, VM_B, "0x7a", "1 2 3 4");
    tell_crash(&t, 2, 101, VM_C, "0x7a", "1 2 3 4");
    conclude(&t);
    ck_assert_int_eq(t.i->other_count, 1);
    ck_assert_str_eq(t.i->others[0].vm_name, "web02");
    ck_assert_str_eq(t.i->others[0].what, "0x0000007a");
    ck_assert_str_eq(t.i->others[0].vm_id, VM_B);
}
END_TEST

START_TEST(a_gap_in_the_window_is_marked_in_the_timeline)
{
    tell_gap(&t, 1, 500, "2024-01-31T07:58:00Z", "2024-01-31T08:05:00Z");
    tell_gap(&t, 1, 200, "4711", "4720");
    tell_gap(&t, 2, 200, "4711", "4720");
    tell_gap(&t, 1, 90000, "9000", "9001");
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert_int_eq(t.i->gaps, 2);
    ck_assert_int_eq(entry(ENTRY_GAP, 0)->time, AT(0) - 120 * NS_PER_S);
    ck_assert_int_eq(entry(ENTRY_GAP, 1)->time, 0);
    ck_assert_ptr_nonnull(strstr(entry(ENTRY_GAP, 1)->what, "is not known"));
}
END_TEST

START_TEST(the_timeline_is_in_order_and_signs_outlast_the_rest)
{
    char device[32];

    for (int n = 0; n < INCIDENT_TIMELINE_MAX + 20; n++) {
        snprintf(device, sizeof device, "disk%d.vhdx", n);
        tell_storage(&t, 1, -100 - n, "io-slow", device, 1000);
    }
    tell_dump(&t, 1, 3, VM_A, D1, NULL);
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert(t.i->cut);
    ck_assert_int_eq(t.i->timeline_count, INCIDENT_TIMELINE_MAX);
    for (int n = 1; n < t.i->timeline_count; n++)
        ck_assert_int_le(t.i->timeline[n - 1].time, t.i->timeline[n].time);
    ck_assert_ptr_nonnull(entry(ENTRY_DUMP, 0));
    ck_assert_str_eq(entry(ENTRY_CRASH, 0)->place.agent, "AAAAAAAA-0000-4000-8000-000000000001");
    ck_assert_int_eq(t.i->storage.count, INCIDENT_TIMELINE_MAX + 20);
}
END_TEST

/* ---- history ------------------------------------------------------------------------------ */

static void guest_at(void *arg, const char *vm_id, int64_t time, struct guest_moment *out)
{
    struct incident_configuration *c = &out->configuration;

    (void)arg;
    ck_assert_str_eq(vm_id, VM_A);
    *out = (struct guest_moment){ .known = true,
                                  .vm_name = "sql01",
                                  .host_id = "host-2",
                                  .host_name = "HV2",
                                  .cluster = "PROD",
                                  .state = DRIFT_BEHIND,
                                  .row = 8,
                                  .since = time - 86400 * NS_PER_S,
                                  .guest_version = "6.3.9600.16384",
                                  .expected_version = "6.3.9600.18692",
                                  .os_name = "Windows Server 2008 R2",
                                  .os_version = "6.1.7601",
                                  .family = FAMILY_WINDOWS,
                                  .booted = time - 3600 * NS_PER_S };
    c->known = true;
    c->dynamic_memory = 1;
    c->assigned_mib = 4096;
    c->memory_pressure = c->generation = c->checkpoints = c->processors = -1;
    c->demanded_mib = c->available_percent = -1;
    c->disks[c->disk_count++] = (struct incident_disk){ "scsi", "dynamic", "C:\\CSV\\sql01.vhdx" };
}

static void host_at(void *arg, const char *host_id, int64_t time, struct host_moment *out)
{
    (void)arg;
    (void)time;
    *out = (struct host_moment){ .known = strcmp(host_id, "host-2") == 0,
                                 .os_version = "6.3.9600.20778",
                                 .is_version = "6.3.9600.18692" };
}

START_TEST(drift_configuration_and_host_come_from_history)
{
    t.options.guest_at = guest_at;
    t.options.host_at = host_at;
    tell_dump(&t, 1, 0, VM_A, D1, NULL);
    conclude(&t);
    ck_assert(t.i->drift.known);
    ck_assert_str_eq(drift_state_name(t.i->drift.state), "behind");
    ck_assert_int_eq(t.i->drift.row, 8);
    ck_assert_str_eq(t.i->drift.expected_version, "6.3.9600.18692");
    ck_assert_str_eq(t.i->host_name, "HV2"); /* where it ran, not where the dump was found */
    ck_assert_str_eq(t.i->host_os_version, "6.3.9600.20778");
    ck_assert_int_eq(t.i->uptime_ns, 3600 * NS_PER_S);
    ck_assert_int_eq(t.i->configuration.dynamic_memory, 1);
    ck_assert_str_eq(t.i->configuration.disks[0].controller, "scsi");
}
END_TEST

START_TEST(a_kept_configuration_becomes_the_incidents)
{
    struct incident_configuration out;
    struct guest_config c;

    guest_config_init(&c);
    incident_configuration_of(&c, &out);
    ck_assert(!out.known);
    ck_assert_str_ne(out.why, "");
    c.time = AT(0);
    c.memory = MEMORY_DYNAMIC;
    c.assigned_mib = 2048;
    c.demand_mib = 3000;
    c.has_available = true;
    c.available_percent = -46;
    c.disk_count = 1;
    c.disks[0] = (struct guest_disk){ CONTROLLER_SCSI, DISK_UNKNOWN };
    incident_configuration_of(&c, &out);
    ck_assert(out.known);
    ck_assert_int_eq(out.dynamic_memory, 1);
    ck_assert_int_eq(out.memory_pressure, 1);
    ck_assert_int_eq(out.available_percent, 0);
    ck_assert_int_eq(out.generation, -1);
    ck_assert_str_eq(out.disks[0].controller, "scsi");
    ck_assert_str_eq(out.disks[0].kind, "");
    c.has_available = false;
    c.demand_mib = 0;
    incident_configuration_of(&c, &out);
    ck_assert_int_eq(out.memory_pressure, -1);
}
END_TEST

START_TEST(what_history_does_not_know_is_said)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    conclude(&t);
    ck_assert(!t.i->drift.known);
    ck_assert_str_ne(t.i->drift.why, "");
    ck_assert(!t.i->configuration.known);
    ck_assert_str_ne(t.i->configuration.why, "");
    ck_assert_int_eq(t.i->uptime_ns, -1);
    ck_assert_str_eq(t.i->host_os_version, "10.0.20348.2700");
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        a_migration_that_had_not_ended_is_during,
        a_migration_before_says_how_long_before,
        a_migration_after_the_crash_is_not_its_last_one,
        another_guests_migration_is_not_mine,
        time_since_start_comes_from_the_last_start,
        the_uptime_in_the_dump_is_believed_first,
        slow_requests_of_the_host_are_counted_with_the_longest_wait,
        a_paused_shared_volume_concerns_every_node,
        cluster_trouble_of_any_node_is_listed,
        other_guests_of_the_host_that_crashed_are_listed,
        a_gap_in_the_window_is_marked_in_the_timeline,
        the_timeline_is_in_order_and_signs_outlast_the_rest,
        drift_configuration_and_host_come_from_history,
        a_kept_configuration_becomes_the_incidents,
        what_history_does_not_know_is_said,
    };

    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++) {
        TCase *c = suite_case(s, tests[n]->name);

        tcase_add_checked_fixture(c, begin, end);
        tcase_add_test(c, tests[n]);
    }
}

int main(void)
{
    return suite_main("incidents: context", add);
}
