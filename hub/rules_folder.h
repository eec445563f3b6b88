/* A folder of people's own crash rules (docs/rules.md): every *.yaml in it, in order of name. */
#ifndef HUB_RULES_FOLDER_H
#define HUB_RULES_FOLDER_H

#include "config/hub_config.h"
#include "incidents/rules.h"

enum { RULES_PROBLEMS_MAX = 256 * 1024 };

/* The shipped rules and those of the settings' folder ("" none), with the settings' disk timeout.  extra: one more
 * file; NULL none.  ERR_INVALID with problems, one a line; ERR_NOT_FOUND, ERR_PERMISSION with e when the folder can not
 * be read. */
MUST_USE int rules_folder_load(const struct hub_config_incidents *config, const char *extra, struct rules **out,
                               struct buf *problems, struct err *e);

/* The same, with the first problem in e, and how many more there are. */
MUST_USE int rules_folder_check(const struct hub_config_incidents *config, struct rules **out, struct err *e);

#endif
