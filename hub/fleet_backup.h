/* A fleet store's file as a backup, and back.  SQLite only: a database has its own
 * means (docs/running.md).
 *
 * A backup is one file, mode 0600, of one moment of the fleet, taken while hubs go
 * on reading and writing, proved by an integrity check and on the disk when the
 * call returns.  It is a fleet store itself.
 *
 * A restored fleet is older than what agents have been told: what they delivered since
 * then is neither in it nor sent again.  Their next records are stored with a jump in the
 * numbers, which is a finding (sequence-hole), and their inventories come again by
 * themselves (fleet_store.h has the rules). */
#ifndef HUB_FLEET_BACKUP_H
#define HUB_FLEET_BACKUP_H

#include "base/error.h"
#include "hub/fleet_store.h"

#include <stdbool.h>
#include <stdint.h>

enum { FLEET_BACKUP_PATH_MAX = 4096 };

/* Called from time to time, in bytes, and with done == total at the end of each step. */
typedef void fleet_backup_progress(void *arg, const char *step, int64_t done, int64_t total);

struct fleet_backup {
    const char *from, *to; /* files */
    bool replace;          /* fleet_restore(): a fleet that is there is moved aside */
    const struct drift_floors *floors;
    const struct clock *clock;
    fleet_backup_progress *progress; /* may be NULL */
    void *arg;
};

struct fleet_backup_result {
    uint64_t hosts, guests;
    int64_t bytes;
    int64_t newest;                    /* when the fleet last heard of an agent; 0 never */
    char aside[FLEET_BACKUP_PATH_MAX]; /* fleet_restore(): where the fleet is that was there; "" there was none */
};

/* From a fleet store to a new file.
 * ERR_STATE  `to` is there, or `to`.part: another backup, or what a killed one left
 * and the errors of fleet_store_open(), read only, for `from`. */
MUST_USE int fleet_backup(const struct fleet_backup *b, struct fleet_backup_result *out, struct err *e);

/* From a backup to the hub's file, which no program may have open.  The copy is checked, and brought
 * to this program's schema, before the file that is there is touched.
 * ERR_STATE  a fleet is there and replace is not set, or `to`.restoring is there
 * ERR_BUSY   a program has `to` open
 * and the errors of fleet_store_open() for `from`. */
MUST_USE int fleet_restore(const struct fleet_backup *b, struct fleet_backup_result *out, struct err *e);

#endif
