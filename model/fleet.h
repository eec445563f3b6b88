/* Hosts and guests in memory, keyed by their ids: what `hvagent replay`, the
 * hub's ingest (over the rows a batch touches) and tests reduce into.
 * One thread at a time. */
#ifndef MODEL_FLEET_H
#define MODEL_FLEET_H

#include "model/drift.h"
#include "model/guest.h"
#include "model/host.h"

struct fleet;

struct fleet *fleet_new(const struct drift_floors *floors); /* NULL out of memory */
void fleet_free(struct fleet *f);

/* Finds or makes.  The pointer stays valid until fleet_free(). */
struct host *fleet_host(struct fleet *f, const char *host_id);
struct guest *fleet_guest(struct fleet *f, const char *vm_id);
/* Finds only; NULL when not there. */
struct host *fleet_find_host(const struct fleet *f, const char *host_id);
struct guest *fleet_find_guest(const struct fleet *f, const char *vm_id);

struct drift_peers *fleet_peers(struct fleet *f);

/* host_apply() and, when there is a VM id, guest_apply(); remembers whom it
 * touched.  ERR_MEMORY changes nothing.  What comes from no host (a resource
 * without host.id) is left out. */
MUST_USE int fleet_apply(struct fleet *f, const struct resource *r, const struct observation *o, struct err *e);

/* Evaluates every guest that was touched, that sits on a host whose facts changed, or whose
 * peers' highest version changed, and keeps the verdicts. */
void fleet_evaluate(struct fleet *f);

/* In order of cluster, host name, VM name. The array is owned by the fleet and valid until the next call;
 * NULL, and *count 0, out of memory. */
struct host **fleet_hosts(struct fleet *f, size_t *count);
struct guest **fleet_guests(struct fleet *f, size_t *count);

#endif
