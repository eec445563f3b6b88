/* hvagent: the word after the program's name chooses a command from a table. */
#include "agent/cmd_capture.h"
#include "agent/cmd_service.h"
#include "agent/cmd_triage.h"
#include "agent/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: not here */
    const char *usage;
    const char *what;
    const char *instead; /* with run NULL: why not, and what to do */
};

static const struct command commands[] = {
    { "run", cmd_run, "run [--config F]", "in the foreground; also what the service runs", NULL },
    { "check-config", cmd_check_config, "check-config [--config F]", "problems of the settings, with their places",
      NULL },
    { "status", cmd_status, "status [--json] [--socket P] [--watch]", "ask the running agent", NULL },
    { "replay", cmd_replay, "replay BUNDLE... [--json]", "captured host data: guests and drift; ships nothing", NULL },
    { "triage", cmd_triage, "triage [--json] DUMP...", "read crash dumps; needs no agent, no symbols", NULL },
    { "capture", cmd_capture, "capture --out DIR [--no-names]", "(Windows) save this host's data as a bundle", NULL },
    { "report", cmd_report, "report [--json] [--cluster C] [--since T]",
      "the report of this host's cluster, from the hub", NULL },
    { "service", cmd_service, "service install|uninstall|start|stop|status", "(Windows) the service", NULL },
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out)
{
    fputs("hvagent " HVFLEET_VERSION ": which guests of this Hyper-V host run integration services that do not fit\n\n",
          out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  hvagent %-44s %s\n", commands[i].usage, commands[i].what);
    fputs("  hvagent --help, --version\n\n"
          "Results go to stdout, messages to stderr.  Exit code: 0 done, 1 failed, 2 wrong usage or settings.\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run_command(int argc, char **argv)
{
    const struct command *c = find_command(argv[0]);

    if (c == NULL) {
        fprintf(stderr, "hvagent: there is no command \"%s\"\n\n", argv[0]);
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (asks_for_help(argc, argv)) {
        printf("hvagent %s\n    %s\n", c->usage, c->what);
        return EXIT_DONE;
    }
    if (c->run == NULL) {
        fprintf(stderr, "hvagent %s: %s\n", c->name, c->instead);
        return EXIT_USAGE;
    }
    return c->run(argc, argv);
}

int main(int argc, char **argv)
{
    json_object_seed(0);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("hvagent " HVFLEET_VERSION);
        return EXIT_DONE;
    }
    return run_command(argc - 1, argv + 1);
}
