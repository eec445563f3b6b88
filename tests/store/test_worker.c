/* The store's thread: order, bounds, and a stop that loses nothing. */
#include "store/store_worker.h"
#include "tests/store/support.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>

static struct rig r;
static uv_loop_t loop;
static struct store_worker *worker;
static uv_thread_t loop_thread;
static bool stopped;

static void on_stopped(void *arg)
{
    ck_assert_ptr_eq(arg, &stopped);
    stopped = true;
}

static void setup(void)
{
    rig_init(&r);
    rig_open(&r);
    loop_thread = uv_thread_self();
    stopped = false;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(store_worker_start(&worker, &loop, r.store, &r.err), 0);
    r.store = NULL; /* the worker's now */
}

/* Stops, runs the loop to its end, and opens the store again. */
static void finish(void)
{
    store_worker_stop(worker, on_stopped, &stopped);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert(stopped);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    rig_open(&r);
}

struct job {
    int number;
    int *next; /* the number whose turn it is to be done */
    bool worked;
    uint64_t seq;
    int rc;
};

static void append_one(struct store *s, void *arg)
{
    struct job *j = arg;
    struct store_appended out;
    struct obs_batch batch;
    struct err e;
    uv_thread_t self = uv_thread_self();

    if (uv_thread_equal(&self, &loop_thread))
        j->rc = -1;
    obs_batch_init(&batch, MIB);
    obs_int(obs_new(&batch, OBS_EVENT_RAW, 1, 1), "n", j->number);
    if (j->rc == 0)
        j->rc = store_append(s, HOST, &batch, NULL, 0, &out, &e);
    j->seq = out.last_seq;
    j->worked = true;
    obs_batch_free(&batch);
}

static void check_done(void *arg)
{
    struct job *j = arg;
    uv_thread_t self = uv_thread_self();

    ck_assert_int_ne(uv_thread_equal(&self, &loop_thread), 0);
    ck_assert(j->worked);
    ck_assert_int_eq(j->rc, 0);
    ck_assert_int_eq(j->number, *j->next);
    ck_assert_uint_eq(j->seq, (uint64_t)j->number + 1);
    ++*j->next;
}

START_TEST(jobs_run_in_order_on_the_stores_thread_and_are_done_on_the_loops)
{
    struct job jobs[100];
    int next = 0;

    setup();
    for (int i = 0; i < 100; i++) {
        jobs[i] = (struct job){ .number = i, .next = &next };
        ck_assert_int_eq(store_worker_submit(worker, append_one, check_done, &jobs[i], &r.err), 0);
    }
    while (next < 100)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(store_worker_depth(worker), 0);
    finish();
    ck_assert_int_eq(next, 100);
    ck_assert_uint_eq(stats_of(&r).rows, 100);
    rig_close(&r);
}
END_TEST

START_TEST(a_stop_runs_what_is_queued_and_calls_it_done_before_it_says_stopped)
{
    struct job jobs[50];
    int next = 0;

    setup();
    for (int i = 0; i < 50; i++) {
        jobs[i] = (struct job){ .number = i, .next = &next };
        ck_assert_int_eq(store_worker_submit(worker, append_one, check_done, &jobs[i], &r.err), 0);
    }
    finish();
    ck_assert_int_eq(next, 50);
    ck_assert_uint_eq(stats_of(&r).rows, 50);
    rig_close(&r);
}
END_TEST

START_TEST(an_idle_worker_stops)
{
    setup();
    ck_assert_int_eq(store_worker_depth(worker), 0);
    ck_assert_int_eq(store_worker_busy_ns(worker), 0);
    finish();
    rig_close(&r);
}
END_TEST

static uv_sem_t gate;

static void wait_at_gate(struct store *s, void *arg)
{
    (void)s;
    (void)arg;
    uv_sem_wait(&gate);
}

static void count_done(void *arg)
{
    ++*(int *)arg;
}

START_TEST(a_full_queue_is_busy_and_takes_jobs_again_when_one_is_done)
{
    int done = 0;

    setup();
    ck_assert_int_eq(uv_sem_init(&gate, 0), 0);
    for (int i = 0; i < STORE_QUEUE_MAX; i++)
        ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, count_done, &done, &r.err), 0);
    ck_assert_int_eq(store_worker_depth(worker), STORE_QUEUE_MAX);
    ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, count_done, &done, &r.err), ERR_BUSY);
    uv_sem_post(&gate);
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(store_worker_depth(worker), STORE_QUEUE_MAX - 1);
    ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, NULL, NULL, &r.err), 0);
    for (int i = 0; i < STORE_QUEUE_MAX; i++)
        uv_sem_post(&gate);
    finish();
    ck_assert_int_eq(done, STORE_QUEUE_MAX);
    uv_sem_destroy(&gate);
    rig_close(&r);
}
END_TEST

START_TEST(a_job_that_hangs_is_seen_from_the_loop)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    int64_t first;
    int done = 0;

    setup();
    ck_assert_int_eq(uv_sem_init(&gate, 0), 0);
    ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, count_done, &done, &r.err), 0);
    while ((first = store_worker_busy_ns(worker)) == 0)
        nanosleep(&pause, NULL);
    nanosleep(&pause, NULL);
    ck_assert_int_ge(store_worker_busy_ns(worker), first + pause.tv_nsec);
    uv_sem_post(&gate);
    while (done == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(store_worker_busy_ns(worker), 0);
    finish();
    uv_sem_destroy(&gate);
    rig_close(&r);
}
END_TEST

static void submit_another(void *arg)
{
    int *left = arg;

    if (--*left > 0)
        ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, submit_another, left, &r.err), 0);
}

START_TEST(a_done_function_may_submit_the_next_job)
{
    int left = 20;

    setup();
    ck_assert_int_eq(uv_sem_init(&gate, 100), 0);
    ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, submit_another, &left, &r.err), 0);
    while (left > 0)
        uv_run(&loop, UV_RUN_ONCE);
    finish();
    uv_sem_destroy(&gate);
    rig_close(&r);
}
END_TEST

static int late_rc;

static void submit_late(void *arg)
{
    (void)arg;
    late_rc = store_worker_submit(worker, wait_at_gate, NULL, NULL, &r.err);
}

START_TEST(a_worker_that_is_stopping_takes_no_more_jobs)
{
    setup();
    late_rc = 0;
    ck_assert_int_eq(uv_sem_init(&gate, 1), 0);
    ck_assert_int_eq(store_worker_submit(worker, wait_at_gate, submit_late, NULL, &r.err), 0);
    finish();
    ck_assert_int_eq(late_rc, ERR_STATE);
    uv_sem_destroy(&gate);
    rig_close(&r);
}
END_TEST

static void ask_rows(struct store *s, void *arg)
{
    struct store_stats stats;
    struct err e;

    ck_assert_int_eq(store_stats(s, &stats, &e), 0);
    *(uint64_t *)arg = stats.rows;
}

/* A row was taken out behind the store's back: the thread finds out by itself, between its jobs. */
START_TEST(a_large_store_is_counted_between_the_jobs)
{
    uint64_t rows = 0;
    sqlite3 *db;

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < 14; i++)
        append(&r, OBS_EVENT_RAW, 500, 2000, NULL);
    rig_close(&r);
    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM outbox WHERE seq = 6000", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    rig_open(&r);
    ck_assert_uint_eq(stats_of(&r).rows, 7000);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(store_worker_start(&worker, &loop, r.store, &r.err), 0);
    r.store = NULL;
    while (rows != 6999) { /* the suite's time limit ends it otherwise */
        uv_sleep(200);
        ck_assert_int_eq(store_worker_submit(worker, ask_rows, NULL, &rows, &r.err), 0);
        while (store_worker_depth(worker) > 0)
            uv_run(&loop, UV_RUN_ONCE);
    }
    finish();
    rig_close(&r);
}
END_TEST

static void ask_anything(struct store *s, void *arg)
{
    struct store_stats stats;
    struct err e;

    *(int *)arg = store_stats(s, &stats, &e);
}

START_TEST(damage_that_is_found_between_the_jobs_is_told_to_the_next)
{
    int rc = 0;
    sqlite3 *db;

    rig_init(&r);
    rig_open(&r);
    for (int i = 0; i < 14; i++)
        append(&r, OBS_EVENT_RAW, 500, 2000, NULL);
    rig_close(&r);
    ck_assert_int_eq(sqlite3_open(r.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "UPDATE outbox SET importance = 77 WHERE seq = 6000", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    rig_open(&r);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(store_worker_start(&worker, &loop, r.store, &r.err), 0);
    r.store = NULL;
    while (rc == 0) { /* the suite's time limit ends it otherwise */
        uv_sleep(200);
        ck_assert_int_eq(store_worker_submit(worker, ask_anything, NULL, &rc, &r.err), 0);
        while (store_worker_depth(worker) > 0)
            uv_run(&loop, UV_RUN_ONCE);
    }
    ck_assert_int_eq(rc, ERR_CORRUPT);
    r.all_at_once = true;
    finish();
    ck_assert(r.opened.recovered);
    rig_close(&r);
}
END_TEST

static void add(Suite *s)
{
    suite_test(s, damage_that_is_found_between_the_jobs_is_told_to_the_next);
    suite_test(s, jobs_run_in_order_on_the_stores_thread_and_are_done_on_the_loops);
    suite_test(s, a_large_store_is_counted_between_the_jobs);
    suite_test(s, a_stop_runs_what_is_queued_and_calls_it_done_before_it_says_stopped);
    suite_test(s, an_idle_worker_stops);
    suite_test(s, a_full_queue_is_busy_and_takes_jobs_again_when_one_is_done);
    suite_test(s, a_job_that_hangs_is_seen_from_the_loop);
    suite_test(s, a_done_function_may_submit_the_next_job);
    suite_test(s, a_worker_that_is_stopping_takes_no_more_jobs);
}

int main(void)
{
    return suite_main("store: worker", add);
}
