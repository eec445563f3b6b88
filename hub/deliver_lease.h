/* Which of the hubs on one store delivers: fleet_delivery.h has the rows, this the watching. */
#ifndef HUB_DELIVER_LEASE_H
#define HUB_DELIVER_LEASE_H

#include "hub/fleet_delivery.h"
#include "plat/clock.h"
#include "plat/random.h"

struct deliver_lease {
    struct fleet_store *store;
    const struct clock *clock;
    int64_t takeover_ns;
    char owner[DELIVERY_ID_MAX]; /* our own id, by chance: new with every start */
    bool mine;                   /* as far as we know */
    int64_t beat_at;             /* monotonic: when we last wrote it */
    struct fleet_lease other;    /* another hub's, and since when it has looked like this */
    int64_t other_since;         /* monotonic */
};

void deliver_lease_init(struct deliver_lease *l, struct fleet_store *store, const struct clock *clock,
                        const struct random_source *random, int64_t takeover_ns);

/* Takes the lease when it is free, or when its holder has shown no sign of life for takeover_ns by our own clock. */
void deliver_lease_watch(struct deliver_lease *l);

/* Shows a sign of life, when it is time for one. */
void deliver_lease_beat(struct deliver_lease *l);

/* A write went well: that was a sign of life. */
void deliver_lease_written(struct deliver_lease *l);

/* True when rc says that another hub has it now. */
bool deliver_lease_lost(struct deliver_lease *l, int rc);

void deliver_lease_release(struct deliver_lease *l);

#endif
