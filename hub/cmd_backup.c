/* hvhub backup, hvhub restore: the store's file to a safe place while the hub runs, and back while it does not. */
#include "base/times.h"
#include "config/store_url.h"
#include "hub/commands.h"
#include "hub/fleet_backup.h"
#include "hub/hub.h"
#include "plat/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *when(int64_t ns, char text[TIMES_TEXT_MAX])
{
    return ns != 0 ? times_format(ns - ns % NS_PER_S, text) : "never";
}

/* The store that the config names.  A database is told what to use instead. */
static enum exit_code own_store(const char *command, const char *config, struct hub_config *c, const char **out)
{
    enum exit_code code = load_config(config, c);
    char name[256];

    if (code != EXIT_DONE)
        return code;
    *out = hub_store_path(c);
    if (!store_is_postgres(*out))
        return EXIT_DONE;
    store_path_name(*out, name, sizeof name);
    fprintf(stderr,
            "hvhub %s: the fleet is in %s; use the database's own means: pg_dump --format=custom --file=FILE, and"
            " pg_restore --clean --if-exists with all hubs stopped; or base backups\n",
            command, name);
    return EXIT_FAILED;
}

static enum exit_code run_backup(struct fleet_backup *b)
{
    struct fleet_backup_result r;
    char newest[TIMES_TEXT_MAX];
    struct err e = { 0 };

    if (fleet_backup(b, &r, &e) != 0) {
        fprintf(stderr, "hvhub backup: %s\n", e.text);
        return EXIT_FAILED;
    }
    printf("%s: %llu hosts, %llu guests, last heard of an agent at %s; %lld bytes, checked\n", b->to,
           (unsigned long long)r.hosts, (unsigned long long)r.guests, when(r.newest, newest), (long long)r.bytes);
    return EXIT_DONE;
}

static enum exit_code run_restore(struct fleet_backup *b)
{
    struct fleet_backup_result r;
    char newest[TIMES_TEXT_MAX];
    struct err e = { 0 };

    if (fleet_restore(b, &r, &e) != 0) {
        fprintf(stderr, "hvhub restore: %s\n", e.text);
        return EXIT_FAILED;
    }
    printf("%s: %llu hosts, %llu guests, as of %s\n", b->to, (unsigned long long)r.hosts, (unsigned long long)r.guests,
           when(r.newest, newest));
    if (r.aside[0] != '\0')
        printf("the fleet that was there is now %s\n", r.aside);
    printf("what agents delivered after that moment is not in it and is not sent again: each such agent shows as\n"
           "sequence-hole in `hvhub report hosts`; inventories come again by themselves, within a day by default\n");
    return EXIT_DONE;
}

/* Fills what both commands need, and runs. */
static enum exit_code run(struct fleet_backup *b, enum exit_code (*command)(struct fleet_backup *b))
{
    struct drift_floors floors = drift_floors_default();
    bool terminal = isatty(STDERR_FILENO) == 1;

    b->floors = &floors;
    b->clock = plat_clock();
    b->progress = show_progress;
    b->arg = &terminal;
    return command(b);
}

int cmd_backup(int argc, char **argv)
{
    const char *config = NULL, *words[1];
    struct fleet_backup b = { 0 };
    const struct option_spec specs[] = { { "--config", &config }, { "--to", &b.to } };
    struct hub_config *c = malloc(sizeof *c);
    enum exit_code code = EXIT_USAGE;

    if (c == NULL)
        return EXIT_FAILED;
    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 0))
        code = EXIT_USAGE;
    else if (b.to == NULL || b.to[0] == '\0')
        fprintf(stderr, "hvhub backup: write --to FILE, a file that is not there yet\n");
    else
        code = own_store(argv[0], config, c, &b.from);
    if (code == EXIT_DONE)
        code = run(&b, run_backup);
    free(c);
    return code;
}

int cmd_restore(int argc, char **argv)
{
    const char *config = NULL, *words[1];
    struct fleet_backup b = { 0 };
    const struct option_spec specs[] = { { "--config", &config }, { "--from", &b.from } };
    struct hub_config *c = malloc(sizeof *c);
    enum exit_code code = EXIT_USAGE;

    if (c == NULL)
        return EXIT_FAILED;
    b.replace = take_flag(&argc, argv, "--replace");
    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 0))
        code = EXIT_USAGE;
    else if (b.from == NULL || b.from[0] == '\0')
        fprintf(stderr, "hvhub restore: write --from FILE, what hvhub backup made\n");
    else
        code = own_store(argv[0], config, c, &b.to);
    if (code == EXIT_DONE)
        code = run(&b, run_restore);
    free(c);
    return code;
}
