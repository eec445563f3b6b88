/* Notes of whose incidents are to be computed anew: written with the records,
 * taken up by upkeep.  See fleet_incidents.h.
 *
 * A note of a sign is due at once.  What only adds to a picture (trouble of a
 * host, a change of a guest's history) waits CONTEXT_WAIT_NS for more of its
 * kind, because a storage outage is told by thousands of events; notes that are alike
 * are taken together.  A note about a host, a cluster or a module becomes notes
 * about the guests whose stored incidents it concerns.
 *
 * Over a database one hub at a time takes a turn; another finds nothing to do
 * until the turn is over.
 */
#include "base/log.h"
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_WAIT_NS (10 * NS_PER_S)
#define NOTE_SPAN_MAX   (INT64_C(7) * 86400 * NS_PER_S) /* notes are put together up to this */
#define SLICE_NS        (50 * NS_PER_MS)

enum { SLICE_NOTES = 32, ALIKE_MAX = 500, LATE_LOOK_S = 600 };

/* ---- settings ----------------------------------------------------------------------- */

int fleet_incidents_open(struct fleet_store *s, const struct fleet_store_options *options, struct err *e)
{
    struct fleet_incident_state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    case_options_default(&state->options);
    if (options->incidents.tolerance_ns != 0)
        state->options.tolerance_ns = options->incidents.tolerance_ns;
    if (options->incidents.before_ns != 0)
        state->options.before_ns = options->incidents.before_ns;
    if (options->incidents.after_ns != 0)
        state->options.after_ns = options->incidents.after_ns;
    state->keep_ns = options->keep_ns;
    state->rules = options->read_only ? NULL : rules_shipped();
    state->options.rules = state->rules;
    if (state->rules == NULL && !options->read_only) {
        free(state);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    s->incidents = state;
    return 0;
}

void fleet_incidents_close(struct fleet_store *s)
{
    if (s->incidents == NULL)
        return;
    rules_free(atomic_exchange(&s->incidents->next_rules, NULL));
    rules_free(s->incidents->rules);
    free(s->incidents);
    s->incidents = NULL;
}

void fleet_store_rules(struct fleet_store *s, struct rules *rules)
{
    rules_free(atomic_exchange(&s->incidents->next_rules, rules));
}

static void take_up_rules(struct fleet_incident_state *state)
{
    struct rules *next = atomic_exchange(&state->next_rules, NULL);

    if (next == NULL)
        return;
    rules_free(state->rules);
    state->rules = next;
    state->options.rules = next;
    state->rules_compared = false;
}

void fleet_incident_counts(const struct fleet_store *s, struct fleet_incident_counts *out)
{
    const struct fleet_incident_state *state = s->incidents;

    *out = (struct fleet_incident_counts){ state->made, state->changed, state->computed, state->failed };
}

/* ---- writing notes --------------------------------------------------------------------- */

/* Put together: one inside the other, or near each other. */
static bool join(struct fleet_todo *into, const struct fleet_todo *t)
{
    int64_t from = into->from < t->from ? into->from : t->from;
    int64_t to = into->to > t->to ? into->to : t->to;
    bool apart = t->from > into->to || t->to < into->from;

    if (into->from <= t->from && into->to >= t->to)
        return true;
    if (apart || to - from > NOTE_SPAN_MAX)
        return false;
    into->from = from;
    into->to = to;
    return true;
}

static bool alike(const struct fleet_todo *a, const struct fleet_todo *b)
{
    return a->sign == b->sign && a->scope == b->scope && strcmp(a->key, b->key) == 0;
}

int fleet_todos_write(struct fleet_todos *todos, struct fleet_body *b, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < todos->count; i++)
        rc = b->ops->todo_put(b, &todos->rows[i], e);
    todos->count = 0;
    return rc;
}

static int note(struct fleet_todos *todos, struct fleet_body *b, const struct fleet_todo *t, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < todos->count; i++) {
        if (alike(&todos->rows[i], t) && join(&todos->rows[i], t))
            return 0;
    }
    if (todos->count == FLEET_TODOS_MAX)
        rc = fleet_todos_write(todos, b, e);
    todos->rows[todos->count++] = *t;
    return rc;
}

static struct fleet_todo todo_of(bool sign, enum todo_scope scope, const char *key, int64_t from, int64_t to,
                                 int64_t due)
{
    struct fleet_todo t = { .sign = sign, .scope = scope, .from = from, .to = to, .due = due };

    text_copy(t.key, sizeof t.key, key);
    return t;
}

/* Whose incidents the record can change. */
static int note_reach(struct fleet_todos *todos, struct fleet_body *b, const struct resource *who,
                      const struct incident_relevance *r, int64_t now, struct err *e)
{
    bool sign = r->level == RELEVANT_SIGN, stray = sign && r->vm_id[0] == '\0';
    int64_t later = now + CONTEXT_WAIT_NS;
    char code[FLEET_CODE_MAX] = "";
    struct fleet_todo t;
    int rc = 0;

    if (r->of_code)
        snprintf(code, sizeof code, "0x%08x", (unsigned)r->code);
    if (sign || r->vm_id[0] != '\0') {
        t = todo_of(sign, TODO_VM, r->vm_id, r->from, r->to, sign ? now : later);
        rc = note(todos, b, &t, e);
    }
    if (rc == 0 && stray) {
        t = todo_of(true, TODO_STRAY, code, r->from, r->to, now);
        rc = note(todos, b, &t, e);
    }
    if (rc == 0 && r->of_host) {
        t = todo_of(false, TODO_HOST, r->host_id, r->from, r->to, later);
        rc = note(todos, b, &t, e);
    }
    if (rc == 0 && r->of_cluster && who->cluster[0] != '\0') {
        t = todo_of(false, TODO_CLUSTER, who->cluster, r->from, r->to, later);
        rc = note(todos, b, &t, e);
    }
    return rc;
}

int fleet_incidents_changed(struct fleet_body *b, const char *vm_id, int64_t time, int64_t now_ns, struct err *e)
{
    struct fleet_todo t = todo_of(false, TODO_VM, vm_id, time > 0 ? time : 1, INT64_MAX, now_ns + CONTEXT_WAIT_NS);

    return b->ops->todo_put(b, &t, e);
}

/* ---- copying what counts -------------------------------------------------------------------- */

static enum circumstance_role role_of(const struct observation *o, const struct incident_relevance *r)
{
    if (o->kind == OBS_GUEST_CONFIGURATION)
        return CIRCUMSTANCE_CONFIG;
    if (r->level == RELEVANT_SIGN)
        return r->vm_id[0] != '\0' ? CIRCUMSTANCE_SIGN : CIRCUMSTANCE_STRAY;
    if (o->kind == OBS_GAP)
        return CIRCUMSTANCE_GAP;
    if (r->of_cluster)
        return CIRCUMSTANCE_SHARED;
    return r->of_host ? CIRCUMSTANCE_HOST : CIRCUMSTANCE_GUEST;
}

static const char *what_of(const struct observation *o)
{
    const char *change = obs_get_str(o, ATTR_VM_CHANGE);

    if (o->kind == OBS_GUEST_CONFIGURATION)
        return "config";
    if (o->kind == OBS_GUEST_LIFECYCLE && (strcmp(change, "started") == 0 || strcmp(change, "reset") == 0))
        return "boot";
    if (o->kind == OBS_GUEST_MIGRATION && strcmp(obs_get_str(o, ATTR_MIGRATION_PHASE), "received") == 0)
        return "arrival";
    return "";
}

static int put_circumstance(struct fleet_store *s, const struct resource *who, const struct fleet_record *r,
                            const struct incident_relevance *rel, struct err *e)
{
    char code[FLEET_CODE_MAX] = "";
    struct fleet_circumstance c = {
        .stream = r->stream,
        .seq = r->o->seq,
        .role = role_of(r->o, rel),
        .received = r->received_ns,
        .time = rel->time,
        .reach_from = rel->from,
        .reach_to = rel->to,
        .vm_id = rel->vm_id,
        .vm_name = obs_get_str(r->o, ATTR_VM_NAME),
        .code = code,
        .what = what_of(r->o),
        .who = *who,
        .payload = r->payload,
        .len = r->len,
    };

    if (rel->of_code)
        snprintf(code, sizeof code, "0x%08x", (unsigned)rel->code);
    return s->body->ops->circumstance_put(s->body, &c, e);
}

/* A look at a guest that comes late says how it stood when it crashed.  It is no circumstance: it is read where it
 * lies. */
static bool is_late_look(const struct fleet_record *r)
{
    return r->o->kind == OBS_GUEST_INVENTORY && r->o->time_ns > 0 &&
           r->received_ns - r->o->time_ns > LATE_LOOK_S * NS_PER_S;
}

static int note_late_look(struct fleet_store *s, struct fleet_todos *todos, const char *vm_id,
                          const struct fleet_record *r, struct err *e)
{
    struct fleet_todo t =
        todo_of(false, TODO_VM, vm_id, r->o->time_ns, r->received_ns, r->received_ns + CONTEXT_WAIT_NS);

    return note(todos, s->body, &t, e);
}

int fleet_incidents_record(struct fleet_store *s, struct fleet_todos *todos, const struct resource *who,
                           const struct fleet_record *r, struct err *e)
{
    const char *told = obs_get_str(r->o, ATTR_VM_ID);
    struct incident_relevance rel;
    char vm_id[GUID_TEXT_MAX];
    int rc;

    incident_relevance(&s->incidents->options, who, r->o, &rel);
    if (r->o->kind == OBS_GUEST_CONFIGURATION && obs_get_str(r->o, ATTR_VM_ID)[0] != '\0') {
        int64_t time = r->o->time_ns > 0 ? r->o->time_ns : r->o->observed_ns;

        rel = (struct incident_relevance){ .level = RELEVANT_CONTEXT,
                                           .time = time > 0 ? time : 1,
                                           .from = time > 0 ? time : 1,
                                           .to = INT64_MAX,
                                           .vm_id = obs_get_str(r->o, ATTR_VM_ID),
                                           .host_id = who->host_id };
    }
    if (guid_parse(told, strlen(told), vm_id))
        rel.vm_id = vm_id;
    if (rel.level == RELEVANT_NOT)
        return is_late_look(r) && rel.vm_id == vm_id ? note_late_look(s, todos, vm_id, r, e) : 0;
    rc = put_circumstance(s, who, r, &rel, e);
    return rc != 0 ? rc : note_reach(todos, s->body, who, &rel, r->received_ns, e);
}

/* ---- taking notes up -------------------------------------------------------------------------- */

struct places {
    struct fleet_todos todos;
    struct fleet_body *b;
    bool sign;
    int64_t now;
    int64_t from, to; /* for signs */
    int rc;
    struct err *e;
    struct fleet_todo *rows; /* copied: nothing else can be asked while rows come in */
    size_t count, room;
};

static bool take_place(void *arg, const char *vm_id, const char *host_id, int64_t time)
{
    struct places *p = (struct places *)arg;
    struct fleet_todo t = todo_of(p->sign, TODO_VM, vm_id, p->sign ? p->from : time, p->sign ? p->to : time, p->now);

    (void)host_id;
    if (p->count < p->room)
        p->rows[p->count++] = t;
    return p->count < p->room;
}

/* A note about more than one guest becomes notes about each. */
static int spread(struct fleet_store *s, const struct fleet_todo *t, int64_t now, struct err *e)
{
    struct places *p = calloc(1, sizeof *p);
    struct fleet_body *b = s->body;
    int rc;

    if (p == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    p->sign = t->scope == TODO_STRAY;
    p->now = now;
    p->from = t->from;
    p->to = t->to;
    p->room = t->scope == TODO_MODULE ? MODULE_INCIDENTS_MAX : PLACES_MAX;
    p->rows = calloc(p->room, sizeof *p->rows);
    rc = p->rows != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0 && p->sign)
        rc = b->ops->sign_vms(b, t->key, t->from, t->to, (int)p->room, take_place, p, e);
    else if (rc == 0)
        rc = b->ops->incident_places(b, t->scope, t->key, t->from, t->to, (int)p->room, take_place, p, e);
    for (size_t i = 0; rc == 0 && i < p->count; i++)
        rc = note(&p->todos, b, &p->rows[i], e);
    if (rc == 0)
        rc = fleet_todos_write(&p->todos, b, e);
    free(p->rows);
    free(p);
    return rc;
}

/* ---- one guest ------------------------------------------------------------------------------------ */

/* Computes and replaces the incidents of a VM, and where dumps without a VM are about, those of no VM with them. */
static int compute(struct fleet_store *s, const char *vm_id, int64_t from, int64_t to, int64_t now, struct err *e)
{
    struct replacing r = { .vm_ids = { vm_id, "" }, .count = 1, .from = from, .to = to, .now = now };
    bool strays = false;
    int rc = vm_id[0] != '\0' ? fleet_incidents_strays(s, from, to, &strays, e) : 0;

    if (rc == 0 && strays)
        r.count = 2;
    for (int i = 0; rc == 0 && i < r.count; i++)
        rc = fleet_incidents_of(s, &s->incidents->options, r.vm_ids[i], from, to, &r.lists[i], e);
    if (rc == 0)
        rc = fleet_incidents_replace(s, &r, e);
    for (int i = 0; i < r.count; i++)
        incident_list_free(&r.lists[i]);
    s->incidents->computed++;
    if (rc != ERR_TOO_BIG)
        return rc;
    /* it would be so again and again, and hold up everybody else's */
    s->incidents->failed++;
    log_event(LOG_ERROR, "incidents.failed", LOG_S("vm_id", vm_id), LOG_S("problem", e->text));
    return 0;
}

struct times {
    int64_t *list;
    int count;
};

static bool take_time(void *arg, const char *vm_id, const char *host_id, int64_t time)
{
    struct times *t = (struct times *)arg;

    (void)vm_id;
    (void)host_id;
    t->list[t->count++] = time;
    return t->count < PLACES_MAX;
}

/* The stored incidents of the VM in that time, those near each other together; newest first. */
static int compute_stored(struct fleet_store *s, const struct fleet_todo *t, int64_t now, struct err *e)
{
    struct times times = { .list = malloc(PLACES_MAX * sizeof(int64_t)) };
    int rc = times.list != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");

    if (rc == 0)
        rc = s->body->ops->incident_places(s->body, TODO_VM, t->key, t->from, t->to, PLACES_MAX, take_time, &times, e);
    for (int i = 0; rc == 0 && i < times.count;) {
        int64_t to = times.list[i], from = to;

        for (i++; i < times.count && from - times.list[i] < s->incidents->options.before_ns; i++)
            from = times.list[i];
        rc = compute(s, t->key, from, to, now, e);
    }
    free(times.list);
    return rc;
}

static int take_up(struct fleet_store *s, const struct fleet_todo *t, int64_t now, struct err *e)
{
    bool strays = false;
    int rc = 0;

    if (t->scope != TODO_VM)
        return spread(s, t, now, e);
    if (t->sign)
        return compute(s, t->key, t->from, t->to, now, e);
    /* a name that is told may be the one of a dump's folder, which makes that dump's incident another's */
    if (t->to != INT64_MAX && t->key[0] != '\0' && t->from != t->to)
        rc = fleet_incidents_strays(s, t->from, t->to, &strays, e);
    if (rc != 0)
        return rc;
    return strays ? compute(s, t->key, t->from, t->to, now, e) : compute_stored(s, t, now, e);
}

struct joining {
    struct fleet_todo *into;
};

static bool take_alike(void *arg, const struct fleet_todo *t)
{
    (void)join(((struct joining *)arg)->into, t);
    return true;
}

/* The next note with all that are like it, which are gone then. */
static int next_note(struct fleet_store *s, int64_t now, struct fleet_todo *out, struct err *e)
{
    struct fleet_body *b = s->body;
    struct joining joining = { out };
    struct fleet_todo first;
    int rc = b->ops->todo_first(b, now, &first, e);

    if (rc != 0)
        return rc;
    *out = first;
    rc = b->ops->todo_alike(b, &first, now, ALIKE_MAX, take_alike, &joining, e);
    return rc != 0 ? rc : b->ops->todo_drop(b, out, now, e);
}

/* As many notes as fit into a slice.  ERR_NOT_FOUND: there are no more. */
static int take_notes(struct fleet_store *s, struct err *e)
{
    int64_t start = s->clock->monotonic_ns(s->clock), now = s->clock->wall_ns(s->clock);
    struct fleet_todo t;
    int rc = 0;

    for (int i = 0; rc == 0 && i < SLICE_NOTES; i++) {
        rc = next_note(s, now, &t, e);
        if (rc == 0)
            rc = take_up(s, &t, now, e);
        if (s->clock->monotonic_ns(s->clock) - start > SLICE_NS)
            break;
    }
    return rc;
}

/* What is due, and where nothing is the next ones that other rules may explain otherwise.  *done: something was. */
static int take_turn(struct fleet_store *s, bool *done, struct err *e)
{
    struct fleet_body *b = s->body;
    struct fleet_todo first;
    bool mine = false;
    int rc = b->ops->todo_first(b, s->clock->wall_ns(s->clock), &first, e);
    bool due = rc == 0;

    *done = false;
    if (rc == ERR_NOT_FOUND)
        rc = 0;
    if (rc == 0 && (due || s->incidents->reviewing))
        rc = b->ops->incident_turn(b, &mine, e);
    if (rc != 0 || !mine)
        return rc;
    if (!due)
        return fleet_incidents_review(s, done, e);
    rc = take_notes(s, e);
    *done = rc == 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int fleet_incidents_slice(struct fleet_store *s, bool *more, struct err *e)
{
    struct fleet_body *b = s->body;
    bool done = false;
    int rc;

    take_up_rules(s->incidents);
    rc = b->ops->begin(b, true, e);
    if (rc == 0)
        rc = fleet_incidents_compare_rules(s, e);
    if (rc == 0)
        rc = take_turn(s, &done, e);
    if (rc == 0)
        rc = b->ops->commit(b, e);
    if (rc != 0) {
        b->ops->rollback(b);
        return rc;
    }
    s->incidents->rules_compared = true;
    *more = *more || done;
    return 0;
}
