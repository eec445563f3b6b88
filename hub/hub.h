/* The hub, wired: store, writer, worker, tokens, socket, server.  `hvhub serve`
 * runs one; tests do too. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "base/error.h"
#include "config/hub_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;

enum { HUB_PATH_MAX = CONFIG_TEXT_MAX };

struct hub_options {
    const struct hub_config *config; /* copied */
    bool distrust_loopback;          /* as in server.h: tests of who may speak */
};

/* Opens the store, binds, and serves.  A database that does not answer is waited for: the hub runs, says so
 * in its log and on /readyz, and takes nothing (503) until it is there.  On error nothing runs. */
MUST_USE int hub_start(struct hub **out, const struct hub_options *options, struct err *e);

/* "https://127.0.0.1:4318": with the real port. */
const char *hub_address(const struct hub *h);

/* Can it store?  Otherwise reason (size bytes) says why not. */
bool hub_ready(struct hub *h, char *reason, size_t size);

/* New settings: tokens, certificates, CA, limits, threads, deliveries and log level change without a
 * closed port; listen and store.* need a restart, which is logged.  On error those in force stay. */
MUST_USE int hub_reload(struct hub *h, const struct hub_config *config, struct err *e);

/* Has one of the files of the settings in force changed (certificates, keys, CAs, tokens)?  Then they are read anew, as
 * by hub_reload().  *changed tells.  To be called now and then, by who calls hub_reload(). */
MUST_USE int hub_renew_files(struct hub *h, bool *changed, struct err *e);

/* Answers what is under way, commits what waits, closes; under five seconds.  ERR_TIMEOUT when the
 * disk did not come back: the program should then end at once (nothing acknowledged is lost). */
MUST_USE int hub_stop(struct hub *h, struct err *e);

/* What the config names, without running anything: tokens, certificates, the store's folder.  One
 * problem at a time.  *note is NULL, or a sentence (static) about what is no mistake and still unlikely to be meant. */
MUST_USE int hub_check(const struct hub_config *config, const char **note, struct err *e);

/* store.path, or this system's default.  A URL may hold a password: for messages use store_path_name(). */
const char *hub_store_path(const struct hub_config *config);

#endif
