/* What login.c and login_form.c share. */
#ifndef HUB_LOGIN_INTERNAL_H
#define HUB_LOGIN_INTERNAL_H

#include "hub/limits_rate.h"
#include "hub/login.h"
#include "hub/people.h"

enum {
    LOGIN_RATE = 1024,          /* three tries at once, then one in four seconds (limits_rate.h) */
    LOGIN_RATE_ALL = 16 * 1024, /* of all names and addresses: four a second */
    LOGIN_RETRY_S = 5,
    LOGIN_BODY_MAX = 4096,
};

struct login {
    struct fleet_store *people; /* the worker's; not owned */
    struct rate *tries, *all_tries;
};

/* The peer's address as a text, IPv4 as such even where it comes as IPv6; "" unknown. */
void login_peer(const struct exchange *x, char out[PERSON_NAME_MAX]);

const char *login_cookie_name(const struct exchange *x);
const char *login_cookie(const struct exchange *x, const char *name); /* NULL when it is not there */

#endif
