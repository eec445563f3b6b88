/* Rendering and bookmarks; see host.h. */
#include "tests/winhost/wevtapi/handles.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOOKMARK_TEXT_MAX = 512 };

static BOOL render_text(const char *text, DWORD size, PVOID out, PDWORD used)
{
    int units = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);

    *used = (DWORD)units * sizeof(wchar_t);
    if (size < *used)
        return refuse(ERROR_INSUFFICIENT_BUFFER);
    MultiByteToWideChar(CP_UTF8, 0, text, -1, out, units);
    return TRUE;
}

static BOOL render_values(const struct handle *context, const struct handle *record, DWORD size, PVOID out, PDWORD used,
                          PDWORD count)
{
    EVT_VARIANT *v = out;

    *used = (DWORD)(context->count * sizeof *v);
    if (size < *used)
        return refuse(ERROR_INSUFFICIENT_BUFFER);
    for (size_t i = 0; i < context->count; i++) {
        v[i] = (EVT_VARIANT){ .Type = EvtVarTypeNull };
        if (context->paths[i] == PATH_ID) {
            v[i].Type = EvtVarTypeUInt64;
            v[i].UInt64Val = record->record.id;
        } else if (context->paths[i] == PATH_TIME) {
            v[i].Type = EvtVarTypeFileTime;
            v[i].FileTimeVal = record->record.time;
        }
    }
    *count = (DWORD)context->count;
    return TRUE;
}

BOOL WINAPI EvtRender(EVT_HANDLE context, EVT_HANDLE fragment, DWORD flags, DWORD size, PVOID out, PDWORD used,
                      PDWORD count)
{
    static const char *const calls[] = { "EvtRender/values", "EvtRender", "EvtRender/bookmark" };
    struct handle *of = handle_of(fragment, flags == EvtRenderBookmark ? KIND_BOOKMARK : KIND_RECORD), *c;
    char text[BOOKMARK_TEXT_MAX];

    if (of == NULL || flags > EvtRenderBookmark)
        return FALSE;
    if (!refuse(script_trouble(calls[flags], of->channel)))
        return FALSE;
    *count = 0;
    if (flags == EvtRenderEventXml)
        return render_text(of->record.xml, size, out, used);
    if (flags == EvtRenderEventValues) {
        c = handle_of(context, KIND_CONTEXT);
        return c != NULL && render_values(c, of, size, out, used, count);
    }
    snprintf(text, sizeof text,
             "<BookmarkList>\r\n  <Bookmark Channel='%s' RecordId='%" PRIu64 "' IsCurrent='true'/>\r\n</BookmarkList>",
             of->channel, of->cursor);
    return render_text(text, size, out, used);
}

/* All values of System, each at the place of its EVT_SYSTEM_PROPERTY_ID. */
static void take_system(struct handle *h)
{
    h->count = EvtSystemPropertyIdEND;
    h->paths[EvtSystemEventRecordId] = PATH_ID;
    h->paths[EvtSystemTimeCreated] = PATH_TIME;
}

static void take_paths(struct handle *h, DWORD count, LPCWSTR *paths)
{
    h->count = count;
    for (DWORD i = 0; i < count; i++)
        h->paths[i] = wcscmp(paths[i], L"Event/System/EventRecordID") == 0             ? PATH_ID
                      : wcscmp(paths[i], L"Event/System/TimeCreated/@SystemTime") == 0 ? PATH_TIME
                                                                                       : PATH_OTHER;
}

EVT_HANDLE WINAPI EvtCreateRenderContext(DWORD count, LPCWSTR *paths, DWORD flags)
{
    struct handle *h;

    if ((flags != EvtRenderContextValues || count > CONTEXT_PATHS) && (flags != EvtRenderContextSystem || count > 0)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (!refuse(script_trouble("EvtCreateRenderContext", NULL)) || (h = handle_new(KIND_CONTEXT, "")) == NULL)
        return NULL;
    if (flags == EvtRenderContextSystem)
        take_system(h);
    else
        take_paths(h, count, paths);
    return h;
}

EVT_HANDLE WINAPI EvtCreateBookmark(LPCWSTR xml)
{
    char *text = narrow(xml);
    const char *channel = text != NULL ? strstr(text, "Channel='") : NULL;
    const char *id = text != NULL ? strstr(text, "RecordId='") : NULL;
    char name[NAME_MAX_LEN] = "";
    struct handle *h = NULL;

    if (xml != NULL && (channel == NULL || id == NULL || sscanf(channel, "Channel='%255[^']'", name) != 1))
        SetLastError(ERROR_EVT_MALFORMED_XML_TEXT);
    else if (refuse(script_trouble("EvtCreateBookmark", name)))
        h = handle_new(KIND_BOOKMARK, name);
    if (h != NULL && id != NULL)
        h->cursor = strtoull(id + strlen("RecordId='"), NULL, 10);
    free(text);
    return h;
}

BOOL WINAPI EvtUpdateBookmark(EVT_HANDLE bookmark, EVT_HANDLE event)
{
    struct handle *b = handle_of(bookmark, KIND_BOOKMARK), *r = handle_of(event, KIND_RECORD);

    if (b == NULL || r == NULL || !refuse(script_trouble("EvtUpdateBookmark", r->channel)))
        return FALSE;
    snprintf(b->channel, sizeof b->channel, "%s", r->channel);
    b->cursor = r->record.id;
    return TRUE;
}
