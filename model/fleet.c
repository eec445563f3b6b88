/* See fleet.h.  Two hash tables with linear probing over entries that never
 * move; an entry carries beside its host or guest what has to be evaluated. */
#include "model/fleet.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_FIRST = 64 };

struct host_entry {
    struct host h; /* first, so that a pointer to it is one to the entry */
    char id[HOST_ID_MAX];
    bool changed; /* facts that decide drift are others since the last evaluation */
};

struct guest_entry {
    struct guest g; /* first, as above */
    struct host *on;
    bool touched; /* something was applied since the last evaluation */
};

/* A table of entries by the id at id_offset in each. */
struct table {
    void **slots; /* cap places, a power of two; NULL where free */
    size_t cap, count, id_offset;
};

struct fleet {
    struct drift_floors floors;
    struct drift_peers *peers;
    bool peers_raised; /* since the last evaluation */
    struct table hosts, guests;
    struct host **host_list;
    struct guest **guest_list;
};

/* ---- the tables --------------------------------------------------------- */

static const char *id_of(const struct table *t, const void *entry)
{
    return (const char *)entry + t->id_offset;
}

static size_t hash(const char *id)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (; *id != '\0'; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds the id, or the free one where it belongs. */
static void **slot_of(const struct table *t, const char *id)
{
    size_t i = hash(id) & (t->cap - 1);

    assert(t->cap > t->count);
    while (t->slots[i] != NULL && strcmp(id_of(t, t->slots[i]), id) != 0)
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static void *table_find(const struct table *t, const char *id)
{
    return t->cap == 0 ? NULL : *slot_of(t, id);
}

/* Room for one more, with a quarter of the slots free. */
static bool table_grow(struct table *t)
{
    struct table grown = { .cap = t->cap == 0 ? TABLE_FIRST : t->cap * 2, .id_offset = t->id_offset };

    if (t->count + 1 <= t->cap / 4 * 3)
        return true;
    grown.slots = calloc(grown.cap, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < t->cap; i++) {
        if (t->slots[i] != NULL)
            *slot_of(&grown, id_of(t, t->slots[i])) = t->slots[i];
    }
    grown.count = t->count;
    free(t->slots);
    *t = grown;
    return true;
}

/* A zeroed entry of size bytes, not yet in the table; the caller writes its id. */
static void *table_make(struct table *t, size_t size)
{
    return table_grow(t) ? calloc(1, size) : NULL;
}

static void table_put(struct table *t, void *entry)
{
    void **slot = slot_of(t, id_of(t, entry));

    assert(*slot == NULL);
    *slot = entry;
    t->count++;
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->cap; i++)
        free(t->slots[i]);
    free(t->slots);
}

/* ---- the fleet ---------------------------------------------------------- */

struct fleet *fleet_new(const struct drift_floors *floors)
{
    struct fleet *f = calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    f->floors = floors != NULL ? *floors : drift_floors_default();
    f->hosts.id_offset = offsetof(struct host_entry, id);
    f->guests.id_offset = offsetof(struct guest_entry, g) + offsetof(struct guest, vm_id);
    f->peers = drift_peers_new();
    if (f->peers == NULL) {
        free(f);
        return NULL;
    }
    return f;
}

void fleet_free(struct fleet *f)
{
    if (f == NULL)
        return;
    drift_peers_free(f->peers);
    table_free(&f->hosts);
    table_free(&f->guests);
    free(f->host_list);
    free(f->guest_list);
    free(f);
}

struct host *fleet_find_host(const struct fleet *f, const char *host_id)
{
    struct host_entry *entry = table_find(&f->hosts, host_id);

    return entry != NULL ? &entry->h : NULL;
}

struct guest *fleet_find_guest(const struct fleet *f, const char *vm_id)
{
    struct guest_entry *entry = table_find(&f->guests, vm_id);

    return entry != NULL ? &entry->g : NULL;
}

struct host *fleet_host(struct fleet *f, const char *host_id)
{
    struct host_entry *entry = table_find(&f->hosts, host_id);
    size_t len = strlen(host_id);

    if (entry != NULL)
        return &entry->h;
    assert(len < HOST_ID_MAX);
    entry = table_make(&f->hosts, sizeof *entry);
    if (entry == NULL)
        return NULL;
    memcpy(entry->id, host_id, len + 1);
    host_init(&entry->h, NULL);
    memcpy(entry->h.facts.host_id, host_id, len + 1);
    table_put(&f->hosts, entry);
    return &entry->h;
}

struct guest *fleet_guest(struct fleet *f, const char *vm_id)
{
    struct guest_entry *entry = table_find(&f->guests, vm_id);

    if (entry != NULL)
        return &entry->g;
    assert(strlen(vm_id) < GUID_TEXT_MAX);
    entry = table_make(&f->guests, sizeof *entry);
    if (entry == NULL)
        return NULL;
    guest_init(&entry->g, vm_id);
    table_put(&f->guests, entry);
    return &entry->g;
}

struct drift_peers *fleet_peers(struct fleet *f)
{
    return f->peers;
}

/* ---- applying and evaluating -------------------------------------------- */

static void evaluate(struct fleet *f, struct guest_entry *entry)
{
    struct drift_verdict v;

    drift_evaluate(fleet_find_host(f, entry->g.host_id), &entry->g, f->peers, &f->floors, &v);
    entry->g.drift = v.kept;
    entry->touched = false;
}

/* Whether the observation may end the guest's running. */
static bool may_stop(const struct observation *o)
{
    if (o->kind == OBS_GUEST_INVENTORY)
        return guest_power_parse(obs_get_str(o, ATTR_VM_POWER)) != POWER_RUNNING;
    return o->kind == OBS_GUEST_LIFECYCLE;
}

/* A poll that saw the guest run, and of which nobody knows a newer one. */
static bool saw_it_run(const struct guest *g, const struct observation *o)
{
    int64_t t = o->time_ns > 0 ? o->time_ns : o->observed_ns;

    return o->kind == OBS_GUEST_INVENTORY && t >= g->inventory_time &&
           guest_power_parse(obs_get_str(o, ATTR_VM_POWER)) == POWER_RUNNING;
}

static void evaluate_as_running(struct fleet *f, struct guest_entry *entry)
{
    enum guest_power power = entry->g.power;

    entry->g.power = POWER_RUNNING;
    evaluate(f, entry);
    entry->g.power = power;
}

static void apply_to_guest(struct fleet *f, struct guest_entry *entry, const char *host_id, const struct observation *o)
{
    bool ran = saw_it_run(&entry->g, o);

    /* Row 1 keeps the state from when the guest ran, so that one must be known
     * before the guest stops ... */
    if (entry->touched && may_stop(o))
        evaluate(f, entry);
    guest_apply(&entry->g, host_id, o);
    f->peers_raised |= drift_peers_add(f->peers, &entry->g);
    /* ... and is another when what a poll saw before the stop comes after it. */
    if (ran && entry->g.power != POWER_RUNNING && !entry->g.removed)
        evaluate_as_running(f, entry);
    entry->touched = true;
}

int fleet_apply(struct fleet *f, const struct resource *r, const struct observation *o, struct err *e)
{
    const char *said = obs_get_str(o, ATTR_VM_ID);
    struct guest *guest = NULL;
    struct host *host;
    char vm_id[GUID_TEXT_MAX] = "";

    if (r->host_id[0] == '\0')
        return 0; /* of no host: nothing to reduce it to */
    host = fleet_host(f, r->host_id);
    if (host != NULL && guid_parse(said, strlen(said), vm_id))
        guest = fleet_guest(f, vm_id);
    if (host == NULL || (guest == NULL && vm_id[0] != '\0'))
        return err_set(e, ERR_MEMORY, "out of memory for the fleet");
    if (host_apply(host, r, o))
        ((struct host_entry *)host)->changed = true;
    if (guest != NULL)
        apply_to_guest(f, (struct guest_entry *)guest, r->host_id, o);
    return 0;
}

/* Row 10: guests that are compared with their peers. */
static bool has_peers(const struct guest *g)
{
    struct version os;

    return version_parse(g->kvp[KVP_OS_VERSION].text, &os) > 0 && os.part[0] >= 10;
}

static bool needs_evaluation(const struct fleet *f, const struct guest_entry *entry)
{
    const struct host_entry *on = table_find(&f->hosts, entry->g.host_id);

    return entry->touched || (on != NULL && on->changed) || (f->peers_raised && has_peers(&entry->g));
}

void fleet_evaluate(struct fleet *f)
{
    for (size_t i = 0; i < f->guests.cap; i++) {
        struct guest_entry *entry = f->guests.slots[i];

        if (entry != NULL && needs_evaluation(f, entry))
            evaluate(f, entry);
    }
    for (size_t i = 0; i < f->hosts.cap; i++) {
        struct host_entry *entry = f->hosts.slots[i];

        if (entry != NULL)
            entry->changed = false;
    }
    f->peers_raised = false;
}

/* ---- in order ----------------------------------------------------------- */

static int compare_hosts(const struct host *a, const struct host *b)
{
    int order = strcmp(a->facts.cluster, b->facts.cluster);

    if (order == 0)
        order = strcmp(a->facts.host_name, b->facts.host_name);
    return order != 0 ? order : strcmp(a->facts.host_id, b->facts.host_id);
}

static int compare_host_places(const void *a, const void *b)
{
    return compare_hosts(*(struct host *const *)a, *(struct host *const *)b);
}

static int compare_guest_places(const void *a, const void *b)
{
    const struct guest_entry *x = *(struct guest_entry *const *)a, *y = *(struct guest_entry *const *)b;
    int order;

    if (x->on == NULL || y->on == NULL)
        order = (x->on != NULL) - (y->on != NULL);
    else
        order = compare_hosts(x->on, y->on);
    if (order == 0)
        order = strcmp(x->g.name, y->g.name);
    return order != 0 ? order : strcmp(x->g.vm_id, y->g.vm_id);
}

/* All entries of a table as an array (malloc'ed; NULL out of memory). */
static void *entries(const struct table *t, size_t *count)
{
    void **list = malloc((t->count + 1) * sizeof *list);

    *count = 0;
    for (size_t i = 0; list != NULL && i < t->cap; i++) {
        if (t->slots[i] != NULL)
            list[(*count)++] = t->slots[i];
    }
    return list;
}

struct host **fleet_hosts(struct fleet *f, size_t *count)
{
    free(f->host_list);
    f->host_list = entries(&f->hosts, count);
    if (f->host_list != NULL)
        qsort(f->host_list, *count, sizeof *f->host_list, compare_host_places);
    return f->host_list;
}

struct guest **fleet_guests(struct fleet *f, size_t *count)
{
    free(f->guest_list);
    f->guest_list = entries(&f->guests, count);
    for (size_t i = 0; i < *count; i++) {
        struct guest_entry *entry = (struct guest_entry *)f->guest_list[i];

        entry->on = fleet_find_host(f, entry->g.host_id);
    }
    if (f->guest_list != NULL)
        qsort(f->guest_list, *count, sizeof *f->guest_list, compare_guest_places);
    return f->guest_list;
}
