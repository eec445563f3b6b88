/* See setup_poll.h: the parts of a poll put together.
 *
 * A VM comes in parts, one an instance; they are sorted by id and merged, of two
 * of one class the first counts.  A disk's controller is found by its chain of
 * parents: the drive, then the controller.
 */
#include "base/text.h"
#include "collectors/mark_bytes.h"
#include "collectors/setup_poll.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 3 };

/* ---- VMs ---------------------------------------------------------------- */

static int by_id_then_order(const void *a, const void *b)
{
    const struct setup_vm *x = a, *y = b;
    int order = strcmp(x->id, y->id);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static void merge_memory(struct setup_vm *into, const struct setup_vm *part)
{
    into->has_memory = true;
    into->memory = part->memory;
    into->startup_mib = part->startup_mib;
    into->minimum_mib = part->minimum_mib;
    into->maximum_mib = part->maximum_mib;
    into->weight = part->weight;
    into->buffer_percent = part->buffer_percent;
}

static void merge_summary(struct setup_vm *into, const struct setup_vm *part)
{
    into->has_summary = true;
    into->assigned_mib = part->assigned_mib;
    into->has_available = part->has_available;
    into->available_percent = part->available_percent;
    into->available_buffer_percent = part->available_buffer_percent;
}

static void merge(struct setup_vm *into, const struct setup_vm *part)
{
    into->checkpoints += part->checkpoints;
    if (part->realized && !into->realized) {
        into->realized = true;
        into->name = part->name;
        into->generation = part->generation;
    }
    if (into->processors == 0)
        into->processors = part->processors;
    if (part->has_memory && !into->has_memory)
        merge_memory(into, part);
    if (part->has_summary && !into->has_summary)
        merge_summary(into, part);
}

/* What the provider says of a VM without dynamic memory is not valid. */
static void settle_memory(struct setup_vm *vm)
{
    if (vm->memory == MEMORY_DYNAMIC && vm->assigned_mib > 0)
        return;
    vm->has_available = false;
    vm->available_percent = vm->available_buffer_percent = 0;
}

static void merge_vms(struct setup_poll *p)
{
    size_t kept = 0;

    if (p->count > 1)
        qsort(p->vms, p->count, sizeof *p->vms, by_id_then_order);
    for (size_t i = 0, next; i < p->count; i = next) {
        struct setup_vm vm = p->vms[i];

        for (next = i + 1; next < p->count && strcmp(p->vms[next].id, vm.id) == 0; next++)
            merge(&vm, &p->vms[next]);
        settle_memory(&vm);
        if (vm.realized)
            p->vms[kept++] = vm;
    }
    p->count = kept;
}

static struct setup_vm *find_vm(struct setup_poll *p, const char *id)
{
    size_t low = 0, high = p->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(p->vms[middle].id, id);

        if (order == 0)
            return &p->vms[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- disks -------------------------------------------------------------- */

/* Files after all others, then by id. */
static int compare_row(bool file, const char *id, const struct setup_row *row)
{
    bool other = row->kind == SETUP_FILE;

    return file != other ? (file ? 1 : -1) : text_casecmp(id, row->id);
}

static int by_row_id(const void *a, const void *b)
{
    const struct setup_row *x = a;

    return compare_row(x->kind == SETUP_FILE, x->id, b);
}

static const struct setup_row *find_row(const struct setup_poll *p, bool file, const char *id)
{
    size_t low = 0, high = id[0] != '\0' ? p->row_count : 0;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_row(file, id, &p->rows[middle]);

        if (order == 0)
            return &p->rows[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct setup_disk disk_of(const struct setup_poll *p, const struct setup_row *row)
{
    const struct setup_row *file = find_row(p, true, row->disk.path), *at = row;
    struct setup_disk d = row->disk;

    d.number = d.location = -1; /* its own are not the controller's */
    for (int i = 0; i < CHAIN_MAX && at != NULL && at->kind != SETUP_CONTROLLER; i++) {
        if (at->kind == SETUP_DRIVE || row->disk.kind == DISK_PHYSICAL)
            d.location = at->disk.location;
        at = find_row(p, false, at->parent);
    }
    if (at != NULL && at->kind == SETUP_CONTROLLER) {
        d.controller = at->disk.controller;
        d.number = at->disk.number;
    }
    if (file != NULL && d.kind != DISK_PHYSICAL) {
        d.kind = file->disk.kind;
        d.format = file->disk.format;
        d.size = file->disk.size;
    }
    return d;
}

static int by_place(const void *a, const void *b)
{
    const struct setup_disk *x = a, *y = b;

    if (x->controller != y->controller)
        return x->controller < y->controller ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (x->location != y->location)
        return x->location < y->location ? -1 : 1;
    return text_casecmp(x->path, y->path);
}

static void count_disks(struct setup_poll *p)
{
    for (size_t i = 0; i < p->row_count; i++) {
        struct setup_vm *vm = p->rows[i].kind == SETUP_DISK ? find_vm(p, p->rows[i].vm_id) : NULL;

        if (vm != NULL)
            vm->disk_count++;
    }
    for (size_t i = 0; i < p->count; i++) {
        struct setup_vm *vm = &p->vms[i];

        vm->disks = vm->disk_count > 0 ? arena_alloc(&p->arena, (size_t)vm->disk_count * sizeof *vm->disks) : NULL;
        if (vm->disk_count > 0 && vm->disks == NULL)
            setup_poll_problem(p, "a poll of more than %d MiB", SETUP_POLL_MAX >> 20);
        vm->disk_count = 0;
    }
}

static void join_disks(struct setup_poll *p)
{
    if (p->row_count > 1)
        qsort(p->rows, p->row_count, sizeof *p->rows, by_row_id);
    count_disks(p);
    for (size_t i = 0; i < p->row_count; i++) {
        struct setup_vm *vm = p->rows[i].kind == SETUP_DISK ? find_vm(p, p->rows[i].vm_id) : NULL;

        if (vm != NULL && vm->disks != NULL)
            vm->disks[vm->disk_count++] = disk_of(p, &p->rows[i]);
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->vms[i].disk_count > 1)
            qsort(p->vms[i].disks, (size_t)p->vms[i].disk_count, sizeof *p->vms[i].disks, by_place);
    }
}

void setup_poll_finish(struct setup_poll *p)
{
    merge_vms(p);
    join_disks(p);
}

/* ---- what is worth telling ---------------------------------------------- */

bool setup_vm_demand(const struct setup_vm *vm, int64_t *demand_mib, int64_t *pressure_percent)
{
    if (!vm->has_available)
        return false;
    *pressure_percent = 100 - vm->available_percent;
    *demand_mib = vm->assigned_mib * *pressure_percent / 100;
    return true;
}

/* Its three highest binary digits. */
static int64_t coarse(int64_t n)
{
    int shift = 0;

    while (n >> shift >= 8)
        shift++;
    return n >> shift << shift;
}

static uint64_t hash_text(uint64_t h, const char *text)
{
    return mark_hash(h, text, strlen(text) + 1);
}

static uint64_t hash_disk(uint64_t h, const struct setup_disk *d)
{
    int64_t numbers[] = { d->controller, d->kind, d->number, d->location, (int64_t)d->size };

    return hash_text(hash_text(mark_hash(h, numbers, sizeof numbers), d->path), d->format);
}

uint64_t setup_vm_hash(const struct setup_vm *vm)
{
    int64_t demand = 0, pressure = 0;
    bool known = setup_vm_demand(vm, &demand, &pressure);
    int64_t numbers[] = {
        vm->generation,           vm->processors,  vm->checkpoints, vm->memory,         vm->startup_mib,
        vm->minimum_mib,          vm->maximum_mib, vm->weight,      vm->buffer_percent, vm->disk_count,
        coarse(vm->assigned_mib), known,           coarse(demand),  pressure > 100,
    };
    uint64_t h = hash_text(mark_hash(MARK_HASH_START, numbers, sizeof numbers), vm->name);

    for (int i = 0; i < vm->disk_count; i++)
        h = hash_disk(h, &vm->disks[i]);
    return h;
}
