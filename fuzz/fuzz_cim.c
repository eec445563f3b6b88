/* CIM XML as a class file of any class, and what is made of it: the text's
 * encoding, the instances, the embedded items, the join, the observations.
 * The first byte chooses the class and the properties that are asked for. */
#include "collectors/cim_xml.h"
#include "collectors/kvp_poll.h"
#include "collectors/kvp_report.h"
#include "plat/wmi_stream.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(const struct kvp_item_pair *item)
{
    assert(item->name_len > 0 && strlen(item->name) == item->name_len);
    assert(item->value_len > 0 && strlen(item->value) == item->value_len);
}

static void check_vm(const struct kvp_vm *vm)
{
    assert(strlen(vm->id) == GUID_TEXT_MAX - 1);
    assert(vm->intrinsic.count <= KVP_INTRINSIC_MAX + KVP_ITEM_COUNT && vm->custom.count <= KVP_CUSTOM_MAX);
    for (int i = 0; i < vm->intrinsic.count; i++)
        check_item(&vm->intrinsic.list[i]);
    for (int i = 0; i < vm->custom.count; i++)
        check_item(&vm->custom.list[i]);
}

static void take(struct kvp_poll *poll, const char *class_name, const uint8_t *data, size_t size)
{
    kvp_poll_reset(poll);
    kvp_poll_take(poll, class_name, (const char *)data, size, "fuzz");
    kvp_poll_finish(poll);
}

/* A second poll of the same text is made from what the first remembers, and
 * must say the same. */
static void check_again(struct kvp_poll *poll, const char *class_name, const uint8_t *data, size_t size)
{
    size_t count = poll->count;
    uint64_t hash = 0;

    for (size_t i = 0; i < count; i++)
        hash = hash * 31 + poll->vms[i].hash;
    take(poll, class_name, data, size);
    assert(poll->count == count);
    for (size_t i = 0, again = 0; i < count; i++) {
        again = again * 31 + poll->vms[i].hash;
        assert(i + 1 < count || again == hash);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kvp_poll poll;
    struct obs_batch batch;
    const char *class_name;
    int classes = 0;

    while (wmi_wanted_classes[classes] != NULL)
        classes++;
    if (size == 0 || kvp_poll_init(&poll, NULL, NULL) != 0)
        return 0;
    class_name = wmi_wanted_classes[data[0] % classes];
    obs_batch_init(&batch, 64 << 20);
    take(&poll, class_name, data + 1, size - 1);
    for (size_t i = 0; i < poll.count; i++) {
        check_vm(&poll.vms[i]);
        kvp_report_guest(&batch, &poll.vms[i], (struct kvp_times){ .poll_ns = 1, .now_ns = 2 });
    }
    check_again(&poll, class_name, data + 1, size - 1);
    kvp_poll_free(&poll);
    obs_batch_free(&batch);
    return 0;
}
