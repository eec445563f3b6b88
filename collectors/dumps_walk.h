/* The dump files below a folder, found in bounded depth, number and time.
 *
 * Which files: by name, in any case: *.dmp (Windows), *.mdmp and *.hdmp (user
 * mode), *.core (OpenHCL, hyperv.md D row 11; QEMU), and *-windows-crash (the
 * container hosts' crash dumps, row 4).
 *
 * Symbolic links are followed; a folder is entered once however many lead to
 * it, so a loop of links ends.  What vanishes between two looks is not there.
 */
#ifndef COLLECTORS_DUMPS_WALK_H
#define COLLECTORS_DUMPS_WALK_H

#include "base/arena.h"
#include "base/error.h"
#include "plat/clock.h"
#include "plat/files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dumps_file {
    const char *path;     /* from the folder's own path on */
    const char *relative; /* in it */
    struct file_info info;
};

struct dumps_walk {
    struct arena arena;
    struct dumps_file *files; /* oldest modification first */
    size_t count, cap;
    bool whole;        /* nothing was left out */
    char trouble[256]; /* what was left out and what to do; "" nothing */
};

struct dumps_walk_limits {
    int depth_max; /* subfolders of subfolders; 0: the folder alone */
    int files_max;
    int64_t deadline_ns; /* monotonic; 0 none */
};

void dumps_walk_init(struct dumps_walk *w);
void dumps_walk_free(struct dumps_walk *w);

/* Fails when dir itself can not be read; trouble further down is told in
 * w->trouble.  What an earlier walk found is gone. */
MUST_USE int dumps_walk(struct dumps_walk *w, const struct files *files, const struct clock *clock, const char *dir,
                        const struct dumps_walk_limits *limits, struct err *e);

bool dumps_is_dump_name(const char *name);

#endif
