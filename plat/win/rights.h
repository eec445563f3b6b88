/* Who may do what to a folder, a file or a pipe of ours: security identifiers as
 * text, rights written in SDDL, and the check that nobody else got in.
 *
 * Trusted are SYSTEM, Administrators, the service and the account this runs as;
 * everybody else is a stranger.  TrustedInstaller, who owns Windows' own files,
 * is trusted too.
 *
 * Facts: Microsoft's pages "Security Descriptor String Format", "Well-known
 * SIDs", "File Access Rights Constants", "Privilege Constants" (restore and
 * backup grant WRITE_DAC, WRITE_OWNER and READ_CONTROL to an open for backup);
 * a service's own SID is S-1-5-80 and the SHA-1 of its name in upper case,
 * UTF-16 ("Service SIDs").
 */
#ifndef PLAT_WIN_RIGHTS_H
#define PLAT_WIN_RIGHTS_H

#include "base/error.h"

#include <stdbool.h>
#include <wchar.h>
#include <windows.h>

#define SERVICE_NAME L"hvagent"

enum { RIGHTS_SID_MAX = 192, RIGHTS_SDDL_MAX = 1024 };

MUST_USE int rights_sid_text(PSID sid, wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* The account this runs as. */
MUST_USE int rights_own_sid(wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* The SID of the account or group of that name ("Hyper-V Administrators",
 * "CORP\\Operators"); ERR_NOT_FOUND names it. */
MUST_USE int rights_account_sid(const char *name, wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* The SID of NT SERVICE\<name>, whether there is such a service or not. */
MUST_USE int rights_service_sid(const wchar_t *name, wchar_t out[RIGHTS_SID_MAX], struct err *e);

/* Makes a folder whose rights are not inherited: SYSTEM and Administrators all,
 * this account all when it is no administrator's, the service change or read.  *made false when
 * something of that name is there. */
MUST_USE int rights_make_folder(const char *path, bool service_may_change, bool *made, struct err *e);

/* Makes a folder or takes over the one that is there, whosever it is: owner
 * Administrators, rights as above, checked afterwards.
 * What is in it keeps its owners.  ERR_INVALID when it is no folder or a link.
 * For an administrator. */
MUST_USE int rights_claim_folder(const char *path, bool service_may_change, struct err *e);

/* A file in such a folder: refused (ERR_PERMISSION) when it is a link, or has another
 * name elsewhere, because it is perhaps Windows' own.  With set it gets the
 * folder's rights.  A folder is left alone. */
MUST_USE int rights_claim_entry(const char *path, bool set, bool service_may_change, struct err *e);

/* ---- checks (rights_check.c) ---- */

enum rights_rule {
    RIGHTS_PRIVATE,   /* of a folder: strangers may do nothing at all */
    RIGHTS_SECRET,    /* of a file: the same */
    RIGHTS_UNCHANGED, /* they may not change, delete or take it: settings */
    RIGHTS_KEPT,      /* of a folder: they may not remove or rename what others put in */
};

/* ERR_PERMISSION with the remedy when sd, of path, gives a stranger more than
 * rule allows, or belongs to one. */
MUST_USE int rights_judge(PSECURITY_DESCRIPTOR sd, enum rights_rule rule, const char *path, struct err *e);
MUST_USE int rights_check_handle(HANDLE h, enum rights_rule rule, const char *path, struct err *e);

/* ERR_INVALID with the remedy when h is no folder, or a link (a junction, a mount point). */
MUST_USE int rights_check_kind(HANDLE h, const char *path, struct err *e);

/* Both, of a folder that has to be RIGHTS_PRIVATE. */
MUST_USE int rights_check_folder(const char *path, struct err *e);

/* Sets the rights of an open kernel object or pipe from SDDL. */
MUST_USE int rights_set_handle(HANDLE h, const wchar_t *sddl, struct err *e);

#endif
