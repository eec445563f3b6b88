/* How guests are, told ahead of its turn (fleet_ahead.c): it is known at once, and nothing of it counts. */
#include "base/text.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define OS     "6.3.9600.20778"
#define E1     "6.3.9600.18692"
#define OLD    "6.3.9600.16384"
#define BEHIND "behind 8"

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
    struct resource who;
    char current[32]; /* the verdict of a guest that has E1 */
};

/* The host and its guests 1 and 2 as they were at T0: records 1, 2 and 3. */
static void tell_first(struct fixture *f)
{
    struct made m;

    made_init(&m, 1);
    made_host_inventory(&m, &f->who, T0);
    made_inventory(&m, 1, T0, "6.3.9600", OLD);
    made_inventory(&m, 2, T0, "6.3.9600", E1);
    made_apply(f->store, &m, &f->who);
    made_free(&m);
    text_copy(f->current, sizeof f->current, stored_verdict(f->path, 2));
    ck_assert_str_eq(stored_verdict(f->path, 1), BEHIND);
    ck_assert_str_ne(f->current, BEHIND);
}

static void set_up(struct fixture *f)
{
    snprintf(f->path, sizeof f->path, "%s/fleet.db", temp_dir());
    test_clock_init(&f->clock);
    f->store = open_store(f->path, &f->clock.clock);
    f->who = made_agent(1, "PROD-A", OS, E1);
    tell_first(f);
}

static void tear_down(struct fixture *f)
{
    fleet_store_close(f->store);
}

static void decode(const struct made *m, const struct resource *who, struct otlp_request *out)
{
    struct otlp_limits limits = otlp_limits_default();
    struct err e = { 0 };
    struct buf bytes;

    buf_init(&bytes, 8 * 1024 * 1024);
    made_request(m, who, &bytes);
    ck_assert_msg(otlp_decode(bytes.data, bytes.len, &limits, out, &e) == 0, "decode: %s", e.text);
    buf_free(&bytes);
}

/* Applies it ahead of its turn, said by speaker (NULL: nobody asks). */
static struct fleet_batch tell_as(struct fixture *f, const struct made *m, const struct resource *who,
                                  const struct fleet_speaker *speaker)
{
    struct otlp_request request;
    struct fleet_batch batch = { .request = &request, .speaker = speaker, .ahead = true };
    struct err e = { 0 };

    decode(m, who, &request);
    ck_assert_msg(fleet_store_apply(f->store, &batch, 1, &e) == 0, "apply: %s", e.text);
    otlp_request_free(&request);
    ck_assert_uint_eq(batch.stored + batch.duplicates + batch.foreign + batch.missing, 0);
    ck_assert(!batch.one_agent);
    return batch;
}

static struct fleet_batch tell(struct fixture *f, const struct made *m, const struct resource *who)
{
    return tell_as(f, m, who, NULL);
}

/* Guest 1 with E1 at that time, as record seq, ahead of its turn. */
static struct fleet_batch tell_guest(struct fixture *f, uint64_t seq, int64_t time_ns)
{
    struct fleet_batch b;
    struct made m;

    made_init(&m, seq);
    made_inventory(&m, 1, time_ns, "6.3.9600", E1);
    b = tell(f, &m, &f->who);
    made_free(&m);
    return b;
}

static int64_t ask(struct fixture *f, const char *sql)
{
    return ask_store(f->path, sql);
}

/* The stream is where it was. */
static void check_stream(struct fixture *f, int64_t mark)
{
    ck_assert_int_eq(ask(f, "SELECT high_mark FROM stream"), mark);
    ck_assert_int_eq(ask(f, "SELECT count(*) FROM stream"), 1);
    ck_assert_int_eq(ask(f, "SELECT missing FROM stream"), 0);
    ck_assert_int_eq(ask(f, "SELECT count(*) FROM hole"), 0);
    ck_assert_int_eq(ask(f, "SELECT count(*) FROM finding"), 0);
    ck_assert_int_eq(ask(f, "SELECT count(*) FROM observation"), mark);
}

static struct guest guest_of(struct fixture *f, int vm)
{
    struct guest g;
    struct err e = { 0 };

    ck_assert_msg(fleet_store_guest(f->store, made_vm(vm), &g, &e) == 0, "%s", e.text);
    return g;
}

START_TEST(how_a_guest_is_told_ahead_is_known_before_the_backlog)
{
    struct fixture f;

    set_up(&f);
    ck_assert_uint_eq(tell_guest(&f, 1000, T0 + 60 * MINUTES).told, 1);
    ck_assert_str_eq(stored_verdict(f.path, 1), f.current);
    ck_assert_int_eq(guest_of(&f, 1).inventory_time, T0 + 60 * MINUTES);
    check_stream(&f, 3);
    tear_down(&f);
}
END_TEST

START_TEST(the_backlog_is_stored_once_whatever_was_told_ahead)
{
    struct fixture f;
    struct fleet_batch b;
    struct made m;

    set_up(&f);
    tell_guest(&f, 100, T0 + 60 * MINUTES);
    made_init(&m, 4);
    made_lifecycle(&m, 2, 96, T0 + MINUTES);
    made_inventory(&m, 1, T0 + 60 * MINUTES, "6.3.9600", E1);
    b = made_apply(f.store, &m, &f.who);
    ck_assert_uint_eq(b.stored, 97);
    ck_assert_uint_eq(b.duplicates, 0);
    ck_assert_uint_eq(b.acked_through, 100);
    check_stream(&f, 100);
    ck_assert_uint_eq(made_apply(f.store, &m, &f.who).duplicates, 97);
    made_free(&m);
    ck_assert_str_eq(stored_verdict(f.path, 1), f.current);
    tear_down(&f);
}
END_TEST

START_TEST(told_twice_and_late_it_changes_nothing)
{
    struct fixture f;
    struct guest before, after;
    int64_t changes;

    set_up(&f);
    tell_guest(&f, 100, T0 + 60 * MINUTES);
    before = guest_of(&f, 1);
    changes = ask(&f, "SELECT count(*) FROM guest_change");
    for (int i = 0; i < 3; i++)
        tell_guest(&f, 100, T0 + 60 * MINUTES);
    tell_guest(&f, 50, T0 + 60 * MINUTES - NS_PER_S);
    after = guest_of(&f, 1);
    ck_assert_int_eq(after.inventory_time, before.inventory_time);
    ck_assert_int_eq(after.drift.since, before.drift.since);
    ck_assert_str_eq(after.kvp[KVP_IS_VERSION].text, before.kvp[KVP_IS_VERSION].text);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM guest_change"), changes);
    check_stream(&f, 3);
    tear_down(&f);
}
END_TEST

START_TEST(nothing_but_guests_that_run_is_taken_ahead)
{
    static const enum obs_kind kinds[] = { OBS_HOST_INVENTORY, OBS_HOST_STORAGE,           OBS_HOST_CLUSTER,
                                           OBS_GUEST_CRASH,    OBS_GUEST_VERSION_MISMATCH, OBS_GUEST_VERSION_OK,
                                           OBS_GUEST_DUMP,     OBS_GUEST_LIFECYCLE,        OBS_GUEST_MIGRATION,
                                           OBS_SOURCE_STATE,   OBS_GUEST_CONFIGURATION,    OBS_GAP };
    static const char *const powers[] = { "off", "saved", "paused", "stopping", "", "nonsense" };
    struct fixture f;
    struct guest before, after;
    int64_t todos;
    struct made m;

    set_up(&f);
    before = guest_of(&f, 1);
    todos = ask(&f, "SELECT count(*) FROM incident_todo");
    made_init(&m, 500);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct observation *o = made_add(&m, kinds[i], T0 + 60 * MINUTES);

        obs_str(o, ATTR_VM_ID, made_vm(1));
        obs_str(o, ATTR_VM_POWER, "running");
        obs_str(o, ATTR_VM_CHANGE, "stopped");
        obs_str(o, ATTR_GAP_REASON, "store-full");
    }
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        struct observation *o = made_add(&m, OBS_GUEST_INVENTORY, T0 + 61 * MINUTES);

        obs_str(o, ATTR_VM_ID, made_vm(1));
        obs_str(o, ATTR_VM_POWER, powers[i]);
    }
    ck_assert_uint_eq(tell(&f, &m, &f.who).told, 0);
    made_free(&m);
    after = guest_of(&f, 1);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM incident"), 0);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM incident_todo"), todos);
    check_stream(&f, 3);
    tear_down(&f);
}
END_TEST

/* Guest 3, on a host that is known or not. */
static uint64_t told_of_guest_3(struct fixture *f, const struct resource *who)
{
    struct fleet_batch b;
    struct made m;

    made_init(&m, 900);
    made_inventory(&m, 3, T0 + 60 * MINUTES, "6.3.9600", OLD);
    b = tell(f, &m, who);
    made_free(&m);
    return b.told;
}

START_TEST(a_new_guest_of_a_known_host_is_taken)
{
    struct fixture f;

    set_up(&f);
    ck_assert_uint_eq(told_of_guest_3(&f, &f.who), 1);
    ck_assert_str_eq(stored_verdict(f.path, 3), BEHIND);
    check_stream(&f, 3);
    tear_down(&f);
}
END_TEST

START_TEST(who_is_not_known_is_not_believed_ahead)
{
    struct fixture f;
    struct resource stranger = made_agent(2, "PROD-A", OS, E1), clone, nobody, other;

    set_up(&f);
    clone = f.who; /* a new agent id on the known host */
    text_copy(clone.agent_id, sizeof clone.agent_id, stranger.agent_id);
    nobody = f.who;
    nobody.agent_id[0] = '\0';
    other = f.who;
    text_copy(other.service_name, sizeof other.service_name, "rsyslog");
    ck_assert_uint_eq(told_of_guest_3(&f, &stranger), 0);
    ck_assert_uint_eq(told_of_guest_3(&f, &clone), 0);
    ck_assert_uint_eq(told_of_guest_3(&f, &nobody), 0);
    ck_assert_uint_eq(told_of_guest_3(&f, &other), 0);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM host"), 1);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM guest"), 2);
    ck_assert_int_eq(ask(&f, "SELECT count(*) FROM foreign_record"), 0);
    check_stream(&f, 3);
    tear_down(&f);
}
END_TEST

START_TEST(a_host_that_no_poll_has_told_of_is_not_believed_ahead)
{
    struct fixture f;
    struct resource second = made_agent(2, "PROD-A", OS, E1);
    struct made m;

    set_up(&f);
    made_init(&m, 1);
    made_lifecycle(&m, 9, 1, T0);
    made_apply(f.store, &m, &second);
    made_free(&m);
    ck_assert_uint_eq(told_of_guest_3(&f, &second), 0);
    ck_assert_str_eq(stored_verdict(f.path, 3), "");
    tear_down(&f);
}
END_TEST

START_TEST(guests_of_a_host_that_was_patched_meanwhile_are_judged_in_their_order)
{
    struct resource patched[3];
    struct fixture f;

    set_up(&f);
    for (int i = 0; i < 3; i++)
        patched[i] = f.who;
    text_copy(patched[0].os_version, sizeof patched[0].os_version, "6.3.9600.21000");
    text_copy(patched[1].is_win6x, sizeof patched[1].is_win6x, "6.3.9600.19000");
    text_copy(patched[2].is_win5x, sizeof patched[2].is_win5x, "6.3.9600.18339");
    for (int i = 0; i < 3; i++)
        ck_assert_msg(told_of_guest_3(&f, &patched[i]) == 0, "the host was patched (%d)", i);
    ck_assert_str_eq(stored_verdict(f.path, 3), "");
    ck_assert_uint_eq(told_of_guest_3(&f, &f.who), 1);
    tear_down(&f);
}
END_TEST

/* What happened to guest 1 from record 4 on: it got E1, ran, was shut down, and was brought up and off once more. */
static void add_past(struct made *m, const struct fixture *f)
{
    static const char *const changes[] = { "stopped", "started", "shut-down" };

    made_inventory(m, 1, T0 + 10 * MINUTES, "6.3.9600", E1);
    made_inventory(m, 1, T0 + 20 * MINUTES, "6.3.9600", E1);
    for (int i = 0; i < 3; i++) {
        struct observation *o = made_add(m, OBS_GUEST_LIFECYCLE, T0 + (21 + 10 * i) * MINUTES);

        obs_str(o, ATTR_VM_ID, made_vm(1));
        obs_str(o, ATTR_VM_CHANGE, changes[i]);
        if (i == 1)
            made_inventory(m, 1, T0 + 35 * MINUTES, "6.3.9600", E1);
    }
    made_host_inventory(m, &f->who, T0 + 45 * MINUTES);
}

/* The whole past with this inventory of it told ahead (0 none), then in slices of so many records. */
static struct guest after_past(int64_t ahead_ns, int slice)
{
    struct fixture f;
    struct guest g;
    struct made all;

    set_up(&f);
    if (ahead_ns != 0)
        tell_guest(&f, 9, ahead_ns);
    made_init(&all, 4);
    add_past(&all, &f);
    for (struct observation *o = all.batch.first; o != NULL;) {
        struct observation *last = o, *rest;
        struct made part = all;

        for (int i = 1; i < slice && last->next != NULL; i++)
            last = last->next;
        rest = last->next;
        part.batch.first = o;
        last->next = NULL;
        made_apply(f.store, &part, &f.who);
        last->next = rest;
        o = rest;
    }
    made_free(&all);
    g = guest_of(&f, 1);
    check_stream(&f, 10);
    tear_down(&f);
    return g;
}

START_TEST(a_guest_that_stopped_since_ends_with_the_verdict_it_had_in_order)
{
    static const int64_t told[] = { T0 + 10 * MINUTES, T0 + 20 * MINUTES, T0 + 35 * MINUTES };
    struct guest in_order = after_past(0, 100);

    ck_assert_int_eq(in_order.drift.state, DRIFT_CURRENT);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        for (int slice = 1; slice <= 7; slice += 3) {
            struct guest g = after_past(told[i], slice);

            ck_assert_int_eq(g.drift.state, in_order.drift.state);
            ck_assert_int_eq(g.power, in_order.power);
            ck_assert_int_eq(g.power_time, in_order.power_time);
            ck_assert_int_eq(g.inventory_time, in_order.inventory_time);
            ck_assert_int_eq(g.connected_since, in_order.connected_since);
            ck_assert_int_eq(g.kvp[KVP_IS_VERSION].since, in_order.kvp[KVP_IS_VERSION].since);
        }
    }
}
END_TEST

START_TEST(told_in_the_transaction_of_the_records_it_is_the_same)
{
    for (int first = 0; first < 2; first++) {
        struct otlp_request requests[2];
        struct fleet_batch batches[2] = { { .request = &requests[0] }, { .request = &requests[1] } };
        struct fixture f;
        struct err e = { 0 };
        struct made m;

        set_up(&f);
        made_init(&m, 4);
        made_lifecycle(&m, 2, 10, T0 + MINUTES);
        decode(&m, &f.who, &requests[1 - first]);
        made_free(&m);
        made_init(&m, 90);
        made_inventory(&m, 1, T0 + 60 * MINUTES, "6.3.9600", E1);
        decode(&m, &f.who, &requests[first]);
        made_free(&m);
        batches[first].ahead = true;
        ck_assert_int_eq(fleet_store_apply(f.store, batches, 2, &e), 0);
        ck_assert_uint_eq(batches[first].told, 1);
        ck_assert_uint_eq(batches[1 - first].stored, 10);
        ck_assert_uint_eq(batches[1 - first].acked_through, 13);
        ck_assert_str_eq(stored_verdict(f.path, 1), f.current);
        check_stream(&f, 13);
        for (int i = 0; i < 2; i++)
            otlp_request_free(&requests[i]);
        tear_down(&f);
    }
}
END_TEST

START_TEST(who_may_not_speak_for_the_agent_may_not_tell_ahead_either)
{
    struct fleet_speaker other = { .enrolled = true, .serial = "AB", .holder = "certificate CN=other" };
    struct resource stranger = made_agent(2, "PROD-A", OS, E1);
    struct fixture f;
    struct fleet_batch b;
    struct made m;

    set_up(&f);
    text_copy(other.agent_id, sizeof other.agent_id, stranger.agent_id);
    text_copy(other.host_id, sizeof other.host_id, stranger.host_id);
    made_init(&m, 900);
    made_inventory(&m, 1, T0 + 60 * MINUTES, "6.3.9600", E1);
    b = tell_as(&f, &m, &f.who, &other);
    made_free(&m);
    ck_assert(b.refused);
    ck_assert_uint_eq(b.told, 0);
    ck_assert_str_eq(stored_verdict(f.path, 1), BEHIND);
    tear_down(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, how_a_guest_is_told_ahead_is_known_before_the_backlog);
    suite_test(s, the_backlog_is_stored_once_whatever_was_told_ahead);
    suite_test(s, told_twice_and_late_it_changes_nothing);
    suite_test(s, nothing_but_guests_that_run_is_taken_ahead);
    suite_test(s, a_new_guest_of_a_known_host_is_taken);
    suite_test(s, who_is_not_known_is_not_believed_ahead);
    suite_test(s, a_host_that_no_poll_has_told_of_is_not_believed_ahead);
    suite_test(s, guests_of_a_host_that_was_patched_meanwhile_are_judged_in_their_order);
    suite_test(s, a_guest_that_stopped_since_ends_with_the_verdict_it_had_in_order);
    suite_test(s, told_in_the_transaction_of_the_records_it_is_the_same);
    suite_test(s, who_may_not_speak_for_the_agent_may_not_tell_ahead_either);
}

int main(void)
{
    return suite_main("hub: state told ahead", add);
}
