/* Other rules than before: what is stored is explained anew, newest first, some at a time, whatever happens meanwhile.
 */
#include "base/text.h"
#include "tests/hub/support_incidents.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 70, ROUNDS_MAX = 20, SLICES_MAX = 2000 };

static struct story t;

static struct rules *rules_with(const char *id)
{
    char yaml[512];
    const char *path;
    struct rules *r;
    struct buf problems;

    snprintf(yaml, sizeof yaml,
             "rules:\n  - { id: %s, title: t, text: t, action: a, confidence: high, reason: r,"
             " needs: [{ bugcheck: 0x50 }] }\n",
             id);
    path = write_file(temp_dir(), "own.yaml", yaml, strlen(yaml));
    buf_init(&problems, 4096);
    ck_assert_msg(rules_load(&path, 1, &r, &problems) == 0, "%s", buf_text(&problems));
    buf_free(&problems);
    return r;
}

/* What a hub does in one go, until nothing is left for now. */
static void round_of(struct fleet_store *s)
{
    struct err e = { 0 };
    bool more = true;

    for (int i = 0; more && i < SLICES_MAX; i++)
        ck_assert_msg(fleet_store_upkeep(s, &more, &e) == 0, "%s", e.text);
    ck_assert(!more);
    t.clock.now += 20 * NS_PER_S;
}

/* How many stored incidents say this; the newest crashes first, without a hole. */
static int explained(const char *rule)
{
    struct incident_list list = story_incidents(&t);
    int count = 0;

    for (size_t i = list.count; i-- > 0;) {
        const struct incident *x = list.items[i];
        bool says = x->finding_count > 0 && strcmp(x->findings[0].rule, rule) == 0;

        if (says)
            ck_assert_int_eq(count, (int)(list.count - 1 - i));
        count += says;
    }
    incident_list_free(&list);
    return count;
}

static void crashes(const char *name, int count)
{
    story_start(&t, name);
    for (int vm = 1; vm <= count; vm++)
        story_crash(&t, 1, 10.0 * vm, vm, "0x50", "1 2 3 4");
    story_send_all(&t);
    for (int i = 0; i < 3; i++)
        round_of(t.store);
}

static uint64_t computed(const struct fleet_store *s)
{
    struct fleet_incident_counts counts;

    fleet_incident_counts(s, &counts);
    return counts.computed;
}

START_TEST(what_is_stored_is_explained_by_new_rules_some_at_a_time)
{
    int rounds = 0, before = 0;

    crashes("new-rules", MANY);
    ck_assert_int_eq(explained("a-mine"), 0);
    fleet_store_rules(t.store, rules_with("a-mine"));
    round_of(t.store);
    ck_assert_int_gt(explained("a-mine"), 0);
    ck_assert_int_lt(explained("a-mine"), MANY);
    for (; before < MANY && rounds < ROUNDS_MAX; rounds++) {
        round_of(t.store);
        ck_assert_int_gt(explained("a-mine"), before);
        before = explained("a-mine");
    }
    ck_assert_int_eq(before, MANY);
    story_free(&t);
}
END_TEST

START_TEST(the_same_rules_after_a_restart_explain_nothing_anew)
{
    crashes("same-rules", 3);
    fleet_store_rules(t.store, rules_with("a-mine"));
    round_of(t.store);
    round_of(t.store);
    ck_assert_int_eq(explained("a-mine"), 3);
    fleet_store_close(t.store);
    t.store = open_store(t.path, &t.clock.clock);
    fleet_store_rules(t.store, rules_with("a-mine"));
    round_of(t.store);
    round_of(t.store);
    ck_assert_uint_eq(computed(t.store), 0);
    fleet_store_rules(t.store, rules_with("a-another"));
    round_of(t.store);
    round_of(t.store);
    ck_assert_uint_ge(computed(t.store), 3);
    ck_assert_int_eq(explained("a-another"), 3);
    story_free(&t);
}
END_TEST

START_TEST(a_hub_that_is_killed_goes_on_where_it_was)
{
    int before;

    crashes("killed", MANY);
    fleet_store_rules(t.store, rules_with("a-mine"));
    round_of(t.store);
    before = explained("a-mine");
    ck_assert_int_gt(before, 0);
    fleet_store_close(t.store);
    t.store = open_store(t.path, &t.clock.clock);
    fleet_store_rules(t.store, rules_with("a-mine"));
    for (int i = 0; i < ROUNDS_MAX && explained("a-mine") < MANY; i++)
        round_of(t.store);
    ck_assert_int_eq(explained("a-mine"), MANY);
    ck_assert_uint_le(computed(t.store), (uint64_t)(MANY - before));
    story_free(&t);
}
END_TEST

START_TEST(a_crash_that_comes_meanwhile_is_not_held_up)
{
    struct incident_list list;

    crashes("meanwhile", MANY);
    fleet_store_rules(t.store, rules_with("a-mine"));
    round_of(t.store);
    story_crash(&t, 1, 20000, 200, "0x50", "1 2 3 4");
    story_send(&t, t.count - 1);
    round_of(t.store);
    ck_assert_int_lt(explained("a-mine"), MANY + 1);
    list = story_incidents(&t);
    ck_assert_uint_eq(list.count, MANY + 1);
    ck_assert_str_eq(list.items[MANY]->findings[0].rule, "a-mine");
    incident_list_free(&list);
    story_free(&t);
}
END_TEST

/* The last one that took up other rules goes on; the other neither undoes nor does its work. */
START_TEST(of_two_hubs_with_different_rules_the_last_one_started_explains)
{
    struct fleet_store *other;

    crashes("two-hubs", MANY);
    other = open_store(t.path, &t.clock.clock);
    fleet_store_rules(other, rules_with("a-mine"));
    round_of(other);
    for (int i = 0; i < ROUNDS_MAX && explained("a-mine") < MANY; i++) {
        round_of(t.store); /* with the rules from before */
        round_of(other);
    }
    ck_assert_int_eq(explained("a-mine"), MANY);
    round_of(t.store);
    ck_assert_int_eq(explained("a-mine"), MANY);
    fleet_store_close(other);
    story_free(&t);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_is_stored_is_explained_by_new_rules_some_at_a_time);
    suite_test(s, the_same_rules_after_a_restart_explain_nothing_anew);
    suite_test(s, a_hub_that_is_killed_goes_on_where_it_was);
    suite_test(s, a_crash_that_comes_meanwhile_is_not_held_up);
    suite_test(s, of_two_hubs_with_different_rules_the_last_one_started_explains);
}

int main(void)
{
    return suite_main("hub: incident rules", add);
}
