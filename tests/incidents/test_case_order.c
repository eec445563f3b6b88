/* Properties of the case file: the order in which observations are added, and
 * how often, does not matter; and what incident_relevance() calls concerned is
 * all that changes. */
#include "tests/incidents/support_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define D1  "0xd1", "0 2 8 fffff80012345678"
#define Z7A "0x7a", "1 ffffffffc000000e 2 3"

enum { ORDERS = 1000, ADDED_MAX = 2 * TOLD_MAX };

static struct telling t;

/* ---- stories --------------------------------------------------------------------------- */

static void live_migration(void)
{
    tell_life(&t, 1, -7000, VM_A, "started");
    tell_move(&t, 1, -30, VM_A, "started");
    tell_move(&t, 1, -12, VM_A, "completed");
    tell_move(&t, 2, -11, VM_A, "received");
    tell_crash(&t, 2, 0, VM_A, D1);
    tell_crash(&t, 1, 4, VM_A, D1);
    tell_sign(&t, 2, 2, VM_A, "triple-fault");
    tell_life(&t, 2, 40, VM_A, "reset");
    tell_dump(&t, 1, 1, VM_A, D1, "storvsc.sys");
    tell_dump(&t, 2, 1, NULL, D1, "storvsc.sys");
    tell_gap(&t, 2, 300, "100", "120");
}

static void storage_outage(void)
{
    const char *const vms[] = { VM_A, VM_B, VM_C };

    for (int n = 0; n < 25; n++)
        tell_storage(&t, 1, -60 + 3 * n, "io-slow", n % 2 == 0 ? "a.vhdx" : "b.vhdx", 10000 + 1000 * n);
    tell_storage(&t, 2, -40, "csv-paused", "Volume1", 0);
    tell_cluster(&t, 3, -30, "node-removed", 1135);
    for (int n = 0; n < 3; n++) {
        tell_crash(&t, 1, 10 + n, vms[n], Z7A);
        tell_dump(&t, 3, 11 + n, NULL, Z7A, NULL);
        tell_life(&t, 1, 60 + n, vms[n], "reset");
    }
    tell_gap(&t, 1, 30, "2024-01-31T07:50:00Z", "2024-01-31T08:10:00Z");
}

static void boot_loop(void)
{
    for (int n = 0; n < 12; n++) {
        tell_crash(&t, 1 + n % 2, 90 * n, VM_A, D1);
        tell_crash(&t, 2 - n % 2, 90 * n + 20, VM_A, D1);
        if (n % 3 != 0)
            tell_dump(&t, 1, 90 * n - 7, n % 2 == 0 ? VM_A : NULL, D1, "storvsc.sys");
        tell_life(&t, 1, 90 * n + 30, VM_A, "reset");
    }
    tell_crash(&t, 1, 400, VM_B, D1);
    tell_sign(&t, 1, 5000, VM_B, "watchdog");
    tell_sign(&t, 1, 5010, VM_B, "worker-died");
    tell_life(&t, 1, 5400, VM_B, "stopped-critical");
}

static void names_and_paths(void)
{
    struct observation *o;

    obs_str(tell_dump(&t, 1, 5, NULL, D1, NULL), ATTR_VM_NAME, "sql01");
    obs_str(tell_dump(&t, 2, 800, NULL, Z7A, NULL), ATTR_VM_NAME, "web02");
    tell_life(&t, 1, -4000, VM_A, "started");
    tell_life(&t, 1, -4000, VM_B, "started");
    o = observe(&t, 1, OBS_GUEST_DUMP, 900, NULL);
    obs_str(o, ATTR_DUMP_STATUS, "empty");
    obs_str(o, ATTR_DUMP_PATH, "D:\\x.dmp");
    o = observe(&t, 1, OBS_GUEST_CRASH, 820, NULL);
    obs_str(o, ATTR_CRASH_KIND, "dump-written");
    obs_str(o, ATTR_DUMP_PATH, "D:\\dumps\\2\\800.000.dmp");
    o = observe(&t, 3, OBS_GUEST_DUMP, 50000, VM_C);
    obs_str(o, ATTR_DUMP_STATUS, "zero");
    tell_crash(&t, 3, 40000, VM_C, D1);
    tell_move(&t, 3, 39000, VM_C, "received");
}

/* More than fits. */
static void too_much(void)
{
    t.options.clues_max = 20;
    storage_outage();
    boot_loop();
}

static void (*const stories[])(void) = { live_migration, storage_outage, boot_loop, names_and_paths, too_much };

/* The same events as another program read them: without number or agent. */
static void read_again(void)
{
    int count = t.count;

    for (int n = 0; n < count; n += 3) {
        struct observation *copy = obs_new(&t.batch, OBS_OTHER, 0, 0), *after = copy->next;

        *copy = *t.told[n].o;
        copy->next = after;
        copy->seq = 0;
        copy->observed_ns += 7;
        t.told[t.count] = t.told[n];
        t.told[t.count].who.agent_id[0] = '\0';
        t.told[t.count].o = copy;
        t.count++;
    }
}

/* ---- properties -------------------------------------------------------------------------- */

static unsigned rnd(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* All of them in random order, some of them again. */
static int shuffle(int *order, int count, unsigned *seed)
{
    int n = count, again = (int)rnd(seed, (unsigned)count + 1);

    for (int k = 0; k < count; k++)
        order[k] = k;
    while (n < count + again)
        order[n++] = (int)rnd(seed, (unsigned)count);
    for (int k = n - 1; k > 0; k--) {
        int other = (int)rnd(seed, (unsigned)k + 1), kept = order[k];

        order[k] = order[other];
        order[other] = kept;
    }
    return n;
}

START_TEST(any_order_with_any_duplicates_gives_the_same_bytes)
{
    int order[ADDED_MAX];
    unsigned seed = 20240131u + (unsigned)_i;
    struct rules *rules = rules_shipped();
    char *want;

    telling_start(&t);
    t.options.rules = rules;
    stories[_i]();
    read_again();
    want = json_in_order(&t, NULL, t.count);
    ck_assert_str_ne(want, "");
    for (int n = 0; n < ORDERS; n++) {
        char *got = json_in_order(&t, order, shuffle(order, t.count, &seed));

        ck_assert_msg(strcmp(got, want) == 0, "order %d gives\n%.1500s\nand not\n%.1500s", n, got, want);
        free(got);
    }
    free(want);
    telling_free(&t);
    rules_free(rules);
}
END_TEST

/* The lines of a list that are of [from, to], as JSON. */
static char *json_between(const struct incident_list *all, int64_t from, int64_t to)
{
    struct incident_list some = { .items = malloc((all->count + 1) * sizeof all->items[0]) };
    char *json;

    for (size_t n = 0; n < all->count; n++) {
        if (all->items[n]->time >= from && all->items[n]->time <= to)
            some.items[some.count++] = all->items[n];
    }
    json = json_of(&some);
    free(some.items);
    return json;
}

/* With only the evidence that is asked for. */
static char *json_narrow(int64_t from, int64_t to)
{
    struct incident_list list;
    struct case_file *c;
    int64_t lo, hi;
    char *json;

    case_evidence_span(&t.options, from, to, &lo, &hi);
    ck_assert_int_eq(case_file_new(&c, &t.options, NULL), 0);
    for (int n = 0; n < t.count; n++) {
        if (t.told[n].o->time_ns >= lo && t.told[n].o->time_ns <= hi)
            ck_assert_int_eq(case_file_add(c, &t.told[n].who, t.told[n].o, NULL), 0);
    }
    ck_assert_int_eq(case_file_incidents(c, from, to, &list, NULL), 0);
    json = json_of(&list);
    incident_list_free(&list);
    case_file_free(c);
    return json;
}

static void add_far_away(void)
{
    for (int day = -30; day <= 30; day += 3) {
        tell_crash(&t, 1, day * 86400.0 + 77, VM_A, D1);
        tell_dump(&t, 2, day * 86400.0 + 79, NULL, D1, NULL);
        tell_life(&t, 1, day * 86400.0, VM_B, "started");
    }
}

START_TEST(the_evidence_of_the_span_is_enough_to_compute_it)
{
    telling_start(&t);
    stories[_i]();
    t.options.clues_max = CASE_CLUES_MAX;
    add_far_away();
    conclude(&t);
    for (int n = 0; n < t.count; n++) {
        struct incident_relevance r;
        char *want, *got;

        incident_relevance(&t.options, &t.told[n].who, t.told[n].o, &r);
        if (r.level == RELEVANT_NOT)
            continue;
        want = json_between(&t.list, r.from, r.to);
        got = json_narrow(r.from, r.to);
        ck_assert_msg(strcmp(got, want) == 0, "observation %d: narrow\n%.1500s\nand not\n%.1500s", n, got, want);
        free(want);
        free(got);
    }
    telling_free(&t);
}
END_TEST

static bool is_concerned(const struct incident_relevance *r, const struct resource *who, const struct incident *i)
{
    if (i->time < r->from || i->time > r->to)
        return false;
    return r->of_any || (r->of_code && i->bugcheck.known && incident_code(&i->bugcheck) == r->code) ||
           (r->of_cluster && strcmp(who->cluster, i->cluster) == 0) ||
           (r->of_host && strcmp(r->host_id, i->host_id) == 0) ||
           (r->vm_id[0] != '\0' && strcmp(r->vm_id, i->vm_id) == 0) || i->vm_id[0] == '\0';
}

/* Incidents of a that are in no place in b; each must be concerned. */
static void check_missing(const struct incident_list *a, const struct incident_list *b,
                          const struct incident_relevance *r, const struct resource *who, int index)
{
    for (size_t n = 0; n < a->count; n++) {
        struct incident_list one = { .items = &a->items[n], .count = 1 };
        char *mine = json_of(&one), *all = json_of(b);

        ck_assert_msg(strstr(all, mine) != NULL || is_concerned(r, who, a->items[n]),
                      "observation %d changes an incident that is not called concerned: %.2500s", index, mine);
        free(mine);
        free(all);
    }
}

START_TEST(an_observation_changes_only_what_it_is_relevant_to)
{
    telling_start(&t);
    stories[_i]();
    t.options.clues_max = CASE_CLUES_MAX;
    conclude(&t);
    for (int n = 0; n < t.count; n++) {
        struct incident_list without = t.list;
        struct told kept = t.told[n];
        struct incident_relevance r;

        incident_relevance(&t.options, &kept.who, kept.o, &r);
        t.list = (struct incident_list){ 0 };
        t.told[n] = t.told[--t.count];
        conclude(&t);
        check_missing(&t.list, &without, &r, &kept.who, n);
        check_missing(&without, &t.list, &r, &kept.who, n);
        incident_list_free(&t.list);
        t.list = without;
        t.told[t.count++] = t.told[n];
        t.told[n] = kept;
    }
    telling_free(&t);
}
END_TEST

static void add(Suite *s)
{
    const TTest *const tests[] = {
        any_order_with_any_duplicates_gives_the_same_bytes,
        the_evidence_of_the_span_is_enough_to_compute_it,
        an_observation_changes_only_what_it_is_relevant_to,
    };

    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++) {
        TCase *c = suite_case(s, tests[n]->name);

        tcase_add_loop_test(c, tests[n], 0, sizeof stories / sizeof stories[0]);
    }
}

int main(void)
{
    return suite_main("incidents: order and relevance", add);
}
