/* The dumps that were told or are about to be, as they stand in a dumps source's mark.
 *
 * A file is known by its identity, size and modification time together, so a
 * renamed one is known and a rewritten one is not; a dump is known by its
 * header and size, so a touched, copied or moved one is known too.
 *
 * The mark, one line:
 *   dumps/1 before=SECONDS n=N BASE64
 * N entries of 24 bytes: hash of the file, hash of the dump, and verdict and
 * modification time (seconds since 1970) in one word.  At most KNOWN_MAX entries: to
 * make room, files that are gone are forgotten first, and then the oldest.
 * Files last modified at or before SECONDS that are not in the list count as
 * told, so a forgotten one is not told again; the price is that a dump copied
 * in later with so old a modification time is missed.
 */
#ifndef COLLECTORS_DUMPS_KNOWN_H
#define COLLECTORS_DUMPS_KNOWN_H

#include "base/buf.h"
#include "plat/files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DUMPS_KNOWN_MAX = 2000 };

enum dumps_verdict {
    DUMPS_OK,
    DUMPS_PARTIAL,
    DUMPS_EMPTY,
    DUMPS_ZERO,
    DUMPS_FOREIGN,
    DUMPS_ENCRYPTED,
    DUMPS_CORRUPT,       /* told as unreadable */
    DUMPS_NO_ACCESS,     /* told as unreadable; tried again without being told again */
    DUMPS_READING,       /* not told: it is about to be read for its verdict */
    DUMPS_READING_AGAIN, /* the same, after a first reading that did not come back */
    DUMPS_VERDICT_COUNT
};

struct dumps_entry {
    uint64_t file, dump;
    enum dumps_verdict verdict;
    int64_t mtime_s;
    bool seen; /* in the last whole walk */
};

struct dumps_known {
    struct dumps_entry *list; /* by file */
    size_t count;
    int64_t before_s;
};

MUST_USE int dumps_known_init(struct dumps_known *k, struct err *e);
void dumps_known_free(struct dumps_known *k);

/* A damaged mark is an empty one: dumps that are still there are told again. */
void dumps_known_read(struct dumps_known *k, const char *mark);
void dumps_known_write(const struct dumps_known *k, struct buf *mark);

uint64_t dumps_file_key(const struct file_info *info);

/* NULL when the file is not in the list. */
struct dumps_entry *dumps_known_file(struct dumps_known *k, uint64_t file);
/* An entry of the same dump with that verdict, or told as complete. */
bool dumps_known_dump(const struct dumps_known *k, uint64_t dump, enum dumps_verdict verdict);
/* Told, and forgotten since. */
bool dumps_known_forgotten(const struct dumps_known *k, const struct file_info *info);

void dumps_known_add(struct dumps_known *k, const struct file_info *info, uint64_t dump, enum dumps_verdict verdict);
void dumps_known_remove(struct dumps_known *k, uint64_t file);

#endif
