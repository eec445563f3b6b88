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
#include "model/host.h"
#include "plat/files.h"
#include "plat/wmi_stream.h"

/* A source over a stream, which it owns and closes.  facts: what host.inventory
 * says of the host; copied.  On error the stream stays the caller's. */
MUST_USE int kvp_source_new(const char *name, struct wmi_stream *stream, const struct resource *facts,
                            int64_t interval_ns, int64_t refresh_ns, struct source **out, struct err *e);

/* A stream over a folder of captured class files of these classes (a list of wmi_stream.h, whose
 * first lists the VMs): Class.xml, and
 * Class.<time>.xml read in order of time; each set of one time is one poll (a class
 * without a file of that time is taken from its newest earlier file).  Class.xml without a
 * time counts as taken at captured_at (0: the file's own modification time).
 * New files are picked up as they appear; one that was read and changed is read again. */
MUST_USE int kvp_folder_stream(const struct files *files, const char *dir, const char *const *classes,
                               int64_t captured_at, struct wmi_stream **out, struct err *e);

#endif
