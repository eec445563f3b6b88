/* Whether a file that decides what a program does is in the right hands.
 *
 * A file of settings that somebody else may change is his way in, and so is
 * one whose folder lets him put another in its place; a secret that others may
 * read is none.  Looked at are the file, behind any links, and its folder.
 *
 * Facts: chmod(2) and inode(7), with the sticky bit of folders like /tmp; on
 * Windows Microsoft's page "File Security and Access Rights".
 *
 * Blocks: worker threads and start-up code.
 */
#ifndef PLAT_TRUST_H
#define PLAT_TRUST_H

#include "base/error.h"

enum trust_kind {
    TRUST_SETTINGS, /* others may read it */
    TRUST_SECRET,   /* nobody else may read it either; on POSIX its group may */
};

/* 0, or ERR_PERMISSION with the remedy when somebody else than root (Windows:
 * SYSTEM, Administrators, the service) or the account this runs as owns it or
 * may change it, or read it when it is a secret.  0 too when it is not there or
 * cannot be looked at: whoever reads it says so. */
MUST_USE int plat_trusted_file(const char *path, enum trust_kind kind, struct err *e);

#endif
