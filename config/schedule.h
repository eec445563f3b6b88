/* When something is due: "daily 07:30", "weekdays 07:30", "weekly mon 07:30", in the
 * local time of a zone. */
#ifndef CONFIG_SCHEDULE_H
#define CONFIG_SCHEDULE_H

#include "config/time_zone.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    unsigned weekdays; /* bit 0 Sunday .. bit 6 Saturday; 0: never */
    int minute;        /* of the day */
};

/* "" is never.  False on anything else that is no schedule; remedy in SCHEDULE_REMEDY. */
bool schedule_parse(const char *text, struct schedule *out);
#define SCHEDULE_REMEDY "write \"daily 07:30\", \"weekdays 07:30\" or \"weekly mon 07:30\""

/* The latest time that is due at or before now; the first one after now (both ns UTC).  0: never. */
int64_t schedule_latest(const struct schedule *s, const struct time_zone *z, int64_t now_ns);
int64_t schedule_next(const struct schedule *s, const struct time_zone *z, int64_t now_ns);

#endif
