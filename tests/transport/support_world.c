/* See support_world.h. */
#include "tests/transport/support_world.h"

#include "base/text.h"
#include "model/otlp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { BODY_MAX = 2 * 1024 * 1024 };

#define OP_NS   NS_PER_MS
#define POST_NS (10 * NS_PER_MS)

/* ---- clock and chance ---------------------------------------------------- */

static int64_t mono(const struct clock *c)
{
    return ((struct world *)c->state)->now_ns;
}

static int64_t wall(const struct clock *c)
{
    return WORLD_EPOCH + mono(c);
}

static void fill(const struct random_source *r, void *bytes, size_t len)
{
    struct world *w = r->state;
    unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++) {
        w->random_state = w->random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = (unsigned char)(w->random_state >> 56);
    }
}

/* ---- timer --------------------------------------------------------------- */

static void timer_start(void *arg, int64_t delay_ns, void (*fire)(void *sender), void *sender)
{
    struct world *w = arg;

    ck_assert(!w->timer.on);
    ck_assert_int_ge(delay_ns, 0);
    w->last_delay_ns = delay_ns;
    w->timer.on = true;
    w->timer.due_ns = w->now_ns + delay_ns;
    w->timer.fire = fire;
    w->timer.sender = sender;
}

static void timer_stop(void *arg)
{
    struct world *w = arg;

    w->timer.on = false;
}

/* ---- outbox -------------------------------------------------------------- */

static int begin(struct world *w, int kind, void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    ck_assert_int_eq(w->op.kind, OP_NONE);
    ck_assert(!w->post.busy);
    if (w->busy_ops > 0) {
        w->busy_ops--;
        return ERR_BUSY;
    }
    w->op.kind = kind;
    w->op.due_ns = w->now_ns + OP_NS;
    w->op.done = done;
    w->op.sender = sender;
    return 0;
}

static int start_some_read(struct world *w, int kind, uint64_t after, size_t max_count, size_t max_bytes,
                           struct store_slice *out, void (*done)(void *sender, int rc, const struct err *e),
                           void *sender)
{
    ck_assert_uint_ge(max_count, 1);
    ck_assert_uint_ge(max_bytes, 1);
    if (begin(w, kind, done, sender) != 0)
        return ERR_BUSY;
    w->op.from = after;
    w->op.max_count = max_count;
    w->op.max_bytes = max_bytes;
    w->op.out = out;
    return 0;
}

static int start_read(void *arg, uint64_t after, size_t max_count, size_t max_bytes, struct store_slice *out,
                      void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    return start_some_read(arg, OP_READ, after, max_count, max_bytes, out, done, sender);
}

static int start_read_state(void *arg, uint64_t after, size_t max_count, size_t max_bytes, struct store_slice *out,
                            void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    ((struct world *)arg)->state_reads++;
    return start_some_read(arg, OP_READ_STATE, after, max_count, max_bytes, out, done, sender);
}

static int start_ack(void *arg, uint64_t through, void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    struct world *w = arg;

    if (begin(w, OP_ACK, done, sender) != 0)
        return ERR_BUSY;
    w->op.to = through;
    return 0;
}

static int start_aside(void *arg, uint64_t from, uint64_t to, const char *reason,
                       void (*done)(void *sender, int rc, const struct err *e), void *sender)
{
    struct world *w = arg;

    if (begin(w, OP_ASIDE, done, sender) != 0)
        return ERR_BUSY;
    w->op.from = from;
    w->op.to = to;
    text_copy(w->op.reason, sizeof w->op.reason, reason);
    return 0;
}

static void encode_row(struct world *w, uint64_t seq, struct buf *out)
{
    struct obs_batch batch;
    struct observation *o;
    char *extra = calloc(1, w->sizes[seq] + 1);

    memset(extra, 'x', w->sizes[seq]);
    obs_batch_init(&batch, 1024 * 1024);
    o = obs_new(&batch, OBS_GUEST_LIFECYCLE, WORLD_EPOCH, WORLD_EPOCH);
    obs_body(o, "Row.");
    obs_str(o, "extra", extra);
    o->seq = seq;
    ck_assert_int_eq(otlp_encode_record(o, out, NULL), 0);
    obs_batch_free(&batch);
    free(extra);
}

/* The number after which the newest rows of state that fit the count begin. */
static uint64_t newest_state_after(const struct world *w)
{
    uint64_t seq = w->last_seq, found = 0;

    for (; seq > w->op.from; seq--) {
        found += seq % w->state_every == 0 && w->rows[seq] == ROW_WAITING;
        if (found > w->op.max_count)
            break;
    }
    return seq;
}

static void do_read(struct world *w, bool state)
{
    struct store_slice *s = w->op.out;
    struct buf one;

    memset(s, 0, sizeof *s);
    arena_init(&s->arena, BODY_MAX);
    s->payloads = arena_alloc(&s->arena, sizeof *s->payloads * w->op.max_count);
    buf_init(&one, BODY_MAX);
    if (state)
        w->op.from = w->state_every != 0 ? newest_state_after(w) : w->last_seq;
    for (uint64_t seq = w->op.from + 1; seq <= w->last_seq && s->count < w->op.max_count; seq++) {
        if (w->rows[seq] != ROW_WAITING || (state && seq % w->state_every != 0))
            continue;
        buf_clear(&one);
        encode_row(w, seq, &one);
        if (s->count > 0 && s->framed_bytes + otlp_framed_size(one.len) > w->op.max_bytes)
            break;
        s->payloads[s->count].bytes = arena_copy(&s->arena, one.data, one.len);
        s->payloads[s->count].len = one.len;
        s->framed_bytes += otlp_framed_size(one.len);
        s->first_seq = s->count == 0 ? seq : s->first_seq;
        s->last_seq = seq;
        s->count++;
    }
    buf_free(&one);
    if (s->count == 0)
        arena_free(&s->arena);
}

static bool fails(int *times)
{
    if (*times <= 0)
        return false;
    --*times;
    return true;
}

static int do_ack(struct world *w)
{
    if (fails(&w->fail_acks))
        return ERR_IO;
    ck_assert_uint_le(w->op.to, w->last_seq);
    for (uint64_t seq = 1; seq <= w->op.to; seq++)
        w->rows[seq] = w->rows[seq] == ROW_WAITING ? ROW_ACKED : w->rows[seq];
    ck_assert_uint_gt(w->op.to, w->acked_through);
    w->acked_through = w->op.to;
    w->acks++;
    return 0;
}

/* The store tells of it with a record of its own, and nobody kicks for that one. */
static int do_aside(struct world *w)
{
    if (fails(&w->fail_asides))
        return ERR_IO;
    for (uint64_t seq = w->op.from; seq <= w->op.to; seq++)
        w->rows[seq] = w->rows[seq] == ROW_WAITING ? ROW_ASIDE : w->rows[seq];
    text_copy(w->reason, sizeof w->reason, w->op.reason);
    ck_assert_uint_lt(w->last_seq + 1, WORLD_ROWS);
    w->rows[++w->last_seq] = ROW_WAITING;
    return 0;
}

static void finish_op(struct world *w)
{
    struct err e = { 0 };
    int rc = 0, kind = w->op.kind;

    w->op.kind = OP_NONE;
    if ((kind == OP_READ || kind == OP_READ_STATE) && fails(&w->fail_reads))
        rc = ERR_IO;
    else if (kind == OP_READ || kind == OP_READ_STATE)
        do_read(w, kind == OP_READ_STATE);
    else
        rc = kind == OP_ACK ? do_ack(w) : do_aside(w);
    if (rc != 0)
        err_set(&e, rc, "the disk says no");
    w->op.done(w->op.sender, rc, rc != 0 ? &e : NULL);
}

/* ---- hub ----------------------------------------------------------------- */

static void unpack(const char *encoding, const void *body, size_t len, struct buf *out)
{
    z_stream z = { 0 };
    char *room;
    size_t n;

    if (encoding == NULL) {
        buf_add(out, body, len);
        return;
    }
    room = buf_room(out, BODY_MAX - 1);
    ck_assert_ptr_nonnull(room);
    if (strcmp(encoding, "zstd") == 0) {
        n = ZSTD_decompress(room, BODY_MAX - 1, body, len);
        ck_assert(!ZSTD_isError(n));
        buf_used(out, n);
        return;
    }
    ck_assert_str_eq(encoding, "gzip");
    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)body;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)room;
    z.avail_out = BODY_MAX - 1;
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    buf_used(out, z.total_out);
    inflateEnd(&z);
}

static size_t decode(const void *bytes, size_t len, uint64_t *seqs)
{
    struct otlp_limits limits = otlp_limits_default();
    struct otlp_request request = { 0 };
    size_t n = 0;

    if (len == 0)
        return 0;
    ck_assert_int_eq(otlp_decode(bytes, len, &limits, &request, NULL), 0);
    for (struct otlp_group *g = request.groups; g != NULL; g = g->next) {
        ck_assert_str_eq(g->resource.agent_id, "D9E0EB0A-5B37-4A5E-8C57-0123456789AB");
        for (struct observation *o = g->batch.first; o != NULL; o = o->next)
            seqs[n++] = o->seq;
    }
    otlp_request_free(&request);
    return n;
}

/* A hub that tells its mark has taken what is at or below it. */
static void count_delivery(struct world *w, const uint64_t *seqs, size_t n, const struct http_reply *reply)
{
    for (size_t i = 0; i < n && (!reply->has_acked_through || seqs[i] <= reply->acked_through); i++) {
        w->delivered[seqs[i]] += seqs[i] > w->mark;
        w->mark = seqs[i] > w->mark ? seqs[i] : w->mark;
    }
}

static int start_post(struct http_client *c, enum http_what what, const void *body, size_t len, const char *encoding,
                      void (*done)(void *arg, const struct http_reply *reply), void *arg, struct err *e)
{
    static uint64_t seqs[WORLD_ROWS];
    struct world *w = (struct world *)((char *)c - offsetof(struct world, http));
    struct http_reply reply = { .status = 200, .retry_after_ns = -1, .takes_state = w->takes_state };
    struct post_seen *seen;
    struct buf plain;
    size_t n;

    ck_assert(!w->post.busy);
    ck_assert_int_eq(w->op.kind, OP_NONE);
    if (fails(&w->fail_posts))
        return err_set(e, ERR_IO, "no sockets left");
    buf_init(&plain, BODY_MAX);
    unpack(encoding, body, len, &plain);
    n = decode(plain.data, plain.len, seqs);
    buf_free(&plain);
    ck_assert_int_lt(w->post_count, WORLD_POSTS);
    seen = &w->posts[w->post_count++];
    *seen = (struct post_seen){ .at_ns = w->now_ns, .count = n, .bytes = len, .what = what };
    seen->first = n > 0 ? seqs[0] : 0;
    seen->last = n > 0 ? seqs[n - 1] : 0;
    text_copy(seen->encoding, sizeof seen->encoding, encoding != NULL ? encoding : "");
    w->post.busy = true;
    w->post.due_ns = w->now_ns + POST_NS;
    w->post.done = done;
    w->post.arg = arg;
    if (w->answer != NULL && !w->answer(w, seqs, n, &reply)) {
        if (reply.status == 200 && what == HTTP_RECORDS)
            count_delivery(w, seqs, n, &reply);
        reply = (struct http_reply){ .retry_after_ns = -1, .error = "connection reset" };
        w->post.due_ns = w->now_ns + w->config.timeout_ns;
    } else if (reply.status == 200 && what == HTTP_RECORDS) {
        count_delivery(w, seqs, n, &reply);
    }
    w->post.reply = reply;
    return 0;
}

static void cancel_post(struct http_client *c)
{
    struct world *w = (struct world *)((char *)c - offsetof(struct world, http));

    w->post.busy = false;
    w->cancels++;
}

static const struct http_client_ops ops = { .post = start_post, .cancel = cancel_post };

/* ---- the world ------------------------------------------------------------ */

void world_init(struct world *w)
{
    struct agent_config *defaults = malloc(sizeof *defaults);

    memset(w, 0, sizeof *w);
    agent_config_defaults(defaults);
    w->config = defaults->hub;
    free(defaults);
    w->config.compression = COMPRESSION_NONE;
    w->clock = (struct clock){ .wall_ns = wall, .monotonic_ns = mono, .state = w };
    w->random = (struct random_source){ .fill = fill, .state = w };
    w->random_state = 42;
    w->http.ops = &ops;
}

void world_start(struct world *w)
{
    struct sender_options o = {
        .config = &w->config,
        .http = &w->http,
        .outbox = { .arg = w,
                    .read = start_read,
                    .read_state = start_read_state,
                    .ack = start_ack,
                    .set_aside = start_aside },
        .timer = { .arg = w, .start = timer_start, .stop = timer_stop },
        .clock = &w->clock,
        .random = &w->random,
        .acked_through = w->acked_through,
    };
    struct resource r = { .service_name = "hvagent", .agent_id = "D9E0EB0A-5B37-4A5E-8C57-0123456789AB" };

    ck_assert_int_eq(sender_new(&w->sender, &o, NULL), 0);
    sender_set_resource(w->sender, &r);
}

static void on_stopped(void *arg)
{
    struct world *w = arg;

    w->stopped = true;
}

void world_stop(struct world *w)
{
    sender_stop(w->sender, on_stopped, w);
}

void world_free(struct world *w)
{
    if (world_status(w).state != SENDER_STOPPED) {
        world_stop(w);
        world_run(w, NS_PER_S);
    }
    ck_assert(w->stopped);
    ck_assert(!w->timer.on);
    sender_free(w->sender);
}

void world_kick(struct world *w)
{
    sender_kick(w->sender, (uint64_t)world_count(w, ROW_WAITING), WORLD_EPOCH + w->now_ns);
}

void world_put(struct world *w, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_uint_lt(w->last_seq + 1, WORLD_ROWS);
        w->rows[++w->last_seq] = ROW_WAITING;
    }
    world_kick(w);
}

/* What is due first, and when. */
static int64_t next_due(const struct world *w, int *what)
{
    int64_t due = INT64_MAX;

    *what = 0;
    if (w->op.kind != OP_NONE) {
        due = w->op.due_ns;
        *what = 1;
    }
    if (w->post.busy && w->post.due_ns < due) {
        due = w->post.due_ns;
        *what = 2;
    }
    if (w->timer.on && w->timer.due_ns < due) {
        due = w->timer.due_ns;
        *what = 3;
    }
    return due;
}

bool world_step(struct world *w)
{
    int what;
    int64_t due = next_due(w, &what);

    if (what == 0)
        return false;
    if (due > w->now_ns)
        w->now_ns = due;
    if (what == 1) {
        finish_op(w);
    } else if (what == 2) {
        w->post.busy = false;
        w->post.done(w->post.arg, &w->post.reply);
    } else {
        w->timer.on = false;
        w->timer.fire(w->timer.sender);
    }
    return true;
}

void world_run(struct world *w, int64_t ns)
{
    int64_t end = w->now_ns + ns;
    int what;

    while (next_due(w, &what) <= end && what != 0)
        world_step(w);
    w->now_ns = end;
}

int world_count(const struct world *w, enum row_state state)
{
    int n = 0;

    for (uint64_t seq = 1; seq <= w->last_seq; seq++)
        n += w->rows[seq] == state;
    return n;
}

struct sender_status world_status(const struct world *w)
{
    struct sender_status st;

    sender_status(w->sender, &st);
    return st;
}
