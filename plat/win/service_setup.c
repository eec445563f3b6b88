/* See service_setup.h.
 *
 * Facts: "Event Sources" and "NetLocalGroupAddMembers" of Microsoft's pages;
 * S-1-5-32-573 is Event Log Readers and S-1-5-32-578 Hyper-V Administrators
 * ("Well-known SIDs").  The groups are found by SID, because their names are
 * translated.
 */
#include "plat/win/service_setup.h"

#include "plat/paths.h"
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

enum { PROGRAM_MAX = 1024, GROUP_MAX = 256, FOLDER_MAX = 1024 };

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

/* A folder that nobody else has a right to stays as it is. */
static int set_up_folder(const char *path, bool service_may_change, struct err *e)
{
    bool made;
    int rc = rights_make_folder(path, service_may_change, &made, e);

    if (rc != 0 || made)
        return rc;
    rc = rights_check_folder(path, e);
    return rc == ERR_PERMISSION ? rights_set_folder(path, service_may_change, e) : rc;
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
