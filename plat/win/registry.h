/* Values of HKEY_LOCAL_MACHINE, read only.  Thread safe. */
#ifndef PLAT_WIN_REGISTRY_H
#define PLAT_WIN_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

/* A text value, environment variables in it expanded, as UTF-8 made printable.
 * False (and "") when it is missing, of another type, or does not fit. */
bool registry_text(const wchar_t *key, const wchar_t *name, char *out, size_t size);

/* A 32-bit or 64-bit number; false (and *out as it was) as above. */
bool registry_number(const wchar_t *key, const wchar_t *name, uint64_t *out);

/* Calls take for each string of a list value, in order; false as above. */
bool registry_list(const wchar_t *key, const wchar_t *name, void (*take)(void *arg, const wchar_t *text), void *arg);

#endif
