/* See event_report.h. */
#include "plat/win/event_report.h"

#include "base/text.h"
#include "plat/win/messages.h"
#include "plat/win/wide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define SOURCE L"hvagent"

enum { QUEUE_MAX = 256, END_WAIT_MS = 2000, WORD_MAX = 48 };

static const struct {
    const char *word; /* of log_event() */
    DWORD id;
} words[] = {
    { "agent.start", MSG_AGENT_START },
    { "agent.stop", MSG_AGENT_STOP },
    { "agent.end", MSG_AGENT_END },
    { "config.loaded", MSG_CONFIG_LOADED },
    { "config.refused", MSG_CONFIG_REFUSED },
    { "config.restart_needed", MSG_CONFIG_RESTART_NEEDED },
    { "source.open", MSG_SOURCE_OPEN },
    { "source.state", MSG_SOURCE_STATE },
    { "source.name_taken", MSG_SOURCE_NAME_TAKEN },
    { "host.facts", MSG_HOST_FACTS },
    { "host.changed", MSG_HOST_CHANGED },
    { "host.dump_folders", MSG_HOST_DUMP_FOLDERS },
    { "store.open", MSG_STORE_OPEN },
    { "store.failed", MSG_STORE_FAILED },
    { "store.full", MSG_STORE_FULL },
    { "store.corrupt", MSG_STORE_CORRUPT },
    { "store.old_corrupt_file_removed", MSG_STORE_OLD_CORRUPT_FILE_REMOVED },
    { "store.shrunk", MSG_STORE_SHRUNK },
    { "store.recounted", MSG_STORE_RECOUNTED },
    { "store.guest_forgotten", MSG_STORE_GUEST_FORGOTTEN },
    { "transport.waiting", MSG_TRANSPORT_WAITING },
    { "transport.refused", MSG_TRANSPORT_REFUSED },
    { "transport.recovered", MSG_TRANSPORT_RECOVERED },
    { "transport.set_aside", MSG_TRANSPORT_SET_ASIDE },
    { "transport.remark", MSG_TRANSPORT_REMARK },
    { "transport.compression", MSG_TRANSPORT_COMPRESSION },
    { "transport.state_not_taken", MSG_TRANSPORT_STATE_NOT_TAKEN },
    { "hub.client", MSG_HUB_CLIENT },
    { "enrolment.done", MSG_ENROLMENT_DONE },
    { "enrolment.renewed", MSG_ENROLMENT_RENEWED },
    { "enrolment.failed", MSG_ENROLMENT_FAILED },
};

struct message {
    WORD type;
    DWORD id;
    char line[LOG_LINE_MAX + 1];
};

static struct {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
    HANDLE source; /* NULL: nobody takes events */
    HANDLE thread;
    struct message *queue; /* a ring of QUEUE_MAX */
    size_t first, count;
    unsigned long dropped;
    bool ending;
} report = { .lock = SRWLOCK_INIT, .changed = CONDITION_VARIABLE_INIT };

static WORD type_of(enum log_level level)
{
    return level == LOG_ERROR  ? EVENTLOG_ERROR_TYPE
           : level == LOG_WARN ? EVENTLOG_WARNING_TYPE
                               : EVENTLOG_INFORMATION_TYPE;
}

/* "TIME LEVEL WORD ...": the id that goes with the word. */
static DWORD id_of(const char *line)
{
    char word[WORD_MAX];
    const char *at = line;
    size_t n;

    for (int i = 0; i < 2 && at != NULL; i++)
        at = (at = strchr(at, ' ')) != NULL ? at + 1 : NULL;
    n = at != NULL ? strcspn(at, " ") : 0;
    if (n == 0 || n >= sizeof word)
        return MSG_OTHER;
    memcpy(word, at, n);
    word[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].id;
    return MSG_OTHER;
}

static void write_event(const struct message *m)
{
    wchar_t *wide;
    const wchar_t *strings[1];

    if (report.source == NULL || wide_from_utf8(m->line, &wide, NULL) != 0)
        return;
    strings[0] = wide;
    ReportEventW(report.source, m->type, 0, m->id, NULL, 1, 0, strings, NULL);
    free(wide);
}

/* What could not be kept is said in the place of the message that comes next. */
static void write_dropped(unsigned long dropped)
{
    struct message m = { .type = EVENTLOG_WARNING_TYPE, .id = MSG_DROPPED };

    if (dropped == 0)
        return;
    snprintf(m.line, sizeof m.line, "%lu", dropped);
    write_event(&m);
}

static DWORD WINAPI drain(void *arg)
{
    struct message *m = arg;

    AcquireSRWLockExclusive(&report.lock);
    for (;;) {
        unsigned long dropped;

        while (report.count == 0 && !report.ending)
            SleepConditionVariableSRW(&report.changed, &report.lock, INFINITE, 0);
        if (report.count == 0)
            break;
        *m = report.queue[report.first];
        report.first = (report.first + 1) % QUEUE_MAX;
        report.count--;
        dropped = report.dropped;
        report.dropped = 0;
        ReleaseSRWLockExclusive(&report.lock);
        write_dropped(dropped);
        write_event(m);
        AcquireSRWLockExclusive(&report.lock);
    }
    ReleaseSRWLockExclusive(&report.lock);
    free(m);
    return 0;
}

static void add(WORD type, DWORD id, const char *line)
{
    AcquireSRWLockExclusive(&report.lock);
    if (report.queue == NULL || report.count == QUEUE_MAX) {
        report.dropped++;
    } else {
        struct message *m = &report.queue[(report.first + report.count++) % QUEUE_MAX];

        m->type = type;
        m->id = id;
        text_copy(m->line, sizeof m->line, line);
        WakeConditionVariable(&report.changed);
    }
    ReleaseSRWLockExclusive(&report.lock);
}

static void on_line(enum log_level level, const char *line, void *arg)
{
    (void)arg;
    add(type_of(level), id_of(line), line);
}

void event_report_begin(void)
{
    struct message *in_hand = malloc(sizeof *in_hand);

    report.source = RegisterEventSourceW(NULL, SOURCE);
    report.queue = calloc(QUEUE_MAX, sizeof *report.queue);
    if (in_hand != NULL && report.queue != NULL)
        report.thread = CreateThread(NULL, 0, drain, in_hand, 0, NULL);
    if (report.thread == NULL)
        free(in_hand);
    log_set_sink(on_line, NULL);
}

void event_report_failure(const char *text)
{
    add(EVENTLOG_ERROR_TYPE, MSG_SERVICE_FAILED, text);
}

/* The thread and what it uses are left to the end of the program when the event
 * log does not answer. */
void event_report_end(void)
{
    log_set_sink(NULL, NULL);
    AcquireSRWLockExclusive(&report.lock);
    report.ending = true;
    WakeConditionVariable(&report.changed);
    ReleaseSRWLockExclusive(&report.lock);
    if (report.thread == NULL || WaitForSingleObject(report.thread, END_WAIT_MS) != WAIT_OBJECT_0)
        return;
    CloseHandle(report.thread);
    report.thread = NULL;
    if (report.source != NULL)
        DeregisterEventSource(report.source);
    free(report.queue);
    report.source = NULL;
    report.queue = NULL;
}
