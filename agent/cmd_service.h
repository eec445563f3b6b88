/* hvagent service: install, uninstall, start, stop, reload, status. */
#ifndef AGENT_CMD_SERVICE_H
#define AGENT_CMD_SERVICE_H

int cmd_service(int argc, char **argv);

#endif
