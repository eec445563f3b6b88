/* See deliver_look.h. */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/deliver_look.h"
#include "report/report_summary.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OVERLAP (75 * NS_PER_S) /* longer than a transaction can last (fleet_postgres.c) */

enum { SLICE_ROWS = 1000, FINDINGS_MAX = 20000 };

/* Where each event comes from.  What lasts is told by when it began; what happens again and again by its newest time.
 */
static const struct source {
    enum { FROM_CHANGES, FROM_FINDINGS, FROM_INCIDENTS } from;
    enum fleet_finding_kind kind;
    bool by_newest;
} sources[DELIVERY_EVENT_COUNT] = {
    [DELIVERY_NEW_DRIFT] = { .from = FROM_CHANGES },
    [DELIVERY_SILENT_HOST] = { FROM_FINDINGS, FINDING_SILENT_HOST, false },
    [DELIVERY_GAP] = { FROM_FINDINGS, FINDING_GAP, true },
    [DELIVERY_SEQUENCE_HOLE] = { FROM_FINDINGS, FINDING_SEQUENCE_HOLE, false },
    [DELIVERY_SHARED_AGENT_ID] = { FROM_FINDINGS, FINDING_SHARED_AGENT_ID, false },
    [DELIVERY_CLOCK_OFF] = { FROM_FINDINGS, FINDING_CLOCK_OFF, false },
    [DELIVERY_NEW_INCIDENT] = { .from = FROM_INCIDENTS },
};

static bool wants(const struct deliver_look *l, int event)
{
    return (l->delivery->events >> event & 1) != 0;
}

static bool wants_from(const struct deliver_look *l, int from)
{
    for (int i = 0; i < DELIVERY_EVENT_COUNT; i++) {
        if (wants(l, i) && (int)sources[i].from == from)
            return true;
    }
    return false;
}

/* Into the store, some at a time, so that ingest is not held up. */
static int put_all(const struct deliver_look *l, const struct fleet_found *list, size_t count, bool drop, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i += SLICE_ROWS) {
        size_t n = count - i < SLICE_ROWS ? count - i : SLICE_ROWS;

        rc = fleet_delivery_put_found(l->store, l->owner, l->delivery->name, list + i, n, drop, e);
    }
    return rc;
}

/* ---- changes of guests' states -------------------------------------------------------- */

struct slice {
    const struct deliver_look *look;
    struct fleet_found *list;
    size_t count;
    int rows;
    int64_t received; /* of the newest row */
    char vm_id[GUID_TEXT_MAX];
    /* The row before those that share the newest row's place: a full slice ends there, because of the newest place more
     * rows may come. */
    bool has_before;
    size_t before_count;
    int64_t before_received;
    char before_vm_id[GUID_TEXT_MAX];
};

static void note_place(struct slice *s, const struct fleet_change *c)
{
    if (s->rows++ > 0 && (c->received != s->received || strcmp(c->vm_id, s->vm_id) != 0)) {
        s->has_before = true;
        s->before_count = s->count;
        s->before_received = s->received;
        memcpy(s->before_vm_id, s->vm_id, sizeof s->before_vm_id);
    }
    s->received = c->received;
    text_copy(s->vm_id, sizeof s->vm_id, c->vm_id);
}

static bool is_in_cluster(const struct deliver_look *l, const char *cluster)
{
    return l->delivery->cluster[0] == '\0' || text_casecmp(l->delivery->cluster, cluster) == 0;
}

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct slice *s = arg;
    enum drift_state to = DRIFT_UNKNOWN;
    bool there = drift_state_parse(c->to, &to), problem = there && drift_state_is_problem(to);
    struct fleet_found *f = &s->list[s->count];

    note_place(s, c);
    if (there && to == DRIFT_UNKNOWN)
        return true;
    if (problem && !is_in_cluster(s->look, c->cluster))
        return true;
    *f = (struct fleet_found){ .event = delivery_event_name(DELIVERY_NEW_DRIFT), .instance = c->received };
    f->status = problem ? FOUND_WAITING : FOUND_SOLVED;
    text_copy(f->subject, sizeof f->subject, c->vm_id);
    text_copy(f->host_id, sizeof f->host_id, c->host_id);
    snprintf(f->text, sizeof f->text, "%.32s%s%.32s: %.300s", c->from, c->from[0] != '\0' ? " -> " : "", c->to,
             c->evidence);
    s->count++;
    return true;
}

/* The next rows after (received, vm_id).  *more: there may be others. */
static int look_slice(struct slice *s, bool *more, struct err *e)
{
    const struct deliver_look *l = s->look;
    int64_t received = s->received;
    char vm_id[GUID_TEXT_MAX];
    int rc;

    memcpy(vm_id, s->vm_id, sizeof vm_id);
    s->count = 0;
    s->rows = 0;
    s->has_before = false;
    rc = fleet_delivery_changes(l->store, received, vm_id, SLICE_ROWS, take_change, s, e);
    *more = s->rows == SLICE_ROWS;
    if (*more && s->has_before) {
        s->count = s->before_count;
        s->received = s->before_received;
        memcpy(s->vm_id, s->before_vm_id, sizeof s->vm_id);
    }
    return rc != 0 ? rc : put_all(l, s->list, s->count, false, e);
}

static int look_at_changes(const struct deliver_look *l, struct fleet_delivery *row, struct err *e)
{
    struct slice s = { .look = l };
    bool more = true;
    int rc = 0;

    if (row->cursor > l->now_ns)
        row->cursor = l->now_ns; /* our clock was set back: what comes is received earlier than what came */
    s.received = row->cursor > OVERLAP ? row->cursor - OVERLAP : 0;
    s.list = calloc(SLICE_ROWS, sizeof *s.list);
    if (s.list == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    while (rc == 0 && more)
        rc = look_slice(&s, &more, e);
    free(s.list);
    if (rc == 0 && s.received > row->cursor)
        row->cursor = s.received;
    return rc;
}

/* ---- findings about hosts ---------------------------------------------------------------- */

struct findings {
    const struct deliver_look *look;
    struct fleet_found *list; /* in order of event and subject */
    size_t count, cap;
    struct fleet_found *gone;
    size_t gone_count, gone_cap;
    bool no_memory, cut;
};

static struct fleet_found *grow(struct findings *f, struct fleet_found **list, size_t *count, size_t *cap)
{
    if (*count == *cap) {
        size_t more = *cap > 0 ? 2 * *cap : 64;
        struct fleet_found *grown = realloc(*list, more * sizeof *grown);

        f->no_memory |= grown == NULL;
        if (grown == NULL)
            return NULL;
        *list = grown;
        *cap = more;
    }
    return &(*list)[(*count)++];
}

/* The event that a finding is told as; -1 none that is wanted. */
static int event_of(const struct deliver_look *l, enum fleet_finding_kind kind)
{
    for (int i = 0; i < DELIVERY_EVENT_COUNT; i++) {
        if (sources[i].from == FROM_FINDINGS && sources[i].kind == kind && wants(l, i))
            return i;
    }
    return -1;
}

static bool take_finding(void *arg, const struct fleet_finding *found)
{
    struct findings *f = arg;
    int event = event_of(f->look, found->kind);
    struct fleet_found *to;

    if (event < 0)
        return true;
    f->cut = f->count == FINDINGS_MAX;
    to = f->cut ? NULL : grow(f, &f->list, &f->count, &f->cap);
    if (to == NULL)
        return false;
    *to = (struct fleet_found){ .event = delivery_event_name((enum delivery_event)event) };
    to->instance = sources[event].by_newest ? found->last_time : found->first_time;
    to->status = f->look->first ? FOUND_TOLD : FOUND_WAITING;
    snprintf(to->subject, sizeof to->subject, "%s%s%s", found->host_id, found->agent_id[0] != '\0' ? "/" : "",
             found->agent_id);
    text_copy(to->host_id, sizeof to->host_id, found->host_id);
    text_copy(to->text, sizeof to->text, found->text);
    return true;
}

static int by_event(const void *a, const void *b)
{
    const struct fleet_found *x = a, *y = b;
    int order = strcmp(x->event, y->event);

    return order != 0 ? order : strcmp(x->subject, y->subject);
}

/* What is remembered: it is there still (and need not be written), or gone. */
static bool take_known(void *arg, const struct fleet_found *known)
{
    struct findings *f = arg;
    struct fleet_found *now = f->count > 0 ? bsearch(known, f->list, f->count, sizeof *f->list, by_event) : NULL;

    if (now != NULL) {
        if (known->instance >= now->instance)
            now->status = FOUND_SOLVED; /* nothing to write */
        return true;
    }
    if (f->gone_count == FINDINGS_MAX)
        return false;
    now = grow(f, &f->gone, &f->gone_count, &f->gone_cap);
    if (now == NULL)
        return false;
    *now = *known;
    for (int i = 0; i < DELIVERY_EVENT_COUNT; i++) { /* the event's text is the reader's own */
        if (strcmp(known->event, delivery_event_name((enum delivery_event)i)) == 0)
            now->event = delivery_event_name((enum delivery_event)i);
    }
    return true;
}

static int compare_known(struct findings *f, struct err *e)
{
    const struct deliver_look *l = f->look;
    size_t kept = 0;
    int rc = 0;

    if (f->count > 0)
        qsort(f->list, f->count, sizeof *f->list, by_event);
    for (int i = 0; rc == 0 && i < DELIVERY_EVENT_COUNT; i++) {
        if (wants(l, i) && sources[i].from == FROM_FINDINGS)
            rc = fleet_delivery_found(l->store, l->delivery->name, delivery_event_name((enum delivery_event)i), -1, 0,
                                      take_known, f, e);
    }
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].status != FOUND_SOLVED)
            f->list[kept++] = f->list[i];
    }
    f->count = kept;
    return rc;
}

static int look_at_findings(const struct deliver_look *l, struct err *e)
{
    struct fleet_finding_query q = {
        .cluster = l->delivery->cluster[0] != '\0' ? l->delivery->cluster : NULL,
        .now_ns = l->now_ns,
        .host_silent_ns = l->host_silent_ns,
    };
    struct findings f = { .look = l };
    int rc = fleet_store_findings(l->store, &q, take_finding, &f, e);

    if (rc == 0)
        rc = compare_known(&f, e);
    if (rc == 0 && f.no_memory)
        rc = err_set(e, ERR_MEMORY, "out of memory for the findings");
    if (rc == 0)
        rc = put_all(l, f.list, f.count, false, e);
    if (rc == 0 && !f.cut)
        rc = put_all(l, f.gone, f.gone_count, true, e);
    if (f.cut)
        log_event(LOG_WARN, "deliver.findings_cut", LOG_S("delivery", l->delivery->name), LOG_I("most", FINDINGS_MAX));
    free(f.list);
    free(f.gone);
    return rc;
}

/* ---- a look --------------------------------------------------------------------------------- */

int deliver_waiting(const struct deliver_look *l, int64_t *out, struct err *e)
{
    int64_t n = 0;
    int rc = 0;

    *out = 0;
    for (int i = 0; rc == 0 && i < DELIVERY_EVENT_COUNT; i++) {
        rc = fleet_delivery_count(l->store, l->delivery->name, delivery_event_name((enum delivery_event)i),
                                  FOUND_WAITING, &n, e);
        *out += n;
    }
    return rc;
}

int deliver_look(const struct deliver_look *l, struct fleet_delivery *row, struct err *e)
{
    int64_t before = 0, after = 0;
    int rc = 0;

    if (row->found == 0)
        rc = deliver_waiting(l, &before, e);
    if (rc == 0 && wants_from(l, FROM_CHANGES) && !l->first)
        rc = look_at_changes(l, row, e);
    if (rc == 0 && wants_from(l, FROM_FINDINGS) && (l->findings || l->first))
        rc = look_at_findings(l, e);
    if (!wants_from(l, FROM_INCIDENTS))
        row->incidents = 0;
    else if (rc == 0)
        rc = deliver_look_at_incidents(l, row, e);
    if (rc == 0 && row->found == 0)
        rc = deliver_waiting(l, &after, e);
    /* what waits although nothing was given up is from a look that was not written down to its end */
    if (rc == 0 && row->found == 0 && after > 0 && (after > before || row->last_error[0] == '\0'))
        row->found = l->now_ns;
    return rc;
}

int deliver_forget(const struct deliver_look *l, const struct fleet_delivery *row, struct err *e)
{
    int rc = deliver_forget_incidents(l, row, e);

    if (rc != 0 || row->cursor <= 2 * OVERLAP)
        return rc;
    return fleet_delivery_forget(l->store, l->owner, l->delivery->name, delivery_event_name(DELIVERY_NEW_DRIFT),
                                 row->cursor - 2 * OVERLAP, e);
}
