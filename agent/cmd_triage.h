/* hvagent triage [--json] [-v] [--] DUMP...
 *
 * Reads crash dumps, each DUMP a file or a folder (all *.dmp below it), and
 * prints one verdict each: text, or with --json one object a line
 * ("hvfleet.triage/1").  argv[0] is "triage".  Exit code 0; 1 when a file could
 * not be read, or is no crash dump with a bug check in it; 2 on wrong usage.
 */
#ifndef AGENT_CMD_TRIAGE_H
#define AGENT_CMD_TRIAGE_H

int cmd_triage(int argc, char **argv);

#endif
