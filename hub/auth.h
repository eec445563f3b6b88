/* Who may speak to the hub: the loopback interface, a bearer token, or a client
 * certificate.
 *
 * Tokens are read from a file, one a line ('#' starts a comment line), and kept
 * as SHA-256 digests; a presented token is hashed and compared with every digest
 * in constant time.  Each must have AUTH_TOKEN_MIN characters or more.
 *
 * Thread safe: auth_load() may replace the tokens while others ask. */
#ifndef HUB_AUTH_H
#define HUB_AUTH_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/socket.h>

enum { AUTH_TOKEN_MIN = 16, AUTH_TOKEN_MAX = 4096, AUTH_TOKENS_MAX = 4096 };

struct auth;

MUST_USE int auth_new(struct auth **out, struct err *e);
void auth_free(struct auth *a);

/* Reads the tokens anew; path "" means none.  On error those in force stay. */
MUST_USE int auth_load(struct auth *a, const char *path, struct err *e);

int auth_token_count(struct auth *a);

/* 127.0.0.0/8, ::1, and 127.0.0.0/8 written as IPv6. */
bool auth_is_loopback(const struct sockaddr *peer);

struct auth_claim {
    const struct sockaddr *peer;
    bool certificate;          /* the connection brought a client certificate that was checked */
    const char *authorization; /* the header's value; NULL none */
};

/* A wrong token is refused from everywhere, loopback too: somebody's setup is broken and should hear it. */
bool auth_allows(struct auth *a, const struct auth_claim *claim);

#endif
