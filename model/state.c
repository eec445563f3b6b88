/* Hosts and guests as bytes for the stores: host_encode(), guest_encode() and
 * back.
 *
 *   4 bytes   FNV-1a (32 bits, little-endian) of what follows
 *   the rest  HostState or GuestState (state.proto), written by nanopb
 *
 * The hash tells damage from data: a protobuf message cut at the end of a field
 * still reads well.  A message of a newer format is refused, because what it
 * holds may mean something else; an older one is read with defaults.
 */
#include "base/text.h"
#include "model/drift.h"
#include "model/guest.h"
#include "model/guest_place.h"
#include "model/host.h"
#include "model/state.pb.h"

#include <assert.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

enum { FORMAT = 1, HASH_SIZE = 4, DISK_KIND_BITS = 4 };

_Static_assert(DISK_KIND_COUNT <= 1 << DISK_KIND_BITS, "a disk's two words share a number");

#define SAME_SIZE(a, f, b, g)                                               \
    _Static_assert(sizeof(((struct a *)NULL)->f) == sizeof(((b *)NULL)->g), \
                   #f " and " #g " differ in size: see state.options")

SAME_SIZE(resource, service_name, HostState, service_name);
SAME_SIZE(resource, agent_id, HostState, agent_id);
SAME_SIZE(resource, agent_version, HostState, agent_version);
SAME_SIZE(resource, host_id, HostState, host_id);
SAME_SIZE(resource, host_name, HostState, host_name);
SAME_SIZE(resource, os_version, HostState, os_version);
SAME_SIZE(resource, cluster, HostState, cluster);
SAME_SIZE(resource, is_win6x, HostState, is_win6x);
SAME_SIZE(resource, is_win5x, HostState, is_win5x);
SAME_SIZE(resource, boot_id, HostState, boot_id);
SAME_SIZE(guest_place, host_id, PlaceState, host_id);
SAME_SIZE(kvp_value, text, KvpState, text);
SAME_SIZE(mismatch, service, EventState, service);
SAME_SIZE(mismatch, detail, EventState, detail);
SAME_SIZE(mismatch, host_id, EventState, host_id);
SAME_SIZE(guest, vm_id, GuestState, vm_id);
SAME_SIZE(guest, name, GuestState, name);
SAME_SIZE(guest, last_crash_code, GuestState, last_crash_code);

#define COUNT_OF(type, field) (sizeof(((type *)NULL)->field) / sizeof(((type *)NULL)->field[0]))
_Static_assert(COUNT_OF(ConfigState, disks) == CONFIG_DISKS_KEPT, "disks: see state.options");
_Static_assert(COUNT_OF(GuestState, last_crash_parameters) == CRASH_PARAMETERS, "crash: see state.options");
_Static_assert(COUNT_OF(GuestState, places) == GUEST_PLACES, "places: see state.options");
_Static_assert(COUNT_OF(GuestState, kvp) == KVP_ITEM_COUNT, "kvp: see state.options");
_Static_assert(COUNT_OF(GuestState, ic) == IC_COUNT, "ic: see state.options");
_Static_assert(COUNT_OF(GuestState, events) == (MISMATCH_COUNT + 1) * MISMATCH_PLACES, "events: see state.options");

#define COPY_TEXT(dst, src) text_copy((dst), sizeof(dst), (src))

/* ---- the frame ---------------------------------------------------------- */

static uint32_t fnv1a(const unsigned char *bytes, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static int put_message(const pb_msgdesc_t *fields, const void *message, struct buf *out, struct err *e)
{
    unsigned char *room;
    pb_ostream_t s;
    uint32_t hash;
    size_t size;
    bool ok = pb_get_encoded_size(&size, fields, message);

    assert(ok);
    room = (unsigned char *)buf_room(out, HASH_SIZE + size);
    if (room == NULL)
        return err_set(e, buf_error(out), "no room for %zu bytes of state", HASH_SIZE + size);
    s = pb_ostream_from_buffer(room + HASH_SIZE, size);
    ok = pb_encode(&s, fields, message);
    assert(ok && s.bytes_written == size);
    hash = fnv1a(room + HASH_SIZE, size);
    for (int i = 0; i < HASH_SIZE; i++)
        room[i] = (unsigned char)(hash >> 8 * i);
    buf_used(out, HASH_SIZE + size);
    return 0;
}

static int take_message(const pb_msgdesc_t *fields, void *message, const void *bytes, size_t len, const char *what,
                        struct err *e)
{
    const unsigned char *p = bytes;
    uint32_t hash = 0;
    pb_istream_t s;

    if (len < HASH_SIZE)
        return err_set(e, ERR_CORRUPT, "the kept state of a %s is cut short", what);
    for (int i = 0; i < HASH_SIZE; i++)
        hash |= (uint32_t)p[i] << 8 * i;
    if (hash != fnv1a(p + HASH_SIZE, len - HASH_SIZE))
        return err_set(e, ERR_CORRUPT, "the kept state of a %s is damaged", what);
    s = pb_istream_from_buffer(p + HASH_SIZE, len - HASH_SIZE);
    if (!pb_decode(&s, fields, message))
        return err_set(e, ERR_CORRUPT, "the kept state of a %s is no message of ours: %s", what, PB_GET_ERROR(&s));
    return 0;
}

static int check_format(uint32_t format, const char *what, struct err *e)
{
    if (format == 0)
        return err_set(e, ERR_CORRUPT, "the kept state of a %s has no format number", what);
    if (format > FORMAT)
        return err_set(e, ERR_UNSUPPORTED, "the kept state of a %s is of format %u, written by a newer program", what,
                       (unsigned)format);
    return 0;
}

/* Times are never negative; arithmetic on them relies on it. */
static bool good_times(const int64_t *times, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (times[i] < 0)
            return false;
    }
    return true;
}

#define GOOD_TIMES(...) \
    good_times((const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

/* ---- hosts -------------------------------------------------------------- */

int host_encode(const struct host *h, struct buf *out, struct err *e)
{
    const struct resource *r = &h->facts;
    HostState m = HostState_init_zero;

    m.format = FORMAT;
    COPY_TEXT(m.service_name, r->service_name);
    COPY_TEXT(m.agent_id, r->agent_id);
    COPY_TEXT(m.agent_version, r->agent_version);
    COPY_TEXT(m.host_id, r->host_id);
    COPY_TEXT(m.host_name, r->host_name);
    COPY_TEXT(m.os_version, r->os_version);
    COPY_TEXT(m.cluster, r->cluster);
    COPY_TEXT(m.is_win6x, r->is_win6x);
    COPY_TEXT(m.is_win5x, r->is_win5x);
    COPY_TEXT(m.boot_id, r->boot_id);
    m.boot_time = r->boot_time;
    m.facts_time = h->facts_time;
    m.is_since = h->is_since;
    m.is_other = h->is_other;
    m.last_seen = h->last_seen;
    m.last_poll = h->last_poll;
    m.poll_guests = h->poll_guests;
    return put_message(HostState_fields, &m, out, e);
}

int host_decode(struct host *h, const void *bytes, size_t len, struct err *e)
{
    HostState m = HostState_init_zero;
    struct resource *r = &h->facts;
    int rc = take_message(HostState_fields, &m, bytes, len, "host", e);

    if (rc == 0)
        rc = check_format(m.format, "host", e);
    if (rc == 0 && !GOOD_TIMES(m.facts_time, m.is_since, m.is_other, m.last_seen, m.last_poll))
        rc = err_set(e, ERR_CORRUPT, "the kept state of a host holds a number out of range");
    if (rc != 0)
        return rc;
    host_init(h, NULL);
    COPY_TEXT(r->service_name, m.service_name);
    COPY_TEXT(r->agent_id, m.agent_id);
    COPY_TEXT(r->agent_version, m.agent_version);
    COPY_TEXT(r->host_id, m.host_id);
    COPY_TEXT(r->host_name, m.host_name);
    COPY_TEXT(r->os_version, m.os_version);
    COPY_TEXT(r->cluster, m.cluster);
    COPY_TEXT(r->is_win6x, m.is_win6x);
    COPY_TEXT(r->is_win5x, m.is_win5x);
    COPY_TEXT(r->boot_id, m.boot_id);
    r->boot_time = m.boot_time;
    h->facts_time = m.facts_time;
    h->is_since = m.is_since;
    h->is_other = m.is_other;
    h->last_seen = m.last_seen;
    h->last_poll = m.last_poll;
    h->poll_guests = m.poll_guests;
    return 0;
}

/* ---- guests: writing ---------------------------------------------------- */

static void put_places(GuestState *m, const struct guest *g)
{
    for (int i = 0; i < GUEST_PLACES; i++) {
        const struct guest_place *p = &g->places[i];
        PlaceState *s = &m->places[m->places_count];

        if (p->host_id[0] == '\0')
            continue;
        m->places_count++;
        COPY_TEXT(s->host_id, p->host_id);
        s->seen = p->seen;
        s->running = p->running;
        s->arrived = p->arrived;
        s->removed = p->removed;
    }
}

static void put_inventory(GuestState *m, const struct guest *g)
{
    for (uint32_t i = 0; i < KVP_ITEM_COUNT; i++) {
        const struct kvp_value *v = &g->kvp[i];
        KvpState *s = &m->kvp[m->kvp_count];

        if (v->time == 0)
            continue;
        m->kvp_count++;
        *s = (KvpState){ .item = i, .time = v->time, .since = v->since, .other = v->other };
        COPY_TEXT(s->text, v->text);
    }
    for (uint32_t i = 0; i < IC_COUNT; i++) {
        const struct ic_status *c = &g->ic[i];

        if (c->time != 0)
            m->ic[m->ic_count++] = (IcState){ i, c->enabled, c->status0, c->status1, c->time, c->since, c->other };
    }
}

static void put_events(GuestState *m, uint32_t signal, const struct mismatch places[MISMATCH_PLACES])
{
    for (int i = 0; i < MISMATCH_PLACES; i++) {
        EventState *s = &m->events[m->events_count];

        if (places[i].time == 0)
            continue;
        m->events_count++;
        *s = (EventState){ .signal = signal, .time = places[i].time, .event_id = places[i].event_id };
        COPY_TEXT(s->service, places[i].service);
        COPY_TEXT(s->detail, places[i].detail);
        COPY_TEXT(s->host_id, places[i].host_id);
    }
}

static void put_scalars(GuestState *m, const struct guest *g)
{
    m->format = FORMAT;
    COPY_TEXT(m->vm_id, g->vm_id);
    COPY_TEXT(m->name, g->name);
    COPY_TEXT(m->last_crash_code, g->last_crash_code);
    m->name_time = g->name_time;
    m->power = g->power;
    m->power_time = g->power_time;
    m->connected_since = g->connected_since;
    m->booted = g->booted;
    m->reconnected = g->reconnected;
    m->arrived = g->arrived;
    m->last_seen = g->last_seen;
    m->inventory_time = g->inventory_time;
    m->is_state = g->is_state;
    m->is_state_time = g->is_state_time;
    m->last_crash = g->last_crash;
    if (g->last_crash_has_parameters) {
        m->last_crash_parameters_count = CRASH_PARAMETERS;
        memcpy(m->last_crash_parameters, g->last_crash_parameters, sizeof m->last_crash_parameters);
    }
    m->last_migration = g->last_migration;
    m->drift_state = g->drift.state;
    m->drift_row = (uint32_t)g->drift.row;
    m->drift_stale = g->drift.stale;
    m->drift_since = g->drift.since;
}

static int kept_disks(const struct guest_config *c)
{
    return c->disk_count < 0 ? 0 : c->disk_count < CONFIG_DISKS_KEPT ? c->disk_count : CONFIG_DISKS_KEPT;
}

static void put_config(GuestState *m, const struct guest_config *c)
{
    ConfigState *s = &m->config;

    if (c->time == 0)
        return;
    m->has_config = true;
    *s = (ConfigState){
        .time = c->time,
        .since = c->since,
        .other = c->other,
        .generation = (uint32_t)c->generation,
        .processors = (uint32_t)c->processors,
        .checkpoints = (uint32_t)c->checkpoints + 1,
        .memory = c->memory,
        .startup_mib = c->startup_mib,
        .minimum_mib = c->minimum_mib,
        .maximum_mib = c->maximum_mib,
        .disk_count = (uint32_t)c->disk_count + 1,
        .assigned_mib = c->assigned_mib,
        .demand_mib = c->demand_mib,
        .has_available = c->has_available,
        .available_percent = c->available_percent,
    };
    for (int i = 0; i < kept_disks(c); i++)
        s->disks[s->disks_count++] = (uint32_t)c->disks[i].controller << DISK_KIND_BITS | c->disks[i].kind;
}

int guest_encode(const struct guest *g, struct buf *out, struct err *e)
{
    GuestState m = GuestState_init_zero;

    put_scalars(&m, g);
    put_places(&m, g);
    put_inventory(&m, g);
    put_config(&m, &g->config);
    put_events(&m, 0, g->all_clear);
    for (uint32_t i = 0; i < MISMATCH_COUNT; i++)
        put_events(&m, i + 1, g->mismatch[i]);
    return put_message(GuestState_fields, &m, out, e);
}

/* ---- guests: reading ---------------------------------------------------- */

static void take_places(struct guest *g, const GuestState *m)
{
    for (int i = 0; i < (int)m->places_count; i++) {
        const PlaceState *s = &m->places[i];
        struct guest_place *p = &g->places[i];

        COPY_TEXT(p->host_id, s->host_id);
        p->seen = s->seen;
        p->running = s->running;
        p->arrived = s->arrived;
        p->removed = s->removed;
    }
    guest_place_settle(g);
}

static bool take_inventory(struct guest *g, const GuestState *m)
{
    for (int i = 0; i < (int)m->kvp_count; i++) {
        const KvpState *s = &m->kvp[i];

        if (s->item >= KVP_ITEM_COUNT)
            return false;
        g->kvp[s->item] = (struct kvp_value){ .time = s->time, .since = s->since, .other = s->other };
        COPY_TEXT(g->kvp[s->item].text, s->text);
    }
    for (int i = 0; i < (int)m->ic_count; i++) {
        const IcState *s = &m->ic[i];

        if (s->component >= IC_COUNT)
            return false;
        g->ic[s->component] = (struct ic_status){ s->enabled, s->status0, s->status1, s->time, s->since, s->other };
    }
    return true;
}

static bool take_events(struct guest *g, const GuestState *m)
{
    int used[MISMATCH_COUNT + 1] = { 0 };

    for (int i = 0; i < (int)m->events_count; i++) {
        const EventState *s = &m->events[i];
        struct mismatch *place;

        if (s->signal > MISMATCH_COUNT || used[s->signal] == MISMATCH_PLACES)
            return false;
        place = s->signal == 0 ? g->all_clear : g->mismatch[s->signal - 1];
        place += used[s->signal]++;
        place->time = s->time;
        place->event_id = s->event_id;
        COPY_TEXT(place->service, s->service);
        COPY_TEXT(place->detail, s->detail);
        COPY_TEXT(place->host_id, s->host_id);
    }
    return true;
}

static bool take_config(struct guest *g, const GuestState *m)
{
    const ConfigState *s = &m->config;
    struct guest_config *c = &g->config;

    if (!m->has_config)
        return true;
    *c = (struct guest_config){
        .time = s->time,
        .since = s->since,
        .other = s->other,
        .generation = (int)s->generation,
        .processors = (int)s->processors,
        .checkpoints = (int)s->checkpoints - 1,
        .memory = (enum memory_kind)s->memory,
        .startup_mib = s->startup_mib,
        .minimum_mib = s->minimum_mib,
        .maximum_mib = s->maximum_mib,
        .disk_count = (int)s->disk_count - 1,
        .assigned_mib = s->assigned_mib,
        .demand_mib = s->demand_mib,
        .has_available = s->has_available,
        .available_percent = s->available_percent,
    };
    for (int i = 0; i < (int)s->disks_count; i++) {
        c->disks[i].controller = (enum disk_controller)(s->disks[i] >> DISK_KIND_BITS);
        c->disks[i].kind = (enum disk_kind)(s->disks[i] & ((1u << DISK_KIND_BITS) - 1));
        if (c->disks[i].controller >= DISK_CONTROLLER_COUNT || c->disks[i].kind >= DISK_KIND_COUNT)
            return false;
    }
    return (int)s->disks_count == kept_disks(c);
}

static bool config_in_range(const ConfigState *s)
{
    return GOOD_TIMES(s->time, s->since, s->other, s->startup_mib, s->minimum_mib, s->maximum_mib, s->assigned_mib,
                      s->demand_mib) &&
           s->generation <= INT32_MAX && s->processors <= INT32_MAX && s->checkpoints <= INT32_MAX &&
           s->disk_count <= INT32_MAX && s->memory < MEMORY_KIND_COUNT;
}

static void take_scalars(struct guest *g, const GuestState *m)
{
    guest_init(g, m->vm_id);
    COPY_TEXT(g->name, m->name);
    COPY_TEXT(g->last_crash_code, m->last_crash_code);
    g->name_time = m->name_time;
    g->power = (enum guest_power)m->power;
    g->power_time = m->power_time;
    g->connected_since = m->connected_since;
    g->booted = m->booted;
    g->reconnected = m->reconnected;
    g->arrived = m->arrived;
    g->last_seen = m->last_seen;
    g->inventory_time = m->inventory_time;
    g->is_state = m->is_state;
    g->is_state_time = m->is_state_time;
    g->last_crash = m->last_crash;
    g->last_crash_has_parameters = m->last_crash_parameters_count == CRASH_PARAMETERS;
    if (g->last_crash_has_parameters)
        memcpy(g->last_crash_parameters, m->last_crash_parameters, sizeof g->last_crash_parameters);
    g->last_migration = m->last_migration;
    g->drift = (struct drift_kept){ .state = (enum drift_state)m->drift_state,
                                    .row = (int)m->drift_row,
                                    .stale = m->drift_stale,
                                    .since = m->drift_since };
}

static bool in_range(const GuestState *m)
{
    for (int i = 0; i < (int)m->places_count; i++) {
        if (!GOOD_TIMES(m->places[i].seen, m->places[i].arrived, m->places[i].removed))
            return false;
    }
    for (int i = 0; i < (int)m->kvp_count; i++) {
        if (!GOOD_TIMES(m->kvp[i].time, m->kvp[i].since, m->kvp[i].other))
            return false;
    }
    for (int i = 0; i < (int)m->ic_count; i++) {
        if (!GOOD_TIMES(m->ic[i].time, m->ic[i].since, m->ic[i].other))
            return false;
    }
    for (int i = 0; i < (int)m->events_count; i++) {
        if (!GOOD_TIMES(m->events[i].time))
            return false;
    }
    if (!GOOD_TIMES(m->name_time, m->power_time, m->connected_since, m->booted, m->reconnected, m->arrived,
                    m->last_seen, m->inventory_time, m->is_state_time, m->last_crash, m->last_migration,
                    m->drift_since))
        return false;
    if (m->has_config && !config_in_range(&m->config))
        return false;
    if (m->last_crash_parameters_count != 0 && m->last_crash_parameters_count != CRASH_PARAMETERS)
        return false;
    return m->power < POWER_COUNT && m->is_state >= -1 && m->is_state <= 2 && m->drift_state < DRIFT_STATE_COUNT &&
           m->drift_row <= DRIFT_ROWS;
}

int guest_decode(struct guest *g, const void *bytes, size_t len, struct err *e)
{
    GuestState m = GuestState_init_zero;
    struct guest taken;
    int rc = take_message(GuestState_fields, &m, bytes, len, "guest", e);

    if (rc == 0)
        rc = check_format(m.format, "guest", e);
    if (rc != 0)
        return rc;
    if (!in_range(&m))
        return err_set(e, ERR_CORRUPT, "the kept state of a guest holds a number out of range");
    take_scalars(&taken, &m);
    take_places(&taken, &m);
    if (!take_inventory(&taken, &m) || !take_config(&taken, &m) || !take_events(&taken, &m))
        return err_set(e, ERR_CORRUPT, "the kept state of a guest holds a number out of range");
    *g = taken;
    return 0;
}
