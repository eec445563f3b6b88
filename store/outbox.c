/* Rows in and out of the outbox: append and acknowledge.
 *
 * One append is one transaction: number, encode, insert; the marks; what is
 * known of guests and host; the disk bound; commit.  Nothing on that way
 * counts rows or allocates per row: each record is encoded into one reused
 * buffer that SQLite reads from while it inserts.
 */
#include "store/row_sum.h"
#include "store/store_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t text_sum(const char *id, const void *bytes, size_t len)
{
    return row_sum((uint64_t)row_sum(0, id, strlen(id)), bytes, len);
}

int64_t mark_sum(const char *source, const char *mark)
{
    return text_sum(source, mark, strlen(mark));
}

int outbox_encode(struct store *s, const struct observation *o, struct err *e)
{
    buf_clear(&s->payload);
    return otlp_encode_record(o, &s->payload, e);
}

int outbox_put(struct store *s, struct observation *o, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_PUT];
    int level = obs_importance(o->kind), rc;

    assert(level >= 0 && level < STORE_LEVELS);
    o->seq = s->now.next_seq;
    rc = outbox_encode(s, o, e);
    if (rc != 0)
        return rc;
    put_u64(st, 1, o->seq);
    put_int(st, 2, level);
    put_text(st, 3, o->kind_name);
    put_int(st, 4, o->observed_ns);
    put_int(st, 5, row_sum(o->seq, s->payload.data, s->payload.len));
    put_blob(st, 6, s->payload.data, s->payload.len);
    rc = sql_run(s, STMT_OUTBOX_PUT, "append", e);
    if (rc != 0)
        return rc;
    s->now.next_seq++;
    ledger_in(s, level, o->seq, s->payload.len);
    return 0;
}

/* Takes the rows from..to off the ledger. */
static int count_range(struct store *s, uint64_t from, uint64_t to, uint64_t *count, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_SIZES];
    int step, rc = 0;

    *count = 0;
    put_u64(st, 1, from);
    put_u64(st, 2, to);
    while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
        int64_t level = sqlite3_column_int64(st, 1);
        uint64_t len = (uint64_t)sqlite3_column_int64(st, 2);

        if (level < 0 || level >= STORE_LEVELS || s->now.level[level].rows == 0 || s->now.level[level].bytes < len) {
            s->broken = true;
            rc = err_set(e, ERR_CORRUPT, "%s: rows %" PRIu64 " to %" PRIu64 " are not what was counted", s->path, from,
                         to);
        } else {
            ledger_out(s, (int)level, seq, len);
            ++*count;
        }
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the outbox");
    sqlite3_reset(st);
    return rc;
}

int outbox_delete(struct store *s, uint64_t from, uint64_t to, uint64_t *count, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_DELETE];
    int rc;

    assert(from <= to);
    rc = count_range(s, from, to, count, e);
    if (rc != 0 || *count == 0)
        return rc;
    if (s->now.gap.seq >= from && s->now.gap.seq <= to)
        s->now.gap = (struct full_gap){ 0 };
    put_u64(st, 1, from);
    put_u64(st, 2, to);
    return sql_run(s, STMT_OUTBOX_DELETE, "delete from the outbox", e);
}

struct observation *own_gap(struct store *s, const char *reason, uint64_t from, uint64_t to)
{
    int64_t now = s->clock->wall_ns(s->clock);
    struct observation *o;
    char number[24];

    obs_batch_reset(&s->own);
    o = obs_new(&s->own, OBS_GAP, now, now);
    o->severity = SEVERITY_WARN;
    obs_str(o, ATTR_SOURCE, "store");
    obs_str(o, ATTR_GAP_REASON, reason);
    if (from > 0) {
        snprintf(number, sizeof number, "%" PRIu64, from);
        obs_str(o, ATTR_GAP_FROM, number);
        snprintf(number, sizeof number, "%" PRIu64, to);
        obs_str(o, ATTR_GAP_TO, number);
    }
    return o;
}

int own_put(struct store *s, struct observation *o, struct err *e)
{
    return s->own.failed ? err_set(e, ERR_MEMORY, "%s: out of memory for an observation", s->path)
                         : outbox_put(s, o, e);
}

static int mark_put(struct store *s, const struct store_mark *m, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_MARK_PUT];

    put_text(st, 1, m->source);
    put_text(st, 2, m->mark);
    put_int(st, 3, mark_sum(m->source, m->mark));
    return sql_run(s, STMT_MARK_PUT, "save a mark", e);
}

/* Whether committing these marks would change anything: a source with nothing
 * new must not cost a write to the disk. */
static int marks_differ(struct store *s, const struct store_mark *marks, int count, bool *differ, struct err *e)
{
    struct buf kept;
    int rc = 0;

    buf_init(&kept, STORE_STATE_MAX);
    *differ = false;
    for (int i = 0; rc == 0 && !*differ && i < count; i++) {
        rc = store_mark_get(s, marks[i].source, &kept, e);
        *differ = strcmp(buf_text(&kept), marks[i].mark) != 0;
    }
    buf_free(&kept);
    return rc;
}

static int append_all(struct store *s, const char *host_id, struct obs_batch *batch, const struct store_mark *marks,
                      int mark_count, uint64_t *dropped, struct err *e)
{
    int rc = 0;

    for (struct observation *o = batch->first; rc == 0 && o != NULL; o = o->next)
        rc = outbox_put(s, o, e);
    for (int i = 0; rc == 0 && i < mark_count; i++)
        rc = mark_put(s, &marks[i], e);
    if (rc == 0)
        rc = guests_take_in(s, host_id, batch, e);
    if (rc == 0)
        rc = evict_over_bound(s, dropped, e);
    return rc;
}

static int check_append(const struct store *s, const struct obs_batch *batch, const struct store_mark *marks, int count,
                        struct err *e)
{
    if (batch->failed)
        return err_set(e, ERR_TOO_BIG, "a batch of observations went over its memory; it must be made smaller");
    for (int i = 0; i < count; i++)
        if (strlen(marks[i].mark) >= STORE_STATE_MAX)
            return err_set(e, ERR_TOO_BIG, "the mark of source %s is longer than %d bytes", marks[i].source,
                           STORE_STATE_MAX);
    return store_usable(s, e);
}

int store_append(struct store *s, const char *host_id, struct obs_batch *batch, const struct store_mark *marks,
                 int mark_count, struct store_appended *out, struct err *e)
{
    struct store_appended done = { 0 };
    bool work = batch->count > 0;
    int rc = check_append(s, batch, marks, mark_count, e);

    *out = done;
    if (rc == 0 && !work)
        rc = marks_differ(s, marks, mark_count, &work, e);
    if (rc != 0 || !work)
        return rc;
    rc = dump_join(s, batch, e);
    if (rc == 0)
        rc = tx_begin(s, e);
    if (rc != 0)
        return rc;
    if (batch->count > 0)
        done = (struct store_appended){ .first_seq = s->now.next_seq,
                                        .last_seq = s->now.next_seq + (uint64_t)batch->count - 1 };
    rc = append_all(s, host_id, batch, marks, mark_count, &done.dropped, e);
    if (rc != 0)
        tx_rollback(s);
    else
        rc = tx_commit(s, e);
    if (rc == 0)
        *out = done;
    for (struct observation *o = batch->first; rc != 0 && o != NULL; o = o->next)
        o->seq = 0;
    return rc;
}

int store_mark_get(struct store *s, const char *source, struct buf *out, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_MARK_GET];
    int rc = store_usable(s, e), step;

    buf_clear(out);
    if (rc != 0)
        return rc;
    put_text(st, 1, source);
    step = sqlite3_step(st);
    if (step == SQLITE_ROW) {
        const char *mark = got_text(st, 0);

        if (sql_out_of_memory(s)) {
            rc = sql_error(s, e, "read a mark");
        } else if (mark_sum(source, mark) != sqlite3_column_int64(st, 1)) {
            s->broken = true;
            rc = err_set(e, ERR_CORRUPT, "%s: the mark of source %s is damaged", s->path, source);
        } else {
            buf_str(out, mark);
            if (buf_error(out) != ERR_OK)
                rc = err_set(e, buf_error(out), "the mark of source %s does not fit", source);
        }
    } else if (step != SQLITE_DONE) {
        rc = sql_error(s, e, "read a mark");
    }
    sqlite3_reset(st);
    return rc;
}

/* The hub has numbers that were never given here: this file is older than what
 * the hub knows (put back from a backup, or its newest writes were lost).  What
 * is numbered from here on would be taken for repetitions and dropped, so the
 * store becomes a new one under a new agent id, and says so. */
static int become_new(struct store *s, uint64_t through, struct err *e)
{
    char old_id[GUID_TEXT_MAX];
    unsigned char random[16];
    uint64_t last = s->now.next_seq - 1;
    struct observation *o;
    int rc = tx_begin(s, e);

    if (rc != 0)
        return rc;
    memcpy(old_id, s->agent_id, sizeof old_id);
    s->random->fill(s->random, random, sizeof random);
    guid_from_random(random, s->agent_id);
    o = own_gap(s, "store-rolled-back", last + 1, through);
    obs_str(o, ATTR_GAP_AGENT_ID, old_id);
    obs_body(o,
             "The hub has numbers up to %" PRIu64 " of agent %s, the store only up to %" PRIu64
             ": it is older than what was sent. It goes on as a new agent.",
             through, old_id, last);
    rc = own_put(s, o, e);
    if (rc != 0)
        tx_rollback(s);
    else
        rc = tx_commit(s, e);
    if (rc != 0) {
        memcpy(s->agent_id, old_id, sizeof old_id);
        return rc;
    }
    s->broken = true;
    return err_set(e, ERR_CORRUPT,
                   "%s: the hub has numbers up to %" PRIu64 ", this store only up to %" PRIu64
                   "; it must be opened again and goes on under a new agent id",
                   s->path, through, last);
}

int store_ack(struct store *s, uint64_t through, struct err *e)
{
    uint64_t count;
    int rc = store_usable(s, e);

    if (rc != 0 || through <= s->now.acked_through)
        return rc;
    if (through >= s->now.next_seq)
        return become_new(s, through < INT64_MAX ? through : INT64_MAX, e);
    rc = tx_begin(s, e);
    if (rc != 0)
        return rc;
    rc = outbox_delete(s, 0, through, &count, e);
    s->now.acked_through = through;
    if (rc != 0)
        tx_rollback(s);
    else
        rc = tx_commit(s, e);
    if (rc == 0 && s->handed_out < through)
        s->handed_out = through;
    return rc;
}
