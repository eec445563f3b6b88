/* Looks at a folder beat by beat until there is news: one thread that sleeps and
 * looks in place of a timer, a job and an answer for each beat and each source.
 *
 * It is told what looks another way than at the look before (folder_print.h), so
 * the first look is news of its own: what changes from then on is not missed.
 *
 * folder_watch_wait() blocks and runs on a worker thread, one at a time; the others are
 * for any thread.
 */
#ifndef AGENT_FOLDER_WATCH_H
#define AGENT_FOLDER_WATCH_H

#include "base/error.h"
#include "plat/files.h"

#include <stdint.h>

struct folder_watch;

enum folder_news {
    FOLDER_FIRST_LOOK, /* from here on changes are told */
    FOLDER_SAME,       /* for as long as was asked for, or the watch is to end */
    FOLDER_CHANGED,
    FOLDER_UNKNOWN, /* it can not be looked at, or there is too much of it; the next look is a first one */
};

struct folder_watch_options {
    const struct files *files;
    const char *dir; /* copied */
    int depth;       /* of subfolders */
    int64_t beat_ns; /* between two looks */
    int64_t most_ns; /* of a wait without news */
};

MUST_USE int folder_watch_new(struct folder_watch **out, const struct folder_watch_options *options, struct err *e);
void folder_watch_free(struct folder_watch *w);

enum folder_news folder_watch_wait(struct folder_watch *w);

/* A wait under way, and each later one, ends as soon as no look is under way. */
void folder_watch_end(struct folder_watch *w);

/* How long the look under way has been at it; 0: none is. */
int64_t folder_watch_busy_ns(struct folder_watch *w);

#endif
