#include "tests/incidents/support_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 8 * 1024 * 1024, JSON_ALL_MAX = 16 * 1024 * 1024 };

void telling_start(struct telling *t)
{
    memset(t, 0, sizeof *t);
    obs_batch_init(&t->batch, BATCH_MAX);
    case_options_default(&t->options);
}

void telling_free(struct telling *t)
{
    incident_list_free(&t->list);
    obs_batch_free(&t->batch);
}

static struct resource host(int number)
{
    struct resource r = { .agent_version = "0.1.0", .os_version = "10.0.20348.2700", .cluster = "PROD" };

    snprintf(r.agent_id, sizeof r.agent_id, "AAAAAAAA-0000-4000-8000-%012d", number);
    snprintf(r.host_id, sizeof r.host_id, "host-%d", number);
    snprintf(r.host_name, sizeof r.host_name, "HV%d", number);
    return r;
}

static const char *name_of(const char *vm)
{
    return strcmp(vm, VM_A) == 0 ? "sql01" : strcmp(vm, VM_B) == 0 ? "web02" : "app03";
}

struct observation *observe(struct telling *t, int number, enum obs_kind kind, double seconds, const char *vm)
{
    struct observation *o = obs_new(&t->batch, kind, AT(seconds), AT(seconds));

    ck_assert_int_lt(t->count, TOLD_MAX);
    ck_assert_int_lt(number, 4);
    o->seq = ++t->seq[number];
    if (vm != NULL) {
        obs_str(o, ATTR_VM_ID, vm);
        obs_str(o, ATTR_VM_NAME, name_of(vm));
    }
    obs_body(o, "%s on HV%d at %g", obs_kind_name(kind), number, seconds);
    t->told[t->count++] = (struct told){ host(number), o };
    return o;
}

/* params: four numbers with blanks between them. */
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

void tell_crash(struct telling *t, int number, double seconds, const char *vm, const char *code, const char *params)
{
    struct observation *o = observe(t, number, OBS_GUEST_CRASH, seconds, vm);

    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_int(o, ATTR_EVENT_ID, 18590);
    put_code(o, code, params);
}

void tell_sign(struct telling *t, int number, double seconds, const char *vm, const char *kind)
{
    obs_str(observe(t, number, OBS_GUEST_CRASH, seconds, vm), ATTR_CRASH_KIND, kind);
}

struct observation *tell_dump(struct telling *t, int number, double seconds, const char *vm, const char *code,
                              const char *params, const char *module)
{
    struct observation *o = observe(t, number, OBS_GUEST_DUMP, seconds, vm);
    char text[TIMES_TEXT_MAX], path[64];

    o->observed_ns = AT(seconds) + 3600 * NS_PER_S;
    snprintf(path, sizeof path, "D:\\dumps\\%d\\%.3f.dmp", number, seconds);
    obs_str(o, ATTR_DUMP_PATH, path);
    obs_str(o, ATTR_DUMP_STATUS, "ok");
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_DUMP_TIME, times_format(AT(seconds), text));
    put_code(o, code, params);
    if (module != NULL) {
        obs_str(o, ATTR_DUMP_CULPRIT, module);
        obs_str(o, ATTR_DUMP_CULPRIT_KIND, "driver");
        obs_str(o, ATTR_DUMP_CULPRIT_MODULE, module);
        obs_str(o, ATTR_DUMP_CULPRIT_OFFSET, "0x2b8");
        obs_str(o, ATTR_DUMP_CULPRIT_CONFIDENCE, "exact");
        obs_str(o, ATTR_DUMP_CULPRIT_EVIDENCE, "parameter 4 lies in it");
    }
    return o;
}

void tell_life(struct telling *t, int number, double seconds, const char *vm, const char *change)
{
    obs_str(observe(t, number, OBS_GUEST_LIFECYCLE, seconds, vm), ATTR_VM_CHANGE, change);
}

struct observation *tell_move(struct telling *t, int number, double seconds, const char *vm, const char *phase)
{
    struct observation *o = observe(t, number, OBS_GUEST_MIGRATION, seconds, vm);

    obs_str(o, ATTR_MIGRATION_PHASE, phase);
    obs_str(o, ATTR_MIGRATION_KIND, "live");
    return o;
}

void tell_storage(struct telling *t, int number, double seconds, const char *signal, const char *device, int64_t ms)
{
    struct observation *o = observe(t, number, OBS_HOST_STORAGE, seconds, NULL);

    obs_str(o, ATTR_SIGNAL, signal);
    obs_str(o, ATTR_DEVICE, device);
    if (ms > 0)
        obs_int(o, ATTR_LATENCY_MS, ms);
}

void tell_cluster(struct telling *t, int number, double seconds, const char *signal, int event_id)
{
    struct observation *o = observe(t, number, OBS_HOST_CLUSTER, seconds, NULL);

    obs_str(o, ATTR_SIGNAL, signal);
    obs_int(o, ATTR_EVENT_ID, event_id);
}

void tell_gap(struct telling *t, int number, double seconds, const char *from, const char *to)
{
    struct observation *o = observe(t, number, OBS_GAP, seconds, NULL);

    obs_str(o, ATTR_SOURCE, "worker-admin");
    obs_str(o, ATTR_GAP_REASON, "log-wrapped");
    obs_str(o, ATTR_GAP_FROM, from);
    obs_str(o, ATTR_GAP_TO, to);
}

/* ---- conclusions ----------------------------------------------------------------------- */

static void run(struct telling *t, const int *order, int n, struct incident_list *out)
{
    struct case_file *c;
    struct err e = { ERR_OK, "" };

    ck_assert_int_eq(case_file_new(&c, &t->options, &e), 0);
    for (int k = 0; k < n; k++) {
        const struct told *told = &t->told[order != NULL ? order[k] : k];

        ck_assert_msg(case_file_add(c, &told->who, told->o, &e) == 0, "%s", e.text);
    }
    ck_assert_msg(case_file_incidents(c, 0, 0, out, &e) == 0, "%s", e.text);
    case_file_free(c);
}

void conclude(struct telling *t)
{
    ck_assert(!t->batch.failed);
    incident_list_free(&t->list);
    run(t, NULL, t->count, &t->list);
    t->i = t->list.count > 0 ? t->list.items[0] : NULL;
}

struct incident *nth(struct telling *t, size_t n)
{
    ck_assert_msg(n < t->list.count, "only %zu incidents", t->list.count);
    return t->list.items[n];
}

char *json_of(const struct incident_list *l)
{
    struct buf b;

    buf_init(&b, JSON_ALL_MAX);
    buf_str(&b, "");
    for (size_t n = 0; n < l->count; n++) {
        ck_assert_int_eq(incident_json(l->items[n], &b, NULL), 0);
        buf_char(&b, '\n');
    }
    ck_assert_int_eq(buf_error(&b), ERR_OK);
    return b.data;
}

char *json_in_order(struct telling *t, const int *order, int n)
{
    struct incident_list list;
    char *json;

    run(t, order, n, &list);
    json = json_of(&list);
    incident_list_free(&list);
    return json;
}
