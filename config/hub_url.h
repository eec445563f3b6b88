/* Addresses as they are written in settings: the hub's URL, an address to
 * listen on, a proxy.  Both config's checks and transport's own go through
 * here, so that they cannot disagree about what loopback is. */
#ifndef CONFIG_HUB_URL_H
#define CONFIG_HUB_URL_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { HUB_HOST_MAX = 256, HUB_URL_MAX = 1024 };

struct hub_url {
    bool tls;                /* https */
    char host[HUB_HOST_MAX]; /* without brackets */
    int port;                /* 443 and 80 where the URL has none */
    bool loopback;
    char base[HUB_URL_MAX]; /* the URL without a slash at its end; paths are appended */
};

/* Takes "https://host[:port][/path]", and "http://" for a loopback address
 * only.  ERR_INVALID, with the remedy in e and nothing of the URL's own text
 * (it may hold a password), for anything else. */
MUST_USE int hub_url_parse(const char *text, struct hub_url *out, struct err *e);

/* Takes "host:port", "1.2.3.4:port" or "[v6]:port" to listen on. */
struct listen_address {
    char host[HUB_HOST_MAX]; /* without brackets */
    int port;                /* 0: any that is free */
    bool loopback;
};
MUST_USE int listen_address_parse(const char *text, struct listen_address *out, struct err *e);

/* "" (the environment's), "none", or "scheme://[user:password@]host[:port]"
 * with http, https, socks4, socks4a, socks5 or socks5h. */
MUST_USE int proxy_check(const char *text, struct err *e);

/* "localhost", 127.0.0.0/8 in four plain decimal parts, "::1": nothing else,
 * because a name can be made to resolve to anything.  Without brackets. */
bool host_is_loopback(const char *host);

#endif
