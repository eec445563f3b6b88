/* See yaml_value.h.  Numbers with a unit are whole and have one unit: "90m",
 * not "1h30m" or "1.5h", so that there is one way to write and to read them. */
#include "config/yaml_value.h"

#include "base/text.h"
#include "base/times.h"
#include "config/agent_config.h"
#include "config/nearest.h"
#include "model/version.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(enum compression) == sizeof(int), "choices are written as int");
_Static_assert(sizeof(enum log_level) == sizeof(int), "choices are written as int");

struct unit {
    const char *name;
    int64_t factor;
};

/* Smallest first; NULL ends. */
/* clang-format off */
static const struct unit size_units[] = {
    { "B", 1 }, { "KiB", INT64_C(1) << 10 }, { "MiB", INT64_C(1) << 20 }, { "GiB", INT64_C(1) << 30 },
    { "TiB", INT64_C(1) << 40 }, { NULL, 0 },
};
static const struct unit duration_units[] = {
    { "ms", NS_PER_MS }, { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
    { "d", 24 * 3600 * NS_PER_S }, { NULL, 0 },
};

/* What people write, and what they most likely mean.  In any case of letters. */
struct meaning {
    const char *wrote, *meant;
};
static const struct meaning size_meanings[] = {
    { "b", "B" }, { "bytes", "B" }, { "k", "KiB" }, { "kb", "KiB" }, { "kib", "KiB" }, { "m", "MiB" }, { "mb", "MiB" },
    { "mib", "MiB" }, { "g", "GiB" }, { "gb", "GiB" }, { "gib", "GiB" }, { "t", "TiB" }, { "tb", "TiB" },
    { "tib", "TiB" }, { NULL, NULL },
};
static const struct meaning duration_meanings[] = {
    { "msec", "ms" }, { "sec", "s" }, { "secs", "s" }, { "second", "s" }, { "seconds", "s" }, { "s", "s" },
    { "min", "m" }, { "mins", "m" }, { "minute", "m" }, { "minutes", "m" }, { "hr", "h" }, { "hour", "h" },
    { "hours", "h" }, { "h", "h" }, { "day", "d" }, { "days", "d" }, { "d", "d" }, { NULL, NULL },
};
/* clang-format on */

#define WRONG(why, ...) (snprintf((why), YAML_WHY_MAX, __VA_ARGS__), false)

/* The value as shown in a message: printable, bounded. */
static const char *shown(const char *text, size_t len, char out[YAML_SHOWN_MAX])
{
    text_clean(out, YAML_SHOWN_MAX, text, len, NULL);
    return out;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at the front of text; *rest is what follows.  False: none, or too many. */
static bool read_digits(const char *text, int64_t *out, const char **rest)
{
    int64_t v = 0;

    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++) {
        int d = *text - '0';

        if (v > (INT64_MAX - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    *rest = text;
    return true;
}

static const char *format_with_unit(int64_t v, const struct unit *units, char *out, size_t size)
{
    int best = v == 0 && units == duration_units; /* 0s */

    for (int i = 0; v != 0 && units[i].name != NULL; i++) {
        if (v % units[i].factor == 0)
            best = i;
    }
    snprintf(out, size, "%" PRId64 "%s", v / units[best].factor, units[best].name);
    return out;
}

static const char *format_number(const struct yaml_key *key, int64_t v, char *out, size_t size)
{
    if (key->type == YAML_SIZE)
        return format_with_unit(v, size_units, out, size);
    if (key->type == YAML_DURATION)
        return format_with_unit(v, duration_units, out, size);
    snprintf(out, size, "%" PRId64, v);
    return out;
}

static void range_of_choices(const struct yaml_key *key, char out[YAML_RANGE_MAX])
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; key->choices[i] != NULL; i++) {
        const char *joint = i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ";

        used += (size_t)snprintf(out + used, YAML_RANGE_MAX - used, "%s%s", joint, key->choices[i]);
        assert(used < YAML_RANGE_MAX);
    }
}

const char *yaml_value_range(const struct yaml_key *key, char out[YAML_RANGE_MAX])
{
    char low[40], high[40];

    out[0] = '\0';
    switch (key->type) {
    case YAML_INT:
    case YAML_SIZE:
    case YAML_DURATION:
        snprintf(out, YAML_RANGE_MAX, "%s to %s", format_number(key, key->min, low, sizeof low),
                 format_number(key, key->max, high, sizeof high));
        break;
    case YAML_CHOICE:
    case YAML_FLAGS:
        range_of_choices(key, out);
        break;
    case YAML_BOOL:
        snprintf(out, YAML_RANGE_MAX, "true or false");
        break;
    case YAML_TEXT:
    case YAML_TEXT_LIST:
    case YAML_VERSION:
    case YAML_TIME:
    case YAML_LINES:
    case YAML_ITEMS:
        break;
    }
    return out;
}

static bool in_range(const struct yaml_key *key, const char *text, int64_t v, int64_t *out, char *why)
{
    char range[YAML_RANGE_MAX];

    if (v < key->min || v > key->max)
        return WRONG(why, "%s is out of range; write %s", text, yaml_value_range(key, range));
    *out = v;
    return true;
}

static bool read_int(const struct yaml_key *key, const char *text, bool plain, int64_t *out, char *why)
{
    bool negative = text[0] == '-';
    char s[YAML_SHOWN_MAX], range[YAML_RANGE_MAX];
    const char *rest;
    int64_t v;

    shown(text, strlen(text), s);
    if (!read_digits(text + negative, &v, &rest) || *rest != '\0')
        return WRONG(why, "\"%s\" is not a whole number; write %s", s, yaml_value_range(key, range));
    if (!plain)
        return WRONG(why, "\"%s\" is a text, not a number; write %s without quotes", s, s);
    return in_range(key, s, negative ? -v : v, out, why);
}

static const char *meant_unit(const char *unit, bool is_size)
{
    for (const struct meaning *m = is_size ? size_meanings : duration_meanings; m->wrote != NULL; m++) {
        if (text_casecmp(unit, m->wrote) == 0)
            return m->meant;
    }
    return NULL;
}

static bool wrong_unit(bool is_size, const char *s, int64_t v, const char *unit, char *why)
{
    const char *units = is_size ? "B, KiB, MiB, GiB or TiB" : "ms, s, m, h or d";
    const char *meant = meant_unit(unit, is_size);

    if (*unit == '\0')
        return WRONG(why, "%s has no unit; write %" PRId64 "%s, say (%s)", s, v, is_size ? "MiB" : "s", units);
    if (meant != NULL)
        return WRONG(why, "\"%s\" has an unknown unit; write %" PRId64 "%s (%s)", s, v, meant, units);
    return WRONG(why, "\"%s\" has an unknown unit; write a whole number with one of %s", s, units);
}

static bool read_with_unit(const struct yaml_key *key, const char *text, const struct unit *units, int64_t *out,
                           char *why)
{
    bool is_size = units == size_units;
    char s[YAML_SHOWN_MAX], range[YAML_RANGE_MAX];
    const char *unit;
    int64_t v;

    shown(text, strlen(text), s);
    if (!read_digits(text, &v, &unit))
        return WRONG(why, "\"%s\" is not %s; write a whole number with a unit, such as %s", s,
                     is_size ? "a size" : "a length of time", is_size ? "512MiB" : "30s");
    while (*unit == ' ')
        unit++;
    for (; units->name != NULL; units++) {
        if (strcmp(units->name, unit) != 0)
            continue;
        if (v > INT64_MAX / units->factor)
            return WRONG(why, "%s is out of range; write %s", s, yaml_value_range(key, range));
        return in_range(key, s, v * units->factor, out, why);
    }
    return wrong_unit(is_size, s, v, unit, why);
}

static bool read_bool(const char *text, bool plain, bool *out, char *why)
{
    static const char *const yes[] = { "true", "yes", "on", "y", "1" }, *const no[] = { "false", "no", "off", "n",
                                                                                        "0" };
    char s[YAML_SHOWN_MAX];

    if (plain && strcmp(text, "true") == 0)
        return *out = true;
    if (plain && strcmp(text, "false") == 0) {
        *out = false;
        return true;
    }
    shown(text, strlen(text), s);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (text_casecmp(text, yes[i]) == 0)
            return WRONG(why, "\"%s\" means different things to different readers; write true", s);
        if (text_casecmp(text, no[i]) == 0)
            return WRONG(why, "\"%s\" means different things to different readers; write false", s);
    }
    return WRONG(why, "\"%s\" is neither true nor false; write one of the two", s);
}

static bool read_choice(const struct yaml_key *key, const char *text, int *out, char *why)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    char s[YAML_SHOWN_MAX], range[YAML_RANGE_MAX];

    for (int i = 0; key->choices[i] != NULL; i++) {
        size_t d = edit_distance(text, key->choices[i]);

        if (d == 0) {
            *out = i;
            return true;
        }
        if (d < best && is_near(d, text)) {
            best = d;
            nearest = key->choices[i];
        }
    }
    shown(text, strlen(text), s);
    yaml_value_range(key, range);
    if (nearest != NULL)
        return WRONG(why, "\"%s\" is not known; did you mean %s? (%s)", s, nearest, range);
    return WRONG(why, "\"%s\" is not known; write %s", s, range);
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return true;
    }
    return false;
}

static bool read_text(const struct yaml_key *key, const char *text, size_t len, char *out, char *why)
{
    if (len < (size_t)key->min)
        return WRONG(why, "is empty; write a text of %" PRId64 " to %" PRId64 " bytes", key->min, key->max);
    if (len > (size_t)key->max)
        return WRONG(why, "is too long with %zu bytes; write at most %" PRId64, len, key->max);
    if (has_control(text, len))
        return WRONG(why, "holds a line break or another control character; write it in one line");
    memcpy(out, text, len + 1);
    return true;
}

bool yaml_value_read_flag(const struct yaml_key *key, const char *text, uint32_t *flags, char why[YAML_WHY_MAX])
{
    int choice;

    if (!read_choice(key, text, &choice, why))
        return false;
    assert(choice < 32);
    *flags |= UINT32_C(1) << choice;
    return true;
}

bool yaml_value_read_item(const char *text, size_t len, char *item, char why[YAML_WHY_MAX])
{
    static const struct yaml_key any = { .type = YAML_TEXT, .min = 1, .max = CONFIG_TEXT_MAX - 1 };

    return read_text(&any, text, len, item, why);
}

static bool read_version(const struct yaml_key *key, const char *text, struct version *out, char *why)
{
    struct version v = { { 0 } };
    char s[YAML_SHOWN_MAX];

    if (version_parse(text, &v) == 0 && !(text[0] == '\0' && key->fallback != NULL && key->fallback[0] == '\0'))
        return WRONG(why,
                     "\"%s\" is not a version; write one to four numbers with dots between, such as 6.3.9600.18692",
                     shown(text, strlen(text), s));
    *out = v;
    return true;
}

static bool read_time(const struct yaml_key *key, const char *text, int64_t *out, char *why)
{
    int64_t ns = 0;
    char s[YAML_SHOWN_MAX];

    if (!times_parse(text, &ns) && !(text[0] == '\0' && key->fallback != NULL && key->fallback[0] == '\0'))
        return WRONG(why, "\"%s\" is not a time; write it like 2026-01-31T08:00:00Z", shown(text, strlen(text), s));
    *out = ns;
    return true;
}

bool yaml_value_read(const struct yaml_key *key, const char *text, size_t len, bool plain, void *field,
                     char why[YAML_WHY_MAX])
{
    assert(text[len] == '\0');
    if (key->type != YAML_TEXT && strlen(text) != len)
        return WRONG(why, "holds a NUL character; remove it");
    switch (key->type) {
    case YAML_TEXT:
        return read_text(key, text, len, field, why);
    case YAML_INT:
        return read_int(key, text, plain, field, why);
    case YAML_SIZE:
        return read_with_unit(key, text, size_units, field, why);
    case YAML_DURATION:
        return read_with_unit(key, text, duration_units, field, why);
    case YAML_BOOL:
        return read_bool(text, plain, field, why);
    case YAML_CHOICE:
        return read_choice(key, text, field, why);
    case YAML_VERSION:
        return read_version(key, text, field, why);
    case YAML_TIME:
        return read_time(key, text, field, why);
    case YAML_TEXT_LIST:
    case YAML_LINES:
    case YAML_FLAGS:
    case YAML_ITEMS:
        break;
    }
    assert(!"a list is read item by item");
    return false;
}

size_t yaml_value_size(const struct yaml_key *key)
{
    switch (key->type) {
    case YAML_TEXT:
    case YAML_LINES:
        return (size_t)key->max + 1;
    case YAML_FLAGS:
        return sizeof(uint32_t);
    case YAML_ITEMS:
        return (size_t)key->max * key->items->target_size;
    case YAML_BOOL:
        return sizeof(bool);
    case YAML_CHOICE:
        return sizeof(int);
    case YAML_TEXT_LIST:
        return sizeof(struct config_list);
    case YAML_VERSION:
        return sizeof(struct version);
    case YAML_INT:
    case YAML_SIZE:
    case YAML_DURATION:
    case YAML_TIME:
        break;
    }
    return sizeof(int64_t);
}
