/* People over HTTP: who may see pages and reports, signing in and out.
 *
 * A person signs in with name and password and holds a session: a cookie (Secure, HttpOnly,
 * SameSite=Strict) whose digest is in the fleet store, so that every hub on the store knows it.
 * It ends after web.session_idle without use, and after web.session_max whatever happens; each
 * sign-in makes a new one.  A script shows a token of `hvhub user token` as a bearer token.  A proxy that has asked
 * people who they are names them in a header.  What an account may see is read from the store with each request, so
 * a change holds from the next one.
 *
 * The forms carry a random value that must be the one of a cookie set with the page, and a
 * browser that says that the request comes from another site is refused.
 *
 * What a stranger can cost is bounded: sessions and tokens are looked up on a thread of their own (the door), passwords
 * are hashed on another, one at a time, and both queues are short.  Tries are bounded for each name, for each address
 * and in all, whether there is such an account or not. */
#ifndef HUB_LOGIN_H
#define HUB_LOGIN_H

#include "hub/exchange.h"

struct login;

/* Shared by a hub's servers, like its tokens.  The two stores are handles on the same store, one for each thread;
 * they are taken over, also on error. */
MUST_USE int login_new(struct login **out, struct fleet_store *door, struct fleet_store *signing,
                       const struct clock *clock, struct err *e);
/* After the servers have ended. */
void login_free(struct login *l);

/* The headers of a request for a page or the API are there: lets it pass, refuses it, sends a browser to
 * /login, or leaves x->viewer.ask to be looked up. */
void login_check(struct exchange *x);
/* Hands the exchange over; it goes on, or is refused. */
void login_look_up(struct exchange *x);

/* login_form.c: GET and POST /login, POST /logout */
void login_begin(struct exchange *x);
void login_page(struct exchange *x);
void login_finish(struct exchange *x);
void logout_finish(struct exchange *x);

/* login_account.c: GET /account, POST /account/password, GET /audit */
void account_page(struct exchange *x);
void account_password_finish(struct exchange *x);
void audit_page(struct exchange *x);

#endif
