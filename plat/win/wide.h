/* The edge between UTF-8, which is all that the program knows, and UTF-16,
 * which is all that Windows knows.  Thread safe. */
#ifndef PLAT_WIN_WIDE_H
#define PLAT_WIN_WIDE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>
#include <windows.h>

/* In malloc'ed memory that the caller frees.  ERR_INVALID when text is no
 * UTF-8; ERR_MEMORY. */
MUST_USE int wide_from_utf8(const char *text, wchar_t **out, struct err *e);

/* The same for a path of a file or folder: made absolute and prefixed with \\?\
 * (\\?\UNC\ for a share), so that neither its length nor odd names matter.
 * Paths of devices (\\.\) and such that have the prefix stay as they are. */
MUST_USE int wide_path(const char *path, wchar_t **out, struct err *e);

/* Absolute, with backslashes and without that prefix, for those who know none: the
 * event log service, which opens the file itself.  ERR_TOO_BIG from MAX_PATH on. */
MUST_USE int wide_plain_path(const char *path, wchar_t out[MAX_PATH], struct err *e);

/* malloc'ed; a lone surrogate becomes U+FFFD.  NULL out of memory. */
char *utf8_from_wide(const wchar_t *text);

/* Into dst (size bytes, NUL-ended); false, and "", when it does not fit. */
bool utf8_copy_wide(char *dst, size_t size, const wchar_t *text);

#endif
