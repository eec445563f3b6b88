#include "tests/report/support_incident.h"

#include "tests/support/suite.h"

#include <string.h>

enum { ENTRIES = 6 };

static void bugcheck(struct incident *i)
{
    i->bugcheck = (struct incident_bugcheck){ true,
                                              true,
                                              0xd1,
                                              { 0x10, 2, 0, 0xfffff80000b1e2b8 },
                                              "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
                                              "a driver read address 0x10 at IRQL 2" };
    i->kind = INCIDENT_BUGCHECK;
}

static void dump(struct incident *i)
{
    struct incident_dump *d = &i->dumps[i->dump_count++];

    d->path = "C:\\Dumps\\sql01\\MEMORY.DMP";
    d->status = "ok";
    d->format = "kernel";
    d->culprit = d->module = "storvsc.sys";
    d->culprit_kind = "driver";
    d->offset = "0x2b8";
    d->culprit_confidence = "exact";
    d->evidence = "the faulting instruction is in it";
    d->failure_id = "0xD1_storvsc!unknown";
    d->joined_by = "parameters";
    i->origin = ORIGIN_MICROSOFT;
}

static void surroundings(struct incident *i)
{
    i->migration = (struct incident_migration){ .known = true,
                                                .time = CRASHED - 12 * NS_PER_S,
                                                .before_ns = 12 * NS_PER_S,
                                                .blackout_ns = 3500 * NS_PER_MS,
                                                .unexpectedly_long = true,
                                                .kind = "live",
                                                .from = "HV02",
                                                .to = "HV01" };
    i->storage = (struct incident_storage){ .count = 41, .longest_ns = 72 * NS_PER_S, .longest_device = "LUN 7" };
    i->cluster_events[0] =
        (struct incident_cluster_event){ "health-timeout", "sql01", "HV01", CRASHED, CRASHED, 1, 4870 };
    i->cluster_event_count = 1;
    i->others[0] = (struct incident_other){ "VM-B", "web02", CRASHED + 60 * NS_PER_S, INCIDENT_BUGCHECK, "0x0000007a" };
    i->other_count = 1;
    i->configuration.known = true;
    i->configuration.dynamic_memory = 1;
    i->configuration.assigned_mib = 4096;
    i->configuration.memory_pressure = 0;
    i->configuration.disks[0] = i->configuration.disks[1] = (struct incident_disk){ "scsi", "dynamic", "" };
    i->configuration.disks[2] = (struct incident_disk){ "ide", "fixed", "" };
    i->configuration.disk_count = 3;
    i->gaps = 1;
}

static void timeline(struct incident *i)
{
    const struct incident_place nowhere = { "", 0 };
    const struct incident_entry entries[ENTRIES] = {
        { CRASHED - 1800 * NS_PER_S, CRASHED - 1500 * NS_PER_S, 1, ENTRY_GAP, false,
          "What happened in this time is not known: the log was cleared", "HV01", nowhere },
        { CRASHED - 300 * NS_PER_S, CRASHED - 5 * NS_PER_S, 41, ENTRY_STORAGE, false,
          "41 times, the longest 1 min 12 s, the first: a request took 12 s", "HV01", nowhere },
        { CRASHED - 12 * NS_PER_S, 0, 1, ENTRY_MIGRATION, false, "sql01 has moved to HV01", "HV01", nowhere },
        { CRASHED, 0, 1, ENTRY_CRASH, true, "sql01 has crashed", "HV01", nowhere },
        { CRASHED + 2 * NS_PER_S, 0, 1, ENTRY_LIFECYCLE, true, "sql01 was reset", "HV01", nowhere },
        { CRASHED + 60 * NS_PER_S, 0, 1, ENTRY_OTHER_CRASH, false, "web02 crashed too (0x0000007a)", "HV01", nowhere },
    };

    i->timeline = arena_alloc(&i->arena, sizeof entries);
    ck_assert_ptr_nonnull(i->timeline);
    memcpy(i->timeline, entries, sizeof entries);
    i->timeline_count = ENTRIES;
}

static void finding(struct incident *i)
{
    struct incident_finding *f = i->findings = arena_alloc(&i->arena, sizeof *f);

    ck_assert_ptr_nonnull(f);
    *f = (struct incident_finding){ .rule = "storvsc-live-migration",
                                    .title = "The storage driver fell over a live migration",
                                    .text = "sql01 crashed in its storage driver right after it was moved.",
                                    .action = "Install the hotfix in the guest.",
                                    .confidence = CONFIDENCE_HIGH,
                                    .reason = "code, module and migration fit" };
    i->finding_count = 1;
    incident_line(i, &f->met, "the blamed module is storvsc.sys");
    incident_line(i, &f->against, "the integration services are out of date");
    incident_line(i, &f->unknown, "whether checkpoints existed");
    incident_line(i, &f->links, "https://support.microsoft.com/kb/2636573");
}

struct incident *incident_of_storvsc(void)
{
    struct incident *i = incident_new();

    ck_assert_ptr_nonnull(i);
    i->id = "0123456789abcdef";
    i->vm_id = "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF";
    i->vm_name = "sql01";
    i->host_id = "HOST-1";
    i->host_name = "HV01";
    i->cluster = "PROD-A";
    i->time = CRASHED;
    i->time_source = TOLD_BY_EVENT;
    i->rebooted = true;
    i->guest_os = "Windows Server 2008 R2 Standard";
    i->guest_os_version = "6.1.7601";
    i->family = FAMILY_WINDOWS;
    i->host_os_version = "6.3.9600.20778";
    i->host_is_version = "6.3.9600.18692";
    i->uptime_ns = 7320 * NS_PER_S;
    i->uptime_source = TOLD_BY_DUMP;
    i->drift = (struct incident_drift){
        true, "", DRIFT_BEHIND_PROTOCOL, 5, CRASHED - 86400 * NS_PER_S, false, "6.1.7601.17514", "6.3.9600.18692"
    };
    bugcheck(i);
    dump(i);
    surroundings(i);
    timeline(i);
    finding(i);
    return i;
}

struct incident *incident_of_linux(void)
{
    struct incident *i = incident_new();

    ck_assert_ptr_nonnull(i);
    i->id = "fedcba9876543210";
    i->vm_id = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    i->host_id = "HOST-1";
    i->host_name = "HV01";
    i->time = CRASHED + 60 * NS_PER_S;
    i->time_source = TOLD_BY_EVENT;
    i->kind = INCIDENT_LINUX_PANIC;
    i->family = FAMILY_LINUX;
    i->linux_panic = (struct incident_linux){ true,           "6.6.87",     "0x8100000606570000",        "0x1",
                                              "0xffffffff81", "0xffffc900", "Kernel panic - not syncing" };
    i->drift.why = "history begins on 2024-02-01";
    i->configuration.why = "the host has not told";
    return i;
}

struct incident *incident_written_by(const char *text)
{
    struct incident *i = incident_of_storvsc();
    const char *own = incident_text(i, text);

    i->vm_name = i->host_name = i->cluster = i->guest_os = i->drift.guest_version = own;
    i->bugcheck.cause = own;
    i->dumps[0].path = i->dumps[0].module = i->dumps[0].evidence = i->dumps[0].failure_id = own;
    i->storage.longest_device = i->migration.from = own;
    i->cluster_events[0].signal = i->cluster_events[0].object = own;
    i->others[0].vm_name = own;
    i->timeline[3].what = i->timeline[3].host = own;
    i->findings[0].title = i->findings[0].text = i->findings[0].action = own;
    i->findings[0].met.line[0] = i->findings[0].links.line[0] = own;
    incident_line(i, &i->notes, text);
    return i;
}
