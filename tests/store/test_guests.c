/* What is known of guests and the host is kept with the observations that say
 * it, in the same transaction. */
#include "tests/store/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig r;
static struct obs_batch batch;

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
    obs_batch_init(&batch, 64 * MIB);
}

static void done(void)
{
    obs_batch_free(&batch);
    rig_close(&r);
}

static struct observation *about(const char *vm_id, const char *name, enum obs_kind kind)
{
    struct observation *o = obs_new(&batch, kind, r.now, r.now);

    obs_str(o, ATTR_VM_ID, vm_id);
    obs_str(o, ATTR_VM_NAME, name);
    return o;
}

static void poll_row(const char *vm_id, const char *name, const char *is_version)
{
    struct observation *o = about(vm_id, name, OBS_GUEST_INVENTORY);

    obs_str(o, ATTR_VM_POWER, "running");
    obs_str(o, ATTR_KVP_PREFIX "IntegrationServicesVersion", is_version);
}

static void commit(void)
{
    struct store_appended out;

    ck_assert(!batch.failed);
    ck_assert_msg(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err) == 0, "%s", r.err.text);
    obs_batch_reset(&batch);
    r.now += 1000000000;
}

struct seen {
    int count, stop_after;
    struct guest last;
    char names[512];
};

static bool see(void *arg, const struct guest *g)
{
    struct seen *s = arg;
    size_t used;

    s->count++;
    s->last = *g;
    used = strlen(s->names);
    snprintf(s->names + used, sizeof s->names - used, "%s ", g->name);
    return s->count != s->stop_after;
}

static struct seen look(int stop_after)
{
    struct seen s = { .stop_after = stop_after };

    ck_assert_int_eq(store_guests(r.store, see, &s, &r.err), 0);
    return s;
}

START_TEST(a_polled_guest_is_known_and_still_known_after_reopening)
{
    struct seen s;

    setup();
    poll_row(VM_A, "web01", "6.3.9600.16384");
    commit();
    rig_reopen(&r);
    s = look(0);
    ck_assert_int_eq(s.count, 1);
    ck_assert_str_eq(s.last.vm_id, VM_A);
    ck_assert_str_eq(s.last.name, "web01");
    ck_assert_str_eq(s.last.host_id, HOST);
    ck_assert_str_eq(s.last.kvp[KVP_IS_VERSION].text, "6.3.9600.16384");
    ck_assert_int_eq(s.last.power, POWER_RUNNING);
    ck_assert_uint_eq(stats_of(&r).guests, 1);
    done();
}
END_TEST

START_TEST(what_several_observations_of_one_batch_say_comes_together)
{
    struct seen s;

    setup();
    poll_row(VM_A, "web01", "6.3.9600.16384");
    poll_row(VM_B, "db01", "6.3.9600.18692");
    obs_str(about(VM_A, "web01", OBS_GUEST_CRASH), ATTR_CRASH_CODE, "0x000000d1");
    r.now += 5;
    poll_row(VM_A, "web01", "6.3.9600.18907");
    commit();
    s = look(0);
    ck_assert_int_eq(s.count, 2);
    ck_assert_str_eq(s.last.vm_id, VM_A);
    ck_assert_str_eq(s.last.kvp[KVP_IS_VERSION].text, "6.3.9600.18907");
    ck_assert_str_eq(s.last.last_crash_code, "0x000000d1");
    done();
}
END_TEST

START_TEST(guests_come_in_order_of_name_until_told_to_stop)
{
    setup();
    poll_row(VM_A, "web01", "1.0");
    poll_row(VM_B, "db01", "1.0");
    commit();
    ck_assert_str_eq(look(0).names, "db01 web01 ");
    ck_assert_str_eq(look(1).names, "db01 ");
    ck_assert_str_eq(look(0).names, "db01 web01 ");
    done();
}
END_TEST

START_TEST(a_vm_id_that_is_none_is_shipped_and_known_nowhere)
{
    setup();
    about("not-a-guid", "x", OBS_GUEST_LIFECYCLE);
    about("aaaaaaaa-0000-4000-8000-000000000001", "lower", OBS_GUEST_LIFECYCLE);
    about("AAAAAAAA-0000-4000-8000-00000000000G", "no digit", OBS_GUEST_LIFECYCLE);
    commit();
    ck_assert_int_eq(look(0).count, 0);
    ck_assert_uint_eq(stats_of(&r).rows, 3);
    done();
}
END_TEST

START_TEST(a_batch_that_is_not_committed_leaves_no_trace_of_its_guests)
{
    static char filling[OBS_STRING_MAX];
    struct store_appended out;

    setup();
    poll_row(VM_A, "web01", "1.0");
    commit();
    memset(filling, 'x', sizeof filling - 1);
    poll_row(VM_B, "db01", "1.0");
    batch.failed = true;
    ck_assert_int_ne(store_append(r.store, HOST, &batch, NULL, 0, &out, &r.err), 0);
    ck_assert_uint_eq(stats_of(&r).guests, 1);
    ck_assert_int_eq(look(0).count, 1);
    done();
}
END_TEST

static void tamper(const char *sql)
{
    char *why = NULL;
    sqlite3 *db;

    rig_close(&r);
    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
    rig_open(&r);
}

START_TEST(a_damaged_guest_is_forgotten_told_and_learned_again)
{
    const struct observation *gap;
    struct outbox all;
    struct seen s;

    setup();
    poll_row(VM_A, "web01", "1.0");
    poll_row(VM_B, "db01", "1.0");
    commit();
    tamper("UPDATE guest SET state = substr(state, 1, 20) WHERE vm_id = '" VM_A "'");
    ck_assert(!r.opened.recovered);
    ck_assert_int_eq(look(0).count, 1);
    obs_batch_reset(&batch);
    poll_row(VM_A, "web01", "2.0");
    commit();
    s = look(0);
    ck_assert_int_eq(s.count, 2);
    ck_assert_str_eq(s.last.kvp[KVP_IS_VERSION].text, "2.0");
    ck_assert_uint_eq(stats_of(&r).guests, 2);
    outbox_load(&r, &all);
    ck_assert_uint_eq(all.count, 4);
    gap = find_gap(&all, "record-unreadable", 0);
    ck_assert_ptr_nonnull(gap);
    ck_assert_str_eq(obs_get_str(gap, ATTR_VM_ID), VM_A);
    outbox_free(&all);
    check_sound(&r);
    done();
}
END_TEST

START_TEST(the_table_of_guests_is_bounded_and_the_one_not_seen_longest_goes)
{
    enum { MOST = 8192 };
    char id[GUID_TEXT_MAX];
    struct seen s;

    setup();
    for (int i = 0; i < MOST + 3; i++) {
        snprintf(id, sizeof id, "00000000-0000-4000-8000-%012X", i);
        poll_row(id, i == 3 ? "last-kept" : "vm", "1.0");
        r.now += 1000;
        if (i % 1000 == 999 || i == MOST + 2)
            commit();
    }
    ck_assert_uint_eq(stats_of(&r).guests, MOST);
    s = look(1);
    ck_assert_str_eq(s.last.vm_id, "00000000-0000-4000-8000-000000000003");
    rig_reopen(&r);
    ck_assert_uint_eq(stats_of(&r).guests, MOST);
    done();
}
END_TEST

START_TEST(nothing_is_known_of_the_host_before_it_was_observed)
{
    struct host h;

    setup();
    ck_assert_int_eq(store_host(r.store, &h, &r.err), ERR_NOT_FOUND);
    done();
}
END_TEST

static void host_poll(const char *is_version)
{
    struct observation *o = obs_new(&batch, OBS_HOST_INVENTORY, r.now, r.now);

    obs_str(o, ATTR_HOST_NAME, "HV01");
    obs_str(o, ATTR_OS_VERSION, "6.3.9600.20778");
    obs_str(o, ATTR_HOST_IS_WIN6X, is_version);
    obs_int(o, ATTR_POLL_GUESTS, 12);
}

START_TEST(the_host_is_known_from_what_it_says_and_after_reopening)
{
    struct host h;

    setup();
    host_poll("6.3.9600.18692");
    commit();
    rig_reopen(&r);
    ck_assert_int_eq(store_host(r.store, &h, &r.err), 0);
    ck_assert_str_eq(h.facts.host_id, HOST);
    ck_assert_str_eq(h.facts.host_name, "HV01");
    ck_assert_str_eq(h.facts.os_version, "6.3.9600.20778");
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.18692");
    ck_assert_int_eq(h.poll_guests, 12);
    host_poll("6.3.9600.19000");
    commit();
    ck_assert_int_eq(store_host(r.store, &h, &r.err), 0);
    ck_assert_str_eq(h.facts.is_win6x, "6.3.9600.19000");
    done();
}
END_TEST

START_TEST(another_host_id_begins_a_new_host)
{
    struct store_appended out;
    struct host h;

    setup();
    host_poll("6.3.9600.18692");
    commit();
    obs_new(&batch, OBS_EVENT_RAW, r.now, r.now);
    ck_assert_int_eq(store_append(r.store, "HOST-2", &batch, NULL, 0, &out, &r.err), 0);
    ck_assert_int_eq(store_host(r.store, &h, &r.err), 0);
    ck_assert_str_eq(h.facts.host_id, "HOST-2");
    ck_assert_str_eq(h.facts.is_win6x, "");
    done();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_polled_guest_is_known_and_still_known_after_reopening);
    suite_test(s, what_several_observations_of_one_batch_say_comes_together);
    suite_test(s, guests_come_in_order_of_name_until_told_to_stop);
    suite_test(s, a_vm_id_that_is_none_is_shipped_and_known_nowhere);
    suite_test(s, a_batch_that_is_not_committed_leaves_no_trace_of_its_guests);
    suite_test(s, a_damaged_guest_is_forgotten_told_and_learned_again);
    suite_test(s, the_table_of_guests_is_bounded_and_the_one_not_seen_longest_goes);
    suite_test(s, nothing_is_known_of_the_host_before_it_was_observed);
    suite_test(s, the_host_is_known_from_what_it_says_and_after_reopening);
    suite_test(s, another_host_id_begins_a_new_host);
}

int main(void)
{
    return suite_main("store: guests", add);
}
