/* See setup_report.h. */
#include "collectors/setup_report.h"

#include <stdio.h>
#include <string.h>

static void put_number(struct observation *o, const char *key, int64_t n, int64_t least)
{
    if (n >= least)
        obs_int(o, key, n);
}

static void put_memory(struct observation *o, const struct setup_vm *vm)
{
    int64_t demand, pressure;

    if (vm->memory != MEMORY_UNKNOWN)
        obs_bool(o, ATTR_MEMORY_DYNAMIC, vm->memory == MEMORY_DYNAMIC);
    put_number(o, ATTR_MEMORY_STARTUP, vm->startup_mib, 0);
    put_number(o, ATTR_MEMORY_MINIMUM, vm->minimum_mib, 0);
    put_number(o, ATTR_MEMORY_MAXIMUM, vm->maximum_mib, 0);
    put_number(o, ATTR_MEMORY_BUFFER, vm->buffer_percent, 0);
    put_number(o, ATTR_MEMORY_WEIGHT, vm->weight, 0);
    put_number(o, ATTR_MEMORY_ASSIGNED, vm->assigned_mib, 1);
    if (!setup_vm_demand(vm, &demand, &pressure))
        return;
    obs_int(o, ATTR_MEMORY_AVAILABLE, vm->available_percent);
    obs_int(o, ATTR_MEMORY_BUFFER_AVAILABLE, vm->available_buffer_percent);
    obs_int(o, ATTR_MEMORY_DEMAND, demand);
    obs_int(o, ATTR_MEMORY_PRESSURE, pressure);
}

static const char *disk_key(int n, const char *what, char key[OBS_KEY_MAX])
{
    snprintf(key, OBS_KEY_MAX, ATTR_DISK_N, n, what);
    return key;
}

static void put_disk(struct observation *o, int n, const struct setup_disk *d)
{
    char key[OBS_KEY_MAX];

    obs_str(o, disk_key(n, "controller", key), disk_controller_name(d->controller));
    obs_str(o, disk_key(n, "kind", key), disk_kind_name(d->kind));
    put_number(o, disk_key(n, "number", key), d->number, 0);
    put_number(o, disk_key(n, "location", key), d->location, 0);
    obs_str(o, disk_key(n, "path", key), d->path);
    obs_str(o, disk_key(n, "format", key), d->format);
    if (d->size > 0 && d->size <= INT64_MAX)
        obs_int(o, disk_key(n, "size", key), (int64_t)d->size);
}

static void put_body(struct observation *o, const struct setup_vm *vm)
{
    const char *name = vm->name[0] != '\0' ? vm->name : vm->id;
    int64_t demand, pressure;
    char words[96] = "", generation[32] = "";

    if (vm->generation > 0)
        snprintf(generation, sizeof generation, "generation %d, ", vm->generation);
    if (setup_vm_demand(vm, &demand, &pressure))
        snprintf(words, sizeof words, " (%lld MiB assigned, %lld MiB needed)", (long long)vm->assigned_mib,
                 (long long)demand);
    else if (vm->assigned_mib > 0)
        snprintf(words, sizeof words, " (%lld MiB assigned)", (long long)vm->assigned_mib);
    obs_body(o, "Virtual machine %s: %s%s memory%s, %d disk%s, %d checkpoint%s", name, generation,
             memory_kind_name(vm->memory), words, vm->disk_count, vm->disk_count == 1 ? "" : "s", vm->checkpoints,
             vm->checkpoints == 1 ? "" : "s");
}

void setup_report(struct obs_batch *b, const struct setup_vm *vm, int64_t poll_ns, int64_t now_ns)
{
    struct observation *o = obs_new(b, OBS_GUEST_CONFIGURATION, poll_ns, now_ns);

    o->severity = SEVERITY_INFO;
    obs_str(o, ATTR_VM_ID, vm->id);
    obs_str(o, ATTR_VM_NAME, vm->name);
    put_number(o, ATTR_VM_GENERATION, vm->generation, 1);
    put_number(o, ATTR_VM_PROCESSORS, vm->processors, 1);
    obs_int(o, ATTR_VM_CHECKPOINTS, vm->checkpoints);
    put_memory(o, vm);
    obs_int(o, ATTR_DISKS, vm->disk_count);
    for (int i = 0; i < vm->disk_count && i < CONFIG_DISKS_TOLD; i++)
        put_disk(o, i + 1, &vm->disks[i]);
    put_body(o, vm);
}
