/* How long a verdict may be kept (drift.h). */
#include "base/text.h"
#include "tests/model/support_world.h"

#include <stddef.h>
#include <string.h>

#define E6        "6.3.9600.18692"
#define WIN2012R2 "6.3.9600"

static struct world w;

/* The verdict with the host's newest poll at that time; true when it is another than `before`. */
static bool differs_at(int64_t poll, struct drift_verdict *before)
{
    struct drift_verdict now;
    bool differs;

    w.h.last_poll = poll;
    world_judge(&w);
    now = w.v;
    differs = now.kept.state != before->kept.state || now.kept.row != before->kept.row ||
              now.kept.stale != before->kept.stale || strcmp(now.reason, before->reason) != 0 ||
              now.evidence_count != before->evidence_count;
    *before = now;
    return differs;
}

START_TEST(a_verdict_holds_until_the_poll_that_it_names)
{
    static const char *const changes[] = { NULL, "started", "reset", "restored" };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct drift_verdict v;
        int64_t until, turns = 0;

        world_start(&w);
        world_windows(&w, AT(10), WIN2012R2, E6);
        if (changes[i] != NULL)
            world_change(&w, AT(100), changes[i]);
        (void)differs_at(AT(10), &(struct drift_verdict){ .reason = "" });
        v = w.v;
        while ((until = drift_holds_until(&w.h, &w.g)) != INT64_MAX) {
            ck_assert_int_gt(until, w.h.last_poll);
            ck_assert_msg(!differs_at(until - 1, &v), "%s", v.reason);
            turns += differs_at(until, &v);
        }
        ck_assert(!differs_at(AT(1000) + INT64_C(30) * 86400 * 1000000000, &v));
        ck_assert_int_ge(turns, changes[i] == NULL ? 1 : 2);
        world_free(&w);
    }
}
END_TEST

#define TEXT(field)                                                                         \
    {                                                                                       \
#field, offsetof(struct host, facts.field), sizeof(((struct host *)0)->facts.field) \
    }

START_TEST(a_host_is_another_when_a_word_that_decides_verdicts_changed)
{
    static const struct {
        const char *name;
        size_t offset, size;
    } texts[] = { TEXT(host_id), TEXT(host_name), TEXT(os_version), TEXT(cluster), TEXT(is_win6x), TEXT(is_win5x) };
    struct host later;

    world_start(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        later = w.h;
        text_copy((char *)&later + texts[i].offset, texts[i].size, "another");
        ck_assert_msg(!drift_same_host(&w.h, &later), "%s", texts[i].name);
    }
    world_free(&w);
}
END_TEST

START_TEST(a_host_is_the_same_when_only_what_decides_nothing_changed)
{
    struct host later;

    world_start(&w);
    later = w.h;
    later.last_poll += 1000;
    later.last_seen += 1000;
    later.facts_time += 1000;
    text_copy(later.facts.agent_version, sizeof later.facts.agent_version, "9.9.9");
    ck_assert(drift_same_host(&w.h, &later));
    later.facts.boot_time++;
    ck_assert(!drift_same_host(&w.h, &later));
    later = w.h;
    later.is_since++;
    ck_assert(!drift_same_host(&w.h, &later));
    later = w.h;
    later.last_poll--; /* a clock that went back, or another's knowledge */
    ck_assert(!drift_same_host(&w.h, &later));
    world_free(&w);
}
END_TEST

START_TEST(a_guest_that_no_poll_has_had_is_judged_alike_for_ever)
{
    world_start(&w);
    world_change(&w, AT(100), "started");
    ck_assert_int_eq(drift_holds_until(&w.h, &w.g), INT64_MAX);
    ck_assert_int_eq(drift_holds_until(NULL, &w.g), INT64_MAX);
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_verdict_holds_until_the_poll_that_it_names);
    suite_test(s, a_host_is_another_when_a_word_that_decides_verdicts_changed);
    suite_test(s, a_host_is_the_same_when_only_what_decides_nothing_changed);
    suite_test(s, a_guest_that_no_poll_has_had_is_judged_alike_for_ever);
}

int main(void)
{
    return suite_main("model: how long a verdict holds", add);
}
