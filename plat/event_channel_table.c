/* See event_channel_table.h.  The names differ between host versions, so a
 * host has some of them; which, it is asked. */
#include "plat/event_channel_table.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

#define VENDOR "Microsoft-Windows-"
#define HYPERV VENDOR "Hyper-V-"

/* The System log is everybody's; what of it is ours.  129 comes from the storage
 * miniports, each under its own name. */
static const struct channel_pick system_picks[] = {
    { VENDOR "FailoverClustering", { 0 } },
    { VENDOR "Hyper-V-Hypervisor", { 0 } },
    { VENDOR "Hyper-V-VmSwitch", { 0 } },
    { VENDOR "Hyper-V-StorageVSP", { 0 } },
    { VENDOR "StorPort", { 0 } },
    { "VMSMP", { 0 } },
    { "storvsp", { 0 } },
    { "disk", { 51, 153 } },
    { NULL, { 129 } },
    { NULL, { 0 } },
};

static const struct channel_pick smb_picks[] = {
    { VENDOR "SMBClient", { 30803, 30804, 30805, 30806, 30807, 30808, 30809 } },
    { NULL, { 0 } },
};

static const struct channel_pick storport_picks[] = {
    { VENDOR "StorPort", { 500, 501, 502, 503, 504, 505, 507, 508, 549, 554, 557 } },
    { NULL, { 0 } },
};

/* The rest of it is every mount of a virtual disk. */
static const struct channel_pick vhdmp_picks[] = {
    { VENDOR "VHDMP", { 100, 101, 102, 110, 111, 112 } },
    { NULL, { 0 } },
};

const struct wanted_channel wanted_channels[] = {
    { HYPERV "Worker-Admin", NULL },
    { HYPERV "Worker-Operational", NULL },
    { HYPERV "VMMS-Admin", NULL },
    { HYPERV "VMMS-Operational", NULL },
    { HYPERV "VMMS-Networking", NULL },
    { HYPERV "VMMS-Storage", NULL },
    { HYPERV "Integration-Admin", NULL },
    { HYPERV "Config-Admin", NULL },
    { HYPERV "High-Availability-Admin", NULL },
    { HYPERV "Hypervisor-Admin", NULL },
    { HYPERV "Hypervisor-Operational", NULL },
    { HYPERV "StorageVSP-Admin", NULL },
    { HYPERV "VID-Admin", NULL },
    { HYPERV "VmSwitch-Operational", NULL },
    { HYPERV "Compute-Admin", NULL },
    { HYPERV "Compute-Operational", NULL },
    { HYPERV "SynthNic-Admin", NULL },
    { HYPERV "SynthStor-Admin", NULL },
    { HYPERV "SynthStor-Operational", NULL },
    { HYPERV "SynthFc-Admin", NULL },
    { HYPERV "Shared-VHDX/Operational", NULL },
    { VENDOR "FailoverClustering/Operational", NULL },
    { VENDOR "SMBClient/Connectivity", smb_picks },
    { VENDOR "SMBClient/Operational", smb_picks },
    { VENDOR "StorPort/Operational", storport_picks },
    { VENDOR "StorPort/Health", storport_picks },
    { VENDOR "VHDMP-Operational", vhdmp_picks },
    { "System", system_picks },
};
const size_t wanted_channel_count = sizeof wanted_channels / sizeof wanted_channels[0];

/* One spelling for both: the last '-' or '/' of a name is the same character. */
static bool is_same_name(const char *a, const char *b)
{
    size_t n = strlen(a), stem = n;

    while (stem > 0 && a[stem - 1] != '-' && a[stem - 1] != '/')
        stem--;
    if (strlen(b) != n)
        return false;
    if (stem == 0)
        return text_casecmp(a, b) == 0;
    return text_ncasecmp(a, b, stem - 1) == 0 && (b[stem - 1] == '-' || b[stem - 1] == '/') &&
           text_casecmp(a + stem, b + stem) == 0;
}

const struct wanted_channel *channel_wanted(const char *name)
{
    for (size_t i = 0; i < wanted_channel_count; i++) {
        if (is_same_name(wanted_channels[i].name, name))
            return &wanted_channels[i];
    }
    return NULL;
}

static void add_ids(const struct channel_pick *pick, struct buf *out)
{
    for (int i = 0; i < CHANNEL_PICK_IDS && pick->ids[i] != 0; i++)
        buf_printf(out, "%sEventID=%d", i > 0 ? " or " : "", pick->ids[i]);
}

static void add_select(const char *channel, const struct channel_pick *pick, struct buf *out)
{
    buf_printf(out, "<Select Path=\"%s\">*[System[", channel);
    if (pick->provider != NULL)
        buf_printf(out, "Provider[@Name='%s']", pick->provider);
    if (pick->provider != NULL && pick->ids[0] != 0)
        buf_str(out, " and ");
    if (pick->ids[0] != 0) {
        buf_char(out, '(');
        add_ids(pick, out);
        buf_char(out, ')');
    }
    buf_str(out, "]]</Select>");
}

bool channel_query(const char *name, struct buf *out)
{
    const struct wanted_channel *wanted = channel_wanted(name);
    const struct channel_pick *pick;

    if (wanted == NULL || wanted->picks == NULL) {
        buf_char(out, '*');
        return false;
    }
    assert(strpbrk(name, "<>&\"'") == NULL); /* it has the letters of a name of the table */
    buf_str(out, "<QueryList><Query Id=\"0\">");
    for (pick = wanted->picks; pick->provider != NULL || pick->ids[0] != 0; pick++)
        add_select(name, pick, out);
    buf_str(out, "</Query></QueryList>");
    return true;
}
