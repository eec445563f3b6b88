#include "tests/incidents/support_facts.h"

#include "base/times.h"
#include "incidents/rules.h"
#include "model/drift.h"
#include "triage/bugchecks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRASHED (INT64_C(1706688000) * NS_PER_S)

typedef void take(struct incident *i, struct incident_surroundings *around, const char *value);

#define TAKE(name) static void name(struct incident *i, struct incident_surroundings *around, const char *value)
#define USED       (void)around, (void)value, (void)i

static int whole(const char *value)
{
    return (int)strtol(value, NULL, 10);
}

static int64_t seconds(const char *value)
{
    return (int64_t)(strtod(value, NULL) * 1e9);
}

TAKE(take_code)
{
    USED;
    i->bugcheck.known = true;
    i->bugcheck.code = (uint32_t)strtoul(value, NULL, 0);
    i->bugcheck.name = bugcheck_name(i->bugcheck.code);
    i->family = FAMILY_WINDOWS;
}

static void param(struct incident *i, int n, const char *value)
{
    i->bugcheck.params_known = true;
    i->bugcheck.params[n] = strtoull(value, NULL, 0);
}

TAKE(take_p1)
{
    USED;
    param(i, 0, value);
}

TAKE(take_p2)
{
    USED;
    param(i, 1, value);
}

TAKE(take_kind)
{
    USED;
    ck_assert(incident_kind_parse(value, &i->kind));
}

static struct incident_dump *dump(struct incident *i)
{
    i->dump_count = 1;
    return &i->dumps[0];
}

TAKE(take_module)
{
    USED;
    dump(i)->module = dump(i)->culprit = incident_text(i, value);
    dump(i)->culprit_kind = "driver";
    i->origin = incident_origin_of("driver", value);
}

TAKE(take_culprit)
{
    USED;
    dump(i)->culprit = dump(i)->culprit_kind = incident_text(i, value);
    i->origin = incident_origin_of(value, "");
}

TAKE(take_os)
{
    USED;
    i->guest_os_version = incident_text(i, value);
}

TAKE(take_host)
{
    USED;
    i->host_os_version = incident_text(i, value);
}

TAKE(take_family)
{
    USED;
    i->family = strcmp(value, "linux") == 0 ? FAMILY_LINUX : FAMILY_WINDOWS;
}

TAKE(take_drift)
{
    USED;
    i->drift.known = true;
    ck_assert(drift_state_parse(value, &i->drift.state));
    i->drift.guest_version = "6.3.9600.16384";
    i->drift.expected_version = "6.3.9600.18692";
}

TAKE(take_dynamic)
{
    USED;
    i->configuration.known = true;
    i->configuration.dynamic_memory = whole(value);
}

TAKE(take_pressure)
{
    USED;
    i->configuration.known = true;
    i->configuration.memory_pressure = whole(value);
}

static struct incident_disk *disk(struct incident *i)
{
    struct incident_disk *d = &i->configuration.disks[0];

    i->configuration.known = true;
    if (i->configuration.disk_count == 0)
        *d = (struct incident_disk){ "", "", "C:\\CSV\\a.vhd" };
    i->configuration.disk_count = 1;
    return d;
}

TAKE(take_disk)
{
    USED;
    disk(i)->controller = incident_text(i, value);
}

TAKE(take_vhd)
{
    USED;
    disk(i)->kind = incident_text(i, value);
}

TAKE(take_uptime)
{
    USED;
    i->uptime_ns = seconds(value);
}

TAKE(take_migrated)
{
    USED;
    i->migration.known = true;
    i->migration.before_ns = seconds(value);
}

TAKE(take_during)
{
    USED;
    i->migration.known = i->migration.during = true;
    i->migration.before_ns = 0;
}

TAKE(take_blackout)
{
    USED;
    i->migration.blackout_ns = seconds(value);
}

static struct incident_device *device(struct incident *i)
{
    struct incident_device *d = &i->storage.devices[i->storage.device_count++];

    i->storage.count++;
    *d = (struct incident_device){
        .device = "Volume1", .signal = "io-slow", .host = "HV1", .count = 1, .longest_ns = -1
    };
    return d;
}

TAKE(take_stall)
{
    USED;
    i->storage.longest_ns = device(i)->longest_ns = seconds(value);
    i->storage.longest_device = "Volume1";
}

TAKE(take_signal)
{
    USED;
    device(i)->signal = incident_text(i, value);
}

TAKE(take_lost)
{
    USED;
    i->storage.path_lost = true;
}

TAKE(take_cluster)
{
    USED;
    i->cluster_events[i->cluster_event_count++] =
        (struct incident_cluster_event){ .signal = incident_text(i, value), .object = "", .host = "HV1", .count = 1 };
}

TAKE(take_others)
{
    USED;
    i->other_count = whole(value);
}

TAKE(take_boot)
{
    USED;
    i->host_booted = CRASHED + seconds(value);
}

TAKE(take_gaps)
{
    USED;
    i->gaps = whole(value);
}

TAKE(take_guests)
{
    USED;
    around->known = true;
    around->module_hosts_days = 30;
    around->module_guests = whole(value);
}

TAKE(take_hosts)
{
    USED;
    around->module_hosts = whole(value);
}

static const struct {
    const char *name;
    take *take;
} takers[] = {
    { "code", take_code },       { "p1", take_p1 },
    { "p2", take_p2 },           { "kind", take_kind },
    { "module", take_module },   { "culprit", take_culprit },
    { "os", take_os },           { "host", take_host },
    { "family", take_family },   { "drift", take_drift },
    { "dynamic", take_dynamic }, { "pressure", take_pressure },
    { "disk", take_disk },       { "vhd", take_vhd },
    { "uptime", take_uptime },   { "migrated", take_migrated },
    { "during", take_during },   { "blackout", take_blackout },
    { "stall", take_stall },     { "signal", take_signal },
    { "lost", take_lost },       { "cluster", take_cluster },
    { "others", take_others },   { "boot", take_boot },
    { "gaps", take_gaps },       { "guests", take_guests },
    { "hosts", take_hosts },
};

static void take_fact(struct incident *i, struct incident_surroundings *around, const char *fact)
{
    const char *equals = strchr(fact, '=');

    ck_assert_msg(equals != NULL, "'%s' is no fact", fact);
    for (size_t n = 0; n < sizeof takers / sizeof takers[0]; n++) {
        if (strlen(takers[n].name) == (size_t)(equals - fact) &&
            strncmp(takers[n].name, fact, (size_t)(equals - fact)) == 0) {
            takers[n].take(i, around, equals + 1);
            return;
        }
    }
    ck_abort_msg("no fact is called '%s'", fact);
}

struct incident *incident_with(const char *facts, struct incident_surroundings *around)
{
    struct incident *i = incident_new();
    char fact[128];
    int used;

    ck_assert_ptr_nonnull(i);
    *around = (struct incident_surroundings){ .why = "nobody counted" };
    i->id = "0123456789abcdef";
    i->vm_name = "sql01";
    i->host_name = "HV1";
    i->time = CRASHED;
    i->host_os_version = "10.0.20348.2700";
    while (sscanf(facts, " %127s%n", fact, &used) == 1) {
        take_fact(i, around, fact);
        facts += used;
    }
    return i;
}

const struct incident_finding *finding_of(const struct incident *i, const char *rule)
{
    for (int n = 0; n < i->finding_count; n++) {
        if (strcmp(i->findings[n].rule, rule) == 0)
            return &i->findings[n];
    }
    return NULL;
}
