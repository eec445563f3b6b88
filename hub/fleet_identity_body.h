/* The part of the seam in fleet_body.h that fleet_identity.c uses: where the
 * rows of identities lie.  The rules are those of fleet_body.h. */
#ifndef HUB_FLEET_IDENTITY_BODY_H
#define HUB_FLEET_IDENTITY_BODY_H

#include "hub/fleet_body.h"
#include "hub/fleet_identity.h"

/* All that the store knows of one speaker, in one question. */
struct fleet_standing {
    int64_t host_banned;              /* since; 0 not */
    char holder[IDENTITY_HOLDER_MAX]; /* "" the agent id is bound to nobody */
    char bound_host[HOST_ID_MAX];
    int64_t host_enrolled; /* how many agent ids of the host have enrolled */
    int64_t revoked;       /* of the certificate; 0 not, or not known */
    int64_t first_used;    /* of it; -1 when the certificate is not known */
};

struct fleet_identity_ops {
    int (*token_put)(struct fleet_body *b, const struct fleet_token *t, struct err *e);
    int (*token_get)(struct fleet_body *b, const char *id, struct fleet_token *out, struct err *e);
    /* One use less; *taken is false, and nothing changed, when there is none left. */
    int (*token_take)(struct fleet_body *b, const char *id, bool *taken, struct err *e);
    int (*token_revoke)(struct fleet_body *b, const char *id, int64_t now, int *count, struct err *e);

    int (*issued_put)(struct fleet_body *b, const struct fleet_issued *c, struct err *e);
    int (*issued_get)(struct fleet_body *b, const char *serial, struct fleet_issued *out, struct err *e);
    /* The newest that the token gave to this key. */
    int (*issued_for)(struct fleet_body *b, const char *token_id, const char *key, struct fleet_issued *out,
                      struct err *e);
    /* One in use that renewed this one, with another key. */
    int (*issued_after)(struct fleet_body *b, const char *serial, const char *key, struct fleet_issued *out,
                        struct err *e);
    int (*issued_used)(struct fleet_body *b, const char *serial, int64_t now, struct err *e);
    int (*issued_revoke)(struct fleet_body *b, const char *serial, int64_t now, int *count, struct err *e);
    int (*issued_revoke_host)(struct fleet_body *b, const char *host_id, int64_t now, int *count, struct err *e);

    int (*issued_prune)(struct fleet_body *b, int64_t before, struct err *e); /* those that expired before */

    int (*bound_get)(struct fleet_body *b, const char *agent_id, struct fleet_bound *out, struct err *e);
    int (*bound_put)(struct fleet_body *b, const struct fleet_bound *bound, struct err *e);
    int (*bound_forget)(struct fleet_body *b, const char *agent_id, const char *host_id, int *count, struct err *e);

    int (*ban_put)(struct fleet_body *b, const char *host_id, int64_t now, struct err *e);
    int (*ban_drop)(struct fleet_body *b, const char *host_id, int *count, struct err *e);

    int (*standing)(struct fleet_body *b, const char *agent_id, const char *host_id, const char *serial,
                    struct fleet_standing *out, struct err *e);

    int (*event_put)(struct fleet_body *b, const struct fleet_identity_event *ev, int keep, struct err *e);
    int (*read)(struct fleet_body *b, const struct fleet_identity_reader *r, struct err *e);
};

extern const struct fleet_identity_ops sqlite_identity_ops, postgres_identity_ops;

/* In the transaction that is open: may the speaker say what this resource says?  *refused tells, why in words.  Binds
 * at first use, and puts the finding of what does not fit. */
MUST_USE int fleet_identity_check(struct fleet_body *b, int64_t now, const struct fleet_speaker *speaker,
                                  const struct resource *who, bool *refused, char *why, size_t size, struct err *e);

#endif
