/* Service controls and the console as service events.  See plat/service.h.
 *
 * Started by the service control, the program's first thread becomes the
 * dispatcher's; the program itself runs on the thread of ServiceMain, which is
 * the loop's.  The control handler runs on the dispatcher's thread: it notes what
 * was asked, wakes the loop, and returns.  STOPPED is reported last of all, with
 * the exit code, because the service control ends the process soon after.
 *
 *     START_PENDING --service_start()--> RUNNING --stop, preshutdown--> STOP_PENDING --> STOPPED
 *
 * What is asked for while nobody listens (before service_start(), or between
 * two lives of the agent) is kept and told to the next who does.
 *
 * Where no service control waits for the program, it runs in the console, with
 * Ctrl-C, Ctrl-Break and the closing of the window as "stop".
 *
 * Facts: Microsoft's pages "Service Control Handler Function",
 * "SetServiceStatus", "SERVICE_FAILURE_ACTIONS_FLAG" (failure actions follow a
 * STOPPED with another code than 0).
 */
#include "plat/service.h"

#include "plat/win/event_report.h"
#include "plat/win/rights.h"
#include "plat/win/stderr_kept.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <tlhelp32.h>
#include <windows.h>

enum { SIG_CTRL_C, SIG_CTRL_BREAK, SIG_CLOSE, SIG_COUNT };
enum { START_HINT_MS = 60000, STOP_HINT_MS = 15000 };

static const int numbers[SIG_COUNT] = { SIGINT, SIGBREAK, SIGHUP };

struct service {
    uv_async_t wake;
    uv_signal_t signals[SIG_COUNT];
    int open; /* handles not closed yet */
    bool on_console;
    struct service_events events;
    int stops;
};

/* The service control's side; there is one a process. */
static struct {
    SRWLOCK lock;
    SERVICE_STATUS_HANDLE handle; /* NULL: not a service */
    DWORD state, checkpoint;
    struct service *listening; /* NULL: nobody */
    int stops;                 /* asked for and not told yet */
    bool reload;
    int (*body)(int argc, char **argv);
    int argc;
    char **argv;
    int code;
} host = { .lock = SRWLOCK_INIT };

/* ---- reporting; with the lock held ---- */

static void report_state(DWORD state, int code)
{
    SERVICE_STATUS status = { .dwServiceType = SERVICE_WIN32_OWN_PROCESS, .dwCurrentState = state };

    if (host.handle == NULL || host.state == SERVICE_STOPPED)
        return;
    host.state = state;
    if (state == SERVICE_RUNNING)
        status.dwControlsAccepted =
            SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE | SERVICE_ACCEPT_POWEREVENT;
    if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING) {
        status.dwCheckPoint = ++host.checkpoint;
        status.dwWaitHint = state == SERVICE_START_PENDING ? START_HINT_MS : STOP_HINT_MS;
    }
    if (code != 0) {
        status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
        status.dwServiceSpecificExitCode = (DWORD)code;
    }
    SetServiceStatus(host.handle, &status);
}

/* ---- the control handler ---- */

static void ask(int stops, bool reload)
{
    AcquireSRWLockExclusive(&host.lock);
    host.stops += stops;
    host.reload = host.reload || reload;
    if (stops > 0)
        report_state(SERVICE_STOP_PENDING, 0);
    if (host.listening != NULL)
        uv_async_send(&host.listening->wake);
    ReleaseSRWLockExclusive(&host.lock);
}

/* A host that wakes up is looked at anew, as after a reload. */
static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context)
{
    (void)data;
    (void)context;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_PRESHUTDOWN:
        ask(1, false);
        return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:
        ask(0, true);
        return NO_ERROR;
    case SERVICE_CONTROL_POWEREVENT:
        if (type == PBT_APMRESUMEAUTOMATIC)
            ask(0, true);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* ---- hosting ---- */

static void report_stopped(int code)
{
    AcquireSRWLockExclusive(&host.lock);
    report_state(SERVICE_STOPPED, code);
    ReleaseSRWLockExclusive(&host.lock);
}

/* What the program has to say at its end goes out before STOPPED does. */
static void say_the_end(int code)
{
    char text[STDERR_KEPT_MAX];

    if (code != 0) {
        stderr_kept(text, sizeof text);
        event_report_failure(text[0] != '\0' ? text : "no reason was given");
    }
    event_report_end();
}

static void WINAPI service_main(DWORD argc, wchar_t **argv)
{
    (void)argc;
    (void)argv;
    host.handle = RegisterServiceCtrlHandlerExW(SERVICE_NAME, on_control, NULL);
    if (host.handle == NULL)
        return;
    AcquireSRWLockExclusive(&host.lock);
    report_state(SERVICE_START_PENDING, 0);
    ReleaseSRWLockExclusive(&host.lock);
    stderr_keep();
    event_report_begin();
    host.code = host.body(host.argc, host.argv);
    say_the_end(host.code);
    report_stopped(host.code);
}

static bool find_process(HANDLE all, DWORD pid, PROCESSENTRY32W *out)
{
    out->dwSize = sizeof *out;
    for (BOOL more = Process32FirstW(all, out); more; more = Process32NextW(all, out))
        if (out->th32ProcessID == pid)
            return true;
    return false;
}

/* The service control's process starts services and nothing else.  Asking the
 * dispatcher would do too, but where there is no answer (Wine) it waits for seconds.
 * Where it cannot be told the dispatcher is asked. */
static bool started_by_hand(void)
{
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W self, parent;
    bool by_hand = false;

    if (all == INVALID_HANDLE_VALUE)
        return false;
    if (find_process(all, GetCurrentProcessId(), &self))
        by_hand =
            !find_process(all, self.th32ParentProcessID, &parent) || _wcsicmp(parent.szExeFile, L"services.exe") != 0;
    CloseHandle(all);
    return by_hand;
}

int service_host(int (*body)(int argc, char **argv), int argc, char **argv)
{
    wchar_t name[] = SERVICE_NAME;
    const SERVICE_TABLE_ENTRYW table[] = { { name, service_main }, { NULL, NULL } };

    host.body = body;
    host.argc = argc;
    host.argv = argv;
    host.code = EXIT_FAILURE;
    if (started_by_hand())
        return body(argc, argv);
    if (StartServiceCtrlDispatcherW(table))
        return host.code;
    return body(argc, argv); /* ERROR_FAILED_SERVICE_CONTROLLER_CONNECT: started by hand */
}

/* The pool reads the C library's environment. */
void service_pool_threads(int count)
{
    char text[16];

    snprintf(text, sizeof text, "%d", count);
    _putenv_s("UV_THREADPOOL_SIZE", text);
}

/* ---- listening ---- */

static void on_wake(uv_async_t *handle)
{
    struct service *s = handle->data;
    bool reload;
    int stops;

    AcquireSRWLockExclusive(&host.lock);
    stops = host.stops;
    reload = host.reload;
    host.stops = 0;
    host.reload = false;
    ReleaseSRWLockExclusive(&host.lock);
    for (; stops > 0; stops--)
        s->events.stop(s->events.arg, ++s->stops);
    if (reload && s->stops == 0)
        s->events.reload(s->events.arg);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;

    (void)number;
    s->events.stop(s->events.arg, ++s->stops);
}

static void on_closed(uv_handle_t *handle)
{
    struct service *s = handle->data;

    if (--s->open == 0)
        free(s);
}

static int watch_console(struct service *s, uv_loop_t *loop)
{
    int rc = 0;

    s->on_console = true;
    for (int i = 0; i < SIG_COUNT; i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
        s->open++;
        if (rc == 0)
            rc = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&s->signals[i]);
    }
    return rc;
}

static void listen_to_host(struct service *s)
{
    AcquireSRWLockExclusive(&host.lock);
    assert(host.listening == NULL);
    host.listening = s;
    if (host.state == SERVICE_START_PENDING)
        report_state(SERVICE_RUNNING, 0);
    if (host.stops > 0 || host.reload)
        uv_async_send(&s->wake);
    ReleaseSRWLockExclusive(&host.lock);
}

int service_start(struct service **out, uv_loop_t *loop, const struct service_events *events, struct err *e)
{
    struct service *s = calloc(1, sizeof *s);
    int rc;

    *out = NULL;
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->events = *events;
    rc = uv_async_init(loop, &s->wake, on_wake);
    if (rc != 0) {
        free(s);
        return err_set(e, ERR_IO, "cannot watch for service controls: %s", uv_strerror(rc));
    }
    s->wake.data = s;
    s->open = 1;
    uv_unref((uv_handle_t *)&s->wake);
    if (host.handle == NULL)
        rc = watch_console(s, loop);
    if (rc != 0) {
        service_close(s);
        return err_set(e, ERR_IO, "cannot watch the console: %s", uv_strerror(rc));
    }
    uv_os_setpriority(0, UV_PRIORITY_BELOW_NORMAL);
    listen_to_host(s);
    *out = s;
    return 0;
}

void service_close(struct service *s)
{
    if (s == NULL)
        return;
    AcquireSRWLockExclusive(&host.lock);
    if (host.listening == s)
        host.listening = NULL;
    ReleaseSRWLockExclusive(&host.lock);
    uv_close((uv_handle_t *)&s->wake, on_closed);
    for (int i = 0; s->on_console && i < SIG_COUNT; i++)
        uv_close((uv_handle_t *)&s->signals[i], on_closed);
}

/* Without the libraries' farewells, which wait for locks that lost threads hold. */
_Noreturn void service_exit_now(int status)
{
    if (host.handle != NULL) {
        say_the_end(status);
        report_stopped(status);
    }
    fflush(NULL);
    TerminateProcess(GetCurrentProcess(), (UINT)status);
    abort();
}
