/* Moves a fleet from a SQLite file into an empty PostgreSQL database.
 *
 * All in one transaction of the database: when it fails, or is killed, the
 * database is as before and it can be run again.  The file is only read (after
 * its own schema was brought up to date), and no hub may have it open. */
#ifndef HUB_FLEET_MIGRATE_H
#define HUB_FLEET_MIGRATE_H

#include "base/error.h"
#include "hub/fleet_store.h"

#include <stdint.h>

/* Called from time to time, and with done == total at the end of each table. */
typedef void fleet_migrate_progress(void *arg, const char *table, int64_t done, int64_t total);

struct fleet_migration {
    const char *file, *url;
    const struct drift_floors *floors;
    const struct clock *clock;
    fleet_migrate_progress *progress; /* may be NULL */
    void *arg;
};

/* ERR_BUSY   a hub has the file open
 * ERR_STATE  the database holds a fleet already; *rows is untouched
 * and the errors of fleet_store_open() for either. */
MUST_USE int fleet_migrate(const struct fleet_migration *m, int64_t *rows, struct err *e);

#endif
