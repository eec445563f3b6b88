/* What history, and a configuration that was kept, fill in of an incident, and when they do not. */
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

static struct guest_moment guest;
static struct host_moment host;

static void guest_at(void *arg, const char *vm_id, int64_t time, struct guest_moment *out)
{
    (void)arg;
    (void)vm_id;
    (void)time;
    *out = guest;
}

static void host_at(void *arg, const char *host_id, int64_t time, struct host_moment *out)
{
    (void)arg;
    (void)host_id;
    (void)time;
    *out = host;
}

static void with_history(void)
{
    guest = (struct guest_moment){ .known = true, .state = DRIFT_CURRENT };
    host = (struct host_moment){ .known = true };
    t.options.guest_at = guest_at;
    t.options.host_at = host_at;
}

START_TEST(a_dump_is_of_the_host_that_history_knows_and_not_of_who_found_it)
{
    with_history();
    guest.host_id = "host-7";
    guest.host_name = "HV7";
    guest.cluster = "TEST";
    guest.vm_name = "renamed";
    host.os_version = "10.0.26100.1";
    tell_dump(&t, 1, 0, VM_A, D1, "storvsc.sys");
    conclude(&t);
    ck_assert_str_eq(t.i->host_name, "HV7");
    ck_assert_str_eq(t.i->cluster, "TEST");
    ck_assert_str_eq(t.i->host_os_version, "10.0.26100.1");
    ck_assert_str_eq(t.i->vm_name, "sql01"); /* a name that was told is kept */
    guest.host_id = "";
    conclude(&t);
    ck_assert_str_eq(t.i->host_name, "HV1");
    guest.host_id = NULL;
    conclude(&t);
    ck_assert_str_eq(t.i->host_name, "HV1");
    guest.known = false;
    conclude(&t);
    ck_assert_str_eq(t.i->host_name, "HV1");
    ck_assert_str_eq(t.i->drift.why, "nothing is known of this guest");
    ck_assert_str_eq(t.i->configuration.why, "nothing is known of this guest");
}
END_TEST

START_TEST(names_that_were_not_told_come_from_history)
{
    struct observation *o;

    with_history();
    guest.vm_name = "sql01";
    host.name = "HV1";
    host.cluster = "PROD";
    o = observe(&t, 1, OBS_GUEST_CRASH, 0, NULL);
    obs_str(o, ATTR_VM_ID, VM_A);
    obs_str(o, ATTR_CRASH_KIND, "triple-fault");
    t.told[0].who.host_name[0] = t.told[0].who.cluster[0] = '\0';
    conclude(&t);
    ck_assert_str_eq(t.i->vm_name, "sql01");
    ck_assert_str_eq(t.i->host_name, "HV1");
    ck_assert_str_eq(t.i->cluster, "PROD");
    t.told[0].who.host_id[0] = '\0'; /* of no host that could be asked for */
    conclude(&t);
    ck_assert_str_eq(t.i->host_name, "");
    ck_assert_int_eq(t.i->gaps, 0);
}
END_TEST

START_TEST(the_last_start_and_move_of_history_count_when_they_were_before)
{
    static const struct {
        double when;
        bool counts;
    } rows[] = { { -100, true }, { 0, true }, { 1, false } };

    tell_crash(&t, 1, 0, VM_A, D1);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        with_history();
        guest.booted = guest.last_migration = AT(rows[n].when);
        conclude(&t);
        ck_assert_int_eq(t.i->migration.known, rows[n].counts);
        ck_assert_int_eq(t.i->uptime_source, rows[n].counts ? TOLD_BY_HISTORY : TOLD_NOT);
        if (rows[n].counts)
            ck_assert_int_eq(t.i->migration.before_ns, AT(0) - AT(rows[n].when));
    }
}
END_TEST

START_TEST(a_configuration_that_history_does_not_have_says_why)
{
    tell_crash(&t, 1, 0, VM_A, D1);
    with_history();
    conclude(&t);
    ck_assert_str_eq(t.i->configuration.why, "the guest's configuration was not collected");
    guest.configuration.why = "";
    conclude(&t);
    ck_assert_str_eq(t.i->configuration.why, "the guest's configuration was not collected");
    guest.configuration.why = "it was deleted";
    conclude(&t);
    ck_assert_str_eq(t.i->configuration.why, "it was deleted");
}
END_TEST

START_TEST(pressure_is_what_the_figures_of_the_moment_show)
{
    static const struct {
        bool has_available;
        int64_t available, demand, assigned;
        int pressure;
        int64_t percent;
    } rows[] = {
        { true, 10, 0, 0, 0, 10 },       { true, 0, 0, 0, 1, 0 },         { true, -5, 0, 0, 1, 0 },
        { true, 10, 2048, 1024, 1, 10 }, { true, 10, 1024, 1024, 0, 10 }, { false, 0, 2048, 1024, 1, -1 },
        { false, 0, 1024, 2048, 0, -1 }, { false, 0, 2048, 0, -1, -1 },   { false, 0, 0, 1024, -1, -1 },
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct guest_config c;
        struct incident_configuration k;

        guest_config_init(&c);
        c.time = AT(0);
        c.has_available = rows[n].has_available;
        c.available_percent = rows[n].available;
        c.demand_mib = rows[n].demand;
        c.assigned_mib = rows[n].assigned;
        incident_configuration_of(&c, &k);
        ck_assert_msg(k.memory_pressure == rows[n].pressure, "row %zu: %d", n, k.memory_pressure);
        ck_assert_int_eq(k.available_percent, rows[n].percent);
        ck_assert_int_eq(k.generation, -1);
        ck_assert_int_eq(k.processors, -1);
    }
}
END_TEST

START_TEST(of_many_disks_those_that_were_kept_are_listed)
{
    struct guest_config c;
    struct incident_configuration k;

    guest_config_init(&c);
    c.time = AT(0);
    c.generation = 2;
    c.processors = 4;
    c.disk_count = 9;
    incident_configuration_of(&c, &k);
    ck_assert_int_eq(k.disk_count, CONFIG_DISKS_KEPT);
    ck_assert_str_eq(k.disks[0].controller, ""); /* "unknown" is no controller */
    ck_assert_int_eq(k.generation, 2);
    ck_assert_int_eq(k.processors, 4);
}
END_TEST

START_TEST(the_shorter_of_two_uptimes_is_the_guests_last_start)
{
    tell_life(&t, 1, -500, VM_A, "started");
    tell_crash(&t, 1, 0, VM_A, D1);
    with_history();
    guest.booted = AT(-1000);
    conclude(&t);
    ck_assert_int_eq(t.i->uptime_ns, 500 * NS_PER_S);
    ck_assert_int_eq(t.i->uptime_source, TOLD_BY_EVENT);
    guest.booted = AT(-300);
    conclude(&t);
    ck_assert_int_eq(t.i->uptime_ns, 300 * NS_PER_S);
    ck_assert_int_eq(t.i->uptime_source, TOLD_BY_HISTORY);
}
END_TEST

START_TEST(of_a_dump_of_nobodys_history_is_not_asked)
{
    tell_dump(&t, 1, 0, NULL, D1, NULL);
    with_history();
    guest.vm_name = "somebody";
    conclude(&t);
    ck_assert_str_eq(t.i->vm_name, "");
    ck_assert_str_eq(t.i->drift.why, "it is not known which guest this was");
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        a_dump_is_of_the_host_that_history_knows_and_not_of_who_found_it,
        names_that_were_not_told_come_from_history,
        the_last_start_and_move_of_history_count_when_they_were_before,
        a_configuration_that_history_does_not_have_says_why,
        pressure_is_what_the_figures_of_the_moment_show,
        of_many_disks_those_that_were_kept_are_listed,
        the_shorter_of_two_uptimes_is_the_guests_last_start,
        of_a_dump_of_nobodys_history_is_not_asked,
    };
    TCase *c = suite_case(s, "history");

    tcase_add_checked_fixture(c, begin, end);
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++)
        tcase_add_test(c, tests[n]);
}

int main(void)
{
    return suite_main("incidents: what history fills in", add);
}
