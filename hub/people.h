/* What people prove themselves with, and what of it is kept.
 *
 * Passwords are hashed with yescrypt through the system's crypt(3): memory-hard (16 MiB a
 * guess at the system's default), salted, with its parameters in the hash, and already on
 * every Debian because logins use it.
 * Sessions and tokens are 32 random bytes; the store has their SHA-256. */
#ifndef HUB_PEOPLE_H
#define HUB_PEOPLE_H

#include "base/error.h"
#include "hub/fleet_people.h"
#include "plat/random.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PASSWORD_MIN = 10,
    PASSWORD_MAX = 256,
    SECRET_MAX = 72, /* a prefix of four characters and 64 hexadecimal digits */
};

#define SECRET_SESSION "hvs_"
#define SECRET_TOKEN   "hvt_"
#define SECRET_FORM    "hvf_"

/* a-z 0-9 . _ - @, a letter or digit first, shorter than PERSON_NAME_MAX. */
bool person_name_good(const char *name);

/* ERR_INVALID: too short or too long; the text says so. */
MUST_USE int password_hash(const char *password, char out[PERSON_HASH_MAX], struct err *e);

/* Takes long on purpose.  hash "" (there is no such account, or it has no password) takes as long and is never
 * right. */
bool password_right(const char *password, const char *hash);

void secret_make(const struct random_source *random, const char *prefix, char out[SECRET_MAX]);
/* Has it the form of one that secret_make() made with this prefix? */
bool secret_formed(const char *secret, const char *prefix);
void secret_digest(const char *secret, char out[TICKET_DIGEST_MAX]);
/* In a time that does not depend on where they differ. */
bool secret_equal(const char *a, const char *b);

#endif
