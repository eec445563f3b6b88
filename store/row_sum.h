/* The sum that goes with each row: SQLite checks the shape of its pages, not
 * what a disk did to the bytes inside them, and a version number with a flipped
 * bit would be a lie told with confidence.
 *
 * Eight bytes at a time, each step a bijection of the state, so that a change
 * confined to one such word is always noticed and any other one with
 * overwhelming probability.  It guards against disks, not against people.
 * The values are in files: the arithmetic may never change.
 */
#ifndef STORE_ROW_SUM_H
#define STORE_ROW_SUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t row_sum_step(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

/* Up to eight bytes as a little-endian number; compilers turn the full case into one load. */
static inline uint64_t row_sum_word(const unsigned char *p, size_t n)
{
    uint64_t w = 0;

    if (n == 8)
        return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
               (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t)p[i] << (8 * i);
    return w;
}

/* Over what the row is about (its number, or 0) and its bytes. */
static inline int64_t row_sum(uint64_t id, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = row_sum_step(len, id);

    for (; len >= 8; p += 8, len -= 8)
        h = row_sum_step(h, row_sum_word(p, 8));
    if (len > 0)
        h = row_sum_step(h, row_sum_word(p, len));
    return (int64_t)h;
}

#endif
