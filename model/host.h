/* A Hyper-V host: what it says of itself, and what is kept of it. */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include "base/buf.h"
#include "base/error.h"
#include "model/identity.h"
#include "model/observation.h"
#include "model/version.h"

#include <stdint.h>

enum {
    HOST_ID_MAX = 128,
    HOST_LABEL_MAX = 256,
    HOST_CLUSTER_MAX = 256,
    HOST_VERSION_MAX = 64,
    HOST_AGENT_VERSION_MAX = 64,
    HOST_BOOT_ID_MAX = 64,
};

enum host_generation {
    HOST_UNKNOWN,
    HOST_2008,   /* 6.0 */
    HOST_2008R2, /* 6.1 */
    HOST_2012,   /* 6.2 */
    HOST_2012R2, /* 6.3 */
    HOST_2016UP, /* 10.0 and later: 2016, 2019, 2022, 2025 */
};

/* The OTLP resource: who speaks.  Text fields are "" where unknown. */
struct resource {
    char service_name[64];
    char agent_id[GUID_TEXT_MAX]; /* service.instance.id when it is a GUID, else "" */
    char agent_version[HOST_AGENT_VERSION_MAX];
    char host_id[HOST_ID_MAX]; /* SMBIOS UUID on a real host, "bundle:<name>" for captures without one */
    char host_name[HOST_LABEL_MAX];
    char os_version[HOST_VERSION_MAX];
    char cluster[HOST_CLUSTER_MAX];
    char is_win6x[HOST_VERSION_MAX]; /* expected integration services for 6.x guests, as read */
    char is_win5x[HOST_VERSION_MAX]; /* and for 5.x guests */
    int64_t boot_time;               /* of the host; 0 not known.  Not on the resource: host.inventory carries it */
    /* Names one run of the host's kernel: equal for what was observed in one, different for two.  Made by whoever
     * knows the host (today from the boot time), compared as text and never read; "" not known.  As boot_time. */
    char boot_id[HOST_BOOT_ID_MAX];
};

/* What is known of a host, reduced from its observations.  Which version of a
 * fact wins is decided by the facts' own time, so the order of arrival does not
 * matter (for is_since: as with `since` in guest.h).
 *
 * Facts are believed from host.inventory, which says what was true when it was
 * made.  The resource tells what is true when a request is shipped, which may
 * be long after its records; it counts until the first inventory has come. */
struct host {
    struct resource facts;
    int64_t facts_time;  /* time of the observation the facts come from */
    int64_t is_since;    /* since when the OS and expected versions are what they are */
    int64_t is_other;    /* newest time they were something else; 0 never */
    int64_t last_seen;   /* time of the newest observation */
    int64_t last_poll;   /* time of the newest complete KVP poll (host.inventory) */
    int64_t poll_guests; /* VMs in that poll; -1 before the first */
};

enum host_generation host_generation_of(const char *os_version);
const char *host_generation_name(enum host_generation g); /* "2012 R2", "2016 or later", "unknown" */

/* facts may be NULL: nothing known yet. */
void host_init(struct host *h, const struct resource *facts);

/* Takes in one observation of this host (any kind).  Returns true when the
 * facts that decide drift (expected versions, OS version, boot time, cluster) have
 * changed, so that every guest on it must be evaluated anew. */
bool host_apply(struct host *h, const struct resource *r, const struct observation *o);

/* A compact, versioned encoding for the stores (nanopb).  decode() refuses what
 * is damaged (ERR_CORRUPT) and fills defaults for what an older version left out. */
MUST_USE int host_encode(const struct host *h, struct buf *out, struct err *e);
MUST_USE int host_decode(struct host *h, const void *bytes, size_t len, struct err *e);

#endif
