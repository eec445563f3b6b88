/* See event_channel_api.h. */
#include "plat/win/event_channel_api.h"

#include <stdio.h>
#include <string.h>

static struct {
    INIT_ONCE once;
    struct evt_api api;
    const char *missing; /* what could not be had; NULL nothing */
} loaded = { .once = INIT_ONCE_STATIC_INIT };

static HMODULE load_from_system(const wchar_t *name)
{
    wchar_t path[MAX_PATH + 32];
    UINT n = GetSystemDirectoryW(path, MAX_PATH);

    if (n == 0 || n >= MAX_PATH)
        return NULL;
    _snwprintf(path + n, 32, L"\\%ls", name);
    path[MAX_PATH + 31] = L'\0';
    return LoadLibraryW(path);
}

static BOOL CALLBACK load(PINIT_ONCE once, void *arg, void **context)
{
    static const struct {
        const char *name;
        size_t at;
    } functions[] = {
        { "EvtClose", offsetof(struct evt_api, close) },
        { "EvtCreateBookmark", offsetof(struct evt_api, create_bookmark) },
        { "EvtCreateRenderContext", offsetof(struct evt_api, create_render_context) },
        { "EvtGetLogInfo", offsetof(struct evt_api, get_log_info) },
        { "EvtNext", offsetof(struct evt_api, next) },
        { "EvtNextChannelPath", offsetof(struct evt_api, next_channel_path) },
        { "EvtOpenChannelEnum", offsetof(struct evt_api, open_channel_enum) },
        { "EvtOpenLog", offsetof(struct evt_api, open_log) },
        { "EvtQuery", offsetof(struct evt_api, query) },
        { "EvtRender", offsetof(struct evt_api, render) },
        { "EvtSubscribe", offsetof(struct evt_api, subscribe) },
        { "EvtUpdateBookmark", offsetof(struct evt_api, update_bookmark) },
    };
    HMODULE dll = load_from_system(L"wevtapi.dll");

    _Static_assert(sizeof functions / sizeof functions[0] == sizeof(struct evt_api) / sizeof(FARPROC),
                   "every function has a name");
    (void)once;
    (void)arg;
    (void)context;
    if (dll == NULL)
        loaded.missing = "wevtapi.dll";
    for (size_t i = 0; dll != NULL && i < sizeof functions / sizeof functions[0]; i++) {
        FARPROC f = GetProcAddress(dll, functions[i].name);

        if (f == NULL)
            loaded.missing = functions[i].name;
        memcpy((char *)&loaded.api + functions[i].at, &f, sizeof f);
    }
    return TRUE;
}

int evt_api_get(const struct evt_api **out, struct err *e)
{
    *out = NULL;
    InitOnceExecuteOnce(&loaded.once, load, NULL, NULL);
    if (loaded.missing != NULL)
        return err_set(e, ERR_UNSUPPORTED, "this system can not read event channels: it has no %s", loaded.missing);
    *out = &loaded.api;
    return 0;
}
