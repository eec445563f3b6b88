/* What the commands share: options and the config file. */
#include "base/buf.h"
#include "base/text.h"
#include "hub/commands.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBLEMS_MAX = 256 * 1024 };

static bool take_option(int argc, char **argv, int *i, const struct option_spec *specs, size_t spec_count)
{
    const char *arg = argv[*i];

    for (size_t s = 0; s < spec_count; s++) {
        size_t len = strlen(specs[s].name);

        if (strncmp(arg, specs[s].name, len) != 0 || (arg[len] != '\0' && arg[len] != '='))
            continue;
        if (arg[len] == '=') {
            *specs[s].value = arg + len + 1;
            return true;
        }
        if (*i + 1 >= argc) {
            fprintf(stderr, "hvhub %s: %s needs a value\n", argv[0], arg);
            return false;
        }
        *specs[s].value = argv[++*i];
        return true;
    }
    fprintf(stderr, "hvhub %s: unknown option %s; see hvhub --help\n", argv[0], arg);
    return false;
}

bool read_options(int argc, char **argv, const struct option_spec *specs, size_t spec_count, const char **words,
                  size_t words_max)
{
    size_t count = 0;

    for (size_t w = 0; w <= words_max; w++)
        words[w] = NULL;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!take_option(argc, argv, &i, specs, spec_count))
                return false;
        } else if (count == words_max) {
            fprintf(stderr, "hvhub %s: %s is one word too many; see hvhub --help\n", argv[0], argv[i]);
            return false;
        } else {
            words[count++] = argv[i];
        }
    }
    return true;
}

bool take_flag(int *argc, char **argv, const char *name)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], name) != 0)
            argv[kept++] = argv[i];
    }
    if (kept == *argc)
        return false;
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

enum exit_code load_config(const char *path, struct hub_config *out)
{
    struct buf problems;
    int rc;

    if (path == NULL && access(HUB_CONFIG_DEFAULT, F_OK) != 0) {
        hub_config_defaults(out);
        return EXIT_DONE;
    }
    buf_init(&problems, PROBLEMS_MAX);
    rc = hub_config_load(path != NULL ? path : HUB_CONFIG_DEFAULT, out, &problems);
    if (rc != 0)
        fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

bool runs_as_owner(const char *path)
{
    char folder[PATH_MAX];
    const struct passwd *p;
    struct stat st;
    char *slash;

    if (!text_copy(folder, sizeof folder, path))
        return true; /* whoever opens it says what is wrong */
    slash = strrchr(folder, '/');
    if (slash == NULL)
        text_copy(folder, sizeof folder, ".");
    else if (slash != folder)
        *slash = '\0';
    if (geteuid() != 0 || stat(folder, &st) != 0 || st.st_uid == 0)
        return true;
    p = getpwuid(st.st_uid);
    fprintf(stderr, "hvhub: %s belongs to %s: run this as that user (runuser -u %s -- hvhub ...)\n", folder,
            p != NULL ? p->pw_name : "another user", p != NULL ? p->pw_name : "USER");
    return false;
}

void show_progress(void *terminal, const char *what, int64_t done, int64_t total)
{
    int percent = total > 0 ? (int)(done * 100 / total) : 100;

    if (*(const bool *)terminal)
        fprintf(stderr, "\r%-16s %12lld of %lld (%d%%)   %s", what, (long long)done, (long long)total, percent,
                done >= total ? "\n" : "");
    else if (done >= total)
        fprintf(stderr, "%s: %lld\n", what, (long long)done);
}
