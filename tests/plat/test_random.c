/* The system's random numbers. */
#include "plat/random.h"
#include "tests/support/suite.h"

#include <stdbool.h>
#include <string.h>

START_TEST(two_fills_differ)
{
    const struct random_source *r = plat_random();
    unsigned char a[32] = { 0 }, b[32] = { 0 };

    r->fill(r, a, sizeof a);
    r->fill(r, b, sizeof b);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(a_fill_reaches_the_last_byte_and_no_further)
{
    enum { LEN = 1000, TRIES = 64 };
    const struct random_source *r = plat_random();
    unsigned char bytes[LEN + 8];
    bool last_changed = false;

    for (int i = 0; i < TRIES; i++) {
        memset(bytes, 0xAA, sizeof bytes);
        r->fill(r, bytes, LEN);
        last_changed |= bytes[LEN - 1] != 0xAA;
        for (size_t k = LEN; k < sizeof bytes; k++)
            ck_assert_uint_eq(bytes[k], 0xAA);
    }
    ck_assert(last_changed);
}
END_TEST

START_TEST(every_value_of_a_byte_turns_up)
{
    enum { LEN = 64 * 1024 };
    static unsigned char bytes[LEN];
    const struct random_source *r = plat_random();
    int seen[256] = { 0 };

    r->fill(r, bytes, sizeof bytes);
    for (int i = 0; i < LEN; i++)
        seen[bytes[i]]++;
    for (int v = 0; v < 256; v++)
        ck_assert_int_gt(seen[v], 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, two_fills_differ);
    suite_test(s, a_fill_reaches_the_last_byte_and_no_further);
    suite_test(s, every_value_of_a_byte_turns_up);
}

int main(void)
{
    return suite_main("plat: random", add);
}
