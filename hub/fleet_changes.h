/* What a transaction writes into history: which facts of a guest changed, and
 * how the daily counts moved (fleet_reduce.c calls it for each guest it writes). */
#ifndef HUB_FLEET_CHANGES_H
#define HUB_FLEET_CHANGES_H

#include "hub/fleet_body.h"

/* Of a guest before it was changed. */
struct guest_facts {
    bool known; /* it was stored before; otherwise the rest is empty */
    bool removed;
    enum drift_state state;
    char host_id[HOST_ID_MAX];
    char version[KVP_VALUE_MAX];
    char os[KVP_VALUE_MAX];
};
void guest_facts_of(const struct guest *g, struct guest_facts *out);

/* Writes one change for each fact that differs.  host may be NULL; reason is
 * the sentence of the verdict that g->drift was taken from. */
MUST_USE int fleet_note_changes(struct fleet_body *b, const struct guest_facts *before, const struct guest *g,
                                const struct host *host, const char *reason, int64_t now_ns, struct err *e);

/* How the counts of one day move, gathered so that each row is written once. */
enum { FLEET_MOVES_MAX = 128 };
struct fleet_moves {
    struct fleet_count rows[FLEET_MOVES_MAX]; /* in order of cluster and state */
    size_t count;
};

/* The guest counts as `to` from now on; `from` NULL: it was not there.  Writes what is
 * gathered when there is no room for more. */
MUST_USE int fleet_moves_add(struct fleet_moves *m, struct fleet_body *b, const struct fleet_counted *from,
                             const struct fleet_counted *to, int64_t day, struct err *e);
MUST_USE int fleet_moves_write(struct fleet_moves *m, struct fleet_body *b, struct err *e);

#endif
