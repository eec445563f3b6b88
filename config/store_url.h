/* Where the fleet store is: a file, or a database as a postgresql:// URL.
 * Both the settings' checks and the store go through here, so that they cannot
 * disagree about which it is. */
#ifndef CONFIG_STORE_URL_H
#define CONFIG_STORE_URL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Does it begin with postgresql:// or postgres:// ? */
bool store_is_postgres(const char *path);

/* A file's path is always good.  A URL must name something and hold no blanks, no control characters and no
 * fragment.  ERR_INVALID, with nothing of the URL in e: it may hold a password. */
MUST_USE int store_path_check(const char *path, struct err *e);

/* The path for messages and logs: a URL without its user, password and parameters, a file as it is.
 * Cut to fit size bytes. */
void store_path_name(const char *path, char *out, size_t size);

#endif
