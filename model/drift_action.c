/* What to do about each state, in one sentence that is right for the guest's
 * operating system and its host (hyperv.md C.3: the setup disk up to 2012 R2
 * hosts, Windows Update or the named KB on later ones, nothing for Linux). */
#include "model/drift_inputs.h"

#include <assert.h>

enum means {
    BY_DISK,        /* Integration Services Setup Disk */
    BY_UPDATE,      /* Windows Update: integration services are part of the OS */
    BY_KB4072650,   /* 2008 R2 SP1 and 2012 R2 guests on 2016 and later */
    BY_KB3063109,   /* 2012 guests there */
    BY_REPLACEMENT, /* 2008 and older there */
    BY_PACKAGES,    /* Linux, BSD */
    BY_UNKNOWN,
    MEANS_COUNT
};

static enum means means_of_windows(const struct drift_inputs *in)
{
    bool old_host = drift_host_expects(in);

    if (!in->os_known)
        return old_host ? BY_DISK : BY_UNKNOWN;
    if (in->os.part[0] >= 10)
        return old_host && in->generation != HOST_2012R2 ? BY_DISK : BY_UPDATE;
    if (old_host)
        return BY_DISK;
    if (in->generation == HOST_UNKNOWN)
        return BY_UNKNOWN;
    if (in->os.part[0] < 6 || in->os.part[1] == 0)
        return BY_REPLACEMENT;
    return in->os.part[1] == 2 ? BY_KB3063109 : BY_KB4072650;
}

static enum means means_of(const struct drift_inputs *in)
{
    if (in->family == FAMILY_LINUX || in->family == FAMILY_BSD)
        return BY_PACKAGES;
    return means_of_windows(in);
}

#define DISK \
    "insert the Integration Services Setup Disk (VM connection window, Action menu), run its setup in the guest"
#define KB(number)                                                                                              \
    "install " number " in the guest (Windows Update offers it while the Data Exchange service is enabled) and" \
    " restart it"
#define REPLACE "this Windows has no integration services for this host: move its work to a newer Windows"
#define ASK     "find out which Windows the guest runs (Data Exchange service), then update its integration services"

static const char *const behind[MEANS_COUNT] = {
    [BY_DISK] = "When the guest has its next maintenance window, " DISK " and restart it.",
    [BY_UPDATE] = "Install the pending Windows updates in the guest: its integration services come with them.",
    [BY_KB4072650] = "When the guest has its next maintenance window, " KB("KB4072650") ".",
    [BY_KB3063109] = "When the guest has its next maintenance window, " KB("KB3063109") ".",
    [BY_REPLACEMENT] = "Plan to retire the guest: " REPLACE ".",
    [BY_PACKAGES] = "Nothing to do: the guest's package manager updates its drivers.",
    [BY_UNKNOWN] = "When there is time, " ASK ".",
};

static const char *const behind_protocol[MEANS_COUNT] = {
    [BY_DISK] = "Soon, because host and guest fall back to an older protocol: " DISK " and restart it.",
    [BY_UPDATE] = "Soon: install the pending Windows updates in the guest and restart it; host and guest fall back to"
                  " an older protocol.",
    [BY_KB4072650] = "Soon, because host and guest fall back to an older protocol: " KB("KB4072650") ".",
    [BY_KB3063109] = "Soon, because host and guest fall back to an older protocol: " KB("KB3063109") ".",
    [BY_REPLACEMENT] = "Soon: " REPLACE ".",
    [BY_PACKAGES] = "Nothing to do: Linux and BSD negotiate older protocols by design.",
    [BY_UNKNOWN] = "Soon: " ASK ".",
};

static const char *const incompatible[MEANS_COUNT] = {
    [BY_DISK] = "Now, because a service or device of the guest does not work: " DISK " and restart it.",
    [BY_UPDATE] = "Now: install the pending Windows updates in the guest and restart it; a service or device does not"
                  " work.",
    [BY_KB4072650] = "Now, because a service or device of the guest does not work: " KB("KB4072650") ".",
    [BY_KB3063109] = "Now, because a service or device of the guest does not work: " KB("KB3063109") ".",
    [BY_REPLACEMENT] = "Now: " REPLACE "; a service or device does not work.",
    [BY_PACKAGES] = "Now: update the guest's kernel or its Hyper-V packages; a service or device does not work.",
    [BY_UNKNOWN] = "Now, because a service or device of the guest does not work: " ASK ".",
};

static const char *unknown_action(const struct drift_inputs *in, int row)
{
    if (row == 1)
        return "Nothing to do while the VM is not running: it is judged when it runs again.";
    if (row == 4)
        return "Enable the VM's Data Exchange integration service, and see that its service runs in the guest.";
    if (row == 5)
        return "Find out why the host's expected version cannot be read (registry key GuestInstaller\\Version).";
    if (in->generation == HOST_UNKNOWN)
        return "See that the agent on the guest's host runs and reports its OS version.";
    return "Look at the raw values below; a VM that has just started is judged after the next poll.";
}

/* Where it does not matter how the guest gets its integration services. */
static const char *const by_state[DRIFT_STATE_COUNT] = {
    [DRIFT_CURRENT] = "Nothing to do.",
    [DRIFT_NEWER_THAN_HOST] = "Nothing to do in the guest: bring the host to the update level of the other hosts of"
                              " its cluster.",
    [DRIFT_INBOX_BEHIND_PEERS] = "Install the newest cumulative update in the guest: others of its build have newer"
                                 " integration services.",
    [DRIFT_NOT_APPLICABLE] = "Nothing to do: Linux and BSD bring their own integration services and update them as"
                             " packages.",
};

static const char *const *const by_means[DRIFT_STATE_COUNT] = {
    [DRIFT_BEHIND] = behind,
    [DRIFT_BEHIND_PROTOCOL] = behind_protocol,
    [DRIFT_INCOMPATIBLE] = incompatible,
};

const char *drift_action(const struct drift_inputs *in, enum drift_state state, int row)
{
    assert(state >= 0 && state < DRIFT_STATE_COUNT);
    if (state == DRIFT_UNKNOWN)
        return unknown_action(in, row);
    return by_means[state] != NULL ? by_means[state][means_of(in)] : by_state[state];
}
