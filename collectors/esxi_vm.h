/* Whose vmware.log it is.
 *
 * At every power-on VMware writes the VM's settings into the head of the log,
 * lines with "DICT" in them: displayName = "..." and uuid.bios = "56 4d ...".
 * The sixteen bytes of uuid.bios, in the order in which they are written, are
 * the VM's id here; without them uuid.location's; without either an id is made
 * from the host's id and the folder's name (and is marked as such), so that it
 * is the same at every start.
 */
#ifndef COLLECTORS_ESXI_VM_H
#define COLLECTORS_ESXI_VM_H

#include "collectors/esxi_rules.h"

enum { ESXI_HEAD_MAX = 512 * 1024 }; /* bytes of the log that are looked at */

/* head: the log's first bytes, ESXI_HEAD_MAX or as many as there are. */
void esxi_vm_of(const char *head, size_t len, const char *host_id, const char *folder, struct esxi_vm *out);

#endif
