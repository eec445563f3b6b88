/* How guests are set up, as a source: hyperv.guest.configuration for each VM
 * whose settings have changed since they were told, and for each at least
 * once in refresh_ns.
 *
 * It is a source of its own and not a part of the KVP poll, because it asks the
 * provider for much and looks into the files of virtual disks: its beat is slow, and
 * a storage that stalls holds up this source and nothing else.
 */
#ifndef COLLECTORS_SETUP_H
#define COLLECTORS_SETUP_H

#include "collectors/source.h"
#include "plat/clock.h"
#include "plat/files.h"
#include "plat/wmi_stream.h"

struct setup_options {
    const char *name;          /* of the source; copied */
    struct wmi_stream *stream; /* over wmi_setup_classes; owned and closed, on error the caller's still */
    const struct clock *clock;
    /* Through which the heads of virtual disks are read to know their kind; NULL: not at
     * all, as in a capture, whose paths are another machine's. */
    const struct files *disks;
    int64_t interval_ns, refresh_ns;
};

MUST_USE int setup_source_new(const struct setup_options *options, struct source **out, struct err *e);

#endif
