/* The dump file seen through a bounded window: a cache of blocks, a budget of
 * bytes, a deadline.
 *
 * Every read of the library goes through here, so that work is bounded in one
 * place.  Once the budget or the time is used up, or the reader fails, the
 * window is stopped: every later read fails at once, and `stop` says which it
 * was.
 */
#ifndef TRIAGE_WINDOW_H
#define TRIAGE_WINDOW_H

#include "base/error.h"
#include "triage/reader.h"
#include "triage/triage.h"

#include <stdbool.h>

enum window_stop { WINDOW_RUNS, WINDOW_BUDGET, WINDOW_DEADLINE, WINDOW_ERROR };

struct window_block;

struct window {
    const struct triage_reader *reader;
    const struct triage_limits *limits;
    struct window_block *blocks; /* owned */
    uint64_t bytes_read;
    unsigned reads_to_clock;
    enum window_stop stop;
    struct err error; /* when stop is WINDOW_ERROR */
};

int window_open(struct window *s, const struct triage_reader *r, const struct triage_limits *limits,
                struct err *e) MUST_USE;
void window_close(struct window *s);

/* All of [offset, offset + len) or false; then buf is zeroed. */
bool window_read(struct window *s, uint64_t offset, void *buf, size_t len);

/* For loops that may turn for long without reading: false when time is up. */
bool window_runs(struct window *s);

#endif
