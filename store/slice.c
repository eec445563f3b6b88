/* Reading for transport, what the hub refuses for good, and the figures. */
#include "base/text.h"
#include "store/row_sum.h"
#include "store/store_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <uv.h>

/* A row whose bytes are not what was written: it leaves the outbox, and a gap
 * says which number it had. */
static int drop_unreadable(struct store *s, uint64_t seq, struct err *e)
{
    struct observation *o;
    uint64_t count;
    int rc = tx_begin(s, e);

    if (rc != 0)
        return rc;
    rc = outbox_delete(s, seq, seq, &count, e);
    if (rc == 0) {
        o = own_gap(s, "record-unreadable", seq, seq);
        obs_int(o, ATTR_GAP_COUNT, 1);
        obs_body(o, "Observation %" PRIu64 " was damaged on the disk and is lost.", seq);
        s->now.dropped_total++;
        rc = own_put(s, o, e);
    }
    if (rc != 0)
        tx_rollback(s);
    else
        rc = tx_commit(s, e);
    return rc;
}

/* Adds the row under the statement.  False when it does not belong to the
 * slice any more: it is full, or (with *bad set) the row is damaged. */
static bool take_row(struct store *s, struct store_slice *out, size_t max_bytes, uint64_t *bad, int *rc, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_READ];
    uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
    const void *bytes = sqlite3_column_blob(st, 2);
    size_t len = (size_t)sqlite3_column_bytes(st, 2), framed = otlp_framed_size(len);
    void *copy;

    if (out->count > 0 && framed > max_bytes - out->framed_bytes)
        return false;
    if (bytes == NULL || row_sum(seq, bytes, len) != sqlite3_column_int64(st, 1)) {
        *bad = seq;
        return false;
    }
    copy = arena_copy(&out->arena, bytes, len);
    if (copy == NULL) {
        *rc = err_set(e, ERR_MEMORY, "out of memory for a batch of %zu bytes", out->framed_bytes + framed);
        return false;
    }
    if (out->count == 0)
        out->first_seq = seq;
    out->last_seq = seq;
    out->payloads[out->count++] = (struct otlp_payload){ .bytes = copy, .len = len };
    out->framed_bytes += framed;
    return out->framed_bytes < max_bytes;
}

static int fill(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                uint64_t *bad, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_READ];
    int step = SQLITE_DONE, rc = 0;

    *bad = 0;
    put_u64(st, 1, after_seq);
    put_u64(st, 2, max_count);
    while ((step = sqlite3_step(st)) == SQLITE_ROW)
        if (!take_row(s, out, max_bytes, bad, &rc, e))
            break;
    if (rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the outbox");
    sqlite3_reset(st);
    return rc;
}

/* Room for the payloads, one over the limit, and what the arena adds to each. */
static int slice_init(struct store_slice *out, size_t max_count, size_t max_bytes, struct err *e)
{
    enum { PER_ROW = 2 * sizeof(max_align_t) };

    arena_init(&out->arena, max_bytes + STORE_PAYLOAD_MAX + (max_count + 2) * (sizeof *out->payloads + PER_ROW));
    out->payloads = arena_alloc(&out->arena, (max_count + 1) * sizeof *out->payloads);
    return out->payloads != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory for a batch");
}

int store_read(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
               struct err *e)
{
    uint64_t rows = outbox_rows(&s->now), bad = 0;
    int rc = store_usable(s, e);

    *out = (struct store_slice){ 0 };
    if (rc != 0)
        return rc;
    if (max_count > STORE_SLICE_ROWS_MAX)
        max_count = STORE_SLICE_ROWS_MAX;
    if (max_count > rows)
        max_count = (size_t)rows;
    if (max_bytes > SIZE_MAX / 8)
        max_bytes = SIZE_MAX / 8;
    if (after_seq > INT64_MAX)
        after_seq = INT64_MAX;
    rc = slice_init(out, max_count, max_bytes, e);
    do {
        if (rc == 0)
            rc = fill(s, after_seq, max_count, max_bytes, out, &bad, e);
        if (rc == 0 && bad != 0)
            rc = drop_unreadable(s, bad, e);
    } while (rc == 0 && bad != 0 && out->count == 0);
    if (rc != 0)
        store_slice_free(out);
    else if (out->last_seq > s->handed_out)
        s->handed_out = out->last_seq;
    return rc;
}

/* ---- how things are, newest first ---------------------------------------- */

/* Adds the row under the statement; false when it does not fit any more. */
static bool take_state_row(struct store *s, struct store_slice *out, size_t max_bytes, int *rc, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_STATE];
    uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
    const void *bytes = sqlite3_column_blob(st, 2);
    size_t len = (size_t)sqlite3_column_bytes(st, 2), framed = otlp_framed_size(len);
    void *copy;

    if (bytes == NULL || row_sum(seq, bytes, len) != sqlite3_column_int64(st, 1))
        return true;
    if (out->count > 0 && (out->framed_bytes >= max_bytes || framed > max_bytes - out->framed_bytes))
        return false;
    copy = arena_copy(&out->arena, bytes, len);
    if (copy == NULL) {
        *rc = err_set(e, ERR_MEMORY, "out of memory for a batch of %zu bytes", out->framed_bytes + framed);
        return false;
    }
    if (out->count == 0)
        out->last_seq = seq;
    out->first_seq = seq;
    out->payloads[out->count++] = (struct otlp_payload){ .bytes = copy, .len = len };
    out->framed_bytes += framed;
    return true;
}

static void turn_round(struct store_slice *out)
{
    for (size_t i = 0, k = out->count; i + 1 < k; i++) {
        struct otlp_payload p = out->payloads[i];

        out->payloads[i] = out->payloads[--k];
        out->payloads[k] = p;
    }
}

static int fill_state(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                      struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_STATE];
    int step = SQLITE_DONE, rc = 0;

    put_u64(st, 1, after_seq);
    put_text(st, 2, obs_kind_name(OBS_GUEST_INVENTORY));
    put_u64(st, 3, max_count);
    while ((step = sqlite3_step(st)) == SQLITE_ROW)
        if (!take_state_row(s, out, max_bytes, &rc, e))
            break;
    if (rc == 0 && step != SQLITE_ROW && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the outbox");
    sqlite3_reset(st);
    turn_round(out);
    return rc;
}

int store_read_state(struct store *s, uint64_t after_seq, size_t max_count, size_t max_bytes, struct store_slice *out,
                     struct err *e)
{
    uint64_t rows = outbox_rows(&s->now), last = s->now.next_seq - 1;
    int rc = store_usable(s, e);

    *out = (struct store_slice){ 0 };
    if (rc != 0)
        return rc;
    if (max_count > STORE_STATE_SCAN_MAX)
        max_count = STORE_STATE_SCAN_MAX;
    if (max_count > rows)
        max_count = (size_t)rows;
    if (max_bytes > SIZE_MAX / 8)
        max_bytes = SIZE_MAX / 8;
    if (last > STORE_STATE_SCAN_MAX && after_seq < last - STORE_STATE_SCAN_MAX)
        after_seq = last - STORE_STATE_SCAN_MAX;
    if (after_seq > last)
        after_seq = last;
    rc = slice_init(out, max_count, max_bytes, e);
    if (rc == 0)
        rc = fill_state(s, after_seq, max_count, max_bytes, out, e);
    if (rc != 0)
        store_slice_free(out);
    return rc;
}

void store_slice_free(struct store_slice *slice)
{
    arena_free(&slice->arena);
    *slice = (struct store_slice){ 0 };
}

/* Drops the oldest of what was set aside until it is within its bounds. */
static int trim_aside(struct store *s, struct err *e)
{
    sqlite3_stmt *find = s->stmts[STMT_ASIDE_OLDEST], *del = s->stmts[STMT_ASIDE_DELETE];
    int rc = 0;

    while (rc == 0 && (s->now.aside_rows > STORE_ASIDE_ROWS_MAX || s->now.aside_bytes > STORE_ASIDE_BYTES_MAX)) {
        uint64_t len = 0;

        if (sqlite3_step(find) == SQLITE_ROW) {
            put_int(del, 1, sqlite3_column_int64(find, 0));
            len = (uint64_t)sqlite3_column_int64(find, 1);
        } else {
            rc = sql_error(s, e, "read what was set aside");
        }
        sqlite3_reset(find);
        if (rc == 0)
            rc = sql_run(s, STMT_ASIDE_DELETE, "drop the oldest of what was set aside", e);
        if (rc == 0) {
            assert(s->now.aside_rows > 0 && s->now.aside_bytes >= len);
            s->now.aside_rows--;
            s->now.aside_bytes -= len;
        }
    }
    return rc;
}

static int move_aside(struct store *s, uint64_t from, uint64_t to, const char *reason, uint64_t *count, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_ASIDE_MOVE];
    uint64_t bytes = outbox_bytes(&s->now);
    int rc;

    put_u64(st, 1, from);
    put_u64(st, 2, to);
    put_int(st, 3, s->clock->wall_ns(s->clock));
    put_text(st, 4, reason);
    rc = sql_run(s, STMT_ASIDE_MOVE, "set aside", e);
    if (rc == 0)
        rc = outbox_delete(s, from, to, count, e);
    if (rc != 0)
        return rc;
    s->now.aside_rows += *count;
    s->now.aside_bytes += bytes - outbox_bytes(&s->now);
    s->now.set_aside_total += *count;
    return trim_aside(s, e);
}

static int tell_refused(struct store *s, uint64_t from, uint64_t to, uint64_t count, const char *reason, struct err *e)
{
    struct observation *o = own_gap(s, "refused-by-hub", from, to);

    obs_int(o, ATTR_GAP_COUNT, (int64_t)count);
    obs_body(o, "The hub refused %" PRIu64 " observations numbered %" PRIu64 " to %" PRIu64 ": %s", count, from, to,
             reason);
    return own_put(s, o, e);
}

int store_set_aside(struct store *s, uint64_t from, uint64_t to, const char *reason, struct err *e)
{
    char clean[STORE_REASON_MAX];
    uint64_t count = 0;
    int rc = store_usable(s, e);

    if (rc != 0)
        return rc;
    if (to >= s->now.next_seq)
        to = s->now.next_seq - 1;
    if (from > to)
        return 0;
    text_clean(clean, sizeof clean, reason, strlen(reason), NULL);
    rc = tx_begin(s, e);
    if (rc != 0)
        return rc;
    rc = move_aside(s, from, to, clean, &count, e);
    if (rc == 0 && count > 0)
        rc = tell_refused(s, from, to, count, clean, e);
    if (rc != 0 || count == 0)
        tx_rollback(s);
    else
        rc = tx_commit(s, e);
    return rc;
}

static uint64_t file_size(const char *path, const char *suffix)
{
    char name[STORE_PATH_MAX];
    uv_fs_t req;
    uint64_t size = 0;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    if (uv_fs_stat(NULL, &req, name, NULL) == 0)
        size = req.statbuf.st_size;
    uv_fs_req_cleanup(&req);
    return size;
}

int store_stats(struct store *s, struct store_stats *out, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_OLDEST];
    int rc = store_usable(s, e), step;

    *out = (struct store_stats){
        .rows = outbox_rows(&s->now),
        .bytes = outbox_bytes(&s->now),
        .last_seq = s->now.next_seq - 1,
        .acked_through = s->now.acked_through,
        .dropped_total = s->now.dropped_total,
        .set_aside_total = s->now.set_aside_total,
        .last_commit_ns = s->last_commit_ns,
        .guests = s->now.guests,
    };
    if (rc != 0)
        return rc;
    out->file_bytes = file_size(s->path, "") + file_size(s->path, "-wal");
    step = sqlite3_step(st);
    if (step == SQLITE_ROW)
        out->oldest_unsent_ns = sqlite3_column_int64(st, 0);
    else if (step != SQLITE_DONE)
        rc = sql_error(s, e, "read the outbox");
    sqlite3_reset(st);
    return rc;
}
