/* What the file streams (event_file_xml.c, event_file_evtx.c) share. */
#ifndef COLLECTORS_EVENT_FILE_H
#define COLLECTORS_EVENT_FILE_H

#include "plat/event_stream.h"
#include "plat/files.h"

/* A saved file, and what of it was seen last.  Begins with the stream, so that
 * one is a pointer to the other. */
struct event_file {
    struct event_stream stream;
    const struct files *files;
    char *path;            /* owned */
    struct file_info seen; /* at the last read that opened it */
    bool was_seen;
};

/* 0, or ERR_MEMORY with nothing to free. */
MUST_USE int event_file_init(struct event_file *f, const struct event_stream_ops *ops, const struct files *files,
                             const char *path, struct err *e);
void event_file_free(struct event_file *f);

/* Opens it and tells what it is now; *file NULL when it can not be read: then
 * the report says why and new_mark is the old mark. */
MUST_USE int event_file_open(struct event_file *f, const char *mark, struct buf *new_mark, struct stream_report *report,
                             struct file **file, struct file_info *info, struct err *e);

/* Same file, size and time as when it was opened last? */
bool event_file_unchanged(const struct event_file *f, const struct file_info *info);

/* The path of a stream made by event_file_xml() or event_file_evtx(); NULL for
 * any other. */
const char *event_file_path(const struct event_stream *stream);

/* The last part of the path, for messages. */
const char *event_file_name(const struct event_file *f);

extern const struct event_stream_ops event_file_xml_ops;

/* The path of a stream made by event_file_evtx(); NULL for any other. */
const char *event_file_evtx_path(const struct event_stream *stream);

#endif
