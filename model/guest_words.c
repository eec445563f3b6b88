/* The words that stand for the enums of guest.h on the wire, in stores and in
 * reports, and what they are called where they come from. */
#include "model/guest.h"

#include <assert.h>
#include <string.h>

static const char *const powers[POWER_COUNT] = {
    [POWER_UNKNOWN] = "unknown", [POWER_RUNNING] = "running",   [POWER_OFF] = "off",           [POWER_SAVED] = "saved",
    [POWER_PAUSED] = "paused",   [POWER_STARTING] = "starting", [POWER_STOPPING] = "stopping", [POWER_OTHER] = "other",
};

static const struct {
    const char *word, *class;
} components[IC_COUNT] = {
    [IC_HEARTBEAT] = { "heartbeat", "Msvm_HeartbeatComponent" },
    [IC_KVP] = { "kvp", "Msvm_KvpExchangeComponent" },
    [IC_SHUTDOWN] = { "shutdown", "Msvm_ShutdownComponent" },
    [IC_TIMESYNC] = { "timesync", "Msvm_TimeSyncComponent" },
    [IC_VSS] = { "vss", "Msvm_VssComponent" },
    [IC_GUEST_SERVICE] = { "guest-service", "Msvm_GuestServiceInterfaceComponent" },
    [IC_RDV] = { "rdv", "Msvm_RdvComponent" },
};

static const char *const signals[MISMATCH_COUNT] = {
    [MISMATCH_IC_INCOMPATIBLE] = "ic-incompatible",
    [MISMATCH_IC_COMPATIBLE] = "ic-compatible",
    [MISMATCH_KVP_OLDER] = "kvp-older",
    [MISMATCH_DEVICE_INCOMPATIBLE] = "device-incompatible",
    [MISMATCH_DEVICE_COMPATIBLE] = "device-compatible",
};

static const char *const states[DRIFT_STATE_COUNT] = {
    [DRIFT_UNKNOWN] = "unknown",
    [DRIFT_CURRENT] = "current",
    [DRIFT_BEHIND] = "behind",
    [DRIFT_BEHIND_PROTOCOL] = "behind-protocol",
    [DRIFT_INCOMPATIBLE] = "incompatible",
    [DRIFT_NEWER_THAN_HOST] = "newer-than-host",
    [DRIFT_INBOX_BEHIND_PEERS] = "inbox-behind-peers",
    [DRIFT_NOT_APPLICABLE] = "not-applicable",
};

static const char *const families[] = {
    [FAMILY_UNKNOWN] = "unknown",
    [FAMILY_WINDOWS] = "windows",
    [FAMILY_LINUX] = "linux",
    [FAMILY_BSD] = "bsd",
};

/* hyperv.md B.3 */
static const char *const items[KVP_ITEM_COUNT] = {
    [KVP_FQDN] = "FullyQualifiedDomainName", [KVP_OS_NAME] = "OSName",
    [KVP_OS_VERSION] = "OSVersion",          [KVP_OS_BUILD] = "OSBuildNumber",
    [KVP_OS_PLATFORM_ID] = "OSPlatformId",   [KVP_ARCHITECTURE] = "ProcessorArchitecture",
    [KVP_CSD_VERSION] = "CSDVersion",        [KVP_IS_VERSION] = "IntegrationServicesVersion",
};

/* The place of word among count words, or -1. */
static int look_up(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

const char *guest_power_name(enum guest_power p)
{
    assert(p >= 0 && p < POWER_COUNT);
    return powers[p];
}

enum guest_power guest_power_parse(const char *word)
{
    int i = look_up(powers, POWER_COUNT, word);

    if (i >= 0)
        return (enum guest_power)i;
    return word[0] == '\0' ? POWER_UNKNOWN : POWER_OTHER;
}

const char *ic_component_name(enum ic_component c)
{
    assert(c >= 0 && c < IC_COUNT);
    return components[c].word;
}

const char *ic_component_class(enum ic_component c)
{
    assert(c >= 0 && c < IC_COUNT);
    return components[c].class;
}

const char *mismatch_signal_name(enum mismatch_signal s)
{
    assert(s >= 0 && s < MISMATCH_COUNT);
    return signals[s];
}

bool mismatch_signal_parse(const char *word, enum mismatch_signal *out)
{
    int i = look_up(signals, MISMATCH_COUNT, word);

    if (i >= 0)
        *out = (enum mismatch_signal)i;
    return i >= 0;
}

const char *drift_state_name(enum drift_state s)
{
    assert(s >= 0 && s < DRIFT_STATE_COUNT);
    return states[s];
}

bool drift_state_parse(const char *word, enum drift_state *out)
{
    int i = look_up(states, DRIFT_STATE_COUNT, word);

    if (i >= 0)
        *out = (enum drift_state)i;
    return i >= 0;
}

const char *guest_family_name(enum guest_family f)
{
    assert(f >= 0 && f <= FAMILY_BSD);
    return families[f];
}

const char *kvp_item_name(enum kvp_item i)
{
    assert(i >= 0 && i < KVP_ITEM_COUNT);
    return items[i];
}

bool kvp_decides_drift(const char *name)
{
    int i = look_up(items, KVP_ITEM_COUNT, name);

    return i >= 0 && i != KVP_FQDN;
}
