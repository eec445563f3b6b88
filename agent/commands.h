/* The commands of hvagent, one function each.
 *
 * argv[0] is the command's own word.  Results go to stdout, messages to
 * stderr; the value is the program's exit code.
 */
#ifndef AGENT_COMMANDS_H
#define AGENT_COMMANDS_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_run(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_report(int argc, char **argv);

/* ---- what the commands share (command_line.c) ---- */

#include <stdbool.h>
#include <stddef.h>

/* An option of a command: "--config" takes a value, "--json" is a switch. */
struct option_spec {
    const char *name;   /* "--config" */
    const char **value; /* NULL for a switch */
    bool *flag;         /* NULL for one with a value */
};

/* Takes the options out of argv, in any order, "--name value" or
 * "--name=value"; "--" ends them.  What is left is in argv[1] .. argv[*argc - 1].
 * False (after a message) on an unknown or incomplete one. */
bool options_take(int *argc, char **argv, const struct option_spec *specs, size_t count);

/* The agent's settings from path, or from the system's place when it is NULL;
 * on failure every problem is on stderr and the exit code is returned. */
struct agent_config;
int config_from(const char *path, struct agent_config *out);

/* The same, and refused when they, or a file they name, are in the hands of others (settings_trust.h). */
int trusted_config_from(const char *path, struct agent_config *out);

#endif
