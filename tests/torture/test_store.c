/* Every allocation and every system call of every call of the agent's store fails, once and from then on: the call is
 * an error in words or does its work, an error has changed nothing, nothing leaks, and the same call does its work
 * when the fault is gone.
 */
#include "base/log.h"
#include "base/times.h"
#include "model/crash_key.h"
#include "store/store.h"
#include "store/store_worker.h"
#include "tests/support/suite.h"
#include "tests/torture/failing.h"
#include "tests/torture/way.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW    (INT64_C(1769932800) * NS_PER_S)
#define VM     "AAAAAAAA-0000-4000-8000-00000000000%d"
#define MARKED "source"

enum {
    MAX_BYTES = 48 * 1024,
    MIB = 1024 * 1024,
    FILLING = 1500,
    ROWS = 12,
    GUESTS = 3,
    SHORT_ROUNDS = 150, /* of one fault in one call */
    POINTS_MAX = 100000,
};

static char path[512], template[512], damaged[512];
static struct store *store;
static struct err why;
static bool lasts;
static int64_t moment = NOW; /* what the clock says */

static int64_t now(const struct clock *c)
{
    (void)c;
    return moment;
}

static const struct clock clock_at_rest = { .wall_ns = now, .monotonic_ns = now };

/* ---- batches, made while nothing fails ---------------------------------- */

static struct obs_batch guests, dump, large, empty;
static const struct store_mark old_mark = { MARKED, "the old mark, of thirty-eight letters." },
                               new_mark = { MARKED, "new" };

static void about_crash(struct observation *o)
{
    obs_str(o, ATTR_CRASH_KIND, "bugcheck");
    obs_str(o, ATTR_CRASH_CODE, "0x000000d1");
    for (int i = 1; i <= CRASH_PARAMETERS; i++) {
        char key[OBS_KEY_MAX];

        snprintf(key, sizeof key, ATTR_CRASH_PARAM_N, i);
        obs_str(o, key, "0x0000000000000007");
    }
}

static void make_batches(void)
{
    static char filling[FILLING];
    struct observation *o;

    memset(filling, 'x', sizeof filling - 1);
    obs_batch_init(&guests, MIB);
    obs_batch_init(&dump, MIB);
    obs_batch_init(&large, MIB);
    obs_batch_init(&empty, MIB);
    for (int i = 0; i < GUESTS; i++) {
        char id[GUID_TEXT_MAX];

        snprintf(id, sizeof id, VM, i);
        o = obs_new(&guests, OBS_GUEST_CRASH, NOW, NOW);
        obs_str(o, ATTR_VM_ID, id);
        obs_str(o, ATTR_VM_NAME, "web01");
        obs_str(o, "filling", filling);
        about_crash(o);
    }
    o = obs_new(&dump, OBS_GUEST_DUMP, NOW, NOW);
    about_crash(o);
    obs_str(o, ATTR_DUMP_TIME, "2026-02-01T08:00:00Z");
    for (int i = 0; i < 2 * MAX_BYTES / FILLING; i++)
        obs_str(obs_new(&large, OBS_EVENT_RAW, NOW, NOW), "filling", filling);
}

static void free_batches(void)
{
    obs_batch_free(&guests);
    obs_batch_free(&dump);
    obs_batch_free(&large);
    obs_batch_free(&empty);
}

/* ---- the calls ---------------------------------------------------------- */

static int append(struct obs_batch *batch, const struct store_mark *mark)
{
    struct store_appended out;

    return store_append(store, "HOST-1", batch, mark, 1, &out, &why);
}

static int append_guests(void)
{
    return append(&guests, &new_mark);
}

static int append_dump(void)
{
    return append(&dump, &new_mark);
}

static int append_too_much(void)
{
    return append(&large, &new_mark);
}

static int append_mark(void)
{
    return append(&empty, &new_mark);
}

static int append_same_mark(void)
{
    return append(&empty, &old_mark);
}

static int get_mark(void)
{
    struct buf out;
    int rc;

    buf_init(&out, 64);
    rc = store_mark_get(store, MARKED, &out, &why);
    buf_free(&out);
    return rc;
}

static int read_some(void)
{
    struct store_slice slice;
    int rc = store_read(store, 0, 100, MIB, &slice, &why);

    store_slice_free(&slice);
    return rc;
}

/* All of it, or an error. */
static int read_state(void)
{
    struct store_slice slice;
    int rc = store_read_state(store, 0, 100, MIB, &slice, &why);
    bool whole = slice.count > 0 && slice.count == slice.last_seq - slice.first_seq + 1;

    store_slice_free(&slice);
    return rc == 0 && !whole ? -1 : rc;
}

static int acknowledge(void)
{
    return store_ack(store, 5, &why);
}

static int set_aside(void)
{
    return store_set_aside(store, 3, 4, "no", &why);
}

static bool next_guest(void *arg, const struct guest *g)
{
    (void)arg;
    (void)g;
    return true;
}

static int read_guests(void)
{
    return store_guests(store, next_guest, NULL, &why);
}

static int figures(void)
{
    struct store_stats out;

    return store_stats(store, &out, &why);
}

/* A hub that knows more than was given: done is the new agent id, told as damage. */
static int acknowledge_too_much(void)
{
    int rc = store_ack(store, 1000, &why);

    return rc == ERR_CORRUPT ? 0 : rc;
}

static void close_store(void)
{
    store_close(store);
    store = NULL;
}

static int open_path(bool *made, bool *recovered)
{
    struct store_options o = { .path = path, .max_bytes = MAX_BYTES, .clock = &clock_at_rest, .random = plat_random() };
    struct store_opened opened;
    int rc = store_open(&store, &o, &opened, &why);

    *made = opened.fresh;
    *recovered = opened.recovered;
    return rc;
}

/* Not once is a good file taken for a damaged one. */
static int open_store(void)
{
    bool made, recovered;
    int rc = open_path(&made, &recovered);

    return rc == 0 && (made || recovered) ? -1 : rc;
}

/* And what is open can be written. */
static int open_and_write(void)
{
    int rc = open_store();

    if (rc == 0)
        rc = append_mark();
    if (rc != 0)
        close_store();
    return rc;
}

static int make_store(void)
{
    bool made, recovered;
    int rc = open_path(&made, &recovered);

    return rc == 0 && (!made || recovered) ? -1 : rc;
}

/* The first try may have set the file aside and have failed after that. */
static int open_damaged(void)
{
    bool made, recovered;
    int rc = open_path(&made, &recovered);

    return rc == 0 && !made ? -1 : rc;
}

/* A text is ended by a zero, for which SQLite asks for memory where it finds a blob of 38 bytes. */
enum { STEPS = 1, NO_STORE = 2, NO_FILE = 4, EVICTED = 8, EVERY = 16 };

static const char guests_to_the_bound[] =
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 8192) INSERT INTO guest"
    " SELECT printf('%08X-0000-4000-8000-000000000000', i), 'vm', i, 0, x'00' FROM n;"
    "DELETE FROM guest WHERE name <> 'vm'";

static const struct call {
    const char *name;
    int (*make)(void);
    const char *damage; /* done to the file before */
    int how;            /* STEPS: several transactions, of which some may be done when one fails */
} calls[] = {
    { "append guests", append_guests, NULL, 0 },
    { "append to a damaged guest", append_guests, "UPDATE guest SET sum = 1", 0 },
    { "append a guest too many", append_guests, guests_to_the_bound, 0 },
    { "append a dump", append_dump, NULL, 0 },
    { "append more than there is room for", append_too_much, NULL, 0 },
    { "append a mark", append_mark, NULL, 0 },
    { "append the same mark", append_same_mark, NULL, 0 },
    { "get a mark", get_mark, NULL, 0 },
    { "read", read_some, NULL, 0 },
    { "read damaged rows", read_some, "UPDATE outbox SET sum = 1 WHERE seq IN (2, 3, 7)", STEPS },
    { "read the newest state", read_state, "UPDATE outbox SET kind = 'hyperv.guest.inventory'", 0 },
    { "acknowledge", acknowledge, NULL, 0 },
    { "acknowledge more than was given", acknowledge_too_much, NULL, 0 },
    { "set aside", set_aside, NULL, 0 },
    { "set aside what is too much to keep", set_aside,
      "WITH RECURSIVE n(i) AS (VALUES(-1) UNION ALL SELECT i - 1 FROM n WHERE i > -1000) INSERT INTO set_aside"
      " SELECT i, 'x', 0, 0, 'no', x'00' FROM n",
      0 },
    { "append too much once more", append_too_much, NULL, EVICTED },
    { "get a mark that is no text", get_mark, "UPDATE mark SET mark = CAST(mark AS BLOB)", 0 },
    { "read guests whose ids are no text", read_guests, "UPDATE guest SET vm_id = CAST(vm_id || 'xx' AS BLOB)", 0 },
    { "open one whose mark is no text", open_and_write, "UPDATE mark SET mark = CAST(mark AS BLOB)", NO_STORE | EVERY },
    { "read the guests", read_guests, NULL, 0 },
    { "figures", figures, NULL, 0 },
    { "open", open_and_write, NULL, NO_STORE },
    { "open a damaged one", open_damaged, "UPDATE mark SET sum = 1", NO_STORE },
    { "make one", make_store, NULL, NO_STORE | NO_FILE },
};

/* ---- the store they are made to ----------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(from, &len);
    FILE *f = fopen(to, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
    free(bytes);
}

/* The file that a call begins with. */
static void damage_file(const char *sql)
{
    sqlite3 *db;

    copy_file(template, damaged);
    if (sql == NULL)
        return;
    ck_assert_int_eq(sqlite3_open(damaged, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void remove_log(void)
{
    char wal[600];

    snprintf(wal, sizeof wal, "%s-wal", path);
    unlink(wal);
}

/* A file with rows, guests, a mark and something set aside, closed. */
static void make_template(void)
{
    struct store_options o = {
        .path = template, .max_bytes = MAX_BYTES, .clock = &clock_at_rest, .random = plat_random()
    };
    struct store_opened opened;

    make_batches();
    ck_assert_int_eq(store_open(&store, &o, &opened, &why), 0);
    for (int i = 0; i < ROWS / GUESTS; i++)
        ck_assert_int_eq(append(&guests, &old_mark), 0);
    ck_assert_int_eq(store_set_aside(store, 1, 1, "no", &why), 0);
    close_store();
    free_batches();
}

static void fresh_file(const struct call *c)
{
    moment += NS_PER_S; /* files set aside have names of their own */
    remove_log();
    unlink(path);
    if ((c->how & NO_FILE) == 0)
        copy_file(damaged, path);
    if ((c->how & NO_STORE) == 0)
        ck_assert_msg(open_store() == 0, "%s", why.text);
    if ((c->how & EVICTED) != 0)
        ck_assert_int_eq(append(&large, &old_mark), 0);
}

/* What the store says of itself. */
struct state {
    char text[256];
};

static struct state state_of(void)
{
    struct state out = { "" };
    struct store_stats s;
    struct buf mark;

    if (store == NULL)
        return out;
    ck_assert_msg(store_stats(store, &s, &why) == 0, "%s", why.text);
    buf_init(&mark, 64);
    ck_assert_int_eq(store_mark_get(store, MARKED, &mark, &why), 0);
    snprintf(out.text, sizeof out.text,
             "%s: %llu rows, %llu bytes, through %llu, acknowledged %llu, dropped %llu, "
             "aside %llu, %llu guests, mark %s",
             store_agent_id(store), (unsigned long long)s.rows, (unsigned long long)s.bytes,
             (unsigned long long)s.last_seq, (unsigned long long)s.acked_through, (unsigned long long)s.dropped_total,
             (unsigned long long)s.set_aside_total, (unsigned long long)s.guests, buf_text(&mark));
    buf_free(&mark);
    return out;
}

/* ---- faults ------------------------------------------------------------- */

struct fault {
    int error;    /* 0: memory */
    int expected; /* what a call may say; a disk that can not be opened is an I/O error too */
};

static const struct fault memory = { 0, ERR_MEMORY }, broken = { EIO, ERR_IO }, full = { ENOSPC, ERR_NO_SPACE },
                          quota = { EDQUOT, ERR_NO_SPACE };

/* SQLite takes some errors of a disk for damage (also of the lock's file), and a file that it could not open for one
 * that it may not write. */
static bool is_expected(const struct fault *f, int rc)
{
    bool from_disk = rc == ERR_IO || rc == ERR_CORRUPT || rc == ERR_INVALID || rc == ERR_PERMISSION;

    return rc == 0 || rc == f->expected || (f->error != 0 && from_disk);
}

static void check_result(const struct call *c, const struct fault *f, int64_t n, int rc, const struct state *before)
{
    struct state after;

    ck_assert_msg(is_expected(f, rc), "%s, point %lld: %d %s", c->name, (long long)n, rc, why.text);
    if (rc == 0)
        return;
    ck_assert_msg(why.text[0] != '\0', "%s, point %lld: %d without a word", c->name, (long long)n, rc);
    if (rc == ERR_CORRUPT && (c->how & NO_STORE) == 0) { /* which is found to be none */
        close_store();
        ck_assert_msg(open_store() == 0, "%s, point %lld: a good file is damaged: %s", c->name, (long long)n, why.text);
    }
    after = state_of();
    ck_assert_msg((c->how & STEPS) != 0 || strcmp(after.text, before->text) == 0,
                  "%s, point %lld, an error that changed\n%s\nto\n%s", c->name, (long long)n, before->text, after.text);
    rc = c->make();
    ck_assert_msg(rc == 0, "%s, after point %lld: %d %s", c->name, (long long)n, rc, why.text);
}

/* One call with its n-th point failing; false: it has fewer. */
static bool fail_at(const struct call *c, const struct fault *f, int64_t n)
{
    struct state before;
    int64_t blocks;
    bool met;
    int rc;

    blocks = failing_blocks();
    make_batches();
    fresh_file(c);
    before = state_of();
    why = (struct err){ 0 };
    if (f->error == 0)
        failing_memory(n, lasts);
    else
        failing_calls(n, f->error, lasts);
    rc = c->make();
    met = failing_end();
    check_result(c, f, n, rc, &before);
    close_store();
    ck_assert_msg(open_store() == 0, "%s, point %lld: then %s", c->name, (long long)n, why.text);
    close_store();
    free_batches();
    ck_assert_msg(f->error != 0 || failing_blocks() == blocks, "%s, point %lld: %lld blocks were not freed", c->name,
                  (long long)n, (long long)(failing_blocks() - blocks));
    return met;
}

static void say_nothing(enum log_level level, const char *line, void *arg)
{
    (void)level;
    (void)line;
    (void)arg;
}

static void fail_each(const struct fault *f)
{
    if (f->error == 0 && !failing_memory_works())
        skip("the sanitizer has allocators of its own");
    ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK); /* each allocation can fail */
    snprintf(template, sizeof template, "%s/template.db", temp_dir());
    snprintf(path, sizeof path, "%s/store.db", temp_dir());
    snprintf(damaged, sizeof damaged, "%s/damaged.db", temp_dir());
    make_template();
    log_set_sink(say_nothing, NULL);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int64_t points = 1, step;

        damage_file(calls[i].damage);
        lasts = false;
        while (points < POINTS_MAX && fail_at(&calls[i], f, points))
            points *= 2;
        step = (calls[i].how & EVERY) != 0 ? 1 : way_stride(points, SHORT_ROUNDS);
        for (int64_t n = 1; fail_at(&calls[i], f, n); n += step)
            ;
        lasts = true;
        for (int64_t n = 1; fail_at(&calls[i], f, n); n += step)
            ;
        printf("%s: about %lld points, each %lld\n", calls[i].name, (long long)points, (long long)step);
    }
}

static void on_stopped(void *arg)
{
    *(bool *)arg = true;
}

/* A store whose thread could not be started is still its owner's. */
START_TEST(a_thread_that_can_not_be_had_is_an_error_and_may_be_had_later)
{
    struct store_worker *worker;
    bool stopped = false;
    uv_loop_t loop;

    snprintf(path, sizeof path, "%s/store.db", temp_dir());
    ck_assert_int_eq(make_store(), 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    failing_memory(failing_memory_works(), false);
    failing_calls(!failing_memory_works(), EAGAIN, false);
    ck_assert_int_eq(store_worker_start(&worker, &loop, store, &why), ERR_MEMORY);
    ck_assert(failing_end());
    failing_calls(1, EAGAIN, false);
    ck_assert_int_eq(store_worker_start(&worker, &loop, store, &why), ERR_MEMORY);
    ck_assert(failing_end());
    ck_assert_ptr_null(worker);
    ck_assert_ptr_nonnull(strstr(why.text, "cannot start the store's thread"));
    ck_assert_int_eq(figures(), 0);
    ck_assert_int_eq(store_worker_start(&worker, &loop, store, &why), 0);
    store_worker_stop(worker, on_stopped, &stopped);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert(stopped);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

START_TEST(memory_that_runs_out_in_any_call_changes_nothing)
{
    fail_each(&memory);
}
END_TEST

START_TEST(a_disk_that_breaks_in_any_call_changes_nothing)
{
    fail_each(&broken);
}
END_TEST

START_TEST(a_quota_that_is_used_up_in_any_call_changes_nothing)
{
    fail_each(&quota);
}
END_TEST

START_TEST(a_disk_that_is_full_in_any_call_changes_nothing)
{
    fail_each(&full);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, a_thread_that_can_not_be_had_is_an_error_and_may_be_had_later);
    suite_test(s, memory_that_runs_out_in_any_call_changes_nothing);
    suite_test(s, a_disk_that_breaks_in_any_call_changes_nothing);
    suite_test(s, a_quota_that_is_used_up_in_any_call_changes_nothing);
    suite_test(s, a_disk_that_is_full_in_any_call_changes_nothing);
}

int main(void)
{
    return suite_main("torture: the agent's store", add);
}
