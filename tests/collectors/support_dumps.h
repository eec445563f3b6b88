/* A dumps source over files in memory and a clock that obeys, and crash dumps
 * to put there. */
#ifndef TESTS_COLLECTORS_SUPPORT_DUMPS_H
#define TESTS_COLLECTORS_SUPPORT_DUMPS_H

#include "base/times.h"
#include "collectors/dumps.h"
#include "tests/collectors/support_fake_files.h"

enum {
    DUMP_HEAD = 0x2000,
    DUMP_PAGES = 2,
    DUMP_SIZE = DUMP_HEAD + DUMP_PAGES * 0x1000,
    DUMP_MTIME = 1000,
};

#define SECOND NS_PER_S
#define MINUTE (60 * NS_PER_S)
#define HOUR   (3600 * NS_PER_S)
#define WALL   (INT64_C(1769846400) * NS_PER_S) /* 2026-01-31T08:00:00Z, what a step is told as now */

/* A complete memory dump of two pages (dumps.md 1.1, 1.4), DUMP_SIZE bytes. */
void dump_make(unsigned char *out, uint32_t code, uint64_t crash_seconds);
void dump_put32(unsigned char *at, uint32_t v);

/* Of codes D1 and 9F. */
extern unsigned char dump_a[DUMP_SIZE], dump_b[DUMP_SIZE];

struct dump_run {
    struct fake_files fs;
    struct fake_clock clock;
    const struct files *files;
    struct dumps_options options;
    struct source *source;
    char *mark; /* committed */
    struct obs_batch batch;
    struct source_step step;
    int max_events;
    int64_t deadline_ns;
};

/* Watches dir; "/d" is an empty folder of the fake files.  Other options are
 * set between this and a restart. */
struct dump_run *dump_run_new(const char *dir);
void dump_run_free(struct dump_run *r);
void dump_run_restart(struct dump_run *r);

/* One step; the batch is there until the next. */
void dump_run_step(struct dump_run *r);
/* One step `after` the last, and its commit; the number of dumps told. */
int dump_run_take(struct dump_run *r, int64_t after);
/* Settles what is there: two looks; the number of dumps told at the second. */
int dump_run_settle(struct dump_run *r);

/* Of the batch's first dump; "" when there is none. */
const char *dump_run_status(const struct dump_run *r);
const char *dump_run_problem(const struct dump_run *r);

#endif
