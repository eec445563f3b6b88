/* The disk bound: who goes first, and how it is told.
 *
 * When the payloads in the outbox are more than max_bytes, the least important
 * rows go first and of these the oldest (obs_importance()), until a 64th of
 * the bound is free.  That chunk makes eviction rare, so that one transaction in
 * many pays for it.  Gap rows go last of all, and only when they alone
 * fill the bound: the new gap row then stands for them.
 *
 * Each eviction is told by a store-full gap row: from, to, how many, of which
 * importance, seen when.  An agent that is cut off for a week evicts thousands
 * of times; as long as the newest such row has not been handed to transport it
 * goes with the others, and the new one tells its story too, so the number of
 * these rows is bounded by the number of batches shipped.  A row that may have
 * been shipped is never changed, because the hub would not take it again.  And a
 * gap names only numbers below its own: the hub has met the hole by the time it is told why.
 *
 * A row that transport has in hand may be evicted too.  If the hub takes it
 * nevertheless, the gap has counted it without need; numbers stay right,
 * because acknowledging goes by number.
 *
 * There is no index on importance.  Each level remembers the smallest number it
 * may have (struct level, first), so one pass over the file serves all evictions.
 */
#include "base/times.h"
#include "store/store_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { CHUNKS = 64, GAP_ROOM = 1024 }; /* what the gap row itself may need */

/* What one pass over a level found to go. */
struct chunk {
    uint64_t from, to, count, bytes;
    uint64_t recounted, recounted_bytes; /* those of them that are counted anew already */
    int64_t first_seen, last_seen;
};

static void widen(int64_t *first, int64_t *last, int64_t seen)
{
    if (seen == 0)
        return;
    if (*first == 0 || seen < *first)
        *first = seen;
    if (seen > *last)
        *last = seen;
}

static int find_chunk(struct store *s, int level, uint64_t want, struct chunk *out, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_EVICT_FIND];
    int step = SQLITE_DONE, rc = 0;

    *out = (struct chunk){ 0 };
    put_u64(st, 1, s->now.level[level].first);
    put_int(st, 2, level);
    put_u64(st, 3, s->now.gap.seq);
    while (out->bytes < want && (step = sqlite3_step(st)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0), len = (uint64_t)sqlite3_column_int64(st, 1);

        if (out->count == 0)
            out->from = seq;
        out->to = seq;
        out->count++;
        out->bytes += len;
        if (ledger_recounted(s, seq)) {
            out->recounted++;
            out->recounted_bytes += len;
        }
        widen(&out->first_seen, &out->last_seen, sqlite3_column_int64(st, 2));
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_error(s, e, "look for what can go");
    sqlite3_reset(st);
    return rc;
}

static void gap_take_in(struct full_gap *g, int level, const struct chunk *c)
{
    if (g->count == 0 || c->from < g->from)
        g->from = c->from;
    if (c->to > g->to)
        g->to = c->to;
    g->count += c->count;
    g->by_level[level] += c->count;
    widen(&g->first_seen, &g->last_seen, c->first_seen);
    widen(&g->first_seen, &g->last_seen, c->last_seen);
}

static int drop_chunk(struct store *s, int level, const struct chunk *c, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_EVICT_DELETE];
    struct level *l = &s->now.level[level];
    int rc;

    put_u64(st, 1, c->from);
    put_u64(st, 2, c->to);
    put_int(st, 3, level);
    put_u64(st, 4, s->now.gap.seq);
    rc = sql_run(s, STMT_EVICT_DELETE, "drop the least important", e);
    if (rc != 0)
        return rc;
    if (c->count > l->rows || c->bytes > l->bytes) {
        s->broken = true;
        return err_set(e, ERR_CORRUPT, "%s: the outbox holds more than was counted", s->path);
    }
    l->rows -= c->count;
    l->bytes -= c->bytes;
    ledger_out_recounted(s, level, c->recounted, c->recounted_bytes);
    /* The gap row, which stays, may be the first of its level. */
    if (level != STORE_LEVEL_GAP)
        l->first = c->to + 1;
    gap_take_in(&s->now.gap, level, c);
    return 0;
}

static struct observation *describe(struct store *s, const struct full_gap *g)
{
    struct observation *o = own_gap(s, "store-full", g->from, g->to);
    char first[TIMES_TEXT_MAX], last[TIMES_TEXT_MAX], key[32];

    obs_int(o, ATTR_GAP_COUNT, (int64_t)g->count);
    for (int i = 0; i < STORE_LEVELS; i++) {
        snprintf(key, sizeof key, ATTR_GAP_COUNT ".importance%d", i);
        if (g->by_level[i] > 0)
            obs_int(o, key, (int64_t)g->by_level[i]);
    }
    obs_body(o,
             "The store reached its limit of %" PRIu64 " bytes: %" PRIu64 " observations between %" PRIu64
             " and %" PRIu64 ", seen from %s to %s, were dropped, the least important and oldest first.",
             s->max_bytes, g->count, g->from, g->to, times_format(g->first_seen, first),
             times_format(g->last_seen, last));
    return o;
}

/* The row that told the shorter story makes room for the longer one, which counts it. */
static int retire_gap(struct store *s, uint64_t *dropped, struct err *e)
{
    struct full_gap *g = &s->now.gap;
    struct chunk c = { .from = g->seq, .to = g->seq, .count = 1, .bytes = g->len };
    int rc;

    put_u64(s->stmts[STMT_OUTBOX_DELETE], 1, g->seq);
    put_u64(s->stmts[STMT_OUTBOX_DELETE], 2, g->seq);
    rc = sql_run(s, STMT_OUTBOX_DELETE, "retire a gap", e);
    if (rc != 0)
        return rc;
    assert(sqlite3_changes(s->db) == 1);
    ledger_out(s, STORE_LEVEL_GAP, g->seq, g->len);
    gap_take_in(g, STORE_LEVEL_GAP, &c);
    g->seq = 0;
    ++*dropped;
    return 0;
}

static int tell(struct store *s, uint64_t *dropped, struct err *e)
{
    struct full_gap *g = &s->now.gap;
    struct observation *o;
    int rc = g->seq != 0 ? retire_gap(s, dropped, e) : 0;

    if (rc != 0)
        return rc;
    o = describe(s, g);
    rc = own_put(s, o, e);
    g->seq = o->seq;
    g->len = s->payload.len;
    return rc;
}

int evict_over_bound(struct store *s, uint64_t *dropped, struct err *e)
{
    uint64_t total = outbox_bytes(&s->now), low = s->max_bytes - s->max_bytes / CHUNKS - GAP_ROOM;
    int rc = 0;

    *dropped = 0;
    if (total <= s->max_bytes)
        return 0;
    if (s->now.gap.seq <= s->handed_out)
        s->now.gap = (struct full_gap){ 0 };
    for (int level = 0; level < STORE_LEVELS && total > low; level++) {
        struct chunk c;

        if (s->now.level[level].rows == 0)
            continue;
        rc = find_chunk(s, level, total - low, &c, e);
        if (rc == 0 && c.count > 0)
            rc = drop_chunk(s, level, &c, e);
        if (rc != 0)
            return rc;
        *dropped += c.count;
        total = outbox_bytes(&s->now);
    }
    if (*dropped > 0)
        rc = tell(s, dropped, e);
    s->now.dropped_total += *dropped;
    return rc;
}
