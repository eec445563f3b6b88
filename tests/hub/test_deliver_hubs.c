/* Deliveries by several hubs on one store, and by hubs that end in the middle. */
#include "tests/hub/support_deliver.h"
#include "tests/hub/support_postgres.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <string.h>

#define OLD DELIVER_OLD

START_TEST(of_two_hubs_one_delivers)
{
    struct hub_part a, b;

    deliver_set_up(ON_DRIFT);
    a = part_start(target_send);
    b = part_start(target_send);
    for (int i = 0; i < 60; i++) {
        if (i % 10 == 0)
            report_guests(&host_one, 1 + i, 1, OLD);
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
    part_end(&a);
    part_end(&b);
    deliver_tear_down();
}
END_TEST

START_TEST(a_hub_that_is_killed_is_replaced_after_a_while_and_nothing_is_told_twice)
{
    struct hub_part a, b;

    deliver_set_up(ON_DRIFT);
    a = part_start(target_send);
    b = part_start(target_send);
    tick_after(&a, 0);
    report_guests(&host_one, 1, 1, OLD);
    for (int i = 0; i < 10; i++) {
        tick_after(&a, 10 * SECONDS);
        tick_after(&b, 0);
    }
    ck_assert_int_eq(target.count, 1);
    part_die(&a);
    report_guests(&host_one, 2, 1, OLD);
    run_for(&b, 40 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    run_for(&b, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_uint_eq(target.sent[1].total, 1);
    part_end(&b);
    deliver_tear_down();
}
END_TEST

START_TEST(a_hub_that_ends_in_order_is_replaced_at_once)
{
    struct hub_part a, b;

    deliver_set_up(ON_DRIFT);
    a = part_start(target_send);
    b = part_start(target_send);
    tick_after(&a, 0);
    tick_after(&b, 0);
    part_end(&a);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&b, 90 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    part_end(&b);
    deliver_tear_down();
}
END_TEST

/* Killed between the target's yes and our writing it down: the one thing that goes out twice, with the same id. */
static struct hub_part dying;

static void send_and_lose_the_lease(const struct content *c, const struct deliver_options *o,
                                    struct deliver_result *out)
{
    struct fleet_store *other = open_store(deliver_store_path, &hub_clock.clock);
    struct fleet_lease now, taken;
    bool mine;

    target_send(c, o, out);
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

    deliver_set_up(ON_DRIFT);
    dying.store = open_store(deliver_store_path, &hub_clock.clock);
    setup = (struct deliver_setup){ dying.store,      &deliver_config, &deliver_counters,
                                    &hub_clock.clock, plat_random(),   send_and_lose_the_lease };
    ck_assert_int_eq(deliver_new(&dying.deliver, &setup, NULL), 0);
    tick_after(&dying, 0);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&dying, 70 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    part_die(&dying);
    b = part_start(target_send);
    run_for(&b, 5 * MINUTES);
    ck_assert_int_eq(target.count, 2);
    ck_assert_str_eq(target.sent[0].id, target.sent[1].id);
    run_for(&b, HOURS);
    ck_assert_int_eq(target.count, 2);
    part_end(&b);
    deliver_tear_down();
}
END_TEST

/* The store is locked just when it should be written down; as a lock of another program's, longer than we wait. */
static sqlite3 *locking;

static void send_and_lock(const struct content *c, const struct deliver_options *o, struct deliver_result *out)
{
    target_send(c, o, out);
    ck_assert_int_eq(sqlite3_open(deliver_store_path, &locking), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(locking, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

START_TEST(what_could_not_be_written_down_is_not_sent_again_by_the_same_hub)
{
    struct hub_part p;

    if (stores_are_postgres())
        skip("locks a file");
    deliver_set_up(ON_DRIFT);
    p = part_start(send_and_lock);
    tick_after(&p, 0);
    report_guests(&host_one, 1, 1, OLD);
    run_for(&p, 70 * SECONDS);
    ck_assert_int_eq(target.count, 1);
    sqlite3_close(locking);
    run_for(&p, HOURS);
    ck_assert_int_eq(target.count, 1);
    ck_assert_int_eq(ask_store(deliver_store_path, "SELECT count(*) FROM delivery WHERE job <> ''"), 0);
    ck_assert_int_eq(ask_store(deliver_store_path, "SELECT last_sent > 0 FROM delivery"), 1);
    part_end(&p);
    deliver_tear_down();
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, of_two_hubs_one_delivers);
    suite_test(s, a_hub_that_is_killed_is_replaced_after_a_while_and_nothing_is_told_twice);
    suite_test(s, a_hub_that_ends_in_order_is_replaced_at_once);
    suite_test(s, what_could_not_be_written_down_is_not_sent_again_by_the_same_hub);
    suite_test(s, what_was_sent_but_not_written_down_goes_again_with_the_same_id);
}

int main(void)
{
    return suite_main("hub: deliver_hubs", add);
}
