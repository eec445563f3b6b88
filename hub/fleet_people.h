/* People in the fleet store: accounts, what they hold (sessions of browsers, tokens
 * of scripts), and the audit log.  All hubs on one store share them.
 *
 * Secrets are not here: of a password there is its hash, of a session or token
 * its SHA-256 (hub/people.h makes both).
 *
 * Thread: as fleet_store.h. */
#ifndef HUB_FLEET_PEOPLE_H
#define HUB_FLEET_PEOPLE_H

#include "hub/fleet_scope.h"

enum {
    PERSON_NAME_MAX = 64,
    PERSON_HASH_MAX = 256,
    TICKET_DIGEST_MAX = 72, /* 64 hexadecimal digits */
    AUDIT_WHAT_MAX = 64,
    AUDIT_TEXT_MAX = 256,
    AUDIT_ROWS_MAX = 10000, /* of one kind of entry; the oldest go first */
};

/* Words: viewer admin. */
enum person_role { ROLE_VIEWER, ROLE_ADMIN, ROLE_COUNT };
const char *person_role_name(enum person_role role);
bool person_role_parse(const char *word, enum person_role *out);

struct fleet_person {
    char name[PERSON_NAME_MAX];
    enum person_role role;
    char hash[PERSON_HASH_MAX]; /* crypt(5); "" there is no password: a proxy names the person */
    int64_t created;
    char clusters[FLEET_SCOPE_MAX]; /* which the person may see, one a line; "" the whole fleet */
};
void fleet_person_scope(const struct fleet_person *p, struct fleet_scope *out);

enum ticket_kind { TICKET_SESSION, TICKET_TOKEN };

struct fleet_ticket {
    char digest[TICKET_DIGEST_MAX];
    enum ticket_kind kind;
    char person[PERSON_NAME_MAX];
    int64_t created, seen, ends;
};

struct fleet_audit {
    int64_t time;
    char who[PERSON_NAME_MAX];     /* "" nobody that is known; "command line" */
    char address[PERSON_NAME_MAX]; /* of the peer; "" the hub's own machine */
    char what[AUDIT_WHAT_MAX];     /* "login", "login-refused", "user-added" ... */
    char text[AUDIT_TEXT_MAX];
};

/* ERR_NOT_FOUND. */
MUST_USE int fleet_person_get(struct fleet_store *s, const char *name, struct fleet_person *out, struct err *e);
/* A new account, or all of one anew. */
MUST_USE int fleet_person_put(struct fleet_store *s, const struct fleet_person *p, struct err *e);
/* Its password alone; ends all that the person holds.  Its role and clusters alone.  Neither undoes what somebody else
 * changes meanwhile, and an account that is gone stays gone. */
MUST_USE int fleet_person_password(struct fleet_store *s, const char *name, const char *hash, struct err *e);
MUST_USE int fleet_person_limits(struct fleet_store *s, const struct fleet_person *p, struct err *e);
/* With all the person holds. */
MUST_USE int fleet_person_drop(struct fleet_store *s, const char *name, struct err *e);
typedef bool fleet_take_person(void *arg, const struct fleet_person *p);
MUST_USE int fleet_people_each(struct fleet_store *s, fleet_take_person *take, void *arg, struct err *e);

/* ERR_NOT_FOUND too when it has ended by now_ns. */
MUST_USE int fleet_ticket_get(struct fleet_store *s, const char *digest, int64_t now_ns, struct fleet_ticket *out,
                              struct err *e);
/* Its new `seen` and `ends`; one that is gone meanwhile stays gone. */
MUST_USE int fleet_ticket_seen(struct fleet_store *s, const struct fleet_ticket *t, struct err *e);
/* A new one; removes what has ended by t->seen. */
MUST_USE int fleet_ticket_put(struct fleet_store *s, const struct fleet_ticket *t, struct err *e);
MUST_USE int fleet_ticket_drop(struct fleet_store *s, const char *digest, struct err *e);
/* All that the person holds. */
MUST_USE int fleet_tickets_drop(struct fleet_store *s, const char *person, struct err *e);

MUST_USE int fleet_audit_put(struct fleet_store *s, const struct fleet_audit *a, struct err *e);
typedef bool fleet_take_audit(void *arg, const struct fleet_audit *a);
/* The newest first. */
MUST_USE int fleet_audit_each(struct fleet_store *s, int64_t since_ns, int limit, fleet_take_audit *take, void *arg,
                              struct err *e);

#endif
