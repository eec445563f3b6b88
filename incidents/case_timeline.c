/* The timeline of an incident: its signs, and what else happened, in order,
 * with the gaps in what is known marked.
 *
 * When there is more than fits, the signs and the gaps stay, and of the rest
 * what is nearest to the crash.
 */
#include "incidents/case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry before it is put into the incident. */
struct draft {
    const struct clue *c; /* its first; NULL for another guest's crash */
    const struct incident_other *other;
    int64_t time, until, count, longest_ns;
    enum incident_entry_kind kind;
    bool sign;
    int64_t distance; /* from the crash; 0 must stay */
};

struct drafts {
    struct draft *list;
    size_t count, cap;
    bool failed; /* out of memory */
};

static bool make_room(struct drafts *d)
{
    size_t cap = d->cap == 0 ? INCIDENT_TIMELINE_MAX : d->cap * 2;
    struct draft *list = d->count == d->cap ? realloc(d->list, cap * sizeof *list) : NULL;

    if (d->count < d->cap)
        return true;
    d->failed = d->failed || list == NULL;
    if (list == NULL)
        return false;
    d->list = list;
    d->cap = cap;
    return true;
}

static void add(struct drafts *d, struct draft one, const struct incident *i)
{
    bool must = one.sign || one.kind == ENTRY_GAP;
    int64_t apart = one.time - i->time;

    if (!make_room(d))
        return;
    one.distance = must ? 0 : 1 + (apart < 0 ? -apart : apart);
    one.count = one.count == 0 ? 1 : one.count;
    d->list[d->count++] = one;
}

/* ---- what goes in ------------------------------------------------------------------------- */

static void add_signs(const struct scene *s, const struct crash *crash, const struct incident *i, struct drafts *d)
{
    for (int n = crash->first; n != -1; n = s->joined->signs[n].next) {
        const struct clue *c = s->joined->signs[n].c;

        add(d,
            (struct draft){ .c = c,
                            .time = c->time,
                            .sign = true,
                            .kind = c->kind == CLUE_DUMP                   ? ENTRY_DUMP
                                    : c->what == INCIDENT_STOPPED_CRITICAL ? ENTRY_LIFECYCLE
                                                                           : ENTRY_CRASH },
            i);
    }
}

static void add_guest(const struct scene *s, const struct crash *crash, struct incident *i, struct drafts *d)
{
    static const enum incident_entry_kind kinds[CLUE_KIND_COUNT] = {
        [CLUE_LIFE] = ENTRY_LIFECYCLE,
        [CLUE_MIGRATION] = ENTRY_MIGRATION,
        [CLUE_VERSION] = ENTRY_VERSION,
    };
    const struct clue *const *clues;
    size_t count = scene_of_vm(s, i->vm_id, i->window_from, i->window_to, &clues);

    for (size_t n = 0; n < count; n++) {
        bool ends = scene_ends(s, crash, clues[n]);

        i->rebooted = i->rebooted || ends;
        add(d, (struct draft){ .c = clues[n], .time = clues[n]->time, .sign = ends, .kind = kinds[clues[n]->kind] }, i);
    }
}

static int add_alike(const struct scene *s, const struct incident *i, enum clue_kind kind, struct drafts *d)
{
    struct alike *list;
    size_t count;
    int rc = scene_alike(s, i, kind, &list, &count);

    for (size_t n = 0; rc == 0 && n < count; n++)
        add(d,
            (struct draft){ .c = list[n].first,
                            .time = list[n].first->time,
                            .until = list[n].count > 1 ? list[n].last : 0,
                            .count = list[n].count,
                            .longest_ns = list[n].longest_ns,
                            .kind = kind == CLUE_STORAGE ? ENTRY_STORAGE : ENTRY_CLUSTER },
            i);
    free(list);
    return rc;
}

static void add_gaps(const struct scene *s, const struct incident *i, struct drafts *d)
{
    for (size_t n = 0; n < s->gap_count; n++) {
        const struct clue *c = s->gaps[n];

        if (scene_gap(s, i, c))
            add(d, (struct draft){ .c = c, .time = c->from, .until = c->to, .kind = ENTRY_GAP }, i);
    }
}

static void add_boot(const struct scene *s, const struct incident *i, struct drafts *d)
{
    const struct clue *const *clues;
    size_t count = i->host_booted != 0 ? scene_of_time(s, i->host_booted, i->host_booted, &clues) : 0;

    for (size_t n = 0; n < count; n++) {
        if (clues[n]->kind == CLUE_BOOT && strcmp(clues[n]->text[TEXT_HOST_ID], i->host_id) == 0) {
            add(d, (struct draft){ .c = clues[n], .time = clues[n]->time, .kind = ENTRY_HOST }, i);
            return;
        }
    }
}

static void add_others(const struct incident *i, struct drafts *d)
{
    for (int n = 0; n < i->other_count; n++)
        add(d, (struct draft){ .other = &i->others[n], .time = i->others[n].time, .kind = ENTRY_OTHER_CRASH }, i);
}

/* ---- order ---------------------------------------------------------------------------------- */

static int64_t moment(const struct draft *d)
{
    return d->time != 0 ? d->time : d->until;
}

static int by_content(const struct draft *a, const struct draft *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->c == NULL || b->c == NULL)
        return a->c != NULL ? -1 : b->c != NULL ? 1 : strcmp(a->other->vm_id, b->other->vm_id);
    return clue_compare_time(a->c, b->c);
}

static int by_moment(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;

    if (moment(x) != moment(y))
        return moment(x) < moment(y) ? -1 : 1;
    return by_content(x, y);
}

static int by_distance(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;

    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return by_moment(a, b);
}

/* ---- into the incident -------------------------------------------------------------------------- */

static const char *words(const struct draft *d, struct incident *i)
{
    char longest[TIMES_TEXT_MAX + 16] = "", length[TIMES_TEXT_MAX];
    const struct clue *c = d->c;

    if (c == NULL)
        return incident_textf(i, "%s crashed too (%s)",
                              d->other->vm_name[0] != '\0' ? d->other->vm_name : d->other->vm_id, d->other->what);
    if (d->kind == ENTRY_HOST)
        return "The host started";
    if (d->kind == ENTRY_GAP)
        return incident_textf(i, "What happened %s is not known: %s",
                              c->from != 0 ? "in this time" : "for some time before this", c->text[TEXT_BODY]);
    if (d->count == 1)
        return incident_text(i, c->text[TEXT_BODY]);
    if (d->longest_ns >= 0)
        snprintf(longest, sizeof longest, ", the longest %s", times_format_length(d->longest_ns, length));
    return incident_textf(i, "%lld times%s, the first: %s", (long long)d->count, longest, c->text[TEXT_BODY]);
}

static void put(const struct draft *d, struct incident *i, struct incident_entry *to)
{
    *to = (struct incident_entry){ .time = d->time,
                                   .until = d->until,
                                   .count = d->count,
                                   .kind = d->kind,
                                   .sign = d->sign,
                                   .what = words(d, i),
                                   .host = d->c != NULL ? incident_text(i, d->c->text[TEXT_HOST_NAME]) : i->host_name,
                                   .place = { "", 0 } };
    if (d->c != NULL)
        to->place = (struct incident_place){ incident_text(i, d->c->text[TEXT_AGENT]), d->c->seq };
}

int scene_timeline(const struct scene *s, const struct crash *crash, struct incident *i)
{
    struct drafts d = { 0 };
    int rc = 0;

    i->timeline = arena_alloc(&i->arena, INCIDENT_TIMELINE_MAX * sizeof *i->timeline);
    if (i->timeline == NULL) {
        rc = ERR_MEMORY;
        goto done;
    }
    add_signs(s, crash, i, &d);
    add_guest(s, crash, i, &d);
    rc = add_alike(s, i, CLUE_STORAGE, &d);
    if (rc == 0)
        rc = add_alike(s, i, CLUE_CLUSTER, &d);
    if (rc != 0)
        goto done;
    add_gaps(s, i, &d);
    add_boot(s, i, &d);
    add_others(i, &d);
    rc = d.failed ? ERR_MEMORY : 0;
    if (rc != 0)
        goto done;
    if (d.count > INCIDENT_TIMELINE_MAX) {
        qsort(d.list, d.count, sizeof *d.list, by_distance);
        d.count = INCIDENT_TIMELINE_MAX;
        i->cut = true;
    }
    if (d.count > 0)
        qsort(d.list, d.count, sizeof *d.list, by_moment);
    for (size_t n = 0; n < d.count; n++)
        put(&d.list[n], i, &i->timeline[i->timeline_count++]);
done:
    free(d.list);
    return rc;
}
