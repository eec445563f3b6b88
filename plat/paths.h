/* Where things are on this system when nobody says otherwise, and the folders
 * the programs make for themselves.
 *
 * Worker or start-up code only: the functions touch the disk.
 */
#ifndef PLAT_PATHS_H
#define PLAT_PATHS_H

#include "base/error.h"

#include <stddef.h>

enum plat_path {
    PLAT_AGENT_CONFIG, /* agent.yaml */
    PLAT_AGENT_DATA,   /* the folder of the agent's store (store.dir) */
    PLAT_AGENT_SOCKET, /* status.socket */
    PLAT_HUB_CONFIG,   /* hub.yaml */
    PLAT_HUB_STORE,    /* the hub's database file (store.path) */
    PLAT_PATH_COUNT
};

/* Static text, never NULL. */
const char *plat_path(enum plat_path which);

/* A path from outside (settings, command line) as the rest of the program
 * expects it, in place: "/" between its parts, also where people write "\\".
 * Pipes and paths with a prefix (\\.\, \\?\) stay as they are. */
void plat_path_tidy(char *path);

/* A folder for nobody else's eyes: made (one level, 0700) when it is missing;
 * refused with ERR_PERMISSION and the remedy when somebody else owns it, when the
 * group may write to it or others may do anything with it.  On Windows the
 * owner is this account, the service, SYSTEM or Administrators, and nobody else
 * may have any right. */
MUST_USE int plat_private_dir(const char *path, struct err *e);

/* The folder a socket lives in: made (one level, 0755) when missing; others
 * may look into it, but only the owner may change what is in it. */
MUST_USE int plat_socket_dir(const char *path, struct err *e);

/* A new empty folder for temporary files, below TMPDIR or the system's place;
 * its real path (no symbolic links in it) goes to out.  plat_remove_tree()
 * removes it with all that is in it, never following a symbolic link. */
MUST_USE int plat_temp_dir(const char *prefix, char *out, size_t size, struct err *e);
void plat_remove_tree(const char *path);

#endif
