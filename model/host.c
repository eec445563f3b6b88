/* See host.h.  Encoding: state.c. */
#include "model/host.h"

#include "base/text.h"
#include "base/times.h"
#include "model/run.h"

#include <stddef.h>
#include <string.h>

enum host_generation host_generation_of(const char *os_version)
{
    static const struct {
        const char *prefix;
        enum host_generation generation;
    } known[] = {
        { "6.0.", HOST_2008 },   { "6.1.", HOST_2008R2 }, { "6.2.", HOST_2012 },
        { "6.3.", HOST_2012R2 }, { "10.", HOST_2016UP },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncmp(os_version, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].generation;
    }
    return HOST_UNKNOWN;
}

const char *host_generation_name(enum host_generation g)
{
    static const char *const names[] = {
        [HOST_UNKNOWN] = "unknown", [HOST_2008] = "2008",      [HOST_2008R2] = "2008 R2",
        [HOST_2012] = "2012",       [HOST_2012R2] = "2012 R2", [HOST_2016UP] = "2016 or later",
    };

    return names[g];
}

void host_init(struct host *h, const struct resource *facts)
{
    *h = (struct host){ .poll_guests = -1 };
    if (facts != NULL)
        h->facts = *facts;
}

#define FIELD(key, field)                                                               \
    {                                                                                   \
        key, offsetof(struct resource, field), sizeof(((struct resource *)NULL)->field) \
    }

/* The facts as they are named in host.inventory, those that decide drift first. */
static const struct {
    const char *key;
    size_t offset, size;
} fields[] = {
    FIELD(ATTR_OS_VERSION, os_version),     FIELD(ATTR_HOST_IS_WIN6X, is_win6x),
    FIELD(ATTR_HOST_IS_WIN5X, is_win5x),    FIELD(ATTR_CLUSTER_NAME, cluster),
    FIELD(ATTR_HOST_NAME, host_name),       FIELD(ATTR_SERVICE_VERSION, agent_version),
    FIELD(ATTR_SERVICE_NAME, service_name), FIELD(ATTR_SERVICE_INSTANCE, agent_id),
    FIELD(ATTR_BOOT_ID, boot_id),
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields, EXPECTED_FIELDS = 3, DRIFT_FIELDS = 4 };

static int compare_fields(const struct resource *a, const struct resource *b, int count)
{
    for (int i = 0; i < count; i++) {
        int order = strcmp((const char *)a + fields[i].offset, (const char *)b + fields[i].offset);

        if (order != 0)
            return order;
    }
    return 0;
}

/* What the observation says of its host: the resource, and over it what an
 * inventory carries itself. */
static struct resource facts_of(const struct resource *r, const struct observation *o)
{
    struct resource facts = *r;
    int64_t boot;

    if (o->kind != OBS_HOST_INVENTORY)
        return facts;
    for (int i = 0; i < FIELD_COUNT; i++) {
        const char *value = obs_get_str(o, fields[i].key);

        if (value[0] != '\0')
            text_clean((char *)&facts + fields[i].offset, fields[i].size, value, strlen(value), NULL);
    }
    if (times_parse(obs_get_str(o, ATTR_BOOT_TIME), &boot))
        facts.boot_time = boot;
    return facts;
}

/* Keeps the facts of the newest time; of two equally old ones the larger. */
static void take_facts(struct host *h, const struct resource *facts, int64_t t)
{
    int order = compare_fields(facts, &h->facts, FIELD_COUNT);
    bool newer = t > h->facts_time;
    bool larger = order > 0 || (order == 0 && facts->boot_time > h->facts.boot_time);

    run_take((struct run){ &h->facts_time, &h->is_since, &h->is_other }, t,
             compare_fields(facts, &h->facts, EXPECTED_FIELDS));
    if (newer || (t == h->facts_time && larger))
        h->facts = *facts;
}

static void take_poll(struct host *h, const struct observation *o, int64_t t)
{
    int64_t guests = obs_get_int(o, ATTR_POLL_GUESTS, 0);

    if (h->last_poll == 0) /* until now the resource was all there was */
        h->facts_time = h->is_since = h->is_other = 0;
    if (t > h->last_poll || (t == h->last_poll && guests > h->poll_guests)) {
        h->last_poll = t;
        h->poll_guests = guests;
    }
}

bool host_apply(struct host *h, const struct resource *r, const struct observation *o)
{
    struct resource before = h->facts, facts;
    int64_t happened = o->time_ns > 0 ? o->time_ns : o->observed_ns;
    int64_t read = o->observed_ns > 0 ? o->observed_ns : o->time_ns;
    bool inventory = o->kind == OBS_HOST_INVENTORY;

    if (happened <= 0)
        return false;
    if (happened > h->last_seen)
        h->last_seen = happened;
    if (inventory)
        take_poll(h, o, happened);
    if (o->kind != OBS_OTHER && (inventory || h->last_poll == 0)) {
        facts = facts_of(r, o);
        take_facts(h, &facts, inventory ? happened : read);
    }
    return compare_fields(&before, &h->facts, DRIFT_FIELDS) != 0 || before.boot_time != h->facts.boot_time ||
           strcmp(before.boot_id, h->facts.boot_id) != 0;
}
