/* See event_channel_log.h.  Each function makes the calls of its name and turns
 * their errors into answers; what to do about them is event_channel.c's.
 *
 * The signal is one manual-reset event, waited for by the system's wait thread and
 * passed on once; arm() asks for the next time.  Nothing here holds a lock, so a
 * call that never comes back holds up nobody but the thread that made it.
 *
 * Proved under Wine with a stand-in for wevtapi.dll (tests/winhost/wevtapi); what
 * a real service does differently awaits a real host.
 */
#include "plat/win/event_channel_log.h"

#include "plat/win/evt_errors.h"
#include "plat/win/wide.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    XML_MAX = 4 * 1024 * 1024, /* bytes of UTF-8 of one event */
    NEXT_TIMEOUT_MS = 10000,   /* a drained channel answers at once */
    SNAPSHOT_TRIES = 4,
    QUERY_MAX = 96,
};

enum { VALUE_ID, VALUE_TIME, VALUE_COUNT };

struct evt_log {
    struct channel_log log;
    const struct evt_api *api;
    wchar_t *channel, *query; /* owned */
    bool is_structured;
    EVT_HANDLE subscription, bookmark, context; /* NULL none */
    EVT_HANDLE records[CHANNEL_BATCH_MAX];
    DWORD record_count;
    HANDLE signal, wait; /* wait NULL: nobody waits */
    volatile LONG fired; /* the wait has passed the signal on and must be registered anew */
    void (*signalled)(void *arg);
    void *arg;
    wchar_t *wide;   /* what was rendered last; owned */
    DWORD wide_size; /* bytes */
    struct buf xml;
};

static struct channel_result answer(DWORD code, const char *call)
{
    return (struct channel_result){ evt_answer(code), code, call };
}

static struct channel_result last_answer(const char *call)
{
    DWORD code = GetLastError();

    return answer(code != ERROR_SUCCESS ? code : ERROR_GEN_FAILURE, call);
}

static struct evt_log *log_of(struct channel_log *log)
{
    return (struct evt_log *)log;
}

static void close_handle(const struct evt_log *l, EVT_HANDLE *h)
{
    if (*h != NULL)
        l->api->close(*h);
    *h = NULL;
}

/* ---- the log ---- */

static bool log_value(const struct evt_log *l, EVT_HANDLE h, EVT_LOG_PROPERTY_ID id, DWORD type, uint64_t *out)
{
    EVT_VARIANT v = { .Type = EvtVarTypeNull };
    DWORD used = 0;

    *out = 0;
    if (!l->api->get_log_info(h, id, sizeof v, &v, &used))
        return false;
    if (v.Type == type)
        *out = type == EvtVarTypeFileTime ? v.FileTimeVal : v.UInt64Val;
    return true;
}

/* Oldest and count that belong together, while records are written and
 * overwritten: the oldest must be the same before and after. */
static bool log_numbers(const struct evt_log *l, EVT_HANDLE h, struct channel_info *out)
{
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        uint64_t before;

        if (!log_value(l, h, EvtLogOldestRecordNumber, EvtVarTypeUInt64, &before) ||
            !log_value(l, h, EvtLogNumberOfLogRecords, EvtVarTypeUInt64, &out->count) ||
            !log_value(l, h, EvtLogOldestRecordNumber, EvtVarTypeUInt64, &out->oldest))
            return false;
        if (before == out->oldest)
            return true;
    }
    SetLastError(ERROR_TIMEOUT);
    return false;
}

static struct channel_result log_info(struct channel_log *log, struct channel_info *out)
{
    struct evt_log *l = log_of(log);
    EVT_HANDLE h = l->api->open_log(NULL, l->channel, EvtOpenChannelPath);
    struct channel_result result = answer(ERROR_SUCCESS, "EvtGetLogInfo");

    *out = (struct channel_info){ 0 };
    if (h == NULL)
        return last_answer("EvtOpenLog");
    if (!log_numbers(l, h, out))
        result = last_answer("EvtGetLogInfo");
    else if (!log_value(l, h, EvtLogCreationTime, EvtVarTypeFileTime, &out->created))
        out->created = 0;
    l->api->close(h);
    return result;
}

/* ---- records ---- */

static EVT_HANDLE values_context(struct evt_log *l)
{
    static const wchar_t *const paths[VALUE_COUNT] = {
        [VALUE_ID] = L"Event/System/EventRecordID", [VALUE_TIME] = L"Event/System/TimeCreated/@SystemTime"
    };

    if (l->context == NULL)
        l->context = l->api->create_render_context(VALUE_COUNT, (LPCWSTR *)paths, EvtRenderContextValues);
    return l->context;
}

static struct channel_result record_values(struct evt_log *l, EVT_HANDLE record, struct channel_record *out)
{
    EVT_VARIANT v[VALUE_COUNT] = { { .Type = EvtVarTypeNull } };
    EVT_HANDLE context = values_context(l);
    DWORD used = 0, count = 0;

    if (context == NULL)
        return last_answer("EvtCreateRenderContext");
    if (!l->api->render(context, record, EvtRenderEventValues, sizeof v, v, &used, &count))
        return last_answer("EvtRender");
    if (count != VALUE_COUNT || v[VALUE_ID].Type != EvtVarTypeUInt64)
        return answer(ERROR_INVALID_DATA, "EvtRender");
    out->id = v[VALUE_ID].UInt64Val;
    out->time = v[VALUE_TIME].Type == EvtVarTypeFileTime ? v[VALUE_TIME].FileTimeVal : 0;
    return answer(ERROR_SUCCESS, "EvtRender");
}

static struct channel_result log_record(struct channel_log *log, int i, struct channel_record *out)
{
    struct evt_log *l = log_of(log);

    assert(i >= 0 && (DWORD)i < l->record_count);
    return record_values(l, l->records[i], out);
}

static struct channel_result log_record_time(struct channel_log *log, uint64_t id, uint64_t *time)
{
    struct evt_log *l = log_of(log);
    struct channel_record found = { 0 };
    struct channel_result result;
    EVT_HANDLE query, record = NULL;
    wchar_t xpath[QUERY_MAX];
    DWORD count = 0;

    _snwprintf(xpath, QUERY_MAX, L"*[System[EventRecordID=%llu]]", (unsigned long long)id);
    query = l->api->query(NULL, l->channel, xpath, EvtQueryChannelPath | EvtQueryForwardDirection);
    if (query == NULL)
        return last_answer("EvtQuery");
    if (l->api->next(query, 1, &record, NEXT_TIMEOUT_MS, 0, &count))
        result = count == 1 ? record_values(l, record, &found) : answer(ERROR_NOT_FOUND, "EvtNext");
    else
        result = last_answer("EvtNext");
    if (result.answer == CHANNEL_DRAINED || (result.answer == CHANNEL_OK && found.id != id))
        result = answer(ERROR_NOT_FOUND, "EvtNext");
    *time = found.time;
    close_handle(l, &record);
    close_handle(l, &query);
    return result;
}

/* Renders into l->wide, which grows as needed; *used in bytes. */
static struct channel_result render_text(struct evt_log *l, EVT_HANDLE what, DWORD flags, DWORD *used)
{
    DWORD properties = 0;

    for (int i = 0; i < 2; i++) {
        wchar_t *grown;

        if (l->api->render(NULL, what, flags, l->wide_size, l->wide, used, &properties))
            return answer(ERROR_SUCCESS, "EvtRender");
        if (GetLastError() != ERROR_INSUFFICIENT_BUFFER || *used > XML_MAX * sizeof *grown)
            break;
        grown = realloc(l->wide, *used);
        if (grown == NULL)
            return answer(ERROR_OUTOFMEMORY, "EvtRender");
        l->wide = grown;
        l->wide_size = *used;
    }
    return last_answer("EvtRender");
}

/* What was rendered, as UTF-8, appended to out. */
static struct channel_result add_utf8(const struct evt_log *l, DWORD used, struct buf *out)
{
    size_t units = used / sizeof *l->wide;
    char *room;
    int n;

    while (units > 0 && l->wide[units - 1] == L'\0')
        units--;
    if (units == 0)
        return answer(ERROR_INVALID_DATA, "EvtRender");
    n = WideCharToMultiByte(CP_UTF8, 0, l->wide, (int)units, NULL, 0, NULL, NULL);
    room = n > 0 ? buf_room(out, (size_t)n) : NULL;
    if (room == NULL)
        return answer(n > 0 ? ERROR_BUFFER_OVERFLOW : ERROR_INVALID_DATA, "EvtRender");
    n = WideCharToMultiByte(CP_UTF8, 0, l->wide, (int)units, room, n, NULL, NULL);
    buf_used(out, (size_t)n);
    return answer(ERROR_SUCCESS, "EvtRender");
}

static struct channel_result log_render(struct channel_log *log, int i, const char **xml, size_t *len)
{
    struct evt_log *l = log_of(log);
    struct channel_result result;
    DWORD used = 0;

    assert(i >= 0 && (DWORD)i < l->record_count);
    result = render_text(l, l->records[i], EvtRenderEventXml, &used);
    if (result.answer != CHANNEL_OK)
        return result;
    buf_clear(&l->xml);
    result = add_utf8(l, used, &l->xml);
    *xml = buf_text(&l->xml);
    *len = l->xml.len;
    return result;
}

static struct channel_result log_bookmark(struct channel_log *log, int i, struct buf *out)
{
    struct evt_log *l = log_of(log);
    struct channel_result result;
    DWORD used = 0;

    assert(i >= 0 && (DWORD)i < l->record_count);
    if (l->bookmark == NULL)
        l->bookmark = l->api->create_bookmark(NULL);
    if (l->bookmark == NULL)
        return last_answer("EvtCreateBookmark");
    if (!l->api->update_bookmark(l->bookmark, l->records[i]))
        return last_answer("EvtUpdateBookmark");
    result = render_text(l, l->bookmark, EvtRenderBookmark, &used);
    return result.answer == CHANNEL_OK ? add_utf8(l, used, out) : result;
}

/* ---- the subscription ---- */

static void close_records(struct evt_log *l)
{
    for (DWORD i = 0; i < l->record_count; i++)
        close_handle(l, &l->records[i]);
    l->record_count = 0;
}

static void log_unsubscribe(struct channel_log *log)
{
    struct evt_log *l = log_of(log);

    close_records(l);
    close_handle(l, &l->subscription);
}

static EVT_HANDLE open_bookmark(const struct evt_log *l, const char *text)
{
    EVT_HANDLE h = NULL;
    wchar_t *wide;

    if (wide_from_utf8(text, &wide, NULL) == 0) {
        h = l->api->create_bookmark(wide);
        free(wide);
    }
    return h;
}

static struct channel_result log_subscribe(struct channel_log *log, const char *bookmark)
{
    struct evt_log *l = log_of(log);
    DWORD flags =
        EvtSubscribeStrict | (bookmark[0] != '\0' ? EvtSubscribeStartAfterBookmark : EvtSubscribeStartAtOldestRecord);
    struct channel_result result = answer(ERROR_SUCCESS, "EvtSubscribe");
    EVT_HANDLE after = NULL;

    assert(l->subscription == NULL);
    if (bookmark[0] != '\0' && (after = open_bookmark(l, bookmark)) == NULL)
        return answer(ERROR_NOT_FOUND, "EvtCreateBookmark");
    ResetEvent(l->signal);
    l->subscription =
        l->api->subscribe(NULL, l->signal, l->is_structured ? NULL : l->channel, l->query, after, NULL, NULL, flags);
    if (l->subscription == NULL)
        result = last_answer("EvtSubscribe");
    close_handle(l, &after);
    return result;
}

static struct channel_result log_next(struct channel_log *log, int max, int *count)
{
    struct evt_log *l = log_of(log);
    DWORD got = 0;

    assert(max > 0 && max <= CHANNEL_BATCH_MAX && l->subscription != NULL);
    close_records(l);
    *count = 0;
    if (!l->api->next(l->subscription, (DWORD)max, l->records, NEXT_TIMEOUT_MS, 0, &got))
        return last_answer("EvtNext");
    assert(got <= (DWORD)max);
    l->record_count = got;
    *count = (int)got;
    return answer(got > 0 ? ERROR_SUCCESS : ERROR_NO_MORE_ITEMS, "EvtNext");
}

static void log_reset(struct channel_log *log)
{
    ResetEvent(log_of(log)->signal);
}

/* On the system's wait thread. */
static void CALLBACK pass_on(void *arg, BOOLEAN timed_out)
{
    struct evt_log *l = arg;

    (void)timed_out;
    InterlockedExchange(&l->fired, 1);
    l->signalled(l->arg);
}

/* Waits until a callback that runs has returned. */
static void stop_waiting(struct evt_log *l)
{
    if (l->wait != NULL)
        UnregisterWaitEx(l->wait, INVALID_HANDLE_VALUE);
    l->wait = NULL;
}

static struct channel_result log_arm(struct channel_log *log)
{
    struct evt_log *l = log_of(log);

    if (l->signalled == NULL || (l->wait != NULL && InterlockedCompareExchange(&l->fired, 0, 0) == 0))
        return answer(ERROR_SUCCESS, "RegisterWaitForSingleObject");
    stop_waiting(l);
    InterlockedExchange(&l->fired, 0);
    if (RegisterWaitForSingleObject(&l->wait, l->signal, pass_on, l, INFINITE,
                                    WT_EXECUTEINWAITTHREAD | WT_EXECUTEONLYONCE))
        return answer(ERROR_SUCCESS, "RegisterWaitForSingleObject");
    l->wait = NULL;
    return last_answer("RegisterWaitForSingleObject");
}

static void log_close(struct channel_log *log)
{
    struct evt_log *l = log_of(log);

    stop_waiting(l);
    log_unsubscribe(log);
    close_handle(l, &l->bookmark);
    close_handle(l, &l->context);
    if (l->signal != NULL)
        CloseHandle(l->signal);
    buf_free(&l->xml);
    free(l->wide);
    free(l->channel);
    free(l->query);
    free(l);
}

static const struct channel_log_ops evt_log_ops = {
    .info = log_info,
    .record_time = log_record_time,
    .subscribe = log_subscribe,
    .unsubscribe = log_unsubscribe,
    .reset = log_reset,
    .arm = log_arm,
    .next = log_next,
    .record = log_record,
    .render = log_render,
    .bookmark = log_bookmark,
    .close = log_close,
};

int evt_log_new(const struct evt_api *api, const char *channel, const char *query, bool is_structured,
                void (*signalled)(void *arg), void *arg, struct channel_log **out, struct err *e)
{
    struct evt_log *l = calloc(1, sizeof *l);
    int rc;

    if (l == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for channel %s", channel);
    *l = (struct evt_log){
        .log = { &evt_log_ops }, .api = api, .is_structured = is_structured, .signalled = signalled, .arg = arg
    };
    buf_init(&l->xml, XML_MAX);
    rc = wide_from_utf8(channel, &l->channel, e);
    if (rc == 0)
        rc = wide_from_utf8(query, &l->query, e);
    if (rc == 0 && (l->signal = CreateEventW(NULL, TRUE, FALSE, NULL)) == NULL)
        rc = err_set(e, ERR_MEMORY, "no event object for channel %s", channel);
    if (rc == 0)
        *out = &l->log;
    else
        log_close(&l->log);
    return rc;
}
