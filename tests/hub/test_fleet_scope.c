/* A store of which a viewer sees some clusters: what comes up of lists, limits, pages, counts, and of rows that
 * are about two hosts.  That no path of the hub tells more is test_people_scope.c's. */
#include "base/text.h"
#include "hub/fleet_incidents.h"
#include "hub/fleet_scope.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define DAY_NS (1440 * MINUTES)

static struct test_clock clock_;
static struct fleet_store *store;
static char found[4096]; /* what a reading gave, in words */

static void begin(void)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    test_clock_init(&clock_);
    store = open_store(path, &clock_.clock);
}

static void see(const char *clusters)
{
    struct fleet_scope scope = { .kind = SCOPE_CLUSTERS };

    text_copy(scope.clusters, sizeof scope.clusters, clusters);
    fleet_store_scope(store, &scope);
}

static void see_all(void)
{
    fleet_store_scope(store, &(struct fleet_scope){ .kind = SCOPE_FLEET });
}

/* Agent n is host HOST-000n; its guests are those from 10 * n. */
static void tell(int n, const char *cluster, int first_vm, int count, uint64_t seq, const char *is)
{
    struct resource who = made_agent(n, cluster, OS_2012R2, E1);
    struct made m;

    made_init(&m, seq);
    made_host_inventory(&m, &who, clock_.now);
    for (int i = 0; i < count; i++)
        made_inventory(&m, first_vm + i, clock_.now, "6.3.9600", is);
    made_apply(store, &m, &who);
    made_free(&m);
}

static void three_clusters(void)
{
    begin();
    tell(1, "A", 10, 3, 1, OLD);
    tell(2, "B", 20, 3, 1, OLD);
    tell(3, "c", 30, 3, 1, E1);
    tell(4, "", 40, 3, 1, OLD);
}

static void add_word(const char *word)
{
    size_t used = strlen(found);

    snprintf(found + used, sizeof found - used, "%s ", word);
}

static bool take_host(void *arg, const struct host *h)
{
    (void)arg;
    add_word(h->facts.host_id + strlen("HOST-000"));
    return true;
}

static bool take_guest(void *arg, const struct guest *g)
{
    (void)arg;
    add_word(g->vm_id + strlen(g->vm_id) - 2);
    return true;
}

static bool take_agent(void *arg, const struct fleet_agent *a)
{
    return take_host(arg, &(struct host){ .facts = made_agent(a->host_id[strlen(a->host_id) - 1] - '0', "", "", "") });
}

static const char *read_with(struct fleet_reader reader)
{
    struct err e = { 0 };

    found[0] = '\0';
    ck_assert_msg(fleet_store_read(store, &reader, &e) == 0, "%s", e.text);
    return found;
}

START_TEST(hosts_guests_and_agents_of_the_clusters_come_up_and_no_others)
{
    three_clusters();
    see("A\nC\n");
    ck_assert_str_eq(read_with((struct fleet_reader){ .host = take_host }), "1 3 ");
    ck_assert_str_eq(read_with((struct fleet_reader){ .agent = take_agent }), "1 3 ");
    ck_assert_str_eq(read_with((struct fleet_reader){ .guest = take_guest, .cluster = "a" }), "10 11 12 ");
    ck_assert_str_eq(read_with((struct fleet_reader){ .guest = take_guest, .cluster = "B" }), "");
    ck_assert_str_eq(read_with((struct fleet_reader){ .guest = take_guest, .host_id = "HOST-0002" }), "");
    ck_assert_str_eq(read_with((struct fleet_reader){ .guest = take_guest, .host_id = "HOST-0003" }), "30 31 32 ");
    see("a\nA\n");
    ck_assert_str_eq(read_with((struct fleet_reader){ .host = take_host }), "1 ");
    see("nowhere");
    ck_assert_str_eq(read_with((struct fleet_reader){ .host = take_host, .guest = take_guest }), "");
    fleet_store_scope(store, &(struct fleet_scope){ .kind = SCOPE_NOTHING, .clusters = "A" });
    ck_assert_str_eq(read_with((struct fleet_reader){ .host = take_host, .guest = take_guest }), "");
    see_all();
    ck_assert_str_eq(read_with((struct fleet_reader){ .host = take_host }), "1 2 3 4 ");
    fleet_store_close(store);
}
END_TEST

START_TEST(a_page_of_guests_is_full_although_others_lie_between)
{
    struct fleet_reader page = { .guest = take_guest, .page_after = "", .page_state = -1, .page_rows = 2 };

    three_clusters();
    see("A\nc");
    ck_assert_str_eq(read_with(page), "10 11 ");
    page.page_after = made_vm(11);
    ck_assert_str_eq(read_with(page), "12 30 ");
    page.page_after = made_vm(30);
    ck_assert_str_eq(read_with(page), "31 32 ");
    page.page_after = made_vm(32);
    ck_assert_str_eq(read_with(page), "");
    fleet_store_close(store);
}
END_TEST

START_TEST(what_is_asked_for_by_name_outside_is_not_there)
{
    struct host h;
    struct guest g;
    struct err e = { 0 };

    three_clusters();
    see("A");
    ck_assert_int_eq(fleet_store_host(store, "HOST-0001", &h, &e), 0);
    ck_assert_int_eq(fleet_store_host(store, "HOST-0002", &h, &e), ERR_NOT_FOUND);
    ck_assert_str_eq(h.facts.host_id, "");
    ck_assert_int_eq(fleet_store_guest(store, made_vm(10), &g, &e), 0);
    ck_assert_int_eq(fleet_store_guest(store, made_vm(20), &g, &e), ERR_NOT_FOUND);
    ck_assert_str_eq(g.vm_id, "");
    ck_assert_int_eq(fleet_store_guest(store, made_vm(40), &g, &e), ERR_NOT_FOUND);
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_guests_on(store, "HOST-0002", take_guest, NULL, &e), 0);
    ck_assert_str_eq(found, "");
    fleet_store_close(store);
}
END_TEST

static bool take_change(void *arg, const struct fleet_change *c)
{
    char word[FLEET_VALUE_MAX + FLEET_CLUSTER_MAX + 32];

    (void)arg;
    snprintf(word, sizeof word, "%s:%s:%s", c->vm_id + strlen(c->vm_id) - 2, c->cluster, c->from);
    add_word(word);
    return true;
}

static const char *changes(struct fleet_change_query q)
{
    struct err e = { 0 };

    found[0] = '\0';
    q.oldest_first = true;
    ck_assert_msg(fleet_store_changes(store, &q, take_change, NULL, &e) == 0, "%s", e.text);
    return found;
}

START_TEST(a_limit_counts_the_changes_that_are_shown)
{
    begin();
    tell(1, "A", 10, 1, 1, OLD);
    clock_.now += MINUTES;
    tell(2, "B", 20, 1, 1, OLD);
    clock_.now += MINUTES;
    tell(3, "C", 30, 1, 1, OLD);
    see("A\nC");
    ck_assert_str_eq(changes((struct fleet_change_query){ .kind = CHANGE_STATE, .limit = 2 }), "10:A: 30:C: ");
    ck_assert_str_eq(changes((struct fleet_change_query){ .kind = CHANGE_STATE, .limit = 1 }), "10:A: ");
    ck_assert_str_eq(changes((struct fleet_change_query){ .kind = CHANGE_STATE, .cluster = "B" }), "");
    fleet_store_close(store);
}
END_TEST

START_TEST(from_where_outside_a_guest_came_is_not_said)
{
    begin();
    tell(2, "B", 20, 1, 1, OLD);
    tell(1, "A", 10, 1, 1, OLD);
    tell(3, "A", 30, 1, 1, OLD);
    clock_.now += MINUTES;
    tell(1, "A", 20, 1, 3, OLD); /* out of B */
    clock_.now += MINUTES;
    tell(3, "A", 20, 1, 3, OLD); /* within A */
    see("A");
    ck_assert_str_eq(changes((struct fleet_change_query){ .kind = CHANGE_HOST }), "20:A: 20:A:HOST-0001 ");
    see_all();
    ck_assert_str_eq(changes((struct fleet_change_query){ .kind = CHANGE_HOST }), "20:A:HOST-0002 20:A:HOST-0001 ");
    fleet_store_close(store);
}
END_TEST

static bool take_finding(void *arg, const struct fleet_finding *f)
{
    (void)arg;
    add_word(f->host_id);
    add_word(f->text);
    return true;
}

/* Of agent 1's store, in the other cluster. */
static void tell_clone(uint64_t seq)
{
    struct resource clone = made_agent(1, "B", OS_2012R2, E1);
    struct made m;

    text_copy(clone.host_id, sizeof clone.host_id, "SECRET-HOST");
    made_init(&m, seq);
    made_host_inventory(&m, &clone, clock_.now);
    made_inventory(&m, 20, clock_.now, "6.3.9600", OLD);
    made_apply(store, &m, &clone);
    made_free(&m);
}

START_TEST(a_finding_about_two_hosts_does_not_name_the_one_outside)
{
    struct fleet_finding_query all = { .now_ns = 0 };
    struct err e = { 0 };

    begin();
    for (uint64_t turn = 0; turn < 3; turn++) { /* both go on speaking */
        tell(1, "A", 10, 1, 1 + 2 * turn, OLD);
        clock_.now += MINUTES;
        tell_clone(1 + 2 * turn);
        clock_.now += MINUTES;
    }
    see_all();
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_findings(store, &all, take_finding, NULL, &e), 0);
    ck_assert_msg(strstr(found, "SECRET-HOST") != NULL && strstr(found, "HOST-0001") != NULL, "%s", found);
    see("A");
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_findings(store, &all, take_finding, NULL, &e), 0);
    ck_assert_msg(strstr(found, "SECRET-HOST") == NULL, "%s", found);
    read_with((struct fleet_reader){ .finding = take_finding });
    ck_assert_msg(strstr(found, "SECRET-HOST") == NULL, "%s", found);
    fleet_store_close(store);
}
END_TEST

static bool take_day(void *arg, const struct fleet_day *d)
{
    char word[64];

    (void)arg;
    snprintf(word, sizeof word, "%d+%d", (int)d->guests[DRIFT_BEHIND], (int)d->guests[DRIFT_CURRENT]);
    add_word(word);
    return true;
}

static bool take_cluster(void *arg, const struct fleet_cluster *c)
{
    (void)arg;
    add_word(c->cluster);
    return true;
}

START_TEST(days_clusters_and_sums_are_of_the_clusters)
{
    struct fleet_stats stats;
    int64_t first;
    struct err e = { 0 };

    begin();
    first = clock_.now / DAY_NS;
    tell(1, "A", 10, 2, 1, OLD);
    tell(2, "B", 20, 2, 1, OLD);
    clock_.now += DAY_NS;
    tell(3, "c", 30, 1, 1, E1);
    clock_.now += DAY_NS;
    tell(1, "A", 10, 1, 4, E1);
    see("C\na");
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_days(store, NULL, first, first + 2, take_day, NULL, &e), 0);
    ck_assert_str_eq(found, "2+0 2+1 1+2 ");
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_days(store, "B", first, first + 2, take_day, NULL, &e), 0);
    ck_assert_str_eq(found, "");
    found[0] = '\0';
    ck_assert_int_eq(fleet_store_clusters(store, take_cluster, NULL, &e), 0);
    ck_assert_str_eq(found, "A c ");
    ck_assert_int_eq(fleet_store_stats(store, &stats, &e), 0);
    ck_assert_uint_eq(stats.guests, 3);
    ck_assert_uint_eq(stats.hosts, 2);
    ck_assert_uint_eq(stats.guests_by_state[DRIFT_CURRENT], 2);
    fleet_store_close(store);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, hosts_guests_and_agents_of_the_clusters_come_up_and_no_others);
    suite_test(s, a_page_of_guests_is_full_although_others_lie_between);
    suite_test(s, what_is_asked_for_by_name_outside_is_not_there);
    suite_test(s, a_limit_counts_the_changes_that_are_shown);
    suite_test(s, from_where_outside_a_guest_came_is_not_said);
    suite_test(s, a_finding_about_two_hosts_does_not_name_the_one_outside);
    suite_test(s, days_clusters_and_sums_are_of_the_clusters);
}

int main(void)
{
    return suite_main("hub: a part of the fleet", add);
}
