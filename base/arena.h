/* Memory that is given back all at once, with a ceiling.
 *
 * A batch of observations, a parsed document or a report allocates its strings
 * here and frees them together.  Not thread safe: an arena belongs to one
 * thread at a time and may be handed over.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes handed out, padding included */
    size_t max;                 /* ceiling for used */
    bool full;                  /* something did not fit below it, which no memory would mend; until a reset */
};

/* Allocates nothing yet.  max is in bytes. */
void arena_init(struct arena *a, size_t max);

/* Zeroed memory, aligned for any type; NULL over the ceiling or out of memory.
 * Lives until arena_reset() or arena_free(). */
void *arena_alloc(struct arena *a, size_t size);

/* A NUL-ended copy of len bytes; NULL as above. */
char *arena_copy(struct arena *a, const char *text, size_t len);

/* Everything handed out is gone; one chunk is kept for the next round. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
