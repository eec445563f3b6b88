/* How many records and bytes the next batch may have.
 *
 * Config gives the ceilings.  413 lowers both to half of what was refused;
 * every LIMITS_GROW_AFTER accepted batches they double again, so that a hub
 * with a smaller limit is not run into with every second batch.
 *
 * 400 says that somewhere in a batch there is a record that the hub does not
 * take.  Those records are suspects: the next batch is their first half, and
 * so on, until one record alone is refused (and set aside) or all have passed.
 * One guilty record in n costs about 2 log2(n) requests, and none that is good is
 * set aside with it.
 *
 * Pure arithmetic.
 */
#ifndef TRANSPORT_BATCH_LIMITS_H
#define TRANSPORT_BATCH_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMITS_GROW_AFTER = 16 };

struct batch_limits {
    size_t count_max, bytes_max; /* config's */
    size_t count, bytes;         /* now */
    int good;                    /* accepted since they were lowered */
    size_t suspects;             /* next records among which one is guilty; 0 none */
    uint64_t suspects_through;   /* the last one's number */
};

void limits_init(struct batch_limits *l, size_t count_max, size_t bytes_max);

/* What to ask the outbox for: at least 1. */
size_t limits_count(const struct batch_limits *l);
size_t limits_bytes(const struct batch_limits *l);

/* The batch was accepted; too large; holds a guilty record (count > 1); was
 * one guilty record and is gone (whatever made it guilty, the rest may be whole again); there
 * was nothing left to read. */
void limits_accepted(struct batch_limits *l, size_t count, uint64_t last_seq);
void limits_too_large(struct batch_limits *l, size_t count, size_t bytes);
void limits_guilty(struct batch_limits *l, size_t count, uint64_t last_seq);
void limits_set_aside(struct batch_limits *l);
void limits_drained(struct batch_limits *l);

#endif
