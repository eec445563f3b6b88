/* What a reload can put in force at once, and what has to wait for a restart.
 * Pure. */
#ifndef AGENT_CONFIG_CHANGES_H
#define AGENT_CONFIG_CHANGES_H

#include "config/agent_config.h"

/* The keys that differ between the two and only count after a restart, as the
 * settings file spells them. */
void config_restart_needed(const struct agent_config *in_force, const struct agent_config *wanted,
                           struct config_list *out);

/* Puts the values of those keys back to what is in force. */
void config_keep_fixed(const struct agent_config *in_force, struct agent_config *wanted);

#endif
