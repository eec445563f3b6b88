/* What rules say: the sentence of each condition, whatever its answer, and what each placeholder stands for. */
#include "incidents/rules.h"
#include "tests/incidents/support_facts.h"

#include <stdio.h>
#include <string.h>

static struct buf problems;

static void begin(void)
{
    buf_init(&problems, 64 * 1024);
}

static void end(void)
{
    buf_free(&problems);
}

/* A rule that always holds; the rest of it is given. */
static struct rules *rule_with(const char *text, const char *rest)
{
    static char yaml[4096];
    struct rules *r = NULL;

    snprintf(yaml, sizeof yaml,
             "rules:\n  - { id: a, title: t, text: \"%s\", action: a, confidence: medium, reason: r,\n"
             "      needs: [{ any: [{ dump: true }, { dump: false }] }]%s }\n",
             text, rest);
    ck_assert_msg(rules_parse("mine.yaml", yaml, strlen(yaml), &r, &problems) == 0, "%s", buf_text(&problems));
    return r;
}

/* ---- conditions --------------------------------------------------------------------------- */

typedef void change(struct incident *i, struct incident_surroundings *around);

static void no_change(struct incident *i, struct incident_surroundings *around)
{
    (void)i;
    (void)around;
}

#define CHANGE(name) static void name(struct incident *i, struct incident_surroundings *around)
#define UNUSED       (void)i, (void)around

CHANGE(blames_nobody)
{
    UNUSED;
    i->dump_count = 1;
}

CHANGE(blames_unknown)
{
    UNUSED;
    i->dump_count = 1;
    i->dumps[0].culprit = "Unknown_Image";
    i->dumps[0].culprit_kind = "unknown";
}

CHANGE(blames_something)
{
    UNUSED;
    i->dump_count = 1;
    i->dumps[0].culprit = "a thing";
}

CHANGE(is_sure)
{
    UNUSED;
    i->dumps[0].offset = "0x2b8";
    i->dumps[0].culprit_confidence = "exact";
}

CHANGE(first_dump_blames_nobody)
{
    UNUSED;
    i->dump_count = 2;
    i->dumps[1] = i->dumps[0];
    i->dumps[0].module = i->dumps[0].culprit = "";
    i->dumps[1].culprit = "";
}

CHANGE(has_os_name)
{
    UNUSED;
    i->guest_os = "Windows Server 2012 R2";
}

CHANGE(drift_without_versions)
{
    UNUSED;
    i->drift.guest_version = i->drift.expected_version = "";
}

CHANGE(drift_why)
{
    UNUSED;
    i->drift.why = "history begins on 2026-01-31";
}

CHANGE(configuration_why)
{
    UNUSED;
    i->configuration.why = "it was not collected";
}

CHANGE(disk_without_path)
{
    UNUSED;
    i->configuration.disks[0].path = "";
}

CHANGE(second_disk_unknown)
{
    UNUSED;
    i->configuration.disks[1] = (struct incident_disk){ "", "", "" };
    i->configuration.disk_count = 2;
}

CHANGE(seen_twice)
{
    UNUSED;
    i->storage.devices[0].count = 2;
}

CHANGE(of_an_object)
{
    UNUSED;
    i->cluster_events[0].object = "Volume1";
}

CHANGE(counted_by_nobody)
{
    UNUSED;
    around->why = NULL;
}

CHANGE(counted_without_reason)
{
    UNUSED;
    around->why = "";
}

CHANGE(migration_ran)
{
    UNUSED;
    i->migration.known = true;
    i->migration.before_ns = 10 * NS_PER_S;
}

CHANGE(migration_ran_long)
{
    UNUSED;
    i->migration.known = true;
    i->migration.blackout_ns = INT64_C(12500) * NS_PER_MS;
}

CHANGE(other_name)
{
    UNUSED;
    i->guest_os = "";
}

/* clang-format off */
static const struct {
    const char *condition, *facts;
    change *change;
    char where; /* + for, - against, ? not known */
    const char *sentence;
} rows[] = {
    { "bugcheck: 0xD1", "code=0xd1", no_change, '+', "the bug check was 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL" },
    { "bugcheck: 0xD1", "kind=linux-panic", no_change, '-', "Linux guests have no bug check" },
    { "bugcheck: 0xD1", "kind=other", no_change, '?', "the bug check code is not known" },
    { "parameter2: 1", "code=1", no_change, '?', "parameter 2 of the bug check is not known" },
    { "parameter2: 0x10..0x20", "code=1 p2=0xf", no_change, '-', "parameter 2 was 0xf" },
    { "parameter2: 0x10..0x20", "code=1 p2=0x21", no_change, '-', "parameter 2 was 0x21" },
    { "kind: watchdog", "kind=other", no_change, '-', "the incident is of kind other" },
    { "module: a.sys", "code=1", no_change, '?', "the module is not known: there is no dump of this crash" },
    { "module: a.sys", "code=1", blames_nobody, '?', "the module is not known: the dump blames no driver" },
    { "module: a.sys", "module=a.sys", no_change, '+', "the dump blames a.sys" },
    { "module: \"a*b**\"", "module=axxb", no_change, '+', "the dump blames axxb" },
    { "module: a.sys", "module=a.sys", is_sure, '+', "the dump blames a.sys+0x2b8 (exact)" },
    { "module: b.sys", "module=a.sys", first_dump_blames_nobody, '-', "the dump blames a.sys" },
    { "module_origin: hardware", "code=1", no_change, '?', "whose module it was is not known" },
    { "module_origin: hardware", "module=a.sys", no_change, '-', "what is blamed is third-party" },
    { "culprit: memory", "code=1", no_change, '?', "no dump says what kind of thing is to blame" },
    { "culprit: memory", "code=1", blames_unknown, '?', "no dump says what kind of thing is to blame" },
    { "culprit: memory", "code=1", blames_something, '?', "no dump says what kind of thing is to blame" },
    { "culprit: memory", "module=a.sys", no_change, '-', "the dump blames driver: a.sys" },
    { "guest_os: 6.3", "code=1", no_change, '?', "the guest's operating system's version is not known" },
    { "guest_os: 6.3", "os=6.3.9600", other_name, '+', "the guest's operating system is 6.3.9600" },
    { "guest_os: 6.2", "os=6.3.9600", has_os_name, '-', "the guest's operating system is Windows Server 2012 R2 (6.3.9600)" },
    { "guest_os: 6.4..", "os=6.3.9600", no_change, '-', "the guest's operating system is 6.3.9600" },
    { "family: bsd", "code=1", no_change, '-', "the guest runs windows" },
    { "family: bsd", "kind=other", no_change, '?', "what family of operating system the guest has is not known" },
    { "drift: behind", "drift=current", no_change, '-', "the integration services were current then: 6.3.9600.16384, expected 6.3.9600.18692" },
    { "drift: current", "drift=current", drift_without_versions, '+', "the integration services were current then" },
    { "drift: current", "drift=unknown", drift_without_versions, '?', "the integration services were unknown then" },
    { "drift: current", "code=1", drift_why, '?', "the state of the integration services at that moment is not known: history begins on 2026-01-31" },
    { "dynamic_memory: true", "code=1", no_change, '?', "whether the guest has dynamic memory is not known" },
    { "memory_pressure: true", "code=1", configuration_why, '?', "whether the guest was short of memory is not known: it was not collected" },
    { "dynamic_memory: true", "dynamic=0", no_change, '-', "the guest's memory is static" },
    { "memory_pressure: false", "pressure=0", no_change, '+', "the guest had the memory that it asked for" },
    { "disk_controller: ide", "disk=ide", no_change, '+', "the guest has a disk that is ide: C:\\CSV\\a.vhd" },
    { "vhd_kind: dynamic", "vhd=dynamic", disk_without_path, '+', "the guest has a disk that is dynamic" },
    { "disk_controller: ide", "code=1", no_change, '?', "the controllers of the guest's disks are not known" },
    { "vhd_kind: fixed", "vhd=dynamic", second_disk_unknown, '?', "the kinds of the guest's disks are not known" },
    { "disk_controller: ide", "disk=scsi", no_change, '-', "none of the guest's 1 disks is of the controllers looked for" },
    { "uptime_over: 1m", "code=1", no_change, '?', "how long the guest had run is not known" },
    { "uptime_over: 1m", "uptime=2.5", no_change, '-', "the guest had run for 2.5 s" },
    { "uptime_over: 1m", "uptime=9", no_change, '-', "the guest had run for 9 s" },
    { "uptime_over: 1m", "uptime=60", no_change, '-', "the guest had run for 1 min" },
    { "migration_within: 5m", "code=1", no_change, '-', "no migration of the guest was seen in the time before" },
    { "migration_within: 5m", "gaps=1", no_change, '?', "no migration is known, but there are gaps in what is known of the host" },
    { "migration_during: true", "code=1", no_change, '-', "no migration of the guest was seen in the time before" },
    { "migration_during: true", "code=1", migration_ran, '-', "the last migration of the guest was over" },
    { "migration_within: 5m", "during=1", no_change, '+', "the guest was being migrated" },
    { "migration_within: 5m", "code=1", migration_ran, '+', "the guest had been migrated 10 s before" },
    { "blackout_over: 2s", "code=1", no_change, '-', "no migration of the guest was seen in the time before" },
    { "blackout_over: 2s", "code=1", migration_ran, '?', "how long the guest stood still in its migration is not known" },
    { "blackout_over: 2s", "code=1", migration_ran_long, '+', "the guest stood still for 12 s in its migration" },
    { "storage_stall: 60s", "host=6.3", no_change, '?', "how long storage requests took is not known: this host may not log it" },
    { "storage_stall: 60s", "gaps=1", no_change, '?', "how long storage requests took is not known: there are gaps in what is known of the host" },
    { "storage_stall: 60s", "host=6.3 gaps=1", no_change, '?', "how long storage requests took is not known: there are gaps in what is known of the host" },
    { "storage_stall: 60s", "code=1", no_change, '-', "no slow storage request was logged" },
    { "storage_stall: 60s", "stall=59.5", no_change, '-', "a storage request took 59 s: Volume1" },
    { "lost_path: true", "lost=1", no_change, '+', "a path to storage, a volume or a share was lost" },
    { "lost_path: false", "lost=1", no_change, '-', "a path to storage, a volume or a share was lost" },
    { "lost_path: true", "gaps=1", no_change, '?', "no lost path, volume or share was seen, but there are gaps in what is known of the host" },
    { "storage_signal: io-slow", "signal=io-slow", no_change, '+', "io-slow, 1 time: Volume1" },
    { "storage_signal: io-slow", "signal=io-slow", seen_twice, '+', "io-slow, 2 times: Volume1" },
    { "storage_signal: io-slow", "code=1", no_change, '-', "no such storage event was seen" },
    { "cluster_signal: a", "cluster=a", no_change, '+', "the cluster reported a on HV1" },
    { "cluster_signal: a", "cluster=a", of_an_object, '+', "the cluster reported a on HV1: Volume1" },
    { "cluster_signal: a", "cluster=b", no_change, '-', "no such cluster event was seen" },
    { "others_crashed: 1", "others=1", no_change, '+', "1 other guest of the host crashed within minutes" },
    { "others_crashed: 3", "others=2", no_change, '-', "2 other guests of the host crashed within minutes" },
    { "others_crashed: 3", "others=2 gaps=1", no_change, '?', "2 other guests of the host are known to have crashed, but there are gaps" },
    { "host_restart_within: 5m", "boot=-301", no_change, '-', "the host started 5 min before the crash" },
    { "host_restart_within: 5m", "boot=301", no_change, '-', "the host started 5 min after the crash" },
    { "host_restart_within: 5m", "code=1", no_change, '-', "no start of the host was seen" },
    { "module_on_guests: 2", "module=a.sys guests=1 hosts=1", no_change, '-', "a.sys is blamed for crashes of 1 guest on 1 host in 30 days" },
    { "module_on_hosts: 2", "module=a.sys guests=3 hosts=2", no_change, '+', "a.sys is blamed for crashes of 3 guests on 2 hosts in 30 days" },
    { "module_on_hosts: 2", "module=a.sys", no_change, '?', "how often this module crashed elsewhere is not known: nobody counted" },
    { "module_on_hosts: 2", "module=a.sys", counted_by_nobody, '?', "how often this module crashed elsewhere is not known" },
    { "module_on_hosts: 2", "module=a.sys", counted_without_reason, '?', "how often this module crashed elsewhere is not known" },
};
/* clang-format on */

static bool listed(const struct incident_lines *lines, const char *sentence)
{
    for (int n = 0; n < lines->count; n++) {
        if (strcmp(lines->line[n], sentence) == 0)
            return true;
    }
    return false;
}

static const char *all_of(const struct incident_finding *f)
{
    static struct buf text;
    const struct incident_lines *lists[] = { &f->met, &f->against, &f->unknown };

    if (text.data != NULL)
        buf_free(&text);
    buf_init(&text, 64 * 1024);
    for (size_t k = 0; k < 3; k++) {
        for (int n = 0; n < lists[k]->count; n++)
            buf_printf(&text, "%c %s\n", "+-?"[k], lists[k] -> line[n]);
    }
    return buf_text(&text);
}

START_TEST(each_condition_says_how_it_is)
{
    struct incident_surroundings around;
    struct incident *i = incident_with(rows[_i].facts, &around);
    char rest[256];
    struct rules *r;
    const struct incident_finding *f;

    snprintf(rest, sizeof rest, ", helps: [{ %s }]", rows[_i].condition);
    r = rule_with("t", rest);
    rows[_i].change(i, &around);
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_int_eq(i->finding_count, 1);
    f = &i->findings[0];
    ck_assert_msg(listed(rows[_i].where == '+'   ? &f->met
                         : rows[_i].where == '-' ? &f->against
                                                 : &f->unknown,
                         rows[_i].sentence),
                  "%s with %s: not '%c %s' but\n%s", rows[_i].condition, rows[_i].facts, rows[_i].where,
                  rows[_i].sentence, all_of(f));
    incident_free(i);
    rules_free(r);
}
END_TEST

START_TEST(nobody_around_is_nothing_known_of_the_fleet)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("module=a.sys", &around);
    struct rules *r = rule_with("t", ", helps: [{ module_on_hosts: 2 }]");

    ck_assert_int_eq(rules_apply(r, i, NULL, NULL), 0);
    ck_assert(listed(&i->findings[0].unknown, "how often this module crashed elsewhere is not known"));
    incident_free(i);
    rules_free(r);
}
END_TEST

START_TEST(what_is_said_once_is_not_said_again)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=0x7a drift=unknown", &around);
    struct rules *r = rule_with("t", ", helps: [{ bugcheck: 0x7A }, { bugcheck: 0xD1 }, { drift: current }],"
                                     " against: [{ bugcheck: 0x7A }, { drift: behind }, { dump: true }]");
    const struct incident_finding *f;

    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    f = &i->findings[0];
    ck_assert_str_eq(all_of(f),
                     "+ there is no dump of this crash\n"
                     "+ the bug check was 0x7A KERNEL_DATA_INPAGE_ERROR\n"
                     "? the integration services were unknown then: 6.3.9600.16384, expected 6.3.9600.18692\n");
    incident_free(i);
    rules_free(r);
}
END_TEST

/* ---- placeholders -------------------------------------------------------------------------- */

CHANGE(nameless)
{
    UNUSED;
    i->vm_name = "";
    i->host_name = "";
}

CHANGE(has_id)
{
    UNUSED;
    i->vm_name = "";
    i->vm_id = "D9E0EB0A";
}

CHANGE(has_kernel)
{
    UNUSED;
    i->linux_panic.version = "6.6.87";
}

CHANGE(stall_without_device)
{
    UNUSED;
    i->storage.longest_device = "";
}

CHANGE(stood_still)
{
    UNUSED;
    i->migration.blackout_ns = INT64_C(2460) * NS_PER_MS;
}

static const struct {
    const char *text, *facts;
    change *change;
    const char *filled;
} texts[] = {
    { "{module}", "module=a.sys", no_change, "a.sys" },
    { "{module}", "code=1", no_change, "a driver that is not known" },
    { "{code} {name}", "code=0xd1", no_change, "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL" },
    { "{code} {name}", "kind=watchdog", no_change, "a bug check that is not known watchdog" },
    { "{vm} on {host}", "code=1", no_change, "sql01 on HV1" },
    { "{vm} on {host}", "code=1", nameless, "the guest on the host" },
    { "{vm}", "code=1", has_id, "D9E0EB0A" },
    { "{drift}: {guest_version}, {expected_version}", "drift=behind", no_change,
      "behind: 6.3.9600.16384, 6.3.9600.18692" },
    { "{drift}: {guest_version}, {expected_version}", "code=1", no_change,
      "not known: a version that is not known, the host's version" },
    { "{longest_wait} at {device}{stall}", "stall=61", no_change,
      "1 min at Volume1; the longest request took 1 min (Volume1)" },
    { "{longest_wait} at {device}{stall}", "code=1", no_change, "a time that is not known at storage" },
    { "{device}{stall}", "stall=61", stall_without_device, "storage; the longest request took 1 min (storage)" },
    { "{blackout}", "code=1", no_change, "a time that is not known" },
    { "{blackout}", "migrated=1", stood_still, "2.5 s" },
    { "{others} {kernel}", "others=2", no_change, "2 a version that is not known" },
    { "{kernel}", "kind=linux-panic", has_kernel, "6.6.87" },
};

START_TEST(each_placeholder_says_also_what_is_not_known)
{
    struct incident_surroundings around;
    struct incident *i = incident_with(texts[_i].facts, &around);
    struct rules *r = rule_with(texts[_i].text, "");

    texts[_i].change(i, &around);
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_str_eq(i->findings[0].text, texts[_i].filled);
    incident_free(i);
    rules_free(r);
}
END_TEST

/* ---- confidence ------------------------------------------------------------------------------ */

static const struct {
    const char *rest, *facts;
    enum incident_confidence confidence;
    const char *reason;
} sure[] = {
    { "", "code=1", CONFIDENCE_MEDIUM, "r" },
    { ", helps: [{ bugcheck: 1 }]", "code=1", CONFIDENCE_HIGH, "r; raised from medium because more speaks for it" },
    { ", against: [{ bugcheck: 1 }]", "code=1", CONFIDENCE_LOW,
      "r; lowered from medium because some evidence speaks against it" },
    { ", against: [{ bugcheck: 1 }, { bugcheck: 1 }, { bugcheck: 1 }]", "code=1", CONFIDENCE_LOW,
      "r; lowered from medium because some evidence speaks against it" },
    { "", "code=1 gaps=1", CONFIDENCE_LOW, "r; lowered from medium because there are gaps in what is known" },
    { ", expects: [{ drift: current }]", "code=1", CONFIDENCE_LOW,
      "r; lowered from medium because something that should be so is not known" },
    { ", expects: [{ drift: current }, { bugcheck: 1 }]", "code=1", CONFIDENCE_LOW,
      "r; lowered from medium because something that should be so is not known" },
    { ", expects: [{ drift: current }, { uptime_over: 1m }], against: [{ bugcheck: 1 }]", "code=1 gaps=1",
      CONFIDENCE_LOW,
      "r; lowered from medium because something that should be so is not known and some evidence speaks against it "
      "and there are gaps in what is known" },
};

START_TEST(confidence_moves_for_named_reasons_and_never_past_its_ends)
{
    struct incident_surroundings around;
    struct incident *i = incident_with(sure[_i].facts, &around);
    struct rules *r = rule_with("t", sure[_i].rest);

    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_str_eq(i->findings[0].reason, sure[_i].reason);
    ck_assert_int_eq(i->findings[0].confidence, sure[_i].confidence);
    incident_free(i);
    rules_free(r);
}
END_TEST

START_TEST(of_many_findings_sixteen_are_kept_and_the_incident_says_so)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=1", &around);
    struct rules *r = NULL;
    struct buf yaml;

    buf_init(&yaml, 64 * 1024);
    buf_str(&yaml, "rules:\n");
    for (int n = 0; n <= INCIDENT_FINDINGS_MAX; n++)
        buf_printf(&yaml,
                   "  - { id: r%02d, title: t, text: t, action: a, confidence: %s, reason: r,"
                   " needs: [{ bugcheck: 1 }] }\n",
                   n, n == 9 ? "high" : "low");
    ck_assert_int_eq(rules_parse("mine.yaml", yaml.data, yaml.len, &r, &problems), 0);
    ck_assert_int_eq(rules_apply(r, i, &around, NULL), 0);
    ck_assert_int_eq(i->finding_count, INCIDENT_FINDINGS_MAX);
    ck_assert(i->cut);
    ck_assert_str_eq(i->findings[0].rule, "r09"); /* the surest first */
    ck_assert_str_eq(i->findings[1].rule, "r00");
    ck_assert_str_eq(i->findings[15].rule, "r15");
    incident_free(i);
    rules_free(r);
    buf_free(&yaml);
}
END_TEST

START_TEST(an_incident_without_room_for_findings_has_none)
{
    struct incident_surroundings around;
    struct incident *i = incident_with("code=1", &around);
    struct rules *r = rule_with("t", "");
    struct err e = { 0 };

    i->arena.max = i->arena.used + 100;
    ck_assert_int_eq(rules_apply(r, i, &around, &e), ERR_MEMORY);
    ck_assert_str_eq(e.text, "incident 0123456789abcdef: no room for its findings");
    ck_assert_int_eq(i->finding_count, 0);
    incident_free(i);
    rules_free(r);
}
END_TEST

static void add(Suite *s)
{
    TCase *c = suite_case(s, "rules in words");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_loop_test(c, each_condition_says_how_it_is, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(c, each_placeholder_says_also_what_is_not_known, 0, sizeof texts / sizeof texts[0]);
    tcase_add_loop_test(c, confidence_moves_for_named_reasons_and_never_past_its_ends, 0, sizeof sure / sizeof sure[0]);
    tcase_add_test(c, nobody_around_is_nothing_known_of_the_fleet);
    tcase_add_test(c, what_is_said_once_is_not_said_again);
    tcase_add_test(c, of_many_findings_sixteen_are_kept_and_the_incident_says_so);
    tcase_add_test(c, an_incident_without_room_for_findings_has_none);
}

int main(void)
{
    return suite_main("incidents: rules in words", add);
}
