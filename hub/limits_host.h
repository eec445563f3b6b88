/* Whether a request was meant for this hub: its Host header.
 *
 * A page from elsewhere can make a browser send requests to this hub under a name of
 * that page's owner, by letting the name point here (DNS rebinding); the browser then counts the
 * answer as that page's own.  Only a name can do that: an address in the Host header is what
 * the browser really connected to.  So these are right: addresses, "localhost", and the
 * names of web.hosts.
 *
 * Whoever shows a token or a certificate of its own is not asked: a page from elsewhere
 * has none. */
#ifndef HUB_LIMITS_HOST_H
#define HUB_LIMITS_HOST_H

#include <stdbool.h>

/* names: of web.hosts, one a line.  host NULL (HTTP/1.0 without the header) is right: no browser sends that. */
bool host_expected(const char *host, const char *names);

#endif
