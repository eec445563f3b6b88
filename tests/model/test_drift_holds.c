/* How long a verdict may be kept (drift.h). */
#include "base/text.h"
#include "tests/model/support_world.h"

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

START_TEST(a_host_is_the_same_while_it_says_what_decides_verdicts)
{
    struct host later;

    world_start(&w);
    later = w.h;
    later.last_poll += 1000;
    later.last_seen += 1000;
    later.facts_time += 1000;
    text_copy(later.facts.agent_version, sizeof later.facts.agent_version, "9.9.9");
    ck_assert(drift_same_host(&w.h, &later));
    text_copy(later.facts.is_win6x, sizeof later.facts.is_win6x, "6.3.9600.99999");
    ck_assert(!drift_same_host(&w.h, &later));
    later = w.h;
    later.facts.boot_time++;
    ck_assert(!drift_same_host(&w.h, &later));
    later = w.h;
    later.last_poll--;
    ck_assert(!drift_same_host(&w.h, &later));
    world_free(&w);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_verdict_holds_until_the_poll_that_it_names);
    suite_test(s, a_host_is_the_same_while_it_says_what_decides_verdicts);
}

int main(void)
{
    return suite_main("model: how long a verdict holds", add);
}
