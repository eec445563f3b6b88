/* The SMBIOS table, as firmware tells it: only the machine's UUID is read.
 *
 * The bytes are what GetSystemFirmwareTable('RSMB') gives (Microsoft:
 * "GetSystemFirmwareTable function", RawSMBIOSData): a head of 8 bytes, its last
 * four the length of the table behind it, little-endian.  The table is DMTF
 * DSP0134: structures of type, length, handle, length - 4 bytes, and strings
 * that end in two NULs.  Type 1 holds the UUID at offset 8; its first three
 * fields are little-endian.
 */
#ifndef PLAT_SMBIOS_H
#define PLAT_SMBIOS_H

#include "model/identity.h"

#include <stdbool.h>
#include <stddef.h>

enum { SMBIOS_STRUCTURES_MAX = 4096 };

/* Writes the UUID as upper-case text.  False (and out "") when the table is
 * damaged or has none, and for those that makers leave in many machines: all
 * zeros, all ones, and the counting one. */
bool smbios_uuid(const unsigned char *bytes, size_t len, char out[GUID_TEXT_MAX]);

#endif
