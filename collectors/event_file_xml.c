/* A saved XML file as an event stream: one <Event>, several one after another,
 * or an <Events> list, which may still grow or be replaced.
 *
 * Text.  UTF-8 with or without a byte order mark, or UTF-16 with one, which is
 * turned into UTF-8 block by block.  A character that is cut at the end of the
 * file waits for its rest, as does an element (event_split.h).
 *
 * Mark: "xml1 OFFSET FLAGS HEAD-LENGTH HEAD-HASH TAIL-LENGTH TAIL-HASH", numbers
 * in hexadecimal.  OFFSET is where to go on, in bytes of the file as it lies
 * there; the hashes are of the file's first bytes and of those just before
 * OFFSET.  They say whether what was read is still there: a file that was
 * written anew, in place or by renaming, with the same beginning and more behind
 * it is the same file and goes on; any other is a replaced one, which is told as
 * a gap and read from its start.  Inode and time take no part.
 *
 * Zeros at the end of the file are room that is not written yet (a copy makes
 * the file as large as it will be, and fills it).
 *
 * Bounds: a window of one event's ceiling and some blocks; a read that finds
 * nothing but junk stops after JUNK_READ_MAX bytes.
 *
 * What can not be used is told once, with its place: junk between events, an
 * event broken off, an event over the ceiling, each run of them as one gap.
 */
#include "collectors/event_file.h"
#include "collectors/event_split.h"
#include "collectors/eventlog.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64 * 1024,
    HEAD_MAX = 4096, /* bytes hashed at the start */
    TAIL_MAX = 256,  /* and before the offset */
    WINDOW_MAX = EVENT_XML_MAX + 8 * BLOCK,
    JUNK_READ_MAX = 16 * 1024 * 1024,
    PLACE_MAX = 320,
};

enum { FLAG_SKIPPING = 1, FLAGS_ALL = 1 };

enum encoding { UTF8, UTF16LE, UTF16BE, ENCODING_NOT_YET };

struct mark {
    uint64_t offset;
    unsigned flags;
    uint64_t head_len, head_hash, tail_len, tail_hash;
};

struct xml_file {
    struct event_file base;
    struct buf window;  /* UTF-8, from the place the mark stands for */
    struct buf settled; /* the mark that was given when the file had nothing more */
};

/* One read() in progress. */
struct reading {
    struct xml_file *x;
    struct file *file;
    uint64_t size;
    enum encoding encoding;
    uint64_t fetched; /* file offset up to which the window holds */
    size_t at;        /* in the window: done with up to here */
    uint64_t offset;  /* the same place in the file */
    struct split_state split;
    const struct event_sink *sink;
    uint64_t junk_from; /* a run of junk in progress; valid where junk_why is set */
    uint64_t junk_to;
    const char *junk_why;
    bool junk_told; /* still within an event over the ceiling that an earlier read told */
    uint64_t junk_bytes;
    int events;
    size_t bytes;
};

/* FNV-1a. */
static uint64_t hash(const char *bytes, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static bool parse_mark(const char *text, struct mark *m)
{
    int end = 0;

    *m = (struct mark){ 0 };
    if (text[0] == '\0')
        return true;
    return sscanf(text, "xml1 %" SCNx64 " %x %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 "%n", &m->offset, &m->flags,
                  &m->head_len, &m->head_hash, &m->tail_len, &m->tail_hash, &end) == 6 &&
           text[end] == '\0' && m->flags <= FLAGS_ALL && m->head_len <= HEAD_MAX && m->tail_len <= TAIL_MAX &&
           m->head_len <= m->offset && m->tail_len <= m->offset;
}

/* Reads exactly len bytes; ERR_IO when the file ends before. */
static int read_exactly(struct reading *r, uint64_t offset, char *bytes, size_t len, struct err *e)
{
    const struct event_file *f = &r->x->base;
    size_t got = 0;
    int rc = f->files->ops->read_at(r->file, offset, bytes, len, &got, e);

    if (rc == 0 && got < len)
        rc = err_set(e, ERR_IO, "%s became shorter while it was read", f->path);
    return rc;
}

static int hash_at(struct reading *r, uint64_t offset, size_t len, uint64_t *out, struct err *e)
{
    char bytes[HEAD_MAX];
    int rc;

    assert(len <= sizeof bytes);
    rc = read_exactly(r, offset, bytes, len, e);
    if (rc == 0)
        *out = hash(bytes, len);
    return rc;
}

/* The length without the zeros at the end, but not below least; even for UTF-16,
 * whose last character may end in a zero. */
static int written_size(struct reading *r, uint64_t least, uint64_t *out, struct err *e)
{
    char block[BLOCK];
    uint64_t end = r->size;
    int rc = 0;

    while (rc == 0 && end > least) {
        size_t len = end - least < BLOCK ? (size_t)(end - least) : BLOCK, used = len;

        rc = read_exactly(r, end - len, block, len, e);
        while (rc == 0 && used > 0 && block[used - 1] == '\0')
            used--;
        end -= len - used;
        if (used > 0)
            break;
    }
    if (r->encoding != UTF8 && end % 2 != 0 && end < r->size)
        end++;
    *out = end;
    return rc;
}

/* Is what the mark speaks of still in the file? */
static int still_there(struct reading *r, const struct mark *m, bool *same, struct err *e)
{
    uint64_t head = 0, tail = 0;
    int rc;

    *same = m->offset == 0;
    if (*same || r->size < m->offset)
        return 0;
    rc = hash_at(r, 0, m->head_len, &head, e);
    if (rc == 0)
        rc = hash_at(r, m->offset - m->tail_len, m->tail_len, &tail, e);
    *same = rc == 0 && head == m->head_hash && tail == m->tail_hash;
    return rc;
}

static int write_mark(struct reading *r, struct buf *out, struct err *e)
{
    uint64_t offset = r->offset;
    size_t head_len = offset < HEAD_MAX ? (size_t)offset : HEAD_MAX;
    size_t tail_len = offset < TAIL_MAX ? (size_t)offset : TAIL_MAX;
    uint64_t head = 0, tail = 0;
    unsigned flags = r->split.skipping ? FLAG_SKIPPING : 0u;
    int rc = hash_at(r, 0, head_len, &head, e);

    if (rc == 0)
        rc = hash_at(r, offset - tail_len, tail_len, &tail, e);
    if (rc != 0)
        return rc;
    buf_clear(out);
    buf_printf(out, "xml1 %" PRIx64 " %x %zx %" PRIx64 " %zx %" PRIx64, offset, flags, head_len, head, tail_len, tail);
    return 0;
}

/* ---- text ---------------------------------------------------------------------- */

/* The encoding and the length of its byte order mark. */
static int detect(struct reading *r, size_t *mark_len, struct err *e)
{
    unsigned char b[3] = { 0 };
    size_t len = r->size < sizeof b ? (size_t)r->size : sizeof b;
    int rc = read_exactly(r, 0, (char *)b, len, e);

    *mark_len = 0;
    r->encoding = UTF8;
    if (rc != 0 || len == 0)
        return rc;
    if (len >= 2 && b[0] == 0xFF && b[1] == 0xFE)
        r->encoding = UTF16LE;
    else if (len >= 2 && b[0] == 0xFE && b[1] == 0xFF)
        r->encoding = UTF16BE;
    else if (b[0] >= 0xFE && (len == 1 || b[1] == 0))
        r->encoding = ENCODING_NOT_YET;
    if (r->encoding == UTF16LE || r->encoding == UTF16BE)
        *mark_len = 2;
    return 0;
}

static void add_utf8(struct buf *out, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--) {
        b[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    b[0] = (char)(n == 1 ? c : (0xF00u >> n & 0xF0u) | c);
    buf_add(out, b, n);
}

/* Appends the characters of len bytes of UTF-16; returns how many bytes were
 * whole characters.  A lone surrogate becomes U+FFFD: two bytes as well, so that
 * utf16_size() can count back. */
static size_t add_utf16(struct buf *out, const unsigned char *b, size_t len, bool big)
{
    size_t i = 0;

    while (i + 2 <= len) {
        uint32_t c = big ? (uint32_t)(b[i] << 8 | b[i + 1]) : (uint32_t)(b[i + 1] << 8 | b[i]), low;

        if (c >= 0xD800 && c <= 0xDBFF) {
            if (i + 4 > len)
                break;
            low = big ? (uint32_t)(b[i + 2] << 8 | b[i + 3]) : (uint32_t)(b[i + 3] << 8 | b[i + 2]);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                add_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
                i += 4;
                continue;
            }
        }
        add_utf8(out, c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c);
        i += 2;
    }
    return i;
}

/* How many bytes of UTF-16 became this UTF-8. */
static uint64_t utf16_size(const char *text, size_t len)
{
    uint64_t size = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c & 0xC0) != 0x80)
            size += c >= 0xF0 ? 4 : 2;
    }
    return size;
}

/* Place in the file of what is that far ahead in the window. */
static uint64_t place_of(const struct reading *r, size_t ahead)
{
    return r->offset + (r->encoding == UTF8 ? ahead : utf16_size(r->x->window.data + r->at, ahead));
}

static void advance(struct reading *r, size_t ahead)
{
    r->offset = place_of(r, ahead);
    r->at += ahead;
}

/* One more block of text; *more false at the end of what there is. */
static int fetch(struct reading *r, bool *more, struct err *e)
{
    struct buf *window = &r->x->window;
    unsigned char block[BLOCK];
    uint64_t left = r->size - r->fetched;
    size_t len = left < BLOCK ? (size_t)left : BLOCK, taken = len;
    int rc = read_exactly(r, r->fetched, (char *)block, len, e);

    if (rc != 0)
        return rc;
    if (r->encoding == UTF8)
        buf_add(window, block, len);
    else
        taken = add_utf16(window, block, len, r->encoding == UTF16BE);
    r->fetched += taken;
    *more = taken > 0;
    if (buf_error(window) != ERR_OK)
        return err_set(e, buf_error(window), "%s: no memory for its text", r->x->base.path);
    return 0;
}

/* ---- events --------------------------------------------------------------------- */

static void end_junk(struct reading *r)
{
    char from[PLACE_MAX], to[PLACE_MAX], detail[PLACE_MAX * 2];

    if (r->junk_why == NULL)
        return;
    snprintf(from, sizeof from, "byte %" PRIu64, r->junk_from);
    snprintf(to, sizeof to, "byte %" PRIu64, r->junk_to);
    snprintf(detail, sizeof detail, "%.200s holds %s at bytes %" PRIu64 " to %" PRIu64, event_file_name(&r->x->base),
             r->junk_why, r->junk_from, r->junk_to);
    r->sink->gap(r->sink->arg, "record-unreadable", from, to, detail);
    r->junk_why = NULL;
}

static void take_junk(struct reading *r, const struct split_piece *piece)
{
    r->junk_bytes += piece->end - piece->start;
    if (r->junk_told) {
        r->junk_told = r->split.skipping;
        return;
    }
    if (r->junk_why == NULL) {
        r->junk_from = place_of(r, piece->start);
        r->junk_why = piece->why;
    }
    r->junk_to = place_of(r, piece->end);
}

static void take_event(struct reading *r, const struct split_piece *piece)
{
    char place[PLACE_MAX];

    end_junk(r);
    snprintf(place, sizeof place, "%.200s:byte %" PRIu64, event_file_name(&r->x->base), place_of(r, piece->start));
    r->events++;
    r->bytes += piece->end - piece->start;
    r->sink->event(r->sink->arg, r->x->window.data + r->at + piece->start, piece->end - piece->start, place);
}

/* Brings more text, as much as there is already, so that an element which is
 * looked at again and again costs no more than a few times its length.  *more
 * false: there is none. */
static int fetch_more(struct reading *r, bool *more, struct err *e)
{
    struct buf *window = &r->x->window;
    size_t before, wanted;
    bool any = true;
    int rc = 0;

    buf_drop_front(window, r->at);
    r->at = 0;
    before = window->len;
    wanted = before * 2 + 1;
    assert(before <= EVENT_XML_MAX);
    while (rc == 0 && any && window->len < wanted && window->len <= EVENT_XML_MAX)
        rc = fetch(r, &any, e);
    *more = window->len > before;
    return rc;
}

static int take_pieces(struct reading *r, int max_events, size_t max_bytes, bool *drained, struct err *e)
{
    const struct buf *window = &r->x->window;
    bool more = true;
    int rc = 0;

    while (rc == 0 && more && r->events < max_events && (r->bytes < max_bytes || r->events == 0) &&
           r->junk_bytes < JUNK_READ_MAX) {
        struct split_piece piece;

        event_split_next(&r->split, window->data + r->at, window->len - r->at, &piece);
        if (piece.kind == SPLIT_EVENT)
            take_event(r, &piece);
        else if (piece.kind == SPLIT_JUNK)
            take_junk(r, &piece);
        advance(r, piece.end);
        if (piece.kind == SPLIT_WAIT)
            rc = fetch_more(r, &more, e);
    }
    end_junk(r);
    *drained = !more;
    return rc;
}

/* Sets out from the mark, or from the start when the file is another one. */
static int begin(struct reading *r, const char *text, struct err *e)
{
    struct mark m;
    size_t order_mark;
    bool same;
    int rc;

    if (!parse_mark(text, &m))
        return err_set(e, ERR_INVALID, "%s: '%.80s' is no mark of an XML file", r->x->base.path, text);
    rc = still_there(r, &m, &same, e);
    if (rc == 0)
        rc = detect(r, &order_mark, e);
    if (rc != 0)
        return rc;
    if (!same) {
        char from[PLACE_MAX];

        snprintf(from, sizeof from, "byte %" PRIu64, m.offset);
        r->sink->gap(r->sink->arg, "file-replaced", from, "", "the file is another one; it is read from its start");
        m = (struct mark){ 0 };
    }
    r->offset = m.offset > 0 ? m.offset : order_mark;
    r->fetched = r->offset;
    r->split.skipping = (m.flags & FLAG_SKIPPING) != 0;
    r->junk_told = r->split.skipping;
    return written_size(r, r->offset, &r->size, e);
}

static int read_open(struct reading *r, const char *mark, int max_events, size_t max_bytes, struct buf *new_mark,
                     struct stream_report *report, struct err *e)
{
    bool drained = false;
    int rc;

    buf_clear(&r->x->window);
    buf_str(&r->x->window, "");
    rc = begin(r, mark, e);
    if (rc == 0 && r->encoding == ENCODING_NOT_YET)
        return 0;
    if (rc == 0)
        rc = take_pieces(r, max_events, max_bytes, &drained, e);
    if (rc == 0)
        rc = write_mark(r, new_mark, e);
    report->more = !drained;
    report->lag_records = drained ? 0 : -1;
    return rc;
}

static int xml_read(struct event_stream *s, const char *mark, int max_events, size_t max_bytes,
                    const struct event_sink *sink, struct buf *new_mark, struct stream_report *report, struct err *e)
{
    struct xml_file *x = (struct xml_file *)s;
    struct reading r = { .x = x, .sink = sink };
    struct file_info info;
    int rc;

    assert(max_events > 0);
    rc = event_file_open(&x->base, mark, new_mark, report, &r.file, &info, e);
    if (rc != 0 || r.file == NULL)
        return rc;
    r.size = info.size;
    if (event_file_unchanged(&x->base, &info) && strcmp(buf_text(&x->settled), mark) == 0) {
        report->lag_records = 0;
        goto done;
    }
    rc = read_open(&r, mark, max_events, max_bytes, new_mark, report, e);
    if (rc != 0)
        goto done;
    x->base.seen = info;
    x->base.was_seen = !report->more;
    buf_clear(&x->settled);
    buf_str(&x->settled, buf_text(new_mark));
done:
    x->base.files->ops->close(r.file);
    if (rc != 0 || !report->more) {
        /* Of many files that stand still none keeps the room for its largest event. */
        buf_free(&x->window);
        buf_init(&x->window, WINDOW_MAX);
    }
    return rc;
}

static void xml_close(struct event_stream *s)
{
    struct xml_file *x = (struct xml_file *)s;

    buf_free(&x->window);
    buf_free(&x->settled);
    event_file_free(&x->base);
    free(x);
}

const struct event_stream_ops event_file_xml_ops = { .read = xml_read, .close = xml_close };

int event_file_xml(const struct files *files, const char *path, struct event_stream **out, struct err *e)
{
    struct xml_file *x = calloc(1, sizeof *x);
    int rc;

    if (x == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for %s", path);
    rc = event_file_init(&x->base, &event_file_xml_ops, files, path, e);
    if (rc != 0) {
        free(x);
        return rc;
    }
    buf_init(&x->window, WINDOW_MAX);
    buf_init(&x->settled, 512);
    *out = &x->base.stream;
    return 0;
}
