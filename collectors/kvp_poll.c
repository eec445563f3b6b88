/* See kvp_poll.h. */
#include "collectors/kvp_poll.h"

#include "base/text.h"
#include "collectors/kvp_item_text.h"
#include "collectors/kvp_items.h"
#include "collectors/mark_bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_VMS = 64,
    STATUS_MAX = 65535,
    MEMO_SLACK = 1024 * 1024, /* bytes of what is remembered in vain, beside as much as is in use */
};

/* ---- power -------------------------------------------------------------- */

/* Microsoft's pages "Virtual Machines VmState" (first namespace) and
 * "RequestStateChange method of the Msvm_ComputerSystem class" (v2; DMTF's
 * EnabledState below 11, the critical states from 32781 on).  A state on the way to another
 * is told as where it goes, except for snapshots, during which the VM runs. */
static const struct {
    int64_t state;
    enum guest_power power;
} powers[] = {
    { 0, POWER_UNKNOWN },      { 2, POWER_RUNNING },      { 3, POWER_OFF },
    { 4, POWER_STOPPING },                                                        /* shutting down */
    { 5, POWER_UNKNOWN },                                                         /* not applicable */
    { 6, POWER_SAVED },                                                           /* enabled but offline */
    { 9, POWER_PAUSED },                                                          /* quiesce */
    { 10, POWER_STARTING },    { 32768, POWER_PAUSED },   { 32769, POWER_SAVED }, /* suspended */
    { 32770, POWER_STARTING }, { 32771, POWER_RUNNING },                          /* taking a snapshot */
    { 32773, POWER_SAVED },                                                       /* saving */
    { 32774, POWER_STOPPING }, { 32776, POWER_PAUSED },                           /* pausing */
    { 32777, POWER_STARTING },                                                    /* resuming */
    { 32779, POWER_SAVED },                                                       /* fast saved */
    { 32780, POWER_SAVED },                                                       /* fast saving */
    { 32781, POWER_RUNNING },                                                     /* running, critical; and so on */
    { 32782, POWER_OFF },      { 32783, POWER_STOPPING }, { 32784, POWER_SAVED },
    { 32785, POWER_PAUSED },   { 32786, POWER_STARTING }, { 32787, POWER_STARTING }, /* reset */
    { 32788, POWER_SAVED },    { 32789, POWER_PAUSED },   { 32790, POWER_STARTING },
    { 32791, POWER_SAVED },    { 32792, POWER_SAVED },
};

enum guest_power kvp_power(int64_t enabled_state)
{
    if (enabled_state < 0)
        return POWER_UNKNOWN;
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        if (powers[i].state == enabled_state)
            return powers[i].power;
    }
    return POWER_OTHER;
}

/* ---- the table of VMs --------------------------------------------------- */

static size_t place_of(const struct kvp_poll *p, const char *id)
{
    size_t at = (size_t)mark_hash(MARK_HASH_START, id, GUID_TEXT_MAX - 1) & (p->place_count - 1);

    while (p->places[at] != 0 && strcmp(p->vms[p->places[at] - 1].id, id) != 0)
        at = (at + 1) & (p->place_count - 1);
    return at;
}

/* Doubles both arrays; the table stays at most half full. */
static bool grow(struct kvp_poll *p)
{
    size_t cap = p->cap == 0 ? FIRST_VMS : p->cap * 2;
    struct kvp_vm *vms;
    uint32_t *places;

    vms = realloc(p->vms, cap * sizeof *vms);
    if (vms == NULL)
        return false;
    p->vms = vms;
    places = calloc(cap * 2, sizeof *places);
    if (places == NULL)
        return false;
    free(p->places);
    p->places = places;
    p->place_count = cap * 2;
    p->cap = cap;
    for (size_t i = 0; i < p->count; i++)
        p->places[place_of(p, p->vms[i].id)] = (uint32_t)i + 1;
    return true;
}

/* The VM of that id, made when it is new; NULL over the ceiling. */
static struct kvp_vm *vm_of(struct kvp_poll *p, const char *id)
{
    struct kvp_vm *vm;
    size_t at;

    if (p->count == p->cap && !grow(p))
        return NULL;
    at = place_of(p, id);
    if (p->places[at] != 0)
        return &p->vms[p->places[at] - 1];
    if (p->count >= KVP_VMS_MAX)
        return NULL;
    vm = &p->vms[p->count++];
    *vm = (struct kvp_vm){ .name = "", .enabled_state = -1, .is_state = -1, .problem = "" };
    text_copy(vm->id, sizeof vm->id, id);
    p->places[at] = (uint32_t)p->count;
    return vm;
}

/* ---- instances ---------------------------------------------------------- */

static int64_t number(const char *text, size_t len, int64_t max)
{
    char digits[24];
    uint64_t v;

    kvp_trim(&text, &len);
    if (len == 0 || len >= sizeof digits)
        return -1;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return text_u64(digits, &v) && v <= (uint64_t)max ? (int64_t)v : -1;
}

/* The property's element `index` as a number; -1 when there is none. */
static int64_t property_number(const struct cim_instance *in, const char *name, int index, int64_t max)
{
    const struct cim_property *p = cim_find(in, name);

    if (p == NULL || index >= p->count)
        return -1;
    return number(p->values[index].text, p->values[index].len, max);
}

static void read_name_and_state(struct kvp_poll *p, struct kvp_vm *vm, const struct cim_instance *in)
{
    const struct cim_property *name = cim_find(in, "ElementName");
    char clean[GUEST_NAME_MAX];

    if (name != NULL && name->count > 0) {
        const char *text = name->values[0].text, *kept;
        size_t len = name->values[0].len;

        kvp_trim(&text, &len);
        len = text_clean(clean, sizeof clean, text, len, NULL);
        kept = arena_copy(&p->arena, clean, len);
        if (kept != NULL)
            vm->name = kept;
    }
    vm->enabled_state = property_number(in, "EnabledState", 0, STATUS_MAX);
}

static int known_or_zero(int64_t n)
{
    return n > 0 ? (int)n : 0;
}

static void read_component(struct kvp_poll *p, struct kvp_vm *vm, const struct cim_instance *in, enum ic_component c)
{
    const struct cim_property *intrinsic = cim_find(in, "GuestIntrinsicExchangeItems");
    const struct cim_property *custom = cim_find(in, "GuestExchangeItems");

    vm->ic[c] = (struct kvp_component){
        .seen = true,
        .enabled = known_or_zero(property_number(in, "EnabledState", 0, STATUS_MAX)),
        .status0 = known_or_zero(property_number(in, "OperationalStatus", 0, STATUS_MAX)),
        .status1 = known_or_zero(property_number(in, "OperationalStatus", 1, STATUS_MAX)),
    };
    if (c != IC_KVP)
        return;
    if (intrinsic != NULL)
        kvp_items_take(p, vm, intrinsic, false);
    if (custom != NULL)
        kvp_items_take(p, vm, custom, true);
    kvp_items_sort(&vm->intrinsic);
    kvp_items_sort(&vm->custom);
}

/* ---- classes ------------------------------------------------------------ */

enum class_kind { CLASS_OTHER, CLASS_SYSTEM, CLASS_SUMMARY, CLASS_COMPONENT };

static enum class_kind class_of(const char *name, enum ic_component *component)
{
    if (strcmp(name, "Msvm_ComputerSystem") == 0)
        return CLASS_SYSTEM;
    if (strcmp(name, "Msvm_SummaryInformation") == 0)
        return CLASS_SUMMARY;
    for (int i = 0; i < IC_COUNT; i++) {
        if (strcmp(name, ic_component_class((enum ic_component)i)) == 0) {
            *component = (enum ic_component)i;
            return CLASS_COMPONENT;
        }
    }
    return CLASS_OTHER;
}

/* What one instance says of one VM: the fields of its class are set in vm. */
struct part {
    enum class_kind kind;
    enum ic_component component;
    struct kvp_vm vm;
};

struct taking {
    struct kvp_poll *poll;
    const char *class_name, *place;
    uint64_t key; /* of the instance at hand */
};

/* Joins a part to its VM; of two instances of one class the first counts. */
static void join(struct taking *t, const struct part *part)
{
    const struct kvp_vm *from = &part->vm;
    struct kvp_vm *vm = vm_of(t->poll, from->id);

    if (vm == NULL) {
        kvp_poll_problem(t->poll, "record-unreadable", "%s: more than %d virtual machines, or out of memory", t->place,
                         KVP_VMS_MAX);
        return;
    }
    if ((part->kind == CLASS_SYSTEM && !vm->listed) ||
        (part->kind == CLASS_SUMMARY && !vm->listed && !vm->summarised)) {
        vm->name = from->name;
        vm->enabled_state = from->enabled_state;
    }
    if (part->kind == CLASS_SUMMARY && !vm->summarised)
        vm->is_state = from->is_state;
    vm->listed |= part->kind == CLASS_SYSTEM;
    vm->summarised |= part->kind == CLASS_SUMMARY;
    if (part->kind != CLASS_COMPONENT || vm->ic[part->component].seen)
        return;
    vm->ic[part->component] = from->ic[part->component];
    if (part->component == IC_KVP) {
        vm->intrinsic = from->intrinsic;
        vm->custom = from->custom;
        vm->problem = from->problem;
        vm->problems = from->problems;
    }
}

static bool vm_key(const struct cim_instance *in, const char *property, char *id)
{
    const char *text = cim_text(in, property);

    return guid_parse(text, strlen(text), id);
}

static struct part *part_new(struct kvp_poll *p, enum class_kind kind, enum ic_component component, const char *id)
{
    struct part *part = arena_alloc(&p->arena, sizeof *part);

    if (part == NULL)
        return NULL;
    *part = (struct part){
        .kind = kind,
        .component = component,
        .vm = { .name = "", .enabled_state = -1, .is_state = -1, .problem = "" },
    };
    text_copy(part->vm.id, sizeof part->vm.id, id);
    return part;
}

static void take_instance(void *arg, const struct cim_instance *in)
{
    struct taking *t = arg;
    struct kvp_poll *p = t->poll;
    enum ic_component component = IC_KVP;
    enum class_kind kind = class_of(in->class_name, &component);
    char id[GUID_TEXT_MAX];
    struct part *part;

    if (kind == CLASS_OTHER)
        kind = class_of(t->class_name, &component);
    if (kind == CLASS_SYSTEM)
        p->listed = true;
    if (kind == CLASS_OTHER || !vm_key(in, kind == CLASS_COMPONENT ? "SystemName" : "Name", id)) {
        p->alien++;
        return;
    }
    part = part_new(p, kind, component, id);
    if (part == NULL) {
        kvp_poll_problem(p, "record-unreadable", "%s: the poll is larger than %d MiB", t->place, KVP_POLL_MAX >> 20);
        return;
    }
    if (kind == CLASS_COMPONENT)
        read_component(p, &part->vm, in, component);
    else
        read_name_and_state(p, &part->vm, in);
    if (kind == CLASS_SUMMARY)
        part->vm.is_state = (int)property_number(in, "IntegrationServicesVersionState", 0, STATUS_MAX);
    kvp_memo_put(&p->memo, t->key, part);
    join(t, part);
}

static bool is_known(void *arg, const char *xml, size_t len)
{
    struct taking *t = arg;
    const struct part *part;

    t->key = kvp_memo_key(&t->poll->memo, t->class_name, xml, len);
    part = kvp_memo_find(&t->poll->memo, t->key);
    if (part == NULL)
        return false;
    if (part->kind == CLASS_SYSTEM)
        t->poll->listed = true;
    join(t, part);
    return true;
}

static void take_problem(void *arg, size_t offset, const char *what)
{
    struct taking *t = arg;

    kvp_poll_problem(t->poll, "record-unreadable", "%s: byte %zu: %s", t->place, offset, what);
}

void kvp_poll_take(struct kvp_poll *p, const char *class_name, const char *xml, size_t len, const char *place)
{
    static const char *const wanted[] = {
        "Name",
        "SystemName",
        "ElementName",
        "EnabledState",
        "OperationalStatus",
        "GuestIntrinsicExchangeItems",
        "GuestExchangeItems",
        "IntegrationServicesVersionState",
        NULL,
    };
    struct taking t = { .poll = p, .class_name = class_name, .place = place };
    struct cim_handler h = {
        .instance = take_instance,
        .problem = take_problem,
        .known = is_known,
        .item = kvp_item_text,
        .arg = &t,
        .wanted = wanted,
    };
    enum ic_component component;
    struct err e;

    if (class_of(class_name, &component) == CLASS_SYSTEM)
        p->listed = true;
    if (cim_parse(p->outer, xml, len, &h, &e) != 0)
        kvp_poll_problem(p, "record-unreadable", "%s: %s", place, e.text);
}

void kvp_poll_problem(struct kvp_poll *p, const char *reason, const char *fmt, ...)
{
    struct kvp_problem *problem;
    char text[KVP_PROBLEM_MAX];
    va_list ap;

    p->broken = true;
    if (p->problem_count == KVP_PROBLEMS_MAX)
        return;
    problem = &p->problems[p->problem_count++];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    text_clean(problem->text, sizeof problem->text, text, strlen(text), NULL);
    text_copy(problem->reason, sizeof problem->reason, reason);
}

/* ---- the end of a poll -------------------------------------------------- */

static uint64_t hash_text(uint64_t h, const char *text)
{
    return mark_hash(h, text, strlen(text));
}

static uint64_t hash_items(uint64_t h, const struct kvp_items *items)
{
    h = mark_hash(h, &items->count, sizeof items->count);
    for (int i = 0; i < items->count; i++) {
        h = mark_hash(h, items->list[i].name, items->list[i].name_len);
        h = mark_hash(h, items->list[i].value, items->list[i].value_len);
    }
    return h;
}

static uint64_t hash_vm(const struct kvp_vm *vm)
{
    int64_t numbers[3 + 4 * IC_COUNT] = { vm->enabled_state, vm->is_state, vm->problems };
    uint64_t h = hash_text(hash_text(MARK_HASH_START, vm->name), vm->problem);

    for (int i = 0; i < IC_COUNT; i++) {
        const struct kvp_component *ic = &vm->ic[i];

        numbers[3 + 4 * i] = ic->seen;
        numbers[4 + 4 * i] = ic->enabled;
        numbers[5 + 4 * i] = ic->status0;
        numbers[6 + 4 * i] = ic->status1;
    }
    h = mark_hash(h, numbers, sizeof numbers);
    return hash_items(hash_items(h, &vm->intrinsic), &vm->custom);
}

static void finish_vm(struct kvp_vm *vm)
{
    vm->power = kvp_power(vm->enabled_state);
    if (vm->power != POWER_RUNNING && vm->power != POWER_UNKNOWN) {
        vm->intrinsic.count = 0;
        vm->custom.count = 0;
    }
    vm->hash = hash_vm(vm);
}

static int by_id(const void *a, const void *b)
{
    const struct kvp_vm *x = a, *y = b;

    return strcmp(x->id, y->id);
}

void kvp_poll_finish(struct kvp_poll *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++) {
        if (p->listed && !p->vms[i].listed)
            continue;
        p->vms[kept] = p->vms[i];
        finish_vm(&p->vms[kept]);
        kept++;
    }
    p->count = kept;
    if (kept > 1)
        qsort(p->vms, kept, sizeof *p->vms, by_id);
    if (p->live == 0)
        p->live = p->arena.used + 1;
}

int kvp_poll_init(struct kvp_poll *p, const struct agent_config_privacy *privacy, struct err *e)
{
    int rc;

    *p = (struct kvp_poll){ 0 };
    kvp_privacy_init(&p->privacy, privacy);
    arena_init(&p->arena, KVP_POLL_MAX);
    kvp_memo_init(&p->memo);
    rc = cim_parser_new(&p->outer, e);
    if (rc == 0)
        rc = cim_parser_new(&p->inner, e);
    if (rc != 0)
        kvp_poll_free(p);
    return rc;
}

static void forget(struct kvp_poll *p)
{
    kvp_memo_clear(&p->memo);
    arena_reset(&p->arena);
    p->live = 0;
}

void kvp_poll_reset(struct kvp_poll *p)
{
    if (p->arena.used > 2 * p->live + MEMO_SLACK || p->arena.used > KVP_POLL_MAX / 2)
        forget(p);
    p->count = 0;
    if (p->places != NULL)
        memset(p->places, 0, p->place_count * sizeof *p->places);
    p->listed = false;
    p->broken = false;
    p->alien = 0;
    p->problem_count = 0;
}

void kvp_poll_free(struct kvp_poll *p)
{
    cim_parser_free(p->outer);
    cim_parser_free(p->inner);
    kvp_memo_free(&p->memo);
    free(p->vms);
    free(p->places);
    arena_free(&p->arena);
    *p = (struct kvp_poll){ 0 };
}
