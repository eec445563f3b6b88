/* batch_limits.h: pure arithmetic. */
#include "tests/support/suite.h"
#include "transport/batch_limits.h"

static struct batch_limits l;

START_TEST(they_begin_at_configs_ceilings)
{
    limits_init(&l, 1000, 1 << 20);
    ck_assert_uint_eq(limits_count(&l), 1000);
    ck_assert_uint_eq(limits_bytes(&l), 1 << 20);
}
END_TEST

START_TEST(too_large_halves_what_was_sent_down_to_one)
{
    limits_init(&l, 1000, 1 << 20);
    limits_too_large(&l, 300, 90000);
    ck_assert_uint_eq(limits_count(&l), 150);
    ck_assert_uint_eq(limits_bytes(&l), 45000);
    limits_too_large(&l, 1, 1);
    ck_assert_uint_eq(limits_count(&l), 1);
    ck_assert_uint_eq(limits_bytes(&l), 1);
}
END_TEST

START_TEST(they_double_after_a_while_and_end_at_configs_ceilings)
{
    limits_init(&l, 1000, 1000);
    limits_too_large(&l, 600, 1000);
    for (int i = 0; i < LIMITS_GROW_AFTER - 1; i++)
        limits_accepted(&l, 300, 1);
    ck_assert_uint_eq(limits_count(&l), 300);
    limits_accepted(&l, 300, 1);
    ck_assert_uint_eq(limits_count(&l), 600);
    ck_assert_uint_eq(limits_bytes(&l), 1000);
    for (int i = 0; i < 5 * LIMITS_GROW_AFTER; i++)
        limits_accepted(&l, 300, 1);
    ck_assert_uint_eq(limits_count(&l), 1000);
}
END_TEST

START_TEST(suspects_are_halved_and_pass)
{
    limits_init(&l, 1000, 1000);
    limits_guilty(&l, 100, 500);
    ck_assert_uint_eq(limits_count(&l), 50);
    limits_accepted(&l, 50, 450);
    ck_assert_uint_eq(limits_count(&l), 25);
    limits_guilty(&l, 25, 475);
    ck_assert_uint_eq(limits_count(&l), 12);
    limits_accepted(&l, 12, 475);
    ck_assert_uint_eq(limits_count(&l), 1000);
}
END_TEST

START_TEST(a_record_set_aside_restores_the_ceilings)
{
    limits_init(&l, 1000, 1000);
    limits_too_large(&l, 10, 10);
    limits_guilty(&l, 2, 500);
    limits_set_aside(&l);
    ck_assert_uint_eq(limits_count(&l), 1000);
    ck_assert_uint_eq(limits_bytes(&l), 1000);
}
END_TEST

START_TEST(an_empty_outbox_has_no_suspects)
{
    limits_init(&l, 1000, 1000);
    limits_too_large(&l, 100, 1000);
    limits_guilty(&l, 20, 500);
    limits_drained(&l);
    ck_assert_uint_eq(limits_count(&l), 50);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, they_begin_at_configs_ceilings);
    suite_test(s, too_large_halves_what_was_sent_down_to_one);
    suite_test(s, they_double_after_a_while_and_end_at_configs_ceilings);
    suite_test(s, suspects_are_halved_and_pass);
    suite_test(s, a_record_set_aside_restores_the_ceilings);
    suite_test(s, an_empty_outbox_has_no_suspects);
}

int main(void)
{
    return suite_main("transport: batch_limits", add);
}
