/* 0x9F: whose hands the power request is in.
 *
 * IRP, DEVICE_OBJECT and DRIVER_OBJECT have the same layout in all x64 Windows
 * since drivers are written against it (dumps.md 3.7).  Parameter 4 is the IRP;
 * its current stack location names the device that has not answered, whose
 * driver object names the image.  Parameter 2 is the device at the bottom of
 * that stack.
 */
#include "triage/bytes.h"
#include "triage/special.h"

#include <inttypes.h>

enum {
    IRP_SIZE = 0xD0,
    IRP_TYPE = 6,
    IRP_STACK_COUNT = 0x42,
    IRP_CURRENT = 0x43,
    LOCATION_SIZE = 0x48,
    LOCATION_MAJOR = 0,
    LOCATION_DEVICE = 0x28,
    LOCATIONS_MAX = 64,
    DEVICE_DRIVER = 0x08,
    DRIVER_START = 0x18,
    SUBTYPE_IRP = 3,
};

/* The loaded driver a DEVICE_OBJECT belongs to, or -1. */
static int driver_of_device(struct dump *d, uint64_t device)
{
    uint64_t object = 0, start = 0;

    if (!vmem_is_kernel(&d->vm, device) || !vmem_u64(&d->vm, device + DEVICE_DRIVER, &object) ||
        !vmem_is_kernel(&d->vm, object) || !vmem_u64(&d->vm, object + DRIVER_START, &start))
        return -1;
    return dump_driver_at(d, start);
}

struct request {
    uint64_t va;
    unsigned locations, current;
    int holder; /* driver of the current location */
};

static bool read_request(struct dump *d, uint64_t va, struct request *out)
{
    unsigned char irp[IRP_SIZE], location[LOCATION_SIZE];

    *out = (struct request){ .va = va, .holder = -1 };
    if (!vmem_is_kernel(&d->vm, va) || !vmem_get(&d->vm, va, irp, sizeof irp) || le16(irp) != IRP_TYPE)
        return false;
    out->locations = irp[IRP_STACK_COUNT];
    out->current = irp[IRP_CURRENT];
    if (out->locations == 0 || out->locations > LOCATIONS_MAX || out->current == 0 || out->current > out->locations + 1)
        return false;
    if (out->current <= out->locations &&
        vmem_get(&d->vm, va + IRP_SIZE + (uint64_t)(out->current - 1) * LOCATION_SIZE, location, sizeof location))
        out->holder = driver_of_device(d, le64(location + LOCATION_DEVICE));
    return true;
}

/* The drivers of all locations, for the notes. */
static void note_locations(struct dump *d, const struct request *q)
{
    for (unsigned i = q->locations; i >= 1; i--) {
        unsigned char location[LOCATION_SIZE];
        int driver;

        if (!vmem_get(&d->vm, q->va + IRP_SIZE + (uint64_t)(i - 1) * LOCATION_SIZE, location, sizeof location))
            return;
        driver = driver_of_device(d, le64(location + LOCATION_DEVICE));
        if (driver >= 0)
            dump_note(d, "IRP location %u%s: major function 0x%02x at %s.", i, i == q->current ? " (current)" : "",
                      location[LOCATION_MAJOR], d->v->drivers[driver].name);
    }
}

bool irp_blame(struct dump *d)
{
    const uint64_t *p = d->v->header.params;
    struct request q;
    int bottom;

    if (d->v->header.arch != DUMP_ARCH_X64 || p[0] != SUBTYPE_IRP)
        return false;
    bottom = driver_of_device(d, p[1]);
    if (!read_request(d, p[3], &q) || q.holder < 0) {
        if (bottom < 0)
            return false;
        culprit_set(d, TRIAGE_DRIVER, NULL, bottom, TRIAGE_GUESS,
                    dump_textf(d,
                               "the device at parameter 2 belongs to %s; the request at parameter 4 is not in the dump",
                               d->v->drivers[bottom].name));
        return true;
    }
    note_locations(d, &q);
    culprit_set(d, TRIAGE_DRIVER, NULL, q.holder, TRIAGE_LIKELY,
                dump_textf(d,
                           "the power request at parameter 4 (IRP 0x%" PRIx64
                           ") is pending at %s; the device at parameter 2 belongs to %s",
                           q.va, d->v->drivers[q.holder].name,
                           bottom >= 0 ? d->v->drivers[bottom].name : "a driver not in the dump"));
    return true;
}
