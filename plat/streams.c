/* The words that event and WMI streams share on every system. */
#include "plat/event_stream.h"
#include "plat/wmi_stream.h"

#include <assert.h>

const char *stream_state_name(enum stream_state s)
{
    static const char *const names[] = {
        [STREAM_ATTACHED] = "attached",
        [STREAM_ABSENT] = "absent",
        [STREAM_NO_PERMISSION] = "no_permission",
        [STREAM_MISCONFIGURED] = "misconfigured",
        [STREAM_UNSUPPORTED] = "unsupported",
        [STREAM_RETRYING] = "retrying",
        [STREAM_HUNG] = "hung",
    };

    assert((size_t)s < sizeof names / sizeof names[0]);
    return names[s];
}

/* hyperv.md B.1 and C.1.  Msvm_ComputerSystem lists the virtual machines; the
 * others are joined to it. */
const char *const wmi_wanted_classes[] = {
    "Msvm_ComputerSystem",
    "Msvm_KvpExchangeComponent",
    "Msvm_HeartbeatComponent",
    "Msvm_ShutdownComponent",
    "Msvm_TimeSyncComponent",
    "Msvm_VssComponent",
    "Msvm_GuestServiceInterfaceComponent",
    "Msvm_RdvComponent",
    "Msvm_SummaryInformation",
    NULL,
};

#define SETUP_CLASSES                                                                       \
    "Msvm_VirtualSystemSettingData", "Msvm_MemorySettingData", "Msvm_ProcessorSettingData", \
        "Msvm_ResourceAllocationSettingData", "Msvm_StorageAllocationSettingData", "Msvm_SummaryInformation"

/* collectors/setup_poll.h says what is read of them. */
const char *const wmi_setup_classes[] = { SETUP_CLASSES, NULL };
const char *const wmi_captured_setup_classes[] = { SETUP_CLASSES, "Msvm_VirtualHardDiskSettingData", NULL };
