/* New crash dumps in watched folders to hyperv.guest.dump observations.
 *
 * A dump is taken when it is complete (hyperv.md, section D) and once, however
 * often it is touched, renamed or seen by two notifications; what is partial,
 * empty, foreign or unreadable is reported as such, once, and looked at again only when it changes.
 *
 * With triage on, a dump that is told is read for its verdict first
 * (triage/triage.h): by the step that tells it, within what the step has left,
 * one dump at a time among all sources that share a turn, at the priority of the thread that
 * takes the step.  A dump whose verdict can not be had in time is told with the facts of its
 * header and with why.
 *
 * Which files: dumps_walk.h.  What counts as the same dump, and what a mark
 * forgets: dumps_known.h.  Which VM it belongs to: dumps_look.h.  The source
 * sets its own interval_ns after every step: short while a file waits to settle.
 */
#ifndef COLLECTORS_DUMPS_H
#define COLLECTORS_DUMPS_H

#include "collectors/source.h"
#include "plat/clock.h"
#include "plat/files.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Whose turn it is to read a dump.  Zero is free.  Shared by sources on any
 * threads; lives longer than they do. */
struct dumps_turn {
    _Atomic int64_t until_ns; /* monotonic */
};

struct dumps_triage_options {
    bool on;
    int64_t deadline_ns;     /* for one dump */
    uint64_t read_max;       /* bytes read of one dump */
    struct dumps_turn *turn; /* NULL: none to wait for */
};

struct dumps_options {
    const char *dir; /* watched, with its subfolders to depth_max; one below may name the VM */
    int depth_max;
    int64_t rescan_ns;  /* the slow rescan beside notifications */
    int64_t settle_ns;  /* how long size and time must stand still */
    int files_max;      /* more are reported as a problem, not followed */
    int64_t give_up_ns; /* an incomplete dump unchanged this long is reported as partial */
    struct dumps_triage_options triage;
};

MUST_USE int dumps_source_new(const char *name, const struct files *files, const struct clock *clock,
                              const struct dumps_options *options, struct source **out, struct err *e);

#endif
