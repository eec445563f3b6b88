/* The event channels of live.h: which of the wanted ones this host has, and a
 * stream over each. */
#include "plat/event_channel.h"

#include "plat/event_channel_table.h"
#include "plat/live.h"
#include "plat/win/event_channel_log.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <stdlib.h>

enum { NAME_UNITS_MAX = 1024, QUERY_TEXT_MAX = 16 * 1024, WANTED_MAX = 64 };

bool plat_live_available(void)
{
    return true;
}

/* Hands out a channel that is wanted, and of two spellings of one the first. */
static void look_at(const wchar_t *path, bool *taken, void (*take)(void *arg, const char *channel), void *arg)
{
    char name[CHANNEL_NAME_MAX];
    const struct wanted_channel *wanted;

    if (!utf8_copy_wide(name, sizeof name, path) || (wanted = channel_wanted(name)) == NULL)
        return;
    if (!taken[wanted - wanted_channels])
        take(arg, name);
    taken[wanted - wanted_channels] = true;
}

int plat_live_channels(void (*take)(void *arg, const char *channel), void *arg, struct err *e)
{
    const struct evt_api *api;
    bool taken[WANTED_MAX] = { false };
    wchar_t path[NAME_UNITS_MAX];
    EVT_HANDLE all = NULL;
    DWORD used, code = ERROR_SUCCESS;
    int rc = evt_api_get(&api, e);

    if (rc != 0)
        return rc;
    if (wanted_channel_count > WANTED_MAX)
        return err_set(e, ERR_TOO_BIG, "more than %d wanted channels", WANTED_MAX);
    all = api->open_channel_enum(NULL, 0);
    if (all == NULL)
        return err_win(e, GetLastError(), "cannot list the event channels");
    while (code == ERROR_SUCCESS) {
        if (api->next_channel_path(all, NAME_UNITS_MAX, path, &used))
            look_at(path, taken, take, arg);
        else
            code = GetLastError();
    }
    api->close(all);
    return code == ERROR_NO_MORE_ITEMS ? 0 : err_win(e, code, "cannot list the event channels");
}

int plat_live_event_stream(const char *channel, void (*signalled)(void *arg), void *arg, struct event_stream **out,
                           struct err *e)
{
    const struct evt_api *api;
    struct channel_log *log;
    struct buf query;
    bool is_structured;
    int rc = evt_api_get(&api, e);

    if (rc != 0)
        return rc;
    buf_init(&query, QUERY_TEXT_MAX);
    is_structured = channel_query(channel, &query);
    if (buf_error(&query) != ERR_OK)
        rc = err_set(e, buf_error(&query), "the query of channel %s is too long", channel);
    if (rc == 0)
        rc = evt_log_new(api, channel, buf_text(&query), is_structured, signalled, arg, &log, e);
    buf_free(&query);
    if (rc != 0)
        return rc;
    rc = event_channel_new(channel, log, is_structured, out, e);
    if (rc != 0)
        log->ops->close(log);
    return rc;
}
