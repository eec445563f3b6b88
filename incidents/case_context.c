/* What else went on around a crash: migrations, the guest's start, storage and
 * cluster trouble, other guests, and what is not known (hyperv.md A.4, A.5, E).
 *
 * A slow request is logged when it is done, so one that ends after the crash
 * may be what the guest died of; the window reaches past the crash for that.
 */
#include "incidents/case.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_MIGRATION_S = 3600 }; /* one that nobody saw end is over after this */

/* ---- finding clues -------------------------------------------------------------------------- */

size_t scene_of_time(const struct scene *s, int64_t from, int64_t to, const struct clue *const **out)
{
    size_t lo = 0, hi = s->by_time_count, end;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->by_time[mid]->time < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (end = lo; end < s->by_time_count && s->by_time[end]->time <= to;)
        end++;
    *out = s->by_time + lo;
    return end - lo;
}

static int place_in_vm(const struct clue *c, const char *vm_id, int64_t t)
{
    int order = strcmp(c->text[TEXT_VM_ID], vm_id);

    return order != 0 ? order : (c->time < t ? -1 : c->time > t);
}

size_t scene_of_vm(const struct scene *s, const char *vm_id, int64_t from, int64_t to, const struct clue *const **out)
{
    size_t lo = 0, hi = s->by_vm_count, end;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (place_in_vm(s->by_vm[mid], vm_id, from) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (end = lo; end < s->by_vm_count && place_in_vm(s->by_vm[end], vm_id, to) <= 0;)
        end++;
    *out = s->by_vm + lo;
    return vm_id[0] != '\0' ? end - lo : 0;
}

/* ---- migrations ----------------------------------------------------------------------------- */

/* One migration as its events tell it, on one host or on both. */
struct move {
    int64_t start, end; /* 0 not seen */
    int64_t blackout_ns;
    bool is_long, failed;
    const char *kind, *from, *to;
};

static void fill(const char **to, const char *text)
{
    if ((*to)[0] == '\0')
        *to = text;
}

static void take_phase(struct move *m, const struct clue *c)
{
    const char *phase = c->text[TEXT_WORD], *peer = c->text[TEXT_DEVICE], *host = c->text[TEXT_HOST_NAME];

    fill(&m->kind, c->text[TEXT_DETAIL]);
    if (strcmp(phase, "started") == 0) {
        m->start = m->start == 0 ? c->time : m->start;
        if (peer[0] != '\0') {
            fill(&m->from, host);
            fill(&m->to, peer);
        }
        return;
    }
    m->end = c->time;
    m->failed = m->failed || strcmp(phase, "failed") == 0;
    m->is_long = m->is_long || c->flag;
    if (c->length_ns >= 0)
        m->blackout_ns = c->length_ns;
    if (strcmp(phase, "received") == 0) {
        m->to = host;
        fill(&m->from, peer);
    } else {
        fill(&m->from, host);
        fill(&m->to, peer);
    }
}

/* Whether this event goes on with the migration, or is of the next one. */
static bool continues(const struct move *m, const struct clue *c, int64_t tolerance)
{
    if (strcmp(c->text[TEXT_WORD], "started") == 0)
        return m->end == 0 && c->time - m->start <= tolerance;
    return m->end == 0 ? c->time - m->start <= OPEN_MIGRATION_S * NS_PER_S : c->time - m->end <= tolerance;
}

static int64_t begin_of(const struct move *m)
{
    return m->start != 0 ? m->start : m->end;
}

static void put_move(const struct move *m, struct incident *i)
{
    bool open = m->end == 0 || m->end > i->time;
    bool during = open && (m->end != 0 || i->time - m->start <= OPEN_MIGRATION_S * NS_PER_S);

    i->migration = (struct incident_migration){ .known = true,
                                                .during = during,
                                                .time = open ? m->start : m->end,
                                                .before_ns = during ? 0 : i->time - (open ? m->start : m->end),
                                                .blackout_ns = m->blackout_ns,
                                                .unexpectedly_long = m->is_long,
                                                .failed = m->failed,
                                                .kind = incident_text(i, m->kind),
                                                .from = incident_text(i, m->from),
                                                .to = incident_text(i, m->to) };
}

void scene_migration(const struct scene *s, struct incident *i)
{
    const struct move none = { .blackout_ns = -1, .kind = "", .from = "", .to = "" };
    struct move m = none, last = none;
    const struct clue *const *clues;
    size_t count = scene_of_vm(s, i->vm_id, i->time - s->options->lookback_ns, i->time + s->options->after_ns, &clues);

    for (size_t n = 0; n < count; n++) {
        if (clues[n]->kind != CLUE_MIGRATION)
            continue;
        if (begin_of(&m) != 0 && !continues(&m, clues[n], s->options->tolerance_ns)) {
            if (begin_of(&m) <= i->time)
                last = m;
            m = none;
        }
        take_phase(&m, clues[n]);
    }
    if (begin_of(&m) != 0 && begin_of(&m) <= i->time)
        last = m;
    if (begin_of(&last) != 0)
        put_move(&last, i);
}

/* ---- the guest's start ---------------------------------------------------------------------- */

static bool is_start(const struct clue *c)
{
    return c->kind == CLUE_LIFE &&
           (strcmp(c->text[TEXT_WORD], "started") == 0 || strcmp(c->text[TEXT_WORD], "reset") == 0);
}

void scene_uptime(const struct scene *s, struct incident *i)
{
    const struct clue *const *clues;
    size_t count = scene_of_vm(s, i->vm_id, i->time - s->options->lookback_ns, i->time - 1, &clues);

    while (count > 0 && !is_start(clues[count - 1]))
        count--;
    if (count > 0 && (i->uptime_ns < 0 || i->time - clues[count - 1]->time < i->uptime_ns)) {
        i->uptime_ns = i->time - clues[count - 1]->time;
        i->uptime_source = TOLD_BY_EVENT;
    }
}

/* The host's start in the window that is nearest to the crash: power, or somebody, took the host down. */
static void find_boot(const struct scene *s, struct incident *i)
{
    const struct clue *const *clues;
    size_t count = scene_of_time(s, i->window_from, i->window_to, &clues);

    for (size_t n = 0; n < count; n++) {
        int64_t apart = llabs(clues[n]->time - i->time);

        if (clues[n]->kind == CLUE_BOOT && i->host_id[0] != '\0' &&
            strcmp(clues[n]->text[TEXT_HOST_ID], i->host_id) == 0 &&
            (i->host_booted == 0 || apart < llabs(i->host_booted - i->time)))
            i->host_booted = clues[n]->time;
    }
}

bool scene_ends(const struct scene *s, const struct crash *crash, const struct clue *c)
{
    const struct crash *next = crash + 1, *end = s->joined->crashes + s->joined->crash_count;
    bool resets =
        is_start(c) || (strcmp(c->text[TEXT_WORD], "stopped") == 0 && strcmp(c->text[TEXT_DETAIL], "guest-reset") == 0);

    if (c->kind != CLUE_LIFE || !resets || strcmp(c->text[TEXT_VM_ID], crash->vm_id) != 0)
        return false;
    if (next < end && strcmp(next->vm_id, crash->vm_id) == 0 && next->t <= c->time)
        return false;
    return c->time >= crash->t && c->time - crash->t <= CASE_FOLLOW_S * NS_PER_S;
}

/* ---- storage and cluster -------------------------------------------------------------------- */

bool signal_is_recovery(const char *signal)
{
    static const char *const good[] = { "path-restored",         "smb-restored", "device-responsive",
                                        "shared-disk-recovered", "csv-state",    "recovery-status",
                                        "recovery-state",        "role-moving" };

    for (size_t n = 0; n < sizeof good / sizeof good[0]; n++) {
        if (strcmp(signal, good[n]) == 0)
            return true;
    }
    return false;
}

static bool is_lost_path(const char *signal)
{
    static const char *const lost[] = {
        "path-lost",          "csv-paused",         "csv-unavailable",       "csv-failed",
        "disk-lost",          "disk-missing",       "smb-disconnected",      "smb-session-lost",
        "smb-share-lost",     "smb-connect-failed", "shared-disk-unmounted", "shared-disk-failed",
        "device-unresponsive"
    };

    for (size_t n = 0; n < sizeof lost / sizeof lost[0]; n++) {
        if (strcmp(signal, lost[n]) == 0)
            return true;
    }
    return false;
}

static bool same_cluster(const struct clue *c, const struct incident *i)
{
    return i->cluster[0] != '\0' && strcmp(c->text[TEXT_CLUSTER], i->cluster) == 0;
}

static bool concerns(const struct clue *c, const struct incident *i)
{
    if (i->vm_id[0] != '\0' && strcmp(c->text[TEXT_VM_ID], i->vm_id) == 0)
        return true;
    if (strcmp(c->text[TEXT_HOST_ID], i->host_id) == 0)
        return true;
    return same_cluster(c, i) && (c->kind == CLUE_CLUSTER || strncmp(c->text[TEXT_WORD], "csv-", 4) == 0);
}

/* Same signal, same device or object, same host. */
static int compare_alike(const struct clue *a, const struct clue *b)
{
    int order = strcmp(a->text[TEXT_WORD], b->text[TEXT_WORD]);

    if (order == 0)
        order = strcmp(a->text[TEXT_DEVICE], b->text[TEXT_DEVICE]);
    if (order == 0 && a->kind == CLUE_CLUSTER)
        order = strcmp(a->text[TEXT_DETAIL], b->text[TEXT_DETAIL]);
    return order != 0 ? order : strcmp(a->text[TEXT_HOST_ID], b->text[TEXT_HOST_ID]);
}

static int by_likeness(const void *a, const void *b)
{
    const struct alike *x = a, *y = b;
    int order = compare_alike(x->first, y->first);

    return order != 0 ? order : clue_compare_time(x->first, y->first);
}

static int by_first(const void *a, const void *b)
{
    return clue_compare_time(((const struct alike *)a)->first, ((const struct alike *)b)->first);
}

static void merge(struct alike *to, const struct alike *one)
{
    to->last = one->last > to->last ? one->last : to->last;
    to->longest_ns = one->longest_ns > to->longest_ns ? one->longest_ns : to->longest_ns;
    to->count += one->count;
    to->for_guest = to->for_guest || one->for_guest;
}

int scene_alike(const struct scene *s, const struct incident *i, enum clue_kind kind, struct alike **out, size_t *count)
{
    const struct clue *const *clues;
    size_t all = scene_of_time(s, i->window_from, i->window_to, &clues), kept = 0;
    struct alike *list = calloc(all + 1, sizeof *list);

    *out = list;
    *count = 0;
    if (list == NULL)
        return ERR_MEMORY;
    for (size_t n = 0; n < all; n++) {
        const struct clue *c = clues[n];

        if (c->kind == kind && concerns(c, i))
            list[kept++] = (struct alike){ c, c->time, c->length_ns, 1,
                                           i->vm_id[0] != '\0' && strcmp(c->text[TEXT_VM_ID], i->vm_id) == 0 };
    }
    qsort(list, kept, sizeof *list, by_likeness);
    for (size_t n = 0; n < kept; n++) {
        if (*count > 0 && compare_alike(list[*count - 1].first, list[n].first) == 0)
            merge(&list[*count - 1], &list[n]);
        else
            list[(*count)++] = list[n];
    }
    qsort(list, *count, sizeof *list, by_first);
    return 0;
}

/* Longest wait first, then most often, then by what it is. */
static int by_weight(const void *a, const void *b)
{
    const struct alike *x = a, *y = b;

    if (x->for_guest != y->for_guest)
        return x->for_guest ? -1 : 1;
    if (x->longest_ns != y->longest_ns)
        return x->longest_ns > y->longest_ns ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return clue_compare_time(x->first, y->first);
}

static void put_device(const struct alike *a, struct incident *i)
{
    struct incident_storage *t = &i->storage;
    const struct clue *c = a->first;

    t->count += a->count;
    t->path_lost = t->path_lost || is_lost_path(c->text[TEXT_WORD]);
    if (a->longest_ns > t->longest_ns) {
        t->longest_ns = a->longest_ns;
        t->longest_device = incident_text(i, c->text[TEXT_DEVICE]);
    }
    if (t->device_count == INCIDENT_DEVICES_MAX) {
        i->cut = true;
        return;
    }
    t->devices[t->device_count++] = (struct incident_device){ .device = incident_text(i, c->text[TEXT_DEVICE]),
                                                              .signal = incident_text(i, c->text[TEXT_WORD]),
                                                              .host = incident_text(i, c->text[TEXT_HOST_NAME]),
                                                              .first = c->time,
                                                              .last = a->last,
                                                              .longest_ns = a->longest_ns,
                                                              .count = a->count,
                                                              .for_guest = a->for_guest };
}

static void put_cluster(const struct alike *a, struct incident *i)
{
    const struct clue *c = a->first;

    if (i->cluster_event_count == INCIDENT_DEVICES_MAX) {
        i->cut = true;
        return;
    }
    i->cluster_events[i->cluster_event_count++] =
        (struct incident_cluster_event){ .signal = incident_text(i, c->text[TEXT_WORD]),
                                         .object = incident_text(i, c->text[TEXT_DETAIL]),
                                         .host = incident_text(i, c->text[TEXT_HOST_NAME]),
                                         .first = c->time,
                                         .last = a->last,
                                         .count = a->count,
                                         .event_id = c->event_id > 0 ? c->event_id : 0 };
}

static int put_trouble(const struct scene *s, enum clue_kind kind, struct incident *i)
{
    struct alike *list;
    size_t count;
    int rc = scene_alike(s, i, kind, &list, &count);

    if (rc == 0 && kind == CLUE_STORAGE)
        qsort(list, count, sizeof *list, by_weight);
    for (size_t n = 0; rc == 0 && n < count; n++) {
        if (signal_is_recovery(list[n].first->text[TEXT_WORD]))
            continue;
        if (kind == CLUE_STORAGE)
            put_device(&list[n], i);
        else
            put_cluster(&list[n], i);
    }
    free(list);
    return rc;
}

/* ---- what is not known ------------------------------------------------------------------------ */

bool scene_gap(const struct scene *s, const struct incident *i, const struct clue *gap)
{
    int64_t from = gap->from != 0 ? gap->from : gap->to - CASE_GAP_REACH_S * NS_PER_S;

    (void)s;
    return i->host_id[0] != '\0' && strcmp(gap->text[TEXT_HOST_ID], i->host_id) == 0 && from <= i->window_to &&
           gap->to >= i->window_from;
}

int scene_trouble(const struct scene *s, struct incident *i)
{
    int rc;

    i->window_from = i->time > s->options->before_ns ? i->time - s->options->before_ns : 1;
    i->window_to = i->time + s->options->after_ns;
    find_boot(s, i);
    rc = put_trouble(s, CLUE_STORAGE, i);
    if (rc == 0)
        rc = put_trouble(s, CLUE_CLUSTER, i);
    for (size_t n = 0; n < s->gap_count; n++)
        i->gaps += scene_gap(s, i, s->gaps[n]);
    return rc;
}

/* ---- other crashes ------------------------------------------------------------------------------ */

static void put_other(const struct sign *sign, struct incident *i)
{
    const struct clue *c = sign->c;

    if (i->other_count == INCIDENT_OTHERS_MAX) {
        i->cut = true;
        return;
    }
    i->others[i->other_count++] = (struct incident_other){
        .vm_id = incident_text(i, sign->vm_id),
        .vm_name = incident_text(i, sign->vm_name),
        .time = c->time,
        .kind = c->what,
        .what = c->has_code ? incident_textf(i, "0x%08x", c->code) : incident_kind_name(c->what),
    };
}

/* By what this host itself reported, so that another host's word on the other guest changes nothing here.  A dump
 * does not say where its guest ran. */
void scene_others(const struct scene *s, const struct crash *crash, struct incident *i)
{
    const char *last = "";

    for (int n = 0; n < s->joined->sign_count && i->host_id[0] != '\0'; n++) {
        const struct sign *x = &s->joined->signs[n];
        int64_t apart = x->c->time - crash->t;

        if ((x->c->kind != CLUE_REPORT && x->c->kind != CLUE_SECOND) || strcmp(x->vm_id, crash->vm_id) == 0 ||
            strcmp(x->vm_id, last) == 0 || apart > s->options->others_ns || -apart > s->options->others_ns ||
            strcmp(x->c->text[TEXT_HOST_ID], i->host_id) != 0)
            continue;
        put_other(x, i);
        last = x->vm_id;
    }
}

/* The same crash of the same guest before: a boot loop, or one that comes back. */
void scene_repeats(const struct scene *s, const struct crash *crash, struct incident *i)
{
    const struct clue *mine = s->joined->signs[crash->anchor].c;
    const struct crash *last = NULL;
    char ago[TIMES_TEXT_MAX];
    int before = 0;

    for (const struct crash *x = crash; x > s->joined->crashes && crash->vm_id[0] != '\0';) {
        x--;
        if (strcmp(x->vm_id, crash->vm_id) != 0 || crash->t - x->t > s->options->lookback_ns)
            break;
        if (!clue_same_key(s->joined->signs[x->anchor].c, mine))
            continue;
        last = last == NULL ? x : last;
        before++;
    }
    if (last == NULL)
        return;
    times_format_length(crash->t - last->t, ago);
    incident_line(i, &i->notes,
                  incident_textf(i,
                                 "The guest crashed the same way %s before, and %d time%s in the time looked at: it "
                                 "crashes again and again",
                                 ago, before, before == 1 ? "" : "s"));
}
