/* See live.h: there are no live sources here. */
#include "plat/live.h"

bool plat_live_available(void)
{
    return false;
}

static int unsupported(const char *what, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s can only be had on a Hyper-V host: follow a bundle of captured data instead",
                   what);
}

int plat_live_channels(void (*take)(void *arg, const char *channel), void *arg, struct err *e)
{
    (void)take;
    (void)arg;
    return unsupported("live event channels", e);
}

int plat_live_event_stream(const char *channel, void (*signalled)(void *arg), void *arg, struct event_stream **out,
                           struct err *e)
{
    (void)signalled;
    (void)arg;
    (void)out;
    return unsupported(channel, e);
}

int plat_live_wmi_stream(const struct clock *clock, const char *const *classes, struct wmi_stream **out, struct err *e)
{
    (void)clock;
    (void)classes;
    (void)out;
    return unsupported("live WMI", e);
}

int plat_live_disk(const char *path, struct live_disk *out, struct err *e)
{
    (void)path;
    (void)out;
    return unsupported("a virtual disk's kind from the system", e);
}

int plat_live_host_facts(struct resource *out, struct buf *problems, struct err *e)
{
    (void)out;
    (void)problems;
    return unsupported("the facts of a host", e);
}

int plat_live_local_facts(struct resource *out, struct buf *problems, struct err *e)
{
    return plat_live_host_facts(out, problems, e);
}

int plat_live_dump_folders(void (*take)(void *arg, const char *path, int depth), void *arg, struct err *e)
{
    (void)take;
    (void)arg;
    return unsupported("a host's own dump folders", e);
}
