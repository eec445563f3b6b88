/* Guests judged once and listed in any number of reports.
 *
 * Judging a guest and laying out its row costs far more than listing the row.  Who makes many
 * reports of one fleet (hub/fleet_model.h) keeps the rows, and makes a row anew only when something
 * that it rests on has changed:
 * - the guest itself;
 * - its host, when judged_host_update() says so;
 * - the host's newest poll, when judged_guest_holds() says so;
 * - the peers of its OS build, when judged_guest_peers() says so.
 * A report from kept rows is the same, byte for byte, as one that judges every guest.
 *
 * Not thread safe: one thread at a time, the reports included. */
#ifndef REPORT_JUDGED_H
#define REPORT_JUDGED_H

#include "base/error.h"
#include "model/drift.h"

#include <stdbool.h>
#include <stddef.h>

/* A host, and the sentences about it that rows point to.  Must stay where it is while there are rows of its guests. */
struct judged_host {
    struct host h;
    char expects[2][DRIFT_EVIDENCE_TEXT_MAX]; /* of guests of 6.x, of 5.x: drift_expected_line() */
};

void judged_host_init(struct judged_host *jh, const struct host *h);
/* Takes over what the host says now.  True: the rows of its guests must be made anew. */
MUST_USE bool judged_host_update(struct judged_host *jh, const struct host *now);
/* Its name, or its id where it has none. */
const char *judged_host_name(const struct judged_host *jh);

struct judged_guest;

/* on: the guest's host, NULL when it is not known.  peers: of the whole fleet; used before this returns.
 * The row has its own memory but for what it points to in *on.  ERR_MEMORY. */
MUST_USE int judged_guest_new(struct judged_guest **out, const struct judged_host *on, const struct guest *g,
                              const struct drift_peers *peers, const struct drift_floors *floors, struct err *e);
void judged_guest_free(struct judged_guest *j);
size_t judged_guest_bytes(const struct judged_guest *j); /* of memory */

const char *judged_guest_id(const struct judged_guest *j);
/* False: the polls of its host have gone past what the row says. */
bool judged_guest_holds(const struct judged_guest *j);
/* False: the highest version of its build is another among these peers than among those it was judged by. */
bool judged_guest_peers(const struct judged_guest *j, const struct drift_peers *peers);
/* The order of reports: worst first, then by cluster, host, name and id.  For qsort() over pointers. */
int judged_guest_order(const void *a, const void *b);

#endif
