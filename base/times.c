/* See times.h.  Dates are counted by the civil-from-days arithmetic of the
 * proleptic Gregorian calendar, so nothing here depends on the C library's
 * idea of a time zone. */
#include "base/times.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* 1601-01-01 to 1970-01-01, in 100 ns. */
#define FILETIME_EPOCH UINT64_C(116444736000000000)

struct civil {
    int64_t year;
    int month, day, hour, minute, second;
    int64_t nanos;
    int offset_minutes; /* local time minus UTC */
};

static int64_t days_from_civil(int64_t y, int m, int d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = y / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int days_in_month(int64_t y, int m)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    return m == 2 && leap ? 29 : days[m - 1];
}

static bool civil_to_ns(const struct civil *c, int64_t *out)
{
    int64_t s, ns;

    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_in_month(c->year, c->month) || c->hour > 23 ||
        c->minute > 59 || c->second > 59)
        return false;
    s = days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second -
        (int64_t)c->offset_minutes * 60;
    if (__builtin_mul_overflow(s, NS_PER_S, &ns) || __builtin_add_overflow(ns, c->nanos, &ns))
        return false;
    *out = ns;
    return true;
}

/* Reads exactly n decimal digits and moves *p past them. */
static bool digits(const char **p, int n, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        char ch = (*p)[i];

        if (ch < '0' || ch > '9')
            return false;
        v = v * 10 + (ch - '0');
    }
    *p += n;
    *out = v;
    return true;
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static bool fraction(const char **p, int64_t *nanos)
{
    int64_t unit = NS_PER_S / 10;

    *nanos = 0;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; ++*p) {
        *nanos += (**p - '0') * unit;
        unit /= 10;
    }
    return true;
}

static bool zone(const char **p, int *offset_minutes)
{
    int sign, h, m;

    *offset_minutes = 0;
    if (skip(p, 'Z') || skip(p, 'z'))
        return true;
    sign = **p == '-' ? -1 : 1;
    if (!skip(p, '+') && !skip(p, '-'))
        return false;
    if (!digits(p, 2, &h) || (skip(p, ':'), !digits(p, 2, &m)) || h > 23 || m > 59)
        return false;
    *offset_minutes = sign * (h * 60 + m);
    return true;
}

bool times_parse(const char *text, int64_t *out)
{
    struct civil c = { 0 };
    const char *p = text;
    bool dashes, colons;
    int year;

    if (!digits(&p, 4, &year))
        return false;
    c.year = year;
    dashes = skip(&p, '-');
    if (!digits(&p, 2, &c.month) || (dashes && !skip(&p, '-')) || !digits(&p, 2, &c.day))
        return false;
    if (*p == '\0')
        return civil_to_ns(&c, out);
    if (!skip(&p, 'T') && !skip(&p, 't') && !skip(&p, ' '))
        return false;
    if (!digits(&p, 2, &c.hour))
        return false;
    colons = skip(&p, ':');
    if (!digits(&p, 2, &c.minute) || (colons && !skip(&p, ':')) || !digits(&p, 2, &c.second))
        return false;
    if (skip(&p, '.') && !fraction(&p, &c.nanos))
        return false;
    if (!zone(&p, &c.offset_minutes) || *p != '\0')
        return false;
    return civil_to_ns(&c, out);
}

/* So many digits (the number has no more), and what follows them.  Reports format hundreds of thousands of times;
 * printf() takes most of a report then. */
static void put_digits(char **at, int64_t number, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--) {
        (*at)[i] = (char)('0' + number % 10);
        number /= 10;
    }
    (*at)[digits] = after;
    *at += digits + 1;
}

char *times_format(int64_t ns, char *out)
{
    int64_t s = ns / NS_PER_S, nanos = ns % NS_PER_S, days, era, doe, yoe, doy, y, tod;
    int mp, d, m;
    char *at = out;

    out[0] = '\0';
    if (ns == 0)
        return out;
    if (nanos < 0) {
        nanos += NS_PER_S;
        s--;
    }
    days = s / 86400;
    tod = s % 86400;
    if (tod < 0) {
        tod += 86400;
        days--;
    }
    days += 719468;
    era = days / 146097; /* the range of int64 nanoseconds starts in 1677 */
    assert(days >= 0);
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (int)((5 * doy + 2) / 153);
    d = (int)(doy - (153 * mp + 2) / 5 + 1);
    m = mp < 10 ? mp + 3 : mp - 9;
    y = yoe + era * 400 + (m <= 2);
    put_digits(&at, y, 4, '-');
    put_digits(&at, m, 2, '-');
    put_digits(&at, d, 2, 'T');
    put_digits(&at, tod / 3600, 2, ':');
    put_digits(&at, tod / 60 % 60, 2, ':');
    put_digits(&at, tod % 60, 2, nanos != 0 ? '.' : 'Z');
    if (nanos % 1000 != 0)
        put_digits(&at, nanos, 9, 'Z');
    else if (nanos % NS_PER_MS != 0)
        put_digits(&at, nanos / 1000, 6, 'Z');
    else if (nanos != 0)
        put_digits(&at, nanos / NS_PER_MS, 3, 'Z');
    *at = '\0';
    return out;
}

int64_t times_from_filetime(uint64_t filetime)
{
    if (filetime == 0 || filetime > FILETIME_EPOCH + INT64_MAX / 100)
        return 0;
    if (filetime < FILETIME_EPOCH)
        return FILETIME_EPOCH - filetime > INT64_MAX / 100 ? 0 : -(int64_t)(FILETIME_EPOCH - filetime) * 100;
    return (int64_t)(filetime - FILETIME_EPOCH) * 100;
}

char *times_format_length(int64_t ns, char *out)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    int64_t s = ns / NS_PER_S;
    size_t i = 0, used;

    if (s < 0)
        s = -s;
    while (i < 3 && s < units[i].seconds)
        i++;
    used = (size_t)snprintf(out, TIMES_TEXT_MAX, "%" PRId64 " %s", s / units[i].seconds, units[i].name);
    s %= units[i].seconds;
    if (i < 2 && s / units[i + 1].seconds > 0)
        snprintf(out + used, TIMES_TEXT_MAX - used, " %" PRId64 " %s", s / units[i + 1].seconds, units[i + 1].name);
    return out;
}
