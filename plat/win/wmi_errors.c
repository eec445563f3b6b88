/* See wmi_errors.h.  One table; what is not in it is WMI_OTHER. */
#include "plat/win/wmi_errors.h"

#include "plat/win/wmi_com.h"

#include <stdio.h>

#define GROUP_TO_JOIN                                                                                     \
    "add the service's account to the group Hyper-V Administrators (2008 R2: Administrators) and restart" \
    " the service"

#define RPC(code) HRESULT_FROM_WIN32(code)

static const struct {
    HRESULT hr;
    enum wmi_meaning meaning;
    const char *words;
} table[] = {
    { (HRESULT)WBEM_E_INVALID_NAMESPACE, WMI_NAMESPACE_ABSENT, "this host has no Hyper-V namespace" },
    { (HRESULT)WBEM_E_INVALID_CLASS, WMI_CLASS_ABSENT, "no such class" },
    { (HRESULT)WBEM_E_NOT_FOUND, WMI_CLASS_ABSENT, "no such class" },
    { (HRESULT)WBEM_E_NOT_SUPPORTED, WMI_CLASS_ABSENT, "not supported" },
    { (HRESULT)WBEM_E_INVALID_METHOD, WMI_CLASS_ABSENT, "no such method" },
    { (HRESULT)WBEM_E_METHOD_NOT_IMPLEMENTED, WMI_CLASS_ABSENT, "no such method" },
    { (HRESULT)WBEM_E_METHOD_DISABLED, WMI_CLASS_ABSENT, "no such method" },
    { (HRESULT)WBEM_E_INVALID_QUERY, WMI_BAD_QUERY, "the query is not understood" },
    { (HRESULT)WBEM_E_UNPARSABLE_QUERY, WMI_BAD_QUERY, "the query is not understood" },
    { (HRESULT)WBEM_E_ACCESS_DENIED, WMI_DENIED, "access denied" },
    { (HRESULT)WBEM_E_PRIVILEGE_NOT_HELD, WMI_DENIED, "access denied" },
    { (HRESULT)WBEM_E_LOCAL_CREDENTIALS, WMI_DENIED, "access denied" },
    { (HRESULT)E_ACCESSDENIED, WMI_DENIED, "access denied" },
    { (HRESULT)WBEM_E_TRANSPORT_FAILURE, WMI_CONNECTION_LOST, "the connection to WMI broke" },
    { (HRESULT)WBEM_E_SHUTTING_DOWN, WMI_CONNECTION_LOST, "WMI is shutting down" },
    { (HRESULT)WBEM_E_SERVER_TOO_BUSY, WMI_CONNECTION_LOST, "WMI is too busy" },
    { (HRESULT)WBEM_E_PROVIDER_LOAD_FAILURE, WMI_CONNECTION_LOST, "the Hyper-V provider could not be loaded" },
    { (HRESULT)WBEM_E_PROVIDER_NOT_CAPABLE, WMI_CONNECTION_LOST, "the Hyper-V provider is not ready" },
    { (HRESULT)WBEM_E_PROVIDER_SUSPENDED, WMI_CONNECTION_LOST, "the Hyper-V provider is suspended" },
    { (HRESULT)WBEM_E_PROVIDER_TIMED_OUT, WMI_CONNECTION_LOST, "the Hyper-V provider gave up" },
    { (HRESULT)WBEM_E_CALL_CANCELLED, WMI_CONNECTION_LOST, "the call was cancelled" },
    { (HRESULT)WBEM_E_OUT_OF_MEMORY, WMI_CONNECTION_LOST, "WMI is out of memory" },
    { (HRESULT)WBEM_E_QUOTA_VIOLATION, WMI_CONNECTION_LOST, "a quota of WMI is used up" },
    { RPC(RPC_S_SERVER_UNAVAILABLE), WMI_CONNECTION_LOST, "WMI does not run" },
    { RPC(RPC_S_SERVER_TOO_BUSY), WMI_CONNECTION_LOST, "WMI is too busy" },
    { RPC(RPC_S_CALL_FAILED), WMI_CONNECTION_LOST, "the call to WMI failed" },
    { RPC(RPC_S_CALL_FAILED_DNE), WMI_CONNECTION_LOST, "the call to WMI failed" },
    { RPC(RPC_S_CALL_CANCELLED), WMI_CONNECTION_LOST, "the call to WMI was cancelled" },
    { RPC(RPC_S_UNKNOWN_IF), WMI_CONNECTION_LOST, "WMI is restarting" },
    { RPC(EPT_S_NOT_REGISTERED), WMI_CONNECTION_LOST, "WMI is not ready yet" },
    { RPC(ERROR_SERVICE_NOT_ACTIVE), WMI_CONNECTION_LOST, "WMI does not run" },
    { RPC(ERROR_SERVICE_DISABLED), WMI_CONNECTION_LOST, "the service Windows Management Instrumentation is disabled" },
    { RPC_E_DISCONNECTED, WMI_CONNECTION_LOST, "the connection to WMI broke" },
    { RPC_E_SERVER_DIED, WMI_CONNECTION_LOST, "WMI died" },
    { RPC_E_SERVER_DIED_DNE, WMI_CONNECTION_LOST, "WMI died" },
    { RPC_E_SERVERFAULT, WMI_CONNECTION_LOST, "WMI failed" },
    { RPC_E_CALL_CANCELED, WMI_CONNECTION_LOST, "the call was cancelled" },
    { RPC_E_TIMEOUT, WMI_CONNECTION_LOST, "the call timed out" },
    { CO_E_SERVER_EXEC_FAILURE, WMI_CONNECTION_LOST, "WMI could not be started" },
    { CO_E_OBJNOTCONNECTED, WMI_CONNECTION_LOST, "the connection to WMI broke" },
    { WMI_TIMED_OUT, WMI_LATE, "WMI did not answer within the deadline" },
    { WMI_TOO_LARGE, WMI_OTHER, "the answer is larger than a poll may be" },
    { REGDB_E_CLASSNOTREG, WMI_NAMESPACE_ABSENT, "this system has no WMI" },
};

/* What each meaning makes of the source, and the advice that goes with it. */
static const struct {
    enum stream_state state;
    const char *advice;
} by_meaning[] = {
    [WMI_CLASS_ABSENT] = { STREAM_RETRYING, "tried again by itself" },
    [WMI_NAMESPACE_ABSENT] = { STREAM_ABSENT,
                               "install the Hyper-V role; when it is, run mofcomp on WindowsVirtualization.V2.mof" },
    [WMI_BAD_QUERY] = { STREAM_RETRYING, "tried again by itself" },
    [WMI_DENIED] = { STREAM_NO_PERMISSION, GROUP_TO_JOIN },
    [WMI_CONNECTION_LOST] = { STREAM_RETRYING, "tried again by itself; if it stays, look at the services winmgmt and"
                                               " vmms" },
    [WMI_LATE] = { STREAM_HUNG, "if it stays, restart the services vmms and winmgmt at a quiet time" },
    [WMI_OTHER] = { STREAM_RETRYING, "tried again by itself" },
};

struct wmi_verdict wmi_judge(HRESULT hr)
{
    struct wmi_verdict v = { .meaning = WMI_OTHER, .words = "WMI failed" };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].hr == hr) {
            v.meaning = table[i].meaning;
            v.words = table[i].words;
            break;
        }
    }
    v.state = by_meaning[v.meaning].state;
    return v;
}

void wmi_remedy(HRESULT hr, char *out, size_t size)
{
    struct wmi_verdict v = wmi_judge(hr);

    snprintf(out, size, "%s (0x%08lx): %s", v.words, (unsigned long)hr, by_meaning[v.meaning].advice);
}

enum stream_state wmi_judge_empty(bool has_rights, char *remedy, size_t size)
{
    if (!has_rights) {
        snprintf(remedy, size, "WMI shows this account no machines at all: %s", GROUP_TO_JOIN);
        return STREAM_NO_PERMISSION;
    }
    snprintf(remedy, size, "WMI lists no machines, not even this host: the service vmms may be starting or stopped");
    return STREAM_RETRYING;
}

static bool is_member(WELL_KNOWN_SID_TYPE type)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof sid;
    BOOL member = FALSE;

    return CreateWellKnownSid(type, NULL, sid, &size) && CheckTokenMembership(NULL, sid, &member) && member;
}

/* S-1-5-32-578: newer than the list of well-known SIDs of our headers. */
static bool is_hyperv_administrator(void)
{
    SID_IDENTIFIER_AUTHORITY nt = { SECURITY_NT_AUTHORITY };
    enum { HYPERV_ADMINS = 578 };
    BOOL member = FALSE;
    PSID sid;

    if (!AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, HYPERV_ADMINS, 0, 0, 0, 0, 0, 0, &sid))
        return false;
    if (!CheckTokenMembership(NULL, sid, &member))
        member = FALSE;
    FreeSid(sid);
    return member;
}

bool wmi_has_rights(void)
{
    return is_member(WinLocalSystemSid) || is_member(WinBuiltinAdministratorsSid) || is_hyperv_administrator();
}
