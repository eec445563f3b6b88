/* The step gate: never more inside than allowed, first come first served. */
#include "agent/step_gate.h"
#include "tests/support/suite.h"

static int opened[8], opened_count;

static void on_open(void *arg)
{
    opened[opened_count++] = *(int *)arg;
}

static int numbers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static struct gate_ticket ticket(int number)
{
    return (struct gate_ticket){ .open = on_open, .arg = &numbers[number] };
}

START_TEST(those_over_the_limit_wait_in_order)
{
    struct step_gate g;
    struct gate_ticket a = ticket(0), b = ticket(1), c = ticket(2), d = ticket(3);

    opened_count = 0;
    gate_init(&g, 2);
    ck_assert(gate_enter(&g, &a));
    ck_assert(gate_enter(&g, &b));
    ck_assert(!gate_enter(&g, &c));
    ck_assert(!gate_enter(&g, &d));
    gate_leave(&g, &b);
    gate_leave(&g, &a);
    ck_assert_int_eq(opened_count, 2);
    ck_assert_int_eq(opened[0], 2);
    ck_assert_int_eq(opened[1], 3);
    ck_assert_int_eq(g.inside, 2);
}
END_TEST

START_TEST(one_who_stops_waiting_is_not_called)
{
    struct step_gate g;
    struct gate_ticket a = ticket(0), b = ticket(1), c = ticket(2);

    opened_count = 0;
    gate_init(&g, 1);
    ck_assert(gate_enter(&g, &a));
    ck_assert(!gate_enter(&g, &b));
    ck_assert(!gate_enter(&g, &c));
    gate_leave(&g, &b);
    gate_leave(&g, &a);
    ck_assert_int_eq(opened_count, 1);
    ck_assert_int_eq(opened[0], 2);
    gate_leave(&g, &c);
    ck_assert_int_eq(g.inside, 0);
    ck_assert(gate_enter(&g, &b));
}
END_TEST

START_TEST(the_last_in_line_may_leave_and_others_still_join)
{
    struct step_gate g;
    struct gate_ticket a = ticket(0), b = ticket(1), c = ticket(2), d = ticket(3);

    opened_count = 0;
    gate_init(&g, 1);
    ck_assert(gate_enter(&g, &a));
    ck_assert(!gate_enter(&g, &b));
    ck_assert(!gate_enter(&g, &c));
    gate_leave(&g, &c);
    ck_assert(!gate_enter(&g, &d));
    gate_leave(&g, &a);
    gate_leave(&g, &b);
    ck_assert_int_eq(opened_count, 2);
    ck_assert_int_eq(opened[0], 1);
    ck_assert_int_eq(opened[1], 3);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, those_over_the_limit_wait_in_order);
    suite_test(s, one_who_stops_waiting_is_not_called);
    suite_test(s, the_last_in_line_may_leave_and_others_still_join);
}

int main(void)
{
    return suite_main("agent: step gate", add);
}
