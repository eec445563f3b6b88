/* Guests counted by cluster, host, guest OS and version, and by what they need. */
#include "report/report_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *report_grouping_name(enum report_grouping by)
{
    static const char *const names[GROUPING_COUNT] = {
        [GROUP_CLUSTER] = "cluster",
        [GROUP_HOST] = "host",
        [GROUP_OS] = "guest_os",
        [GROUP_VERSION] = "guest_version",
    };

    assert(by < GROUPING_COUNT);
    return names[by];
}

/* What guests of one group have in common. */
static const char *key_of(enum report_grouping by, const struct report_guest *g)
{
    switch (by) {
    case GROUP_CLUSTER:
        return g->cluster;
    case GROUP_HOST:
        return g->host_id;
    case GROUP_OS:
        return g->os_name[0] != '\0' ? g->os_name : g->os_version;
    case GROUP_VERSION:
        return g->guest_version;
    case GROUPING_COUNT:
        break;
    }
    return "";
}

const char *report_group_label(enum report_grouping by, const struct report_group *g)
{
    return by == GROUP_HOST ? g->first->host : key_of(by, g->first);
}

static int most_problems_first(const void *a, const void *b)
{
    const struct report_group *x = a, *y = b;

    if (x->problems != y->problems)
        return x->problems > y->problems ? -1 : 1;
    if (x->guests != y->guests)
        return x->guests > y->guests ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void count_in(struct report_group *group, const struct report_guest *g)
{
    group->guests++;
    group->problems += !report_is_fine(g);
    group->by_state[g->kept.state]++;
}

/* Groups as they are found: an open hash of their keys. */
struct finding {
    enum report_grouping by;
    struct report_group *groups;
    size_t count, cap;
    uint32_t *places; /* of groups, from 1; 0 free */
    uint32_t last;    /* the place of the last one asked for */
    size_t mask;
};

/* FNV-1a from a start that nobody outside knows (the table's address, which differs from run to run): the versions
 * are written by guests, who must not be able to choose them so that they fall into one place. */
static uint32_t hash_of(const struct finding *f, const char *key)
{
    uintptr_t secret = (uintptr_t)f->places;
    uint32_t h = 2166136261u ^ (uint32_t)(secret >> 4) ^ (uint32_t)(secret >> 32);

    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return h;
}

/* The group of this key, a new one when there is none; there is room for it. */
static struct report_group *group_for(struct finding *f, const struct report_guest *g)
{
    const char *key = key_of(f->by, g);
    size_t at;

    if (f->last != 0 && key_of(f->by, f->groups[f->last - 1].first) == key) /* neighbours share a host's texts */
        return &f->groups[f->last - 1];
    at = hash_of(f, key) & f->mask;
    for (; f->places[at] != 0; at = (at + 1) & f->mask) {
        struct report_group *group = &f->groups[f->places[at] - 1];
        const char *other = key_of(f->by, group->first);

        if (other == key || strcmp(other, key) == 0) {
            f->last = f->places[at];
            return group;
        }
    }
    f->groups[f->count] = (struct report_group){ .first = g };
    f->places[at] = f->last = (uint32_t)++f->count;
    return &f->groups[f->count - 1];
}

static bool find_groups(struct finding *f, const struct drift_report *r)
{
    size_t places = 64;

    while (places < r->guest_count * 2)
        places *= 2;
    f->places = calloc(places, sizeof *f->places);
    f->mask = places - 1;
    for (size_t i = 0; f->places != NULL && i < r->guest_count; i++) {
        if (!report_room((void **)&f->groups, f->count, &f->cap, sizeof *f->groups))
            return false;
        if (i + REPORT_FETCH_ROWS < r->guest_count)
            __builtin_prefetch(key_of(f->by, &r->guests[i + REPORT_FETCH_ROWS]));
        count_in(group_for(f, &r->guests[i]), &r->guests[i]);
    }
    return f->places != NULL;
}

struct report_group *report_groups(const struct drift_report *r, enum report_grouping by, size_t *count)
{
    struct finding f = { .by = by };

    assert(r->finished && r->guest_count < UINT32_MAX);
    *count = r->guest_count > 0;
    if (r->guest_count == 0)
        return NULL;
    if (find_groups(&f, r)) {
        *count = f.count;
        qsort(f.groups, f.count, sizeof *f.groups, most_problems_first);
    } else {
        free(f.groups);
        f.groups = NULL;
    }
    free(f.places);
    return f.groups;
}

static struct report_need *need_for(struct report_need *needs, size_t *count, const struct report_guest *g)
{
    for (size_t i = 0; i < *count; i++) {
        if (needs[i].state == g->kept.state && strcmp(needs[i].action, g->action) == 0)
            return &needs[i];
    }
    if (*count == REPORT_NEEDS_MAX)
        return NULL;
    needs[*count] = (struct report_need){ .state = g->kept.state, .action = g->action };
    return &needs[(*count)++];
}

size_t report_needs(const struct drift_report *r, struct report_need *list)
{
    size_t count = 0;

    for (size_t i = 0; i < r->guest_count; i++) {
        const struct report_guest *g = &r->guests[i];
        struct report_need *need = report_is_fine(g) ? NULL : need_for(list, &count, g);

        if (need == NULL)
            continue;
        if (need->count < REPORT_NAMES)
            need->first[need->count] = g;
        need->count++;
    }
    return count;
}
