/* See guest_config.h. */
#include "model/guest_config.h"

#include "model/run.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { COUNT_MAX = 1000000 }; /* of anything a VM has; more is no number */

static const char *const memory_words[MEMORY_KIND_COUNT] = { "unknown", "static", "dynamic" };
static const char *const controller_words[DISK_CONTROLLER_COUNT] = { "unknown", "ide", "scsi" };
static const char *const disk_words[DISK_KIND_COUNT] = { "unknown", "fixed", "dynamic", "differencing", "physical" };

const char *memory_kind_name(enum memory_kind k)
{
    assert((unsigned)k < MEMORY_KIND_COUNT);
    return memory_words[k];
}

const char *disk_controller_name(enum disk_controller c)
{
    assert((unsigned)c < DISK_CONTROLLER_COUNT);
    return controller_words[c];
}

const char *disk_kind_name(enum disk_kind k)
{
    assert((unsigned)k < DISK_KIND_COUNT);
    return disk_words[k];
}

static int word_place(const char *const *words, int count, const char *word)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return 0;
}

enum disk_controller disk_controller_parse(const char *word)
{
    return (enum disk_controller)word_place(controller_words, DISK_CONTROLLER_COUNT, word);
}

enum disk_kind disk_kind_parse(const char *word)
{
    return (enum disk_kind)word_place(disk_words, DISK_KIND_COUNT, word);
}

void guest_config_init(struct guest_config *c)
{
    *c = (struct guest_config){ .checkpoints = -1, .disk_count = -1 };
}

/* ---- reading ------------------------------------------------------------ */

/* A number within 0..max, else missing. */
static int64_t number(const struct observation *o, const char *key, int64_t max, int64_t missing)
{
    int64_t n = obs_get_int(o, key, missing);

    return n >= 0 && n <= max ? n : missing;
}

static const char *disk_word(const struct observation *o, int disk, const char *what)
{
    char key[OBS_KEY_MAX];

    snprintf(key, sizeof key, ATTR_DISK_N, disk, what);
    return obs_get_str(o, key);
}

static struct guest_config config_of(const struct observation *o, int64_t t)
{
    const struct attr *dynamic = obs_attr(o, ATTR_MEMORY_DYNAMIC);
    const struct attr *available = obs_attr(o, ATTR_MEMORY_AVAILABLE);
    struct guest_config c = { .time = t };

    c.generation = (int)number(o, ATTR_VM_GENERATION, 255, 0);
    c.processors = (int)number(o, ATTR_VM_PROCESSORS, COUNT_MAX, 0);
    c.checkpoints = (int)number(o, ATTR_VM_CHECKPOINTS, COUNT_MAX, -1);
    if (dynamic != NULL && dynamic->type == ATTR_BOOL)
        c.memory = dynamic->num != 0 ? MEMORY_DYNAMIC : MEMORY_STATIC;
    c.startup_mib = number(o, ATTR_MEMORY_STARTUP, INT64_MAX, 0);
    c.minimum_mib = number(o, ATTR_MEMORY_MINIMUM, INT64_MAX, 0);
    c.maximum_mib = number(o, ATTR_MEMORY_MAXIMUM, INT64_MAX, 0);
    c.disk_count = (int)number(o, ATTR_DISKS, COUNT_MAX, -1);
    for (int i = 0; i < c.disk_count && i < CONFIG_DISKS_KEPT; i++) {
        c.disks[i].controller = disk_controller_parse(disk_word(o, i + 1, "controller"));
        c.disks[i].kind = disk_kind_parse(disk_word(o, i + 1, "kind"));
    }
    c.assigned_mib = number(o, ATTR_MEMORY_ASSIGNED, INT64_MAX, 0);
    c.demand_mib = number(o, ATTR_MEMORY_DEMAND, INT64_MAX, 0);
    c.has_available = available != NULL && available->type == ATTR_INT;
    c.available_percent = c.has_available ? available->num : 0;
    return c;
}

/* ---- order -------------------------------------------------------------- */

static int compare_numbers(const int64_t *a, const int64_t *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

static int compare_settings(const struct guest_config *a, const struct guest_config *b)
{
    enum { SCALARS = 8, NUMBERS = SCALARS + 2 * CONFIG_DISKS_KEPT };
    int64_t numbers[2][NUMBERS];
    const struct guest_config *both[2] = { a, b };

    for (int i = 0; i < 2; i++) {
        const struct guest_config *c = both[i];
        int64_t *n = numbers[i];

        memcpy(n,
               (int64_t[SCALARS]){ c->generation, c->processors, c->checkpoints, c->memory, c->startup_mib,
                                   c->minimum_mib, c->maximum_mib, c->disk_count },
               SCALARS * sizeof *n);
        for (int d = 0; d < CONFIG_DISKS_KEPT; d++) {
            n[SCALARS + 2 * d] = c->disks[d].controller;
            n[SCALARS + 2 * d + 1] = c->disks[d].kind;
        }
    }
    return compare_numbers(numbers[0], numbers[1], NUMBERS);
}

static int compare_moment(const struct guest_config *a, const struct guest_config *b)
{
    int64_t x[] = { a->assigned_mib, a->demand_mib, a->has_available, a->available_percent };
    int64_t y[] = { b->assigned_mib, b->demand_mib, b->has_available, b->available_percent };

    return compare_numbers(x, y, sizeof x / sizeof *x);
}

void guest_config_take(struct guest_config *c, const struct observation *o, int64_t t)
{
    struct guest_config now = config_of(o, t), before = *c;
    int order = compare_settings(&now, c);
    bool newer = t > before.time || (t == before.time && compare_moment(&now, c) > 0);

    if (!run_take((struct run){ &c->time, &c->since, &c->other }, t, order) && (order != 0 || !newer))
        return;
    now.time = c->time;
    now.since = c->since;
    now.other = c->other;
    *c = now;
}
