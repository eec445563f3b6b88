/* Text that came from outside: made valid, printable and bounded. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies len bytes of src to dst (size bytes, 1 or more, NUL-ended) as valid
 * UTF-8 without control characters.  Each byte that is not part of valid UTF-8
 * becomes U+FFFD; C0 and C1 controls, DEL and the bidirectional overrides
 * (U+202A..E, U+2066..9) become U+FFFD too; tab, line feed and carriage return
 * become a space.  Text that does not fit is cut at a character and ends in
 * U+2026 (an ellipsis).  Returns the length written; *changed (may be NULL)
 * tells whether anything was replaced or cut. */
size_t text_clean(char *dst, size_t size, const char *src, size_t len, bool *changed);

/* How many bytes at the beginning are printable ASCII. */
size_t text_printable_run(const char *text, size_t len);

/* Copies src to dst (size bytes), cut to fit, NUL-ended.  True when it fitted. */
bool text_copy(char *dst, size_t size, const char *src);

/* ASCII only, and independent of the locale. */
int text_casecmp(const char *a, const char *b);
int text_ncasecmp(const char *a, const char *b, size_t n);
bool text_ends_with_nocase(const char *text, const char *end);

/* Whole-string decimal, or hexadecimal after 0x, into *out.  False (and *out
 * as it was) on anything else: empty, signs, blanks, overflow. */
bool text_u64(const char *text, uint64_t *out);

/* UTF-16 little-endian (len bytes) to UTF-8 in a malloc'ed, NUL-ended string
 * that the caller frees; lone surrogates become U+FFFD.  *out_len without the
 * NUL.  NULL out of memory. */
char *text_from_utf16le(const unsigned char *bytes, size_t len, size_t *out_len);

#endif
