/* Points in time as text and back.
 *
 * Time is UTC in signed 64-bit nanoseconds since 1970-01-01 everywhere in the
 * project; 0 stands for "not known".
 */
#ifndef BASE_TIMES_H
#define BASE_TIMES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

#define TIMES_TEXT_MAX 32 /* "2262-04-11T23:47:16.854775807Z" and a NUL */

/* RFC 3339: "2024-12-09T11:31:23.2356205Z", with any number of fractional
 * digits (those past the ninth are ignored), "Z" or an offset "+02:00"; also
 * the compact "20260131T080000Z" of capture file names, and a date alone.
 * False on anything else, a 61st second included, with *out as it was. */
bool times_parse(const char *text, int64_t *out);

/* "2024-12-09T11:31:23Z", with the fraction in 3, 6 or 9 digits where there is
 * one.  0 gives "".  Returns out, which has TIMES_TEXT_MAX bytes. */
char *times_format(int64_t ns, char *out);

/* Windows FILETIME (100 ns since 1601-01-01 UTC); 0 and values outside the
 * range of int64 nanoseconds give 0. */
int64_t times_from_filetime(uint64_t filetime);

/* A length of time for people: "42 s", "3 min", "2 h 5 min", "4 d 3 h". */
char *times_format_length(int64_t ns, char *out);

#endif
