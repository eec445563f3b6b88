/* What each error of the Evt functions means to an event channel's stream:
 * one table (windows.md 4.3). */
#ifndef PLAT_WIN_EVT_ERRORS_H
#define PLAT_WIN_EVT_ERRORS_H

#include "plat/event_channel_state.h"

#include <stddef.h>
#include <windows.h>

struct evt_error {
    DWORD code;
    enum channel_answer answer;
};

extern const struct evt_error evt_errors[];
extern const size_t evt_error_count;

/* CHANNEL_OK for ERROR_SUCCESS, CHANNEL_FAILED for what the table does not name. */
enum channel_answer evt_answer(DWORD code);

#endif
