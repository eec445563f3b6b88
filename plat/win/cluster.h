/* The failover cluster this host is a node of (hyperv.md E). */
#ifndef PLAT_WIN_CLUSTER_H
#define PLAT_WIN_CLUSTER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Its name to out, "" when there is none or it can not be found out; then
 * problems (may be NULL) gets a line.  Asks the cluster service where it runs
 * (clusapi.dll, loaded for this), and the registry else.  May block for as long
 * as the cluster service does. */
void cluster_name(char *out, size_t size, struct buf *problems);

/* The name that the registry keeps, which asks nobody; false when there is none. */
bool cluster_name_kept(char *out, size_t size);

#endif
