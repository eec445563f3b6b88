/* How often guests crash, said honestly: counts, the time they were watched,
 * exact intervals, and no word about causes.
 *
 * Pure functions.  Methods: the exact (Garwood) interval of a Poisson count,
 * F. Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28
 * (1936); the ratio of two rates by the exact conditional (binomial,
 * Clopper-Pearson) interval, J. Przyborowski and H. Wilenski, Biometrika 31
 * (1940).
 */
#ifndef INCIDENTS_STATISTICS_H
#define INCIDENTS_STATISTICS_H

#include "base/error.h"
#include "incidents/incident.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATISTICS_MIN_CRASHES = 10,      /* in both groups together, before a ratio is given */
    STATISTICS_MIN_GUEST_DAYS = 1000, /* in each group */
    STATISTICS_GROUPS_MAX = 4096,     /* of one grouping; more are counted together as "(others)" */
    STATISTICS_LABEL_MAX = 256,
    STATISTICS_SENTENCE_MAX = 512,
};

/* The 95 % interval of a Poisson mean of which `count` was seen. */
void poisson_interval(uint64_t count, double *low, double *high);

struct crash_rate {
    uint64_t crashes;
    double guest_days;          /* watched; 0 not known */
    bool known;                 /* the three below; false without guest days */
    double per_1000, low, high; /* crashes per 1,000 guest-days, 95 % */
};
void crash_rate(uint64_t crashes, double guest_days, struct crash_rate *out);

struct crash_ratio {
    bool known;              /* enough data */
    const char *why;         /* why not: static text; "" when known */
    double ratio, low, high; /* of rate a to rate b; high is INFINITY when b saw none */
};
void crash_ratio(uint64_t crashes_a, double days_a, uint64_t crashes_b, double days_b, struct crash_ratio *out);

/* "Guests with state behind crashed 3.1 times as often as current ones (95 %
 * interval 1.4 to 6.8; ...): they go together, which does not say why", or that
 * there is not enough data.  Says who is compared, never a cause. */
void crash_ratio_sentence(const char *group_a, const struct crash_rate *a, const char *group_b,
                          const struct crash_rate *b, char *out, size_t size);

/* Words: drift-state guest-os module bucket driver-version origin bugcheck.  The label of
 * "driver-version" is the blamed module with its version, where the dump has it. */
enum statistics_grouping {
    BY_DRIFT_STATE,
    BY_GUEST_OS,
    BY_MODULE,
    BY_BUCKET,
    BY_DRIVER_VERSION,
    BY_ORIGIN,
    BY_BUGCHECK,
    STATISTICS_GROUPING_COUNT
};
const char *statistics_grouping_name(enum statistics_grouping g);
/* The label under which an incident counts; "(not known)" where it is not known. */
void statistics_label(const struct incident *i, enum statistics_grouping g, char out[STATISTICS_LABEL_MAX]);

struct statistics_group {
    const char *label;
    struct crash_rate rate; /* of this group's own guest-days where they were told, else of all */
    bool own_days;
};

/* Counts crashes and guest-days by label. */
struct statistics;
struct statistics *statistics_new(enum statistics_grouping g); /* NULL out of memory */
void statistics_free(struct statistics *s);
MUST_USE int statistics_crash(struct statistics *s, const struct incident *i, struct err *e);
/* Guests watched: of a group (drift states, guest OS), or label NULL: all of the fleet. */
MUST_USE int statistics_days(struct statistics *s, const char *label, double guest_days, struct err *e);
/* In order of crashes, most first, then label; owned by s, until it is next changed. */
const struct statistics_group *statistics_groups(struct statistics *s, size_t *count);
const struct crash_rate *statistics_total(struct statistics *s);

#endif
