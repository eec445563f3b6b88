/* See setup_poll.h: reading.  Joining: setup_join.c. */
#include "collectors/setup_poll.h"

#include "base/text.h"
#include "collectors/kvp_items.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST = 64,
    COUNT_MAX = 65535,
    PERCENT_MAX = 100000,
    NAME_SIZE = 256,
    ID_MAX = 1024,
};

#define MIB_MAX (INT64_C(1) << 40)

/* ---- values ------------------------------------------------------------- */

static const struct cim_value *value_of(const struct cim_instance *in, const char *name)
{
    const struct cim_property *p = cim_find(in, name);

    return p != NULL && p->count > 0 && !p->values[0].null ? &p->values[0] : NULL;
}

/* A number from min to max; missing when it is none. */
static int64_t number_in(const struct cim_instance *in, const char *name, int64_t min, int64_t max, int64_t missing)
{
    const struct cim_value *v = value_of(in, name);
    const char *text = v != NULL ? v->text : "";
    size_t len = v != NULL ? v->len : 0;
    bool negative;
    char digits[24];
    uint64_t n;
    int64_t found;

    kvp_trim(&text, &len);
    negative = len > 0 && text[0] == '-';
    text += negative;
    len -= negative;
    if (len == 0 || len >= sizeof digits)
        return missing;
    memcpy(digits, text, len);
    digits[len] = '\0';
    if (!text_u64(digits, &n) || n > INT64_MAX)
        return missing;
    found = negative ? -(int64_t)n : (int64_t)n;
    return found < min || found > max ? missing : found;
}

static bool has_text(const struct cim_instance *in, const char *name, const char *part)
{
    const char *text = cim_text(in, name);
    size_t n = strlen(part);

    for (; *text != '\0'; text++) {
        if (text_ncasecmp(text, part, n) == 0)
            return true;
    }
    return false;
}

/* A printable copy, cut to max bytes; "" when there is none or no memory. */
static const char *copy_clean(struct setup_poll *p, const char *text, size_t len, size_t max)
{
    char clean[ID_MAX + 1];
    const char *kept;

    assert(max < sizeof clean);
    kvp_trim(&text, &len);
    len = text_clean(clean, max + 1, text, len, NULL);
    kept = len > 0 ? arena_copy(&p->arena, clean, len) : "";
    if (kept == NULL)
        setup_poll_problem(p, "a poll of more than %d MiB", SETUP_POLL_MAX >> 20);
    return kept != NULL ? kept : "";
}

static const char *copy_value(struct setup_poll *p, const struct cim_instance *in, const char *name, size_t max)
{
    const struct cim_value *v = value_of(in, name);

    return v != NULL ? copy_clean(p, v->text, v->len, max) : "";
}

/* "Microsoft:<GUID>\..." */
static bool setting_owner(const char *instance_id, char *out)
{
    static const char start[] = "Microsoft:";
    size_t n = sizeof start - 1;

    out[0] = '\0';
    return text_ncasecmp(instance_id, start, n) == 0 && strlen(instance_id) >= n + GUID_TEXT_MAX - 1 &&
           guid_parse(instance_id + n, GUID_TEXT_MAX - 1, out);
}

/* What a path to an instance has in InstanceID="...", its backslashes doubled. */
static const char *parent_of(struct setup_poll *p, const struct cim_instance *in)
{
    static const char key[] = "InstanceID=\"";
    const char *at = strstr(cim_text(in, "Parent"), key);
    char id[ID_MAX];
    size_t n = 0;

    if (at == NULL)
        return "";
    for (at += sizeof key - 1; *at != '\0' && *at != '"' && n < sizeof id; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        id[n++] = *at;
    }
    return *at == '"' ? copy_clean(p, id, n, ID_MAX) : "";
}

/* ---- what is kept ------------------------------------------------------- */

static bool has_room(struct setup_poll *p)
{
    if (p->count + p->row_count < SETUP_ROWS_MAX)
        return true;
    setup_poll_problem(p, "more than %d instances; the rest is left out", SETUP_ROWS_MAX);
    return false;
}

/* A new part of a VM; NULL over the ceiling. */
static struct setup_vm *new_vm(struct setup_poll *p, const char *id)
{
    struct setup_vm *vm;

    if (!has_room(p))
        return NULL;
    if (p->count == p->cap) {
        size_t cap = p->cap == 0 ? FIRST : p->cap * 2;
        struct setup_vm *grown = realloc(p->vms, cap * sizeof *grown);

        if (grown == NULL) {
            setup_poll_problem(p, "out of memory");
            return NULL;
        }
        p->vms = grown;
        p->cap = cap;
    }
    vm = &p->vms[p->count];
    *vm = (struct setup_vm){ .name = "",
                             .startup_mib = -1,
                             .minimum_mib = -1,
                             .maximum_mib = -1,
                             .weight = -1,
                             .buffer_percent = -1,
                             .order = p->count };
    text_copy(vm->id, sizeof vm->id, id);
    p->count++;
    return vm;
}

static void keep_row(struct setup_poll *p, const struct setup_row *row)
{
    if (!has_room(p))
        return;
    if (p->row_count == p->row_cap) {
        size_t cap = p->row_cap == 0 ? FIRST : p->row_cap * 2;
        struct setup_row *grown = realloc(p->rows, cap * sizeof *grown);

        if (grown == NULL) {
            setup_poll_problem(p, "out of memory");
            return;
        }
        p->rows = grown;
        p->row_cap = cap;
    }
    p->rows[p->row_count++] = *row;
}

/* ---- classes ------------------------------------------------------------ */

static void take_system(struct setup_poll *p, const struct cim_instance *in)
{
    enum { V1_SYSTEM = 3, V1_SNAPSHOT = 5 };
    const char *owner = cim_text(in, "VirtualSystemIdentifier");
    bool first_namespace = owner[0] == '\0';
    int64_t v1 = number_in(in, "SettingType", 0, COUNT_MAX, -1);
    char id[GUID_TEXT_MAX];
    struct setup_vm *vm;

    if (first_namespace)
        owner = cim_text(in, "SystemName");
    vm = guid_parse(owner, strlen(owner), id) ? new_vm(p, id) : NULL;
    if (vm == NULL)
        return;
    if (has_text(in, "VirtualSystemType", ":Snapshot:Realized") || (first_namespace && v1 == V1_SNAPSHOT)) {
        vm->checkpoints = 1;
        return;
    }
    vm->realized = has_text(in, "VirtualSystemType", ":System:Realized") || (first_namespace && v1 == V1_SYSTEM);
    if (!vm->realized)
        return;
    vm->name = copy_value(p, in, "ElementName", NAME_SIZE - 1);
    if (has_text(in, "VirtualSystemSubType", ":SubType:2"))
        vm->generation = 2;
    else if (first_namespace || has_text(in, "VirtualSystemSubType", ":SubType:1"))
        vm->generation = 1;
}

static struct setup_vm *part_of_setting(struct setup_poll *p, const struct cim_instance *in)
{
    char id[GUID_TEXT_MAX];

    return setting_owner(cim_text(in, "InstanceID"), id) ? new_vm(p, id) : NULL;
}

static void take_memory(struct setup_poll *p, const struct cim_instance *in)
{
    const char *dynamic = cim_text(in, "DynamicMemoryEnabled");
    struct setup_vm *vm = part_of_setting(p, in);

    if (vm == NULL)
        return;
    vm->has_memory = true;
    if (text_casecmp(dynamic, "true") == 0)
        vm->memory = MEMORY_DYNAMIC;
    else if (text_casecmp(dynamic, "false") == 0)
        vm->memory = MEMORY_STATIC;
    vm->startup_mib = number_in(in, "VirtualQuantity", 0, MIB_MAX, -1);
    if (vm->memory == MEMORY_DYNAMIC) {
        vm->minimum_mib = number_in(in, "Reservation", 0, MIB_MAX, -1);
        vm->maximum_mib = number_in(in, "Limit", 0, MIB_MAX, -1);
        vm->buffer_percent = number_in(in, "TargetMemoryBuffer", 0, PERCENT_MAX, -1);
    }
    vm->weight = number_in(in, "Weight", 0, UINT32_MAX, -1);
}

static void take_processors(struct setup_poll *p, const struct cim_instance *in)
{
    struct setup_vm *vm = part_of_setting(p, in);

    if (vm != NULL)
        vm->processors = (int)number_in(in, "VirtualQuantity", 0, COUNT_MAX, 0);
}

static void take_summary(struct setup_poll *p, const struct cim_instance *in)
{
    enum { NONE = INT32_MIN };
    const char *name = cim_text(in, "Name");
    int64_t available = number_in(in, "MemoryAvailable", -PERCENT_MAX, 100, NONE);
    int64_t buffer = number_in(in, "AvailableMemoryBuffer", -PERCENT_MAX, PERCENT_MAX, NONE);
    char id[GUID_TEXT_MAX];
    struct setup_vm *vm = guid_parse(name, strlen(name), id) ? new_vm(p, id) : NULL;

    if (vm == NULL)
        return;
    vm->has_summary = true;
    vm->assigned_mib = number_in(in, "MemoryUsage", 0, MIB_MAX, 0);
    vm->has_available = available != NONE && buffer != NONE;
    vm->available_percent = vm->has_available ? available : 0;
    vm->available_buffer_percent = vm->has_available ? buffer : 0;
}

/* ResourceSubType's last words; the first namespace has them after "Microsoft ". */
static const struct {
    const char *words;
    enum setup_row_kind kind;
    enum disk_controller controller;
    enum disk_kind disk;
} sub_types[] = {
    { "IDE Controller", SETUP_CONTROLLER, CONTROLLER_IDE, DISK_UNKNOWN },
    { "SCSI Controller", SETUP_CONTROLLER, CONTROLLER_SCSI, DISK_UNKNOWN },
    { "Synthetic Disk Drive", SETUP_DRIVE, CONTROLLER_UNKNOWN, DISK_UNKNOWN },
    { "Physical Disk Drive", SETUP_DISK, CONTROLLER_UNKNOWN, DISK_PHYSICAL },
    { "Virtual Hard Disk", SETUP_DISK, CONTROLLER_UNKNOWN, DISK_UNKNOWN },
};

static void take_resource(struct setup_poll *p, const struct cim_instance *in)
{
    const char *type = cim_text(in, "ResourceSubType");
    struct setup_row row = { .disk = { .path = "", .format = "" } };
    size_t i = 0;

    while (i < sizeof sub_types / sizeof *sub_types && !text_ends_with_nocase(type, sub_types[i].words))
        i++;
    if (i == sizeof sub_types / sizeof *sub_types || !setting_owner(cim_text(in, "InstanceID"), row.vm_id))
        return;
    row.kind = sub_types[i].kind;
    row.disk.controller = sub_types[i].controller;
    row.disk.kind = sub_types[i].disk;
    row.id = copy_value(p, in, "InstanceID", ID_MAX);
    row.parent = parent_of(p, in);
    row.disk.number = (int)number_in(in, "Address", 0, COUNT_MAX, -1);
    row.disk.location = (int)number_in(in, "AddressOnParent", 0, COUNT_MAX, -1);
    if (row.kind == SETUP_DISK) {
        row.disk.path = copy_value(p, in, "HostResource", SETUP_PATH_MAX);
        if (row.disk.path[0] == '\0')
            row.disk.path = copy_value(p, in, "Connection", SETUP_PATH_MAX);
    }
    keep_row(p, &row);
}

static void take_file(struct setup_poll *p, const struct cim_instance *in)
{
    static const enum disk_kind kinds[] = { [2] = DISK_FIXED, [3] = DISK_DYNAMIC, [4] = DISK_DIFFERENCING };
    static const char *const formats[] = { "", "", "vhd", "vhdx" };
    struct setup_row row = { .kind = SETUP_FILE, .parent = "" };
    int64_t size = number_in(in, "MaxInternalSize", 0, INT64_MAX, 0);

    row.id = copy_value(p, in, "Path", SETUP_PATH_MAX);
    row.disk = (struct setup_disk){
        .path = row.id,
        .kind = kinds[number_in(in, "Type", 0, 4, 0)],
        .format = formats[number_in(in, "Format", 0, 3, 0)],
        .size = (uint64_t)size,
    };
    if (row.id[0] != '\0')
        keep_row(p, &row);
}

static const struct class
{
    const char *name;
    void (*take)(struct setup_poll *p, const struct cim_instance *in);
    const char *wanted[CIM_PROPERTIES_MAX];
} classes[] = {
    { "Msvm_VirtualSystemSettingData",
      take_system,
      { "VirtualSystemIdentifier", "VirtualSystemType", "VirtualSystemSubType", "ElementName", "SystemName",
        "SettingType" } },
    { "Msvm_MemorySettingData",
      take_memory,
      { "InstanceID", "DynamicMemoryEnabled", "VirtualQuantity", "Reservation", "Limit", "TargetMemoryBuffer",
        "Weight" } },
    { "Msvm_ProcessorSettingData", take_processors, { "InstanceID", "VirtualQuantity" } },
    { "Msvm_ResourceAllocationSettingData",
      take_resource,
      { "InstanceID", "ResourceSubType", "Parent", "Address", "AddressOnParent", "HostResource", "Connection" } },
    { "Msvm_StorageAllocationSettingData",
      take_resource,
      { "InstanceID", "ResourceSubType", "Parent", "Address", "AddressOnParent", "HostResource", "Connection" } },
    { "Msvm_SummaryInformation", take_summary, { "Name", "MemoryUsage", "MemoryAvailable", "AvailableMemoryBuffer" } },
    { "Msvm_VirtualHardDiskSettingData", take_file, { "Path", "Type", "Format", "MaxInternalSize" } },
};

static const struct class *class_of(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].name, name) == 0)
            return &classes[i];
    }
    return NULL;
}

/* The class that was asked for decides; what an instance calls itself may be a class made from it. */
struct reading {
    struct setup_poll *poll;
    const struct class *class;
    const char *place;
};

static void take_instance(void *arg, const struct cim_instance *in)
{
    struct reading *r = arg;

    r->class->take(r->poll, in);
}

static void take_problem(void *arg, size_t offset, const char *what)
{
    struct reading *r = arg;

    setup_poll_problem(r->poll, "%.100s: byte %zu: %.100s", r->place, offset, what);
}

void setup_poll_take(struct setup_poll *p, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct reading r = { .poll = p, .class = class_of(class_name), .place = place };
    struct cim_handler h = { .instance = take_instance, .problem = take_problem, .arg = &r };
    struct err e;

    if (r.class == NULL)
        return;
    h.wanted = r.class->wanted;
    if (cim_parse(p->parser, xml, len, &h, &e) != 0)
        setup_poll_problem(p, "%.100s: %.140s", place, e.text);
}

/* ---- the poll ----------------------------------------------------------- */

void setup_poll_problem(struct setup_poll *p, const char *fmt, ...)
{
    char text[SETUP_PROBLEM_MAX];
    va_list ap;

    p->broken = true;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (int i = 0; i < p->problem_count; i++) {
        if (strcmp(p->problems[i], text) == 0)
            return;
    }
    if (p->problem_count < SETUP_PROBLEMS_MAX)
        text_clean(p->problems[p->problem_count++], SETUP_PROBLEM_MAX, text, strlen(text), NULL);
}

int setup_poll_init(struct setup_poll *p, struct err *e)
{
    *p = (struct setup_poll){ 0 };
    arena_init(&p->arena, SETUP_POLL_MAX);
    return cim_parser_new(&p->parser, e);
}

void setup_poll_reset(struct setup_poll *p)
{
    arena_reset(&p->arena);
    p->count = p->row_count = 0;
    p->broken = false;
    p->problem_count = 0;
}

void setup_poll_free(struct setup_poll *p)
{
    cim_parser_free(p->parser);
    free(p->vms);
    free(p->rows);
    arena_free(&p->arena);
    *p = (struct setup_poll){ 0 };
}
