/* See support_world.h. */
#include "tests/model/support_world.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void world_start(struct world *w)
{
    memset(w, 0, sizeof *w);
    obs_batch_init(&w->batch, 16 * 1024 * 1024);
    guest_init(&w->g, VM);
    world_host(w, "6.3.9600.20778", "6.3.9600.18692", "6.3.9600.18339");
}

void world_start_2016(struct world *w)
{
    world_start(w);
    world_host(w, "10.0.20348.2322", "", "");
    w->peers = drift_peers_new();
    ck_assert_ptr_nonnull(w->peers);
}

void world_free(struct world *w)
{
    obs_batch_free(&w->batch);
    drift_peers_free(w->peers);
}

void world_host(struct world *w, const char *os_version, const char *win6x, const char *win5x)
{
    struct resource facts = { .host_id = HOST, .host_name = "HV01", .cluster = "PROD-A" };

    text_copy(facts.os_version, sizeof facts.os_version, os_version);
    text_copy(facts.is_win6x, sizeof facts.is_win6x, win6x);
    text_copy(facts.is_win5x, sizeof facts.is_win5x, win5x);
    host_init(&w->h, &facts);
    w->h.facts_time = w->h.is_since = AT(0);
}

struct observation *world_observe(struct world *w, enum obs_kind kind, int64_t time)
{
    struct observation *o = obs_new(&w->batch, kind, time, time);

    obs_str(o, ATTR_VM_ID, VM);
    obs_str(o, ATTR_VM_NAME, "web01");
    return o;
}

void world_apply(struct world *w, const char *host_id, const struct observation *o)
{
    ck_assert(!w->batch.failed);
    guest_apply(&w->g, host_id, o);
}

static void kvp(struct observation *o, enum kvp_item item, const char *value)
{
    char key[OBS_KEY_MAX];

    snprintf(key, sizeof key, ATTR_KVP_PREFIX "%s", kvp_item_name(item));
    obs_str(o, key, value);
}

struct observation *world_poll(struct world *w, int64_t time, const char *os_version, const char *is_version)
{
    struct observation *o = world_observe(w, OBS_GUEST_INVENTORY, time);

    obs_str(o, ATTR_VM_POWER, "running");
    if (os_version != NULL && os_version[0] != '\0') {
        kvp(o, KVP_OS_VERSION, os_version);
        kvp(o, KVP_OS_NAME, "Windows Server");
        kvp(o, KVP_OS_PLATFORM_ID, "2");
        kvp(o, KVP_ARCHITECTURE, "9");
    }
    kvp(o, KVP_IS_VERSION, is_version);
    return o;
}

void world_windows(struct world *w, int64_t time, const char *os_version, const char *is_version)
{
    world_apply(w, HOST, world_poll(w, time, os_version, is_version));
}

void world_linux(struct world *w, int64_t time, const char *is_version)
{
    struct observation *o = world_poll(w, time, NULL, is_version);

    kvp(o, KVP_OS_NAME, "Ubuntu");
    kvp(o, KVP_OS_VERSION, "5.15.0");
    kvp(o, KVP_ARCHITECTURE, "x86_64");
    world_apply(w, HOST, o);
}

void world_component(struct observation *o, enum ic_component c, int enabled, int status0, int status1)
{
    static const char *const parts[] = { "enabled", "status0", "status1" };
    int values[] = { enabled, status0, status1 };

    for (int i = 0; i < 3; i++) {
        char key[OBS_KEY_MAX];

        snprintf(key, sizeof key, ATTR_IC_PREFIX "%s.%s", ic_component_name(c), parts[i]);
        if (values[i] != 0)
            obs_int(o, key, values[i]);
    }
}

void world_parameters(struct observation *o, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4)
{
    uint64_t values[] = { p1, p2, p3, p4 };

    for (int i = 0; i < CRASH_PARAMETERS; i++) {
        char key[OBS_KEY_MAX], text[24];

        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, i + 1);
        snprintf(text, sizeof text, "0x%016" PRIx64, values[i]);
        obs_str(o, key, text);
    }
}

void world_mismatch(struct world *w, int64_t time, enum mismatch_signal signal, int event_id, const char *service)
{
    struct observation *o = world_observe(w, OBS_GUEST_VERSION_MISMATCH, time);

    obs_str(o, ATTR_MISMATCH_SIGNAL, mismatch_signal_name(signal));
    obs_str(o, ATTR_IC_SERVICE, service);
    obs_int(o, ATTR_EVENT_ID, event_id);
    obs_str(o, ATTR_MESSAGE_NEGOTIATED, "4.0");
    obs_str(o, ATTR_MESSAGE_EXPECTED, "5.0");
    world_apply(w, HOST, o);
}

void world_all_clear(struct world *w, int64_t time, const char *service)
{
    struct observation *o = world_observe(w, OBS_GUEST_VERSION_OK, time);

    obs_str(o, ATTR_IC_SERVICE, service);
    obs_int(o, ATTR_EVENT_ID, 4020);
    world_apply(w, HOST, o);
}

void world_change(struct world *w, int64_t time, const char *change)
{
    struct observation *o = world_observe(w, OBS_GUEST_LIFECYCLE, time);

    obs_str(o, ATTR_VM_CHANGE, change);
    world_apply(w, HOST, o);
}

void world_received(struct world *w, const char *host_id, int64_t time)
{
    struct observation *o = world_observe(w, OBS_GUEST_MIGRATION, time);

    obs_str(o, ATTR_MIGRATION_PHASE, "received");
    world_apply(w, host_id, o);
}

void world_judge(struct world *w)
{
    drift_evaluate(&w->h, &w->g, w->peers, NULL, &w->v);
}

bool world_has_evidence(const struct world *w, const char *part)
{
    for (int i = 0; i < w->v.evidence_count; i++) {
        if (strstr(w->v.evidence[i], part) != NULL)
            return true;
    }
    return false;
}
