/* The checks of rights.h.
 *
 * What an entry of a DACL gives is judged by itself: one that denies is never
 * counted in anybody's favour, so an entry that some other entry takes back
 * still counts, and who wrote such rights is asked to write simpler ones.
 */
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <aclapi.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRUSTED_INSTALLER L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

#define CHANGES                                                                                              \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | \
     GENERIC_ALL)

enum { TRUSTED_MAX = 7 };

/* What a stranger may not have, and what to do where he has it: the commands are
 * icacls "PATH" /reset && icacls "PATH" GRANT. */
static const struct {
    DWORD forbidden;
    bool inherit_only; /* entries that are only for what comes later count too */
    const char *what;
    const char *grant; /* NULL: the thing is not ours to change */
} rules[] = {
    [RIGHTS_PRIVATE] = { ~0UL, true, "is open to",
                         "/inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F "
                         "\"NT SERVICE\\hvagent:(OI)(CI)M\"" },
    [RIGHTS_SECRET] = { ~0UL, true, "is a secret and open to",
                        "/inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F \"NT SERVICE\\hvagent:R\"" },
    [RIGHTS_UNCHANGED] = { CHANGES, false, "may be changed by",
                           "/inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-32-545:R" },
    [RIGHTS_KEPT] = { FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL, false,
                      "holds settings, which may be replaced by", NULL },
};

/* Those who may have rights, as text; CREATOR OWNER only stands for the maker of
 * what comes later, and OWNER RIGHTS for an owner who is checked. */
struct trusted {
    wchar_t sid[TRUSTED_MAX][RIGHTS_SID_MAX];
};

static int trusted_load(struct trusted *t, struct err *e)
{
    static const wchar_t *const fixed[] = { L"S-1-5-18", L"S-1-5-32-544", L"S-1-3-0", L"S-1-3-4", TRUSTED_INSTALLER };
    size_t n = sizeof fixed / sizeof fixed[0];
    int rc;

    _Static_assert(sizeof fixed / sizeof fixed[0] + 2 == TRUSTED_MAX, "and two that are found out");
    for (size_t i = 0; i < n; i++)
        memcpy(t->sid[i], fixed[i], (wcslen(fixed[i]) + 1) * sizeof(wchar_t));
    rc = rights_own_sid(t->sid[n], e);
    return rc != 0 ? rc : rights_service_sid(SERVICE_NAME, t->sid[n + 1], e);
}

/* On "no", whose it is goes to who. */
static bool is_trusted(const struct trusted *t, PSID sid, char who[RIGHTS_SID_MAX])
{
    wchar_t text[RIGHTS_SID_MAX];

    snprintf(who, RIGHTS_SID_MAX, "somebody unknown");
    if (sid == NULL || rights_sid_text(sid, text, NULL) != 0)
        return false;
    for (size_t i = 0; i < TRUSTED_MAX; i++)
        if (wcscmp(t->sid[i], text) == 0)
            return true;
    utf8_copy_wide(who, RIGHTS_SID_MAX, text);
    return false;
}

/* True when no entry gives a stranger what rule forbids. */
static bool dacl_is_closed(const struct trusted *t, PACL dacl, enum rights_rule rule, char who[RIGHTS_SID_MAX])
{
    for (DWORD i = 0; i < dacl->AceCount; i++) {
        ACCESS_ALLOWED_ACE *ace;

        if (!GetAce(dacl, i, (void **)&ace))
            return false;
        if (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE)
            continue;
        if ((ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0 && !rules[rule].inherit_only)
            continue;
        if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE) {
            snprintf(who, RIGHTS_SID_MAX, "a conditional entry");
            return false;
        }
        if ((ace->Mask & rules[rule].forbidden) != 0 && !is_trusted(t, &ace->SidStart, who))
            return false;
    }
    return true;
}

static int loose(enum rights_rule rule, const char *path, const char *who, struct err *e)
{
    const char *grant = rules[rule].grant;

    if (grant == NULL)
        return err_set(e, ERR_PERMISSION, "%s %s %s: use a folder that only administrators can change", path,
                       rules[rule].what, who);
    return err_set(e, ERR_PERMISSION, "%s %s %s: icacls \"%s\" /reset && icacls \"%s\" %s", path, rules[rule].what, who,
                   path, path, grant);
}

int rights_judge(PSECURITY_DESCRIPTOR sd, enum rights_rule rule, const char *path, struct err *e)
{
    BOOL present = FALSE, defaulted;
    struct trusted trusted;
    char who[RIGHTS_SID_MAX] = "everybody";
    PSID owner = NULL;
    PACL dacl = NULL;
    int rc = trusted_load(&trusted, e);

    assert(rule < sizeof rules / sizeof rules[0]);
    if (rc != 0)
        return rc;
    if (!GetSecurityDescriptorOwner(sd, &owner, &defaulted) ||
        !GetSecurityDescriptorDacl(sd, &present, &dacl, &defaulted))
        return err_win(e, GetLastError(), "cannot read the rights of %s", path);
    if (!is_trusted(&trusted, owner, who))
        return err_set(e, ERR_PERMISSION,
                       "%s belongs to %s, who is no administrator's account here: see that what is in it is yours, "
                       "then takeown /a /f \"%s\"",
                       path, who, path);
    snprintf(who, sizeof who, "everybody");
    if (!present || dacl == NULL || !dacl_is_closed(&trusted, dacl, rule, who))
        return loose(rule, path, who, e);
    return 0;
}

int rights_check_handle(HANDLE h, enum rights_rule rule, const char *path, struct err *e)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    DWORD code = GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, NULL, NULL,
                                 NULL, NULL, &sd);
    int rc;

    if (code != ERROR_SUCCESS)
        return err_win(e, code, "cannot read the rights of %s", path);
    rc = rights_judge(sd, rule, path, e);
    LocalFree(sd);
    return rc;
}

int rights_check_kind(HANDLE h, const char *path, struct err *e)
{
    BY_HANDLE_FILE_INFORMATION info;

    if (!GetFileInformationByHandle(h, &info))
        return err_win(e, GetLastError(), "%s", path);
    if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        return err_set(e, ERR_INVALID,
                       "%s leads somewhere else (a junction, link or mount point), and who made it could change where: "
                       "use a folder of its own",
                       path);
    if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        return err_set(e, ERR_INVALID, "%s is not a folder", path);
    return 0;
}

int rights_check_folder(const char *path, struct err *e)
{
    wchar_t *wide;
    HANDLE h;
    int rc = wide_path(path, &wide, e);

    if (rc != 0)
        return rc;
    h = CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    free(wide);
    if (h == INVALID_HANDLE_VALUE)
        return err_win(e, GetLastError(), "%s", path);
    rc = rights_check_kind(h, path, e);
    if (rc == 0)
        rc = rights_check_handle(h, RIGHTS_PRIVATE, path, e);
    CloseHandle(h);
    return rc;
}
