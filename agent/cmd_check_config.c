/* hvagent check-config: every problem of the settings at once, and what a
 * start would refuse besides: bundles that cannot be opened or are not of one
 * host.  Changes nothing on the disk. */
#include "agent/commands.h"
#include "agent/source_set.h"
#include "config/agent_config.h"
#include "plat/paths.h"

#include <stdio.h>
#include <stdlib.h>

static int check_sources(const struct agent_config *config, const char *path)
{
    struct source_set *sources;
    struct resource facts;
    struct err e;

    if (source_set_new(&sources, config, false, plat_files(), plat_clock(), &facts, &e) != 0) {
        fprintf(stderr, "%s: %s\n", path, e.text);
        return EXIT_USAGE;
    }
    source_set_free(sources);
    return EXIT_DONE;
}

int cmd_check_config(int argc, char **argv)
{
    const char *path = NULL;
    const struct option_spec specs[] = { { "--config", &path, NULL } };
    struct agent_config *config;
    int code;

    if (!options_take(&argc, argv, specs, 1) || argc > 1) {
        fputs("usage: hvagent check-config [--config F]\n", stderr);
        return EXIT_USAGE;
    }
    if (path == NULL)
        path = plat_path(PLAT_AGENT_CONFIG);
    config = calloc(1, sizeof *config);
    if (config == NULL)
        return EXIT_FAILED;
    code = trusted_config_from(path, config);
    if (code == EXIT_DONE)
        code = check_sources(config, path);
    if (code == EXIT_DONE)
        printf("%s: good\n", path);
    free(config);
    return code;
}
