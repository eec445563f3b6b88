/* hvhub check-config: all problems of the file, then all of the rules' files, then what else it names. */
#include "hub/commands.h"
#include "hub/hub.h"
#include "hub/rules_folder.h"

#include <stdio.h>
#include <stdlib.h>

static enum exit_code check_rules(const char *path, const struct hub_config *config)
{
    struct rules *rules = NULL;
    struct err e = { 0 };
    struct buf problems;
    int rc;

    buf_init(&problems, RULES_PROBLEMS_MAX);
    rc = rules_folder_load(&config->incidents, NULL, &rules, &problems, &e);
    if (rc != 0 && problems.len > 0)
        fputs(buf_text(&problems), stderr);
    else if (rc != 0)
        fprintf(stderr, "%s: %s\n", path, e.text);
    buf_free(&problems);
    rules_free(rules);
    return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

int cmd_check_config(int argc, char **argv)
{
    const char *path = NULL, *note = NULL, *words[1];
    const struct option_spec specs[] = { { "--config", &path } };
    struct hub_config *config = malloc(sizeof *config);
    enum exit_code code = EXIT_FAILED;
    struct err e = { 0 };
    bool loaded;

    if (config == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, 1, words, 0))
        code = EXIT_USAGE;
    else
        code = load_config(path, config);
    path = path != NULL ? path : HUB_CONFIG_DEFAULT;
    loaded = code == EXIT_DONE;
    if (loaded)
        code = check_rules(path, config);
    if (loaded && hub_check(config, &note, &e) != 0) {
        fprintf(stderr, "%s: %s\n", path, e.text);
        code = EXIT_USAGE;
    }
    if (code == EXIT_DONE && note != NULL)
        fprintf(stderr, "%s: note: %s\n", path, note);
    if (code == EXIT_DONE)
        printf("%s: good\n", path);
    free(config);
    return code;
}
