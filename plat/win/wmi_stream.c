/* The live WMI provider as a stream of polls: plat_live_wmi_stream() of
 * plat/live.h.
 *
 * A poll asks every wanted class once, for all virtual machines (hyperv.md B.4),
 * on a thread of its own (wmi_worker.h).  What becomes of an error is decided by
 * the table in wmi_errors.c:
 *
 *   no such class on this generation    left out, the poll counts as complete
 *   one class fails                     told as a gap, the poll is not complete
 *   refused, WMI restarting, too late   no answer; the state and the remedy say why
 *   answered, but not even the host     without the rights: no_permission
 *   a thread that does not come back    hung; after two of them no more is tried
 */
#include "plat/wmi_stream.h"

#include "base/times.h"
#include "plat/live.h"
#include "plat/win/wmi_errors.h"
#include "plat/win/wmi_worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_DEFAULT_NS (60 * NS_PER_S)

struct wmi_live {
    struct wmi_stream base;
    const struct clock *clock;
    const char *const *classes;
    struct wmi_worker *worker; /* NULL: none yet, or abandoned */
};

static void report_hung(struct wmi_poll *out)
{
    out->report.state = STREAM_HUNG;
    snprintf(out->report.remedy, sizeof out->report.remedy,
             "a call into WMI does not come back (%d of %d threads hang): %s", wmi_worker_abandoned(),
             WMI_ABANDONED_MAX,
             wmi_worker_abandoned() < WMI_ABANDONED_MAX ? "restart the services vmms and winmgmt at a quiet time"
                                                        : "restart the service hvagent at a quiet time");
}

static void tell_failure(const struct wmi_sink *sink, const char *class_name, HRESULT hr)
{
    char text[320], why[256];

    wmi_remedy(hr, why, sizeof why);
    snprintf(text, sizeof text, "%s: %s", class_name, why);
    sink->gap(sink->arg, "record-unreadable", text);
}

/* Only the list of machines and what they tell decide whether a poll is whole: a
 * summary that fails costs one signal of several.  Of how machines are set up it is
 * the only one that tells the memory in use. */
static bool matters(const struct wmi_live *s, const char *class_name)
{
    return s->classes == wmi_setup_classes || strcmp(class_name, "Msvm_SummaryInformation") != 0;
}

static void tell_class(const struct wmi_live *s, const char *class_name, const struct wmi_answer *a,
                       const struct wmi_sink *sink, struct wmi_poll *out)
{
    if (SUCCEEDED(a->hr)) {
        sink->instances(sink->arg, class_name, buf_text(&a->xml), a->xml.len, class_name);
    } else if (!matters(s, class_name)) {
        wmi_remedy(a->hr, out->report.remedy, sizeof out->report.remedy);
        if (wmi_judge(a->hr).meaning == WMI_CLASS_ABSENT)
            out->report.remedy[0] = '\0';
    } else if (wmi_judge(a->hr).meaning != WMI_CLASS_ABSENT) {
        tell_failure(sink, class_name, a->hr);
        out->complete = false;
    }
}

/* The list of machines has the host itself in it; that of their settings is empty on a host without any. */
static bool may_be_empty(const char *class_name)
{
    return strcmp(class_name, "Msvm_ComputerSystem") != 0 && wmi_has_rights();
}

/* The first class is the list; what it does not say cannot be joined to anything. */
static void tell_job(const struct wmi_live *s, const struct wmi_job *job, const struct wmi_sink *sink,
                     struct wmi_poll *out)
{
    const struct wmi_answer *systems = &job->classes[0];

    if (FAILED(job->hr) || FAILED(systems->hr)) {
        HRESULT hr = FAILED(job->hr) ? job->hr : systems->hr;

        out->report.state = wmi_judge(hr).state;
        wmi_remedy(hr, out->report.remedy, sizeof out->report.remedy);
        return;
    }
    if (systems->count == 0 && !may_be_empty(s->classes[0])) {
        out->report.state = wmi_judge_empty(wmi_has_rights(), out->report.remedy, sizeof out->report.remedy);
        return;
    }
    out->answered = true;
    out->complete = true;
    out->time_ns = job->time_ns;
    for (int i = 0; s->classes[i] != NULL; i++)
        tell_class(s, s->classes[i], &job->classes[i], sink, out);
}

static int live_poll(struct wmi_stream *base, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                     struct buf *new_mark, struct wmi_poll *out, struct err *e)
{
    struct wmi_live *s = (struct wmi_live *)base;
    const struct wmi_job *job;

    (void)mark;
    buf_clear(new_mark);
    *out = (struct wmi_poll){ .report = { .state = STREAM_ATTACHED, .lag_records = 0 } };
    if (s->worker == NULL) {
        int rc = wmi_worker_start(s->clock, s->classes, &s->worker, e);

        if (rc == ERR_BUSY)
            report_hung(out);
        if (rc != 0)
            return rc == ERR_BUSY ? 0 : rc;
    }
    if (deadline_ns <= 0)
        deadline_ns = s->clock->monotonic_ns(s->clock) + DEADLINE_DEFAULT_NS;
    job = wmi_worker_poll(s->worker, deadline_ns);
    if (job == NULL) {
        s->worker = NULL;
        report_hung(out);
        return 0;
    }
    tell_job(s, job, sink, out);
    return 0;
}

static void live_close(struct wmi_stream *base)
{
    struct wmi_live *s = (struct wmi_live *)base;

    wmi_worker_stop(s->worker);
    free(s);
}

int plat_live_wmi_stream(const struct clock *clock, const char *const *classes, struct wmi_stream **out, struct err *e)
{
    static const struct wmi_stream_ops ops = { .poll = live_poll, .close = live_close };
    struct wmi_live *s = calloc(1, sizeof *s);
    int count = 0;

    while (classes[count] != NULL)
        count++;
    assert(count > 0 && count <= WMI_CLASSES_MAX);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base.ops = &ops;
    s->clock = clock;
    s->classes = classes;
    *out = &s->base;
    return 0;
}
