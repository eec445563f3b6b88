/* A bundle: a folder of captured host data (docs/bundle.md), or a .tar.gz of
 * one, opened as the sources of one host.
 *
 *   host.yaml   events/ (.evtx, .xml)   kvp/<Class>[.<time>].xml   dumps/
 *   esxi/ (hostd.log, vmkernel.log, vobd.log, <vm>/vmware.log)
 */
#ifndef COLLECTORS_BUNDLE_H
#define COLLECTORS_BUNDLE_H

#include "collectors/dumps.h"
#include "collectors/source.h"
#include "model/host.h"
#include "plat/clock.h"
#include "plat/files.h"

struct bundle;

struct bundle_options {
    const struct files *files;
    const struct clock *clock;
    int64_t poll_ns;    /* how often files are looked at for growth */
    int64_t refresh_ns; /* kvp.h */
    int64_t dump_settle_ns;
    const struct agent_config_privacy
        *privacy;                       /* which KVP items are taken, until bundle_open() has returned; NULL all */
    struct dumps_triage_options triage; /* of the dumps in it; all zero: their headers alone */
};

/* Reads host.yaml (FILE:LINE:COL: messages, all problems joined by newlines)
 * and finds the sources.  dir is a folder; unpacking archives is the caller's. */
MUST_USE int bundle_open(const char *dir, const struct bundle_options *options, struct bundle **out, struct err *e);

/* name, cluster, os_version, is_version, boot_time; host_id is taken from
 * host.yaml's host_id or made from the name ("bundle:HV01"). */
const struct resource *bundle_facts(const struct bundle *b);
int64_t bundle_captured_at(const struct bundle *b);

/* Looks again for event files that have appeared; new sources go to the end of
 * the list. */
MUST_USE int bundle_rescan(struct bundle *b, struct err *e);

/* Owned by the bundle.  Source names are "<host name>/events/<file>",
 * "<host name>/kvp", "<host name>/setup" (where kvp/ has such classes), "<host name>/dumps". */
size_t bundle_source_count(const struct bundle *b);
struct source *bundle_source(struct bundle *b, size_t i);

/* Closes the sources too. */
void bundle_close(struct bundle *b);

#endif
