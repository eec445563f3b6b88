/* Virtual hard disks made for tests: the parts that say what kind they are. */
#ifndef TESTS_COLLECTORS_SUPPORT_DISK_H
#define TESTS_COLLECTORS_SUPPORT_DISK_H

#include "model/guest_config.h"

#include <stddef.h>

enum { VHD_LEN = 8192, VHDX_LEN = 3 * 1024 * 1024 };

/* A footer at the end, and at the beginning unless the disk is fixed; type as
 * the file has it. */
void make_vhd(unsigned char out[VHD_LEN], unsigned type, uint64_t size);

/* Both region tables, the metadata region at 1 MiB, two items. */
void make_vhdx(unsigned char out[VHDX_LEN], enum disk_kind kind, uint64_t size);

/* Where make_vhdx() put things. */
enum { VHDX_REGIONS = 192 * 1024, VHDX_REGIONS_COPY = 256 * 1024, VHDX_METADATA = 1024 * 1024 };

#endif
