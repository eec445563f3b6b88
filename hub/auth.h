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

/* 127.0.0.0/8, ::1, and 127.0.0.0/8 written as IPv6. */
bool auth_is_loopback(const struct sockaddr *peer);

struct auth_claim {
    const struct sockaddr *peer;
    bool certificate;          /* the connection brought a client certificate that was checked */
    const char *authorization; /* the header's value; NULL none */
    bool bad_certificate;      /* it brought one that will not do */
};

/* A wrong token or certificate is refused from everywhere, loopback too: somebody's setup is broken and should hear it.
 */
bool auth_allows(struct auth *a, const struct auth_claim *claim);

enum { AUTH_NAME_MAX = 24 };

/* How the account names the token of a header: "token 1a2b3c4d5e6f", the beginning of its digest; "" when the header
 * shows none. */
void auth_token_name(const char *authorization, char out[AUTH_NAME_MAX]);

/* The token of "Bearer TOKEN"; NULL when the header (NULL: none) has another form. */
const char *auth_bearer(const char *authorization);

#endif
