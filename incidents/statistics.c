/* Crashes and the time guests were watched, counted by what they have in
 * common.  The numbers are made in intervals.c.
 */
#include "incidents/statistics.h"

#include "base/text.h"
#include "model/drift.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_KNOWN_LABEL "(not known)"
#define OTHERS_LABEL    "(others)"

static const char *const names[STATISTICS_GROUPING_COUNT] = {
    [BY_DRIFT_STATE] = "drift-state", [BY_GUEST_OS] = "guest-os", [BY_MODULE] = "module",
    [BY_BUCKET] = "bucket",           [BY_ORIGIN] = "origin",     [BY_DRIVER_VERSION] = "driver-version",
    [BY_BUGCHECK] = "bugcheck",
};

const char *statistics_grouping_name(enum statistics_grouping g)
{
    assert(g < STATISTICS_GROUPING_COUNT);
    return names[g];
}

/* ---- labels ---------------------------------------------------------------------------- */

/* The version of a module in "vmbus.sys 6.3.9600.1, storvsc.sys"; false when it is not there. */
static bool version_in(const char *components, const char *module, char *out, size_t size)
{
    size_t len = strlen(module);

    for (const char *at = components; *at != '\0';) {
        size_t item = strcspn(at, ",");

        if (item > len + 1 && text_ncasecmp(at, module, len) == 0 && at[len] == ' ') {
            snprintf(out, size, "%.*s", (int)(item - len - 1), at + len + 1);
            return true;
        }
        at += item;
        at += strspn(at, ", ");
    }
    return false;
}

static void label_version(const struct incident *i, char out[STATISTICS_LABEL_MAX])
{
    const char *module = incident_module(i);
    char version[64];

    for (int d = 0; d < i->dump_count && module[0] != '\0'; d++) {
        if (version_in(i->dumps[d].components, module, version, sizeof version)) {
            snprintf(out, STATISTICS_LABEL_MAX, "%.128s %s", module, version);
            return;
        }
    }
    if (module[0] != '\0')
        snprintf(out, STATISTICS_LABEL_MAX, "%.128s (version not known)", module);
}

static const char *bucket_of(const struct incident *i)
{
    for (int d = 0; d < i->dump_count; d++) {
        if (i->dumps[d].failure_id[0] != '\0')
            return i->dumps[d].failure_id;
        if (i->dumps[d].bucket[0] != '\0')
            return i->dumps[d].bucket;
    }
    return "";
}

void statistics_label(const struct incident *i, enum statistics_grouping g, char out[STATISTICS_LABEL_MAX])
{
    char headline[INCIDENT_HEADLINE_MAX];

    out[0] = '\0';
    switch (g) {
    case BY_DRIFT_STATE:
        text_copy(out, STATISTICS_LABEL_MAX, i->drift.known ? drift_state_name(i->drift.state) : "");
        break;
    case BY_GUEST_OS:
        text_copy(out, STATISTICS_LABEL_MAX, i->guest_os[0] != '\0' ? i->guest_os : i->guest_os_version);
        break;
    case BY_MODULE:
        text_copy(out, STATISTICS_LABEL_MAX, incident_module(i));
        break;
    case BY_BUCKET:
        text_copy(out, STATISTICS_LABEL_MAX, bucket_of(i));
        break;
    case BY_DRIVER_VERSION:
        label_version(i, out);
        break;
    case BY_ORIGIN:
        text_copy(out, STATISTICS_LABEL_MAX, incident_origin_name(i->origin));
        break;
    default:
        incident_headline(i, headline, sizeof headline);
        text_copy(out, STATISTICS_LABEL_MAX, headline);
    }
    if (out[0] == '\0')
        text_copy(out, STATISTICS_LABEL_MAX, NOT_KNOWN_LABEL);
}

/* ---- counting --------------------------------------------------------------------------- */

struct tally {
    char label[STATISTICS_LABEL_MAX];
    uint64_t crashes;
    double days;
    bool has_days;
};

struct statistics {
    enum statistics_grouping grouping;
    struct tally *tallies; /* in order of label */
    size_t count, cap;
    uint64_t crashes;
    double days;
    struct statistics_group *groups; /* of the last asking */
    struct crash_rate total;
};

struct statistics *statistics_new(enum statistics_grouping g)
{
    struct statistics *s = calloc(1, sizeof *s);

    if (s != NULL)
        s->grouping = g;
    return s;
}

void statistics_free(struct statistics *s)
{
    if (s == NULL)
        return;
    free(s->tallies);
    free(s->groups);
    free(s);
}

static size_t place_of(const struct statistics *s, const char *label)
{
    size_t lo = 0, hi = s->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(s->tallies[mid].label, label) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_at(const struct statistics *s, size_t at, const char *label)
{
    return at < s->count && strcmp(s->tallies[at].label, label) == 0;
}

/* Finds or makes; with STATISTICS_GROUPS_MAX labels the rest are one. */
static struct tally *tally_of(struct statistics *s, const char *label)
{
    size_t at = place_of(s, label);
    struct tally *more;

    if (is_at(s, at, label))
        return &s->tallies[at];
    if (s->count >= STATISTICS_GROUPS_MAX - 1) {
        label = OTHERS_LABEL;
        at = place_of(s, label);
        if (is_at(s, at, label))
            return &s->tallies[at];
    }
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 16 : s->cap * 2;

        more = realloc(s->tallies, cap * sizeof *more);
        if (more == NULL)
            return NULL;
        s->tallies = more;
        s->cap = cap;
    }
    memmove(s->tallies + at + 1, s->tallies + at, (s->count - at) * sizeof *s->tallies);
    s->tallies[at] = (struct tally){ 0 };
    text_copy(s->tallies[at].label, sizeof s->tallies[at].label, label);
    s->count++;
    return &s->tallies[at];
}

int statistics_crash(struct statistics *s, const struct incident *i, struct err *e)
{
    char label[STATISTICS_LABEL_MAX];
    struct tally *t;

    statistics_label(i, s->grouping, label);
    t = tally_of(s, label);
    if (t == NULL)
        return err_set(e, ERR_MEMORY, "statistics: out of memory");
    t->crashes++;
    s->crashes++;
    return 0;
}

int statistics_days(struct statistics *s, const char *label, double guest_days, struct err *e)
{
    struct tally *t;

    if (!(guest_days >= 0) || !isfinite(guest_days))
        return err_set(e, ERR_INVALID, "statistics: guest-days must be a number of 0 or more");
    if (label == NULL) {
        s->days += guest_days;
        return 0;
    }
    t = tally_of(s, label);
    if (t == NULL)
        return err_set(e, ERR_MEMORY, "statistics: out of memory");
    t->days += guest_days;
    t->has_days = true;
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct statistics_group *x = a, *y = b;

    if (x->rate.crashes != y->rate.crashes)
        return x->rate.crashes > y->rate.crashes ? -1 : 1;
    return strcmp(x->label, y->label);
}

const struct statistics_group *statistics_groups(struct statistics *s, size_t *count)
{
    free(s->groups);
    s->groups = calloc(s->count + 1, sizeof *s->groups);
    *count = s->groups != NULL ? s->count : 0;
    for (size_t n = 0; n < *count; n++) {
        const struct tally *t = &s->tallies[n];

        s->groups[n].label = t->label;
        s->groups[n].own_days = t->has_days;
        crash_rate(t->crashes, t->has_days ? t->days : s->days, &s->groups[n].rate);
    }
    if (*count > 0)
        qsort(s->groups, *count, sizeof *s->groups, compare_groups);
    return s->groups;
}

const struct crash_rate *statistics_total(struct statistics *s)
{
    crash_rate(s->crashes, s->days, &s->total);
    return &s->total;
}

/* ---- in words ---------------------------------------------------------------------------- */

static void numbers(const struct crash_rate *a, const struct crash_rate *b, char *out, size_t size)
{
    snprintf(out, size, "%" PRIu64 " crashes in %.0f guest-days against %" PRIu64 " in %.0f", a->crashes, a->guest_days,
             b->crashes, b->guest_days);
}

void crash_ratio_sentence(const char *group_a, const struct crash_rate *a, const char *group_b,
                          const struct crash_rate *b, char *out, size_t size)
{
    char counts[128];
    struct crash_ratio r;

    crash_ratio(a->crashes, a->guest_days, b->crashes, b->guest_days, &r);
    numbers(a, b, counts, sizeof counts);
    if (!r.known)
        snprintf(out, size, "Not enough data to compare guests that are %.100s with those that are %.100s: %s (%s)",
                 group_a, group_b, r.why, counts);
    else if (r.low <= 1 && r.high >= 1)
        snprintf(out, size,
                 "Guests that are %.100s crashed neither clearly more nor clearly less often than those that are "
                 "%.100s (%s)",
                 group_a, group_b, counts);
    else if (!isfinite(r.high))
        snprintf(out, size,
                 "Guests that are %.100s crashed at least %.1f times as often as those that are %.100s (95 %% "
                 "interval; %s); "
                 "this says that the two go together, not why",
                 group_a, r.low, group_b, counts);
    else
        snprintf(
            out, size,
            "Guests that are %.100s crashed %.1f times as often as those that are %.100s (95 %% interval %.1f to %.1f; "
            "%s); this says that the two go together, not why",
            group_a, r.ratio, group_b, r.low, r.high, counts);
}
