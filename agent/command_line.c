/* Options and settings: what the commands share.  See commands.h. */
#include "agent/commands.h"
#include "agent/settings_trust.h"
#include "config/agent_config.h"
#include "plat/paths.h"

#include <stdio.h>
#include <string.h>

enum { PROBLEMS_MAX = 256 * 1024 };

static const struct option_spec *find(const struct option_spec *specs, size_t count, const char *arg, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(specs[i].name) == len && strncmp(specs[i].name, arg, len) == 0)
            return &specs[i];
    return NULL;
}

/* Takes the option at argv[i]; how many words it took, 0 on an error. */
static int take_one(int argc, char **argv, int i, const struct option_spec *specs, size_t count)
{
    const char *equals = strchr(argv[i], '=');
    size_t len = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
    const struct option_spec *spec = find(specs, count, argv[i], len);

    if (spec == NULL) {
        fprintf(stderr, "hvagent %s: there is no option %s; hvagent --help shows them\n", argv[0], argv[i]);
        return 0;
    }
    if (spec->flag != NULL && equals == NULL) {
        *spec->flag = true;
        return 1;
    }
    if (spec->value != NULL && equals != NULL) {
        *spec->value = equals + 1;
        return 1;
    }
    if (spec->value != NULL && i + 1 < argc) {
        *spec->value = argv[i + 1];
        return 2;
    }
    fprintf(stderr, "hvagent %s: %s %s\n", argv[0], spec->name,
            spec->value != NULL ? "needs a value" : "takes no value");
    return 0;
}

bool options_take(int *argc, char **argv, const struct option_spec *specs, size_t count)
{
    int kept = 1;
    bool options = true;

    for (int i = 1, took = 1; i < *argc; i += took) {
        took = 1;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            took = take_one(*argc, argv, i, specs, count);
            if (took == 0)
                return false;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return true;
}

int config_from(const char *path, struct agent_config *out)
{
    struct buf problems;
    int rc;

    buf_init(&problems, PROBLEMS_MAX);
    if (path == NULL)
        path = plat_path(PLAT_AGENT_CONFIG);
    rc = agent_config_load(path, out, &problems);
    if (rc != 0)
        fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

int trusted_config_from(const char *path, struct agent_config *out)
{
    struct buf problems;
    int code;

    if (path == NULL)
        path = plat_path(PLAT_AGENT_CONFIG);
    code = config_from(path, out);
    if (code != EXIT_DONE)
        return code;
    buf_init(&problems, PROBLEMS_MAX);
    if (settings_trusted(out, path, &problems) != 0) {
        fputs(buf_text(&problems), stderr);
        code = EXIT_USAGE;
    }
    buf_free(&problems);
    return code;
}
