/* A target's turn: what it is given, what follows from its answers, and how far it has come. */
#include "base/text.h"
#include "hub/forward_internal.h"
#include "tests/hub/support_fleet.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define OS "6.3.9600.20778"
#define E1 "6.3.9600.18692"

enum { TAKEN_MAX = 4096, SCRIPT_MAX = 64 };

/* A target that answers as the script says, then takes everything; and keeps what it took. */
struct scripted {
    struct forward_sink base;
    enum forward_verdict script[SCRIPT_MAX];
    int scripted, turn;
    int64_t retry_after_ns;
    uint64_t rejected;
    size_t too_many;           /* more than so many records are too big; 0: none are */
    uint64_t poison;           /* a batch with this number is refused; 0 none */
    size_t sizes[SCRIPT_MAX];  /* of the batches it saw */
    char taken[TAKEN_MAX][24]; /* "<agent number>:<seq>" */
    size_t taken_count;
};

struct fixture {
    char path[4096];
    struct test_clock clock;
    struct fleet_store *store;
    struct resource one, two;
    struct hub_config_forward config;
    struct counters counters;
    struct scripted sink;
    struct forwarder f;
};

static enum forward_verdict verdict_on(const struct scripted *s, const struct forward_batch *b)
{
    if (s->turn < s->scripted)
        return s->script[s->turn];
    if (s->too_many > 0 && b->record_count > s->too_many)
        return FORWARD_TOO_BIG;
    for (size_t i = 0; i < b->record_count; i++) {
        if (b->records[i].seq == s->poison)
            return FORWARD_REFUSED;
    }
    return FORWARD_TAKEN;
}

static int take(void *arg, const struct resource *who, const struct observation *o, struct err *e)
{
    struct scripted *s = (struct scripted *)arg;

    (void)e;
    ck_assert_uint_lt(s->taken_count, TAKEN_MAX);
    snprintf(s->taken[s->taken_count++], sizeof s->taken[0], "%c:%llu", who->agent_id[strlen(who->agent_id) - 1],
             (unsigned long long)o->seq);
    return 0;
}

static void answer(struct forward_sink *sink, const struct forward_batch *b, struct forward_answer *out)
{
    struct scripted *s = (struct scripted *)sink;
    enum forward_verdict verdict = verdict_on(s, b);
    struct err e = { 0 };

    if (s->turn < SCRIPT_MAX)
        s->sizes[s->turn] = b->record_count;
    s->turn++;
    forward_answer_set(out, verdict, "as the script says");
    out->retry_after_ns = s->retry_after_ns;
    if (verdict != FORWARD_TAKEN)
        return;
    out->rejected = s->rejected;
    ck_assert_msg(forward_batch_each(b, take, s, &e) == 0, "%s", e.text);
}

static void keep_sink(struct forward_sink *sink)
{
    (void)sink;
}

static const struct forward_sink_ops scripted_ops = { .send = answer, .close = keep_sink };

static void set_up(struct fixture *x)
{
    struct hub_config defaults;
    struct err e = { 0 };

    memset(x, 0, sizeof *x);
    snprintf(x->path, sizeof x->path, "%s/fleet.db", temp_dir());
    test_clock_init(&x->clock);
    x->clock.now = T0;
    x->store = open_store(x->path, &x->clock.clock);
    x->one = made_agent(1, "PROD-A", OS, E1);
    x->two = made_agent(2, "PROD-B", OS, E1);
    hub_config_defaults(&defaults);
    x->config = defaults.forward;
    x->config.start = FORWARD_FROM_BEGINNING;
    x->config.batch_count = 8;
    x->sink = (struct scripted){ .base = { &scripted_ops }, .retry_after_ns = -1 };
    ck_assert_int_eq(forwarder_init(&x->f, FORWARD_SPLUNK, &x->config, &e), 0);
    x->f.sink = &x->sink.base;
    x->f.store = x->store;
    x->f.clock = &x->clock.clock;
    x->f.counters = &x->counters.forward[FORWARD_SPLUNK];
}

static void tear_down(struct fixture *x)
{
    forwarder_free(&x->f);
    fleet_store_close(x->store);
}

/* Records first..last of an agent, stored. */
static void store_records(struct fixture *x, const struct resource *who, uint64_t first, uint64_t last)
{
    struct made m;

    made_init(&m, first);
    made_lifecycle(&m, 1, (int)(last - first + 1), x->clock.now);
    made_apply(x->store, &m, who);
    made_free(&m);
}

/* Turns until the target has nothing to wait for but the idle pause, or `turns` of them. */
static int64_t run(struct fixture *x, int turns)
{
    int64_t pause = 0;

    for (int i = 0; i < turns && (pause = forwarder_turn(&x->f)) == 0; i++) {
    }
    return pause;
}

static void took(const struct fixture *x, const char *expected)
{
    char all[1024] = "";

    for (size_t i = 0; i < x->sink.taken_count && strlen(all) < sizeof all - 32; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? " " : "", x->sink.taken[i]);
    ck_assert_str_eq(all, expected);
}

static bool take_target(void *arg, const struct fleet_forward_target *t)
{
    *(struct fleet_forward_target *)arg = *t;
    return true;
}

static struct fleet_forward_target target_of(struct fixture *x)
{
    struct fleet_forward_target t = { .name = "" };
    struct err e = { 0 };

    ck_assert_msg(fleet_forward_targets(x->store, take_target, &t, &e) == 0, "%s", e.text);
    return t;
}

static int64_t findings_of(struct fixture *x, const char *kind)
{
    char sql[128];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM finding WHERE kind = '%s' AND agent_id = 'splunk'", kind);
    return ask_store(x->path, sql);
}

/* ---- what it is given -------------------------------------------------------------------- */

START_TEST(a_target_is_given_everything_once)
{
    struct fixture x;

    set_up(&x);
    store_records(&x, &x.one, 1, 5);
    store_records(&x, &x.two, 1, 2);
    ck_assert_int_gt(run(&x, 20), 0);
    took(&x, "1:1 1:2 1:3 1:4 1:5 2:1 2:2");
    run(&x, 20);
    store_records(&x, &x.one, 6, 6);
    run(&x, 20);
    took(&x, "1:1 1:2 1:3 1:4 1:5 2:1 2:2 1:6");
    ck_assert_uint_eq(target_of(&x).counts.sent, 8);
    ck_assert_uint_eq(target_of(&x).lag, 0);
    tear_down(&x);
}
END_TEST

START_TEST(a_record_that_fills_a_hole_late_is_given_too)
{
    struct fixture x;

    set_up(&x);
    store_records(&x, &x.one, 1, 2);
    store_records(&x, &x.one, 5, 6);
    run(&x, 20);
    took(&x, "1:1 1:2 1:5 1:6");
    store_records(&x, &x.one, 3, 4);
    run(&x, 20);
    took(&x, "1:1 1:2 1:5 1:6 1:3 1:4");
    tear_down(&x);
}
END_TEST

START_TEST(a_new_target_may_begin_with_what_comes_from_now_on)
{
    struct fixture x;

    set_up(&x);
    x.config.start = FORWARD_FROM_NOW;
    store_records(&x, &x.one, 1, 5);
    run(&x, 20);
    took(&x, "");
    store_records(&x, &x.one, 6, 7);
    store_records(&x, &x.two, 1, 1);
    run(&x, 20);
    took(&x, "1:6 1:7 2:1");
    tear_down(&x);
}
END_TEST

START_TEST(a_busy_stream_does_not_hold_up_the_others)
{
    struct fixture x;

    set_up(&x);
    store_records(&x, &x.one, 1, 20);
    store_records(&x, &x.two, 1, 2);
    run(&x, 3);
    ck_assert_uint_ge(x.sink.taken_count, 16);
    ck_assert_str_eq(x.sink.taken[8], "2:1");
    run(&x, 20);
    ck_assert_uint_eq(x.sink.taken_count, 22);
    tear_down(&x);
}
END_TEST

START_TEST(a_batch_keeps_within_its_bytes_but_a_large_record_goes_alone)
{
    struct fixture x;

    set_up(&x);
    x.f.batch.bytes_max = 1;
    store_records(&x, &x.one, 1, 3);
    run(&x, 20);
    took(&x, "1:1 1:2 1:3");
    ck_assert_int_eq(x.sink.turn, 3);
    tear_down(&x);
}
END_TEST

START_TEST(a_target_goes_on_where_it_was_after_a_restart)
{
    struct fixture x;
    struct err e = { 0 };

    set_up(&x);
    store_records(&x, &x.one, 1, 4);
    run(&x, 20);
    ck_assert_int_eq(fleet_forward_release(x.store, "splunk", x.f.owner, &e), 0);
    forwarder_free(&x.f);
    ck_assert_int_eq(forwarder_init(&x.f, FORWARD_SPLUNK, &x.config, &e), 0);
    x.f.sink = &x.sink.base;
    x.f.store = x.store;
    x.f.clock = &x.clock.clock;
    x.f.counters = &x.counters.forward[FORWARD_SPLUNK];
    store_records(&x, &x.one, 5, 5);
    x.clock.now += NS_PER_S;
    run(&x, 20);
    took(&x, "1:1 1:2 1:3 1:4 1:5");
    tear_down(&x);
}
END_TEST

/* ---- what it answers --------------------------------------------------------------------------- */

START_TEST(what_was_not_taken_is_sent_again_after_a_wait)
{
    struct fixture x;
    int64_t pause;

    set_up(&x);
    x.sink.script[0] = x.sink.script[1] = FORWARD_LATER;
    x.sink.scripted = 2;
    store_records(&x, &x.one, 1, 2);
    pause = run(&x, 1);
    ck_assert_int_gt(pause, 0);
    ck_assert_int_le(pause, x.config.retry_min_ns);
    ck_assert_uint_eq(target_of(&x).lag, 2);
    ck_assert(!x.counters.forward[FORWARD_SPLUNK].up);
    pause = run(&x, 1);
    ck_assert_int_le(pause, 2 * x.config.retry_min_ns);
    run(&x, 20);
    took(&x, "1:1 1:2");
    ck_assert(x.counters.forward[FORWARD_SPLUNK].up);
    tear_down(&x);
}
END_TEST

START_TEST(waits_do_not_grow_beyond_their_bound)
{
    struct fixture x;

    set_up(&x);
    for (x.sink.scripted = 0; x.sink.scripted < SCRIPT_MAX; x.sink.scripted++)
        x.sink.script[x.sink.scripted] = FORWARD_LATER;
    store_records(&x, &x.one, 1, 1);
    for (int i = 0; i < SCRIPT_MAX; i++) {
        int64_t pause = forwarder_turn(&x.f);

        ck_assert_int_gt(pause, 0);
        ck_assert_int_le(pause, x.config.retry_max_ns);
    }
    tear_down(&x);
}
END_TEST

START_TEST(a_target_says_how_long_to_wait)
{
    struct fixture x;

    set_up(&x);
    x.sink.script[0] = FORWARD_LATER;
    x.sink.scripted = 1;
    x.sink.retry_after_ns = 42 * NS_PER_S;
    store_records(&x, &x.one, 1, 1);
    ck_assert_int_eq(run(&x, 1), 42 * NS_PER_S + 1);
    tear_down(&x);
}
END_TEST

START_TEST(too_big_a_batch_is_halved_until_it_fits)
{
    struct fixture x;

    set_up(&x);
    x.sink.too_many = 3;
    store_records(&x, &x.one, 1, 8);
    run(&x, 40);
    took(&x, "1:1 1:2 1:3 1:4 1:5 1:6 1:7 1:8");
    ck_assert_uint_eq(x.sink.sizes[0], 8);
    ck_assert_uint_eq(x.sink.sizes[1], 4);
    ck_assert_uint_eq(x.sink.sizes[2], 2);
    ck_assert_uint_eq(target_of(&x).counts.refused, 0);
    tear_down(&x);
}
END_TEST

START_TEST(one_record_that_is_refused_is_set_aside_and_told)
{
    struct fixture x;

    set_up(&x);
    x.sink.poison = 5;
    store_records(&x, &x.one, 1, 8);
    run(&x, 60);
    took(&x, "1:1 1:2 1:3 1:4 1:6 1:7 1:8");
    ck_assert_uint_eq(target_of(&x).counts.sent, 7);
    ck_assert_uint_eq(target_of(&x).counts.refused, 1);
    ck_assert_int_eq(findings_of(&x, "forward-refused"), 1);
    ck_assert_int_eq(ask_store(x.path, "SELECT seq FROM forward_refused WHERE reason = 'as the script says'"), 5);
    tear_down(&x);
}
END_TEST

START_TEST(a_target_that_refuses_everything_is_not_believed)
{
    struct fixture x;
    int64_t pause;

    set_up(&x);
    for (x.sink.scripted = 0; x.sink.scripted < SCRIPT_MAX; x.sink.scripted++)
        x.sink.script[x.sink.scripted] = FORWARD_REFUSED;
    store_records(&x, &x.one, 1, 40);
    pause = run(&x, 60);
    ck_assert_int_eq(pause, x.config.denied_retry_ns);
    ck_assert_uint_eq(target_of(&x).counts.refused, FORWARD_REFUSED_RUN);
    x.sink.turn = SCRIPT_MAX; /* somebody has mended it */
    run(&x, 60);
    ck_assert_uint_eq(x.sink.taken_count, 40 - FORWARD_REFUSED_RUN);
    tear_down(&x);
}
END_TEST

START_TEST(a_target_that_denies_us_is_left_alone_for_long_and_nothing_is_given_up)
{
    struct fixture x;

    set_up(&x);
    x.sink.script[0] = FORWARD_DENIED;
    x.sink.scripted = 1;
    store_records(&x, &x.one, 1, 3);
    ck_assert_int_eq(run(&x, 5), x.config.denied_retry_ns);
    ck_assert_uint_eq(target_of(&x).counts.refused, 0);
    run(&x, 20);
    took(&x, "1:1 1:2 1:3");
    ck_assert_uint_eq(x.counters.forward[FORWARD_SPLUNK].answers[FORWARD_DENIED], 1);
    tear_down(&x);
}
END_TEST

START_TEST(records_that_a_target_rejects_of_a_batch_are_counted)
{
    struct fixture x;

    set_up(&x);
    x.sink.rejected = 2;
    store_records(&x, &x.one, 1, 5);
    run(&x, 20);
    ck_assert_uint_eq(target_of(&x).counts.sent, 3);
    ck_assert_uint_eq(target_of(&x).counts.refused, 2);
    ck_assert_int_eq(findings_of(&x, "forward-refused"), 1);
    tear_down(&x);
}
END_TEST

/* ---- what it misses --------------------------------------------------------------------------- */

static void age_out(struct fixture *x)
{
    struct err e = { 0 };
    bool more = true;

    x->clock.now += INT64_C(91) * 1440 * MINUTES;
    while (more)
        ck_assert_msg(fleet_store_upkeep(x->store, &more, &e) == 0, "%s", e.text);
}

START_TEST(what_aged_out_before_it_was_taken_is_counted_and_told)
{
    struct fixture x;

    set_up(&x);
    store_records(&x, &x.one, 1, 3);
    run(&x, 20);
    store_records(&x, &x.one, 4, 8);
    age_out(&x);
    store_records(&x, &x.one, 9, 10);
    run(&x, 20);
    took(&x, "1:1 1:2 1:3 1:9 1:10");
    ck_assert_uint_eq(target_of(&x).counts.lost, 5);
    ck_assert_uint_eq(target_of(&x).counts.sent, 5);
    ck_assert_int_eq(findings_of(&x, "forward-lost"), 1);
    tear_down(&x);
}
END_TEST

START_TEST(a_stream_of_which_nothing_is_left_is_told_as_well)
{
    struct fixture x;

    set_up(&x);
    store_records(&x, &x.one, 1, 6);
    age_out(&x);
    run(&x, 20);
    took(&x, "");
    ck_assert_uint_eq(target_of(&x).counts.lost, 6);
    ck_assert_uint_eq(target_of(&x).lag, 0);
    tear_down(&x);
}
END_TEST

START_TEST(the_lag_is_told_in_records_and_since_when)
{
    struct fixture x;
    struct fleet_forward_target t;
    int64_t second;

    set_up(&x);
    store_records(&x, &x.one, 1, 3);
    run(&x, 20);
    x.clock.now += 10 * NS_PER_S;
    second = x.clock.now;
    store_records(&x, &x.one, 4, 5);
    x.clock.now += 10 * NS_PER_S;
    store_records(&x, &x.two, 1, 1);
    t = target_of(&x);
    ck_assert_uint_eq(t.lag, 3);
    ck_assert_int_eq(t.oldest, second);
    ck_assert_int_eq(t.last_sent, T0);
    tear_down(&x);
}
END_TEST

/* ---- one at a time ------------------------------------------------------------------------------ */

START_TEST(one_hub_at_a_time_holds_a_target)
{
    struct fixture x;
    struct err e = { 0 };
    bool held;

    set_up(&x);
    ck_assert_int_eq(fleet_forward_open(x.store, "splunk", false, &e), 0);
    ck_assert_int_eq(fleet_forward_lease(x.store, "splunk", "other", 1000 * NS_PER_S, &held, &e), 0);
    ck_assert(held);
    store_records(&x, &x.one, 1, 2);
    ck_assert_int_gt(run(&x, 5), 0);
    took(&x, "");
    ck_assert(!x.counters.forward[FORWARD_SPLUNK].active);
    ck_assert_int_eq(fleet_forward_release(x.store, "splunk", "other", &e), 0);
    run(&x, 5);
    took(&x, "1:1 1:2");
    ck_assert(x.counters.forward[FORWARD_SPLUNK].active);
    tear_down(&x);
}
END_TEST

START_TEST(a_lease_that_ran_out_is_anybodys)
{
    struct fixture x;
    struct err e = { 0 };
    bool held;

    set_up(&x);
    ck_assert_int_eq(fleet_forward_open(x.store, "splunk", false, &e), 0);
    ck_assert_int_eq(fleet_forward_lease(x.store, "splunk", "one", 1, &held, &e), 0);
    ck_assert(held);
    x.clock.now += NS_PER_S;
    ck_assert_int_eq(fleet_forward_lease(x.store, "splunk", "other", 1000 * NS_PER_S, &held, &e), 0);
    ck_assert(held);
    ck_assert_int_eq(fleet_forward_lease(x.store, "splunk", "one", 1, &held, &e), 0);
    ck_assert(!held);
    tear_down(&x);
}
END_TEST

START_TEST(a_hub_that_lost_its_lease_moves_no_marks)
{
    struct fixture x;
    struct fleet_forward_mark mark = { 1, 2 };
    struct fleet_forward_result late = {
        .target = "splunk", .owner = "sleeper", .marks = &mark, .mark_count = 1, .add = { .sent = 2 }
    };
    struct err e = { 0 };

    set_up(&x);
    store_records(&x, &x.one, 1, 2);
    ck_assert_int_eq(fleet_forward_open(x.store, "splunk", false, &e), 0);
    ck_assert_int_eq(fleet_forward_commit(x.store, &late, &e), ERR_STATE);
    ck_assert_uint_eq(target_of(&x).lag, 2);
    ck_assert_uint_eq(target_of(&x).counts.sent, 0);
    tear_down(&x);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_target_is_given_everything_once);
    suite_test(s, a_record_that_fills_a_hole_late_is_given_too);
    suite_test(s, a_new_target_may_begin_with_what_comes_from_now_on);
    suite_test(s, a_busy_stream_does_not_hold_up_the_others);
    suite_test(s, a_batch_keeps_within_its_bytes_but_a_large_record_goes_alone);
    suite_test(s, a_target_goes_on_where_it_was_after_a_restart);
    suite_test(s, what_was_not_taken_is_sent_again_after_a_wait);
    suite_test(s, waits_do_not_grow_beyond_their_bound);
    suite_test(s, a_target_says_how_long_to_wait);
    suite_test(s, too_big_a_batch_is_halved_until_it_fits);
    suite_test(s, one_record_that_is_refused_is_set_aside_and_told);
    suite_test(s, a_target_that_refuses_everything_is_not_believed);
    suite_test(s, a_target_that_denies_us_is_left_alone_for_long_and_nothing_is_given_up);
    suite_test(s, records_that_a_target_rejects_of_a_batch_are_counted);
    suite_test(s, what_aged_out_before_it_was_taken_is_counted_and_told);
    suite_test(s, a_stream_of_which_nothing_is_left_is_told_as_well);
    suite_test(s, the_lag_is_told_in_records_and_since_when);
    suite_test(s, one_hub_at_a_time_holds_a_target);
    suite_test(s, a_lease_that_ran_out_is_anybodys);
    suite_test(s, a_hub_that_lost_its_lease_moves_no_marks);
}

int main(void)
{
    return suite_main("hub: forwarding", add);
}
