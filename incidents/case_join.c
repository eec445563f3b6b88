/* Which signs are of one crash (case_file.h says the rules).
 *
 * The strong key is the bug check code (without the _M bit) and its four
 * parameters: addresses for the most part, which two crashes rarely share
 * unless a guest crashes again and again the same way.  So the key alone does
 * not join; time does the rest, and a host that reports twice means two
 * crashes.
 *
 * In order: dumps without a VM are given one (join_vm.c); then for each VM the
 * reports are put together, dumps that tell of one moment, both matched with
 * each other (nearly equal times first, then within the tolerance), and last
 * the weaker signs added to the nearest crash, or made one of their own.
 * Every choice is by time and then by content, never by order of arrival.
 */
#include "base/text.h"
#include "incidents/case.h"
#include "incidents/join_vm.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAME_DUMP_S = 5,    /* two dumps of one crash say the same time, give or take rounding */
    SAME_REPORT_S = 5,  /* no guest is back up, and down again, this soon */
    NEARLY_SAME_S = 10, /* a dump's time and its report's, where the clocks agree */
};

struct joining {
    struct joined *j;
    const struct case_options *options;
    int from, to;          /* the signs of the VM at work */
    int first_crash;       /* its first */
    int64_t before, after; /* how far from the sign a crash may be */
};

typedef bool accepts(const struct joining *w, const struct crash *crash, const struct sign *s);

/* ---- crashes as lists of signs ------------------------------------------------------- */

/* Stronger is smaller. */
static int strength(const struct clue *c)
{
    if (c->kind == CLUE_DUMP)
        return c->has_time && c->has_code ? 1 : 4;
    return c->kind == CLUE_REPORT ? 0 : c->kind == CLUE_SECOND ? 2 : 3;
}

static bool is_stronger(const struct clue *a, const struct clue *b)
{
    if (strength(a) != strength(b))
        return strength(a) < strength(b);
    return clue_compare_time(a, b) < 0;
}

static void add_sign(struct joined *j, struct crash *crash, int index)
{
    struct sign *s = &j->signs[index];

    assert(s->crash == -1);
    s->crash = (int)(crash - j->crashes);
    s->next = crash->first;
    crash->first = index;
    if (crash->anchor == -1 || is_stronger(s->c, j->signs[crash->anchor].c)) {
        crash->anchor = index;
        crash->t = s->c->time;
    }
    crash->has_report = crash->has_report || s->c->kind == CLUE_REPORT;
    crash->has_dump = crash->has_dump || (s->c->kind == CLUE_DUMP && s->c->has_time);
}

static struct crash *new_crash(struct joined *j, int sign)
{
    struct crash *crash = &j->crashes[j->crash_count++];

    assert(j->crash_count <= j->sign_count);
    *crash = (struct crash){ .vm_id = j->signs[sign].vm_id, .first = -1, .anchor = -1 };
    add_sign(j, crash, sign);
    return crash;
}

/* The accepted crash of this VM that is nearest in time, and of two as near the earlier made. */
static struct crash *nearest(const struct joining *w, const struct sign *s, accepts *accept)
{
    struct crash *best = NULL;
    int64_t best_distance = 0;

    for (int n = w->first_crash; n < w->j->crash_count; n++) {
        struct crash *crash = &w->j->crashes[n];
        int64_t distance = s->c->time - crash->t;

        if (distance > w->before || -distance > w->after || !accept(w, crash, s))
            continue;
        if (distance < 0)
            distance = -distance;
        if (best == NULL || distance < best_distance) {
            best = crash;
            best_distance = distance;
        }
    }
    return best;
}

static void place(struct joining *w, int index, int64_t before, int64_t after, accepts *accept)
{
    struct crash *crash;

    w->before = before;
    w->after = after;
    crash = nearest(w, &w->j->signs[index], accept);
    if (crash != NULL)
        add_sign(w->j, crash, index);
    else
        new_crash(w->j, index);
}

/* ---- reports ------------------------------------------------------------------------------ */

static bool same_key(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    return clue_same_key(w->j->signs[crash->anchor].c, s->c);
}

static bool is_within(const struct clue *a, const struct clue *b, int64_t limit)
{
    return a->time - b->time <= limit && b->time - a->time <= limit;
}

/* The host that reported this crash reports another one. */
static bool reported_there(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    for (int n = crash->first; n != -1; n = w->j->signs[n].next) {
        const struct clue *c = w->j->signs[n].c;

        if (c->kind == s->c->kind && c->what == s->c->what && !is_within(c, s->c, SAME_REPORT_S * NS_PER_S) &&
            strcmp(c->text[TEXT_HOST_ID], s->c->text[TEXT_HOST_ID]) == 0)
            return true;
    }
    return false;
}

static bool accepts_report(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    return same_key(w, crash, s) && !reported_there(w, crash, s);
}

/* ---- dumps -------------------------------------------------------------------------------- */

static bool is_timed_dump(const struct clue *c)
{
    return c->kind == CLUE_DUMP && c->has_time && c->has_code;
}

static bool accepts_first_dump(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    return !crash->has_dump && same_key(w, crash, s);
}

static bool accepts_twin_dump(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    for (int n = crash->first; n != -1; n = w->j->signs[n].next) {
        const struct clue *c = w->j->signs[n].c;

        if (is_timed_dump(c) && clue_same_key(c, s->c) && is_within(c, s->c, SAME_DUMP_S * NS_PER_S))
            return true;
    }
    return false;
}

/* The dumps that no crash has yet, against crashes this near. */
static void match_dumps(struct joining *w, int64_t limit)
{
    int64_t twins = w->options->tolerance_ns + SAME_DUMP_S * NS_PER_S;

    for (int n = w->from; n < w->to; n++) {
        struct sign *s = &w->j->signs[n];
        struct crash *crash;

        if (s->crash != -1 || !is_timed_dump(s->c))
            continue;
        w->before = w->after = twins;
        crash = nearest(w, s, accepts_twin_dump);
        if (crash == NULL) {
            w->before = w->after = limit;
            crash = nearest(w, s, accepts_first_dump);
        }
        if (crash != NULL)
            add_sign(w->j, crash, n);
    }
}

/* A dump that does not say what, or when: the last crash before the file was written. */
static bool accepts_late_dump(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    if (s->c->has_time && !is_within(w->j->signs[crash->anchor].c, s->c, w->options->tolerance_ns))
        return false;
    return !s->c->has_code || same_key(w, crash, s);
}

/* ---- weaker signs ------------------------------------------------------------------------- */

static bool accepts_second(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    const struct clue *anchor = w->j->signs[crash->anchor].c;
    bool here = strcmp(anchor->text[TEXT_HOST_ID], s->c->text[TEXT_HOST_ID]) == 0;

    if (reported_there(w, crash, s))
        return false;
    if (s->c->what == INCIDENT_STOPPED_CRITICAL && crash->t <= s->c->time)
        return true;
    return is_within(anchor, s->c, here ? CASE_SECOND_SIGN_S * NS_PER_S : w->options->tolerance_ns);
}

static bool accepts_written(const struct joining *w, const struct crash *crash, const struct sign *s)
{
    const char *path = s->c->text[TEXT_DEVICE];

    if (s->vm_id[0] != '\0')
        return true;
    for (int n = crash->first; n != -1; n = w->j->signs[n].next) {
        const struct clue *c = w->j->signs[n].c;

        if (path[0] != '\0' && c->kind == CLUE_DUMP && text_casecmp(c->text[TEXT_DEVICE], path) == 0)
            return true;
    }
    return false;
}

/* ---- one VM, and all ------------------------------------------------------------------------ */

static void place_kind(struct joining *w, enum clue_kind kind, int64_t before, int64_t after, accepts *accept)
{
    for (int n = w->from; n < w->to; n++) {
        if (w->j->signs[n].crash == -1 && w->j->signs[n].c->kind == kind)
            place(w, n, before, after, accept);
    }
}

static void join_vm(struct joining *w)
{
    const int64_t follow = CASE_FOLLOW_S * NS_PER_S, late = CASE_LATE_DUMP_S * NS_PER_S;
    int64_t tolerance = w->options->tolerance_ns;

    w->first_crash = w->j->crash_count;
    place_kind(w, CLUE_REPORT, tolerance, tolerance, accepts_report);
    match_dumps(w, NEARLY_SAME_S * NS_PER_S);
    match_dumps(w, tolerance);
    for (int n = w->from; n < w->to; n++) {
        if (w->j->signs[n].crash == -1 && is_timed_dump(w->j->signs[n].c))
            place(w, n, tolerance, tolerance, accepts_twin_dump);
    }
    place_kind(w, CLUE_SECOND, tolerance > follow ? tolerance : follow, tolerance, accepts_second);
    place_kind(w, CLUE_WRITTEN, follow, tolerance, accepts_written);
    place_kind(w, CLUE_DUMP, late, tolerance, accepts_late_dump);
}

static int compare_signs(const void *a, const void *b)
{
    const struct sign *x = a, *y = b;
    int order = strcmp(x->vm_id, y->vm_id);

    return order != 0 ? order : clue_compare_time(x->c, y->c);
}

static int compare_crashes(const void *a, const void *b)
{
    const struct crash *x = a, *y = b;
    int order = strcmp(x->vm_id, y->vm_id);

    if (order == 0 && x->t != y->t)
        order = x->t < y->t ? -1 : 1;
    if (order == 0)
        order = strcmp(x->id, y->id);
    return order != 0 ? order : (x->anchor < y->anchor ? -1 : x->anchor > y->anchor);
}

/* FNV-1a over what the anchor says: the same sign gives the same id everywhere and always. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    do {
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    } while (*text++ != '\0');
    return h;
}

static void name_crash(const struct joined *j, struct crash *crash)
{
    const struct sign *s = &j->signs[crash->anchor];
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    char text[96];

    h = hash_text(h, s->vm_id);
    if (s->vm_id[0] == '\0')
        h = hash_text(h, s->c->text[TEXT_DEVICE]);
    snprintf(text, sizeof text, "%" PRId64 " %d %08" PRIx32, s->c->time, (int)s->c->what, s->c->code);
    h = hash_text(h, text);
    if (!s->c->has_code)
        h = hash_text(h, s->c->text[TEXT_WORD]);
    snprintf(crash->id, sizeof crash->id, "%016" PRIx64, h);
}

/* Signs were added at the head; readers want them in order of time. */
static void order_signs(struct joined *j)
{
    for (int n = 0; n < j->crash_count; n++)
        j->crashes[n].first = -1;
    for (int n = j->sign_count - 1; n >= 0; n--) {
        struct sign *s = &j->signs[n];

        s->next = j->crashes[s->crash].first;
        j->crashes[s->crash].first = n;
    }
}

int join_clues(const struct clue *const *clues, size_t count, const struct case_options *options, struct joined *out,
               struct err *e)
{
    struct joining w = { .j = out, .options = options };
    int rc;

    out->signs = calloc(count + 1, sizeof *out->signs);
    out->crashes = calloc(count + 1, sizeof *out->crashes);
    if (out->signs == NULL || out->crashes == NULL)
        return err_set(e, ERR_MEMORY, "incidents: out of memory");
    for (size_t n = 0; n < count; n++) {
        if (clues[n]->kind <= CLUE_WRITTEN)
            out->signs[out->sign_count++] = (struct sign){ .c = clues[n],
                                                           .vm_id = clues[n]->text[TEXT_VM_ID],
                                                           .vm_name = clues[n]->text[TEXT_VM_NAME],
                                                           .joined_by = "",
                                                           .crash = -1,
                                                           .next = -1 };
    }
    rc = join_find_vms(clues, count, out->signs, out->sign_count, options, e);
    if (rc != 0)
        return rc;
    qsort(out->signs, (size_t)out->sign_count, sizeof *out->signs, compare_signs);
    for (w.from = 0; w.from < out->sign_count; w.from = w.to) {
        for (w.to = w.from + 1;
             w.to < out->sign_count && strcmp(out->signs[w.to].vm_id, out->signs[w.from].vm_id) == 0;)
            w.to++;
        join_vm(&w);
    }
    order_signs(out);
    for (int n = 0; n < out->crash_count; n++)
        name_crash(out, &out->crashes[n]);
    qsort(out->crashes, (size_t)out->crash_count, sizeof *out->crashes, compare_crashes);
    return 0;
}

void joined_free(struct joined *j)
{
    free(j->signs);
    free(j->crashes);
    *j = (struct joined){ 0 };
}
