/* Any bytes as WMI's answer about how guests are set up: the first byte names the
 * class, a zero byte ends one class's text and the next names another.  What
 * is joined must be bounded and can be told. */
#include "collectors/setup_poll.h"
#include "collectors/setup_report.h"
#include "plat/wmi_stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLASSES = 7 };

static void check(const struct setup_vm *vm)
{
    int64_t demand, pressure;

    if (!vm->realized || vm->generation < 0 || vm->generation > 2 || vm->disk_count < 0)
        abort();
    if (setup_vm_demand(vm, &demand, &pressure) && (demand < 0 || pressure < 0))
        abort();
    for (int i = 0; i < vm->disk_count; i++) {
        const struct setup_disk *d = &vm->disks[i];

        if ((unsigned)d->controller >= DISK_CONTROLLER_COUNT || (unsigned)d->kind >= DISK_KIND_COUNT ||
            strlen(d->path) > SETUP_PATH_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct setup_poll poll;
    struct obs_batch batch;

    if (setup_poll_init(&poll, NULL) != 0)
        return 0;
    while (size > 0) {
        const char *class_name = wmi_captured_setup_classes[data[0] % CLASSES];
        const uint8_t *end = memchr(data + 1, 0, size - 1);
        size_t len = end != NULL ? (size_t)(end - data - 1) : size - 1;

        setup_poll_take(&poll, class_name, (const char *)data + 1, len, "fuzz");
        data += 1 + len + (end != NULL);
        size -= 1 + len + (end != NULL);
    }
    setup_poll_finish(&poll);
    obs_batch_init(&batch, 64 << 20);
    for (size_t i = 0; i < poll.count; i++) {
        check(&poll.vms[i]);
        setup_vm_hash(&poll.vms[i]);
        setup_report(&batch, &poll.vms[i], 1, 2);
    }
    obs_batch_free(&batch);
    setup_poll_free(&poll);
    return 0;
}
