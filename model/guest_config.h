/* How a VM is set up, in short: the facts that crash stories turn on.
 *
 * Told by hyperv.guest.configuration, which holds a whole look at one VM: what
 * is missing in it was not known then, and an older look does not stand in.  Two
 * sorts of facts are kept of the newest look: the settings, whose unbroken run
 * has a `since`, and what memory was in use at that moment.
 *
 * Facts, and which of them are deduced: collectors/setup_poll.h.
 */
#ifndef MODEL_GUEST_CONFIG_H
#define MODEL_GUEST_CONFIG_H

#include "model/observation.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CONFIG_DISKS_KEPT = 8,  /* of a guest, in the order they were told */
    CONFIG_DISKS_TOLD = 24, /* in one observation; ATTR_DISKS counts all */
};

/* Words: unknown static dynamic */
enum memory_kind { MEMORY_UNKNOWN, MEMORY_STATIC, MEMORY_DYNAMIC, MEMORY_KIND_COUNT };

/* Words: unknown ide scsi */
enum disk_controller { CONTROLLER_UNKNOWN, CONTROLLER_IDE, CONTROLLER_SCSI, DISK_CONTROLLER_COUNT };

/* Words: unknown fixed dynamic differencing physical.  Physical: a disk of the
 * host passed through; the others are files (VHD or VHDX). */
enum disk_kind { DISK_UNKNOWN, DISK_FIXED, DISK_DYNAMIC, DISK_DIFFERENCING, DISK_PHYSICAL, DISK_KIND_COUNT };

struct guest_disk {
    enum disk_controller controller;
    enum disk_kind kind;
};

struct guest_config {
    int64_t time;  /* newest look; 0 none */
    int64_t since; /* first look of the unbroken run with these settings */
    int64_t other; /* newest look with others; 0 never */

    /* Settings; 0 not known. */
    int generation; /* 1, 2 */
    int processors;
    int checkpoints; /* -1 not known */
    enum memory_kind memory;
    int64_t startup_mib, minimum_mib, maximum_mib;
    int disk_count; /* all of them; -1 not known */
    struct guest_disk disks[CONFIG_DISKS_KEPT];

    /* Of the moment; 0 not known, as for a guest that does not run. */
    int64_t assigned_mib;
    int64_t demand_mib;        /* what the guest needs; dynamic memory only */
    bool has_available;        /* whether the next is known */
    int64_t available_percent; /* of the assigned memory; negative: what is short */
};

const char *memory_kind_name(enum memory_kind k);
const char *disk_controller_name(enum disk_controller c);
const char *disk_kind_name(enum disk_kind k);
/* unknown for any other word */
enum disk_controller disk_controller_parse(const char *word);
enum disk_kind disk_kind_parse(const char *word);

void guest_config_init(struct guest_config *c);

/* Takes in a look at time t (above 0).  Idempotent and independent of order, as
 * guest_apply() is. */
void guest_config_take(struct guest_config *c, const struct observation *o, int64_t t);

#endif
