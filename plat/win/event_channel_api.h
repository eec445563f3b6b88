/* The Evt functions, taken from the wevtapi.dll of the system folder at run
 * time: a program that does not need them starts without, and a stand-in can
 * take the DLL's place in a test's system. */
#ifndef PLAT_WIN_EVENT_CHANNEL_API_H
#define PLAT_WIN_EVENT_CHANNEL_API_H

#include "base/error.h"

#include <windows.h>
#include <winevt.h>

struct evt_api {
    __typeof__(&EvtClose) close;
    __typeof__(&EvtCreateBookmark) create_bookmark;
    __typeof__(&EvtCreateRenderContext) create_render_context;
    __typeof__(&EvtGetLogInfo) get_log_info;
    __typeof__(&EvtNext) next;
    __typeof__(&EvtNextChannelPath) next_channel_path;
    __typeof__(&EvtOpenChannelEnum) open_channel_enum;
    __typeof__(&EvtOpenLog) open_log;
    __typeof__(&EvtQuery) query;
    __typeof__(&EvtRender) render;
    __typeof__(&EvtSubscribe) subscribe;
    __typeof__(&EvtUpdateBookmark) update_bookmark;
};

/* Loaded once and kept.  ERR_UNSUPPORTED, with *out NULL, where the system has no
 * such DLL or it lacks a function.  Any thread. */
MUST_USE int evt_api_get(const struct evt_api **out, struct err *e);

#endif
