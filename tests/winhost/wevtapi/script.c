/* The orders of wevtapi.txt; see host.h. */
#include "tests/winhost/wevtapi/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS_MAX = 64, WORD_MAX = 16, FILE_PATH_MAX = 1024, HANG_SLICE_MS = 50 };

struct order {
    char kind[WORD_MAX];
    char call[64], channel[NAME_MAX_LEN];
    uint64_t id, at, bytes, code, ms, times, after;
};

static struct {
    struct order orders[ORDERS_MAX];
    size_t count;
    char *text; /* as it was read last; NULL none */
    char path[FILE_PATH_MAX];
    LONG changes;
} script;

static void put_word(struct order *o, const char *key, const char *value)
{
    const struct {
        const char *key;
        uint64_t *to;
    } numbers[] = { { "id", &o->id }, { "at", &o->at },       { "bytes", &o->bytes }, { "code", &o->code },
                    { "ms", &o->ms }, { "times", &o->times }, { "after", &o->after } };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(numbers[i].key, key) == 0)
            *numbers[i].to = strtoull(value, NULL, 10);
    }
    if (strcmp(key, "call") == 0)
        snprintf(o->call, sizeof o->call, "%s", value);
    if (strcmp(key, "channel") == 0)
        snprintf(o->channel, sizeof o->channel, "%s", value);
}

static void parse_line(const char *line)
{
    struct order *o = &script.orders[script.count];
    char key[64], value[NAME_MAX_LEN];
    int n = 0;

    *o = (struct order){ .times = 1 };
    if (script.count == ORDERS_MAX || sscanf(line, " %15s%n", o->kind, &n) != 1)
        return;
    for (line += n; sscanf(line, " %63[^= \r\n]=%255[^ \r\n]%n", key, value, &n) == 2; line += n)
        put_word(o, key, value);
    script.count++;
}

bool script_refresh(const char *dir)
{
    char path[FILE_PATH_MAX];
    char *text, *p, *end;

    snprintf(path, sizeof path, "%s\\wevtapi.txt", dir);
    text = host_read_file(path);
    if (text == NULL && script.text == NULL)
        return false;
    if (text != NULL && script.text != NULL && strcmp(text, script.text) == 0 && strcmp(path, script.path) == 0) {
        free(text);
        return false;
    }
    snprintf(script.path, sizeof script.path, "%s", path);
    free(script.text);
    script.text = text != NULL ? strdup(text) : NULL;
    script.count = 0;
    InterlockedIncrement(&script.changes);
    for (p = text; p != NULL; p = end) {
        end = strchr(p, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (script.count < ORDERS_MAX)
            parse_line(p);
    }
    free(text);
    return true;
}

bool script_number(const char *order, const char *channel, const char *key, uint64_t *out)
{
    for (size_t i = 0; i < script.count; i++) {
        const struct order *o = &script.orders[i];

        if (strcmp(o->kind, order) != 0 || _stricmp(o->channel, channel) != 0)
            continue;
        *out = strcmp(key, "id") == 0 ? o->id : strcmp(key, "at") == 0 ? o->at : o->bytes;
        return true;
    }
    return false;
}

const char *script_channel(const char *order, size_t i)
{
    for (size_t n = 0; n < script.count; n++) {
        if (strcmp(script.orders[n].kind, order) == 0 && i-- == 0)
            return script.orders[n].channel;
    }
    return NULL;
}

/* Counts the call; true when it is one of those that meet trouble. */
static bool is_due(struct order *o, const char *kind, const char *call, const char *channel)
{
    if (strcmp(o->kind, kind) != 0 || strcmp(o->call, call) != 0)
        return false;
    if (o->channel[0] != '\0' && (channel == NULL || _stricmp(o->channel, channel) != 0))
        return false;
    if (o->after > 0) {
        o->after--;
        return false;
    }
    if (o->times == 0)
        return false;
    o->times--;
    return true;
}

/* Calls that are made for every record do not look at the folder. */
static bool is_frequent(const char *call)
{
    return strncmp(call, "EvtRender", 9) == 0 || strcmp(call, "EvtUpdateBookmark") == 0 ||
           strcmp(call, "EvtClose") == 0;
}

/* Until the time is over or the orders have changed, which takes a subscription that polls. */
static void hang(uint64_t ms, LONG changes)
{
    for (uint64_t slept = 0; slept < ms && InterlockedOr(&script.changes, 0) == changes; slept += HANG_SLICE_MS)
        Sleep(HANG_SLICE_MS);
}

DWORD script_trouble(const char *call, const char *channel)
{
    DWORD code = 0;
    uint64_t ms = 0;
    LONG changes;

    host_lock();
    if (!is_frequent(call))
        host_refresh();
    for (size_t i = 0; i < script.count && code == 0; i++) {
        struct order *o = &script.orders[i];

        if (is_due(o, "hang", call, channel))
            ms += o->ms;
        else if (is_due(o, "fail", call, channel))
            code = (DWORD)o->code;
    }
    changes = script.changes;
    host_unlock();
    hang(ms, changes);
    return code;
}
