/* One GET of something the hub has, waited for: for commands that a person runs.
 * The rules for TLS, tokens, proxies and redirects are those of http_curl.h. */
#ifndef TRANSPORT_HTTP_GET_H
#define TRANSPORT_HTTP_GET_H

#include "base/buf.h"
#include "config/agent_config.h"

/* Appends the answer's body to out.  path is appended to hub.url as it is: what stands in its query must be
 * percent-encoded (http_get_encode()).  Blocks for hub.timeout at most.
 * ERR_REFUSED     the hub does not accept us, or answers with another status than 200; e has its words
 * ERR_TOO_BIG     the answer is larger than out may become
 * ERR_IO          there was no answer
 * On error out may hold a part of the answer. */
MUST_USE int http_get(const struct agent_config_hub *config, const char *path, struct buf *out, struct err *e);

/* Appends text percent-encoded (RFC 3986: all but letters, digits and -._~). */
void http_get_encode(struct buf *out, const char *text);

#endif
