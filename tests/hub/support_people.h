/* Accounts and what they hold, put into a running hub's store directly, and requests in their name. */
#ifndef TESTS_HUB_SUPPORT_PEOPLE_H
#define TESTS_HUB_SUPPORT_PEOPLE_H

#include "hub/people.h"
#include "tests/hub/support_http.h"

#define PEOPLE_CLOSED "web:\n  open_on_loopback: false\n"
#define PASSWORD      "correct horse battery"

/* A handle of its own on the hub's store. */
struct fleet_store *people_store(const struct running *r);

/* clusters: one a line, "" the whole fleet. */
void people_add(const struct running *r, const char *name, enum person_role role, const char *clusters);

/* A session or token of the person; returns the secret (static). */
const char *people_ticket(const struct running *r, const char *name, enum ticket_kind kind, int64_t ends);

/* The header that shows a new token of the person (static). */
const char *people_bearer(const struct running *r, const char *name);

/* The status of a GET with up to one header. */
int people_get(const struct running *r, const char *path, const char *header);

int64_t people_now(void);

#endif
