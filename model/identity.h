/* Who is who: a VM is its GUID in upper case without braces (never its name),
 * and stays the same VM when it moves to another host. */
#ifndef MODEL_IDENTITY_H
#define MODEL_IDENTITY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define GUID_TEXT_MAX 37 /* 36 characters and a NUL */

/* Takes "{d9e0eb0a-5b37-...}" in any case, with or without braces and blanks
 * around it, and writes the canonical form to out (GUID_TEXT_MAX bytes).
 * False when text (len bytes) is no GUID; out is then "". */
bool guid_parse(const char *text, size_t len, char *out);

/* The VM behind a security identifier of the form S-1-5-83-1-a-b-c-d ("NT
 * VIRTUAL MACHINE\GUID"): a is Data1, the low and high half of b are Data2 and
 * Data3, c and d hold Data4 in little-endian bytes.  False (and out "") for
 * every other SID.  Arithmetic: hyperv.md A.3, checked there on a real event. */
bool guid_from_vm_sid(const char *sid, char *out);

/* A random (version 4) GUID from 16 random bytes. */
void guid_from_random(const unsigned char random[16], char *out);

#endif
