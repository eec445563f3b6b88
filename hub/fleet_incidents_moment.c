/* What history knows of a guest at a moment in the past whose observations are gone
 * (while they are there: fleet_incidents_then.c).
 *
 * The hub's history tells since when each value held, in the order in which the
 * hub learned of it.  A later word about an earlier time is believed: it puts
 * away what was thought of the time from there on.  So it does not matter in
 * which order hosts reported.  How the guest was set up, its starts and its
 * arrivals are told by the circumstances that were kept of them.
 *
 * What is not known is said, not guessed: which row of the table decided in the
 * past is not kept by history, so row is 0 there.
 */
#include "base/text.h"
#include "hub/fleet_incidents_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_MAX = 2000, CHANGES_FIRST = 16, LOOKS_MAX = 64, EVENTS_MAX = 2048, DISK_KEY_MAX = 48, WHY_MAX = 128 };

struct look {
    int64_t time;
    struct incident_configuration c;
    struct arena arena; /* of the texts */
};

struct event {
    bool arrival; /* else a start */
    int64_t time;
};

struct guest_history {
    struct fleet_change *changes; /* in order of received */
    int count, room;
    bool out_of_memory;
    bool known; /* the guest is stored */
    struct guest guest;
    struct look looks[LOOKS_MAX];
    int look_count;
    struct event events[EVENTS_MAX];
    int event_count;
    char why[WHY_MAX];
};

void word_set_add(struct word_set *w, const char *word)
{
    for (int i = 0; i < w->count; i++) {
        if (strcmp(w->words[i], word) == 0)
            return;
    }
    if (word[0] != '\0' && w->count < EVIDENCE_PLACES_MAX)
        text_copy(w->words[w->count++], sizeof w->words[0], word);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool make_room(struct guest_history *h)
{
    int room = h->room == 0 ? CHANGES_FIRST : 2 * h->room;
    struct fleet_change *more;

    if (h->count < h->room)
        return true;
    more = realloc(h->changes, (size_t)room * sizeof *more);
    if (more == NULL)
        return false;
    h->changes = more;
    h->room = room;
    return true;
}

static bool take_change(void *arg, const struct fleet_change *c)
{
    struct guest_history *h = (struct guest_history *)arg;

    h->out_of_memory = !make_room(h);
    if (h->out_of_memory)
        return false;
    h->changes[h->count++] = *c;
    return h->count < CHANGES_MAX;
}

int guest_history_read(struct guest_history **out, struct fleet_body *b, const char *vm_id, struct err *e)
{
    struct fleet_change_query q = { .vm_id = vm_id, .kind = -1, .oldest_first = true, .limit = CHANGES_MAX };
    struct guest_history *h = calloc(1, sizeof *h);
    int rc = 0;

    if (h == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    if (vm_id[0] != '\0')
        rc = b->ops->guest_get(b, vm_id, &h->guest, e);
    h->known = rc == 0 && vm_id[0] != '\0';
    if (fleet_row_unknown(rc))
        rc = 0;
    if (rc == 0 && vm_id[0] != '\0')
        rc = b->ops->read_changes(b, &q, take_change, h, e);
    if (rc == 0 && h->out_of_memory)
        rc = err_set(e, ERR_MEMORY, "out of memory");
    if (rc != 0) {
        guest_history_free(h);
        return rc;
    }
    *out = h;
    return 0;
}

void guest_history_free(struct guest_history *h)
{
    if (h == NULL)
        return;
    for (int i = 0; i < h->look_count; i++)
        arena_free(&h->looks[i].arena);
    free(h->changes);
    free(h);
}

void guest_history_event(struct guest_history *h, const char *what, int64_t time)
{
    bool arrival = strcmp(what, "arrival") == 0;

    if ((arrival || strcmp(what, "boot") == 0) && h->event_count < EVENTS_MAX)
        h->events[h->event_count++] = (struct event){ arrival, time };
}

/* ---- settings ---------------------------------------------------------------------------- */

static const char *disk_text(struct look *l, const struct observation *o, int n, const char *what)
{
    char key[DISK_KEY_MAX];
    const char *text;

    snprintf(key, sizeof key, ATTR_DISK_N, n, what);
    text = obs_get_str(o, key);
    if (strcmp(text, "unknown") == 0)
        return "";
    text = arena_copy(&l->arena, text, strlen(text));
    return text != NULL ? text : "";
}

/* With their paths, and more of them than a guest keeps. */
static void take_disks(struct look *l, const struct observation *o)
{
    l->c.disk_count = 0;
    for (int n = 1; n <= CONFIG_DISKS_TOLD && l->c.disk_count < INCIDENT_DISKS_MAX; n++) {
        struct incident_disk d = { disk_text(l, o, n, "controller"), disk_text(l, o, n, "kind"),
                                   disk_text(l, o, n, "path") };

        if (d.controller[0] != '\0' || d.kind[0] != '\0' || d.path[0] != '\0')
            l->c.disks[l->c.disk_count++] = d;
    }
}

int guest_history_look(struct guest_history *h, const struct observation *o, struct err *e)
{
    int64_t time = o->time_ns > 0 ? o->time_ns : o->observed_ns;
    struct look *l = &h->looks[h->look_count];
    struct guest_config g;

    (void)e;
    for (int i = 0; i < h->look_count; i++) {
        if (h->looks[i].time == time)
            return 0;
    }
    if (h->look_count == LOOKS_MAX || time <= 0)
        return 0;
    guest_config_init(&g);
    guest_config_take(&g, o, time);
    arena_init(&l->arena, INCIDENT_BYTES_MAX);
    l->time = time;
    incident_configuration_of(&g, &l->c);
    take_disks(l, o);
    h->look_count++;
    return 0;
}

static void configuration_at(const struct guest_history *h, int64_t time, struct incident_configuration *out)
{
    const struct look *best = NULL;

    for (int i = 0; i < h->look_count; i++) {
        if (h->looks[i].time <= time && (best == NULL || h->looks[i].time > best->time))
            best = &h->looks[i];
    }
    if (best != NULL)
        *out = best->c;
    else
        *out = (struct incident_configuration){ .why = "the guest's settings were not told before the crash" };
}

static int64_t event_before(const struct guest_history *h, bool arrival, int64_t time)
{
    int64_t best = 0;

    for (int i = 0; i < h->event_count; i++) {
        if (h->events[i].arrival == arrival && h->events[i].time <= time && h->events[i].time > best)
            best = h->events[i].time;
    }
    return best;
}

/* ---- values ----------------------------------------------------------------------------------- */

/* The change by which the value of a kind at that time came to be: the last one, of those that no later word about an
 * earlier time put away.  *first is the first word on it; NULL there was none. */
static const struct fleet_change *change_at(const struct guest_history *h, enum fleet_change_kind kind, int64_t time,
                                            const struct fleet_change **first)
{
    const struct fleet_change *best = NULL;
    int64_t earliest = INT64_MAX;

    *first = NULL;
    for (int i = 0; i < h->count; i++) {
        if (h->changes[i].kind == kind && *first == NULL)
            *first = &h->changes[i];
    }
    /* from the newest word back: what is not earlier than a later word does not count */
    for (int i = h->count - 1; i >= 0 && best == NULL; i--) {
        const struct fleet_change *c = &h->changes[i];

        if (c->kind != kind || c->time >= earliest)
            continue;
        earliest = c->time;
        if (c->time <= time)
            best = c;
    }
    return best;
}

static const char *value_at(const struct guest_history *h, enum fleet_change_kind kind, int64_t time,
                            const char *current)
{
    const struct fleet_change *first, *c = change_at(h, kind, time, &first);

    if (c != NULL)
        return c->to;
    return first != NULL ? first->from : current;
}

/* The first that was more than "unknown": only by that something was told of the integration services. */
static int64_t earliest_state(const struct guest_history *h)
{
    const char *unknown = drift_state_name(DRIFT_UNKNOWN);
    int64_t earliest = 0;

    for (int i = 0; i < h->count; i++) {
        const char *to = h->changes[i].to;

        if (h->changes[i].kind == CHANGE_STATE && to[0] != '\0' && strcmp(to, unknown) != 0 &&
            (earliest == 0 || h->changes[i].time < earliest))
            earliest = h->changes[i].time;
    }
    return earliest;
}

static const char *why_not(struct guest_history *h, int64_t time)
{
    char text[TIMES_TEXT_MAX];
    int64_t begin = earliest_state(h);

    if (begin == 0)
        snprintf(h->why, sizeof h->why, "nobody told of this guest's integration services");
    else if (time < begin)
        snprintf(h->why, sizeof h->why, "what is known of this guest begins at %s", times_format(begin, text));
    else
        snprintf(h->why, sizeof h->why, "the guest was gone then, by what its hosts told");
    return h->why;
}

/* The cluster as it was told with the newest change before; else that of the first. */
static const char *cluster_at(const struct guest_history *h, int64_t time)
{
    const char *cluster = "";
    int64_t newest = 0;

    for (int i = 0; i < h->count; i++) {
        const struct fleet_change *c = &h->changes[i];

        if (c->cluster[0] != '\0' && (cluster[0] == '\0' || (c->time <= time && c->time >= newest))) {
            cluster = c->cluster;
            newest = c->time <= time ? c->time : newest;
        }
    }
    return cluster;
}

void guest_history_around(const struct guest_history *h, int64_t time, struct guest_moment *out)
{
    out->booted = event_before(h, false, time);
    out->last_migration = event_before(h, true, time);
    configuration_at(h, time, &out->configuration);
}

void guest_history_at(struct guest_history *h, int64_t time, struct guest_moment *out)
{
    const struct guest *g = &h->guest;
    const struct fleet_change *first, *state = change_at(h, CHANGE_STATE, time, &first);
    const char *os_now = h->known ? g->kvp[KVP_OS_VERSION].text : "";

    *out = (struct guest_moment){ .why = "" };
    if (state == NULL || !drift_state_parse(state->to, &out->state) || earliest_state(h) == 0 ||
        (out->state == DRIFT_UNKNOWN && time < earliest_state(h))) {
        out->why = why_not(h, time);
        return;
    }
    out->known = true;
    out->since = state->time;
    out->vm_name = h->known ? g->name : "";
    out->host_id = value_at(h, CHANGE_HOST, time, h->known ? g->host_id : "");
    out->host_name = "";
    out->cluster = cluster_at(h, time);
    out->guest_version = value_at(h, CHANGE_VERSION, time, h->known ? g->kvp[KVP_IS_VERSION].text : "");
    out->expected_version = "";
    out->os_version = value_at(h, CHANGE_OS, time, os_now);
    out->os_name = h->known && strcmp(out->os_version, os_now) == 0 ? g->kvp[KVP_OS_NAME].text : "";
    out->family = h->known ? guest_family_of(g) : FAMILY_UNKNOWN;
    guest_history_around(h, time, out);
}
