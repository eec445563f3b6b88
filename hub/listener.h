/* The hub's listening socket: opened once, kept over reloads. */
#ifndef HUB_LISTENER_H
#define HUB_LISTENER_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/socket.h>

enum { LISTENER_TEXT_MAX = 80 };

struct listener {
    int fd;
    bool loopback;                /* by the address it is bound to */
    char text[LISTENER_TEXT_MAX]; /* "127.0.0.1:4318", "[::1]:4318": with the real port when 0 was asked for */
};

/* Opens and binds "host:port"; the first address a name has.  An IPv6 any-address takes IPv4 too. */
MUST_USE int listener_open(struct listener *out, const char *address, struct err *e);
void listener_close(struct listener *l);

#endif
