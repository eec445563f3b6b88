/* What was found since the last look, for a delivery that is told of it.
 *
 * Three kinds of sources: changes of guests' states, read from history in the order
 * in which the hub received them, from the delivery's cursor on (and a little before it,
 * because a transaction that began earlier may be committed later); findings
 * about hosts, of which all are read and held against what is remembered; and incidents (deliver_incidents.c). */
#ifndef HUB_DELIVER_LOOK_H
#define HUB_DELIVER_LOOK_H

#include "config/hub_delivery.h"
#include "hub/fleet_delivery.h"

struct deliver_look {
    struct fleet_store *store;
    const char *owner; /* of the lease */
    const struct hub_delivery *delivery;
    int64_t now_ns;
    int64_t host_silent_ns;
    bool findings; /* look at the hosts too: costs as much as there are hosts */
    bool first;    /* what is there already is not new: it is remembered as told */
};

/* Writes what it found into the store, moves row->cursor, and sets row->found when something waits that did not.
 * row itself is the caller's to save; when it is not, the same is found again. */
MUST_USE int deliver_look(const struct deliver_look *l, struct fleet_delivery *row, struct err *e);

/* Forgets what no look can come upon again. */
MUST_USE int deliver_forget(const struct deliver_look *l, const struct fleet_delivery *row, struct err *e);

/* deliver_incidents.c: the part of these that is about incidents.  Moves row->incidents. */
MUST_USE int deliver_look_at_incidents(const struct deliver_look *l, struct fleet_delivery *row, struct err *e);
MUST_USE int deliver_forget_incidents(const struct deliver_look *l, const struct fleet_delivery *row, struct err *e);

/* How many things wait. */
MUST_USE int deliver_waiting(const struct deliver_look *l, int64_t *out, struct err *e);

#endif
