/* Opening: lock, check, recover, make.
 *
 * One process only.  "<path>.lock" is an empty SQLite file on which an
 * exclusive transaction is begun and never ended; the lock goes with the
 * process, however it ends, on every system SQLite knows, and it is there
 * before the store itself is looked at, so two agents can not both find the
 * same damage and both set it aside.
 *
 * What is checked at every opening: that the header and the tables agree on whose
 * file of which version this is, the sums of our own numbers, of the marks and of
 * the host, and that the numbers fit the first and the last row: acked_through <
 * every seq < next_seq.  Up to CHECK_PAGES_MAX SQLite's own structure (quick_check)
 * and each row as well.  A larger file, as an outage leaves it behind, would keep the host
 * unwatched for as long as it takes to read it, so its rows are read behind the
 * first commits (store_recount); who comes upon a damaged page before has ERR_CORRUPT,
 * and the opening after that (all_at_once) checks everything.  Payloads are checked by
 * their sums when they are read, guests when they are touched.  Damage is believed
 * when it has been found twice; then the file is set aside and a new store made.
 *
 * Whoever else has the file open at that moment (a backup, a scanner, a person with
 * sqlite3), be it only to read, is in the way of taking it for us alone, and is waited for.
 *
 * The file does not shrink while it is in use: pages that are freed are used
 * again, so it stays within about twice max_bytes.  A file that is nearly all
 * free pages (after a long outage) is made small again when it is opened.
 */
#include "base/log.h"
#include "base/text.h"
#include "store/store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    CHECK_PAGES_MAX = 2048,      /* 8 MiB: a larger file is checked behind the first commits */
    LOCK_WAIT_MS = 5000,         /* one that was killed, or is stopping, may still be going */
    BUSY_WAIT_MS = 10000,        /* a backup, a scanner or a person with sqlite3 has the file at that moment */
    SHRINK_FREE_PAGES = 8192,    /* 32 MiB free ... */
    SHRINK_USED_PAGES_MAX = 2048 /* ... and 8 MiB in use: cheap to copy */
};

/* What is known of a store that turns out to be damaged. */
struct lost {
    uint64_t from, to; /* numbers that were not acknowledged; 0 not known */
    char agent_id[GUID_TEXT_MAX];
    char why[ERR_TEXT_MAX];
};

/* What changes nothing in the file.  cell_size_check: a damaged page is noticed
 * when it is read.  locking_mode before the first look at the log: its index
 * then lives in our memory, without a -shm file. */
static const char settings[] = "PRAGMA page_size = 4096;"
                               "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -4096;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = 1000;"
                               "PRAGMA journal_size_limit = 8388608;";

static int damaged(struct store *s, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s: %s", s->path, what);
}

/* ---- the files ------------------------------------------------------------ */

static int check_folder(const struct store *s, struct err *e)
{
    char folder[STORE_PATH_MAX];
    uv_fs_t req;
    int rc;

    if (strlen(s->path) >= STORE_PATH_MAX - sizeof ".corrupt-20260131T080000Z-00-journal")
        return err_set(e, ERR_INVALID, "the path of the store is too long: %s", s->path);
    rc = uv_fs_access(NULL, &req, path_folder(s->path, folder), W_OK, NULL);
    uv_fs_req_cleanup(&req);
    return rc == 0 ? 0 : uv_error(e, rc, "write to the store's folder", folder);
}

/* Made readable for us alone: the log files SQLite makes take after it. */
static int touch_file(const struct store *s, struct err *e)
{
    uv_fs_t req;
    int fd = uv_fs_open(NULL, &req, s->path, UV_FS_O_RDWR | UV_FS_O_CREAT, 0600, NULL);

    uv_fs_req_cleanup(&req);
    if (fd < 0)
        return uv_error(e, fd, "open the store", s->path);
    uv_fs_close(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
    return 0;
}

static int take_lock(struct store *s, struct err *e)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    char path[STORE_PATH_MAX];
    int rc;

    snprintf(path, sizeof path, "%s.lock", s->path);
    rc = sqlite3_open_v2(path, &s->lock, flags, s->vfs);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(s->lock, LOCK_WAIT_MS);
        rc = sqlite3_exec(s->lock, "PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        return 0;
    if (rc == SQLITE_BUSY)
        return err_set(e, ERR_BUSY,
                       "%s: another process has this store open; stop it (is the service running?) or set store.dir "
                       "to a folder of its own",
                       s->path);
    if (rc == SQLITE_NOMEM)
        return err_set(e, ERR_MEMORY, "%s: out of memory", path);
    if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT)
        return err_set(e, ERR_INVALID, "%s: not a lock file of ours; remove it", path);
    return err_set(e, ERR_IO, "%s: cannot lock: %s", path, sqlite3_errstr(rc));
}

static int open_db(struct store *s, struct err *e)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = touch_file(s, e);

    if (rc != 0)
        return rc;
    rc = sqlite3_open_v2(s->path, &s->db, flags, s->vfs);
    if (s->db == NULL)
        return err_set(e, ERR_MEMORY, "%s: out of memory", s->path);
    if (rc != SQLITE_OK)
        return sql_error(s, e, "open the store");
    /* SQLite is content with reading where opening for both has failed. */
    if (sqlite3_db_readonly(s->db, "main") != 0)
        return err_set(e, ERR_IO, "%s: cannot be opened for writing at the moment", s->path);
    sqlite3_busy_timeout(s->db, BUSY_WAIT_MS);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 2 * STORE_PAYLOAD_MAX);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return sql_exec(s, settings, e);
}

static void close_db(struct store *s)
{
    sql_finalize_all(s);
    sqlite3_close(s->db);
    s->db = NULL;
}

static int take_mode(void *arg, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    *(bool *)arg = strcmp(values[0], "wal") == 0;
    return 0;
}

static int use_wal(struct store *s, struct err *e)
{
    bool wal = false;

    if (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", take_mode, &wal, NULL) != SQLITE_OK)
        return sql_error(s, e, "set the journal mode");
    return wal ? 0
               : err_set(e, ERR_UNSUPPORTED, "%s: SQLite can not keep a write-ahead log here; is it a network share?",
                         s->path);
}

/* ---- checks --------------------------------------------------------------- */

/* A row that does not hold what it should, or that there was no memory to look at. */
static int not_taken(struct store *s, const char *what, struct err *e)
{
    return sql_out_of_memory(s) ? sql_error(s, e, "read the store") : damaged(s, what, e);
}

/* Whether checking all of it has to wait. */
static int is_large(struct store *s, bool *large, struct err *e)
{
    int64_t pages = 0;
    int rc = s->all_at_once ? 0 : sql_number(s, "PRAGMA page_count", &pages, e);

    *large = pages > CHECK_PAGES_MAX;
    return rc;
}

static int quick_check(struct store *s, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0;

    if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        rc = sql_error(s, e, "check the store");
    else if (strcmp(got_text(st, 0), "ok") != 0)
        rc = not_taken(s, got_text(st, 0), e);
    sqlite3_finalize(st);
    return rc;
}

static bool number_at(sqlite3_stmt *st, int column, uint64_t *out)
{
    int64_t v = sqlite3_column_int64(st, column);

    *out = (uint64_t)v;
    return v >= 0 && sqlite3_column_type(st, column) == SQLITE_INTEGER;
}

static bool take_state(struct store *s, sqlite3_stmt *st)
{
    struct ledger *l = &s->now;
    const char *id = got_text(st, 0);
    const unsigned char *levels = sqlite3_column_blob(st, 6);
    size_t len = levels != NULL ? (size_t)sqlite3_column_bytes(st, 6) : 0;
    char canonical[GUID_TEXT_MAX];

    if (!guid_parse(id, strlen(id), canonical) || strcmp(id, canonical) != 0)
        return false;
    memcpy(s->agent_id, canonical, sizeof s->agent_id);
    return number_at(st, 1, &l->next_seq) && number_at(st, 2, &l->acked_through) &&
           number_at(st, 3, &l->dropped_total) && number_at(st, 4, &l->set_aside_total) &&
           ledger_decode(l, levels, len) && state_sum(s, levels, len) == sqlite3_column_int64(st, 5) &&
           l->acked_through < l->next_seq;
}

/* Prepared apart from the kept statements, because this one is also asked of a
 * file that may be too damaged for the others. */
static int load_state(struct store *s, struct err *e)
{
    static const char sql[] =
        "SELECT agent_id, next_seq, acked_through, dropped_total, set_aside_total, sum, levels FROM state";
    sqlite3_stmt *st = NULL;
    int rc = 0, step;

    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        return sql_error(s, e, "read the store's numbers");
    step = sqlite3_step(st);
    if (step == SQLITE_DONE || (step == SQLITE_ROW && !take_state(s, st)))
        rc = not_taken(s, "the store's own numbers are damaged", e);
    else if (step != SQLITE_ROW)
        rc = sql_error(s, e, "read the store's numbers");
    sqlite3_finalize(st);
    return rc;
}

/* One row of what is read at opening: false says it is damaged. */
typedef bool take_fn(struct store *s, sqlite3_stmt *st);

static bool take_mark(struct store *s, sqlite3_stmt *st)
{
    (void)s;
    return mark_sum(got_text(st, 0), got_text(st, 1)) == sqlite3_column_int64(st, 2);
}

static bool take_host(struct store *s, sqlite3_stmt *st)
{
    const void *bytes = sqlite3_column_blob(st, 1);
    size_t len = (size_t)sqlite3_column_bytes(st, 1);

    s->now.host_known = bytes != NULL && text_sum("host", bytes, len) == sqlite3_column_int64(st, 0) &&
                        host_decode(&s->now.host, bytes, len, NULL) == 0;
    return s->now.host_known;
}

static bool take_aside(struct store *s, sqlite3_stmt *st)
{
    s->now.aside_rows++;
    s->now.aside_bytes += (uint64_t)sqlite3_column_int64(st, 0);
    return true;
}

static bool take_guest_count(struct store *s, sqlite3_stmt *st)
{
    s->now.guests = (uint64_t)sqlite3_column_int64(st, 0);
    return true;
}

static bool take_outbox(struct store *s, sqlite3_stmt *st)
{
    return ledger_count(s, st);
}

/* No row at all is no first and no last one. */
static bool take_edge(struct store *s, sqlite3_stmt *st)
{
    uint64_t seq;

    return sqlite3_column_type(st, 0) == SQLITE_NULL ||
           (number_at(st, 0, &seq) && seq > s->now.acked_through && seq < s->now.next_seq);
}

struct load {
    const char *what;
    const char *sql;
    take_fn *take;
};

static const char not_of_the_numbers[] = "a row does not fit the numbers";
static const struct load every_row = { not_of_the_numbers,
                                       "SELECT seq, importance, length(payload) FROM outbox ORDER BY seq",
                                       take_outbox };
static const struct load first_row = { not_of_the_numbers, "SELECT min(seq) FROM outbox", take_edge };
static const struct load last_row = { not_of_the_numbers, "SELECT max(seq) FROM outbox", take_edge };

static const struct load loads[] = {
    { "a source's mark is damaged", "SELECT source, mark, sum FROM mark", take_mark },
    { "what is known of the host is damaged", "SELECT sum, state FROM host", take_host },
    { "what was set aside is damaged", "SELECT length(payload) FROM set_aside", take_aside },
    { "the guests are damaged", "SELECT count(*) FROM guest", take_guest_count },
};

static int load_rows(struct store *s, const struct load *l, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = 0, step = SQLITE_DONE;

    if (sqlite3_prepare_v2(s->db, l->sql, -1, &st, NULL) != SQLITE_OK)
        return sql_error(s, e, "read the store");
    while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW)
        if (!l->take(s, st))
            rc = not_taken(s, l->what, e);
    if (rc == 0 && step != SQLITE_DONE)
        rc = sql_error(s, e, "read the store");
    sqlite3_finalize(st);
    return rc;
}

/* The outbox: counted now, or believed and counted later. */
static int load_outbox(struct store *s, struct err *e)
{
    bool large;
    int rc = is_large(s, &large, e);

    if (rc == 0 && large && s->now.levels_known) {
        rc = load_rows(s, &first_row, e);
        if (rc == 0)
            rc = load_rows(s, &last_row, e);
        s->recount = (struct recount){ .on = true, .next = s->now.acked_through + 1, .end = s->now.next_seq };
    } else if (rc == 0) {
        rc = load_rows(s, &every_row, e);
        if (rc == 0)
            ledger_settle(s);
    }
    return rc;
}

static int load_all(struct store *s, struct err *e)
{
    int rc = load_state(s, e);

    for (size_t i = 0; rc == 0 && i < sizeof loads / sizeof loads[0]; i++)
        rc = load_rows(s, &loads[i], e);
    return rc == 0 ? load_outbox(s, e) : rc;
}

/* ---- a new store ---------------------------------------------------------- */

static int tell_lost(struct store *s, const char *aside, const struct lost *lost, struct err *e)
{
    struct observation *o = own_gap(s, "store-corrupt", lost->from, lost->to);

    if (lost->agent_id[0] != '\0')
        obs_str(o, ATTR_GAP_AGENT_ID, lost->agent_id);
    if (lost->why[0] != '\0')
        obs_body(o, "The store was damaged and set aside as %s; what it held and was not acknowledged is not sent. %s",
                 aside, lost->why);
    else
        obs_body(o,
                 "An earlier store was damaged and set aside as %s; what it held and was not acknowledged is not "
                 "sent.",
                 aside);
    return own_put(s, o, e);
}

/* A new agent id.  A file that was set aside is told of in the same
 * transaction; it is looked for on the disk, so that being killed between
 * setting aside and this commit loses nothing of the story. */
static int make_new(struct store *s, const struct lost *lost, struct err *e)
{
    unsigned char random[16];
    char aside[STORE_PATH_MAX];

    s->random->fill(s->random, random, sizeof random);
    guid_from_random(random, s->agent_id);
    s->now.next_seq = 1;
    s->before = s->now;
    aside_files_newest(s, aside);
    return aside[0] != '\0' ? tell_lost(s, aside, lost, e) : 0;
}

/* ---- opening -------------------------------------------------------------- */

/* What the numbers say, for the gap, should the rest prove damaged. */
static void note_lost(struct store *s, struct lost *lost)
{
    if (load_state(s, NULL) != 0)
        return;
    memcpy(lost->agent_id, s->agent_id, sizeof lost->agent_id);
    if (s->now.acked_through + 1 < s->now.next_seq) {
        lost->from = s->now.acked_through + 1;
        lost->to = s->now.next_seq - 1;
    }
}

/* In one transaction: the steps to the present schema, and what a new store holds. */
static int bring_up(struct store *s, bool fresh, int version, const struct lost *lost, struct err *e)
{
    int rc = sql_exec(s, "BEGIN IMMEDIATE", e);

    if (rc == 0)
        rc = schema_migrate(s, version, e);
    if (rc == 0)
        rc = sql_prepare_all(s, e);
    if (rc == 0)
        rc = fresh ? make_new(s, lost, e) : load_all(s, e);
    if (rc != 0)
        return rc; /* closing the file rolls back */
    s->before = s->now;
    if (version < schema_version)
        return tx_commit(s, e);
    tx_rollback(s);
    return 0;
}

static int open_file(struct store *s, struct store_opened *opened, const struct lost *lost, struct err *e)
{
    enum schema_found found = SCHEMA_EMPTY;
    int version = 0, rc = open_db(s, e);
    bool large = false;

    if (rc == 0)
        rc = schema_look(s, &found, &version, e);
    if (rc == 0 && sqlite3_db_readonly(s->db, "main") != 0)
        rc = damaged(s, "the header says that nobody may write", e);
    if (rc == 0)
        rc = is_large(s, &large, e);
    if (rc == 0 && found == SCHEMA_OURS && !large)
        rc = quick_check(s, e);
    if (rc == 0)
        rc = use_wal(s, e);
    if (rc == 0)
        rc = bring_up(s, found == SCHEMA_EMPTY, version, lost, e);
    if (rc == 0)
        opened->fresh = found == SCHEMA_EMPTY;
    return rc;
}

static void start_over(struct store *s)
{
    /* Kept as it was found, its log included. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    close_db(s);
    s->broken = false;
    s->now = (struct ledger){ 0 };
    s->recount = (struct recount){ 0 };
}

/* Damage is believed when it has been found twice: a read that failed once (a
 * path to the disk was lost) can look like it. */
static int look_again(struct store *s, struct store_opened *opened, const struct lost *lost, struct err *e)
{
    start_over(s);
    return open_file(s, opened, lost, e);
}

/* Sets the damaged file aside and makes a new one; e says what was wrong. */
static int recover(struct store *s, struct store_opened *opened, struct lost *lost, struct err *e)
{
    char aside[STORE_PATH_MAX];
    int rc;

    text_copy(lost->why, sizeof lost->why, e->text);
    note_lost(s, lost);
    start_over(s);
    rc = aside_files_move(s, aside, e);
    if (rc != 0)
        return rc;
    log_event(LOG_ERROR, "store.corrupt", LOG_S("path", s->path), LOG_S("set_aside", aside), LOG_S("why", lost->why));
    opened->recovered = true;
    text_copy(opened->set_aside, sizeof opened->set_aside, aside);
    return open_file(s, opened, lost, e);
}

static int64_t number_or_none(struct store *s, const char *sql)
{
    int64_t n = 0;

    return sql_number(s, sql, &n, NULL) == 0 ? n : 0;
}

/* Gives back a file that is nearly all free pages.  Not doing so is no harm. */
static void shrink(struct store *s)
{
    int64_t pages = number_or_none(s, "PRAGMA page_count"), unused = number_or_none(s, "PRAGMA freelist_count");

    if (unused < SHRINK_FREE_PAGES || pages - unused > SHRINK_USED_PAGES_MAX)
        return;
    if (sqlite3_exec(s->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) == SQLITE_OK)
        log_event(LOG_INFO, "store.shrunk", LOG_S("path", s->path), LOG_I("pages_given_back", unused));
}

static int told_busy(const struct store *s, struct err *e)
{
    return err_set(
        e, ERR_BUSY,
        "%s: another program has this file open and does not let go of it (a backup, sqlite3?); close it, and "
        "the agent can start",
        s->path);
}

static struct store *store_new(const struct store_options *o)
{
    struct store *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->path = strdup(o->path);
    s->max_bytes = o->max_bytes;
    s->all_at_once = o->all_at_once;
    s->clock = o->clock;
    s->random = o->random;
    s->vfs = o->vfs;
    buf_init(&s->payload, STORE_PAYLOAD_MAX);
    buf_init(&s->state, STORE_STATE_MAX);
    obs_batch_init(&s->own, STORE_OWN_MAX);
    if (s->path != NULL)
        return s;
    store_close(s);
    return NULL;
}

int store_open(struct store **out, const struct store_options *options, struct store_opened *opened, struct err *e)
{
    struct lost lost = { 0 };
    struct err why = { 0 };
    struct store *s;
    int rc;

    *out = NULL;
    *opened = (struct store_opened){ 0 };
    if (options->max_bytes < STORE_BYTES_MIN || options->max_bytes > INT64_MAX / 4)
        return err_set(e, ERR_INVALID, "%s: a store of %" PRIu64 " bytes is out of range; %d is the least",
                       options->path, options->max_bytes, STORE_BYTES_MIN);
    s = store_new(options);
    if (s == NULL)
        return err_set(e, ERR_MEMORY, "%s: out of memory", options->path);
    rc = check_folder(s, &why);
    if (rc == 0)
        rc = take_lock(s, &why);
    if (rc == 0)
        rc = open_file(s, opened, &lost, &why);
    if (rc == ERR_CORRUPT)
        rc = look_again(s, opened, &lost, &why);
    if (rc == ERR_CORRUPT)
        rc = recover(s, opened, &lost, &why);
    if (rc == ERR_BUSY && s->db != NULL)
        rc = told_busy(s, &why);
    if (rc != 0) {
        store_close(s);
        return err_set(e, (enum err_code)rc, "%s", why.text);
    }
    shrink(s);
    /* Whatever is there may have been on its way when the last process ended. */
    s->handed_out = s->now.next_seq - 1;
    text_copy(opened->agent_id, sizeof opened->agent_id, s->agent_id);
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    close_db(s);
    sqlite3_close(s->lock);
    obs_batch_free(&s->own);
    buf_free(&s->payload);
    buf_free(&s->state);
    free(s->touched);
    free(s->path);
    free(s);
}

const char *store_agent_id(const struct store *s)
{
    return s->agent_id;
}
