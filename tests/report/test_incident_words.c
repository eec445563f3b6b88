/* What is known around a crash, in words: each fact with all of its parts, with each of them missing, and with
 * nothing to tell. */
#include "report/incident_words.h"
#include "tests/report/support_incident.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct incident *i;
static char told[4096]; /* "\n", then "label=text\n", "label~text\n" where nothing is known */

static void begin(void)
{
    i = incident_of_storvsc();
}

static void end(void)
{
    incident_free(i);
}

static void take(void *arg, const char *label, const char *text, bool known)
{
    size_t used = strlen(told);

    (void)arg;
    ck_assert_str_ne(text, "");
    snprintf(told + used, sizeof told - used, "%s%c%s\n", label, known ? '=' : '~', text);
}

static void tell(void)
{
    struct err e = { 0 };

    snprintf(told, sizeof told, "\n");
    ck_assert_int_eq(incident_facts(i, take, NULL, &e), 0);
}

/* That the line is among the facts, whole. */
static void has(const char *line)
{
    char whole[512];

    tell();
    snprintf(whole, sizeof whole, "\n%s\n", line);
    ck_assert_msg(strstr(told, whole) != NULL, "'%s' is not in:%s", line, told);
}

/* That no fact has that label. */
static void lacks(const char *label)
{
    char line[64];

    tell();
    snprintf(line, sizeof line, "\n%s", label);
    ck_assert_msg(strstr(told, line) == NULL, "'%s' is in:%s", label, told);
}

/* ---- small ones --------------------------------------------------------- */

START_TEST(a_time_is_told_to_the_second_and_zero_is_not_known)
{
    char out[INCIDENT_TIME_MAX];

    ck_assert_str_eq(incident_time_words(CRASHED + NS_PER_S - 1, out), "2024-01-31 08:00:00");
    ck_assert_str_eq(incident_time_words(0, out), "not known");
}
END_TEST

START_TEST(an_offset_has_tenths_when_it_is_near_and_is_empty_without_both_times)
{
    static const struct {
        int64_t apart_ms;
        const char *words;
    } cases[] = {
        { 0, "0:00:00" },       { 100, "+0:00:00.1" },   { -9900, "-0:00:09.9" }, { 10000, "+0:00:10" },
        { -10900, "-0:00:10" }, { -123000, "-0:02:03" }, { 3600000, "+1:00:00" }, { 360000000, "+100:00:00" },
    };
    char out[INCIDENT_OFFSET_MAX];

    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ck_assert_str_eq(incident_offset(i, CRASHED + cases[n].apart_ms * NS_PER_MS, out), cases[n].words);
    ck_assert_str_eq(incident_offset(i, 0, out), "");
    i->time = 0;
    ck_assert_str_eq(incident_offset(i, CRASHED, out), "");
}
END_TEST

START_TEST(a_length_is_finer_the_shorter_it_is)
{
    static const struct {
        int64_t ms;
        const char *words;
    } cases[] = { { 1, "1 ms" },     { 999, "999 ms" },   { 1000, "1 s" },    { 1099, "1 s" },
                  { 1100, "1.1 s" }, { 9999, "9.9 s" },   { 10000, "10 s" },  { 10500, "10 s" },
                  { 72000, "72 s" }, { 119999, "119 s" }, { 120000, "2 min" } };
    char out[32];

    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ck_assert_str_eq(incident_length(cases[n].ms * NS_PER_MS, out), cases[n].words);
    ck_assert_str_eq(incident_length(0, out), "0 s");
}
END_TEST

START_TEST(a_guest_is_called_by_its_name_or_its_id_or_is_not_known)
{
    ck_assert_str_eq(incident_guest(i), "sql01");
    i->vm_name = "";
    ck_assert_str_eq(incident_guest(i), "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF");
    i->vm_id = "";
    ck_assert_str_eq(incident_guest(i), "(guest not known)");
}
END_TEST

START_TEST(the_first_dump_that_blames_something_says_what)
{
    char out[INCIDENT_BLAMED_MAX];

    ck_assert_str_eq(incident_blamed(i, out), "storvsc.sys+0x2b8");
    i->dumps[0].offset = "";
    ck_assert_str_eq(incident_blamed(i, out), "storvsc.sys");
    i->dumps[0].offset = "0x2b8";
    i->dumps[0].module = "";
    i->dumps[0].culprit = "memory";
    ck_assert_str_eq(incident_blamed(i, out), "memory"); /* no place in a file */
    i->dumps[1] = i->dumps[0];
    i->dump_count = 2;
    i->dumps[0].culprit = "";
    i->dumps[1].module = "second.sys";
    ck_assert_str_eq(incident_blamed(i, out), "second.sys+0x2b8");
    i->dumps[1].module = i->dumps[1].culprit = "";
    ck_assert_str_eq(incident_blamed(i, out), "");
    i->dump_count = 0;
    ck_assert_str_eq(incident_blamed(i, out), "");
}
END_TEST

START_TEST(a_list_says_how_long_after_a_migration_it_was)
{
    char out[64];

    ck_assert_str_eq(incident_moved(i, out), "12 s after a migration");
    i->migration.during = true;
    ck_assert_str_eq(incident_moved(i, out), "during a migration");
    i->migration.during = false;
    i->migration.before_ns = -1;
    ck_assert_str_eq(incident_moved(i, out), "");
    i->migration.before_ns = 0;
    i->migration.known = false;
    ck_assert_str_eq(incident_moved(i, out), "");
    i->migration.during = true;
    ck_assert_str_eq(incident_moved(i, out), "");
}
END_TEST

/* ---- the crash itself --------------------------------------------------- */

START_TEST(a_time_that_no_event_told_says_where_it_is_from)
{
    lacks("Time");
    i->time_source = TOLD_BY_DUMP;
    has("Time=2024-01-31 08:00:00, from the dump, by the guest's own clock");
    i->time_source = TOLD_BY_FILE;
    has("Time=2024-01-31 08:00:00, when the dump file was written; the crash was before");
}
END_TEST

START_TEST(the_parameters_come_with_what_they_mean)
{
    has("Parameters=0x10, 0x2, 0x0, 0xfffff80000b1e2b8: a driver read address 0x10 at IRQL 2");
    i->bugcheck.cause = "";
    has("Parameters=0x10, 0x2, 0x0, 0xfffff80000b1e2b8");
    i->bugcheck.params_known = false;
    lacks("Parameters");
    i->bugcheck.cause = "a driver's fault";
    has("Parameters=a driver's fault");
    i->bugcheck.known = false;
    lacks("Parameters");
}
END_TEST

START_TEST(a_linux_panic_tells_what_its_registers_held)
{
    lacks("Linux panic");
    i->linux_panic = (struct incident_linux){ true, "6.6.87", "0x81", "0x1", "0xff81", "0xc900", "not syncing" };
    has("Linux panic=kernel 6.6.87, RIP 0xff81, RSP 0xc900, die code 0x1");
    has("Its message=not syncing");
    i->linux_panic.version = i->linux_panic.message = "";
    has("Linux panic=RIP 0xff81, RSP 0xc900, die code 0x1");
    lacks("Its message");
    i->linux_panic.rip = "";
    has("Linux panic=RSP 0xc900, die code 0x1");
    i->linux_panic.rsp = "";
    has("Linux panic=die code 0x1");
    i->linux_panic.die_code = "";
    lacks("Linux panic");
}
END_TEST

START_TEST(what_is_blamed_comes_with_how_sure_that_is_and_whose_it_is)
{
    has("Blamed=storvsc.sys+0x2b8 (exact), microsoft: the faulting instruction is in it");
    i->dumps[1] = i->dumps[0];
    i->dump_count = 2;
    i->dumps[0].module = i->dumps[0].culprit = "";
    i->dumps[1].culprit_confidence = i->dumps[1].evidence = "";
    i->origin = ORIGIN_UNKNOWN;
    has("Blamed=storvsc.sys+0x2b8"); /* of the dump that blames, not of the first */
    i->dumps[1].module = "";
    i->dumps[1].culprit = "hardware";
    has("Blamed=hardware");
    i->dumps[1].culprit = "";
    lacks("Blamed");
}
END_TEST

START_TEST(a_dump_is_told_with_what_is_wrong_with_it_and_why_it_belongs_here)
{
    has("Dump=C:\\Dumps\\sql01\\MEMORY.DMP, kernel, belongs here by its parameters");
    has("Bucket=0xD1_storvsc!unknown");
    i->dumps[0].joined_by = "vm-id";
    i->dumps[0].failure_id = "";
    i->dumps[0].bucket = "OUR-BUCKET";
    has("Dump=C:\\Dumps\\sql01\\MEMORY.DMP, kernel");
    has("Bucket=OUR-BUCKET");
    i->dumps[0].joined_by = i->dumps[0].path = i->dumps[0].format = i->dumps[0].bucket = "";
    i->dumps[0].status = "truncated";
    i->dumps[0].problem = "its end is missing";
    has("Dump=path not known, truncated, its end is missing");
    lacks("Bucket");
    i->dump_count = 0;
    lacks("Dump");
}
END_TEST

/* ---- the guest ---------------------------------------------------------- */

START_TEST(integration_services_are_told_as_they_were_then)
{
    has("Integration services=behind-protocol, had 6.1.7601.17514, should have had 6.3.9600.18692,"
        " so since 2024-01-30");
    i->drift.stale = true;
    i->drift.expected_version = "";
    has("Integration services=behind-protocol, had 6.1.7601.17514, so since 2024-01-30, by an old look");
    i->drift.stale = false;
    i->drift.guest_version = "";
    i->drift.since = 0;
    has("Integration services=behind-protocol");
    i->drift.known = false;
    has("Integration services~not known");
    i->drift.why = "history begins later";
    has("Integration services~not known: history begins later");
}
END_TEST

START_TEST(a_guest_is_told_with_its_system_and_how_long_it_was_up)
{
    static const struct {
        enum incident_source source;
        const char *line;
    } sources[] = {
        { TOLD_NOT, "Guest=Windows Server 2008 R2 Standard, 6.1.7601, up 2 h 2 min, came up again" },
        { TOLD_BY_EVENT,
          "Guest=Windows Server 2008 R2 Standard, 6.1.7601, up 2 h 2 min (by the host's events), came up again" },
        { TOLD_BY_DUMP, "Guest=Windows Server 2008 R2 Standard, 6.1.7601, up 2 h 2 min (by the dump), came up again" },
        { TOLD_BY_FILE, "Guest=Windows Server 2008 R2 Standard, 6.1.7601, up 2 h 2 min (by the dump), came up again" },
        { TOLD_BY_HISTORY,
          "Guest=Windows Server 2008 R2 Standard, 6.1.7601, up 2 h 2 min (by history), came up again" },
    };

    for (size_t n = 0; n < sizeof sources / sizeof *sources; n++) {
        i->uptime_source = sources[n].source;
        has(sources[n].line);
    }
    i->guest_os = "Windows 6.1.7601"; /* says the number itself */
    i->uptime_ns = -1;
    has("Guest=Windows 6.1.7601, came up again");
    i->guest_os = "";
    i->rebooted = false;
    has("Guest=6.1.7601");
    i->guest_os_version = "";
    lacks("Guest");
}
END_TEST

START_TEST(a_migration_is_told_with_what_is_known_of_it)
{
    has("Migration=live migration, 12 s before, from HV02 to HV01, blackout 3.5 s, unexpectedly long");
    i->migration.unexpectedly_long = false;
    i->migration.failed = true;
    i->migration.from = "";
    has("Migration=live migration, 12 s before, to HV01, blackout 3.5 s, it failed");
    i->migration.failed = false;
    i->migration.during = true;
    i->migration.to = i->migration.kind = "";
    i->migration.from = "HV02";
    i->migration.blackout_ns = -1;
    has("Migration=migration, not over when the guest crashed, from HV02");
    i->migration.during = false;
    i->migration.before_ns = -1;
    i->migration.from = "";
    has("Migration=migration");
    i->migration.known = false;
    has("Migration~none told of");
}
END_TEST

START_TEST(memory_is_told_as_far_as_it_is_known)
{
    struct incident_configuration *c = &i->configuration;

    has("Memory=dynamic, 4096 MiB assigned");
    c->demanded_mib = 5000;
    c->available_percent = 0;
    c->memory_pressure = 1;
    has("Memory=dynamic, 4096 MiB assigned, 5000 MiB demanded, 0 % available, under pressure: more demanded than"
        " assigned");
    c->dynamic_memory = 0;
    has("Memory=fixed, 4096 MiB assigned, 5000 MiB demanded, 0 % available, under pressure: more demanded than"
        " assigned");
    c->dynamic_memory = -1;
    c->memory_pressure = -1;
    has("Memory=4096 MiB assigned, 5000 MiB demanded, 0 % available");
    c->assigned_mib = -1;
    has("Memory=5000 MiB demanded, 0 % available");
    c->demanded_mib = -1;
    has("Memory=0 % available");
    c->available_percent = -1;
    lacks("Memory");
    c->known = false;
    has("Configuration~not known");
    c->why = "never told";
    has("Configuration~not known: never told");
    lacks("Disks");
    lacks("Machine");
}
END_TEST

START_TEST(disks_that_are_alike_are_told_together)
{
    struct incident_configuration *c = &i->configuration;

    has("Disks=2 SCSI dynamic, 1 IDE fixed");
    c->disks[1].kind = "";
    c->disks[2].controller = "";
    has("Disks=1 SCSI dynamic, 1 SCSI (kind not known), 1 controller not known, fixed");
    c->disks[0].controller = "nvme";
    c->disk_count = 1;
    has("Disks=1 nvme dynamic");
    c->disk_count = 0;
    lacks("Disks");
}
END_TEST

START_TEST(the_machine_is_told_in_ones_and_manies)
{
    struct incident_configuration *c = &i->configuration;

    lacks("Machine");
    c->generation = 2;
    c->processors = 4;
    c->checkpoints = 0;
    has("Machine=generation 2, 4 processors, 0 checkpoints");
    c->processors = c->checkpoints = 1;
    has("Machine=generation 2, 1 processor, 1 checkpoint");
    c->generation = 0;
    has("Machine=1 processor, 1 checkpoint");
    c->processors = 0;
    has("Machine=1 checkpoint");
}
END_TEST

/* ---- around it ---------------------------------------------------------- */

START_TEST(the_host_is_told_with_its_system_and_its_own_start)
{
    has("Host=HV01, Windows 6.3.9600.20778, expects integration services 6.3.9600.18692");
    i->host_booted = CRASHED - 60 * NS_PER_S;
    i->host_is_version = "";
    has("Host=HV01, Windows 6.3.9600.20778, the host itself started at -0:01:00");
    i->host_booted = 0;
    i->host_name = i->host_os_version = "";
    has("Host=HOST-1");
    i->host_id = "";
    lacks("Host");
}
END_TEST

START_TEST(storage_trouble_is_counted_and_a_lost_path_is_trouble_without_a_count)
{
    has("Storage=41 events, the longest wait 72 s on LUN 7");
    i->storage.longest_device = "";
    has("Storage=41 events, the longest wait 72 s");
    i->storage.longest_device = "LUN 7";
    i->storage.longest_ns = -1;
    i->storage.count = 1;
    i->storage.path_lost = true;
    has("Storage=1 event, a path or volume was lost");
    i->storage.count = 0;
    has("Storage=0 events, a path or volume was lost");
    i->storage.path_lost = false;
    has("Storage~no trouble told of");
}
END_TEST

START_TEST(cluster_events_are_told_one_after_the_other)
{
    has("Cluster=health-timeout of sql01 (event 4870)");
    i->cluster_events[1] = (struct incident_cluster_event){ "node-removed", "", "HV02", CRASHED, CRASHED, 3, 0 };
    i->cluster_event_count = 2;
    has("Cluster=health-timeout of sql01 (event 4870), node-removed 3 times");
    i->cluster_event_count = 0;
    has("Cluster~no trouble told of");
}
END_TEST

START_TEST(other_guests_that_crashed_are_named_by_what_is_known)
{
    has("Also crashed=web02 (0x0000007a, +0:01:00)");
    i->others[1] = (struct incident_other){ "VM-C", "", CRASHED - NS_PER_S, INCIDENT_OTHER, "triple fault" };
    i->other_count = 2;
    has("Also crashed=web02 (0x0000007a, +0:01:00), VM-C (triple fault, -0:00:01.0)");
    i->other_count = 0;
    has("Also crashed~no other guest of the host");
}
END_TEST

START_TEST(what_is_missing_is_told)
{
    has("Not known=1 gap in what is known around the crash: what is missing may have mattered");
    lacks("Not shown");
    i->gaps = 2;
    i->cut = true;
    has("Not known=2 gaps in what is known around the crash: what is missing may have mattered");
    has("Not shown=there was more to tell than an incident holds; the nearest in time is kept");
    i->gaps = 0;
    lacks("Not known");
    incident_line(i, &i->notes, "the dump may be of another guest");
    incident_line(i, &i->notes, "it crashed again after a minute");
    has("Note=the dump may be of another guest");
    has("Note=it crashed again after a minute");
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "words");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_time_is_told_to_the_second_and_zero_is_not_known);
    tcase_add_test(c, an_offset_has_tenths_when_it_is_near_and_is_empty_without_both_times);
    tcase_add_test(c, a_length_is_finer_the_shorter_it_is);
    tcase_add_test(c, a_guest_is_called_by_its_name_or_its_id_or_is_not_known);
    tcase_add_test(c, the_first_dump_that_blames_something_says_what);
    tcase_add_test(c, a_list_says_how_long_after_a_migration_it_was);
    tcase_add_test(c, a_time_that_no_event_told_says_where_it_is_from);
    tcase_add_test(c, the_parameters_come_with_what_they_mean);
    tcase_add_test(c, a_linux_panic_tells_what_its_registers_held);
    tcase_add_test(c, what_is_blamed_comes_with_how_sure_that_is_and_whose_it_is);
    tcase_add_test(c, a_dump_is_told_with_what_is_wrong_with_it_and_why_it_belongs_here);
    tcase_add_test(c, integration_services_are_told_as_they_were_then);
    tcase_add_test(c, a_guest_is_told_with_its_system_and_how_long_it_was_up);
    tcase_add_test(c, a_migration_is_told_with_what_is_known_of_it);
    tcase_add_test(c, memory_is_told_as_far_as_it_is_known);
    tcase_add_test(c, disks_that_are_alike_are_told_together);
    tcase_add_test(c, the_machine_is_told_in_ones_and_manies);
    tcase_add_test(c, the_host_is_told_with_its_system_and_its_own_start);
    tcase_add_test(c, storage_trouble_is_counted_and_a_lost_path_is_trouble_without_a_count);
    tcase_add_test(c, cluster_events_are_told_one_after_the_other);
    tcase_add_test(c, other_guests_that_crashed_are_named_by_what_is_known);
    tcase_add_test(c, what_is_missing_is_told);
}

int main(void)
{
    return suite_main("report: incidents in words", add);
}
