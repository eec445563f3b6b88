/* The fleet as reports want it, kept in memory between them: each guest judged and laid out as a row, in the order
 * in which reports list (report/judged.h).  Making it costs what reading the whole fleet costs; bringing it up to
 * date costs what has changed since, not the fleet and not its history.
 *
 * What has changed is asked of the store (fleet_body.h: mark, fleet_reader.changed_from): the body stamps each
 * host and guest that it writes, and says how far a moment's stamps are complete.  A row that may be older than
 * that is never asked for again; one that may be newer is read again, which does no harm.
 *
 * Bounded: with more than max_bytes of rows there is no model, and ERR_TOO_BIG says so; the caller then reads the
 * fleet as if there were none, and some minutes later it is tried again.
 *
 * Thread: that of its store. */
#ifndef HUB_FLEET_MODEL_H
#define HUB_FLEET_MODEL_H

#include "hub/fleet_body.h"
#include "report/judged.h"

struct fleet_model;

MUST_USE int fleet_model_new(struct fleet_model **out, size_t max_bytes, const struct clock *clock, struct err *e);
void fleet_model_free(struct fleet_model *m);

/* Brings it to the moment of the body's reading transaction.  ERR_TOO_BIG, ERR_UNSUPPORTED (the database can not tell
 * what has changed): there is none, read without it; the transaction goes on.  Any other error: it is empty, and
 * the transaction must be rolled back. */
MUST_USE int fleet_model_refresh(struct fleet_model *m, struct fleet_body *b, const struct drift_floors *floors,
                                 struct err *e);

/* As of the last refresh.  Hosts in order of id; guests (none that was removed) in order of reports; place: which
 * host a guest is on, SIZE_MAX when that is not known. */
size_t fleet_model_hosts(const struct fleet_model *m);
const struct host *fleet_model_host(const struct fleet_model *m, size_t place);
size_t fleet_model_guests(const struct fleet_model *m);
const struct judged_guest *fleet_model_guest(const struct fleet_model *m, size_t i, size_t *place);

/* Hosts, guests and agents of one moment from the store's model; `place` is as above.  ERR_TOO_BIG, ERR_UNSUPPORTED:
 * there is no model, or it is not for a viewer of a part of the fleet (fleet_scope.h); nothing was called.  The rows
 * stay until the next call, or the next report, of this store. */
struct fleet_rows {
    void *arg;
    bool (*host)(void *arg, const struct host *h, size_t place);
    bool (*guest)(void *arg, const struct judged_guest *g, size_t place);
    bool (*agent)(void *arg, const struct fleet_agent *a);
};
MUST_USE int fleet_store_rows(struct fleet_store *s, const struct drift_floors *floors, const struct fleet_rows *take,
                              struct err *e);

#endif
