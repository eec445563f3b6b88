/* Who is watched, and how a rule is found.  See event_rules.h.
 *
 * Guest-side providers are left alone even when a host logs them (a nested
 * host, or the System log of a guest that was put into a bundle): what they say
 * is about the machine as a guest, and would be counted against its own guests.
 */
#include "collectors/event_rules.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

/* clang-format off */

/* Of ours: what no rule fits is kept raw.  Of others: only what has a rule.
 * Drivers log to the System log under their own name. */
#define OURS(n, s, l)   { .name = (n), .watch = WATCH_RAW, .service = (s), .rules = (l) }
#define OURS_ALL(n)     { .name = (n), .watch = WATCH_RAW, .is_prefix = true }
#define OTHERS(n, l)    { .name = (n), .watch = WATCH_RULES, .rules = (l) }
#define DRIVER(n, l) { .name = (n), .watch = WATCH_RULES, .is_driver = true, .rules = (l) }
#define DRIVERS(n, l) { .name = (n), .watch = WATCH_RULES, .is_prefix = true, .is_driver = true, .rules = (l) }
#define NOT_HOST(n, p, w) { .name = (n), .watch = WATCH_NOT, .is_prefix = (p), .why = (w) }

const struct event_provider event_providers[] = {
    OURS("Hyper-V-Worker", NULL, &rules_worker),
    OURS("Hyper-V-VMMS", NULL, &rules_vmms),
    OURS("Hyper-V-Integration", NULL, &rules_integration),
    OURS("Hyper-V-Integration-KvpExchange", "Hyper-V Data Exchange", &rules_ic_kvp),
    OURS("Hyper-V-Integration-Shutdown", "Hyper-V Guest Shutdown", &rules_ic_shutdown),
    OURS("Hyper-V-Integration-TimeSync", "Hyper-V Time Synchronization", &rules_ic_time_sync),
    OURS("Hyper-V-Integration-VSS", "Hyper-V Volume Shadow Copy Requestor", &rules_ic_vss),
    OURS("Hyper-V-Integration-RDV", "Hyper-V Rdv Transport Service", &rules_ic_rdv),
    OURS("Hyper-V-Integration-GuestInterface", "Hyper-V Guest Service Interface", &rules_ic_guest_interface),
    OURS("Hyper-V-StorageVSP", NULL, &rules_storage_vsp),
    OURS("Hyper-V-VmSwitch", NULL, &rules_vm_switch),
    OURS("Hyper-V-VmbusVdev", NULL, &rules_vmbus_device),
    OURS("Hyper-V-Chipset", NULL, &rules_chipset),
    OURS("Hyper-V-SynthStor", NULL, &rules_synth_stor),
    OURS("Hyper-V-Shared-VHDX", NULL, &rules_shared_vhdx),
    OURS("Hyper-V-High-Availability", NULL, &rules_high_availability),
    OURS("Hyper-V-CrashDump", NULL, &rules_crash_dump),
    NOT_HOST("Hyper-V-Netvsc", false, "the network adapter of a guest, logged by the guest"),
    NOT_HOST("Hyper-V-Guest-Drivers-", true, "the guest's end of the integration services, logged by the guest"),
    OURS_ALL("Hyper-V-"),
    OURS("FailoverClustering", NULL, &rules_clustering),
    OTHERS("SMBClient", &rules_smb_client),
    OTHERS("StorPort", &rules_stor_port),
    OTHERS("VHDMP", &rules_vhdmp),
    OTHERS("disk", &rules_disk),
    DRIVER("VMSMP", &rules_vm_switch_2008),
    DRIVER("storvsp", &rules_storage_vsp_2012),
    /* Storage miniports: each logs 129 under its own name. */
    DRIVERS("stor", &rules_miniport), /* storvsc, stornvme, storahci, storufs */
    DRIVERS("iaStor", &rules_miniport),
    DRIVERS("lsi_", &rules_miniport),
    DRIVERS("megasas", &rules_miniport),
    DRIVERS("percsas", &rules_miniport),
    DRIVERS("HpSA", &rules_miniport),
    DRIVERS("smartpqi", &rules_miniport),
    DRIVERS("arcsas", &rules_miniport),
    DRIVERS("adp", &rules_miniport),
    DRIVERS("ql2", &rules_miniport),
    DRIVERS("elx", &rules_miniport),
    DRIVERS("bfad", &rules_miniport),
    DRIVERS("amds", &rules_miniport),
    DRIVERS("nvstor", &rules_miniport),
    DRIVERS("mpi3drv", &rules_miniport),
    DRIVERS("nvme", &rules_miniport),
    DRIVER("iScsiPrt", &rules_miniport),
    DRIVER("pvscsi", &rules_miniport),
    DRIVER("vioscsi", &rules_miniport),
    DRIVER("viostor", &rules_miniport),
};
const size_t event_provider_count = sizeof event_providers / sizeof event_providers[0];

static const char phase[] = "a phase of a live migration whose start and end have rules";
static const char trace[] = "a trace line of the developers";

const struct event_noise event_noise[] = {
    { "Hyper-V-Integration", 3584, 3587, ON_ALL, trace },
    { "Hyper-V-Chipset", 1500, 1530, ON_2016, trace },
    { "Hyper-V-VmbusVdev", 1500, 1530, ON_2016, trace },
    { "Hyper-V-DynMem", 1500, 1530, ON_2016, trace },
    { "Hyper-V-EmulatedDevices", 1500, 1530, ON_2016, trace },
    { "Hyper-V-Debug", 1500, 1530, ON_2016, trace },
    { "Hyper-V-Config", 256, 2051, ON_ALL, trace },
    { "Hyper-V-EmulatedNic", 1, 4, ON_FROM_2012, trace },
    { "Hyper-V-EmulatedStor", 1, 4, ON_2016, trace },
    { "Hyper-V-High-Availability", 21000, 21003, ON_ALL, trace },
    { "Hyper-V-Worker", 21302, 21349, ON_ALL, phase },
    { "Hyper-V-Worker", 21352, 21398, ON_ALL, phase },
    { "Hyper-V-VID", 5001, 5014, ON_FROM_2012, "the accounting of a partition's pages" },
    { "FailoverClustering", 2049, 2052, ON_ALL, trace },
    { "FailoverClustering", 4096, 4118, ON_ALL, "the network driver's internal steps" },
};
const size_t event_noise_count = sizeof event_noise / sizeof event_noise[0];

/* clang-format on */

static const char *without_vendor(const char *name)
{
    static const char vendor[] = "Microsoft-Windows-";
    size_t n = sizeof vendor - 1;

    return text_ncasecmp(name, vendor, n) == 0 ? name + n : name;
}

const struct event_provider *event_provider_find(const char *name)
{
    const char *bare = without_vendor(name);

    for (size_t i = 0; i < event_provider_count; i++) {
        const struct event_provider *p = &event_providers[i];

        if (p->is_driver && bare != name)
            continue;
        if (p->is_prefix ? text_ncasecmp(bare, p->name, strlen(p->name)) == 0 : text_casecmp(bare, p->name) == 0)
            return p;
    }
    return NULL;
}

const struct event_rule *event_rules_find(const struct event_provider *provider, uint32_t id, size_t *count)
{
    const struct event_rule_list *list = provider->rules;
    size_t low = 0, high = list != NULL ? list->count : 0, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->rules[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    end = low;
    while (list != NULL && end < list->count && list->rules[end].id == id)
        end++;
    *count = end - low;
    return *count > 0 ? &list->rules[low] : NULL;
}

unsigned event_host_bit(enum host_generation host)
{
    switch (host) {
    case HOST_2008:
    case HOST_2008R2:
        return ON_2008R2;
    case HOST_2012:
    case HOST_2012R2:
        return ON_2012;
    case HOST_2016UP:
        return ON_2016;
    case HOST_UNKNOWN:
        break;
    }
    return ON_ALL;
}

bool event_is_noise(const char *provider, uint32_t id, enum host_generation host)
{
    unsigned on = event_host_bit(host);

    provider = without_vendor(provider);
    for (size_t i = 0; i < event_noise_count; i++) {
        const struct event_noise *n = &event_noise[i];

        if (id >= n->from && id <= n->to && (n->hosts & on) != 0 &&
            text_ncasecmp(provider, n->provider, strlen(n->provider)) == 0)
            return true;
    }
    return false;
}
