/* See batch_limits.h. */
#include "transport/batch_limits.h"

#include <assert.h>

static size_t half(size_t n)
{
    return n > 1 ? n / 2 : 1;
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

void limits_init(struct batch_limits *l, size_t count_max, size_t bytes_max)
{
    assert(count_max > 0 && bytes_max > 0);
    *l = (struct batch_limits){ .count_max = count_max, .bytes_max = bytes_max };
    l->count = count_max;
    l->bytes = bytes_max;
}

size_t limits_count(const struct batch_limits *l)
{
    return l->suspects > 0 ? at_most(half(l->suspects), l->count) : l->count;
}

size_t limits_bytes(const struct batch_limits *l)
{
    return l->bytes;
}

void limits_accepted(struct batch_limits *l, size_t count, uint64_t last_seq)
{
    if (l->suspects > 0) {
        bool passed = last_seq >= l->suspects_through || count >= l->suspects;

        l->suspects = passed ? 0 : l->suspects - count;
        return;
    }
    if (++l->good < LIMITS_GROW_AFTER)
        return;
    l->good = 0;
    l->count = at_most(l->count * 2, l->count_max);
    l->bytes = at_most(l->bytes * 2, l->bytes_max);
}

void limits_too_large(struct batch_limits *l, size_t count, size_t bytes)
{
    l->count = at_most(half(count), l->count);
    l->bytes = at_most(half(bytes), l->bytes);
    l->good = 0;
}

void limits_guilty(struct batch_limits *l, size_t count, uint64_t last_seq)
{
    assert(count > 1);
    l->suspects = count;
    l->suspects_through = last_seq;
}

void limits_set_aside(struct batch_limits *l)
{
    limits_init(l, l->count_max, l->bytes_max);
}

void limits_drained(struct batch_limits *l)
{
    l->suspects = 0;
}
