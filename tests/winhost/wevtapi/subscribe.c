/* Queries, subscriptions and their signals; see host.h. */
#include "tests/winhost/wevtapi/handles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 50 };

static struct handle *subscriptions; /* under the host's lock */

/* ---- signals ---- */

/* Sets the signal when there is a record the subscription was not told of. */
static void signal_if_new(struct handle *s)
{
    struct host_channel *c = host_channel(s->channel);
    uint64_t told = s->signalled > s->cursor ? s->signalled : s->cursor;
    DWORD code;

    if (c == NULL || s->signal == NULL)
        return;
    if (c->created != s->created && !s->is_stale) {
        s->is_stale = true;
        SetEvent(s->signal);
    }
    for (size_t i = c->count; i > 0 && c->records[i - 1].id > told; i--) {
        if (!query_takes(s->query, &c->records[i - 1], &code))
            continue;
        s->signalled = c->records[i - 1].id;
        SetEvent(s->signal);
        break;
    }
}

static DWORD WINAPI poll_host(void *arg)
{
    (void)arg;
    for (;;) {
        Sleep(POLL_MS);
        host_lock();
        host_refresh();
        for (struct handle *s = subscriptions; s != NULL; s = s->next)
            signal_if_new(s);
        host_unlock();
    }
    return 0;
}

static void begin_polling(void)
{
    static LONG begun;

    if (InterlockedExchange(&begun, 1) == 0)
        CloseHandle(CreateThread(NULL, 0, poll_host, NULL, 0, NULL));
}

/* ---- beginning ---- */

static bool has_record(const struct host_channel *c, uint64_t id)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->records[i].id == id)
            return true;
    }
    return false;
}

/* Where the subscription begins; an error code when it can not. */
static DWORD place(struct handle *s, const struct host_channel *c, DWORD flags, EVT_HANDLE bookmark)
{
    const struct handle *b = bookmark;

    s->is_strict = (flags & EvtSubscribeStrict) != 0;
    s->created = c->created;
    switch (flags & EvtSubscribeOriginMask) {
    case EvtSubscribeStartAtOldestRecord:
        s->cursor = c->oldest > 0 ? c->oldest - 1 : 0;
        return 0;
    case EvtSubscribeToFutureEvents:
        s->cursor = c->newest;
        return 0;
    case EvtSubscribeStartAfterBookmark:
        if (b == NULL || b->magic != HANDLE_MAGIC || b->kind != KIND_BOOKMARK)
            return ERROR_INVALID_PARAMETER;
        s->cursor = b->cursor;
        return s->is_strict && !has_record(c, b->cursor) ? ERROR_NOT_FOUND : 0;
    default:
        return ERROR_INVALID_PARAMETER;
    }
}

/* A query or subscription over one channel, not yet placed; the lock is held. */
static struct handle *open_over(enum handle_kind kind, char *channel, char **query, struct host_channel **c)
{
    static const struct host_record none = { .id = 1 };
    char name[NAME_MAX_LEN];
    struct handle *h;
    DWORD code;

    if (!query_channel(*query, name))
        snprintf(name, sizeof name, "%s", channel != NULL ? channel : "");
    query_takes(*query, &none, &code);
    *c = host_channel(name);
    if (code == 0 && *c == NULL)
        code = ERROR_EVT_CHANNEL_NOT_FOUND;
    if (!refuse(code))
        return NULL;
    h = handle_new(kind, name);
    if (h != NULL) {
        h->query = *query;
        *query = NULL;
    }
    return h;
}

EVT_HANDLE WINAPI EvtSubscribe(EVT_HANDLE session, HANDLE signal, LPCWSTR channel_path, LPCWSTR query_text,
                               EVT_HANDLE bookmark, PVOID context, EVT_SUBSCRIBE_CALLBACK callback, DWORD flags)
{
    char *channel = narrow(channel_path), *query = narrow(query_text);
    char name[NAME_MAX_LEN] = "";
    struct host_channel *c;
    struct handle *s = NULL;

    (void)session;
    (void)context;
    if (!query_channel(query, name) && channel != NULL)
        snprintf(name, sizeof name, "%s", channel);
    if (signal == NULL || callback != NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
    } else if (refuse(script_trouble("EvtSubscribe", name))) {
        host_lock();
        s = open_over(KIND_SUBSCRIPTION, channel, &query, &c);
        if (s != NULL && !refuse(place(s, c, flags, bookmark))) {
            free(s->query);
            free(s);
            s = NULL;
        }
        if (s != NULL) {
            s->signal = signal;
            s->next = subscriptions;
            subscriptions = s;
            signal_if_new(s);
        }
        host_unlock();
        begin_polling();
    }
    free(channel);
    free(query);
    return s;
}

/* Copies of all records the query takes. */
static void fill_result(struct handle *h, const struct host_record *records, size_t count)
{
    DWORD code;

    h->result = calloc(count + 1, sizeof *h->result);
    for (size_t i = 0; h->result != NULL && i < count; i++) {
        if (query_takes(h->query, &records[i], &code) && host_record_copy(&h->result[h->count], &records[i]))
            h->count++;
    }
}

/* "The full path to a log file": the service, which opens it, has folders of its own. */
static bool is_full(const char *path)
{
    return strchr(path, '/') == NULL &&
           (strncmp(path, "\\\\", 2) == 0 || (path[0] != '\0' && strncmp(path + 1, ":\\", 2) == 0));
}

/* Records of a saved log: here a file with the XML of events, as EvtExportLog below
 * writes it; *count of them.  An error code when it is none. */
static DWORD read_saved(const char *path, struct host_record **records, size_t *count)
{
    char *text;
    DWORD code = 0;

    *records = NULL;
    *count = 0;
    if (!is_full(path))
        return ERROR_INVALID_NAME;
    text = host_read_file(path);
    if (text == NULL)
        return ERROR_FILE_NOT_FOUND;
    *count = host_split(text, records);
    if (*count == 0 && strstr(text, "<Events>") == NULL)
        code = ERROR_FILE_CORRUPT;
    free(text);
    return code;
}

static struct handle *query_file(const char *path, char **query)
{
    static const struct host_record none = { .id = 1 };
    struct host_record *records;
    struct handle *h = NULL;
    size_t count;
    DWORD code = read_saved(path, &records, &count);

    if (code == 0)
        query_takes(*query, &none, &code);
    if (refuse(code))
        h = handle_new(KIND_RESULT, path);
    if (h != NULL) {
        h->query = *query;
        *query = NULL;
        fill_result(h, records, count);
    }
    for (size_t i = 0; i < count; i++)
        host_record_free(&records[i]);
    free(records);
    return h;
}

EVT_HANDLE WINAPI EvtQuery(EVT_HANDLE session, LPCWSTR path, LPCWSTR query_text, DWORD flags)
{
    char *channel = narrow(path), *query = narrow(query_text);
    struct host_channel *c;
    struct handle *h = NULL;

    (void)session;
    if (!refuse(script_trouble("EvtQuery", channel))) {
        h = NULL;
    } else if ((flags & EvtQueryFilePath) != 0 && channel != NULL) {
        h = query_file(channel, &query);
    } else {
        host_lock();
        h = open_over(KIND_RESULT, channel, &query, &c);
        if (h != NULL)
            fill_result(h, c->records, c->count);
        host_unlock();
    }
    free(channel);
    free(query);
    return h;
}

/* ---- reading ---- */

static EVT_HANDLE record_handle(const struct host_record *r)
{
    struct handle *h = handle_new(KIND_RECORD, r->channel);

    if (h != NULL && !host_record_copy(&h->record, r)) {
        free(h);
        h = NULL;
    }
    return h;
}

/* Why the subscription can not go on; 0 when it can. */
static DWORD why_stale(struct handle *s, const struct host_channel *c)
{
    if (c == NULL)
        return ERROR_EVT_CHANNEL_NOT_FOUND;
    if (s->is_stale || c->created != s->created || c->newest < s->cursor) {
        s->is_stale = true;
        return ERROR_EVT_QUERY_RESULT_STALE;
    }
    if (s->is_strict && s->cursor > 0 && c->oldest > s->cursor + 1)
        return ERROR_EVT_QUERY_RESULT_INVALID_POSITION;
    return 0;
}

static DWORD next_of_subscription(struct handle *s, DWORD max, EVT_HANDLE *out, DWORD *got)
{
    struct host_channel *c = host_channel(s->channel);
    uint64_t bytes = 0, limit = UINT64_MAX;
    DWORD code = why_stale(s, c), bad;

    script_number("limit", "", "bytes", &limit);
    for (size_t i = 0; code == 0 && i < c->count && *got < max; i++) {
        const struct host_record *r = &c->records[i];

        if (r->id <= s->cursor)
            continue;
        s->cursor = r->id;
        if (!query_takes(s->query, r, &bad))
            continue;
        bytes += strlen(r->xml) * sizeof(wchar_t);
        out[*got] = record_handle(r);
        if (out[*got] == NULL)
            return ERROR_OUTOFMEMORY;
        (*got)++;
    }
    return code == 0 && bytes > limit ? (DWORD)RPC_S_INVALID_BOUND : code;
}

static void next_of_result(struct handle *h, DWORD max, EVT_HANDLE *out, DWORD *got)
{
    while (*got < max && h->at < h->count)
        out[(*got)++] = record_handle(&h->result[h->at++]);
}

BOOL WINAPI EvtNext(EVT_HANDLE result, DWORD max, EVT_HANDLE *out, DWORD timeout, DWORD flags, PDWORD got)
{
    struct handle *h = result;
    DWORD code;

    (void)timeout;
    (void)flags;
    *got = 0;
    if (h == NULL || h->magic != HANDLE_MAGIC || (h->kind != KIND_SUBSCRIPTION && h->kind != KIND_RESULT))
        return refuse(ERROR_INVALID_HANDLE);
    code = script_trouble(h->kind == KIND_SUBSCRIPTION ? "EvtNext" : "EvtNext/query", h->channel);
    if (!refuse(code))
        return FALSE;
    host_lock();
    if (h->kind == KIND_SUBSCRIPTION)
        code = next_of_subscription(h, max, out, got);
    else
        next_of_result(h, max, out, got);
    host_unlock();
    if (code == 0)
        return refuse(*got > 0 ? 0 : ERROR_NO_MORE_ITEMS);
    while (*got > 0)
        EvtClose(out[--*got]);
    return refuse(code);
}

static void leave(struct handle *s)
{
    struct handle **p = &subscriptions;

    host_lock();
    while (*p != NULL && *p != s)
        p = &(*p)->next;
    if (*p != NULL)
        *p = s->next;
    host_unlock();
}

BOOL WINAPI EvtClose(EVT_HANDLE object)
{
    struct handle *h = object;

    if (h == NULL || h->magic != HANDLE_MAGIC)
        return refuse(ERROR_INVALID_HANDLE);
    script_trouble("EvtClose", h->channel);
    if (h->kind == KIND_SUBSCRIPTION)
        leave(h);
    for (size_t i = 0; h->kind == KIND_RESULT && i < h->count; i++)
        host_record_free(&h->result[i]);
    host_record_free(&h->record);
    free(h->result);
    free(h->query);
    h->magic = 0;
    free(h);
    return TRUE;
}

BOOL WINAPI EvtCancel(EVT_HANDLE object)
{
    (void)object;
    return TRUE;
}

static bool write_all(const char *path, const struct handle *h)
{
    FILE *f = fopen(path, "wbx");
    bool is_good = f != NULL;

    if (!is_good)
        return false;
    fputs("<Events>\n", f);
    for (size_t i = 0; i < h->count; i++)
        fprintf(f, "%s\n", h->result[i].xml);
    fputs("</Events>\n", f);
    is_good = !ferror(f);
    return fclose(f) == 0 && is_good;
}

/* Writes XML, whatever the file is called. */
BOOL WINAPI EvtExportLog(EVT_HANDLE session, LPCWSTR path, LPCWSTR query_text, LPCWSTR target, DWORD flags)
{
    char *channel = narrow(path), *to = narrow(target);
    DWORD code = script_trouble("EvtExportLog", channel);
    struct handle *h = NULL;

    if (code == 0 && to != NULL && !is_full(to))
        code = ERROR_INVALID_NAME;
    if (code == 0 && to != NULL) {
        h = EvtQuery(session, path, query_text,
                     (flags & EvtExportLogFilePath) != 0 ? EvtQueryFilePath : EvtQueryChannelPath);
        code = h == NULL ? GetLastError() : write_all(to, h) ? 0 : ERROR_FILE_EXISTS;
    }
    if (h != NULL)
        EvtClose(h);
    free(channel);
    free(to);
    return refuse(code);
}
