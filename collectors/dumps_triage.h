/* A crash dump's verdict for the watcher: triage/ over the files seam, bounded
 * by time and bytes, one dump at a time.
 */
#ifndef COLLECTORS_DUMPS_TRIAGE_H
#define COLLECTORS_DUMPS_TRIAGE_H

#include "collectors/dumps.h"
#include "collectors/dumps_look.h"
#include "triage/triage.h"

struct dumps_reading {
    struct triage_verdict *verdict;  /* NULL: none */
    char problem[DUMPS_PROBLEM_MAX]; /* why there is none or only a part of one; "" all is well */
};

/* True when nobody else reads a dump now; the turn is then the caller's until
 * dumps_turn_give(), and at most until until_ns, so that a reader whom a dead
 * share holds keeps it no longer.  *lease is for giving it back.  A NULL turn is always free. */
bool dumps_turn_take(struct dumps_turn *turn, int64_t now_ns, int64_t until_ns, int64_t *lease);
void dumps_turn_give(struct dumps_turn *turn, int64_t lease);

/* Reads the dump until until_ns (monotonic) at most.  False: the file is no
 * longer the one that was found.  True: out is filled; free it. */
MUST_USE bool dumps_triage(const struct files *files, const struct clock *clock, const struct dumps_file *file,
                           const struct dumps_triage_options *options, int64_t until_ns, struct dumps_reading *out);
void dumps_reading_free(struct dumps_reading *r);

#endif
