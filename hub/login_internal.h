/* What the files of login.h share. */
#ifndef HUB_LOGIN_INTERNAL_H
#define HUB_LOGIN_INTERNAL_H

#include "hub/limits_rate.h"
#include "hub/login.h"
#include "hub/login_fields.h"

enum {
    LOGIN_RATE_NAME = 1024,        /* three tries at once, then one in four seconds (limits_rate.h) */
    LOGIN_RATE_ADDRESS = 4 * 1024, /* nine at once, then one a second: several people may share an address */
    LOGIN_RATE_ALL = 16 * 1024,    /* of all names and addresses: four a second */
    LOGIN_RETRY_S = 5,
    LOOK_UPS_QUEUED = 64,
    PASSWORDS_QUEUED = 16,
};

struct login {
    struct fleet_store *door, *signing; /* each of one thread */
    struct worker *look_ups, *passwords;
    struct rate *names, *addresses, *all;
    _Atomic bool has_accounts; /* somebody has seen one */
};

/* The peer's address as a text, IPv4 as such even where it comes as IPv6; "" unknown. */
void login_peer(const struct exchange *x, char out[PERSON_NAME_MAX]);

const char *login_cookie_name(const struct exchange *x);
const char *login_cookie(const struct exchange *x, const char *name); /* NULL when it is not there */

/* ---- login_form.c ------------------------------------------------------------------------- */

/* Reads the form, and sees that it was made from our page in this browser. */
bool login_form_good(struct exchange *x, struct login_form *f);
/* One more try of this name from this peer; the seconds to wait when there were too many. */
int login_count_try(struct exchange *x, const char *name);
/* A new session of the person, with its cookie.  On the passwords' thread. */
MUST_USE int login_begin_session(struct exchange *x, const char *person, struct err *e);
/* Into the audit log; s is the running thread's. */
void login_audit(const struct exchange *x, struct fleet_store *s, const char *who, const char *what);
/* Begins a page; the hidden field of its forms, whose cookie it sets.  problem: NULL none. */
void login_page_start(struct exchange *x, int status, const char *title, const char *problem, char secret[SECRET_MAX]);
void login_page_end(struct exchange *x);
void login_hidden_field(struct buf *out, const char *secret);
/* Wipes what is left of passwords. */
void login_wipe(struct exchange *x, struct login_form *f);

#endif
