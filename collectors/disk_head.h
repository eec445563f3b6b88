/* What kind of virtual hard disk a file is: fixed, dynamic or differencing.
 *
 * VHD: the footer in the last 512 bytes (a dynamic or differencing disk has a
 * copy at the beginning), big-endian: cookie "conectix" at 0, current size u64
 * at 48, type u32 at 60 (2 fixed, 3 dynamic, 4 differencing), checksum u32 at
 * 64, the ones' complement of the sum of the other bytes (Microsoft's Virtual Hard Disk
 * Image Format Specification).
 *
 * VHDX ([MS-VHDX] 2.2.1, 2.2.3, 2.6), little-endian: "vhdxfile" at 0; a region
 * table at 192 KiB and its copy at 256 KiB name the metadata region; its table
 * names the items File Parameters (LeaveBlockAllocated is a fixed disk, HasParent a
 * differencing one) and Virtual Disk Size.
 *
 * A handful of reads of at most 4 KiB, wherever the file says they are; no offset is
 * trusted.  The log of a VHDX is not replayed and its checksums are not verified: kind
 * and size are written when the disk is made, and tables that make no sense
 * are refused.  .vhds sets are VHDX files; physical disks are none of this.
 */
#ifndef COLLECTORS_DISK_HEAD_H
#define COLLECTORS_DISK_HEAD_H

#include "base/error.h"
#include "model/guest_config.h"
#include "plat/files.h"

#include <stdint.h>

struct disk_head {
    enum disk_kind kind; /* fixed, dynamic, differencing */
    const char *format;  /* "vhd", "vhdx" */
    uint64_t size;       /* bytes the guest sees; 0 not known */
};

/* Blocks as long as the storage does.  ERR_INVALID: no virtual hard disk, or one whose tables make no
 * sense; ERR_NOT_FOUND, ERR_PERMISSION, ERR_BUSY ... as opening says.  out
 * is filled on success only. */
MUST_USE int disk_head_read(const struct files *files, const char *path, struct disk_head *out, struct err *e);

/* The name of a virtual hard disk: .vhd, .vhdx, .avhd, .avhdx, .vhds. */
bool disk_head_is_name(const char *path);

#endif
