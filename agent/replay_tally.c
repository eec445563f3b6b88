/* See replay_tally.h.  What of an observation goes into its list is a table. */
#include "agent/replay_tally.h"

#include "agent/replay.h"
#include "base/times.h"

#include <string.h>

struct field {
    const char *name; /* in the JSON */
    const char *attr;
};

static const struct field crash_fields[] = {
    { "vm_id", ATTR_VM_ID },
    { "vm_name", ATTR_VM_NAME },
    { "kind", ATTR_CRASH_KIND },
    { "code", ATTR_CRASH_CODE },
    { "parameter1", ATTR_CRASH_PARAM1 },
    { "parameter2", ATTR_CRASH_PARAM2 },
    { "parameter3", ATTR_CRASH_PARAM3 },
    { "parameter4", ATTR_CRASH_PARAM4 },
    { "message", ATTR_CRASH_MESSAGE },
    { "event_id", ATTR_EVENT_ID },
    { NULL, NULL },
};

static const struct field dump_fields[] = {
    { "path", ATTR_DUMP_PATH },
    { "status", ATTR_DUMP_STATUS },
    { "problem", ATTR_DUMP_PROBLEM },
    { "vm_id", ATTR_VM_ID },
    { "vm_name", ATTR_VM_NAME },
    { "size", ATTR_DUMP_SIZE },
    { "format", ATTR_DUMP_FORMAT },
    { "arch", ATTR_DUMP_ARCH },
    { "build", ATTR_DUMP_BUILD },
    { "crash_time", ATTR_DUMP_TIME },
    { "code", ATTR_CRASH_CODE },
    { "parameter1", ATTR_CRASH_PARAM1 },
    { "parameter2", ATTR_CRASH_PARAM2 },
    { "parameter3", ATTR_CRASH_PARAM3 },
    { "parameter4", ATTR_CRASH_PARAM4 },
    { "bugcheck", ATTR_DUMP_BUGCHECK },
    { "culprit", ATTR_DUMP_CULPRIT },
    { "culprit_offset", ATTR_DUMP_CULPRIT_OFFSET },
    { "confidence", ATTR_DUMP_CULPRIT_CONFIDENCE },
    { "evidence", ATTR_DUMP_CULPRIT_EVIDENCE },
    { "bucket", ATTR_DUMP_BUCKET },
    { "failure_bucket_id", ATTR_DUMP_BUCKET_ID },
    { NULL, NULL },
};

static const struct field migration_fields[] = {
    { "vm_id", ATTR_VM_ID },
    { "vm_name", ATTR_VM_NAME },
    { "phase", ATTR_MIGRATION_PHASE },
    { "kind", ATTR_MIGRATION_KIND },
    { "blackout_s", ATTR_MIGRATION_BLACKOUT },
    { "peer", ATTR_MIGRATION_PEER },
    { NULL, NULL },
};

static const struct field gap_fields[] = {
    { "source", ATTR_SOURCE }, { "reason", ATTR_GAP_REASON }, { "from", ATTR_GAP_FROM },
    { "to", ATTR_GAP_TO },     { "count", ATTR_GAP_COUNT },   { NULL, NULL },
};

struct list_rule {
    enum obs_kind kind;
    const char *name;  /* in the JSON */
    const char *title; /* in the text */
    const struct field *fields;
};

static const struct list_rule rules[LIST_COUNT] = {
    [LIST_CRASHES] = { OBS_GUEST_CRASH, "crashes", "Crashes", crash_fields },
    [LIST_DUMPS] = { OBS_GUEST_DUMP, "dumps", "Crash dumps", dump_fields },
    [LIST_MIGRATIONS] = { OBS_GUEST_MIGRATION, "migrations", "Migrations", migration_fields },
    [LIST_GAPS] = { OBS_GAP, "gaps", "Gaps: what is missing from the data", gap_fields },
};

bool tally_init(struct replay_tally *t)
{
    bool good;

    memset(t, 0, sizeof *t);
    t->storage = json_object();
    t->problems = json_array();
    good = t->storage != NULL && t->problems != NULL;
    for (int i = 0; i < LIST_COUNT; i++) {
        t->lists[i] = json_array();
        good = good && t->lists[i] != NULL;
    }
    return good;
}

void tally_free(struct replay_tally *t)
{
    for (int i = 0; i < LIST_COUNT; i++)
        json_decref(t->lists[i]);
    json_decref(t->storage);
    json_decref(t->problems);
}

static json_t *attr_json(const struct attr *a)
{
    switch (a->type) {
    case ATTR_STRING:
        return json_stringn(a->str, a->len);
    case ATTR_INT:
        return json_integer(a->num);
    case ATTR_DOUBLE:
        return json_real(a->real);
    case ATTR_BOOL:
        return json_boolean(a->num);
    }
    return json_null();
}

static void keep(struct replay_tally *t, int rc)
{
    t->failed |= rc != 0;
}

static void list_item(struct replay_tally *t, enum replay_list list, const struct resource *host,
                      const struct observation *o)
{
    char time[TIMES_TEXT_MAX];
    json_t *item;

    if (json_array_size(t->lists[list]) >= REPLAY_LIST_MAX) {
        t->left_out++;
        return;
    }
    item = json_pack("{s:s, s:s}", "time", times_format(o->time_ns, time), "host", host->host_name);
    for (const struct field *f = rules[list].fields; f->name != NULL; f++) {
        const struct attr *a = obs_attr(o, f->attr);

        if (a != NULL)
            keep(t, json_object_set_new(item, f->name, attr_json(a)));
    }
    keep(t, json_object_set_new(item, "text", json_string(o->body)));
    keep(t, json_array_append_new(t->lists[list], item));
}

void tally_take(struct replay_tally *t, const struct resource *host, const struct observation *o)
{
    const char *signal = obs_get_str(o, ATTR_SIGNAL);

    t->kinds[o->kind]++;
    for (int i = 0; i < LIST_COUNT; i++)
        if (rules[i].kind == o->kind)
            list_item(t, (enum replay_list)i, host, o);
    if (o->kind == OBS_HOST_STORAGE && signal != NULL && signal[0] != '\0')
        keep(t, json_object_set_new(t->storage, signal,
                                    json_integer(json_integer_value(json_object_get(t->storage, signal)) + 1)));
}

void tally_problem(struct replay_tally *t, const char *source, const char *text)
{
    keep(t, json_array_append_new(t->problems, json_pack("{s:s, s:s}", "source", source, "text", text)));
}

bool tally_json(const struct replay_tally *t, json_t *report)
{
    json_t *kinds = json_object();
    int rc = 0;

    for (int i = 0; i < OBS_KIND_COUNT; i++)
        if (t->kinds[i] > 0)
            rc |= json_object_set_new(kinds, i == OBS_OTHER ? "other" : obs_kind_name((enum obs_kind)i),
                                      json_integer(t->kinds[i]));
    rc |= json_object_set_new(report, "observations", kinds);
    for (int i = 0; i < LIST_COUNT; i++)
        rc |= json_object_set(report, rules[i].name, t->lists[i]);
    rc |= json_object_set(report, "storage", t->storage);
    rc |= json_object_set(report, "problems", t->problems);
    if (t->left_out > 0)
        rc |= json_object_set_new(report, "left_out", json_integer(t->left_out));
    return rc == 0;
}

static const char *text_of(const json_t *item, const char *key)
{
    const char *text = json_string_value(json_object_get(item, key));

    return text != NULL ? text : "";
}

static void list_text(const struct replay_tally *t, enum replay_list list, struct buf *out)
{
    const json_t *item;
    size_t i;

    if (json_array_size(t->lists[list]) == 0)
        return;
    buf_printf(out, "\n%s (%zu)\n", rules[list].title, json_array_size(t->lists[list]));
    json_array_foreach(t->lists[list], i, item)
        buf_printf(out, "  %.19s%s  %s: %s\n", text_of(item, "time"), text_of(item, "time")[0] != '\0' ? "Z" : "-",
                   text_of(item, "host"), text_of(item, "text"));
}

void tally_text(const struct replay_tally *t, struct buf *out)
{
    const json_t *item;
    json_t *count;
    const char *signal;
    size_t i;

    for (int list = 0; list < LIST_COUNT; list++)
        list_text(t, (enum replay_list)list, out);
    if (json_object_size(t->storage) > 0)
        buf_str(out, "\nStorage signals\n");
    json_object_foreach(t->storage, signal, count)
        buf_printf(out, "  %-20s %lld\n", signal, (long long)json_integer_value(count));
    if (json_array_size(t->problems) > 0)
        buf_str(out, "\nCould not be read\n");
    json_array_foreach(t->problems, i, item)
        buf_printf(out, "  %s: %s\n", text_of(item, "source"), text_of(item, "text"));
    buf_str(out, "\nObservations\n");
    for (int kind = 0; kind < OBS_KIND_COUNT; kind++)
        if (t->kinds[kind] > 0)
            buf_printf(out, "  %-32s %lld\n", kind == OBS_OTHER ? "other" : obs_kind_name((enum obs_kind)kind),
                       (long long)t->kinds[kind]);
}
