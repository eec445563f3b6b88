/* See time_zone_rule.h. */
#include "config/time_zone_rule.h"

#include "config/time_zone.h"

#include <string.h>

enum { DAY_S = 86400, NAME_MIN = 3, ZONE_LETTERS_MAX = 32, HOURS_MAX = 167, RULE_TEXT_MAX = 128 };

/* ---- parsing ---------------------------------------------------------------- */

/* A cursor over a NUL-ended copy. */
static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool take_number(const char **p, int max, int *out)
{
    int n = 0, digits = 0;

    for (; **p >= '0' && **p <= '9' && digits < 4; (*p)++, digits++)
        n = n * 10 + (**p - '0');
    *out = n;
    return digits > 0 && n <= max;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CET" or "<+03>": only that it is there matters. */
static bool take_name(const char **p)
{
    bool quoted = take_char(p, '<');
    int n = 0;

    while (**p != '\0' && n < ZONE_LETTERS_MAX && (quoted ? **p != '>' : is_letter(**p))) {
        (*p)++;
        n++;
    }
    return n >= NAME_MIN && (!quoted || take_char(p, '>'));
}

/* "[+-]hh[:mm[:ss]]" as seconds. */
static bool take_time(const char **p, int64_t *out)
{
    bool negative = take_char(p, '-');
    int h, m = 0, s = 0;

    if (!negative)
        (void)take_char(p, '+');
    if (!take_number(p, HOURS_MAX, &h))
        return false;
    if (take_char(p, ':') && !take_number(p, 59, &m))
        return false;
    if (take_char(p, ':') && !take_number(p, 59, &s))
        return false;
    *out = (int64_t)h * 3600 + m * 60 + s;
    if (negative)
        *out = -*out;
    return true;
}

static bool take_day(const char **p, struct rule_date *d)
{
    if (take_char(p, 'M')) {
        d->form = RULE_WEEK;
        return take_number(p, 12, &d->month) && d->month >= 1 && take_char(p, '.') && take_number(p, 5, &d->week) &&
               d->week >= 1 && take_char(p, '.') && take_number(p, 6, &d->weekday);
    }
    d->form = take_char(p, 'J') ? RULE_JULIAN : RULE_DAY;
    return take_number(p, 365, &d->day) && (d->form == RULE_DAY || d->day >= 1);
}

static bool take_date(const char **p, struct rule_date *d)
{
    d->second = 2 * 3600;
    return take_char(p, ',') && take_day(p, d) && (!take_char(p, '/') || take_time(p, &d->second));
}

bool zone_rule_parse(struct zone_rule *out, const char *text, size_t len)
{
    char copy[RULE_TEXT_MAX];
    const char *p = copy;

    *out = (struct zone_rule){ 0 };
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!take_name(&p) || !take_time(&p, &out->standard))
        return false;
    out->standard = -out->standard; /* the text says what is to be added to local time */
    if (*p == '\0')
        return strlen(copy) == len;
    if (!take_name(&p))
        return false;
    out->has_summer = true;
    out->summer = out->standard + 3600;
    if (*p != ',' && *p != '\0') {
        if (!take_time(&p, &out->summer))
            return false;
        out->summer = -out->summer;
    }
    return take_date(&p, &out->begin) && take_date(&p, &out->end) && *p == '\0' && strlen(copy) == len;
}

/* ---- using ------------------------------------------------------------------- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The year of a day; the mean year is exact to a day or two, so the guess is put right by one at most. */
static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + day * 400 / 146097;

    while (time_zone_days(year, 1, 1) > day)
        year--;
    while (time_zone_days(year + 1, 1, 1) <= day)
        year++;
    return year;
}

/* The n-th such weekday of a month, the last one for 5. */
static int64_t day_of_week_rule(const struct rule_date *d, int64_t year)
{
    int64_t first = time_zone_days(year, d->month, 1);
    int64_t next = d->month == 12 ? time_zone_days(year + 1, 1, 1) : time_zone_days(year, d->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
    int64_t day = first + (d->weekday - weekday + 7) % 7 + 7 * (int64_t)(d->week - 1);

    return day >= next ? day - 7 : day;
}

static int64_t local_second(const struct rule_date *d, int64_t year)
{
    int64_t day = time_zone_days(year, 1, 1);

    if (d->form == RULE_WEEK)
        day = day_of_week_rule(d, year);
    else if (d->form == RULE_DAY)
        day += d->day;
    else
        day += d->day - 1 + (is_leap(year) && d->day >= 60);
    return day * DAY_S + d->second;
}

int64_t zone_rule_offset(const struct zone_rule *r, int64_t utc_s)
{
    int64_t local = utc_s + r->standard, begin, end, year;
    bool summer;

    if (!r->has_summer)
        return r->standard;
    year = year_of(local >= 0 ? local / DAY_S : -((-local + DAY_S - 1) / DAY_S));
    begin = local_second(&r->begin, year) - r->standard;
    end = local_second(&r->end, year) - r->summer;
    summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? r->summer : r->standard;
}
