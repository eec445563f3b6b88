#include "tests/hub/support_incidents.h"

#include "base/text.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_ALL_MAX = 16 * 1024 * 1024, SLICES_MAX = 2000 };

static void open_in(struct story *t, const char *name)
{
    snprintf(t->path, sizeof t->path, "%s/%s.db", temp_dir(), name);
    t->store = open_store(t->path, &t->clock.clock);
}

void story_start(struct story *t, const char *name)
{
    memset(t, 0, sizeof *t);
    made_init(&t->made, 1);
    test_clock_init(&t->clock);
    open_in(t, name);
}

void story_restart(struct story *t, const char *name)
{
    fleet_store_close(t->store);
    test_clock_init(&t->clock);
    open_in(t, name);
}

void story_free(struct story *t)
{
    fleet_store_close(t->store);
    made_free(&t->made);
}

/* ---- telling ------------------------------------------------------------------------ */

struct observation *story_tell(struct story *t, int agent, enum obs_kind kind, double seconds, int vm)
{
    struct observation *o = made_add(&t->made, kind, AT(seconds));
    char name[32];

    ck_assert_int_lt(t->count, STORY_MAX);
    ck_assert_int_lt(agent, STORY_AGENTS);
    o->seq = ++t->seq[agent];
    if (vm != 0) {
        snprintf(name, sizeof name, "vm%d", vm);
        obs_str(o, ATTR_VM_ID, made_vm(vm));
        obs_str(o, ATTR_VM_NAME, name);
    }
    t->told[t->count].agent = agent;
    t->told[t->count++].o = o;
    return o;
}

static void put_code(struct observation *o, const char *code, const char *params)
{
    unsigned long long p[4];
    char text[32], key[OBS_KEY_MAX];

    snprintf(text, sizeof text, "0x%08llx", strtoull(code, NULL, 0));
    obs_str(o, ATTR_CRASH_CODE, text);
    ck_assert_int_eq(sscanf(params, "%llx %llx %llx %llx", &p[0], &p[1], &p[2], &p[3]), 4);
    for (int n = 0; n < 4; n++) {
        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, n + 1);
        snprintf(text, sizeof text, "0x%016llx", p[n]);
        obs_str(o, key, text);
    }
}

void story_crash(struct story *t, int agent, double seconds, int vm, const char *code, const char *params)
{
    struct observation *o = story_tell(t, agent, OBS_GUEST_CRASH, seconds, vm);

    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_int(o, ATTR_EVENT_ID, 18590);
    put_code(o, code, params);
}

void story_sign(struct story *t, int agent, double seconds, int vm, const char *kind)
{
    obs_str(story_tell(t, agent, OBS_GUEST_CRASH, seconds, vm), ATTR_CRASH_KIND, kind);
}

struct observation *story_dump(struct story *t, int agent, double seconds, int vm, const char *code, const char *params,
                               const char *module)
{
    struct observation *o = story_tell(t, agent, OBS_GUEST_DUMP, seconds + 3600, vm);
    char text[TIMES_TEXT_MAX], path[64];

    snprintf(path, sizeof path, "D:\\dumps\\%d\\%.3f.dmp", agent, seconds);
    obs_str(o, ATTR_DUMP_PATH, path);
    obs_str(o, ATTR_DUMP_STATUS, "ok");
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_DUMP_TIME, times_format(AT(seconds), text));
    put_code(o, code, params);
    if (module != NULL) {
        obs_str(o, ATTR_DUMP_CULPRIT, module);
        obs_str(o, ATTR_DUMP_CULPRIT_KIND, "driver");
        obs_str(o, ATTR_DUMP_CULPRIT_MODULE, module);
        obs_str(o, ATTR_DUMP_CULPRIT_CONFIDENCE, "exact");
    }
    return o;
}

void story_life(struct story *t, int agent, double seconds, int vm, const char *change)
{
    obs_str(story_tell(t, agent, OBS_GUEST_LIFECYCLE, seconds, vm), ATTR_VM_CHANGE, change);
}

void story_storage(struct story *t, int agent, double seconds, const char *signal, const char *device, int64_t ms)
{
    struct observation *o = story_tell(t, agent, OBS_HOST_STORAGE, seconds, 0);

    obs_str(o, ATTR_SIGNAL, signal);
    obs_str(o, ATTR_DEVICE, device);
    if (ms > 0)
        obs_int(o, ATTR_LATENCY_MS, ms);
}

void story_inventory(struct story *t, int agent, double seconds, int vm, const char *is_version)
{
    struct resource who = made_agent(agent, "PROD-A", OS_2012R2, E1);
    uint64_t next = t->made.next_seq;

    made_host_inventory(&t->made, &who, AT(seconds));
    t->made.batch.last->seq = ++t->seq[agent];
    t->told[t->count].agent = agent;
    t->told[t->count++].o = t->made.batch.last;
    made_inventory(&t->made, vm, AT(seconds), "6.3.9600", is_version);
    t->made.batch.last->seq = ++t->seq[agent];
    t->told[t->count].agent = agent;
    t->told[t->count++].o = t->made.batch.last;
    ck_assert_int_lt(t->count, STORY_MAX);
    t->made.next_seq = next;
}

/* ---- sending ------------------------------------------------------------------------- */

void story_send(struct story *t, int which)
{
    struct resource who = made_agent(t->told[which].agent, "PROD-A", OS_2012R2, E1);
    struct buf record, request;
    struct otlp_payload payload;
    struct err e;

    buf_init(&record, JSON_ALL_MAX);
    buf_init(&request, JSON_ALL_MAX);
    ck_assert_int_eq(otlp_encode_record(t->told[which].o, &record, &e), 0);
    payload = (struct otlp_payload){ record.data, record.len };
    ck_assert_int_eq(otlp_encode_request(&who, &payload, 1, &request, &e), 0);
    bytes_apply(t->store, request.data, request.len);
    buf_free(&record);
    buf_free(&request);
}

void story_send_all(struct story *t)
{
    for (int i = 0; i < t->count; i++)
        story_send(t, i);
}

static void upkeep(struct story *t)
{
    struct err e = { 0 };
    bool more = true;

    for (int i = 0; more && i < SLICES_MAX; i++)
        ck_assert_msg(fleet_store_upkeep(t->store, &more, &e) == 0, "%s", e.text);
    ck_assert(!more);
}

void story_settle(struct story *t)
{
    upkeep(t);
    t->clock.now += MINUTES;
    upkeep(t);
}

/* ---- asking --------------------------------------------------------------------------- */

struct incident_list story_incidents(struct story *t)
{
    struct fleet_incident_query q;
    struct incident_list list;
    struct err e = { 0 };
    uint64_t more;

    fleet_incident_query_all(&q);
    ck_assert_msg(fleet_store_incident_list(t->store, &q, &list, &more, &e) == 0, "%s", e.text);
    ck_assert_uint_eq(more, 0);
    return list;
}

const char *story_json(struct story *t)
{
    static struct buf json;
    static bool begun;
    struct incident_list list = story_incidents(t);

    if (!begun)
        buf_init(&json, JSON_ALL_MAX);
    begun = true;
    buf_clear(&json);
    buf_str(&json, "");
    for (size_t i = 0; i < list.count; i++) {
        ck_assert_int_eq(incident_json(list.items[i], &json, NULL), 0);
        buf_char(&json, '\n');
    }
    incident_list_free(&list);
    return buf_text(&json);
}
