/* Lines of ESXi logs, the head of a vmware.log and a mark: whatever they hold,
 * they are read within their bounds. */
#include "collectors/esxi_rules.h"
#include "collectors/esxi_tail.h"
#include "collectors/esxi_vm.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_lines(const char *text, size_t size)
{
    struct obs_batch batch;

    obs_batch_init(&batch, 1 << 20);
    for (int log = 0; log < ESXI_LOGS; log++) {
        struct esxi_crash_line crash;
        const char *why = NULL;

        if (esxi_take_line((enum esxi_log)log, (struct esxi_line){ text, size }, 1, &batch, &why) == ESXI_UNREADABLE)
            assert(why != NULL);
        if (esxi_crash_line((struct esxi_line){ text, size }, &crash, &why) == ESXI_TAKEN)
            assert(crash.reg >= 0 && crash.reg < CRASH_REGISTERS);
    }
    obs_batch_free(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char canonical[GUID_TEXT_MAX];
    struct esxi_mark mark;
    struct esxi_vm vm;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    take_lines(text, size);
    esxi_vm_of(text, size, "host", "folder", &vm);
    assert(guid_parse(vm.vm_id, strlen(vm.vm_id), canonical) && strcmp(canonical, vm.vm_id) == 0);
    if (esxi_mark_parse(text, &mark))
        assert(mark.tail_len <= mark.offset);
    free(text);
    return 0;
}
