/* A disk that can fail, fill up and lose power, below SQLite.
 *
 * The VFS "hvfleet-test" passes everything on to the system's own, counts what
 * changes the disk (write, sync, truncate, delete) and can make the n-th such
 * operation go wrong.  It remembers what was not synced, so that a crash can
 * take it away again, whole or in sectors.  Nothing is really synced, which
 * makes it quick.
 */
#ifndef TESTS_STORE_SUPPORT_VFS_H
#define TESTS_STORE_SUPPORT_VFS_H

#include <stdint.h>

#define TEST_VFS "hvfleet-test"

enum disk_fault {
    DISK_GOOD,
    DISK_FAILS_ONCE,      /* the operation is an I/O error; a write may be half done */
    DISK_READ_FAILS_ONCE, /* operations are reads then */
    DISK_FULL,            /* from this operation on every write is refused until disk_reset() */
    DISK_CRASH,           /* from this operation on nothing reaches the disk until disk_crash() */
};

/* Registers the VFS (once) and makes the disk good. */
void disk_reset(void);

/* The operation number `at`, counted from 1 from now on, goes wrong. */
void disk_plan(enum disk_fault fault, int64_t at);

/* Operations since disk_plan() or disk_reset(); and whether the plan was met. */
int64_t disk_operations(void);
int disk_met(void);

/* The power is back: of what was not synced some sectors are there and some
 * are not, as the seed says (0: none are), and the disk is good. */
void disk_crash(uint64_t seed);

#endif
