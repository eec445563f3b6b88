/* See plat/saved_log.h.
 *
 * One query a read, over the file, in the order of the records, from the record
 * of the mark on: that record must be there and must be the same, else the file
 * is another one.  What has been read to its end is not queried again before it
 * changes.
 */
#include "plat/saved_log.h"

#include "base/text.h"
#include "plat/files.h"
#include "plat/win/event_channel_api.h"
#include "plat/win/wide.h"
#include "plat/win/win_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_MAX = 96, MARK_TEXT_MAX = 64, SYSTEM_BYTES = 16 * 1024, NEXT_WAIT_MS = 10000, PLACE_MAX = 48 };

#define XML_MAX ((size_t)16 * 1024 * 1024)

struct mark {
    uint64_t id, time; /* 0 0: nothing was taken yet */
};

struct saved_log {
    struct event_stream stream;
    const struct evt_api *api;
    char *path; /* owned */
    EVT_HANDLE system_values;
    wchar_t *wide; /* rendered XML, reused */
    DWORD wide_bytes;
    struct file_info seen; /* when it was read to its end */
    char drained[MARK_TEXT_MAX];
};

struct taking {
    struct saved_log *log;
    const struct event_sink *sink;
    struct mark mark;
    int events_left;
    size_t bytes_left;
    bool first;   /* the next record is to be the one of the mark */
    bool strange; /* it was not */
};

static bool parse_mark(const char *text, struct mark *m)
{
    int end = 0;

    *m = (struct mark){ 0 };
    if (text[0] == '\0')
        return true;
    return sscanf(text, "evtx2 %" SCNx64 " %" SCNx64 "%n", &m->id, &m->time, &end) == 2 && text[end] == '\0';
}

static void write_mark(const struct mark *m, char out[MARK_TEXT_MAX])
{
    if (m->id == 0 && m->time == 0)
        out[0] = '\0';
    else
        snprintf(out, MARK_TEXT_MAX, "evtx2 %" PRIx64 " %" PRIx64, m->id, m->time);
}

/* ---- one record ---- */

static int identify(struct saved_log *log, EVT_HANDLE record, struct mark *out, struct err *e)
{
    union {
        EVT_VARIANT values[SYSTEM_BYTES / sizeof(EVT_VARIANT)];
        unsigned char bytes[SYSTEM_BYTES];
    } u;
    DWORD used = 0, count = 0;

    if (!log->api->render(log->system_values, record, EvtRenderEventValues, sizeof u, &u, &used, &count))
        return err_win(e, GetLastError(), "%s: a record", log->path);
    if (count <= EvtSystemEventRecordId || count <= EvtSystemTimeCreated ||
        u.values[EvtSystemEventRecordId].Type != EvtVarTypeUInt64)
        return err_set(e, ERR_INVALID, "%s: a record without an id", log->path);
    out->id = u.values[EvtSystemEventRecordId].UInt64Val;
    /* An event may be without a time; the id alone tells it then. */
    out->time =
        u.values[EvtSystemTimeCreated].Type == EvtVarTypeFileTime ? u.values[EvtSystemTimeCreated].FileTimeVal : 0;
    return 0;
}

/* Into log->wide, which grows up to XML_MAX. */
static int render_xml(struct saved_log *log, EVT_HANDLE record, struct err *e)
{
    for (;;) {
        DWORD used = 0, count = 0, code;
        wchar_t *grown;

        if (log->api->render(NULL, record, EvtRenderEventXml, log->wide_bytes, log->wide, &used, &count))
            return 0;
        code = GetLastError();
        if (code != ERROR_INSUFFICIENT_BUFFER)
            return err_win(e, code, "%s: a record", log->path);
        if (used > XML_MAX || used <= log->wide_bytes)
            return err_set(e, ERR_TOO_BIG, "%s: a record of %lu bytes", log->path, used);
        grown = realloc(log->wide, used);
        if (grown == NULL)
            return err_set(e, ERR_MEMORY, "out of memory for a record of %lu bytes", used);
        log->wide = grown;
        log->wide_bytes = used;
    }
}

/* A record that cannot be rendered is a gap with its id, not the end. */
static int give(struct taking *t, EVT_HANDLE record, const struct mark *m, struct err *e)
{
    char place[PLACE_MAX], id[24], *xml;
    struct err why;
    size_t len;

    snprintf(id, sizeof id, "%" PRIu64, m->id);
    snprintf(place, sizeof place, "record %s", id);
    if (render_xml(t->log, record, &why) != 0) {
        t->sink->gap(t->sink->arg, "unreadable", id, id, why.text);
        return 0;
    }
    xml = utf8_from_wide(t->log->wide);
    if (xml == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    len = strlen(xml);
    t->sink->event(t->sink->arg, xml, len, place);
    t->bytes_left = t->bytes_left > len ? t->bytes_left - len : 0;
    free(xml);
    return 0;
}

static int take(struct taking *t, EVT_HANDLE record, struct err *e)
{
    struct mark m;
    int rc = identify(t->log, record, &m, e);

    if (rc != 0)
        return rc;
    if (t->first) {
        t->first = false;
        t->strange = m.id != t->mark.id || m.time != t->mark.time;
        return 0;
    }
    rc = give(t, record, &m, e);
    if (rc == 0) {
        t->mark = m;
        t->events_left--;
    }
    return rc;
}

/* ---- one query ---- */

/* The records from t->mark on, or all when it is empty; *more when they did not all fit. */
static int take_all(struct taking *t, const wchar_t *path, bool *more, struct err *e)
{
    const struct evt_api *api = t->log->api;
    wchar_t query[QUERY_MAX] = L"*";
    EVT_HANDLE results, record = NULL;
    DWORD n = 0, code = ERROR_SUCCESS;
    int rc = 0;

    t->first = t->mark.id != 0 || t->mark.time != 0;
    if (t->first)
        swprintf(query, QUERY_MAX, L"*[System[EventRecordID>=%llu]]", (unsigned long long)t->mark.id);
    results = api->query(NULL, path, query, EvtQueryFilePath | EvtQueryForwardDirection);
    if (results == NULL)
        return err_win(e, GetLastError(), "%s", t->log->path);
    while (rc == 0 && !t->strange && t->events_left > 0 && t->bytes_left > 0) {
        if (!api->next(results, 1, &record, NEXT_WAIT_MS, 0, &n)) {
            code = GetLastError();
            break;
        }
        rc = take(t, record, e);
        api->close(record);
    }
    api->close(results);
    *more = code == ERROR_SUCCESS && !t->strange;
    t->strange = t->strange || t->first; /* what was to be first did not come */
    if (rc == 0 && code != ERROR_SUCCESS && code != ERROR_NO_MORE_ITEMS)
        rc = err_win(e, code, "%s", t->log->path);
    return rc;
}

static int read_from_mark(struct taking *t, const wchar_t *path, bool *more, struct err *e)
{
    char from[24];
    int rc = take_all(t, path, more, e);

    if (rc != 0 || !t->strange)
        return rc;
    snprintf(from, sizeof from, "%" PRIu64, t->mark.id);
    t->sink->gap(t->sink->arg, "file-replaced", from, "",
                 "the file no longer holds the last record that was read; it is read from its start");
    t->mark = (struct mark){ 0 };
    t->strange = false;
    return take_all(t, path, more, e);
}

/* ---- the stream ---- */

/* What keeps the file from being read, as a state where it is one. */
static int report_error(const struct err *why, struct stream_report *report, struct err *e)
{
    if (why->code == ERR_NOT_FOUND)
        report->state = STREAM_ABSENT;
    else if (why->code == ERR_PERMISSION)
        report->state = STREAM_NO_PERMISSION;
    else if (why->code == ERR_MEMORY)
        return err_set(e, ERR_MEMORY, "%s", why->text);
    else
        report->state = STREAM_RETRYING;
    report->more = false;
    snprintf(report->remedy, sizeof report->remedy, "%.250s", why->text);
    return 0;
}

static bool same(const struct file_info *a, const struct file_info *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->id[0] == b->id[0] && a->id[1] == b->id[1];
}

static int saved_read(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                      const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct saved_log *log = (struct saved_log *)s;
    struct taking t = { .log = log, .sink = sink, .events_left = max_events, .bytes_left = max_bytes };
    const struct files *files = plat_files();
    struct file_info info;
    wchar_t path[MAX_PATH];
    char after[MARK_TEXT_MAX];
    struct err why;
    int rc = files->ops->stat(files, log->path, &info, &why);

    buf_clear(new_mark);
    buf_str(new_mark, mark);
    *report = (struct stream_report){ .state = STREAM_ATTACHED, .lag_records = -1 };
    if (rc == 0 && mark[0] != '\0' && strcmp(log->drained, mark) == 0 && same(&log->seen, &info)) {
        report->lag_records = 0;
        return 0;
    }
    if (!parse_mark(mark, &t.mark))
        return err_set(e, ERR_INVALID, "%s: the mark \"%s\" is not one of a saved log", log->path, mark);
    if (rc == 0)
        rc = wide_plain_path(log->path, path, &why);
    if (rc == 0)
        rc = read_from_mark(&t, path, &report->more, &why);
    /* What was taken before an error stands, with its mark. */
    if (rc != 0 && (rc = report_error(&why, report, e)) != 0)
        return rc;
    write_mark(&t.mark, after);
    buf_clear(new_mark);
    buf_str(new_mark, after);
    if (report->state == STREAM_ATTACHED && !report->more) {
        log->seen = info;
        text_copy(log->drained, sizeof log->drained, after);
        report->lag_records = 0;
    }
    return 0;
}

static void saved_close(struct event_stream *s)
{
    struct saved_log *log = (struct saved_log *)s;

    if (log->system_values != NULL)
        log->api->close(log->system_values);
    free(log->wide);
    free(log->path);
    free(log);
}

static const struct event_stream_ops saved_ops = { .read = saved_read, .close = saved_close };

int plat_saved_log_stream(const char *path, struct event_stream **out, struct err *e)
{
    struct saved_log *log = calloc(1, sizeof *log);
    int rc = 0;

    if (log == NULL || (log->path = strdup(path)) == NULL) {
        free(log);
        return err_set(e, ERR_MEMORY, "out of memory for %s", path);
    }
    log->stream.ops = &saved_ops;
    rc = evt_api_get(&log->api, e);
    if (rc == 0) {
        log->system_values = log->api->create_render_context(0, NULL, EvtRenderContextSystem);
        if (log->system_values == NULL)
            rc = err_win(e, GetLastError(), "cannot read saved event logs");
    }
    if (rc != 0) {
        saved_close(&log->stream);
        return rc;
    }
    *out = &log->stream;
    return 0;
}

const char *plat_saved_log_path(const struct event_stream *stream)
{
    return stream->ops == &saved_ops ? ((const struct saved_log *)stream)->path : NULL;
}
