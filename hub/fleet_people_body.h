/* The part of the seam in fleet_body.h that fleet_people.c uses: where the rows of people lie.  The rules are
 * those of fleet_body.h. */
#ifndef HUB_FLEET_PEOPLE_BODY_H
#define HUB_FLEET_PEOPLE_BODY_H

#include "hub/fleet_body.h"
#include "hub/fleet_people.h"

struct fleet_people_ops {
    int (*person_get)(struct fleet_body *b, const char *name, struct fleet_person *out, struct err *e);
    int (*person_put)(struct fleet_body *b, const struct fleet_person *p, struct err *e);
    /* Of an account that is there; else nothing. */
    int (*person_hash)(struct fleet_body *b, const char *name, const char *hash, struct err *e);
    int (*person_limits)(struct fleet_body *b, const struct fleet_person *p, struct err *e);
    int (*person_drop)(struct fleet_body *b, const char *name, struct err *e);
    int (*person_each)(struct fleet_body *b, fleet_take_person *take, void *arg, struct err *e); /* in order of name */
    int (*ticket_get)(struct fleet_body *b, const char *digest, int64_t now_ns, struct fleet_ticket *out,
                      struct err *e);
    int (*ticket_put)(struct fleet_body *b, const struct fleet_ticket *t, struct err *e);
    int (*ticket_seen)(struct fleet_body *b, const struct fleet_ticket *t, struct err *e);
    int (*ticket_drop)(struct fleet_body *b, const char *digest, struct err *e);
    int (*tickets_drop)(struct fleet_body *b, const char *person, struct err *e);
    int (*tickets_prune)(struct fleet_body *b, int64_t ended_by_ns, struct err *e);
    /* keep: of this kind */
    int (*audit_put)(struct fleet_body *b, const struct fleet_audit *a, int64_t keep, struct err *e);
    int (*audit_each)(struct fleet_body *b, int64_t since_ns, int limit, fleet_take_audit *take, void *arg,
                      struct err *e);
};

extern const struct fleet_people_ops sqlite_people_ops, postgres_people_ops;

#endif
