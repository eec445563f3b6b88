/* See guest.h.  Words: guest_words.c.  Where the guest is: guest_place.c.
 * Encoding: state.c.
 *
 * Each kind of observation has one function below that takes it in.  Every
 * field of struct guest is a maximum over what was seen (of times, or of values
 * by their time and then by the value), which is what makes the result
 * independent of the order.
 */
#include "model/guest.h"

#include "base/text.h"
#include "model/guest_place.h"
#include "model/run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void guest_init(struct guest *g, const char *vm_id)
{
    memset(g, 0, sizeof *g);
    g->is_state = -1;
    guest_config_init(&g->config);
    text_copy(g->vm_id, sizeof g->vm_id, vm_id);
}

/* Raises *kept to t; true when it was lower. */
static bool raise_time(int64_t *kept, int64_t t)
{
    if (t <= *kept)
        return false;
    *kept = t;
    return true;
}

static void copy_attr(char *dst, size_t size, const struct observation *o, const char *key)
{
    const char *value = obs_get_str(o, key);

    text_clean(dst, size, value, strlen(value), NULL);
}

static void take_name(struct guest *g, const struct observation *o, int64_t t)
{
    char name[GUEST_NAME_MAX];

    copy_attr(name, sizeof name, o, ATTR_VM_NAME);
    if (name[0] == '\0' || t < g->name_time || (t == g->name_time && strcmp(name, g->name) <= 0))
        return;
    text_copy(g->name, sizeof g->name, name);
    g->name_time = t;
}

/* At the same time running wins over everything else, then what is further
 * down in enum guest_power. */
static bool take_power(struct guest *g, enum guest_power power, int64_t t)
{
    bool wins = power == POWER_RUNNING || (g->power != POWER_RUNNING && power > g->power);
    bool changed = power != g->power;

    if (power == POWER_UNKNOWN || t < g->power_time || (t == g->power_time && !wins))
        return false;
    g->power = power;
    g->power_time = t;
    return changed;
}

/* ---- inventory ---------------------------------------------------------- */

static bool take_kvp(struct guest *g, const struct observation *o, int64_t t)
{
    bool changed = false;

    for (int i = 0; i < KVP_ITEM_COUNT; i++) {
        struct kvp_value *v = &g->kvp[i];
        char key[OBS_KEY_MAX], text[KVP_VALUE_MAX];

        snprintf(key, sizeof key, ATTR_KVP_PREFIX "%s", kvp_item_name((enum kvp_item)i));
        copy_attr(text, sizeof text, o, key);
        if (text[0] == '\0')
            continue;
        if (run_take((struct run){ &v->time, &v->since, &v->other }, t, strcmp(text, v->text))) {
            text_copy(v->text, sizeof v->text, text);
            changed = true;
        }
    }
    return changed;
}

/* One component's integer; true when it was there. */
static bool component_int(const struct observation *o, enum ic_component c, const char *what, int *out)
{
    char key[OBS_KEY_MAX];
    const struct attr *a;

    snprintf(key, sizeof key, ATTR_IC_PREFIX "%s.%s", ic_component_name(c), what);
    a = obs_attr(o, key);
    *out = 0;
    if (a == NULL || a->type != ATTR_INT || a->num < 0 || a->num > INT32_MAX)
        return false;
    *out = (int)a->num;
    return true;
}

static int compare_status(const struct ic_status *a, const struct ic_status *b)
{
    if (a->enabled != b->enabled)
        return a->enabled < b->enabled ? -1 : 1;
    if (a->status0 != b->status0)
        return a->status0 < b->status0 ? -1 : 1;
    return a->status1 < b->status1 ? -1 : a->status1 > b->status1;
}

static bool take_component(struct ic_status *kept, const struct observation *o, enum ic_component c, int64_t t)
{
    struct ic_status now = { .enabled = 0 };
    bool any = component_int(o, c, "enabled", &now.enabled);

    any |= component_int(o, c, "status0", &now.status0);
    any |= component_int(o, c, "status1", &now.status1);
    if (!any || !run_take((struct run){ &kept->time, &kept->since, &kept->other }, t, compare_status(&now, kept)))
        return false;
    kept->enabled = now.enabled;
    kept->status0 = now.status0;
    kept->status1 = now.status1;
    return true;
}

static bool take_is_state(struct guest *g, const struct observation *o, int64_t t)
{
    int64_t state = obs_get_int(o, ATTR_VM_IS_STATE, -1);
    bool changed = state != g->is_state;

    if (state < 0 || state > 2 || t < g->is_state_time || (t == g->is_state_time && state <= g->is_state))
        return false;
    g->is_state = (int)state;
    g->is_state_time = t;
    return changed;
}

static bool take_inventory(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    enum guest_power power = guest_power_parse(obs_get_str(o, ATTR_VM_POWER));
    bool changed = take_power(g, power, t);

    guest_place_seen(g, host_id, t, power == POWER_RUNNING);
    raise_time(&g->last_seen, t);
    changed |= raise_time(&g->inventory_time, t);
    changed |= take_kvp(g, o, t);
    for (int c = 0; c < IC_COUNT; c++)
        changed |= take_component(&g->ic[c], o, (enum ic_component)c, t);
    return take_is_state(g, o, t) || changed;
}

/* ---- version events ----------------------------------------------------- */

/* Appends " <what> negotiated <a> expected <b>" when one of them is there. */
static void add_versions(char *out, size_t size, const char *what, const char *a_word, const char *a,
                         const char *b_word, const char *b)
{
    size_t used = strlen(out);

    if (a[0] == '\0' && b[0] == '\0')
        return;
    snprintf(out + used, size - used, "%s%s%s%s %s %s %s", used > 0 ? ", " : "", what, what[0] != '\0' ? " " : "",
             a_word, a[0] != '\0' ? a : "?", b_word, b[0] != '\0' ? b : "?");
}

static void describe(const struct observation *o, char *out, size_t size)
{
    char text[SIGNAL_DETAIL_MAX * 4] = "";

    add_versions(text, sizeof text, "framework", "negotiated", obs_get_str(o, ATTR_FRAMEWORK_NEGOTIATED), "expected",
                 obs_get_str(o, ATTR_FRAMEWORK_EXPECTED));
    add_versions(text, sizeof text, "message", "negotiated", obs_get_str(o, ATTR_MESSAGE_NEGOTIATED), "expected",
                 obs_get_str(o, ATTR_MESSAGE_EXPECTED));
    add_versions(text, sizeof text, "", "server", obs_get_str(o, ATTR_SERVER_VERSION), "client",
                 obs_get_str(o, ATTR_CLIENT_VERSION));
    add_versions(text, sizeof text, "", "installed", obs_get_str(o, ATTR_INSTALLED_VERSION), "upgrade to",
                 obs_get_str(o, ATTR_UPGRADE_VERSION));
    text_clean(out, size, text, strlen(text), NULL);
}

/* Orders two events: by time, then by what they say, so that it is total. */
static int compare_events(const struct mismatch *a, const struct mismatch *b)
{
    int order;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    order = strcmp(a->host_id, b->host_id);
    if (order == 0)
        order = strcmp(a->detail, b->detail);
    if (order == 0)
        order = (a->event_id > b->event_id) - (a->event_id < b->event_id);
    return order != 0 ? order : strcmp(a->service, b->service);
}

/* Keeps events in order of service, free places at the end: there they are, for a new one took the first of them. */
static void sort_events(struct mismatch places[MISMATCH_PLACES])
{
    for (int i = 1; i < MISMATCH_PLACES; i++) {
        struct mismatch m = places[i];
        int j = i;

        for (; j > 0 && m.time != 0 && strcmp(places[j - 1].service, m.service) > 0; j--)
            places[j] = places[j - 1];
        places[j] = m;
    }
}

/* The newest event of its service takes that service's place; a new service
 * takes a free place or that of the oldest event. */
static bool keep_event(struct mismatch places[MISMATCH_PLACES], const struct mismatch *event)
{
    struct mismatch *place = &places[0];

    for (int i = 0; i < MISMATCH_PLACES; i++) {
        if (places[i].time != 0 && strcmp(places[i].service, event->service) == 0) {
            place = &places[i];
            break;
        }
        if (compare_events(&places[i], place) < 0)
            place = &places[i];
    }
    if (compare_events(event, place) <= 0)
        return false;
    *place = *event;
    sort_events(places);
    return true;
}

static struct mismatch event_of(const char *host_id, const struct observation *o, int64_t t)
{
    struct mismatch m = { .time = t, .event_id = obs_get_int(o, ATTR_EVENT_ID, 0) };

    copy_attr(m.service, sizeof m.service, o, ATTR_IC_SERVICE);
    text_copy(m.host_id, sizeof m.host_id, host_id);
    describe(o, m.detail, sizeof m.detail);
    return m;
}

static bool take_mismatch(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    struct mismatch m = event_of(host_id, o, t);
    enum mismatch_signal signal;

    if (!mismatch_signal_parse(obs_get_str(o, ATTR_MISMATCH_SIGNAL), &signal))
        return false;
    guest_place_seen(g, host_id, t, true);
    raise_time(&g->last_seen, t);
    return keep_event(g->mismatch[signal], &m);
}

static bool take_all_clear(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    struct mismatch m = event_of(host_id, o, t);

    guest_place_seen(g, host_id, t, true);
    raise_time(&g->last_seen, t);
    return keep_event(g->all_clear, &m);
}

/* ---- lifecycle ---------------------------------------------------------- */

enum connection { KEPT, RECONNECTED, BOOTED };

/* What a change of ATTR_VM_CHANGE means; words that are not here mean nothing
 * to the reducer.  present: shows that the guest is on the host that says so. */
static const struct change {
    const char *word;
    enum guest_power power;
    enum connection connection;
    bool present;
} changes[] = {
    { "started", POWER_RUNNING, BOOTED, true },       { "stopped", POWER_OFF, KEPT, false },
    { "shut-down", POWER_OFF, KEPT, false },          { "saved", POWER_SAVED, KEPT, false },
    { "restored", POWER_RUNNING, RECONNECTED, true }, { "paused", POWER_PAUSED, KEPT, true },
    { "resumed", POWER_RUNNING, KEPT, true },         { "reset", POWER_RUNNING, BOOTED, true },
    { "paused-critical", POWER_PAUSED, KEPT, true },  { "resumed-critical", POWER_RUNNING, KEPT, true },
    { "stopped-critical", POWER_OFF, KEPT, false },
};

static bool take_connection(struct guest *g, enum connection connection, int64_t t)
{
    if (connection == KEPT)
        return false;
    if (connection == BOOTED)
        raise_time(&g->booted, t);
    raise_time(&g->reconnected, t);
    return raise_time(&g->connected_since, t);
}

static bool take_change(struct guest *g, const char *host_id, const struct change *c, int64_t t)
{
    bool changed = take_power(g, c->power, t);

    raise_time(&g->last_seen, t);
    if (c->present)
        guest_place_seen(g, host_id, t, c->power == POWER_RUNNING);
    return take_connection(g, c->connection, t) || changed;
}

static bool take_lifecycle(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    const char *word = obs_get_str(o, ATTR_VM_CHANGE);

    if (strcmp(word, "removed") == 0) {
        guest_place_removed(g, host_id, t);
        return false; /* whether it is gone is for guest_place_settle() to say */
    }
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].word, word) == 0)
            return take_change(g, host_id, &changes[i], t);
    }
    raise_time(&g->last_seen, t);
    return false;
}

static bool take_migration(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    const char *phase = obs_get_str(o, ATTR_MIGRATION_PHASE);
    bool changed = false;

    raise_time(&g->last_seen, t);
    if (strcmp(phase, "received") == 0) {
        guest_place_arrived(g, host_id, t);
        raise_time(&g->arrived, t);
        changed = raise_time(&g->connected_since, t);
    }
    if (strcmp(phase, "received") == 0 || strcmp(phase, "completed") == 0)
        raise_time(&g->last_migration, t);
    return changed;
}

struct crash {
    int64_t time;
    char code[32];
    bool has_key;
    struct crash_key key;
};

/* Orders two crashes: by time, then by what they say, so that it is total. */
static int compare_crash(const struct crash *c, const struct guest *g)
{
    int order;

    if (c->time != g->last_crash)
        return c->time < g->last_crash ? -1 : 1;
    order = strcmp(c->code, g->last_crash_code);
    if (order == 0)
        order = c->has_key - g->last_crash_has_parameters;
    for (int i = 0; order == 0 && i < CRASH_PARAMETERS; i++)
        order =
            (c->key.parameters[i] > g->last_crash_parameters[i]) - (c->key.parameters[i] < g->last_crash_parameters[i]);
    return order;
}

static bool take_crash(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    const char *kind = obs_get_str(o, ATTR_CRASH_KIND);
    struct crash c = { .time = t };

    _Static_assert(sizeof c.code == sizeof g->last_crash_code, "a code is kept whole");
    raise_time(&g->last_seen, t);
    if (strcmp(kind, "dump-written") == 0 || strcmp(kind, "dump-failed") == 0)
        return false; /* tells of a crash that has its own observation */
    guest_place_seen(g, host_id, t, true);
    copy_attr(c.code, sizeof c.code, o, ATTR_CRASH_CODE);
    if (c.code[0] == '\0')
        copy_attr(c.code, sizeof c.code, o, ATTR_CRASH_KIND);
    c.has_key = crash_key_of(o, &c.key);
    if (!c.has_key)
        memset(&c.key, 0, sizeof c.key);
    if (compare_crash(&c, g) > 0) {
        g->last_crash = t;
        text_copy(g->last_crash_code, sizeof g->last_crash_code, c.code);
        g->last_crash_has_parameters = c.has_key;
        memcpy(g->last_crash_parameters, c.key.parameters, sizeof g->last_crash_parameters);
    }
    return false;
}

static bool take_configuration(struct guest *g, const char *host_id, const struct observation *o, int64_t t)
{
    (void)host_id; /* where the guest is, polls and events say */
    raise_time(&g->last_seen, t);
    guest_config_take(&g->config, o, t);
    return false;
}

bool guest_apply(struct guest *g, const char *host_id, const struct observation *o)
{
    static bool (*const takers[OBS_KIND_COUNT])(struct guest *, const char *, const struct observation *, int64_t) = {
        [OBS_GUEST_INVENTORY] = take_inventory,
        [OBS_GUEST_VERSION_MISMATCH] = take_mismatch,
        [OBS_GUEST_VERSION_OK] = take_all_clear,
        [OBS_GUEST_LIFECYCLE] = take_lifecycle,
        [OBS_GUEST_CRASH] = take_crash,
        [OBS_GUEST_MIGRATION] = take_migration,
        [OBS_GUEST_CONFIGURATION] = take_configuration,
    };
    int64_t t = o->time_ns > 0 ? o->time_ns : o->observed_ns;
    bool changed;

    assert(o->kind >= 0 && o->kind < OBS_KIND_COUNT);
    if (t <= 0)
        return false;
    take_name(g, o, t);
    if (takers[o->kind] == NULL)
        return false;
    changed = takers[o->kind](g, host_id, o, t);
    return guest_place_settle(g) || changed;
}

bool guest_crash_key(const struct guest *g, struct crash_key *out)
{
    *out = (struct crash_key){ .code = 0 };
    if (!g->last_crash_has_parameters || !text_u64(g->last_crash_code, &out->code))
        return false;
    memcpy(out->parameters, g->last_crash_parameters, sizeof out->parameters);
    return true;
}

/* ---- the family --------------------------------------------------------- */

static bool contains_nocase(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text != '\0'; text++) {
        if (text_ncasecmp(text, part, n) == 0)
            return true;
    }
    return false;
}

static bool is_number(const char *text)
{
    uint64_t n;

    return text_u64(text, &n);
}

enum guest_family guest_family_of(const struct guest *g)
{
    const char *name = g->kvp[KVP_OS_NAME].text, *arch = g->kvp[KVP_ARCHITECTURE].text;

    if (is_number(arch))
        return FAMILY_WINDOWS;
    if (arch[0] == '\0' && (g->kvp[KVP_OS_PLATFORM_ID].text[0] != '\0' || contains_nocase(name, "Windows")))
        return FAMILY_WINDOWS;
    if (contains_nocase(name, "BSD") || contains_nocase(name, "DragonFly"))
        return FAMILY_BSD;
    return arch[0] != '\0' || name[0] != '\0' ? FAMILY_LINUX : FAMILY_UNKNOWN;
}
