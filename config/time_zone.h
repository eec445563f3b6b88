/* Local time of a named place: the rules of the system's tz database.
 *
 * Reads one compiled file (TZif, RFC 8536) and the POSIX rule at its end, so
 * that nothing of the process (TZ, tzset()) is touched and any number of zones can be
 * used by any number of threads.  Leap seconds are not counted ("right/" files
 * are refused).
 */
#ifndef CONFIG_TIME_ZONE_H
#define CONFIG_TIME_ZONE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TIME_ZONE_NAME_MAX = 64,
    TIME_ZONE_BYTES_MAX = 64 * 1024,
    TIME_ZONE_TRANSITIONS_MAX = 2048,
    TIME_ZONE_TYPES_MAX = 256,
};

struct time_zone;

/* By its IANA name, "Europe/Berlin"; "UTC" needs no file.  Looked up below $TZDIR or /usr/share/zoneinfo. ERR_NOT_FOUND
 * with the remedy for a name that is not there.  Blocks: reads a file. */
MUST_USE int time_zone_load(struct time_zone **out, const char *name, struct err *e);

/* From the bytes of such a file; name is for messages.  ERR_INVALID, ERR_UNSUPPORTED. */
MUST_USE int time_zone_read(struct time_zone **out, const char *name, const void *bytes, size_t len, struct err *e);
void time_zone_free(struct time_zone *z);

/* Seconds east of UTC at a moment (seconds since 1970, UTC). */
int64_t time_zone_offset(const struct time_zone *z, int64_t utc_s);

/* When a clock there shows this local time (seconds since 1970 as if it were UTC).  A time that comes twice, when
 * clocks are set back, is the first of the two; one that is left out, when they are set forward, is the moment at
 * which they are. */
int64_t time_zone_moment(const struct time_zone *z, int64_t local_s);

/* Days since 1970-01-01 of a date (month 1..12, proleptic Gregorian). */
int64_t time_zone_days(int64_t year, int month, int day);

#endif
