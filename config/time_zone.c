/* See time_zone.h.
 *
 * A zone file (RFC 8536): a header of 44 bytes ("TZif", a version, six counts),
 * a block of 32-bit data, and from version 2 on a second header with a block of 64-bit
 * data and a rule as text between two line feeds.  A block holds the times of
 * the transitions, the type each one begins, the types (offset, is-summer, name), names,
 * leap seconds and two lists of flags.  Only the second block is used; a file of
 * version 1 has only the first.
 */
#include "config/time_zone.h"

#include "base/text.h"
#include "config/time_zone_rule.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 44, TYPE_BYTES = 6, DAY_S = 86400, OFFSET_MAX_S = 26 * 3600, PATH_BYTES_MAX = 4096 };

struct time_zone {
    size_t count;
    int64_t times[TIME_ZONE_TRANSITIONS_MAX];
    unsigned char types[TIME_ZONE_TRANSITIONS_MAX];
    int32_t offsets[TIME_ZONE_TYPES_MAX];
    bool has_rule;
    struct zone_rule rule;
};

/* ---- bytes ------------------------------------------------------------------- */

struct counts {
    uint32_t flags_utc, flags_std, leaps, times, types, chars;
};

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be_time(const unsigned char *p, size_t width)
{
    if (width == 4)
        return (int32_t)be32(p);
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static int wrong(struct err *e, const char *name, const char *what)
{
    return err_set(e, ERR_INVALID, "time zone %s: its file is damaged (%s); install tzdata anew", name, what);
}

static int read_header(const unsigned char *p, size_t len, struct counts *c, const char *name, struct err *e)
{
    if (len < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
        return wrong(e, name, "no zone file");
    *c = (struct counts){ be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40) };
    if (c->times > TIME_ZONE_TRANSITIONS_MAX || c->types > TIME_ZONE_TYPES_MAX || c->chars > 2048 || c->leaps > 2048 ||
        c->flags_utc > c->types || c->flags_std > c->types)
        return wrong(e, name, "counts");
    return 0;
}

/* Every count is small, so this does not overflow. */
static size_t block_bytes(const struct counts *c, size_t width)
{
    return c->times * (width + 1) + c->types * TYPE_BYTES + c->chars + c->leaps * (width + 4) + c->flags_std +
           c->flags_utc;
}

static int read_block(struct time_zone *z, const unsigned char *p, const struct counts *c, size_t width,
                      const char *name, struct err *e)
{
    const unsigned char *types = p + c->times * width, *kinds = types + c->times;

    if (c->types == 0)
        return wrong(e, name, "no types");
    if (c->leaps > 0)
        return err_set(e, ERR_UNSUPPORTED, "time zone %s counts leap seconds; write its name without \"right/\"", name);
    for (size_t i = 0; i < c->times; i++) {
        z->times[i] = be_time(p + i * width, width);
        z->types[i] = types[i];
        if (types[i] >= c->types || (i > 0 && z->times[i] <= z->times[i - 1]))
            return wrong(e, name, "transitions");
    }
    for (size_t i = 0; i < c->types; i++) {
        z->offsets[i] = (int32_t)be32(kinds + i * TYPE_BYTES);
        if (z->offsets[i] > OFFSET_MAX_S || z->offsets[i] < -OFFSET_MAX_S)
            return wrong(e, name, "offsets");
    }
    z->count = c->times;
    return 0;
}

/* "\n<rule>\n"; an empty one says that nothing is known after the last transition. */
static int read_rule(struct time_zone *z, const unsigned char *p, size_t len, const char *name, struct err *e)
{
    const unsigned char *end = len > 1 ? memchr(p + 1, '\n', len - 1) : NULL;

    if (end == NULL || p[0] != '\n')
        return wrong(e, name, "rule");
    if (end == p + 1)
        return 0;
    z->has_rule = zone_rule_parse(&z->rule, (const char *)p + 1, (size_t)(end - p - 1));
    return z->has_rule ? 0 : wrong(e, name, "rule");
}

static int read_bytes(struct time_zone *z, const char *name, const unsigned char *p, size_t len, struct err *e)
{
    struct counts c;
    size_t size;
    int rc = read_header(p, len, &c, name, e);

    if (rc != 0)
        return rc;
    size = HEADER_BYTES + block_bytes(&c, 4);
    if (len < size)
        return wrong(e, name, "cut off");
    if (p[4] == '\0')
        return read_block(z, p + HEADER_BYTES, &c, 4, name, e);
    p += size;
    len -= size;
    rc = read_header(p, len, &c, name, e);
    if (rc != 0)
        return rc;
    size = HEADER_BYTES + block_bytes(&c, 8);
    if (len < size)
        return wrong(e, name, "cut off");
    rc = read_block(z, p + HEADER_BYTES, &c, 8, name, e);
    return rc != 0 ? rc : read_rule(z, p + size, len - size, name, e);
}

int time_zone_read(struct time_zone **out, const char *name, const void *bytes, size_t len, struct err *e)
{
    struct time_zone *z = calloc(1, sizeof *z);
    int rc;

    if (z == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = read_bytes(z, name, bytes, len, e);
    if (rc != 0)
        free(z);
    else
        *out = z;
    return rc;
}

void time_zone_free(struct time_zone *z)
{
    free(z);
}

/* ---- files --------------------------------------------------------------------- */

/* Letters, digits and "+-_/", no part empty or of dots: nothing that leads out of the folder. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= TIME_ZONE_NAME_MAX || name[0] == '/' || name[len - 1] == '/')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_/") == len &&
           strstr(name, "//") == NULL;
}

static int unknown(struct err *e, const char *name)
{
    char shown[TIME_ZONE_NAME_MAX];

    text_clean(shown, sizeof shown, name, strlen(name), NULL);
    return err_set(e, ERR_NOT_FOUND,
                   "\"%s\" is not a time zone that this system knows; write an IANA name such as Europe/Berlin or UTC, "
                   "and install tzdata",
                   shown);
}

static int read_file(FILE *f, struct time_zone **out, const char *name, struct err *e)
{
    unsigned char *bytes = malloc(TIME_ZONE_BYTES_MAX);
    size_t len;
    int rc;

    if (bytes == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    len = fread(bytes, 1, TIME_ZONE_BYTES_MAX, f);
    if (len == TIME_ZONE_BYTES_MAX)
        rc = err_set(e, ERR_TOO_BIG, "time zone %s: its file is too large (at most %d bytes); install tzdata again",
                     name, TIME_ZONE_BYTES_MAX - 1);
    else if (ferror(f))
        rc = unknown(e, name); /* a folder, say */
    else
        rc = time_zone_read(out, name, bytes, len, e);
    free(bytes);
    return rc;
}

int time_zone_load(struct time_zone **out, const char *name, struct err *e)
{
    const char *folder = getenv("TZDIR");
    char path[PATH_BYTES_MAX];
    FILE *f;
    int rc;

    if (strcmp(name, "UTC") == 0) {
        *out = calloc(1, sizeof **out); /* no transitions, and offset 0 */
        return *out != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
    }
    if (!is_name(name))
        return unknown(e, name);
    snprintf(path, sizeof path, "%s/%s", folder != NULL && folder[0] != '\0' ? folder : "/usr/share/zoneinfo", name);
    f = fopen(path, "rb");
    if (f == NULL)
        return errno == ENOENT || errno == ENOTDIR ? unknown(e, name) : err_errno(e, errno, "time zone %s", name);
    rc = read_file(f, out, name, e);
    fclose(f);
    return rc;
}

/* ---- using ----------------------------------------------------------------------- */

int64_t time_zone_offset(const struct time_zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->count; /* the first transition after utc_s is in low..high */

    if (z->count == 0 || utc_s >= z->times[z->count - 1]) {
        if (z->has_rule)
            return zone_rule_offset(&z->rule, utc_s);
        return z->offsets[z->count > 0 ? z->types[z->count - 1] : 0];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (z->times[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return z->offsets[low > 0 ? z->types[low - 1] : 0];
}

int64_t time_zone_moment(const struct time_zone *z, int64_t local_s)
{
    int64_t before = time_zone_offset(z, local_s - DAY_S), after = time_zone_offset(z, local_s + DAY_S);
    int64_t early = local_s - before, late = local_s - after, low, high;

    if (time_zone_offset(z, early) == before)
        return early;
    if (time_zone_offset(z, late) == after)
        return late;
    /* Left out: the clocks were set forward between the two. */
    low = early < late ? early : late;
    high = early < late ? late : early;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (time_zone_offset(z, middle) == before)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Counts in years that begin in March, so that the leap day is the last: 153 days are five months. */
int64_t time_zone_days(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t cycle = (y >= 0 ? y : y - 399) / 400;
    int64_t year_in_cycle = y - cycle * 400;
    int64_t day_in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    assert(month >= 1 && month <= 12);
    return cycle * 146097 + year_in_cycle * 365 + year_in_cycle / 4 - year_in_cycle / 100 + day_in_year - 719468;
}
