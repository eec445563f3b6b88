/* The rule that follows the last transition of a zone file: a POSIX TZ string
 * with RFC 8536's extension (hours of -167 to 167), "CET-1CEST,M3.5.0,M10.5.0/3".
 * Private to config/time_zone.c. */
#ifndef CONFIG_TIME_ZONE_RULE_H
#define CONFIG_TIME_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of each year and the second of it, local time. */
struct rule_date {
    enum { RULE_JULIAN, RULE_DAY, RULE_WEEK } form; /* J1..365 without 29 February; 0..365; month, week, weekday */
    int day, month, week, weekday;
    int64_t second;
};

struct zone_rule {
    int64_t standard, summer; /* seconds east of UTC */
    bool has_summer;
    struct rule_date begin, end; /* of summer time */
};

/* False when the text (len bytes, no NUL needed) is no such rule. */
bool zone_rule_parse(struct zone_rule *out, const char *text, size_t len);

int64_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s);

#endif
