/* See kvp.h.
 *
 * A round is one poll told to its end; it may take several steps.  The polled
 * VMs and the ones told earlier are merged by id, and the walk over them tells
 * what is new or has changed, and what is gone.  The mark says how far the walk has
 * come and what was told of whom; the stream's own mark moves on only at the
 * end of a round, so a round that was broken off by a restart is polled again
 * and goes on behind the last VM told.
 *
 * The poll itself is kept between the steps of a round.  It is used only when
 * the mark that comes in is the one that went out: after a commit that failed
 * an older one comes in, and everything is read again from it.
 */
#include "collectors/kvp.h"

#include "base/text.h"
#include "collectors/kvp_poll.h"
#include "collectors/kvp_report.h"
#include "collectors/kvp_state.h"
#include "collectors/mark_bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Left free in a batch's arena for the next VM: its items, their keys, the list. */
enum { TELL_RESERVE = 3 * KVP_VM_BYTES_MAX };

struct kvp_source {
    struct source base;
    struct wmi_stream *stream;
    struct resource facts;
    const struct files *files;
    int64_t refresh_ns;

    struct kvp_state state; /* what `mark` says */
    struct buf mark;        /* the mark that went out last */
    bool mark_valid;

    bool in_round;
    struct kvp_poll poll;
    struct wmi_poll answer;
    struct buf stream_mark; /* the stream's, after this round */
    size_t next;            /* in state.known: where the walk goes on */
};

/* ---- polling ------------------------------------------------------------ */

static void take_instances(void *arg, const char *class_name, const char *xml, size_t len, const char *place)
{
    struct kvp_source *s = arg;

    kvp_poll_take(&s->poll, class_name, xml, len, place);
}

static void take_gap(void *arg, const char *reason, const char *detail)
{
    struct kvp_source *s = arg;

    kvp_poll_problem(&s->poll, reason, "%s", detail);
}

/* Merges the polled VMs into what is known; both are sorted by id. */
static int merge(struct kvp_source *s, struct err *e)
{
    struct kvp_state *st = &s->state;
    size_t total = st->count + s->poll.count, k = 0, v = 0, n = 0;
    struct kvp_known *merged = malloc((total + 1) * sizeof *merged);

    if (merged == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    while (k < st->count || v < s->poll.count) {
        struct kvp_known polled = { .vm = (int64_t)v };
        int order = -1;

        if (v < s->poll.count) {
            kvp_id_from_text(s->poll.vms[v].id, polled.id);
            order = k < st->count ? memcmp(st->known[k].id, polled.id, KVP_ID_BYTES) : 1;
        }
        merged[n] = order <= 0 ? st->known[k++] : polled;
        merged[n++].vm = order >= 0 ? (int64_t)v++ : -1;
    }
    assert(n <= total);
    free(st->known);
    st->known = merged;
    st->count = n;
    st->cap = total + 1;
    return 0;
}

/* With a digest alone: if it is that of this poll, all of it has been told;
 * else nothing is known and the round starts over. */
static void settle_digest(struct kvp_source *s)
{
    struct kvp_state *st = &s->state;

    for (size_t i = 0; i < st->count; i++) {
        st->known[i].hash = s->poll.vms[st->known[i].vm].hash;
        st->known[i].told = true;
    }
    if (st->at[0] != '\0' || kvp_state_digest(st) != st->digest) {
        st->at[0] = '\0';
        for (size_t i = 0; i < st->count; i++)
            st->known[i].told = false;
    }
    st->digest_only = false;
}

/* The first entry behind state.at. */
static size_t walk_start(const struct kvp_state *st)
{
    unsigned char at[KVP_ID_BYTES];
    size_t i = 0;

    if (st->at[0] == '\0')
        return 0;
    kvp_id_from_text(st->at, at);
    while (i < st->count && memcmp(st->known[i].id, at, KVP_ID_BYTES) <= 0)
        i++;
    return i;
}

static int begin_round(struct kvp_source *s, int64_t now_ns, struct err *e)
{
    struct kvp_state *st = &s->state;
    int rc;

    kvp_poll_finish(&s->poll);
    rc = merge(s, e);
    if (rc != 0)
        return rc;
    if (st->digest_only)
        settle_digest(s);
    if (st->at[0] == '\0') {
        int64_t since = now_ns - st->full_ns;

        st->all = st->full_ns == 0 || since < 0 || since >= s->refresh_ns;
        if (st->all)
            st->full_ns = now_ns > 0 ? now_ns : 1;
    }
    s->next = walk_start(st);
    s->in_round = true;
    return 0;
}

/* ---- telling ------------------------------------------------------------ */

static bool has_room(const struct source_step *step)
{
    const struct obs_batch *b = step->batch;

    return b->count == 0 || (b->count < step->max_events && b->arena.used < step->max_bytes &&
                             b->arena.max - b->arena.used > TELL_RESERVE);
}

static uint64_t problems_hash(const struct kvp_poll *p)
{
    uint64_t h = MARK_HASH_START;

    for (int i = 0; i < p->problem_count; i++)
        h = mark_hash(h, p->problems[i].text, strlen(p->problems[i].text));
    return p->problem_count > 0 ? h : 0;
}

/* A problem that stays is told once, not at every poll. */
static void tell_problems(struct kvp_source *s, struct source_step *step, struct kvp_times t)
{
    uint64_t h = problems_hash(&s->poll);

    if (h == s->state.problems || (!s->in_round && h == 0))
        return;
    for (int i = 0; i < s->poll.problem_count; i++)
        kvp_report_problem(step->batch, s->base.name, &s->poll.problems[i], t);
    s->state.problems = h;
}

static bool is_complete(const struct kvp_source *s)
{
    return s->answer.complete && !s->poll.broken;
}

static void tell_one(struct kvp_source *s, struct kvp_known *k, struct source_step *step, struct kvp_times t)
{
    if (k->vm >= 0) {
        const struct kvp_vm *vm = &s->poll.vms[k->vm];

        if (!s->state.all && k->told && k->hash == vm->hash)
            return;
        kvp_report_guest(step->batch, vm, t);
        k->hash = vm->hash;
        k->told = true;
    } else if (k->told && is_complete(s)) {
        char id[GUID_TEXT_MAX];

        kvp_id_to_text(k->id, id);
        kvp_report_removed(step->batch, id, t);
        k->told = false;
    }
}

/* True when the walk has come to its end. */
static bool walk(struct kvp_source *s, struct source_step *step, struct kvp_times t)
{
    struct kvp_state *st = &s->state;

    for (; s->next < st->count && has_room(step); s->next++)
        tell_one(s, &st->known[s->next], step, t);
    if (s->next == st->count)
        return true;
    if (s->next > 0)
        kvp_id_to_text(st->known[s->next - 1].id, st->at);
    return false;
}

static void end_round(struct kvp_source *s, struct source_step *step, struct kvp_times t)
{
    struct kvp_state *st = &s->state;
    size_t kept = 0;

    if (is_complete(s))
        kvp_report_host(step->batch, &s->facts, s->poll.count, t);
    for (size_t i = 0; i < st->count; i++) {
        if (st->known[i].told)
            st->known[kept++] = st->known[i];
    }
    st->count = kept;
    st->at[0] = '\0';
    st->all = false;
    s->in_round = false;
    step->skipped = s->poll.alien;
}

/* ---- the step ----------------------------------------------------------- */

static int resume(struct kvp_source *s, const char *mark, struct err *e)
{
    if (s->mark_valid && strcmp(buf_text(&s->mark), mark) == 0)
        return 0;
    s->in_round = false;
    s->mark_valid = false;
    return kvp_state_read(&s->state, mark, e);
}

static int poll_stream(struct kvp_source *s, struct source_step *step, struct err *e)
{
    struct wmi_sink sink = { .instances = take_instances, .gap = take_gap, .arg = s };
    int rc;

    kvp_poll_reset(&s->poll);
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
    return begin_round(s, step->now_ns, e);
}

static int write_mark(struct kvp_source *s, struct source_step *step, struct err *e)
{
    int rc = kvp_state_write(&s->state, &s->mark, e);

    if (rc != 0)
        return rc;
    buf_clear(&step->new_mark);
    buf_add(&step->new_mark, s->mark.data, s->mark.len);
    s->mark_valid = true;
    return buf_error(&step->new_mark) == ERR_OK ? 0 : err_set(e, buf_error(&step->new_mark), "no room for the mark");
}

static int tell(struct kvp_source *s, struct source_step *step, struct err *e)
{
    struct kvp_times t = { .now_ns = step->now_ns };
    bool done = !s->in_round;

    t.poll_ns = s->answer.time_ns != 0 ? s->answer.time_ns : step->now_ns;
    tell_problems(s, step, t);
    if (s->in_round) {
        step->last_event_ns = t.poll_ns;
        done = walk(s, step, t);
        if (done)
            end_round(s, step, t);
    }
    if (done)
        buf_swap(&s->state.stream, &s->stream_mark); /* not a copy, which could fail and leave no mark at all */
    step->report = s->answer.report;
    step->report.more |= !done;
    step->settled = done && s->answer.report.lag_records == 0;
    return write_mark(s, step, e);
}

static int kvp_step(struct source *base, struct source_step *step, struct err *e)
{
    struct kvp_source *s = (struct kvp_source *)base;
    int rc = kvp_privacy_ready(&s->poll.privacy, s->files, e);

    if (rc == 0)
        rc = resume(s, step->mark, e);
    if (rc == 0 && !s->in_round)
        rc = poll_stream(s, step, e);
    if (rc == 0)
        rc = tell(s, step, e);
    if (rc != 0 || step->batch->failed) {
        s->mark_valid = false;
        s->in_round = false;
    }
    return rc;
}

static void kvp_close(struct source *base)
{
    struct kvp_source *s = (struct kvp_source *)base;

    s->stream->ops->close(s->stream);
    kvp_state_free(&s->state);
    kvp_poll_free(&s->poll);
    buf_free(&s->mark);
    buf_free(&s->stream_mark);
    free(s);
}

int kvp_source_new(const struct kvp_options *o, struct source **out, struct err *e)
{
    static const struct source_ops ops = { .step = kvp_step, .close = kvp_close };
    struct kvp_source *s = calloc(1, sizeof *s);
    int rc;

    if (s == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    s->base = (struct source){ .ops = &ops, .interval_ns = o->interval_ns };
    s->stream = o->stream;
    s->facts = *o->facts;
    s->files = o->files;
    s->refresh_ns = o->refresh_ns;
    kvp_state_init(&s->state);
    buf_init(&s->mark, SOURCE_MARK_MAX);
    buf_init(&s->stream_mark, KVP_STREAM_MARK_MAX);
    rc = kvp_poll_init(&s->poll, o->privacy, e);
    if (rc == 0 && !text_copy(s->base.name, sizeof s->base.name, o->name))
        rc = err_set(e, ERR_TOO_BIG, "the source name %.64s... is too long", o->name);
    if (rc != 0) {
        kvp_poll_free(&s->poll);
        free(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}
