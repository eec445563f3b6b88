/* See replay_incidents.h.
 *
 * A moment is what was known of one guest from some time on.  They are added in
 * order of time, since a replay is, and looked for from the newest back.  A
 * moment is added only when it differs from the guest's last one, so a capture of
 * many polls costs one for each change.
 */
#include "agent/replay_incidents.h"

#include "base/text.h"
#include "base/times.h"
#include "incidents/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENTS_MAX = 1000000, WHY_MAX = 192 };

/* What decides a moment, and is compared. */
struct standing {
    char host_id[HOST_ID_MAX];
    enum drift_state state;
    int row;
    bool stale;
    int64_t since, booted, last_migration;
    char version[VERSION_TEXT_MAX * 2], expected[VERSION_TEXT_MAX * 2];
    struct guest_config config;
};

struct moment {
    struct guest *guest; /* the fleet's */
    int64_t time;
    struct standing standing;
    struct moment *before; /* of the same guest */
};

/* The newest moment of each guest, in a hash table by the guest's address. */
struct slot {
    const struct guest *guest;
    struct moment *newest;
};

struct replay_incidents {
    struct fleet *fleet;
    const struct drift_floors *floors;
    struct rules *rules;
    struct case_file *file;
    struct slot *slots; /* a power of two of them */
    size_t slot_count, used;
    size_t moments;
    char why[WHY_MAX]; /* what guest_at() said last */
};

static struct slot *find_slot(struct slot *slots, size_t count, const struct guest *g)
{
    size_t at = ((uintptr_t)g >> 4) * UINT64_C(0x9E3779B97F4A7C15) & (count - 1);

    while (slots[at].guest != NULL && slots[at].guest != g)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow(struct replay_incidents *r)
{
    size_t count = r->slot_count == 0 ? 256 : r->slot_count * 2;
    struct slot *bigger = calloc(count, sizeof *bigger);

    if (bigger == NULL)
        return false;
    for (size_t i = 0; i < r->slot_count; i++)
        if (r->slots[i].guest != NULL)
            *find_slot(bigger, count, r->slots[i].guest) = r->slots[i];
    free(r->slots);
    r->slots = bigger;
    r->slot_count = count;
    return true;
}

/* ---- what is remembered -------------------------------------------------------- */

static void standing_of(struct replay_incidents *r, struct guest *g, struct standing *out)
{
    struct drift_verdict verdict;

    memset(out, 0, sizeof *out); /* compared as bytes */
    drift_evaluate(fleet_find_host(r->fleet, g->host_id), g, fleet_peers(r->fleet), r->floors, &verdict);
    text_copy(out->host_id, sizeof out->host_id, g->host_id);
    out->state = g->drift.state;
    out->row = g->drift.row;
    out->stale = g->drift.stale;
    out->since = g->drift.since;
    out->booted = g->booted;
    out->last_migration = g->last_migration;
    text_copy(out->version, sizeof out->version, verdict.guest_version);
    text_copy(out->expected, sizeof out->expected, verdict.expected_version);
    out->config = g->config;
}

static bool same_standing(const struct standing *a, const struct standing *b)
{
    return strcmp(a->host_id, b->host_id) == 0 && a->state == b->state && a->row == b->row && a->stale == b->stale &&
           a->since == b->since && a->booted == b->booted && a->last_migration == b->last_migration &&
           strcmp(a->version, b->version) == 0 && strcmp(a->expected, b->expected) == 0 &&
           a->config.time == b->config.time;
}

static int remember(struct replay_incidents *r, struct guest *g, int64_t time, struct err *e)
{
    struct standing now;
    struct moment *m;
    struct slot *slot;

    if (r->used * 2 >= r->slot_count && !grow(r))
        return err_set(e, ERR_MEMORY, "out of memory");
    slot = find_slot(r->slots, r->slot_count, g);
    standing_of(r, g, &now);
    if ((slot->newest != NULL && same_standing(&slot->newest->standing, &now)) || r->moments >= MOMENTS_MAX)
        return 0;
    m = malloc(sizeof *m);
    if (m == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    *m = (struct moment){ .guest = g, .time = time, .standing = now, .before = slot->newest };
    r->used += slot->guest == NULL;
    r->moments++;
    *slot = (struct slot){ g, m };
    return 0;
}

int replay_incidents_evaluated(struct replay_incidents *r, int64_t time, struct err *e)
{
    size_t count;
    struct guest **guests = fleet_guests(r->fleet, &count);
    int rc = guests != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory to list the guests");

    for (size_t i = 0; rc == 0 && i < count; i++)
        if (guests[i]->drift.row != 0)
            rc = remember(r, guests[i], time, e);
    return rc;
}

/* ---- what the case file asks ------------------------------------------------------ */

static void fill(const struct replay_incidents *r, const struct moment *m, struct guest_moment *out)
{
    const struct host *host = fleet_find_host(r->fleet, m->standing.host_id);

    out->known = true;
    out->host_id = m->standing.host_id;
    out->host_name = host != NULL ? host->facts.host_name : NULL;
    out->cluster = host != NULL ? host->facts.cluster : NULL;
    out->state = m->standing.state;
    out->row = m->standing.row;
    out->stale = m->standing.stale;
    out->since = m->standing.since;
    out->guest_version = m->standing.version;
    out->expected_version = m->standing.expected;
    out->booted = m->standing.booted;
    out->last_migration = m->standing.last_migration;
    incident_configuration_of(&m->standing.config, &out->configuration);
}

/* What stays the same over a guest's life, as far as this can be said. */
static void fill_guest(const struct guest *g, struct guest_moment *out)
{
    out->vm_name = g->name;
    out->os_name = g->kvp[KVP_OS_NAME].text;
    out->os_version = g->kvp[KVP_OS_VERSION].text;
    out->family = guest_family_of(g);
}

static void guest_at(void *arg, const char *vm_id, int64_t time, struct guest_moment *out)
{
    struct replay_incidents *r = arg;
    const struct guest *g = fleet_find_guest(r->fleet, vm_id);
    const struct moment *m = NULL, *first = NULL;
    char text[TIMES_TEXT_MAX];

    *out = (struct guest_moment){ .why = "the captures hold nothing of this guest" };
    incident_configuration_of(&(struct guest_config){ .time = 0 }, &out->configuration);
    if (g == NULL)
        return;
    fill_guest(g, out);
    if (r->slot_count > 0)
        m = find_slot(r->slots, r->slot_count, g)->newest;
    for (; m != NULL && m->time > time; m = m->before)
        first = m;
    if (m != NULL) {
        fill(r, m, out);
        return;
    }
    if (first == NULL)
        return;
    snprintf(r->why, sizeof r->why, "the guest was first looked at later, at %s, and was then %s (%s)",
             times_format(first->time, text), drift_state_name(first->standing.state),
             first->standing.version[0] != '\0' ? first->standing.version : "version not known");
    out->why = r->why;
}

static void host_at(void *arg, const char *host_id, int64_t time, struct host_moment *out)
{
    struct replay_incidents *r = arg;
    const struct host *h = fleet_find_host(r->fleet, host_id);

    (void)time;
    *out = (struct host_moment){ .known = h != NULL };
    if (h == NULL)
        return;
    out->name = h->facts.host_name;
    out->cluster = h->facts.cluster;
    out->os_version = h->facts.os_version;
    out->is_version = h->facts.is_win6x;
}

/* ---- the whole ------------------------------------------------------------------------ */

struct replay_incidents *replay_incidents_new(struct fleet *fleet, const struct drift_floors *floors)
{
    struct replay_incidents *r = calloc(1, sizeof *r);
    struct case_options options;
    struct err e;

    if (r == NULL)
        return NULL;
    r->fleet = fleet;
    r->floors = floors;
    r->rules = rules_shipped();
    case_options_default(&options);
    options.rules = r->rules;
    options.guest_at = guest_at;
    options.host_at = host_at;
    options.arg = r;
    if (r->rules == NULL || case_file_new(&r->file, &options, &e) != 0) {
        replay_incidents_free(r);
        return NULL;
    }
    return r;
}

void replay_incidents_free(struct replay_incidents *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->slot_count; i++) {
        for (struct moment *m = r->slots[i].newest, *before; m != NULL; m = before) {
            before = m->before;
            free(m);
        }
    }
    free(r->slots);
    case_file_free(r->file);
    rules_free(r->rules);
    free(r);
}

static bool tells_of_a_crash(const struct observation *o)
{
    return o->kind == OBS_GUEST_CRASH || o->kind == OBS_GUEST_DUMP;
}

int replay_incidents_add(struct replay_incidents *r, const struct resource *who, const struct observation *o,
                         struct err *e)
{
    struct guest *g = fleet_find_guest(r->fleet, obs_get_str(o, ATTR_VM_ID));
    int rc = case_file_add(r->file, who, o, e);

    /* The events since the last poll count too. */
    if (rc == 0 && g != NULL && tells_of_a_crash(o)) {
        fleet_evaluate(r->fleet);
        if (g->inventory_time != 0)
            rc = remember(r, g, o->time_ns, e);
    }
    return rc;
}

int replay_incidents_list(struct replay_incidents *r, struct incident_list *out, struct err *e)
{
    return case_file_incidents(r->file, 0, 0, out, e);
}
