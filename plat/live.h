/* The live side of this system: what only exists on a Hyper-V host.
 *
 * On Windows (plat/win) these open event channels, WMI and the registry; on
 * every other system they answer ERR_UNSUPPORTED, and the agent follows
 * bundles of captured data instead.
 *
 * Every call may block: worker threads only, unless it says otherwise.
 */
#ifndef PLAT_LIVE_H
#define PLAT_LIVE_H

#include "base/buf.h"
#include "base/error.h"
#include "model/guest_config.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/event_stream.h"
#include "plat/wmi_stream.h"

#include <stdbool.h>

/* A virtual disk as the system tells it. */
struct live_disk {
    enum disk_kind kind; /* fixed, dynamic, differencing */
    const char *format;  /* "vhd", "vhdx" */
    uint64_t size;       /* bytes the guest sees */
};

/* True where live sources exist.  Any thread, never blocks. */
bool plat_live_available(void);

/* Calls take with the name of every channel of the wanted set (hyperv.md A.1)
 * that exists on this host; -Admin and /Admin are one.  Called again from time
 * to time, because channels come and go with roles and upgrades. */
MUST_USE int plat_live_channels(void (*take)(void *arg, const char *channel), void *arg, struct err *e);

/* A stream over one channel.  signalled is called from any thread when the
 * channel has something new (coalesced); NULL: the caller polls.  The channel
 * need not exist: the stream then reports STREAM_ABSENT and tries again. */
MUST_USE int plat_live_event_stream(const char *channel, void (*signalled)(void *arg), void *arg,
                                    struct event_stream **out, struct err *e);

/* The WMI provider of this host, root\virtualization\v2 or its predecessor, asked for one of the lists of
 * wmi_stream.h.  Each stream asks on a thread of its own. */
MUST_USE int plat_live_wmi_stream(const struct clock *clock, const char *const *classes, struct wmi_stream **out,
                                  struct err *e);

/* What the system's virtual disk service says of a disk's kind and size: it answers for a disk that a
 * running guest holds, whose file nobody else may open.  ERR_UNSUPPORTED where there is no such service. */
MUST_USE int plat_live_disk(const char *path, struct live_disk *out, struct err *e);

/* What the host says of itself: name, id, OS version, cluster, expected
 * integration services versions, boot time.  What cannot be found out stays
 * empty, and problems (may be NULL) gets a sentence on each. */
MUST_USE int plat_live_host_facts(struct resource *out, struct buf *problems, struct err *e);

/* The same from this machine's own registry, firmware and kernel alone: no
 * service is asked, so it does not hang where the cluster's does, and a cluster's
 * new name may be missing. */
MUST_USE int plat_live_local_facts(struct resource *out, struct buf *problems, struct err *e);

/* Folders where this system itself puts dumps (the host's own MEMORY.DMP,
 * Minidump, LiveKernelReports), whether they exist yet or not.  depth: how many
 * levels of folders below to look into; 0 for the Windows folder, which is
 * large. */
MUST_USE int plat_live_dump_folders(void (*take)(void *arg, const char *path, int depth), void *arg, struct err *e);

#endif
