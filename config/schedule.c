/* See schedule.h.  What is due on a day is one moment (time_zone_moment()), so a
 * local time that comes twice is due once, and one that is left out is due when the
 * clocks are set forward. */
#include "config/schedule.h"

#include "base/text.h"
#include "base/times.h"

#include <string.h>

enum { DAY_S = 86400, EVERY_DAY = 0x7F, WORKDAYS = 0x3E, LOOK_DAYS = 9 };

static const char *const day_names[7] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static bool parse_clock(const char *text, int *minute)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789") != 2 || strspn(text + 3, "0123456789") != 2)
        return false;
    *minute = ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
    return text[3] < '6' && *minute < 24 * 60;
}

/* The word at *text, which must be followed by one blank; moves past both. */
static bool take_word(const char **text, const char *word)
{
    size_t n = strlen(word);

    if (text_ncasecmp(*text, word, n) != 0 || (*text)[n] != ' ')
        return false;
    *text += n + 1;
    return true;
}

bool schedule_parse(const char *text, struct schedule *out)
{
    *out = (struct schedule){ 0 };
    if (text[0] == '\0')
        return true;
    if (take_word(&text, "daily")) {
        out->weekdays = EVERY_DAY;
    } else if (take_word(&text, "weekdays")) {
        out->weekdays = WORKDAYS;
    } else if (take_word(&text, "weekly")) {
        for (int i = 0; i < 7 && out->weekdays == 0; i++)
            out->weekdays = take_word(&text, day_names[i]) ? 1U << i : 0;
    }
    return out->weekdays != 0 && parse_clock(text, &out->minute);
}

static int64_t floor_days(int64_t s)
{
    return s >= 0 ? s / DAY_S : -((-s + DAY_S - 1) / DAY_S);
}

/* The moment of a local day; false when nothing is due on it. */
static bool due_on(const struct schedule *s, const struct time_zone *z, int64_t day, int64_t *out)
{
    int64_t weekday = ((day + 4) % 7 + 7) % 7;

    if ((s->weekdays >> weekday & 1) == 0)
        return false;
    *out = time_zone_moment(z, day * DAY_S + (int64_t)s->minute * 60) * NS_PER_S;
    return true;
}

static int64_t local_day(const struct time_zone *z, int64_t now_ns)
{
    int64_t now_s = now_ns / NS_PER_S;

    return floor_days(now_s + time_zone_offset(z, now_s));
}

int64_t schedule_latest(const struct schedule *s, const struct time_zone *z, int64_t now_ns)
{
    int64_t today = local_day(z, now_ns), at;

    for (int64_t day = today + 1; day > today - LOOK_DAYS; day--) {
        if (due_on(s, z, day, &at) && at <= now_ns)
            return at;
    }
    return 0;
}

int64_t schedule_next(const struct schedule *s, const struct time_zone *z, int64_t now_ns)
{
    int64_t today = local_day(z, now_ns), at;

    for (int64_t day = today - 1; day < today + LOOK_DAYS; day++) {
        if (due_on(s, z, day, &at) && at > now_ns)
            return at;
    }
    return 0;
}
