/* See service_setup.h.
 *
 * Facts: "Event Sources" and "NetLocalGroupAddMembers" of Microsoft's pages;
 * S-1-5-32-573 is Event Log Readers and S-1-5-32-578 Hyper-V Administrators
 * ("Well-known SIDs").  The groups are found by SID, because their names are
 * translated.
 */
#include "plat/win/service_setup.h"

#include "plat/files.h"
#include "plat/paths.h"
#include "plat/trust.h"
#include "plat/win/rights.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <lm.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define SOURCE_KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" SERVICE_NAME

enum { PROGRAM_MAX = 1024, GROUP_MAX = 256, FOLDER_MAX = 1024, ENTRIES_MAX = 10000 };

static void remark(struct buf *remarks, DWORD code, const char *what)
{
    struct err e;

    (void)!err_win(&e, code, "%s", what);
    buf_printf(remarks, "%s\n", e.text);
}

void service_setup_event_source(struct buf *remarks)
{
    wchar_t program[PROGRAM_MAX];
    DWORD n = GetModuleFileNameW(NULL, program, PROGRAM_MAX), code, types;
    HKEY key;

    if (n == 0 || n >= PROGRAM_MAX) {
        remark(remarks, ERROR_FILENAME_EXCED_RANGE, "the event source is not set");
        return;
    }
    types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    code = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, SOURCE_KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (code == ERROR_SUCCESS) {
        code = (DWORD)RegSetValueExW(key, L"EventMessageFile", 0, REG_EXPAND_SZ, (const BYTE *)program,
                                     (n + 1) * (DWORD)sizeof *program);
        if (code == ERROR_SUCCESS)
            code = (DWORD)RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types, sizeof types);
        RegCloseKey(key);
    }
    if (code != ERROR_SUCCESS)
        remark(remarks, code, "the event source is not set");
}

void service_setup_no_event_source(void)
{
    RegDeleteKeyW(HKEY_LOCAL_MACHINE, SOURCE_KEY);
}

/* ---- groups ---- */

static bool group_name(const wchar_t *sid_text, wchar_t out[GROUP_MAX])
{
    wchar_t domain[GROUP_MAX];
    DWORD n = GROUP_MAX, domain_n = GROUP_MAX;
    SID_NAME_USE use;
    PSID sid = NULL;
    bool found = false;

    if (ConvertStringSidToSidW(sid_text, &sid)) {
        found = LookupAccountSidW(NULL, sid, out, &n, domain, &domain_n, &use) != 0;
        LocalFree(sid);
    }
    return found;
}

static DWORD change_member(const wchar_t *group, PSID account, bool member)
{
    LOCALGROUP_MEMBERS_INFO_0 entry = { account };
    DWORD code = member ? NetLocalGroupAddMembers(NULL, group, 0, (LPBYTE)&entry, 1)
                        : NetLocalGroupDelMembers(NULL, group, 0, (LPBYTE)&entry, 1);

    return code == ERROR_MEMBER_IN_ALIAS || code == ERROR_MEMBER_NOT_IN_ALIAS ? ERROR_SUCCESS : code;
}

void service_setup_groups(bool member, struct buf *remarks)
{
    static const struct {
        const wchar_t *sid;
        const char *without;
    } groups[] = {
        { L"S-1-5-32-573", "the service is not in Event Log Readers, so it may not read the channels" },
        { L"S-1-5-32-578", "the service is not in Hyper-V Administrators, so it sees no virtual machines" },
    };
    wchar_t text[RIGHTS_SID_MAX], name[GROUP_MAX];
    PSID account = NULL;

    if (rights_service_sid(SERVICE_NAME, text, NULL) != 0 || !ConvertStringSidToSidW(text, &account))
        return;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        DWORD code = group_name(groups[i].sid, name) ? change_member(name, account, member) : ERROR_NO_SUCH_ALIAS;

        if (code != ERROR_SUCCESS && member)
            remark(remarks, code, groups[i].without);
    }
    LocalFree(account);
}

/* ---- folders ---- */

/* What was in a folder before it was ours. */
struct planted {
    const char *dir;
    bool ours_now, service_may_change; /* the folder has been taken over: what is in it follows */
    int looked_at, rc;
    struct err *e;
};

static bool check_entry(void *arg, const char *name)
{
    char path[FILES_PATH_MAX];
    struct planted *p = arg;

    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    p->rc = ++p->looked_at > ENTRIES_MAX
                ? err_set(p->e, ERR_PERMISSION,
                          "%s was somebody else's and holds too much to be looked through: move it away", p->dir)
                : plat_trusted_file(path, TRUST_SETTINGS, p->e);
    if (p->rc == 0)
        p->rc = rights_claim_entry(path, p->ours_now, p->service_may_change, p->e);
    return p->rc == 0;
}

static int check_contents(struct planted *p)
{
    const struct files *files = plat_files();
    int rc = files->ops->list(files, p->dir, check_entry, p, p->e);

    if (rc == ERR_PERMISSION)
        return err_set(p->e, rc, "%s was made by somebody else, who lets nobody look into it: takeown /a /r /f \"%s\"",
                       p->dir, p->dir);
    return rc != 0 ? rc : p->rc;
}

/* A folder that others had a hand in may be taken over, but not what they put
 * there.  It is looked at before, so that a refused folder stays one that is
 * refused, and after, when nobody else can add to it any more. */
static int set_up_folder(const char *path, bool service_may_change, struct err *e)
{
    struct planted first = { .dir = path, .e = e };
    struct planted then = { .dir = path, .ours_now = true, .service_may_change = service_may_change, .e = e };
    int before = rights_check_folder(path, e), rc = 0;

    if (before == ERR_PERMISSION)
        rc = check_contents(&first);
    else if (before != ERR_NOT_FOUND)
        rc = before;
    if (rc == 0)
        rc = rights_claim_folder(path, service_may_change, e);
    if (rc == 0 && before == ERR_PERMISSION)
        rc = check_contents(&then);
    return rc;
}

int service_setup_folders(struct err *e)
{
    char base[FOLDER_MAX], *slash;
    int rc;

    snprintf(base, sizeof base, "%s", plat_path(PLAT_AGENT_DATA));
    slash = strrchr(base, '/');
    *slash = '\0';
    rc = set_up_folder(base, false, e);
    *slash = '/';
    return rc == 0 ? set_up_folder(base, true, e) : rc;
}
