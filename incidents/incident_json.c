/* An incident as JSON and back: the shapes of its parts (json_fields.h).
 *
 * `culprit` and `drift_state` are for readers that look for the keys of
 * hvfleet.report.incidents/1; they say again what `dumps` and `drift` hold, and
 * are not read back.
 */
#include "incidents/json_fields.h"
#include "incidents/json_memory.h"
#include "model/drift.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *kind_word(int v)
{
    return incident_kind_name((enum incident_kind)v);
}

static const char *source_word(int v)
{
    return incident_source_name((enum incident_source)v);
}

static const char *origin_word(int v)
{
    return incident_origin_name((enum incident_origin)v);
}

static const char *entry_word(int v)
{
    return incident_entry_name((enum incident_entry_kind)v);
}

static const char *confidence_word(int v)
{
    return incident_confidence_name((enum incident_confidence)v);
}

static const char *drift_word(int v)
{
    return drift_state_name((enum drift_state)v);
}

static const char *family_word(int v)
{
    return guest_family_name((enum guest_family)v);
}

/* A row of zeros with its texts "not known". */
static void no_texts(const struct field_shape *shape, void *row);

#define SHAPE(name, type, ...)                                                                              \
    static void name##_init(void *row);                                                                     \
    static const struct field name##_fields[] = { __VA_ARGS__ };                                            \
    static const struct field_shape name = { name##_fields, sizeof name##_fields / sizeof name##_fields[0], \
                                             sizeof(type), name##_init };                                   \
    static void name##_init(void *row)                                                                      \
    {                                                                                                       \
        no_texts(&name, row);                                                                               \
    }

/* clang-format off */
#define AT(type, member) .offset = offsetof(type, member)

#define B(member) AT(struct incident_bugcheck, member)
SHAPE(bugcheck, struct incident_bugcheck,
    { "code", FIELD_CODE, B(code) },
    { "name", FIELD_TEXT, B(name) },
    { "parameters", FIELD_PARAMS, B(params), .known = offsetof(struct incident_bugcheck, params_known) },
    { "cause", FIELD_TEXT, B(cause) })

#define X(member) AT(struct incident_linux, member)
SHAPE(linux_panic, struct incident_linux,
    { "kernel", FIELD_TEXT, X(version) },
    { "guest_os_id", FIELD_TEXT, X(guest_os_id) },
    { "die_code", FIELD_TEXT, X(die_code) },
    { "rip", FIELD_TEXT, X(rip) },
    { "rsp", FIELD_TEXT, X(rsp) },
    { "message", FIELD_TEXT, X(message) })

#define U(member) AT(struct incident_dump, member)
SHAPE(dump, struct incident_dump,
    { "path", FIELD_TEXT, U(path) },
    { "status", FIELD_TEXT, U(status) },
    { "verdict", FIELD_TEXT, U(verdict) },
    { "format", FIELD_TEXT, U(format) },
    { "arch", FIELD_TEXT, U(arch) },
    { "problem", FIELD_TEXT, U(problem) },
    { "culprit", FIELD_TEXT, U(culprit) },
    { "culprit_kind", FIELD_TEXT, U(culprit_kind) },
    { "module", FIELD_TEXT, U(module) },
    { "offset", FIELD_TEXT, U(offset) },
    { "confidence", FIELD_TEXT, U(culprit_confidence) },
    { "evidence", FIELD_TEXT, U(evidence) },
    { "fault", FIELD_TEXT, U(fault) },
    { "notes", FIELD_TEXT, U(notes) },
    { "bucket", FIELD_TEXT, U(bucket) },
    { "failure_bucket_id", FIELD_TEXT, U(failure_id) },
    { "failure_id_hash", FIELD_TEXT, U(failure_hash) },
    { "process", FIELD_TEXT, U(process) },
    { "role", FIELD_TEXT, U(role) },
    { "integration_components", FIELD_TEXT, U(components) },
    { "bios_vendor", FIELD_TEXT, U(bios_vendor) },
    { "bios_version", FIELD_TEXT, U(bios_version) },
    { "bios_date", FIELD_TEXT, U(bios_date) },
    { "crash_time", FIELD_TIME, U(crash_time) },
    { "found", FIELD_TIME, U(found) },
    { "uptime_s", FIELD_LENGTH, U(uptime_ns) },
    { "size", FIELD_COUNT64, U(size) },
    { "build", FIELD_COUNT64, U(build) },
    { "ubr", FIELD_COUNT64, U(ubr) },
    { "joined_by", FIELD_TEXT, U(joined_by) })

#define D(member) AT(struct incident_drift, member)
SHAPE(drift, struct incident_drift,
    { "known", FIELD_FLAG, D(known) },
    { "why", FIELD_TEXT, D(why) },
    { "state", FIELD_WORD, D(state), .word = drift_word, .words = DRIFT_STATE_COUNT },
    { "rule_row", FIELD_COUNT, D(row) },
    { "since", FIELD_TIME, D(since) },
    { "stale", FIELD_FLAG, D(stale) },
    { "guest_version", FIELD_TEXT, D(guest_version) },
    { "expected_version", FIELD_TEXT, D(expected_version) })

#define M(member) AT(struct incident_migration, member)
SHAPE(migration, struct incident_migration,
    { "kind", FIELD_TEXT, M(kind) },
    { "during", FIELD_FLAG, M(during) },
    { "time", FIELD_TIME, M(time) },
    { "before_s", FIELD_LENGTH, M(before_ns) },
    { "blackout_s", FIELD_LENGTH, M(blackout_ns) },
    { "unexpectedly_long", FIELD_FLAG, M(unexpectedly_long) },
    { "failed", FIELD_FLAG, M(failed) },
    { "from", FIELD_TEXT, M(from) },
    { "to", FIELD_TEXT, M(to) })

#define K(member) AT(struct incident_disk, member)
SHAPE(disk, struct incident_disk,
    { "controller", FIELD_TEXT, K(controller) },
    { "kind", FIELD_TEXT, K(kind) },
    { "path", FIELD_TEXT, K(path) })

#define C(member) AT(struct incident_configuration, member)
SHAPE(configuration, struct incident_configuration,
    { "known", FIELD_FLAG, C(known) },
    { "why", FIELD_TEXT, C(why) },
    { "dynamic_memory", FIELD_MAYBE, C(dynamic_memory) },
    { "memory_pressure", FIELD_MAYBE, C(memory_pressure) },
    { "assigned_mib", FIELD_COUNT64, C(assigned_mib) },
    { "demanded_mib", FIELD_COUNT64, C(demanded_mib) },
    { "available_percent", FIELD_COUNT64, C(available_percent) },
    { "generation", FIELD_COUNT, C(generation) },
    { "checkpoints", FIELD_COUNT, C(checkpoints) },
    { "processors", FIELD_COUNT, C(processors) },
    { "disks", FIELD_LIST, C(disks), .shape = &disk, .known = offsetof(struct incident_configuration, disk_count),
      .max = INCIDENT_DISKS_MAX })

#define V(member) AT(struct incident_device, member)
SHAPE(device, struct incident_device,
    { "device", FIELD_TEXT, V(device) },
    { "signal", FIELD_TEXT, V(signal) },
    { "host", FIELD_TEXT, V(host) },
    { "first", FIELD_TIME, V(first) },
    { "last", FIELD_TIME, V(last) },
    { "longest_s", FIELD_LENGTH, V(longest_ns) },
    { "count", FIELD_COUNT64, V(count) },
    { "for_guest", FIELD_FLAG, V(for_guest) })

#define S(member) AT(struct incident_storage, member)
SHAPE(storage, struct incident_storage,
    { "events", FIELD_COUNT64, S(count) },
    { "longest_s", FIELD_LENGTH, S(longest_ns) },
    { "longest_device", FIELD_TEXT, S(longest_device) },
    { "path_lost", FIELD_FLAG, S(path_lost) },
    { "devices", FIELD_LIST, S(devices), .shape = &device, .known = offsetof(struct incident_storage, device_count),
      .max = INCIDENT_DEVICES_MAX })

#define E(member) AT(struct incident_cluster_event, member)
SHAPE(cluster_event, struct incident_cluster_event,
    { "signal", FIELD_TEXT, E(signal) },
    { "object", FIELD_TEXT, E(object) },
    { "host", FIELD_TEXT, E(host) },
    { "first", FIELD_TIME, E(first) },
    { "last", FIELD_TIME, E(last) },
    { "count", FIELD_COUNT64, E(count) },
    { "event_id", FIELD_COUNT64, E(event_id) })

#define O(member) AT(struct incident_other, member)
SHAPE(other, struct incident_other,
    { "vm_id", FIELD_TEXT, O(vm_id) },
    { "vm_name", FIELD_TEXT, O(vm_name) },
    { "time", FIELD_TIME, O(time) },
    { "kind", FIELD_WORD, O(kind), .word = kind_word, .words = INCIDENT_KIND_COUNT },
    { "what", FIELD_TEXT, O(what) })

#define P(member) AT(struct incident_place, member)
SHAPE(place, struct incident_place,
    { "agent_id", FIELD_TEXT, P(agent) },
    { "seq", FIELD_NUMBER, P(seq) })

#define T(member) AT(struct incident_entry, member)
SHAPE(entry, struct incident_entry,
    { "time", FIELD_TIME, T(time) },
    { "until", FIELD_TIME, T(until) },
    { "count", FIELD_COUNT64, T(count) },
    { "kind", FIELD_WORD, T(kind), .word = entry_word, .words = ENTRY_COUNT },
    { "sign", FIELD_FLAG, T(sign) },
    { "what", FIELD_TEXT, T(what) },
    { "host", FIELD_TEXT, T(host) },
    { "evidence", FIELD_OBJECT, T(place), .shape = &place })

#define F(member) AT(struct incident_finding, member)
SHAPE(finding, struct incident_finding,
    { "rule", FIELD_TEXT, F(rule) },
    { "title", FIELD_TEXT, F(title) },
    { "confidence", FIELD_WORD, F(confidence), .word = confidence_word, .words = CONFIDENCE_COUNT },
    { "reason", FIELD_TEXT, F(reason) },
    { "text", FIELD_TEXT, F(text) },
    { "action", FIELD_TEXT, F(action) },
    { "for", FIELD_LINES, F(met) },
    { "against", FIELD_LINES, F(against) },
    { "unknown", FIELD_LINES, F(unknown) },
    { "links", FIELD_LINES, F(links) })

#define I(member) AT(struct incident, member)
#define KNOWN(type) offsetof(type, known)
SHAPE(head, struct incident,
    { "id", FIELD_TEXT, I(id) },
    { "vm_id", FIELD_TEXT, I(vm_id) },
    { "vm_name", FIELD_TEXT, I(vm_name) },
    { "host", FIELD_TEXT, I(host_name) },
    { "host_id", FIELD_TEXT, I(host_id) },
    { "cluster", FIELD_TEXT, I(cluster) },
    { "time", FIELD_TIME, I(time) },
    { "time_source", FIELD_WORD, I(time_source), .word = source_word, .words = TOLD_COUNT },
    { "kind", FIELD_WORD, I(kind), .word = kind_word, .words = INCIDENT_KIND_COUNT },
    { "rebooted", FIELD_FLAG, I(rebooted) },
    { "bugcheck", FIELD_IF, I(bugcheck), .shape = &bugcheck, .known = KNOWN(struct incident_bugcheck) },
    { "linux", FIELD_IF, I(linux_panic), .shape = &linux_panic, .known = KNOWN(struct incident_linux) })

SHAPE(body, struct incident,
    { "origin", FIELD_WORD, I(origin), .word = origin_word, .words = ORIGIN_COUNT },
    { "guest_os", FIELD_TEXT, I(guest_os) },
    { "guest_os_version", FIELD_TEXT, I(guest_os_version) },
    { "guest_family", FIELD_WORD, I(family), .word = family_word, .words = FAMILY_BSD + 1 },
    { "host_os_version", FIELD_TEXT, I(host_os_version) },
    { "host_is_version", FIELD_TEXT, I(host_is_version) },
    { "host_booted", FIELD_TIME, I(host_booted) },
    { "uptime_s", FIELD_LENGTH, I(uptime_ns) },
    { "uptime_source", FIELD_WORD, I(uptime_source), .word = source_word, .words = TOLD_COUNT },
    { "drift", FIELD_OBJECT, I(drift), .shape = &drift },
    { "migration", FIELD_IF, I(migration), .shape = &migration, .known = KNOWN(struct incident_migration) },
    { "configuration", FIELD_OBJECT, I(configuration), .shape = &configuration },
    { "storage", FIELD_OBJECT, I(storage), .shape = &storage },
    { "cluster_events", FIELD_LIST, I(cluster_events), .shape = &cluster_event,
      .known = offsetof(struct incident, cluster_event_count), .max = INCIDENT_DEVICES_MAX },
    { "other_crashes", FIELD_LIST, I(others), .shape = &other, .known = offsetof(struct incident, other_count),
      .max = INCIDENT_OTHERS_MAX },
    { "window_from", FIELD_TIME, I(window_from) },
    { "window_to", FIELD_TIME, I(window_to) },
    { "gaps", FIELD_COUNT, I(gaps) },
    { "cut", FIELD_FLAG, I(cut) },
    { "notes", FIELD_LINES, I(notes) },
    { "dumps", FIELD_LIST, I(dumps), .shape = &dump, .known = offsetof(struct incident, dump_count),
      .max = INCIDENT_DUMPS_MAX },
    { "findings", FIELD_ROWS, I(findings), .shape = &finding, .known = offsetof(struct incident, finding_count),
      .max = INCIDENT_FINDINGS_MAX },
    { "timeline", FIELD_ROWS, I(timeline), .shape = &entry, .known = offsetof(struct incident, timeline_count),
      .max = INCIDENT_TIMELINE_MAX },
    { "signs", FIELD_LIST, I(signs), .shape = &place, .known = offsetof(struct incident, sign_count),
      .max = INCIDENT_SIGNS_MAX })
/* clang-format on */

static void no_texts(const struct field_shape *shape, void *row)
{
    for (size_t n = 0; n < shape->count; n++) {
        const struct field *f = &shape->fields[n];
        char *at = (char *)row + f->offset;
        const char *none = "";
        int64_t unknown = -1;

        if (f->type == FIELD_TEXT)
            memcpy(at, &none, sizeof none);
        else if (f->type == FIELD_LENGTH || f->type == FIELD_COUNT64)
            memcpy(at, &unknown, sizeof unknown);
        else if (f->type == FIELD_OBJECT)
            no_texts(f->shape, at);
    }
}

/* ---- the whole -------------------------------------------------------------- */

/* What triage's JSON calls the culprit, out of the first dump that blames something. */
static void write_culprit(const struct incident *i, struct buf *out)
{
    field_key(out, "culprit");
    for (int n = 0; n < i->dump_count; n++) {
        const struct incident_dump *d = &i->dumps[n];

        if (d->culprit[0] == '\0')
            continue;
        buf_char(out, '{');
        field_text_or_null(out, "module", d->module);
        field_text_or_null(out, "offset", d->offset);
        field_text_or_null(out, "confidence", d->culprit_confidence);
        field_text_or_null(out, "evidence", d->evidence);
        field_text_or_null(out, "name", d->culprit);
        field_text_or_null(out, "kind", d->culprit_kind);
        field_text_or_null(out, "origin", incident_origin_name(i->origin));
        buf_char(out, '}');
        return;
    }
    buf_str(out, "null");
}

int incident_json(const struct incident *i, struct buf *out, struct err *e)
{
    struct buf one;
    int rc = 0;

    buf_init(&one, INCIDENT_JSON_MAX);
    buf_char(&one, '{');
    fields_write_members(&one, &head, i);
    write_culprit(i, &one);
    field_text_or_null(&one, "drift_state", i->drift.known ? drift_state_name(i->drift.state) : "");
    fields_write_members(&one, &body, i);
    buf_char(&one, '}');
    if (buf_error(&one) == ERR_OK)
        buf_add(out, one.data, one.len);
    if (buf_error(&one) != ERR_OK || buf_error(out) != ERR_OK)
        rc = err_set(e, buf_error(&one) != ERR_OK ? buf_error(&one) : buf_error(out),
                     "incident %s: no room for its JSON", i->id);
    buf_free(&one);
    return rc;
}

int incident_from_json(const char *json, size_t len, struct incident **out, struct err *e)
{
    struct incident *i = NULL;
    json_error_t error;
    json_t *root;
    int rc;

    *out = NULL;
    if (len > INCIDENT_JSON_MAX)
        return err_set(e, ERR_TOO_BIG, "incident: larger than any of ours");
    json_memory_begin();
    root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
    if (json_memory_failed()) {
        json_decref(root);
        return err_set(e, ERR_MEMORY, "incident: out of memory");
    }
    if (root == NULL)
        return err_set(e, ERR_INVALID, "incident: not valid JSON at line %d: %s", error.line, error.text);
    i = incident_new();
    if (i == NULL) {
        rc = err_set(e, ERR_MEMORY, "incident: out of memory");
        goto done;
    }
    rc = fields_read(i, &head, root, i, e);
    if (rc == 0)
        rc = fields_read(i, &body, root, i, e);
    if (rc != 0)
        err_prefix(e, "incident");
    else if (i->no_memory)
        rc = err_set(e, ERR_MEMORY, "incident: out of memory");
done:
    json_decref(root);
    if (rc == 0)
        *out = i;
    else
        incident_free(i);
    return rc;
}
