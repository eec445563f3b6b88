/* Captured class files as a stream of polls; see kvp.h and docs/bundle.md.
 *
 * The files' names give the class and the time of the capture.  All files of
 * one time are one poll; a class that has none of that time comes from its
 * newest earlier file.  Files without a time belong to one poll together: at
 * the bundle's own time, or at the newest of their modification times.
 *
 * A capture is taken once.  When one is changed, or a late one appears, that
 * poll and all later ones are read again in their order, so that what is told
 * last is what is true last; telling a thing twice does no harm.
 *
 * The mark, one line:
 *   captures/1 through=NS n=N BASE64
 * N entries of 24 bytes: hash of the name, of size and modification time, and
 * of the content (0: it could not be read, and is tried again).  A mark holds
 * KNOWN_MAX of them, the newest; of older captures it only says up to which time
 * they were taken: a change to one of those is not noticed.
 *
 * A file that is still being written is read as far as it goes; the instance
 * it ends in makes the poll incomplete, and its growing makes it a new one.
 */
#include "base/text.h"
#include "base/times.h"
#include "collectors/kvp.h"
#include "collectors/mark_bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAPTURES_MAX = 16384,
    KNOWN_MAX = 450,
    ENTRY = 24,
    NAME_SIZE = 256,
    CAPTURE_SIZE_MAX = 256 * 1024 * 1024,
    CHUNK = 256 * 1024,
};

struct capture {
    char name[NAME_SIZE];
    int class_index; /* in the folder's classes */
    int64_t time_ns;
    int64_t mtime_ns;
    uint64_t size;
    uint64_t name_hash, stat_hash, content_hash; /* content: 0 not read, or not readable */
    bool undated;
    bool taken;
};

struct known {
    uint64_t name_hash, stat_hash, content_hash;
};

struct folder {
    struct wmi_stream base;
    const struct files *files;
    const char *const *classes; /* the first lists the VMs */
    char *dir;
    int64_t captured_at;
    struct capture *list; /* by time, class, name */
    size_t count, cap;
    struct known known[KNOWN_MAX]; /* from the mark, by name_hash */
    size_t known_count;
    int64_t through_ns;
    struct buf bytes; /* a file's content */
    char remedy[256]; /* about files that are no captures, or too many */
    int failed;       /* why not all could be listed: without one of them a guest would seem to be gone */
    struct err why;
};

/* ---- the mark ----------------------------------------------------------- */

static int by_name_hash(const void *a, const void *b)
{
    const struct known *x = a, *y = b;

    return (x->name_hash > y->name_hash) - (x->name_hash < y->name_hash);
}

/* A damaged mark counts as none: everything is taken again. */
static void read_mark(struct folder *f, const char *mark)
{
    static const char start[] = "captures/1 through=";
    long long through;
    unsigned long count;
    int used = 0;

    f->known_count = 0;
    f->through_ns = INT64_MIN;
    if (strncmp(mark, start, sizeof start - 1) != 0 ||
        sscanf(mark + sizeof start - 1, "%20lld n=%6lu %n", &through, &count, &used) != 2 || count > KNOWN_MAX)
        return;
    mark += sizeof start - 1 + used;
    for (; f->known_count < count; f->known_count++) {
        unsigned char entry[ENTRY];

        if (!mark_get_bytes(&mark, entry, sizeof entry)) {
            f->known_count = 0;
            return;
        }
        f->known[f->known_count] = (struct known){
            .name_hash = mark_get_u64(entry),
            .stat_hash = mark_get_u64(entry + 8),
            .content_hash = mark_get_u64(entry + 16),
        };
    }
    f->through_ns = through;
    qsort(f->known, f->known_count, sizeof f->known[0], by_name_hash);
}

/* Taken, and not merely because of `through`. */
static bool is_told(const struct folder *f, const struct capture *c)
{
    return c->taken && (c->content_hash != 0 || c->time_ns > f->through_ns);
}

/* The taken captures, the newest KNOWN_MAX of them one by one. */
static void write_mark(const struct folder *f, struct buf *mark)
{
    size_t told = 0, left_out, seen = 0;
    int64_t through = f->through_ns;

    for (size_t i = 0; i < f->count; i++)
        told += is_told(f, &f->list[i]);
    left_out = told > KNOWN_MAX ? told - KNOWN_MAX : 0;
    for (size_t i = 0, n = 0; i < f->count && n < left_out; i++) {
        if (!is_told(f, &f->list[i]))
            continue;
        n++;
        if (f->list[i].time_ns > through)
            through = f->list[i].time_ns;
    }
    buf_clear(mark);
    buf_printf(mark, "captures/1 through=%" PRId64 " n=%zu ", through, told - left_out);
    for (size_t i = 0; i < f->count; i++) {
        const struct capture *c = &f->list[i];
        unsigned char entry[ENTRY];

        if (!is_told(f, c) || seen++ < left_out)
            continue;
        mark_put_u64(entry, c->name_hash);
        mark_put_u64(entry + 8, c->stat_hash);
        mark_put_u64(entry + 16, c->content_hash);
        mark_put_bytes(mark, entry, sizeof entry);
    }
}

static const struct known *find_known(const struct folder *f, uint64_t name_hash)
{
    struct known key = { .name_hash = name_hash };

    return f->known_count > 0 ? bsearch(&key, f->known, f->known_count, sizeof key, by_name_hash) : NULL;
}

/* ---- the folder --------------------------------------------------------- */

/* "Class.xml" or "Class.<time>.xml" of a wanted class. */
static bool parse_name(struct folder *f, const char *name, struct capture *c)
{
    char time_text[TIMES_TEXT_MAX + 8];
    size_t len = strlen(name);

    if (len >= sizeof c->name || !text_ends_with_nocase(name, ".xml"))
        return false;
    for (c->class_index = 0; f->classes[c->class_index] != NULL; c->class_index++) {
        const char *class_name = f->classes[c->class_index];
        size_t n = strlen(class_name), time_len;

        if (text_ncasecmp(name, class_name, n) != 0 || name[n] != '.')
            continue;
        c->undated = len == n + 4;
        if (c->undated)
            return true;
        time_len = len - n - 5;
        if (time_len < sizeof time_text) {
            memcpy(time_text, name + n + 1, time_len);
            time_text[time_len] = '\0';
            if (times_parse(time_text, &c->time_ns))
                return true;
        }
        snprintf(f->remedy, sizeof f->remedy, "%.150s: the time in the name must look like 20260131T080000Z", name);
        return false;
    }
    return false;
}

static char *path_of(const struct folder *f, const char *name, char *path)
{
    int n = snprintf(path, FILES_PATH_MAX, "%s/%s", f->dir, name);

    return n > 0 && n < FILES_PATH_MAX ? path : NULL;
}

static bool take_name(void *arg, const char *name)
{
    struct folder *f = arg;
    struct capture c = { 0 };
    struct file_info info;
    char path[FILES_PATH_MAX];
    uint64_t stat[2];

    if (!parse_name(f, name, &c) || path_of(f, name, path) == NULL)
        return true;
    f->failed = f->files->ops->stat(f->files, path, &info, &f->why);
    if (f->failed == ERR_NOT_FOUND || (f->failed == 0 && !info.is_regular)) {
        f->failed = 0; /* it has gone since it was listed, or is none */
        return true;
    }
    if (f->failed != 0)
        return false;
    if (f->count == CAPTURES_MAX) {
        snprintf(f->remedy, sizeof f->remedy, "there are more than %d captures; move old ones away", CAPTURES_MAX);
        return false;
    }
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? 32 : f->cap * 2;
        struct capture *grown = realloc(f->list, cap * sizeof *grown);

        if (grown == NULL) {
            f->failed = err_set(&f->why, ERR_MEMORY, "out of memory for the captures in %.200s", f->dir);
            return false;
        }
        f->list = grown;
        f->cap = cap;
    }
    text_copy(c.name, sizeof c.name, name);
    c.size = info.size;
    c.mtime_ns = info.mtime_ns;
    stat[0] = info.size;
    stat[1] = (uint64_t)info.mtime_ns;
    c.stat_hash = mark_hash(MARK_HASH_START, stat, sizeof stat);
    c.name_hash = mark_hash(MARK_HASH_START, name, strlen(name));
    f->list[f->count++] = c;
    return true;
}

static void date_the_undated(struct folder *f)
{
    int64_t t = f->captured_at;

    for (size_t i = 0; i < f->count && f->captured_at == 0; i++) {
        if (f->list[i].undated && f->list[i].mtime_ns > t)
            t = f->list[i].mtime_ns;
    }
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].undated)
            f->list[i].time_ns = t;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct capture *x = a, *y = b;

    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    if (x->class_index != y->class_index)
        return x->class_index < y->class_index ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int look(struct folder *f, struct err *e)
{
    int rc;

    f->count = 0;
    f->remedy[0] = '\0';
    f->failed = 0;
    rc = f->files->ops->list(f->files, f->dir, take_name, f, e);
    if (rc == 0 && f->failed != 0)
        rc = err_set(e, (enum err_code)f->failed, "%s", f->why.text);
    if (rc != 0)
        return rc;
    date_the_undated(f);
    if (f->count > 1)
        qsort(f->list, f->count, sizeof f->list[0], by_time);
    return 0;
}

/* ---- contents ----------------------------------------------------------- */

static int read_open_file(struct folder *f, struct file *file, struct err *e)
{
    size_t got = 0;

    buf_clear(&f->bytes);
    do {
        char *room = buf_room(&f->bytes, CHUNK);
        int rc;

        if (room == NULL && buf_error(&f->bytes) == ERR_TOO_BIG)
            return err_set(e, ERR_TOO_BIG, "larger than %d MiB", CAPTURE_SIZE_MAX >> 20);
        if (room == NULL)
            return err_set(e, ERR_MEMORY, "out of memory");
        rc = f->files->ops->read_at(file, f->bytes.len, room, CHUNK, &got, e);
        if (rc != 0)
            return rc;
        buf_used(&f->bytes, got);
    } while (got == CHUNK);
    return 0;
}

/* The content into f->bytes and its hash into c. */
static int read_capture(struct folder *f, struct capture *c, struct err *e)
{
    char path[FILES_PATH_MAX];
    struct file *file = NULL;
    int rc;

    c->content_hash = 0;
    if (path_of(f, c->name, path) == NULL)
        return err_set(e, ERR_TOO_BIG, "the path is too long");
    if (c->size > CAPTURE_SIZE_MAX)
        return err_set(e, ERR_TOO_BIG, "larger than %d MiB", CAPTURE_SIZE_MAX >> 20);
    rc = f->files->ops->open(f->files, path, &file, e);
    if (rc != 0)
        return rc;
    rc = read_open_file(f, file, e);
    f->files->ops->close(file);
    if (rc == 0) {
        c->content_hash = mark_hash(MARK_HASH_START, buf_text(&f->bytes), f->bytes.len);
        c->content_hash += c->content_hash == 0;
    }
    return rc;
}

/* Whether the capture was told before and is the same still.  One that could
 * not be read then is new as soon as it can be. */
static bool was_taken(struct folder *f, struct capture *c)
{
    const struct known *k = find_known(f, c->name_hash);

    if (k == NULL)
        return c->time_ns <= f->through_ns;
    if (k->stat_hash == c->stat_hash && k->content_hash != 0) {
        c->content_hash = k->content_hash;
        return true;
    }
    return read_capture(f, c, NULL) != 0 ? k->content_hash == 0 : k->content_hash == c->content_hash;
}

/* ---- a poll ------------------------------------------------------------- */

/* The index of the first capture that is to be told; all from its time on are. */
static size_t first_new(struct folder *f)
{
    size_t first = f->count;

    for (size_t i = 0; i < f->count; i++) {
        f->list[i].taken = was_taken(f, &f->list[i]);
        if (!f->list[i].taken && first == f->count)
            first = i;
    }
    while (first > 0 && first < f->count && f->list[first - 1].time_ns == f->list[first].time_ns)
        first--;
    for (size_t i = first; i < f->count; i++)
        f->list[i].taken = false;
    return first;
}

/* The class's newest capture at or before that time; NULL when there is none. */
static struct capture *newest(struct folder *f, int class_index, int64_t time_ns)
{
    struct capture *found = NULL;

    for (size_t i = 0; i < f->count && f->list[i].time_ns <= time_ns; i++) {
        if (f->list[i].class_index == class_index)
            found = &f->list[i];
    }
    return found;
}

static bool tell_capture(struct folder *f, struct capture *c, const struct wmi_sink *sink)
{
    char text[ERR_TEXT_MAX + NAME_SIZE];
    struct err e;

    if (read_capture(f, c, &e) == 0) {
        sink->instances(sink->arg, f->classes[c->class_index], buf_text(&f->bytes), f->bytes.len, c->name);
        return true;
    }
    snprintf(text, sizeof text, "%.*s: %.400s", NAME_SIZE, c->name, e.text);
    sink->gap(sink->arg, "record-unreadable", text);
    return false;
}

/* The first class lists the VMs; every VM has a Data Exchange component, so
 * that class can stand in. */
static bool lists_all_vms(const struct folder *f, int class_index)
{
    return class_index == 0 || strcmp(f->classes[class_index], "Msvm_KvpExchangeComponent") == 0;
}

static void tell_poll(struct folder *f, int64_t time_ns, const struct wmi_sink *sink, struct wmi_poll *out)
{
    bool all_read = true;

    out->answered = true;
    out->time_ns = time_ns;
    for (int c = 0; f->classes[c] != NULL; c++) {
        struct capture *capture = newest(f, c, time_ns);

        if (capture == NULL)
            continue;
        if (!tell_capture(f, capture, sink))
            all_read = false;
        else if (lists_all_vms(f, c))
            out->complete = true;
    }
    out->complete = out->complete && all_read;
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].time_ns == time_ns)
            f->list[i].taken = true;
        else if (f->list[i].time_ns > time_ns)
            out->report.more = true;
    }
}

static void report_no_folder(const struct folder *f, int rc, const struct err *e, struct stream_report *report)
{
    report->state = rc == ERR_NOT_FOUND ? STREAM_ABSENT : rc == ERR_PERMISSION ? STREAM_NO_PERMISSION : STREAM_RETRYING;
    if (rc == ERR_NOT_FOUND)
        snprintf(report->remedy, sizeof report->remedy, "there is no folder %.200s", f->dir);
    else
        snprintf(report->remedy, sizeof report->remedy, "%.250s", e->text);
}

/* What stands in the way of captures that are there. */
static void report_unread(const struct folder *f, struct stream_report *report)
{
    if (f->count == 0) {
        report->state = STREAM_ABSENT;
        snprintf(report->remedy, sizeof report->remedy, "there are no class files (%s.xml ...) in %.150s",
                 f->classes[0], f->dir);
    }
    if (f->remedy[0] != '\0')
        snprintf(report->remedy, sizeof report->remedy, "%s", f->remedy);
    for (size_t i = 0; i < f->count; i++) {
        if (!f->list[i].taken)
            report->lag_records++;
        if (!is_told(f, &f->list[i]) || f->list[i].content_hash != 0)
            continue;
        report->state = STREAM_RETRYING;
        snprintf(report->remedy, sizeof report->remedy, "let the agent read %.100s in %.120s", f->list[i].name, f->dir);
    }
}

static int folder_poll(struct wmi_stream *base, const char *mark, int64_t deadline_ns, const struct wmi_sink *sink,
                       struct buf *new_mark, struct wmi_poll *out, struct err *e)
{
    struct folder *f = (struct folder *)base;
    struct err why;
    size_t first;
    int rc;

    (void)deadline_ns;
    *out = (struct wmi_poll){ .report = { .state = STREAM_ATTACHED, .lag_records = 0 } };
    read_mark(f, mark);
    rc = look(f, &why);
    if (rc != 0) {
        report_no_folder(f, rc, &why, &out->report);
        buf_clear(new_mark);
        buf_str(new_mark, mark);
        return 0;
    }
    first = first_new(f);
    if (first < f->count)
        tell_poll(f, f->list[first].time_ns, sink, out);
    report_unread(f, &out->report);
    write_mark(f, new_mark);
    if (buf_error(new_mark) != ERR_OK)
        return err_set(e, buf_error(new_mark), "the mark of %s does not fit", f->dir);
    return 0;
}

static void folder_close(struct wmi_stream *base)
{
    struct folder *f = (struct folder *)base;

    free(f->list);
    free(f->dir);
    buf_free(&f->bytes);
    free(f);
}

int kvp_folder_stream(const struct files *files, const char *dir, const char *const *classes, int64_t captured_at,
                      struct wmi_stream **out, struct err *e)
{
    static const struct wmi_stream_ops ops = { .poll = folder_poll, .close = folder_close };
    struct folder *f = calloc(1, sizeof *f);

    if (f == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    f->base.ops = &ops;
    f->files = files;
    f->classes = classes;
    f->captured_at = captured_at;
    f->dir = strdup(dir);
    buf_init(&f->bytes, CAPTURE_SIZE_MAX);
    if (f->dir == NULL) {
        free(f);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    *out = &f->base;
    return 0;
}
