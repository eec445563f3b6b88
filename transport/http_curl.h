/* HTTP by libcurl's multi interface on a libuv loop.
 *
 * TLS 1.2 or later; the peer's certificate is always verified, except that
 * verification may be switched off for a loopback address in the URL (config
 * refuses it elsewhere, and so does this).  Certificate files are read anew for each
 * connection, which lives an hour at most; the token file is read once.
 * Redirects are not followed; a loopback address is never reached through a
 * proxy; what comes back is bounded (http_curl.c).
 */
#ifndef TRANSPORT_HTTP_CURL_H
#define TRANSPORT_HTTP_CURL_H

#include "config/agent_config.h"
#include "transport/http.h"

#include <uv.h>

/* Everything about the hub from the config section (copied).  The token file is
 * read here: an unreadable one is an error that names it.  Loop thread. */
MUST_USE int http_curl_new(struct http_client **out, uv_loop_t *loop, const struct agent_config_hub *config,
                           struct err *e);

#endif
