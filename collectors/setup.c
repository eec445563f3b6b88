/* See setup.h.
 *
 * A round is one poll told to its end, in as many steps as it takes:
 *
 *   poll     all classes at one time; when one of them did not answer nothing is told
 *            and the next try comes soon, so that a class which failed once does not look
 *            like settings that have changed
 *   disks    the heads of the disks whose kind is not known, one after another, until
 *            the step's deadline; the next step goes on
 *   tell     the VMs that are new or have changed, until the batch is full
 *
 * What was told is in the mark (kvp_state.h, shared with the KVP source).  The poll is
 * kept between the steps of a round and used only when the mark that comes in is the one
 * that went out; else the round begins anew, and what was told is not told again.
 *
 * A disk's kind stays known while the agent runs: one that cannot be read now, because a
 * guest that has been started since holds it, is what it was.
 */
#include "collectors/setup.h"

#include "base/text.h"
#include "base/times.h"
#include "collectors/disk_head.h"
#include "collectors/kvp_state.h"
#include "collectors/mark_bytes.h"
#include "collectors/setup_poll.h"
#include "collectors/setup_report.h"
#include "plat/live.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* After a poll that was not answered, or not by all classes; twice as long after each further one. */
#define RETRY_NS (10 * 60 * NS_PER_S)

enum {
    TELL_RESERVE = 128 * 1024, /* left free in a batch's arena for the next VM */
    HEADS_MAX = 8192,          /* disks whose kind is remembered; a power of two */
    HEADS_TRIES = 16,
    MISSED_MAX = 16, /* times that the wait doubles at most */
};

/* A disk that was read once. */
struct head {
    uint64_t path; /* hash; 0 free */
    struct disk_head head;
};

struct setup_source {
    struct source base;
    struct wmi_stream *stream;
    const struct clock *clock;
    const struct files *disks;
    int64_t interval_ns, refresh_ns;
    int missed; /* polls in a row that were not whole */

    struct kvp_state state; /* what `mark` says */
    struct buf mark;        /* the mark that went out last */
    bool mark_valid;

    bool in_round;
    struct setup_poll poll;
    struct wmi_poll answer;
    struct buf stream_mark;
    size_t next_vm; /* whose disks are looked at next */
    int next_disk;
    struct head *heads;
};

/* ---- polling ------------------------------------------------------------ */

static void take_instances(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct setup_source *s = arg;

    setup_poll_take(&s->poll, class_name, xml, len, place);
}

static void take_gap(void *arg, const char *reason, const char *detail)
{
    struct setup_source *s = arg;

    (void)reason;
    setup_poll_problem(&s->poll, "%.240s", detail);
}

static bool is_whole(const struct setup_source *s)
{
    return s->answer.complete;
}

/* The polled VMs with what was told of them; both are sorted by id.  Those that
 * are no longer there are forgotten: that they went is the KVP source's news. */
static int merge(struct setup_source *s, struct err *e)
{
    struct kvp_state *st = &s->state;
    struct kvp_known *merged = malloc((s->poll.count + 1) * sizeof *merged);
    size_t k = 0;

    if (merged == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < s->poll.count; i++) {
        struct kvp_known now = { .vm = (int64_t)i };

        kvp_id_from_text(s->poll.vms[i].id, now.id);
        while (k < st->count && memcmp(st->known[k].id, now.id, KVP_ID_BYTES) < 0)
            k++;
        if (k < st->count && memcmp(st->known[k].id, now.id, KVP_ID_BYTES) == 0) {
            now.told = st->known[k].told;
            now.hash = st->known[k].hash;
        }
        merged[i] = now;
    }
    free(st->known);
    st->known = merged;
    st->count = s->poll.count;
    st->cap = s->poll.count + 1;
    return 0;
}

/* Once in refresh_ns everything counts as not told. */
static void begin_refresh(struct setup_source *s, int64_t now_ns)
{
    struct kvp_state *st = &s->state;
    int64_t since = now_ns - st->full_ns;

    if (st->full_ns != 0 && since >= 0 && since < s->refresh_ns)
        return;
    st->full_ns = now_ns > 0 ? now_ns : 1;
    st->digest_only = false;
    for (size_t i = 0; i < st->count; i++)
        st->known[i].told = false;
}

static int poll_stream(struct setup_source *s, struct source_step *step, struct err *e)
{
    struct wmi_sink sink = { .instances = take_instances, .gap = take_gap, .arg = s };
    int rc;

    setup_poll_reset(&s->poll);
    buf_clear(&s->stream_mark);
    s->answer = (struct wmi_poll){ .report = { .state = STREAM_ATTACHED, .lag_records = -1 } };
    rc = s->stream->ops->poll(s->stream, buf_text(&s->state.stream), step->deadline_ns, &sink, &s->stream_mark,
                              &s->answer, e);
    if (rc != 0)
        return rc;
    if (buf_error(&s->stream_mark) != ERR_OK)
        return err_set(e, buf_error(&s->stream_mark), "the stream's mark is larger than %d bytes", KVP_STREAM_MARK_MAX);
    if (!s->answer.answered)
        return 0;
    setup_poll_finish(&s->poll);
    s->in_round = true;
    s->next_vm = 0;
    s->next_disk = 0;
    return is_whole(s) ? merge(s, e) : 0;
}

/* ---- disks -------------------------------------------------------------- */

static uint64_t path_hash(const char *path)
{
    uint64_t h = MARK_HASH_START;

    for (; *path != '\0'; path++) {
        char c = *path >= 'A' && *path <= 'Z' ? (char)(*path - 'A' + 'a') : *path;

        h = mark_hash(h, &c, 1);
    }
    return h != 0 ? h : 1;
}

/* The place of a path: its own, a free one, or, when all are taken, one that gives way. */
static struct head *head_place(struct setup_source *s, uint64_t path)
{
    for (int i = 0; i < HEADS_TRIES; i++) {
        struct head *h = &s->heads[(path + (uint64_t)i) & (HEADS_MAX - 1)];

        if (h->path == path || h->path == 0)
            return h;
    }
    return &s->heads[path & (HEADS_MAX - 1)];
}

/* The file itself; else, where a running guest holds it, what the system says. */
static bool read_head(struct setup_source *s, const char *path, struct disk_head *out)
{
    struct live_disk told;
    int rc = disk_head_read(s->disks, path, out, NULL);

    if (rc == 0 || rc == ERR_NOT_FOUND || plat_live_disk(path, &told, NULL) != 0)
        return rc == 0;
    *out = (struct disk_head){ .kind = told.kind, .format = told.format, .size = told.size };
    return true;
}

static void look_at_disk(struct setup_source *s, struct setup_disk *d)
{
    uint64_t path = path_hash(d->path);
    struct head *h = head_place(s, path);
    struct disk_head now;

    if (d->kind != DISK_UNKNOWN || !disk_head_is_name(d->path))
        return;
    if (read_head(s, d->path, &now))
        *h = (struct head){ .path = path, .head = now };
    if (h->path != path)
        return;
    d->kind = h->head.kind;
    d->format = h->head.format;
    d->size = h->head.size;
}

/* True when all have been looked at. */
static bool look_at_disks(struct setup_source *s, const struct source_step *step)
{
    for (; s->next_vm < s->poll.count; s->next_vm++, s->next_disk = 0) {
        struct setup_vm *vm = &s->poll.vms[s->next_vm];

        for (; s->next_disk < vm->disk_count; s->next_disk++) {
            if (step->deadline_ns > 0 && s->clock->monotonic_ns(s->clock) >= step->deadline_ns)
                return false;
            look_at_disk(s, &vm->disks[s->next_disk]);
        }
    }
    return true;
}

/* ---- telling ------------------------------------------------------------ */

static bool has_room(const struct source_step *step)
{
    const struct obs_batch *b = step->batch;

    return b->count == 0 || (b->count < step->max_events && b->arena.used < step->max_bytes &&
                             b->arena.max - b->arena.used > TELL_RESERVE);
}

/* With a digest alone: if it is that of this poll, all of it has been told. */
static void settle_digest(struct setup_source *s)
{
    struct kvp_state *st = &s->state;

    for (size_t i = 0; i < st->count; i++) {
        st->known[i].hash = setup_vm_hash(&s->poll.vms[st->known[i].vm]);
        st->known[i].told = true;
    }
    if (kvp_state_digest(st) != st->digest) {
        for (size_t i = 0; i < st->count; i++)
            st->known[i].told = false;
    }
    st->digest_only = false;
}

/* True when everything that is worth it has been told. */
static bool tell(struct setup_source *s, struct source_step *step, int64_t poll_ns)
{
    struct kvp_state *st = &s->state;

    for (size_t i = 0; i < st->count; i++) {
        struct kvp_known *k = &st->known[i];
        const struct setup_vm *vm = &s->poll.vms[k->vm];
        uint64_t hash = setup_vm_hash(vm);

        if (k->told && k->hash == hash)
            continue;
        if (!has_room(step))
            return false;
        setup_report(step->batch, vm, poll_ns, step->now_ns);
        k->hash = hash;
        k->told = true;
    }
    return true;
}

static uint64_t problems_hash(const struct setup_poll *p)
{
    uint64_t h = 0;

    for (int i = 0; i < p->problem_count; i++)
        h = mark_hash(h, p->problems[i], strlen(p->problems[i]));
    return h;
}

/* New problems, once. */
static void tell_problems(struct setup_source *s, struct source_step *step, int64_t poll_ns)
{
    uint64_t h = problems_hash(&s->poll);

    if (h == s->state.problems)
        return;
    for (int i = 0; i < s->poll.problem_count; i++) {
        struct observation *o = obs_new(step->batch, OBS_GAP, poll_ns, step->now_ns);

        o->severity = SEVERITY_WARN;
        obs_str(o, ATTR_SOURCE, s->base.name);
        obs_str(o, ATTR_GAP_REASON, "record-unreadable");
        obs_body(o, "How guests are set up could not be read: %s", s->poll.problems[i]);
    }
    s->state.problems = h;
}

/* ---- the step ----------------------------------------------------------- */

static int resume(struct setup_source *s, const char *mark, struct err *e)
{
    if (s->mark_valid && strcmp(buf_text(&s->mark), mark) == 0)
        return 0;
    s->in_round = false;
    s->mark_valid = false;
    return kvp_state_read(&s->state, mark, e);
}

/* One step of the round at hand; true when it has come to its end. */
static bool go_on(struct setup_source *s, struct source_step *step)
{
    int64_t poll_ns = s->answer.time_ns != 0 ? s->answer.time_ns : step->now_ns;

    tell_problems(s, step, poll_ns);
    if (!is_whole(s))
        return true;
    step->last_event_ns = poll_ns;
    if (s->disks != NULL && !look_at_disks(s, step))
        return false;
    if (s->state.digest_only)
        settle_digest(s);
    begin_refresh(s, step->now_ns);
    return tell(s, step, poll_ns);
}

static int write_mark(struct setup_source *s, struct source_step *step, struct err *e)
{
    int rc = kvp_state_write(&s->state, &s->mark, e);

    if (rc != 0)
        return rc;
    buf_clear(&step->new_mark);
    buf_add(&step->new_mark, s->mark.data, s->mark.len);
    s->mark_valid = true;
    return buf_error(&step->new_mark) == ERR_OK ? 0 : err_set(e, buf_error(&step->new_mark), "no room for the mark");
}

/* The source's own beat, or a shorter one while it has nothing to go by. */
static int64_t next_interval(struct setup_source *s)
{
    int64_t wait;

    s->missed = is_whole(s) ? 0 : s->missed < MISSED_MAX ? s->missed + 1 : MISSED_MAX;
    if (s->missed == 0)
        return s->interval_ns;
    wait = RETRY_NS << (s->missed - 1);
    return wait < s->interval_ns ? wait : s->interval_ns;
}

static int take_step(struct setup_source *s, struct source_step *step, struct err *e)
{
    bool done = true;

    if (s->in_round)
        done = go_on(s, step);
    step->report = s->answer.report;
    step->report.more |= !done;
    step->settled = done && s->answer.report.lag_records == 0;
    s->base.interval_ns = next_interval(s);
    if (done) {
        s->in_round = false;
        buf_swap(&s->state.stream, &s->stream_mark); /* not a copy, which could fail and leave no mark at all */
    }
    return write_mark(s, step, e);
}

static int setup_step(struct source *base, struct source_step *step, struct err *e)
{
    struct setup_source *s = (struct setup_source *)base;
    int rc = resume(s, step->mark, e);

    if (rc == 0 && !s->in_round)
        rc = poll_stream(s, step, e);
    if (rc == 0)
        rc = take_step(s, step, e);
    if (rc != 0 || step->batch->failed) {
        s->mark_valid = false;
        s->in_round = false;
    }
    return rc;
}

static void free_source(struct setup_source *s)
{
    kvp_state_free(&s->state);
    setup_poll_free(&s->poll);
    buf_free(&s->mark);
    buf_free(&s->stream_mark);
    free(s->heads);
    free(s);
}

static void setup_close(struct source *base)
{
    struct setup_source *s = (struct setup_source *)base;

    s->stream->ops->close(s->stream);
    free_source(s);
}

int setup_source_new(const struct setup_options *options, struct source **out, struct err *e)
{
    static const struct source_ops ops = { .step = setup_step, .close = setup_close };
    struct setup_source *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base = (struct source){ .ops = &ops, .interval_ns = options->interval_ns };
    s->stream = options->stream;
    s->clock = options->clock;
    s->disks = options->disks;
    s->interval_ns = options->interval_ns;
    s->refresh_ns = options->refresh_ns;
    kvp_state_init(&s->state);
    buf_init(&s->mark, SOURCE_MARK_MAX);
    buf_init(&s->stream_mark, KVP_STREAM_MARK_MAX);
    rc = setup_poll_init(&s->poll, e);
    if (rc == 0 && options->disks != NULL) {
        s->heads = calloc(HEADS_MAX, sizeof *s->heads);
        if (s->heads == NULL)
            rc = err_set(e, ERR_MEMORY, "out of memory");
    }
    if (rc == 0 && !text_copy(s->base.name, sizeof s->base.name, options->name))
        rc = err_set(e, ERR_TOO_BIG, "the source name %.64s... is too long", options->name);
    if (rc != 0) {
        free_source(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}
