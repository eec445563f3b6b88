/* See case_file.h: taking observations in, and handing the sorted clues on.
 *
 * Clues pile up with their twins; when twice as many as allowed are there, the
 * pile is sorted by importance, twins go, and the least important beyond the
 * ceiling.  What is left of two piles put together is what would have been left
 * of all at once, so that the order of adding does not show.
 */
#include "incidents/case.h"
#include "incidents/rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PILE_MIN = 64 };

#define SPAN_MAX (INT64_C(366) * 24 * 3600 * NS_PER_S)

struct case_file {
    struct case_options options;
    struct clue **pile; /* owned */
    size_t count, cap;
    bool cut; /* something was left out */
};

void case_options_default(struct case_options *o)
{
    *o = (struct case_options){
        .tolerance_ns = CASE_TOLERANCE_S * NS_PER_S,
        .before_ns = CASE_BEFORE_S * NS_PER_S,
        .after_ns = CASE_AFTER_S * NS_PER_S,
        .others_ns = CASE_OTHERS_S * NS_PER_S,
        .lookback_ns = CASE_LOOKBACK_S * NS_PER_S,
        .clues_max = CASE_CLUES_MAX,
    };
}

int case_file_new(struct case_file **out, const struct case_options *options, struct err *e)
{
    assert(options->clues_max > 0 && options->lookback_ns >= options->before_ns);
    assert(options->tolerance_ns >= 0 && options->tolerance_ns <= SPAN_MAX && options->lookback_ns <= SPAN_MAX);
    assert(options->after_ns >= 0 && options->after_ns <= SPAN_MAX);
    assert(options->others_ns >= 0 && options->others_ns <= SPAN_MAX);
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    (*out)->options = *options;
    return 0;
}

void case_file_free(struct case_file *c)
{
    if (c == NULL)
        return;
    for (size_t n = 0; n < c->count; n++)
        free(c->pile[n]);
    free(c->pile);
    free(c);
}

/* ---- the pile -------------------------------------------------------------------- */

static int compare_importance(const void *a, const void *b)
{
    return clue_compare(*(struct clue *const *)a, *(struct clue *const *)b);
}

/* Sorts by importance; drops twins and what is over the ceiling. */
static void tidy(struct case_file *c)
{
    size_t kept = 0;

    if (c->count > 0)
        qsort(c->pile, c->count, sizeof c->pile[0], compare_importance);
    for (size_t n = 0; n < c->count; n++) {
        bool twin = kept > 0 && clue_same(c->pile[kept - 1], c->pile[n]);

        c->cut = c->cut || (!twin && kept == (size_t)c->options.clues_max);
        if (twin || kept == (size_t)c->options.clues_max)
            free(c->pile[n]);
        else
            c->pile[kept++] = c->pile[n];
    }
    c->count = kept;
}

static bool make_room(struct case_file *c)
{
    struct clue **pile;
    size_t cap = c->cap < PILE_MIN ? PILE_MIN : c->cap * 2;

    if (c->count < c->cap)
        return true;
    if (c->count >= 2 * (size_t)c->options.clues_max) {
        tidy(c);
        return true;
    }
    pile = realloc(c->pile, cap * sizeof pile[0]);
    if (pile == NULL)
        return false;
    c->pile = pile;
    c->cap = cap;
    return true;
}

int case_file_add(struct case_file *c, const struct resource *who, const struct observation *o, struct err *e)
{
    enum clue_kind kind;
    struct clue *clue;

    if (!clue_wanted(o, &kind))
        return 0;
    clue = make_room(c) ? clue_new(kind, who, o) : NULL;
    if (clue == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    assert(c->count < c->cap);
    c->pile[c->count++] = clue;
    return 0;
}

/* ---- handing on -------------------------------------------------------------------- */

static int compare_time(const void *a, const void *b)
{
    return clue_compare_time(*(const struct clue *const *)a, *(const struct clue *const *)b);
}

static int compare_vm(const void *a, const void *b)
{
    const struct clue *x = *(const struct clue *const *)a, *y = *(const struct clue *const *)b;
    int order = strcmp(x->text[TEXT_VM_ID], y->text[TEXT_VM_ID]);

    return order != 0 ? order : clue_compare_time(x, y);
}

/* The pile split by what looks at it; all three arrays are in *memory, which the caller frees. */
static int set_scene(const struct case_file *c, struct scene *s, const struct clue ***memory, struct err *e)
{
    const struct clue **by_time = calloc(3 * c->count + 1, sizeof *by_time), **by_vm, **gaps;

    *memory = by_time;
    if (by_time == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    by_vm = by_time + c->count;
    gaps = by_vm + c->count;
    for (size_t n = 0; n < c->count; n++) {
        const struct clue *clue = c->pile[n];

        if (clue->kind == CLUE_STORAGE || clue->kind == CLUE_CLUSTER || clue->kind == CLUE_BOOT)
            by_time[s->by_time_count++] = clue;
        else if (clue->kind == CLUE_GAP)
            gaps[s->gap_count++] = clue;
        else if (clue->kind > CLUE_WRITTEN)
            by_vm[s->by_vm_count++] = clue;
    }
    qsort(by_time, s->by_time_count, sizeof *by_time, compare_time);
    qsort(by_vm, s->by_vm_count, sizeof *by_vm, compare_vm);
    qsort(gaps, s->gap_count, sizeof *gaps, compare_time);
    s->by_time = by_time;
    s->by_vm = by_vm;
    s->gaps = gaps;
    return 0;
}

static int add_findings(const struct case_options *o, struct incident *i, struct err *e)
{
    struct incident_surroundings around = { .why = "nobody has counted crashes over the fleet" };

    if (o->rules == NULL)
        return 0;
    if (o->around != NULL)
        o->around(o->arg, i, &around);
    return rules_apply(o->rules, i, &around, e);
}

static int compare_incidents(const void *a, const void *b)
{
    const struct incident *x = *(struct incident *const *)a, *y = *(struct incident *const *)b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int make_all(const struct scene *s, int64_t from, int64_t to, struct incident_list *out, struct err *e)
{
    const struct joined *j = s->joined;

    out->items = calloc((size_t)j->crash_count + 1, sizeof *out->items);
    if (out->items == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    for (int n = 0; n < j->crash_count; n++) {
        const struct crash *crash = &j->crashes[n];
        struct incident *i;
        int rc;

        if ((from != 0 || to != 0) && (crash->t < from || crash->t > to))
            continue;
        i = scene_incident(s, crash);
        if (i == NULL)
            return err_set(e, ERR_MEMORY, "incidents: out of memory");
        out->items[out->count++] = i;
        rc = add_findings(s->options, i, e);
        if (rc != 0)
            return rc;
    }
    qsort(out->items, out->count, sizeof *out->items, compare_incidents);
    return 0;
}

int case_file_incidents(struct case_file *c, int64_t from, int64_t to, struct incident_list *out, struct err *e)
{
    struct joined joined = { 0 };
    struct scene scene = { .options = &c->options, .joined = &joined };
    const struct clue **memory = NULL;
    int rc;

    *out = (struct incident_list){ 0 };
    tidy(c);
    out->cut = c->cut;
    rc = join_clues((const struct clue *const *)c->pile, c->count, &c->options, &joined, e);
    if (rc == 0)
        rc = set_scene(c, &scene, &memory, e);
    if (rc == 0)
        rc = make_all(&scene, from, to, out, e);
    if (rc != 0)
        incident_list_free(out);
    free(memory);
    joined_free(&joined);
    return rc;
}
