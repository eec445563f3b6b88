/* See kvp_report.h. */
#include "collectors/kvp_report.h"

#include "base/text.h"
#include "base/times.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CUSTOM_PREFIX ATTR_KVP_PREFIX "custom."

/* "<prefix><name>" as a key; a name that does not fit is cut and ends in an
 * ellipsis. */
static void put_item(struct observation *o, const char *prefix, const struct kvp_item_pair *item)
{
    char key[OBS_KEY_MAX];
    size_t n = strlen(prefix);

    assert(n < sizeof key / 2);
    memcpy(key, prefix, n);
    text_clean(key + n, sizeof key - n, item->name, item->name_len, NULL);
    obs_strn(o, key, item->value, item->value_len);
}

static void put_items(struct observation *o, const char *prefix, const struct kvp_items *items)
{
    for (int i = 0; i < items->count; i++)
        put_item(o, prefix, &items->list[i]);
}

static void put_component_number(struct observation *o, enum ic_component c, const char *what, int value)
{
    char key[OBS_KEY_MAX];

    if (value == 0)
        return;
    snprintf(key, sizeof key, ATTR_IC_PREFIX "%s.%s", ic_component_name(c), what);
    obs_int(o, key, value);
}

static void put_components(struct observation *o, const struct kvp_vm *vm)
{
    for (int i = 0; i < IC_COUNT; i++) {
        enum ic_component c = (enum ic_component)i;

        if (!vm->ic[i].seen)
            continue;
        put_component_number(o, c, "enabled", vm->ic[i].enabled);
        put_component_number(o, c, "status0", vm->ic[i].status0);
        put_component_number(o, c, "status1", vm->ic[i].status1);
    }
}

static const char *item_value(const struct kvp_vm *vm, enum kvp_item which)
{
    const char *name = kvp_item_name(which);

    for (int i = 0; i < vm->intrinsic.count; i++) {
        if (strcmp(vm->intrinsic.list[i].name, name) == 0)
            return vm->intrinsic.list[i].value;
    }
    return "";
}

static void put_body(struct observation *o, const struct kvp_vm *vm)
{
    const char *name = vm->name[0] != '\0' ? vm->name : vm->id;
    const char *version = item_value(vm, KVP_IS_VERSION), *os = item_value(vm, KVP_OS_NAME);

    if (version[0] != '\0')
        obs_body(o, "Virtual machine %s is %s with integration services %s%s%s", name, guest_power_name(vm->power),
                 version, os[0] != '\0' ? " on " : "", os);
    else
        obs_body(o, "Virtual machine %s is %s and tells no integration services version", name,
                 guest_power_name(vm->power));
}

void kvp_report_guest(struct obs_batch *b, const struct kvp_vm *vm, struct kvp_times t)
{
    struct observation *o = obs_new(b, OBS_GUEST_INVENTORY, t.poll_ns, t.now_ns);

    o->severity = vm->problems > 0 ? SEVERITY_WARN : SEVERITY_INFO;
    obs_str(o, ATTR_VM_ID, vm->id);
    obs_str(o, ATTR_VM_NAME, vm->name);
    if (vm->enabled_state >= 0) {
        obs_str(o, ATTR_VM_POWER, guest_power_name(vm->power));
        obs_int(o, ATTR_VM_ENABLED_STATE, vm->enabled_state);
    }
    if (vm->is_state >= 0)
        obs_int(o, ATTR_VM_IS_STATE, vm->is_state);
    put_components(o, vm);
    if (vm->problems > 1) {
        char text[KVP_PROBLEM_MAX + 32];

        snprintf(text, sizeof text, "%s (and %d more)", vm->problem, vm->problems - 1);
        obs_str(o, ATTR_KVP_PROBLEM, text);
    } else {
        obs_str(o, ATTR_KVP_PROBLEM, vm->problem);
    }
    put_items(o, CUSTOM_PREFIX, &vm->custom);
    put_items(o, ATTR_KVP_PREFIX, &vm->intrinsic);
    put_body(o, vm);
}

void kvp_report_removed(struct obs_batch *b, const char *vm_id, struct kvp_times t)
{
    struct observation *o = obs_new(b, OBS_GUEST_LIFECYCLE, t.poll_ns, t.now_ns);

    o->severity = SEVERITY_INFO;
    obs_str(o, ATTR_VM_ID, vm_id);
    obs_str(o, ATTR_VM_CHANGE, "removed");
    obs_body(o, "Virtual machine %s is no longer on this host", vm_id);
}

void kvp_report_host(struct obs_batch *b, const struct resource *facts, size_t guests, struct kvp_times t)
{
    struct observation *o = obs_new(b, OBS_HOST_INVENTORY, t.poll_ns, t.now_ns);
    char boot[TIMES_TEXT_MAX];

    o->severity = SEVERITY_INFO;
    obs_str(o, ATTR_HOST_ID, facts->host_id);
    obs_str(o, ATTR_HOST_NAME, facts->host_name);
    obs_str(o, ATTR_OS_VERSION, facts->os_version);
    obs_str(o, ATTR_CLUSTER_NAME, facts->cluster);
    obs_str(o, ATTR_HOST_IS_WIN6X, facts->is_win6x);
    obs_str(o, ATTR_HOST_IS_WIN5X, facts->is_win5x);
    obs_str(o, ATTR_BOOT_TIME, times_format(facts->boot_time, boot));
    obs_str(o, ATTR_BOOT_ID, facts->boot_id);
    obs_int(o, ATTR_POLL_GUESTS, (int64_t)guests);
    obs_body(o, "Host %s has %zu virtual machines", facts->host_name, guests);
}

void kvp_report_problem(struct obs_batch *b, const char *source, const struct kvp_problem *problem, struct kvp_times t)
{
    struct observation *o = obs_new(b, OBS_GAP, t.poll_ns, t.now_ns);

    o->severity = SEVERITY_WARN;
    obs_str(o, ATTR_SOURCE, source);
    obs_str(o, ATTR_GAP_REASON, problem->reason);
    obs_body(o, "Part of a poll could not be read: %s", problem->text);
}
