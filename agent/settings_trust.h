/* Whether the settings of an agent, and the files they name, are in the right
 * hands (plat/trust.h): checked before they are used, at start and at a reload. */
#ifndef AGENT_SETTINGS_TRUST_H
#define AGENT_SETTINGS_TRUST_H

#include "base/buf.h"
#include "config/agent_config.h"

/* path may be NULL: the settings came from no file.  ERR_PERMISSION with a line
 * for each file that others could change (or read, when it is a secret), and the
 * remedy, in problems.  Blocks: worker threads and start-up code. */
MUST_USE int settings_trusted(const struct agent_config *config, const char *path, struct buf *problems);

#endif
