/* A saved .evtx file as an event stream, which may still grow, go round or be
 * replaced.
 *
 * Order.  Chunks (event_evtx.h) are looked at by their headers and taken in
 * order of record identifier, whatever their order in the file.
 *
 * Mark: "evtx1 ID TIME TOLD BAD", numbers in hexadecimal: identifier and time
 * of the last record that was taken; first identifier of the newest chunk whose
 * shortage was told; number of chunks, from the start of the file, whose
 * unreadable headers were told.  The record of that identifier and time is
 * looked for in a file that has changed: there, it is the same log.  When only
 * younger records are left, the log went round: gap log-wrapped, and on from the
 * oldest.  Else it is another log: gap file-replaced, and from its start.
 *
 * A record that can not be read is a gap with its identifier, neighbours are
 * one.  At the end of the newest chunk, where a writer or a copy may be at work,
 * such a gap is told only when the file has rested for REST_NS; until then the
 * lag says that something is left.
 *
 * Ceilings: files of FILE_MAX, events of EVENT_XML_MAX, DAMAGED_MAX records that
 * can not be read (each may cost memory that libevtx never gives back).
 */
#include "base/times.h"
#include "collectors/event.h"
#include "collectors/event_evtx.h"
#include "collectors/event_file.h"
#include "collectors/eventlog.h"
#include "plat/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (UINT64_C(4) << 30)
#define REST_NS  (30 * NS_PER_S)

enum { PLACE_MAX = 320, MARK_MAX = 256, DAMAGED_MAX = 4000 };

struct mark {
    uint64_t id, written, told, bad;
};

struct chunk_ref {
    struct evtx_chunk_info info;
    uint64_t offset; /* in the file */
};

struct evtx_file {
    struct event_file base;
    struct chunk_ref *chunks; /* good ones, in order of first_id; owned */
    size_t count;
    uint64_t bad;        /* places in the file up to the last unreadable header */
    uint64_t bad_offset; /* of that header */
    int64_t same_since;  /* monotonic: since when the file looks as it does */
    uint64_t damaged;    /* records that could not be rendered, since the stream was made */
    struct buf xml;
    struct buf drained; /* the mark that was given when there was nothing more; "" none */
};

struct reading {
    struct evtx_file *x;
    struct file *file;
    uint64_t size;
    bool resting; /* nobody has written to the file for REST_NS */
    bool held;    /* something was not told yet for that reason */
    struct mark mark;
    const struct event_sink *sink;
    int events, max_events;
    size_t bytes, max_bytes;
    uint64_t hole_from, hole_to; /* a run of unreadable records; 0 none */
};

static bool parse_mark(const char *text, struct mark *m)
{
    int end = 0;

    *m = (struct mark){ 0 };
    if (text[0] == '\0')
        return true;
    return sscanf(text, "evtx1 %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 "%n", &m->id, &m->written, &m->told,
                  &m->bad, &end) == 4 &&
           text[end] == '\0' && m->id <= INT64_MAX;
}

static void write_mark(const struct mark *m, struct buf *out)
{
    buf_clear(out);
    if (m->id != 0 || m->told != 0 || m->bad != 0)
        buf_printf(out, "evtx1 %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64, m->id, m->written, m->told, m->bad);
}

static void tell(const struct reading *r, const char *reason, uint64_t from, uint64_t to, const char *detail)
{
    char a[24] = "", b[24] = "";

    if (from != 0)
        snprintf(a, sizeof a, "%" PRIu64, from);
    if (to != 0)
        snprintf(b, sizeof b, "%" PRIu64, to);
    r->sink->gap(r->sink->arg, reason, a, b, detail);
}

/* ---- the chunks ------------------------------------------------------------------ */

/* Up to len bytes; the rest, where the file ends, is zero. */
static int read_padded(const struct reading *r, uint64_t offset, unsigned char *bytes, size_t len, struct err *e)
{
    size_t got = 0;
    int rc = r->x->base.files->ops->read_at(r->file, offset, bytes, len, &got, e);

    if (rc == 0)
        memset(bytes + got, 0, len - got);
    return rc;
}

static int by_first_id(const void *a, const void *b)
{
    const struct chunk_ref *x = a, *y = b;

    if (x->info.first_id != y->info.first_id)
        return x->info.first_id < y->info.first_id ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static int look_at_chunks(struct reading *r, struct err *e)
{
    struct evtx_file *x = r->x;
    size_t places = (size_t)((r->size - EVTX_FILE_HEADER + EVTX_CHUNK - 1) / EVTX_CHUNK);
    struct chunk_ref *chunks = calloc(places + 1, sizeof *chunks);
    unsigned char header[EVTX_CHUNK_HEADER];

    if (chunks == NULL)
        return err_set(e, ERR_MEMORY, "%s: out of memory for %zu chunks", x->base.path, places);
    free(x->chunks);
    x->chunks = chunks;
    x->count = 0;
    x->bad = 0;
    for (size_t i = 0; i < places; i++) {
        struct chunk_ref c = { .offset = EVTX_FILE_HEADER + (uint64_t)i * EVTX_CHUNK };
        int rc = read_padded(r, c.offset, header, sizeof header, e);

        if (rc != 0)
            return rc;
        c.info = evtx_chunk_look(header);
        if (c.info.state == EVTX_GOOD)
            chunks[x->count++] = c;
        if (c.info.state != EVTX_BAD)
            continue;
        x->bad = i + 1;
        x->bad_offset = c.offset;
    }
    qsort(chunks, x->count, sizeof chunks[0], by_first_id);
    return 0;
}

static int open_chunk(const struct reading *r, const struct chunk_ref *ref, struct evtx_chunk **out, struct err *e)
{
    unsigned char *bytes = malloc(EVTX_CHUNK);
    int rc;

    if (bytes == NULL)
        return err_set(e, ERR_MEMORY, "%s: out of memory for a chunk", r->x->base.path);
    rc = read_padded(r, ref->offset, bytes, EVTX_CHUNK, e);
    if (rc == 0)
        rc = evtx_chunk_open(bytes, &ref->info, out, e);
    free(bytes);
    return rc;
}

/* Does the chunk, which has the mark's identifier in its range, hold the mark's
 * record?  Taken as yes where it can not be told: the record was unreadable
 * then, or the chunk is now. */
static int holds_marked(const struct reading *r, const struct chunk_ref *ref, bool *found, struct err *e)
{
    const struct evtx_record *records;
    struct evtx_chunk *chunk;
    size_t count;
    int rc;

    *found = true;
    if (r->mark.written == 0)
        return 0;
    rc = open_chunk(r, ref, &chunk, e);
    if (rc != 0)
        return rc == ERR_CORRUPT ? 0 : rc;
    *found = false;
    records = evtx_chunk_records(chunk, &count);
    for (size_t i = 0; i < count; i++)
        *found |= records[i].id == r->mark.id && records[i].written == r->mark.written;
    evtx_chunk_close(chunk);
    return 0;
}

static int find_marked(const struct reading *r, bool *found, struct err *e)
{
    int rc = 0;

    *found = false;
    for (size_t i = 0; rc == 0 && i < r->x->count && !*found; i++) {
        const struct evtx_chunk_info *info = &r->x->chunks[i].info;

        if (r->mark.id >= info->first_id && r->mark.id <= info->last_id)
            rc = holds_marked(r, &r->x->chunks[i], found, e);
    }
    return rc;
}

/* Compares a changed file with the mark: the same log, one that went round, or another. */
static int check_mark(struct reading *r, struct err *e)
{
    const struct evtx_file *x = r->x;
    bool found;
    int rc;

    if (r->mark.id == 0 || x->count == 0)
        return 0;
    rc = find_marked(r, &found, e);
    if (rc != 0 || found)
        return rc;
    if (x->chunks[0].info.first_id > r->mark.id) {
        if (x->chunks[0].info.first_id > r->mark.id + 1)
            tell(r, "log-wrapped", r->mark.id + 1, x->chunks[0].info.first_id - 1,
                 "the oldest records were overwritten before they were read");
        return 0;
    }
    tell(r, "file-replaced", r->mark.id, 0, "the file is another log; it is read from its start");
    r->mark = (struct mark){ 0 };
    return 0;
}

/* ---- the records ------------------------------------------------------------------ */

static void tell_hole(struct reading *r, const struct chunk_ref *ref)
{
    char detail[PLACE_MAX];

    if (r->hole_from == 0)
        return;
    snprintf(detail, sizeof detail, "%.200s: a record in the chunk at byte %" PRIu64 " is damaged",
             event_file_name(&r->x->base), ref->offset);
    tell(r, "record-unreadable", r->hole_from, r->hole_to, detail);
    r->x->damaged += r->hole_to - r->hole_from + 1;
    if (r->hole_to > r->mark.id) {
        r->mark.id = r->hole_to;
        r->mark.written = 0;
    }
    r->hole_from = 0;
}

static void add_hole(struct reading *r, uint64_t from, uint64_t to)
{
    if (r->hole_from == 0)
        r->hole_from = from;
    r->hole_to = to;
}

static int take_record(struct reading *r, const struct chunk_ref *ref, struct evtx_chunk *chunk,
                       const struct evtx_record *record)
{
    char place[PLACE_MAX];
    int rc = evtx_chunk_xml(chunk, record, &r->x->xml, NULL);

    if (rc == ERR_MEMORY)
        return rc;
    if (rc != 0) {
        add_hole(r, record->id, record->id);
        return 0;
    }
    tell_hole(r, ref);
    snprintf(place, sizeof place, "%.200s:record %" PRIu64, event_file_name(&r->x->base), record->id);
    r->events++;
    r->bytes += r->x->xml.len;
    r->sink->event(r->sink->arg, r->x->xml.data, r->x->xml.len, place);
    r->mark.id = record->id;
    r->mark.written = record->written;
    return 0;
}

static bool is_full(const struct reading *r)
{
    return r->events >= r->max_events || (r->bytes >= r->max_bytes && r->events > 0) || r->x->damaged >= DAMAGED_MAX;
}

static bool is_dense(const struct evtx_chunk_info *info)
{
    return info->last_id - info->first_id + 1 == info->records;
}

/* Tells once that a chunk with holes in its numbering holds less than it says. */
static void tell_short(struct reading *r, const struct chunk_ref *ref, size_t found)
{
    if (r->mark.told == ref->info.first_id)
        return;
    tell(r, "record-unreadable", ref->info.first_id, ref->info.last_id, "some records of a chunk are damaged");
    r->x->damaged += ref->info.records - found;
    r->mark.told = ref->info.first_id;
}

/* The end of a chunk was reached: what of it, from next on, is missing? */
static void end_chunk(struct reading *r, const struct chunk_ref *ref, size_t found, uint64_t next, bool is_newest)
{
    if (!is_dense(&ref->info) && found < ref->info.records) {
        if (is_newest && !r->resting && r->mark.id < ref->info.last_id) {
            r->held = true;
            return;
        }
        tell_short(r, ref, found);
    }
    if (is_dense(&ref->info) && next <= ref->info.last_id)
        add_hole(r, next, ref->info.last_id);
    if (is_newest && !r->resting && r->hole_from != 0) {
        r->held = true;
        r->hole_from = 0;
        return;
    }
    tell_hole(r, ref);
    if (r->mark.id < ref->info.last_id) {
        r->mark.id = ref->info.last_id;
        r->mark.written = 0;
    }
}

static int take_chunk(struct reading *r, const struct chunk_ref *ref, bool is_newest, struct err *e)
{
    uint64_t next = ref->info.first_id > r->mark.id ? ref->info.first_id : r->mark.id + 1;
    const struct evtx_record *records = NULL;
    struct evtx_chunk *chunk = NULL;
    size_t count = 0, i = 0;
    int rc = open_chunk(r, ref, &chunk, e);

    if (rc == ERR_CORRUPT)
        rc = 0;
    else if (rc == 0)
        records = evtx_chunk_records(chunk, &count);
    for (; rc == 0 && i < count && !is_full(r); i++) {
        if (records[i].id < next)
            continue;
        if (is_dense(&ref->info) && records[i].id > next)
            add_hole(r, next, records[i].id - 1);
        next = records[i].id + 1;
        rc = take_record(r, ref, chunk, &records[i]);
        if (rc != 0)
            (void)err_set(e, rc, "%s: out of memory for a record", r->x->base.path);
    }
    if (rc == 0 && i == count)
        end_chunk(r, ref, count, next, is_newest);
    else if (rc == 0)
        tell_hole(r, ref);
    evtx_chunk_close(chunk);
    return rc;
}

/* Chunks whose header says nothing: told once, when the file rests. */
static void tell_bad_chunks(struct reading *r)
{
    char detail[PLACE_MAX];

    if (r->x->bad <= r->mark.bad)
        return;
    if (!r->resting) {
        r->held = true;
        return;
    }
    snprintf(detail, sizeof detail, "%.200s: chunks up to the one at byte %" PRIu64 " have no readable header",
             event_file_name(&r->x->base), r->x->bad_offset);
    tell(r, "record-unreadable", 0, 0, detail);
    r->mark.bad = r->x->bad;
}

static int take_chunks(struct reading *r, bool *more, struct err *e)
{
    struct evtx_file *x = r->x;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < x->count && !is_full(r); i++) {
        if (x->chunks[i].info.last_id > r->mark.id)
            rc = take_chunk(r, &x->chunks[i], i + 1 == x->count, e);
    }
    if (rc == 0)
        tell_bad_chunks(r);
    *more = x->count > 0 && x->chunks[x->count - 1].info.last_id > r->mark.id && is_full(r);
    return rc;
}

/* Has nobody written to the file for a while, by its own time or, where that is
 * in the future, by how long it has looked the same? */
static bool is_resting(struct evtx_file *x, const struct file_info *info, bool changed)
{
    const struct clock *clock = plat_clock();
    int64_t now = clock->monotonic_ns(clock);

    if (changed)
        x->same_since = now;
    return clock->wall_ns(clock) - info->mtime_ns >= REST_NS || now - x->same_since >= REST_NS;
}

static int read_open(struct reading *r, bool changed, struct stream_report *report, struct err *e)
{
    struct evtx_file *x = r->x;
    int rc = 0;

    if (changed) {
        rc = look_at_chunks(r, e);
        if (rc == 0)
            rc = check_mark(r, e);
    }
    if (rc == 0)
        rc = take_chunks(r, &report->more, e);
    if (rc == 0)
        report->lag_records = x->count > 0 && x->chunks[x->count - 1].info.last_id > r->mark.id
                                  ? (int64_t)(x->chunks[x->count - 1].info.last_id - r->mark.id)
                                  : 0;
    return rc;
}

/* True when the file can be read as .evtx; else the report says why not, or that
 * there is nothing yet. */
static bool is_readable(const struct reading *r, struct stream_report *report, struct err *e, int *rc)
{
    unsigned char header[sizeof "ElfFile"];

    *rc = 0;
    if (r->size < EVTX_FILE_HEADER) {
        report->lag_records = 0;
        return false;
    }
    *rc = read_padded(r, 0, header, sizeof header, e);
    if (*rc != 0)
        return false;
    if (r->x->damaged >= DAMAGED_MAX) {
        report->state = STREAM_UNSUPPORTED;
        snprintf(report->remedy, sizeof report->remedy, "%.160s has too many damaged records: save the log again",
                 r->x->base.path);
        return false;
    }
    if (evtx_is_file(header) && r->size <= FILE_MAX)
        return true;
    report->state = STREAM_MISCONFIGURED;
    snprintf(report->remedy, sizeof report->remedy,
             r->size > FILE_MAX ? "%.180s is over 4 GiB: export a part of it"
                                : "%.180s is no .evtx file: name a saved event log",
             r->x->base.path);
    return false;
}

static int evtx_read(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                     const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct evtx_file *x = (struct evtx_file *)s;
    struct reading r = { .x = x, .sink = sink, .max_events = max_events, .max_bytes = max_bytes };
    struct file_info info;
    bool changed;
    int rc;

    assert(max_events > 0);
    rc = event_file_open(&x->base, mark, new_mark, report, &r.file, &info, e);
    if (rc != 0 || r.file == NULL)
        return rc;
    r.size = info.size;
    changed = !event_file_unchanged(&x->base, &info);
    r.resting = is_resting(x, &info, changed);
    if (!changed && x->drained.len > 0 && strcmp(buf_text(&x->drained), mark) == 0) {
        report->lag_records = 0;
        goto done;
    }
    if (!parse_mark(mark, &r.mark)) {
        rc = err_set(e, ERR_INVALID, "%s: '%.80s' is no mark of an .evtx file", x->base.path, mark);
        goto done;
    }
    if (!is_readable(&r, report, e, &rc))
        goto done;
    x->base.was_seen = false;
    buf_clear(&x->drained);
    rc = read_open(&r, changed, report, e);
    if (rc != 0)
        goto done;
    x->base.seen = info;
    x->base.was_seen = true;
    write_mark(&r.mark, new_mark);
    if (!report->more && !r.held)
        buf_str(&x->drained, buf_text(new_mark));
done:
    x->base.files->ops->close(r.file);
    return rc;
}

static void evtx_close(struct event_stream *s)
{
    struct evtx_file *x = (struct evtx_file *)s;

    free(x->chunks);
    buf_free(&x->xml);
    buf_free(&x->drained);
    event_file_free(&x->base);
    free(x);
}

static const struct event_stream_ops event_file_evtx_ops = { .read = evtx_read, .close = evtx_close };

int event_file_evtx(const struct files *files, const char *path, struct event_stream **out, struct err *e)
{
    struct evtx_file *x = calloc(1, sizeof *x);
    int rc;

    if (x == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for %s", path);
    rc = event_file_init(&x->base, &event_file_evtx_ops, files, path, e);
    if (rc != 0) {
        free(x);
        return rc;
    }
    buf_init(&x->xml, EVENT_XML_MAX + 1);
    buf_init(&x->drained, MARK_MAX);
    *out = &x->base.stream;
    return 0;
}

const char *event_file_evtx_path(const struct event_stream *stream)
{
    return stream->ops == &event_file_evtx_ops ? ((const struct event_file *)stream)->path : NULL;
}
