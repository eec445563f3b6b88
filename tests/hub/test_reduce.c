/* What applied records become: hosts, guests, verdicts, peers. */
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define OS_2012R2 "6.3.9600.20778"
#define OS_2022   "10.0.20348.2340"

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
};

static void set_up(struct fixture *f)
{
    snprintf(f->path, sizeof f->path, "%s/fleet.db", temp_dir());
    test_clock_init(&f->clock);
    f->store = open_store(f->path, &f->clock.clock);
}

static void tear_down(struct fixture *f)
{
    fleet_store_close(f->store);
}

/* A host's inventory and one guest's, as one request. */
static void report_guest(struct fixture *f, const struct resource *who, uint64_t seq, int vm, int64_t t, const char *os,
                         const char *is)
{
    struct made m;

    made_init(&m, seq);
    made_host_inventory(&m, who, t);
    made_inventory(&m, vm, t, os, is);
    made_apply(f->store, &m, who);
    made_free(&m);
}

static void do_upkeep(struct fixture *f)
{
    bool more = true;
    struct err e;

    for (int i = 0; more && i < 100; i++)
        ck_assert_int_eq(fleet_store_upkeep(f->store, &more, &e), 0);
    ck_assert(!more);
}

START_TEST(a_verdict_is_stored_with_its_row)
{
    struct resource who = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18692");
    struct fixture f;

    set_up(&f);
    report_guest(&f, &who, 1, 1, T0, "6.3.9600", "6.3.9600.18692");
    report_guest(&f, &who, 3, 2, T0, "6.3.9600", "6.3.9600.16384");
    ck_assert_str_eq(stored_verdict(f.path, 1), "current 6");
    ck_assert_str_eq(stored_verdict(f.path, 2), "behind 8");
    tear_down(&f);
}
END_TEST

START_TEST(guests_are_judged_anew_when_their_hosts_facts_change)
{
    struct resource who = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18692");
    struct fixture f;
    struct made m;

    set_up(&f);
    report_guest(&f, &who, 1, 1, T0, "6.3.9600", "6.3.9600.18692");
    report_guest(&f, &who, 3, 2, T0, "6.3.9600", "6.3.9600.18692");
    ck_assert_str_eq(stored_verdict(f.path, 2), "current 6");
    who = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18907");
    made_init(&m, 5);
    made_host_inventory(&m, &who, T0 + 5 * MINUTES); /* speaks of no guest */
    made_apply(f.store, &m, &who);
    made_free(&m);
    ck_assert_str_eq(stored_verdict(f.path, 1), "behind 8");
    ck_assert_str_eq(stored_verdict(f.path, 2), "behind 8");
    tear_down(&f);
}
END_TEST

START_TEST(guests_of_a_build_are_judged_anew_when_a_newer_peer_is_seen)
{
    struct resource one = made_agent(1, "PROD-B", OS_2022, ""), two = made_agent(2, "PROD-B", OS_2022, "");
    struct fixture f;

    set_up(&f);
    for (int vm = 1; vm <= 3; vm++)
        report_guest(&f, &one, (uint64_t)vm * 2 - 1, vm, T0, "10.0.17763", "10.0.17763.1000");
    report_guest(&f, &one, 7, 9, T0, "10.0.14393", "10.0.14393.10");
    ck_assert_str_eq(stored_verdict(f.path, 1), "current 10");
    report_guest(&f, &two, 1, 4, T0 + MINUTES, "10.0.17763", "10.0.17763.2000");
    ck_assert_str_eq(stored_verdict(f.path, 4), "current 10");
    do_upkeep(&f);
    for (int vm = 1; vm <= 3; vm++)
        ck_assert_str_eq(stored_verdict(f.path, vm), "inbox-behind-peers 10");
    ck_assert_str_eq(stored_verdict(f.path, 9), "current 10");
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM rejudge"), 0);
    tear_down(&f);
}
END_TEST

START_TEST(peers_outlive_a_restart)
{
    struct resource one = made_agent(1, "PROD-B", OS_2022, "");
    struct fixture f;

    set_up(&f);
    report_guest(&f, &one, 1, 1, T0, "10.0.17763", "10.0.17763.2000");
    fleet_store_close(f.store);
    f.store = open_store(f.path, &f.clock.clock);
    report_guest(&f, &one, 3, 2, T0, "10.0.17763", "10.0.17763.1000");
    ck_assert_str_eq(stored_verdict(f.path, 2), "inbox-behind-peers 10");
    tear_down(&f);
}
END_TEST

START_TEST(many_guests_of_a_build_are_judged_in_slices)
{
    enum { GUESTS = 700 };
    struct resource one = made_agent(1, "PROD-B", OS_2022, "");
    struct fixture f;
    struct made m;
    bool more;
    struct err e;

    set_up(&f);
    made_init(&m, 1);
    made_host_inventory(&m, &one, T0);
    for (int vm = 1; vm <= GUESTS; vm++) /* more than one reduction holds */
        made_inventory(&m, vm, T0, "10.0.17763", "10.0.17763.1000");
    made_apply(f.store, &m, &one);
    made_free(&m);
    do_upkeep(&f);
    report_guest(&f, &one, GUESTS + 2, GUESTS + 1, T0 + MINUTES, "10.0.17763", "10.0.17763.2000");
    ck_assert_int_eq(fleet_store_upkeep(f.store, &more, &e), 0);
    ck_assert(more);
    do_upkeep(&f);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM guest WHERE drift_state = 'inbox-behind-peers'"),
                     GUESTS);
    tear_down(&f);
}
END_TEST

struct seen {
    struct guest guest;
    int count;
};

static bool take_guest(void *arg, const struct guest *g)
{
    struct seen *seen = (struct seen *)arg;

    seen->guest = *g;
    seen->count++;
    return true;
}

static void read_guests(struct fixture *f, const char *cluster, struct seen *out)
{
    struct fleet_reader reader = { .arg = out, .cluster = cluster, .guest = take_guest };
    struct err e;

    out->count = 0;
    ck_assert_int_eq(fleet_store_read(f->store, &reader, &e), 0);
}

/* The same two requests of a source and a destination, in both orders. */
static void migrate(struct fixture *f, bool destination_first, struct seen *out)
{
    struct resource source = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18339");
    struct resource destination = made_agent(2, "PROD-A", OS_2012R2, "6.3.9600.18692");

    for (int i = 0; i < 2; i++) {
        if ((i == 0) == destination_first)
            report_guest(f, &destination, 1, 7, T0 + 30 * MINUTES, "6.3.9600", "6.3.9600.18339");
        else
            report_guest(f, &source, 1, 7, T0, "6.3.9600", "6.3.9600.18339");
    }
    read_guests(f, NULL, out);
}

START_TEST(a_guest_that_moved_is_on_its_new_host_whichever_host_reports_first)
{
    static struct seen seen[2];
    struct fixture f;

    for (int order = 0; order < 2; order++) {
        set_up(&f);
        migrate(&f, order == 1, &seen[order]);
        ck_assert_int_eq(seen[order].count, 1);
        ck_assert_str_eq(seen[order].guest.host_id, "HOST-0002");
        ck_assert_str_eq(stored_verdict(f.path, 7), "behind 8");
        tear_down(&f);
    }
    ck_assert_int_eq(seen[0].guest.host_time, seen[1].guest.host_time);
    ck_assert_int_eq(seen[0].guest.last_seen, seen[1].guest.last_seen);
    ck_assert_int_eq(seen[0].guest.host_since, seen[1].guest.host_since);
}
END_TEST

START_TEST(a_guest_is_one_whatever_form_its_id_comes_in)
{
    struct resource who = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18692");
    char loose[64];
    struct fixture f;
    struct made m;

    set_up(&f);
    made_init(&m, 1);
    made_lifecycle(&m, 1, 1, T0);
    made_lifecycle(&m, 1, 1, T0);
    snprintf(loose, sizeof loose, "{%s}", made_vm(1));
    for (char *c = loose; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    obs_str(m.batch.last, ATTR_VM_ID, loose);
    made_lifecycle(&m, 1, 1, T0);
    obs_str(m.batch.last, ATTR_VM_ID, "no GUID '); DROP TABLE guest; --");
    made_apply(f.store, &m, &who);
    made_free(&m);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM guest"), 1);
    ck_assert_int_eq((int)ask_store(f.path, "SELECT count(*) FROM observation"), 3);
    tear_down(&f);
}
END_TEST

START_TEST(guests_can_be_read_by_cluster)
{
    struct resource a = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18692");
    struct resource b = made_agent(2, "PROD-B", OS_2012R2, "6.3.9600.18692");
    static struct seen seen;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &a, 1, 1, T0, "6.3.9600", "6.3.9600.18692");
    report_guest(&f, &b, 1, 2, T0, "6.3.9600", "6.3.9600.18692");
    read_guests(&f, NULL, &seen);
    ck_assert_int_eq(seen.count, 2);
    read_guests(&f, "prod-b", &seen);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(seen.guest.vm_id, made_vm(2));
    read_guests(&f, "' OR 1=1 --", &seen);
    ck_assert_int_eq(seen.count, 0);
    tear_down(&f);
}
END_TEST

START_TEST(a_damaged_guest_is_made_anew_by_the_next_records)
{
    struct resource who = made_agent(1, "PROD-A", OS_2012R2, "6.3.9600.18692");
    static struct seen seen;
    struct fixture f;

    set_up(&f);
    report_guest(&f, &who, 1, 1, T0, "6.3.9600", "6.3.9600.18692");
    ask_store(f.path, stores_are_postgres() ? "UPDATE guest SET state = '\\xFFFFFFFF'"
                                            : "UPDATE guest SET state = x'FFFFFFFF'");
    read_guests(&f, NULL, &seen);
    ck_assert_int_eq(seen.count, 0);
    report_guest(&f, &who, 3, 1, T0 + MINUTES, "6.3.9600", "6.3.9600.18692");
    read_guests(&f, NULL, &seen);
    ck_assert_int_eq(seen.count, 1);
    ck_assert_str_eq(stored_verdict(f.path, 1), "current 6");
    tear_down(&f);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_verdict_is_stored_with_its_row);
    suite_test(s, guests_are_judged_anew_when_their_hosts_facts_change);
    suite_test(s, guests_of_a_build_are_judged_anew_when_a_newer_peer_is_seen);
    suite_test(s, peers_outlive_a_restart);
    suite_test(s, many_guests_of_a_build_are_judged_in_slices);
    suite_test(s, a_guest_that_moved_is_on_its_new_host_whichever_host_reports_first);
    suite_test(s, a_guest_is_one_whatever_form_its_id_comes_in);
    suite_test(s, guests_can_be_read_by_cluster);
    suite_test(s, a_damaged_guest_is_made_anew_by_the_next_records);
}

int main(void)
{
    return suite_main("hub: from records to what is known", add);
}
