/* hvagent capture --out DIR [--no-names]
 *
 * Writes what this Hyper-V host says now as a bundle (docs/bundle.md) into DIR,
 * which must be new or empty: host.yaml, events/, kvp/ and an empty dumps/.
 * argv[0] is "capture".  Exit code 0; 1 when a part could not be had (what could
 * is there); 2 on wrong usage, a folder that is not empty, or no Windows.
 */
#ifndef AGENT_CMD_CAPTURE_H
#define AGENT_CMD_CAPTURE_H

int cmd_capture(int argc, char **argv);

#endif
