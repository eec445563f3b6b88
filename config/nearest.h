/* "Did you mean ...?": the nearest word by edit distance. */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include <stddef.h>

enum { NEAREST_WORD_MAX = 128 };

/* Insertions, deletions, replacements and swaps of neighbours that lead from a
 * to b.  Words of more than NEAREST_WORD_MAX bytes are as far as can be (SIZE_MAX). */
size_t edit_distance(const char *a, const char *b);

/* True when a distance is small enough for a word of that length to be worth offering. */
int is_near(size_t distance, const char *word);

#endif
