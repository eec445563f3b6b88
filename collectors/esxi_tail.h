/* A log that grows, from a mark on.
 *
 * Mark: "esxi1 ID0 ID1 OFFSET TAIL-LENGTH TAIL-HASH", hexadecimal: which file
 * it was (files.h), how far it is read, and the hash of the bytes just before.
 * What was read is known again by its bytes: the log may have been renamed
 * (hostd.log to hostd.0.log), or copied away and cut to nothing; the file of the
 * same folder whose name begins alike and that still holds those bytes is read
 * to its end first, then the ones written after it, then the log.  When none
 * holds them (compressed, deleted), what was not read is gone: a gap.
 *
 * A line without its end waits for the rest, unless the file is one that was
 * rotated away.
 */
#ifndef COLLECTORS_ESXI_TAIL_H
#define COLLECTORS_ESXI_TAIL_H

#include "base/buf.h"
#include "plat/files.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ESXI_CHUNK = 256 * 1024,   /* bytes looked at in one go */
    ESXI_LINE_MAX = 64 * 1024, /* a longer line is cut, and its rest left */
    ESXI_ROTATED_MAX = 64,     /* files of one log */
};

struct esxi_mark {
    uint64_t id[2];
    uint64_t offset, tail_len, tail_hash;
};
bool esxi_mark_parse(const char *text, struct esxi_mark *out); /* "" is the start */
void esxi_mark_write(const struct esxi_mark *m, struct buf *out);

struct esxi_tail {
    const struct files *files;
    const char *path;
};

/* Where the mark leads. */
struct esxi_place {
    char path[FILES_PATH_MAX];
    struct file *file; /* the caller closes it */
    struct file_info info;
    uint64_t offset;
    bool rotated; /* not the log itself any more: it will not grow */
    bool lost;    /* what the mark speaks of is nowhere; the log is read from its start */
};

/* Opens it.  ERR_NOT_FOUND: there is no log (yet). */
MUST_USE int esxi_tail_open(const struct esxi_tail *t, const struct esxi_mark *m, struct esxi_place *out,
                            struct err *e);

/* The mark at offset of the open file. */
MUST_USE int esxi_tail_mark(const struct esxi_tail *t, struct esxi_place *at, uint64_t offset, struct esxi_mark *out,
                            struct err *e);

/* The start of what was written after a rotated file: the next of the rotated ones, or the log. */
MUST_USE int esxi_tail_next(const struct esxi_tail *t, const struct esxi_place *after, struct esxi_mark *out,
                            struct err *e);

#endif
