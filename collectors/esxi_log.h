/* ESXi's logs to observations, so that the same rules explain a guest that fell
 * on an ESXi host (hyperv.md part G).
 *
 * Four logs are read, each a source of its own:
 *   vmware.log    a VM's own: the crash registers that its guest wrote (WinBSOD)
 *   hostd.log     calls that took long, files that could not be read
 *   vmkernel.log  VMFS heartbeats that timed out
 *   vobd.log      paths and volumes lost and restored
 * What is made of a line is esxi_rules.h; a log that grows, is renamed, copied
 * away or cut is esxi_tail.h; whose log a vmware.log is, esxi_vm.h.
 *
 * Times are taken as ESXi writes them, UTC with a Z, and in no other form: a
 * line that would matter and has no such time is told as unreadable, with its
 * place, and no time is made up.
 *
 * Verified against public texts: WinBSOD (Broadcom KB 427504 and 417490),
 * "took over N sec" and the failed open (KB 392634), one real heartbeat line,
 * real vobd lines of APD start.  Not verified, and written down as such in
 * docs/esxi.md: the other vobd names' exact sentences, and which lines of a
 * vmware.log carry the VM's uuid in releases before 6.5.
 */
#ifndef COLLECTORS_ESXI_LOG_H
#define COLLECTORS_ESXI_LOG_H

#include "collectors/source.h"
#include "plat/files.h"

enum esxi_log { ESXI_HOSTD, ESXI_VMKERNEL, ESXI_VOBD, ESXI_VMWARE, ESXI_LOGS };

/* Which log a file of this name is: hostd.log vmkernel.log vobd.log vmware.log.  False: none of them. */
bool esxi_log_of(const char *file_name, enum esxi_log *out);

/* A source over the log at path.  folder: the name of the VM's folder for a
 * vmware.log, "" else; host_id: whose logs these are.  All are copied. */
struct esxi_log_options {
    const struct files *files; /* not owned */
    const char *path;
    enum esxi_log log;
    const char *folder;
    const char *host_id;
};
MUST_USE int esxi_log_source_new(const char *name, const struct esxi_log_options *options, struct source **out,
                                 struct err *e);

#endif
