/* Integration components, and whose machine it was.
 *
 * Names of drivers are facts of dumps.md 5.  From Windows 10 and Server 2016 on
 * the components are serviced with Windows, so the build and its update
 * revision are their version; before, only the file's version resource tells.
 */
#include "base/text.h"
#include "triage/classes.h"
#include "triage/dump.h"
#include "triage/facts.h"

enum { SERVICED_SINCE = 10240 }; /* build */

static const char *const guest_side[] = {
    "vmbus.sys", "storvsc.sys",  "netvsc.sys",     "netvsc60.sys", "netvsc63.sys", "vmstorfl.sys",
    "dmvsc.sys", "hyperkbd.sys", "HyperVideo.sys", "VMBusHID.sys", "vmgid.sys",    "vmgencounter.sys",
    "s3cap.sys", "vpci.sys",     "winhv.sys",      "hvsocket.sys", "storflt.sys",  "vmbkmcl.sys",
};

/* Loaded without a guest below Hyper-V too: they make no machine a guest. */
static const char *const guest_weak[] = { "winhv.sys",    "hvsocket.sys", "storflt.sys",
                                          "vmstorfl.sys", "vmbkmcl.sys",  "vmgid.sys" };

/* vid.sys and winhvr.sys are not among them: every Windows 10 and newer loads
 * both, with or without the Hyper-V role. */
static const char *const host_side[] = { "vmbusr.sys", "vmswitch.sys", "storvsp.sys", "vpcivsp.sys" };

static bool listed(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_casecmp(list[i], name) == 0)
            return true;
    return false;
}

#define LISTED(list, name) listed((list), sizeof(list) / sizeof((list)[0]), (name))

static void mark_drivers(struct dump *d, const struct triage_driver **guest, const struct triage_driver **host)
{
    for (size_t i = 0; i < d->v->driver_count; i++) {
        struct triage_driver *m = &d->v->drivers[i];

        m->integration = LISTED(guest_side, m->name);
        m->host_side = LISTED(host_side, m->name);
        m->reproducible = m->has_timestamp && stamp_is_reproducible(d, m, class_is_system_file(m->name));
        if (*guest == NULL && m->integration && !LISTED(guest_weak, m->name))
            *guest = m;
        if (*host == NULL && m->host_side)
            *host = m;
    }
}

void hyperv_role(struct dump *d)
{
    struct triage_verdict *v = d->v;
    const struct triage_driver *guest = NULL, *host = NULL;
    bool vm_maker =
        text_casecmp(v->system_product, "Virtual Machine") == 0 && text_ncasecmp(v->system_maker, "Microsoft", 9) == 0;

    mark_drivers(d, &guest, &host);
    v->role_evidence = "the drivers and the maker are not in this dump";
    if ((guest != NULL || vm_maker) && host != NULL) {
        v->role = ROLE_NESTED_HOST;
        v->role_evidence = dump_textf(d, "%s of a host is loaded in what is a guest itself (%s)", host->name,
                                      guest != NULL ? guest->name : v->system_product);
    } else if (guest != NULL || vm_maker) {
        v->role = ROLE_GUEST;
        if (v->header.build >= SERVICED_SINCE)
            dump_note(d,
                      "Integration components of this build are serviced with Windows: their version is the build's.");
        v->role_evidence = guest != NULL ? dump_textf(d, "%s is loaded", guest->name)
                                         : "the maker is Microsoft, the product Virtual Machine";
    } else if (host != NULL) {
        v->role = ROLE_HOST;
        v->role_evidence = dump_textf(d, "%s is loaded", host->name);
    } else if (v->driver_count > 0) {
        v->role = *v->system_maker != '\0' ? ROLE_PHYSICAL : ROLE_UNKNOWN;
        v->role_evidence = "no Hyper-V driver of either side is loaded";
    }
}
