/* The event channels' part of a capture; see capture.h.
 *
 * A channel is exported by Windows where that can be done.  As XML it is read
 * like the agent reads it, from its oldest record to its end, or to
 * EVENTS_MAX if it fills faster than it can be read.
 */
#include "agent/capture.h"
#include "agent/capture_event.h"
#include "plat/capture.h"
#include "plat/files.h"
#include "plat/live.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHANNELS_MAX = 128,
    NAME_MAX_BYTES = 256,
    MARK_MAX = 64 * 1024,
    STEP_EVENTS = 512,
    STEP_BYTES = 4 * 1024 * 1024,
    CHUNK_MAX = 64 * 1024 * 1024,
    EVENTS_MAX = 2000000,
};

/* ---- as XML ------------------------------------------------------------- */

struct reading {
    struct capture *capture;
    struct capture_event *writer; /* NULL: names stay */
    struct buf chunk;
    long events, unread;
};

static void take_event(void *arg, const char *xml, size_t len, const char *place)
{
    struct reading *r = arg;

    (void)place;
    r->events++;
    if (r->writer == NULL) {
        buf_add(&r->chunk, xml, len);
        buf_char(&r->chunk, '\n');
    } else if (capture_event_add(r->writer, xml, len, &r->chunk, NULL) != 0) {
        r->unread++;
    }
}

static void take_gap(void *arg, const char *reason, const char *from, const char *to, const char *detail)
{
    struct reading *r = arg;

    (void)from;
    (void)to;
    capture_failed(r->capture, "%s: %.300s", reason, detail);
}

/* From the stream's beginning to its end into f; 0 also when nothing was there. */
static int copy_events(struct reading *r, struct event_stream *s, const char *channel, FILE *f, struct err *e)
{
    struct event_sink sink = { .event = take_event, .gap = take_gap, .arg = r };
    struct stream_report report = { .more = true };
    struct buf mark, next;
    int rc = 0;

    buf_init(&mark, MARK_MAX);
    buf_init(&next, MARK_MAX);
    while (rc == 0 && report.more && r->events < EVENTS_MAX) {
        buf_clear(&r->chunk);
        report = (struct stream_report){ .state = STREAM_ATTACHED };
        rc = s->ops->read(s, buf_text(&mark), STEP_EVENTS, STEP_BYTES, &sink, &next, &report, e);
        if (rc == 0 && report.state != STREAM_ATTACHED)
            rc = err_set(e, ERR_STATE, "%s: %s", stream_state_name(report.state), report.remedy);
        if (rc == 0 && buf_error(&r->chunk) != ERR_OK)
            rc = err_set(e, buf_error(&r->chunk), "too much at once");
        if (rc == 0)
            fwrite(buf_text(&r->chunk), 1, r->chunk.len, f);
        buf_clear(&mark);
        buf_add(&mark, buf_text(&next), next.len);
        capture_progress(r->capture, "%s: %ld events", channel, r->events);
    }
    buf_free(&mark);
    buf_free(&next);
    return rc;
}

static bool write_xml(struct capture *c, const char *channel, const char *name)
{
    struct reading r = { .capture = c };
    struct event_stream *s = NULL;
    FILE *f = NULL;
    struct err e;
    int rc = c->names != NULL ? capture_event_new(c->names, &r.writer, &e) : 0;
    bool written = false;

    buf_init(&r.chunk, CHUNK_MAX);
    if (rc == 0)
        rc = plat_live_event_stream(channel, NULL, NULL, &s, &e);
    if (rc == 0 && (f = capture_create(c, "events", name)) != NULL) {
        fputs("<Events>\n", f);
        rc = copy_events(&r, s, channel, f, &e);
        fputs("</Events>\n", f);
        written = capture_finish(c, f, name) && rc == 0;
    }
    if (rc != 0)
        capture_failed(c, "%s: %s", channel, e.text);
    if (r.unread > 0)
        capture_failed(c, "%s: %ld events could not be read and are left out", channel, r.unread);
    if (s != NULL)
        s->ops->close(s);
    capture_event_free(r.writer);
    buf_free(&r.chunk);
    return written;
}

/* ---- channels ----------------------------------------------------------- */

/* A channel's name as a file's. */
static void file_name(const char *channel, const char *ending, char *out, size_t size)
{
    snprintf(out, size, "%s%s", channel, ending);
    for (char *p = out; *p != '\0'; p++)
        if (strchr("/\\:*?\"<>|", *p) != NULL || (unsigned char)*p < ' ')
            *p = '-';
}

static void capture_one(struct capture *c, const char *channel)
{
    char name[NAME_MAX_BYTES + 8], path[FILES_PATH_MAX];
    struct err e;
    int rc = ERR_UNSUPPORTED;

    if (c->names == NULL) {
        file_name(channel, ".evtx", name, sizeof name);
        if (snprintf(path, sizeof path, "%s/events/%s", c->dir, name) >= (int)sizeof path)
            rc = err_set(&e, ERR_TOO_BIG, "the path is too long");
        else
            rc = plat_capture_channel(channel, path, &e);
    }
    if (rc == 0) {
        c->channels++;
    } else if (rc == ERR_UNSUPPORTED) {
        file_name(channel, ".xml", name, sizeof name);
        c->channels += write_xml(c, channel, name);
    } else {
        capture_failed(c, "%s%s", e.text,
                       rc == ERR_PERMISSION ? ": run this as an administrator, or join the group Event Log Readers"
                                            : "");
    }
}

struct channel_list {
    char *names[CHANNELS_MAX];
    int count;
};

static void take_channel(void *arg, const char *channel)
{
    struct channel_list *l = arg;

    if (l->count < CHANNELS_MAX && strlen(channel) < NAME_MAX_BYTES && (l->names[l->count] = strdup(channel)) != NULL)
        l->count++;
}

void capture_channels(struct capture *c)
{
    struct channel_list list = { .count = 0 };
    struct err e;

    if (plat_live_channels(take_channel, &list, &e) != 0)
        capture_failed(c, "%s", e.text);
    for (int i = 0; i < list.count; i++) {
        capture_progress(c, "channel %d of %d: %s", i + 1, list.count, list.names[i]);
        capture_one(c, list.names[i]);
        free(list.names[i]);
    }
}
