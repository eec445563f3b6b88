/* WMI answers to guest inventories: CIM XML, items by name, hostile values.
 *
 * One poll is joined over its classes by VM GUID and gives one
 * hyperv.guest.inventory for each VM that changed since the last poll (or at
 * least once in refresh_ns), a hyperv.guest.lifecycle "removed" for each VM that
 * a complete poll no longer has, and one hyperv.host.inventory.
 */
#ifndef COLLECTORS_KVP_H
#define COLLECTORS_KVP_H

#include "collectors/source.h"
#include "config/agent_config.h"
#include "model/host.h"
#include "plat/files.h"
#include "plat/wmi_stream.h"

struct kvp_options {
    const char *name;
    struct wmi_stream *stream;                  /* owned and closed by the source */
    const struct resource *facts;               /* what host.inventory says of the host; copied */
    const struct agent_config_privacy *privacy; /* which items are taken (kvp_privacy.h); NULL all; copied */
    const struct files *files;                  /* to read the key of privacy with; NULL where it needs none */
    int64_t interval_ns, refresh_ns;
};

/* While the key of privacy can not be read every step fails.  On error the stream stays the caller's. */
MUST_USE int kvp_source_new(const struct kvp_options *options, struct source **out, struct err *e);

/* A stream over a folder of captured class files of these classes (a list of wmi_stream.h, whose
 * first lists the VMs): Class.xml, and
 * Class.<time>.xml read in order of time; each set of one time is one poll (a class
 * without a file of that time is taken from its newest earlier file).  Class.xml without a
 * time counts as taken at captured_at (0: the file's own modification time).
 * New files are picked up as they appear; one that was read and changed is read again. */
MUST_USE int kvp_folder_stream(const struct files *files, const char *dir, const char *const *classes,
                               int64_t captured_at, struct wmi_stream **out, struct err *e);

#endif
