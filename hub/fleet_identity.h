/* Who may speak for whom, as the fleet store keeps it: enrolment tokens, the
 * certificates that the hub's own CA issued, which credential an agent id
 * belongs to, banned hosts, and an account of all that happened.
 *
 * - A token is known by its id and the SHA-256 of its whole text.  A use is
 *   taken in the transaction that records the certificate, so that of two that want the
 *   last one only one gets it.  The same key may ask again with the same token without
 *   taking another use: its answer was lost.
 * - An agent id belongs to the credential that it was enrolled with, or, where
 *   the settings say so, that it was first seen with (trust on first use).  Another one is
 *   refused from then on, until a person forgets the binding.
 * - A host of which an agent has enrolled is spoken for by enrolled agents alone.
 * - A certificate that was renewed, and whose successor is in use, can not be
 *   renewed once more: two machines have it, a cloned host.
 * - What is revoked is looked up in the transaction that would store the
 *   records, so it is refused at once, on every hub of the store.
 *
 * The account is bounded: over IDENTITY_EVENTS_MAX the oldest entries go.
 *
 * Thread: as fleet_store.h.
 */
#ifndef HUB_FLEET_IDENTITY_H
#define HUB_FLEET_IDENTITY_H

#include "hub/fleet_store.h"

enum {
    IDENTITY_ADDRESS_MAX = 64,
    IDENTITY_TEXT_MAX = 384,
    IDENTITY_EVENTS_MAX = 100000,
};

struct fleet_token {
    char id[IDENTITY_TOKEN_ID_MAX];
    char digest[IDENTITY_DIGEST_MAX]; /* SHA-256 of the token's text, hexadecimal */
    char cluster[FLEET_CLUSTER_MAX];  /* "" any */
    int64_t uses, uses_left;
    int64_t created, expires;
    int64_t revoked; /* 0 not */
};

/* A certificate that our CA issued. */
struct fleet_issued {
    char serial[IDENTITY_SERIAL_MAX]; /* hexadecimal, lower case */
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX];
    char key[IDENTITY_DIGEST_MAX]; /* SHA-256 of its public key, hexadecimal */
    char token_id[IDENTITY_TOKEN_ID_MAX];
    char renewed_from[IDENTITY_SERIAL_MAX]; /* "" enrolled */
    int64_t issued, expires;
    int64_t revoked;    /* 0 not */
    int64_t first_used; /* 0 not yet */
};

/* Which credential an agent id belongs to. */
struct fleet_bound {
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX]; /* with which it was bound */
    char holder[IDENTITY_HOLDER_MAX];
    char key[IDENTITY_DIGEST_MAX]; /* of an enrolled one; else "" */
    int64_t since;
};

/* One entry of the account. */
struct fleet_identity_event {
    int64_t time;
    const char *what; /* made enrolled renewed refused revoked forgotten */
    char token_id[IDENTITY_TOKEN_ID_MAX];
    char address[IDENTITY_ADDRESS_MAX];
    char agent_id[GUID_TEXT_MAX];
    char host_id[HOST_ID_MAX];
    char serial[IDENTITY_SERIAL_MAX];
    char text[IDENTITY_TEXT_MAX];
};

/* What an enrolled agent's binding says; others are "certificate SUBJECT" and "token NAME". */
#define IDENTITY_ENROLLED "enrolled"

/* ---- tokens and certificates ---------------------------------------------------------- */

/* Records a new token, and in the account who (text) made it. */
MUST_USE int fleet_token_make(struct fleet_store *s, const struct fleet_token *t, const char *text, struct err *e);
/* ERR_NOT_FOUND when there is none of this id. */
MUST_USE int fleet_token_get(struct fleet_store *s, const char *id, struct fleet_token *out, struct err *e);

/* Takes a use of the token and records the certificate and the binding.  ERR_REFUSED, in words for who
 * asked: the token is unknown, revoked, used up or out of time, the agent id is another's, the host banned.
 * A refusal is in the account too. */
MUST_USE int fleet_enroll(struct fleet_store *s, const char *digest, const struct fleet_issued *cert,
                          const char *address, struct err *e);
/* The same for a certificate in place of cert->renewed_from. */
MUST_USE int fleet_renew(struct fleet_store *s, const struct fleet_issued *cert, const char *address, struct err *e);

/* Is a certificate of ours, or its host, revoked?  ERR_REFUSED in words. */
MUST_USE int fleet_identity_current(struct fleet_store *s, const char *serial, const char *host_id, struct err *e);

/* ---- taking away: *count tells how many there were ---------------------------------------- */

enum fleet_revoke { REVOKE_TOKEN, REVOKE_CERTIFICATE, REVOKE_HOST };
MUST_USE int fleet_identity_revoke(struct fleet_store *s, enum fleet_revoke what, const char *id, const char *text,
                                   int *count, struct err *e);
/* Forgets the bindings of an agent id or of a host (the other is NULL), and a host's ban. */
MUST_USE int fleet_identity_forget(struct fleet_store *s, const char *agent_id, const char *host_id, const char *text,
                                   int *count, struct err *e);

/* ---- reading: all of it is one moment -------------------------------------------------------- */

struct fleet_identity_reader {
    void *arg;
    void (*token)(void *arg, const struct fleet_token *t);         /* newest first */
    void (*issued)(void *arg, const struct fleet_issued *c);       /* newest first */
    void (*bound)(void *arg, const struct fleet_bound *b);         /* by agent id */
    void (*banned)(void *arg, const char *host_id, int64_t since); /* by host id */
    void (*event)(void *arg, const struct fleet_identity_event *ev);
    int event_max; /* the newest so many, newest first */
};
MUST_USE int fleet_identity_read(struct fleet_store *s, const struct fleet_identity_reader *r, struct err *e);

#endif
