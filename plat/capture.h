/* What `hvagent capture` needs of the system beside the live sources of
 * plat/live.h: a folder to write to, and the export of an event channel.
 *
 * Every call may block.  Where there are no live sources each answers
 * ERR_UNSUPPORTED.
 */
#ifndef PLAT_CAPTURE_H
#define PLAT_CAPTURE_H

#include "base/error.h"

/* Makes a folder (one level), or takes an existing one that is empty.
 * ERR_INVALID, with nothing changed, for one that holds anything, and for a
 * thing that is no folder. */
MUST_USE int plat_capture_dir(const char *path, struct err *e);

/* Writes what is followed of a channel (event_channel_table.h) to an .evtx file
 * that must not exist yet.  ERR_UNSUPPORTED where the system can not export;
 * ERR_PERMISSION, ERR_NOT_FOUND: the channel.  On an error there is no file. */
MUST_USE int plat_capture_channel(const char *channel, const char *path, struct err *e);

#endif
