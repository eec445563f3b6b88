/* What was made of an instance's text in an earlier poll, by the hash of the
 * text: most instances, and most of the items within those that changed, are the
 * same at every poll, and then need not be parsed. */
#ifndef COLLECTORS_KVP_MEMO_H
#define COLLECTORS_KVP_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvp_memo {
    struct kvp_memo_slot *slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
    uint64_t seed; /* random: nobody can prepare two texts that look alike */
};

void kvp_memo_init(struct kvp_memo *m);
void kvp_memo_free(struct kvp_memo *m);
void kvp_memo_clear(struct kvp_memo *m);

/* The key of an instance's text that came as an answer for that class; of an item's, "item". */
uint64_t kvp_memo_key(const struct kvp_memo *m, const char *class_name, const char *text, size_t len);

/* NULL when there is none. */
void *kvp_memo_find(const struct kvp_memo *m, uint64_t key);

/* The value stays the caller's.  Out of memory nothing is kept, which costs a
 * parse later and nothing else. */
void kvp_memo_put(struct kvp_memo *m, uint64_t key, void *value);

#endif
