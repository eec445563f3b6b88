/* The arena: alignment, zeroed memory, the ceiling, and what a reset keeps. */
#include "base/arena.h"
#include "tests/support/suite.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

START_TEST(memory_is_zeroed_and_aligned_for_any_type)
{
    struct arena a;

    arena_init(&a, 100000);
    for (size_t size = 0; size < 100; size++) {
        unsigned char *p = arena_alloc(&a, size);

        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            ck_assert_uint_eq(p[i], 0);
        memset(p, 0xAA, size);
    }
    arena_free(&a);
}
END_TEST

START_TEST(allocations_do_not_overlap)
{
    enum { COUNT = 200 };
    struct arena a;
    unsigned char *p[COUNT];

    arena_init(&a, 10 * 1000 * 1000);
    for (int i = 0; i < COUNT; i++) {
        p[i] = arena_alloc(&a, (size_t)(i * 131 % 5000 + 1));
        ck_assert_ptr_nonnull(p[i]);
        memset(p[i], i, (size_t)(i * 131 % 5000 + 1));
    }
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < i * 131 % 5000 + 1; k++)
            ck_assert_int_eq(p[i][k], i);
    arena_free(&a);
}
END_TEST

START_TEST(the_ceiling_can_be_reached_and_not_passed)
{
    struct arena a;

    arena_init(&a, 1024);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1008));
    ck_assert_ptr_nonnull(arena_alloc(&a, 16));
    ck_assert_uint_eq(a.used, 1024);
    ck_assert_ptr_null(arena_alloc(&a, 1));
    ck_assert_uint_eq(a.used, 1024);
    arena_free(&a);
}
END_TEST

START_TEST(what_did_not_fit_below_the_ceiling_is_remembered_until_a_reset)
{
    const size_t sizes[] = { 1024, 1025, SIZE_MAX };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct arena a;

        arena_init(&a, 1024);
        ck_assert_int_eq(arena_alloc(&a, sizes[i]) != NULL, i == 0);
        ck_assert_int_eq(a.full, i != 0);
        (void)arena_alloc(&a, 16);
        ck_assert(a.full);
        arena_reset(&a);
        ck_assert(!a.full);
        ck_assert_ptr_nonnull(arena_alloc(&a, 16));
        ck_assert(!a.full);
        arena_free(&a);
    }
}
END_TEST

START_TEST(padding_counts_against_the_ceiling)
{
    struct arena a;

    arena_init(&a, 20);
    ck_assert_ptr_null(arena_alloc(&a, 20));
    ck_assert_ptr_nonnull(arena_alloc(&a, 16));
    arena_free(&a);
}
END_TEST

START_TEST(a_refused_allocation_leaves_room_for_a_smaller_one)
{
    struct arena a;

    arena_init(&a, 1000);
    ck_assert_ptr_null(arena_alloc(&a, 1001));
    ck_assert_ptr_nonnull(arena_alloc(&a, 100));
    arena_free(&a);
}
END_TEST

START_TEST(huge_sizes_are_refused_without_overflow)
{
    struct arena a;

    arena_init(&a, SIZE_MAX / 2 - 1);
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 15));
    ck_assert_ptr_null(arena_copy(&a, "x", SIZE_MAX));
    ck_assert_uint_eq(a.used, 0);
    arena_free(&a);
}
END_TEST

START_TEST(a_copy_is_ended_with_a_nul_and_keeps_inner_ones)
{
    struct arena a;
    char *p;

    arena_init(&a, 1000);
    p = arena_copy(&a, "ab\0cd", 5);
    ck_assert_mem_eq(p, "ab\0cd", 6);
    p = arena_copy(&a, NULL, 0);
    ck_assert_str_eq(p, "");
    arena_free(&a);
}
END_TEST

START_TEST(a_reset_gives_the_whole_room_back)
{
    struct arena a;

    arena_init(&a, 100000);
    for (int round = 0; round < 50; round++) {
        ck_assert_ptr_nonnull(arena_alloc(&a, 60000));
        ck_assert_ptr_nonnull(arena_alloc(&a, 39000));
        ck_assert_ptr_null(arena_alloc(&a, 2000));
        arena_reset(&a);
        ck_assert_uint_eq(a.used, 0);
    }
    arena_free(&a);
}
END_TEST

START_TEST(memory_is_zeroed_again_after_a_reset)
{
    struct arena a;
    unsigned char *p;

    arena_init(&a, 1000);
    memset(arena_alloc(&a, 500), 0xFF, 500);
    arena_reset(&a);
    p = arena_alloc(&a, 500);
    for (int i = 0; i < 500; i++)
        ck_assert_uint_eq(p[i], 0);
    arena_free(&a);
}
END_TEST

START_TEST(an_arena_that_was_never_used_can_be_reset_and_freed)
{
    struct arena a;

    arena_init(&a, 1);
    arena_reset(&a);
    arena_free(&a);
    arena_free(&a);
    ck_assert_uint_eq(a.used, 0);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, memory_is_zeroed_and_aligned_for_any_type);
    suite_test(s, allocations_do_not_overlap);
    suite_test(s, the_ceiling_can_be_reached_and_not_passed);
    suite_test(s, what_did_not_fit_below_the_ceiling_is_remembered_until_a_reset);
    suite_test(s, padding_counts_against_the_ceiling);
    suite_test(s, a_refused_allocation_leaves_room_for_a_smaller_one);
    suite_test(s, huge_sizes_are_refused_without_overflow);
    suite_test(s, a_copy_is_ended_with_a_nul_and_keeps_inner_ones);
    suite_test(s, a_reset_gives_the_whole_room_back);
    suite_test(s, memory_is_zeroed_again_after_a_reset);
    suite_test(s, an_arena_that_was_never_used_can_be_reset_and_freed);
}

int main(void)
{
    return suite_main("base: arena", add);
}
