/* Advice about memory: whatever the system makes of it, what is in the memory stays. */
#include "plat/large_pages.h"
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 8 * 1024 * 1024, PAGE = 4096 };

START_TEST(what_is_in_the_memory_and_around_it_stays)
{
    static const struct {
        size_t at, len;
    } places[] = { { 0, ROOM },         { 1, ROOM - 1 }, { PAGE, PAGE },     { PAGE - 1, 2 },
                   { 3 * PAGE + 7, 0 }, { ROOM - 1, 1 }, { 12345, ROOM / 2 } };
    unsigned char *room = malloc(ROOM);

    ck_assert_ptr_nonnull(room);
    for (size_t i = 0; i < ROOM; i++)
        room[i] = (unsigned char)(i * 31 >> 4);
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        plat_large_pages(room + places[p].at, places[p].len);
        for (size_t i = 0; i < ROOM; i++)
            ck_assert_msg(room[i] == (unsigned char)(i * 31 >> 4), "place %zu: byte %zu is %d", p, i, room[i]);
    }
    memset(room, 0xA5, ROOM);
    ck_assert_int_eq(room[0], 0xA5);
    ck_assert_int_eq(room[ROOM - 1], 0xA5);
    free(room);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, what_is_in_the_memory_and_around_it_stays);
}

int main(void)
{
    return suite_main("plat: large pages", add);
}
