/* The settings that an installer was given, as a host's first agent.yaml. */
#ifndef AGENT_FIRST_SETTINGS_H
#define AGENT_FIRST_SETTINGS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

/* NULL and "" mean: not given. */
struct first_settings {
    const char *hub;               /* hub.url */
    const char *enroll_token_file; /* hub.enroll_token_file */
    const char *token_file;        /* hub.token_file */
    const char *ca_file;           /* hub.ca_file */
    const char *cluster;           /* host.cluster */
};

/* Whether anything was said about them, be it "". */
bool first_settings_wanted(const struct first_settings *s);

/* The text of agent.yaml, appended to out.  ERR_INVALID, with what agent_config_parse()
 * finds wrong with it, when the agent could not run with it. */
MUST_USE int first_settings_text(const struct first_settings *s, struct buf *out, struct err *e);

/* Writes it to path.  *made is false when there is something of that name, which
 * is never touched: whoever changed his settings keeps them.  On an error there
 * is no file.  Blocks: for the command line. */
MUST_USE int first_settings_write(const char *path, const struct first_settings *s, bool *made, struct err *e);

#endif
