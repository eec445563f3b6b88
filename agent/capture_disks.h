/* What kinds the guests' disks are, as a class of a capture.
 *
 * Whoever reads the bundle cannot look into the disks any more, so the capture
 * does: for each file that a storage class names it writes an instance of
 * Msvm_VirtualHardDiskSettingData, which is how a host's ImageManagementService answers for one
 * disk.  Blocks as long as the storage does.
 */
#ifndef AGENT_CAPTURE_DISKS_H
#define AGENT_CAPTURE_DISKS_H

#include "base/buf.h"
#include "base/error.h"
#include "plat/files.h"

#include <stddef.h>

enum { CAPTURE_DISKS_MAX = 20000 };

/* Appends an instance for each virtual hard disk that the instances in xml name and that can be
 * read; *unread counts those that cannot. */
MUST_USE int capture_disks_add(const struct files *files, const char *xml, size_t len, struct buf *out, int *unread,
                               struct err *e);

#endif
