/* The disks of a simulation: in memory, below SQLite.
 *
 * The VFS "hvfleet-sim" keeps every file as two images, what was written and what is
 * on the disk for good, which a sync makes equal.  When the power goes, each
 * sector that was not synced is old or new by chance, and so is a file's length: writes
 * are reordered and torn.  A disk can be full, give errors by chance, and lose power in
 * the middle of a call.
 *
 * A disk holds the files whose names begin with its prefix, and belongs to one node.
 * Locks are not kept: one connection a file at a time.
 */
#ifndef TESTS_SIM_SIM_DISK_H
#define TESTS_SIM_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_VFS "hvfleet-sim"

enum { SIM_DISKS = 8, SIM_DISK_PREFIX = 128 };

enum sim_trouble {
    SIM_DISK_GOOD,
    SIM_DISK_FULL,    /* nothing can be written */
    SIM_DISK_FAILING, /* one call in a few is an I/O error */
};

struct sim_disk;

/* Registers the VFS as the default one, once, and seeds what SQLite takes for random. */
void sim_disk_begin(uint64_t seed);

/* An empty disk. */
struct sim_disk *sim_disk_new(const char *prefix);
void sim_disk_free(struct sim_disk *d);

void sim_disk_trouble(struct sim_disk *d, enum sim_trouble trouble);

/* The power goes at the n-th call that changes the disk, counted from now; 0: never mind. */
void sim_disk_die_at(struct sim_disk *d, int64_t n);
/* The n-th call that changes the disk, counted from now, is an I/O error, once; 0: never mind. */
void sim_disk_fail_at(struct sim_disk *d, int64_t n);
/* Calls that changed it, or tried to, since it was made. */
int64_t sim_disk_calls(const struct sim_disk *d);
/* Turns a bit in a file; false when there is no such place. */
bool sim_disk_flip(struct sim_disk *d, const char *name, int64_t at, int bit);
bool sim_disk_dead(const struct sim_disk *d);
void sim_disk_die(struct sim_disk *d); /* now */

/* After the files were closed: the power is back.  killed: only the program had ended, and
 * everything it wrote is there. */
void sim_disk_power_back(struct sim_disk *d, bool killed);

/* Of all files. */
uint64_t sim_disk_bytes(const struct sim_disk *d);

#endif
