/* What goes out and when, over a real store, with a clock of our own and a target that does as it is told. */
#include "base/log.h"
#include "base/text.h"
#include "hub/deliver.h"
#include "tests/hub/support_fleet.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define OS_2012R2 "6.3.9600.20778"
#define E1        "6.3.9600.18692"
#define OLD       "6.3.9600.16384"
#define SECONDS   NS_PER_S
#define HOURS     (60 * MINUTES)

/* ---- a target ---------------------------------------------------------------------------- */

enum { SENT_MAX = 64 };

static struct target {
    enum deliver_outcome outcome;
    int64_t retry_after_ns;
    int tries;
    int count; /* taken */
    struct {
        char id[DELIVERY_ID_MAX], name[DELIVERY_NAME_MAX], title[CONTENT_TITLE_MAX];
        enum fleet_job kind;
        size_t total, guests;
    } sent[SENT_MAX];
    char text[64 * 1024];           /* of the newest */
    char tried_id[DELIVERY_ID_MAX]; /* of the newest try */
} target;

static void send_there(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    (void)o;
    target.tries++;
    text_copy(target.tried_id, sizeof target.tried_id, c->id);
    *out = (struct deliver_result){ .outcome = target.outcome, .retry_after_ns = target.retry_after_ns };
    if (target.outcome != DELIVER_SENT) {
        text_copy(out->text, sizeof out->text, "the target says no");
        return;
    }
    ck_assert_int_lt(target.count, SENT_MAX);
    text_copy(target.sent[target.count].id, DELIVERY_ID_MAX, c->id);
    text_copy(target.sent[target.count].name, DELIVERY_NAME_MAX, c->delivery->name);
    text_copy(target.sent[target.count].title, CONTENT_TITLE_MAX, c->title);
    target.sent[target.count].kind = c->kind;
    target.sent[target.count].total = c->item_total;
    target.sent[target.count].guests = c->summary.guests;
    text_copy(target.text, sizeof target.text, buf_text(&c->text));
    target.count++;
}

/* ---- a hub's part of it --------------------------------------------------------------------- */

static struct test_clock clock_;
static char path[4096];
static struct hub_config config;
static struct counters counters;
static struct resource one, two;
static struct fleet_store *ingest;

struct hub_part {
    struct fleet_store *store;
    struct deliver *deliver;
};

static struct hub_part start(void)
{
    struct hub_part p = { .store = open_store(path, &clock_.clock) };
    struct deliver_setup setup = {
        .store = p.store,
        .config = &config,
        .counters = &counters,
        .clock = &clock_.clock,
        .random = plat_random(),
        .send = send_there,
    };
    struct err e = { 0 };

    ck_assert_msg(deliver_new(&p.deliver, &setup, &e) == 0, "%s", e.text);
    return p;
}

/* As after kill -9: nothing is given back. */
static void die(struct hub_part *p)
{
    deliver_free(p->deliver);
    fleet_store_close(p->store);
}

static void stop(struct hub_part *p)
{
    deliver_rest(p->deliver);
    die(p);
}

static void set_up(const char *deliveries)
{
    char yaml[4096];
    struct buf problems;

    snprintf(path, sizeof path, "%s/fleet.db", temp_dir());
    test_clock_init(&clock_);
    clock_.now = T0;
    memset(&target, 0, sizeof target);
    memset(&counters, 0, sizeof counters);
    buf_init(&problems, 4096);
    snprintf(yaml, sizeof yaml, "delivery: {takeover_after: 45s, list: [%s]}\n", deliveries);
    ck_assert_msg(hub_config_parse("hub.yaml", yaml, strlen(yaml), &config, &problems) == 0, "%s", buf_text(&problems));
    buf_free(&problems);
    ingest = open_store(path, &clock_.clock);
    one = made_agent(1, "PROD-A", OS_2012R2, E1);
    two = made_agent(2, "PROD-B", OS_2012R2, E1);
    log_set_level(LOG_ERROR);
}

static void tear_down(void)
{
    fleet_store_close(ingest);
}

static void tick_after(struct hub_part *p, int64_t ns)
{
    clock_.now += ns;
    deliver_tick(p->deliver);
}

/* Ticks every ten seconds for so long. */
static void run_for(struct hub_part *p, int64_t ns)
{
    for (int64_t end = clock_.now + ns; clock_.now < end;)
        tick_after(p, 10 * SECONDS);
}

/* A host's inventory and guests first..first+count-1 with these integration services. */
static void report_guests(const struct resource *who, int first, int count, const char *is)
{
    static uint64_t seq[3] = { 0, 0, 0 };
    struct made m;
    int i = who == &two;

    made_init(&m, ++seq[i] * 10000);
    made_host_inventory(&m, who, clock_.now);
    for (int vm = first; vm < first + count; vm++)
        made_inventory(&m, vm, clock_.now, "6.3.9600", is);
    made_apply(ingest, &m, who);
    made_free(&m);
}

#define SLACK "webhook: {url: 'https://hooks.example.com/x', shape: slack}"

/* ---- schedules --------------------------------------------------------------------------------- */

/* T0 is 08:00. */
START_TEST(a_report_goes_out_when_it_is_due_and_once)
{
    struct hub_part p;

    set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = start();
    report_guests(&one, 1, 3, OLD);
    run_for(&p, 29 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 2 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 3 of 3 guests need a look");
    ck_assert_int_eq(target.sent[0].kind, JOB_SCHEDULED);
    run_for(&p, 3 * HOURS);
    ck_assert_int_eq(target.count, 1);
    tick_after(&p, 21 * HOURS);
    ck_assert_int_eq(target.count, 2);
    ck_assert_str_ne(target.sent[0].id, target.sent[1].id);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(many_missed_times_are_made_up_for_once)
{
    struct hub_part p;

    set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = start();
    tick_after(&p, 0);
    stop(&p);
    clock_.now += 10 * 24 * HOURS;
    p = start();
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 2); /* today's own, at 08:30 */
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(a_new_schedule_counts_from_now_on)
{
    struct hub_part p;

    set_up("{name: daily, schedule: daily 09:00, " SLACK "}");
    p = start();
    tick_after(&p, 0);
    stop(&p);
    clock_.now += 10 * MINUTES; /* 08:10: a daily 08:05 was due between */
    text_copy(config.delivery.list[0].schedule, DELIVERY_NAME_MAX, "daily 08:05");
    p = start();
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 23 * HOURS);
    ck_assert_int_eq(target.count, 1);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(an_unchanged_report_is_left_out_where_that_is_asked)
{
    struct hub_part p;

    set_up("{name: daily, schedule: daily 08:30, quiet_when_unchanged: true, " SLACK "}");
    config.host_silent_ns = 365 * 24 * HOURS;
    p = start();
    report_guests(&one, 1, 3, OLD);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 1);
    tick_after(&p, 24 * HOURS);
    ck_assert_int_eq(target.count, 1);
    report_guests(&one, 4, 1, OLD);
    tick_after(&p, 24 * HOURS);
    ck_assert_int_eq(target.count, 2);
    stop(&p);
    tear_down();
}
END_TEST

/* ---- what is found ------------------------------------------------------------------------------- */

#define ON_DRIFT "{name: drift, on: [new-drift], batch: 1m, " SLACK "}"

START_TEST(a_thousand_new_drifts_are_one_message)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    for (int i = 0; i < 10; i++) {
        report_guests(&one, 1 + 100 * i, 100, OLD);
        tick_after(&p, 2 * SECONDS);
    }
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1000 guests drifted");
    ck_assert_uint_eq(target.sent[0].total, 1000);
    ck_assert_ptr_nonnull(strstr(target.text, "  and 975 more\n"));
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(what_was_there_before_is_not_new)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    report_guests(&one, 1, 5, OLD);
    clock_.now += 10 * MINUTES;
    p = start();
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    report_guests(&one, 6, 1, OLD);
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(solved_and_new_again_is_new_again)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    report_guests(&one, 1, 1, E1);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    report_guests(&one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(what_is_solved_before_it_is_told_is_not_told)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 2, OLD);
    tick_after(&p, 10 * SECONDS);
    report_guests(&one, 1, 2, E1);
    run_for(&p, 10 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(another_cluster_is_not_told_of)
{
    struct hub_part p;

    set_up("{name: a, cluster: prod-a, on: [new-drift], batch: 1m, " SLACK "}");
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 1, OLD);
    report_guests(&two, 11, 4, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 1);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(a_silent_host_is_told_once_each_time_it_goes_silent)
{
    struct hub_part p;

    set_up("{name: hosts, on: [silent-host, gap], batch: 1m, " SLACK "}");
    p = start();
    report_guests(&one, 1, 1, E1);
    run_for(&p, 30 * MINUTES);
    ck_assert_int_eq(target.count, 0);
    run_for(&p, 3 * HOURS); /* silent after one hour */
    ck_assert_int_eq(target.count, 1);
    ck_assert_str_eq(target.sent[0].title, "[hvfleet] 1 host silent");
    ck_assert_ptr_nonnull(strstr(target.text, "HV01 (PROD-A): no word for"));
    report_guests(&one, 1, 1, E1);
    run_for(&p, 30 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    run_for(&p, 2 * HOURS);
    ck_assert_int_eq(target.count, 2);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(a_change_that_is_committed_late_is_still_told)
{
    struct hub_part p;
    int64_t now;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    clock_.now += MINUTES;
    report_guests(&one, 1, 1, OLD);
    run_for(&p, 20 * SECONDS);
    now = clock_.now; /* received 40 seconds ago, and only there now */
    clock_.now -= 40 * SECONDS;
    report_guests(&two, 11, 1, OLD);
    clock_.now = now;
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 2);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(a_clock_that_is_set_back_hides_nothing)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    clock_.now -= 3 * HOURS;
    run_for(&p, MINUTES);
    report_guests(&two, 11, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    run_for(&p, 4 * HOURS);
    ck_assert_int_eq(target.count, 2);
    stop(&p);
    tear_down();
}
END_TEST

/* ---- failures ----------------------------------------------------------------------------------------- */

START_TEST(a_failed_try_is_made_again_later_with_the_same_id)
{
    struct hub_part p;
    char id[DELIVERY_ID_MAX];

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 1, OLD);
    target.outcome = DELIVER_RETRY;
    run_for(&p, 90 * SECONDS);
    ck_assert_int_eq(target.tries, 1);
    text_copy(id, sizeof id, target.tried_id);
    report_guests(&one, 2, 1, OLD); /* comes later, and does not change what is to be told now */
    run_for(&p, 2 * HOURS);
    ck_assert_int_gt(target.tries, 5);
    ck_assert_int_lt(target.tries, 20);
    target.outcome = DELIVER_SENT;
    run_for(&p, 31 * MINUTES);
    ck_assert_int_ge(target.count, 1);
    ck_assert_str_eq(target.sent[0].id, id);
    ck_assert_uint_eq(target.sent[0].total, 1);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    ck_assert_uint_eq(counters.deliveries_sent, 2);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(the_target_may_say_when_to_come_again)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 1, OLD);
    target.outcome = DELIVER_RETRY;
    target.retry_after_ns = 2 * HOURS;
    run_for(&p, 110 * MINUTES);
    ck_assert_int_eq(target.tries, 1);
    run_for(&p, 15 * MINUTES);
    ck_assert_int_eq(target.tries, 2);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(a_refused_message_is_given_up_and_its_contents_go_with_the_next)
{
    struct hub_part p;

    set_up(ON_DRIFT);
    p = start();
    tick_after(&p, 0);
    report_guests(&one, 1, 2, OLD);
    target.outcome = DELIVER_REFUSED;
    run_for(&p, 5 * HOURS);
    ck_assert_int_eq(target.tries, 1);
    ck_assert_uint_eq(counters.deliveries_given_up, 1);
    target.outcome = DELIVER_SENT;
    report_guests(&one, 3, 1, OLD);
    run_for(&p, 5 * MINUTES);
    ck_assert_int_eq(target.count, 1);
    ck_assert_uint_eq(target.sent[0].total, 3);
    stop(&p);
    tear_down();
}
END_TEST

START_TEST(after_a_day_in_vain_a_report_is_given_up_and_the_next_is_tried)
{
    struct hub_part p;

    set_up("{name: daily, schedule: daily 08:30, " SLACK "}");
    p = start();
    tick_after(&p, 0);
    target.outcome = DELIVER_RETRY;
    run_for(&p, 26 * HOURS);
    ck_assert_uint_eq(counters.deliveries_given_up, 1);
    target.outcome = DELIVER_SENT;
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 1);
    stop(&p);
    tear_down();
}
END_TEST

/* ---- several hubs, and ends ------------------------------------------------------------------------------ */

START_TEST(of_two_hubs_one_delivers)
{
    struct hub_part a, b;

    set_up(ON_DRIFT);
    a = start();
    b = start();
    for (int i = 0; i < 60; i++) {
        if (i % 10 == 0)
            report_guests(&one, 1 + i, 1, OLD);
        tick_after(&a, 5 * SECONDS);
        tick_after(&b, 5 * SECONDS);
    }
    run_for(&a, 2 * MINUTES);
    ck_assert_int_ge(target.count, 2);
    for (size_t i = 0, total = 0; i <= (size_t)target.count; i++) {
        if (i == (size_t)target.count)
            ck_assert_uint_eq(total, 6); /* each guest once */
        else
            total += target.sent[i].total;
    }
    stop(&a);
    stop(&b);
    tear_down();
}
END_TEST

START_TEST(a_hub_that_is_killed_is_replaced_after_a_while_and_nothing_is_told_twice)
{
    struct hub_part a, b;

    set_up(ON_DRIFT);
    a = start();
    b = start();
    tick_after(&a, 0);
    report_guests(&one, 1, 1, OLD);
    for (int i = 0; i < 10; i++) {
        tick_after(&a, 10 * SECONDS);
        tick_after(&b, 0);
    }
    ck_assert_int_eq(target.count, 1);
    die(&a);
    report_guests(&one, 2, 1, OLD);
    run_for(&b, 40 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    run_for(&b, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    stop(&b);
    tear_down();
}
END_TEST

START_TEST(a_hub_that_ends_in_order_is_replaced_at_once)
{
    struct hub_part a, b;

    set_up(ON_DRIFT);
    a = start();
    b = start();
    tick_after(&a, 0);
    tick_after(&b, 0);
    stop(&a);
    report_guests(&one, 1, 1, OLD);
    run_for(&b, 90 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    stop(&b);
    tear_down();
}
END_TEST

/* Killed between the target's yes and our writing it down: the one thing that goes out twice, with the same id. */
static struct hub_part dying;

static void send_and_lose_the_lease(const struct content *c, const struct deliver_options *o,
                                    struct deliver_result *out)
{
    struct fleet_store *other = open_store(path, &clock_.clock);
    struct fleet_lease now, taken;
    bool mine;

    send_there(c, o, out);
    ck_assert_int_eq(fleet_lease_read(other, &now, NULL), 0);
    ck_assert_int_eq(fleet_lease_hold(other, "another hub", &now, &mine, &taken, NULL), 0);
    ck_assert(mine);
    ck_assert_int_eq(fleet_lease_release(other, "another hub", NULL), 0);
    fleet_store_close(other);
}

START_TEST(what_was_sent_but_not_written_down_goes_again_with_the_same_id)
{
    struct deliver_setup setup;
    struct hub_part b;

    set_up(ON_DRIFT);
    dying.store = open_store(path, &clock_.clock);
    setup = (struct deliver_setup){ dying.store,   &config,       &counters,
                                    &clock_.clock, plat_random(), send_and_lose_the_lease };
    ck_assert_int_eq(deliver_new(&dying.deliver, &setup, NULL), 0);
    tick_after(&dying, 0);
    report_guests(&one, 1, 1, OLD);
    run_for(&dying, 70 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    die(&dying);
    b = start();
    run_for(&b, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_str_eq(target.sent[0].id, target.sent[1].id);
    run_for(&b, HOURS);
    ck_assert_int_eq(target.count, 2);
    stop(&b);
    tear_down();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_report_goes_out_when_it_is_due_and_once);
    suite_test(s, many_missed_times_are_made_up_for_once);
    suite_test(s, a_new_schedule_counts_from_now_on);
    suite_test(s, an_unchanged_report_is_left_out_where_that_is_asked);
    suite_test(s, a_thousand_new_drifts_are_one_message);
    suite_test(s, what_was_there_before_is_not_new);
    suite_test(s, solved_and_new_again_is_new_again);
    suite_test(s, what_is_solved_before_it_is_told_is_not_told);
    suite_test(s, another_cluster_is_not_told_of);
    suite_test(s, a_silent_host_is_told_once_each_time_it_goes_silent);
    suite_test(s, a_change_that_is_committed_late_is_still_told);
    suite_test(s, a_clock_that_is_set_back_hides_nothing);
    suite_test(s, a_failed_try_is_made_again_later_with_the_same_id);
    suite_test(s, the_target_may_say_when_to_come_again);
    suite_test(s, a_refused_message_is_given_up_and_its_contents_go_with_the_next);
    suite_test(s, after_a_day_in_vain_a_report_is_given_up_and_the_next_is_tried);
    suite_test(s, of_two_hubs_one_delivers);
    suite_test(s, a_hub_that_is_killed_is_replaced_after_a_while_and_nothing_is_told_twice);
    suite_test(s, a_hub_that_ends_in_order_is_replaced_at_once);
    suite_test(s, what_was_sent_but_not_written_down_goes_again_with_the_same_id);
}

int main(void)
{
    return suite_main("hub: deliver", add);
}
