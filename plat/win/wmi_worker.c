/* See wmi_worker.h. */
#include "plat/win/wmi_worker.h"

#include "base/times.h"
#include "plat/win/wmi_errors.h"
#include "plat/win/wmi_session.h"
#include "plat/wmi_stream.h"

#include <assert.h>
#include <process.h>
#include <stdlib.h>
#include <string.h>

enum {
    STACK_BYTES = 512 * 1024,
    GRACE_MS = 250, /* a thread that still runs comes back by itself at the deadline */
    STOP_WAIT_MS = 1000,
};

#define SUMMARIES_NS (15 * NS_PER_S)

enum { JOB_NONE, JOB_RUNNING, JOB_ABANDONED };

struct wmi_worker {
    const struct clock *clock;
    const char *const *classes;
    HANDLE asked, answered; /* events, reset by their wait */
    volatile LONG shares;   /* 2: the asker's and the thread's */
    volatile LONG job_state;
    volatile LONG stopping;
    struct wmi_job job;
    struct wmi_session session; /* the thread's alone */
};

/* Of the whole process, because threads are. */
static volatile LONG abandoned;

static void let_go(struct wmi_worker *w)
{
    if (InterlockedDecrement(&w->shares) > 0)
        return;
    for (int i = 0; i < WMI_CLASSES_MAX; i++)
        buf_free(&w->job.classes[i].xml);
    if (w->asked != NULL)
        CloseHandle(w->asked);
    if (w->answered != NULL)
        CloseHandle(w->answered);
    free(w);
}

/* ---- the thread --------------------------------------------------------- */

static bool ends_the_poll(HRESULT hr)
{
    enum wmi_meaning m = wmi_judge(hr).meaning;

    return m == WMI_DENIED || m == WMI_CONNECTION_LOST || m == WMI_LATE || m == WMI_NAMESPACE_ABSENT;
}

static HRESULT ask_class(struct wmi_worker *w, const char *class_name, struct wmi_answer *a)
{
    struct wmi_deadline d = { .clock = w->clock, .ns = w->job.deadline_ns };

    a->hr = wmi_session_class(&w->session, class_name, &d, &a->xml, &a->count);
    return a->hr;
}

/* Asked last and for a while only: the provider works it out machine by machine,
 * and a poll that has all the rest must not be lost to it. */
static void ask_summaries(struct wmi_worker *w, struct wmi_answer *a)
{
    int64_t soon = w->clock->monotonic_ns(w->clock) + SUMMARIES_NS;
    struct wmi_deadline d = { .clock = w->clock, .ns = soon < w->job.deadline_ns ? soon : w->job.deadline_ns };

    a->hr = wmi_session_summaries(&w->session, &d, &a->xml, &a->count);
    if (FAILED(a->hr) && wmi_judge(a->hr).meaning == WMI_CONNECTION_LOST)
        wmi_session_close(&w->session);
}

static HRESULT ask_all(struct wmi_worker *w)
{
    struct wmi_answer *summaries = NULL;

    w->job.time_ns = w->clock->wall_ns(w->clock);
    for (int i = 0; w->classes[i] != NULL; i++) {
        HRESULT hr;

        if (strcmp(w->classes[i], "Msvm_SummaryInformation") == 0) {
            summaries = &w->job.classes[i];
            continue;
        }
        hr = ask_class(w, w->classes[i], &w->job.classes[i]);
        if (FAILED(hr) && ends_the_poll(hr))
            return hr;
    }
    if (summaries != NULL)
        ask_summaries(w, summaries);
    return S_OK;
}

/* A connection kept since the last poll may have died with WMI since: then one
 * more try with a new one. */
static HRESULT run_job(struct wmi_worker *w)
{
    bool kept = w->session.services != NULL;
    HRESULT hr = kept ? S_OK : wmi_session_open(&w->session);

    if (SUCCEEDED(hr))
        hr = ask_all(w);
    if (kept && FAILED(hr) && wmi_judge(hr).meaning == WMI_CONNECTION_LOST) {
        wmi_session_close(&w->session);
        hr = wmi_session_open(&w->session);
        if (SUCCEEDED(hr))
            hr = ask_all(w);
    }
    if (FAILED(hr))
        wmi_session_close(&w->session);
    return hr;
}

/* False when nobody waits for the answer any more. */
static bool hand_over(struct wmi_worker *w)
{
    if (InterlockedCompareExchange(&w->job_state, JOB_NONE, JOB_RUNNING) != JOB_RUNNING) {
        InterlockedDecrement(&abandoned);
        return false;
    }
    SetEvent(w->answered);
    return true;
}

/* For the whole process, once; another part of it may have been first. */
static void set_process_security(void)
{
    CoInitializeSecurity(NULL, -1, NULL, NULL, RPC_C_AUTHN_LEVEL_DEFAULT, RPC_C_IMP_LEVEL_IMPERSONATE, NULL, EOAC_NONE,
                         NULL);
}

static unsigned __stdcall worker_main(void *arg)
{
    struct wmi_worker *w = arg;
    HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);

    if (SUCCEEDED(com))
        set_process_security();
    while (WaitForSingleObject(w->asked, INFINITE) == WAIT_OBJECT_0 && !w->stopping) {
        w->job.hr = SUCCEEDED(com) ? run_job(w) : com;
        if (!hand_over(w))
            break;
    }
    wmi_session_close(&w->session);
    if (SUCCEEDED(com))
        CoUninitialize();
    let_go(w);
    return 0;
}

/* ---- the asker ---------------------------------------------------------- */

int wmi_worker_abandoned(void)
{
    return (int)InterlockedCompareExchange(&abandoned, 0, 0);
}

int wmi_worker_start(const struct clock *clock, const char *const *classes, struct wmi_worker **out, struct err *e)
{
    struct wmi_worker *w;
    uintptr_t thread;

    if (wmi_worker_abandoned() >= WMI_ABANDONED_MAX)
        return err_set(e, ERR_BUSY, "%d calls into WMI have not come back: restart the service hvagent at a quiet time",
                       WMI_ABANDONED_MAX);
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    w->clock = clock;
    w->classes = classes;
    w->shares = 1;
    for (int i = 0; i < WMI_CLASSES_MAX; i++)
        buf_init(&w->job.classes[i].xml, WMI_ANSWER_MAX);
    w->asked = CreateEventW(NULL, FALSE, FALSE, NULL);
    w->answered = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (w->asked == NULL || w->answered == NULL) {
        let_go(w);
        return err_set(e, ERR_MEMORY, "out of handles for WMI's thread");
    }
    w->shares = 2;
    thread = _beginthreadex(NULL, STACK_BYTES, worker_main, w, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == 0) {
        w->shares = 1;
        let_go(w);
        return err_set(e, ERR_MEMORY, "cannot start WMI's thread");
    }
    CloseHandle((HANDLE)thread);
    *out = w;
    return 0;
}

static DWORD wait_ms(const struct wmi_worker *w, int64_t deadline_ns)
{
    int64_t left = (deadline_ns - w->clock->monotonic_ns(w->clock)) / NS_PER_MS;

    left = left < 0 ? 0 : left;
    return left < INT32_MAX - GRACE_MS ? (DWORD)left + GRACE_MS : INT32_MAX;
}

const struct wmi_job *wmi_worker_poll(struct wmi_worker *w, int64_t deadline_ns)
{
    assert(w->job_state == JOB_NONE);
    w->job.deadline_ns = deadline_ns;
    for (int i = 0; i < WMI_CLASSES_MAX; i++) {
        buf_clear(&w->job.classes[i].xml);
        w->job.classes[i].count = 0;
        w->job.classes[i].hr = (HRESULT)E_PENDING;
    }
    InterlockedExchange(&w->job_state, JOB_RUNNING);
    SetEvent(w->asked);
    if (WaitForSingleObject(w->answered, wait_ms(w, deadline_ns)) == WAIT_OBJECT_0)
        return &w->job;
    InterlockedIncrement(&abandoned);
    if (InterlockedCompareExchange(&w->job_state, JOB_ABANDONED, JOB_RUNNING) == JOB_RUNNING) {
        let_go(w);
        return NULL;
    }
    InterlockedDecrement(&abandoned);
    WaitForSingleObject(w->answered, INFINITE); /* set right after the state */
    return &w->job;
}

void wmi_worker_stop(struct wmi_worker *w)
{
    if (w == NULL)
        return;
    assert(w->job_state == JOB_NONE);
    InterlockedExchange(&w->stopping, 1);
    SetEvent(w->asked);
    for (int waited = 0; waited < STOP_WAIT_MS && w->shares > 1; waited += 10)
        Sleep(10);
    let_go(w);
}
