/* The reducer: what many observations, in any order and twice over, add up to. */
#include "tests/model/support_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

/* ---- a small seeded generator ------------------------------------------- */

static uint64_t seed;

static uint32_t roll(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % sides;
}

/* ---- the property ------------------------------------------------------- */

enum { EVENTS = 60, SHUFFLES = 40 };

struct told {
    const char *host;
    struct observation *o;
};

static const char *const hosts[] = { "host-a", "host-b", "host-c", "host-d" };
static const char *const services[] = { "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten" };

static void random_inventory(struct observation *o)
{
    static const char *const powers[] = { "running", "off", "saved", "" };
    static const char *const versions[] = { "6.3.9600.16384", "6.3.9600.18692", "3.1", "" };

    obs_str(o, ATTR_VM_POWER, powers[roll(4)]);
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", versions[roll(4)]);
    obs_str(o, ATTR_KVP_PREFIX "OSName", roll(2) == 0 ? "Windows" : "Ubuntu");
    world_component(o, (enum ic_component)roll(IC_COUNT), (int)roll(4), (int)roll(4), (int)roll(3));
    if (roll(2) == 0)
        obs_int(o, ATTR_VM_IS_STATE, roll(4));
}

static void random_event(struct observation *o)
{
    obs_str(o, ATTR_IC_SERVICE, services[roll(10)]);
    obs_int(o, ATTR_EVENT_ID, 4000 + roll(3));
    if (o->kind == OBS_GUEST_VERSION_MISMATCH)
        obs_str(o, ATTR_MISMATCH_SIGNAL, mismatch_signal_name((enum mismatch_signal)roll(MISMATCH_COUNT)));
}

static void random_configuration(struct observation *o)
{
    obs_int(o, ATTR_VM_GENERATION, roll(3));
    obs_bool(o, ATTR_MEMORY_DYNAMIC, roll(2) == 0);
    obs_int(o, ATTR_MEMORY_ASSIGNED, 1024 + roll(3));
    obs_int(o, ATTR_MEMORY_AVAILABLE, (int)roll(3) - 1);
    obs_int(o, ATTR_DISKS, 1);
    obs_str(o, "hyperv.disk.1.kind", disk_kind_name((enum disk_kind)roll(DISK_KIND_COUNT)));
}

static void random_rest(struct observation *o)
{
    static const char *const changes[] = { "started", "stopped", "removed", "reset",  "restored",
                                           "paused",  "resumed", "removed", "strange" };
    static const char *const phases[] = { "received", "completed", "started", "failed" };
    static const char *const kinds[] = { "bugcheck", "linux-panic", "dump-written" };

    if (o->kind == OBS_GUEST_LIFECYCLE)
        obs_str(o, ATTR_VM_CHANGE, changes[roll(9)]);
    else if (o->kind == OBS_GUEST_MIGRATION)
        obs_str(o, ATTR_MIGRATION_PHASE, phases[roll(4)]);
    else if (o->kind == OBS_GUEST_CRASH)
        obs_str(o, ATTR_CRASH_KIND, kinds[roll(3)]);
    if (o->kind == OBS_GUEST_CRASH && roll(2) == 0)
        obs_str(o, ATTR_CRASH_CODE, roll(2) == 0 ? "0x0000007a" : "0x000000d1");
    if (o->kind == OBS_GUEST_CRASH && roll(2) == 0)
        world_parameters(o, roll(2), roll(2), roll(2), roll(2));
}

/* Few distinct times, so that many fall together. */
static struct told random_told(void)
{
    static const enum obs_kind kinds[] = {
        OBS_GUEST_INVENTORY, OBS_GUEST_VERSION_MISMATCH, OBS_GUEST_VERSION_OK, OBS_GUEST_LIFECYCLE,    OBS_GUEST_CRASH,
        OBS_GUEST_MIGRATION, OBS_GUEST_INVENTORY,        OBS_GUEST_DUMP,       OBS_GUEST_CONFIGURATION
    };
    enum obs_kind kind = kinds[roll(9)];
    struct observation *o = world_observe(&w, kind, AT(60 * (int)roll(40)));

    obs_str(o, ATTR_VM_NAME, roll(2) == 0 ? "old name" : "new name");
    if (kind == OBS_GUEST_INVENTORY)
        random_inventory(o);
    else if (kind == OBS_GUEST_CONFIGURATION)
        random_configuration(o);
    else if (kind == OBS_GUEST_VERSION_MISMATCH || kind == OBS_GUEST_VERSION_OK)
        random_event(o);
    else
        random_rest(o);
    return (struct told){ hosts[roll(4)], o };
}

static void encode(const struct guest *g, struct buf *out)
{
    buf_init(out, 1024 * 1024);
    ck_assert_int_eq(guest_encode(g, out, NULL), 0);
}

static void check_since(const struct guest *g)
{
    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        const struct kvp_value *v = &g->kvp[i];

        ck_assert_int_le(v->since, v->time);
        if (v->other < v->time)
            ck_assert_int_gt(v->since, v->other);
    }
}

/* What is known, without the one part that may depend on the order. */
static void encode_without_since(const struct guest *g, struct buf *out)
{
    struct guest copy = *g;

    for (int i = 0; i < KVP_ITEM_COUNT; i++)
        copy.kvp[i].since = 0;
    for (int c = 0; c < IC_COUNT; c++)
        copy.ic[c].since = 0;
    copy.config.since = 0;
    encode(&copy, out);
}

static void same_knowledge(const struct guest *a, const struct guest *b, uint64_t round)
{
    struct buf x, y;

    check_since(b);
    encode_without_since(a, &x);
    encode_without_since(b, &y);
    ck_assert_msg(x.len == y.len && memcmp(x.data, y.data, x.len) == 0, "differs in round %" PRIu64, round);
    ck_assert_str_eq(a->host_id, b->host_id);
    ck_assert_int_eq(a->host_time, b->host_time);
    ck_assert_int_eq(a->removed, b->removed);
    buf_free(&x);
    buf_free(&y);
}

static void shuffle(struct told *t, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)roll((uint32_t)i + 1);
        struct told swap = t[i];

        t[i] = t[j];
        t[j] = swap;
    }
}

START_TEST(any_order_and_any_repetition_ends_in_the_same_knowledge)
{
    struct told told[EVENTS];
    struct guest other;

    for (uint64_t round = 1; round <= 60; round++) {
        seed = round * 0x9E3779B97F4A7C15u;
        world_start(&w);
        for (int i = 0; i < EVENTS; i++)
            told[i] = random_told();
        for (int i = 0; i < EVENTS; i++)
            world_apply(&w, told[i].host, told[i].o);
        for (int s = 0; s < SHUFFLES; s++) {
            guest_init(&other, VM);
            shuffle(told, EVENTS);
            for (int i = 0; i < EVENTS; i++) {
                const struct told *again = &told[roll((uint32_t)i + 1)];

                guest_apply(&other, told[i].host, told[i].o);
                if (roll(4) == 0)
                    guest_apply(&other, again->host, again->o);
            }
            same_knowledge(&w.g, &other, round);
        }
        world_free(&w);
    }
}
END_TEST

START_TEST(the_same_observation_again_changes_nothing)
{
    struct told told[EVENTS];
    struct buf before, after;

    seed = 42;
    world_start(&w);
    for (int i = 0; i < EVENTS; i++) {
        told[i] = random_told();
        world_apply(&w, told[i].host, told[i].o);
    }
    encode(&w.g, &before);
    for (int i = 0; i < EVENTS; i++)
        ck_assert(!guest_apply(&w.g, told[i].host, told[i].o));
    encode(&w.g, &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    buf_free(&before);
    buf_free(&after);
    world_free(&w);
}
END_TEST

/* ---- values and their ages ---------------------------------------------- */

START_TEST(an_absent_item_keeps_its_value_and_its_age)
{
    world_start(&w);
    world_windows(&w, AT(10), "6.3.9600", "6.3.9600.18692");
    world_apply(&w, HOST, world_poll(&w, AT(20), NULL, NULL));
    ck_assert_str_eq(w.g.kvp[KVP_IS_VERSION].text, "6.3.9600.18692");
    ck_assert_int_eq(w.g.kvp[KVP_IS_VERSION].time, AT(10));
    ck_assert_int_eq(w.g.inventory_time, AT(20));
    world_free(&w);
}
END_TEST

START_TEST(since_is_the_first_poll_of_the_unbroken_run)
{
    struct kvp_value *v = &w.g.kvp[KVP_IS_VERSION];

    world_start(&w);
    world_windows(&w, AT(10), "6.3.9600", "1.0.0.0");
    world_windows(&w, AT(20), "6.3.9600", "2.0.0.0");
    world_windows(&w, AT(30), "6.3.9600", "2.0.0.0");
    ck_assert_int_eq(v->since, AT(20));
    ck_assert_int_eq(v->time, AT(30));
    world_windows(&w, AT(40), "6.3.9600", "1.0.0.0");
    ck_assert_int_eq(v->since, AT(40));
    world_free(&w);
}
END_TEST

START_TEST(a_late_poll_of_the_same_value_moves_since_back_and_of_another_forward)
{
    struct kvp_value *v = &w.g.kvp[KVP_IS_VERSION];

    world_start(&w);
    world_windows(&w, AT(30), "6.3.9600", "2.0.0.0");
    world_windows(&w, AT(10), "6.3.9600", "2.0.0.0");
    ck_assert_int_eq(v->since, AT(10));
    world_windows(&w, AT(20), "6.3.9600", "1.0.0.0");
    ck_assert_str_eq(v->text, "2.0.0.0");
    ck_assert_int_eq(v->since, AT(30));
    world_windows(&w, AT(25), "6.3.9600", "2.0.0.0");
    ck_assert_int_eq(v->since, AT(25));
    world_windows(&w, AT(15), "6.3.9600", "2.0.0.0");
    ck_assert_int_eq(v->since, AT(25));
    world_free(&w);
}
END_TEST

START_TEST(hostile_values_are_bounded_and_printable)
{
    char big[4096];

    memset(big, 'v', sizeof big);
    big[sizeof big - 1] = '\0';
    big[3] = '\x1b';
    world_start(&w);
    world_windows(&w, AT(10), big, big);
    ck_assert_uint_lt(strlen(w.g.kvp[KVP_IS_VERSION].text), KVP_VALUE_MAX);
    ck_assert_ptr_null(strchr(w.g.kvp[KVP_IS_VERSION].text, '\x1b'));
    world_mismatch(&w, AT(11), MISMATCH_IC_COMPATIBLE, 4010, big);
    ck_assert_uint_lt(strlen(w.g.mismatch[MISMATCH_IC_COMPATIBLE][0].service), SIGNAL_SERVICE_MAX);
    world_free(&w);
}
END_TEST

START_TEST(more_services_than_places_keep_the_newest)
{
    char service[16];

    world_start(&w);
    for (int i = 0; i < 20; i++) {
        snprintf(service, sizeof service, "device %02d", (i * 7) % 20);
        world_mismatch(&w, AT((i * 7) % 20), MISMATCH_DEVICE_COMPATIBLE, 23014, service);
    }
    for (int i = 0; i < MISMATCH_PLACES; i++) {
        snprintf(service, sizeof service, "device %02d", 20 - MISMATCH_PLACES + i);
        ck_assert_str_eq(w.g.mismatch[MISMATCH_DEVICE_COMPATIBLE][i].service, service);
    }
    world_free(&w);
}
END_TEST

START_TEST(observations_without_a_time_or_of_no_concern_change_nothing)
{
    struct guest before;

    world_start(&w);
    before = w.g;
    ck_assert(!guest_apply(&w.g, HOST, world_observe(&w, OBS_GUEST_INVENTORY, 0)));
    ck_assert(!guest_apply(&w.g, HOST, world_observe(&w, OBS_GUEST_INVENTORY, -5)));
    ck_assert_mem_eq(&before, &w.g, sizeof before);
    guest_apply(&w.g, HOST, world_observe(&w, OBS_GUEST_DUMP, AT(1)));
    ck_assert_str_eq(w.g.host_id, "");
    ck_assert_int_eq(w.g.last_seen, 0);
    ck_assert_str_eq(w.g.name, "web01");
    world_free(&w);
}
END_TEST

/* ---- power, boots, crashes ---------------------------------------------- */

START_TEST(power_follows_the_newest_word_and_running_wins_a_draw)
{
    struct observation *o;

    world_start(&w);
    world_windows(&w, AT(10), "6.3.9600", "");
    ck_assert_int_eq(w.g.power, POWER_RUNNING);
    world_change(&w, AT(20), "saved");
    ck_assert_int_eq(w.g.power, POWER_SAVED);
    o = world_observe(&w, OBS_GUEST_INVENTORY, AT(15));
    obs_str(o, ATTR_VM_POWER, "running");
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.power, POWER_SAVED);
    world_change(&w, AT(20), "restored");
    ck_assert_int_eq(w.g.power, POWER_RUNNING);
    world_change(&w, AT(20), "stopped");
    ck_assert_int_eq(w.g.power, POWER_RUNNING);
    world_free(&w);
}
END_TEST

START_TEST(boots_reconnections_and_arrivals_are_told_apart)
{
    world_start(&w);
    world_change(&w, AT(10), "started");
    world_change(&w, AT(20), "restored");
    world_received(&w, HOST, AT(30));
    world_change(&w, AT(40), "resumed");
    ck_assert_int_eq(w.g.booted, AT(10));
    ck_assert_int_eq(w.g.reconnected, AT(20));
    ck_assert_int_eq(w.g.arrived, AT(30));
    ck_assert_int_eq(w.g.connected_since, AT(30));
    ck_assert_int_eq(w.g.last_migration, AT(30));
    world_free(&w);
}
END_TEST

START_TEST(the_last_crash_is_kept_with_its_code)
{
    struct observation *o;

    world_start(&w);
    o = world_observe(&w, OBS_GUEST_CRASH, AT(10));
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0x0000007a");
    world_apply(&w, HOST, o);
    o = world_observe(&w, OBS_GUEST_CRASH, AT(20));
    obs_str(o, ATTR_CRASH_KIND, "dump-written");
    world_apply(&w, HOST, o);
    ck_assert_int_eq(w.g.last_crash, AT(10));
    ck_assert_str_eq(w.g.last_crash_code, "0x0000007a");
    o = world_observe(&w, OBS_GUEST_CRASH, AT(30));
    obs_str(o, ATTR_CRASH_KIND, "triple-fault");
    world_apply(&w, HOST, o);
    ck_assert_str_eq(w.g.last_crash_code, "triple-fault");
    world_free(&w);
}
END_TEST

/* ---- where it is -------------------------------------------------------- */

static void seen(const char *host, int64_t t, const char *power)
{
    struct observation *o = world_observe(&w, OBS_GUEST_INVENTORY, t);

    obs_str(o, ATTR_VM_POWER, power);
    world_apply(&w, host, o);
}

static void gone(const char *host, int64_t t)
{
    struct observation *o = world_observe(&w, OBS_GUEST_LIFECYCLE, t);

    obs_str(o, ATTR_VM_CHANGE, "removed");
    world_apply(&w, host, o);
}

START_TEST(a_guest_is_on_the_host_that_saw_it_last)
{
    world_start(&w);
    seen("a", AT(10), "running");
    seen("b", AT(20), "off");
    ck_assert_str_eq(w.g.host_id, "b");
    seen("a", AT(15), "running");
    ck_assert_str_eq(w.g.host_id, "b");
    seen("a", AT(20), "running");
    ck_assert_str_eq(w.g.host_id, "a"); /* running wins a draw */
    world_free(&w);
}
END_TEST

START_TEST(a_migrated_guest_is_not_removed_by_the_host_it_left)
{
    world_start(&w);
    seen("a", AT(10), "running");
    world_received(&w, "b", AT(100));
    gone("a", AT(400));
    ck_assert_str_eq(w.g.host_id, "b");
    ck_assert(!w.g.removed);
    ck_assert_int_eq(w.g.host_since, AT(100));
    world_free(&w);
}
END_TEST

START_TEST(a_clock_that_is_minutes_off_does_not_remove_a_migrated_guest)
{
    world_start(&w);
    world_received(&w, "b", AT(100));
    seen("a", AT(100 + 540), "running"); /* nine minutes ahead, before it left */
    gone("a", AT(100 + 840));
    ck_assert_str_eq(w.g.host_id, "b");
    ck_assert(!w.g.removed);
    world_free(&w);
}
END_TEST

START_TEST(a_guest_missed_by_its_only_host_is_removed_and_can_come_back)
{
    world_start(&w);
    seen("a", AT(10), "running");
    gone("a", AT(20));
    ck_assert(w.g.removed);
    ck_assert_int_eq(w.g.removed_time, AT(20));
    ck_assert_str_eq(w.g.host_id, "a");
    seen("a", AT(30), "off");
    ck_assert(!w.g.removed);
    world_free(&w);
}
END_TEST

START_TEST(a_host_that_lost_it_long_ago_does_not_inherit_a_deleted_guest)
{
    world_start(&w);
    seen("a", AT(10), "running"); /* a's agent was stopped before it could miss it */
    seen("b", AT(86400), "running");
    gone("b", AT(90000));
    ck_assert(w.g.removed);
    ck_assert_str_eq(w.g.host_id, "b");
    world_free(&w);
}
END_TEST

START_TEST(hosts_beyond_the_last_place_give_way_to_newer_ones)
{
    char host[16];

    world_start(&w);
    for (int i = 0; i < 3 * GUEST_PLACES; i++) {
        snprintf(host, sizeof host, "node-%02d", i);
        seen(host, AT(i * 60), "running");
    }
    ck_assert_str_eq(w.g.host_id, host);
    snprintf(host, sizeof host, "node-%02d", 2 * GUEST_PLACES);
    ck_assert_str_eq(w.g.places[0].host_id, host);
    world_free(&w);
}
END_TEST

/* ---- words -------------------------------------------------------------- */

START_TEST(every_word_leads_back_to_its_value)
{
    enum mismatch_signal signal;
    enum drift_state state;

    for (int i = 0; i < POWER_COUNT; i++)
        ck_assert_int_eq(guest_power_parse(guest_power_name((enum guest_power)i)), i);
    ck_assert_int_eq(guest_power_parse("hovering"), POWER_OTHER);
    ck_assert_int_eq(guest_power_parse(""), POWER_UNKNOWN);
    for (int i = 0; i < MISMATCH_COUNT; i++) {
        ck_assert(mismatch_signal_parse(mismatch_signal_name((enum mismatch_signal)i), &signal));
        ck_assert_int_eq(signal, i);
    }
    ck_assert(!mismatch_signal_parse("ic", &signal));
    for (int i = 0; i < DRIFT_STATE_COUNT; i++) {
        ck_assert(drift_state_parse(drift_state_name((enum drift_state)i), &state));
        ck_assert_int_eq(state, i);
    }
    ck_assert(!drift_state_parse("", &state));
    for (int i = 0; i < IC_COUNT; i++) {
        ck_assert_str_ne(ic_component_name((enum ic_component)i), "");
        ck_assert_int_eq(strncmp(ic_component_class((enum ic_component)i), "Msvm_", 5), 0);
    }
    for (int i = 0; i < KVP_ITEM_COUNT; i++)
        ck_assert_str_ne(kvp_item_name((enum kvp_item)i), "");
}
END_TEST

START_TEST(the_family_follows_from_platform_architecture_and_name)
{
    static const struct {
        const char *platform, *arch, *name;
        enum guest_family family;
    } cases[] = {
        { "2", "9", "Windows Server 2012 R2 Standard", FAMILY_WINDOWS },
        { "2", "", "", FAMILY_WINDOWS },
        { "", "0", "", FAMILY_WINDOWS },
        { "", "12", "whatever", FAMILY_WINDOWS },
        { "", "", "Microsoft Windows 7", FAMILY_WINDOWS },
        { "", "x86_64", "Ubuntu", FAMILY_LINUX },
        { "", "", "SLES", FAMILY_LINUX },
        { "2", "x86_64", "reinstalled", FAMILY_LINUX },
        { "", "amd64", "FreeBSD", FAMILY_BSD },
        { "", "", "OpenBSD", FAMILY_BSD },
        { "", "", "", FAMILY_UNKNOWN },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct observation *o;

        world_start(&w);
        o = world_observe(&w, OBS_GUEST_INVENTORY, AT(1));
        obs_str(o, ATTR_KVP_PREFIX "OSPlatformId", cases[i].platform);
        obs_str(o, ATTR_KVP_PREFIX "ProcessorArchitecture", cases[i].arch);
        obs_str(o, ATTR_KVP_PREFIX "OSName", cases[i].name);
        world_apply(&w, HOST, o);
        ck_assert_msg(guest_family_of(&w.g) == cases[i].family, "'%s' '%s' '%s' is %s", cases[i].platform,
                      cases[i].arch, cases[i].name, guest_family_name(guest_family_of(&w.g)));
        world_free(&w);
    }
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, any_order_and_any_repetition_ends_in_the_same_knowledge);
    suite_test(s, the_same_observation_again_changes_nothing);
    suite_test(s, an_absent_item_keeps_its_value_and_its_age);
    suite_test(s, since_is_the_first_poll_of_the_unbroken_run);
    suite_test(s, a_late_poll_of_the_same_value_moves_since_back_and_of_another_forward);
    suite_test(s, hostile_values_are_bounded_and_printable);
    suite_test(s, more_services_than_places_keep_the_newest);
    suite_test(s, observations_without_a_time_or_of_no_concern_change_nothing);
    suite_test(s, power_follows_the_newest_word_and_running_wins_a_draw);
    suite_test(s, boots_reconnections_and_arrivals_are_told_apart);
    suite_test(s, the_last_crash_is_kept_with_its_code);
    suite_test(s, a_guest_is_on_the_host_that_saw_it_last);
    suite_test(s, a_migrated_guest_is_not_removed_by_the_host_it_left);
    suite_test(s, a_clock_that_is_minutes_off_does_not_remove_a_migrated_guest);
    suite_test(s, a_guest_missed_by_its_only_host_is_removed_and_can_come_back);
    suite_test(s, a_host_that_lost_it_long_ago_does_not_inherit_a_deleted_guest);
    suite_test(s, hosts_beyond_the_last_place_give_way_to_newer_ones);
    suite_test(s, every_word_leads_back_to_its_value);
    suite_test(s, the_family_follows_from_platform_architecture_and_name);
}

int main(void)
{
    return suite_main("model: guest", add);
}
