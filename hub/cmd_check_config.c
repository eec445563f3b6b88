/* hvhub check-config: all problems of the file, then of what it names. */
#include "hub/commands.h"
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>

int cmd_check_config(int argc, char **argv)
{
    const char *path = NULL, *words[1];
    const struct option_spec specs[] = { { "--config", &path } };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_FAILED;
    struct err e = { 0 };

    if (config == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, 1, words, 0))
        code = EXIT_USAGE;
    else
        code = load_config(path, config);
    if (code == EXIT_DONE && hub_check(config, &e) != 0) {
        fprintf(stderr, "%s: %s\n", path != NULL ? path : HUB_CONFIG_DEFAULT, e.text);
        code = EXIT_USAGE;
    }
    if (code == EXIT_DONE)
        printf("%s: good\n", path != NULL ? path : HUB_CONFIG_DEFAULT);
    free(config);
    return code;
}
