/* See esxi_log.h: the source over one log.
 *
 * A step looks at one chunk of the log and takes whole lines.  The five crash
 * registers stand on lines of their own, with other threads' lines between: at
 * the first of them the step looks ahead for the rest.  As long as the rest may
 * still be written the mark stays before it, so that nothing about a crash has to
 * be remembered between steps.
 */
#include "collectors/esxi_log.h"

#include "base/text.h"
#include "base/times.h"
#include "collectors/esxi_rules.h"
#include "collectors/esxi_tail.h"
#include "collectors/esxi_vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_BYTES = 32 * 1024, /* the other registers stand within so much */
    AHEAD_LINES = 64,
    PLACE_MAX = 64,
};

static const int64_t default_interval_ns = 2 * NS_PER_S;
static const int64_t settle_ns = 30 * NS_PER_S; /* a log that stood still so long has no more of a crash to come */

struct esxi_source {
    struct source source;
    const struct files *files;
    char *path, *folder, *host_id;
    enum esxi_log log;
    struct buf chunk, head;
    struct esxi_vm vm; /* of the file vm_file, vm_head bytes of its head looked at */
    uint64_t vm_file[2], vm_head;
    struct file_info seen; /* the log when it had nothing more */
    struct buf settled;    /* and the mark then */
};

/* What is known of the chunk that a step looks at. */
struct chunk {
    struct esxi_source *s;
    struct source_step *step;
    struct esxi_place *place;
    const char *text;
    size_t len;
    bool to_end; /* it reaches to the end of the file */
    bool still;  /* the file will not grow, or has not for long */
    int64_t bad;
    char bad_from[PLACE_MAX], bad_to[PLACE_MAX];
    const char *bad_why;
};

bool esxi_log_of(const char *file_name, enum esxi_log *out)
{
    static const char *const names[ESXI_LOGS] = {
        [ESXI_HOSTD] = "hostd.log",
        [ESXI_VMKERNEL] = "vmkernel.log",
        [ESXI_VOBD] = "vobd.log",
        [ESXI_VMWARE] = "vmware.log",
    };

    for (int i = 0; i < ESXI_LOGS; i++) {
        if (strcmp(names[i], file_name) != 0)
            continue;
        *out = (enum esxi_log)i;
        return true;
    }
    return false;
}

/* ---- gaps -------------------------------------------------------------------------- */

static void on_bad(struct chunk *c, size_t at, const char *why)
{
    char place[PLACE_MAX];

    snprintf(place, sizeof place, "byte %" PRIu64, c->place->offset + at);
    if (c->bad++ == 0) {
        text_copy(c->bad_from, sizeof c->bad_from, place);
        c->bad_why = why;
    }
    text_copy(c->bad_to, sizeof c->bad_to, place);
}

/* ---- lines -------------------------------------------------------------------------- */

/* The line at `at`; its end with the line feed in *next, or 0 when there is no end in the chunk. */
static struct esxi_line line_at(const struct chunk *c, size_t at, size_t *next)
{
    const char *end = memchr(c->text + at, '\n', c->len - at);
    struct esxi_line line = { c->text + at, c->len - at };

    *next = 0;
    if (end != NULL) {
        line.len = (size_t)(end - line.text);
        *next = at + line.len + 1;
    } else if (c->to_end && c->place->rotated) {
        *next = c->len;
    }
    if (line.len > 0 && line.text[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Looks for the registers that go with the first.  False: they may still come. */
static bool look_ahead(const struct chunk *c, size_t at, const struct esxi_crash_line *first,
                       uint64_t registers[CRASH_REGISTERS], unsigned *found)
{
    size_t start = at;
    int lines = 0;

    *found = 1u;
    registers[0] = first->value;
    for (; lines < AHEAD_LINES && at - start < AHEAD_BYTES && *found != (1u << CRASH_REGISTERS) - 1; lines++) {
        struct esxi_crash_line other;
        const char *why;
        size_t next;
        struct esxi_line line = line_at(c, at, &next);

        if (next == 0) /* a piece of a line: of the file's last one, or of one that is cut by the chunk */
            return c->to_end ? c->still : c->len - start >= AHEAD_BYTES;
        at = next;
        if (esxi_crash_line(line, &other, &why) != ESXI_TAKEN || strcmp(other.thread, first->thread) != 0)
            continue;
        if (other.reg == 0)
            break; /* another crash begins */
        registers[other.reg] = other.value;
        *found |= 1u << other.reg;
    }
    return true;
}

static bool take_crash_line(struct chunk *c, size_t at, size_t next, struct esxi_line line)
{
    uint64_t registers[CRASH_REGISTERS] = { 0 };
    struct esxi_crash_line first;
    unsigned found;
    const char *why = "";
    enum esxi_taken taken = esxi_crash_line(line, &first, &why);

    if (taken == ESXI_UNREADABLE)
        on_bad(c, at, why);
    if (taken != ESXI_TAKEN || first.reg != 0)
        return true; /* the other registers were taken with their first */
    if (!look_ahead(c, next, &first, registers, &found))
        return false;
    esxi_put_crash(&c->s->vm, registers, found, first.time_ns, c->step->now_ns, c->step->batch);
    if (first.time_ns > c->step->last_event_ns)
        c->step->last_event_ns = first.time_ns;
    return true;
}

/* False: the line is to be looked at again when there is more. */
static bool take_line(struct chunk *c, size_t at, size_t next, struct esxi_line line)
{
    const struct observation *before = c->step->batch->last;
    const char *why = "";
    enum esxi_taken taken;

    if (line.len > ESXI_LINE_MAX)
        line.len = ESXI_LINE_MAX;
    if (c->s->log == ESXI_VMWARE)
        return take_crash_line(c, at, next, line);
    taken = esxi_take_line(c->s->log, line, c->step->now_ns, c->step->batch, &why);
    if (taken == ESXI_UNREADABLE)
        on_bad(c, at, why);
    if (c->step->batch->last != before && c->step->batch->last->time_ns > c->step->last_event_ns)
        c->step->last_event_ns = c->step->batch->last->time_ns;
    c->step->skipped += taken == ESXI_NOT_OURS;
    return true;
}

/* How many bytes of the chunk are done with. */
static size_t take_lines(struct chunk *c, int max_observations)
{
    size_t at = 0, next;

    while (at < c->len && c->step->batch->count < max_observations && !c->step->batch->failed) {
        struct esxi_line line = line_at(c, at, &next);

        if (next == 0 && at == 0 && c->len >= ESXI_CHUNK) { /* longer than any line: its beginning counts */
            (void)take_line(c, at, c->len, line);
            return c->len;
        }
        if (next == 0 || !take_line(c, at, next, line))
            break;
        at = next;
    }
    if (c->bad > 0)
        source_gap(&c->s->source, c->step, "record-unreadable", c->bad_from, c->bad_to, c->bad, c->bad_why);
    return at;
}

/* ---- a step --------------------------------------------------------------------------- */

static int read_into(struct esxi_source *s, struct esxi_place *p, uint64_t offset, size_t max, struct buf *out,
                     struct err *e)
{
    size_t got = 0;
    char *room;
    int rc;

    buf_clear(out);
    room = buf_room(out, max);
    if (room == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for %s", s->path);
    rc = s->files->ops->read_at(p->file, offset, room, max, &got, e);
    if (rc == 0)
        buf_used(out, got);
    return rc;
}

/* The head is read once for a file, and again while it is still short. */
static int know_vm(struct esxi_source *s, struct esxi_place *p, struct err *e)
{
    uint64_t head = p->info.size < ESXI_HEAD_MAX ? p->info.size : ESXI_HEAD_MAX;
    int rc;

    if (s->log != ESXI_VMWARE ||
        (s->vm.vm_id[0] != '\0' && s->vm_head == head && memcmp(s->vm_file, p->info.id, sizeof s->vm_file) == 0))
        return 0;
    rc = read_into(s, p, 0, ESXI_HEAD_MAX, &s->head, e);
    if (rc != 0)
        return rc;
    esxi_vm_of(s->head.data, s->head.len, s->host_id, s->folder, &s->vm);
    memcpy(s->vm_file, p->info.id, sizeof s->vm_file);
    s->vm_head = head;
    return 0;
}

static int write_mark(struct esxi_source *s, struct source_step *step, struct esxi_place *p, uint64_t offset,
                      bool at_end, struct err *e)
{
    struct esxi_tail tail = { s->files, s->path };
    struct esxi_mark m;
    int rc = at_end && p->rotated ? esxi_tail_next(&tail, p, &m, e) : esxi_tail_mark(&tail, p, offset, &m, e);

    if (rc == 0)
        esxi_mark_write(&m, &step->new_mark);
    return rc;
}

static int take_chunk(struct esxi_source *s, struct source_step *step, struct esxi_place *p, struct err *e)
{
    struct chunk c = { .s = s, .step = step, .place = p };
    int max = step->max_events > 0 ? step->max_events : 1;
    size_t used;
    bool at_end;
    int rc = know_vm(s, p, e);

    if (rc == 0)
        rc = read_into(s, p, p->offset, ESXI_CHUNK, &s->chunk, e);
    if (rc != 0)
        return rc;
    c.text = s->chunk.data;
    c.len = s->chunk.len;
    c.to_end = c.len < ESXI_CHUNK;
    c.still = p->rotated || step->now_ns - p->info.mtime_ns > settle_ns;
    used = take_lines(&c, max);
    at_end = c.to_end && used == c.len;
    rc = write_mark(s, step, p, p->offset + used, at_end, e);
    step->report.more = (at_end && p->rotated) || (used > 0 && !at_end && (!c.to_end || step->batch->count >= max));
    step->report.lag_records = step->report.more ? -1 : 0;
    return rc;
}

static bool nothing_new(const struct esxi_source *s, const struct source_step *step)
{
    struct file_info info;

    return s->settled.len > 0 && strcmp(buf_text(&s->settled), step->mark) == 0 &&
           s->files->ops->stat(s->files, s->path, &info, NULL) == 0 && info.size == s->seen.size &&
           info.mtime_ns == s->seen.mtime_ns && info.id[0] == s->seen.id[0] && info.id[1] == s->seen.id[1];
}

static int say_absent(struct esxi_source *s, struct source_step *step, const struct err *why, struct err *e)
{
    if (why->code != ERR_NOT_FOUND && why->code != ERR_PERMISSION)
        return err_set(e, why->code, "%s: %s", s->path, why->text);
    step->report.state = why->code == ERR_NOT_FOUND ? STREAM_ABSENT : STREAM_NO_PERMISSION;
    snprintf(step->report.remedy, sizeof step->report.remedy, "%s: %.150s",
             why->code == ERR_NOT_FOUND ? "There is no such log yet" : "Let the agent's account read the log",
             why->text);
    return 0;
}

static int take_step(struct source *source, struct source_step *step, struct err *e)
{
    struct esxi_source *s = (struct esxi_source *)source;
    struct esxi_tail tail = { s->files, s->path };
    struct esxi_place place;
    struct esxi_mark mark;
    struct err why = { ERR_OK, "" };
    int rc;

    buf_str(&step->new_mark, step->mark);
    if (!esxi_mark_parse(step->mark, &mark))
        return err_set(e, ERR_INVALID, "%s: '%.80s' is no mark of an ESXi log", s->path, step->mark);
    if (nothing_new(s, step)) {
        step->report.lag_records = 0;
        step->settled = true;
        return 0;
    }
    if (esxi_tail_open(&tail, &mark, &place, &why) != 0)
        return say_absent(s, step, &why, e);
    if (place.lost) {
        char from[PLACE_MAX];

        snprintf(from, sizeof from, "byte %" PRIu64, mark.offset);
        source_gap(&s->source, step, "file-replaced", from, "", 0, "the log is another one; it is read from its start");
    }
    buf_clear(&step->new_mark);
    rc = take_chunk(s, step, &place, e);
    s->files->ops->close(place.file);
    buf_clear(&s->settled);
    if (rc == 0 && !step->report.more && !place.rotated &&
        (s->log != ESXI_VMWARE || step->now_ns - place.info.mtime_ns > settle_ns)) {
        s->seen = place.info;
        buf_str(&s->settled, buf_text(&step->new_mark));
    }
    return rc;
}

/* ---- the source --------------------------------------------------------------------------- */

static void close_source(struct source *source)
{
    struct esxi_source *s = (struct esxi_source *)source;

    buf_free(&s->chunk);
    buf_free(&s->head);
    buf_free(&s->settled);
    free(s->path);
    free(s->folder);
    free(s->host_id);
    free(s);
}

static const struct source_ops esxi_ops = { .step = take_step, .close = close_source };

int esxi_log_source_new(const char *name, const struct esxi_log_options *options, struct source **out, struct err *e)
{
    struct esxi_source *s = calloc(1, sizeof *s);

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory for source %s", name);
    s->source.ops = &esxi_ops;
    s->source.interval_ns = default_interval_ns;
    s->files = options->files;
    s->log = options->log;
    s->path = strdup(options->path);
    s->folder = strdup(options->folder);
    s->host_id = strdup(options->host_id);
    buf_init(&s->chunk, ESXI_CHUNK);
    buf_init(&s->head, ESXI_HEAD_MAX);
    buf_init(&s->settled, SOURCE_MARK_MAX);
    if (s->path == NULL || s->folder == NULL || s->host_id == NULL) {
        close_source(&s->source);
        return err_set(e, ERR_MEMORY, "out of memory for source %s", name);
    }
    if (!text_copy(s->source.name, sizeof s->source.name, name)) {
        close_source(&s->source);
        return err_set(e, ERR_TOO_BIG, "a source's name may have %d bytes: %s", SOURCE_NAME_MAX - 1, name);
    }
    s->source.watch_path = s->path;
    *out = &s->source;
    return 0;
}
