/* hvhub migrate: a fleet from a SQLite file into a PostgreSQL database. */
#include "base/times.h"
#include "config/store_url.h"
#include "hub/commands.h"
#include "hub/fleet_migrate.h"
#include "plat/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SQLITE_PREFIX "sqlite:"

static enum exit_code run(const char *file, const char *url)
{
    struct drift_floors floors = drift_floors_default();
    bool terminal = isatty(STDERR_FILENO) == 1;
    char name[256];
    const struct fleet_migration migration = {
        .file = file, .url = url, .floors = &floors, .clock = plat_clock(), .progress = show_progress, .arg = &terminal
    };
    struct err e = { 0 };
    int64_t rows;

    if (fleet_migrate(&migration, &rows, &e) != 0) {
        fprintf(stderr, "hvhub migrate: %s; the database is as it was\n", e.text);
        return EXIT_FAILED;
    }
    store_path_name(url, name, sizeof name);
    printf("%lld rows are in %s; write it to store.path, start hvhub, and keep %s until you are content\n",
           (long long)rows, name, file);
    return EXIT_DONE;
}

int cmd_migrate(int argc, char **argv)
{
    const char *from = NULL, *to = NULL, *words[1];
    const struct option_spec specs[] = { { "--from", &from }, { "--to", &to } };

    if (!read_options(argc, argv, specs, sizeof specs / sizeof specs[0], words, 0))
        return EXIT_USAGE;
    if (from == NULL || strncmp(from, SQLITE_PREFIX, strlen(SQLITE_PREFIX)) != 0 ||
        from[strlen(SQLITE_PREFIX)] == '\0') {
        fprintf(stderr, "hvhub migrate: write --from sqlite:PATH, the hub's file\n");
        return EXIT_USAGE;
    }
    if (to == NULL || !store_is_postgres(to)) {
        fprintf(stderr, "hvhub migrate: write --to postgresql://user@host/database\n");
        return EXIT_USAGE;
    }
    from += strlen(SQLITE_PREFIX);
    if (access(from, F_OK) != 0) {
        fprintf(stderr, "hvhub migrate: %s: %m\n", from);
        return EXIT_FAILED;
    }
    return run(from, to);
}
