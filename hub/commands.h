/* hvhub's command line.  Each command gets its own name as argv[0], writes results to
 * stdout and messages to stderr, and returns the exit code. */
#ifndef HUB_COMMANDS_H
#define HUB_COMMANDS_H

#include "config/hub_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define HUB_CONFIG_DEFAULT "/etc/hvhub/hub.yaml"

int cmd_serve(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_enroll(int argc, char **argv);
int cmd_ca(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_ready(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_deliver(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_audit(int argc, char **argv);

/* ---- shared by the commands (options.c) ----------------------------------------- */

struct option_spec {
    const char *name;   /* "--config" */
    const char **value; /* of the option; "--config F" and "--config=F" */
};

/* Reads options into their values and at most words_max other words into words (NULL-ended, words_max + 1
 * places).  False after saying on stderr what is wrong. */
bool read_options(int argc, char **argv, const struct option_spec *specs, size_t spec_count, const char **words,
                  size_t words_max);

/* Takes a word like --replace out of the arguments, wherever it stands; true when it was there. */
bool take_flag(int *argc, char **argv, const char *name);

/* The config at path; NULL means HUB_CONFIG_DEFAULT, or the defaults where that is not there.  Problems
 * go to stderr; EXIT_DONE or EXIT_USAGE. */
enum exit_code load_config(const char *path, struct hub_config *out);

/* Files that root makes could not be read by the hub, which runs as the owner of the folder that holds them.  False
 * after saying so, for a file (or folder) of that folder. */
bool runs_as_owner(const char *path);

/* Progress of long work on stderr: on a terminal (*(bool *)terminal) one line that moves, elsewhere one line when
 * all is done. */
void show_progress(void *terminal, const char *what, int64_t done, int64_t total);

#endif
