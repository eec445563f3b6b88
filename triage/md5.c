/* See md5.h.  The table of sines is computed, as the RFC defines it. */
#include "triage/md5.h"

#include "triage/bytes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 64, ROUNDS = 64, LENGTH_AT = 56 };

struct state {
    uint32_t a, b, c, d;
    uint32_t sines[ROUNDS];
};

static const unsigned char rotations[4][4] = {
    { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
};

static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (b & d) | (c & ~d);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static void block(struct state *s, const unsigned char *p)
{
    static const unsigned char step[4] = { 1, 5, 3, 7 }, start[4] = { 0, 1, 5, 0 };
    uint32_t a = s->a, b = s->b, c = s->c, d = s->d;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned round = i / 16, by = rotations[round][i % 4];
        uint32_t word = le32(p + 4 * (size_t)((start[round] + step[round] * i) % 16));
        uint32_t f = a + mix(round, b, c, d) + word + s->sines[i];

        a = d;
        d = c;
        c = b;
        b += f << by | f >> (32 - by);
    }
    s->a += a;
    s->b += b;
    s->c += c;
    s->d += d;
}

static void put32(unsigned char *p, uint32_t n)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (unsigned char)(n >> (8 * i));
}

void md5(const void *bytes, size_t len, unsigned char out[MD5_SIZE])
{
    struct state s = { .a = 0x67452301, .b = 0xEFCDAB89, .c = 0x98BADCFE, .d = 0x10325476 };
    const unsigned char *p = bytes;
    unsigned char tail[2 * BLOCK] = { 0 };
    size_t rest = len % BLOCK, tail_len = rest < LENGTH_AT ? BLOCK : 2 * BLOCK;

    for (unsigned i = 0; i < ROUNDS; i++)
        s.sines[i] = (uint32_t)(fabs(sin(i + 1.0)) * 4294967296.0);
    for (size_t i = 0; i + BLOCK <= len; i += BLOCK)
        block(&s, p + i);
    if (rest > 0)
        memcpy(tail, p + len - rest, rest);
    tail[rest] = 0x80;
    put32(tail + tail_len - 8, (uint32_t)(len << 3));
    put32(tail + tail_len - 4, (uint32_t)((uint64_t)len >> 29));
    for (size_t i = 0; i < tail_len; i += BLOCK)
        block(&s, tail + i);
    assert(tail_len <= sizeof tail);
    put32(out, s.a);
    put32(out + 4, s.b);
    put32(out + 8, s.c);
    put32(out + 12, s.d);
}
