/* Replay over the example bundles: every guest ends where the table in
 * examples/make_bundles.py says, and what happened is listed. */
#include "agent/replay.h"
#include "plat/clock.h"
#include "tests/agent/support_agent.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *replay(const char *const *dirs)
{
    struct replay *r = replay_new();
    struct err e;
    json_t *json;

    for (; *dirs != NULL; dirs++)
        ck_assert_msg(replay_add(r, *dirs, &e) == 0, "%s", e.text);
    ck_assert_msg(replay_run(r, NULL, NULL, &e) == 0, "%s", e.text);
    json = replay_json(r, plat_clock()->wall_ns(plat_clock()), &e);
    ck_assert_msg(json != NULL, "%s", e.text);
    replay_free(r);
    return json;
}

static const char *const all_hosts[] = { "examples/bundles/HV01", "examples/bundles/HV02", "examples/bundles/HV03",
                                         "examples/bundles/HV21", "examples/bundles/HV22", NULL };

static const json_t *guest_named(const json_t *report, const char *name)
{
    const json_t *guest;
    size_t i;

    json_array_foreach(at(report, "guests"), i,
                       guest) if (strcmp(json_string_value(at(guest, "vm_name")), name) == 0) return guest;
    ck_abort_msg("there is no %s", name);
    return NULL;
}

static const char *text_at(const json_t *json, const char *path)
{
    return json_string_value(at(json, path));
}

START_TEST(every_example_guest_ends_in_its_state)
{
    static const struct {
        const char *name, *host, *state;
        int row;
    } expected[] = {
        { "FILE01", "HV01", "current", 6 },        { "SQL01", "HV01", "behind", 8 },
        { "APP01", "HV01", "behind-protocol", 7 }, { "WEB01", "HV01", "not-applicable", 2 },
        { "MAIL01", "HV02", "current", 6 },        { "PAY01", "HV02", "current", 6 },
        { "OLD01", "HV02", "incompatible", 3 },    { "VAULT01", "HV02", "unknown", 4 },
        { "EDGE01", "HV02", "unknown", 4 },        { "FW01", "HV02", "not-applicable", 2 },
        { "PRINT01", "HV03", "behind", 8 },        { "NEW01", "HV03", "newer-than-host", 9 },
        { "TEST01", "HV03", "current", 1 },        { "COLD01", "HV03", "unknown", 1 },
        { "WEB21", "HV21", "current", 10 },        { "WEB22", "HV21", "current", 10 },
        { "LEG21", "HV21", "current", 11 },        { "LEG22", "HV21", "behind", 11 },
        { "K8S21", "HV21", "not-applicable", 2 },  { "WEB23", "HV22", "inbox-behind-peers", 10 },
        { "ERP21", "HV22", "current", 10 },        { "LEG23", "HV22", "behind-protocol", 11 },
        { "ARC21", "HV22", "behind", 12 },         { "DB21", "HV22", "not-applicable", 2 },
    };
    json_t *report = replay(all_hosts);

    ck_assert_uint_eq(json_array_size(at(report, "guests")), sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const json_t *guest = guest_named(report, expected[i].name);

        ck_assert_msg(strcmp(text_at(guest, "state"), expected[i].state) == 0, "%s is %s (row %d, %s), not %s",
                      expected[i].name, text_at(guest, "state"), (int)json_integer_value(at(guest, "rule_row")),
                      text_at(guest, "reason"), expected[i].state);
        ck_assert_msg(json_integer_value(at(guest, "rule_row")) == expected[i].row, "%s by row %d, not %d",
                      expected[i].name, (int)json_integer_value(at(guest, "rule_row")), expected[i].row);
        ck_assert_str_eq(text_at(guest, "host"), expected[i].host);
    }
    json_decref(report);
}
END_TEST

START_TEST(a_guest_that_moved_is_on_its_new_host_in_either_order)
{
    static const char *const one[] = { "examples/bundles/HV01", "examples/bundles/HV02", NULL };
    static const char *const other[] = { "examples/bundles/HV02", "examples/bundles/HV01", NULL };
    json_t *a = replay(one), *b = replay(other);

    ck_assert_str_eq(text_at(guest_named(a, "MAIL01"), "host"), "HV02");
    ck_assert_str_eq(text_at(guest_named(b, "MAIL01"), "host"), "HV02");
    json_decref(a);
    json_decref(b);
}
END_TEST

START_TEST(the_crash_the_migration_and_the_slow_storage_are_listed)
{
    json_t *report = replay(all_hosts);

    ck_assert_uint_eq(json_array_size(at(report, "crashes")), 1);
    ck_assert_str_eq(text_at(report, "crashes.0.vm_name"), "APP01");
    ck_assert_str_eq(text_at(report, "crashes.0.code"), "0x000000d1");
    ck_assert_str_eq(text_at(report, "crashes.0.parameter4"), "0xfffff88001a3f2b8");
    ck_assert_uint_eq(json_array_size(at(report, "migrations")), 3);
    ck_assert_str_eq(text_at(report, "migrations.0.phase"), "started");
    ck_assert_str_eq(text_at(report, "migrations.2.phase"), "received");
    ck_assert_int_eq(json_integer_value(at(report, "storage.io-slow")), 4);
    ck_assert_int_eq(json_integer_value(at(report, "storage.io-retried")), 2);
    ck_assert_uint_eq(json_array_size(at(report, "gaps")), 0);
    ck_assert_uint_eq(json_array_size(at(report, "problems")), 0);
    json_decref(report);
}
END_TEST

START_TEST(a_replay_twice_gives_the_same)
{
    json_t *a = replay(all_hosts), *b = replay(all_hosts);

    json_object_del(a, "generated_at");
    json_object_del(b, "generated_at");
    ck_assert(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}
END_TEST

START_TEST(nothing_is_written_into_a_bundle)
{
    static const char *const dirs[] = { "examples/bundles/HV03", NULL };
    struct stat before, after;

    ck_assert_int_eq(stat("examples/bundles/HV03", &before), 0);
    json_decref(replay(dirs));
    ck_assert_int_eq(stat("examples/bundles/HV03", &after), 0);
    ck_assert_int_eq(before.st_mtime, after.st_mtime);
}
END_TEST

static void copy_sample(const char *name, const char *dir, const char *to)
{
    const char *from = shared_sample(name);
    size_t len;
    char *bytes = read_file(from, &len);

    write_file(dir, to, bytes, len);
    free(bytes);
}

START_TEST(a_bundle_of_real_samples_gives_what_is_in_them)
{
    static const char yaml[] = "name: REAL01\nos_version: 10.0.22631.0\n";
    char events[1024];
    const char *dir = temp_dir();
    const char *dirs[] = { dir, NULL };
    json_t *report;

    if (shared_sample("evtx/guest-system-hyperv-guest.evtx") == NULL)
        skip("no shared samples");
    write_file(dir, "host.yaml", yaml, strlen(yaml));
    snprintf(events, sizeof events, "%s/events", dir);
    ck_assert_int_eq(mkdir(events, 0700), 0);
    copy_sample("evtx/guest-system-hyperv-guest.evtx", events, "System.evtx");
    copy_sample("eventxml/worker-18590-guest-crash-0x79.xml", events, "a.xml");
    copy_sample("eventxml/worker-18590-guest-crash-0x7b.xml", events, "b.xml");
    copy_sample("eventxml/vmms-20415-live-migration-complete.xml", events, "c.xml");
    report = replay(dirs);
    ck_assert_int_eq(json_integer_value(at(report, "storage.io-retried")), 12);
    ck_assert_uint_eq(json_array_size(at(report, "crashes")), 2);
    ck_assert_str_eq(text_at(report, "crashes.0.code"), "0x00000079");
    ck_assert_str_eq(text_at(report, "crashes.1.code"), "0x0000007b");
    ck_assert_double_eq_tol(json_real_value(at(report, "migrations.0.blackout_s")), 0.5, 1e-9);
    json_decref(report);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, every_example_guest_ends_in_its_state);
    suite_test(s, a_guest_that_moved_is_on_its_new_host_in_either_order);
    suite_test(s, the_crash_the_migration_and_the_slow_storage_are_listed);
    suite_test(s, a_replay_twice_gives_the_same);
    suite_test(s, nothing_is_written_into_a_bundle);
    suite_test(s, a_bundle_of_real_samples_gives_what_is_in_them);
}

int main(void)
{
    return suite_main("agent: replay", add);
}
