/* See deliver_lease.h. */
#include "hub/deliver_lease.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { BEATS_IN_TAKEOVER = 3, OWNER_BYTES = 16 };

static int64_t monotonic(const struct deliver_lease *l)
{
    return l->clock->monotonic_ns(l->clock);
}

void deliver_lease_init(struct deliver_lease *l, struct fleet_store *store, const struct clock *clock,
                        const struct random_source *random, int64_t takeover_ns)
{
    unsigned char id[OWNER_BYTES];

    *l = (struct deliver_lease){ .store = store, .clock = clock, .takeover_ns = takeover_ns };
    random->fill(random, id, sizeof id);
    for (int i = 0; i < OWNER_BYTES; i++)
        snprintf(l->owner + 2 * i, 3, "%02x", id[i]);
}

static void hold(struct deliver_lease *l, const struct fleet_lease *over)
{
    struct fleet_lease now;
    struct err e = { 0 };
    bool mine = false, was = l->mine;

    if (fleet_lease_hold(l->store, l->owner, over, &mine, &now, &e) != 0) {
        log_event(LOG_WARN, "deliver.lease_failed", LOG_S("problem", e.text));
        return;
    }
    l->mine = mine;
    l->beat_at = monotonic(l);
    if (!mine) {
        l->other = now;
        l->other_since = l->beat_at;
    }
    if (mine != was)
        log_event(LOG_INFO, mine ? "deliver.begins" : "deliver.watches",
                  LOG_S("reason", over != NULL ? "the other hub is silent" : NULL));
}

void deliver_lease_watch(struct deliver_lease *l)
{
    struct fleet_lease now;
    struct err e = { 0 };
    int64_t at = monotonic(l);

    if (fleet_lease_read(l->store, &now, &e) != 0) {
        log_event(LOG_WARN, "deliver.lease_failed", LOG_S("problem", e.text));
    } else if (now.owner[0] == '\0') {
        hold(l, NULL);
    } else if (now.beat != l->other.beat || strcmp(now.owner, l->other.owner) != 0) {
        l->other = now;
        l->other_since = at;
    } else if (at - l->other_since >= l->takeover_ns) {
        hold(l, &now);
    }
}

void deliver_lease_beat(struct deliver_lease *l)
{
    if (l->mine && monotonic(l) - l->beat_at >= l->takeover_ns / BEATS_IN_TAKEOVER)
        hold(l, NULL);
}

void deliver_lease_written(struct deliver_lease *l)
{
    l->beat_at = monotonic(l);
}

bool deliver_lease_lost(struct deliver_lease *l, int rc)
{
    if (rc != ERR_REFUSED)
        return false;
    l->mine = false;
    l->other_since = monotonic(l);
    log_event(LOG_INFO, "deliver.watches", LOG_S("reason", "another hub took over"));
    return true;
}

void deliver_lease_release(struct deliver_lease *l)
{
    struct err e = { 0 };

    if (l->mine && fleet_lease_release(l->store, l->owner, &e) != 0)
        log_event(LOG_WARN, "deliver.lease_failed", LOG_S("problem", e.text));
    l->mine = false;
}
