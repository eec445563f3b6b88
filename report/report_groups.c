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

struct keyed {
    const char *key;
    const struct report_guest *g;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order != 0 ? order : (x->g > y->g) - (x->g < y->g);
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

/* One group after the other from the guests in order of key; returns how many. */
static size_t gather(const struct keyed *keyed, size_t count, struct report_group *groups)
{
    size_t made = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(keyed[i].key, keyed[i - 1].key) != 0)
            groups[made++] = (struct report_group){ .first = keyed[i].g };
        count_in(&groups[made - 1], keyed[i].g);
    }
    return made;
}

struct report_group *report_groups(const struct drift_report *r, enum report_grouping by, size_t *count)
{
    struct keyed *keyed = malloc((r->guest_count + 1) * sizeof *keyed);
    struct report_group *groups = NULL;
    size_t different = 0;

    assert(r->finished);
    *count = r->guest_count > 0;
    if (r->guest_count == 0 || keyed == NULL)
        goto done;
    for (size_t i = 0; i < r->guest_count; i++)
        keyed[i] = (struct keyed){ key_of(by, &r->guests[i]), &r->guests[i] };
    qsort(keyed, r->guest_count, sizeof *keyed, by_key);
    for (size_t i = 0; i < r->guest_count; i++)
        different += i == 0 || strcmp(keyed[i].key, keyed[i - 1].key) != 0;
    groups = malloc(different * sizeof *groups);
    if (groups == NULL)
        goto done;
    *count = gather(keyed, r->guest_count, groups);
    qsort(groups, *count, sizeof *groups, most_problems_first);
done:
    free(keyed);
    return groups;
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
