/* The ledger of the outbox: kept in memory so that no append counts anything,
 * written into the state row with every commit so that no start has to, and
 * counted anew behind the first commits of a large store.
 *
 * Counting anew (store_recount) walks over the rows that were there at the
 * opening, in order of their numbers and a slice at a time.  A second set of
 * levels grows as it goes: a row behind the walk, or younger than it, that comes
 * or leaves is counted in both, one still ahead of it only in the first.  At
 * the end the second set is what the file holds, and is believed.  A page that
 * can not be read breaks the store, as it would whoever came to it.
 */
#include "base/log.h"
#include "store/row_sum.h"
#include "store/store_internal.h"

#include <string.h>

enum { SLICE_ROWS = 2000 }; /* some five milliseconds */

uint64_t outbox_rows(const struct ledger *l)
{
    uint64_t n = 0;

    for (int i = 0; i < STORE_LEVELS; i++)
        n += l->level[i].rows;
    return n;
}

uint64_t outbox_bytes(const struct ledger *l)
{
    uint64_t n = 0;

    for (int i = 0; i < STORE_LEVELS; i++)
        n += l->level[i].bytes;
    return n;
}

/* ---- counting in and out ------------------------------------------------------ */

static void level_in(struct level *l, uint64_t seq, uint64_t len)
{
    if (l->rows == 0 || seq < l->first)
        l->first = seq;
    l->rows++;
    l->bytes += len;
}

/* What the file said when it was counted and what it says now may differ, if it is damaged. */
static void level_out(struct level *l, uint64_t rows, uint64_t bytes)
{
    l->rows -= rows < l->rows ? rows : l->rows;
    l->bytes -= bytes < l->bytes ? bytes : l->bytes;
}

bool ledger_recounted(const struct store *s, uint64_t seq)
{
    return s->recount.on && (seq < s->recount.next || seq >= s->recount.end);
}

void ledger_in(struct store *s, int level, uint64_t seq, uint64_t len)
{
    level_in(&s->now.level[level], seq, len);
    if (s->recount.on)
        level_in(&s->now.counted[level], seq, len);
}

void ledger_out(struct store *s, int level, uint64_t seq, uint64_t len)
{
    level_out(&s->now.level[level], 1, len);
    if (ledger_recounted(s, seq))
        level_out(&s->now.counted[level], 1, len);
}

void ledger_out_recounted(struct store *s, int level, uint64_t rows, uint64_t bytes)
{
    level_out(&s->now.counted[level], rows, bytes);
}

/* ---- in the file ----------------------------------------------------------------- */

static void put_number(unsigned char *at, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(n >> 8 * i);
}

void ledger_encode(const struct ledger *l, unsigned char out[LEDGER_BYTES])
{
    for (int i = 0; i < STORE_LEVELS; i++, out += LEDGER_BYTES / STORE_LEVELS) {
        put_number(out, l->level[i].rows);
        put_number(out + 8, l->level[i].bytes);
        put_number(out + 16, l->level[i].first);
    }
}

bool ledger_decode(struct ledger *l, const unsigned char *bytes, size_t len)
{
    memset(l->level, 0, sizeof l->level);
    l->levels_known = len == LEDGER_BYTES;
    if (!l->levels_known)
        return len == 0;
    for (int i = 0; i < STORE_LEVELS; i++, bytes += LEDGER_BYTES / STORE_LEVELS) {
        l->level[i] = (struct level){ .rows = row_sum_word(bytes, 8),
                                      .bytes = row_sum_word(bytes + 8, 8),
                                      .first = row_sum_word(bytes + 16, 8) };
        if (l->level[i].rows > INT64_MAX || l->level[i].bytes > INT64_MAX || l->level[i].first > INT64_MAX)
            return false;
    }
    return true;
}

int64_t state_sum(const struct store *s, const unsigned char *levels, size_t len)
{
    uint64_t numbers[] = { s->now.next_seq, s->now.acked_through, s->now.dropped_total, s->now.set_aside_total };
    uint64_t h = (uint64_t)row_sum(0, s->agent_id, strlen(s->agent_id));

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        h = row_sum_step(h, numbers[i]);
    return len > 0 ? row_sum(h, levels, len) : (int64_t)h;
}

/* ---- counting anew ------------------------------------------------------------------ */

bool ledger_count(struct store *s, sqlite3_stmt *st)
{
    int64_t seq = sqlite3_column_int64(st, 0), level = sqlite3_column_int64(st, 1);

    if (seq <= (int64_t)s->now.acked_through || seq >= (int64_t)s->now.next_seq || level < 0 || level >= STORE_LEVELS ||
        sqlite3_column_type(st, 1) != SQLITE_INTEGER)
        return false;
    level_in(&s->now.counted[level], (uint64_t)seq, (uint64_t)sqlite3_column_int64(st, 2));
    return true;
}

void ledger_settle(struct store *s)
{
    struct ledger *l = &s->now;
    uint64_t rows = outbox_rows(l), bytes = outbox_bytes(l);
    bool told = l->levels_known;

    memcpy(l->level, l->counted, sizeof l->level);
    memset(l->counted, 0, sizeof l->counted);
    l->levels_known = true;
    s->recount.on = false;
    if (told && (rows != outbox_rows(l) || bytes != outbox_bytes(l)))
        log_event(LOG_WARN, "store.recounted", LOG_S("path", s->path), LOG_I("rows_told", (int64_t)rows),
                  LOG_I("rows", (int64_t)outbox_rows(l)), LOG_I("bytes_told", (int64_t)bytes),
                  LOG_I("bytes", (int64_t)outbox_bytes(l)));
}

/* One slice; *rows is how many it had. */
static int walk(struct store *s, int *rows, struct err *e)
{
    sqlite3_stmt *st = s->stmts[STMT_OUTBOX_WALK];
    int step = SQLITE_DONE, rc = 0;

    put_u64(st, 1, s->recount.next);
    put_u64(st, 2, s->recount.end);
    put_u64(st, 3, SLICE_ROWS);
    for (*rows = 0; rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW; ++*rows) {
        if (ledger_count(s, st)) {
            s->recount.next = (uint64_t)sqlite3_column_int64(st, 0) + 1;
        } else {
            s->broken = true;
            rc = err_set(e, ERR_CORRUPT, "%s: a row does not fit the numbers", s->path);
        }
    }
    if (rc == 0 && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the outbox");
    sqlite3_reset(st);
    return rc;
}

int store_recount(struct store *s, bool *more, struct err *e)
{
    int rows = 0, rc = store_usable(s, e);

    *more = false;
    if (rc != 0 || !s->recount.on)
        return rc;
    rc = walk(s, &rows, e);
    if (rc != 0)
        return rc;
    *more = rows == SLICE_ROWS;
    if (!*more)
        ledger_settle(s);
    return 0;
}
