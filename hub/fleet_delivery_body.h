/* The part of the seam in fleet_body.h that fleet_delivery.c uses: where the
 * rows of deliveries lie.  The rules are those of fleet_body.h. */
#ifndef HUB_FLEET_DELIVERY_BODY_H
#define HUB_FLEET_DELIVERY_BODY_H

#include "hub/fleet_body.h"
#include "hub/fleet_delivery.h"

struct fleet_delivery_ops {
    int (*lease_get)(struct fleet_body *b, struct fleet_lease *out, struct err *e);
    int (*lease_put)(struct fleet_body *b, const struct fleet_lease *l, struct err *e);
    int (*get)(struct fleet_body *b, const char *name, struct fleet_delivery *out, struct err *e);
    int (*put)(struct fleet_body *b, const struct fleet_delivery *d, struct err *e);
    /* A new row, or one in place of a lower instance. */
    int (*found_put)(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e);
    /* The row of a lower instance is solved, where there is one. */
    int (*found_solve)(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e);
    int (*found_drop)(struct fleet_body *b, const char *delivery, const struct fleet_found *f, struct err *e);
    int (*found_move)(struct fleet_body *b, const char *delivery, enum fleet_found_status from,
                      enum fleet_found_status to, struct err *e);
    int (*found_forget)(struct fleet_body *b, const char *delivery, const char *event, int64_t before, struct err *e);
    int (*found_each)(struct fleet_body *b, const char *delivery, const char *event, int status, int limit,
                      fleet_take_found *take, void *arg, struct err *e);
    int (*found_count)(struct fleet_body *b, const char *delivery, const char *event, enum fleet_found_status status,
                       int64_t *out, struct err *e);
    int (*changes)(struct fleet_body *b, int64_t received, const char *vm_id, int limit, fleet_take_change *take,
                   void *arg, struct err *e);
    int (*new_incidents)(struct fleet_body *b, const struct fleet_new_query *q, fleet_take_new_incident *take,
                         void *arg, struct err *e);
};

extern const struct fleet_delivery_ops sqlite_delivery_ops, postgres_delivery_ops;

#endif
