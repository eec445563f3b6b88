/* See listener.h. */
#include "hub/listener.h"

#include "config/hub_url.h"
#include "hub/auth.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int resolve(const char *address, struct addrinfo **out, struct err *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct listen_address a;
    struct err why;
    char port[16];
    int rc = listen_address_parse(address, &a, &why);

    if (rc != 0)
        return err_set(e, ERR_INVALID, "listen: %s %s", address, why.text);
    snprintf(port, sizeof port, "%d", a.port);
    rc = getaddrinfo(a.host, port, &hints, out);
    if (rc != 0)
        return err_set(e, ERR_NOT_FOUND, "listen: cannot resolve %s: %s", a.host, gai_strerror(rc));
    return 0;
}

static const char *bind_remedy(int errnum)
{
    switch (errnum) {
    case EADDRINUSE:
        return "; is another hub running, or another program on this port?";
    case EACCES:
        return "; ports below 1024 need rights, use 4318";
    case EADDRNOTAVAIL:
        return "; this machine does not have that address";
    default:
        return "";
    }
}

static int describe(struct listener *l, struct err *e)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[64], port[16];

    if (getsockname(l->fd, (struct sockaddr *)&bound, &len) != 0)
        return err_errno(e, errno, "listen");
    if (getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return err_set(e, ERR_IO, "listen: the address can not be shown");
    l->loopback = auth_is_loopback((const struct sockaddr *)&bound);
    snprintf(l->text, sizeof l->text, bound.ss_family == AF_INET6 ? "[%.60s]:%.15s" : "%.60s:%.15s", host, port);
    return 0;
}

int listener_open(struct listener *out, const char *address, struct err *e)
{
    struct addrinfo *found = NULL;
    int on = 1, off = 0;
    int rc = resolve(address, &found, e);

    *out = (struct listener){ .fd = -1 };
    if (rc != 0)
        return rc;
    out->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out->fd < 0) {
        rc = err_errno(e, errno, "listen: %s", address);
        goto done;
    }
    setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (found->ai_family == AF_INET6)
        setsockopt(out->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(out->fd, found->ai_addr, found->ai_addrlen) != 0 || listen(out->fd, BACKLOG) != 0) {
        int why = errno;

        rc = err_set(e, why == EACCES ? ERR_PERMISSION : ERR_IO, "listen: cannot use %s: %s%s", address, strerror(why),
                     bind_remedy(why));
        goto done;
    }
    rc = describe(out, e);
done:
    freeaddrinfo(found);
    if (rc != 0)
        listener_close(out);
    return rc;
}

void listener_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
