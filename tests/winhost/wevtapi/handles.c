/* Opening and closing, channels and logs; see host.h. */
#include "tests/winhost/wevtapi/handles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool winhost_is_stand_in(void)
{
    return true;
}

BOOL refuse(DWORD code)
{
    if (code != 0)
        SetLastError(code);
    return code == 0;
}

struct handle *handle_of(EVT_HANDLE h, enum handle_kind kind)
{
    struct handle *of = h;

    if (of != NULL && of->magic == HANDLE_MAGIC && of->kind == kind)
        return of;
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
}

struct handle *handle_new(enum handle_kind kind, const char *channel)
{
    struct handle *h = calloc(1, sizeof *h);

    if (h == NULL) {
        SetLastError(ERROR_OUTOFMEMORY);
        return NULL;
    }
    h->magic = HANDLE_MAGIC;
    h->kind = kind;
    snprintf(h->channel, sizeof h->channel, "%s", channel);
    return h;
}

char *narrow(const wchar_t *text)
{
    int n = text != NULL ? WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL) : 0;
    char *out = n > 0 ? malloc((size_t)n) : NULL;

    if (out != NULL)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, out, n, NULL, NULL);
    return out;
}

EVT_HANDLE WINAPI EvtOpenChannelEnum(EVT_HANDLE session, DWORD flags)
{
    (void)session;
    (void)flags;
    if (!refuse(script_trouble("EvtOpenChannelEnum", NULL)))
        return NULL;
    return handle_new(KIND_ENUM, "");
}

BOOL WINAPI EvtNextChannelPath(EVT_HANDLE all, DWORD size, LPWSTR out, PDWORD used)
{
    struct handle *h = handle_of(all, KIND_ENUM);
    DWORD code = script_trouble("EvtNextChannelPath", NULL);
    struct host_channel *c;
    wchar_t name[NAME_MAX_LEN];

    if (h == NULL || !refuse(code))
        return FALSE;
    host_lock();
    c = host_channel_at(h->at);
    if (c != NULL)
        *used = (DWORD)MultiByteToWideChar(CP_UTF8, 0, c->name, -1, name, NAME_MAX_LEN);
    host_unlock();
    if (c == NULL)
        return refuse(ERROR_NO_MORE_ITEMS);
    if (*used > size)
        return refuse(ERROR_INSUFFICIENT_BUFFER);
    memcpy(out, name, *used * sizeof *name);
    h->at++;
    return TRUE;
}

EVT_HANDLE WINAPI EvtOpenLog(EVT_HANDLE session, LPCWSTR path, DWORD flags)
{
    char *name = narrow(path);
    struct handle *h = NULL;
    bool is_there;

    (void)session;
    if (name == NULL || flags != EvtOpenChannelPath)
        SetLastError(ERROR_INVALID_PARAMETER);
    else if (refuse(script_trouble("EvtOpenLog", name))) {
        host_lock();
        is_there = host_channel(name) != NULL;
        host_unlock();
        if (is_there)
            h = handle_new(KIND_LOG, name);
        else
            SetLastError(ERROR_EVT_CHANNEL_NOT_FOUND);
    }
    free(name);
    return h;
}

BOOL WINAPI EvtGetLogInfo(EVT_HANDLE log, EVT_LOG_PROPERTY_ID id, DWORD size, PEVT_VARIANT out, PDWORD used)
{
    struct handle *h = handle_of(log, KIND_LOG);
    struct host_channel *c;
    DWORD code = 0;

    if (h == NULL || !refuse(script_trouble("EvtGetLogInfo", h->channel)))
        return FALSE;
    *used = sizeof *out;
    if (size < sizeof *out)
        return refuse(ERROR_INSUFFICIENT_BUFFER);
    *out = (EVT_VARIANT){ .Type = EvtVarTypeUInt64 };
    host_lock();
    c = host_channel(h->channel);
    if (c == NULL) {
        code = ERROR_EVT_CHANNEL_NOT_FOUND;
    } else if (id == EvtLogOldestRecordNumber) {
        out->UInt64Val = c->oldest;
    } else if (id == EvtLogNumberOfLogRecords) {
        out->UInt64Val = c->count > 0 ? c->newest + 1 - c->oldest : 0;
    } else if (id == EvtLogCreationTime) {
        out->Type = EvtVarTypeFileTime;
        out->FileTimeVal = c->created;
    } else {
        code = ERROR_INVALID_PARAMETER;
    }
    host_unlock();
    return refuse(code);
}
