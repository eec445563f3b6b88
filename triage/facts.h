/* Small readers shared by minidumps and memory dumps.  Internal to the room. */
#ifndef TRIAGE_FACTS_H
#define TRIAGE_FACTS_H

#include "triage/dump.h"

/* What follows the last backslash. */
const char *driver_base_name(const char *path);
/* Sets name and path from either form. */
void driver_set_name(struct dump *d, struct triage_driver *m, const char *name);

/* Entries of 0x38 bytes as a minidump has them; count is TRIAGE_UNLOADED_MAX at most. */
void unloaded_from_bytes(struct dump *d, const unsigned char *entries, size_t count);

/* The ImageFileName in a copy of an EPROCESS; "" when nothing in it looks like one. */
const char *process_name_in(struct dump *d, const unsigned char *eprocess, size_t len);

/* Whether a time stamp is a build hash and must not be shown as a date: the
 * system's own files since build 15063, and "dates" no linker ran on. */
bool stamp_is_reproducible(const struct dump *d, const struct triage_driver *m, bool system_file);

#endif
