/* What is wrong with a file, each thing with its place, gathered while it is
 * read and written out at the end in order of place. */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROBLEMS_MAX = 100, PROBLEM_TEXT_MAX = 640 };

/* Counted from 1, columns in characters. */
struct place {
    size_t line, column;
};

struct problem {
    struct place at;
    int order;
    const char *text; /* "hub.url: what is wrong, and what to write instead" */
};

struct problems {
    struct arena arena;
    struct problem items[PROBLEMS_MAX];
    int count;
    int more;       /* beyond PROBLEMS_MAX */
    bool no_memory; /* one could not be kept, or not all of its words: what was read is not to be judged by these */
};

void problems_init(struct problems *p);
void problems_free(struct problems *p);

/* key may be NULL for what belongs to no key. */
void problem_add(struct problems *p, struct place at, const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Appends a line "NAME:LINE:COL: text" for each, in order of place. */
void problems_write(struct problems *p, const char *name, struct buf *out);

#endif
