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

static void count_in(struct report_group *group, const struct report_guest *g, bool fine)
{
    group->guests++;
    group->problems += !fine;
    group->by_state[g->kept.state]++;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

uint32_t report_hash(const void *table, const char *text, bool fold)
{
    uintptr_t secret = (uintptr_t)table;
    uint32_t h = 2166136261u ^ (uint32_t)(secret >> 4) ^ (uint32_t)(secret >> 32);

    for (; *text != '\0'; text++)
        h = (h ^ (fold ? lower((unsigned char)*text) : (unsigned char)*text)) * 16777619u;
    return h;
}

/* Groups as they are found: an open hash of their keys. */
struct finding {
    struct report_group *groups;
    const char **keys; /* of the groups */
    size_t count, cap, key_cap;
    uint32_t *places; /* of groups, from 1; 0 free */
    size_t mask;
    uint32_t last; /* the place of the last one asked for; 0 none */
};

static bool same_key(const struct finding *f, uint32_t place, const char *key)
{
    const char *other = f->keys[place - 1];

    return other == key || strcmp(other, key) == 0;
}

/* The group of this key, a new one when there is none; NULL out of memory. */
static struct report_group *group_for(struct finding *f, const char *key, const struct report_guest *g)
{
    size_t at;

    if (f->last != 0 && f->keys[f->last - 1] == key) /* neighbours share a host's texts */
        return &f->groups[f->last - 1];
    at = report_hash(f->places, key, false) & f->mask;
    while (f->places[at] != 0 && !same_key(f, f->places[at], key))
        at = (at + 1) & f->mask;
    if (f->places[at] == 0) {
        if (!report_room((void **)&f->groups, f->count, &f->cap, sizeof *f->groups) ||
            !report_room((void **)&f->keys, f->count, &f->key_cap, sizeof *f->keys))
            return NULL;
        f->groups[f->count] = (struct report_group){ .first = g };
        f->keys[f->count] = key;
        f->places[at] = (uint32_t)++f->count;
    }
    f->last = f->places[at];
    return &f->groups[f->last - 1];
}

static bool make_places(struct finding *f, size_t guests)
{
    size_t places = 64;

    while (places < guests * 2)
        places *= 2;
    f->places = calloc(places, sizeof *f->places);
    f->mask = places - 1;
    return f->places != NULL;
}

/* One pass over the guests for all groupings: that many rows fit into no cache. */
static bool find_groups(struct finding found[GROUPING_COUNT], const struct drift_report *r)
{
    for (int by = 0; by < GROUPING_COUNT; by++) {
        if (!make_places(&found[by], r->guest_count))
            return false;
    }
    for (size_t i = 0; i < r->guest_count; i++) {
        const struct report_guest *g = &r->guests[i];
        bool fine = report_is_fine(g);

        if (i + REPORT_FETCH_ROWS < r->guest_count)
            __builtin_prefetch(r->guests[i + REPORT_FETCH_ROWS].os_name);
        for (int by = 0; by < GROUPING_COUNT; by++) {
            struct report_group *group = group_for(&found[by], key_of((enum report_grouping)by, g), g);

            if (group == NULL)
                return false;
            count_in(group, g, fine);
        }
    }
    return true;
}

bool report_groups(const struct drift_report *r, struct report_groups *out)
{
    struct finding found[GROUPING_COUNT] = { { .groups = NULL } };
    bool whole;

    assert(r->finished && r->guest_count < UINT32_MAX);
    whole = find_groups(found, r);
    for (int by = 0; by < GROUPING_COUNT; by++) {
        struct finding *f = &found[by];

        if (f->count > 0)
            qsort(f->groups, f->count, sizeof *f->groups, most_problems_first);
        out->list[by] = f->groups;
        out->count[by] = f->count;
        free(f->keys);
        free(f->places);
    }
    if (!whole)
        report_groups_free(out);
    return whole;
}

void report_groups_free(struct report_groups *g)
{
    for (int by = 0; by < GROUPING_COUNT; by++)
        free(g->list[by]);
    *g = (struct report_groups){ .count = { 0 } };
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
