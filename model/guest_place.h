/* Where a guest is: the part of the reducer that weighs what several hosts say.
 * Private to model/.
 */
#ifndef MODEL_GUEST_PLACE_H
#define MODEL_GUEST_PLACE_H

#include "model/guest.h"

/* host_id saw the guest at t; running tells whether it ran there. */
void guest_place_seen(struct guest *g, const char *host_id, int64_t t, bool running);
/* The guest arrived on host_id by migration at t. */
void guest_place_arrived(struct guest *g, const char *host_id, int64_t t);
/* A complete poll of host_id at t no longer had the guest. */
void guest_place_removed(struct guest *g, const char *host_id, int64_t t);

/* Computes host_id, host_time, host_since, removed and removed_time anew;
 * true when host_id or removed changed. */
bool guest_place_settle(struct guest *g);

#endif
