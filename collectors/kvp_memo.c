/* See kvp_memo.h. */
#include "collectors/kvp_memo.h"

#include "collectors/mark_bytes.h"
#include "plat/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 256, LANES = 8 };

struct kvp_memo_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

void kvp_memo_init(struct kvp_memo *m)
{
    const struct random_source *r = plat_random();

    *m = (struct kvp_memo){ 0 };
    r->fill(r, &m->seed, sizeof m->seed);
}

void kvp_memo_free(struct kvp_memo *m)
{
    free(m->slots);
    *m = (struct kvp_memo){ .seed = m->seed };
}

void kvp_memo_clear(struct kvp_memo *m)
{
    if (m->slots != NULL)
        memset(m->slots, 0, m->size * sizeof *m->slots);
    m->count = 0;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

/* The text is all of what WMI says, so it is hashed in lanes that do not wait
 * for each other.  The key lives as long as the process; its byte order does
 * not matter. */
uint64_t kvp_memo_key(const struct kvp_memo *m, const char *class_name, const char *text, size_t len)
{
    uint64_t lanes[LANES], h = mark_hash(m->seed, class_name, strlen(class_name));
    size_t done;

    for (int i = 0; i < LANES; i++)
        lanes[i] = h + (uint64_t)i;
    for (done = 0; len - done >= sizeof lanes; done += sizeof lanes) {
        uint64_t words[LANES];

        memcpy(words, text + done, sizeof words);
        for (int i = 0; i < LANES; i++)
            lanes[i] = mix(lanes[i], words[i]);
    }
    return mark_hash(mark_hash(h, lanes, sizeof lanes), text + done, len - done);
}

/* The slot of that key, or the free one where it belongs. */
static struct kvp_memo_slot *slot_of(const struct kvp_memo *m, uint64_t key)
{
    size_t at = (size_t)key & (m->size - 1);

    while (m->slots[at].value != NULL && m->slots[at].key != key)
        at = (at + 1) & (m->size - 1);
    return &m->slots[at];
}

void *kvp_memo_find(const struct kvp_memo *m, uint64_t key)
{
    return m->size > 0 ? slot_of(m, key)->value : NULL;
}

/* Doubles the table, which stays at most half full. */
static bool grow(struct kvp_memo *m)
{
    struct kvp_memo old = *m;

    m->size = old.size == 0 ? FIRST_SIZE : old.size * 2;
    m->slots = calloc(m->size, sizeof *m->slots);
    if (m->slots == NULL) {
        *m = old;
        return false;
    }
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i].value != NULL)
            *slot_of(m, old.slots[i].key) = old.slots[i];
    }
    free(old.slots);
    return true;
}

void kvp_memo_put(struct kvp_memo *m, uint64_t key, void *value)
{
    struct kvp_memo_slot *slot;

    assert(value != NULL);
    if (m->count * 2 >= m->size && !grow(m))
        return;
    slot = slot_of(m, key);
    m->count += slot->value == NULL;
    *slot = (struct kvp_memo_slot){ .key = key, .value = value };
}
