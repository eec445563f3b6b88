/* The service control manager.  See plat/service_control.h; what is set up
 * around the service (event source, folders, groups) is service_setup.c.
 *
 * Facts: Microsoft's pages "ChangeServiceConfig2", "SERVICE_FAILURE_ACTIONS",
 * "SERVICE_PRESHUTDOWN_INFO" (10 s by default since Windows 10 1703),
 * "SERVICE_SID_INFO", "SERVICE_DELAYED_AUTO_START_INFO".
 */
#include "plat/service_control.h"

#include "base/text.h"
#include "plat/win/rights.h"
#include "plat/win/service_setup.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define DISPLAY_NAME L"hvfleet agent"
#define ACCOUNT      L"NT SERVICE\\" SERVICE_NAME

enum {
    COMMAND_MAX = 4096,
    CONFIG_BYTES = 8 * 1024,
    POLL_MS = 100,
    LOCKED_MS = 10000,
    PRESHUTDOWN_MS = 10000,
    FAILURE_RESET_S = 24 * 60 * 60,
};

static int open_manager(DWORD access, SC_HANDLE *out, struct err *e)
{
    *out = OpenSCManagerW(NULL, NULL, access);
    if (*out != NULL)
        return 0;
    if (GetLastError() == ERROR_ACCESS_DENIED)
        return err_set(e, ERR_PERMISSION, "the service control refuses: run this as administrator");
    return err_win(e, GetLastError(), "cannot reach the service control");
}

/* ERR_NOT_FOUND: not installed. */
static int open_service(DWORD access, SC_HANDLE *out, struct err *e)
{
    SC_HANDLE manager;
    DWORD code;
    int rc = open_manager(SC_MANAGER_CONNECT, &manager, e);

    if (rc != 0)
        return rc;
    *out = OpenServiceW(manager, SERVICE_NAME, access);
    code = *out == NULL ? GetLastError() : ERROR_SUCCESS;
    CloseServiceHandle(manager);
    if (code == ERROR_SUCCESS)
        return 0;
    if (code == ERROR_SERVICE_DOES_NOT_EXIST)
        return err_set(e, ERR_NOT_FOUND, "the service is not installed: hvagent service install");
    if (code == ERROR_ACCESS_DENIED)
        return err_set(e, ERR_PERMISSION, "the service control refuses: run this as administrator");
    return err_win(e, code, "cannot open the service");
}

/* ---- waiting ---- */

static int query(SC_HANDLE service, SERVICE_STATUS_PROCESS *out, struct err *e)
{
    DWORD n = 0;

    if (QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (LPBYTE)out, sizeof *out, &n))
        return 0;
    return err_win(e, GetLastError(), "cannot ask for the service's state");
}

/* Until it is wanted, or STOPPED, which every way can end in. */
static int wait_until(SC_HANDLE service, DWORD wanted, SERVICE_STATUS_PROCESS *last, struct err *e)
{
    for (int waited = 0;; waited += POLL_MS) {
        int rc = query(service, last, e);

        if (rc != 0 || last->dwCurrentState == wanted || last->dwCurrentState == SERVICE_STOPPED)
            return rc;
        if (waited >= SERVICE_CONTROL_WAIT_S * 1000)
            return err_set(e, ERR_TIMEOUT, "the service did not get there within %d s", (int)SERVICE_CONTROL_WAIT_S);
        Sleep(POLL_MS);
    }
}

static unsigned long exit_code_of(const SERVICE_STATUS_PROCESS *s)
{
    if (s->dwWin32ExitCode == ERROR_SERVICE_NEVER_STARTED)
        return 0;
    return s->dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR ? s->dwServiceSpecificExitCode : s->dwWin32ExitCode;
}

/* The manager's database is locked for moments, as while the system starts. */
static DWORD begin_start(SC_HANDLE service)
{
    for (int waited = 0;; waited += POLL_MS) {
        DWORD code = StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();

        if (code == ERROR_SERVICE_ALREADY_RUNNING)
            return ERROR_SUCCESS;
        if (code != ERROR_SERVICE_DATABASE_LOCKED || waited >= LOCKED_MS)
            return code;
        Sleep(POLL_MS);
    }
}

int service_control_start(struct err *e)
{
    SERVICE_STATUS_PROCESS status;
    DWORD code;
    SC_HANDLE service;
    int rc = open_service(SERVICE_START | SERVICE_QUERY_STATUS, &service, e);

    if (rc != 0)
        return rc;
    code = begin_start(service);
    if (code != ERROR_SUCCESS)
        rc = err_win(e, code, "cannot start the service");
    if (rc == 0)
        rc = wait_until(service, SERVICE_RUNNING, &status, e);
    if (rc == 0 && status.dwCurrentState != SERVICE_RUNNING)
        rc = err_set(e, ERR_STATE,
                     "the service ended at once with code %lu: the Application log, source hvagent, says why; "
                     "hvagent check-config and hvagent run show it here",
                     exit_code_of(&status));
    CloseServiceHandle(service);
    return rc;
}

/* A service that still starts takes no controls: it is asked again until it does. */
static DWORD begin_stop(SC_HANDLE service)
{
    for (int waited = 0;; waited += POLL_MS) {
        SERVICE_STATUS status;
        DWORD code = ControlService(service, SERVICE_CONTROL_STOP, &status) ? ERROR_SUCCESS : GetLastError();

        if (code != ERROR_SERVICE_CANNOT_ACCEPT_CTRL || waited >= SERVICE_CONTROL_WAIT_S * 1000 ||
            !QueryServiceStatus(service, &status) || status.dwCurrentState != SERVICE_START_PENDING)
            return code;
        Sleep(POLL_MS);
    }
}

static int stop_opened(SC_HANDLE service, struct err *e)
{
    SERVICE_STATUS_PROCESS last;
    DWORD code = begin_stop(service);

    if (code == ERROR_SERVICE_NOT_ACTIVE)
        return 0;
    if (code != ERROR_SUCCESS && code != ERROR_SERVICE_CANNOT_ACCEPT_CTRL) /* the latter: it stops already */
        return err_win(e, code, "cannot stop the service");
    return wait_until(service, SERVICE_STOPPED, &last, e);
}

int service_control_stop(struct err *e)
{
    SC_HANDLE service;
    int rc = open_service(SERVICE_STOP | SERVICE_QUERY_STATUS, &service, e);

    if (rc != 0)
        return rc;
    rc = stop_opened(service, e);
    CloseServiceHandle(service);
    return rc;
}

int service_control_reload(struct err *e)
{
    SERVICE_STATUS status;
    SC_HANDLE service;
    int rc = open_service(SERVICE_PAUSE_CONTINUE, &service, e);

    if (rc != 0)
        return rc;
    if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status)) {
        rc = GetLastError() == ERROR_SERVICE_NOT_ACTIVE
                 ? err_set(e, ERR_STATE, "the service does not run: hvagent service start")
                 : err_win(e, GetLastError(), "cannot reach the service");
    }
    CloseServiceHandle(service);
    return rc;
}

/* ---- installing ---- */

/* "C:\...\hvagent.exe" run --config "..." */
static int command_line(const struct service_plan *plan, wchar_t *out, size_t size, struct err *e)
{
    wchar_t program[MAX_PATH * 4], *config = NULL;
    DWORD n = GetModuleFileNameW(NULL, program, MAX_PATH * 4);
    int written, rc = 0;

    if (n == 0 || n >= MAX_PATH * 4)
        return err_set(e, ERR_TOO_BIG, "the path of this program is too long");
    if (plan->config == NULL) {
        written = swprintf(out, size, L"\"%ls\" run", program);
    } else {
        rc = wide_path(plan->config, &config, e); /* the service has another current folder */
        if (rc != 0)
            return rc;
        if (wcschr(config, L'"') != NULL)
            rc = err_set(e, ERR_INVALID, "a path cannot have quotation marks: %s", plan->config);
        else if (config[wcslen(config) - 1] == L'\\') /* which would make a character of the closing quotation mark */
            rc = err_set(e, ERR_INVALID, "%s is a folder: name the file with the settings", plan->config);
        written = swprintf(out, size, L"\"%ls\" run --config \"%ls\"", program, config);
        free(config);
    }
    if (rc == 0 && (written < 0 || (size_t)written >= size))
        rc = err_set(e, ERR_TOO_BIG, "the service's command line is too long");
    return rc;
}

static int register_service(const wchar_t *command, const wchar_t *account, SC_HANDLE *out, struct err *e)
{
    SC_HANDLE manager;
    int rc = open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, &manager, e);

    if (rc != 0)
        return rc;
    *out = CreateServiceW(manager, SERVICE_NAME, DISPLAY_NAME, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                          SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, account, NULL);
    if (*out == NULL && GetLastError() == ERROR_SERVICE_EXISTS) {
        *out = OpenServiceW(manager, SERVICE_NAME, SERVICE_ALL_ACCESS);
        if (*out != NULL &&
            !ChangeServiceConfigW(*out, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
                                  NULL, NULL, NULL, account, NULL, DISPLAY_NAME)) {
            rc = err_win(e, GetLastError(), "cannot change the service");
            CloseServiceHandle(*out);
        }
    } else if (*out == NULL && GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE) {
        rc = err_set(e, ERR_BUSY, "the old service still goes: close the Services window and try again");
    }
    if (rc == 0 && *out == NULL)
        rc = err_win(e, GetLastError(), "cannot make the service");
    CloseServiceHandle(manager);
    return rc;
}

/* One setting of ChangeServiceConfig2; the service works without each of them. */
static void set(SC_HANDLE service, DWORD level, void *value, const char *what, struct buf *remarks)
{
    struct err e;

    if (ChangeServiceConfig2W(service, level, value))
        return;
    (void)!err_win(&e, GetLastError(), "%s is not set", what);
    buf_printf(remarks, "%s\n", e.text);
}

static void set_all(SC_HANDLE service, bool delayed, struct buf *remarks)
{
    wchar_t words[] = L"Watches the integration services and crashes of this Hyper-V host's guests "
                      L"and reports them to the fleet's hub.";
    wchar_t privileges[] = L"SeChangeNotifyPrivilege\0"; /* a list, which ends with an empty one */
    SC_ACTION actions[] = { { SC_ACTION_RESTART, 5000 }, { SC_ACTION_RESTART, 30000 }, { SC_ACTION_RESTART, 120000 } };
    SERVICE_DESCRIPTIONW description = { words };
    SERVICE_FAILURE_ACTIONSW failure = { .dwResetPeriod = FAILURE_RESET_S,
                                         .cActions = sizeof actions / sizeof actions[0],
                                         .lpsaActions = actions };
    SERVICE_FAILURE_ACTIONS_FLAG on_codes_too = { TRUE };
    SERVICE_DELAYED_AUTO_START_INFO later = { delayed };
    SERVICE_SID_INFO sid = { SERVICE_SID_TYPE_UNRESTRICTED };
    SERVICE_REQUIRED_PRIVILEGES_INFOW required = { privileges };
    SERVICE_PRESHUTDOWN_INFO preshutdown = { PRESHUTDOWN_MS };

    set(service, SERVICE_CONFIG_DESCRIPTION, &description, "the description", remarks);
    set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure, "the restart on failure", remarks);
    set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &on_codes_too, "the restart on a failure's exit code", remarks);
    set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &later, "the delayed start", remarks);
    set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid, "the service's own SID", remarks);
    set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required, "the list of privileges", remarks);
    set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown, "the time to stop before a shutdown", remarks);
}

int service_control_install(const struct service_plan *plan, struct buf *remarks, struct err *e)
{
    wchar_t command[COMMAND_MAX], *given = NULL;
    SC_HANDLE manager = NULL, service = NULL;
    int rc = open_manager(SC_MANAGER_CREATE_SERVICE, &manager, e); /* may we at all? */

    if (rc != 0)
        return rc;
    CloseServiceHandle(manager);
    rc = command_line(plan, command, COMMAND_MAX, e);
    if (rc == 0)
        rc = service_setup_folders(e);
    if (rc == 0 && plan->account != NULL)
        rc = wide_from_utf8(plan->account, &given, e);
    if (rc == 0)
        rc = register_service(command, given != NULL ? given : ACCOUNT, &service, e);
    free(given);
    if (rc != 0)
        return rc;
    set_all(service, plan->delayed, remarks);
    CloseServiceHandle(service);
    service_setup_event_source(remarks);
    if (plan->account == NULL)
        service_setup_groups(true, remarks);
    return 0;
}

int service_control_uninstall(struct buf *remarks, struct err *e)
{
    SC_HANDLE service;
    int rc = open_service(SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, &service, e);

    if (rc != 0)
        return rc;
    rc = stop_opened(service, e);
    if (rc == 0)
        service_setup_groups(false, remarks); /* while its name still stands for its SID */
    if (rc == 0 && !DeleteService(service))
        rc = err_win(e, GetLastError(), "cannot remove the service");
    CloseServiceHandle(service);
    if (rc == 0)
        service_setup_no_event_source();
    return rc;
}

/* ---- the standing ---- */

static const char *state_word(DWORD state)
{
    static const struct {
        DWORD state;
        const char *word;
    } words[] = {
        { SERVICE_STOPPED, "stopped" },
        { SERVICE_START_PENDING, "starting" },
        { SERVICE_STOP_PENDING, "stopping" },
        { SERVICE_RUNNING, "running" },
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].state == state)
            return words[i].word;
    return "unknown";
}

static const char *start_word(SC_HANDLE service, DWORD type)
{
    SERVICE_DELAYED_AUTO_START_INFO later = { FALSE };
    DWORD n = 0;

    if (type == SERVICE_DISABLED)
        return "disabled";
    if (type != SERVICE_AUTO_START)
        return "manual";
    QueryServiceConfig2W(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (LPBYTE)&later, sizeof later, &n);
    return later.fDelayedAutostart ? "automatic (delayed)" : "automatic";
}

static int read_config(SC_HANDLE service, struct service_standing *out, struct err *e)
{
    union {
        QUERY_SERVICE_CONFIGW config;
        unsigned char bytes[CONFIG_BYTES]; /* the most that it can be */
    } u;
    DWORD n = 0;

    if (!QueryServiceConfigW(service, &u.config, sizeof u, &n))
        return err_win(e, GetLastError(), "cannot read the service's settings");
    text_copy(out->start, sizeof out->start, start_word(service, u.config.dwStartType));
    utf8_copy_wide(out->account, sizeof out->account,
                   u.config.lpServiceStartName != NULL ? u.config.lpServiceStartName : L"");
    utf8_copy_wide(out->command, sizeof out->command, u.config.lpBinaryPathName);
    return 0;
}

int service_control_standing(struct service_standing *out, struct err *e)
{
    SERVICE_STATUS_PROCESS status;
    SC_HANDLE service;
    int rc = open_service(SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG, &service, e);

    memset(out, 0, sizeof *out);
    if (rc != 0)
        return rc;
    rc = query(service, &status, e);
    if (rc == 0)
        rc = read_config(service, out, e);
    if (rc == 0) {
        text_copy(out->state, sizeof out->state, state_word(status.dwCurrentState));
        out->running = status.dwCurrentState == SERVICE_RUNNING;
        out->pid = status.dwProcessId;
        out->exit_code = exit_code_of(&status);
    }
    CloseServiceHandle(service);
    return rc;
}
