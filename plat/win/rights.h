/* Who may do what to a folder or a pipe of ours: security identifiers as text,
 * rights written in SDDL, and the check that nobody else got in.
 *
 * Facts: Microsoft's pages "Security Descriptor String Format" and "Well-known
 * SIDs"; a service's own SID is S-1-5-80 and the SHA-1 of its name in upper
 * case, UTF-16 ("Service SIDs").
 */
#ifndef PLAT_WIN_RIGHTS_H
#define PLAT_WIN_RIGHTS_H

#include "base/error.h"

#include <stdbool.h>
#include <wchar.h>
#include <windows.h>

#define SERVICE_NAME L"hvagent"

enum { RIGHTS_SID_MAX = 192, RIGHTS_SDDL_MAX = 1024 };

/* The account this runs as. */
MUST_USE int rights_own_sid(wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* The SID of the account or group of that name ("Hyper-V Administrators",
 * "CORP\\Operators"); ERR_NOT_FOUND names it. */
MUST_USE int rights_account_sid(const char *name, wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* The SID of NT SERVICE\<name>, whether there is such a service or not. */
MUST_USE int rights_service_sid(const wchar_t *name, wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* Makes a folder whose rights are not inherited: SYSTEM and Administrators all,
 * this account all, the service change (full) or read.  *made false when
 * something of that name is there. */
MUST_USE int rights_make_folder(const char *path, bool service_may_change, bool *made, struct err *e);

/* Gives an existing folder those rights, and what is in it by inheritance. */
MUST_USE int rights_set_folder(const char *path, bool service_may_change, struct err *e);

/* ERR_PERMISSION with the remedy when anybody but SYSTEM, Administrators, this
 * account and the service owns the folder or has any right to it; ERR_INVALID
 * when it is no folder. */
MUST_USE int rights_check_folder(const char *path, struct err *e);

/* Sets the rights of an open kernel object or pipe from SDDL. */
MUST_USE int rights_set_handle(HANDLE h, const wchar_t *sddl, struct err *e);

#endif
