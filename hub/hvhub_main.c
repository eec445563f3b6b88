/* hvhub: the hub's command line. */
#include "hub/commands.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: hvhub serve [--config F]          take what agents ship, keep the fleet, answer reports\n"
    "       hvhub check-config [--config F]   say what is wrong with the settings, and the remedy\n"
    "       hvhub report drift|hosts|incidents [--format text|json|csv|html] [--cluster C] [--since T] [--config F]\n"
    "       hvhub rules list|test FILE [--since T] [--config F]   which rules explain crashes; try a file on those "
    "stored\n"
    "       hvhub migrate --from sqlite:PATH --to postgresql://...   move a fleet; the database must be empty\n"
    "       hvhub enroll new [--cluster C] [--uses N] [--expires T]   a token for agents to enrol with\n"
    "       hvhub enroll list                 tokens, certificates, and what happened\n"
    "       hvhub enroll revoke TOKEN-ID | --host H | --certificate SERIAL   take it back, at once\n"
    "       hvhub enroll forget --agent ID | --host H   it may enrol anew\n"
    "       hvhub ca init|show                the hub's own CA; enroll new makes it too\n"
    "       hvhub ready [--config F]          is the hub that runs here able to store?\n"
    "       hvhub backup --to FILE [--config F]   a copy of the store, while the hub runs\n"
    "       hvhub restore --from FILE [--replace] [--config F]   and back; the hub must be stopped\n"
    "       hvhub deliver --list [--config F]       what goes to whom, when last and when next\n"
    "       hvhub deliver --test NAME [--config F]  send a sample of this delivery now\n"
    "       hvhub user add NAME --role viewer|admin [--clusters A,B] [--no-password] [--config F]\n"
    "                                               an account of the dashboard; the password is asked for, or on "
    "stdin\n"
    "       hvhub user change NAME [--role R] [--clusters A,B|'*'] [--config F]\n"
    "       hvhub user list|password|token|sign-out|remove [NAME] [--days N] [--config F]\n"
    "       hvhub audit [--since T] [--config F]    who signed in, and who changed accounts\n"
    "       hvhub --version, --help\n"
    "\n"
    "  F  the settings; " HUB_CONFIG_DEFAULT " where it is left out\n"
    "  T  a time, 2026-01-31T08:00:00Z, or a length, 7d: what changed since\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 wrong usage or settings\n";

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", cmd_serve },     { "check-config", cmd_check_config },
    { "report", cmd_report },   { "enroll", cmd_enroll },
    { "migrate", cmd_migrate }, { "backup", cmd_backup },
    { "rules", cmd_rules },     { "restore", cmd_restore },
    { "ready", cmd_ready },     { "deliver", cmd_deliver },
    { "ca", cmd_ca },           { "user", cmd_user },
    { "audit", cmd_audit },
};

int main(int argc, char **argv)
{
    /* Nobody asks SQLite how much memory it has, and counting takes a lock each time. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (argc < 2) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("hvhub %s\n", HVFLEET_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "hvhub: unknown command %s; see hvhub --help\n", argv[1]);
    return EXIT_USAGE;
}
