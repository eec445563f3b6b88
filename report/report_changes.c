/* The report against an earlier moment: which problems are new, which are solved.
 *
 * The past is told as changes of state since then.  What a guest's first change
 * changed from is what it was then; a guest without one was then what it is now. */
#include "report/report_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *report_change_name(enum report_change c)
{
    static const char *const names[REPORT_CHANGE_COUNT] = {
        [REPORT_UNCOMPARED] = "",         [REPORT_NEW] = "new",
        [REPORT_SOLVED] = "solved",       [REPORT_CHANGED] = "changed",
        [REPORT_UNCHANGED] = "unchanged", [REPORT_GONE] = "gone",
    };

    assert(c < REPORT_CHANGE_COUNT);
    return names[c];
}

static bool is_problem(enum drift_state s)
{
    return report_severity(s) < report_severity(DRIFT_UNKNOWN);
}

static enum report_change compare(bool was_there, enum drift_state then, enum drift_state now)
{
    bool before = was_there && is_problem(then);

    if (!before)
        return is_problem(now) ? REPORT_NEW : REPORT_UNCOMPARED;
    if (then == now)
        return REPORT_UNCHANGED;
    return is_problem(now) || now == DRIFT_UNKNOWN ? REPORT_CHANGED : REPORT_SOLVED;
}

static int by_guest(const void *a, const void *b)
{
    const struct report_past *x = a, *y = b;
    int order = strcmp(x->vm_id, y->vm_id);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int id_against(const void *id, const void *element)
{
    return strcmp(id, ((const struct report_past *)element)->vm_id);
}

/* Leaves one a guest: where it came from first, and where it ended. */
static void merge(struct drift_report *r)
{
    size_t kept = 0;

    if (r->past_count > 0)
        qsort(r->past, r->past_count, sizeof *r->past, by_guest);
    for (size_t i = 0; i < r->past_count; i++) {
        struct report_past *last = kept > 0 ? &r->past[kept - 1] : NULL;

        if (last == NULL || strcmp(last->vm_id, r->past[i].vm_id) != 0) {
            r->past[kept++] = r->past[i];
            continue;
        }
        last->to = r->past[i].to;
        last->cluster = r->past[i].cluster;
    }
    r->past_count = kept;
}

static const struct report_past *past_of(const struct drift_report *r, const char *vm_id)
{
    return r->past_count > 0 ? bsearch(vm_id, r->past, r->past_count, sizeof *r->past, id_against) : NULL;
}

/* Problems that went away with their guest. */
static void count_gone(struct drift_report *r)
{
    for (size_t i = 0; i < r->past_count; i++) {
        const struct report_past *p = &r->past[i];
        bool asked = r->options.cluster == NULL || strcmp(r->options.cluster, p->cluster) == 0;
        enum drift_state then;

        if (asked && p->to[0] == '\0' && drift_state_parse(p->from, &then) && is_problem(then))
            r->by_change[REPORT_GONE]++;
    }
}

void report_compare(struct drift_report *r)
{
    assert(!r->finished);
    merge(r);
    for (size_t i = 0; i < r->guest_count; i++) {
        struct report_guest *g = &r->guests[i];
        const struct report_past *p = past_of(r, g->vm_id);
        bool was_there = true;

        g->then = g->kept.state;
        if (p != NULL)
            was_there = drift_state_parse(p->from, &g->then);
        g->change = compare(was_there, g->then, g->kept.state);
        r->by_change[g->change]++;
    }
    count_gone(r);
}
