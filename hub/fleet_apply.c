/* Applying decoded requests: which records are new, what the numbers say, and
 * the marks.  What the records mean is fleet_reduce.c's part.
 *
 * For every request: records that are not ours go to the foreign table; the
 * others are put in order of stream and number and taken one by one by the
 * rules at the top of fleet_store.h.  Marks, holes, findings, hosts, guests and
 * records are committed together; a failure anywhere rolls all of it back.
 */
#include "base/log.h"
#include "base/text.h"
#include "base/times.h"
#include "hub/fleet_identity_body.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = 8 * 1024 * 1024 };

#define CLOCK_OFF_NS    (FLEET_CLOCK_OFF_S * NS_PER_S)
#define CLOCK_WINDOW_NS (INT64_C(3600) * NS_PER_S)

/* A stream as this transaction sees it. */
struct active {
    struct fleet_stream st;
    uint64_t inherited; /* for a new stream of a known agent id: the other stream's mark */
    bool shared;        /* another host uses the agent id */
    bool changed, holes_changed;
    size_t ordinal; /* in order of first appearance */
    struct active *next;
};

struct numbered {
    struct active *stream;
    const struct resource *who;
    struct observation *o;
    size_t order; /* as it came */
};

struct apply {
    struct fleet_store *s;
    struct fleet_body *b;
    struct fleet_reduction *reduction;
    void *tree;             /* struct active by agent id and host id (tsearch) */
    struct active *actives; /* the same, newest first; owned */
    size_t active_count;
    struct buf payload;
    struct fleet_todos *todos; /* whose incidents are to be computed anew */
    int64_t now;
};

/* ---- streams ----------------------------------------------------------------------- */

static int compare_active(const void *pa, const void *pb)
{
    const struct fleet_agent *a = &((const struct active *)pa)->st.agent;
    const struct fleet_agent *b = &((const struct active *)pb)->st.agent;
    int c = strcmp(a->agent_id, b->agent_id);

    return c != 0 ? c : strcmp(a->host_id, b->host_id);
}

/* Two hosts that go on speaking under one agent id. */
static int note_shared(struct apply *a, const struct active *x, const struct fleet_stream *other, struct err *e)
{
    struct fleet_finding f = { .kind = FINDING_SHARED_AGENT_ID, .first_time = a->now, .last_time = a->now };

    if (x->st.id == 0 || other->agent.last_seen <= x->st.agent.first_seen)
        return 0;
    text_copy(f.host_id, sizeof f.host_id, x->st.agent.host_id);
    text_copy(f.agent_id, sizeof f.agent_id, x->st.agent.agent_id);
    snprintf(
        f.text, sizeof f.text,
        "agent id %s speaks for host %s too: a cloned host; stop the agent on the clone, remove its store, start it",
        f.agent_id, other->agent.host_id);
    return a->b->ops->finding_put(a->b, &f, e);
}

static int load_stream(struct apply *a, struct active *x, const struct resource *who, struct err *e)
{
    struct fleet_stream other;
    int rc = a->b->ops->stream_get(a->b, who->agent_id, who->host_id, &x->st, e);

    if (rc == ERR_NOT_FOUND) {
        text_copy(x->st.agent.agent_id, sizeof x->st.agent.agent_id, who->agent_id);
        text_copy(x->st.agent.host_id, sizeof x->st.agent.host_id, who->host_id);
        x->st.agent.first_seen = a->now;
        rc = 0;
    }
    if (rc != 0)
        return rc;
    rc = a->b->ops->stream_other(a->b, who->agent_id, who->host_id, &other, e);
    if (rc == ERR_NOT_FOUND)
        return 0;
    if (rc != 0)
        return rc;
    x->shared = true;
    x->inherited = x->st.id == 0 ? other.agent.high_mark : 0;
    return note_shared(a, x, &other, e);
}

static int stream_of(struct apply *a, const struct resource *who, struct active **out, struct err *e)
{
    struct active *x = calloc(1, sizeof *x);
    struct active **found;
    int rc;

    if (x == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    text_copy(x->st.agent.agent_id, sizeof x->st.agent.agent_id, who->agent_id);
    text_copy(x->st.agent.host_id, sizeof x->st.agent.host_id, who->host_id);
    found = (struct active **)tsearch(x, &a->tree, compare_active);
    if (found == NULL) {
        free(x);
        return err_set(e, ERR_MEMORY, "out of memory");
    }
    *out = *found;
    if (*found != x) {
        free(x);
        return 0;
    }
    x->ordinal = a->active_count++;
    x->next = a->actives;
    a->actives = x;
    rc = load_stream(a, x, who, e);
    return rc;
}

/* A new stream is its credential's, which may begin so many. */
static int claim(struct apply *a, const struct active *x, const struct fleet_batch *batch, struct err *e)
{
    int64_t count;
    int rc;

    if (batch->credential == NULL || batch->streams_max == 0)
        return 0;
    rc = a->b->ops->claim_count(a->b, batch->credential, &count, e);
    if (rc == 0 && count >= batch->streams_max) {
        log_event(LOG_WARN, "ingest.too_many_agents", LOG_S("credential", batch->credential),
                  LOG_S("agent_id", x->st.agent.agent_id), LOG_S("host_id", x->st.agent.host_id));
        return err_set(e, ERR_REFUSED,
                       "this token or certificate has brought %lld agents, and may not bring more (ingest.max_agents)",
                       (long long)count);
    }
    return rc != 0 ? rc : a->b->ops->claim_put(a->b, batch->credential, &x->st.agent, e);
}

static int ensure_stored(struct apply *a, struct active *x, const struct fleet_batch *batch, struct err *e)
{
    int rc;

    x->changed = true;
    if (x->st.id != 0)
        return 0;
    rc = claim(a, x, batch, e);
    return rc != 0 ? rc : a->b->ops->stream_put(a->b, &x->st, e);
}

/* ---- holes ---------------------------------------------------------------------------- */

/* Takes first..last out of the stream's holes; *removed is how many numbers were in one. */
static int close_range(struct apply *a, struct active *x, uint64_t first, uint64_t last, uint64_t *removed,
                       struct err *e)
{
    const struct fleet_body_ops *ops = a->b->ops;
    struct fleet_hole h;
    int rc;

    *removed = 0;
    while ((rc = ops->hole_find(a->b, x->st.id, first, last, &h, e)) == 0) {
        uint64_t from = h.first > first ? h.first : first;
        uint64_t to = h.last < last ? h.last : last;

        rc = ops->hole_drop(a->b, x->st.id, h.first, e);
        if (rc == 0 && h.first < from)
            rc = ops->hole_put(a->b, x->st.id, &(struct fleet_hole){ h.first, from - 1 }, e);
        if (rc == 0 && h.last > to)
            rc = ops->hole_put(a->b, x->st.id, &(struct fleet_hole){ to + 1, h.last }, e);
        if (rc != 0)
            return rc;
        *removed += to - from + 1;
    }
    if (rc != ERR_NOT_FOUND)
        return rc;
    assert(*removed <= x->st.agent.missing);
    x->st.agent.missing -= *removed;
    if (*removed > 0)
        x->changed = x->holes_changed = true;
    return 0;
}

/* Holes are bounded: over the bound the oldest is given up. */
static int bound_holes(struct apply *a, struct active *x, struct err *e)
{
    struct fleet_hole oldest;
    uint64_t removed;
    int64_t count;
    int rc = a->b->ops->hole_count(a->b, x->st.id, &count, e);

    if (rc != 0 || count <= FLEET_HOLES_MAX)
        return rc;
    rc = a->b->ops->hole_find(a->b, x->st.id, 0, INT64_MAX, &oldest, e);
    if (rc == 0)
        rc = close_range(a, x, oldest.first, oldest.last, &removed, e);
    if (rc == 0)
        x->st.agent.lost += removed;
    return rc;
}

/* The numbers from the mark to seq were jumped over. */
static int note_jump(struct apply *a, struct active *x, uint64_t seq, struct fleet_batch *batch, struct err *e)
{
    uint64_t mark = x->st.agent.high_mark;
    struct fleet_hole h;
    int rc;

    if (mark == 0 && x->inherited > 0 && seq <= x->inherited + 1)
        return 0;
    if (seq <= mark + 1)
        return 0;
    h = (struct fleet_hole){ mark + 1, seq - 1 };
    rc = a->b->ops->hole_put(a->b, x->st.id, &h, e);
    if (rc != 0)
        return rc;
    x->st.agent.missing += h.last - h.first + 1;
    x->holes_changed = true;
    batch->missing += h.last - h.first + 1;
    log_event(LOG_WARN, "ingest.sequence_hole", LOG_S("agent_id", x->st.agent.agent_id),
              LOG_S("host_id", x->st.agent.host_id), LOG_I("from", (int64_t)h.first), LOG_I("to", (int64_t)h.last));
    return bound_holes(a, x, e);
}

/* The agent's own word on what it had to drop.  Only these reasons count in
 * sequence numbers; the others speak of a source's records. */
static int explain_gap(struct apply *a, struct active *x, const struct observation *o, struct err *e)
{
    static const char *const reasons[] = { "store-full", "refused-by-hub" };
    const char *reason = obs_get_str(o, ATTR_GAP_REASON);
    uint64_t first, last, removed;
    bool counts = false;

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        counts = counts || strcmp(reason, reasons[i]) == 0;
    if (!counts || x->st.agent.missing == 0)
        return 0;
    if (!text_u64(obs_get_str(o, ATTR_GAP_FROM), &first) || !text_u64(obs_get_str(o, ATTR_GAP_TO), &last))
        return 0;
    if (first > last || last > INT64_MAX)
        return 0;
    return close_range(a, x, first, last, &removed, e);
}

/* ---- records ----------------------------------------------------------------------------- */

static int encode(struct apply *a, const struct observation *o, struct fleet_record *out, struct err *e)
{
    int rc;

    buf_clear(&a->payload);
    rc = otlp_encode_record(o, &a->payload, e);
    *out = (struct fleet_record){ .received_ns = a->now, .o = o, .payload = a->payload.data, .len = a->payload.len };
    return rc;
}

static int foreign(struct apply *a, const struct resource *who, const struct observation *o, struct fleet_batch *batch,
                   struct err *e)
{
    struct fleet_record record;
    int rc = encode(a, o, &record, e);

    batch->foreign++;
    if (rc != 0)
        return rc;
    return a->b->ops->foreign_put(a->b, who->service_name, &record, a->s->foreign_max, e);
}

/* At or below the mark, and not in a hole. */
static int seen_before(struct apply *a, struct active *x, uint64_t seq, bool *out, struct err *e)
{
    struct fleet_hole h;
    int rc;

    *out = seq <= x->st.agent.high_mark;
    if (!*out || x->st.agent.missing == 0)
        return 0;
    rc = a->b->ops->hole_find(a->b, x->st.id, seq, seq, &h, e);
    *out = rc != 0;
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* The stream moves on past this number, or a hole is filled by it. */
static int take_number(struct apply *a, struct active *x, uint64_t seq, struct fleet_batch *batch, struct err *e)
{
    uint64_t removed;
    int rc;

    if (seq <= x->st.agent.high_mark)
        return close_range(a, x, seq, seq, &removed, e);
    rc = note_jump(a, x, seq, batch, e);
    x->st.agent.high_mark = seq;
    return rc;
}

/* The agent's own word that something is lost, whatever it was. */
static int note_gap(struct apply *a, const struct active *x, const struct observation *o, struct err *e)
{
    struct fleet_finding f = { .kind = FINDING_GAP, .first_time = a->now, .last_time = a->now };

    text_copy(f.host_id, sizeof f.host_id, x->st.agent.host_id);
    text_copy(f.agent_id, sizeof f.agent_id, x->st.agent.agent_id);
    text_clean(f.text, sizeof f.text, o->body, strlen(o->body), NULL);
    return a->b->ops->finding_put(a->b, &f, e);
}

static void note_delay(struct apply *a, struct active *x, const struct observation *o)
{
    int64_t delay = a->now - o->observed_ns;

    if (o->observed_ns <= 0)
        return;
    if (x->st.delay_since == 0 || delay < x->st.delay_ns)
        x->st.delay_ns = delay;
    if (x->st.delay_since == 0)
        x->st.delay_since = a->now;
}

static int apply_record(struct apply *a, const struct numbered *in, struct fleet_batch *batch, struct err *e)
{
    struct active *x = in->stream;
    struct fleet_record record;
    bool again;
    int rc = seen_before(a, x, in->o->seq, &again, e);

    if (rc == 0 && again)
        batch->duplicates++;
    if (rc != 0 || again)
        return rc;
    rc = ensure_stored(a, x, batch, e);
    if (rc == 0)
        rc = encode(a, in->o, &record, e);
    if (rc != 0)
        return rc;
    record.stream = x->st.id;
    if (x->shared)
        rc = a->b->ops->record_elsewhere(a->b, x->st.agent.agent_id, &record, &again, e);
    if (rc == 0)
        rc = take_number(a, x, in->o->seq, batch, e);
    if (rc == 0 && again)
        batch->duplicates++;
    if (rc != 0 || again)
        return rc;
    record.arrival = ++x->st.agent.records;
    rc = a->b->ops->record_put(a->b, &record, e);
    if (rc == 0)
        rc = fleet_incidents_record(a->s, a->todos, in->who, &record, e);
    batch->stored++;
    note_delay(a, x, in->o);
    if (rc == 0 && in->o->kind == OBS_GAP)
        rc = explain_gap(a, x, in->o, e);
    if (rc == 0 && in->o->kind == OBS_GAP)
        rc = note_gap(a, x, in->o, e);
    return rc != 0 ? rc : fleet_reduction_add(a->reduction, in->who, in->o, e);
}

/* ---- requests ------------------------------------------------------------------------------ */

bool fleet_is_ours(const struct resource *who)
{
    return strcmp(who->service_name, "hvagent") == 0 && who->agent_id[0] != '\0' && who->host_id[0] != '\0';
}

static int compare_entries(const void *pa, const void *pb)
{
    const struct numbered *a = (const struct numbered *)pa, *b = (const struct numbered *)pb;

    if (a->stream->ordinal != b->stream->ordinal)
        return a->stream->ordinal < b->stream->ordinal ? -1 : 1;
    if (a->o->seq != b->o->seq)
        return a->o->seq < b->o->seq ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Sorts out one request: foreign records are stored at once, ours are listed.  *only is the stream when
 * there is exactly one. */
static int collect(struct apply *a, struct fleet_batch *batch, struct numbered *entries, size_t *count,
                   struct active **only, struct err *e)
{
    int rc = 0;

    batch->one_agent = batch->request->groups != NULL;
    for (struct otlp_group *g = batch->request->groups; rc == 0 && g != NULL; g = g->next) {
        struct active *x = NULL;

        if (fleet_is_ours(&g->resource))
            rc = stream_of(a, &g->resource, &x, e);
        if (x == NULL || (*only != NULL && *only != x))
            batch->one_agent = false;
        *only = x;
        for (struct observation *o = g->batch.first; rc == 0 && o != NULL; o = o->next) {
            assert(o->seq <= INT64_MAX); /* otlp_decode: it is an int of the protocol */
            if (x == NULL || o->seq == 0) {
                rc = foreign(a, &g->resource, o, batch, e);
            } else {
                entries[*count] = (struct numbered){ x, &g->resource, o, *count };
                (*count)++;
            }
        }
    }
    return rc;
}

/* Nothing of a request is taken when one of its agents is not the speaker's. */
static int check_speaker(struct apply *a, struct fleet_batch *batch, struct err *e)
{
    int rc = 0;

    for (struct otlp_group *g = batch->request->groups; rc == 0 && !batch->refused && g != NULL; g = g->next) {
        if (fleet_is_ours(&g->resource))
            rc = fleet_identity_check(a->b, a->now, batch->speaker, &g->resource, &batch->refused, batch->refusal,
                                      sizeof batch->refusal, e);
    }
    return rc;
}

static int apply_batch(struct apply *a, struct fleet_batch *batch, struct active **only, struct err *e)
{
    struct numbered *entries = NULL;
    size_t room = 0, count = 0;
    int rc;

    *batch = (struct fleet_batch){
        .request = batch->request,
        .credential = batch->credential,
        .streams_max = batch->streams_max,
        .ahead = batch->ahead,
        .speaker = batch->speaker,
    };
    if (batch->speaker != NULL) {
        rc = check_speaker(a, batch, e);
        if (rc != 0 || batch->refused)
            return rc;
    }
    if (batch->ahead)
        return fleet_ahead_apply(a->b, a->reduction, batch, e);
    for (const struct otlp_group *g = batch->request->groups; g != NULL; g = g->next)
        room += (size_t)g->batch.count;
    entries = (struct numbered *)calloc(room + 1, sizeof *entries);
    if (entries == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    rc = collect(a, batch, entries, &count, only, e);
    assert(count <= room);
    if (rc == 0 && count > 1)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = apply_record(a, &entries[i], batch, e);
    free(entries);
    return rc;
}

static int put_hole_finding(struct apply *a, const struct active *x, struct err *e)
{
    const struct fleet_agent *g = &x->st.agent;
    struct fleet_finding f = { .kind = FINDING_SEQUENCE_HOLE, .first_time = a->now, .last_time = a->now };
    struct fleet_hole h = { 0, 0 };
    int rc;

    if (g->missing == 0 && g->lost == 0)
        return a->b->ops->finding_drop(a->b, FINDING_SEQUENCE_HOLE, g->host_id, g->agent_id, e);
    rc = a->b->ops->hole_find(a->b, x->st.id, 0, INT64_MAX, &h, e);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    text_copy(f.host_id, sizeof f.host_id, g->host_id);
    text_copy(f.agent_id, sizeof f.agent_id, g->agent_id);
    snprintf(f.text, sizeof f.text,
             "%llu numbered records of this agent did not arrive (oldest: %llu to %llu), %llu are given up; a hub set"
             " up after the agent, a hub restored from a backup or a collector that drops are the usual causes",
             (unsigned long long)g->missing, (unsigned long long)h.first, (unsigned long long)h.last,
             (unsigned long long)g->lost);
    return a->b->ops->finding_put(a->b, &f, e);
}

/* Is the host's clock off?  A record from the future says so at once.  A clock
 * that is behind looks like an agent that delivers late, so only an hour in which
 * not one record was fresh says so. */
static int judge_clock(struct apply *a, struct active *x, struct err *e)
{
    struct fleet_finding f = { .kind = FINDING_CLOCK_OFF, .first_time = a->now, .last_time = a->now };
    int64_t delay = x->st.delay_ns;
    bool ahead = x->st.delay_since != 0 && delay < -CLOCK_OFF_NS;
    bool closed = x->st.delay_since != 0 && a->now - x->st.delay_since >= CLOCK_WINDOW_NS;
    char length[TIMES_TEXT_MAX];

    if (closed)
        x->st.delay_since = x->st.delay_ns = 0;
    text_copy(f.host_id, sizeof f.host_id, x->st.agent.host_id);
    text_copy(f.agent_id, sizeof f.agent_id, x->st.agent.agent_id);
    if (ahead)
        snprintf(f.text, sizeof f.text, "its clock is %s ahead of the hub's: look at its time source",
                 times_format_length(-delay, length));
    else if (closed && delay > CLOCK_OFF_NS)
        snprintf(
            f.text, sizeof f.text,
            "for an hour its newest record was %s old when it came: its clock is behind the hub's (look at its time"
            " source), or its agent is still catching up",
            times_format_length(delay, length));
    else
        return closed ? a->b->ops->finding_drop(a->b, f.kind, f.host_id, f.agent_id, e) : 0;
    return a->b->ops->finding_put(a->b, &f, e);
}

static int put_streams(struct apply *a, struct err *e)
{
    int rc = 0;

    for (struct active *x = a->actives; rc == 0 && x != NULL; x = x->next) {
        if (x->changed) {
            x->st.agent.last_seen = a->now;
            rc = judge_clock(a, x, e);
            if (rc == 0)
                rc = a->b->ops->stream_put(a->b, &x->st, e);
        }
        if (rc == 0 && x->holes_changed)
            rc = put_hole_finding(a, x, e);
    }
    return rc;
}

static void keep_tree_node(void *node)
{
    (void)node; /* the streams are freed by their list */
}

static void apply_free(struct apply *a)
{
    tdestroy(a->tree, keep_tree_node);
    while (a->actives != NULL) {
        struct active *next = a->actives->next;

        free(a->actives);
        a->actives = next;
    }
    fleet_reduction_free(a->reduction);
    free(a->todos);
    buf_free(&a->payload);
}

static int apply_once(struct fleet_store *s, struct fleet_batch *batches, size_t count, struct err *e)
{
    struct apply a = { .s = s, .b = s->body, .now = s->clock->wall_ns(s->clock) };
    struct active **only = (struct active **)calloc(count + 1, sizeof(struct active *));
    int rc;

    assert(!s->read_only);
    buf_init(&a.payload, PAYLOAD_MAX);
    if (only == NULL)
        return err_set(e, ERR_MEMORY, "out of memory");
    a.todos = calloc(1, sizeof *a.todos);
    rc = a.todos != NULL ? fleet_reduction_new(&a.reduction, s, e) : err_set(e, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = a.b->ops->begin(a.b, true, e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = apply_batch(&a, &batches[i], &only[i], e);
    if (rc == 0)
        rc = fleet_reduction_settle(a.reduction, e);
    if (rc == 0)
        rc = put_streams(&a, e);
    if (rc == 0)
        rc = fleet_todos_write(a.todos, a.b, e);
    if (rc == 0)
        rc = a.b->ops->commit(a.b, e);
    if (rc != 0)
        a.b->ops->rollback(a.b);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (batches[i].one_agent)
            batches[i].acked_through = only[i]->st.agent.high_mark;
    }
    free(only);
    apply_free(&a);
    return rc;
}

int fleet_store_apply(struct fleet_store *s, struct fleet_batch *batches, size_t count, struct err *e)
{
    int rc, tries = 0;

    do {
        rc = apply_once(s, batches, count, e);
    } while (rc != 0 && fleet_try_again(s, &tries));
    return rc;
}
