/* See support.h. */
#include "tests/store/support.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t fake_wall(const struct clock *c)
{
    return *(const int64_t *)c->state;
}

static void fake_fill(const struct random_source *r, void *bytes, size_t len)
{
    uint64_t *x = r->state;
    unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++) {
        *x = *x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        p[i] = (unsigned char)(*x >> 56);
    }
}

static void say_nothing(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

void rig_init(struct rig *r)
{
    static uint64_t seed = 1;

    log_set_sink(say_nothing, NULL);

    *r = (struct rig){ .max_bytes = 64 * MIB, .now = INT64_C(1769846400) * 1000000000 };
    snprintf(r->path, sizeof r->path, "%s/store.db", temp_dir());
    r->random = (struct random_source){ .fill = fake_fill, .state = &seed };
}

void rig_clear(struct rig *r)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };
    char path[RIG_PATH + 16];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s%s", r->path, suffixes[i]);
        remove(path);
    }
}

int rig_try_open(struct rig *r)
{
    struct store_options options = { .path = r->path,
                                     .max_bytes = r->max_bytes,
                                     .clock = &r->clock,
                                     .random = &r->random,
                                     .vfs = r->vfs,
                                     .all_at_once = r->all_at_once };

    ck_assert_ptr_null(r->store);
    r->clock = (struct clock){ .wall_ns = fake_wall, .monotonic_ns = fake_wall, .state = &r->now };
    return store_open(&r->store, &options, &r->opened, &r->err);
}

void rig_open(struct rig *r)
{
    int rc = rig_try_open(r);

    ck_assert_msg(rc == 0, "cannot open: %s", r->err.text);
}

void rig_close(struct rig *r)
{
    store_close(r->store);
    r->store = NULL;
}

void rig_reopen(struct rig *r)
{
    rig_close(r);
    rig_open(r);
}

int try_append(struct rig *r, enum obs_kind kind, int count, int size, const char *mark, struct store_appended *out)
{
    const struct store_mark marks[] = { { .source = "test", .mark = mark } };
    struct obs_batch batch;
    char filling[4096];
    int rc;

    ck_assert_int_lt(size, (int)sizeof filling);
    memset(filling, 'x', sizeof filling);
    filling[size] = '\0';
    obs_batch_init(&batch, 64 * MIB);
    for (int i = 1; i <= count; i++) {
        struct observation *o = obs_new(&batch, kind, r->now, r->now);

        obs_body(o, "number %d", i);
        obs_int(o, "n", i);
        obs_str(o, "filling", filling);
    }
    rc = store_append(r->store, HOST, &batch, marks, mark != NULL, out, &r->err);
    obs_batch_free(&batch);
    return rc;
}

struct store_appended append(struct rig *r, enum obs_kind kind, int count, int size, const char *mark)
{
    struct store_appended out;
    int rc = try_append(r, kind, count, size, mark, &out);

    ck_assert_msg(rc == 0, "cannot append: %s", r->err.text);
    return out;
}

static size_t collect(const struct otlp_request *request, const struct observation **out)
{
    size_t n = 0;

    for (const struct otlp_group *g = request->groups; g != NULL; g = g->next)
        for (const struct observation *o = g->batch.first; o != NULL; o = o->next) {
            if (out != NULL)
                out[n] = o;
            n++;
        }
    return n;
}

void outbox_load(struct rig *r, struct outbox *out)
{
    struct otlp_limits limits = { .records_max = 2000000, .arena_max = 1024u * MIB, .depth_max = 8 };
    struct resource who = { .service_name = "hvagent", .host_id = HOST };
    struct store_slice slice;
    struct buf request;
    uint64_t after = 0;
    int rc;

    /* A slice ends before a damaged row, so walk on until nothing is left, then take it all. */
    do {
        ck_assert_int_eq(store_read(r->store, after, 100000, 512u * MIB, &slice, &r->err), 0);
        after = slice.last_seq;
        store_slice_free(&slice);
    } while (after != 0);
    rc = store_read(r->store, 0, 100000, 512u * MIB, &slice, &r->err);
    ck_assert_msg(rc == 0, "cannot read: %s", r->err.text);
    *out = (struct outbox){ 0 };
    buf_init(&request, 1024u * MIB);
    rc = otlp_encode_request(&who, slice.payloads, slice.count, &request, &r->err);
    ck_assert_msg(rc == 0, "cannot frame: %s", r->err.text);
    rc = otlp_decode(request.data, request.len, &limits, &out->request, &r->err);
    ck_assert_msg(rc == 0, "cannot decode: %s", r->err.text);
    out->count = collect(&out->request, NULL);
    ck_assert_uint_eq(out->count, slice.count);
    out->o = calloc(out->count + 1, sizeof *out->o);
    ck_assert_ptr_nonnull(out->o);
    collect(&out->request, out->o);
    if (out->count > 0) {
        ck_assert_uint_eq(out->o[0]->seq, slice.first_seq);
        ck_assert_uint_eq(out->o[out->count - 1]->seq, slice.last_seq);
    }
    buf_free(&request);
    store_slice_free(&slice);
}

void outbox_free(struct outbox *o)
{
    otlp_request_free(&o->request);
    free(o->o);
    *o = (struct outbox){ 0 };
}

const struct observation *find_gap(const struct outbox *o, const char *reason, int nth)
{
    for (size_t i = 0; i < o->count; i++) {
        const char *r = obs_get_str(o->o[i], ATTR_GAP_REASON);

        if (o->o[i]->kind == OBS_GAP && r != NULL && strcmp(r, reason) == 0 && nth-- == 0)
            return o->o[i];
    }
    return NULL;
}

const char *mark_of(struct rig *r)
{
    static char text[256];
    struct buf out;
    int rc;

    buf_init(&out, sizeof text - 1);
    rc = store_mark_get(r->store, "test", &out, &r->err);
    ck_assert_msg(rc == 0, "no mark: %s", r->err.text);
    snprintf(text, sizeof text, "%s", buf_text(&out));
    buf_free(&out);
    return text;
}

struct store_stats stats_of(struct rig *r)
{
    struct store_stats out;
    int rc = store_stats(r->store, &out, &r->err);

    ck_assert_msg(rc == 0, "no figures: %s", r->err.text);
    return out;
}

void check_sound(struct rig *r)
{
    struct store_stats stats;
    struct store_slice slice;
    struct outbox all;
    uint64_t bytes = 0;

    outbox_load(r, &all); /* first, for it may find a damaged row and tell */
    stats = stats_of(r);
    ck_assert_uint_eq(all.count, stats.rows);
    for (size_t i = 0; i < all.count; i++) {
        ck_assert_uint_gt(all.o[i]->seq, i == 0 ? stats.acked_through : all.o[i - 1]->seq);
        ck_assert_uint_le(all.o[i]->seq, stats.last_seq);
    }
    outbox_free(&all);
    ck_assert_int_eq(store_read(r->store, 0, 100000, 512u * MIB, &slice, &r->err), 0);
    for (size_t i = 0; i < slice.count; i++)
        bytes += slice.payloads[i].len;
    ck_assert_uint_eq(bytes, stats.bytes);
    store_slice_free(&slice);
}
