/* See event_file.h. */
#include "collectors/event_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int event_file_init(struct event_file *f, const struct event_stream_ops *ops, const struct files *files,
                    const char *path, struct err *e)
{
    *f = (struct event_file){ .stream = { .ops = ops }, .files = files, .path = strdup(path) };
    return f->path != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory for %s", path);
}

void event_file_free(struct event_file *f)
{
    free(f->path);
}

/* What an error means to whoever waits for the file. */
static int report_error(const struct event_file *f, const struct err *why, struct stream_report *report, struct err *e)
{
    static const struct {
        enum err_code code;
        enum stream_state state;
        const char *remedy;
    } states[] = {
        { ERR_NOT_FOUND, STREAM_ABSENT, "There is no such file yet" },
        { ERR_PERMISSION, STREAM_NO_PERMISSION, "Let the agent's account read the file" },
        { ERR_INVALID, STREAM_MISCONFIGURED, "Name a regular file" },
        { ERR_IO, STREAM_RETRYING, "Reading failed; it is tried again" },
        { ERR_BUSY, STREAM_RETRYING, "The file is locked; it is tried again" },
        { ERR_TIMEOUT, STREAM_RETRYING, "Reading took too long; it is tried again" },
    };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (states[i].code != why->code)
            continue;
        report->state = states[i].state;
        snprintf(report->remedy, sizeof report->remedy, "%s: %.150s", states[i].remedy, why->text);
        return 0;
    }
    return err_set(e, why->code, "%s: %s", f->path, why->text);
}

int event_file_open(struct event_file *f, const char *mark, struct buf *new_mark, struct stream_report *report,
                    struct file **file, struct file_info *info, struct err *e)
{
    struct err why = { ERR_OK, "" };
    int rc;

    *file = NULL;
    buf_clear(new_mark);
    buf_str(new_mark, mark);
    *report = (struct stream_report){ .state = STREAM_ATTACHED, .lag_records = -1 };
    rc = f->files->ops->stat(f->files, f->path, info, &why);
    if (rc == 0 && !info->is_regular)
        rc = err_set(&why, ERR_INVALID, "%s is no regular file", f->path);
    if (rc == 0)
        rc = f->files->ops->open(f->files, f->path, file, &why);
    if (rc == 0)
        rc = f->files->ops->info(*file, info, &why);
    if (rc == 0)
        return 0;
    if (*file != NULL)
        f->files->ops->close(*file);
    *file = NULL;
    return report_error(f, &why, report, e);
}

bool event_file_unchanged(const struct event_file *f, const struct file_info *info)
{
    return f->was_seen && f->seen.size == info->size && f->seen.mtime_ns == info->mtime_ns &&
           f->seen.id[0] == info->id[0] && f->seen.id[1] == info->id[1];
}

const char *event_file_path(const struct event_stream *stream)
{
    if (stream->ops != &event_file_xml_ops)
        return event_file_evtx_path(stream);
    return ((const struct event_file *)stream)->path;
}

const char *event_file_name(const struct event_file *f)
{
    const char *slash = strrchr(f->path, '/');

    return slash != NULL ? slash + 1 : f->path;
}
