/* What the service needs around it; parts of service_control.c.  All need an
 * administrator.  What can be done without is a line in remarks when it fails. */
#ifndef PLAT_WIN_SERVICE_SETUP_H
#define PLAT_WIN_SERVICE_SETUP_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

/* The event source "hvagent" in Application, with this program as its texts. */
void service_setup_event_source(struct buf *remarks);
void service_setup_no_event_source(void);

/* The virtual account in Event Log Readers and Hyper-V Administrators, or out of them. */
void service_setup_groups(bool member, struct buf *remarks);

/* %ProgramData%\hvfleet (settings, which the service may read) and its agent folder
 * (the store, which it may change), owned by Administrators, with rights that inherit
 * nothing.  Folders that somebody else made before are taken over; ERR_PERMISSION
 * with the remedy when there is something in them that is still his. */
MUST_USE int service_setup_folders(struct err *e);

#endif
